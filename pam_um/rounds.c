/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What pam_um says to umd: one connection a call, but that account goes on with the one of an
 * authenticate that was good (to make one costs more than a round); rounds with a deadline each, so
 * that a umd that hangs costs at most ROUND_USEC while a person may think as long as the
 * application lets him.  umd drives the dialogue; this file only finds the answer to each step: an
 * item of PAM's where an option allows it and at most once, or the person.  It never decides that a
 * login is good. */

#include <errno.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <security/pam_ext.h>
#include <security/pam_modutil.h>

#include "base/base.h"
#include "wire/wire.h"
#include "pam_um/pam_um.h"

#define ROUND_USEC (4500 * USEC_PER_MSEC) /* a verdict within 5 s when umd hangs (SECURITY R12) */
#define STEPS_MAX  64U

typedef struct Dialogue {
        const Call *call;
        bool changing;       /* change-password */
        bool password_given; /* an item answers at most the first time: what umd refused is not */
        bool new_given;      /* sent again, be it an earlier module's or one the person typed */
        bool again_given;
} Dialogue;

static inline void bus_closep(sd_bus **bus) {
        sd_bus_close_unref(*bus);
}

static uint64_t round_deadline(void) {
        return base_boottime_usec() + ROUND_USEC;
}

static int round_result(int r, WireError error) {
        if (r == -EREMOTEIO && (error == WIRE_E_ACCESS_DENIED || error == WIRE_E_POLICY_REFUSED))
                return PAM_UM_E_REFUSED;
        return r;
}

/* The same for what a program without root may ask of its own user (screen lockers).  umd refuses
 * that to those alone who are not its users: another source's, whose module comes later. */
static int own_result(const Call *call, int r, WireError error) {
        struct passwd *pw;

        if (r == -EREMOTEIO && error == WIRE_E_ACCESS_DENIED && geteuid() != 0) {
                pw = pam_modutil_getpwnam(call->handle, call->user);
                if (pw && pw->pw_uid == geteuid())
                        return PAM_UM_E_FOREIGN;
        }
        return round_result(r, error);
}

/* ---- the context ----------------------------------------------------------------------------- */

static const char *item_string(const Call *call, int item) {
        const char *value = NULL;

        if (pam_get_item(call->handle, item, (const void **)&value) != PAM_SUCCESS || !value ||
            *value == '\0')
                return NULL;
        return value;
}

/* Who runs this, for passwd(1), which sets no PAM_RUSER. */
static const char *caller_name(const Call *call) {
        uid_t uid = getuid();
        struct passwd *pw = uid == 0 ? NULL : pam_modutil_getpwuid(call->handle, uid);

        return pw ? pw->pw_name : NULL;
}

/* The strings are libpam's: good until its items or environment change. */
static void context_fill(const Call *call, const char *operation, uint32_t flags,
                         WireContext *ret) {
        *ret = (WireContext){
                .operation = operation,
                .user = call->user,
                .service = call->service,
                .tty = item_string(call, PAM_TTY),
                .rhost = item_string(call, PAM_RHOST),
                .ruser = item_string(call, PAM_RUSER),
                .auth_info = pam_getenv(call->handle, "SSH_AUTH_INFO_0"),
                .flags = flags | (call->silent ? WIRE_FLAG_SILENT : 0) |
                         (call->resolves ? WIRE_FLAG_RESOLVES : 0),
        };
        if (!ret->ruser)
                ret->ruser = caller_name(call);
}

static int round_connect(uint64_t deadline_usec, sd_bus **ret) {
        return wire_connect(WIRE_SOCKET, WIRE_MAP_DIR, deadline_usec, ret);
}

/* ---- single rounds --------------------------------------------------------------------------- */

int rounds_authorize(const Call *call, const char *login, WireStep *ret) {
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        uint64_t deadline_usec = round_deadline();
        WireError error = WIRE_E_NONE;
        WireContext context;
        int r;

        context_fill(call, NULL, 0, &context);
        bus = memory_take_connection(call->handle);
        r = bus ? 0 : round_connect(deadline_usec, &bus);
        if (r >= 0)
                r = wire_login_authorize(bus, &context, login, deadline_usec, ret, &error);
        return own_result(call, r, error);
}

int rounds_open_session(const Call *call, const char *login, WireStep *ret, int *ret_fd) {
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        uint64_t deadline_usec = round_deadline();
        WireError error = WIRE_E_NONE;
        WireContext context;
        int r;

        context_fill(call, NULL, 0, &context);
        r = round_connect(deadline_usec, &bus);
        if (r >= 0)
                r = wire_login_open_session(bus, &context, login, deadline_usec, ret, ret_fd,
                                            &error);
        return round_result(r, error);
}

static int dialogue_begin(const Call *call, const char *operation, uint32_t flags, sd_bus **ret_bus,
                          char *ret_login, WireStep *ret) {
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        uint64_t deadline_usec = round_deadline();
        WireError error = WIRE_E_NONE;
        WireContext context;
        int r;

        context_fill(call, operation, flags, &context);
        r = round_connect(deadline_usec, &bus);
        if (r >= 0)
                r = wire_login_begin(bus, &context, deadline_usec, ret_login, ret, &error);
        if (r >= 0)
                *ret_bus = TAKE(bus);
        return own_result(call, r, error);
}

int rounds_probe_change(const Call *call, uint32_t flags, WireStep *ret) {
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        char login[WIRE_LOGIN_ID_BYTES + 1];

        return dialogue_begin(call, WIRE_OPERATION_CHANGE_PASSWORD, flags, &bus, login, ret);
}

/* ---- answers --------------------------------------------------------------------------------- */

static bool secret_is(const WireStep *step, const char *secret) {
        return strcmp(step->secret, secret) == 0;
}

static bool secret_is_new(const WireStep *step) {
        return secret_is(step, WIRE_SECRET_NEW_PASSWORD) || secret_is(step, WIRE_SECRET_NEW_AGAIN);
}

/* The item of PAM's that may answer this step, or NULL. */
static const char *item_answer(const Dialogue *d, const WireStep *step) {
        const Options *options = &d->call->options;

        if (secret_is(step, WIRE_SECRET_PASSWORD)) {
                if (d->password_given)
                        return NULL;
                if (d->changing)
                        return item_string(d->call, PAM_OLDAUTHTOK);
                return options->use_first_pass || options->try_first_pass
                               ? item_string(d->call, PAM_AUTHTOK)
                               : NULL;
        }
        if (!d->changing || !options->use_authtok)
                return NULL;
        if ((secret_is(step, WIRE_SECRET_NEW_PASSWORD) && !d->new_given) ||
            (secret_is(step, WIRE_SECRET_NEW_AGAIN) && !d->again_given))
                return item_string(d->call, PAM_AUTHTOK);
        return NULL;
}

static bool may_ask(const Dialogue *d, const WireStep *step) {
        const Options *options = &d->call->options;

        if (secret_is(step, WIRE_SECRET_PASSWORD))
                return !options->use_first_pass;
        return !(d->changing && options->use_authtok && secret_is_new(step));
}

static void given_mark(Dialogue *d, const WireStep *step) {
        if (secret_is(step, WIRE_SECRET_PASSWORD))
                d->password_given = true;
        else if (secret_is(step, WIRE_SECRET_NEW_PASSWORD))
                d->new_given = true;
        else if (secret_is(step, WIRE_SECRET_NEW_AGAIN))
                d->again_given = true;
}

/* Keeps an answer for the modules behind this one, before umd hears it: once a change is made,
 * nothing may fail any more. */
static int item_keep(const Dialogue *d, const WireStep *step, const char *answer) {
        int item;

        if (secret_is(step, WIRE_SECRET_PASSWORD) && *answer == '\0')
                return 0; /* none: a module behind this one might let in with it */
        if (secret_is(step, WIRE_SECRET_PASSWORD))
                item = d->changing ? PAM_OLDAUTHTOK : PAM_AUTHTOK;
        else if (d->changing && secret_is(step, WIRE_SECRET_NEW_PASSWORD))
                item = PAM_AUTHTOK;
        else
                return 0;
        return pam_set_item(d->call->handle, item, answer) == PAM_SUCCESS ? 0 : -ENOMEM;
}

/* *ret_owned is NULL where the answer is an item's own text; *ret stays good until items change. */
static int step_ask(Dialogue *d, const WireStep *step, char **ret_owned, const char **ret) {
        _cleanup_(talk_answer_freep) char *asked = NULL;
        const char *answer = item_answer(d, step);
        int r;

        if (!answer) {
                if (!may_ask(d, step))
                        return PAM_UM_E_ANSWER;
                r = talk_ask(d->call, step->text, step->kind == WIRE_STEP_ASK_SHOWN, &asked);
                if (r != 0)
                        return r;
                answer = asked;
        }
        /* An item may be an earlier module's: bounds hold for it as well.  An empty password proves
         * nothing, whatever is behind the socket; other answers may be empty (a choice's default),
         * and umd may take nothing for "I forgot it". */
        if (strnlen(answer, BASE_PASSWORD_MAX + 1) > BASE_PASSWORD_MAX ||
            (secret_is(step, WIRE_SECRET_PASSWORD) && *answer == '\0' && !step->may_be_empty))
                return PAM_UM_E_ANSWER;
        given_mark(d, step);
        r = item_keep(d, step, answer);
        if (r < 0)
                return r;
        *ret_owned = TAKE(asked);
        *ret = answer;
        return 0;
}

static int step_answer(Dialogue *d, const WireStep *step, char **ret_owned, const char **ret) {
        *ret_owned = NULL;
        *ret = "";
        switch (step->kind) {
        case WIRE_STEP_ASK_HIDDEN:
        case WIRE_STEP_ASK_SHOWN:
                return step_ask(d, step, ret_owned, ret);
        case WIRE_STEP_SHOW:
                talk_show(d->call, step->text, step->is_error);
                return 0;
        case WIRE_STEP_WAIT:
                talk_tell(d->call, step->text);
                return 0;
        case WIRE_STEP_INVALID:
        case WIRE_STEP_ASSERT: /* no key or card can be asked from here */
        case WIRE_STEP_DONE:
        case _WIRE_STEP_MAX:
                break;
        }
        return -EPROTO;
}

/* item_keep may have replaced the very item an answer was borrowed from: libpam leaves an item
 * alone that is set to itself, and a password goes to OLDAUTHTOK from AUTHTOK as a copy. */
static int dialogue_round(Dialogue *d, sd_bus *bus, const char *login, WireStep *step) {
        _cleanup_(talk_answer_freep) char *owned = NULL;
        WireError error = WIRE_E_NONE;
        const char *answer;
        int r;

        r = step_answer(d, step, &owned, &answer);
        if (r != 0)
                return r;
        r = wire_login_answer(bus, login, answer, strlen(answer), round_deadline(), step, &error);
        return round_result(r, error);
}

int rounds_dialogue(const Call *call, const char *operation, uint32_t flags, WireStep *ret,
                    char *ret_login) {
        Dialogue dialogue = {
                .call = call,
                .changing = strcmp(operation, WIRE_OPERATION_CHANGE_PASSWORD) == 0,
        };
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        char login[WIRE_LOGIN_ID_BYTES + 1];
        WireStep step;
        int r;

        memory_drop_connection(call->handle);
        r = dialogue_begin(call, operation, flags, &bus, login, &step);
        for (unsigned count = 0; r == 0 && step.kind != WIRE_STEP_DONE; count++) {
                if (call->options.debug)
                        pam_syslog(call->handle, LOG_DEBUG, "step %d", (int)step.kind);
                r = count < STEPS_MAX ? dialogue_round(&dialogue, bus, login, &step) : -ELOOP;
        }
        if (r == 0 && !dialogue.changing && step.verdict == WIRE_VERDICT_ALLOW)
                r = memory_set_connection(call->handle, TAKE(bus));
        if (r == 0) {
                memcpy(ret_login, login, sizeof(login));
                *ret = step;
        }
        base_wipe(&step, sizeof(step)); /* its text may have been a seed, where r is a fault */
        return r;
}
