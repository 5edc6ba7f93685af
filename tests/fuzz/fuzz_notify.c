/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A packet um-notify or umd believes: its texts lie inside what was received, building the request
 * again gives the same bytes, and the mail that is written of it has the headers it has to have and
 * no other. */

#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "um_notify/notify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void message_check(const NotifyRequest *request) {
        static const char *const headers[] = {
                "To: ",           "Subject: ",      "Auto-Submitted: ",
                "MIME-Version: ", "Content-Type: ", "Content-Transfer-Encoding: "
        };
        _cleanup_secret_ Secret *message = NULL;
        const char *line;
        size_t at = 0;

        assert(notify_message_write(request, &message) == 0);
        line = base_secret_bytes(message);
        assert(strlen(line) == base_secret_len(message) && !strchr(line, '\r'));
        while (*line != '\n') {
                if (*line != ' ') { /* else it goes on */
                        assert(at < ARRAY_LENGTH(headers));
                        assert(strncmp(line, headers[at], strlen(headers[at])) == 0);
                        at++;
                }
                line = strchr(line, '\n') + 1;
        }
        assert(at == ARRAY_LENGTH(headers));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char buf[NOTIFY_PACKET_MAX];
        NotifyRequest request;
        NotifyAnswer answer;

        if (notify_answer_parse(data, size, &answer) >= 0)
                assert(memcmp(&answer, data, size) == 0);
        if (notify_request_parse(data, size, &request) < 0)
                return 0;
        for (NotifyText t = 0; t < _NOTIFY_TEXT_MAX; t++)
                assert(strlen(request.text[t]) == request.head.bytes[t]);
        assert(notify_request_build(&request.head, request.text, buf) == (ssize_t)size);
        assert(memcmp(buf, data, size) == 0);
        if (request.head.op != NOTIFY_PING)
                message_check(&request);
        return 0;
}
