/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.um1.Login: carries the dialogue between a PAM module and core, and holds the sessions'
 * descriptors.  Decides nothing, but that who is not root speaks for himself only.  A call that
 * waits (for the vault, for time to pass) ends with its connection. */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "umd/bus/private.h"

static_assert((int)CORE_STEP_ASK_HIDDEN == (int)WIRE_STEP_ASK_HIDDEN &&
                      (int)CORE_STEP_ASK_SHOWN == (int)WIRE_STEP_ASK_SHOWN &&
                      (int)CORE_STEP_SHOW == (int)WIRE_STEP_SHOW &&
                      (int)CORE_STEP_WAIT == (int)WIRE_STEP_WAIT &&
                      (int)CORE_STEP_ASSERT == (int)WIRE_STEP_ASSERT &&
                      (int)CORE_STEP_DONE == (int)WIRE_STEP_DONE &&
                      (int)_CORE_STEP_MAX == (int)_WIRE_STEP_MAX,
              "core's steps are wire's");
static_assert((int)CORE_VERDICT_ALLOW == (int)WIRE_VERDICT_ALLOW &&
                      (int)CORE_VERDICT_BAD_PROOF == (int)WIRE_VERDICT_BAD_PROOF &&
                      (int)CORE_VERDICT_DENIED == (int)WIRE_VERDICT_DENIED &&
                      (int)CORE_VERDICT_EXPIRED == (int)WIRE_VERDICT_EXPIRED &&
                      (int)CORE_VERDICT_RENEW == (int)WIRE_VERDICT_RENEW &&
                      (int)CORE_VERDICT_UNKNOWN_USER == (int)WIRE_VERDICT_UNKNOWN_USER &&
                      (int)CORE_VERDICT_UNAVAILABLE == (int)WIRE_VERDICT_UNAVAILABLE &&
                      (int)CORE_VERDICT_CHANGE_FAILED == (int)WIRE_VERDICT_CHANGE_FAILED &&
                      (int)_CORE_VERDICT_MAX == (int)_WIRE_VERDICT_MAX,
              "core's verdicts are wire's");

/* ---- the dialogue ---------------------------------------------------------------------------- */

static int context_read(Call *call, CoreLoginContext *ret, CoreError *error) {
        CoreLoginContext context = { "", "", "", "", "", "", "", 0 };
        const DictField fields[] = {
                { WIRE_CONTEXT_OPERATION, "s", &context.operation, NULL },
                { WIRE_CONTEXT_USER, "s", &context.user, NULL },
                { WIRE_CONTEXT_SERVICE, "s", &context.service, NULL },
                { WIRE_CONTEXT_TTY, "s", &context.tty, NULL },
                { WIRE_CONTEXT_RHOST, "s", &context.rhost, NULL },
                { WIRE_CONTEXT_RUSER, "s", &context.ruser, NULL },
                { WIRE_CONTEXT_AUTH_INFO, "s", &context.auth_info, NULL },
                { WIRE_CONTEXT_FLAGS, "u", &context.flags, NULL },
        };
        int r = read_dict(call->message, "context", fields, ARRAY_LENGTH(fields), error);

        if (r != 0)
                return r;
        if (!context.user[0] || !context.service[0])
                return error_set(error, CORE_E_BAD_VALUE, "context: user and service are needed");
        r = call->actor.uid == 0 ? 1
                                 : access_is_self(call->bus->core, call->actor.uid, context.user);
        if (r < 0)
                return r;
        if (r == 0) {
                call->about = context.user;
                return access_refuse(call, "", error);
        }
        *ret = context;
        return 0;
}

static int step_append(sd_bus_message *m, const CoreStep *step) {
        int r = sd_bus_message_open_container(m, 'r', "usa{sv}");

        if (r >= 0)
                r = sd_bus_message_append(m, "us", (uint32_t)step->kind, step->text);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && (step->kind == CORE_STEP_ASK_HIDDEN || step->kind == CORE_STEP_ASK_SHOWN))
                r = sd_bus_message_append(m, "{sv}", "secret", "s",
                                          step->secret ? step->secret : "");
        if (r >= 0 && step->may_be_empty)
                r = sd_bus_message_append(m, "{sv}", "empty", "b", 1);
        if (r >= 0 && step->kind == CORE_STEP_SHOW)
                r = sd_bus_message_append(m, "{sv}", "error", "b", (int)step->is_error);
        if (r >= 0 && step->kind == CORE_STEP_DONE)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}", "verdict", "u",
                                          (uint32_t)step->verdict, "reason", "s",
                                          step->reason ? step->reason : "", "reference", "s",
                                          step->reference);
        for (int i = 0; i < 2 && r >= 0; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

static int step_reply(Call *call, const char *login, const CoreStep *step) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r = call_reply_new(call, &reply);

        if (r >= 0 && call->access->out[0] == 's') /* Begin */
                r = sd_bus_message_append(reply, "s", login);
        if (r >= 0)
                r = step_append(reply, step);
        if (r < 0)
                return r;
        return step->early ? reply_send_early(reply) : call_reply_send(call, reply);
}

static void step_done(void *userdata, int r, const char *login, const CoreStep *step,
                      const CoreError *error) {
        Call *call = userdata;

        if (r == 0)
                r = step_reply(call, login, step);
        if (r != 0)
                call_fail(call, r, error);
        call_free(call);
}

/* In which session it runs may change with every call: what a connection is kept for is no matter.
 */
static void peer_look_around(Peer *peer, const CoreLoginContext *context) {
        CorePeer *core_peer = &peer->core_peer;

        core_peer->ancestor_count =
                core_login_looks_around(context)
                        ? process_ancestors(peer->pid, core_peer->ancestors, CORE_ANCESTORS_MAX)
                        : 0;
}

int login_begin(Call *call, CoreError *error) {
        CoreLoginContext context;
        int r = context_read(call, &context, error);

        if (r != 0)
                return r;
        if (!context.operation[0])
                return error_set(error, CORE_E_BAD_VALUE, "context: operation is needed");
        peer_look_around(call->peer, &context);
        if (call->actor.uid == 0)
                (void)process_find(call->peer->pid, &call->peer->core_peer.process);
        call->ends_with_peer = true;
        core_login_begin(call->bus->core, &call->peer->core_peer, &context, call->now_usec,
                         step_done, call);
        return CALL_HELD;
}

int login_answer(Call *call, CoreError *error) {
        _cleanup_secret_ Secret *secret = NULL;
        const char *login;
        int r = sd_bus_message_read(call->message, "s", &login);

        if (r < 0)
                return r;
        r = read_secret(call->message, BASE_PASSWORD_MAX, true, &secret, error);
        if (r != 0)
                return r;
        call->ends_with_peer = true;
        core_login_answer(call->bus->core, &call->peer->core_peer, login, secret, call->now_usec,
                          step_done, call);
        return CALL_HELD;
}

int login_authorize(Call *call, CoreError *error) {
        CoreLoginContext context;
        const char *login;
        CoreStep step;
        int r = context_read(call, &context, error);

        if (r != 0)
                return r;
        r = sd_bus_message_read(call->message, "s", &login);
        if (r < 0)
                return r;
        peer_look_around(call->peer, &context);
        r = core_login_authorize(call->bus->core, &call->peer->core_peer, &context, login,
                                 call->now_usec, &step, error);
        return r != 0 ? r
                      : call_reply(call, "usss", (uint32_t)step.verdict,
                                   step.reason ? step.reason : "", step.text, step.reference);
}

/* ---- sessions -------------------------------------------------------------------------------- */

/* An open session: over when the last copy of the other end is closed. */
struct LoginSession {
        LIST_ENTRY(LoginSession) entry;
        Bus *bus;
        int fd;
        sd_event_source *source;
        char id[];
};

static LoginSession *session_free(LoginSession *session) {
        LIST_REMOVE(session, entry);
        session->bus->session_count--;
        sd_event_source_disable_unref(session->source);
        base_close(session->fd);
        free(session);
        return NULL;
}

static int session_over(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        LoginSession *session = userdata;

        core_session_close(session->bus->core, session->id, base_realtime_usec());
        session_free(session);
        return 0;
}

/* Ends the session at the event on fd, which it takes. */
static int session_watch(Bus *bus, const char *id, int fd, uint32_t events) {
        size_t size = strlen(id) + 1;
        LoginSession *session = calloc(1, sizeof(*session) + size);
        int r;

        if (!session) {
                base_close(fd);
                return -ENOMEM;
        }
        session->bus = bus;
        session->fd = fd;
        memcpy(session->id, id, size);
        LIST_INSERT_HEAD(&bus->sessions, session, entry);
        bus->session_count++;
        r = sd_event_add_io(bus->event, &session->source, fd, events, session_over, session);
        if (r < 0)
                session_free(session);
        return r < 0 ? r : 0;
}

static int session_reply(Call *call, const char *session, const CoreStep *step) {
        bool open = step->verdict == CORE_VERDICT_ALLOW && session[0] != '\0';
        _cleanup_close_ int ours = -1, theirs = -1;
        int pair[2], r;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
                return -errno;
        ours = pair[0];
        theirs = pair[1];
        if (open) {
                if (shutdown(ours, SHUT_RD) < 0) /* nobody reads what is written into theirs */
                        return -errno;
                r = session_watch(call->bus, session, base_take_fd(&ours), EPOLLHUP);
                if (r < 0)
                        return r;
        }
        /* Should the reply not arrive, the other end closes with it, and the session is over. */
        return call_reply(call, "ussssh", (uint32_t)step->verdict, step->reason ? step->reason : "",
                          step->text, step->reference, open ? session : "", theirs);
}

static void session_done(void *userdata, int r, const char *session, const CoreStep *step,
                         const CoreError *error) {
        Call *call = userdata;

        if (r == 0) {
                r = session_reply(call, session ? session : "", step);
                if (r < 0 && session && session[0])
                        core_session_close(call->bus->core, session, call->now_usec);
        }
        if (r != 0)
                call_fail(call, r, error);
        call_free(call);
}

int login_open_session(Call *call, CoreError *error) {
        CoreLoginContext context;
        const char *login;
        int r = context_read(call, &context, error);

        if (r != 0)
                return r;
        r = sd_bus_message_read(call->message, "s", &login);
        if (r < 0)
                return r;
        if (!call->peer->gate.takes_descriptors)
                return error_set(error, CORE_E_BAD_VALUE,
                                 "this connection did not agree to take descriptors");
        if (call->bus->session_count >= LOGIN_SESSIONS_MAX ||
            !server_may_open(call->bus, call->actor.uid, 2))
                return error_set(error, CORE_E_UNAVAILABLE, "too many sessions are open");
        /* unknown: the session is there, and lost with the next restart */
        (void)process_find(call->peer->pid, &call->peer->core_peer.process);
        call->ends_with_peer = true;
        core_session_open(call->bus->core, &call->peer->core_peer, &context, login, call->now_usec,
                          session_done, call);
        return CALL_HELD;
}

/* Does the process live?  Then its end will be the session's: nobody has the descriptor any more
 * that told so before. */
static bool session_held(void *userdata, const char *id, const CoreProcess *process) {
        Bus *bus = userdata;
        int pidfd, r = process_open(process, &pidfd);

        if (r >= 0)
                r = session_watch(bus, id, pidfd, EPOLLIN);
        if (r < 0 && r != -ESRCH)
                bus_log(bus, r, "cannot watch over a session until the next restart");
        return r != -ESRCH;
}

/* When the machine started, on the wall clock. */
static uint64_t boot_time(uint64_t now_usec) {
        uint64_t since = base_boottime_usec();

        return now_usec > since ? now_usec - since : 0;
}

void login_sessions_resume(Bus *bus) {
        uint64_t now_usec = base_realtime_usec();
        int r = core_sessions_resume(bus->core, session_held, bus, boot_time(now_usec), now_usec);

        if (r < 0)
                bus_log(bus, r, "cannot tell which sessions are still open");
}

/* umd stops: the sessions go on, and login_sessions_resume() finds them. */
void login_sessions_clear(Bus *bus) {
        LoginSession *session;

        while ((session = LIST_FIRST(&bus->sessions)))
                session_free(session);
}
