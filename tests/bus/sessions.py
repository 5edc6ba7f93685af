# SPDX-License-Identifier: LGPL-2.1-or-later
"""Replies and descriptors: a change is durable and visible when its reply comes; a session lasts as long
as its descriptor."""

import os
import signal

from fixture import ERRORS, ROOT, until

MANAGER, USER, LOGIN = "org.um1.Manager", "org.um1.User", "org.um1.Login"
CONTEXT = {"user": ("s", "alice"), "service": ("s", "test")}


def count(umd):
    with umd.peer() as root:
        return root.call(ROOT, MANAGER, "Status").args[0]["sessions"]


def sessions(umd, checks):
    before, fds = count(umd), umd.fds()
    with umd.peer() as root:
        reply = root.call(ROOT, LOGIN, "OpenSession", "a{sv}s", CONTEXT, "", timeout=30)
        if not checks.check("a session opens", not reply.error and reply.args[0] == 1 and len(reply.fds) == 1,
                            f"{reply.error} {reply.args}"):
            return
        session = reply.fds[0]
    checks.same("it outlives its connection", before + 1, count(umd))
    copy = os.dup(session)
    os.close(session)
    checks.same("and the first of two copies", before + 1, count(umd))
    try:
        os.write(copy, b"x")
        checks.check("nothing can be written into it", False)
    except OSError:
        checks.check("nothing can be written into it", True)
    os.close(copy)
    checks.check("it is over when the last copy is closed", until(lambda: count(umd) == before))
    with umd.peer() as root:
        serial = root.send_call(ROOT, LOGIN, "OpenSession", "a{sv}s", CONTEXT, "")
    checks.check("a session nobody took is over at once", serial and until(lambda: count(umd) == before))
    checks.check("no descriptor is left", until(lambda: umd.fds() <= fds), f"{fds}, {umd.fds()}")


class Holder:
    """A process that opens a session and keeps it until it is told to end."""

    def __init__(self, umd, user):
        said, told = os.pipe()
        leave, self.leave = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self.leave)
                with umd.peer() as root:
                    reply = root.call(ROOT, LOGIN, "OpenSession", "a{sv}s", {**CONTEXT, "user": ("s", user)}, "",
                                      timeout=30)
                    os.write(told, str(reply.args[4]).encode())
                os.read(leave, 1)
            finally:
                os._exit(0)
        os.close(leave)
        os.close(told)
        self.session = os.read(said, 64).decode()
        os.close(said)

    def end(self):
        os.write(self.leave, b"x")
        os.close(self.leave)
        os.waitpid(self.pid, 0)


def closings(umd, session):
    """[(reason, fields)] of the entries that end it."""
    with umd.peer() as root:
        reply = root.call(ROOT, "org.um1.Audit", "List", "a{sv}tu", {"verb": ("s", "session.close")}, 0, 100)
    return [(entry["reason"], entry["object"], [value[0] for value in entry["values"]])
            for entry in reply.args[0] if entry["values"][0][1] == session]


def restarts(umd, checks):
    """umd is killed, and stopped, while sessions are open (catalogue 116)."""
    before = count(umd)
    holders = [Holder(umd, name) for name in ("alice", "bob", "olga")]
    checks.same("three sessions are open", before + 3, count(umd))
    umd.end(signal.SIGKILL)
    holders[1].end()
    umd.start()
    checks.same("umd killed, one process gone: two of them go on", before + 2, count(umd))
    checks.same("the end of the third is on record", [
        ("lost", "user/bob", ["session", "ended_after", "ended_before"])], closings(umd, holders[1].session))
    holders[0].end()
    checks.check("a process ends: so does its session", until(lambda: count(umd) == before + 1))
    checks.same("at its own time", [("", "user/alice", ["session"])], closings(umd, holders[0].session))
    umd.restart()
    checks.same("umd stopped and started: the last one goes on", before + 1, count(umd))
    fds = umd.fds()
    holders[2].end()
    checks.check("until its process ends", until(lambda: count(umd) == before))
    checks.check("and its descriptor is given back", until(lambda: umd.fds() < fds), umd.fds())
    umd.restart()
    checks.same("each has one end", [1, 1, 1], [len(closings(umd, h.session)) for h in holders])


def replies(umd, checks):
    with umd.peer() as root, umd.peer() as other:
        serials = [root.send_call(ROOT + "/user/olga", USER, "Update", "a{sv}a{sv}",
                                  {"title": ("s", f"Title {i}")}, {}) for i in range(50)]
        replies_ = [root.message(30) for _ in serials]
        checks.same("50 changes in flight: answered in order", serials, [m.fields[5] for m in replies_])
        checks.check("each with its change", all(not m.error and m.args[0].startswith("ch-") for m in replies_),
                     {m.error for m in replies_})
        reply = other.call(ROOT + "/user/olga", "org.freedesktop.DBus.Properties", "Get", "ss", USER, "Title")
        checks.same("and visible to others then", ["Title 49"], reply.args)
        reply = root.call(ROOT + "/user/olga", USER, "Update", "a{sv}a{sv}", {"title": ("s", "x")},
                          {"version": ("t", 1)}, timeout=30)
        checks.same("an old version", ERRORS + "Conflict", reply.error)
        reply = root.call(ROOT + "/user/olga", USER, "Lock", "a{sv}", {"dry-run": ("b", True)}, timeout=30)
        checks.same("a dry run has no change", [""], reply.args)
        reply = root.call(ROOT + "/user/olga", USER, "Lock", "a{sv}", {"dry_run": ("b", True)}, timeout=30)
        checks.same("an option that is none", ERRORS + "BadValue", reply.error)


def selves(umd, people, checks):
    with umd.peer(people.uid["bob"]) as bob:
        path = ROOT + "/user/bob"
        reply = bob.call(path, USER, "Update", "a{sv}a{sv}", {"phone": ("s", "+49 30 5550101")}, {}, timeout=30)
        checks.same("bob changes his phone", None, reply.error)
        for fields in ({"full_name": ("s", "Root")}, {"phone": ("s", "1"), "shell": ("s", "/bin/sh")},
                       {"valid_until": ("t", 2**64 - 1)}, {"name": ("s", "rob")}):
            reply = bob.call(path, USER, "Update", "a{sv}a{sv}", fields, {}, timeout=30)
            checks.check(f"but not {', '.join(fields)}", reply.error == ERRORS + "AccessDenied"
                         and "user.edit" in reply.text, f"{reply.error}: {reply.text}")
        with umd.peer() as root:
            root.call(path, USER, "Lock", "a{sv}", {}, timeout=30)
            reply = bob.call(path, USER, "Update", "a{sv}a{sv}", {"phone": ("s", "+49 30 5550102")}, {}, timeout=30)
            checks.same("locked, he changes nothing", ERRORS + "AccessDenied", reply.error)
            reply = bob.call(path, "org.freedesktop.DBus.Properties", "Get", "ss", USER, "Phone")
            checks.same("but reads what is his", ["+49 30 5550101"], reply.args)
            root.call(path, USER, "Unlock", "a{sv}", {}, timeout=30)
        reply = bob.call(ROOT, "org.um1.Audit", "List", "a{sv}tu", {"user": ("s", "bob")}, 0, 10, timeout=30)
        checks.check("bob reads what is about him", not reply.error and len(reply.args[0]) >= 1, reply.error)
        for about in ({}, {"user": ("s", "alice")}, {"actor": ("s", "bob")}):
            reply = bob.call(ROOT, "org.um1.Audit", "List", "a{sv}tu", about, 0, 10, timeout=30)
            checks.same(f"and not {about}", ERRORS + "AccessDenied", reply.error)


def chain(umd, checks):
    with umd.peer() as root, umd.peer() as other:
        done, cursor, rounds = False, 0, 0
        while not done and rounds < 100:
            reply = root.call(ROOT, "org.um1.Audit", "Verify", "t", cursor, timeout=30)
            if not checks.check("Verify", not reply.error, reply.text):
                return
            done, good, cursor = reply.args[0], reply.args[1], reply.args[2]
            rounds += 1
        checks.check("the chain holds", good, reply.args)
        reply = other.call(ROOT, "org.um1.Audit", "Verify", "t", 12345)
        checks.same("in the middle, of another's walk", ERRORS + "NoSuchEntry", reply.error)


def run(umd, people, checks):
    replies(umd, checks)
    selves(umd, people, checks)
    sessions(umd, checks)
    restarts(umd, checks)
    chain(umd, checks)
