#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What test_outage asks of each state of disrepair, measured: local lookups and logins are the same and no slower, users of um
# are refused in time, by key too; and the machine boots with um masked, or with a umd that hangs.
set -uo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"

lab_debs
lab_begin
lab_locals || lab_fault "no local users"

# What a host without um answers, and how fast.
lookups() {
        lab_exec sh -c 'id root; id bob; getent passwd root bob; getent group sudo; ls -ld /etc/shadow /home/bob | cut -d" " -f1-4'
}
plain=$(lookups)
plain_id=$(lab_median_usec 'id bob')
plain_su=$(lab_median_usec 'su bob -c true')
lab_install "$LAB_DEBS"/*.deb >"$LAB/install.log" 2>&1 || {
        cat "$LAB/install.log"
        lab_fault "the packages do not install"
}
ck "a user of um" lab_exec umctl user add alice --password <<<Wonder-land-9
ck "she gets in when all is well" lab_ssh alice Wonder-land-9 true
lab_no_watchdog

within() { # within MSEC COMMAND...: refused, and in that time
        local limit=$1 start
        shift
        start=$(now_msec)
        ! "$@" || return
        echo "took $(($(now_msec) - start)) ms, at most $limit"
        [ $(($(now_msec) - start)) -le "$limit" ]
}

# alike PLAIN COMMAND: prints both medians. They are figures; what is judged is that nobody was asked and waited for: a lookup that
# asks a umd that hangs takes its whole deadline of 250 ms, a login 4.5 s.
alike() {
        local now
        now=$(lab_median_usec "$2")
        echo "$now us, without um $1 us"
        [ "$now" -le $(($1 + 250000)) ]
}

# broken WHAT MSEC: judges the state the guest is in; MSEC for the refusal of a user of um.
broken() {
        ck "$1: lookups of local names are the same" diff <(echo "$plain") <(lookups)
        ck "$1: id of a local user waits for nobody" alike "$plain_id" 'id bob'
        ck "$1: a local login waits for nobody" alike "$plain_su" 'su bob -c true'
        # sshd's own delays and the login's grace are in this, pam_um's answer is what the limit is about
        ck "$1: a user of um is refused in time" within "$2" lab_exec su -s /bin/sh nobody -c 'echo Wonder-land-9 | su alice -c true'
        ck "$1: by ssh too" refused lab_ssh alice Wonder-land-9 true
        ck "$1: and with the right key as well" refused lab_ssh_key alice "$LAB/key" true
}

lab_sh 'umask 077; mkdir -p /home/alice/.ssh; cp /root/.ssh/authorized_keys /home/alice/.ssh/; chown -R alice:alice /home/alice'
ck "her key opens when all is well" lab_ssh_key alice "$LAB/key" true

lab_sh 'systemctl stop umd.socket umd.service'
broken "stopped" 3500
ck "stopped: she is still known, the map outlives umd" lab_enter id alice
lab_sh 'systemctl start umd.socket umd.service'
ck "started again: she gets in" lab_ssh alice Wonder-land-9 true

lab_sh 'systemctl kill -s STOP umd.service'
broken "hung" 6000
lab_sh 'systemctl kill -s CONT umd.service'
ck "goes on: she gets in" eventually 10 lab_ssh alice Wonder-land-9 true

lab_sh 'systemctl kill -s STOP um-vault.service'
ck "vault hung: refused in time" within 8000 lab_exec su -s /bin/sh nobody -c 'echo Wonder-land-9 | su alice -c true'
ck "vault hung: ssh, local user" lab_ssh bob "$LAB_PASSWORD" true
lab_sh 'systemctl kill -s CONT um-vault.service'

lab_sh 'systemctl stop umd.socket umd.service um-vault.socket um-vault.service um-quality.socket um-quality.service um-notify.socket um-notify.service um-fido.socket um-fido.service um-helper.socket um-helper.service
        systemctl mask --now umd.socket umd.service um-vault.socket um-quality.socket um-notify.socket um-fido.socket um-helper.socket'
lab_reboot
ck "masked: the machine boots" has 'running|degraded' lab_enter systemctl is-system-running
broken "masked, after a reboot" 3500
lab_local_logins "masked, after a reboot"
lab_sh 'systemctl unmask umd.socket umd.service um-vault.socket um-quality.socket um-notify.socket um-fido.socket um-helper.socket
        systemctl start um-vault.socket um-quality.socket um-notify.socket um-fido.socket um-helper.socket umd.socket umd.service'
ck "unmasked: she gets in" lab_ssh alice Wonder-land-9 true

lab_sh 'systemctl stop umd.socket umd.service; mv /run/um /run/um.away'
broken "/run/um gone" 3500
lab_sh 'mv /run/um.away /run/um; systemctl start umd.socket umd.service'

lab_sh 'systemctl stop umd.service; cd /var/lib/um; for f in *; do mv "$f" "$f.good"; head -c 100000 /dev/urandom >"$f"; chown um:um "$f"; done
        systemctl start --no-block umd.socket umd.service'
broken "store damaged" 6000
lab_sh 'systemctl stop umd.service; cd /var/lib/um; for f in *.good; do mv "$f" "${f%.good}"; done; systemctl start umd.service'
ck "store back: she gets in" eventually 10 lab_ssh alice Wonder-land-9 true

lab_sh 'mkdir -p /run/systemd/system/umd.service.d; mkdir -p /etc/systemd/system/umd.service.d
        printf "[Service]\nExecStart=\nExecStart=/bin/sleep infinity\n" >/etc/systemd/system/umd.service.d/hang.conf; sync'
lab_stop
start=$SECONDS
lab_start
ck "umd hangs at boot: up in $((SECONDS - start)) s" test $((SECONDS - start)) -le 30
ck "umd hangs at boot: ssh, local user" lab_ssh bob "$LAB_PASSWORD" true
lab_sh 'rm -r /etc/systemd/system/umd.service.d; systemctl daemon-reload; systemctl restart --no-block umd.service'
ck "umd is itself again: she gets in" eventually 30 lab_ssh alice Wonder-land-9 true

lab_sh 'systemctl stop umd.socket umd.service; rm -rf /run/um; systemctl mask umd.socket umd.service'
ck "not there at all: local logins" lab_ssh bob "$LAB_PASSWORD" true
# The ticks (1/100 s) that the guest's processes have used, those that ended too: their parents and at last process 1 count them.
ticks() {
        # shellcheck disable=SC2016
        lab_enter sh -c 'cat /proc/[0-9]*/stat 2>/dev/null' | sed 's/.*) //' | awk '{ sum += $12 + $13 + $14 + $15 } END { print sum }'
}
# used SECONDS: in so many seconds.
used() {
        local before after
        before=$(ticks)
        sleep "$1"
        after=$(ticks)
        echo $((after - before))
}
quiet() {
        local ticks
        ticks=$(used "$1")
        echo "$ticks ticks in $1 s"
        [ "$ticks" -ge 0 ] && [ "$ticks" -lt "$1" ] # 1 %
}
seconds=${UM_TEST_FULL:+60}
ck "not there at all: less than 1 % of a processor is used" eventually 120 quiet "${seconds:-10}"
lab_sh 'systemd-run --quiet --unit=loop sh -c "while :; do :; done"'
ck "a loop would be seen" refused quiet 2
lab_sh 'systemctl stop loop'
checks_done
