# SPDX-License-Identifier: LGPL-2.1-or-later
"""Service accounts: um-api between a client as it comes and the real umd, and what sshd is told of their keys.
api_at and keys_at are um-api and um-authorized-keys but for the paths, which those take from nobody."""

import os
import signal
import socket
import subprocess
import time

import keys
import raw
from daemon import BUILD, MANAGER, USER, Daemon

KEYS_UID = 61234  # the local user um-keys
OTHER_UID = 4242  # an unprivileged uid nobody has
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAJy9Bqisl0a82lzXptklP/7vkZ6Vtz2EKq5zZAsKn0E"
FINGERPRINT = "SHA256:hCtJ7TcnP64jp6tYDfFw84Vdpyq55IgRCGZFGy6FmSE"
LINE = f'restrict,command="/usr/libexec/um/um-api" {KEY}\n'

checks = []


def check(function):
    checks.append(function)
    return function


def same(got, wanted):
    assert got == wanted, f"{got!r}, not {wanted!r}"


def served(umd, **fields):
    """It has an account svc, whose uid is umd.svc: uids that processes have are passed over."""
    umd.local("passwd", f"root:x:0:0:root:/root:/bin/sh\num-keys:x:{KEYS_UID}:{KEYS_UID}::/nonexistent:/usr/sbin/nologin\n")
    umd.start()
    fields = {"kind": ("s", "service"), "email": ("s", "ops@acme.example"), "role": ("s", "integration"), **fields}
    umd.svc = umd.call("/org/um1", MANAGER, "CreateUser", "sa{sv}a{sv}", "svc", fields, {})[1]
    umd.call("/org/um1", "org.um1.Role", "Add", "sa{sv}a{sv}", "own-profile", {"permit": ("as", ["self.profile.edit"])}, {})
    umd.call("/org/um1", "org.um1.Role", "Grant", "ssa{sv}a{sv}", "svc", "own-profile", {}, {})
    umd.call("/org/um1/user/svc", USER, "AddKey", "sa{sv}a{sv}", KEY, {}, {})
    return umd


def run_as(uid, *argv):
    return subprocess.run(["/usr/bin/setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--", *map(str, argv)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)


# Looking for leaks takes another process, which um-api's sandbox forbids.
NO_LEAKS = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}


class Api(raw.Peer):
    """A connection through um-api, started as that uid and told of another."""

    def __init__(self, umd, uid):  # pylint: disable=super-init-not-called
        self.uid, self.serial, self.data, self.fds, self.signals = OTHER_UID, 0, bytearray(), [], []
        self.sock, theirs = socket.socketpair()
        self.process = subprocess.Popen(["/usr/bin/setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--",
                                         str(BUILD / "tests/umd/api_at"), str(umd.bus), str(umd.map.parent)],
                                        stdin=theirs, stdout=theirs, env=NO_LEAKS)
        theirs.close()
        self.begin(descriptors=False)

    def close(self):
        super().close()
        same(self.process.wait(10), 0)


def phone(peer):
    return peer.call("/org/um1/user/svc", USER, "Update", "a{sv}a{sv}", {"phone": ("s", f"+49 30 {time.monotonic_ns()}")}, {})


def own(peer):
    return peer.call("/org/um1/user/svc", raw.PROPERTIES, "GetAll", "s", USER)


@check
def um_api_speaks_for_the_uid_it_has_and_for_no_other():
    with served(Daemon()) as umd, Api(umd, umd.svc) as api, Api(umd, OTHER_UID) as other:
        same(own(api).args[0]["Name"], "svc")
        same(phone(api).error, None)
        same(own(other).error, "org.um1.Error.AccessDenied")
        same(api.call("/org/um1", MANAGER, "CreateUser", "sa{sv}a{sv}", "eve", {}, {}).error, "org.um1.Error.AccessDenied")
        for _ in range(100):  # many in one, as they come
            api.send_call("/org/um1", MANAGER, "Status")
        same([api.message().error for _ in range(100)], [None] * 100)


@check
def clients_as_they_come_speak_through_it():
    with served(Daemon()) as umd:
        at = f"{BUILD}/tests/umd/api_at,argv%d={umd.bus},argv%d={umd.map.parent}"
        run = run_as(umd.svc, "busctl", "--address=unixexec:path=" + at % (1, 2), "call", "org.um1", "/org/um1", MANAGER,
                     "GetUserByName", "s", "svc")
        same((run.stdout, run.returncode), ('o "/org/um1/user/svc"\n', 0))
        # libdbus says which uid it has itself, here root's
        switch = f"/usr/bin/setpriv,argv1=--reuid,argv2={umd.svc},argv3=--clear-groups,argv4=" + at % (5, 6)
        run = run_as(0, "dbus-send", "--bus=unixexec:path=" + switch, "--print-reply=literal", "--dest=org.um1", "/org/um1",
                     MANAGER + ".GetUserByName", "string:svc")
        same((run.stdout.strip(), run.returncode), ("/org/um1/user/svc", 0))
        run = run_as(umd.svc, BUILD / "tests/umd/api_at", umd.bus, umd.map.parent)
        same((run.stdout, run.returncode), ("", 1))
        assert "speaks D-Bus" in run.stderr, run.stderr


@check
def one_that_may_not_act_is_refused_on_an_open_connection_too():
    changes = (("Suspend", "ta{sv}", 2**64 - 1, {}), ("Lock", "a{sv}", {}), ("Disable", "a{sv}", {}))
    undone = ("Resume", "Unlock", "Enable")
    with served(Daemon()) as umd, Api(umd, umd.svc) as api, umd.peer(umd.svc) as unit:
        same(own(api).error, None)
        for change, undo in zip(changes, undone):
            umd.call("/org/um1/user/svc", USER, *change)
            for peer in api, unit:
                same(own(peer).error, "org.um1.Error.AccessDenied")
                same(phone(peer).error, "org.um1.Error.AccessDenied")
            umd.call("/org/um1/user/svc", USER, undo, "a{sv}", {})
            same((own(api).error, phone(unit).error), (None, None))
        umd.call("/org/um1/user/svc", USER, "Update", "a{sv}a{sv}", {"valid_until": ("t", int(time.time() * 1e6) + 300000)}, {})
        time.sleep(0.4)
        same(own(api).error, "org.um1.Error.AccessDenied")


@check
def one_that_only_reads_changes_nothing():
    with served(Daemon(), read_only=("b", True)) as umd, Api(umd, umd.svc) as api:
        same(own(api).args[0]["ReadOnly"], True)
        same(phone(api).error, "org.um1.Error.AccessDenied")


@check
def sshd_is_told_of_keys_by_the_user_um_keys():
    def told(uid, user, fingerprint=FINGERPRINT):
        run = run_as(uid, BUILD / "tests/umd/keys_at", umd.bus, umd.map.parent, umd.etc / "passwd", user, fingerprint)
        return run.stdout, run.returncode

    with served(Daemon()) as umd:
        umd.create("alice")
        same(told(KEYS_UID, "svc"), (LINE, 0))
        same(told(0, "svc"), (LINE, 0))
        for uid in umd.svc, OTHER_UID:
            same(told(uid, "svc"), ("", 1))
        same(told(KEYS_UID, "alice"), ("", 0))
        same(told(KEYS_UID, "svc", "SHA256:" + "A" * 43), ("", 0))
        same(told(KEYS_UID, "svc", "MD5:" + "00:" * 15 + "00"), ("", 0))
        umd.call("/org/um1/user/alice", USER, "Delete", "a{sv}", {})
        same(told(KEYS_UID, "nobody_here"), ("", 0))
        umd.send(signal.SIGSTOP)
        began = time.monotonic()
        same(told(KEYS_UID, "um-keys"), ("", 0))  # of a local user nobody is asked
        assert time.monotonic() - began < 0.5
        same(told(KEYS_UID, "svc"), ("", 1))
        assert time.monotonic() - began < 2, "no deadline"
        umd.send(signal.SIGCONT)
        same(told(KEYS_UID, "svc"), (LINE, 0))
        umd.local("passwd", f"um-keys:x:{KEYS_UID}:1::/:/\nsvc:x:4711:4711::/:/bin/sh\n")
        same(told(KEYS_UID, "svc"), ("", 0))  # somebody made a local user of that name


@check
def a_session_of_one_is_its_keys_alone():
    def opened(auth_info):
        context = {"user": ("s", "svc"), "service": ("s", "sshd"), "auth-info": ("s", auth_info)}
        with umd.peer() as root:
            reply = root.call("/org/um1", "org.um1.Login", "OpenSession", "a{sv}s", context, "", timeout=30)
            for fd in reply.fds:
                os.close(fd)
            return tuple(reply.args[:2])

    with served(Daemon()) as umd:
        same(opened(keys.line(KEY)), (1, "none"))
        same(opened(keys.line(keys.SK)), (3, "device-unknown"))
        same(opened(""), (3, "device-required"))
