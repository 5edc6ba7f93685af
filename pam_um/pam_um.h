/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* pam_um: asks, shows, answers; umd decides.  What its files tell each other.  PAM's return codes
 * are chosen in pam_um.c alone: everything here speaks negative errno values and PamOutcome. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <security/pam_modules.h>

#include "base/base.h"
#include "wire/wire.h"

#define PAM_UM_SERVICE_MAX 255U /* a file's name in /etc/pam.d */

/* ---- one pam_sm_* call ----------------------------------------------------------------------- */

typedef struct Options {
        bool use_first_pass; /* the password of an earlier module, never a prompt for it */
        bool try_first_pass; /* the same where there is one, else a prompt */
        bool use_authtok;    /* chauthtok: the new password of an earlier module, never a prompt */
        bool debug;          /* steps and verdicts to the log, never what was answered */
        bool quiet;          /* show errors only */
        bool nodelay;        /* no delay after a failed authenticate */
} Options;

/* Names are copies: a conversation function may change PAM's items under a running call. */
typedef struct Call {
        pam_handle_t *handle;
        Options options;
        bool silent;   /* PAM_SILENT */
        bool resolves; /* user is somebody's: um's, or another source's */
        char user[BASE_NAME_MAX + 1];
        char service[PAM_UM_SERVICE_MAX + 1];
} Call;

typedef enum PamOutcome {
        PAM_UM_DONE,
        PAM_UM_E_CONVERSATION, /* the application could not ask */
        PAM_UM_E_ANSWER,       /* none, an empty password, or one over BASE_PASSWORD_MAX */
        PAM_UM_E_REFUSED,      /* umd: AccessDenied, PolicyRefused */
        PAM_UM_E_FOREIGN,      /* a program without root, run by a user who is not um's */
        PAM_UM_E_IDENTITY,     /* PAM_USER or PAM_SERVICE is not what it was */
        _PAM_UM_OUTCOME_MAX,
} PamOutcome;

/* Reads the module's arguments; one that is not known is logged and has no effect: a typing error
 * in /etc/pam.d must not lock anybody out. */
void options_read(pam_handle_t *handle, int argc, const char **argv, Options *ret);

/* ---- talk.c: the application's conversation -------------------------------------------------- */

/* Asks; 0 and the answer (text_free), PAM_UM_E_CONVERSATION, or PAM_UM_E_ANSWER for none and for
 * one over BASE_PASSWORD_MAX bytes, which is never copied. */
int talk_ask(const Call *call, const char *text, bool echo, char **ret);
/* Shows text line by line, made printable and cut at PAM's limit; nothing with PAM_SILENT, only
 * errors with quiet.  That the application cannot show something changes no verdict. */
void talk_show(const Call *call, const char *text, bool is_error);
/* The same for what the person has to do now (touch a key): as a prompt, it is never silent. */
void talk_tell(const Call *call, const char *text);
/* Wipes and frees an answer; NULL allowed; returns NULL. */
char *talk_answer_free(char *answer);

static inline void talk_answer_freep(char **answer) {
        *answer = talk_answer_free(*answer);
}

/* ---- rounds.c: umd --------------------------------------------------------------------------- */

/* Authorize.  0 and the verdict as a DONE step, PAM_UM_E_REFUSED, or a fault. */
int rounds_authorize(const Call *call, const char *login, WireStep *ret);
/* OpenSession; *ret_fd is the session with ALLOW, else -1. */
int rounds_open_session(const Call *call, const char *login, WireStep *ret, int *ret_fd);
/* Begins a change of password and lets it go again: may this user's password be changed here, and
 * is umd there to do it?  0 with *ret a DONE step if umd already has a verdict, else another. */
int rounds_probe_change(const Call *call, uint32_t flags, WireStep *ret);
/* A whole dialogue.  0, the DONE step and the login's id (WIRE_LOGIN_ID_BYTES + 1); a PamOutcome;
 * or a fault. */
int rounds_dialogue(const Call *call, const char *operation, uint32_t flags, WireStep *ret,
                    char *ret_login);

/* ---- memory.c: what one PAM handle remembers between calls ----------------------------------- */

/* Who was judged in this handle.  Valid until the next memory_* call or the end of the handle. */
typedef struct Proof {
        bool foreign; /* another source's user: umd said so */
        char user[BASE_NAME_MAX + 1];
        char service[PAM_UM_SERVICE_MAX + 1];
        char login[WIRE_LOGIN_ID_BYTES + 1]; /* "" where there was no dialogue */
} Proof;

int memory_set_proof(const Call *call, const char *login, bool foreign);
const Proof *memory_proof(const pam_handle_t *handle);
void memory_drop_proof(pam_handle_t *handle);
/* Does the proof speak of this user and service? */
bool memory_proof_fits(const Proof *proof, const Call *call);

/* The login id where only PAM's environment survives (sshd); "" where there is none that could be
 * one.  ret has WIRE_LOGIN_ID_BYTES + 1. */
int memory_set_login_env(pam_handle_t *handle, const char *login);
void memory_login_env(pam_handle_t *handle, char *ret);
void memory_drop_login_env(pam_handle_t *handle);

/* Takes the connection of a login that was just proved over, for the account phase that follows: it
 * knows this process as it is now.  Closed when the handle ends, or on failure. */
int memory_set_connection(pam_handle_t *handle, sd_bus *bus);
/* The caller's (sd_bus_close_unref), once; NULL where there is none, or none that may still be
 * used: in a forked child, after a change of uid, where the application closed the descriptor,
 * where umd hung up. */
sd_bus *memory_take_connection(pam_handle_t *handle);
void memory_drop_connection(pam_handle_t *handle);

/* Takes fd over: closed by memory_drop_session, or when the handle ends, or on failure. */
int memory_set_session(pam_handle_t *handle, int fd);
/* True if there was one. */
bool memory_drop_session(pam_handle_t *handle);
