/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* um-notify: hands mail to the host's mail system, and nothing else.
 *
 * A process of its own, because umd has no network and gains no privilege, while a sendmail program
 * needs the one or the other (it is setgid or setuid, or speaks SMTP itself).  It has no key and no
 * store.  It takes no text of a mail and no path of a program: it writes the few messages there are
 * itself, out of fields that it checks, and which program it runs stands in um.conf.  So a umd that
 * is taken over can send codes to people, and nothing else.
 *
 * Its contract is this protocol, spoken on a SOCK_SEQPACKET unix socket (NOTIFY_SOCKET,
 * socket-activated; a child of umd has one end of a socketpair as descriptor 3).  A request is one
 * NotifyHead and the texts it announces, in order, each with a NUL behind it; an answer is one
 * NotifyAnswer.  A packet that is not so ends the connection.  It serves its umd's uid only.
 * Answers come when the program has ended, in any order. */

#include <stdint.h>
#include <sys/types.h>

#include "base/base.h"

#define NOTIFY_SOCKET     "/run/um-notify/socket"
#define NOTIFY_SENDMAIL   "/usr/sbin/sendmail"
#define NOTIFY_PROTOCOL   1U
#define NOTIFY_PACKET_MAX 2048U
#define NOTIFY_CODE_MIN   6U
#define NOTIFY_CODE_MAX   8U
#define NOTIFY_MAIL_USEC  (60 * USEC_PER_SEC) /* from the request on; then the program is killed */

typedef enum NotifyOp {
        /* Is there a program to send with?  Takes no texts.  NOTIFY_OK or NOTIFY_MISSING. */
        NOTIFY_PING = 1,
        /* A code for a login: all texts but FULL_NAME and SOURCE are required. */
        NOTIFY_CODE,
        /* The same to set a new password with, for whoever forgot his. */
        NOTIFY_RESET,
        _NOTIFY_OP_MAX,
} NotifyOp;

typedef enum NotifyText {
        NOTIFY_TEXT_TO,        /* FIELD_EMAIL */
        NOTIFY_TEXT_FULL_NAME, /* FIELD_FULL_NAME */
        NOTIFY_TEXT_USER,      /* FIELD_USER_NAME */
        NOTIFY_TEXT_HOST,      /* letters, digits, '.' and '-' */
        NOTIFY_TEXT_SERVICE,   /* FIELD_LINE, as the next: where somebody logs in, and from where */
        NOTIFY_TEXT_SOURCE,
        NOTIFY_TEXT_CODE, /* NOTIFY_CODE_MIN to _MAX digits */
        _NOTIFY_TEXT_MAX,
} NotifyText;

typedef enum NotifyStatus {
        NOTIFY_OK,      /* the program took it */
        NOTIFY_MISSING, /* there is none that can be run */
        NOTIFY_BUSY,    /* NOTIFY_QUEUE_MAX mails wait */
        NOTIFY_FAILED,  /* it ended with `code`, an exit status, or 128 and a signal */
        NOTIFY_LATE,    /* not taken within NOTIFY_MAIL_USEC */
        NOTIFY_FAULT,   /* it could not be started: `code` is the errno */
        _NOTIFY_STATUS_MAX,
} NotifyStatus;

#define NOTIFY_QUEUE_MAX 64U

typedef struct NotifyHead {
        uint32_t protocol;
        uint32_t op; /* NotifyOp */
        uint64_t id;
        uint64_t time_usec;               /* of the login; PING: 0, as the next */
        uint32_t valid_sec;               /* how long the code counts, 1 to a day */
        uint16_t bytes[_NOTIFY_TEXT_MAX]; /* without the NUL; 0: not there, nor its NUL */
        uint16_t zero[3];
} NotifyHead;

typedef struct NotifyAnswer {
        uint32_t protocol;
        uint32_t op;
        uint64_t id;
        uint32_t status; /* NotifyStatus */
        uint32_t code;
} NotifyAnswer;

/* A request as it came; a text points into the packet, has its NUL, and is "" where it is not
 * there. */
typedef struct NotifyRequest {
        NotifyHead head;
        const char *text[_NOTIFY_TEXT_MAX];
} NotifyRequest;

/* -EBADMSG for anything but one whole request whose texts are what they have to be. */
int notify_request_parse(const void *packet, size_t len, NotifyRequest *ret);
/* Writes a request into buf (NOTIFY_PACKET_MAX bytes, the caller's to wipe): text's lengths are
 * filled into the head.  The length, or -EMSGSIZE for a text that is too long for its field. */
ssize_t notify_request_build(const NotifyHead *head,
                             const char *const text[static _NOTIFY_TEXT_MAX], void *buf);
/* -EBADMSG for anything but one whole answer. */
int notify_answer_parse(const void *packet, size_t len, NotifyAnswer *ret);
