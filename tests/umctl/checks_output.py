# SPDX-License-Identifier: LGPL-2.1-or-later
"""The forms of output: tables, CSV, JSON; what is listed, in which order; dry runs; pipes that close."""

import csv
import io
import json
import signal
import subprocess
import time

from daemon import Daemon, Refused
from harness import (FAILED, NOT_REACHABLE, USAGE, Terminal, argv, bad, check, ctl, document, environment, everything,
                     fresh, get, good, has, lines, same, user)

# The properties of a row, docs/api/org.um1.md.
USER_COLUMNS = """name full_name email phone title department language time_zone notify shell home tenant status
    status_by status_reason locked_by locked_reason created_by uid gid version status_since suspended_until valid_from
    valid_until locked_since created password_changed password_expires locked has_password must_change has_setup_code
    groups roles locked_out locked_out_from locked_out_until failures last_failure last_failure_source
    last_failure_service password_grace_left kind read_only type affiliation attributes""".split()
GROUP_COLUMNS = "name description tenant gid version created members groups owners effective_members".split()


def some_users(count=3, **fields):
    """Users of a prefix of their own, created in no order of name."""
    prefix = fresh("row")
    for number in reversed(range(count)):
        good("user add", f"{prefix}{number}", "--title", f"T{count - number}", "--department", prefix)
    return prefix


# ---- lists -----------------------------------------------------------------------------------------------

@check
def the_same_rows_in_every_form():
    prefix = some_users()
    only = ["--filter", f"department={prefix}"]
    rows = get("user list", *only)["users"]
    same([row["name"] for row in rows], [prefix + "0", prefix + "1", prefix + "2"])
    same(lines("user list", *only), rows)
    table = list(csv.reader(io.StringIO(good("user list", *only, "--csv", "--columns", "name,uid,title"), newline="")))
    same(table, [["name", "uid", "title"]] + [[row["name"], str(row["uid"]), row["title"]] for row in rows])
    text = good("user list", *only, "--columns", "name,title").splitlines()
    same([line.split() for line in text],
         [["NAME", "TITLE"]] + [[row["name"], row["title"]] for row in rows] + [["3", "users."]])
    same(good("user list", *only, "--columns", "name", "--no-legend"), f"{prefix}0\n{prefix}1\n{prefix}2\n")
    for row in rows:
        same(user(row["name"]), row)


@check
def rows_are_sorted_and_limited():
    prefix = some_users()
    only = ["--filter", f"department={prefix}", "--no-legend", "--columns", "name"]
    same(good("user list", *only, "--sort", "title").split(), [prefix + "2", prefix + "1", prefix + "0"])
    same(good("user list", *only, "--sort", "uid").split(), [prefix + "2", prefix + "1", prefix + "0"])
    same(good("user list", *only, "--sort", "name").split(), [prefix + "0", prefix + "1", prefix + "2"])
    same(good("user list", *only, "--limit", 2).split(), [prefix + "0", prefix + "1"])
    same(good("user list", *only, "--sort", "title", "--limit", 1).split(), [prefix + "2"])
    has(good("user list", "--filter", f"department={prefix}", "--limit", 2), "2 users shown, more with --limit.")
    for limit in "0", "-1", "x", "":
        has(bad(USAGE, "user list", f"--limit={limit}"), "--limit")


@check
def one_is_not_many():
    prefix = some_users(1)
    assert good("user list", "--filter", f"department={prefix}").endswith("\n1 user.\n")
    assert good("user list", "--filter", f"department={prefix}x").endswith("\n0 users.\n")
    assert good("audit log", "--limit", 1).endswith("\n1 entry shown, more with --limit.\n")


@check
def csv_and_json_exclude_each_other():
    for command in "user list", "group list", "audit log":
        bad(USAGE, command, "--csv", "--json=lines")


@check
def every_column_can_be_shown_and_no_other():
    some_users(1)
    head = good("user list", "--csv", "--limit", 1, "--columns", ",".join(USER_COLUMNS)).splitlines()[0]
    same(head.split(","), USER_COLUMNS)
    good("group list", "--csv", "--columns", ",".join(GROUP_COLUMNS))
    for row in lines("user list"):
        assert set(row) <= set(USER_COLUMNS), set(row) - set(USER_COLUMNS)
    same(good("user list", "--csv", "--limit", 1, "--columns", "full-name").splitlines()[0], "full_name")
    for command, option in ("user list", "columns"), ("user list", "sort"), ("group list", "columns"):
        has(bad(USAGE, command, f"--{option}=hat"), "hat", "no such column", "there are: name, ", "version")
    bad(USAGE, "user list", "--columns=")
    bad(USAGE, "user list", "--columns=,")


@check
def filters_find():
    prefix = some_users()
    for expression, count in [(f"name~{prefix}*", 3), (f"name={prefix}0", 1), (f"department={prefix},title!=T1", 2),
                              (f"department={prefix},status=active", 3), (f"department={prefix},status=suspended", 0),
                              (f"department={prefix},created<1h", 3), (f"department={prefix},created>1h", 0),
                              (f"department={prefix},locked=yes", 0)]:
        same(len(lines("user list", "--filter", expression)), count)
    for expression in "hat=red", "name", "=x", "created<soon", ",", "status=great":
        has(bad(USAGE, "user list", "--filter", expression), "filter")


@check
def cells_that_a_spreadsheet_would_run_are_quoted():
    prefix = fresh("row")
    good("user add", prefix, "--title", "=1+1", "--department", "a \"b\", c", "--full-name", "-x")
    rows = list(csv.reader(io.StringIO(good("user list", "--filter", f"name={prefix}", "--csv", "--no-legend",
                                            "--columns", "title,department,full_name"), newline="")))
    same(rows, [["'=1+1", "a \"b\", c", "'-x"]])
    same(get("user list", "--filter", f"name={prefix}")["users"][0]["title"], "=1+1")


@check
def long_lists_are_whole_in_every_form():
    name, members = fresh("g"), [fresh("memberwithalongname") for _ in range(80)]
    good("group add", name)
    for member in members:
        good("user add", member)
    good("group add-member", name, *members)
    wanted = ",".join(sorted(members))
    rows = csv.reader(io.StringIO(good("group list", "--filter", f"name={name}", "--csv", "--columns", "members")))
    same(list(rows)[1], [wanted])
    has(good("group show", name), f"members: {wanted}\n")
    same(get("group show", name)["group"]["members"], sorted(members))


# ---- a terminal ------------------------------------------------------------------------------------------

@check
def tables_fit_the_terminal():
    good("user add", fresh(), "--full-name", "Jürgen " * 20, "--email", "a" * 50 + "@example.org")
    for columns in 60, 80, 200:
        for line in Terminal("user list", columns=columns).end(0).splitlines():
            assert len(line) <= columns, (columns, line)
    has(Terminal("user list", "--json", "--limit", "1").end(0), '{\n  "schema": 1,\n  "users": [')


# ---- JSON, dry runs --------------------------------------------------------------------------------------

def changes():
    """Each changing verb, on users and groups made for it: (command, arguments, stdin)."""
    active, locked, suspended, inactive, deleted, group, outer = (fresh("c") for _ in range(7))
    for name in active, locked, suspended, inactive, deleted:
        good("user add", name)
    good("user passwd", active, stdin="tell nobody of it\n")
    good("user lock", locked)
    good("user suspend", suspended)
    good("user disable", inactive)
    good("user delete", deleted, "--yes")
    for name in group, outer:
        good("group add", name)
    good("group add-member", outer, active)
    return [("user add", [fresh()], ""), ("user add", [fresh(), "--setup-code"], ""),
            ("user add", [fresh(), "--password"], "tell nobody of it\n"), ("user set", [active, "--title", "New"], ""),
            ("user passwd", [active], "nor of this one\n"), ("user passwd", [active, "--setup-code"], ""),
            ("user passwd", [active, "--must-change"], ""), ("user lock", [active], ""), ("user unlock", [locked], ""),
            ("user suspend", [active], ""), ("user resume", [suspended], ""), ("user enable", [inactive], ""),
            ("user restore", [deleted], ""), ("group add", [fresh("c")], ""),
            ("group set", [group, "--description", "New"], ""), ("group add-member", [group, active], ""),
            ("group remove-member", [outer, active], ""), ("group delete", [outer, "--yes"], ""),
            ("user disable", [suspended], ""), ("user delete", [suspended, "--yes"], "")]


@check
def a_dry_run_changes_nothing_and_says_what_would_be():
    cases = changes()
    before = everything()
    for command, arguments, stdin in cases:
        has(good(command, *arguments, "--dry-run", stdin=stdin), "would be ")
        answer = get(command, *arguments, "--dry-run", stdin=stdin)
        same((answer["dry_run"], "change" in answer), (True, False))
    same(everything(), before)
    for command, arguments, wanted in [("user add", ["root"], FAILED), ("user set", [cases[3][1][0], "--home", "x"], USAGE),
                                       ("user lock", [fresh()], 4)]:
        bad(wanted, command, *arguments, "--dry-run")


@check
def every_change_is_one_document_with_its_id():
    numbers = []
    for command, arguments, stdin in changes():
        answer = get(command, *arguments, stdin=stdin)
        same(answer[command.split()[0]], arguments[0])
        numbers.append(int(answer["change"].removeprefix("ch-")))
    assert numbers == sorted(set(numbers)), numbers
    for command, arguments, stdin in changes():
        answer = lines(command, *arguments, stdin=stdin)
        same(len(answer), 1)
        assert "schema" not in answer[0] and answer[0]["change"], answer


@check
def an_error_is_a_document_too():
    name = fresh()
    for command, arguments, wanted, error in [
            ("user show", [name], 4, "org.um1.Error.NoSuchUser"), ("user add", ["root"], FAILED, "org.um1.Error.NameTaken"),
            ("user list", ["--filter", "x"], USAGE, "org.um1.Error.BadValue"),
            ("status", ["--socket", "/run/nobody/bus"], NOT_REACHABLE, None), ("user delete", [name], USAGE, None),
            ("user list", ["--limit=0"], USAGE, None), ("user show", [], USAGE, None), ("user hat", [], USAGE, None),
            ("user show", [name, "--hat"], USAGE, None), ("", [], USAGE, None),
            ("self show", [], 4, None), ("user add", [b"\xff\x9b[2J".decode(errors="surrogateescape")], USAGE, None)]:
        for form in "--json", "--json=lines":
            result = ctl(command, form, *arguments, code=wanted)
            answer = document(result.out) if form == "--json" else json.loads(result.out)
            assert answer.keys() == {"error"}, answer
            answer = answer["error"]
            same((answer["exit"], answer.get("name")), (wanted, error))
            what = answer.get("command", "")
            same(result.err.splitlines()[0], "umctl: " + (what + ": " if what else "") + answer["text"])


# ---- pipes, daemons that are away ------------------------------------------------------------------------

@check
def a_pipe_that_closes_ends_quietly():
    for command in "user list --json=lines", "user list --csv", "audit log --limit 100000", "audit log --json", "help":
        for reader in "head -n 0", "head -n 1", "true":
            run = subprocess.run(["bash", "-c", f"for i in 1 2 3; do umctl {command}; done | {reader} >/dev/null"],
                                 capture_output=True, check=False, env=environment())
            same((run.returncode, run.stderr), (0, b""))
    run = subprocess.run(["bash", "-c", "umctl status >/dev/full"], capture_output=True, check=False,
                         env=environment())
    assert run.returncode == FAILED and b"umctl: " in run.stderr, run


@check
def another_umd_is_reached_by_its_socket():
    name = fresh()
    with Daemon() as umd:
        umd.start()
        good("user add", name, "--socket", umd.bus)
        good("user show", name, f"--socket={umd.bus}")
        ctl("user show", name, code=4)
        umd.stop()
        has(bad(NOT_REACHABLE, "user show", name, "--socket", umd.bus), "not reachable")


@check
def a_server_of_somebody_else_is_not_believed():
    with Daemon(4242) as umd:
        umd.start()
        # the owner of map.d beside it; not all is well with him: cracklib looks nothing up for a uid without a name
        has(good("user list", "--socket", umd.bus), "0 users")
        umd.map.parent.rename(umd.dir / "away")
        (umd.run / "map.d").mkdir()
        has(bad(NOT_REACHABLE, "status", "--socket", umd.bus), "not umd")


@check
def a_umd_that_hangs_is_exit_5():
    with Daemon() as umd:
        umd.start()
        umd.send(signal.SIGSTOP)
        began = time.monotonic()
        bad(NOT_REACHABLE, "status", "--socket", umd.bus)
        assert time.monotonic() - began < 10
        umd.send(signal.SIGCONT)


@check
def a_record_that_changed_meanwhile_is_a_conflict():
    with Daemon() as umd:
        umd.start()
        umd.create("alice")
        try:
            umd.call("/org/um1/user/alice", "org.um1.User", "Update", "a{sv}a{sv}", {"title": ("s", "x")},
                     {"version": ("t", 7)})
        except Refused as error:
            same(error.name, "Conflict")
        else:
            raise AssertionError("no conflict")
        document(good("user show", "alice", "--socket", umd.bus, "--json"))
        json.loads(good("user list", "--socket", umd.bus, "--json=lines"))
        assert argv("status", [])
