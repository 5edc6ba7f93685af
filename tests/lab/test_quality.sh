#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# New passwords on a real machine: refused with every reason by passwd, by ssh's change at the login and by root's own verbs,
# accepted when they are good; what happens when um-quality or its lists are away.
set -uo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"

PW=Quartz-lamp-41
NEW='Marble owls at dusk'

um() {
        lab_exec umctl "$@"
}

one_is_set() {
        lab_exec umctl user passwd alice <<<"$NEW"
}

lab_begin
lab_debs
ck "the packages install" lab_install "$LAB_DEBS"/*.deb
um user add alice --full-name 'Alice Liddell' --password <<<$PW >/dev/null
ck "a user" lab_ssh alice $PW true
uid=$(lab_exec id -u alice)

# ---- refused with all reasons
ck "by root" says 'password: must have at least 12 characters, this has 7; not be a word of the dictionary' \
        lab_exec umctl user passwd alice <<<letmein
ck "by passwd" says 'at least 12 characters, this has 6; not have the user.s name in it' \
        lab_talk "$(lab_tty_line "--uid=$uid passwd")" 'urrent password: ' $PW 'ew password: ' alice1 \
        'ew password: ' $PW 'ew password: ' alice1
ck "each says what is wrong with it" says 'must not be like the current one' \
        lab_talk "$(lab_tty_line "--uid=$uid passwd")" 'urrent password: ' $PW 'ew password: ' $PW-2 \
        'ew password: ' alice1 'ew password: ' alice1
ck "nothing was changed" lab_ssh alice $PW true
ck "she has to change it" um user passwd alice --must-change
ck "at the login by ssh: refused, told why, asked again, let in" has "uid=$uid\\(alice\\)" \
        lab_talk "$(lab_ssh_line alice id)" 'assword: ' $PW 'urrent password: ' $PW 'ew password: ' alice1 \
        'at least 12 characters, this has 6; not have the user.s name in it' - \
        'ew password: ' "$NEW" 'gain|etype' "$NEW"
ck "the new one counts" lab_ssh alice "$NEW" true
ck "the old one does not" refused lab_ssh alice $PW true
ck "no password is in the journal" refused lab_sh "journalctl -u umd -u um-quality -u um-vault -u ssh | grep -E 'letmein|alice1|Marble owls'"

# ---- the host's own lists
hash=$(printf 'Known-from-leaks-7' | sha1sum | cut -c1-40 | tr a-f A-F)
lab_sh "printf 'acmecorp\n' >/etc/um/banned-words; mkdir -p /var/lib/breach
        printf '%s\n' 0000000000000000000000000000000000000001:5 $hash:12 >/var/lib/breach/sha1
        printf 'breach-file = /var/lib/breach/sha1\n' >/etc/um/um.conf.d/breach.conf; systemctl reload umd"
ck "a banned word" says 'not have a banned word in it' lab_exec umctl user passwd alice <<<'Hail AcmeCorp 2031'
ck "all is well" um status
lab_sh 'rm /var/lib/breach/sha1; systemctl reload umd; systemctl restart um-quality'
ck "a breach file that is missing is told by status" eventually 10 says 'breach file /var/lib/breach/sha1 is missing' lab_exec umctl status
ck "and by doctor" says 'breach file /var/lib/breach/sha1 is missing' lab_exec umctl doctor
ck "and in the journal" has 'is missing' lab_sh 'journalctl MESSAGE_ID=90b3d76ee82c4f15ba67f4105c2d8e62'
ck "the other checks hold" says 'banned word' lab_exec umctl user passwd alice <<<'Hail AcmeCorp 2031'
PW=Pebble-marsh-58
ck "and a good one is set" lab_exec umctl user passwd alice <<<"$PW"
lab_sh 'rm /etc/um/um.conf.d/breach.conf; systemctl reload umd'

# ---- away
lab_sh 'systemctl mask --now --runtime um-quality.socket um-quality.service'
ck "away: no password is set" says 'cannot be checked now' lab_exec umctl user passwd alice <<<"$NEW"
ck "away: logins go on" lab_ssh alice $PW true
ck "away: doctor says so" says 'um-quality is away' lab_exec umctl doctor
lab_sh 'systemctl unmask --runtime um-quality.socket um-quality.service; systemctl start um-quality.socket'
NEW='Harbour moss at ten'
ck "back: one is set" eventually 10 one_is_set
ck "um-quality can read neither store nor key" refused lab_sh \
        'nsenter -t $(pgrep -x um-quality) -m setpriv --reuid=um-quality --clear-groups ls /var/lib/um /var/lib/um-vault/key'
checks_done
