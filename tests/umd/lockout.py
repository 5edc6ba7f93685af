# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guesses at a umd that runs: what the vault is asked, counted between the two, against what umd has charged
(SECURITY section 4, 31, 33), and locks over a restart with a clock that was set (35)."""

import concurrent.futures
import os
import random
import signal
import time

from daemon import UMD, USER, VAULT, Daemon, until

FULL = os.environ.get("UM_TEST_FULL") == "1"
SANITIZED = b"__asan_init" in UMD.read_bytes()
KILLS = 1000 if FULL else 50
ASK_HIDDEN, DONE = 1, 6  # WireStepKind
ALLOW, BAD_PROOF = 1, 2  # WireVerdict
FOREIGN = 6
VERIFY, SPEND = 3, 5  # VaultOp
FAILURES = 10**6 if FULL and not SANITIZED else 500
PIECES = 10 if FULL and not SANITIZED else 3
BATCHES = FAILURES // PIECES // 112 + 1
LOCK_SEC = 900  # lockout.duration as shipped
HOME = "192.0.2.1"
RIGHT, WRONG = b"correct horse 1", b"battery staple"

# Stands between umd and um-vault, passes every packet on, and before that writes a byte for each VERIFY.
BETWEEN = """#!/usr/bin/python3
import os, select, socket, subprocess, sys
arguments = sys.argv[1:]
at = arguments.index("--fd") + 1
umd = socket.socket(fileno=int(arguments[at]))
here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
arguments[at] = str(there.fileno())
child = subprocess.Popen([{vault!r}, *arguments], pass_fds=[there.fileno()])
there.close()
log = os.open({log!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
while True:
    for one in select.select([umd, here], [], [])[0]:
        packet = one.recv(65536)
        if not packet:
            child.kill()
            sys.exit(0)
        if one is umd and int.from_bytes(packet[4:8], sys.byteorder) == {verify}:
            os.write(log, b"v")
        if {cheap} and one is umd and int.from_bytes(packet[4:8], sys.byteorder) == {spend}:
            status = (2).to_bytes(4, sys.byteorder)  # VAULT_NO_MATCH, as it always is
            umd.send(packet[:8] + status + bytes(12) + packet[24:{head}])
            continue
        (here if one is umd else umd).send(packet)
"""


def watched(umd, cheap=False):
    """umd's command line with the counting vault; the file that grows by a byte at each VERIFY. A cheap one takes no time where
    nothing can match."""
    program, log = umd.dir / "between", umd.dir / "asked"
    program.write_text(BETWEEN.format(vault=str(VAULT), log=str(log), verify=VERIFY, spend=SPEND, cheap=cheap, head=72))
    program.chmod(0o755)
    log.write_bytes(b"")
    return ["--vault", str(program)], log


def asked(log):
    return log.stat().st_size


def start(umd, options):
    umd.start(*options)
    until(lambda: umd.status()["vault_ok"])


def prepare(umd, options):
    start(umd, options)
    umd.create("alice")
    umd.call("/org/um1/user/alice", USER, "SetPassword", "aya{sv}a{sv}", RIGHT, {}, {})


def begin(umd, peer, name, rhost):
    context = {"operation": ("s", "authenticate"), "user": ("s", name), "service": ("s", "sshd"),
               "rhost": ("s", rhost)}
    login, step = umd.call("/org/um1", "org.um1.Login", "Begin", "a{sv}", context, peer=peer)
    assert step[0] == ASK_HIDDEN, step
    return login


def login(umd, name, password, rhost="203.0.113.9"):
    """A whole dialogue; the verdict."""
    with umd.peer() as peer:
        dialogue, step = begin(umd, peer, name, rhost), None
        while step is None or step[0] != DONE:
            answer = password if step is None else b""
            step = umd.call("/org/um1", "org.um1.Login", "Answer", "say", dialogue, answer, peer=peer)[0]
    return step[2]["verdict"]


def user(umd):
    return umd.call("/org/um1/user/alice", "org.freedesktop.DBus.Properties", "GetAll", "s", USER)[0]


def of_two_hundred_wrong_guesses_at_once_five_are_looked_at():
    with Daemon() as umd:
        options, log = watched(umd)
        prepare(umd, options)
        peers = [umd.peer() for _ in range(40)]
        try:
            pending = []
            for peer in peers:
                for dialogue in [begin(umd, peer, "alice", "203.0.113.9") for _ in range(5)]:
                    pending.append((peer, dialogue))
            for peer, dialogue in pending:
                peer.send_call("/org/um1", "org.um1.Login", "Answer", "say", dialogue, WRONG)
            until(lambda: user(umd)["LockedOut"], 30)
            time.sleep(1)
        finally:
            for peer in peers:
                peer.close()
        count = asked(log)
        assert 1 <= count <= 5, f"{count} were looked at"
        assert login(umd, "alice", RIGHT) == BAD_PROOF
        assert login(umd, "alice", RIGHT, "") == ALLOW  # at the console


def many_right_passwords_at_once_all_get_in():
    with Daemon() as umd:
        options, _log = watched(umd)
        prepare(umd, options)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            verdicts = list(pool.map(lambda _: login(umd, "alice", RIGHT), range(24)))
        assert verdicts == [ALLOW] * 24, verdicts
        assert not user(umd)["LockedOut"] and user(umd)["Failures"] == 0


def beside_a_crowd_of_guesses_honest_people_get_in():
    """More at once than the vault queues, of which each waits for as long as it takes."""
    with Daemon() as umd:
        start(umd, [])
        people = [f"honest{number}" for number in range(5)]
        for name in people:
            umd.create(name)
            umd.call(f"/org/um1/user/{name}", USER, "SetPassword", "aya{sv}a{sv}", RIGHT, {}, {})
        peers, verdicts = [umd.peer() for _ in range(20)], {}
        try:
            asked_of = []
            for number, peer in enumerate(peers):
                dialogues = [begin(umd, peer, f"guess{number}-{one}", f"10.0.{number}.{one}") for one in range(8)]
                asked_of.append({peer.send_call("/org/um1", "org.um1.Login", "Answer", "say", one, WRONG): one for one in dialogues})
            with concurrent.futures.ThreadPoolExecutor(len(people)) as pool:
                honest = [pool.submit(login, umd, name, RIGHT, f"192.0.2.{number}") for number, name in enumerate(people)]
                for peer, pending in zip(peers, asked_of):
                    while pending:
                        reply = peer.message(60)
                        dialogue, step = pending.pop(reply.fields[5]), reply.args[0]
                        if step[0] == DONE:
                            verdicts[step[2]["verdict"]] = verdicts.get(step[2]["verdict"], 0) + 1
                        else:
                            pending[peer.send_call("/org/um1", "org.um1.Login", "Answer", "say", dialogue, b"")] = dialogue
                assert [one.result() for one in honest] == [ALLOW] * len(people)
        finally:
            for peer in peers:
                peer.close()
        assert verdicts == {BAD_PROOF: 160}, verdicts


def guess_until_it_dies(umd, peers, log, more, delay):
    """kill -9 that long after the vault was asked for as many more as that."""
    enough = asked(log) + more
    for peer in peers:
        for dialogue in [begin(umd, peer, "alice", "203.0.113.9") for _ in range(3)]:
            peer.send_call("/org/um1", "org.um1.Login", "Answer", "say", dialogue, WRONG)
    until(lambda: asked(log) >= enough)
    time.sleep(delay)
    umd.send(signal.SIGKILL)
    umd.process.wait()


def what_was_looked_at_is_counted_after_kill_9():
    """No limit for alice, so that every one of them is asked for, and a window that holds all."""
    with Daemon() as umd:
        options, log = watched(umd)
        prepare(umd, options)
        for name, value in (("lockout.attempts", "never"), ("lockout.window", "1y")):
            umd.call("/org/um1", "org.um1.Policy", "SetForUser", "sssa{sv}", "alice", name, value, {})
        umd.call("/org/um1", "org.um1.Policy", "Set", "ssa{sv}", "lockout.source-attempts", "never", {})
        between = 0
        for cycle in range(KILLS):
            dice = random.Random(cycle)
            peers = [umd.peer() for _ in range(4)]
            guess_until_it_dies(umd, peers, log, dice.randint(0, 3), dice.uniform(0, 0.02))
            for peer in peers:
                peer.close()
            start(umd, options)
            counted, looked = user(umd)["Failures"], asked(log)
            assert counted >= looked, f"cycle {cycle}: {looked} were looked at, {counted} are counted"
            between += counted > looked
        print(f"     | {KILLS} kills: {looked} looked at, {counted} counted, {between} times a charge came first")
        assert looked > KILLS, f"only {looked}: no load"


def a_lock_outlives_a_restart_and_kill_9():
    with Daemon() as umd:
        prepare(umd, [])
        for _ in range(5):
            assert login(umd, "alice", WRONG) == BAD_PROOF
        for end in (signal.SIGTERM, signal.SIGKILL):
            umd.send(end)
            umd.process.wait()
            start(umd, [])
            assert user(umd)["LockedOut"], f"not locked any more after {end}"
            assert login(umd, "alice", RIGHT) == BAD_PROOF
        assert login(umd, "alice", RIGHT, "") == ALLOW


def network(batch):
    return f"10.{batch >> 16}.{batch >> 8 & 255}.{batch & 255}"


def hanging_up(umd, batches):
    """Failures as somebody makes them who waits for no answer, each batch of 112 from a network of its own."""
    for batch in batches:
        peers = [umd.peer() for _ in range(16)]
        for peer in peers:
            for dialogue in [begin(umd, peer, "alice", network(batch)) for _ in range(7)]:
                peer.send_call("/org/um1", "org.um1.Login", "Answer", "say", dialogue, WRONG)
        for peer in peers:  # a connection's eighth call: umd has taken in the seven
            umd.call("/org/um1", "org.um1.Manager", "Status", peer=peer)
            peer.close()


def no_number_of_failures_from_afar_keeps_her_from_her_own_places():
    """Nor do they cost the vault guesses; and the networks they come from are held off from everybody (catalogue 38)."""
    with Daemon() as umd:
        options, log = watched(umd, cheap=True)
        prepare(umd, options)
        umd.create("bob")
        umd.call("/org/um1/user/bob", USER, "SetPassword", "aya{sv}a{sv}", RIGHT, {}, {})
        assert login(umd, "alice", RIGHT, HOME) == ALLOW
        looked, entries, began = asked(log), umd.status()["audit_entries"], time.monotonic()
        for piece in range(PIECES):
            hanging_up(umd, range(piece * BATCHES, (piece + 1) * BATCHES))
            assert user(umd)["LockedOut"] and user(umd)["LockedOutFrom"] == "other networks", user(umd)
            for rhost in HOME, "":
                assert login(umd, "alice", RIGHT, rhost) == ALLOW, f"kept out at {rhost or 'the console'} in piece {piece}"
        hours = (time.monotonic() - began) / 3600
        verdict = login(umd, "alice", RIGHT, "198.51.100.77")
        assert verdict == BAD_PROOF, verdict
        assert login(umd, "bob", RIGHT, network(PIECES * BATCHES - 1)) == BAD_PROOF  # which is throttled
        assert login(umd, "bob", RIGHT, "198.51.100.77") == ALLOW
        looked, entries = asked(log) - looked - 2 * PIECES - 1, umd.status()["audit_entries"] - entries
        assert looked <= 5 * (1 + hours * 3600 / LOCK_SEC), f"{looked} were looked at"
        # an hour's ceiling of failures (docs/api/org.um1.md), a network that is held off one each, and the logins above
        assert entries <= 3265 * (1 + hours) + PIECES * BATCHES + 4 * PIECES + 20, f"{entries} entries"
        print(f"     | {PIECES * BATCHES * 112} failures in {hours * 60:.1f} min: {looked} looked at, {entries} entries")


def root_is_nothing_to_um():
    """However often: no entry, no count, no delay; nor is the network held off that it came from (catalogue 38)."""
    with Daemon() as umd:
        prepare(umd, [])
        before = umd.status()["audit_entries"]
        context = {"operation": ("s", "authenticate"), "user": ("s", "root"), "service": ("s", "sshd"),
                   "rhost": ("s", "203.0.113.9")}
        began = time.monotonic()
        with umd.peer() as peer:
            for _ in range(FAILURES):
                _, step = umd.call("/org/um1", "org.um1.Login", "Begin", "a{sv}", context, peer=peer)
                assert (step[0], step[2]["verdict"]) == (DONE, FOREIGN), step
        assert time.monotonic() - began < FAILURES * 0.05, "an answer came late"
        assert umd.status()["audit_entries"] == before
        assert login(umd, "alice", RIGHT) == ALLOW


def names_nobody_has_are_held_against_nothing():
    with Daemon() as umd:
        options, log = watched(umd)
        prepare(umd, options)
        verdicts = [login(umd, f"n{i}", WRONG, f"10.0.0.{i + 1}") for i in range(20)]
        assert verdicts == [BAD_PROOF] * 20
        assert asked(log) == 0  # there is nothing to match
        assert login(umd, "alice", RIGHT, "10.0.0.1") == ALLOW


checks = [
    of_two_hundred_wrong_guesses_at_once_five_are_looked_at,
    many_right_passwords_at_once_all_get_in,
    beside_a_crowd_of_guesses_honest_people_get_in,
    what_was_looked_at_is_counted_after_kill_9,
    a_lock_outlives_a_restart_and_kill_9,
    no_number_of_failures_from_afar_keeps_her_from_her_own_places,
    root_is_nothing_to_um,
    names_nobody_has_are_held_against_nothing,
]
