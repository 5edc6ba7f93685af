# SPDX-License-Identifier: LGPL-2.1-or-later
"""umctl self, as the user he is; what others may not; and the same for root's verbs."""

from harness import (NOT_FOUND, REFUSED, USAGE, Terminal, bad, check, ctl, fresh, get, good, has, same, user)


def somebody(password="start with zebras"):
    name = fresh("self")
    good("user add", name, "--full-name", "Some Body", "--password", stdin=password + "\n")
    return name, user(name)["uid"]


@check
def one_sees_ones_own_record():
    name, uid = somebody()
    has(good("self show", uid=uid), f"name: {name}\n", "full name: Some Body\n")
    same(get("self show", uid=uid)["user"], user(name))
    same(get("user show", name, uid=uid)["user"], user(name))


@check
def one_changes_ones_own_profile_and_no_more():
    name, uid = somebody()
    has(good("self profile", "--phone", "12345", "--language", "de", "--time-zone", "Europe/Berlin",
             "--notify", "security=mail", uid=uid), f"user {name}: changed (ch-")
    record = user(name)
    same((record["phone"], record["language"], record["time_zone"], record["notify"]),
         ("12345", "de", "Europe/Berlin", "security=mail"))
    answer = get("self profile", "--language", "fr", uid=uid)
    same((answer["user"], answer["change"][:3], user(name)["language"]), (name, "ch-", "fr"))
    bad(USAGE, "self profile", "--shell", "/bin/sh", uid=uid)
    has(bad(REFUSED, "user set", name, "--title", "Boss", uid=uid), "user.edit")
    has(bad(REFUSED, "user set", name, "--phone", "1234", "--shell", "/bin/sh", uid=uid), "user.edit")
    same((user(name)["phone"], user(name)["shell"]), ("12345", "/bin/bash"))


@check
def one_changes_ones_own_password():
    name, uid = somebody()
    same(good("self passwd", uid=uid, stdin="start with zebras\na new harvest\na new harvest\n"), "password changed\n")
    has(bad(REFUSED, "self passwd", uid=uid, stdin="start with zebras\nx\nx\n"), "current password is wrong")
    shown = (Terminal("self passwd", uid=uid).answer("assword: ", "a new harvest").answer("assword: ", "another lamp 77")
             .answer(": ", "another lamp 77").end(0))
    assert "a new harvest" not in shown, shown
    same(get("self passwd", uid=uid, stdin="another lamp 77\nthis is newest\nthis is newest\n"), {"user": name})
    ctl("self passwd", uid=uid, stdin="this is newest\n", code=USAGE)


@check
def a_dry_run_of_ones_own_password_changes_none():
    name, uid = somebody()
    before = user(name)
    has(good("self passwd", "--dry-run", uid=uid), "would be")
    same(user(name), before)
    good("self passwd", uid=uid, stdin="start with zebras\nnext come quartz\nnext come quartz\n")


@check
def a_former_password_is_refused_wherever_it_is_set():
    name, uid = somebody()
    good("self passwd", uid=uid, stdin="start with zebras\nnext come quartz\nnext come quartz\n")
    told = ctl("self passwd", uid=uid, code=REFUSED, quiet=True, warns=True,
               stdin="next come quartz\n" + "start with zebras\n" * 6)
    has(told.err, "The new password must not be one of the last 5.")
    same(bad(REFUSED, "user passwd", name, stdin="start with zebras\n"), "password: must not be one of the last 5")
    same(bad(REFUSED, "user passwd", name, stdin="next come quartz\n"), "password: must differ from the current one")
    good("policy set", "password.history", "0", "--user", name)
    good("user passwd", name, stdin="start with zebras\n")


@check
def a_change_that_comes_too_early_is_refused_with_the_date():
    name, uid = somebody()
    good("policy set", "password.min-age", "2d", "--user", name)
    has(bad(REFUSED, "self passwd", uid=uid, stdin="start with zebras\nx\nx\n"), "may be changed again from 20")
    good("user passwd", name, stdin="next come quartz\n")  # an admin's does not wait
    good("user passwd", name, "--must-change")
    good("self passwd", uid=uid, stdin="next come quartz\nstart anew, owls\nstart anew, owls\n")


@check
def local_accounts_are_not_um_s():
    for command in "show", "profile", "passwd":
        has(bad(NOT_FOUND, "self " + command), "root is a local account")
    has(bad(NOT_FOUND, "self show", uid=4242), "uid 4242 has no name")


@check
def others_are_refused_by_the_permission_they_lack():
    name, uid = somebody()
    other, _ = somebody()
    for command, arguments, permission in [
            ("user add", [fresh()], "user.create"), ("user show", [other], "user.view"),
            ("user list", [], "user.view"), ("user set", [other, "--title", "x"], "user.edit"),
            ("user passwd", [name], "user.password.reset"),
            ("user passwd", [name, "--must-change"], "user.password.reset"),
            ("user passwd", [name, "--setup-code"], "user.password.reset"),
            ("user lock", [other], "user.lock"), ("user unlock", [other], "user.view"),
            ("user suspend", [other], "user.suspend"), ("user resume", [other], "user.suspend"),
            ("user disable", [other], "user.disable"), ("user enable", [other], "user.disable"),
            ("user delete", [other, "--yes"], "user.delete"), ("user restore", [other], "user.delete"),
            ("group add", [fresh("g")], "group.edit"), ("group list", [], "group.view"),
            ("audit log", [], "audit.view"), ("audit log", ["--user", other], "audit.view"),
            ("audit verify", [], "audit.view")]:
        has(bad(REFUSED, command, *arguments, uid=uid, stdin="x\n"), permission)
    same(get("audit log", "--user", name, uid=uid)["entries"][0]["object"], "user/" + name)
    same(get("status", uid=uid)["status"]["store_ok"], True)


@check
def who_exists_is_told_to_nobody_who_may_not_know():
    _, uid = somebody()
    other, _ = somebody()
    nobody = other + "x"
    for command in "user show", "user lock", "user unlock", "user restore":
        same(bad(REFUSED, command, other, uid=uid), bad(REFUSED, command, nobody, uid=uid).replace(nobody, other))
