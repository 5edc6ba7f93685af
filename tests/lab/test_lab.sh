#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The lab itself: what every other test here stands on. No part of um is in it.
set -uo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"

# The guest's process 1, a bare process inside and a unit have the same capabilities, CAP_SYS_TIME (bit 25) not
# among them. Looked at, never tried.
same_capabilities() {
        local one enter unit
        one=$(lab_enter sed -n 's/^CapBnd:\t//p' /proc/1/status)
        enter=$(lab_enter sed -n 's/^CapEff:\t//p' /proc/self/status)
        unit=$(lab_exec sed -n 's/^CapEff:\t//p' /proc/self/status)
        echo "$one $enter $unit"
        [ "$one" = "$enter" ] && [ "$one" = "$unit" ] && (((0x$one >> 25 & 1) == 0))
}

impatient() {
        UM_LAB_TALK_LIMIT=1 lab_talk "$@"
}

# A lab whose owner is killed with -9 stays; the next reap takes it away, and never a living one's.
reaps_the_killed() {
        local owner
        # shellcheck disable=SC2016
        bash -c '. "$1"; lab_begin; kill -KILL $$' - "$LAB_DIR/lab.sh" &
        owner=$!
        wait $owner 2>/dev/null
        [ -e "$UM_LAB_STATE/$owner/owner" ] || return
        "$LAB_DIR/lab" reap
        nothing_left "$owner" && lab_enter true
}

# A lab ended by a signal, as a time limit does it, takes itself down.
down_on_term() {
        local owner
        # shellcheck disable=SC2016
        bash -c '. "$1"; lab_begin; kill -TERM $$; lab_fault "not ended"' - "$LAB_DIR/lab.sh" &
        owner=$!
        wait $owner
        [ $? = 143 ] && nothing_left "$owner"
}

nothing_left() {
        local id=$1 dir
        ip netns list | grep -E -- "-$id( |\$)" && return 1
        for dir in "$UM_LAB_STATE/$id" $(lab_cgroups "$id"); do
                [ ! -e "$dir" ] || {
                        echo "left: $dir"
                        return 1
                }
        done
        ! grep -F "$UM_LAB_STATE/$id/" /proc/mounts
}

# What a careless lab would change on the machine that runs it.
host() {
        cat /etc/{passwd,group,shadow,nsswitch.conf,hosts} /etc/pam.d/*
        grep -v ' /run/netns' /proc/mounts # other labs come and go
        ip addr
}

before=$(host)
ck "image and boot" lab_image
start=$(now_msec)
lab_begin
ck "booted to running in $(($(now_msec) - start)) ms" has '^running$' lab_enter systemctl is-system-running
ck "a command as a unit; its exit status comes back" rc_is 7 lab_exec sh -c 'exit 7'
ck "its input and output too" has '^HELLO$' lab_exec tr a-z A-Z <<<hello
# shellcheck disable=SC2016
ck "and its shell's own variables" has '^a \$ x$' lab_exec sh -c 'f=a.b; echo "${f%.b}" "$" "$1"' - x
ck "the guest has no more capabilities than its process 1" same_capabilities
ck "no network out" refused lab_exec ip route get 192.0.2.1
ck "logind, polkit and the bus answer" has 'org.freedesktop.login1' lab_enter busctl --no-pager list
ck "a local user" lab_user alice Passw0rd-1 sudo
ck "another" lab_user bob Passw0rd-2
ck "ssh with a password, from the other host" has "RemoteHost=$LAB_CLIENT" \
        lab_ssh alice Passw0rd-1 'loginctl show-session $XDG_SESSION_ID'
ck "a wrong password is refused" refused lab_ssh alice wrong true
lab_sh 'printf "KbdInteractiveAuthentication yes\n" >/etc/ssh/sshd_config.d/lab.conf; systemctl reload ssh'
ck "ssh by keyboard-interactive" has 'uid=[0-9]+\(alice\)' \
        lab_talk "$(lab_ssh_line alice id)" 'assword: ' Passw0rd-1
ck "sudo in an ssh session asks" has 'uid=0\(root\)' \
        lab_talk "$(lab_ssh_line alice "sudo -p SUDO: id")" 'assword: ' Passw0rd-1 'SUDO:' Passw0rd-1
ck "login(1) on a terminal, with a session of logind" has 'session-[0-9c]+\.scope' \
        lab_talk "$(lab_tty_line /bin/login -p)" 'login: ' alice 'assword: ' Passw0rd-1 '\$ ' \
        'cat /proc/self/cgroup; exit'
ck "su between users" has 'uid=[0-9]+\(alice\)' \
        lab_talk "$(lab_tty_line --uid=bob su - alice -c id)" 'assword: ' Passw0rd-1
ck "a dialog that does not come is a failure" rc_is 97 \
        impatient 'sleep 5' never x
lab_sh 'echo kept >/var/lib/kept; sync'
start=$(now_msec)
lab_reboot
ck "reboot in $(($(now_msec) - start)) ms keeps what was written" has '^kept$' lab_enter cat /var/lib/kept
start=$(now_msec)
lab_powercut
ck "power cut and boot in $(($(now_msec) - start)) ms keep it too" has '^alice:' lab_enter getent passwd alice
ck "logins still work" lab_ssh alice Passw0rd-1 true
lab_host other
ck "another host beside it has its own files" refused lab_enter cat /var/lib/kept
lab_user carol Passw0rd-3
ck "and its own people and network" lab_ssh carol Passw0rd-3 true
other=$LAB_ID
lab_host first
ck "who is unknown to the first" refused lab_ssh carol Passw0rd-3 true
ck "the first is as it was" has '^kept$' lab_enter cat /var/lib/kept
ck "a lab ended by a signal takes itself down; this one stays" down_on_term
ck "what a killed owner left is reaped; this one stays" reaps_the_killed
id=$LAB_ID
lab_down
ck "nothing is left" nothing_left "$id"
ck "nor of the other host" nothing_left "$other"
ck "this machine's files, mounts and network are as before" diff <(echo "$before") <(host)
checks_done
