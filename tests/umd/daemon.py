# SPDX-License-Identifier: LGPL-2.1-or-later
"""A umd of its own in a temporary directory, as root or as another uid, and what a test asks of it."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "bus"))
import raw  # noqa: E402

BUILD = pathlib.Path(os.environ["UM_BUILD"]).resolve()
UMD, VAULT, QUALITY = BUILD / "umd/umd", BUILD / "um_vault/um-vault", BUILD / "um_quality/um-quality"
NOTIFY = BUILD / "um_notify/um-notify"
FIDO = BUILD / "tests/fido/um-fido-soft"  # its keys are sockets (tests/fido/softkey.py), in UM_TEST_TOKENS
# The first uid given out: where no process of another test, a container's for example, holds ids (umd leaves out those).
# Suites and builds run side by side, and some run programs as the users they make.
FIRST = int(os.environ.get("UM_TEST_FIRST_UID", {"umctl": 2010000000}.get(pathlib.Path(sys.argv[0]).resolve().parent.name, 2000000000)))
MANAGER, USER = "org.um1.Manager", "org.um1.User"


class Refused(Exception):
    """An error reply: its name without org.um1.Error., its text."""

    def __init__(self, message):
        super().__init__(f"{message.error}: {message.text}")
        self.name, self.text = message.error.replace("org.um1.Error.", ""), message.text


def until(what, seconds=10.0):
    """The first true value of what(), within the time."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what.__name__}")
        time.sleep(0.01)


class Daemon:
    def __init__(self, uid=0):
        self.uid = uid
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="um-test-umd-"))
        self.state, self.run, self.etc = self.dir / "state", self.dir / "run", self.dir / "etc"
        self.map, self.bus, self.config = self.run / "map.d/map", self.run / "bus", self.dir / "um.conf"
        self.sshd_pid = self.dir / "sshd.pid"  # sshd's settings are in etc/ssh, and there are none
        self.etc.mkdir()
        self.local("passwd", "root:x:0:0:root:/root:/bin/sh\n")
        self.local("group", "root:x:0:\n")
        self.config.write_text(f"uid-range = {FIRST}-2147483646\n")
        self.process, self.log = None, self.dir / "log"
        for path in (self.dir, self.etc, self.config, *self.etc.iterdir()):
            os.chown(path, uid, uid)
        self.dir.chmod(0o755)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind and self.log.exists():
            print("\n".join(f"     | {line}" for line in self.said().splitlines()[-40:]))
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.dir)

    def local(self, name, text):
        """Replaces DIR/etc/NAME as useradd(8) does."""
        new = self.etc / f".{name}.new"
        new.write_text(text)
        new.chmod(0o644)
        new.rename(self.etc / name)

    def command(self, *options):
        argv = ["--state-dir", self.state, "--runtime-dir", self.run, "--etc", self.etc, "--config", self.config,
                "--vault", VAULT, "--quality", QUALITY, "--notify", NOTIFY, "--fido", FIDO, "--no-helper", "--sshd-pid", self.sshd_pid,
                *options]
        if self.uid:
            argv = ["/usr/bin/setpriv", "--reuid", self.uid, "--regid", self.uid, "--clear-groups", UMD, *argv]
        else:
            argv = [UMD, *argv]
        return [str(a) for a in argv]

    def fix_cost(self):
        """Before the first start: um-vault need not measure what a hash has to cost."""
        if not self.state.exists():
            vault = self.state / "vault"
            for path in self.state, vault:
                path.mkdir(mode=0o700)
            (vault / "cost").write_text("yescrypt j9T\n")
            for path in self.state, vault, vault / "cost":
                os.chown(path, self.uid, self.uid)

    def launch(self, *options, **more):
        """Starts it and does not wait."""
        self.fix_cost()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(*options), stderr=log, stdin=subprocess.DEVNULL,
                                            cwd="/", **more)
        return self

    def start(self, *options, **more):
        """Starts it and waits until it serves; seconds that took are in self.took."""
        began = time.monotonic()
        self.log.write_bytes(b"")
        self.launch(*options, **more)

        def serves():
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.said()}"
            return "serves after" in self.said()

        until(serves, 60)
        self.took = time.monotonic() - began
        return self

    def said(self):
        return self.log.read_text(errors="replace")

    def send(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM):
        """The exit status; minus the signal's number where it did not end by itself."""
        self.send(number)
        return self.process.wait(30)

    def child_pid(self, name):
        """The child that runs the program of that name, or None."""
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        pids = [int(pid) for pid in pathlib.Path(children).read_text().split()]
        named = [pid for pid in pids if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == name]
        return named[0] if named else None

    def vault_pid(self):
        return self.child_pid("um-vault")

    # ---- over the private socket -----------------------------------------------------------------

    def peer(self, uid=0):
        return raw.Peer(str(self.bus), uid).begin()

    def call(self, *args, peer=None):
        """One call; the reply's values, or Refused."""
        own = peer or self.peer()
        try:
            message = own.call(*args)
        finally:
            if not peer:
                own.close()
        if message.error:
            raise Refused(message)
        return message.args

    def create(self, name, peer=None, **fields):
        """CreateUser; the uid."""
        fields = {key: ("s", value) for key, value in fields.items()}
        return self.call("/org/um1", MANAGER, "CreateUser", "sa{sv}a{sv}", name, fields, {}, peer=peer)[1]

    def status(self):
        return self.call("/org/um1", MANAGER, "Status")[0]

    # ---- the map -----------------------------------------------------------------------------------

    def shown(self, name, kind="user"):
        """The entry as the map has it, None where it says there is none, "no map" without one."""
        run = subprocess.run([BUILD / "tests/umd/map_show", self.map, kind, name], capture_output=True, text=True,
                             check=False)
        assert run.returncode in (0, 2, 3), f"the map is broken: {run.returncode}"
        return {0: run.stdout.strip(), 2: None, 3: "no map"}[run.returncode]
