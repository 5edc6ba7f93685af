# SPDX-License-Identifier: LGPL-2.1-or-later
"""umctl sudo: command groups."""

from harness import NOT_FOUND, REFUSED, USAGE, bad, check, fresh, get, good, has, same

RESTART = "/usr/bin/systemctl restart backup.service"


@check
def a_command_group_is_made_changed_shown_and_deleted():
    name, role = fresh("sudo"), fresh("role")
    has(good("sudo add", name, "--command", RESTART, "--command", "/usr/bin/id", "--description", "nightly"),
        f"sudo {name}: created (ch-")
    group = get("sudo show", name)["sudo"]
    same((group["commands"], group["run_as"], group["no_password"], group["broad"], group["description"], group["version"]),
         ([RESTART, "/usr/bin/id"], "root", False, False, "nightly", 1))
    has(good("sudo show", name), f"commands: {RESTART},/usr/bin/id", "run as: root")
    has(good("sudo set", name, "--command=-/usr/bin/id", "--command=+/usr/bin/uptime -p", "--run-as", "daemon:adm",
             "--no-password"), f"sudo {name}: changed (ch-")
    group = get("sudo show", name)["sudo"]
    same((group["commands"], group["run_as"], group["no_password"]), ([RESTART, "/usr/bin/uptime -p"], "daemon:adm", True))
    good("sudo set", name, "--password", "--command", "")
    group = get("sudo show", name)["sudo"]
    same((group["commands"], group["no_password"]), ([], False))
    has(good("sudo set", name, "--password"), f"sudo {name}: nothing to change")
    has(good("sudo add", fresh("sudo"), "--dry-run"), "would be created")
    other = fresh("sudo")
    good("sudo add", other, "--command", "/bin/sh", "--allow-broad", "--no-password", "--run-as", "daemon", "--json")
    same(get("sudo show", other)["sudo"]["broad"], True)
    assert {name, "maintenance"} <= {row["name"] for row in get("sudo list")["groups"]}
    for verb, more in (("set", ["--command", "/bin/bash", "--allow-broad", "--description", "a shell", "--json"]), ("delete", ["--yes", "--json"])):
        good(f"sudo {verb}", other, *more)
    has(good("sudo list", "--csv"), "name,command_count,run_as,no_password,broad,description", f"{name},0,daemon:adm,no,no,nightly")
    good("role add", role, "--permit", f"sudo.{name}")
    has(bad(REFUSED, "sudo delete", name, "--yes"), role, "--force")
    has(good("sudo delete", name, "--force", "--yes"), f"sudo {name}: deleted (ch-")
    bad(NOT_FOUND, "sudo show", name)
    bad(REFUSED, "sudo delete", "maintenance", "--yes")


@check
def what_amounts_to_more_than_itself_is_refused_unless_said_so():
    name = fresh("sudo")
    for command, why in (("systemctl restart x", "absolute"), ("/usr/*/id", "path"), ("/bin/sh", "shell"), ("/usr/bin/vi", "editor"),
                         ("/usr/bin/id *", "arguments"), ("/tmp/x", "/tmp is not root's alone to write"), ("/usr/bin/", "directory")):
        has(bad(REFUSED, "sudo add", name, "--command", command), why)
    bad(REFUSED, "sudo add", name, "--command", "id", "--allow-broad")
    bad(USAGE, "sudo add", name, "--command", "/usr/bin/id  -u")
    bad(USAGE, "sudo add", name, "--run-as", "ALL")
    bad(USAGE, "sudo set", "maintenance", "--password", "--no-password")
    bad(REFUSED, "sudo add", name, "--command", "/bin/sh", "--run-as", "daemon", "--no-password")
