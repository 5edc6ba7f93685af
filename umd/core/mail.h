/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Mail, as core has it sent: part of core.h, which includes it, on a page of its own. */

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"

/* A code for a login, to be sent to its user; all texts and the code are valid during the call. */
typedef struct CoreMail {
        bool reset;                        /* for a forgotten password, not a second factor */
        const char *to, *full_name, *user; /* full_name may be "" */
        const char *service, *source;      /* where he logs in; "" from this machine */
        const Secret *code;
        uint64_t valid_usec, now_usec;
} CoreMail;

/* Zeroed: there is nobody to send any. */
typedef struct CoreMailer {
        void *userdata;
        bool (*ready)(void *userdata); /* can it be sent, as far as is known? */
        /* Later; that it could not be sent is for the log. */
        void (*send)(void *userdata, const CoreMail *mail);
} CoreMailer;
