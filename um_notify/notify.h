/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of um-notify, for its own files and their tests; umd includes um_notify.h only. */

#include "um_notify/um_notify.h"

/* ---- the message ----------------------------------------------------------------------------- */

#define NOTIFY_MESSAGE_MAX 3072U /* a header of the longest name, encoded, and the body */

/* The mail of a request that was parsed, with its headers, lines ended by \n.  Nothing of the
 * request can begin a line or a header of its own.  -EMSGSIZE: cannot happen with what parses. */
int notify_message_write(const NotifyRequest *request, Secret **ret);
/* A name as it may stand in front of an <address>: as it is, or in encoded words (RFC 2047) of
 * UTF-8, as many as it needs, folded.  buf has NOTIFY_PHRASE_MAX bytes. */
#define NOTIFY_PHRASE_MAX 640U
void notify_phrase_write(const char *name, char *buf);

/* ---- the program ----------------------------------------------------------------------------- */

/* Where um.conf's key `sendmail` is looked for, later files over earlier ones; NULL is left out. */
typedef struct NotifyPaths {
        const char *sendmail; /* given by hand: no file is read */
        const char *vendor, *local, *drop_ins;
} NotifyPaths;

/* Which program it is now: the files are read anew each time, so that a change counts at once. What
 * else stands in them is umd's to judge.  A path that is none is NOTIFY_MISSING. */
NotifyStatus notify_sendmail_find(const NotifyPaths *paths, char ret[static BASE_PATH_MAX + 1]);

/* Runs it with -t -oi, the message on its standard input, nothing else open, and an environment of
 * its own.  Never waits. */
int notify_sendmail_start(const char *path, const Secret *message, pid_t *ret_pid);

/* ---- serving --------------------------------------------------------------------------------- */

/* Serves until SIGTERM (signal_fd) or, by hand, until the peer closes. */
int notify_serve(const NotifyPaths *paths, const BaseService *service, int signal_fd);
