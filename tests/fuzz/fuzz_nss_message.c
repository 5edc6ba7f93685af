/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libnss_um makes of a server's bytes: the message, and from it a user, a group, a list of
 * groups.  The first byte chooses which.  What is accepted must be fit to be handed to a program.
 */

#include "nss_um/socket.c" /* the readers of bodies are its own */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer_check(const Answer *answer, int kind) {
        const char *s = kind == 1 ? answer->found.group.strings : answer->found.user.strings;

        if (kind == 0 &&
            (strchr(s, ':') || strlen(s) > BASE_NAME_MAX || answer->found.user.uid == 0 ||
             s[answer->found.user.strings_bytes - 1] != '\0' ||
             strpbrk(s + answer->found.user.home_at, ":\n") ||
             strpbrk(s + answer->found.user.gecos_at, ":\n")))
                abort();
        for (uint32_t i = 0; kind == 1 && i < answer->found.group.member_count; i++)
                if (strpbrk(s + answer->found.group.member_at[i], ":,\n"))
                        abort();
}

static void body_exercise(Body body, int kind, const Query *query) {
        Answer answer = {};
        int r = kind == 0 ? user_read(&body, query, &answer) : group_read(&body, query, &answer);

        if (r == 1)
                answer_check(&answer, kind);
        answer_done(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const Query by_name = { .name = "anna", .len = 4 }, by_id = { .id = 70000 };
        unsigned char *bytes;
        Message message;
        size_t len;

        if (size < 1 || size > MESSAGE_MAX)
                return 0;
        bytes = malloc(size - 1 ? size - 1 : 1); /* exactly: who reads beyond is seen */
        if (!bytes)
                abort();
        memcpy(bytes, data + 1, size - 1);
        if (size - 1 >= MESSAGE_HEAD_BYTES && message_length(bytes, &len) == 0 && len == size - 1 &&
            message_parse(bytes, len, &message) == 0 && message.kind == MESSAGE_RETURN)
                body_exercise((Body){ .bytes = message.body, .len = message.body_bytes },
                              data[0] & 1, data[0] & 2 ? &by_id : &by_name);
        body_exercise((Body){ .bytes = bytes, .len = size - 1 }, data[0] & 1,
                      data[0] & 2 ? &by_id : &by_name);
        free(bytes);
        return 0;
}
