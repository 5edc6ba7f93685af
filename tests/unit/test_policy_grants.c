/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Grants: which count and why not, what they give together, when that changes, and roles that must
 * not meet. */

#include <stdio.h>

#include "tests/unit/rights_fixture.h"

static const RoleSpec own[] = {
        { .name = "plain", .permit = LIST("user.view", "login.*") },
        { .name = "careful", .permit = LIST("user.lock"), .require = LIST("email", "attr:cert.a") },
        { .name = "heir", .inherit = LIST("careful"), .permit = LIST("user.edit") },
        { .name = "no-view", .deny = LIST("*.view") },
        { .name = "heir-of-no", .inherit = LIST("no-view"), .permit = LIST("group.edit") },
        { .name = "people", .permit = LIST("user.view"), .only_kind = HOLDER_PERSON },
        { .name = "robot", .inherit = LIST("integration"), .permit = LIST("user.edit") },
        { .name = "nobodys", .inherit = LIST("integration", "people") },
        { .name = "branch", .inherit = LIST("tenant-admin") },
        { .name = "broken",
          .inherit = LIST("broken"),
          .permit = LIST("user.view"),
          .deny = LIST("user.view") },
        { .name = "payer", .conflict = LIST("approver") },
        { .name = "approver" },
        { .name = "boss", .inherit = LIST("approver") },
        { .name = "chief", .inherit = LIST("boss") },
        { .name = "both", .inherit = LIST("payer", "chief") },
        { .name = "sudoer", .permit = LIST("sudo.all") },
        { .name = "no-backup", .deny = LIST("sudo.backup") },
        { .name = "second", .inherit = LIST("admin") },
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

/* ---- which count ----------------------------------------------------------------------------- */

typedef struct StateCase {
        const char *name;
        const char *role;
        RightsGrant grant; /* but its role */
        RightsHolder holder;
        RightsPlace place;
        GrantState state;
} StateCase;

#define PERSON                                                                                     \
        { .kind = HOLDER_PERSON, .email = true }
#define SERVICE                                                                                    \
        { .kind = HOLDER_SERVICE, .email = true }
#define IN_ACME                                                                                    \
        { .tenant = "acme", .until_usec = USEC_INFINITY }
#define EVERYWHERE                                                                                 \
        { .all_tenants = true, .until_usec = USEC_INFINITY }
#define OVER_SALES                                                                                 \
        {                                                                                          \
                .tenant = "acme", .until_usec = USEC_INFINITY, .scope = GRANT_SCOPE_DEPARTMENT,    \
                .over = "sales"                                                                    \
        }
#define OVER_WEB                                                                                   \
        { .tenant = "acme", .until_usec = USEC_INFINITY, .scope = GRANT_SCOPE_GROUP, .over = "web" }
#define AT(...)                                                                                    \
        { .tenant = "acme", .now_usec = NOW, __VA_ARGS__ }

static const char *const group_sales[] = { "sales", NULL }, *const groups_web[] = { "ops", "web",
                                                                                    NULL };

static void a_grant_counts_or_says_why_not(void **state) {
        static const StateCase table[] = {
                { "plain", "plain", IN_ACME, PERSON, AT(), GRANT_COUNTS },
                { "for all", "plain", EVERYWHERE, PERSON, AT(), GRANT_COUNTS },
                { "of another tenant",
                  "plain",
                  { .tenant = "globex", .until_usec = USEC_INFINITY },
                  PERSON,
                  AT(),
                  GRANT_OTHER_TENANT },
                { "one tenant where all are meant",
                  "plain",
                  IN_ACME,
                  PERSON,
                  { .all_tenants = true, .now_usec = NOW },
                  GRANT_OTHER_TENANT },
                { "all where all are meant",
                  "plain",
                  EVERYWHERE,
                  PERSON,
                  { .all_tenants = true, .now_usec = NOW },
                  GRANT_COUNTS },
                { "the moment it begins",
                  "plain",
                  { .tenant = "acme", .from_usec = NOW, .until_usec = NOW + 1 },
                  PERSON,
                  AT(),
                  GRANT_COUNTS },
                { "a moment before",
                  "plain",
                  { .tenant = "acme", .from_usec = NOW + 1, .until_usec = USEC_INFINITY },
                  PERSON,
                  AT(),
                  GRANT_NOT_YET },
                { "the moment it ends",
                  "plain",
                  { .tenant = "acme", .until_usec = NOW },
                  PERSON,
                  AT(),
                  GRANT_EXPIRED },
                { "never running",
                  "plain",
                  { .tenant = "acme", .from_usec = NOW + 5, .until_usec = NOW },
                  PERSON,
                  AT(),
                  GRANT_EXPIRED },
                { "no address",
                  "technician",
                  IN_ACME,
                  { .kind = HOLDER_PERSON },
                  AT(),
                  GRANT_NEEDS_EMAIL },
                { "none needed",
                  "self-service",
                  IN_ACME,
                  { .kind = HOLDER_PERSON },
                  AT(),
                  GRANT_COUNTS },
                { "an inherited demand", "heir", IN_ACME, PERSON, AT(), GRANT_NEEDS_ATTRIBUTE },
                { "a service where people are meant", "people", IN_ACME, SERVICE, AT(),
                  GRANT_WRONG_KIND },
                { "people where a service is meant", "integration", IN_ACME, PERSON, AT(),
                  GRANT_WRONG_KIND },
                { "by inheriting", "robot", IN_ACME, PERSON, AT(), GRANT_WRONG_KIND },
                { "a service", "robot", IN_ACME, SERVICE, AT(), GRANT_COUNTS },
                { "for neither", "nobodys", IN_ACME, SERVICE, AT(), GRANT_WRONG_KIND },
                { "tenant-admin of all", "tenant-admin", EVERYWHERE, PERSON, AT(),
                  GRANT_ONE_TENANT_ONLY },
                { "by inheriting it", "branch", EVERYWHERE, PERSON, AT(), GRANT_ONE_TENANT_ONLY },
                { "of one", "tenant-admin", IN_ACME, PERSON, AT(), GRANT_COUNTS },
                { "broken", "broken", IN_ACME, PERSON, AT(), GRANT_BROKEN },
                { "broken and elsewhere",
                  "broken",
                  { .tenant = "globex", .until_usec = USEC_INFINITY },
                  PERSON,
                  AT(),
                  GRANT_OTHER_TENANT },
                { "no second factor is no matter here", "admin", IN_ACME, PERSON, AT(),
                  GRANT_COUNTS },
                { "no such role", NULL, IN_ACME, PERSON, AT(), GRANT_NO_ROLE },
                { "no kind", "plain", IN_ACME, { .email = true }, AT(), GRANT_INVALID },
                { "a kind that is none",
                  "plain",
                  IN_ACME,
                  { .kind = _HOLDER_KIND_MAX },
                  AT(),
                  GRANT_INVALID },
                { "no tenant",
                  "plain",
                  { .until_usec = USEC_INFINITY },
                  PERSON,
                  AT(),
                  GRANT_INVALID },
                { "no place", "plain", IN_ACME, PERSON, { .now_usec = NOW }, GRANT_INVALID },
                { "no such scope",
                  "plain",
                  { .tenant = "acme", .until_usec = USEC_INFINITY, .scope = _GRANT_SCOPE_MAX },
                  PERSON,
                  AT(),
                  GRANT_INVALID },
                { "a scope of nothing",
                  "plain",
                  { .tenant = "acme", .until_usec = USEC_INFINITY, .scope = GRANT_SCOPE_GROUP },
                  PERSON,
                  AT(),
                  GRANT_INVALID },
                { "no such question", "plain", IN_ACME, PERSON, AT(.over = _RIGHTS_OVER_MAX),
                  GRANT_INVALID },
                { "his department", "plain", OVER_SALES, PERSON,
                  AT(.over = RIGHTS_OVER_USER, .department = "sales"), GRANT_COUNTS },
                { "another's", "plain", OVER_SALES, PERSON,
                  AT(.over = RIGHTS_OVER_USER, .department = "it"), GRANT_OUT_OF_SCOPE },
                { "nobody's", "plain", OVER_SALES, PERSON, AT(.over = RIGHTS_OVER_USER),
                  GRANT_OUT_OF_SCOPE },
                { "a group of that name", "plain", OVER_SALES, PERSON,
                  AT(.over = RIGHTS_OVER_USER, .groups = group_sales), GRANT_OUT_OF_SCOPE },
                { "his group", "plain", OVER_WEB, PERSON,
                  AT(.over = RIGHTS_OVER_USER, .groups = groups_web), GRANT_COUNTS },
                { "a department of that name", "plain", OVER_WEB, PERSON,
                  AT(.over = RIGHTS_OVER_USER, .department = "web"), GRANT_OUT_OF_SCOPE },
                { "the tenant's things", "plain", OVER_SALES, PERSON, AT(), GRANT_OUT_OF_SCOPE },
                { "one's own", "plain", OVER_SALES, PERSON, AT(.over = RIGHTS_OVER_SELF),
                  GRANT_COUNTS },
                { "somebody", "plain", OVER_SALES, PERSON, AT(.over = RIGHTS_OVER_SOMEBODY),
                  GRANT_COUNTS },
        };
        const Rights *rights = *state;

        for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
                const StateCase *c = &table[i];
                RightsGrant grant = c->grant;
                GrantState found;

                grant.role = c->role ? role_at(rights, c->role) : ROLE_NONE;
                found = policy_grant_state(rights->set, &c->holder, &grant, &c->place, NULL);
                if (found != c->state)
                        fail_msg("%s: %s", c->name, policy_grant_state_name(found));
        }
}

static void an_attribute_counts_until_it_ends(void **state) {
        const Rights *rights = *state;
        RightsGrant *grant;
        const char *missing = "x";
        Person person;

        person_make(&person);
        grant = person_grant(&person, rights, "heir");
        assert_int_equal(policy_grant_state(rights->set, &person.holder, grant, &acme, &missing),
                         GRANT_NEEDS_ATTRIBUTE);
        assert_string_equal(missing, "cert.a");
        person.attributes[0] = (RightsAttribute){ "cert.b", USEC_INFINITY };
        person.attributes[1] = (RightsAttribute){ "cert.a", NOW + 1 };
        person.holder.attribute_count = 2;
        assert_int_equal(policy_grant_state(rights->set, &person.holder, grant, &acme, &missing),
                         GRANT_COUNTS);
        assert_null(missing);
        assert_int_equal(person_ask(&person, rights, &acme, "user.lock"), RIGHTS_HELD);
        person.attributes[1].until_usec = NOW;
        assert_int_equal(person_ask(&person, rights, &acme, "user.lock"), RIGHTS_MISSING);
        assert_int_equal(person_ask(&person, rights, &acme, "user.edit"), RIGHTS_MISSING);
}

/* The role that requires it is the last of more than a word of bits has room for. */
static void an_inherited_demand_is_found_among_many_roles(void **state) {
        RoleSpec many[OWN_ROLES_MAX];
        char names[OWN_ROLES_MAX][8];
        const size_t last = ARRAY_LENGTH(many) - 1;
        const char *missing;
        Rights rights;
        Person person;

        for (size_t i = 0; i < ARRAY_LENGTH(many); i++) {
                snprintf(names[i], sizeof(names[i]), "m%zu", i);
                many[i] = (RoleSpec){ .name = names[i] };
        }
        many[0].inherit = LIST("m63");
        many[last].require = LIST("attr:cert.last");
        rights_make(&rights, many, ARRAY_LENGTH(many));
        person_make(&person);
        person_grant(&person, &rights, "m0");
        assert_int_equal(policy_grant_state(rights.set, &person.holder, person.grants, &acme,
                                            &missing),
                         GRANT_NEEDS_ATTRIBUTE);
        assert_string_equal(missing, "cert.last");
        rights_done(&rights);
}

/* What nobody granted gives way while the other runs, whichever is first in the list and whether
 * the other counts; of two such ones both do. */
static void what_is_automatic_gives_way(void **state) {
        const RoleSpec clashing[] = {
                { .name = "approver", .permit = LIST("request.approve") },
                { .name = "lead", .inherit = LIST("approver") },
                { .name = "payer", .permit = LIST("billing.view"), .conflict = LIST("approver") },
        };
        RightsGrant *payer, *lead;
        Rights rights;
        Person person;

        rights_make(&rights, clashing, ARRAY_LENGTH(clashing));
        person_make(&person);
        lead = person_grant(&person, &rights, "lead");
        payer = person_grant(&person, &rights, "payer");
#define STATE(grant) policy_grant_state(rights.set, &person.holder, grant, &acme, NULL)
        assert_int_equal(STATE(payer), GRANT_COUNTS); /* granted, in spite of it */
        payer->automatic = true;
        assert_int_equal(STATE(payer), GRANT_CONFLICT);
        assert_int_equal(STATE(lead), GRANT_COUNTS);
        lead->automatic = true;
        assert_int_equal(STATE(payer), GRANT_CONFLICT);
        assert_int_equal(STATE(lead), GRANT_CONFLICT);
        lead->automatic = false;
        lead->until_usec = NOW; /* over */
        assert_int_equal(STATE(payer), GRANT_COUNTS);
        lead->until_usec = USEC_INFINITY;
        lead->from_usec = NOW + 1; /* not yet */
        assert_int_equal(STATE(payer), GRANT_COUNTS);
        lead->from_usec = NOW;
        lead->tenant = "globex"; /* they do not meet */
        assert_int_equal(STATE(payer), GRANT_COUNTS);
        lead->all_tenants = true;
        assert_int_equal(STATE(payer), GRANT_CONFLICT);
        person.holder.email = false; /* lead needs none */
        assert_int_equal(STATE(payer), GRANT_CONFLICT);
#undef STATE
        rights_done(&rights);
}

static void every_state_has_a_name(void **state) {
        for (GrantState s = 0; s < _GRANT_STATE_MAX; s++)
                for (GrantState other = 0; other < s; other++)
                        assert_string_not_equal(policy_grant_state_name(s),
                                                policy_grant_state_name(other));
        assert_string_equal(policy_grant_state_name(GRANT_COUNTS), "counts");
        assert_string_equal(policy_grant_state_name(_GRANT_STATE_MAX), "invalid");
}

/* ---- what they give together ----------------------------------------------------------------- */

static void a_deny_takes_from_all_roles_in_any_order(void **state) {
        static const char *const denies[] = { "no-view", "heir-of-no" };
        const Rights *rights = *state;

        for (size_t i = 0; i < 4; i++) {
                const char *deny = denies[i / 2];
                Person person;

                person_make(&person);
                person_grant(&person, rights, i % 2 ? deny : "owner");
                person_grant(&person, rights, i % 2 ? "owner" : deny);
                assert_int_equal(person_ask(&person, rights, &acme, "user.view"), RIGHTS_DENIED);
                assert_int_equal(person_ask(&person, rights, &acme, "user.view.private"),
                                 RIGHTS_HELD);
                assert_int_equal(person_ask(&person, rights, &acme, "user.edit"), RIGHTS_HELD);
        }
}

static void a_deny_holds_only_while_its_grant_counts(void **state) {
        const Rights *rights = *state;
        RightsGrant *deny;
        Person person;

        person_make(&person);
        person_grant(&person, rights, "plain");
        deny = person_grant(&person, rights, "no-view");
        assert_int_equal(person_ask(&person, rights, &acme, "user.view"), RIGHTS_DENIED);
        deny->until_usec = NOW;
        assert_int_equal(person_ask(&person, rights, &acme, "user.view"), RIGHTS_HELD);
        deny->until_usec = USEC_INFINITY;
        deny->tenant = "globex";
        assert_int_equal(person_ask(&person, rights, &acme, "user.view"), RIGHTS_HELD);
}

/* Facts that make no sense: denies hold and allows do not. */
static void what_cannot_be_judged_denies_and_permits_nothing(void **state) {
        const Rights *rights = *state;
        RightsGrant *grant;
        Person person;

        person_make(&person);
        person_grant(&person, rights, "plain");
        grant = person_grant(&person, rights, "no-view");
        grant->tenant = NULL;
        assert_int_equal(person_ask(&person, rights, &acme, "user.view"), RIGHTS_DENIED);
        assert_int_equal(person_ask(&person, rights, &acme, "login.sshd"), RIGHTS_HELD);
        grant->role = role_at(rights, "owner");
        assert_int_equal(person_ask(&person, rights, &acme, "user.edit"), RIGHTS_MISSING);
        *grant = person.grants[0];
        grant->role = role_at(rights, "broken");
        assert_int_equal(person_ask(&person, rights, &acme, "user.view"), RIGHTS_DENIED);
        grant->role = ROLE_NONE;
        assert_int_equal(person_ask(&person, rights, &acme, "user.view"), RIGHTS_HELD);
        person.holder.kind = HOLDER_INVALID;
        assert_int_equal(person_ask(&person, rights, &acme, "user.view"), RIGHTS_MISSING);
}

static void rights_in_one_tenant_give_none_in_another(void **state) {
        static const RightsPlace globex = { .tenant = "globex", .now_usec = NOW },
                                 initech = { .tenant = "initech", .now_usec = NOW };
        const Rights *rights = *state;
        Person bob;

        person_make(&bob);
        person_grant(&bob, rights, "technician");
        person_grant(&bob, rights, "viewer")->tenant = "globex";
        assert_int_equal(person_ask(&bob, rights, &acme, "user.password.reset"), RIGHTS_HELD);
        assert_int_equal(person_ask(&bob, rights, &globex, "user.password.reset"), RIGHTS_MISSING);
        assert_int_equal(person_ask(&bob, rights, &globex, "user.view"), RIGHTS_HELD);
        assert_int_equal(person_ask(&bob, rights, &initech, "login.sshd"), RIGHTS_MISSING);
}

static void root_has_all_that_there_is(void **state) {
        const RightsHolder root = { .root = true };
        const Rights *rights = *state;
        const RightsPlace nowhere = { 0 };

        for (uint16_t right = 0; right < policy_right_count(rights->set); right++)
                assert_int_equal(policy_rights_ask(rights->set, &root, &nowhere, right),
                                 RIGHTS_HELD);
        assert_int_equal(policy_rights_ask(rights->set, &root, &nowhere, RIGHT_NONE),
                         RIGHTS_UNKNOWN);
        assert_false(policy_rights_has(rights->set, &root, &nowhere, RIGHT_NONE));
}

static void a_zeroed_holder_has_nothing(void **state) {
        const RightsHolder nobody = { 0 };
        const Rights *rights = *state;

        for (uint16_t right = 0; right < policy_right_count(rights->set); right++)
                assert_int_equal(policy_rights_ask(rights->set, &nobody, &acme, right),
                                 RIGHTS_MISSING);
}

static void read_only_leaves_what_reads(void **state) {
        const Rights *rights = *state;
        Person robot;

        person_make(&robot);
        robot.holder.kind = HOLDER_SERVICE;
        robot.holder.read_only = true;
        person_grant(&robot, rights, "robot");
        person_grant(&robot, rights, "sudoer");
        assert_int_equal(person_ask(&robot, rights, &acme, "user.view"), RIGHTS_HELD);
        assert_int_equal(person_ask(&robot, rights, &acme, "event.read"), RIGHTS_HELD);
        assert_int_equal(person_ask(&robot, rights, &acme, "user.edit"), RIGHTS_READ_ONLY);
        assert_int_equal(person_ask(&robot, rights, &acme, "user.lock"), RIGHTS_MISSING);
        assert_int_equal(person_ask(&robot, rights, &acme, "sudo.web"), RIGHTS_READ_ONLY);
        robot.holder.read_only = false;
        assert_int_equal(person_ask(&robot, rights, &acme, "user.edit"), RIGHTS_HELD);
}

/* A group that is denied is in every command. */
static void a_denied_command_group_takes_sudo_all(void **state) {
        const Rights *rights = *state;
        Person person;

        person_make(&person);
        person_grant(&person, rights, "sudoer");
        assert_int_equal(person_ask(&person, rights, &acme, "sudo.all"), RIGHTS_HELD);
        person_grant(&person, rights, "no-backup");
        assert_int_equal(person_ask(&person, rights, &acme, "sudo.all"), RIGHTS_DENIED);
        assert_int_equal(person_ask(&person, rights, &acme, "sudo.backup"), RIGHTS_DENIED);
        assert_int_equal(person_ask(&person, rights, &acme, "sudo.web"), RIGHTS_HELD);
}

static void a_scope_narrows_both_ways(void **state) {
        static const RightsPlace sales = AT(.over = RIGHTS_OVER_USER, .department = "sales"),
                                 it = AT(.over = RIGHTS_OVER_USER, .department = "it"),
                                 self = AT(.over = RIGHTS_OVER_SELF),
                                 somebody = AT(.over = RIGHTS_OVER_SOMEBODY);
        const Rights *rights = *state;
        RightsGrant *deny;
        Person eve;

        person_make(&eve);
        *person_grant(&eve, rights, "plain") = (RightsGrant)OVER_SALES;
        eve.grants[0].role = role_at(rights, "plain");
        assert_int_equal(person_ask(&eve, rights, &sales, "user.view"), RIGHTS_HELD);
        assert_int_equal(person_ask(&eve, rights, &it, "user.view"), RIGHTS_MISSING);
        assert_int_equal(person_ask(&eve, rights, &acme, "user.view"), RIGHTS_MISSING);
        assert_int_equal(person_ask(&eve, rights, &self, "login.sshd"), RIGHTS_HELD);
        assert_int_equal(person_ask(&eve, rights, &somebody, "user.view"), RIGHTS_HELD);
        person_grant(&eve, rights, "plain");
        deny = person_grant(&eve, rights, "no-view");
        deny->scope = GRANT_SCOPE_DEPARTMENT;
        deny->over = "sales";
        assert_int_equal(person_ask(&eve, rights, &sales, "user.view"), RIGHTS_DENIED);
        assert_int_equal(person_ask(&eve, rights, &it, "user.view"), RIGHTS_HELD);
        assert_int_equal(person_ask(&eve, rights, &somebody, "user.view"), RIGHTS_HELD);
        deny->scope = GRANT_SCOPE_ALL;
        assert_int_equal(person_ask(&eve, rights, &somebody, "user.view"), RIGHTS_DENIED);
}

static void a_second_factor_is_demanded_by_a_grant_that_counts(void **state) {
        const Rights *rights = *state;
        RightsGrant *grant;
        Person person;

        person_make(&person);
        person_grant(&person, rights, "technician");
        assert_false(policy_rights_need_second_factor(rights->set, &person.holder, &acme));
        grant = person_grant(&person, rights, "second");
        assert_true(policy_rights_need_second_factor(rights->set, &person.holder, &acme));
        assert_int_equal(person_ask(&person, rights, &acme, "user.create"), RIGHTS_HELD);
        grant->until_usec = NOW;
        assert_false(policy_rights_need_second_factor(rights->set, &person.holder, &acme));
}

/* ---- over time ------------------------------------------------------------------------------- */

static void answers_change_when_a_span_begins_or_ends(void **state) {
        const Rights *rights = *state;
        Person person;

        person_make(&person);
        assert_int_equal(policy_grants_change(&person.holder, NOW), USEC_INFINITY);
        person_grant(&person, rights, "plain")->from_usec = NOW - HOUR;
        assert_int_equal(policy_grants_change(&person.holder, NOW), USEC_INFINITY);
        person_grant(&person, rights, "plain")->until_usec = NOW + 3 * HOUR;
        assert_int_equal(policy_grants_change(&person.holder, NOW), NOW + 3 * HOUR);
        person_grant(&person, rights, "plain")->from_usec = NOW + 2 * HOUR;
        assert_int_equal(policy_grants_change(&person.holder, NOW), NOW + 2 * HOUR);
        assert_int_equal(policy_grants_change(&person.holder, NOW + 2 * HOUR), NOW + 3 * HOUR);
        person.attributes[0] = (RightsAttribute){ "a", NOW + 1 };
        person.holder.attribute_count = 1;
        assert_int_equal(policy_grants_change(&person.holder, NOW), NOW + 1);
        assert_int_equal(policy_grants_change(&person.holder, NOW + 3 * HOUR), USEC_INFINITY);
}

/* ---- conflicts ------------------------------------------------------------------------------- */

static void roles_that_conflict_do_not_meet(void **state) {
        const Rights *rights = *state;
        RoleConflict conflict;
        RightsGrant grant;
        Person person;

        person_make(&person);
        person_grant(&person, rights, "plain");
        person_grant(&person, rights, "boss")->from_usec = NOW;
        grant = person.grants[0];
        grant.role = role_at(rights, "payer");
        assert_true(policy_grant_conflict(rights->set, &person.holder, &grant, &conflict));
        assert_int_equal(conflict.a.count, 1);
        assert_int_equal(conflict.a.roles[0], grant.role);
        assert_int_equal(conflict.b.count, 2);
        assert_int_equal(conflict.b.roles[0], role_at(rights, "boss"));
        assert_int_equal(conflict.b.roles[1], role_at(rights, "approver"));
        grant.until_usec = NOW; /* over before the other begins */
        assert_false(policy_grant_conflict(rights->set, &person.holder, &grant, &conflict));
        grant.until_usec = NOW + 1;
        assert_true(policy_grant_conflict(rights->set, &person.holder, &grant, &conflict));
        grant.tenant = "globex";
        assert_false(policy_grant_conflict(rights->set, &person.holder, &grant, &conflict));
        grant.all_tenants = true;
        assert_true(policy_grant_conflict(rights->set, &person.holder, &grant, &conflict));
}

static void a_role_may_conflict_with_itself_by_what_it_inherits(void **state) {
        const Rights *rights = *state;
        RoleConflict conflict;
        Person nobody;
        RightsGrant grant = { .role = role_at(rights, "both"),
                              .tenant = "acme",
                              .until_usec = USEC_INFINITY };

        person_make(&nobody);
        assert_true(policy_grant_conflict(rights->set, &nobody.holder, &grant, &conflict));
        assert_int_equal(conflict.a.count + conflict.b.count, 2 + 4);
        grant.role = role_at(rights, "chief");
        assert_false(policy_grant_conflict(rights->set, &nobody.holder, &grant, &conflict));
        grant.role = ROLE_NONE;
        assert_false(policy_grant_conflict(rights->set, &nobody.holder, &grant, &conflict));
}

static void a_conflict_holds_from_either_side(void **state) {
        const Rights *rights = *state;
        uint16_t payer = role_at(rights, "payer"), boss = role_at(rights, "boss");
        RoleConflict conflict;

        assert_true(policy_role_conflict(rights->set, payer, boss, &conflict));
        assert_true(policy_role_conflict(rights->set, boss, payer, &conflict));
        assert_int_equal(conflict.a.roles[0], boss);
        assert_true(policy_role_conflict(rights->set, role_at(rights, "chief"), payer, &conflict));
        assert_int_equal(conflict.a.count, 3);
        assert_true(policy_role_conflict(rights->set, payer, role_at(rights, "chief"), &conflict));
        assert_int_equal(conflict.b.roles[2], role_at(rights, "approver"));
        assert_false(policy_role_conflict(rights->set, payer, payer, &conflict));
        assert_false(policy_role_conflict(rights->set, payer, role_at(rights, "owner"), &conflict));
        assert_false(policy_role_conflict(rights->set, payer, ROLE_NONE, &conflict));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_grant_counts_or_says_why_not),
                cmocka_unit_test(an_attribute_counts_until_it_ends),
                cmocka_unit_test(an_inherited_demand_is_found_among_many_roles),
                cmocka_unit_test(what_is_automatic_gives_way),
                cmocka_unit_test(every_state_has_a_name),
                cmocka_unit_test(a_deny_takes_from_all_roles_in_any_order),
                cmocka_unit_test(a_deny_holds_only_while_its_grant_counts),
                cmocka_unit_test(what_cannot_be_judged_denies_and_permits_nothing),
                cmocka_unit_test(rights_in_one_tenant_give_none_in_another),
                cmocka_unit_test(root_has_all_that_there_is),
                cmocka_unit_test(a_zeroed_holder_has_nothing),
                cmocka_unit_test(read_only_leaves_what_reads),
                cmocka_unit_test(a_denied_command_group_takes_sudo_all),
                cmocka_unit_test(a_scope_narrows_both_ways),
                cmocka_unit_test(a_second_factor_is_demanded_by_a_grant_that_counts),
                cmocka_unit_test(answers_change_when_a_span_begins_or_ends),
                cmocka_unit_test(roles_that_conflict_do_not_meet),
                cmocka_unit_test(a_role_may_conflict_with_itself_by_what_it_inherits),
                cmocka_unit_test(a_conflict_holds_from_either_side),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
