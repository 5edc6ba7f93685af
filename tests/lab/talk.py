# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads COMMAND [PATTERN ANSWER]... from standard input, each ended by a NUL (answers are secrets, and arguments are for
all to see). Runs COMMAND (a line of shell) on a terminal of its own, waits for each PATTERN and sends ANSWER; an
ANSWER of "^D", "^C" or "^Z" sends that key, "-" nothing, "!LINE" what that line of shell makes of all that was
seen so far. Prints what was seen and exits as COMMAND did: 97 when a
PATTERN did not come in time."""

import io
import os
import subprocess
import sys

import pexpect

class Seen(io.StringIO):
    """Prints what is written, and keeps it."""

    def write(self, text):
        sys.stdout.write(text)
        return super().write(text)


KEYS = {"^C": "c", "^D": "d", "^Z": "z"}


def main():
    command, *pairs = sys.stdin.read().split("\0")[:-1]
    limit = float(os.environ.get("UM_LAB_TALK_LIMIT", "30"))
    child = pexpect.spawn("/bin/sh", ["-c", command], timeout=limit, encoding="utf-8",
                          codec_errors="replace", dimensions=(50, 200))
    child.logfile_read = seen = Seen()
    pattern = "the end"
    try:
        for pattern, answer in zip(pairs[::2], pairs[1::2]):
            child.expect(pattern)
            if answer in KEYS:
                child.sendcontrol(KEYS[answer])
            elif answer.startswith("!"):
                child.sendline(subprocess.run(["/bin/sh", "-c", answer[1:]], input=seen.getvalue(), text=True, check=True,
                                              stdout=subprocess.PIPE).stdout.strip())
            elif answer != "-":
                child.sendline(answer)
        pattern = "the end"
        child.expect(pexpect.EOF)
    except (pexpect.EOF, pexpect.TIMEOUT) as fault:
        print(f"\ntalk: waiting for {pattern!r}: {type(fault).__name__}")
        child.close(force=True)
        return 97
    child.close()
    return child.exitstatus if child.exitstatus is not None else 128 + child.signalstatus


sys.exit(main())
