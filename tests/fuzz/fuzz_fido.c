/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What um-fido reads: packets of umd's, what a child reports of a device, descriptors; and what umd
 * reads of um-fido.  Nothing that a device says is a proof unless a signature covers it, and no
 * signature is made here. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "um_fido/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

size_t token_devices_open(TokenDevice ret[static TOKEN_DEVICES_MAX]) {
        return 0;
}

static void request_read(const uint8_t *data, size_t size) {
        char packet[TOKEN_PACKET_MAX];
        TokenRequest request, again;
        ssize_t len;

        if (token_request_parse(data, size, &request) < 0)
                return;
        len = token_request_build(&request, packet);
        assert(len == (ssize_t)size && memcmp(packet, data, size) == 0);
        assert(token_request_parse(packet, (size_t)len, &again) == 0);
}

static void report_read(const uint8_t *data, size_t size) {
        static const uint8_t key[TOKEN_KEY_BYTES] = { 1 };
        TokenRequest request = { .head = { .credential_count = 1 }, .rp = "um:aa", .name = "a" };
        TokenReport report = { 0 };
        TokenAnswer answer, again;

        /* LOOK is for the credential: a signature is due everywhere */
        request.credentials[0] = (TokenCredential){ TOKEN_FLAG_VERIFY, key, key, 1 };
        memcpy(&report, data, size < sizeof(report) ? size : sizeof(report));
        for (TokenOp op = TOKEN_LOOK; op <= TOKEN_MAKE; op++) {
                request.head.op = op;
                assert(token_find_judge(&request, &report) != TOKEN_OK);
                token_report_judge(&request, &report, &answer);
                assert(answer.result != TOKEN_OK);
                assert(token_answer_parse(&answer, sizeof(answer), &again) == 0);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        TokenAnswer answer;

        request_read(data, size);
        report_read(data, size);
        (void)token_answer_parse(data, size, &answer);
        (void)token_descriptor_is_fido(data, size);
        return 0;
}
