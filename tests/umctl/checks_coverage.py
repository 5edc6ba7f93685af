# SPDX-License-Identifier: LGPL-2.1-or-later
"""Last: whether the checks before did use every verb with every option of its help.  A verb or an option that
nobody tried is a check that fails."""

from checks_help import options, overview
from harness import check, checks, used


@check
def every_option_of_every_verb_was_used_with_success():
    if len(used) < 30 and len(checks) > 1:
        return  # a part of the checks was asked for
    commands, everywhere = overview()
    missing = [f"umctl {command}" for command, _ in commands if (command, "") not in used]
    for command, _ in commands:
        missing += [f"umctl {command} --{name}" for name, _ in options(command) if (command, name) not in used]
    tried = {option for _, option in used}
    missing += [f"--{name}" for name in everywhere if name not in tried]
    for command, _ in commands:
        if command not in ("help", "doctor"):
            missing += [f"umctl {command} --json" for _ in [0] if (command, "json") not in used]
    assert not missing, "never used: " + ", ".join(missing)
