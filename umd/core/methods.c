/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the methods of second factors are called, and what a code of theirs may look like.  An
 * answer has one of a few forms, byte for byte, or is no code: a sign, a digit of another script, a
 * space at another place is as wrong as another number, and costs as much. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/second.h"

const char *core_method_name(PolicyMethod method) {
        switch (method) {
        case POLICY_METHOD_TOTP:
                return "totp";
        case POLICY_METHOD_HOTP:
                return "hotp";
        case POLICY_METHOD_FIDO2:
                return "fido2";
        case POLICY_METHOD_RECOVERY:
                return "recovery";
        case POLICY_METHOD_EMAIL_CODE:
                return "email-code";
        case _POLICY_METHOD_MAX:
                break;
        }
        return "";
}

uint32_t core_method_kind(PolicyMethod method) {
        switch (method) {
        case POLICY_METHOD_TOTP:
                return CORE_KIND_TOTP;
        case POLICY_METHOD_HOTP:
                return CORE_KIND_HOTP;
        case POLICY_METHOD_RECOVERY:
                return CORE_KIND_RECOVERY_CODE;
        case POLICY_METHOD_EMAIL_CODE:
                return CORE_KIND_MAIL_CODE;
        case POLICY_METHOD_FIDO2:
        case _POLICY_METHOD_MAX:
                break;
        }
        return 0;
}

PolicyStrength core_factor_strength(const StoreFactor *factor) {
        return factor->method == POLICY_METHOD_FIDO2 && factor->verifies
                       ? POLICY_STRENGTH_HARDWARE
                       : policy_method_strength(factor->method);
}

bool core_method_is_code(PolicyMethod method) {
        return core_method_kind(method) != 0;
}

bool core_method_permitted(const PolicyValues *values, PolicyMethod method) {
        return (values->factor_methods & 1U << method) != 0;
}

/* ---- forms -------------------------------------------------------------------------------- */

#define DIGITS_MIN 6U
#define DIGITS_MAX 8U

static size_t digits_at(const char *s, size_t len) {
        size_t n = 0;

        while (n < len && s[n] >= '0' && s[n] <= '9')
                n++;
        return n;
}

static CodeForm form_of(const char *s, size_t len) {
        size_t first = digits_at(s, len), second;

        if (first == len)
                return len >= DIGITS_MIN && len <= DIGITS_MAX ? CODE_DIGITS : CODE_NONE;
        if (s[first] != ' ')
                return CODE_NONE;
        second = digits_at(s + first + 1, len - first - 1);
        if (first != second || first + 1 + second != len)
                return CODE_NONE;
        if (first == 3 || first == 4) /* one code in two halves */
                return CODE_DIGITS;
        return first >= DIGITS_MIN && first <= DIGITS_MAX ? CODE_PAIR : CODE_NONE;
}

/* The digits without the space in their middle. */
static int digits_read(const char *s, size_t len, Secret **ret) {
        char code[DIGITS_MAX];
        size_t at = 0;
        int r;

        for (size_t i = 0; i < len; i++)
                if (s[i] != ' ')
                        code[at++] = s[i];
        r = base_secret_new(code, at, ret);
        base_wipe(code, sizeof(code));
        return r;
}

int core_code_read(const Secret *answer, CodeForm *ret_form, Secret **ret) {
        const char *s = base_secret_bytes(answer);
        size_t len = base_secret_len(answer);
        int r;

        *ret = NULL;
        *ret_form = CODE_NONE;
        r = core_setup_code_read(answer, ret);
        if (r != -EINVAL) {
                *ret_form = r == 0 ? CODE_RECOVERY : CODE_NONE;
                return r;
        }
        *ret_form = len > 0 ? form_of(s, len) : CODE_NONE;
        if (*ret_form == CODE_NONE)
                return 0;
        r = *ret_form == CODE_PAIR ? base_secret_new(s, len, ret) : digits_read(s, len, ret);
        return r;
}

CoreOtp core_otp_of(const StoreFactor *factor, CodeForm form, uint64_t now_usec) {
        if (factor->method == POLICY_METHOD_TOTP)
                return (CoreOtp){ .floor = factor->next,
                                  .now_sec = now_usec / USEC_PER_SEC,
                                  .window = TOTP_DRIFT };
        return (CoreOtp){ .floor = factor->next,
                          .window = HOTP_AHEAD,
                          .resync = form == CODE_PAIR ? HOTP_RESYNC : 0 };
}

/* ---- what an app is given ----------------------------------------------------------------- */

static const char *const algorithms[_CORE_ALGORITHM_MAX] = {
        [CORE_ALGORITHM_SHA1] = "SHA1",
        [CORE_ALGORITHM_SHA256] = "SHA256",
        [CORE_ALGORITHM_SHA512] = "SHA512",
};

/* Of letters, digits and ".-" alone, as a host's name is: nothing of it needs an escape.  A user's
 * never does. */
static const char *issuer(const Core *core) {
        static const char fit[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
        const char *host = core->settings.host;

        return host[0] && host[strspn(host, fit)] == '\0' ? host : "um";
}

int core_otpauth_uri(const Core *core, const char *name, PolicyMethod method,
                     const CoreSeedForm *form, const Secret *key, Secret **ret) {
        const char *host = issuer(core);
        char uri[1024], last[32];
        int n, r;

        if (method == POLICY_METHOD_HOTP)
                snprintf(last, sizeof(last), "counter=0");
        else
                snprintf(last, sizeof(last), "period=%u", form->period_sec);
        n = snprintf(uri, sizeof(uri),
                     "otpauth://%s/%s:%s?secret=%.*s&issuer=%s&algorithm=%s&digits=%u&%s",
                     core_method_name(method), host, name, (int)base_secret_len(key),
                     (const char *)base_secret_bytes(key), host, algorithms[form->algorithm],
                     form->digits, last);
        r = n < (int)sizeof(uri) ? base_secret_new(uri, (size_t)n, ret) : -ENAMETOOLONG;
        base_wipe(uri, sizeof(uri));
        return r;
}
