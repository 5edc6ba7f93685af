# SPDX-License-Identifier: LGPL-2.1-or-later
"""A umd of its own for a test, with a private system bus, in a temporary folder; and the counting of
checks."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import raw

ROOT = "/org/um1"
ERRORS = "org.um1.Error."
HERE = os.path.dirname(os.path.abspath(__file__))

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow send_type="signal"/>
    <allow eavesdrop="true"/>
  </policy>
</busconfig>
"""


class Checks:
    passed = failed = 0

    def check(self, title, good, detail=""):
        if good:
            self.passed += 1
            print(f"ok   {title}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL {title}{': ' + str(detail) if detail != '' else ''}", flush=True)
        return good

    def same(self, title, wanted, got):
        return self.check(title, wanted == got, f"wanted {wanted!r}, got {got!r}")


def until(condition, seconds=10.0):
    """Polls; the value that was true, or the last one."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() >= end:
            return value
        time.sleep(0.02)


class Umd:
    """Start with `with`; .socket is the private socket, .system the system bus's path."""

    def __init__(self, build, nofile=None):
        self.build, self.nofile = build, nofile
        self.dir = tempfile.mkdtemp(prefix="um-bus-")
        os.chmod(self.dir, 0o755)
        self.socket, self.system = self.dir + "/run/bus", self.dir + "/system"
        self.log = self.dir + "/log"
        self.process = self.dbus = None

    def __enter__(self):
        etc = self.dir + "/etc"
        os.mkdir(etc)
        for name, line in (("passwd", "root:x:0:0:root:/root:/bin/bash\n"), ("group", "root:x:0:\n"),
                           ("subuid", ""), ("subgid", "")):
            with open(f"{etc}/{name}", "w", encoding="ascii") as f:
                f.write(line)
        os.mkdir(self.dir + "/run", 0o755)
        os.mkdir(self.dir + "/state", 0o700)
        os.mkdir(self.dir + "/state/vault", 0o700)
        with open(self.dir + "/state/vault/cost", "w", encoding="ascii") as f:
            f.write("yescrypt j9T\n")  # else um-vault would measure
        try:
            self.start_system_bus()
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start_system_bus(self):
        with open(self.dir + "/bus.conf", "w", encoding="ascii") as f:
            f.write(BUS_CONFIG.format(path=self.system))
        # dbus-daemon refuses uids without a passwd entry; um's are not the host's, so it gets its own.
        with open("/etc/passwd", encoding="utf-8") as f:
            lines = f.read()
        with open(self.dir + "/passwd", "w", encoding="utf-8") as f:
            f.write(lines + "".join(f"t{uid}:x:{uid}:{uid}::/:/bin/false\n"
                                    for uid in (OUTSIDER, *range(65536, 65600))))
        self.dbus = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", 'mount --bind "$1" /etc/passwd && exec dbus-daemon --nofork '
             '--config-file "$2"', "sh", self.dir + "/passwd", self.dir + "/bus.conf"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not until(lambda: os.path.exists(self.system)):
            raise RuntimeError("dbus-daemon did not start")

    def start(self):
        command = [f"{self.build}/umd/umd", "--state-dir", self.dir + "/state", "--runtime-dir",
                   self.dir + "/run", "--etc", self.dir + "/etc", "--no-helper", "--vault",
                   f"{self.build}/um_vault/um-vault", "--quality", f"{self.build}/um_quality/um-quality",
                   "--notify", f"{self.build}/um_notify/um-notify", "--system-bus", "unix:path=" + self.system]
        if self.nofile:
            command = ["prlimit", f"--nofile={self.nofile}", *command]
        # what a sanitizer keeps back would look like memory that grows
        environment = {**os.environ, "ASAN_OPTIONS": "quarantine_size_mb=1:thread_local_quarantine_size_kb=64",
                       "UBSAN_OPTIONS": "print_stacktrace=1"}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env=environment)
        if not until(self.answers, 20):
            raise RuntimeError("umd does not serve:\n" + self.log_text())

    def end(self, number):
        """Ends umd alone, by that signal."""
        self.process.send_signal(number)
        self.process.wait(20)

    def restart(self, number=signal.SIGTERM):
        self.end(number)
        self.start()

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError("umd ended:\n" + self.log_text())
        try:
            with self.peer() as peer:
                return peer.call(ROOT, "org.um1.Manager", "Status").error is None
        except (OSError, raw.Closed, AssertionError):
            return False

    def log_text(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def peer(self, uid=0, descriptors=True):
        return raw.Peer(self.socket, uid).begin(descriptors)

    def bus(self, uid=0):
        """A client of the private system bus."""
        peer = raw.Peer(self.system, uid).begin()
        driver = "org.freedesktop.DBus"
        peer.name = peer.call("/org/freedesktop/DBus", driver, "Hello", destination=driver).args[0]
        return peer

    def owns_name(self):
        driver = "org.freedesktop.DBus"
        try:
            with self.bus() as bus:
                return bus.call("/org/freedesktop/DBus", driver, "NameHasOwner", "s", "org.um1",
                                destination=driver).args[0]
        except (OSError, raw.Closed):
            return False

    def fds(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def rss(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            for line in f:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        return 0

    def store_bytes(self):
        """What the store takes on disk: its file is sparse."""
        return os.stat(self.dir + "/state/data.mdb").st_blocks * 512

    def alive(self):
        return self.process.poll() is None

    def stop(self):
        for process in (self.process, self.dbus):
            if process and process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


# Some people: alice, bob and olga, who owns the group devs. 4242 is nobody of um's.
OUTSIDER = 4242


class People:
    def __init__(self, umd):
        self.uid = {"root": 0, "outsider": OUTSIDER}
        with umd.peer() as root:
            for name in ("alice", "bob", "olga"):
                reply = root.call(ROOT, "org.um1.Manager", "CreateUser", "sa{sv}a{sv}", name,
                                  {"full_name": ("s", name.title() + " Example")}, {}, timeout=30)
                if reply.error:
                    raise RuntimeError(f"CreateUser {name}: {reply.error}: {reply.text}")
                self.uid[name] = reply.args[1]
            reply = root.call(ROOT, "org.um1.Manager", "CreateGroup", "sa{sv}a{sv}", "devs",
                              {"owners": ("as", ["olga"])}, {}, timeout=30)
            if reply.error:
                raise RuntimeError(f"CreateGroup: {reply.error}: {reply.text}")
            self.gid = reply.args[1]


def finish(checks):
    print(f"{checks.passed} passed, {checks.failed} failed", flush=True)
    sys.exit(1 if checks.failed else 0)
