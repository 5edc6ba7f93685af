/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um-quality as core sees it: a new password goes over, what is wrong with it comes back, later.
 *
 * Silence, a lost um-quality and an answer that is none all mean "not checked", and core sets no
 * password then.  A list that um-quality cannot ask fails nobody: it is told here, once, when that
 * changes.  Keeps no secret: packets are wiped once they are sent. */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

#include "base/base.h"
#include "um_quality/um_quality.h"
#include "umd/umd.h"

static_assert((int)CORE_QUALITY_TOO_SHORT == QUALITY_TOO_SHORT &&
                      (int)CORE_QUALITY_TOO_FEW == QUALITY_TOO_FEW &&
                      (int)CORE_QUALITY_LIKE_OLD == QUALITY_LIKE_OLD &&
                      (int)CORE_QUALITY_PALINDROME == QUALITY_PALINDROME &&
                      (int)CORE_QUALITY_HAS_NAME == QUALITY_HAS_NAME &&
                      (int)CORE_QUALITY_HAS_FULL == QUALITY_HAS_FULL &&
                      (int)CORE_QUALITY_HAS_EMAIL == QUALITY_HAS_EMAIL &&
                      (int)CORE_QUALITY_IS_WORD == QUALITY_IS_WORD &&
                      (int)CORE_QUALITY_HAS_BANNED == QUALITY_HAS_BANNED &&
                      (int)CORE_QUALITY_IS_BREACHED == QUALITY_IS_BREACHED &&
                      (int)_CORE_QUALITY_MAX == _QUALITY_CONDITION_MAX,
              "conditions pass through");

#define QUALITY_TIMEOUT_USEC (4 * USEC_PER_SEC) /* PAM's step is due within 5 s */
#define QUALITY_PENDING_MAX  64U
#define PING_PERIOD_USEC     (60 * USEC_PER_SEC)
#define PING_HUNG_USEC       (5 * USEC_PER_SEC)

struct QualityClient {
        QualityClientSpec spec;
        Channel *channel;
        char breach_file[BASE_PATH_MAX + 1];
        uint64_t last_id, pinged_usec;
        bool ready; /* it answers */
        bool hung;  /* it is there and did not answer in time */
        bool told_lost;
        QualityState source[_QUALITY_SOURCE_MAX];
        Service service;
};

typedef struct QualityCall {
        QualityClient *client;
        uint32_t op, flags;
        CoreQualityDone done; /* NULL: a ping */
        void *userdata;
} QualityCall;

/* ---- what is wrong with the lists ------------------------------------------------------------ */

static void source_describe(const QualityClient *client, QualitySource source, char *ret,
                            size_t size) {
        static const char *const states[_QUALITY_STATE_MAX] = {
                [QUALITY_STATE_OK] = "is there again",
                [QUALITY_STATE_MISSING] = "is missing",
                [QUALITY_STATE_UNREADABLE] = "cannot be read by um-quality",
                [QUALITY_STATE_DAMAGED] = "is damaged",
        };
        bool has_path = client->breach_file[0] != '\0';
        const char *what = "the dictionary of cracklib", *path = "";

        switch (source) {
        case QUALITY_SOURCE_DICTIONARY:
        case _QUALITY_SOURCE_MAX:
                break;
        case QUALITY_SOURCE_BANNED:
                what = "the list of banned words ";
                path = client->spec.banned;
                break;
        case QUALITY_SOURCE_BREACH:
                what = has_path ? "the breach file " : "breach-file, which um.conf does not name,";
                path = client->breach_file;
                break;
        }
        snprintf(ret, size, "%s%s %s", what, path, states[client->source[source]]);
}

static void source_set(QualityClient *client, QualitySource source, QualityState state) {
        char text[BASE_PATH_MAX + 128];

        if (client->source[source] == state)
                return;
        client->source[source] = state;
        source_describe(client, source, text, sizeof(text));
        if (state == QUALITY_STATE_OK)
                log_write(client->spec.log,
                          &(LogRecord){ .priority = LOG_NOTICE,
                                        .message = MESSAGE_QUALITY_SOURCE_BACK },
                          "%s: new passwords are checked against it", text);
        else
                log_write(client->spec.log,
                          &(LogRecord){ .priority = LOG_ERR, .message = MESSAGE_QUALITY_SOURCE },
                          "%s: new passwords are not checked against all of it, the other checks "
                          "hold",
                          text);
}

/* Of those the request asked for. */
static void sources_note(QualityClient *client, uint32_t flags, const QualityAnswer *answer) {
        for (QualitySource s = 0; s < _QUALITY_SOURCE_MAX; s++) {
                uint32_t flag = s == QUALITY_SOURCE_BREACH ? QUALITY_FLAG_BREACHED
                                                           : QUALITY_FLAG_DICTIONARY;

                if (flags & flag)
                        source_set(client, s, (QualityState)answer->source[s]);
        }
}

void quality_client_problem(const QualityClient *client, char *ret, size_t size) {
        Text text;

        base_text_init(&text, ret, size);
        if (!client->ready)
                base_text_add(&text, "um-quality is away: no password can be set");
        for (QualitySource s = 0; client->ready && s < _QUALITY_SOURCE_MAX; s++) {
                char one[BASE_PATH_MAX + 128];

                if (client->source[s] == QUALITY_STATE_OK)
                        continue;
                source_describe(client, s, one, sizeof(one));
                base_text_addf(&text, "%s%s", text.len > 0 ? "; " : "", one);
        }
}

/* ---- requests -------------------------------------------------------------------------------- */

static void now_ready(QualityClient *client) {
        if (client->told_lost)
                log_write(client->spec.log,
                          &(LogRecord){ .priority = LOG_NOTICE, .message = MESSAGE_QUALITY_BACK },
                          "um-quality is back: passwords can be set again");
        client->told_lost = client->hung = false;
        client->ready = true;
}

static void now_away(QualityClient *client, int fault) {
        client->ready = false;
        if (!client->told_lost)
                log_write(client->spec.log,
                          &(LogRecord){ .priority = LOG_ERR,
                                        .message = MESSAGE_QUALITY_LOST,
                                        .fault = fault },
                          "um-quality is away: no password can be set, logins go on");
        client->told_lost = true;
}

static void call_answered(void *userdata, int r, const void *bytes, size_t len) {
        QualityCall *call = userdata;
        QualityAnswer answer;
        CoreQualityAnswer result;
        bool good = r >= 0 && quality_answer_parse(bytes, len, &answer) >= 0 &&
                    answer.op == call->op && answer.fault == 0;

        if (good) {
                now_ready(call->client);
                sources_note(call->client, call->flags, &answer);
                result = (CoreQualityAnswer){ .failed = answer.failed,
                                              .length = answer.length,
                                              .classes = answer.classes };
        }
        if (r == -ETIMEDOUT) {
                call->client->hung = true;
                now_away(call->client, r);
        }
        if (call->done)
                call->done(call->userdata, good ? &result : NULL, base_realtime_usec());
}

static int call_send(QualityClient *client, QualityHead *head, const char *const *text,
                     CoreQualityDone done, void *userdata) {
        _cleanup_free_ QualityCall *call = malloc(sizeof(*call));
        char packet[QUALITY_PACKET_MAX];
        ssize_t len;
        int r;

        if (!call)
                return -ENOMEM;
        head->protocol = QUALITY_PROTOCOL;
        head->id = ++client->last_id;
        *call = (QualityCall){ .client = client,
                               .op = head->op,
                               .flags = head->flags,
                               .done = done,
                               .userdata = userdata };
        len = quality_request_build(head, text, packet);
        if (len < 0)
                r = (int)len;
        else
                r = channel_call(client->channel, head->id, packet, (size_t)len, call_answered,
                                 call);
        base_wipe(packet, sizeof(packet));
        if (r >= 0)
                TAKE(call);
        return r;
}

/* NULL where it is no text. */
static const char *secret_text(const Secret *secret) {
        const char *text = secret ? base_secret_bytes(secret) : NULL;

        return text && strlen(text) == base_secret_len(secret) ? text : NULL;
}

static int quality_check(void *userdata, const CoreQualityRequest *request, CoreQualityDone done,
                         void *done_userdata) {
        QualityClient *client = userdata;
        const CoreQualityRules *rules = &request->rules;
        const char *const text[_QUALITY_TEXT_MAX] = {
                [QUALITY_TEXT_PASSWORD] = secret_text(request->password),
                [QUALITY_TEXT_OLD] = secret_text(request->old),
                [QUALITY_TEXT_NAME] = request->name,
                [QUALITY_TEXT_FULL_NAME] = request->full_name,
                [QUALITY_TEXT_EMAIL] = request->email,
                [QUALITY_TEXT_BREACH_FILE] = client->breach_file,
        };
        QualityHead head = {
                .op = QUALITY_CHECK,
                .flags = (rules->similarity ? QUALITY_FLAG_SIMILARITY : 0) |
                         (rules->dictionary ? QUALITY_FLAG_DICTIONARY : 0) |
                         (rules->breached ? QUALITY_FLAG_BREACHED : 0),
                .min_length = rules->min_length,
                .classes = rules->classes,
        };

        if (!text[QUALITY_TEXT_PASSWORD] || text[QUALITY_TEXT_PASSWORD][0] == '\0')
                return -EINVAL;
        return call_send(client, &head, text, done, done_userdata);
}

void quality_client_operations(QualityClient *client, CoreQuality *ret) {
        *ret = (CoreQuality){ .userdata = client, .check = quality_check };
}

/* Also what tells that it is there at all. */
static int client_ping(QualityClient *client) {
        const char *const text[_QUALITY_TEXT_MAX] = {
                [QUALITY_TEXT_BREACH_FILE] = client->breach_file,
        };
        QualityHead head = { .op = QUALITY_PING, .flags = QUALITY_FLAG_DICTIONARY };

        if (client->breach_file[0] != '\0')
                head.flags |= QUALITY_FLAG_BREACHED;
        client->pinged_usec = base_boottime_usec();
        return call_send(client, &head, text, NULL, NULL);
}

void quality_client_tick(QualityClient *client) {
        uint64_t period_usec = client->hung ? PING_HUNG_USEC : PING_PERIOD_USEC;

        if ((client->ready || client->hung) &&
            base_boottime_usec() - client->pinged_usec >= period_usec)
                (void)client_ping(client); /* the next tick tries again */
}

void quality_client_set_breach_file(QualityClient *client, const char *path) {
        if (strcmp(client->breach_file, path) == 0)
                return;
        snprintf(client->breach_file, sizeof(client->breach_file), "%s", path);
        client->source[QUALITY_SOURCE_BREACH] = QUALITY_STATE_OK; /* of another file */
        if (client->ready)
                (void)client_ping(client); /* the next tick tries again */
}

/* ---- the connection -------------------------------------------------------------------------- */

static int client_connect(void *userdata, int *ret_fd) {
        QualityClient *client = userdata;

        return service_connect(&client->service, ret_fd);
}

static int answer_id(const void *bytes, size_t len, uint64_t *ret_id) {
        QualityAnswer answer;
        int r = quality_answer_parse(bytes, len, &answer);

        if (r >= 0)
                *ret_id = answer.id;
        return r;
}

static int client_connected(void *userdata) {
        return client_ping(userdata);
}

static void client_lost(void *userdata, int fault) {
        QualityClient *client = userdata;

        client->hung = false;
        now_away(client, fault);
}

int quality_client_new(const QualityClientSpec *spec, QualityClient **ret) {
        _cleanup_(quality_client_freep) QualityClient *client = calloc(1, sizeof(*client));
        ChannelSpec channel = {
                .timeout_usec = QUALITY_TIMEOUT_USEC,
                .packet_max = QUALITY_PACKET_MAX,
                .pending_max = QUALITY_PENDING_MAX,
                .keep = true,
                .userdata = client,
                .connect = client_connect,
                .answer_id = answer_id,
                .connected = client_connected,
                .lost = client_lost,
        };
        int r;

        if (!client)
                return -ENOMEM;
        client->spec = *spec;
        client->service = (Service){ .socket = spec->socket,
                                     .user = "um-quality",
                                     .passwd = spec->passwd,
                                     .binary = spec->binary,
                                     .option = "--banned-words",
                                     .value = spec->banned };
        r = channel_new(spec->event, &channel, &client->channel);
        if (r < 0)
                return r;
        (void)channel_connect(client->channel); /* it is told and tried again if it fails */
        *ret = TAKE(client);
        return 0;
}

QualityClient *quality_client_free(QualityClient *client) {
        if (!client)
                return NULL;
        client->channel = channel_free(client->channel);
        service_end(&client->service);
        free(client);
        return NULL;
}
