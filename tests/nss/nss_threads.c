/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads that look up, walk and fork while maps come and go: nss_threads THREADS SECONDS.  Built
 * twice: with the real module loaded, and (nss_threads_tsan) from the module's sources with
 * ThreadSanitizer.  Publishes itself, so that the sanitizer sees both sides. */

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/nss/nss_tool.h"
#ifdef NSS_UM_INSIDE
#include "nss_um/nss_um.h"
#endif

#define COUNT        60U
#define FILLERS_FROM 1000U /* users of some publications only, so that files differ in size */

static Module um;
static atomic_bool over;
static atomic_ulong lookups, walks, forks, publications;

#ifdef NSS_UM_INSIDE
void *__wrap_mmap64(void *at, size_t len, int protection, int flags, int fd, off64_t offset);

/* Unseen by ThreadSanitizer, to which laying one map over another would be a write that no reader
 * waited for: it is one, and the readers' turns tell them. */
void *__wrap_mmap64(void *at, size_t len, int protection, int flags, int fd, off64_t offset) {
        return (void *)syscall(SYS_mmap, at, len, protection, flags, fd, offset);
}
#endif

static void module_find(void) {
#ifdef NSS_UM_INSIDE
        um = (Module){ .getpwnam = _nss_um_getpwnam_r,
                       .getpwuid = _nss_um_getpwuid_r,
                       .setpwent = _nss_um_setpwent,
                       .getpwent = _nss_um_getpwent_r,
                       .endpwent = _nss_um_endpwent,
                       .getgrnam = _nss_um_getgrnam_r,
                       .getgrgid = _nss_um_getgrgid_r,
                       .setgrent = _nss_um_setgrent,
                       .getgrent = _nss_um_getgrent_r,
                       .endgrent = _nss_um_endgrent,
                       .initgroups = _nss_um_initgroups_dyn };
#else
        module_open(&um);
#endif
}

static void person_add(MapBuild *build, uint32_t n, const char *shell) {
        Person p;

        person_make(n, shell, &p);
        EXPECT(map_build_user(build, &p.user) == 0);
        EXPECT(map_build_group(build, &p.group) == 0);
}

/* Users carry the number of their publication in their shell: all of one must come from one. */
static void publisher_run(unsigned seconds) {
        int dir = open("/run/um/map.d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        time_t end = time(NULL) + seconds;
        MapWriter *writer = NULL;

        EXPECT(dir >= 0);
        for (unsigned generation = 1; time(NULL) < end; generation++) {
                MapWriter *old = writer;
                MapBuild *build;
                char shell[32];
                Person p;
                MapChange change = { .user = &p.user, .group = &p.group };

                snprintf(shell, sizeof(shell), "/bin/%u", generation);
                EXPECT(map_build_new(MAP_FLAG_COMPLETE | MAP_FLAG_ENUMERATE, &build) == 0);
                for (uint32_t n = 0; n < COUNT; n++)
                        person_add(build, n, shell);
                for (uint32_t n = 0; n < generation % 5 * 700; n++)
                        person_add(build, FILLERS_FROM + n, shell);
                EXPECT(map_build_write(build, dir, &writer) == 0);
                EXPECT(map_publish(dir, writer, old) == 0);
                map_build_free(build);
                map_writer_free(old);
                for (uint32_t n = COUNT; n < COUNT + 5; n++) {
                        person_make(n, shell, &p);
                        EXPECT(map_append(writer, &change, 1) == 0);
                        /* the pace of the publications; nothing is waited for */
                        (void)ppoll(NULL, 0, &(struct timespec){ .tv_nsec = 1000000 }, NULL);
                }
                publications++;
        }
        map_writer_free(writer);
        close(dir);
}

static void walk_once(void) {
        char buf[512], shell[32] = "";
        uint64_t seen[2] = {};
        struct passwd pw;
        unsigned n = 0;
        int err;

        EXPECT(um.setpwent(0) == NSS_STATUS_SUCCESS);
        while (um.getpwent(&pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS) {
                uint32_t number = pw.pw_uid - MKMAP_FIRST_ID;

                if (shell[0] == '\0')
                        snprintf(shell, sizeof(shell), "%s", pw.pw_shell);
                EXPECT(user_is(&pw, number, shell));
                if (number >= FILLERS_FROM)
                        continue;
                n++;
                EXPECT(!(seen[number / 64] & (uint64_t)1 << number % 64));
                seen[number / 64] |= (uint64_t)1 << number % 64;
        }
        EXPECT(err == ENOENT && n >= COUNT && n <= COUNT + 5);
        EXPECT(um.endpwent() == NSS_STATUS_SUCCESS);
        walks++;
}

static void walk_groups(void) {
        char buf[512];
        struct group gr;
        unsigned n = 0;
        int err;

        EXPECT(um.setgrent(0) == NSS_STATUS_SUCCESS);
        while (um.getgrent(&gr, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS) {
                EXPECT(group_is(&gr, gr.gr_gid - MKMAP_FIRST_ID));
                n += gr.gr_gid < MKMAP_FIRST_ID + FILLERS_FROM;
        }
        EXPECT(n >= COUNT && n <= COUNT + 5);
        EXPECT(um.endgrent() == NSS_STATUS_SUCCESS);
        walks++;
}

static void look_up(uint32_t n) {
        char buf[512], name[32];
        struct passwd pw;
        struct group gr;
        int err;

        snprintf(name, sizeof(name), "u%u", n % COUNT);
        EXPECT(um.getpwnam(name, &pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS);
        EXPECT(user_is(&pw, n % COUNT, pw.pw_shell));
        EXPECT(um.getpwuid(MKMAP_FIRST_ID + n % COUNT, &pw, buf, sizeof(buf), &err) == 1);
        EXPECT(user_is(&pw, n % COUNT, pw.pw_shell));
        EXPECT(um.getgrgid(MKMAP_FIRST_ID + n % COUNT, &gr, buf, sizeof(buf), &err) == 1);
        EXPECT(group_is(&gr, n % COUNT));
        EXPECT(um.getpwnam("nobody-has-it", &pw, buf, sizeof(buf), &err) == NSS_STATUS_NOTFOUND);
        lookups += 4;
}

static void fork_and_look_up(void) {
        int status;
        pid_t pid = fork();

        EXPECT(pid >= 0);
        if (pid == 0) {
                for (uint32_t n = 0; n < 20; n++)
                        look_up(n);
                walk_once();
                _exit(0);
        }
        EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
        forks++;
}

/* AddressSanitizer's allocator may be locked by another thread at the fork, and then for ever in
 * the child: the plain build and ThreadSanitizer's fork, this one does not. */
#ifdef __SANITIZE_ADDRESS__
enum { FORKS = false };
#else
enum { FORKS = true };
#endif

static void *thread_run(void *argument) {
        uint32_t n = (uint32_t)(uintptr_t)argument;

        /* of this thread alone: the publisher is to have a processor now and then */
        EXPECT(setpriority(PRIO_PROCESS, 0, 5) == 0);
        for (uint32_t i = 0; !over; i++) {
                look_up(n + i);
                if (i % 16 == n % 16)
                        walk_once();
                if (i % 16 == (n + 5) % 16)
                        walk_groups();
                if (FORKS && i % 256 == 0 && n % 4 == 0)
                        fork_and_look_up();
        }
        return NULL;
}

int main(int argc, char **argv) {
        unsigned threads, seconds;
        pthread_t ids[64];

        if (argc < 3)
                return 2;
        threads = (unsigned)strtoul(argv[1], NULL, 10);
        seconds = (unsigned)strtoul(argv[2], NULL, 10);
        EXPECT(threads <= 64);
        module_find();
        look_up(0); /* as a process of one thread, then of many */
        for (unsigned i = 0; i < threads; i++)
                EXPECT(pthread_create(&ids[i], NULL, thread_run, (void *)(uintptr_t)i) == 0);
        publisher_run(seconds);
        over = true;
        for (unsigned i = 0; i < threads; i++)
                EXPECT(pthread_join(ids[i], NULL) == 0);
        printf("%lu lookups, %lu walks, %lu forks, %lu publications\n", lookups, walks, forks,
               publications);
        return 0;
}
