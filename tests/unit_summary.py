# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads meson's testlog.json, prints one line a test program and the output of those that failed,
and ends with "N passed, N failed", counting cmocka's cases where a program is one of cmocka's.  A case
that was skipped has shown nothing and counts as failed: tests/run is root and installs what is needed."""

import json
import re
import sys

PASSED = re.compile(r"^\[  PASSED  \] (\d+) test\(s\)\.", re.M)
FAILED = re.compile(r"^\[  FAILED  \] .*?: (\d+) test\(s\), listed below:", re.M)
SKIPPED = re.compile(r"^\[  SKIPPED \] (\d+) test\(s\)", re.M)
GOOD = ("OK", "EXPECTEDFAIL")


def count(test):
    """Cases passed and failed. A program that died, or reports none, is one case itself."""
    output = test.get("stdout", "") + "\n" + test.get("stderr", "")
    passed = sum(int(n) for n in PASSED.findall(output))
    failed = sum(int(n) for pattern in (FAILED, SKIPPED) for n in pattern.findall(output))
    good = test["result"] in GOOD
    if good and failed == 0:
        return max(passed, 1), 0
    return passed, max(failed, 1)


def main():
    total_passed = total_failed = 0
    try:
        with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
            tests = [json.loads(line) for line in log if line.strip()]
    except FileNotFoundError:
        tests = []
    for test in tests:
        passed, failed = count(test)
        total_passed += passed
        total_failed += failed
        word = "FAIL" if failed else "ok  "
        print(f"{word} {test['duration'] * 1000:6.0f} ms  {test['name']} ({passed} cases)")
        if failed:
            print(f"     | result {test['result']}, exit status {test.get('returncode')}")
            output = (test.get("stdout", "") + "\n" + test.get("stderr", "")).splitlines()
            for line in output[-80:]:
                print("     | " + line)
    print(f"{total_passed} passed, {total_failed} failed")
    return 1 if total_failed else 0


sys.exit(main())
