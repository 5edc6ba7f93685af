/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A step of a login, read from a message.  umd is trusted to decide, not to be well-formed: a step
 * that is short, of another shape, of a kind nobody knows or with a key where it does not belong is
 * -EBADMSG, and whoever asked denies.  Keys nobody knows are skipped, so that a step may say more
 * to newer clients.  Nothing is written to *ret unless the whole step was good. */

#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "wire/wire.h"

#define MORE_KEYS_MAX 32U /* entries of the dictionary behind a step */

#define ON(kind) (1U << (kind))
#define ON_ASK   (ON(WIRE_STEP_ASK_HIDDEN) | ON(WIRE_STEP_ASK_SHOWN))

typedef enum MoreKey {
        MORE_SECRET,
        MORE_EMPTY,
        MORE_ERROR,
        MORE_TYPE,
        MORE_CHALLENGE,
        MORE_VERDICT,
        MORE_REASON,
        MORE_REFERENCE,
        _MORE_MAX,
} MoreKey;

/* Which key may stand behind which kinds of step, and of what type its value is. */
static const struct {
        const char *name;
        const char *contents;
        unsigned kinds;
} MORE[_MORE_MAX] = {
        [MORE_SECRET] = { "secret", "s", ON_ASK },
        [MORE_EMPTY] = { "empty", "b", ON_ASK },
        [MORE_ERROR] = { "error", "b", ON(WIRE_STEP_SHOW) },
        [MORE_TYPE] = { "type", "s", ON(WIRE_STEP_ASSERT) },
        [MORE_CHALLENGE] = { "challenge", "ay", ON(WIRE_STEP_ASSERT) },
        [MORE_VERDICT] = { "verdict", "u", ON(WIRE_STEP_DONE) },
        [MORE_REASON] = { "reason", "s", ON(WIRE_STEP_DONE) },
        [MORE_REFERENCE] = { "reference", "s", ON(WIRE_STEP_DONE) },
};

/* A call that ran dry of memory is that; whatever else a reader says of a message is its fault. */
static int fault(int r) {
        return r == -ENOMEM ? r : -EBADMSG;
}

static int string_read(sd_bus_message *m, char *buf, size_t size) {
        const char *s;
        size_t len;
        int r;

        r = sd_bus_message_read_basic(m, 's', &s);
        if (r <= 0)
                return fault(r);
        len = strlen(s);
        if (len >= size)
                return -EBADMSG;
        memcpy(buf, s, len + 1);
        return 0;
}

static WireVerdict verdict_from_number(uint32_t number) {
        return number > WIRE_VERDICT_INVALID && number < _WIRE_VERDICT_MAX
                       ? (WireVerdict)number
                       : WIRE_VERDICT_UNAVAILABLE;
}

static int value_read(sd_bus_message *m, MoreKey key, WireStep *step) {
        uint32_t verdict;
        int r, flag;

        switch (key) {
        case MORE_SECRET:
                return string_read(m, step->secret, sizeof(step->secret));
        case MORE_REASON:
                return string_read(m, step->reason, sizeof(step->reason));
        case MORE_REFERENCE:
                return string_read(m, step->reference, sizeof(step->reference));
        case MORE_EMPTY:
        case MORE_ERROR:
                r = sd_bus_message_read_basic(m, 'b', &flag);
                if (r <= 0)
                        return fault(r);
                *(key == MORE_EMPTY ? &step->may_be_empty : &step->is_error) = flag;
                return 0;
        case MORE_VERDICT:
                r = sd_bus_message_read_basic(m, 'u', &verdict);
                if (r <= 0)
                        return fault(r);
                step->verdict = verdict_from_number(verdict);
                return 0;
        case MORE_TYPE:
        case MORE_CHALLENGE:
        case _MORE_MAX:
                break;
        }
        /* No client of ours answers a challenge yet; it is checked for its type and passed by. */
        r = sd_bus_message_skip(m, MORE[key].contents);
        return r < 0 ? fault(r) : 0;
}

static int entry_read(sd_bus_message *m, unsigned *seen, WireStep *step) {
        const char *name;
        size_t key = 0;
        int r;

        r = sd_bus_message_read_basic(m, 's', &name);
        if (r <= 0)
                return fault(r);
        while (key < _MORE_MAX && strcmp(MORE[key].name, name) != 0)
                key++;
        if (key == _MORE_MAX) {
                r = sd_bus_message_skip(m, "v");
                return r < 0 ? fault(r) : 0;
        }
        if (!(MORE[key].kinds & ON(step->kind)) || (*seen & (1U << key)))
                return -EBADMSG;
        *seen |= 1U << key;
        r = sd_bus_message_enter_container(m, 'v', MORE[key].contents);
        if (r <= 0)
                return fault(r);
        r = value_read(m, (MoreKey)key, step);
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(m);
        return r < 0 ? fault(r) : 0;
}

static int more_read(sd_bus_message *m, WireStep *step) {
        unsigned seen = 0;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (r <= 0)
                return fault(r);
        for (unsigned count = 0;; count++) {
                r = sd_bus_message_enter_container(m, 'e', "sv");
                if (r < 0)
                        return fault(r);
                if (r == 0)
                        break;
                if (count == MORE_KEYS_MAX)
                        return -EBADMSG;
                r = entry_read(m, &seen, step);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return fault(r);
        }
        r = sd_bus_message_exit_container(m);
        if (r < 0)
                return fault(r);
        return step->kind == WIRE_STEP_DONE && !(seen & (1U << MORE_VERDICT)) ? -EBADMSG : 0;
}

int wire_step_read(sd_bus_message *m, WireStep *ret) {
        WireStep step = { .kind = WIRE_STEP_INVALID };
        uint32_t kind;
        int r;

        r = sd_bus_message_enter_container(m, 'r', "usa{sv}");
        if (r <= 0)
                return fault(r);
        r = sd_bus_message_read_basic(m, 'u', &kind);
        if (r <= 0)
                return fault(r);
        if (kind <= WIRE_STEP_INVALID || kind >= _WIRE_STEP_MAX)
                return -EBADMSG;
        step.kind = (WireStepKind)kind;
        r = string_read(m, step.text, sizeof(step.text));
        if (r < 0)
                return r;
        r = more_read(m, &step);
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(m);
        if (r < 0)
                return fault(r);
        *ret = step;
        return 0;
}

int wire_outcome_read(sd_bus_message *m, WireStep *ret) {
        WireStep step = { .kind = WIRE_STEP_DONE };
        uint32_t verdict;
        int r;

        r = sd_bus_message_read_basic(m, 'u', &verdict);
        if (r <= 0)
                return fault(r);
        step.verdict = verdict_from_number(verdict);
        r = string_read(m, step.reason, sizeof(step.reason));
        if (r >= 0)
                r = string_read(m, step.text, sizeof(step.text));
        if (r >= 0)
                r = string_read(m, step.reference, sizeof(step.reference));
        if (r >= 0)
                *ret = step;
        return r;
}

static int pair_append(sd_bus_message *m, const char *key, const char *value) {
        return value ? sd_bus_message_append(m, "{sv}", key, "s", value) : 0;
}

int wire_context_append(sd_bus_message *m, const WireContext *context) {
        const struct {
                const char *key, *value;
        } pairs[] = {
                { WIRE_CONTEXT_OPERATION, context->operation },
                { WIRE_CONTEXT_USER, context->user },
                { WIRE_CONTEXT_SERVICE, context->service },
                { WIRE_CONTEXT_TTY, context->tty },
                { WIRE_CONTEXT_RHOST, context->rhost },
                { WIRE_CONTEXT_RUSER, context->ruser },
                { WIRE_CONTEXT_AUTH_INFO, context->auth_info },
        };
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        for (size_t i = 0; r >= 0 && i < ARRAY_LENGTH(pairs); i++)
                r = pair_append(m, pairs[i].key, pairs[i].value);
        if (r >= 0 && context->flags != 0)
                r = sd_bus_message_append(m, "{sv}", WIRE_CONTEXT_FLAGS, "u", context->flags);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : 0;
}
