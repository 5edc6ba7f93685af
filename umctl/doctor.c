/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl doctor: looks at the host and tries it.  What it makes for that, a throw-away user, it
 * takes away again; nothing else is changed.  Each finding is ok, warn or fail, with the line to
 * change.
 */

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "umctl/doctor.h"

#define HUGE_UID 1879048192 /* um.conf(5): the uid-range for many users */

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
                                        "check", check, "text", text, "mend",
                                        mend && level != LEVEL_OK ? mend : ""));
        if (doctor->ctl->json != JSON_OFF)
                return;
        printf("%-4s  %s: %s\n", level_names[level], check, text);
        if (mend && level != LEVEL_OK)
                printf("      -> %s\n", mend);
}

/* ---- systemd --------------------------------------------------------------------------------- */

static void unit_property(sd_bus *bus, const char *path, const char *name, char *ret, size_t size) {
        _cleanup_free_ char *value = NULL;
        int r = sd_bus_get_property_string(bus, "org.freedesktop.systemd1", path,
                                           "org.freedesktop.systemd1.Unit", name, NULL, &value);

        snprintf(ret, size, "%s", r >= 0 ? value : "unknown");
}

/* How to start it: a socket is not started while its service runs without it. */
static void unit_mend(const char *unit, bool masked, char *ret, size_t size) {
        int name = (int)strcspn(unit, ".");
        Text text;

        base_text_init(&text, ret, size);
        if (masked)
                base_text_addf(&text, "systemctl unmask %s; ", unit);
        if (strcmp(unit + name, ".socket") == 0)
                base_text_addf(&text,
                               "systemctl stop %.*s.service; systemctl start %s %.*s.service", name,
                               unit, unit, name, unit);
        else
                base_text_addf(&text, "systemctl start %s", unit);
}

/* `runs` is for units that are always there; the others start when they are called. */
static void unit_check(Doctor *doctor, sd_bus *bus, const char *unit, bool runs) {
        _cleanup_free_ char *path = NULL;
        char load[32], active[32], enabled[32], mend[256];

        if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path) < 0)
                return;
        unit_property(bus, path, "LoadState", load, sizeof(load));
        unit_property(bus, path, "ActiveState", active, sizeof(active));
        unit_property(bus, path, "UnitFileState", enabled, sizeof(enabled));
        unit_mend(unit, strcmp(load, "masked") == 0, mend, sizeof(mend));
        if (strcmp(load, "masked") == 0)
                doctor_find(doctor, LEVEL_FAIL, unit, mend, "is masked: it can never start");
        else if (strcmp(load, "loaded") != 0)
                doctor_find(doctor, LEVEL_FAIL, unit, "apt-get install --reinstall um",
                            "cannot be loaded: %s", load);
        else if (strcmp(active, "failed") == 0) {
                snprintf(mend, sizeof(mend), "journalctl -u %s; systemctl restart %s", unit, unit);
                doctor_find(doctor, LEVEL_FAIL, unit, mend, "failed");
        } else if (runs && strcmp(active, "active") != 0)
                doctor_find(doctor, LEVEL_FAIL, unit, mend, "does not run (%s)", active);
        else if (runs && strcmp(enabled, "disabled") == 0) {
                snprintf(mend, sizeof(mend), "systemctl enable %s", unit);
                doctor_find(doctor, LEVEL_WARN, unit, mend, "is not started at boot");
        } else
                doctor_find(doctor, LEVEL_OK, unit, NULL, "%s", active);
}

void doctor_units(Doctor *doctor) {
        static const struct {
                const char *name;
                bool runs;
        } units[] = { { "umd.socket", true },        { "umd.service", true },
                      { "um-vault.socket", true },   { "um-vault.service", false },
                      { "um-quality.socket", true }, { "um-quality.service", false },
                      { "um-notify.socket", true },  { "um-notify.service", false },
                      { "um-fido.socket", true },    { "um-fido.service", false },
                      { "um-helper.socket", true },  { "um-helper.service", false } };
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        int r;

        if (sd_booted() <= 0)
                return; /* another supervisor's */
        r = sd_bus_open_system(&bus);
        if (r < 0) {
                doctor_find(doctor, LEVEL_WARN, "units", "systemctl status dbus",
                            "systemd cannot be asked: %s", strerror(-r));
                return;
        }
        for (size_t i = 0; i < ARRAY_LENGTH(units); i++)
                unit_check(doctor, bus, units[i].name, units[i].runs);
}

/* ---- umd ------------------------------------------------------------------------------------- */

/* Has the vault another key than the store's passwords?  Found and told, then. */
static bool vault_key_check(Doctor *doctor, const json_t *status) {
        if (!json_is_false(json_object_get(status, "vault_key_ok")))
                return false;
        doctor_find(doctor, LEVEL_FAIL, "vault",
                    "put /var/lib/um-vault/key back from the backup, then systemctl restart "
                    "um-vault; umd(8), \"Another key\", where it is lost",
                    "has another key than the one the passwords are sealed under: nobody's can be "
                    "checked, and none is set");
        return true;
}

/* Only root is told. */
static void policy_check(Doctor *doctor, const json_t *status) {
        const char *emptied = json_string_value(json_object_get(status, "policy"));

        if (!emptied)
                return;
        doctor_find(doctor, *emptied ? LEVEL_FAIL : LEVEL_OK, "policy",
                    "umctl policy list; umctl policy set with --role or --user", "%s",
                    *emptied ? emptied : "no roles leave nothing of a list");
}

/* The day the disk dies is too late to be told. */
static void recovery_check(Doctor *doctor, const json_t *status) {
        const char *word = json_string_value(json_object_get(status, "recovery_key"));

        if (!word || !*word)
                return; /* the vault is away */
        if (strcmp(word, "kept") == 0)
                doctor_find(doctor, LEVEL_OK, "recovery key", NULL,
                            "the vault's key is kept for it, in "
                            "/var/lib/um-vault/key.recovery");
        else if (strcmp(word, "none") == 0)
                doctor_find(doctor, LEVEL_WARN, "recovery key",
                            UM_LIBEXECDIR "/um-vault --new-recovery-key /etc/um/recovery.pub; "
                                          "write down what it prints, it is shown once; systemctl "
                                          "restart um-vault.service; key.recovery of "
                                          "/var/lib/um-vault into the backup; umd(8), \"The "
                                          "recovery key\"",
                            "there is none: a disk that dies takes all passwords and second "
                            "factors with it, unless the vault's key is in a backup");
        else
                doctor_find(doctor, LEVEL_FAIL, "recovery key",
                            "journalctl -u um-vault says why; then systemctl restart "
                            "um-vault.service",
                            "the vault's key is not kept for the one there is: the paper opens "
                            "nothing");
}

static void security_keys_note(Doctor *doctor, const json_t *status) {
        const char *keys = json_string_value(json_object_get(status, "sk_keys"));
        const char *why = json_string_value(json_object_get(status, "sk_keys_why"));

        if (!keys)
                return;
        doctor->sk_told = true;
        doctor->sk_hardware = strcmp(keys, "hardware") == 0;
        snprintf(doctor->sk_why, sizeof(doctor->sk_why), "%s", why ? why : "");
}

/* What is wrong with it is a finding, and no end of the run. */
static int status_read(Ctl *ctl, json_t **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        int r = sd_bus_message_new_method_call(ctl->bus, &m, WIRE_NAME, WIRE_PATH, WIRE_MANAGER,
                                               "Status");

        if (r >= 0)
                r = sd_bus_call(ctl->bus, m, 5 * USEC_PER_SEC, NULL, &reply);
        if (r >= 0)
                r = json_from_dict(reply, ret);
        return r < 0 ? r : 0;
}

void doctor_daemon(Doctor *doctor) {
        static const struct {
                const char *key, *bad, *mend;
                bool apart; /* logins go on without it */
        } parts[] = {
                { "store_ok", "is not served", "journalctl -u umd" },
                { "disk_ok",
                  "is full: the store lives on its reserve; when that is used up, nobody of um's "
                  "gets in",
                  "df /var/lib/um; make room", true },
                { "vault_ok", "is away: no password can be checked",
                  "systemctl status um-vault; journalctl -u um-vault" },
                { "quality_ok", "is not as it should be",
                  "systemctl status um-quality; journalctl -u umd; um.conf(5), breach-file", true },
                { "mail_ok", "codes by e-mail are permitted and cannot be sent",
                  "systemctl status um-notify; a mail system with a sendmail program; um.conf(5), "
                  "sendmail",
                  true },
                { "fido_ok", "security keys cannot be asked",
                  "systemctl status um-fido.socket um-fido; journalctl -u um-fido", true },
                { "sudo_ok", "the lines of sudoers are not in place",
                  "journalctl -u umd -u um-helper; visudo -c", true },
                { "tenant_ok", "the tenant of this host was never made: nobody has a role here",
                  "umctl tenant list; um.conf(5), tenant; umctl tenant add", true },
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
        r = status_settled(ctl, status_read, &status);
        if (r < 0) {
                doctor_find(doctor, LEVEL_FAIL, "umd", "journalctl -u umd",
                            "does not answer Status: %s", strerror(-r));
                return;
        }
        doctor_find(doctor, LEVEL_OK, "umd", NULL, "answers at %s", ctl->socket);
        doctor->serves = true;
        for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
                bool good = json_is_true(json_object_get(status, parts[i].key));
                const char *why;
                char check[32];

                doctor->serves = doctor->serves && (good || parts[i].apart);
                if (strcmp(parts[i].key, "vault_ok") == 0 && vault_key_check(doctor, status))
                        continue;
                snprintf(check, sizeof(check), "%.*s", (int)strlen(parts[i].key) - 3, parts[i].key);
                why = json_string_value(json_object_get(status, check)); /* where umd says more */
                doctor_find(doctor, good ? LEVEL_OK : LEVEL_FAIL, check, parts[i].mend, "%s",
                            good          ? "ok"
                            : why && *why ? why
                                          : parts[i].bad);
        }
        policy_check(doctor, status);
        recovery_check(doctor, status);
        security_keys_note(doctor, status);
        if ((uint64_t)json_integer_value(json_object_get(status, "started")) > base_realtime_usec())
                doctor_find(doctor, LEVEL_FAIL, "clock", "timedatectl set-ntp true",
                            "stands before the time umd was started at: it went back");
        json_decref(status);
}

void doctor_lookups(Doctor *doctor) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        json_t *users = NULL, *user;
        json_int_t highest = 0;
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
                highest = uid > highest ? uid : highest;
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
        if (highest >= HUGE_UID && access("/var/log/lastlog", F_OK) == 0)
                doctor_find(doctor, LEVEL_WARN, "lastlog",
                            "keep /var/log/lastlog out of backups, or let them know of holes",
                            "/var/log/lastlog seems up to %lld GB large with uids like %lld",
                            (long long)highest * 292 / 1000000000, (long long)highest);
        json_decref(users);
}

int doctor_run(Ctl *ctl, int argc, char *argv[]) {
        Doctor doctor = { .ctl = ctl };

        if (option_given(ctl, "scan-owners") != (argc > 0))
                return complain(ctl, EXIT_USAGE, "--scan-owners and PATHs go together");
        doctor.findings = json_array();
        doctor_units(&doctor);
        doctor_daemon(&doctor);
        doctor_files(&doctor);
        doctor_nss(&doctor);
        doctor_lookups(&doctor);
        doctor_roles(&doctor);
        doctor_ssh(&doctor);
        doctor_clock(&doctor);
        doctor_sudo(&doctor);
        doctor_pam(&doctor);
        doctor_login(&doctor);
        doctor_owners(&doctor, argc, argv);
        if (ctl->json != JSON_OFF)
                json_print(ctl, "findings", doctor.findings);
        else
                json_decref(doctor.findings);
        return doctor.failed ? EXIT_FAILED : EXIT_DONE;
}
