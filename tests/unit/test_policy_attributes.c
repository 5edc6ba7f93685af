/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of typed attributes, and the conditions of roles that nobody grants. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

static const char *const choices[] = { "eu", "us east", NULL };

static void a_value_is_kept_in_one_form(void **state) {
        static const struct {
                AttributeType type;
                const char *text, *kept; /* NULL: refused */
        } rows[] = {
                { ATTRIBUTE_FLAG, "yes", "yes" },
                { ATTRIBUTE_FLAG, "no", "no" },
                { ATTRIBUTE_FLAG, "true", NULL },
                { ATTRIBUTE_FLAG, "Yes", NULL },
                { ATTRIBUTE_TEXT, "as it is, 7", "as it is, 7" },
                { ATTRIBUTE_TEXT, "two\nlines", NULL },
                { ATTRIBUTE_TEXT, "\xff", NULL },
                { ATTRIBUTE_NUMBER, "7", "7" },
                { ATTRIBUTE_NUMBER, "+07", "7" },
                { ATTRIBUTE_NUMBER, "-007", "-7" },
                { ATTRIBUTE_NUMBER, "-0", "0" },
                { ATTRIBUTE_NUMBER, "000", "0" },
                { ATTRIBUTE_NUMBER, "999999999999999999", "999999999999999999" },
                { ATTRIBUTE_NUMBER, "1000000000000000000", NULL },
                { ATTRIBUTE_NUMBER, "0000000000000000000001", "1" },
                { ATTRIBUTE_NUMBER, "1.5", NULL },
                { ATTRIBUTE_NUMBER, "-", NULL },
                { ATTRIBUTE_NUMBER, "0x7", NULL },
                { ATTRIBUTE_DATE, "2027-03-01", "2027-03-01" },
                { ATTRIBUTE_DATE, "2027-02-29", NULL },
                { ATTRIBUTE_DATE, "2027-3-1", NULL },
                { ATTRIBUTE_DATE, "2027-03-01Z", NULL },
                { ATTRIBUTE_CHOICE, "us east", "us east" },
                { ATTRIBUTE_CHOICE, "us", NULL },
                { ATTRIBUTE_TEXT, "", NULL },
                { ATTRIBUTE_INVALID, "yes", NULL },
                { _ATTRIBUTE_TYPE_MAX, "yes", NULL },
        };
        char kept[ATTRIBUTE_VALUE_MAX + 1];

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                int r = policy_attribute_value(rows[i].type, choices, rows[i].text, kept);

                if ((r == 0) != (rows[i].kept != NULL))
                        fail_msg("%s: %d", rows[i].text, r);
                if (r == 0)
                        assert_string_equal(kept, rows[i].kept);
                else
                        assert_int_equal(r, -EINVAL);
        }
        assert_int_equal(policy_attribute_value(ATTRIBUTE_CHOICE, NULL, "eu", kept), -EINVAL);
}

static void a_value_has_a_longest(void **state) {
        char text[ATTRIBUTE_VALUE_MAX + 2], kept[ATTRIBUTE_VALUE_MAX + 1];

        memset(text, 'x', sizeof(text));
        text[ATTRIBUTE_VALUE_MAX + 1] = '\0';
        assert_int_equal(policy_attribute_value(ATTRIBUTE_TEXT, NULL, text, kept), -EINVAL);
        text[ATTRIBUTE_VALUE_MAX] = '\0';
        assert_int_equal(policy_attribute_value(ATTRIBUTE_TEXT, NULL, text, kept), 0);
        assert_string_equal(kept, text);
}

static void types_have_names_and_say_what_they_take(void **state) {
        char buf[128];
        Text text;

        for (AttributeType type = ATTRIBUTE_FLAG; type < _ATTRIBUTE_TYPE_MAX; type++) {
                assert_int_equal(policy_attribute_type_from_name(policy_attribute_type_name(type)),
                                 type);
                base_text_init(&text, buf, sizeof(buf));
                policy_attribute_expected(type, choices, &text);
                assert_int_equal(strncmp(buf, "must be ", 8), 0);
        }
        assert_string_equal(buf, "must be one of eu, us east");
        assert_int_equal(policy_attribute_type_from_name("invalid"), ATTRIBUTE_INVALID);
        assert_int_equal(policy_attribute_type_from_name("flags"), ATTRIBUTE_INVALID);
        assert_string_equal(policy_attribute_type_name(_ATTRIBUTE_TYPE_MAX), "invalid");
}

static void names_are_plain(void **state) {
        assert_true(policy_attribute_name_ok("cert.prod-access_2"));
        assert_false(policy_attribute_name_ok(""));
        assert_false(policy_attribute_name_ok(".cert"));
        assert_false(policy_attribute_name_ok("Cert"));
        assert_false(policy_attribute_name_ok("a=b"));
        assert_false(policy_attribute_name_ok(
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
        assert_true(policy_attribute_choice_ok("us east"));
        assert_false(policy_attribute_choice_ok("us,eu"));
        assert_false(policy_attribute_choice_ok(""));
}

static void a_flag_that_is_no_does_not_count(void **state) {
        assert_true(policy_attribute_counts(ATTRIBUTE_FLAG, "yes"));
        assert_false(policy_attribute_counts(ATTRIBUTE_FLAG, "no"));
        assert_true(policy_attribute_counts(ATTRIBUTE_TEXT, "no"));
        assert_true(policy_attribute_counts(ATTRIBUTE_NUMBER, "0"));
        assert_false(policy_attribute_counts(ATTRIBUTE_TEXT, ""));
}

static void numbers_compare_as_numbers(void **state) {
        static const char *const rising[] = { "-100", "-9", "-1", "0", "1", "9", "10", "100" };

        for (size_t i = 0; i < ARRAY_LENGTH(rising); i++)
                for (size_t k = 0; k < ARRAY_LENGTH(rising); k++) {
                        int r = policy_attribute_compare(ATTRIBUTE_NUMBER, rising[i], rising[k]);

                        assert_int_equal((r > 0) - (r < 0), (i > k) - (i < k));
                }
        assert_true(policy_attribute_compare(ATTRIBUTE_TEXT, "10", "9") < 0);
        assert_true(policy_attribute_compare(ATTRIBUTE_DATE, "2027-01-01", "2026-12-31") > 0);
}

/* ---- conditions ------------------------------------------------------------------------------ */

static void a_condition_is_read_or_its_column_named(void **state) {
        static const struct {
                const char *text, *fault; /* NULL: none */
                size_t count;
        } rows[] = {
                { "department=sales", NULL, 1 },
                { "department=sales,attr.region=eu", NULL, 2 },
                { "kind=person,tenant=acme,title=Engineer = senior", NULL, 3 },
                { "attr.a=1,attr.ab=1", NULL, 2 },
                { "", "column 1: expected department, title, tenant, kind or attr.NAME", 0 },
                { "dept=x", "column 1: expected department, title, tenant, kind or attr.NAME", 0 },
                { "department", "column 11: expected =", 0 },
                { "department=", "column 12: a value is missing", 0 },
                { "department=,kind=person", "column 12: a value is missing", 0 },
                { "department=a,",
                  "column 14: expected department, title, tenant, kind or attr.NAME", 0 },
                { ",department=a",
                  "column 1: expected department, title, tenant, kind or attr.NAME", 0 },
                { "department=a,department=b", "column 14: is there twice", 0 },
                { "attr.r=a,attr.r=a", "column 10: is there twice", 0 },
                { "attr.=a", "column 1: expected department, title, tenant, kind or attr.NAME", 0 },
                { "attr.R=a", "column 1: expected department, title, tenant, kind or attr.NAME",
                  0 },
                { "kind=robot", "column 6: must be person or service", 0 },
                { "title=a\tb", "column 7: no line of text", 0 },
                { " department=a",
                  "column 1: expected department, title, tenant, kind or attr.NAME", 0 },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                ConditionTerm terms[CONDITION_TERMS_MAX];
                RightsFault fault = { 0 };
                size_t count = 0;
                int r = policy_condition_read(rows[i].text, terms, &count, &fault);

                assert_int_equal(r, rows[i].fault ? RIGHTS_FAULT_FORM : 0);
                assert_int_equal(count, rows[i].count);
                assert_string_equal(fault.text, rows[i].fault ? rows[i].fault : "");
        }
}

static void a_condition_has_its_limits(void **state) {
        char text[CONDITION_BYTES_MAX + 64];
        size_t count = 0;
        Text buf;

        base_text_init(&buf, text, sizeof(text));
        for (unsigned int i = 0; i <= CONDITION_TERMS_MAX; i++)
                base_text_addf(&buf, "%sattr.a%u=x", i > 0 ? "," : "", i);
        assert_int_equal(policy_condition_read(text, NULL, &count, NULL), RIGHTS_FAULT_TOO_MANY);
        *strrchr(text, ',') = '\0';
        assert_int_equal(policy_condition_read(text, NULL, &count, NULL), 0);
        assert_int_equal(count, CONDITION_TERMS_MAX);
        memset(text, 'x', sizeof(text)); /* with values that are lines */
        memcpy(text, "title=", 6);
        memcpy(text + 200, ",department=", 12);
        memcpy(text + 400, ",attr.a=", 8);
        text[CONDITION_BYTES_MAX + 1] = '\0';
        assert_int_equal(policy_condition_read(text, NULL, &count, NULL), RIGHTS_FAULT_TOO_MANY);
        text[CONDITION_BYTES_MAX] = '\0';
        assert_int_equal(policy_condition_read(text, NULL, &count, NULL), 0);
}

static void all_terms_have_to_hold(void **state) {
        static const ConditionAttribute attributes[] = {
                { "region", "eu", 500 },
                { "oncall", "yes", 300 },
                { "level", "3", USEC_INFINITY },
        };
        static const ConditionFacts facts = { .department = "sales",
                                              .title = "",
                                              .tenant = "acme",
                                              .kind = HOLDER_PERSON,
                                              .attributes = attributes,
                                              .attribute_count = 3 };
        static const struct {
                const char *text;
                bool holds;
                uint64_t until;
        } rows[] = {
                { "department=sales", true, USEC_INFINITY },
                { "department=sale", false, 0 },
                { "department=saless", false, 0 },
                { "department=Sales", false, 0 },
                { "title=a", false, 0 },
                { "tenant=acme,kind=person", true, USEC_INFINITY },
                { "tenant=acme,kind=service", false, 0 },
                { "attr.region=eu", true, 500 },
                { "attr.region=eu,attr.oncall=yes", true, 300 },
                { "attr.level=3", true, USEC_INFINITY },
                { "attr.region=us", false, 0 },
                { "attr.regio=eu", false, 0 },
                { "attr.nothing=yes", false, 0 },
                { "department=sales,", false, 0 },
                { "", false, 0 },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                uint64_t until = 0;
                bool holds = policy_condition_holds(rows[i].text, &facts, &until);

                if (holds != rows[i].holds)
                        fail_msg("%s: %d", rows[i].text, holds);
                assert_true(until == rows[i].until);
        }
        assert_false(
                policy_condition_holds("kind=person", &(ConditionFacts){ 0 }, &(uint64_t){ 0 }));
        assert_false(policy_condition_holds("department=sales", &(ConditionFacts){ 0 },
                                            &(uint64_t){ 0 }));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_value_is_kept_in_one_form),
                cmocka_unit_test(a_value_has_a_longest),
                cmocka_unit_test(types_have_names_and_say_what_they_take),
                cmocka_unit_test(names_are_plain),
                cmocka_unit_test(a_flag_that_is_no_does_not_count),
                cmocka_unit_test(numbers_compare_as_numbers),
                cmocka_unit_test(a_condition_is_read_or_its_column_named),
                cmocka_unit_test(a_condition_has_its_limits),
                cmocka_unit_test(all_terms_have_to_hold),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
