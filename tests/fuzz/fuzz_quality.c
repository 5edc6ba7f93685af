/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A packet um-quality or umd believes: its texts lie inside what was received, and building the
 * request again gives the same bytes. */

#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "um_quality/um_quality.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char buf[QUALITY_PACKET_MAX];
        QualityRequest request;
        QualityAnswer answer;

        if (quality_answer_parse(data, size, &answer) >= 0)
                assert(memcmp(&answer, data, size) == 0);
        if (quality_request_parse(data, size, &request) < 0)
                return 0;
        for (QualityText t = 0; t < _QUALITY_TEXT_MAX; t++)
                assert(!request.text[t] || strlen(request.text[t]) == request.head.bytes[t]);
        assert(quality_request_build(&request.head, request.text, buf) == (ssize_t)size);
        assert(memcmp(buf, data, size) == 0);
        return 0;
}
