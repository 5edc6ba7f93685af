/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A PAM application for tests: runs the phases it is told, answers from a list, prints what
 * happened, and tells at the end whether the modules left the process as they found it.
 *
 *   app CONFDIR SERVICE USER WORD...
 *
 * Words before the first phase set it up, the others run in order:
 *   answer=TEXT   the next answer; TEXT may be @null @err @again @len:N @nul @user:NAME:TEXT
 *                 @slow:SECONDS:TEXT @errwith:TEXT
 *   times=N       the whole story N times, each in a handle of its own
 *   ruid=N  uid=N  close-stdio  reap  sigign  alarm  oom=N (all of one phase's Nth allocation
 * fails)  oom auth acct setcred delcred open close passwd passwd-expired [+silent] user=NAME
 * ruser=NAME rhost=NAME tty=NAME service=NAME putenv=A=B env fds exec rss   print PAM's
 * environment, whether stdio is closed, what a shell would inherit, the memory in use (KiB)
 *   fork euid=N reuse-fds await-hangup   go on in a child, as another, with each descriptor
 * somebody else's, when a socket's other end is gone
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <syslog.h>
#include <unistd.h>

#include <security/pam_appl.h>

#define ANSWERS_MAX 256

/* From shim.c, where it is preloaded. */
__attribute__((weak)) void shim_arm(long fail_at);
__attribute__((weak)) long shim_disarm(void);
__attribute__((weak)) long shim_live(void);
__attribute__((weak)) const char *shim_where(void);

typedef struct App {
        pam_handle_t *handle;
        const char *confdir, *service, *user;
        const char *answers[ANSWERS_MAX];
        size_t answer_count, answer_next;
        long oom; /* 0 no, -1 loop, else this one */
        long last_count;
        bool mute;
} App;

static FILE *out;
static int reused_fd = -1;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        vfprintf(out, format, ap);
        va_end(ap);
        fputc('\n', out);
        fflush(out);
}

static char *say_escaped(const char *s) {
        static char buf[8192];
        size_t at = 0;

        for (; *s && at + 5 < sizeof(buf); s++)
                if ((unsigned char)*s < 32 || (unsigned char)*s > 126 || *s == '\\')
                        at += (size_t)snprintf(buf + at, sizeof(buf) - at, "\\x%02x",
                                               (unsigned char)*s);
                else
                        buf[at++] = *s;
        buf[at] = '\0';
        return buf;
}

/* The application's own memory does not count in the loop over failing allocations. */
static void *must_alloc(size_t size) {
        void *p = calloc(1, size);

        if (!p)
                abort();
        return p;
}

static char *answer_make(App *app, const char *spec, int *ret_code) {
        char *answer;

        *ret_code = PAM_SUCCESS;
        if (strcmp(spec, "@null") == 0)
                return NULL;
        if (strcmp(spec, "@err") == 0 || strcmp(spec, "@again") == 0) {
                *ret_code = spec[1] == 'e' ? PAM_CONV_ERR : PAM_CONV_AGAIN;
                return NULL;
        }
        if (strncmp(spec, "@errwith:", 9) == 0) {
                *ret_code = PAM_CONV_ERR;
                spec += 9;
        }
        if (strncmp(spec, "@len:", 5) == 0) {
                size_t len = strtoul(spec + 5, NULL, 10);

                answer = must_alloc(len + 1);
                memset(answer, 'x', len);
                return answer;
        }
        if (strcmp(spec, "@nul") == 0) {
                answer = must_alloc(16);
                memcpy(answer, "secret\0more", 12);
                return answer;
        }
        if (strncmp(spec, "@slow:", 6) == 0) { /* a person who thinks */
                poll(NULL, 0, (int)strtol(spec + 6, NULL, 10) * 1000);
                spec = strchr(spec + 6, ':') + 1;
        }
        if (strncmp(spec, "@user:", 6) == 0) { /* the item changes under the module's feet */
                const char *text = strchr(spec + 6, ':');
                char *name = strndup(spec + 6, (size_t)(text - spec - 6));

                pam_set_item(app->handle, PAM_USER, name);
                free(name);
                spec = text + 1;
        }
        answer = must_alloc(strlen(spec) + 1);
        memcpy(answer, spec, strlen(spec));
        return answer;
}

static int converse(int count, const struct pam_message **messages, struct pam_response **ret,
                    void *userdata) {
        App *app = userdata;
        struct pam_response *responses;
        long armed = shim_disarm ? shim_disarm() : 0;
        int code = PAM_SUCCESS;

        if (count != 1)
                abort(); /* pam_um sends one at a time */
        responses = must_alloc(sizeof(*responses));
        if (!app->mute)
                say("conv %d %s", messages[0]->msg_style, say_escaped(messages[0]->msg));
        if (messages[0]->msg_style == PAM_PROMPT_ECHO_OFF ||
            messages[0]->msg_style == PAM_PROMPT_ECHO_ON) {
                if (app->answer_next == app->answer_count)
                        code = PAM_CONV_ERR;
                else
                        responses->resp = answer_make(app, app->answers[app->answer_next++], &code);
        }
        if (code != PAM_SUCCESS && !responses->resp) {
                free(responses);
                responses = NULL;
        }
        *ret = responses;
        if (shim_arm && armed != 0)
                shim_arm(armed);
        return code;
}

static void delay(int retval, unsigned usec, void *userdata) {
        App *app = userdata;

        if (usec > 0 && !app->mute)
                say("delay");
}

/* ---- what must not change -------------------------------------------------------------------- */

typedef struct Surroundings {
        struct sigaction actions[65];
        sigset_t mask;
        unsigned fds;
        long threads;
        char **environment;
} Surroundings;

static void noticed(int number) {
}

static void reap(int number) {
        int saved = errno;

        while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
        errno = saved;
}

static long status_number(const char *key) {
        FILE *f = fopen("/proc/self/status", "re");
        char line[256];
        long number = -1;

        while (f && fgets(line, sizeof(line), f))
                if (strncmp(line, key, strlen(key)) == 0) {
                        number = strtol(line + strlen(key), NULL, 10);
                        break;
                }
        if (f)
                fclose(f);
        return number;
}

static void surroundings_read(Surroundings *ret) {
        memset(ret, 0, sizeof(*ret));
        for (int i = 1; i < 65; i++)
                sigaction(i, NULL, &ret->actions[i]);
        sigprocmask(SIG_SETMASK, NULL, &ret->mask);
        for (int fd = 0; fd < 256; fd++)
                if (fcntl(fd, F_GETFD) >= 0)
                        ret->fds++;
        ret->threads = status_number("Threads:");
        ret->environment = environ;
}

static void surroundings_compare(const Surroundings *a, const Surroundings *b) {
        bool signals = true;

        for (int i = 1; i < 65; i++)
                if (a->actions[i].sa_handler != b->actions[i].sa_handler ||
                    a->actions[i].sa_flags != b->actions[i].sa_flags)
                        signals = false;
        if (memcmp(&a->mask, &b->mask, sizeof(a->mask)) != 0)
                signals = false;
        say("left signals=%s fds=%s threads=%s environ=%s", signals ? "same" : "CHANGED",
            a->fds == b->fds ? "same" : "CHANGED", a->threads == b->threads ? "same" : "CHANGED",
            a->environment == b->environment ? "same" : "CHANGED");
}

/* ---- phases ---------------------------------------------------------------------------------- */

static int phase_call(App *app, const char *name, unsigned extra) {
        int flags = (int)extra;

        if (strcmp(name, "auth") == 0)
                return pam_authenticate(app->handle, flags);
        if (strcmp(name, "acct") == 0)
                return pam_acct_mgmt(app->handle, flags);
        if (strcmp(name, "setcred") == 0)
                return pam_setcred(app->handle, (int)(extra | PAM_ESTABLISH_CRED));
        if (strcmp(name, "delcred") == 0)
                return pam_setcred(app->handle, (int)(extra | PAM_DELETE_CRED));
        if (strcmp(name, "open") == 0)
                return pam_open_session(app->handle, flags);
        if (strcmp(name, "close") == 0)
                return pam_close_session(app->handle, flags);
        if (strcmp(name, "passwd") == 0)
                return pam_chauthtok(app->handle, flags);
        if (strcmp(name, "passwd-expired") == 0)
                return pam_chauthtok(app->handle, (int)(extra | PAM_CHANGE_EXPIRED_AUTHTOK));
        fprintf(stderr, "app: unknown word %s\n", name);
        exit(2);
}

static int inherited_count(void) {
        int count = 0;

        for (int fd = 3; fd < 256; fd++) {
                int flags = fcntl(fd, F_GETFD);

                if (flags >= 0 && !(flags & FD_CLOEXEC))
                        count++;
        }
        return count;
}

/* The story goes on in the child; the parent ends as it does. */
static void go_on_in_child(void) {
        int status = 0;
        pid_t pid = fork();

        if (pid == 0)
                return;
        if (pid < 0 || waitpid(pid, &status, 0) != pid)
                abort();
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* What an application does that closes what it does not know, and opens files of its own then. */
static void descriptors_reuse(void) {
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
                abort();
        for (int fd = 3; fd < 256; fd++)
                if (fd != fileno(out) && fd != pair[0] && fd != pair[1] &&
                    fcntl(fd, F_GETFD) >= 0 && dup3(pair[0], fd, O_CLOEXEC) < 0)
                        abort();
        reused_fd = pair[1];
}

static void reused_tell(void) {
        char byte;

        if (reused_fd >= 0)
                say("written into another's: %d", recv(reused_fd, &byte, 1, MSG_DONTWAIT) > 0);
}

/* Waits until the other end of one of the sockets that a module keeps is gone. */
static void hangup_await(void) {
        struct pollfd polls[256] = { 0 };

        for (int fd = 0; fd < 256; fd++)
                polls[fd].fd = fd > 2 && fd != fileno(out) && fcntl(fd, F_GETFD) >= 0 ? fd : -1;
        if (poll(polls, 256, 10000) <= 0)
                abort();
}

static bool process_word(const char *word) {
        if (strcmp(word, "fork") == 0)
                go_on_in_child();
        else if (strcmp(word, "await-hangup") == 0)
                hangup_await();
        else if (strcmp(word, "reuse-fds") == 0)
                descriptors_reuse();
        else if (strncmp(word, "euid=", 5) == 0) {
                if (seteuid((uid_t)atoi(word + 5)) < 0)
                        abort();
        } else
                return false;
        return true;
}

static bool set_word(App *app, const char *word) {
        static const struct {
                const char *name;
                int item;
        } items[] = { { "user=", PAM_USER },
                      { "ruser=", PAM_RUSER },
                      { "rhost=", PAM_RHOST },
                      { "tty=", PAM_TTY },
                      { "service=", PAM_SERVICE } };

        for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
                size_t len = strlen(items[i].name);

                if (strncmp(word, items[i].name, len) == 0) {
                        pam_set_item(app->handle, items[i].item, word + len);
                        return true;
                }
        }
        if (strncmp(word, "putenv=", 7) == 0) {
                pam_putenv(app->handle, word + 7);
                return true;
        }
        if (strcmp(word, "fds") == 0) {
                bool closed = true;

                for (int fd = 0; fd < 3; fd++)
                        closed = closed && fcntl(fd, F_GETFD) < 0;
                say("stdio %s", closed ? "closed" : "OPEN");
                return true;
        }
        if (strcmp(word, "rss") == 0) {
                say("rss %ld", status_number("VmRSS:"));
                return true;
        }
        if (strcmp(word, "exec") == 0) { /* what a shell would inherit beyond stdio */
                say("child fds=%d", inherited_count());
                return true;
        }
        if (strcmp(word, "env") == 0) {
                char **list = pam_getenvlist(app->handle);

                for (char **at = list; list && *at; at++) {
                        say("env %s", say_escaped(*at));
                        free(*at);
                }
                free(list);
                return true;
        }
        return false;
}

static int word_run(App *app, const char *word) {
        char name[64];
        char *plus;
        struct timespec start, end;
        unsigned flags = 0;
        int code;

        if (set_word(app, word) || process_word(word))
                return PAM_SUCCESS;
        snprintf(name, sizeof(name), "%s", word);
        plus = strchr(name, '+');
        if (plus) {
                flags = PAM_SILENT;
                *plus = '\0';
        }
        clock_gettime(CLOCK_MONOTONIC, &start);
        if (shim_arm && app->oom > 0)
                shim_arm(app->oom);
        code = phase_call(app, name, flags);
        if (shim_disarm && app->oom > 0)
                app->last_count = shim_disarm();
        clock_gettime(CLOCK_MONOTONIC, &end);
        if (!app->mute) {
                say("%s %d", name, code);
                say("took %ld",
                    (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000);
        }
        return code;
}

static int story_run(App *app, char **words, int count) {
        struct pam_conv conv = { .conv = converse, .appdata_ptr = app };
        int code;

        app->answer_next = 0;
        code = pam_start_confdir(app->service, app->user, &conv, app->confdir, &app->handle);
        if (code != PAM_SUCCESS) {
                say("start %d", code);
                return code;
        }
        pam_set_item(app->handle, PAM_FAIL_DELAY, delay);
        for (int i = 0; i < count; i++)
                code = word_run(app, words[i]);
        pam_end(app->handle, code);
        reused_tell();
        return code;
}

/* Fails the Nth allocation of each phase, for N = 1, 2, ..., until a story needs fewer.  Whatever
 * fails must end the story in a failure, and give back all that was allocated. */
static void story_oom(App *app, char **words, int count) {
        long failures = 0, n;

        app->oom = 1L << 40;
        app->mute = true;
        for (int i = 0; i < 3; i++) /* what libc, the loader and NSS keep for good */
                story_run(app, words, count);
        for (n = 1;; n++) {
                long live = shim_live(), leaked;
                int code;

                app->oom = n;
                app->last_count = 0;
                code = story_run(app, words, count);
                leaked = shim_live() - live;
                if (leaked != 0)
                        say("oom %ld LEAKED %ld:%s", n, leaked, shim_where());
                if (app->last_count > 0) { /* still armed: nothing failed */
                        say("oom-end %d", code);
                        break;
                }
                if (code == PAM_SUCCESS || code == PAM_IGNORE)
                        say("oom %ld CODE %d:%s", n, code, shim_where());
                failures++;
        }
        say("oom-count %ld", failures);
}

static bool setup_word(App *app, const char *word, unsigned *times) {
        if (strncmp(word, "answer=", 7) == 0)
                app->answers[app->answer_count++] = word + 7;
        else if (strncmp(word, "times=", 6) == 0)
                *times = (unsigned)atoi(word + 6);
        else if (strncmp(word, "ruid=", 5) == 0) {
                if (setresuid((uid_t)atoi(word + 5), 0, 0) < 0)
                        abort();
        } else if (strncmp(word, "uid=", 4) == 0) { /* a screen locker: nothing of root is left */
                uid_t uid = (uid_t)atoi(word + 4);

                if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
                        abort();
        } else if (strcmp(word, "close-stdio") == 0) {
                int fd = fcntl(1, F_DUPFD_CLOEXEC, 20);

                out = fdopen(fd, "w");
                for (int i = 0; i < 3; i++)
                        close(i);
        } else if (strcmp(word, "reap") == 0)
                sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = reap }, NULL);
        else if (strcmp(word, "sigign") == 0)
                signal(SIGCHLD, SIG_IGN);
        else if (strcmp(word, "alarm") == 0) {
                struct itimerval timer = { .it_interval = { .tv_usec = 1000 },
                                           .it_value = { .tv_usec = 1000 } };

                sigaction(SIGALRM, &(struct sigaction){ .sa_handler = noticed }, NULL);
                setitimer(ITIMER_REAL, &timer, NULL);
        } else if (strcmp(word, "oom") == 0)
                app->oom = -1;
        else if (strncmp(word, "oom=", 4) == 0)
                app->oom = atol(word + 4);
        else
                return false;
        return true;
}

int main(int argc, char **argv) {
        App app = { 0 };
        Surroundings before, after;
        unsigned times = 1;
        int at = 4;

        if (argc < 5)
                return 2;
        out = stdout;
        openlog("app", LOG_NDELAY | LOG_PID,
                LOG_AUTHPRIV); /* libc's own descriptor, not a module's */
        signal(SIGPIPE, SIG_DFL);
        app.confdir = argv[1];
        app.service = argv[2];
        app.user = argv[3];
        while (at < argc && setup_word(&app, argv[at], &times))
                at++;
        surroundings_read(&before);
        if (app.oom == -1)
                story_oom(&app, argv + at, argc - at);
        else
                for (unsigned i = 0; i < times; i++)
                        story_run(&app, argv + at, argc - at);
        surroundings_read(&after);
        surroundings_compare(&before, &after);
        return 0;
}
