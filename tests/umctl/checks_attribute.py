# SPDX-License-Identifier: LGPL-2.1-or-later
"""umctl attribute, and --attr of users: what is defined, given, shown, found, over and taken away."""

import time

from harness import FAILED, NOT_FOUND, REFUSED, USAGE, bad, check, fresh, get, good, has, same


def attributes(name):
    return {one["name"]: one for one in get("user show", name)["user"].get("attributes", [])}


def found(*terms):
    return [row["name"] for row in get("user list", "--filter", ",".join(terms))["users"]]


@check
def an_attribute_is_defined_changed_shown_and_deleted():
    name = fresh("cert")
    has(good("attribute add", name, "--type", "choice", "--choices", "eu,us", "--description", "where", "--private"),
        f"attribute {name}: created (ch-")
    row = get("attribute show", name)["attribute"]
    same([row[key] for key in ("name", "type", "choices", "description", "private", "version")],
         [name, "choice", ["eu", "us"], "where", True, 1])
    has(good("attribute set", name, "--choices", "eu,us,asia", "--description", "", "--private", "no"), "changed (ch-")
    same((get("attribute show", name)["attribute"]["choices"], get("attribute show", name)["attribute"]["private"]),
         (["eu", "us", "asia"], False))
    has(good("attribute show", name), "choices: eu,us,asia")
    assert name in [row["name"] for row in get("attribute list")["attributes"]]
    has(good("attribute list", "--csv"), "name,type,choices,private,description", f"{name},choice")
    has(bad(FAILED, "attribute add", name, "--type", "flag"), name)
    has(bad(USAGE, "attribute add", fresh("cert"), "--type", "flags"), "flags", "flag, text, number, date or choice")
    bad(USAGE, "attribute add", fresh("cert"))
    bad(USAGE, "attribute add", "Not.A.Name", "--type", "flag")
    has(bad(USAGE, "attribute add", fresh("cert"), "--type", "flag", "--choices", "a"), "choices")
    bad(USAGE, "attribute set", name, "--private", "maybe")
    has(good("attribute delete", name, "--yes"), f"attribute {name}: deleted (ch-")
    for verb in "show", "set", "delete":
        has(bad(NOT_FOUND, "attribute " + verb, name, *(["--yes"] if verb == "delete" else [])), "no such attribute")


@check
def a_user_is_given_attributes_of_each_type():
    types = {kind: fresh(kind) for kind in ("flag", "text", "number", "date", "choice")}
    for kind, name in types.items():
        good("attribute add", name, "--type", kind, *(["--choices", "eu,us"] if kind == "choice" else []),
             *(["--private"] if kind == "number" else []))
    user = fresh()
    good("user add", user, "--attr", types["flag"] + "=yes", "--attr-until", "2099-03-01", "--full-name", "Al Ice")
    good("user set", user, "--attr", types["text"] + "=a = b, c", "--attr", types["number"] + "=+007",
         "--attr", types["date"] + "=2027-03-01", "--attr", types["choice"] + "=eu")
    have = attributes(user)
    same({kind: have[name]["value"] for kind, name in types.items()},
         {"flag": "yes", "text": "a = b, c", "number": "7", "date": "2027-03-01", "choice": "eu"})
    same([have[types[kind]].get("private", False) for kind in ("flag", "number")], [False, True])
    same((have[types["text"]]["until"], isinstance(have[types["flag"]]["until"], int)), ("never", True))
    has(good("user show", user), types["flag"] + "=yes until 2099-03-01", types["choice"] + "=eu")
    for kind, wrong, expected in (("flag", "true", "must be yes or no"), ("number", "many", "must be a whole number"),
                                  ("date", "2027-02-30", "must be a date"), ("choice", "asia", "must be one of eu, us")):
        has(bad(USAGE, "user set", user, "--attr", f"{types[kind]}={wrong}"), f"attr.{types[kind]}", f"is a {kind}: {expected}")
    has(bad(USAGE, "user set", user, "--attr", "none.such=yes"), "none.such", "no such attribute")
    bad(USAGE, "user set", user, "--attr", types["flag"])
    bad(USAGE, "user set", user, "--attr", types["flag"] + "=yes", "--attr", types["flag"] + "=no")
    bad(USAGE, "user set", user, "--attr", types["flag"] + "=yes", "--attr-until", "2020-01-01")
    bad(USAGE, "user set", user, "--attr", types["flag"] + "=yes", "--attr-until", "someday")
    bad(USAGE, "user set", user, "--attr-until", "2099-01-01")
    same(attributes(user), have)
    for condition in (f"attr.{types['flag']}=yes", f"attr.{types['number']}>6", f"attr.{types['number']}<08",
                      f"attr.{types['date']}>2027-01-01", f"attr.{types['text']}~a*", f"attr.{types['choice']}!=us"):
        same(found(condition, f"name={user}"), [user])
    for condition in (f"attr.{types['flag']}=no", f"attr.{types['number']}>7", f"attr.{types['choice']}=us"):
        same(found(condition, f"name={user}"), [])
    has(bad(USAGE, "user list", "--filter", f"attr.{types['flag']}=maybe"), "must be yes or no")
    has(bad(USAGE, "user list", "--filter", f"attr.{types['flag']}>no"), "operator")
    bad(USAGE, "user list", "--filter", "attr.none.such=yes")
    has(good("user list", "--filter", f"name={user}", "--columns", "name,attributes", "--csv"), types["choice"] + "=eu")
    good("user set", user, "--attr", types["flag"] + "=", "--attr", types["text"] + "=")
    same(sorted(attributes(user)), sorted(types[kind] for kind in ("number", "date", "choice")))
    has(bad(REFUSED, "attribute set", types["choice"], "--choices", "us"), user)
    has(bad(REFUSED, "attribute delete", types["choice"], "--yes"), user, "--force")
    good("attribute delete", types["choice"], "--force", "--yes")
    same(sorted(attributes(user)), sorted(types[kind] for kind in ("number", "date")))


@check
def an_attribute_that_is_over_is_shown_and_counts_for_nothing():
    name, user, role = fresh("cert"), fresh(), fresh("role")
    good("attribute add", name, "--type", "flag")
    good("user add", user, "--email", f"{user}@attr.example")
    good("role add", role, "--permit", "asset.view", "--require", f"attr:{name}")
    has(bad(REFUSED, "role grant", role, user), f"has not the attribute {name}")
    good("user set", user, "--attr", f"{name}=no")
    bad(REFUSED, "role grant", role, user)
    good("user set", user, "--attr", f"{name}=yes", "--attr-until", "1s")
    good("role grant", role, user)
    same(get("user show", user)["user"]["roles"], [role, "self-service"] if role < "self-service" else ["self-service", role])
    has(bad(REFUSED, "attribute delete", name, "--force", "--yes"), role)
    deadline = time.monotonic() + 5
    while found(f"attr.{name}=yes") and time.monotonic() < deadline:
        time.sleep(0.05)
    same(found(f"attr.{name}=yes"), [])
    same(get("user show", user)["user"]["roles"], ["self-service"])
    has(good("role grants", user), "needs-attribute", name)
    has(good("user show", user), f"{name}=yes (expired)")
    same(attributes(user)[name]["expired"], True)
    bad(NOT_FOUND, "user set", fresh(), "--attr", f"{name}=yes")


@check
def a_role_follows_a_condition():
    region, role, user, other = fresh("region"), fresh("role"), fresh(), fresh()
    good("attribute add", region, "--type", "choice", "--choices", "eu,us")
    for name in user, other:
        good("user add", name, "--email", f"{name}@auto.example", "--department", role)
    good("user set", user, "--attr", f"{region}=eu")
    condition = f"department={role},attr.{region}=eu"
    good("role add", role, "--permit", "asset.view", "--auto", f"department={role}")
    has(good("role show", role), f"auto: department={role}\n", user, other)
    text = good("role set", role, "--auto", condition, "--dry-run")
    has(text, "would be changed", f"user {other}: would lose it")
    assert user not in text, text
    same(get("role set", role, "--auto", condition, "--dry-run")["loses"], [other])
    same(get("user show", other)["user"]["roles"], sorted([role, "self-service"]))
    good("role set", role, "--auto", condition)
    same([(row["user"], row["auto"], row["state"]) for row in get("role show", role)["role"]["holders"]],
         [(user, condition, "counts")])
    same([row["role"] for row in get("role grants", other)["grants"]], ["self-service"])
    has(bad(REFUSED, "role revoke", role, user), condition)
    same(found(f"role={role}"), [user])
    has(bad(USAGE, "role set", role, "--auto", "department=x,colour=red"), "column 14")
    has(bad(USAGE, "role set", role, "--auto", f"attr.{region}=asia"), "must be one of eu, us")
    has(bad(REFUSED, "attribute delete", region, "--force", "--yes"), role)
    good("user set", user, "--attr", f"{region}=us")
    same(get("user show", user)["user"]["roles"], ["self-service"])
    has(bad(REFUSED, "role delete", role, "--yes"), "--force")
    good("role delete", role, "--force", "--yes")
