/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The root helper as core sees it: make this uid's home, end his sessions.
 *
 * Speaks to a helper of root only; connects when there is something to do.  No answer is a fault,
 * never a home. */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

#include "base/base.h"
#include "um_helper/um_helper.h"
#include "umd/umd.h"

#define HELPER_TIMEOUT_USEC (10 * USEC_PER_SEC)
#define HELPER_PENDING_MAX  64U

struct HelperClient {
        const Log *log;
        const char *socket;
        sd_event *event;
        Channel *channel; /* NULL: without a helper */
        uint64_t last_id;
};

typedef struct HelperCall {
        HelperClient *client;
        uid_t uid;
        HelperVerb verb; /* of sessions */
        CoreHelperDone done;
        void *userdata;
} HelperCall;

static int reply_parse(const void *packet, size_t len, HelperReply *ret) {
        HelperReply reply;

        if (len != sizeof(reply))
                return -EBADMSG;
        memcpy(&reply, packet, sizeof(reply));
        if (reply.protocol != HELPER_PROTOCOL || reply.status >= _HELPER_STATUS_MAX ||
            reply.reserved != 0)
                return -EBADMSG;
        *ret = reply;
        return 0;
}

static int answer_id(const void *packet, size_t len, uint64_t *ret_id) {
        HelperReply reply;
        int r = reply_parse(packet, len, &reply);

        if (r >= 0)
                *ret_id = reply.id;
        return r;
}

static CoreHomeResult home_result(const HelperReply *reply) {
        switch ((HelperStatus)reply->status) {
        case HELPER_OK:
                return CORE_HOME_MADE;
        case HELPER_EXISTS:
                return CORE_HOME_EXISTS;
        case HELPER_FOREIGN:
                return CORE_HOME_FOREIGN;
        case HELPER_REFUSED:
                return CORE_HOME_REFUSED;
        case HELPER_NO_USER: /* the map does not show him: withdrawn, perhaps */
        case HELPER_FAULT:
        case HELPER_NO_SUDO:
        case HELPER_REFUSED_BY_VISUDO:
        case _HELPER_STATUS_MAX:
                break;
        }
        return CORE_HOME_FAULT;
}

static void call_answered(void *userdata, int r, const void *packet, size_t len) {
        HelperCall *call = userdata;
        CoreHomeResult result = CORE_HOME_FAULT;
        HelperReply reply = { 0 };

        if (r >= 0)
                r = reply_parse(packet, len, &reply);
        if (r >= 0) {
                result = home_result(&reply);
                r = -(int)(reply.error & 0xFFF);
        }
        if (result == CORE_HOME_FAULT)
                log_write(call->client->log, &(LogRecord){ .priority = LOG_ERR, .fault = r },
                          "um-helper did not make the home of uid %u", call->uid);
        if (result == CORE_HOME_REFUSED)
                log_write(
                        call->client->log, &(LogRecord){ .priority = LOG_WARNING },
                        "the home of uid %u is not below a directory where um-helper makes homes; "
                        "um.conf(5), home-root, has what to do",
                        call->uid);
        call->done(call->userdata, result, base_realtime_usec());
}

static int off_answered(sd_event_source *source, void *userdata) {
        const HelperCall *call = userdata; /* freed with the source */

        call->done(call->userdata, CORE_HOME_OFF, base_realtime_usec());
        return 0;
}

/* The answer without a helper: later too, as whoever asks expects it.  Takes call. */
static int later(HelperClient *client, sd_event_handler_t answered, void *call) {
        sd_event_source *source = NULL;
        int r = sd_event_add_defer(client->event, &source, answered, call);

        if (r < 0) {
                free(call);
                return r;
        }
        (void)sd_event_source_set_destroy_callback(source, free);
        r = sd_event_source_set_floating(source, true);
        sd_event_source_unref(source);
        return r < 0 ? r : 0;
}

static int helper_make_home(void *userdata, uid_t uid, CoreHelperDone done, void *done_userdata) {
        HelperClient *client = userdata;
        _cleanup_free_ HelperCall *call = NULL;
        HelperRequest request = {
                .protocol = HELPER_PROTOCOL,
                .verb = HELPER_MAKE_HOME,
                .id = ++client->last_id,
                .uid = uid,
        };
        int r;

        call = malloc(sizeof(*call));
        if (!call)
                return -ENOMEM;
        *call = (HelperCall){
                .client = client, .uid = uid, .done = done, .userdata = done_userdata
        };
        if (!client->channel)
                return later(client, off_answered, TAKE(call));
        r = channel_call(client->channel, request.id, &request, sizeof(request), call_answered,
                         call);
        if (r >= 0)
                TAKE(call);
        return r;
}

static const char *done_word(HelperVerb verb) {
        return verb == HELPER_END_SESSIONS ? "ended" : "warned";
}

static void sessions_answered(void *userdata, int r, const void *packet, size_t len) {
        HelperCall *call = userdata;
        HelperReply reply = { 0 };

        if (r >= 0)
                r = reply_parse(packet, len, &reply);
        if (r >= 0 && reply.status != HELPER_OK)
                r = reply.status == HELPER_FAULT ? -(int)(reply.error & 0xFFF) : -EPERM;
        if (r < 0)
                log_write(call->client->log, &(LogRecord){ .priority = LOG_ERR, .fault = r },
                          "by um-helper the sessions of uid %u were not %s", call->uid,
                          done_word(call->verb));
}

static void sessions_call(HelperClient *client, HelperVerb verb, uid_t uid) {
        _cleanup_free_ HelperCall *call = NULL;
        HelperRequest request = {
                .protocol = HELPER_PROTOCOL,
                .verb = verb,
                .id = ++client->last_id,
                .uid = uid,
        };
        int r = -EOPNOTSUPP; /* without a helper */

        call = malloc(sizeof(*call));
        if (!call)
                r = -ENOMEM;
        else if (client->channel) {
                *call = (HelperCall){ .client = client, .uid = uid, .verb = verb };
                r = channel_call(client->channel, request.id, &request, sizeof(request),
                                 sessions_answered, call);
        }
        if (r >= 0)
                TAKE(call);
        else
                log_write(client->log, &(LogRecord){ .priority = LOG_ERR, .fault = r },
                          "the sessions of uid %u were not %s", uid, done_word(verb));
}

static void helper_end_sessions(void *userdata, uid_t uid) {
        sessions_call(userdata, HELPER_END_SESSIONS, uid);
}

static void helper_warn_sessions(void *userdata, uid_t uid) {
        sessions_call(userdata, HELPER_WARN_SESSIONS, uid);
}

/* ---- sudoers --------------------------------------------------------------------------------- */

typedef struct SudoersCall {
        SudoersDone done;
        void *userdata;
} SudoersCall;

static SudoersResult sudoers_result(const HelperReply *reply) {
        switch ((HelperStatus)reply->status) {
        case HELPER_OK:
        case HELPER_EXISTS:
                return SUDOERS_INSTALLED;
        case HELPER_FOREIGN:
                return SUDOERS_FOREIGN;
        case HELPER_NO_SUDO:
                return SUDOERS_NO_SUDO;
        case HELPER_REFUSED:
        case HELPER_REFUSED_BY_VISUDO:
                return SUDOERS_REFUSED;
        case HELPER_NO_USER:
        case HELPER_FAULT:
        case _HELPER_STATUS_MAX:
                break;
        }
        return SUDOERS_FAULT;
}

static void sudoers_answered(void *userdata, int r, const void *packet, size_t len) {
        SudoersCall *call = userdata;
        SudoersResult result = SUDOERS_FAULT;
        HelperReply reply = { 0 };

        if (r >= 0)
                r = reply_parse(packet, len, &reply);
        if (r >= 0) {
                result = sudoers_result(&reply);
                r = -(int)(reply.error & 0xFFF);
        }
        call->done(call->userdata, result, r);
}

static int sudoers_off(sd_event_source *source, void *userdata) {
        const SudoersCall *call = userdata; /* freed with the source */

        call->done(call->userdata, SUDOERS_OFF, 0);
        return 0;
}

int helper_client_install_sudoers(HelperClient *client, SudoersDone done, void *userdata) {
        SudoersCall *call = malloc(sizeof(*call));
        HelperRequest request = {
                .protocol = HELPER_PROTOCOL,
                .verb = HELPER_INSTALL_SUDOERS,
                .id = ++client->last_id,
        };
        int r;

        if (!call)
                return -ENOMEM;
        *call = (SudoersCall){ .done = done, .userdata = userdata };
        if (!client->channel)
                return later(client, sudoers_off, call);
        r = channel_call(client->channel, request.id, &request, sizeof(request), sudoers_answered,
                         call);
        if (r < 0)
                free(call);
        return r;
}

/* ---- the connection -------------------------------------------------------------------------- */

static int client_connect(void *userdata, int *ret_fd) {
        HelperClient *client = userdata;
        _cleanup_close_ int fd = -1;
        uid_t uid;
        gid_t gid;
        pid_t pid;
        int r = base_unix_connect(client->socket, SOCK_SEQPACKET, 0, &fd);

        if (r >= 0)
                r = base_peer_credentials(fd, &uid, &gid, &pid);
        if (r < 0)
                return r;
        if (uid != 0)
                return -EPERM;
        *ret_fd = base_take_fd(&fd);
        return 0;
}

static void client_lost(void *userdata, int fault) {
        const HelperClient *client = userdata;

        /* one that is exchanged for its next version is no event; what it does not do is told */
        log_write(client->log, &(LogRecord){ .priority = LOG_DEBUG, .fault = fault },
                  "no connection to um-helper");
}

void helper_client_operations(HelperClient *client, CoreHelper *ret) {
        *ret = (CoreHelper){
                .userdata = client,
                .make_home = helper_make_home,
                .end_sessions = helper_end_sessions,
                .warn_sessions = helper_warn_sessions,
        };
}

int helper_client_new(const Log *log, sd_event *event, const char *socket, HelperClient **ret) {
        _cleanup_(helper_client_freep) HelperClient *client = calloc(1, sizeof(*client));
        ChannelSpec channel = {
                .timeout_usec = HELPER_TIMEOUT_USEC,
                .packet_max = sizeof(HelperReply),
                .pending_max = HELPER_PENDING_MAX,
                .userdata = client,
                .connect = client_connect,
                .answer_id = answer_id,
                .lost = client_lost,
        };
        int r = 0;

        if (!client)
                return -ENOMEM;
        client->log = log;
        client->socket = socket;
        client->event = sd_event_ref(event);
        if (socket)
                r = channel_new(event, &channel, &client->channel);
        if (r < 0)
                return r;
        *ret = TAKE(client);
        return 0;
}

HelperClient *helper_client_free(HelperClient *client) {
        if (!client)
                return NULL;
        client->channel = channel_free(client->channel);
        sd_event_unref(client->event);
        free(client);
        return NULL;
}
