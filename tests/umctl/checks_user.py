# SPDX-License-Identifier: LGPL-2.1-or-later
"""umctl user: each verb with each option, what it changes, and what it refuses."""

import datetime
import pwd
import subprocess
import time

import harness
from harness import (FAILED, NOT_FOUND, REFUSED, USAGE, Terminal, bad, check, ctl, environment, fresh, get, good, has,
                     same, user)

YEAR_USEC = 365 * 86400 * 1000000


def resolves(name):
    run = subprocess.run(["getent", "passwd", name], capture_output=True, text=True, check=False, env=environment())
    return run.stdout.strip() if run.returncode == 0 else None


def midnight(date):
    """The start of that day here, whatever TZ says, in microseconds."""
    return int(time.mktime(datetime.date.fromisoformat(date).timetuple())) * 1000000


@check
def what_was_created_resolves_at_once():
    name = fresh()
    text = good("user add", name, "--full-name", "Alice Doe", "--email", name + "@acme.example")
    uid = user(name)["uid"]
    same(text.split(" (ch-")[0], f"user {name}: created, uid {uid}")
    same(resolves(name), f"{name}:*:{uid}:{uid}:Alice Doe:/home/{name}:/bin/bash")
    same(resolves(str(uid)), resolves(name))
    assert name not in [entry.pw_name for entry in pwd.getpwall()], "the test's own process has no um"


@check
def a_profile_is_stored_as_given():
    name = fresh()
    good("user add", name, "--full-name", "Zoë O'Neil", "--email", "z.o+x@acme.example", "--phone", "+49 30 1234",
         "--title", "Engineer, senior", "--department", "R&D", "--language", "de-AT", "--time-zone", "Europe/Berlin",
         "--notify", "security=mail,login", "--shell", "/bin/sh", "--home", f"/srv/{name}",
         "--valid-from", "2026-01-02", "--valid-until", "2031-05-06T07:08:09+02:00", "--reason", "hired")
    record = user(name)
    for key, value in {"full_name": "Zoë O'Neil", "email": "z.o+x@acme.example", "phone": "+49 30 1234",
                       "title": "Engineer, senior", "department": "R&D", "language": "de-AT",
                       "time_zone": "Europe/Berlin", "notify": "security=mail,login", "shell": "/bin/sh",
                       "home": f"/srv/{name}", "status": "active", "created_by": "root", "locked": False}.items():
        same(record[key], value)
    same(record["valid_from"], midnight("2026-01-02"))
    same(record["valid_until"], int(datetime.datetime.fromisoformat("2031-05-06T07:08:09+02:00").timestamp()) * 1000000)
    text = good("user show", name)
    has(text, "full name: Zoë O'Neil\n", "title: Engineer, senior\n", "password: none\n")
    same(user(record["email"]), record)
    same(user(str(record["uid"])), record)


@check
def account_kind_home_and_role_are_made_in_one_change():
    tenant, name, service = fresh("tenant"), fresh(), fresh()
    good("tenant add", tenant)
    good("user add", name, "--email", f"{name}@kind.example", "--tenant", tenant, "--role", "technician", "--kind", "person",
         "--setup-code")
    record = user(name)
    same([record[key] for key in ("tenant", "kind", "type", "affiliation", "roles")],
         [tenant, "person", "technician", "client", []])
    good("user add", service, "--email", f"{service}@kind.example", "--kind", "service", "--role", "integration",
         "--read-only")
    record = user(service)
    same([record[key] for key in ("tenant", "kind", "type", "affiliation", "roles", "read_only")],
         ["local", "service", "integration", "internal", ["integration"], True])
    has(good("user show", service), "kind: service\n", "read only: yes\n", "type: integration\n")
    has(good("user set", service, "--read-only", "no", "--tenant", tenant), "changed")
    same((user(service)["tenant"], "read_only" in user(service)), (tenant, False))
    bad(USAGE, "user set", service, "--read-only", "maybe")
    has(bad(NOT_FOUND, "user add", fresh(), "--tenant", "nowhere"), "nowhere")
    has(bad(REFUSED, "user add", fresh(), "--email", "x@kind.example", "--role", "integration"), "integration")
    has(bad(USAGE, "user add", fresh(), "--kind", "robot"), "robot")


@check
def an_empty_text_clears_and_never_a_time():
    name = fresh()
    good("user add", name, "--title", "T", "--valid-from", "2026-01-02", "--valid-until", "2031-05-06")
    good("user set", name, "--title", "", "--valid-from", "never", "--valid-until", "never")
    record = user(name)
    same((record.get("title"), record.get("valid_from"), record["valid_until"]), (None, None, "never"))


@check
def a_shell_that_is_not_there_is_warned_of():
    name, warning = fresh(), "umctl: warning: /bin/no-such-shell is not there on this host"
    has(ctl("user add", name, "--shell", "/bin/no-such-shell", code=0, warns=True).err, warning)
    has(ctl("user set", name, "--shell", "/bin/no-such-shell", code=0, warns=True).err, warning)
    same(ctl("user set", name, "--shell", "/bin/sh", code=0).err, "")


@check
def what_is_not_set_takes_no_options_of_a_password():
    name = fresh()
    good("user add", name, "--password", stdin="first secret\n")
    for way in "--setup-code", "--must-change":
        for option in ["--hash"], ["--expires", "90d"]:
            has(bad(USAGE, "user passwd", name, way, *option), "--hash and --expires go with a password that is set")


@check
def local_names_are_told_from_unknown_ones():
    has(bad(NOT_FOUND, "user show", "root"), "root: no such user of um; a local account of /etc/passwd")
    has(bad(NOT_FOUND, "user lock", "daemon"), "daemon: no such user of um; a local account of /etc/passwd")
    same(bad(NOT_FOUND, "user show", "nosuchname"), "nosuchname: no such user")
    name = fresh()
    good("user add", name)
    has(bad(NOT_FOUND, "group add-member", "daemon", name), "a local group of /etc/group: \"gpasswd -a USER GROUP\"")
    same(bad(NOT_FOUND, "group show", "nosuchname"), "nosuchname: no such group")


@check
def ids_may_be_chosen():
    name = fresh()
    good("user add", name, "--uid", 300001, "--gid", 300001)
    same((user(name)["uid"], user(name)["gid"]), (300001, 300001))
    has(bad(FAILED, "user add", fresh(), "--uid", 300001), "300001")
    has(bad(USAGE, "user add", fresh(), "--uid", 300002, "--gid", 300003), "gid")
    for number in 0, 999, 61184, 65535, 2147483647, 4294967295:
        has(bad(USAGE, "user add", fresh(), "--uid", number), str(number))
    for word in "0x10", "-1", "1.0", " 70000", "70000 ", "":
        bad(USAGE, "user add", fresh(), f"--uid={word}")


@check
def a_pending_user_waits_for_a_setup_code():
    name = fresh()
    good("user add", name, "--pending")
    same(user(name)["status"], "pending")
    text = good("user add", fresh(), "--setup-code")
    has(text, "\nsetup code: ", " (once, until ")
    answer = get("user add", fresh(), "--setup-code")
    assert len(answer["setup_code"].replace("-", "")) >= 12, answer
    same(user(answer["user"])["has_setup_code"], True)
    bad(USAGE, "user add", fresh(), "--setup-code", "--password")


@check
def a_password_comes_from_standard_input():
    name = fresh()
    good("user add", name, "--password", stdin="first secret\nnot this line\n")
    same(user(name)["has_password"], True)
    has(good("user show", name), "password: set 20", ", expires never\n")
    for secret in "", "\n", "x" * 600 + "\n":
        other = fresh()
        bad(USAGE, "user add", other, "--password", stdin=secret)
        bad(NOT_FOUND, "user show", other)


@check
def a_password_comes_from_a_terminal_without_echo():
    name = fresh()
    shown = (Terminal("user add", name, "--password").answer("Password for the new user: ", "tell nobody of it")
             .answer("Again: ", "tell nobody of it").end(0))
    assert "tell nobody of it" not in shown, shown
    other = fresh()
    shown = (Terminal("user add", other, "--password").answer("new user: ", "one").answer("Again: ", "another").end(1))
    has(shown, "do not match; nothing was changed")
    bad(NOT_FOUND, "user show", other)


@check
def a_password_that_will_not_do_is_refused_with_every_reason():
    name, other = fresh("quill"), fresh()
    short = "password: must have at least 12 characters, this has 7; not be a word of the dictionary or a simple pattern"
    has(bad(REFUSED, "user add", name, "--full-name", "Quentin Marble", "--password", stdin="letmein\n"), short)
    bad(NOT_FOUND, "user show", name)
    good("user add", name, "--full-name", "Quentin Marble", "--email", "q.marble@lantern.example")
    has(bad(REFUSED, "user passwd", name, stdin="letmein\n"), short)
    text = bad(REFUSED, "user passwd", name, stdin=f"{name} marble lantern\n")
    has(text, "must not have the user's name in it; not have a part of the full name in it; "
              "not have a part of the e-mail address in it")
    assert "characters" not in text, text
    same(user(name)["has_password"], False)
    same(get("user passwd", name, stdin="Grünes Käsebrot um Mitternacht\n")["user"], name)
    good("user add", other, "--password", stdin="correct horse battery staple\n")
    told = ctl("self passwd", uid=user(other)["uid"], code=REFUSED, quiet=True, warns=True,
               stdin="correct horse battery staple\n" + "correct horse battery staples\n" * 3)
    has(told.err, "must not be like the current one")


@check
def what_a_password_has_to_be_like_is_policy():
    name = fresh()
    good("user add", name, "--password", stdin="Marble owls 7!\n")
    good("policy set", "password.min-length", "20", "--user", name)
    good("policy set", "password.classes", "4", "--user", name)
    text = bad(REFUSED, "user passwd", name, stdin="cold mill vexing\n")
    has(text, "at least 20 characters, this has 16; have at least 4 of lower case, upper case, digits and others, this has 2")
    good("user passwd", name, stdin="Cold Mill, 7 vexing owls\n")


@check
def the_age_of_a_password_is_shown():
    name = fresh()
    good("user add", name, "--password", stdin="Marble owls 7!\n")
    has(good("user show", name), ", expires never\n")
    good("policy set", "password.max-age", "1y", "--user", name)
    record = user(name)
    same((record["password_expires"] - record["password_changed"], record["password_grace_left"]),
         (365 * 86400 * 1000000, 3))
    good("policy set", "password.max-age", "1s", "--user", name)
    while user(name)["password_expires"] > time.time() * 1000000:
        time.sleep(0.05)
    has(good("user show", name), ", expired 20", ", 3 logins left\n")
    good("policy set", "password.grace-logins", "1", "--user", name)
    has(good("user show", name), ", 1 login left\n")
    has(good("user list", "--filter", f"name={name}", "--columns", "name,password-grace-left", "--csv"), f"{name},1\r\n")


@check
def what_is_missing_is_asked_for():
    name = fresh()
    (Terminal("user add", name, "--ask", "--setup-code").answer("Full name: ", "Ask Ed")
     .answer("E-mail (may be empty): ", "").end(0))
    same(user(name)["full_name"], "Ask Ed")
    name = fresh()
    (Terminal("user add", name, "--ask", "--full-name", "Given Here").answer("E-mail", name + "@x.example")
     .answer("Password", "cold mill vexing").answer("Again", "cold mill vexing").end(0))
    same((user(name)["email"], user(name)["has_password"]), (name + "@x.example", True))
    bad(USAGE, "user add", fresh(), "--ask")


@check
def fields_are_changed_and_cleared():
    name, new = fresh(), fresh()
    good("user add", name, "--title", "One", "--phone", "12345")
    values = {"full-name": "A B", "email": new + "@x.example", "phone": "0815", "title": "Two", "department": "D",
              "language": "fr", "time-zone": "UTC", "notify": "security=login", "shell": "/bin/sh",
              "home": f"/srv/{new}", "valid-from": "2026-02-03", "valid-until": "never"}
    text = good("user set", name, *[word for option, value in values.items() for word in ("--" + option, value)])
    has(text, f"user {name}: changed (ch-")
    record = user(name)
    for option, value in values.items():
        key = option.replace("-", "_")
        same(record[key], midnight(value) if option == "valid-from" else value)
    good("user set", name, "--title", "", "--phone=")
    assert "title" not in user(name) and "phone" not in user(name)
    good("user set", name, "--name", new)
    bad(NOT_FOUND, "user show", name)
    same(user(new)["home"], f"/srv/{new}")
    assert resolves(name) is None and resolves(new)
    has(good("user set", new, "--title", ""), "nothing to change")


@check
def a_name_given_up_stays_his():
    old, new, other = fresh(), fresh(), fresh()
    good("user add", old)
    good("user add", other)
    good("group add", other + "g")
    good("user set", old, "--name", new)
    today = time.strftime("%Y-%m-%d", time.gmtime())
    for words in [("user add", old), ("user set", other, "--name", old), ("group add", old),
                  ("group set", other + "g", "--name", old)]:
        has(bad(FAILED, *words), f"was {new}'s name until {today}")
    has(bad(NOT_FOUND, "user show", old), f"{old}: no such user; was {new}'s name until {today}")
    assert resolves(old) is None
    good("user delete", new, "--yes")
    has(bad(FAILED, "user add", old), f"was {new}'s name until", "deleted")
    good("user restore", new)
    good("user set", new, "--name", old)
    assert resolves(old)
    has(bad(FAILED, "user add", new), f"was {old}'s name until {today}")


@check
def a_home_is_not_the_systems_nor_a_local_users():
    name = fresh()
    for home, rule in ("/etc", "/etc"), ("/root", "/root"), ("/usr/x", "/usr"), ("/tmp", "for all"):
        has(bad(USAGE, "user add", name, "--home", home), f'home: "{home}":', rule)
    good("user add", name, "--home", f"/srv/{name}")
    before = (harness.world.etc / "passwd").read_text()
    harness.world.local("passwd", before + f"l{name}:x:1500:1500::/home/l{name}/:/bin/sh\n")
    has(bad(USAGE, "user set", name, "--home", f"/home/l{name}"), f"is the home of l{name} in /etc/passwd")
    harness.world.local("passwd", before)
    same(user(name)["home"], f"/srv/{name}")


@check
def a_span_counts_from_now():
    name = fresh()
    good("user add", name, "--valid-until", "1y")
    got = user(name)["valid_until"] - time.time() * 1000000
    assert YEAR_USEC - 60000000 < got <= YEAR_USEC, got
    good("user set", name, "--valid-until", "+90s")
    assert user(name)["valid_until"] - time.time() * 1000000 <= 90 * 1000000
    for word in "tomorrow", "2026-02-30", "2026-2-3", "1x", "", "99999999999y", "2026-08-01T25:00:00Z":
        bad(USAGE, "user set", name, f"--valid-until={word}")


@check
def a_bad_value_names_field_value_and_rule():
    name = fresh()
    good("user add", name)
    for option, value, rule in [("full-name", "a:b", "':'"), ("email", "a@b@c", ""), ("phone", "call me", "digit"),
                                ("language", "german!", ""), ("time-zone", "Mars/Olympus", "zone"),
                                ("shell", "bash", "absolute"),
                                ("home", "/a/../b", "'..'"), ("name", "0x1", "digit"), ("name", "um-x", "reserved")]:
        before = user(name)
        text = bad(USAGE, "user set", name, "--" + option, value)
        has(text, value, rule)
        has(text.lower(), option.replace("-", " ").split()[-1])
        same(user(name), before)


@check
def taken_names_and_addresses_name_their_holder():
    name = fresh()
    good("user add", name, "--email", name + "@dup.example")
    has(bad(FAILED, "user add", name), name, "taken")
    has(bad(FAILED, "user add", "root"), "root", "/passwd")
    has(bad(FAILED, "user add", fresh(), "--email", name + "@dup.example"), name)


@check
def passwords_are_set_in_all_their_ways():
    name = fresh()
    good("user add", name)
    has(good("user passwd", name, stdin="one hollow tree\n"), f"user {name}: password set (ch-")
    same((user(name)["has_password"], user(name)["must_change"]), (True, False))
    good("user passwd", name, "--temporary", stdin="two marble lamps\n")
    same(user(name)["must_change"], True)
    good("user passwd", name, "--expires", "2031-01-01", stdin="three quartz owls\n")
    record = user(name)
    same((record["must_change"], record["password_expires"]), (False, midnight("2031-01-01")))
    good("user passwd", name, "--must-change")
    same(user(name)["must_change"], True)
    good("user passwd", name, "--hash",
         stdin="$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/\n")
    same(user(name)["must_change"], False)
    bad(USAGE, "user passwd", name, "--hash", stdin="not a hash\n")
    answer = get("user passwd", name, "--setup-code")
    same((answer["user"], user(name)["has_setup_code"]), (name, True))
    has(good("user passwd", name, "--setup-code"), "setup code: ")
    bad(USAGE, "user passwd", name, "--setup-code", "--temporary")
    (Terminal("user passwd", name).answer("New password: ", "four zebra canoes").answer("Again: ", "four zebra canoes").end(0))
    bad(NOT_FOUND, "user passwd", fresh(), stdin="x\n")


@check
def states_follow_each_other():
    name = fresh()
    good("user add", name)
    has(good("user lock", name, "--reason", "lost laptop"), f"user {name}: locked (ch-")
    record = user(name)
    same((record["locked"], record["locked_by"], record["locked_reason"]), (True, "root", "lost laptop"))
    has(good("user lock", name), "nothing to change")
    has(good("user unlock", name), "was locked since 20", "by root: lost laptop\n", "unlocked (ch-")
    assert "locked_since" not in user(name)
    good("user suspend", name, "--until", "2031-01-01", "--reason", "leave")
    record = user(name)
    same((record["status"], record["status_reason"], record["suspended_until"]),
         ("suspended", "leave", midnight("2031-01-01")))
    good("user resume", name)
    same(user(name)["status"], "active")
    good("user suspend", name)
    same(user(name)["suspended_until"], "never")
    bad(USAGE, "user suspend", name, "--until", "soon")
    good("user resume", name)
    good("user disable", name)
    same(user(name)["status"], "inactive")
    assert resolves(name)
    good("user enable", name)
    same(user(name)["status"], "active")
    has(bad(REFUSED, "user resume", name), name)


@check
def a_deleted_user_leaves_a_tombstone_and_can_come_back():
    name = fresh()
    good("user add", name)
    uid = user(name)["uid"]
    bad(USAGE, "user delete", name)  # nobody to ask
    has(Terminal("user delete", name).answer("[y/N] ", "n").end(FAILED), "left as it is")
    Terminal("user delete", name).answer(f"Delete user {name}? [y/N] ", "y").end(0)
    assert resolves(name) is None
    bad(NOT_FOUND, "user show", name)
    has(bad(FAILED, "user add", name), "umctl user restore " + name)
    same(get("user list", "--filter", "status=deleted,name=" + name)["users"][0]["uid"], uid)
    good("user restore", name)
    same((user(name)["uid"], user(name)["status"]), (uid, "inactive"))
    good("user delete", name, "--yes", "--end-sessions")
    bad(NOT_FOUND, "user restore", fresh())


@check
def who_is_not_there_is_exit_4_and_named():
    name = fresh()
    for command in ("show", "set", "lock", "unlock", "suspend", "resume", "disable", "enable", "delete", "restore"):
        more = ["--yes"] if command == "delete" else ["--title", "x"] if command == "set" else []
        has(bad(NOT_FOUND, "user " + command, name, *more), name)


@check
def a_time_is_shown_as_it_was_typed():
    name = fresh()
    good("user add", name, "--valid-until", "2031-05-06", env={"TZ": "Asia/Tokyo"})
    for zone in "Pacific/Kiritimati", "America/Los_Angeles", ":/no/such":
        has(good("user show", name, env={"TZ": zone}), "valid until: 2031-05-06 00:00:00\n")


@check
def a_user_is_named_by_address_and_by_uid_too():
    name = fresh()
    address = name + "@acme.example"
    good("user add", name, "--email", address)
    uid = user(name)["uid"]
    for other, password in (address, "tell nobody of it\n"), (uid, "nor of this one\n"):
        for verb, stdin in [("lock", ""), ("unlock", ""), ("suspend", ""), ("resume", ""), ("disable", ""),
                            ("enable", ""), ("set --title X", ""), ("set --title Y", ""), ("passwd", password),
                            ("passwd --must-change", ""), ("passwd --setup-code", "")]:
            has(good("user " + verb, other, stdin=stdin).splitlines()[-1 if "code" not in verb else 0], f"user {name}: ")
    same(get("user lock", uid)["user"], name)
    has(good("user delete", uid, "--yes"), f"user {name}: deleted")
    for verb in "show", "lock", "passwd":
        bad(NOT_FOUND, "user " + verb, address, stdin="x\n")
