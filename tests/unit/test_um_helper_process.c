/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real um-helper, over its socket: its answers, and whom it answers. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "map/map.h"
#include "tests/unit/service.h"
#include "um_helper/helper.h"

#define ALICE 70000U

static const char *program; /* argv[1], set once */

typedef struct Scene {
        char dir[40], map_path[64], root[64];
        int dir_fd;
        Service service;
} Scene;

static void map_make(const Scene *scene) {
        char home[96];
        MapUserSpec alice = { .uid = ALICE,
                              .gid = ALICE,
                              .name = "alice",
                              .gecos = "",
                              .home = home,
                              .shell = "/bin/sh" };
        MapBuild *build;
        MapWriter *writer;

        snprintf(home, sizeof(home), "%s/alice", scene->root);
        assert_int_equal(map_build_new(MAP_FLAG_COMPLETE, &build), 0);
        assert_int_equal(map_build_user(build, &alice), 0);
        assert_int_equal(map_build_write(build, scene->dir_fd, &writer), 0);
        assert_int_equal(map_publish(scene->dir_fd, writer, NULL), 0);
        map_writer_free(writer);
        map_build_free(build);
}

static int scene_setup(void **state, bool by_hand) {
        Scene *scene = calloc(1, sizeof(*scene));
        const char *const argv[] = { program,     "--map",      scene->map_path, "--home-root",
                                     scene->root, "--skeleton", "/nonexistent",  "--cgroup-root",
                                     scene->dir,  NULL };

        memcpy(scene->dir, "/tmp/um-helper.XXXXXX", sizeof("/tmp/um-helper.XXXXXX"));
        assert_non_null(mkdtemp(scene->dir));
        scene->dir_fd = open(scene->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        snprintf(scene->map_path, sizeof(scene->map_path), "%s/" MAP_NAME, scene->dir);
        snprintf(scene->root, sizeof(scene->root), "%s/home", scene->dir);
        assert_int_equal(mkdir(scene->root, 0755), 0);
        assert_int_equal(mkdirat(scene->dir_fd, "cgroup.controllers", 0755), 0);
        map_make(scene);
        service_start(&scene->service, by_hand, argv);
        *state = scene;
        return 0;
}

static int scene_by_hand(void **state) {
        return scene_setup(state, true);
}

static int scene_listening(void **state) {
        return scene_setup(state, false);
}

static int scene_end(void **state) {
        Scene *scene = *state;
        int tmp_fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
        int r = scene->service.pid > 0 ? service_stop(&scene->service) : 0;

        if (r == 0)
                r = tree_remove(tmp_fd, scene->dir + sizeof("/tmp"));
        close(tmp_fd);
        close(scene->dir_fd);
        free(scene);
        return r;
}

static void request_send(int fd, uint32_t verb, uid_t uid, uint64_t id) {
        HelperRequest request = { .protocol = HELPER_PROTOCOL, .verb = verb, .id = id, .uid = uid };

        packet_send(fd, &request, sizeof(request));
}

static HelperReply reply_receive(int fd) {
        HelperReply reply;

        assert_int_equal(packet_receive(fd, &reply, sizeof(reply)), sizeof(reply));
        assert_int_equal(reply.protocol, HELPER_PROTOCOL);
        assert_int_equal(reply.reserved, 0);
        assert_int_equal(reply.error != 0, reply.status == HELPER_FAULT);
        return reply;
}

static HelperReply ask(int fd, uint32_t verb, uid_t uid) {
        HelperReply reply;

        request_send(fd, verb, uid, 42);
        reply = reply_receive(fd);
        assert_int_equal(reply.id, 42);
        return reply;
}

static void each_outcome_has_its_answer(void **state) {
        Scene *scene = *state;
        int fd = scene->service.fd;

        assert_int_equal(ask(fd, HELPER_MAKE_HOME, ALICE).status, HELPER_OK);
        assert_int_equal(ask(fd, HELPER_MAKE_HOME, ALICE).status, HELPER_EXISTS);
        assert_int_equal(fchownat(scene->dir_fd, "home/alice", 1, 1, 0), 0);
        assert_int_equal(ask(fd, HELPER_MAKE_HOME, ALICE).status, HELPER_FOREIGN);
        assert_int_equal(ask(fd, HELPER_MAKE_HOME, ALICE + 1).status, HELPER_NO_USER);
        assert_int_equal(ask(fd, HELPER_MAKE_HOME, 0).status, HELPER_NO_USER);
        assert_int_equal(ask(fd, HELPER_END_SESSIONS, ALICE).status, HELPER_OK);
        assert_int_equal(ask(fd, HELPER_END_SESSIONS, 0).status, HELPER_NO_USER);
        assert_int_equal(ask(fd, 0, ALICE).status, HELPER_REFUSED);
        assert_int_equal(ask(fd, _HELPER_VERB_MAX, ALICE).status, HELPER_REFUSED);
        assert_int_equal(fchmodat(scene->dir_fd, "home", 0777, 0), 0);
        assert_int_equal(ask(fd, HELPER_MAKE_HOME, ALICE).status, HELPER_REFUSED);
        assert_int_equal(unlinkat(scene->dir_fd, MAP_NAME, 0), 0);
        assert_int_equal(ask(fd, HELPER_MAKE_HOME, ALICE).error, ENOENT);
}

static void eight_peers_at_once_get_one_home(void **state) {
        Scene *scene = *state;
        unsigned made = 0, there = 0;
        int fds[8];

        for (size_t i = 0; i < ARRAY_LENGTH(fds); i++) {
                fds[i] = service_connect(&scene->service);
                request_send(fds[i], HELPER_MAKE_HOME, ALICE, i);
        }
        for (size_t i = 0; i < ARRAY_LENGTH(fds); i++) {
                HelperReply reply = reply_receive(fds[i]);

                assert_int_equal(reply.id, i);
                made += reply.status == HELPER_OK;
                there += reply.status == HELPER_EXISTS;
                close(fds[i]);
        }
        assert_int_equal(made, 1);
        assert_int_equal(there, 7);
}

static bool peer_is_dropped(int fd) {
        char c;

        return packet_receive(fd, &c, 1) == 0;
}

static void a_packet_that_is_no_request_drops_that_peer_only(void **state) {
        Scene *scene = *state;
        int other = service_connect(&scene->service);
        HelperRequest request[2] = {
                { .protocol = HELPER_PROTOCOL, .verb = HELPER_END_SESSIONS, .uid = ALICE }
        };

        for (size_t n = 0; n <= sizeof(request); n++) {
                int fd;

                if (n == sizeof(request[0]))
                        continue;
                fd = service_connect(&scene->service);
                packet_send(fd, request, n);
                assert_true(peer_is_dropped(fd));
                close(fd);
        }
        for (int i = 0; i < 2; i++) {
                int fd = service_connect(&scene->service);

                request[0].protocol = i == 0 ? HELPER_PROTOCOL + 1 : HELPER_PROTOCOL;
                request[0].reserved = i == 0 ? 0 : 1;
                packet_send(fd, request, sizeof(request[0]));
                assert_true(peer_is_dropped(fd));
                close(fd);
        }
        assert_int_equal(ask(other, HELPER_END_SESSIONS, ALICE).status, HELPER_OK);
        close(other);
}

/* Silent ones take no place for ever, and who comes when all are taken waits. */
static void seventeen_peers_are_served_in_turn(void **state) {
        Scene *scene = *state;
        int fds[HELPER_CLIENTS_MAX + 1];

        for (size_t i = 0; i < ARRAY_LENGTH(fds); i++)
                fds[i] = service_connect(&scene->service);
        for (size_t i = 0; i < HELPER_CLIENTS_MAX; i++)
                assert_int_equal(ask(fds[i], HELPER_END_SESSIONS, ALICE).status, HELPER_OK);
        request_send(fds[HELPER_CLIENTS_MAX], HELPER_END_SESSIONS, ALICE, 1);
        close(fds[0]);
        assert_int_equal(reply_receive(fds[HELPER_CLIENTS_MAX]).status, HELPER_OK);
        for (size_t i = 1; i < ARRAY_LENGTH(fds); i++)
                close(fds[i]);
}

static void a_peer_that_takes_no_answers_is_dropped(void **state) {
        Scene *scene = *state;
        int fd = service_connect(&scene->service), other;
        HelperRequest request = { .protocol = HELPER_PROTOCOL };
        unsigned sent = 0;

        while (sent < 100000 &&
               base_poll_until(fd, POLLOUT, base_boottime_usec() + SERVICE_DEADLINE_USEC) == 1 &&
               send(fd, &request, sizeof(request), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
                sent++;
        assert_true(sent < 100000);
        other = service_connect(&scene->service);
        assert_int_equal(ask(other, HELPER_END_SESSIONS, ALICE).status, HELPER_OK);
        close(fd);
        close(other);
}

static void a_peer_that_is_neither_um_nor_root_is_dropped(void **state) {
        Scene *scene = *state;
        char path[64];
        int status;
        pid_t pid;

        snprintf(path, sizeof(path), "%s/socket", scene->service.dir);
        assert_int_equal(chmod(path, 0666), 0);
        assert_int_equal(chmod(scene->service.dir, 0755), 0);
        pid = fork();
        if (pid == 0) {
                char c;
                int fd;

                if (setresgid(12345, 12345, 12345) < 0 || setresuid(12345, 12345, 12345) < 0 ||
                    base_unix_connect(path, SOCK_SEQPACKET,
                                      base_boottime_usec() + SERVICE_DEADLINE_USEC, &fd) < 0 ||
                    base_poll_until(fd, POLLIN, base_boottime_usec() + SERVICE_DEADLINE_USEC) != 1)
                        _exit(1);
                _exit(recv(fd, &c, 1, MSG_DONTWAIT) == 0 ? 0 : 2);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

static void by_hand_it_ends_with_its_parent(void **state) {
        Scene *scene = *state;

        assert_int_equal(ask(scene->service.fd, HELPER_END_SESSIONS, ALICE).status, HELPER_OK);
        assert_int_equal(shutdown(scene->service.fd, SHUT_RDWR), 0);
        assert_int_equal(service_wait(&scene->service, NULL, 0), 0);
        scene->service.pid = 0;
}

static void usage_faults_have_their_own_status(void **state) {
        static const struct {
                const char *argv[4];
                int status;
        } rows[] = {
                { { "--no-such-option" }, 2 },
                { { "argument" }, 2 },
                { { "--fd", "x" }, 2 },
                { { "--home-root", "home" }, 2 },
                { { "--home-root", "/home/../x" }, 2 },
                { { "--map" }, 2 },
                { { "--help" }, 0 },
                { { "--version" }, 0 },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                const char *argv[5] = { program };
                Service service;
                char error[512];

                memcpy(argv + 1, rows[i].argv, sizeof(rows[i].argv));
                service_start(&service, false, argv);
                assert_int_equal(service_wait(&service, error, sizeof(error)), rows[i].status);
                assert_int_equal(error[0] != '\0', rows[i].status != 0);
        }
}

#define BY_HAND(f)   cmocka_unit_test_setup_teardown(f, scene_by_hand, scene_end)
#define LISTENING(f) cmocka_unit_test_setup_teardown(f, scene_listening, scene_end)

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                BY_HAND(each_outcome_has_its_answer),
                LISTENING(eight_peers_at_once_get_one_home),
                LISTENING(a_packet_that_is_no_request_drops_that_peer_only),
                LISTENING(seventeen_peers_are_served_in_turn),
                LISTENING(a_peer_that_takes_no_answers_is_dropped),
                LISTENING(a_peer_that_is_neither_um_nor_root_is_dropped),
                BY_HAND(by_hand_it_ends_with_its_parent),
                cmocka_unit_test(usage_faults_have_their_own_status),
        };

        if (argc != 2)
                return 2;
        program = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
