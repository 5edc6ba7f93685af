/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When sudo is told anew.
 *
 * Core renders the lines, this puts them beside the map, and um-helper, which is root, checks and
 * installs them.  It is asked where they are others than the last that are in place, so that a
 * flush which has nothing to do with sudo costs a look at a stamp.  At the start it is always
 * asked: who knows what was done to the file meanwhile.
 *
 * A reply does not wait for it.  Lines say when they end, so an end that umd sleeps through is
 * kept; where the lines cannot be rendered, nobody has one. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/base.h"
#include "um_helper/um_helper.h"
#include "umd/umd.h"

#define CHANGED_MAX 64U                 /* users; of more nobody asks who they are */
#define RETRY_USEC  (20 * USEC_PER_SEC) /* boottime */
#define BESIDE      HELPER_SUDOERS_FILE ".new"

_Static_assert(CORE_SUDOERS_MAX + sizeof(HELPER_SUDOERS_HEAD) <= HELPER_SUDOERS_MAX,
               "the helper takes what core writes");

struct Sudoers {
        SudoersSpec spec;
        CoreSudoers lines;    /* the last that were rendered */
        char *installed;      /* the last that are in place; NULL: unknown */
        char *asked;          /* those the helper is asked for; NULL: none */
        bool due;             /* they may be others, and nobody needs to look who changed */
        bool again;           /* the helper is to be asked once it has answered */
        int render_fault;     /* nobody has a line because of it */
        SudoersResult result; /* of the last time */
        int fault;
        uint64_t retry_usec; /* boottime; 0: not wanted */
        uint32_t changed[CHANGED_MAX];
        size_t changed_count;
        sd_event_source *timer;
};

/* ---- what is told ---------------------------------------------------------------------------- */

static const char *result_text(const Sudoers *sudoers) {
        switch (sudoers->result) {
        case SUDOERS_INSTALLED:
        case SUDOERS_OFF:
                return NULL;
        case SUDOERS_NO_SUDO:
                return sudoers->lines.text && sudoers->lines.text[0]
                               ? "sudo is not installed: roles that permit its commands give none"
                               : NULL;
        case SUDOERS_FOREIGN:
                return "/etc/sudoers.d/50-um is not um's: it stays as it is, and no role gives a "
                       "command of sudo; move it away";
        case SUDOERS_REFUSED:
                return "visudo or um-helper refuses the lines of sudoers: the last ones stay";
        case SUDOERS_FAULT:
        case _SUDOERS_RESULT_MAX:
                break;
        }
        return sudoers->fault == -EROFS
                       ? "um-helper may not write to /etc/sudoers.d, which came after it: "
                         "systemctl "
                         "restart um-helper.service"
                       : "um-helper did not install the lines of sudoers: the last ones stay";
}

void sudoers_problem(const Sudoers *sudoers, char *ret, size_t size) {
        const char *text = sudoers ? result_text(sudoers) : NULL;

        if (sudoers && sudoers->render_fault < 0)
                text = sudoers->render_fault == -E2BIG
                               ? "the lines of sudoers are too many: nobody has any"
                               : "the lines of sudoers cannot be made: nobody has any";
        snprintf(ret, size, "%s", text ? text : "");
}

/* Once for each thing that comes or goes. */
static void trouble_tell(const Sudoers *sudoers, const char *before) {
        char now[SUDOERS_PROBLEM_BYTES];
        int fault = sudoers->render_fault < 0 ? sudoers->render_fault : sudoers->fault;

        sudoers_problem(sudoers, now, sizeof(now));
        if (strcmp(before, now) == 0)
                return;
        if (now[0])
                log_write(sudoers->spec.log,
                          &(LogRecord){ .priority = LOG_ERR,
                                        .message = MESSAGE_SUDOERS_FAILED,
                                        .fault = fault },
                          "%s", now);
        else
                log_write(sudoers->spec.log,
                          &(LogRecord){ .priority = LOG_NOTICE, .message = MESSAGE_SUDOERS_BACK },
                          "the lines of sudoers are in place again");
}

/* ---- asking the helper ----------------------------------------------------------------------- */

static void helper_ask(Sudoers *sudoers);

static void retry_want(Sudoers *sudoers) {
        sudoers->retry_usec = base_boottime_usec() + RETRY_USEC;
}

static void asked_answered(void *userdata, SudoersResult result, int fault) {
        Sudoers *sudoers = userdata;
        char before[SUDOERS_PROBLEM_BYTES];

        sudoers_problem(sudoers, before, sizeof(before));
        free(sudoers->installed);
        sudoers->installed = TAKE(sudoers->asked);
        sudoers->result = result;
        sudoers->fault = result == SUDOERS_FAULT ? fault : 0;
        if (result != SUDOERS_INSTALLED && result != SUDOERS_OFF) {
                free(TAKE(sudoers->installed));
                retry_want(sudoers);
        }
        trouble_tell(sudoers, before);
        if (sudoers->again)
                helper_ask(sudoers);
}

static int text_write(int fd, const char *text) {
        for (size_t left = strlen(text); left > 0;) {
                ssize_t n = write(fd, text, left);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                text += n;
                left -= (size_t)n;
        }
        return 0;
}

/* Made beside it and renamed: the helper never reads half of it.  Not durable: it is written anew
 * at each start. */
static int file_write(int dir_fd, const char *lines) {
        _cleanup_close_ int fd = -1;
        int r;

        if (unlinkat(dir_fd, BESIDE, 0) < 0 && errno != ENOENT)
                return -errno;
        fd = openat(dir_fd, BESIDE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        r = text_write(fd, HELPER_SUDOERS_HEAD);
        if (r == 0)
                r = text_write(fd, lines);
        if (r == 0 && renameat(dir_fd, BESIDE, dir_fd, HELPER_SUDOERS_FILE) < 0)
                r = -errno;
        return r;
}

static void helper_ask(Sudoers *sudoers) {
        const char *lines = sudoers->lines.text ? sudoers->lines.text : "";
        char before[SUDOERS_PROBLEM_BYTES];
        int r;

        sudoers->again = sudoers->asked != NULL;
        if (sudoers->again)
                return;
        sudoers->asked = strdup(lines);
        r = sudoers->asked ? file_write(sudoers->spec.dir_fd, lines) : -ENOMEM;
        if (r == 0)
                r = helper_client_install_sudoers(sudoers->spec.helper, asked_answered, sudoers);
        if (r == 0)
                return;
        sudoers_problem(sudoers, before, sizeof(before));
        free(TAKE(sudoers->asked));
        sudoers->result = SUDOERS_FAULT;
        sudoers->fault = r;
        retry_want(sudoers);
        trouble_tell(sudoers, before);
}

/* ---- rendering ------------------------------------------------------------------------------- */

static bool is_hosts_own(void *userdata, const char *name, uint32_t uid) {
        const Host *host = userdata;

        return host_holds_name(host, name) || host_holds_id(host, uid);
}

static void timer_arm(Sudoers *sudoers) {
        if (sudoers->lines.next_usec == USEC_INFINITY || sudoers->lines.next_usec == 0) {
                (void)sd_event_source_set_enabled(sudoers->timer, SD_EVENT_OFF);
                return;
        }
        (void)sd_event_source_set_time(sudoers->timer, sudoers->lines.next_usec);
        (void)sd_event_source_set_enabled(sudoers->timer, SD_EVENT_ONESHOT);
}

/* Nobody has a line where it cannot be told who has. */
static void render(Sudoers *sudoers, uint64_t now_usec) {
        char before[SUDOERS_PROBLEM_BYTES];
        CoreSudoers lines = { 0 };
        int r = core_sudoers_render(sudoers->spec.core, is_hosts_own,
                                    (void *)(uintptr_t)sudoers->spec.host, now_usec, &lines);

        sudoers_problem(sudoers, before, sizeof(before));
        core_sudoers_done(&sudoers->lines);
        sudoers->lines = lines;
        sudoers->render_fault = r < 0 ? r : 0;
        sudoers->due = false;
        sudoers->changed_count = 0;
        if (r < 0)
                retry_want(sudoers);
        trouble_tell(sudoers, before);
        timer_arm(sudoers);
}

static bool is_in_place(const Sudoers *sudoers) {
        const char *lines = sudoers->lines.text ? sudoers->lines.text : "",
                   *last = sudoers->asked ? sudoers->asked : sudoers->installed;

        return last && strcmp(last, lines) == 0;
}

void sudoers_run(Sudoers *sudoers, uint64_t now_usec) {
        if (!sudoers)
                return;
        if (!sudoers->due && !core_sudoers_differ(sudoers->spec.core, &sudoers->lines,
                                                  sudoers->changed, sudoers->changed_count)) {
                sudoers->changed_count = 0;
                return;
        }
        render(sudoers, now_usec);
        if (!is_in_place(sudoers) || sudoers->again)
                helper_ask(sudoers);
}

void sudoers_tick(Sudoers *sudoers, uint64_t now_usec) {
        if (sudoers->retry_usec == 0 || base_boottime_usec() < sudoers->retry_usec)
                return;
        sudoers->retry_usec = 0;
        render(sudoers, now_usec);
        helper_ask(sudoers);
}

static int timer_fired(sd_event_source *source, uint64_t usec, void *userdata) {
        Sudoers *sudoers = userdata;

        sudoers->due = true;
        sudoers_run(sudoers, base_realtime_usec());
        return 0;
}

/* ---- news ------------------------------------------------------------------------------------ */

static void user_changed(void *userdata, CoreObject object, CoreNews news, uint32_t id,
                         const char *name, const char *old_name) {
        Sudoers *sudoers = userdata;

        if (object != CORE_OBJECT_USER)
                return;
        if (sudoers->changed_count == CHANGED_MAX)
                sudoers->due = true;
        else
                sudoers->changed[sudoers->changed_count++] = id;
}

static void anybody_changed(void *userdata) {
        Sudoers *sudoers = userdata;

        sudoers->due = true;
}

void sudoers_host_changed(Sudoers *sudoers) {
        sudoers->due = true;
}

/* ---- a life ---------------------------------------------------------------------------------- */

int sudoers_new(const SudoersSpec *spec, Sudoers **ret) {
        _cleanup_(sudoers_freep) Sudoers *sudoers = calloc(1, sizeof(*sudoers));
        CoreListener listener = { .changed = user_changed, .everybody = anybody_changed };
        int r;

        if (!sudoers)
                return -ENOMEM;
        sudoers->spec = *spec;
        sudoers->result = SUDOERS_OFF;
        sudoers->due = true;
        r = sd_event_add_time(spec->event, &sudoers->timer, CLOCK_REALTIME, 0, 10 * USEC_PER_MSEC,
                              timer_fired, sudoers);
        if (r >= 0)
                r = sd_event_source_set_enabled(sudoers->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        listener.userdata = sudoers;
        core_add_listener(spec->core, &listener);
        *ret = TAKE(sudoers);
        return 0;
}

Sudoers *sudoers_free(Sudoers *sudoers) {
        if (!sudoers)
                return NULL;
        core_sudoers_done(&sudoers->lines);
        free(sudoers->installed);
        free(sudoers->asked);
        sd_event_source_disable_unref(sudoers->timer);
        free(sudoers);
        return NULL;
}
