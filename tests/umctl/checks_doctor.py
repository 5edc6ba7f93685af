# SPDX-License-Identifier: LGPL-2.1-or-later
"""umctl doctor with real stacks: Debian's common files with um's profile, and each way to break them.  The
rest of what it looks at is the host's own and is looked at in a booted Debian (tests/lab/test_doctor.sh)."""

import os
import pathlib
import shutil
import signal
import subprocess
import sysconfig
import time

import harness
from daemon import until
from harness import USAGE, argv, bad, check, ctl, document, environment, everything, fresh, good, has, lines, same

PROBE = "doctor-probe"
STACKS = pathlib.Path("/run/pam.d")
SECURITY = pathlib.Path("/lib", sysconfig.get_config_var("MULTIARCH"), "security")

COMMON = {
    "common-auth": """auth [success=1 default=ignore] pam_localuser.so
auth [success=2 user_unknown=ignore default=die] pam_um.so
auth [success=1 default=ignore] pam_unix.so nullok try_first_pass
auth requisite pam_deny.so
auth required pam_permit.so
""",
    "common-account": """account [success=1 default=ignore] pam_localuser.so
account [success=ok new_authtok_reqd=ok user_unknown=ignore default=die] pam_um.so
account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so
account requisite pam_deny.so
account required pam_permit.so
""",
    "common-session": """session [default=1] pam_permit.so
session requisite pam_deny.so
session required pam_permit.so
session [success=1 default=ignore] pam_localuser.so
session [success=ok user_unknown=ignore default=die] pam_um.so
session required pam_unix.so
""",
    "common-password": "password required pam_unix.so\n",
}
COMMON["common-session-noninteractive"] = COMMON["common-session"]
ALL = "@include common-auth\n@include common-account\n@include common-session\n"
SERVICES = {
    "sshd": ALL,
    "su": "auth sufficient pam_rootok.so\n" + ALL,
    "sudo": ALL,
    "cron": "@include common-account\n@include common-session\n",
}


def stacks(**changed):
    """The stacks as they should be, but for those given; _ stands for - in a name."""
    if not STACKS.exists():
        STACKS.mkdir()
        subprocess.run(["mount", "--bind", STACKS, "/etc/pam.d"], check=True)
        modules = pathlib.Path("/run/security")
        shutil.copytree(SECURITY, modules)
        shutil.copy(harness.BUILD / "pam_um/pam_um.so", modules)
        subprocess.run(["mount", "--bind", modules, SECURITY], check=True)
    for old in STACKS.iterdir():
        old.unlink()
    for name, text in {**COMMON, **SERVICES, **{key.replace("_", "-"): text for key, text in changed.items()}}.items():
        (STACKS / name).write_text(text)


def findings(*arguments, **more):
    """check -> (result, text, mend) of a run."""
    result = ctl("doctor", "--json", *arguments, quiet=True, **more)
    found = document(result.out)["findings"]
    same(result.code, 1 if [finding for finding in found if finding["result"] == "fail"] else 0)
    return {finding["check"]: (finding["result"], finding["text"], finding.get("mend")) for finding in found}


def probe_is_gone():
    ctl("user show", PROBE, code=4)
    same([row for row in lines("user list") if row["name"] == PROBE], [])


def without(text, word):
    return "".join(line + "\n" for line in text.splitlines() if word not in line)


# ---- healthy ---------------------------------------------------------------------------------------------

@check
def a_throw_away_user_goes_through_every_service():
    stacks()
    found = findings()
    for service in "sshd", "su", "sudo":
        result, text, _ = found["try " + service]
        same(result, "ok")
        has(text, "right password in, wrong one and disabled user out; root", "as ever with umd away")
    same(found["try cron"][0], "ok")
    has(found["try cron"][1], "active user in, disabled user out; root")
    for service in SERVICES:
        same([found[f"pam {service} {phase}"][0] for phase in ("account", "session")], ["ok", "ok"])
    has(found["throw-away user"][1], PROBE + " is deleted again and keeps uid ")
    probe_is_gone()


@check
def the_next_run_takes_the_same_uid():
    stacks()
    first, second = findings()["throw-away user"], findings()["throw-away user"]
    same(first, second)
    probe_is_gone()


@check
def no_password_and_no_home_is_left():
    left = pathlib.Path("/run/left")
    stacks(sudo="auth optional pam_exec.so quiet /usr/bin/touch /run/left\n" + ALL)
    same(findings()["try sudo"][0], "ok")
    assert not left.exists() and not pathlib.Path("/nonexistent").exists()
    texts = [str(entry) for entry in lines("audit log", "--user", PROBE, "--limit", 1000)]
    assert texts and not [text for text in texts if "Aa1-" in text]
    same([path for path in pathlib.Path("/run").iterdir() if PROBE in path.name], [])


@check
def a_linux_group_of_a_role_that_is_gone_is_told():
    stacks()
    role, group = fresh("role"), fresh("web")
    good("group add", group)
    good("role add", role, "--linux-group", group)
    same(findings("--dry-run")["Linux groups of roles"][0], "ok")
    good("group delete", group, "--yes", "--force")
    result, text, _ = findings("--dry-run")["Linux groups of roles"]
    same(result, "warn")
    has(text, role, group)
    good("role delete", role, "--yes")


@check
def a_dry_run_tries_nobody():
    stacks()
    before = everything()
    found = findings("--dry-run")
    same((found["try"][0], "throw-away user" in found), ("warn", False))
    same(everything(), before)


@check
def two_doctors_do_not_meet():
    stacks()
    lock = os.open("/run/um", os.O_RDONLY)
    import fcntl  # pylint: disable=import-outside-toplevel
    fcntl.flock(lock, fcntl.LOCK_EX)
    has(findings()["try"][1], "another doctor")
    os.close(lock)
    same(findings()["try sshd"][0], "ok")


# ---- interrupted -----------------------------------------------------------------------------------------

def started():
    """A doctor whose throw-away user is there now."""
    process = subprocess.Popen(argv("doctor", []), stdout=subprocess.DEVNULL, env=environment())
    end = time.monotonic() + 20
    while ctl("user show", PROBE).code != 0:
        assert time.monotonic() < end and process.poll() is None
    return process


@check
def a_signal_leaves_nobody_behind():
    stacks()
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        process = started()
        process.send_signal(number)
        same(process.wait(30), -number)
        probe_is_gone()


@check
def what_a_kill_leaves_ends_by_itself_and_is_cleared_by_the_next_run():
    stacks()
    process = started()
    process.kill()
    process.wait()
    record = harness.user(PROBE)
    assert 0 < record["valid_until"] - time.time() * 1e6 < 16 * 60e6, record
    text = "another doctor"
    while "another doctor" in text:  # its child may hold the lock for a moment longer
        text = ctl("doctor", quiet=True).out
    has(text, PROBE + " was left by a run that was killed", PROBE + " is deleted again")
    probe_is_gone()


@check
def somebody_of_that_name_is_left_alone():
    stacks()
    with harness.Daemon() as other:  # not the world's: there the name is taken for good
        other.start()
        other.create(PROBE)
        before = good("user show", PROBE, "--socket", other.bus)
        ctl("doctor", "--socket", other.bus, quiet=True)
        same(good("user show", PROBE, "--socket", other.bus), before)


# ---- broken ----------------------------------------------------------------------------------------------

BROKEN = [
    ("the auth line is missing", {"common_auth": without(COMMON["common-auth"], "pam_um").replace("success=1 default=ignore] pam_localuser.so", "default=ignore] pam_localuser.so")},
     "pam sshd", "fail", "not for the password"),
    ("the account line is missing", {"common_account": without(without(COMMON["common-account"], "pam_um"), "localuser")},
     "pam sshd", "fail", "not whether the account may enter"),
    ("a refusal is not final in auth", {"common_auth": COMMON["common-auth"].replace("default=die", "default=ignore")},
     "pam sudo auth", "fail", "is not final"),
    ("a refusal is not final in account", {"common_account": COMMON["common-account"].replace("default=die", "default=ignore")},
     "try cron", "fail", "gets in"),
    ("local users meet um", {"common_account": without(COMMON["common-account"], "localuser").replace("user_unknown=ignore ", "")},
     "pam su account", "fail", "local user meets pam_um"),
    ("local users would be locked out", {"common_account": "account required pam_um.so\n" + COMMON["common-account"]},
     "pam sshd account", "fail", "local user meets pam_um"),
    ("others' users are refused", {"common_auth": COMMON["common-auth"].replace("user_unknown=ignore ", "")},
     "pam sshd auth", "warn", "LDAP"),
    ("a module is missing", {"sshd": "auth required pam_nosuch.so\n" + ALL}, "try sshd", "fail", "the right password gets"),
    ("anybody gets in", {"sudo": "auth sufficient pam_permit.so\n" + ALL}, "try sudo", "fail", "a wrong password gets in"),
    ("another module refuses", {"sshd": "account requisite pam_access.so accessfile=/run/access.conf\n" + ALL},
     "try sshd", "warn", "another module than pam_um"),
    ("more than a password is asked", {"sshd": "auth required pam_exec.so expose_authtok /bin/true\n" + ALL},
     "try sshd", "ok", "right password in"),
    ("a line is not understood", {"sshd": "auth sometimes pam_unix.so\n" + ALL}, "pam sshd", "warn", "/etc/pam.d/sshd:1"),
]


@check
def each_broken_stack_is_named_with_what_to_do():
    pathlib.Path("/run/access.conf").write_text("-:ALL EXCEPT root:ALL\n")
    for what, changed, name, result, text in BROKEN:
        stacks(**changed)
        found = findings()
        assert name in found and found[name][0] == result and text in found[name][1], (what, found.get(name), found)
        assert result == "ok" or found[name][2], (what, found[name])
        probe_is_gone()


@check
def a_stack_that_hangs_is_given_up():
    stacks(cron="account [success=ignore default=ignore] pam_exec.so /bin/sleep 60\n" + SERVICES["cron"],
           sshd="", su="", sudo="")
    began = time.monotonic()
    has(findings()["try cron"][1], "no verdict within 10 s")
    assert time.monotonic() - began < 30
    probe_is_gone()


@check
def without_any_um_line_nobody_can_log_in():
    stacks(**{name.replace("-", "_"): without(text, "pam_um") for name, text in COMMON.items()})
    found = findings()
    same(found["pam"][0], "fail")
    has(found["pam"][2], "pam-auth-update")


@check
def nsswitch_lines_are_judged():
    stacks()
    conf = pathlib.Path("/run/nsswitch.conf")
    before = conf.read_text()
    try:
        for database, line, result, text in [
                ("passwd", "files um systemd", "ok", "files um systemd"), ("passwd", "files systemd", "fail", "does not name um"),
                ("passwd", "um files", "fail", "must follow files"), ("passwd", "files systemd um", "fail", "must follow files"),
                ("passwd", "files [NOTFOUND=return] um", "fail", "keeps um from being asked"),
                ("passwd", "compat um", "ok", ""), ("passwd", None, "fail", "no such line"),
                ("group", "files [SUCCESS=merge] um systemd", "ok", ""),
                ("group", "files [SUCCESS=merge] um [SUCCESS=merge] systemd", "ok", ""),
                ("group", "files[SUCCESS=merge]um", "ok", ""), ("group", "files [success=merge", "fail", "does not name um"),
                ("group", "files um systemd", "warn", "not seen"), ("group", "files", "fail", "does not name um")]:
            other = "group" if database == "passwd" else "passwd"
            conf.write_text((f" {database} :  {line} # why\n" if line else "") + f"{other}: files [SUCCESS=merge] um\n")
            found = findings("--dry-run")["nsswitch " + database]
            same(found[0], result)
            has(found[1], text)
            assert result == "ok" or "nsswitch" in found[2], found
        conf.write_text(before + "initgroups: files\n")
        same(findings("--dry-run")["nsswitch initgroups"][0], "warn")
    finally:
        conf.write_text(before)


# ---- files of nobody -------------------------------------------------------------------------------------

@check
def files_that_a_new_user_would_take_over_are_found():
    stacks()
    tree = pathlib.Path("/run/tree")
    for name, owner in ("mine", 0), ("free", 2000300001), ("reserved", 61200), ("below", 123):
        (tree / name).mkdir(parents=True)
        os.chown(tree / name, owner, owner)
    name = fresh()
    good("user add", name, "--uid", 2000300002)
    (tree / "hers").touch()
    os.chown(tree / "hers", 2000300002, 2000300002)
    found = findings("--dry-run", "--scan-owners", tree)
    has(found["owners"][1], "/run/tree/free belongs to 2000300001")
    has(found["owners"][2], "2000300001", "chown")
    good("user delete", name, "--yes")  # a deleted user's uid is given to nobody
    os.chown(tree / "free", 0, 0)
    found = findings("--dry-run", "--scan-owners", tree)
    same(found["owners"][0], "ok")
    bad(USAGE, "doctor", "--scan-owners")
    bad(USAGE, "doctor", tree)
    same(findings("--dry-run", "--scan-owners", "/run/no-such-tree")["owners"][0], "warn")


def wrong_password(peer):
    context = {"operation": ("s", "authenticate"), "user": ("s", PROBE), "service": ("s", "sshd"), "ruser": ("s", "nobody"),
               "flags": ("u", 8)}
    login = peer.call("/org/um1", "org.um1.Login", "Begin", "a{sv}", context).args[0]
    peer.call("/org/um1", "org.um1.Login", "Answer", "say", login, b"wrong")


@check
def its_own_wrong_passwords_are_not_taken_for_a_fault():
    stacks()
    world = harness.world
    old = world.vault_pid()
    os.kill(old, signal.SIGKILL)  # the guesses it grants in a while are used up by the checks above
    until(lambda: world.vault_pid() not in (None, old) and world.status()["vault_ok"])
    findings()
    good("user restore", PROBE)
    good("user set", PROBE, "--valid-until", "never")
    good("user enable", PROBE)
    peer = harness.world.peer()
    for _ in range(6):  # as doctor's come, run after run
        wrong_password(peer)
    has(good("user show", PROBE), "locked out for other users here")
    peer.close()
    found = findings()
    same([value for name, value in found.items() if name.startswith("try ") and value[0] == "fail"], [])
    has(found["try sshd"][1], "right password in, wrong one and disabled user out")
    probe_is_gone()
