/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What it takes to ask whether somebody has a permission, with 10, 100 and 1,000 roles of one's own
 * beside the built-in ones: by number, by name, and whether he covers another; and to compile the
 * roles, which is done once for each version of them.
 *
 *     bench_rights [--rounds N]
 *
 * Held against bsearch(3) of a permission's name among um's own, sorted: less than that nobody
 * needs who is asked with a name.  They take turns, and medians are compared. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "policy/policy.h"
#include "tests/bench/median.h"

#define ROUNDS_MAX 2000U
#define ASKED      2000U /* in one round, between two looks at the clock */
#define OWN_MAX    1000U
#define BUILT_IN   13U
#define LIST_MAX   16U
#define NOW        (1785574800 * USEC_PER_SEC)

static _Noreturn void die(const char *what) {
        fprintf(stderr, "bench_rights: %s\n", what);
        exit(1);
}

static double now_nsec(void) {
        struct timespec ts;

        if (clock_gettime(CLOCK_MONOTONIC, &ts) < 0)
                die("clock");
        return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* ---- roles ----------------------------------------------------------------------------------- */

typedef struct Set {
        RoleSpec specs[BUILT_IN + OWN_MAX];
        char names[OWN_MAX][16];
        const char *inherit[OWN_MAX][3];
        const char *permit[OWN_MAX][LIST_MAX + 1];
        const char *deny[OWN_MAX][2];
        size_t count, bytes;
        void *memory;
        RoleSet *set;
} Set;

static unsigned int seed = 7;

static size_t pick(size_t count) {
        return (size_t)rand_r(&seed) % count;
}

/* Each has sixteen patterns, one in four requires an attribute, and it inherits up to two: a
 * built-in one and the one before it, up to seven. */
static void own_make(Set *set, size_t at) {
        static const char *const stars[] = { "user.*",  "*.view",    "report.*", "sudo.web",
                                             "login.*", "session.*", "device.*", "sudo.backup" };
        static const char *const attribute[] = { "attr:cert.a", NULL };
        RoleSpec *spec = &set->specs[BUILT_IN + at];

        snprintf(set->names[at], sizeof(set->names[at]), "role-%zu", at);
        for (size_t i = 0; i < LIST_MAX; i++)
                set->permit[at][i] =
                        i < 2 ? stars[pick(ARRAY_LENGTH(stars))]
                              : policy_permission_info((Permission)pick(_PERMISSION_MAX))->name;
        set->inherit[at][0] = "member";
        if (at % 8 > 0)
                set->inherit[at][1] = set->names[at - 1];
        set->deny[at][0] = "billing.edit";
        *spec = (RoleSpec){ .name = set->names[at],
                            .inherit = set->inherit[at],
                            .permit = set->permit[at],
                            .deny = at % 20 == 5 ? set->deny[at] : NULL,
                            .require = at % 4 == 0 ? attribute : NULL };
}

static double set_compile(Set *set) {
        double began = now_nsec();

        set->set = policy_roles_compile(set->specs, set->count, NULL, 0, set->memory, set->bytes);
        if (!set->set)
                die("compile");
        return now_nsec() - began;
}

static Set *set_make(size_t own) {
        Set *set = calloc(1, sizeof(*set));
        RightsFault fault;
        size_t built_in;

        if (!set)
                die("memory");
        memcpy(set->specs, policy_roles_built_in(&built_in), BUILT_IN * sizeof(set->specs[0]));
        for (size_t i = 0; i < own; i++)
                own_make(set, i);
        set->count = BUILT_IN + own;
        if (policy_roles_measure(set->specs, set->count, NULL, 0, &set->bytes) < 0)
                die("measure");
        set->memory = malloc(set->bytes);
        if (!set->memory)
                die("memory");
        set_compile(set);
        for (uint16_t i = 0; i < set->count; i++)
                if (policy_role_fault(set->set, i, &fault) != 0)
                        die(fault.text);
        return set;
}

/* ---- people ---------------------------------------------------------------------------------- */

#define GRANTS 4U

typedef struct Person {
        RightsGrant grants[GRANTS];
        RightsHolder holder;
} Person;

static void person_make(Person *person, const Set *set, size_t grant_count) {
        static const char *const tenants[] = { "acme", "acme", "globex", "acme" };
        static const RightsAttribute attribute = { "cert.a", USEC_INFINITY };

        *person = (Person){ .holder = { .kind = HOLDER_PERSON,
                                        .email = true,
                                        .attributes = &attribute,
                                        .attribute_count = 1 } };
        for (size_t i = 0; i < grant_count; i++)
                person->grants[i] = (RightsGrant){
                        .role = (uint16_t)(set->count > BUILT_IN
                                                   ? BUILT_IN + pick(set->count - BUILT_IN)
                                                   : pick(BUILT_IN)),
                        .tenant = tenants[i],
                        .until_usec = NOW + USEC_PER_SEC,
                };
        person->holder.grants = person->grants;
        person->holder.grant_count = grant_count;
}

/* ---- what is measured ------------------------------------------------------------------------ */

static const char *sorted[_PERMISSION_MAX];

static int name_order(const void *a, const void *b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static volatile size_t sink; /* what was found, so that it has to be looked for */

static double reference_ask(const uint16_t *asked) {
        double began = now_nsec();
        size_t found = 0;

        for (size_t i = 0; i < ASKED; i++) {
                const char *name = policy_permission_info((Permission)asked[i])->name;

                found += bsearch(&name, sorted, _PERMISSION_MAX, sizeof(sorted[0]), name_order) !=
                         NULL;
        }
        sink += found;
        return (now_nsec() - began) / ASKED;
}

static double rights_ask(const Set *set, const Person *person, const uint16_t *asked,
                         bool by_name) {
        const RightsPlace place = { .tenant = "acme", .now_usec = NOW };
        double began = now_nsec();
        size_t found = 0;

        for (size_t i = 0; i < ASKED; i++) {
                uint16_t right =
                        by_name ? policy_right_from_name(
                                          set->set,
                                          policy_permission_info((Permission)asked[i])->name)
                                : asked[i];

                found += policy_rights_has(set->set, &person->holder, &place, right);
        }
        sink += found;
        return (now_nsec() - began) / ASKED;
}

static double cover_ask(const Set *set, const Person *actor, const Person *target) {
        const RightsPlace place = { .tenant = "acme", .now_usec = NOW };
        double began = now_nsec();
        size_t found = 0;
        uint16_t missing;

        for (size_t i = 0; i < 20; i++)
                found += policy_rights_cover(set->set, &actor->holder, &target->holder, &place,
                                             &missing);
        sink += found;
        return (now_nsec() - began) / 20;
}

typedef enum Load { REFERENCE, ONE_GRANT, FOUR_GRANTS, BY_NAME, COVER, COMPILE, _LOAD_MAX } Load;

static const char *const load_names[_LOAD_MAX] = {
        [REFERENCE] = "bsearch(3) of a name", [ONE_GRANT] = "one grant",
        [FOUR_GRANTS] = "four grants",        [BY_NAME] = "four grants, by name",
        [COVER] = "covers himself",           [COMPILE] = "compile",
};

static void set_measure(size_t own, size_t rounds) {
        static double nsec[_LOAD_MAX][ROUNDS_MAX];
        double reference;
        Set *set = set_make(own);

        for (size_t round = 0; round < rounds; round++) {
                uint16_t asked[ASKED];
                Person one, four;

                person_make(&one, set, 1);
                person_make(&four, set, GRANTS);
                for (size_t i = 0; i < ASKED; i++)
                        asked[i] = (uint16_t)pick(_PERMISSION_MAX);
                nsec[REFERENCE][round] = reference_ask(asked);
                nsec[ONE_GRANT][round] = rights_ask(set, &one, asked, false);
                nsec[FOUR_GRANTS][round] = rights_ask(set, &four, asked, false);
                nsec[BY_NAME][round] = rights_ask(set, &four, asked, true);
                nsec[COVER][round] = cover_ask(set, &four, &four);
                nsec[COMPILE][round] =
                        round % 20 == 0 ? set_compile(set) : nsec[COMPILE][round - 1];
        }
        reference = median(nsec[REFERENCE], rounds);
        for (Load load = 0; load < _LOAD_MAX; load++) {
                double value = median(nsec[load], rounds);

                printf("%5zu roles  %-24s %12.1f ns  %10.2f x\n", own, load_names[load], value,
                       value / reference);
        }
        printf("%5zu roles  %-24s %12zu bytes\n", own, "memory, at most", set->bytes);
        free(set->memory);
        free(set);
}

int main(int argc, char **argv) {
        static const size_t owns[] = { 10, 100, 1000 };
        uint64_t rounds = 400;

        if (argc == 3 && strcmp(argv[1], "--rounds") == 0) {
                if (base_parse_u64(argv[2], 1, ROUNDS_MAX, &rounds) < 0)
                        die("--rounds: 1 to 2000");
        } else if (argc != 1)
                die("usage: bench_rights [--rounds N]");
        for (Permission p = 0; p < _PERMISSION_MAX; p++)
                sorted[p] = policy_permission_info(p)->name;
        qsort(sorted, _PERMISSION_MAX, sizeof(sorted[0]), name_order);
        for (size_t i = 0; i < ARRAY_LENGTH(owns); i++)
                set_measure(owns[i], rounds);
        return 0;
}
