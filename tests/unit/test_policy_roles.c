/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Roles: the built-in ones are those of docs/roles.md (FEATURES M.2; its argument) and amount to
 * the overview of M.1; what inheriting adds and takes away; what is wrong with one is told with the
 * way that leads there. */

#include <errno.h>
#include <stdio.h>

#include "tests/unit/rights_fixture.h"

static const char *page;

/* ---- the thirteen ---------------------------------------------------------------------------- */

static void words_add(Text *text, const char *before, const char *const *list) {
        for (size_t i = 0; list && list[i]; i++)
                base_text_addf(text, "%s`%s`", i == 0 ? before : " ", list[i]);
}

/* A row of the page: | role | inherits | permits | without | requires | further | */
static void row_make(const RoleSpec *spec, char *buf, size_t size) {
        Text text;

        base_text_init(&text, buf, size);
        base_text_addf(&text, "| **%s** |", spec->name);
        words_add(&text, " ", spec->inherit);
        base_text_add(&text, " |");
        words_add(&text, " ", spec->permit);
        base_text_add(&text, " |");
        words_add(&text, " ", spec->without);
        base_text_add(&text, " |");
        words_add(&text, " ", spec->require);
        base_text_addf(&text, " |%s%s |\n", spec->one_tenant ? " for one named tenant" : "",
                       spec->only_kind == HOLDER_SERVICE ? " kind `service` only" : "");
        assert_false(text.cut);
}

static void the_page_shows_the_thirteen(void **state) {
        FILE *file = fopen(page, "re");
        char line[1024], expected[1024];
        size_t count, found = 0;
        const RoleSpec *specs = policy_roles_built_in(&count);

        assert_non_null(file);
        while (fgets(line, sizeof(line), file)) {
                if (strncmp(line, "| **", 4) != 0)
                        continue;
                assert_true(found < count);
                row_make(&specs[found++], expected, sizeof(expected));
                assert_string_equal(line, expected);
        }
        assert_int_equal(found, count);
        fclose(file);
}

static void the_thirteen_are_whole_and_deny_nothing(void **state) {
        Rights rights;
        RightsFault fault;

        rights_make(&rights, NULL, 0);
        for (uint16_t i = 0; i < 13; i++) {
                if (policy_role_fault(rights.set, i, &fault) != 0)
                        fail_msg("%s", fault.text);
                assert_true(rights.specs[i].built_in);
                assert_null(rights.specs[i].deny);
                assert_int_equal(rights.specs[i].require != NULL,
                                 strcmp(rights.specs[i].name, "self-service") != 0);
        }
        assert_int_equal(policy_role_fault(rights.set, 13, &fault), RIGHTS_FAULT_NO_ROLE);
        rights_done(&rights);
}

/* FEATURES M.1.  "all", "-", "all -VERB", or what is had of the area; what has an area of its own
 * stands with it.  "own" is "-": it is self.*. */
static const struct {
        const char *areas, *cells[13];
} overview[] = {
        { "user",
          { "all", "all", "all",
            "view view.private edit lock unlock suspend disable password.reset factor.reset",
            "view view.private edit", "all -purge", "view view.private edit", "view edit",
            "view view.private unlock password.reset", "view", "view", "-", "view" } },
        { "group",
          { "all", "all", "all", "view", "view", "all", "view", "view", "view", "view", "view", "-",
            "view" } },
        { "role",
          { "all", "all", "all", "view", "view", "view grant revoke sudo.edit", "view", "view",
            "view", "-", "view", "-", "-" } },
        { "rule",
          { "all", "all", "all", "all", "view edit test", "all", "view", "view test", "view test",
            "-", "view", "-", "-" } },
        { "policy",
          { "all", "all", "all", "all", "view edit", "all", "view", "view", "view", "-", "view",
            "-", "-" } },
        { "session",
          { "all", "all", "all", "all", "view", "all", "view", "-", "view terminate message", "-",
            "view", "-", "-" } },
        { "device",
          { "all", "all", "all", "all", "view", "all", "view", "-", "view approve block", "-",
            "view", "-", "-" } },
        { "request",
          { "all", "all", "all", "all", "create view", "all", "create view", "create", "all",
            "create", "create view", "create", "-" } },
        { "review",
          { "all", "all", "all", "all", "all", "view", "all", "-", "view", "-", "view", "-",
            "-" } },
        { "audit",
          { "all", "all", "all", "all", "all", "view", "view", "-", "view", "-", "-", "-", "-" } },
        { "report",
          { "all", "all", "all", "all", "all", "all", "all", "view", "view", "view", "view", "-",
            "-" } },
        { "tenant",
          { "all", "all -delete", "view edit", "view", "view", "view", "view", "-", "view", "-",
            "view", "-", "-" } },
        { "host",
          { "all", "all", "view edit maintain", "view", "view", "all", "view", "view",
            "view edit maintain", "view", "view", "-", "view" } },
        { "config",
          { "all", "all", "-", "view", "view", "all", "view", "-", "view log.view", "-", "view",
            "-", "-" } },
        { "billing usage",
          { "all", "usage.view", "usage.view", "usage.view", "usage.view", "usage.view",
            "usage.view", "-", "usage.view", "-", "usage.view", "-", "-" } },
        { "asset",
          { "all", "all", "all", "view", "view", "all", "view", "view", "view create edit assign",
            "view create", "view", "-", "-" } },
        { "app",
          { "all", "all", "view policy.edit", "view policy.edit", "view policy.edit", "all", "view",
            "all", "view", "-", "view", "-", "-" } },
        { "lockdown breakglass notice event",
          { "all", "all", "lockdown.run notice.send", "lockdown.run notice.send", "-",
            "notice.send", "-", "-", "-", "-", "-", "-", "event.read" } },
        { "login self",
          { "all", "all", "all", "all", "all", "all", "all", "all", "all", "all", "all", "all",
            "-" } },
        { "sudo",
          { "all", "-", "-", "-", "-", "maintenance", "-", "-", "maintenance", "-", "-", "-",
            "-" } },
};

/* Is the word among the words of text? */
static bool has_word(const char *text, const char *word) {
        size_t len = strlen(word);

        for (const char *at = text; (at = strstr(at, word)); at += len)
                if ((at == text || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
                        return true;
        return false;
}

static bool cell_has(const char *cell, const char *name) {
        const char *verb = strchr(name, '.') + 1;
        char without[64];

        snprintf(without, sizeof(without), "-%s", verb);
        if (has_word(cell, "all"))
                return !has_word(cell, without);
        return has_word(cell, verb) || has_word(cell, name);
}

static void the_overview_holds(void **state) {
        static const char *const open[] = { "login.sshd", "login.whatever", "sudo.backup",
                                            "sudo.maintenance", "sudo.all" };
        Rights rights;
        size_t judged = 0;

        rights_make(&rights, NULL, 0);
        for (size_t i = 0; i < _PERMISSION_MAX + ARRAY_LENGTH(open); i++) {
                const char *name = i < _PERMISSION_MAX ? policy_permission_info((Permission)i)->name
                                                       : open[i - _PERMISSION_MAX];
                char area[40];

                snprintf(area, sizeof(area), "%.*s", (int)strcspn(name, "."), name);
                for (size_t row = 0; row < ARRAY_LENGTH(overview); row++)
                        for (size_t r = 0; r < 13 && has_word(overview[row].areas, area); r++) {
                                bool due = cell_has(overview[row].cells[r], name);

                                judged++;
                                if (role_has(&rights, rights.specs[r].name, name) != due)
                                        fail_msg("%s: %s", rights.specs[r].name, name);
                        }
        }
        assert_int_equal(judged, 13 * (_PERMISSION_MAX + ARRAY_LENGTH(open)));
        rights_done(&rights);
}

static void what_a_built_in_demands(void **state) {
        static const char *const second[] = { "owner", "admin", "tenant-admin", "security",
                                              "it-admin" };
        Rights rights;

        rights_make(&rights, NULL, 0);
        for (uint16_t i = 0; i < 13; i++) {
                bool due = false;

                for (size_t k = 0; k < ARRAY_LENGTH(second); k++)
                        due = due || strcmp(second[k], rights.specs[i].name) == 0;
                assert_int_equal(policy_role_needs_second_factor(rights.set, i), due);
        }
        rights_done(&rights);
}

/* ---- what roles are together ----------------------------------------------------------------- */

static void without_leaves_out_of_this_role_alone(void **state) {
        const RoleSpec own[] = {
                { .name = "narrow",
                  .inherit = LIST("technician"),
                  .permit = LIST("billing.*"),
                  .without = LIST("user.password.*", "billing.edit") },
                { .name = "wide", .inherit = LIST("narrow", "technician") },
                { .name = "again", .inherit = LIST("narrow"), .permit = LIST("billing.edit") },
        };
        Rights rights;

        rights_make(&rights, own, ARRAY_LENGTH(own));
        assert_false(role_has(&rights, "narrow", "user.password.reset"));
        assert_false(role_has(&rights, "narrow", "billing.edit"));
        assert_true(role_has(&rights, "narrow", "billing.view"));
        assert_true(role_has(&rights, "narrow", "user.unlock"));
        assert_true(role_has(&rights, "wide", "user.password.reset"));
        assert_true(role_has(&rights, "again", "billing.edit"));
        assert_false(role_has(&rights, "again", "user.password.reset"));
        assert_true(policy_role_includes(rights.set, role_at(&rights, "wide"),
                                         role_at(&rights, "self-service")));
        assert_false(policy_role_includes(rights.set, role_at(&rights, "self-service"),
                                          role_at(&rights, "wide")));
        rights_done(&rights);
}

/* M.4 rule 2 */
static void a_star_is_as_wide_as_it_says(void **state) {
        static const PermissionInfo crm_permissions[] = {
                { "crm.view", PERMISSION_CATEGORY_DATA, true, "" },
                { "crm.customer.edit", PERMISSION_CATEGORY_DATA, false, "" },
        };
        static const PermissionArea crm = { "crm", crm_permissions, 2 };
        const RoleSpec own[] = {
                { .name = "all", .permit = LIST("*") },
                { .name = "views", .permit = LIST("*.view") },
                { .name = "end", .permit = LIST("user.*") },
                { .name = "middle", .permit = LIST("*.*.edit") },
                { .name = "names", .permit = LIST("sudo.view", "login.view") },
                { .name = "crm", .permit = LIST("crm.*") },
        };
        static const struct {
                const char *role, *right;
                bool due;
        } table[] = {
                { "all", "user.view.private", true },
                { "all", "crm.customer.edit", true },
                { "all", "login.sshd", true },
                { "all", "login.view", true },
                { "all", "sudo.view", false },
                { "all", "sudo.all", false },
                { "all", "sudo.other", false },
                { "views", "user.view", true },
                { "views", "crm.view", true },
                { "views", "session.record.view", false },
                { "views", "user.view.private", false },
                { "views", "sudo.view", false },
                { "views", "login.view", false },
                { "end", "user.view", true },
                { "end", "user.view.private", true },
                { "end", "group.view", false },
                { "middle", "role.sudo.edit", true },
                { "middle", "crm.customer.edit", true },
                { "middle", "user.edit", false },
                { "names", "sudo.view", true },
                { "crm", "crm.view", true },
                { "crm", "user.view", false },
        };
        Rights rights;

        rights_make_areas(&rights, own, ARRAY_LENGTH(own), &crm, 1);
        for (size_t i = 0; i < ARRAY_LENGTH(table); i++)
                if (role_has(&rights, table[i].role, table[i].right) != table[i].due)
                        fail_msg("%s: %s", table[i].role, table[i].right);
        rights_done(&rights);
}

/* Every command is more than any one group: it goes with each group that is taken away. */
static void sudo_all_goes_with_any_group(void **state) {
        const RoleSpec own[] = {
                { .name = "root-like", .permit = LIST("sudo.all") },
                { .name = "star", .permit = LIST("sudo.*") },
                { .name = "less", .permit = LIST("sudo.all"), .without = LIST("sudo.backup") },
                { .name = "under", .inherit = LIST("root-like"), .without = LIST("sudo.backup") },
                { .name = "none", .permit = LIST("sudo.backup"), .without = LIST("sudo.all") },
                { .name = "one", .permit = LIST("sudo.backup") },
                { .name = "no-sudo", .permit = LIST("user.view"), .deny = LIST("sudo.*") },
        };
        static const struct {
                const char *role;
                bool all, backup, web, other;
        } table[] = {
                { "root-like", true, true, true, true }, { "star", true, true, true, true },
                { "less", false, false, true, true },    { "under", false, false, true, true },
                { "none", false, false, false, false },  { "one", false, true, false, false },
        };
        Rights rights;

        rights_make(&rights, own, ARRAY_LENGTH(own));
        for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
                assert_int_equal(role_has(&rights, table[i].role, "sudo.all"), table[i].all);
                assert_int_equal(role_has(&rights, table[i].role, "sudo.backup"), table[i].backup);
                assert_int_equal(role_has(&rights, table[i].role, "sudo.web"), table[i].web);
                assert_int_equal(role_has(&rights, table[i].role, "sudo.other"), table[i].other);
        }
        assert_true(policy_role_denies(rights.set, role_at(&rights, "no-sudo"),
                                       policy_right_from_name(rights.set, "sudo.unheard-of")));
        rights_done(&rights);
}

static void a_right_has_one_number(void **state) {
        const RoleSpec own[] = { { .name = "a",
                                   .permit = LIST("login.sshd", "sudo.web"),
                                   .deny = LIST("login.sshd") } };
        static const char *const none[] = {
                "",       "user",   "user.*",   "*",        "login.*",
                "sudo.*", "login.", "sudo.Web", "crm.view", "login.a/b"
        };
        Rights rights;
        uint16_t other;

        rights_make(&rights, own, 1);
        for (Permission p = 0; p < _PERMISSION_MAX; p++)
                assert_int_equal(policy_right_from_name(rights.set,
                                                        policy_permission_info(p)->name),
                                 p);
        for (size_t i = 0; i < ARRAY_LENGTH(none); i++)
                assert_int_equal(policy_right_from_name(rights.set, none[i]), RIGHT_NONE);
        other = policy_right_from_name(rights.set, "login.cron");
        assert_int_equal(policy_right_from_name(rights.set, "login.su"), other);
        assert_string_equal(policy_right_name(rights.set, other), "login.*");
        assert_int_not_equal(policy_right_from_name(rights.set, "login.sshd"), other);
        assert_string_equal(policy_right_name(rights.set,
                                              policy_right_from_name(rights.set, "sudo.nope")),
                            "sudo.*");
        /* all, um's, two that share, sudo.all, and maintenance, login.sshd, sudo.web once each */
        assert_int_equal(policy_right_count(rights.set), _PERMISSION_MAX + 3 + 3);
        assert_string_equal(policy_right_name(rights.set, RIGHT_NONE), "invalid");
        assert_string_equal(policy_role_name(rights.set, ROLE_NONE), "invalid");
        rights_done(&rights);
}

/* ---- what is wrong with one ------------------------------------------------------------------ */

static void a_fault_names_the_role_and_the_way(void **state) {
        static const char *const many[ROLE_INHERIT_MAX + 2] = {
                "owner", "owner", "owner", "owner", "owner", "owner", "owner", "owner", "owner",
                "owner", "owner", "owner", "owner", "owner", "owner", "owner", "owner", "owner",
                "owner", "owner", "owner", "owner", "owner", "owner", "owner", "owner", "owner",
                "owner", "owner", "owner", "owner", "owner", "owner",
        };
        const RoleSpec own[] = {
                { .name = "self-loop", .inherit = LIST("self-loop") },
                { .name = "a", .inherit = LIST("viewer", "b") },
                { .name = "b", .inherit = LIST("c") },
                { .name = "c", .inherit = LIST("member", "a") },
                { .name = "into", .inherit = LIST("member", "b") },
                { .name = "d0", .permit = LIST("user.view") },
                { .name = "payer", .conflict = LIST("approver") },
                { .name = "approver" },
                { .name = "boss", .inherit = LIST("approver") },
                { .name = "both", .inherit = LIST("viewer", "payer", "boss") },
                { .name = "orphan", .inherit = LIST("nobody") },
                { .name = "enemy", .conflict = LIST("nobody") },
                { .name = "own-enemy", .conflict = LIST("own-enemy") },
                { .name = "member" },
                { .name = "Bad" },
                { .name = ".hidden" },
                { .name = "a123456789b123456789c123456789d123456789e123456789f123456789g1234" },
                { .name = "a123456789b123456789c123456789d123456789e123456789f123456789g123" },
                { .name = "typo", .permit = LIST("user.view", "user.edt") },
                { .name = "form", .deny = LIST("user.") },
                { .name = "wants", .require = LIST("mail") },
                { .name = "wants-attr", .require = LIST("attr:") },
                { .name = "kind", .only_kind = _HOLDER_KIND_MAX },
                { .name = "many", .inherit = many },
                { .name = "good",
                  .inherit = LIST("technician"),
                  .permit = LIST("report.*"),
                  .without = LIST("audit.view"),
                  .deny = LIST("user.password.*"),
                  .require = LIST("email", "second-factor", "attr:cert.prod-access"),
                  .conflict = LIST("payer") },
        };
        static const struct {
                RightsFaultKind fault;
                const char *text;
        } table[] = {
                { RIGHTS_FAULT_LOOP, "\"self-loop\": inherits in a loop: self-loop > self-loop" },
                { RIGHTS_FAULT_LOOP, "\"a\": inherits in a loop: a > b > c > a" },
                { RIGHTS_FAULT_LOOP, "\"b\": inherits in a loop: b > c > a > b" },
                { RIGHTS_FAULT_LOOP, "\"c\": inherits in a loop: c > a > b > c" },
                { RIGHTS_FAULT_LOOP, "\"into\": inherits in a loop: into > b > c > a > b" },
                { 0, NULL },
                { 0, NULL },
                { 0, NULL },
                { 0, NULL },
                { RIGHTS_FAULT_CONFLICT,
                  "\"both\": has both payer and approver, which conflict: both > payer, both > "
                  "boss > approver" },
                { RIGHTS_FAULT_NO_ROLE, "\"nobody\": no such role, in inherit" },
                { RIGHTS_FAULT_NO_ROLE, "\"nobody\": no such role, in conflict" },
                { RIGHTS_FAULT_FORM, "conflict: \"own-enemy\": conflicts with itself" },
                { RIGHTS_FAULT_TAKEN, "\"member\": is another role's name" },
                { RIGHTS_FAULT_FORM, "\"Bad\": a role's name is a-z, 0-9, ., _ and -, at most 64" },
                { RIGHTS_FAULT_FORM, "\".hidden\": a role's name is" },
                { RIGHTS_FAULT_FORM, "\"a123456789b" },
                { 0, NULL },
                { RIGHTS_FAULT_UNKNOWN,
                  "permit: \"user.edt\": no such permission; near: user.edit" },
                { RIGHTS_FAULT_FORM, "deny: \"user.\": expected AREA.OBJECT.VERB" },
                { RIGHTS_FAULT_FORM,
                  "require: \"mail\": expected email, second-factor or attr:NAME" },
                { RIGHTS_FAULT_FORM, "require: \"attr:\": expected email" },
                { RIGHTS_FAULT_FORM, "\"kind\": is for no kind of user" },
                { RIGHTS_FAULT_TOO_MANY, "inherit: \"many\": names too many roles" },
                { 0, NULL },
        };
        RightsFault fault;
        Rights rights;

        assert_int_equal(ARRAY_LENGTH(own), ARRAY_LENGTH(table));
        rights_make(&rights, own, ARRAY_LENGTH(own));
        for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
                int r = policy_role_fault(rights.set, (uint16_t)(13 + i), &fault);

                if (r != (int)table[i].fault ||
                    (r != 0 && strncmp(fault.text, table[i].text, strlen(table[i].text)) != 0))
                        fail_msg("%s: %d, %s", own[i].name, r, fault.text);
        }
        rights_done(&rights);
}

/* A chain of n: each inherits the next. */
#define CHAIN_MAX 14U

static void chain_make(RoleSpec *specs, char (*names)[16], const char *(*inherit)[2],
                       size_t count) {
        static const char *const view[] = { "user.view", NULL }, *const lock[] = { "user.lock",
                                                                                   NULL };

        for (size_t i = 0; i < count; i++) {
                snprintf(names[i], sizeof(names[i]), "n%zu", i);
                inherit[i][0] = i + 1 < count ? names[i + 1] : NULL;
                inherit[i][1] = NULL;
                specs[i] = (RoleSpec){ .name = names[i], .inherit = inherit[i] };
        }
        specs[count - 1].permit = view;
        specs[count - 1].deny = lock;
}

static void ten_deep_is_the_limit(void **state) {
        RoleSpec specs[CHAIN_MAX];
        char names[CHAIN_MAX][16];
        const char *inherit[CHAIN_MAX][2];
        RightsFault fault;
        Rights rights;

        chain_make(specs, names, inherit, 12);
        rights_make(&rights, specs, 12);
        assert_int_equal(policy_role_fault(rights.set, role_at(&rights, "n1"), &fault), 0);
        assert_true(role_has(&rights, "n1", "user.view"));
        assert_int_equal(policy_role_fault(rights.set, role_at(&rights, "n0"), &fault),
                         RIGHTS_FAULT_DEPTH);
        assert_string_equal(fault.text, "\"n0\": inherits more than 10 deep: n0 > n1 > n2 > n3 > "
                                        "n4 > n5 > n6 > n7 > n8 > n9 > n10 > n11");
        assert_false(role_has(&rights, "n0", "user.view"));
        assert_true(policy_role_denies(rights.set, role_at(&rights, "n0"), PERMISSION_USER_LOCK));
        rights_done(&rights);
}

static void what_cannot_be_resolved_permits_nothing_and_its_denies_hold(void **state) {
        const RoleSpec own[] = {
                { .name = "a", .inherit = LIST("b"), .permit = LIST("user.*") },
                { .name = "b", .inherit = LIST("a", "d"), .deny = LIST("user.lock") },
                { .name = "over", .inherit = LIST("a"), .permit = LIST("user.view") },
                { .name = "d", .permit = LIST("group.*"), .deny = LIST("group.edit") },
                { .name = "unreadable", .permit = LIST("user.view"), .deny = LIST("user.") },
                { .name = "heir", .inherit = LIST("unreadable"), .permit = LIST("group.view") },
                { .name = "gone", .inherit = LIST("nobody"), .permit = LIST("user.view") },
                { .name = "left", .permit = LIST("user.*"), .without = LIST("user.") },
                { .name = "former", .permit = LIST("crm.*", "user.view"), .deny = LIST("crm.x") },
        };
        static const char *const loops[] = { "a", "b", "over" };
        Rights rights;

        rights_make(&rights, own, ARRAY_LENGTH(own));
        for (size_t i = 0; i < ARRAY_LENGTH(loops); i++) {
                uint16_t role = role_at(&rights, loops[i]);

                assert_false(role_has(&rights, loops[i], "user.view"));
                assert_false(role_has(&rights, loops[i], "group.view"));
                assert_true(policy_role_denies(rights.set, role, PERMISSION_USER_LOCK));
                assert_true(policy_role_denies(rights.set, role, PERMISSION_GROUP_EDIT));
                assert_false(policy_role_denies(rights.set, role, PERMISSION_USER_VIEW));
        }
        assert_true(role_has(&rights, "d", "group.view"));
        assert_false(role_has(&rights, "unreadable", "user.view"));
        for (uint16_t right = 0; right < policy_right_count(rights.set); right++) {
                assert_true(policy_role_denies(rights.set, role_at(&rights, "unreadable"), right));
                assert_true(policy_role_denies(rights.set, role_at(&rights, "heir"), right));
        }
        assert_true(role_has(&rights, "gone", "user.view"));
        assert_false(role_has(&rights, "left", "user.view"));
        assert_true(role_has(&rights, "former", "user.view"));
        rights_done(&rights);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void a_set_has_limits(void **state) {
        static const PermissionInfo permissions[PERMISSION_AREA_COUNT_MAX + 1];
        PermissionArea areas[RIGHTS_AREAS_MAX + 1];
        const RoleSpec role = { .name = "a" };
        uint64_t memory[64];
        size_t bytes = 4711;

        for (size_t i = 0; i < ARRAY_LENGTH(areas); i++)
                areas[i] = (PermissionArea){ "x", permissions, 1 };
        assert_int_equal(policy_roles_measure(&role, ROLES_MAX + 1, NULL, 0, &bytes), -E2BIG);
        assert_int_equal(policy_roles_measure(&role, 1, areas, ARRAY_LENGTH(areas), &bytes),
                         -E2BIG);
        for (size_t i = 0; i < 9; i++)
                areas[i].permission_count = PERMISSION_AREA_COUNT_MAX;
        assert_int_equal(policy_roles_measure(&role, 1, areas, 9, &bytes), -E2BIG);
        areas[0].permission_count++;
        assert_int_equal(policy_roles_measure(&role, 1, areas, 1, &bytes), -E2BIG);
        assert_int_equal(bytes, 4711);
        assert_int_equal(policy_roles_measure(&role, 1, NULL, 0, &bytes), 0);
        assert_true(bytes > sizeof(memory));
        assert_null(policy_roles_compile(&role, 1, NULL, 0, memory, sizeof(memory)));
        assert_null(policy_roles_compile(&role, 1, NULL, 0, NULL, bytes));
}

/* More services than can be told apart: who names one too many permits nothing. */
static void too_many_names_close_the_role_that_has_them(void **state) {
        static char texts[20][ROLE_PATTERNS_MAX][24];
        static const char *lists[20][ROLE_PATTERNS_MAX + 1];
        RoleSpec specs[20];
        RightsFault fault;
        Rights rights;
        char name[20][8];

        for (size_t i = 0; i < 20; i++) {
                for (size_t k = 0; k < ROLE_PATTERNS_MAX; k++) {
                        snprintf(texts[i][k], sizeof(texts[i][k]), "sudo.g%zu-%zu", i, k);
                        lists[i][k] = texts[i][k];
                }
                snprintf(name[i], sizeof(name[i]), "r%zu", i);
                specs[i] = (RoleSpec){ .name = name[i], .permit = lists[i] };
        }
        specs[19].permit = LIST("user.view");
        specs[19].deny = lists[19];
        rights_make(&rights, specs, 20);
        assert_int_equal(policy_right_count(rights.set), RIGHTS_NAMES_MAX);
        assert_true(role_has(&rights, "r0", "sudo.g0-0"));
        assert_false(role_has(&rights, "r18", "sudo.g18-0"));
        assert_false(role_has(&rights, "r18", "sudo.other"));
        assert_int_equal(policy_role_fault(rights.set, role_at(&rights, "r18"), &fault),
                         RIGHTS_FAULT_TOO_MANY);
        assert_true(policy_role_denies(rights.set, role_at(&rights, "r19"), PERMISSION_USER_VIEW));
        rights_done(&rights);
}

/* As many roles as there may be, each inheriting one far from it: all of them are one loop. */
static void thousands_in_a_loop_end(void **state) {
        static const char *const lock[] = { "user.lock", NULL };
        static const char *inherit[ROLES_MAX][2];
        static RoleSpec specs[ROLES_MAX];
        static char names[ROLES_MAX][8];
        RightsFault fault;
        size_t bytes;
        void *memory;
        RoleSet *set;

        for (size_t i = 0; i < ROLES_MAX; i++) {
                snprintf(names[i], sizeof(names[i]), "r%zu", i);
                inherit[i][0] = names[(i + ROLES_MAX / 2 + 1) % ROLES_MAX];
                specs[i] = (RoleSpec){ .name = names[i], .inherit = inherit[i] };
        }
        specs[77].deny = lock;
        assert_int_equal(policy_roles_measure(specs, ROLES_MAX, NULL, 0, &bytes), 0);
        assert_true(bytes < 16 << 20);
        memory = malloc(bytes);
        assert_non_null(memory);
        set = policy_roles_compile(specs, ROLES_MAX, NULL, 0, memory, bytes);
        assert_non_null(set);
        for (uint16_t i = 0; i < ROLES_MAX; i++)
                assert_true(policy_role_denies(set, i, PERMISSION_USER_LOCK));
        assert_int_equal(policy_role_fault(set, 0, &fault), RIGHTS_FAULT_LOOP);
        assert_true(strlen(fault.text) < sizeof(fault.text));
        free(memory);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_page_shows_the_thirteen),
                cmocka_unit_test(the_thirteen_are_whole_and_deny_nothing),
                cmocka_unit_test(the_overview_holds),
                cmocka_unit_test(what_a_built_in_demands),
                cmocka_unit_test(without_leaves_out_of_this_role_alone),
                cmocka_unit_test(a_star_is_as_wide_as_it_says),
                cmocka_unit_test(sudo_all_goes_with_any_group),
                cmocka_unit_test(a_right_has_one_number),
                cmocka_unit_test(a_fault_names_the_role_and_the_way),
                cmocka_unit_test(ten_deep_is_the_limit),
                cmocka_unit_test(what_cannot_be_resolved_permits_nothing_and_its_denies_hold),
                cmocka_unit_test(a_set_has_limits),
                cmocka_unit_test(too_many_names_close_the_role_that_has_them),
                cmocka_unit_test(thousands_in_a_loop_end),
        };

        if (argc != 2)
                return 2;
        page = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
