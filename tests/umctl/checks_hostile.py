# SPDX-License-Identifier: LGPL-2.1-or-later
"""Values that would take a terminal, a log or a shell over: refused where they would be stored, escaped where
they are only repeated.  That no output ever has such a character, harness.judge() sees to."""

import os
import pathlib
import pty
import threading
import time

from harness import NOT_FOUND, NOT_REACHABLE, USAGE, argv, bad, check, ctl, environment, everything, fresh, good, has, same

HOSTILE = {
    "escape": "\x1b[2J", "title": "\x1b]0;x\x07", "c1 csi": "\x9b31m", "newline": "a\nroot:x:0:0", "return": "a\rb",
    "tab": "a\tb", "delete": "a\x7f", "bidi": "a\u202egnp", "isolate": "a\u2066b", "bom": "\ufeffa",
    "line separator": "a\u2028b", "zero width": "a\u200bb", "backspace": "a\b\b", "bell": "\a",
}
NAMES = ["", "-x", "--", ".", "..", "a/b", "a:b", "0", "0x0", "+1", "4294967295", "ALICE", "a b", "a ", "a\n", "\u00e9",
         "a" * 33, "a" * 65536, "um", "um-x", "$(id)", "a;b", "*", "a%s%n", "\U0001f600"]


@check
def hostile_texts_are_stored_nowhere():
    name = fresh()
    good("user add", name)
    before = everything()
    for text in HOSTILE.values():
        for option in "full-name", "title", "department", "home", "shell", "notify", "time-zone", "email", "phone":
            assert bad(USAGE, "user set", name, "--" + option, text)
        bad(USAGE, "user add", fresh(), "--full-name", text)
        bad(USAGE, "group add", fresh("g"), "--description", text)
        bad(USAGE, "user lock", name, "--reason", text)
    same(everything(), before)


@check
def hostile_names_are_refused_everywhere():
    before = everything()
    for text in [*NAMES, *HOSTILE.values()]:
        assert ctl("user add", "--", text).code == USAGE, text
        assert ctl("group add", "--", text).code == USAGE, text
        for command in "user show", "user lock", "user restore", "group show":
            code = ctl(command, "--", text).code
            assert code in (USAGE, NOT_FOUND), (command, text, code)
    same(everything(), before)


@check
def bytes_that_are_not_utf8_are_refused():
    name = fresh()
    good("user add", name)
    for raw in b"\xff", b"a\xc3", b"\xc0\xaf", b"\xed\xa0\x80":
        text = os.fsdecode(raw)
        for command, arguments in [("user add", [text]), ("user set", [name, "--title", text]),
                                   ("user show", [text]), ("group add", [text]), ("user list", ["--filter", text]),
                                   ("user lock", [name, "--reason", text]), ("audit log", ["--user", text]),
                                   ("group add-member", [text, text]), ("frob" + text, []), ("user list", ["--sort", text])]:
            result = ctl(command, *arguments)
            assert result.code in (USAGE, NOT_FOUND), (command, raw, result)


@check
def what_is_repeated_is_escaped():
    for text in HOSTILE.values():
        for command, arguments in [("user show", [text]), (text.replace(" ", "") or "x", []), ("user " + text, []),
                                   ("help", [text]), ("user list", ["--columns", text]), ("user list", ["--sort", text]),
                                   ("user list", ["--filter", text + "=1"]), ("user list", ["--" + text]),
                                   ("user list", ["--limit", text]), ("user list", ["--json=" + text]),
                                   ("user set", ["x", "--valid-until", text]), ("user add", ["x", "--uid", text]),
                                   ("audit log", ["--since", text]), ("status", ["--socket", "/run/" + text]),
                                   ("user delete", [text]), ("group delete", [text])]:
            result = ctl(command, *arguments)
            assert result.code in (USAGE, NOT_FOUND, NOT_REACHABLE), (command, arguments, result)
            same(len(result.err.splitlines()), 1 + result.err.count("\nusage: "))
    has(bad(NOT_FOUND, "user show", "\x1b[2J"), "\\x1b[2J")


@check
def a_full_name_of_the_world_is_welcome():
    for text in "Ångström Ødegård", "王小明", "محمد", "Nguyễn Văn A", "O'Brien-Smith Jr.", "𝒜":
        name = fresh()
        good("user add", name, "--full-name", text)
        has(good("user show", name), f"full name: {text}\n")


@check
def a_secret_is_in_no_process_list():
    name, secret, seen = fresh(), "psst-in-the-process-list", []
    good("user add", name)
    child, fd = pty.fork()
    if child == 0:
        os.execve("/run/lib/umctl", argv("user passwd", [name]), environment())

    def look():
        end = time.monotonic() + 1
        while time.monotonic() < end:
            for part in "cmdline", "environ":
                for path in pathlib.Path("/proc").glob("[0-9]*/" + part):
                    try:
                        if secret.encode() in path.read_bytes():
                            seen.append(str(path))
                    except OSError:
                        pass

    watcher = threading.Thread(target=look)
    watcher.start()
    for prompt in "New password: ", "Again: ":
        text = ""
        while prompt not in text:
            text += os.read(fd, 4096).decode()
        os.write(fd, secret.encode() + b"\n")
    watcher.join()
    try:
        while os.read(fd, 4096):
            pass
    except OSError:
        pass
    same(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
    same(seen, [])
