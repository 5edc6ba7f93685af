/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a right comes from or what is in its way (FEATURES D17), and that nobody acts above himself
 * (D7, D8). */

#include <stdio.h>

#include "tests/unit/rights_fixture.h"

static const RoleSpec own[] = {
        { .name = "lead", .inherit = LIST("technician", "viewer") },
        { .name = "no-reset", .deny = LIST("user.password.*") },
        { .name = "trainee", .inherit = LIST("member", "no-reset") },
        { .name = "loop", .inherit = LIST("loop-2") },
        { .name = "loop-2", .inherit = LIST("loop"), .deny = LIST("user.lock") },
        { .name = "unreadable", .deny = LIST("user.") },
        { .name = "under-unreadable", .inherit = LIST("unreadable") },
        { .name = "cert", .permit = LIST("role.edit"), .require = LIST("attr:cert.a") },
        { .name = "soft", .require = LIST("attr:cert.a"), .deny = LIST("user.unlock") },
        { .name = "backup", .permit = LIST("sudo.backup") },
        { .name = "commands", .permit = LIST("sudo.all") },
        { .name = "other-commands",
          .permit = LIST("sudo.*"),
          .without = LIST("sudo.backup", "sudo.maintenance") },
        { .name = "ssh-only", .permit = LIST("login.sshd") },
        { .name = "people", .permit = LIST("user.view", "user.edit") },
};

static int setup(void **state) {
        static Rights rights;

        rights_make(&rights, own, ARRAY_LENGTH(own));
        *state = &rights;
        return 0;
}

static int teardown(void **state) {
        rights_done(*state);
        return 0;
}

/* ---- ways ------------------------------------------------------------------------------------ */

/* "lead > technician > member: counts; ..." */
static void ways_text(const Rights *rights, const Person *person, const char *right, bool denies,
                      char *buf, size_t size) {
        RightsPath paths[16];
        size_t count = policy_rights_paths(rights->set, &person->holder, &acme,
                                           policy_right_from_name(rights->set, right), denies,
                                           paths, ARRAY_LENGTH(paths));
        Text text;

        assert_true(count <= ARRAY_LENGTH(paths));
        base_text_init(&text, buf, size);
        for (size_t i = 0; i < count; i++) {
                base_text_addf(&text, "%s%zu ", i > 0 ? "; " : "", paths[i].grant);
                for (size_t k = 0; k < paths[i].roles.count; k++)
                        base_text_addf(&text, "%s%s", k > 0 ? " > " : "",
                                       policy_role_name(rights->set, paths[i].roles.roles[k]));
                base_text_addf(&text, ": %s", policy_grant_state_name(paths[i].state));
                if (paths[i].attribute)
                        base_text_addf(&text, " %s", paths[i].attribute);
        }
}

#define assert_ways(person, right, denies, expected)                                               \
        do {                                                                                       \
                char ways_text_[1024];                                                             \
                ways_text(rights, person, right, denies, ways_text_, sizeof(ways_text_));          \
                assert_string_equal(ways_text_, expected);                                         \
        } while (0)

static void every_way_is_shown(void **state) {
        const Rights *rights = *state;
        Person alice;

        person_make(&alice);
        person_grant(&alice, rights, "lead");
        person_grant(&alice, rights, "viewer");
        assert_ways(&alice, "user.view", false,
                    "0 lead > technician > member: counts; 0 lead > technician > viewer: counts; "
                    "0 lead > viewer: counts; 1 viewer: counts");
        assert_ways(&alice, "user.password.reset", false, "0 lead > technician: counts");
        assert_ways(&alice, "audit.view", false, "0 lead > technician: counts");
        assert_ways(&alice, "user.create", false, "");
}

static void what_is_in_the_way_is_shown(void **state) {
        const Rights *rights = *state;
        Person alice;

        person_make(&alice);
        person_grant(&alice, rights, "technician")->until_usec = NOW;
        person_grant(&alice, rights, "trainee");
        person_grant(&alice, rights, "cert");
        person_grant(&alice, rights, "admin")->tenant = "globex";
        assert_ways(&alice, "user.password.reset", false,
                    "0 technician: expired; 3 admin: other-tenant");
        assert_ways(&alice, "user.password.reset", true, "1 trainee > no-reset: counts");
        assert_ways(&alice, "role.edit", false,
                    "2 cert: needs-attribute cert.a; 3 admin: other-tenant");
        assert_int_equal(person_ask(&alice, rights, &acme, "user.password.reset"), RIGHTS_DENIED);
        assert_int_equal(person_ask(&alice, rights, &acme, "role.edit"), RIGHTS_MISSING);
}

static void ways_of_broken_roles_have_an_end(void **state) {
        const Rights *rights = *state;
        Person alice;

        person_make(&alice);
        person_grant(&alice, rights, "loop");
        person_grant(&alice, rights, "loop-2");
        person_grant(&alice, rights, "under-unreadable");
        assert_ways(&alice, "user.lock", true,
                    "0 loop > loop-2: broken-role; 1 loop-2: broken-role; 2 under-unreadable > "
                    "unreadable: counts");
        assert_ways(&alice, "user.lock", false, "");
}

/* Layers of roles that each inherit all of the next: more ways than anybody reads. */
static void a_crowd_of_ways_is_counted_to_a_limit(void **state) {
        enum { LAYERS = 8, WIDE = 8 };
        static const char *const lock[] = { "user.lock", NULL };
        RoleSpec specs[LAYERS * WIDE];
        char names[LAYERS * WIDE][16];
        const char *inherit[LAYERS][WIDE + 1];
        RightsPath paths[2];
        Rights crowd;
        Person alice;

        for (size_t i = 0; i < LAYERS * WIDE; i++) {
                snprintf(names[i], sizeof(names[i]), "r%zu", i);
                specs[i] = (RoleSpec){ .name = names[i],
                                       .inherit = i / WIDE > 0 ? inherit[i / WIDE - 1] : NULL,
                                       .permit = i / WIDE > 0 ? NULL : lock };
                inherit[i / WIDE][i % WIDE] = names[i];
        }
        for (size_t i = 0; i < LAYERS; i++)
                inherit[i][WIDE] = NULL;
        rights_make(&crowd, specs, ARRAY_LENGTH(specs));
        person_make(&alice);
        person_grant(&alice, &crowd, "r63");
        assert_in_range(policy_rights_paths(crowd.set, &alice.holder, &acme, PERMISSION_USER_LOCK,
                                            false, paths, ARRAY_LENGTH(paths)),
                        RIGHTS_PATHS_MAX, RIGHTS_PATHS_MAX);
        assert_int_equal(paths[0].roles.count, LAYERS);
        assert_int_equal(policy_rights_paths(crowd.set, &alice.holder, &acme, PERMISSION_USER_VIEW,
                                             false, paths, ARRAY_LENGTH(paths)),
                         0);
        rights_done(&crowd);
}

/* ---- nobody acts above himself --------------------------------------------------------------- */

typedef struct CoverCase {
        const char *actor, *target;
        const char *missing; /* NULL: covered */
} CoverCase;

static const char *missing_of(const Rights *rights, const Person *actor, const Person *target) {
        uint16_t missing = 4711;

        if (policy_rights_cover(rights->set, &actor->holder, &target->holder, &acme, &missing)) {
                assert_int_equal(missing, 4711);
                return NULL;
        }
        return missing == RIGHT_NONE ? "?" : policy_right_name(rights->set, missing);
}

static void assert_missing(const Rights *rights, const Person *actor, const Person *target,
                           const char *expected) {
        const char *missing = missing_of(rights, actor, target);

        if (!expected)
                assert_null(missing);
        else if (!missing)
                fail_msg("covered, where %s is missing", expected);
        else
                assert_string_equal(missing, expected);
}

static void the_weaker_is_covered_and_the_stronger_is_not(void **state) {
        static const CoverCase table[] = {
                { "technician", "member", NULL },
                { "technician", "technician", NULL },
                { "technician", "viewer", NULL },
                { "technician", "admin", "user.create" },
                { "technician", "developer", "user.edit" },
                { "member", "technician", "user.view.private" },
                { "admin", "owner", "tenant.delete" },
                { "admin", "technician", NULL }, /* by role.sudo.edit, and all groups alike */
                { "admin", "backup", NULL },
                { "technician", "backup", "sudo.backup" },
                { "admin", "commands", "sudo.*" },
                { "admin", "other-commands", "sudo.*" },
                { "admin", "tenant-admin", NULL },
                { "tenant-admin", "admin", "tenant.create" },
                { "owner", "admin", NULL },
                { "owner", "owner", NULL },
                { "owner", "backup", NULL },
                { "it-admin", "member", NULL },
                { "security", "governance", NULL },
                { "governance", "security", "user.lock" },
                { "member", "integration", "event.read" },
                { "ssh-only", "self-service", "request.create" },
                { "self-service", "ssh-only", NULL },
        };
        const Rights *rights = *state;

        for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
                Person actor, target;

                person_make(&actor);
                person_make(&target);
                if (strcmp(table[i].target, "integration") == 0)
                        target.holder.kind = HOLDER_SERVICE;
                person_grant(&actor, rights, table[i].actor);
                person_grant(&target, rights, table[i].target);
                assert_missing(rights, &actor, &target, table[i].missing);
        }
}

/* What he will be able to do counts already: his password is his then too. */
static void what_can_come_to_count_counts(void **state) {
        const Rights *rights = *state;
        RightsGrant *coming;
        Person actor, target;

        person_make(&actor);
        person_make(&target);
        person_grant(&actor, rights, "technician");
        person_grant(&target, rights, "member");
        coming = person_grant(&target, rights, "admin");
        coming->from_usec = NOW + HOUR;
        assert_missing(rights, &actor, &target, "user.create");
        coming->from_usec = 0;
        target.holder.email = false;
        assert_missing(rights, &actor, &target, "user.create");
        coming->role = role_at(rights, "cert");
        assert_missing(rights, &actor, &target, "role.edit");
        coming->until_usec = NOW;
        assert_missing(rights, &actor, &target, NULL);
        coming->until_usec = USEC_INFINITY;
        coming->tenant = "globex";
        assert_missing(rights, &actor, &target, NULL);
}

/* A grant of the actor's that does not count is none. */
static void the_actors_own_has_to_count_now(void **state) {
        const Rights *rights = *state;
        Person actor, target;

        person_make(&actor);
        person_make(&target);
        person_grant(&actor, rights, "technician")->from_usec = NOW + 1;
        person_grant(&target, rights, "member");
        assert_missing(rights, &actor, &target, "user.view");
        actor.grants[0].from_usec = NOW;
        assert_missing(rights, &actor, &target, NULL);
        person_grant(&actor, rights, "no-reset");
        assert_missing(rights, &actor, &target, NULL);
        target.grants[0].role = role_at(rights, "technician");
        assert_missing(rights, &actor, &target, "user.password.reset");
}

static void a_deny_without_an_end_makes_him_weaker(void **state) {
        const Rights *rights = *state;
        RightsGrant *deny;
        Person actor, target;

        person_make(&actor);
        person_make(&target);
        person_grant(&actor, rights, "technician");
        person_grant(&actor, rights, "no-reset");
        person_grant(&target, rights, "technician");
        deny = person_grant(&target, rights, "no-reset");
        assert_missing(rights, &actor, &target, NULL);
        deny->until_usec = NOW + HOUR;
        assert_missing(rights, &actor, &target, "user.password.reset");
        deny->until_usec = USEC_INFINITY;
        deny->scope = GRANT_SCOPE_DEPARTMENT;
        deny->over = "sales";
        assert_missing(rights, &actor, &target, "user.password.reset");
        deny->scope = GRANT_SCOPE_ALL;
        actor.grants[1].role = deny->role = role_at(rights, "soft");
        target.attributes[0] = (RightsAttribute){ "cert.a", USEC_INFINITY };
        target.holder.attribute_count = 1;
        assert_missing(rights, &actor, &target, NULL); /* the actor's own does not count */
        actor.attributes[0] = target.attributes[0];
        actor.holder.attribute_count = 1;
        assert_missing(rights, &actor, &target, "user.unlock"); /* an attribute may end */
}

static void a_scope_covers_no_more_than_itself(void **state) {
        const Rights *rights = *state;
        RightsGrant *mine, *his;
        Person eve, bob;

        person_make(&eve);
        person_make(&bob);
        mine = person_grant(&eve, rights, "technician");
        mine->scope = GRANT_SCOPE_DEPARTMENT;
        mine->over = "sales";
        his = person_grant(&bob, rights, "people");
        assert_missing(rights, &eve, &bob, "user.view");
        person_grant(&eve, rights, "people");
        assert_missing(rights, &eve, &bob, NULL);
        his->role = role_at(rights, "technician");
        assert_missing(rights, &eve, &bob, "user.view.private");
        his->scope = GRANT_SCOPE_DEPARTMENT;
        his->over = "sales";
        assert_missing(rights, &eve, &bob, NULL);
        his->over = "it";
        assert_missing(rights, &eve, &bob, "user.view.private");
        his->scope = GRANT_SCOPE_GROUP;
        his->over = "sales";
        assert_missing(rights, &eve, &bob, "user.view.private");
}

static void what_cannot_be_told_is_roots(void **state) {
        const RightsHolder root = { .root = true };
        const Rights *rights = *state;
        uint16_t missing;
        Person owner, target;

        person_make(&owner);
        person_make(&target);
        person_grant(&owner, rights, "owner");
        assert_missing(rights, &owner, &target, NULL);
        person_grant(&target, rights, "loop");
        assert_missing(rights, &owner, &target, "?");
        target.grants[0] =
                (RightsGrant){ .role = role_at(rights, "member"), .until_usec = USEC_INFINITY };
        assert_missing(rights, &owner, &target, "?");
        assert_true(policy_rights_cover(rights->set, &root, &target.holder, &acme, &missing));
        assert_true(policy_rights_cover(rights->set, &root, &root, &acme, &missing));
        assert_false(policy_rights_cover(rights->set, &owner.holder, &root, &acme, &missing));
        assert_int_equal(missing, RIGHT_NONE);
}

static void read_only_makes_both_weaker(void **state) {
        const Rights *rights = *state;
        Person actor, target;

        person_make(&actor);
        person_make(&target);
        person_grant(&actor, rights, "viewer");
        person_grant(&target, rights, "people");
        assert_missing(rights, &actor, &target, "user.edit");
        target.holder.read_only = true;
        assert_missing(rights, &actor, &target, NULL);
        target.holder.read_only = false;
        actor.grants[0].role = role_at(rights, "people");
        actor.holder.read_only = true;
        assert_missing(rights, &actor, &target, "user.edit");
}

static void nobody_grants_what_he_has_not(void **state) {
        static const struct {
                const char *actor, *role, *missing;
                bool actor_all, all;
                const char *actor_over, *over;
        } table[] = {
                { "it-admin", "technician", NULL, false, false, NULL, NULL },
                { "it-admin", "it-admin", NULL, false, false, NULL, NULL },
                { "it-admin", "security", "review.run", false, false, NULL, NULL },
                { "admin", "owner", "tenant.delete", false, false, NULL, NULL },
                { "admin", "technician", NULL, false, false, NULL, NULL },
                { "admin", "backup", "sudo.backup", false, false, "sales", NULL },
                { "admin", "commands", "sudo.*", false, false, NULL, NULL },
                { "owner", "owner", NULL, false, false, NULL, NULL },
                { "owner", "technician", "user.view", false, true, NULL, NULL },
                { "owner", "technician", NULL, true, true, NULL, NULL },
                { "owner", "technician", NULL, true, false, NULL, NULL },
                { "technician", "member", "user.view", false, false, "sales", NULL },
                { "technician", "member", NULL, false, false, "sales", "sales" },
                { "technician", "member", "user.view", false, false, "sales", "it" },
                { "technician", "member", NULL, false, false, NULL, "it" },
                { "owner", "loop", "?", false, false, NULL, NULL },
        };
        const Rights *rights = *state;

        for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
                RightsGrant grant = { .role = role_at(rights, table[i].role),
                                      .tenant = "acme",
                                      .all_tenants = table[i].all,
                                      .until_usec = USEC_INFINITY,
                                      .scope = table[i].over ? GRANT_SCOPE_DEPARTMENT
                                                             : GRANT_SCOPE_ALL,
                                      .over = table[i].over };
                uint16_t missing = RIGHT_NONE;
                RightsGrant *mine;
                bool covered;
                Person actor;

                person_make(&actor);
                mine = person_grant(&actor, rights, table[i].actor);
                mine->all_tenants = table[i].actor_all;
                mine->scope = table[i].actor_over ? GRANT_SCOPE_DEPARTMENT : GRANT_SCOPE_ALL;
                mine->over = table[i].actor_over;
                covered = policy_rights_cover_grant(rights->set, &actor.holder, &grant, NOW,
                                                    &missing);
                if (covered != !table[i].missing)
                        fail_msg("row %zu: %s", i, policy_right_name(rights->set, missing));
                if (!covered && missing != RIGHT_NONE)
                        assert_string_equal(policy_right_name(rights->set, missing),
                                            table[i].missing);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_way_is_shown),
                cmocka_unit_test(what_is_in_the_way_is_shown),
                cmocka_unit_test(ways_of_broken_roles_have_an_end),
                cmocka_unit_test(a_crowd_of_ways_is_counted_to_a_limit),
                cmocka_unit_test(the_weaker_is_covered_and_the_stronger_is_not),
                cmocka_unit_test(what_can_come_to_count_counts),
                cmocka_unit_test(the_actors_own_has_to_count_now),
                cmocka_unit_test(a_deny_without_an_end_makes_him_weaker),
                cmocka_unit_test(a_scope_covers_no_more_than_itself),
                cmocka_unit_test(what_cannot_be_told_is_roots),
                cmocka_unit_test(read_only_makes_both_weaker),
                cmocka_unit_test(nobody_grants_what_he_has_not),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
