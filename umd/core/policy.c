/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy values: what is set for the company and for a user, and what is in effect of it.
 *
 * They are read from the store each time, in the transaction of whoever asks: two short walks, a
 * few microseconds beside the milliseconds of the hash that a login costs.  A copy in memory was
 * ruled out: it would have to follow every batch that is lost.
 *
 * A row that cannot be understood is a fault, which denies: the shipped value may be the looser. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/internal.h"

void core_policy_subject(uid_t uid, char *buf) {
        snprintf(buf, CORE_POLICY_SUBJECT_BYTES, "%u", uid);
}

/* A row has the value's one text, as it was written. */
static int setting_add(void *userdata, const StorePolicyValue *row) {
        PolicySettings *settings = userdata;
        char text[POLICY_VALUE_TEXT_MAX];
        PolicyValue value;
        uint64_t number;

        if (policy_value_from_name(row->name, &value) < 0 ||
            policy_value_parse(value, row->value, 0, &number) < 0)
                return -EBADMSG;
        policy_value_format(value, number, text);
        if (strcmp(text, row->value) != 0)
                return -EBADMSG;
        settings->set[value] = true;
        settings->value[value] = number;
        return 0;
}

int core_policy_settings(Core *core, StoreTxn *txn, uid_t uid, PolicySettings *ret_company,
                         PolicySettings *ret_user) {
        char subject[CORE_POLICY_SUBJECT_BYTES];
        int r;

        *ret_company = *ret_user = (PolicySettings){ 0 };
        r = store_policy_value_each(txn, STORE_POLICY_COMPANY, core->settings.tenant, setting_add,
                                    ret_company);
        if (r < 0 || uid == 0)
                return r;
        core_policy_subject(uid, subject);
        return store_policy_value_each(txn, STORE_POLICY_USER, subject, setting_add, ret_user);
}

int core_policy_values(Core *core, StoreTxn *txn, uid_t uid, PolicyValues *ret) {
        PolicySettings company, user;
        int r;

        r = core_policy_settings(core, txn, uid, &company, &user);
        if (r < 0)
                return r;
        policy_values_resolve(&company, &user, ret);
        return 0;
}

int core_policy_values_now(Core *core, uid_t uid, PolicyValues *ret) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        int r;

        r = store_begin_read(core->store, &txn);
        return r < 0 ? r : core_policy_values(core, txn, uid, ret);
}

/* ---- names and texts ---------------------------------------------------------------------- */

#define NEAR_MAX 4U

int core_policy_find(const char *name, PolicyValue *ret, CoreError *error) {
        PolicyValue near[NEAR_MAX];
        size_t count;
        char buf[160];
        Text text;

        if (policy_value_from_name(name, ret) == 0)
                return 0;
        count = policy_value_near(name, near, NEAR_MAX);
        base_text_init(&text, buf, sizeof(buf));
        for (size_t i = 0; i < count; i++)
                base_text_addf(&text, "%s%s", i == 0 ? "; near: " : ", ",
                               policy_value_name(near[i]));
        return core_fail(error, CORE_E_BAD_VALUE, "\"%s\": no such policy value%s",
                         core_quote(name).text, buf);
}

static int text_refuse(PolicyValue value, const char *text, CoreError *error) {
        char expected[POLICY_VALUE_EXPECTED_MAX];

        policy_value_expected(value, expected);
        return core_fail(error, CORE_E_BAD_VALUE, "%s: \"%s\": must be %s",
                         policy_value_name(value), core_quote(text).text, expected);
}

/* ---- changing ----------------------------------------------------------------------------- */

/* Where a change is made, and what is set there. */
typedef struct Place {
        StorePolicyLevel level;
        char subject[CORE_POLICY_SUBJECT_BYTES];
        StoreUser *user; /* NULL: the company */
        PolicySettings company, own;
} Place;

static void place_done(Place *place) {
        place->user = store_user_free(place->user);
}

static int place_find(Change *change, const char *user, Place *place, CoreError *error) {
        Core *core = change->core;
        int r;

        if (!user) {
                place->level = STORE_POLICY_COMPANY;
                snprintf(place->subject, sizeof(place->subject), "%s", core->settings.tenant);
                return core_policy_settings(core, change->txn, 0, &place->company, &place->own);
        }
        r = core_user_load(core, change->txn, user, false, &place->user, error);
        if (r != 0)
                return r;
        place->level = STORE_POLICY_USER;
        core_policy_subject(place->user->uid, place->subject);
        return core_policy_settings(core, change->txn, place->user->uid, &place->company,
                                    &place->own);
}

static const PolicySettings *place_settings(const Place *place) {
        return place->user ? &place->own : &place->company;
}

/* Names user and value from outside; 0, or what is wrong with them. */
static int change_prepare(Change *change, const char *user, const char *name, Place *place,
                          PolicyValue *ret_value, CoreError *error) {
        int r;

        r = core_policy_find(name, ret_value, error);
        if (r == 0 && change->options->if_version != 0)
                r = core_fail(error, CORE_E_BAD_VALUE, "version: a policy value has none");
        return r != 0 ? r : place_find(change, user, place, error);
}

/* Who is in um-mfa changes with the value. */
static int tell_groups(Change *change, const Place *place) {
        if (place->user)
                return core_change_news(change, CORE_OBJECT_USER, CORE_NEWS_CHANGED,
                                        place->user->uid, place->user->name, NULL);
        change->news.everybody = true;
        return 0;
}

static int change_finish(Change *change, const char *verb, const Place *place, PolicyValue value,
                         const char *before, const char *after, CoreChange *ret) {
        int r;

        r = core_change_value(change, policy_value_name(value), before, after);
        if (r == 0 && value == POLICY_VALUE_FACTOR_REQUIRED)
                r = tell_groups(change, place);
        if (r < 0)
                return r;
        change->news.policy = true;
        if (place->user)
                return core_change_commit(change, verb, "user", place->user->name, place->user->uid,
                                          place->user->version, ret);
        return core_change_commit(change, verb, "tenant", place->subject, 0, 0, ret);
}

int core_policy_set(Core *core, const Actor *actor, const char *user, const char *name,
                    const char *text, const CoreOptions *options, uint64_t now_usec, char *ret_text,
                    CoreChange *ret, CoreError *error) {
        _cleanup_(place_done) Place place = { 0 };
        _cleanup_change_ Change change = { 0 };
        char before[POLICY_VALUE_TEXT_MAX] = "", after[POLICY_VALUE_TEXT_MAX];
        const PolicySettings *settings;
        PolicyEffective effective;
        StorePolicyValue row;
        PolicyValue value;
        uint64_t number;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = change_prepare(&change, user, name, &place, &value, error);
        if (r != 0)
                return r;
        policy_value_resolve(value, &place.company, &place.own, &effective);
        if (policy_value_parse(value, text, effective.value, &number) < 0)
                return text_refuse(value, text, error);
        policy_value_format(value, number, after);
        settings = place_settings(&place);
        if (settings->set[value])
                policy_value_format(value, settings->value[value], before);
        memcpy(ret_text, after, sizeof(after));
        *ret = (CoreChange){ 0 };
        if (strcmp(before, after) == 0)
                return 0;
        row = (StorePolicyValue){ place.level, place.subject, name, after, actor->uid, now_usec };
        r = store_policy_value_put(change.txn, &row);
        if (r < 0)
                return r;
        return change_finish(&change, "policy.set", &place, value, before, after, ret);
}

int core_policy_unset(Core *core, const Actor *actor, const char *user, const char *name,
                      const CoreOptions *options, uint64_t now_usec, CoreChange *ret,
                      CoreError *error) {
        _cleanup_(place_done) Place place = { 0 };
        _cleanup_change_ Change change = { 0 };
        char before[POLICY_VALUE_TEXT_MAX];
        PolicyValue value;
        int r;

        r = core_change_begin(&change, core, actor, options, now_usec, error);
        if (r == 0)
                r = change_prepare(&change, user, name, &place, &value, error);
        if (r != 0)
                return r;
        *ret = (CoreChange){ 0 };
        if (!place_settings(&place)->set[value])
                return 0;
        policy_value_format(value, place_settings(&place)->value[value], before);
        r = store_policy_value_delete(change.txn, place.level, place.subject, name);
        if (r != 0)
                return r < 0 ? r : -EUCLEAN;
        return change_finish(&change, "policy.unset", &place, value, before, NULL, ret);
}
