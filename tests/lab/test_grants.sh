#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Roles for a time, at a real sshd: their Linux groups, um's own and one of /etc/group, come into `id` and go from it while a session is
# open, without anybody logging in, and whether umd was restarted or away in between; sessions that are to end with a grant do.
set -uo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"

PW=Quartz-lamp-41

um() {
        lab_exec umctl "$@"
}

bob_passwd() {
        um user passwd bob <<<"$PW"
}

# groups_are GROUP...: as NSS tells them, sorted
groups_are() {
        [ "$(lab_enter id -nG bob | tr ' ' '\n' | sort | xargs)" = "$*" ]
}

# ended COUNT: so many ends of grants are in the log
ended() {
        [ "$(um audit log --user bob --verb role.end --json=lines | grep -c '"verb": *"role.end"')" = "$1" ]
}

reads_plan() {
        lab_ssh bob "$PW" cat /srv/plan
}

# Bob comes in by ssh and stays.
stay() {
        : >"$said"
        lab_ssh bob "$PW" -tt 'echo came-in; exec sleep 1001' >"$said" 2>&1 </dev/null &
        eventually 20 grep -q came-in "$said"
}

# His session is there still: whoever runs as him.
stays() {
        lab_enter pgrep -u bob -x sleep
}

well() {
        um status >/dev/null
}

said=$(mktemp)
lab_begin
lab_debs
ck "the packages install" lab_install "$LAB_DEBS"/*.deb
ck "umd is up and well" eventually 5 well
lab_sh 'groupadd -g 1500 plan && echo secret >/srv/plan && chgrp plan /srv/plan && chmod 0640 /srv/plan'
um user add bob >/dev/null
um group add web >/dev/null
ck "bob has a password" bob_passwd
ck "a role gives groups" um role add dba --linux-group web --linux-group plan

ck "bob is in by ssh" stay
ck "in no group but his own" groups_are bob
ck "he cannot read what is the group's" refused reads_plan
ck "he is granted the role for a while" um role grant dba bob --for 8s --reason INC-77
ck "he is in its groups, with his session open" groups_are bob plan web
ck "as getent tells it too" has '^web:.*:bob$' lab_enter getent group web
ck "a new session of his has the group" has '^secret$' reads_plan
ck "they are gone when it ends" eventually 9 groups_are bob
ck "and what is the group's is closed again" refused reads_plan
ck "his session went on" stays
ck "the log says that it ended" eventually 2 ended 1
ck "the role shows who held it, and why" has 'bob.*INC-77.*expired' um role show dba

ck "he is granted it again" um role grant dba bob --for 5s
ck "umd is restarted" lab_exec systemctl restart umd.service
ck "he is in the groups" eventually 3 groups_are bob plan web
ck "and they go" eventually 6 groups_are bob

ck "he is granted it a third time" um role grant dba bob --for 2s
ck "umd is stopped, with its socket" lab_exec systemctl stop umd.socket umd.service
sleep 2.1
ck "it starts when that is over" lab_exec systemctl start umd.socket umd.service
ck "the groups are gone" eventually 5 groups_are bob
ck "each end is in the log once" eventually 3 ended 3

ck "he is granted it, and his sessions are to end with it" um role grant dba bob --for 3s --end-sessions
ck "his session is there" stays
ck "he was told so on his terminal" eventually 2 grep -q 'all your sessions on this machine' "$said"
ck "and ends" eventually 6 rc_is 1 stays
ck "the chain is whole" has 'ok$' um audit verify
rm -f "$said"
checks_done
