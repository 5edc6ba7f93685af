/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Typed attributes (FEATURES A6) as the faces change and show them: part of core.h, which includes
 * it, on a page of its own.  What somebody has of them is a field of his (UserSpec, CoreUser). */

#include "umd/core/core.h"

#define CORE_ATTRIBUTES_MAX 1024U /* that there are */

typedef struct AttributeEdit {
        const char *name, *type;    /* creation only; "flag", "text", "number", "date", "choice" */
        const char *description;    /* NULL: as it is */
        const char *const *choices; /* of a choice; NULL: as it is */
        size_t choice_count;
        bool has_private, is_private;
} AttributeEdit;

/* CORE_E_BAD_VALUE names what is wrong; CORE_E_NO_SUCH_ENTRY: there is none; CORE_E_POLICY_REFUSED
 * a choice that somebody has, and is to be none any more. */
int core_attribute_create(Core *core, const Actor *actor, const AttributeEdit *edit,
                          const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                          CoreError *error);
int core_attribute_update(Core *core, const Actor *actor, const char *name,
                          const AttributeEdit *edit, const CoreOptions *options, uint64_t now_usec,
                          CoreChange *ret, CoreError *error);
/* One that a role names is CORE_E_POLICY_REFUSED; so is one that somebody has unless force, which
 * takes it from him. */
int core_attribute_delete(Core *core, const Actor *actor, const char *name, bool force,
                          const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                          CoreError *error);

typedef struct CoreAttribute {
        uint64_t version;
        const char *name, *type, *description;
        const char *const *choices;
        size_t choice_count;
        bool is_private;
        uint64_t created_usec;
} CoreAttribute;

typedef void (*CoreAttributeEach)(void *userdata, const CoreAttribute *attribute);

/* The one of that name, or all (name NULL). */
int core_attribute_show(Core *core, const char *name, CoreAttributeEach each, void *userdata,
                        CoreError *error);
