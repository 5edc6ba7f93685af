# SPDX-License-Identifier: LGPL-2.1-or-later
"""umctl role, tenant and access: roles of one's own, who holds them, and why somebody may do something."""

import json
import re
import subprocess

from daemon import until
from harness import NOT_FOUND, REFUSED, ROOT, USAGE, bad, check, environment, fresh, get, good, has, same


def person():
    name = fresh()
    good("user add", name, "--email", f"{name}@roles.example")
    return name


def held(user):
    return {(row["role"], row["tenant"], row.get("over", "")): row["state"] for row in get("role grants", user)["grants"]}


@check
def a_role_is_made_changed_shown_and_deleted():
    name, copy, other = fresh("role"), fresh("role"), fresh("role")
    has(good("role add", other, "--permit", "asset.view"), f"role {other}: created (ch-")
    good("role add", name, "--description", "looks after", "--inherit", "self-service", "--permit", "audit.*", "--permit",
         "report.*", "--without", "audit.export", "--deny", "user.password.*", "--require", "email", "--conflicts", other,
         "--linux-group", "adm", "--kind", "person", "--one-tenant", "yes")
    role = get("role show", name)["role"]
    same((role["permit"], role["without"], role["deny"], role["require"], role["conflicts"], role["linux_groups"],
          role["kind"], role["one_tenant"], role["inherit"], role["description"], role["version"]),
         (["audit.*", "report.*"], ["audit.export"], ["user.password.*"], ["email"], [other], ["adm"], "person", True,
          ["self-service"], "looks after", 1))
    same([p for p in role["permissions"] if p.startswith("audit.")], ["audit.view"])
    same(role["denied"], ["user.password.reset"])
    has(good("role show", name), "description: looks after", "permit: audit.*,report.*")
    has(good("role set", name, "--permit=+user.view", "--permit=-report.*", "--description", "", "--inherit", "",
             "--without", "", "--deny", "", "--require", "", "--conflicts", "", "--linux-group", "", "--kind", "any",
             "--one-tenant", "no"), f"role {name}: changed (ch-")
    role = get("role show", name)["role"]
    same((role["permit"], role["inherit"], role["deny"], role["kind"]), (["audit.*", "user.view"], [], [], "any"))
    has(good("role set", name, "--kind", "any"), f"role {name}: nothing to change")
    good("role add", copy, "--clone", name)
    same(get("role show", copy)["role"]["permit"], ["audit.*", "user.view"])
    has(good("role add", fresh("role"), "--permit", "user.view", "--dry-run"), "would be created")
    names = [row["name"] for row in get("role list")["roles"]]
    same(names[:2], ["owner", "admin"])
    assert {name, copy} <= set(names), names
    has(good("role list", "--csv"), "name,inherit,built_in,description")
    for role in name, copy, other:
        good("role delete", role, "--yes")
    bad(NOT_FOUND, "role show", name)


@check
def what_is_wrong_with_a_role_is_said():
    has(bad(USAGE, "role add", fresh("role"), "--permit", "user.vew"), "user.vew", "user.view")
    has(bad(NOT_FOUND, "role add", fresh("role"), "--inherit", "norole"), "norole")
    has(bad(REFUSED, "role set", "viewer", "--permit", "user.edit"), "built in", "--clone viewer")
    bad(REFUSED, "role delete", "viewer", "--yes")
    bad(USAGE, "role add", fresh("role"), "--one-tenant", "maybe")
    bad(USAGE, "role add", fresh("role"), "--kind", "robot")


@check
def a_grant_is_given_for_a_time_shown_and_taken():
    user, role = person(), fresh("role")
    good("role add", role, "--permit", "user.unlock")
    has(good("role grant", role, user, "--for", "4h", "--reason", "INC-77"), f"role {role}: granted to {user} (ch-")
    same(held(user), {("self-service", "local", ""): "counts", (role, "local", ""): "counts"})
    row = get("role show", role)["role"]["holders"][0]
    same((row["user"], row["by"], row["reason"]), (user, "root", "INC-77"))
    has(good("role show", role), "INC-77", user)
    good("role grant", role, user, "--starting", "1h", "--until", "2h")
    same(held(user)[(role, "local", "")], "not-yet")
    good("role grant", role, user, "--over", "department=sales", "--tenant", "local")
    has(good("role grants", user, "--csv"), "department=sales")
    good("role revoke", role, user, "--over", "department=sales", "--tenant", "local")
    has(good("role revoke", role, user), f"role {role}: revoked from {user} (ch-")
    has(good("role revoke", role, user), "nothing to change")
    good("role grant", role, user)
    has(bad(REFUSED, "role delete", role, "--yes"), "--force")
    good("role delete", role, "--force", "--yes")
    same(held(user), {("self-service", "local", ""): "counts"})
    bad(USAGE, "role grant", "viewer", user, "--for", "1h", "--until", "2h")
    bad(USAGE, "role grant", "viewer", user, "--for", "soon")
    bad(NOT_FOUND, "role grant", "viewer", user, "--tenant", "nowhere")


@check
def conflicts_are_refused_with_the_way_and_excepted_for_a_time():
    user, payer, approver = person(), fresh("payer"), fresh("approver")
    good("role add", approver, "--permit", "request.approve")
    good("role add", payer, "--permit", "billing.view", "--conflicts", approver)
    good("role grant", approver, user)
    has(bad(REFUSED, "role grant", payer, user), payer, approver)
    bad(USAGE, "role grant", payer, user, "--allow-conflict")
    good("role grant", payer, user, "--allow-conflict", "--for", "1h", "--reason", "holidays")


@check
def who_holds_roles_that_conflict_is_reported():
    user, other, approver, payer, lead = person(), person(), fresh("approver"), fresh("payer"), fresh("lead")
    good("role add", approver, "--permit", "request.approve")
    good("role add", payer, "--permit", "billing.view")
    good("role add", lead, "--inherit", payer)
    for role in approver, lead:
        good("role grant", role, user)
    good("role grant", lead, other)
    good("role grant", approver, other, "--tenant", "local", "--for", "1h")
    mine = "--filter", f"name={user}"
    same(get("role conflicts", *mine)["users"], [])
    good("role set", payer, "--conflicts", approver)
    row, = get("role conflicts", *mine)["users"]
    same((row["user"], row["conflicts"]), (user, [f"{approver} at local and {lead} > {payer} at local"]))
    names = [r["user"] for r in get("report role-conflicts", "--sort", "user", "--columns", "user", "--limit", "100000")["users"]]
    assert user in names and other in names, names
    has(good("role conflicts", "--filter", f"name={other}", "--csv"), f"{other},", "until 20")
    for verb in "role conflicts", "report role-conflicts":
        good(verb, "--filter", f"name={user}", "--sort", "user", "--columns", "user,conflicts", "--limit", "1", "--csv")
    good("role revoke", approver, user)
    same(get("role conflicts", *mine)["users"], [])


@check
def why_somebody_may_is_told_and_what_he_may():
    user, role = person(), fresh("role")
    good("role add", role, "--inherit", "technician")
    why = get("access why", user, "user.unlock")
    same((why["answer"], why["paths"], why["tenant"]), ("missing", [], "local"))
    assert role in why["roles"] and "viewer" not in why["roles"], why
    good("role grant", role, user)
    why = get("access why", user, "user.unlock", "--tenant", "local")
    same((why["answer"], [(p["roles"], p["state"]) for p in why["paths"]], "roles" in why),
         ("held", [(f"{role} > technician", "counts")], False))
    has(good("access why", user, "user.unlock"), "answer: held", f"{role} > technician")
    has(bad(USAGE, "access why", user, "user.unlok"), "user.unlock")
    rows = get("role effective", user)["paths"]
    assert ("user.unlock", f"{role} > technician") in {(r["permission"], r["roles"]) for r in rows}
    has(good("role effective", user, "--tenant", "local", "--csv"), "user.unlock")


@check
def why_somebody_may_not_is_told_too():
    user, tenant, deny, soon, there = person(), fresh("tenant"), fresh("deny"), fresh("soon"), fresh("there")
    good("tenant add", tenant)
    for role in soon, there:
        good("role add", role, "--permit", "asset.edit", "--require", "email")
    good("role add", deny, "--deny", "asset.*")
    good("role grant", soon, user, "--starting", "1h")
    good("role grant", there, user, "--tenant", tenant)
    why = get("access why", user, "asset.edit")
    same((why["answer"], {(p["roles"], p["state"]) for p in why["paths"]}),
         ("missing", {(soon, "not-yet"), (there, "other-tenant")}))
    assert {soon, there} <= set(why["roles"]) and deny not in why["roles"], why
    good("role grant", soon, user)
    same(get("access why", user, "asset.edit")["answer"], "held")
    good("role grant", deny, user)
    why = get("access why", user, "asset.edit")
    same((why["answer"], [(p["roles"], p["denies"]) for p in why["paths"] if p["denies"]]), ("denied", [(deny, True)]))
    good("role revoke", deny, user)
    good("user lock", user)
    same(get("access why", user, "asset.edit")["answer"], "account")
    good("user unlock", user)
    good("user set", user, "--email", "")
    why = get("access why", user, "asset.edit")
    same((why["answer"], {(p["roles"], p["state"], p["attribute"]) for p in why["paths"] if p["roles"] == soon}),
         ("missing", {(soon, "needs-email", "")}))


@check
def a_dry_run_of_a_grant_shows_what_it_would_change():
    user, role = person(), fresh("role")
    good("role add", role, "--permit", "asset.view", "--permit", "self.key.edit", "--deny", "self.profile.edit")
    has(good("role grant", role, user, "--dry-run"), f"role {role}: would be granted to {user}", "gains: asset.view\n",
        "loses: self.profile.edit\n")
    told = get("role grant", role, user, "--dry-run")
    same((told["gains"], told["loses"], told["dry_run"]), (["asset.view"], ["self.profile.edit"], True))
    same(held(user), {("self-service", "local", ""): "counts"})


@check
def the_permissions_there_are():
    rows = get("role permissions")["permissions"]
    page = re.findall(r"^\| `([a-z.]+)` \| [a-z]+ \| (?:reads|changes) \|", (ROOT / "docs/roles.md").read_text(), re.M)
    same([row["name"] for row in rows], page)
    same({r["category"] for r in get("role permissions", "--category", "report")["permissions"]}, {"report"})
    has(good("role permissions", "--csv"), "user.password.reset,action,no,")
    bad(USAGE, "role permissions", "--category", "reports")


@check
def a_user_sees_his_own_and_no_more():
    user, other = person(), person()
    uid = get("user show", user)["user"]["uid"]
    same(json.loads(good("role grants", user, "--json", uid=uid))["grants"][0]["role"], "self-service")
    good("role effective", user, uid=uid)
    good("access why", user, "user.view", uid=uid)
    good("role permissions", uid=uid)
    for command in (("role grants", other), ("role effective", other), ("access why", other, "user.view"), ("role list",),
                    ("role show", "viewer"), ("role grant", "viewer", user)):
        bad(REFUSED, *command, uid=uid)
    row = json.loads(good("tenant list", "--json", uid=uid))["tenants"][0]
    same((row["name"], "seats" in row), ("local", False))


@check
def the_last_owner_stays():
    user = person()
    has(bad(REFUSED, "role grant", "owner", user, "--for", "1h"), "without an end")
    good("role grant", "owner", user)
    for command in (("user disable", user), ("user suspend", user), ("user delete", user, "--yes"),
                    ("user set", user, "--email", ""), ("role revoke", "owner", user)):
        has(bad(REFUSED, *command), "would be left without an owner")


@check
def changes_are_told_to_programs_too():
    role, tenant, user = fresh("role"), fresh("tenant"), person()
    for command in (("role add", role), ("role set", role, "--description", "x"), ("role grant", role, user),
                    ("role revoke", role, user), ("role delete", role, "--yes"), ("tenant add", tenant),
                    ("tenant set", tenant, "--title", "x"), ("tenant delete", tenant, "--yes"),
                    ("attribute add", tenant, "--type", "flag"), ("attribute set", tenant, "--description", "x"),
                    ("attribute delete", tenant, "--yes")):
        told = get(*command)
        same((told[command[0].split()[0]], told["change"][:3]), (command[1], "ch-"))


@check
def tenants_are_made_changed_and_deleted():
    name, user = fresh("tenant"), person()
    has(good("tenant add", name, "--title", "Acme Ltd", "--seats", "50", "--default-role", "member"),
        f"tenant {name}: created (ch-")
    tenant = get("tenant show", name)["tenant"]
    same((tenant["title"], tenant["seats"], tenant["default_role"], tenant["of_host"]), ("Acme Ltd", 50, "member", False))
    good("tenant set", name, "--title", "Acme", "--seats", "0", "--default-role", "self-service")
    has(good("tenant show", name), "title: Acme")
    assert {"local", name} <= {row["name"] for row in get("tenant list")["tenants"]}
    has(good("tenant list", "--csv"), "name,title,default_role,seats,used,of_host")
    good("role grant", "viewer", user, "--tenant", name)
    good("tenant delete", name, "--yes")
    assert ("viewer", name, "") not in held(user)
    bad(NOT_FOUND, "tenant show", name)
    bad(REFUSED, "tenant delete", "local", "--yes")
    bad(USAGE, "tenant set", "local", "--seats", "many")


@check
def who_holds_a_role_is_in_its_linux_groups():
    user, role, group = person(), fresh("role"), fresh("web")
    good("group add", group)
    has(bad(USAGE, "role add", role, "--linux-group", group + "x"), f"near: {group}")
    has(bad(REFUSED, "role add", role, "--linux-group", "root"), "root's own group")
    good("role add", role, "--linux-group", group, "--linux-group", "adm")
    has(good("role show", role), f"linux groups: {group},adm")
    good("role grant", role, user, "--for", "2s", "--reason", "INC-78", "--end-sessions")
    same(get("role show", role)["role"]["holders"][0]["end_sessions"], True)
    groups = subprocess.run(["id", "-nG", user], capture_output=True, text=True, env=environment(), check=True).stdout.split()
    same(sorted(groups), sorted([user, group, "adm"]))
    members = subprocess.run(["getent", "group", group], capture_output=True, text=True, env=environment(), check=True).stdout
    same(members.strip().split(":")[3], user)
    same(get("user show", user)["user"]["groups"], [group])
    until(lambda: subprocess.run(["id", "-nG", user], capture_output=True, text=True, env=environment(),
                                 check=True).stdout.split() == [user], 4)
    same(held(user)[(role, "local", "")], "expired")
    entry = get("audit log", "--user", user, "--limit", "1")["entries"][0]
    same((entry["verb"], entry["reason"]), ("role.end", "INC-78"))
    bad(USAGE, "role grant", role, user, "--end-sessions")
    has(bad(REFUSED, "group delete", group, "--yes"), f"the role {role} puts its holders into it")
    good("group delete", group, "--yes", "--force")
    has(good("role show", role), f"missing groups: {group}")
    good("role delete", role, "--yes", "--force")
