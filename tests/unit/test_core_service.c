/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Service accounts (FEATURES A8): what one is made with, that nothing of a person's can be given to
 * it, that it comes in by a key of its own and no other way; and the keys themselves, anybody's. */

#include "tests/unit/factor_fixture.h"

#define LINE(key)   "publickey " key "\n"
#define FINGERPRINT "SHA256:hCtJ7TcnP64jp6tYDfFw84Vdpyq55IgRCGZFGy6FmSE" /* ssh-keygen -l */
#define API         "/usr/libexec/um/um-api"

static int create(Fixture *f, const char *name, UserSpec spec) {
        spec.text[USER_FIELD_NAME] = name;
        spec.kind = "service";
        f->error = (CoreError){ 0 };
        return core_user_create(f->core, &f->root, &spec, &f->options, f->now, &f->change,
                                &f->error);
}

static uid_t make_service(Fixture *f, const char *name) {
        char email[64];

        snprintf(email, sizeof(email), "%s@example.org", name);
        must(create(f, name, (UserSpec){ .text[USER_FIELD_EMAIL] = email }));
        return f->change.object_id;
}

static int update(Fixture *f, const char *name, UserField field, const char *value) {
        UserSpec spec = { 0 };

        spec.text[field] = value;
        f->error = (CoreError){ 0 };
        return core_user_update(f->core, &f->root, name, &spec, &f->options, f->now, &f->change,
                                &f->error);
}

static int add_key(Fixture *f, const char *name, const char *key) {
        char fingerprint[CORE_FINGERPRINT_BYTES];

        f->error = (CoreError){ 0 };
        return core_device_add(f->core, &f->root, name, key, "laptop", &f->options, f->now,
                               fingerprint, &f->change, &f->error);
}

static int remove_key(Fixture *f, const char *name, const char *fingerprint) {
        f->error = (CoreError){ 0 };
        return core_device_remove(f->core, &f->root, name, fingerprint, &f->options, f->now,
                                  &f->change, &f->error);
}

static CoreVerdict opens(Talk *talk, const char *name, const char *service, const char *auth_info) {
        talk->auth_info = auth_info;
        talk_open(talk, name, service);
        must(talk->r);
        return talk->step.verdict;
}

/* ---- the record --------------------------------------------------------------------------- */

static void it_has_no_home_its_shell_is_the_api_and_somebody_answers_for_it(void **state) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        Fixture *f = *state;

        make_service(f, "svc");
        must(core_user_get(f->core, "svc", false, &user, &f->error));
        assert_string_equal(user->home, "/nonexistent");
        assert_string_equal(user->shell, API);
        assert_string_equal(user->kind, "service");
        assert_int_equal(user->role_count, 0);
        must_be(create(f, "no", (UserSpec){ .pending = false }), CORE_E_BAD_VALUE);
        assert_non_null(strstr(f->error.text, "email: a service account needs the address"));
        must_be(create(f, "no", (UserSpec){ .text[USER_FIELD_EMAIL] = "a@b.org", .pending = true }),
                CORE_E_POLICY_REFUSED);
        must_be(create(f, "no",
                       (UserSpec){ .text[USER_FIELD_EMAIL] = "a@b.org",
                                   .text[USER_FIELD_SHELL] = "/bin/sh" }),
                CORE_E_POLICY_REFUSED);
        assert_string_equal(f->error.text,
                            "shell: a service account has none: it speaks the API alone");
        must_be(update(f, "svc", USER_FIELD_SHELL, "/bin/sh"), CORE_E_POLICY_REFUSED);
        must_be(update(f, "svc", USER_FIELD_HOME, "/home/svc"), CORE_E_POLICY_REFUSED);
        must_be(update(f, "svc", USER_FIELD_EMAIL, ""), CORE_E_POLICY_REFUSED);
        must(update(f, "svc", USER_FIELD_EMAIL, "other@example.org"));
}

static void all_of_them_are_in_um_api_and_nobody_else_is(void **state) {
        static const char *const names[] = { "alice" };
        Fixture *f = *state;

        make_user(f, "alice");
        make_service(f, "one");
        make_service(f, "two");
        fixture_flush(f);
        assert_string_equal(groups_of(f, "one"), "um-api");
        assert_string_equal(groups_of(f, "two"), "um-api");
        assert_string_equal(groups_of(f, "alice"), "");
        assert_string_equal(effective_of(f, "um-api"), "one,two");
        assert_non_null(strstr(f->news, "um-api"));
        must_be(core_group_members(f->core, &f->root, "um-api", true, names, 1, NULL, 0,
                                   &f->options, f->now, &f->change, &f->error),
                CORE_E_POLICY_REFUSED);
        assert_non_null(strstr(f->error.text, "in it is who is a service account"));
}

/* A factor that the company demands is nothing a program can have. */
static void it_is_never_in_um_mfa(void **state) {
        Fixture *f = *state;

        make_user(f, "alice");
        make_service(f, "svc");
        policy_put(f, "factor.required", "on", NULL);
        assert_string_equal(groups_of(f, "alice"), "um-mfa");
        assert_string_equal(groups_of(f, "svc"), "um-api");
}

static void refused_secret(Fixture *f, int r) {
        must_be(r, CORE_E_POLICY_REFUSED);
        assert_string_equal(f->error.text,
                            "svc: is a service account: it has no password and no second factor, "
                            "and comes in by a key (umctl device add-key)");
}

static void none(void *userdata, int r, const CoreChange *change, const CoreError *error) {
        fail();
}

static void none_made(void *userdata, int r, const Secret *code, uint64_t expires_usec,
                      const CoreChange *change, const CoreError *error) {
        fail();
}

static void none_enrolled(void *userdata, int r, uint32_t number, const Secret *key,
                          const Secret *uri, const CoreChange *change, const CoreError *error) {
        fail();
}

static void it_gets_no_password_no_code_and_no_factor(void **state) {
        static const CorePasswordOptions password = { .must_change = false };
        const CoreFactorSpec factor = { .method = "totp", .label = "", .form = { .digits = 6 } };
        _cleanup_secret_ Secret *secret = NULL;
        Fixture *f = *state;
        uid_t uid = make_service(f, "svc");
        const CorePeer self = { .actor = { .uid = uid, .login_uid = uid, .via = "socket" } };

        must(base_secret_new(PASSWORD, strlen(PASSWORD), &secret));
        refused_secret(f, core_user_set_password(f->core, &f->root, "svc", secret, &password,
                                                 &f->options, f->now, none, NULL, &f->error));
        refused_secret(f, core_user_create_setup_code(f->core, &f->root, "svc", &f->options, f->now,
                                                      none_made, NULL, &f->error));
        refused_secret(f, core_user_must_change(f->core, &f->root, "svc", &f->options, f->now,
                                                &f->change, &f->error));
        refused_secret(f, core_factor_enrol(f->core, &self, "svc", &factor, "", &f->options, f->now,
                                            none_enrolled, NULL, &f->error));
}

/* passwd(1) of root's asks for a new one, and of nobody's else. */
static void passwd_gives_it_none(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        make_service(f, "svc");
        talk_begin(&talk, "change-password", "svc", "passwd", 0);
        must(talk.r);
        assert_int_equal(talk.step.kind, CORE_STEP_DONE);
        assert_int_equal(talk.step.verdict, CORE_VERDICT_CHANGE_FAILED);
        assert_string_equal(talk.step.text, "A service account has no password.");
}

/* ---- keys --------------------------------------------------------------------------------- */

static void what_is_no_public_key_of_its_own_is_refused(void **state) {
        static const struct {
                const char *key, *why;
        } rows[] = {
                { "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n", "is a private key" },
                { "PuTTY-User-Key-File-3: ssh-ed25519\n", "is a private key" },
                { "restrict " KEY_ED25519, "options in front of a key" },
                { "command=\"/bin/sh\",no-pty " KEY_RSA_3072, "options in front of a key" },
                { "from=\"*\" " KEY_SK_ED25519, "options in front of a key" },
                { "ssh-dss AAAAB3NzaC1kc3M= x", "a dsa key" },
                { KEY_RSA_1024, "fewer than 2048 bits" },
                { KEY_ED25519_CERT, "is a certificate" },
                { KEY_ED25519 "\n" KEY_RSA_3072, "must be one line" },
                { KEY_ED25519 "\rcommand=\"x\"", "must be one line" },
                { "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAJy9Bqisl0a82lzXptklP", "is damaged" },
                { "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAJy9Bqisl0a82lzXptklP/7vkZ6Vtz2EKq5zZAsKn0E",
                  "is damaged" },
                { " " KEY_ED25519, "options in front of a key" },
                { "ssh-ed25519", "is no ssh public key" },
                { "hello", "is no ssh public key" },
                { "", "is no ssh public key" },
        };
        Fixture *f = *state;

        make_service(f, "svc");
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                must_be(add_key(f, "svc", rows[i].key), CORE_E_BAD_VALUE);
                if (!strstr(f->error.text, rows[i].why))
                        fail_msg("row %zu: %s", i, f->error.text);
        }
        must_be(add_key(f, "nobody", KEY_ED25519), CORE_E_NO_SUCH_USER);
}

static void shown(void *userdata, const CoreDevice *device) {
        char *text = userdata;

        snprintf(text, 256, "%s %s %s %s", device->fingerprint, device->type, device->label,
                 device->created_by);
}

static void a_key_is_known_by_the_fingerprint_ssh_shows(void **state) {
        Fixture *f = *state;
        char text[256] = "";

        make_service(f, "svc");
        must(add_key(f, "svc", KEY_ED25519 " ops@host; command=\"x\"\r\n"));
        assert_string_equal(audit_line(f, 0), "device.add done  user/svc");
        must(core_device_list(f->core, "svc", shown, text, &f->error));
        assert_string_equal(text, FINGERPRINT " ssh-ed25519 laptop root");
        must(add_key(f, "svc", KEY_ED25519)); /* he has it */
        assert_int_equal(f->change.id, 0);
        must_be(remove_key(f, "svc", FINGERPRINT "="), CORE_E_NO_SUCH_ENTRY);
        must_be(remove_key(f, "svc", ""), CORE_E_NO_SUCH_ENTRY);
        must(remove_key(f, "svc", FINGERPRINT));
        assert_string_equal(audit_line(f, 0), "device.remove done  user/svc");
        must_be(remove_key(f, "svc", FINGERPRINT), CORE_E_NO_SUCH_ENTRY);
}

static void a_key_is_one_accounts_and_goes_when_that_is_deleted(void **state) {
        Fixture *f = *state;

        make_service(f, "svc");
        make_user(f, "alice");
        must(add_key(f, "svc", KEY_ED25519));
        must_be(add_key(f, "alice", KEY_ED25519), CORE_E_CONFLICT);
        assert_null(strstr(f->error.text, "svc")); /* whose it is, is nobody's business */
        step_user(f, "svc", STATUS_STEP_DELETE);
        must(add_key(f, "alice", KEY_ED25519));
        step_user(f, "svc", STATUS_STEP_RESTORE);
        must_be(remove_key(f, "svc", FINGERPRINT), CORE_E_NO_SUCH_ENTRY);
}

static void line_keep(void *userdata, const char *line) {
        snprintf(userdata, 1024, "%s", line);
}

static const char *line_of(Fixture *f, const char *name, const char *fingerprint) {
        static char line[1024];

        line[0] = '\0';
        must(core_device_authorized(f->core, name, fingerprint, line_keep, line));
        return line;
}

/* What stood beside the key in the file gets into no line that sshd obeys. */
static void sshd_is_told_a_key_of_the_user_with_that_fingerprint(void **state) {
        Fixture *f = *state;

        make_service(f, "svc");
        make_user(f, "alice");
        must(add_key(f, "svc", KEY_ED25519 " command=\"/bin/sh\""));
        must(add_key(f, "svc", KEY_ECDSA_256));
        must(add_key(f, "alice", KEY_RSA_3072));
        assert_string_equal(line_of(f, "svc", FINGERPRINT),
                            "restrict,command=\"" API "\" " KEY_ED25519);
        assert_string_equal(line_of(f, "alice", FINGERPRINT), "");
        assert_string_equal(line_of(f, "alice", "MD5:00"), "");
        assert_string_equal(line_of(f, "nobody", FINGERPRINT), "");
        step_user(f, "svc", STATUS_STEP_SUSPEND); /* account refuses, and says why */
        assert_string_equal(line_of(f, "svc", FINGERPRINT),
                            "restrict,command=\"" API "\" " KEY_ED25519);
        step_user(f, "svc", STATUS_STEP_DELETE);
        assert_string_equal(line_of(f, "svc", FINGERPRINT), "");
}

static void a_persons_key_has_no_bounds(void **state) {
        Fixture *f = *state;

        make_user(f, "alice");
        must(add_key(f, "alice", KEY_ED25519));
        assert_string_equal(line_of(f, "alice", FINGERPRINT), KEY_ED25519);
}

/* ---- logins ------------------------------------------------------------------------------- */

static void it_comes_in_by_its_own_key_as_um_api(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        make_service(f, "svc");
        make_user(f, "alice");
        must(add_key(f, "svc", KEY_ED25519));
        must(add_key(f, "alice", KEY_ECDSA_256));
        assert_int_equal(talk_authorize(&talk, "svc", "sshd"), CORE_VERDICT_ALLOW);
        assert_string_equal(audit_line(f, 0), "authorize allow  user/svc");
        assert_int_equal(opens(&talk, "svc", "sshd", LINE(KEY_ED25519)), CORE_VERDICT_ALLOW);
        assert_int_equal(f->homes_made, 0);
        assert_int_equal(opens(&talk, "svc", "sshd", LINE(KEY_RSA_3072)), CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.reason, "device-unknown");
        assert_int_equal(opens(&talk, "svc", "sshd", LINE(KEY_ECDSA_256)), CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.reason, "device-unknown"); /* alice's */
        assert_int_equal(opens(&talk, "svc", "sshd", LINE(KEY_ED25519) LINE(KEY_ECDSA_256)),
                         CORE_VERDICT_DENIED);
        assert_int_equal(opens(&talk, "svc", "sshd", LINE(KEY_ED25519_CERT)), CORE_VERDICT_DENIED);
        assert_int_equal(opens(&talk, "svc", "sshd", ""), CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.reason, "device-required");
        policy_put(f, "key.types", "sk-*", NULL);
        assert_int_equal(opens(&talk, "svc", "sshd", LINE(KEY_ED25519)), CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.reason, "key-type");
}

static void the_log_calls_it_um_api(void **state) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_audit_freep) StoreAudit *entry = NULL;
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        make_service(f, "svc");
        must(add_key(f, "svc", KEY_ED25519));
        assert_int_equal(opens(&talk, "svc", "sshd", LINE(KEY_ED25519)), CORE_VERDICT_ALLOW);
        must(store_begin_read(f->core->store, &txn));
        must(store_audit_get(txn, last_audit(f), &entry));
        assert_string_equal(entry->verb, "session.open");
        assert_string_equal(entry->service, "um-api");
}

static void no_other_service_lets_it_in(void **state) {
        static const char *const services[] = { "login", "su",   "su-l",        "sudo",  "cron",
                                                "atd",   "gdm",  "cockpit",     "umctl", "um-api",
                                                "other", "sshx", "systemd-user" };
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);

        make_service(f, "svc");
        must(add_key(f, "svc", KEY_ED25519));
        for (size_t i = 0; i < ARRAY_LENGTH(services); i++) {
                talk.auth_info = LINE(KEY_ED25519);
                assert_int_equal(talk_authorize(&talk, "svc", services[i]), CORE_VERDICT_DENIED);
                assert_string_equal(talk.step.reason, "kind");
                assert_non_null(strstr(talk.step.text, "no access to this service here"));
                assert_int_equal(opens(&talk, "svc", services[i], LINE(KEY_ED25519)),
                                 CORE_VERDICT_DENIED);
                assert_string_equal(talk.step.reason, "kind");
        }
}

/* Only root's sshd is believed. */
static void its_own_processes_are_no_sshd(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, make_service(f, "svc"));

        talk.auth_info = LINE(KEY_ED25519);
        assert_int_equal(talk_authorize(&talk, "svc", "sshd"), CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.reason, "kind");
}

/* logind starts a manager for whoever has a session: it is part of that. */
static void its_manager_runs_while_it_has_a_session(void **state) {
        Fixture *f = *state;
        Talk ssh = talk_new(f, 1, 0), talk = talk_new(f, 2, 0);

        make_service(f, "svc");
        must(add_key(f, "svc", KEY_ED25519));
        assert_int_equal(opens(&ssh, "svc", "sshd", LINE(KEY_ED25519)), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "svc", "systemd-user"), CORE_VERDICT_ALLOW);
        assert_int_equal(talk_authorize(&talk, "svc", "cron"), CORE_VERDICT_DENIED);
        core_session_close(f->core, ssh.session, f->now);
        assert_int_equal(talk_authorize(&talk, "svc", "systemd-user"), CORE_VERDICT_DENIED);
}

/* As any name is: the same steps, and no hint. */
static void a_guess_at_its_password_is_wrong_like_any(void **state) {
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0), other = talk_new(f, 2, 0);

        make_service(f, "svc");
        make_user(f, "bare"); /* a person without a password */
        assert_int_equal(log_in(&talk, "svc", PASSWORD), CORE_VERDICT_BAD_PROOF);
        assert_int_equal(log_in(&other, "bare", PASSWORD), CORE_VERDICT_BAD_PROOF);
        assert_string_equal(talk.record, other.record);
        assert_string_equal(audit_line(f, 1), "authenticate deny bad-proof user/svc");
}

static void states_of_the_account_come_first(void **state) {
        static const struct {
                StatusStep step;
                const char *reason;
        } rows[] = { { STATUS_STEP_SUSPEND, "status-suspended" },
                     { STATUS_STEP_DISABLE, "status-inactive" } };
        Fixture *f = *state;
        Talk talk = talk_new(f, 1, 0);
        uid_t uid = make_service(f, "svc");

        must(add_key(f, "svc", KEY_ED25519));
        assert_true(core_user_may_act(f->core, uid));
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                step_user(f, "svc", rows[i].step);
                assert_int_equal(talk_authorize(&talk, "svc", "sshd"), CORE_VERDICT_DENIED);
                assert_string_equal(talk.step.reason, rows[i].reason);
                assert_int_equal(opens(&talk, "svc", "sshd", LINE(KEY_ED25519)),
                                 CORE_VERDICT_DENIED);
                assert_string_equal(talk.step.reason, rows[i].reason);
                assert_true(core_service_is_shut(f->core, uid, f->now));
                if (rows[i].step == STATUS_STEP_SUSPEND)
                        step_user(f, "svc", STATUS_STEP_RESUME);
        }
        step_user(f, "svc", STATUS_STEP_ENABLE);
        assert_false(core_service_is_shut(f->core, uid, f->now));
        must(core_user_lock(f->core, &f->root, "svc", true, &f->options, f->now, &f->change,
                            &f->error));
        assert_true(core_service_is_shut(f->core, uid, f->now));
        assert_int_equal(opens(&talk, "svc", "sshd", LINE(KEY_ED25519)), CORE_VERDICT_DENIED);
        assert_string_equal(talk.step.reason, "locked");
}

static void one_that_only_reads_changes_nothing_of_its_own_either(void **state) {
        Fixture *f = *state;

        must(create(f, "svc",
                    (UserSpec){ .text[USER_FIELD_EMAIL] = "a@b.org",
                                .has_read_only = true,
                                .read_only = true }));
        assert_false(core_user_may_act(f->core, f->change.object_id));
        assert_false(core_service_is_shut(f->core, f->change.object_id, f->now));
        assert_false(core_service_is_shut(f->core, make_user(f, "alice"), f->now));
        step_user(f, "alice", STATUS_STEP_SUSPEND); /* is told of her own matters */
        assert_false(core_service_is_shut(f->core, f->change.object_id, f->now));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                STORY(it_has_no_home_its_shell_is_the_api_and_somebody_answers_for_it),
                STORY(all_of_them_are_in_um_api_and_nobody_else_is),
                STORY(it_is_never_in_um_mfa),
                STORY(it_gets_no_password_no_code_and_no_factor),
                STORY(passwd_gives_it_none),
                STORY(what_is_no_public_key_of_its_own_is_refused),
                STORY(a_key_is_known_by_the_fingerprint_ssh_shows),
                STORY(a_key_is_one_accounts_and_goes_when_that_is_deleted),
                STORY(sshd_is_told_a_key_of_the_user_with_that_fingerprint),
                STORY(a_persons_key_has_no_bounds),
                STORY(it_comes_in_by_its_own_key_as_um_api),
                STORY(the_log_calls_it_um_api),
                STORY(no_other_service_lets_it_in),
                STORY(its_own_processes_are_no_sshd),
                STORY(its_manager_runs_while_it_has_a_session),
                STORY(a_guess_at_its_password_is_wrong_like_any),
                STORY(states_of_the_account_come_first),
                STORY(one_that_only_reads_changes_nothing_of_its_own_either),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
