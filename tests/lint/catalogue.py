# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads docs/TESTS.md against the tree: every test file named there exists, every check named after it stands in
that file, every item of the catalogue has its row once, every fuzz harness has one too.

    catalogue.py ROOT          prints what is wrong, exit status 1 if there was anything
    catalogue.py --selftest    plants one fault of each kind and sees it named
"""

import os
import re
import sys
import tempfile

PAGE = "docs/TESTS.md"
# The items of the acceptance catalogue that what is built must show, and those it shows beyond.
ITEMS = [*range(1, 6), 7, 8, 9, 11, 15, 16, 17, 18, 20, 21, 22, 24, 25, 26, 28, 31, 33, 34, 35, 37, 38, 39, 41, 42, 43, 44, 45, 46, 48, 50, 51, 52,
         53, 66, 67, 68, 70, 88, 89, 90, 93, 96, 97, *range(99, 104),
         105, 106, 107, 109, 110, 111, 112, 114, 115, 117, 119, 120, 122, 125, 137, 142, 144, 145, 150]
ROW = re.compile(r"^\| *([^|]*?) *\|")
TOKEN = re.compile(r"`([^`]+)`")


def rows(text):
    """(line number, first cell, what stands in backticks behind it)."""
    for number, line in enumerate(text.splitlines(), 1):
        match = ROW.match(line)
        if match:
            yield number, match.group(1), TOKEN.findall(line[match.end():])


def judge(root):
    with open(os.path.join(root, PAGE), encoding="utf-8") as page:
        text = page.read()
    items, harnesses, checks = [], [], 0
    for number, first, tokens in rows(text):
        if first.isdigit():
            items.append(int(first))
        elif first.startswith("`fuzz_"):
            harnesses.append(first.strip("`"))
            continue
        elif "tests/" not in " ".join(tokens) or first == "where" or any(t.startswith("tests/run") for t in tokens):
            continue
        source, named = None, False
        for token in tokens:
            if re.fullmatch(r"tests/[\w./-]+", token) and not token.endswith("/"):
                path = os.path.join(root, token)
                if not os.path.isfile(path):
                    yield f"{PAGE}:{number}: no file {token}"
                    source = None
                    continue
                with open(path, encoding="utf-8", errors="replace") as file:
                    source, at = file.read(), token
                named = False
            elif source is not None:
                if token not in source:
                    yield f"{PAGE}:{number}: {at} has no check \"{token}\""
                named, checks = True, checks + 1
        if first.isdigit() and not named:
            yield f"{PAGE}:{number}: item {first} names no check"
    for item in ITEMS:
        if items.count(item) != 1:
            yield f"{PAGE}: item {item} has {items.count(item)} rows"
    there = sorted(name[:-2] for name in os.listdir(os.path.join(root, "tests/fuzz")) if re.fullmatch(r"fuzz_\w+\.c", name))
    if there != sorted(harnesses):
        yield f"{PAGE}: fuzz targets: {sorted(set(there) ^ set(harnesses))}"
    if checks < len(ITEMS):
        yield f"{PAGE}: only {checks} checks are named"


def selftest():
    """A small tree whose page is right; then each fault, which must be named."""
    lines = [f"| {item} | holds | `tests/a/run` `check {item}` | |" for item in ITEMS]
    good = "\n".join([*lines, "| `fuzz_x` | bytes |"])
    faults = [(good, 0), (good.replace("`check 4`", "`check four`"), 1), (good.replace("tests/a/run` `check 5`", "tests/b/run` `check 5`"), 2),
              (good.replace(lines[7], ""), 1), (good.replace(lines[3], lines[3] + "\n" + lines[3]), 1),
              (good.replace(" `check 22`", ""), 1), (good.replace("`fuzz_x`", "`fuzz_y`"), 1)]
    bad = 0
    with tempfile.TemporaryDirectory() as root:
        for folder in "docs", "tests/a", "tests/fuzz":
            os.makedirs(os.path.join(root, folder))
        for path, text in (("tests/a/run", "\n".join(f"check {item}" for item in ITEMS)), ("tests/fuzz/fuzz_x.c", "")):
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        for number, (text, wanted) in enumerate(faults):
            with open(os.path.join(root, PAGE), "w", encoding="utf-8") as page:
                page.write(text)
            found = [line for line in judge(root) if "checks are named" not in line]
            if len(found) != wanted:
                print(f"planted {number}: {wanted} faults, {found}")
                bad = 1
    return bad


def main():
    if sys.argv[1:] == ["--selftest"]:
        return selftest()
    found = list(judge(sys.argv[1]))
    for line in found:
        print(line)
    return 1 if found else 0


sys.exit(main())
