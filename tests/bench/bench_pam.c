/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a login costs beyond its hash: pam_um with a real umd and um-vault, against pam_permit plus
 * one bare crypt(3) of the same password by the same method, and against pam_unix.
 *
 *     bench_pam hash                            a hash of the password, for /etc/shadow
 *     bench_pam password                        the password, for umctl
 *     bench_pam run CONFDIR UM-USER UNIX-USER ROUNDS
 *     bench_pam load MODULE ROUNDS              what libpam does to load it, and unload it again
 *
 * CONFDIR has the services "um", "permit" and "unix".  A login is pam_start, authenticate, account,
 * pam_end.  All take turns within one run and medians are compared; what lies beyond the hash is
 * the median of the differences within a turn, so that a machine that slows down does not show as
 * um's. */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <security/pam_appl.h>

#include "base/base.h"
#include "tests/bench/hash.h"
#include "tests/bench/median.h"

#define ROUNDS_MAX 10000U

static int converse(int count, const struct pam_message **messages, struct pam_response **ret,
                    void *userdata) {
        struct pam_response *responses = calloc((size_t)count, sizeof(*responses));

        if (!responses)
                return PAM_BUF_ERR;
        for (int i = 0; i < count; i++)
                if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF)
                        responses[i].resp = strdup(PASSWORD);
        *ret = responses;
        return PAM_SUCCESS;
}

static void login_phase(pam_handle_t *handle, const char *service, int r) {
        if (r != PAM_SUCCESS)
                die(service, pam_strerror(handle, r));
}

/* Microseconds of one login. */
static double login_usec(const char *confdir, const char *service, const char *user) {
        const struct pam_conv conv = { .conv = converse };
        uint64_t began_usec = base_boottime_usec();
        pam_handle_t *handle = NULL;

        login_phase(handle, service, pam_start_confdir(service, user, &conv, confdir, &handle));
        login_phase(handle, service, pam_authenticate(handle, 0));
        login_phase(handle, service, pam_acct_mgmt(handle, 0));
        pam_end(handle, PAM_SUCCESS);
        return (double)(base_boottime_usec() - began_usec);
}

static void run(const char *confdir, const char *um_user, const char *unix_user, unsigned rounds,
                struct crypt_data *room) {
        static double um[ROUNDS_MAX], others[ROUNDS_MAX], hashes[ROUNDS_MAX], um_beyond[ROUNDS_MAX],
                unix_beyond[ROUNDS_MAX], permits[ROUNDS_MAX];
        char hash[CRYPT_OUTPUT_SIZE];
        double one_hash;

        hash_make(room, hash, sizeof(hash));
        (void)login_usec(confdir, "um", um_user); /* what is loaded once is loaded now */
        (void)login_usec(confdir, "unix", unix_user);
        for (unsigned i = 0; i < rounds; i++) {
                permits[i] = login_usec(confdir, "permit", um_user);
                um[i] = login_usec(confdir, "um", um_user);
                hashes[i] = crypt_usec(room, hash);
                others[i] = login_usec(confdir, "unix", unix_user);
                um_beyond[i] = um[i] - permits[i] - hashes[i];
                unix_beyond[i] = others[i] - permits[i] - hashes[i];
        }
        one_hash = median(hashes, rounds);
        printf("login: one bare crypt %.2f ms, pam_permit %.3f ms\n", one_hash / 1e3,
               median(permits, rounds) / 1e3);
        printf("login: pam_um %.2f ms, %.2f hashes, %.2f ms beyond one hash\n",
               median(um, rounds) / 1e3, median(um, rounds) / one_hash,
               median(um_beyond, rounds) / 1e3);
        printf("login: pam_unix %.2f ms, %.2f hashes, %.2f ms beyond one hash\n",
               median(others, rounds) / 1e3, median(others, rounds) / one_hash,
               median(unix_beyond, rounds) / 1e3);
}

/* A program that logs somebody in is a process of its own: each loads the module and its libraries.
 */
static void load(const char *module, unsigned rounds) {
        static double times[ROUNDS_MAX];

        for (unsigned i = 0; i < rounds; i++) {
                uint64_t began_usec = base_boottime_usec();
                void *handle = dlopen(module, RTLD_NOW);

                if (!handle)
                        die(module, dlerror());
                dlclose(handle);
                times[i] = (double)(base_boottime_usec() - began_usec);
        }
        printf("load: %s %.2f ms\n", strrchr(module, '/') + 1, median(times, rounds) / 1e3);
}

int main(int argc, char **argv) {
        static struct crypt_data room;
        char hash[CRYPT_OUTPUT_SIZE];
        uint64_t rounds;

        if (argc == 2 && strcmp(argv[1], "password") == 0)
                puts(PASSWORD);
        else if (argc == 2 && strcmp(argv[1], "hash") == 0) {
                hash_make(&room, hash, sizeof(hash));
                puts(hash);
        } else if (argc == 6 && strcmp(argv[1], "run") == 0 &&
                   base_parse_u64(argv[5], 1, ROUNDS_MAX, &rounds) == 0)
                run(argv[2], argv[3], argv[4], (unsigned)rounds, &room);
        else if (argc == 4 && strcmp(argv[1], "load") == 0 && strchr(argv[2], '/') &&
                 base_parse_u64(argv[3], 1, ROUNDS_MAX, &rounds) == 0)
                load(argv[2], (unsigned)rounds);
        else
                die("usage", "bench_pam hash | password | run CONFDIR UM-USER UNIX-USER ROUNDS | "
                             "load MODULE ROUNDS");
        return 0;
}
