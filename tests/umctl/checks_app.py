# SPDX-License-Identifier: LGPL-2.1-or-later
"""umctl app: what an application brings, from a file, and what roles and people make of it."""

import json
import pathlib

from harness import FAILED, NOT_FOUND, REFUSED, USAGE, bad, check, fresh, get, good, has, same


def permissions(area, *verbs):
    return [{"name": f"{area}.deal.{verb}", "category": "data", "meaning": f"{verb} deals", "reads": verb == "view"} for verb in verbs]


def file_of(content):
    path = pathlib.Path("/run", fresh("permissions") + ".json")
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@check
def an_application_is_registered_used_shown_and_unregistered():
    app, area, role, user = fresh("app"), fresh("area"), fresh("role"), fresh()
    has(good("app register", app, "--area", area, "--permissions", file_of(permissions(area, "view", "close")), "--reason", "new"),
        f"app {app}: registered (ch-")
    good("role add", role, "--permit", f"{area}.*")
    same(get("role show", role)["role"]["permissions"], [f"{area}.deal.view", f"{area}.deal.close"])
    good("user add", user)
    good("role grant", role, user)
    same(get("access why", user, f"{area}.deal.close")["answer"], "held")
    assert f"{area}.deal.view" in {row["permission"] for row in get("role effective", user)["paths"]}
    assert f"{area}.deal.view,data,yes,view deals" in good("role permissions", "--csv")
    shown = get("app show", app)["app"]
    same((shown["name"], shown["area"], shown["registered"], shown["version"]), (app, area, True, 1))
    same(shown["permissions"][1], {"name": f"{area}.deal.close", "category": "data", "reads": False, "given_up": False,
                                   "meaning": "close deals"})
    has(good("app show", app), f"area: {area}", f"{area}.deal.view   data      yes    no        view deals")
    assert [app, area, 2, True] in [[row[k] for k in ("name", "area", "permissions", "registered")] for row in get("app list")["apps"]]
    has(good("app list", "--csv"), "name,area,permissions,registered", f"{app},{area},2,yes")
    has(good("app register", app, "--area", area, "--permissions", file_of(permissions(area, "view")), "--dry-run"),
        f"app {app}: would be registered", f"{area}.deal.close: is nobody's; role {role} names it")
    has(good("app register", app, "--area", area, "--permissions", file_of(permissions(area, "view"))),
        f"{area}.deal.close: is nobody's; role {role} names it")
    has(bad(USAGE, "access why", user, f"{area}.deal.close"), "there is no such")
    same(get("role show", role)["role"]["permissions"], [f"{area}.deal.view"])
    told = get("app unregister", app, "--yes")
    same((told["app"], told["change"][:3], told["used"]),
         (app, "ch-", [{"permission": f"{area}.deal.{verb}", "role": role} for verb in ("view", "close")]))
    has(good("app show", app), "registered: no", f"{area}.deal.view   data      yes    yes")
    has(bad(FAILED, "app register", fresh("app"), "--area", area, "--permissions", file_of(permissions(area, "view"))),
        f"is {app}'s, which is not registered any more")
    good("role delete", role, "--force", "--yes")
    bad(NOT_FOUND, "app show", app)
    bad(NOT_FOUND, "app unregister", app, "--yes")


@check
def what_an_application_brings_may_come_from_standard_input():
    app = fresh("app")
    told = json.loads(good("app register", app, "--permissions", "-", "--json", stdin=json.dumps(permissions(app, "view"))))
    same((told["app"], told["used"]), (app, []))
    has(good("app register", app, "--permissions", "-", stdin=json.dumps(permissions(app, "view"))), "nothing to change")
    good("app unregister", app, "--yes")


@check
def what_is_wrong_in_the_file_is_named_with_its_place():
    app = fresh("app")
    one = permissions(app, "view")[0]
    for content, *said in (
            ('[{"name": "x",\n  "category" "data"}]', "line 2, column 19", "':' expected"),
            ("", "line 1, column 0"),
            ('[{"name": "x", "name": "y"}]', "line 1, column 21", "duplicate"),
            ("{}", "expected a list"),
            ("[1]", "permission 1: expected {...}"),
            ([one, {**one, "colour": "red"}], 'permission 2: "colour": is not known'),
            ([{**one, "reads": 1}], "permission 1: reads: must be true or false"),
            ([{**one, "meaning": 7}], "permission 1: meaning: must be a text"),
            ([{k: v for k, v in one.items() if k != "category"}], "permission 1: category: is missing"),
            ([{**one, "category": "red"}], "number 1: category: must be module, feature"),
            ([{**one, "name": app + ".*"}], "a permission has no *"),
            ([{**one, "name": "other.view"}], "other.view", "is not in the area"),
            ([], "has no permissions"),
            ([{**one, "name": f"{app}.p{i}", "meaning": "x" * 255} for i in range(250)], "permission 20", ": too much"),
            (" " * (256 << 10) + "[]", "more than 256 KiB")):
        has(bad(USAGE, "app register", app, "--permissions", file_of(content)), *said)
    has(bad(FAILED, "app register", app, "--permissions", "/run/no-such-file"), "No such file")
    has(bad(USAGE, "app register", app), "--permissions FILE is needed")
    has(bad(FAILED, "app register", app, "--area", "user", "--permissions", file_of([{**one, "name": "user.x"}])), "um's own")
    bad(NOT_FOUND, "app show", app)


@check
def applications_are_roots():
    user = fresh()
    good("user add", user)
    uid = get("user show", user)["user"]["uid"]
    for command in (("app list",), ("app show", "x"), ("app unregister", "x", "--yes")):
        has(bad(REFUSED, *command, uid=uid), "app.")
