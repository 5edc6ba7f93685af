/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The environment: its files, what is wrong with them, how large they are.
 *
 * A store is made under dir/new and renamed, so that data.mdb either is a whole store or is not
 * there, whatever kills umd when.  data.mdb is always as long as its map (sparse): LMDB may leave
 * the last pages of a transaction unwritten, and only so does a file that ends before its last page
 * mean that something cut it off, which would end umd with SIGBUS on the first look behind the end.
 *
 * Never opened twice in one process, and data.mdb is not touched by any other descriptor while it
 * is open (lmdb.h, caveats). */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "umd/store/internal.h"

#define ENV_FLAGS MDB_NOTLS

static const char *const table_names[_TABLE_MAX] = {
        [TABLE_MAIN] = NULL,
        [TABLE_USERS] = "users",
        [TABLE_GROUPS] = "groups",
        [TABLE_INDEX] = "index",
        [TABLE_CREDENTIALS] = "credentials",
        [TABLE_RELATIONS] = "relations",
        [TABLE_LOG] = "log",
};

static void env_closep(MDB_env **env) {
        if (*env)
                mdb_env_close(*env);
}

static void mdb_txn_abortp(MDB_txn **mdb) {
        if (*mdb)
                mdb_txn_abort(*mdb);
}

/* What LMDB says of a file it cannot use. */
static int open_outcome(int mdb_error) {
        switch (mdb_error) {
        case MDB_VERSION_MISMATCH:
                return STORE_E_TOO_NEW;
        case MDB_INVALID:
        case MDB_CORRUPTED:
        case MDB_PAGE_NOTFOUND:
        case MDB_NOTFOUND:
        case MDB_INCOMPATIBLE:
                return STORE_E_DAMAGED;
        }
        return store_fault(mdb_error);
}

static int env_start(const char *path, size_t map_bytes, unsigned flags, MDB_env **ret) {
        _cleanup_(env_closep) MDB_env *env = NULL;
        int r;

        r = mdb_env_create(&env);
        if (r != 0)
                return store_fault(r);
        r = mdb_env_set_maxdbs(env, _TABLE_MAX);
        if (r == 0)
                r = mdb_env_set_mapsize(env, map_bytes);
        if (r == 0)
                r = mdb_env_open(env, path, ENV_FLAGS | flags, 0600);
        if (r != 0)
                return open_outcome(r);
        *ret = TAKE(env);
        return 0;
}

/* Makes the file as long as its map: see above. */
static int env_lengthen(MDB_env *env, size_t map_bytes) {
        struct stat st;
        int fd, r;

        r = mdb_env_get_fd(env, &fd);
        if (r != 0)
                return store_fault(r);
        if (fstat(fd, &st) < 0)
                return -errno;
        if ((size_t)st.st_size < map_bytes && ftruncate(fd, (off_t)map_bytes) < 0)
                return -errno;
        return 0;
}

static int env_pages(MDB_env *env, size_t *ret_page_bytes, size_t *ret_map_bytes,
                     size_t *ret_used_bytes) {
        MDB_envinfo info;
        MDB_stat stat;
        int r;

        r = mdb_env_stat(env, &stat);
        if (r == 0)
                r = mdb_env_info(env, &info);
        if (r != 0)
                return store_fault(r);
        *ret_page_bytes = stat.ms_psize;
        *ret_map_bytes = info.me_mapsize;
        *ret_used_bytes = (info.me_last_pgno + 1) * stat.ms_psize;
        return 0;
}

/* ---- making one ------------------------------------------------------------------------------ */

static int fresh_fill(MDB_env *env, size_t map_bytes) {
        _cleanup_(mdb_txn_abortp) MDB_txn *mdb = NULL;
        Store store = {}; /* just enough of one for meta_save() */
        StoreTxn txn = { .store = &store, .writing = true, .meta = { .event_first = 1 } };
        int r;

        r = env_lengthen(env, map_bytes);
        if (r < 0)
                return r;
        r = base_random(txn.meta.id, sizeof(txn.meta.id));
        if (r < 0)
                return r;
        r = mdb_txn_begin(env, NULL, 0, &mdb);
        for (Table t = TABLE_MAIN; r == 0 && t < _TABLE_MAX; t++)
                r = mdb_dbi_open(mdb, table_names[t], table_names[t] ? MDB_CREATE : 0,
                                 &store.dbi[t]);
        if (r != 0)
                return store_fault(r);
        store.page_bytes = 1;
        txn.mdb = mdb;
        r = meta_save(&txn);
        if (r == 0)
                r = store_moment_tell(&txn, &(StoreMoment){ 0 });
        free(store.scratch.data);
        if (r < 0)
                return r;
        return store_fault(mdb_txn_commit(TAKE(mdb)));
}

static void fresh_remove(int dir_fd) {
        (void)unlinkat(dir_fd, "new/data.mdb", 0);
        (void)unlinkat(dir_fd, "new/lock.mdb", 0);
        (void)unlinkat(dir_fd, "new", AT_REMOVEDIR);
}

static int fresh_make(const char *dir, int dir_fd, size_t map_bytes) {
        MDB_env *env = NULL;
        char path[PATH_MAX];
        int r;

        if (snprintf(path, sizeof(path), "%s/new", dir) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        fresh_remove(dir_fd); /* what a start that was killed may have left */
        if (mkdirat(dir_fd, "new", 0700) < 0)
                return -errno;
        r = env_start(path, map_bytes, 0, &env);
        if (r == 0)
                r = fresh_fill(env, map_bytes);
        env_closep(&env);
        if (r == 0 && renameat2(dir_fd, "new/data.mdb", dir_fd, "data.mdb", RENAME_NOREPLACE) < 0)
                r = -errno;
        fresh_remove(dir_fd);
        if (r == 0 && fsync(dir_fd) < 0)
                r = -errno;
        return r > 0 ? -EIO : r; /* what was made a moment ago is not "damaged" */
}

/* ---- opening one ----------------------------------------------------------------------------- */

/* A file of ours, and nobody else's to read: 1 there, 0 absent, a fault. */
static int file_check(int dir_fd, const char *name, bool may_be_empty) {
        struct stat st;

        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 0077) != 0)
                return -EPERM;
        /* LMDB takes an empty file for a new one */
        return st.st_size == 0 && !may_be_empty ? STORE_E_DAMAGED : 1;
}

static int tables_open(Store *store, Meta *ret) {
        _cleanup_(mdb_txn_abortp) MDB_txn *mdb = NULL;
        int r;

        r = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &mdb);
        if (r != 0)
                return open_outcome(r);
        r = mdb_dbi_open(mdb, NULL, 0, &store->dbi[TABLE_MAIN]);
        if (r != 0)
                return open_outcome(r);
        r = meta_load(mdb, store->dbi[TABLE_MAIN], ret); /* before tables that a newer um dropped */
        if (r != 0)
                return r;
        for (Table t = TABLE_MAIN + 1; t < _TABLE_MAX; t++) {
                r = mdb_dbi_open(mdb, table_names[t], 0, &store->dbi[t]);
                if (r != 0)
                        return open_outcome(r);
        }
        /* handles outlive the transaction only if it commits */
        return store_fault(mdb_txn_commit(TAKE(mdb)));
}

/* Everything that can be told without a look at a page behind the two meta pages. */
static int length_check(Store *store) {
        size_t used_bytes;
        struct stat st;
        int fd, r;

        r = env_pages(store->env, &store->page_bytes, &store->map_bytes, &used_bytes);
        if (r < 0)
                return r;
        r = mdb_env_get_fd(store->env, &fd);
        if (r != 0)
                return store_fault(r);
        if (fstat(fd, &st) < 0)
                return -errno;
        return (size_t)st.st_size < used_bytes ? STORE_E_DAMAGED : 0;
}

static int chain_start(Store *store) {
        static const char context[] = "um audit";
        crypto_generichash_state state;

        if (sodium_init() < 0)
                return -EIO;
        crypto_generichash_init(&state, NULL, 0, STORE_HASH_BYTES);
        crypto_generichash_update(&state, (const unsigned char *)context, sizeof(context));
        crypto_generichash_update(&state, store->id, sizeof(store->id));
        crypto_generichash_final(&state, store->genesis, STORE_HASH_BYTES);
        return 0;
}

/* One commit: a store is of one schema or the other. */
static int schema_upgrade(Store *store) {
        _cleanup_(mdb_txn_abortp) MDB_txn *mdb = NULL;
        int r;

        r = store_fault(mdb_txn_begin(store->env, NULL, 0, &mdb));
        if (r == 0)
                r = meta_upgrade(mdb, store->dbi[TABLE_MAIN]);
        if (r == 0)
                r = store_fault(
                        mdb_dbi_open(mdb, table_names[TABLE_USERS], 0, &store->dbi[TABLE_USERS]));
        if (r == 0)
                r = seats_count(&(StoreTxn){ .store = store, .mdb = mdb, .writing = true });
        return r != 0 ? r : store_fault(mdb_txn_commit(TAKE(mdb)));
}

static int env_load(Store *store, unsigned flags) {
        Meta meta;
        int r;

        r = env_start(store->dir, store->map_bytes, flags, &store->env);
        if (r != 0)
                return r;
        r = length_check(store);
        if (r != 0)
                return r;
        r = flags & MDB_RDONLY ? 0 : env_lengthen(store->env, store->map_bytes);
        if (r < 0)
                return r;
        r = tables_open(store, &meta);
        if (r == META_OLDER && !(flags & MDB_RDONLY)) {
                r = schema_upgrade(store);
                if (r == 0)
                        r = tables_open(store, &meta);
        }
        if (r != 0)
                return r;
        memcpy(store->id, meta.id, sizeof(store->id));
        return chain_start(store);
}

int env_open(Store *store, bool create) {
        _cleanup_close_ int dir_fd = open(store->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r;

        if (dir_fd < 0)
                return -errno;
        r = file_check(dir_fd, "lock.mdb", true);
        if (r < 0)
                return r;
        r = file_check(dir_fd, "data.mdb", false);
        if (r == 0 && !create)
                return -ENOENT;
        if (r == 0)
                r = fresh_make(store->dir, dir_fd, store->map_bytes);
        if (r < 0 || r == STORE_E_DAMAGED)
                return r;
        return env_load(store, 0);
}

int env_reopen_read_only(Store *store) {
        int r;

        if (store->env)
                mdb_env_close(store->env);
        store->env = NULL;
        r = env_load(store, MDB_RDONLY);
        if (r == 0)
                store->reopen = false;
        else if (store->env) {
                mdb_env_close(store->env);
                store->env = NULL;
        }
        return r > 0 ? -EIO : r;
}

/* ---- size ------------------------------------------------------------------------------------ */

/* Pages that older transactions gave back.  Walks the free list: only asked at the limit. */
static int free_pages(Store *store, size_t *ret) {
        _cleanup_(mdb_txn_abortp) MDB_txn *mdb = NULL;
        MDB_cursor *cursor;
        MDB_val key, data;
        size_t count = 0;
        int r;

        r = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &mdb);
        if (r == 0)
                r = mdb_cursor_open(mdb, 0,
                                    &cursor); /* 0: the free list, as mdb_stat(1) reads it */
        if (r != 0)
                return store_fault(r);
        while ((r = mdb_cursor_get(cursor, &key, &data, MDB_NEXT)) == 0)
                if (data.mv_size >= sizeof(size_t))
                        count += *(size_t *)data.mv_data;
        mdb_cursor_close(cursor);
        if (r != MDB_NOTFOUND)
                return store_fault(r);
        *ret = count;
        return 0;
}

/* At the limit, and on a full disk, the last part is kept for what ends something: see
 * store_user_insert(). */
static int tight_measure(Store *store, size_t used_bytes) {
        size_t room_bytes = store->map_bytes - used_bytes, freed = 0,
               reserve = store->map_limit / 16;
        int r;

        store->tight = store->disk_full;
        if (store->map_bytes < store->map_limit || room_bytes >= reserve)
                return 0;
        r = free_pages(store, &freed);
        if (r < 0)
                return r;
        store->tight |= room_bytes + freed * store->page_bytes < reserve;
        return 0;
}

#define RESERVE_BYTES ((size_t)16 << 20) /* or a sixteenth of the map */

/* The file is sparse.  Blocks ahead of what is used are taken from the disk beforehand, so that
 * logins, which have to be counted, go on for a while when others have filled it up.  They are made
 * whole when a sixteenth of them is used; where that fails, what is left is for what has to be.
 *
 * A file system that takes none beforehand (ext3, NFS before 4.2) does not learn it while um runs:
 * it is not asked again, and a disk that is full there is a write that fails. */
static void reserve_keep(Store *store, size_t used_bytes) {
        size_t wanted =
                store->map_bytes / 16 < RESERVE_BYTES ? store->map_bytes / 16 : RESERVE_BYTES;
        int fd, r;

        if (used_bytes + wanted > store->map_bytes)
                wanted = store->map_bytes - used_bytes;
        if (used_bytes + wanted / 16 * 15 <= store->reserved_bytes ||
            mdb_env_get_fd(store->env, &fd) != 0)
                return;
        do
                r = fallocate(fd, 0, (off_t)used_bytes, (off_t)wanted) < 0 ? -errno : 0;
        while (r == -EINTR);
        store->disk_full = r == -ENOSPC || r == -EDQUOT;
        if (r == 0)
                store->reserved_bytes = used_bytes + wanted;
        else if (r == -EOPNOTSUPP || r == -ENOSYS)
                store->reserved_bytes = SIZE_MAX;
}

int env_make_room(Store *store) {
        size_t page_bytes = 1, map_bytes = 0, used_bytes = 0, wanted;
        int r;

        r = env_pages(store->env, &page_bytes, &map_bytes, &used_bytes);
        if (r < 0)
                return r;
        for (wanted = map_bytes; wanted < store->map_limit;) {
                bool roomy =
                        used_bytes < wanted / 10 * 7 && wanted - used_bytes > store->headroom_bytes;

                if (roomy && (!store->grow || wanted > map_bytes))
                        break;
                wanted = wanted < store->map_limit / 2 ? wanted * 2 : store->map_limit;
        }
        /* A reader has the old map in use, a disk may be full: then this batch has to do with what
         * there is, and a later one tries again. */
        if (wanted > map_bytes && store->snapshot_readers == 0 &&
            env_lengthen(store->env, wanted) == 0) {
                r = mdb_env_set_mapsize(store->env, wanted);
                if (r != 0)
                        return store_fault(r);
                map_bytes = wanted;
        }
        store->grow = false;
        store->map_bytes = map_bytes;
        store->room_pages = map_bytes > used_bytes ? (map_bytes - used_bytes) / page_bytes : 0;
        reserve_keep(store, used_bytes);
        return tight_measure(store, used_bytes);
}

int env_usage(Store *store, uint64_t *ret_used_bytes) {
        size_t page_bytes, map_bytes, used_bytes = 0;
        int r;

        r = env_pages(store->env, &page_bytes, &map_bytes, &used_bytes);
        if (r < 0)
                return r;
        *ret_used_bytes = used_bytes;
        return 0;
}
