# SPDX-License-Identifier: LGPL-2.1-or-later
"""Security keys through umd, the real um-fido and a key of software: enrolled in a session of the console, asked
for at the console and by sudo, never from elsewhere, and nobody waits for a touch but who was asked for it."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import traceback

from daemon import FIRST, USER, Daemon, Refused, until
from factors import (ALLOW, ASK_HIDDEN, ASK_SHOWN, BAD_PROOF, DENIED, DONE, PASSWORD, WAIT, Dialogue, same, served,
                     set_policy)

SOFTKEY = pathlib.Path(__file__).resolve().parent.parent / "fido/softkey.py"

checks = []


def check(function):
    checks.append(function)
    return function


class Keys:
    """The keys of a umd: plugged in, pulled out, told how to behave."""

    def __init__(self, umd):
        self.dir, self.processes = umd.dir / "tokens", {}
        self.dir.mkdir()

    def plug(self, number=0, **how):
        self.behave(number, **how)
        process = subprocess.Popen(["/usr/bin/python3", "-B", SOFTKEY, self.dir, str(number)], stdout=subprocess.PIPE)
        self.processes[number] = process
        same(process.stdout.readline(), b"ready\n")
        return self

    def pull(self, number=0):
        process = self.processes.pop(number)
        process.kill()
        process.wait()
        process.stdout.close()
        (self.dir / f"key{number}").unlink()

    def behave(self, number=0, **how):
        new = self.dir / f"key{number}.new"
        new.write_text(json.dumps(how))
        new.rename(self.dir / f"key{number}.how")

    def log(self, number=0):
        try:
            return (self.dir / f"key{number}.log").read_text().splitlines()
        except FileNotFoundError:
            return []

    def close(self):
        for number in list(self.processes):
            self.pull(number)


@contextlib.contextmanager
def world():
    """A umd with alice, and her keys."""
    with Daemon() as umd:
        keys = Keys(umd)
        os.environ["UM_TEST_TOKENS"] = str(keys.dir)
        try:
            served(umd)
            umd.create("alice")
            umd.call("/org/um1/user/alice", USER, "SetPassword", "aya{sv}a{sv}", PASSWORD, {}, {})
            yield umd, keys
        finally:
            del os.environ["UM_TEST_TOKENS"]
            keys.close()


def in_a_child(function):
    """function() in a process that this one started; what it returned."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read)
            result = json.dumps(function())
        except BaseException:  # pylint: disable=broad-except
            traceback.print_exc()
            os._exit(1)
        os.write(write, result.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    same(os.waitpid(pid, 0)[1], 0)
    return json.loads(text)


@contextlib.contextmanager
def session(umd, *answers, **where):
    """One of alice's that this process holds; what it starts is in it."""
    with umd.peer() as peer:
        login = At(umd, peer, **where)
        same(login.verdict(PASSWORD, *answers), ALLOW)
        context = {key: ("s", value) for key, value in {"user": "alice", "service": "login", **where}.items()}
        message = peer.call("/org/um1", "org.um1.Login", "OpenSession", "a{sv}s", context, login.login)
        same((message.error, message.args[0]), (None, ALLOW))
        try:
            yield
        finally:
            for fd in message.fds:
                os.close(fd)
    until(lambda: umd.status()["sessions"] == 0)


class At(Dialogue):
    """A dialogue that may come from anywhere."""

    def __init__(self, umd, peer, **context):  # pylint: disable=super-init-not-called
        self.umd, self.peer, self.waits = umd, peer, 0
        context = {"operation": "authenticate", "user": "alice", "service": "login", **context}
        context = {key: ("s", value) for key, value in context.items()}
        self.login, self.step = umd.call("/org/um1", "org.um1.Login", "Begin", "a{sv}", context, peer=peer)

    def go(self, *answers):
        """Answers what is asked, waits where it is told to; the step behind the last answer."""
        left = list(answers)
        while self.step[0] == WAIT or (left and self.step[0] != DONE):
            self.waits += self.step[0] == WAIT
            self.answer(left.pop(0) if self.step[0] in (ASK_HIDDEN, ASK_SHOWN) else b"")
        same(left, [])
        return self.step

    def verdict(self, *answers):
        step = self.go(*answers)
        same(step[0], DONE)
        return step[2]["verdict"]


def console(umd, *answers, **context):
    with umd.peer() as peer:
        return At(umd, peer, **context).verdict(PASSWORD, *answers)


def enrol(umd, *answers, label="yubi1"):
    """As umctl does, in a session of the console: the verdict, then number and recovery codes, or why not."""

    def alice():
        with umd.peer(FIRST) as own:
            dialogue = At(umd, own, operation="enrol-key", service="umctl")
            step = dialogue.go(PASSWORD, *answers)
            if step[2]["verdict"] != ALLOW:
                return [step[2]["verdict"], step[1]]
            number, key, uri, _ = umd.call("/org/um1/user/alice", USER, "EnrolFactor", "sa{sv}a{sv}", dialogue.login,
                                           {"method": ("s", "fido2"), "label": ("s", label)}, {}, peer=own)
            same((key, uri), ("", ""))
            return [ALLOW, number, umd.call("/org/um1/user/alice", USER, "ConfirmFactor", "uaya{sv}", number, b"", {},
                                            peer=own)[0]]

    with session(umd):
        return in_a_child(alice)


def factors(umd):
    return [(f[1], f[3], f[2]) for f in umd.call("/org/um1/user/alice", USER, "ListFactors")[0]]


def reason(umd):
    return umd.call("/org/um1", "org.um1.Audit", "List", "a{sv}tu", {"verb": ("s", "authenticate")}, 0,
                    1)[0][0]["reason"]


@check
def a_key_is_enrolled_at_the_machine_and_lets_in_by_a_touch():
    with world() as (umd, keys):
        keys.plug()
        verdict, _, codes = enrol(umd, b"")
        same((verdict, len(codes)), (ALLOW, 10))
        same(factors(umd), [("fido2", "yubi1", True), ("recovery", "", True)])
        same(console(umd), ALLOW)
        with umd.peer() as peer:
            same(At(umd, peer).verdict(b"wrong"), BAD_PROOF)
        same([line for line in keys.log() if line.startswith("assert um:")][1:], keys.log()[-1:])
        umd.stop()
        served(umd)
        same(console(umd), ALLOW)


@check
def a_key_that_verifies_its_user_is_hardware():
    with world() as (umd, keys):
        keys.plug(pin="1234")
        same(enrol(umd, b"", b"1234")[0], ALLOW)
        set_policy(umd, factor_required="hardware", factor_enrol__within="0")
        same(console(umd, b"1234"), ALLOW)
        with umd.peer() as peer:
            dialogue = At(umd, peer)
            step = dialogue.go(PASSWORD, b"0000")
            same((step[0], step[2]["secret"]), (ASK_HIDDEN, "pin"))
            same(dialogue.verdict(b"1234"), ALLOW)
        keys.behave(pin="1234", answer="no-uv")
        with umd.peer() as peer:
            step = At(umd, peer).go(PASSWORD, b"1234")
            same(step[2]["secret"], "code")
        assert "1234" not in umd.said()


@check
def what_is_not_right_lets_nobody_in():
    with world() as (umd, keys):
        keys.plug()
        enrol(umd, b"")
        set_policy(umd, lockout_attempts="never")
        for wrong in ("rp", "challenge", "no-up", "garbage"):
            keys.behave(answer=wrong)
            with umd.peer() as peer:
                dialogue = At(umd, peer)
                step = dialogue.go(PASSWORD)
                assert (step[0], step[2].get("secret")) == (ASK_SHOWN, "code"), (wrong, step)
                same(dialogue.verdict(b"000000"), BAD_PROOF)
        keys.behave()
        same(console(umd), ALLOW)
        keys.behave(counter=1)
        same(console(umd), BAD_PROOF)
        same(reason(umd), "key-counter")


@check
def from_elsewhere_no_key_is_asked():
    with world() as (umd, keys):
        keys.plug()
        _, _, codes = enrol(umd, b"")
        before = keys.log()
        same(console(umd, codes[0].encode(), service="sshd", rhost="192.0.2.7"), ALLOW)
        same(console(umd, codes[1].encode(), rhost="192.0.2.7"), ALLOW)
        same(keys.log(), before)

        def alice():
            with umd.peer(FIRST) as own:
                try:
                    At(umd, own, operation="enrol-key", service="umctl")
                    return "begun"
                except Refused as error:
                    return error.name

        same(in_a_child(alice), "PolicyRefused")  # nobody knows where she is


@check
def sudo_asks_in_a_session_of_the_console_alone():
    with world() as (umd, keys):
        keys.plug()
        _, _, codes = enrol(umd, b"")
        set_policy(umd, factor_required="hardware")  # more than a session proved here: so sudo asks

        def sudo():
            with umd.peer() as peer:
                step = At(umd, peer, service="sudo", ruser="alice").go(PASSWORD)
                return step[2].get("secret") or step[2]["verdict"]

        def inside(*answers, **where):
            with session(umd, *answers, **where):
                return in_a_child(sudo)

        same(in_a_child(inside), ALLOW)
        same(in_a_child(lambda: inside(codes[0].encode(), service="sshd", rhost="192.0.2.7")), "code")
        same(in_a_child(sudo), "code")  # nobody knows where she is


@check
def without_a_key_or_a_touch_the_next_method_comes():
    with world() as (umd, keys):
        keys.plug()
        _, _, codes = enrol(umd, b"")
        keys.pull()
        same(console(umd, codes[0].encode()), ALLOW)
        keys.plug(touch=-1, patience=5)
        with umd.peer() as peer:
            dialogue = At(umd, peer)
            step = dialogue.go(PASSWORD)
            assert "not touched" in step[1], step
            assert dialogue.waits >= 2, dialogue.waits  # told again, before PAM's patience is over
            same(dialogue.verdict(codes[1].encode()), ALLOW)


@check
def a_touch_that_does_not_come_holds_up_nobody_else():
    with world() as (umd, keys):
        keys.plug()
        _, _, codes = enrol(umd, b"")
        keys.behave(touch=-1)
        with umd.peer() as peer:
            waiting = At(umd, peer)
            while waiting.step[0] != WAIT or not waiting.step[1]:
                waiting.answer(PASSWORD if waiting.step[0] == ASK_HIDDEN else b"")
            waiting.send(b"")
            began = time.monotonic()
            same(console(umd, codes[0].encode(), rhost="192.0.2.7"), ALLOW)
            same(console(umd, codes[1].encode()), ALLOW)  # she is asked for it already
            assert time.monotonic() - began < 5, time.monotonic() - began
        until(lambda: keys.log()[-1] == "cancelled")  # who went lets it go
        keys.behave()
        until(lambda: console_or_code(umd) == ALLOW)


def console_or_code(umd):
    with umd.peer() as peer:
        step = At(umd, peer).go(PASSWORD)
        return step[2].get("verdict")


@check
def um_fido_may_die_at_any_time():
    with world() as (umd, keys):
        keys.plug()
        _, _, codes = enrol(umd, b"")
        keys.behave(touch=-1)
        with umd.peer() as peer:
            dialogue = At(umd, peer)
            while dialogue.step[0] != WAIT or not dialogue.step[1]:
                dialogue.answer(PASSWORD if dialogue.step[0] == ASK_HIDDEN else b"")
            pid = umd.child_pid("um-fido-soft")
            os.kill(pid, signal.SIGKILL)
            same(dialogue.verdict(codes[0].encode()), ALLOW)
        until(lambda: umd.child_pid("um-fido-soft") not in (None, pid) and umd.status()["fido_ok"])
        assert "um-fido is away" in umd.said() and "um-fido is back" in umd.said(), umd.said()
        keys.behave()
        until(lambda: console_or_code(umd) == ALLOW)


@check
def several_keys_and_one_taken_away():
    with world() as (umd, keys):
        keys.plug(0)
        _, first, _ = enrol(umd, b"")
        verdict, text = enrol(umd, b"")  # the same one: touched for the proof, and again
        same((verdict, text), (DENIED, "this security key is enrolled already"))
        keys.plug(1)
        verdict, text = enrol(umd, b"")
        same(verdict, DENIED)
        assert "several" in text, text
        keys.pull(0)
        umd.call("/org/um1/user/alice", USER, "RemoveFactor", "usa{sv}", first, "", {})
        same(enrol(umd, b"", label="yubi2")[0], ALLOW)
        same([f for f in factors(umd) if f[0] == "fido2"], [("fido2", "yubi2", True)])
        same(console(umd), ALLOW)


if __name__ == "__main__":
    sys.exit("run by tests/umd/run")
