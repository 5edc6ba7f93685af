/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real um-vault as a process: order and bounds, bad peers, its start and its end. */

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "tests/unit/vault_client.h"

/* ---- order and bounds ------------------------------------------------------------------------ */

static VaultStatus ask_flags(const Vault *vault, VaultOp op, uint32_t flags, const Answer *made) {
        Answer answer;
        VaultStatus status;

        request_send_flags(vault->fd, op, flags, 9, &alice, "pw", 2, made);
        status = answer_receive(vault->fd, &answer);
        assert_int_equal(answer.head.flags & ~VAULT_FLAG_OLD_METHOD, 0);
        return status;
}

/* While strangers' guesses at alice are refused. */
static void strangers_keep_nobody_out(const Vault *vault, const Answer *made) {
        static const uint32_t flags[] = { VAULT_FLAG_HERE, VAULT_FLAG_KNOWN };

        for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
                assert_int_equal(ask_flags(vault, VAULT_VERIFY, flags[i], made), VAULT_MATCH);
                assert_int_equal(ask_flags(vault, VAULT_SPEND, flags[i], NULL), VAULT_NO_MATCH);
                assert_int_equal(ask_flags(vault, VAULT_HASH, flags[i], NULL), VAULT_BAD_REQUEST);
        }
        assert_int_equal(ask_flags(vault, VAULT_VERIFY, VAULT_FLAG_HERE | VAULT_FLAG_KNOWN, made),
                         VAULT_BAD_REQUEST);
        assert_int_equal(ask_flags(vault, VAULT_VERIFY, VAULT_FLAG_OLD_METHOD, made),
                         VAULT_BAD_REQUEST);
        /* passwords are guessed at, never for nothing */
        assert_int_equal(ask_flags(vault, VAULT_VERIFY, VAULT_FLAG_NOTHING, made),
                         VAULT_BAD_REQUEST);
        assert_int_equal(ask_flags(vault, VAULT_SPEND, VAULT_FLAG_NOTHING, NULL),
                         VAULT_BAD_REQUEST);
        assert_int_equal(ask_flags(vault, VAULT_HASH, VAULT_FLAG_NOTHING, NULL), VAULT_BAD_REQUEST);
}

/* The best of five, or more where some are not answered as is asked for. */
static uint64_t best_time(const Vault *vault, VaultOp op, const Answer *made, VaultStatus wanted) {
        uint64_t best = UINT64_MAX;

        for (unsigned i = 0; i < 5;) {
                uint64_t start = base_boottime_usec(), took;
                VaultStatus status = ask_text(vault, op, &alice, "px", made, NULL);

                took = base_boottime_usec() - start;
                if (status != wanted) /* a token came back meanwhile */
                        continue;
                best = took < best ? took : best;
                i++;
        }
        return best;
}

static void failures_of_a_uid_have_a_ceiling(void **state) {
        const Vault *vault = *state;
        VaultSubject bob = alice;
        Answer made, bobs;
        VaultStatus status;
        uint64_t start = base_boottime_usec(), most;
        unsigned failures = 0;

        bob.uid++;
        import_make(vault, &alice, "pw", CHEAP_SETTING, &made);
        import_make(vault, &bob, "pw", CHEAP_SETTING, &bobs);
        for (unsigned i = 0; i < 2 * THROTTLE_BURST; i++) /* successes are free, also the 61st */
                assert_int_equal(ask_text(vault, VAULT_VERIFY, &bob, "pw", &bobs, NULL),
                                 VAULT_MATCH);
        do {
                status = ask_text(vault, VAULT_VERIFY, &alice, "px", &made, NULL);
                failures += status == VAULT_NO_MATCH;
        } while (status == VAULT_NO_MATCH && failures < 4 * THROTTLE_BURST);
        most = THROTTLE_BURST + 1 + (base_boottime_usec() - start) / THROTTLE_REFILL_USEC;
        assert_int_equal(status, VAULT_THROTTLED);
        assert_in_range(failures, THROTTLE_BURST, most);
        assert_int_equal(ask_text(vault, VAULT_VERIFY, &bob, "pw", &bobs, NULL), VAULT_MATCH);
        strangers_keep_nobody_out(vault, &made);
        /* Half of a guess's time is the bar: a busy machine makes no lie of it. */
        assert_true(best_time(vault, VAULT_VERIFY, &made, VAULT_THROTTLED) >
                    best_time(vault, VAULT_SPEND, NULL, VAULT_NO_MATCH) / 2);
}

static void a_failed_guess_at_a_quick_hash_takes_the_time_of_any(void **state) {
        const Vault *vault = *state;
        Answer made;

        import_make(vault, &alice, "pw", CHEAP_SETTING, &made);
        assert_true(best_time(vault, VAULT_VERIFY, &made, VAULT_NO_MATCH) >
                    best_time(vault, VAULT_SPEND, NULL, VAULT_NO_MATCH) / 2);
}

static void requests_beyond_the_queue_are_told_so(void **state) {
        const Vault *vault = *state;
        unsigned count = VAULT_QUEUE_MAX + 3 * VAULT_WORKERS_MAX, done = 0, busy = 0;
        Answer answer;

        for (unsigned i = 0; i < count; i++)
                request_send(vault->fd, VAULT_HASH, i, &alice, "pw", 2, NULL);
        for (unsigned i = 0; i < count; i++) {
                VaultStatus status = answer_receive(vault->fd, &answer);

                done += status == VAULT_OK;
                busy += status == VAULT_BUSY;
        }
        assert_int_equal(done + busy, count);
        assert_true(done >= VAULT_QUEUE_MAX);
        assert_true(busy > 0);
        assert_int_equal(ask_text(vault, VAULT_HASH, &alice, "pw", NULL, NULL), VAULT_OK);
}

static void one_uid_is_served_in_order_and_cannot_fill_the_queue(void **state) {
        const Vault *vault = *state;
        unsigned done = 0, busy = 0, count = VAULT_QUEUE_MAX;
        uint64_t last = 0;
        Answer made, answer;

        assert_int_equal(ask_text(vault, VAULT_HASH, &alice, "pw", NULL, &made), VAULT_OK);
        for (unsigned i = 1; i <= count; i++)
                request_send(vault->fd, VAULT_VERIFY, i, &alice, "pw", 2, &made);
        for (unsigned i = 0; i < count; i++)
                if (answer_receive(vault->fd, &answer) == VAULT_MATCH) {
                        assert_true(answer.head.id > last);
                        last = answer.head.id;
                        done++;
                } else {
                        assert_int_equal(answer.head.status, VAULT_BUSY);
                        busy++;
                }
        assert_true(done >= VAULT_LANE_MAX);
        assert_true(busy > 0);
}

static void parallel_guesses_at_many_all_finish(void **state) {
        enum { USERS = 20, ROUNDS = 3 };
        const Vault *vault = *state;
        unsigned seen[USERS * ROUNDS] = { 0 };
        Answer made[USERS], answer;
        VaultSubject who = alice;

        for (unsigned i = 0; i < USERS; i++) {
                who.uid = 70000 + i;
                import_make(vault, &who, i % 2 ? "odd" : "even", CHEAP_SETTING, &made[i]);
        }
        for (unsigned i = 0; i < USERS * ROUNDS; i++) {
                who.uid = 70000 + i % USERS;
                request_send(vault->fd, VAULT_VERIFY, i, &who, "odd", 3, &made[i % USERS]);
        }
        for (unsigned i = 0; i < USERS * ROUNDS; i++) {
                VaultStatus status = answer_receive(vault->fd, &answer);

                assert_int_equal(status, answer.head.id % 2 ? VAULT_MATCH : VAULT_NO_MATCH);
                assert_int_equal(answer.head.subject.uid, 70000 + answer.head.id % USERS);
                seen[answer.head.id]++;
        }
        for (unsigned i = 0; i < USERS * ROUNDS; i++)
                assert_int_equal(seen[i], 1);
}

/* ---- peers ----------------------------------------------------------------------------------- */

static bool peer_is_dropped(int fd) {
        char c;

        return packet_receive(fd, &c, 1) == 0;
}

static void a_malformed_packet_drops_that_peer_only(void **state) {
        const Vault *vault = *state;
        VaultHead head = {
                .protocol = VAULT_PROTOCOL, .op = VAULT_HASH, .secret_bytes = 4, .subject = alice
        };
        uint8_t whole[VAULT_PACKET_MAX + 1] = { 0 };
        ssize_t len = vault_packet_build(&head, "pass", NULL, whole);

        for (size_t n = 0; n <= sizeof(whole); n = n < (size_t)len + 8 ? n + 1 : n * 2 - 1) {
                int fd;

                if (n == (size_t)len)
                        continue;
                fd = service_connect(&vault->service);
                packet_send(fd, whole, n);
                assert_true(peer_is_dropped(fd));
                close(fd);
        }
        assert_int_equal(ask_text(vault, VAULT_PING, &alice, "", NULL, NULL), VAULT_OK);
}

static void a_request_with_fields_of_another_is_a_bad_one(void **state) {
        const Vault *vault = *state;
        Answer some = { .head.verifier_bytes = 100 };
        VaultSubject other = alice;

        other.kind = 3;
        assert_int_equal(ask_text(vault, VAULT_PING, &alice, "x", NULL, NULL), VAULT_BAD_REQUEST);
        assert_int_equal(ask_text(vault, VAULT_HASH, &alice, "x", &some, NULL), VAULT_BAD_REQUEST);
        assert_int_equal(ask_text(vault, VAULT_HASH, &other, "x", NULL, NULL), VAULT_BAD_REQUEST);
        assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "x", NULL, NULL), VAULT_BAD_REQUEST);
        assert_int_equal(ask_text(vault, VAULT_IMPORT, &alice, "x", &some, NULL),
                         VAULT_BAD_REQUEST);
        assert_int_equal(ask_text(vault, VAULT_SPEND, &alice, "x", &some, NULL), VAULT_BAD_REQUEST);
}

static void a_peer_that_leaves_with_work_under_way_harms_nobody(void **state) {
        const Vault *vault = *state;

        for (int i = 0; i < 20; i++) {
                int fd = service_connect(&vault->service);

                request_send(fd, VAULT_SPEND, 1, &alice, "pw", 2, NULL);
                close(fd);
        }
        assert_int_equal(ask_text(vault, VAULT_PING, &alice, "", NULL, NULL), VAULT_OK);
}

/* A peer that sends without end and never reads: the vault stops reading it, and answers others. */
static void a_peer_that_does_not_read_is_not_read(void **state) {
        const Vault *vault = *state;
        VaultHead head = { .protocol = VAULT_PROTOCOL, .op = VAULT_PING, .status = VAULT_FAULT };
        int fd = service_connect(&vault->service);
        unsigned sent = 0;

        while (sent < 100000 && send(fd, &head, sizeof(head), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
                sent++;
        assert_int_equal(ask_text(vault, VAULT_PING, &alice, "", NULL, NULL), VAULT_OK);
        while (sent < 100000 &&
               base_poll_until(fd, POLLOUT, base_boottime_usec() + USEC_PER_SEC) == 1 &&
               send(fd, &head, sizeof(head), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
                sent++;
        assert_true(sent < 100000);
        assert_int_equal(ask_text(vault, VAULT_PING, &alice, "", NULL, NULL), VAULT_OK);
        close(fd);
}

static void a_peer_of_another_uid_is_not_served(void **state) {
        Vault *vault = *state;
        const char *const in_dir[] = { vault_program, "--key-dir", vault->dir,
                                       "--peer-uid",  "12345",     NULL };
        Service service;
        char error[512];
        int fd;

        service_start(&service, false, in_dir);
        fd = service_connect(&service);
        assert_true(peer_is_dropped(fd));
        close(fd);
        assert_int_equal(service_stop(&service), 0);
        service_start(&service, true, in_dir);
        assert_int_equal(service_wait(&service, error, sizeof(error)), 1);
}

/* ---- the process ----------------------------------------------------------------------------- */

static void a_killed_vault_comes_back_with_its_key(void **state) {
        Vault *vault = *state;
        Answer made;

        assert_int_equal(ask_text(vault, VAULT_HASH, &alice, "pw", NULL, &made), VAULT_OK);
        kill(vault->service.pid, SIGKILL);
        assert_int_equal(service_wait(&vault->service, NULL, 0), -SIGKILL);
        vault_start_in(vault, true);
        assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "pw", &made, NULL), VAULT_MATCH);
        assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "px", &made, NULL), VAULT_NO_MATCH);
}

static void a_key_that_is_none_stops_it_with_the_files_name(void **state) {
        Vault *vault = *state;
        char path[64], error[512];

        assert_int_equal(ask_text(vault, VAULT_PING, &alice, "", NULL, NULL), VAULT_OK);
        assert_int_equal(service_stop(&vault->service), 0);
        vault_key_path(vault, path);
        assert_int_equal(truncate(path, VAULT_KEY_BYTES - 1), 0);
        vault_start_in(vault, true);
        assert_int_equal(service_wait(&vault->service, error, sizeof(error)), 1);
        vault->service.pid = 0;
        assert_non_null(strstr(error, path));
        assert_non_null(strstr(error, "32 bytes"));
}

static void what_was_taken_on_is_answered_before_the_end(void **state) {
        Vault *vault = *state;
        Answer answer;

        /* the last is answered at once, which says that those before it were read */
        for (uint64_t i = 0; i < 4; i++)
                request_send(vault->fd, VAULT_HASH, i, &alice, "pw", 2, NULL);
        request_send(vault->fd, VAULT_VERIFY, 9, &alice, "pw", 2, NULL);
        assert_int_equal(answer_receive(vault->fd, &answer), VAULT_BAD_REQUEST);
        kill(vault->service.pid, SIGTERM);
        for (uint64_t i = 0; i < 4; i++)
                assert_int_equal(answer_receive(vault->fd, &answer), VAULT_OK);
        assert_int_equal(service_wait(&vault->service, NULL, 0), 0);
        vault->service.pid = 0;
}

static void by_hand_it_ends_with_its_parent(void **state) {
        Vault *vault = *state;

        assert_int_equal(ask_text(vault, VAULT_PING, &alice, "", NULL, NULL), VAULT_OK);
        assert_int_equal(shutdown(vault->fd, SHUT_RDWR), 0);
        assert_int_equal(service_wait(&vault->service, NULL, 0), 0);
        vault->service.pid = 0;
}

static bool proc_has_line(pid_t pid, const char *file, const char *line) {
        char path[64], text[8192] = { 0 };
        int fd;

        snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_true(read(fd, text, sizeof(text) - 1) > 0);
        close(fd);
        return strstr(text, line) != NULL;
}

static void it_shuts_itself_in(void **state) {
        const Vault *vault = *state;
        char path[64];

        assert_int_equal(ask_text(vault, VAULT_PING, &alice, "", NULL, NULL), VAULT_OK);
        assert_true(proc_has_line(vault->service.pid, "status", "NoNewPrivs:\t1"));
        assert_true(proc_has_line(vault->service.pid, "status", "Umask:\t0077"));
        assert_true(proc_has_line(vault->service.pid, "limits",
                                  "Max core file size        0                    0 "));
        snprintf(path, sizeof(path), "/proc/%d/fd/100", vault->service.pid);
        assert_int_equal(access(path, F_OK), -1); /* the stray one service_start left open */
}

static void usage_faults_have_their_own_status(void **state) {
        static const struct {
                const char *argv[5];
                int status;
        } rows[] = {
                { { "--no-such-option" }, 2 },
                { { "argument" }, 2 },
                { { "--fd" }, 2 },
                { { "--fd", "x" }, 2 },
                { { "--fd", "-1" }, 2 },
                { { "--peer-uid", "um" }, 2 },
                { { "--peer-uid", "4294967295" }, 2 },
                { { "--key-dir", "/nonexistent/um" }, 1 },
                { { "--help" }, 0 },
                { { "--version" }, 0 },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                const char *argv[6] = { vault_program };
                Service service;
                char error[512];

                memcpy(argv + 1, rows[i].argv, sizeof(rows[i].argv) - sizeof(char *));
                service_start(&service, false, argv);
                assert_int_equal(service_wait(&service, error, sizeof(error)), rows[i].status);
                assert_int_equal(error[0] != '\0', rows[i].status != 0);
        }
}

#define BY_HAND(f)   cmocka_unit_test_setup_teardown(f, vault_by_hand, vault_end)
#define LISTENING(f) cmocka_unit_test_setup_teardown(f, vault_listening, vault_end)

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                BY_HAND(failures_of_a_uid_have_a_ceiling),
                BY_HAND(a_failed_guess_at_a_quick_hash_takes_the_time_of_any),
                BY_HAND(requests_beyond_the_queue_are_told_so),
                BY_HAND(one_uid_is_served_in_order_and_cannot_fill_the_queue),
                BY_HAND(parallel_guesses_at_many_all_finish),
                LISTENING(a_malformed_packet_drops_that_peer_only),
                LISTENING(a_request_with_fields_of_another_is_a_bad_one),
                LISTENING(a_peer_that_leaves_with_work_under_way_harms_nobody),
                LISTENING(a_peer_that_does_not_read_is_not_read),
                LISTENING(a_peer_of_another_uid_is_not_served),
                BY_HAND(a_killed_vault_comes_back_with_its_key),
                BY_HAND(a_key_that_is_none_stops_it_with_the_files_name),
                BY_HAND(what_was_taken_on_is_answered_before_the_end),
                BY_HAND(by_hand_it_ends_with_its_parent),
                BY_HAND(it_shuts_itself_in),
                cmocka_unit_test(usage_faults_have_their_own_status),
        };

        if (argc != 2)
                return 2;
        vault_program = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
