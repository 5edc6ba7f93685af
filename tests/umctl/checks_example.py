# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/howto.md, "Ask um before you act", word for word; and the service of docs/examples that asks."""

import os
import pathlib
import re
import shutil
import socket
import subprocess

import harness
from harness import BUILD, ROOT, check, environment, fresh, get, good, has, same

SOCKET = "/run/deals.sock"


def page():
    """The blocks of the section: the file, what is typed."""
    text = (ROOT / "docs/howto.md").read_text()
    section = re.search(r"^## Ask um before you act\n(.*?)^## ", text, re.M | re.S).group(1)
    return re.findall(r"^```(json|)\n(.*?)^```", section, re.M | re.S)


def ask(uid, line):
    """What the service answers a process of that uid."""
    code = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({SOCKET!r}); s.sendall({line.encode()!r}); print(s.recv(99).decode())"
    run = subprocess.run(["/usr/bin/setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--", "/usr/bin/python3", "-c", code],
                         capture_output=True, text=True, check=True, timeout=30)
    return run.stdout.strip()


class Deals:
    """The service, as a user of no right at all."""
    def __enter__(self):
        shutil.copy(BUILD / "tests/deals", "/run/lib/deals")
        self.process = subprocess.Popen(["/run/lib/deals", SOCKET], stderr=subprocess.PIPE, text=True)
        for _ in range(1000):
            try:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(SOCKET)
                return self
            except OSError:
                subprocess.run(["sleep", "0.01"], check=True)
        raise AssertionError("deals does not listen")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def the_service_does_as_um_says():
    dora = get("user show", "dora")["user"]["uid"]
    other = fresh()
    good("user add", other)
    other = get("user show", other)["user"]["uid"]
    with Deals():
        same(ask(dora, "view\n"), "two deals are open")
        same(ask(dora, "close\n"), "no")
        same(ask(other, "view\n"), "no")
        same(ask(0, "close\n"), "closed")
        same(ask(dora, "sell\n"), "view or close?")
        good("role grant", "sales-lead", "dora")
        same(ask(dora, "close\n"), "closed")
        good("user lock", "dora")
        same(ask(dora, "view\n"), "no")
        good("user unlock", "dora")
        os.rename("/run/um/bus", "/run/um/bus-away")
        try:
            same((ask(dora, "view\n"), ask(0, "view\n")), ("no", "no"))
        finally:
            os.rename("/run/um/bus-away", "/run/um/bus")
        same(ask(dora, "view\n"), "two deals are open")
        good("app unregister", "crm", "--yes")
        same((ask(dora, "view\n"), ask(0, "view\n")), ("no", "no"))
    assert harness.world.process.poll() is None


@check
def the_page_about_asking_is_true_word_for_word():
    where = pathlib.Path("/run", fresh("howto"))
    where.mkdir()
    good("user add", "dora")
    typed = []
    for kind, block in page():
        if kind == "json":
            (where / "crm.json").write_text(block)
            continue
        run = subprocess.run(["bash", "-euc", block], cwd=where, env=environment(), capture_output=True, text=True, check=False)
        same((run.returncode, run.stderr), (0, ""))
        typed.append(run.stdout)
    has(typed[0], "app crm: registered (ch-", "role sales: granted to dora")
    asked = typed[1].splitlines()
    same([line[:len('bsst true "held"')] for line in asked[:1]], ['bsst true "held"'])
    assert asked[1].startswith('bsst false "missing"'), asked
    assert re.search(r"roles:.*sales-lead", typed[1]), typed[1]
    the_service_does_as_um_says()
