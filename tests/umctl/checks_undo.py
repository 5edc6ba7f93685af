# SPDX-License-Identifier: LGPL-2.1-or-later
"""umctl undo, --filter (one verb for many users), seats, and a tenant that is deleted."""

import re

from harness import FAILED, NOT_FOUND, REFUSED, Terminal, USAGE, bad, check, fresh, get, good, has, same, user


def change_of(text):
    return re.search(r"ch-\d+", text).group()


def people(count):
    """Users of a department of their own; it and their names."""
    department = fresh("dept")
    names = [fresh() for _ in range(count)]
    for name in names:
        good("user add", name, "--department", department, "--email", f"{name}@undo.example")
    return department, names


@check
def a_change_is_shown_and_taken_back_once_and_again():
    name = fresh()
    good("user add", name)
    change = change_of(good("user set", name, "--title", "Lead", "--department", "ops"))
    has(good("undo", change, "--dry-run"), f"user/{name}", "Lead", "reversed", "would be undone: 2 reversed, 0 kept")
    same(user(name)["title"], "Lead")
    said = good("undo", change, "--reason", "a mistake")
    has(said, f"{change}: undone: 2 reversed, 0 kept, 0 not undone (ch-")
    assert "title" not in user(name), user(name)
    has(bad(FAILED, "undo", change), f"{change}: is undone already, by {change_of(said.split('(')[-1])}")
    good("undo", change_of(said.split("(")[-1]))
    same(user(name)["title"], "Lead")
    entry = get("audit log", "--verb", "undo", "--limit", "1")["entries"][0]
    same(entry["object"].startswith("change/ch-"), True)


@check
def what_came_later_is_kept_unless_forced():
    name = fresh()
    good("user add", name)
    change = change_of(good("user set", name, "--title", "Lead"))
    later = change_of(good("user set", name, "--title", "Head"))
    has(bad(REFUSED, "undo", change), "later changes are kept without --force")
    rows = get("undo", change, "--dry-run", "--force")["rows"]
    same([(row["field"], row["now"], row.get("becomes"), row["outcome"], row["change"]) for row in rows],
         [("title", "Head", None, "reversed", later)])
    good("undo", change, "--force")
    assert "title" not in user(name), user(name)


@check
def what_cannot_be_undone_is_named():
    name = fresh()
    made = change_of(good("user add", name))
    good("user passwd", name, stdin="correct horse battery staple 7\n")
    change = get("audit log", "--verb", "user.password", "--limit", "1")["entries"][0]["seq"]
    has(bad(REFUSED, "undo", f"ch-{change}"), "nothing of it was undone")
    has(good("undo", made, "--end-sessions"), "uid: name and uid stay with the tombstone", "1 not undone")
    bad(NOT_FOUND, "user show", name)
    has(bad(NOT_FOUND, "undo", "ch-99999999"), "no such change")
    bad(USAGE, "undo", "17")


@check
def many_users_are_one_change():
    department, names = people(5)
    where = ("--filter", f"department={department}")
    has(good("user suspend", *where, "--dry-run"), "5 users would be suspended")
    has(bad(USAGE, "user suspend", *where), "needs --yes where there is no terminal")
    said = good("user suspend", *where, "--until", "2d", "--yes")
    has(said, "5 users suspended (ch-")
    same({user(name)["status"] for name in names}, {"suspended"})
    has(good("user suspend", *where, "--until", "never", "--yes", "--reason", "x"), "5 users suspended")
    bad(REFUSED, "undo", change_of(said))
    good("user resume", *where, "--yes")
    done = get("role grant", "viewer", *where, "--yes", "--for", "4h")
    same((done["changed"], done["unchanged"], len(done["changes"])), (5, 0, 1))
    has(good("role grants", names[0]), "viewer")
    good("undo", done["changes"][0])
    assert "viewer" not in good("role grants", names[0])
    group = fresh("g")
    good("group add", group)
    has(good("group add-member", group, *where, "--yes"), f"group {group}: ")
    same(sorted(get("group show", group)["group"]["members"]), sorted(names))
    good("group remove-member", group, *where, "--yes")
    good("user set", *where, "--title", "T", "--yes")
    same(user(names[4])["title"], "T")
    for verb in "lock", "unlock", "disable", "enable", "delete":
        good(f"user {verb}", *where, "--yes")
    good("user restore", "--filter", f"status=deleted,department={department}", "--yes")
    same(user(names[0])["status"], "inactive")
    good("role revoke", "self-service", *where, "--yes")


@check
def a_batch_that_is_refused_names_the_user_and_does_nothing():
    department, names = people(3)
    good("user disable", names[1])
    has(bad(REFUSED, "user suspend", "--filter", f"department={department}", "--yes"), names[1])
    same(user(names[0])["status"], "active")
    bad(USAGE, "user suspend", names[0], "--filter", f"department={department}")
    bad(USAGE, "user suspend")
    bad(USAGE, "role grant", "viewer")
    bad(USAGE, "user set", "--filter", f"department={department}", "--email", "x@undo.example", "--yes")
    has(bad(NOT_FOUND, "user lock", "--filter", "department=nowhere", "--yes"), "no user is like that")
    bad(USAGE, "user lock", "--filter", "", "--yes")


@check
def the_question_says_how_many():
    department, names = people(4)
    with_answer = Terminal("user lock", "--filter", f"department={department}")
    with_answer.answer(f"user.lock for 4 users ({', '.join(sorted(names)[:3])}, ...)? [y/N] ", "n")
    with_answer.end(FAILED)
    same(user(names[0]).get("locked", False), False)


@check
def seats_are_counted_and_end():
    used = {row["tenant"]: row for row in get("report usage")["tenants"]}["local"]["used"]
    good("tenant set", "local", "--seats", str(used + 1))
    try:
        good("user add", fresh())
        has(bad(REFUSED, "user add", fresh()), f"local: all of its {used + 1} seats are taken")
        row = get("report usage")["tenants"]
        same({r["tenant"]: (r["seats"], r["used"]) for r in row}["local"], (used + 1, used + 1))
        same(get("tenant show", "local")["tenant"]["used"], used + 1)
    finally:
        good("tenant set", "local", "--seats", "0")
    has(good("report usage", "--csv"), "tenant,seats,used,users")
    same(good("report usage", "--csv", "--columns", "tenant", "--sort", "tenant", "--limit", "1").split()[0], "tenant")


@check
def a_tenant_asks_for_its_name():
    name, holder = fresh("t"), fresh()
    good("user add", holder, "--email", f"{holder}@undo.example")
    good("tenant add", name)
    good("role grant", "viewer", holder, "--tenant", name)
    terminal = Terminal("tenant delete", name)
    terminal.answer("Type the name of the tenant to go on: ", "yes")
    terminal.end(FAILED)
    terminal = Terminal("tenant delete", name)
    terminal.answer("Type the name of the tenant to go on: ", name)
    terminal.end(0)
    bad(NOT_FOUND, "tenant show", name)
    bad(FAILED, "tenant add", name)
    change = get("audit log", "--verb", "tenant.delete", "--limit", "1")["entries"][0]["seq"]
    good("undo", f"ch-{change}")
    same(get("tenant show", name)["tenant"]["grants"], 1)
    bad(USAGE, "tenant delete", name)
