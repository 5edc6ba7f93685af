#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The example with busctl, word for word; and what must never be seen while um works: a secret on the bus, in a command line, an
# environment, a log or a core (catalogue 93, 96, 97), a password that was typed where the name is asked (144), or a unit that is
# more open than it has to be (98).
set -uo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"

SECRET=Never-shown-5150
NEXT=Never-shown-616077331
LAST=Never-shown-515088221
SETUP=''

um() {
        lab_exec umctl "$@"
}

# A day of um: made, set, in by several doors, changed by oneself, refused.
scenario() {
        um user add alice --password <<<$SECRET
        lab_ssh alice $SECRET true
        lab_ssh alice wrong true
        lab_talk "$(lab_ssh_line alice id)" 'assword: ' $SECRET
        lab_talk "$(lab_tty_line "--uid=nobody su - alice -c id")" 'assword: ' $SECRET
        lab_talk "$(lab_tty_line "--uid=alice passwd")" 'urrent password: ' $SECRET 'ew password: ' $NEXT 'gain|etype' $NEXT
        lab_ssh alice $NEXT true
        SETUP=$(um user passwd alice --setup-code | sed -n 's/^setup code: \([^ ]*\).*/\1/p')
        um user passwd alice --temporary <<<$LAST
        um user show alice
        um audit log --limit 1000
}

# The store is a sparse file of 1 GiB; what is written stands at its beginning.
in_store() {
        grep -aqE "$1" <(head -c 64M "$LAB_ROOT/var/lib/um/data.mdb")
}

score_at_most() { # in tenths
        local score
        score=$(lab_enter systemd-analyze security --no-pager "$1" | sed -n 's/.*exposure level for .*: \([0-9.]*\) .*/\1/p')
        echo "$1: $score"
        [ -n "$score" ] && [ "${score/./}" -le "$2" ]
}

# proc_watch's short processes, and how often it looked.
saw_processes() {
        local rounds msec
        cat "$LAB_ROOT/var/tmp/seen/proc"
        grep -q '^cmdline Never-shown-88$' "$LAB_ROOT/var/tmp/seen/proc" &&
                grep -q '^environ Never-shown-99$' "$LAB_ROOT/var/tmp/seen/proc" || return
        read -r rounds _ _ msec _ < <(grep ' rounds in ' "$LAB_ROOT/var/tmp/seen/proc")
        [ $((rounds * 1000 / msec)) -ge 100 ]
}

# Can this uid signal any process of um?
signals_refused() {
        local pid
        for pid in $(lab_enter pgrep -f '^/usr/libexec/um/'); do
                lab_exec setpriv --reuid="$1" --regid="$1" --clear-groups kill -0 "$pid" && return 1
        done
        [ -n "$pid" ]
}

one_uid_of_its_own() {
        lab_enter sh -c 'for p in $(pgrep -f "^/usr/libexec/um/(umd|um-vault)"); do sed -n "s/^Uid:\t//p" /proc/$p/status; done' |
                awk '{ if ($1 != $2 || $2 != $3 || $1 == 0 || seen[$1]++) bad = 1 } END { exit bad || NR != 2 }'
}

lab_begin
lab_debs
ck "the packages install" lab_install "$LAB_DEBS"/*.deb
ck "umd is up and well" eventually 5 um status

lab_put "$LAB_DIR/../../docs/examples/users-with-busctl.sh" /usr/local/bin/users-with-busctl 0755
ck "the example with busctl runs, on both buses" has 'the end' lab_exec /usr/local/bin/users-with-busctl carol
ck "introspect shows the objects" has 'CreateUser +method +sa\{sv\}a\{sv\} +ous' \
        lab_exec busctl --no-pager --address=unix:path=/run/um/bus introspect org.um1 /org/um1

# ---- watched
gcc -D_GNU_SOURCE -Wall -Wextra -Werror -O1 -o "$LAB/proc_watch" "$LAB_DIR/standin/proc_watch.c" || lab_fault "no proc_watch"
lab_put "$LAB/proc_watch" /usr/bin/proc_watch 0755
lab_sh 'mkdir -p /var/tmp/seen
        systemd-run --quiet --unit=watch-bus sh -c "exec busctl capture --system >/var/tmp/seen/bus"
        systemd-run --quiet --unit=watch-proc sh -c "exec proc_watch Never-shown- >/var/tmp/seen/proc"'
ck "the watchers watch" eventually 5 lab_sh 'test -s /var/tmp/seen/bus && pgrep -x proc_watch'
scenario >"$LAB/scenario.log" 2>&1
# What they would see, seen: 20 short processes, a call with the same type as a password's, a line in the log.
lab_sh 'a=88 b=99; for i in $(seq 20); do FOO=Never-shown-$b sh -c "sleep 0.01" Never-shown-$a; done
        busctl call org.um1 /org/um1 org.um1.Manager Nope ay 7 67 111 110 116 114 111 108 || :; logger -t control Control-7170'
lab_sh 'systemctl stop watch-bus watch-proc; journalctl --sync; journalctl -b -o export >/var/tmp/seen/journal'
ck "the scenario ran" grep -q 'user.password' "$LAB/scenario.log"
ck "the watcher saw the bus, bytes in arrays too" grep -aq Control "$LAB_ROOT/var/tmp/seen/bus"
ck "no password on the system bus" refused grep -aqE 'Never-shown-[0-9]' "$LAB_ROOT/var/tmp/seen/bus"
ck "the watcher saw every process, 100 times a second or more" saw_processes
ck "no password in a command line or environment" lacks 'Never-shown-(5150|6160)' cat "$LAB_ROOT/var/tmp/seen/proc"
ck "a setup code was made" test -n "$SETUP"
ck "the logs can be looked into" eval 'grep -aq Control-7170 "$LAB_ROOT/var/tmp/seen/journal" && grep -aq "^_SYSTEMD_UNIT=umd.service" "$LAB_ROOT/var/tmp/seen/journal"'
ck "no password or code in any log" refused grep -arqE "Never-shown-(5150|6160)|${SETUP:-none}" "$LAB_ROOT/var/log" "$LAB_ROOT/var/tmp/seen/journal"
ck "the store can be looked into" in_store 'self-service'
ck "nor in the store" refused in_store "Never-shown-[0-9]|${SETUP:-none}"
ck "no hash in the store either" refused in_store '\$y\$|\$6\$'
ck "show and audit say no more than that there is one" refused grep -qE "Never-shown|\\\$y\\\$" "$LAB/scenario.log"

# ---- processes
ck "umd and um-vault have uids of their own, real, effective and saved" one_uid_of_its_own
ck "um's own uid can signal umd" lab_sh 'setpriv --reuid=um --regid=um --clear-groups kill -0 $(pgrep -x umd)'
ck "a user of um cannot signal them" signals_refused 65536
ck "nobody cannot either" signals_refused 65534
ck "root can read um-vault's maps" lab_sh 'head -c 1 /proc/$(pgrep -x um-vault)/maps'
ck "um's own uid can read its own" lab_sh 'setpriv --reuid=um --clear-groups --regid=um head -c 1 /proc/self/maps'
ck "um's own uid cannot read um-vault's memory" refused lab_sh 'setpriv --reuid=um --clear-groups --regid=um head -c 1 /proc/$(pgrep -x um-vault)/maps'
ck "they leave no core" lab_sh 'grep -q "Max core file size  *0 " /proc/$(pgrep -x umd)/limits && grep -q "Max core file size  *0 " /proc/$(pgrep -x um-vault)/limits'
ck "umd has no capability" lab_sh 'grep -q "^CapEff:.0000000000000000" /proc/$(pgrep -x umd)/status'
ck "umd has no network but a loopback of its own" test "$(lab_sh 'nsenter -t $(pgrep -x umd) -n ip -o link' | awk '{print $2}' | xargs)" = lo:
# ---- a password where the name is asked, of a form that a name could have and of one that none has; everybody tells all he can
TYPED=hidden-otter-4711
TYPED_TOO='Hidden Otter 4712'
lab_sh 'sed -i "/pam_um\.so/s/$/ debug/" /etc/pam.d/common-auth /etc/pam.d/common-account
        mkdir -p /run/systemd/system/umd.service.d
        { printf "[Service]\nExecStart=\n"; sed -n "s/^ExecStart=.*/& --debug/p" /lib/systemd/system/umd.service; } >/run/systemd/system/umd.service.d/debug.conf
        systemctl daemon-reload; systemctl restart umd.service'
ck "umd is up, and tells all it can" eventually 5 um status

# um_tells: the journal's lines of um's units and of pam_um, whoever's process it was in
um_tells() {
        lab_sh 'journalctl --sync; journalctl -b -o cat -u umd.service -u um-vault.service -u um-quality.service -u um-notify.service -u um-fido.service -u um-helper.service
                journalctl -b -o cat | grep "pam_um("'
}

console_refuses() {
        lab_talk "$(lab_tty_line '/bin/login -p')" 'login: ' "$1" 'assword: ' wrong-one-4713 'ncorrect' ^C
}
for typed in "$TYPED" "$TYPED_TOO"; do
        ck "144: ssh refuses $typed" says 'ermission denied' lab_ssh "$typed" wrong-one-4713 true
        ck "144: and login" says 'ncorrect' console_refuses "$typed"
done
lab_sh 'systemctl stop umd.socket umd.service'
ck "144: ssh refuses with umd away" says 'ermission denied' lab_ssh "$TYPED" wrong-one-4713 true
lab_sh 'systemctl start umd.socket umd.service'
ck "144: umd is back" eventually 5 um status
ck "144: sshd itself has it in its log" has "nvalid user $TYPED" lab_sh 'journalctl -b -o cat -t sshd'
ck "144: pam_um has a line on it, without it" has 'pam_um\(sshd:auth\): verdict .* for a name that nobody has' um_tells
ck "144: and with umd away" has 'no answer from umd for a name that nobody has' um_tells
ck "144: nothing of um's has it in a line" lacks '[hH]idden[- ][oO]tter|wrong-one' um_tells
ck "144: the audit log has them as somebody" has 'authenticate +user/~[0-9a-f]{12}' um audit log --type login
ck "144: and not by it" lacks '[hH]idden[- ][oO]tter|wrong-one' um audit log --limit 1000
ck "144: nor the store" refused in_store '[hH]idden[- ][oO]tter|wrong-one'

ck "umd's exposure" score_at_most umd.service 10
ck "um-vault's" score_at_most um-vault.service 5
ck "um-helper's" score_at_most um-helper.service 20
checks_done
