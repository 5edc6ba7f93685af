/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The vault's client, against the real um-vault as a child and against vaults that misbehave: what
 * counts as a match, and that silence, loss and nonsense are faults. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
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
#include "tests/unit/vault_rig.h"

/* ---- the real one ---------------------------------------------------------------------------- */

static int ask_verify(Rig *rig, uid_t uid, uint64_t version, const char *password) {
        _cleanup_secret_ Secret *secret = secret_of(password);

        return rig->vault.verify(rig->client, uid, CORE_FROM_KNOWN, VAULT_KIND_PASSWORD,
                                 rig->verifier, rig->verifier_len, version, version + 1, secret,
                                 rig_answered, rig);
}

static void test_what_was_hashed_matches_for_its_user_and_version_only(void **state) {
        Rig *rig = *state;
        _cleanup_secret_ Secret *secret = secret_of("correct horse");
        uint8_t verifier[VAULT_VERIFIER_MAX];
        size_t len;

        assert_int_equal(rig->vault.hash(rig->client, 70000, VAULT_KIND_PASSWORD, 3, secret,
                                         rig_answered, rig),
                         0);
        assert_int_equal(rig->answers, 0); /* never from within the call */
        rig_run_until_answers(rig, 1);
        assert_int_equal(rig->result, CORE_PROOF_MATCH);
        len = rig->verifier_len;
        assert_true(len > 0);
        memcpy(verifier, rig->verifier, len);

        assert_int_equal(ask_verify(rig, 70000, 3, "correct horse"), 0);
        rig_run_until_answers(rig, 2);
        assert_int_equal(rig->result, CORE_PROOF_MATCH);
        assert_int_equal(rig->verifier_len, 0); /* the method is not old */

        memcpy(rig->verifier, verifier, len);
        rig->verifier_len = len;
        assert_int_equal(ask_verify(rig, 70000, 3, "wrong horse"), 0);
        rig_run_until_answers(rig, 3);
        assert_int_equal(rig->result, CORE_PROOF_NO_MATCH);

        rig->verifier_len = len;
        assert_int_equal(ask_verify(rig, 70001, 3, "correct horse"), 0);
        rig_run_until_answers(rig, 4);
        assert_int_equal(rig->result, CORE_PROOF_FAULT);

        rig->verifier_len = len;
        assert_int_equal(ask_verify(rig, 70000, 4, "correct horse"), 0);
        rig_run_until_answers(rig, 5);
        assert_int_equal(rig->result, CORE_PROOF_FAULT);
}

static int ask_compare(Rig *rig, uint64_t version, const char *password) {
        _cleanup_secret_ Secret *secret = secret_of(password);

        return rig->vault.compare(rig->client, 70000, CORE_FROM_KNOWN, VAULT_KIND_PASSWORD,
                                  rig->verifier, rig->verifier_len, version, secret, rig_answered,
                                  rig);
}

/* One that was sealed for something else, or under a key that is gone, is nobody's password. */
static void test_a_former_password_is_compared(void **state) {
        static const struct {
                const char *password;
                uint64_t version;
                CoreProofResult result;
        } rows[] = {
                { "correct horse", 3, CORE_PROOF_MATCH },
                { "wrong horse", 3, CORE_PROOF_NO_MATCH },
                { "correct horse", 4, CORE_PROOF_NO_MATCH },
        };
        Rig *rig = *state;
        _cleanup_secret_ Secret *secret = secret_of("correct horse");
        uint8_t verifier[VAULT_VERIFIER_MAX];
        size_t len;

        assert_int_equal(rig->vault.hash(rig->client, 70000, VAULT_KIND_PASSWORD, 3, secret,
                                         rig_answered, rig),
                         0);
        rig_run_until_answers(rig, 1);
        len = rig->verifier_len;
        memcpy(verifier, rig->verifier, len);
        for (unsigned i = 0; i < ARRAY_LENGTH(rows); i++) {
                memcpy(rig->verifier, verifier, len);
                rig->verifier_len = len;
                assert_int_equal(ask_compare(rig, rows[i].version, rows[i].password), 0);
                rig_run_until_answers(rig, i + 2);
                assert_int_equal(rig->result, rows[i].result);
                assert_int_equal(rig->verifier_len, 0);
        }
        rig->verifier_len = VAULT_VERIFIER_MAX + 1;
        assert_int_equal(ask_compare(rig, 3, "x"), -EMSGSIZE);
}

static void test_import_takes_known_methods_only(void **state) {
        Rig *rig = *state;
        _cleanup_secret_ Secret *bad = secret_of("$9$nothing");
        _cleanup_secret_ Secret *good =
                secret_of("$2b$04$abcdefghijklmnopqrstuuV3xQr4ZhhAgFwCzc4Rm6cUHZCGyKz1m");

        assert_int_equal(rig->vault.import(rig->client, 70000, VAULT_KIND_PASSWORD, 1, bad,
                                           rig_answered, rig),
                         0);
        rig_run_until_answers(rig, 1);
        assert_int_equal(rig->result, CORE_PROOF_NO_MATCH);
        assert_int_equal(rig->vault.import(rig->client, 70000, VAULT_KIND_PASSWORD, 1, good,
                                           rig_answered, rig),
                         0);
        rig_run_until_answers(rig, 2);
        assert_int_equal(rig->result, CORE_PROOF_MATCH);
        assert_true(rig->verifier_len > 0);
}

static void test_spending_time_never_matches(void **state) {
        Rig *rig = *state;
        _cleanup_secret_ Secret *secret = secret_of("anything");

        assert_int_equal(rig->vault.spend(rig->client, 0, CORE_FROM_AFAR, secret, rig_answered,
                                          rig),
                         0);
        rig_run_until_answers(rig, 1);
        assert_int_equal(rig->result, CORE_PROOF_NO_MATCH);
}

static void test_a_child_that_dies_is_replaced_and_what_waited_fails(void **state) {
        Rig *rig = *state;
        _cleanup_secret_ Secret *secret = secret_of("anything");
        char path[64], number[16];
        FILE *f;

        rig_run_until_ready(rig, true);
        snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
        f = fopen(path, "r");
        assert_non_null(f);
        assert_non_null(fgets(number, sizeof(number), f));
        fclose(f);
        assert_int_equal(kill((pid_t)strtol(number, NULL, 10), SIGSTOP), 0);
        assert_int_equal(rig->vault.spend(rig->client, 0, CORE_FROM_AFAR, secret, rig_answered,
                                          rig),
                         0);
        assert_int_equal(kill((pid_t)strtol(number, NULL, 10), SIGKILL), 0);
        rig_run_until_answers(rig, 1);
        assert_int_equal(rig->result, CORE_PROOF_FAULT);
        rig_run_until_ready(rig, true); /* by itself */
        assert_int_equal(rig->vault.spend(rig->client, 0, CORE_FROM_AFAR, secret, rig_answered,
                                          rig),
                         0);
        rig_run_until_answers(rig, 2);
        assert_int_equal(rig->result, CORE_PROOF_NO_MATCH);
}

static void test_the_key_outlives_the_child(void **state) {
        Rig *rig = *state;
        _cleanup_secret_ Secret *secret = secret_of("correct horse");

        assert_int_equal(rig->vault.hash(rig->client, 70000, VAULT_KIND_PASSWORD, 1, secret,
                                         rig_answered, rig),
                         0);
        rig_run_until_answers(rig, 1);
        rig->client = vault_client_free(rig->client);
        rig_client_start(rig, NULL);
        assert_int_equal(ask_verify(rig, 70000, 1, "correct horse"), 0);
        rig_run_until_answers(rig, 2);
        assert_int_equal(rig->result, CORE_PROOF_MATCH);
}

/* ---- ones that misbehave --------------------------------------------------------------------- */

static int ask(Rig *rig, VaultOp op) {
        _cleanup_secret_ Secret *secret = secret_of("password");
        const CoreVault *vault = &rig->vault;

        if (op == VAULT_VERIFY)
                return vault->verify(rig->client, 70000, CORE_FROM_HERE, 1, "verifier", 8, 1, 2,
                                     secret, rig_answered, rig);
        if (op == VAULT_COMPARE)
                return vault->compare(rig->client, 70000, CORE_FROM_HERE, 1, "verifier", 8, 1,
                                      secret, rig_answered, rig);
        if (op == VAULT_HASH)
                return vault->hash(rig->client, 70000, 1, 1, secret, rig_answered, rig);
        if (op == VAULT_IMPORT)
                return vault->import(rig->client, 70000, 1, 1, secret, rig_answered, rig);
        return vault->spend(rig->client, 0, CORE_FROM_AFAR, secret, rig_answered, rig);
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
                { VAULT_COMPARE, VAULT_MATCH, 0, CORE_PROOF_MATCH },
                { VAULT_COMPARE, VAULT_NO_MATCH, 0, CORE_PROOF_NO_MATCH },
                { VAULT_COMPARE, VAULT_BAD_RECORD, 0, CORE_PROOF_NO_MATCH },
                { VAULT_COMPARE, VAULT_OK, 40, CORE_PROOF_FAULT },
                { VAULT_COMPARE, VAULT_BUSY, 0, CORE_PROOF_BUSY },
                { VAULT_COMPARE, VAULT_THROTTLED, 0, CORE_PROOF_THROTTLED },
                { VAULT_COMPARE, VAULT_FAULT, 0, CORE_PROOF_FAULT },
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
                assert_memory_equal(head.subject.store_id, rig_store_id, 16);
                fake_send(rig, head, cases[i].status, cases[i].verifier_len);
                rig_run_until_answers(rig, i + 1);
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
        rig_run_until_answers(rig, answers + 1);
        assert_int_equal(rig->result, taken ? CORE_PROOF_MATCH : CORE_PROOF_FAULT);
        assert_int_equal(rig->verifier_len, taken ? 40 : 0);
        assert_int_equal(ask(rig, VAULT_VERIFY), 0);
        head = fake_receive(rig);
        head.flags = VAULT_FLAG_OLD_METHOD;
        fake_send(rig, head, VAULT_MATCH, 40);
        rig_run_until_answers(rig, answers + 2);
        assert_int_equal(rig->result, CORE_PROOF_MATCH);
        assert_int_equal(rig->verifier_len, taken ? 40 : 0);
}

static void test_no_verifier_is_taken_before_its_key_is_known(void **state) {
        Rig *rig = *state;
        VaultHead ping = fake_receive(rig);

        must_take_verifiers(rig, false);
        rig->key_is_right = true;
        fake_send(rig, ping, VAULT_OK, VAULT_KEY_ID_BYTES);
        rig_run_until_ready(rig, true);
        assert_int_equal(rig->keys_asked, 1);
        must_take_verifiers(rig, true);
}

static void test_no_verifier_of_another_key_is_taken(void **state) {
        Rig *rig = *state;

        fake_send(rig, fake_receive(rig), VAULT_OK, VAULT_KEY_ID_BYTES);
        rig_run_until_ready(rig, true);
        assert_int_equal(rig->keys_asked, 1);
        must_take_verifiers(rig, false);
}

static void test_an_id_of_another_length_is_no_key(void **state) {
        Rig *rig = *state;

        rig->key_is_right = true;
        fake_send(rig, fake_receive(rig), VAULT_OK, VAULT_KEY_ID_BYTES - 1);
        rig_run_until_ready(rig, true);
        assert_int_equal(rig->keys_asked, 0);
        must_take_verifiers(rig, false);
}

static void test_a_vault_of_before_there_were_ids_has_the_key_it_had(void **state) {
        Rig *rig = *state;

        fake_send(rig, fake_receive(rig), VAULT_OK, 0);
        rig_run_until_ready(rig, true);
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
        rig_run_until_answers(rig, 1);
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
        rig_run_until_answers(rig, 1);
        assert_int_equal(rig->result, CORE_PROOF_NO_MATCH);
        assert_int_equal(ask(rig, VAULT_VERIFY), 0);
        head = fake_receive(rig);
        fake_send(rig, head, VAULT_NO_MATCH, 0);
        rig_run_until_answers(rig, 2);
        assert_int_equal(rig->result, CORE_PROOF_NO_MATCH);
}

static void test_answers_come_in_any_order(void **state) {
        Rig *rig = *state, other = { 0 };
        _cleanup_secret_ Secret *secret = secret_of("password");
        VaultHead first, second;

        (void)fake_receive(rig);
        assert_int_equal(ask(rig, VAULT_VERIFY), 0);
        assert_int_equal(rig->vault.spend(rig->client, 0, CORE_FROM_AFAR, secret, rig_answered,
                                          &other),
                         0);
        first = fake_receive(rig);
        second = fake_receive(rig);
        fake_send(rig, second, VAULT_NO_MATCH, 0);
        fake_send(rig, first, VAULT_MATCH, 0);
        rig_run_until_answers(rig, 1);
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
        rig_run_until_answers(rig, 1);
        assert_int_equal(rig->result, CORE_PROOF_FAULT);
        assert_false(rig->vault.ready(rig->client));
        assert_int_equal(recv(rig->peer_fd, &(char){ 0 }, 1, 0), 0);
        /* and it comes again */
        base_close(rig->peer_fd);
        assert_int_equal(ask(rig, VAULT_VERIFY), 0);
        rig->peer_fd = accept(rig->listen_fd, NULL, NULL);
        fake_send(rig, fake_receive(rig), VAULT_OK, 0);
        fake_send(rig, fake_receive(rig), VAULT_MATCH, 0);
        rig_run_until_answers(rig, 2);
        assert_int_equal(rig->result, CORE_PROOF_MATCH);
        rig_run_until_ready(rig, true);
}

static void test_silence_is_a_fault_before_pam_gives_up(void **state) {
        Rig *rig = *state;
        uint64_t began_usec = base_boottime_usec();
        VaultHead head, ping;

        (void)fake_receive(rig);
        assert_int_equal(ask(rig, VAULT_VERIFY), 0);
        head = fake_receive(rig);
        rig_run_until_answers(rig, 1);
        assert_int_equal(rig->result, CORE_PROOF_FAULT);
        assert_true(base_boottime_usec() - began_usec < 5 * USEC_PER_SEC);
        ping = fake_receive(rig); /* whether it is there is asked once more */
        assert_int_equal(ping.op, VAULT_PING);
        assert_false(rig->vault.ready(rig->client));
        fake_send(rig, ping, VAULT_OK, 0);
        rig_run_until_ready(rig, true);
        fake_send(rig, head, VAULT_MATCH, 0); /* too late: nobody is told */
        assert_int_equal(ask(rig, VAULT_SPEND), 0);
        fake_send(rig, fake_receive(rig), VAULT_NO_MATCH, 0);
        rig_run_until_answers(rig, 2);
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
        rig_run_until_answers(rig, taken);
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
        rig_client_start(rig, rig->socket);
        assert_true(ask(rig, VAULT_VERIFY) < 0);
        assert_false(rig->vault.ready(rig->client));
}

/* What it says of the recovery key, as umd tells it; a number that is none says nothing. */
static void test_whether_the_key_is_kept_is_told(void **state) {
        static const char *const words[_VAULT_RECOVERY_MAX + 1] = {
                [VAULT_RECOVERY_NONE] = "none",
                [VAULT_RECOVERY_KEPT] = "kept",
                [VAULT_RECOVERY_FAILED] = "failed",
        };
        Rig *rig = *state;

        assert_string_equal(vault_client_recovery(rig->client), "");
        for (uint64_t told = 0; told <= _VAULT_RECOVERY_MAX; told++) {
                VaultHead head = fake_receive(rig);

                head.recovery = told;
                fake_send(rig, head, VAULT_OK, VAULT_KEY_ID_BYTES);
                rig_run_until_ready(rig, true);
                assert_string_equal(vault_client_recovery(rig->client),
                                    words[told] ? words[told] : "");
                rig->peer_fd = base_close(rig->peer_fd);
                rig_run_until_ready(rig, false);
                assert_string_equal(vault_client_recovery(rig->client), "");
                while (poll(&(struct pollfd){ .fd = rig->listen_fd, .events = POLLIN }, 1, 0) == 0)
                        assert_true(sd_event_run(rig->event, 100 * USEC_PER_MSEC) >= 0);
                rig->peer_fd = accept(rig->listen_fd, NULL, NULL);
                assert_true(rig->peer_fd >= 0);
        }
}

#define WITH_CHILD(test) cmocka_unit_test_setup_teardown(test, rig_with_child, rig_end)
#define WITH_FAKE(test)  cmocka_unit_test_setup_teardown(test, rig_with_fake, rig_end)
#define WITH_KEYS(test)  cmocka_unit_test_setup_teardown(test, rig_with_keys, rig_end)

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                WITH_CHILD(test_what_was_hashed_matches_for_its_user_and_version_only),
                WITH_CHILD(test_a_former_password_is_compared),
                WITH_CHILD(test_import_takes_known_methods_only),
                WITH_CHILD(test_spending_time_never_matches),
                WITH_CHILD(test_a_child_that_dies_is_replaced_and_what_waited_fails),
                WITH_CHILD(test_the_key_outlives_the_child),
                WITH_FAKE(test_only_the_right_answer_to_a_verb_counts),
                WITH_KEYS(test_no_verifier_is_taken_before_its_key_is_known),
                WITH_KEYS(test_no_verifier_of_another_key_is_taken),
                WITH_KEYS(test_an_id_of_another_length_is_no_key),
                WITH_KEYS(test_a_vault_of_before_there_were_ids_has_the_key_it_had),
                WITH_FAKE(test_whether_the_key_is_kept_is_told),
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
        rig_vault_program = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
