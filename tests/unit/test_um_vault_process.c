/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real um-vault, over its socket: what each verb answers, and what becomes of a bad peer. */

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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
#include "tests/unit/service.h"
#include "um_vault/vault.h"

#define CHEAP_SETTING "$2b$04$abcdefghijklmnopqrstuu" /* about a millisecond */

static const char *program; /* argv[1], set once */

typedef struct Vault {
        Service service;
        int fd;
        char dir[40];
} Vault;

typedef struct Answer {
        VaultHead head;
        uint8_t verifier[VAULT_VERIFIER_MAX];
} Answer;

static const VaultSubject alice = {
        .store_id = { 1, 2, 3 }, .uid = 70000, .kind = 1, .version = 5
};

static void vault_start_in(Vault *vault, bool by_hand) {
        const char *const argv[] = { program, "--key-dir", vault->dir, NULL };

        service_start(&vault->service, by_hand, argv);
        vault->fd = by_hand ? vault->service.fd : service_connect(&vault->service);
}

static int vault_setup(void **state, bool by_hand) {
        Vault *vault = calloc(1, sizeof(*vault));

        strcpy(vault->dir, "/tmp/um-vault.XXXXXX");
        if (!mkdtemp(vault->dir))
                return -1;
        vault_start_in(vault, by_hand);
        *state = vault;
        return 0;
}

static int vault_by_hand(void **state) {
        return vault_setup(state, true);
}

static int vault_listening(void **state) {
        return vault_setup(state, false);
}

static void key_path(const Vault *vault, char *ret_path) {
        snprintf(ret_path, 64, "%s/" VAULT_KEY_NAME, vault->dir);
}

static int vault_end(void **state) {
        Vault *vault = *state;
        char path[64];
        int r = 0;

        if (vault->service.pid > 0) {
                if (vault->service.fd < 0)
                        close(vault->fd);
                r = service_stop(&vault->service);
        }
        key_path(vault, path);
        unlink(path);
        rmdir(vault->dir);
        free(vault);
        return r;
}

static void request_send(int fd, VaultOp op, uint64_t id, const VaultSubject *subject,
                         const void *secret, size_t secret_len, const Answer *from) {
        VaultHead head = {
                .protocol = VAULT_PROTOCOL,
                .op = op,
                .secret_bytes = (uint32_t)secret_len,
                .verifier_bytes = from ? from->head.verifier_bytes : 0,
                .id = id,
                .subject = *subject,
                .upgrade_version = subject->version + 1,
        };
        uint8_t buf[VAULT_PACKET_MAX];
        ssize_t len = vault_packet_build(&head, secret, from ? from->verifier : NULL, buf);

        assert_true(len > 0);
        packet_send(fd, buf, (size_t)len);
}

static VaultStatus answer_receive(int fd, Answer *ret) {
        uint8_t buf[VAULT_PACKET_MAX];
        ssize_t len = packet_receive(fd, buf, sizeof(buf));
        VaultPacket packet;

        assert_int_equal(vault_packet_parse(buf, (size_t)len, &packet), 0);
        assert_null(packet.secret);
        ret->head = packet.head;
        if (packet.verifier)
                memcpy(ret->verifier, packet.verifier, packet.head.verifier_bytes);
        return packet.head.status;
}

static VaultStatus ask(const Vault *vault, VaultOp op, const VaultSubject *subject,
                       const void *secret, size_t secret_len, const Answer *from, Answer *ret) {
        Answer answer;
        VaultStatus status;

        request_send(vault->fd, op, 77, subject, secret, secret_len, from);
        status = answer_receive(vault->fd, &answer);
        assert_int_equal(answer.head.id, 77);
        assert_int_equal(answer.head.op, op);
        assert_memory_equal(&answer.head.subject, subject, sizeof(*subject));
        if (ret)
                *ret = answer;
        return status;
}

static VaultStatus ask_text(const Vault *vault, VaultOp op, const VaultSubject *subject,
                            const char *secret, const Answer *from, Answer *ret) {
        return ask(vault, op, subject, secret, strlen(secret), from, ret);
}

static void crypt_make(const char *password, const char *setting, char *ret_hash) {
        struct crypt_data *data = calloc(1, sizeof(*data));
        const char *text = crypt_rn(password, setting, data, sizeof(*data));

        assert_non_null(text);
        strcpy(ret_hash, text);
        free(data);
}

static void import_make(const Vault *vault, const VaultSubject *subject, const char *password,
                        const char *setting, Answer *ret) {
        char hash[CRYPT_OUTPUT_SIZE];

        crypt_make(password, setting, hash);
        assert_int_equal(ask_text(vault, VAULT_IMPORT, subject, hash, NULL, ret), VAULT_OK);
}

/* ---- verbs ----------------------------------------------------------------------------------- */

static void a_hashed_password_matches_and_no_other_does(void **state) {
        static const char *const wrong[] = { "correct hors", "correct horse ", "Correct horse",
                                             "x" };
        const Vault *vault = *state;
        Answer made, answer;

        assert_int_equal(ask_text(vault, VAULT_PING, &alice, "", NULL, NULL), VAULT_OK);
        assert_int_equal(ask_text(vault, VAULT_HASH, &alice, "correct horse", NULL, &made),
                         VAULT_OK);
        assert_true(made.head.verifier_bytes > VAULT_SEAL_BYTES);
        assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "correct horse", &made, &answer),
                         VAULT_MATCH);
        assert_int_equal(answer.head.flags, 0);
        assert_int_equal(answer.head.verifier_bytes, 0);
        for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++)
                assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, wrong[i], &made, NULL),
                                 VAULT_NO_MATCH);
}

static void a_verifier_is_one_subjects_only(void **state) {
        const Vault *vault = *state;
        VaultSubject others[] = { alice, alice, alice };
        Answer made;

        assert_int_equal(ask_text(vault, VAULT_HASH, &alice, "pw", NULL, &made), VAULT_OK);
        others[0].uid++;
        others[1].version--;
        others[2].store_id[15] = 1;
        for (size_t i = 0; i < ARRAY_LENGTH(others); i++)
                assert_int_equal(ask_text(vault, VAULT_VERIFY, &others[i], "pw", &made, NULL),
                                 VAULT_BAD_RECORD);
}

static void a_verifier_with_one_changed_byte_is_no_record(void **state) {
        const Vault *vault = *state;
        Answer made;

        assert_int_equal(ask_text(vault, VAULT_HASH, &alice, "pw", NULL, &made), VAULT_OK);
        for (uint32_t i = 0; i < made.head.verifier_bytes; i++) {
                made.verifier[i] ^= 1;
                assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "pw", &made, NULL),
                                 VAULT_BAD_RECORD);
                made.verifier[i] ^= 1;
        }
        made.head.verifier_bytes--;
        assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "pw", &made, NULL),
                         VAULT_BAD_RECORD);
        made.head.verifier_bytes++;
        assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "pw", &made, NULL), VAULT_MATCH);
}

static void an_imported_hash_matches_and_is_made_anew(void **state) {
        static const char *const settings[] = { "$6$saltsalt$",
                                                "$6$rounds=1000$s$",
                                                "$5$saltsalt$",
                                                "$2b$04$abcdefghijklmnopqrstuu",
                                                "$2y$04$abcdefghijklmnopqrstuu",
                                                "$2a$04$abcdefghijklmnopqrstuu",
                                                "$y$j75$salt$" };
        const Vault *vault = *state;
        VaultSubject upgraded = alice;

        upgraded.version = alice.version + 1;
        for (size_t i = 0; i < ARRAY_LENGTH(settings); i++) {
                Answer old, new;

                import_make(vault, &alice, "pw", settings[i], &old);
                assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "px", &old, &new),
                                 VAULT_NO_MATCH);
                assert_int_equal(new.head.verifier_bytes, 0);
                assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "pw", &old, &new),
                                 VAULT_MATCH);
                assert_int_equal(new.head.flags, VAULT_FLAG_OLD_METHOD);
                assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "pw", &new, NULL),
                                 VAULT_BAD_RECORD);
                assert_int_equal(ask_text(vault, VAULT_VERIFY, &upgraded, "pw", &new, &old),
                                 VAULT_MATCH);
                assert_int_equal(old.head.flags, 0);
                assert_int_equal(ask_text(vault, VAULT_VERIFY, &upgraded, "px", &new, NULL),
                                 VAULT_NO_MATCH);
        }
}

static void an_imported_hash_as_good_as_ours_stays(void **state) {
        const Vault *vault = *state;
        Answer made, answer;

        import_make(vault, &alice, "pw", "$y$j9T$salt$", &made);
        assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "pw", &made, &answer), VAULT_MATCH);
        assert_int_equal(answer.head.flags, 0);
        assert_int_equal(answer.head.verifier_bytes, 0);
}

/* Catalogue 115. */
static void bcrypt_refuses_what_it_would_cut(void **state) {
        const Vault *vault = *state;
        char password[101] = { 0 };
        Answer made;

        memset(password, 'b', 72);
        import_make(vault, &alice, password, CHEAP_SETTING, &made);
        memset(password, 'b', 100);
        assert_int_equal(ask(vault, VAULT_VERIFY, &alice, password, 71, &made, NULL),
                         VAULT_NO_MATCH);
        assert_int_equal(ask(vault, VAULT_VERIFY, &alice, password, 72, &made, NULL), VAULT_MATCH);
        assert_int_equal(ask(vault, VAULT_VERIFY, &alice, password, 73, &made, NULL),
                         VAULT_NO_MATCH);
        assert_int_equal(ask(vault, VAULT_VERIFY, &alice, password, 100, &made, NULL),
                         VAULT_NO_MATCH);
}

static void what_is_no_hash_of_a_known_method_is_not_imported(void **state) {
        static const char *const texts[] = { "",
                                             "*",
                                             "!",
                                             "x",
                                             "*0",
                                             "*1",
                                             "$6$",
                                             "$6$saltsalt$",
                                             "$1$abcdefgh$abcdefghijklmnopqrstuv",
                                             "abcdefghijklm" };
        const Vault *vault = *state;

        for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
                assert_int_equal(ask_text(vault, VAULT_IMPORT, &alice, texts[i], NULL, NULL),
                                 VAULT_BAD_RECORD);
}

/* Catalogue 114: records that opened, had someone got them sealed. */
static void a_sealed_record_that_is_no_hash_denies(void **state) {
        static const char *const texts[] = { "",
                                             "*0",
                                             "*1",
                                             "*",
                                             "!",
                                             "x",
                                             "$6$saltsalt$",
                                             "$y$j9T$salt$",
                                             "abcdefghijklm",
                                             "$1$abcdefgh$abcdefghijklmnopqrstuv" };
        const Vault *vault = *state;
        _cleanup_secret_ Secret *key = NULL;
        char file[PATH_MAX];

        /* the first answer comes after the key was made */
        assert_int_equal(ask_text(vault, VAULT_PING, &alice, "", NULL, NULL), VAULT_OK);
        assert_int_equal(vault_key_load(vault->dir, NULL, &key, file), 0);
        for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
                Answer bad;

                assert_int_equal(vault_seal(key, &alice, texts[i], strlen(texts[i]), bad.verifier,
                                            &bad.head.verifier_bytes),
                                 0);
                assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, texts[i], &bad, NULL),
                                 VAULT_BAD_RECORD);
                assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "", &bad, NULL),
                                 VAULT_BAD_RECORD);
        }
}

static void passwords_have_bounds(void **state) {
        static const struct {
                size_t len, nul_at;
                bool good;
        } rows[] = {
                { 1, SIZE_MAX, true },
                { BASE_PASSWORD_MAX, SIZE_MAX, true },
                { 0, SIZE_MAX, false },
                { BASE_PASSWORD_MAX + 1, SIZE_MAX, false },
                { BASE_PASSWORD_MAX + 2, SIZE_MAX, false },
                { VAULT_SECRET_MAX, SIZE_MAX, false },
                { 10, 0, false },
                { 10, 5, false },
                { 10, 9, false },
        };
        const Vault *vault = *state;
        Answer made, good;

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                char password[VAULT_SECRET_MAX];

                memset(password, 'p', sizeof(password));
                if (rows[i].nul_at != SIZE_MAX)
                        password[rows[i].nul_at] = '\0';
                assert_int_equal(ask(vault, VAULT_HASH, &alice, password, rows[i].len, NULL, &made),
                                 rows[i].good ? VAULT_OK : VAULT_BAD_REQUEST);
                if (rows[i].good)
                        good = made;
                assert_int_equal(ask(vault, VAULT_VERIFY, &alice, password, rows[i].len, &good,
                                     NULL),
                                 rows[i].good ? VAULT_MATCH : VAULT_NO_MATCH);
        }
}

static void spending_never_matches(void **state) {
        const Vault *vault = *state;
        VaultSubject nobody = alice;

        nobody.uid = 0x80001234;
        assert_int_equal(ask_text(vault, VAULT_SPEND, &nobody, "pw", NULL, NULL), VAULT_NO_MATCH);
        assert_int_equal(ask_text(vault, VAULT_SPEND, &nobody, "", NULL, NULL), VAULT_NO_MATCH);
        assert_int_equal(ask(vault, VAULT_SPEND, &nobody, "a\0b", 3, NULL, NULL), VAULT_NO_MATCH);
}

static uint64_t time_of(const Vault *vault, VaultOp op, const Answer *made) {
        uint64_t best = UINT64_MAX;

        for (int i = 0; i < 5; i++) {
                uint64_t start = base_boottime_usec(), took;

                assert_int_equal(ask_text(vault, op, &alice, "wrong", made, NULL), VAULT_NO_MATCH);
                took = base_boottime_usec() - start;
                if (took < best)
                        best = took;
        }
        return best;
}

/* Printed, not asserted: a busy machine would make it a lie either way. */
static void spending_takes_the_time_of_a_guess(void **state) {
        const Vault *vault = *state;
        Answer made;

        assert_int_equal(ask_text(vault, VAULT_HASH, &alice, "pw", NULL, &made), VAULT_OK);
        print_message("VERIFY %lu us, SPEND %lu us\n",
                      (unsigned long)time_of(vault, VAULT_VERIFY, &made),
                      (unsigned long)time_of(vault, VAULT_SPEND, NULL));
}

/* ---- order and bounds ------------------------------------------------------------------------ */

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
        while ((status = ask_text(vault, VAULT_VERIFY, &alice, "px", &made, NULL)) ==
               VAULT_NO_MATCH)
                failures++;
        most = THROTTLE_BURST + 1 + (base_boottime_usec() - start) / THROTTLE_REFILL_USEC;
        assert_int_equal(status, VAULT_THROTTLED);
        assert_in_range(failures, THROTTLE_BURST, most);
        assert_int_equal(ask_text(vault, VAULT_VERIFY, &bob, "pw", &bobs, NULL), VAULT_MATCH);
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

        other.kind = 2;
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
        const char *const in_dir[] = {
                program, "--key-dir", vault->dir, "--peer-uid", "12345", NULL
        };
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
        key_path(vault, path);
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
                const char *argv[6] = { program };
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
                BY_HAND(a_hashed_password_matches_and_no_other_does),
                BY_HAND(a_verifier_is_one_subjects_only),
                BY_HAND(a_verifier_with_one_changed_byte_is_no_record),
                BY_HAND(an_imported_hash_matches_and_is_made_anew),
                BY_HAND(an_imported_hash_as_good_as_ours_stays),
                BY_HAND(bcrypt_refuses_what_it_would_cut),
                BY_HAND(what_is_no_hash_of_a_known_method_is_not_imported),
                BY_HAND(a_sealed_record_that_is_no_hash_denies),
                BY_HAND(passwords_have_bounds),
                BY_HAND(spending_never_matches),
                BY_HAND(spending_takes_the_time_of_a_guess),
                BY_HAND(failures_of_a_uid_have_a_ceiling),
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
        program = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
