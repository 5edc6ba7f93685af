#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A person who exists nowhere but in um: made by umctl, known at once, in by every door of the host.
set -uo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"

PW_ALICE=Quartz-lamp-41
PW_BOB=Zebra-canoe-77

um() {
        lab_exec umctl "$@"
}

um_passwd() {
        local name=$1 password=$2
        shift 2
        lab_exec umctl user passwd "$name" "$@" <<<"$password"
}

lab_begin
lab_debs
ck "the packages install" lab_install "$LAB_DEBS"/*.deb
ck "umd is up and well" eventually 5 um status

# ---- known at once
ck "umctl user add prints name, uid and change" has '^user alice: created, uid 65536 \(ch-[0-9]+\)$' \
        um user add alice --full-name 'Alice Doe' --email alice@acme.example
ck "getent by name" has '^alice:\*:65536:65536:Alice Doe:/home/alice:/bin/bash$' lab_exec getent passwd alice
ck "getent by uid" has '^alice:' lab_exec getent passwd 65536
ck "id" has '^uid=65536\(alice\) gid=65536\(alice\) groups=65536\(alice\)$' lab_exec id alice
ck "/etc/passwd does not know her" refused grep -q alice "$LAB_ROOT/etc/passwd"
ck "no password yet: refused" refused lab_ssh alice '' true
ck "umctl user passwd from standard input" um_passwd alice $PW_ALICE
um user add bob --full-name 'Bob Roe' >/dev/null
um_passwd bob $PW_BOB >/dev/null

ck "a time zone of this host is taken, as the unit is shut in" um user set alice --time-zone Europe/Berlin
ck "one it does not know is not" refused um user set alice --time-zone Europe/Atlantis

# ---- every door
ck "ssh with the password" has '^uid=65536\(alice\)' lab_ssh alice $PW_ALICE id
ck "her home was made with the skeleton, mode 0700" has "^700 alice alice .bashrc" \
        lab_sh 'stat -c "%a %U %G" /home/alice | tr "\n" " "; ls -A /home/alice | grep bashrc'
ck "ssh by keyboard-interactive" has 'uid=65536\(alice\)' \
        lab_talk "$(lab_ssh_line alice id)" 'assword: ' $PW_ALICE
ck "a session of logind with her manager" has 'State=active|Class=user' \
        lab_ssh alice $PW_ALICE 'loginctl show-session $XDG_SESSION_ID; systemctl --user is-system-running'
ck "UM_LOGIN_ID does not reach her shell" lacks UM_LOGIN_ID lab_ssh alice $PW_ALICE env
ck "a wrong password is refused" refused lab_ssh alice wrong true
ck "a wrong password by keyboard-interactive too" says 'Permission denied' \
        lab_talk "$(lab_ssh_line alice id)" 'assword: ' wrong
ck "su from a local user asks her password" has 'uid=65536\(alice\)' \
        lab_talk "$(lab_tty_line "--uid=nobody su - alice -c id")" 'assword: ' $PW_ALICE
ck "su from one um user to another" has 'uid=65536\(alice\)' \
        lab_talk "$(lab_tty_line "--uid=65537 su - alice -c id")" 'assword: ' $PW_ALICE
ck "su with a wrong password is refused" says 'uthentication failure' \
        lab_talk "$(lab_tty_line "--uid=65537 su - alice -c id")" 'assword: ' $PW_BOB
ck "su from root asks nothing" has 'uid=65537\(bob\)' lab_exec su - bob -c id
ck "login(1) on a terminal, with a session" has 'session-[0-9c]+\.scope' \
        lab_talk "$(lab_tty_line '/bin/login -p')" 'login: ' alice 'assword: ' $PW_ALICE '\$ ' 'cat /proc/self/cgroup; exit'
lab_sh 'printf "alice ALL=(ALL) ALL\n" >/etc/sudoers.d/alice; chmod 440 /etc/sudoers.d/alice'
ck "sudo asks her password" has 'uid=0\(root\)' \
        lab_talk "$(lab_ssh_line alice "sudo -p SUDO: id")" 'assword: ' $PW_ALICE 'SUDO:' $PW_ALICE
ck "sudo with a wrong one is refused" says 'Sorry, try again|no password was provided|incorrect' \
        lab_talk "$(lab_ssh_line alice "sudo -k; sudo -p SUDO: id")" 'assword: ' $PW_ALICE 'SUDO:' wrong 'SUDO:' wrong 'SUDO:' wrong
ck "cron runs her job" lab_cron alice
ck "systemd-user: her manager starts without a login" lab_sh 'systemctl start user@65537.service; systemctl is-active user@65537.service'
ck "and runs what is hers" has '^65537$' lab_sh 'ps -o uid= -C systemd | tr -d " " | sort -u'

# ---- passwords changed by oneself
ck "passwd: the old one is asked, the new one counts" has 'updated|changed|success' \
        lab_talk "$(lab_tty_line "--uid=65536 passwd")" 'urrent password: ' $PW_ALICE 'ew password: ' Newt-lagoon-42 'gain|etype' Newt-lagoon-42
ck "the new one lets her in" lab_ssh alice Newt-lagoon-42 true
ck "the old one does not" refused lab_ssh alice $PW_ALICE true
ck "passwd with a wrong current one changes nothing" says 'unchanged|manipulation error' \
        lab_talk "$(lab_tty_line "--uid=65536 passwd")" 'urrent password: ' wrong
ck "umctl self passwd" has 'password changed' \
        lab_talk "$(lab_tty_line "--uid=65536 umctl self passwd")" 'urrent password: ' Newt-lagoon-42 'ew password: ' Pebble-marsh-58 'gain|etype' Pebble-marsh-58
PW_FORMER=$PW_ALICE PW_ALICE=Pebble-marsh-58
ck "and that one lets her in" lab_ssh alice $PW_ALICE true

# ---- first login with a forced change, in the same login
um user add carol >/dev/null
um_passwd carol Corridor-lamp-13 --temporary >/dev/null
ck "a temporary password is changed in the same login" has 'uid=65538\(carol\)' \
        lab_talk "$(lab_ssh_line carol id)" 'assword: ' Corridor-lamp-13 'urrent password: ' Corridor-lamp-13 \
        'ew password: ' Marble-lamp-9x 'gain|etype' Marble-lamp-9x
ck "the new one lets her in at once" has 'uid=65538' lab_ssh carol Marble-lamp-9x id
code=$(um user add dave --setup-code | sed -n 's/^setup code: \([^ ]*\).*/\1/p')
ck "a setup code was printed" test -n "$code"
ck "it stands for the password once and leads into choosing one" has 'uid=65539\(dave\)' \
        lab_talk "$(lab_ssh_line dave id)" 'assword: ' "$code" \
        'ew password: ' Harbour-10-moss 'gain|etype' Harbour-10-moss
ck "a second use is a wrong password" refused lab_ssh dave "$code" true
ck "the chosen one counts" lab_ssh dave Harbour-10-moss true

# ---- it takes an id of its own: after those that are known by number here
ck "doctor finds nothing to fail" um doctor

# ---- what is kept
ck "every login is in the audit log" has 'authenticate +user/alice +allow' um audit log --type login --user alice --limit 1000
ck "so are refusals, with their reason" has 'deny.*bad-proof' um audit log --type login --user alice --outcome deny
ck "the chain is whole" has 'ok$' um audit verify
ck "no password stands in the journal" lacks "$PW_FORMER|$PW_ALICE|$PW_BOB|Marble-lamp-9x|${code:-no code}" lab_enter journalctl -b --no-pager
lab_reboot
ck "a reboot keeps everything" has 'uid=65536' lab_ssh alice $PW_ALICE id
um user set alice --title Engineer >/dev/null
lab_powercut
ck "a power cut keeps everything acknowledged" has 'title: Engineer' um user show alice
ck "and she gets in" has 'uid=65536' lab_ssh alice $PW_ALICE id
ck "the chain is whole" has 'ok$' um audit verify
checks_done
