# SPDX-License-Identifier: LGPL-2.1-or-later
"""A stand-in for umd on the private socket, good and bad on demand.

It speaks just enough D-Bus for one sd-bus peer: SASL EXTERNAL, then method calls, answered by a
function `story(call) -> action` the test gives.  A call has member, context, login, answer, and
`connection` and `serial` (both count from 0).  An action is one of

    Reply(signature, body)     body made by begin(), step(), outcome()
    Error(name)
    Raw(bytes, then)           these bytes as they are, then "close", "hang" or "go on"
    "close", "hang"
"""
import array
import os
import socket
import struct
import threading

LOGIN = "0123456789abcdef0123456789abcdef"

ALLOW, BAD_PROOF, DENIED, EXPIRED, RENEW, UNKNOWN, UNAVAILABLE, CHANGE_FAILED = range(1, 9)
ASK_HIDDEN, ASK_SHOWN, SHOW, WAIT, ASSERT, DONE = range(1, 7)


class Writer:
    def __init__(self):
        self.data = bytearray()

    def align(self, n):
        self.data.extend(b"\0" * (-len(self.data) % n))

    def u(self, value):
        self.align(4)
        self.data += struct.pack("<I", value)

    def s(self, text):
        raw = text if isinstance(text, bytes) else text.encode()
        self.u(len(raw))
        self.data += raw + b"\0"

    def g(self, text):
        self.data += bytes([len(text)]) + text.encode() + b"\0"

    def ay(self, raw):
        self.u(len(raw))
        self.data += raw

    def value(self, signature, value):
        {"u": self.u, "s": self.s, "o": self.s, "g": self.g, "ay": self.ay,
         "b": lambda v: self.u(int(v)), "h": self.u}[signature](value)

    def dict(self, pairs):
        """pairs: (key, signature, value)"""
        self.u(0)
        at = len(self.data)
        self.align(8)
        start = len(self.data)
        for key, signature, value in pairs:
            self.align(8)
            self.s(key)
            self.g(signature)
            self.value(signature, value)
        struct.pack_into("<I", self.data, at - 4, len(self.data) - start)


class Reader:
    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def align(self, n):
        self.at += -self.at % n

    def u(self):
        self.align(4)
        self.at += 4
        return struct.unpack_from("<I", self.data, self.at - 4)[0]

    def s(self):
        n = self.u()
        self.at += n + 1
        return self.data[self.at - n - 1:self.at - 1].decode()

    def g(self):
        n = self.data[self.at]
        self.at += n + 2
        return self.data[self.at - n - 1:self.at - 1].decode()

    def ay(self):
        n = self.u()
        self.at += n
        return bytes(self.data[self.at - n:self.at])

    def value(self):
        return {"u": self.u, "s": self.s, "o": self.s, "g": self.g, "h": self.u,
                "b": self.u}[self.g()]()

    def dict(self, end_align=8):
        n = self.u()
        self.align(end_align)
        end, pairs = self.at + n, {}
        while self.at < end:
            self.align(8)
            key = self.s()
            pairs[key] = self.value()
        return pairs


class Reply:
    def __init__(self, signature, body, fds=()):
        self.signature, self.body, self.fds = signature, body, fds


class Error:
    def __init__(self, name, text="no"):
        self.name, self.text = name, text


class Socketpair:
    """A session's two ends: theirs() goes into a reply once, ours tells when it is over."""

    def __init__(self):
        self.ours, other = socket.socketpair()
        self.other = other.detach()

    def theirs(self):
        return self.other

    def ended(self, seconds=5):
        self.ours.settimeout(seconds if seconds else 0.01)
        try:
            return self.ours.recv(1) == b""
        except (TimeoutError, BlockingIOError):
            return False


class Raw:
    def __init__(self, data, then="close"):
        self.data, self.then = data, then


class Call:
    pass


def message(kind, fields, body=b"", serial=1, endian=b"l", version=1, flags=1):
    """A whole message; fields: (code, signature, value)."""
    w = Writer()
    w.data += endian + bytes([kind, flags, version])
    w.u(len(body))
    w.u(serial)
    w.u(0)
    start = len(w.data)
    for code, signature, value in fields:
        w.align(8)
        w.data.append(code)
        w.g(signature)
        w.value(signature, value)
    struct.pack_into("<I", w.data, start - 4, len(w.data) - start)
    w.align(8)
    return bytes(w.data) + bytes(body)


def reply_bytes(call, reply, serial=7):
    fields = [(5, "u", call.cookie)]
    if reply.signature:
        fields.append((8, "g", reply.signature))
    if reply.fds:
        fields.append((9, "u", len(reply.fds)))
    return message(2, fields, reply.body, serial)


def error_bytes(call, error):
    w = Writer()
    w.s(error.text)
    return message(3, [(4, "s", error.name), (5, "u", call.cookie), (8, "g", "s")], w.data, 7)


def step_write(w, kind, text, more):
    w.align(8)
    w.u(kind)
    w.s(text)
    w.dict(more)


def step(kind, text="", *more):
    w = Writer()
    step_write(w, kind, text, more)
    return Reply("(usa{sv})", bytes(w.data))


def begin(kind, text="", *more, login=LOGIN):
    w = Writer()
    w.s(login)
    step_write(w, kind, text, more)
    return Reply("s(usa{sv})", bytes(w.data))


def done(verdict, text="", reason="", reference="", how=step, **kw):
    return how(DONE, text, ("verdict", "u", verdict), ("reason", "s", reason),
               ("reference", "s", reference), **kw)


def ask(text="Password: ", secret="password", kind=ASK_HIDDEN, how=step):
    return how(kind, text, ("secret", "s", secret))


def outcome(verdict, text="", reason="", reference=""):
    w = Writer()
    w.u(verdict)
    for s in (reason, text, reference):
        w.s(s)
    return Reply("usss", bytes(w.data))


def session(verdict, text="", fd=None, name="s1"):
    w = Writer()
    w.u(verdict)
    for s in ("", text, "", name):
        w.s(s)
    w.u(0)
    return Reply("ussssh", bytes(w.data), [fd] if fd is not None else [])


class FakeUmd:
    """with FakeUmd(path, story) as umd: ... ; umd.calls is what was asked, in order."""

    def __init__(self, path, story, sasl="good"):
        self.path, self.story, self.sasl = path, story, sasl
        self.calls, self.connections = [], 0
        self.held = []  # sockets a hang keeps open

    def __enter__(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self.listener.listen(128)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.thread.join(5)
        for s in self.held:
            s.close()
        if os.path.exists(self.path):
            os.unlink(self.path)

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            number, self.connections = self.connections, self.connections + 1
            threading.Thread(target=self.serve, args=(peer, number), daemon=True).start()

    def serve(self, peer, number):
        try:
            rest = self.authenticate(peer)
            if rest is not None:
                self.messages(peer, number, rest)
        except (OSError, EOFError):
            pass
        if peer not in self.held:
            peer.close()

    def authenticate(self, peer):
        """SASL; returns what came behind BEGIN, or None to hang up."""
        if self.sasl == "hang":
            self.held.append(peer)
            return None
        if self.sasl == "close":
            return None
        if isinstance(self.sasl, Raw):
            peer.sendall(self.sasl.data)
            if self.sasl.then == "hang":
                self.held.append(peer)
            return None
        answers = {b"AUTH EXTERNAL": b"DATA\r\n", b"DATA": b"OK " + b"ab" * 16 + b"\r\n",
                   b"NEGOTIATE_UNIX_FD": b"AGREE_UNIX_FD\r\n"}
        data = self.receive(peer)
        if data[:1] != b"\0":
            return None
        data = data[1:]
        while True:
            while b"\r\n" not in data:
                data += self.receive(peer)
            line, _, data = data.partition(b"\r\n")
            if line == b"BEGIN":
                return data
            peer.sendall(answers.get(line.strip(), b"ERROR\r\n"))

    @staticmethod
    def receive(peer):
        data = peer.recv(65536)
        if not data:
            raise EOFError
        return data

    def messages(self, peer, number, data):
        serial = 0
        while True:
            while len(data) < 16 or len(data) < self.size(data):
                data += self.receive(peer)
            size = self.size(data)
            call = self.parse(data[:size])
            call.connection, call.serial = number, serial
            call.low = self.low_descriptors(peer)
            serial += 1
            data = data[size:]
            self.calls.append(call)
            if not self.act(peer, call, self.story(call)):
                return

    @staticmethod
    def low_descriptors(peer):
        """Those of 0 to 2 that the program at the other end has open, now that it waits."""
        pid = struct.unpack("iII", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        return [fd for fd in range(3) if os.path.lexists(f"/proc/{pid}/fd/{fd}")]

    @staticmethod
    def size(data):
        body, _, fields = struct.unpack_from("<III", data, 4)
        return 16 + fields + (-fields % 8) + body

    @staticmethod
    def parse(data):
        call = Call()
        call.sender = None
        body_size, call.cookie, fields_size = struct.unpack_from("<III", data, 4)
        r, header = Reader(data, 16), {}
        while r.at < 16 + fields_size:
            r.align(8)
            code = data[r.at]
            r.at += 1
            header[code] = r.value()
        call.path, call.interface = header.get(1), header.get(2)
        call.member, call.signature = header.get(3), header.get(8, "")
        r = Reader(data[len(data) - body_size:])
        call.context = r.dict() if call.signature.startswith("a{sv}") else None
        call.login = r.s() if call.signature != "a{sv}" else None
        call.answer = r.ay() if call.member == "Answer" else None
        return call

    def act(self, peer, call, action):
        then = "go on"
        if isinstance(action, Reply):
            data = reply_bytes(call, action)
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", action.fds))]
            peer.sendmsg([data], rights if action.fds else [])
            for fd in action.fds:
                os.close(fd)
        elif isinstance(action, Error):
            peer.sendall(error_bytes(call, action))
        elif isinstance(action, Raw):
            peer.sendall(action.data)
            then = action.then
        else:
            then = action
        if then == "hang":
            self.held.append(peer)
        return then == "go on"
