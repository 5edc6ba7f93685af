# SPDX-License-Identifier: LGPL-2.1-or-later
"""Judges what pam_matrix printed (LABEL USER SERVICE FACILITY CODE RESULT CALLED a line).

  carol, of um    the whole stack succeeds only when pam_um did; "password expired" in account stays that; a code that
                  means "not mine" gives what the host gives without um; a damaged module never gives success
  local users     as on the host without um, whatever pam_um would say, and pam_um is not asked
"""

import collections
import sys

SUCCESS, USER_UNKNOWN, NEW_AUTHTOK_REQD = 0, 10, 12
DAMAGED = ("missing", "truncated", "empty")
# Where um has no part on Debian 12: root, who runs the matrix, is let in by pam_rootok; setcred without auth before goes by
# pam_localuser's own answer; these two files include no common-session.
ROOT_OK = {"su", "su-l", "chfn", "chsh", "runuser", "runuser-l"}
NO_PART = ({(service, "auth") for service in ROOT_OK} | {("runuser", "session"), ("runuser-l", "session")})


def read(path):
    rows = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            label, user, service, facility, code, result, called = line.split()
            rows.append((label, user, service, facility, code, int(result), called == "1"))
    return rows


def judge_carol(row, without):
    """What is wrong with a result of um's user, or None."""
    label, _, service, facility, code, result, called = row
    no_part = (service, facility) in NO_PART or facility == "setcred"
    if no_part and not called:  # so it is not to differ
        return None if result == without else f"not as without um ({without})"
    if label == "with" and not called:
        return "pam_um was not asked"
    if label == "with":
        number = int(code)
        if number == USER_UNKNOWN:
            return None if result == without else f"not as without um ({without})"
        if number == SUCCESS:
            return None if result == SUCCESS else "refused although pam_um said yes"
        if facility == "account" and number == NEW_AUTHTOK_REQD:
            return None if result == NEW_AUTHTOK_REQD else "an expired password was not reported"
        return "let in" if result == SUCCESS else None
    return "let in with a damaged module" if label in DAMAGED and result == SUCCESS else None


def judge_local(row, before):
    label, _, _, _, _, result, called = row
    if called:
        return "pam_um was asked about a local user"
    return None if result == before else f"not as without um ({before})"


def main():
    rows = read(sys.argv[1])
    baseline = {(r[1], r[2], r[3]): r[5] for r in rows if r[0] in ("before", "removed")}
    counts, bad = collections.Counter(), 0
    for row in rows:
        label, user, service, facility = row[:4]
        counts[label, user] += 1
        key = (user, service, facility)
        if label in ("before", "removed", "without-um"):
            continue
        wrong = judge_carol(row, baseline[key]) if user == "carol" else judge_local(row, baseline[key])
        if wrong:
            bad += 1
            print(f"{label}: {user} {service} {facility} code {row[4]}: result {row[5]}: {wrong}")
    for (label, user), count in sorted(counts.items()):
        print(f"{count:5} results {label} {user}")
    # carol with all codes, four users with each damage: fewer means that the matrix did not run
    enough = counts["with", "carol"] >= 32 * 5 * 12 and all(counts[d, u] >= 5 * 12 for d in DAMAGED for u in
                                                           ("carol", "root", "bob", "bob-wrong"))
    if not enough:
        print("too few results: the matrix did not run as a whole")
    return 1 if bad or not enough else 0


sys.exit(main())
