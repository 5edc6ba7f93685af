# SPDX-License-Identifier: LGPL-2.1-or-later
"""A stolen disk or backup without um-vault's key (SECURITY section 4, 125): no secret is in it in any form, and a vault
with another key opens nothing of it."""

import ctypes
import shutil
import signal
import subprocess
import time

import leaks
from daemon import FIRST, USER, Daemon, until
from factors import (ALLOW, ASK_HIDDEN, ASK_SHOWN, BAD_PROOF, DONE, PASSWORD, Dialogue, code, log_in, proof, same, set_policy,
                     user_with)
from mail import Mailbox, asks

UNAVAILABLE = 7  # WireVerdict
FORMER = [b"Lantern moss 17", b"Owls at dusk, ten", b"Harbour gravel 41"]
IMPORTED = b"Copper kettle 88 sings"

checks = []


def check(function):
    checks.append(function)
    return function


def served(umd):
    umd.start()
    until(lambda: umd.status()["vault_ok"] and umd.status()["quality_ok"], 20)


def on(umd, name, method, signature, *values, **more):
    return umd.call(f"/org/um1/user/{name}", USER, method, signature, *values, **more)


def password_set(umd, name, password, **options):
    on(umd, name, "SetPassword", "aya{sv}a{sv}", password, {key: ("b", value) for key, value in options.items()}, {})


def crypted(password):
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    return crypt(password, b"$6$rounds=1000$salt")


class Plunder:
    """A umd with everything that is secret in it, and what a thief would like to find."""

    def __init__(self, umd):
        self.umd, self.secrets, self.box = umd, leaks.Secrets(), Mailbox(umd)
        self.password = self.secrets.add("a password", PASSWORD)
        served(umd)
        for uid, name in enumerate(("alice", "bob", "carol", "dave", "erin", "frank")):
            umd.create(name, full_name=f"{name.title()} of the catalogue", email=f"{name}@acme.example")
            setattr(self, name, FIRST + uid)
        set_policy(umd, lockout_attempts="never", lockout_source__attempts="never")
        self.alice_has_a_totp_and_former_passwords()
        self.bob_has_a_hotp_and_new_recovery_codes()
        self.setup = self.secrets.add("a setup code", on(umd, "carol", "CreateSetupCode", "a{sv}", {})[0])
        self.erin_was_imported()
        self.frank_did_not_end_his_enrolment()
        self.dave_was_sent_a_code()

    def alice_has_a_totp_and_former_passwords(self):
        for former in FORMER:
            password_set(self.umd, "alice", self.secrets.add("a former password", former))
        self.totp = self.enrolled("alice", "totp")[0]

    def bob_has_a_hotp_and_new_recovery_codes(self):
        self.hotp, first = self.enrolled("bob", "hotp")
        with self.umd.peer(self.bob) as own:
            login = proof(self.umd, own, "bob", self.password, code(self.hotp, 1))
            self.recovery = on(self.umd, "bob", "CreateRecoveryCodes", "sa{sv}", login, {}, peer=own)[0]
        assert not set(first) & set(self.recovery)
        for one in self.recovery:
            self.secrets.add("a recovery code", one)

    def enrolled(self, name, method):
        key, _, codes = user_with(self.umd, name, method, getattr(self, name), create=False)
        self.secrets.add_seed(f"the seed of a {method}", key)
        for one in codes:
            self.secrets.add("a recovery code", one)
        return key, codes

    def erin_was_imported(self):
        hashed = self.secrets.add("an imported hash", crypted(self.secrets.add("its password", IMPORTED)))
        password_set(self.umd, "erin", hashed, hash=True)
        self.secrets.add("the hash without its setting", hashed.rpartition(b"$")[2])

    def frank_did_not_end_his_enrolment(self):
        password_set(self.umd, "frank", self.password)
        with self.umd.peer(self.frank) as own:
            login = proof(self.umd, own, "frank", self.password)
            _, key, _, _ = on(self.umd, "frank", "EnrolFactor", "sa{sv}a{sv}", login, {"method": ("s", "totp")}, {}, peer=own)
        self.secrets.add_seed("the seed of an enrolment", key)

    def dave_was_sent_a_code(self):
        password_set(self.umd, "dave", self.password)
        until(lambda: self.umd.status()["mail_ok"])
        set_policy(self.umd, factor_methods="+email-code")
        for name, value in ("factor.required", "on"), ("factor.enrol-within", "0"):
            self.umd.call("/org/um1", "org.um1.Policy", "SetForUser", "sssa{sv}", "dave", name, value, {})
        with self.umd.peer() as peer:
            asks(self.umd, peer, user="dave")
            self.mailed = self.secrets.add("a code of a mail", self.box.code(1))


def files(place):
    return [path for path in sorted(place.rglob("*")) if path.is_file()]


def thief_has(umd, place):
    """All of the state but um-vault's own folder."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for path in files(umd.state):
        if path.parent.name != "vault":
            subprocess.run(["cp", "--sparse=always", path, place], check=True)
    return files(place)


@check
def a_stolen_store_has_no_secret_in_it():
    with Daemon() as umd:
        there = Plunder(umd)
        there.secrets.sees_all_forms()
        seen = leaks.Secrets()
        seen.add("a full name", "Alice of the catalogue")
        for how in "a disk that was pulled out", "a backup":
            if how == "a backup":
                served(umd)
                umd.stop()
            else:
                umd.send(signal.SIGKILL)
                umd.process.wait()
            stolen = thief_has(umd, umd.dir / "stolen")
            assert any(seen.found_in(path) for path in stolen), f"{how}: what is no secret is not found either"
            hits = {path.name: there.secrets.found_in(path) for path in stolen}
            assert not any(hits.values()), f"{how}: {hits}"
        # and planted at its end, each would have been found
        with open(umd.dir / "stolen/data.mdb", "ab") as file:
            file.write(b"\0" + there.setup.encode() + b"\0")
        same({hit[0] for hit in there.secrets.found_in(umd.dir / "stolen/data.mdb")}, {"a setup code"})


def opens_nothing(umd, there, wanted):
    """What was there lets nobody in."""
    step = int(time.time()) // 30
    for name, *answers in (("alice", there.password, code(there.totp, step)), ("bob", there.password, code(there.hotp, 2)),
                           ("erin", IMPORTED), ("carol", there.setup.encode())):
        with umd.peer() as peer:
            dialogue, left = Dialogue(umd, peer, name), list(answers)
            while dialogue.step[0] != DONE:
                asked = dialogue.step[0] in (ASK_HIDDEN, ASK_SHOWN)
                dialogue.answer(left.pop(0) if asked and left else b"")
            verdict = dialogue.step[2]["verdict"]
        assert verdict in wanted, f"{name}: {verdict}"


@check
def a_stolen_store_opens_under_no_other_key():
    with Daemon() as umd:
        there = Plunder(umd)
        umd.stop()
        home = umd.dir / "home"
        subprocess.run(["cp", "-a", "--sparse=always", umd.state, home], check=True)
        (umd.state / "vault/key").unlink()
        umd.start()  # um-vault makes itself another
        until(lambda: not umd.status()["vault_key_ok"])
        opens_nothing(umd, there, (UNAVAILABLE,))
        umd.stop()
        subprocess.run(umd.command("--accept-new-vault-key"), check=True, cwd="/", capture_output=True)
        served(umd)
        opens_nothing(umd, there, (UNAVAILABLE, BAD_PROOF))
        for name in "alice", "bob", "dave":  # the thief's own password, and the owner's factors
            password_set(umd, name, FORMER[0] + b" again")
        for name, factor in (("alice", code(there.totp, int(time.time()) // 30)), ("bob", code(there.hotp, 2)),
                             ("bob", there.recovery[0].encode()), ("dave", there.mailed)):
            verdict = log_in(umd, name, FORMER[0] + b" again", factor)
            assert verdict in (UNAVAILABLE, BAD_PROOF), f"{name}: {verdict}"
        umd.stop()
        # at home all of it opens
        shutil.rmtree(umd.state)
        home.rename(umd.state)
        served(umd)
        for name, *answers in (("bob", there.password, code(there.hotp, 2)), ("bob", there.password, there.recovery[0].encode()),
                               ("dave", there.password, there.mailed), ("erin", IMPORTED),
                               ("alice", there.password, code(there.totp, int(time.time()) // 30 + 1))):
            same((name, log_in(umd, name, *answers)), (name, ALLOW))
