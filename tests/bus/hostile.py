# SPDX-License-Identifier: LGPL-2.1-or-later
"""Peers that lie, flood, dawdle and hang up (SECURITY.md, catalogue 88-90): each is dropped, umd goes
on, keeps nothing, and nobody else notices."""

import multiprocessing
import os
import select
import socket
import statistics
import struct
import subprocess
import sys
import time

import raw
from fixture import ERRORS, OUTSIDER, ROOT, until

MANAGER = "org.um1.Manager"
AUTH = b"\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n"


def status(**kw):
    return raw.message(ROOT, MANAGER, "Status", **kw)


def refused(umd, data, fds=(), uid=0, within=1.0):
    """Sends and waits for the hangup; what was answered before it, or None if there was none."""
    peer = raw.Peer(umd.socket, uid)
    with peer:
        try:
            peer.send(data, fds)
        except raw.Closed:
            pass
        gone = peer.closed_within(within)
        return None if gone is None else bytes(peer.data)


# ---- SASL (88) --------------------------------------------------------------------------------------

def sasl(umd, checks):
    for title, data in (
            ("no NUL byte", b"AUTH EXTERNAL\r\n"),
            ("a second AUTH", b"\0AUTH EXTERNAL\r\nDATA\r\nAUTH EXTERNAL\r\n"),
            ("root's uid claimed", b"\0AUTH EXTERNAL 30\r\n"),
            ("a huge line", b"\0AUTH " + b"A" * 70000),
            ("more than 4 KiB before BEGIN", (b"\0" + b"DATA " + b"a" * 900 + b"\r\n") + b"x" * 4096),
            ("bytes that are no text", b"\0" + bytes(range(128, 256)) + b"\r\n")):
        checks.check(f"88 SASL, {title}: dropped", refused(umd, data, uid=OUTSIDER) is not None)
    for mechanism in (b"ANONYMOUS 61", b"DBUS_COOKIE_SHA1 726f6f74", b"KERBEROS_V4"):
        answer = refused(umd, b"\0AUTH " + mechanism + b"\r\nBEGIN\r\n" + status(), within=3)
        checks.check(f"88 SASL, {mechanism.split()[0].decode()}: refused, and no call answered",
                     answer is not None and answer.startswith(b"REJECTED EXTERNAL\r\n")
                     and b"OK" not in answer and b"l\2" not in answer, answer)
    before = umd.rss()
    silent = [raw.Peer(umd.socket, 100000 + i) for i in range(200)]
    for peer in silent:
        peer.send(b"\0" + b"AUTH EXTERNAL " + b"3" * 900)
    held = (umd.rss() - before) / len(silent)
    checks.check("88 an unauthenticated peer costs at most 16 KiB", held <= 16384, f"{held:.0f} bytes")
    for peer in silent:
        peer.close()


# ---- messages (89) ----------------------------------------------------------------------------------

def nested(depth):
    """A variant in a variant ... depth times, as a{sv}'s value."""
    value = ("u", 1)
    for _ in range(depth):
        value = ("v", value)
    return value


def oversize():
    """A header that announces 128 MiB."""
    data = bytearray(status())
    struct.pack_into("<I", data, 4, 128 << 20)
    return bytes(data)


def messages(umd, checks):
    bad = bytearray(status())
    for title, data in (
            ("128 MiB announced", oversize()),
            ("64 KiB and one", raw.message(ROOT, MANAGER, "GetUserByName", "s", ("x" * 65536,))),
            ("a sender set", status(fields=((7, "s", ":1.7"),))),
            ("descriptors announced", status(fields=((9, "u", 1),))),
            ("serial 0", status(serial=0)),
            ("version 2", bytes(bad[:3] + b"\2" + bad[4:])),
            ("no byte order", b"x" + bytes(bad[1:])),
            ("a reply", raw.message(ROOT, MANAGER, "x", kind=raw.RETURN, fields=((5, "u", 1),))),
            ("a signal", raw.message(ROOT, MANAGER, "UserAdded", kind=raw.SIGNAL)),
            ("a path that is none", raw.message("org/um1", MANAGER, "Status")),
            ("a body that is not its signature's",
             raw.message(ROOT, MANAGER, "GetUserByName", "s", body=b"\xff\xff\xff\x7fabcd")),
            ("a name without its end", raw.message(ROOT, MANAGER, "GetUserByName", "s", body=b"\3\0\0\0abc"))):
        answer = refused(umd, AUTH + data)
        checks.check(f"89 message, {title}: dropped", answer is not None)
    pipe = os.pipe()
    before = umd.fds()
    for count in (1, 64):
        answer = refused(umd, AUTH + status(), [pipe[0]] * count)
        checks.check(f"89 {count} descriptors attached: dropped", answer is not None and b"version" not in answer)
    checks.same("89 no descriptor was kept", before, until(lambda: umd.fds() <= before and before))
    for fd in pipe:
        os.close(fd)
    with umd.peer() as peer:
        reply = peer.call(ROOT, MANAGER, "GetUserByName", "u", 7)
        checks.same("89 a wrong signature is an error of that call", "org.freedesktop.DBus.Error.InvalidArgs",
                    reply.error)
        reply = peer.call(ROOT, MANAGER, "CreateUser", "sa{sv}a{sv}", "deep", {"full_name": nested(16)}, {})
        checks.same("89 nesting is refused by its type", ERRORS + "BadValue", reply.error)
        checks.same("89 and the peer goes on", None, peer.call(ROOT, MANAGER, "Status").error)
    answer = refused(umd, AUTH + raw.message(ROOT, MANAGER, "CreateUser", "sa{sv}a{sv}",
                                             ("deep", {"full_name": nested(100)}, {})), within=2)
    with umd.peer() as peer:
        checks.same("89 depth 100: umd goes on", None, peer.call(ROOT, MANAGER, "Status").error)


# ---- time -------------------------------------------------------------------------------------------

def slow(umd, checks):
    witness, idle = umd.peer(), umd.peer(OUTSIDER)
    silent, half, dribble = raw.Peer(umd.socket), umd.peer(), umd.peer()
    gone = silent.closed_within(4)
    checks.check("a silent peer is dropped after 1 s", gone is not None and 0.5 < gone < 2.5, gone)
    half.send(status()[:40])
    gone = half.closed_within(6)
    checks.check("half a message is dropped after 2 s", gone is not None and 1.5 < gone < 4, gone)
    start, gone = time.monotonic(), None
    for byte in status():
        try:
            dribble.send(bytes([byte]))
        except raw.Closed:
            gone = time.monotonic() - start
            break
        if (gone := dribble.closed_within(0.1)) is not None:
            gone = time.monotonic() - start
            break
    checks.check("a byte every 100 ms is dropped after 2 s", gone is not None and 1.5 < gone < 4, gone)
    checks.same("others did not notice", None, witness.call(ROOT, MANAGER, "Status").error)
    checks.same("who is merely idle stays", None, idle.call(ROOT, MANAGER, "Status").error)
    for peer in (witness, idle, silent, half, dribble):
        peer.close()


def order(umd, checks):
    with umd.peer() as peer:
        serials = list(range(1, 201))
        peer.send(b"".join(status(serial=n) for n in serials))
        got = [peer.message().fields[5] for _ in serials]
        checks.same("200 calls in one write are answered in order", serials, got)
        peer.send(b"".join(status(serial=n, flags=raw.NO_REPLY) for n in serials) + status(serial=999))
        checks.same("calls that want no reply get none", 999, peer.message().fields[5])
    with raw.Peer(umd.socket) as peer: # libnss_um's way: everything in one write
        peer.send(b"\0AUTH EXTERNAL 30\r\nBEGIN\r\n" + status())
        checks.check("SASL and call in one write", peer.line().startswith("OK "))
        checks.same("are answered", None, peer.message().error)
    for pause in range(1, 60, 7):
        with raw.Peer(umd.socket) as peer:
            data = AUTH + status()
            peer.send(data[:pause])
            select.select([peer.sock], [], [], 0.005)
            peer.send(data[pause:])
            while not (peer.data.startswith(b"OK") and b"l\2" in peer.data):
                if peer.data.startswith(b"DATA\r\n"):
                    del peer.data[:6]
                else:
                    peer.receive()
    checks.check("wherever the bytes are cut", True)


def deaf(umd, checks):
    """Calls and calls, and never reads."""
    before = umd.rss()
    peers = [umd.peer(OUTSIDER) for _ in range(32)]
    call = raw.message(ROOT, "org.freedesktop.DBus.Introspectable", "Introspect")
    for peer in peers:
        peer.sock.setblocking(False)
        for _ in range(2000):
            try:
                peer.sock.send(call)
            except (BlockingIOError, BrokenPipeError, ConnectionResetError):
                break
    with umd.peer() as witness:
        for _ in range(50):
            witness.call(ROOT, MANAGER, "Status")
        checks.same("deaf peers: others go on", None, witness.call(ROOT, MANAGER, "Status").error)
    grown = umd.rss() - before
    checks.check("32 deaf peers cost at most 32 MiB", grown <= 32 << 20, f"{grown >> 20} MiB")
    for peer in peers:
        peer.close()


# ---- crowds (90) ------------------------------------------------------------------------------------

def open_now(peers):
    """How many the other side has not hung up."""
    count = 0
    for peer in peers:
        try:
            count += peer.sock.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) != b""
        except BlockingIOError:
            count += 1
        except OSError:
            pass
    return count


def latency(umd, uid, calls=300):
    """The 99th percentile of connect, call, reply, in ms."""
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        with raw.Peer(umd.socket, uid) as peer:
            peer.send(AUTH + status())
            while b"version" not in peer.data:
                peer.receive()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.quantiles(times, n=100)[98]


def attack(path, count, made, enough, tell, leave):
    """A process of its own, so that the rush takes nothing from who measures: connects until told that it is
    enough, at least count times; holds what it gets; says how many are still open; leaves when told."""
    kept = []
    while made.value < count or not enough.is_set():
        try:
            peer = raw.Peer(path, OUTSIDER)
        except OSError:
            continue
        made.value += 1
        try:
            peer.send(AUTH)
        except raw.Closed:
            peer.close()
            continue
        kept.append(peer)
        if len(kept) > 200:
            for old in [p for p in kept if open_now([p]) == 0]:
                kept.remove(old)
                old.close()
    until(lambda: open_now(kept) <= 32, 5)
    tell.put(open_now(kept))
    leave.wait(60)


def crowd(umd, checks, count=10000):
    quiet = min(latency(umd, OUTSIDER + 1) for _ in range(2))
    process = multiprocessing.get_context("fork")
    made, enough, tell, leave = process.Value("i", 0), process.Event(), process.Queue(), process.Event()
    attacker = process.Process(target=attack, args=(umd.socket, count, made, enough, tell, leave))
    attacker.start()
    try:
        until(lambda: made.value > 100)
        loud = []
        while len(loud) < 4 and (not loud or min(loud) > 2 * quiet + 10): # others use this machine too
            loud.append(latency(umd, OUTSIDER + 1))
        with umd.peer() as root:
            checks.same("90 root gets in during the rush", None, root.call(ROOT, MANAGER, "Status").error)
        enough.set()
        still = tell.get(timeout=120)
        connections = connections_now(umd)
    finally:
        enough.set()
        leave.set()
        attacker.join(10)
        if attacker.is_alive():
            attacker.kill()
    checks.check("90 connections tried", made.value >= count, made.value)
    checks.check("90 one uid keeps at most 32", 1 <= still <= 32 and connections <= 33,
                 f"{still} open, {connections} counted")
    checks.check("90 others wait at most twice as long (and 10 ms for the attacker's own load)",
                 min(loud) <= 2 * quiet + 10, f"p99 {quiet:.1f} ms, then {', '.join(f'{p:.1f}' for p in loud)} ms")
    checks.check("90 and all of them are forgotten", until(lambda: connections_now(umd) == 1))


def connections_now(umd):
    with umd.peer() as root:
        return root.call(ROOT, MANAGER, "Status").args[0]["connections"]


def full_house(umd, checks):
    """960 places for everybody, the rest root's."""
    crowd_ = []
    for uid in range(200000, 200040):
        for _ in range(32):
            peer = raw.Peer(umd.socket, uid)
            try:
                peer.send(AUTH)
            except raw.Closed:
                pass
            crowd_.append(peer)
    kept = open_now(crowd_)
    checks.check("40 uids with 32 each: the house is full below 1024", 256 <= kept <= 960, kept)
    with umd.peer() as root:
        checks.same("root has places of its own", None, root.call(ROOT, MANAGER, "Status").error)
    for peer in crowd_:
        peer.close()


# As su is while it asks for a password: root, but started by somebody.
SU = """
import os, socket, sys
os.setresuid(int(sys.argv[2]), 0, 0)
kept = []
for _ in range(300):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(0.5)
    s.connect(sys.argv[1])
    try:
        s.send(b"\\0AUTH EXTERNAL\\r\\nDATA\\r\\nBEGIN\\r\\n")
        kept += [s] if s.recv(4096) else []
    except OSError:
        pass
print(len(kept), flush=True)
sys.stdin.read()
"""


def behind_su(umd, checks):
    """Programs that are root for others have no more of root's places than those have of their own."""
    started = [subprocess.Popen([sys.executable, "-c", SU, umd.socket, str(uid)], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE) for uid in range(200000, 200006)]
    held = [int(process.stdout.readline()) for process in started]
    checks.check("300 su of one person hold at most 32 connections", max(held) <= 32, held)
    checks.check("and those of six people at most 128, half of root's", 32 <= sum(held) <= 128, held)
    roots = [umd.peer() for _ in range(100)]
    checks.check("root's own programs get in beside them",
                 all(peer.call(ROOT, MANAGER, "Status").error is None for peer in roots))
    for peer in roots:
        peer.close()
    for process in started:
        process.stdin.close()
        process.wait(10)


def descriptors(umd_class, build, checks):
    """umd at its limit of descriptors still serves root (catalogue 14)."""
    with umd_class(build, nofile=400) as umd:
        crowd_ = [raw.Peer(umd.socket, uid) for uid in range(200000, 200020) for _ in range(32)]
        for peer in crowd_:
            try:
                peer.send(AUTH + status())
            except raw.Closed:
                pass
        kept = open_now(crowd_)
        checks.check("with 400 descriptors: some are served, others refused", 0 < kept < len(crowd_), kept)
        roots = [umd.peer() for _ in range(20)]
        checks.check("and root is, 20 times",
                     all(peer.call(ROOT, MANAGER, "Status").error is None for peer in roots))
        for peer in crowd_ + roots:
            peer.close()
        checks.check("and when they left, everybody again", until(lambda: umd.peer(OUTSIDER).call(
            ROOT, MANAGER, "Status").error is None))


# ---- a user of um who means ill ----------------------------------------------------------------------

def authorize(peer, user, timeout=30):
    return peer.call(ROOT, "org.um1.Login", "Authorize", "a{sv}s",
                     {"user": ("s", user), "service": ("s", "sshd")}, "", timeout=timeout).error


def heavy(path, uid, user, leave):
    """Asks for what costs umd most, on all connections a uid has, and never waits for an answer."""
    call = raw.message(ROOT, "org.um1.Audit", "List", "a{sv}tu",
                       ({"user": ("s", user), "reason": ("s", "nowhere")}, 0, 100)) * 16
    poll = select.poll()
    peers = {}
    for _ in range(32):
        peer = raw.Peer(path, uid).begin()
        peer.sock.setblocking(False)
        peers[peer.sock.fileno()] = peer
        poll.register(peer.sock, select.POLLIN | select.POLLOUT)
    while not leave.is_set():
        for fd, events in poll.poll(100):
            try:
                if events & select.POLLIN:
                    peers[fd].sock.recv(1 << 20)
                if events & select.POLLOUT:
                    peers[fd].sock.send(call)
            except BlockingIOError:
                pass
            except OSError:
                poll.unregister(fd)


def insider(umd, people, checks):
    """What the log and the store bear of a person who may use them."""
    with umd.peer() as root: # something to search through
        for _ in range(4000):
            authorize(root, "bob")
    context = multiprocessing.get_context("fork")
    leave = context.Event()
    busy = context.Process(target=heavy, args=(umd.socket, people.uid["alice"], "alice", leave))
    busy.start()
    times = []
    try:
        until(lambda: connections_now(umd) > 30)
        while len(times) < 10:
            start = time.perf_counter()
            with umd.peer() as root:
                authorize(root, "bob", 60)
            times.append(time.perf_counter() - start)
    finally:
        leave.set()
        busy.join(10)
    until(lambda: connections_now(umd) == 1) # her places are free again
    checks.check("32 connections that search the log do not hold up others' logins", max(times) < 1.5,
                 f"{max(times) * 1000:.0f} ms")
    before = umd.store_bytes()
    with umd.peer(people.uid["alice"]) as alice:
        answers = [authorize(alice, "alice") for _ in range(2000)]
    checks.check("a user is let to have 100 entries written at once", answers[:100] == [None] * 100,
                 answers[:100])
    checks.check("and not without end", answers.count(ERRORS + "Busy") > 1800, answers.count(ERRORS + "Busy"))
    checks.check("so the store does not grow by them", umd.store_bytes() - before < 256 << 10,
                 umd.store_bytes() - before)
    with umd.peer(people.uid["bob"]) as bob, umd.peer() as root:
        checks.same("another user does not notice", None, authorize(bob, "bob"))
        checks.same("nor does who logs her in", None, authorize(root, "alice"))


def run(umd, checks):
    for part in (sasl, messages, slow, order, deaf, crowd, full_house, behind_su):
        part(umd, checks)
        checks.check(f"umd lives after: {part.__name__}", umd.alive())
