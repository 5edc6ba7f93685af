/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where users come from.  The vault bounds how many wrong guesses at a user are looked at; with one
 * bound a stranger who guesses all day would keep him out all day (SECURITY I6).  So guesses from
 * this machine, and those from where he logged in before, are bounded apart.
 *
 * Only a proof puts a source here, and only four of one user stay, so that nobody can push
 * another's out by coming from many; nothing here lets anybody in. */

#include <string.h>

#include "umd/core/login.h"

static uint64_t source_hash(const Core *core, const LoginWords *words) {
        return core_hash(core->lane_key, words->source, strlen(words->source));
}

CoreFrom core_source_from(const Core *core, const LoginWords *words, uid_t uid) {
        const Logins *logins = core->logins;
        uint64_t hash;

        if (!words->source[0])
                return words->self ? CORE_FROM_KNOWN : CORE_FROM_HERE;
        hash = source_hash(core, words);
        for (size_t i = 0; uid != 0 && i < SOURCES_MAX; i++)
                if (logins->sources[i].uid == uid && logins->sources[i].hash == hash)
                        return CORE_FROM_KNOWN;
        return CORE_FROM_AFAR;
}

/* The same one, his oldest where he has enough, else a free one or the oldest of all. */
static Source *source_place(Logins *logins, uid_t uid, uint64_t hash) {
        Source *own = NULL, *oldest = logins->sources;
        size_t count = 0;

        for (Source *s = logins->sources; s < logins->sources + SOURCES_MAX; s++) {
                if (s->uid == uid && s->hash == hash)
                        return s;
                if (s->number < oldest->number)
                        oldest = s;
                if (s->uid != uid)
                        continue;
                count++;
                if (!own || s->number < own->number)
                        own = s;
        }
        return count >= SOURCES_USER_MAX ? own : oldest;
}

void core_source_note(Core *core, const LoginWords *words, uid_t uid) {
        Logins *logins = core->logins;
        uint64_t hash;

        if (!words->source[0] || uid == 0)
                return;
        hash = source_hash(core, words);
        *source_place(logins, uid, hash) = (Source){ hash, uid, ++logins->source_number };
}
