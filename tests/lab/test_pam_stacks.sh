#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The PAM stacks the packages make, with a stand-in for pam_um.so: every service of the host, every facility,
# every code a module can return, the module missing and damaged. Rules (judge.py): a user of um succeeds only when
# pam_um says so; local users and root get what they get without um, and pam_um is never asked about them.
set -uo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"

lab_debs
lab_begin
all_codes=$(seq -s, 0 31)
results=$LAB/matrix

lab_user bob Passw0rd-2
lab_standin || lab_fault "no stand-ins"
lab_sh "rm $LAB_PAM_UM $LAB_LIBDIR/libnss_um.so.2" # only pam_matrix, until the packages are there
lab_sh 'echo root:Passw0rd-0 | chpasswd; sed -i "/pam_nologin/d" /etc/pam.d/*'
ssh-keygen -q -t ed25519 -N '' -f "$LAB/key"
lab_sh 'install -d -m 700 -o bob /home/bob/.ssh; install -d -m 700 /root/.ssh'
lab_put "$LAB/key.pub" /home/bob/.ssh/authorized_keys
lab_put "$LAB/key.pub" /root/.ssh/authorized_keys
# a session a service would start and stop a user manager each time; test_logins has those
lab_sh 'systemctl mask user@.service user-runtime-dir@.service'
services=$(lab_enter sh -c 'cd / && ls etc/pam.d usr/lib/pam.d 2>/dev/null | grep -vE "^common-|:$|^$" | sort -u | tr "\n" " "')

matrix() {
        local label=$1 codes=$2 user
        shift 2
        for user in "$@"; do
                # shellcheck disable=SC2086  # a list of services
                case $user in
                bob-wrong) lab_exec pam_matrix "$label" bob wrong "$codes" $services | sed 's/ bob / bob-wrong /' ;;
                root) lab_exec pam_matrix "$label" root Passw0rd-0 "$codes" $services ;;
                bob) lab_exec pam_matrix "$label" bob Passw0rd-2 "$codes" $services ;;
                carol) lab_exec pam_matrix "$label" carol anything "$codes" $services ;;
                esac
        done >>"$results"
}

# What every module's state has to leave alone: the ways in of those whom um does not own.
local_logins() {
        local what=$1
        ck "$what: ssh, password, local user" lab_ssh bob Passw0rd-2 true
        ck "$what: ssh, key, local user" lab_ssh_key bob "$LAB/key" true
        ck "$what: ssh, key, root" lab_ssh_key root "$LAB/key" true
        ck "$what: login(1), root" has 'uid=0\(root\)' lab_talk "$(lab_tty_line /bin/login -p)" 'login: ' root 'assword: ' \
                Passw0rd-0 '# ' 'id; exit'
        ck "$what: su to root, asked for the password" has 'uid=0\(root\)' \
                lab_talk "$(lab_tty_line --uid=bob su -c id)" 'assword: ' Passw0rd-0
        ck "$what: su from root" has '\(bob\)' lab_exec su bob -c id
        ck "$what: sudo" has 'uid=0' lab_talk "$(lab_tty_line --uid=bob sudo -k -p SUDO: id)" 'SUDO:' Passw0rd-2
        ck "$what: a local user changes his password" changes_password
        ck "$what: root sets it" has 'bob' lab_sh 'echo bob:Passw0rd-2 | chpasswd; chage -l bob >/dev/null; echo bob'
}

changes_password() {
        lab_talk "$(lab_tty_line --uid=bob passwd)" 'urrent password: ' Passw0rd-2 'ew password: ' Zebra-lamp-77 \
                'ew password: ' Zebra-lamp-77 || return
        lab_ssh bob Zebra-lamp-77 true
}

# cron runs a local user's job within a minute and its stack is in the matrix; here its account phase by itself
cron_job() {
        lab_sh 'echo "* * * * * bob touch /tmp/cron-ran" >/etc/cron.d/lab; rm -f /tmp/cron-ran'
        eventually 70 lab_enter test -e /tmp/cron-ran
}

lab_sh 'usermod -aG sudo bob'
matrix before - root bob bob-wrong
ck "the PAM and NSS packages install" lab_install "$LAB_DEBS"/lib*.deb
lab_standin || lab_fault "no stand-ins"
ck "pam-auth-update took both profiles" has 'pam_um.so' lab_enter grep -h pam_um.so /etc/pam.d/common-auth \
        /etc/pam.d/common-account /etc/pam.d/common-session /etc/pam.d/common-session-noninteractive /etc/pam.d/common-password
ck "the user of um resolves, with *" has '^carol:\*:70000' lab_enter getent passwd carol
matrix without-um - carol
lab_sh 'pam-auth-update --package --remove um um-password'
matrix removed - carol
lab_sh 'pam-auth-update --package'
matrix with "$all_codes" carol
matrix with ${UM_TEST_FULL:+1,2,10,12,25,31,}0,6 root bob bob-wrong
local_logins "pam_um refuses" # the stand-in's last code

lab_sh "mv $LAB_PAM_UM /root/pam_um.so"
matrix missing - carol root bob bob-wrong
local_logins "pam_um.so missing"
# tests/packaging tries every length by itself
for bytes in ${UM_TEST_FULL:+63 700 8192} 4000; do
        lab_sh "head -c $bytes /root/pam_um.so >$LAB_PAM_UM"
        matrix truncated - carol root bob bob-wrong
done
local_logins "pam_um.so truncated"
lab_sh ": >$LAB_PAM_UM"
matrix empty - carol root bob bob-wrong
ck "cron runs a local user's job with pam_um.so damaged" cron_job
lab_sh "install -m 644 /root/pam_um.so $LAB_PAM_UM"

ck "the rules hold for all of it" /usr/bin/python3 "$LAB_DIR/judge.py" "$results"
checks_done
