/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of texts and the packing of a view: a struct with texts borrowed from all over becomes one
 * allocation that its reader frees at once. */

#include <errno.h>
#include <string.h>

#include "umd/core/internal.h"

static const char **text_at(void *data, size_t offset) {
        return (const char **)((char *)data + offset);
}

static const char ***array_at(void *data, size_t offset) {
        return (const char ***)((char *)data + offset);
}

static char *put_text(char **at, const char *s) {
        size_t n = strlen(s) + 1;
        char *text = *at;

        memcpy(text, s, n);
        *at += n;
        return text;
}

int core_pack(const void *source, size_t bytes, const size_t *texts, size_t text_count,
              const PackArray *arrays, size_t array_count, void **ret) {
        size_t pointers = 0, chars = 0, head = (bytes + 7) & ~(size_t)7;
        const char **slot;
        char *data, *at;

        for (size_t i = 0; i < text_count; i++)
                chars += strlen(*text_at((void *)source, texts[i])) + 1;
        for (size_t i = 0; i < array_count; i++) {
                pointers += arrays[i].count;
                for (size_t k = 0; k < arrays[i].count; k++)
                        chars += strlen((*array_at((void *)source, arrays[i].at))[k]) + 1;
        }
        data = malloc(head + pointers * sizeof(char *) + chars);
        if (!data)
                return -ENOMEM;
        memcpy(data, source, bytes);
        slot = (const char **)(void *)(data + head);
        at = (char *)(slot + pointers);
        for (size_t i = 0; i < text_count; i++)
                *text_at(data, texts[i]) = put_text(&at, *text_at(data, texts[i]));
        for (size_t i = 0; i < array_count; i++) {
                const char **from = *array_at(data, arrays[i].at);

                *array_at(data, arrays[i].at) = slot;
                for (size_t k = 0; k < arrays[i].count; k++)
                        *slot++ = put_text(&at, from[k]);
        }
        *ret = data;
        return 0;
}

int core_texts_add(Texts *texts, const char *s) {
        if (texts->count + 1 >= texts->size) {
                size_t size = texts->size ? texts->size * 2 : 8;
                char **p = reallocarray(texts->list, size, sizeof(*p));

                if (!p)
                        return -ENOMEM;
                texts->list = p;
                texts->size = size;
        }
        texts->list[texts->count] = strdup(s);
        if (!texts->list[texts->count])
                return -ENOMEM;
        texts->list[++texts->count] = NULL;
        return 0;
}

static int text_compare(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

void core_texts_sort(Texts *texts) {
        if (texts->count > 1)
                qsort(texts->list, texts->count, sizeof(*texts->list), text_compare);
}

void core_texts_drop(Texts *texts, size_t at) {
        free(texts->list[at]);
        memmove(&texts->list[at], &texts->list[at + 1],
                (texts->count - at - 1) * sizeof(*texts->list));
        texts->count--;
}

static size_t text_find(const Texts *texts, const char *s) {
        size_t i = 0;

        while (i < texts->count && strcmp(texts->list[i], s) != 0)
                i++;
        return i;
}

static int text_edit(Texts *texts, const char *what, const char *edit, bool takes,
                     CoreError *error) {
        size_t at = text_find(texts, edit);

        if (!takes)
                return at < texts->count || !edit[0] ? 0 : core_texts_add(texts, edit);
        if (at == texts->count)
                return core_fail(error, CORE_E_BAD_VALUE, "%s: \"%s\": is not among them", what,
                                 core_quote(edit).text);
        core_texts_drop(texts, at);
        return 0;
}

int core_texts_edit(Texts *texts, const char *what, const char *const *edits, size_t count,
                    CoreError *error) {
        size_t changes = 0;
        int r = 0;

        for (size_t i = 0; i < count; i++)
                changes += edits[i][0] == '+' || edits[i][0] == '-';
        if (changes > 0 && changes < count)
                return core_fail(error, CORE_E_BAD_VALUE,
                                 "%s: either all begin with + or -, or none", what);
        if (changes == 0)
                core_texts_done(texts);
        for (size_t i = 0; i < count && r == 0; i++)
                r = text_edit(texts, what, edits[i] + (changes > 0), edits[i][0] == '-', error);
        return r;
}

void core_texts_unite(Texts *texts) {
        size_t count = 0;

        for (size_t i = 0; i < texts->count; i++)
                if (count > 0 && strcmp(texts->list[count - 1], texts->list[i]) == 0)
                        free(texts->list[i]);
                else
                        texts->list[count++] = texts->list[i];
        texts->count = count;
}

void core_texts_done(Texts *texts) {
        for (size_t i = 0; i < texts->count; i++)
                free(texts->list[i]);
        free(texts->list);
        *texts = (Texts){ 0 };
}

int core_texts_add_users(StoreTxn *txn, const uint32_t *uids, size_t count, Texts *texts) {
        for (size_t i = 0; i < count; i++) {
                _cleanup_(store_user_freep) StoreUser *user = NULL;
                int r = store_user_get(txn, uids[i], &user);

                if (r == 0 && user->status != USER_STATUS_DELETED)
                        r = core_texts_add(texts, user->name);
                if (r < 0)
                        return r;
        }
        core_texts_sort(texts);
        return 0;
}

int core_texts_add_groups(StoreTxn *txn, const uint32_t *gids, size_t count, Texts *texts) {
        for (size_t i = 0; i < count; i++) {
                _cleanup_(store_group_freep) StoreGroup *group = NULL;
                int r = core_group_load_by_gid(txn, gids[i], &group);

                if (r == 0)
                        r = core_texts_add(texts, group->name);
                if (r < 0)
                        return r;
        }
        core_texts_sort(texts);
        return 0;
}

int core_group_name(StoreTxn *txn, GroupNames *names, gid_t gid, const char **ret) {
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        size_t at;
        int r;

        if (!core_idset_find(&names->gids, gid, &at)) {
                r = core_group_load_by_gid(txn, gid, &group);
                if (r == 0)
                        r = core_idset_reserve(&names->gids, 1);
                if (r == 0)
                        r = core_texts_add(&names->names, group->name);
                if (r != 0)
                        return r;
                (void)core_idset_add(&names->gids, gid);
                at = names->gids.count - 1;
        }
        *ret = names->names.list[at];
        return 0;
}

void core_group_names_done(GroupNames *names) {
        core_idset_done(&names->gids);
        core_texts_done(&names->names);
}
