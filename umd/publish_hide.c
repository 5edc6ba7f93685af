/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is left out of the map, and telling so.
 *
 * A name or an id that /etc/passwd or /etc/group holds is never in it, neither as a record nor in
 * another's list: nobody local gets a group of um's by having a member's name.  Who is hidden that
 * way, or is not any more, is told once, in the log and in the audit; after the run, since nothing
 * may be written while records are being read. */

#include <errno.h>
#include <stdio.h>
#include <syslog.h>

#include "base/base.h"
#include "umd/publish.h"

const char *publish_hides(const Publish *publish, const CoreEntry *entry) {
        const char *file = host_holds_name(publish->spec.host, entry->name);

        return file ? file : host_holds_id(publish->spec.host, entry->id);
}

void publish_tell(Publish *publish, const CoreEntry *entry, const char *file) {
        bool known = id_list_has(&publish->hidden, entry->id);
        PublishTell *tell;

        if (known == !!file || publish->tell_count >= PUBLISH_HIDDEN_MAX ||
            (file && publish->hidden.count >= PUBLISH_HIDDEN_MAX))
                return;
        if (!publish->tells)
                publish->tells = calloc(PUBLISH_HIDDEN_MAX, sizeof(*publish->tells));
        if (!publish->tells || (file && id_list_add(&publish->hidden, entry->id) < 0))
                return;
        if (!file)
                id_list_remove(&publish->hidden, entry->id);
        tell = &publish->tells[publish->tell_count++];
        *tell = (PublishTell){ .id = entry->id, .file = file };
        snprintf(tell->object, sizeof(tell->object), "%s/%.*s", entry->is_group ? "group" : "user",
                 (int)BASE_NAME_MAX, entry->name);
}

static void tell_write(const Publish *publish, const PublishTell *tell, uint64_t now_usec) {
        const Log *log = publish->spec.log;
        char reason[64];
        int r;

        snprintf(reason, sizeof(reason), "%s %s",
                 tell->file ? tell->file : "/etc/passwd and /etc/group",
                 tell->file ? "has its name or id" : "left its name and id");
        log_write(log,
                  &(LogRecord){ .priority = tell->file ? LOG_WARNING : LOG_NOTICE,
                                .message = tell->file ? MESSAGE_COLLISION : MESSAGE_COLLISION_OVER,
                                .object = tell->object },
                  "%s (id %u) is %s: %s", tell->object, tell->id,
                  tell->file ? "hidden" : "shown again", reason);
        r = core_audit_system(publish->spec.core, tell->file ? "map.hide" : "map.show",
                              tell->object, tell->id, reason, now_usec);
        if (r != 0)
                log_write(log,
                          &(LogRecord){ .priority = LOG_ERR,
                                        .fault = r < 0 ? r : 0,
                                        .object = tell->object },
                          "the audit has no entry of that");
}

void publish_tells_write(Publish *publish, uint64_t now_usec) {
        for (size_t i = 0; i < publish->tell_count; i++)
                tell_write(publish, &publish->tells[i], now_usec);
        publish->tell_count = 0;
}

int publish_user_spec(const Publish *publish, const CoreEntry *entry, PublishLists *lists,
                      MapUserSpec *ret) {
        size_t count = 0;

        *lists = (PublishLists){ .gids = calloc(entry->gid_count + entry->host_gid_count + 1,
                                                sizeof(gid_t)) };
        if (!lists->gids)
                return -ENOMEM;
        for (size_t i = 0; i < entry->gid_count; i++)
                if (!host_holds_id(publish->spec.host, entry->gids[i]))
                        lists->gids[count++] = entry->gids[i];
        for (size_t i = 0; i < entry->host_gid_count; i++)
                lists->gids[count++] = entry->host_gids[i];
        *ret = (MapUserSpec){
                .uid = entry->id,
                .gid = entry->id, /* the private group's */
                .name = entry->name,
                .gecos = entry->gecos,
                .home = entry->home,
                .shell = entry->shell,
                .gids = lists->gids,
                .gid_count = count,
        };
        return 0;
}

int publish_group_spec(const Publish *publish, const CoreEntry *entry, PublishLists *lists,
                       MapGroupSpec *ret) {
        size_t count = 0;

        *lists = (PublishLists){ .members = calloc(entry->member_count + 1, sizeof(char *)) };
        if (!lists->members)
                return -ENOMEM;
        for (size_t i = 0; i < entry->member_count; i++)
                if (!host_holds_name(publish->spec.host, entry->members[i]))
                        lists->members[count++] = entry->members[i];
        *ret = (MapGroupSpec){
                .gid = entry->id,
                .name = entry->name,
                .members = lists->members,
                .member_count = count,
        };
        return 0;
}
