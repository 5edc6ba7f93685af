/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For tests of rights: the built-in roles and some of one's own, compiled. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

#define LIST(...)     ((const char *const[]){ __VA_ARGS__, NULL })
#define OWN_ROLES_MAX 64U
#define NOW           (1785574800 * USEC_PER_SEC)
#define HOUR          (3600 * USEC_PER_SEC)

typedef struct Rights {
        RoleSpec specs[13 + OWN_ROLES_MAX];
        void *memory;
        RoleSet *set;
} Rights;

static inline void rights_make_areas(Rights *rights, const RoleSpec *own, size_t own_count,
                                     const PermissionArea *areas, size_t area_count) {
        size_t built_in, bytes;
        const RoleSpec *specs = policy_roles_built_in(&built_in);

        assert_int_equal(built_in, 13);
        assert_true(own_count <= OWN_ROLES_MAX);
        memcpy(rights->specs, specs, built_in * sizeof(specs[0]));
        for (size_t i = 0; i < own_count; i++)
                rights->specs[built_in + i] = own[i];
        assert_int_equal(policy_roles_measure(rights->specs, built_in + own_count, areas,
                                              area_count, &bytes),
                         0);
        rights->memory = malloc(bytes);
        assert_non_null(rights->memory);
        memset(rights->memory, 0xA5, bytes);
        rights->set = policy_roles_compile(rights->specs, built_in + own_count, areas, area_count,
                                           rights->memory, bytes);
        assert_non_null(rights->set);
}

static inline void rights_make(Rights *rights, const RoleSpec *own, size_t own_count) {
        rights_make_areas(rights, own, own_count, NULL, 0);
}

static inline void rights_done(Rights *rights) {
        free(rights->memory);
}

static inline uint16_t role_at(const Rights *rights, const char *name) {
        uint16_t role = policy_role_from_name(rights->set, name);

        if (role == ROLE_NONE)
                fail_msg("there is no role %s", name);
        return role;
}

static inline bool role_has(const Rights *rights, const char *role, const char *right) {
        return policy_role_permits(rights->set, role_at(rights, role),
                                   policy_right_from_name(rights->set, right));
}

/* A person with an address, who holds these for acme without an end. */
#define GRANTS_MAX 8U

typedef struct Person {
        RightsGrant grants[GRANTS_MAX];
        RightsAttribute attributes[4];
        RightsHolder holder;
} Person;

static inline void person_make(Person *person) {
        *person = (Person){ .holder = { .kind = HOLDER_PERSON, .email = true } };
        person->holder.grants = person->grants;
        person->holder.attributes = person->attributes;
}

static inline RightsGrant *person_grant(Person *person, const Rights *rights, const char *role) {
        RightsGrant *grant = &person->grants[person->holder.grant_count++];

        assert_true(person->holder.grant_count <= GRANTS_MAX);
        *grant = (RightsGrant){ .role = role_at(rights, role),
                                .tenant = "acme",
                                .until_usec = USEC_INFINITY };
        return grant;
}

static const RightsPlace acme = { .tenant = "acme", .now_usec = NOW };

static inline RightsAnswer person_ask(const Person *person, const Rights *rights,
                                      const RightsPlace *place, const char *right) {
        return policy_rights_ask(rights->set, &person->holder, place,
                                 policy_right_from_name(rights->set, right));
}
