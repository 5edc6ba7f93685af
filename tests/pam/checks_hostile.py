# SPDX-License-Identifier: LGPL-2.1-or-later
"""Replies that are short, long, wrong or torn (catalogue 22): PAM_AUTHINFO_UNAVAIL, never a success.

The stack has a module behind pam_um that succeeds: a PAM_IGNORE would show as a success."""
import os
import random
import struct

from fakeumd import (ALLOW, DONE, LOGIN, FakeUmd, Raw, Reply, Socketpair, Writer, ask, begin, done,
                     error_bytes, Error, message, outcome, reply_bytes, session, step, step_write)
from harness import AUTHINFO_UNAVAIL, BUF_ERR, BUS, FULL, app, check, expect, expect_true, stack

MEMBERS = {"auth-begin": "auth", "auth-answer": "auth", "acct": "acct", "open": "open"}


def honest(call):
    if call.member == "Begin":
        return ask(how=begin)
    if call.member == "Answer":
        return done(ALLOW, "text", "ok", "um-7K2P")
    if call.member == "Authorize":
        return outcome(ALLOW, "text", "ok", "um-7K2P")
    return session(ALLOW, "text", Socketpair().theirs())


def victim(where):
    return {"auth-begin": "Begin", "auth-answer": "Answer", "acct": "Authorize",
            "open": "OpenSession"}[where]


def play(where, actions, wanted=(AUTHINFO_UNAVAIL,)):
    """Runs one login per action, which replaces the honest reply at this place."""
    stack("quiet", after="return=0")
    at = {"n": 0}

    def story(call):
        if call.member != victim(where):
            return honest(call)
        action = actions[at["n"]]
        at["n"] += 1
        return action(call) if callable(action) else action
    with FakeUmd(BUS, story):
        run = app(f"times={len(actions)}", "answer=secret", MEMBERS[where])
    codes = run.codes(MEMBERS[where])
    expect(f"{where}: runs", len(codes), len(actions))
    bad = [(n, c) for n, c in enumerate(codes) if c not in wanted]
    expect(f"{where}: codes", bad, [])


@check
def honest_is_success():
    """the unharmed replies succeed, so that what follows fails for its own reason"""
    for where in MEMBERS:
        play(where, [honest] * 3, wanted=(0,))


@check
def truncated():
    """cut at every offset, and the connection closed"""
    for where in MEMBERS:
        size = len(reply_bytes(type("C", (), {"cookie": 2}), honest(
            type("C", (), {"member": victim(where)}))))

        def cut(n):
            return lambda call: Raw(reply_bytes(call, honest(call))[:n], "close")
        play(where, [cut(n) for n in range(size)])


@check
def flipped():
    """one byte or two replaced anywhere: a failure, or the success that was sent"""
    rounds = 4000 if FULL else 200
    for where in MEMBERS:
        rng = random.Random(where)

        def flip(call):
            data = bytearray(reply_bytes(call, honest(call)))
            for _ in range(rng.randint(1, 2)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            return Raw(bytes(data), "close")
        play(where, [flip] * rounds, wanted=range(31))


def bodies():
    """Bodies whose signature is right and whose content is not."""
    def raw_step(kind=DONE, text="", more=None):
        w = Writer()
        w.u(kind)
        w.s(text)
        w.dict(more if more is not None else [("verdict", "u", ALLOW)])
        return Reply("(usa{sv})", bytes(w.data))
    yield raw_step(more=[])                                              # no verdict
    yield raw_step(more=[("verdict", "s", "1")])                         # of another type
    yield raw_step(more=[("verdict", "u", ALLOW)] * 2)                   # twice
    yield raw_step(more=[("verdict", "u", ALLOW), ("secret", "s", "x")])  # not DONE's key
    yield raw_step(more=[("verdict", "u", ALLOW), ("reason", "s", "r" * 64)])
    yield raw_step(more=[("verdict", "u", ALLOW), ("reference", "s", "r" * 32)])
    yield raw_step(more=[("verdict", "u", ALLOW)] + [(f"x{i}", "u", i) for i in range(40)])
    yield raw_step(text="t" * 4096)
    yield raw_step(text=b"\xff\xfe")                                     # not UTF-8
    yield raw_step(text=b"a\0b")                                         # a NUL inside
    yield raw_step(kind=1, more=[("secret", "s", "s" * 32)])
    yield raw_step(kind=3, more=[("error", "u", 1)])


@check
def wrong_steps():
    """steps of the right signature and of no sense"""
    play("auth-answer", list(bodies()))
    play("auth-begin", [Reply("s(usa{sv})", begin_of(b)) for b in bodies()])


def begin_of(reply):
    w = Writer()
    w.s(LOGIN)
    w.align(8)
    return bytes(w.data) + reply.body


@check
def wrong_login_ids():
    """a login id that is not 32 hex digits"""
    play("auth-begin", [ask_with(login) for login in
                        ("", LOGIN[1:], LOGIN + "0", LOGIN.upper().replace("0", "A"),
                         "g" * 32, "0" * 31 + "\n", "x" * 4000)])


def ask_with(login):
    w = Writer()
    w.s(login)
    step_write(w, DONE, "", [("verdict", "u", ALLOW)])
    return Reply("s(usa{sv})", bytes(w.data))


@check
def wrong_signatures():
    """another signature, none, and an error that looks like a reply"""
    allow = struct.pack("<I", ALLOW)
    wrong = [Reply("", b""), Reply("u", allow), Reply("b", allow), Reply("s", b"\0\0\0\0\0"),
             Reply("(u)", allow), Reply("a{sv}", b"\0" * 8), Reply("v", b"\1u\0\0" + allow),
             Reply("uuuu", allow * 4), Reply("ussss", outcome(ALLOW).body + b"\0\0\0\0\0"),
             Reply("(usss)", outcome(ALLOW).body), Reply("(usa{sv})u", step(3).body + allow)]
    for where in MEMBERS:
        play(where, wrong)


@check
def wrong_headers():
    """versions, lengths, types, cookies and byte orders that do not fit"""
    def header(**how):
        def action(call):
            reply = honest(call)
            fields = [(5, "u", how.get("cookie", call.cookie)),
                      (8, "g", reply.signature)]
            return Raw(message(how.get("kind", 2), fields, reply.body, 7,
                               how.get("endian", b"l"), how.get("version", 1)), "close")
        return action

    def lengths(at, value):
        def action(call):
            data = bytearray(reply_bytes(call, honest(call)))
            struct.pack_into("<I", data, at, value)
            return Raw(bytes(data), "close")
        return action
    # 2 is left out: sd-bus lets it pass as 1 and reads the same text
    actions = [header(version=v) for v in (0, 3, 255)]
    actions += [header(kind=k) for k in (0, 1, 3, 4, 5, 255)]
    actions += [header(endian=e) for e in (b"B", b"x", b"\0")]
    actions += [header(cookie=99999)]
    actions += [lengths(at, v) for at in (4, 12)
                for v in (0, 1, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff, 64 << 20, 127 << 20)]
    actions += [lengths(8, 0)]
    actions += [Raw(b"", "close"), Raw(b"\0" * 4096, "close"), Raw(b"l" * 4096, "close"),
                Raw(b"HTTP/1.1 200 OK\r\n\r\n", "close"), Raw(os.urandom(4096), "close")]
    for where in ("auth-answer", "acct", "open"):
        play(where, actions, wanted=(AUTHINFO_UNAVAIL, BUF_ERR))


@check
def no_descriptor():
    """a session without its descriptor, or with one the header does not count"""
    def counted(call):
        reply = session(ALLOW)
        fields = [(5, "u", call.cookie), (8, "g", "ussssh"), (9, "u", 1)]
        return Raw(message(2, fields, reply.body, 7), "close")
    play("open", [session(ALLOW), counted])


@check
def handshake_torn():
    """the handshake torn or nonsense at every place"""
    stack("quiet", after="return=0")
    guid = b"OK " + b"ab" * 16 + b"\r\n"
    whole = b"DATA\r\n" + guid + b"AGREE_UNIX_FD\r\n"
    cases = [Raw(whole[:n]) for n in range(len(whole))]
    cases += [Raw(x) for x in (b"REJECTED\r\n", b"REJECTED EXTERNAL\r\n" * 3, b"OK\r\n" * 3,
                               b"DATA\r\nOK zz\r\nAGREE_UNIX_FD\r\n", b"ERROR\r\n" * 3,
                               b"\0" * 100, b"x" * 200000, os.urandom(1000))]
    for sasl in cases:
        with FakeUmd(BUS, honest, sasl):
            run = app("acct")
        expect(repr(sasl.data[:40]), run.codes(), [("acct", AUTHINFO_UNAVAIL)])


@check
def dies_anywhere():
    """umd is gone after each message it got"""
    stack("quiet", after="return=0")
    for survive in range(4):
        left = {"n": survive}

        def story(call, left=left):
            left["n"] -= 1
            return honest(call) if left["n"] >= 0 else "close"
        with FakeUmd(BUS, story):
            run = app("answer=secret", "auth", "acct", "open")
        codes = [c for _, c in run.codes()]
        expect(f"after {survive}", codes,
               [[AUTHINFO_UNAVAIL] * 3, [AUTHINFO_UNAVAIL] * 3, [0] + [AUTHINFO_UNAVAIL] * 2,
                [0, 0, AUTHINFO_UNAVAIL]][survive])


@check
def floods():
    """signals and calls nobody asked for, before the reply, change nothing"""
    stack("quiet")
    signal = message(4, [(1, "o", "/x"), (2, "s", "a.b"), (3, "s", "C")], b"", 5)
    method = message(1, [(1, "o", "/org/um1"), (2, "s", "a.b"), (3, "s", "Ping")], b"", 6)
    with FakeUmd(BUS, lambda call: Raw((signal + method) * 2000 + reply_bytes(call, honest(call)),
                                       "close")):
        run = app("acct")
    expect("code", run.codes(), [("acct", 0)])
    with FakeUmd(BUS, lambda call: Raw(error_bytes(call, Error("org.um1.Error.Busy", "x" * 60000)),
                                       "close")):
        run = app("acct")
    expect("a long error", run.codes(), [("acct", AUTHINFO_UNAVAIL)])
    expect_true("its text is not shown", not run.conv())
