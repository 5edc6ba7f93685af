# SPDX-License-Identifier: LGPL-2.1-or-later
"""D-Bus by hand, so that a test can say exactly what a decent client would not: any byte, any uid,
any pace. Knows the types um uses; a variant is (signature, value)."""

import array
import ctypes
import os
import platform
import select
import socket
import struct
import threading
import time

PROPERTIES = "org.freedesktop.DBus.Properties"
CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
NO_REPLY = 1


# ---- types ------------------------------------------------------------------------------------------

def split(signature):
    """Complete types of a signature."""
    types = []
    while signature:
        end = type_end(signature, 0)
        types.append(signature[:end])
        signature = signature[end:]
    return types


def type_end(s, at):
    if s[at] == "a":
        return type_end(s, at + 1)
    if s[at] in "({":
        depth = 0
        for i in range(at, len(s)):
            depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(s[i], 0)
            if depth == 0:
                return i + 1
    return at + 1


ALIGN = {"y": 1, "b": 4, "u": 4, "i": 4, "t": 8, "x": 8, "s": 4, "o": 4, "g": 1, "v": 1, "a": 4, "h": 4,
         "(": 8, "{": 8, "d": 8, "n": 2, "q": 2}
FIXED = {"y": "B", "u": "I", "i": "i", "t": "Q", "x": "q", "h": "I", "d": "d", "n": "h", "q": "H"}


def pad(data, to):
    data += b"\0" * (-len(data) % to)


def put(data, kind, value):
    pad(data, ALIGN[kind[0]])
    if kind in FIXED:
        data += struct.pack("<" + FIXED[kind], value)
    elif kind == "b":
        data += struct.pack("<I", 1 if value else 0)
    elif kind in "so":
        raw = value.encode() if isinstance(value, str) else value
        data += struct.pack("<I", len(raw)) + raw + b"\0"
    elif kind == "g":
        data += bytes([len(value)]) + value.encode() + b"\0"
    elif kind == "v":
        put(data, "g", value[0])
        put(data, value[0], value[1])
    elif kind[0] == "(":
        for part, v in zip(split(kind[1:-1]), value):
            put(data, part, v)
    elif kind[0] == "a":
        at = len(data)
        data += b"\0\0\0\0"
        pad(data, ALIGN[kind[1]])
        begin = len(data)
        if kind[1] == "{":
            key, content = split(kind[2:-1])
            for k, v in value.items():
                pad(data, 8)
                put(data, key, k)
                put(data, content, v)
        else:
            for v in value:
                put(data, kind[1:], v)
        data[at:at + 4] = struct.pack("<I", len(data) - begin)


class Reader:
    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def align(self, to):
        self.at += -self.at % to

    def take(self, fmt):
        value = struct.unpack_from("<" + fmt, self.data, self.at)[0]
        self.at += struct.calcsize(fmt)
        return value

    def get(self, kind):
        self.align(ALIGN[kind[0]])
        if kind in FIXED:
            return self.take(FIXED[kind])
        if kind == "b":
            return bool(self.take("I"))
        if kind in "sog":
            length = self.take("B" if kind == "g" else "I")
            text = self.data[self.at:self.at + length].decode()
            self.at += length + 1
            return text
        if kind == "v":
            return self.get(self.get("g"))
        if kind[0] == "(":
            return tuple(self.get(part) for part in split(kind[1:-1]))
        length = self.take("I")
        self.align(ALIGN[kind[1]])
        end = self.at + length
        if kind[1] == "{":
            key, content = split(kind[2:-1])
            found = {}
            while self.at < end:
                self.align(8)
                name = self.get(key)
                found[name] = self.get(content)
            return found
        values = []
        while self.at < end:
            values.append(self.get(kind[1:]))
        return bytes(values) if kind == "ay" else values


def message(path, interface, member, signature="", args=(), serial=1, flags=0, kind=CALL, destination=None,
            fields=(), body=None):
    """One message's bytes; fields: extra (code, type, value)."""
    head, array_ = bytearray(), []
    for code, t, value in ((1, "o", path), (2, "s", interface), (3, "s", member), (6, "s", destination),
                           (8, "g", signature or None)):
        if value is not None:
            array_.append((code, t, value))
    content = bytearray()
    if body is None:
        for t, value in zip(split(signature), args):
            put(content, t, value)
    else:
        content += body
    for code, t, value in (*array_, *fields):
        pad(head, 8)
        head.append(code)
        put(head, "g", t)
        put(head, t, value)
    data = bytearray(b"l" + bytes([kind, flags, 1]) + struct.pack("<III", len(content), serial, len(head)))
    data += head
    pad(data, 8)
    return bytes(data + content)


class Message:
    def __init__(self, data, fds):
        self.kind, self.flags = data[1], data[2]
        self.serial, length = struct.unpack_from("<II", data, 8)
        self.fds, self.bytes = fds, data
        reader, self.fields = Reader(data, 16), {}
        while reader.at < 16 + length:
            reader.align(8)
            code = reader.take("B")
            self.fields[code] = reader.get("v")
        reader.align(8)
        self.signature = self.fields.get(8, "")
        self.args = [reader.get(t) for t in split(self.signature)]

    @property
    def error(self):
        return self.fields.get(4) if self.kind == ERROR else None

    @property
    def member(self):
        return self.fields.get(3)

    @property
    def text(self):
        return self.args[0] if self.args and isinstance(self.args[0], str) else ""


# ---- connections ------------------------------------------------------------------------------------

SETRESUID = {"x86_64": 117, "aarch64": 147}[platform.machine()]


def as_uid(uid, function):
    """Runs function in a thread with that uid (the raw system call changes the thread alone): who
    connects there is that uid to the peer, for good."""
    result = []

    def run():
        libc = ctypes.CDLL(None, use_errno=True)
        if uid and libc.syscall(SETRESUID, uid, uid, uid) != 0:
            result.append(OSError(ctypes.get_errno(), "setresuid"))
            return
        try:
            result.append(function())
        except OSError as e:
            result.append(e)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if isinstance(result[0], Exception):
        raise result[0]
    return result[0]


class Closed(Exception):
    """The other side has hung up."""


class Peer:
    """A connection; SASL only when asked for."""

    def __init__(self, path, uid=0):
        self.uid, self.serial, self.data, self.fds = uid, 0, bytearray(), []
        self.signals = []
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        as_uid(uid, lambda: self.sock.connect(path))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()
        for fd in self.fds:
            os.close(fd)
        self.fds = []

    def send(self, data, fds=()):
        try:
            if fds:
                self.sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
            else:
                self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as e:
            raise Closed from e

    def receive(self, timeout=10.0):
        """More bytes into self.data; raises Closed, TimeoutError."""
        poll = select.poll() # select() ends at descriptor 1023
        poll.register(self.sock, select.POLLIN)
        if not poll.poll(timeout * 1000):
            raise TimeoutError("nothing came")
        try:
            data, ancillary, _, _ = self.sock.recvmsg(65536, socket.CMSG_SPACE(64))
        except ConnectionResetError as e:
            raise Closed from e
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds = array.array("i")
                fds.frombytes(content[:len(content) - len(content) % 4])
                self.fds += fds
        if not data:
            raise Closed
        self.data += data

    def line(self, timeout=10.0):
        while b"\r\n" not in self.data:
            self.receive(timeout)
        line, _, rest = bytes(self.data).partition(b"\r\n")
        self.data = bytearray(rest)
        return line.decode()

    def closed_within(self, seconds):
        """Seconds until the other side hung up, or None if it did not."""
        start = time.monotonic()
        try:
            while time.monotonic() - start < seconds:
                self.receive(max(0.01, seconds - (time.monotonic() - start)))
        except Closed:
            return time.monotonic() - start
        except TimeoutError:
            pass
        return None

    def begin(self, descriptors=True):
        self.send(b"\0AUTH EXTERNAL %s\r\n%sBEGIN\r\n"
                  % (str(self.uid).encode().hex().encode(), b"NEGOTIATE_UNIX_FD\r\n" if descriptors else b""))
        assert self.line().startswith("OK "), "SASL"
        if descriptors:
            assert self.line() == "AGREE_UNIX_FD"
        return self

    def message(self, timeout=10.0):
        while True:
            if len(self.data) >= 16:
                body, _, fields = struct.unpack_from("<III", self.data, 4)
                total = 16 + (fields + 7 & ~7) + body
                if len(self.data) >= total:
                    data = bytes(self.data[:total])
                    del self.data[:total]
                    count = Message(data, []).fields.get(9, 0)
                    fds, self.fds = self.fds[:count], self.fds[count:]
                    return Message(data, fds)
            self.receive(timeout)

    def send_call(self, path, interface, member, signature="", *args, flags=0, destination=None):
        self.serial += 1
        self.send(message(path, interface, member, signature, args, self.serial, flags, CALL, destination))
        return self.serial

    def reply(self, serial, timeout=10.0):
        while True:
            m = self.message(timeout)
            if m.kind == SIGNAL:
                self.signals.append(m)
            elif m.fields.get(5) == serial:
                return m

    def call(self, *args, destination=None, timeout=10.0):
        return self.reply(self.send_call(*args, destination=destination), timeout)
