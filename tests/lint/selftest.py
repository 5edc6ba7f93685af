# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plants one violation of each rule in a small tree and sees rules.py name it, at its line, and nothing
else; and sees it pass what only looks like one. A rule that cannot fail is no rule."""

import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rules  # noqa: E402

HEAD = "/* SPDX-License-Identifier: LGPL-2.1-or-later */\n/* Why it exists. */\n"
LONG = HEAD + "int f(void) {\n" + "        g();\n" * 80 + "}\n"

# (path, text, expected [(line, rule)])
CASES = [
    ("base/a.c", HEAD + '#include "policy/policy.h"\n', [(3, "include-table")]),
    ("policy/a.c", HEAD + '#include "umd/store/store.h"\n', [(3, "include-table")]),
    ("nss_um/a.c", HEAD + '#include "wire/wire.h"\n', [(3, "include-table")]),
    ("pam_um/a.c", HEAD + '#include "policy/policy.h"\n', [(3, "include-table")]),
    ("um_vault/a.c", HEAD + '#include "policy/policy.h"\n', [(3, "include-table")]),
    ("umd/store/a.c", HEAD + '#include "umd/core/core.h"\n', [(3, "include-table")]),
    ("umd/core/a.c", HEAD + '#include "umd/bus/bus.h"\n', [(3, "include-table")]),
    ("umd/bus/a.c", HEAD + '#include "umd/store/store.h"\n', [(3, "include-table")]),
    ("umd/manager.c", HEAD + '#include "um_vault/vault.h"\n', [(3, "include-table"), (3, "private-header")]),
    ("umd/core/a.c", HEAD + '#include "umd/store/codec.h"\n', [(3, "private-header")]),
    ("umd/core/a.c", HEAD + '#include "users.h"\n', [(3, "own-header-path")]),
    ("umd/core/a.c", HEAD + "#include <lmdb.h>\n", [(3, "header-place")]),
    ("umd/core/a.c", HEAD + "#include <systemd/sd-bus.h>\n", [(3, "header-place")]),
    ("umd/bus/a.c", HEAD + "#include <security/pam_appl.h>\n", [(3, "header-place")]),
    ("umd/publish.c", HEAD + "#include <pwd.h>\n", [(3, "header-place")]),
    ("umd/core/a.c", HEAD + "int f(void) {\n        return getpwnam_r(0);\n}\n", [(4, "nss-in-umd")]),
    ("umd/main.c", HEAD + "int f(void) {\n        return getgrgid (0);\n}\n", [(4, "nss-in-umd")]),
    ("wire/a.c", HEAD + "void f(void) {\n        usleep(1);\n}\n", [(4, "no-sleep")]),
    ("tests/unit/a.c", HEAD + "void f(void) {\n        sleep(1);\n}\n", [(4, "no-sleep")]),
    ("nss_um/a.c", HEAD + 'char *f(void) {\n        return secure_getenv("X");\n}\n', [(4, "no-getenv")]),
    ("um_helper/a.c", HEAD + 'int f(void) {\n        return system("x");\n}\n', [(4, "no-exec")]),
    ("umctl/a.c", HEAD + "int f(char *s) {\n        return atoi(s);\n}\n", [(4, "no-loose-numbers")]),
    ("umctl/a.c", HEAD + "int f(char *s) {\n        return sprintf(s, s);\n}\n", [(4, "no-unbounded-copy")]),
    ("policy/a.c", HEAD + "long f(void) {\n        return time(0);\n}\n", [(4, "pure-policy")]),
    ("base/a.c", LONG, [(3, "function-length")]),
    ("base/a.c", HEAD + "static int\nf(int a,\n  int b) {\n" + "\n        g();" * 81 + "\n}\n",
     [(3, "function-length")]),
    ("base/a.c", HEAD + "int f(void) {\n        static const int t[] = {\n" + "                1,\n" * 90 + "        };\n"
     + "        g(t);\n" * 79 + "}\n", [(3, "function-length")]),
    ("base/a.c", HEAD + "int a;\n" * 649, [(651, "file-length")]),
    ("base/a.c", "/* Why. */\n/* x */\n", [(1, "spdx")]),
    ("base/a.c", HEAD.split("\n", 1)[0] + "\n\n\n\nint a;\n", [(2, "opening-comment")]),
    ("base/a.c", HEAD + "int a; /* TODO: more */\n", [(3, "unfinished")]),
    # what is allowed
    ("umd/manager.c", HEAD + '#include "umd/core/core.h"\n#include "um_vault/um_vault.h"\n#include <systemd/x.h>\n', []),
    ("umd/store/a.c", HEAD + '#include <lmdb.h>\n#include "policy/policy.h"\n', []),
    ("umd/core/a.c", HEAD + '#include "umd/store/store.h"\n#include "umd/core/private.h"\n#include "config.h"\n', []),
    ("umd/local.c", HEAD + "#include <pwd.h>\nvoid f(void) {\n        fgetpwent(0);\n}\n", []),
    ("umd/core/a.c", HEAD + '/* getpwnam(x) would deadlock; sleep(1) */\nchar *s = "system(1) // \\" atoi(";\n', []),
    ("umd/core/a.c", HEAD + "int f(X *x) {\n        return x->time(1) + x.sleep(2) + my_system(3);\n}\n", []),
    ("pam_um/a.c", HEAD + "char *f(void) {\n        return pam_getenv(0);\n}\n", []),
    ("base/a.c", HEAD + "int f(void) {\n        static const int t[] = {\n" + "                1,\n" * 90 + "        };\n"
     + "        g(t);\n" * 70 + "}\n", []),
    ("base/a.c", LONG.replace("        g();\n", "", 2), []),
    ("base/a.c", HEAD + "static const T t[] = {\n" + "        { 1 },\n" * 120 + "};\n", []),
    ("base/a.c", HEAD + "#define M(x) \\\n        do { \\\n                x; \\\n        } while (0)\nint a;\n", []),
    ("base/a.c", HEAD + "int a;\n" * 648, []),
]


def judge(path, text):
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, os.path.dirname(path)))
        with open(os.path.join(root, path), "w", encoding="utf-8") as out:
            out.write(text)
        found = [(n, r) for p in rules.sources(root) for n, r, _ in rules.check_file(root, p)]
        return sorted(found + [(n, r) for _, n, r, _ in rules.private_headers(root)])


def main():
    bad, planted = 0, set()
    for number, (path, text, expected) in enumerate(CASES, 1):
        found = judge(path, text)
        planted.update(rule for _, rule in expected)
        what = ", ".join(f"{rule} at line {n}" for n, rule in expected) or "nothing to say"
        if found == expected:
            print(f"ok   planted {number}: {path}: {what}")
        else:
            print(f"FAIL planted {number}: {path}: expected {expected}, found {found}")
            bad = 1
    untried = set(rules.NAMES) - planted
    print(f"FAIL rules nobody tried: {sorted(untried)}" if untried else "ok   every rule was seen to fail")
    return 1 if bad or untried else 0


sys.exit(main())
