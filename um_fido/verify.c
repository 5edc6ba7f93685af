/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is what a device answered right?  By libfido2, in the process that no device speaks to: the
 * signature over this challenge and this rp, by the public key that umd stores; that somebody
 * touched the key, always; that it verified him, where the credential demands it.
 *
 * Of a new credential the attestation is not looked at: um has no list of makers to hold it
 * against.  What counts is that its private key signed the challenge. */

#include <errno.h>
#include <fido.h>
#include <fido/es256.h>
#include <string.h>

#include "base/base.h"
#include "um_fido/token.h"

#define RP_HASH_BYTES   32U
#define FLAG_PRESENT    0x01U /* WebAuthn, 6.1: the user touched it */
#define FLAG_VERIFIED   0x04U
#define FLAG_CREDENTIAL 0x40U
#define FLAG_EXTENDED   0x80U

/* Authenticator data as WebAuthn, 6.1, has them: rp, flags and counter, and of a new credential its
 * model, its id and its key.  Read here by hand, since the one form that a key of ES256 has is
 * quickly compared, and nothing of CBOR need be read of what a device says. */
#define AT_FLAGS       RP_HASH_BYTES
#define AT_COUNTER     (AT_FLAGS + 1U)
#define AT_AAGUID      (AT_COUNTER + 4U)
#define AT_ID_BYTES    (AT_AAGUID + TOKEN_AAGUID_BYTES)
#define AT_ID          (AT_ID_BYTES + 2U)
#define ASSERTED_BYTES AT_AAGUID /* um asks for no extension */

static int assertion_fill(fido_assert_t *assertion, const TokenRequest *request,
                          const TokenReport *report, bool touch, bool verify) {
        int r = fido_assert_set_rp(assertion, request->rp);

        if (r == FIDO_OK)
                r = fido_assert_set_clientdata(assertion, request->head.client_data,
                                               sizeof(request->head.client_data));
        if (r == FIDO_OK)
                r = fido_assert_set_count(assertion, 1);
        if (r == FIDO_OK && touch)
                r = fido_assert_set_up(assertion, FIDO_OPT_TRUE);
        if (r == FIDO_OK && verify)
                r = fido_assert_set_uv(assertion, FIDO_OPT_TRUE);
        if (r == FIDO_OK)
                r = fido_assert_set_authdata_raw(assertion, 0, report->authdata,
                                                 report->authdata_bytes);
        if (r == FIDO_OK)
                r = fido_assert_set_sig(assertion, 0, report->signature, report->signature_bytes);
        return r;
}

/* TOKEN_OK with the counter and the flags, or why not. */
static TokenResult assertion_check(const TokenRequest *request, const TokenReport *report,
                                   const uint8_t *key, bool touch, bool verify,
                                   uint32_t *ret_counter, uint8_t *ret_flags) {
        fido_assert_t *assertion = fido_assert_new();
        es256_pk_t *public = es256_pk_new();
        TokenResult result = TOKEN_FAULT;

        if (assertion && public) {
                result = TOKEN_UNPROVED;
                if (assertion_fill(assertion, request, report, touch, verify) == FIDO_OK &&
                    es256_pk_from_ptr(public, key, TOKEN_KEY_BYTES) == FIDO_OK &&
                    fido_assert_verify(assertion, 0, COSE_ES256, public) == FIDO_OK) {
                        *ret_counter = fido_assert_sigcount(assertion, 0);
                        *ret_flags = fido_assert_flags(assertion, 0);
                        result = TOKEN_OK;
                }
        }
        fido_assert_free(&assertion);
        es256_pk_free(&public);
        return result;
}

static bool report_is_whole(const TokenRequest *request, const TokenReport *report) {
        bool makes = request->head.op == TOKEN_MAKE;

        return report->authdata_bytes == ASSERTED_BYTES && report->signature_bytes > 0 &&
               report->signature_bytes <= sizeof(report->signature) &&
               report->made_bytes <= sizeof(report->made) &&
               (makes ? report->made_bytes > RP_HASH_BYTES
                      : report->which < request->head.credential_count);
}

TokenResult token_find_judge(const TokenRequest *request, const TokenReport *report) {
        uint32_t counter;
        uint8_t flags;

        if (report->result >= _TOKEN_RESULT_MAX)
                return TOKEN_FAULT;
        if (report->result == TOKEN_PIN_WRONG || report->result == TOKEN_PIN_OFF ||
            report->result == TOKEN_EXISTS)
                return TOKEN_UNPROVED; /* it was given no PIN and asked to make nothing */
        if (report->result != TOKEN_OK)
                return (TokenResult)report->result;
        if (!report_is_whole(request, report) || report->which >= request->head.credential_count)
                return TOKEN_UNPROVED;
        return assertion_check(request, report, request->credentials[report->which].key, false,
                               false, &counter, &flags);
}

static TokenResult judge_look(const TokenRequest *request, const TokenReport *report,
                              TokenAnswer *ret) {
        TokenResult result = TOKEN_OK;

        if (!(request->head.flags & TOKEN_FLAG_NEW)) {
                result = token_find_judge(request, report);
                ret->which = report->which;
        }
        ret->verifies = report->verifies != 0;
        ret->wants_pin = report->wants_pin != 0;
        return result;
}

static TokenResult judge_assert(const TokenRequest *request, const TokenReport *report,
                                TokenAnswer *ret) {
        const TokenCredential *credential = &request->credentials[report->which];
        TokenResult result;
        uint8_t flags = 0;

        result = assertion_check(request, report, credential->key, true,
                                 (credential->flags & TOKEN_FLAG_VERIFY) != 0, &ret->counter,
                                 &flags);
        ret->which = report->which;
        ret->verified = (flags & FLAG_VERIFIED) != 0;
        return result;
}

/* COSE: {1: 2, 3: -7, -1: 1, -2: x, -3: y}, RFC 9053, in CTAP's order. */
static const uint8_t cose_x[] = { 0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20 };
static const uint8_t cose_y[] = { 0x22, 0x58, 0x20 };
#define COSE_BYTES (sizeof(cose_x) + sizeof(cose_y) + TOKEN_KEY_BYTES)

static bool key_read(const uint8_t *cose, uint8_t *ret) {
        const uint8_t *x = cose + sizeof(cose_x), *y = x + TOKEN_KEY_BYTES / 2;

        if (memcmp(cose, cose_x, sizeof(cose_x)) != 0 || memcmp(y, cose_y, sizeof(cose_y)) != 0)
                return false;
        memcpy(ret, x, TOKEN_KEY_BYTES / 2);
        memcpy(ret + TOKEN_KEY_BYTES / 2, y + sizeof(cose_y), TOKEN_KEY_BYTES / 2);
        return true;
}

/* Key, id and model from the new credential's data; false where they are not as they have to be.
 * A key may add extensions that nobody asked for (its protection policy): they are passed by. */
static bool made_read(const TokenRequest *request, const TokenReport *report, TokenAnswer *ret) {
        const uint8_t *made = report->made;
        size_t id_bytes, end;
        uint8_t flags;

        if (report->made_bytes < AT_ID)
                return false;
        flags = made[AT_FLAGS];
        id_bytes = (size_t)made[AT_ID_BYTES] << 8 | made[AT_ID_BYTES + 1];
        end = AT_ID + id_bytes + COSE_BYTES;
        if (id_bytes == 0 || id_bytes > TOKEN_ID_MAX || report->made_bytes < end ||
            (report->made_bytes > end && !(flags & FLAG_EXTENDED)) || !(flags & FLAG_CREDENTIAL) ||
            !(flags & FLAG_PRESENT) ||
            ((request->head.flags & TOKEN_FLAG_VERIFY) && !(flags & FLAG_VERIFIED)) ||
            !key_read(made + AT_ID + id_bytes, ret->key))
                return false;
        memcpy(ret->credential, made + AT_ID, id_bytes);
        memcpy(ret->aaguid, made + AT_AAGUID, TOKEN_AAGUID_BYTES);
        ret->id_bytes = (uint16_t)id_bytes;
        ret->verified = (flags & FLAG_VERIFIED) != 0;
        for (size_t i = 0; i < 4; i++)
                ret->counter = ret->counter << 8 | made[AT_COUNTER + i];
        return true;
}

static TokenResult judge_make(const TokenRequest *request, const TokenReport *report,
                              TokenAnswer *ret) {
        TokenResult result = TOKEN_UNPROVED;
        uint32_t counter = 0;
        uint8_t flags = 0;

        if (memcmp(report->made, report->authdata, RP_HASH_BYTES) == 0 &&
            made_read(request, report, ret))
                result = assertion_check(request, report, ret->key, false, false, &counter, &flags);
        if (counter > ret->counter)
                ret->counter = counter;
        return result;
}

void token_report_judge(const TokenRequest *request, const TokenReport *report, TokenAnswer *ret) {
        TokenAnswer answer = { .protocol = TOKEN_PROTOCOL,
                               .op = request->head.op,
                               .id = request->head.id,
                               .result = report->result };

        if (report->result >= _TOKEN_RESULT_MAX)
                answer.result = TOKEN_FAULT;
        else if (request->head.op == TOKEN_LOOK && report->result == TOKEN_OK)
                answer.result = judge_look(request, report, &answer);
        else if (report->result != TOKEN_OK)
                ; /* a refusal is a refusal */
        else if (!report_is_whole(request, report))
                answer.result = TOKEN_UNPROVED;
        else if (request->head.op == TOKEN_ASSERT)
                answer.result = judge_assert(request, report, &answer);
        else
                answer.result = judge_make(request, report, &answer);
        if (answer.result != TOKEN_OK)
                answer = (TokenAnswer){ .protocol = TOKEN_PROTOCOL,
                                        .op = request->head.op,
                                        .id = request->head.id,
                                        .result = answer.result };
        *ret = answer;
}

/* A signature that cannot be right, by a key that is one: the curve's base point. */
int token_verify_prepare(void) {
        static const uint8_t base_point[TOKEN_KEY_BYTES] = {
                0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63,
                0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1,
                0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f,
                0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57,
                0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
        };
        TokenRequest request = { .head = { .op = TOKEN_ASSERT }, .rp = "um" };
        TokenReport report = { .authdata_bytes = 37,
                               .signature_bytes = 8,
                               .signature = { 0x30, 6, 2, 1, 1, 2, 1, 1 } };
        uint32_t counter;
        uint8_t flags;

        fido_init(FIDO_DISABLE_U2F_FALLBACK);
        return assertion_check(&request, &report, base_point, false, false, &counter, &flags) ==
                               TOKEN_UNPROVED
                       ? 0
                       : -EIO;
}
