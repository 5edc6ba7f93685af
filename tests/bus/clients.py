# SPDX-License-Identifier: LGPL-2.1-or-later
"""Other people's clients on the private socket: sd-bus (busctl), GDBus, libdbus, umctl."""

import shutil
import subprocess

from fixture import ROOT


def tell(*command, user=None):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, user=user,
                              extra_groups=[] if user else None)
        return done.returncode, done.stdout + done.stderr
    except subprocess.TimeoutExpired:
        return -1, "it hangs"


def run(umd, people, checks):
    address = "unix:path=" + umd.socket
    busctl = ("busctl", "--no-pager", "--address=" + address)
    alice = ROOT + "/user/alice"
    for title, words, command in (
            ("busctl call", ["store_ok", "true"], (*busctl, "call", "org.um1", ROOT, "org.um1.Manager", "Status")),
            ("busctl introspect", [".CreateUser", "sa{sv}a{sv}", ".UserAdded", ".OpenSession", "ussssh"],
             (*busctl, "introspect", "org.um1", ROOT)),
            ("busctl introspect of a user", [".SetPassword", ".FullName", '"Alice Example"'],
             (*busctl, "introspect", "org.um1", alice)),
            ("busctl get-property", ['s "alice"', "u "],
             (*busctl, "get-property", "org.um1", alice, "org.um1.User", "Name", "UID")),
            ("busctl tree", [ROOT + "/user/olga", ROOT + "/group/devs"], (*busctl, "tree", "org.um1")),
            ("gdbus introspect", ["readonly s FullName = 'Alice Example'", "SetPassword(in  ay secret"],
             ("gdbus", "introspect", "--address", address, "--dest", "org.um1", "--object-path", alice)),
            ("gdbus call", ["/org/um1/user/alice"],
             ("gdbus", "call", "--address", address, "--dest", "org.um1", "--object-path", ROOT, "--method",
              "org.um1.Manager.GetUserByName", "alice")),
            ("dbus-send, peer to peer", ["store_ok"],
             ("dbus-send", "--peer=" + address, "--print-reply", ROOT, "org.um1.Manager.Status")),
            ("dbus-send, as to a bus", ["store_ok"],
             ("dbus-send", "--bus=" + address, "--dest=org.um1", "--print-reply", ROOT,
              "org.um1.Manager.Status"))):
        if not shutil.which(command[0]):
            continue
        code, text = tell(*command)
        checks.check(title, code == 0 and all(word in text for word in words), text[-800:])
    code, text = tell(*busctl, "tree", "org.um1", user=people.uid["bob"])
    checks.check("the tree names nobody to bob", code == 0 and "olga" not in text and ROOT in text, text)
    code, text = tell(*busctl, "introspect", "org.um1", alice, user=people.uid["bob"])
    checks.check("nor does it show alice's values", "Alice" not in text, text)
