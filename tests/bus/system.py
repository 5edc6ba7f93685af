# SPDX-License-Identifier: LGPL-2.1-or-later
"""The system bus: identity is the bus's word or nothing, no secret is seen there (catalogue 97), signals
tell a path alone, and umd comes back when the bus does."""

import os
import random
import time

import raw
from fixture import ERRORS, OUTSIDER, ROOT, until

MANAGER, USER, POLICY = "org.um1.Manager", "org.um1.User", "org.um1.Policy"
DRIVER, DRIVER_PATH = "org.freedesktop.DBus", "/org/freedesktop/DBus"
SECRET = b"correct horse 7fd1 battery"


def no_secret(umd, people, checks):
    """A monitor sees everything on the bus while passwords are set, used and refused."""
    monitor = umd.bus()
    reply = monitor.call(DRIVER_PATH, "org.freedesktop.DBus.Monitoring", "BecomeMonitor", "asu", [], 0,
                         destination=DRIVER)
    checks.same("97 a monitor watches", None, reply.error)
    alice = ROOT + "/user/alice"
    with umd.peer() as root:
        reply = root.call(alice, USER, "SetPassword", "aya{sv}a{sv}", SECRET, {}, {}, timeout=30)
        checks.same("97 a password is set on the private socket", None, reply.error)
        reply = root.call(alice, USER, "CreateSetupCode", "a{sv}", {}, timeout=30)
        checks.same("97 a code is made", None, reply.error)
        code = reply.args[0].encode() if not reply.error else b"none"
        context = {"operation": ("s", "authenticate"), "user": ("s", "alice"), "service": ("s", "login")}
        reply = root.call(ROOT, "org.um1.Login", "Begin", "a{sv}", context, timeout=30)
        checks.check("97 a login begins", not reply.error and reply.args[1][0] == 1, reply.text)
        if not reply.error:
            reply = root.call(ROOT, "org.um1.Login", "Answer", "say", reply.args[0], SECRET, timeout=30)
            checks.check("97 and ends", not reply.error and reply.args[0][0] == 6, reply.args)
        root.call(alice, USER, "Update", "a{sv}a{sv}", {"full_name": ("s", "Alice Privatissima"),
                                                        "phone": ("s", "+49 30 5550199")}, {}, timeout=30)
    with umd.bus() as bus:
        for member, signature, args in (("SetPassword", "aya{sv}a{sv}", [b"", {}, {}]),
                                        ("CreateSetupCode", "a{sv}", [{}])):
            reply = bus.call(alice, USER, member, signature, *args, destination="org.um1")
            checks.same(f"97 {member} on the bus", ERRORS + "PrivateSocketOnly", reply.error)
        for interface in ("org.um1.Login", "org.um1.Nss"):
            reply = bus.call(ROOT, interface, "Begin" if interface.endswith("n") else "GetUserByName",
                             "a{sv}" if interface.endswith("n") else "s",
                             {} if interface.endswith("n") else "alice", destination="org.um1")
            checks.same(f"97 {interface} on the bus", ERRORS + "PrivateSocketOnly", reply.error)
    seen, signals_ = bytearray(), 0
    try:
        while True:
            m = monitor.message(1.0)
            seen += m.bytes
            signals_ += m.kind == raw.SIGNAL and m.fields.get(2) == MANAGER
    except TimeoutError:
        pass
    monitor.close()
    checks.check("97 the monitor saw the signals", signals_ >= 1, signals_)
    for what in (SECRET, code, b"Privatissima", b"5550199"):
        checks.check(f"97 and nothing of {what[:4]!r}...", what not in seen)


def signals(umd, people, checks):
    with umd.bus(OUTSIDER) as listener, umd.peer() as quiet, umd.peer() as root, umd.peer(
            people.uid["bob"]) as bob:
        listener.call(DRIVER_PATH, DRIVER, "AddMatch", "s", "type='signal',sender='org.um1'", destination=DRIVER)
        for peer in (root, bob):
            peer.call(DRIVER_PATH, DRIVER, "AddMatch", "s", "type='signal'", destination=DRIVER)
        reply = root.call(ROOT, MANAGER, "CreateUser", "sa{sv}a{sv}", "dora", {}, {}, timeout=30)
        checks.same("dora is made", None, reply.error)
        got = listener.message()
        checks.same("the bus hears UserAdded with her path", ("UserAdded", "o", [ROOT + "/user/dora"]),
                    (got.member, got.signature, got.args))
        checks.check("root's peer hears it, before the reply", any(
            m.member == "UserAdded" and m.args == [ROOT + "/user/dora"] for m in root.signals))
        reply = root.call(ROOT + "/user/dora", USER, "Lock", "a{sv}", {}, timeout=30)
        heard = [listener.message() for _ in range(2)]
        checks.same("a change is told, and which properties to ask for again", ["UserChanged", "PropertiesChanged"],
                    [m.member for m in heard])
        checks.check("without a value", heard[1].args[0] == USER and heard[1].args[1] == {}
                     and "Locked" in heard[1].args[2])
        reply = root.call(ROOT, POLICY, "Set", "ssa{sv}", "password.min-length", "13", {}, timeout=30)
        got = listener.message()
        checks.same("the bus hears that policy values changed, and neither which nor whose", ("Changed", POLICY, []),
                    (got.member, got.fields.get(2), got.args))
        reply = root.call(ROOT, POLICY, "SetForUser", "sssa{sv}", "dora", "password.min-length", "14", {}, timeout=30)
        got = listener.message()
        checks.same("a user's too", (None, "Changed", POLICY, []), (reply.error, got.member, got.fields.get(2), got.args))
        checks.check("root's peer as well", sum(m.member == "Changed" for m in root.signals) == 2)
        root.call(ROOT, POLICY, "Set", "ssa{sv}", "password.min-length", "13", {}, timeout=30)  # which it is
        root.call(ROOT, POLICY, "Set", "ssa{sv}", "password.min-length", "15", {"dry-run": ("b", True)}, timeout=30)
        root.call(ROOT + "/user/dora", USER, "Unlock", "a{sv}", {}, timeout=30)
        checks.same("what changes nothing is not told", "UserChanged", listener.message().member)
        bob.call(ROOT, MANAGER, "Status")
        quiet.call(ROOT, MANAGER, "Status")
        checks.same("other peers, and who did not ask, hear nothing", ([], []), (bob.signals, quiet.signals))


def driver(umd, checks):
    with umd.peer() as peer:
        def ask(member, signature="", *args):
            return peer.call(DRIVER_PATH, DRIVER, member, signature, *args, destination=DRIVER)
        checks.check("Hello gives a name", ask("Hello").args[0].startswith(":1."))
        checks.same("GetNameOwner", ":1.0", ask("GetNameOwner", "s", "org.um1").args[0])
        checks.same("nobody else is here", DRIVER + ".Error.NameHasNoOwner",
                    ask("GetNameOwner", "s", "org.freedesktop.login1").error)
        checks.same("RequestName is not for peers", DRIVER + ".Error.UnknownMethod",
                    ask("RequestName", "su", "org.um1", 0).error)
        reply = peer.call(ROOT, MANAGER, "Status", destination="org.freedesktop.login1")
        checks.same("a call for somebody else", DRIVER + ".Error.ServiceUnknown", reply.error)
        for path, interface, member, error in (
                (ROOT, MANAGER, "Nope", "UnknownMethod"), (ROOT, "org.um1.Nope", "Status", "UnknownMethod"),
                ("/org/um2", MANAGER, "Status", "UnknownObject"),
                (ROOT + "/user/a/b", USER, "Lock", "UnknownObject"), (ROOT, USER, "Lock", "UnknownMethod")):
            reply = peer.call(path, interface, member)
            checks.check(f"{path} {interface}.{member}: {error}", reply.error in (
                f"{DRIVER}.Error.{error}", f"{DRIVER}.Error.UnknownMethod"), reply.error)


def gone_callers(umd, people, checks):
    """Who asks and is gone before the bus was asked who he is, is nobody (catalogue 79): at once, or up to 2 ms later,
    about as long as the bus and umd take for it."""
    dice = random.Random(79)
    for i in range(1000 if os.environ.get("UM_TEST_FULL") else 200):
        bus = umd.bus(OUTSIDER)
        bus.send_call(ROOT, MANAGER, "CreateUser", "sa{sv}a{sv}", f"gone{i}", {}, {}, destination="org.um1")
        if i % 4:
            time.sleep(dice.random() / 500)
        bus.close()
    with umd.bus() as root:
        reply = root.call(ROOT, MANAGER, "ListUsers", "ssu", "", "", 1000, destination="org.um1", timeout=30)
        names = [user["name"] for user in reply.args[0]]
    checks.check("79 callers that vanish make nothing", not [n for n in names if n.startswith("gone")], names)
    checks.check("79 and umd lives", umd.alive())


def comes_back(umd, checks):
    umd.dbus.terminate()
    umd.dbus.wait()
    if os.path.exists(umd.system):
        os.unlink(umd.system)
    with umd.peer() as peer:
        checks.same("the system bus gone: the private socket serves", None,
                    peer.call(ROOT, MANAGER, "Status").error)
    umd.start_system_bus()
    checks.check("the bus is back: so is org.um1", until(umd.owns_name, 20))
    with umd.bus(OUTSIDER) as bus:
        checks.same("and serves", None, bus.call(ROOT, MANAGER, "Status", destination="org.um1").error)


def run(umd, people, checks):
    driver(umd, checks)
    signals(umd, people, checks)
    no_secret(umd, people, checks)
    gone_callers(umd, people, checks)
    comes_back(umd, checks)
    checks.check("umd lives after: the system bus", umd.alive())
