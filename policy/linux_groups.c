/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which Linux groups amount to root: who may put users into them has to be one who may give root
 * away (FEATURES D2; docs/roles.md has the list in words).
 *
 * Some do by their names, whoever made them.  Of the groups below 1000, which packages make for
 * what is theirs, all do but those that are known to open nothing of the kind: the next docker is
 * not on any list yet. */

#include <string.h>

#include "policy/internal.h"

#define FIRST_ORDINARY_GID 1000U

static const char *const roots[] = {
        "admin",    "disk", "docker", "incus",    "incus-admin", "kmem", "libvirt",
        "libvirtd", "lxd",  "mem",    "microk8s", "podman",      "root", "shadow",
        "staff",    "sudo", "sys",    "um",       "wheel",
};

static const char *const harmless[] = {
        "adm",    "audio",   "bluetooth", "cdrom",   "dialout",   "dip",
        "fax",    "floppy",  "games",     "kvm",     "lp",        "lpadmin",
        "netdev", "plugdev", "render",    "scanner", "src",       "systemd-journal",
        "tape",   "users",   "video",     "voice",   "wireshark",
};

static bool is_among(const char *name, const char *const *names, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (strcmp(name, names[i]) == 0)
                        return true;
        return false;
}

bool policy_linux_group_is_root(const char *name, bool host, uint32_t gid) {
        if (is_among(name, roots, ARRAY_LENGTH(roots)))
                return true;
        return host && gid < FIRST_ORDINARY_GID &&
               !is_among(name, harmless, ARRAY_LENGTH(harmless));
}
