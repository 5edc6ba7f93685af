# SPDX-License-Identifier: LGPL-2.1-or-later
"""Passwords through umd and the real um-vault: one that is changed while umd is killed (SECURITY section 4, 112), the former
ones that are refused then, and logins that are counted once a password has expired."""

import base64
import hashlib
import os
import random
import signal
import time

import lockout
from daemon import USER, Daemon, Refused, until

FULL = os.environ.get("UM_TEST_FULL") == "1"
KILLS = 500 if FULL else 25
KEPT = 3  # password.history
ALLOW, BAD_PROOF, DENIED, RENEW = 1, 2, 3, 5  # WireVerdict
EXPIRED = 2  # a flag of the context: change what is expired
GRACE = 40

checks = []


def check(function):
    checks.append(function)
    return function


def same(got, wanted):
    assert got == wanted, f"{got!r}, not {wanted!r}"


def word(number):
    """A password that is like no other."""
    return base64.b64encode(hashlib.sha256(str(number).encode()).digest())[:18]


def policy(umd, **values):
    for name, value in values.items():
        name = name.replace("__", "-").replace("_", ".")
        umd.call("/org/um1", "org.um1.Policy", "Set", "ssa{sv}", name, value, {})


def serve(umd):
    umd.start()
    until(lambda: umd.status()["vault_ok"])


def prepare(umd):
    serve(umd)
    umd.create("alice")
    policy(umd, lockout_attempts="never", lockout_source__attempts="never", password_history=str(KEPT))
    password_set(umd, word(0))


def password_set(umd, password):
    umd.call("/org/um1/user/alice", USER, "SetPassword", "aya{sv}a{sv}", password, {}, {})


def is_refused(umd, password):
    try:
        password_set(umd, password)
    except Refused as error:
        same(error.name, "PolicyRefused")
        return True
    return False


def lets_in(umd, password):
    verdict = lockout.login(umd, "alice", password)
    assert verdict in (ALLOW, BAD_PROOF), verdict
    return verdict == ALLOW


def change_by_her(umd, peer, current, fresh):
    """As passwd does for her; the last answer is on its way when this returns."""
    context = {"operation": ("s", "change-password"), "user": ("s", "alice"), "service": ("s", "passwd"), "flags": ("u", 4)}
    login, _ = umd.call("/org/um1", "org.um1.Login", "Begin", "a{sv}", context, peer=peer)
    for answer in current, fresh:
        umd.call("/org/um1", "org.um1.Login", "Answer", "say", login, answer, peer=peer)
    return peer.send_call("/org/um1", "org.um1.Login", "Answer", "say", login, fresh)


@check
def of_two_passwords_one_is_valid_after_kill_9():
    """And whatever has been one is refused: the list is never shorter than the policy says."""
    with Daemon() as umd:
        prepare(umd)
        had, changed = [word(0)], 0
        for cycle in range(1, KILLS + 1):
            dice = random.Random(cycle)
            with umd.peer() as peer:
                if cycle % 2:
                    peer.send_call("/org/um1/user/alice", USER, "SetPassword", "aya{sv}a{sv}", word(cycle), {}, {})
                else:
                    change_by_her(umd, peer, had[-1], word(cycle))
                time.sleep(dice.uniform(0, 0.12))
                umd.send(signal.SIGKILL)
                umd.process.wait()
            serve(umd)
            old, new = lets_in(umd, had[-1]), lets_in(umd, word(cycle))
            assert old != new, f"cycle {cycle}: old {old}, new {new}"
            if new:
                had.append(word(cycle))
                changed += 1
            for former in had[-1 - KEPT:]:  # the present one, too
                assert is_refused(umd, former), f"cycle {cycle}: {former!r} was set again, of {had}"
        print(f"     | {KILLS} kills: {changed} changes had happened")
        assert 0 < changed < KILLS, f"{changed} of {KILLS}: no kill hit the middle"


@check
def the_list_ends_where_the_policy_says():
    with Daemon() as umd:
        prepare(umd)
        for number in range(1, 5):
            password_set(umd, word(number))
        assert is_refused(umd, word(1))
        assert not is_refused(umd, word(0))  # four changes ago
        policy(umd, password_history="0")
        assert not is_refused(umd, word(4))
        policy(umd, password_history="24")
        assert not is_refused(umd, word(3))  # 0 has dropped what was kept
        assert is_refused(umd, word(4))


@check
def comparisons_hold_up_no_login():
    """Those of others go on while a change is held against what it may not be."""
    with Daemon() as umd:
        prepare(umd)
        policy(umd, password_history="24")
        umd.create("bob")
        umd.call("/org/um1/user/bob", USER, "SetPassword", "aya{sv}a{sv}", word(100), {}, {})
        for number in range(1, 5):
            password_set(umd, word(number))
        with umd.peer() as peer:
            serial = peer.send_call("/org/um1/user/alice", USER, "SetPassword", "aya{sv}a{sv}", word(50), {}, {})
            same(lockout.login(umd, "bob", word(100), ""), ALLOW)
            message = peer.reply(serial)
            assert not message.error, message.error
        same(lockout.login(umd, "alice", word(50), ""), ALLOW)


# ---- ages ----------------------------------------------------------------------------------------------

def account(umd, service="sshd", login=""):
    context = {"user": ("s", "alice"), "service": ("s", service), "rhost": ("s", "203.0.113.9")}
    return umd.call("/org/um1", "org.um1.Login", "Authorize", "a{sv}s", context, login)[:3]


def left(umd):
    return lockout.user(umd)["PasswordGraceLeft"]


def expire(umd):
    policy(umd, password_max__age="1s", password_grace__logins=str(GRACE))
    until(lambda: lockout.user(umd)["PasswordExpires"] <= time.time() * 1e6)


@check
def logins_after_the_expiry_are_counted_through_kill_9():
    with Daemon() as umd:
        prepare(umd)
        expire(umd)
        for count in range(1, 13):
            verdict, _, text = account(umd)
            same(verdict, ALLOW)
            assert "Your password expired on 20" in text and f"{GRACE - count} more logins" in text, text
            if count % 3 == 0:
                umd.send(signal.SIGKILL)
                umd.process.wait()
                serve(umd)
            same(left(umd), GRACE - count)
        policy(umd, password_grace__logins="12")
        same(account(umd)[:2], [DENIED, "password-grace-used"])
        same(account(umd, "cron")[0], ALLOW)
        password_set(umd, word(1))
        until(lambda: left(umd) == 12)


@check
def an_expired_one_is_changed_in_the_login():
    with Daemon() as umd:
        prepare(umd)
        expire(umd)
        with umd.peer() as peer:
            dialogue, step = lockout.begin(umd, peer, "alice", "203.0.113.9"), None
            step = umd.call("/org/um1", "org.um1.Login", "Answer", "say", dialogue, word(0), peer=peer)[0]
            same(step[2]["verdict"], ALLOW)
            same(account(umd, login=dialogue)[:2], [RENEW, "password-expired"])
            context = {"operation": ("s", "change-password"), "user": ("s", "alice"), "service": ("s", "sshd"),
                       "flags": ("u", EXPIRED)}
            login, _ = umd.call("/org/um1", "org.um1.Login", "Begin", "a{sv}", context, peer=peer)
            umd.call("/org/um1", "org.um1.Login", "Answer", "say", login, word(0), peer=peer)
            for answer, verdict in ((word(0), None), (b"", None), (word(1), None), (word(1), ALLOW)):
                step = umd.call("/org/um1", "org.um1.Login", "Answer", "say", login, answer, peer=peer)[0]
                same(step[2].get("verdict"), verdict)
        same(left(umd), GRACE)
