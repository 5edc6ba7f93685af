/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What um-notify believes and what it writes: packets that are none, texts that would be a header,
 * names in encoded words, and which program it runs. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "um_notify/notify.h"

#define NOW ((uint64_t)1785574800 * USEC_PER_SEC) /* 2026-08-01T09:00:00Z */

static const char *const good[_NOTIFY_TEXT_MAX] = {
        [NOTIFY_TEXT_TO] = "alice@acme.example",
        [NOTIFY_TEXT_FULL_NAME] = "Alice Liddell",
        [NOTIFY_TEXT_USER] = "alice",
        [NOTIFY_TEXT_HOST] = "host.example",
        [NOTIFY_TEXT_SERVICE] = "sshd",
        [NOTIFY_TEXT_SOURCE] = "192.0.2.7",
        [NOTIFY_TEXT_CODE] = "123456",
};

static NotifyHead head_of(void) {
        return (NotifyHead){ .protocol = NOTIFY_PROTOCOL,
                             .op = NOTIFY_CODE,
                             .id = 7,
                             .time_usec = NOW,
                             .valid_sec = 600 };
}

/* With one text in the place of the good one: does it parse?  packet is kept for what was parsed.
 */
static int with(NotifyText text, const char *value, char *packet, NotifyRequest *ret) {
        const char *texts[_NOTIFY_TEXT_MAX];
        NotifyHead head = head_of();
        ssize_t len;

        memcpy(texts, good, sizeof(texts));
        texts[text] = value;
        len = notify_request_build(&head, texts, packet);
        return len < 0 ? (int)len : notify_request_parse(packet, (size_t)len, ret);
}

static void what_would_be_a_header_is_no_request(void **state) {
        static const struct {
                NotifyText text;
                const char *value;
        } rows[] = {
                { NOTIFY_TEXT_TO, "alice@acme.example\nBcc: eve@evil.example" },
                { NOTIFY_TEXT_TO, "alice@acme.example, eve@evil.example" },
                { NOTIFY_TEXT_TO, "alice@acme.example>\r\nBcc: <eve@evil.example" },
                { NOTIFY_TEXT_TO, "\"alice\"@acme.example" },
                { NOTIFY_TEXT_TO, "alice" },
                { NOTIFY_TEXT_TO, "<alice@acme.example>" },
                { NOTIFY_TEXT_TO, "alice@acme.example (eve)" },
                { NOTIFY_TEXT_FULL_NAME, "Alice\nBcc: eve@evil.example" },
                { NOTIFY_TEXT_FULL_NAME, "Alice\r\nBcc: eve@evil.example" },
                { NOTIFY_TEXT_FULL_NAME, "Alice\xc2\x85"
                                         "Bcc: eve@evil.example" },
                { NOTIFY_TEXT_FULL_NAME, "Alice \xff" },
                { NOTIFY_TEXT_USER, "al ice" },
                { NOTIFY_TEXT_USER, "alice\n" },
                { NOTIFY_TEXT_HOST, "host\nBcc: eve@evil.example" },
                { NOTIFY_TEXT_HOST, "host name" },
                { NOTIFY_TEXT_SERVICE, "sshd\n\n.\n" },
                { NOTIFY_TEXT_SOURCE, "192.0.2.7\nX: y" },
                { NOTIFY_TEXT_CODE, "12345" },
                { NOTIFY_TEXT_CODE, "123456\n" },
                { NOTIFY_TEXT_CODE, "12345a" },
                { NOTIFY_TEXT_CODE, NULL },
                { NOTIFY_TEXT_TO, NULL },
                { NOTIFY_TEXT_HOST, NULL },
        };
        char packet[NOTIFY_PACKET_MAX];
        NotifyRequest request;

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                if (with(rows[i].text, rows[i].value, packet, &request) != -EBADMSG)
                        fail_msg("row %zu", i);
        assert_int_equal(with(NOTIFY_TEXT_TO, "alice@acme.example", packet, &request), 0);
        assert_int_equal(with(NOTIFY_TEXT_FULL_NAME, NULL, packet, &request), 0);
        assert_int_equal(with(NOTIFY_TEXT_SOURCE, NULL, packet, &request), 0);
        assert_string_equal(request.text[NOTIFY_TEXT_SOURCE], "");
}

static void a_packet_that_is_not_whole_is_none(void **state) {
        char packet[NOTIFY_PACKET_MAX], broken[NOTIFY_PACKET_MAX];
        NotifyHead head = head_of();
        NotifyRequest request;
        ssize_t len = notify_request_build(&head, good, packet);

        assert_true(len > 0);
        assert_int_equal(notify_request_parse(packet, (size_t)len, &request), 0);
        for (size_t cut = 0; cut < (size_t)len; cut++)
                assert_int_equal(notify_request_parse(packet, cut, &request), -EBADMSG);
        packet[len] = 'x';
        assert_int_equal(notify_request_parse(packet, (size_t)len + 1, &request), -EBADMSG);
        for (size_t at = 0; at < offsetof(NotifyHead, id); at++) {
                memcpy(broken, packet, sizeof(broken));
                broken[at] = (char)(broken[at] ^ 0x40);
                assert_int_equal(notify_request_parse(broken, (size_t)len, &request), -EBADMSG);
        }
        head.op = NOTIFY_PING; /* which has no texts */
        len = notify_request_build(&head, good, packet);
        assert_int_equal(notify_request_parse(packet, (size_t)len, &request), -EBADMSG);
        head = (NotifyHead){ .protocol = NOTIFY_PROTOCOL, .op = NOTIFY_PING };
        assert_int_equal(notify_request_parse(&head, sizeof(head), &request), 0);
}

static void longest_texts_have_room(void **state) {
        char to[BASE_EMAIL_MAX + 1], name[BASE_GECOS_MAX + 1], packet[NOTIFY_PACKET_MAX];
        _cleanup_secret_ Secret *message = NULL;
        const char *texts[_NOTIFY_TEXT_MAX];
        NotifyHead head = head_of();
        NotifyRequest request;
        ssize_t len;

        memcpy(texts, good, sizeof(texts));
        memset(to, 'a', sizeof(to));
        to[BASE_EMAIL_MAX] = '\0';
        to[64] = '@';
        for (size_t at = 64 + 60; at < BASE_EMAIL_MAX - 1; at += 60)
                to[at] = '.';
        for (size_t at = 0; at + 3 <= BASE_GECOS_MAX; at += 3)
                memcpy(name + at, "\xe2\x82\xac", 3);
        name[BASE_GECOS_MAX / 3 * 3] = '\0';
        texts[NOTIFY_TEXT_TO] = to;
        texts[NOTIFY_TEXT_FULL_NAME] = name;
        len = notify_request_build(&head, texts, packet);
        assert_int_equal(notify_request_parse(packet, (size_t)len, &request), 0);
        assert_int_equal(notify_message_write(&request, &message), 0);
}

/* ---- the message -------------------------------------------------------------------------- */

static void a_message_is_as_it_has_to_be(void **state) {
        char packet[NOTIFY_PACKET_MAX];
        _cleanup_secret_ Secret *message = NULL;
        NotifyRequest request;
        const char *text, *body;

        assert_int_equal(with(NOTIFY_TEXT_TO, "alice@acme.example", packet, &request), 0);
        assert_int_equal(notify_message_write(&request, &message), 0);
        text = base_secret_bytes(message);
        body = strstr(text, "\n\n");
        assert_non_null(body);
        assert_memory_equal(text,
                            "To: Alice Liddell\n <alice@acme.example>\n"
                            "Subject: Code to log in to host.example\n"
                            "Auto-Submitted: auto-generated\n",
                            108);
        assert_non_null(strstr(body, "\n    123456\n"));
        assert_non_null(strstr(body, "for 10 minutes"));
        assert_non_null(strstr(body, "2026-08-01T09:00:00Z, from 192.0.2.7\n(sshd)"));
        /* no code in what mail systems show and log */
        assert_true(strstr(text, "123456") > body);
}

/* Who gets it must see that it is no login that was asked for. */
static void a_code_for_a_new_password_says_so(void **state) {
        char packet[NOTIFY_PACKET_MAX];
        _cleanup_secret_ Secret *message = NULL;
        NotifyHead head = head_of();
        NotifyRequest request;
        const char *text;
        ssize_t len;

        head.op = NOTIFY_RESET;
        len = notify_request_build(&head, good, packet);
        assert_int_equal(notify_request_parse(packet, (size_t)len, &request), 0);
        assert_int_equal(notify_message_write(&request, &message), 0);
        text = base_secret_bytes(message);
        assert_non_null(strstr(text, "\nSubject: Code to set a new password on host.example\n"));
        assert_non_null(strstr(text, "Your code to set a new password on host.example as alice is\n"
                                     "\n    123456\n"));
        assert_non_null(strstr(text, "by somebody who says that he forgot your password.\n"));
        assert_null(strstr(text, "log in"));
        head.valid_sec = 0;
        len = notify_request_build(&head, good, packet);
        assert_int_equal(notify_request_parse(packet, (size_t)len, &request), -EBADMSG);
}

static void a_name_is_plain_or_encoded(void **state) {
        static const struct {
                const char *name, *phrase;
        } rows[] = {
                { "Alice Liddell", "Alice Liddell" },
                { "", "" },
                { "Li\xc3\xb1 <x>", "=?UTF-8?B?TGnDsSA8eD4=?=" },
                { "\"x\" @y", "=?UTF-8?B?IngiIEB5?=" },
                { "a", "a" },
                { "\xc3\xa4", "=?UTF-8?B?w6Q=?=" },
        };
        char buf[NOTIFY_PHRASE_MAX], name[BASE_GECOS_MAX + 1];
        size_t lines = 0;

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                notify_phrase_write(rows[i].name, buf);
                assert_string_equal(buf, rows[i].phrase);
        }
        for (size_t at = 0; at + 3 <= BASE_GECOS_MAX; at += 3)
                memcpy(name + at, "\xe2\x82\xac", 3);
        name[BASE_GECOS_MAX / 3 * 3] = '\0';
        notify_phrase_write(name, buf);
        for (char *line = strtok(buf, "\n"); line; line = strtok(NULL, "\n")) {
                assert_true(strlen(line) <= 76); /* RFC 2047, section 2 */
                lines++;
        }
        assert_int_equal(lines, 6);
}

/* ---- the program -------------------------------------------------------------------------- */

static void file_put(const char *dir, const char *name, const char *text, mode_t mode) {
        char path[128];
        FILE *file;

        snprintf(path, sizeof(path), "%s/%s", dir, name);
        file = fopen(path, "w");
        assert_non_null(file);
        fputs(text, file);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(chmod(path, mode), 0);
}

static void the_last_file_that_names_one_wins(void **state) {
        char dir[] = "/tmp/um-test-notify-XXXXXX", vendor[64], local[64], drop_ins[64], one[64],
             two[64], text[256], found[BASE_PATH_MAX + 1], path[128];
        static const char *const names[] = { "vendor", "local", "d/1.conf", "d/2.conf",
                                             "one",    "two",   "d" };
        const NotifyPaths paths = { NULL, vendor, local, drop_ins };
        const NotifyPaths given = { two, vendor, local, drop_ins };

        assert_non_null(mkdtemp(dir));
        snprintf(vendor, sizeof(vendor), "%s/vendor", dir);
        snprintf(local, sizeof(local), "%s/local", dir);
        snprintf(drop_ins, sizeof(drop_ins), "%s/d", dir);
        snprintf(one, sizeof(one), "%s/one", dir);
        snprintf(two, sizeof(two), "%s/two", dir);
        assert_int_equal(mkdir(drop_ins, 0700), 0);
        file_put(dir, "one", "#!/bin/sh\n", 0700);
        file_put(dir, "two", "#!/bin/sh\n", 0700);
        (void)notify_sendmail_find(&paths, found);
        assert_string_equal(found, NOTIFY_SENDMAIL);
        snprintf(text, sizeof(text), "#sendmail = /nowhere\nshell = /bin/sh\n  sendmail =\t%s \n",
                 one);
        file_put(dir, "vendor", text, 0600);
        assert_int_equal(notify_sendmail_find(&paths, found), NOTIFY_OK);
        assert_string_equal(found, one);
        file_put(dir, "local", "sendmail = /nowhere/at-all\n", 0600);
        assert_int_equal(notify_sendmail_find(&paths, found), NOTIFY_MISSING);
        snprintf(text, sizeof(text), "sendmail=%s", two);
        file_put(drop_ins, "2.conf", text, 0600);
        snprintf(text, sizeof(text), "sendmail=%s", one);
        file_put(drop_ins, "1.conf", text, 0600);
        assert_int_equal(notify_sendmail_find(&paths, found), NOTIFY_OK);
        assert_string_equal(found, two);
        assert_int_equal(chmod(two, 0600), 0); /* not to be run */
        assert_int_equal(notify_sendmail_find(&given, found), NOTIFY_MISSING);
        file_put(drop_ins, "2.conf", "sendmail = bin/relative\n", 0600);
        assert_int_equal(notify_sendmail_find(&paths, found), NOTIFY_MISSING);
        snprintf(text, sizeof(text), "sendmail = %s\n", dir); /* a folder */
        file_put(drop_ins, "2.conf", text, 0600);
        assert_int_equal(notify_sendmail_find(&paths, found), NOTIFY_MISSING);
        for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
                snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
                assert_int_equal(remove(path), 0);
        }
        assert_int_equal(rmdir(dir), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_would_be_a_header_is_no_request),
                cmocka_unit_test(a_packet_that_is_not_whole_is_none),
                cmocka_unit_test(longest_texts_have_room),
                cmocka_unit_test(a_message_is_as_it_has_to_be),
                cmocka_unit_test(a_code_for_a_new_password_says_so),
                cmocka_unit_test(a_name_is_plain_or_encoded),
                cmocka_unit_test(the_last_file_that_names_one_wins),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
