/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a lookup costs inside the module, beside other modules and beside the least it could cost.
 *
 *   bench_nss [--markdown] USERS FLOOR-FILE [SOURCE...]
 *
 * Sources are called directly, without glibc's 1.5 us around them: "um", "files" (glibc's own),
 * "extrausers"; the first one is compared in streams and threads too.  The floor is a bare hash
 * table and packed records in an mmap'd file, made here: hash, probe, compare, copy out; nothing is
 * checked, counted or ever replaced.  All take turns of a few milliseconds on the same processor
 * within one run and the best turn of each counts, so that what else the machine does is left out
 * of the ratios.  --markdown: one table at the end, everything else to standard error.  Nothing is
 * asserted: tests/bench/nss prepares the namespace and PERFORMANCE's bars are for whoever reads. */

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "tests/nss/nss_tool.h"

#define KEYS        65536U
#define ROUNDS      80U
#define ROUND_USEC  2000U /* short: on a busy machine some rounds go undisturbed */
#define TEAM_ROUNDS 30U
#define TEAM_USEC   10000U
#define SLOW_CALLS  3U /* a source that reads files for seconds gets a few calls only */
#define THREADS_MAX 8U
#define SOURCES_MAX 8U

static uint32_t user_count;
static cpu_set_t processors;
static FILE *progress; /* where figures go as they come */

/* ---- the floor ------------------------------------------------------------------------------- */

typedef struct FloorSlot {
        uint32_t tag, at; /* at: offset / 8 */
} FloorSlot;

typedef struct FloorUser {
        uint32_t uid, gid, gid_count, strings_bytes;
        uint16_t password_at, gecos_at, home_at, shell_at;
        char strings[]; /* then gids, 4-aligned */
} FloorUser;

typedef struct FloorGroup {
        uint32_t gid, member_count, strings_bytes, password_at;
        uint32_t member_at[]; /* then strings */
} FloorGroup;

enum { BY_NAME, BY_UID, BY_GROUP, BY_GID, TABLES };

typedef struct Floor {
        const unsigned char *base;
        uint64_t mask;
        const FloorSlot *tables[TABLES];
} Floor;

static Floor floor_map;

static inline uint64_t floor_hash_id(uint32_t id) {
        uint64_t h = (id + 0x9e3779b97f4a7c15U) * 0xd6e8feb86659fd93U;

        return h ^ h >> 32;
}

static inline uint64_t floor_hash_name(const char *name, size_t len) {
        uint64_t h = 0x9e3779b97f4a7c15U ^ len, w;

        for (; len >= 8; len -= 8, name += 8) {
                memcpy(&w, name, 8);
                h = (h ^ w) * 0xd6e8feb86659fd93U;
                h ^= h >> 32;
        }
        for (w = 0; len > 0; len--)
                w = w << 8 | (unsigned char)name[len - 1];
        h = (h ^ w) * 0xd6e8feb86659fd93U;
        return h ^ h >> 32;
}

static void floor_insert(FloorSlot *slots, uint64_t mask, uint64_t hash, size_t at) {
        uint64_t i = hash & mask;

        while (slots[i].at)
                i = (i + 1) & mask;
        slots[i] = (FloorSlot){ (uint32_t)(hash >> 32), (uint32_t)(at / 8) };
}

static size_t floor_put_user(unsigned char *at, const Person *p) {
        const char *parts[] = { p->user.name, "*", p->user.gecos, p->user.home, p->user.shell };
        FloorUser *user = (FloorUser *)at;
        uint16_t ends[5], len = 0;
        uint32_t *gids;

        for (size_t i = 0; i < 5; i++) {
                memcpy(user->strings + len, parts[i], strlen(parts[i]) + 1);
                len = ends[i] = (uint16_t)(len + strlen(parts[i]) + 1);
        }
        *user = (FloorUser){ p->user.uid, p->user.gid, (uint32_t)p->user.gid_count + 1,
                             len,         ends[0],     ends[1],
                             ends[2],     ends[3] };
        gids = (uint32_t *)(at + (sizeof(*user) + len + 3) / 4 * 4);
        gids[0] = p->user.gid;
        memcpy(gids + 1, p->user.gids, p->user.gid_count * 4);
        return ((size_t)((unsigned char *)(gids + user->gid_count) - at) + 7) / 8 * 8;
}

static size_t floor_put_group(unsigned char *at, const Person *p) {
        FloorGroup *group = (FloorGroup *)at;
        uint32_t count = (uint32_t)p->group.member_count, len = 0;
        char *strings = (char *)(group->member_at + count);

        memcpy(strings, p->name, strlen(p->name) + 1);
        len = (uint32_t)strlen(p->name) + 1;
        group->password_at = len;
        memcpy(strings + len, "*", 2);
        len += 2;
        for (uint32_t i = 0; i < count; i++) {
                group->member_at[i] = len;
                memcpy(strings + len, p->members[i], strlen(p->members[i]) + 1);
                len += (uint32_t)strlen(p->members[i]) + 1;
        }
        group->gid = p->group.gid;
        group->member_count = count;
        group->strings_bytes = len;
        return ((size_t)((unsigned char *)strings + len - at) + 7) / 8 * 8;
}

static void floor_make(const char *path) {
        uint64_t slots = 16;
        size_t size, at;
        unsigned char *base;
        int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        Person p;

        while (slots < 2 * (uint64_t)user_count)
                slots *= 2;
        at = TABLES * slots * sizeof(FloorSlot);
        size = at + (size_t)user_count * 512 + 4096;
        EXPECT(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
        base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        EXPECT(base != MAP_FAILED);
        for (int pass = 0; pass < 2; pass++) /* users, then groups, as a map has them */
                for (uint32_t n = 0; n < user_count; n++) {
                        FloorSlot *tables = (FloorSlot *)base + (size_t)pass * 2 * slots;

                        person_make(n, "/bin/bash", &p);
                        floor_insert(tables, slots - 1, floor_hash_name(p.name, strlen(p.name)),
                                     at);
                        floor_insert(tables + slots, slots - 1, floor_hash_id(p.user.uid), at);
                        at += pass ? floor_put_group(base + at, &p) : floor_put_user(base + at, &p);
                }
        EXPECT(at <= size);
        floor_map = (Floor){ .base = base, .mask = slots - 1 };
        for (size_t i = 0; i < TABLES; i++)
                floor_map.tables[i] = (const FloorSlot *)base + i * slots;
        close(fd);
}

static inline const FloorUser *floor_user_name(const char *name) {
        size_t len = strlen(name);
        uint64_t hash = floor_hash_name(name, len), i = hash & floor_map.mask;
        const FloorSlot *slots = floor_map.tables[BY_NAME];

        for (; slots[i].at; i = (i + 1) & floor_map.mask)
                if (slots[i].tag == hash >> 32) {
                        const FloorUser *user =
                                (const FloorUser *)(floor_map.base + slots[i].at * (size_t)8);

                        if (user->password_at == len + 1 && memcmp(user->strings, name, len) == 0)
                                return user;
                }
        return NULL;
}

static enum nss_status floor_copy_user(const FloorUser *user, struct passwd *ret, char *buf,
                                       size_t size) {
        if (!user)
                return NSS_STATUS_NOTFOUND;
        if (size < user->strings_bytes)
                return NSS_STATUS_TRYAGAIN;
        memcpy(buf, user->strings, user->strings_bytes);
        *ret = (struct passwd){ buf,
                                buf + user->password_at,
                                user->uid,
                                user->gid,
                                buf + user->gecos_at,
                                buf + user->home_at,
                                buf + user->shell_at };
        return NSS_STATUS_SUCCESS;
}

static enum nss_status floor_copy_group(const FloorGroup *group, struct group *ret, char *buf,
                                        size_t size) {
        char **members = (char **)(void *)buf, *strings;
        size_t array;

        if (!group)
                return NSS_STATUS_NOTFOUND;
        array = (group->member_count + (size_t)1) * sizeof(char *);
        if (size < array + group->strings_bytes)
                return NSS_STATUS_TRYAGAIN;
        strings = buf + array;
        memcpy(strings, group->member_at + group->member_count, group->strings_bytes);
        for (uint32_t i = 0; i < group->member_count; i++)
                members[i] = strings + group->member_at[i];
        members[group->member_count] = NULL;
        *ret = (struct group){ strings, strings + group->password_at, group->gid, members };
        return NSS_STATUS_SUCCESS;
}

static enum nss_status floor_getpwnam(const char *name, struct passwd *ret, char *buf, size_t size,
                                      int *err) {
        return floor_copy_user(floor_user_name(name), ret, buf, size);
}

static enum nss_status floor_getpwuid(uid_t uid, struct passwd *ret, char *buf, size_t size,
                                      int *err) {
        uint64_t hash = floor_hash_id(uid), i = hash & floor_map.mask;
        const FloorSlot *slots = floor_map.tables[BY_UID];

        for (; slots[i].at; i = (i + 1) & floor_map.mask)
                if (slots[i].tag == hash >> 32) {
                        const FloorUser *user =
                                (const FloorUser *)(floor_map.base + slots[i].at * (size_t)8);

                        if (user->uid == uid)
                                return floor_copy_user(user, ret, buf, size);
                }
        return NSS_STATUS_NOTFOUND;
}

static enum nss_status floor_getgrnam(const char *name, struct group *ret, char *buf, size_t size,
                                      int *err) {
        size_t len = strlen(name);
        uint64_t hash = floor_hash_name(name, len), i = hash & floor_map.mask;
        const FloorSlot *slots = floor_map.tables[BY_GROUP];

        for (; slots[i].at; i = (i + 1) & floor_map.mask)
                if (slots[i].tag == hash >> 32) {
                        const FloorGroup *group =
                                (const FloorGroup *)(floor_map.base + slots[i].at * (size_t)8);

                        if (group->password_at == len + 1 &&
                            memcmp(group->member_at + group->member_count, name, len) == 0)
                                return floor_copy_group(group, ret, buf, size);
                }
        return NSS_STATUS_NOTFOUND;
}

static enum nss_status floor_getgrgid(gid_t gid, struct group *ret, char *buf, size_t size,
                                      int *err) {
        uint64_t hash = floor_hash_id(gid), i = hash & floor_map.mask;
        const FloorSlot *slots = floor_map.tables[BY_GID];

        for (; slots[i].at; i = (i + 1) & floor_map.mask)
                if (slots[i].tag == hash >> 32) {
                        const FloorGroup *group =
                                (const FloorGroup *)(floor_map.base + slots[i].at * (size_t)8);

                        if (group->gid == gid)
                                return floor_copy_group(group, ret, buf, size);
                }
        return NSS_STATUS_NOTFOUND;
}

static enum nss_status floor_initgroups(const char *name, gid_t group, long *start, long *size,
                                        gid_t **groups, long limit, int *err) {
        const FloorUser *user = floor_user_name(name);
        const uint32_t *gids;

        if (!user)
                return NSS_STATUS_NOTFOUND;
        gids = (const uint32_t *)((const char *)user +
                                  (sizeof(*user) + user->strings_bytes + 3) / 4 * 4);
        if (*size - *start < (long)user->gid_count)
                return NSS_STATUS_TRYAGAIN;
        for (uint32_t i = 0; i < user->gid_count; i++)
                if (gids[i] != group)
                        (*groups)[(*start)++] = gids[i];
        return NSS_STATUS_SUCCESS;
}

/* ---- what is measured ------------------------------------------------------------------------ */

typedef struct Source {
        const char *name;
        Module module;
        bool slow, initgroups;
} Source;

typedef struct Key {
        char name[16];
        uint32_t id;
} Key;

static Key hits[KEYS], misses[KEYS];

typedef enum Operation {
        USER_BY_NAME,
        USER_BY_UID,
        GROUP_BY_NAME,
        GROUP_BY_GID,
        GROUPS_OF_USER,
        NO_USER_BY_NAME,
        NO_USER_BY_UID,
        NO_GROUP_BY_NAME,
        _OPERATION_MAX,
} Operation;

static const char *const operation_names[_OPERATION_MAX] = {
        "user by name", "user by uid",     "group by name",  "group by gid",
        "initgroups",   "no user by name", "no user by uid", "no group by name",
};

static void keys_make(void) {
        uint64_t state = 42;

        for (uint32_t i = 0; i < KEYS; i++) {
                uint32_t n;

                state = state * 6364136223846793005U + 1442695040888963407U;
                n = (uint32_t)((state >> 33) % user_count);
                snprintf(hits[i].name, sizeof(hits[i].name), "u%u", n);
                hits[i].id = MKMAP_FIRST_ID + n;
                snprintf(misses[i].name, sizeof(misses[i].name), "v%u", n);
                misses[i].id =
                        MKMAP_FIRST_ID + user_count + 1 + n; /* u<user_count> may be appended */
        }
}

/* One call; aborts on a wrong answer, so that nobody is fast by being wrong. */
static inline void operation_call(const Module *m, Operation operation, uint32_t i) {
        const Key *hit = &hits[i % KEYS], *miss = &misses[i % KEYS];
        gid_t list[64], *groups = list;
        long start = 0, size = 64;
        struct passwd pw;
        struct group gr;
        char buf[1024] __attribute__((aligned(16)));
        int err;

        switch (operation) {
        case USER_BY_NAME:
                EXPECT(m->getpwnam(hit->name, &pw, buf, sizeof(buf), &err) == 1 &&
                       pw.pw_uid == hit->id);
                break;
        case USER_BY_UID:
                EXPECT(m->getpwuid(hit->id, &pw, buf, sizeof(buf), &err) == 1 &&
                       pw.pw_gid == hit->id);
                break;
        case GROUP_BY_NAME:
                EXPECT(m->getgrnam(hit->name, &gr, buf, sizeof(buf), &err) == 1 &&
                       gr.gr_gid == hit->id);
                break;
        case GROUP_BY_GID:
                EXPECT(m->getgrgid(hit->id, &gr, buf, sizeof(buf), &err) == 1 &&
                       gr.gr_gid == hit->id);
                break;
        case GROUPS_OF_USER:
                EXPECT(m->initgroups(hit->name, hit->id, &start, &size, &groups, -1, &err) >= 0 &&
                       start <= 4);
                break;
        case NO_USER_BY_NAME:
                EXPECT(m->getpwnam(miss->name, &pw, buf, sizeof(buf), &err) == 0);
                break;
        case NO_USER_BY_UID:
                EXPECT(m->getpwuid(miss->id, &pw, buf, sizeof(buf), &err) == 0);
                break;
        case NO_GROUP_BY_NAME:
                EXPECT(m->getgrnam(miss->name, &gr, buf, sizeof(buf), &err) == 0);
                break;
        case _OPERATION_MAX:
                abort();
        }
}

/* Keeps the processor from running ahead into the next call.  Between two lookups of a program
 * there is always more than it could look ahead (glibc's own part, some 1.5 us), so calls alone are
 * what a program sees; calls in a stream, where one lookup's cache misses hide behind another's,
 * flatter whoever has the fewest instructions. */
static inline void fence(void) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_lfence();
#elif defined(__aarch64__)
        __asm__ volatile("isb" ::: "memory");
#endif
}

static uint64_t clock_nsec(clockid_t clock) {
        struct timespec ts;

        clock_gettime(clock, &ts);
        return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* ns a call, over about ROUND_USEC; *at goes on through the keys. */
static double round_run(const Source *source, Operation operation, bool alone, uint32_t *at) {
        uint32_t batch = source->slow ? 1 : 256, calls = 0;
        uint64_t begin = clock_nsec(CLOCK_MONOTONIC), end;

        do {
                for (uint32_t i = 0; i < batch; i++) {
                        operation_call(&source->module, operation, (*at)++);
                        if (alone)
                                fence();
                }
                calls += batch;
                end = clock_nsec(CLOCK_MONOTONIC);
        } while (end - begin < ROUND_USEC * 1000U && !(source->slow && calls >= SLOW_CALLS));
        return (double)(end - begin) / calls;
}

/* Best figures: ns of each source, alone and in a stream; calls a microsecond of floor and um. */
typedef struct Result {
        double alone[SOURCES_MAX], stream[SOURCES_MAX], rate[THREADS_MAX + 1][2];
} Result;

static void operation_compare(const Source *sources, size_t count, Operation operation, bool alone,
                              double *best) {
        uint32_t at[SOURCES_MAX] = {};

        for (unsigned round = 0; round < ROUNDS; round++)
                for (size_t s = 0; s < count; s++) {
                        double ns;

                        if (operation == GROUPS_OF_USER && !sources[s].initgroups)
                                continue;
                        if (sources[s].slow && round > 1)
                                continue;
                        ns = round_run(&sources[s], operation, alone, &at[s]);
                        if (best[s] == 0 || ns < best[s])
                                best[s] = ns;
                }
        fprintf(progress, "%8u users  %s   %-17s floor %7.1f ns", user_count,
                alone ? "alone    " : "in stream", operation_names[operation], best[0]);
        for (size_t s = 1; s < count; s++)
                if (best[s] > 0)
                        fprintf(progress, "   %s %.2f x", sources[s].name, best[s] / best[0]);
        fprintf(progress, "\n");
        fflush(progress);
}

/* ---- threads --------------------------------------------------------------------------------- */

typedef struct Team {
        const Source *source;
        Operation operation;
        pthread_barrier_t barrier;
        atomic_bool over;
        atomic_ulong calls, nsec, next;
} Team;

/* Threads share what processors there are, each on one of them. */
static void processor_take(unsigned long number) {
        size_t want = number % (size_t)CPU_COUNT(&processors);
        cpu_set_t one;

        CPU_ZERO(&one);
        for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
                if (CPU_ISSET(cpu, &processors) && want-- == 0)
                        CPU_SET(cpu, &one);
        EXPECT(pthread_setaffinity_np(pthread_self(), sizeof(one), &one) == 0);
}

static void *team_run(void *argument) {
        Team *team = argument;
        unsigned long number = team->next++, calls = 0;
        uint32_t at = (uint32_t)(number * 7919);

        processor_take(number);
        pthread_barrier_wait(&team->barrier);
        while (!team->over) {
                for (uint32_t i = 0; i < 256; i++)
                        operation_call(&team->source->module, team->operation, at++);
                calls += 256;
        }
        team->calls += calls;
        team->nsec += clock_nsec(CLOCK_THREAD_CPUTIME_ID);
        return NULL;
}

/* Calls a microsecond, of all threads together, had they the processors to themselves: what counts
 * is the time they ran, so that whoever else runs does not. */
static double team_rate(const Source *source, Operation operation, unsigned threads) {
        Team team = { .source = source, .operation = operation };
        unsigned at_once = (unsigned)CPU_COUNT(&processors);
        pthread_t ids[THREADS_MAX];

        if (at_once > threads)
                at_once = threads;
        EXPECT(pthread_barrier_init(&team.barrier, NULL, threads + 1) == 0);
        for (unsigned i = 0; i < threads; i++)
                EXPECT(pthread_create(&ids[i], NULL, team_run, &team) == 0);
        pthread_barrier_wait(&team.barrier);
        /* the window that is measured; nothing is waited for */
        (void)ppoll(NULL, 0, &(struct timespec){ .tv_nsec = TEAM_USEC * 1000 }, NULL);
        team.over = true;
        for (unsigned i = 0; i < threads; i++)
                EXPECT(pthread_join(ids[i], NULL) == 0);
        return (double)team.calls * 1000 / (double)team.nsec * at_once;
}

static void threads_compare(const Source *sources, Operation operation, unsigned threads,
                            double best[2]) {
        for (unsigned round = 0; round < TEAM_ROUNDS; round++)
                for (size_t s = 0; s < 2; s++) {
                        double rate = team_rate(&sources[s], operation, threads);

                        if (rate > best[s])
                                best[s] = rate;
                }
        fprintf(progress, "%8u users  %u threads   %-17s floor %7.1f calls/us   %s %.2f x\n",
                user_count, threads, operation_names[operation], best[0], sources[1].name,
                best[0] / best[1]);
        fflush(progress);
}

/* ---- the table ------------------------------------------------------------------------------- */

static void markdown_head(const Source *sources, size_t count) {
        printf("| %u users | floor | um: a call alone | in a loop | 2 threads | 8 threads | "
               "8 threads' rate / one's (floor's) |",
               user_count);
        for (size_t s = 2; s < count; s++)
                printf(" %s |", sources[s].name);
        printf("\n|---|---|---|---|---|---|---|");
        for (size_t s = 2; s < count; s++)
                printf("---|");
        printf("\n");
}

static void markdown_row(const Result *result, size_t count, Operation operation) {
        printf("| %s | %.0f ns | **%.2f x** | %.2f x |", operation_names[operation],
               result->alone[0], result->alone[1] / result->alone[0],
               result->stream[1] / result->stream[0]);
        for (unsigned threads = 2; threads <= THREADS_MAX; threads *= 4)
                printf(" %.2f x |", result->rate[threads][0] / result->rate[threads][1]);
        printf(" %.2f (%.2f) |", result->rate[THREADS_MAX][1] / result->rate[1][1],
               result->rate[THREADS_MAX][0] / result->rate[1][0]);
        for (size_t s = 2; s < count; s++)
                if (result->alone[s] > 0)
                        printf(" %.0f x |", result->alone[s] / result->alone[0]);
                else
                        printf(" |");
        printf("\n");
}

static void source_open(const char *name, Source *ret) {
        char library[64];
        void *handle = NULL;

        *ret = (Source){ .name = name,
                         .slow = strcmp(name, "um") != 0,
                         .initgroups = strcmp(name, "extrausers") != 0 };
        if (strcmp(name, "files") != 0) {
                snprintf(library, sizeof(library), "libnss_%s.so.2", name);
                handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
                EXPECT(handle);
        }
        module_symbols(handle, name, &ret->module);
}

/* One source alone: the short form, single calls only. */
static void all_compare(const Source *sources, size_t count, Result *results) {
        for (Operation op = 0; op < _OPERATION_MAX; op++)
                operation_compare(sources, count, op, true, results[op].alone);
        if (count == 2)
                return;
        for (Operation op = 0; op < _OPERATION_MAX; op++)
                operation_compare(sources, 2, op, false, results[op].stream);
        for (unsigned threads = 1; threads <= THREADS_MAX; threads *= threads == 1 ? 2 : 4)
                for (Operation op = 0; op < _OPERATION_MAX; op++)
                        threads_compare(sources, op, threads, results[op].rate[threads]);
}

int main(int argc, char **argv) {
        Source sources[SOURCES_MAX] = { { .name = "floor",
                                          .initgroups = true,
                                          .module = { .getpwnam = floor_getpwnam,
                                                      .getpwuid = floor_getpwuid,
                                                      .getgrnam = floor_getgrnam,
                                                      .getgrgid = floor_getgrgid,
                                                      .initgroups = floor_initgroups } } };
        static Result results[_OPERATION_MAX];
        bool markdown = argc > 1 && strcmp(argv[1], "--markdown") == 0;
        size_t count = 1;

        argc -= markdown;
        argv += markdown;
        progress = markdown ? stderr : stdout;
        if (argc < 4 || argc > 10)
                return 2;
        EXPECT(sched_getaffinity(0, sizeof(processors), &processors) == 0);
        processor_take(0);
        user_count = (uint32_t)strtoul(argv[1], NULL, 10);
        floor_make(argv[2]);
        keys_make();
        for (int i = 3; i < argc; i++)
                source_open(argv[i], &sources[count++]);
        all_compare(sources, count, results);
        if (markdown && count > 2) {
                markdown_head(sources, count);
                for (Operation op = 0; op < _OPERATION_MAX; op++)
                        markdown_row(&results[op], count, op);
        }
        return 0;
}
