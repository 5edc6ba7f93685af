/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts of policy values: what is taken has one text, which reads as the same value; what is
 * refused leaves everything as it was.
 *
 * The first byte says which value, the second the list that a change starts from. */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void value_check(PolicyValue value, const char *s, uint64_t from) {
        char text[POLICY_VALUE_TEXT_MAX], again_text[POLICY_VALUE_TEXT_MAX];
        uint64_t number = 77, again = 78;
        PolicyLevels levels = { 0 };
        PolicyEffective effective;
        PolicyValues values;
        int r = policy_value_parse(value, s, from, &number);

        assert(r == 0 || ((r == -EINVAL || r == -ERANGE) && number == 77));
        if (r < 0)
                return;
        levels.at[POLICY_LEVEL_USER].set[value] = true;
        levels.at[POLICY_LEVEL_USER].value[value] = number;
        policy_value_resolve(value, &levels, &effective);
        assert(effective.value == number && effective.level == POLICY_LEVEL_USER);
        if (policy_value_is_text(value)) {
                assert(number == (strcmp(s, "none") != 0));
                (void)policy_ticket_matches(s, s);
                (void)policy_ticket_matches(s, "CHG-12: aaaaaaaa, INC-7");
                return;
        }
        policy_value_format(value, number, text);
        assert(text[0] != '\0' && strlen(text) + 1 < sizeof(text));
        assert(policy_value_parse(value, text, 0, &again) == 0 && again == number);
        policy_value_format(value, again, again_text);
        assert(strcmp(text, again_text) == 0);
        assert(!policy_value_looser(value, number, again));
        assert(policy_value_strictest(value, number, again) == number);
        policy_values_resolve(&levels, &values);
        assert(values.password_min_length >= 8 && values.lockout_attempts >= 1 &&
               values.lockout_source_attempts >= 1 && values.lockout_window_usec > 0 &&
               values.lockout_duration_usec > 0 && values.setup_code_ttl_usec > 0 &&
               values.factor_required < _POLICY_REQUIRED_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        PolicyValue near[3], value;
        char *s;

        if (size < 3)
                return 0;
        s = malloc(size - 1); /* exactly: who reads beyond is seen */
        assert(s);
        memcpy(s, data + 2, size - 2);
        s[size - 2] = '\0';
        value_check((PolicyValue)(data[0] % _POLICY_VALUE_MAX), s,
                    data[1] % (1U << _POLICY_METHOD_MAX));
        assert(policy_value_near(s, near, 3) <= 3);
        if (policy_value_from_name(s, &value) == 0)
                assert(strcmp(policy_value_name(value), s) == 0);
        free(s);
        return 0;
}
