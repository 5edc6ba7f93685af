# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every method, property and interface of docs/api against what umd does: who may call it, on the private
socket and on the system bus, its types, and what introspection shows. The tables of the pages are the list,
so that a method nobody documented, or documented otherwise, fails here."""

import base64
import re
import xml.etree.ElementTree

import raw
from fixture import ERRORS, HERE, ROOT, until

API = HERE + "/../../docs/api/"
CALLERS = ("root", "alice", "bob", "olga", "outsider")
TYPES = re.compile(r"(?:a\([a-z]+\)|a?a?\{[a-z]+\}|\([a-z{}]+\)|a[a-z]|[a-z])(?= |$)")

# Who may, as the pages word it -> who does. alice is the user the call is about, olga owns the group.
WHO = {
    "root": {"root"},
    "right": {"root"}, # and who has the permission: roles.py
    "member": set(CALLERS) - {"outsider"},
    "self": {"root", "alice"},
    "oneself": {"alice"},
    "owner": {"root", "olga"},
    "everyone": set(CALLERS),
}

KEY = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(range(32))).decode()


class Method:
    def __init__(self, interface, name, secret, inputs, outputs, who, permissions, where):
        self.interface, self.name, self.secret, self.where = interface, name, secret, where
        self.inputs, self.out, self.who, self.permissions = inputs, outputs, who, permissions
        self.signature = "".join(t for t, _ in inputs)


def arguments(text):
    """[(type, name)] of "s name, a{sv} options (`reason` s, ...)"."""
    found, depth, part = [], 0, ""
    for c in text + ",":
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(c, 0)
        if c == "," and depth == 0:
            match = TYPES.match(part.strip())
            if match:
                rest = part.strip()[match.end():].split("(")[0].split()
                found.append((match.group(0), rest[0] if rest else ""))
            part = ""
        else:
            part += c
    return found


def documented():
    """The methods of the tables, and those of Login and Nss by their headings."""
    methods, interface = [], None
    with open(API + "org.um1.md", encoding="utf-8") as f:
        for line in f:
            if line.startswith("## "):
                match = re.search(r"org\.um1\.(Manager|User|Group|Audit|Policy|Role|Tenant|App|Attribute|Sudo)$", line.strip())
                interface = match.group(0) if match else None
            cells = [c.strip() for c in line.strip().strip("|").split(" | ")]
            if not interface or not line.startswith("|") or len(cells) < 6 or cells[0] in ("method", "---"):
                continue
            who = "self" if cells[3].startswith("self") else cells[3]
            names = cells[0].replace("°", "").split(",")
            permissions = [p.strip() for p in cells[4].split(",")]
            for at, name in enumerate(names): # "Lock, Unlock" have one each; else any of them
                own = permissions[at:at + 1] if len(permissions) == len(names) else permissions
                methods.append(Method(interface, name.strip(), "°" in cells[0], arguments(cells[1]),
                                      "".join(t for t, _ in arguments(cells[2])), who, own, cells[5]))
    return methods


def types(text):
    return "".join(t for t, _ in arguments(text))


def named_outside():
    """{interface: {method: (in, out)}} of the pages of Login (headings) and Nss (a table)."""
    found = {"org.um1.Login": {}, "org.um1.Nss": {}}
    with open(API + "org.um1.Login.md", encoding="utf-8") as f:
        for match in re.finditer(r"^### (\w+)\((.*?)\) → (.*)$", f.read(), re.M):
            outputs = match.group(3)
            if outputs.startswith("(") and not outputs.endswith(" step"):
                outputs = outputs[1:-1] # several; else one, which may be a struct
            found["org.um1.Login"][match.group(1)] = (types(match.group(2)), types(outputs))
    with open(API + "org.um1.Nss.md", encoding="utf-8") as f:
        last = ""
        for line in f:
            cells = [c.strip() for c in line.strip().strip("|").split(" | ")]
            if line.startswith("| Get"):
                last = last if cells[2] == "the same" else types(cells[2].split(":")[0])
                found["org.um1.Nss"][cells[0]] = (types(cells[1]), last)
    return found


def value(method, kind, name, people):
    """An argument that does no harm: changes are dry runs."""
    if name == "options":
        return {"dry-run": ("b", True)}
    if name == "filter" and kind == "a{sv}":
        return {"user": ("s", "alice")}
    if name == "name" and method.name == "GetUserByName":
        return "alice"
    if name == "name" and method.name == "GetGroupByName":
        return "devs"
    if method.interface == "org.um1.Policy" and name in ("name", "value"):
        return {"name": "password.min-length", "value": "16"}[name]
    if method.interface == "org.um1.Role" and name in ("name", "role"):
        return "newrole" if method.name == "Add" else "viewer"
    if method.interface == "org.um1.Sudo" and name == "name" and method.name == "Get":
        return "maintenance"
    if method.interface == "org.um1.Tenant" and name == "name" and method.name in ("Set", "List"):
        return "local"
    known = {"permission": "user.view", "user": "alice", "uid": people.uid["alice"], "gid": people.gid, "limit": 5, "secret": b"a long enough one",
             "name": "newname", "report": "mfa-coverage", "key": KEY}
    return known.get(name, {"s": "", "u": 1, "t": 0, "b": False, "ay": b"x", "as": [], "a{sv}": {}, "a(ssbs)": []}[kind])


def path_of(interface):
    return {"org.um1.User": ROOT + "/user/alice", "org.um1.Group": ROOT + "/group/devs"}.get(interface, ROOT)


def ask(connection, method, people):
    args = [value(method, kind, name, people) for kind, name in method.inputs]
    destination = "org.um1" if hasattr(connection, "name") else None
    return connection.call(path_of(method.interface), method.interface, method.name, method.signature, *args,
                           destination=destination, timeout=30)


def methods(umd, people, checks, via):
    for method in documented():
        wanted, got, texts = {}, {}, set()
        for caller in CALLERS:
            uid = people.uid[caller]
            with umd.peer(uid) if via == "socket" else umd.bus(uid) as connection:
                reply = ask(connection, method, people)
            got[caller] = {ERRORS + "AccessDenied": "denied",
                           ERRORS + "PrivateSocketOnly": "elsewhere"}.get(reply.error, "in")
            wanted[caller] = "in" if caller in WHO[method.who] else "denied"
            if method.secret and via == "bus":
                wanted[caller] = "elsewhere"
            if reply.error in (ERRORS + "Fault", ERRORS + "Unavailable") or (
                    reply.error and not reply.error.startswith(ERRORS)):
                texts.add(f"{caller}: {reply.error}: {reply.text}")
            if got[caller] == "denied" and not any(reply.text.endswith(" permission " + p)
                                                   for p in method.permissions):
                texts.add(f"the permission is not named: {reply.text}")
            if not reply.error and reply.signature != method.out:
                texts.add(f"answers {reply.signature}, documented {method.out}")
        title = f"{via}: {method.interface}.{method.name} is {method.who}'s"
        checks.check(title, wanted == got and not texts,
                     f"{[c for c in CALLERS if wanted[c] != got[c]]} {sorted(texts)}")


def properties(umd, people, checks, via):
    for interface, who in (("org.um1.User", "self"), ("org.um1.Group", "owner")):
        for member, signature, args in (("GetAll", "s", [interface]), ("Get", "ss", [interface, "Name"]),
                                        ("GetAll", "s", [""])):
            got = set()
            for caller in CALLERS:
                with umd.peer(people.uid[caller]) if via == "socket" else umd.bus(people.uid[caller]) as c:
                    reply = c.call(path_of(interface), raw.PROPERTIES, member, signature, *args,
                                   destination="org.um1" if via == "bus" else None)
                if not reply.error:
                    got.add(caller)
                elif reply.error != ERRORS + "AccessDenied":
                    got.add(f"{caller}: {reply.error}")
            checks.same(f"{via}: {interface} {member}({', '.join(args)}) is {who}'s", WHO[who], got)
        with umd.peer() as root:
            reply = root.call(path_of(interface), raw.PROPERTIES, "Set", "ssv", interface, "Name", ("s", "x"))
            checks.same(f"{interface}: properties are not set", "org.freedesktop.DBus.Error.PropertyReadOnly",
                        reply.error)
            reply = root.call(path_of(interface), raw.PROPERTIES, "Get", "ss", interface, "Nothing")
            checks.same(f"{interface}: unknown property", "org.freedesktop.DBus.Error.UnknownProperty",
                        reply.error)


def strangers_learn_nothing(umd, people, checks):
    """A stranger gets the same answer for who exists and who does not."""
    with umd.peer(people.uid["bob"]) as bob:
        for path in ("user", "group"):
            answers = set()
            for name in ("alice", "olga", "nobody_at_all", "devs", "x"):
                reply = bob.call(f"{ROOT}/{path}/{name}", raw.PROPERTIES, "GetAll", "s", "")
                answers.add((reply.error, reply.text))
                reply = bob.call(f"{ROOT}/{path}/{name}", "org.um1." + path.title(), "Delete",
                                 "a{sv}" if path == "user" else "ba{sv}", *([] if path == "user" else [False]), {})
                answers.add((reply.error, reply.text.replace("group.edit", "P").replace("user.delete", "P")))
            checks.check(f"a stranger asking about any {path} gets one answer",
                         {e for e, _ in answers} == {ERRORS + "AccessDenied"} and len(answers) == 2, answers)
        answers = {(r.error, r.text) for r in (
            bob.call(ROOT, "org.um1.Manager", "GetUserByName", "s", n) for n in ("alice", "nobody_at_all"))}
        checks.same("and by name", 1, len(answers))
    with umd.peer() as root:
        reply = root.call(ROOT + "/user/nobody_at_all", raw.PROPERTIES, "GetAll", "s", "")
        checks.same("root is told", ERRORS + "NoSuchUser", reply.error)
        reply = root.call(ROOT + "/user/alice_40example_2ecom", raw.PROPERTIES, "GetAll", "s", "")
        checks.same("an object is not reached by an address", ERRORS + "NoSuchUser", reply.error)


# ---- Login and Nss ----------------------------------------------------------------------------------

def login(umd, people, checks):
    def context(user):
        return {"operation": ("s", "authenticate"), "user": ("s", user), "service": ("s", "test")}

    for caller, user, allowed in (("root", "alice", True), ("alice", "alice", True), ("alice", "bob", False),
                                  ("outsider", "alice", False), ("outsider", "nobody_at_all", False),
                                  ("bob", "root", False), ("outsider", "root", False)):
        for member, signature, args in (("Begin", "a{sv}", [context(user)]),
                                        ("Authorize", "a{sv}s", [context(user), ""])):
            with umd.peer(people.uid[caller]) as peer:
                reply = peer.call(ROOT, "org.um1.Login", member, signature, *args, timeout=30)
            checks.same(f"Login.{member} by {caller} for {user}",
                        allowed, reply.error != ERRORS + "AccessDenied")
    for caller in CALLERS:
        with umd.peer(people.uid[caller]) as peer:
            reply = peer.call(ROOT, "org.um1.Login", "OpenSession", "a{sv}s", context("alice"), "", timeout=30)
            checks.same(f"Login.OpenSession by {caller}", caller == "root",
                        reply.error != ERRORS + "AccessDenied")
    with umd.peer(people.uid["root"], descriptors=False) as peer:
        reply = peer.call(ROOT, "org.um1.Login", "OpenSession", "a{sv}s", context("alice"), "")
        checks.same("OpenSession where no descriptor can go", ERRORS + "BadValue", reply.error)
    with umd.peer() as peer:
        for title, wrong in (("an unknown key", {**context("alice"), "uid": ("u", 0)}),
                             ("a key of another type", {**context("alice"), "tty": ("u", 0)}),
                             ("no user", {"operation": ("s", "authenticate"), "service": ("s", "test")})):
            reply = peer.call(ROOT, "org.um1.Login", "Begin", "a{sv}", wrong)
            checks.same(f"Begin with {title}", ERRORS + "BadValue", reply.error)


def nss(umd, people, checks):
    uid, gid = people.uid["alice"], people.gid
    calls = (("GetUserByName", "s", "alice", "alice"), ("GetUserByUID", "u", uid, "alice"),
             ("GetGroupByName", "s", "devs", "devs"), ("GetGroupByGID", "u", gid, "devs"),
             ("GetGroupByName", "s", "alice", "alice"), ("GetGroupByGID", "u", uid, "alice"))
    for member, signature, arg, name in calls:
        for caller in ("root", "bob", "outsider"):
            with umd.peer(people.uid[caller]) as peer:
                reply = peer.call(ROOT, "org.um1.Nss", member, signature, arg)
            checks.check(f"Nss.{member}({arg}) by {caller}", not reply.error and reply.args[0] == name,
                         f"{reply.error} {reply.args}")
    with umd.peer(people.uid["outsider"]) as peer:
        reply = peer.call(ROOT, "org.um1.Nss", "GetUserByName", "s", "alice")
        checks.same("Nss: a passwd entry", ["alice", uid, uid, "Alice Example", "/home/alice", "/bin/bash"],
                    reply.args)
        reply = peer.call(ROOT, "org.um1.Nss", "GetGroupsOfUser", "s", "alice")
        checks.same("Nss: groups, the private one first", [[uid]], reply.args)
        for member, signature, arg, error in (
                ("GetUserByName", "s", "nobody_at_all", "NoSuchUser"), ("GetUserByUID", "u", 0, "NoSuchUser"),
                ("GetUserByName", "s", "", "NoSuchUser"), ("GetUserByUID", "u", 0xffffffff, "NoSuchUser"),
                ("GetGroupByName", "s", "nobody_at_all", "NoSuchGroup"), ("GetGroupByGID", "u", 0, "NoSuchGroup"),
                ("GetGroupsOfUser", "s", "nobody_at_all", "NoSuchUser"),
                ("GetUserByName", "s", "alice@example.com", "NoSuchUser")):
            reply = peer.call(ROOT, "org.um1.Nss", member, signature, arg)
            checks.same(f"Nss.{member}({arg!r})", ERRORS + error, reply.error)


def local_uid_is_nobody(umd, people, checks):
    """A uid that stands in /etc/passwd as well is that one's: who runs with it is not um's user."""
    def calls():
        """Errors of what alice may do of herself, and olga of her group, on both ways in."""
        errors = []
        for who, path, interface in (("alice", "user/alice", "org.um1.User"), ("olga", "group/devs", "org.um1.Group")):
            for peer in (umd.peer(people.uid[who]), umd.bus(people.uid[who])):
                with peer:
                    errors.append(peer.call(f"{ROOT}/{path}", raw.PROPERTIES, "GetAll", "s", interface,
                                            destination="org.um1").error)
        with umd.peer(people.uid["alice"]) as peer:
            errors.append(peer.call(ROOT, "org.um1.Login", "Authorize", "a{sv}s",
                                    {"user": ("s", "alice"), "service": ("s", "xlock")}, "").error)
        return set(errors)

    checks.same("while their uids are um's alone, alice and olga may", {None}, calls())
    with open(umd.dir + "/etc/passwd", "r+", encoding="ascii") as f:
        before = f.read()
        f.write("".join(f"local{people.uid[name]}:x:{people.uid[name]}:100::/:/bin/sh\n" for name in ("alice", "olga")))
    checks.check("with a local user of the uid, nobody may who runs with it",
                 until(lambda: calls() == {ERRORS + "AccessDenied"}), calls())
    with open(umd.dir + "/etc/passwd", "w", encoding="ascii") as f:
        f.write(before)
    checks.check("and without him they may again", until(lambda: calls() == {None}), calls())


def nss_leaves_local_names_out(umd, checks):
    def lookup(member, name):
        with umd.peer() as peer:
            return peer.call(ROOT, "org.um1.Nss", member, "s", name)

    with umd.peer() as root:
        root.call(ROOT, "org.um1.Manager", "CreateUser", "sa{sv}a{sv}", "hugo", {}, {}, timeout=30)
        root.call(ROOT + "/group/devs", "org.um1.Group", "AddMembers", "asasa{sv}", ["bob", "hugo"], [], {},
                  timeout=30)
    checks.same("Nss: a group's members", ["bob", "hugo"], lookup("GetGroupByName", "devs").args[2])
    with open(umd.dir + "/etc/passwd", "r+", encoding="ascii") as f:
        kept = f.read()
        f.write("hugo:x:999:999::/:/bin/sh\n")
    checks.check("Nss: who is in /etc/passwd too is not there", until(
        lambda: lookup("GetUserByName", "hugo").error == ERRORS + "NoSuchUser"))
    checks.same("Nss: nor his private group", ERRORS + "NoSuchGroup", lookup("GetGroupByName", "hugo").error)
    checks.same("Nss: nor is he a member", ["bob"], lookup("GetGroupByName", "devs").args[2])
    with open(umd.dir + "/etc/passwd", "w", encoding="ascii") as f:
        f.write(kept)
    checks.check("Nss: and he is back with the line gone", until(lambda: not lookup("GetUserByName", "hugo").error))
    with umd.peer() as root:
        root.call(ROOT + "/group/devs", "org.um1.Group", "RemoveMembers", "asasa{sv}", ["bob", "hugo"], [], {},
                  timeout=30)


def lists(umd, checks):
    """Rows have the properties' names, written as fields are; pages end."""
    def field(name):
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()

    with umd.peer() as root:
        for member, interface in (("ListUsers", "org.um1.User"), ("ListGroups", "org.um1.Group")):
            names, cursor, rows = root.call(path_of(interface), raw.PROPERTIES, "GetAll", "s", interface), "", []
            for _ in range(100):
                reply = root.call(ROOT, "org.um1.Manager", member, "ssu", "", cursor, 2, timeout=30)
                if not checks.check(f"{member} gives a page", not reply.error and len(reply.args[0]) <= 2,
                                    reply.text):
                    return
                rows += reply.args[0]
                cursor = reply.args[1]
                if not cursor:
                    break
            checks.same(f"{member}: rows have the properties",
                        [{field(n) for n in names.args[0]}] * len(rows), [set(row) for row in rows])
            found = [row["name"] for row in rows]
            checks.check(f"{member}: each once, by name", found == sorted(set(found)) and found, found)
            for limit in (0, 1001):
                reply = root.call(ROOT, "org.um1.Manager", member, "ssu", "", "", limit)
                checks.same(f"{member}: limit {limit}", ERRORS + "BadValue", reply.error)


# ---- policy values ----------------------------------------------------------------------------------

def policy(umd, people, checks):
    """Set, shown with where it comes from, listed by pages, unset; what is refused names why."""
    def call(caller, member, signature, *args):
        with umd.peer(people.uid[caller]) as peer:
            return peer.call(ROOT, "org.um1.Policy", member, signature, *args, timeout=30)

    def effective(caller, user, name):
        reply = call(caller, "GetEffective", "ss", user, name)
        return reply.args[0] if not reply.error else reply.error

    checks.check("Policy: a user sees all of his own values",
                 len(effective("alice", "alice", "")) > 15 and len(effective("alice", "alice@example.com", "")) > 15)
    for title, caller, user in (("another's", "bob", "alice"), ("the company's", "alice", ""),
                                ("his, if um does not know him", "outsider", "outsider")):
        checks.same(f"Policy: a user does not see {title}", ERRORS + "AccessDenied", effective(caller, user, ""))
    reply = call("root", "Set", "ssa{sv}", "lockout.window", "1200s", {"reason": ("s", "policy matrix")})
    checks.check("Policy: Set answers what is kept, and the change", reply.args and reply.args[0] == "20m"
                 and re.fullmatch(r"ch-[0-9]+", reply.args[1]), reply.args or reply.text)
    reply = call("root", "Set", "ssa{sv}", "lockout.window", "20m", {})
    checks.same("Policy: the same again is no change", ["20m", ""], reply.args)
    reply = call("root", "SetForUser", "sssa{sv}", "alice", "lockout.window", "10m", {})
    checks.check("Policy: SetForUser", not reply.error, reply.text)
    checks.same("Policy: what is in effect, and why", [{
        "name": "lockout.window", "value": "10m", "level": "user", "from": "alice", "looser": True, "list": False,
        "expected": "1s to 1y; one number and one unit of s, m, h, d, w, y", "words": [],
        "overrode": [("company", "local", "20m"), ("built-in", "", "15m")]}], effective("alice", "alice", "lockout.window"))
    checks.same("Policy: and for the company", ("20m", "company", "local", False), tuple(
        effective("root", "", "lockout.window")[0][k] for k in ("value", "level", "from", "looser")))
    found, cursor = [], ""
    for _ in range(10):
        rows, cursor = call("root", "List", "su", cursor, 1).args
        found += [(row["level"], row["from"], row["name"], row["value"], row["by"]) for row in rows]
        if not cursor:
            break
    checks.same("Policy: List by pages", [("company", "local", "lockout.window", "20m", "root"),
                                          ("user", "alice", "lockout.window", "10m", "root")], found)
    with umd.peer() as root:
        entry = root.call(ROOT, "org.um1.Audit", "List", "a{sv}tu", {"verb": ("s", "policy.set")}, 0, 10).args[0][-1]
    checks.same("Policy: the audit entry", ("tenant/local", "policy matrix", [("lockout.window", "", "20m")]),
                (entry["object"], entry["reason"], [tuple(v) for v in entry["values"]]))
    for title, error, member, signature, args in (
            ("no value", "BadValue", "Set", "ssa{sv}", ("lockout.windows", "1h", {})),
            ("out of range", "BadValue", "Set", "ssa{sv}", ("lockout.window", "0", {})),
            ("nobody", "NoSuchUser", "SetForUser", "sssa{sv}", ("nobody_at_all", "lockout.window", "1h", {})),
            ("nobody's", "NoSuchUser", "UnsetForUser", "ssa{sv}", ("nobody_at_all", "lockout.window", {})),
            ("a user who is not named", "NoSuchUser", "SetForUser", "sssa{sv}", ("", "lockout.window", "1h", {})),
            ("a version", "BadValue", "Unset", "sa{sv}", ("lockout.window", {"version": ("t", 1)})),
            ("no option", "BadValue", "Unset", "sa{sv}", ("lockout.window", {"level": ("s", "user")})),
            ("no cursor", "BadValue", "List", "su", ("x", 10)), ("no limit", "BadValue", "List", "su", ("", 0))):
        checks.same(f"Policy.{member}: {title}", ERRORS + error, call("root", member, signature, *args).error)
    for member, signature, args in (("UnsetForUser", "ssa{sv}", ("alice", "lockout.window", {})),
                                    ("Unset", "sa{sv}", ("lockout.window", {}))):
        checks.check(f"Policy: {member}", call("root", member, signature, *args).args[0].startswith("ch-"))
        checks.same(f"Policy: {member} again is no change", [""], call("root", member, signature, *args).args)
    checks.same("Policy: then it is the built-in one", ("15m", "built-in", []), tuple(
        effective("alice", "alice", "lockout.window")[0][k] for k in ("value", "level", "overrode")))


# ---- introspection ----------------------------------------------------------------------------------

def shown(connection, path, destination=None):
    reply = connection.call(path, "org.freedesktop.DBus.Introspectable", "Introspect", destination=destination)
    found = {}
    for interface in xml.etree.ElementTree.fromstring(reply.args[0].partition("]>")[2] or reply.args[0][
            reply.args[0].index("<node"):]).iter("interface"):
        for method in interface.iter("method"):
            args = method.findall("arg")
            found.setdefault(interface.get("name"), {})[method.get("name")] = (
                "".join(a.get("type") for a in args if a.get("direction") == "in"),
                "".join(a.get("type") for a in args if a.get("direction") == "out"),
                all(a.get("name") for a in args))
    return found


def introspection(umd, checks):
    with umd.peer() as root, umd.bus() as bus:
        private, public = {}, {}
        for path in (ROOT, ROOT + "/user/alice", ROOT + "/group/devs"):
            private.update(shown(root, path))
            public.update(shown(bus, path, "org.um1"))
    pages = {}
    for method in documented():
        pages.setdefault(method.interface, {})[method.name] = (method.signature, method.out)
    ours = {i: {m: v[:2] for m, v in methods_.items()} for i, methods_ in private.items()
            if i.startswith("org.um1.")}
    pages.update(named_outside())
    for interface in sorted(set(pages) | set(ours)):
        checks.same(f"{interface}: what is shown is what is documented", pages.get(interface), ours.get(interface))
    checks.check("every argument has a name", all(v[2] for i in ours for v in private[i].values()))
    checks.same("on the system bus: all but Login and Nss",
                {i for i in ours if i not in ("org.um1.Login", "org.um1.Nss")},
                {i for i in public if i.startswith("org.um1.")})


def run(umd, people, checks):
    for via in ("socket", "bus"):
        methods(umd, people, checks, via)
        properties(umd, people, checks, via)
    strangers_learn_nothing(umd, people, checks)
    login(umd, people, checks)
    nss(umd, people, checks)
    nss_leaves_local_names_out(umd, checks)
    local_uid_is_nobody(umd, people, checks)
    lists(umd, checks)
    policy(umd, people, checks)
    introspection(umd, checks)
