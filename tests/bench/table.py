#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""README's table from what the benchmarks printed: table.py FOLDER, with the files nss, pam, guess, logins, oracle, rights, store, umd.

A figure that was not measured (no libnss-extrausers, no --full) is left out; one that a bar stands for is
never made up."""

import os
import pathlib
import platform
import re
import sys

NUMBER = r"([\d.]+)"
# What bench_nss calls its lookups, and what README calls them.
LOOKUPS = {"user by name": "user by name", "user by uid": "user by uid", "initgroups": "groups of a user",
           "no user by name": "a name nobody has"}
HOWS = {"alone": "1", "2 threads": "2", "8 threads": "8"}


def read(folder, name):
    path = folder / name
    return path.read_text() if path.exists() else ""


def count(text):
    return f"{int(float(text)):,}"


def figure(value):
    """Three digits are all that holds from run to run."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def first(pattern, text):
    """All groups of the first match as numbers, or None."""
    found = re.search(pattern, text, re.M)
    return [float(group) for group in found.groups()] if found else None


def rows(head, lines):
    if not lines:
        return []
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head),
            *("| " + " | ".join(line) + " |" for line in lines), ""]


# ---- lookups -----------------------------------------------------------------------------------------

def lookups(text):
    text = text.split("the same with changes")[0] if text.count("users: map built") < 2 else re.sub(
        r"the same with changes.*?(?=cold id|\Z)", "", text, flags=re.S)
    lines = []
    for found in re.finditer(rf"^ *(\d+) users +(alone|\d threads) +(\S.*?) +floor +{NUMBER} (ns|calls/us)(.*)$", text,
                             re.M):
        users, how, lookup, floor, unit, others = found.groups()
        times = {name: float(ratio) for name, ratio in re.findall(rf"(\w+) {NUMBER} x", others)}
        if lookup not in LOOKUPS or how not in HOWS or "um" not in times:
            continue
        um = float(floor) * times["um"] if unit == "ns" else 1000 / (float(floor) / times["um"])
        beside = [f"{figure(times[name] / times['um'])} ×" if name in times else "" for name in ("files", "extrausers")]
        lines.append([LOOKUPS[lookup], count(users), HOWS[how], f"**{times['um']:.2f} ×**", *beside, f"{figure(um)} ns"])
    return rows(["lookup, inside the module", "users", "threads", "um / floor", "nss_files / um", "extrausers / um",
                 "um"], lines)


def cold(text):
    lines, base = [], {}
    found = re.findall(rf"^ *(\d+) users +cold id, passwd: ([\w ]+?)(, root)? +best +{NUMBER} ms(?: +(\d+) system calls, "
                       r"(\d+) libraries)?", text, re.M)
    for users, source, who, *figures in found:
        if source == "files":
            base[users, who] = figures
    for users, source, who, msec, calls, libraries in found:
        if source == "files" or (users, who) not in base:
            continue
        files, files_calls, files_libraries = base[users, who]
        lines.append([f"`passwd: {source}`{who}", count(users), f"**{float(msec) / float(files):.2f} ×**", f"{msec} ms",
                      f"{calls} ({files_calls})", f"{libraries} ({files_libraries})"])
    return rows(["`id NAME` in a new process (with all users in /etc/passwd instead)", "users", "time / files'", "time",
                 "system calls", "libraries"], lines)


# ---- the daemon --------------------------------------------------------------------------------------

def login(text):
    um = first(rf"pam_um {NUMBER} ms, {NUMBER} hashes, (-?[\d.]+) ms beyond", text)
    unix = first(rf"pam_unix {NUMBER} ms, {NUMBER} hashes, (-?[\d.]+) ms beyond", text)
    if not um:
        return []
    beside = f"; pam_unix: {unix[1]:.2f} hashes, {figure(unix[2])} ms beyond one" if unix else ""
    return [["PAM login (password, durable counters and audit, account)",
             f"**{um[1]:.2f} hashes**, {um[2]:.2f} ms beyond one{beside}", "one hash, 1 ms"]]


def guess(text):
    rates = [first(rf"guess: {name}.*? ms, +{NUMBER} guesses/s", text) for name in ("yescrypt", "sha512crypt", "bcrypt")]
    if None in rates:
        return []
    um, sha512, bcrypt = (figure(rate[0]) for rate in rates)
    return [["guesses a second and core at a password, once store and vault's key are stolen",
             f"**{um}**; sha512crypt at 5,000 rounds {sha512}, bcrypt of cost 12 {bcrypt}", "25"]]


def load(text):
    """Logins at full hashing load, and what else goes on meanwhile."""
    lines = []
    found = first(rf"logins: {NUMBER} logins/s, bare crypt {NUMBER} hashes/s on {NUMBER} cores, {NUMBER} of it", text)
    if found:
        lines.append(["logins as fast as the cores hash, beside bare crypt(3) on all of them",
                      f"**{found[3]:.2f} of it**; {figure(found[0])}/s", ""])
    found = first(rf"lookups: median {NUMBER} us idle, {NUMBER} us beside bare hashing, {NUMBER} us beside logins", text)
    if found:
        lines.append(["a lookup meanwhile, beside one on an idle machine",
                      f"**{found[2] / found[0]:.2f} ×**; beside bare hashing {found[1] / found[0]:.2f} ×", ""])
    found = first(rf"cost: one hash {NUMBER} ms; a login {NUMBER} ms.*with a TOTP {NUMBER} ms", text)
    if found:
        lines.append(["a login with a TOTP, beside one without", f"**{found[2] / found[1]:.2f} ×**; "
                      f"{figure(found[2])} ms, {figure(found[1])} ms, one hash {figure(found[0])} ms", ""])
    found = first(rf"crowd: {NUMBER} wrong passwords at once.*people's {NUMBER} logins {NUMBER} got in, median {NUMBER} s, 95th hundredth "
                  rf"{NUMBER} s; umd and um-vault {NUMBER} MiB before, {NUMBER} MiB at most", text)
    if found:
        lines.append([f"ten people's logins while {count(found[0])} wrong passwords are tried at once",
                      f"**{count(found[2])} of {count(found[1])} got in**; median {found[3]:.2f} s, 95th "
                      f"hundredth {found[4]:.2f} s; umd and um-vault {figure(found[6])} MiB", "all, 2 s"])
    return lines


def oracle(text):
    lines = []
    for name, what in ("oracle", "of a refusal tells"), ("oracle, forgotten passwords", "of asking for a code by e-mail tells"):
        people = first(rf"^{name}: {NUMBER} people of each kind", text)
        areas = first(rf"^{name}: area under the curve at most {NUMBER} \(.*missing {NUMBER}", text)
        if people and areas:
            lines.append([f"what the time {what}: area under the curve, {count(people[0])} people of each of six kinds",
                          f"**at most {areas[0]:.3f}**; existing and missing {areas[1]:.3f}", "0.55"])
    return lines


def rights(text):
    found = first(rf" 1000 roles  four grants, by name +{NUMBER} ns +{NUMBER} x", text)
    if not found:
        return []
    return [["has he a permission: asked by name, four grants, 1,000 roles, beside bsearch(3) of the name",
             f"**{found[1]:.2f} ×**; {figure(found[0])} ns", "1 µs"]]


def asked(umd):
    found = first(rf"^checks: 1000 roles: {NUMBER} us, a Ping {NUMBER} us, {NUMBER} times; {NUMBER} a second", umd)
    lines = [["the same through umd, 1,000 roles of one's own, beside Peer.Ping on the same connection",
              f"**{found[2]:.2f} ×**; {count(found[3])}/s by one client", ""]] if found else []
    for few, _, many, many_usec, ratio in re.findall(
            rf"^grant: (\d+) users: {NUMBER} us, (\d+) users: {NUMBER} us, {NUMBER} times", umd, re.M):
        lines.append([f"a role granted, {count(many)} users against {count(few)}",
                      f"**{ratio} ×**; {figure(float(many_usec) / 1000)} ms", ""])
    return lines


def commits(store, umd):
    lines = []
    for label, name, bar in ((r"store: one user created", "users created, a durable commit each", "0.9"),
                             (r"store: 64 users created", "the same, 64 a commit", "")):
        found = first(rf"{label} +{NUMBER} us +{NUMBER} changes/s +{NUMBER} of", store)
        if found:
            lines.append([name, f"**{found[2]:.2f} of bare LMDB** writing the same rows; {count(found[1])}/s", bar])
    found = first(rf"users created a second: {NUMBER} by one client, {NUMBER} by (\d+)", umd)
    if found:
        lines.append(["the same through umd, visible to `id` at the reply", f"{count(found[0])}/s by one client, "
                      f"{count(found[1])}/s by {count(found[2])}", ""])
    return lines


def growth(text):
    lines = []
    for few, _, many, many_usec, ratio, _, part in re.findall(
            rf"create: (\d+) users: {NUMBER} us, (\d+) users: {NUMBER} us, {NUMBER} times; the map's part "
            rf"{NUMBER} and {NUMBER} us", text):
        lines.append([f"one user created, {count(many)} users against {count(few)}",
                      f"**{ratio} ×**; {figure(float(many_usec) / 1000)} ms, the map's part "
                      f"{figure(float(part) / 1000)} ms", "1.5 ×, 1 ms"])
    found = first(rf"group of (\d+) members: {NUMBER} ms, the map's part {NUMBER} ms", text)
    if found:
        lines.append([f"one member more or less, of {count(found[0])}",
                      f"{figure(found[1])} ms, the map's part {figure(found[2])} ms", ""])
    bars = {"100000": ("1 s", "64 MiB"), "1000000": ("3 s", "")}
    for users, msec, mib in re.findall(rf"start: (\d+) users: serving after {NUMBER} ms, idle with {NUMBER} MiB", text):
        if users in bars:
            lines.append([f"start to serving, {count(users)} users", f"**{figure(float(msec) / 1000)} s**",
                          bars[users][0]])
            lines.append([f"memory then, beyond the store's page cache, {count(users)} users", f"{figure(float(mib))} MiB",
                          bars[users][1]])
    return lines


def machine():
    model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return (f"{os.cpu_count()} cores ({model.group(1) if model else platform.machine()}), "
            f"Linux {'.'.join(platform.release().split('.')[:2])}")


def main():
    folder = pathlib.Path(sys.argv[1])
    nss, umd = read(folder, "nss"), read(folder, "umd")
    print("\n".join([
        f"`tests/bench/run` makes this table; here on {machine()}. Ratios hold elsewhere, absolute figures do not.", "",
        *lookups(nss), *cold(nss),
        *rows(["the daemon", "measured", "to reach"],
              login(read(folder, "pam")) + guess(read(folder, "guess")) + load(read(folder, "logins")) + oracle(read(folder, "oracle"))
              + rights(read(folder, "rights")) + asked(umd) + commits(read(folder, "store"), umd) + growth(umd))]))


main()
