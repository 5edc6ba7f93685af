# SPDX-License-Identifier: LGPL-2.1-or-later
"""The second factor as a PAM application sees it, with the real umd and um-vault."""
import os
import sys
import time

from harness import (AUTH_ERR, BUS, CONV_ERR, PERM_DENIED, SUCCESS, app, check, expect, expect_true,
                     plain_only, stack)
from checks_real import WORD, Umd

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "umd"))
import factors  # noqa: E402  pylint: disable=wrong-import-position
from daemon import Daemon  # noqa: E402  pylint: disable=wrong-import-position

PASSWORD = factors.PASSWORD.decode()
KEY = "putenv=SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAJy9Bqisl0a82lzXptklP/7vkZ6Vtz2EKq5zZAsKn0E"


class Reached(Daemon):
    """The umd of this world, over its socket."""

    def __init__(self):  # pylint: disable=super-init-not-called
        self.bus = BUS



def enrolled(umd):
    """alice with a HOTP: codes by counter, from 1 on."""
    reached = Reached()
    factors.without_lockout(reached)
    reached.create("alice")
    key, _, codes = factors.user_with(reached, "alice", "hotp", umd.uid("alice"), create=False)
    return reached, lambda counter: factors.code(key, counter).decode(), codes


def ready():
    """umd has its vault."""
    while not Reached().status()["vault_ok"]:
        time.sleep(0.02)


def expect_told(lines, prompts):
    """The first login behind an enrolment: its prompts, and then the news of it, once."""
    expect("prompts", lines[:len(prompts)], prompts)
    expect("told", [line.partition("Z: ")[2] or line for line in lines[len(prompts):]],
           ["a second factor was added by you.", "4 Was it not you? Tell your administrator."])


@check
@plain_only
def second_factor():
    """password, then a code with echo on, right or wrong; both count once"""
    stack()
    with Umd() as umd:
        ready()
        _, code, recovery = enrolled(umd)
        shown = ["1 Password: ", "2 One-time code: "]
        run = app("answer=" + PASSWORD, "answer=" + code(1), "auth", "acct", "setcred", "open", "close")
        expect("codes", [c for _, c in run.codes()], [SUCCESS] * 5)
        expect_told(run.conv(), shown)
        for words in ((PASSWORD, code(1)), ("wrong", code(2)), (PASSWORD, "000000"), (PASSWORD, ""),
                      (PASSWORD, "+" + code(2)), (PASSWORD, code(2) + " ")):
            run = app(*["answer=" + w for w in words], "auth")
            expect(f"{words}", run.codes(), [("auth", AUTH_ERR)])
            expect("shown", run.conv(), shown)
            expect_true("delayed", "delay" in run.lines)
        run = app("answer=" + PASSWORD, "answer=@err", "auth")  # sshd's plain password method
        expect("nobody answers", run.codes(), [("auth", CONV_ERR)])
        run = app("answer=" + PASSWORD, "answer=" + recovery[0].lower(), "auth", "acct")
        expect("a recovery code", [c for _, c in run.codes()], [SUCCESS] * 2)
        run = app("answer=" + PASSWORD, "answer=" + recovery[0], "auth")
        expect("again", run.codes(), [("auth", AUTH_ERR)])
        run = app("answer=" + PASSWORD, f"answer={code(2)[:3]} {code(2)[3:]}", "auth")
        expect("in two halves", run.codes(), [("auth", SUCCESS)])


@check
@plain_only
def second_factor_after_a_key():
    """a key that sshd verified counts as the first factor, and a key alone is not enough"""
    stack(service="sshd")
    with Umd() as umd:
        ready()
        reached, code, _ = enrolled(umd)
        factors.set_policy(reached, factor_required="on")
        run = app("answer=" + code(1), KEY, "auth", "acct", "open", "close", service="sshd")
        expect("key and code", [c for _, c in run.codes()], [SUCCESS] * 4)
        expect_told(run.conv(), ["2 One-time code (empty if you have none): "])
        run = app("answer=" + code(1), KEY, "auth", service="sshd")
        expect("the code again", run.codes(), [("auth", AUTH_ERR)])
        run = app("acct", service="sshd")
        expect("a key alone", run.codes(), [("acct", PERM_DENIED)])
        expect_true(f"told how: {run.conv()}", any("keyboard-interactive" in line for line in run.conv()))
        run = app("answer=" + PASSWORD, "answer=" + code(2), KEY, "auth")
        expect_true("of no other service", "1 Password: " in run.conv())


@check
@plain_only
def second_factor_for_everybody():
    """where all need one, who has none and who is nobody meet the same prompts; breaking an enrolment
    off leaves nothing"""
    stack()
    with Umd() as umd:
        ready()
        umd.user("bob")
        reached, _, _ = enrolled(umd)
        factors.set_policy(reached, factor_required="on", factor_enrol__within="0")
        shown = ["1 Password: ", "2 One-time code (empty if you have none): "]
        for user in ("alice", "bob", "nobody1"):
            run = app("answer=wrong", "answer=000000", "auth", user=user)
            expect(user, run.codes(), [("auth", AUTH_ERR)])
            expect(user + " is shown", run.conv(), shown)
        run = app("answer=" + WORD, "answer=", "answer=@err", "auth", "acct", user="bob")
        expect("broken off", [c for _, c in run.codes()][0], CONV_ERR)
        expect_true(f"led into it: {run.conv()}", any("otpauth://totp/" in line for line in run.conv()))
        expect("nothing is left", reached.call("/org/um1/user/bob", "org.um1.User", "ListFactors")[0], [])
        run = app("acct", user="bob")
        expect("and no access", run.codes(), [("acct", PERM_DENIED)])
