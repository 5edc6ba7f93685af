# SPDX-License-Identifier: LGPL-2.1-or-later
"""Applications and their permissions by the faces of the real umd, and what any program is answered that asks
whether somebody has one: as root, as the user, as nobody to um, on both ways in; and hostile questions."""

import re

from fixture import ERRORS, ROOT, until
from rights import FOREVER, Side

APP_KEYS = {"name", "area", "registered", "permissions", "version", "created"}
VIEW = ("crm.deal.view", "data", True, "see deals")
CLOSE = ("crm.deal.close", "action", False, "close deals")


def register(side, permissions, app="crm", area="crm", caller="root", options=None):
    return side.call("Register", "ssa(ssbs)a{sv}", app, area, permissions, options or {}, interface="App", caller=caller)


def unregister(side, app="crm"):
    return side.call("Unregister", "sa{sv}", app, {}, interface="App")


def may(side, user, permission, tenant="", caller="root", bus=False):
    """(allowed, reason, text, until), or the error."""
    uid = side.people.uid[caller]
    with side.umd.bus(uid) if bus else side.umd.peer(uid) as peer:
        reply = peer.call(ROOT, "org.um1.Manager", "CheckPermission", "sss", user, permission, tenant,
                          destination="org.um1" if bus else None, timeout=30)
    return reply.error or tuple(reply.args)


def entries(side):
    with side.umd.peer() as root:
        status = root.call(ROOT, "org.um1.Manager", "Status", "").args[0]
    return status["audit_entries"]


def registering(side, checks):
    reply = register(side, [VIEW, CLOSE])
    checks.check("App: Register answers the change", not reply.error and re.fullmatch(r"ch-[0-9]+", reply.args[0])
                 and reply.args[1] == [], reply.text)
    rows = side.call("List", "", interface="App").args[0]
    checks.same("App: List has what is documented", [("crm", "crm", True, 2, 1)],
                [tuple(r[k] for k in ("name", "area", "registered", "permissions", "version")) for r in rows])
    checks.same("App: and no more", APP_KEYS, set(rows[0]))
    reply = side.call("Get", "s", "crm", interface="App")
    checks.same("App: Get tells the permissions", [VIEW + (False,), CLOSE + (False,)], reply.args[1])
    rows = side.call("Permissions", "s", "", caller="outsider").args[0]
    checks.same("Role: Permissions has them behind um's own", [VIEW[0], CLOSE[0]], [r["name"] for r in rows[-2:]])
    checks.same("App: nobody else registers", ERRORS + "AccessDenied", register(side, [VIEW], caller="alice").error)
    for title, error, reply in (
            ("an area of um's own", "NameTaken", register(side, [("user.x", "data", True, "x")], "x", "user")),
            ("login", "NameTaken", register(side, [("login.x", "data", True, "x")], "x", "login")),
            ("another's area", "NameTaken", register(side, [VIEW], "x")),
            ("no area", "BadValue", register(side, [("C.x", "data", True, "x")], "x", "C")),
            ("a permission of another area", "BadValue", register(side, [VIEW], "x", "x")),
            ("a permission twice", "NameTaken", register(side, [VIEW, VIEW])),
            ("a category that is none", "BadValue", register(side, [VIEW, ("crm.x", "dat", True, "x")])),
            ("no meaning", "BadValue", register(side, [("crm.x", "data", True, "")])),
            ("a meaning that writes on terminals", "BadValue", register(side, [("crm.x", "data", True, "\x1b[2J")])),
            ("a meaning too long", "BadValue", register(side, [("crm.x", "data", True, "x" * 256)])),
            ("a name too long", "BadValue", register(side, [("crm." + "x" * 80, "data", True, "x")])),
            ("a star", "BadValue", register(side, [("crm.*", "data", True, "x")])),
            ("nothing", "BadValue", register(side, [])),
            ("257", "BadValue", register(side, [(f"crm.p{i}", "data", True, "x") for i in range(257)])),
            ("an application that is none", "NoSuchApp", unregister(side, "none")),
            ("Get of none", "NoSuchApp", side.call("Get", "s", "none", interface="App")),
            ("an older version", "Conflict", register(side, [VIEW], options={"version": ("t", 9)}))):
        checks.same(f"App: {title}", ERRORS + error, reply.error)
    reply = register(side, [VIEW, ("crm.x", "dat", True, "x")])
    checks.check("App: which permission is wrong is told", "number 2: category" in reply.text, reply.text)
    checks.same("App: and nothing of it was written", 1, side.call("List", "", interface="App").args[0][0]["version"])


def asking(side, checks):
    side.call("Add", "sa{sv}a{sv}", "bus-sales", {"permit": ("as", ["crm.*"])}, {})
    before = entries(side)
    checks.same("CheckPermission: not without a role", (False, "missing", "no role of his has it", FOREVER),
                may(side, "alice", "crm.deal.view"))
    checks.check("CheckPermission: writes nothing", entries(side) == before, f"{before} {entries(side)}")
    side.grant("alice", "bus-sales")
    for bus in (False, True):
        way = "bus" if bus else "socket"
        checks.same(f"CheckPermission ({way}): root is told by which", (True, "held", "by bus-sales at local", FOREVER),
                    may(side, "alice", "crm.deal.view", bus=bus))
        checks.same(f"CheckPermission ({way}): she is told too", (True, "held", "by bus-sales at local", FOREVER),
                    may(side, str(side.people.uid["alice"]), "crm.deal.close", caller="alice", bus=bus))
        for caller in ("outsider", "bob"):
            checks.same(f"CheckPermission ({way}): {caller} is told yes", (True, "held", "", FOREVER),
                        may(side, "alice", "crm.deal.view", caller=caller, bus=bus))
            checks.same(f"CheckPermission ({way}): {caller} is told no", (False, "missing", "", FOREVER),
                        may(side, "olga", "crm.deal.view", "local", caller=caller, bus=bus))
    checks.same("CheckPermission: no such tenant is told to root", "no-such-tenant", may(side, "alice", "crm.deal.view", "x")[1])
    checks.same("CheckPermission: and to no other", "missing",
                may(side, "alice", "crm.deal.view", "x", caller="outsider")[1])
    checks.same("CheckPermission: root may all", (True, "held"), may(side, "root", "user.delete", caller="outsider")[:2])
    checks.same("CheckPermission: a login, by what she was created with", True, may(side, "alice", "login.sshd")[0])
    checks.same("CheckPermission: near names", (False, "unknown", "there is no such permission; near: crm.deal.view", FOREVER),
                may(side, "alice", "crm.deal.vew", caller="outsider"))
    with side.umd.peer() as root:
        root.call(ROOT + "/user/alice", "org.um1.User", "Lock", "a{sv}", {}, timeout=30)
        checks.same("CheckPermission: who is locked may nothing", (False, "account", "the account is locked"),
                    may(side, "alice", "crm.deal.view")[:3])
        checks.same("CheckPermission: others are not told why", (False, "account", ""),
                    may(side, "alice", "crm.deal.view", caller="bob")[:3])
        root.call(ROOT + "/user/alice", "org.um1.User", "Unlock", "a{sv}", {}, timeout=30)


def hostile(side, checks):
    """Whatever is asked, the answer is no: never a yes, and no error that a program might take for one."""
    names = ("nobody_at_all", "4294967295", "-1", "00", "0x0", "alice\n", " alice", "alice/..", "a" * 60000, "\x1b[31m", "*",
             "alice@example.com", "é")
    for name in names:
        got = may(side, name, "crm.deal.view", caller="outsider")
        checks.same(f"CheckPermission: user {name[:20]!r}", (False, "no-such-user", "", FOREVER), got)
    for name in ("crm.*", "*", "crm", ".", "crm.deal.view ", "x" * 60000, "crm.deal.view\n", "login", "login.", "sudo.ALL", "\x1b[31m"):
        got = may(side, "alice", name, caller="outsider")
        checks.check(f"CheckPermission: permission {name[:20]!r}", got[:2] == (False, "unknown") and "\x1b" not in got[2]
                     and len(got[2]) < 512, got)
    for name in ("x" * 60000, "all", "local\n", "../x"):
        got = may(side, "alice", "crm.deal.view", name, caller="outsider")
        checks.same(f"CheckPermission: tenant {name[:20]!r}", (False, "missing"), got[:2])
    checks.same("CheckPermission: no user is an error", ERRORS + "BadValue", may(side, "", "crm.deal.view"))
    checks.same("CheckPermission: no permission too", ERRORS + "BadValue", may(side, "alice", ""))
    with side.umd.peer(side.people.uid["outsider"]) as peer:
        reply = peer.call(ROOT, "org.um1.Manager", "CheckPermission", "ss", "alice", "crm.deal.view")
        checks.same("CheckPermission: arguments of other types", "org.freedesktop.DBus.Error.InvalidArgs", reply.error)
    with open(side.umd.dir + "/etc/passwd", "r+", encoding="ascii") as f:
        before = f.read()
        f.write(f"local:x:{side.people.uid['alice']}:100::/:/bin/sh\n")
    checks.check("CheckPermission: with a local user of her uid she is nobody", until(
        lambda: may(side, "alice", "crm.deal.view")[1] == "no-such-user"), may(side, "alice", "crm.deal.view"))
    with open(side.umd.dir + "/etc/passwd", "w", encoding="ascii") as f:
        f.write(before)
    checks.check("CheckPermission: and without him she is back", until(lambda: may(side, "alice", "crm.deal.view")[0]))


def giving_up(side, checks):
    reply = register(side, [VIEW])
    checks.same("App: what roles use of what is given up is told", [(CLOSE[0], "bus-sales")], reply.args[1])
    checks.same("App: and is nobody's", "unknown", may(side, "alice", CLOSE[0])[1])
    reply = unregister(side)
    checks.same("App: Unregister tells it too", [(VIEW[0], "bus-sales"), (CLOSE[0], "bus-sales")], reply.args[1])
    checks.same("App: List shows what is kept", [("crm", False, 0)],
                [(r["name"], r["registered"], r["permissions"]) for r in side.call("List", "", interface="App").args[0]])
    checks.same("App: another does not get the area", ERRORS + "NameTaken", register(side, [VIEW], "x").error)
    checks.same("App: unregistered once", ERRORS + "NoSuchApp", unregister(side).error)
    checks.check("App: registered again, she has it again", not register(side, [VIEW]).error
                 and may(side, "alice", VIEW[0])[0])
    side.call("Delete", "sba{sv}", "bus-sales", True, {})
    unregister(side)
    checks.same("App: nothing is kept that no role uses", [], side.call("List", "", interface="App").args[0])


def run(umd, people, checks):
    side = Side(umd, people)
    registering(side, checks)
    asking(side, checks)
    hostile(side, checks)
    giving_up(side, checks)
