# SPDX-License-Identifier: LGPL-2.1-or-later
"""The process pam_um runs in: memory that runs dry, signals, descriptors, the environment."""
import subprocess

from fakeumd import (ALLOW, ASK_SHOWN, BAD_PROOF, DENIED, SHOW, FakeUmd, Socketpair, ask, begin, done, outcome,
                     session)
from checks_contract import good
from harness import (AUTHINFO_UNAVAIL, BUS, FULL, PAM_UM, SUCCESS, app, check, expect,
                     expect_true, plain_only, stack)


# A success after one of these is right: without a lookup umd is only told less (flag 8), and what
# sd_bus_start would like to know of the peer beyond its uid nobody here asks for.
HARMLESS = ("pam_modutil_getpwnam", "sd_bus_start")


def oom(*words):
    """Fails each allocation of the last of these phases in turn.  Whatever fails inside pam_um ends
    in a failure of the phase and leaves nothing behind; libpam's and libc's own are theirs."""
    stack()
    with FakeUmd(BUS, story_by_operation):
        run = app("oom", "answer=secret", "answer=secret", "answer=secret", *words, shim=True,
                  timeout=170)
    bad = [line for line in run.lines if "pam_um.so" in line and
           ("LEAKED" in line or ("CODE" in line and not any(h in line for h in HARMLESS)))]
    expect("after a failed allocation", bad[:20], [])
    expect_true("the loop ended in a success", "oom-end 0" in run.lines)
    count = int(next(line.split()[1] for line in run.lines if line.startswith("oom-count")))
    expect_true(f"allocations that failed: {count}", count > 20)


def story_by_operation(call):
    operations = story_by_operation.operations
    if call.member == "Begin":
        operations[call.connection] = call.context["operation"]
        if call.context["operation"] == "authenticate":
            return begin(SHOW, "hello")
        return ask("Current: ", how=begin)
    if call.member == "Answer":
        if operations[call.connection] == "authenticate":
            return [None, ask(), ask("Code: ", "code", ASK_SHOWN), done(ALLOW, "bye")][call.serial]
        return [None, ask("New: ", "new-password"), ask("Again: ", "new-password-again"),
                done(ALLOW)][call.serial]
    if call.member == "Authorize":
        return outcome(ALLOW, "text")
    return session(ALLOW, "text", Socketpair().theirs())


story_by_operation.operations = {}


@check
@plain_only
def oom_auth():
    """each allocation of pam_authenticate fails in turn (catalogue 18)"""
    oom("auth")


@check
@plain_only
def oom_acct():
    """each allocation of pam_acct_mgmt fails in turn"""
    oom("acct")


@check
@plain_only
def oom_open():
    """each allocation of pam_open_session fails in turn"""
    oom("open")


@check
@plain_only
def oom_passwd():
    """each allocation of pam_chauthtok fails in turn"""
    oom("passwd")


@check
@plain_only
def oom_refused():
    """with a umd that denies, no allocation that fails makes a success of it"""
    stack(after="return=0")
    with FakeUmd(BUS, lambda call: ask(how=begin) if call.member == "Begin" else
                 done(DENIED) if call.member == "Answer" else outcome(DENIED)):
        for word in ("auth", "acct"):
            run = app("oom", "answer=secret", word, shim=True, keeps=False)
            expect("successes", [line for line in run.lines if "CODE" in line], [])
            expect_true("denied at the end", "oom-end 6" in run.lines)


@check
def signals():
    """applications that reap, ignore SIGCHLD, or get a signal each millisecond (catalogue 111)"""
    stack()
    with FakeUmd(BUS, good()):
        for setup in ("reap", "sigign", "alarm"):
            run = app(setup, "times=20", "answer=secret", "auth", "acct", "setcred", "open", "close")
            expect(setup, {c for _, c in run.codes()}, {SUCCESS})
            expect(setup, len(run.codes()), 100)


@check
def dies_mid_write():
    """umd dies while a request is being written: no SIGPIPE, the application lives on"""
    stack()

    class Dying(FakeUmd):
        def messages(self, peer, number, data):
            peer.close()
    with Dying(BUS, None):
        run = app("times=100", "putenv=SSH_AUTH_INFO_0=" + "k" * 60000, "acct")
    expect("codes", run.codes("acct"), [AUTHINFO_UNAVAIL] * 100)


@check
@plain_only  # what a forked child gives up is no leak
def connection_kept():
    """account goes on with authenticate's connection only in that process, as that uid, while it is
    still there; a descriptor that became another's is neither written to nor closed"""
    stack()
    for word in ("fork", "euid=700001", "reuse-fds"):
        with FakeUmd(BUS, good()) as umd:
            run = app("answer=secret", "auth", word, "acct", keeps=False)
        expect(word, run.codes(), [("auth", SUCCESS), ("acct", SUCCESS)])
        expect(word + ": connections", [c.connection for c in umd.calls], [0, 0, 1])
        told = [line for line in run.lines if line.startswith("written")]
        expect(word, told, ["written into another's: 0"] if word == "reuse-fds" else [])

    class Leaving(FakeUmd):
        """Hangs up behind each answer to Answer."""
        def act(self, peer, call, action):
            return super().act(peer, call, action) and call.member != "Answer"
    with Leaving(BUS, good()) as umd:
        run = app("times=20", "answer=secret", "auth", "await-hangup", "acct")
    expect("umd hung up", {c for _, c in run.codes()}, {SUCCESS})
    expect("connections", umd.connections, 40)
    with FakeUmd(BUS, good()) as umd:
        run = app("answer=secret", "answer=secret", "auth", "auth", "acct")
    expect("twice", [c.connection for c in umd.calls], [0, 0, 1, 1, 1])


@check
def stdio_closed():
    """with descriptors 0 to 2 closed the module never uses them (catalogue 105)"""
    stack()
    sessions = []
    with FakeUmd(BUS, good(sessions=sessions)) as umd:
        run = app("close-stdio", "answer=secret", "auth", "acct", "open", "fds", "close")
    expect("codes", [c for _, c in run.codes()], [0, 0, 0, 0])
    expect("stdio", [line for line in run.lines if line.startswith("stdio")], ["stdio closed"])
    expect("calls", len(umd.calls), 4)
    expect("open while it waits", [call.low for call in umd.calls], [[]] * 4)
    with FakeUmd(BUS, good()) as umd:
        app("answer=secret", "auth")
    expect("open otherwise", [call.low for call in umd.calls], [[0, 1, 2]] * 2)


@check
@plain_only
def descriptors():
    """a thousand logins leave no descriptor and no memory behind; exec closes the session's"""
    stack()
    with FakeUmd(BUS, good()):
        run = app("times=300", "answer=secret", "auth", "acct", "open", "close")
        expect("codes", {c for _, c in run.codes()}, {SUCCESS})
        run = app(f"times={10000 if FULL else 1000}", "acct", "rss")
        rss = [int(line.split()[1]) for line in run.lines if line.startswith("rss")]
        expect_true(f"memory: {rss[100]} KiB, then {rss[-1]}", rss[-1] - rss[100] < 512)
        run = app("open", "exec", "close")
        expect("open in a child", [line for line in run.lines if line.startswith("child")],
               ["child fds=0"])


@check
@plain_only
def environment():
    """no variable of the environment is read, and those that sd-bus knows have no effect"""
    stack()
    hostile = {name: "unix:path=/run/evil" for name in (
        "DBUS_SYSTEM_BUS_ADDRESS", "DBUS_SESSION_BUS_ADDRESS", "DBUS_STARTER_ADDRESS",
        "DBUS_STARTER_BUS_TYPE", "UM_SOCKET", "UM_RUNTIME_DIR", "NOTIFY_SOCKET")}
    hostile.update({"SYSTEMD_BUS_TIMEOUT": "1us", "SYSTEMD_LOG_LEVEL": "debug", "TZ": "/run/evil",
                    "SYSTEMD_LOG_TARGET": "console", "TMPDIR": "/run/evil", "UM_LOGIN_ID": "x" * 32,
                    "SSH_AUTH_INFO_0": "publickey evil", "XDG_RUNTIME_DIR": "/run/evil"})
    with FakeUmd(BUS, good()) as umd:
        run = app("oom=1000000000", "answer=secret", "auth", "acct", "open", "passwd", env=hostile,
                  shim=True)
        expect("codes", [c for _, c in run.codes()][:3], [SUCCESS] * 3)
        expect("variables read", sorted({line for line in run.lines if "getenv" in line}), [])
        expect("auth-info", [c.context.get("auth-info") for c in umd.calls if c.context],
               [None] * 5)
        run = app("ruid=2", "answer=secret", "acct", env=hostile)
        expect("as a setuid program", run.codes(), [("acct", SUCCESS)])


@check
@plain_only
def symbols():
    """six functions go out; nothing that forks, threads, signals, sleeps or reads the environment
    comes in"""
    def names(*flags):
        out = subprocess.run(["nm", "-D", *flags, PAM_UM], capture_output=True, text=True,
                             check=True).stdout
        return {line.split()[-1].split("@")[0] for line in out.splitlines() if line.split()}
    expect("exported", names("--defined-only"),
           {"pam_sm_" + f for f in ("authenticate", "setcred", "acct_mgmt", "chauthtok",
                                    "open_session", "close_session")})
    banned = {"fork", "vfork", "clone", "execve", "execv", "system", "popen", "posix_spawn",
              "pthread_create", "sigaction", "signal", "sigprocmask", "pthread_sigmask", "getenv",
              "secure_getenv", "sleep", "usleep", "nanosleep", "atexit", "__cxa_atexit",
              "pthread_key_create", "pthread_atfork", "__register_atfork", "setenv", "putenv",
              "setuid", "seteuid", "setresuid", "chdir", "umask", "setlocale", "waitpid"}
    expect("imported", names("--undefined-only") & banned, set())


@check
def secrets_in_the_log():
    """what was answered is in no log line, whatever went wrong, nor a name that is nobody's: people type passwords there"""
    from harness import Log
    stack("debug")
    with FakeUmd(BUS, lambda call: ask(how=begin) if call.member == "Begin" else "close"):
        app("answer=S3cretWord", "auth", user="s3cretname")
        app("answer=S3cretWord", "auth", user="elsewhere", shim=True)  # which is somebody's
    expect_true("it was logged", Log.has("no answer from umd for a name that nobody has"))
    expect_true("whose it was", Log.has("no answer from umd for elsewhere"))
    with FakeUmd(BUS, lambda call: done(BAD_PROOF, how=begin) if call.member == "Begin" else done(BAD_PROOF)):
        app("answer=S3cretWord", "auth", user="s3cretname")
    expect_true("so is a verdict", Log.has("verdict"))
    expect("secrets", [line for line in Log.lines if "s3cret" in line.lower()], [])
