/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The vault as core sees it: passwords and codes go over, verdicts come back, both asynchronously.
 *
 * An answer counts only if it is one of those its verb may have; everything else, silence and a
 * lost vault included, is CORE_PROOF_FAULT, which denies.  Speaks to a vault of root (systemd
 * listened), of um-vault, or to a child of our own.  Keeps no secret: packets are wiped once they
 * are sent. */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "base/base.h"
#include "um_vault/um_vault.h"
#include "umd/umd.h"

static_assert(CORE_KIND_PASSWORD == VAULT_KIND_PASSWORD, "kinds pass through");
static_assert(CORE_KIND_SETUP_CODE == VAULT_KIND_SETUP_CODE, "kinds pass through");
static_assert(CORE_KIND_TOTP == VAULT_KIND_TOTP, "kinds pass through");
static_assert(CORE_KIND_HOTP == VAULT_KIND_HOTP, "kinds pass through");
static_assert(CORE_KIND_RECOVERY_CODE == VAULT_KIND_RECOVERY_CODE, "kinds pass through");
static_assert(CORE_KIND_MAIL_CODE == VAULT_KIND_MAIL_CODE, "kinds pass through");
static_assert(CORE_KIND_RESET_CODE == VAULT_KIND_RESET_CODE, "kinds pass through");
static_assert(CORE_ALGORITHM_SHA1 == (int)VAULT_ALGORITHM_SHA1, "algorithms pass through");
static_assert(CORE_ALGORITHM_SHA256 == (int)VAULT_ALGORITHM_SHA256, "algorithms pass through");
static_assert(CORE_ALGORITHM_SHA512 == (int)VAULT_ALGORITHM_SHA512, "algorithms pass through");
static_assert(CORE_CODES_MAX == VAULT_CODES_MAX, "lists pass through");
static_assert(CORE_CODE_HASH_BYTES == VAULT_CODE_HASH_BYTES, "hashes pass through");

/* PAM's verdict is due within 5 s */
#define VAULT_TIMEOUT_USEC (4 * USEC_PER_SEC)
/* what the vault queues, and as many on their way */
#define VAULT_PENDING_MAX (2 * VAULT_QUEUE_MAX)

struct VaultClient {
        VaultClientSpec spec;
        Channel *channel;
        const uint8_t *store_id;
        uint64_t last_id;
        bool ready;     /* it answered that it has a key */
        bool key_right; /* and that is the one the store's verifiers are sealed under */
        VaultRecovery recovery;
        bool told_lost;
        Service service;
};

typedef struct VaultCall {
        VaultClient *client;
        VaultOp op;
        uid_t uid;
        union {
                CoreVaultDone verifier;
                CoreSeedDone seed;
                CoreMatchDone match;
        } done; /* as the verb has it */
        void *userdata;
} VaultCall;

/* Verbs whose answer is a verifier, and guesses at codes, whose answer is a step. */
static bool op_makes(VaultOp op) {
        return op == VAULT_HASH || op == VAULT_IMPORT || op == VAULT_SEED_NEW ||
               op == VAULT_SEED_IMPORT || op == VAULT_CODE_HASH;
}

static bool op_finds(VaultOp op) {
        return op == VAULT_OTP || op == VAULT_CODE_VERIFY;
}

/* What the status says for the verb; one that does not belong to it is a fault. */
static CoreProofResult proof_result(VaultOp op, const VaultHead *head) {
        bool makes = op_makes(op), step = head->verifier_bytes == sizeof(uint64_t);

        switch ((VaultStatus)head->status) {
        case VAULT_OK:
                return makes && head->verifier_bytes > 0 ? CORE_PROOF_MATCH : CORE_PROOF_FAULT;
        case VAULT_MATCH:
                return op == VAULT_VERIFY || op == VAULT_COMPARE || (op_finds(op) && step)
                               ? CORE_PROOF_MATCH
                               : CORE_PROOF_FAULT;
        case VAULT_NO_MATCH:
                return makes ? CORE_PROOF_FAULT : CORE_PROOF_NO_MATCH;
        case VAULT_BUSY:
                return CORE_PROOF_BUSY;
        case VAULT_THROTTLED:
                return CORE_PROOF_THROTTLED;
        case VAULT_BAD_RECORD:
                /* a former password that nobody can read any more is nobody's */
                return op == VAULT_IMPORT || op == VAULT_SEED_IMPORT || op == VAULT_COMPARE
                               ? CORE_PROOF_NO_MATCH
                               : CORE_PROOF_FAULT;
        case VAULT_USED:
                return op == VAULT_OTP && step ? CORE_PROOF_USED : CORE_PROOF_FAULT;
        case VAULT_BAD_REQUEST:
        case VAULT_FAULT:
        case _VAULT_STATUS_MAX:
                break;
        }
        return CORE_PROOF_FAULT;
}

/* Nobody gets in, and all else looks well: whoever restored a store without its key must be told.
 */
static void record_complain(const VaultCall *call) {
        bool password = call->op == VAULT_VERIFY;

        log_write(call->client->spec.log,
                  &(LogRecord){ .priority = LOG_ERR, .message = MESSAGE_VAULT_RECORD },
                  "um-vault cannot open the %s of uid %u: it was sealed under another key, or is "
                  "damaged; put the right key back and restart um-vault, or %s",
                  password ? "password" : "second factor", call->uid,
                  password ? "set the password anew" : "let the user set it up anew");
}

/* The answer as it counts: one that is none is a fault without a verifier. */
static CoreProofResult answer_judge(const VaultCall *call, int r, const void *bytes, size_t len,
                                    VaultPacket *ret) {
        CoreProofResult result;

        *ret = (VaultPacket){ 0 };
        if (r < 0 || vault_packet_parse(bytes, len, ret) < 0 ||
            ret->head.op != (uint32_t)call->op) {
                *ret = (VaultPacket){ 0 };
                return CORE_PROOF_FAULT;
        }
        result = proof_result(call->op, &ret->head);
        if ((call->op == VAULT_VERIFY || call->op == VAULT_OTP) &&
            ret->head.status == VAULT_BAD_RECORD)
                record_complain(call);
        /* made under a key that is not known to be the right one */
        if (ret->head.verifier_bytes > 0 && call->client->spec.key_is_right &&
            !call->client->key_right) {
                ret->head.verifier_bytes = 0;
                result = call->op == VAULT_VERIFY ? result : CORE_PROOF_FAULT;
        }
        if (result != CORE_PROOF_MATCH && result != CORE_PROOF_USED)
                ret->head.verifier_bytes = 0;
        if (ret->head.verifier_bytes == 0)
                ret->verifier = NULL;
        return result;
}

static void call_answered(void *userdata, int r, const void *bytes, size_t len) {
        VaultCall *call = userdata;
        VaultPacket packet;
        CoreProofResult result = answer_judge(call, r, bytes, len, &packet);

        call->done.verifier(call->userdata, result, packet.verifier, packet.head.verifier_bytes,
                            base_realtime_usec());
}

/* A new seed without its text would be one that nobody can have: a fault. */
static void seed_answered(void *userdata, int r, const void *bytes, size_t len) {
        VaultCall *call = userdata;
        _cleanup_secret_ Secret *text = NULL;
        VaultPacket packet;
        CoreProofResult result = answer_judge(call, r, bytes, len, &packet);

        if (result == CORE_PROOF_MATCH && call->op == VAULT_SEED_NEW &&
            (!packet.secret ||
             base_secret_new(packet.secret, packet.head.secret_bytes, &text) < 0)) {
                result = CORE_PROOF_FAULT;
                packet.verifier = NULL;
                packet.head.verifier_bytes = 0;
        }
        call->done.seed(call->userdata, result, packet.verifier, packet.head.verifier_bytes, text,
                        base_realtime_usec());
}

static void match_answered(void *userdata, int r, const void *bytes, size_t len) {
        VaultCall *call = userdata;
        VaultPacket packet;
        CoreProofResult result = answer_judge(call, r, bytes, len, &packet);
        uint64_t step = 0;

        if (packet.verifier) /* as proof_result() has it */
                memcpy(&step, packet.verifier, sizeof(step));
        call->done.match(call->userdata, result, step, base_realtime_usec());
}

static int call_send(VaultClient *client, VaultHead *head, const Secret *secret,
                     const void *verifier, ChannelDone done, VaultCall *call) {
        uint8_t packet[VAULT_PACKET_MAX];
        ssize_t len;
        int r;

        head->protocol = VAULT_PROTOCOL;
        head->id = ++client->last_id;
        head->secret_bytes = secret ? (uint32_t)base_secret_len(secret) : 0;
        len = vault_packet_build(head, secret ? base_secret_bytes(secret) : NULL, verifier, packet);
        if (len < 0)
                return (int)len;
        r = channel_call(client->channel, head->id, packet, (size_t)len, done, call);
        base_wipe(packet, (size_t)len);
        return r;
}

/* of says who is told, and how; the rest of the call is made here. */
static int call_make(VaultHead *head, const Secret *secret, const void *verifier,
                     const VaultCall *of, ChannelDone answered) {
        _cleanup_free_ VaultCall *call = malloc(sizeof(*call));
        VaultClient *client = of->client;
        int r;

        if (!call)
                return -ENOMEM;
        if (!client->store_id)
                return -ENOTCONN;
        *call = *of;
        call->op = (VaultOp)head->op;
        call->uid = head->subject.uid;
        memcpy(head->subject.store_id, client->store_id, sizeof(head->subject.store_id));
        r = call_send(client, head, secret, verifier, answered, call);
        if (r >= 0)
                TAKE(call);
        return r;
}

static int client_call(VaultClient *client, VaultHead *head, const Secret *secret,
                       const void *verifier, CoreVaultDone done, void *done_userdata) {
        const VaultCall of = { .client = client, .done.verifier = done, .userdata = done_userdata };

        return call_make(head, secret, verifier, &of, call_answered);
}

/* ---- what core calls ------------------------------------------------------------------------- */

static uint32_t from_flags(CoreFrom from) {
        return from == CORE_FROM_KNOWN  ? VAULT_FLAG_KNOWN
               : from == CORE_FROM_HERE ? VAULT_FLAG_HERE
                                        : 0;
}

static int vault_verify(void *userdata, uid_t uid, CoreFrom from, uint32_t kind,
                        const void *verifier, size_t len, uint64_t version, uint64_t new_version,
                        const Secret *secret, CoreVaultDone done, void *done_userdata) {
        VaultHead head = {
                .op = VAULT_VERIFY,
                .flags = from_flags(from),
                .subject = { .uid = uid, .kind = kind, .version = version },
                .upgrade_version = new_version,
        };

        if (len > VAULT_VERIFIER_MAX)
                return -EMSGSIZE;
        head.verifier_bytes = (uint32_t)len;
        return client_call(userdata, &head, secret, verifier, done, done_userdata);
}

static int vault_hash(void *userdata, uid_t uid, uint32_t kind, uint64_t new_version,
                      const Secret *secret, CoreVaultDone done, void *done_userdata) {
        VaultHead head = {
                .op = VAULT_HASH,
                .subject = { .uid = uid, .kind = kind, .version = new_version },
        };

        return client_call(userdata, &head, secret, NULL, done, done_userdata);
}

static int vault_import(void *userdata, uid_t uid, uint32_t kind, uint64_t new_version,
                        const Secret *secret, CoreVaultDone done, void *done_userdata) {
        VaultHead head = {
                .op = VAULT_IMPORT,
                .subject = { .uid = uid, .kind = kind, .version = new_version },
        };

        return client_call(userdata, &head, secret, NULL, done, done_userdata);
}

static int vault_spend(void *userdata, uint32_t lane, CoreFrom from, const Secret *secret,
                       CoreVaultDone done, void *done_userdata) {
        VaultHead head = {
                .op = VAULT_SPEND,
                .flags = from_flags(from),
                .subject = { .uid = lane, .kind = VAULT_KIND_PASSWORD },
        };

        return client_call(userdata, &head, secret, NULL, done, done_userdata);
}

static int vault_seed(void *userdata, uid_t uid, uint32_t kind, const CoreSeedForm *form,
                      uint64_t new_version, const Secret *given, CoreSeedDone done,
                      void *done_userdata) {
        const VaultCall of = { .client = userdata, .done.seed = done, .userdata = done_userdata };
        const VaultSeedForm wanted = { .algorithm = (uint32_t)form->algorithm,
                                       .digits = form->digits,
                                       .period_sec = form->period_sec };
        VaultHead head = {
                .op = given ? VAULT_SEED_IMPORT : VAULT_SEED_NEW,
                .subject = { .uid = uid, .kind = kind, .version = new_version },
                .verifier_bytes = sizeof(wanted),
        };

        return call_make(&head, given, &wanted, &of, seed_answered);
}

static uint32_t code_flags(CoreFrom from, bool nothing) {
        return from_flags(from) | (nothing ? VAULT_FLAG_NOTHING : 0);
}

static int vault_otp(void *userdata, uid_t uid, CoreFrom from, bool nothing, uint32_t kind,
                     const void *sealed, size_t len, uint64_t version, const CoreOtp *otp,
                     const Secret *code, CoreMatchDone done, void *done_userdata) {
        const VaultCall of = { .client = userdata, .done.match = done, .userdata = done_userdata };
        const VaultOtp asked = { .floor = otp->floor,
                                 .now_sec = otp->now_sec,
                                 .window = otp->window,
                                 .resync = otp->resync };
        uint8_t verifier[VAULT_VERIFIER_MAX];
        VaultHead head = {
                .op = VAULT_OTP,
                .flags = code_flags(from, nothing),
                .subject = { .uid = uid, .kind = kind, .version = version },
        };

        if (len > sizeof(verifier) - sizeof(asked))
                return -EMSGSIZE;
        memcpy(verifier, &asked, sizeof(asked));
        memcpy(verifier + sizeof(asked), sealed, len);
        head.verifier_bytes = (uint32_t)(sizeof(asked) + len);
        return call_make(&head, code, verifier, &of, match_answered);
}

static int vault_code_hash(void *userdata, uid_t uid, uint32_t kind, uint64_t new_version,
                           const Secret *codes, CoreVaultDone done, void *done_userdata) {
        VaultHead head = {
                .op = VAULT_CODE_HASH,
                .subject = { .uid = uid, .kind = kind, .version = new_version },
        };

        return client_call(userdata, &head, codes, NULL, done, done_userdata);
}

static int vault_code_verify(void *userdata, uid_t uid, CoreFrom from, bool nothing, uint32_t kind,
                             const void *hashes, size_t len, uint64_t version, const Secret *code,
                             CoreMatchDone done, void *done_userdata) {
        const VaultCall of = { .client = userdata, .done.match = done, .userdata = done_userdata };
        VaultHead head = {
                .op = VAULT_CODE_VERIFY,
                .flags = code_flags(from, nothing),
                .subject = { .uid = uid, .kind = kind, .version = version },
        };

        if (len > VAULT_VERIFIER_MAX)
                return -EMSGSIZE;
        head.verifier_bytes = (uint32_t)len;
        return call_make(&head, code, hashes, &of, match_answered);
}

static int vault_compare(void *userdata, uid_t uid, CoreFrom from, uint32_t kind,
                         const void *verifier, size_t len, uint64_t version, const Secret *secret,
                         CoreVaultDone done, void *done_userdata) {
        VaultHead head = {
                .op = VAULT_COMPARE,
                .flags = from_flags(from),
                .subject = { .uid = uid, .kind = kind, .version = version },
        };

        if (len > VAULT_VERIFIER_MAX)
                return -EMSGSIZE;
        head.verifier_bytes = (uint32_t)len;
        return client_call(userdata, &head, secret, verifier, done, done_userdata);
}

static bool vault_ready(void *userdata) {
        const VaultClient *client = userdata;

        return client->ready;
}

void vault_client_operations(VaultClient *client, CoreVault *ret) {
        *ret = (CoreVault){
                .userdata = client,
                .verify = vault_verify,
                .hash = vault_hash,
                .import = vault_import,
                .spend = vault_spend,
                .ready = vault_ready,
                .seed = vault_seed,
                .otp = vault_otp,
                .code_hash = vault_code_hash,
                .code_verify = vault_code_verify,
                .compare = vault_compare,
        };
}

const char *vault_client_recovery(const VaultClient *client) {
        switch (client->recovery) {
        case VAULT_RECOVERY_NONE:
                return "none";
        case VAULT_RECOVERY_KEPT:
                return "kept";
        case VAULT_RECOVERY_FAILED:
                return "failed";
        case VAULT_RECOVERY_UNTOLD:
        case _VAULT_RECOVERY_MAX:
                break;
        }
        return "";
}

/* ---- the connection -------------------------------------------------------------------------- */

static int client_connect(void *userdata, int *ret_fd) {
        VaultClient *client = userdata;

        return service_connect(&client->service, ret_fd);
}

static int answer_id(const void *bytes, size_t len, uint64_t *ret_id) {
        VaultPacket packet;
        int r = vault_packet_parse(bytes, len, &packet);

        if (r >= 0)
                *ret_id = packet.head.id;
        return r;
}

/* A vault from before there were ids, which an upgrade left running, tells none: it has the key it
 * had. */
static bool key_judge(const VaultClient *client, const VaultPacket *packet) {
        if (!client->spec.key_is_right || packet->head.verifier_bytes == 0)
                return true;
        return packet->head.verifier_bytes == VAULT_KEY_ID_BYTES &&
               client->spec.key_is_right(client->spec.userdata, packet->verifier);
}

static int client_ping(VaultClient *client);

static void pinged(void *userdata, int r, const void *bytes, size_t len) {
        VaultClient *client = ((VaultCall *)userdata)->client;
        VaultPacket packet;

        if (r == -ETIMEDOUT) /* it is busy, or hangs: the next one tells */
                (void)client_ping(client);
        if (r < 0 || vault_packet_parse(bytes, len, &packet) < 0 || packet.head.status != VAULT_OK)
                return;
        client->key_right = key_judge(client, &packet);
        client->ready = true;
        client->recovery = packet.head.recovery < _VAULT_RECOVERY_MAX
                                   ? (VaultRecovery)packet.head.recovery
                                   : VAULT_RECOVERY_UNTOLD;
        if (client->told_lost)
                log_write(client->spec.log,
                          &(LogRecord){ .priority = LOG_NOTICE, .message = MESSAGE_VAULT_BACK },
                          "um-vault is back%s",
                          client->key_right ? ": passwords are checked again" : "");
        client->told_lost = false;
}

static int client_ping(VaultClient *client) {
        _cleanup_free_ VaultCall *call = malloc(sizeof(*call));
        VaultHead head = { .op = VAULT_PING };
        int r;

        if (!call)
                return -ENOMEM;
        *call = (VaultCall){ .client = client, .op = VAULT_PING };
        r = call_send(client, &head, NULL, NULL, pinged, call);
        if (r >= 0)
                TAKE(call);
        return r;
}

static int client_connected(void *userdata) {
        return client_ping(userdata);
}

static void client_lost(void *userdata, int fault) {
        VaultClient *client = userdata;

        client->ready = client->key_right = false;
        client->recovery = VAULT_RECOVERY_UNTOLD;
        if (!client->told_lost)
                log_write(client->spec.log,
                          &(LogRecord){ .priority = LOG_ERR,
                                        .message = MESSAGE_VAULT_LOST,
                                        .fault = fault },
                          "um-vault is away: logins with a password are answered as unavailable");
        client->told_lost = true;
}

void vault_client_bind(VaultClient *client, const uint8_t *store_id) {
        client->store_id = store_id;
}

int vault_client_new(const VaultClientSpec *spec, VaultClient **ret) {
        _cleanup_(vault_client_freep) VaultClient *client = calloc(1, sizeof(*client));
        ChannelSpec channel = {
                .timeout_usec = VAULT_TIMEOUT_USEC,
                .packet_max = VAULT_PACKET_MAX,
                .pending_max = VAULT_PENDING_MAX,
                .keep = true,
                .userdata = client,
                .connect = client_connect,
                .answer_id = answer_id,
                .connected = client_connected,
                .lost = client_lost,
        };
        int r;

        if (!client)
                return -ENOMEM;
        client->spec = *spec;
        client->service = (Service){ .socket = spec->socket,
                                     .user = "um-vault",
                                     .passwd = spec->passwd,
                                     .binary = spec->binary,
                                     .option = "--key-dir",
                                     .value = spec->key_dir };
        r = channel_new(spec->event, &channel, &client->channel);
        if (r < 0)
                return r;
        (void)channel_connect(client->channel); /* it is told and tried again if it fails */
        *ret = TAKE(client);
        return 0;
}

VaultClient *vault_client_free(VaultClient *client) {
        if (!client)
                return NULL;
        client->channel = channel_free(client->channel);
        service_end(&client->service);
        free(client);
        return NULL;
}
