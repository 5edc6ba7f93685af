/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is the person at this machine?  A security key is asked for a touch only where its owner can be
 * the one who sees it blink: at the console, and for sudo, su and umctl of his own inside a session
 * that began there.
 *
 * In which session a program runs is told by its ancestors, as the kernel has them: the nearest one
 * that holds a session on record, where sudo's and su's inside another do not count.  Programs
 * whose ancestors are gone (a desktop's, which systemd starts for him; tmux) are taken for local
 * where he has sessions at the console and none from elsewhere.  What is in doubt is remote: then
 * other methods are asked. */

#include <string.h>

#include "umd/core/second.h"

bool core_service_is_console(const char *service) {
        static const char *const services[] = {
                "login", "gdm-password", "gdm-fingerprint", "lightdm", "sddm", "greetd",
        };

        for (size_t i = 0; i < ARRAY_LENGTH(services); i++)
                if (strcmp(services[i], service) == 0)
                        return true;
        return false;
}

/* One that stands inside another: sudo, su. */
static bool is_nested(const char *service) {
        ServiceClass class = core_service_class(service);

        return class == SERVICE_ELEVATE || class == SERVICE_SWITCH;
}

static bool session_is_local(const Session *session) {
        return !session->words.source[0] && core_service_is_console(session->words.service);
}

/* A user manager, cron: nobody sits there, wherever he is. */
static bool is_nobodys(const Session *session) {
        return core_service_class(session->words.service) == SERVICE_SCHEDULED;
}

/* All that the user has on record began at the console.  What says of no session where it began (a
 * program that names no host) is in doubt. */
static bool user_is_local(const Core *core, uid_t uid) {
        bool local = false;

        for (const Session *s = core->logins->sessions; s; s = s->next) {
                if (s->uid != uid || is_nested(s->words.service) || is_nobodys(s))
                        continue;
                if (!session_is_local(s))
                        return false;
                local = true;
        }
        return local;
}

Whereabouts core_whereabouts(const Core *core, const CorePeer *peer) {
        bool nested = false;

        for (size_t i = 0; i < peer->ancestor_count; i++) {
                const Session *session = core_session_held_by(core, &peer->ancestors[i]);

                if (session && strcmp(session->words.service, "systemd-user") == 0)
                        /* a desktop's programs are the user manager's */
                        return nested ? WHEREABOUTS_ELSEWHERE : WHEREABOUTS_UNKNOWN;
                if (session && !is_nested(session->words.service))
                        return session_is_local(session) ? WHEREABOUTS_HERE : WHEREABOUTS_ELSEWHERE;
                nested = nested || session;
        }
        /* su inside of what is no session of um's may be anywhere */
        return nested || peer->ancestor_count == CORE_ANCESTORS_MAX ? WHEREABOUTS_ELSEWHERE
                                                                    : WHEREABOUTS_UNKNOWN;
}

static bool caller_is_local(const Dialogue *dialogue, uid_t uid) {
        switch (dialogue->whereabouts) {
        case WHEREABOUTS_HERE:
                return true;
        case WHEREABOUTS_UNKNOWN:
                return user_is_local(dialogue->core, uid);
        case WHEREABOUTS_ELSEWHERE:
        case _WHEREABOUTS_MAX:
                break;
        }
        return false;
}

bool core_login_is_local(const Dialogue *dialogue, uid_t uid) {
        const LoginWords *words = &dialogue->words;

        if (!dialogue->core->tokens.ask || words->source[0] || words->origin.by_root)
                return false;
        if (words->origin.place == PLACE_CONSOLE)
                return core_service_is_console(words->service);
        return words->origin.place == PLACE_SELF &&
               (is_nested(words->service) || strcmp(words->service, LOGIN_SERVICE_SELF) == 0) &&
               caller_is_local(dialogue, uid);
}
