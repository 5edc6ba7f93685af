/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Roles as they are written: the thirteen that are built in, word for word FEATURES M.2, and what
 * is wrong with the texts of one.  What roles are together is role_set.c's.
 *
 * The built-in ones are data and stand in no store, so nobody can change or delete them. */

#include <string.h>

#include "policy/internal.h"

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* All of them but self-service need an e-mail address (D20). */
#define EMAIL         LIST("email")
#define EMAIL_AND_2ND LIST("email", "second-factor")

/* clang-format off */
static const RoleSpec built_in[] = {
        { .name = "owner", .built_in = true, .require = EMAIL_AND_2ND,
          .permit = LIST("*", "sudo.all") },
        { .name = "admin", .built_in = true, .require = EMAIL_AND_2ND,
          .permit = LIST("*"),
          .without = LIST("billing.*", "usage.edit", "tenant.delete") },
        { .name = "tenant-admin", .built_in = true, .require = EMAIL_AND_2ND, .one_tenant = true,
          .permit = LIST("*"),
          .without = LIST("billing.*", "usage.edit", "tenant.create", "tenant.delete", "config.*",
                          "host.enrol", "breakglass.*", "app.register", "event.read") },
        { .name = "security", .built_in = true, .require = EMAIL_AND_2ND,
          .inherit = LIST("viewer"),
          .permit = LIST("user.view.private", "user.edit", "user.lock", "user.unlock", "user.suspend",
                         "user.disable", "user.password.reset", "user.factor.reset", "rule.*",
                         "policy.*", "session.*", "device.*", "request.approve", "review.*",
                         "audit.*", "report.*", "lockdown.run", "notice.send", "app.policy.edit") },
        { .name = "compliance", .built_in = true, .require = EMAIL,
          .inherit = LIST("viewer"),
          .permit = LIST("user.view.private", "user.edit", "rule.edit", "rule.test", "policy.edit",
                         "review.*", "audit.*", "report.*", "app.policy.edit") },
        { .name = "it-admin", .built_in = true, .require = EMAIL_AND_2ND,
          .inherit = LIST("technician"),
          .permit = LIST("user.*", "group.*", "role.grant", "role.revoke", "role.sudo.edit", "rule.*",
                         "policy.*", "session.*", "device.*", "request.*", "report.*", "host.*",
                         "config.*", "asset.*", "app.*", "notice.send"),
          .without = LIST("user.purge") },
        { .name = "governance", .built_in = true, .require = EMAIL,
          .inherit = LIST("viewer"),
          .permit = LIST("user.view.private", "user.edit", "review.*", "audit.view", "report.*") },
        { .name = "developer", .built_in = true, .require = EMAIL,
          .inherit = LIST("self-service"),
          .permit = LIST("user.view", "user.edit", "group.view", "role.view", "rule.view",
                         "rule.test", "policy.view", "app.*", "report.view", "host.view",
                         "asset.view") },
        { .name = "technician", .built_in = true, .require = EMAIL,
          .inherit = LIST("member", "viewer"),
          .permit = LIST("user.view.private", "user.unlock", "user.password.reset",
                         "session.terminate", "session.message", "device.approve", "device.block",
                         "request.approve", "rule.test", "audit.view", "host.edit", "host.maintain",
                         "asset.edit", "asset.assign", "config.log.view", "sudo.maintenance") },
        { .name = "member", .built_in = true, .require = EMAIL,
          .inherit = LIST("self-service"),
          .permit = LIST("user.view", "group.view", "host.view", "report.view", "asset.view",
                         "asset.create") },
        { .name = "viewer", .built_in = true, .require = EMAIL,
          .inherit = LIST("self-service"),
          .permit = LIST("*.view"),
          .without = LIST("audit.view", "billing.view") },
        { .name = "self-service", .built_in = true,
          .permit = LIST("self.*", "request.create", "login.*") },
        { .name = "integration", .built_in = true, .require = EMAIL, .only_kind = HOLDER_SERVICE,
          .permit = LIST("user.view", "group.view", "host.view", "event.read") },
};
/* clang-format on */

const RoleSpec *policy_roles_built_in(size_t *ret_count) {
        *ret_count = ARRAY_LENGTH(built_in);
        return built_in;
}

/* ---- what is wrong with one ------------------------------------------------------------------ */

size_t list_count(const char *const *list, size_t max) {
        size_t count = 0;

        while (list && count < max && list[count])
                count++;
        return count;
}

bool name_is_plain(const char *name) {
        size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-");

        return len > 0 && len <= ROLE_NAME_MAX && name[len] == '\0' && name[0] != '.' &&
               name[0] != '_' && name[0] != '-';
}

static int names_check(const char *const *list, size_t max, const char *role, RightsFault *fault) {
        if (list_count(list, max + 1) > max)
                return fault_set(fault, RIGHTS_FAULT_TOO_MANY, role, "names too many roles");
        for (size_t i = 0; list && list[i]; i++)
                if (!name_is_plain(list[i]))
                        return fault_set(fault, RIGHTS_FAULT_FORM, list[i], "no name of a role");
        return 0;
}

static int conflicts_check(const RoleSpec *spec, RightsFault *fault) {
        for (size_t i = 0; spec->conflict && spec->conflict[i]; i++)
                if (strcmp(spec->conflict[i], spec->name) == 0)
                        return fault_set(fault, RIGHTS_FAULT_FORM, spec->name,
                                         "conflicts with itself");
        return names_check(spec->conflict, ROLE_CONFLICT_MAX, spec->name, fault);
}

const char *requirement_attribute(const char *requirement) {
        return strncmp(requirement, "attr:", 5) == 0 ? requirement + 5 : NULL;
}

static int requirements_check(const RoleSpec *spec, RightsFault *fault) {
        if (list_count(spec->require, ROLE_REQUIRE_MAX + 1) > ROLE_REQUIRE_MAX)
                return fault_set(fault, RIGHTS_FAULT_TOO_MANY, spec->name, "requires too much");
        for (size_t i = 0; spec->require && spec->require[i]; i++) {
                const char *requirement = spec->require[i];
                const char *attribute = requirement_attribute(requirement);

                if (attribute ? !name_is_plain(attribute)
                              : strcmp(requirement, "email") != 0 &&
                                        strcmp(requirement, "second-factor") != 0)
                        return fault_set(fault, RIGHTS_FAULT_FORM, requirement,
                                         "expected email, second-factor or attr:NAME");
        }
        return 0;
}

/* A name that is none makes a list unreadable; one that is unknown covers nothing. */
static int patterns_check(const char *const *list, const RoleSpec *spec,
                          const PermissionArea *areas, size_t area_count, bool form_only,
                          RightsFault *fault) {
        if (list_count(list, ROLE_PATTERNS_MAX + 1) > ROLE_PATTERNS_MAX)
                return fault_set(fault, RIGHTS_FAULT_TOO_MANY, spec->name,
                                 "has more than 256 patterns in a list");
        for (size_t i = 0; list && list[i]; i++) {
                PatternKind kind;
                int r = form_only ? pattern_read(list[i], &kind, fault)
                                  : policy_pattern_check(list[i], areas, area_count, fault);

                if (r != 0)
                        return r;
        }
        return 0;
}

/* The option a fault is in, before what it says. */
static int in_option(int outcome, const char *option, RightsFault *fault) {
        char text[RIGHTS_FAULT_TEXT_MAX];
        Text built;

        if (outcome == 0 || !fault)
                return outcome;
        base_text_init(&built, text, sizeof(text));
        base_text_addf(&built, "%s: %s", option, fault->text);
        memcpy(fault->text, text, sizeof(text));
        return outcome;
}

int role_texts_check(const RoleSpec *spec, const PermissionArea *areas, size_t area_count,
                     bool form_only, RightsFault *fault) {
        const struct {
                const char *option;
                const char *const *list;
        } lists[] = {
                { "permit", spec->permit },
                { "without", spec->without },
                { "deny", spec->deny },
        };
        int r = 0;

        if (!name_is_plain(spec->name))
                return fault_set(fault, RIGHTS_FAULT_FORM, spec->name,
                                 "a role's name is a-z, 0-9, ., _ and -, at most 64");
        if ((unsigned int)spec->only_kind >= _HOLDER_KIND_MAX)
                return fault_set(fault, RIGHTS_FAULT_FORM, spec->name, "is for no kind of user");
        for (size_t i = 0; r == 0 && i < ARRAY_LENGTH(lists); i++)
                r = in_option(patterns_check(lists[i].list, spec, areas, area_count, form_only,
                                             fault),
                              lists[i].option, fault);
        if (r == 0)
                r = in_option(requirements_check(spec, fault), "require", fault);
        if (r == 0)
                r = in_option(names_check(spec->inherit, ROLE_INHERIT_MAX, spec->name, fault),
                              "inherit", fault);
        if (r == 0)
                r = in_option(conflicts_check(spec, fault), "conflict", fault);
        return r;
}

bool role_denies_readable(const RoleSpec *spec) {
        return patterns_check(spec->deny, spec, NULL, 0, true, NULL) == 0;
}
