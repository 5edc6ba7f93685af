# SPDX-License-Identifier: LGPL-2.1-or-later
"""Completion as bash does it: packaging/completion/umctl.bash in a real bash."""

import subprocess

from harness import ROOT, check, environment, fresh, good, same

SCRIPT = ROOT / "packaging/completion/umctl.bash"


def complete(*words, uid=0):
    """What bash offers for the last of the words behind umctl."""
    quoted = " ".join("'" + word + "'" for word in ["umctl", *words])
    user = ["/usr/bin/setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"] if uid else []
    run = subprocess.run([*user, "bash", "-euc", f"source /run/completion; COMP_WORDS=({quoted}); "
                          f"COMP_CWORD={len(words)}; _umctl; printf '%s\\n' \"${{COMPREPLY[@]-}}\""],
                         capture_output=True, text=True, check=False, env=environment())
    same((run.returncode, run.stderr), (0, ""))
    return run.stdout.split()


@check
def bash_completes_nouns_verbs_and_options():
    with open("/run/completion", "w", encoding="ascii") as copy:
        copy.write(SCRIPT.read_text())
    same(complete("us"), ["user"])
    same(set(complete("")), {"user", "group", "self", "policy", "role", "tenant", "attribute", "app", "sudo", "access", "undo", "device", "report", "status", "audit", "doctor", "help"})
    same(complete("user", "un"), ["unlock"])
    same(complete("group", "add"), ["add", "add-member"])
    same(complete("user", "add", "x", "--ti"), ["--title", "--time-zone"])
    assert {"--json", "--dry-run", "--yes"} <= set(complete("status", "--"))
    same(complete("help", "us"), ["user"])
    assert "passwd" in complete("help", "user", "")
    same(complete("frob", ""), [])
    run = subprocess.run(["bash", "-c", "source /run/completion; complete -p umctl"], capture_output=True, text=True,
                         check=True)
    same(run.stdout, "complete -o bashdefault -o default -F _umctl umctl\n")


@check
def bash_completes_live_names():
    prefix = fresh("tab")
    for name in prefix + "a", prefix + "b":
        good("user add", name)
    good("group add", prefix + "g", "--owner", prefix + "a")
    both = [prefix + "a", prefix + "b"]
    for words in (["user", "show"], ["user", "lock"], ["user", "set"], ["user", "delete", "--yes"],
                  ["group", "add", "x", "--owner"], ["audit", "log", "--user"], ["group", "add-member", prefix + "g"],
                  ["user", "show", "--json"], ["--reason", "why", "user", "show"], ["user", "lock", "--reason", "why"]):
        same(complete(*words, prefix), both)
    same(complete("group", "show", prefix), [prefix + "g"])
    same(complete("group", "add-member", prefix), [prefix + "g"])
    same(complete("group", "add-member", "x", "--group", prefix), [prefix + "g"])
    assert "/bin/bash" in complete("user", "add", "x", "--shell", "/bin/b")
    assert "maintenance" in complete("sudo", "show", "main")
    same(complete("user", "show", prefix + "$(id)"), [])
    same(complete("user", "show", prefix, uid=4242), [])


@check
def bash_completes_what_2fa_takes():
    name = fresh("tab")
    good("user add", name)
    same(set(complete("self", "2fa", "")), {"enrol", "list", "recovery", "remove"})
    same(complete("self", "2fa", "enrol", "t"), ["totp"])
    assert {"--label", "--reveal"} <= set(complete("self", "2fa", "enrol", "totp", "--"))
    same(complete("user", "2fa", "re"), ["remove", "reset"])
    same(complete("user", "2fa", "reset", name), [name])
    same(complete("self", "2fa", "list", ""), [])
    same(set(complete("report", "")), {"failed-logins", "mfa-coverage", "role-conflicts", "usage"})


@check
def bash_completes_values_and_what_they_may_be():
    name = fresh("tab")
    good("user add", name)
    same(complete("policy", "s"), ["set", "show"])
    same(complete("policy", "set", "password.m"), ["password.min-length", "password.max-age", "password.min-age"])
    same(complete("policy", "unset", "setup"), ["setup-code.ttl"])
    same(complete("role", "show", "view"), ["viewer"])
    same(complete("role", "grant", "view"), ["viewer"])
    same(complete("role", "grant", "viewer", name), [name])
    same(complete("role", "add", "x", "--permit", "user.lo"), ["user.lock"])
    same(complete("role", "grant", "viewer", name, "--tenant", "loc"), ["local"])
    same(complete("access", "why", name, "user.unl"), ["user.unlock"])
    same(complete("policy", "show", "--user", name, "factor.g"), ["factor.grace"])
    same(complete("policy", "show", "--value", "factor.g"), ["factor.grace"])
    same(complete("policy", "set", "--user", name), [name])
    same(complete("policy", "set", "factor.required", ""), ["off", "on", "hardware"])
    same(complete("policy", "set", "--user", name, "lockout.duration", ""), ["manual"])
    same(complete("policy", "set", "password.min-length", ""), [])
    same(complete("policy", "set", "factor.methods", "t"), ["totp"])
    same(complete("policy", "set", "factor.methods", "totp,ho"), ["totp,hotp"])
    same(complete("policy", "set", "factor.methods", "+e"), ["+email-code"])
    same(complete("policy", "set", "factor.methods", "-ho"), ["-hotp"])
    same(complete("policy", "set", "factor.methods", "+totp,-ho"), ["+totp,-hotp"])
    same(complete("policy", "set", "key.types", "sk-s"), ["sk-ssh-ed25519@openssh.com"])
    same(complete("policy", "set", "key.types", "+rs"), [f"+rsa\\>={bits}" for bits in (2048, 3072, 4096)])  # as it is typed
    same(complete("policy", "set", "factor.methods", "--uns"), ["--unset"])
    same(complete("policy", "show", "factor.g", uid=4242), [])
