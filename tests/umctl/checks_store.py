# SPDX-License-Identifier: LGPL-2.1-or-later
"""umd alone opens the store (rule R13, catalogue 122): no umctl command opens it, whoever calls it."""

import pathlib
import re
import subprocess

import checks_device
import harness
from checks_help import overview
from harness import argv, check, environment, fresh, good

# A line strace writes of a call that names a file: the call, its arguments.
CALL = re.compile(r"^[0-9]+ +([a-z0-9_]+)\((.*)")
# What a verb needs to have happened before.
BEFORE = {"unlock": "lock", "resume": "suspend", "enable": "disable", "restore": "delete"}


def files_named(command, arguments):
    """The calls that name a file, of a run of umctl and of what it starts; and its exit status."""
    log = pathlib.Path("/run/strace")
    run = subprocess.run(["strace", "-f", "-qq", "-s", "4096", "-e", "trace=%file", "-o", log, *argv(command, arguments)],
                         input=stdin_for(command).encode(), capture_output=True, check=False, cwd="/", timeout=120, env=environment())
    calls = [match.groups() for match in map(CALL.match, log.read_text().splitlines()) if match]
    assert calls[0][0] == "execve" and "/run/lib/umctl" in calls[0][1], (command, run, calls[:3])
    return calls, run.returncode


def stdin_for(command):
    """What a verb reads: a public key, or a password."""
    return checks_device.key()[0] if command == "device add-key" else "Kettle drum 47 sparrows\n"


def arguments_for(command, usage):
    """A user or a group made for a verb that wants one."""
    noun, _, verb = command.partition(" ")
    known = {"ROLE": "self-service", "PERMISSION": "user.view"}
    if "USER" in usage.split():
        user = fresh()
        good("user add", user)
        if "FINGERPRINT" in usage.split():
            public, _, known["FINGERPRINT"] = checks_device.key()
            good("device add-key", user, stdin=public)
        return [user if word == "USER" else known[word] for word in usage.split()]
    if usage.strip() == "CHANGE":
        return [re.search(r"ch-\d+", good("user add", fresh())).group()]
    if "NAME" not in usage.split()[:1]:
        return []
    if noun == "policy":
        return ["lockout.attempts", "5"] if verb == "set" else ["lockout.attempts"]
    name = fresh()
    needed = ["--type", "flag"] if noun == "attribute" else []
    if noun == "app":
        path = pathlib.Path("/run", name + ".json")
        path.write_text(f'[{{"name": "{name}.view", "category": "data", "meaning": "see"}}]')
        if verb == "register":
            return [name, "--permissions", path]
        good("app register", name, "--permissions", path)
    elif verb != "add":
        good(f"{noun} add", name, *needed)
    if verb in BEFORE:
        good(f"{noun} {BEFORE[verb]}", name, "--yes")
    if verb.endswith("-member"):
        member = fresh()
        good("user add", member)
        return [name, member]
    return [name, "--yes", *(needed if verb == "add" else [])]


@check
def no_command_opens_the_store():
    store = str(harness.world.state)
    assert pathlib.Path(store, "data.mdb").exists()
    for command, usage in overview()[0]:
        calls, code = files_named(command, arguments_for(command, usage))
        assert code in (0, 1, 4) and (code == 0 or command.split()[0] in ("self", "doctor")), (command, code)
        for call, rest in calls:
            assert ".mdb" not in rest and store not in rest, f"umctl {command}: {call}({rest}"
            # doctor looks whose directory it is
            assert "/var/lib/um" not in rest or (command == "doctor" and "stat" in call), f"umctl {command}: {call}({rest}"
