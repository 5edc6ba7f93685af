/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What several roles set together (FEATURES P.6): random roles that inherit each other, with values
 * of their own, against a second evaluator that is slow and obvious; and what must hold whatever
 * the roles are.  UM_TEST_FULL=1: a million cases. */

#include <stdio.h>

#include "tests/unit/rights_fixture.h"

#define CASES      20000U
#define CASES_FULL 1000000U
#define ROLES      8U
#define GRANTED    3U

#define BUILT_IN 13U /* the first of our own behind them */

typedef struct World {
        unsigned int seed;
        RoleSpec specs[ROLES];
        char names[ROLES][8];
        const char *inherit[ROLES][ROLES + 1];
        PolicyRoleSettings settings[ROLES];
        size_t setting_count;
        uint16_t granted[GRANTED];
        size_t granted_count;
} World;

/* ---- a second evaluator ---------------------------------------------------------------------- */

/* P.7's column "stricter", by hand. */
static bool larger_is_stricter(PolicyValue value) {
        switch (value) {
        case POLICY_VALUE_PASSWORD_MIN_LENGTH:
        case POLICY_VALUE_PASSWORD_CLASSES:
        case POLICY_VALUE_PASSWORD_SIMILARITY:
        case POLICY_VALUE_PASSWORD_DICTIONARY:
        case POLICY_VALUE_PASSWORD_BREACHED:
        case POLICY_VALUE_PASSWORD_HISTORY:
        case POLICY_VALUE_PASSWORD_MIN_AGE:
        case POLICY_VALUE_PASSWORD_WARN:
        case POLICY_VALUE_LOCKOUT_WINDOW:
        case POLICY_VALUE_LOCKOUT_DURATION: /* "manual" is the largest number */
        case POLICY_VALUE_FACTOR_REQUIRED:  /* hardware > on > off */
        case POLICY_VALUE_CHANGE_REASON_REQUIRED:
        case POLICY_VALUE_CHANGE_TICKET_PATTERN: /* any over none */
                return true;
        case POLICY_VALUE_PASSWORD_MAX_AGE: /* no limit is the largest number */
        case POLICY_VALUE_PASSWORD_GRACE_LOGINS:
        case POLICY_VALUE_PASSWORD_RESET_BY_EMAIL: /* off */
        case POLICY_VALUE_LOCKOUT_ATTEMPTS:
        case POLICY_VALUE_LOCKOUT_SOURCE_ATTEMPTS:
        case POLICY_VALUE_LOCKOUT_SPARE_KNOWN: /* off */
        case POLICY_VALUE_FACTOR_ENROL_WITHIN:
        case POLICY_VALUE_FACTOR_GRACE:
        case POLICY_VALUE_SETUP_CODE_TTL:
        case POLICY_VALUE_FACTOR_METHODS:
        case POLICY_VALUE_KEY_TYPES:
        case _POLICY_VALUE_MAX:
                break;
        }
        return false;
}

static bool is_intersected(PolicyValue value) {
        return value == POLICY_VALUE_FACTOR_METHODS || value == POLICY_VALUE_KEY_TYPES;
}

typedef struct Maybe {
        bool set;
        uint64_t value;
} Maybe;

static Maybe both(PolicyValue value, Maybe a, Maybe b) {
        if (!a.set)
                return b;
        if (!b.set)
                return a;
        if (is_intersected(value))
                return (Maybe){ true, a.value & b.value };
        if (larger_is_stricter(value))
                return (Maybe){ true, a.value > b.value ? a.value : b.value };
        return (Maybe){ true, a.value < b.value ? a.value : b.value };
}

static Maybe reference_role(const World *w, PolicyValue value, const char *name) {
        Maybe together = { 0 };
        size_t at = 0;

        while (strcmp(w->names[at], name) != 0)
                at++;
        for (size_t i = 0; i < w->setting_count; i++)
                if (w->settings[i].role == BUILT_IN + at && w->settings[i].own.set[value])
                        return (Maybe){ true, w->settings[i].own.value[value] };
        for (size_t i = 0; w->inherit[at][i]; i++)
                together = both(value, together, reference_role(w, value, w->inherit[at][i]));
        return together;
}

static Maybe reference_of(const World *w, PolicyValue value) {
        Maybe together = { 0 };

        for (size_t i = 0; i < w->granted_count; i++)
                together = both(value, together,
                                reference_role(w, value, w->names[w->granted[i] - BUILT_IN]));
        return together;
}

/* ---- random worlds --------------------------------------------------------------------------- */

static size_t pick(World *w, size_t count) {
        return (size_t)rand_r(&w->seed) % count;
}

/* Whole words of each, so that what is left of two is one too. */
static uint64_t any_number(World *w, PolicyValue value) {
        static const uint64_t numbers[] = { 0, 1, 2, 3, 7 * HOUR, 30 * HOUR, UINT64_MAX };
        static const char *const types[] = { "none",      "ed25519",         "rsa>=2048,sk-*",
                                             "rsa>=4096", "ed25519,ecdsa",   "ecdsa-sha2-nistp384",
                                             "sk-*",      "rsa>=3072,ecdsa", "ed25519,rsa>=2048" };
        uint64_t number;

        if (value == POLICY_VALUE_KEY_TYPES) {
                assert_int_equal(policy_value_parse(value, types[pick(w, ARRAY_LENGTH(types))], 0,
                                                    &number),
                                 0);
                return number;
        }
        if (value == POLICY_VALUE_FACTOR_METHODS)
                return pick(w, 1U << _POLICY_METHOD_MAX);
        if (value == POLICY_VALUE_FACTOR_REQUIRED)
                return pick(w, _POLICY_REQUIRED_MAX);
        if (policy_value_is_text(value))
                return pick(w, 2);
        return numbers[pick(w, ARRAY_LENGTH(numbers))];
}

/* A role inherits only those behind it: there are no loops. */
static void world_make(World *w, unsigned int seed) {
        *w = (World){ .seed = seed };
        for (size_t i = 0; i < ROLES; i++) {
                size_t count = 0;

                snprintf(w->names[i], sizeof(w->names[i]), "r%zu", i);
                for (size_t k = i + 1; k < ROLES; k++)
                        if (pick(w, 3) == 0)
                                w->inherit[i][count++] = w->names[k];
                w->specs[i] = (RoleSpec){ .name = w->names[i], .inherit = w->inherit[i] };
        }
}

static void world_fill(World *w) {
        w->setting_count = w->granted_count = 0;
        for (uint16_t i = 0; i < ROLES; i++) {
                PolicyRoleSettings *settings = &w->settings[w->setting_count];

                if (pick(w, 2) == 0)
                        continue;
                *settings = (PolicyRoleSettings){ .role = (uint16_t)(BUILT_IN + i) };
                for (size_t k = 0; k < 6; k++) {
                        PolicyValue value = (PolicyValue)pick(w, _POLICY_VALUE_MAX);

                        settings->own.set[value] = true;
                        settings->own.value[value] = any_number(w, value);
                }
                w->setting_count++;
        }
        for (size_t i = 0; i < GRANTED; i++)
                if (pick(w, 4) > 0)
                        w->granted[w->granted_count++] = (uint16_t)(BUILT_IN + pick(w, ROLES));
}

static size_t check_world(const World *w, const Rights *rights) {
        PolicySettings together;
        size_t count = 0;

        policy_roles_resolve(rights->set, w->granted, w->granted_count, w->settings,
                             w->setting_count, &together);
        for (PolicyValue v = 0; v < _POLICY_VALUE_MAX; v++) {
                Maybe expected = reference_of(w, v);

                if (together.set[v] != expected.set ||
                    (expected.set && together.value[v] != expected.value))
                        fail_msg("seed %u: %s", w->seed, policy_value_name(v));
                count += expected.set;
        }
        return count;
}

static void both_evaluators_say_the_same(void **state) {
        size_t cases = getenv("UM_TEST_FULL") ? CASES_FULL : CASES, set = 0;
        Rights rights;
        World w;

        for (size_t i = 0; i < cases;) {
                world_make(&w, (unsigned int)i + 1);
                rights_make(&rights, w.specs, ROLES);
                for (size_t k = 0; k < 50 && i < cases; k++, i++) {
                        world_fill(&w);
                        set += check_world(&w, &rights);
                }
                rights_done(&rights);
        }
        assert_true(set > cases); /* there was something to say */
}

/* Another role that counts never makes a value looser, nor takes one away. */
static void another_role_never_makes_it_looser(void **state) {
        Rights rights;
        World w;

        world_make(&w, 7);
        rights_make(&rights, w.specs, ROLES);
        for (size_t i = 0; i < 2000; i++) {
                PolicySettings without, with;

                world_fill(&w);
                policy_roles_resolve(rights.set, w.granted, w.granted_count, w.settings,
                                     w.setting_count, &with);
                if (w.granted_count == 0)
                        continue;
                policy_roles_resolve(rights.set, w.granted, w.granted_count - 1, w.settings,
                                     w.setting_count, &without);
                for (PolicyValue v = 0; v < _POLICY_VALUE_MAX; v++)
                        if (without.set[v]) {
                                assert_true(with.set[v]);
                                assert_false(
                                        policy_value_looser(v, with.value[v], without.value[v]));
                        }
        }
        rights_done(&rights);
}

/* ---- one after the other --------------------------------------------------------------------- */

static void own_hides_inherited_and_the_strictest_wins(void **state) {
        const RoleSpec own[] = {
                { .name = "base" },
                { .name = "lead", .inherit = LIST("base") },
                { .name = "chief", .inherit = LIST("lead") },
                { .name = "ops", .inherit = LIST("base") },
        };
        const PolicyValue value = POLICY_VALUE_PASSWORD_MIN_LENGTH;
        PolicyRoleSettings settings[2] = { 0 };
        uint16_t found[4], roles[2];
        PolicySettings together;
        Rights rights;

        rights_make(&rights, own, ARRAY_LENGTH(own));
        settings[0].role = role_at(&rights, "base");
        settings[1].role = role_at(&rights, "lead");
        settings[0].own.set[value] = settings[1].own.set[value] = true;
        settings[0].own.value[value] = 20;
        settings[1].own.value[value] = 10;
        roles[0] = role_at(&rights, "chief");
        roles[1] = role_at(&rights, "ops");

        /* chief has lead's 10, which hides base's 20 */
        policy_roles_resolve(rights.set, roles, 1, settings, 2, &together);
        assert_int_equal(together.value[value], 10);
        assert_int_equal(policy_value_roles(value, rights.set, roles, 1, settings, 2, found, 4), 1);
        assert_int_equal(found[0], settings[1].role);
        /* and not on the way by ops */
        policy_roles_resolve(rights.set, roles, 2, settings, 2, &together);
        assert_int_equal(together.value[value], 20);
        assert_int_equal(policy_value_roles(value, rights.set, roles, 2, settings, 2, found, 1), 2);
        assert_int_equal(found[0], settings[0].role);
        /* no role: nothing */
        policy_roles_resolve(rights.set, roles, 0, settings, 2, &together);
        assert_false(together.set[value]);
        /* a role that is none is none */
        roles[0] = ROLE_NONE;
        policy_roles_resolve(rights.set, roles, 1, settings, 2, &together);
        assert_false(together.set[value]);
        rights_done(&rights);
}

static void lists_that_share_nothing_permit_nothing(void **state) {
        const RoleSpec own[] = { { .name = "a" }, { .name = "b" } };
        const PolicyValue value = POLICY_VALUE_FACTOR_METHODS;
        PolicyRoleSettings settings[2] = { 0 };
        PolicySettings together;
        uint16_t roles[2];
        Rights rights;

        rights_make(&rights, own, ARRAY_LENGTH(own));
        for (size_t i = 0; i < 2; i++) {
                roles[i] = settings[i].role = role_at(&rights, own[i].name);
                settings[i].own.set[value] = true;
        }
        settings[0].own.value[value] = 1U << POLICY_METHOD_TOTP;
        settings[1].own.value[value] = 1U << POLICY_METHOD_FIDO2;
        policy_roles_resolve(rights.set, roles, 2, settings, 2, &together);
        assert_true(together.set[value]);
        assert_int_equal(together.value[value], 0);
        rights_done(&rights);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(both_evaluators_say_the_same),
                cmocka_unit_test(another_role_never_makes_it_looser),
                cmocka_unit_test(own_hides_inherited_and_the_strictest_wins),
                cmocka_unit_test(lists_that_share_nothing_permit_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
