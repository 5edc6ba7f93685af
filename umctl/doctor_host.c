/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl doctor's look at what um needs of the host: its paths, nsswitch.conf, sshd, the clock. */

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "umctl/doctor.h"

#define MEND_NSSWITCH UM_LIBEXECDIR "/um-nsswitch add"

/* ---- files and sockets ----------------------------------------------------------------------- */

static void path_check(Doctor *doctor, const char *path, mode_t type, mode_t mode, uid_t owner) {
        struct stat st;

        char mend[256];

        snprintf(mend, sizeof(mend), "chown %u %s; chmod %04o %s", owner, path, mode, path);
        if (lstat(path, &st) < 0)
                doctor_find(doctor, LEVEL_FAIL, path,
                            "systemd-tmpfiles --create; systemctl restart umd.socket umd.service",
                            "%s", strerror(errno));
        else if ((st.st_mode & S_IFMT) != type)
                doctor_find(doctor, LEVEL_FAIL, path,
                            "move it away; systemd-tmpfiles --create; systemctl restart "
                            "umd.socket umd.service",
                            "is not what it should be: a file of another type");
        else if ((st.st_mode & 07777) != mode || st.st_uid != owner)
                doctor_find(doctor, LEVEL_FAIL, path, mend,
                            "mode %04o and owner %u, not %04o and %u", st.st_mode & 07777,
                            st.st_uid, mode, owner);
        else
                doctor_find(doctor, LEVEL_OK, path, NULL, "mode %04o, owner %u", mode, owner);
}

/* Without it um-vault hashes at the least cost: nobody is kept out. */
static void cost_check(Doctor *doctor, uid_t um_vault) {
        const char *path = "/var/lib/um-vault/cost";

        if (access(path, F_OK) == 0)
                path_check(doctor, path, S_IFREG, 0600, um_vault);
        else
                doctor_find(doctor, LEVEL_WARN, path,
                            "systemctl restart um-vault.service; journalctl -u um-vault",
                            "%s: hashes cost the least", strerror(errno));
}

void doctor_files(Doctor *doctor) {
        uint32_t um, um_vault, um_quality, um_notify, um_fido;

        if (base_local_find_name(BASE_PASSWD_PATH, "um", &um) != 1 ||
            base_local_find_name(BASE_PASSWD_PATH, "um-vault", &um_vault) != 1 ||
            base_local_find_name(BASE_PASSWD_PATH, "um-quality", &um_quality) != 1 ||
            base_local_find_name(BASE_PASSWD_PATH, "um-notify", &um_notify) != 1 ||
            base_local_find_name(BASE_PASSWD_PATH, "um-fido", &um_fido) != 1) {
                doctor_find(doctor, LEVEL_FAIL, "system users", "systemd-sysusers",
                            "um, um-vault, um-quality, um-notify and um-fido are not all in "
                            "/etc/passwd");
                return;
        }
        path_check(doctor, "/run/um", S_IFDIR, 0755, 0);
        path_check(doctor, "/run/um/bus", S_IFSOCK, 0666, 0);
        path_check(doctor, "/run/um/map.d", S_IFDIR, 0755, um);
        path_check(doctor, "/run/um/map.d/map", S_IFREG, 0444, um);
        if (geteuid() != 0)
                return;
        path_check(doctor, "/var/lib/um", S_IFDIR, 0700, um);
        path_check(doctor, "/var/lib/um-vault", S_IFDIR, 0700, um_vault);
        path_check(doctor, "/var/lib/um-vault/key", S_IFREG, 0600, um_vault);
        cost_check(doctor, um_vault);
        if (access("/etc/um/recovery.pub", F_OK) == 0)
                path_check(doctor, "/var/lib/um-vault/key.recovery", S_IFREG, 0600, um_vault);
}

/* ---- NSS ------------------------------------------------------------------------------------- */

/* The line of a database without its comment, or false. */
static bool line_find(const char *data, const char *database, char *ret, size_t size) {
        size_t n = strlen(database);

        for (const char *line = data; line;
             line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
                const char *p = line + strspn(line, " \t");
                Text text;

                if (strncmp(p, database, n) != 0)
                        continue;
                p += n + strspn(p + n, " \t");
                if (*p++ != ':')
                        continue;
                p += strspn(p, " \t");
                base_text_init(&text, ret, size);
                base_text_addf(&text, "%.*s", (int)strcspn(p, "\n#"), p);
                return true;
        }
        return false;
}

/* What stands before um: the source, and the [criteria] between them; false where um does not
 * stand.
 */
static bool um_find(const char *line, char *ret_before, char *ret_criteria, size_t size) {
        ret_before[0] = ret_criteria[0] = '\0';
        for (const char *at = line; *(at += strspn(at, " \t"));) {
                size_t len = strcspn(at, *at == '[' ? "]" : " \t[");

                if (*at == '[') {
                        if (!at[len])
                                return false;
                        snprintf(ret_criteria, size, "%.*s", (int)len - 1, at + 1);
                        at += len + 1;
                        continue;
                }
                if (len == 2 && strncmp(at, "um", 2) == 0)
                        return true;
                snprintf(ret_before, size, "%.*s", (int)len, at);
                ret_criteria[0] = '\0';
                at += len;
        }
        return false;
}

/* um stands right behind the files, so that local names win and cost nothing.  For groups what the
 * files have is merged with what um has: a role may put people into a group of /etc/group. */
static void nsswitch_check(Doctor *doctor, const char *data, const char *database) {
        bool merges = strcmp(database, "group") == 0;
        char line[256], before[256], criteria[256], check[64], mend[160];

        snprintf(check, sizeof(check), "nsswitch %s", database);
        snprintf(mend, sizeof(mend), "/etc/nsswitch.conf: %s: files %sum, then what else there is",
                 database, merges ? "[SUCCESS=merge] " : "");
        if (!line_find(data, database, line, sizeof(line))) {
                doctor_find(doctor, LEVEL_FAIL, check, MEND_NSSWITCH, "no such line");
                return;
        }
        if (!um_find(line, before, criteria, sizeof(before)))
                doctor_find(doctor, LEVEL_FAIL, check, MEND_NSSWITCH, "\"%s\" does not name um",
                            line);
        else if (strcmp(before, "files") != 0 && strcmp(before, "compat") != 0)
                doctor_find(doctor, LEVEL_FAIL, check, mend, "\"%s\": um must follow files", line);
        else if (strcasestr(criteria, "return"))
                doctor_find(doctor, LEVEL_FAIL, check, mend,
                            "\"%s\": [%s] keeps um from being asked", line, criteria);
        else if (merges && !strcasestr(criteria, "merge"))
                doctor_find(doctor, LEVEL_WARN, check, mend,
                            "\"%s\": um's members of a group of /etc/group are not seen", line);
        else
                doctor_find(doctor, LEVEL_OK, check, NULL, "%s", line);
}

void doctor_nss(Doctor *doctor) {
        _cleanup_free_ char *data = NULL;
        char line[256];
        size_t len;
        int r = base_file_read(AT_FDCWD, "/etc/nsswitch.conf", 65536, &data, &len);

        if (r < 0) {
                doctor_find(doctor, LEVEL_FAIL, "nsswitch", MEND_NSSWITCH, "/etc/nsswitch.conf: %s",
                            strerror(-r));
                return;
        }
        nsswitch_check(doctor, data, "passwd");
        nsswitch_check(doctor, data, "group");
        if (line_find(data, "initgroups", line, sizeof(line)))
                doctor_find(doctor, LEVEL_WARN, "nsswitch initgroups",
                            "/etc/nsswitch.conf: remove the line",
                            "\"%s\" takes the place of the group line", line);
        if (access("/run/nscd/socket", F_OK) == 0)
                doctor_find(doctor, LEVEL_WARN, "nscd", "systemctl disable --now nscd",
                            "runs: changes of um are seen only after its time to live");
}

/* ---- ssh, clock --------------------------------------------------------------------------- */

/* What "sshd -T" prints for a user; NULL where it cannot be run. */
static FILE *sshd_settings(const char *user, pid_t *ret_pid) {
        char whom[BASE_NAME_MAX + 64];
        char *const argv[] = { (char *)"sshd", (char *)"-T", (char *)"-C", whom, NULL };
        static char *const environment[] = { NULL };
        posix_spawn_file_actions_t actions;
        int fds[2], r;

        snprintf(whom, sizeof(whom), "user=%s,host=localhost,addr=127.0.0.1", user);

        if (pipe2(fds, O_CLOEXEC) < 0)
                return NULL;
        r = posix_spawn_file_actions_init(&actions);
        if (r == 0) {
                r = posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
                if (r == 0)
                        r = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
                                                             O_WRONLY, 0);
                if (r == 0)
                        r = posix_spawn(ret_pid, "/usr/sbin/sshd", &actions, NULL, argv,
                                        environment);
                posix_spawn_file_actions_destroy(&actions);
        }
        base_close(fds[1]);
        if (r != 0) {
                base_close(fds[0]);
                return NULL;
        }
        return fdopen(fds[0], "re");
}

/* Somebody the filter finds; "" if it finds nobody, or there is no such group yet. */
static void member_find(Doctor *doctor, const char *filter, char *ret, size_t size) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        json_t *users = NULL;
        const char *name = NULL;

        ret[0] = '\0';
        if (!doctor->ctl->bus ||
            sd_bus_message_new_method_call(doctor->ctl->bus, &m, WIRE_NAME, WIRE_PATH, WIRE_MANAGER,
                                           "ListUsers") < 0 ||
            sd_bus_message_append(m, "ssu", filter, "", 1U) < 0 ||
            sd_bus_call(doctor->ctl->bus, m, 5 * USEC_PER_SEC, NULL, &reply) < 0 ||
            json_from_dicts(reply, &users) < 0)
                return;
        name = json_string_value(json_object_get(json_array_get(users, 0), "name"));
        if (name)
                snprintf(ret, size, "%s", name);
        json_decref(users);
}

/* Does every way in end with a question of PAM's? */
static bool methods_ask(char *lists) {
        bool any = false;
        char *list;

        while ((list = strsep(&lists, " \n"))) {
                const char *last = strrchr(list, ',');

                last = last ? last + 1 : list;
                if (!list[0])
                        continue;
                any = true;
                if (strncmp(last, "keyboard-interactive", strlen("keyboard-interactive")) != 0 &&
                    strcmp(last, "password") != 0)
                        return false;
        }
        return any;
}

static void ssh_second(Doctor *doctor) {
        static const char key[] = "authenticationmethods ";
        char member[BASE_NAME_MAX + 1], line[512];
        bool asks = false;
        pid_t pid;
        FILE *f;

        member_find(doctor, "group=um-mfa", member, sizeof(member));
        if (!member[0])
                return;
        f = sshd_settings(member, &pid);
        while (f && fgets(line, sizeof(line), f))
                if (strncmp(line, key, strlen(key)) == 0)
                        asks = methods_ask(line + strlen(key));
        if (f) {
                fclose(f);
                (void)waitpid(pid, NULL, 0);
        }
        if (asks)
                doctor_find(doctor, LEVEL_OK, "sshd", NULL,
                            "asks whoever needs a second factor (um-mfa) for it after a key");
        else
                doctor_find(doctor, LEVEL_FAIL, "sshd",
                            "the Match block of /etc/ssh/sshd_config.d/10-um.conf as um brings it, "
                            "before any other AuthenticationMethods; systemctl reload ssh",
                            "%s is in um-mfa, and sshd lets um ask for no code after a key: a key "
                            "alone is refused to whoever has to have a second factor or has one",
                            member);
}

/* Does sshd ask um for keys, and lead a service account to um-api and nowhere else? */
static void ssh_api(Doctor *doctor) {
        static const char *const wanted[] = {
                "forcecommand " UM_LIBEXECDIR "/um-api\n",
                "authorizedkeyscommand " UM_LIBEXECDIR "/um-authorized-keys %u %f %t\n",
                "authorizedkeyscommanduser um-keys\n",
                "authorizedkeysfile none\n",
                "disableforwarding yes\n",
                "permittty no\n",
        };
        char member[BASE_NAME_MAX + 1], line[512];
        uint32_t found = 0, all = (1U << ARRAY_LENGTH(wanted)) - 1;
        pid_t pid;
        FILE *f;

        member_find(doctor, "kind=service", member, sizeof(member));
        if (!member[0])
                return;
        f = sshd_settings(member, &pid);
        while (f && fgets(line, sizeof(line), f))
                for (size_t i = 0; i < ARRAY_LENGTH(wanted); i++)
                        if (strcmp(line, wanted[i]) == 0)
                                found |= 1U << i;
        if (f) {
                fclose(f);
                (void)waitpid(pid, NULL, 0);
        }
        if (found == all)
                doctor_find(doctor, LEVEL_OK, "sshd", NULL,
                            "asks um for keys, and service accounts (um-api) reach its API alone");
        else
                doctor_find(
                        doctor, LEVEL_FAIL, "sshd",
                        "AuthorizedKeysCommand and the Match block for um-api of "
                        "/etc/ssh/sshd_config.d/10-um.conf as um brings them, before any other; "
                        "systemctl reload ssh",
                        "%s is a service account, and sshd does not ask um for its keys or "
                        "does not keep it to um's API",
                        member);
}

/* Has the company or a user the value?  Of what is set on the first page: most hosts have no more.
 */
static bool value_is_set(Doctor *doctor, const char *name, const char *value) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        json_t *rows = NULL, *row;
        bool found = false;
        size_t i;

        if (!doctor->ctl->bus ||
            sd_bus_message_new_method_call(doctor->ctl->bus, &m, WIRE_NAME, WIRE_PATH, WIRE_POLICY,
                                           "List") < 0 ||
            sd_bus_message_append(m, "su", "", 1000U) < 0 ||
            sd_bus_call(doctor->ctl->bus, m, 5 * USEC_PER_SEC, NULL, &reply) < 0 ||
            json_from_dicts(reply, &rows) < 0)
                return false;
        json_array_foreach(rows, i, row) {
                const char *n = json_string_value(json_object_get(row, "name"));
                const char *v = json_string_value(json_object_get(row, "value"));

                found = found || (n && v && strcmp(n, name) == 0 && strcmp(v, value) == 0);
        }
        json_decref(rows);
        return found;
}

/* What security keys are taken for.  umd reads sshd's files; sshd itself has the last word. */
static void ssh_keys(Doctor *doctor, bool verifies) {
        static const char check[] = "security keys in sshd";
        static const char mend[] =
                "PubkeyAuthOptions verify-required at the head of "
                "/etc/ssh/sshd_config.d/10-um.conf, and nowhere without it; systemctl reload ssh; "
                "umd(8), \"Security keys in sshd\"";

        if (value_is_set(doctor, "key.types", "none"))
                doctor_find(doctor, LEVEL_WARN, "key.types",
                            "umctl policy list; umctl policy unset key.types, with --user for a "
                            "user's",
                            "is none, for the company or somebody: no ssh key lets in");
        if (!doctor->sk_told)
                return;
        if (doctor->sk_hardware && !verifies)
                doctor_find(doctor, LEVEL_FAIL, check, mend,
                            "security keys count as hardware by sshd's files, and sshd -T does not "
                            "say that it verifies their users");
        else if (doctor->sk_hardware)
                doctor_find(doctor, LEVEL_OK, check, NULL,
                            "security keys count as hardware: sshd lets none in that has not "
                            "verified its user; anyone who can write a user's authorized_keys "
                            "can put a key of software there");
        else
                doctor_find(doctor,
                            value_is_set(doctor, "factor.required", "hardware") ? LEVEL_WARN
                                                                                : LEVEL_OK,
                            check, mend, "security keys count as single, as other ssh keys: %s",
                            doctor->sk_why);
}

void doctor_ssh(Doctor *doctor) {
        static const char options[] = "pubkeyauthoptions ";
        bool pam = false, keyboard = false, verifies = false, any = false;
        char line[512];
        pid_t pid;
        FILE *f;

        if (access("/usr/sbin/sshd", X_OK) < 0)
                return;
        if (geteuid() != 0) {
                doctor_find(doctor, LEVEL_WARN, "sshd", "run doctor as root",
                            "its settings can be read by root only");
                return;
        }
        f = sshd_settings(DOCTOR_PROBE, &pid);
        while (f && fgets(line, sizeof(line), f)) {
                any = true;
                pam = pam || strcmp(line, "usepam yes\n") == 0;
                keyboard = keyboard || strcmp(line, "kbdinteractiveauthentication yes\n") == 0;
                verifies = verifies || (strncmp(line, options, strlen(options)) == 0 &&
                                        strstr(line, " verify-required"));
        }
        if (f) {
                fclose(f);
                (void)waitpid(pid, NULL, 0);
        }
        if (!any)
                doctor_find(doctor, LEVEL_FAIL, "sshd", "sshd -t", "sshd -T gives no settings");
        else if (!pam)
                doctor_find(doctor, LEVEL_FAIL, "sshd",
                            "UsePAM yes in /etc/ssh/sshd_config.d/10-um.conf, before any other; "
                            "systemctl reload ssh",
                            "UsePAM is no: um's users cannot log in by password, and their "
                            "state is not looked at");
        else if (!keyboard)
                doctor_find(doctor, LEVEL_WARN, "sshd",
                            "KbdInteractiveAuthentication yes in "
                            "/etc/ssh/sshd_config.d/10-um.conf, before any other; systemctl "
                            "reload ssh",
                            "KbdInteractiveAuthentication is no: nobody is told why he is "
                            "refused, or can change his password at the login");
        else
                doctor_find(doctor, LEVEL_OK, "sshd", NULL,
                            "UsePAM and KbdInteractiveAuthentication are on");
        if (any && pam)
                ssh_second(doctor);
        if (any && pam)
                ssh_api(doctor);
        if (any)
                ssh_keys(doctor, verifies);
}

void doctor_clock(Doctor *doctor) {
        if (!clock_synchronised())
                doctor_find(doctor, LEVEL_WARN, "clock", "timedatectl set-ntp true",
                            "is not synchronised: validity, expiry and codes depend on it");
        else
                doctor_find(doctor, LEVEL_OK, "clock", NULL, "is synchronised");
}
