/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of um-vault, for its own files and their tests; umd includes um_vault.h only. */

#include "um_vault/um_vault.h"

/* ---- the record key -------------------------------------------------------------------------- */

#define VAULT_KEY_BYTES      32U
#define VAULT_KEY_NAME       "key"
#define VAULT_KEY_CREDENTIAL "um-record-key"

/* Reads the key: the systemd credential in credentials_dir (NULL: there is none) if it exists, else
 * key_dir/key, which is made where it does not exist, whole and durable or not at all.  A key that
 * is there but cannot be read or is no key is never replaced, since that would lose every record.
 * On a fault ret_file (PATH_MAX bytes) names the file; -EBADMSG is one of a wrong kind or size. */
int vault_key_load(const char *key_dir, const char *credentials_dir, Secret **ret, char *ret_file);

/* The key's id: its keyed hash of a constant, of which nothing leads back to it. */
int vault_key_id(const Secret *key, uint8_t *ret_id);

/* Puts a key in place where there is none; -EEXIST where one is. */
int vault_key_put(const char *key_dir, const Secret *key);

/* A new file, its bytes on the disk; what could not be written whole is taken away again. */
int vault_file_write(int dir_fd, const char *name, mode_t mode, const void *bytes, size_t len);
/* A file of mode 0600 that is there as a whole or not, and durable.  Without replace: -EEXIST. */
int vault_file_put(int dir_fd, const char *name, const void *bytes, size_t len, bool replace);

/* ---- the recovery key ------------------------------------------------------------------------ */

#define VAULT_RECOVERY_PUBLIC "/etc/um/recovery.pub"
#define VAULT_RECOVERY_NAME   "key.recovery"
#define VAULT_RECOVERY_TEXT   75U /* bytes of a half as text, with its newline */

#define VAULT_E_TEXT 1 /* not that half of a pair as text: mistyped */
#define VAULT_E_FILE 2 /* not a file of a sealed key, or damaged */
#define VAULT_E_PAIR 3 /* sealed for another pair */

typedef enum RecoveryHalf { RECOVERY_PRIVATE = 1, RECOVERY_PUBLIC } RecoveryHalf;

/* A new pair: the public half as a file (-EEXIST where there is one), the private one as text with
 * a newline behind it. */
int vault_recovery_new(const char *public_file, Secret **ret_text);
/* Sees to it that key_dir has the key sealed for that half: KEPT, or NONE where there is no
 * public_file. */
int vault_recovery_keep(const char *public_file, const char *key_dir, const Secret *key,
                        VaultRecovery *ret);
/* The key that is sealed in file, by the private half. */
int vault_recovery_open(const char *file, const Secret *text, Secret **ret_key);
/* A half as text, the newline may be missing -> its 32 bytes, or VAULT_E_TEXT. */
int vault_recovery_parse(RecoveryHalf which, const char *text, size_t len, uint8_t *ret_key);

/* ---- seals ----------------------------------------------------------------------------------- */

#define VAULT_E_SEAL 1 /* another key, another subject, or not the bytes that were sealed */

/* Seals len bytes for subject into buf (VAULT_VERIFIER_MAX bytes).  -EMSGSIZE where they do not
 * fit. */
int vault_seal(const Secret *key, const VaultSubject *subject, const void *data, size_t len,
               uint8_t *buf, uint32_t *ret_len);
int vault_unseal(const Secret *key, const VaultSubject *subject, const uint8_t *verifier,
                 size_t len, Secret **ret);

/* The subject as what is made for it is bound to it: field by field, VAULT_BOUND_BYTES. */
#define VAULT_BOUND_BYTES 52U
void vault_subject_bind(const VaultSubject *subject, uint8_t *ret_bound);

/* ---- second factors: seeds and codes --------------------------------------------------------- */

#define VAULT_E_FORM  2 /* no form or question of its kind: a bad request */
#define VAULT_E_SEED  3 /* not base32, or not of VAULT_SEED_MIN to VAULT_SEED_MAX bytes */
#define VAULT_E_CODES 4 /* not a list of codes, or of their hashes */

/* Both seal into buf (VAULT_VERIFIER_MAX bytes); ret_text is the new seed in base32. */
int vault_seed_new(const Secret *key, const VaultSubject *subject, const VaultSeedForm *form,
                   uint8_t *buf, uint32_t *ret_len, Secret **ret_text);
int vault_seed_import(const Secret *key, const VaultSubject *subject, const VaultSeedForm *form,
                      const Secret *text, uint8_t *buf, uint32_t *ret_len);
/* MATCH, USED or NO_MATCH and the step; VAULT_E_SEAL where the seed does not open. */
int vault_otp_check(const Secret *key, const VaultSubject *subject, const VaultOtp *otp,
                    const uint8_t *sealed, size_t len, const Secret *code, VaultStatus *ret,
                    uint64_t *ret_step);

/* The length of the code that s begins with, up to a space or the end; 0: there is none. */
size_t vault_codes_next(const char *s, size_t len);
/* Hashes a list of codes into buf (VAULT_VERIFIER_MAX bytes). */
int vault_codes_hash(const Secret *key, const VaultSubject *subject, const Secret *codes,
                     uint8_t *buf, uint32_t *ret_len);
int vault_code_find(const Secret *key, const VaultSubject *subject, const uint8_t *hashes,
                    size_t len, const Secret *code, bool *ret_match, uint64_t *ret_index);

/* Base32 (RFC 4648) without padding; no NUL.  Returns the length, 8 for each 5 bytes begun at most.
 */
size_t vault_base32_encode(const void *data, size_t len, char *ret_text);
/* In either case, padded or not; -EINVAL for anything else and for what does not fit buf. */
int vault_base32_decode(const char *text, size_t len, void *buf, size_t size, size_t *ret_len);

/* ---- what a hash costs ----------------------------------------------------------------------- */

/* crypt_gensalt(3)'s count for "$y$": j9T of 16 MiB, jAT, jBT of 64 MiB.  Each has twice the memory
 * and the time of the one before. */
#define VAULT_COST_MIN       5U
#define VAULT_COST_MAX       7U
#define VAULT_COST_MIN_BYTES ((uint64_t)16 << 20)
#define VAULT_COST_USEC      (40 * USEC_PER_MSEC) /* of a core, at least: 25 guesses a second */
#define VAULT_COST_NAME      "cost"

/* Hashes once, as the vault does: what that took of a core. */
typedef int (*VaultCostMeasure)(void *userdata, unsigned cost, uint64_t *ret_usec);

typedef struct VaultCostGauge {
        VaultCostMeasure measure;
        void *userdata;
        unsigned max; /* vault_cost_bound()'s */
} VaultCostGauge;

typedef struct VaultCostChoice {
        unsigned cost;
        uint64_t usec; /* the fastest hash of that cost; 0: not measured, the file had it */
} VaultCostChoice;

/* "j9T" for VAULT_COST_MIN and so on. */
const char *vault_cost_name(unsigned cost);
/* The file's one line, "yescrypt j9T"; the newline may be missing.  -EBADMSG for anything else, and
 * for a cost below the floor or above the highest. */
int vault_cost_parse(const char *text, size_t len, unsigned *ret);
/* The highest cost at which all workers at once take a quarter of the memory at most; never below
 * VAULT_COST_MIN. */
unsigned vault_cost_bound(uint64_t memory_bytes, unsigned worker_count);
/* The lowest cost of VAULT_COST_USEC, or the highest there is: max, or the last that could be
 * hashed at. */
int vault_cost_choose(const VaultCostGauge *gauge, VaultCostChoice *ret);
/* What key_dir/cost says; where there is no such file a cost is chosen and kept there.  -EBADMSG:
 * it says nothing that is believed, and stays. */
int vault_cost_load(const char *key_dir, const VaultCostGauge *gauge, VaultCostChoice *ret);
/* Chooses anew, and keeps it where that is more than what the file says.  ret_old is 0 where there
 * was no file, or none that is believed. */
int vault_cost_raise(const char *key_dir, const VaultCostGauge *gauge, unsigned *ret_old,
                     VaultCostChoice *ret);

/* ---- methods: crypt(3) and which of its strings are believed --------------------------------- */

#define VAULT_E_METHOD   1 /* not a whole hash of a method um knows, or one that costs too much */
#define VAULT_E_PASSWORD 2 /* empty, too long, or with a NUL: nobody's password */

typedef struct VaultMethod {
        unsigned cost; /* of yescrypt from VAULT_COST_MIN on; 0: weaker than all of it */
        uint32_t password_max_len; /* what the method looks at; it ignores what is behind */
} VaultMethod;

/* A worker's own room for crypt(3): locked, out of core dumps, wiped after each use. */
typedef struct VaultRoom VaultRoom;

int vault_room_new(VaultRoom **ret);
VaultRoom *vault_room_free(VaultRoom *room);

int vault_method_examine(const Secret *hash, VaultMethod *ret);
/* Hashes by the preferred method (yescrypt) at that cost, with a new salt. */
int vault_method_hash(VaultRoom *room, unsigned cost, const Secret *password, Secret **ret_hash);
/* Is hash, examined to be of method, that of password?  A password that fits nobody costs the same
 * and never matches.  -EIO where crypt made nothing that could be compared. */
int vault_method_verify(VaultRoom *room, const VaultMethod *method, const Secret *hash,
                        const Secret *password, bool *ret_match);
/* A hash of the preferred method that no password is known to have. */
int vault_method_dummy(unsigned cost, Secret **ret_hash);
/* A VaultCostMeasure, of a VaultRoom. */
int vault_method_measure(void *room, unsigned cost, uint64_t *ret_usec);

/* ---- the ceiling of failures ----------------------------------------------------------------- */

#define THROTTLE_BURST               60U
#define THROTTLE_REFILL_USEC         (2 * USEC_PER_SEC)
#define THROTTLE_CODE_BURST          20U
#define THROTTLE_CODE_REFILL_USEC    (300 * USEC_PER_SEC)
#define THROTTLE_COMPARE_BURST       100U
#define THROTTLE_COMPARE_REFILL_USEC (4 * USEC_PER_SEC)
#define THROTTLE_UID_MAX             4096U

/* One token bucket a lane: the moment at which it is full again says all. */
typedef struct ThrottleBucket {
        uint64_t lane;
        uint64_t full_usec;
} ThrottleBucket;

typedef struct Throttle {
        unsigned burst;
        uint64_t refill_usec; /* for one token to come back */
        ThrottleBucket buckets[THROTTLE_UID_MAX];
} Throttle;

/* Takes a token before the password is looked at: VAULT_OK, VAULT_THROTTLED where the lane has
 * none, VAULT_BUSY where every bucket is some other lane's and not full.  now_usec is boottime. */
VaultStatus throttle_charge(Throttle *throttle, uint64_t lane, uint64_t now_usec);
/* Gives the token back: it was no failure. */
void throttle_refund(Throttle *throttle, uint64_t lane);

/* ---- jobs and the workers -------------------------------------------------------------------- */

/* A request, and when it is done its answer: head and verifier are the answer's then. */
typedef struct VaultJob {
        struct VaultJob *next;
        uint64_t client; /* serial of the connection it came from */
        uint64_t lane; /* of guesses and comparisons: the uid's, by what they are at and come from;
                          else 0 */
        VaultHead head;
        Secret *secret; /* NULL in an answer, but for that of VAULT_SEED_NEW */
        uint8_t verifier[VAULT_VERIFIER_MAX];
} VaultJob;

/* A hash of nobody's, sealed. */
typedef struct VaultDummy {
        uint32_t len;
        uint8_t verifier[VAULT_VERIFIER_MAX];
} VaultDummy;

/* What all workers share and none writes. */
typedef struct VaultContext {
        const Secret *key;
        uint8_t key_id[VAULT_KEY_ID_BYTES];
        VaultRecovery recovery;
        unsigned cost; /* of what is made now */
        VaultSubject dummy_subject;
        VaultDummy dummies[VAULT_COST_MAX - VAULT_COST_MIN + 1]; /* of each up to that */
} VaultContext;

typedef struct JobQueue {
        VaultJob *first, *last;
        unsigned count;
} JobQueue;

void job_queue_add(JobQueue *queue, VaultJob *job);
/* Takes out the job behind previous, or the first where previous is NULL; there must be one. */
VaultJob *job_queue_remove(JobQueue *queue, VaultJob *previous);
void job_queue_clear(JobQueue *queue);

int vault_job_new(const VaultPacket *packet, uint64_t client, VaultJob **ret);
VaultJob *vault_job_free(VaultJob *job);
/* Makes the job its answer without doing it. */
void vault_job_refuse(VaultJob *job, VaultStatus status);
/* Is it one of the vault's ceiling of codes?  Of the others VAULT_VERIFY and VAULT_COMPARE have
 * one each. */
bool vault_op_guesses_code(uint32_t op);
/* Is the packet a request, with the fields its verb takes and no others? */
bool vault_request_is_valid(const VaultPacket *packet);

static inline void vault_job_freep(VaultJob **job) {
        *job = vault_job_free(*job);
}

/* key is borrowed for as long as the context is in use. */
int vault_context_init(VaultContext *context, const Secret *key, VaultRecovery recovery,
                       unsigned cost);
/* Does what the job asks and makes it its answer.  Blocks as long as crypt takes. */
void vault_job_work(const VaultContext *context, VaultRoom *room, VaultJob *job);
/* Takes the time of a guess and leaves the job as it is. */
void vault_job_spend(const VaultContext *context, VaultRoom *room, const VaultJob *job);

#define VAULT_WORKERS_MAX 8U

typedef struct VaultPool VaultPool;

/* Starts the workers; signals must be blocked already.  context is borrowed. */
int vault_pool_new(const VaultContext *context, unsigned worker_count, VaultPool **ret);
/* Waits for the jobs being worked on, forgets those waiting.  NULL allowed. */
VaultPool *vault_pool_free(VaultPool *pool);
/* Readable when a job was done. */
int vault_pool_fd(const VaultPool *pool);
/* Takes the job over and returns true, or false where the queue or the job's lane is full. */
bool vault_pool_push(VaultPool *pool, VaultJob *job);
/* The next answer or NULL; the caller's to free. */
VaultJob *vault_pool_pop(VaultPool *pool);
/* No job waits, is worked on or is to be popped. */
bool vault_pool_is_idle(VaultPool *pool);

/* ---- the server ------------------------------------------------------------------------------ */

typedef struct VaultServer {
        BaseService service;
        VaultPool *pool;
        int signal_fd;
} VaultServer;

/* Serves until a signal or, by hand, until the client is gone; then answers what was taken on, for
 * two seconds at most. */
int vault_serve(const VaultServer *server);
