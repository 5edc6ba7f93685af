/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The wrappers of sd-bus's and libpam's functions as pam_um calls them, and its six entries: each
 * runs under the plan that wrap_login set, and reports.  Linked into a pam_um.so of its own, whose
 * entries are um_sm_* there. */

#undef pam_sm_authenticate
#undef pam_sm_setcred
#undef pam_sm_acct_mgmt
#undef pam_sm_chauthtok
#undef pam_sm_open_session
#undef pam_sm_close_session

#include <errno.h>
#include <stdarg.h>

#include <security/pam_modules.h>
#include <systemd/sd-bus.h>

#include "tests/wrap/wrap.h"
#include "tests/wrap/wrap_pam.h"

/* ---- sd-bus ---------------------------------------------------------------------------------- */

WRAP(int, sd_bus_new, (sd_bus * *ret), (ret), -errno, ENOMEM)
WRAP(int, sd_bus_set_fd, (sd_bus * bus, int in, int out), (bus, in, out), -errno, EPERM, EBADF)
WRAP(int, sd_bus_negotiate_fds, (sd_bus * bus, int yes), (bus, yes), -errno, EPERM)
WRAP(int, sd_bus_set_method_call_timeout, (sd_bus * bus, uint64_t usec), (bus, usec), -errno,
     ENOPKG)
WRAP(int, sd_bus_start, (sd_bus * bus), (bus), -errno, ENOMEM, ECONNRESET, EPERM)
WRAP(int, sd_bus_is_ready, (sd_bus * bus), (bus), -errno, ENOTCONN)
WRAP(int, sd_bus_process, (sd_bus * bus, sd_bus_message **ret), (bus, ret), -errno, ENOMEM,
     ECONNRESET, EBADMSG, ENOTCONN)
WRAP(int, sd_bus_get_fd, (sd_bus * bus), (bus), -errno, ENOTCONN)
WRAP(int, sd_bus_get_events, (sd_bus * bus), (bus), -errno, ENOTCONN)
WRAP(int, sd_bus_add_filter,
     (sd_bus * bus, sd_bus_slot **slot, sd_bus_message_handler_t callback, void *userdata),
     (bus, slot, callback, userdata), -errno, ENOMEM)
WRAP(int, sd_bus_call_async,
     (sd_bus * bus, sd_bus_slot **slot, sd_bus_message *m, sd_bus_message_handler_t callback,
      void *userdata, uint64_t usec),
     (bus, slot, m, callback, userdata, usec), -errno, ENOMEM, ENOTCONN, ECONNRESET)
WRAP(int, sd_bus_message_new_method_call,
     (sd_bus * bus, sd_bus_message **m, const char *destination, const char *path,
      const char *interface, const char *member),
     (bus, m, destination, path, interface, member), -errno, ENOMEM, ENOTCONN)
WRAP(int, sd_bus_message_sensitive, (sd_bus_message * m), (m), -errno, EINVAL)
WRAP(int, sd_bus_message_append_basic, (sd_bus_message * m, char type, const void *p), (m, type, p),
     -errno, ENOMEM, EINVAL)
WRAP(int, sd_bus_message_append_array, (sd_bus_message * m, char type, const void *p, size_t size),
     (m, type, p, size), -errno, ENOMEM)
WRAP(int, sd_bus_message_open_container, (sd_bus_message * m, char type, const char *contents),
     (m, type, contents), -errno, ENOMEM)
WRAP(int, sd_bus_message_close_container, (sd_bus_message * m), (m), -errno, ENOMEM)
WRAP(int, sd_bus_message_enter_container, (sd_bus_message * m, char type, const char *contents),
     (m, type, contents), -errno, ENOMEM, EBADMSG, ENXIO, 0)
WRAP(int, sd_bus_message_exit_container, (sd_bus_message * m), (m), -errno, ENOMEM, EBUSY, EBADMSG)
WRAP(int, sd_bus_message_read_basic, (sd_bus_message * m, char type, void *p), (m, type, p), -errno,
     ENOMEM, EBADMSG, ENXIO, 0)
WRAP(int, sd_bus_message_skip, (sd_bus_message * m, const char *types), (m, types), -errno, ENOMEM,
     EBADMSG)
WRAP(int, sd_bus_message_has_signature, (sd_bus_message * m, const char *signature), (m, signature),
     -errno, EINVAL, 0)

int __wrap_sd_bus_message_append(sd_bus_message *m, const char *types, ...);
int __wrap_sd_bus_message_append(sd_bus_message *m, const char *types, ...) {
        static const int ways[] = { ENOMEM, EINVAL };
        va_list ap;
        int r;

        if (wrap_fails("sd_bus_message_append", ways, 2, __builtin_return_address(0)))
                return -errno;
        va_start(ap, types);
        r = sd_bus_message_appendv(m, types, ap);
        va_end(ap);
        return r;
}

/* ---- libpam ---------------------------------------------------------------------------------- */

WRAP(int, pam_get_user, (pam_handle_t * handle, const char **user, const char *prompt),
     (handle, user, prompt), errno, PAM_BUF_ERR, PAM_CONV_ERR, PAM_CONV_AGAIN, PAM_SYSTEM_ERR)
WRAP(int, pam_get_item, (const pam_handle_t *handle, int item, const void **value),
     (handle, item, value), errno, PAM_BUF_ERR, PAM_SYSTEM_ERR)
WRAP(int, pam_set_item, (pam_handle_t * handle, int item, const void *value), (handle, item, value),
     errno, PAM_BUF_ERR)
WRAP(int, pam_set_data,
     (pam_handle_t * handle, const char *key, void *data,
      void (*cleanup)(pam_handle_t *, void *, int)),
     (handle, key, data, cleanup), errno, PAM_BUF_ERR)
WRAP(int, pam_putenv, (pam_handle_t * handle, const char *pair), (handle, pair), errno, PAM_BUF_ERR)
WRAP(int, pam_fail_delay, (pam_handle_t * handle, unsigned usec), (handle, usec), errno,
     PAM_SYSTEM_ERR)
WRAP(struct passwd *, pam_modutil_getpwnam, (pam_handle_t * handle, const char *name),
     (handle, name), NULL, ENOMEM)
WRAP(struct passwd *, pam_modutil_getpwuid, (pam_handle_t * handle, uid_t uid), (handle, uid), NULL,
     ENOMEM)

/* ---- the entries ----------------------------------------------------------------------------- */

typedef int (*Entry)(pam_handle_t *handle, int flags, int argc, const char **argv);

int um_sm_authenticate(pam_handle_t *handle, int flags, int argc, const char **argv);
int um_sm_setcred(pam_handle_t *handle, int flags, int argc, const char **argv);
int um_sm_acct_mgmt(pam_handle_t *handle, int flags, int argc, const char **argv);
int um_sm_chauthtok(pam_handle_t *handle, int flags, int argc, const char **argv);
int um_sm_open_session(pam_handle_t *handle, int flags, int argc, const char **argv);
int um_sm_close_session(pam_handle_t *handle, int flags, int argc, const char **argv);

static const WrapPlan *(*plan_next)(void);
static WrapReport *report;

WRAP_PUBLIC void wrap_entries_set(const WrapPlan *(*plan)(void), WrapReport *called) {
        plan_next = plan;
        report = called;
}

static int entry_run(Entry entry, WrapPhase phase, pam_handle_t *handle, int flags, int argc,
                     const char **argv) {
        WrapTally tally;
        int code;

        wrap_arm(plan_next());
        code = entry(handle, flags, argc, argv);
        wrap_disarm(&tally);
        report(phase, code, &tally);
        return code;
}

WRAP_PUBLIC int pam_sm_authenticate(pam_handle_t *handle, int flags, int argc, const char **argv) {
        return entry_run(um_sm_authenticate, WRAP_AUTHENTICATE, handle, flags, argc, argv);
}

WRAP_PUBLIC int pam_sm_setcred(pam_handle_t *handle, int flags, int argc, const char **argv) {
        return entry_run(um_sm_setcred, WRAP_SETCRED, handle, flags, argc, argv);
}

WRAP_PUBLIC int pam_sm_acct_mgmt(pam_handle_t *handle, int flags, int argc, const char **argv) {
        return entry_run(um_sm_acct_mgmt, WRAP_ACCOUNT, handle, flags, argc, argv);
}

WRAP_PUBLIC int pam_sm_chauthtok(pam_handle_t *handle, int flags, int argc, const char **argv) {
        return entry_run(um_sm_chauthtok, flags & PAM_PRELIM_CHECK ? WRAP_PRELIMINARY : WRAP_CHANGE,
                         handle, flags, argc, argv);
}

WRAP_PUBLIC int pam_sm_open_session(pam_handle_t *handle, int flags, int argc, const char **argv) {
        return entry_run(um_sm_open_session, WRAP_OPEN, handle, flags, argc, argv);
}

WRAP_PUBLIC int pam_sm_close_session(pam_handle_t *handle, int flags, int argc, const char **argv) {
        return entry_run(um_sm_close_session, WRAP_CLOSE, handle, flags, argc, argv);
}
