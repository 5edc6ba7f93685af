/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What umd tells the admin: one line where a fault stops travelling, structured in the journal.
 *
 * Decided once which of the two gets it.  Every text is escaped before it leaves, since names and
 * paths of others may be in it; no secret is ever given to it. */

#define SD_JOURNAL_SUPPRESS_LOCATION

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>

#include <systemd/sd-journal.h>

#include "base/base.h"
#include "umd/umd.h"

#define LOG_TEXT_MAX 1024U

void log_init(Log *log, bool debug) {
        /* systemd sets it where stderr goes to the journal */
        *log = (Log){ .journal = getenv("JOURNAL_STREAM") != NULL, .debug = debug };
}

const char *log_message_id(LogMessage message) {
        switch (message) {
        case MESSAGE_STARTED:
                return "7f1b0c5e3a9d4e0f8d6a2c41b5930e10";
        case MESSAGE_STOPPED:
                return "b4f2a6d09c3e4d7b9c15e80f62a7d411";
        case MESSAGE_DEGRADED:
                return "0d9e5c72b8f14a63a1d7f3e64c20b812";
        case MESSAGE_CONFIG_REFUSED:
                return "5ac81f3d60e7492bb72f9e1d8345c613";
        case MESSAGE_CONFIG_LOADED:
                return "e27d4b916c0f4f5a83b60d7a19fe5214";
        case MESSAGE_FLUSH_FAILED:
                return "91c6e0a37d5b4c28bf4e83d2607a1915";
        case MESSAGE_DISK_FULL:
                return "4c6fd20be7934a55b1f8e3a9705d2c17";
        case MESSAGE_DISK_BACK:
                return "d8305be46f1a47c2930c7ea1f62b9d58";
        case MESSAGE_MAP_WITHDRAWN:
                return "3e58d7b20f9a4161a0c4b96e7d12f816";
        case MESSAGE_MAP_BACK:
                return "c80b5f6e42d74937956ea1f03bd87217";
        case MESSAGE_VAULT_LOST:
                return "68f3a91d5b0e4ce2974d2b8c0e61f518";
        case MESSAGE_VAULT_BACK:
                return "ad27c4e8f6194b03b85c7f90d31e6a19";
        case MESSAGE_VAULT_RECORD:
                return "5d0b9e7c41f34a6fb6a8c2e91d07f354";
        case MESSAGE_VAULT_KEY:
                return "8e41d3f70a5c4b96921be6d48f07c35a";
        case MESSAGE_QUALITY_LOST:
                return "3f7ac1e95b284d06a1c84e72d93b5f60";
        case MESSAGE_QUALITY_BACK:
                return "c15e80d24f9b4a7383d6027be41fa961";
        case MESSAGE_QUALITY_SOURCE:
                return "90b3d76ee82c4f15ba67f4105c2d8e62";
        case MESSAGE_QUALITY_SOURCE_BACK:
                return "a6284f0bd71c4e3990fe5c83b7d61463";
        case MESSAGE_COLLISION:
                return "149be60f7d3c4a58ae02c5d7f86b931a";
        case MESSAGE_COLLISION_OVER:
                return "f56d20b8c9e1473f8b7ad34e05f2c61b";
        case MESSAGE_LOCAL_UNREADABLE:
                return "2bc7fe4160d8459ba93f68e1c7d4051c";
        case MESSAGE_LOCKOUT:
                return "c3a71e5890bd4d26a1f74be06d925c1d";
        case MESSAGE_SOURCE_THROTTLED:
                return "60fd9b23e4874c1fb5a8d0c7391e2f1e";
        case MESSAGE_NOTIFY_LOST:
                return "7be30c92d15f4a0e86c4f1a92d507b64";
        case MESSAGE_NOTIFY_BACK:
                return "d90a4f6713c84b52a07e5bc81f36e265";
        case MESSAGE_MAIL_FAILED:
                return "4c85e1b20f9d47a3b6d17c3ea042f966";
        case MESSAGE_SUDOERS_FAILED:
                return "6ab04d1f97e24c83b5d9f02e7c41a63d";
        case MESSAGE_SUDOERS_BACK:
                return "f27c95e0b3164da8a90d46be18f5c273";
        case MESSAGE_NOTICE:
                return "a17d6e40c3b84f219e5cd02b7f83a967";
        case MESSAGE_FIDO_LOST:
                return "1b64f9d27ce84a03b5f08d3e67a21c68";
        case MESSAGE_FIDO_BACK:
                return "e83c05a71f9d4b62ad46c8f2093b7e69";
        case MESSAGE_NONE:
        case _MESSAGE_MAX:
                break;
        }
        return NULL;
}

/* ret_field holds "KEY=value"; a value that is cut stays whole characters. */
static void field_add(struct iovec *fields, size_t *count, char *ret_field, size_t size,
                      const char *key, const char *value) {
        int len = snprintf(ret_field, size, "%s=%s", key, value);

        if (len < 0)
                return;
        fields[(*count)++] = (struct iovec){
                .iov_base = ret_field,
                .iov_len = (size_t)len < size ? (size_t)len : size - 1,
        };
}

static void journal_write(const LogRecord *record, const char *text) {
        char message[LOG_TEXT_MAX + 16], priority[16], identifier[32], id[64], error[32],
                object[128], number[16];
        struct iovec fields[6];
        size_t count = 0;

        field_add(fields, &count, message, sizeof(message), "MESSAGE", text);
        snprintf(number, sizeof(number), "%d", record->priority);
        field_add(fields, &count, priority, sizeof(priority), "PRIORITY", number);
        field_add(fields, &count, identifier, sizeof(identifier), "SYSLOG_IDENTIFIER", "umd");
        if (record->message != MESSAGE_NONE)
                field_add(fields, &count, id, sizeof(id), "MESSAGE_ID",
                          log_message_id(record->message));
        if (record->fault < 0) {
                snprintf(number, sizeof(number), "%d", -record->fault);
                field_add(fields, &count, error, sizeof(error), "ERRNO", number);
        }
        if (record->object)
                field_add(fields, &count, object, sizeof(object), "UM_OBJECT", record->object);
        (void)sd_journal_sendv(fields, (int)count);
}

void log_write(const Log *log, const LogRecord *record, const char *format, ...) {
        char raw[LOG_TEXT_MAX], text[LOG_TEXT_MAX];
        va_list arguments;
        Text line;

        if (record->priority == LOG_DEBUG && !log->debug)
                return;
        va_start(arguments, format);
        if (vsnprintf(raw, sizeof(raw), format, arguments) < 0)
                raw[0] = '\0';
        va_end(arguments);
        base_text_init(&line, text, sizeof(text));
        line.len = base_escape(raw, strlen(raw), text, sizeof(text));
        if (record->fault < 0)
                base_text_addf(&line, ": %s", strerrordesc_np(-record->fault));
        if (log->journal)
                journal_write(record, text);
        else
                fprintf(stderr, "umd: %s\n", text);
}
