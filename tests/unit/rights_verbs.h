/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs of roles, tenants and grants, for tests: short, and as whom one likes. */

#include "tests/unit/core_fixture.h"

typedef struct RoleText {
        const char *inherit, *permit, *without, *deny, *require, *conflict, *linux_groups;
} RoleText;

static inline Actor actor_of(uid_t uid) {
        return (Actor){ .uid = uid, .login_uid = uid, .via = "socket" };
}

/* "a b c" into a list; the texts stand in buf. */
static inline size_t list_of(const char *text, char *buf, size_t size, const char **list) {
        size_t count = 0;

        snprintf(buf, size, "%s", text);
        for (char *save, *word = strtok_r(buf, " ", &save); word; word = strtok_r(NULL, " ", &save))
                list[count++] = word;
        return count;
}

static inline int role_write(Fixture *f, const Actor *actor, const char *name, bool new,
                             const RoleText *text) {
        const char *const texts[_CORE_ROLE_LIST_MAX] = {
                [CORE_ROLE_INHERIT] = text->inherit,
                [CORE_ROLE_PERMIT] = text->permit,
                [CORE_ROLE_WITHOUT] = text->without,
                [CORE_ROLE_DENY] = text->deny,
                [CORE_ROLE_REQUIRE] = text->require,
                [CORE_ROLE_CONFLICT] = text->conflict,
                [CORE_ROLE_LINUX_GROUPS] = text->linux_groups,
        };
        const char *lists[_CORE_ROLE_LIST_MAX][16];
        char bufs[_CORE_ROLE_LIST_MAX][512];
        RoleEdit edit = { .name = new ? name : NULL };

        for (size_t i = 0; i < _CORE_ROLE_LIST_MAX; i++) {
                if (!texts[i])
                        continue;
                edit.counts[i] = list_of(texts[i], bufs[i], sizeof(bufs[i]), lists[i]);
                edit.lists[i] = lists[i];
        }
        f->error = (CoreError){ 0 };
        return new ? core_role_create(f->core, actor, &edit, &f->options, f->now, &f->change,
                                      &f->error)
                   : core_role_update(f->core, actor, name, &edit, &f->options, f->now, &f->change,
                                      &f->error);
}

#define role_add(f, name, ...) role_write(f, &(f)->root, name, true, &(RoleText){ __VA_ARGS__ })
#define role_set(f, name, ...) role_write(f, &(f)->root, name, false, &(RoleText){ __VA_ARGS__ })

static inline int role_delete(Fixture *f, const char *name, bool force) {
        f->error = (CoreError){ 0 };
        return core_role_delete(f->core, &f->root, name, force, &f->options, f->now, &f->change,
                                &f->error);
}

static inline int grant_edit(Fixture *f, const Actor *actor, const GrantEdit *edit) {
        f->error = (CoreError){ 0 };
        return core_grant_add(f->core, actor, edit, &f->options, f->now, &f->change, &f->error);
}

static inline int grant_at(Fixture *f, const char *role, const char *user, const char *tenant) {
        return grant_edit(f, &f->root,
                          &(GrantEdit){ .user = user,
                                        .role = role,
                                        .tenant = tenant,
                                        .until_usec = USEC_INFINITY });
}

static inline int grant(Fixture *f, const char *role, const char *user) {
        return grant_at(f, role, user, NULL);
}

static inline int revoke_as(Fixture *f, const Actor *actor, const char *role, const char *user,
                            const char *tenant) {
        const GrantEdit edit = { .user = user, .role = role, .tenant = tenant };

        f->error = (CoreError){ 0 };
        return core_grant_revoke(f->core, actor, &edit, &f->options, f->now, &f->change, &f->error);
}

static inline int revoke(Fixture *f, const char *role, const char *user) {
        return revoke_as(f, &f->root, role, user, NULL);
}

static inline int tenant_add(Fixture *f, const char *name) {
        const TenantEdit edit = { .name = name };

        f->error = (CoreError){ 0 };
        return core_tenant_create(f->core, &f->root, &edit, &f->options, f->now, &f->change,
                                  &f->error);
}

/* With an address, which most roles require. */
static inline uid_t make_person(Fixture *f, const char *name) {
        char email[64];
        uid_t uid = make_user(f, name);

        snprintf(email, sizeof(email), "%s@example.org", name);
        update_text(f, name, USER_FIELD_EMAIL, email);
        return uid;
}

static inline void grant_line(void *userdata, const CoreGrant *grant) {
        base_text_addf(userdata, "%s:%s@%s%s%s %s%s%s\n", grant->user, grant->role, grant->tenant,
                       grant->over[0] ? "/" : "", grant->over, grant->state,
                       grant->attribute[0] ? " " : "", grant->attribute);
}

/* A line a grant. */
static inline const char *grants_of(Fixture *f, const char *user) {
        static char buf[4096];
        Text text;

        base_text_init(&text, buf, sizeof(buf));
        must(core_grant_list(f->core, &f->root, user, f->now, grant_line, &text, &f->error));
        return buf;
}
