/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is typed at a code prompt, against the forms written down a second time as patterns: what is
 * no code byte for byte gives none, and what is gives what the vault takes. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "umd/core/second.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* '9' stands for a digit, 'x' for a character of a recovery code, others for themselves. */
static const struct {
        const char *pattern;
        CodeForm form;
} patterns[] = {
        { "999999", CODE_DIGITS },           { "9999999", CODE_DIGITS },
        { "99999999", CODE_DIGITS },         { "999 999", CODE_DIGITS },
        { "9999 9999", CODE_DIGITS },        { "999999 999999", CODE_PAIR },
        { "9999999 9999999", CODE_PAIR },    { "99999999 99999999", CODE_PAIR },
        { "xxxx-xxxx-xxxx", CODE_RECOVERY },
};

static bool fits(const char *pattern, const char *s, size_t len) {
        static const char symbols[] =
                "0123456789abcdefghijklmnopqrstvwxyzABCDEFGHIJKLMNOPQRSTVWXYZ";

        if (strlen(pattern) != len)
                return false;
        for (size_t i = 0; i < len; i++) {
                bool digit = s[i] >= '0' && s[i] <= '9';

                if (pattern[i] == '9'   ? !digit
                    : pattern[i] == 'x' ? s[i] == '\0' || !strchr(symbols, s[i])
                                        : s[i] != pattern[i])
                        return false;
        }
        return true;
}

static CodeForm form_wanted(const char *s, size_t len) {
        for (size_t i = 0; i < ARRAY_LENGTH(patterns); i++)
                if (fits(patterns[i].pattern, s, len))
                        return patterns[i].form;
        return CODE_NONE;
}

static void code_check(CodeForm form, const Secret *code) {
        const char *s = base_secret_bytes(code);
        size_t len = base_secret_len(code);

        assert(!memchr(s, '\0', len));
        if (form == CODE_DIGITS)
                assert(len >= 6 && len <= 8 && strspn(s, "0123456789") == len);
        else if (form == CODE_PAIR)
                assert(len % 2 == 1 && s[len / 2] == ' ');
        else /* the one that was shown: upper case, nothing that can be misread */
                assert(len == SETUP_CODE_BYTES &&
                       strspn(s, "0123456789ABCDEFGHJKMNPQRSTVWXYZ-") == len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_secret_ Secret *answer = NULL, *code = NULL;
        CodeForm form = _CODE_FORM_MAX;

        if (size > BASE_SECRET_MAX)
                return 0;
        assert(base_secret_new(data, size, &answer) == 0);
        assert(core_code_read(answer, &form, &code) == 0);
        assert(form == form_wanted((const char *)data, size));
        assert((form == CODE_NONE) == !code);
        if (code)
                code_check(form, code);
        return 0;
}
