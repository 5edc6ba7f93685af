/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* um-quality: says what is wrong with a new password, and nothing else.
 *
 * A process of its own, because it gives what people type to libpwquality and cracklib and reads
 * large files of others, and um-vault, which has the record key, is to do neither.  It has no key,
 * no store and no network; a umd that does not get its answer sets no password.
 *
 * Its contract is this protocol, spoken on a SOCK_SEQPACKET unix socket (QUALITY_SOCKET,
 * socket-activated; a child of umd has one end of a socketpair as descriptor 3).  A request is one
 * QualityHead and the texts it announces, in order, each with a NUL behind it; an answer is one
 * QualityAnswer.  A packet that is not so ends the connection.  It serves its umd's uid only.
 * Answers come in the order of the requests and hold nothing of a password but its length and how
 * many kinds of characters it has. */

#include <stdint.h>
#include <sys/types.h>

#include "base/base.h"

#define QUALITY_SOCKET     "/run/um-quality/socket"
#define QUALITY_BANNED     "/etc/um/banned-words"
#define QUALITY_PROTOCOL   1U
#define QUALITY_PACKET_MAX 2048U

typedef enum QualityOp {
        /* Are the sources there?  Takes the breach file and the flags alone. */
        QUALITY_PING = 1,
        QUALITY_CHECK,
        _QUALITY_OP_MAX,
} QualityOp;

/* The texts of a request; of a CHECK the password is required, without a NUL, up to
 * BASE_PASSWORD_MAX bytes; the others as their fields are, or not there. */
typedef enum QualityText {
        QUALITY_TEXT_PASSWORD,
        QUALITY_TEXT_OLD,
        QUALITY_TEXT_NAME,
        QUALITY_TEXT_FULL_NAME,
        QUALITY_TEXT_EMAIL,
        QUALITY_TEXT_BREACH_FILE, /* an absolute path */
        _QUALITY_TEXT_MAX,
} QualityText;

/* Which conditions are asked for.  Length and classes always are; so is that it is neither the old
 * one nor the user's name, exactly. */
#define QUALITY_FLAG_SIMILARITY 1U
#define QUALITY_FLAG_DICTIONARY 2U
#define QUALITY_FLAG_BREACHED   4U

/* In `failed` of an answer: 1 << condition, all that failed at once.
 * Words are compared without regard to case, forwards and backwards, from four characters on. */
typedef enum QualityCondition {
        QUALITY_TOO_SHORT,   /* in characters of UTF-8; a byte that is none counts as one */
        QUALITY_TOO_FEW,     /* classes: lower, upper, digit, other */
        QUALITY_LIKE_OLD,    /* fewer than five changes from the old one, or turned round */
        QUALITY_PALINDROME,  /* reads the same from behind */
        QUALITY_HAS_NAME,    /* has the user's name, or a part of it, in it */
        QUALITY_HAS_FULL,    /* a word of the full name */
        QUALITY_HAS_EMAIL,   /* a part of the address, its top-level domain apart */
        QUALITY_IS_WORD,     /* cracklib: from its dictionary, or a pattern; six bytes and longer */
        QUALITY_HAS_BANNED,  /* a line of the banned words */
        QUALITY_IS_BREACHED, /* its SHA-1 stands in the breach file */
        _QUALITY_CONDITION_MAX,
} QualityCondition;

/* What it asks, and how that is.  One that is not OK fails no password: the other conditions hold,
 * and umd tells. */
typedef enum QualitySource {
        QUALITY_SOURCE_DICTIONARY,
        QUALITY_SOURCE_BANNED,
        QUALITY_SOURCE_BREACH,
        _QUALITY_SOURCE_MAX,
} QualitySource;

typedef enum QualityState {
        QUALITY_STATE_OK, /* also one that was not to be asked, and a banned list that is not there
                           */
        QUALITY_STATE_MISSING,
        QUALITY_STATE_UNREADABLE, /* no permission, no regular file, too large, input/output */
        QUALITY_STATE_DAMAGED,    /* a line that is none, or not sorted */
        _QUALITY_STATE_MAX,
} QualityState;

typedef struct QualityHead {
        uint32_t protocol;
        uint32_t op; /* QualityOp */
        uint64_t id;
        uint32_t flags;
        uint32_t min_length;               /* up to BASE_PASSWORD_MAX */
        uint32_t classes;                  /* up to QUALITY_CLASSES_MAX */
        uint16_t bytes[_QUALITY_TEXT_MAX]; /* without the NUL; 0: not there, nor its NUL */
} QualityHead;

#define QUALITY_CLASSES_MAX 4U

typedef struct QualityAnswer {
        uint32_t protocol;
        uint32_t op;
        uint64_t id;
        uint32_t fault;  /* 1: could not be checked (memory), and nothing below says anything */
        uint32_t failed; /* 1 << QualityCondition */
        uint32_t length; /* of the password, in characters */
        uint8_t classes; /* that it has */
        uint8_t source[_QUALITY_SOURCE_MAX]; /* QualityState */
} QualityAnswer;

/* A request as it came; a text points into the packet, has its NUL, and is NULL where it is not
 * there. */
typedef struct QualityRequest {
        QualityHead head;
        const char *text[_QUALITY_TEXT_MAX];
} QualityRequest;

/* -EBADMSG for anything but one whole request. */
int quality_request_parse(const void *packet, size_t len, QualityRequest *ret);
/* Writes a request into buf (QUALITY_PACKET_MAX bytes, the caller's to wipe): text's lengths are
 * filled into the head.  The length, or -EMSGSIZE for a text that is too long for its field. */
ssize_t quality_request_build(const QualityHead *head,
                              const char *const text[static _QUALITY_TEXT_MAX], void *buf);
/* -EBADMSG for anything but one whole answer. */
int quality_answer_parse(const void *packet, size_t len, QualityAnswer *ret);
