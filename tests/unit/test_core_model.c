/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random verbs against a simple model: every outcome is as the model says, and after a restart the
 * store holds what the model holds. */

#include "tests/unit/core_fixture.h"

#include <stdlib.h>

#define NAMES  14 /* for users and groups alike, so that they collide */
#define ROUNDS 600
#define SEEDS  8

typedef enum Kind { FREE, USER, GROUP } Kind;

typedef struct Thing {
        Kind kind;
        UserStatus status;
        bool locked;
        unsigned int user;                 /* counts them; 0: none */
        bool member[NAMES], nested[NAMES]; /* of a group */
} Thing;

typedef struct Model {
        Fixture *f;
        unsigned int seed;
        Thing thing[NAMES];
        unsigned int users, former[NAMES]; /* whose name it was; 0: nobody's */
        char name[NAMES][8];
        size_t done, refused;
} Model;

static size_t pick(Model *m, size_t count) {
        return (size_t)rand_r(&m->seed) % count;
}

static bool alive(const Thing *t) {
        return t->kind == GROUP || (t->kind == USER && t->status != USER_STATUS_DELETED);
}

static bool reaches(const Model *m, size_t from, size_t to) {
        if (from == to)
                return true;
        for (size_t i = 0; i < NAMES; i++)
                if (m->thing[from].nested[i] && reaches(m, i, to))
                        return true;
        return false;
}

/* ---- verbs ----------------------------------------------------------------------------------- */

static void expect(Model *m, int r, bool good) {
        if ((r == 0) != good)
                fail_msg("%d where %s was due: %s", r, good ? "success" : "a refusal",
                         m->f->error.text);
        if (good)
                m->done++;
        else
                m->refused++;
}

static void create(Model *m, size_t at, bool group) {
        UserSpec user = { .text = { [USER_FIELD_NAME] = m->name[at] } };
        GroupSpec spec = { .name = m->name[at] };
        bool good = m->thing[at].kind == FREE && m->former[at] == 0;
        Fixture *f = m->f;
        int r;

        r = group ? core_group_create(f->core, &f->root, &spec, &f->options, f->now, &f->change,
                                      &f->error)
                  : core_user_create(f->core, &f->root, &user, &f->options, f->now, &f->change,
                                     &f->error);
        expect(m, r, good);
        if (good)
                m->thing[at] = (Thing){ .kind = group ? GROUP : USER,
                                        .status = USER_STATUS_ACTIVE,
                                        .user = group ? 0 : ++m->users };
}

static void step(Model *m, size_t at) {
        StatusStep what = (StatusStep)pick(m, _STATUS_STEP_MAX);
        Thing *t = &m->thing[at];
        const char *hint;
        UserStatus to =
                t->kind == USER ? policy_status_step(t->status, what, &hint) : USER_STATUS_INVALID;
        Fixture *f = m->f;

        expect(m,
               core_user_step(f->core, &f->root, m->name[at], what, USEC_INFINITY, &f->options,
                              f->now, &f->change, &f->error),
               to != USER_STATUS_INVALID);
        if (to != USER_STATUS_INVALID)
                t->status = to;
}

static void lock(Model *m, size_t at) {
        bool on = pick(m, 2) == 0, good = m->thing[at].kind == USER && alive(&m->thing[at]);
        Fixture *f = m->f;

        expect(m,
               core_user_lock(f->core, &f->root, m->name[at], on, &f->options, f->now, &f->change,
                              &f->error),
               good);
        if (good)
                m->thing[at].locked = on;
}

static void members(Model *m, size_t at, size_t other) {
        const char *name = m->name[other];
        bool add = pick(m, 3) > 0, group = pick(m, 2) == 0;
        Thing *t = &m->thing[at], *o = &m->thing[other];
        bool good = t->kind == GROUP && (group ? o->kind == GROUP : o->kind == USER);
        Fixture *f = m->f;

        if (good && add)
                good = group ? !reaches(m, other, at) : alive(o);
        expect(m,
               core_group_members(f->core, &f->root, m->name[at], add, &name, group ? 0 : 1, &name,
                                  group ? 1 : 0, &f->options, f->now, &f->change, &f->error),
               good);
        if (good)
                *(group ? &t->nested[other] : &t->member[other]) = add;
}

static void remove_group(Model *m, size_t at) {
        bool force = pick(m, 2) == 0, good = m->thing[at].kind == GROUP;
        Fixture *f = m->f;

        for (size_t i = 0; i < NAMES && !force; i++)
                good = good && !m->thing[i].nested[at];
        expect(m,
               core_group_delete(f->core, &f->root, m->name[at], force, &f->options, f->now,
                                 &f->change, &f->error),
               good);
        if (!good)
                return;
        m->thing[at] = (Thing){ 0 };
        for (size_t i = 0; i < NAMES; i++)
                m->thing[i].nested[at] = false;
}

/* The other name must be one that nothing has, and nobody else had. */
static void rename_user(Model *m, size_t at, size_t other) {
        bool good =
                m->thing[at].kind == USER && alive(&m->thing[at]) &&
                (at == other || (m->thing[other].kind == FREE &&
                                 (m->former[other] == 0 || m->former[other] == m->thing[at].user)));
        UserSpec spec = { .text = { [USER_FIELD_NAME] = m->name[other] } };
        Fixture *f = m->f;

        expect(m,
               core_user_update(f->core, &f->root, m->name[at], &spec, &f->options, f->now,
                                &f->change, &f->error),
               good);
        if (!good || at == other)
                return;
        m->former[other] = 0;
        m->former[at] = m->thing[at].user;
        m->thing[other] = m->thing[at];
        m->thing[at] = (Thing){ 0 };
        for (size_t i = 0; i < NAMES; i++) {
                m->thing[i].member[other] = m->thing[i].member[at];
                m->thing[i].member[at] = false;
        }
}

/* ---- comparing ------------------------------------------------------------------------------- */

/* The names in the order that C sorts them in; n0 to n9 before na and on. */
static void in_groups(const Model *m, size_t user, bool *ret) {
        for (size_t g = 0; g < NAMES; g++) {
                ret[g] = false;
                for (size_t i = 0; i < NAMES && m->thing[g].kind == GROUP; i++)
                        ret[g] = ret[g] || (m->thing[i].kind == GROUP && m->thing[i].member[user] &&
                                            reaches(m, g, i));
        }
}

static void join(const Model *m, const bool *wanted, char *buf) {
        buf[0] = '\0';
        for (size_t i = 0; i < NAMES; i++)
                if (wanted[i])
                        sprintf(buf + strlen(buf), "%s%s", buf[0] ? "," : "", m->name[i]);
}

static void compare_user(const Model *m, size_t at) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        bool wanted[NAMES];
        char groups[256];

        must(core_user_get(m->f->core, m->name[at], true, &user, &m->f->error));
        assert_int_equal(user->status, m->thing[at].status);
        assert_int_equal(user->locked, m->thing[at].locked);
        in_groups(m, at, wanted);
        join(m, wanted, groups);
        assert_string_equal(groups_of(m->f, m->name[at]), groups);
}

static void compare_group(const Model *m, size_t at) {
        bool in[NAMES], wanted[NAMES] = { false };
        char users[256];

        for (size_t u = 0; u < NAMES; u++)
                if (m->thing[u].kind == USER && alive(&m->thing[u])) {
                        in_groups(m, u, in);
                        wanted[u] = in[at];
                }
        join(m, wanted, users);
        assert_string_equal(effective_of(m->f, m->name[at]), users);
}

static void compare(const Model *m) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        _cleanup_(core_group_freep) CoreGroup *group = NULL;

        for (size_t i = 0; i < NAMES; i++)
                switch (m->thing[i].kind) {
                case USER:
                        compare_user(m, i);
                        break;
                case GROUP:
                        compare_group(m, i);
                        break;
                case FREE:
                        must_be(core_user_get(m->f->core, m->name[i], true, &user, &m->f->error),
                                CORE_E_NO_SUCH_USER);
                        must_be(core_group_get(m->f->core, m->name[i], &group, &m->f->error),
                                CORE_E_NO_SUCH_GROUP);
                        break;
                }
}

static void one_verb(Model *m) {
        size_t at = pick(m, NAMES), other = pick(m, NAMES);

        switch (pick(m, 12)) {
        case 0:
                create(m, at, false);
                return;
        case 1:
                create(m, at, true);
                return;
        case 2:
                remove_group(m, at);
                return;
        case 3:
                lock(m, at);
                return;
        case 4: /* seldom, since names are used up by it */
                if (pick(m, 4) == 0)
                        rename_user(m, at, other);
                else
                        members(m, at, other);
                return;
        case 5:
        case 6:
                step(m, at);
                return;
        case 7:
                must(core_flush(m->f->core));
                return;
        }
        members(m, at, other);
}

static void verify_chain(Fixture *f) {
        CoreAuditVerifier *verifier;
        CoreAuditVerdict verdict;

        must(core_audit_verifier_new(&verifier));
        must(core_audit_verify(f->core, verifier, &verdict));
        assert_true(verdict.done);
        assert_int_equal(verdict.bad_seq, 0);
        core_audit_verifier_free(verifier);
}

static void sequence(Fixture *f, unsigned int seed) {
        Model m = { .f = f, .seed = seed };

        for (size_t i = 0; i < NAMES; i++)
                snprintf(m.name[i], sizeof(m.name[i]), "n%zx", i);
        for (int i = 0; i < ROUNDS; i++) {
                one_verb(&m);
                if (i % 100 == 0)
                        compare(&m);
        }
        must(core_flush(f->core));
        fixture_reopen(f);
        compare(&m);
        verify_chain(f);
        assert_true(m.done > ROUNDS / 8);
        assert_true(m.refused > ROUNDS / 8);
}

static void any_sequence_of_verbs_is_what_the_model_says(void **state) {
        for (unsigned int seed = 1; seed <= SEEDS; seed++) {
                void *f;

                fixture_setup(&f);
                sequence(f, seed);
                fixture_teardown(&f);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(any_sequence_of_verbs_is_what_the_model_says),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
