/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Starts one of um's small services as systemd or as umd by hand would, for tests that talk to the
 * real process.  Everything fails the running test instead of returning a fault. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SERVICE_DEADLINE_USEC (60 * USEC_PER_SEC) /* a sanitizer build on a busy machine */

typedef struct Service {
        pid_t pid;
        int fd;       /* by hand: our end of the pair; else -1 */
        int error_fd; /* what it wrote on standard error */
        char dir[40]; /* of the listening socket, or "" */
} Service;

/* argv[0] is the program, the last one NULL.  By hand "--fd N" is added. */
void service_start(Service *ret, bool by_hand, const char *const *argv);
/* A new connection to a service that listens. */
int service_connect(const Service *service);
/* Waits for its end: the exit status, or minus the signal's number.  Closes and removes all. */
int service_wait(Service *service, char *ret_error, size_t size);
/* SIGTERM, then the same. */
int service_stop(Service *service);

/* One packet, within the deadline; the length, 0 where the peer closed. */
ssize_t packet_receive(int fd, void *buf, size_t size);
void packet_send(int fd, const void *packet, size_t len);
