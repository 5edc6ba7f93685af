/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a real umd takes, by hand and over its private socket: from its start until it serves, idle
 * memory, one user created among many against one among the first figure's, one grant likewise, a
 * rule for all of them, many clients at once, a change to a group of nearly everybody, and what a
 * program waits for that asks whether somebody has a permission.
 *
 *     bench_umd UMD VAULT STATE-DIR RUN-DIR USERS [USERS...]
 *
 * STATE-DIR is on the disk to measure, RUN-DIR where a real /run would be, on a tmpfs.  Two umds
 * run at once and take turns call by call, so that another's load on the machine hits both alike;
 * each user created is looked up in the map as soon as the call returns. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "map/map.h"
#include "tests/bench/median.h"
#include "tests/bench/people.h"
#include "wire/wire.h"

#define CREATIONS     1000U
#define CLIENTS       64U
#define CLIENTS_USEC  (3 * USEC_PER_SEC)
#define START_USEC    (60 * USEC_PER_SEC)
#define CALL_USEC     (30 * USEC_PER_SEC)
#define GROUP_MEMBERS 100000U
#define GROUP_AT_ONCE 2000U
#define GROUP_CHANGES 40U
#define RULE_CHANGES  10U
#define CHECKS        5000U
#define GROUP         "everybody"
#define ROLE          "bench"

static const char *umd_program, *vault_program, *quality_program, *notify_program;

static _Noreturn void die(const char *what, int r) {
        fprintf(stderr, "bench_umd: %s: %s\n", what, r < 0 ? strerror(-r) : "refused");
        exit(1);
}

static void must(const char *what, int r) {
        if (r != 0)
                die(what, r);
}

/* ---- a umd ----------------------------------------------------------------------------------- */

typedef struct Daemon {
        uint32_t users; /* to begin with */
        char state[400], run[400], config[420], log[420], socket[420], map_dir[420], map[440];
        pid_t pid;
        sd_bus *bus;
        uint32_t next; /* user to be created */
        MapView view;
} Daemon;

static void path_make(char *path, size_t size, const char *dir, const char *name) {
        if (snprintf(path, size, "%s/%s", dir, name) >= (int)size)
                die(dir, -ENAMETOOLONG);
}

static void daemon_paths(Daemon *daemon, const char *state, const char *run) {
        path_make(daemon->state, sizeof(daemon->state), state, "umd.XXXXXX");
        path_make(daemon->run, sizeof(daemon->run), run, "umd.XXXXXX");
        if (!mkdtemp(daemon->state) || !mkdtemp(daemon->run) || chmod(daemon->run, 0755) < 0)
                die(run, -errno);
        path_make(daemon->config, sizeof(daemon->config), daemon->run, "um.conf");
        path_make(daemon->log, sizeof(daemon->log), daemon->run, "log");
        path_make(daemon->socket, sizeof(daemon->socket), daemon->run, "bus");
        path_make(daemon->map_dir, sizeof(daemon->map_dir), daemon->run, "map.d");
        path_make(daemon->map, sizeof(daemon->map), daemon->map_dir, MAP_NAME);
}

/* The first start makes the vault's key; it need not measure what a hash has to cost too. */
static void daemon_cost(const Daemon *daemon) {
        char dir[PATH_MAX], path[PATH_MAX];
        FILE *file;

        path_make(dir, sizeof(dir), daemon->state, "vault");
        path_make(path, sizeof(path), dir, "cost");
        must(dir, mkdir(dir, 0700) == 0 ? 0 : -errno);
        file = fopen(path, "we");
        must(path, file ? 0 : -errno);
        fputs("yescrypt j9T\n", file);
        fclose(file);
}

static void daemon_fill(Daemon *daemon) {
        FILE *config = fopen(daemon->config, "we");
        Store *store;

        must(daemon->config, config ? 0 : -errno);
        fprintf(config, "uid-range = %u-%u\n", PEOPLE_FIRST, PEOPLE_LAST);
        fclose(config);
        must("store", store_open(daemon->state, true, &store));
        must("fill", people_fill(store, daemon->users));
        store_close(store);
        daemon->next = daemon->users;
}

static _Noreturn void daemon_exec(const Daemon *daemon) {
        int log = open(daemon->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);

        if (log >= 0 && dup2(log, STDERR_FILENO) >= 0)
                execl(umd_program, "umd", "--state-dir", daemon->state, "--runtime-dir",
                      daemon->run, "--config", daemon->config, "--vault", vault_program,
                      "--quality", quality_program, "--notify", notify_program, "--no-helper",
                      "--debug", (char *)NULL);
        _exit(127);
}

/* From fork(2) to the first answer, in microseconds. */
static uint64_t daemon_start(Daemon *daemon) {
        uint64_t began_usec = base_boottime_usec(), deadline_usec = began_usec + START_USEC;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        daemon->pid = fork();
        if (daemon->pid == 0)
                daemon_exec(daemon);
        must("fork", daemon->pid < 0 ? -errno : 0);
        while ((r = wire_connect(daemon->socket, daemon->map_dir, base_boottime_usec() + CALL_USEC,
                                 &daemon->bus)) < 0) {
                if (base_boottime_usec() > deadline_usec ||
                    waitpid(daemon->pid, NULL, WNOHANG) != 0)
                        die("umd did not start: see its log in RUN-DIR", r);
                (void)poll(NULL, 0, 1); /* the resolution of the figure */
        }
        r = sd_bus_call_method(daemon->bus, NULL, WIRE_PATH, WIRE_MANAGER, "Status", &error, NULL,
                               NULL);
        if (r < 0)
                die(error.message ? error.message : "Status", r);
        return base_boottime_usec() - began_usec;
}

static void daemon_stop(Daemon *daemon) {
        if (daemon->view.base)
                map_close(&daemon->view);
        daemon->view = (MapView){ 0 };
        daemon->bus = sd_bus_close_unref(daemon->bus);
        kill(daemon->pid, SIGTERM);
        waitpid(daemon->pid, NULL, 0);
}

static void folder_remove(const char *path) {
        pid_t pid = fork();

        if (pid == 0) {
                execl("/bin/rm", "rm", "-rf", "--", path, (char *)NULL);
                _exit(127);
        }
        waitpid(pid, NULL, 0);
}

static void daemon_done(Daemon *daemon) {
        daemon_stop(daemon);
        folder_remove(daemon->state);
        folder_remove(daemon->run);
}

/* Resident KiB but for pages of the store. */
static uint64_t daemon_memory(const Daemon *daemon) {
        char path[64], line[512];
        unsigned long long kib = 0, sum = 0;
        unsigned long from, to;
        bool store = false;
        FILE *smaps;

        snprintf(path, sizeof(path), "/proc/%d/smaps", (int)daemon->pid);
        smaps = fopen(path, "re");
        must(path, smaps ? 0 : -errno);
        while (fgets(line, sizeof(line), smaps)) {
                if (sscanf(line, "%lx-%lx ", &from, &to) == 2) /* a mapping begins */
                        store = strstr(line, "data.mdb") != NULL;
                else if (sscanf(line, "Rss: %llu kB", &kib) == 1)
                        sum += store ? 0 : kib;
        }
        fclose(smaps);
        return sum;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void call_check(int r, const sd_bus_error *error) {
        if (r >= 0)
                return;
        fprintf(stderr, "bench_umd: %s: %s\n", error->name ? error->name : strerror(-r),
                error->message ? error->message : "");
        exit(1);
}

static void user_create(sd_bus *bus, const char *name) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        char email[64];

        snprintf(email, sizeof(email), "%s@example.org", name);
        call_check(sd_bus_call_method(bus, NULL, WIRE_PATH, WIRE_MANAGER, "CreateUser", &error,
                                      NULL, "sa{sv}a{sv}", name, 3, "full_name", "s",
                                      "Alice Example", "email", "s", email, "department", "s", "it",
                                      0),
                   &error);
}

/* As a process that looks for the first time since a change would see it. */
static void user_expect(Daemon *daemon, const char *name) {
        MapUser user;

        if (daemon->view.base && map_is_stale(&daemon->view)) {
                map_close(&daemon->view);
                daemon->view = (MapView){ 0 };
        }
        if (!daemon->view.base)
                must(daemon->map, map_open(daemon->map, &daemon->view));
        if (map_user_by_name(&daemon->view, name, strlen(name), &user) != 1)
                die("a user is not in the map when the call returns", -ENOENT);
}

static double creation_usec(Daemon *daemon) {
        char name[PEOPLE_NAME_BYTES];
        uint64_t began_usec;

        people_name(daemon->next++, name);
        began_usec = base_boottime_usec();
        user_create(daemon->bus, name);
        began_usec = base_boottime_usec() - began_usec;
        user_expect(daemon, name);
        return (double)began_usec;
}

/* The last `count` deltas' times as umd logged them. */
static double deltas_usec(const Daemon *daemon, size_t count) {
        static double times[CREATIONS];
        FILE *log = fopen(daemon->log, "re");
        unsigned long long usec;
        size_t seen = 0;
        char line[512];

        must(daemon->log, log ? 0 : -errno);
        while (fgets(line, sizeof(line), log))
                if (sscanf(line, "umd: delta published in %llu us", &usec) == 1)
                        times[seen++ % count] = (double)usec;
        fclose(log);
        return median(times, seen < count ? seen : count);
}

/* ---- what is measured ------------------------------------------------------------------------ */

static void start_measure(Daemon *daemon, const char *state, const char *run) {
        daemon->users = daemon->users > 0 ? daemon->users : 1;
        daemon_paths(daemon, state, run);
        daemon_cost(daemon);
        daemon_fill(daemon);
        (void)daemon_start(daemon); /* the first one makes the vault's key and its own mark */
        daemon_stop(daemon);
        printf("start: %u users: serving after %.0f ms", daemon->users,
               (double)daemon_start(daemon) / 1e3);
        printf(", idle with %.1f MiB\n", (double)daemon_memory(daemon) / 1024);
        fflush(stdout);
}

static void creations_measure(Daemon *few, Daemon *many) {
        static double few_times[CREATIONS], many_times[CREATIONS];
        double few_usec, many_usec;

        for (unsigned i = 0; i < CREATIONS; i++) {
                few_times[i] = creation_usec(few);
                many_times[i] = creation_usec(many);
        }
        few_usec = median(few_times, CREATIONS);
        many_usec = median(many_times, CREATIONS);
        printf("create: %u users: %.0f us, %u users: %.0f us, %.2f times; the map's part %.0f and "
               "%.0f us\n",
               few->users, few_usec, many->users, many_usec, many_usec / few_usec,
               deltas_usec(few, CREATIONS), deltas_usec(many, CREATIONS));
        fflush(stdout);
}

/* ---- rights ---------------------------------------------------------------------------------- */

static void role_add(Daemon *daemon, const char *name) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        call_check(sd_bus_call_method(daemon->bus, NULL, WIRE_PATH, WIRE_ROLE, "Add", &error, NULL,
                                      "sa{sv}a{sv}", name, 1, "permit", "as", 2, "user.view",
                                      "host.*", 0),
                   &error);
}

static double grant_usec(Daemon *daemon, uint32_t user) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        uint64_t began_usec = base_boottime_usec();
        char name[PEOPLE_NAME_BYTES];

        people_name(user, name);
        call_check(sd_bus_call_method(daemon->bus, NULL, WIRE_PATH, WIRE_ROLE, "Grant", &error,
                                      NULL, "ssa{sv}a{sv}", name, ROLE, 0, 0),
                   &error);
        return (double)(base_boottime_usec() - began_usec);
}

static void grants_measure(Daemon *few, Daemon *many, bool first) {
        static double few_times[CREATIONS], many_times[CREATIONS];
        uint32_t count = few->users < CREATIONS ? few->users : CREATIONS;
        double few_usec, many_usec;

        if (first)
                role_add(few, ROLE);
        role_add(many, ROLE);
        for (uint32_t i = 0; i < count; i++) {
                few_times[i] = grant_usec(few, i); /* later times write it anew: another change */
                many_times[i] = grant_usec(many, i);
        }
        few_usec = median(few_times, count);
        many_usec = median(many_times, count);
        printf("grant: %u users: %.0f us, %u users: %.0f us, %.2f times\n", few->users, few_usec,
               many->users, many_usec, many_usec / few_usec);
        fflush(stdout);
}

static double check_usec(Daemon *daemon, const char *name) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        uint64_t began_usec = base_boottime_usec();
        sd_bus_message *reply = NULL;
        int allowed = 0;

        call_check(sd_bus_call_method(daemon->bus, NULL, WIRE_PATH, WIRE_MANAGER, "CheckPermission",
                                      &error, &reply, "sss", name, "user.view", ""),
                   &error);
        began_usec = base_boottime_usec() - began_usec;
        if (sd_bus_message_read(reply, "b", &allowed) < 0 || !allowed)
                die("a permission that is held is not", -EACCES);
        sd_bus_message_unref(reply);
        return (double)began_usec;
}

/* What takes the same way there and back, and asks nothing. */
static double ping_usec(Daemon *daemon) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        uint64_t began_usec = base_boottime_usec();

        call_check(sd_bus_call_method(daemon->bus, NULL, WIRE_PATH, "org.freedesktop.DBus.Peer",
                                      "Ping", &error, NULL, NULL),
                   &error);
        return (double)(base_boottime_usec() - began_usec);
}

/* With ever more roles; the two calls take turns. */
static void checks_measure(Daemon *daemon) {
        static const unsigned counts[] = { 10, 100, 1000 };
        static double checks[CHECKS], pings[CHECKS];
        char name[PEOPLE_NAME_BYTES], role[32];
        unsigned roles = 1;

        people_name(0, name);
        for (size_t i = 0; i < ARRAY_LENGTH(counts); i++) {
                double check, ping;

                for (; roles < counts[i]; roles++) {
                        snprintf(role, sizeof(role), ROLE "-%u", roles);
                        role_add(daemon, role);
                }
                for (unsigned k = 0; k < CHECKS; k++) {
                        checks[k] = check_usec(daemon, name);
                        pings[k] = ping_usec(daemon);
                }
                check = median(checks, CHECKS);
                ping = median(pings, CHECKS);
                printf("checks: %u roles: %.0f us, a Ping %.0f us, %.2f times; %.0f a second by "
                       "one client\n",
                       counts[i], check, ping, check / ping, 1e6 / check);
                fflush(stdout);
        }
}

/* ---- many at once ---------------------------------------------------------------------------- */

typedef struct Clients {
        Daemon *daemon;
        pthread_barrier_t barrier;
        atomic_uint next, created;
        atomic_bool over;
} Clients;

static void *client_run(void *userdata) {
        Clients *clients = userdata;
        sd_bus *bus;

        must("connect", wire_connect(clients->daemon->socket, clients->daemon->map_dir,
                                     base_boottime_usec() + CALL_USEC, &bus));
        pthread_barrier_wait(&clients->barrier);
        while (!clients->over) {
                char name[PEOPLE_NAME_BYTES];

                people_name(clients->next++, name);
                user_create(bus, name);
                clients->created++;
        }
        sd_bus_close_unref(bus);
        return NULL;
}

static double clients_rate(Daemon *daemon, unsigned count) {
        Clients clients = { .daemon = daemon, .next = daemon->next };
        pthread_t threads[CLIENTS];
        uint64_t began_usec;
        unsigned created;

        must("barrier", -pthread_barrier_init(&clients.barrier, NULL, count + 1));
        for (unsigned i = 0; i < count; i++)
                must("thread", -pthread_create(&threads[i], NULL, client_run, &clients));
        pthread_barrier_wait(&clients.barrier);
        began_usec = base_boottime_usec();
        (void)poll(NULL, 0, (int)(CLIENTS_USEC / USEC_PER_MSEC)); /* the window */
        created = clients.created;
        began_usec = base_boottime_usec() - began_usec;
        clients.over = true;
        for (unsigned i = 0; i < count; i++)
                pthread_join(threads[i], NULL);
        daemon->next = clients.next;
        return created * 1e6 / (double)began_usec;
}

static void clients_measure(Daemon *daemon) {
        double one = clients_rate(daemon, 1), many = clients_rate(daemon, CLIENTS);

        printf("commits: through umd, users created a second: %.0f by one client, %.0f by %u\n",
               one, many, CLIENTS);
        fflush(stdout);
}

static void members_change(Daemon *daemon, const char *verb, uint32_t first, uint32_t count) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(daemon->bus, &m, NULL, WIRE_PATH_GROUP "/" GROUP,
                                           WIRE_GROUP, verb);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "s");
        for (uint32_t n = first; r >= 0 && n < first + count; n++) {
                char name[PEOPLE_NAME_BYTES];

                people_name(n, name);
                r = sd_bus_message_append(m, "s", name);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_append(m, "asa{sv}", 0, 0);
        if (r >= 0)
                r = sd_bus_call(daemon->bus, m, CALL_USEC, &error, NULL);
        call_check(r, &error);
        sd_bus_message_unref(m);
}

/* One member more, one member less. */
static void group_measure(Daemon *daemon) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        static double times[GROUP_CHANGES];

        call_check(sd_bus_call_method(daemon->bus, NULL, WIRE_PATH, WIRE_MANAGER, "CreateGroup",
                                      &error, NULL, "sa{sv}a{sv}", GROUP, 0, 0),
                   &error);
        for (uint32_t n = 0; n < GROUP_MEMBERS - 1; n += GROUP_AT_ONCE)
                members_change(daemon, "AddMembers", n,
                               n + GROUP_AT_ONCE < GROUP_MEMBERS ? GROUP_AT_ONCE
                                                                 : GROUP_MEMBERS - 1 - n);
        for (unsigned i = 0; i < GROUP_CHANGES; i++) {
                uint64_t began_usec = base_boottime_usec();

                members_change(daemon, i % 2 == 0 ? "AddMembers" : "RemoveMembers",
                               GROUP_MEMBERS - 1, 1);
                times[i] = (double)(base_boottime_usec() - began_usec);
        }
        printf("group: one change of a group of %u members: %.1f ms, the map's part %.1f ms\n",
               GROUP_MEMBERS, median(times, GROUP_CHANGES) / 1e3,
               deltas_usec(daemon, GROUP_CHANGES) / 1e3);
        fflush(stdout);
}

/* A rule for all, which puts everybody into um-mfa or out of it; umd does nothing else meanwhile.
 */
static void rule_measure(Daemon *daemon) {
        static double times[RULE_CHANGES];

        for (unsigned i = 0; i < RULE_CHANGES; i++) {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
                uint64_t began_usec = base_boottime_usec();

                call_check(sd_bus_call_method(daemon->bus, NULL, WIRE_PATH, WIRE_POLICY, "Set",
                                              &error, NULL, "ssa{sv}", "factor.required",
                                              i % 2 == 0 ? "on" : "off", 0),
                           &error);
                times[i] = (double)(base_boottime_usec() - began_usec);
        }
        printf("rule: factor.required for all of %u users: %.0f ms\n", daemon->users,
               median(times, RULE_CHANGES) / 1e3);
        fflush(stdout);
}

static uint32_t number(const char *s) {
        uint64_t value;

        if (base_parse_u64(s, 1, 10000000, &value) < 0)
                die("usage: bench_umd UMD VAULT QUALITY NOTIFY STATE-DIR RUN-DIR USERS [USERS...]",
                    -EINVAL);
        return (uint32_t)value;
}

int main(int argc, char **argv) {
        Daemon few = { 0 };

        if (argc < 8)
                (void)number("");
        umd_program = argv[1];
        vault_program = argv[2];
        quality_program = argv[3];
        notify_program = argv[4];
        few.users = number(argv[7]);
        start_measure(&few, argv[5], argv[6]);
        for (int i = 8; i < argc; i++) {
                Daemon many = { .users = number(argv[i]) };

                start_measure(&many, argv[5], argv[6]);
                creations_measure(&few, &many);
                grants_measure(&few, &many, i == 8);
                rule_measure(&many);
                if (many.users == GROUP_MEMBERS)
                        group_measure(&many);
                daemon_done(&many);
        }
        if (argc > 8)
                checks_measure(&few); /* its users have been granted something */
        clients_measure(&few);
        daemon_done(&few);
        return 0;
}
