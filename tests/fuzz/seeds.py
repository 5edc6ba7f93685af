# SPDX-License-Identifier: LGPL-2.1-or-later
"""Seeds for the fuzzers: small good inputs, from which libFuzzer finds the bad ones.

    seeds.py FOLDER      writes FOLDER/NAME/N for each fuzzer fuzz_NAME that has seeds

What a fuzzer finds by itself within seconds has none.  Reproducers of mended bugs are files in
tests/fuzz/corpus/NAME/ instead.
"""

import base64
import hashlib
import os
import struct
import sys


# ---- D-Bus messages, little-endian ---------------------------------------------------------------

def pad(data, to):
    return data + b"\0" * (-len(data) % to)


def string(text):
    return struct.pack("<I", len(text)) + text + b"\0"


def signature(text):
    return bytes([len(text)]) + text + b"\0"


def message(kind, fields, body=b"", serial=1, flags=0):
    array = b""
    for code, type_, value in fields:
        data = {b"o": string, b"s": string, b"g": signature,
                b"u": lambda v: struct.pack("<I", v)}[type_](value)
        array = pad(array, 8) + bytes([code]) + signature(type_) + data
    head = struct.pack("<cBBBIII", b"l", kind, flags, 1, len(body), serial, len(array))
    return pad(head + array, 8) + body


def call(path, interface, member, body_type=b"", body=b"", destination=b"org.um1"):
    fields = [(1, b"o", path), (2, b"s", interface), (3, b"s", member), (6, b"s", destination)]
    if body_type:
        fields.append((8, b"g", body_type))
    return message(1, fields, body)


# ---- the fuzzers ---------------------------------------------------------------------------------

def gate():
    auth = b"\0AUTH EXTERNAL 31303030\r\n"          # uid 1000, as fuzz_gate.c says
    whole = b"\0AUTH EXTERNAL 31303030\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"
    hello = call(b"/org/freedesktop/DBus", b"org.freedesktop.DBus", b"Hello",
                 destination=b"org.freedesktop.DBus")
    lookup = call(b"/org/um1", b"org.um1.Nss", b"GetUserByName", b"s", string(b"anna"))
    begin = call(b"/org/um1", b"org.um1.Login", b"Begin", b"a{sv}", struct.pack("<II", 0, 0))

    def pieces(*parts):
        out = b""
        for part in parts:
            for at in range(0, len(part), 254):
                piece = part[at:at + 254]
                out += bytes([len(piece)]) + piece
        return out

    yield pieces(whole, hello)
    yield pieces(whole, lookup, lookup, begin)
    yield pieces(whole + hello + lookup)
    yield pieces(auth, b"BEGIN\r\n", hello)
    yield pieces(b"\0AUTH\r\n", b"AUTH EXTERNAL\r\n", b"DATA\r\n", b"BEGIN\r\n", lookup[:40], lookup[40:])
    yield pieces(b"\0AUTH ANONYMOUS\r\nCANCEL\r\nERROR\r\n" + auth[1:] + b"BEGIN\r\n", hello) + b"\0\0\0"


def vault():
    def head(op, status, secret, verifier, flags=0, kind=1):
        return struct.pack("<6IQ16sIIQQ", 1, op, status, len(secret), len(verifier), flags, 5,
                           b"s" * 16, 70000, kind, 3, 4) + secret + verifier
    yield head(1, 0, b"", b"")
    yield head(2, 0, b"password", b"")
    yield head(3, 0, b"password", b"v" * 60)
    yield head(3, 1, b"", b"v" * 60, 1)
    yield head(5, 2, b"x", b"")
    yield head(6, 0, b"", struct.pack("<3I", 0, 6, 30), kind=3)
    yield head(7, 0, b"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", struct.pack("<3I", 1, 8, 0), kind=4)
    yield head(8, 0, b"287082", struct.pack("<2Q2I", 0, 59, 1, 0) + b"v", 2, kind=3)
    yield head(8, 0, b"755224 287082", struct.pack("<2Q2I", 0, 0, 9, 99) + b"v", 4, kind=4)
    yield head(8, 0, b"755224", struct.pack("<2Q2I", 0, 0, 9, 0) + b"v", 8, kind=4)
    yield head(9, 0, b"7K2P-9QXM-3T5W 0000-0000-0001", b"", kind=5)
    yield head(10, 0, b"123456", b"h" * 96, kind=6)
    yield head(10, 0, b"123456", b"h" * 96, 8 + 4, kind=6)


def recovery():
    yield b"GEZDGNBVGY3TQOJQ"
    yield b"mzxw6ytboi======"
    half = b"\1" + b"k" * 32   # private, with the sum that um_vault/recovery.c has
    half += hashlib.blake2b(half, key=b"um-vault recovery text 1\0", digest_size=16).digest()[:4]
    text = base64.b32encode(half).rstrip(b"=")
    yield b"-".join(text[at:at + 4] for at in range(0, len(text), 4)) + b"\n"


def quality():
    def request(op, flags, *texts):
        return struct.pack("<2IQ3I6H", 1, op, 7, flags, 12, 2, *map(len, texts)) + b"".join(t + b"\0" for t in texts if t)
    yield request(2, 7, b"correct horse", b"old one", b"anna", b"Anna O.", b"a@b.org", b"/var/lib/breach")
    yield request(2, 0, b"x", b"", b"", b"", b"", b"")
    yield request(1, 6, b"", b"", b"", b"", b"", b"/b")
    yield struct.pack("<2IQ3I4B", 1, 2, 7, 0, 0x3ff, 12, 4, 1, 2, 3)


def notify():
    def request(op, time, valid, *texts):
        return struct.pack("<2I2QI7H3H", 1, op, 7, time, valid, *map(len, texts), 0, 0, 0) + b"".join(
            t + b"\0" for t in texts if t)
    yield request(2, 1785574800000000, 600, b"anna@b.org", b"Anna O.", b"anna", b"host.example", b"sshd", b"192.0.2.7", b"123456")
    yield request(2, 1, 60, b"a@b.org", "Änne <x>".encode(), b"anna", b"h", b"login", b"", b"12345678")
    yield request(1, 0, 0, *[b""] * 7)
    yield struct.pack("<2IQ2I", 1, 2, 7, 3, 75)


def fido():
    def request(op, flags, rp, name, pin, *ids, target=0):
        packet = struct.pack("<IIQQII64s4H", 1, op, 7, target, flags, 70000, b"c" * 64, len(rp), len(name), len(pin),
                             len(ids)) + b"".join(text + b"\0" for text in (rp, name, pin) if text)
        return packet + b"".join(struct.pack("<HH64s", len(i), 2, b"k" * 64) + i for i in ids)
    yield request(1, 1, b"um:aa", b"", b"")
    yield request(1, 0, b"um:aa", b"", b"", b"id", b"i" * 512)
    yield request(2, 0, b"um:aa", b"", b"1234", b"id")
    yield request(3, 2, b"um:aa", b"alice", b"1234", b"id")
    yield request(4, 0, b"", b"", b"", target=3)
    yield struct.pack("<IIQIII4B", 1, 2, 7, 1, 0, 5, 1, 0, 0, 0) + bytes(600)  # an answer
    rp = hashlib.sha256(b"um:aa").digest()
    public = bytes.fromhex("a5010203262001215820") + b"x" * 32 + bytes.fromhex("225820") + b"y" * 32
    made = rp + b"\x45" + struct.pack(">I", 3) + b"a" * 16 + struct.pack(">H", 4) + b"cred" + public
    asserted = rp + b"\x05" + struct.pack(">I", 4)
    for extra in b"", b"\xa1\x61a\x01":  # extensions
        data = asserted if not extra else rp + b"\x85" + struct.pack(">I", 4) + extra
        yield (struct.pack("<IIBBHHH", 1, 0, 1, 1, len(made), len(data), 72) + made.ljust(1024, b"\0") +
               data.ljust(1024, b"\0") + bytes.fromhex("30460221") + b"\0" * 68)
    yield bytes.fromhex("06d0f10901a101092015002eff00750895408102c0")  # a key's descriptor


def config():
    yield b"""# comment
uid-range = 65536-524287
enumerate = no
shell = /bin/bash
home-root = /home
audit.unknown-names = on
"""
    yield b"uid-range=1879048192-2147483646 # and on\n\n  shell  =\t/bin/sh"
    yield b"colour = blue\nshell = \xc2\x9b\n"


def code():
    yield from (b"123456", b"123 456", b"1234 5678", b"123456 234567", b"7K2P-9QXM-3T5W", b"7k2p-9qxm-3tiw",
                b"+12345", b"\xef\xbc\x91" + b"23456", b" 123456", b"12345")


def field():
    for number, texts in enumerate((
            [b"alice", b"_a-b_9", b"um-x", b"0x0"], [b"web"],
            [b"Anna \xc3\x84nderung", b"\xc2\x9b31m", b"\xe2\x80\xaegnp"],
            [b"/home/alice", b"/a/../b", b"//"], [b"/bin/bash"], [b"a line"],
            [b"a.b+c@example.org", b"@x", b"a..b@x.de"], [b"+49 (30) 123/45-6"],
            [b"de-AT", b"pt_BR"], [b"Europe/Berlin", b"Etc/GMT+1"])):
        for text in texts:
            yield bytes([number]) + text


def local():
    yield b"bob\nroot:x:0:0:root:/root:/bin/bash\nbob:x:1000:1000::/home/bob:/bin/sh\n"
    yield b"bob\n+bob:x:1:\n#bob:x:2:\nbob:\xff:3:\nbob:x:4:\xff\xff\nbob:x:4294967295:a"


def parse():
    for text in (b"0", b"18446744073709551615", b"65535", b"never", b"90s", b"12w", b"1y",
                 b"2026-08-01T09:00:00Z", b"9999-12-31 23:59:59-23:59", b"a\x1b[0m\xc2\x9b\\"):
        yield bytes([40]) + text


def stack():
    yield (b"auth [success=1 default=ignore] pam_localuser.so\n"
           b"auth [success=end user_unknown=ignore default=die] pam_um.so\n"
           b"auth required pam_unix.so\n@include b\n.\nauth requisite pam_deny.so\n"
           b"account substack c\n.\naccount required pam_permit.so\nsession optional x.so \\\n a=b\n")
    yield b"-auth sufficient pam_x.so\nauth include b\naccount include a\n.\n# empty\n"


def rights():
    """Roles: name; inherit; permit; without; deny; require; conflict."""
    yield b"a;b;*,sudo.all;billing.*;;email,attr:a,second-factor;c\nb;;user.*,login.sshd,sudo.web\nc;a,b;*.view;;sudo.backup"
    yield b"a;b\nb;c\nc;a;user.view;;user.lock"
    yield b"\n".join(b"n%d;n%d" % (n, n + 1) for n in range(12)) + b"\nn12;;crm.*,crm.customer.edit;;user."


def ssh_key():
    def string(data):
        return struct.pack(">I", len(data)) + data

    def line(type_, *parts):
        return b"publickey " + type_ + b" " + base64.b64encode(b"".join(map(string, (type_, *parts)))) + b"\n"
    point = b"\4" + b"p" * 64
    yield line(b"ssh-ed25519", b"k" * 32)
    yield line(b"sk-ssh-ed25519@openssh.com", b"k" * 32, b"ssh:")
    yield b"password\n" + line(b"ecdsa-sha2-nistp256", b"nistp256", point) + line(b"ssh-rsa", b"\1\0\1", b"\0" + b"\xff" * 256)
    yield line(b"sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", point, b"ssh:") + b"keyboard-interactive/pam\n"
    certificate = base64.b64encode(b"".join((
        string(b"ssh-ed25519-cert-v01@openssh.com"), string(b"n" * 32), string(b"k" * 32), struct.pack(">QI", 1, 1), string(b"id"),
        string(string(b"alice")), struct.pack(">QQ", 0, 2**64 - 1), string(b""), string(b""), string(b""), string(b"ca"), string(b"s" * 64))))
    yield b"publickey ssh-ed25519-cert-v01@openssh.com " + certificate + b"\n"


def sshd():
    yield b"PubkeyAuthOptions verify-required\n"
    yield b"Include one\n.\nPubkeyAuthOptions touch-required verify-required\n"
    yield b"UsePAM yes\n\tpubkeyauthoptions = verify-required # PIN\nMatch Group x\n PubkeyAuthOptions none\nMatch all\n.\n"
    yield b"Include *\nMatch all\nInclude \"one\"\nPubkeyAuthOptions\rnone\n.\nMatch User y\nPubkeyAuthOptions verify-required\n"


def conditions():
    for text in (b"department=sales,attr.region=eu", b"kind=person,tenant=acme,title=a = b", b"attr.a=1,attr.ab=1",
                 b"department=a,department=b", b"yes", b"+007", b"-0", b"2027-03-01", b"eu"):
        for kind in range(6):
            yield bytes([kind]) + text


def sudo():
    """A command, or lines of sudoers behind um's first."""
    yield b"/usr/bin/systemctl restart backup.service"
    yield b"/usr/bin/x a,b:c=d #e ?f [g] ^h$ i\\j !k *"
    yield b"/usr/local/bin/*/y@z%u:v=w,x"
    yield b"alice, bob ALL=(root:adm) NOTAFTER=20270801085959Z NOPASSWD: /bin/a \"\", /bin/b c\\,d\\\\\\\\e\n"
    yield b"carl ALL=(ALL:ALL) PASSWD: ALL\n"


def filters():
    for text in (b"", b"status=active,group=web", b"name~al*,email!=a@b.de", b"created<30d",
                 b"valid-until>2026-08-01,locked=yes", b"member=alice,owner!=bob",
                 b"group~w*,created>2026-08-01T09:00:00Z,valid-until<never"):
        yield b"\0" + text
        yield b"\1" + text


def main():
    makers = {"gate": gate, "vault": vault, "quality": quality, "notify": notify, "fido": fido, "recovery": recovery, "config": config, "code": code,
              "field": field, "local": local, "parse": parse, "rights": rights, "stack": stack, "filter": filters, "condition": conditions,
              "ssh_key": ssh_key, "sshd": sshd, "sudo": sudo}
    for name, maker in makers.items():
        folder = os.path.join(sys.argv[1], name)
        os.makedirs(folder, exist_ok=True)
        for number, data in enumerate(maker()):
            with open(os.path.join(folder, f"seed-{number}"), "wb") as file:
                file.write(data)


if __name__ == "__main__":
    main()
