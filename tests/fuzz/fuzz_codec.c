/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records of the store: what decodes is the one encoding of what it says, and everything else is
 * -EBADMSG.  The first byte chooses the kind of record, the others are read three times: as they
 * are, with their header put right, and as a list of lengths and contents for the kind's fields in
 * their order, so that the fuzzer gets behind the mandatory ones. */

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "umd/store/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const CodecKind *const kinds[] = {
        &codec_meta,      &codec_user,         &codec_credential, &codec_group,
        &codec_grant,     &codec_audit,        &codec_values,     &codec_event,
        &codec_session,   &codec_policy_value, &codec_vault_key,  &codec_lockout,
        &codec_throttle,  &codec_lock_time,    &codec_factor,     &codec_history,
        &codec_mail_code, &codec_notices,      &codec_role,       &codec_role_stamp,
        &codec_tenant,    &codec_attribute,    &codec_device,     &codec_area,
        &codec_seats,     &codec_sudo_group,
};

static void list_check(const ValuesRecord *values) {
        size_t count, bytes;
        int r;

        r = audit_values_measure(values->list, values->list_len, &count, &bytes);
        assert(r == 0 || r == -EBADMSG);
        assert(r < 0 || ((count > 0) == (values->list_len > 0) &&
                         bytes >= count * (sizeof(StoreValue) + 1)));
}

static void texts_check(const CodecKind *kind, const void *record) {
        for (size_t i = 0; i < kind->field_count; i++) {
                const CodecField *field = &kind->fields[i];
                const char *s;

                if (field->type != CODEC_TEXT)
                        continue;
                memcpy(&s, (const char *)record + field->offset, sizeof(s));
                assert(s && strlen(s) <= field->max && codec_text_ok(s, strlen(s)));
        }
}

/* The failures of a count are a list of their own in it. */
static void failures_check(const uint8_t *failures, size_t len) {
        LockoutState state;
        int r = lockout_failures_read(failures, len, &state);

        assert(r == 0 || r == -EBADMSG);
        assert(r < 0 || state.failure_count <= LOCKOUT_FAILURES_MAX);
        for (size_t i = 0; r == 0 && i < state.failure_count; i++)
                assert(state.failures[i].count > 0 &&
                       (i == 0 || state.failures[i].at_usec > state.failures[i - 1].at_usec));
}

/* And the times of a mail code's sends. */
static void sends_check(const uint8_t *sends, size_t len) {
        StoreMailCode code = { 0 };
        int r = mail_code_sends_read(sends, len, &code);

        assert(r == 0 || r == -EBADMSG);
        assert(r < 0 || code.send_count <= STORE_MAIL_SENDS_MAX);
        for (size_t i = 1; r == 0 && i < code.send_count; i++)
                assert(code.sends[i] > code.sends[i - 1]);
}

/* And the notices to a user. */
static void notices_check(const uint8_t *list, size_t len) {
        StoreNotices notices;
        int r = notices_list_read(list, len, &notices);

        assert(r == 0 || r == -EBADMSG);
        for (size_t i = 0; r == 0 && i < notices.count; i++)
                assert(strlen(notices.list[i].text) > 0 &&
                       strlen(notices.list[i].text) <= STORE_NOTICE_MAX);
}

/* And the lists of a role, and the commands of a group. */
static void list_of_texts_check(const uint8_t *list, size_t len) {
        _cleanup_free_ const char **texts = calloc(len / 2 + 1, sizeof(*texts));
        size_t bytes = 0;
        int r;

        assert(texts);
        r = role_list_read(list, len, texts);
        assert(r == 0 || r == -EBADMSG);
        for (size_t t = 0; r == 0 && texts[t]; t++)
                bytes += strlen(texts[t]) + 1;
        assert(r < 0 || bytes == len);
}

static void role_check(const RoleRecord *role) {
        for (size_t i = 0; i < _ROLE_LIST_MAX; i++)
                list_of_texts_check(role->lists[i], role->lens[i]);
}

/* And the permissions of an area. */
static void area_check(const AreaRecord *area) {
        size_t room = area->list_len / 6 < STORE_AREA_MAX ? area->list_len / 6 : STORE_AREA_MAX;
        _cleanup_free_ StoreAreaPermission *permissions = calloc(room + 1, sizeof(*permissions));
        size_t count = 0, bytes = 0;
        int r;

        assert(permissions);
        r = area_list_read(area->list, area->list_len, permissions, &count);
        assert(r == 0 || r == -EBADMSG);
        for (size_t i = 0; r == 0 && i < count; i++)
                bytes += 4 + strlen(permissions[i].name) + strlen(permissions[i].meaning);
        assert(r < 0 || (bytes == area->list_len && count <= room));
}

static void record_check(const CodecKind *kind, const uint8_t *data, size_t len) {
        _cleanup_free_ uint8_t *exact = malloc(len ? len : 1); /* who reads beyond is seen */
        _cleanup_free_ void *record = NULL;
        CodecBuffer again = {};
        void *extra;
        int r;

        assert(exact);
        memcpy(exact, data, len);
        r = codec_decode(kind, exact, len, 8, &record, &extra);
        assert(r == 0 || r == -EBADMSG);
        if (r < 0)
                return;
        memset(extra, 0xFF, 8); /* it is ours, and no part of the record */
        texts_check(kind, record);
        if (kind == &codec_values)
                list_check(record);
        if (kind == &codec_lockout)
                failures_check(((LockoutRecord *)record)->failures,
                               ((LockoutRecord *)record)->failures_len);
        if (kind == &codec_notices)
                notices_check(((NoticesRecord *)record)->list, ((NoticesRecord *)record)->list_len);
        if (kind == &codec_role)
                role_check(record);
        if (kind == &codec_area)
                area_check(record);
        if (kind == &codec_sudo_group)
                list_of_texts_check(((SudoRecord *)record)->commands,
                                    ((SudoRecord *)record)->commands_len);
        if (kind == &codec_mail_code)
                sends_check(((MailCodeRecord *)record)->sends,
                            ((MailCodeRecord *)record)->sends_len);
        assert(codec_encode(kind, record, &again) == 0);
        assert(again.len == len && memcmp(again.data, data, len) == 0);
        free(again.data);
}

static void header_put(const CodecKind *kind, uint8_t *record, size_t fields_len) {
        uint32_t little = htole32((uint32_t)fields_len);

        record[0] = kind->kind;
        record[1] = kind->version;
        memcpy(record + 2, &little, sizeof(little));
}

static void framed_check(const CodecKind *kind, const uint8_t *data, size_t size) {
        _cleanup_free_ uint8_t *record = malloc(CODEC_HEADER_BYTES + size);

        assert(record);
        header_put(kind, record, size);
        memcpy(record + CODEC_HEADER_BYTES, data, size);
        record_check(kind, record, CODEC_HEADER_BYTES + size);
}

/* How long a field's contents should be; a length byte above 127 has its way instead. */
static size_t field_len(const CodecField *field, uint8_t byte) {
        switch (field->type) {
        case CODEC_BOOL:
        case CODEC_STATUS:
                return byte & 0x7F ? 1 : 0;
        case CODEC_U32:
                return byte & 0x7F ? 4 : 0;
        case CODEC_U64:
        case CODEC_UNTIL:
                return byte & 0x7F ? 8 : 0;
        case CODEC_FIXED:
                return byte & 0x7F ? field->max : 0;
        case CODEC_IDS:
                return (size_t)(byte & 0x1F) * 4;
        case CODEC_TEXT:
        case CODEC_BYTES:
        case _CODEC_TYPE_MAX:
                break;
        }
        return byte & 0x7F;
}

static void composed_check(const CodecKind *kind, const uint8_t *data, size_t size) {
        CodecBuffer buffer = {};

        assert(codec_buffer_add(&buffer, "\0\0\0\0\0", CODEC_HEADER_BYTES) == 0);
        for (size_t i = 0; i < kind->field_count && size > 0; i++) {
                size_t len = *data > 127 ? *data - 128U : field_len(&kind->fields[i], *data);

                data++;
                size--;
                len = len < size ? len : size;
                if (len == 0)
                        continue;
                assert(codec_buffer_add(&buffer, &kind->fields[i].tag, 1) == 0 &&
                       codec_buffer_add_varint(&buffer, (uint32_t)len) == 0 &&
                       codec_buffer_add(&buffer, data, len) == 0);
                data += len;
                size -= len;
        }
        header_put(kind, buffer.data, buffer.len - CODEC_HEADER_BYTES);
        record_check(kind, buffer.data, buffer.len);
        free(buffer.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const CodecKind *kind;

        if (size == 0)
                return 0;
        kind = kinds[data[0] % ARRAY_LENGTH(kinds)];
        record_check(kind, data + 1, size - 1);
        framed_check(kind, data + 1, size - 1);
        composed_check(kind, data + 1, size - 1);
        return 0;
}
