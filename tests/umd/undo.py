# SPDX-License-Identifier: LGPL-2.1-or-later
"""A thousand users in one change, and back, with kill -9 in between; and the last seat with many who want it."""

import random
import signal
import time

from daemon import MANAGER, UMD, Daemon

SANITIZED = b"__asan_init" in UMD.read_bytes()
USERS = 200 if SANITIZED else 1000
KILLS = 6
TENANT = "org.um1.Tenant"
AUDIT = "org.um1.Audit"

checks = []


def check(function):
    checks.append(function)
    return function


def same(got, wanted):
    assert got == wanted, f"{got!r}, not {wanted!r}"


def by_many(peers, name, count, first=0):
    """count users, asked for by all peers at once; the errors."""
    errors = []
    for begin in range(first, first + count, len(peers)):
        part = range(begin, min(begin + len(peers), first + count))
        serials = [peer.send_call("/org/um1", MANAGER, "CreateUser", "sa{sv}a{sv}", f"{name}{i}", {}, {})
                   for i, peer in zip(part, peers)]
        errors += [peer.reply(serial).error for peer, serial in zip(peers, serials)]
    return errors


def count_of(umd, filter_):
    return len(umd.call("/org/um1", MANAGER, "ListUsers", "ssu", filter_, "", 1000)[0])


@check
def a_thousand_users_and_back_through_kill_9():
    dice = random.Random(9)
    with Daemon() as umd:
        umd.start()
        peers = [umd.peer() for _ in range(16)]
        same(set(by_many(peers, "u", USERS)), {None})
        for peer in peers:
            peer.close()
        names = [f"u{i}" for i in range(USERS)]
        began = time.monotonic()
        changed, unchanged, change = umd.call("/org/um1", MANAGER, "Batch", "sasa{sv}a{sv}", "user.suspend", names, {}, {})
        took = time.monotonic() - began
        same((changed, unchanged, count_of(umd, "status=suspended")), (USERS, 0, USERS))
        whole = 0
        for _ in range(KILLS):
            peer = umd.peer()
            peer.send_call("/org/um1", MANAGER, "Undo", "sba{sv}", change, False, {})
            time.sleep(dice.random() * 0.1)
            umd.send(signal.SIGKILL)
            umd.process.wait()
            peer.close()
            umd.start()
            left = count_of(umd, "status=suspended")
            assert left in (0, USERS), f"{left} of {USERS} are suspended still"
            same(umd.call("/org/um1", AUDIT, "Verify", "t", 0)[:2], [True, True])
            if left == 0:  # it was done: back, for the next one
                whole += 1
                change = umd.call("/org/um1", MANAGER, "Batch", "sasa{sv}a{sv}", "user.suspend", names, {}, {})[2]
        began = time.monotonic()
        _, counts, undone = umd.call("/org/um1", MANAGER, "Undo", "sba{sv}", change, False, {})
        back = time.monotonic() - began
        same((counts["reversed"], counts["kept"], count_of(umd, "status=suspended")), (USERS, 0, 0))
        print(f"     | {USERS} users suspended in {took * 1000:.0f} ms, back in {back * 1000:.0f} ms; "
              f"{whole} of {KILLS} undone before the kill; {undone}")
        same(umd.stop(), 0)


@check
def the_last_seat_is_taken_once():
    with Daemon() as umd:
        umd.start()
        umd.call("/org/um1", TENANT, "Set", "sa{sv}a{sv}", "local", {"seats": ("u", 40)}, {})
        peers = [umd.peer() for _ in range(16)]
        errors = by_many(peers, "s", 64)
        for peer in peers:
            peer.close()
        same((errors.count(None), errors.count("org.um1.Error.SeatLimit")), (40, 24))
        rows = umd.call("/org/um1", MANAGER, "Report", "sssu", "usage", "", "", 1000)[0]
        same((rows[0]["tenant"], rows[0]["seats"], rows[0]["used"], rows[0]["users"]), ("local", 40, 40, 40))
        umd.send(signal.SIGKILL)
        umd.process.wait()
        umd.start()
        rows = umd.call("/org/um1", MANAGER, "Report", "sssu", "usage", "", "", 1000)[0]
        same((rows[0]["used"], umd.status()["users"]), (40, 40))
