/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A core with a host and a helper that do as they are told, and a vault (core_vault.c) that answers
 * only when told to. */

#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/core_fixture.h"

/* ---- the host ----------------------------------------------------------------------------- */

static bool host_group_gid(void *userdata, const char *name, gid_t *ret) {
        Fixture *f = userdata;

        for (size_t i = 0; i < f->host_group_count; i++)
                if (strcmp(f->host_groups[i].name, name) == 0) {
                        *ret = f->host_groups[i].gid;
                        return true;
                }
        return false;
}

static const char *host_group_at(void *userdata, size_t at) {
        Fixture *f = userdata;

        return at < f->host_group_count ? f->host_groups[at].name : NULL;
}

static const char *host_name_held(void *userdata, const char *name, bool group) {
        Fixture *f = userdata;
        const char *held = group ? f->held_group : f->held_user;
        gid_t gid;

        if (group && host_group_gid(userdata, name, &gid))
                return "/etc/group";
        if (!held || strcmp(held, name) != 0)
                return NULL;
        return group ? "/etc/group" : "/etc/passwd";
}

static bool host_id_held(void *userdata, uint32_t id, char *ret_holder, size_t size) {
        Fixture *f = userdata;

        snprintf(ret_holder, size, "process 4711 (sleep)");
        return f->held_id == id && id != 0;
}

static bool host_time_zone_known(void *userdata, const char *zone) {
        return strcmp(zone, "Europe/Berlin") == 0 || strcmp(zone, "UTC") == 0;
}

static bool host_home_held(void *userdata, const char *home, char *ret_holder, size_t size) {
        Fixture *f = userdata;

        snprintf(ret_holder, size, "bob in /etc/passwd");
        return f->held_home && strcmp(f->held_home, home) == 0;
}

static void host_refresh(void *userdata) {
}

static void host_flush_wanted(void *userdata) {
        Fixture *f = userdata;

        f->flushes_called++;
}

static void host_flush_wanted_later(void *userdata) {
        Fixture *f = userdata;

        f->flushes_called_later++;
}

static void host_clock(void *userdata, CoreClock *ret) {
        Fixture *f = userdata;

        *ret = (CoreClock){ .boottime_usec = f->boottime };
        memcpy(ret->boot_id, f->boot_id, sizeof(ret->boot_id));
}

static void host_wake_at(void *userdata, uint64_t boottime_usec) {
        Fixture *f = userdata;

        if (boottime_usec < f->wake_at)
                f->wake_at = boottime_usec;
}

static void host_lockout(void *userdata, const CoreLockout *lockout) {
        Fixture *f = userdata;

        f->lockouts++;
        snprintf(f->lockout, sizeof(f->lockout), "%s: %s: %u: %s %s",
                 lockout->name ? lockout->name : "all", lockout->places, lockout->failures,
                 lockout->source, lockout->service);
        f->lockout_until = lockout->until_usec;
}

static bool host_mail_ready(void *userdata) {
        return !((Fixture *)userdata)->mail_gone;
}

static void host_mail_send(void *userdata, const CoreMail *mail) {
        Fixture *f = userdata;

        f->mails++;
        snprintf(f->mail, sizeof(f->mail), "%s%s|%s|%s|%s|%s", mail->reset ? "reset: " : "",
                 mail->to, mail->full_name, mail->user, mail->service, mail->source);
        snprintf(f->mailed, sizeof(f->mailed), "%s", (const char *)base_secret_bytes(mail->code));
}

static bool host_program_safe(void *userdata, const char *path, char *ret_real, char *ret_why,
                              size_t why_size) {
        const Fixture *f = userdata;

        snprintf(ret_why, why_size, "%s", f->program_unsafe ? f->program_unsafe : "");
        snprintf(ret_real, CORE_PATH_BYTES, "%s", f->program_real ? f->program_real : path);
        return !f->program_unsafe;
}

static void host_notice(void *userdata, const char *name, const char *text) {
        Fixture *f = userdata;
        size_t len = strlen(f->notices);

        snprintf(f->notices + len, sizeof(f->notices) - len, "%s: %s\n", name, text);
}

void fixture_wake(Fixture *f) {
        f->wake_at = USEC_INFINITY;
        core_wake(f->core, f->now);
}

void fixture_pass(Fixture *f, uint64_t usec) {
        f->now += usec;
        f->boottime += usec;
        core_tick(f->core, f->now);
        fixture_wake(f);
}

/* ---- um-quality ------------------------------------------------------------------------------ */

static void text_take(char *ret, size_t size, const char *text) {
        assert_true(snprintf(ret, size, "%s", text ? text : "") < (int)size);
}

static int quality_check(void *userdata, const CoreQualityRequest *request, CoreQualityDone done,
                         void *done_userdata) {
        Fixture *f = userdata;
        QualityQuestion *question;

        if (f->quality_gone)
                return -ENOTCONN;
        question = calloc(1, sizeof(*question));
        if (!question)
                return -ENOMEM;
        assert_true(f->question_count < ARRAY_LENGTH(f->questions));
        f->questions[f->question_count++] = question;
        text_take(question->password, sizeof(question->password),
                  base_secret_bytes(request->password));
        text_take(question->old, sizeof(question->old),
                  request->old ? base_secret_bytes(request->old) : NULL);
        text_take(question->name, sizeof(question->name), request->name);
        text_take(question->full_name, sizeof(question->full_name), request->full_name);
        text_take(question->email, sizeof(question->email), request->email);
        question->rules = request->rules;
        question->done = done;
        question->userdata = done_userdata;
        return 0;
}

static void question_answer(Fixture *f, QualityQuestion *question) {
        CoreQualityAnswer answer = f->quality_says;

        if (question->rules.similarity && strcmp(question->password, question->old) == 0)
                answer.failed |= 1U << CORE_QUALITY_LIKE_OLD;
        if (strcmp(question->password, question->name) == 0)
                answer.failed |= 1U << CORE_QUALITY_HAS_NAME;
        f->asked = *question;
        question->done(question->userdata, f->quality_silent ? NULL : &answer, f->now);
        free(question);
}

void fixture_quality(Fixture *f) {
        while (f->question_count > 0) {
                QualityQuestion *question = f->questions[0];

                memmove(f->questions, f->questions + 1,
                        --f->question_count * sizeof(f->questions[0]));
                question_answer(f, question);
        }
}

/* ---- the helper --------------------------------------------------------------------------- */

static void helper_end_sessions(void *userdata, uid_t uid) {
        Fixture *f = userdata;

        f->sessions_ended_uid = uid;
}

static void helper_warn_sessions(void *userdata, uid_t uid) {
        Fixture *f = userdata;

        f->sessions_warned_uid = uid;
}

static int helper_make_home(void *userdata, uid_t uid, CoreHelperDone done, void *done_userdata) {
        Fixture *f = userdata;

        f->homes_made++;
        if (f->home == _CORE_HOME_MAX)
                return -ENOTCONN;
        f->home_done = done;
        f->home_userdata = done_userdata;
        if (!f->helper_waits)
                done(done_userdata, f->home, f->now);
        return 0;
}

/* ---- news --------------------------------------------------------------------------------- */

static void listener_changed(void *userdata, CoreObject object, CoreNews news, uint32_t id,
                             const char *name, const char *old_name) {
        static const char *const words[] = { "added", "changed", "removed" };
        Fixture *f = userdata;
        size_t len = strlen(f->news);

        snprintf(f->news + len, sizeof(f->news) - len, "%s %s %s%s%s\n", words[news],
                 object == CORE_OBJECT_USER ? "user" : "group", name,
                 strcmp(name, old_name) != 0 ? " was " : "",
                 strcmp(name, old_name) != 0 ? old_name : "");
}

static void listener_everybody(void *userdata) {
        Fixture *f = userdata;
        size_t len = strlen(f->news);

        snprintf(f->news + len, sizeof(f->news) - len, "changed everybody\n");
}

static void listener_flushed(void *userdata) {
        ((Fixture *)userdata)->flushes++;
}

void fixture_flush(Fixture *f) {
        f->news[0] = '\0';
        must(core_flush(f->core));
}

/* ---- the whole ---------------------------------------------------------------------------- */

CoreSettings shipped_settings(void) {
        return (CoreSettings){
                .id_first = FIRST,
                .id_last = 524287,
                .shell = "/bin/bash",
                .home_root = "/home",
                .tenant = "local",
        };
}

static bool host_sshd_verifies(void *userdata, char *ret_why) {
        Fixture *f = userdata;

        snprintf(ret_why, CORE_SSHD_WHY_BYTES, "%s", f->sshd_verifies ? "" : "it does not");
        return f->sshd_verifies;
}

void fixture_open(Fixture *f) {
        const CoreHost host = { f,
                                host_name_held,
                                host_id_held,
                                host_time_zone_known,
                                host_home_held,
                                host_refresh,
                                host_flush_wanted,
                                host_flush_wanted_later,
                                host_clock,
                                host_wake_at,
                                host_lockout,
                                { f, host_mail_ready, host_mail_send },
                                host_sshd_verifies,
                                host_program_safe,
                                host_notice,
                                host_group_gid,
                                host_group_at };
        const CoreQuality quality = { f, quality_check };
        const CoreHelper helper = { f, helper_make_home, helper_end_sessions,
                                    helper_warn_sessions };
        const CoreListener listener = { f, listener_changed, listener_everybody, listener_flushed };
        CoreVault vault;

        fixture_vault_operations(f, &vault);
        must(core_new(f->dir, &f->settings, &host, &vault, &quality, &helper, &f->core, &f->error));
        core_add_listener(f->core, &listener);
        core_tick(f->core, f->now);
}

void fixture_reopen(Fixture *f) {
        f->core = core_free(f->core);
        fixture_open(f);
}

int fixture_setup(void **state) {
        Fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        snprintf(f->dir, sizeof(f->dir), "%s/um-test-core-XXXXXX",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        assert_non_null(mkdtemp(f->dir));
        f->now = NOW;
        f->boottime = HOUR;
        f->boot_id[0] = 1;
        f->wake_at = USEC_INFINITY;
        f->root = (Actor){ .uid = 0, .login_uid = (uid_t)-1, .via = "socket" };
        f->options = (CoreOptions){ .reason = "" };
        f->settings = shipped_settings();
        f->vault_says = CORE_PROOF_MATCH;
        f->home = CORE_HOME_EXISTS;
        fixture_open(f);
        *state = f;
        return 0;
}

int fixture_teardown(void **state) {
        static const char *const names[] = { "data.mdb", "lock.mdb", "lock" };
        Fixture *f = *state;
        char path[128];

        core_free(f->core);
        f->quality_silent = true;
        fixture_quality(f);
        fixture_vault_end(f); /* answers after core's end must find nobody */
        for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
                snprintf(path, sizeof(path), "%s/%s", f->dir, names[i]);
                unlink(path);
        }
        rmdir(f->dir);
        free(f);
        return 0;
}

/* ---- verbs -------------------------------------------------------------------------------- */

uid_t make_user(Fixture *f, const char *name) {
        UserSpec spec = { .text = { [USER_FIELD_NAME] = name } };

        must(core_user_create(f->core, &f->root, &spec, &f->options, f->now, &f->change,
                              &f->error));
        return f->change.object_id;
}

gid_t make_group(Fixture *f, const char *name) {
        GroupSpec spec = { .name = name };

        must(core_group_create(f->core, &f->root, &spec, &f->options, f->now, &f->change,
                               &f->error));
        return f->change.object_id;
}

void add_user(Fixture *f, const char *group, const char *user) {
        must(core_group_members(f->core, &f->root, group, true, &user, 1, NULL, 0, &f->options,
                                f->now, &f->change, &f->error));
}

int try_nest(Fixture *f, const char *group, const char *nested) {
        return core_group_members(f->core, &f->root, group, true, NULL, 0, &nested, 1, &f->options,
                                  f->now, &f->change, &f->error);
}

void add_group(Fixture *f, const char *group, const char *nested) {
        must(try_nest(f, group, nested));
}

static void change_done(void *userdata, int r, const CoreChange *change, const CoreError *error) {
        Fixture *f = userdata;

        f->result = r;
        f->results++;
        f->change = *change;
        f->error = *error;
}

void set_password(Fixture *f, const char *name, const char *password) {
        CorePasswordOptions options = { 0 };
        _cleanup_secret_ Secret *secret = NULL;

        must(base_secret_new(password, strlen(password), &secret));
        must(core_user_set_password(f->core, &f->root, name, secret, &options, &f->options, f->now,
                                    change_done, f, &f->error));
        fixture_vault(f);
        must(f->result);
}

static void code_done(void *userdata, int r, const Secret *code, uint64_t expires_usec,
                      const CoreChange *change, const CoreError *error) {
        Fixture *f = userdata;

        change_done(f, r, change, error);
        f->code[0] = '\0';
        if (code)
                memcpy(f->code, base_secret_bytes(code), base_secret_len(code) + 1);
}

void make_code(Fixture *f, const char *name) {
        must(core_user_create_setup_code(f->core, &f->root, name, &f->options, f->now, code_done, f,
                                         &f->error));
        fixture_vault(f);
        must(f->result);
}

void policy_put(Fixture *f, const char *name, const char *value, const char *user) {
        char text[POLICY_VALUE_TEXT_MAX];

        must(core_policy_set(f->core, &f->root, &POLICY_OF(user), name, value, &f->options, f->now,
                             text, &f->change, &f->error));
}

void step_user(Fixture *f, const char *name, StatusStep step) {
        must(core_user_step(f->core, &f->root, name, step, USEC_INFINITY, &f->options, f->now,
                            &f->change, &f->error));
}

void update_text(Fixture *f, const char *name, UserField field, const char *value) {
        UserSpec spec = { 0 };

        spec.text[field] = value;
        must(core_user_update(f->core, &f->root, name, &spec, &f->options, f->now, &f->change,
                              &f->error));
}

static const char *join(const char *const *list, size_t count) {
        static char buf[4096];

        buf[0] = '\0';
        for (size_t i = 0; i < count; i++) {
                strcat(buf, i > 0 ? "," : "");
                strcat(buf, list[i]);
        }
        return buf;
}

const char *groups_of(Fixture *f, const char *name) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;

        must(core_user_get(f->core, name, true, &user, &f->error));
        return join(user->groups, user->group_count);
}

const char *effective_of(Fixture *f, const char *group) {
        _cleanup_(core_group_freep) CoreGroup *view = NULL;

        must(core_group_get(f->core, group, &view, &f->error));
        return join(view->effective, view->effective_count);
}

UserStatus status_of(Fixture *f, const char *name) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;

        must(core_user_get(f->core, name, true, &user, &f->error));
        return user->status;
}

uint64_t last_audit(Fixture *f) {
        CoreStatus status;

        must(core_status(f->core, &status));
        return status.audit_entries;
}

typedef struct Line {
        uint64_t skip;
        char *text;
        size_t size;
} Line;

static void line_take(void *userdata, const CoreAuditEntry *entry) {
        Line *line = userdata;

        if (line->skip == 0)
                snprintf(line->text, line->size, "%s %s %s %s", entry->verb, entry->outcome,
                         entry->reason, entry->object);
        line->skip--;
}

const char *audit_line(Fixture *f, uint64_t back) {
        static char text[512];
        CoreAuditFilter filter = { .until_usec = USEC_INFINITY };
        Line line = { back, text, sizeof(text) };
        uint64_t cursor;

        text[0] = '\0';
        must(core_audit_list(f->core, &f->root, &filter, 0, (uint32_t)back + 1, line_take, &line,
                             &cursor, &f->error));
        return text;
}
