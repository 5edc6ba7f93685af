/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy values by department and role over a real store: which of them count, what is shown of
 * them, what a role demands whatever is set, and changes that need a reason. */

#include "tests/unit/rights_verbs.h"

#include "umd/core/internal.h"
#include "umd/core/second.h"

#define LENGTH   "password.min-length"
#define METHODS  "factor.methods"
#define REQUIRED "factor.required"
#define TICKET   "change.ticket-pattern"

static int set_as(Fixture *f, const Actor *actor, PolicyLevel level, const char *subject,
                  const char *name, const char *text) {
        char kept[POLICY_VALUE_TEXT_MAX];

        f->error = (CoreError){ 0 };
        return core_policy_set(f->core, actor, &(CorePolicyPlace){ level, subject }, name, text,
                               &f->options, f->now, kept, &f->change, &f->error);
}

static int set(Fixture *f, PolicyLevel level, const char *subject, const char *name,
               const char *text) {
        return set_as(f, &f->root, level, subject, name, text);
}

static int unset(Fixture *f, PolicyLevel level, const char *subject, const char *name) {
        return core_policy_unset(f->core, &f->root, &(CorePolicyPlace){ level, subject }, name,
                                 &f->options, f->now, &f->change, &f->error);
}

#define COMPANY    POLICY_LEVEL_COMPANY
#define DEPARTMENT POLICY_LEVEL_DEPARTMENT
#define ROLE       POLICY_LEVEL_ROLE
#define USER       POLICY_LEVEL_USER

static void effective_line(void *userdata, const CorePolicyEffective *shown) {
        Text *text = userdata;

        base_text_addf(text, "%s by %s %s%s", shown->text, shown->level, shown->subject,
                       shown->looser ? " (looser)" : "");
        for (size_t i = 0; i < shown->overrode_count; i++)
                base_text_addf(text, " over %s %s=%s", shown->overrode[i].level,
                               shown->overrode[i].subject, shown->overrode[i].text);
}

static const char *effective(Fixture *f, const char *user, const char *name) {
        static char buf[1024];
        Text text;

        base_text_init(&text, buf, sizeof(buf));
        must(core_policy_effective(f->core, user, name, effective_line, &text, &f->error));
        return buf;
}

static PolicyValues values_of(Fixture *f, uid_t uid) {
        PolicyValues values;

        must(core_policy_values_now(f->core, uid, &values));
        return values;
}

/* ---- levels ------------------------------------------------------------------------------- */

static void each_level_wins_over_the_farther_ones(void **state) {
        Fixture *f = *state;
        uid_t bob = make_person(f, "bob"), eve = make_person(f, "eve");

        must(role_add(f, "ops", .permit = "host.view"));
        must(grant(f, "ops", "bob"));
        update_text(f, "bob", USER_FIELD_DEPARTMENT, "sales & more");
        must(set(f, COMPANY, NULL, LENGTH, "14"));
        assert_int_equal(values_of(f, bob).password_min_length, 14);
        must(set(f, DEPARTMENT, "sales & more", LENGTH, "13"));
        assert_int_equal(values_of(f, bob).password_min_length, 13);
        must(set(f, ROLE, "ops", LENGTH, "20"));
        assert_int_equal(values_of(f, bob).password_min_length, 20);
        assert_string_equal(effective(f, "bob", LENGTH),
                            "20 by role ops over department sales & more=13 over company local=14 "
                            "over built-in =12");
        must(set(f, USER, "bob", LENGTH, "9"));
        assert_int_equal(values_of(f, bob).password_min_length, 9);
        assert_string_equal(effective(f, "bob", LENGTH),
                            "9 by user bob (looser) over role ops=20 over department sales & "
                            "more=13 over company local=14 over built-in =12");
        assert_int_equal(values_of(f, eve).password_min_length, 14);
        fixture_flush(f);
        fixture_reopen(f);
        assert_int_equal(values_of(f, bob).password_min_length, 9);
        must(unset(f, USER, "bob", LENGTH));
        must(unset(f, ROLE, "ops", LENGTH));
        update_text(f, "bob", USER_FIELD_DEPARTMENT, "");
        assert_int_equal(values_of(f, bob).password_min_length, 14);
}

/* Not of another tenant, not before its time, not after it, not while something it requires is not
 * there. */
static void only_a_grant_that_counts_brings_its_values(void **state) {
        Fixture *f = *state;
        uid_t bob = make_person(f, "bob");
        GrantEdit edit = { .user = "bob", .role = "ops" };

        must(tenant_add(f, "acme"));
        must(role_add(f, "ops", .permit = "host.view", .require = "email"));
        must(set(f, ROLE, "ops", LENGTH, "20"));
        must(grant_at(f, "ops", "bob", "acme"));
        assert_int_equal(values_of(f, bob).password_min_length, 12);
        edit.from_usec = f->now + HOUR;
        edit.until_usec = f->now + 2 * HOUR;
        must(grant_edit(f, &f->root, &edit));
        assert_int_equal(values_of(f, bob).password_min_length, 12);
        fixture_pass(f, HOUR);
        core_note_time(f->core, f->now);
        assert_int_equal(values_of(f, bob).password_min_length, 20);
        update_text(f, "bob", USER_FIELD_EMAIL, "");
        assert_int_equal(values_of(f, bob).password_min_length, 12);
        update_text(f, "bob", USER_FIELD_EMAIL, "b@example.org");
        assert_int_equal(values_of(f, bob).password_min_length, 20);
        fixture_pass(f, HOUR);
        core_note_time(f->core, f->now);
        assert_int_equal(values_of(f, bob).password_min_length, 12);
}

static void of_several_roles_the_strictest_holds_and_lists_intersect(void **state) {
        Fixture *f = *state;
        uid_t bob = make_person(f, "bob");

        must(role_add(f, "base", .permit = "host.view"));
        must(role_add(f, "lead", .inherit = "base"));
        must(role_add(f, "ops", .permit = "host.view"));
        must(set(f, ROLE, "base", LENGTH, "30"));
        must(grant(f, "lead", "bob"));
        assert_int_equal(values_of(f, bob).password_min_length, 30);
        must(set(f, ROLE, "lead", LENGTH, "8")); /* hides what it inherits */
        assert_string_equal(effective(f, "bob", LENGTH),
                            "8 by role lead (looser) over built-in =12");
        must(set(f, ROLE, "ops", LENGTH, "16"));
        must(grant(f, "ops", "bob"));
        assert_string_equal(effective(f, "bob", LENGTH),
                            "16 by role ops over role lead=8 over built-in =12");

        must(set(f, ROLE, "base", METHODS, "totp,fido2"));
        must(set(f, ROLE, "ops", METHODS, "hotp,fido2"));
        assert_string_equal(effective(f, "bob", METHODS),
                            "fido2 by role base, ops over built-in =totp,hotp,fido2,recovery");
        must(set(f, ROLE, "ops", METHODS, "-fido2")); /* from its own */
        assert_int_equal(values_of(f, bob).factor_methods, 0);
        must(set(f, ROLE, "lead", METHODS, "-totp,+hotp")); /* from what it inherits */
        assert_string_equal(effective(f, "bob", METHODS),
                            "hotp by role lead, ops over built-in =totp,hotp,fido2,recovery");
}

static const char *emptied(Fixture *f) {
        static char buf[CORE_POLICY_EMPTIED_BYTES];

        must(core_policy_emptied(f->core, buf, sizeof(buf)));
        return buf;
}

static void a_list_of_which_nothing_is_left_is_told(void **state) {
        Fixture *f = *state;

        make_person(f, "ann");
        make_person(f, "bob");
        must(role_add(f, "base", .permit = "host.view"));
        must(role_add(f, "lead", .inherit = "base"));
        must(role_add(f, "ops", .permit = "host.view"));
        must(set(f, ROLE, "base", METHODS, "totp"));
        must(set(f, ROLE, "ops", METHODS, "fido2"));
        must(grant(f, "lead", "ann"));
        must(grant(f, "ops", "bob"));
        assert_string_equal(emptied(f), "");
        must(grant(f, "lead", "bob"));
        assert_string_equal(emptied(f), "factor.methods: the roles of bob leave nothing of it: "
                                        "umctl policy show factor.methods --user bob");
        must(set(f, USER, "bob", METHODS, "totp"));
        assert_string_equal(emptied(f), "");
}

/* A company is a tenant: its values count on hosts of that tenant. */
static void a_companys_values_count_at_home(void **state) {
        Fixture *f = *state;
        uid_t bob = make_person(f, "bob");

        must(tenant_add(f, "acme"));
        must(set(f, COMPANY, "acme", LENGTH, "20"));
        assert_int_equal(values_of(f, bob).password_min_length, 12);
        must(set(f, COMPANY, "local", LENGTH, "13"));
        assert_int_equal(values_of(f, bob).password_min_length, 13);
        must_be(set(f, COMPANY, "globex", LENGTH, "20"), CORE_E_NO_SUCH_TENANT);
        must_be(set(f, ROLE, "globex", LENGTH, "20"), CORE_E_NO_SUCH_ROLE);
        must_be(set(f, USER, "globex", LENGTH, "20"), CORE_E_NO_SUCH_USER);
        must_be(set(f, DEPARTMENT, "", LENGTH, "20"), CORE_E_BAD_VALUE);
        must_be(set(f, DEPARTMENT, "a\nb", LENGTH, "20"), CORE_E_BAD_VALUE);
        assert_int_equal(set(f, POLICY_LEVEL_BUILT_IN, NULL, LENGTH, "20"), -EINVAL);
}

typedef struct Listed {
        char text[512];
} Listed;

static void listed_add(void *userdata, const CorePolicySet *set) {
        Listed *listed = userdata;
        size_t len = strlen(listed->text);

        snprintf(listed->text + len, sizeof(listed->text) - len, "%s %s %s=%s;", set->level,
                 set->subject, set->name, set->text);
}

static void what_is_set_is_listed_by_level(void **state) {
        char cursor[CORE_POLICY_CURSOR_BYTES] = "", department[CORE_DEPARTMENT_MAX + 1];
        Listed all = { 0 }, paged = { 0 };
        Fixture *f = *state;

        make_person(f, "bob");
        memset(department, 'd', sizeof(department) - 1);
        department[sizeof(department) - 1] = '\0';
        must(set(f, USER, "bob", LENGTH, "9"));
        must(set(f, ROLE, "viewer", TICKET, "CHG-[0-9]+|a\\|b"));
        must(set(f, DEPARTMENT, department, LENGTH, "20"));
        must(set(f, DEPARTMENT, "a b", LENGTH, "20"));
        must(set(f, COMPANY, NULL, LENGTH, "16"));
        must(core_policy_list(f->core, &f->root, "", 100, listed_add, &all, cursor, &f->error));
        do
                must(core_policy_list(f->core, &f->root, cursor, 1, listed_add, &paged, cursor,
                                      &f->error));
        while (cursor[0]);
        assert_string_equal(paged.text, all.text);
        assert_non_null(strstr(all.text, "company local password.min-length=16;department a b "
                                         "password.min-length=20;department ddd"));
        assert_non_null(strstr(all.text, "role viewer change.ticket-pattern=CHG-[0-9]+|a\\|b;user "
                                         "bob password.min-length=9;"));
}

/* A role that is made later by its name is another one. */
static void a_role_takes_its_values_with_it(void **state) {
        Fixture *f = *state;
        uid_t bob = make_person(f, "bob");

        must(role_add(f, "ops", .permit = "host.view"));
        must(set(f, ROLE, "ops", LENGTH, "20"));
        must(set(f, ROLE, "ops", METHODS, "totp"));
        must(grant(f, "ops", "bob"));
        must(role_delete(f, "ops", true));
        assert_int_equal(values_of(f, bob).password_min_length, 12);
        must(role_add(f, "ops", .permit = "host.view"));
        must(grant(f, "ops", "bob"));
        assert_int_equal(values_of(f, bob).password_min_length, 12);
}

/* Nobody acts above himself, nor edits what covers himself (D8). */
static void nobody_sets_values_above_himself(void **state) {
        Fixture *f = *state;
        uid_t ada = make_person(f, "ada");
        Actor actor = actor_of(ada);

        make_person(f, "bob");
        make_person(f, "root1");
        must(grant(f, "security", "ada"));
        must(grant(f, "viewer", "bob"));
        must(grant(f, "owner", "root1"));
        must(set_as(f, &actor, USER, "bob", LENGTH, "14"));
        must(set_as(f, &actor, COMPANY, NULL, LENGTH, "14"));
        must(set_as(f, &actor, DEPARTMENT, "sales", LENGTH, "14"));
        must_be(set_as(f, &actor, USER, "root1", REQUIRED, "off"), CORE_E_PROTECTED);
        must_be(set_as(f, &actor, USER, "ada", REQUIRED, "off"), CORE_E_PROTECTED);
        must_be(set_as(f, &actor, ROLE, "security", REQUIRED, "off"), CORE_E_PROTECTED);
        must_be(set_as(f, &actor, ROLE, "owner", REQUIRED, "off"), CORE_E_PROTECTED);
}

/* ---- what roles demand -------------------------------------------------------------------- */

static uint64_t deadline_of(Fixture *f, uid_t uid) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        PolicyValues values;
        uint64_t until;

        must(store_begin_read(f->core->store, &txn));
        must(store_user_get(txn, uid, &user));
        must(core_policy_values(f->core, txn, uid, &values));
        must(core_enrol_until(f->core, txn, &values, user, &until));
        return until;
}

static void a_role_demands_a_second_factor_whatever_is_set(void **state) {
        Fixture *f = *state;
        uid_t bob = make_person(f, "bob");

        must(role_add(f, "guard", .permit = "host.view", .require = "second-factor"));
        must(role_add(f, "chief", .inherit = "guard"));
        must(grant(f, "chief", "bob"));
        assert_int_equal(values_of(f, bob).factor_required, POLICY_REQUIRED_ON);
        must(set(f, USER, "bob", REQUIRED, "off"));
        assert_int_equal(values_of(f, bob).factor_required, POLICY_REQUIRED_ON);
        assert_string_equal(effective(f, "bob", REQUIRED),
                            "on by role chief (requires second-factor) over user bob=off over "
                            "built-in =off");
        must(set(f, USER, "bob", REQUIRED, "hardware")); /* and lowers nothing */
        assert_int_equal(values_of(f, bob).factor_required, POLICY_REQUIRED_HARDWARE);
        must(set(f, USER, "bob", REQUIRED, "off"));
        must(role_set(f, "guard", .require = "-second-factor"));
        assert_int_equal(values_of(f, bob).factor_required, POLICY_REQUIRED_OFF);
        assert_int_equal(values_of(f, 0).factor_required, POLICY_REQUIRED_OFF);
}

/* From the later of when it was granted, or begins, and when the role came to demand it. */
static void the_time_to_enrol_runs_from_when_it_became_his(void **state) {
        Fixture *f = *state;
        uid_t bob = make_person(f, "bob"), eve = make_person(f, "eve");
        GrantEdit edit = { .user = "eve", .role = "admin" };

        must(role_add(f, "base", .permit = "host.view"));
        must(role_add(f, "ops", .inherit = "base"));
        must(grant(f, "ops", "bob"));
        fixture_pass(f, 30 * DAY);
        must(grant(f, "admin", "bob")); /* a built-in one always demanded it */
        assert_int_equal(deadline_of(f, bob), f->now + 7 * DAY);
        must(revoke(f, "admin", "bob"));
        fixture_pass(f, DAY);
        must(role_set(f, "base", .require = "second-factor"));
        assert_int_equal(deadline_of(f, bob), f->now + 7 * DAY);
        fixture_pass(f, DAY);
        must(role_set(f, "base", .permit = "user.view")); /* that is not it */
        must(role_set(f, "ops", .require = "email"));
        assert_int_equal(deadline_of(f, bob), f->now + 6 * DAY);
        must(set(f, COMPANY, NULL, REQUIRED, "on")); /* the first of both runs on */
        assert_int_equal(deadline_of(f, bob), f->now + 6 * DAY);
        must(set(f, USER, "bob", REQUIRED, "hardware")); /* which is more */
        assert_int_equal(deadline_of(f, bob), f->now + 7 * DAY);
        must(unset(f, COMPANY, NULL, REQUIRED));
        edit.from_usec = f->now + 3 * DAY;
        edit.until_usec = USEC_INFINITY;
        must(grant_edit(f, &f->root, &edit));
        fixture_pass(f, 3 * DAY);
        core_note_time(f->core, f->now);
        assert_int_equal(values_of(f, eve).factor_required, POLICY_REQUIRED_ON);
        assert_int_equal(deadline_of(f, eve), f->now + 7 * DAY);
}

static void the_time_runs_from_when_the_level_said_so(void **state) {
        Fixture *f = *state;
        uid_t bob = make_person(f, "bob");

        must(role_add(f, "ops", .permit = "host.view"));
        must(grant(f, "ops", "bob"));
        update_text(f, "bob", USER_FIELD_DEPARTMENT, "sales");
        fixture_pass(f, DAY);
        must(set(f, DEPARTMENT, "sales", REQUIRED, "on"));
        assert_int_equal(deadline_of(f, bob), f->now + 7 * DAY);
        fixture_pass(f, DAY);
        must(set(f, ROLE, "ops", REQUIRED, "on"));
        assert_int_equal(deadline_of(f, bob), f->now + 7 * DAY);
        fixture_pass(f, DAY);
        must(revoke(f, "ops", "bob"));
        assert_int_equal(deadline_of(f, bob), f->now + 5 * DAY);
        must(grant(f, "ops", "bob"));
        assert_int_equal(deadline_of(f, bob), f->now + 7 * DAY);
        must(set(f, ROLE, "ops", "factor.enrol-within", "24h"));
        assert_int_equal(deadline_of(f, bob), f->now + DAY);
}

static void because_line(void *userdata, const CoreCoverage *row) {
        base_text_addf(userdata, "%s %s %s;", row->user, row->required, row->because);
}

static void the_report_says_what_asks_for_one(void **state) {
        char cursor[CORE_CURSOR_BYTES], buf[512];
        Fixture *f = *state;
        Text text;

        make_person(f, "ann");
        make_person(f, "ben");
        make_person(f, "cid");
        make_person(f, "dan");
        make_person(f, "eve");
        must(role_add(f, "ops", .permit = "host.view"));
        must(grant(f, "admin", "ben"));
        update_text(f, "cid", USER_FIELD_DEPARTMENT, "sales");
        must(set(f, DEPARTMENT, "sales", REQUIRED, "on"));
        must(grant(f, "ops", "dan"));
        must(set(f, ROLE, "ops", REQUIRED, "hardware"));
        must(set(f, USER, "eve", REQUIRED, "on"));
        base_text_init(&text, buf, sizeof(buf));
        must(core_factor_coverage(f->core, &f->root, "", "", 100, f->now, because_line, &text,
                                  cursor, &f->error));
        assert_string_equal(buf, "ann off ;ben on role admin;cid on department sales;"
                                 "dan hardware role ops;eve on user;");
}

/* ---- reasons ------------------------------------------------------------------------------ */

static int title(Fixture *f, const Actor *actor, const char *reason) {
        const UserSpec edit = { .text[USER_FIELD_TITLE] = reason };

        f->options.reason = reason;
        f->error = (CoreError){ 0 };
        return core_user_update(f->core, actor, "bob", &edit, &f->options, f->now, &f->change,
                                &f->error);
}

static void who_needs_a_reason_gives_one(void **state) {
        Fixture *f = *state;
        uid_t ada = make_person(f, "ada");
        Actor actor = actor_of(ada);

        make_person(f, "bob");
        must(grant(f, "it-admin", "ada"));
        must(set(f, ROLE, "technician", "change.reason-required", "on")); /* it-admin has it too */
        must_be(title(f, &actor, ""), CORE_E_REASON_REQUIRED);
        assert_string_equal(f->error.text, "your changes need a reason: --reason TEXT");
        must(title(f, &actor, "restore"));
        must(title(f, &f->root, "")); /* not his role */
        f->options.reason = "";
        must(set(f, USER, "ada", TICKET, "CHG-[0-9]+"));
        must_be(title(f, &actor, "restore"), CORE_E_REASON_REQUIRED);
        assert_string_equal(f->error.text,
                            "your changes need a ticket in their reason, as CHG-[0-9]+: "
                            "--reason TEXT");
        must_be(title(f, &actor, "CHG-12x"), CORE_E_REASON_REQUIRED);
        must(title(f, &actor, "CHG-12: restore"));
        assert_string_equal(audit_line(f, 0), "user.update done CHG-12: restore user/bob");
}

static void of_several_patterns_all_must_match(void **state) {
        Fixture *f = *state;
        uid_t ada = make_person(f, "ada");
        Actor actor = actor_of(ada);

        make_person(f, "bob");
        must(role_add(f, "one", .permit = "user.*"));
        must(role_add(f, "two", .permit = "user.*"));
        must(role_add(f, "three", .permit = "user.*"));
        must(grant(f, "one", "ada"));
        must(grant(f, "two", "ada"));
        must(grant(f, "three", "ada"));
        must(set(f, ROLE, "one", TICKET, "CHG-[0-9]+"));
        must(set(f, ROLE, "two", TICKET, "INC-[0-9]+"));
        must(set(f, ROLE, "three", TICKET, "none")); /* any over none */
        must_be(title(f, &actor, "CHG-1"), CORE_E_REASON_REQUIRED);
        must_be(title(f, &actor, "INC-1"), CORE_E_REASON_REQUIRED);
        must(title(f, &actor, "INC-1 CHG-1"));
        assert_string_equal(effective(f, "ada", TICKET),
                            "CHG-[0-9]+ and INC-[0-9]+ by role one, two over role three=none over "
                            "built-in =none");
        must(set(f, DEPARTMENT, "it", TICKET, "D[0-9]"));
        update_text(f, "ada", USER_FIELD_DEPARTMENT, "it");
        must(revoke(f, "one", "ada"));
        must(revoke(f, "two", "ada"));
        must(title(f, &actor, "")); /* a role's none is nearer than the department's */
        must(revoke(f, "three", "ada"));
        must_be(title(f, &actor, "CHG-1"), CORE_E_REASON_REQUIRED);
        must(title(f, &actor, "D1"));
}

/* Root has the company's; and what no person asked for needs none. */
static void root_has_the_companys(void **state) {
        Fixture *f = *state;
        Actor itself = { .uid = 0, .login_uid = (uid_t)-1, .via = "umd" };

        make_person(f, "bob");
        must(set(f, COMPANY, NULL, "change.reason-required", "on"));
        must_be(title(f, &f->root, ""), CORE_E_REASON_REQUIRED);
        must(title(f, &itself, ""));
        f->options.unasked = true;
        must(title(f, &f->root, ""));
        f->options.unasked = false;
        must_be(unset(f, COMPANY, NULL, "change.reason-required"), CORE_E_REASON_REQUIRED);
        f->options.reason = "it was a mistake";
        must(unset(f, COMPANY, NULL, "change.reason-required"));
        must(title(f, &f->root, ""));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(each_level_wins_over_the_farther_ones,
                                                fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(only_a_grant_that_counts_brings_its_values,
                                                fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(
                        of_several_roles_the_strictest_holds_and_lists_intersect, fixture_setup,
                        fixture_teardown),
                cmocka_unit_test_setup_teardown(a_list_of_which_nothing_is_left_is_told,
                                                fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(a_companys_values_count_at_home, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(what_is_set_is_listed_by_level, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(a_role_takes_its_values_with_it, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(nobody_sets_values_above_himself, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(a_role_demands_a_second_factor_whatever_is_set,
                                                fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(the_time_to_enrol_runs_from_when_it_became_his,
                                                fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(the_time_runs_from_when_the_level_said_so,
                                                fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(the_report_says_what_asks_for_one, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(who_needs_a_reason_gives_one, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(of_several_patterns_all_must_match, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(root_has_the_companys, fixture_setup,
                                                fixture_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
