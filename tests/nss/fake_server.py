#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A wrong umd: answers org.um1.Nss calls as the mode says that stands in a file.

fake_server.py SOCKET MODE-FILE [UID]    (UID: who listens, as a client sees it)
fake_server.py --modes x                 lists the modes of wrong answers
fake_server.py --seeds FOLDER            writes answers as seeds for fuzz_nss_message
"""
import os
import socket
import struct
import sys
import time

USER = ("anna", 70000, 70000, "Anna Doe,,,", "/home/anna", "/bin/bash")


def pad(data, to):
    return data + b"\0" * (-len(data) % to)


def string(data, text):
    text = text.encode() if isinstance(text, str) else text
    return pad(data, 4) + struct.pack("<I", len(text)) + text + b"\0"


def u32(data, number):
    return pad(data, 4) + struct.pack("<I", number)


def field(data, code, kind, value):
    data = pad(data, 8) + bytes([code, 1]) + kind.encode() + b"\0"
    if kind == "g":
        return data + bytes([len(value)]) + value.encode() + b"\0"
    return u32(data, value) if kind == "u" else string(data, value)


def message(kind, body, fields, serial=7, endian=b"l"):
    packed = b""
    for row in fields:
        packed = field(packed, *row)
    head = endian + bytes([kind, 1, 1]) + struct.pack("<III", len(body), serial, len(packed))
    return pad(head + packed, 8) + body


def reply(body, signature, serial=1, extra=()):
    return message(2, body, [(5, "u", serial), (8, "g", signature), (7, "s", ":um"), *extra])


def error(name, serial=1):
    return message(3, string(b"", "no"), [(4, "s", name), (5, "u", serial), (8, "g", "s")])


def user_body(name="anna", uid=70000, gid=70000, gecos=USER[3], home=USER[4], shell=USER[5]):
    body = u32(u32(string(b"", name), uid), gid)
    return string(string(string(body, gecos), home), shell)


def group_body(members=("anna", "bert"), name="crew", gid=70001):
    array = b""
    for member in members:
        array = string(array, member)
    return u32(u32(string(b"", name), gid), len(array)) + array


def gids_body(gids=(70000, 70001, 70002)):
    return struct.pack("<I", 4 * len(gids)) + b"".join(struct.pack("<I", g) for g in gids)


def answer(request):
    """What a right umd says."""
    if b"GetGroupsOfUser" in request:
        return reply(gids_body(), "au") if b"anna\0" in request else error("org.um1.Error.NoSuchUser")
    if b"GetGroup" in request:
        if b"crew\0" in request or request.endswith(struct.pack("<I", 70001)):
            return reply(group_body(), "suas")
        return error("org.um1.Error.NoSuchGroup")
    if b"anna\0" in request or request.endswith(struct.pack("<I", 70000)):
        return reply(user_body(), "suusss")
    return error("org.um1.Error.NoSuchUser")


def signal():
    return message(4, b"", [(1, "o", "/org/um1"), (2, "s", "org.um1.Manager"), (3, "s", "Changed")])


good = reply(user_body(), "suusss")

# Whatever is sent here, the client must not take it for a user, nor for "no such user".
WRONG = {
    "another-signature": reply(user_body(), "suusssa"),
    "another-type": reply(user_body(), "(suusss)"),
    "no-signature": message(2, user_body(), [(5, "u", 1)]),
    "body-short": message(2, user_body()[:-1], [(5, "u", 1), (8, "g", "suusss")]),
    "body-long": reply(user_body() + b"\0\0\0\0", "suusss"),
    "body-empty": reply(b"", "suusss"),
    "nul-inside": reply(user_body(gecos=b"An\0na"), "suusss"),
    "no-nul": reply(user_body()[:-1] + b"x", "suusss"),
    "length-beyond": reply(struct.pack("<I", 0xFFFFFFFF) + user_body()[4:], "suusss"),
    "padding-not-zero": reply(user_body().replace(b"anna\0\0\0\0", b"anna\0\0\1\0", 1), "suusss"),
    "another-user": reply(user_body(name="bert"), "suusss"),
    "root-id": reply(user_body(uid=0), "suusss"),
    "root-group": reply(user_body(gid=0), "suusss"),
    "system-id": reply(user_body(uid=33), "suusss"),
    "colon": reply(user_body(home="/home/anna:x"), "suusss"),
    "newline": reply(user_body(gecos="a\nroot:x:0:0"), "suusss"),
    "relative-home": reply(user_body(home="anna"), "suusss"),
    "not-utf8": reply(user_body(gecos=b"\xff"), "suusss"),
    "long-gecos": reply(user_body(gecos="x" * 300), "suusss"),
    "another-serial": reply(user_body(), "suusss", serial=2),
    "no-serial": message(2, user_body(), [(8, "g", "suusss")]),
    "descriptors": reply(user_body(), "suusss", extra=[(9, "u", 1)]),
    "field-twice": reply(user_body(), "suusss", extra=[(8, "g", "suusss")]),
    "field-of-wrong-type": message(2, user_body(), [(5, "s", "1"), (8, "g", "suusss")]),
    "field-zero": reply(user_body(), "suusss", extra=[(0, "u", 1)]),
    "big-endian": b"B" + good[1:],
    "version-2": good[:3] + b"\2" + good[4:],
    "type-0": good[:1] + b"\0" + good[2:],
    "serial-0": good[:8] + b"\0\0\0\0" + good[12:],
    "fields-beyond": good[:12] + struct.pack("<I", 0x7FFFFFFF) + good[16:],
    "body-beyond": good[:4] + struct.pack("<I", 0xFFFFFFF0) + good[8:],
    "too-big": reply(user_body() + b"\0" * 70000, "suusss"),
    "cut": good[:-8],
    "only-a-head": good[:16],
    "nothing": b"",
    "signals-for-ever": signal() * 50,
    "access-denied": error("org.um1.Error.AccessDenied"),
    "no-such-group": error("org.um1.Error.NoSuchGroup"),
    "error-without-name": message(3, b"", [(5, "u", 1)]),
    "error-of-another": error("org.um1.Error.NoSuchUser", serial=9),
    "rubbish": bytes(range(256)) * 8,
}


def group_wrong(mode):
    return {
        "group-member-colon": reply(group_body(["an:na"]), "suas"),
        "group-member-empty": reply(group_body([""]), "suas"),
        "group-array-beyond": reply(group_body()[:16] + struct.pack("<I", 4096) + group_body()[20:], "suas"),
        "group-array-short": reply(group_body()[:16] + struct.pack("<I", 5) + group_body()[20:], "suas"),
        "group-root": reply(group_body(gid=0), "suas"),
        "gids-empty": reply(gids_body(()), "au"),
        "gids-root": reply(gids_body((70000, 0)), "au"),
        "gids-odd": reply(struct.pack("<I", 6) + b"\1" * 6, "au"),
        "gids-beyond": reply(struct.pack("<I", 400) + b"\1" * 40, "au"),
    }[mode]


def serve(client, mode):
    client.settimeout(2)
    request = b""
    if mode == "silent":
        client.recv(4096)
        return client  # stays open, says nothing
    while b"BEGIN\r\n" not in request or request.endswith(b"BEGIN\r\n"):
        data = client.recv(4096)
        if not data:
            return None
        request += data
    hello = b"OK 0123456789abcdef0123456789abcdef\r\n"
    sasl = b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\nBEGIN\r\n"
    if not request.startswith(sasl) and os.getuid() == 0:
        hello = b"REJECTED EXTERNAL\r\n"
    if mode == "good":
        client.sendall(hello + answer(request))
    elif mode == "rejected":
        client.sendall(b"REJECTED EXTERNAL\r\n" + good)
    elif mode == "endless-line":
        client.sendall(b"OK " + b"x" * 100000)
    elif mode == "signal-first":
        client.sendall(hello + signal() + good)
    elif mode == "in-pieces":
        client.sendall(hello[:5])
        for at in range(0, len(good), 40):
            client.sendall((hello[5:] if at == 0 else b"") + good[at : at + 40])
            time.sleep(0.002)
    elif mode == "dribble":
        for byte in hello + good:
            client.sendall(bytes([byte]))
            time.sleep(0.01)
    else:
        client.sendall(hello + (WRONG[mode] if mode in WRONG else group_wrong(mode)))
    return None


def main():
    path, mode_file = sys.argv[1:3]
    if path == "--modes":
        print("\n".join(WRONG))
        return
    if path == "--seeds":
        os.makedirs(mode_file, exist_ok=True)
        right = {"user": good, "group": reply(group_body(), "suas"), "user-body": user_body(), "group-body": group_body()}
        for name, data in {**WRONG, **right}.items():
            with open(os.path.join(mode_file, name), "wb") as f:
                f.write((b"\1" if "group" in name else b"\0") + data)
        return
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, 0o666)
    if len(sys.argv) > 3:
        os.setuid(int(sys.argv[3]))
    listener.listen(64)
    kept = []
    while True:
        client, _ = listener.accept()
        with open(mode_file, encoding="ascii") as f:
            mode = f.read().strip()
        try:
            kept.append(serve(client, mode))
        except OSError:
            pass


main()
