# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# The ways into the guest, as checks. See lab.sh for what callers use.

LAB_PASSWORD=Passw0rd-2 LAB_ROOT_PASSWORD=Passw0rd-0

# lab_locals: a local user bob, in group sudo, and root, with passwords and a key ($LAB/key).
lab_locals() {
        lab_user bob "$LAB_PASSWORD" sudo && lab_sh 'chpasswd' <<<"root:$LAB_ROOT_PASSWORD" || return
        ssh-keygen -q -t ed25519 -N '' -f "$LAB/key"
        lab_sh 'install -d -m 700 -o bob /home/bob/.ssh; install -d -m 700 /root/.ssh'
        lab_put "$LAB/key.pub" /home/bob/.ssh/authorized_keys
        lab_put "$LAB/key.pub" /root/.ssh/authorized_keys
}

# lab_local_logins WHAT: what must work whatever state um is in.
lab_local_logins() {
        local what=$1
        ck "$what: ssh, password, local user" lab_ssh bob "$LAB_PASSWORD" true
        ck "$what: ssh, key, local user" lab_ssh_key bob "$LAB/key" true
        ck "$what: ssh, key, root" lab_ssh_key root "$LAB/key" true
        ck "$what: a wrong password of a local user is refused by su" says 'su: Authentication failure' \
                lab_talk "$(lab_tty_line --uid=nobody su bob -c id)" 'assword: ' wrong
        ck "$what: login(1), root" has 'uid=0\(root\)' lab_talk "$(lab_tty_line /bin/login -p)" 'login: ' root \
                'assword: ' "$LAB_ROOT_PASSWORD" '# ' 'id; exit'
        ck "$what: su to root, asked for the password" has 'uid=0\(root\)' \
                lab_talk "$(lab_tty_line --uid=bob su -c id)" 'assword: ' "$LAB_ROOT_PASSWORD"
        ck "$what: su from root" has '\(bob\)' lab_exec su bob -c id
        ck "$what: sudo" has 'uid=0' lab_talk "$(lab_tty_line --uid=bob sudo -k -p SUDO: id)" 'SUDO:' "$LAB_PASSWORD"
        ck "$what: a local user changes his password" lab_local_change
        ck "$what: root sets one" lab_exec chpasswd <<<"bob:$LAB_PASSWORD"
}

lab_local_change() {
        lab_talk "$(lab_tty_line --uid=bob passwd)" 'urrent password: ' "$LAB_PASSWORD" 'ew password: ' Zebra-lamp-77 \
                'ew password: ' Zebra-lamp-77 && lab_ssh bob Zebra-lamp-77 true && lab_exec chpasswd <<<"bob:$LAB_PASSWORD"
}

# lab_cron USER: a job of the user's runs. cron runs its @reboot jobs when it starts, which is sooner than the next minute.
lab_cron() {
        lab_sh "rm -f /tmp/cron-$1 /run/crond.reboot; echo '@reboot $1 touch /tmp/cron-$1' >/etc/cron.d/lab-$1; systemctl restart cron"
        eventually 30 lab_enter test -e "/tmp/cron-$1" && lab_sh "rm /etc/cron.d/lab-$1 /tmp/cron-$1"
}

# lab_no_watchdog: a umd that is stopped stays so; as shipped, systemd ends it after half a minute.
lab_no_watchdog() {
        lab_sh 'mkdir -p /etc/systemd/system/umd.service.d
                printf "[Service]\nWatchdogSec=0\n" >/etc/systemd/system/umd.service.d/watchdog.conf
                systemctl daemon-reload; systemctl restart umd.service' || lab_fault "umd was not set up"
}

# lab_median_usec COMMAND: how long a line of shell takes inside, the median of nine.
lab_median_usec() {
        # shellcheck disable=SC2016
        lab_exec bash -c 'for i in 1 2 3 4 5 6 7 8 9; do
                start=${EPOCHREALTIME/./}
                eval "$1" >/dev/null 2>&1
                echo $((${EPOCHREALTIME/./} - start))
        done | sort -n | sed -n 5p' - "$1"
}
