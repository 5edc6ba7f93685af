#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sessions that are open while umd restarts, is killed or is away: each gets its end in the log, at its
# own time or as lost (catalogue 116), from umd as its unit shuts it in.
set -uo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"

PW=Quartz-lamp-41

um() {
        lab_exec umctl "$@"
}

alice_passwd() {
        um user passwd alice <<<"$PW"
}

# How many ends of ssh sessions the log has, of those the options pick.
ends() {
        um audit log --verb session.close --json=lines "$@" | grep -c '"service": *"sshd"'
}

ends_are() {
        local count=$1
        shift
        [ "$(ends "$@")" = "$count" ]
}

# Alice comes in by ssh and stays until leave.
stay() {
        : >"$said" # what the last one said is not this one's
        lab_ssh alice $PW 'echo came-in; exec sleep 1001' >"$said" 2>&1 </dev/null &
        eventually 20 grep -q came-in "$said"
}

# Until the sshd that opened her session is gone too: her client goes before it.
leave() {
        lab_exec pkill -u alice -x sleep
        wait $!
        eventually 10 rc_is 1 lab_enter pgrep -f '^sshd: alice'
}

well() {
        um status >/dev/null
}

said=$(mktemp)
lab_begin
lab_debs
ck "the packages install" lab_install "$LAB_DEBS"/*.deb
ck "umd is up and well" eventually 5 well
um user add alice >/dev/null
ck "alice has a password" alice_passwd

ck "alice is in by ssh" stay
ck "umd is restarted" lab_exec systemctl restart umd.service
ck "it serves" eventually 10 well
ck "her session goes on" ends_are 0
ck "she leaves" leave
ck "her logout is in the log" eventually 10 ends_are 1
ck "at its own time, not as lost" ends_are 0 --because lost

ck "alice is in again" stay
ck "umd is killed" lab_exec systemctl kill -s KILL umd.service
ck "it is back" eventually 10 well
ck "and knows that she is there" ends_are 1
ck "she leaves" leave
ck "and that she left" eventually 10 ends_are 2

ck "alice is in a third time" stay
ck "umd is stopped, with its socket" lab_exec systemctl stop umd.socket umd.service
began=$EPOCHSECONDS
ck "she leaves" leave
ck "without waiting for umd" test $((EPOCHSECONDS - began)) -le 5
ck "umd starts" lab_exec systemctl start umd.socket umd.service
ck "it serves" eventually 10 well
ck "her end is in the log, as lost" ends_are 1 --because lost
ck "and once" ends_are 3
ck "the chain is whole" has 'ok$' um audit verify
rm -f "$said"
checks_done
