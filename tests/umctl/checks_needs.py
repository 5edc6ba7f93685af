# SPDX-License-Identifier: LGPL-2.1-or-later
"""Help and completion show what one may do (D21): each verb says which permission it needs, and that is the one
umd refuses it for."""

import pathlib
import re
import signal
import time

import harness
from checks_completion import SCRIPT, complete
from checks_help import overview
from checks_store import arguments_for, stdin_for
from harness import REFUSED, check, ctl, fresh, get, good, has, same

# What anybody may ask about himself, and where he has a role.
OWN = {"role grants": ["USER"], "role effective": ["USER"], "access why": ["USER", "user.view"], "policy show": ["--user", "USER"],
       "audit log": ["--user", "USER"], "tenant list": [], "tenant show": ["local"]}
# What has several actions: the one whose permission it names.
ACTIONS = {"user 2fa": ["reset", "USER", "--yes"]}
# What looks before it acts.
LOOKS = {"user unlock": "user.view"}


def needs(command):
    found = re.search(r"^needs the permission (\S+)$", good("help " + command), re.M)
    return found and found.group(1)


def member():
    """A user with an address, and his uid."""
    name = fresh()
    good("user add", name, "--email", f"{name}@rights.example")
    return name, get("user show", name)["user"]["uid"]


def listed(text):
    return set(re.findall(r"^[ -] ([a-z]+(?: [a-z0-9-]+)?)", text.split("\neverywhere:\n")[0], re.M))


@check
def each_verb_names_the_permission_umd_refuses_it_for():
    _, uid = member()
    wrong = []
    usages = dict(overview()[0])
    for command in sorted(listed(good("help"))):
        permission = needs(command)
        if command.startswith("self ") or command in ("doctor", "help") or command in OWN:
            same(permission, None)
            continue
        if command in ACTIONS:
            other, _ = member()
            arguments = [other if word == "USER" else word for word in ACTIONS[command]]
        else:
            arguments = arguments_for(command, usages[command])
        said = ctl(command, *arguments, uid=uid, quiet=True, stdin=stdin_for(command), warns=True)
        if permission is None and said.code == 0:
            continue
        if said.code != REFUSED or not re.search(f"permission {LOOKS.get(command, permission)}\\b", said.err):
            wrong.append((command, permission, said))
    assert not wrong, wrong


@check
def what_needs_no_permission_is_ones_own():
    name, uid = member()
    for command, arguments in OWN.items():
        good(command, *[name if word == "USER" else word for word in arguments], uid=uid)


@check
def one_sees_what_one_may():
    name, uid = member()
    everything = listed(good("help"))
    free = {command for command in everything if needs(command) is None}
    text = good("help", uid=uid)
    same(listed(text), free)
    has(text, f"\n{len(everything) - len(free)} more need permissions that you have not: umctl help --all\n")
    text = good("help", "--all", uid=uid)
    same(listed(text), everything)
    same({line[2:10] for line in text.splitlines() if line.startswith("- user un")}, {"user unl"})
    has(text, f"\n-: needs a permission that you have not ({len(everything) - len(free)}).\n")
    good("role grant", "technician", name)
    text = good("help", uid=uid)
    shown = listed(text)
    assert {"user unlock", "user passwd", "role list"} <= shown and not {"user add", "tenant add", "role grant"} & shown, shown
    has(good("help", "user", uid=uid), "user unlock", "umctl help --all")
    assert "user delete" not in good("help", "user", uid=uid)
    has(good("help", "user", "delete", uid=uid), "needs the permission user.delete")
    same(listed(good("", "--help", uid=uid)), shown)
    tenant = fresh("tenant")
    good("tenant add", tenant)
    same(listed(good("help", "--tenant", tenant, uid=uid)), free)
    same(listed(good("help", "--tenant", "no-such", uid=uid)), free)
    pathlib.Path("/run/completion").write_text(SCRIPT.read_text())
    same(complete("user", "un", uid=uid), ["unlock"])
    same(complete("user", "del", uid=uid), [])
    same(complete("tenant", "", uid=uid), ["show", "list"])
    assert "app" not in complete("", uid=member()[1])
    same(listed(good("help", uid=1)), free)  # daemon: nobody to um


@check
def where_umd_says_nothing_all_is_shown_and_soon():
    _, uid = member()
    everything = listed(good("help"))
    same(listed(good("help", "--socket", "/run/no-such-socket", uid=uid)), everything)
    process = harness.world.process
    process.send_signal(signal.SIGSTOP)
    try:
        begun = time.monotonic()
        same(listed(good("help", uid=uid)), everything)
        took = time.monotonic() - begun
    finally:
        process.send_signal(signal.SIGCONT)
    assert took < 2, took
