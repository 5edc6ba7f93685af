/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A map that cannot be made or kept true is taken away, never wrong, and comes back. */

#include "tests/unit/publish_fixture.h"

/* ---- faults ---------------------------------------------------------------------------------- */

static void test_a_fault_withdraws_the_map_and_the_next_run_brings_it_back(void **state) {
        uint64_t deadline_usec = base_boottime_usec() + 10 * USEC_PER_SEC;
        Rig *rig = *state;
        PublishStatus status;
        MapView reader;

        run(rig);
        assert_int_equal(map_open(rig->map_path, &reader), 0);
        rig->core.fault = -EIO;
        publish_set_enumerate(rig->publish, false); /* a new file is due */
        assert_int_equal(publish_run(rig->publish, NOW), -EIO);
        assert_int_equal(access(rig->map_path, F_OK), -1);
        assert_true(map_is_stale(&reader)); /* who still has it looks again */
        map_close(&reader);
        publish_status(rig->publish, &status);
        assert_false(status.ok);
        assert_true(publish_is_due(rig->publish));

        rig->core.fault = 0;
        while (!status.ok && base_boottime_usec() < deadline_usec) {
                assert_int_equal(publish_run(rig->publish, NOW), 0);
                assert_true(sd_event_run(rig->event, 50 * USEC_PER_MSEC) >= 0);
                publish_status(rig->publish, &status);
        }
        expect_user(rig, "alice", "alice:70000:70000,70010");
        expect_count(rig, 2, 3);
}

static void test_a_record_the_map_refuses_is_left_out_alone(void **state) {
        Rig *rig = *state;

        run(rig);
        news(rig, object_add(rig, false, 70003, "Not-A-Name"), CORE_NEWS_ADDED);
        news(rig, object_add(rig, false, 70004, "dave"), CORE_NEWS_ADDED);
        run(rig);
        expect_user(rig, "dave", "dave:70004:70004");
        expect_user(rig, "alice", "alice:70000:70000,70010");
        expect_user(rig, "Not-A-Name", "");
}

/* Runs until the map is right again, however long it stays away. */
static void recover(Rig *rig) {
        uint64_t deadline_usec = base_boottime_usec() + 10 * USEC_PER_SEC;
        PublishStatus status;

        do {
                assert_int_equal(publish_run(rig->publish, NOW), 0);
                publish_status(rig->publish, &status);
                if (!status.ok)
                        assert_true(sd_event_run(rig->event, 50 * USEC_PER_MSEC) >= 0);
        } while (!status.ok && base_boottime_usec() < deadline_usec);
        assert_true(status.ok);
}

static void test_without_memory_the_map_is_right_or_away(void **state) {
        static const char *const names[] = { "alice", "alicia" };
        Rig *rig = *state;
        Object *alice = object_of(rig, 70000), *web = object_of(rig, 70010);
        unsigned turn = 0;

        run(rig);
        for (memory_first(); memory_next(); turn++) {
                const char *now = names[turn % 2], *before = names[(turn + 1) % 2];
                char shown[64];

                snprintf(alice->name, sizeof(alice->name), "%s", now);
                web->members[0] = now;
                memory_on();
                news(rig, alice, CORE_NEWS_CHANGED);
                news(rig, web, CORE_NEWS_CHANGED);
                (void)publish_run(rig->publish, NOW);
                memory_off();
                if (access(rig->map_path, F_OK) < 0)
                        recover(rig);
                snprintf(shown, sizeof(shown), "%s:70000:70000,70010", now);
                expect_user(rig, now, shown);
                expect_user(rig, before, "");
                snprintf(shown, sizeof(shown), "web:70010:%s,bob", now);
                expect_group(rig, "web", shown);
        }
        assert_true(turn > 10);
}

static void test_without_memory_a_whole_file_is_right_or_away(void **state) {
        Rig *rig = *state;
        unsigned turn = 0;

        for (memory_first(); memory_next(); turn++) {
                publish_set_enumerate(rig->publish, turn % 2 == 0);
                memory_on();
                (void)publish_run(rig->publish, NOW);
                memory_off();
                if (access(rig->map_path, F_OK) < 0)
                        recover(rig);
                expect_user(rig, "alice", "alice:70000:70000,70010");
                expect_group(rig, "web", "web:70010:alice,bob");
                if (turn == 3) /* each of them costs a pause before the next try */
                        memory.hit = false;
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                WITH_RIG(test_a_fault_withdraws_the_map_and_the_next_run_brings_it_back),
                WITH_RIG(test_a_record_the_map_refuses_is_left_out_alone),
                WITH_RIG(test_without_memory_the_map_is_right_or_away),
                WITH_RIG(test_without_memory_a_whole_file_is_right_or_away),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
