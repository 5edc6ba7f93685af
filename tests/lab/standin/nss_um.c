/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stands in for libnss_um.so.2 where the PAM stacks are under test: one user, carol (70000), with
 * the password field um publishes. */

#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <string.h>

#define ID     70000U
#define PUBLIC __attribute__((visibility("default")))

static enum nss_status give(struct passwd *pw) {
        *pw = (struct passwd){ .pw_name = (char *)"carol",
                               .pw_passwd = (char *)"*",
                               .pw_uid = ID,
                               .pw_gid = ID,
                               .pw_gecos = (char *)"",
                               .pw_dir = (char *)"/home/carol",
                               .pw_shell = (char *)"/bin/bash" };
        return NSS_STATUS_SUCCESS;
}

PUBLIC enum nss_status _nss_um_getpwnam_r(const char *name, struct passwd *pw, char *buf,
                                          size_t size, int *err) {
        (void)buf, (void)size, (void)err;
        return strcmp(name, "carol") == 0 ? give(pw) : NSS_STATUS_NOTFOUND;
}

PUBLIC enum nss_status _nss_um_getpwuid_r(uid_t uid, struct passwd *pw, char *buf, size_t size,
                                          int *err) {
        (void)buf, (void)size, (void)err;
        return uid == ID ? give(pw) : NSS_STATUS_NOTFOUND;
}
