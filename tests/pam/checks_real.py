# SPDX-License-Identifier: LGPL-2.1-or-later
"""pam_um with the real umd and um-vault, run by hand: logins as they are, end to end."""
import ctypes
import json
import os
import signal
import socket
import subprocess
import threading
import time

from harness import (ACCT_EXPIRED, AUTH_ERR, AUTHINFO_UNAVAIL, AUTHTOK_ERR, BUILD, BUS,
                     NEW_AUTHTOK_REQD, PERM_DENIED, SUCCESS, USER_UNKNOWN, app, check, expect,
                     expect_true, plain_only, stack)

UMD = [BUILD + "/umd/umd", "--state-dir", "/run/state", "--runtime-dir", "/run/um", "--no-helper",
       "--vault", BUILD + "/um_vault/um-vault", "--quality", BUILD + "/um_quality/um-quality",
       "--notify", BUILD + "/um_notify/um-notify"]
WORD = "Pferd Batterie Klammer"


class Umd:
    """A running umd; umctl("...") asks it."""

    def __enter__(self):
        for path in ("/run/state", "/run/state/vault"):
            os.makedirs(path, mode=0o700, exist_ok=True)
        with open("/run/state/vault/cost", "w", encoding="ascii") as f:
            f.write("yescrypt j9T\n")  # else um-vault would measure
        os.chmod("/run/um", 0o755)
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(UMD, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
                if s.connect_ex(BUS) == 0:
                    return self
            if self.process.poll() is not None:
                break
            threading.Event().wait(0.02)
        raise AssertionError("umd did not start: " + self.process.stderr.read1().decode())

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.communicate(timeout=20)

    @staticmethod
    def umctl(*words, stdin=""):
        done = subprocess.run([BUILD + "/umctl/umctl", *words], input=stdin, text=True,
                              capture_output=True, check=False, timeout=60)
        if done.returncode != 0:
            raise AssertionError(f"umctl {words}: {done.returncode} {done.stderr}")
        return done.stdout

    def user(self, name, password=WORD):
        self.umctl("user", "add", name, "--full-name", name.title())
        self.umctl("user", "passwd", name, stdin=password + "\n")

    def uid(self, name):
        shown = json.loads(self.umctl("user", "show", name, "--json"))
        return shown.get("user", shown)["uid"]


def codes(*words, **how):
    run = app(*words, **how)
    return [c for _, c in run.codes()]


@check
@plain_only
def real_login():
    """password, account, credentials, session, end; a wrong password and a stranger are told apart
    by nothing"""
    stack()
    with Umd() as umd:
        umd.user("alice")
        words = ["auth", "acct", "setcred", "open", "env", "close"]
        run = app("answer=" + WORD, *words)
        expect("codes", [c for _, c in run.codes()], [SUCCESS] * 5)
        expect("environment", [e for e in run.env() if "UM_" in e], [])
        expect("shown", run.conv(), ["1 Password: "])
        wrong, stranger = app("answer=wrong", "auth"), app("answer=" + WORD, "auth", user="nobody1")
        for run in (wrong, stranger):
            expect("code", run.codes(), [("auth", AUTH_ERR)])
            expect("shown", run.conv(), ["1 Password: "])
            expect_true("delayed", "delay" in run.lines)
        expect("key login", codes("acct", "setcred", "open", "close"), [SUCCESS] * 4)
        expect("stranger's key", codes("acct", user="nobody1"), [PERM_DENIED])
        log = umd.umctl("audit", "log")
        expect_true("no password in the audit log", WORD not in log and "wrong" not in log)


@check
@plain_only
def real_refusals():
    """who is locked, suspended, disabled or over meets the same prompts; why is told after proof"""
    stack()
    states = {"locked": (["user", "lock"], AUTH_ERR, PERM_DENIED),
              "held": (["user", "suspend", "--until", "2099-01-01"], SUCCESS, PERM_DENIED),
              "closed": (["user", "disable"], SUCCESS, PERM_DENIED)}
    with Umd() as umd:
        for name, (verb, auth, account) in states.items():
            umd.user(name)
            umd.umctl(*verb, name, "--yes", "--reason", "test")
            run = app("answer=" + WORD, "auth", user=name)
            expect(name + ": auth", run.codes(), [("auth", auth)])
            expect(name + ": shown", run.conv(), ["1 Password: "])
            run = app("answer=" + WORD, "auth", "acct", "open", user=name)
            expect(name + ": account", run.codes("acct"), [account])
            expect_true(name + ": session", run.codes("open")[0] not in (SUCCESS, 25))
            if auth == SUCCESS:
                expect_true(f"{name}: told why, with a reference: {run.conv()}",
                            any("um-" in line for line in run.conv()))
            run = app("acct+silent", user=name)
            expect(name + ": in silence", run.conv(), [])
            expect(name + ": with a key", run.codes(), [("acct", account)])
        umd.user("over")
        umd.umctl("user", "set", "over", "--valid-until", "2020-01-01")
        expect("over", codes("answer=" + WORD, "auth", "acct", user="over"),
               [SUCCESS, ACCT_EXPIRED])


@check
@plain_only
def real_service_account():
    """a service account: no proof is right, and account is PERM_DENIED in every service but sshd's"""
    with Umd() as umd:
        umd.umctl("role", "add", "door", "--permit", "login.*")  # it has that, and for nothing
        umd.umctl("user", "add", "svc", "--kind", "service", "--email", "ops@acme.example", "--role", "door")
        umd.umctl("user", "add", "bare")  # a person without a password
        for service in ("um", "login", "su", "sudo", "cron", "gdm-password", "vsftpd"):
            stack(service=service)
            expect(service, codes("acct", user="svc", service=service), [PERM_DENIED])
            expect_true(service + ": no session",
                        codes("open", user="svc", service=service)[0] != SUCCESS)
        stack()
        run, other = app("answer=" + WORD, "auth", user="svc"), app("answer=" + WORD, "auth", user="bare")
        expect("auth", run.codes(), [("auth", AUTH_ERR)])
        expect("shown", run.conv(), other.conv())
        stack(service="sshd")
        expect("sshd, which names the key later", codes("acct", user="svc", service="sshd"), [SUCCESS])
        expect_true("and never did", codes("open", user="svc", service="sshd")[0] != SUCCESS)
        for reason in ("kind", "bad-proof", "device-required"):
            expect_true(f"{reason} in the log",
                        " " + reason in umd.umctl("audit", "log", "--user", "svc", "--because", reason))


@check
@plain_only
def real_forced_change():
    """a password to be changed is changed in the same login, and the new one counts"""
    stack()
    with Umd() as umd:
        umd.user("alice")
        umd.umctl("user", "passwd", "alice", "--must-change")
        new = "ganz neues Wort 99"
        expect("codes", codes(*["answer=" + a for a in (WORD, WORD, new, "another", new, new)], "auth", "acct",
                              "passwd-expired", "acct", "open", "close"),
               [SUCCESS, NEW_AUTHTOK_REQD, SUCCESS, SUCCESS, SUCCESS, SUCCESS])
        expect("old", codes("answer=" + WORD, "auth"), [AUTH_ERR])
        expect("new", codes("answer=" + new, "auth", "acct"), [SUCCESS, SUCCESS])
        expect("not due any more", codes("passwd-expired"), [SUCCESS])


@check
@plain_only
def real_passwd():
    """passwd: a user gives his current password, root does not; a bad new one is asked again, a former one refused"""
    stack()
    with Umd() as umd:
        umd.user("alice")
        uid = umd.uid("alice")
        first, second, third, fourth = "erstes neues Wort 1", "zweites neues Wort 2", "Owls at dusk, ten", "Harbour moss 41"
        run = app(f"ruid={uid}", "answer=" + WORD, "answer=" + first, "answer=" + first, "passwd")
        expect("by himself", run.codes(), [("passwd", SUCCESS)])
        expect_true("asked for the current one", "urrent" in run.conv()[0])
        run = app(f"ruid={uid}", "answer=wrong", "answer=" + second, "answer=" + second, "passwd")
        expect_true("wrong current one", run.codes("passwd")[0] in (AUTH_ERR, AUTHTOK_ERR))
        expect("unchanged", codes("answer=" + first, "auth"), [SUCCESS])
        run = app("answer=" + second, "answer=" + second, "passwd")
        expect("by root", run.codes(), [("passwd", SUCCESS)])
        expect_true("not asked for the current one",
                    not any("urrent" in line for line in run.conv()))
        expect("changed", codes("answer=" + second, "auth"), [SUCCESS])
        run = app(*["answer=" + a for a in ("", "", "x", "y", "alice", "alice")], "passwd")
        expect("three bad ones", run.codes(), [("passwd", AUTHTOK_ERR)])
        run = app(f"ruid={uid}", *["answer=" + a for a in (second, "alice", "zweites neues Wort 3", third, third)], "passwd")
        expect("two bad ones and a good one", run.codes(), [("passwd", SUCCESS)])
        said = "\n".join(run.conv())
        for words in ("The new password must have at least 12 characters, this has 5; not have the user's name in it",
                      "The new password must not be like the current one."):
            expect_true(words + " is shown", words in said)
        run = app(*["answer=" + a for a in [second] * 6], "passwd")
        expect("a former one by root", run.codes(), [("passwd", AUTHTOK_ERR)])
        expect_true("why", "must not be one of the last 5" in "\n".join(run.conv()))
        expect("unchanged", codes("answer=" + third, "auth"), [SUCCESS])
        run = app(*["answer=" + a for a in (fourth, fourth)], "passwd")
        expect("another by root", run.codes(), [("passwd", SUCCESS)])
        expect("changed again", codes("answer=" + fourth, "auth"), [SUCCESS])
        expect("a stranger", codes("passwd", user="nobody1"), [USER_UNKNOWN])


@check
@plain_only
def real_login_id():
    """umd honours a login id once, for its user and service; another's is worse than none"""
    stack()
    stack(service="other")
    with Umd() as umd:
        umd.user("alice")
        umd.user("bob")

        def login():
            env = app("answer=" + WORD, "auth", "env").env()
            return "putenv=" + next(e for e in env if e.startswith("UM_LOGIN_ID="))
        expect("hers, in another process", codes(login(), "acct", "open", "close"), [SUCCESS] * 3)
        expect_true("another user's", SUCCESS not in codes(login(), "acct", "open", user="bob"))
        expect_true("another service's",
                    SUCCESS not in codes(login(), "acct", "open", service="other"))
        used = login()
        expect("first", codes(used, "open"), [SUCCESS])
        expect_true("a second time", SUCCESS not in codes(used, "open"))
        expect_true("made up", SUCCESS not in codes("putenv=UM_LOGIN_ID=" + "0" * 32, "acct"))


@check
@plain_only
def real_hang():
    """umd stopped by a signal, 100 logins at once: each has its answer within 5 s, a local one at once
    (catalogue 4)"""
    stack()
    with Umd() as umd:
        umd.user("alice")
        umd.process.send_signal(signal.SIGSTOP)
        runs = []
        logins = [threading.Thread(target=lambda: runs.append(app("answer=" + WORD, "auth")))
                  for _ in range(100)]
        for t in logins:
            t.start()
        local = app("auth", "acct", "open", user="daemon")
        for t in logins:
            t.join()
        expect("local", [c for _, c in local.codes()], [USER_UNKNOWN] * 3)
        expect_true(f"at once: {local.seconds:.3f} s", local.seconds < 0.25)
        expect("logins", len(runs), 100)
        for run in runs:
            expect("code", run.codes(), [("auth", AUTHINFO_UNAVAIL)])
            expect_true(f"in time: {run.seconds:.2f} s", 4 < run.seconds < 5)
        umd.process.send_signal(signal.SIGCONT)
        expect("afterwards", codes("answer=" + WORD, "auth"), [SUCCESS])
    expect("gone", codes("answer=" + WORD, "auth"), [AUTHINFO_UNAVAIL])


@check
@plain_only
def real_crowd():
    """many logins at once: each right one is let in, each wrong one is not"""
    stack("nodelay")
    with Umd() as umd:
        names = [f"user{i}" for i in range(4)]
        for name in names:
            umd.user(name)
        wrong = []

        def one(i):
            right = i % 3 != 0
            got = codes("answer=" + (WORD if right else "wrong"), "auth", user=names[i % 4])
            if got not in ([SUCCESS] if right else [AUTH_ERR], [AUTHINFO_UNAVAIL]):
                wrong.append((i, got))
            served.append(got != [AUTHINFO_UNAVAIL])
        served = []
        crowd = [threading.Thread(target=one, args=(i,)) for i in range(24)]
        for t in crowd:
            t.start()
        for t in crowd:
            t.join()
        expect("wrong verdicts", wrong, [])
        expect_true(f"served: {sum(served)} of 24", sum(served) >= 12)


@check
@plain_only
def real_longest():
    """the longest password there is works, one byte more is refused"""
    stack()
    with Umd() as umd:
        umd.user("alice")
        # what it is like is for um-quality; how long it may be is what counts here
        libcrypt = ctypes.CDLL("libcrypt.so.1")
        libcrypt.crypt.restype = ctypes.c_char_p
        umd.umctl("user", "passwd", "alice", "--hash", stdin=libcrypt.crypt(b"x" * 511, b"$6$salt").decode() + "\n")
        expect("511", codes("answer=@len:511", "auth"), [SUCCESS])
        expect("510", codes("answer=@len:510", "auth"), [AUTH_ERR])
        expect("512", codes("answer=@len:512", "auth"), [AUTH_ERR])


@check
@plain_only
def real_screen_locker():
    """a program without root proves its own user and nobody else; another source's is passed on"""
    stack()
    with Umd() as umd:
        umd.user("alice")
        umd.user("bob")
        uid = f"uid={umd.uid('alice')}"
        expect("alice", codes(uid, "answer=" + WORD, "auth", "acct"), [SUCCESS, SUCCESS])
        expect("alice, wrong", codes(uid, "answer=wrong", "auth"), [AUTH_ERR])
        expect("bob", codes(uid, "answer=" + WORD, "auth", "acct", "passwd", user="bob"),
               [PERM_DENIED] * 3)
        expect("a session", codes(uid, "open"), [PERM_DENIED])
        expect("elsewhere", codes("uid=700001", "answer=x", "auth", "acct", user="elsewhere",
                                  shim=True), [USER_UNKNOWN] * 2)
        expect("elsewhere, root's program", codes("answer=x", "auth", "acct", "open", "passwd",
                                                  user="elsewhere", shim=True), [USER_UNKNOWN] * 4)
