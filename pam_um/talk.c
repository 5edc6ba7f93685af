/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The application's conversation function, called one message at a time.  What umd wants shown is
 * made printable first; what comes back is bounded before anything looks at it, and wiped whatever
 * the outcome.  Own calls instead of pam_prompt(), which formats into memory it then loses sight
 * of. */

#include <string.h>

#include "base/base.h"
#include "pam_um/pam_um.h"

#define LINES_MAX 128U /* of one text: a QR code drawn in text and its words */

char *talk_answer_free(char *answer) {
        if (answer) {
                base_wipe(answer, strlen(answer));
                free(answer);
        }
        return NULL;
}

static int converse(const Call *call, int style, const char *text, char **ret) {
        _cleanup_(talk_answer_freep) char *answer = NULL;
        const struct pam_message message = { .msg_style = style, .msg = text };
        const struct pam_message *messages = &message;
        struct pam_response *responses = NULL;
        const struct pam_conv *conv = NULL;
        int r;

        r = pam_get_item(call->handle, PAM_CONV, (const void **)&conv);
        if (r != PAM_SUCCESS || !conv || !conv->conv)
                return PAM_UM_E_CONVERSATION;
        r = conv->conv(1, &messages, &responses, conv->appdata_ptr);
        if (responses) {
                answer = responses[0].resp;
                free(responses);
        }
        if (r != PAM_SUCCESS)
                return PAM_UM_E_CONVERSATION;
        *ret = TAKE(answer);
        return 0;
}

/* One line of a text, printable and within PAM's limit. */
static int line_converse(const Call *call, int style, const char *line, size_t len, char **ret) {
        char buf[PAM_MAX_MSG_SIZE];
        int r;

        base_escape(line, len, buf, sizeof(buf));
        r = converse(call, style, buf, ret);
        base_wipe(buf, sizeof(buf)); /* a seed or recovery codes, perhaps */
        return r;
}

/* Shows all lines but, with keep_last, the last one; returns that one. */
static const char *lines_show(const Call *call, int style, const char *text, bool keep_last) {
        const char *line = text;

        for (unsigned count = 0; count < LINES_MAX; count++) {
                _cleanup_(talk_answer_freep) char *answer = NULL;
                size_t len = strcspn(line, "\n");

                if (line[len] == '\0' && (keep_last || len == 0))
                        break;
                (void)line_converse(call, style, line, len, &answer);
                line += len;
                if (*line == '\0')
                        break;
                line++;
        }
        return line;
}

void talk_show(const Call *call, const char *text, bool is_error) {
        if (call->silent || (call->options.quiet && !is_error))
                return;
        lines_show(call, is_error ? PAM_ERROR_MSG : PAM_TEXT_INFO, text, false);
}

void talk_tell(const Call *call, const char *text) {
        lines_show(call, PAM_TEXT_INFO, text, false);
}

int talk_ask(const Call *call, const char *text, bool echo, char **ret) {
        _cleanup_(talk_answer_freep) char *answer = NULL;
        const char *prompt = lines_show(call, PAM_TEXT_INFO, text, true);
        int r;

        r = line_converse(call, echo ? PAM_PROMPT_ECHO_ON : PAM_PROMPT_ECHO_OFF, prompt,
                          strcspn(prompt, "\n"), &answer);
        if (r != 0)
                return r;
        if (!answer || strnlen(answer, BASE_PASSWORD_MAX + 1) > BASE_PASSWORD_MAX)
                return PAM_UM_E_ANSWER;
        *ret = TAKE(answer);
        return 0;
}
