/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random roles, grants and questions: policy/ and the slow evaluator say the same; and what must
 * hold whatever the roles are.  Twenty thousand questions; UM_TEST_FULL=1: a million of each.
 */

#include <stdio.h>

#include "tests/unit/rights_fixture.h"
#include "tests/unit/rights_reference.h"

#define QUESTIONS      20000U
#define QUESTIONS_FULL 1000000U
#define ROLES          10U
#define LIST_MAX       5U
#define GRANTS         4U
#define PEOPLE         3U

/* ---- a world --------------------------------------------------------------------------------- */

static const PermissionInfo crm_permissions[] = {
        { "crm.view", PERMISSION_CATEGORY_DATA, true, "" },
        { "crm.customer.edit", PERMISSION_CATEGORY_DATA, false, "" },
        { "crm.customer.note.edit", PERMISSION_CATEGORY_DATA, false, "" },
};
static const PermissionArea crm = { "crm", crm_permissions, ARRAY_LENGTH(crm_permissions) };

static const char *const patterns[] = {
        "*",
        "user.*",
        "user.view",
        "user.view.*",
        "*.view",
        "*.*.edit",
        "*.customer.*",
        "user.lock",
        "user.password.reset",
        "user.*.reset",
        "role.grant",
        "self.*",
        "login.*",
        "login.sshd",
        "login.view",
        "sudo.*",
        "sudo.all",
        "sudo.web",
        "sudo.view",
        "sudo.backup",
        "crm.*",
        "crm.customer.*",
        "crm.view",
        "*.customer.note.*",
        "audit.view",
        "billing.*",
        "session.*",
        "user.view",
        "user.edit",
        "group.*",
        "asset.*.export",
        "user.gone",
};
static const char *const bad_patterns[] = { "user.", "sudo.*.x", "*.*", "login./", "User.view" };
static const char *const names[] = {
        "user.view",
        "user.view.private",
        "user.lock",
        "user.edit",
        "user.password.reset",
        "user.factor.reset",
        "role.grant",
        "role.sudo.edit",
        "self.key.edit",
        "login.sshd",
        "login.view",
        "login.cron",
        "sudo.all",
        "sudo.web",
        "sudo.view",
        "sudo.backup",
        "sudo.other",
        "crm.view",
        "crm.customer.edit",
        "crm.customer.note.edit",
        "audit.view",
        "billing.view",
        "billing.edit",
        "session.view",
        "session.record.view",
        "group.edit",
        "asset.report.export",
        "user.gone",
        "crm",
        "user.*",
        "sudo.",
        "login.*",
        "*",
        "",
        "sudo.UP",
};
static const char *const requirements[] = { "email", "second-factor", "attr:a", "attr:b" };
static const char *const tenants[] = { "acme", "globex" };
static const char *const places[] = { "sales", "it" };

typedef struct World {
        unsigned int seed;
        RoleSpec roles[ROLES];
        char role_names[ROLES][8];
        const char *lists[ROLES][6][LIST_MAX + 1];
        RightsGrant grants[PEOPLE][GRANTS];
        RightsAttribute attributes[PEOPLE][2];
        RightsHolder people[PEOPLE];
        void *memory;
        RoleSet *set;
} World;

static size_t pick(World *w, size_t count) {
        return (size_t)rand_r(&w->seed) % count;
}

static bool one_in(World *w, size_t count) {
        return pick(w, count) == 0;
}

static const char *const *list_make(World *w, size_t role, size_t which, const char *const *from,
                                    size_t count, size_t most) {
        const char **list = w->lists[role][which];
        size_t length = pick(w, most + 1);

        for (size_t i = 0; i < length; i++)
                list[i] = from[pick(w, count)];
        list[length] = NULL;
        return length > 0 ? list : NULL;
}

/* Mostly to roles that come later, so that not all of them are loops. */
static const char *const *inherit_make(World *w, size_t role) {
        const char **list = w->lists[role][3];
        size_t length = pick(w, 3);

        for (size_t i = 0; i < length; i++)
                list[i] = one_in(w, 20) ? "nobody"
                          : role + 1 == ROLES || one_in(w, 25)
                                  ? w->role_names[pick(w, ROLES)]
                                  : w->role_names[role + 1 + pick(w, ROLES - role - 1)];
        list[length] = NULL;
        return list;
}

/* With another than itself, which would be a fault. */
static const char *const *conflict_make(World *w, size_t role) {
        const char **list = w->lists[role][5];
        const char *other = w->role_names[pick(w, ROLES)];

        if (!one_in(w, 3) || strcmp(other, w->role_names[role]) == 0)
                return NULL;
        list[0] = other;
        list[1] = NULL;
        return list;
}

static void role_make(World *w, size_t at) {
        RoleSpec *role = &w->roles[at];

        *role = (RoleSpec){ .name = w->role_names[at] };
        role->permit = list_make(w, at, 0, patterns, ARRAY_LENGTH(patterns), LIST_MAX);
        role->without = list_make(w, at, 1, patterns + 1, ARRAY_LENGTH(patterns) - 1, 1);
        if (one_in(w, 3))
                role->deny = list_make(w, at, 2, patterns + 1, ARRAY_LENGTH(patterns) - 1, 2);
        role->inherit = inherit_make(w, at);
        if (one_in(w, 4))
                role->require = list_make(w, at, 4, requirements, ARRAY_LENGTH(requirements), 2);
        if (one_in(w, 60))
                w->lists[at][pick(w, 3)][0] = bad_patterns[pick(w, ARRAY_LENGTH(bad_patterns))];
        if (one_in(w, 15))
                role->only_kind = one_in(w, 2) ? HOLDER_PERSON : HOLDER_SERVICE;
        role->one_tenant = one_in(w, 15);
        role->conflict = conflict_make(w, at);
}

static void grant_make(World *w, RightsGrant *grant) {
        *grant = (RightsGrant){
                .role = one_in(w, 40) ? ROLE_NONE : (uint16_t)pick(w, ROLES),
                .all_tenants = one_in(w, 4),
                .tenant = one_in(w, 60) ? NULL : tenants[pick(w, 8) / 7],
                .from_usec = one_in(w, 6) ? NOW + pick(w, 3) - 1 : 0,
                .until_usec = one_in(w, 6) ? NOW + pick(w, 3) - 1 : USEC_INFINITY,
                .scope = one_in(w, 3) ? (GrantScope)pick(w, _GRANT_SCOPE_MAX) : GRANT_SCOPE_ALL,
                .over = places[pick(w, ARRAY_LENGTH(places))],
        };
        grant->automatic = one_in(w, 3);
        if (one_in(w, 80))
                grant->scope = _GRANT_SCOPE_MAX;
        if (one_in(w, 60))
                grant->over = NULL;
}

static void person_random(World *w, size_t at) {
        RightsHolder *holder = &w->people[at];

        *holder = (RightsHolder){
                .root = one_in(w, 40),
                .kind = one_in(w, 40) ? HOLDER_INVALID : (HolderKind)(1 + pick(w, 4) / 3),
                .read_only = one_in(w, 8),
                .email = !one_in(w, 5),
                .attributes = w->attributes[at],
                .attribute_count = pick(w, 3),
                .grants = w->grants[at],
                .grant_count = pick(w, GRANTS + 1),
        };
        for (size_t i = 0; i < holder->attribute_count; i++)
                w->attributes[at][i] =
                        (RightsAttribute){ one_in(w, 2) ? "a" : "b",
                                           one_in(w, 3) ? NOW + pick(w, 2) : USEC_INFINITY };
        for (size_t i = 0; i < holder->grant_count; i++)
                grant_make(w, &w->grants[at][i]);
}

static void world_compile(World *w) {
        size_t bytes;

        free(w->memory);
        assert_int_equal(policy_roles_measure(w->roles, ROLES, &crm, 1, &bytes), 0);
        w->memory = malloc(bytes);
        assert_non_null(w->memory);
        memset(w->memory, 0x5A, bytes);
        w->set = policy_roles_compile(w->roles, ROLES, &crm, 1, w->memory, bytes);
        assert_non_null(w->set);
}

static void world_make(World *w, unsigned int seed) {
        *w = (World){ .seed = seed };
        for (size_t i = 0; i < ROLES; i++)
                snprintf(w->role_names[i], sizeof(w->role_names[i]), "r%zu",
                         one_in(w, 40) ? pick(w, ROLES) : i);
        for (size_t i = 0; i < ROLES; i++)
                role_make(w, i);
        for (size_t i = 0; i < PEOPLE; i++)
                person_random(w, i);
        world_compile(w);
}

static void world_done(World *w) {
        free(w->memory);
}

static void place_make(World *w, RightsPlace *place, const char *groups[3]) {
        groups[0] = places[pick(w, 2)];
        groups[1] = one_in(w, 2) ? places[pick(w, 2)] : NULL;
        groups[2] = NULL;
        *place = (RightsPlace){ .tenant = one_in(w, 60) ? NULL : tenants[pick(w, 8) / 7],
                                .all_tenants = one_in(w, 10),
                                .now_usec = NOW,
                                .over = (RightsOver)pick(w, _RIGHTS_OVER_MAX),
                                .department = one_in(w, 3) ? NULL : places[pick(w, 2)],
                                .groups = one_in(w, 2) ? groups : NULL };
        if (one_in(w, 80))
                place->over = _RIGHTS_OVER_MAX;
}

static size_t questions(void) {
        return getenv("UM_TEST_FULL") ? QUESTIONS_FULL : QUESTIONS;
}

#define QUESTIONS_OF_A_WORLD 50U

/* ---- the two say the same -------------------------------------------------------------------- */

static void the_slow_evaluator_says_the_same(void **state) {
        size_t asked = 0, held = 0;

        for (unsigned int seed = 1; asked < questions(); seed++) {
                World w;

                world_make(&w, seed);
                for (size_t i = 0; i < QUESTIONS_OF_A_WORLD; i++, asked++) {
                        const Reference reference = { w.roles, ROLES, &crm, 1 };
                        const RightsHolder *holder = &w.people[pick(&w, PEOPLE)];
                        const char *name = names[pick(&w, ARRAY_LENGTH(names))], *groups[3];
                        RightsPlace place;
                        bool has, due;

                        place_make(&w, &place, groups);
                        has = policy_rights_has(w.set, holder, &place,
                                                policy_right_from_name(w.set, name));
                        due = reference_has(&reference, holder, &place, name);
                        if (has != due)
                                fail_msg("seed %u, question %zu: %s: %d", seed, i, name, has);
                        held += has;
                }
                world_done(&w);
        }
        assert_in_range(held, asked / 20, asked - asked / 4); /* both answers are common */
}

static void every_role_has_and_denies_the_same(void **state) {
        size_t asked = 0, permitted = 0, denied = 0;

        for (unsigned int seed = 7000000; asked < questions(); seed++) {
                World w;

                world_make(&w, seed);
                for (size_t i = 0; i < QUESTIONS_OF_A_WORLD; i++, asked++) {
                        const Reference reference = { w.roles, ROLES, &crm, 1 };
                        const char *name = names[pick(&w, ARRAY_LENGTH(names))];
                        uint16_t right = policy_right_from_name(w.set, name);
                        uint16_t role = (uint16_t)pick(&w, ROLES);
                        bool permits = policy_role_permits(w.set, role, right);
                        bool denies = policy_role_denies(w.set, role, right);

                        permitted += permits;
                        denied += denies;
                        if (permits != reference_permits(&reference, role, name) ||
                            (right != RIGHT_NONE &&
                             denies != reference_denies(&reference, role, name)))
                                fail_msg("seed %u: r%u %s: %d %d", seed, role, name, permits,
                                         denies);
                }
                world_done(&w);
        }
        assert_true(permitted > asked / 10 && denied > asked / 30);
}

/* ---- what must hold whatever the roles are --------------------------------------------------- */

typedef struct Answers {
        bool has[PEOPLE][ARRAY_LENGTH(names)];
} Answers;

static void answers_take(const World *w, const RightsPlace *place, Answers *ret) {
        for (size_t p = 0; p < PEOPLE; p++)
                for (size_t n = 0; n < ARRAY_LENGTH(names); n++)
                        ret->has[p][n] =
                                policy_rights_has(w->set, &w->people[p], place,
                                                  policy_right_from_name(w->set, names[n]));
}

typedef enum Change {
        CHANGE_PERMIT,  /* one more: nothing is taken away */
        CHANGE_DENY,    /* one more: nothing is added */
        CHANGE_WITHOUT, /* one more: nothing is added */
        CHANGE_REQUIRE, /* one more: what does not count adds nothing, and its denies go */
        CHANGE_ORDER,   /* of grants and roles: nothing changes */
        _CHANGE_MAX,
} Change;

static const char *const *one_more(World *w, size_t role, size_t which, const char *const *list,
                                   const char *more) {
        const char **target = w->lists[role][which];
        size_t count = 0;

        while (list && list[count] && count < LIST_MAX - 1)
                count++;
        if (list && list[count])
                return list; /* full */
        target[count] = more;
        target[count + 1] = NULL;
        return target;
}

/* Turns the order of roles and grants round; roles are known by number. */
static void order_turn(World *w) {
        for (size_t i = 0; i < ROLES / 2; i++) {
                RoleSpec spec = w->roles[i];

                w->roles[i] = w->roles[ROLES - 1 - i];
                w->roles[ROLES - 1 - i] = spec;
        }
        for (size_t p = 0; p < PEOPLE; p++) {
                RightsGrant turned[GRANTS];

                for (size_t i = 0; i < w->people[p].grant_count; i++) {
                        RightsGrant *grant = &turned[w->people[p].grant_count - 1 - i];

                        *grant = w->grants[p][i];
                        if (grant->role != ROLE_NONE)
                                grant->role = (uint16_t)(ROLES - 1 - grant->role);
                }
                memcpy(w->grants[p], turned, w->people[p].grant_count * sizeof(turned[0]));
        }
}

static bool names_are_different(const World *w) {
        for (size_t i = 0; i < ROLES; i++)
                for (size_t k = 0; k < i; k++)
                        if (strcmp(w->role_names[i], w->role_names[k]) == 0)
                                return false;
        return true;
}

static void change_make(World *w, Change change) {
        size_t at = pick(w, ROLES);
        const char *more = patterns[pick(w, ARRAY_LENGTH(patterns))];
        RoleSpec *role = &w->roles[at];

        switch (change) {
        case CHANGE_PERMIT:
                role->permit = one_more(w, at, 0, role->permit, more);
                return;
        case CHANGE_WITHOUT:
                role->without = one_more(w, at, 1, role->without, more);
                return;
        case CHANGE_DENY:
                role->deny = one_more(w, at, 2, role->deny, more);
                return;
        case CHANGE_REQUIRE:
                role->require = one_more(w, at, 4, role->require, "attr:nobody-has-it");
                return;
        case CHANGE_ORDER:
                order_turn(w);
                return;
        case _CHANGE_MAX:
                return;
        }
}

/* May the answer become that by this change? */
static bool change_permits(Change change, bool had, bool has) {
        switch (change) {
        case CHANGE_PERMIT:
                return has || !had;
        case CHANGE_WITHOUT:
        case CHANGE_DENY:
                return had || !has;
        case CHANGE_ORDER:
                return had == has;
        case CHANGE_REQUIRE:
        case _CHANGE_MAX:
                break;
        }
        return true;
}

static void a_change_goes_in_one_direction(void **state) {
        size_t asked = 0, changed[_CHANGE_MAX] = { 0 };

        for (unsigned int seed = 20000000; asked < questions(); seed++) {
                Change change = (Change)(seed % _CHANGE_MAX);
                Answers before, after;
                const char *groups[3];
                RightsPlace place;
                World w;

                world_make(&w, seed);
                place_make(&w, &place, groups);
                answers_take(&w, &place, &before);
                if (change == CHANGE_ORDER && !names_are_different(&w))
                        change = CHANGE_DENY;
                change_make(&w, change);
                world_compile(&w);
                answers_take(&w, &place, &after);
                for (size_t p = 0; p < PEOPLE; p++)
                        for (size_t n = 0; n < ARRAY_LENGTH(names); n++, asked++) {
                                bool had = before.has[p][n], has = after.has[p][n];

                                changed[change] += had != has;
                                if (!change_permits(change, had, has))
                                        fail_msg("seed %u, change %u: %s: %d", seed, change,
                                                 names[n], has);
                        }
                world_done(&w);
        }
        for (Change c = 0; c < _CHANGE_MAX; c++)
                assert_int_equal(changed[c] > 0, c != CHANGE_ORDER);
}

/* Whoever covers another can do all that he can, there and now. */
static void who_covers_another_has_all_that_he_has(void **state) {
        size_t asked = 0, covered = 0, strong = 0, groups_too = 0;

        for (unsigned int seed = 40000000; asked < questions(); seed++) {
                const char *groups[3];
                RightsPlace place;
                World w;
                const Reference reference = { w.roles, ROLES, &crm, 1 };

                world_make(&w, seed);
                place_make(&w, &place, groups);
                for (size_t a = 0; a < PEOPLE; a++)
                        for (size_t t = 0; t < PEOPLE; t++, asked++) {
                                const RightsHolder *actor = &w.people[a], *target = &w.people[t];
                                uint16_t missing;

                                if (!policy_rights_cover(w.set, actor, target, &place, &missing))
                                        continue;
                                covered++;
                                for (uint16_t n = 0; n < policy_right_count(w.set); n++) {
                                        bool has = policy_rights_has(w.set, target, &place, n);

                                        const char *name = policy_right_name(w.set, n);

                                        strong += has && a != t && !actor->root;
                                        if (!has || policy_rights_has(w.set, actor, &place, n))
                                                continue;
                                        groups_too++;
                                        if (!reference_matches(&reference, actor, &place, name))
                                                fail_msg("seed %u: %zu covers %zu and has no %s",
                                                         seed, a, t, name);
                                }
                        }
                world_done(&w);
        }
        assert_true(covered > asked / 20 && strong > 0 && groups_too > 0);
}

/* Ways are there if and only if the role has the right, and each ends where it is written. */
static void ways_lead_to_where_the_right_is(void **state) {
        size_t asked = 0, found = 0;

        for (unsigned int seed = 60000000; asked < questions() / 2; seed++) {
                World w;

                world_make(&w, seed);
                for (size_t p = 0; p < PEOPLE; p++)
                        for (size_t n = 0; n < ARRAY_LENGTH(names); n++, asked++) {
                                uint16_t right = policy_right_from_name(w.set, names[n]);
                                const RightsHolder *holder = &w.people[p];
                                bool denies = n % 2, any = false;
                                RightsPath paths[8];
                                size_t count = policy_rights_paths(w.set, holder, &acme, right,
                                                                   denies, paths, 8);

                                for (size_t i = 0; i < holder->grant_count; i++) {
                                        uint16_t role = holder->grants[i].role;

                                        any = any ||
                                              (denies ? policy_role_denies(w.set, role, right)
                                                      : policy_role_permits(w.set, role, right));
                                }
                                assert_int_equal(count > 0, any);
                                for (size_t i = 0; i < count && i < 8; i++, found++) {
                                        const RolePath *way = &paths[i].roles;
                                        uint16_t end = way->roles[way->count - 1];

                                        assert_int_equal(way->roles[0],
                                                         holder->grants[paths[i].grant].role);
                                        assert_true(
                                                policy_role_includes(w.set, way->roles[0], end));
                                        assert_true(
                                                denies ? policy_role_denies(w.set, end, right)
                                                       : policy_role_permits(w.set, end, right));
                                }
                        }
                world_done(&w);
        }
        assert_true(found > asked / 10);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_slow_evaluator_says_the_same),
                cmocka_unit_test(every_role_has_and_denies_the_same),
                cmocka_unit_test(a_change_goes_in_one_direction),
                cmocka_unit_test(who_covers_another_has_all_that_he_has),
                cmocka_unit_test(ways_lead_to_where_the_right_is),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
