/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The record codec: one encoding for each record, and nothing else decodes. */

#include "tests/unit/store_fixture.h"

typedef struct Encoded {
        uint8_t bytes[1024];
        size_t len;
} Encoded;

static Encoded encoded(const CodecKind *kind, const void *record) {
        CodecBuffer buffer = {};
        Encoded e = {};

        must(codec_encode(kind, record, &buffer));
        assert_true(buffer.len <= sizeof(e.bytes));
        memcpy(e.bytes, buffer.data, buffer.len);
        e.len = buffer.len;
        free(buffer.data);
        return e;
}

/* 0 where it decodes; then it must encode to the same bytes. */
static int decoded(const CodecKind *kind, const uint8_t *bytes, size_t len) {
        _cleanup_free_ uint8_t *exact = malloc(len); /* so that a sanitizer sees a read behind it */
        _cleanup_free_ void *record = NULL;
        CodecBuffer again = {};
        int r;

        memcpy(exact, bytes, len);
        r = codec_decode(kind, exact, len, 0, &record, NULL);
        if (r < 0)
                return r;
        must(codec_encode(kind, record, &again));
        assert_int_equal(again.len, len);
        assert_memory_equal(again.data, bytes, len);
        free(again.data);
        return 0;
}

static StoreUser full_user(void) {
        StoreUser user = user_of(70000, "alice");

        user.version = 7;
        user.full_name = "Alice \xc3\x9c";
        user.email = "a@example.org";
        user.status_since_usec = 5;
        user.status_by = 9;
        user.valid_until_usec = 77;
        user.locked = true;
        return user;
}

static const uid_t some_ids[] = { 1, 2, 300, 4000000000 };

static StoreGroup full_group(void) {
        StoreGroup group = group_of(70010, "web");

        group.version = 1;
        group.members = some_ids;
        group.member_count = 4;
        group.owners = some_ids;
        group.owner_count = 1;
        return group;
}

static Meta full_meta(void) {
        return (Meta){ .id = { 1, 2, 3 }, .users = 4, .event_last = 9 };
}

static StoreCredential full_credential(void) {
        return (StoreCredential){ .uid = 5,
                                  .version = 1,
                                  .password = { (const uint8_t *)"\0xy", 3, 1 },
                                  .password_expires_usec = USEC_INFINITY };
}

static const RoleRecord full_role = {
        .role = { .version = 1,
                  .name = "dba",
                  .description = "",
                  .only_kind = 1,
                  .automatic = "kind=person" },
        .lists[ROLE_LIST_PERMIT] = (const uint8_t *)"user.view\0x",
        .lens[ROLE_LIST_PERMIT] = 12,
};
static const SudoRecord full_sudo_group = {
        .group = { .version = 1,
                   .name = "backup",
                   .description = "",
                   .run_as = "root",
                   .run_as_group = "",
                   .broad = true },
        .commands = (const uint8_t *)"/bin/true",
        .commands_len = 10,
};
static const RoleStampRecord full_stamp = { { 1, 2, 3 } };
static const StoreAttributeKind full_attribute = { 1, "cert.x", "why", 5, "eu,us", true, 7, 2 };
static const StorePast full_past = { 70000, { (const uint8_t *)"s", 1, 3 }, 5 };
static const StoreTenant full_tenant = { 1, "acme", "ACME", 50, "member", false, 7, 0 };
static const StoreLockTime lock_time = { 1, 2, { 3 } };
static const StoreSeats full_seats = { "acme", 45, 47, true };

static const AreaRecord full_area = {
        .area = { .version = 1, .name = "crm", .app = "sales" },
        .list = (const uint8_t *)"\2\1crm.deal.view\0see deals",
        .list_len = 26,
};

typedef struct Sample {
        const CodecKind *kind;
        Encoded encoded;
} Sample;

#define SAMPLES_MAX 40U

static size_t samples_make(Sample *samples) {
        static const uint8_t list[] = { 1, 'f', 3, 1, 'a', 0 }; /* "f": "a" -> "" */
        StoreUser user = full_user();
        StoreGroup group = full_group();
        Meta meta = full_meta();
        StoreCredential credential = full_credential();
        StoreGrant grant = {
                .uid = 1, .role = "login", .tenant = "t", .reason = "why", .scope = 2, .over = "web"
        };
        AuditRecord audit = { .entry = audit_of("user.create", "user/a") };
        ValuesRecord values = { .list = list, .list_len = sizeof(list) };
        EventRecord event = { 1, 2, "t", "o" };
        StoreSession session = { 1, 70000, 4711, 5 };
        VaultKeyRecord vault_key = { { 7, 8 } };
        StorePolicyValue policy = { 'c', "local", "password.min-length", "16", 1000, 5 };
        StoreFactor factor = { .version = 1,
                               .uid = 70000,
                               .number = 1,
                               .active = true,
                               .label = "phone",
                               .sealed = { (const uint8_t *)"s", 1, 1 },
                               .next = 9,
                               .credential = (const uint8_t *)"id",
                               .credential_len = 2,
                               .aaguid = (const uint8_t *)"0123456789abcdef",
                               .aaguid_len = 16,
                               .verifies = true };
        static const uint8_t failures[12] = { 5, [8] = 1 };
        LockoutRecord lockout = {
                .lockout = { .uid = 70000, .failed_source = "::1", .failed_service = "sshd" },
                .failures = failures,
                .failures_len = sizeof(failures),
        };
        ThrottleRecord throttle = { .failures = failures, .failures_len = sizeof(failures) };
        static const uint8_t sends[8] = { 5 }, told[11] = { 5, [8] = 1, 'x' };
        NoticesRecord notices = { .notices = { .uid = 70000 },
                                  .list = told,
                                  .list_len = sizeof(told) };
        MailCodeRecord mail_code = {
                .code = { .uid = 70000,
                          .version = 1,
                          .hash = { (const uint8_t *)"h", 1, 1 },
                          .address = "a@b.org" },
                .sends = sends,
                .sends_len = sizeof(sends),
        };
        StoreDevice device = { 1, 70000, (const uint8_t *)"key", 3, "laptop", 5, 1000 };
        Sample made[] = {
                { &codec_user, encoded(&codec_user, &user) },
                { &codec_group, encoded(&codec_group, &group) },
                { &codec_meta, encoded(&codec_meta, &meta) },
                { &codec_credential, encoded(&codec_credential, &credential) },
                { &codec_grant, encoded(&codec_grant, &grant) },
                { &codec_audit, encoded(&codec_audit, &audit) },
                { &codec_values, encoded(&codec_values, &values) },
                { &codec_event, encoded(&codec_event, &event) },
                { &codec_session, encoded(&codec_session, &session) },
                { &codec_vault_key, encoded(&codec_vault_key, &vault_key) },
                { &codec_policy_value, encoded(&codec_policy_value, &policy) },
                { &codec_factor, encoded(&codec_factor, &factor) },
                { &codec_lockout, encoded(&codec_lockout, &lockout) },
                { &codec_throttle, encoded(&codec_throttle, &throttle) },
                { &codec_lock_time, encoded(&codec_lock_time, &lock_time) },
                { &codec_mail_code, encoded(&codec_mail_code, &mail_code) },
                { &codec_notices, encoded(&codec_notices, &notices) },
                { &codec_history, encoded(&codec_history, &full_past) },
                { &codec_role, encoded(&codec_role, &full_role) },
                { &codec_role_stamp, encoded(&codec_role_stamp, &full_stamp) },
                { &codec_tenant, encoded(&codec_tenant, &full_tenant) },
                { &codec_attribute, encoded(&codec_attribute, &full_attribute) },
                { &codec_device, encoded(&codec_device, &device) },
                { &codec_area, encoded(&codec_area, &full_area) },
                { &codec_seats, encoded(&codec_seats, &full_seats) },
                { &codec_sudo_group, encoded(&codec_sudo_group, &full_sudo_group) },
        };

        _Static_assert(ARRAY_LENGTH(made) <= SAMPLES_MAX, "room for all");
        memcpy(samples, made, sizeof(made));
        return ARRAY_LENGTH(made);
}

static void each_kind_decodes_as_itself_alone(void **state) {
        Sample samples[SAMPLES_MAX];
        size_t count = samples_make(samples);

        for (size_t i = 0; i < count; i++)
                for (size_t k = 0; k < count; k++)
                        assert_int_equal(decoded(samples[k].kind, samples[i].encoded.bytes,
                                                 samples[i].encoded.len),
                                         i == k ? 0 : -EBADMSG);
}

static void no_beginning_of_a_record_is_one(void **state) {
        Sample samples[SAMPLES_MAX];
        size_t count = samples_make(samples);

        for (size_t i = 0; i < count; i++) {
                Encoded *e = &samples[i].encoded;

                for (size_t len = 0; len < e->len; len++)
                        assert_int_equal(decoded(samples[i].kind, e->bytes, len), -EBADMSG);
                assert_int_equal(decoded(samples[i].kind, e->bytes, e->len + 1), -EBADMSG);
                for (size_t len = CODEC_HEADER_BYTES; len < e->len; len++) { /* the total fits */
                        e->bytes[2] = (uint8_t)(len - CODEC_HEADER_BYTES);
                        e->bytes[3] = (uint8_t)((len - CODEC_HEADER_BYTES) >> 8);
                        (void)decoded(samples[i].kind, e->bytes, len); /* or encodes the same */
                }
        }
}

static void a_flipped_bit_is_refused_or_is_another_value(void **state) {
        Sample samples[SAMPLES_MAX];
        size_t count = samples_make(samples), refused = 0, taken = 0;

        for (size_t i = 0; i < count; i++)
                for (size_t bit = 0; bit < samples[i].encoded.len * 8; bit++) {
                        Encoded e = samples[i].encoded;

                        e.bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
                        if (decoded(samples[i].kind, e.bytes, e.len) < 0)
                                refused++;
                        else
                                taken++;
                }
        assert_true(refused > 500 && taken > 500);
}

static void the_header_has_one_value(void **state) {
        Sample samples[SAMPLES_MAX];
        size_t count = samples_make(samples);

        for (size_t i = 0; i < count; i++)
                for (size_t bit = 0; bit < CODEC_HEADER_BYTES * 8; bit++) {
                        Encoded e = samples[i].encoded;

                        e.bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
                        assert_int_equal(decoded(samples[i].kind, e.bytes, e.len), -EBADMSG);
                }
}

/* Records by hand: an event is seq, time, type and, where there is one, object. */
#define SEQ    0x01, 8, 1, 0, 0, 0, 0, 0, 0, 0
#define TIME   0x02, 8, 2, 0, 0, 0, 0, 0, 0, 0
#define TYPE   0x03, 1, 't'
#define OBJECT 0x04, 2, 'o', 'b'

static void every_departure_from_the_form_is_refused(void **state) {
        static const struct {
                const char *what;
                uint8_t fields[40];
                uint8_t len;
                int r;
        } rows[] = {
                { "as it should be", { SEQ, TIME, TYPE, OBJECT }, 27, 0 },
                { "an optional field left out", { SEQ, TIME, TYPE }, 23, 0 },
                { "a mandatory field left out", { SEQ, TYPE, OBJECT }, 17, -EBADMSG },
                { "the last mandatory field left out", { SEQ, TIME }, 20, -EBADMSG },
                { "nothing", { 0 }, 0, -EBADMSG },
                { "an empty field that should be left out",
                  { SEQ, TIME, TYPE, 0x04, 0 },
                  25,
                  -EBADMSG },
                { "an unknown tag at the end",
                  { SEQ, TIME, TYPE, OBJECT, 0x05, 1, 'x' },
                  30,
                  -EBADMSG },
                { "an unknown tag in front", { 0x00, 1, 'x', SEQ, TIME, TYPE }, 26, -EBADMSG },
                { "a field twice", { SEQ, TIME, TYPE, TYPE, OBJECT }, 30, -EBADMSG },
                { "the last field twice", { SEQ, TIME, TYPE, OBJECT, OBJECT }, 31, -EBADMSG },
                { "tags that fall", { TIME, SEQ, TYPE }, 23, -EBADMSG },
                { "a byte behind", { SEQ, TIME, TYPE, OBJECT, 0 }, 28, -EBADMSG },
                { "a tag without a length", { SEQ, TIME, TYPE, 0x04 }, 24, -EBADMSG },
                { "a length beyond the end", { SEQ, TIME, TYPE, 0x04, 3, 'o', 'b' }, 27, -EBADMSG },
                { "a length in a longer form",
                  { SEQ, TIME, TYPE, 0x04, 0x82, 0, 'o', 'b' },
                  28,
                  -EBADMSG },
                { "a length that does not end",
                  { SEQ, TIME, TYPE, 0x04, 0x82, 0x80, 0x80, 0x80, 0x80 },
                  29,
                  -EBADMSG },
                { "a length over 32 bits",
                  { SEQ, TIME, TYPE, 0x04, 0xff, 0xff, 0xff, 0xff, 0x7f },
                  29,
                  -EBADMSG },
                { "a number too short", { 0x01, 4, 1, 0, 0, 0, TIME, TYPE }, 19, -EBADMSG },
                { "a NUL in a text", { SEQ, TIME, TYPE, 0x04, 2, 'o', 0 }, 27, -EBADMSG },
                { "a text that is no UTF-8",
                  { SEQ, TIME, TYPE, 0x04, 2, 0xc3, '(' },
                  27,
                  -EBADMSG },
                { "an overlong character", { SEQ, TIME, TYPE, 0x04, 2, 0xc0, 0xaf }, 27, -EBADMSG },
                { "a surrogate", { SEQ, TIME, TYPE, 0x04, 3, 0xed, 0xa0, 0x80 }, 28, -EBADMSG },
                { "an umlaut", { SEQ, TIME, TYPE, 0x04, 2, 0xc3, 0x9c }, 27, 0 },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                uint8_t record[64] = { 8, 1, rows[i].len };

                memcpy(record + CODEC_HEADER_BYTES, rows[i].fields, rows[i].len);
                if (decoded(&codec_event, record, CODEC_HEADER_BYTES + rows[i].len) != rows[i].r)
                        fail_msg("%s", rows[i].what);
        }
}

static void a_list_is_sorted_without_doubles(void **state) {
        static const struct {
                uint8_t list[8];
                uint8_t len;
                int r;
        } rows[] = {
                { { 1, 0, 0, 0, 2, 0, 0, 0 }, 8, 0 },
                { { 1, 0, 0, 0 }, 4, 0 },
                { { 2, 0, 0, 0, 1, 0, 0, 0 }, 8, -EBADMSG },
                { { 1, 0, 0, 0, 1, 0, 0, 0 }, 8, -EBADMSG },
                { { 1, 0, 0, 0, 2, 0 }, 6, -EBADMSG },
                { { 0 }, 0, -EBADMSG },
                { { 0, 1, 0, 0, 2, 0, 0, 0 }, 8, -EBADMSG }, /* 256, 2: little-endian */
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                static const uint8_t head[] = { 0x01, 8, 1, 0, 0, 0,    0, 0,   0,   0,  0x02,
                                                4,    5, 0, 0, 0, 0x03, 3, 'w', 'e', 'b' };
                static const uint8_t tail[] = { 0x09, 1, 0 };
                uint8_t record[64] = { 4, 1 };
                size_t at = CODEC_HEADER_BYTES;

                memcpy(record + at, head, sizeof(head));
                at += sizeof(head);
                record[at++] = 0x06;
                record[at++] = rows[i].len;
                memcpy(record + at, rows[i].list, rows[i].len);
                at += rows[i].len;
                memcpy(record + at, tail, sizeof(tail));
                at += sizeof(tail);
                record[2] = (uint8_t)(at - CODEC_HEADER_BYTES);
                assert_int_equal(decoded(&codec_group, record, at), rows[i].r);
        }
}

static void values_are_counted_before_they_are_made(void **state) {
        static const struct {
                uint8_t list[12];
                uint8_t len;
                int r;
                size_t count;
        } rows[] = {
                { { 1, 'f', 0 }, 3, 0, 1 },
                { { 1, 'f', 1, 1, 'a' }, 5, 0, 1 },
                { { 1, 'f', 2, 1, 'a' }, 5, 0, 1 },
                { { 1, 'f', 3, 1, 'a', 0, 1, 'g', 0 }, 9, 0, 2 },
                { { 0, 0 }, 2, 0, 1 },
                { { 1, 'f', 4 }, 3, -EBADMSG, 0 },
                { { 1, 'f' }, 2, -EBADMSG, 0 },
                { { 1, 'f', 1 }, 3, -EBADMSG, 0 },
                { { 1, 'f', 3, 1, 'a' }, 5, -EBADMSG, 0 },
                { { 2, 'f' }, 2, -EBADMSG, 0 },
                { { 1, 0xff, 0 }, 3, -EBADMSG, 0 },
                { { 0x81, 0, 'f', 0 }, 4, -EBADMSG, 0 },
                { { 1, 'f', 0, 7 }, 4, -EBADMSG, 0 },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                size_t count = 0, size;

                assert_int_equal(audit_values_measure(rows[i].list, rows[i].len, &count, &size),
                                 rows[i].r);
                assert_int_equal(count, rows[i].count);
        }
}

static void lengths_take_their_shortest_form(void **state) {
        static const uint32_t values[] = { 0, 1, 127, 128, 16383, 16384, 1U << 21, UINT32_MAX };
        static const size_t sizes[] = { 1, 1, 1, 2, 2, 3, 4, 5 };

        for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
                CodecBuffer buffer = {};
                uint32_t value = 1;

                must(codec_buffer_add_varint(&buffer, values[i]));
                assert_int_equal(buffer.len, sizes[i]);
                assert_int_equal(codec_varint_read(buffer.data, buffer.len, &value), sizes[i]);
                assert_int_equal(value, values[i]);
                assert_int_equal(codec_varint_read(buffer.data, buffer.len - 1, &value), -EBADMSG);
                free(buffer.data);
        }
}

static void what_a_record_cannot_hold_is_not_encoded(void **state) {
        _cleanup_free_ char *text = malloc(CODEC_TEXT_MAX + 2);
        CodecBuffer buffer = {};
        StoreUser user = user_of(1, "a");

        memset(text, 'x', CODEC_TEXT_MAX + 1);
        text[CODEC_TEXT_MAX + 1] = '\0';
        user.full_name = text;
        assert_int_equal(codec_encode(&codec_user, &user, &buffer), -EINVAL);
        text[CODEC_TEXT_MAX] = '\0';
        must(codec_encode(&codec_user, &user, &buffer));
        user.full_name = NULL;
        assert_int_equal(codec_encode(&codec_user, &user, &buffer), -EINVAL);
        user.full_name = "\xed\xa0\x80";
        assert_int_equal(codec_encode(&codec_user, &user, &buffer), -EINVAL);
        free(buffer.data);
}

/* The bytes of docs/api/store.md: changing them needs a new version. */
static void the_documented_bytes(void **state) {
        static const uint8_t expected[] = {
                5,    1, 30,  0,   0,   0,                 /* a grant, 30 bytes */
                0x01, 4, 112, 17,  1,   0,                 /* uid 70000 */
                0x02, 5, 'l', 'o', 'g', 'i', 'n',          /* role */
                0x03, 5, 'l', 'o', 'c', 'a', 'l',          /* tenant */
                0x08, 8, 0,   202, 154, 59,  0,   0, 0, 0, /* made_usec 1000000000 */
        };
        StoreGrant grant = { .uid = 70000,
                             .role = "login",
                             .tenant = "local",
                             .until_usec = USEC_INFINITY,
                             .reason = "",
                             .over = "",
                             .made_usec = 1000000000 };
        Encoded e = encoded(&codec_grant, &grant);

        assert_int_equal(e.len, sizeof(expected));
        assert_memory_equal(e.bytes, expected, sizeof(expected));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_kind_decodes_as_itself_alone),
                cmocka_unit_test(no_beginning_of_a_record_is_one),
                cmocka_unit_test(a_flipped_bit_is_refused_or_is_another_value),
                cmocka_unit_test(the_header_has_one_value),
                cmocka_unit_test(every_departure_from_the_form_is_refused),
                cmocka_unit_test(a_list_is_sorted_without_doubles),
                cmocka_unit_test(values_are_counted_before_they_are_made),
                cmocka_unit_test(lengths_take_their_shortest_form),
                cmocka_unit_test(what_a_record_cannot_hold_is_not_encoded),
                cmocka_unit_test(the_documented_bytes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
