/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* wire: what two processes must agree on: names on the bus, errors, the steps of a login, and the
 * client side of the private socket.  docs/api/ has a page for each interface. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-bus.h>

#include "base/base.h"

#define WIRE_NAME        "org.um1"
#define WIRE_SOCKET      "/run/um/bus"
#define WIRE_MAP_DIR     "/run/um/map.d" /* its owner is um's uid: who a client may talk to */
#define WIRE_PATH        "/org/um1"
#define WIRE_PATH_USER   "/org/um1/user" /* children by sd_bus_path_encode of the name */
#define WIRE_PATH_GROUP  "/org/um1/group"
#define WIRE_MANAGER     "org.um1.Manager"
#define WIRE_USER        "org.um1.User"
#define WIRE_GROUP       "org.um1.Group"
#define WIRE_AUDIT       "org.um1.Audit"
#define WIRE_POLICY      "org.um1.Policy"
#define WIRE_ROLE        "org.um1.Role"
#define WIRE_TENANT      "org.um1.Tenant"
#define WIRE_APP         "org.um1.App"
#define WIRE_ATTRIBUTE   "org.um1.Attribute"
#define WIRE_SUDO        "org.um1.Sudo"
#define WIRE_LOGIN       "org.um1.Login"
#define WIRE_NSS         "org.um1.Nss"
#define WIRE_MESSAGE_MAX 65536U

/* ---- errors ---------------------------------------------------------------------------------- */

#define WIRE_ERROR_PREFIX "org.um1.Error."

typedef enum WireError {
        WIRE_E_NONE,
        WIRE_E_NO_SUCH_USER,
        WIRE_E_NO_SUCH_GROUP,
        WIRE_E_NO_SUCH_ENTRY, /* audit entries, logins, cursors gone, sudo command groups */
        WIRE_E_NO_SUCH_ROLE,
        WIRE_E_NO_SUCH_TENANT,
        WIRE_E_NO_SUCH_APP,
        WIRE_E_ACCESS_DENIED, /* names the missing permission */
        WIRE_E_POLICY_REFUSED,
        WIRE_E_BAD_VALUE,
        WIRE_E_NAME_TAKEN,
        WIRE_E_UID_TAKEN,
        WIRE_E_CONFLICT,
        WIRE_E_PROTECTED,     /* names what one would have to have first */
        WIRE_E_LAST_OWNER,    /* for root too */
        WIRE_E_ROLE_CONFLICT, /* names both roles and the way to each */
        WIRE_E_REASON_REQUIRED,
        WIRE_E_SEAT_LIMIT, /* the tenant's seats are taken */
        WIRE_E_PRIVATE_SOCKET_ONLY,
        WIRE_E_BUSY,
        WIRE_E_UNAVAILABLE, /* the store is not served, the vault is away */
        WIRE_E_FAULT,
        _WIRE_E_MAX,
} WireError;

const char *wire_error_name(WireError error);     /* "org.um1.Error.NoSuchUser"; NULL for NONE */
WireError wire_error_from_name(const char *name); /* unknown ones: WIRE_E_FAULT */
/* What umctl exits with: 0 done, 1 failed, 2 usage, 3 refused, 4 not found, 5 not reachable. */
int wire_error_exit_code(WireError error);

/* ---- logins ---------------------------------------------------------------------------------- */

/* Keys of the context of Begin, Authorize and OpenSession. */
#define WIRE_CONTEXT_OPERATION "operation" /* s: WIRE_OPERATION_* */
#define WIRE_CONTEXT_USER      "user"      /* s */
#define WIRE_CONTEXT_SERVICE   "service"   /* s */
#define WIRE_CONTEXT_TTY       "tty"       /* s */
#define WIRE_CONTEXT_RHOST     "rhost"     /* s */
#define WIRE_CONTEXT_RUSER     "ruser"     /* s */
#define WIRE_CONTEXT_AUTH_INFO "auth-info" /* s: SSH_AUTH_INFO_0 */
#define WIRE_CONTEXT_FLAGS     "flags"     /* u: WIRE_FLAG_* */

#define WIRE_OPERATION_AUTHENTICATE    "authenticate"
#define WIRE_OPERATION_CHANGE_PASSWORD "change-password"
#define WIRE_OPERATION_ENROL_KEY       "enrol-key"

#define WIRE_FLAG_SILENT  1U
#define WIRE_FLAG_EXPIRED 2U /* change-password: only if it is expired or must change */
/* change-password: ask the current password of a root peer too.  pam_um sets it where the person is
 * not root (getuid() != 0): a setuid passwd(1) is uid 0 to SO_PEERCRED whoever runs it. */
#define WIRE_FLAG_ASK_CURRENT 4U
/* The name is not in /etc/passwd, and NSS resolves it.  Where um has no such user (a tombstone is
 * one), it is another source's: UNKNOWN_USER at once instead of a stranger's steps. */
#define WIRE_FLAG_RESOLVES 8U

#define WIRE_LOGIN_ID_ENV   "UM_LOGIN_ID" /* PAM environment; removed by open_session */
#define WIRE_LOGIN_ID_BYTES 32U           /* 128 random bits in hex */

typedef enum WireStepKind {
        WIRE_STEP_INVALID,
        WIRE_STEP_ASK_HIDDEN, /* ask, without echo; more: secret (s) = WIRE_SECRET_*, empty (b) */
        WIRE_STEP_ASK_SHOWN,  /* ask, with echo; the same */
        WIRE_STEP_SHOW,       /* show text, answer with nothing; more: error (b) shows it as one */
        WIRE_STEP_WAIT, /* show text if any, answer with nothing: the daemon answers when it is time
                         */
        WIRE_STEP_ASSERT, /* a challenge for a local security key; more: type (s), challenge (ay) */
        WIRE_STEP_DONE,   /* over; more: verdict (u), reason (s), reference (s, may be "") */
        _WIRE_STEP_MAX,
} WireStepKind;

#define WIRE_SECRET_PASSWORD "password" /* may be answered from PAM_AUTHTOK or PAM_OLDAUTHTOK */
#define WIRE_SECRET_NEW_PASSWORD                                                                   \
        "new-password" /* asked twice by the daemon, the second time as -again */
#define WIRE_SECRET_NEW_AGAIN "new-password-again"
#define WIRE_SECRET_CODE      "code"

typedef enum WireVerdict {
        WIRE_VERDICT_INVALID, /* zero on purpose: nothing received is no verdict */
        WIRE_VERDICT_ALLOW,
        WIRE_VERDICT_BAD_PROOF,     /* PAM_AUTH_ERR */
        WIRE_VERDICT_DENIED,        /* PAM_PERM_DENIED */
        WIRE_VERDICT_EXPIRED,       /* PAM_ACCT_EXPIRED */
        WIRE_VERDICT_RENEW,         /* PAM_NEW_AUTHTOK_REQD */
        WIRE_VERDICT_UNKNOWN_USER,  /* PAM_USER_UNKNOWN: another source owns the name */
        WIRE_VERDICT_UNAVAILABLE,   /* PAM_AUTHINFO_UNAVAIL */
        WIRE_VERDICT_CHANGE_FAILED, /* PAM_AUTHTOK_ERR: the new password was not accepted */
        _WIRE_VERDICT_MAX,
} WireVerdict;

#define WIRE_TEXT_MAX 4096U

typedef struct WireContext {
        const char *operation, *user, *service, *tty, *rhost, *ruser,
                *auth_info; /* NULL: left out */
        uint32_t flags;
} WireContext;

typedef struct WireStep {
        WireStepKind kind;
        WireVerdict verdict; /* DONE; INVALID otherwise */
        bool is_error;       /* SHOW */
        bool may_be_empty; /* ASK_*: nothing is an answer too, be it a password that is asked for */
        char text[WIRE_TEXT_MAX];
        char secret[32];    /* ASK_*: WIRE_SECRET_*, or "" */
        char reason[64];    /* DONE */
        char reference[32]; /* DONE */
} WireStep;

/* ---- the private socket's client ------------------------------------------------------------- */

/* Connects path, checks that the server's uid is 0 or the owner of map_dir, starts sd-bus on it
 * (peer to peer; no Hello) and waits for the handshake.  Everything until the deadline (boottime);
 * later calls get what is left of it by wire_time_left.  Reads no environment.  -ETIMEDOUT,
 * -ECONNREFUSED, -ENOENT, -ECONNRESET, -EPERM for a server that is not um.  The caller owns *ret:
 * sd_bus_close_unref. */
int wire_connect(const char *path, const char *map_dir, uint64_t deadline_usec, sd_bus **ret);
/* Is the other end still there, and said nothing that it was not asked?  Else the connection is of
 * no use for another round. */
bool wire_is_quiet(sd_bus *bus);
/* What is left until the deadline, at least 1: never 0, which sd-bus takes for its default of 25 s.
 */
uint64_t wire_time_left(uint64_t deadline_usec);

int wire_context_append(sd_bus_message *m, const WireContext *context);
/* Reads "(usa{sv})" strictly: known kind, texts within bounds, each key where it belongs and once,
 * a verdict with DONE (one that is not in the table is UNAVAILABLE); keys nobody knows are skipped.
 * -EBADMSG otherwise. */
int wire_step_read(sd_bus_message *m, WireStep *ret);
/* Reads "usss" (verdict, reason, text, reference) as a DONE step: Authorize, OpenSession. */
int wire_outcome_read(sd_bus_message *m, WireStep *ret);

/* One round each, blocking until the deadline at most; *ret_login has WIRE_LOGIN_ID_BYTES + 1.  A
 * reply that is an error of ours gives -EREMOTEIO and *ret_error, which is written only then;
 * everything else that is not a step is a fault.  After a fault the connection is of no use. */
int wire_login_begin(sd_bus *bus, const WireContext *context, uint64_t deadline_usec,
                     char *ret_login, WireStep *ret, WireError *ret_error);
int wire_login_answer(sd_bus *bus, const char *login, const void *answer, size_t len,
                      uint64_t deadline_usec, WireStep *ret, WireError *ret_error);
/* Verdict, reason, text and reference land in *ret as a DONE step. */
int wire_login_authorize(sd_bus *bus, const WireContext *context, const char *login,
                         uint64_t deadline_usec, WireStep *ret, WireError *ret_error);
/* As Authorize; text may have something to show with ALLOW too, and *ret_fd is then the session
 * (close-on-exec, above 2, the caller's): closing it ends the session.  Else *ret_fd is -1. */
int wire_login_open_session(sd_bus *bus, const WireContext *context, const char *login,
                            uint64_t deadline_usec, WireStep *ret, int *ret_fd,
                            WireError *ret_error);
