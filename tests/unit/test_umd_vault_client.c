/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The vault's client, against the real um-vault as a child and against vaults that misbehave: what
 * counts as a match, and that silence, loss and nonsense are faults. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/base.h"
#include "um_vault/um_vault.h"
#include "umd/umd.h"

#define DEADLINE_USEC (60 * USEC_PER_SEC) /* a sanitizer build on a busy machine */

static const char *program; /* argv[1], set once */
static const Log quiet = { .journal = false };
static const uint8_t store_id_bytes[16] = { 7 };

typedef struct Rig {
        char dir[40], key_dir[64], socket[64];
        sd_event *event;
        int listen_fd, peer_fd; /* a vault of the test's own */
        VaultClient *client;
        CoreVault vault;
        bool compares_keys, key_is_right;
        unsigned answers, keys_asked;
        CoreProofResult result;
        uint8_t verifier[VAULT_VERIFIER_MAX];
        size_t verifier_len;
} Rig;

static void answered(void *userdata, CoreProofResult result, const void *verifier, size_t len,
                     uint64_t now_usec) {
        Rig *rig = userdata;

        rig->answers++;
        rig->result = result;
        rig->verifier_len = len;
        if (len > 0)
                memcpy(rig->verifier, verifier, len);
        assert_true(now_usec > 0);
}

static void run_until_answers(Rig *rig, unsigned count) {
        uint64_t deadline_usec = base_boottime_usec() + DEADLINE_USEC;

        while (rig->answers < count && base_boottime_usec() < deadline_usec)
                assert_true(sd_event_run(rig->event, 100 * USEC_PER_MSEC) >= 0);
        assert_int_equal(rig->answers, count);
}

static void run_until_ready(Rig *rig, bool ready) {
        uint64_t deadline_usec = base_boottime_usec() + DEADLINE_USEC;

        while (rig->vault.ready(rig->client) != ready && base_boottime_usec() < deadline_usec)
                assert_true(sd_event_run(rig->event, 100 * USEC_PER_MSEC) >= 0);
        assert_int_equal(rig->vault.ready(rig->client), ready);
}

static Rig *rig_new(void) {
        Rig *rig = calloc(1, sizeof(*rig));

        assert_non_null(rig);
        rig->listen_fd = rig->peer_fd = -1;
        snprintf(rig->dir, sizeof(rig->dir), "/tmp/um-test-client-XXXXXX");
        assert_non_null(mkdtemp(rig->dir));
        snprintf(rig->key_dir, sizeof(rig->key_dir), "%s/vault", rig->dir);
        snprintf(rig->socket, sizeof(rig->socket), "%s/socket", rig->dir);
        assert_int_equal(mkdir(rig->key_dir, 0700), 0);
        assert_true(sd_event_new(&rig->event) >= 0);
        return rig;
}

static bool key_is_right(void *userdata, const uint8_t *id) {
        Rig *rig = userdata;

        assert_int_equal(id[0], 1); /* as fake_send() has it */
        rig->keys_asked++;
        return rig->key_is_right;
}

static void client_start(Rig *rig, const char *socket_path) {
        VaultClientSpec spec = {
                .log = &quiet,
                .event = rig->event,
                .socket = socket_path,
                .binary = program,
                .key_dir = rig->key_dir,
                .passwd = "/etc/passwd",
                .userdata = rig,
                .key_is_right = rig->compares_keys ? key_is_right : NULL,
        };

        assert_int_equal(vault_client_new(&spec, &rig->client), 0);
        vault_client_bind(rig->client, store_id_bytes);
        vault_client_operations(rig->client, &rig->vault);
}

static int child_setup(void **state) {
        Rig *rig = rig_new();

        client_start(rig, NULL);
        *state = rig;
        return 0;
}

static int fake_start(void **state, bool compares_keys) {
        Rig *rig = rig_new();
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        rig->compares_keys = compares_keys;
        rig->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        memcpy(address.sun_path, rig->socket, strlen(rig->socket) + 1);
        assert_int_equal(bind(rig->listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(rig->listen_fd, 8), 0);
        client_start(rig, rig->socket);
        rig->peer_fd = accept(rig->listen_fd, NULL, NULL);
        assert_true(rig->peer_fd >= 0);
        *state = rig;
        return 0;
}

static int fake_setup(void **state) {
        return fake_start(state, false);
}

static int keyed_setup(void **state) {
        return fake_start(state, true);
}

static int teardown(void **state) {
        Rig *rig = *state;
        char command[80];

        vault_client_free(rig->client);
        sd_event_unref(rig->event);
        base_close(rig->peer_fd);
        base_close(rig->listen_fd);
        snprintf(command, sizeof(command), "rm -r %s", rig->dir);
        free(rig);
        return system(command);
}

static Secret *secret_of(const char *s) {
        Secret *secret;

        assert_int_equal(base_secret_new(s, strlen(s), &secret), 0);
        return secret;
}

/* ---- the real one ---------------------------------------------------------------------------- */

static int ask_verify(Rig *rig, uid_t uid, uint64_t version, const char *password) {
        _cleanup_secret_ Secret *secret = secret_of(password);

        return rig->vault.verify(rig->client, uid, CORE_FROM_KNOWN, VAULT_KIND_PASSWORD,
                                 rig->verifier, rig->verifier_len, version, version + 1, secret,
                                 answered, rig);
}

static void test_what_was_hashed_matches_for_its_user_and_version_only(void **state) {
        Rig *rig = *state;
        _cleanup_secret_ Secret *secret = secret_of("correct horse");
        uint8_t verifier[VAULT_VERIFIER_MAX];
        size_t len;

        assert_int_equal(rig->vault.hash(rig->client, 70000, VAULT_KIND_PASSWORD, 3, secret,
                                         answered, rig),
                         0);
        assert_int_equal(rig->answers, 0); /* never from within the call */
        run_until_answers(rig, 1);
        assert_int_equal(rig->result, CORE_PROOF_MATCH);
        len = rig->verifier_len;
        assert_true(len > 0);
        memcpy(verifier, rig->verifier, len);

        assert_int_equal(ask_verify(rig, 70000, 3, "correct horse"), 0);
        run_until_answers(rig, 2);
        assert_int_equal(rig->result, CORE_PROOF_MATCH);
        assert_int_equal(rig->verifier_len, 0); /* the method is not old */

        memcpy(rig->verifier, verifier, len);
        rig->verifier_len = len;
        assert_int_equal(ask_verify(rig, 70000, 3, "wrong horse"), 0);
        run_until_answers(rig, 3);
        assert_int_equal(rig->result, CORE_PROOF_NO_MATCH);

        rig->verifier_len = len;
        assert_int_equal(ask_verify(rig, 70001, 3, "correct horse"), 0);
        run_until_answers(rig, 4);
        assert_int_equal(rig->result, CORE_PROOF_FAULT);

        rig->verifier_len = len;
        assert_int_equal(ask_verify(rig, 70000, 4, "correct horse"), 0);
        run_until_answers(rig, 5);
        assert_int_equal(rig->result, CORE_PROOF_FAULT);
}

static void test_import_takes_known_methods_only(void **state) {
        Rig *rig = *state;
        _cleanup_secret_ Secret *bad = secret_of("$9$nothing");
        _cleanup_secret_ Secret *good =
                secret_of("$2b$04$abcdefghijklmnopqrstuuV3xQr4ZhhAgFwCzc4Rm6cUHZCGyKz1m");

        assert_int_equal(rig->vault.import(rig->client, 70000, VAULT_KIND_PASSWORD, 1, bad,
                                           answered, rig),
                         0);
        run_until_answers(rig, 1);
        assert_int_equal(rig->result, CORE_PROOF_NO_MATCH);
        assert_int_equal(rig->vault.import(rig->client, 70000, VAULT_KIND_PASSWORD, 1, good,
                                           answered, rig),
                         0);
        run_until_answers(rig, 2);
        assert_int_equal(rig->result, CORE_PROOF_MATCH);
        assert_true(rig->verifier_len > 0);
}

static void test_spending_time_never_matches(void **state) {
        Rig *rig = *state;
        _cleanup_secret_ Secret *secret = secret_of("anything");

        assert_int_equal(rig->vault.spend(rig->client, 0, CORE_FROM_AFAR, secret, answered, rig),
                         0);
        run_until_answers(rig, 1);
        assert_int_equal(rig->result, CORE_PROOF_NO_MATCH);
}

static void test_a_child_that_dies_is_replaced_and_what_waited_fails(void **state) {
        Rig *rig = *state;
        _cleanup_secret_ Secret *secret = secret_of("anything");
        char path[64], number[16];
        FILE *f;

        run_until_ready(rig, true);
        snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
        f = fopen(path, "r");
        assert_non_null(f);
        assert_non_null(fgets(number, sizeof(number), f));
        fclose(f);
        assert_int_equal(kill((pid_t)strtol(number, NULL, 10), SIGSTOP), 0);
        assert_int_equal(rig->vault.spend(rig->client, 0, CORE_FROM_AFAR, secret, answered, rig),
                         0);
        assert_int_equal(kill((pid_t)strtol(number, NULL, 10), SIGKILL), 0);
        run_until_answers(rig, 1);
        assert_int_equal(rig->result, CORE_PROOF_FAULT);
        run_until_ready(rig, true); /* by itself */
        assert_int_equal(rig->vault.spend(rig->client, 0, CORE_FROM_AFAR, secret, answered, rig),
                         0);
        run_until_answers(rig, 2);
        assert_int_equal(rig->result, CORE_PROOF_NO_MATCH);
}

static void test_the_key_outlives_the_child(void **state) {
        Rig *rig = *state;
        _cleanup_secret_ Secret *secret = secret_of("correct horse");

        assert_int_equal(rig->vault.hash(rig->client, 70000, VAULT_KIND_PASSWORD, 1, secret,
                                         answered, rig),
                         0);
        run_until_answers(rig, 1);
        rig->client = vault_client_free(rig->client);
        client_start(rig, NULL);
        assert_int_equal(ask_verify(rig, 70000, 1, "correct horse"), 0);
        run_until_answers(rig, 2);
        assert_int_equal(rig->result, CORE_PROOF_MATCH);
}

/* ---- ones that misbehave --------------------------------------------------------------------- */

static VaultHead fake_receive(Rig *rig) {
        uint8_t bytes[VAULT_PACKET_MAX];
        VaultPacket packet;
        ssize_t n = recv(rig->peer_fd, bytes, sizeof(bytes), 0);

        assert_true(n > 0);
        assert_int_equal(vault_packet_parse(bytes, (size_t)n, &packet), 0);
        return packet.head;
}

static void fake_send(Rig *rig, VaultHead head, VaultStatus status, size_t verifier_len) {
        uint8_t bytes[VAULT_PACKET_MAX], verifier[VAULT_VERIFIER_MAX] = { 1 };
        ssize_t n;

        head.status = status;
        head.secret_bytes = 0;
        head.verifier_bytes = (uint32_t)verifier_len;
        n = vault_packet_build(&head, NULL, verifier, bytes);
        assert_true(n > 0);
        assert_int_equal(send(rig->peer_fd, bytes, (size_t)n, 0), n);
}

static int ask(Rig *rig, VaultOp op) {
        _cleanup_secret_ Secret *secret = secret_of("password");
        const CoreVault *vault = &rig->vault;

        if (op == VAULT_VERIFY)
                return vault->verify(rig->client, 70000, CORE_FROM_HERE, 1, "verifier", 8, 1, 2,
                                     secret, answered, rig);
        if (op == VAULT_HASH)
                return vault->hash(rig->client, 70000, 1, 1, secret, answered, rig);
        if (op == VAULT_IMPORT)
                return vault->import(rig->client, 70000, 1, 1, secret, answered, rig);
        return vault->spend(rig->client, 0, CORE_FROM_AFAR, secret, answered, rig);
}

static void test_only_the_right_answer_to_a_verb_counts(void **state) {
        static const struct {
                VaultOp op;
                VaultStatus status;
                size_t verifier_len;
                CoreProofResult result;
        } cases[] = {
                { VAULT_VERIFY, VAULT_MATCH, 0, CORE_PROOF_MATCH },
                { VAULT_VERIFY, VAULT_MATCH, 40, CORE_PROOF_MATCH },
                { VAULT_VERIFY, VAULT_OK, 0, CORE_PROOF_FAULT },
                { VAULT_VERIFY, VAULT_OK, 40, CORE_PROOF_FAULT },
                { VAULT_VERIFY, VAULT_NO_MATCH, 0, CORE_PROOF_NO_MATCH },
                { VAULT_VERIFY, VAULT_NO_MATCH, 40, CORE_PROOF_NO_MATCH },
                { VAULT_VERIFY, VAULT_BUSY, 0, CORE_PROOF_BUSY },
                { VAULT_VERIFY, VAULT_THROTTLED, 0, CORE_PROOF_THROTTLED },
                { VAULT_VERIFY, VAULT_BAD_RECORD, 0, CORE_PROOF_FAULT },
                { VAULT_VERIFY, VAULT_BAD_REQUEST, 0, CORE_PROOF_FAULT },
                { VAULT_VERIFY, VAULT_FAULT, 0, CORE_PROOF_FAULT },
                { VAULT_HASH, VAULT_OK, 40, CORE_PROOF_MATCH },
                { VAULT_HASH, VAULT_OK, 0, CORE_PROOF_FAULT },
                { VAULT_HASH, VAULT_MATCH, 40, CORE_PROOF_FAULT },
                { VAULT_HASH, VAULT_NO_MATCH, 0, CORE_PROOF_FAULT },
                { VAULT_IMPORT, VAULT_OK, 40, CORE_PROOF_MATCH },
                { VAULT_IMPORT, VAULT_BAD_RECORD, 0, CORE_PROOF_NO_MATCH },
                { VAULT_SPEND, VAULT_NO_MATCH, 0, CORE_PROOF_NO_MATCH },
                { VAULT_SPEND, VAULT_MATCH, 0, CORE_PROOF_FAULT },
        };
        Rig *rig = *state;

        assert_int_equal(fake_receive(rig).op, VAULT_PING);
        for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
                VaultHead head;

                assert_int_equal(ask(rig, cases[i].op), 0);
                head = fake_receive(rig);
                assert_int_equal(head.op, cases[i].op);
                assert_memory_equal(head.subject.store_id, store_id_bytes, 16);
                fake_send(rig, head, cases[i].status, cases[i].verifier_len);
                run_until_answers(rig, i + 1);
                assert_int_equal(rig->result, cases[i].result);
                assert_int_equal(rig->verifier_len,
                                 cases[i].result == CORE_PROOF_MATCH ? cases[i].verifier_len : 0);
        }
}

/* What HASH and a VERIFY whose method was old bring, one after the other. */
static void must_take_verifiers(Rig *rig, bool taken) {
        unsigned answers = rig->answers;
        VaultHead head;

        assert_int_equal(ask(rig, VAULT_HASH), 0);
        fake_send(rig, fake_receive(rig), VAULT_OK, 40);
        run_until_answers(rig, answers + 1);
        assert_int_equal(rig->result, taken ? CORE_PROOF_MATCH : CORE_PROOF_FAULT);
        assert_int_equal(rig->verifier_len, taken ? 40 : 0);
        assert_int_equal(ask(rig, VAULT_VERIFY), 0);
        head = fake_receive(rig);
        head.flags = VAULT_FLAG_OLD_METHOD;
        fake_send(rig, head, VAULT_MATCH, 40);
        run_until_answers(rig, answers + 2);
        assert_int_equal(rig->result, CORE_PROOF_MATCH);
        assert_int_equal(rig->verifier_len, taken ? 40 : 0);
}

static void test_no_verifier_is_taken_before_its_key_is_known(void **state) {
        Rig *rig = *state;
        VaultHead ping = fake_receive(rig);

        must_take_verifiers(rig, false);
        rig->key_is_right = true;
        fake_send(rig, ping, VAULT_OK, VAULT_KEY_ID_BYTES);
        run_until_ready(rig, true);
        assert_int_equal(rig->keys_asked, 1);
        must_take_verifiers(rig, true);
}

static void test_no_verifier_of_another_key_is_taken(void **state) {
        Rig *rig = *state;

        fake_send(rig, fake_receive(rig), VAULT_OK, VAULT_KEY_ID_BYTES);
        run_until_ready(rig, true);
        assert_int_equal(rig->keys_asked, 1);
        must_take_verifiers(rig, false);
}

static void test_an_id_of_another_length_is_no_key(void **state) {
        Rig *rig = *state;

        rig->key_is_right = true;
        fake_send(rig, fake_receive(rig), VAULT_OK, VAULT_KEY_ID_BYTES - 1);
        run_until_ready(rig, true);
        assert_int_equal(rig->keys_asked, 0);
        must_take_verifiers(rig, false);
}

static void test_a_vault_of_before_there_were_ids_has_the_key_it_had(void **state) {
        Rig *rig = *state;

        fake_send(rig, fake_receive(rig), VAULT_OK, 0);
        run_until_ready(rig, true);
        must_take_verifiers(rig, true);
}

static void test_the_answer_to_another_verb_is_a_fault(void **state) {
        Rig *rig = *state;
        VaultHead head;

        (void)fake_receive(rig);
        assert_int_equal(ask(rig, VAULT_SPEND), 0);
        head = fake_receive(rig);
        head.op = VAULT_VERIFY;
        fake_send(rig, head, VAULT_NO_MATCH, 0);
        run_until_answers(rig, 1);
        assert_int_equal(rig->result, CORE_PROOF_FAULT);
}

static void test_an_answer_nobody_asked_for_is_dropped(void **state) {
        Rig *rig = *state;
        VaultHead head, wrong;

        (void)fake_receive(rig);
        assert_int_equal(ask(rig, VAULT_VERIFY), 0);
        wrong = head = fake_receive(rig);
        wrong.id += 1000;
        fake_send(rig, wrong, VAULT_MATCH, 0);
        fake_send(rig, head, VAULT_NO_MATCH, 0);
        fake_send(rig, head, VAULT_MATCH, 0); /* a second one changes nothing */
        run_until_answers(rig, 1);
        assert_int_equal(rig->result, CORE_PROOF_NO_MATCH);
        assert_int_equal(ask(rig, VAULT_VERIFY), 0);
        head = fake_receive(rig);
        fake_send(rig, head, VAULT_NO_MATCH, 0);
        run_until_answers(rig, 2);
        assert_int_equal(rig->result, CORE_PROOF_NO_MATCH);
}

static void test_answers_come_in_any_order(void **state) {
        Rig *rig = *state, other = { 0 };
        _cleanup_secret_ Secret *secret = secret_of("password");
        VaultHead first, second;

        (void)fake_receive(rig);
        assert_int_equal(ask(rig, VAULT_VERIFY), 0);
        assert_int_equal(rig->vault.spend(rig->client, 0, CORE_FROM_AFAR, secret, answered, &other),
                         0);
        first = fake_receive(rig);
        second = fake_receive(rig);
        fake_send(rig, second, VAULT_NO_MATCH, 0);
        fake_send(rig, first, VAULT_MATCH, 0);
        run_until_answers(rig, 1);
        assert_int_equal(rig->result, CORE_PROOF_MATCH);
        assert_int_equal(other.answers, 1);
        assert_int_equal(other.result, CORE_PROOF_NO_MATCH);
}

static void test_nonsense_ends_the_connection_and_what_waited(void **state) {
        Rig *rig = *state;

        (void)fake_receive(rig);
        assert_int_equal(ask(rig, VAULT_VERIFY), 0);
        (void)fake_receive(rig);
        assert_int_equal(send(rig->peer_fd, "nonsense", 8, 0), 8);
        run_until_answers(rig, 1);
        assert_int_equal(rig->result, CORE_PROOF_FAULT);
        assert_false(rig->vault.ready(rig->client));
        assert_int_equal(recv(rig->peer_fd, &(char){ 0 }, 1, 0), 0);
        /* and it comes again */
        base_close(rig->peer_fd);
        assert_int_equal(ask(rig, VAULT_VERIFY), 0);
        rig->peer_fd = accept(rig->listen_fd, NULL, NULL);
        fake_send(rig, fake_receive(rig), VAULT_OK, 0);
        fake_send(rig, fake_receive(rig), VAULT_MATCH, 0);
        run_until_answers(rig, 2);
        assert_int_equal(rig->result, CORE_PROOF_MATCH);
        run_until_ready(rig, true);
}

static void test_silence_is_a_fault_before_pam_gives_up(void **state) {
        Rig *rig = *state;
        uint64_t began_usec = base_boottime_usec();
        VaultHead head;

        (void)fake_receive(rig);
        assert_int_equal(ask(rig, VAULT_VERIFY), 0);
        head = fake_receive(rig);
        run_until_answers(rig, 1);
        assert_int_equal(rig->result, CORE_PROOF_FAULT);
        assert_true(base_boottime_usec() - began_usec < 5 * USEC_PER_SEC);
        fake_send(rig, head, VAULT_MATCH, 0); /* too late: nobody is told */
        assert_int_equal(ask(rig, VAULT_SPEND), 0);
        fake_send(rig, fake_receive(rig), VAULT_NO_MATCH, 0);
        run_until_answers(rig, 2);
        assert_int_equal(rig->result, CORE_PROOF_NO_MATCH);
}

static void test_more_than_the_queue_holds_is_refused_at_once(void **state) {
        Rig *rig = *state;
        unsigned taken = 0;
        int r;

        while ((r = ask(rig, VAULT_VERIFY)) == 0 && taken < 10000)
                taken++;
        assert_int_equal(r, -EBUSY);
        assert_true(taken >= VAULT_QUEUE_MAX);
        base_close(rig->peer_fd);
        rig->peer_fd = -1;
        run_until_answers(rig, taken);
        assert_int_equal(rig->result, CORE_PROOF_FAULT);
}

static void test_before_the_store_is_known_nothing_is_asked(void **state) {
        Rig *rig = *state;

        vault_client_bind(rig->client, NULL);
        assert_int_equal(ask(rig, VAULT_VERIFY), -ENOTCONN);
}

static void test_no_vault_is_a_fault_at_once(void **state) {
        Rig *rig = *state;

        rig->client = vault_client_free(rig->client);
        assert_int_equal(unlink(rig->socket), 0);
        client_start(rig, rig->socket);
        assert_true(ask(rig, VAULT_VERIFY) < 0);
        assert_false(rig->vault.ready(rig->client));
}

#define WITH_CHILD(test) cmocka_unit_test_setup_teardown(test, child_setup, teardown)
#define WITH_FAKE(test)  cmocka_unit_test_setup_teardown(test, fake_setup, teardown)
#define WITH_KEYS(test)  cmocka_unit_test_setup_teardown(test, keyed_setup, teardown)

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                WITH_CHILD(test_what_was_hashed_matches_for_its_user_and_version_only),
                WITH_CHILD(test_import_takes_known_methods_only),
                WITH_CHILD(test_spending_time_never_matches),
                WITH_CHILD(test_a_child_that_dies_is_replaced_and_what_waited_fails),
                WITH_CHILD(test_the_key_outlives_the_child),
                WITH_FAKE(test_only_the_right_answer_to_a_verb_counts),
                WITH_KEYS(test_no_verifier_is_taken_before_its_key_is_known),
                WITH_KEYS(test_no_verifier_of_another_key_is_taken),
                WITH_KEYS(test_an_id_of_another_length_is_no_key),
                WITH_KEYS(test_a_vault_of_before_there_were_ids_has_the_key_it_had),
                WITH_FAKE(test_the_answer_to_another_verb_is_a_fault),
                WITH_FAKE(test_an_answer_nobody_asked_for_is_dropped),
                WITH_FAKE(test_answers_come_in_any_order),
                WITH_FAKE(test_nonsense_ends_the_connection_and_what_waited),
                WITH_FAKE(test_silence_is_a_fault_before_pam_gives_up),
                WITH_FAKE(test_more_than_the_queue_holds_is_refused_at_once),
                WITH_FAKE(test_before_the_store_is_known_nothing_is_asked),
                WITH_FAKE(test_no_vault_is_a_fault_at_once),
        };

        if (argc < 2)
                return 2;
        program = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
