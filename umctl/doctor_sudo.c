/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl doctor's look at sudo: are umd's lines those that sudo reads? */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "umctl/doctor.h"

#define VISUDO    "/usr/sbin/visudo"
#define SUDOERS   "/etc/sudoers"
#define SUDO_CONF "/etc/sudo.conf"
#define INSTALLED "/etc/sudoers.d/50-um"
#define WANTED    "/run/um/map.d/sudoers"
#define FILE_MAX  (2U * 1024 * 1024)

/* Does a line of the file begin with these words? */
static bool file_says(const char *path, const char *const *words, size_t count) {
        _cleanup_free_ char *text = NULL;
        size_t len;

        if (base_file_read(AT_FDCWD, path, FILE_MAX, &text, &len) < 0)
                return false;
        for (const char *line = text; line; line = strchr(line, '\n')) {
                size_t i = 0;

                line += line > text; /* the end of the one before */
                for (const char *at = line; i < count; i++) {
                        size_t n = strlen(words[i]);

                        at += strspn(at, " \t");
                        if (strncmp(at, words[i], n) != 0)
                                break;
                        at += n;
                }
                if (i == count)
                        return true;
        }
        return false;
}

/* Both have what stands in their first line if they have any: a file without lines is not there. */
static void file_check(Doctor *doctor) {
        _cleanup_free_ char *installed = NULL, *wanted = NULL;
        size_t installed_len = 0, wanted_len = 0;
        int r = base_file_read(AT_FDCWD, WANTED, FILE_MAX, &wanted, &wanted_len);
        bool none;

        if (r < 0) {
                doctor_find(doctor, LEVEL_WARN, "sudoers", "systemctl restart umd.service",
                            "%s: %s", WANTED, strerror(-r));
                return;
        }
        none = strchr(wanted, '\n') == wanted + wanted_len - 1;
        r = base_file_read(AT_FDCWD, INSTALLED, FILE_MAX, &installed, &installed_len);
        if (r < 0 && r != -ENOENT)
                doctor_find(doctor, LEVEL_FAIL, "sudoers", NULL, "%s: %s", INSTALLED, strerror(-r));
        else if (none ? r == 0
                      : r < 0 || installed_len != wanted_len ||
                                 memcmp(installed, wanted, wanted_len) != 0)
                doctor_find(doctor, LEVEL_FAIL, "sudoers", "systemctl restart umd.service",
                            "%s is not what umd wrote: somebody changed it, or umctl status says "
                            "what is in the way",
                            INSTALLED);
        else
                doctor_find(doctor, LEVEL_OK, "sudoers", NULL, "%s",
                            none ? "no role gives a command to anybody"
                                 : "the lines of roles are in place");
}

void doctor_sudo(Doctor *doctor) {
        static const char *const at[] = { "@includedir", "/etc/sudoers.d" },
                                 *const number[] = { "#includedir", "/etc/sudoers.d" },
                                 *const dynamic[] = { "Set", "group_source", "dynamic" };

        if (access(VISUDO, X_OK) < 0) {
                doctor_find(doctor, LEVEL_OK, "sudoers", NULL,
                            "is not installed: roles give none of its commands");
                return;
        }
        if (geteuid() != 0) {
                doctor_find(doctor, LEVEL_WARN, "sudoers", "run doctor as root",
                            "its files can be read by root only");
                return;
        }
        if (!file_says(SUDOERS, at, ARRAY_LENGTH(at)) &&
            !file_says(SUDOERS, number, ARRAY_LENGTH(number)))
                doctor_find(doctor, LEVEL_WARN, "sudoers", "@includedir /etc/sudoers.d in " SUDOERS,
                            "does not read /etc/sudoers.d: roles give none of its commands");
        file_check(doctor);
        doctor_find(doctor, LEVEL_OK, "sudo groups", NULL, "%s",
                    file_says(SUDO_CONF, dynamic, ARRAY_LENGTH(dynamic))
                            ? "lines with a %group follow at once"
                            : "lines with a %group follow at the next login, but with \"Set "
                              "group_source dynamic\" in " SUDO_CONF " at once; um's own name "
                              "users");
}
