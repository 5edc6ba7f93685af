/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The six functions PAM calls, and the only place where PAM's return codes are chosen.
 *
 * root and whoever stands in /etc/passwd are PAM_USER_UNKNOWN before umd is contacted, in every
 * phase.  For everybody else a result starts as a failure and becomes PAM_SUCCESS only by umd's
 * word; PAM_IGNORE is never returned.  No fork, thread, signal handler, environment variable or
 * static variable is used: the module leaves sshd, login, su and sudo as it found them. */

#include <errno.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <security/pam_ext.h>
#include <security/pam_modutil.h>

#include "base/base.h"
#include "wire/wire.h"
#include "pam_um/pam_um.h"

#define PUBLIC __attribute__((visibility("default")))

#define FAIL_DELAY_USEC 2000000U

/* ---- what umd said, in PAM's words ----------------------------------------------------------- */

static int verdict_code(WireVerdict verdict) {
        switch (verdict) {
        case WIRE_VERDICT_ALLOW:
                return PAM_SUCCESS;
        case WIRE_VERDICT_BAD_PROOF:
                return PAM_AUTH_ERR;
        case WIRE_VERDICT_DENIED:
                return PAM_PERM_DENIED;
        case WIRE_VERDICT_EXPIRED:
                return PAM_ACCT_EXPIRED;
        case WIRE_VERDICT_RENEW:
                return PAM_NEW_AUTHTOK_REQD;
        case WIRE_VERDICT_UNKNOWN_USER:
                return PAM_USER_UNKNOWN;
        case WIRE_VERDICT_CHANGE_FAILED:
                return PAM_AUTHTOK_ERR;
        case WIRE_VERDICT_INVALID:
        case WIRE_VERDICT_UNAVAILABLE:
        case _WIRE_VERDICT_MAX:
                break;
        }
        return PAM_AUTHINFO_UNAVAIL;
}

/* For the log.  People type their passwords where a name is asked: what is nobody's name is not
 * written down. */
static const char *whom(const Call *call) {
        return call->resolves ? call->user : "a name that nobody has";
}

/* r is not 0: a PamOutcome or a fault, and never a success. */
static int outcome_code(const Call *call, int r) {
        switch (r) {
        case PAM_UM_E_CONVERSATION:
                return PAM_CONV_ERR;
        case PAM_UM_E_ANSWER:
                return PAM_AUTH_ERR;
        case PAM_UM_E_FOREIGN:
                return PAM_USER_UNKNOWN;
        case PAM_UM_E_REFUSED:
                pam_syslog(call->handle, LOG_ERR, "umd does not let this program ask for %s",
                           whom(call));
                return PAM_PERM_DENIED;
        case PAM_UM_E_IDENTITY:
                pam_syslog(call->handle, LOG_ERR, "user or service changed under the login of %s",
                           whom(call));
                return PAM_PERM_DENIED;
        case -ENOMEM:
                return PAM_BUF_ERR;
        default:
                errno = r < 0 ? -r : EPROTO;
                pam_syslog(call->handle, LOG_ERR, "no answer from umd for %s: %m", whom(call));
                return PAM_AUTHINFO_UNAVAIL;
        }
}

static void verdict_log(const Call *call, const WireStep *step, int code) {
        char reason[128], reference[64];

        base_escape(step->reason, strlen(step->reason), reason, sizeof(reason));
        base_escape(step->reference, strlen(step->reference), reference, sizeof(reference));
        pam_syslog(call->handle, LOG_DEBUG, "verdict %d %s %s for %s: %s", (int)step->verdict,
                   reason, reference, whom(call), pam_strerror(call->handle, code));
}

/* A round's result and its verdict; umd's text is shown. */
static int step_code(const Call *call, int r, const WireStep *step) {
        int code;

        if (r != 0)
                return outcome_code(call, r);
        if (step->kind != WIRE_STEP_DONE)
                return outcome_code(call, -EPROTO);
        code = verdict_code(step->verdict);
        if (call->options.debug)
                verdict_log(call, step, code);
        talk_show(call, step->text, code != PAM_SUCCESS);
        return code;
}

/* ---- whose user ------------------------------------------------------------------------------ */

/* A name um could never have given out is another's, as is every local one. */
static bool name_is_foreign(const char *user) {
        return strcmp(user, "root") == 0 ||
               base_field_check(FIELD_USER_NAME, user, strlen(user)) != FIELD_OK;
}

static bool name_copy(char *buf, size_t size, const char *s) {
        size_t len = s ? strlen(s) : size;

        if (len >= size)
                return false;
        memcpy(buf, s, len + 1);
        return true;
}

/* True where umd is to be asked; otherwise *ret_result is what to return: never a success. */
static bool call_init(Call *call, pam_handle_t *handle, int flags, int argc, const char **argv,
                      int *ret_result) {
        const char *user = NULL, *service = NULL;
        uint32_t uid;
        int r;

        *call = (Call){ .handle = handle, .silent = (unsigned)flags & PAM_SILENT };
        options_read(handle, argc, argv, &call->options);
        r = pam_get_user(handle, &user, NULL);
        if (r != PAM_SUCCESS || !user) {
                *ret_result = r == PAM_BUF_ERR ? PAM_BUF_ERR : PAM_CONV_ERR;
                return false;
        }
        r = !name_copy(call->user, sizeof(call->user), user) || name_is_foreign(user)
                    ? 1
                    : base_local_find_name(BASE_PASSWD_PATH, user, &uid);
        if (r > 0) {
                *ret_result = PAM_USER_UNKNOWN;
                return false;
        }
        *ret_result = PAM_AUTHINFO_UNAVAIL;
        if (r < 0) {
                errno = -r;
                pam_syslog(handle, LOG_CRIT, "cannot read " BASE_PASSWD_PATH ": %m");
                return false;
        }
        /* not in /etc/passwd, and yet it may resolve */
        call->resolves = pam_modutil_getpwnam(handle, call->user) != NULL;
        r = pam_get_item(handle, PAM_SERVICE, (const void **)&service);
        return r == PAM_SUCCESS && name_copy(call->service, sizeof(call->service), service);
}

/* Is PAM_USER still who the call began with?  A conversation function may have changed it. */
static bool identity_holds(const Call *call) {
        const char *user = NULL, *service = NULL;

        return pam_get_item(call->handle, PAM_USER, (const void **)&user) == PAM_SUCCESS && user &&
               strcmp(user, call->user) == 0 &&
               pam_get_item(call->handle, PAM_SERVICE, (const void **)&service) == PAM_SUCCESS &&
               service && strcmp(service, call->service) == 0;
}

/* The login id of this handle, or of PAM's environment.  PAM_UM_E_IDENTITY where the handle was
 * judged for somebody else (SECURITY B1).  ret has WIRE_LOGIN_ID_BYTES + 1. */
static int login_find(const Call *call, char *ret) {
        const Proof *proof = memory_proof(call->handle);

        if (!proof)
                memory_login_env(call->handle, ret);
        else if (!memory_proof_fits(proof, call))
                return PAM_UM_E_IDENTITY;
        else
                memcpy(ret, proof->login, sizeof(proof->login));
        return 0;
}

/* sudo proves the caller and opens the session of another: nothing of the proof concerns him, and
 * umd judges him as one who came without. */
static bool proof_handed_over(const Call *call, const Proof *proof) {
        const char *ruser = NULL;

        return strcmp(proof->service, call->service) == 0 &&
               pam_get_item(call->handle, PAM_RUSER, (const void **)&ruser) == PAM_SUCCESS &&
               ruser && strcmp(ruser, proof->user) == 0;
}

/* ---- auth ------------------------------------------------------------------------------------ */

static int authenticate(const Call *call) {
        char login[WIRE_LOGIN_ID_BYTES + 1];
        WireStep step;
        int r, code;

        memory_drop_proof(call->handle);
        memory_drop_login_env(call->handle);
        r = rounds_dialogue(call, WIRE_OPERATION_AUTHENTICATE, 0, &step, login);
        if (r == 0 && !identity_holds(call))
                r = PAM_UM_E_IDENTITY;
        code = step_code(call, r, &step);
        if (code == PAM_USER_UNKNOWN)
                (void)memory_set_proof(call, "", true); /* for setcred alone */
        if (code != PAM_SUCCESS)
                return code;
        r = memory_set_proof(call, login, false);
        if (r >= 0)
                r = memory_set_login_env(call->handle, login);
        return r < 0 ? outcome_code(call, r) : PAM_SUCCESS;
}

static void delay_failure(const Call *call, int code) {
        if (call->options.nodelay || code == PAM_SUCCESS || code == PAM_USER_UNKNOWN ||
            code == PAM_AUTHINFO_UNAVAIL)
                return;
        (void)pam_fail_delay(call->handle, FAIL_DELAY_USEC);
}

PUBLIC int pam_sm_authenticate(pam_handle_t *handle, int flags, int argc, const char **argv) {
        int result = PAM_AUTHINFO_UNAVAIL;
        Call call;

        if (call_init(&call, handle, flags, argc, argv, &result)) {
                result = authenticate(&call);
                delay_failure(&call, result);
        }
        return result;
}

/* um has no credentials to hand out, and umd is not asked: whom it let in, it let in. */
PUBLIC int pam_sm_setcred(pam_handle_t *handle, int flags, int argc, const char **argv) {
        int result = PAM_AUTHINFO_UNAVAIL;
        const Proof *proof;
        Call call;

        if (call_init(&call, handle, flags, argc, argv, &result))
                result = PAM_SUCCESS;
        proof = memory_proof(handle);
        if (proof && strcmp(proof->user, call.user) != 0)
                memory_drop_login_env(handle); /* sudo: not into another's environment */
        else if (proof && proof->foreign && result == PAM_SUCCESS)
                result = PAM_USER_UNKNOWN;
        return result;
}

/* ---- account --------------------------------------------------------------------------------- */

static int account(const Call *call) {
        char login[WIRE_LOGIN_ID_BYTES + 1];
        WireStep step;
        int r, code;

        r = login_find(call, login);
        if (r == 0)
                r = rounds_authorize(call, login, &step);
        code = step_code(call, r, &step);
        if ((code != PAM_SUCCESS && code != PAM_NEW_AUTHTOK_REQD && code != PAM_USER_UNKNOWN) ||
            memory_proof(call->handle))
                return code;
        r = memory_set_proof(call, login, code == PAM_USER_UNKNOWN);
        return r < 0 ? outcome_code(call, r) : code;
}

PUBLIC int pam_sm_acct_mgmt(pam_handle_t *handle, int flags, int argc, const char **argv) {
        int result = PAM_AUTHINFO_UNAVAIL;
        Call call;

        if (call_init(&call, handle, flags, argc, argv, &result))
                result = account(&call);
        return result;
}

/* ---- password -------------------------------------------------------------------------------- */

/* umd answers before anything is asked: whose user it is, whether he may, whether it is due. */
static int change_probe(const Call *call, uint32_t wire_flags) {
        WireStep step;
        int r;

        r = rounds_probe_change(call, wire_flags, &step);
        return r == 0 && step.kind != WIRE_STEP_DONE ? PAM_SUCCESS : step_code(call, r, &step);
}

static int change_update(const Call *call, uint32_t wire_flags) {
        char login[WIRE_LOGIN_ID_BYTES + 1];
        WireStep step;
        int r;

        r = rounds_dialogue(call, WIRE_OPERATION_CHANGE_PASSWORD, wire_flags, &step, login);
        return r == PAM_UM_E_ANSWER ? PAM_AUTHTOK_ERR : step_code(call, r, &step);
}

static int change(const Call *call, int flags) {
        char login[WIRE_LOGIN_ID_BYTES + 1];
        uint32_t wire_flags = 0;
        int r;

        r = login_find(call, login);
        if (r != 0)
                return outcome_code(call, r);
        if ((unsigned)flags & PAM_CHANGE_EXPIRED_AUTHTOK)
                wire_flags |= WIRE_FLAG_EXPIRED;
        if (getuid() != 0)
                wire_flags |= WIRE_FLAG_ASK_CURRENT; /* passwd(1): root to umd, alice in truth */
        if ((unsigned)flags & PAM_PRELIM_CHECK)
                return change_probe(call, wire_flags);
        if ((unsigned)flags & PAM_UPDATE_AUTHTOK)
                return change_update(call, wire_flags);
        return PAM_SYSTEM_ERR;
}

PUBLIC int pam_sm_chauthtok(pam_handle_t *handle, int flags, int argc, const char **argv) {
        int result = PAM_AUTHINFO_UNAVAIL;
        Call call;

        if (call_init(&call, handle, flags, argc, argv, &result))
                result = change(&call, flags);
        return result;
}

/* ---- session --------------------------------------------------------------------------------- */

static int session_open(const Call *call, const char *env_login) {
        const Proof *proof = memory_proof(call->handle);
        const char *login = env_login;
        _cleanup_close_ int session = -1;
        WireStep step;
        int r = 0, code;

        if (proof && memory_proof_fits(proof, call))
                login = proof->login;
        else if (proof && proof_handed_over(call, proof))
                login = "";
        else if (proof)
                r = PAM_UM_E_IDENTITY;
        if (r == 0)
                r = rounds_open_session(call, login, &step, &session);
        code = step_code(call, r, &step);
        if (code != PAM_SUCCESS)
                return code;
        r = memory_set_session(call->handle, base_take_fd(&session));
        return r < 0 ? outcome_code(call, r) : PAM_SUCCESS;
}

PUBLIC int pam_sm_open_session(pam_handle_t *handle, int flags, int argc, const char **argv) {
        char login[WIRE_LOGIN_ID_BYTES + 1];
        int result = PAM_AUTHINFO_UNAVAIL;
        Call call;

        /* Out of the environment whatever happens: the user's shell would show it. */
        memory_login_env(handle, login);
        memory_drop_login_env(handle);
        if (call_init(&call, handle, flags, argc, argv, &result))
                result = session_open(&call, login);
        return result;
}

/* Only closes the descriptor: it may run with the user's uid, and umd sees the end by itself. */
PUBLIC int pam_sm_close_session(pam_handle_t *handle, int flags, int argc, const char **argv) {
        int result = PAM_AUTHINFO_UNAVAIL;
        Call call;

        if (memory_drop_session(handle) || call_init(&call, handle, flags, argc, argv, &result))
                result = PAM_SUCCESS;
        return result;
}
