# SPDX-License-Identifier: LGPL-2.1-or-later
"""umctl audit, status and doctor."""

import csv
import io
import json
import os
import re
import signal
import subprocess

import harness
from daemon import VAULT, until
from harness import (FAILED, NOT_FOUND, NOT_REACHABLE, USAGE, Terminal, bad, check, ctl, document, fresh, get, good, has,
                     lines, same, user)


def entries(*arguments):
    return get("audit log", *arguments)["entries"]


@check
def every_change_is_in_the_log_with_its_reason():
    name = fresh()
    good("user add", name, "--title", "One", "--reason", "hired")
    good("user set", name, "--title", "Two", "--reason", "a \"quoted\" reason")
    good("user passwd", name, stdin="hollow lantern 2\n")
    created, changed, password = reversed(entries("--object", "user/" + name))
    same((created["verb"], created["reason"], created["actor"], created["type"], created["outcome"]),
         ("user.create", "hired", "root", "change", "done"))
    same((changed["reason"], changed["values"]), ("a \"quoted\" reason", [["title", "One", "Two"]]))
    assert "hollow lantern 2" not in json.dumps(password)
    has(json.dumps(password), "(changed)")
    table = good("audit log", "--object", "user/" + name)
    has(table, "title: One -> Two", "user/" + name, "\n3 entries.\n")
    assert "hollow lantern 2" not in table


@check
def a_filter_by_reason_is_not_taken_for_a_reason():
    has(bad(USAGE, "audit log", "--reason", "bad-proof"), "--because REASON filters")
    has(bad(USAGE, "audit log", "--type", "hat"), "there are: login, change, session, access, system")


@check
def a_reference_leads_to_its_entry():
    name = fresh()
    good("user add", name)
    entry = entries("--object", "user/" + name)[0]
    for reference in entry["reference"], entry["reference"].lower(), entry["reference"][3:]:
        same(entries("--reference", reference), [entry])
    has(bad(NOT_FOUND, "audit log", "--reference", "um-ZZZZ"), "um-ZZZZ: no such entry")
    for reference in "um-", "um-1", "x", "um-00U1", "um-0000", "um-" + "Z" * 20:
        has(bad(USAGE, "audit log", "--reference", reference), "is not like um-7K2P")


@check
def the_log_is_filtered():
    name, group = fresh(), fresh("g")
    good("user add", name, "--password", stdin="start with zebras\n")
    uid = user(name)["uid"]
    good("group add", group)
    good("self passwd", uid=uid, stdin="start with zebras\nnext come quartz\nnext come quartz\n")
    ctl("self passwd", uid=uid, stdin="wrong\nnext come quartz\nnext come quartz\n")
    same({entry["object"] for entry in entries("--user", name)} - {"user/" + name}, set())
    assert all(entry["actor"] == name for entry in entries("--actor", name))
    assert entries("--actor", name)
    same([entry["verb"] for entry in entries("--object", "group/" + group)], ["group.create"])
    same({entry["type"] for entry in entries("--type", "change", "--limit", 5)}, {"change"})
    same({entry["verb"] for entry in entries("--verb", "group.create", "--limit", 5)}, {"group.create"})
    same({entry["outcome"] for entry in entries("--outcome", "done", "--limit", 5)}, {"done"})
    failed = entries("--user", name, "--because", "bad-proof")
    assert failed and all(entry["reason"] == "bad-proof" for entry in failed), failed
    assert entries("--since", "today") and entries("--since", "1h") and entries("--since", "2026-01-01")
    same(entries("--until", "1h"), [])
    same(entries("--since", "2040-01-01"), [])
    same(len(entries("--limit", 3)), 3)
    same([entry["seq"] for entry in lines("audit log", "--limit", 3)], [entry["seq"] for entry in entries("--limit", 3)])
    for option, value in ("since", "yesterdayish"), ("until", ""), ("limit", "0"), ("limit", "many"):
        has(bad(USAGE, "audit log", f"--{option}={value}"), "--" + option)
    bad(USAGE, "audit log", "--type", "gossip")


@check
def the_log_is_csv_too():
    rows = list(csv.reader(io.StringIO(good("audit log", "--csv", "--limit", 10), newline="")))
    same(rows[0][:4], ["seq", "time", "type", "verb"])
    same([int(row[0]) for row in rows[1:]], [entry["seq"] for entry in entries("--limit", 10)])
    same(len(list(csv.reader(io.StringIO(good("audit log", "--csv", "--no-legend", "--limit", 10))))), 10)


@check
def more_than_a_page_is_fetched():
    name = fresh()
    good("user add", name)
    have = len(entries("--limit", 100000))
    for number in range(have, 450):
        good("user set", name, "--title", f"T{number}")
    numbers = [entry["seq"] for entry in entries("--limit", 420)]
    same(numbers, list(range(numbers[0], numbers[0] - 420, -1)))


@check
def the_chain_verifies():
    text = good("audit verify")
    assert re.fullmatch(r"entries 1 to [0-9]+: ok\n", text), text
    answer = get("audit verify")["verify"]
    same((answer["first"], answer["ok"]), (1, True))
    has(Terminal("audit verify").end(0), ": ok\n")


@check
def status_is_well():
    text = good("status")
    has(text, "store: ok\n", "vault: ok\n", "quality: ok\n", "map: ok\n")
    answer = get("status")["status"]
    same((answer["well"], answer["store_ok"], answer["vault_ok"], answer["map_ok"]), (True, True, True, True))
    same(len(lines("status")), 1)
    has(text, "clock: synchronised\n" if answer["clock_synchronised"] else "clock: not synchronised\n")


@check
def codes_that_cannot_be_sent_are_told_where_they_are_permitted():
    text = ctl("doctor", quiet=True, code=None).out
    assert "codes can be sent" not in text and "mail:" not in good("status"), text
    for name, permitted in (("factor.methods", "+email-code"), ("password.reset-by-email", "on")):
        has(ctl("policy set", name, permitted, code=0, warns=True).err,
            "umctl: warning: there is no sendmail program: no codes can be sent (um.conf(5), sendmail)\n")
        try:
            has(ctl("status", code=FAILED).out, "mail: there is no sendmail program: no codes can be sent\n")
            answer = document(ctl("status", "--json", code=FAILED, quiet=True).out)["status"]
            same((answer["well"], answer["mail_ok"], answer["vault_ok"]), (False, False, True))
            has(ctl("doctor", code=FAILED, quiet=True).out, "fail  mail: there is no sendmail program: no codes can be sent",
                "um.conf(5), sendmail")
        finally:
            good("policy unset", name)
        good("status")


def vault_exchange(world, source, target):
    """Moves a key, and has a vault begin with what is there then."""
    old = world.vault_pid()
    source.rename(target)
    os.kill(old, signal.SIGKILL)
    until(lambda: world.vault_pid() not in (None, old))


@check
def another_key_of_the_vault_is_named():
    world, name = harness.world, fresh()
    key, kept = world.state / "vault/key", world.dir / "kept-key"
    good("user add", name)
    good("user passwd", name, stdin="hollow lantern 2\n")
    vault_exchange(world, key, kept)
    try:
        until(lambda: not world.status()["vault_key_ok"])
        has(ctl("status", code=FAILED).out, 'vault: has another key: no password can be checked or set; see "Another key" in umd(8)\n')
        answer = document(ctl("status", "--json", code=FAILED, quiet=True).out)["status"]
        same((answer["well"], answer["vault_ok"], answer["vault_key_ok"]), (False, False, False))
        text = ctl("doctor", code=FAILED, quiet=True).out
        has(text, "fail  vault: has another key", "-> put /var/lib/um-vault/key back from the backup, then systemctl restart um-vault")
        assert "vault: is away" not in text, text
        has(bad(FAILED, "user passwd", name, stdin="marble harvest 3\n"), "another key")
    finally:
        vault_exchange(world, kept, key)
    has(good("status"), "vault: ok\n")  # which waits for it
    good("user passwd", name, stdin="marble harvest 3\n")


def finding(umd, name):
    """doctor's of that name: result, text, what to do."""
    result = ctl("doctor", "--dry-run", "--json", "--socket", umd.bus, quiet=True)
    found = [one for one in document(result.out)["findings"] if one["check"] == name]
    same(len(found), 1)
    return found[0]["result"], found[0]["text"], found[0].get("mend")


def vault_again(umd):
    old = umd.vault_pid()
    os.kill(old, signal.SIGKILL)
    until(lambda: umd.vault_pid() not in (None, old) and umd.status()["vault_ok"])


@check
def what_there_is_of_a_recovery_key_is_told():
    with harness.Daemon() as umd:
        pub, vault, where = umd.dir / "recovery.pub", umd.dir / "vault", ("--socket", umd.bus)
        vault.write_text(f'#!/bin/sh\nexec {VAULT} "$@" --recovery-pub {pub}\n')  # as under systemd
        vault.chmod(0o755)
        umd.start("--vault", str(vault))
        has(good("status", *where), "recovery key: none: who loses the vault's key loses all passwords", '"umctl doctor" says how to make one\n')
        same(get("status", *where)["status"]["recovery_key"], "none")
        result, text, mend = finding(umd, "recovery key")
        same(result, "warn")
        has(text, "there is none")
        has(mend, "/um-vault --new-recovery-key /etc/um/recovery.pub; ", "systemctl restart um-vault.service")

        subprocess.run([VAULT, "--new-recovery-key", pub], stdout=subprocess.DEVNULL, check=True)
        same(get("status", *where)["status"]["recovery_key"], "none")  # until the vault is started again
        vault_again(umd)
        has(good("status", *where), "recovery key: kept\n")
        same(finding(umd, "recovery key")[0], "ok")
        same(umd.call("/org/um1", "org.um1.Manager", "Status", peer=umd.peer(65534))[0]["recovery_key"], "kept")

        pub.write_text("no half of a key\n")
        vault_again(umd)
        has(ctl("status", *where, code=FAILED).out, "recovery key: the vault's key is not kept for it")
        answer = document(ctl("status", "--json", *where, code=FAILED, quiet=True).out)["status"]
        same((answer["recovery_key"], answer["vault_ok"], answer["well"]), ("failed", True, False))
        result, text, mend = finding(umd, "recovery key")
        same(result, "fail")
        has(text, "is not kept for the one there is")
        has(mend, "journalctl -u um-vault")


@check
def security_keys_that_cannot_be_asked_are_told_where_they_are_permitted():
    with harness.Daemon() as umd:
        where = ("--socket", umd.bus)
        umd.start()
        assert "fido" not in good("status", *where)
        same(get("status", *where)["status"]["fido_ok"], True)
        same(finding(umd, "fido")[0], "ok")
        umd.stop()
        umd.start("--fido", "/nowhere/um-fido")
        has(ctl("status", *where, code=FAILED).out, "fido: um-fido is away: no security key can be asked\n")
        result, text, mend = finding(umd, "fido")
        same((result, text), ("fail", "um-fido is away: no security key can be asked"))
        has(mend, "systemctl status um-fido.socket")
        good("policy set", "factor.methods", "--socket", umd.bus, "--", "-fido2")
        assert "fido" not in good("status", *where)


@check
def doctor_finds_and_says_what_to_do():
    result = ctl("doctor", quiet=True)  # this world has no PAM profile and no systemd
    for line in result.out.splitlines():
        assert re.match(r"((ok|warn|fail) +\S.*: |      -> )\S", line), line
    has(result.out, "ok    umd: answers at /run/um/bus\n", "ok    store: ok\n")
    json_result = ctl("doctor", "--json", quiet=True)
    findings = document(json_result.out)["findings"]
    assert {finding["result"] for finding in findings} <= {"ok", "warn", "fail"}
    same(json_result.code, 1 if any(finding["result"] == "fail" for finding in findings) else 0)
    for finding in findings:
        assert finding["check"] and finding["text"], finding
        assert finding["result"] == "ok" or finding["mend"], finding


def fail(name, source):
    """One that is not answered late: the first two of a name are not."""
    context = {"operation": ("s", "authenticate"), "user": ("s", name), "service": ("s", "sshd"), "rhost": ("s", source)}
    with harness.world.peer() as peer:
        login = peer.call("/org/um1", "org.um1.Login", "Begin", "a{sv}", context).args[0]
        same(peer.call("/org/um1", "org.um1.Login", "Answer", "say", login, b"wrong").args[0][0], 6)


@check
def failed_logins_are_added_up():
    name, other = fresh("guess"), fresh("guess")
    for one in (name, other):
        good("user add", one)
    fail(name, "203.0.113.77")
    fail(name, "203.0.113.78")
    fail(other, "203.0.113.78")
    for _ in range(18):  # two more than an hour has entries for
        fail(fresh("nobody"), "203.0.113.79")
    harness.world.stop()  # what was counted is told
    harness.world.start()
    until(lambda: harness.world.status()["vault_ok"])
    rows = {row.get("user", ""): row for row in get("report failed-logins", "--since", "1h", "--limit", "1000")["users"]}
    same((rows[name]["failures"], rows[name]["sources"], rows[name]["last_source"]), (2, 2, "203.0.113.78"))
    same((rows[other]["failures"], rows[other]["last_source"], rows[other]["last_service"]), (1, "203.0.113.78", "sshd"))
    assert rows[""]["failures"] >= 18, rows
    rows = {row.get("source", ""): row for row in get("report failed-logins", "--by", "source")["sources"]}
    same((rows["203.0.113.77"]["failures"], rows["203.0.113.77"]["users"], rows["203.0.113.77"]["last_user"]), (1, 1, name))
    same((rows["203.0.113.78"]["failures"], rows["203.0.113.78"]["users"]), (2, 2))
    same((rows["203.0.113.79"]["failures"], rows["203.0.113.79"]["users"]), (18, 1))
    has(good("report failed-logins", "--by", "source"), "SOURCE", "FAILURES", "203.0.113.77", "(nobody)")
    has(good("report failed-logins", "--limit", "1"), "shown, more with --limit")
    same(get("report failed-logins", "--until", "2020-01-01", "--since", "2019-01-01")["users"], [])
    has(good("report failed-logins", "--by", "source", "--csv"), "source,failures,users,last,last_user,last_service\r\n")
    has(bad(USAGE, "report failed-logins", "--by", "moon"), "user or source")
    bad(USAGE, "report failed-logins", "--limit", "0")
    bad(USAGE, "report failed-logins", "--since", "soon")


@check
def a_umd_that_is_not_there_is_exit_5():
    for command in "status", "user list", "audit verify":
        has(bad(NOT_REACHABLE, command, "--socket", "/run/nobody/bus"), "not reachable at /run/nobody/bus")
