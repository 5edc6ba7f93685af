# SPDX-License-Identifier: LGPL-2.1-or-later
"""umctl's second factors: one's own and other people's, with codes that oathtool(1) makes of the key that was
shown.  HOTP where a check needs many codes, since a step of TOTP is good once."""

import json
import re
import subprocess
import threading
import time

from harness import (NOT_FOUND, REFUSED, USAGE, Terminal, argv, bad, check, ctl, environment, fresh, get, good,
                     has, note, same, user)

PASSWORD = "correct horse"


def somebody():
    name = fresh("mfa")
    good("user add", name, "--password", stdin=PASSWORD + "\n")
    return name, user(name)["uid"]


def oath(key, *words):
    key += "=" * (-len(key) % 8)  # apps want none, oathtool wants them
    return subprocess.run(["oathtool", "-b", *words, key], capture_output=True, check=True, text=True).stdout.strip()


def hotp(key, counter, *more):
    return oath(key, "-c", str(counter), *more)


def totp(key, algorithm="sha1", later=0, period=30):
    return oath(key, f"--totp={algorithm}", "-s", str(period), "-N", f"@{int(time.time()) + later}")


def enrol(uid, method, *options, code=None, proof=(PASSWORD,)):
    """As a script would: reads the key from umctl's output, then answers; what was printed."""
    run = subprocess.Popen(["/usr/bin/setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--",
                            *argv("self 2fa", ["enrol", method, *options])], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(), cwd="/")
    watchdog = threading.Timer(30, run.kill)  # one that waits for an answer nobody gives
    watchdog.start()
    run.stdin.write("".join(answer + "\n" for answer in proof))
    run.stdin.flush()
    said, key = "", None
    for line in run.stdout:
        said += line
        if line.startswith("Key: "):
            key = line[5:].replace(" ", "").strip()
        if key and line.startswith("Scan"):
            break
    out, err = run.communicate((code(key) if code else hotp(key, 0)) + "\n" if key else "")
    watchdog.cancel()
    if run.returncode == 0:
        note("self 2fa", options)
    return run.returncode, key, said + out, err


def enrolled(uid, method="hotp", *options, **more):
    code, key, said, err = enrol(uid, method, *options, **more)
    assert code == 0 and not err, (code, said, err)
    return key, said, re.findall(r"^  ([0-9A-Z]{4}(?:-[0-9A-Z]{4})+)$", said, re.MULTILINE)


def factors(uid):
    return get("self 2fa", "list", uid=uid)["factors"]


# ---- one's own -------------------------------------------------------------------------------------------

@check
def a_factor_counts_when_a_code_of_it_was_given():
    name, uid = somebody()
    same(factors(uid), [])
    key, said, codes = enrolled(uid, "totp", "--label", "phone", code=totp)
    has(said, "otpauth://totp/", f"secret={key}", f"user {name}: given a second factor (ch-")
    same((len(key), len(codes), len(set(codes))), (32, 10, 10))
    first, recovery = factors(uid)
    same((first["method"], first["state"], first["label"]), ("totp", "active", "phone"))
    same((recovery["method"], recovery["codes_left"]), ("recovery", 10))
    for secret in (key, codes[0]):
        assert secret not in good("user show", name) + good("user show", name, "--json"), secret
        assert secret not in good("audit log", "--user", name, "--json"), secret
    has(good("user show", name), f"totp {first['number']} (phone)", "(10 left)")
    same(user(name)["factors"], factors(uid))
    same(get("user 2fa", "list", name)["factors"], factors(uid))
    has(good("user 2fa", "list", name), "METHOD", "totp", "phone")


@check
def whoever_has_one_is_in_um_mfa_at_once():
    name, uid = somebody()
    assert "um-mfa" not in user(name)["groups"]
    enrolled(uid)
    has(user(name)["groups"], "um-mfa")
    groups = subprocess.run(["id", "-Gn", name], capture_output=True, check=True, text=True, env=environment())
    has(groups.stdout.split(), "um-mfa")
    has(good("user list", "--filter", "group=um-mfa"), name)
    good("user 2fa", "reset", name, "--yes")
    assert "um-mfa" not in user(name)["groups"]


@check
def a_wrong_code_or_breaking_off_leaves_no_factor():
    _, uid = somebody()
    code, _, said, err = enrol(uid, "hotp", code=lambda key: hotp(key, 5000))
    same(code, USAGE)
    has(err, "umctl: self 2fa: ")
    assert "Recovery" not in said and not [f for f in factors(uid) if f["state"] == "active"]
    code, _, said, err = enrol(uid, "totp", code=lambda key: "")
    same(code, USAGE)
    assert not [f for f in factors(uid) if f["state"] == "active"]


@check
def the_password_is_asked_first():
    _, uid = somebody()
    code, key, said, err = enrol(uid, "totp", proof=("wrong",))
    same((code, key), (REFUSED, None))
    has(err, "wrong; nothing was changed")
    bad(REFUSED, "self 2fa", "recovery", uid=uid, stdin="wrong\n")
    same(factors(uid), [])


@check
def every_change_asks_for_a_code_of_the_factor_there_is():
    _, uid = somebody()
    key, _, codes = enrolled(uid)
    number = factors(uid)[0]["number"]
    bad(REFUSED, "self 2fa", "recovery", uid=uid, stdin=PASSWORD + "\n000000\n")
    bad(REFUSED, "self 2fa", "remove", number, uid=uid, stdin=PASSWORD + "\n" + hotp(key, 0) + "\n")
    said = good("self 2fa", "recovery", uid=uid, stdin=PASSWORD + "\n" + hotp(key, 1) + "\n")
    new = re.findall(r"^  ([0-9A-Z-]{9,})$", said, re.MULTILINE)
    same((len(new), set(new) & set(codes)), (10, set()))
    bad(REFUSED, "self 2fa", "remove", number, uid=uid, stdin=PASSWORD + "\n" + codes[0] + "\n")
    has(good("self 2fa", "remove", number, uid=uid, stdin=PASSWORD + "\n" + new[0] + "\n"), "rid of a second factor")
    same(factors(uid), [])


@check
def a_second_one_is_added_with_a_code_of_the_first():
    _, uid = somebody()
    key, _, _ = enrolled(uid, "hotp", "--label", "one", "--algorithm", "sha1", "--digits", "8",
                         code=lambda k: hotp(k, 0, "-d", "8"))
    enrolled(uid, "totp", "--label", "two", "--algorithm", "sha256", "--period", "60",
             code=lambda k: totp(k, "sha256", period=60), proof=(PASSWORD, hotp(key, 1, "-d", "8")))
    same({(f["method"], f.get("label")) for f in factors(uid)}, {("hotp", "one"), ("totp", "two"), ("recovery", None)})


@check
def on_a_terminal_the_key_is_a_picture_and_the_code_is_seen():
    _, uid = somebody()
    terminal = Terminal("self 2fa", "enrol", "hotp", uid=uid).answer("assword: ", PASSWORD)
    terminal.wait("Code: ")
    key = re.search(r"Key: ([A-Z2-7 ]+)", terminal.text).group(1).replace(" ", "")
    has(terminal.text, "\u2588", "\u2580")
    assert "otpauth" not in terminal.text and PASSWORD not in terminal.text
    terminal.answer("Code: ", "123")
    shown = terminal.answer("Code: ", hotp(key, 0)).end(0)
    has(shown, hotp(key, 0), "Recovery codes")


@check
def what_is_shown_once_is_json_only_where_it_is_asked_for():
    name, uid = somebody()
    for words in (("enrol", "totp"), ("recovery",)):
        has(bad(USAGE, "self 2fa", *words, "--json", uid=uid), "--reveal")
        has(bad(USAGE, "self 2fa", *words, "--reveal", uid=uid), "--json")
    run = subprocess.Popen(["/usr/bin/setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--",
                            *argv("self 2fa", ["enrol", "hotp", "--json", "--reveal"])], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, text=True, env=environment(), cwd="/")
    run.stdin.write(PASSWORD + "\n")
    run.stdin.flush()
    first = json.loads(run.stdout.readline())
    key = first["key"]
    last = json.loads(run.communicate(hotp(key, 0) + "\n")[0])
    same((run.returncode, last["user"], len(last["recovery_codes"])), (0, name, 10))
    has(first["uri"], key)
    again = get("self 2fa", "recovery", "--reveal", uid=uid, stdin=PASSWORD + "\n" + hotp(key, 1) + "\n")
    same(len(again["recovery_codes"]), 10)


@check
def a_dry_run_adds_nothing():
    _, uid = somebody()
    has(good("self 2fa", "enrol", "totp", "--dry-run", uid=uid, stdin=PASSWORD + "\n"), "would be")
    same(factors(uid), [])


# ---- other people's --------------------------------------------------------------------------------------

@check
def an_admin_takes_factors_away_and_adds_none():
    name, uid = somebody()
    enrolled(uid)
    number = factors(uid)[0]["number"]
    bad(USAGE, "user 2fa", "reset", name)
    has(good("user 2fa", "reset", name, "--dry-run"), "would be")
    same(len(factors(uid)), 2)
    has(good("user 2fa", "remove", name, number, "--reason", "lost"), f"user {name}: rid of a second factor (ch-")
    same(factors(uid), [])
    enrolled(uid)
    has(good("user 2fa", "reset", name, "--yes", "--reason", "lost phone"), "rid of all second factors (ch-")
    has(good("user 2fa", "reset", name, "--yes"), "nothing to change")
    same(factors(uid), [])
    has(good("audit log", "--user", name), "user.factor-reset", "lost phone")
    ctl("self 2fa", "enrol", "totp", code=NOT_FOUND)


@check
def nobody_touches_another_s():
    name, _ = somebody()
    _, other = somebody()
    for words in (("list", name), ("reset", name, "--yes"), ("remove", name, 1)):
        bad(REFUSED, "user 2fa", *words, uid=other)
    bad(NOT_FOUND, "user 2fa", "list", "nobody-at-all")
    bad(NOT_FOUND, "user 2fa", "remove", name, 7)


@check
def what_is_no_action_says_which_there_are():
    name, uid = somebody()
    for words in (("enrol",), ("enrol", "fido9"), ("list", "x"), ("remove",), ("remove", "x"), ("burn",)):
        bad(USAGE, "self 2fa", *words, uid=uid)
    for words in (("reset",), ("list", name, "x"), ("remove", name), ("remove", name, "x"), ("enrol", name)):
        bad(USAGE, "user 2fa", *words)
    for option in (("--digits", "x"), ("--period", "0")):
        bad(USAGE, "self 2fa", "enrol", "totp", *option, uid=uid, stdin=PASSWORD + "\n")
    bad(USAGE, "self 2fa", "enrol", "totp", "--digits", "9", uid=uid, stdin=PASSWORD + "\n")
    bad(USAGE, "self 2fa", "enrol", "totp", "--algorithm", "md5", uid=uid, stdin=PASSWORD + "\n")


@check
def a_security_key_is_enrolled_in_a_session_at_the_machine_alone():
    _, uid = somebody()  # a process that is in no session: nobody knows where he is
    has(bad(REFUSED, "self 2fa", "enrol", "fido2", "--label", "yubi1", uid=uid, stdin=PASSWORD + "\n"), "PolicyRefused")
    same(factors(uid), [])


@check
def who_demands_a_key_that_nobody_has_is_warned():
    name, _ = somebody()
    warned = ctl("policy set", "factor.required", "hardware", "--user", name, code=0, warns=True).err
    has(warned, f"umctl: warning: {name} has no security key that verifies its user")
    good("policy unset", "factor.required", "--user", name)
    assert not ctl("policy set", "factor.required", "on", "--user", name, code=0).err
    good("policy unset", "factor.required", "--user", name)


# ---- the group and the report ----------------------------------------------------------------------------

@check
def um_keeps_um_mfa_itself():
    name, uid = somebody()
    enrolled(uid)
    has(bad(REFUSED, "group remove-member", "um-mfa", name), "kept by um")
    has(bad(REFUSED, "group add-member", "um-mfa", name), "kept by um")
    bad(REFUSED, "group set", "um-mfa", "--description", "mine")
    bad(REFUSED, "group delete", "um-mfa", "--yes")
    bad(USAGE, "group add", "um-other")
    has(good("group show", "um-mfa"), "kept by um")


def coverage(name):
    rows = get("report mfa-coverage", "--filter", f"name={name}")["users"]
    same(len(rows), 1)
    return rows[0]


@check
def the_report_says_who_has_one():
    name, uid = somebody()
    row = coverage(name)
    same((row["user"], row["required"], row["enrolled"], row["strongest"], row["roles"]),
         (name, "off", False, "single", ["self-service"]))
    assert "deadline" not in row and "codes_left" not in row and row["methods"] == [], row
    enrolled(uid)
    row = coverage(name)
    same((row["enrolled"], row["strongest"], row["methods"], row["codes_left"]), (True, "mfa", ["hotp"], 10))
    has(good("report mfa-coverage", "--filter", f"name={name}"), "REQUIRED", "DEADLINE", "1 user.")
    has(good("report mfa-coverage", "--columns", "user,methods", "--csv", "--filter", f"name={name}"),
        f"user,methods\r\n{name},hotp\r\n")
    good("report mfa-coverage", "--limit", "1", "--sort", "user")
    bad(REFUSED, "report mfa-coverage", uid=uid)
    has(ctl("report nonsense", code=USAGE).err, "mfa-coverage")


@check
def the_report_says_until_when_somebody_has_to_have_one():
    name, uid = somebody()
    good("policy set", "factor.required", "on", "--user", name)
    has(user(name)["groups"], "um-mfa")
    row = coverage(name)
    created = user(name)["created"]
    assert (row["required"], row["enrolled"]) == ("on", False) and row["deadline"] > created + 6 * 86400 * 10 ** 6, row
    good("policy set", "factor.enrol-within", "never", "--user", name)
    has(good("report mfa-coverage", "--filter", f"name={name}"), "never")
    enrolled(uid, proof=(PASSWORD, ""))  # the code is asked for, and he has none yet
    assert "deadline" not in coverage(name)
    good("policy unset", "factor.required", "--user", name)
    has(user(name)["groups"], "um-mfa")
    good("user 2fa", "reset", name, "--yes")
    assert "um-mfa" not in user(name)["groups"]
