/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one validator, against the rules written down a second time: what it lets pass fits into a
 * line of /etc/passwd, onto a terminal and into a shell's word, whatever field it is.  The first
 * byte chooses the field. */

#include <assert.h>
#include <string.h>

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* C0, DEL, C1 as bytes of their own or as U+0080 to U+009F, bidi controls, separators: by hand. */
static void visible_check(const uint8_t *s, size_t len) {
        for (size_t i = 0; i < len; i++) {
                assert(s[i] >= 0x20 && s[i] != 0x7F);
                if (s[i] < 0x80)
                        continue;
                assert(s[i] >= 0xC2 && s[i] <= 0xF4); /* never a stray byte, never overlong */
                assert(i + 1 < len && (s[i + 1] & 0xC0) == 0x80);
                assert(s[i] != 0xC2 || s[i + 1] >= 0xA0);
                if (s[i] == 0xE2 && s[i + 1] == 0x80) {
                        assert(i + 2 < len);
                        assert(s[i + 2] < 0x8B || s[i + 2] > 0x8F);
                        assert(s[i + 2] < 0xA8 || s[i + 2] > 0xAE);
                }
                for (i++; i + 1 < len && (s[i + 1] & 0xC0) == 0x80; i++)
                        ;
        }
}

static void name_check(const char *s, size_t len) {
        static const char first[] = "abcdefghijklmnopqrstuvwxyz_",
                          others[] = "abcdefghijklmnopqrstuvwxyz_-0123456789";

        assert(len <= 32 && strspn(s, first) > 0 && strspn(s, others) == len);
        assert(strcmp(s, "um") != 0 && strncmp(s, "um-", 3) != 0);
}

static void path_check(const char *s, size_t len) {
        char framed[BASE_PATH_MAX + 2];

        assert(len <= BASE_PATH_MAX && s[0] == '/' && !strchr(s, ':'));
        memcpy(framed, s, len);
        memcpy(framed + len, "/", 2);
        assert(!strstr(framed, "//") && !strstr(framed, "/./") && !strstr(framed, "/../"));
}

static void accepted_check(Field field, const char *s, size_t len) {
        assert(strlen(s) == len && len <= BASE_LINE_MAX);
        visible_check((const uint8_t *)s, len);
        switch (field) {
        case FIELD_USER_NAME:
        case FIELD_GROUP_NAME:
                name_check(s, len);
                break;
        case FIELD_FULL_NAME:
                assert(!strpbrk(s, ":,="));
                break;
        case FIELD_HOME:
        case FIELD_SHELL:
                path_check(s, len);
                break;
        case FIELD_EMAIL:
                assert(len <= BASE_EMAIL_MAX && !strpbrk(s, " \"<>,;:\\()[]"));
                assert(len == 0 || (strchr(s, '@') && strchr(s, '@') == strrchr(s, '@')));
                break;
        case FIELD_PHONE:
                assert(strspn(s, "+0123456789 -()/") == len);
                break;
        case FIELD_LANGUAGE:
        case FIELD_TIME_ZONE:
                assert(!strpbrk(s, " .:;&|$`\"'\\<>()*?[]~#") && s[0] != '-' && s[0] != '/');
                break;
        case FIELD_LINE:
        case _FIELD_MAX:
                break;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        FieldFault fault;
        Field field;
        char *s;

        if (size == 0)
                return 0;
        field = (Field)(data[0] % _FIELD_MAX);
        s = malloc(size); /* the field and a NUL for the checks below */
        assert(s);
        memcpy(s, data + 1, size - 1);
        s[size - 1] = '\0';
        fault = base_field_check(field, (const char *)data + 1, size - 1);
        assert(fault < _FIELD_FAULT_MAX);
        assert(base_field_label(field)[0]);
        if (fault == FIELD_OK)
                accepted_check(field, s, size - 1);
        else
                assert(base_field_rule(field, fault)[0]);
        free(s);
        return 0;
}
