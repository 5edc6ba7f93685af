# SPDX-License-Identifier: LGPL-2.1-or-later
"""Codes by e-mail, forgotten passwords, and notices at the next login, through umd, the real um-vault and the real um-notify, with a sendmail program of the test's that keeps
each mail in a file: one that is sent lets in once, also after a restart; no more than five an hour; what umd says of a
mail system that fails or is away."""

import os
import re
import signal

from daemon import USER, Daemon, until
from factors import ALLOW, ASK_HIDDEN, ASK_SHOWN, BAD_PROOF, DONE, PASSWORD, WAIT, Dialogue, log_in, same, set_policy, without_lockout

ADDRESS = "alice@acme.example"

checks = []


def check(function):
    checks.append(function)
    return function


class Mailbox:
    """A sendmail program, and what was given to it."""

    def __init__(self, umd):
        self.program, self.box = umd.dir / "sendmail", umd.dir / "box"
        self.box.mkdir(mode=0o777)
        self.box.chmod(0o777)
        self.answers("exit 0")
        umd.config.write_text(umd.config.read_text() + f"sendmail = {self.program}\n")

    def answers(self, text):
        new = self.program.with_suffix(".new")
        new.write_text(f'#!/bin/sh\nfile=$(mktemp -p {self.box} tmp.XXXXXX)\ncat >"$file"\nmv "$file" "{self.box}/mail.${{file##*.}}"\n{text}\n')
        new.chmod(0o755)
        new.rename(self.program)

    def mails(self):
        return [path.read_text() for path in sorted(self.box.glob("mail.*"), key=lambda path: path.stat().st_mtime_ns)]

    def code(self, count):
        """That of the mail number `count`, when it is there."""
        until(lambda: len(self.mails()) >= count, 20)
        same(len(self.mails()), count)
        return re.search(r"^    (\d{6}|\d{8})$", self.mails()[-1], re.M)[1].encode()


def served(umd):
    umd.start()
    until(lambda: umd.status()["vault_ok"] and umd.status()["quality_ok"] and umd.status()["mail_ok"], 20)


def set_up(umd):
    box = Mailbox(umd)
    served(umd)
    umd.create("alice", full_name="Älice <x> Liddell", email=ADDRESS)
    umd.call("/org/um1/user/alice", USER, "SetPassword", "aya{sv}a{sv}", PASSWORD, {}, {})
    set_policy(umd, factor_methods="+email-code", factor_required="on", factor_enrol__within="0")
    without_lockout(umd)
    until(lambda: umd.status()["mail_ok"])
    return box


def asks(umd, peer, *words, user="alice", **more):
    """A dialogue that has asked for a mail."""
    dialogue = Dialogue(umd, peer, user, **more)
    for word in (PASSWORD, b"mail", *words):
        dialogue.answer(word)
        while dialogue.step[0] == WAIT:  # behind what was asked for before
            dialogue.answer(b"")
    same(dialogue.step[0], ASK_SHOWN)
    return dialogue


def ends(dialogue, code):
    dialogue.answer(code)
    while dialogue.step[0] == WAIT:
        dialogue.answer(b"")
    same(dialogue.step[0], DONE)
    return dialogue.step[2]["verdict"]


def wrong(code):
    return b"000001" if code == b"000000" else b"000000"


@check
def a_code_by_mail_lets_in_once():
    with Daemon() as umd:
        box = set_up(umd)
        with umd.peer() as peer:
            dialogue = asks(umd, peer)
            code = box.code(1)
            mail = box.mails()[0]
            assert mail.startswith("To: =?UTF-8?B?w4RsaWNlIDx4PiBMaWRkZWxs?=\n <alice@acme.example>\nSubject: "), mail
            same(mail.count("alice@acme.example"), 1)
            same(ends(dialogue, code), ALLOW)
        same(log_in(umd, "alice", PASSWORD, code), BAD_PROOF)
        assert code.decode() not in umd.said(), umd.said()


@check
def a_code_outlives_kill_9_and_wrong_tries_do_too():
    with Daemon() as umd:
        box = set_up(umd)
        with umd.peer() as peer:
            asks(umd, peer)
            code = box.code(1)
        umd.process.send_signal(signal.SIGKILL)
        umd.process.wait()
        served(umd)
        same(log_in(umd, "alice", PASSWORD, wrong(code)), BAD_PROOF)
        same(log_in(umd, "alice", PASSWORD, code), ALLOW)
        with umd.peer() as peer:
            asks(umd, peer)
            code = box.code(2)
        for _ in range(3):
            same(log_in(umd, "alice", PASSWORD, wrong(code)), BAD_PROOF)
        umd.process.send_signal(signal.SIGKILL)
        umd.process.wait()
        served(umd)
        same(log_in(umd, "alice", PASSWORD, code), BAD_PROOF)


@check
def five_an_hour_also_over_restarts():
    with Daemon() as umd:
        box = set_up(umd)
        for count in range(1, 6):
            with umd.peer() as peer:
                asks(umd, peer, service="login")  # always her place
                last = box.code(count)
            if count == 3:
                umd.process.send_signal(signal.SIGKILL)
                umd.process.wait()
                served(umd)
        def refusals():
            return sum(entry["verb"] == "mail-code" and entry["reason"] == "too-many" for entry in umd.call(
                "/org/um1", "org.um1.Audit", "List", "a{sv}tu", {}, 0, 10)[0])

        with umd.peer() as peer:
            asks(umd, peer, b"mail", b"mail", service="login")
            until(lambda: refusals() == 1)
        same(box.code(5), last)
        same(log_in(umd, "alice", PASSWORD, last, service="login"), ALLOW)
        same(refusals(), 1)  # for three that were asked for


@check
def a_wrong_password_sends_nothing_and_looks_the_same():
    with Daemon() as umd:
        box = set_up(umd)
        steps = []
        for user, password in (("alice", b"wrong"), ("nobody-at-all", PASSWORD), ("alice", PASSWORD)):
            with umd.peer() as peer:
                dialogue, seen = Dialogue(umd, peer, user), []
                for word in (password, b"mail"):
                    seen.append(dialogue.answer(word))
                same(ends(dialogue, b"424242"), BAD_PROOF)
                steps.append(seen)
        same(steps[0], steps[2])
        same(steps[1], steps[2])
        box.code(1)  # the last one's


@check
def what_the_mail_system_does_wrong_is_told():
    with Daemon() as umd:
        box = set_up(umd)
        box.answers("exit 75")
        with umd.peer() as peer:
            dialogue = asks(umd, peer)
            until(lambda: "could not be sent to alice by e-mail: the sendmail program ended with status 75" in umd.said())
            code = box.code(1)
            same(ends(dialogue, code), ALLOW)  # whoever got it has it
        assert code.decode() not in umd.said()
        box.program.unlink()
        with umd.peer() as peer:
            asks(umd, peer)
            until(lambda: "there is no sendmail program" in umd.said())
        same(umd.status()["mail_ok"], False)
        same(umd.status()["mail"], "there is no sendmail program: no codes can be sent")
        with umd.peer() as peer:
            dialogue = Dialogue(umd, peer, "alice")
            assert "mail" not in dialogue.answer(PASSWORD)[1], dialogue.step
            same(ends(dialogue, b"mail"), BAD_PROOF)  # no word any more, and no way in
        same(log_in(umd, "alice", PASSWORD, b""), BAD_PROOF)


@check
def an_um_notify_that_dies_hangs_or_is_away_holds_up_nobody():
    with Daemon() as umd:
        set_up(umd)
        first = umd.child_pid("um-notify")
        os.kill(first, signal.SIGSTOP)
        with umd.peer() as peer:
            dialogue = asks(umd, peer)  # at once
            same(ends(dialogue, b"424242"), BAD_PROOF)
        os.kill(first, signal.SIGKILL)
        until(lambda: umd.child_pid("um-notify") not in (None, first) and umd.status()["mail_ok"], 20)
        assert "um-notify is away" in umd.said() and "um-notify is back" in umd.said(), umd.said()
        umd.stop()
        umd.start("--notify", "/nowhere/um-notify")
        until(lambda: umd.status()["vault_ok"])
        same(umd.status()["mail_ok"], False)
        set_policy(umd, factor_required="off")
        same(log_in(umd, "alice", PASSWORD), ALLOW)


# ---- a forgotten password

RENEW = 5  # WireVerdict
NEW_PASSWORD = b"Looking-glass 7 is near"


def forgets(umd, peer, user="alice"):
    """A dialogue that has asked for a code in the password's place, and its steps."""
    dialogue = Dialogue(umd, peer, user)
    same((dialogue.step[0], dialogue.step[2].get("empty")), (ASK_HIDDEN, True))
    seen = [dialogue.step, dialogue.answer(b""), dialogue.answer(b"reset")]
    while dialogue.step[0] == WAIT:  # it comes at its time, whoever it is
        seen[-1] = dialogue.answer(b"")
    same([step[0] for step in seen], [ASK_HIDDEN, ASK_HIDDEN, ASK_SHOWN])
    return dialogue, seen


def authorized(umd, peer, login):
    context = {"user": ("s", "alice"), "service": ("s", "sshd")}
    return umd.call("/org/um1", "org.um1.Login", "Authorize", "a{sv}s", context, login, peer=peer)[0]


def chooses(umd, peer, password):
    """The new password, in the login's own process; the verdict, None where another is asked for."""
    context = {"operation": ("s", "change-password"), "user": ("s", "alice"), "service": ("s", "sshd"), "flags": ("u", 2)}
    login, step = umd.call("/org/um1", "org.um1.Login", "Begin", "a{sv}", context, peer=peer)
    for _ in range(2):
        if step[0] == DONE or step[2]["secret"] == "password":
            return None
        step = umd.call("/org/um1", "org.um1.Login", "Answer", "say", login, password, peer=peer)[0]
    return step[2].get("verdict")


def reset_up(umd):
    box = set_up(umd)
    set_policy(umd, factor_required="off", password_reset__by__email="on")
    return box


@check
def a_forgotten_password_is_reset_by_mail():
    with Daemon() as umd:
        box = reset_up(umd)
        with umd.peer() as peer:
            dialogue, _ = forgets(umd, peer)
            code = box.code(1)
            same(len(code), 8)
            assert "Subject: Code to set a new password on " in box.mails()[0], box.mails()[0]
            same(ends(dialogue, code), ALLOW)
            same(authorized(umd, peer, dialogue.login), RENEW)
            same(chooses(umd, peer, NEW_PASSWORD), ALLOW)
            same(authorized(umd, peer, dialogue.login), ALLOW)
        same(log_in(umd, "alice", PASSWORD), BAD_PROOF)
        same(log_in(umd, "alice", NEW_PASSWORD), ALLOW)
        same(log_in(umd, "alice", b"", code), BAD_PROOF)
        assert code.decode() not in umd.said() and "alice is told at the next login: a code by e-mail was used" in umd.said(), umd.said()


@check
def a_reset_that_was_killed_is_none_and_its_code_is_used_up():
    with Daemon() as umd:
        box = reset_up(umd)
        with umd.peer() as peer:
            dialogue, _ = forgets(umd, peer)
            code = box.code(1)
            same(ends(dialogue, code), ALLOW)
        umd.process.send_signal(signal.SIGKILL)
        umd.process.wait()
        served(umd)
        with umd.peer() as peer:
            same(chooses(umd, peer, NEW_PASSWORD), None)
        same(log_in(umd, "alice", b"", code), BAD_PROOF)
        same(log_in(umd, "alice", PASSWORD), ALLOW)


@check
def forgetting_tells_nobody_who_exists():
    with Daemon() as umd:
        box = reset_up(umd)
        umd.create("bob")
        steps = []
        for user in ("bob", "nobody-at-all", "alice"):
            with umd.peer() as peer:
                dialogue, seen = forgets(umd, peer, user)
                same(ends(dialogue, b"42424242"), BAD_PROOF)
                steps.append(seen)
        same(steps[0], steps[2])
        same(steps[1], steps[2])
        box.code(1)  # the last one's


def shown(umd, service="sshd", rhost="192.0.2.7"):
    """What a login of alice by password shows at its end."""
    with umd.peer() as peer:
        context = {"operation": ("s", "authenticate"), "user": ("s", "alice"), "service": ("s", service), "rhost": ("s", rhost)}
        login, _ = umd.call("/org/um1", "org.um1.Login", "Begin", "a{sv}", context, peer=peer)
        step = umd.call("/org/um1", "org.um1.Login", "Answer", "say", login, PASSWORD, peer=peer)[0]
        same(step[2]["verdict"], ALLOW)
        verdict, _, text, _ = umd.call("/org/um1", "org.um1.Login", "Authorize", "a{sv}s", context, login, peer=peer)
        same(verdict, ALLOW)
        return text


@check
def a_reset_is_told_once_also_after_kill_9():
    with Daemon() as umd:
        umd.start()
        until(lambda: umd.status()["vault_ok"] and umd.status()["quality_ok"])
        umd.create("alice")
        set_policy(umd, password_history="0")
        for known in (False, True):
            umd.call("/org/um1/user/alice", USER, "SetPassword", "aya{sv}a{sv}", PASSWORD, {}, {})
            if not known:
                same(shown(umd), "")
        umd.process.send_signal(signal.SIGKILL)
        umd.process.wait()
        assert "alice is told at the next login: your password was changed by root" in umd.said(), umd.said()
        umd.start()
        until(lambda: umd.status()["vault_ok"])
        same(shown(umd, service="sudo"), "")
        text = shown(umd)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ: your password was changed by root\.\n"
                            r"Was it not you\? Tell your administrator\.", text), text
        umd.process.send_signal(signal.SIGKILL)
        umd.process.wait()
        umd.start()
        until(lambda: umd.status()["vault_ok"])
        same(shown(umd), "")
        same(shown(umd, rhost="198.51.100.9"), "")
        assert "a login from a network that was not seen before, 198.51.100.9 (sshd)" in shown(umd)
