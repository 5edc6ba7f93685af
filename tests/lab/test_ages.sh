#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Passwords that get old, on a real machine: a warning at the login, the change inside it by ssh and at the console, logins
# that are counted and then refused, keys that are told, and former passwords that nobody sets again.
set -uo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"

FIRST=Quartz-lamp-41 SECOND=Pebble-marsh-58 THIRD='Marble owls at dusk' FOURTH='Harbour moss, ten' FIFTH='Nine copper kettles'

um() {
        lab_exec umctl "$@"
}

um_passwd() {
        lab_exec umctl user passwd "$1" <<<"$2"
}

# A second is old enough.
expire() {
        um policy set password.max-age 1s --user "$1" >/dev/null && sleep 1.5
}

fresh() {
        um policy set password.max-age never --user "$1" >/dev/null
}

# key_line USER [CMD]: ssh with his key, on a terminal: what sshd was told by PAM it shows there
key_line() {
        lab_ssh_line "$@" |
                sed "s/PreferredAuthentications=[^ ]*/PreferredAuthentications=publickey/; s#ssh #ssh -o IdentitiesOnly=yes -i $LAB/key #"
}

# password_line USER: ssh's password method, on a terminal
password_line() {
        lab_ssh_line "$@" | sed "s/PreferredAuthentications=[^ ]*/PreferredAuthentications=password/"
}

install_key() {
        local home=/home/$1
        lab_ssh "$1" "$2" true && lab_sh "install -d -m 700 -o $1 $home/.ssh" && lab_put "$LAB/key.pub" "$home/.ssh/authorized_keys"
}

# not_in PATTERN COMMAND...: it says that, and nobody came in
not_in() {
        says "$@" | tee "$LAB/refused" && ! grep -q 'uid=' "$LAB/refused"
}

lab_begin
lab_debs
ck "the packages install" lab_install "$LAB_DEBS"/*.deb
ck "umd is up and well" eventually 5 um status
lab_locals
for user in alice carol; do
        um user add $user >/dev/null
        um_passwd $user $FIRST >/dev/null
done
uid=$(lab_exec id -u alice)
ck "alice has a key" install_key alice $FIRST
ck "carol has one" install_key carol $FIRST
um_passwd alice $SECOND >/dev/null

# ---- before it is over
ck "nobody is warned of what never ends" lacks 'expires on' lab_talk "$(lab_ssh_line alice id)" 'assword: ' $SECOND
um policy set password.max-age 2d --user alice >/dev/null
ck "ssh: warned of the date" has 'Your password expires on 20[-0-9T:Z]+\. Change it with passwd' \
        lab_talk "$(lab_ssh_line alice id)" 'assword: ' $SECOND
ck "by key as well" has 'Your password expires on 20' lab_talk "$(key_line alice id)"
ck "at the console" has 'Your password expires on 20' \
        lab_talk "$(lab_tty_line '/bin/login -p')" 'login: ' alice 'assword: ' $SECOND '\$ ' 'id; exit'
lab_sh 'printf "alice ALL=(ALL) ALL\n" >/etc/sudoers.d/alice; chmod 440 /etc/sudoers.d/alice'
ck "sudo does not warn again" lacks 'expires on' lab_talk "$(lab_tty_line "--uid=$uid sudo -k -p SUDO: id")" 'SUDO:' $SECOND
um policy set password.warn 1d --user alice >/dev/null
ck "not before the time to warn" lacks 'expires on' lab_talk "$(lab_ssh_line alice id)" 'assword: ' $SECOND

# ---- over: changed in the login
expire alice
ck "show says so" has 'expired 20.*, 3 logins left' um user show alice
ck "ssh's password method without a terminal is refused" refused lab_ssh alice $SECOND true
ck "by ssh in the same login: a former one is refused, a good one lets her in" has "uid=$uid\\(alice\\)" \
        lab_talk "$(lab_ssh_line alice id)" 'assword: ' $SECOND 'has expired and must be changed' - \
        'more login may change it' - 'urrent password: ' $SECOND 'ew password: ' $FIRST 'gain|etype' $FIRST \
        'must not be one of the last 5' - 'ew password: ' "$THIRD" 'gain|etype' "$THIRD"
ck "the counter begins anew" eventually 5 has '3 logins left' um user show alice
fresh alice
ck "the new one counts" lab_ssh alice "$THIRD" true
ck "the old one does not" refused lab_ssh alice $SECOND true
expire alice
ck "at the console in the same login" has "uid=$uid\\(alice\\)" \
        lab_talk "$(lab_tty_line '/bin/login -p')" 'login: ' alice 'assword: ' "$THIRD" 'has expired and must be changed' - \
        'urrent password: ' "$THIRD" 'ew password: ' "$FOURTH" 'gain|etype' "$FOURTH" '\$ ' 'id; exit'
fresh alice
expire alice
ck "after sshd's password method, with a terminal, sshd has passwd ask for it" says 'updated|changed|success' \
        lab_talk "$(password_line alice)" 'assword: ' "$FOURTH" 'urrent password: ' "$FOURTH" 'ew password: ' "$FIFTH" \
        'gain|etype' "$FIFTH"
fresh alice
ck "that one counts" lab_ssh alice "$FIFTH" true

# ---- former ones
ck "passwd refuses a former one" says 'must not be one of the last 5' \
        lab_talk "$(lab_tty_line "--uid=$uid passwd")" 'urrent password: ' "$FIFTH" 'ew password: ' $SECOND \
        'gain|etype' $SECOND 'ew password: ' $FIRST 'gain|etype' $FIRST 'ew password: ' "$THIRD" 'gain|etype' "$THIRD"
ck "so does root's passwd" says 'must not be one of the last 5' \
        lab_talk "$(lab_tty_line "passwd alice")" 'ew password: ' $FIRST 'gain|etype' $FIRST 'ew password: ' "$FIFTH" \
        'gain|etype' "$FIFTH" 'differ from the current one' - 'ew password: ' $SECOND 'gain|etype' $SECOND
ck "and umctl" says 'password: must not be one of the last 5' um_passwd alice $SECOND
ck "nothing was changed" lab_ssh alice "$FIFTH" true

# ---- too early
um policy set password.min-age 1d --user alice >/dev/null
ck "a change that comes too early is refused with the date" says 'may be changed again from 20' \
        lab_talk "$(lab_tty_line "--uid=$uid passwd")" 'urrent password: ' "$FIFTH"
um policy unset password.min-age --user alice >/dev/null

# ---- logins that are counted, and then refused
um policy set password.grace-logins 3 --user carol >/dev/null
expire carol
ck "a key is told, and let in" has 'expired on 20.*2 more logins may go without' lab_talk "$(key_line carol id)"
ck "without a terminal too" lab_ssh_key carol "$LAB/key" true
ck "cron, su from root and her manager use none up" lab_sh \
        'su carol -c true; systemctl start user@$(id -u carol).service'
ck "cron's job runs" lab_cron carol
ck "one is left" has '1 login left' um user show carol
lab_powercut
ck "a power cut gives none back" eventually 10 has '1 login left' um user show carol
ck "the last one says so" has 'this is the last login that may go without' lab_talk "$(key_line carol id)"
ck "then the key is refused, and told what to do" not_in 'no login is left to change it.*ask an administrator.*Reference um-' \
        lab_talk "$(key_line carol id)"
ck "and the password" not_in 'no login is left to change it' lab_talk "$(lab_ssh_line carol id)" 'assword: ' $FIRST
ck "at the console too" not_in 'no login is left to change it' \
        lab_talk "$(lab_tty_line '/bin/login -p')" 'login: ' carol 'assword: ' $FIRST 'login: ' '^D'
ck "the log has why" has 'deny.*password-grace-used' um audit log --type login --user carol --outcome deny
ck "her jobs go on" lab_cron carol
ck "in a session that is open she can change it" has 'updated|changed|success' \
        lab_talk "$(lab_tty_line "--uid=carol passwd")" 'urrent password: ' $FIRST 'ew password: ' $SECOND 'gain|etype' $SECOND
fresh carol
ck "and is in again" lab_ssh carol $SECOND true
ck "the chain is whole" has 'ok$' um audit verify
ck "no password is in the journal" lacks "$FIRST|$SECOND|$THIRD|$FOURTH|$FIFTH" lab_enter journalctl -b --no-pager
checks_done
