# SPDX-License-Identifier: LGPL-2.1-or-later
"""What roles and departments set and demand, where it counts: in logins, in the groups that sshd looks at, and
for new passwords; through umd and the real um-vault."""

import time

from daemon import USER, Daemon, Refused
from factors import ALLOW, DENIED, KEY, PASSWORD, SHOW, Dialogue, code, log_in, same, served

checks = []


def check(function):
    checks.append(function)
    return function


def policy(umd, level, subject, name, value):
    umd.call("/org/um1", "org.um1.Policy", f"SetFor{level}", "sssa{sv}", subject, name, value, {})


def role(umd, verb, name, **fields):
    umd.call("/org/um1", "org.um1.Role", verb, "sa{sv}a{sv}", name, {key: ("as", texts) for key, texts in fields.items()}, {})


def grant(umd, name, user, verb="Grant", **options):
    umd.call("/org/um1", "org.um1.Role", verb, "ssa{sv}a{sv}", user, name, options, {})


def user(umd, name, **fields):
    umd.create(name, email=f"{name}@example.org", **fields)
    umd.call(f"/org/um1/user/{name}", USER, "SetPassword", "aya{sv}a{sv}", PASSWORD, {}, {})


def authorize(umd, name, login="", key=""):
    context = {"user": ("s", name), "service": ("s", "sshd"), "auth-info": ("s", key)}
    return umd.call("/org/um1", "org.um1.Login", "Authorize", "a{sv}s", context, login)


def mfa_gid(umd):
    shown = umd.shown("um-mfa", "group")
    return shown.split(":")[1] if shown else None


def needs_one(umd, name):
    """Is he in um-mfa, as sshd sees it in the map?"""
    gid = mfa_gid(umd)
    return gid is not None and gid in umd.shown(name).replace(",", " ").replace(":", " ").split()


def is_refused(umd, name, password):
    try:
        umd.call(f"/org/um1/user/{name}", USER, "SetPassword", "aya{sv}a{sv}", password, {}, {})
    except Refused as refused:
        assert refused.name.endswith("PolicyRefused"), refused
        return True
    return False


@check
def a_role_that_requires_a_second_factor_leads_the_login_to_it():
    with Daemon() as umd:
        served(umd)
        for name in "alice", "bob", "eve":
            user(umd, name)
        role(umd, "Add", "guard", permit=["host.view"])
        for name in "alice", "bob":
            grant(umd, "guard", name)
        same(log_in(umd, "alice", PASSWORD), ALLOW)
        role(umd, "Set", "guard", require=["second-factor"])
        same([needs_one(umd, name) for name in ("alice", "bob", "eve")], [True, True, False])

        # in time: let in, and told until when
        verdict, _, text, _ = authorize(umd, "alice")
        same(verdict, ALLOW)
        assert "second factor" in text, text
        same(authorize(umd, "eve")[2], "")

        # what is nearer does not lift it; then the time is over
        policy(umd, "User", "alice", "factor.required", "off")
        policy(umd, "Role", "guard", "factor.enrol-within", "0")
        same(authorize(umd, "alice")[:2], [DENIED, "factor-not-enrolled"])
        same(log_in(umd, "eve", PASSWORD), ALLOW)
        with umd.peer() as peer:
            dialogue = Dialogue(umd, peer, "alice")
            dialogue.answer(PASSWORD)
            dialogue.answer(b"")
            same(dialogue.step[0], SHOW)
            key = dialogue.step[1].split("secret=")[1].split("&")[0]
            dialogue.answer(b"")
            dialogue.answer(code(key, int(time.time()) // 30))
            same(dialogue.step[0], SHOW)
            dialogue.answer(b"")
            same(dialogue.step[2]["verdict"], ALLOW)
            same(authorize(umd, "alice", dialogue.login)[0], ALLOW)

        # a key alone does not do, for one who has a factor and for one who has none
        same([authorize(umd, name, key=KEY)[1] for name in ("alice", "bob", "eve")],
             ["factor-required", "factor-not-enrolled", "none"])

        # and it goes with the role
        grant(umd, "guard", "bob", "Revoke")
        same([needs_one(umd, name) for name in ("alice", "bob")], [True, False])
        same(authorize(umd, "bob")[0], ALLOW)
        same(log_in(umd, "bob", PASSWORD), ALLOW)


@check
def a_password_is_asked_what_the_nearest_level_asks():
    with Daemon() as umd:
        served(umd)
        user(umd, "alice", department="sales")
        role(umd, "Add", "ops", permit=["host.view"])
        short, long = b"Wonder-land-9", b"Wonder-land-9 is far away"
        same(is_refused(umd, "alice", short), False)
        policy(umd, "Department", "sales", "password.min-length", "20")
        same([is_refused(umd, "alice", short), is_refused(umd, "alice", long)], [True, False])
        policy(umd, "Role", "ops", "password.min-length", "8")
        same(is_refused(umd, "alice", b"other-Wonder-9"), True)
        grant(umd, "ops", "alice")
        same(is_refused(umd, "alice", b"other-Wonder-9"), False)


@check
def changes_need_their_reason_and_logins_do_not():
    with Daemon() as umd:
        served(umd)
        user(umd, "alice")
        umd.call("/org/um1", "org.um1.Policy", "Set", "ssa{sv}", "change.ticket-pattern", "CHG-[0-9]+", {})
        try:
            umd.call("/org/um1/user/alice", USER, "MustChange", "a{sv}", {})
            assert False, "taken without a ticket"
        except Refused as refused:
            same(refused.name, "ReasonRequired")
        umd.call("/org/um1/user/alice", USER, "MustChange", "a{sv}", {"reason": ("s", "CHG-12")})
        with umd.peer() as peer:
            context = {"operation": ("s", "change-password"), "user": ("s", "alice"), "service": ("s", "passwd"),
                       "flags": ("u", 4)}
            login, step = umd.call("/org/um1", "org.um1.Login", "Begin", "a{sv}", context, peer=peer)
            for answer in PASSWORD, b"Wonder-land-9 anew", b"Wonder-land-9 anew":
                step = umd.call("/org/um1", "org.um1.Login", "Answer", "say", login, answer, peer=peer)[0]
            same(step[2].get("verdict"), ALLOW)
        same(log_in(umd, "alice", b"Wonder-land-9 anew"), ALLOW)
