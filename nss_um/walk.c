/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Enumeration, of users and of groups alike.  A walk has a mapping of its own, so it shows one
 * moment from beginning to end; endpwent(), endgrent() and the walk's end give it back.  umd is not
 * asked: without a map nobody is listed, and that is no answer.  A thread that ends in the midst of
 * a walk leaves its mapping behind: a destructor could run after the library is gone (SECURITY F6).
 */

#include <errno.h>

#include "map/map.h"
#include "nss_um/nss_um.h"

void walk_end(Walk *walk) {
        if (walk->begun && !walk->over)
                map_close(&walk->view);
        *walk = (Walk){};
}

/* Over for good, until set or end is called: the map is let go, the next call says so again. */
static void walk_stop(Walk *walk) {
        walk_end(walk);
        walk->begun = walk->over = true;
}

static int walk_begin(Walk *walk) {
        int r;

        r = map_open(MAP_PATH, &walk->view);
        if (r < 0)
                return r;
        walk->begun = true;
        if (!(walk->view.flags & MAP_FLAG_ENUMERATE)) {
                walk_stop(walk);
                return 0;
        }
        r = map_cursor_start(&walk->view, &walk->cursor);
        if (r < 0)
                walk_end(walk); /* nothing was shown yet: the next call looks anew */
        return r;
}

enum nss_status walk_next(Walk *walk, Request request, int *ret_errno) {
        int saved = errno, r = walk->begun ? 0 : walk_begin(walk);
        enum nss_status status;
        MapCursor before;
        Found found;

        errno = saved;
        if (r < 0)
                return nss_unavailable(r, ret_errno);
        if (walk->over)
                return nss_none(ret_errno);
        before = walk->cursor;
        r = request.kind == KIND_USER ? map_user_next(&walk->view, &walk->cursor, &found.user)
                                      : map_group_next(&walk->view, &walk->cursor, &found.group);
        if (r > 0 && !found_valid(&found, request.kind))
                r = -EBADMSG;
        if (r <= 0) {
                walk_stop(walk);
                return r == 0 ? nss_none(ret_errno) : nss_unavailable(r, ret_errno);
        }
        status = found_copy(&found, request, ret_errno);
        if (status != NSS_STATUS_SUCCESS)
                walk->cursor = before; /* the same one again, with a larger buffer */
        return status;
}
