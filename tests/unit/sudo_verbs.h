/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs of sudo command groups, for tests: short, and as whom one likes. */

#include "tests/unit/rights_verbs.h"

typedef struct SudoText {
        const char *commands; /* joined by "|" */
        const char *run_as, *description;
        bool no_password, allow_broad;
} SudoText;

static inline int sudo_write(Fixture *f, const Actor *actor, const char *name, bool new,
                             const SudoText *text) {
        const char *list[CORE_SUDO_COMMANDS_MAX + 2];
        _cleanup_free_ char *buf = text->commands ? strdup(text->commands) : NULL;
        SudoEdit edit = {
                .name = new ? name : NULL,
                .description = text->description,
                .run_as = text->run_as,
                .has_no_password = text->no_password,
                .no_password = text->no_password,
                .allow_broad = text->allow_broad,
        };

        if (buf) {
                edit.commands = list;
                if (!buf[0])
                        list[edit.command_count++] = "";
                for (char *save, *word = strtok_r(buf, "|", &save); word;
                     word = strtok_r(NULL, "|", &save))
                        list[edit.command_count++] = word;
        }
        f->error = (CoreError){ 0 };
        return new ? core_sudo_group_create(f->core, actor, &edit, &f->options, f->now, &f->change,
                                            &f->error)
                   : core_sudo_group_update(f->core, actor, name, &edit, &f->options, f->now,
                                            &f->change, &f->error);
}

#define sudo_add(f, name, ...) sudo_write(f, &(f)->root, name, true, &(SudoText){ __VA_ARGS__ })
#define sudo_set(f, name, ...) sudo_write(f, &(f)->root, name, false, &(SudoText){ __VA_ARGS__ })

static inline int sudo_delete(Fixture *f, const Actor *actor, const char *name, bool force) {
        f->error = (CoreError){ 0 };
        return core_sudo_group_delete(f->core, actor, name, force, &f->options, f->now, &f->change,
                                      &f->error);
}
