/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The packets between umd and um-fido: what is built is read as it was, whatever is cut, longer or
 * does not belong is refused whole. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "um_fido/um_fido.h"

static const uint8_t some_key[TOKEN_KEY_BYTES] = { 1, 2, 3 };
static const uint8_t long_id[TOKEN_ID_MAX + 1];

static TokenRequest full(void) {
        TokenRequest request = { .head = { .protocol = TOKEN_PROTOCOL,
                                           .op = TOKEN_MAKE,
                                           .id = 7,
                                           .flags = TOKEN_FLAG_VERIFY,
                                           .uid = 70000,
                                           .client_data = { 9 },
                                           .credential_count = 2 },
                                 .rp = "um:aa",
                                 .name = "alice",
                                 .pin = "1234" };

        request.credentials[0] = (TokenCredential){ 0, some_key, (const uint8_t *)"id", 2 };
        request.credentials[1] =
                (TokenCredential){ TOKEN_FLAG_VERIFY, some_key, long_id, TOKEN_ID_MAX };
        return request;
}

static void what_is_built_is_read(void **state) {
        TokenRequest request = full(), read;
        char packet[TOKEN_PACKET_MAX];
        ssize_t len = token_request_build(&request, packet);

        assert_true(len > 0);
        assert_int_equal(token_request_parse(packet, (size_t)len, &read), 0);
        assert_int_equal(read.head.id, 7);
        assert_int_equal(read.head.uid, 70000);
        assert_int_equal(read.head.client_data[0], 9);
        assert_string_equal(read.rp, "um:aa");
        assert_string_equal(read.name, "alice");
        assert_string_equal(read.pin, "1234");
        assert_int_equal(read.head.credential_count, 2);
        assert_int_equal(read.credentials[0].id_bytes, 2);
        assert_memory_equal(read.credentials[0].id, "id", 2);
        assert_memory_equal(read.credentials[0].key, some_key, sizeof(some_key));
        assert_int_equal(read.credentials[1].flags, TOKEN_FLAG_VERIFY);
        assert_int_equal(read.credentials[1].id_bytes, TOKEN_ID_MAX);
}

static void a_packet_of_another_length_is_none(void **state) {
        TokenRequest request = full(), read;
        char packet[TOKEN_PACKET_MAX + 1] = { 0 };
        ssize_t len = token_request_build(&request, packet);

        for (size_t cut = 0; cut < (size_t)len; cut++)
                assert_int_equal(token_request_parse(packet, cut, &read), -EBADMSG);
        assert_int_equal(token_request_parse(packet, (size_t)len + 1, &read), -EBADMSG);
}

static void the_largest_fits_and_more_is_refused(void **state) {
        static const char long_pin[TOKEN_PIN_MAX + 2] = { [0 ... TOKEN_PIN_MAX] = '1',
                                                          [TOKEN_PIN_MAX + 1] = '\0' };
        TokenRequest request = full();
        char packet[TOKEN_PACKET_MAX];

        request.head.credential_count = TOKEN_CREDENTIALS_MAX;
        for (size_t i = 0; i < TOKEN_CREDENTIALS_MAX; i++)
                request.credentials[i] = request.credentials[1];
        request.pin = long_pin + 1;
        assert_true(token_request_build(&request, packet) > 0);
        request.pin = long_pin;
        assert_int_equal(token_request_build(&request, packet), -EMSGSIZE);
        request = full();
        request.credentials[1].id_bytes++;
        assert_int_equal(token_request_build(&request, packet), -EMSGSIZE);
        request.credentials[1].id_bytes = 0;
        assert_int_equal(token_request_build(&request, packet), -EMSGSIZE);
        request = full();
        request.head.credential_count = TOKEN_CREDENTIALS_MAX + 1;
        assert_int_equal(token_request_build(&request, packet), -EMSGSIZE);
}

/* A request of that operation with what it takes at least. */
static TokenRequest least(TokenOp op) {
        TokenRequest request = { .head = { .protocol = TOKEN_PROTOCOL, .op = op, .id = 1 } };

        if (op == TOKEN_CANCEL) {
                request.head.target = 5;
                return request;
        }
        request.rp = "um:aa";
        if (op == TOKEN_MAKE)
                request.name = "alice";
        else {
                request.head.credential_count = 1;
                request.credentials[0] = (TokenCredential){ 0, some_key, (const uint8_t *)"id", 2 };
        }
        return request;
}

static int read_again(const TokenRequest *request) {
        char packet[TOKEN_PACKET_MAX];
        ssize_t len = token_request_build(request, packet);
        TokenRequest read;

        assert_true(len > 0);
        return token_request_parse(packet, (size_t)len, &read);
}

static void what_an_operation_does_not_take_is_refused(void **state) {
        for (TokenOp op = TOKEN_LOOK; op < _TOKEN_OP_MAX; op++) {
                TokenRequest request = least(op);

                assert_int_equal(read_again(&request), 0);
                request.head.protocol++;
                assert_int_equal(read_again(&request), -EBADMSG);
                request = least(op);
                request.head.flags = op == TOKEN_MAKE ? TOKEN_FLAG_NEW : TOKEN_FLAG_VERIFY;
                assert_int_equal(read_again(&request), -EBADMSG);
                request = least(op);
                request.head.target = op == TOKEN_CANCEL ? 0 : 5;
                assert_int_equal(read_again(&request), -EBADMSG);
                request = least(op);
                request.rp = op == TOKEN_CANCEL ? "um:aa" : NULL;
                assert_int_equal(read_again(&request), -EBADMSG);
                request = least(op);
                request.name = op == TOKEN_MAKE ? NULL : "alice";
                assert_int_equal(read_again(&request), -EBADMSG);
                request = least(op);
                request.pin = "1234";
                assert_int_equal(read_again(&request),
                                 op == TOKEN_LOOK || op == TOKEN_CANCEL ? -EBADMSG : 0);
        }
}

static void what_is_looked_for_is_said(void **state) {
        TokenRequest request = least(TOKEN_LOOK);

        request.head.credential_count = 0;
        assert_int_equal(read_again(&request), -EBADMSG);
        request.head.flags = TOKEN_FLAG_NEW;
        assert_int_equal(read_again(&request), 0);
        request = least(TOKEN_ASSERT);
        request.head.credential_count = 0;
        assert_int_equal(read_again(&request), -EBADMSG);
        request = least(TOKEN_ASSERT);
        request.head.op = 0;
        assert_int_equal(read_again(&request), -EBADMSG);
        request.head.op = _TOKEN_OP_MAX;
        assert_int_equal(read_again(&request), -EBADMSG);
}

static void an_answer_is_whole_or_none(void **state) {
        const TokenAnswer good = {
                .protocol = TOKEN_PROTOCOL, .op = TOKEN_MAKE, .result = TOKEN_OK, .id_bytes = 5
        };
        TokenAnswer answer = good, read;

        assert_int_equal(token_answer_parse(&answer, sizeof(answer), &read), 0);
        assert_int_equal(token_answer_parse(&answer, sizeof(answer) - 1, &read), -EBADMSG);
        answer.id_bytes = 0; /* one that was made has an id */
        assert_int_equal(token_answer_parse(&answer, sizeof(answer), &read), -EBADMSG);
        answer.id_bytes = TOKEN_ID_MAX + 1;
        assert_int_equal(token_answer_parse(&answer, sizeof(answer), &read), -EBADMSG);
        answer = good;
        answer.op = TOKEN_ASSERT;
        assert_int_equal(token_answer_parse(&answer, sizeof(answer), &read), -EBADMSG);
        answer = good;
        answer.result = _TOKEN_RESULT_MAX;
        assert_int_equal(token_answer_parse(&answer, sizeof(answer), &read), -EBADMSG);
        answer = good;
        answer.which = TOKEN_CREDENTIALS_MAX;
        assert_int_equal(token_answer_parse(&answer, sizeof(answer), &read), -EBADMSG);
        answer = good;
        answer.verified = 2;
        assert_int_equal(token_answer_parse(&answer, sizeof(answer), &read), -EBADMSG);
        answer = good;
        answer.zero = 1;
        assert_int_equal(token_answer_parse(&answer, sizeof(answer), &read), -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_built_is_read),
                cmocka_unit_test(a_packet_of_another_length_is_none),
                cmocka_unit_test(the_largest_fits_and_more_is_refused),
                cmocka_unit_test(what_an_operation_does_not_take_is_refused),
                cmocka_unit_test(what_is_looked_for_is_said),
                cmocka_unit_test(an_answer_is_whole_or_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
