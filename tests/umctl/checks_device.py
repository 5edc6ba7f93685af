# SPDX-License-Identifier: LGPL-2.1-or-later
"""umctl device, and service accounts: what they are given, and what they are not."""

import pathlib
import subprocess
import tempfile

from harness import NOT_FOUND, REFUSED, USAGE, bad, check, fresh, get, good, has, same

FAILED = 1


def key(*options):
    """A new key: its public half, the private one, its fingerprint as ssh shows it."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["ssh-keygen", "-q", "-N", "", "-f", folder + "/k", *(options or ("-t", "ed25519"))], check=True)
        shown = subprocess.run(["ssh-keygen", "-l", "-f", folder + "/k"], check=True, capture_output=True, text=True).stdout
        return (pathlib.Path(folder, "k.pub").read_text(), pathlib.Path(folder, "k").read_text(), shown.split()[1])


def service(*options):
    name = fresh("svc")
    good("user add", name, "--kind", "service", "--email", f"{name}@ops.example", *options)
    return name


@check
def an_account_is_given_a_key_and_loses_it():
    name, (public, _, fingerprint) = service("--role", "integration"), key()
    has(good("device add-key", name, "--label", "crm", "--dry-run", stdin=public), f"key {fingerprint}: would be added")
    same(get("device list", name)["devices"], [])
    has(good("device add-key", name, "--label", "crm", "--reason", "for the crm", stdin=public), f"key {fingerprint}: added (ch-")
    has(good("device add-key", name, stdin=public), "nothing to change")
    other, _, second = key("-t", "ecdsa")
    answer = get("device add-key", name, stdin=other)
    same((answer["key"], answer["user"]), (second, name))
    same(get("device remove", name, second)["key"], second)
    row, = get("device list", name)["devices"]
    same((row["fingerprint"], row["type"], row["label"], row["created_by"]), (fingerprint, "ssh-ed25519", "crm", "root"))
    has(good("device list", name, "--csv"), "fingerprint,type,label,created,created_by", fingerprint)
    has(good("audit log", "--user", name, "--type", "change"), "device.add")
    has(good("device remove", name, fingerprint), f"key {fingerprint}: removed (ch-")
    bad(NOT_FOUND, "device remove", name, fingerprint)
    bad(NOT_FOUND, "device add-key", fresh(), stdin=public)


@check
def a_key_that_nobody_should_have_is_refused():
    name, other = service(), fresh()
    good("user add", other)
    public, private, _ = key()
    has(bad(USAGE, "device add-key", name, stdin=private), "private key")
    has(bad(USAGE, "device add-key", name, stdin='command="/bin/sh" ' + public), "options in front")
    has(bad(USAGE, "device add-key", name, stdin="ssh-dss AAAAB3NzaC1kc3M= x\n"), "dsa")
    has(bad(USAGE, "device add-key", name, stdin=key("-t", "rsa", "-b", "1024")[0]), "fewer than 2048 bits")
    has(bad(USAGE, "device add-key", name, stdin=public + public), "one line")
    has(bad(USAGE, "device add-key", name, stdin="hello\n"), "no ssh public key")
    bad(USAGE, "device add-key", name, stdin="")
    bad(USAGE, "device add-key", name, stdin="x" * 9000)
    bad(USAGE, "device add-key", name, "--label", "l" * 65, stdin=public)
    good("device add-key", name, stdin=public)
    has(bad(FAILED, "device add-key", other, stdin=public), "another account has it")
    same(get("device list", other)["devices"], [])


@check
def a_service_account_has_nothing_of_a_persons():
    name = service()
    has(good("user show", name), "home: /nonexistent", "shell: /usr/libexec/um/um-api", "kind: service")
    same(get("user show", name)["user"]["groups"], ["um-api"])
    for options in (), ("--setup-code",):
        has(bad(REFUSED, "user passwd", name, *options, stdin="a long enough password\n"), "is a service account")
    has(bad(REFUSED, "user set", name, "--shell", "/bin/sh"), "speaks the API alone")
    bad(REFUSED, "user set", name, "--email", "")
    has(bad(USAGE, "user add", fresh("svc"), "--kind", "service"), "responsible")
    bad(REFUSED, "user add", fresh("svc"), "--kind", "service", "--email", "x@y.example", "--password", stdin="a long enough one\n")
    has(bad(REFUSED, "group remove-member", "um-api", name), "kept by um")
