# SPDX-License-Identifier: LGPL-2.1-or-later
"""umctl group: members, nesting, owners, and who may do what with them."""

import subprocess

from harness import (FAILED, NOT_FOUND, REFUSED, USAGE, bad, check, environment, fresh, get, good, group, has, same,
                     user)


def groups_of(name):
    run = subprocess.run(["id", "-Gn", name], capture_output=True, text=True, check=True, env=environment())
    return set(run.stdout.split())


@check
def a_group_is_made_changed_and_deleted():
    name, new, alice, bob = fresh("g"), fresh("g"), fresh(), fresh()
    good("user add", alice)
    good("user add", bob)
    text = good("group add", name, "--owner", alice, "--owner", bob, "--description", "web servers", "--gid", 310001)
    has(text, f"group {name}: created, gid 310001 (ch-")
    record = group(name)
    same((record["gid"], record["description"], record["owners"]), (310001, "web servers", [alice, bob]))
    good("group set", name, "--description", "", "--owner", alice, "--name", new)
    record = group(new)
    assert "description" not in record
    same(record["owners"], [alice])
    good("group set", new, "--owner", "")
    same(group(new)["owners"], [])
    has(good("group show", new), f"name: {new}\n", "gid: 310001\n")
    bad(USAGE, "group delete", new)
    good("group delete", new, "--yes")
    bad(NOT_FOUND, "group show", new)
    has(bad(FAILED, "group add", fresh("g"), "--gid", 310001), "310001")
    has(bad(FAILED, "group add", alice), alice)


@check
def members_count_at_once_through_nesting_too():
    web, ops, alice, bob = fresh("g"), fresh("g"), fresh(), fresh()
    for name in alice, bob:
        good("user add", name)
    for name in web, ops:
        good("group add", name)
    has(good("group add-member", web, alice, "--group", ops), f"group {web}: members added (ch-")
    same(groups_of(bob), {bob})
    good("group add-member", ops, bob, alice)
    same(groups_of(bob), {bob, ops, web})
    record = group(web)
    same((record["members"], record["groups"], sorted(record["effective_members"])),
         ([alice], [ops], sorted([alice, bob])))
    same(sorted(user(bob)["groups"]), sorted([ops, web]))
    has(bad(REFUSED, "group add-member", ops, "--group", web), ops, web)
    good("group remove-member", web, alice, "--group", ops)
    same(groups_of(bob), {bob, ops})
    bad(USAGE, "group add-member", web)
    has(bad(NOT_FOUND, "group add-member", web, "nobody-here"), "nobody-here")
    has(bad(NOT_FOUND, "group add-member", fresh("g"), alice), "no such group")


@check
def a_nested_group_is_deleted_by_force_only():
    web, ops = fresh("g"), fresh("g")
    good("group add", web)
    good("group add", ops)
    good("group add-member", web, "--group", ops)
    has(bad(REFUSED, "group delete", ops, "--yes"), web)
    good("group delete", ops, "--yes", "--force")
    same(group(web)["groups"], [])


@check
def an_owner_may_change_members_and_nothing_else():
    name, owner, member = fresh("g"), fresh(), fresh()
    good("user add", owner)
    good("user add", member)
    good("group add", name, "--owner", owner)
    uid = user(owner)["uid"]
    good("group add-member", name, member, uid=uid)
    same(get("group show", name, uid=uid)["group"]["members"], [member])
    good("group remove-member", name, member, uid=uid)
    for command, more in ("set", ["--description", "x"]), ("delete", ["--yes"]):
        has(bad(REFUSED, "group " + command, name, *more, uid=uid), "group.edit")
    has(bad(REFUSED, "group add", fresh("g"), uid=uid), "group.edit")
    has(bad(REFUSED, "group add-member", name, member, uid=user(member)["uid"]), "group.member.set")
    bad(REFUSED, "group list", uid=uid)


@check
def groups_are_listed():
    prefix = fresh("list")
    names = [f"{prefix}{letter}" for letter in "abc"]
    for name in names:
        good("group add", name, "--description", "of " + name)
    rows = get("group list", "--filter", f"name~{prefix}*")["groups"]
    same([row["name"] for row in rows], names)
    same(len(get("group list", "--filter", f"name~{prefix}*", "--limit", 2)["groups"]), 2)
    same(good("group list", "--filter", f"name={names[0]}", "--columns", "description,name", "--csv"),
         f"description,name\r\nof {names[0]},{names[0]}\r\n")
    has(good("group list", "--filter", f"name={names[0]}"), "NAME", names[0], "\n1 group")
    bad(USAGE, "group list", "--filter", "colour=red")
