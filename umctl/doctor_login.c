/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl doctor's throw-away user: brought to life with a password that nobody knows and an end in a
 * quarter of an hour, tried on the real stack of every service, and deleted again.
 *
 * Signals wait meanwhile, so that neither ^C nor a closed pipe leaves him there; what a kill leaves
 * is found by its name the next time.  He is one user for ever: his tombstone is restored for each
 * run, so that one uid is used up, not one a run.  No session is opened: homes, wtmp, lastlog and
 * logind never hear of him. */

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <security/pam_appl.h>

#include "umctl/doctor.h"

#define PROBE_MARK       "throw-away user of umctl doctor"
#define PROBE_VALID_USEC (15 * 60 * USEC_PER_SEC)
#define CALL_USEC        (30 * USEC_PER_SEC)
#define PASSWORD_BYTES   64U /* makes 132 characters: longer than any policy asks for */
#define TRIES_MAX        5
#define MEND_STACKS                                                                                \
        "the service's file in /etc/pam.d; journalctl -t umctl tells what each module said"
#define MEND_PROBE "umctl user delete " DOCTOR_PROBE " --yes"

typedef struct Probe {
        Ctl *ctl;
        Secret *right, *wrong;
        json_int_t uid;
        char path[128], error[512]; /* error: umd's last one, "" for a fault */
        bool no_such_user, conflict;
} Probe;

/* ---- the throw-away user --------------------------------------------------------------------- */

static int probe_message(Probe *probe, const char *member, sd_bus_message **ret) {
        return sd_bus_message_new_method_call(probe->ctl->bus, ret, WIRE_NAME, probe->path,
                                              WIRE_USER, member);
}

static int probe_call(Probe *probe, sd_bus_message *m, sd_bus_message **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r = sd_bus_call(probe->ctl->bus, m, CALL_USEC, &error, ret);

        probe->no_such_user = sd_bus_error_has_name(&error, WIRE_ERROR_PREFIX "NoSuchUser");
        probe->conflict = sd_bus_error_has_name(&error, WIRE_ERROR_PREFIX "Conflict");
        snprintf(probe->error, sizeof(probe->error), "%s",
                 r >= 0          ? ""
                 : error.message ? error.message
                                 : strerror(-r));
        return r;
}

/* With the options of a change. */
static int probe_send(Probe *probe, sd_bus_message *m) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        bool deletes = strcmp(sd_bus_message_get_member(m), "Delete") == 0;
        int r = deletes ? sd_bus_message_append(m, "a{sv}", 2, "reason", "s", "umctl doctor",
                                                "end-sessions", "b", 1)
                        : sd_bus_message_append(m, "a{sv}", 1, "reason", "s", "umctl doctor");

        return r < 0 ? r : probe_call(probe, m, &reply);
}

static int probe_step(Probe *probe, const char *member) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = probe_message(probe, member, &m);

        return r < 0 ? r : probe_send(probe, m);
}

/* 1 and his uid where he is there (not deleted) and doctor's own, -EEXIST where he is somebody. */
static int probe_find(Probe *probe) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *full_name;
        json_t *user = NULL;
        int r;

        r = sd_bus_message_new_method_call(probe->ctl->bus, &m, WIRE_NAME, probe->path,
                                           "org.freedesktop.DBus.Properties", "GetAll");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", WIRE_USER);
        if (r >= 0)
                r = probe_call(probe, m, &reply);
        if (r < 0)
                return probe->no_such_user ? 0 : r;
        r = json_from_dict(reply, &user);
        if (r < 0)
                return r;
        full_name = json_string_value(json_object_get(user, "full_name"));
        r = full_name && strcmp(full_name, PROBE_MARK) == 0 ? 1 : -EEXIST;
        probe->uid = json_integer_value(json_object_get(user, "uid"));
        json_decref(user);
        return r;
}

static int probe_append_secret(const Probe *probe, sd_bus_message *m) {
        int r = sd_bus_message_sensitive(m);

        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', base_secret_bytes(probe->right),
                                                base_secret_len(probe->right));
        return r < 0 ? r : sd_bus_message_append(m, "a{sv}", 0);
}

static int probe_create(Probe *probe) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = sd_bus_message_new_method_call(probe->ctl->bus, &m, WIRE_NAME, WIRE_PATH,
                                               WIRE_MANAGER, "CreateUserWithPassword");

        if (r >= 0)
                r = sd_bus_message_append(m, "sa{sv}", DOCTOR_PROBE, 3, "full_name", "s",
                                          PROBE_MARK, "home", "s", "/nonexistent", "valid_until",
                                          "t", base_realtime_usec() + PROBE_VALID_USEC);
        if (r >= 0)
                r = probe_append_secret(probe, m);
        return r < 0 ? r : probe_send(probe, m);
}

static int probe_set_end(Probe *probe) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = probe_message(probe, "Update", &m);

        if (r >= 0)
                r = sd_bus_message_append(m, "a{sv}", 1, "valid_until", "t",
                                          base_realtime_usec() + PROBE_VALID_USEC);
        return r < 0 ? r : probe_send(probe, m);
}

static int probe_set_password(Probe *probe) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = probe_message(probe, "SetPassword", &m);

        if (r >= 0)
                r = probe_append_secret(probe, m);
        return r < 0 ? r : probe_send(probe, m);
}

/* The tombstone comes back as inactive: he gets his end and his password before he can log in. */
static int probe_revive(Probe *probe) {
        int r = probe_find(probe);

        if (r >= 0)
                r = probe_set_end(probe);
        if (r >= 0)
                r = probe_set_password(probe);
        /* what a doctor that was killed had asked for may come between */
        for (int i = 0; r < 0 && probe->conflict && i < TRIES_MAX; i++)
                r = probe_set_password(probe);
        return r < 0 ? r : probe_step(probe, "Enable");
}

/* Was it too many wrong passwords in a short time, doctor's own, that made umd refuse the last one?
 */
static bool probe_throttled(Probe *probe) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *reason;
        json_t *entries = NULL;
        bool throttled;
        int r;

        r = sd_bus_message_new_method_call(probe->ctl->bus, &m, WIRE_NAME, WIRE_PATH, WIRE_AUDIT,
                                           "List");
        if (r >= 0)
                r = sd_bus_message_append(m, "a{sv}tu", 1, "user", "s", DOCTOR_PROBE, UINT64_C(0),
                                          1U);
        if (r >= 0)
                r = probe_call(probe, m, &reply);
        if (r < 0 || json_from_dicts(reply, &entries) < 0)
                return false;
        reason = json_string_value(json_object_get(json_array_get(entries, 0), "reason"));
        throttled = reason && strcmp(reason, "throttled") == 0;
        json_decref(entries);
        return throttled;
}

/* One that every policy takes: all classes, and of the rest no two characters stand side by side in
 * the alphabet, which um-quality may take for a pattern, nor make a word that it knows. */
static int password_make(Secret **ret) {
        static const char characters[16] = "cegikmoqsuw02468";
        unsigned char bytes[PASSWORD_BYTES];
        char text[4 + 2 * PASSWORD_BYTES + 1] = "Aa1-";
        int r = base_random(bytes, sizeof(bytes));

        for (size_t i = 0; r >= 0 && i < sizeof(bytes); i++) {
                text[4 + 2 * i] = characters[bytes[i] >> 4];
                text[5 + 2 * i] = characters[bytes[i] & 15];
        }
        if (r >= 0)
                r = base_secret_new(text, strlen(text), ret);
        base_wipe(bytes, sizeof(bytes));
        base_wipe(text, sizeof(text));
        return r;
}

/* 0 where he is there and may log in. */
static int probe_begin(Doctor *doctor, Probe *probe) {
        int r = password_make(&probe->right);

        if (r >= 0)
                r = password_make(&probe->wrong);
        if (r >= 0)
                r = probe_find(probe);
        if (r == 1) {
                r = probe_step(probe, "Delete");
                if (r >= 0)
                        doctor_find(doctor, LEVEL_OK, "throw-away user", NULL,
                                    DOCTOR_PROBE " was left by a run that was killed");
        }
        if (r >= 0) {
                r = probe_step(probe, "Restore");
                if (r >= 0)
                        r = probe_revive(probe);
                else if (probe->no_such_user)
                        r = probe_create(probe);
        }
        if (r >= 0)
                r = probe_find(probe);
        if (r == -EEXIST)
                doctor_find(doctor, LEVEL_WARN, "throw-away user",
                            "umctl user set " DOCTOR_PROBE " --name another",
                            DOCTOR_PROBE " is somebody: no login was tried");
        else if (r < 1)
                doctor_find(doctor, LEVEL_FAIL, "throw-away user", "journalctl -u umd",
                            DOCTOR_PROBE " cannot be made: %s",
                            probe->error[0] ? probe->error : strerror(-r));
        return r == 1 ? 0 : -ECANCELED;
}

static void probe_end(Doctor *doctor, Probe *probe) {
        if (probe_step(probe, "Delete") < 0)
                doctor_find(doctor, LEVEL_FAIL, "throw-away user", MEND_PROBE,
                            DOCTOR_PROBE " cannot be deleted: %s", probe->error);
        else
                doctor_find(doctor, LEVEL_OK, "throw-away user", NULL,
                            DOCTOR_PROBE " is deleted again and keeps uid %lld for the next run",
                            (long long)probe->uid);
}

/* ---- the trials ------------------------------------------------------------------------------ */

typedef enum Trial {
        TRIAL_WRONG, /* first: a right password makes good for it where failures are counted */
        TRIAL_RIGHT,
        TRIAL_AWAY,
        TRIAL_GONE,
        TRIAL_REFUSED, /* when he is disabled */
        TRIAL_ROOT,
        TRIAL_ROOT_AWAY,
        TRIAL_ROOT_GONE,
        TRIAL_LOCAL,
        TRIAL_LOCAL_AWAY,
        TRIAL_LOCAL_GONE,
        _TRIAL_MAX,
} Trial;

enum { NOT_TRIED = -1 };

/* What became of a trial: NOT_TRIED, or the PAM code that decided. */
typedef struct Outcome {
        int code;
        bool in_account, asked_more, throttled;
} Outcome;

typedef struct ServiceTrials {
        Outcome outcomes[_TRIAL_MAX];
        int fault; /* ends the trials of this service: each would only wait again */
} ServiceTrials;

static void stack_try(ServiceTrials *trials, Trial trial, TryWorld world, const Service *service,
                      const char *user, const Secret *secret) {
        Outcome *ret = &trials->outcomes[trial];
        TryResult result = { 0 };

        if (trials->fault != 0)
                return;
        trials->fault =
                try_stack(world, service->name, user, service->asks ? secret : NULL, &result);
        if (trials->fault != 0)
                return;
        ret->in_account = result.auth == PAM_SUCCESS;
        ret->asked_more = result.asked_more;
        ret->code = ret->in_account ? result.account : result.auth;
}

static void probe_trials(Probe *probe, const Service *service, ServiceTrials *ret) {
        Outcome *right = &ret->outcomes[TRIAL_RIGHT];

        /* A stack that does not end well leaves failures behind, which would lock him out for the
         * next one.  Where that cannot be undone the right password is refused, and told. */
        (void)probe_step(probe, "Unlock");
        if (service->asks)
                stack_try(ret, TRIAL_WRONG, TRY_AS_IS, service, DOCTOR_PROBE, probe->wrong);
        stack_try(ret, TRIAL_RIGHT, TRY_AS_IS, service, DOCTOR_PROBE, probe->right);
        right->throttled = right->code == PAM_AUTH_ERR && probe_throttled(probe);
        stack_try(ret, TRIAL_AWAY, TRY_UMD_AWAY, service, DOCTOR_PROBE, probe->right);
        stack_try(ret, TRIAL_GONE, TRY_MODULE_GONE, service, DOCTOR_PROBE, probe->right);
}

/* Whose account phase must be the same whatever has become of um.  first: TRIAL_ROOT, TRIAL_LOCAL.
 */
static void local_trials(const Service *service, const char *user, Trial first,
                         ServiceTrials *ret) {
        for (TryWorld world = TRY_AS_IS; world < _TRY_WORLD_MAX; world++)
                stack_try(ret, first + world, world, service, user, NULL);
}

static const char *outcome_text(const Outcome *outcome) {
        return pam_strerror(NULL, outcome->code);
}

static void fault_report(Doctor *doctor, const char *check, int fault) {
        if (fault == -ENOTSUP)
                doctor_find(doctor, LEVEL_WARN, check, "run doctor outside of a container",
                            "cannot be tried: no mount namespace to do it in");
        else
                doctor_find(doctor, LEVEL_FAIL, check, MEND_STACKS, "cannot be tried: %s",
                            fault == -ETIMEDOUT         ? "no verdict within 10 s"
                            : fault == -ENOTRECOVERABLE ? "a module ends the process"
                                                        : strerror(-fault));
}

static bool local_judge(Doctor *doctor, const char *check, const char *user, const Outcome *o) {
        static const char *const worlds[_TRY_WORLD_MAX] = { "", "umd away", "pam_um.so broken" };

        for (TryWorld world = TRY_UMD_AWAY; world < _TRY_WORLD_MAX; world++)
                if (o[world].code != o[TRY_AS_IS].code) {
                        doctor_find(doctor, LEVEL_FAIL, check, MEND_STACKS,
                                    "with %s %s gets \"%s\" instead of \"%s\"", worlds[world], user,
                                    outcome_text(&o[world]), outcome_text(&o[TRY_AS_IS]));
                        return false;
                }
        if (strcmp(user, "root") == 0 && o[TRY_AS_IS].code > PAM_SUCCESS) {
                doctor_find(doctor, LEVEL_WARN, check, MEND_STACKS, "root is refused: \"%s\"",
                            outcome_text(&o[TRY_AS_IS]));
                return false;
        }
        return true;
}

static bool right_judge(Doctor *doctor, const char *check, const Outcome *right) {
        if (right->code == PAM_SUCCESS)
                return true;
        if (right->asked_more)
                doctor_find(doctor, LEVEL_WARN, check, "try a login by hand",
                            "asks for more than a password: cannot be tried");
        else if (right->throttled)
                doctor_find(doctor, LEVEL_WARN, check, "run doctor again in two minutes",
                            "not tried: too many wrong passwords lately, doctor's own");
        /* doctor_pam.c has judged the stack with all other modules content */
        else if (right->code == PAM_PERM_DENIED)
                doctor_find(doctor, LEVEL_WARN, check, MEND_STACKS,
                            "another module than pam_um (pam_access, pam_wheel?) refuses him in %s",
                            right->in_account ? "account" : "auth");
        else
                doctor_find(doctor, LEVEL_FAIL, check, MEND_STACKS,
                            "the right password gets \"%s\" in %s", outcome_text(right),
                            right->in_account ? "account" : "auth");
        return false;
}

static bool probe_judge(Doctor *doctor, const char *check, const Outcome *o) {
        static const struct {
                Trial trial;
                const char *text;
        } doors[] = { { TRIAL_WRONG, "a wrong password gets in" },
                      { TRIAL_AWAY, "with umd away a user of um gets in" },
                      { TRIAL_GONE, "with pam_um.so broken a user of um gets in" },
                      { TRIAL_REFUSED, "a disabled user gets in: um's refusal is not final" } };

        for (size_t i = 0; i < ARRAY_LENGTH(doors); i++)
                if (o[doors[i].trial].code == PAM_SUCCESS) {
                        doctor_find(doctor, LEVEL_FAIL, check, MEND_STACKS, "%s", doors[i].text);
                        return false;
                }
        if (!right_judge(doctor, check, &o[TRIAL_RIGHT]))
                return false;
        if (o[TRIAL_WRONG].code != PAM_AUTH_ERR && o[TRIAL_WRONG].code != NOT_TRIED) {
                doctor_find(doctor, LEVEL_WARN, check, MEND_STACKS, "a wrong password gets \"%s\"",
                            outcome_text(&o[TRIAL_WRONG]));
                return false;
        }
        return true;
}

static void service_report(Doctor *doctor, const Service *service, const char *local, bool probed,
                           const ServiceTrials *trials) {
        const Outcome *o = trials->outcomes;
        char check[96];

        snprintf(check, sizeof(check), "try %s", service->name);
        if (trials->fault != 0) {
                fault_report(doctor, check, trials->fault);
                return;
        }
        if (!local_judge(doctor, check, "root", &o[TRIAL_ROOT]) ||
            (local && !local_judge(doctor, check, local, &o[TRIAL_LOCAL])) ||
            (probed && !probe_judge(doctor, check, o)))
                return;
        doctor_find(doctor, LEVEL_OK, check, NULL, "%sroot%s%s as ever with umd away",
                    !probed         ? ""
                    : service->asks ? "right password in, wrong one and disabled user out; "
                                    : "active user in, disabled user out; ",
                    local ? " and " : "", local ? local : "");
}

/* A person of /etc/passwd, or NULL. */
static char *local_user(void) {
        FILE *f = fopen(BASE_PASSWD_PATH, "re");
        const struct passwd *pw;
        char *name = NULL;

        while (f && !name && (pw = fgetpwent(f)))
                if (pw->pw_uid >= 1000 && pw->pw_uid < 60000)
                        name = strdup(pw->pw_name);
        if (f)
                fclose(f);
        return name;
}

/* Has a signal come that would have ended umctl? */
static bool interrupted(const sigset_t *held) {
        sigset_t pending;

        if (sigpending(&pending) < 0)
                return false;
        for (int i = 1; i < SIGRTMIN; i++)
                if (sigismember(held, i) == 1 && sigismember(&pending, i) == 1)
                        return true;
        return false;
}

static void services_try(Doctor *doctor, Probe *probe, const char *local, const sigset_t *held,
                         ServiceTrials *trials) {
        size_t n = doctor->service_count;
        int r = 0;

        for (size_t i = 0; i < n && !interrupted(held); i++) {
                local_trials(&doctor->services[i], "root", TRIAL_ROOT, &trials[i]);
                if (local)
                        local_trials(&doctor->services[i], local, TRIAL_LOCAL, &trials[i]);
                if (probe)
                        probe_trials(probe, &doctor->services[i], &trials[i]);
        }
        if (probe)
                r = probe_step(probe, "Disable");
        for (size_t i = 0; probe && r >= 0 && i < n && !interrupted(held); i++)
                stack_try(&trials[i], TRIAL_REFUSED, TRY_AS_IS, &doctor->services[i], DOCTOR_PROBE,
                          NULL);
}

static void doctor_try(Doctor *doctor, bool probed, const sigset_t *held) {
        _cleanup_free_ char *local = local_user();
        ServiceTrials trials[SERVICES_MAX];
        Probe probe = { .ctl = doctor->ctl, .path = WIRE_PATH_USER "/doctor_2dprobe" };

        for (size_t i = 0; i < SERVICES_MAX; i++) {
                trials[i].fault = 0;
                for (Trial t = 0; t < _TRIAL_MAX; t++)
                        trials[i].outcomes[t] = (Outcome){ .code = NOT_TRIED };
        }
        probed = probed && probe_begin(doctor, &probe) == 0;
        services_try(doctor, probed ? &probe : NULL, local, held, trials);
        if (probed)
                probe_end(doctor, &probe);
        base_secret_free(probe.right);
        base_secret_free(probe.wrong);
        for (size_t i = 0; i < doctor->service_count && !interrupted(held); i++)
                service_report(doctor, &doctor->services[i], local, probed, &trials[i]);
}

void doctor_login(Doctor *doctor) {
        _cleanup_close_ int lock = open("/run/um", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        static const int signals[] = {
                SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP, SIGALRM
        };
        const char *why = NULL;
        sigset_t held, before;

        if (geteuid() != 0)
                why = "run doctor as root";
        else if (doctor->ctl->dry_run)
                why = "run doctor without --dry-run";
        else if (doctor->service_count == 0)
                return; /* a fault of its own */
        if (why) {
                doctor_find(doctor, LEVEL_WARN, "try", why, "no login was tried");
                return;
        }
        if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) < 0) {
                doctor_find(doctor, LEVEL_WARN, "try", "run doctor again",
                            "another doctor is at it: no login was tried");
                return;
        }
        sigemptyset(&held);
        for (size_t i = 0; i < ARRAY_LENGTH(signals); i++)
                sigaddset(&held, signals[i]);
        (void)sigprocmask(SIG_BLOCK, &held, &before);
        doctor_try(doctor, doctor->serves && strcmp(doctor->ctl->socket, WIRE_SOCKET) == 0, &held);
        fflush(stdout);
        (void)sigprocmask(SIG_SETMASK, &before, NULL); /* what came meanwhile comes now */
}
