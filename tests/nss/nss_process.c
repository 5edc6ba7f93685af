/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The module as a guest: programs that close descriptors, fork, unload libraries, are interrupted
 * or have hardly any stack.  One case an invocation: nss_process CASE [COUNT].  tests/nss/run
 * publishes 100 users first. */

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "tests/nss/nss_tool.h"

#define COUNT 100U

static unsigned long option_count;

static void look_up(const Module *um, uint32_t n) {
        struct passwd pw;
        char buf[512];
        int err;

        EXPECT(um->getpwuid(MKMAP_FIRST_ID + n % COUNT, &pw, buf, sizeof(buf), &err) ==
               NSS_STATUS_SUCCESS);
        EXPECT(pw.pw_uid == MKMAP_FIRST_ID + n % COUNT);
        EXPECT(um->getpwnam("nobody-has-it", &pw, buf, sizeof(buf), &err) == NSS_STATUS_NOTFOUND);
}

static unsigned fds_open(void) {
        DIR *dir = opendir("/proc/self/fd");
        unsigned n = 0;

        EXPECT(dir);
        while (readdir(dir))
                n++;
        closedir(dir);
        return n;
}

static void no_descriptor_is_kept(void) {
        unsigned before = fds_open();
        struct passwd pw;
        char buf[512];
        Module um;
        int err;

        module_open(&um);
        look_up(&um, 1);
        EXPECT(fds_open() == before);
        EXPECT(um.getpwent(&pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS);
        EXPECT(fds_open() == before); /* nor by a walk that is under way */
        republish("100");
        look_up(&um, 2);
        EXPECT(fds_open() == before);
        republish("0 withdraw");
        EXPECT(um.getpwnam("u1", &pw, buf, sizeof(buf), &err) == NSS_STATUS_UNAVAIL);
        EXPECT(fds_open() == before);
        republish("100");
}

static void stdio_closed_stays_closed(void) {
        struct passwd pw;
        char buf[512];
        Module um;
        int err;

        module_open(&um);
        for (int fd = 0; fd <= 2; fd++)
                close(fd);
        (void)getppid(); /* the script looks at the calls behind this mark */
        look_up(&um, 1);
        EXPECT(um.getpwent(&pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS);
        for (int fd = 0; fd <= 2; fd++)
                if (fcntl(fd, F_GETFD) != -1 || errno != EBADF)
                        _exit(1);
}

/* A daemon closes all it inherited, opens its own socket, which gets a low number, and looks up. */
static void a_daemons_socket_is_its_own(void) {
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        Module um;
        int status;
        pid_t pid;

        module_open(&um);
        look_up(&um, 1);
        pid = fork();
        EXPECT(pid >= 0);
        if (pid == 0) {
                struct stat before, after;
                socklen_t len = sizeof(int);
                int fd, listening = 0;

                for (fd = 0; fd < 256; fd++)
                        close(fd);
                fd = socket(AF_INET, SOCK_STREAM, 0);
                EXPECT(fd == 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
                       listen(fd, 1) == 0 && fstat(fd, &before) == 0);
                republish("100 shell=/bin/sh");
                for (uint32_t n = 0; n < 100; n++)
                        look_up(&um, n);
                republish("0 withdraw");
                republish("100");
                look_up(&um, 3);
                EXPECT(fstat(fd, &after) == 0 && before.st_ino == after.st_ino);
                EXPECT(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 &&
                       listening == 1);
                EXPECT(fcntl(1, F_GETFD) == -1 && fcntl(3, F_GETFD) == -1);
                _exit(0);
        }
        EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
}

/* ---- loading and unloading ------------------------------------------------------------------- */

static pthread_barrier_t looked_up, unloaded;

static void *thread_outlives_the_library(void *argument) {
        struct passwd pw;
        char buf[512];
        int err;

        look_up(argument, 5);
        EXPECT(((Module *)argument)->getpwent(&pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS);
        EXPECT(((Module *)argument)->endpwent() == NSS_STATUS_SUCCESS);
        pthread_barrier_wait(&looked_up);
        pthread_barrier_wait(&unloaded);
        return NULL; /* exits after dlclose(): no destructor of the library's may run */
}

static unsigned long resident_kib(void) {
        FILE *f = fopen("/proc/self/statm", "re");
        unsigned long size, resident;

        EXPECT(f && fscanf(f, "%lu %lu", &size, &resident) == 2);
        fclose(f);
        return resident * 4;
}

static unsigned maps_count(void) {
        FILE *f = fopen("/proc/self/maps", "re");
        unsigned lines = 0;
        int c;

        EXPECT(f);
        while ((c = getc(f)) != EOF)
                lines += c == '\n';
        fclose(f);
        return lines;
}

static void cycle(bool thread) {
        pthread_t id;
        Module um;

        module_open(&um);
        if (thread) {
                EXPECT(pthread_barrier_init(&looked_up, NULL, 2) == 0);
                EXPECT(pthread_barrier_init(&unloaded, NULL, 2) == 0);
                EXPECT(pthread_create(&id, NULL, thread_outlives_the_library, &um) == 0);
                pthread_barrier_wait(&looked_up);
        }
        look_up(&um, 7);
        EXPECT(dlclose(um.handle) == 0);
        if (thread) {
                EXPECT(dlopen("libnss_um.so.2", RTLD_NOW | RTLD_NOLOAD)); /* it stays */
                EXPECT(dlclose(um.handle) == 0);
                pthread_barrier_wait(&unloaded);
                EXPECT(pthread_join(id, NULL) == 0);
        }
}

static void loading_and_unloading_leaves_nothing(void) {
        unsigned long cycles = option_count ? option_count : 2000, resident = 0;
        unsigned fds = 0, maps = 0;

        for (unsigned long i = 0; i < cycles; i++) {
                cycle(i % 4 == 0);
                if (i == cycles / 10) {
                        resident = resident_kib();
                        fds = fds_open();
                        maps = maps_count();
                }
        }
        EXPECT(fds_open() == fds);
        EXPECT(maps_count() <= maps + 2);
        EXPECT(resident_kib() < resident + 512);
}

/* ---- little room ----------------------------------------------------------------------------- */

static void address_space_limit(unsigned long more_kib) {
        struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
        FILE *f = fopen("/proc/self/statm", "re");
        unsigned long pages;

        EXPECT(f && fscanf(f, "%lu", &pages) == 1);
        fclose(f);
        if (more_kib > 0)
                limit.rlim_cur = pages * 4096 + more_kib * 1024;
        EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
}

/* Room for the file, but not for as much again; then not even for the file, and nobody to ask. */
static void a_process_short_of_addresses_still_looks_up(void) {
        struct passwd pw;
        char buf[512];
        Module um;
        int err;

        module_open(&um);
        look_up(&um, 1);
        republish("3000");
        address_space_limit(2048);
        for (uint32_t n = 0; n < 500; n++)
                look_up(&um, n);
        address_space_limit(0);
        republish("12000");
        address_space_limit(256);
        for (uint32_t n = 0; n < 100; n++) {
                EXPECT(um.getpwnam("u1", &pw, buf, sizeof(buf), &err) == NSS_STATUS_UNAVAIL);
                EXPECT(um.getpwnam("none", &pw, buf, sizeof(buf), &err) == NSS_STATUS_UNAVAIL);
        }
        address_space_limit(0);
        look_up(&um, 2);
        republish("100");
        look_up(&um, 3);
}

/* ---- interruptions --------------------------------------------------------------------------- */

static Module interrupted;
static volatile sig_atomic_t alarms;

static void on_alarm(int signal) {
        struct passwd pw;
        char buf[512];
        int saved = errno, err;

        /* a lookup inside of a lookup: not asked of a program, and right all the same */
        if (interrupted.getpwuid(MKMAP_FIRST_ID + 1, &pw, buf, sizeof(buf), &err) ==
            NSS_STATUS_SUCCESS)
                alarms++;
        errno = saved;
}

static void *lookups_interrupted(void *argument) {
        struct group gr;
        char buf[512];
        int err;

        for (unsigned long i = 0; alarms < 2000; i++) {
                look_up(&interrupted, (uint32_t)i);
                EXPECT(interrupted.getgrnam("u2", &gr, buf, sizeof(buf), &err) == 1);
                EXPECT(group_is(&gr, 2));
        }
        return NULL;
}

static void lookups_interrupted_at_10_khz_are_right(void) {
        struct sigaction action = { .sa_handler = on_alarm };
        struct itimerval timer = { { 0, 100 }, { 0, 100 } };

        module_open(&interrupted);
        EXPECT(sigaction(SIGALRM, &action, NULL) == 0); /* no SA_RESTART */
        EXPECT(setitimer(ITIMER_REAL, &timer, NULL) == 0);
        lookups_interrupted(NULL);
        for (int i = 0; i < 5; i++) { /* the map changing under it */
                alarms = 1900;
                EXPECT(setitimer(ITIMER_REAL, &(struct itimerval){}, NULL) == 0);
                republish("100");
                EXPECT(setitimer(ITIMER_REAL, &timer, NULL) == 0);
                lookups_interrupted(NULL);
        }
}

static void lookups_with_all_signals_masked_are_right(void) {
        sigset_t all, before, after;
        Module um;

        module_open(&um);
        sigfillset(&all);
        EXPECT(sigprocmask(SIG_SETMASK, &all, &before) == 0);
        for (uint32_t n = 0; n < 1000; n++)
                look_up(&um, n);
        EXPECT(sigprocmask(SIG_SETMASK, &before, &after) == 0);
        EXPECT(sigismember(&after, SIGTERM) == 1); /* left as they were */
}

static void lookups_on_a_stack_of_16_kib_are_right(void) {
        pthread_attr_t attributes;
        pthread_t id;

        module_open(&interrupted);
        alarms = 2000;
        EXPECT(pthread_attr_init(&attributes) == 0);
        EXPECT(pthread_attr_setstacksize(&attributes, 16384) == 0);
        for (int i = 0; i < 50; i++) {
                alarms = i < 49 ? 2000 : 0;
                if (i == 49) { /* interrupted as well */
                        struct sigaction action = { .sa_handler = on_alarm };
                        struct itimerval timer = { { 0, 1000 }, { 0, 1000 } };

                        EXPECT(sigaction(SIGALRM, &action, NULL) == 0);
                        EXPECT(setitimer(ITIMER_REAL, &timer, NULL) == 0);
                        alarms = 1900;
                }
                EXPECT(pthread_create(&id, &attributes, lookups_interrupted, NULL) == 0);
                EXPECT(pthread_join(id, NULL) == 0);
        }
}

/* What a privileged program answers, whatever its environment says; the script compares. */
static void say_a_lookup(void) {
        struct passwd *pw = getpwnam("u1");

        EXPECT(pw);
        printf("%u %s %s\n", (unsigned)geteuid(), pw->pw_name, pw->pw_dir);
        EXPECT(!getpwnam("nobody-has-it"));
}

int main(int argc, char **argv) {
        static const struct {
                const char *name;
                void (*run)(void);
        } cases[] = {
                { "descriptors", no_descriptor_is_kept },
                { "stdio-closed", stdio_closed_stays_closed },
                { "daemon", a_daemons_socket_is_its_own },
                { "unload", loading_and_unloading_leaves_nothing },
                { "little-room", a_process_short_of_addresses_still_looks_up },
                { "alarms", lookups_interrupted_at_10_khz_are_right },
                { "masked", lookups_with_all_signals_masked_are_right },
                { "small-stack", lookups_on_a_stack_of_16_kib_are_right },
                { "say", say_a_lookup },
        };

        if (argc > 2)
                option_count = strtoul(argv[2], NULL, 10);
        for (size_t i = 0; argc > 1 && i < sizeof(cases) / sizeof(cases[0]); i++)
                if (strcmp(argv[1], cases[i].name) == 0) {
                        cases[i].run();
                        return 0;
                }
        return 2;
}
