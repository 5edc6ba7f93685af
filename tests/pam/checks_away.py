# SPDX-License-Identifier: LGPL-2.1-or-later
"""umd stopped, hung, half there, or somebody else in its place: never a success, always in time."""
import os
import socket
import subprocess
import sys
import threading

from fakeumd import Error, FakeUmd, Raw, ask, begin
from checks_contract import good
from harness import (AUTHINFO_UNAVAIL, BUS, MAP_DIR, SUCCESS, USER_UNKNOWN, app, check, expect,
                     expect_true, stack)

PHASES = ["auth", "acct", "open", "passwd"]
UNAVAILABLE = [AUTHINFO_UNAVAIL] * 4


def everything(run, seconds):
    expect("codes", [c for _, c in run.codes()], UNAVAILABLE)
    expect_true(f"in time: {run.seconds:.2f} s", run.seconds < seconds)


@check
def absent():
    """no socket, no /run/um, a socket nobody listens on, a plain file: at once (catalogue 3)"""
    stack()
    everything(app(*PHASES), 1)
    with open(BUS, "w", encoding="ascii"):
        pass
    everything(app(*PHASES), 1)
    os.unlink(BUS)
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.bind(BUS)
    everything(app(*PHASES), 1)
    s.close()
    subprocess.run(["rm", "-rf", "/run/um"], check=True)
    everything(app(*PHASES), 1)
    run = app("auth", "acct", "setcred", "open", "close", "passwd", user="daemon")
    expect("local user", [c for _, c in run.codes()], [USER_UNKNOWN] * 6)
    expect_true("no slower", run.seconds < 0.05)


def hang(words, story, sasl="good", answers=(), codes=None):
    """One waiting phase: 4.5 s, and never more than 5."""
    with FakeUmd(BUS, story, sasl):
        run = app(*["answer=" + a for a in answers], *words)
    expect("codes", [c for _, c in run.codes()], codes or [AUTHINFO_UNAVAIL] * len(words))
    expect_true(f"in time: {run.seconds:.2f} s", 4 < run.seconds < 5)


@check
def hangs_in_handshake():
    """a umd that accepts and says nothing costs less than 5 s"""
    stack()
    hang(["auth"], None, "hang")


@check
def hangs_at_begin():
    """a umd that reads the request and never answers costs less than 5 s"""
    stack()
    hang(["auth"], lambda call: "hang")


@check
def hangs_at_answer():
    """a umd that never judges an answer costs less than 5 s"""
    stack()
    hang(["auth"], lambda call: ask(how=begin) if call.member == "Begin" else "hang",
         answers=["secret"])


@check
def hangs_at_account():
    """a umd that hangs in the account phase costs less than 5 s"""
    stack()
    hang(["acct"], lambda call: "hang")


@check
def hangs_at_open():
    """a umd that hangs in open_session costs less than 5 s"""
    stack()
    hang(["open"], lambda call: "hang")


@check
def hangs_half_way():
    """half a message and then silence costs less than 5 s"""
    stack()
    hang(["acct"], lambda call: Raw(b"l\2\1\1" + b"\1\0\0\0" * 2, "hang"))


@check
def hangs_drop_by_drop():
    """a umd that sends a byte now and then costs less than 5 s as well"""
    stack()
    stop = threading.Event()

    def drip(peer):
        for byte in b"l\2\1\1\0\0\1\0\1\0\0\0\0\1\0\0" + b"\0" * 64:
            if stop.wait(0.2):
                return
            try:
                peer.sendall(bytes([byte]))
            except OSError:
                return

    class Dripping(FakeUmd):
        def act(self, peer, call, action):
            drip(peer)
            return False
    with Dripping(BUS, lambda call: None):
        run = app("acct")
    stop.set()
    expect("codes", run.codes(), [("acct", AUTHINFO_UNAVAIL)])
    expect_true(f"in time: {run.seconds:.2f} s", run.seconds < 5)


@check
def backlog_full():
    """nobody accepts and the backlog is full: less than 5 s, also for many at once (catalogue 4)"""
    stack()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(BUS)
    listener.listen(1)
    logins = [threading.Thread(target=lambda: results.append(app("auth"))) for _ in range(20)]
    results = []
    for t in logins:
        t.start()
    for t in logins:
        t.join()
    expect("logins", len(results), 20)
    for run in results:
        expect("code", run.codes(), [("auth", AUTHINFO_UNAVAIL)])
        expect_true(f"in time: {run.seconds:.2f} s", run.seconds < 5)
    run = app("auth", "acct", "open", user="daemon")
    expect("local user", [c for _, c in run.codes()], [USER_UNKNOWN] * 3)
    expect_true("a local user is not held up", run.seconds < 0.05)


@check
def slow_umd():
    """a umd that starts late is waited for: the connection and the first round share a deadline"""
    stack()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(BUS)
    listener.listen(8)
    umd = FakeUmd(BUS, good())
    umd.listener = listener
    timer = threading.Timer(2, umd.accept)
    timer.daemon = True
    timer.start()
    run = app("answer=secret", "auth")
    expect("code", run.codes(), [("auth", SUCCESS)])
    expect_true("it waited", run.seconds > 1.8)


@check
def person_thinks():
    """the person's time is not umd's: a slow answer costs nothing of the deadlines"""
    stack()
    with FakeUmd(BUS, good()):
        run = app("answer=@slow:6:secret", "auth")
    expect("code", run.codes(), [("auth", SUCCESS)])
    expect_true("it was slow", run.seconds > 5.5)


@check
def wrong_server():
    """a server that is neither root nor map.d's owner is not um (SO_PEERCRED)"""
    stack()
    os.chmod("/run/um", 0o777)
    script = ("import os,sys,threading; sys.path.insert(0, %r)\n"
              "from fakeumd import *; from checks_contract import good\n"
              "os.setgid(65534); os.setuid(65534)\n" # after them: the tree may be under /root
              "with FakeUmd(%r, good()) as u:\n print('ready', flush=True); sys.stdin.read()\n"
              " print(len(u.calls), flush=True)") % (os.path.dirname(os.path.abspath(__file__)), BUS)
    for prepare, code, calls in (
            (lambda: None, AUTHINFO_UNAVAIL, "0"),
            (lambda: os.chown(MAP_DIR, 65534, 65534), SUCCESS, "2"),
            (lambda: (os.rmdir(MAP_DIR), os.symlink("/run/theirs", MAP_DIR), os.mkdir("/run/theirs"),
                      os.chown("/run/theirs", 65534, 65534)), AUTHINFO_UNAVAIL, "0"),
            (lambda: os.unlink(MAP_DIR), AUTHINFO_UNAVAIL, "0")):
        prepare()
        with subprocess.Popen([sys.executable, "-B", "-c", script], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as server:
            expect("server", server.stdout.readline().strip(), "ready")
            run = app("answer=secret", "auth")
            out, _ = server.communicate("")
        expect("code", run.codes(), [("auth", code)])
        expect("what it was told", out.strip(), calls)


@check
def no_password_to_a_stranger():
    """a root server that answers Begin with an error is sent nothing more"""
    stack()
    with FakeUmd(BUS, lambda call: Error("org.um1.Error.Unavailable")) as umd:
        app("answer=secret", "auth")
    expect("calls", [c.member for c in umd.calls], ["Begin"])
