/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups: nesting, its loops and its depth, owners, and who is told what. */

#include "tests/unit/core_fixture.h"

static int members(Fixture *f, const char *group, bool add, const char *user, const char *nested) {
        f->error = (CoreError){ 0 };
        return core_group_members(f->core, &f->root, group, add, &user, user ? 1 : 0, &nested,
                                  nested ? 1 : 0, &f->options, f->now, &f->change, &f->error);
}

static int remove_group(Fixture *f, const char *group, bool force) {
        return core_group_delete(f->core, &f->root, group, force, &f->options, f->now, &f->change,
                                 &f->error);
}

static void membership_counts_through_nesting(void **state) {
        Fixture *f = *state;

        make_user(f, "alice");
        make_user(f, "bob");
        make_group(f, "web");
        make_group(f, "ops");
        make_group(f, "all");
        add_user(f, "web", "alice");
        add_user(f, "ops", "bob");
        add_group(f, "web", "ops");
        add_group(f, "all", "web");
        assert_string_equal(groups_of(f, "alice"), "all,web");
        assert_string_equal(groups_of(f, "bob"), "all,ops,web");
        assert_string_equal(effective_of(f, "all"), "alice,bob");
        assert_string_equal(effective_of(f, "ops"), "bob");
        must(members(f, "web", false, NULL, "ops"));
        assert_string_equal(groups_of(f, "bob"), "ops");
        assert_string_equal(effective_of(f, "all"), "alice");
}

static void a_loop_is_refused_with_its_path(void **state) {
        Fixture *f = *state;

        make_group(f, "web");
        make_group(f, "ops");
        make_group(f, "dev");
        add_group(f, "ops", "dev");
        add_group(f, "dev", "web");
        must_be(try_nest(f, "web", "ops"), CORE_E_POLICY_REFUSED);
        assert_string_equal(f->error.text, "web: would be nested in itself: web > ops > dev > web");
        must_be(try_nest(f, "web", "web"), CORE_E_POLICY_REFUSED);
        assert_string_equal(f->error.text, "web: would be nested in itself: web > web");
}

static void a_chain_of_sixteen_nestings_is_the_longest(void **state) {
        Fixture *f = *state;
        char name[8], above[8];

        for (int i = 0; i < 19; i++) {
                snprintf(name, sizeof(name), "g%d", i);
                make_group(f, name);
        }
        /* g0 > g1 > ... > g16 from both ends, joined last */
        for (int i = 1; i <= 16; i++) {
                if (i == 8)
                        continue;
                snprintf(above, sizeof(above), "g%d", i - 1);
                snprintf(name, sizeof(name), "g%d", i);
                add_group(f, above, name);
        }
        add_group(f, "g7", "g8");
        must_be(try_nest(f, "g16", "g17"), CORE_E_POLICY_REFUSED);
        assert_string_equal(
                f->error.text,
                "g16: nests deeper than 16: g0 > g1 > g2 > g3 > g4 > g5 > g6 > g7 > g8 > "
                "g9 > g10 > g11 > g12 > g13 > g14 > g15 > g16 > g17");
        must_be(try_nest(f, "g17", "g0"), CORE_E_POLICY_REFUSED);
        add_group(f, "g17", "g18");
        must_be(try_nest(f, "g15", "g17"), CORE_E_POLICY_REFUSED);
        add_group(f, "g14", "g17");
        make_user(f, "alice");
        add_user(f, "g18", "alice");
        assert_string_equal(effective_of(f, "g0"), "alice");
}

static void the_longest_chain_counts_not_the_first(void **state) {
        Fixture *f = *state;
        char name[8], above[8];

        for (int i = 0; i < 18; i++) {
                snprintf(name, sizeof(name), "g%d", i);
                make_group(f, name);
        }
        for (int i = 1; i <= 16; i++) {
                snprintf(above, sizeof(above), "g%d", i - 1);
                snprintf(name, sizeof(name), "g%d", i);
                add_group(f, above, name);
        }
        add_group(f, "g0", "g16"); /* a short way beside the long one */
        must_be(try_nest(f, "g16", "g17"), CORE_E_POLICY_REFUSED);
}

#define LAYERS 16
#define WIDTH  8

/* Each group of a layer holds each of the next: 8^16 ways from top to bottom, more than anybody can
 * walk (catalogue 73). */
static void a_lattice_of_groups_is_no_work(void **state) {
        Fixture *f = *state;
        char above[16], name[16];

        for (int layer = 0; layer <= LAYERS; layer++)
                for (int i = 0; i < WIDTH; i++) {
                        snprintf(name, sizeof(name), "g%d-%d", layer, i);
                        make_group(f, name);
                        for (int j = 0; j < WIDTH && layer > 0; j++) {
                                snprintf(above, sizeof(above), "g%d-%d", layer - 1, j);
                                add_group(f, above, name);
                        }
                }
        make_user(f, "alice");
        add_user(f, "g16-3", "alice");
        assert_string_equal(effective_of(f, "g0-5"), "alice");
        must_be(try_nest(f, "g16-0", "g0-7"), CORE_E_POLICY_REFUSED);
        assert_non_null(strstr(f->error.text, "g16-0: would be nested in itself: g16-0 > g0-7 > "));
        make_group(f, "below");
        must_be(try_nest(f, "g16-7", "below"), CORE_E_POLICY_REFUSED);
        assert_non_null(strstr(f->error.text, "g16-7: nests deeper than 16: "));
        step_user(f, "alice", STATUS_STEP_DISABLE);
        assert_string_equal(effective_of(f, "g0-0"), "alice");
}

static void all_names_are_checked_before_anything_is_written(void **state) {
        const char *users[] = { "alice", "nobody1", "bob", "nobody2" };
        const char *groups[] = { "ops", "alice" };
        Fixture *f = *state;

        make_user(f, "alice");
        make_user(f, "bob");
        make_group(f, "web");
        make_group(f, "ops");
        must_be(core_group_members(f->core, &f->root, "web", true, users, 4, groups, 2, &f->options,
                                   f->now, &f->change, &f->error),
                CORE_E_NO_SUCH_USER);
        assert_string_equal(f->error.text,
                            "nobody1: no such user; nobody2: no such user; "
                            "alice: is a user's own group and has nobody else in it");
        assert_string_equal(effective_of(f, "web"), "");
        must_be(members(f, "nowhere", true, "alice", NULL), CORE_E_NO_SUCH_GROUP);
}

static void who_is_a_member_already_is_no_error(void **state) {
        Fixture *f = *state;

        make_user(f, "alice");
        make_group(f, "web");
        add_user(f, "web", "alice");
        must(members(f, "web", true, "alice", NULL));
        assert_int_equal(f->change.id, 0);
        must(members(f, "web", false, "alice", NULL));
        assert_true(f->change.id > 0);
        must(members(f, "web", false, "alice", NULL));
        assert_int_equal(f->change.id, 0);
}

static void a_deleted_member_can_be_taken_out_not_put_in(void **state) {
        Fixture *f = *state;

        make_user(f, "alice");
        make_group(f, "web");
        make_group(f, "ops");
        add_user(f, "web", "alice");
        step_user(f, "alice", STATUS_STEP_DELETE);
        must_be(members(f, "ops", true, "alice", NULL), CORE_E_NO_SUCH_USER);
        must(members(f, "web", false, "alice", NULL));
        step_user(f, "alice", STATUS_STEP_RESTORE);
        assert_string_equal(groups_of(f, "alice"), "");
}

static void told_are_the_groups_above_and_whose_groups_changed(void **state) {
        Fixture *f = *state;

        make_user(f, "alice");
        make_user(f, "bob");
        make_user(f, "carol");
        make_group(f, "web");
        make_group(f, "ops");
        make_group(f, "all");
        add_group(f, "all", "web");
        add_user(f, "web", "carol");
        add_user(f, "ops", "bob");
        fixture_flush(f);
        add_user(f, "web", "alice");
        fixture_flush(f);
        assert_string_equal(f->news, "changed group web\nchanged group all\nchanged user alice\n");
        add_group(f, "web", "ops");
        fixture_flush(f);
        assert_string_equal(f->news, "changed group web\nchanged group all\nchanged user bob\n");
        must(remove_group(f, "ops", true));
        fixture_flush(f);
        assert_string_equal(f->news, "removed group ops\nchanged user bob\n"
                                     "changed group web\nchanged group all\n");
}

static void a_nested_group_is_deleted_only_by_force(void **state) {
        _cleanup_(core_group_freep) CoreGroup *group = NULL;
        Fixture *f = *state;
        gid_t gid;

        make_user(f, "alice");
        gid = make_group(f, "web");
        make_group(f, "all");
        make_group(f, "any");
        add_user(f, "web", "alice");
        add_group(f, "all", "web");
        add_group(f, "any", "web");
        must_be(remove_group(f, "web", false), CORE_E_POLICY_REFUSED);
        assert_string_equal(f->error.text,
                            "web: is nested in all, any: take it out first, or use --force");
        must(remove_group(f, "web", true));
        assert_string_equal(groups_of(f, "alice"), "");
        assert_string_equal(effective_of(f, "all"), "");
        must_be(core_group_get(f->core, "web", &group, &f->error), CORE_E_NO_SUCH_GROUP);
        must_be(core_group_get_by_gid(f->core, gid, &group, &f->error), CORE_E_NO_SUCH_GROUP);
        assert_true(make_group(f, "web") > gid); /* the name is free again, the gid is not */
        must(remove_group(f, "web", false));
        make_user(f, "web");
}

static void gids_are_given_once_and_kept_apart(void **state) {
        GroupSpec spec = { .name = "web", .has_gid = true, .gid = FIRST };
        Fixture *f = *state;

        make_user(f, "alice");
        must_be(core_group_create(f->core, &f->root, &spec, &f->options, f->now, &f->change,
                                  &f->error),
                CORE_E_UID_TAKEN);
        assert_string_equal(f->error.text, "gid: 65536: is taken by user alice");
        spec.gid = 80000;
        must(core_group_create(f->core, &f->root, &spec, &f->options, f->now, &f->change,
                               &f->error));
        must(remove_group(f, "web", false));
        must_be(core_group_create(f->core, &f->root, &spec, &f->options, f->now, &f->change,
                                  &f->error),
                CORE_E_UID_TAKEN);
        assert_string_equal(f->error.text, "gid: 80000: was group web's and is not given again");
        make_group(f, "web");
        must_be(core_group_create(f->core, &f->root, &spec, &f->options, f->now, &f->change,
                                  &f->error),
                CORE_E_NAME_TAKEN);
        assert_string_equal(f->error.text, "name: \"web\": is taken by group 65537; "
                                           "gid: 80000: was a group's and is not given again");
        spec.name = "alice";
        spec.has_gid = false;
        must_be(core_group_create(f->core, &f->root, &spec, &f->options, f->now, &f->change,
                                  &f->error),
                CORE_E_NAME_TAKEN);
}

/* Whoever may not come in does nothing by the API either, with what still runs of his. */
static void an_owner_who_may_not_come_in_owns_nothing(void **state) {
        const char *owners[] = { "alice" };
        const GroupSpec spec = { .name = "web", .owners = owners, .owner_count = 1 };
        const UserSpec over = { .has_valid_until = true, .valid_until_usec = NOW + DAY };
        Fixture *f = *state;
        uid_t alice = make_user(f, "alice");

        must(core_group_create(f->core, &f->root, &spec, &f->options, f->now, &f->change,
                               &f->error));
        for (unsigned i = 0; i < 2; i++) {
                StatusStep out = i == 0 ? STATUS_STEP_SUSPEND : STATUS_STEP_DISABLE;
                StatusStep in = i == 0 ? STATUS_STEP_RESUME : STATUS_STEP_ENABLE;

                assert_true(core_group_is_owner(f->core, "web", alice));
                assert_true(core_user_may_act(f->core, alice));
                step_user(f, "alice", out);
                assert_false(core_group_is_owner(f->core, "web", alice));
                assert_false(core_user_may_act(f->core, alice));
                step_user(f, "alice", in);
        }
        for (unsigned i = 0; i < 2; i++) {
                must(core_user_lock(f->core, &f->root, "alice", i == 0, &f->options, f->now,
                                    &f->change, &f->error));
                assert_int_equal(core_group_is_owner(f->core, "web", alice), i == 1);
        }
        must(core_user_update(f->core, &f->root, "alice", &over, &f->options, f->now, &f->change,
                              &f->error));
        core_tick(f->core, f->now + DAY - 1);
        assert_true(core_group_is_owner(f->core, "web", alice));
        core_tick(f->core, f->now + DAY);
        assert_false(core_group_is_owner(f->core, "web", alice));
        assert_false(core_user_may_act(f->core, 4242));
}

static void owners_are_named_and_replaced_as_a_whole(void **state) {
        const char *first[] = { "bob", "alice" }, *then[] = { "carol" }, *bad[] = { "nobody" };
        _cleanup_(core_group_freep) CoreGroup *group = NULL;
        GroupSpec spec = { .name = "web", .owners = first, .owner_count = 2 };
        Fixture *f = *state;
        uid_t alice = make_user(f, "alice"), bob = make_user(f, "bob");
        uid_t carol = make_user(f, "carol");

        must(core_group_create(f->core, &f->root, &spec, &f->options, f->now, &f->change,
                               &f->error));
        assert_true(core_group_is_owner(f->core, "web", alice));
        assert_true(core_group_is_owner(f->core, "web", bob));
        assert_false(core_group_is_owner(f->core, "web", carol));
        step_user(f, "bob", STATUS_STEP_DELETE);
        assert_false(core_group_is_owner(f->core, "web", bob));
        spec = (GroupSpec){ .owners = then, .owner_count = 1 };
        must(core_group_update(f->core, &f->root, "web", &spec, &f->options, f->now, &f->change,
                               &f->error));
        must(core_group_get(f->core, "web", &group, &f->error));
        assert_int_equal(group->owner_count, 1);
        assert_string_equal(group->owners[0], "carol");
        assert_false(core_group_is_owner(f->core, "web", alice));
        assert_false(core_group_is_owner(f->core, "nowhere", carol));
        spec.owners = bad;
        must_be(core_group_update(f->core, &f->root, "web", &spec, &f->options, f->now, &f->change,
                                  &f->error),
                CORE_E_NO_SUCH_USER);
        assert_string_equal(f->error.text, "owner: \"nobody\": no such user");
}

static void a_group_is_renamed_and_described(void **state) {
        GroupSpec spec = { .name = "www", .description = "the web people" };
        Fixture *f = *state;

        make_user(f, "alice");
        make_group(f, "web");
        add_user(f, "web", "alice");
        fixture_flush(f);
        must(core_group_update(f->core, &f->root, "web", &spec, &f->options, f->now, &f->change,
                               &f->error));
        fixture_flush(f);
        assert_string_equal(f->news, "changed group www was web\n");
        assert_string_equal(groups_of(f, "alice"), "www");
        must(core_group_update(f->core, &f->root, "www", &spec, &f->options, f->now, &f->change,
                               &f->error));
        assert_int_equal(f->change.id, 0);
        spec.name = "alice";
        must_be(core_group_update(f->core, &f->root, "www", &spec, &f->options, f->now, &f->change,
                                  &f->error),
                CORE_E_NAME_TAKEN);
        spec = (GroupSpec){ .has_gid = true, .gid = 80000 };
        must_be(core_group_update(f->core, &f->root, "www", &spec, &f->options, f->now, &f->change,
                                  &f->error),
                CORE_E_BAD_VALUE);
        f->options.if_version = 1;
        spec = (GroupSpec){ .description = "x" };
        must_be(core_group_update(f->core, &f->root, "www", &spec, &f->options, f->now, &f->change,
                                  &f->error),
                CORE_E_CONFLICT);
}

static void a_great_change_counts_what_it_does_not_name(void **state) {
        const char *names[300];
        static char text[300][8];
        Fixture *f = *state;

        make_group(f, "web");
        for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
                snprintf(text[i], sizeof(text[i]), "u%zu", i);
                names[i] = text[i];
                make_user(f, names[i]);
        }
        fixture_flush(f);
        must(core_group_members(f->core, &f->root, "web", true, names, 300, NULL, 0, &f->options,
                                f->now, &f->change, &f->error));
        must(core_group_delete(f->core, &f->root, "web", false, &f->options, f->now, &f->change,
                               &f->error));
        fixture_flush(f);
        assert_string_equal(groups_of(f, "u299"), "");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(membership_counts_through_nesting),
                STORY(a_loop_is_refused_with_its_path),
                STORY(a_lattice_of_groups_is_no_work),
                STORY(a_chain_of_sixteen_nestings_is_the_longest),
                STORY(the_longest_chain_counts_not_the_first),
                STORY(all_names_are_checked_before_anything_is_written),
                STORY(who_is_a_member_already_is_no_error),
                STORY(a_deleted_member_can_be_taken_out_not_put_in),
                STORY(told_are_the_groups_above_and_whose_groups_changed),
                STORY(a_nested_group_is_deleted_only_by_force),
                STORY(gids_are_given_once_and_kept_apart),
                STORY(an_owner_who_may_not_come_in_owns_nothing),
                STORY(owners_are_named_and_replaced_as_a_whole),
                STORY(a_group_is_renamed_and_described),
                STORY(a_great_change_counts_what_it_does_not_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
