# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the checks of tests/umctl share: a umd of their own in a world of its own, umctl in it, and what
must hold for every single run of umctl, whatever the check is about:

an exit status of 0 to 5; silence on standard error where it is 0, else a line "umctl: ..."; and never a
character on either that a terminal would obey.
"""

import codecs
import json
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "umd"))
from daemon import Daemon  # noqa: E402

BUILD = pathlib.Path(os.environ.get("UM_BUILD", "")).resolve()
UMCTL = pathlib.Path(os.environ.get("UM_UMCTL", BUILD / "umctl/umctl"))
DONE, FAILED, USAGE, REFUSED, NOT_FOUND, NOT_REACHABLE = range(6)

# C0 but newline and return, DEL, C1, bidi controls and their like: what base_codepoint_printable() knows.
OBEYED = re.compile("[\0-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")

checks = []
world = None  # the umd of all checks, once it runs
used = set()  # (command, option without dashes, or "") that ended well


def check(function):
    checks.append(function)
    return function


def same(got, wanted):
    assert got == wanted, f"{got!r}, not {wanted!r}"


def has(text, *parts):
    for part in parts:
        assert part in text, f"no {part!r} in: {text!r}"


# ---- the world -------------------------------------------------------------------------------------------

class World(Daemon):
    """The one umd of all checks, in /run/um, where umctl and libnss_um look."""

    def __init__(self):
        super().__init__()
        self.run = pathlib.Path("/run/um")
        self.map, self.bus = self.run / "map.d/map", self.run / "bus"
        self.local("group", "root:x:0:\nadm:x:4:\ndocker:x:990:\n")
        self.config.write_text(self.config.read_text() + "sendmail = /run/no-sendmail\n")


def enter_world():
    """In a mount namespace: an empty /run, names from /etc and um alone."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run"], check=True)
    nsswitch = pathlib.Path("/run/nsswitch.conf")
    nsswitch.write_text("passwd: files um\ngroup: files [SUCCESS=merge] um\n")
    subprocess.run(["mount", "--bind", nsswitch, "/etc/nsswitch.conf"], check=True)
    pathlib.Path("/run/lib").mkdir()
    shutil.copy(BUILD / "nss_um/libnss_um.so.2", "/run/lib/")
    shutil.copy(UMCTL, "/run/lib/umctl")  # where a user other than root may read it


def environment(**more):
    return {"PATH": "/run/lib:/usr/bin:/bin:/usr/sbin:/sbin", "LD_LIBRARY_PATH": "/run/lib", "LANG": "C.UTF-8",
            "TZ": "Pacific/Kiritimati",  # is not asked
            "ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "halt_on_error=1", **more}


_numbers = iter(range(1, 1000000))


def fresh(prefix="u"):
    """A name nobody has."""
    return f"{prefix}{next(_numbers)}"


# ---- umctl -----------------------------------------------------------------------------------------------

class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f"exit {self.code}\nout: {self.out!r}\nerr: {self.err!r}"


def argv(command, arguments):
    return ["/run/lib/umctl", *command.split(), *map(str, arguments)]


def note(command, arguments):
    used.add((command, ""))
    for argument in arguments:
        if str(argument).startswith("--"):
            used.add((command, str(argument)[2:].split("=")[0]))


def judge(result, warns, quiet):
    assert 0 <= result.code <= 5, result
    for text in (result.out, result.err):
        assert not OBEYED.search(text.replace("\r\n", "\n")), f"a character that terminals obey: {result}"
    if result.code != 0 and not quiet:
        assert result.err.startswith("umctl: ") and result.err.endswith("\n"), result
    else:
        assert warns or result.err == "", result
    return result


def ctl(command, *arguments, stdin="", uid=0, warns=False, quiet=False, code=None, env=None):
    """Runs it; code is the exit status it must have."""
    user = ["/usr/bin/setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--"] if uid else []
    run = subprocess.run([*user, *argv(command, arguments)], input=stdin.encode(), capture_output=True, check=False,
                         env=environment(**(env or {})), cwd="/", timeout=60)
    result = judge(Result(run.returncode, run.stdout.decode(), run.stderr.decode()), warns, quiet)
    if run.returncode == 0 or quiet:
        note(command, arguments)
    assert code is None or result.code == code, f"{command} {arguments}: {result}"
    return result


def good(command, *arguments, **more):
    """The output of what must succeed."""
    return ctl(command, *arguments, code=DONE, **more).out


def bad(wanted, command, *arguments, **more):
    """What umctl says to what must end with that exit status: the first line, without "umctl: "."""
    result = ctl(command, *arguments, code=wanted, **more)
    line = result.err.splitlines()[0]
    assert line.startswith("umctl: " + command + ": "), result
    return line[len("umctl: " + command + ": "):]


def _object_once(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), f"a key stands twice: {keys}"
    return dict(pairs)


def document(text):
    """One JSON document on one line, schema 1, without it."""
    assert text.endswith("\n") and text.count("\n") == 1, text
    value = json.loads(text, object_pairs_hook=_object_once)
    same(value.pop("schema"), 1)
    return value


def unset_is_absent(value):
    if isinstance(value, dict):
        for key, field in value.items():
            assert field not in ("", None), f"{key} is unset and there"
            unset_is_absent(field)


def get(command, *arguments, **more):
    value = document(good(command, *arguments, "--json", **more))
    unset_is_absent(value)
    return value


def lines(command, *arguments, **more):
    return [json.loads(line) for line in good(command, *arguments, "--json=lines", **more).splitlines()]


def user(name):
    return get("user show", name)["user"]


def group(name):
    return get("group show", name)["group"]


def everything():
    """All that a change could change."""
    return (lines("user list"), lines("group list"), lines("audit log", "--limit", 100000))


# ---- umctl on a terminal ---------------------------------------------------------------------------------

class Terminal:
    """umctl with a terminal for everything; text is what stands on it so far."""

    def __init__(self, command, *arguments, columns=80, uid=0):
        self.text, self.seen, self.command, self.arguments = "", 0, command, arguments
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            subprocess.run(["stty", "columns", str(columns)], check=True)
            if uid:
                os.setgroups([])
                os.setresgid(uid, uid, uid)
                os.setresuid(uid, uid, uid)
            os.execve("/run/lib/umctl", argv(command, arguments), environment(TERM="xterm"))

    def _read(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # the last one has closed it
            return False
        self.text += self.decoder.decode(data)  # a read may end within a character
        return bool(data)

    def wait(self, prompt):
        """Until it stands there; it is then still to be answered."""
        end = time.monotonic() + 20
        while prompt not in self.text[self.seen:]:
            assert time.monotonic() < end and self._read(20), f"no {prompt!r} in {self.text!r}"
        return self

    def answer(self, prompt, line):
        """Waits for the prompt, types a line."""
        self.wait(prompt)
        self.seen = len(self.text)
        os.write(self.fd, line.encode() + b"\n")
        return self

    def end(self, code):
        while self._read(20):
            pass
        os.close(self.fd)
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        assert status == code, f"exit {status}, not {code}: {self.text!r}"
        assert not OBEYED.search(self.text.replace("\r\n", "\n")), self.text
        if code == 0:
            note(self.command, self.arguments)
        return self.text.replace("\r\n", "\n")


# ---- running ---------------------------------------------------------------------------------------------

def run_checks(pattern, label):
    passed = failed = 0
    for function in checks:
        if pattern not in function.__module__ + "." + function.__name__:
            continue
        name, began = label + function.__name__.replace("_", " "), time.monotonic()
        try:
            function()
            passed += 1
            word = "ok  "
        except Exception:  # noqa: BLE001  # whatever it is, it is this check's failure
            failed += 1
            word = "FAIL"
            traceback.print_exc(limit=-4, file=sys.stdout)
        print(f"{word} {(time.monotonic() - began) * 1000:6.0f} ms  {name}", flush=True)
    return passed, failed
