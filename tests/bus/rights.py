# SPDX-License-Identifier: LGPL-2.1-or-later
"""Roles, tenants and grants by the faces of the real umd: written, shown as documented, refused with their
errors, on record, and of consequence for a login."""

import re
import time

from fixture import ERRORS, HERE, ROOT

FOREVER = 18446744073709551615
ROLE_KEYS = {"name", "description", "auto", "kind", "fault", "version", "created", "built_in", "one_tenant", "inherit", "permit",
             "without", "deny", "require", "conflicts", "linux_groups", "missing_groups"}
GRANT_KEYS = {"user", "role", "tenant", "over", "by", "reason", "auto", "state", "attribute", "from", "until", "made",
              "end_sessions"}


class Side:
    """What one caller asks on the private socket."""
    def __init__(self, umd, people):
        self.umd, self.people = umd, people

    def call(self, member, signature, *args, interface="Role", caller="root"):
        with self.umd.peer(self.people.uid[caller]) as peer:
            return peer.call(ROOT, "org.um1." + interface, member, signature, *args, timeout=30)

    def grant(self, user, role, options=None, member="Grant", **grant):
        kinds = {"until": "t", "from": "t", "allow_conflict": "b"}
        fields = {k.rstrip("_"): v for k, v in grant.items()}
        return self.call(member, "ssa{sv}a{sv}", user, role, {k: (kinds.get(k, "s"), v) for k, v in fields.items()},
                         options or {})

    def states(self, user, caller="root"):
        reply = self.call("ListGrants", "s", user, caller=caller)
        return reply.error or {(g["role"], g["tenant"], g["over"]): g["state"] for g in reply.args[0]}

    def may_log_in(self, user, service):
        """By key: what account management answers."""
        with self.umd.peer() as peer:
            reply = peer.call(ROOT, "org.um1.Login", "Authorize", "a{sv}s",
                              {"user": ("s", user), "service": ("s", service)}, "", timeout=30)
        return reply.args[1]


def roles(side, checks):
    def write(member, name, **lists):
        return side.call(member, "sa{sv}a{sv}", name, {k: ("as", v) for k, v in lists.items()}, {})

    reply = write("Add", "bus-audit", permit=["audit.*", "user.view"], without=["audit.export"])
    checks.check("Role: Add answers the change", reply.args and re.fullmatch(r"ch-[0-9]+", reply.args[0]), reply.text)
    role = side.call("Get", "s", "bus-audit").args[0]
    checks.same("Role: Get has what is documented", ROLE_KEYS | {"permissions", "denied"}, set(role))
    checks.same("Role: and what follows from it", (["user.view", "audit.view"], [], 1, False, ""),
                tuple(role[k] for k in ("permissions", "denied", "version", "built_in", "fault")))
    reply = write("Set", "bus-audit", permit=["+report.view", "-user.view"])
    checks.same("Role: a list is added to and taken from", ["audit.*", "report.view"],
                side.call("Get", "s", "bus-audit").args[0]["permit"])
    for title, error, reply in (
            ("no permission", "BadValue", write("Add", "bus-x", permit=["user.vew"])),
            ("no role", "NoSuchRole", write("Add", "bus-x", inherit=["bus-none"])),
            ("a loop", "PolicyRefused", write("Set", "bus-audit", inherit=["bus-audit"])),
            ("a built-in one", "Protected", write("Set", "viewer", permit=["+user.edit"])),
            ("a name twice", "NameTaken", write("Add", "bus-audit")),
            ("a field that is none", "BadValue", side.call("Set", "sa{sv}a{sv}", "bus-audit", {"clone": ("s", "viewer")}, {})),
            ("deleting a built-in one", "Protected", side.call("Delete", "sba{sv}", "viewer", True, {})),
            ("an older version", "Conflict", side.call("Delete", "sba{sv}", "bus-audit", False, {"version": ("t", 1)}))):
        checks.same(f"Role: {title}", ERRORS + error, reply.error)
    found, cursor = [], ""
    for _ in range(100):
        rows, cursor = side.call("List", "su", cursor, 3).args
        checks.check("Role: List has what is documented", all(set(row) == ROLE_KEYS for row in rows), rows)
        found += [row["name"] for row in rows]
        if not cursor:
            break
    checks.check("Role: List by pages, the thirteen first", len(found) == 14 and found[0] == "owner"
                 and found[13] == "bus-audit" and len(set(found)) == 14, found)
    with open(HERE + "/../../docs/roles.md", encoding="utf-8") as f:
        documented = re.findall(r"^\| `([a-z.]+)` \| [a-z]+ \| (?:reads|changes) \|", f.read(), re.M)
    rows = side.call("Permissions", "s", "", caller="outsider").args[0]
    checks.same("Role: anybody may know the permissions", documented, [row["name"] for row in rows])
    checks.same("Role: of one category", {"report"},
                {row["category"] for row in side.call("Permissions", "s", "report").args[0]})
    checks.same("Role: no category", ERRORS + "BadValue", side.call("Permissions", "s", "reports").error)


def grants(side, checks):
    checks.same("Grant: what a user is created with", {("self-service", "local", ""): "counts"}, side.states("alice"))
    checks.same("Grant: he sees his own", {("self-service", "local", ""): "counts"}, side.states("alice", "alice"))
    checks.same("Grant: and not another's", ERRORS + "AccessDenied", side.states("alice", "bob"))
    soon = int(time.time() * 1e6) + 1500000
    reply = side.grant("alice", "viewer", {"reason": ("s", "INC-77")}, until=soon, over="department=sales")
    checks.check("Grant: answers the change", reply.args and re.fullmatch(r"ch-[0-9]+", reply.args[0]), reply.text)
    checks.same("Grant: it counts", "counts", side.states("alice")[("viewer", "local", "department=sales")])
    row = side.call("ListHolders", "ssu", "viewer", "", 10).args[0][0]
    checks.same("Grant: a row has what is documented", GRANT_KEYS, set(row))
    checks.same("Grant: until when, by whom and why", ("alice", soon, "root", "INC-77"),
                tuple(row[k] for k in ("user", "until", "by", "reason")))
    with side.umd.peer() as root:
        entry = root.call(ROOT, "org.um1.Audit", "List", "a{sv}tu", {"verb": ("s", "role.grant")}, 0, 10).args[0][-1]
    checks.check("Grant: the entry has it in words", entry["object"] == "user/alice" and entry["reason"] == "INC-77"
                 and entry["values"][0][2].startswith("viewer at local over department=sales, until "), entry)
    time.sleep(max(0, soon / 1e6 - time.time()) + 0.01)
    checks.same("Grant: it ends by itself", "expired", side.states("alice")[("viewer", "local", "department=sales")])
    for title, error, reply in (
            ("no role", "NoSuchRole", side.grant("alice", "bus-none")),
            ("nobody", "NoSuchUser", side.grant("nobody_at_all", "viewer")),
            ("no tenant", "NoSuchTenant", side.grant("alice", "viewer", tenant="bus-none")),
            ("what requires an address", "PolicyRefused", side.grant("bob", "viewer")),
            ("what is for services", "PolicyRefused", side.grant("alice", "integration")),
            ("for one tenant, in all", "BadValue", side.grant("alice", "tenant-admin", tenant="all")),
            ("an end that is past", "BadValue", side.grant("alice", "viewer", until=5)),
            ("an owner with an end only", "LastOwner", side.grant("alice", "owner", until=FOREVER - 1)),
            ("a version", "BadValue", side.grant("alice", "viewer", {"version": ("t", 1)})),
            ("a key that is none", "BadValue", side.grant("alice", "viewer", till="x"))):
        checks.same(f"Grant: {title}", ERRORS + error, reply.error)
    reply = side.grant("alice", "viewer", member="Revoke", over="department=sales")
    checks.check("Revoke: answers the change", reply.args and reply.args[0].startswith("ch-"), reply.text)
    reply = side.grant("alice", "viewer", member="Revoke", over="department=sales")
    checks.same("Revoke: again is no change", [""], reply.args)


def owner(side, checks):
    checks.check("Owner: the first", not side.grant("alice", "owner").error)
    alice = ROOT + "/user/alice"
    with side.umd.peer() as root:
        for member, signature, args in (("Disable", "a{sv}", [{}]), ("Delete", "a{sv}", [{}]),
                                        ("Suspend", "ta{sv}", [FOREVER, {}]),
                                        ("Update", "a{sv}a{sv}", [{"email": ("s", "")}, {}])):
            reply = root.call(alice, "org.um1.User", member, signature, *args, timeout=30)
            checks.same(f"Owner: {member} of the last one, by root", ERRORS + "LastOwner", reply.error)
    checks.same("Owner: nor revoked", ERRORS + "LastOwner", side.grant("alice", "owner", member="Revoke").error)
    reply = side.call("Why", "sss", "alice", "user.delete", "")
    checks.same("Why: the way", [("owner", "counts", False)],
                [(p["roles"], p["state"], p["denies"]) for p in reply.args[0]])
    checks.same("Why: the answer", ["held", "local"], reply.args[1:3])
    reply = side.call("Why", "sss", "bob", "user.delete", "", caller="bob")
    checks.check("Why: a user asks about himself, and is told who would have it", reply.args[0] == []
                 and reply.args[1] == "missing" and "it-admin" in reply.args[3], reply.args or reply.text)
    checks.same("Why: no permission", ERRORS + "BadValue", side.call("Why", "sss", "bob", "user.remove", "").error)
    reply = side.call("GetEffective", "ss", "bob", "", caller="bob")
    checks.check("GetEffective: his own, with the way", ("self.key.edit", "self-service") in {
        (p["permission"], p["roles"]) for p in reply.args[0]}, reply.args)


def tenants(side, checks):
    def write(member, name, fields):
        return side.call(member, "sa{sv}a{sv}", name, fields, {}, interface="Tenant")

    reply = write("Add", "bus-acme", {"title": ("s", "Acme"), "seats": ("u", 50)})
    checks.check("Tenant: Add answers the change", reply.args and reply.args[0].startswith("ch-"), reply.text)
    rows = side.call("List", "s", "", interface="Tenant").args[0]
    checks.same("Tenant: List", [("bus-acme", "Acme", 50, "self-service", False, 1), ("local", "", 0, "self-service", True, 0)],
                [tuple(r[k] for k in ("name", "title", "seats", "default_role", "of_host", "version")) for r in rows])
    checks.check("Tenant: a role there", not side.grant("alice", "viewer", tenant="bus-acme").error)
    for title, error, reply in (
            ("a name twice", "NameTaken", write("Add", "bus-acme", {})),
            ("no name", "BadValue", write("Add", "all", {})),
            ("nobody's", "NoSuchTenant", write("Set", "bus-none", {"title": ("s", "x")})),
            ("a default role that is none", "NoSuchRole", write("Set", "bus-acme", {"default_role": ("s", "bus-none")})),
            ("deleting the host's", "Protected", side.call("Delete", "sa{sv}", "local", {}, interface="Tenant"))):
        checks.same(f"Tenant: {title}", ERRORS + error, reply.error)
    checks.check("Tenant: Delete", not side.call("Delete", "sa{sv}", "bus-acme", {}, interface="Tenant").error)
    checks.check("Tenant: and its grants are gone", ("viewer", "bus-acme", "") not in side.states("alice"))
    checks.same("Tenant: its name is not given again", ERRORS + "NameTaken", write("Add", "bus-acme", {}).error)


def commands(side, checks):
    def write(member, name, **fields):
        kinds = {"commands": "as", "no_password": "b", "allow_broad": "b"}
        return side.call(member, "sa{sv}a{sv}", name, {k: (kinds.get(k, "s"), v) for k, v in fields.items()}, {}, interface="Sudo")

    reply = write("Add", "bus-web", commands=["/usr/bin/id -u"], description="who")
    checks.check("Sudo: Add answers the change", reply.args and re.fullmatch(r"ch-[0-9]+", reply.args[0]), reply.text)
    write("Set", "bus-web", commands=["+/usr/bin/uptime"], run_as="daemon:adm", no_password=True)
    group = side.call("Get", "s", "bus-web", interface="Sudo").args[0]
    checks.same("Sudo: Get has what is documented", {"name", "description", "run_as", "commands", "command_count", "no_password",
                                                     "broad", "version", "created"}, set(group))
    checks.same("Sudo: and what was written", (["/usr/bin/id -u", "/usr/bin/uptime"], 2, "daemon:adm", True, False, 2, "who"),
                tuple(group[k] for k in ("commands", "command_count", "run_as", "no_password", "broad", "version", "description")))
    rows = side.call("List", "", interface="Sudo").args[0]
    checks.same("Sudo: List", [("bus-web", 2), ("maintenance", 0)], [(r["name"], r["version"]) for r in rows])
    side.call("Add", "sa{sv}a{sv}", "bus-ops", {"permit": ("as", ["sudo.bus-web"])}, {})
    for title, error, reply in (
            ("a relative path", "PolicyRefused", write("Set", "bus-web", commands=["id"])),
            ("a shell", "PolicyRefused", write("Set", "bus-web", commands=["/bin/sh"])),
            ("a line of its own", "BadValue", write("Set", "bus-web", commands=["/bin/a b\nroot ALL=(ALL) ALL"])),
            ("a name twice", "NameTaken", write("Add", "bus-web")),
            ("nobody's", "NoSuchEntry", write("Set", "bus-none")),
            ("one that a role permits", "PolicyRefused", side.call("Delete", "sba{sv}", "bus-web", False, {}, interface="Sudo")),
            ("the one that is shipped", "Protected", side.call("Delete", "sba{sv}", "maintenance", True, {}, interface="Sudo"))):
        checks.same(f"Sudo: {title}", ERRORS + error, reply.error)
    checks.check("Sudo: a shell as such", not write("Set", "bus-web", commands=["/bin/sh"], allow_broad=True).error)
    checks.check("Sudo: Delete", not side.call("Delete", "sba{sv}", "bus-web", True, {}, interface="Sudo").error)


def logins(side, checks):
    checks.same("Login: by what a user is created with", "none", side.may_log_in("bob", "sshd"))
    side.call("Add", "sa{sv}a{sv}", "bus-cron", {"permit": ("as", ["login.cron"])}, {})
    side.grant("bob", "bus-cron")
    side.grant("bob", "self-service", member="Revoke")
    checks.same("Login: not without login.sshd", "service-not-permitted", side.may_log_in("bob", "sshd"))
    checks.same("Login: but with login.cron", "none", side.may_log_in("bob", "cron"))
    side.call("Set", "sa{sv}a{sv}", "bus-cron", {"permit": ("as", ["+login.sshd"])}, {})
    checks.same("Login: a role's change counts at once", "none", side.may_log_in("bob", "sshd"))
    side.grant("bob", "self-service")
    checks.check("Role: deleted with its grants", not side.call("Delete", "sba{sv}", "bus-cron", True, {}).error)
    checks.same("Login: then by what is left", [("self-service", "local", "")], list(side.states("bob")))


def run(umd, people, checks):
    side = Side(umd, people)
    with umd.peer() as root:
        root.call(ROOT + "/user/alice", "org.um1.User", "Update", "a{sv}a{sv}", {"email": ("s", "alice@example.com")}, {},
                  timeout=30)
    roles(side, checks)
    grants(side, checks)
    tenants(side, checks)
    commands(side, checks)
    logins(side, checks)
    owner(side, checks)
