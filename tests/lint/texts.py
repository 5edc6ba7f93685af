# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can be seen in shell and in a manual page.

    texts.py shell FILE...     shell scripts in which a check cannot fail: "says" drops the exit status, by which "refused", "rc_is" and
                               "lacks" say what they found
    texts.py messages ROOT     messages of umd's journal that umd(8) does not have, or has twice, and those it has and umd has not

A line for each finding; 1 where there are any. With --selftest it sees whether it finds what it should."""

import pathlib
import re
import sys

WORD = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\])+"""
DROPPED = re.compile(r"(?<![\w-])says[ \t]+" + WORD + r"[ \t]+(lacks|refused|rc_is)(?![\w-])")


def shell(text):
    """(line, what) of each; a line ends where no backslash stands."""
    joined = text.replace("\\\n", "  ")  # of the same length: offsets stay
    for match in DROPPED.finditer(joined):
        yield text.count("\n", 0, match.start()) + 1, f"\"says\" drops what \"{match.group(1)}\" found: has"


def messages(log, page):
    ids = re.findall(r'return "([0-9a-f]{32})";', log)
    told = re.findall(r"^\.It ([0-9a-f]{32})$", page, re.M)
    for message in ids:
        if told.count(message) != 1:
            yield f"message {message} stands there {told.count(message)} times, not once"
    for message in told:
        if message not in ids:
            yield f"umd has no message {message}"
    if len(ids) < 20:
        yield f"{len(ids)} messages found in umd/log.c: this check does not see them any more"


def selftest():
    good = ("ck a says 'x y' um status\nck b has 'x' refused um status\nck c says refused um status\nsays x eventually 5 refused y\n"
            "ck d says x \\\n        um refused\nhe_says x lacks y\nck e lacks x refused y\nck f says 'x' y # refused\n")
    bad = (("says 'a b' refused c\n", 1), ("\nck n says \"a\\\"b c\" rc_is 1 c\n", 2), ("ck n says a'b c'\"d\" \\\n  lacks e f\n", 1),
           ("f() { says \"$X\" refused g; }\n", 1), ("ck n says x\\ y lacks z\n", 1))
    ids = [f"{i:032x}" for i in range(20)]
    log = "".join(f'return "{i}";\n' for i in ids)
    page = "".join(f".It {i}\nsomething\n" for i in ids)
    return (not list(shell(good)) and all([n for n, _ in shell(text)] == [line] for text, line in bad)
            and not list(messages(log, page)) and len(list(messages(log, page + f".It {ids[3]}\n"))) == 1
            and len(list(messages(log, page.replace(ids[3], "f" * 32)))) == 2 and len(list(messages("", ""))) == 1)


def main():
    bad = []
    if sys.argv[1] == "--selftest":
        return 0 if selftest() else 1
    if sys.argv[1] == "shell":
        for path in sys.argv[2:]:
            bad += [f"{path}:{line}: {what}" for line, what in shell(pathlib.Path(path).read_text(encoding="utf-8"))]
    else:
        root = pathlib.Path(sys.argv[2])
        page = "packaging/man/umd.8"
        bad += [f"{page}: {what}" for what in messages((root / "umd/log.c").read_text(encoding="utf-8"),
                                                       (root / page).read_text(encoding="utf-8"))]
    print("\n".join(bad), end="\n" if bad else "")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
