/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy values over a real store: what is set, what is in effect of it and why, what is on record,
 * and what a value does that nobody can read. */

#include "tests/unit/core_fixture.h"
#include "umd/core/internal.h"

static char kept[POLICY_VALUE_TEXT_MAX];

static int set(Fixture *f, const char *user, const char *name, const char *text) {
        kept[0] = '\0';
        return core_policy_set(f->core, &f->root, &POLICY_OF(user), name, text, &f->options, f->now,
                               kept, &f->change, &f->error);
}

static int unset(Fixture *f, const char *user, const char *name) {
        return core_policy_unset(f->core, &f->root, &POLICY_OF(user), name, &f->options, f->now,
                                 &f->change, &f->error);
}

static void effective_line(void *userdata, const CorePolicyEffective *shown) {
        Text *text = userdata;

        base_text_addf(text, "%s=%s by %s %s%s", policy_value_name(shown->value), shown->text,
                       shown->level, shown->subject, shown->looser ? " (looser)" : "");
        for (size_t i = 0; i < shown->overrode_count; i++)
                base_text_addf(text, " over %s %s=%s", shown->overrode[i].level,
                               shown->overrode[i].subject, shown->overrode[i].text);
        base_text_add(text, "\n");
}

/* A line a value; NULL where it was refused. */
static const char *effective(Fixture *f, const char *user, const char *name) {
        static char buf[8192];
        Text text;

        base_text_init(&text, buf, sizeof(buf));
        f->error = (CoreError){ 0 };
        return core_policy_effective(f->core, user, name, effective_line, &text, &f->error) == 0
                       ? buf
                       : NULL;
}

static PolicyValues values_of(Fixture *f, uid_t uid) {
        PolicyValues values;

        must(core_policy_values_now(f->core, uid, &values));
        return values;
}

static void nothing_set_is_what_is_shipped(void **state) {
        Fixture *f = *state;
        size_t lines = 0;

        make_user(f, "alice");
        assert_string_equal(effective(f, "alice", "password.min-length"),
                            "password.min-length=12 by built-in \n");
        assert_string_equal(effective(f, NULL, "lockout.duration"),
                            "lockout.duration=15m by built-in \n");
        for (const char *at = effective(f, "alice", NULL); *at; at++)
                lines += *at == '\n';
        assert_int_equal(lines, _POLICY_VALUE_MAX);
        assert_int_equal(values_of(f, 0).password_min_length, 12);
}

static void the_nearer_level_wins_and_shows_what_it_overrode(void **state) {
        Fixture *f = *state;
        uid_t alice = make_user(f, "alice"), bob = make_user(f, "bob");

        must(set(f, NULL, "password.min-length", "16"));
        must(set(f, "alice", "password.min-length", "10"));
        assert_string_equal(effective(f, "alice", "password.min-length"),
                            "password.min-length=10 by user alice (looser)"
                            " over company local=16 over built-in =12\n");
        assert_string_equal(effective(f, "bob", "password.min-length"),
                            "password.min-length=16 by company local over built-in =12\n");
        assert_string_equal(effective(f, NULL, "password.min-length"),
                            "password.min-length=16 by company local over built-in =12\n");
        assert_int_equal(values_of(f, alice).password_min_length, 10);
        assert_int_equal(values_of(f, bob).password_min_length, 16);
        assert_int_equal(values_of(f, 0).password_min_length, 16);
        fixture_flush(f);
        fixture_reopen(f);
        assert_int_equal(values_of(f, alice).password_min_length, 10);
        must(unset(f, "alice", "password.min-length"));
        assert_int_equal(values_of(f, alice).password_min_length, 16);
        must(unset(f, NULL, "password.min-length"));
        assert_int_equal(values_of(f, alice).password_min_length, 12);
}

static void a_list_is_changed_from_what_is_in_effect(void **state) {
        Fixture *f = *state;
        uid_t alice = make_user(f, "alice");

        must(set(f, NULL, "factor.methods", "+email-code"));
        assert_string_equal(kept, "totp,hotp,fido2,recovery,email-code");
        must(set(f, "alice", "factor.methods", "-hotp,-fido2"));
        assert_string_equal(kept, "totp,recovery,email-code");
        must(set(f, "alice", "factor.methods", "-email-code"));
        assert_string_equal(kept, "totp,recovery");
        assert_int_equal(values_of(f, alice).factor_methods,
                         1U << POLICY_METHOD_TOTP | 1U << POLICY_METHOD_RECOVERY);
        must(set(f, NULL, "factor.methods", "none")); /* hers is hers */
        assert_string_equal(effective(f, "alice", "factor.methods"),
                            "factor.methods=totp,recovery by user alice (looser) over company "
                            "local=none over built-in =totp,hotp,fido2,recovery\n");
        assert_int_equal(values_of(f, 0).factor_methods, 0);
}

static void a_change_is_on_record_with_before_and_after(void **state) {
        Fixture *f = *state;

        make_user(f, "alice");
        f->options.reason = "INC-77";
        must(set(f, NULL, "lockout.attempts", "3"));
        assert_true(f->change.id != 0);
        assert_string_equal(audit_line(f, 0), "policy.set done INC-77 tenant/local");
        must(set(f, "alice", "lockout.attempts", "0"));
        assert_string_equal(kept, "never");
        assert_string_equal(audit_line(f, 0), "policy.set done INC-77 user/alice");
        must(unset(f, "alice", "lockout.attempts"));
        assert_string_equal(audit_line(f, 0), "policy.unset done INC-77 user/alice");
}

static void values_take(void *userdata, const CoreAuditEntry *entry) {
        Text *text = userdata;

        assert_int_equal(entry->value_count, 1);
        base_text_addf(text, "%s %s > %s\n", entry->values[0].field,
                       entry->values[0].before ? entry->values[0].before : "-",
                       entry->values[0].after ? entry->values[0].after : "-");
}

static void the_record_tells_each_value(void **state) {
        CoreAuditFilter filter = { .type = "change", .until_usec = USEC_INFINITY };
        Fixture *f = *state;
        uint64_t cursor;
        char buf[256];
        Text text;

        must(set(f, NULL, "password.warn", "7d"));
        must(set(f, NULL, "password.warn", "24h"));
        must(unset(f, NULL, "password.warn"));
        base_text_init(&text, buf, sizeof(buf));
        must(core_audit_list(f->core, &f->root, &filter, 0, 10, values_take, &text, &cursor,
                             &f->error));
        assert_string_equal(buf, "password.warn 24h > -\n"
                                 "password.warn 7d > 24h\n"
                                 "password.warn - > 7d\n");
}

static void what_changes_nothing_is_no_change(void **state) {
        Fixture *f = *state;
        uint64_t before;

        must(set(f, NULL, "lockout.window", "15m")); /* set is something else than shipped */
        assert_true(f->change.id != 0);
        before = last_audit(f);
        must(set(f, NULL, "lockout.window", "900s"));
        assert_int_equal(f->change.id, 0);
        assert_string_equal(kept, "15m");
        must(unset(f, NULL, "lockout.attempts"));
        assert_int_equal(f->change.id, 0);
        assert_int_equal(last_audit(f), before);
}

static void a_dry_run_leaves_nothing(void **state) {
        Fixture *f = *state;

        make_user(f, "alice");
        must(set(f, "alice", "factor.required", "on"));
        f->options.dry_run = true;
        must(set(f, "alice", "factor.required", "hardware"));
        assert_string_equal(kept, "hardware");
        assert_int_equal(f->change.id, 0);
        must(unset(f, "alice", "factor.required"));
        assert_string_equal(effective(f, "alice", "factor.required"),
                            "factor.required=on by user alice over built-in =off\n");
}

static void what_is_wrong_is_refused_with_what_it_may_be(void **state) {
        static const struct {
                const char *user, *name, *text;
                CoreOutcome outcome;
                const char *error;
        } rows[] = {
                { NULL, "password.min-length", "7", CORE_E_BAD_VALUE,
                  "password.min-length: \"7\": must be 8 to 128" },
                { NULL, "password.similarity", "\x1b[2J", CORE_E_BAD_VALUE,
                  "password.similarity: \"\\x1b[2J\": must be off or on" },
                { NULL, "factor.methods", "+sms", CORE_E_BAD_VALUE,
                  "factor.methods: \"+sms\": must be any of totp,hotp,fido2,recovery,email-code, "
                  "or none; +WORD and -WORD change it" },
                { NULL, "password.min-lenght", "16", CORE_E_BAD_VALUE,
                  "\"password.min-lenght\": no such policy value; near: password.min-length" },
                { NULL, "session.max", "3", CORE_E_BAD_VALUE,
                  "\"session.max\": no such policy value" },
                { "nobody", "password.min-length", "16", CORE_E_NO_SUCH_USER,
                  "nobody: no such user" },
        };
        Fixture *f = *state;
        uint64_t before = last_audit(f);

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                must_be(set(f, rows[i].user, rows[i].name, rows[i].text), rows[i].outcome);
                assert_string_equal(f->error.text, rows[i].error);
                if (rows[i].user || strcmp(rows[i].name, "session.max") == 0) {
                        must_be(unset(f, rows[i].user, rows[i].name), rows[i].outcome);
                        assert_null(effective(f, rows[i].user, rows[i].name));
                }
        }
        f->options.if_version = 1;
        must_be(set(f, NULL, "password.min-length", "16"), CORE_E_BAD_VALUE);
        assert_string_equal(f->error.text, "version: a policy value has none");
        assert_int_equal(last_audit(f), before);
}

/* A name that was given up leads to nobody; the values stay the user's, by his uid. */
static void values_follow_the_user_not_the_name(void **state) {
        Fixture *f = *state;
        uid_t alice = make_user(f, "alice");

        must(set(f, "alice", "password.history", "24"));
        update_text(f, "alice", USER_FIELD_NAME, "alicia");
        assert_int_equal(values_of(f, alice).password_history, 24);
        assert_string_equal(effective(f, "alicia", "password.history"),
                            "password.history=24 by user alicia over built-in =5\n");
        must_be(set(f, "alice", "password.history", "1"), CORE_E_NO_SUCH_USER);
        step_user(f, "alicia", STATUS_STEP_DELETE);
        must_be(set(f, "alicia", "password.history", "1"), CORE_E_NO_SUCH_USER);
        step_user(f, "alicia", STATUS_STEP_RESTORE);
        assert_int_equal(values_of(f, alice).password_history, 24);
}

static void set_line(void *userdata, const CorePolicySet *shown) {
        base_text_addf(userdata, "%s %s %s=%s by %s\n", shown->level, shown->subject, shown->name,
                       shown->text, shown->by);
        assert_int_equal(shown->set_usec, NOW);
}

static void all_that_is_set_is_listed_by_pages(void **state) {
        Fixture *f = *state;
        char buf[1024], cursor[CORE_POLICY_CURSOR_BYTES] = "";
        size_t pages = 0;
        Text text;

        make_user(f, "alice");
        make_user(f, "bob");
        must(set(f, "bob", "factor.grace", "8h"));
        must(set(f, "alice", "factor.grace", "4h"));
        must(set(f, "alice", "factor.required", "on"));
        must(set(f, NULL, "factor.required", "hardware"));
        step_user(f, "bob", STATUS_STEP_DELETE);
        base_text_init(&text, buf, sizeof(buf));
        do {
                must(core_policy_list(f->core, &f->root, cursor, 1, set_line, &text, cursor,
                                      &f->error));
                pages++;
        } while (cursor[0] != '\0');
        assert_string_equal(buf, "company local factor.required=hardware by root\n"
                                 "user alice factor.grace=4h by root\n"
                                 "user alice factor.required=on by root\n");
        assert_int_equal(pages, 4);
}

static void a_cursor_that_is_none_is_refused(void **state) {
        static const char *const rows[] = { "x",   "c",      "c local", "c  name", "x local name",
                                            " c ", "clocal", "c local " };
        Fixture *f = *state;
        char cursor[CORE_POLICY_CURSOR_BYTES];

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                must_be(core_policy_list(f->core, &f->root, rows[i], 10, set_line, NULL, cursor,
                                         &f->error),
                        CORE_E_BAD_VALUE);
        must_be(core_policy_list(f->core, &f->root, "", 0, set_line, NULL, cursor, &f->error),
                CORE_E_BAD_VALUE);
}

/* The values as any store could hold them after a fault, or a newer um's. */
static void a_value_that_cannot_be_read_is_a_fault(void **state) {
        static const struct {
                const char *name, *value;
        } rows[] = {
                { "password.min-length", "4" },
                { "factor.methods", "+totp" },
                { "factor.methods", "totp,sms" },
                { "session.max", "3" },
        };
        Fixture *f = *state;

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                StorePolicyValue row = { STORE_POLICY_COMPANY, "local", rows[i].name,
                                         rows[i].value,        0,       NOW };
                PolicyValues values;
                StoreTxn *txn;

                must(store_begin(f->core->store, &txn));
                must(store_policy_value_put(txn, &row));
                must_be(core_policy_values(f->core, txn, 0, &values), -EBADMSG);
                store_txn_abortp(&txn);
        }
        assert_int_equal(values_of(f, 0).password_min_length, 12); /* all of it was let go */
}

static void code_made(void *userdata, int r, const Secret *code, uint64_t expires_usec,
                      const CoreChange *change, const CoreError *error) {
        must(r);
        *(uint64_t *)userdata = expires_usec;
}

static void a_setup_code_lasts_as_the_values_say(void **state) {
        Fixture *f = *state;
        uint64_t expires = 0;

        make_user(f, "alice");
        make_user(f, "bob");
        must(set(f, NULL, "setup-code.ttl", "1h"));
        must(set(f, "alice", "setup-code.ttl", "2h"));
        must(core_user_create_setup_code(f->core, &f->root, "bob", &f->options, f->now, code_made,
                                         &expires, &f->error));
        fixture_vault(f);
        assert_int_equal(expires, NOW + HOUR);
        must(core_user_create_setup_code(f->core, &f->root, "alice", &f->options, f->now, code_made,
                                         &expires, &f->error));
        fixture_vault(f);
        assert_int_equal(expires, NOW + 2 * HOUR);
}

static void user_made(void *userdata, int r, const char *name, const Secret *code,
                      uint64_t expires_usec, const CoreChange *change, const CoreError *error) {
        must(r);
        assert_non_null(code);
        *(uint64_t *)userdata = expires_usec;
}

static void a_new_users_code_lasts_as_the_companys_say(void **state) {
        const UserSpec spec = { .text = { [USER_FIELD_NAME] = "alice" } };
        CorePasswordOptions password = { 0 };
        Fixture *f = *state;
        uint64_t expires = 0;

        must(set(f, NULL, "setup-code.ttl", "30d"));
        must(core_user_create_with_password(f->core, &f->root, &spec, NULL, &password, &f->options,
                                            f->now, user_made, &expires, &f->error));
        fixture_vault(f);
        assert_int_equal(expires, NOW + 30 * DAY);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(nothing_set_is_what_is_shipped),
                STORY(the_nearer_level_wins_and_shows_what_it_overrode),
                STORY(a_list_is_changed_from_what_is_in_effect),
                STORY(a_change_is_on_record_with_before_and_after),
                STORY(the_record_tells_each_value),
                STORY(what_changes_nothing_is_no_change),
                STORY(a_dry_run_leaves_nothing),
                STORY(what_is_wrong_is_refused_with_what_it_may_be),
                STORY(values_follow_the_user_not_the_name),
                STORY(all_that_is_set_is_listed_by_pages),
                STORY(a_cursor_that_is_none_is_refused),
                STORY(a_value_that_cannot_be_read_is_a_fault),
                STORY(a_setup_code_lasts_as_the_values_say),
                STORY(a_new_users_code_lasts_as_the_companys_say),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
