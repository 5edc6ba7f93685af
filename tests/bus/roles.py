# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every method with every built-in role (catalogue 82): held in the host's tenant, in another one and in all; on a
plain member, an owner, somebody who is an administrator elsewhere, one who holds a role in all, and oneself. What
is expected is reckoned here, from the roles and permissions as FEATURES M.2 and M.3 have them, written out below,
and from the columns of docs/api/org.um1.md; nothing of it is asked of umd."""

import raw
from fixture import ERRORS, ROOT, until
from matrix import documented, path_of, value

FOREVER = 18446744073709551615

# ---- FEATURES M.3 and M.2 ---------------------------------------------------------------------------

PERMISSIONS = """
user.view user.view.private user.create user.edit user.identity.edit user.attribute.set user.lock user.unlock
user.suspend user.disable user.delete user.purge user.password.reset user.factor.reset user.invite user.import
user.export group.view group.edit group.member.set role.view role.edit role.grant role.revoke
role.conflict.override role.sudo.edit rule.view rule.edit rule.test rule.calendar.edit policy.view policy.edit
policy.user.set session.view session.terminate session.message session.record.view device.view device.approve
device.block device.edit request.create request.view request.approve review.view review.run audit.view
audit.export report.view report.export report.compliance tenant.view tenant.create tenant.edit tenant.delete
host.view host.enrol host.edit host.maintain config.view config.edit config.backup config.integration.edit
config.sync.apply config.log.view billing.view billing.edit usage.view usage.edit asset.view asset.create
asset.edit asset.delete asset.assign asset.report.export app.view app.register app.policy.edit notice.send
lockdown.run breakglass.seal breakglass.use event.read self.profile.edit self.password.change self.factor.edit
self.key.edit self.session.end self.activity.view
""".split()
# login.* and sudo.* stand for all services and command groups; maintenance is the group that a role names.
OTHERS = ["login.*", "sudo.*", "sudo.all", "sudo.maintenance"]

ROLES = { # inherits, permits, without
    "owner": ([], "* sudo.all", ""),
    "admin": ([], "*", "billing.* usage.edit tenant.delete"),
    "tenant-admin": ([], "*", "billing.* usage.edit tenant.create tenant.delete config.* host.enrol breakglass.* "
                     "app.register event.read"),
    "security": (["viewer"], "user.view.private user.edit user.lock user.unlock user.suspend user.disable "
                 "user.password.reset user.factor.reset rule.* policy.* session.* device.* request.approve review.* "
                 "audit.* report.* lockdown.run notice.send app.policy.edit", ""),
    "compliance": (["viewer"], "user.view.private user.edit rule.edit rule.test policy.edit review.* audit.* report.* "
                   "app.policy.edit", ""),
    "it-admin": (["technician"], "user.* group.* role.grant role.revoke role.sudo.edit rule.* policy.* session.* "
                 "device.* request.* report.* host.* config.* asset.* app.* notice.send", "user.purge"),
    "governance": (["viewer"], "user.view.private user.edit review.* audit.view report.*", ""),
    "developer": (["self-service"], "user.view user.edit group.view role.view rule.view rule.test policy.view app.* "
                  "report.view host.view asset.view", ""),
    "technician": (["member", "viewer"], "user.view.private user.unlock user.password.reset session.terminate "
                   "session.message device.approve device.block request.approve rule.test audit.view host.edit "
                   "host.maintain asset.edit asset.assign config.log.view sudo.maintenance", ""),
    "member": (["self-service"], "user.view group.view host.view report.view asset.view asset.create", ""),
    "viewer": (["self-service"], "*.view", "audit.view billing.view"),
    "self-service": ([], "self.* request.create login.*", ""),
    "integration": ([], "user.view group.view host.view event.read", ""),
}


def covered(pattern):
    """The permissions of a pattern (M.4.2)."""
    names = PERMISSIONS + OTHERS
    if pattern == "*":
        return {n for n in names if not n.startswith("sudo.")}
    if pattern in ("sudo.all", "sudo.*"):
        return {n for n in names if n.startswith("sudo.")}
    if pattern.endswith(".*"):
        return {n for n in names if n.startswith(pattern[:-1])}
    if pattern.startswith("*."):
        return {n for n in PERMISSIONS if n.count(".") == 1 and n.endswith(pattern[1:]) and not n.startswith("self.")}
    return {pattern}


def rights_of(role):
    inherits, permits, without = ROLES[role]
    found = set().union(*(rights_of(r) for r in inherits), *(covered(p) for p in permits.split()))
    return found - set().union(*(covered(p) for p in without.split()))


RIGHTS = {role: rights_of(role) for role in ROLES}
TENANTS = ("acme", "local")
HOST = "local"


# ---- people -----------------------------------------------------------------------------------------

class Person:
    """Grants are (role, tenant); people are created with one, services with none."""
    def __init__(self, name, uid, grants, home=HOST, service=False):
        self.name, self.uid, self.home = name, uid, home
        self.grants = ([] if service else [("self-service", home)]) + grants
        self.may = {t: set().union(*(RIGHTS.get(r, set()) for r, at in self.grants if at in (t, "all"))) for t in TENANTS}
        self.may_all = set().union(*(RIGHTS.get(r, set()) for r, at in self.grants if at == "all"))

    def somewhere(self, permission):
        return any(permission in self.may[t] for t in TENANTS)

    def everywhere(self, permission):
        return all(permission in self.may[t] for t in TENANTS)

    def is_in(self, tenant):
        return bool(self.may[tenant])

    def is_owner(self):
        return any(r == "owner" for r, _ in self.grants)

    def sees(self, other):
        places = {other.home} | {t for _, t in other.grants if t != "all"}
        return self.uid == other.uid or any("user.view" in self.may[t] for t in places)

    def beyond(self, wanted, mine):
        """What is wanted and not his (D8); a command group by its name is his who edits them."""
        return {p for p in wanted - mine if not (p == "sudo.maintenance" and "role.sudo.edit" in mine)}

    def covers(self, other, tenant):
        if tenant == "all":
            return self.covers_account(other)
        return self.uid == other.uid or not self.beyond(other.may[tenant], self.may[tenant])

    def covers_account(self, other):
        return self.uid == other.uid or not (any(self.beyond(other.may[t], self.may[t]) for t in TENANTS)
                                             or self.beyond(other.may_all, self.may_all))

    def gives(self, role, tenant):
        return not self.beyond(RIGHTS[role], self.may_all if tenant == "all" else self.may[tenant])


DENIED, USER, GROUP, TENANT, PROTECTED, IN = "AccessDenied", "NoSuchUser", "NoSuchGroup", "NoSuchTenant", "Protected", "in"
TOLD = {ERRORS + e for e in (DENIED, USER, GROUP, TENANT, PROTECTED)}


def outcome(reply):
    """What a right decides; other errors come after it. No fault is one of them."""
    if reply.error in TOLD:
        return reply.error[len(ERRORS):]
    if reply.error and (not reply.error.startswith(ERRORS) or reply.error[len(ERRORS):] in ("Busy", "Fault", "Unavailable")):
        return f"{reply.error}: {reply.text}"
    return IN


# ---- what is expected -------------------------------------------------------------------------------

def at(actor, permission, tenant):
    """In that tenant, or in all."""
    if tenant == "all":
        return IN if actor.everywhere(permission) else DENIED
    if not actor.is_in(tenant):
        return TENANT
    return IN if permission in actor.may[tenant] else DENIED


ABOVE = {"Suspend", "Resume", "Disable", "Enable", "Delete", "Restore"} # an owner's are his own and root's (D9)
READS = {"ListFactors", "ListKeys", "GetEffective"} # nothing is done to the account


def on_user(actor, method, permission, target):
    own = next((p for p in method.permissions if p.startswith("self.")), None)
    mine = actor.uid == target.uid and (not own or actor.somewhere(own))
    if method.who == "oneself":
        return IN if mine else DENIED
    if method.who == "self" and mine:
        return IN
    if not actor.somewhere(permission):
        return DENIED
    if not actor.sees(target):
        return USER
    if method.where == "seen":
        return IN
    if permission not in actor.may[target.home]:
        return DENIED
    if method.name in READS:
        return IN
    if method.name.endswith("ForUser") and (actor.uid == target.uid or target.is_owner()):
        return PROTECTED # nobody sets his own values
    if actor.uid == target.uid:
        return IN
    if method.name in ABOVE and target.is_owner():
        return PROTECTED
    return IN if actor.covers_account(target) else PROTECTED


def on_group(actor, permission):
    if not actor.somewhere(permission):
        return DENIED
    if "group.view" not in actor.may[HOST]:
        return GROUP
    return IN if permission in actor.may[HOST] else DENIED


def on_whole(actor, method, permission):
    if method.who == "everyone":
        return IN
    if method.who == "member": # Tenant.List of the host's
        return IN if actor.is_in(HOST) else TENANT
    if method.where == "–" or not actor.somewhere(permission):
        return DENIED
    if method.where == "host":
        return IN if permission in actor.may[HOST] else DENIED
    if method.where == "every":
        above = method.name.endswith("ForRole") and not actor.everywhere("user.view") # which is what low gives
        return DENIED if not actor.everywhere(permission) else PROTECTED if above else IN
    if method.name.startswith("CreateUser"): # whose home is the host's; who makes one has all that he is granted
        wanted = at(actor, permission, HOST)
        return PROTECTED if wanted == IN and not actor.gives("self-service", HOST) else wanted
    if method.where == "tenant":
        return at(actor, permission, HOST)
    return {"some": IN}[method.where]


# ---- asking -----------------------------------------------------------------------------------------

class Round:
    """One caller's calls of all methods; what was not as expected is gathered."""
    def __init__(self, umd, people, actor):
        self.umd, self.people, self.actor = umd, people, actor
        self.asked, self.wrong = 0, []
        self.peer = umd.peer(actor.uid)

    def expect(self, wanted, title, path, interface, member, signature, *args):
        got = outcome(self.peer.call(path, interface, member, signature, *args, timeout=30))
        self.asked += 1
        if got != wanted:
            self.wrong.append(f"{title}: {got}, not {wanted}")

    def generic(self, method, target, wanted):
        given = {"until": FOREVER, "tenant": HOST if method.where == "tenant" else "",
                 "role": "low" if method.interface == "org.um1.Policy" else "viewer"}
        args = [target.name if name in ("user", "name") and method.where in ("user", "seen", "user, host") and at_ == 0
                else target.uid if name == "uid" and method.where == "seen" else given[name] if name in given else value(method, kind, name, self.people)
                for at_, (kind, name) in enumerate(method.inputs)]
        path = f"{ROOT}/user/{target.name}" if method.interface == "org.um1.User" else path_of(method.interface)
        self.expect(wanted, f"{method.interface}.{method.name} of {target.name}", path, method.interface, method.name,
                    method.signature, *args)


DRY = {"dry-run": ("b", True)}


def grants(round_, actor, target):
    for tenant in (*TENANTS, "all"):
        for member, permission in (("Grant", "role.grant"), ("Revoke", "role.revoke")):
            held = [r for r, t in target.grants if t == tenant]
            for role in ("viewer", "owner") if member == "Grant" else held[-1:]:
                if not actor.somewhere(permission):
                    wanted = DENIED
                elif not actor.sees(target):
                    wanted = USER
                else:
                    wanted = at(actor, permission, tenant)
                if wanted == IN and member == "Grant" and (role, tenant) not in target.grants and (actor.uid == target.uid or not actor.gives(role, tenant)
                                                           or target.is_owner() or not actor.covers(target, tenant)):
                    wanted = PROTECTED
                if wanted == IN and member == "Revoke" and actor.uid != target.uid and (
                        target.is_owner() or not actor.gives(role, tenant) or not actor.covers(target, tenant)):
                    wanted = PROTECTED
                times = {"until": ("t", FOREVER - 1)} if member == "Grant" and role != "owner" else {}
                round_.expect(wanted, f"{member} {role} at {tenant}, {target.name}", ROOT, "org.um1.Role", member,
                              "ssa{sv}a{sv}", target.name, role, {"tenant": ("s", tenant), **times}, DRY)


def ways(round_, actor, target):
    """Where a right comes from, in a tenant."""
    for tenant in TENANTS:
        if actor.uid == target.uid:
            wanted = IN if actor.is_in(tenant) else TENANT
        elif not actor.somewhere("role.view"):
            wanted = DENIED
        elif not actor.sees(target):
            wanted = USER
        else:
            wanted = at(actor, "role.view", tenant)
        round_.expect(wanted, f"Why at {tenant}, {target.name}", ROOT, "org.um1.Role", "Why", "sss", target.name,
                      "user.view", tenant)
        round_.expect(wanted, f"GetEffective at {tenant}, {target.name}", ROOT, "org.um1.Role", "GetEffective", "ss",
                      target.name, tenant)


def fields(round_, actor, target):
    """Which permission Update needs depends on the fields."""
    me = actor.uid == target.uid
    for field, needed in (("phone", ["user.edit"]), ("department", ["user.edit"]), ("full_name", ["user.edit"]),
                          ("email", ["user.edit", "user.identity.edit"]), ("shell", ["user.edit", "user.identity.edit"])):
        if me and field == "phone" and actor.somewhere("self.profile.edit"):
            wanted = IN
        elif not me and (not actor.somewhere("user.edit") or not actor.sees(target)):
            wanted = USER if actor.somewhere("user.edit") else DENIED
        elif not all(p in actor.may[target.home] for p in needed):
            wanted = DENIED
        elif me and field == "department":
            wanted = PROTECTED # rights and policy values may go by it: that is others' to say
        else:
            wanted = IN if actor.covers_account(target) else PROTECTED
        text = {"shell": "/bin/sh", "email": "new@example.org"}.get(field, "1")
        round_.expect(wanted, f"Update {field} of {target.name}", f"{ROOT}/user/{target.name}", "org.um1.User", "Update",
                      "a{sv}a{sv}", {field: ("s", text)}, DRY)


def properties(round_, actor, target):
    path = f"{ROOT}/user/{target.name}"
    private = actor.uid == target.uid or "user.view.private" in actor.may[target.home]
    seen = IN if actor.sees(target) else USER if actor.somewhere("user.view") else DENIED
    round_.expect(seen, f"Name of {target.name}", path, raw.PROPERTIES, "Get", "ss", "org.um1.User", "Name")
    round_.expect(DENIED if seen == IN and not private else seen, f"Phone of {target.name}", path, raw.PROPERTIES, "Get",
                  "ss", "org.um1.User", "Phone")
    reply = round_.peer.call(path, raw.PROPERTIES, "GetAll", "s", "org.um1.User")
    if not reply.error and ("Phone" in reply.args[0]) != private:
        round_.wrong.append(f"GetAll of {target.name}: Phone is {'' if private else 'not '}to be among it")


def whole(round_, actor, others):
    """What is about no user; and what lists leave out."""
    for member, tenant, more, wanted_of in (
            ("Set", "acme", {}, "tenant.edit"), ("Set", "local", {}, "tenant.edit"),
            ("Set", "local", {"seats": ("u", 5)}, "billing.edit"), ("Delete", "acme", None, "tenant.delete"),
            ("Set", "nobodys", {}, "tenant.edit")):
        first = "tenant.edit" if member == "Set" else "tenant.delete"
        if not actor.somewhere(first):
            wanted = DENIED
        elif tenant not in TENANTS:
            wanted = TENANT
        else:
            wanted = at(actor, first, tenant)
            if wanted == IN:
                wanted = at(actor, wanted_of, tenant)
        args = [tenant, DRY] if more is None else [tenant, {"title": ("s", "x"), **more}, DRY]
        round_.expect(wanted, f"Tenant.{member} {tenant} {more}", ROOT, "org.um1.Tenant", member,
                      "sa{sv}" if more is None else "sa{sv}a{sv}", *args)
    for member, role, needs in (("Set", "low", "user.view"), ("Set", "high", "billing.edit"), ("Delete", "low", "user.view")):
        if not actor.everywhere("role.edit"):
            wanted = DENIED
        else:
            wanted = IN if actor.everywhere(needs) else PROTECTED
        args = ("sba{sv}", role, False, DRY) if member == "Delete" else (
            "sa{sv}a{sv}", role, {"description": ("s", "x")}, DRY)
        round_.expect(wanted, f"Role.{member} {role}", ROOT, "org.um1.Role", member, *args)
    round_.expect(IN, "his own log", ROOT, "org.um1.Audit", "List", "a{sv}tu", {"user": ("s", actor.name)}, 0, 5)
    round_.expect(IN if actor.somewhere("audit.view") else DENIED, "the log", ROOT, "org.um1.Audit", "List", "a{sv}tu", {}, 0, 5)
    reply = round_.peer.call(ROOT, "org.um1.Manager", "ListUsers", "ssu", "", "", 1000, timeout=30)
    rows = {} if reply.error else {row["name"]: row for row in reply.args[0]}
    for other in others:
        if (other.name in rows) != (actor.somewhere("user.view") and actor.sees(other)):
            round_.wrong.append(f"ListUsers: {other.name}")
        elif other.name in rows and ("phone" in rows[other.name]) != (
                other.uid == actor.uid or "user.view.private" in actor.may[other.home]):
            round_.wrong.append(f"ListUsers: the phone of {other.name}")
    reply = round_.peer.call(ROOT, "org.um1.Tenant", "List", "s", "")
    if reply.error or {(row["name"], "default_role" in row) for row in reply.args[0]} != {
            (t, "tenant.view" in actor.may[t]) for t in TENANTS if actor.is_in(t)}:
        round_.wrong.append(f"Tenant.List: {reply.args if not reply.error else reply.text}")
    for tenant in TENANTS:
        reply = round_.peer.call(ROOT, "org.um1.Manager", "ListPermissions", "s", tenant)
        if actor.is_in(tenant):
            if reply.error or set(reply.args[0]) != actor.may[tenant]:
                round_.wrong.append(f"ListPermissions {tenant}: {reply.args if not reply.error else reply.text}")
        elif reply.error != ERRORS + TENANT:
            round_.wrong.append(f"ListPermissions {tenant}: {reply.error}")


BY_HAND = {("org.um1.Role", "Grant"), ("org.um1.Role", "Revoke"), ("org.um1.Role", "Why"), ("org.um1.Role", "GetEffective"),
           ("org.um1.Role", "Set"), ("org.um1.Role", "Delete"), ("org.um1.Tenant", "Set"), ("org.um1.Tenant", "Delete"),
           ("org.um1.Audit", "List")}


def ask(umd, people, actor, targets, table, others):
    round_ = Round(umd, people, actor)
    with round_.peer:
        for method, permission in table:
            if (method.interface, method.name) in BY_HAND:
                continue
            if method.where in ("user", "seen", "user, host") or method.who == "oneself":
                for target in targets:
                    round_.generic(method, target, on_user(actor, method, permission, target))
            elif method.where == "group":
                round_.generic(method, actor, on_group(actor, permission))
            else:
                round_.generic(method, actor, on_whole(actor, method, permission))
        for target in targets:
            grants(round_, actor, target)
            ways(round_, actor, target)
            fields(round_, actor, target)
            properties(round_, actor, target)
        whole(round_, actor, others)
    return round_


# ---- the stories ------------------------------------------------------------------------------------

class Store:
    """What root makes."""
    def __init__(self, umd):
        self.umd, self.people = umd, {}

    def root(self, path, interface, member, signature, *args):
        with self.umd.peer() as root:
            reply = root.call(path, interface, member, signature, *args, timeout=30)
        if reply.error:
            raise RuntimeError(f"{member} {args}: {reply.error}: {reply.text}")
        return reply.args

    def person(self, name, *granted, **given):
        fields_ = {"email": ("s", name + "@example.org"), "phone": ("s", "+49 30 5550100"), **given}
        home = given.get("tenant", ("s", HOST))[1]
        uid = self.root(ROOT, "org.um1.Manager", "CreateUser", "sa{sv}a{sv}", name, fields_, {})[1]
        for role, tenant, *over in granted:
            more = {"over": ("s", over[0])} if over else {}
            self.root(ROOT, "org.um1.Role", "Grant", "ssa{sv}a{sv}", name, role, {"tenant": ("s", tenant), **more}, {})
        self.people[name] = Person(name, uid, [(r, t) for r, t, *over in granted if not over], home,
                                   "kind" in given)
        return self.people[name]


def built_in(store, checks):
    """The roles are those of M.2."""
    for role, permitted in RIGHTS.items():
        shown = store.root(ROOT, "org.um1.Role", "Get", "s", role)[0]["permissions"]
        wanted = permitted - ({"sudo.maintenance"} if "sudo.maintenance" not in shown else set())
        checks.same(f"82 {role} has what M.2 says", sorted(wanted), sorted(shown))


def every_role(umd, store, people, checks):
    table = [(m, next((p for p in reversed(m.permissions) if p != "–"), "")) for m in documented()]
    targets = [store.person("plain", ("member", "local")), store.person("boss", ("owner", "local")),
               store.person("both", ("admin", "acme")), store.person("wide", ("member", "all")),
               store.person("far", ("member", "acme"), tenant=("s", "acme"))]
    for role in ROLES:
        kind = {"kind": ("s", "service")} if role == "integration" else {}
        for tenant in (*TENANTS, "all"):
            if role == "tenant-admin" and tenant == "all":
                continue
            # three of each: nobody may write as much as all of this at once
            name = role.replace("-", "") + tenant
            actors = [store.person(f"{name}{i}", (role, tenant), **kind) for i in range(3)]
            asked, wrong = 0, []
            for i, actor in enumerate(actors):
                some = [*targets, actor][2 * i:2 * i + 2]
                done = ask(umd, people, actor, some, table, [*targets, *actors])
                asked += done.asked
                wrong += done.wrong
            checks.check(f"82 {role} in {tenant}: {asked} calls, each as it should be", not wrong, "; ".join(wrong[:12]))


def no_account_no_right(umd, store, checks):
    """Who may not come in any more, has nothing: whatever the roles are."""
    person = store.person("gone", ("owner", "local"))
    path = f"{ROOT}/user/gone"
    for step, back, signature, args in (("Lock", "Unlock", "a{sv}", [{}]), ("Suspend", "Resume", "ta{sv}", [FOREVER, {}]),
                                        ("Disable", "Enable", "a{sv}", [{}])):
        store.root(path, "org.um1.User", step, signature, *args)
        with umd.peer(person.uid) as peer:
            errors = {peer.call(ROOT, "org.um1.Manager", "ListUsers", "ssu", "", "", 5).error,
                      peer.call(f"{ROOT}/user/plain", "org.um1.User", "Lock", "a{sv}", DRY).error,
                      peer.call(path, "org.um1.User", "Update", "a{sv}a{sv}", {"phone": ("s", "1")}, DRY).error}
            checks.same(f"after {step} an owner has no rights", {ERRORS + DENIED}, errors)
            checks.same(f"and reads what is his, after {step}", None,
                        peer.call(path, raw.PROPERTIES, "Get", "ss", "org.um1.User", "Name").error)
        store.root(path, "org.um1.User", back, "a{sv}", {})
    with umd.peer(person.uid) as peer:
        checks.same("then he has them again", None, peer.call(ROOT, "org.um1.Manager", "ListUsers", "ssu", "", "", 5).error)


def within_a_scope(umd, store, checks):
    """eve is a technician over sales (FEATURES D7)."""
    sales, it = (store.person(n, ("member", "local", "department=" + d), department=("s", d))
                 for n, d in (("sam", "sales"), ("ida", "it")))
    eve = store.person("eve", ("technician", "local", "department=sales"))
    with umd.peer(eve.uid) as peer:
        def reset(name):
            return peer.call(f"{ROOT}/user/{name}", "org.um1.User", "CreateSetupCode", "a{sv}", DRY, timeout=30)
        checks.same("D7: she resets whom her grant is over", None, reset(sales.name).error)
        reply = reset(it.name)
        checks.same("D7: and nobody else", (ERRORS + DENIED, "this needs the permission user.password.reset: your "
                                            "user.password.reset is over department=sales"), (reply.error, reply.text))
        checks.same("D7: who is not there is not there", ERRORS + USER, reset("nobody_at_all").error)
        rows = peer.call(ROOT, "org.um1.Manager", "ListUsers", "ssu", "", "", 1000).args[0]
        checks.same("D7: her list has no others", ["eve", "sam"], [row["name"] for row in rows])
        reply = peer.call(ROOT, "org.um1.Policy", "List", "su", "", 10)
        checks.same("D7: what is the company's is not hers", ([], ""), (reply.args[0], reply.args[1]))
    store.root(ROOT, "org.um1.Manager", "CreateGroup", "sa{sv}a{sv}", "crew", {}, {})
    lead = store.person("lead", ("it-admin", "local", "group=crew"), ("member", "local"))
    store.root(f"{ROOT}/group/crew", "org.um1.Group", "Update", "a{sv}a{sv}", {"owners": ("as", ["lead"])}, {})
    with umd.peer(lead.uid) as peer:
        crew, args = f"{ROOT}/group/crew", ("asasa{sv}", ["ida"], [], {})
        checks.same("nobody brings others under himself", ERRORS + PROTECTED,
                    peer.call(crew, "org.um1.Group", "AddMembers", *args).error)
        reply = peer.call(f"{ROOT}/user/ida", "org.um1.User", "Lock", "a{sv}", DRY)
        checks.same("so ida is not his to lock", (ERRORS + DENIED, "this needs the permission user.lock: your user.lock is "
                                                  "over group=crew"), (reply.error, reply.text))
        store.root(crew, "org.um1.Group", "AddMembers", *args)
        checks.same("when she is brought in, she is", None,
                    peer.call(f"{ROOT}/user/ida", "org.um1.User", "Lock", "a{sv}", DRY).error)


def nobody_is_told(umd, store, checks):
    """One who is not seen is answered as one who is not there (FEATURES D6)."""
    store.root(ROOT, "org.um1.Tenant", "Add", "sa{sv}a{sv}", "globex", {}, {})
    clerk = store.person("clerk", ("it-admin", "acme"))
    with umd.peer(clerk.uid) as peer:
        for path, interface, member, signature, args in (
                ("user/plain", "org.um1.User", "Lock", "a{sv}", [{}]), ("user/plain", raw.PROPERTIES, "GetAll", "s", [""]),
                ("group/devs", "org.um1.Group", "Delete", "ba{sv}", [True, {}]),
                ("", "org.um1.Manager", "GetUserByName", "s", ["plain"]),
                ("", "org.um1.Role", "ListGrants", "s", ["plain"]),
                ("", "org.um1.Role", "Why", "sss", ["plain", "user.view", "acme"]),
                ("", "org.um1.Policy", "GetEffective", "ss", ["plain", ""])):
            answers = set()
            for name in ("plain", "devs", "nobody_at_all"):
                where = ROOT + ("/" + path.split("/")[0] + "/" + name if path else "")
                reply = peer.call(where, interface, member, signature, *[name if a == "plain" else a for a in args])
                if name in (path + " ".join(map(str, args))) or name == "nobody_at_all":
                    answers.add((reply.error, reply.text.replace(name, "X")))
            checks.check(f"D6: {interface}.{member}: who is not seen is not there", len(answers) == 1 and
                         next(iter(answers))[0] in (ERRORS + USER, ERRORS + GROUP), answers)
        answers = {(r.error, r.text.replace(t, "X")) for t, r in (
            (t, peer.call(ROOT, "org.um1.Tenant", "List", "s", t)) for t in ("globex", "nobodys"))}
        checks.same("D6: nor a tenant he has no right in", {(ERRORS + TENANT, "X: no such tenant")}, answers)
    with umd.peer(store.people["plain"].uid) as peer:
        reply = peer.call(f"{ROOT}/user/both", "org.um1.User", "Unlock", "a{sv}", DRY)
        checks.same("a member has no right to unlock", ERRORS + DENIED, reply.error)
    help_desk = store.person("desk", ("technician", "local"))
    with umd.peer(help_desk.uid) as peer:
        reply = peer.call(f"{ROOT}/user/both", "org.um1.User", "Unlock", "a{sv}", DRY)
        checks.same("D8: who is an admin elsewhere is above a technician, who is not told where",
                    (ERRORS + PROTECTED, "both: may do more than you, where you have no right"), (reply.error, reply.text))


def an_auditor(umd, store, checks):
    """Reads all and changes nothing."""
    store.root(ROOT, "org.um1.Role", "Add", "sa{sv}a{sv}", "auditor", {"inherit": ("as", ["viewer"]),
                                                                       "permit": ("as", ["audit.view"])}, {})
    ada, half = store.person("ada", ("auditor", "all")), store.person("half", ("auditor", "acme"))
    changed = []
    change = store.root(f"{ROOT}/user/plain", "org.um1.User", "Update", "a{sv}a{sv}", {"title": ("s", "Clerk")}, {})[0]
    # what these two are asked goes by what they are to do
    given = {"Undo": {"change": change}, "Batch": {"verb": "user.lock", "users": ["plain"]}}
    with umd.peer(ada.uid) as peer, umd.peer() as root:
        for method in documented():
            if "options" not in [n for _, n in method.inputs]:
                continue
            path = f"{ROOT}/user/plain" if method.interface == "org.um1.User" else path_of(method.interface)
            args = [given.get(method.name, {}).get(n, value(method, k, n, store)) for k, n in method.inputs]
            reply = peer.call(path, method.interface, method.name, method.signature, *args, timeout=30)
            if reply.error not in (ERRORS + DENIED, ERRORS + PROTECTED):
                changed.append(f"{method.interface}.{method.name}: {reply.error}")
        checks.same("an auditor changes nothing", [], changed)
        for interface, member, signature, args in (
                ("Manager", "ListUsers", "ssu", ["", "", 1000]), ("Manager", "ListGroups", "ssu", ["", "", 1000]),
                ("Role", "List", "su", ["", 1000]), ("Role", "ListHolders", "ssu", ["member", "", 1000]),
                ("Policy", "List", "su", ["", 1000]), ("Tenant", "List", "s", [""]),
                ("Manager", "Report", "sssu", ["mfa-coverage", "", "", 1000])):
            both = [p.call(ROOT, "org.um1." + interface, member, signature, *args, timeout=30) for p in (peer, root)]
            names = [[row.get("name", row.get("user")) for row in reply.args[0]] if not reply.error else reply.text
                     for reply in both]
            checks.same(f"an auditor reads all of {interface}.{member}", names[1], names[0])
        both = [p.call(ROOT, "org.um1.Audit", "List", "a{sv}tu", {"type": ("s", "change")}, 0, 1000).args[0] for p in (peer, root)]
        checks.same("an auditor reads all of the log", [e["seq"] for e in both[1]], [e["seq"] for e in both[0]])
        checks.same("and verifies it", None, peer.call(ROOT, "org.um1.Audit", "Verify", "t", 0, timeout=30).error)
    with umd.peer(half.uid) as peer:
        rows = peer.call(ROOT, "org.um1.Audit", "List", "a{sv}tu", {}, 0, 1000, timeout=30).args[0]
        checks.same("one of a tenant reads what is of it, and of himself", {"tenant/acme", "user/far", "user/half"},
                    {row["object"] for row in rows})
        checks.same("and verifies nothing", ERRORS + DENIED, peer.call(ROOT, "org.um1.Audit", "Verify", "t", 0).error)


def by_the_bus(umd, store, checks):
    """The same on the system bus, by the uid the bus tells."""
    checks.check("umd owns org.um1 on the system bus", until(umd.owns_name))
    for name, member, wanted in (("boss", "Lock", IN), ("plain", "Lock", DENIED), ("both", "Unlock", USER)):
        with umd.bus(store.people[name].uid) as bus:
            reply = bus.call(f"{ROOT}/user/wide", "org.um1.User", member, "a{sv}", DRY, destination="org.um1", timeout=30)
            checks.same(f"by the system bus: {member} by {name}", wanted if name != "boss" else PROTECTED, outcome(reply))
            reply = bus.call(f"{ROOT}/user/plain", "org.um1.User", member, "a{sv}", DRY, destination="org.um1", timeout=30)
            checks.same(f"by the system bus: {member} of plain by {name}", wanted, outcome(reply))
            reply = bus.call(f"{ROOT}/user/plain", "org.um1.User", "CreateSetupCode", "a{sv}", DRY, destination="org.um1")
            checks.same(f"by the system bus: no secret for {name}", ERRORS + "PrivateSocketOnly", reply.error)


def strangers(umd, checks):
    """Uids that are nobody's, the highest ones, and nobody's own (catalogue 82)."""
    got = set()
    for uid in (4242, 65534, 0x7fffffff, 0x80000000, 0xfffffffe):
        with umd.peer(uid) as peer:
            for path, interface, member, signature, args in (
                    (f"{ROOT}/user/plain", "org.um1.User", "Lock", "a{sv}", [{}]), (ROOT, "org.um1.Tenant", "List", "s", [""]),
                    (ROOT, "org.um1.Manager", "ListUsers", "ssu", ["", "", 5]), (ROOT, "org.um1.Role", "Get", "s", ["owner"])):
                got.add(peer.call(path, interface, member, signature, *args).error)
            reply = peer.call(ROOT, "org.um1.Manager", "ListPermissions", "s", "")
            got.add(reply.error or str(reply.args[0]))
    checks.same("82 who is none of um's has no right", {ERRORS + DENIED, "[]"}, got)


def run(umd, people, checks):
    store = Store(umd)
    store.uid, store.gid = people.uid, people.gid
    store.root(ROOT, "org.um1.Tenant", "Add", "sa{sv}a{sv}", "acme", {}, {})
    for role, permitted in (("low", "user.view"), ("high", "billing.edit")):
        store.root(ROOT, "org.um1.Role", "Add", "sa{sv}a{sv}", role, {"permit": ("as", [permitted])}, {})
    built_in(store, checks)
    every_role(umd, store, people, checks)
    no_account_no_right(umd, store, checks)
    within_a_scope(umd, store, checks)
    nobody_is_told(umd, store, checks)
    an_auditor(umd, store, checks)
    by_the_bus(umd, store, checks)
    strangers(umd, checks)
