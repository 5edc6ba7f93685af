# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lines of sudoers that umd puts beside the map for um-helper: with each change, with each end, and not at all of anybody
who may not come in.  Here umd runs without its helper; tests/lab/test_sudo.sh has both, and the real sudo."""

import os
import re
import subprocess
import tempfile
import time

from daemon import USER, Daemon, until

HEAD = "# Written by um, and written anew with each change: see umctl sudo list.\n"
ID = "alice ALL=(root) PASSWD: /usr/bin/id -u\n"

checks = []


def check(function):
    checks.append(function)
    return function


def same(got, wanted):
    assert got == wanted, f"{got!r}, not {wanted!r}"


def lines(umd):
    path = umd.run / "map.d/sudoers"
    same((path.stat().st_mode & 0o777, path.stat().st_uid), (0o600, umd.uid))
    text = path.read_text()
    assert text.startswith(HEAD), text
    return text[len(HEAD):]


def sudo(umd, member, name, **fields):
    kinds = {"commands": "as", "no_password": "b", "allow_broad": "b"}
    return umd.call("/org/um1", "org.um1.Sudo", member, "sa{sv}a{sv}", name, {k: (kinds.get(k, "s"), v) for k, v in fields.items()}, {})


def role(umd, member, name, **lists):
    return umd.call("/org/um1", "org.um1.Role", member, "sa{sv}a{sv}", name, {k: ("as", v) for k, v in lists.items()}, {})


def grant(umd, user, name, member="Grant", **times):
    return umd.call("/org/um1", "org.um1.Role", member, "ssa{sv}a{sv}", user, name, {k: ("t", v) for k, v in times.items()}, {})


def step(umd, member, *args):
    return umd.call("/org/um1/user/alice", USER, member, *(args or ("a{sv}", {})))


def settled(umd):
    """alice may run id, by the role ops."""
    umd.create("alice", email="alice@example.org")
    sudo(umd, "Add", "web", commands=["/usr/bin/id -u"])
    role(umd, "Add", "ops", permit=["sudo.web"])
    grant(umd, "alice", "ops")
    same(lines(umd), ID)


@check
def sudo_lines_follow_each_change():
    with Daemon() as umd:
        umd.start()
        same(lines(umd), "")
        settled(umd)
        sudo(umd, "Set", "web", commands=["+/usr/bin/uptime"], run_as="daemon", no_password=True)
        same(lines(umd), "alice ALL=(daemon) NOPASSWD: /usr/bin/id -u, /usr/bin/uptime \"\"\n")
        sudo(umd, "Set", "web", commands=["/usr/bin/id -u"], run_as="root", no_password=False)
        for there, back in (("Suspend", "Resume"), ("Disable", "Enable"), ("Lock", "Unlock"), ("Delete", "Restore")):
            step(umd, there, *(("ta{sv}", 2**64 - 1, {}) if there == "Suspend" else ()))
            same(lines(umd), "")
            step(umd, back)
            if back == "Restore":
                same(lines(umd), "")
                step(umd, "Enable")
            same(lines(umd), ID)
        umd.local("passwd", "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n")
        until(lambda: lines(umd) == "")
        umd.local("passwd", "root:x:0:0:root:/root:/bin/sh\n")
        until(lambda: lines(umd) == ID)
        role(umd, "Set", "ops", permit=["user.view"])
        same(lines(umd), "")
        role(umd, "Set", "ops", permit=["sudo.*"])
        same(lines(umd), "alice ALL=(ALL:ALL) PASSWD: ALL\n")
        umd.stop()
        umd.start()
        same(lines(umd), "alice ALL=(ALL:ALL) PASSWD: ALL\n")
        same(umd.status()["sudo_ok"], True)


@check
def sudo_lines_begin_and_end_by_themselves():
    with Daemon(4242) as umd:
        umd.start()
        settled(umd)
        now = time.time_ns() // 1000
        grant(umd, "alice", "ops", until=now + 400000)
        assert re.fullmatch(r"alice ALL=\(root\) NOTAFTER=[0-9]{14}Z PASSWD: /usr/bin/id -u\n", lines(umd)), lines(umd)
        until(lambda: lines(umd) == "")
        assert 0 <= time.time_ns() // 1000 - now - 400000 < 1000000
        now = time.time_ns() // 1000
        grant(umd, "alice", "ops", **{"from": now + 300000})
        same(lines(umd), "")
        until(lambda: lines(umd) == ID)
        assert 0 <= time.time_ns() // 1000 - now - 300000 < 1000000


@check
def sudo_takes_whatever_lines_there_are():
    """Of many users, groups and ends visudo takes each."""
    with Daemon() as umd:
        umd.start()
        for i in range(4):
            sudo(umd, "Add", f"g{i}", commands=[f"/usr/bin/c{i} a{i},b:c=d\\e ?", f"/usr/bin/d{i}"], no_password=bool(i % 2))
            role(umd, "Add", f"r{i}", permit=[f"sudo.g{i}"])
        for i in range(12):
            umd.create(f"u{i}-_x")
            grant(umd, f"u{i}-_x", f"r{i % 4}", until=time.time_ns() // 1000 + 3600 * 10**6 * (1 + i % 3))
        with tempfile.NamedTemporaryFile() as file:
            file.write((umd.run / "map.d/sudoers").read_bytes())
            file.flush()
            os.chmod(file.name, 0o440)
            subprocess.run(["/usr/sbin/visudo", "-cqf", file.name], check=True, capture_output=True)
        same(len(lines(umd).splitlines()), 12)
