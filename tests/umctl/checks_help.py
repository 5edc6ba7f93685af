# SPDX-License-Identifier: LGPL-2.1-or-later
"""Help, versions, usage: what umctl says about itself, and to who calls it wrongly."""

import re

from harness import DONE, USAGE, bad, check, ctl, good, has, same


def overview():
    """(command, arguments) of each verb, and the options that stand everywhere."""
    text = good("help")
    verbs, everywhere = text.split("\neverywhere:\n")
    commands = re.findall(r"^  ([a-z]+(?: [a-z-]+)?)((?: [\[A-Z].*?)?)  +\S", verbs, re.M)
    return commands, re.findall(r"^  --([a-z-]+)", everywhere, re.M)


def options(command):
    """(option, whether it takes a value) of a verb's own."""
    own = good("help " + command).split("\neverywhere:\n")[0].split("\noptions:\n")
    if len(own) == 1:
        return []
    return [(name, bool(value)) for name, value in re.findall(r"^  --([a-z-]+)( [A-Z]\S*)?", own[1], re.M)]


@check
def the_overview_names_every_verb_and_every_exit_status():
    commands, everywhere = overview()
    names = [command for command, _ in commands]
    same(len(names), len(set(names)))
    for verb in "add show list set passwd lock unlock suspend resume disable enable delete restore".split():
        assert "user " + verb in names, names
    for name in "group add-member", "policy set", "policy unset", "policy show", "policy list", "self passwd", "audit log", "audit verify", "status", "doctor", "help":
        assert name in names, names
    same(everywhere, ["json", "no-legend", "dry-run", "reason", "yes", "socket", "help", "version"])
    has(good("help"), "exit: 0 done, 1 failed, 2 usage, 3 refused, 4 not found, 5 umd not reachable")


@check
def every_verb_explains_itself():
    for command, arguments in overview()[0]:
        text = good("help " + command)
        has(text, f"usage: umctl {command} [OPTION...]{arguments}\n", "\neverywhere:\n")
        if command != "help":
            has(text, f"\nexample:\n  umctl {command}")
        same(good(command, "--help"), text)
        for line in text.splitlines():
            assert len(line) <= 110, line


@check
def a_noun_shows_its_verbs():
    text = good("help user")
    has(text, "user add NAME", "user restore NAME")
    assert "group" not in text.replace("group=", ""), text


@check
def h_is_help_too_and_of_what_stands_there():
    same(good("", "-h"), good("help"))
    for command in "user", "user add", "status":
        same(good(command, "-h"), good("help " + command))
        same(good(command, "--help"), good("help " + command))


@check
def an_unknown_option_leads_to_the_help():
    has(bad(USAGE, "user add", "a", "--colour", "red"), '--colour: no such option; see "umctl help user add"')
    has(bad(USAGE, "status", "-x"), '-x: no such option; see "umctl help status"')
    has(ctl("", "-x", code=USAGE).err, '-x: no such option; see "umctl help"')


@check
def the_version_is_one_line():
    assert re.fullmatch(r"umctl [0-9]+\.[0-9]+\.[0-9]+\n", good("", "--version"))


@check
def no_option_takes_a_secret():
    for command, _ in overview()[0]:
        for name, takes_value in options(command):
            secret = re.search("pass|secret|code|hash|temporary|key", name)
            assert not (secret and takes_value), f"{command} --{name} takes a value"
    text = bad(USAGE, "user add", "x", "--password=hunter2")
    has(text, "--password")
    assert "hunter2" not in text


@check
def wrong_usage_is_told_in_a_line():
    has(ctl("frob", code=USAGE).err, "umctl: frob: no such command")
    has(ctl("user frob", code=USAGE).err, "umctl: user: frob: no such verb", "suspend")
    has(ctl("user", code=USAGE).err, "umctl: user: a verb is needed")
    has(ctl("help frob", code=USAGE).err, "umctl: help: frob: no such command")
    has(bad(USAGE, "user add"), "NAME is missing")
    has(bad(USAGE, "user add", "a", "b"), "too many arguments")
    has(bad(USAGE, "user add", "a", "--colour", "red"), "--colour: no such option")
    has(bad(USAGE, "user add", "a", "--uid"), "--uid: needs a value")
    has(bad(USAGE, "user list", "--json=yaml"), "--json", "yaml")
    has(bad(USAGE, "status", "now"), "too many arguments")
    has(ctl("user list", "--socket", "/x" * 200).err, "umctl: user list: ")


@check
def options_may_stand_anywhere():
    for words in ["--json", "user", "list"], ["user", "--json", "list"], ["user", "list", "--json"]:
        has(good("", *words), '{"schema":1,"users":')
    has(good("", "--reason", "why", "user", "list", "--limit=1"), "NAME")
    same(ctl("user list", "--", code=DONE).code, 0)
