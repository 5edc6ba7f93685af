/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The parts of umctl doctor share these: a finding is one line, with what to change where it is not
 * ok. */

#include "umctl/umctl.h"

typedef enum Level {
        LEVEL_OK,
        LEVEL_WARN,
        LEVEL_FAIL,
        _LEVEL_MAX,
} Level;

typedef struct Doctor {
        Ctl *ctl;
        json_t *findings;
        bool failed;
} Doctor;

/* text says what was found; mend what to do (NULL where nothing). */
void doctor_find(Doctor *doctor, Level level, const char *check, const char *mend,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));

void doctor_pam(Doctor *doctor, const char *dir);
void doctor_daemon(Doctor *doctor);
void doctor_files(Doctor *doctor);
void doctor_nss(Doctor *doctor);
void doctor_ssh(Doctor *doctor);
void doctor_clock(Doctor *doctor);

/* ---- doctor_stack.c: what libpam would make of a stack --------------------------------------- */

typedef enum PamFacility {
        PAM_FACILITY_AUTH,
        PAM_FACILITY_ACCOUNT,
        PAM_FACILITY_SESSION,
        _PAM_FACILITY_MAX
} PamFacility;

typedef struct PamStack PamStack;

/* Reads a service's stack with everything it includes.  -ENOENT, -EBADMSG for a line libpam would
 * not take (ret_where says where), -ELOOP for includes without end. */
int pam_stack_read(const char *dir, const char *service, PamFacility facility, PamStack **ret,
                   char *ret_where, size_t size);
PamStack *pam_stack_free(PamStack *stack);
bool pam_stack_has(const PamStack *stack, const char *module);
/* What the stack gives where pam_um returns um_code, pam_localuser local_code, pam_deny a denial,
 * and every other module success: the most generous neighbours a refusal can have. */
int pam_stack_run(const PamStack *stack, int um_code, int local_code);
