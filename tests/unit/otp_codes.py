# SPDX-License-Identifier: LGPL-2.1-or-later
"""One-time codes of random seeds, by Python's hmac: not by liboath, which the vault uses.

    otp_codes.py COUNT      a line each: ALGORITHM DIGITS PERIOD NOW STEP SEED CODE

ALGORITHM is VaultAlgorithm's number, PERIOD 0 for a HOTP, SEED in base32.
"""

import base64
import hmac
import random
import struct
import sys

HASHES = [("sha1", 20), ("sha256", 32), ("sha512", 64)]


def code(name, seed, step, digits):
    mac = hmac.new(seed, struct.pack(">Q", step), name).digest()
    at = mac[-1] & 15
    return (struct.unpack(">I", mac[at:at + 4])[0] & 0x7fffffff) % 10 ** digits


for number in range(int(sys.argv[1])):
    algorithm = number % len(HASHES)
    name, usual = HASHES[algorithm]
    digits = random.randrange(6, 9)
    period = random.choice([0, 15, 30, 60, 120])
    now = random.randrange(253402300800) if period else 0
    step = now // period if period else random.randrange(2 ** random.randrange(1, 62))
    seed = random.randbytes(random.choice([usual, random.randrange(16, 129)]))
    print(algorithm, digits, period, now, step, base64.b32encode(seed).decode(),
          str(code(name, seed, step, digits)).zfill(digits))
