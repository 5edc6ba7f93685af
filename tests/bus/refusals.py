# SPDX-License-Identifier: LGPL-2.1-or-later
"""Refused calls are on record, and no caller decides how much of it there is (catalogue 92)."""

import os

from fixture import ERRORS, OUTSIDER, ROOT
from matrix import ask, documented

USER = "org.um1.User"
METHODS_TOLD = 16 # core.h: CORE_REFUSED_METHODS


def entries(umd, **wanted):
    with umd.peer() as root:
        reply = root.call(ROOT, "org.um1.Audit", "List", "a{sv}tu", {k: ("s", v) for k, v in wanted.items()}, 0,
                          1000, timeout=30)
    return reply.args[0]


def status(umd):
    with umd.peer() as root:
        found = root.call(ROOT, "org.um1.Manager", "Status").args[0]
    return {key: found[key] for key in ("audit_entries", "store_used_bytes", "store_map_bytes")}


def sizes(umd):
    """Every file of state and run, and how many blocks it has."""
    found = {}
    for top in "state", "run":
        for folder, _, names in os.walk(f"{umd.dir}/{top}"):
            for name in names:
                facts = os.lstat(os.path.join(folder, name))
                found[os.path.join(folder, name)] = (facts.st_size, facts.st_blocks)
    return found


def on_record(umd, people, checks):
    context = {"operation": ("s", "authenticate"), "user": ("s", "alice"), "service": ("s", "test")}
    alice = ROOT + "/user/alice"
    rows = (
        ("a right he has not", "socket", "bob", alice, USER, "Lock", "a{sv}", [{}], "user.lock", "user/alice"),
        ("on the system bus too", "bus", "bob", alice, USER, "Unlock", "a{sv}", [{}], "user.unlock", "user/alice"),
        ("a field that is not his to set", "socket", "bob", ROOT + "/user/bob", USER, "Update", "a{sv}a{sv}",
         [{"full_name": ("s", "Root")}, {}], "user.edit", "user/bob"),
        ("somebody's data, by name", "socket", "bob", ROOT, "org.um1.Manager", "GetUserByName", "s", ["alice"],
         "user.view", "user/alice"),
        ("by uid", "bus", "bob", ROOT, "org.um1.Manager", "GetUserByUID", "u", [people.uid["alice"]], "user.view",
         "user/alice"),
        ("a group", "socket", "bob", ROOT, "org.um1.Manager", "GetGroupByGID", "u", [people.gid], "group.view",
         "group/devs"),
        ("another's log", "socket", "bob", ROOT, "org.um1.Audit", "List", "a{sv}tu",
         [{"user": ("s", "alice")}, 0, 10], "audit.view", "user/alice"),
        ("another's login", "socket", "bob", ROOT, "org.um1.Login", "Begin", "a{sv}", [context], "login.others",
         "user/alice"),
        ("a session", "socket", "bob", ROOT, "org.um1.Login", "OpenSession", "a{sv}s", [context, ""],
         "login.others", ""),
        ("what is about nobody", "socket", "bob", ROOT, "org.um1.Manager", "ListUsers", "ssu", ["", "", 10],
         "user.view", ""),
        ("another's values", "socket", "bob", ROOT, "org.um1.Policy", "GetEffective", "ss", ["alice", ""],
         "policy.view", "user/alice"),
        ("a value of the company", "socket", "bob", ROOT, "org.um1.Policy", "Set", "ssa{sv}",
         ["lockout.attempts", "0", {}], "policy.edit", ""),
        ("a value of a user, his own", "bus", "bob", ROOT, "org.um1.Policy", "SetForUser", "sssa{sv}",
         ["bob", "factor.required", "off", {}], "policy.user.set", "user/bob"),
        ("the company's values", "socket", "alice", ROOT, "org.um1.Policy", "GetEffective", "ss", ["", ""],
         "policy.view", ""),
        ("by whom um does not know", "socket", "outsider", alice, USER, "Delete", "a{sv}", [{}], "user.delete",
         "user/alice"),
        ("a secret where others can read, by him", "bus", "bob", alice, USER, "SetPassword", "aya{sv}a{sv}",
         [b"x", {}, {}], "user.password.reset", "user/alice"),
        ("and by root", "bus", "root", alice, USER, "CreateSetupCode", "a{sv}", [{}], "user.password.reset",
         "user/alice"),
    )
    for title, via, caller, path, interface, member, signature, args, permission, about in rows:
        before = status(umd)["audit_entries"]
        uid = people.uid[caller]
        with umd.peer(uid) if via == "socket" else umd.bus(uid) as peer:
            reply = peer.call(path, interface, member, signature, *args, timeout=30,
                              destination="org.um1" if via == "bus" else None)
        secret = "secret" in title or title == "and by root"
        checks.same(f"refused: {title}", ERRORS + ("PrivateSocketOnly" if secret else "AccessDenied"), reply.error)
        checks.same("with one entry, there when the reply comes", before + 1, status(umd)["audit_entries"])
        entry = entries(umd, type="access")[0]
        checks.same("who, what, for want of what, and how", {
            "type": "access", "verb": f"{interface}.{member}", "object": about,
            "actor": f"uid {uid}" if caller == "outsider" else caller, "via": via, "outcome": "deny",
            "reason": "private-socket-only" if secret else "no-permission",
            "values": [("permission", "", permission)],
        }, {key: entry[key] for key in ("type", "verb", "object", "actor", "via", "outcome", "reason", "values")})
        checks.check("nothing of the secret is in it", b"correct" not in str(entry).encode())
    bare = [e for e in entries(umd, type="access") if "nobody_at_all" in str(e)]
    with umd.peer(people.uid["olga"]) as olga:
        olga.call(ROOT + "/user/nobody_at_all", USER, "Lock", "a{sv}", {}, timeout=30)
    entry = entries(umd, type="access")[0]
    checks.check("a name nobody has is not kept", not bare and entry["object"].startswith("user/~")
                 and entry["actor"] == "olga", entry)


def no_growth(umd, people, checks):
    """Every method, over and over, by people without a right: some entries at first, then nothing."""
    rounds = 2500 if os.environ.get("UM_TEST_FULL") else 60
    methods = [m for m in documented() if "everyone" not in m.who]
    callers = [OUTSIDER, people.uid["bob"], 300000, 300001]
    for uid in callers: # their first ones
        with umd.peer(uid) as peer:
            for method in methods:
                ask(peer, method, people)
    told = [e for e in entries(umd, type="access") if e["actor"] == "uid 300000"]
    checks.same("a caller's first refusals are told", min(METHODS_TOLD, len(methods)), len(told))
    before, files = status(umd), sizes(umd)
    calls, wrong = 0, set()
    for uid in callers + list(range(400000, 400100)): # and more than have a place
        with umd.peer(uid) as peer:
            for _ in range(rounds if uid in callers else 2):
                for method in methods:
                    if uid == people.uid["bob"] and method.name in ("List", "Begin"):
                        continue
                    reply = ask(peer, method, people)
                    calls += 1
                    if reply.error != ERRORS + "AccessDenied":
                        wrong.add((uid, method.name, reply.error))
    checks.check(f"92 {calls} calls more, all refused", not wrong, sorted(wrong)[:5])
    after = status(umd)
    grown = after["audit_entries"] - before["audit_entries"]
    checks.check("92 leave at most the entries of the strangers who still have a place", grown <= 8 * METHODS_TOLD,
                 grown)
    checks.same("92 and files as large as they were", {k: v[0] for k, v in files.items()},
                {k: v[0] for k, v in sizes(umd).items()})
    again = status(umd)
    with umd.peer(callers[0]) as peer:
        for _ in range(rounds):
            for method in methods:
                ask(peer, method, people)
    checks.same("92 nothing at all, once they are told", again, status(umd))


def told_at_the_end(umd, checks):
    umd.restart()
    counts = [e for e in entries(umd, type="access") if e["verb"] == "access.repeated"]
    checks.check("umd stops: what was counted is told", any(
        e["actor"] == "bob" and int(dict((v[0], v[2]) for v in e["values"])["count"]) > 100 for e in counts), counts)
    checks.check("and that of all who had no place", any(e["actor"] == "" for e in counts), counts)


def run(umd, people, checks):
    on_record(umd, people, checks)
    no_growth(umd, people, checks)
    told_at_the_end(umd, checks)
    checks.check("umd lives after: refusals", umd.alive())
