/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The child that speaks to one device, by libfido2.  Whatever the device does to it, it has that
 * device and nothing else; what it reports is judged by its parent.
 *
 * Which key has a credential is found out without a touch (an assertion with "up" off), so that
 * only that one lights up.  Its signature is the parent's to check, who then hands over the PIN:
 * whatever only claims to have a credential has a child that has no PIN to give. */

#include <errno.h>
#include <fido.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "um_fido/token.h"

#define REPORT_BYTES   64U /* of a HID report, without its number */
#define CHANNEL_BYTES  4U
#define CTAPHID_INIT   0x80U
#define CTAPHID_CANCEL (CTAPHID_INIT | 0x11U)

/* ---- reports to and from it ------------------------------------------------------------------ */

typedef struct Line {
        uint8_t channel[CHANNEL_BYTES]; /* the last one written to */
} Line;

static void *line_open(const char *path) {
        return calloc(1, sizeof(Line));
}

static void line_close(void *handle) {
        free(handle);
}

/* Nobody waits any more: a key that blinks is to stop. */
static _Noreturn void line_cancel(const Line *line) {
        uint8_t report[1 + REPORT_BYTES] = { 0 };

        memcpy(report + 1, line->channel, sizeof(line->channel));
        report[1 + CHANNEL_BYTES] = CTAPHID_CANCEL;
        _exit(write(TOKEN_WORKER_DEVICE, report, sizeof(report)) < 0 ? 1 : 0);
}

static int line_read(void *handle, unsigned char *buf, size_t len, int timeout_msec) {
        struct pollfd polls[] = {
                { .fd = TOKEN_WORKER_DEVICE, .events = POLLIN },
                { .fd = TOKEN_WORKER_CONTROL, .events = POLLRDHUP }, /* a TokenGo may wait */
        };
        int n = poll(polls, ARRAY_LENGTH(polls), timeout_msec);

        if (n > 0 && polls[1].revents)
                line_cancel(handle);
        if (n <= 0 || !(polls[0].revents & POLLIN))
                return -1;
        return (int)read(TOKEN_WORKER_DEVICE, buf, len);
}

static int line_write(void *handle, const unsigned char *buf, size_t len) {
        Line *line = handle;

        if (len > CHANNEL_BYTES) /* behind the report's number */
                memcpy(line->channel, buf + 1, sizeof(line->channel));
        return (int)write(TOKEN_WORKER_DEVICE, buf, len);
}

static int device_open(fido_dev_t **ret) {
        static const fido_dev_io_t io = { line_open, line_close, line_read, line_write };
        fido_dev_t *dev = fido_dev_new();
        int r = dev ? fido_dev_set_io_functions(dev, &io) : FIDO_ERR_INTERNAL;

        if (r == FIDO_OK)
                r = fido_dev_set_timeout(dev, (int)(TOKEN_TOUCH_USEC / USEC_PER_MSEC));
        if (r == FIDO_OK)
                r = fido_dev_open(dev, "token");
        if (r == FIDO_OK && !fido_dev_is_fido2(dev)) /* U2F alone verifies nobody */
                r = FIDO_ERR_UNSUPPORTED_OPTION;
        if (r != FIDO_OK) {
                fido_dev_free(&dev);
                return r;
        }
        *ret = dev;
        return FIDO_OK;
}

/* ---- what it says ---------------------------------------------------------------------------- */

static TokenResult result_of(int r) {
        switch (r) {
        case FIDO_OK:
                return TOKEN_OK;
        case FIDO_ERR_NO_CREDENTIALS:
        case FIDO_ERR_INVALID_CREDENTIAL:
        case FIDO_ERR_TX: /* it was pulled out */
        case FIDO_ERR_RX:
                return TOKEN_ABSENT;
        case FIDO_ERR_TIMEOUT:
        case FIDO_ERR_ACTION_TIMEOUT:
        case FIDO_ERR_USER_ACTION_TIMEOUT:
        case FIDO_ERR_KEEPALIVE_CANCEL:
                return TOKEN_TIMEOUT;
        case FIDO_ERR_CHANNEL_BUSY:
                return TOKEN_BUSY;
        case FIDO_ERR_PIN_INVALID:
                return TOKEN_PIN_WRONG;
        case FIDO_ERR_PIN_AUTH_BLOCKED:
        case FIDO_ERR_PIN_BLOCKED:
                return TOKEN_PIN_OFF;
        case FIDO_ERR_OPERATION_DENIED:
        case FIDO_ERR_NOT_ALLOWED:
        case FIDO_ERR_UNSUPPORTED_OPTION:
        case FIDO_ERR_INVALID_OPTION:
        case FIDO_ERR_PIN_REQUIRED:
        case FIDO_ERR_PIN_NOT_SET:
        case FIDO_ERR_PIN_POLICY_VIOLATION:
        case FIDO_ERR_UV_BLOCKED:
        case FIDO_ERR_UV_INVALID:
                return TOKEN_DENIED;
        case FIDO_ERR_CREDENTIAL_EXCLUDED:
                return TOKEN_EXISTS;
        }
        return TOKEN_FAULT;
}

/* ---- the parent ------------------------------------------------------------------------------ */

static void report_send(const TokenReport *report) {
        if (send(TOKEN_WORKER_CONTROL, report, sizeof(*report), MSG_NOSIGNAL) < 0)
                _exit(1);
}

/* Returns only with leave to go on. */
static void go_receive(TokenGo *ret) {
        ssize_t n;

        do
                n = recv(TOKEN_WORKER_CONTROL, ret, sizeof(*ret), 0);
        while (n < 0 && errno == EINTR);
        if (n != (ssize_t)sizeof(*ret))
                _exit(n == 0 ? 0 : 1); /* 0: nobody waits, and the device does nothing now */
        ret->pin[TOKEN_PIN_MAX] = '\0';
}

static const char *pin_of(const TokenGo *go) {
        return go->pin[0] ? go->pin : NULL;
}

/* ---- assertions ------------------------------------------------------------------------------ */

/* The data of an assertion stand in a byte string of CBOR; here is what is in it. */
static int bytes_of(const uint8_t *cbor, size_t len, const uint8_t **ret, size_t *ret_len) {
        size_t head;

        if (len >= 1 && cbor[0] >= 0x40 && cbor[0] < 0x58)
                head = 1;
        else if (len >= 2 && cbor[0] == 0x58)
                head = 2;
        else if (len >= 3 && cbor[0] == 0x59)
                head = 3;
        else
                return -EBADMSG;
        *ret = cbor + head;
        *ret_len = len - head;
        return 0;
}

static int assertion_get(fido_dev_t *dev, const TokenRequest *request,
                         const TokenCredential *credential, bool touch, const char *pin,
                         fido_assert_t **ret) {
        bool verify = touch && (credential->flags & TOKEN_FLAG_VERIFY);
        fido_assert_t *assertion = fido_assert_new();
        int r = assertion ? FIDO_OK : FIDO_ERR_INTERNAL;

        if (r == FIDO_OK)
                r = fido_assert_set_rp(assertion, request->rp);
        if (r == FIDO_OK)
                r = fido_assert_set_clientdata(assertion, request->head.client_data,
                                               sizeof(request->head.client_data));
        if (r == FIDO_OK)
                r = fido_assert_allow_cred(assertion, credential->id, credential->id_bytes);
        if (r == FIDO_OK)
                r = fido_assert_set_up(assertion, touch ? FIDO_OPT_TRUE : FIDO_OPT_FALSE);
        if (r == FIDO_OK && verify)
                r = fido_assert_set_uv(assertion, FIDO_OPT_TRUE);
        if (r == FIDO_OK)
                r = fido_dev_get_assert(dev, assertion, pin);
        if (r == FIDO_OK && fido_assert_count(assertion) != 1)
                r = FIDO_ERR_INVALID_CBOR;
        if (r == FIDO_OK)
                *ret = assertion;
        else
                fido_assert_free(&assertion);
        return r;
}

static int assertion_report(const fido_assert_t *assertion, TokenReport *report) {
        size_t len, signature_len = fido_assert_sig_len(assertion, 0);
        const uint8_t *bytes;

        if (bytes_of(fido_assert_authdata_ptr(assertion, 0), fido_assert_authdata_len(assertion, 0),
                     &bytes, &len) < 0 ||
            len > sizeof(report->authdata) || signature_len > sizeof(report->signature))
                return FIDO_ERR_INVALID_CBOR;
        memcpy(report->authdata, bytes, len);
        report->authdata_bytes = (uint16_t)len;
        memcpy(report->signature, fido_assert_sig_ptr(assertion, 0), signature_len);
        report->signature_bytes = (uint16_t)signature_len;
        return FIDO_OK;
}

/* Which of the credentials it has, with what shows it.  A key that says nothing without its PIN is
 * refused, here as when it is enrolled: anything could say that to be given a PIN. */
static int find(fido_dev_t *dev, const TokenRequest *request, TokenReport *report) {
        for (uint32_t i = 0; i < request->head.credential_count; i++) {
                fido_assert_t *assertion = NULL;
                int r = assertion_get(dev, request, &request->credentials[i], false, NULL,
                                      &assertion);

                if (r == FIDO_OK) {
                        report->which = i;
                        r = assertion_report(assertion, report);
                }
                fido_assert_free(&assertion);
                if (result_of(r) != TOKEN_ABSENT)
                        return r;
        }
        return FIDO_ERR_NO_CREDENTIALS;
}

static bool pin_is_wanted(const fido_dev_t *dev) {
        return fido_dev_has_pin(dev) && !fido_dev_has_uv(dev);
}

static int look(fido_dev_t *dev, const TokenRequest *request, TokenReport *report) {
        int r;

        report->verifies = fido_dev_has_pin(dev) || fido_dev_has_uv(dev);
        report->wants_pin = pin_is_wanted(dev);
        if (request->head.flags & TOKEN_FLAG_NEW)
                return FIDO_OK;
        r = find(dev, request, report);
        if (r == FIDO_OK && !(request->credentials[report->which].flags & TOKEN_FLAG_VERIFY))
                report->wants_pin = 0;
        return r;
}

static int assert_by_one(fido_dev_t *dev, const TokenRequest *request, TokenReport *report) {
        const TokenCredential *credential;
        fido_assert_t *assertion = NULL;
        int r = find(dev, request, report);
        TokenGo go;

        if (r != FIDO_OK)
                return r;
        report->result = TOKEN_OK;
        report_send(report);
        go_receive(&go);
        credential = &request->credentials[report->which];
        r = assertion_get(dev, request, credential, true, pin_of(&go), &assertion);
        base_wipe(&go, sizeof(go));
        if (r == FIDO_OK)
                r = assertion_report(assertion, report);
        fido_assert_free(&assertion);
        return r;
}

/* ---- a new one ------------------------------------------------------------------------------- */

static int credential_fill(fido_cred_t *made, const TokenRequest *request) {
        const TokenHead *head = &request->head;
        int r = fido_cred_set_type(made, COSE_ES256);

        if (r == FIDO_OK)
                r = fido_cred_set_rp(made, request->rp, "um");
        if (r == FIDO_OK)
                r = fido_cred_set_user(made, (const uint8_t *)&head->uid, sizeof(head->uid),
                                       request->name, request->name, NULL);
        if (r == FIDO_OK)
                r = fido_cred_set_clientdata(made, head->client_data, sizeof(head->client_data));
        if (r == FIDO_OK && (head->flags & TOKEN_FLAG_VERIFY))
                r = fido_cred_set_uv(made, FIDO_OPT_TRUE);
        for (size_t i = 0; r == FIDO_OK && i < head->credential_count; i++)
                r = fido_cred_exclude(made, request->credentials[i].id,
                                      request->credentials[i].id_bytes);
        return r;
}

/* The new credential signs the challenge once, without a touch: so it is known to work, whatever
 * attestation the key has. */
static int credential_try(fido_dev_t *dev, const TokenRequest *request, const fido_cred_t *made,
                          TokenReport *report) {
        const TokenCredential credential = { .id = fido_cred_id_ptr(made),
                                             .id_bytes = fido_cred_id_len(made) };
        fido_assert_t *assertion = NULL;
        int r = assertion_get(dev, request, &credential, false, NULL, &assertion);

        if (r == FIDO_OK)
                r = assertion_report(assertion, report);
        fido_assert_free(&assertion);
        return r;
}

static int make(fido_dev_t *dev, const TokenRequest *request, TokenReport *report) {
        fido_cred_t *made = fido_cred_new();
        size_t len;
        int r = made ? credential_fill(made, request) : FIDO_ERR_INTERNAL;
        TokenGo go;

        go_receive(&go);
        if (r == FIDO_OK)
                r = fido_dev_make_cred(dev, made, pin_of(&go));
        base_wipe(&go, sizeof(go));
        if (r == FIDO_OK) {
                len = fido_cred_authdata_raw_len(made);
                if (len > sizeof(report->made) || len == 0)
                        r = FIDO_ERR_INVALID_CBOR;
                else {
                        memcpy(report->made, fido_cred_authdata_raw_ptr(made), len);
                        report->made_bytes = (uint16_t)len;
                        r = credential_try(dev, request, made, report);
                }
        }
        fido_cred_free(&made);
        return r;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int work(const TokenRequest *request, TokenReport *report) {
        fido_dev_t *dev = NULL;
        int r = device_open(&dev);

        if (r != FIDO_OK) /* it is none that um can use */
                return FIDO_ERR_NO_CREDENTIALS;
        if (request->head.op == TOKEN_LOOK)
                r = look(dev, request, report);
        else if (request->head.op == TOKEN_ASSERT)
                r = assert_by_one(dev, request, report);
        else
                r = make(dev, request, report);
        (void)fido_dev_close(dev);
        fido_dev_free(&dev);
        return r;
}

_Noreturn void token_worker_run(const TokenRequest *request) {
        TokenReport report = { .result = TOKEN_FAULT };

        if (token_sandbox_enter() < 0)
                _exit(1);
        report.result = result_of(work(request, &report));
        report_send(&report);
        _exit(0);
}
