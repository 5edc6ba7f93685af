#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# um's parts stopped, hung, masked, broken or gone: root and local users log in as before and change their passwords, um's users
# are refused in time, and never let in (catalogue 1-5, 7-9, 11, 15, 16).
set -uo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"

PW=Quartz-lamp-41
PW_LOCAL=Passw0rd-1
PW_ROOT=Root-pass-9

um() {
        lab_exec umctl "$@"
}

# Local people by every door; each prints its milliseconds.
locals_in() {
        local start bad=0 door
        for door in "ssh:lab_ssh local $PW_LOCAL true" "root:lab_ssh root $PW_ROOT true" "su:lab_exec su - local -c true" \
                "sudo:lab_exec su local -c 'sudo -n true'" "id:lab_exec id local" "login:local_login"; do
                start=$(now_msec)
                eval "${door#*:}" >/dev/null 2>&1 || {
                        echo "${door%%:*} failed"
                        bad=1
                }
                echo "${door%%:*} $(($(now_msec) - start)) ms"
        done
        return $bad
}

local_login() {
        lab_talk "$(lab_tty_line '/bin/login -p')" 'login: ' local 'assword: ' $PW_LOCAL '\$ ' 'exit'
}

local_passwd() {
        lab_talk "$(lab_tty_line "--uid=local passwd")" 'urrent password: ' "$1" 'ew password: ' "$2" 'etype' "$2"
}

# su as the um user from another: the PAM verdict without ssh's own delays.
um_refused_within() {
        local limit=$1 start took
        start=$(now_msec)
        lab_talk "$(lab_tty_line "--uid=nobody su - alice -c id")" 'assword: ' $PW && return 1
        took=$(($(now_msec) - start))
        echo "$took ms"
        [ $took -le "$limit" ]
}

um_refused() {
        ! lab_ssh alice $PW true
}

around() {
        local what=$1 limit=$2
        ck "$what: local people log in" locals_in
        ck "$what: a um user is refused by ssh" um_refused
        ck "$what: and by su within $limit ms" um_refused_within "$limit"
}

lab_begin
lab_debs
lab_user local $PW_LOCAL
lab_exec chpasswd <<<"root:$PW_ROOT"
lab_sh 'printf "PermitRootLogin yes\n" >/etc/ssh/sshd_config.d/root.conf; systemctl restart ssh
        printf "local ALL=(ALL) NOPASSWD: ALL\n" >/etc/sudoers.d/local'
ck "before um: local people log in" locals_in
ck "the packages install" lab_install "$LAB_DEBS"/*.deb
um user add alice >/dev/null
lab_exec umctl user passwd alice <<<$PW >/dev/null
ck "with um: local people log in" locals_in
ck "with um: alice logs in" lab_ssh alice $PW true
lab_no_watchdog
ck "with um: its processes are found" has umd lab_enter pgrep -af '^/usr/libexec/um/'

lab_sh 'systemctl stop umd.socket umd.service'
around "stopped" 3500
ck "stopped: lookups are still answered from the map" has '^alice:' lab_exec getent passwd alice
ck "stopped: a local password can be changed" local_passwd $PW_LOCAL Other-pass-5
ck "stopped: and back" local_passwd Other-pass-5 $PW_LOCAL
lab_sh 'systemctl start umd.socket umd.service'
ck "started again: alice logs in" eventually 10 lab_ssh alice $PW true

lab_sh 'systemctl kill -s STOP --kill-whom=main umd.service'
around "hung" 9000
ck "hung: a local password can be changed" local_passwd $PW_LOCAL Other-pass-5
ck "hung: and back" local_passwd Other-pass-5 $PW_LOCAL
lab_sh 'systemctl kill -s CONT --kill-whom=main umd.service'
ck "going on: alice logs in" eventually 15 lab_ssh alice $PW true

lab_sh 'systemctl mask --now --runtime umd.socket umd.service um-vault.socket um-vault.service um-quality.socket um-quality.service um-notify.socket um-notify.service um-fido.socket um-fido.service um-helper.socket um-helper.service'
around "masked" 3500
ck "masked: no process of um is left" rc_is 1 lab_enter pgrep -af '^/usr/libexec/um/'
lab_sh 'systemctl unmask --runtime umd.socket umd.service um-vault.socket um-vault.service um-quality.socket um-quality.service um-notify.socket um-notify.service um-fido.socket um-fido.service um-helper.socket um-helper.service
        systemctl start umd.socket um-vault.socket um-quality.socket um-notify.socket um-fido.socket um-helper.socket umd.service'
ck "unmasked: alice logs in" eventually 10 lab_ssh alice $PW true

lab_sh 'systemctl stop umd.service umd.socket; mv /run/um /run/um-away'
around "/run/um gone" 3500
ck "/run/um gone: lookups of local names are as before" has '^root:x:0:0' lab_exec getent passwd root
ck "/run/um gone: ls -ln, id, getent answer" lab_sh 'ls -ln / >/dev/null; id root; getent passwd local'
lab_sh 'mv /run/um-away /run/um; systemctl start umd.socket umd.service'
ck "/run/um back: alice logs in" eventually 10 lab_ssh alice $PW true

lab_sh 'systemctl stop umd.service; mv /var/lib/um/data.mdb /var/lib/um/away; dd if=/dev/urandom of=/var/lib/um/data.mdb bs=64k count=1 status=none
        chown um:um /var/lib/um/data.mdb; chmod 600 /var/lib/um/data.mdb; systemctl start umd.service'
ck "damaged store: status says so, exit 1" eventually 5 has 'not served' rc_is 1 um status
around "damaged store" 3500
ck "damaged store: lookups of um's users are not answered wrongly" refused lab_exec getent passwd alice
ck "damaged store: no user can be made" refused um user add mallory
ck "damaged store: the journal says what" has 'damaged|not a store' lab_enter journalctl -b -u umd --no-pager
lab_sh 'systemctl stop umd.service; chmod 000 /var/lib/um/data.mdb; systemctl start umd.service'
around "unreadable store" 3500
lab_sh 'systemctl stop umd.service; mv -f /var/lib/um/away /var/lib/um/data.mdb; systemctl start umd.service'
ck "mended: alice logs in" eventually 10 lab_ssh alice $PW true

lab_sh "mv $LAB_PAM_UM /root/pam_um.so"
around "pam_um.so missing" 6000
ck "pam_um.so missing: a local password can be changed" local_passwd $PW_LOCAL Other-pass-5
ck "pam_um.so missing: and back" local_passwd Other-pass-5 $PW_LOCAL
# Cut at several lengths, whole doors each time; tests/packaging tries every length by itself.
size=$(lab_sh 'stat -c %s /root/pam_um.so')
for bytes in 0 64 4096 $((size / 2)) $((size - 1)); do
        lab_sh "head -c $bytes /root/pam_um.so >$LAB_PAM_UM"
        around "pam_um.so cut to $bytes bytes" 6000
done
lab_sh "mv -f /root/pam_um.so $LAB_PAM_UM"
ck "module back: alice logs in" lab_ssh alice $PW true

# A full disk: the store on one of its own, which something else fills up.
store_on_disk() {
        lab_sh 'set -e; systemctl stop umd.socket umd.service; mkdir -p /srv/disk; mount -t tmpfs -o size=64m,mode=0755 tmpfs /srv/disk
                cp -a --sparse=always /var/lib/um /srv/disk/um; mount --bind /srv/disk/um /var/lib/um; systemctl start umd.socket umd.service'
}
disk_fill() {
        lab_sh 'dd if=/dev/zero of=/srv/disk/filler bs=4k status=none conv=notrunc oflag=append 2>/dev/null || true; [ "$(df --output=avail /srv/disk | tail -n 1)" -eq 0 ]'
}
# What was reserved is zeros: it goes to the filler too; then changes use up the pages that were free within the store.
reserve_take() {
        lab_sh 'set -e; systemctl stop umd.socket umd.service; fallocate --dig-holes /srv/disk/um/data.mdb' && disk_fill &&
                lab_sh 'systemctl start umd.socket umd.service
                        i=0
                        while [ $i -lt 3000 ] && why=$(umctl user set alice --title "$(printf "%0250d" $i)" 2>&1); do i=$((i + 1)); done
                        echo "after $i changes: $why"
                        echo "$why" | grep -q "No space left on device"'
}
store_back() {
        lab_sh 'set -e; systemctl stop umd.socket umd.service; umount /var/lib/um; cp -a --sparse=always /srv/disk/um/. /var/lib/um/; umount /srv/disk
                systemctl start umd.socket umd.service'
}
ck "a disk of its own" store_on_disk
ck "a disk of its own: alice logs in" eventually 10 lab_ssh alice $PW true
ck "something fills it up" disk_fill
ck "full disk: alice logs in" lab_ssh alice $PW true
lab_sh 'systemctl restart umd.service'
ck "full disk: alice logs in after a restart" eventually 10 lab_ssh alice $PW true
ck "full disk: a wrong password is counted" refused lab_ssh alice wrong true
ck "full disk: she is told of it" has '1 failed login' lab_talk "$(lab_ssh_line alice id)" 'assword: ' $PW
ck "full disk: no user can be made, and why" has 'the disk of its store is full' refused um user add mallory
ck "full disk: status says so, exit 1" has 'disk is full' rc_is 1 um status
ck "full disk: the journal says so" has 'the disk is full' lab_enter journalctl -b -u umd --no-pager
ck "the reserve is gone too" reserve_take
ck "reserve gone: sooner or later a login cannot be counted, and is refused" eventually 20 um_refused
ck "reserve gone: local people log in" locals_in
ck "reserve gone: the journal says so" has 'the store cannot be written: logins and changes are refused' lab_enter journalctl -b -u umd --no-pager
lab_sh 'rm /srv/disk/filler'
ck "room again: alice logs in" eventually 20 lab_ssh alice $PW true
ck "room again: a user can be made" eventually 10 um user add carol
ck "room again: status is well" eventually 10 um status
ck "back on the old disk" store_back
ck "back on the old disk: alice logs in" eventually 10 lab_ssh alice $PW true
ck "the chain is whole after all that" has 'ok$' um audit verify
checks_done
