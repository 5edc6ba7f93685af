# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Checks for test suites in shell: source it, call `ck` for each check, end with `checks_done`.
#
#   ck NAME COMMAND...      passes when COMMAND exits 0; its output is shown when it does not
#   refused COMMAND...      exits 0 when COMMAND does not
#   rc_is N COMMAND...      exits 0 when COMMAND exits N
#   has PATTERN COMMAND...  runs COMMAND; exits 0 when it did and PATTERN (egrep) is in its output
#   says PATTERN COMMAND... the same, whatever COMMAND exits with: never before refused, rc_is or lacks, which say it by that
#   lacks PATTERN COMMAND...   the same, and PATTERN is not
#   eventually SECONDS COMMAND...   repeats COMMAND until it exits 0 or the time is over
#   checks_done             prints "N passed, N failed"; its exit status is the suite's
#
# What tests/run hands to a suite: UM_BUILD (a finished build), UM_BUILD_SAN (the same with ASan and
# UBSan), UM_TEST_FULL (1 with --full).  A suite started by hand sets UM_BUILD itself where it needs it.

CHECKS_PASSED=0
CHECKS_FAILED=0

now_msec() {
        local now=$EPOCHREALTIME
        echo $((${now//[.,]/} / 1000))
}

ck() {
        local name=$1 start out rc
        shift
        start=$(now_msec)
        out=$("$@" 2>&1)
        rc=$?
        if [ $rc = 0 ]; then
                CHECKS_PASSED=$((CHECKS_PASSED + 1))
                printf 'ok   %6d ms  %s\n' $(($(now_msec) - start)) "$name"
                [ -z "${UM_TEST_VERBOSE:-}" ] || sed 's/^/     | /' <<<"$out"
        else
                CHECKS_FAILED=$((CHECKS_FAILED + 1))
                printf 'FAIL %6d ms  %s (exit %d)\n' $(($(now_msec) - start)) "$name" $rc
                tr -d '\r' <<<"$out" | tail -n "${UM_TEST_LINES:-60}" | sed 's/^/     | /'
        fi
        return 0
}

refused() {
        ! "$@"
}

rc_is() {
        local want=$1 rc
        shift
        "$@"
        rc=$?
        [ $rc = "$want" ] || {
                echo "exit status $rc, not $want"
                return 1
        }
}

has() {
        local pattern=$1 out rc
        shift
        out=$("$@" 2>&1)
        rc=$?
        printf '%s\n' "$out"
        grep -qE -- "$pattern" <<<"$out" || {
                echo "(no match for: $pattern)"
                return 1
        }
        return $rc
}

says() {
        local pattern=$1 out
        shift
        out=$("$@" 2>&1)
        printf '%s\n' "$out"
        grep -qE -- "$pattern" <<<"$out" || {
                echo "(no match for: $pattern)"
                return 1
        }
}

lacks() {
        local pattern=$1 out rc
        shift
        out=$("$@" 2>&1)
        rc=$?
        printf '%s\n' "$out"
        ! grep -qE -- "$pattern" <<<"$out" || {
                echo "(must not match: $pattern)"
                return 1
        }
        return $rc
}

eventually() {
        local end=$((SECONDS + $1))
        shift
        until "$@" >/dev/null 2>&1; do
                [ $SECONDS -lt $end ] || {
                        "$@"
                        return
                }
                sleep 0.05
        done
}

checks_done() {
        echo "$CHECKS_PASSED passed, $CHECKS_FAILED failed"
        [ $CHECKS_FAILED = 0 ] && [ $CHECKS_PASSED -gt 0 ]
}
