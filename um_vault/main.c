/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um-vault's start: options, shutting itself in, the key, then serving.
 *
 * Everything that can be refused is refused here, with a text that names it, before a socket is
 * read.  Exit status: 0 served and stopped, 1 a fault, 2 usage. */

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/base.h"
#include "config.h"
#include "um_vault/vault.h"

#define WORKERS_MIN 2U

typedef struct Options {
        const char *key_dir;
        const char *recovery_pub; /* NULL: as for a service, or none by hand */
        const char *new_recovery; /* make a pair, its public half there: done */
        const char *recover;      /* put the key in place that is sealed there: done */
        bool calibrate;           /* choose the cost of a hash anew: done */
        BaseServiceOptions service;
} Options;

static const char usage[] =
        "um-vault [--fd N] [--key-dir DIR] [--peer-uid UID]\n"
        "Hashes and checks passwords for umd.  Started by systemd with its socket, or by hand:\n"
        "  --fd N          serve the SOCK_SEQPACKET socket pair end N, until it is closed\n"
        "  --key-dir DIR   where the record key is, or is made (" VAULT_KEY_DIR ")\n"
        "  --peer-uid UID  serve this uid only (the user " BASE_SERVICE_USER " and root)\n"
        "  --recovery-pub FILE  for whom the key is also sealed (" VAULT_RECOVERY_PUBLIC ";\n"
        "                       with --fd nobody)\n"
        "For the day the key is lost:\n"
        "  --new-recovery-key FILE  print a new recovery key, once; its public half to FILE\n"
        "  --recover FILE           read a recovery key from standard input and put the key that\n"
        "                           is sealed in FILE into DIR, where there is none\n"
        "For new hardware:\n"
        "  --calibrate     measure anew what a hash has to cost, and note it in DIR\n"
        "  --version       print the version\n"
        "  --help          print this\n";

static int complain(const char *what, int fault) {
        fprintf(stderr, "um-vault: %s: %s\n", what,
                fault == -EBADMSG ? "not a key, which is a regular file of 32 bytes"
                                  : strerror(-fault));
        return fault;
}

static unsigned worker_count(void) {
        cpu_set_t set;
        unsigned count = 0;

        CPU_ZERO(&set);
        if (sched_getaffinity(0, sizeof(set), &set) == 0)
                count = (unsigned)CPU_COUNT(&set);
        if (count < WORKERS_MIN)
                return WORKERS_MIN;
        return count > VAULT_WORKERS_MAX ? VAULT_WORKERS_MAX : count;
}

/* ---- what a hash costs ----------------------------------------------------------------------- */

static unsigned cost_bound(void) {
        struct sysinfo info;

        if (sysinfo(&info) < 0)
                return VAULT_COST_MIN;
        return vault_cost_bound((uint64_t)info.totalram * info.mem_unit, worker_count());
}

/* Serving goes on: at the floor a hash is as dear as anywhere else, and nobody is kept out. */
static unsigned cost_get(const char *key_dir) {
        VaultCostGauge gauge = { .measure = vault_method_measure, .max = cost_bound() };
        VaultCostChoice choice = { .cost = VAULT_COST_MIN };
        VaultRoom *room;
        int r;

        r = vault_room_new(&room);
        if (r >= 0) {
                gauge.userdata = room;
                r = vault_cost_load(key_dir, &gauge, &choice);
                room = vault_room_free(room);
        }
        if (r < 0)
                fprintf(stderr, "um-vault: %s/" VAULT_COST_NAME ": %s: hashes cost the least, %s\n",
                        key_dir, r == -EBADMSG ? "not the cost of a hash" : strerror(-r),
                        vault_cost_name(VAULT_COST_MIN));
        else if (choice.usec > 0)
                fprintf(stderr, "um-vault: hashes cost %s here, %.1f ms of a core\n",
                        vault_cost_name(choice.cost), (double)choice.usec / 1e3);
        return r < 0 ? VAULT_COST_MIN : choice.cost;
}

/* The file is to be read by whom the folder belongs to, and what root makes there may be moved
 * under its hands: so it is not made by root. */
static int owner_become(const char *dir) {
        struct stat st;

        if (geteuid() != 0)
                return 0;
        if (stat(dir, &st) < 0)
                return -errno;
        if (st.st_uid == 0)
                return 0;
        return setgroups(0, NULL) < 0 || setgid(st.st_gid) < 0 || setuid(st.st_uid) < 0 ? -errno
                                                                                        : 0;
}

static int calibrate(const char *key_dir) {
        VaultCostGauge gauge = { .measure = vault_method_measure, .max = cost_bound() };
        VaultCostChoice choice;
        VaultRoom *room;
        unsigned old;
        int r;

        r = owner_become(key_dir);
        if (r >= 0)
                r = vault_room_new(&room);
        if (r < 0)
                return complain(key_dir, r);
        gauge.userdata = room;
        r = vault_cost_raise(key_dir, &gauge, &old, &choice);
        vault_room_free(room);
        if (r < 0)
                return complain(key_dir, r);
        printf("um-vault: a hash of cost %s takes %.1f ms of a core\n",
               vault_cost_name(choice.cost), (double)choice.usec / 1e3);
        if (choice.cost > old)
                printf("um-vault: the cost was %s and is %s, from the next start of um-vault on\n",
                       vault_cost_name(old), vault_cost_name(choice.cost));
        else
                printf("um-vault: the cost was %s and stays\n", vault_cost_name(old));
        return fflush(stdout) == 0 ? 0 : complain("standard output", -errno);
}

static int serve(const Secret *key, VaultRecovery recovery, unsigned cost, VaultServer *server) {
        VaultContext context;
        int r;

        server->signal_fd = base_service_signals();
        if (server->signal_fd < 0)
                return complain("signals", server->signal_fd);
        r = vault_context_init(&context, key, recovery, cost);
        if (r >= 0)
                r = vault_pool_new(&context, worker_count(), &server->pool);
        if (r < 0)
                return complain("the workers", r);
        r = vault_serve(server);
        server->pool = vault_pool_free(server->pool);
        base_close(server->signal_fd);
        return r < 0 ? complain("serving", r) : 0;
}

/* ---- the recovery key ------------------------------------------------------------------------ */

/* Serving goes on: a copy that cannot be made keeps nobody out today. */
static VaultRecovery recovery_keep(const Options *options, const Secret *key) {
        VaultRecovery recovery = VAULT_RECOVERY_NONE;
        const char *file = options->recovery_pub;
        int r;

        if (!file)
                file = options->service.fd < 0 ? VAULT_RECOVERY_PUBLIC : NULL;
        r = file ? vault_recovery_keep(file, options->key_dir, key, &recovery) : 0;
        if (r == 0)
                return recovery;
        fprintf(stderr, "um-vault: the key is not kept for recovery: %s: %s\n", file,
                r < 0 ? strerror(-r) : "not the public half of a recovery key");
        return VAULT_RECOVERY_FAILED;
}

/* Says what is wrong with file. */
static int recovery_complain(const char *file, int r) {
        const char *const texts[] = {
                [VAULT_E_TEXT] = "what was read is no recovery key: mistyped?",
                [VAULT_E_FILE] = "damaged, or not a key kept for recovery",
                [VAULT_E_PAIR] = "kept for another recovery key",
        };

        fprintf(stderr, "um-vault: %s: %s\n", file, r < 0 ? strerror(-r) : texts[r]);
        return -EINVAL;
}

static int text_write(const Secret *text) {
        const char *at = base_secret_bytes(text);
        size_t left = base_secret_len(text);

        while (left > 0) {
                ssize_t n = write(STDOUT_FILENO, at, left);

                if (n < 0 && errno != EINTR)
                        return -errno;
                at += n > 0 ? n : 0;
                left -= n > 0 ? (size_t)n : 0;
        }
        return 0;
}

/* A public half whose private one nobody has seen is worse than none. */
static int recovery_new(const char *file) {
        _cleanup_secret_ Secret *text = NULL;
        int r = vault_recovery_new(file, &text);

        if (r >= 0) {
                r = text_write(text);
                if (r < 0)
                        unlink(file);
        }
        return r < 0 ? recovery_complain(file, r) : 0;
}

/* One line, or as far as there is room for one. */
static int text_read(Secret **ret) {
        char buf[2 * VAULT_RECOVERY_TEXT];
        size_t len = 0;
        int r = 0;

        while (len < sizeof(buf) && (len == 0 || buf[len - 1] != '\n')) {
                ssize_t n = read(STDIN_FILENO, buf + len, sizeof(buf) - len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        r = -errno;
                if (n <= 0)
                        break;
                len += (size_t)n;
        }
        if (r >= 0)
                r = base_secret_new(buf, len, ret);
        base_wipe(buf, sizeof(buf));
        return r;
}

static int recover(const Options *options) {
        _cleanup_secret_ Secret *text = NULL, *key = NULL;
        int r = text_read(&text);

        if (r < 0)
                return recovery_complain("standard input", r);
        r = vault_recovery_open(options->recover, text, &key);
        if (r != 0)
                return recovery_complain(options->recover, r);
        r = vault_key_put(options->key_dir, key);
        if (r == -EEXIST)
                fprintf(stderr, "um-vault: %s has a key, which stays\n", options->key_dir);
        return r < 0 && r != -EEXIST ? recovery_complain(options->key_dir, r) : r;
}

/* ---- starting -------------------------------------------------------------------------------- */

static int run(const Options *options) {
        _cleanup_secret_ Secret *key = NULL;
        VaultServer server = { 0 };
        char file[PATH_MAX];
        int r;

        r = base_process_harden();
        if (r < 0)
                return complain("hardening", r);
        if (sodium_init() < 0)
                return complain("libsodium", -EIO);
        if (options->new_recovery)
                return recovery_new(options->new_recovery);
        if (options->recover)
                return recover(options);
        if (options->calibrate)
                return calibrate(options->key_dir);
        r = base_service_start(options->service.fd, getenv("LISTEN_PID"), getenv("LISTEN_FDS"),
                               options->service.has_peer ? &options->service.peer_uid : NULL,
                               &server.service);
        if (r < 0)
                return complain(r == -ENOTCONN ? "neither --fd nor a socket from systemd"
                                               : "the socket it was given",
                                r);
        r = vault_key_load(options->key_dir, getenv("CREDENTIALS_DIRECTORY"), &key, file);
        if (r < 0)
                return complain(file, r);
        return serve(key, recovery_keep(options, key), cost_get(options->key_dir), &server);
}

int main(int argc, char **argv) {
        Options options = { .key_dir = VAULT_KEY_DIR };
        const BaseOption own[] = {
                { "key-dir", &options.key_dir },
                { "recovery-pub", &options.recovery_pub },
                { "new-recovery-key", &options.new_recovery },
                { "recover", &options.recover },
                { "calibrate", .flag = &options.calibrate },
        };
        int r = base_service_options(argc, argv, "um-vault", UM_VERSION, usage, own,
                                     ARRAY_LENGTH(own), &options.service);

        if (r != 0)
                return r < 0 ? 2 : 0;
        return run(&options) < 0 ? 1 : 0;
}
