/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The group um-mfa: who needs a second factor is in it, nobody else, and nobody changes it. */

#include <stdlib.h>

#include "tests/unit/rights_verbs.h"

#include "umd/core/internal.h"

#define GROUP    "um-mfa"
#define REQUIRED "factor.required"

static void rule_at(Fixture *f, PolicyLevel level, const char *subject, const char *value) {
        const CorePolicyPlace place = { level, subject };
        char text[POLICY_VALUE_TEXT_MAX];

        if (value)
                must(core_policy_set(f->core, &f->root, &place, REQUIRED, value, &f->options,
                                     f->now, text, &f->change, &f->error));
        else
                must(core_policy_unset(f->core, &f->root, &place, REQUIRED, &f->options, f->now,
                                       &f->change, &f->error));
}

static void rule(Fixture *f, const char *user, const char *value) {
        rule_at(f, POLICY_OF(user).level, user, value);
}

/* As the verbs of factors.c do it, without the vault. */
static void put_factor(Fixture *f, const char *name, uint32_t number, PolicyMethod method,
                       bool active) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        StoreFactor factor = {
                .number = number,
                .method = method,
                .active = active,
                .label = "",
                .sealed = { (const uint8_t *)"seed", 4, 1 },
        };

        must(core_change_begin(&change, f->core, &f->root, &f->options, f->now, &f->error));
        must(core_user_load(f->core, change.txn, name, false, &user, &f->error));
        factor.uid = user->uid;
        must(store_factor_put(change.txn, &factor));
        must(core_change_news(&change, CORE_OBJECT_USER, CORE_NEWS_CHANGED, user->uid, name, NULL));
        must(core_change_commit(&change, "user.factor-confirm", "user", name, user->uid,
                                user->version, &f->change));
}

static void drop_factor(Fixture *f, const char *name, uint32_t number) {
        _cleanup_change_ Change change = { 0 };
        _cleanup_(store_user_freep) StoreUser *user = NULL;

        must(core_change_begin(&change, f->core, &f->root, &f->options, f->now, &f->error));
        must(core_user_load(f->core, change.txn, name, false, &user, &f->error));
        must(store_factor_delete(change.txn, user->uid, number));
        must(core_change_news(&change, CORE_OBJECT_USER, CORE_NEWS_CHANGED, user->uid, name, NULL));
        must(core_change_commit(&change, "user.factor-remove", "user", name, user->uid,
                                user->version, &f->change));
}

/* ---- what the map is told ----------------------------------------------------------------- */

typedef struct Seen {
        const char *name; /* whom to look for; NULL: the group */
        size_t users, members;
        bool in, found, sorted;
        gid_t gid;
} Seen;

static int see(void *userdata, const CoreEntry *entry) {
        Seen *seen = userdata;

        if (entry->is_group && strcmp(entry->name, GROUP) == 0) {
                seen->found = true;
                seen->members = entry->member_count;
                seen->gid = entry->id;
        }
        if (entry->is_group || !seen->name || strcmp(entry->name, seen->name) != 0)
                return 0;
        seen->sorted = true;
        for (size_t i = 0; i < entry->gid_count; i++) {
                seen->in = seen->in || entry->gids[i] == seen->gid;
                seen->sorted = seen->sorted && (i == 0 || entry->gids[i - 1] < entry->gids[i]);
        }
        return 0;
}

static bool is_in(Fixture *f, const char *name) {
        Seen one = { .name = name }, all = { .name = name };
        bool shown = strstr(groups_of(f, name), GROUP) != NULL;
        int r;

        r = core_entry_group_by_name(f->core, GROUP, see, &one);
        if (r == CORE_E_NO_SUCH_GROUP) {
                assert_false(shown);
                return false;
        }
        must(r);
        all.gid = one.gid;
        must(core_entry_user_by_name(f->core, name, see, &one));
        must(core_entries_all(f->core, see, &all));
        assert_true(one.found && all.found && one.sorted && all.sorted);
        assert_int_equal(one.members + all.members, 0);
        assert_int_equal(one.in, shown);
        assert_int_equal(all.in, shown);
        return shown;
}

/* ---- one after the other ------------------------------------------------------------------ */

static void the_group_comes_with_the_first_who_needs_it(void **state) {
        Fixture *f = *state;

        make_user(f, "alice");
        must_be(core_entry_group_by_name(f->core, GROUP, see, &(Seen){ 0 }), CORE_E_NO_SUCH_GROUP);
        rule(f, "alice", "off");
        must_be(core_entry_group_by_name(f->core, GROUP, see, &(Seen){ 0 }), CORE_E_NO_SUCH_GROUP);
        rule(f, "alice", "on");
        fixture_flush(f);
        assert_non_null(strstr(f->news, GROUP));
        assert_true(is_in(f, "alice"));
        rule(f, "alice", NULL);
        assert_false(is_in(f, "alice"));
        fixture_flush(f);
        fixture_reopen(f);
        assert_false(is_in(f, "alice"));
        rule(f, "alice", "hardware");
        assert_true(is_in(f, "alice"));
}

static void a_dry_run_makes_no_group(void **state) {
        Fixture *f = *state;

        f->options.dry_run = true;
        rule(f, NULL, "on");
        f->options.dry_run = false;
        must_be(core_entry_group_by_name(f->core, GROUP, see, &(Seen){ 0 }), CORE_E_NO_SUCH_GROUP);
}

static void a_rule_for_all_holds_for_who_comes_later(void **state) {
        Fixture *f = *state;

        rule(f, NULL, "on");
        make_user(f, "alice");
        make_user(f, "bob");
        assert_true(is_in(f, "alice"));
        rule(f, "bob", "off");
        assert_false(is_in(f, "bob"));
        step_user(f, "alice", STATUS_STEP_DISABLE);
        assert_true(is_in(f, "alice"));
        step_user(f, "alice", STATUS_STEP_DELETE);
        step_user(f, "alice", STATUS_STEP_RESTORE);
        assert_true(is_in(f, "alice"));
}

static void only_an_active_factor_counts(void **state) {
        Fixture *f = *state;

        make_user(f, "alice");
        put_factor(f, "alice", 1, POLICY_METHOD_TOTP, false);
        assert_false(is_in(f, "alice"));
        put_factor(f, "alice", 2, POLICY_METHOD_RECOVERY, true); /* stands for another */
        assert_false(is_in(f, "alice"));
        put_factor(f, "alice", 3, POLICY_METHOD_HOTP, true);
        assert_true(is_in(f, "alice"));
        drop_factor(f, "alice", 3);
        assert_false(is_in(f, "alice"));
}

static void a_rule_for_all_names_nobody_in_the_news(void **state) {
        Fixture *f = *state;

        make_user(f, "alice");
        make_user(f, "bob");
        fixture_flush(f);
        rule(f, NULL, "on");
        fixture_flush(f);
        assert_non_null(strstr(f->news, "everybody"));
        assert_null(strstr(f->news, "alice"));
        rule(f, "bob", "off");
        fixture_flush(f);
        assert_null(strstr(f->news, "everybody"));
        assert_non_null(strstr(f->news, "bob"));
}

static void nobody_changes_it(void **state) {
        const char *user = "alice", *kept = GROUP;
        GroupSpec spec = { .description = "mine" }, made = { .name = "um-other" };
        Fixture *f = *state;

        make_user(f, user);
        make_group(f, "web");
        rule(f, NULL, "on");
        must_be(core_group_members(f->core, &f->root, GROUP, false, &user, 1, NULL, 0, &f->options,
                                   f->now, &f->change, &f->error),
                CORE_E_POLICY_REFUSED);
        assert_non_null(strstr(f->error.text, "kept by um"));
        must_be(core_group_members(f->core, &f->root, "web", true, NULL, 0, &kept, 1, &f->options,
                                   f->now, &f->change, &f->error),
                CORE_E_POLICY_REFUSED);
        must_be(core_group_update(f->core, &f->root, GROUP, &spec, &f->options, f->now, &f->change,
                                  &f->error),
                CORE_E_POLICY_REFUSED);
        must_be(core_group_delete(f->core, &f->root, GROUP, true, &f->options, f->now, &f->change,
                                  &f->error),
                CORE_E_POLICY_REFUSED);
        must_be(core_group_create(f->core, &f->root, &made, &f->options, f->now, &f->change,
                                  &f->error),
                CORE_E_BAD_VALUE);
        assert_true(is_in(f, user));
}

static void note_name(void *userdata, const CoreUser *user) {
        char *names = userdata;

        strcat(names, user->name);
        strcat(names, " ");
}

static const char *listed(Fixture *f, const char *filter, char *buf) {
        char cursor[64];

        buf[0] = '\0';
        must(core_user_list(f->core, &f->root, filter, "", 100, f->now, note_name, buf, cursor,
                            &f->error));
        return buf;
}

static void the_list_of_users_can_be_asked_for_it(void **state) {
        Fixture *f = *state;
        char buf[128];

        make_user(f, "alice");
        make_user(f, "bob");
        make_user(f, "carol");
        put_factor(f, "alice", 1, POLICY_METHOD_TOTP, true);
        rule(f, "carol", "on");
        assert_string_equal(listed(f, "group=um-mfa", buf), "alice carol ");
        assert_string_equal(listed(f, "group!=um-mfa", buf), "bob ");
        assert_string_equal(listed(f, "group~um-*", buf), "alice carol ");
}

/* Ids that are used up take nobody's factor away. */
static void without_an_id_there_is_no_group(void **state) {
        Fixture *f = *state;

        make_user(f, "alice");
        f->settings.id_last = f->settings.id_first;
        core_set_settings(f->core, &f->settings);
        rule(f, "alice", "on");
        must_be(core_entry_group_by_name(f->core, GROUP, see, &(Seen){ 0 }), CORE_E_NO_SUCH_GROUP);
        f->settings = shipped_settings();
        core_set_settings(f->core, &f->settings);
        update_text(f, "alice", USER_FIELD_TITLE, "Engineer");
        assert_true(is_in(f, "alice"));
}

/* ---- the report --------------------------------------------------------------------------- */

static void tell(void *userdata, const CoreCoverage *row) {
        char *buf = userdata;
        size_t len = strlen(buf);

        snprintf(buf + len, 512 - len, "%s %s %s %s", row->user, row->required, row->strongest,
                 row->enrolled ? "enrolled" : "lacks");
        for (size_t i = 0; i < row->method_count; i++)
                strcat(strcat(buf, " "), row->methods[i]);
        len = strlen(buf);
        if (row->deadline_usec == USEC_INFINITY)
                snprintf(buf + len, 512 - len, " never");
        else if (row->deadline_usec > 0)
                snprintf(buf + len, 512 - len, " +%llus",
                         (unsigned long long)((row->deadline_usec - NOW) / USEC_PER_SEC));
        assert_int_equal(row->role_count, 1);
        assert_string_equal(row->roles[0], "self-service");
        assert_int_equal(row->codes_left, -1);
        strcat(buf, ";");
}

static const char *covered(Fixture *f, const char *filter, char *buf) {
        char cursor[64];

        buf[0] = '\0';
        must(core_factor_coverage(f->core, &f->root, filter, "", 100, f->now, tell, buf, cursor,
                                  &f->error));
        assert_string_equal(cursor, "");
        return buf;
}

static void set(Fixture *f, const char *user, const char *name, const char *value) {
        char text[POLICY_VALUE_TEXT_MAX];

        must(core_policy_set(f->core, &f->root, &POLICY_OF(user), name, value, &f->options, f->now,
                             text, &f->change, &f->error));
}

static void the_report_says_who_lacks_one_and_until_when(void **state) {
        Fixture *f = *state;
        char buf[512];

        make_user(f, "alice");
        make_user(f, "bob");
        assert_string_equal(covered(f, "", buf), "alice off single lacks;bob off single lacks;");
        put_factor(f, "bob", 1, POLICY_METHOD_HOTP, true);
        put_factor(f, "bob", 2, POLICY_METHOD_HOTP, true);
        put_factor(f, "bob", 3, POLICY_METHOD_TOTP, false);
        set(f, NULL, "factor.enrol-within", "60s");
        f->now += 10 * USEC_PER_SEC;
        rule(f, NULL, "on");
        assert_string_equal(covered(f, "", buf),
                            "alice on single lacks +70s;bob on mfa enrolled hotp;");
        set(f, "bob", "factor.methods", "totp"); /* his is permitted no more */
        set(f, "alice", "factor.enrol-within", "never");
        rule(f, "alice", "hardware");
        assert_string_equal(covered(f, "", buf),
                            "alice hardware single lacks never;bob on single lacks hotp +70s;");
        assert_string_equal(covered(f, "name=bob", buf), "bob on single lacks hotp +70s;");
}

/* A role that begins some day finds the group there; who is in it changes with the role. */
static void the_group_comes_with_a_role_that_demands_one(void **state) {
        GrantEdit edit = { .user = "alice", .role = "admin", .until_usec = USEC_INFINITY };
        Fixture *f = *state;

        make_person(f, "alice");
        make_person(f, "bob");
        edit.from_usec = f->now + HOUR;
        edit.until_usec = f->now + 2 * HOUR;
        must(grant_edit(f, &f->root, &edit));
        must(core_entry_group_by_name(f->core, GROUP, see, &(Seen){ 0 }));
        assert_false(is_in(f, "alice"));
        fixture_pass(f, HOUR);
        core_note_time(f->core, f->now);
        assert_true(is_in(f, "alice"));
        assert_false(is_in(f, "bob"));
        fixture_pass(f, HOUR);
        core_note_time(f->core, f->now);
        assert_false(is_in(f, "alice"));
}

/* Whoever it is about is told anew: everybody, where a role or a department is. */
static void whoever_has_a_role_is_told_with_it(void **state) {
        Fixture *f = *state;

        make_person(f, "alice");
        must(role_add(f, "ops", .permit = "host.view"));
        fixture_flush(f);
        must(role_set(f, "ops", .permit = "user.view"));
        fixture_flush(f);
        assert_null(strstr(f->news, "everybody"));
        must(role_set(f, "ops", .require = "second-factor"));
        fixture_flush(f);
        assert_non_null(strstr(f->news, "everybody"));
        must(grant(f, "ops", "alice"));
        fixture_flush(f);
        assert_non_null(strstr(f->news, "alice"));
        rule_at(f, POLICY_LEVEL_ROLE, "ops", "hardware");
        fixture_flush(f);
        assert_non_null(strstr(f->news, "everybody"));
        rule_at(f, POLICY_LEVEL_DEPARTMENT, "sales", "on");
        fixture_flush(f);
        assert_non_null(strstr(f->news, "everybody"));
}

/* ---- anything, in any order --------------------------------------------------------------- */

#define PEOPLE 5
#define ROUNDS 400

typedef struct Person {
        char name[8];
        bool deleted, factor;
        bool in_sales, is_worker, is_guard;
        int rule; /* -1: none; else PolicyRequired */
} Person;

typedef struct World {
        Fixture *f;
        unsigned int seed;
        int company, sales, worker; /* -1: none */
        bool guards_need;
        Person people[PEOPLE];
        uint32_t number;
} World;

static const char *const words[] = { "off", "on", "hardware" };

static int draw(World *w, int count) {
        return rand_r(&w->seed) % count;
}

static void turn_level(World *w, int *rule_of, PolicyLevel level, const char *subject) {
        int to = draw(w, 4) - 1;

        rule_at(w->f, level, subject, to < 0 ? NULL : words[to]);
        *rule_of = to;
}

static void turn_rule(World *w, int *rule_of, const char *user) {
        turn_level(w, rule_of, POLICY_OF(user).level, user);
}

static void turn_role(World *w, const char *role, const char *user, bool *holds) {
        must(*holds ? revoke(w->f, role, user) : grant(w->f, role, user));
        *holds = !*holds;
}

/* What is said of many at once. */
static void turn_many(World *w) {
        switch (draw(w, 4)) {
        case 0:
                turn_rule(w, &w->company, NULL);
                break;
        case 1:
                turn_level(w, &w->sales, POLICY_LEVEL_DEPARTMENT, "sales");
                break;
        case 2:
                turn_level(w, &w->worker, POLICY_LEVEL_ROLE, "worker");
                break;
        default:
                w->guards_need = !w->guards_need;
                must(role_set(w->f, "guard",
                              .require = w->guards_need ? "+second-factor" : "-second-factor"));
        }
}

static void turn_person(World *w, Person *p) {
        Fixture *f = w->f;

        switch (draw(w, 7)) {
        case 0:
                if (p->deleted)
                        step_user(f, p->name, STATUS_STEP_RESTORE);
                else
                        step_user(f, p->name, STATUS_STEP_DELETE);
                p->deleted = !p->deleted;
                break;
        case 1:
                if (p->deleted)
                        break;
                if (p->factor)
                        drop_factor(f, p->name, w->number);
                else
                        put_factor(f, p->name, w->number, POLICY_METHOD_TOTP, true);
                p->factor = !p->factor;
                break;
        case 2:
                if (!p->deleted)
                        turn_rule(w, &p->rule, p->name);
                break;
        case 3:
                if (p->deleted)
                        break;
                p->in_sales = !p->in_sales;
                update_text(f, p->name, USER_FIELD_DEPARTMENT, p->in_sales ? "sales" : "");
                break;
        case 4:
                if (!p->deleted)
                        turn_role(w, "worker", p->name, &p->is_worker);
                break;
        case 5:
                if (!p->deleted)
                        turn_role(w, "guard", p->name, &p->is_guard);
                break;
        default:
                if (!p->deleted)
                        update_text(f, p->name, USER_FIELD_TITLE, draw(w, 2) ? "a" : "b");
        }
}

static void check(World *w) {
        for (size_t i = 0; i < PEOPLE; i++) {
                const Person *p = &w->people[i];
                int required = w->company;

                if (p->in_sales && w->sales >= 0)
                        required = w->sales;
                if (p->is_worker && w->worker >= 0)
                        required = w->worker;
                if (p->rule >= 0)
                        required = p->rule;
                if (!p->deleted)
                        assert_int_equal(is_in(w->f, p->name),
                                         required > 0 || p->factor ||
                                                 (p->is_guard && w->guards_need));
        }
}

static void in_it_is_who_needs_it_whatever_happens(void **state) {
        World w = { .f = *state, .seed = 7, .company = -1, .sales = -1, .worker = -1, .number = 1 };

        must(role_add(w.f, "worker", .permit = "host.view"));
        must(role_add(w.f, "guard", .permit = "host.view"));
        for (size_t i = 0; i < PEOPLE; i++) {
                snprintf(w.people[i].name, sizeof(w.people[i].name), "u%zu", i);
                w.people[i].rule = -1;
                make_user(w.f, w.people[i].name);
        }
        for (int i = 0; i < ROUNDS; i++) {
                if (draw(&w, 4) == 0)
                        turn_many(&w);
                else
                        turn_person(&w, &w.people[draw(&w, PEOPLE)]);
                check(&w);
                if (draw(&w, 20) == 0) {
                        fixture_flush(w.f);
                        fixture_reopen(w.f);
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(the_group_comes_with_the_first_who_needs_it,
                                                fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(a_dry_run_makes_no_group, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(a_rule_for_all_holds_for_who_comes_later,
                                                fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(only_an_active_factor_counts, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(a_rule_for_all_names_nobody_in_the_news,
                                                fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(nobody_changes_it, fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(the_list_of_users_can_be_asked_for_it,
                                                fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(without_an_id_there_is_no_group, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(the_report_says_who_lacks_one_and_until_when,
                                                fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(the_group_comes_with_a_role_that_demands_one,
                                                fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(whoever_has_a_role_is_told_with_it, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(in_it_is_who_needs_it_whatever_happens,
                                                fixture_setup, fixture_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
