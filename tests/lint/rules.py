# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rules of the house that a program can check: who may include whom (docs/ARCHITECTURE.md, "The
house"), which headers and calls belong to which folder, how long a function and a file may be.

    rules.py ROOT        prints "FILE:LINE: RULE: what is wrong" a line, exit status 1 if there was any
    rules.py --list      prints the rules' names

Comments and strings are blanked before a line is judged, so that prose may name what code may not.
"""

import os
import re
import sys

# Folder -> folders it may include besides itself. A file belongs to the longest prefix; "umd" is the
# wiring in umd/*.c, which sees everything below umd/ and only the contracts of um's other services.
EDGES = {
    "base": set(),
    "policy": {"base"},
    "map": {"base"},
    "wire": {"base"},
    "qr": {"base"},
    "nss_um": {"base", "map"},
    "pam_um": {"base", "wire"},
    "umctl": {"base", "wire", "qr"},
    "um_vault": {"base"},
    "um_quality": {"base"},
    "um_notify": {"base"},
    "um_fido": {"base"},
    "um_helper": {"base", "map"},
    "um_api": {"base"},
    "um_keys": {"base", "wire"},
    "umd/store": {"base", "policy"},
    "umd/core": {"base", "policy", "qr", "umd/store"},
    "umd/bus": {"base", "wire", "policy", "umd/core"},
    "umd": {"base", "wire", "map", "policy", "umd/store", "umd/core", "umd/bus",
            "um_vault/um_vault.h", "um_quality/um_quality.h", "um_notify/um_notify.h",
            "um_fido/um_fido.h",
            "um_helper/um_helper.h"},
}
PRODUCT = sorted(EDGES, key=len, reverse=True)

# Third-party headers -> the only folders that may include them.
HEADERS = [
    (re.compile(r"^lmdb\.h$"), {"umd/store"}),
    (re.compile(r"^systemd/"), {"wire", "pam_um", "um_keys", "umctl", "umd/bus", "umd"}),
    (re.compile(r"^security/(_pam_types|pam_appl)\.h$"), {"pam_um", "umctl"}),  # doctor tries the stacks
    (re.compile(r"^security/(?!_pam_types\.h|pam_appl\.h)"), {"pam_um"}),
    (re.compile(r"^sodium"), {"um_vault", "umd/store"}),
    (re.compile(r"^crypt\.h$"), {"um_vault"}),
    (re.compile(r"^liboath/"), {"um_vault"}),
    (re.compile(r"^(pwquality\.h|nettle/)"), {"um_quality"}),
    (re.compile(r"^fido(/|\.h$)"), {"um_fido"}),
    (re.compile(r"^seccomp\.h$"), {"um_api", "um_fido"}),
    (re.compile(r"^qrencode\.h$"), {"qr"}),
    (re.compile(r"^jansson\.h$"), {"umctl", "umd/store", "umd/core", "umd/bus", "umd"}),
]

# (rule, pattern, folders it holds in or None for all C of the tree, what to say). SIMPLE_CALLS are matched
# as whole words followed by "(".
USER_LOOKUPS = ("getpwnam getpwnam_r getpwuid getpwuid_r getpwent getpwent_r setpwent endpwent "
                "getgrnam getgrnam_r getgrgid getgrgid_r getgrent getgrent_r setgrent endgrent "
                "getgrouplist initgroups getpw cuserid getlogin getlogin_r wordexp").split()
CALLS = [
    ("nss-in-umd", USER_LOOKUPS, {"umd", "umd/store", "umd/core", "umd/bus"},
     "umd asks no NSS module, its own would call it back; fgetpwent/fgetgrent read the files"),
    ("no-sleep", ["sleep", "usleep"], None, "wait for what is awaited, with a deadline"),
    ("no-sleep", ["nanosleep", "clock_nanosleep"], set(PRODUCT), "wait for what is awaited, with a deadline"),
    ("no-getenv", ["getenv", "secure_getenv", "setenv", "putenv", "unsetenv"],
     {"base", "map", "nss_um", "policy"}, "these run in other people's processes, setuid ones too"),
    ("no-exec", ["system", "popen", "wordexp"], set(PRODUCT) - {"umctl"}, "no shell, ever"),
    ("no-exec", ["system", "wordexp"], {"umctl"}, "no shell with anything of a person's in it"),
    ("no-loose-numbers", ["atoi", "atol", "atoll", "sscanf", "strtol", "strtoul", "strtoll", "strtoull"],
     set(PRODUCT), "base_parse_* read numbers"),
    ("no-unbounded-copy", ["strcpy", "strcat", "sprintf", "vsprintf", "gets", "alloca", "strtok"], set(PRODUCT),
     "bounded forms only"),
    ("pure-policy", ["time", "clock_gettime", "gettimeofday", "localtime", "localtime_r", "setlocale",
                     "open", "fopen", "socket", "malloc", "calloc", "realloc", "printf", "fprintf"],
     {"policy"}, "policy is a pure function of its facts"),
]

FUNCTION_MAX = 80
FILE_MAX = 650
SPDX = "SPDX-License-Identifier: LGPL-2.1-or-later"

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")

NAMES = (["include-table", "private-header", "header-place", "own-header-path", "function-length",
          "file-length", "spdx", "opening-comment", "unfinished"] + list(dict.fromkeys(c[0] for c in CALLS)))


def blank(text):
    """Comments, strings and character constants as spaces; newlines stay. Includes keep their path."""
    out, i, n = [], 0, len(text)
    while i < n:
        two = text[i:i + 2]
        if two == "/*":
            end = text.find("*/", i + 2)
            end = n if end < 0 else end + 2
        elif two == "//":
            end = text.find("\n", i)
            end = n if end < 0 else end
        elif text[i] in "\"'" and not INCLUDE.match(text[text.rfind("\n", 0, i) + 1:].split("\n", 1)[0]):
            end = i + 1
            while end < n and text[end] not in (text[i], "\n"):
                end += 2 if text[end] == "\\" else 1
            end = min(end + 1, n)
        else:
            out.append(text[i])
            i += 1
            continue
        out.append(re.sub(r"[^\n]", " ", text[i:end]))
        i = end
    return "".join(out)


def folder_of(path):
    for folder in PRODUCT:
        if path.startswith(folder + "/"):
            return folder
    return None


def check_includes(path, folder, lines):
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        kind, target = match.groups()
        if kind == "<":
            for pattern, folders in HEADERS:
                if folder and pattern.match(target) and folder not in folders:
                    yield number, "header-place", f"<{target}> belongs to {', '.join(sorted(folders))}"
            continue
        if not folder or target == "config.h":
            continue
        there = folder_of(target)
        if there is None:
            yield number, "own-header-path", f'"{target}": headers are included by their full path'
        elif there != folder and there not in EDGES[folder] and target not in EDGES[folder]:
            yield number, "include-table", f"{folder} may not include {target}"


def check_calls(folder, lines):
    for rule, names, folders, why in CALLS:
        if folders is not None and folder not in folders:
            continue
        pattern = re.compile(r"(?<![\w.>])(" + "|".join(names) + r")\s*\(")
        for number, line in enumerate(lines, 1):
            match = pattern.search(line)
            if match:
                yield number, rule, f"{match.group(1)}(): {why}"


def check_passwd_header(folder, lines):
    """<pwd.h> and <grp.h> in umd only where the file reads /etc/passwd or /etc/group itself."""
    if folder is None or not (folder == "umd" or folder.startswith("umd/")):
        return
    for header, reader in (("pwd.h", "fgetpwent"), ("grp.h", "fgetgrent")):
        if any(reader in line for line in lines):
            continue
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if match and match.group(2) == header:
                yield number, "header-place", f"<{header}> in umd is for {reader} only"


def functions(lines):
    """(first line, last line) of each function: what opens with ") {" outside of any brace."""
    depth, candidate, function, directive = 0, None, None, False
    for number, line in enumerate(lines, 1):
        directive = directive or line.lstrip().startswith("#")
        if directive:
            directive = line.rstrip().endswith("\\")
            continue
        if depth == 0:
            if not line.strip():
                candidate = None
            elif candidate is None:
                candidate = number
            if candidate and re.search(r"\)\s*\{", line):
                function = candidate
        depth += line.count("{") - line.count("}")
        if depth == 0:
            if function:
                yield function, number
            if function or line.rstrip().endswith((";", "}")):
                candidate = function = None


def table_lines(body):
    """Lines of "static const ... = { ... };" within a function: cases to be read one by one, not code."""
    count, inside = 0, False
    for line in body:
        inside = inside or bool(re.match(r"\s+static const (.*=|struct) *\{\s*$", line))
        count += inside
        inside = inside and not re.match(r"\s+\};$", line)
    return count


def check_lengths(lines):
    if len(lines) > FILE_MAX:
        yield FILE_MAX + 1, "file-length", f"{len(lines)} lines, more than {FILE_MAX}"
    for first, last in functions(lines):
        length = last - first + 1 - table_lines(lines[first - 1:last])
        if length > FUNCTION_MAX:
            yield first, "function-length", f"{length} lines without its tables, more than {FUNCTION_MAX}"


def check_opening(path, raw):
    if SPDX not in "\n".join(raw[:2]):
        yield 1, "spdx", "the first line names the licence"
    if path.endswith(".c") and not any(line.startswith("/*") for line in raw[1:4]):
        yield 2, "opening-comment", "a .c opens with why it exists"
    for number, line in enumerate(raw, 1):
        if UNFINISHED.search(line):
            yield number, "unfinished", "finish it, or open an issue"


def check_file(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as source:
        text = source.read()
    raw, lines, folder = text.splitlines(), blank(text).splitlines(), folder_of(path)
    for check in (check_includes(path, folder, lines), check_calls(folder, lines),
                  check_passwd_header(folder, lines), check_lengths(lines), check_opening(path, raw)):
        yield from check


def sources(root):
    top = PRODUCT + ["tests"]
    for base, dirs, files in os.walk(root):
        relative = os.path.relpath(base, root)
        if relative == ".":
            dirs[:] = [d for d in dirs if any(t == d or t.startswith(d + "/") for t in top)]
        for name in files:
            if name.endswith((".c", ".h")):
                yield os.path.relpath(os.path.join(base, name), root)


def private_headers(root):
    """One header per folder is the contract; a second one of a product folder is private to it."""
    for path in sources(root):
        folder = folder_of(path)
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as source:
            lines = blank(source.read()).splitlines()
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if not match or match.group(1) == "<" or folder is None:
                continue
            there = folder_of(match.group(2))
            if there and there != folder and match.group(2) != f"{there}/{there.split('/')[-1]}.h":
                yield path, number, "private-header", f"{match.group(2)} is not {there}'s contract"


def main():
    if sys.argv[1:] == ["--list"]:
        print("\n".join(NAMES))
        return 0
    root, bad = sys.argv[1], 0
    found = [(path, *rest) for path in sources(root) for rest in check_file(root, path)]
    for path, number, rule, text in sorted(found + list(private_headers(root))):
        print(f"{path}:{number}: {rule}: {text}")
        bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
