/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What changed, as one delta of the map.
 *
 * Each object is looked up twice: as the map shows it, and as core has it now; the difference is
 * what is written.  So a rename, a collision that came or went and a deletion are all the same
 * case, and news that come twice do no harm.  All of a flush is one delta: two users who swap names
 * are never seen half-way. */

#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "umd/publish.h"

/* A change and what it owns; one allocation each would save little. */
typedef struct Change {
        MapUserSpec user;
        MapGroupSpec group;
        PublishLists lists;
        char *strings; /* all of them, one behind the other */
} Change;

typedef struct Delta {
        Publish *publish;
        Change *owned;
        MapChange *changes;
        size_t count, allocated;
        uint32_t id;                          /* the object at hand */
        bool exists, shows_user, shows_group; /* in core; what the map will have of it */
        char user_name[BASE_NAME_MAX + 1], group_name[BASE_NAME_MAX + 1];
        int64_t users, groups;
} Delta;

static void delta_done(Delta *delta) {
        for (size_t i = 0; i < delta->count; i++) {
                publish_lists_done(&delta->owned[i].lists);
                free(delta->owned[i].strings);
        }
        free(delta->owned);
        free(delta->changes);
}

/* Pointers into owned are set when all is there: it moves while it grows. */
static int change_new(Delta *delta, Change **ret, MapChange **ret_change) {
        if (delta->count == delta->allocated) {
                size_t more = delta->allocated > 0 ? delta->allocated * 2 : 16;
                Change *owned = reallocarray(delta->owned, more, sizeof(*owned));
                MapChange *changes;

                if (!owned)
                        return -ENOMEM;
                delta->owned = owned;
                changes = reallocarray(delta->changes, more, sizeof(*changes));
                if (!changes)
                        return -ENOMEM;
                delta->changes = changes;
                delta->allocated = more;
        }
        delta->owned[delta->count] = (Change){ 0 };
        delta->changes[delta->count] = (MapChange){ 0 };
        *ret = &delta->owned[delta->count];
        *ret_change = &delta->changes[delta->count];
        delta->count++;
        return 0;
}

/* Copies a string to *at and moves on. */
static const char *string_put(char **at, const char *s) {
        const char *copy = *at;

        *at = stpcpy(*at, s) + 1;
        return copy;
}

static int user_add(Delta *delta, const CoreEntry *entry) {
        MapChange *slot;
        Change *change;
        char *at;
        int r = change_new(delta, &change, &slot);

        if (r >= 0)
                r = publish_user_spec(delta->publish, entry, &change->lists, &change->user);
        if (r < 0)
                return r;
        at = change->strings = malloc(strlen(entry->name) + strlen(entry->gecos) +
                                      strlen(entry->home) + strlen(entry->shell) + 4);
        if (!at)
                return -ENOMEM;
        change->user.name = string_put(&at, entry->name);
        change->user.gecos = string_put(&at, entry->gecos);
        change->user.home = string_put(&at, entry->home);
        change->user.shell = string_put(&at, entry->shell);
        return 0;
}

static int group_add(Delta *delta, const CoreEntry *entry) {
        size_t bytes = strlen(entry->name) + 1;
        MapChange *slot;
        Change *change;
        char *at;
        int r = change_new(delta, &change, &slot);

        if (r >= 0)
                r = publish_group_spec(delta->publish, entry, &change->lists, &change->group);
        if (r < 0)
                return r;
        for (size_t i = 0; i < change->group.member_count; i++)
                bytes += strlen(change->lists.members[i]) + 1;
        at = change->strings = malloc(bytes);
        if (!at)
                return -ENOMEM;
        change->group.name = string_put(&at, entry->name);
        for (size_t i = 0; i < change->group.member_count; i++)
                change->lists.members[i] = string_put(&at, change->lists.members[i]);
        return 0;
}

static int gone_add(Delta *delta, bool is_group, const char *name, uint32_t id) {
        MapChange *slot;
        Change *change;
        int r = change_new(delta, &change, &slot);

        if (r < 0)
                return r;
        change->strings = strdup(name);
        if (!change->strings)
                return -ENOMEM;
        if (is_group)
                *slot = (MapChange){ .gone_group_name = change->strings, .gone_gid = id };
        else
                *slot = (MapChange){ .gone_user_name = change->strings, .gone_uid = id };
        return 0;
}

/* ---- one object: as core has it, as the map has it ------------------------------------------- */

static int entry_show(void *userdata, const CoreEntry *entry) {
        Delta *delta = userdata;
        const char *file = publish_hides(delta->publish, entry);
        size_t len = strlen(entry->name);

        delta->exists = true;
        publish_tell(delta->publish, entry, file);
        if (file)
                return 0;
        if (len > BASE_NAME_MAX)
                return -EINVAL;
        if (entry->is_group) {
                delta->shows_group = true;
                memcpy(delta->group_name, entry->name, len + 1);
                return group_add(delta, entry);
        }
        delta->shows_user = true;
        memcpy(delta->user_name, entry->name, len + 1);
        return user_add(delta, entry);
}

/* What the map has under the id and will not have any more, or not under that name. */
static int user_compare(Delta *delta) {
        MapUser was;
        int r = map_user_by_uid(&delta->publish->view, delta->id, &was);

        if (r < 0)
                return r;
        delta->users += (int)delta->shows_user - r;
        if (r == 0 || (delta->shows_user && strcmp(was.strings, delta->user_name) == 0))
                return 0;
        return gone_add(delta, false, was.strings, delta->id);
}

static int group_compare(Delta *delta) {
        MapGroup was;
        int r = map_group_by_gid(&delta->publish->view, delta->id, &was);

        if (r < 0)
                return r;
        delta->groups += (int)delta->shows_group - r;
        if (r == 0 || (delta->shows_group && strcmp(was.strings, delta->group_name) == 0))
                return 0;
        return gone_add(delta, true, was.strings, delta->id);
}

/* As core has it now. */
static int object_read(Delta *delta, uint32_t id) {
        Core *core = delta->publish->spec.core;
        int r;

        delta->id = id;
        delta->exists = delta->shows_user = delta->shows_group = false;
        r = core_entry_user(core, id, entry_show, delta); /* with the private group */
        if (r > 0)
                r = core_entry_group(core, id, entry_show, delta);
        if (r >= 0 && !delta->exists)
                id_list_remove(&delta->publish->hidden, id);
        return r < 0 ? r : 0;
}

static int object_add(Delta *delta, uint32_t id) {
        int r = object_read(delta, id);

        if (r >= 0)
                r = user_compare(delta);
        return r < 0 ? r : group_compare(delta);
}

/* ---- what a collision that came or went touches beside the record ---------------------------- */

typedef struct Related {
        Publish *publish;
        IdList *ids;
        int r;
} Related;

static int member_note(void *userdata, const CoreEntry *entry) {
        Related *related = userdata;

        return entry->is_group ? 0 : id_list_add(related->ids, entry->id);
}

/* Groups list their members by name, users their groups by id: both leave out what is local. */
static int related_note(void *userdata, const CoreEntry *entry) {
        Related *related = userdata;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < entry->gid_count; i++)
                r = id_list_add(related->ids, entry->gids[i]);
        for (size_t i = 0; r >= 0 && i < entry->member_count; i++)
                r = core_entry_user_by_name(related->publish->spec.core, entry->members[i],
                                            member_note, related);
        return r < 0 ? r : 0;
}

static int related_add(Publish *publish, IdList *ids) {
        Related related = { .publish = publish, .ids = ids };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < publish->disturbed.count; i++) {
                uint32_t id = publish->disturbed.ids[i];

                r = id_list_add(ids, id);
                if (r >= 0)
                        r = core_entry_user(publish->spec.core, id, related_note, &related);
                if (r > 0)
                        r = core_entry_group(publish->spec.core, id, related_note, &related);
        }
        return r < 0 ? r : 0;
}

/* ---- the delta ------------------------------------------------------------------------------- */

static int view_refresh(Publish *publish) {
        int r;

        if (publish->has_view && !map_is_stale(&publish->view))
                return 0;
        if (publish->has_view)
                map_close(&publish->view);
        r = map_open(publish->spec.path, &publish->view);
        publish->has_view = r >= 0;
        return r;
}

static int delta_append(Delta *delta, MapWriter *writer) {
        for (size_t i = 0; i < delta->count; i++) {
                if (delta->owned[i].user.name)
                        delta->changes[i].user = &delta->owned[i].user;
                if (delta->owned[i].group.name)
                        delta->changes[i].group = &delta->owned[i].group;
        }
        return delta->count > 0 ? map_append(writer, delta->changes, delta->count) : 0;
}

static int delta_write(Delta *delta, const IdList *ids) {
        Publish *publish = delta->publish;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ids->count; i++)
                r = object_add(delta, ids->ids[i]);
        if (r >= 0)
                r = delta_append(delta, publish->writer);
        if (r != 0)
                return r;
        publish->status.users += (uint64_t)delta->users;
        publish->status.groups += (uint64_t)delta->groups;
        publish_next_note(publish, ids, delta->changes, delta->count);
        return 0;
}

int publish_delta(Publish *publish) {
        Delta delta = { .publish = publish };
        IdList *ids = &publish->changed;
        int r = view_refresh(publish);

        if (r >= 0)
                r = related_add(publish, ids);
        if (r < 0)
                return r;
        id_list_sort(ids);
        if (ids->count > PUBLISH_DELTA_MAX)
                return MAP_E_FULL;
        r = delta_write(&delta, ids);
        delta_done(&delta);
        return r;
}

int publish_delta_again(Publish *publish, MapWriter *writer, const IdList *ids,
                        const PublishGone *gone, size_t gone_count) {
        Delta delta = { .publish = publish };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < gone_count; i++)
                r = gone_add(&delta, gone[i].is_group, gone[i].name, gone[i].id);
        for (size_t i = 0; r >= 0 && i < ids->count; i++)
                r = object_read(&delta, ids->ids[i]);
        if (r >= 0)
                r = delta_append(&delta, writer);
        delta_done(&delta);
        return r;
}
