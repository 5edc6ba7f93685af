/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the days share that are lived through once for each allocation they make. */

#include "tests/unit/core_fixture.h"
#include "tests/unit/wrap_memory.h"

/* The vault's own memory is not what is tried here; core's answer to it is. */
static inline void vault(Fixture *f) {
        while (f->job_count > 0 || f->question_count > 0) {
                memory_on();
                fixture_vault_one(f);
                memory_off();
        }
}

static inline void flush(Fixture *f) {
        memory_on();
        (void)core_flush(f->core);
        memory_off();
        while (core_has_unflushed(f->core))
                must(core_flush(f->core));
}
