/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the map would show of groups, as a text. */

#include "tests/unit/rights_verbs.h"

static inline int shown_take(void *userdata, const CoreEntry *entry) {
        if (entry->is_group)
                return 0;
        for (size_t i = 0; i < entry->gid_count; i++)
                base_text_addf(userdata, "%s%u", i > 0 ? "," : "", entry->gids[i]);
        for (size_t i = 0; i < entry->host_gid_count; i++)
                base_text_addf(userdata, "%s%u", i > 0 ? "," : "/", entry->host_gids[i]);
        return 0;
}

/* "65538,65539/4": groups of um's, then those of /etc/group. */
static inline const char *shown(Fixture *f, const char *user) {
        static char buf[1024];
        Text text;

        base_text_init(&text, buf, sizeof(buf));
        must(core_entry_user_by_name(f->core, user, shown_take, &text));
        return buf;
}

static inline int listed_take(void *userdata, const CoreEntry *entry) {
        for (size_t i = 0; i < entry->member_count; i++)
                base_text_addf(userdata, "%s%s", i > 0 ? "," : "", entry->members[i]);
        return 0;
}

static inline const char *listed(Fixture *f, const char *group) {
        static char buf[16384];
        Text text;

        base_text_init(&text, buf, sizeof(buf));
        must(core_entry_group_by_name(f->core, group, listed_take, &text));
        return buf;
}

typedef struct Whole {
        const char *name;
        bool is_group;
        Text text;
} Whole;

static inline int whole_take(void *userdata, const CoreEntry *entry) {
        Whole *whole = userdata;

        if (entry->is_group != whole->is_group || strcmp(entry->name, whole->name) != 0)
                return 0;
        return whole->is_group ? listed_take(&whole->text, entry) : shown_take(&whole->text, entry);
}

/* The same in the pass over everybody that a whole map is made by. */
static inline const char *whole_shown(Fixture *f, const char *name, bool is_group) {
        static char buf[16384];
        Whole whole = { .name = name, .is_group = is_group };

        base_text_init(&whole.text, buf, sizeof(buf));
        must(core_entries_all(f->core, whole_take, &whole));
        return buf;
}

/* Both ways. */
static inline void assert_shown(Fixture *f, const char *user, const char *wanted) {
        assert_string_equal(shown(f, user), wanted);
        assert_string_equal(whole_shown(f, user, false), wanted);
}

static inline void assert_listed(Fixture *f, const char *group, const char *wanted) {
        assert_string_equal(listed(f, group), wanted);
        assert_string_equal(whole_shown(f, group, true), wanted);
}

static inline void host_group(Fixture *f, const char *name, gid_t gid) {
        assert_true(f->host_group_count < 8);
        f->host_groups[f->host_group_count].name = name;
        f->host_groups[f->host_group_count++].gid = gid;
}
