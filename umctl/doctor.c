/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl doctor: looks at the host as it is, changes nothing, leaves nothing behind.  Each finding
 * is ok, warn or fail, with the line to change. */

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <spawn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

#include <security/_pam_types.h>

#include "config.h"
#include "umctl/doctor.h"

static const char *const level_names[_LEVEL_MAX] = { "ok", "warn", "fail" };

void doctor_find(Doctor *doctor, Level level, const char *check, const char *mend,
                 const char *format, ...) {
        char text[512];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        doctor->failed = doctor->failed || level == LEVEL_FAIL;
        json_array_append_new(doctor->findings,
                              json_pack("{s:s, s:s, s:s, s:s}", "result", level_names[level],
                                        "check", check, "text", text, "mend", mend ? mend : ""));
        if (doctor->ctl->json != JSON_OFF)
                return;
        printf("%-4s  %s: %s\n", level_names[level], check, text);
        if (mend && level != LEVEL_OK)
                printf("      -> %s\n", mend);
}

/* ---- PAM ------------------------------------------------------------------------------------- */

static const int refusals[] = { PAM_AUTH_ERR,         PAM_PERM_DENIED, PAM_ACCT_EXPIRED,
                                PAM_AUTHINFO_UNAVAIL, PAM_MAXTRIES,    PAM_SERVICE_ERR,
                                PAM_OPEN_ERR,         PAM_SYMBOL_ERR,  PAM_MODULE_UNKNOWN,
                                PAM_SYSTEM_ERR,       PAM_BUF_ERR,     PAM_CONV_ERR };

static void stack_judge(Doctor *doctor, const char *service, PamFacility facility,
                        const PamStack *stack) {
        static const char *const names[_PAM_FACILITY_MAX] = { "auth", "account", "session" };
        char check[128];

        snprintf(check, sizeof(check), "pam %s %s", service, names[facility]);
        for (size_t i = 0; i < ARRAY_LENGTH(refusals) && facility != PAM_FACILITY_SESSION; i++)
                if (pam_stack_run(stack, refusals[i], PAM_PERM_DENIED) == PAM_SUCCESS) {
                        doctor_find(doctor, LEVEL_FAIL, check, "pam-auth-update --package",
                                    "a refusal of pam_um (code %d) is not final", refusals[i]);
                        return;
                }
        if (pam_stack_run(stack, PAM_AUTHINFO_UNAVAIL, PAM_SUCCESS) !=
            pam_stack_run(stack, PAM_USER_UNKNOWN, PAM_SUCCESS)) {
                doctor_find(doctor, LEVEL_FAIL, check, "pam-auth-update --package",
                            "a local user meets pam_um: umd being away would lock him out");
                return;
        }
        doctor_find(doctor, LEVEL_OK, check, NULL, "a refusal is final, local users pass um by");
}

static void service_check(Doctor *doctor, const char *dir, const char *service) {
        PamStack *account = NULL, *auth = NULL;
        char where[512], check[128];
        int r = pam_stack_read(dir, service, PAM_FACILITY_AUTH, &auth, where, sizeof(where));

        snprintf(check, sizeof(check), "pam %s", service);
        if (r >= 0)
                r = pam_stack_read(dir, service, PAM_FACILITY_ACCOUNT, &account, where,
                                   sizeof(where));
        if (r < 0)
                doctor_find(doctor, LEVEL_WARN, check, NULL, "cannot be read: %s: %s", where,
                            strerror(-r));
        else if (pam_stack_has(auth, "pam_um.so") && !pam_stack_has(account, "pam_um.so"))
                doctor_find(doctor, LEVEL_FAIL, check,
                            "let its account stack include common-account",
                            "asks um for the password but not whether the account may enter");
        else if (!pam_stack_has(account, "pam_um.so") &&
                 pam_stack_run(account, PAM_SUCCESS, PAM_PERM_DENIED) == PAM_SUCCESS &&
                 pam_stack_has(account, "pam_unix.so"))
                doctor_find(doctor, LEVEL_WARN, check,
                            "let its account stack include common-account",
                            "um is not asked: a locked user of um may pass");
        else if (pam_stack_has(account, "pam_um.so")) {
                if (pam_stack_has(auth, "pam_um.so"))
                        stack_judge(doctor, service, PAM_FACILITY_AUTH, auth);
                stack_judge(doctor, service, PAM_FACILITY_ACCOUNT, account);
        }
        pam_stack_free(auth);
        pam_stack_free(account);
}

void doctor_pam(Doctor *doctor, const char *dir) {
        _cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = fd >= 0 ? fdopendir(base_take_fd(&fd)) : NULL;
        void *module = dlopen("/lib/" UM_MULTIARCH "/security/pam_um.so", RTLD_NOW | RTLD_LOCAL);

        if (!module || !dlsym(module, "pam_sm_acct_mgmt"))
                doctor_find(doctor, LEVEL_FAIL, "pam_um.so",
                            "apt-get install --reinstall libpam-um", "cannot be loaded: %s",
                            module ? "no pam_sm_acct_mgmt" : dlerror());
        else
                doctor_find(doctor, LEVEL_OK, "pam_um.so", NULL, "loads");
        if (module)
                dlclose(module);
        if (!d) {
                doctor_find(doctor, LEVEL_FAIL, "pam", NULL, "%s: %s", dir, strerror(errno));
                return;
        }
        for (const struct dirent *e; (e = readdir(d));)
                if (e->d_name[0] != '.' && strncmp(e->d_name, "common-", 7) != 0 &&
                    !strstr(e->d_name, ".dpkg-"))
                        service_check(doctor, dir, e->d_name);
        closedir(d);
}

/* ---- files and sockets ----------------------------------------------------------------------- */

static void path_check(Doctor *doctor, const char *path, mode_t type, mode_t mode, uid_t owner) {
        struct stat st;

        if (lstat(path, &st) < 0)
                doctor_find(doctor, LEVEL_FAIL, path, "systemctl restart umd.socket umd.service",
                            "%s", strerror(errno));
        else if ((st.st_mode & S_IFMT) != type || (st.st_mode & 07777) != mode ||
                 st.st_uid != owner)
                doctor_find(doctor, LEVEL_FAIL, path, "systemd-tmpfiles --create",
                            "mode %04o and owner %u, not %04o and %u", st.st_mode & 07777,
                            st.st_uid, mode, owner);
        else
                doctor_find(doctor, LEVEL_OK, path, NULL, "mode %04o, owner %u", mode, owner);
}

void doctor_files(Doctor *doctor) {
        uint32_t um, um_vault;

        if (base_local_find_name(BASE_PASSWD_PATH, "um", &um) != 1 ||
            base_local_find_name(BASE_PASSWD_PATH, "um-vault", &um_vault) != 1) {
                doctor_find(doctor, LEVEL_FAIL, "system users", "systemd-sysusers",
                            "um and um-vault are not in /etc/passwd");
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
}

/* ---- NSS ------------------------------------------------------------------------------------- */

/* The sources of one line of nsswitch.conf, "files um systemd", without the actions. */
static bool sources_read(const char *data, const char *database, char *ret, size_t size) {
        size_t n = strlen(database);

        for (const char *line = data; line;
             line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
                const char *p = line + strspn(line, " \t");
                Text text;

                if (strncmp(p, database, n) != 0 || p[n] != ':')
                        continue;
                base_text_init(&text, ret, size);
                for (p += n + 1; *p && *p != '\n' && *p != '#';) {
                        size_t len = strcspn(p, " \t\n#[");

                        if (*p == '[')
                                p += strcspn(p, "]\n") + 1;
                        else if (len == 0)
                                p++;
                        else {
                                base_text_addf(&text, "%s%.*s", text.len ? " " : "", (int)len, p);
                                p += len;
                        }
                }
                return true;
        }
        return false;
}

static void nsswitch_check(Doctor *doctor, const char *data, const char *database,
                           const char *wanted) {
        char sources[256], check[64], mend[160];

        snprintf(check, sizeof(check), "nsswitch %s", database);
        snprintf(mend, sizeof(mend), "/etc/nsswitch.conf: %s", wanted);
        if (!sources_read(data, database, sources, sizeof(sources)))
                doctor_find(doctor, LEVEL_FAIL, check, mend, "no such line");
        else if (strncmp(sources, "files um", 8) != 0 || (sources[8] && sources[8] != ' '))
                doctor_find(doctor, LEVEL_FAIL, check, mend,
                            "sources are \"%s\": um must follow files", sources);
        else
                doctor_find(doctor, LEVEL_OK, check, NULL, "%s", sources);
}

static void lookup_check(Doctor *doctor) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        json_t *users = NULL, *user;
        size_t i, wrong = 0, n = 0;

        if (!doctor->ctl->bus ||
            sd_bus_message_new_method_call(doctor->ctl->bus, &m, WIRE_NAME, WIRE_PATH, WIRE_MANAGER,
                                           "ListUsers") < 0 ||
            sd_bus_message_append(m, "ssu", "", "", 200U) < 0 ||
            sd_bus_call(doctor->ctl->bus, m, 5 * USEC_PER_SEC, NULL, &reply) < 0 ||
            json_from_dicts(reply, &users) < 0) {
                doctor_find(doctor, LEVEL_WARN, "lookups", "run doctor as root",
                            "um's users cannot be listed");
                return;
        }
        json_array_foreach(users, i, user) {
                const char *name = json_string_value(json_object_get(user, "name"));
                const struct passwd *pw = name ? getpwnam(name) : NULL;
                json_int_t uid = json_integer_value(json_object_get(user, "uid"));

                n++;
                if (!pw || (json_int_t)pw->pw_uid != uid) {
                        if (wrong++ == 0)
                                doctor_find(doctor, LEVEL_FAIL, "lookups",
                                            "see nsswitch above; a name in /etc/passwd hides um's",
                                            "%s is uid %lld in um, but the system says %s",
                                            name ? name : "?", (long long)uid,
                                            pw ? "another" : "nobody");
                }
        }
        if (wrong == 0)
                doctor_find(doctor, LEVEL_OK, "lookups", NULL, "%zu of um's users resolve", n);
        json_decref(users);
}

void doctor_nss(Doctor *doctor) {
        _cleanup_free_ char *data = NULL;
        char sources[256];
        size_t len;
        int r = base_file_read(AT_FDCWD, "/etc/nsswitch.conf", 65536, &data, &len);

        if (r < 0) {
                doctor_find(doctor, LEVEL_FAIL, "nsswitch", NULL, "/etc/nsswitch.conf: %s",
                            strerror(-r));
                return;
        }
        nsswitch_check(doctor, data, "passwd", "passwd: files um systemd");
        nsswitch_check(doctor, data, "group",
                       "group: files [SUCCESS=merge] um [SUCCESS=merge] systemd");
        if (sources_read(data, "initgroups", sources, sizeof(sources)))
                doctor_find(doctor, LEVEL_WARN, "nsswitch initgroups",
                            "/etc/nsswitch.conf: remove the line",
                            "\"%s\" takes the place of the group line", sources);
        if (access("/run/nscd/socket", F_OK) == 0)
                doctor_find(doctor, LEVEL_WARN, "nscd", "systemctl disable --now nscd",
                            "runs: changes of um are seen only after its time to live");
        lookup_check(doctor);
}

/* ---- ssh, clock, daemon ---------------------------------------------------------------------- */

/* What "sshd -T" prints; NULL where it cannot be run. */
static FILE *sshd_settings(pid_t *ret_pid) {
        static char *const argv[] = { (char *)"sshd", (char *)"-T", NULL };
        static char *const environment[] = { NULL };
        posix_spawn_file_actions_t actions;
        int fds[2], r;

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

void doctor_ssh(Doctor *doctor) {
        bool pam = false, keyboard = false, any = false;
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
        f = sshd_settings(&pid);
        while (f && fgets(line, sizeof(line), f)) {
                any = true;
                pam = pam || strcmp(line, "usepam yes\n") == 0;
                keyboard = keyboard || strcmp(line, "kbdinteractiveauthentication yes\n") == 0;
        }
        if (f) {
                fclose(f);
                (void)waitpid(pid, NULL, 0);
        }
        if (!any)
                doctor_find(doctor, LEVEL_WARN, "sshd", "sshd -t", "sshd -T gives no settings");
        else if (!pam || !keyboard)
                doctor_find(doctor, pam ? LEVEL_WARN : LEVEL_FAIL, "sshd",
                            "/etc/ssh/sshd_config.d/10-um.conf, then reload ssh",
                            "UsePAM is %s, KbdInteractiveAuthentication is %s", pam ? "yes" : "no",
                            keyboard ? "yes" : "no");
        else
                doctor_find(doctor, LEVEL_OK, "sshd", NULL,
                            "UsePAM and KbdInteractiveAuthentication are on");
}

void doctor_clock(Doctor *doctor) {
        struct timex tx = { 0 };

        if (adjtimex(&tx) == TIME_ERROR || (tx.status & STA_UNSYNC))
                doctor_find(doctor, LEVEL_WARN, "clock", "timedatectl set-ntp true",
                            "is not synchronised: validity, expiry and codes depend on it");
        else
                doctor_find(doctor, LEVEL_OK, "clock", NULL, "is synchronised");
}

void doctor_daemon(Doctor *doctor) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        static const struct {
                const char *key, *bad, *mend;
        } parts[] = {
                { "store_ok", "is not served", "journalctl -u umd" },
                { "vault_ok", "is away: no password can be checked",
                  "systemctl status um-vault; journalctl -u um-vault" },
                { "map_ok", "is not published: lookups go through the socket",
                  "journalctl -u umd; df /run" },
        };
        Ctl *ctl = doctor->ctl;
        json_t *status = NULL;
        int r = wire_connect(ctl->socket, ctl->map_dir, base_boottime_usec() + 5 * USEC_PER_SEC,
                             &ctl->bus);

        if (r < 0) {
                doctor_find(doctor, LEVEL_FAIL, "umd", "systemctl restart umd.socket umd.service",
                            "is not reachable at %s: %s", ctl->socket, strerror(-r));
                return;
        }
        r = sd_bus_message_new_method_call(ctl->bus, &m, WIRE_NAME, WIRE_PATH, WIRE_MANAGER,
                                           "Status");
        if (r >= 0)
                r = sd_bus_call(ctl->bus, m, 5 * USEC_PER_SEC, NULL, &reply);
        if (r >= 0)
                r = json_from_dict(reply, &status);
        if (r < 0) {
                doctor_find(doctor, LEVEL_FAIL, "umd", "journalctl -u umd",
                            "does not answer Status: %s", strerror(-r));
                return;
        }
        doctor_find(doctor, LEVEL_OK, "umd", NULL, "answers at %s", ctl->socket);
        for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
                bool good = json_is_true(json_object_get(status, parts[i].key));
                char check[32];

                snprintf(check, sizeof(check), "%.*s", (int)strlen(parts[i].key) - 3, parts[i].key);
                doctor_find(doctor, good ? LEVEL_OK : LEVEL_FAIL, check, parts[i].mend, "%s",
                            good ? "ok" : parts[i].bad);
        }
        json_decref(status);
}

int doctor_run(Ctl *ctl, int argc, char *argv[]) {
        Doctor doctor = { .ctl = ctl, .findings = json_array() };

        doctor_daemon(&doctor);
        doctor_files(&doctor);
        doctor_nss(&doctor);
        doctor_pam(&doctor, "/etc/pam.d");
        doctor_ssh(&doctor);
        doctor_clock(&doctor);
        if (ctl->json != JSON_OFF)
                json_print(ctl, "findings", doctor.findings);
        else
                json_decref(doctor.findings);
        return doctor.failed ? EXIT_FAILED : EXIT_DONE;
}
