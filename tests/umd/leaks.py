# SPDX-License-Identifier: LGPL-2.1-or-later
"""Looks for secrets in what programs have left behind: as they are, in either case, in hex, base32, base64, UTF-16, and
escaped as logs and debuggers do.  Knows nothing of um."""

import base64
import os

HEAD = 6  # bytes by which a form is looked up; no secret may have fewer


def _base64(secret):
    """Its digits that follow from the secret alone, for each place in a group of three it may begin at."""
    for skip in range(3):
        digits = base64.b64encode(bytes(skip) + secret)
        digits = digits[(skip * 8 + 5) // 6:(skip + len(secret)) * 8 // 6]
        yield "base64", digits
        yield "base64url", digits.translate(bytes.maketrans(b"+/", b"-_"))


def forms(secret):
    """Each (how it is written, bytes), some of them twice."""
    digits = secret.hex()
    yield "as it is", secret
    yield "lower case", secret.lower()
    yield "upper case", secret.upper()
    yield "hex", digits.encode()
    yield "hex", digits.upper().encode()
    yield "hex, spaced", secret.hex(" ").encode()
    yield "escaped", "".join(f"\\x{byte:02x}" for byte in secret).encode()
    yield "octal", "".join(f"\\{byte:03o}" for byte in secret).encode()
    for between in " ", ", ", ",":
        yield "numbers", between.join(map(str, secret)).encode()
    yield "base32", base64.b32encode(secret).rstrip(b"=")
    yield "base32", base64.b32encode(secret).rstrip(b"=").lower()
    yield "UTF-16", b"".join(bytes([byte, 0]) for byte in secret)
    yield from _base64(secret)


class Secrets:
    """What must be found nowhere."""

    def __init__(self):
        self.heads, self.count = {}, 0

    def add(self, what, secret):
        """Returns it.  Texts are looked for with and without the signs that group them."""
        data = secret if isinstance(secret, bytes) else secret.encode()
        self.count += 1
        for one in {data, data.replace(b"-", b"").replace(b" ", b"")}:
            assert len(one) >= HEAD, f"{what} is too short to be looked for"
            for how, form in set(forms(one)):
                # Six digits stand in any number: they count as a word.
                word = how in ("as it is", "lower case", "upper case") and one.isdigit()
                self.heads.setdefault(form[:HEAD], []).append((what, how, form, word))
        return secret

    def add_seed(self, what, key):
        """A seed in base32, as text and as the bytes it stands for, in whole and in halves."""
        seed = base64.b32decode(key)
        self.add(what, key)
        for part in (seed, seed[:len(seed) // 2], seed[len(seed) // 2:]):
            self.add(what + ", its bytes", part)
        return key

    def found(self, data):
        """(what, how, where) of each that is there."""
        hits, heads = set(), self.heads
        for at in range(len(data) - HEAD + 1):
            for what, how, form, word in heads.get(data[at:at + HEAD], ()):
                end = at + len(form)
                if data[at:end] != form:
                    continue
                if word and (data[max(at - 1, 0):at].isalnum() or data[end:end + 1].isalnum()):
                    continue
                hits.add((what, how, at))
        return sorted(hits)

    def found_in(self, path):
        """The same of a file; its holes are left out."""
        hits, at = [], 0
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            while at < size:
                try:
                    at = os.lseek(file.fileno(), at, os.SEEK_DATA)
                except OSError:  # nothing but a hole is left
                    break
                end = os.lseek(file.fileno(), at, os.SEEK_HOLE)
                hits += [(*hit[:2], at + hit[2]) for hit in self.found(os.pread(file.fileno(), end - at, at))]
                at = end
        return hits

    def sees_all_forms(self):
        """That it would find each form of each, whatever stands around it: the test of the test."""
        for ways in list(self.heads.values()):
            for what, how, form, _ in ways:
                for before, behind in (b"", b""), (b"\0\xff=", b"\n"), (b"[" * 13, b"]"):
                    assert (what, how, len(before)) in self.found(before + form + behind), (what, how)
        assert self.count and not self.found(b"umd: alice is locked out; 2026-11-29T04:46:00.999999Z" * 9)
