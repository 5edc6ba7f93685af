/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pam_um, called by the real libpam, with calls that fail.  A stand-in for umd records what it
 * allowed; a phase may succeed only if umd allowed it within that very call.  Never PAM_IGNORE;
 * "unknown" only for who is another source's.  Where nothing failed, the code is the right one.
 *
 *   wrap_login MODULE RUNS SEED     in a mount namespace whose /run is fresh
 *
 * RUNS calls of the module with one call in 400 (every other story: in 20) failing, after a sweep
 * in which every call of every story fails alone.  Prints what is wrong, then a line of figures. */

#include <assert.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <security/pam_appl.h>

#include "base/base.h"
#include "tests/wrap/standin.h"
#include "tests/wrap/wrap_pam.h"

#define BUS          "/run/um/bus"
#define STACKS       "/run/pam.d"
#define RATE         2500U
#define WRONG_MAX    20U
#define WORDS_MAX    8U
#define NEW_PASSWORD "fresh"

typedef enum Word {
        WORD_END,
        WORD_AUTHENTICATE,
        WORD_SETCRED,
        WORD_ACCOUNT,
        WORD_CHANGE,
        WORD_CHANGE_EXPIRED,
        WORD_OPEN,
        WORD_CLOSE,
        WORD_DELCRED,
        _WORD_MAX,
} Word;

/* What programs do: log in, come by key, passwd, be made to change, sudo. */
static const Word tales[][WORDS_MAX] = {
        { WORD_AUTHENTICATE, WORD_ACCOUNT, WORD_SETCRED, WORD_OPEN, WORD_CLOSE, WORD_DELCRED },
        { WORD_ACCOUNT, WORD_OPEN, WORD_CLOSE },
        { WORD_CHANGE },
        { WORD_AUTHENTICATE, WORD_ACCOUNT, WORD_CHANGE_EXPIRED, WORD_ACCOUNT, WORD_OPEN },
        { WORD_AUTHENTICATE, WORD_AUTHENTICATE, WORD_ACCOUNT, WORD_SETCRED, WORD_OPEN, WORD_CLOSE },
};

static const char *const users[] = { "alice", "bob",  "carol",   "dave",
                                     "eve",   "root", "mallory", "Not-A-Name" };
static const char *const services[] = { "um", "um-try", "um-debug", "um-quiet" };

typedef struct Story {
        const char *user, *service, *password;
        size_t tale;
} Story;

static struct {
        Story story;
        WrapPlan plan;
        const volatile StandinTally *tally;
        StandinTally before;
        uint64_t entries_failed; /* failures so far in this story */
        uint64_t runs, failures, wrong;
        size_t ways;              /* of what failed last */
        unsigned phase_at, phase; /* of the story; the one the plan is for */
        size_t (*places)(void);
} test;

/* ---- the oracle ------------------------------------------------------------------------------ */

static void wrong(WrapPhase phase, const WrapTally *tally, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
static void wrong(WrapPhase phase, const WrapTally *tally, const char *format, ...) {
        static const char *const names[_WRAP_PHASE_MAX] = {
                "authenticate", "setcred",      "acct_mgmt",    "chauthtok (preliminary)",
                "chauthtok",    "open_session", "close_session"
        };
        va_list ap;

        if (test.wrong++ >= WRONG_MAX)
                return;
        printf("WRONG %s of %s (%s, %s, tale %zu, phase %u) after %s failed (seed %llu, nth %llu, "
               "way %u): ",
               names[phase], test.story.user, test.story.service, test.story.password,
               test.story.tale, test.phase_at, tally->last, (unsigned long long)test.plan.seed,
               (unsigned long long)test.plan.nth, test.plan.way);
        va_start(ap, format);
        vprintf(format, ap);
        va_end(ap);
        putchar('\n');
}

static bool user_is(const char *name) {
        return strcmp(test.story.user, name) == 0;
}

static bool user_is_local(void) {
        return user_is("root") || user_is("Not-A-Name");
}

static bool password_right(void) {
        return strcmp(test.story.password, STANDIN_PASSWORD) == 0;
}

/* What umd allowed since the phase began. */
static bool allowed(WrapPhase phase) {
        const volatile StandinTally *now = test.tally;

        switch (phase) {
        case WRAP_AUTHENTICATE:
                return now->proofs > test.before.proofs && password_right();
        case WRAP_ACCOUNT:
                return now->accounts > test.before.accounts;
        case WRAP_PRELIMINARY:
                return now->begins > test.before.begins;
        case WRAP_CHANGE:
                return now->changes > test.before.changes && password_right();
        case WRAP_OPEN:
                return now->sessions > test.before.sessions;
        case WRAP_SETCRED: /* nothing to hand out: umd is not asked */
        case WRAP_CLOSE:
        case _WRAP_PHASE_MAX:
                break;
        }
        return true;
}

/* Where no call failed in the whole story; -1: it does not matter. */
static int code_expected(WrapPhase phase) {
        bool proves = password_right() && !user_is("dave");

        if (user_is_local())
                return PAM_USER_UNKNOWN;
        switch (phase) {
        case WRAP_AUTHENTICATE:
                return user_is("mallory") ? PAM_USER_UNKNOWN : proves ? PAM_SUCCESS : PAM_AUTH_ERR;
        case WRAP_ACCOUNT:
                return user_is("alice")     ? PAM_SUCCESS
                       : user_is("carol")   ? PAM_NEW_AUTHTOK_REQD
                       : user_is("eve")     ? PAM_ACCT_EXPIRED
                       : user_is("mallory") ? PAM_USER_UNKNOWN
                                            : PAM_PERM_DENIED;
        case WRAP_PRELIMINARY:
                return user_is("mallory") ? PAM_USER_UNKNOWN : PAM_SUCCESS;
        case WRAP_CHANGE:
                return user_is("mallory") ? PAM_USER_UNKNOWN : proves ? PAM_SUCCESS : PAM_AUTH_ERR;
        case WRAP_OPEN:
                return user_is("alice") ? PAM_SUCCESS : -1;
        case WRAP_SETCRED:
        case WRAP_CLOSE:
        case _WRAP_PHASE_MAX:
                break;
        }
        return -1;
}

static void code_check(WrapPhase phase, int code, const WrapTally *tally) {
        int expected = test.entries_failed == 0 ? code_expected(phase) : -1;
        bool foreign = test.tally->foreign > test.before.foreign;

        if (code == PAM_IGNORE)
                wrong(phase, tally, "PAM_IGNORE");
        if (code == PAM_SUCCESS && (user_is_local() || !allowed(phase)))
                wrong(phase, tally, "success that umd did not allow");
        if (code == PAM_NEW_AUTHTOK_REQD &&
            (phase != WRAP_ACCOUNT || test.tally->renewals == test.before.renewals))
                wrong(phase, tally, "a new password is due, and umd did not say so");
        if (code == PAM_USER_UNKNOWN && !user_is_local() && !foreign &&
            (phase != WRAP_SETCRED || !user_is("mallory")))
                wrong(phase, tally, "a user of um is unknown");
        if (expected >= 0 && code != expected)
                wrong(phase, tally, "code %d, not %d, though nothing failed", code, expected);
        if (code < 0 || code >= 32)
                wrong(phase, tally, "code %d", code);
}

static const WrapPlan *plan_next(void) {
        static const WrapPlan nothing;

        test.before = *(const StandinTally *)(uintptr_t)test.tally;
        if (test.plan.nth > 0 && test.phase_at != test.phase)
                return &nothing;
        test.plan.seed += test.plan.nth == 0;
        return &test.plan;
}

static void entry_done(WrapPhase phase, int code, const WrapTally *tally) {
        test.entries_failed += tally->failures;
        test.failures += tally->failures;
        test.ways = tally->failures > 0 ? tally->ways : test.ways;
        test.runs++;
        code_check(phase, code, tally);
        test.phase_at++;
}

/* ---- the application ------------------------------------------------------------------------- */

static int converse(int count, const struct pam_message **messages, struct pam_response **ret,
                    void *data) {
        struct pam_response *responses = calloc((size_t)count, sizeof(*responses));

        assert(responses);
        for (int i = 0; i < count; i++)
                if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF)
                        responses[i].resp = strdup(strcmp(messages[i]->msg, "Password: ") == 0
                                                           ? test.story.password
                                                           : NEW_PASSWORD);
        *ret = responses;
        return PAM_SUCCESS;
}

static void no_delay(int status, unsigned usec, void *data) {
}

static void word_run(pam_handle_t *handle, Word word) {
        switch (word) {
        case WORD_AUTHENTICATE:
                (void)pam_authenticate(handle, 0);
                break;
        case WORD_SETCRED:
                (void)pam_setcred(handle, PAM_ESTABLISH_CRED);
                break;
        case WORD_ACCOUNT:
                (void)pam_acct_mgmt(handle, 0);
                break;
        case WORD_CHANGE:
                (void)pam_chauthtok(handle, 0);
                break;
        case WORD_CHANGE_EXPIRED:
                (void)pam_chauthtok(handle, PAM_CHANGE_EXPIRED_AUTHTOK);
                break;
        case WORD_OPEN:
                (void)pam_open_session(handle, 0);
                if (test.entries_failed == 0 && pam_getenv(handle, "UM_LOGIN_ID")) {
                        printf("WRONG: the login's id is left in the session's environment\n");
                        test.wrong++;
                }
                break;
        case WORD_CLOSE:
                (void)pam_close_session(handle, 0);
                break;
        case WORD_DELCRED:
                (void)pam_setcred(handle, PAM_DELETE_CRED);
                break;
        case WORD_END:
        case _WORD_MAX:
                break;
        }
}

static unsigned descriptor_count(void) {
        unsigned count = 0;

        for (int fd = 0; fd < 32; fd++)
                count += fcntl(fd, F_GETFD) >= 0;
        return count;
}

static void story_run(void) {
        void (*delay)(int, unsigned, void *) = no_delay;
        const struct pam_conv conv = { .conv = converse };
        unsigned before = descriptor_count();
        pam_handle_t *handle = NULL;

        test.phase_at = 0;
        test.entries_failed = 0;
        assert(pam_start_confdir(test.story.service, test.story.user, &conv, STACKS, &handle) ==
               PAM_SUCCESS);
        pam_set_item(handle, PAM_FAIL_DELAY, (const void *)(uintptr_t)delay);
        pam_set_item(handle, PAM_RHOST, "192.0.2.7");
        pam_set_item(handle, PAM_TTY, "pts/7");
        for (const Word *word = tales[test.story.tale]; *word != WORD_END; word++)
                word_run(handle, *word);
        pam_end(handle, PAM_SUCCESS);
        if (descriptor_count() != before) {
                printf("WRONG: a descriptor of %s is left (tale %zu, seed %llu, nth %llu)\n",
                       test.story.user, test.story.tale, (unsigned long long)test.plan.seed,
                       (unsigned long long)test.plan.nth);
                test.wrong++;
        }
}

/* Each call of one phase of the story fails alone, in each of its ways. */
static void phase_sweep(void) {
        test.plan = (WrapPlan){ .nth = 1 };
        for (;;) {
                test.ways = 0;
                story_run();
                if (test.ways == 0)
                        return;
                if (++test.plan.way < test.ways)
                        continue;
                test.plan.way = 0;
                test.plan.nth++;
        }
}

static void sweep(void) {
        for (size_t tale = 0; tale < ARRAY_LENGTH(tales) - 1; tale++)
                for (unsigned who = 0; who < 4; who++) {
                        static const char *const some[] = { "alice", "carol", "mallory", "root" };

                        test.story = (Story){ .user = some[who],
                                              .service = services[who % ARRAY_LENGTH(services)],
                                              .password = STANDIN_PASSWORD,
                                              .tale = tale };
                        for (test.phase = 0; test.phase < 6; test.phase++)
                                phase_sweep();
                }
        test.plan = (WrapPlan){};
}

static void stack_write(const char *service, const char *module, const char *options) {
        static const char *const facilities[] = { "auth", "account", "password", "session" };
        char path[64];
        FILE *file;

        snprintf(path, sizeof(path), STACKS "/%s", service);
        file = fopen(path, "we");
        assert(file);
        for (size_t i = 0; i < ARRAY_LENGTH(facilities); i++)
                fprintf(file, "%s required %s %s\n", facilities[i], module, options);
        fclose(file);
}

static void world_make(const char *module, Standin *standin) {
        void *library = dlopen(module, RTLD_NOW), *set;
        void (*entries_set)(const WrapPlan *(*)(void), WrapReport *);

        (void)mkdir("/run/um", 0755);
        (void)mkdir("/run/um/map.d", 0755);
        (void)mkdir(STACKS, 0755);
        stack_write("um", module, "");
        stack_write("um-try", module, "try_first_pass");
        stack_write("um-debug", module, "debug");
        stack_write("um-quiet", module, "quiet no_such_option");
        stack_write("other", module, "");
        if (!library) {
                fprintf(stderr, "%s\n", dlerror());
                exit(2);
        }
        set = dlsym(library, "wrap_entries_set");
        memcpy(&entries_set, &set, sizeof(set));
        set = dlsym(library, "wrap_places");
        memcpy(&test.places, &set, sizeof(set));
        entries_set(plan_next, entry_done);
        standin_start(BUS, standin);
        test.tally = standin->tally;
}

int main(int argc, char **argv) {
        uint64_t runs, seed, random, swept;
        Standin standin;

        if (argc != 4 || base_parse_u64(argv[2], 1, UINT64_MAX, &runs) < 0 ||
            base_parse_u64(argv[3], 0, UINT64_MAX, &seed) < 0)
                return 2;
        setvbuf(stdout, NULL, _IOLBF, 0);
        world_make(argv[1], &standin);
        sweep();
        swept = test.runs;
        random = wrap_seed(seed);
        test.plan.seed = seed;
        for (uint64_t i = 0; test.runs - swept < runs; i++) {
                test.plan.per_million = i % 2 ? RATE : RATE * 20;
                test.story = (Story){
                        .user = users[wrap_random(&random) % ARRAY_LENGTH(users)],
                        .service = services[wrap_random(&random) % ARRAY_LENGTH(services)],
                        .password = wrap_random(&random) % 4 > 0 ? STANDIN_PASSWORD : "wrong",
                        .tale = wrap_random(&random) % ARRAY_LENGTH(tales),
                };
                story_run();
        }
        standin_stop(&standin);
        printf("%llu runs, %llu failed calls in %zu places, %llu wrong\n",
               (unsigned long long)test.runs, (unsigned long long)test.failures, test.places(),
               (unsigned long long)test.wrong);
        return test.wrong > 0;
}
