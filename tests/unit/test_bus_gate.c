/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The gate's rules, one row each: what a peer may say before BEGIN, what a message may look like,
 * how long it may take, and that nothing is held or left behind. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "wire/wire.h"
#include "umd/bus/gate.h"

#define NOW            (1000 * USEC_PER_SEC)
#define GUID           "0123456789abcdef0123456789abcdef"
#define OK             "OK " GUID "\r\n"
#define HELLO          "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n"
#define BYTES(literal) literal, sizeof(literal) - 1

/* Feeds bytes in pieces of at most `piece`, as far as the gate takes them. */
static size_t feed(Gate *gate, const void *bytes, size_t len, size_t piece) {
        size_t fed = 0;

        while (fed < len) {
                size_t space, n = len - fed < piece ? len - fed : piece;
                void *to;

                assert_int_equal(gate_space(gate, &to, &space), 0);
                if (space == 0)
                        break;
                n = n < space ? n : space;
                memcpy(to, (const char *)bytes + fed, n);
                fed += n;
                if (gate_received(gate, n, NOW) != GATE_OK)
                        break;
        }
        return fed;
}

typedef struct SaslCase {
        const char *title, *bytes;
        size_t len;
        GateState state;
        GateFault fault;
        const char *answer;
} SaslCase;

static const SaslCase sasl_cases[] = {
        { "sd-bus, all at once", BYTES("\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"),
          GATE_OPEN, GATE_OK, "DATA\r\n" OK "AGREE_UNIX_FD\r\n" },
        { "libnss_um", BYTES("\0AUTH EXTERNAL 31303030\r\nBEGIN\r\n"), GATE_OPEN, GATE_OK, OK },
        { "gdbus asks first", BYTES("\0AUTH\r\nAUTH EXTERNAL 31303030\r\n"), GATE_CONFIRMED,
          GATE_OK, "REJECTED EXTERNAL\r\n" OK },
        { "uid in DATA", BYTES("\0AUTH EXTERNAL\r\nDATA 31303030\r\n"), GATE_CONFIRMED, GATE_OK,
          "DATA\r\n" OK },
        { "cancelled, then again", BYTES("\0AUTH EXTERNAL\r\nCANCEL\r\nAUTH EXTERNAL 31303030\r\n"),
          GATE_CONFIRMED, GATE_OK, "DATA\r\nREJECTED EXTERNAL\r\n" OK },
        { "no NUL", BYTES("AUTH EXTERNAL\r\n"), GATE_SHUT, GATE_FAULT_NO_NUL, "" },
        { "ANONYMOUS", BYTES("\0AUTH ANONYMOUS 61\r\nBEGIN\r\n"), GATE_AUTH, GATE_OK,
          "REJECTED EXTERNAL\r\nERROR\r\n" },
        { "DBUS_COOKIE_SHA1", BYTES("\0AUTH DBUS_COOKIE_SHA1 726f6f74\r\n"), GATE_AUTH, GATE_OK,
          "REJECTED EXTERNAL\r\n" },
        { "a word that begins like it", BYTES("\0AUTH EXTERNALLY 31303030\r\n"), GATE_AUTH, GATE_OK,
          "REJECTED EXTERNAL\r\n" },
        { "a fourth refusal", BYTES("\0AUTH\r\nAUTH\r\nAUTH\r\nAUTH\r\n"), GATE_SHUT,
          GATE_FAULT_SASL_REFUSALS,
          "REJECTED EXTERNAL\r\nREJECTED EXTERNAL\r\nREJECTED EXTERNAL\r\n" },
        { "root's uid", BYTES("\0AUTH EXTERNAL 30\r\n"), GATE_SHUT, GATE_FAULT_SASL_UID, "" },
        { "a uid with more behind", BYTES("\0AUTH EXTERNAL 3130303030\r\n"), GATE_SHUT,
          GATE_FAULT_SASL_UID, "" },
        { "a uid that is not hex", BYTES("\0AUTH EXTERNAL 3130303x\r\n"), GATE_SHUT,
          GATE_FAULT_SASL_UID, "" },
        { "two spaces", BYTES("\0AUTH EXTERNAL  31303030\r\n"), GATE_SHUT, GATE_FAULT_SASL_UID,
          "" },
        { "root's uid in DATA", BYTES("\0AUTH EXTERNAL\r\nDATA 30\r\n"), GATE_SHUT,
          GATE_FAULT_SASL_UID, "DATA\r\n" },
        { "a second AUTH", BYTES("\0AUTH EXTERNAL 31303030\r\nAUTH EXTERNAL 31303030\r\n"),
          GATE_SHUT, GATE_FAULT_SASL_ORDER, OK },
        { "descriptors negotiated twice",
          BYTES("\0AUTH EXTERNAL 31303030\r\nNEGOTIATE_UNIX_FD\r\nNEGOTIATE_UNIX_FD\r\n"),
          GATE_SHUT, GATE_FAULT_SASL_ORDER, OK "AGREE_UNIX_FD\r\n" },
        { "BEGIN before AUTH", BYTES("\0BEGIN\r\n"), GATE_AUTH, GATE_OK, "ERROR\r\n" },
        { "a line ended by LF alone", BYTES("\0AUTH EXTERNAL 31303030\nBEGIN\r\n"), GATE_SHUT,
          GATE_FAULT_LINE_CHARACTER, "" },
        { "a NUL in a line", BYTES("\0AUTH EXTERNAL\0\r\n"), GATE_SHUT, GATE_FAULT_LINE_CHARACTER,
          "" },
        { "not yet a line", BYTES("\0AUTH EXTER"), GATE_AUTH, GATE_OK, "" },
};

static void sasl_is_external_and_in_order(void **state) {
        for (size_t i = 0; i < ARRAY_LENGTH(sasl_cases); i++) {
                const SaslCase *c = &sasl_cases[i];

                for (size_t piece = 1; piece <= c->len; piece += c->len - 1) {
                        const char *answer;
                        size_t len;
                        Gate gate;

                        gate_init(&gate, 1000, GUID, NOW);
                        (void)feed(&gate, c->bytes, c->len, piece);
                        answer = gate_answer(&gate, &len);
                        if (gate.state != c->state || gate.fault != c->fault ||
                            len != strlen(c->answer) || memcmp(answer, c->answer, len) != 0)
                                fail_msg("%s: state %u, fault %u, \"%.*s\"", c->title, gate.state,
                                         gate.fault, (int)len, answer);
                        gate_clear(&gate);
                }
        }
}

static void a_sasl_line_has_at_most_1_kib(void **state) {
        char line[2 * GATE_LINE_MAX];
        Gate gate;

        memset(line, 'A', sizeof(line));
        line[0] = '\0';
        gate_init(&gate, 1000, GUID, NOW);
        assert_int_equal(feed(&gate, line, GATE_LINE_MAX + 1, 100), GATE_LINE_MAX + 1);
        assert_int_equal(gate.state, GATE_AUTH);
        (void)feed(&gate, line, 1, 1);
        assert_int_equal(gate.fault, GATE_FAULT_LINE_LENGTH);
        assert_null(gate.buf);
}

static void sasl_has_at_most_4_kib(void **state) {
        char line[GATE_LINE_MAX];
        Gate gate;

        memset(line, 'A', sizeof(line));
        memcpy(line + sizeof(line) - 2, "\r\n", 2);
        gate_init(&gate, 1000, GUID, NOW);
        (void)feed(&gate, BYTES("\0"), 1);
        for (unsigned i = 0; i < GATE_REFUSALS_MAX; i++)
                (void)feed(&gate, line, sizeof(line), sizeof(line));
        assert_int_equal(gate.state, GATE_AUTH);
        (void)feed(&gate, line, sizeof(line), sizeof(line));
        assert_int_equal(gate.fault, GATE_FAULT_SASL_LENGTH);
}

/* ---- messages -------------------------------------------------------------------------------- */

typedef struct Message {
        uint8_t bytes[WIRE_MESSAGE_MAX + 4096];
        size_t len;
} Message;

static void put(Message *m, const void *bytes, size_t len) {
        memcpy(m->bytes + m->len, bytes, len);
        m->len += len;
}

static void put_u32(Message *m, uint32_t value) {
        put(m, &value, sizeof(value));
}

static void put_padding(Message *m) {
        while (m->len % 8 != 0)
                m->bytes[m->len++] = 0;
}

static void put_field(Message *m, uint8_t code, char type, const char *text) {
        const uint8_t head[] = { code, 1, (uint8_t)type, 0 };

        put_padding(m);
        put(m, head, sizeof(head));
        if (type == 'g')
                m->bytes[m->len++] = (uint8_t)strlen(text);
        else
                put_u32(m, (uint32_t)strlen(text));
        put(m, text, strlen(text) + 1);
}

static void put_number_field(Message *m, uint8_t code, uint32_t value) {
        const uint8_t head[] = { code, 1, 'u', 0 };

        put_padding(m);
        put(m, head, sizeof(head));
        put_u32(m, value);
}

static void message_begin(Message *m) {
        const uint8_t head[] = { __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 'l' : 'B', 1, 0, 1 };

        m->len = 0;
        put(m, head, sizeof(head));
        put_u32(m, 0);
        put_u32(m, 7);
        put_u32(m, 0);
}

/* Fills in the lengths; the body is `body_len` bytes of 'x'. */
static void message_end(Message *m, uint32_t body_len) {
        const uint32_t fields = (uint32_t)(m->len - GATE_HEADER_BYTES);

        put_padding(m);
        memset(m->bytes + m->len, 'x', body_len);
        m->len += body_len;
        memcpy(m->bytes + 4, &body_len, sizeof(body_len));
        memcpy(m->bytes + 12, &fields, sizeof(fields));
}

static void message_call(Message *m, uint32_t body_len) {
        message_begin(m);
        put_field(m, 1, 'o', "/org/um1");
        put_field(m, 2, 's', "org.um1.Manager");
        put_field(m, 3, 's', "Status");
        if (body_len > 0)
                put_field(m, 8, 'g', "ay");
        message_end(m, body_len);
}

static void gate_opened(Gate *gate) {
        gate_init(gate, 1000, GUID, NOW);
        assert_int_equal(feed(gate, BYTES(HELLO), sizeof(HELLO)), sizeof(HELLO) - 1);
        assert_int_equal(gate->state, GATE_OPEN);
}

static GateFault fault_of(const Message *m) {
        GateFault fault;
        Gate gate;

        gate_opened(&gate);
        (void)feed(&gate, m->bytes, m->len, 4096);
        fault = gate.fault;
        if (fault != GATE_OK)
                assert_null(gate.buf);
        gate_clear(&gate);
        return fault;
}

static void calls_pass_whole_and_one_at_a_time(void **state) {
        static const size_t pieces[] = { 1, 7, 4096, sizeof(Message) };
        static Message m;
        Message one;

        message_call(&one, 100);
        m.len = 0;
        put(&m, HELLO, sizeof(HELLO) - 1);
        for (int i = 0; i < 3; i++)
                put(&m, one.bytes, one.len);
        for (size_t p = 0; p < ARRAY_LENGTH(pieces); p++) {
                size_t fed = 0, len;
                bool wants_reply;
                Gate gate;

                gate_init(&gate, 1000, GUID, NOW);
                for (int i = 0; i < 3; i++) {
                        const uint8_t *bytes;

                        fed += feed(&gate, m.bytes + fed, m.len - fed, pieces[p]);
                        bytes = gate_message(&gate, &len, &wants_reply);
                        assert_non_null(bytes);
                        assert_int_equal(len, one.len);
                        assert_memory_equal(bytes, one.bytes, len);
                        assert_true(wants_reply);
                        assert_int_equal(gate_consume(&gate, NOW), GATE_OK);
                }
                assert_null(gate_message(&gate, &len, &wants_reply));
                assert_null(gate.buf); /* an idle peer holds nothing */
                assert_true(gate.deadline_usec == USEC_INFINITY);
                gate_clear(&gate);
        }
}

static void a_message_has_at_most_64_kib(void **state) {
        static Message m;
        size_t head_len, len;
        bool wants_reply;
        Gate gate;

        message_call(&m, 8);
        head_len = m.len - 8;
        message_call(&m, (uint32_t)(WIRE_MESSAGE_MAX - head_len));
        assert_int_equal(m.len, WIRE_MESSAGE_MAX);
        gate_opened(&gate);
        assert_int_equal(feed(&gate, m.bytes, m.len, m.len), m.len);
        assert_non_null(gate_message(&gate, &len, &wants_reply));
        assert_int_equal(len, WIRE_MESSAGE_MAX);
        gate_clear(&gate);

        message_call(&m, (uint32_t)(WIRE_MESSAGE_MAX - head_len + 1));
        gate_opened(&gate);
        assert_int_equal(feed(&gate, m.bytes, m.len, 16), 16); /* refused by its header alone */
        assert_int_equal(gate.fault, GATE_FAULT_LENGTH);
}

static void a_length_is_not_believed_before_its_bytes_come(void **state) {
        Message m;
        Gate gate;

        message_call(&m, 60000);
        gate_opened(&gate);
        assert_int_equal(feed(&gate, m.bytes, 15, 15), 15);
        assert_true(gate.size <= GATE_BUFFER_BYTES);
        gate_clear(&gate);
        for (uint32_t shift = 16; shift < 32; shift++) { /* also what would wrap around */
                const uint32_t len = 1U << shift | 0xfff8U;

                message_call(&m, 8);
                memcpy(m.bytes + 4, &len, sizeof(len));
                assert_int_equal(fault_of(&m), GATE_FAULT_LENGTH);
                message_call(&m, 8);
                memcpy(m.bytes + 12, &len, sizeof(len));
                assert_int_equal(fault_of(&m), GATE_FAULT_LENGTH);
        }
}

static void the_fixed_header_is_checked(void **state) {
        static const struct {
                size_t at;
                uint8_t value;
                GateFault fault;
        } cases[] = {
                { 0, 'x', GATE_FAULT_ENDIAN }, { 1, 0, GATE_FAULT_TYPE },
                { 1, 2, GATE_FAULT_TYPE },     { 1, 3, GATE_FAULT_TYPE },
                { 1, 4, GATE_FAULT_TYPE },     { 3, 2, GATE_FAULT_VERSION },
                { 3, 0, GATE_FAULT_VERSION },  { 8, 0, GATE_FAULT_SERIAL },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
                Message m;

                message_call(&m, 0);
                m.bytes[cases[i].at] = cases[i].value;
                assert_int_equal(fault_of(&m), cases[i].fault);
        }
}

static void a_call_without_reply_is_told_apart(void **state) {
        bool wants_reply = true;
        Message m;
        size_t len;
        Gate gate;

        message_call(&m, 0);
        m.bytes[2] = GATE_FLAG_NO_REPLY;
        gate_opened(&gate);
        (void)feed(&gate, m.bytes, m.len, m.len);
        assert_non_null(gate_message(&gate, &len, &wants_reply));
        assert_false(wants_reply);
        gate_clear(&gate);
}

static void the_other_byte_order_is_read(void **state) {
        static const uint8_t other[] = {
                __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 'B' : 'l',
                1,
                0,
                1,
        };
        Message m;
        uint32_t *at;

        message_begin(&m);
        put_field(&m, 1, 'o', "/a");
        put_field(&m, 3, 's', "M");
        message_end(&m, 0);
        memcpy(m.bytes, other, sizeof(other));
        for (size_t i = 4; i < 16; i += 4) {
                at = (uint32_t *)(m.bytes + i);
                *at = __builtin_bswap32(*at);
        }
        at = (uint32_t *)(m.bytes + 20);
        *at = __builtin_bswap32(*at);
        at = (uint32_t *)(m.bytes + 36);
        *at = __builtin_bswap32(*at);
        assert_int_equal(fault_of(&m), GATE_OK);
}

static void no_descriptors(void **state) {
        Message m;
        Gate gate;

        message_begin(&m);
        put_field(&m, 1, 'o', "/a");
        put_field(&m, 3, 's', "M");
        put_number_field(&m, 9, 0);
        message_end(&m, 0);
        assert_int_equal(fault_of(&m), GATE_OK);
        m.bytes[m.len - 4] = 1;
        assert_int_equal(fault_of(&m), GATE_FAULT_DESCRIPTORS);
        gate_opened(&gate);
        assert_int_equal(gate_refuse_descriptors(&gate), GATE_FAULT_DESCRIPTORS);
        assert_int_equal(gate.state, GATE_SHUT);
}

static void header_fields_are_known_typed_and_once(void **state) {
        Message m;

        message_begin(&m); /* no member */
        put_field(&m, 1, 'o', "/a");
        message_end(&m, 0);
        assert_int_equal(fault_of(&m), GATE_FAULT_FIELD_TWICE);

        message_call(&m, 8); /* a body without a signature */
        m.bytes[m.len - 8 - 8] = 4;
        assert_int_not_equal(fault_of(&m), GATE_OK);

        message_begin(&m);
        put_field(&m, 1, 'o', "/a");
        put_field(&m, 3, 's', "M");
        put_field(&m, 3, 's', "M");
        message_end(&m, 0);
        assert_int_equal(fault_of(&m), GATE_FAULT_FIELD_TWICE);

        message_begin(&m);
        put_field(&m, 1, 'o', "/a");
        put_field(&m, 3, 's', "M");
        put_field(&m, 7, 's', ":1.1");
        message_end(&m, 0);
        assert_int_equal(fault_of(&m), GATE_FAULT_SENDER);

        message_begin(&m);
        put_field(&m, 1, 's', "/a"); /* not an object path */
        put_field(&m, 3, 's', "M");
        message_end(&m, 0);
        assert_int_equal(fault_of(&m), GATE_FAULT_FIELD);

        message_begin(&m);
        put_field(&m, 1, 'o', "/a");
        put_field(&m, 3, 's', "M");
        put_field(&m, 10, 'o', "/a"); /* unknown */
        message_end(&m, 0);
        assert_int_equal(fault_of(&m), GATE_FAULT_FIELD);
}

/* Every single byte of the fields set to every value: the gate stays within the message (ASan), and
 * what passes has the same length. */
static void no_byte_of_a_field_leads_outside(void **state) {
        Message good;
        size_t body = 8;

        message_call(&good, (uint32_t)body);
        for (size_t at = GATE_HEADER_BYTES; at < good.len - body; at++)
                for (unsigned value = 0; value < 256; value++) {
                        _cleanup_free_ uint8_t *copy = malloc(good.len);
                        GateHeader header;

                        assert_non_null(copy);
                        memcpy(copy, good.bytes, good.len);
                        copy[at] = (uint8_t)value;
                        assert_true(gate_header_read(copy, &header));
                        (void)gate_fields_check(copy, &header);
                }
}

static void padding_is_zero(void **state) {
        Message m;

        message_begin(&m);
        put_field(&m, 1, 'o', "/a");
        put_field(&m, 3, 's', "M");
        message_end(&m, 0);
        m.bytes[27] = 1; /* between the two */
        assert_int_equal(fault_of(&m), GATE_FAULT_PADDING);
        m.bytes[27] = 0;
        m.bytes[m.len - 1] = 1; /* behind them */
        assert_int_equal(fault_of(&m), GATE_FAULT_PADDING);
}

/* ---- time ------------------------------------------------------------------------------------ */

static void silence_has_a_deadline(void **state) {
        Message m;
        Gate gate;

        gate_init(&gate, 1000, GUID, NOW);
        assert_int_equal(gate_check_deadline(&gate, NOW + GATE_AUTH_USEC - 1), GATE_OK);
        assert_int_equal(gate_check_deadline(&gate, NOW + GATE_AUTH_USEC), GATE_FAULT_DEADLINE);

        gate_opened(&gate);
        assert_int_equal(gate_check_deadline(&gate, USEC_INFINITY - 1), GATE_OK); /* idle is fine */
        message_call(&m, 100);
        (void)feed(&gate, m.bytes, 1, 1);
        assert_true(gate.deadline_usec == NOW + GATE_MESSAGE_USEC);
        (void)feed(&gate, m.bytes + 1, m.len - 2, 50); /* more bytes win no time */
        assert_true(gate.deadline_usec == NOW + GATE_MESSAGE_USEC);
        assert_int_equal(gate_check_deadline(&gate, NOW + GATE_MESSAGE_USEC), GATE_FAULT_DEADLINE);
        assert_null(gate.buf);
}

static void waiting_for_umd_is_not_being_slow(void **state) {
        Message m, two;
        Gate gate;

        message_call(&m, 0);
        two = m;
        put(&two, m.bytes, 20); /* and a piece of the next */
        gate_opened(&gate);
        (void)feed(&gate, two.bytes, two.len, two.len);
        assert_int_equal(gate_check_deadline(&gate, USEC_INFINITY - 1), GATE_OK);
        assert_int_equal(gate_consume(&gate, NOW + 100 * USEC_PER_SEC), GATE_OK);
        assert_true(gate.deadline_usec == NOW + 100 * USEC_PER_SEC + GATE_MESSAGE_USEC);
        gate_clear(&gate);
}

static void shut_is_for_good(void **state) {
        Message m;
        void *to;
        size_t len;
        Gate gate;

        gate_opened(&gate);
        (void)feed(&gate, BYTES("x123456789abcdef"), 16);
        assert_int_equal(gate.fault, GATE_FAULT_ENDIAN);
        message_call(&m, 0);
        assert_int_equal(gate_space(&gate, &to, &len), 0);
        assert_int_equal(len, 0);
        assert_int_equal(gate_received(&gate, 0, NOW), GATE_FAULT_ENDIAN);
        assert_int_equal(gate_consume(&gate, NOW), GATE_FAULT_ENDIAN);
        assert_int_equal(gate_check_deadline(&gate, NOW), GATE_FAULT_ENDIAN);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sasl_is_external_and_in_order),
                cmocka_unit_test(a_sasl_line_has_at_most_1_kib),
                cmocka_unit_test(sasl_has_at_most_4_kib),
                cmocka_unit_test(calls_pass_whole_and_one_at_a_time),
                cmocka_unit_test(a_message_has_at_most_64_kib),
                cmocka_unit_test(a_length_is_not_believed_before_its_bytes_come),
                cmocka_unit_test(the_fixed_header_is_checked),
                cmocka_unit_test(a_call_without_reply_is_told_apart),
                cmocka_unit_test(the_other_byte_order_is_read),
                cmocka_unit_test(no_descriptors),
                cmocka_unit_test(header_fields_are_known_typed_and_once),
                cmocka_unit_test(no_byte_of_a_field_leads_outside),
                cmocka_unit_test(padding_is_zero),
                cmocka_unit_test(silence_has_a_deadline),
                cmocka_unit_test(waiting_for_umd_is_not_being_slow),
                cmocka_unit_test(shut_is_for_good),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
