# SPDX-License-Identifier: LGPL-2.1-or-later
"""Everything says as much as it can (umd --debug, pam_um debug), a thousand logins and changes go well and wrong, and none
of their secrets is in a log, the audit log, the store or the map (SECURITY section 4, 144, 145)."""
import ctypes
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time

from checks_real import UMD, Umd
from checks_second import Reached
from harness import (AUTH_ERR, AUTHINFO_UNAVAIL, FULL, NEW_AUTHTOK_REQD, SUCCESS, USER_UNKNOWN, Log, app, check, expect,
                     expect_true, plain_only, stack)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "umd"))
import factors  # noqa: E402  pylint: disable=wrong-import-position
import leaks  # noqa: E402  pylint: disable=wrong-import-position
from daemon import USER, Refused, until  # noqa: E402  pylint: disable=wrong-import-position

COUNT = 1000 if FULL else 60
BOX = pathlib.Path("/run/box")
LETTERS = "bdfhkmprtwz"  # no word comes of them, nor a row of the alphabet


class Journal:
    """What umd sends to the journal."""

    def __init__(self):
        self.lines = []
        os.makedirs("/run/systemd/journal")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("/run/systemd/journal/socket")
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            self.lines.append(self.socket.recv(1 << 20))


class Loud(Umd):
    """umd that tells all it can, to a journal; what its children tell goes to a file."""

    def __enter__(self):
        BOX.mkdir()
        BOX.chmod(0o777)
        sendmail = pathlib.Path("/run/sendmail")
        sendmail.write_text(f'#!/bin/sh\nfile=$(mktemp -p {BOX} tmp.XXXXXX)\ncat >"$file"\nmv "$file" "{BOX}/mail.${{file##*.}}"\n')
        sendmail.chmod(0o755)
        pathlib.Path("/run/um.conf").write_text(f"sendmail = {sendmail}\n")
        os.makedirs("/run/state", mode=0o700)
        os.chmod("/run/um", 0o755)
        self.reached = Reached()
        self.stderr = open("/run/stderr", "wb")  # pylint: disable=consider-using-with
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([*UMD, "--debug", "--config", "/run/um.conf"], stdout=subprocess.DEVNULL,
                                        stderr=self.stderr, env={**os.environ, "JOURNAL_STREAM": "1:1"})
        self.reached.process = self.process
        until(self.well, 20)
        return self

    def well(self):
        assert self.process.poll() is None, "umd ended"
        try:
            status = self.reached.status()
        except OSError:  # it does not listen yet
            return False
        return status["vault_ok"] and status["quality_ok"]

    def on(self, name, method, signature, *values, **more):
        return self.reached.call(f"/org/um1/user/{name}", USER, method, signature, *values, **more)

    def policy_for(self, name, **values):
        for value in values:
            self.reached.call("/org/um1", "org.um1.Policy", "SetForUser", "sssa{sv}", name,
                              value.replace("__", "-").replace("_", "."), values[value], {})


# ---- the scenarios: each with a user and secrets of its own ----------------------------------------

SCENARIOS = []


def scenario(function):
    SCENARIOS.append(function)
    return function


class World:
    def __init__(self, umd):
        self.umd, self.secrets, self.dice, self.names = umd, leaks.Secrets(), random.Random(145), 0

    def letters(self, count=7):
        return "".join(self.dice.choices(LETTERS, k=count))

    def word(self, what="a password"):
        """A new password, as um wants them."""
        one, two = ("".join(self.dice.sample(LETTERS, 7)) for _ in range(2))
        return self.secrets.add(what, f"{one} {two} {self.dice.randrange(10, 99)}")

    def digits(self, *but, count=6):
        """So many that are nobody's code."""
        while True:
            code = f"{self.dice.randrange(10**count):0{count}}"
            if code not in but:
                return self.secrets.add("a wrong code", code)

    def user(self, password=None, mailed=False, **options):
        self.names += 1
        name = f"u{self.names}"
        uid = self.umd.reached.create(name, **({"email": f"{name}@acme.example"} if mailed else {}))
        if password:
            self.umd.on(name, "SetPassword", "aya{sv}a{sv}", password.encode(),
                        {key.replace("_", "-"): ("b", value) for key, value in options.items()}, {})
        return name, uid

    def enrolled(self, method):
        """Name, a code of his by its counter, recovery codes; the password is factors'."""
        name, uid = self.user()
        key, _, codes = factors.user_with(self.umd.reached, name, method, uid, create=False)
        self.secrets.add_seed("a seed", key)
        for one in codes:
            self.secrets.add("a recovery code", one)
        return name, lambda counter: self.secrets.add("a code", factors.code(key, counter).decode()), codes


def answers(*words):
    return ["answer=" + word for word in words]


def ends(what, run, *wanted):
    expect(what, [code for _, code in run.codes()], list(wanted))


@scenario
def right_and_wrong(world):
    password = world.word()
    name, _ = world.user(password)
    ends("wrong", app(*answers(world.word("a wrong password")), "auth", user=name), AUTH_ERR)
    ends("right", app(*answers(password), "auth", "acct", "setcred", "open", "close", user=name), *[SUCCESS] * 5)


@scenario
def changed_by_herself(world):
    first, second = world.word(), world.word()
    name, uid = world.user(first)
    ends("by herself", app(f"ruid={uid}", *answers(first, second, second), "passwd", user=name), SUCCESS)
    ends("in", app(*answers(second), "auth", user=name), SUCCESS)


@scenario
def changed_in_the_login(world):
    first, second = world.word(), world.word()
    name, _ = world.user(first, must_change=True)
    ends("changed", app(*answers(first, first, second, second), "auth", "acct", "passwd-expired", "acct", user=name),
         SUCCESS, NEW_AUTHTOK_REQD, SUCCESS, SUCCESS)


@scenario
def a_setup_code(world):
    password = world.word()
    name, _ = world.user()
    code = world.secrets.add("a setup code", world.umd.on(name, "CreateSetupCode", "a{sv}", {})[0])
    ends("in", app(*answers(code, password, password), "auth", "acct", "passwd-expired", user=name),
         SUCCESS, NEW_AUTHTOK_REQD, SUCCESS)


@scenario
def a_totp(world):
    name, code, _ = world.enrolled("totp")
    step = int(time.time()) // 30
    ends("wrong", app(*answers(factors.PASSWORD.decode(), world.digits(*[code(step + i) for i in range(-2, 3)])), "auth", user=name),
         AUTH_ERR)
    ends("right", app(*answers(factors.PASSWORD.decode(), code(step + 1)), "auth", "acct", user=name), SUCCESS, SUCCESS)


@scenario
def a_hotp_and_recovery_codes(world):
    name, code, codes = world.enrolled("hotp")
    ends("a code", app(*answers(factors.PASSWORD.decode(), code(1)), "auth", user=name), SUCCESS)
    ends("a recovery code", app(*answers(factors.PASSWORD.decode(), codes[0]), "auth", user=name), SUCCESS)
    ends("again", app(*answers(factors.PASSWORD.decode(), codes[0]), "auth", user=name), AUTH_ERR)


@scenario
def an_enrolment_in_the_login(world):
    password = world.word()
    name, _ = world.user(password)
    world.umd.policy_for(name, factor_required="on", factor_enrol__within="0")
    with world.umd.reached.peer() as peer:
        dialogue = factors.Dialogue(world.umd.reached, peer, name)
        dialogue.answer(password.encode())
        dialogue.answer(b"")
        key = world.secrets.add_seed("a seed in a login", dialogue.step[1].split("secret=")[1].split("&")[0])
        dialogue.answer(b"")
        dialogue.answer(world.secrets.add("a code", factors.code(key, int(time.time()) // 30)))
        for code in re.findall(r"\b\w{4}-\w{4}-\w{4}\b", dialogue.step[1]):
            recovery = world.secrets.add("a recovery code", code)
        dialogue.answer(b"")
        expect("verdict", dialogue.step[2]["verdict"], factors.ALLOW)
    ends("in by a recovery code", app(*answers(password, recovery), "auth", user=name), SUCCESS)


def mailed(world, name, count, *words):
    """The code that these words of a dialogue have sent, of so many digits."""
    for old in BOX.iterdir():
        old.unlink()
    with world.umd.reached.peer() as peer:
        dialogue = factors.Dialogue(world.umd.reached, peer, name, service="um")
        for word in words:
            dialogue.answer(word)
        until(lambda: dialogue.step[0] != factors.WAIT or dialogue.answer(b"")[0] != factors.WAIT)
        until(lambda: list(BOX.glob("mail.*")))
    mail = next(BOX.glob("mail.*")).read_text()
    return world.secrets.add("a code of a mail", re.search(rf"^    (\d{{{count}}})$", mail, re.M)[1])


@scenario
def a_code_by_mail(world):
    password = world.word()
    name, _ = world.user(password, mailed=True)
    world.umd.policy_for(name, factor_required="on", factor_enrol__within="0")
    code = mailed(world, name, 6, password.encode(), b"mail")
    ends("wrong", app(*answers(password, world.digits(code)), "auth", user=name), AUTH_ERR)
    ends("in", app(*answers(password, code), "auth", "acct", user=name), SUCCESS, SUCCESS)


@scenario
def a_forgotten_password(world):
    old, new = world.word(), world.word()
    name, _ = world.user(old, mailed=True)
    factors.set_policy(world.umd.reached, password_reset__by__email="on")
    code = mailed(world, name, 8, b"", b"reset")
    ends("wrong", app(*answers("", world.digits(code, count=8)), "auth", user=name), AUTH_ERR)
    ends("one that was hers, then a new one", app(*answers("", code, old, old, new, new), "auth", "acct", "passwd-expired", "acct", user=name),
         SUCCESS, NEW_AUTHTOK_REQD, SUCCESS, SUCCESS)
    ends("in", app(*answers(new), "auth", "acct", user=name), SUCCESS, SUCCESS)
    factors.set_policy(world.umd.reached, password_reset__by__email="off")


@scenario
def an_imported_hash(world):
    password = world.word()
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    hashed = crypt(password.encode(), f"$6$rounds=1000${world.letters()}".encode()).decode()
    name, _ = world.user(world.secrets.add("a hash", hashed), hash=True)
    ends("in, and hashed anew", app(*answers(password), "auth", user=name), SUCCESS)


@scenario
def a_new_password_is_refused(world):
    name, _ = world.user()
    for bad in world.letters(8), "x\0" + world.letters(20), world.letters(600):
        try:
            world.umd.on(name, "SetPassword", "aya{sv}a{sv}", world.secrets.add("a bad password", bad).encode(), {}, {})
            raise AssertionError("set")
        except Refused as error:
            expect_true(f"{error.name}: {error.text}", error.name in ("PolicyRefused", "BadValue"))
            expect("in the error", world.secrets.found(error.text.encode()), [])


@scenario
def a_password_where_the_name_is_asked(world):
    """Of a form that a name could have, and of one that none has."""
    for typed, code in ((world.letters(12), AUTH_ERR), (world.word(), USER_UNKNOWN)):
        world.secrets.add("a password typed as a name", typed)
        ends("nobody's", app(*answers(world.word()), "auth", user=typed), code)
    for method in ("Lock", "Resume"):  # as an admin pastes what was in his clipboard
        try:
            world.umd.on(world.secrets.add("a name nobody has", world.letters(12)), method, "a{sv}", {})
            raise AssertionError("found")
        except Refused as error:
            expect("error", error.name, "NoSuchUser")


@scenario
def calls_that_are_none(world):
    name, uid = world.user(world.word())
    secret = world.word()
    for peer_uid, path, interface, method, signature, values in (
            (0, f"/org/um1/user/{name}", USER, "SetPassword", "s", [secret]),
            (0, f"/org/um1/user/{name}", USER, "SetPasswrd", "aya{sv}a{sv}", [secret.encode(), {}, {}]),
            (0, f"/org/um1/user/{name}", USER, "SetPassword", "aya{sv}a{sv}", [secret.encode(), {secret: ("s", secret)}, {}]),
            (0, "/org/um1", "org.um1.Login", "Answer", "say", ["0" * 32, secret.encode()]),
            (uid, f"/org/um1/user/{name}", USER, "SetPassword", "aya{sv}a{sv}", [secret.encode(), {}, {}]),
            (uid, "/org/um1", "org.um1.Manager", "CreateUserWithPassword", "sa{sv}aya{sv}a{sv}", [name + "x", {}, secret.encode(), {}, {}])):
        with world.umd.reached.peer(peer_uid) as peer:
            message = peer.call(path, interface, method, signature, *values)
            expect_true(f"{method} is refused", message.error)


@scenario
def by_umctl(world):
    name, password, second = "c" + world.letters(6), world.word(), world.word()
    world.umd.umctl("user", "add", name, "--password", stdin=password + "\n")
    world.umd.umctl("user", "passwd", name, stdin=second + "\n")
    ends("in", app(*answers(second), "auth", user=name), SUCCESS)
    expect("shown", world.secrets.found((world.umd.umctl("user", "show", name) + world.umd.umctl("audit", "log")).encode()), [])


@scenario
def a_vault_that_dies(world):
    password = world.word()
    name, _ = world.user(password)
    old = world.umd.reached.vault_pid()
    os.kill(old, signal.SIGSTOP)
    codes = []
    logins = [threading.Thread(target=lambda: codes.extend(app(*answers(password), "auth", user=name).codes("auth")))
              for _ in range(3)]
    for login in logins:
        login.start()
    os.kill(old, signal.SIGKILL)
    for login in logins:
        login.join()
    expect_true(f"unavailable, or in: {codes}", len(codes) == 3 and set(codes) <= {AUTHINFO_UNAVAIL, SUCCESS})
    until(lambda: world.umd.reached.vault_pid() not in (None, old) and world.umd.well())


# ---- looking -----------------------------------------------------------------------------------------

def audit(umd):
    """All entries, as they are handed out."""
    cursor, texts = 0, []
    while True:
        entries, cursor = umd.reached.call("/org/um1", "org.um1.Audit", "List", "a{sv}tu", {}, cursor, 1000)
        texts += [repr(entry) for entry in entries]
        if not entries or cursor == 0:
            return texts


def places(umd, journal):
    """Whatever is left to be read, by where it is."""
    for path in sorted(pathlib.Path("/run/state").rglob("*")):
        if path.is_file() and path.parent.name != "vault":
            yield str(path), path
    yield "the map", pathlib.Path("/run/um/map.d/map")
    yield "what its children said", pathlib.Path("/run/stderr")
    yield "the journal", b"\n".join(journal.lines)
    # without "<86>Nov 29 04:46:00 um[123456]: ", whose number is a process's
    yield "syslog", "\n".join(re.sub(r"^<\d+>\w+ +\d+ [\d:]+ [^:[]+(\[\d+\])?: ", "", line) for line in Log.lines).encode()
    yield "the audit log", "\n".join(audit(umd)).encode()


def found(secrets, umd, journal):
    return {where: hits for where, what in places(umd, journal)
            if (hits := secrets.found(what) if isinstance(what, bytes) else secrets.found_in(what))}


def a_planted_one_is_found(umd, journal):
    """In each of the places, and nothing else: that they can be looked into."""
    planted = leaks.Secrets()
    word = planted.add("a planted one", "Planted-" + os.urandom(6).hex())
    planted.sees_all_forms()
    umd.stderr.write(word.encode())
    umd.stderr.flush()
    umd.on("planted", "Lock", "a{sv}", {"reason": ("s", word)})
    journal.socket.sendto(b"MESSAGE=" + word.encode().hex().encode(), "/run/systemd/journal/socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        syslog.sendto(f"<86>Nov 29 04:46:00 app[1]: {word.lower()}".encode(), "/dev/log")
    until(lambda: set(found(planted, umd, journal)) == {"/run/state/data.mdb", "what its children said", "the journal", "syslog",
                                                        "the audit log"})


def no_process_leaves_a_core(umd):
    pids = [umd.process.pid, *map(int, pathlib.Path(f"/proc/{umd.process.pid}/task/{umd.process.pid}/children").read_text().split())]
    expect_true("umd, um-vault, um-quality, um-notify", len(pids) >= 4)
    for pid in pids:
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        expect_true(f"{pid}: {limits}", re.search(r"^Max core file size +0 +0 ", limits, re.M))


@check
@plain_only
def no_secret_is_told():
    """each of many scenarios with secrets of its own: none in any log, the store or the map (catalogue 144, 145)"""
    stack("debug nodelay")
    journal = Journal()
    with Loud() as umd:
        world = World(umd)
        factors.set_policy(umd.reached, factor_methods="+email-code", lockout_source__attempts="never")
        until(lambda: umd.reached.status()["mail_ok"])
        umd.reached.create("planted")
        world.secrets.add("factors' password", factors.PASSWORD)
        for number in range(COUNT):
            SCENARIOS[number % len(SCENARIOS)](world)
        no_process_leaves_a_core(umd)
        said = b"\n".join(journal.lines)
        expect_true("umd said what it can", b"published" in said or b"delta" in said)
        expect_true("so did pam_um", any("verdict" in line for line in Log.lines))
        expect("told", found(world.secrets, umd, journal), {})
        a_planted_one_is_found(umd, journal)
        world.secrets.sees_all_forms()
        print(f"{COUNT} scenarios, {world.secrets.count} secrets, {len(journal.lines)} + {len(Log.lines)} lines")
