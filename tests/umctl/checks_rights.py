# SPDX-License-Identifier: LGPL-2.1-or-later
"""umctl for people with roles: whoever has the right is served as root is, and others are told which permission is
missing, with exit 3."""

import json

from harness import NOT_FOUND, REFUSED, bad, check, fresh, get, good, has, same


def person(*roles):
    name = fresh()
    good("user add", name, "--email", f"{name}@rights.example", "--phone", "+49 30 5550100")
    for role in roles:
        good("role grant", role, name)
    return name, get("user show", name)["user"]["uid"]


@check
def a_technician_helps_a_member_and_no_admin():
    (_, tech), (bob, _), (ann, _) = person("technician"), person("member"), person("admin")
    has(good("user list", uid=tech), bob, ann)
    has(good("user show", bob, uid=tech), "+49 30 5550100", "password")
    has(good("user passwd", bob, "--setup-code", uid=tech), bob)
    good("user lock", bob)
    has(good("user unlock", bob, uid=tech), "was locked")
    for command in (("user passwd", ann, "--setup-code"), ("user unlock", ann)):
        good("user lock", ann)
        has(bad(REFUSED, *command, uid=tech), f"{ann}: may do more than you: user.create")
        good("user unlock", ann)
    for missing, command in (("user.lock", ("user lock", bob)), ("user.edit", ("user set", bob, "--title", "x")),
                             ("user.create", ("user add", fresh())), ("role.grant", ("role grant", "viewer", bob)),
                             ("policy.edit", ("policy set", "password.min-length", "15")),
                             ("tenant.create", ("tenant add", fresh())), ("group.edit", ("group add", fresh())),
                             ("user.factor.reset", ("user 2fa", "reset", bob, "--yes"))):
        same(bad(REFUSED, *command, uid=tech), f"this needs the permission {missing}")
    has(bad(NOT_FOUND, "user show", "nobody-at-all", uid=tech), "no such user")
    for command in (("group list",), ("role list",), ("role show", "viewer"), ("role grants", bob), ("role effective", bob),
                    ("access why", bob, "user.view"), ("policy show", "--user", bob), ("policy list",), ("audit log",),
                    ("tenant list",), ("tenant show", "local"), ("report mfa-coverage",), ("user 2fa", "list", bob)):
        good(*command, uid=tech)


@check
def what_is_private_is_left_out():
    (_, viewer), (bob, _) = person("viewer"), person("member")
    text = good("user show", bob, uid=viewer)
    has(text, bob, "password")
    assert "+49" not in text and "factors" not in text, text
    row = json.loads(good("user show", bob, "--json", uid=viewer))["user"]
    assert not {"phone", "failures", "last_failure", "factors"} & set(row), row
    good("user list", "--csv", uid=viewer)
    same(bad(REFUSED, "user 2fa", "list", bob, uid=viewer), "this needs the permission user.view.private")
    has(good("status", uid=viewer), "users")


@check
def an_admin_is_served_as_root_is():
    name, ann = person()
    good("role grant", "admin", name, "--tenant", "all")  # roles are of all tenants, and other checks made some
    bob, group, role = fresh(), fresh("g"), fresh("r")
    good("user add", bob, "--email", f"{bob}@rights.example", uid=ann)
    good("user set", bob, "--email", f"{bob}@elsewhere.example", "--department", "sales", uid=ann)
    good("group add", group, "--owner", bob, uid=ann)
    good("group add-member", group, bob, uid=ann)
    good("role add", role, "--permit", "user.view", uid=ann)
    good("role grant", role, bob, "--for", "1h", "--over", f"group={group}", "--reason", "INC-1", uid=ann)
    good("role grant", "technician", bob, uid=ann)  # who has sudo.maintenance, which is ann's to define
    has(bad(REFUSED, "role grant", "owner", bob, uid=ann), "gives more than you have")
    good("policy set", "lockout.window", "10m", "--user", bob, uid=ann)
    good("policy unset", "lockout.window", "--user", bob, uid=ann)
    for command in (("user lock", bob), ("user unlock", bob), ("user suspend", bob, "--until", "1h"), ("user resume", bob),
                    ("user disable", bob), ("user enable", bob)):
        good(*command, uid=ann, warns=True)
    good("role delete", role, "--force", "--yes", uid=ann)
    good("group delete", group, "--yes", uid=ann)
    good("user delete", bob, "--yes", uid=ann)
    good("user restore", bob, uid=ann)
