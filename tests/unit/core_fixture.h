/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A core over a real store in a directory of its own, with a host, a vault and a helper that do as
 * they are told. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "umd/core/core.h"
#include "umd/store/store.h"

#define NOW   ((uint64_t)1785574800 * USEC_PER_SEC) /* 2026-08-01T09:00:00Z */
#define HOUR  (3600 * USEC_PER_SEC)
#define DAY   (24 * HOUR)
#define FIRST 65536U

#define must(r)        assert_int_equal((r), 0)
#define must_be(r, to) assert_int_equal((r), (int)(to))

typedef struct VaultJob {
        bool spend, verify, import, compare;
        bool seed, otp, code_hash, code_verify, nothing;
        CoreOtp window;
        CoreSeedDone seed_done;
        CoreMatchDone match_done;
        uid_t uid;
        CoreFrom from;
        uint32_t kind;
        uint64_t version, new_version;
        char secret[BASE_SECRET_MAX];
        size_t secret_len;
        uint8_t verifier[2048];
        size_t len;
        CoreVaultDone done;
        void *userdata;
} VaultJob;

/* A new password that um-quality was asked about. */
typedef struct QualityQuestion {
        char password[BASE_SECRET_MAX + 1], old[BASE_SECRET_MAX + 1];
        char name[BASE_NAME_MAX + 1], full_name[BASE_GECOS_MAX + 1], email[BASE_EMAIL_MAX + 1];
        CoreQualityRules rules;
        CoreQualityDone done;
        void *userdata;
} QualityQuestion;

/* Of a user, or (NULL) of the company. */
#define POLICY_OF(user)                                                                            \
        ((CorePolicyPlace){ (user) ? POLICY_LEVEL_USER : POLICY_LEVEL_COMPANY, (user) })

typedef struct Fixture {
        char dir[64];
        Core *core;
        CoreError error;
        CoreChange change;
        uint64_t now, boottime;
        uint8_t boot_id[CORE_BOOT_ID_BYTES];
        uint64_t wake_at; /* core wants to be woken; USEC_INFINITY: it does not */
        size_t lockouts;  /* told to the host, and the last one */
        char lockout[256];
        uint64_t lockout_until;
        bool charges_wait; /* a charge is not flushed by itself */
        bool answers_wait; /* a late answer is not waited for */
        CoreSettings settings;
        CoreOptions options;
        Actor root;
        /* the host */
        const char *held_user, *held_group;
        uint32_t held_id;
        const char *held_home;
        struct {
                const char *name;
                gid_t gid;
        } host_groups[8]; /* of /etc/group */
        size_t host_group_count;
        size_t flushes_called, flushes_called_later;
        /* the vault */
        VaultJob *jobs[256];
        size_t job_count, spent, verified, compared, guessed;
        VaultJob guess;             /* the last one at a code */
        CoreFrom compared_from;     /* of the last comparison */
        CoreProofResult vault_says; /* CORE_PROOF_MATCH: the truth */
        bool vault_old;             /* a match brings a better verifier */
        bool vault_gone;            /* takes no call */
        /* um-quality: it refuses what is the old one or the name, and as said here */
        QualityQuestion *questions[16];
        size_t question_count;
        QualityQuestion asked; /* the last one */
        CoreQualityAnswer quality_says;
        bool quality_gone;   /* takes no call */
        bool quality_silent; /* does not answer */
        /* mail; the last one, as "to full_name user service source", and its code */
        bool mail_gone;
        bool sshd_verifies; /* lets in no security key that has not verified its user */
        const char *program_unsafe, *program_real; /* why, and what it leads to; NULL: itself */
        size_t mails;
        char mail[512], mailed[16];
        char notices[2048]; /* told to the host's log, a line each */
        /* the helper */
        CoreHomeResult home;
        bool helper_waits;
        CoreHelperDone home_done;
        void *home_userdata;
        size_t homes_made;
        uid_t sessions_ended_uid, sessions_warned_uid; /* the last one */
        /* what listeners were told, a line each */
        char news[8192];
        size_t flushes;
        /* what a done callback of a password verb got */
        int result;
        size_t results;
        char code[32];
} Fixture;

int fixture_setup(void **state);
int fixture_teardown(void **state);
void fixture_open(Fixture *f);
void fixture_reopen(Fixture *f);
/* Lets um-quality answer everything it was asked; the two below do it first. */
void fixture_quality(Fixture *f);
/* Lets the vault answer everything it was asked, until nothing is left. */
void fixture_vault(Fixture *f);
void fixture_vault_one(Fixture *f);
void fixture_vault_end(Fixture *f); /* what was not answered is a fault */
void fixture_vault_operations(Fixture *f, CoreVault *ret);
/* The code that the vault here makes of the seed it made as this version, at this step. */
const char *code_at(uint64_t version, uint64_t step);
uint64_t step_now(const Fixture *f); /* of 30 s */
/* Sets a policy value for the company, or for a user. */
void policy_put(Fixture *f, const char *name, const char *value, const char *user);
/* Lets both clocks go on. */
void fixture_pass(Fixture *f, uint64_t usec);
void fixture_wake(Fixture *f);
/* Flushes; the news since then stand in f->news. */
void fixture_flush(Fixture *f);

/* Verbs as root, now; they must work. */
uid_t make_user(Fixture *f, const char *name);
gid_t make_group(Fixture *f, const char *name);
void add_user(Fixture *f, const char *group, const char *user);
void add_group(Fixture *f, const char *group, const char *nested);
void set_password(Fixture *f, const char *name, const char *password);
void make_code(Fixture *f, const char *name); /* into f->code */
void step_user(Fixture *f, const char *name, StatusStep step);
void update_text(Fixture *f, const char *name, UserField field, const char *value);
int try_nest(Fixture *f, const char *group, const char *nested);
/* "web,ops": the groups a user is shown with. */
const char *groups_of(Fixture *f, const char *name);
const char *effective_of(Fixture *f, const char *group);
UserStatus status_of(Fixture *f, const char *name);
uint64_t last_audit(Fixture *f);
/* "authenticate deny bad-proof user/alice" of the newest entry (0), the one before (1), ... */
const char *audit_line(Fixture *f, uint64_t back);
CoreSettings shipped_settings(void);

/* ---- logins ------------------------------------------------------------------------------- */

/* One connection that logs in: what it was given, as text. */
typedef struct Talk {
        Fixture *f;
        CorePeer peer;
        char login[40];
        CoreStep step;
        char session[32];
        int r;
        size_t answers; /* done callbacks */
        CoreError error;
        char record[8192];                     /* every step, byte for byte */
        const char *service;                   /* NULL: sshd, where a fixture begins it */
        const char *rhost, *ruser, *auth_info; /* NULL: as talk_context() has them */
} Talk;

Talk talk_new(Fixture *f, uint64_t connection, uid_t uid);
CoreLoginContext talk_context(const char *operation, const char *user, const char *service,
                              uint32_t flags);
void talk_begin(Talk *talk, const char *operation, const char *user, const char *service,
                uint32_t flags);
/* Lets the time pass until a late answer is there. */
void talk_wait(Talk *talk);
/* Answers; the vault works until the step is there, and the time passes if it is late. */
void talk_answer(Talk *talk, const char *text);
void talk_answer_bytes(Talk *talk, const void *bytes, size_t len);
/* Answers and leaves the vault waiting. */
void talk_answer_only(Talk *talk, const char *text);
CoreVerdict talk_authorize(Talk *talk, const char *user, const char *service);
CoreVerdict talk_open(Talk *talk, const char *user, const char *service);
/* The same with answers_wait; how late the answer was. */
CoreVerdict log_in_late(Talk *talk, const char *user, const char *password, uint64_t *ret_due);
/* A whole authentication; its verdict. */
CoreVerdict log_in(Talk *talk, const char *user, const char *password);
