/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* key.types, and what a security key counts as, in logins by ssh key (FEATURES B6). */

#include "tests/unit/factor_fixture.h"

#define LINE(key) "publickey " key "\n"
#define SK        LINE(KEY_SK_ED25519)

static CoreVerdict opens(Fixture *f, const char *auth_info) {
        Talk talk = talk_new(f, 1, 0);

        talk.auth_info = auth_info;
        talk_open(&talk, "alice", "sshd");
        must(talk.r);
        return talk.step.verdict;
}

/* sshd names the key of a login by key alone when it opens the session, and not before. */
static void a_key_of_a_kind_that_is_not_permitted_opens_no_session(void **state) {
        static const struct {
                const char *types, *info;
                bool in;
        } rows[] = {
                { NULL, LINE(KEY_ED25519), true },
                { NULL, LINE(KEY_ECDSA_521), true },
                { NULL, LINE(KEY_RSA_1024), false },
                { NULL, LINE(KEY_RSA_2048), false },
                { NULL, LINE(KEY_RSA_3072), true },
                { NULL, LINE(KEY_RSA_3072_CERT), true },
                { NULL, SK, true },
                { NULL, "publickey ssh-ed25519 AAAA\n", false },
                { NULL, "password\n", true },
                { NULL, "", true }, /* it names none: cron, sudo, an old sshd */
                { "rsa>=2048", LINE(KEY_RSA_2048), true },
                { "rsa>=2048", LINE(KEY_RSA_1024), false },
                { "rsa>=4096", LINE(KEY_RSA_3072), false },
                { "rsa>=4096", LINE(KEY_ED25519), false },
                { "sk-*", LINE(KEY_ED25519), false },
                { "sk-*", LINE(KEY_ED25519_CERT), false },
                { "sk-*", LINE(KEY_SK_ECDSA), true },
                { "sk-*", LINE(KEY_SK_ECDSA_CERT), true },
                { "sk-ssh-ed25519@openssh.com", SK, true },
                { "sk-ssh-ed25519@openssh.com", LINE(KEY_SK_ECDSA), false },
                { "sk-*", SK LINE(KEY_ED25519), false }, /* all of them */
                { "sk-*", SK "password\n", true },
                { "none", SK, false },
                { "none", "password\n", true },
        };
        Fixture *f = *state;

        make_user(f, "alice");
        set_password(f, "alice", PASSWORD);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                if (rows[i].types)
                        policy_put(f, "key.types", rows[i].types, NULL);
                if (opens(f, rows[i].info) !=
                    (rows[i].in ? CORE_VERDICT_ALLOW : CORE_VERDICT_DENIED))
                        fail_msg("row %zu", i);
        }
}

static void whoever_is_refused_is_told_what_is_permitted(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        make_user(f, "alice");
        talk.auth_info = LINE(KEY_RSA_2048);
        talk_open(&talk, "alice", "sshd");
        assert_string_equal(talk.step.reason, "key-type");
        assert_non_null(strstr(talk.step.text,
                               "Access refused: this ssh key (rsa of 2048 to 3071 bits) is of a "
                               "kind that is not permitted; permitted: "
                               "ed25519,ecdsa,rsa>=3072,sk-*. Reference um-"));
        assert_string_equal(audit_line(f, 0), "session.open deny key-type user/alice");
        /* an sshd that names it sooner is refused sooner */
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.reason, "key-type");
        assert_string_equal(audit_line(f, 0), "authorize deny key-type user/alice");
}

static void a_users_value_is_nearer_than_the_companys(void **state) {
        Fixture *f = *state;

        make_user(f, "alice");
        policy_put(f, "key.types", "sk-*", NULL);
        assert_int_equal(opens(f, LINE(KEY_ED25519)), CORE_VERDICT_DENIED);
        policy_put(f, "key.types", "+ed25519", "alice");
        assert_int_equal(opens(f, LINE(KEY_ED25519)), CORE_VERDICT_ALLOW);
        assert_int_equal(opens(f, SK), CORE_VERDICT_ALLOW);
        policy_put(f, "key.types", "ed25519", "alice");
        assert_int_equal(opens(f, SK), CORE_VERDICT_DENIED);
}

/* Nothing is asked that could not make it good, and no code is used up. */
static void beside_a_code_it_is_refused_at_once(void **state) {
        static const char *const infos[] = { KEY, "publickey\n", "publickey/x\n" };
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        Talk talk = talk_new(f, 1, 0);

        policy_put(f, "key.types", "sk-*", NULL);
        for (size_t i = 0; i < ARRAY_LENGTH(infos); i++) {
                talk.auth_info = infos[i];
                talk_begin(&talk, "authenticate", "alice", "sshd", 0);
                must(talk.r);
                assert_int_equal(talk.step.kind, CORE_STEP_DONE);
                assert_int_equal(talk.step.verdict, CORE_VERDICT_DENIED);
                assert_string_equal(talk.step.reason, "key-type");
                assert_non_null(strstr(talk.step.text, "permitted: sk-*"));
                assert_string_equal(audit_line(f, 0), "authenticate deny key-type user/alice");
        }
        assert_int_equal(f->guessed, 0);
        talk.auth_info = NULL; /* the password is another way */
        assert_int_equal(two(&talk, "alice", PASSWORD, code_at(number, step_now(f))),
                         CORE_VERDICT_ALLOW);
}

/* The rule may change between the phases: each looks for itself. */
static void after_a_code_account_looks_again(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        Talk talk = talk_new(f, 1, 0);

        talk.auth_info = KEY;
        talk_begin(&talk, "authenticate", "alice", "sshd", 0);
        talk_answer(&talk, code_at(number, step_now(f)));
        assert_int_equal(talk.step.verdict, CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        policy_put(f, "key.types", "-ed25519", NULL);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.reason, "key-type");
        assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
}

/* Of other programs nobody believes that a key was verified. */
static void only_sshd_says_which_key_it_was(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0), self = talk_new(f, 2, FIRST);

        make_user(f, "alice");
        set_password(f, "alice", PASSWORD);
        policy_put(f, "key.types", "none", NULL);
        talk.auth_info = self.auth_info = KEY;
        assert_int_equal(talk_authorize(&talk, "alice", "login"), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&self, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
}

/* ---- what a security key counts as -------------------------------------------------------- */

typedef enum Asks { ASKS_NOTHING, ASKS_CODE, ASKS_PASSWORD } Asks;

static Asks asks(Talk *talk) {
        talk_begin(talk, "authenticate", "alice", "sshd", 0);
        must(talk->r);
        return talk->step.kind == CORE_STEP_DONE        ? ASKS_NOTHING
               : talk->step.kind == CORE_STEP_ASK_SHOWN ? ASKS_CODE
                                                        : ASKS_PASSWORD;
}

static void it_stands_for_a_code_where_sshd_verifies_its_user(void **state) {
        static const struct {
                const char *required, *info;
                bool verifies;
                Asks asks;
        } rows[] = {
                { "hardware", SK, true, ASKS_NOTHING },
                { "hardware", LINE(KEY_SK_ECDSA_CERT), true, ASKS_NOTHING },
                { "hardware", LINE(KEY_ED25519) SK, true, ASKS_NOTHING },
                { "hardware", SK, false, ASKS_CODE },
                { "hardware", LINE(KEY_ED25519), true, ASKS_CODE },
                { "hardware", "publickey sk-ssh-ed25519@openssh.com AAAA\n", true, ASKS_NOTHING },
                { "hardware", "password\n", true, ASKS_PASSWORD },
                { "on", SK, true, ASKS_NOTHING },
                { "on", SK, false, ASKS_CODE },
                { "off", SK, true, ASKS_NOTHING }, /* she has a factor */
                { "off", SK, false, ASKS_CODE },
        };
        Fixture *f = *state;

        setup_alice(f, POLICY_METHOD_TOTP);
        policy_put(f, "factor.enrol-within", "0", NULL);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                bool broken = strstr(rows[i].info, "AAAA\n");
                Talk talk = talk_new(f, i + 1, 0);

                f->sshd_verifies = rows[i].verifies;
                policy_put(f, "factor.required", rows[i].required, NULL);
                talk.auth_info = rows[i].info;
                if (asks(&talk) != rows[i].asks)
                        fail_msg("row %zu", i);
                if (rows[i].asks != ASKS_NOTHING)
                        continue;
                assert_int_equal(talk.step.verdict,
                                 broken ? CORE_VERDICT_DENIED : CORE_VERDICT_ALLOW);
                if (broken)
                        continue;
                assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
                assert_null(strstr(talk.step.text, "enrol"));
                assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        }
}

static void without_that_hardware_is_not_satisfied(void **state) {
        Fixture *f = *state;
        uint32_t number = setup_alice(f, POLICY_METHOD_TOTP);
        Talk talk = talk_new(f, 1, 0);

        policy_put(f, "factor.required", "hardware", NULL);
        policy_put(f, "factor.enrol-within", "0", NULL);
        talk.auth_info = SK;
        assert_int_equal(asks(&talk), ASKS_CODE);
        talk_answer(&talk, code_at(number, step_now(f)));
        assert_int_equal(talk.step.verdict, CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.reason, "strength");
        talk.login[0] = '\0'; /* nor is the key alone, or a session of it */
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
        assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_DENIED);
        f->sshd_verifies = true;
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_open(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
}

/* sshd may stop to verify between the phases. */
static void what_a_key_counts_as_is_asked_each_time(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        make_user(f, "alice");
        set_password(f, "alice", PASSWORD);
        policy_put(f, "factor.required", "on", NULL);
        policy_put(f, "factor.enrol-within", "0", NULL);
        policy_put(f, "factor.grace", "8h", NULL);
        talk.auth_info = SK;
        f->sshd_verifies = true;
        assert_int_equal(asks(&talk), ASKS_NOTHING);
        assert_int_equal(talk_authorize(&talk, "alice", "sshd"), CORE_VERDICT_ALLOW);
        f->sshd_verifies = false;
        assert_int_equal(asks(&talk), ASKS_CODE); /* it has left no grace */
}

static void sudo_takes_what_the_key_proved(void **state) {
        const CoreProcess shell = { .pid = 100, .start_ticks = 5100 };
        Fixture *f = *state;

        make_user(f, "alice");
        set_password(f, "alice", PASSWORD);
        policy_put(f, "factor.required", "hardware", NULL);
        policy_put(f, "factor.enrol-within", "0", NULL);
        f->sshd_verifies = true;
        for (int keyed = 1; keyed >= 0; keyed--) {
                Talk session = talk_new(f, 1, 0), sudo = talk_new(f, 2, 0);

                session.auth_info = SK;
                session.peer.process = shell;
                if (keyed) {
                        assert_int_equal(talk_open(&session, "alice", "sshd"), CORE_VERDICT_ALLOW);
                        sudo.peer.ancestors[0] = shell;
                        sudo.peer.ancestor_count = 1;
                }
                sudo.rhost = "";
                sudo.ruser = "alice";
                talk_begin(&sudo, "authenticate", "alice", "sudo", 0);
                talk_answer(&sudo, PASSWORD);
                assert_int_equal(sudo.step.kind, keyed ? CORE_STEP_DONE : CORE_STEP_ASK_SHOWN);
                core_login_hangup(f->core, 2);
        }
}

/* Who changes his factors proves them: no words of his own stand for that. */
static void umctl_is_told_of_no_key(void **state) {
        Fixture *f = *state;
        Talk self = talk_new(f, 1, FIRST);

        setup_alice(f, POLICY_METHOD_TOTP);
        f->sshd_verifies = true;
        self.auth_info = SK;
        talk_begin(&self, "authenticate", "alice", "umctl", 0);
        assert_int_equal(self.step.kind, CORE_STEP_ASK_HIDDEN);
        talk_answer(&self, PASSWORD);
        assert_int_equal(self.step.kind, CORE_STEP_ASK_SHOWN);
        talk_answer(&self, "000000");
        assert_int_equal(self.step.verdict, CORE_VERDICT_BAD_PROOF);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(a_key_of_a_kind_that_is_not_permitted_opens_no_session),
                STORY(whoever_is_refused_is_told_what_is_permitted),
                STORY(a_users_value_is_nearer_than_the_companys),
                STORY(beside_a_code_it_is_refused_at_once),
                STORY(after_a_code_account_looks_again),
                STORY(only_sshd_says_which_key_it_was),
                STORY(it_stands_for_a_code_where_sshd_verifies_its_user),
                STORY(without_that_hardware_is_not_satisfied),
                STORY(what_a_key_counts_as_is_asked_each_time),
                STORY(sudo_takes_what_the_key_proved),
                STORY(umctl_is_told_of_no_key),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
