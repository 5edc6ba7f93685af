/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Grants over a real store: what is against one, who may give and take it, that the last owner
 * stays by every path, and what a grant is worth at a login. */

#include "tests/unit/rights_verbs.h"

static int grant_until(Fixture *f, const char *role, const char *user, uint64_t from_usec,
                       uint64_t until_usec) {
        return grant_edit(f, &f->root,
                          &(GrantEdit){ .user = user,
                                        .role = role,
                                        .from_usec = from_usec,
                                        .until_usec = until_usec });
}

static int grant_over(Fixture *f, const char *role, const char *user, const char *over) {
        return grant_edit(f, &f->root,
                          &(GrantEdit){ .user = user,
                                        .role = role,
                                        .until_usec = USEC_INFINITY,
                                        .over = over });
}

static int grant_as(Fixture *f, uid_t uid, const char *role, const char *user) {
        const Actor actor = actor_of(uid);

        return grant_edit(f, &actor,
                          &(GrantEdit){ .user = user, .role = role, .until_usec = USEC_INFINITY });
}

static void a_grant_is_written_once_and_is_on_record(void **state) {
        Fixture *f = *state;

        make_person(f, "alice");
        f->options.reason = "INC-77";
        must(grant_until(f, "technician", "alice", 0, f->now + HOUR));
        assert_string_equal(audit_line(f, 0), "role.grant done INC-77 user/alice");
        must(grant_until(f, "technician", "alice", 0, f->now + HOUR));
        assert_int_equal(f->change.id, 0);
        must(grant_until(f, "technician", "alice", 0,
                         f->now + 2 * HOUR)); /* longer: the same one */
        assert_int_not_equal(f->change.id, 0);
        assert_string_equal(grants_of(f, "alice"), "alice:self-service@local counts\n"
                                                   "alice:technician@local counts\n");
        f->now += 2 * HOUR;
        assert_string_equal(grants_of(f, "alice"), "alice:self-service@local counts\n"
                                                   "alice:technician@local expired\n");
        must(revoke(f, "technician", "alice"));
        assert_string_equal(audit_line(f, 0), "role.revoke done INC-77 user/alice");
        must(revoke(f, "technician", "alice"));
        assert_int_equal(f->change.id, 0);
        assert_string_equal(grants_of(f, "alice"), "alice:self-service@local counts\n");
}

static void what_is_against_it_is_named(void **state) {
        Fixture *f = *state;

        make_user(f, "bare");
        make_person(f, "alice");
        make_group(f, "web");
        must(role_add(f, "cleared", .permit = "asset.view", .require = "attr:cert.privacy"));
        must_be(grant(f, "viewer", "bare"), CORE_E_POLICY_REFUSED);
        assert_string_equal(f->error.text, "bare: has no e-mail address, which viewer requires");
        must_be(grant(f, "cleared", "alice"), CORE_E_POLICY_REFUSED);
        assert_string_equal(f->error.text,
                            "alice: has not the attribute cert.privacy, which cleared requires");
        must_be(grant(f, "integration", "alice"), CORE_E_POLICY_REFUSED);
        must_be(grant(f, "tenant-admin", "alice"), CORE_E_BAD_VALUE);
        must_be(grant_at(f, "tenant-admin", "alice", "all"), CORE_E_BAD_VALUE);
        must(grant_at(f, "tenant-admin", "alice", "local"));
        must_be(grant_at(f, "viewer", "alice", "globex"), CORE_E_NO_SUCH_TENANT);
        must_be(grant(f, "nothing", "alice"), CORE_E_NO_SUCH_ROLE);
        must_be(grant(f, "viewer", "nobody"), CORE_E_NO_SUCH_USER);
        must_be(grant_until(f, "viewer", "alice", 0, f->now), CORE_E_BAD_VALUE);
        must_be(grant_until(f, "viewer", "alice", f->now + DAY, f->now + HOUR), CORE_E_BAD_VALUE);
        must_be(grant_over(f, "viewer", "alice", "sales"), CORE_E_BAD_VALUE);
        must_be(grant_over(f, "viewer", "alice", "department="), CORE_E_BAD_VALUE);
        must_be(grant_over(f, "viewer", "alice", "group=none"), CORE_E_NO_SUCH_GROUP);
        must_be(grant_over(f, "owner", "alice", "group=web"), CORE_E_BAD_VALUE);
        must(grant_over(f, "viewer", "alice", "group=web"));
        must(grant_over(f, "viewer", "alice", "department=sales"));
        assert_string_equal(grants_of(f, "alice"), "alice:self-service@local counts\n"
                                                   "alice:tenant-admin@local counts\n"
                                                   "alice:viewer@local/department=sales counts\n"
                                                   "alice:viewer@local/group=web counts\n");
        f->options.if_version = 1;
        must_be(grant(f, "member", "alice"), CORE_E_BAD_VALUE);
}

static void roles_that_conflict_never_meet(void **state) {
        Fixture *f = *state;
        GrantEdit edit = { .user = "alice", .role = "payer", .until_usec = USEC_INFINITY };

        make_person(f, "alice");
        make_person(f, "bob");
        must(tenant_add(f, "acme"));
        must(role_add(f, "approver", .permit = "request.approve"));
        must(role_add(f, "payer", .permit = "billing.view", .conflict = "approver"));
        must(role_add(f, "lead", .inherit = "approver"));
        must(grant(f, "lead", "alice"));
        must_be(grant(f, "payer", "alice"), CORE_E_ROLE_CONFLICT);
        assert_string_equal(f->error.text,
                            "alice: would hold roles that conflict: payer and lead > approver");
        must(grant_at(f, "payer", "alice", "acme")); /* elsewhere they do not meet */
        must_be(grant_at(f, "payer", "alice", "all"), CORE_E_ROLE_CONFLICT);
        edit.allow_conflict = true;
        must_be(grant_edit(f, &f->root, &edit), CORE_E_BAD_VALUE);
        f->options.reason = "holidays";
        must_be(grant_edit(f, &f->root, &edit), CORE_E_BAD_VALUE);
        edit.until_usec = f->now + DAY;
        must(grant_edit(f, &f->root, &edit));
        /* by inheriting: bob's are new, alice's were there */
        must(role_add(f, "clerk", .permit = "asset.view"));
        must(grant(f, "clerk", "bob"));
        must(grant(f, "payer", "bob"));
        must_be(role_set(f, "clerk", .inherit = "approver"), CORE_E_ROLE_CONFLICT);
        assert_string_equal(f->error.text, "bob: would hold roles that conflict: approver (by "
                                           "clerk) and payer (by payer)");
        must(revoke(f, "payer", "bob"));
        must(role_set(f, "clerk", .inherit = "approver"));
        must(role_set(f, "lead", .inherit = "approver clerk"));
}

static void nobody_grants_above_himself(void **state) {
        Fixture *f = *state;
        uid_t admin, technician;

        make_person(f, "boss");
        make_person(f, "plain");
        must(grant(f, "owner", "boss"));
        admin = make_person(f, "alice");
        must(grant(f, "admin", "alice"));
        technician = make_person(f, "tom");
        must(grant(f, "technician", "tom"));
        must(grant_as(f, admin, "member", "plain"));
        must(grant_as(f, admin, "technician", "plain")); /* sudo.maintenance by role.sudo.edit */
        must(role_add(f, "commands", .permit = "sudo.all"));
        must_be(grant_as(f, admin, "commands", "plain"), CORE_E_PROTECTED);
        assert_string_equal(f->error.text, "commands: gives more than you have: sudo.*");
        must_be(grant_as(f, admin, "owner", "plain"), CORE_E_PROTECTED);
        assert_non_null(strstr(f->error.text, "owner: gives more than you have: "));
        must_be(grant_as(f, admin, "viewer", "boss"), CORE_E_PROTECTED);
        must_be(grant_as(f, admin, "viewer", "alice"), CORE_E_PROTECTED);
        assert_string_equal(f->error.text, "alice: nobody grants himself a role");
        must_be(grant_as(f, technician, "admin", "plain"), CORE_E_PROTECTED);
        must_be(grant_as(f, technician, "viewer", "alice"), CORE_E_PROTECTED);
        assert_non_null(strstr(f->error.text, "alice: may do more than you: "));
        must_be(revoke_as(f, &(Actor){ .uid = technician, .via = "socket" }, "admin", "alice",
                          NULL),
                CORE_E_PROTECTED);
        must(revoke_as(f, &(Actor){ .uid = admin, .via = "socket" }, "member", "plain", NULL));
        /* and one who may not come in any more gives nothing */
        step_user(f, "alice", STATUS_STEP_DISABLE);
        must_be(grant_as(f, admin, "viewer", "plain"), CORE_E_PROTECTED);
}

/* What limits somebody is not his own to be rid of, nor that of whoever would come to more than he
 * has by it. */
static void what_denies_is_given_back_by_who_has_it(void **state) {
        Fixture *f = *state;
        Actor bob = actor_of(make_person(f, "bob")), amy = actor_of(make_person(f, "amy"));

        make_person(f, "tom");
        must(role_add(f, "limits", .deny = "policy.*"));
        must(role_add(f, "nosudo", .deny = "sudo.*"));
        must(role_add(f, "help", .inherit = "technician", .without = "sudo.*",
                      .permit = "role.grant role.revoke role.edit"));
        must(grant(f, "it-admin", "bob"));
        must(grant(f, "limits", "bob"));
        must_be(revoke_as(f, &bob, "limits", "bob", NULL), CORE_E_PROTECTED);
        assert_string_equal(f->error.text, "limits: limits you: somebody else takes it from you");
        must(revoke_as(f, &bob, "it-admin", "bob", NULL)); /* that one is his to lay down */
        must(grant(f, "help", "amy"));
        must(grant(f, "technician", "tom"));
        must(grant(f, "nosudo", "tom"));
        must_be(revoke_as(f, &amy, "nosudo", "tom", NULL), CORE_E_PROTECTED);
        assert_string_equal(f->error.text, "tom: may do more than you: sudo.maintenance");
        must_be(grant_edit(f, &amy,
                           &(GrantEdit){
                                   .user = "tom", .role = "nosudo", .until_usec = f->now + HOUR }),
                CORE_E_PROTECTED);
        must_be(role_write(f, &amy, "nosudo", false, &(RoleText){ .deny = "-sudo.*" }),
                CORE_E_PROTECTED);
        assert_string_equal(f->error.text,
                            "nosudo: denies something to its holders, which only root gives back");
        must_be(core_role_delete(f->core, &amy, "nosudo", true, &f->options, f->now, &f->change,
                                 &f->error),
                CORE_E_PROTECTED);
        must(revoke(f, "nosudo", "tom"));
}

/* Rights, policy values and scopes go by what somebody is. */
static void nobody_sets_what_he_is(void **state) {
        Fixture *f = *state;
        Actor bob = actor_of(make_person(f, "bob"));
        const UserSpec moves = { .text = { [USER_FIELD_DEPARTMENT] = "kiosk" } },
                       lasts = { .has_valid_until = true, .valid_until_usec = USEC_INFINITY },
                       calls = { .text = { [USER_FIELD_PHONE] = "+49 30 5550100" } };

        make_person(f, "tom");
        must(grant(f, "it-admin", "bob"));
        must(core_user_update(f->core, &f->root, "bob",
                              &(UserSpec){ .has_valid_until = true,
                                           .valid_until_usec = f->now + DAY },
                              &f->options, f->now, &f->change, &f->error));
        must_be(core_user_update(f->core, &bob, "bob", &moves, &f->options, f->now, &f->change,
                                 &f->error),
                CORE_E_PROTECTED);
        must_be(core_user_update(f->core, &bob, "bob", &lasts, &f->options, f->now, &f->change,
                                 &f->error),
                CORE_E_PROTECTED);
        must(core_user_update(f->core, &bob, "bob", &calls, &f->options, f->now, &f->change,
                              &f->error));
        must(core_user_update(f->core, &bob, "tom", &moves, &f->options, f->now, &f->change,
                              &f->error));
}

/* ---- owners -------------------------------------------------------------------------------- */

static int step(Fixture *f, const Actor *actor, const char *name, StatusStep how) {
        f->error = (CoreError){ 0 };
        return core_user_step(f->core, actor, name, how, USEC_INFINITY, &f->options, f->now,
                              &f->change, &f->error);
}

static int update(Fixture *f, const char *name, const UserSpec *spec) {
        f->error = (CoreError){ 0 };
        return core_user_update(f->core, &f->root, name, spec, &f->options, f->now, &f->change,
                                &f->error);
}

/* Each way to be rid of an owner; as root. */
static int way(Fixture *f, size_t number, const char *name) {
        switch (number) {
        case 0:
                return revoke(f, "owner", name);
        case 1:
                return grant_until(f, "owner", name, 0, f->now + DAY);
        case 2:
                return grant_until(f, "owner", name, f->now + DAY, USEC_INFINITY);
        case 3:
                return step(f, &f->root, name, STATUS_STEP_SUSPEND);
        case 4:
                return step(f, &f->root, name, STATUS_STEP_DISABLE);
        case 5:
                return step(f, &f->root, name, STATUS_STEP_DELETE);
        case 6:
                return update(f, name, &(UserSpec){ .text[USER_FIELD_EMAIL] = "" });
        case 7:
                return update(f, name,
                              &(UserSpec){ .has_valid_until = true,
                                           .valid_until_usec = f->now + DAY });
        case 8:
                return grant(f, "nothing", name);
        case 9:
                return role_set(f, "some", .deny = "user.view");
        default:
                return -ENOENT;
        }
}

#define WAYS 10

static void the_last_owner_stays_by_every_path(void **state) {
        Fixture *f = *state;
        uint64_t last;

        must(role_add(f, "nothing", .deny = "*"));
        must(role_add(f, "some", .permit = "user.view"));
        make_person(f, "alice");
        make_person(f, "bob");
        must(grant(f, "owner", "alice"));
        must(grant(f, "some", "alice"));
        last = last_audit(f);
        for (size_t i = 0; i < WAYS; i++) {
                must_be(way(f, i, "alice"), CORE_E_LAST_OWNER);
                assert_string_equal(f->error.text,
                                    "local: would be left without an owner: grant another one "
                                    "first, without an end");
        }
        assert_int_equal(last_audit(f), last);
        /* neither a suspended one nor one for a time is another */
        must(grant(f, "owner", "bob"));
        step_user(f, "bob", STATUS_STEP_SUSPEND);
        for (size_t i = 0; i < WAYS; i++)
                must_be(way(f, i, "alice"), CORE_E_LAST_OWNER);
        step_user(f, "bob", STATUS_STEP_RESUME);
        must(grant_until(f, "owner", "bob", 0, f->now + DAY));
        for (size_t i = 0; i < WAYS; i++)
                must_be(way(f, i, "alice"), CORE_E_LAST_OWNER);
        must(grant(f, "owner", "bob"));
        must(way(f, 9, "alice")); /* bob is one for good */
        must_be(way(f, 0, "bob"), CORE_E_LAST_OWNER);
        must(way(f, 0, "alice"));
        must(way(f, 5, "alice"));
}

static void each_tenant_keeps_its_own(void **state) {
        Fixture *f = *state;

        must(tenant_add(f, "acme"));
        make_person(f, "alice");
        make_person(f, "bob");
        must(grant_at(f, "owner", "alice", "acme"));
        must(grant_at(f, "owner", "bob", "local"));
        must_be(revoke_as(f, &f->root, "owner", "alice", "acme"), CORE_E_LAST_OWNER);
        assert_non_null(strstr(f->error.text, "acme: "));
        must(grant_at(f, "owner", "bob", "all"));
        must(revoke_as(f, &f->root, "owner", "alice", "acme"));
        must_be(revoke_as(f, &f->root, "owner", "bob", "all"), CORE_E_LAST_OWNER);
}

static void the_first_owner_has_no_end(void **state) {
        Fixture *f = *state;

        make_person(f, "alice");
        must_be(grant_until(f, "owner", "alice", 0, f->now + DAY), CORE_E_LAST_OWNER);
        must_be(grant_until(f, "owner", "alice", f->now + HOUR, USEC_INFINITY), CORE_E_LAST_OWNER);
        must(grant(f, "owner", "alice"));
}

static void an_owner_is_touched_by_himself_and_root_alone(void **state) {
        static const StatusStep steps[] = { STATUS_STEP_SUSPEND, STATUS_STEP_DISABLE,
                                            STATUS_STEP_DELETE };
        Fixture *f = *state;
        Actor other, self;

        other = actor_of(make_person(f, "alice"));
        self = actor_of(make_person(f, "bob"));
        must(grant(f, "owner", "alice"));
        must(grant(f, "owner", "bob"));
        for (size_t i = 0; i < ARRAY_LENGTH(steps); i++)
                must_be(step(f, &other, "bob", steps[i]), CORE_E_PROTECTED);
        must_be(revoke_as(f, &other, "owner", "bob", NULL), CORE_E_PROTECTED);
        must(revoke_as(f, &self, "owner", "bob", NULL));
        must_be(revoke_as(f, &other, "owner", "alice", NULL), CORE_E_LAST_OWNER);
}

/* ---- logins -------------------------------------------------------------------------------- */

static CoreVerdict key_login(Fixture *f, const char *user, const char *service) {
        Talk talk = talk_new(f, 1, 0);

        return talk_authorize(&talk, user, service);
}

static void a_login_needs_its_service(void **state) {
        Fixture *f = *state;

        make_user(f, "alice");
        must_be(key_login(f, "alice", "cron"), CORE_VERDICT_ALLOW);
        must(role_add(f, "ssh-only", .permit = "login.sshd"));
        must(grant(f, "ssh-only", "alice"));
        must_be(key_login(f, "alice", "cron"), CORE_VERDICT_ALLOW); /* self-service is there too */
        must(revoke(f, "self-service", "alice"));
        must_be(key_login(f, "alice", "cron"), CORE_VERDICT_DENIED);
        must_be(key_login(f, "alice", "sshd"), CORE_VERDICT_ALLOW);
        must(role_set(f, "ssh-only", .permit = "+login.cron"));
        must_be(key_login(f, "alice", "cron"), CORE_VERDICT_ALLOW);
        must(role_set(f, "ssh-only", .deny = "login.cron"));
        must_be(key_login(f, "alice", "cron"), CORE_VERDICT_DENIED);
}

static void a_login_needs_it_here_and_now(void **state) {
        Fixture *f = *state;

        must(tenant_add(f, "acme"));
        make_person(f, "alice");
        must(revoke(f, "self-service", "alice"));
        must_be(key_login(f, "alice", "cron"), CORE_VERDICT_DENIED);
        must(grant_at(f, "member", "alice", "acme")); /* another host's */
        must_be(key_login(f, "alice", "cron"), CORE_VERDICT_DENIED);
        must(grant_until(f, "member", "alice", f->now + HOUR, f->now + 2 * HOUR));
        must_be(key_login(f, "alice", "cron"), CORE_VERDICT_DENIED);
        fixture_pass(f, HOUR);
        must_be(key_login(f, "alice", "cron"), CORE_VERDICT_ALLOW);
        update_text(f, "alice", USER_FIELD_EMAIL, ""); /* what member requires */
        must_be(key_login(f, "alice", "cron"), CORE_VERDICT_DENIED);
        update_text(f, "alice", USER_FIELD_EMAIL, "a@example.org");
        must_be(key_login(f, "alice", "cron"), CORE_VERDICT_ALLOW);
        fixture_pass(f, HOUR);
        must_be(key_login(f, "alice", "cron"), CORE_VERDICT_DENIED);
        must(grant_at(f, "member", "alice", "all"));
        must_be(key_login(f, "alice", "cron"), CORE_VERDICT_ALLOW);
}

/* ---- where a right comes from -------------------------------------------------------------- */

static void path_line(void *userdata, const CoreRightPath *path) {
        base_text_addf(userdata, "%s%s by %s at %s: %s%s\n", path->denies ? "-" : "",
                       path->permission, path->roles, path->tenant, path->state, path->attribute);
}

static void why_line(void *userdata, const CoreWhy *why) {
        Text *text = userdata;

        base_text_addf(text, "%s at %s;", why->answer, why->tenant);
        for (size_t i = 0; why->roles[i]; i++)
                base_text_addf(text, " %s", why->roles[i]);
}

static const char *why(Fixture *f, const char *user, const char *permission) {
        static char buf[4096];
        Text text;

        base_text_init(&text, buf, sizeof(buf));
        f->error = (CoreError){ 0 };
        return core_access_why(f->core, &f->root, user, permission, NULL, f->now, path_line,
                               why_line, &text, &f->error) == 0
                       ? buf
                       : NULL;
}

static void each_way_to_a_right_is_told(void **state) {
        Fixture *f = *state;

        make_person(f, "alice");
        must(role_add(f, "lead", .inherit = "technician"));
        must(role_add(f, "no-reset", .deny = "user.password.*"));
        assert_string_equal(why(f, "alice", "user.password.reset"),
                            "missing at local; owner admin tenant-admin security it-admin "
                            "technician lead");
        must(grant(f, "lead", "alice"));
        assert_string_equal(why(f, "alice", "user.password.reset"),
                            "user.password.reset by lead > technician at local: counts\n"
                            "held at local; owner admin tenant-admin security it-admin technician "
                            "lead");
        must(grant(f, "no-reset", "alice"));
        assert_string_equal(why(f, "alice", "user.password.reset"),
                            "user.password.reset by lead > technician at local: counts\n"
                            "-user.password.reset by no-reset at local: counts\n"
                            "denied at local; owner admin tenant-admin security it-admin "
                            "technician lead");
        update_text(f, "alice", USER_FIELD_EMAIL, "");
        must(revoke(f, "no-reset", "alice"));
        assert_string_equal(why(f, "alice", "user.password.reset"),
                            "user.password.reset by lead > technician at local: needs-email\n"
                            "missing at local; owner admin tenant-admin security it-admin "
                            "technician lead");
        assert_null(why(f, "alice", "user.passwort.reset"));
        assert_non_null(strstr(f->error.text, "user.password.reset"));
}

/* Whoever may do nothing has what he has, and may not. */
static void what_an_account_may_not_do_is_told(void **state) {
        Fixture *f = *state;

        make_user(f, "alice");
        step_user(f, "alice", STATUS_STEP_DISABLE);
        assert_non_null(strstr(why(f, "alice", "self.key.edit"), "\naccount at local;"));
        assert_null(strstr(why(f, "alice", "user.view"), "account at"));
}

static void what_somebody_may_is_told_with_the_way(void **state) {
        Fixture *f = *state;
        char buf[8192];
        Text text;

        make_user(f, "alice");
        base_text_init(&text, buf, sizeof(buf));
        must(core_role_effective(f->core, &f->root, "alice", NULL, f->now, path_line, &text,
                                 &f->error));
        assert_non_null(strstr(buf, "self.password.change by self-service at local: counts\n"));
        assert_non_null(strstr(buf, "login.* by self-service at local: counts\n"));
        assert_null(strstr(buf, "user.view"));
}

static void conflicts_line(void *userdata, const CoreConflicts *conflicts) {
        for (size_t i = 0; i < conflicts->count; i++)
                base_text_addf(userdata, "%s: %s\n", conflicts->user, conflicts->list[i]);
}

static const char *conflicts(Fixture *f) {
        static char buf[2048];
        char cursor[64];
        Text text;

        base_text_init(&text, buf, sizeof(buf));
        must(core_role_conflicts(f->core, &f->root, "", "", 100, f->now, conflicts_line, &text,
                                 cursor, &f->error));
        return buf;
}

/* Since before they conflicted; by whatever they inherit; as long as both last, where they meet. */
static void roles_that_meet_and_must_not_are_reported(void **state) {
        Fixture *f = *state;

        make_person(f, "alice");
        make_person(f, "bob");
        must(tenant_add(f, "acme"));
        must(role_add(f, "approver", .permit = "request.approve"));
        must(role_add(f, "payer", .permit = "billing.view"));
        must(role_add(f, "lead", .inherit = "payer"));
        must(grant(f, "approver", "alice"));
        must(grant_until(f, "lead", "alice", 0, f->now + DAY));
        must(grant_at(f, "approver", "bob", "acme"));
        must(grant_at(f, "payer", "bob", "local"));
        assert_string_equal(conflicts(f), "");
        must(role_set(f, "payer", .conflict = "approver"));
        assert_non_null(strstr(conflicts(f), "alice: approver at local and lead > payer at local "
                                             "until "));
        assert_null(strstr(conflicts(f), "bob"));
        f->now += DAY;
        assert_string_equal(conflicts(f), "");
}

static void holders_come_by_the_page(void **state) {
        Fixture *f = *state;
        char buf[1024], cursor[64] = "";
        Text text;

        for (int i = 0; i < 5; i++) {
                char name[8];

                snprintf(name, sizeof(name), "u%d", i);
                make_person(f, name);
                must(grant(f, "viewer", name));
        }
        step_user(f, "u1", STATUS_STEP_DELETE);
        base_text_init(&text, buf, sizeof(buf));
        must(core_grant_holders(f->core, &f->root, "viewer", cursor, 3, f->now, grant_line, &text,
                                cursor, &f->error));
        assert_string_equal(buf, "u0:viewer@local counts\nu2:viewer@local counts\n");
        must(core_grant_holders(f->core, &f->root, "viewer", cursor, 3, f->now, grant_line, &text,
                                cursor, &f->error));
        assert_non_null(strstr(buf, "u4:viewer@local counts\n"));
        assert_string_equal(cursor, "");
        must_be(core_grant_holders(f->core, &f->root, "viewer", "x", 3, f->now, grant_line, &text,
                                   cursor, &f->error),
                CORE_E_BAD_VALUE);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        static const struct CMUnitTest tests[] = {
                STORY(a_grant_is_written_once_and_is_on_record),
                STORY(what_is_against_it_is_named),
                STORY(what_denies_is_given_back_by_who_has_it),
                STORY(nobody_sets_what_he_is),
                STORY(roles_that_conflict_never_meet),
                STORY(nobody_grants_above_himself),
                STORY(the_last_owner_stays_by_every_path),
                STORY(each_tenant_keeps_its_own),
                STORY(the_first_owner_has_no_end),
                STORY(an_owner_is_touched_by_himself_and_root_alone),
                STORY(a_login_needs_its_service),
                STORY(a_login_needs_it_here_and_now),
                STORY(each_way_to_a_right_is_told),
                STORY(what_an_account_may_not_do_is_told),
                STORY(what_somebody_may_is_told_with_the_way),
                STORY(roles_that_meet_and_must_not_are_reported),
                STORY(holders_come_by_the_page),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
