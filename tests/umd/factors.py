# SPDX-License-Identifier: LGPL-2.1-or-later
"""Second factors through umd and the real um-vault: a code that counts once, whoever races and whatever dies.
The codes are made here, by RFC 4226 and RFC 6238, with nothing of um's."""

import base64
import hashlib
import hmac
import os
import signal
import struct
import time

from daemon import FIRST, USER, Daemon, Refused, until

FULL = os.environ.get("UM_TEST_FULL") == "1"
ROUNDS, CYCLES = (40, 60) if FULL else (4, 8)
ASK_HIDDEN, ASK_SHOWN, SHOW, WAIT, DONE = 1, 2, 3, 4, 6  # WireStepKind
ALLOW, BAD_PROOF, DENIED = 1, 2, 3  # WireVerdict
PASSWORD = b"Wonder-land-9 is far"
KEY = "publickey ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAJy9Bqisl0a82lzXptklP/7vkZ6Vtz2EKq5zZAsKn0E\n"

checks = []


def check(function):
    checks.append(function)
    return function


def same(got, wanted):
    assert got == wanted, f"{got!r}, not {wanted!r}"


def code(key, counter, digits=6):
    """RFC 4226."""
    mac = hmac.new(base64.b32decode(key), struct.pack(">Q", counter), hashlib.sha1).digest()
    at = mac[-1] & 15
    return str((struct.unpack(">I", mac[at:at + 4])[0] & 0x7fffffff) % 10**digits).zfill(digits).encode()


class Dialogue:
    """One login on one connection, of which a caller may have several."""

    def __init__(self, umd, peer, user, service="sshd", auth_info=""):
        self.umd, self.peer = umd, peer
        context = {"operation": ("s", "authenticate"), "user": ("s", user), "service": ("s", service),
                   "auth-info": ("s", auth_info)}
        self.login, self.step = umd.call("/org/um1", "org.um1.Login", "Begin", "a{sv}", context, peer=peer)

    def answer(self, text):
        self.step = self.umd.call("/org/um1", "org.um1.Login", "Answer", "say", self.login, text, peer=self.peer)[0]
        return self.step

    def send(self, text):
        self.serial = self.peer.send_call("/org/um1", "org.um1.Login", "Answer", "say", self.login, text)

    def verdict(self):
        message = self.peer.reply(self.serial)
        assert not message.error, message.error
        self.step = message.args[0]
        while self.step[0] == WAIT:  # after failures answers are late
            self.answer(b"")
        return self.step[2]["verdict"]


def log_in(umd, user, *answers, **more):
    """Password, then codes, as pam_um would; the verdict."""
    with umd.peer() as peer:
        dialogue, left = Dialogue(umd, peer, user, **more), list(answers)
        while dialogue.step[0] != DONE:
            dialogue.answer(left.pop(0) if dialogue.step[0] in (ASK_HIDDEN, ASK_SHOWN) else b"")
        same(left, [])
        return dialogue.step[2]["verdict"]


def proof(umd, peer, user, *answers):
    """The id of a login by which a user changes his factors."""
    dialogue = Dialogue(umd, peer, user, service="umctl")
    for text in answers:
        dialogue.answer(text)
    same(dialogue.step[2]["verdict"], ALLOW)
    return dialogue.login


def user_with(umd, name, method, uid, create=True):
    """A user who enrolled one himself: its key, its number and the recovery codes."""
    if create:
        umd.create(name)
    umd.call(f"/org/um1/user/{name}", USER, "SetPassword", "aya{sv}a{sv}", PASSWORD, {}, {})
    with umd.peer(uid) as own:
        login = proof(umd, own, name, PASSWORD)
        number, key, uri, _ = umd.call(f"/org/um1/user/{name}", USER, "EnrolFactor", "sa{sv}a{sv}", login,
                                       {"method": ("s", method)}, {}, peer=own)
        assert uri.startswith(f"otpauth://{method}/") and f"secret={key}&" in uri, uri
        at = int(time.time()) // 30 if method == "totp" else 0
        codes = umd.call(f"/org/um1/user/{name}", USER, "ConfirmFactor", "uaya{sv}", number, code(key, at), {},
                         peer=own)[0]
    return key, number, codes


def served(umd):
    umd.start()
    until(lambda: umd.status()["vault_ok"])
    return umd


def set_policy(umd, **values):
    for name, value in values.items():
        umd.call("/org/um1", "org.um1.Policy", "Set", "ssa{sv}", name.replace("__", "-").replace("_", "."), value, {})


def without_lockout(umd):
    """As many attempts at once as a check makes; what they count for is lockout.py's."""
    set_policy(umd, lockout_attempts="0", lockout_source__attempts="0")


def early_in_a_step(seconds=12):
    """Waits until the step of now lasts so long."""
    while time.time() % 30 > 30 - seconds:
        time.sleep(0.2)
    return int(time.time()) // 30


@check
def a_totp_lets_in_once_and_never_goes_back():
    with Daemon() as umd:
        served(umd)
        step = early_in_a_step(25)
        key, _, _ = user_with(umd, "alice", "totp", FIRST)
        same(log_in(umd, "alice", PASSWORD, code(key, step)), BAD_PROOF)  # it proved the enrolment
        same(log_in(umd, "alice", b"wrong", code(key, step + 1)), BAD_PROOF)
        same(log_in(umd, "alice", PASSWORD, b"000000"), BAD_PROOF)
        same(log_in(umd, "alice", PASSWORD, code(key, step + 1)), ALLOW)  # early, and not burnt before
        for late in (step - 1, step, step + 1):
            same(log_in(umd, "alice", PASSWORD, code(key, late)), BAD_PROOF)
        reasons = [entry["reason"] for entry in umd.call(
            "/org/um1", "org.um1.Audit", "List", "a{sv}tu", {"verb": ("s", "authenticate")}, 0, 3)[0]]
        same(reasons, ["code-reused"] * 3)
        umd.stop()
        served(umd)
        same(log_in(umd, "alice", PASSWORD, code(key, step + 1)), BAD_PROOF)  # nor after a restart


@check
def of_64_sessions_with_one_code_one_gets_in():
    with Daemon() as umd:
        without_lockout(served(umd))
        for round_ in range(ROUNDS):  # before the first factor makes um-mfa, which takes an id too
            umd.create(f"user{round_}")
        for round_ in range(ROUNDS):
            key, _, _ = user_with(umd, f"user{round_}", "hotp", FIRST + round_, create=False)
            peers = [umd.peer() for _ in range(64)]
            # the key came first: no password to hash
            dialogues = [Dialogue(umd, peer, f"user{round_}", auth_info=KEY) for peer in peers]
            for dialogue in dialogues:
                same(dialogue.step[0], ASK_SHOWN)
                dialogue.send(code(key, 1))
            verdicts = [dialogue.verdict() for dialogue in dialogues]
            same(verdicts.count(ALLOW), 1)
            for peer in peers:
                peer.close()
            same(log_in(umd, f"user{round_}", code(key, 1), auth_info=KEY), BAD_PROOF)


@check
def of_32_sessions_with_one_recovery_code_one_gets_in():
    with Daemon() as umd:
        without_lockout(served(umd))
        _, _, codes = user_with(umd, "alice", "hotp", FIRST)
        same(len(set(codes)), 10)
        peers = [umd.peer() for _ in range(32)]
        dialogues = [Dialogue(umd, peer, "alice", auth_info=KEY) for peer in peers]
        for dialogue in dialogues:
            dialogue.send(codes[0].encode())
        same([dialogue.verdict() for dialogue in dialogues].count(ALLOW), 1)
        for peer in peers:
            peer.close()
        same(log_in(umd, "alice", PASSWORD, codes[9].lower().encode()), ALLOW)
        factors = umd.call("/org/um1/user/alice", USER, "ListFactors")[0]
        same([(f[1], f[2], f[6]) for f in factors], [("hotp", True, -1), ("recovery", True, 8)])


@check
def an_accepted_code_outlives_kill_9():
    with Daemon() as umd:
        served(umd)
        key, _, _ = user_with(umd, "alice", "hotp", FIRST)
        for counter in range(1, CYCLES + 1):
            same(log_in(umd, "alice", code(key, counter), auth_info=KEY), ALLOW)
            umd.stop(signal.SIGKILL)
            served(umd)
            same(log_in(umd, "alice", code(key, counter), auth_info=KEY), BAD_PROOF)


@check
def a_login_leads_through_an_enrolment():
    with Daemon() as umd:
        served(umd)
        umd.create("alice")
        umd.call("/org/um1/user/alice", USER, "SetPassword", "aya{sv}a{sv}", PASSWORD, {}, {})
        set_policy(umd, factor_required="on", factor_enrol__within="0")
        context = {"user": ("s", "alice"), "service": ("s", "sshd")}
        same(umd.call("/org/um1", "org.um1.Login", "Authorize", "a{sv}s", context, "")[:2],
             [DENIED, "factor-not-enrolled"])
        with umd.peer() as peer:
            dialogue = Dialogue(umd, peer, "alice")
            dialogue.answer(PASSWORD)
            dialogue.answer(b"")
            same(dialogue.step[0], SHOW)
            key = dialogue.step[1].split("secret=")[1].split("&")[0]
            assert key == "".join(dialogue.step[1].splitlines()[1].split()), dialogue.step[1]
            dialogue.answer(b"")
            dialogue.answer(code(key, int(time.time()) // 30))
            same(dialogue.step[0], SHOW)
            recovery = dialogue.step[1].splitlines()[1].split()[0]
            dialogue.answer(b"")
            same(dialogue.step[2]["verdict"], ALLOW)
            same(umd.call("/org/um1", "org.um1.Login", "Authorize", "a{sv}s", context, dialogue.login)[0], ALLOW)
        same(log_in(umd, "alice", PASSWORD, recovery.encode()), ALLOW)
        same(log_in(umd, "alice", PASSWORD, recovery.encode()), BAD_PROOF)


@check
def factors_are_changed_by_their_owner_after_a_proof():
    with Daemon() as umd:
        served(umd)
        key, number, _ = user_with(umd, "alice", "hotp", FIRST)
        path = "/org/um1/user/alice"
        with umd.peer(FIRST) as own, umd.peer() as root:
            for peer, login, wanted in ((own, "", "PolicyRefused"), (root, "", "AccessDenied")):
                try:
                    umd.call(path, USER, "EnrolFactor", "sa{sv}a{sv}", login, {}, {}, peer=peer)
                    raise AssertionError("enrolled without a proof")
                except Refused as error:
                    same(error.name, wanted)
            login = proof(umd, own, "alice", PASSWORD, code(key, 1))
            new = umd.call(path, USER, "CreateRecoveryCodes", "sa{sv}", login, {}, peer=own)[0]
            same(len(new), 10)
            login = proof(umd, own, "alice", PASSWORD, code(key, 2))
            umd.call(path, USER, "RemoveFactor", "usa{sv}", number, login, {}, peer=own)
            same(umd.call(path, USER, "ListFactors", peer=own)[0], [])
        same(log_in(umd, "alice", PASSWORD), ALLOW)
