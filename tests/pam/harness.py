# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the checks of tests/pam share: a world of their own each, the application, the verdict.

Each check runs in a process with a mount namespace of its own, a fresh tmpfs on /run and a
listener on /dev/log, so that pam_um's fixed socket path is real and nothing of the host is touched.
"""
import ctypes
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import traceback

SUCCESS, SYSTEM_ERR, BUF_ERR, PERM_DENIED, AUTH_ERR = 0, 4, 5, 6, 7
AUTHINFO_UNAVAIL, USER_UNKNOWN, NEW_AUTHTOK_REQD, ACCT_EXPIRED = 9, 10, 12, 13
CONV_ERR, AUTHTOK_ERR = 19, 20

BUS = "/run/um/bus"
MAP_DIR = "/run/um/map.d"
BUILD = os.environ.get("UM_BUILD", "")
PAM_UM = BUILD + "/pam_um/pam_um.so"
PROBE = BUILD + "/tests/pam/pam_probe.so"
SHIM = BUILD + "/tests/pam/pam_shim.so"
PHASES = ("auth", "acct", "setcred", "delcred", "open", "close", "passwd", "passwd-expired")
KEPT = "left signals=same fds=same threads=same environ=same"

CHECKS = []
FULL = os.environ.get("UM_TEST_FULL") == "1"


def check(function):
    """Registers a check; its name is its function's, its docstring the rule."""
    CHECKS.append(function)
    return function


def plain_only(function):
    """Not in the sanitizer build: the shim and the sanitizer both want to be malloc."""
    function.plain_only = True
    return function


def expect(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


def expect_true(what, value):
    if not value:
        raise AssertionError(what)


# ---- the world of one check ---------------------------------------------------------------------

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000


def mount(source, target, kind, flags=0):
    if libc.mount(source.encode(), target.encode(), kind, flags, None) < 0:
        raise OSError(ctypes.get_errno(), "mount " + target)


def bind(source, target):
    mount(source, target, None, MS_BIND)


def enter_world():
    if libc.unshare(CLONE_NEWNS) < 0:
        raise OSError(ctypes.get_errno(), "unshare")
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount("tmpfs", "/run", b"tmpfs")
    os.makedirs("/run/dev")
    subprocess.run("cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /run/dev/",
                   shell=True, check=True)
    bind("/run/dev", "/dev")
    os.makedirs(MAP_DIR)
    os.makedirs("/run/pam.d")
    for module in (PAM_UM, PROBE):  # where an application that is not root reaches them, too
        shutil.copy(module, "/run/")
    stack(service="other")  # libpam logs its absence with every login
    Log.start()


class Log:
    """What the modules wrote to syslog."""
    lines = []
    changed = threading.Condition()

    @classmethod
    def start(cls):
        cls.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        cls.socket.bind("/dev/log")
        os.chmod("/dev/log", 0o666)
        threading.Thread(target=cls.read, daemon=True).start()

    @classmethod
    def read(cls):
        while True:
            line = cls.socket.recv(65536).decode(errors="replace")
            with cls.changed:
                cls.lines.append(line)
                cls.changed.notify_all()

    @classmethod
    def has(cls, text, seconds=5):
        with cls.changed:
            return cls.changed.wait_for(lambda: any(text in line for line in cls.lines), seconds)


# ---- the application ----------------------------------------------------------------------------

def stack(options="", service="um", before="", after="", control="required"):
    """Writes a service: pam_um in all four facilities; before and after are lines of arguments for
    the probe module."""
    with open("/run/pam.d/" + service, "w", encoding="ascii") as f:
        for facility in ("auth", "account", "password", "session"):
            if before:
                f.write(f"{facility} optional /run/pam_probe.so {before}\n")
            f.write(f"{facility} {control} /run/pam_um.so {options}\n")
            if after:
                f.write(f"{facility} required /run/pam_probe.so {after}\n")


class Run:
    """What the application printed; seconds is what its slowest phase took."""

    def __init__(self, output):
        self.lines = output.splitlines()
        self.seconds = max([int(line[5:]) for line in self.lines if line.startswith("took ")],
                           default=0) / 1000

    def codes(self, phase=None):
        """(phase, code) in order, or the codes of one phase."""
        got = []
        for line in self.lines:
            word, _, rest = line.partition(" ")
            if word in PHASES and rest.isdigit():
                got.append((word, int(rest)))
        return [c for p, c in got if p == phase] if phase else got

    def conv(self):
        return [line[5:] for line in self.lines if line.startswith("conv ")]

    def env(self):
        return [line[4:] for line in self.lines if line.startswith("env ")]

    def probe(self):
        return [line[6:] for line in self.lines if line.startswith("probe ")]


def app(*words, user="alice", service="um", env=None, shim=False, keeps=True, timeout=60):
    """Runs the application; unless told otherwise it must have left its process as it was."""
    environment = {"PATH": "/usr/bin:/bin"}
    environment.update(env or {})
    if shim:
        environment["LD_PRELOAD"] = SHIM
    done = subprocess.run([BUILD + "/tests/pam/pam_app", "/run/pam.d", service, user, *words],
                          env=environment, capture_output=True, timeout=timeout, check=False)
    text = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
    if done.returncode != 0:
        raise AssertionError(f"app exited with {done.returncode}:\n{text}")
    run = Run(text)
    if keeps and KEPT not in run.lines:
        raise AssertionError("the process was not left as it was:\n" + text)
    return run


# ---- running them -------------------------------------------------------------------------------

def run_inside(name):
    """One check in a world of its own; the exit status is its verdict."""
    function = next(c for c in CHECKS if c.__name__ == name)
    enter_world()
    try:
        function()
    except Exception:  # pylint: disable=broad-except
        traceback.print_exc(limit=-3, file=sys.stdout)
        sys.stdout.flush()
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)  # threads of a hanging stand-in may be left


def run_one(function, build):
    """A verdict, and what was printed."""
    try:
        done = subprocess.run([sys.executable, sys.argv[0], "--one", function.__name__],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              env={**os.environ, "UM_BUILD": build},
                              timeout=1200 if FULL else 180)
    except subprocess.TimeoutExpired as e:
        return False, "took too long\n" + (e.stdout or b"").decode(errors="replace")
    return done.returncode == 0, done.stdout.decode(errors="replace")


def report(function, label, ok, text, msec):
    title = (function.__doc__ or function.__name__).strip().splitlines()[0]
    print(f"{'ok  ' if ok else 'FAIL'} {msec:6d} ms  {label}{function.__name__}: {title}")
    if text and (not ok or os.environ.get("UM_TEST_VERBOSE")):
        print("\n".join("     | " + line for line in text.splitlines()[-30:]))
    sys.stdout.flush()


def run_all(pattern, jobs=3):
    chosen = [c for c in CHECKS if pattern in c.__name__]
    queue = [(c, "", BUILD) for c in chosen]
    sanitized = os.environ.get("UM_BUILD_SAN")
    if sanitized:
        queue += [(c, "san ", sanitized) for c in chosen if not hasattr(c, "plain_only") and
                  c.__module__ in ("checks_contract", "checks_hostile")]
    verdicts, lock = [], threading.Lock()

    def work():
        while True:
            with lock:
                if not queue:
                    return
                function, label, build = queue.pop(0)
            start = time.monotonic()
            ok, text = run_one(function, build)
            with lock:
                verdicts.append(ok)
                report(function, label, ok, text, int((time.monotonic() - start) * 1000))

    threads = [threading.Thread(target=work) for _ in range(jobs)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    passed = sum(verdicts)
    print(f"{passed} passed, {len(verdicts) - passed} failed")
    return 0 if verdicts and passed == len(verdicts) else 1
