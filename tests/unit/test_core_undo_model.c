/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random changes of every kind, taken back in turn: after each the state is what it was before the
 * change, and taking that back brings the change again.  What cannot be is named. */

#include "tests/unit/undo_dump.h"

#define USERS  6U
#define GROUPS 4U
#define DEPTH  6U /* changes that stand one on the other */
#define ROUNDS 60
#define SEEDS  6

typedef struct Model {
        Fixture *f;
        unsigned int seed;
        size_t undone, never, refused, kinds[32];
} Model;

static size_t pick(Model *m, size_t count) {
        return (size_t)rand_r(&m->seed) % count;
}

static const char *text_of(const char *prefix, size_t number) {
        static char buf[4][32];
        static size_t at;

        at = (at + 1) % 4;
        snprintf(buf[at], sizeof(buf[at]), "%s%zu", prefix, number);
        return buf[at];
}

static const char *some_user(Model *m) {
        return text_of("u", pick(m, USERS));
}

static const char *some_group(Model *m) {
        return text_of("g", pick(m, GROUPS));
}

static uint64_t some_time(Model *m) {
        return m->f->now + DAY * (1 + pick(m, 5));
}

/* ---- changes ------------------------------------------------------------------------------- */

static int do_create(Model *m) {
        Fixture *f = m->f;
        UserSpec spec = { .pending = pick(m, 5) == 0 };

        spec.text[USER_FIELD_NAME] = some_user(m);
        if (pick(m, 2))
                spec.text[USER_FIELD_TITLE] = text_of("t", pick(m, 3));
        return core_user_create(f->core, &f->root, &spec, &f->options, f->now, &f->change,
                                &f->error);
}

static int do_update(Model *m) {
        static const UserField fields[] = { USER_FIELD_TITLE, USER_FIELD_PHONE,
                                            USER_FIELD_DEPARTMENT, USER_FIELD_EMAIL,
                                            USER_FIELD_NAME };
        UserAttribute attributes[] = { { "region", "", USEC_INFINITY },
                                       { "site", "x", USEC_INFINITY } };
        Fixture *f = m->f;
        const char *user = some_user(m);
        UserField field = fields[pick(m, 5)];
        UserSpec spec = { .has_valid_until = pick(m, 3) == 0, .valid_until_usec = USEC_INFINITY };
        char email[64];

        snprintf(email, sizeof(email), "%s@example.org", user);
        if (pick(m, 2))
                spec.valid_until_usec = some_time(m);
        if (pick(m, 2)) {
                attributes[0].until_usec = pick(m, 2) ? USEC_INFINITY : some_time(m);
                attributes[0].value = pick(m, 4) ? text_of("eu ", pick(m, 3)) : "";
                spec.attributes = attributes;
                spec.attribute_count = 1 + pick(m, 2);
        }
        spec.has_valid_from = pick(m, 4) == 0;
        spec.valid_from_usec = f->now - DAY;
        spec.text[field] = field == USER_FIELD_EMAIL  ? email
                           : field == USER_FIELD_NAME ? some_user(m)
                                                      : text_of("", 4711 + pick(m, 3));
        if (pick(m, 4) == 0 && field != USER_FIELD_NAME)
                spec.text[field] = "";
        return core_user_update(f->core, &f->root, user, &spec, &f->options, f->now, &f->change,
                                &f->error);
}

static int do_step(Model *m) {
        static const StatusStep steps[] = { STATUS_STEP_SUSPEND, STATUS_STEP_RESUME,
                                            STATUS_STEP_DISABLE, STATUS_STEP_ENABLE,
                                            STATUS_STEP_DELETE,  STATUS_STEP_RESTORE };
        Fixture *f = m->f;
        StatusStep step = steps[pick(m, 6)];
        uint64_t until = step == STATUS_STEP_SUSPEND && pick(m, 2) ? some_time(m) : USEC_INFINITY;

        return core_user_step(f->core, &f->root, some_user(m), step, until, &f->options, f->now,
                              &f->change, &f->error);
}

static int do_lock(Model *m) {
        Fixture *f = m->f;

        return core_user_lock(f->core, &f->root, some_user(m), pick(m, 2), &f->options, f->now,
                              &f->change, &f->error);
}

static int do_must_change(Model *m) {
        Fixture *f = m->f;

        return core_user_must_change(f->core, &f->root, some_user(m), &f->options, f->now,
                                     &f->change, &f->error);
}

static int do_group_make(Model *m) {
        Fixture *f = m->f;
        const char *owner = some_user(m);
        GroupSpec spec = { .name = some_group(m), .owners = &owner, .owner_count = pick(m, 2) };

        return core_group_create(f->core, &f->root, &spec, &f->options, f->now, &f->change,
                                 &f->error);
}

static int do_group_edit(Model *m) {
        Fixture *f = m->f;
        const char *owners[] = { some_user(m), some_user(m) };
        GroupSpec spec = { 0 };

        if (pick(m, 2)) {
                spec.owners = owners;
                spec.owner_count = pick(m, 3);
        } else if (pick(m, 3) == 0)
                spec.name = some_group(m);
        else
                spec.description = text_of("d", pick(m, 3));
        return core_group_update(f->core, &f->root, some_group(m), &spec, &f->options, f->now,
                                 &f->change, &f->error);
}

static int do_group_members(Model *m) {
        Fixture *f = m->f;
        const char *users[] = { some_user(m), some_user(m) }, *group = some_group(m);
        bool nest = pick(m, 3) == 0;

        return core_group_members(f->core, &f->root, some_group(m), pick(m, 4) != 0, users,
                                  nest ? 0 : 2, &group, nest, &f->options, f->now, &f->change,
                                  &f->error);
}

static int do_group_delete(Model *m) {
        Fixture *f = m->f;

        return core_group_delete(f->core, &f->root, some_group(m), true, &f->options, f->now,
                                 &f->change, &f->error);
}

static int do_role_make(Model *m) {
        return role_add(m->f, text_of("r", pick(m, 3)), .permit = "user.view login.sshd",
                        .inherit = pick(m, 2) ? "self-service" : NULL);
}

static int do_role_edit(Model *m) {
        Fixture *f = m->f;
        const char *permit[] = { "user.view", pick(m, 2) ? "group.view" : "login.cron" };
        RoleEdit edit = { .description = pick(m, 2) ? text_of("d", pick(m, 3)) : NULL,
                          .has_one_tenant = pick(m, 4) == 0,
                          .one_tenant = pick(m, 2) };

        if (pick(m, 2)) {
                edit.lists[CORE_ROLE_PERMIT] = permit;
                edit.counts[CORE_ROLE_PERMIT] = pick(m, 3);
        }
        if (pick(m, 3) == 0)
                edit.automatic = pick(m, 2) ? "attr.region=eu 1" : "";
        if (pick(m, 4) == 0)
                edit.only_kind = pick(m, 2) ? "person" : "any";
        return core_role_update(f->core, &f->root, text_of("r", pick(m, 3)), &edit, &f->options,
                                f->now, &f->change, &f->error);
}

static int do_role_delete(Model *m) {
        return role_delete(m->f, text_of("r", pick(m, 3)), true);
}

static int do_grant(Model *m) {
        static const char *const roles[] = { "viewer", "owner", "r0", "r1", "r2" };
        static const char *const tenants[] = { "local", "all", "acme" };
        GrantEdit edit = { .user = some_user(m),
                           .role = roles[pick(m, 5)],
                           .tenant = tenants[pick(m, 3)],
                           .until_usec = pick(m, 2) ? USEC_INFINITY : some_time(m),
                           .from_usec = pick(m, 3) ? 0 : m->f->now + HOUR,
                           .over = pick(m, 4) ? NULL : "department=a b" };

        return grant_edit(m->f, &m->f->root, &edit);
}

static int do_revoke(Model *m) {
        static const char *const roles[] = { "viewer", "self-service", "owner", "r0", "r1", "r2" };
        static const char *const tenants[] = { "local", "all", "acme" };

        return revoke_as(m->f, &m->f->root, roles[pick(m, 6)], some_user(m), tenants[pick(m, 3)]);
}

static int do_tenant(Model *m) {
        Fixture *f = m->f;
        TenantEdit edit = { .name = pick(m, 2) ? "acme" : "local",
                            .title = pick(m, 2) ? text_of("T", pick(m, 3)) : NULL,
                            .has_seats = pick(m, 2),
                            .seats = 20 + (uint32_t)pick(m, 3) };

        f->error = (CoreError){ 0 };
        switch (pick(m, 4)) {
        case 0:
                return tenant_add(f, "acme");
        case 1:
                return core_tenant_delete(f->core, &f->root, "acme", &f->options, f->now,
                                          &f->change, &f->error);
        default:
                return core_tenant_update(f->core, &f->root, edit.name, &edit, &f->options, f->now,
                                          &f->change, &f->error);
        }
}

static int do_policy(Model *m) {
        static const char *const values[] = { "10", "20", "30" };
        Fixture *f = m->f;
        static const PolicyLevel levels[] = { POLICY_LEVEL_COMPANY, POLICY_LEVEL_USER,
                                              POLICY_LEVEL_ROLE, POLICY_LEVEL_DEPARTMENT };
        CorePolicyPlace place = { .level = levels[pick(m, 4)] };
        char kept[POLICY_VALUE_TEXT_MAX];

        place.subject = place.level == POLICY_LEVEL_COMPANY ? NULL
                        : place.level == POLICY_LEVEL_USER  ? some_user(m)
                        : place.level == POLICY_LEVEL_ROLE  ? text_of("r", pick(m, 3))
                                                            : "a b";
        f->error = (CoreError){ 0 };
        if (pick(m, 3) == 0)
                return core_policy_unset(f->core, &f->root, &place, "lockout.attempts", &f->options,
                                         f->now, &f->change, &f->error);
        return core_policy_set(f->core, &f->root, &place, "lockout.attempts", values[pick(m, 3)],
                               &f->options, f->now, kept, &f->change, &f->error);
}

static int do_batch(Model *m) {
        static const char *const verbs[] = { "user.lock", "user.suspend", "role.grant",
                                             "user.update", "user.delete" };
        Fixture *f = m->f;
        const char *users[] = { some_user(m), some_user(m), some_user(m) };
        CoreBatch batch = { .verb = verbs[pick(m, 5)],
                            .users = users,
                            .user_count = 1 + pick(m, 3),
                            .until_usec = USEC_INFINITY,
                            .grant = { .role = "viewer", .until_usec = USEC_INFINITY } };
        CoreBatchResult result = { 0 };
        int r;

        batch.fields.text[USER_FIELD_TITLE] = text_of("b", pick(m, 3));
        r = core_batch(f->core, &f->root, &batch, &f->options, f->now, &result, &f->error);
        f->change = result.change;
        return r;
}

static int (*const changes[])(Model *m) = {
        do_create,       do_create,     do_update,     do_update,        do_update,
        do_step,         do_step,       do_step,       do_lock,          do_must_change,
        do_group_make,   do_group_edit, do_group_edit, do_group_members, do_group_members,
        do_group_delete, do_role_make,  do_role_edit,  do_role_delete,   do_grant,
        do_grant,        do_grant,      do_revoke,     do_revoke,        do_tenant,
        do_policy,       do_batch,      do_batch,
};

/* ---- taking them back ---------------------------------------------------------------------- */

typedef struct Step {
        uint64_t change;
        char *before;
} Step;

static void same(const char *is, const char *was, const char *when, const Rows *rows) {
        size_t at = 0;

        if (strcmp(is, was) == 0)
                return;
        for (size_t i = 0; is[i] == was[i]; i++) /* the line where they part */
                at = is[i] == '\n' ? i + 1 : at;
        fail_msg("%s: is\n%.*s\nwas\n%.*s\n%.1000s", when, (int)strcspn(is + at, "\n"), is + at,
                 (int)strcspn(was + at, "\n"), was + at, rows->text);
}

/* A change that does something; false where the verb had nothing to do or refused. */
static bool change_make(Model *m, Step *step) {
        Fixture *f = m->f;
        size_t kind = pick(m, ARRAY_LENGTH(changes));
        int r;

        fixture_pass(f, USEC_PER_SEC);
        step->before = state_dump(f);
        f->change = (CoreChange){ 0 };
        r = changes[kind](m);
        if (r < 0)
                fail_msg("kind %zu: %d", kind, r);
        step->change = r == 0 ? f->change.id : 0;
        if (step->change) {
                m->kinds[kind]++;
                return true;
        }
        free(step->before);
        return false;
}

/* The first owner stays; and a grant may not fit its role any more, by a change that stays. */
static bool may_refuse(const Fixture *f) {
        return f->error.outcome == CORE_E_LAST_OWNER ||
               (f->error.outcome == CORE_E_POLICY_REFUSED &&
                (strstr(f->error.text, "requires") || strstr(f->error.text, "kind of user"))) ||
               (f->error.outcome == CORE_E_BAD_VALUE && strstr(f->error.text, "is for one tenant"));
}

/* False where something of it is never taken back, or may not be: then the state is either what the
 * rows say or what it was, and those below it cannot be compared any more. */
static bool change_undo(Model *m, const Step *step) {
        char *after = state_dump(m->f), *is;
        Rows rows;
        uint64_t id;
        bool whole;
        int r = undo(m->f, step->change, &rows);

        is = state_dump(m->f);
        if (r < 0)
                fail_msg("ch-%llu: fault %d: %s", (unsigned long long)step->change, r,
                         audit_line(m->f, last_audit(m->f) - step->change));
        if (r > 0) {
                if (!may_refuse(m->f))
                        fail_msg("ch-%llu: %s", (unsigned long long)step->change, m->f->error.text);
                same(is, after, "an undo that was refused", &rows);
                m->refused++;
        }
        whole = r == 0 && m->f->change.id > 0;
        if (whole && !strstr(rows.text, "nobody becomes pending again") &&
            !strstr(rows.text, "is deleted"))
                same(is, step->before, "undone", &rows);
        else
                whole = false;
        m->never += rows.counts[CORE_UNDONE_NEVER];
        m->undone += whole;
        if (whole && pick(m, 3) == 0) { /* and back, and back again */
                id = m->f->change.id;
                if (undo(m->f, id, &rows) != 0)
                        fail_msg("redo of ch-%llu: %s", (unsigned long long)step->change,
                                 m->f->error.text);
                if (strstr(rows.text, "nobody becomes pending again")) {
                        free(after);
                        free(is);
                        return false;
                }
                free(is);
                is = state_dump(m->f);
                same(is, after, "redone", &rows);
                must(undo(m->f, step->change, &rows));
                free(is);
                is = state_dump(m->f);
                same(is, step->before, "undone once more", &rows);
        }
        free(after);
        free(is);
        return whole;
}

static void round_run(Model *m) {
        Step steps[DEPTH];
        size_t count = 0, depth = 1 + pick(m, DEPTH);
        bool whole = true;

        for (size_t i = 0; i < depth * 3 && count < depth; i++)
                count += change_make(m, &steps[count]);
        while (count-- > 0) {
                if (whole && pick(m, 8) > 0)
                        whole = change_undo(m, &steps[count]);
                else
                        whole = false; /* it stays, and the next round begins with it */
                free(steps[count].before);
        }
}

static void each_change_is_taken_back_and_taken_back(void **state) {
        Fixture *f = *state;
        Model m = { .f = f };

        f->options.reason = "because";
        for (size_t i = 0; i < 2; i++)
                must(core_attribute_create(f->core, &f->root,
                                           &(AttributeEdit){ .name = i ? "site" : "region",
                                                             .type = "text" },
                                           &f->options, f->now, &f->change, &f->error));
        for (unsigned int seed = 1; seed <= SEEDS; seed++) {
                m.seed = seed;
                for (size_t i = 0; i < ROUNDS; i++)
                        round_run(&m);
                fixture_flush(f);
        }
        assert_true(m.undone > SEEDS * ROUNDS); /* and not for want of changes */
        for (size_t i = 0; i < ARRAY_LENGTH(changes); i++)
                if (m.kinds[i] == 0 && changes[i] != do_must_change)
                        fail_msg("no change of kind %zu was made", i);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(each_change_is_taken_back_and_taken_back,
                                                fixture_setup, fixture_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
