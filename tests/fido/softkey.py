# SPDX-License-Identifier: LGPL-2.1-or-later
"""A FIDO2 security key of software: CTAPHID and CTAP 2.0 over sockets, HID reports as packets.

    softkey.py DIRECTORY [N]     serves DIRECTORY/keyN (0) until it is killed

How it behaves is written to DIRECTORY/keyN.how as JSON, read anew with each command:

    touch      seconds until it is touched (0.2); -1: never
    patience   seconds until it gives up (60)
    pin        the PIN that is set; absent: none
    answer     "good", or how it goes wrong (see WRONG below)
    when       "touch": it goes wrong so only where a touch is asked for, and is good when it is looked for
    claims     true: it says of every credential that it has it, and signs with a key of its own
    refuses    the CTAP error it answers when it is looked for and was given no PIN
    slow       seconds before it answers when it is looked for
    counter    what it counts to next, once; absent: one more each time.  false: it never counts

    extension  true: what it makes has one that nobody asked for

and what happened is in DIRECTORY/keyN.log, a line each.
"""

import hashlib
import hmac
import json
import os
import pathlib
import select
import socket
import struct
import sys
import threading
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

AAGUID = bytes.fromhex("756d2d736f66746b65792d746573740a")
PING, INIT, CBOR, CANCEL, KEEPALIVE, ERROR = 0x81, 0x86, 0x90, 0x91, 0xBB, 0xBF
MAKE, ASSERT, INFO, CLIENT_PIN = 1, 2, 4, 6
UP, UV, AT, ED = 0x01, 0x04, 0x40, 0x80
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
INVALID, EXCLUDED, UNSUPPORTED, CANCELLED, NO_CREDENTIALS, TIMEOUT = 0x02, 0x19, 0x2B, 0x2D, 0x2E, 0x2F
PIN_INVALID, PIN_BLOCKED, PIN_AUTH_INVALID, PIN_REQUIRED = 0x31, 0x34, 0x33, 0x36
# "answer": what of an answer is not as it should be.
WRONG = ("rp", "challenge", "key", "no-up", "no-uv", "garbage", "short", "long", "cbor", "silent", "signature", "die")


# ---- CBOR, as much of it as CTAP has ----------------------------------------------------------------

def head(major, n):
    for size, form in ((24, None), (0x100, ">B"), (0x10000, ">H"), (0x100000000, ">I")):
        if n < size:
            if form is None:
                return bytes([major << 5 | n])
            return bytes([major << 5 | {">B": 24, ">H": 25, ">I": 26}[form]]) + struct.pack(form, n)
    raise ValueError(n)


def encode(value):
    if value is True or value is False:
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, (list, tuple)):
        return head(4, len(value)) + b"".join(map(encode, value))
    pairs = sorted(((encode(key), encode(value[key])) for key in value), key=lambda pair: (len(pair[0]), pair[0]))
    return head(5, len(value)) + b"".join(key + what for key, what in pairs)  # in CTAP's order


def decode(data, at=0):
    """(value, where it ends)"""
    major, n = data[at] >> 5, data[at] & 31
    at += 1
    if major == 7:
        return {20: False, 21: True, 22: None}[n], at
    if n >= 24:
        size = 1 << n - 24
        n = int.from_bytes(data[at:at + size], "big")
        at += size
    if major == 0:
        return n, at
    if major == 1:
        return -1 - n, at
    if major in (2, 3):
        return (data[at:at + n] if major == 2 else data[at:at + n].decode()), at + n
    if major == 4:
        items = []
        for _ in range(n):
            item, at = decode(data, at)
            items.append(item)
        return items, at
    pairs = {}
    for _ in range(n):
        key, at = decode(data, at)
        pairs[key], at = decode(data, at)
    return pairs, at


def sha256(data):
    return hashlib.sha256(data).digest()


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def cose(public, algorithm):
    n = public.public_numbers()
    return {1: 2, 3: algorithm, -1: 1, -2: n.x.to_bytes(32, "big"), -3: n.y.to_bytes(32, "big")}


class Refused(Exception):
    pass


# ---- the key ----------------------------------------------------------------------------------------

class Key:
    def __init__(self, base):
        self.base, self.lock = base, threading.Lock()
        self.state_file = pathlib.Path(f"{base}.state")
        if self.state_file.exists():
            state = json.loads(self.state_file.read_text())
        else:
            state = {"master": os.urandom(32).hex(), "counter": 1, "retries": 8}
        self.master, self.counter, self.retries = bytes.fromhex(state["master"]), state["counter"], state["retries"]
        self.agreement, self.token = ec.generate_private_key(ec.SECP256R1()), os.urandom(32)

    def how(self):
        try:
            return json.loads(pathlib.Path(f"{self.base}.how").read_text())
        except (FileNotFoundError, ValueError):
            return {}

    def save(self):
        self.state_file.write_text(json.dumps({"master": self.master.hex(), "counter": self.counter,
                                               "retries": self.retries}))

    def log(self, text):
        with open(f"{self.base}.log", "a", encoding="utf-8") as log:
            log.write(text + "\n")

    def private(self, credential):
        seed = mac(self.master, b"private" + credential)
        return ec.derive_private_key(int.from_bytes(seed, "big") % (ORDER - 1) + 1, ec.SECP256R1())

    def new_id(self, rp_hash):
        nonce = os.urandom(32)
        return nonce + mac(self.master, nonce + rp_hash)

    def owns(self, how, credential, rp_hash):
        return how.get("claims") or hmac.compare_digest(credential[32:], mac(self.master, credential[:32] + rp_hash))

    def count(self, how):
        if how.get("counter") is False:
            return 0
        with self.lock:
            self.counter = how.get("counter", self.counter + 1)
            self.save()
            return self.counter

    def verified(self, how, request, pin_auth, data_hash):
        """Was the PIN given for this?  Refused where what was given is wrong."""
        if pin_auth not in request:
            return False
        if not hmac.compare_digest(mac(self.token, data_hash)[:16], request[pin_auth]):
            raise Refused(PIN_AUTH_INVALID)
        return True

    def flags(self, how, up, uv):
        wrong = how.get("answer")
        return (UP if up and wrong != "no-up" else 0) | (UV if uv and wrong != "no-uv" else 0)

    def sign(self, how, credential, authdata, data_hash):
        wrong = how.get("answer")
        private = self.private(os.urandom(64) if wrong == "key" else credential)
        signature = private.sign(authdata + (os.urandom(32) if wrong == "challenge" else data_hash),
                                 ec.ECDSA(hashes.SHA256()))
        return signature[:-1] + bytes([signature[-1] ^ 1]) if wrong == "signature" else signature

    def rp(self, how, rp):
        return sha256(b"elsewhere" if how.get("answer") == "rp" else rp.encode())

    # ---- commands

    def info(self, how):
        return {1: ["FIDO_2_0"], 3: AAGUID, 5: 1200, 6: [1],
                4: {"rk": False, "up": True, "plat": False, "clientPin": "pin" in how}}

    def make(self, how, request, touch):
        rp_hash = sha256(request[2]["id"].encode())
        uv = self.verified(how, request, 8, request[1])
        if "pin" in how and not uv:
            raise Refused(PIN_REQUIRED)
        if any(self.owns(how, c["id"], rp_hash) for c in request.get(5, ())):
            touch()
            raise Refused(EXCLUDED)
        touch()
        self.log(f"make {request[2]['id']} {request[3]['name']}{' uv' if uv else ''}")
        credential = self.new_id(rp_hash)
        public = encode(cose(self.private(credential).public_key(), -7))
        if how.get("extension"):
            public += encode({"credProtect": 3})
        flags = AT | self.flags(how, True, uv) | (ED if how.get("extension") else 0)
        authdata = (self.rp(how, request[2]["id"]) + bytes([flags]) +
                    struct.pack(">I", self.count(how)) + AAGUID + struct.pack(">H", len(credential)) + credential +
                    public)
        signature = self.sign(how, credential, authdata, request[1])
        return {1: "packed", 2: authdata, 3: {"alg": -7, "sig": signature}}

    def get(self, how, request, touch):
        rp_hash = sha256(request[1].encode())
        uv = self.verified(how, request, 6, request[2])
        options = request.get(5, {})
        if options.get("uv"):
            raise Refused(UNSUPPORTED)
        mine = [c["id"] for c in request.get(3, ()) if self.owns(how, c["id"], rp_hash)]
        up = options.get("up", True)
        if not up:
            time.sleep(how.get("slow", 0))
        if "refuses" in how and not up and not uv:
            raise Refused(how["refuses"])
        if not mine:
            raise Refused(NO_CREDENTIALS)
        if up:
            touch()
            self.log(f"assert {request[1]}{' uv' if uv else ''}")
        authdata = (self.rp(how, request[1]) + bytes([self.flags(how, up, uv)]) +
                    struct.pack(">I", self.count(how) if up else self.counter if how.get("counter") is not False else 0))
        return {1: {"id": mine[0], "type": "public-key"}, 2: authdata,
                3: self.sign(how, mine[0], authdata, request[2])}

    def client_pin(self, how, request):
        sub = request[2]
        if sub == 1:
            return {3: self.retries}
        if sub == 2:
            return {1: cose(self.agreement.public_key(), -25)}
        if sub != 5:
            raise Refused(INVALID)
        peer = request[3]
        public = ec.EllipticCurvePublicNumbers(int.from_bytes(peer[-2], "big"), int.from_bytes(peer[-3], "big"),
                                               ec.SECP256R1()).public_key()
        shared = sha256(self.agreement.exchange(ec.ECDH(), public))
        if self.retries == 0:
            raise Refused(PIN_BLOCKED)
        given = self.crypt(shared, request[6], False)
        with self.lock:
            right = hmac.compare_digest(given, sha256(how.get("pin", "").encode())[:16])
            self.retries = 8 if right else self.retries - 1
            self.agreement = ec.generate_private_key(ec.SECP256R1())
            self.save()
        self.log("pin right" if right else "pin wrong")
        if not right:
            raise Refused(PIN_INVALID if self.retries else PIN_BLOCKED)
        return {2: self.crypt(shared, self.token, True)}

    @staticmethod
    def crypt(key, data, encrypting):
        cipher = Cipher(algorithms.AES(key), modes.CBC(bytes(16)))
        context = cipher.encryptor() if encrypting else cipher.decryptor()
        return context.update(data) + context.finalize()


# ---- one that has it open -----------------------------------------------------------------------------

class Line:
    def __init__(self, key, connection):
        self.key, self.connection, self.channel = key, connection, None

    def send(self, channel, command, data):
        frames = [channel + bytes([command]) + struct.pack(">H", len(data)) + data[:57]]
        rest, sequence = data[57:], 0
        while rest:
            frames.append(channel + bytes([sequence]) + rest[:59])
            rest, sequence = rest[59:], sequence + 1
        for frame in frames:
            self.connection.send(frame.ljust(64, b"\0"))

    def frame(self):
        """A report as it was written, without its number; None at the end."""
        data = self.connection.recv(65)
        return data[1:] if len(data) == 65 else None

    def message(self):
        frame = self.frame()
        if frame is None:
            return None
        channel, command, size = frame[:4], frame[4], struct.unpack(">H", frame[5:7])[0]
        data = frame[7:]
        while len(data) < size:
            data += self.frame()[5:]
        return channel, command, data[:size]

    def touch(self, how, channel):
        """Blinks until it is touched, cancelled, or nobody did."""
        wait = how.get("touch", 0.2)
        end = time.monotonic() + (wait if wait >= 0 else how.get("patience", 60))
        self.key.log("blinks")
        while time.monotonic() < end:
            self.send(channel, KEEPALIVE, b"\x02")
            if select.select([self.connection], [], [], 0.05)[0]:
                frame = self.frame()
                if frame is None or frame[4] == CANCEL:
                    self.key.log("cancelled")
                    raise Refused(CANCELLED)
        if wait < 0:
            raise Refused(TIMEOUT)

    def how(self, data):
        """How it behaves now that it is asked this."""
        how = self.key.how()
        if how.get("when") == "touch" and data[0] == ASSERT and not decode(data, 1)[0].get(5, {}).get("up", True):
            how["answer"] = "good"
        return how

    def cbor(self, channel, data):
        how = self.how(data)
        command, request = data[0], decode(data, 1)[0] if len(data) > 1 else {}

        def touch():
            self.touch(how, channel)

        try:
            answer = {INFO: lambda: self.key.info(how), MAKE: lambda: self.key.make(how, request, touch),
                      ASSERT: lambda: self.key.get(how, request, touch),
                      CLIENT_PIN: lambda: self.key.client_pin(how, request)}[command]()
        except Refused as refusal:
            return bytes([refusal.args[0]])
        answer = b"\0" + encode(answer)
        wrong = how.get("answer") if command in (MAKE, ASSERT) else None
        if wrong == "garbage":
            return b"\0" + os.urandom(len(answer))
        if wrong == "short":
            return answer[:len(answer) // 2]
        if wrong == "long":
            return answer + os.urandom(5000)
        if wrong == "cbor":  # a map of maps of maps
            return b"\0" + b"\xa1\x01" * 1000
        return answer

    def serve(self):
        while True:
            message = self.message()
            if message is None:
                return
            channel, command, data = message
            how = self.how(data) if command == CBOR else {}
            if command == INIT:
                self.channel = os.urandom(4)
                self.send(channel, INIT, data[:8] + self.channel + bytes([2, 1, 0, 0, 0x0C]))
            elif command == CBOR and how.get("answer") == "die" and data[0] == ASSERT:
                self.connection.close()
                return
            elif command == CBOR and not (how.get("answer") == "silent" and data[0] in (MAKE, ASSERT)):
                self.send(channel, CBOR, self.cbor(channel, data))
            elif command not in (CBOR, CANCEL):
                self.send(channel, ERROR, b"\x01")

    def run(self):
        try:
            self.serve()
        except (OSError, TypeError):
            pass
        self.connection.close()


def main():
    directory, number = pathlib.Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "0"
    base = directory / f"key{number}"
    key = Key(base)
    base.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(base))
    base.chmod(0o666)
    listener.listen(64)
    os.write(1, b"ready\n")
    while True:
        threading.Thread(target=Line(key, listener.accept()[0]).run, daemon=True).start()


main()
