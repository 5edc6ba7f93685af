/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* sudo command groups (FEATURES D15) as the faces change and show them, and the lines of sudoers
 * that follow from them: part of core.h, which includes it, on a page of its own. */

#include "umd/core/core.h"

#define CORE_SUDO_MAINTENANCE  "maintenance" /* always there, without commands at first */
#define CORE_SUDO_GROUPS_MAX   256U
#define CORE_SUDO_COMMANDS_MAX 64U    /* of one group */
#define CORE_SUDO_COMMAND_MAX  512U   /* bytes of one */
#define CORE_SUDO_BYTES_MAX    16384U /* of all commands of one group */

/* ---- command groups ----------------------------------------------------------------------- */

typedef struct SudoEdit {
        const char *name;        /* creation only */
        const char *description; /* NULL: as it is, or "" */
        /* "/usr/bin/systemctl restart backup.service".  NULL: as they are.  Replaced as a whole,
         * or, where each begins with + or -, added to and taken from. */
        const char *const *commands;
        size_t command_count;
        const char *run_as; /* "root", "postgres:adm"; NULL: as it is, or root */
        bool has_no_password, no_password;
        bool allow_broad; /* of this edit: commands that amount to more than themselves */
} SudoEdit;

/* CORE_E_POLICY_REFUSED for a relative path, and without allow_broad for a command that is broad;
 * CORE_E_PROTECTED where the actor could give himself more, or somebody more than he has. */
int core_sudo_group_create(Core *core, const Actor *actor, const SudoEdit *edit,
                           const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                           CoreError *error);
int core_sudo_group_update(Core *core, const Actor *actor, const char *name, const SudoEdit *edit,
                           const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                           CoreError *error);
/* One that a role names is CORE_E_POLICY_REFUSED unless force. */
int core_sudo_group_delete(Core *core, const Actor *actor, const char *name, bool force,
                           const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                           CoreError *error);

typedef struct CoreSudoGroup {
        uint64_t version; /* 0: never changed */
        const char *name, *description;
        const char *const *commands; /* ends with NULL */
        const char *run_as;          /* "root", "postgres:adm" */
        bool no_password, broad;
        uint64_t created_usec;
} CoreSudoGroup;

typedef void (*CoreSudoGroupEach)(void *userdata, const CoreSudoGroup *group);

/* The group of that name, or all by name (name NULL). */
int core_sudo_group_show(Core *core, const char *name, CoreSudoGroupEach each, void *userdata,
                         CoreError *error);

/* ---- the lines of sudoers ----------------------------------------------------------------- */

#define CORE_SUDOERS_STAMP_BYTES 16U
#define CORE_SUDOERS_MAX         (1024U * 1024) /* bytes */

/* What sudo may be told now.  Zeroed before the first time, and then of no moment. */
typedef struct CoreSudoers {
        char *text;     /* lines, or "" */
        uint32_t *uids; /* sorted: whoever holds a role that gives a command, in effect or not */
        size_t uid_count;
        uint64_t next_usec; /* until then it stays as it is unless something changes */
        uint8_t stamp[CORE_SUDOERS_STAMP_BYTES];
} CoreSudoers;

/* Is the user's name or uid the host's own?  Then no line speaks of him. */
typedef bool (*CoreHides)(void *userdata, const char *name, uint32_t uid);

/* Looks at holders of roles that give a command, and at nobody else.  -E2BIG: more than
 * CORE_SUDOERS_MAX. */
int core_sudoers_render(Core *core, CoreHides hides, void *userdata, uint64_t now_usec,
                        CoreSudoers *ret);
/* May the lines be others than they were, now that these users changed?  True on any doubt. */
bool core_sudoers_differ(Core *core, const CoreSudoers *last, const uint32_t *uids, size_t count);
void core_sudoers_done(CoreSudoers *sudoers);
