/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um-notify as core sees it: a code goes over, and whether mail can be sent is known beforehand.
 *
 * Nobody waits for a mail: how its sending ended is one line of the log, where an admin looks whose
 * users get none.  Keeps no secret: packets are wiped once they are sent. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

#include "base/base.h"
#include "um_notify/um_notify.h"
#include "umd/umd.h"

#define NOTIFY_TIMEOUT_USEC (NOTIFY_MAIL_USEC + 10 * USEC_PER_SEC)
#define PING_PERIOD_USEC    (30 * USEC_PER_SEC)

struct NotifyClient {
        NotifyClientSpec spec;
        Channel *channel;
        uint64_t last_id, pinged_usec;
        bool ready;   /* it answers */
        bool hung;    /* it is there and did not answer in time */
        bool missing; /* ... and has no program to send with */
        bool told_lost;
        char host[65]; /* as mails call this machine */
        Service service;
};

typedef struct NotifyCall {
        NotifyClient *client;
        uint32_t op;
        char user[BASE_NAME_MAX + 1]; /* whose mail it is */
} NotifyCall;

/* ---- answers --------------------------------------------------------------------------------- */

static void now_missing(NotifyClient *client, bool missing) {
        if (client->ready && client->missing && !missing)
                log_write(client->spec.log,
                          &(LogRecord){ .priority = LOG_NOTICE, .message = MESSAGE_NOTIFY_BACK },
                          "the sendmail program is there: codes can be sent");
        client->missing = missing;
}

static void now_ready(NotifyClient *client) {
        if (client->told_lost)
                log_write(client->spec.log,
                          &(LogRecord){ .priority = LOG_NOTICE, .message = MESSAGE_NOTIFY_BACK },
                          "um-notify is back: codes can be sent again");
        client->told_lost = client->hung = false;
        client->ready = true;
}

static void now_away(NotifyClient *client, int fault) {
        client->ready = false;
        if (!client->told_lost)
                log_write(client->spec.log,
                          &(LogRecord){ .priority = LOG_WARNING,
                                        .message = MESSAGE_NOTIFY_LOST,
                                        .fault = fault },
                          "um-notify is away: no codes can be sent by e-mail, logins without them "
                          "go on");
        client->told_lost = true;
}

static void mail_describe(const NotifyAnswer *answer, char *ret, size_t size) {
        switch ((NotifyStatus)answer->status) {
        case NOTIFY_MISSING:
                snprintf(ret, size, "there is no sendmail program (um.conf(5), sendmail)");
                return;
        case NOTIFY_BUSY:
                snprintf(ret, size, "too many mails wait for the sendmail program");
                return;
        case NOTIFY_FAILED:
                snprintf(ret, size, "the sendmail program ended with status %u", answer->code);
                return;
        case NOTIFY_LATE:
                snprintf(ret, size, "the sendmail program did not end in time");
                return;
        case NOTIFY_FAULT:
                snprintf(ret, size, "the sendmail program could not be run: %s",
                         strerrordesc_np((int)answer->code));
                return;
        case NOTIFY_OK:
        case _NOTIFY_STATUS_MAX:
                break;
        }
        snprintf(ret, size, "nobody knows why");
}

static void mail_told(const NotifyClient *client, const char *user, const char *why) {
        char object[BASE_NAME_MAX + 8];

        snprintf(object, sizeof(object), "user/%s", user);
        log_write(client->spec.log,
                  &(LogRecord){
                          .priority = LOG_ERR, .message = MESSAGE_MAIL_FAILED, .object = object },
                  "a code could not be sent to %s by e-mail: %s", user, why);
}

static void call_answered(void *userdata, int r, const void *bytes, size_t len) {
        NotifyCall *call = userdata;
        NotifyClient *client = call->client;
        NotifyAnswer answer;
        char why[128];
        bool good =
                r >= 0 && notify_answer_parse(bytes, len, &answer) >= 0 && answer.op == call->op;

        if (good) {
                now_missing(client, answer.status == NOTIFY_MISSING);
                now_ready(client);
        }
        if (r == -ETIMEDOUT) {
                client->hung = true;
                now_away(client, r);
        }
        if (call->op == NOTIFY_PING || (good && answer.status == NOTIFY_OK))
                return;
        if (good)
                mail_describe(&answer, why, sizeof(why));
        mail_told(client, call->user, good ? why : "um-notify does not answer");
}

/* ---- requests -------------------------------------------------------------------------------- */

static int call_send(NotifyClient *client, NotifyHead *head, const char *const *text,
                     const char *user) {
        _cleanup_free_ NotifyCall *call = calloc(1, sizeof(*call));
        char packet[NOTIFY_PACKET_MAX];
        ssize_t len;
        int r;

        if (!call)
                return -ENOMEM;
        head->protocol = NOTIFY_PROTOCOL;
        head->id = ++client->last_id;
        call->client = client;
        call->op = head->op;
        snprintf(call->user, sizeof(call->user), "%s", user);
        len = notify_request_build(head, text, packet);
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

static int client_ping(NotifyClient *client) {
        static const char *const nothing[_NOTIFY_TEXT_MAX] = { NULL };
        NotifyHead head = { .op = NOTIFY_PING };

        client->pinged_usec = base_boottime_usec();
        return call_send(client, &head, nothing, "");
}

static bool mail_ready(void *userdata) {
        const NotifyClient *client = userdata;

        return client->ready && !client->missing;
}

/* A field that um-notify would refuse would cost the connection, and other people their mails. */
static bool request_is_good(const NotifyHead *head, const char *const *text) {
        char packet[NOTIFY_PACKET_MAX];
        NotifyHead checked = *head;
        NotifyRequest request;
        ssize_t len;
        bool good;

        checked.protocol = NOTIFY_PROTOCOL;
        len = notify_request_build(&checked, text, packet);
        good = len >= 0 && notify_request_parse(packet, (size_t)len, &request) >= 0;
        base_wipe(packet, sizeof(packet));
        return good;
}

static void mail_send(void *userdata, const CoreMail *mail) {
        NotifyClient *client = userdata;
        const char *const text[_NOTIFY_TEXT_MAX] = {
                [NOTIFY_TEXT_TO] = mail->to,
                [NOTIFY_TEXT_FULL_NAME] = mail->full_name,
                [NOTIFY_TEXT_USER] = mail->user,
                [NOTIFY_TEXT_HOST] = client->host,
                [NOTIFY_TEXT_SERVICE] = mail->service,
                [NOTIFY_TEXT_SOURCE] = mail->source,
                [NOTIFY_TEXT_CODE] = base_secret_bytes(mail->code),
        };
        NotifyHead head = { .op = mail->reset ? NOTIFY_RESET : NOTIFY_CODE,
                            .time_usec = mail->now_usec,
                            .valid_sec = (uint32_t)(mail->valid_usec / USEC_PER_SEC) };

        if (!request_is_good(&head, text))
                mail_told(client, mail->user, "the record is not fit for a mail");
        else if (call_send(client, &head, text, mail->user) < 0)
                mail_told(client, mail->user, "um-notify cannot be reached");
}

void notify_client_operations(NotifyClient *client, CoreMailer *ret) {
        *ret = (CoreMailer){ .userdata = client, .ready = mail_ready, .send = mail_send };
}

void notify_client_set_host(NotifyClient *client, const char *host) {
        static const char fit[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
        bool good =
                host[0] && host[strspn(host, fit)] == '\0' && strlen(host) < sizeof(client->host);

        snprintf(client->host, sizeof(client->host), "%s", good ? host : "um");
}

void notify_client_tick(NotifyClient *client) {
        if ((client->ready || client->hung) &&
            base_boottime_usec() - client->pinged_usec >= PING_PERIOD_USEC)
                (void)client_ping(client); /* the next tick tries again */
}

void notify_client_problem(const NotifyClient *client, char *ret, size_t size) {
        snprintf(ret, size, "%s",
                 !client->ready    ? "um-notify is away: no codes can be sent"
                 : client->missing ? "there is no sendmail program: no codes can be sent"
                                   : "");
}

/* ---- the connection -------------------------------------------------------------------------- */

static int client_connect(void *userdata, int *ret_fd) {
        NotifyClient *client = userdata;

        return service_connect(&client->service, ret_fd);
}

static int answer_id(const void *bytes, size_t len, uint64_t *ret_id) {
        NotifyAnswer answer;
        int r = notify_answer_parse(bytes, len, &answer);

        if (r >= 0)
                *ret_id = answer.id;
        return r;
}

static int client_connected(void *userdata) {
        return client_ping(userdata);
}

static void client_lost(void *userdata, int fault) {
        NotifyClient *client = userdata;

        client->hung = false;
        now_away(client, fault);
}

int notify_client_new(const NotifyClientSpec *spec, NotifyClient **ret) {
        _cleanup_(notify_client_freep) NotifyClient *client = calloc(1, sizeof(*client));
        ChannelSpec channel = {
                .timeout_usec = NOTIFY_TIMEOUT_USEC,
                .packet_max = NOTIFY_PACKET_MAX,
                .pending_max = NOTIFY_QUEUE_MAX,
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
                                     .user = "um-notify",
                                     .passwd = spec->passwd,
                                     .binary = spec->binary,
                                     .option = "--sendmail",
                                     .value = spec->sendmail };
        notify_client_set_host(client, "");
        r = channel_new(spec->event, &channel, &client->channel);
        if (r < 0)
                return r;
        (void)channel_connect(client->channel); /* it is told and tried again if it fails */
        *ret = TAKE(client);
        return 0;
}

NotifyClient *notify_client_free(NotifyClient *client) {
        if (!client)
                return NULL;
        client->channel = channel_free(client->channel);
        service_end(&client->service);
        free(client);
        return NULL;
}
