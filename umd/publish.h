/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of publishing: what publish.c (when), publish_hide.c (what not), publish_file.c (a
 * whole file), publish_delta.c (what changed) and publish_next.c (the next file, in a thread)
 * share. */

#include "map/map.h"
#include "umd/umd.h"

/* More objects than this in one run: a new file is cheaper than a delta. */
#define PUBLISH_DELTA_MAX 512U
/* After a file that could not be made. */
#define PUBLISH_RETRY_USEC USEC_PER_SEC
/* Hidden records that are told one by one, in the log and the audit. */
#define PUBLISH_HIDDEN_MAX 256U

/* Ids of users and groups, which um gives out from one counter: each is one of either. */
typedef struct IdList {
        uint32_t *ids;
        size_t count, allocated;
} IdList;

int id_list_add(IdList *list, uint32_t id);
void id_list_sort(IdList *list); /* and each once */
bool id_list_has(const IdList *list, uint32_t id);
void id_list_remove(IdList *list, uint32_t id);
void id_list_clear(IdList *list);

typedef struct PublishNext PublishNext;

typedef struct PublishTell {
        uint32_t id;
        char object[BASE_NAME_MAX + 8]; /* "user/alice" */
        const char *file;               /* that hides it, or NULL: none any more */
} PublishTell;

struct Publish {
        PublishSpec spec;
        bool file_due;       /* deltas will not do */
        bool withdrawn;      /* told so, too */
        uint64_t retry_usec; /* boottime: while withdrawn, not before */
        MapWriter *writer;
        PublishNext *next;  /* being made, or NULL */
        uint64_t next_usec; /* boottime: no other is begun before */
        MapView view;       /* of what is published, to see what was */
        bool has_view;
        IdList changed;   /* from core's news */
        IdList disturbed; /* from the host's files */
        IdList hidden;    /* told to be hidden; unsorted */
        PublishTell *tells;
        size_t tell_count;
        PublishStatus status;
};

/* Which local file hides the entry, or NULL. */
const char *publish_hides(const Publish *publish, const CoreEntry *entry);
/* Notes, once, that the entry is hidden by that file, or (NULL) that it is not any more. */
void publish_tell(Publish *publish, const CoreEntry *entry, const char *file);
void publish_tells_write(Publish *publish, uint64_t now_usec);
/* Copies of the entry's lists without what local names and ids hold; the rest is borrowed.  Free
 * with publish_lists_done. */
typedef struct PublishLists {
        gid_t *gids;
        const char **members;
} PublishLists;

int publish_user_spec(const Publish *publish, const CoreEntry *entry, PublishLists *lists,
                      MapUserSpec *ret);
int publish_group_spec(const Publish *publish, const CoreEntry *entry, PublishLists *lists,
                       MapGroupSpec *ret);

static inline void publish_lists_done(PublishLists *lists) {
        free(lists->gids);
        free(lists->members);
}

uint32_t publish_flags(const Publish *publish);
/* A whole new file in place of whatever is published. */
int publish_file(Publish *publish);
/* Takes a file over that was written, in place of the one that is published. */
int publish_writer_set(Publish *publish, MapWriter *writer);

/* publish->changed and ->disturbed as one delta; MAP_E_FULL where a file is due. */
int publish_delta(Publish *publish);
/* What went into deltas while the next file was being made, for that file. */
typedef struct PublishGone {
        bool is_group;
        uint32_t id;
        char name[BASE_NAME_MAX + 1];
} PublishGone;

int publish_delta_again(Publish *publish, MapWriter *writer, const IdList *ids,
                        const PublishGone *gone, size_t gone_count);

/* Begins to make the next file, if deltas have grown so that it is time and none is being made. */
void publish_next_begin(Publish *publish);
/* What a delta has just changed: the next file will need it too. */
void publish_next_note(Publish *publish, const IdList *ids, const MapChange *changes,
                       size_t change_count);
bool publish_next_is_ready(const Publish *publish);
/* Publishes the next file if it is ready; wait: or as soon as it is.  It must become what the one
 * before is, which is what core has, but for what the coming delta changes.  0; 1 where there is no
 * next file. */
int publish_next_adopt(Publish *publish, bool wait, const IdList *coming);
void publish_next_drop(Publish *publish);
