# SPDX-License-Identifier: LGPL-2.1-or-later
"""umctl policy: values of the company and of users, what is in effect and why, in every spelling the help names."""

import datetime
import json
import re

from harness import NOT_FOUND, REFUSED, ROOT, USAGE, bad, check, ctl, everything, fresh, get, good, has, lines, same, user

SHIPPED = {"password.min-length": "12", "password.classes": "0", "password.similarity": "on",
           "password.dictionary": "on", "password.breached": "off", "password.history": "5",
           "password.max-age": "never", "password.min-age": "0", "password.warn": "14d", "password.grace-logins": "3",
           "password.reset-by-email": "off",
           "lockout.attempts": "5", "lockout.window": "15m", "lockout.duration": "15m",
           "lockout.source-attempts": "30", "lockout.spare-known": "on", "factor.required": "off",
           "factor.methods": "totp,hotp,fido2,recovery", "factor.enrol-within": "7d", "factor.grace": "0",
           "key.types": "ed25519,ecdsa,rsa>=3072,sk-*", "setup-code.ttl": "24h", "change.reason-required": "off",
           "change.ticket-pattern": "none"}


def value(name, *arguments, uid=0):
    return get("policy show", name, *arguments, uid=uid)["values"][0]


@check
def what_nobody_set_is_what_is_shipped():
    same({row["name"]: row["value"] for row in get("policy show")["values"]}, SHIPPED)
    for row in lines("policy show"):
        same((row["level"], row["looser"], row["overrode"], "from" in row), ("built-in", False, [], False))
    has(good("policy show"), "NAME ", "VALUE ", "LEVEL ", "OVERRODE", "lockout.duration         15m",
        f"\n{len(SHIPPED)} values.\n")


@check
def the_man_page_has_each_value_with_its_range():
    rows = re.findall(r"^\.It (\S+) Ta (\S+) Ta (.*)$", (ROOT / "packaging/man/umctl.8").read_text(), re.M)
    same({name: built_in for name, built_in, _ in rows}, SHIPPED)
    for name, _, may_be in rows:
        expected = value(name)["expected"].split(";")[0]  # a list's words are those of its built-in value, and more
        assert may_be.startswith((expected, "of these and", "on or off")), (name, expected, may_be)


@check
def the_man_page_has_each_reason():
    names = re.findall(r'\[POLICY_REASON_\w+\] = "([\w-]+)"', (ROOT / "policy/names.c").read_text())
    page = re.findall(r"^\.It Li (\S+)$", (ROOT / "packaging/man/umctl.8").read_text(), re.M)
    assert len(names) > 15
    same(sorted(set(names) - set(page) - {"none"}), [])


@check
def a_users_value_wins_over_the_companys_and_says_so():
    alice, bob = fresh(), fresh()
    good("user add", alice)
    good("user add", bob)
    has(good("policy set", "password.min-length", "16"),
        "policy password.min-length: set to 16 for the company (ch-")
    has(good("policy set", "password.min-length", "10", "--user", alice, "--reason", "old terminal"),
        f"policy password.min-length: set to 10 for {alice} (ch-")
    row = value("password.min-length", "--user", alice)
    same(row, {"name": "password.min-length", "value": "10", "level": "user", "from": alice, "looser": True,
               "expected": "8 to 128", "overrode": [{"level": "company", "from": "local", "value": "16"},
                                                    {"level": "built-in", "value": "12"}]})
    row = value("password.min-length", "--user", bob)
    same((row["value"], row["level"], row["from"], row["looser"]), ("16", "company", "local", False))
    text = good("policy show", "--user", alice, "password.min-length")
    has(text, "name: password.min-length\n", "value: 10\n", "level: user\n", f"from: {alice}\n", "note: looser\n",
        "overrode: company local: 16, built-in: 12\n", "expected: 8 to 128\n")
    same(good("policy show", "--value", "password.min-length", "--user", alice), text)
    has(good("policy show", "--user", alice), f"password.min-length      10                            user      {alice}")
    entry = get("audit log", "--user", alice, "--verb", "policy.set")["entries"][0]
    same((entry["object"], entry["reason"], entry["values"]),
         (f"user/{alice}", "old terminal", [["password.min-length", "", "10"]]))
    has(good("policy unset", "password.min-length", "--user", alice), f"unset for {alice} (ch-")
    same(value("password.min-length", "--user", alice)["value"], "16")
    has(good("policy set", "password.min-length", "--unset"), "unset for the company (ch-")
    same(value("password.min-length")["value"], "12")
    same(good("policy unset", "password.min-length"), "policy password.min-length: nothing to change\n")


@check
def the_nearest_level_wins_and_of_several_roles_the_strictest():
    name, department, lead, ops = fresh(), fresh(), fresh(), fresh()
    good("user add", name, "--department", department, "--email", f"{name}@example.org")
    for role in lead, ops:
        good("role add", role, "--permit", "host.view")
        good("role grant", role, name)
    for level, subject, number in (("department", department, "13"), ("role", lead, "14"), ("role", ops, "18")):
        has(good("policy set", "password.min-length", number, f"--{level}", subject),
            f"policy password.min-length: set to {number} for the {level} {subject} (ch-")
    row = value("password.min-length", "--user", name)
    same((row["value"], row["level"], row["from"], row["looser"]), ("18", "role", ops, False))
    same(row["overrode"], [{"level": "role", "from": lead, "value": "14"},
                           {"level": "department", "from": department, "value": "13"},
                           {"level": "built-in", "value": "12"}])
    same(get("audit log", "--verb", "policy.set", "--limit", "1")["entries"][0]["object"], f"role/{ops}")
    good("policy set", "password.history", "6", "--tenant", "local")
    same(value("password.history", "--user", name)["from"], "local")
    has(good("policy unset", "password.history", "--tenant", "local"), "unset for the tenant local (ch-")
    has(good("policy show", "--user", name, "password.min-length"),
        f"overrode: role {lead}: 14, department {department}: 13, built-in: 12\n")
    listed = {(row["level"], row["from"]): row["value"] for row in get("policy list")["values"]}
    same([listed["department", department], listed["role", lead], listed["role", ops]], ["13", "14", "18"])
    for level, subject in (("role", ops), ("role", lead), ("department", department)):
        has(good("policy unset", "password.min-length", f"--{level}", subject), f"unset for the {level} {subject} (ch-")
    same(value("password.min-length", "--user", name)["level"], "built-in")


@check
def a_level_has_to_be_one_and_there():
    before = everything()
    has(bad(USAGE, "policy set", "password.min-length", "16", "--role", "admin", "--user", "x"),
        "--role and --user exclude each other")
    has(bad(USAGE, "policy unset", "password.min-length", "--tenant", "local", "--department", "x"),
        "--tenant and --department exclude each other")
    has(bad(NOT_FOUND, "policy set", "password.min-length", "16", "--role", "nobody-here"), "no such role")
    has(bad(NOT_FOUND, "policy set", "password.min-length", "16", "--tenant", "nobody-here"), "no such tenant")
    has(bad(USAGE, "policy set", "password.min-length", "16", "--department", ""), "department: ")
    has(bad(USAGE, "policy set", "change.ticket-pattern", "(CHG)", "--role", "admin"),
        'change.ticket-pattern: "(CHG)": must be a pattern as CHG-[0-9]+|INC-[0-9]+ without spaces, or none')
    same(everything(), before)


@check
def what_a_role_requires_is_shown_with_the_role():
    name, role = fresh(), fresh()
    good("user add", name, "--email", f"{name}@example.org")
    good("role add", role, "--permit", "host.view", "--require", "second-factor")
    good("role grant", role, name)
    good("policy set", "factor.required", "off", "--user", name)
    row = value("factor.required", "--user", name)
    same((row["value"], row["level"], row["from"], row["looser"]),
         ("on", "role", f"{role} (requires second-factor)", False))
    row = get("report mfa-coverage", "--filter", f"name={name}")["users"][0]
    same((row["required"], row["because"], row["enrolled"]), ("on", f"role {role}", False))
    has(good("report mfa-coverage", "--filter", f"name={name}"), "BECAUSE", f"role {role}")


@check
def a_change_without_its_reason_is_refused():
    good("policy set", "change.reason-required", "on", "--reason", "from now on")
    name = fresh()
    has(bad(REFUSED, "user add", name), "your changes need a reason: --reason TEXT")
    good("user add", name, "--reason", "new")
    good("policy set", "change.ticket-pattern", "CHG-[0-9]+|INC-[0-9]+", "--reason", "from now on")
    has(bad(REFUSED, "user lock", name, "--reason", "CHG-"),
        "your changes need a ticket in their reason, as CHG-[0-9]+|INC-[0-9]+: --reason TEXT")
    good("user lock", name, "--reason", "INC-7: lost his key")
    same(get("audit log", "--user", name, "--verb", "user.lock")["entries"][0]["reason"], "INC-7: lost his key")
    good("policy unset", "change.ticket-pattern", "--reason", "CHG-1")
    good("policy unset", "change.reason-required", "--reason", "enough")
    good("user unlock", name)


@check
def lists_are_changed_by_plus_and_minus():
    name = fresh()
    good("user add", name)
    for arguments, kept in ((["+email-code"], "totp,hotp,fido2,recovery,email-code"),
                            (["-hotp"], "totp,fido2,recovery,email-code"),
                            (["-fido2,-totp"], "recovery,email-code"),
                            (["-recovery,+totp"], "totp,email-code"), (["none"], "none"), (["+hotp"], "hotp"),
                            (["recovery,totp"], "totp,recovery")):
        same(get("policy set", "--user", name, "factor.methods", *arguments)["value"], kept)
        same(value("factor.methods", "--user", name)["value"], kept)
    same(get("policy set", "factor.methods", "-totp", "--user", name)["value"], "recovery")
    has(good("policy set", "--user", name, "factor.methods", "--", "-recovery"), "set to none")
    has(bad(USAGE, "policy set", "factor.methods", "+totp,-totp", "--user", name), "any of totp,hotp")
    same(value("factor.methods")["level"], "built-in")
    for arguments, kept in ((["+rsa>=2048"], "ed25519,ecdsa,rsa>=2048,sk-*"),
                            (["-rsa>=2048,-ecdsa-sha2-nistp256"],
                             "ed25519,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,sk-*"),
                            (["sk-ssh-ed25519@openssh.com"], "sk-ssh-ed25519@openssh.com")):
        same(get("policy set", "--user", name, "key.types", *arguments)["value"], kept)
    good("policy set", "key.types", "--unset", "--user", name)
    good("policy set", "factor.methods", "--unset", "--user", name)


@check
def values_are_kept_in_one_form():
    for name, text, kept in (("lockout.window", "900s", "15m"), ("lockout.duration", "manual", "manual"),
                             ("lockout.attempts", "0", "never"), ("password.max-age", "0", "never"),
                             ("password.max-age", "52w", "364d"), ("password.min-age", "1d", "24h"),
                             ("factor.required", "hardware", "hardware")):
        warned = ctl("policy set", name, text, "--json", code=0, warns=kept == "hardware")
        same((json.loads(warned.out)["value"], "nobody has a security key" in warned.err), (kept, kept == "hardware"))
        same(value(name)["value"], kept)
        good("policy unset", name)


@check
def what_is_wrong_ends_with_2_and_says_what_is_right():
    before = everything()
    same(bad(USAGE, "policy set", "password.min-lenght", "16"),
         '"password.min-lenght": no such policy value; near: password.min-length')
    has(bad(USAGE, "policy show", "lockout.attempt"), "near: lockout.attempts")
    has(bad(USAGE, "policy unset", "attempts"), "near: lockout.attempts, lockout.source-attempts")
    same(bad(USAGE, "policy set", "password.min-length", "7"), 'password.min-length: "7": must be 8 to 128')
    same(bad(USAGE, "policy set", "lockout.attempts", "-1"), 'lockout.attempts: "-1": must be 1 to 100, or never')
    same(bad(USAGE, "policy set", "lockout.duration", "never"),
         'lockout.duration: "never": must be 1s to 1y, or manual; one number and one unit of s, m, h, d, w, y')
    same(bad(USAGE, "policy set", "factor.required", "maybe"),
         'factor.required: "maybe": must be off, on or hardware')
    has(bad(USAGE, "policy set", "key.types", "rsa"),
        'key.types: "rsa": must be any of ed25519,ecdsa,', "rsa>=3072,rsa>=4096,sk-*,sk-ssh-ed25519@openssh.com,")
    same(bad(USAGE, "policy set", "setup-code.ttl", "0"),
         'setup-code.ttl: "0": must be 1s to 30d; one number and one unit of s, m, h, d, w, y')
    has(bad(USAGE, "policy set", "password.min-length"), "either a VALUE or --unset")
    has(bad(USAGE, "policy set", "password.min-length", "16", "--unset"), "either a VALUE or --unset")
    has(bad(USAGE, "policy set", "password.min-length", "16", "17"), "too many arguments")
    has(bad(USAGE, "policy show", "lockout.window", "--value", "lockout.window"), "exclude each other")
    has(bad(USAGE, "policy list", "--csv", "--json"), "exclude each other")
    for command in ("set", "password.min-length", "16"), ("unset", "password.min-length"), ("show",):
        has(bad(NOT_FOUND, "policy " + command[0], *command[1:], "--user", "nobody-here"), "no such user")
    same(everything(), before)


@check
def a_users_reset_without_the_companys_is_warned_of():
    name = fresh()
    good("user add", name)
    set_user = "policy set", "password.reset-by-email", "on", "--user", name
    same(ctl(*set_user, code=0, warns=True).err,
         "umctl: warning: password.reset-by-email is off for the company, and one user's value only takes it away from him: "
         "nothing comes of this one until the company's is on\n")
    good("policy set", "password.reset-by-email", "off", "--user", name)
    ctl("policy set", "password.reset-by-email", "on", code=0, warns=True)
    try:
        warned = ctl(*set_user, code=0, warns=True).err  # of the mail system, which is not there
        assert "sendmail" in warned and "company" not in warned, warned
    finally:
        good("policy unset", "password.reset-by-email")
    good("policy unset", "password.reset-by-email", "--user", name)


@check
def a_dry_run_only_says_what_would_be():
    before = everything()
    same(good("policy set", "lockout.attempts", "3", "--dry-run"),
         "policy lockout.attempts: would be set to 3 for the company\n")
    same(good("policy unset", "lockout.attempts", "--dry-run"),
         "policy lockout.attempts: would be unset for the company\n")
    same(everything(), before)


@check
def what_is_set_is_listed():
    name = fresh()
    others = get("policy list")["values"]  # other checks' users

    def ours():
        return [row for row in get("policy list")["values"] if row not in others]

    good("user add", name)
    good("policy set", "factor.grace", "8h", "--user", name)
    good("policy set", "lockout.attempts", "4")
    same([(row["level"], row["from"], row["name"], row["value"], row["by"]) for row in ours()],
         [("company", "local", "lockout.attempts", "4", "root"), ("user", name, "factor.grace", "8h", "root")])
    assert all(isinstance(row["set"], int) for row in ours()), ours()
    has(good("policy list"), "LEVEL ", "lockout.attempts", f"\n{len(others) + 2} values.\n")
    has(good("policy list", "--csv"), "level,from,name,value,by,set\r\n", "company,local,lockout.attempts,4,root,2")
    good("user delete", name, "--yes")  # his value waits for him to be restored
    same([row["from"] for row in lines("policy list") if row not in others], ["local"])
    same(get("policy unset", "lockout.attempts")["policy"], "lockout.attempts")
    same(ours(), [])


@check
def users_see_their_own_and_set_nothing():
    name, other = fresh(), fresh()
    good("user add", name)
    good("user add", other)
    uid = user(name)["uid"]
    same(value("factor.grace", "--user", name, uid=uid)["value"], "0")
    same(len(get("policy show", "--user", name, uid=uid)["values"]), len(SHIPPED))
    for who in [["--user", other], ["--user", "nobody-here"], []]:
        has(bad(REFUSED, "policy show", *who, uid=uid), "policy.view")
    has(bad(REFUSED, "policy list", uid=uid), "policy.view")
    has(bad(REFUSED, "policy set", "lockout.attempts", "never", uid=uid), "policy.edit")
    has(bad(REFUSED, "policy unset", "lockout.attempts", uid=uid), "policy.edit")
    has(bad(REFUSED, "policy set", "factor.required", "off", "--user", name, uid=uid), "policy.user.set")
    has(bad(REFUSED, "policy unset", "factor.required", "--user", name, uid=uid), "policy.user.set")


@check
def a_setup_code_lasts_as_its_value_says():
    name = fresh()
    good("user add", name)
    good("policy set", "setup-code.ttl", "2h", "--user", name)
    entry = None
    good("user passwd", name, "--setup-code")
    for entry in get("audit log", "--user", name, "--verb", "user.setup-code")["entries"]:
        expires = dict((v[0], v[2]) for v in entry["values"])["setup_code_expires"]
    assert entry and re.fullmatch(r"[0-9-]+T[0-9:]+Z", expires), entry
    ends = datetime.datetime.strptime(expires, "%Y-%m-%dT%H:%M:%S%z").timestamp()
    assert abs(ends - entry["time"] / 1e6 - 7200) < 60, (expires, entry["time"])
    good("policy unset", "setup-code.ttl", "--user", name)
