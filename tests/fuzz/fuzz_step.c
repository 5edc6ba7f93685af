/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader of login steps inside pam_um, given messages of every shape: right and wrong outer
 * types, kinds, keys where they do not belong, twice, of another type, too long.  Either a whole
 * step comes of it, in which every text ends within its bounds and nothing stands where the kind
 * has no use for it, or -EBADMSG and nothing was written.
 *
 * The input is a program that builds the message: see byte_take() below and its callers. */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/base.h"
#include "wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Input {
        const uint8_t *data;
        size_t size;
} Input;

static uint8_t byte_take(Input *in) {
        if (in->size == 0)
                return 0;
        in->size--;
        return *in->data++;
}

static void unref(sd_bus_message **m) {
        sd_bus_message_unref(*m);
}

/* A connection that is never spoken on: messages need one. */
static sd_bus *bus_get(void) {
        static sd_bus *bus;
        int pair[2];

        if (bus)
                return bus;
        assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
        assert(sd_bus_new(&bus) >= 0 && sd_bus_set_fd(bus, pair[0], pair[0]) >= 0);
        assert(sd_bus_start(bus) >= 0);
        return bus;
}

/* A length byte and a filling one: texts of any length up to more than a step has room for. */
static int text_append(sd_bus_message *m, Input *in) {
        static const unsigned lengths[] = { 0,  1,  8,    31,   32,   33,   63,  64,
                                            65, 72, 4094, 4095, 4096, 4097, 200, 5000 };
        char text[5001];
        unsigned len = lengths[byte_take(in) % ARRAY_LENGTH(lengths)];

        memset(text, 'a' + byte_take(in) % 26, len);
        text[len] = '\0';
        return sd_bus_message_append_basic(m, 's', text);
}

static int value_append(sd_bus_message *m, Input *in) {
        static const uint8_t challenge[] = { 1, 2, 3 };
        uint32_t number;
        int r, flag;

        switch (byte_take(in) % 6) {
        case 0:
                r = sd_bus_message_open_container(m, 'v', "s");
                r = r < 0 ? r : text_append(m, in);
                break;
        case 1:
                flag = byte_take(in) & 1;
                r = sd_bus_message_open_container(m, 'v', "b");
                r = r < 0 ? r : sd_bus_message_append_basic(m, 'b', &flag);
                break;
        case 2:
                number = byte_take(in) % 32;
                number = number < 16 ? number : UINT32_MAX - number;
                r = sd_bus_message_open_container(m, 'v', "u");
                r = r < 0 ? r : sd_bus_message_append_basic(m, 'u', &number);
                break;
        case 3:
                r = sd_bus_message_open_container(m, 'v', "ay");
                r = r < 0 ? r : sd_bus_message_append_array(m, 'y', challenge, byte_take(in) % 4);
                break;
        case 4:
                return sd_bus_message_append(m, "v", "(sv)", "deep", "as", 2, "a", "b");
        default:
                return sd_bus_message_append(m, "v", "v", "v", "v", "u", 7);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int more_append(sd_bus_message *m, Input *in) {
        static const char *const keys[] = { "secret", "error",     "type",  "challenge",  "verdict",
                                            "reason", "reference", "later", "reference2", "" };
        unsigned count = byte_take(in) % 40;
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        for (unsigned i = 0; i < count && r >= 0; i++) {
                r = sd_bus_message_open_container(m, 'e', "sv");
                if (r >= 0)
                        r = sd_bus_message_append_basic(m, 's',
                                                        keys[byte_take(in) % ARRAY_LENGTH(keys)]);
                if (r >= 0)
                        r = value_append(m, in);
                if (r >= 0)
                        r = sd_bus_message_close_container(m);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* Shapes that are not a step's. */
static int other_append(sd_bus_message *m, Input *in) {
        switch (byte_take(in) % 6) {
        case 0:
                return sd_bus_message_append(m, "us", 1, "bare");
        case 1:
                return sd_bus_message_append(m, "(us)", 1, "short");
        case 2:
                return sd_bus_message_append(m, "(usa{ss})", 1, "text", 1, "secret", "code");
        case 3:
                return sd_bus_message_append(m, "(ssa{sv})", "1", "text", 0);
        case 4:
                return sd_bus_message_append(m, "(usa{sv}u)", 1, "long", 0, 5);
        default:
                return 0;
        }
}

static int step_append(sd_bus_message *m, Input *in) {
        uint32_t kind = byte_take(in) % 16;
        int r;

        if (kind > WIRE_STEP_DONE + 1)
                kind = WIRE_STEP_DONE; /* the one with most to say */
        r = sd_bus_message_open_container(m, 'r', "usa{sv}");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 'u', &kind);
        if (r >= 0)
                r = text_append(m, in);
        if (r >= 0)
                r = more_append(m, in);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int message_make(Input *in, bool outcome, sd_bus_message **ret) {
        _cleanup_(unref) sd_bus_message *m = NULL;
        uint8_t shape = byte_take(in);
        uint32_t verdict;
        int r;

        r = sd_bus_message_new_method_call(bus_get(), &m, NULL, WIRE_PATH, WIRE_LOGIN, "Answer");
        assert(r >= 0);
        if (shape % 8 == 7)
                r = other_append(m, in);
        else if (!outcome)
                r = step_append(m, in);
        else {
                verdict = byte_take(in);
                r = sd_bus_message_append_basic(m, 'u', &verdict);
                for (unsigned i = shape % 8 == 6; i < 3 && r >= 0; i++)
                        r = text_append(m, in);
        }
        if (r >= 0)
                r = sd_bus_message_seal(m, 1, 0);
        if (r >= 0)
                r = sd_bus_message_rewind(m, true);
        if (r >= 0)
                *ret = TAKE(m);
        return r;
}

static bool ends_within(const char *s, size_t size) {
        return memchr(s, '\0', size) != NULL;
}

static void step_check(const WireStep *step) {
        bool asks = step->kind == WIRE_STEP_ASK_HIDDEN || step->kind == WIRE_STEP_ASK_SHOWN;

        assert(step->kind > WIRE_STEP_INVALID && step->kind < _WIRE_STEP_MAX);
        assert(ends_within(step->text, sizeof(step->text)) &&
               ends_within(step->secret, sizeof(step->secret)) &&
               ends_within(step->reason, sizeof(step->reason)) &&
               ends_within(step->reference, sizeof(step->reference)));
        assert(asks || !step->secret[0]);
        assert(step->kind == WIRE_STEP_SHOW || !step->is_error);
        if (step->kind == WIRE_STEP_DONE)
                assert(step->verdict > WIRE_VERDICT_INVALID && step->verdict < _WIRE_VERDICT_MAX);
        else
                assert(step->verdict == WIRE_VERDICT_INVALID && !step->reason[0] &&
                       !step->reference[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Input in = { data, size };
        _cleanup_(unref) sd_bus_message *m = NULL;
        static WireStep untouched, step;
        bool outcome = byte_take(&in) % 4 == 0;
        int r;

        if (message_make(&in, outcome, &m) < 0)
                return 0;
        memset(&untouched, 0x5A, sizeof(untouched));
        memset(&step, 0x5A, sizeof(step));
        r = outcome ? wire_outcome_read(m, &step) : wire_step_read(m, &step);
        assert(r == 0 || r == -EBADMSG);
        if (r == 0)
                step_check(&step);
        else
                assert(memcmp(&step, &untouched, sizeof(step)) == 0);
        return 0;
}
