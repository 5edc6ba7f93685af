/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real um-quality as a process: a table of passwords and all that is wrong with each, lists
 * that are there, changed, missing and damaged, packets that are none. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "tests/unit/service.h"
#include "um_quality/um_quality.h"

#define ALL (QUALITY_FLAG_SIMILARITY | QUALITY_FLAG_DICTIONARY | QUALITY_FLAG_BREACHED)

/* SHA-1 of "Known-from-leaks-7", as sha1sum(1) has it, between two that are nobody's. */
#define BREACH_LOW  "0000000000000000000000000000000000000001:5\r\n"
#define BREACH_HIGH "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFE:1\r\n"
#define BREACH_HIT  "569767DE05D8A52BF0FEB1440E25067EFD30CB2B:12\r\n"

static const char *program; /* argv[1], set once */

typedef struct Rig {
        Service service;
        char dir[40], banned[64], breach[64];
} Rig;

static void file_write(const char *path, const char *text, size_t len) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, len), len);
        assert_int_equal(close(fd), 0);
}

static void text_write(const char *path, const char *text) {
        file_write(path, text, strlen(text));
}

static int rig_start(void **state, bool by_hand, const char *dictionary) {
        Rig *rig = calloc(1, sizeof(*rig));
        char uid[16];
        const char *argv[] = { program,    "--banned-words",
                               NULL,       "--peer-uid",
                               uid,        dictionary ? "--dictionary" : NULL,
                               dictionary, NULL };

        assert_non_null(rig);
        snprintf(uid, sizeof(uid), "%u", geteuid());
        snprintf(rig->dir, sizeof(rig->dir), "/tmp/um-test-quality-XXXXXX");
        assert_non_null(mkdtemp(rig->dir));
        snprintf(rig->banned, sizeof(rig->banned), "%s/banned-words", rig->dir);
        snprintf(rig->breach, sizeof(rig->breach), "%s/breach", rig->dir);
        text_write(rig->banned, "# our own\n\nAcmeCorp\n  Ünsinn \r\nblue moon\n");
        text_write(rig->breach, BREACH_LOW BREACH_HIT BREACH_HIGH);
        argv[2] = rig->banned;
        service_start(&rig->service, by_hand, argv);
        *state = rig;
        return 0;
}

static int setup(void **state) {
        return rig_start(state, true, NULL);
}

static int listening_setup(void **state) {
        return rig_start(state, false, NULL);
}

static int no_dictionary_setup(void **state) {
        return rig_start(state, true, "/nowhere/cracklib_dict");
}

/* As somebody whom /etc/passwd does not know, and who can read neither list. */
static int nobody_setup(void **state) {
        Rig *rig = calloc(1, sizeof(*rig));
        const char *argv[] = { "/usr/bin/setpriv",
                               "--reuid=2000000123",
                               "--clear-groups",
                               program,
                               "--banned-words",
                               NULL,
                               "--peer-uid",
                               "0",
                               NULL };

        assert_non_null(rig);
        snprintf(rig->dir, sizeof(rig->dir), "/tmp/um-test-quality-XXXXXX");
        assert_non_null(mkdtemp(rig->dir));
        snprintf(rig->banned, sizeof(rig->banned), "%s/banned-words", rig->dir);
        snprintf(rig->breach, sizeof(rig->breach), "%s/breach", rig->dir);
        text_write(rig->banned, "AcmeCorp\n");
        text_write(rig->breach, BREACH_LOW BREACH_HIT BREACH_HIGH);
        argv[5] = rig->banned;
        service_start(&rig->service, true, argv);
        *state = rig;
        return 0;
}

static int teardown(void **state) {
        Rig *rig = *state;
        int status = service_stop(&rig->service);

        unlink(rig->banned);
        unlink(rig->breach);
        rmdir(rig->dir);
        free(rig);
        return status;
}

static void head_send(int fd, const QualityHead *head, const char *const *text) {
        char packet[QUALITY_PACKET_MAX];
        ssize_t len = quality_request_build(head, text, packet);

        assert_true(len > 0);
        packet_send(fd, packet, (size_t)len);
}

static QualityAnswer answer_receive(int fd, const QualityHead *head) {
        char packet[QUALITY_PACKET_MAX];
        ssize_t n = packet_receive(fd, packet, sizeof(packet));
        QualityAnswer answer;

        assert_true(n > 0);
        assert_int_equal(quality_answer_parse(packet, (size_t)n, &answer), 0);
        assert_int_equal(answer.id, head->id);
        assert_int_equal(answer.op, head->op);
        assert_int_equal(answer.fault, 0);
        return answer;
}

static QualityAnswer ask(const Rig *rig, QualityOp op, uint32_t flags, const char *password,
                         const char *old) {
        static const QualityHead shipped = { .protocol = QUALITY_PROTOCOL, .min_length = 12 };
        const char *const text[_QUALITY_TEXT_MAX] = { password,
                                                      old,
                                                      "anna-maria",
                                                      "Änne O'Leary-Sumner",
                                                      "anna.quark@mail.exemplum.org",
                                                      rig->breach };
        QualityHead head = shipped;

        head.op = op;
        head.id = 0x123456789abcdefU;
        head.flags = flags;
        head_send(rig->service.fd, &head, text);
        return answer_receive(rig->service.fd, &head);
}

static uint32_t failed(const Rig *rig, uint32_t flags, const char *password, const char *old) {
        return ask(rig, QUALITY_CHECK, flags, password, old).failed;
}

#define BIT(c) (1U << QUALITY_##c)

static void every_condition_that_fails_is_told_at_once(void **state) {
        static const struct {
                const char *password, *old;
                uint32_t flags, failed;
        } rows[] = {
                { "correct horse battery staple", NULL, ALL, 0 },
                { "Grünes Käsebrot um Mitternacht", NULL, ALL, 0 },
                { "tr0ub4dor&3xkcd!", "something else 44", ALL, 0 },
                { "Zq7", NULL, ALL, BIT(TOO_SHORT) },
                { "a", NULL, ALL, BIT(TOO_SHORT) },
                { "password", NULL, ALL, BIT(TOO_SHORT) | BIT(IS_WORD) },
                { "password", NULL, 0, BIT(TOO_SHORT) },
                { "passwords123", NULL, ALL, BIT(IS_WORD) },
                { "abcdefghijklmnop", NULL, ALL, BIT(IS_WORD) },
                { "gnilratssnarling", NULL, ALL & ~QUALITY_FLAG_DICTIONARY, 0 },
                { "kajak-7!7-kajak", NULL, ALL, BIT(PALINDROME) },
                /* the old one */
                { "Wonder-land-9", "Wonder-land-9", 0, BIT(LIKE_OLD) },
                { "Wonder-land-9", "Wonder-land-9", ALL, BIT(LIKE_OLD) },
                { "Wonder-land-10", "Wonder-land-9", ALL, BIT(LIKE_OLD) },
                { "Wonder-land-10", "Wonder-land-9", 0, 0 },
                { "wONDER-LAND-9", "Wonder-land-9", ALL, BIT(LIKE_OLD) },
                { "land-9Wonder-", "Wonder-land-9", ALL, BIT(LIKE_OLD) },
                { "Wander-lust-9f!Q", "Wonder-land-9", ALL, 0 },
                /* names */
                { "my ANNA is great", NULL, ALL, BIT(HAS_NAME) | BIT(HAS_EMAIL) },
                { "the airam-anna way", NULL, ALL, BIT(HAS_NAME) | BIT(HAS_EMAIL) },
                { "it's ännely weather", NULL, ALL, BIT(HAS_FULL) },
                { "a warm renmus evening", NULL, ALL, BIT(HAS_FULL) },
                { "strangequarks&co", NULL, ALL, BIT(HAS_EMAIL) },
                { "exemplumexemplis", NULL, ALL, BIT(HAS_EMAIL) },
                { "an organ at org 5", NULL, ALL, 0 }, /* top level: no word of the address */
                { "strangequarks&co", NULL, ALL & ~QUALITY_FLAG_SIMILARITY, 0 },
                { "anna-maria", NULL, 0, BIT(TOO_SHORT) | BIT(HAS_NAME) },
                /* our own words */
                { "Hail ACMECORP 2031", NULL, ALL, BIT(HAS_BANNED) },
                { "rather proCemca so", NULL, ALL, BIT(HAS_BANNED) },
                { "lauter ÜNSINNiges", NULL, ALL, BIT(HAS_BANNED) },
                { "once in a Blue Moon", NULL, ALL, BIT(HAS_BANNED) },
                { "once in a bluemoon", NULL, ALL, 0 },
                { "Hail ACMECORP 2031", NULL, ALL & ~QUALITY_FLAG_DICTIONARY, 0 },
                /* leaks */
                { "Known-from-leaks-7", NULL, ALL, BIT(IS_BREACHED) },
                { "Known-from-leaks-7", NULL, ALL & ~QUALITY_FLAG_BREACHED, 0 },
                { "Known-from-leaks-8", NULL, ALL, 0 },
                /* many */
                { "acmecorpanna", "Acmecorpanna1", ALL,
                  BIT(LIKE_OLD) | BIT(HAS_NAME) | BIT(HAS_EMAIL) | BIT(HAS_BANNED) },
        };
        const Rig *rig = *state;

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                uint32_t got = failed(rig, rows[i].flags, rows[i].password, rows[i].old);

                if (got != rows[i].failed)
                        fail_msg("\"%s\": %x instead of %x", rows[i].password, got, rows[i].failed);
        }
}

static void length_and_classes_count_characters(void **state) {
        static const struct {
                const char *password;
                unsigned length, classes;
        } rows[] = {
                { "abc", 3, 1 },
                { "aB3!", 4, 4 },
                { "äÖ", 2, 2 },
                { "éééééééééééé", 12, 1 },
                { "\xff\xfe\xc3", 3, 1 }, /* no UTF-8: bytes, all of them "other" */
                { "日本語のパスワード", 9, 1 },
        };
        const Rig *rig = *state;

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                QualityAnswer answer = ask(rig, QUALITY_CHECK, 0, rows[i].password, NULL);

                assert_int_equal(answer.length, rows[i].length);
                assert_int_equal(answer.classes, rows[i].classes);
                assert_int_equal(answer.failed, rows[i].length < 12 ? BIT(TOO_SHORT) : 0);
        }
}

static void classes_are_asked_for(void **state) {
        const Rig *rig = *state;
        const char *const text[_QUALITY_TEXT_MAX] = { "lower and 1 digit" };
        QualityHead head = { .protocol = QUALITY_PROTOCOL, .op = QUALITY_CHECK, .id = 3 };

        for (head.classes = 0; head.classes <= QUALITY_CLASSES_MAX; head.classes++) {
                QualityAnswer answer;

                head_send(rig->service.fd, &head, text);
                answer = answer_receive(rig->service.fd, &head);
                assert_int_equal(answer.classes, 3);
                assert_int_equal(answer.failed, head.classes > 3 ? BIT(TOO_FEW) : 0);
        }
}

/* ---- what is not there ----------------------------------------------------------------------- */

static void sources_are(const Rig *rig, QualityOp op, QualityState dictionary, QualityState banned,
                        QualityState breach) {
        const char *password = op == QUALITY_CHECK ? "Known-from-leaks-7" : NULL;
        QualityAnswer answer = ask(rig, op, ALL, password, NULL);

        assert_int_equal(answer.source[QUALITY_SOURCE_DICTIONARY], dictionary);
        assert_int_equal(answer.source[QUALITY_SOURCE_BANNED], banned);
        assert_int_equal(answer.source[QUALITY_SOURCE_BREACH], breach);
        if (op == QUALITY_PING)
                assert_int_equal(answer.failed, 0);
}

static void a_dictionary_that_is_missing_is_told_and_the_rest_holds(void **state) {
        const Rig *rig = *state;

        sources_are(rig, QUALITY_PING, QUALITY_STATE_MISSING, QUALITY_STATE_OK, QUALITY_STATE_OK);
        assert_int_equal(failed(rig, ALL, "passwords123", NULL), 0);
        assert_int_equal(failed(rig, ALL, "Hail acmecorp", NULL), BIT(HAS_BANNED));
        assert_int_equal(failed(rig, ALL, "Known-from-leaks-7", NULL), BIT(IS_BREACHED));
}

/* cracklib looks nothing up for one who is not in /etc/passwd; that is no fault of the password. */
static void without_an_entry_of_its_own_the_rest_holds(void **state) {
        Rig *rig = *state;

        if (geteuid() != 0)
                skip();
        sources_are(rig, QUALITY_CHECK, QUALITY_STATE_UNREADABLE, QUALITY_STATE_UNREADABLE,
                    QUALITY_STATE_UNREADABLE);
        assert_int_equal(failed(rig, ALL, "passwords123", NULL), 0);
        assert_int_equal(failed(rig, ALL, "short", NULL), BIT(TOO_SHORT));
}

static void banned_words_are_read_anew_and_bad_lines_left_out(void **state) {
        static const char damaged[] = "abc\ngood-line\n\xff\xff\xff\xff\xff\nwith\0nul\nlast-line";
        const Rig *rig = *state;

        assert_int_equal(unlink(rig->banned), 0);
        sources_are(rig, QUALITY_CHECK, QUALITY_STATE_OK, QUALITY_STATE_OK, QUALITY_STATE_OK);
        assert_int_equal(failed(rig, ALL, "Hail acmecorp", NULL), 0);
        file_write(rig->banned, damaged, sizeof(damaged) - 1);
        sources_are(rig, QUALITY_PING, QUALITY_STATE_OK, QUALITY_STATE_DAMAGED, QUALITY_STATE_OK);
        assert_int_equal(failed(rig, ALL, "so good-lines go", NULL), BIT(HAS_BANNED));
        assert_int_equal(failed(rig, ALL, "so last-lines go", NULL), BIT(HAS_BANNED));
        assert_int_equal(failed(rig, ALL, "abc & with nul xyz", NULL), 0);
        text_write(rig->banned, "");
        sources_are(rig, QUALITY_PING, QUALITY_STATE_OK, QUALITY_STATE_OK, QUALITY_STATE_OK);
        assert_int_equal(truncate(rig->banned, 1024 * 1024 + 1), 0);
        sources_are(rig, QUALITY_PING, QUALITY_STATE_OK, QUALITY_STATE_UNREADABLE,
                    QUALITY_STATE_OK);
        assert_int_equal(unlink(rig->banned), 0);
        assert_int_equal(mkdir(rig->banned, 0700), 0);
        sources_are(rig, QUALITY_PING, QUALITY_STATE_OK, QUALITY_STATE_UNREADABLE,
                    QUALITY_STATE_OK);
        assert_int_equal(rmdir(rig->banned), 0);
}

static void a_breach_file_that_is_none_is_told_and_the_rest_holds(void **state) {
        static const struct {
                const char *text;
                QualityState ping, check;
        } rows[] = {
                { "", QUALITY_STATE_DAMAGED, QUALITY_STATE_DAMAGED },
                { "hello\n", QUALITY_STATE_DAMAGED, QUALITY_STATE_DAMAGED },
                { BREACH_LOW "rubbish\n" BREACH_HIGH, QUALITY_STATE_OK, QUALITY_STATE_DAMAGED },
                { BREACH_HIGH BREACH_LOW BREACH_HIT, QUALITY_STATE_OK, QUALITY_STATE_OK },
                { BREACH_LOW BREACH_LOW BREACH_HIT, QUALITY_STATE_OK, QUALITY_STATE_DAMAGED },
                { BREACH_LOW "FFFF", QUALITY_STATE_DAMAGED, QUALITY_STATE_DAMAGED },
        };
        const Rig *rig = *state;

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                text_write(rig->breach, rows[i].text);
                sources_are(rig, QUALITY_PING, QUALITY_STATE_OK, QUALITY_STATE_OK, rows[i].ping);
                sources_are(rig, QUALITY_CHECK, QUALITY_STATE_OK, QUALITY_STATE_OK, rows[i].check);
                assert_int_equal(failed(rig, ALL, "Hail acmecorp", NULL), BIT(HAS_BANNED));
                /* what was noticed once is told until the file is another */
                sources_are(rig, QUALITY_PING, QUALITY_STATE_OK, QUALITY_STATE_OK, rows[i].check);
        }
        text_write(rig->breach, "0000000000000000000000000000000000000001\n" BREACH_HIT);
        assert_int_equal(failed(rig, ALL, "Known-from-leaks-7", NULL), BIT(IS_BREACHED));
        sources_are(rig, QUALITY_PING, QUALITY_STATE_OK, QUALITY_STATE_OK, QUALITY_STATE_OK);
        assert_int_equal(unlink(rig->breach), 0);
        sources_are(rig, QUALITY_CHECK, QUALITY_STATE_OK, QUALITY_STATE_OK, QUALITY_STATE_MISSING);
        assert_int_equal(mkfifo(rig->breach, 0600), 0);
        sources_are(rig, QUALITY_CHECK, QUALITY_STATE_OK, QUALITY_STATE_OK,
                    QUALITY_STATE_UNREADABLE);
}

/* ---- peers ----------------------------------------------------------------------------------- */

static void a_malformed_packet_drops_that_peer_only(void **state) {
        const Rig *rig = *state;
        const char *const text[_QUALITY_TEXT_MAX] = { "secret-password", "old", "anna", NULL, NULL,
                                                      "/breach" };
        QualityHead head = { .protocol = QUALITY_PROTOCOL, .op = QUALITY_CHECK, .id = 1 };
        char packet[QUALITY_PACKET_MAX + 1] = { 0 }, c;
        ssize_t len = quality_request_build(&head, text, packet);
        int good = service_connect(&rig->service);

        for (size_t n = 0; n <= sizeof(packet); n = n < (size_t)len + 8 ? n + 1 : n * 2 - 1) {
                int fd;

                if (n == (size_t)len)
                        continue;
                fd = service_connect(&rig->service);
                packet_send(fd, packet, n);
                assert_int_equal(packet_receive(fd, &c, 1), 0);
                close(fd);
        }
        head_send(good, &head, text);
        (void)answer_receive(good, &head);
        close(good);
}

static void a_field_that_is_out_of_bounds_is_no_request(void **state) {
        static const QualityHead good = { .protocol = QUALITY_PROTOCOL, .op = QUALITY_CHECK };
        static const char *const text[_QUALITY_TEXT_MAX] = { "secret-password" };
        const char *relative[_QUALITY_TEXT_MAX] = { "secret-password", NULL, NULL, NULL, NULL,
                                                    "breach" };
        QualityHead heads[8];
        char packet[QUALITY_PACKET_MAX], c;

        for (size_t i = 0; i < ARRAY_LENGTH(heads); i++)
                heads[i] = good;
        heads[0].protocol = 2;
        heads[1].op = 0;
        heads[2].op = _QUALITY_OP_MAX;
        heads[3].flags = 8;
        heads[4].min_length = BASE_PASSWORD_MAX + 1;
        heads[5].classes = QUALITY_CLASSES_MAX + 1;
        heads[6].op = QUALITY_PING; /* with a password */
        for (size_t i = 0; i < ARRAY_LENGTH(heads); i++) {
                const Rig *rig = *state;
                int fd = service_connect(&rig->service);
                ssize_t len = quality_request_build(&heads[i], i == 7 ? relative : text, packet);

                packet_send(fd, packet, (size_t)len);
                assert_int_equal(packet_receive(fd, &c, 1), 0);
                close(fd);
        }
}

static void texts_that_are_too_long_are_not_sent(void **state) {
        static char longer[BASE_PASSWORD_MAX + 2];
        static const size_t max[_QUALITY_TEXT_MAX] = { BASE_PASSWORD_MAX, BASE_PASSWORD_MAX,
                                                       BASE_NAME_MAX,     BASE_GECOS_MAX,
                                                       BASE_EMAIL_MAX,    BASE_PATH_MAX };
        QualityHead head = { .protocol = QUALITY_PROTOCOL, .op = QUALITY_CHECK };
        char packet[QUALITY_PACKET_MAX];

        for (QualityText t = 0; t < _QUALITY_TEXT_MAX; t++) {
                const char *text[_QUALITY_TEXT_MAX] = { "secret-password" };
                QualityRequest request;
                ssize_t len;

                memset(longer, '/', max[t]);
                longer[max[t]] = '\0';
                text[t] = longer;
                len = quality_request_build(&head, text, packet);
                assert_true(len > 0);
                assert_int_equal(quality_request_parse(packet, (size_t)len, &request), 0);
                assert_string_equal(request.text[t], longer);
                memset(longer, '/', max[t] + 1);
                longer[max[t] + 1] = '\0';
                assert_int_equal(quality_request_build(&head, text, packet), -EMSGSIZE);
        }
}

static void another_uid_is_not_served(void **state) {
        char other[16], c;
        const char *const argv[] = { program, "--peer-uid", other, NULL };
        Service service;
        int fd;

        snprintf(other, sizeof(other), "%u", geteuid() + 1);
        service_start(&service, false, argv);
        fd = service_connect(&service);
        assert_int_equal(packet_receive(fd, &c, 1), 0);
        close(fd);
        assert_int_equal(service_stop(&service), 0);
}

static void by_hand_it_ends_with_its_peer(void **state) {
        char uid[16];
        const char *const argv[] = { program, "--peer-uid", uid, NULL };
        Service service;

        snprintf(uid, sizeof(uid), "%u", geteuid());
        service_start(&service, true, argv);
        close(service.fd);
        service.fd = -1;
        assert_int_equal(service_wait(&service, NULL, 0), 0);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(every_condition_that_fails_is_told_at_once, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(length_and_classes_count_characters, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(classes_are_asked_for, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        a_dictionary_that_is_missing_is_told_and_the_rest_holds,
                        no_dictionary_setup, teardown),
                cmocka_unit_test_setup_teardown(without_an_entry_of_its_own_the_rest_holds,
                                                nobody_setup, teardown),
                cmocka_unit_test_setup_teardown(banned_words_are_read_anew_and_bad_lines_left_out,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(
                        a_breach_file_that_is_none_is_told_and_the_rest_holds, setup, teardown),
                cmocka_unit_test_setup_teardown(a_malformed_packet_drops_that_peer_only,
                                                listening_setup, teardown),
                cmocka_unit_test_setup_teardown(a_field_that_is_out_of_bounds_is_no_request,
                                                listening_setup, teardown),
                cmocka_unit_test(texts_that_are_too_long_are_not_sent),
                cmocka_unit_test(another_uid_is_not_served),
                cmocka_unit_test(by_hand_it_ends_with_its_peer),
        };

        program = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
