/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A packet the vault or umd believes: all of it lies inside what was received, and building it
 * again gives the same bytes.  One that is a request about second factors is then worked on, a
 * question about a one-time code with a seed that opens: whatever it asks, the answer is one that
 * umd believes, it is the verb's own, a secret is in the one answer that has one, and a guess for
 * nothing finds nothing. */

#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "um_vault/vault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char key_bytes[VAULT_KEY_BYTES + 1] = "0123456789abcdef0123456789abcdef";

/* Puts a seed behind the question, of a form that the question's window picks. */
static void seed_put(const Secret *key, VaultJob *job) {
        static const char text[] = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        VaultSeedForm form = { .digits = 6 };
        Secret *seed;
        VaultOtp otp;
        uint32_t len;

        if (job->head.verifier_bytes <= sizeof(otp))
                return;
        memcpy(&otp, job->verifier, sizeof(otp));
        form.algorithm = otp.window % _VAULT_ALGORITHM_MAX;
        form.digits += otp.resync % 3;
        form.period_sec = job->head.subject.kind == VAULT_KIND_TOTP ? 30 : 0;
        assert(base_secret_new(text, strlen(text), &seed) == 0);
        assert(vault_seed_import(key, &job->head.subject, &form, seed, job->verifier + sizeof(otp),
                                 &len) == 0);
        base_secret_free(seed);
        job->head.verifier_bytes = (uint32_t)sizeof(otp) + len;
}

static bool status_is_of(uint32_t op, VaultStatus status) {
        if (status == VAULT_BAD_REQUEST)
                return true;
        switch ((VaultOp)op) {
        case VAULT_SEED_NEW:
        case VAULT_CODE_HASH:
                return status == VAULT_OK;
        case VAULT_SEED_IMPORT:
                return status == VAULT_OK || status == VAULT_BAD_RECORD;
        case VAULT_OTP:
                return status == VAULT_MATCH || status == VAULT_NO_MATCH || status == VAULT_USED;
        case VAULT_CODE_VERIFY:
                return status == VAULT_NO_MATCH; /* nobody guesses a keyed hash */
        case VAULT_COMPARE:
                return status == VAULT_BAD_RECORD; /* nobody seals without the key */
        case VAULT_PING:
        case VAULT_HASH:
        case VAULT_VERIFY:
        case VAULT_IMPORT:
        case VAULT_SPEND:
        case _VAULT_OP_MAX:
                break;
        }
        return false;
}

static void request_work(const VaultPacket *packet) {
        bool nothing = packet->head.flags & VAULT_FLAG_NOTHING;
        VaultContext context = { 0 };
        uint8_t buf[VAULT_PACKET_MAX];
        VaultPacket answer;
        VaultJob *job;
        Secret *key;
        ssize_t len;

        assert(base_secret_new(key_bytes, VAULT_KEY_BYTES, &key) == 0);
        context.key = key;
        assert(vault_job_new(packet, 1, &job) == 0);
        if (packet->head.op == VAULT_OTP)
                seed_put(key, job);
        vault_job_work(&context, NULL, job);
        len = vault_packet_build(&job->head, job->secret ? base_secret_bytes(job->secret) : NULL,
                                 job->verifier, buf);
        assert(len > 0 && vault_packet_parse(buf, (size_t)len, &answer) == 0);
        assert(status_is_of(answer.head.op, (VaultStatus)answer.head.status));
        assert((answer.secret != NULL) ==
               (answer.head.op == VAULT_SEED_NEW && answer.head.status == VAULT_OK));
        assert((answer.verifier != NULL) ==
               (answer.head.status == VAULT_OK || answer.head.status == VAULT_MATCH ||
                answer.head.status == VAULT_USED));
        assert(!nothing || !answer.verifier);
        vault_job_free(job);
        base_secret_free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        uint8_t buf[VAULT_PACKET_MAX];
        VaultPacket packet;

        if (vault_packet_parse(data, size, &packet) < 0)
                return 0;
        assert(vault_packet_build(&packet.head, packet.secret, packet.verifier, buf) ==
               (ssize_t)size);
        assert(memcmp(buf, data, size) == 0);
        if (packet.head.op >= VAULT_SEED_NEW && vault_request_is_valid(&packet))
                request_work(&packet);
        return 0;
}
