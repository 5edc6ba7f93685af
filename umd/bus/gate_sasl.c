/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The server's side of SASL as the D-Bus specification has it ("Authentication Protocol"), with the
 * one mechanism EXTERNAL.  The uid is the kernel's; a client may repeat it, and is dropped if it
 * says another.  ANONYMOUS and DBUS_COOKIE_SHA1 are refused as unknown (CVE-2019-12749).  Answers
 * are written in the order of the lines, so that clients may send all of it, with their first call
 * behind, in one write: sd-bus and libnss_um do. */

#include <stdio.h>
#include <string.h>

#include "umd/bus/gate.h"

static void answer_add(Gate *gate, const char *line) {
        size_t len = strlen(line);

        /* Refusals and the steps of the order are counted, so that the answers fit. */
        if (gate->answer_len + len > sizeof(gate->answer))
                return;
        memcpy(gate->answer + gate->answer_len, line, len);
        gate->answer_len += len;
}

static GateFault sasl_refuse(Gate *gate, const char *answer) {
        if (gate->refusal_count >= GATE_REFUSALS_MAX)
                return GATE_FAULT_SASL_REFUSALS;
        gate->refusal_count++;
        answer_add(gate, answer);
        return GATE_OK;
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

/* hex is the peer's uid in decimal, in hex: "30" is root. */
static bool uid_claim_true(const Gate *gate, const char *hex, size_t len) {
        char expected[16];
        size_t digits = (size_t)snprintf(expected, sizeof(expected), "%u", (unsigned)gate->uid);

        if (len != digits * 2)
                return false;
        for (size_t i = 0; i < digits; i++) {
                int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

                if (high < 0 || low < 0 || high * 16 + low != expected[i])
                        return false;
        }
        return true;
}

static GateFault sasl_confirm(Gate *gate, const char *hex, size_t len) {
        char line[GATE_GUID_BYTES + 8];

        if (len > 0 && !uid_claim_true(gate, hex, len))
                return GATE_FAULT_SASL_UID;
        (void)snprintf(line, sizeof(line), "OK %s\r\n", gate->guid);
        answer_add(gate, line);
        gate->state = GATE_CONFIRMED;
        return GATE_OK;
}

/* The rest of the line behind a word and a space; *ret_len 0 where only the word stands. */
static bool line_word(const char *line, size_t len, const char *word, const char **ret_rest,
                      size_t *ret_len) {
        size_t n = strlen(word);

        if (len < n || memcmp(line, word, n) != 0 || (len > n && line[n] != ' '))
                return false;
        *ret_rest = line + (len > n ? n + 1 : n);
        *ret_len = len > n ? len - n - 1 : 0;
        return true;
}

static GateFault sasl_auth(Gate *gate, const char *line, size_t len) {
        const char *rest, *hex;
        size_t rest_len, hex_len;

        if (!line_word(line, len, "AUTH", &rest, &rest_len))
                return sasl_refuse(gate, "ERROR\r\n");
        if (!line_word(rest, rest_len, "EXTERNAL", &hex, &hex_len))
                return sasl_refuse(gate, "REJECTED EXTERNAL\r\n"); /* gdbus asks by a bare AUTH */
        if (hex_len > 0)
                return sasl_confirm(gate, hex, hex_len);
        answer_add(gate, "DATA\r\n");
        gate->state = GATE_DATA;
        return GATE_OK;
}

static GateFault sasl_data(Gate *gate, const char *line, size_t len) {
        const char *hex;
        size_t hex_len;

        if (line_word(line, len, "DATA", &hex, &hex_len))
                return sasl_confirm(gate, hex, hex_len);
        gate->state = GATE_AUTH;
        return sasl_refuse(gate, "REJECTED EXTERNAL\r\n"); /* CANCEL and the rest */
}

static GateFault sasl_confirmed(Gate *gate, const char *line, size_t len) {
        const char *rest;
        size_t rest_len;

        if (line_word(line, len, "BEGIN", &rest, &rest_len) && rest_len == 0) {
                gate->state = GATE_OPEN;
                return GATE_OK;
        }
        if (line_word(line, len, "NEGOTIATE_UNIX_FD", &rest, &rest_len) && rest_len == 0 &&
            !gate->takes_descriptors) {
                gate->takes_descriptors = true;
                answer_add(gate, "AGREE_UNIX_FD\r\n");
                return GATE_OK;
        }
        if (line_word(line, len, "AUTH", &rest, &rest_len) ||
            line_word(line, len, "NEGOTIATE_UNIX_FD", &rest, &rest_len))
                return GATE_FAULT_SASL_ORDER; /* a second one */
        return sasl_refuse(gate, "ERROR\r\n");
}

static GateFault sasl_line(Gate *gate, const char *line, size_t len) {
        for (size_t i = 0; i < len; i++)
                if (line[i] < 0x20 || line[i] > 0x7e)
                        return GATE_FAULT_LINE_CHARACTER;
        switch (gate->state) {
        case GATE_AUTH:
                return sasl_auth(gate, line, len);
        case GATE_DATA:
                return sasl_data(gate, line, len);
        case GATE_CONFIRMED:
                return sasl_confirmed(gate, line, len);
        case GATE_NUL:
        case GATE_OPEN:
        case GATE_SHUT:
        case _GATE_STATE_MAX:
                break;
        }
        return GATE_FAULT_SASL_ORDER;
}

static void buffer_drop_front(Gate *gate, size_t count) {
        memmove(gate->buf, gate->buf + count, gate->len - count);
        gate->len -= count;
        gate->sasl_bytes += count;
}

GateFault gate_sasl_step(Gate *gate, uint64_t now_usec) {
        if (gate->state == GATE_NUL && gate->len > 0) {
                if (gate->buf[0] != '\0')
                        return GATE_FAULT_NO_NUL;
                buffer_drop_front(gate, 1);
                gate->state = GATE_AUTH;
        }
        while (gate->state != GATE_OPEN && gate->len > 0) {
                const char *line = (const char *)gate->buf;
                const char *end = memmem(line, gate->len, "\r\n", 2);
                size_t bytes = end ? (size_t)(end - line) + 2 : gate->len;
                GateFault fault;

                if (bytes > GATE_LINE_MAX)
                        return GATE_FAULT_LINE_LENGTH;
                if (gate->sasl_bytes + bytes > GATE_SASL_MAX)
                        return GATE_FAULT_SASL_LENGTH;
                if (!end)
                        return GATE_OK;
                fault = sasl_line(gate, line, bytes - 2);
                if (fault != GATE_OK)
                        return fault;
                buffer_drop_front(gate, bytes);
        }
        if (gate->state == GATE_OPEN)
                gate->deadline_usec = USEC_INFINITY; /* messages have their own */
        return GATE_OK;
}
