/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* um_api: what a service account reaches by ssh, and nothing else: a D-Bus connection to umd over
 * stdin and stdout.
 *
 * It runs with the uid of the account, as sshd gave it to the session; umd takes that from the
 * kernel and judges every call.  So nothing is decided here, and nothing is trusted: bytes of the
 * other end are passed on, or the end of it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

#define API_SOCKET  "/run/um/bus"
#define API_MAP_DIR "/run/um/map.d" /* its owner is um's uid, where systemd does not listen */

#define API_CONNECT_USEC (5 * USEC_PER_SEC)  /* to umd, its side of the handshake included */
#define API_GREET_USEC   (30 * USEC_PER_SEC) /* the other end's side of it, over a network */

#define API_BUFFER_BYTES 4096U /* PIPE_BUF: what poll(2) says a pipe takes, it takes whole */
#define API_LINE_MAX     512U  /* of the handshake, with its end */
#define API_LINES_MAX    16U
#define API_GUID_BYTES   32U

/* Bytes on their way in one direction. */
typedef struct ApiBuffer {
        size_t len;
        char bytes[API_BUFFER_BYTES];
} ApiBuffer;

/* Why it ended, for whoever sits at the other end; static. */
typedef enum ApiEnd {
        API_DONE,      /* one side hung up */
        API_NO_SERVER, /* umd is not there, or not um's */
        API_REFUSED,   /* umd takes no connection of this uid now */
        API_NO_DBUS,   /* what came is no D-Bus handshake */
        API_FAULT,
        _API_END_MAX,
} ApiEnd;

const char *api_end_text(ApiEnd end);

/* Connects, shuts itself in, greets both sides and passes bytes until one hangs up: with stdin and
 * stdout, of a process that has no other descriptor and no other thread. */
ApiEnd api_serve(const char *path, const char *map_dir);

/* umd's side of SASL: says who we are, which the kernel says too; the server's guid to *ret_guid
 * (API_GUID_BYTES and a NUL).  Blocks until the deadline at most. */
ApiEnd api_greet_server(int fd, uint64_t deadline_usec, char *ret_guid);
/* The other end's, as a server of it.  Whom it claims to be is read and counts for nothing: sshd
 * knows who it is.  What came behind its BEGIN is left in *rest. */
ApiEnd api_greet_client(int in, int out, uint64_t deadline_usec, const char *guid, ApiBuffer *rest);
/* Passes bytes both ways, rest first; returns when umd hung up and what it said is out, or when
 * nobody reads it. */
ApiEnd api_relay(int in, int out, int server, ApiBuffer *rest);

/* Nothing is left from here on but to read, write, wait and end. */
int api_sandbox_enter(void);
