/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a durable commit through the store takes, against a bare LMDB put and commit of as many
 * bytes, and against bare LMDB doing the same puts in as many tables; creating one user among a
 * thousand and among a million; walking over all of them.
 *
 * The loads take turns commit by commit and medians are compared, so that another's load on the
 * disk hits all of them alike.
 *
 *     bench_store [--dir DIR] [--rounds N] [--users N]
 *
 * DIR is on the disk to measure (default: the working directory).  --users adds the figures with N
 * users in store (0 as shipped: they take a minute). */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/median.h"
#include "tests/bench/people.h"
#include "umd/store/internal.h"

#define ROUNDS_MAX 20000U

static _Noreturn void die(const char *what, int r) {
        fprintf(stderr, "bench_store: %s: %s\n", what, strerror(r < 0 ? -r : r));
        exit(1);
}

static void must(const char *what, int r) {
        if (r != 0)
                die(what, r);
}

static uint64_t now_usec(void) {
        return base_boottime_usec();
}

/* What this process had of the cores. */
static uint64_t cpu_usec(void) {
        struct timespec ts;

        must("clock", clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) < 0 ? -errno : 0);
        return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static void path_make(char *path, size_t size, const char *dir, const char *name) {
        if (snprintf(path, size, "%s/%s", dir, name) >= (int)size)
                die(dir, ENAMETOOLONG);
}

static Store *store_make(const char *root, const char *name) {
        char path[512];
        Store *store;

        path_make(path, sizeof(path), root, name);
        must("mkdir", mkdir(path, 0700) < 0 ? -errno : 0);
        must("open", store_open(path, true, &store));
        return store;
}

static void directory_remove(const char *root, const char *name) {
        static const char *const files[] = { "/data.mdb", "/lock.mdb", "/lock", "" };
        char path[512], file[540];

        path_make(path, sizeof(path), root, name);
        for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
                snprintf(file, sizeof(file), "%s%s", path, files[i]);
                (void)remove(file);
        }
}

/* ---- bare LMDB ------------------------------------------------------------------------------- */

#define BARE_TABLES 5U

typedef struct Bare {
        MDB_env *env;
        MDB_dbi dbi, tables[BARE_TABLES];
        uint64_t next;
} Bare;

static void bare_open(const char *root, const char *name, Bare *bare) {
        static const char *const names[BARE_TABLES] = { "a", "b", "c", "d", "e" };
        char path[512];
        MDB_txn *txn;

        path_make(path, sizeof(path), root, name);
        must("mkdir", mkdir(path, 0700) < 0 ? -errno : 0);
        must("bare", mdb_env_create(&bare->env));
        must("bare", mdb_env_set_maxdbs(bare->env, BARE_TABLES));
        must("bare", mdb_env_set_mapsize(bare->env, (size_t)1 << 32));
        must("bare", mdb_env_open(bare->env, path, MDB_NOTLS, 0600));
        must("bare", mdb_txn_begin(bare->env, NULL, 0, &txn));
        must("bare", mdb_dbi_open(txn, NULL, 0, &bare->dbi));
        for (size_t i = 0; i < BARE_TABLES; i++)
                must("bare", mdb_dbi_open(txn, names[i], MDB_CREATE, &bare->tables[i]));
        must("bare", mdb_txn_commit(txn));
}

static void bare_put(MDB_txn *txn, MDB_dbi dbi, uint64_t key, size_t len) {
        static const uint8_t data[1024];
        uint8_t key_bytes[8];
        MDB_val k = { sizeof(key_bytes), key_bytes }, v = { len, (void *)(uintptr_t)data };

        key_u64(key_bytes, key);
        must("bare", mdb_put(txn, dbi, &k, &v, 0));
}

/* One put and commit. */
static void bare_commit(Bare *bare, size_t len) {
        MDB_txn *txn;

        must("bare", mdb_txn_begin(bare->env, NULL, 0, &txn));
        bare_put(txn, bare->dbi, bare->next++, len);
        must("bare", mdb_txn_commit(txn));
}

/* What a created user is to LMDB: the record, the grant, the entry and its values, the event at the
 * ends of their tables; name and address somewhere in theirs; the meta record. */
static void bare_user_put(Bare *bare, MDB_txn *txn) {
        static const struct {
                unsigned table;
                size_t len;
                bool ordered;
        } rows[] = {
                { 0, 120, true }, { 1, 50, true }, { 2, 120, true }, { 2, 110, true },
                { 3, 60, true },  { 4, 4, false }, { 4, 4, false },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++, bare->next++)
                bare_put(txn, bare->tables[rows[i].table],
                         rows[i].ordered ? bare->next : bare->next * 0x9E3779B97F4A7C15U,
                         rows[i].len);
        bare_put(txn, bare->dbi, UINT64_MAX, 130);
}

static void bare_users_commit(Bare *bare, unsigned count) {
        MDB_txn *txn;

        must("bare", mdb_txn_begin(bare->env, NULL, 0, &txn));
        for (unsigned i = 0; i < count; i++)
                bare_user_put(bare, txn);
        must("bare", mdb_txn_commit(txn));
}

/* ---- the store ------------------------------------------------------------------------------- */

/* The smallest durable change umd makes: a record replaced. */
static void credential_charge(Store *store) {
        static uint64_t version;
        static const uint8_t verifier[160];
        StoreCredential credential = { .uid = 1,
                                       .version = version++,
                                       .verifier_version = version,
                                       .password = { verifier, sizeof(verifier), version } };
        StoreTxn *txn;

        must("begin", store_begin(store, &txn));
        must("credential", store_credential_put(txn, &credential));
        must("commit", store_commit(&txn));
}

/* ---- measuring ------------------------------------------------------------------------------- */

typedef enum Load {
        LOAD_BARE_SMALL, /* one put of a credential's size */
        LOAD_CREDENTIAL,
        LOAD_BARE_USER, /* one put of as many bytes as a created user's records have */
        LOAD_BARE_TABLES,
        LOAD_BARE_TABLES_64,
        LOAD_USER,
        LOAD_USER_8,
        LOAD_USER_64,
        _LOAD_MAX,
} Load;

static const struct {
        const char *label;
        unsigned changes; /* a commit */
        Load base;        /* what it is compared with */
} loads[_LOAD_MAX] = {
        [LOAD_BARE_SMALL] = { "bare LMDB: one put of 200 bytes", 1, LOAD_BARE_SMALL },
        [LOAD_CREDENTIAL] = { "store: one record replaced", 1, LOAD_BARE_SMALL },
        [LOAD_BARE_USER] = { "bare LMDB: one put of 900 bytes", 1, LOAD_BARE_USER },
        [LOAD_BARE_TABLES] = { "bare LMDB: a user's rows, as many tables", 1, LOAD_BARE_USER },
        [LOAD_BARE_TABLES_64] = { "bare LMDB: 64 users' rows", 64, LOAD_BARE_TABLES_64 },
        [LOAD_USER] = { "store: one user created", 1, LOAD_BARE_TABLES },
        [LOAD_USER_8] = { "store: 8 users created", 8, LOAD_BARE_TABLES },
        [LOAD_USER_64] = { "store: 64 users created", 64, LOAD_BARE_TABLES_64 },
};

/* The places a load writes to: one bare environment for each, one store for each. */
typedef struct Place {
        Bare bare;
        Store *store;
        uint32_t next;
} Place;

static void load_commit(Load load, Place *place) {
        switch (load) {
        case LOAD_BARE_SMALL:
                bare_commit(&place->bare, 200);
                return;
        case LOAD_BARE_USER:
                bare_commit(&place->bare, 900);
                return;
        case LOAD_BARE_TABLES:
        case LOAD_BARE_TABLES_64:
                bare_users_commit(&place->bare, loads[load].changes);
                return;
        case LOAD_CREDENTIAL:
                credential_charge(place->store);
                break;
        case LOAD_USER:
        case LOAD_USER_8:
        case LOAD_USER_64:
                for (unsigned i = 0; i < loads[load].changes; i++)
                        must("user", people_create(place->store, place->next++));
                break;
        case _LOAD_MAX:
                return;
        }
        must("flush", store_flush(place->store));
}

static bool load_is_bare(Load load) {
        return load <= LOAD_BARE_TABLES_64 && load != LOAD_CREDENTIAL;
}

static void commits_measure(const char *root, unsigned rounds) {
        static double times[_LOAD_MAX][ROUNDS_MAX];
        double medians[_LOAD_MAX];
        Place places[_LOAD_MAX] = {};
        char name[16];

        for (Load load = 0; load < _LOAD_MAX; load++) {
                snprintf(name, sizeof(name), "load%u", load);
                if (load_is_bare(load))
                        bare_open(root, name, &places[load].bare);
                else
                        places[load].store = store_make(root, name);
        }
        for (unsigned round = 0; round < rounds; round++)
                for (Load load = 0; load < _LOAD_MAX; load++) {
                        uint64_t start = now_usec();

                        load_commit(load, &places[load]);
                        times[load][round] = (double)(now_usec() - start);
                }
        for (Load load = 0; load < _LOAD_MAX; load++) {
                medians[load] = median(times[load], rounds);
                printf("%-42s %7.0f us %8.0f changes/s  %5.2f of %s\n", loads[load].label,
                       medians[load], loads[load].changes * 1e6 / medians[load],
                       loads[load].changes * medians[loads[load].base] /
                               (loads[loads[load].base].changes * medians[load]),
                       loads[loads[load].base].label);
                if (load_is_bare(load))
                        mdb_env_close(places[load].bare.env);
                store_close(places[load].store);
                snprintf(name, sizeof(name), "load%u", load);
                directory_remove(root, name);
        }
}

/* One user's creation, flush and all, in microseconds. */
static double creation_usec(Store *store, uint32_t *next) {
        uint64_t start = now_usec();

        must("user", people_create(store, (*next)++));
        must("flush", store_flush(store));
        return (double)(now_usec() - start);
}

static int user_count(void *userdata, const StoreUser *user) {
        ++*(uint64_t *)userdata;
        return 0;
}

static void growth_measure(const char *root, uint32_t users, unsigned rounds) {
        static double few[ROUNDS_MAX], many[ROUNDS_MAX];
        double few_usec, many_usec;
        Store *small = store_make(root, "small"), *large = store_make(root, "large");
        uint32_t next = users, next_small = 1000;
        uint64_t start, cpu, seen = 0;
        StoreTxn *txn;

        must("fill", people_fill(small, next_small));
        start = now_usec();
        cpu = cpu_usec();
        must("fill", people_fill(large, users));
        printf("%u users created in %.1f s, %.1f s of them on a core\n", users,
               (double)(now_usec() - start) / 1e6, (double)(cpu_usec() - cpu) / 1e6);
        for (unsigned round = 0; round < rounds; round++) {
                few[round] = creation_usec(small, &next_small);
                many[round] = creation_usec(large, &next);
        }
        few_usec = median(few, rounds);
        many_usec = median(many, rounds);
        printf("one user created among 1,000: %.0f us, among %u: %.0f us, %.2f times\n", few_usec,
               users, many_usec, many_usec / few_usec);
        must("read", store_begin_read(large, &txn));
        start = now_usec();
        cpu = cpu_usec();
        must("each", store_user_each(txn, user_count, &seen));
        printf("walk over %llu users: %.3f s, %.3f s of them on a core\n", (unsigned long long)seen,
               (double)(now_usec() - start) / 1e6, (double)(cpu_usec() - cpu) / 1e6);
        store_txn_abortp(&txn);
        store_close(small);
        store_close(large);
        directory_remove(root, "small");
        directory_remove(root, "large");
}

static uint64_t number_argument(const char *s, uint64_t max) {
        uint64_t value;

        if (!s || base_parse_u64(s, 0, max, &value) < 0)
                die("usage: bench_store [--dir DIR] [--rounds N] [--users N]", EINVAL);
        return value;
}

int main(int argc, char *argv[]) {
        const char *dir = ".";
        unsigned rounds = 2000;
        uint32_t users = 0;
        char root[400];

        for (int i = 1; i < argc; i += 2)
                if (strcmp(argv[i], "--dir") == 0 && i + 1 < argc)
                        dir = argv[i + 1];
                else if (strcmp(argv[i], "--rounds") == 0)
                        rounds = (unsigned)number_argument(argv[i + 1], ROUNDS_MAX);
                else if (strcmp(argv[i], "--users") == 0)
                        users = (uint32_t)number_argument(argv[i + 1], 10000000);
                else
                        (void)number_argument(NULL, 0);
        path_make(root, sizeof(root), dir, "um-bench-XXXXXX");
        if (!mkdtemp(root))
                die(root, errno);
        if (rounds > 0)
                commits_measure(root, rounds);
        if (users > 0)
                growth_measure(root, users, rounds > 0 ? rounds : 500);
        (void)remove(root);
        return 0;
}
