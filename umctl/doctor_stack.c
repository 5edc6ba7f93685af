/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads PAM stacks as libpam does (pam.conf(5), pam.d(5)) and works out what they give, without
 * running them: doctor must know that a refusal of pam_um is final, and that local users never meet
 * it, without logging anybody in. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <security/_pam_types.h>

#include "umctl/doctor.h"

#define LINES_MAX    256U
#define DEPTH_MAX    16
#define FILE_MAX     65536U
#define RETURN_CODES 32

/* Actions below 0; a positive number is a jump. */
enum {
        ACTION_IGNORE = -1,
        ACTION_OK = -2,
        ACTION_DONE = -3,
        ACTION_BAD = -4,
        ACTION_DIE = -5,
        ACTION_RESET = -6
};

typedef struct StackLine {
        char module[64]; /* "" for a substack */
        int actions[RETURN_CODES];
        PamStack *substack;
} StackLine;

struct PamStack {
        StackLine lines[LINES_MAX];
        size_t count;
};

static const char *const facility_names[_PAM_FACILITY_MAX] = { "auth", "account", "session" };

/* The names of [value=action], in the order of their numbers. */
static const char *const return_names[RETURN_CODES] = {
        "success",
        "open_err",
        "symbol_err",
        "service_err",
        "system_err",
        "buf_err",
        "perm_denied",
        "auth_err",
        "cred_insufficient",
        "authinfo_unavail",
        "user_unknown",
        "maxtries",
        "new_authtok_reqd",
        "acct_expired",
        "session_err",
        "cred_unavail",
        "cred_expired",
        "cred_err",
        "no_module_data",
        "conv_err",
        "authtok_err",
        "authtok_recover_err",
        "authtok_lock_busy",
        "authtok_disable_aging",
        "try_again",
        "ignore",
        "abort",
        "authtok_expired",
        "module_unknown",
        "bad_item",
        "conv_again",
        "incomplete",
};

static int action_parse(const char *s, int *ret) {
        static const struct {
                const char *name;
                int action;
        } names[] = {
                { "ignore", ACTION_IGNORE }, { "ok", ACTION_OK },   { "done", ACTION_DONE },
                { "bad", ACTION_BAD },       { "die", ACTION_DIE }, { "reset", ACTION_RESET }
        };
        uint64_t jump;

        for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
                if (strcmp(names[i].name, s) == 0) {
                        *ret = names[i].action;
                        return 0;
                }
        if (base_parse_u64(s, 1, LINES_MAX, &jump) < 0)
                return -EBADMSG;
        *ret = (int)jump;
        return 0;
}

static void actions_fill(int *actions, int action) {
        for (int i = 0; i < RETURN_CODES; i++)
                actions[i] = action;
}

/* "[success=1 default=ignore]" without its brackets. */
static int bracket_parse(char *text, int *actions) {
        int fallback = ACTION_BAD;
        bool set[RETURN_CODES] = { false };

        for (char *word; (word = strsep(&text, " \t"));) {
                char *value = strchr(word, '=');
                int action, code;

                if (!word[0])
                        continue;
                if (!value)
                        return -EBADMSG;
                *value++ = '\0';
                if (action_parse(value, &action) < 0)
                        return -EBADMSG;
                for (code = 0; code < RETURN_CODES && strcmp(return_names[code], word) != 0; code++)
                        ;
                if (code < RETURN_CODES) {
                        actions[code] = action;
                        set[code] = true;
                } else if (strcmp(word, "default") == 0)
                        fallback = action;
                else
                        return -EBADMSG;
        }
        for (int i = 0; i < RETURN_CODES; i++)
                if (!set[i])
                        actions[i] = fallback;
        return 0;
}

static int keyword_parse(const char *word, int *actions) {
        int failure;

        if (strcmp(word, "required") == 0)
                failure = ACTION_BAD;
        else if (strcmp(word, "requisite") == 0)
                failure = ACTION_DIE;
        else if (strcmp(word, "sufficient") == 0 || strcmp(word, "optional") == 0)
                failure = ACTION_IGNORE;
        else
                return -EBADMSG;
        actions_fill(actions, failure);
        actions[PAM_SUCCESS] = strcmp(word, "sufficient") == 0 ? ACTION_DONE : ACTION_OK;
        actions[PAM_NEW_AUTHTOK_REQD] = actions[PAM_SUCCESS];
        if (failure != ACTION_IGNORE)
                actions[PAM_IGNORE] = ACTION_IGNORE;
        return 0;
}

static int file_read(const char *dirs, const char *service, PamFacility facility, int depth,
                     PamStack *stack, char *ret_where, size_t size);

static int include_read(const char *dirs, const char *service, PamFacility facility, int depth,
                        bool substack, PamStack *stack, char *ret_where, size_t size) {
        StackLine *line;
        int r;

        if (!substack)
                return file_read(dirs, service, facility, depth + 1, stack, ret_where, size);
        if (stack->count >= LINES_MAX)
                return -EBADMSG;
        line = &stack->lines[stack->count];
        line->module[0] = '\0';
        keyword_parse("required", line->actions);
        line->substack = calloc(1, sizeof(*line->substack));
        if (!line->substack)
                return -ENOMEM;
        r = file_read(dirs, service, facility, depth + 1, line->substack, ret_where, size);
        stack->count++;
        return r;
}

static char *word_take(char **at) {
        char *word;

        *at += strspn(*at, " \t");
        if (!**at)
                return NULL;
        if (**at == '[') {
                word = *at + 1;
                *at = strchr(word, ']');
                if (!*at)
                        return NULL;
                *(*at)++ = '\0';
                return word;
        }
        word = *at;
        *at += strcspn(*at, " \t");
        if (**at)
                *(*at)++ = '\0';
        return word;
}

static int line_read(const char *dirs, char *text, PamFacility facility, int depth, PamStack *stack,
                     char *ret_where, size_t size) {
        bool bracket;
        char *at = text, *type = word_take(&at), *control, *module, *slash;
        StackLine *line;

        if (!type)
                return 0;
        if (strcmp(type, "@include") == 0) {
                module = word_take(&at);
                return module ? file_read(dirs, module, facility, depth + 1, stack, ret_where, size)
                              : -EBADMSG;
        }
        if (type[0] == '-')
                type++;
        if (strcmp(type, facility_names[facility]) != 0)
                return 0;
        at += strspn(at, " \t");
        bracket = *at == '[';
        control = word_take(&at);
        module = control ? word_take(&at) : NULL;
        if (!module)
                return -EBADMSG;
        if (!bracket && (strcmp(control, "include") == 0 || strcmp(control, "substack") == 0))
                return include_read(dirs, module, facility, depth, control[0] == 's', stack,
                                    ret_where, size);
        if (stack->count >= LINES_MAX)
                return -EBADMSG;
        line = &stack->lines[stack->count];
        if ((bracket ? bracket_parse(control, line->actions)
                     : keyword_parse(control, line->actions)) < 0)
                return -EBADMSG;
        slash = strrchr(module, '/');
        snprintf(line->module, sizeof(line->module), "%s", slash ? slash + 1 : module);
        stack->count++;
        return 0;
}

/* The first file of that name; ret_path says which, or where it should be. */
static int file_find(const char *dirs, const char *service, char *ret_path, size_t size,
                     char **ret) {
        size_t len;
        int r = -ENOENT;

        for (const char *dir = dirs; r == -ENOENT && *dir; dir += strcspn(dir, ":")) {
                dir += *dir == ':';
                snprintf(ret_path, size, "%.*s/%s", (int)strcspn(dir, ":"), dir, service);
                r = base_file_read(AT_FDCWD, ret_path, FILE_MAX, ret, &len);
        }
        if (r == -ENOENT)
                snprintf(ret_path, size, "%.*s/%s", (int)strcspn(dirs, ":"), dirs, service);
        return r;
}

static int file_read(const char *dirs, const char *service, PamFacility facility, int depth,
                     PamStack *stack, char *ret_where, size_t size) {
        _cleanup_free_ char *data = NULL;
        char path[512], *rest;
        unsigned number = 0;
        int r;

        if (depth > DEPTH_MAX)
                return -ELOOP;
        r = file_find(dirs, service, path, sizeof(path), &data);
        if (r < 0) {
                snprintf(ret_where, size, "%s", path);
                return r;
        }
        rest = data;
        for (char *line; (line = strsep(&rest, "\n"));) {
                char *end;

                number++;
                line[strcspn(line, "#")] = '\0';
                /* a backslash at the end continues the line */
                while (rest && (end = line + strlen(line)) > line && end[-1] == '\\') {
                        end[-1] = ' ';
                        *end = ' ';
                        strsep(&rest, "\n");
                        number++;
                }
                r = line_read(dirs, line, facility, depth, stack, ret_where, size);
                if (r == -EBADMSG && !ret_where[0])
                        snprintf(ret_where, size, "%s:%u", path, number);
                if (r < 0)
                        return r;
        }
        return 0;
}

int pam_stack_read(const char *dirs, const char *service, PamFacility facility, PamStack **ret,
                   char *ret_where, size_t size) {
        PamStack *stack = calloc(1, sizeof(*stack));
        int r;

        if (!stack)
                return -ENOMEM;
        ret_where[0] = '\0';
        r = file_read(dirs, service, facility, 0, stack, ret_where, size);
        if (r < 0) {
                pam_stack_free(stack);
                return r;
        }
        *ret = stack;
        return 0;
}

PamStack *pam_stack_free(PamStack *stack) {
        for (size_t i = 0; stack && i < stack->count; i++)
                pam_stack_free(stack->lines[i].substack);
        free(stack);
        return NULL;
}

bool pam_stack_has(const PamStack *stack, const char *module) {
        for (size_t i = 0; i < stack->count; i++)
                if (strcmp(stack->lines[i].module, module) == 0 ||
                    (stack->lines[i].substack && pam_stack_has(stack->lines[i].substack, module)))
                        return true;
        return false;
}

static int module_code(const StackLine *line, int um_code, int local_code) {
        if (line->substack)
                return pam_stack_run(line->substack, um_code, local_code);
        if (strcmp(line->module, "pam_um.so") == 0)
                return um_code;
        if (strcmp(line->module, "pam_localuser.so") == 0)
                return local_code;
        /* pam_rootok lets root become anybody, as it should: judged is everybody else */
        if (strcmp(line->module, "pam_deny.so") == 0 || strcmp(line->module, "pam_rootok.so") == 0)
                return PAM_AUTH_ERR;
        return PAM_SUCCESS;
}

/* libpam's dispatch (pam_dispatch.c): what an action does to the impression so far. */
int pam_stack_run(const PamStack *stack, int um_code, int local_code) {
        enum { UNDEFINED, POSITIVE, NEGATIVE } impression = UNDEFINED;
        int status = PAM_PERM_DENIED;

        for (size_t i = 0; i < stack->count; i++) {
                int code = module_code(&stack->lines[i], um_code, local_code),
                    action = stack->lines[i].actions[code];

                if (action > 0) {
                        if (i + (size_t)action >=
                            stack->count) /* jumps past the end: libpam fails the stack */
                                return PAM_PERM_DENIED;
                        i += (size_t)action;
                        continue;
                }
                if (action == ACTION_RESET) {
                        impression = UNDEFINED;
                        status = PAM_PERM_DENIED;
                } else if (action == ACTION_OK || action == ACTION_DONE) {
                        if (code != PAM_IGNORE &&
                            (impression == UNDEFINED ||
                             (impression == POSITIVE && status == PAM_SUCCESS))) {
                                impression = POSITIVE;
                                status = code;
                        }
                        if (action == ACTION_DONE && impression == POSITIVE)
                                break;
                } else if (action == ACTION_BAD || action == ACTION_DIE) {
                        if (impression != NEGATIVE) {
                                impression = NEGATIVE;
                                status = code == PAM_IGNORE ? PAM_PERM_DENIED : code;
                        }
                        if (action == ACTION_DIE)
                                break;
                }
        }
        return status == PAM_SUCCESS && impression != POSITIVE ? PAM_PERM_DENIED : status;
}
