# SPDX-License-Identifier: LGPL-2.1-or-later
"""Grants that begin and end by themselves, and the Linux groups their roles give, as the map shows them: nobody calls umd in
between, umd is killed, /etc/group changes."""

import random
import time

from daemon import Daemon, until

HOST_GID = 4

checks = []


def check(function):
    checks.append(function)
    return function


def same(got, wanted):
    assert got == wanted, f"{got!r}, not {wanted!r}"


def role(umd, member, *args, signature):
    return umd.call("/org/um1", "org.um1.Role", member, signature, *args)


def prepare(umd):
    umd.local("group", f"root:x:0:\nadm:x:{HOST_GID}:\n")
    umd.start()
    bob = umd.create("bob")
    web = umd.call("/org/um1", "org.um1.Manager", "CreateGroup", "sa{sv}a{sv}", "web", {}, {})[1]
    role(umd, "Add", "dba", {"linux_groups": ("as", ["adm", "web"])}, {}, signature="sa{sv}a{sv}")
    return bob, web


def grant(umd, **times):
    role(umd, "Grant", "bob", "dba", {key: ("t", int(value * 1e6)) for key, value in times.items()}, {}, signature="ssa{sv}a{sv}")


def gids(umd):
    return [int(gid) for gid in umd.shown("bob").split(" ")[1].split(",")]


def members(umd):
    return umd.shown("web", "group").split(":")[2]


def told(umd, verb):
    entries = umd.call("/org/um1", "org.um1.Audit", "List", "a{sv}tu", {}, 0, 200)[0]
    return sum(entry["verb"] == verb for entry in entries)


@check
def a_grant_appears_and_vanishes_in_the_map_to_the_second():
    with Daemon() as umd:
        bob, web = prepare(umd)
        start = time.time() + 0.4
        end = start + 0.8
        grant(umd, **{"from": start, "until": end})
        same((gids(umd), members(umd)), ([bob], ""))
        while time.time() < end + 1.2:
            before = time.time()
            seen = gids(umd), members(umd)
            after = time.time()
            if start + 0.3 < before and after < end:
                same(seen, (sorted([bob, HOST_GID, web], key=lambda gid: (gid != bob, gid)), "bob"))
            if after < start or before > end + 0.3:
                same(seen, ([bob], ""))
            time.sleep(0.02)
        same((told(umd, "role.begin"), told(umd, "role.end")), (1, 1))


@check
def what_ended_while_umd_was_away_or_killed_is_told_once():
    with Daemon() as umd:
        bob, _ = prepare(umd)
        for i in range(4):
            end = time.time() + 0.3
            grant(umd, until=end)
            assert HOST_GID in gids(umd)
            time.sleep(max(0, end + random.uniform(-0.02, 0.02) - time.time()))
            umd.process.kill()
            umd.process.wait()
            time.sleep(max(0, end - time.time()))
            umd.start()
            same((gids(umd), members(umd)), ([bob], ""))
            same(told(umd, "role.end"), i + 1)
        until(lambda: umd.status()["vault_ok"])
        same(umd.stop(), 0)


@check
def a_group_of_the_host_that_changes_or_goes_is_followed():
    with Daemon() as umd:
        prepare(umd)
        grant(umd)
        assert HOST_GID in gids(umd)
        umd.local("group", f"root:x:0:\nadm:x:{HOST_GID + 1}:\n")
        until(lambda: HOST_GID not in gids(umd) and HOST_GID + 1 in gids(umd), 1)
        umd.local("group", "root:x:0:\nadm:x:0:\n")  # nobody gets root's own by another name
        until(lambda: HOST_GID + 1 not in gids(umd), 1)
        assert 0 not in gids(umd)
        same(role(umd, "Get", "dba", signature="s")[0]["missing_groups"], ["adm"])
