# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every method with arguments of the right types and wild values (SECURITY.md, catalogue 87): an error of
um's own or an answer, never a fault, a crash, or memory that is not given back."""

import os
import random

import raw
from fixture import ERRORS, ROOT
from matrix import documented, path_of

TEXTS = ["", "alice", "devs", "root", "um", "-x", "0", "x" * 33, "x" * 10240, "ä" * 300, "\u202e", "\u009b31m", "a:b",
         "../../etc/passwd", "name=", "name=\"", "status=active (", "group=" + "(" * 500, "ch-1", "%s%n", "*",
         "um-7K2P", "2026-01-01", " ", "\n", "alice@example.com", "/org/um1/user/alice", "0" * 32, "f" * 32]
KEYS = ["reason", "dry-run", "version", "full_name", "email", "uid", "gid", "pending", "valid_from", "valid_until",
        "name", "owners", "description", "must-change", "hash", "expires", "setup-code", "user", "since", "until",
        "type", "operation", "service", "tty", "rhost", "flags", "auth-info", "shell", "home", "time_zone", "", "x"]
NUMBERS = [0, 1, 2, 999, 1000, 65534, 65535, 65536, 65537, 524288, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1]
OUTSIDE = (("org.um1.Login", "Begin", "a{sv}"), ("org.um1.Login", "Answer", "say"),
           ("org.um1.Login", "Authorize", "a{sv}s"), ("org.um1.Login", "OpenSession", "a{sv}s"),
           ("org.um1.Nss", "GetUserByName", "s"), ("org.um1.Nss", "GetUserByUID", "u"),
           ("org.um1.Nss", "GetGroupByName", "s"), ("org.um1.Nss", "GetGroupByGID", "u"),
           ("org.um1.Nss", "GetGroupsOfUser", "s"))


def wild(dice, kind):
    if kind == "s":
        return dice.choice(TEXTS)
    if kind == "b":
        return dice.random() < 0.5
    if kind == "u":
        return dice.choice(NUMBERS)
    if kind == "t":
        return dice.choice(NUMBERS + [2**63, 2**64 - 1, 1_800_000_000_000_000])
    if kind == "ay":
        return dice.randbytes(dice.choice((0, 1, 8, 511, 512, 513, 4096)))
    if kind == "as":
        return [wild(dice, "s") for _ in range(dice.choice((0, 1, 2, 30)))]
    if kind == "a{sv}":
        found = {}
        for _ in range(dice.choice((0, 1, 2, 5, 20))):
            of = dice.choice(("s", "s", "b", "u", "t", "as", "ay", "v"))
            found[dice.choice(KEYS)] = (of, ("s", "x") if of == "v" else wild(dice, of))
        return found
    if kind.startswith("a("):
        return [tuple(wild(dice, of) for of in kind[2:-1]) for _ in range(dice.choice((0, 1, 2, 30)))]
    raise ValueError(kind)


def path_for(dice, interface):
    path = path_of(interface)
    return path if path == ROOT or dice.random() < 0.5 else path.rpartition("/")[0] + "/" + dice.choice(
        ("alice", "bob", "olga", "devs", "nobody", "_", "_00", "_ff", "x" * 255))


def run(umd, people, checks):
    rounds = 400 if os.environ.get("UM_TEST_FULL") else 25
    seed = random.SystemRandom().randrange(2**32)
    dice = random.Random(seed)
    methods = [(m.interface, m.name, m.signature) for m in documented()] + list(OUTSIDE)
    faults, calls, memory = set(), 0, None
    for turn in range(rounds):
        for caller in ("root", "bob"):
            peer = umd.peer(people.uid[caller])
            for interface, name, signature in dice.sample(methods, len(methods)):
                args = [wild(dice, t) for t in raw.split(signature)]
                try:
                    reply = peer.call(path_for(dice, interface), interface, name, signature, *args, timeout=60)
                except raw.Closed: # more than 64 KiB, a path that is none
                    peer = umd.peer(people.uid[caller])
                    continue
                calls += 1
                for fd in reply.fds:
                    os.close(fd)
                if reply.error == ERRORS + "Fault" or "NoReply" in (reply.error or ""):
                    faults.add(f"{name}{args!r:.300}: {reply.text}")
            peer.close()
        if turn == rounds // 4:
            memory = umd.rss()
    checks.check(f"87 {calls} wild calls (seed {seed}): no fault", not faults, sorted(faults)[:5])
    grown = umd.rss() - memory
    checks.check("87 and memory is given back", grown < (4 << 20) + memory // 20, f"{grown >> 10} KiB more")
    checks.check("umd lives after: noise", umd.alive(), umd.log_text()[-1500:])
