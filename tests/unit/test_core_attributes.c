/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Typed attributes over a real store: what is defined, what somebody is given, for how long, and
 * what it counts for. */

#include "tests/unit/rights_verbs.h"

static int define(Fixture *f, const char *name, const char *type, const char *choices) {
        const char *list[16];
        char buf[256];
        AttributeEdit edit = { .name = name, .type = type };

        if (choices) {
                edit.choice_count = list_of(choices, buf, sizeof(buf), list);
                edit.choices = list;
        }
        f->error = (CoreError){ 0 };
        return core_attribute_create(f->core, &f->root, &edit, &f->options, f->now, &f->change,
                                     &f->error);
}

static int define_choices(Fixture *f, const char *name, const char *choices) {
        const char *list[16];
        char buf[256];
        AttributeEdit edit = { .choice_count = list_of(choices, buf, sizeof(buf), list),
                               .choices = list };

        f->error = (CoreError){ 0 };
        return core_attribute_update(f->core, &f->root, name, &edit, &f->options, f->now,
                                     &f->change, &f->error);
}

static int undefine(Fixture *f, const char *name, bool force) {
        f->error = (CoreError){ 0 };
        return core_attribute_delete(f->core, &f->root, name, force, &f->options, f->now,
                                     &f->change, &f->error);
}

static int give_until(Fixture *f, const char *user, const char *name, const char *value,
                      uint64_t until_usec) {
        const UserAttribute one = { name, value, until_usec };
        const UserSpec spec = { .attributes = &one, .attribute_count = 1 };

        f->error = (CoreError){ 0 };
        return core_user_update(f->core, &f->root, user, &spec, &f->options, f->now, &f->change,
                                &f->error);
}

static int give(Fixture *f, const char *user, const char *name, const char *value) {
        return give_until(f, user, name, value, USEC_INFINITY);
}

/* "cert=yes region=eu " */
static const char *has_now(Fixture *f, const char *name) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        static char buf[4096];
        Text text;

        must(core_user_get(f->core, name, false, &user, &f->error));
        base_text_init(&text, buf, sizeof(buf));
        for (size_t i = 0; i < user->attribute_count; i++)
                base_text_addf(&text, "%s%s=%s%s ", user->attribute_private[i] ? "!" : "",
                               user->attribute_names[i], user->attribute_values[i],
                               user->attribute_untils[i] <= f->now ? " over" : "");
        return buf;
}

static void a_value_is_given_changed_and_taken_away(void **state) {
        Fixture *f = *state;
        uint64_t version;

        make_person(f, "alice");
        must(define(f, "cert", "flag", NULL));
        assert_string_equal(audit_line(f, 0), "attribute.create done  attribute/cert");
        must(define(f, "region", "choice", "eu us"));
        must(give(f, "alice", "region", "eu"));
        assert_string_equal(audit_line(f, 0), "user.update done  user/alice");
        must(give(f, "alice", "cert", "yes"));
        assert_string_equal(has_now(f, "alice"), "cert=yes region=eu ");
        version = f->change.version;
        must(give(f, "alice", "cert", "yes"));
        assert_int_equal(f->change.id, 0);
        assert_int_equal(f->change.version, version);
        must(give(f, "alice", "cert", "no"));
        must(give(f, "alice", "region", ""));
        assert_string_equal(has_now(f, "alice"), "cert=no ");
        must(give(f, "alice", "region", ""));
        assert_int_equal(f->change.id, 0);
}

static void what_is_wrong_names_attribute_type_and_rule(void **state) {
        Fixture *f = *state;
        const UserAttribute twice[] = { { "cert", "yes", USEC_INFINITY },
                                        { "cert", "no", USEC_INFINITY } };
        const UserSpec spec = { .attributes = twice, .attribute_count = 2 };

        make_person(f, "alice");
        must(define(f, "cert", "flag", NULL));
        must(define(f, "region", "choice", "eu us"));
        must_be(give(f, "alice", "cert", "true"), CORE_E_BAD_VALUE);
        assert_string_equal(f->error.text, "attr.cert: \"true\": is a flag: must be yes or no");
        must_be(give(f, "alice", "region", "asia"), CORE_E_BAD_VALUE);
        assert_string_equal(f->error.text,
                            "attr.region: \"asia\": is a choice: must be one of eu, us");
        must_be(give(f, "alice", "none", "yes"), CORE_E_BAD_VALUE);
        assert_string_equal(f->error.text, "attr.none: no such attribute");
        must_be(give_until(f, "alice", "cert", "yes", f->now), CORE_E_BAD_VALUE);
        must_be(core_user_update(f->core, &f->root, "alice", &spec, &f->options, f->now, &f->change,
                                 &f->error),
                CORE_E_BAD_VALUE);
        assert_string_equal(has_now(f, "alice"), "");
        must_be(define(f, "Cert", "flag", NULL), CORE_E_BAD_VALUE);
        must_be(define(f, "cert", "flag", NULL), CORE_E_NAME_TAKEN);
        must_be(define(f, "other", "bool", NULL), CORE_E_BAD_VALUE);
        must_be(define(f, "other", "choice", NULL), CORE_E_BAD_VALUE);
        must_be(define(f, "other", "choice", "a b a"), CORE_E_BAD_VALUE);
        must_be(define(f, "other", "choice", "a,b"), CORE_E_BAD_VALUE);
        must_be(define(f, "other", "text", "a b"), CORE_E_BAD_VALUE);
        must_be(define_choices(f, "cert", "a"), CORE_E_BAD_VALUE);
        must_be(define_choices(f, "none", "a"), CORE_E_NO_SUCH_ENTRY);
        must_be(undefine(f, "none", true), CORE_E_NO_SUCH_ENTRY);
}

static void nobody_has_more_than_there_may_be(void **state) {
        Fixture *f = *state;
        char name[16];

        make_person(f, "alice");
        for (unsigned int i = 0; i <= STORE_ATTRIBUTES_MAX; i++) {
                snprintf(name, sizeof(name), "a%u", i);
                must(define(f, name, "number", NULL));
                if (i < STORE_ATTRIBUTES_MAX)
                        must(give(f, "alice", name, "1"));
        }
        must_be(give(f, "alice", name, "1"), CORE_E_POLICY_REFUSED);
        must(give(f, "alice", "a7", ""));
        must(give(f, "alice", name, "1"));
}

static void a_value_counts_until_its_end(void **state) {
        Fixture *f = *state;

        make_person(f, "alice");
        must(define(f, "cert", "flag", NULL));
        must(role_add(f, "cleared", .permit = "asset.view", .require = "attr:cert"));
        must_be(grant(f, "cleared", "alice"), CORE_E_POLICY_REFUSED);
        must(give(f, "alice", "cert", "no")); /* a flag that is no he has not */
        must_be(grant(f, "cleared", "alice"), CORE_E_POLICY_REFUSED);
        must(give_until(f, "alice", "cert", "yes", f->now + HOUR));
        must(grant(f, "cleared", "alice"));
        assert_string_equal(grants_of(f, "alice"), "alice:cleared@local counts\n"
                                                   "alice:self-service@local counts\n");
        f->now += HOUR - 1;
        core_tick(f->core, f->now);
        assert_string_equal(has_now(f, "alice"), "cert=yes ");
        f->now += 1;
        core_tick(f->core, f->now);
        assert_string_equal(grants_of(f, "alice"), "alice:cleared@local needs-attribute cert\n"
                                                   "alice:self-service@local counts\n");
        assert_string_equal(has_now(f, "alice"), "cert=yes over ");
        must(give(f, "alice", "cert", "yes"));
        assert_string_equal(grants_of(f, "alice"), "alice:cleared@local counts\n"
                                                   "alice:self-service@local counts\n");
}

static void what_somebody_has_or_a_role_names_stays(void **state) {
        Fixture *f = *state;

        make_person(f, "alice");
        make_person(f, "bob");
        must(define(f, "cert", "flag", NULL));
        must(define(f, "region", "choice", "eu us"));
        must(role_add(f, "cleared", .permit = "asset.view", .require = "attr:cert"));
        must_be(undefine(f, "cert", true), CORE_E_POLICY_REFUSED);
        assert_string_equal(f->error.text, "cert: is what the role cleared requires");
        must(role_delete(f, "cleared", false));
        must(give(f, "alice", "region", "eu"));
        must(give(f, "bob", "region", "us"));
        must_be(define_choices(f, "region", "us asia"), CORE_E_POLICY_REFUSED);
        assert_string_equal(f->error.text, "choices: alice has \"eu\"");
        must(define_choices(f, "region", "us eu asia"));
        must_be(undefine(f, "region", false), CORE_E_POLICY_REFUSED);
        must(undefine(f, "region", true));
        assert_string_equal(has_now(f, "alice"), "");
        assert_string_equal(has_now(f, "bob"), "");
        must(define(f, "region", "text", NULL)); /* nothing of the former one comes back */
        assert_string_equal(has_now(f, "alice"), "");
        must(undefine(f, "cert", false));
}

static void what_is_private_is_marked(void **state) {
        Fixture *f = *state;
        const AttributeEdit hidden = { .has_private = true, .is_private = true };

        make_person(f, "alice");
        must(define(f, "cert", "flag", NULL));
        must(give(f, "alice", "cert", "yes"));
        must(core_attribute_update(f->core, &f->root, "cert", &hidden, &f->options, f->now,
                                   &f->change, &f->error));
        assert_string_equal(has_now(f, "alice"), "!cert=yes ");
}

/* What a role requires may be given with the account. */
static void an_account_is_made_with_attributes(void **state) {
        Fixture *f = *state;
        const UserAttribute one = { "cert", "yes", USEC_INFINITY };
        UserSpec spec = { .text = { [USER_FIELD_NAME] = "svc" },
                          .role = "cleared",
                          .attributes = &one,
                          .attribute_count = 1 };

        must(define(f, "cert", "flag", NULL));
        must(role_add(f, "cleared", .permit = "asset.view", .require = "attr:cert"));
        must(core_user_create(f->core, &f->root, &spec, &f->options, f->now, &f->change,
                              &f->error));
        assert_string_equal(has_now(f, "svc"), "cert=yes ");
        assert_string_equal(grants_of(f, "svc"), "svc:cleared@local counts\n");
        spec.text[USER_FIELD_NAME] = "other";
        spec.attribute_count = 0;
        must_be(core_user_create(f->core, &f->root, &spec, &f->options, f->now, &f->change,
                                 &f->error),
                CORE_E_POLICY_REFUSED);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        static const struct CMUnitTest tests[] = {
                STORY(a_value_is_given_changed_and_taken_away),
                STORY(what_is_wrong_names_attribute_type_and_rule),
                STORY(nobody_has_more_than_there_may_be),
                STORY(a_value_counts_until_its_end),
                STORY(what_somebody_has_or_a_role_names_stays),
                STORY(what_is_private_is_marked),
                STORY(an_account_is_made_with_attributes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
