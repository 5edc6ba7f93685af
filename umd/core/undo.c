/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking a change back (FEATURES L9).  Its notes, and those of its parts, say what each thing was
 * and became.  The log from there on says what touched the same things since: that is kept, unless
 * it was itself taken back.  The rest is made what it was by the verbs themselves (undo_run.c), all
 * of it as one change, which can be taken back like any other.
 *
 * The log is walked from its end, at most CORE_UNDO_LOOK_MAX entries.  Of a change that is older
 * than that, a thing counts as untouched where it is what the change made it. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "umd/core/undo.h"

const char *core_undone_name(CoreUndone undone) {
        static const char *const names[_CORE_UNDONE_MAX] = {
                [CORE_UNDONE_REVERSED] = "reversed", [CORE_UNDONE_SAME] = "same",
                [CORE_UNDONE_ALREADY] = "already",   [CORE_UNDONE_KEPT] = "kept",
                [CORE_UNDONE_NEVER] = "not-undone",
        };

        return names[undone];
}

/* Entries that were taken back as far as one thing goes. */
typedef struct Gone {
        uint64_t *seqs;
        size_t count;
} Gone;

typedef struct Undo {
        UndoRun run;
        FactSource source;
        StoreUndo **parts; /* of which the facts' texts are */
        size_t part_count;
        uint64_t first, last; /* the entries of the change */
        Fact **sorted;        /* by field */
        Gone *gone;           /* at the places of the facts */
} Undo;

static void undo_done(Undo *undo) {
        core_fact_source_done(&undo->source);
        for (size_t i = 0; i < undo->run.count; i++) {
                free(undo->run.facts[i].now);
                if (undo->gone)
                        free(undo->gone[i].seqs);
        }
        free(undo->run.facts);
        free(undo->gone);
        free(undo->sorted);
        for (size_t i = 0; i < undo->part_count; i++)
                undo->parts[i] = store_undo_free(undo->parts[i]);
        free(undo->parts);
}

/* ---- reading the change ------------------------------------------------------------------- */

static int entry_check(Undo *undo, uint64_t seq, CoreError *error) {
        _cleanup_(store_audit_freep) StoreAudit *entry = NULL;
        int r = store_audit_get(undo->source.txn, seq, &entry);

        if (r < 0)
                return r;
        if (r > 0)
                return core_fail(error, CORE_E_NO_SUCH_ENTRY, "ch-%" PRIu64 ": no such change",
                                 seq);
        if (strcmp(entry->type, "change") != 0)
                return core_fail(error, CORE_E_BAD_VALUE,
                                 "ch-%" PRIu64 ": is no change, but an entry of the kind %s", seq,
                                 entry->type);
        return 0;
}

/* The permission is that of each verb which the change was made by, over what it did (L9). */
static int part_may(Undo *undo, uint64_t seq, const StoreUndo *part, CoreError *error) {
        _cleanup_(store_audit_freep) StoreAudit *entry = NULL;
        _cleanup_asker_ Asker asker = { 0 };
        UndoRun *run = &undo->run;
        int r;

        if (run->actor->uid == 0)
                return 0;
        r = store_audit_get(undo->source.txn, seq, &entry);
        if (r == 0)
                r = core_asker_load(run->core, undo->source.txn, run->actor, &asker);
        for (size_t i = 0; i < part->count && r == 0; i++) {
                FactKey key;

                r = core_fact_read(part->list[i].field, &key);
                if (r == 0)
                        r = core_verb_may_undo(&asker, entry->verb, &key, error);
        }
        return r == STORE_E_MISSING ? -EBADMSG : r;
}

static int part_load(Undo *undo, uint64_t seq, CoreError *error) {
        int r = store_audit_undo(undo->source.txn, seq, &undo->parts[undo->part_count]);

        if (r != 0)
                return r == STORE_E_MISSING ? 0 : r;
        return part_may(undo, seq, undo->parts[undo->part_count++], error);
}

static int change_load(Undo *undo, uint64_t seq, CoreError *error) {
        _cleanup_(store_undo_freep) StoreUndo *head = NULL;
        uint32_t parts;
        int r = entry_check(undo, seq, error);

        if (r == 0)
                r = store_audit_undo(undo->source.txn, seq, &head);
        if (r == STORE_E_MISSING)
                return core_fail(error, CORE_E_POLICY_REFUSED,
                                 "ch-%" PRIu64 ": cannot be undone: what it changed was not kept "
                                 "that way, or was erased since",
                                 seq);
        if (r != 0)
                return r;
        parts = head->parts;
        if (parts >= seq)
                return -EBADMSG;
        undo->last = seq;
        undo->first = seq - parts;
        undo->parts = calloc(parts + 1, sizeof(StoreUndo *));
        if (!undo->parts)
                return -ENOMEM;
        if (parts == 0)
                return part_load(undo, seq, error);
        for (uint64_t at = undo->first; r == 0 && at < seq; at++)
                r = part_load(undo, at, error);
        return r;
}

/* ---- its facts, each thing once ----------------------------------------------------------- */

static int field_compare(const void *a, const void *b) {
        const Fact *const *x = a, *const *y = b;
        int r = strcmp((*x)->field, (*y)->field);

        return r != 0 ? r : (*x)->order < (*y)->order ? -1 : (*x)->order > (*y)->order;
}

static int facts_collect(Undo *undo, Fact **ret, size_t *ret_count) {
        size_t count = 0, at = 0;
        Fact *facts;

        for (size_t i = 0; i < undo->part_count; i++)
                count += undo->parts[i]->count;
        facts = calloc(count + 1, sizeof(*facts));
        if (!facts)
                return -ENOMEM;
        for (size_t i = 0; i < undo->part_count; i++)
                for (size_t k = 0; k < undo->parts[i]->count; k++, at++) {
                        const StoreValue *value = &undo->parts[i]->list[k];

                        facts[at] = (Fact){ .field = value->field,
                                            .before = value->before,
                                            .after = value->after,
                                            .order = at };
                }
        *ret = facts;
        *ret_count = count;
        return 0;
}

/* What several parts did to one thing is one: from the first's before to the last's after. */
static void facts_unite(Fact *facts, size_t count, Fact **sorted) {
        for (size_t i = 0; i < count; i++)
                sorted[i] = &facts[i];
        qsort(sorted, count, sizeof(*sorted), field_compare);
        for (size_t i = 1, first = 0; i < count; i++) {
                if (strcmp(sorted[i]->field, sorted[first]->field) != 0) {
                        first = i;
                        continue;
                }
                sorted[first]->after = sorted[i]->after;
                sorted[i]->field = NULL;
        }
}

static int facts_read(Undo *undo) {
        _cleanup_free_ Fact *all = NULL;
        UndoRun *run = &undo->run;
        size_t count = 0;
        int r = facts_collect(undo, &all, &count);

        if (r < 0)
                return r;
        undo->sorted = calloc(count + 1, sizeof(*undo->sorted));
        run->facts = calloc(count + 1, sizeof(*run->facts));
        undo->gone = calloc(count + 1, sizeof(*undo->gone));
        if (!undo->sorted || !run->facts || !undo->gone)
                return -ENOMEM;
        facts_unite(all, count, undo->sorted);
        for (size_t i = 0; i < count; i++)
                if (all[i].field)
                        run->facts[run->count++] = all[i];
        for (size_t i = 0; i < run->count && r == 0; i++) {
                undo->sorted[i] = &run->facts[i];
                r = core_fact_read(run->facts[i].field, &run->facts[i].key);
        }
        qsort(undo->sorted, run->count, sizeof(*undo->sorted), field_compare);
        return r;
}

/* Where it is, or would be. */
static size_t field_place(const Undo *undo, const char *field, size_t len) {
        size_t low = 0, high = undo->run.count;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (strncmp(undo->sorted[middle]->field, field, len) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static Fact *fact_find(const Undo *undo, const char *field) {
        size_t at = field_place(undo, field, strlen(field) + 1);

        return at < undo->run.count && strcmp(undo->sorted[at]->field, field) == 0
                       ? undo->sorted[at]
                       : NULL;
}

/* ---- what came later ---------------------------------------------------------------------- */

/* Which change an entry is part of, and what that takes back. */
typedef struct Walk {
        uint64_t head, undoes;
        uint64_t part_first;
} Walk;

static bool gone_has(const Gone *gone, uint64_t seq) {
        for (size_t i = 0; i < gone->count; i++)
                if (gone->seqs[i] == seq)
                        return true;
        return false;
}

static int gone_add(Gone *gone, uint64_t seq) {
        uint64_t *grown = reallocarray(gone->seqs, gone->count + 1, sizeof(*grown));

        if (!grown)
                return -ENOMEM;
        gone->seqs = grown;
        gone->seqs[gone->count++] = seq;
        return 0;
}

/* An entry that touched one of the things, met from the end: one that was taken back counts for
 * nothing, nor does what it took back then come to nothing. */
static int touch(Undo *undo, Fact *fact, const Walk *walk, uint64_t seq) {
        Gone *gone = &undo->gone[fact - undo->run.facts];

        if (gone_has(gone, seq) || gone_has(gone, walk->head) || fact->later || fact->undone_by)
                return 0;
        if (walk->undoes > undo->last)
                return gone_add(gone, walk->undoes);
        if (walk->undoes >= undo->first && walk->undoes > 0)
                fact->undone_by = walk->head;
        else
                fact->later = walk->head;
        return 0;
}

/* The beginning of a key that all of its object share, and with "there" is the one that says
 * whether it is; 0 for objects that stay. */
static size_t object_len(const char *field) {
        static const char *const kinds[] = { "group ", "role ", "tenant " };

        for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
                size_t len = strlen(kinds[i]);

                if (strncmp(field, kinds[i], len) == 0)
                        return len + strcspn(field + len, " ") + 1;
        }
        return 0;
}

/* Whatever touches an object touches that it was made; and whoever makes or deletes it, all of it.
 */
static int note_look(Undo *undo, const Walk *walk, uint64_t seq, const char *field) {
        size_t len = object_len(field);
        Fact *fact = fact_find(undo, field);
        char there[CORE_POLICY_SUBJECT_BYTES + 16];
        int r = 0;

        if (fact && fact->key.kind != FACT_NEVER)
                r = touch(undo, fact, walk, seq);
        if (r < 0 || len == 0)
                return r;
        if (strcmp(field + len, "there") != 0) {
                snprintf(there, sizeof(there), "%.*sthere", (int)len, field);
                fact = fact_find(undo, there);
                return fact && !fact->before ? touch(undo, fact, walk, seq) : 0;
        }
        for (size_t at = field_place(undo, field, len); at < undo->run.count && r == 0; at++) {
                if (strncmp(undo->sorted[at]->field, field, len) != 0)
                        break;
                if (undo->sorted[at] != fact)
                        r = touch(undo, undo->sorted[at], walk, seq);
        }
        return r;
}

static int entry_look(Undo *undo, Walk *walk, uint64_t seq) {
        _cleanup_(store_undo_freep) StoreUndo *notes = NULL;
        int r = store_audit_undo(undo->source.txn, seq, &notes);

        if (r != 0)
                return r < 0 ? r : 0;
        if (walk->head == 0 || seq < walk->part_first) {
                *walk = (Walk){ .head = seq, .undoes = notes->undoes, .part_first = seq };
                if (notes->parts > 0 && notes->parts < seq)
                        walk->part_first = seq - notes->parts;
        }
        for (size_t i = 0; i < notes->count && r == 0; i++)
                r = note_look(undo, walk, seq, notes->list[i].field);
        return r;
}

static int later_find(Undo *undo) {
        uint64_t first, last, at;
        Walk walk = { 0 };
        int r = store_audit_range(undo->source.txn, &first, &last);

        for (at = last; r == 0 && at > undo->last && last - at < CORE_UNDO_LOOK_MAX; at--)
                r = entry_look(undo, &walk, at);
        return r;
}

/* ---- what is to be done ------------------------------------------------------------------- */

static void fact_judge(Fact *fact, bool force) {
        FactKind kind = fact->key.kind;

        if (kind == FACT_NEVER) {
                fact->undone = CORE_UNDONE_NEVER;
                fact->why = core_never_text((Never)fact->key.number);
        } else if (core_fact_same(kind, fact->now, fact->before))
                fact->undone = fact->undone_by ? CORE_UNDONE_ALREADY : CORE_UNDONE_SAME;
        else if ((fact->later || !core_fact_same(kind, fact->now, fact->after)) && !force)
                fact->undone = CORE_UNDONE_KEPT;
        else
                fact->reverse = true; /* undo_run.c may find that it cannot be */
}

static int facts_judge(Undo *undo) {
        UndoRun *run = &undo->run;
        int r = 0;

        for (size_t i = 0; i < run->count && r == 0; i++) {
                Fact *fact = &run->facts[i];

                r = core_fact_now(&undo->source, &fact->key, &fact->now);
                if (r == 0)
                        fact_judge(fact, run->force);
        }
        return r;
}

/* Everything of it that could be was taken back before: by the last change that did. */
static int refuse_again(const Undo *undo, CoreError *error) {
        uint64_t by = 0;

        for (size_t i = 0; i < undo->run.count; i++) {
                const Fact *fact = &undo->run.facts[i];

                if (fact->reverse || fact->undone == CORE_UNDONE_KEPT)
                        return 0;
                if (fact->undone_by > by)
                        by = fact->undone_by;
        }
        if (by == 0)
                return 0;
        return core_fail(error, CORE_E_CONFLICT,
                         "ch-%" PRIu64 ": is undone already, by ch-%" PRIu64, undo->last, by);
}

/* ---- telling ------------------------------------------------------------------------------ */

static int row_tell(Undo *undo, const Fact *fact,
                    void (*each)(void *userdata, const CoreUndoRow *row), void *userdata) {
        _cleanup_free_ char *object = NULL, *field = NULL, *now = NULL, *becomes = NULL;
        const char *to = fact->undone == CORE_UNDONE_REVERSED ? fact->before : fact->now;
        FactSource *source = &undo->source;
        int r;

        r = core_fact_object(source, &fact->key, &object);
        if (r == 0)
                r = core_fact_field(source, &fact->key, &field);
        if (r == 0)
                r = core_fact_text(source, &fact->key, fact->now, &now);
        if (r == 0)
                r = core_fact_text(source, &fact->key, to, &becomes);
        if (r < 0)
                return r;
        each(userdata, &(CoreUndoRow){
                               .object = object,
                               .field = field,
                               .now = now,
                               .becomes = becomes,
                               .outcome = fact->undone,
                               .change = fact->later ? fact->later : fact->undone_by,
                               .why = fact->why ? fact->why : "",
                       });
        return 0;
}

static int head_values(Undo *undo, Change *head) {
        static const CoreUndone told[] = { CORE_UNDONE_REVERSED, CORE_UNDONE_KEPT,
                                           CORE_UNDONE_NEVER };
        char text[32];
        int r;

        snprintf(text, sizeof(text), "ch-%" PRIu64, undo->last);
        r = core_change_value(head, "undoes", NULL, text);
        for (size_t i = 0; i < ARRAY_LENGTH(told) && r == 0; i++) {
                size_t count = 0;

                for (size_t k = 0; k < undo->run.count; k++)
                        count += undo->run.facts[k].undone == told[i];
                snprintf(text, sizeof(text), "%zu", count);
                if (count > 0)
                        r = core_change_value(head, core_undone_name(told[i]), NULL, text);
        }
        return r;
}

/* The rows are told before anything is committed, which can then be let go still. */
static int undo_finish(Undo *undo, void (*each)(void *userdata, const CoreUndoRow *row),
                       void *userdata, CoreChange *ret) {
        UndoRun *run = &undo->run;
        _cleanup_change_ Change head = { .core = run->core,
                                         .actor = run->actor,
                                         .options = run->options,
                                         .now_usec = run->now_usec,
                                         .txn = run->together->txn,
                                         .together = run->together };
        char name[32];
        int r;

        r = head_values(undo, &head);
        for (size_t i = 0; i < run->count && r == 0; i++)
                r = row_tell(undo, &run->facts[i], each, userdata);
        if (r < 0)
                return r;
        snprintf(name, sizeof(name), "ch-%" PRIu64, undo->last);
        return core_together_commit(run->together, &head, "undo", "change", name, undo->last, ret);
}

int core_undo(Core *core, const Actor *actor, uint64_t change, bool force,
              const CoreOptions *options, uint64_t now_usec,
              void (*each)(void *userdata, const CoreUndoRow *row), void *userdata, CoreChange *ret,
              CoreError *error) {
        _cleanup_together_ Together together = { 0 };
        _cleanup_(undo_done) Undo undo = {
                .run = { .core = core,
                         .actor = actor,
                         .options = options,
                         .now_usec = now_usec,
                         .force = force,
                         .together = &together },
                .source = { .core = core, .now_usec = now_usec },
        };
        CoreError faults = { 0 };
        int r;

        core_check_text("reason", FIELD_LINE, options->reason, &faults);
        *error = faults;
        if (faults.outcome != CORE_DONE)
                return (int)faults.outcome;
        r = core_together_begin(&together, core, actor, options, now_usec, error);
        undo.source.txn = together.txn;
        if (r == 0)
                r = change_load(&undo, change, error);
        if (r == 0)
                r = facts_read(&undo);
        if (r == 0)
                r = later_find(&undo);
        if (r == 0)
                r = facts_judge(&undo);
        if (r == 0)
                r = refuse_again(&undo, error);
        if (r == 0)
                r = core_undo_run(&undo.run, error);
        if (r == 0)
                core_fact_source_done(&undo.source); /* it is another group by now */
        return r != 0 ? r : undo_finish(&undo, each, userdata, ret);
}
