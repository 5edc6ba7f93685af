/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um-fido as core sees it: which security key is there, what it signed, later.
 *
 * Silence, a lost um-fido and an answer that is none all mean that no key is to be had, and core
 * goes on with other methods; what the answer to an assertion says is believed only where it is one
 * to that question.  Whether it is there at all is asked by a cancellation of nothing, which it
 * answers at once: an admin is told of it before somebody stands there with his key.  Keeps no PIN:
 * packets are wiped once they are sent. */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

#include "base/base.h"
#include "um_fido/um_fido.h"
#include "umd/umd.h"

static_assert((int)CORE_TOKEN_LOOK == TOKEN_LOOK && (int)CORE_TOKEN_ASSERT == TOKEN_ASSERT &&
                      (int)CORE_TOKEN_MAKE == TOKEN_MAKE,
              "operations pass through");
static_assert((int)CORE_TOKEN_OK == TOKEN_OK && (int)CORE_TOKEN_ABSENT == TOKEN_ABSENT &&
                      (int)CORE_TOKEN_BUSY == TOKEN_BUSY &&
                      (int)CORE_TOKEN_TIMEOUT == TOKEN_TIMEOUT &&
                      (int)CORE_TOKEN_PIN_WRONG == TOKEN_PIN_WRONG &&
                      (int)CORE_TOKEN_PIN_OFF == TOKEN_PIN_OFF &&
                      (int)CORE_TOKEN_DENIED == TOKEN_DENIED &&
                      (int)CORE_TOKEN_UNPROVED == TOKEN_UNPROVED &&
                      (int)CORE_TOKEN_EXISTS == TOKEN_EXISTS &&
                      (int)CORE_TOKEN_SEVERAL == TOKEN_SEVERAL &&
                      (int)CORE_TOKEN_CANCELLED == TOKEN_CANCELLED &&
                      (int)_CORE_TOKEN_RESULT_MAX == _TOKEN_RESULT_MAX,
              "results pass through");
static_assert(CORE_TOKEN_CHALLENGE_BYTES == TOKEN_CLIENT_DATA_BYTES &&
                      CORE_TOKEN_ID_MAX == TOKEN_ID_MAX &&
                      CORE_TOKEN_KEY_BYTES == TOKEN_KEY_BYTES &&
                      CORE_TOKEN_AAGUID_BYTES == TOKEN_AAGUID_BYTES &&
                      CORE_TOKEN_PIN_MAX == TOKEN_PIN_MAX &&
                      CORE_TOKEN_CREDENTIALS_MAX == TOKEN_CREDENTIALS_MAX,
              "sizes pass through");

#define TOKEN_PENDING_MAX  64U
#define TOKEN_TIMEOUT_USEC (TOKEN_TOUCH_USEC + 5 * USEC_PER_SEC)
#define TOKEN_NOBODYS      UINT64_MAX /* the id of no request */
#define PING_PERIOD_USEC   (30 * USEC_PER_SEC)

struct TokenClient {
        const Log *log;
        Channel *channel;
        uint64_t last_id, pinged_usec;
        bool ready; /* it answers */
        bool hung;  /* it is there and did not answer in time */
        bool told_lost;
        Service service;
};

typedef struct TokenCall {
        TokenClient *client;
        uint32_t op;
        size_t credential_count;
        CoreTokenDone done; /* NULL: a cancellation */
        void *userdata;
} TokenCall;

/* ---- answers --------------------------------------------------------------------------------- */

static void now_ready(TokenClient *client) {
        if (client->told_lost)
                log_write(client->log,
                          &(LogRecord){ .priority = LOG_NOTICE, .message = MESSAGE_FIDO_BACK },
                          "um-fido is back: security keys can be asked again");
        client->told_lost = client->hung = false;
        client->ready = true;
}

static void now_away(TokenClient *client, int fault) {
        client->ready = false;
        if (!client->told_lost)
                log_write(client->log,
                          &(LogRecord){ .priority = LOG_WARNING,
                                        .message = MESSAGE_FIDO_LOST,
                                        .fault = fault },
                          "um-fido is away: security keys are not asked, other methods are");
        client->told_lost = true;
}

/* Is it one that the question may have? */
static bool answer_fits(const TokenCall *call, const TokenAnswer *answer) {
        return answer->op == call->op &&
               (answer->result != TOKEN_OK || call->op == TOKEN_MAKE ||
                call->credential_count == 0 || answer->which < call->credential_count);
}

static void call_answered(void *userdata, int r, const void *bytes, size_t len) {
        CoreTokenAnswer result = { .result = CORE_TOKEN_FAULT };
        TokenCall *call = userdata;
        TokenAnswer answer;

        if (r >= 0 && token_answer_parse(bytes, len, &answer) >= 0 && answer_fits(call, &answer)) {
                now_ready(call->client);
                result = (CoreTokenAnswer){ .result = (CoreTokenResult)answer.result,
                                            .which = answer.which,
                                            .counter = answer.counter,
                                            .verified = answer.verified,
                                            .verifies = answer.verifies,
                                            .wants_pin = answer.wants_pin,
                                            .id_len = answer.id_bytes };
                memcpy(result.id, answer.credential, sizeof(result.id));
                memcpy(result.key, answer.key, sizeof(result.key));
                memcpy(result.aaguid, answer.aaguid, sizeof(result.aaguid));
        }
        if (r == -ETIMEDOUT) {
                call->client->hung = true;
                now_away(call->client, r);
        }
        if (call->done)
                call->done(call->userdata, &result, base_realtime_usec());
}

/* ---- requests -------------------------------------------------------------------------------- */

static int call_send(TokenClient *client, TokenRequest *request, CoreTokenDone done, void *userdata,
                     uint64_t *ret_id) {
        _cleanup_free_ TokenCall *call = malloc(sizeof(*call));
        uint8_t packet[TOKEN_PACKET_MAX];
        ssize_t len;
        int r;

        if (!call)
                return -ENOMEM;
        request->head.protocol = TOKEN_PROTOCOL;
        request->head.id = ++client->last_id;
        *call = (TokenCall){ .client = client,
                             .op = request->head.op,
                             .credential_count = request->head.credential_count,
                             .done = done,
                             .userdata = userdata };
        len = token_request_build(request, packet);
        r = len < 0 ? (int)len
                    : channel_call(client->channel, request->head.id, packet, (size_t)len,
                                   call_answered, call);
        base_wipe(packet, sizeof(packet));
        if (r < 0)
                return r;
        TAKE(call);
        if (ret_id)
                *ret_id = request->head.id;
        return 0;
}

static int token_ask(void *userdata, const CoreTokenRequest *asked, CoreTokenDone done,
                     void *done_userdata, uint64_t *ret_id) {
        TokenRequest request = { .head = { .op = (uint32_t)asked->op }, .rp = asked->rp };

        if (asked->credential_count > TOKEN_CREDENTIALS_MAX)
                return -E2BIG;
        if (asked->op == CORE_TOKEN_LOOK && asked->credential_count == 0)
                request.head.flags = TOKEN_FLAG_NEW;
        if (asked->op == CORE_TOKEN_MAKE) {
                request.head.flags = asked->verify ? TOKEN_FLAG_VERIFY : 0;
                request.head.uid = asked->uid;
                request.name = asked->name;
        }
        if (asked->pin) /* a Secret has a NUL behind it, and core lets none into it */
                request.pin = base_secret_bytes(asked->pin);
        memcpy(request.head.client_data, asked->challenge, sizeof(asked->challenge));
        request.head.credential_count = (uint16_t)asked->credential_count;
        for (size_t i = 0; i < asked->credential_count; i++)
                request.credentials[i] =
                        (TokenCredential){ .flags = asked->credentials[i].verify ? TOKEN_FLAG_VERIFY
                                                                                 : 0,
                                           .key = asked->credentials[i].key,
                                           .id = asked->credentials[i].id,
                                           .id_bytes = asked->credentials[i].id_len };
        return call_send(userdata, &request, done, done_userdata, ret_id);
}

static int cancel_send(TokenClient *client, uint64_t id) {
        TokenRequest request = { .head = { .op = TOKEN_CANCEL, .target = id } };

        return call_send(client, &request, NULL, NULL, NULL);
}

/* One that cannot be sent ends with the touch's time. */
static void token_cancel(void *userdata, uint64_t id) {
        (void)cancel_send(userdata, id);
}

void token_client_attach(TokenClient *client, Core *core) {
        const CoreTokens tokens = { .userdata = client, .ask = token_ask, .cancel = token_cancel };

        core_use_tokens(core, &tokens);
}

static int client_ping(TokenClient *client) {
        client->pinged_usec = base_boottime_usec();
        return cancel_send(client, TOKEN_NOBODYS);
}

void token_client_tick(TokenClient *client) {
        if ((client->ready || client->hung) &&
            base_boottime_usec() - client->pinged_usec >= PING_PERIOD_USEC)
                (void)client_ping(client); /* the next tick tries again */
}

void token_client_problem(const TokenClient *client, char *ret, size_t size) {
        snprintf(ret, size, "%s",
                 client->ready ? "" : "um-fido is away: no security key can be asked");
}

/* ---- the connection -------------------------------------------------------------------------- */

static int client_connect(void *userdata, int *ret_fd) {
        TokenClient *client = userdata;

        return service_connect(&client->service, ret_fd);
}

static int answer_id(const void *bytes, size_t len, uint64_t *ret_id) {
        TokenAnswer answer;
        int r = token_answer_parse(bytes, len, &answer);

        if (r >= 0)
                *ret_id = answer.id;
        return r;
}

static int client_connected(void *userdata) {
        return client_ping(userdata);
}

static void client_lost(void *userdata, int fault) {
        TokenClient *client = userdata;

        client->hung = false;
        now_away(client, fault);
}

int token_client_new(const Log *log, sd_event *event, const char *binary, const char *passwd,
                     TokenClient **ret) {
        _cleanup_(token_client_freep) TokenClient *client = calloc(1, sizeof(*client));
        ChannelSpec channel = {
                .timeout_usec = TOKEN_TIMEOUT_USEC,
                .packet_max = sizeof(TokenAnswer),
                .pending_max = TOKEN_PENDING_MAX,
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
        client->log = log;
        client->service = (Service){ .socket = binary ? NULL : TOKEN_SOCKET,
                                     .user = "um-fido",
                                     .passwd = passwd,
                                     .binary = binary };
        r = channel_new(event, &channel, &client->channel);
        if (r < 0)
                return r;
        (void)channel_connect(client->channel); /* it is told and tried again if it fails */
        *ret = TAKE(client);
        return 0;
}

TokenClient *token_client_free(TokenClient *client) {
        if (!client)
                return NULL;
        client->channel = channel_free(client->channel);
        service_end(&client->service);
        free(client);
        return NULL;
}
