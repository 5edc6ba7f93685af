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

lab_locals || lab_fault "no local users"
lab_standin || lab_fault "no stand-ins"
lab_sh "rm $LAB_PAM_UM $LAB_LIBDIR/libnss_um.so.2" # only pam_matrix, until the packages are there
lab_sh 'sed -i "/pam_nologin/d" /etc/pam.d/*'
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
                root) lab_exec pam_matrix "$label" root "$LAB_ROOT_PASSWORD" "$codes" $services ;;
                bob) lab_exec pam_matrix "$label" bob "$LAB_PASSWORD" "$codes" $services ;;
                carol) lab_exec pam_matrix "$label" carol anything "$codes" $services ;;
                esac
        done >>"$results"
}

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
lab_local_logins "pam_um refuses" # the stand-in's last code

lab_sh "mv $LAB_PAM_UM /root/pam_um.so"
matrix missing - carol root bob bob-wrong
lab_local_logins "pam_um.so missing"
# tests/packaging tries every length by itself
for bytes in ${UM_TEST_FULL:+63 700 8192} 4000; do
        lab_sh "head -c $bytes /root/pam_um.so >$LAB_PAM_UM"
        matrix truncated - carol root bob bob-wrong
done
lab_local_logins "pam_um.so truncated"
lab_sh ": >$LAB_PAM_UM"
matrix empty - carol root bob bob-wrong
ck "cron runs a local user's job with pam_um.so damaged" lab_cron bob
lab_sh "install -m 644 /root/pam_um.so $LAB_PAM_UM"

ck "the rules hold for all of it" /usr/bin/python3 "$LAB_DIR/judge.py" "$results"
checks_done
