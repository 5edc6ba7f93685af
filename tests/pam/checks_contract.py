# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/api/org.um1.Login.md as pam_um keeps it: what is sent, what is shown, what PAM is told."""
import os

from fakeumd import (ALLOW, ASK_HIDDEN, ASK_SHOWN, ASSERT, BAD_PROOF, CHANGE_FAILED, DENIED,
                     DONE, EXPIRED, LOGIN, RENEW, SHOW, UNAVAILABLE, UNKNOWN, WAIT, Error, FakeUmd,
                     Socketpair, ask, begin, done, outcome, session, step)
from harness import (ACCT_EXPIRED, AUTH_ERR, AUTHINFO_UNAVAIL, AUTHTOK_ERR, BUS, CONV_ERR,
                     NEW_AUTHTOK_REQD, PERM_DENIED, SUCCESS, USER_UNKNOWN, Log, app, bind, check,
                     expect, expect_true, plain_only, stack)

CODES = {ALLOW: SUCCESS, BAD_PROOF: AUTH_ERR, DENIED: PERM_DENIED, EXPIRED: ACCT_EXPIRED,
         RENEW: NEW_AUTHTOK_REQD, UNKNOWN: USER_UNKNOWN, UNAVAILABLE: AUTHINFO_UNAVAIL,
         CHANGE_FAILED: AUTHTOK_ERR, 0: AUTHINFO_UNAVAIL, 9: AUTHINFO_UNAVAIL,
         99: AUTHINFO_UNAVAIL, 0xffffffff: AUTHINFO_UNAVAIL}


def good(password=b"secret", sessions=None):
    """A umd where everybody's password is this one."""
    def story(call):
        if call.member == "Begin":
            return ask(how=begin)
        if call.member == "Answer":
            return done(ALLOW if call.answer == password else BAD_PROOF)
        if call.member == "Authorize":
            return outcome(ALLOW)
        pair = Socketpair()
        if sessions is not None:
            sessions.append(pair)
        return session(ALLOW, fd=pair.theirs())
    return story


def steps(*replies):
    """A umd that answers Begin and each Answer with the next of these."""
    replies = list(replies)
    return lambda call: replies[call.serial]


@check
def login_whole():
    """a right password, the account, a session: the id travels and leaves, the fd is the session"""
    stack()
    sessions = []
    with FakeUmd(BUS, good(sessions=sessions)) as umd:
        run = app("answer=secret", "rhost=192.0.2.7", "tty=pts/3", "ruser=bob",
                  "putenv=SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA\n", "auth", "acct", "setcred",
                  "env", "open", "env", "close")
    expect("codes", run.codes(), [("auth", 0), ("acct", 0), ("setcred", 0), ("open", 0),
                                  ("close", 0)])
    expect("members", [c.member for c in umd.calls],
           ["Begin", "Answer", "Authorize", "OpenSession"])
    expect("target", {(c.path, c.interface) for c in umd.calls}, {("/org/um1", "org.um1.Login")})
    shared = {"user": "alice", "service": "um", "tty": "pts/3", "rhost": "192.0.2.7",
              "ruser": "bob", "auth-info": "publickey ssh-ed25519 AAAA\n"}
    expect("context of Begin", umd.calls[0].context, {"operation": "authenticate", **shared})
    for call in umd.calls[2:]:
        expect("context of " + call.member, call.context, shared)
        expect("login of " + call.member, call.login, LOGIN)
    expect("answer", umd.calls[1].answer, b"secret")
    expect("account goes on where authenticate was good", [c.connection for c in umd.calls],
           [0, 0, 0, 1])
    expect("environment", [e for e in run.env() if "UM_" in e], ["UM_LOGIN_ID=" + LOGIN])
    expect_true("the session ended", sessions[0].ended())


@check
def session_lives():
    """the session lasts until close_session, or until the handle ends without it"""
    for words, ends_before in ((("open", "acct", "close"), False), (("open", "acct"), False),
                               (("open", "close", "acct"), True)):
        stack()
        sessions, alive = [], []
        story = good(sessions=sessions)

        def watching(call, story=story, sessions=sessions, alive=alive):
            if call.member == "Authorize":
                alive.append(not sessions[0].ended(0 if not ends_before else 5))
            return story(call)
        with FakeUmd(BUS, watching):
            app(*words)
        expect(f"alive at the account phase of {words}", alive, [not ends_before])
        expect_true(f"over after {words}", sessions[0].ended())


@check
def verdicts():
    """every verdict, and every number that is none, becomes its PAM code in every phase"""
    stack("quiet")
    for verdict, code in CODES.items():
        def story(call, verdict=verdict):
            if call.member == "Begin":
                return ask(how=begin)
            return {"Answer": done(verdict), "Authorize": outcome(verdict),
                    "OpenSession": session(verdict, fd=os.open("/dev/null", os.O_RDONLY))
                    }[call.member]
        with FakeUmd(BUS, story):
            for phase in ("auth", "acct", "open", "passwd", "passwd-expired"):
                run = app("answer=secret", "answer=x", phase)
                expect(f"verdict {verdict} in {phase}", run.codes(phase), [code])


@check
def errors():
    """an error of umd's denies: AccessDenied and PolicyRefused as such, others as unavailable"""
    stack()
    table = {"org.um1.Error.AccessDenied": PERM_DENIED, "org.um1.Error.PolicyRefused": PERM_DENIED,
             "org.um1.Error.Unavailable": AUTHINFO_UNAVAIL, "org.um1.Error.Busy": AUTHINFO_UNAVAIL,
             "org.um1.Error.BadValue": AUTHINFO_UNAVAIL, "org.um1.Error.Nonsense": AUTHINFO_UNAVAIL,
             "org.freedesktop.DBus.Error.AccessDenied": AUTHINFO_UNAVAIL,
             "org.freedesktop.DBus.Error.UnknownMethod": AUTHINFO_UNAVAIL,
             "System.Error.EREMOTEIO": AUTHINFO_UNAVAIL, "System.Error.E0": AUTHINFO_UNAVAIL}
    for name, code in table.items():
        with FakeUmd(BUS, lambda call, name=name: Error(name)):
            run = app("auth", "acct", "open", "passwd")
        expect(name, [c for _, c in run.codes()], [code] * 4)


@check
@plain_only
def refused_without_root():
    """a program without root that umd refuses: its own user is another source's, others are denied"""
    stack()
    words = ["auth", "acct", "passwd", "open"]
    with FakeUmd(BUS, lambda call: Error("org.um1.Error.AccessDenied")):
        for uid, user, wanted in (("uid=700001", "elsewhere", [USER_UNKNOWN] * 3 + [PERM_DENIED]),
                                  ("uid=700002", "elsewhere", [PERM_DENIED] * 4),
                                  ("uid=700001", "alice", [PERM_DENIED] * 4),
                                  ("times=1", "elsewhere", [PERM_DENIED] * 4)):
            run = app(uid, *words, user=user, shim=True)
            expect(f"{uid} {user}", [c for _, c in run.codes()], wanted)
    with FakeUmd(BUS, lambda call: Error("org.um1.Error.Unavailable")):
        run = app("uid=700001", *words, user="elsewhere", shim=True)
        expect("another error", [c for _, c in run.codes()], [AUTHINFO_UNAVAIL] * 4)


@check
def steps_shown():
    """texts are shown as they are meant, line by line, printable and within PAM's limit"""
    stack()
    long = "x" * 600
    with FakeUmd(BUS, steps(
            begin(SHOW, "one\n\ntwo\n", ("error", "b", False)), step(SHOW, "bad", ("error", "b", 1)),
            step(WAIT), step(WAIT, "wait"), step(SHOW, "a\x1b[31m\u202eb\\"), step(SHOW, long),
            ask("first\nsecond\nCode: ", "code", ASK_SHOWN), done(ALLOW, "welcome"))) as umd:
        run = app("answer=123456", "auth")
    expect("shown", run.conv(),
           ["4 one", "4 ", "4 two", "3 bad", "4 wait", "4 a\\x5cx1b[31m\\x5cxe2\\x5cx80\\x5cxaeb"
            "\\x5c\\x5c", "4 " + "x" * 508 + "...", "4 first", "4 second", "2 Code: ", "4 welcome"])
    expect("answers", [c.answer for c in umd.calls[1:]], [b""] * 6 + [b"123456"])
    expect("code", run.codes(), [("auth", SUCCESS)])


@check
def silence():
    """PAM_SILENT shows nothing, quiet errors only; both still ask, and say what is to be done now (touch a key)"""
    def story(call):
        if call.member == "Begin":
            return begin(SHOW, "info")
        if call.member == "Authorize":
            return outcome(DENIED, "Access refused. Reference um-7K2P")
        return [None, step(SHOW, "error", ("error", "b", True)), step(WAIT, "touch"), ask(), done(ALLOW, "bye")
                ][call.serial]
    with FakeUmd(BUS, story) as umd:
        for options, suffix, shown in (
                ("", "", ["4 info", "3 error", "4 touch", "1 Password: ", "4 bye",
                          "3 Access refused. Reference um-7K2P"]),
                ("quiet", "", ["3 error", "4 touch", "1 Password: ", "3 Access refused. Reference um-7K2P"]),
                ("", "+silent", ["4 touch", "1 Password: "])):
            stack(options)
            run = app("answer=secret", "auth" + suffix, "acct" + suffix)
            expect(f"{options}{suffix}", run.conv(), shown)
            expect("codes", run.codes(), [("auth", SUCCESS), ("acct", PERM_DENIED)])
    expect("flags", [c.context.get("flags") for c in umd.calls if c.context],
           [None] * 4 + [1, 1])


@check
def unknown_steps():
    """a step of no known kind, or one for a key that is not there, ends the login"""
    stack()
    for kind in (0, ASSERT, DONE + 1, 4711):
        for replies in ((begin(kind, "x"),), (ask(how=begin), step(kind, "x"))):
            with FakeUmd(BUS, steps(*replies)):
                run = app("answer=secret", "auth")
            expect(f"kind {kind}", run.codes(), [("auth", AUTHINFO_UNAVAIL)])


@check
def steps_end():
    """a dialogue without end ends after 64 steps"""
    stack("quiet")
    with FakeUmd(BUS, lambda call: (begin if call.member == "Begin" else step)(SHOW, "x")) as umd:
        run = app("auth")
    expect("code", run.codes(), [("auth", AUTHINFO_UNAVAIL)])
    expect("calls", len(umd.calls), 65)


@check
def delay():
    """a failed login is delayed unless nodelay says otherwise; an absent umd is not punished"""
    with FakeUmd(BUS, good()):
        for options, answer, delayed in (("", "wrong", True), ("", "secret", False),
                                         ("", "@err", True), ("nodelay", "wrong", False)):
            stack(options)
            run = app("answer=" + answer, "auth")
            expect(f"{options} {answer}", "delay" in run.lines, delayed)
    stack()
    expect("absent", "delay" in app("auth").lines, False)


@check
def first_pass():
    """use_first_pass never asks, try_first_pass asks only where there is nothing; once each"""
    with FakeUmd(BUS, good()) as umd:
        for options, before, answers, conv, code in (
                ("use_first_pass", "authtok=secret", [], [], SUCCESS),
                ("use_first_pass", "authtok=wrong", ["secret"], [], AUTH_ERR),
                ("use_first_pass", "", ["secret"], [], AUTH_ERR),
                ("use_first_pass", "authtok=", ["secret"], [], AUTH_ERR),
                ("try_first_pass", "authtok=secret", [], [], SUCCESS),
                ("try_first_pass", "authtok=wrong", ["secret"], [], AUTH_ERR),
                ("try_first_pass", "", ["secret"], ["1 Password: "], SUCCESS),
                ("", "authtok=secret", ["wrong"], ["1 Password: "], AUTH_ERR)):
            stack(options, before=before)
            run = app(*["answer=" + a for a in answers], "auth")
            expect(f"{options}, {before}: asked", run.conv(), conv)
            expect(f"{options}, {before}: code", run.codes(), [("auth", code)])
    with FakeUmd(BUS, steps(ask(how=begin), ask("Again: "), done(ALLOW))) as umd:
        stack("try_first_pass", before="authtok=first")
        run = app("answer=second", "auth")
    expect("asked at the second time", run.conv(), ["1 Again: "])
    expect("sent", [c.answer for c in umd.calls[1:]], [b"first", b"second"])
    with FakeUmd(BUS, steps(ask(secret="code", how=begin), done(ALLOW))) as umd:
        stack("use_first_pass", before="authtok=first")
        run = app("answer=123456", "auth")
    expect("a code is not a password", umd.calls[1].answer, b"123456")


@check
def authtok_kept():
    """the password asked for is there for later modules, a code is not"""
    stack(after="print return=0")
    with FakeUmd(BUS, steps(ask(how=begin), ask("Code: ", "code", ASK_SHOWN), done(ALLOW))):
        run = app("answer=secret", "answer=123456", "auth")
    expect("items", run.probe(), ["user=alice", "authtok=secret", "oldauthtok=(none)"])


@check
def local_users():
    """root, /etc/passwd's names and names um cannot have are unknown in every phase, unasked"""
    stack()
    with FakeUmd(BUS, good()) as umd:
        for user in ("root", "daemon", "nobody", "Alice", "alice bob", "a" * 33, "1000", "-x",
                     "um", "um-vault", "al\u00eece", "a\nb", "+", ""):
            words = ["auth", "acct", "setcred", "open", "close", "passwd", "passwd-expired"]
            run = app(*words, user=user)
            expect(repr(user), [c for _, c in run.codes()], [USER_UNKNOWN] * len(words))
        expect("connections", umd.connections, 0)


@check
def passwd_unreadable():
    """with an /etc/passwd that cannot be read nobody but root is passed on, and nobody is let in"""
    stack()
    bind("/proc/self/mem", "/etc/passwd")  # opens, and reading it is EIO
    with FakeUmd(BUS, good()) as umd:
        run = app("answer=secret", "auth", "acct", "setcred", "open", "passwd")
        expect("alice", [c for _, c in run.codes()], [AUTHINFO_UNAVAIL] * 5)
        run = app("answer=secret", "auth", "acct", user="root")
        expect("root", [c for _, c in run.codes()], [USER_UNKNOWN] * 2)
        expect("connections", umd.connections, 0)
    expect_true("logged", Log.has("cannot read /etc/passwd"))


@check
@plain_only
def resolves():
    """flag 8 tells umd that NSS knows a name that is neither local nor unresolvable"""
    stack()
    with FakeUmd(BUS, lambda call: done(UNKNOWN, how=begin) if call.member == "Begin"
                 else outcome(UNKNOWN)) as umd:
        run = app("auth", "acct", "setcred", user="elsewhere", shim=True)
        expect("codes", [c for _, c in run.codes()], [USER_UNKNOWN] * 3)
        app("auth", user="nobody-has-this", shim=True)
    expect("flags", [c.context.get("flags") for c in umd.calls], [8, 8, None])


@check
def options():
    """an unknown option is logged and locks nobody out"""
    stack("use_frist_pass socket=/tmp/evil debug")
    with FakeUmd(BUS, good()):
        run = app("answer=secret", "auth")
    expect("code", run.codes(), [("auth", SUCCESS)])
    expect_true("logged", Log.has("use_frist_pass"))
    expect_true("the path is none of them", Log.has("socket=/tmp/evil"))
    expect_true("debug logs", Log.has("verdict 1"))
    expect("a password in the log", [line for line in Log.lines if "secret" in line], [])


@check
def account_login_id():
    """the id of an earlier process comes from PAM's environment, and only if it could be one"""
    stack()
    with FakeUmd(BUS, good()) as umd:
        for value, sent in ((LOGIN, LOGIN), ("", ""), (LOGIN.upper(), ""), (LOGIN + "0", ""),
                            (LOGIN[1:], ""), ("x" * 32, "")):
            umd.calls.clear()
            run = app("putenv=UM_LOGIN_ID=" + value, "acct", "open", "env")
            expect(repr(value), [c.login for c in umd.calls], [sent, sent])
            expect("environment", run.env(), [])
        umd.calls.clear()
        app("putenv=UM_LOGIN_ID=" + LOGIN, "open")
        expect("open alone", umd.calls[0].login, LOGIN)
        umd.calls.clear()
        run = app("answer=wrong", "putenv=UM_LOGIN_ID=" + LOGIN, "auth", "env")
        expect("a failed auth drops an old id", run.env(), [])


@check
def identity():
    """PAM_USER or the service changed between auth, account, password and session: denied"""
    stack()
    stack(service="other")
    with FakeUmd(BUS, good()) as umd:
        for words, codes in (
                (["auth", "user=bob", "acct"], [0, PERM_DENIED]),
                (["auth", "user=bob", "open"], [0, PERM_DENIED]),
                (["auth", "acct", "user=bob", "open"], [0, 0, PERM_DENIED]),
                (["acct", "user=bob", "open"], [0, PERM_DENIED]),
                (["auth", "user=bob", "passwd"], [0, PERM_DENIED]),
                (["auth", "service=other", "acct"], [0, PERM_DENIED]),
                (["auth", "service=other", "open"], [0, PERM_DENIED]),
                (["auth", "user=bob", "ruser=carol", "open"], [0, PERM_DENIED]),
                (["auth", "user=bob", "auth", "acct"], [0, 0, 0])):  # a login begins anew
            umd.calls.clear()
            run = app("answer=secret", "answer=secret", *words)
            expect(str(words), [c for _, c in run.codes()], codes)
            if PERM_DENIED in codes:
                expect("nothing was asked for bob",
                       [c for c in umd.calls if c.context and c.context["user"] == "bob"], [])
        run = app("answer=@user:bob:secret", "auth", "env")
        expect("changed while asking", run.codes(), [("auth", PERM_DENIED)])
        expect("no id for it", run.env(), [])
    expect_true("logged", Log.has("user or service changed"))
    stack(before="user=bob")
    with FakeUmd(BUS, good()) as umd:
        run = app("answer=secret", "auth", "acct", user="alice")
        expect("a module before ours may name the user", [c for _, c in run.codes()], [0, 0])


@check
def sudo():
    """sudo proves alice and opens bob's session: judged without a proof; her id reaches nobody"""
    stack()
    with FakeUmd(BUS, good()) as umd:
        run = app("answer=secret", "ruser=alice", "auth", "acct", "user=bob", "setcred", "env",
                  "open", "env", "close")
        expect("codes", [c for _, c in run.codes()], [0] * 5)
        expect("environment", run.env(), [])
        expect("login", [(c.context["user"], c.login) for c in umd.calls[2:]],
               [("alice", LOGIN), ("bob", "")])
        run = app("answer=secret", "ruser=alice", "auth", "acct", "user=root", "setcred", "env",
                  "open", "env", "close")
        expect("environment of root", run.env(), [])


@check
def passwd_by_root():
    """root changes a password: nobody asks for the current one, items are kept for later modules"""
    stack(after="print return=0")
    with FakeUmd(BUS, lambda call: ask("New: ", "new-password", how=begin)
                 if call.member == "Begin" else [None, ask("Again: ", "new-password-again"),
                                                 done(ALLOW)][call.serial]) as umd:
        run = app("answer=fresh1", "answer=fresh1", "passwd")
    expect("code", run.codes(), [("passwd", SUCCESS)])
    expect("flags", [c.context.get("flags") for c in umd.calls if c.context], [None, None])
    expect("operation", {c.context["operation"] for c in umd.calls if c.context},
           {"change-password"})
    expect("items", run.probe(), ["user=alice", "authtok=fresh1", "oldauthtok=(none)"])
    expect("the probe lets its dialogue go", [c.connection for c in umd.calls], [0, 1, 1, 1])


@check
def passwd_by_user():
    """passwd run by somebody else than root asks for the current password and says who runs it"""
    stack(after="print return=0")
    with FakeUmd(BUS, lambda call: ask("Current: ", how=begin) if call.member == "Begin" else
                 [None, ask("New: ", "new-password"), ask("Again: ", "new-password-again"),
                  done(ALLOW)][call.serial]) as umd:
        run = app("ruid=2", "answer=old", "answer=fresh1", "answer=fresh1", "passwd")
    expect("code", run.codes(), [("passwd", SUCCESS)])
    expect("flags", [c.context.get("flags") for c in umd.calls if c.context], [4, 4])
    expect("who", [c.context.get("ruser") for c in umd.calls if c.context], ["bin", "bin"])
    expect("asked", run.conv(), ["1 Current: ", "1 New: ", "1 Again: "])
    expect("items", run.probe(), ["user=alice", "authtok=fresh1", "oldauthtok=old"])


@check
def passwd_expired():
    """an expired password is changed in the same login, new passwords asked until one will do"""
    def story(call):
        if call.member == "Begin":
            return ask("New: ", "new-password", how=begin) \
                if call.context["operation"] == "change-password" else ask(how=begin)
        if call.member == "Authorize":
            return outcome(RENEW, "Your password has expired.")
        if call.connection == 0:
            return done(ALLOW)
        return [None, step(SHOW, "too short", ("error", "b", True)), ask("New: ", "new-password"),
                ask("Again: ", "new-password-again"), done(ALLOW)][call.serial]
    stack()
    with FakeUmd(BUS, story) as umd:
        run = app("answer=old", "answer=x", "answer=fresh1", "answer=fresh1", "auth", "acct",
                  "passwd-expired")
    expect("codes", [c for _, c in run.codes()], [SUCCESS, NEW_AUTHTOK_REQD, SUCCESS])
    expect("asked", run.conv(), ["1 Password: ", "3 Your password has expired.", "1 New: ",
                                 "3 too short", "1 New: ", "1 Again: "])
    expect("sent", [c.answer for c in umd.calls if c.connection == 2 and c.answer is not None],
           [b"x", b"", b"fresh1", b"fresh1"])
    expect("flags", [c.context.get("flags") for c in umd.calls if c.context],
           [None, None, 2, 2])
    with FakeUmd(BUS, story) as umd:
        app("ruid=2", "answer=old", "auth", "passwd-expired")
    expect("su's forced change", [c.context.get("flags") for c in umd.calls if c.context],
           [None, 6, 6])


@check
def passwd_items_once():
    """what umd refused is not sent again, and PAM_AUTHTOK is never the current password"""
    def story(call):
        return ask("Current: ", how=begin) if call.member == "Begin" else \
            [None, ask("Current: "), done(BAD_PROOF)][call.serial]
    with FakeUmd(BUS, story) as umd:
        for before, word, sent, conv in (
                ("oldauthtok=o", "passwd", [b"o", b"typed"], ["1 Current: "]),
                ("authtok=o", "passwd-expired", [b"typed", b"typed2"], ["1 Current: "] * 2),
                ("authtok=o", "passwd", [b"typed", b"typed2"], ["1 Current: "] * 2)):
            stack(before=before)
            umd.calls.clear()
            run = app("answer=typed", "answer=typed2", word)
            expect(f"{before} {word}: sent", [c.answer for c in umd.calls if c.answer], sent)
            expect(f"{before} {word}: asked", run.conv(), conv)
            expect("code", run.codes(word), [AUTH_ERR])


@check
def passwd_use_authtok():
    """use_authtok takes an earlier module's new password and never asks for one"""
    def story(call):
        return ask("New: ", "new-password", how=begin) if call.member == "Begin" else \
            [None, ask("Again: ", "new-password-again"), done(ALLOW)][call.serial]
    with FakeUmd(BUS, story) as umd:
        stack("use_authtok", before="authtok=fresh1")
        run = app("answer=typed", "passwd")
        expect("codes", run.codes(), [("passwd", SUCCESS)])
        expect("asked", run.conv(), [])
        expect("sent", [c.answer for c in umd.calls if c.answer], [b"fresh1", b"fresh1"])
        stack("use_authtok")
        expect("none there", app("answer=typed", "passwd").codes(), [("passwd", AUTHTOK_ERR)])
    with FakeUmd(BUS, lambda call: ask("New: ", "new-password", how=begin)
                 if call.member == "Begin" else ask("New: ", "new-password")) as umd:
        stack("use_authtok", before="authtok=fresh1")
        expect("refused", app("answer=typed", "passwd").codes(), [("passwd", AUTHTOK_ERR)])


@check
def passwd_preliminary():
    """the preliminary check says whose user it is before anything is asked"""
    stack()
    for action, code in ((done(UNKNOWN, how=begin), USER_UNKNOWN),
                         (done(DENIED, how=begin), PERM_DENIED),
                         (Error("org.um1.Error.AccessDenied"), PERM_DENIED),
                         ("close", AUTHINFO_UNAVAIL)):
        with FakeUmd(BUS, lambda call, action=action: action) as umd:
            run = app("answer=x", "passwd")
            expect("code", run.codes(), [("passwd", code)])
            expect("connections", umd.connections, 1)
            expect("asked", run.conv(), [])
    expect("no umd", app("passwd").codes(), [("passwd", AUTHINFO_UNAVAIL)])


@check
def answers():
    """conversations that give nothing, too much or break off end in a failure (catalogue 20)"""
    stack()
    with FakeUmd(BUS, good(b"x" * 511)) as umd:
        for answer, code, sent in (
                ("@null", AUTH_ERR, None), ("", AUTH_ERR, None), ("@err", CONV_ERR, None),
                ("@again", CONV_ERR, None), ("@errwith:secret", CONV_ERR, None),
                ("@len:510", AUTH_ERR, 510), ("@len:511", SUCCESS, 511), ("@len:512", AUTH_ERR, None),
                ("@len:513", AUTH_ERR, None),
                ("@len:65536", AUTH_ERR, None), ("@nul", AUTH_ERR, 6)):
            umd.calls.clear()
            run = app("answer=" + answer, "auth")
            expect(answer, run.codes(), [("auth", code)])
            expect(answer + " sent", [len(c.answer) for c in umd.calls[1:]],
                   [] if sent is None else [sent])
    for answer, code in (("@null", AUTHTOK_ERR), ("@err", CONV_ERR), ("@len:512", AUTHTOK_ERR)):
        with FakeUmd(BUS, steps(ask("New: ", "new-password", how=begin), done(ALLOW))):
            expect(answer, app("answer=" + answer, "passwd").codes(), [("passwd", code)])
    stack("use_first_pass", before="authtok=" + "y" * 512)
    with FakeUmd(BUS, good(b"y" * 511)):
        expect("an item of 512", app("auth").codes(), [("auth", AUTH_ERR)])


@check
def empty_proves_nothing():
    """an empty password is not sent, whatever is behind the socket; another answer may be empty"""
    stack()
    with FakeUmd(BUS, steps(ask(how=begin), done(ALLOW))):
        expect("password", app("answer=", "auth").codes(), [("auth", AUTH_ERR)])
    with FakeUmd(BUS, steps(ask("Which? ", "choice", ASK_SHOWN, begin), done(ALLOW))):
        expect("choice", app("answer=", "auth").codes(), [("auth", SUCCESS)])


@check
def nothing_may_be_the_answer():
    """where umd takes nothing for "I forgot it" nothing is sent, once asked, and kept for nobody"""
    offered = begin(ASK_HIDDEN, "Password: ", ("secret", "s", "password"), ("empty", "b", True))
    stack(after="print return=0")
    with FakeUmd(BUS, steps(offered, ask("Code: ", "code", ASK_SHOWN), ask(), done(ALLOW))) as umd:
        run = app("answer=", "answer=reset", "answer=secret", "auth")
        expect("sent", [c.answer for c in umd.calls[1:]], [b"", b"reset", b"secret"])
    expect("code", run.codes(), [("auth", SUCCESS)])
    with FakeUmd(BUS, steps(offered, done(ALLOW))):
        run = app("answer=", "auth")
    expect("items", run.probe(), ["user=alice", "authtok=(none)", "oldauthtok=(none)"])
    stack()
    for answer in ("@null", "@err"):
        with FakeUmd(BUS, steps(offered, done(ALLOW))) as umd:
            expect_true(answer, app("answer=" + answer, "auth").codes() != [("auth", SUCCESS)])
            expect("sent", umd.calls[1:], [])
    stack("try_first_pass", before="authtok=first")  # an item answers once
    with FakeUmd(BUS, steps(offered, ask("Code: ", "code", ASK_SHOWN), ask(), done(ALLOW))) as umd:
        app("answer=reset", "answer=secret", "auth")
        expect("sent", [c.answer for c in umd.calls[1:]], [b"first", b"reset", b"secret"])


@check
def setcred_alone():
    """setcred asks nobody: success for who is not local, also with no umd"""
    stack()
    words = ["setcred", "delcred", "close"]
    expect("no umd", app(*words).codes(), [(word, SUCCESS) for word in words])
    with FakeUmd(BUS, good()) as umd:
        expect("codes", app(*words).codes(), [(word, SUCCESS) for word in words])
        expect("connections", umd.connections, 0)


@check
def hidden_is_hidden():
    """ask-hidden is PAM_PROMPT_ECHO_OFF, ask-shown PAM_PROMPT_ECHO_ON"""
    stack()
    with FakeUmd(BUS, steps(ask("h", kind=ASK_HIDDEN, how=begin), ask("s", "code", ASK_SHOWN),
                            done(ALLOW))):
        expect("styles", app("answer=a", "answer=b", "auth").conv(), ["1 h", "2 s"])
