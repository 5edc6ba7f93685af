#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Five wrong passwords of a stranger lock other networks out, by every door with the same words, and leave the owner
# his console, su, and the network he is known from. The lock outlives restart and reboot; unlock says why it was.
set -uo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"

PW_ALICE=Quartz-lamp-41

um() {
        lab_exec umctl "$@"
}

# ssh from the guest to itself: a network that is nobody's own.
by_stranger() {
        local options="-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o NumberOfPasswordPrompts=1"

        lab_talk "$(lab_tty_line "ssh $options -o PreferredAuthentications=keyboard-interactive $1@127.0.0.1 id")" 'assword: ' "$2"
}

console() {
        lab_talk "$(lab_tty_line '/bin/login -p')" 'login: ' "$1" 'assword: ' "$2" '\$ ' 'id; exit'
}

other() {
        lab_talk "$(lab_tty_line "--uid=nobody su - $1 -c id")" 'assword: ' "$2"
}


# One connection of dora's that asks for 10,000 devices of keyboard-interactive (CVE-2015-5600); each answer to a prompt is a line of a file.
many_devices() {
        # shellcheck disable=SC2016  # expanded in the guest
        lab_sh 'printf "#!/bin/sh\necho asked >>/var/tmp/asked\necho wrong\n" >/var/tmp/askpass; chmod 755 /var/tmp/askpass; : >/var/tmp/asked
                devices=$(yes pam, | head -n 10000 | tr -d "\n")pam
                SSH_ASKPASS=/var/tmp/askpass SSH_ASKPASS_REQUIRE=force timeout 120 ssh -o StrictHostKeyChecking=no \
                        -o UserKnownHostsFile=/dev/null -o PreferredAuthentications=keyboard-interactive \
                        -o NumberOfPasswordPrompts=10000 -o "KbdInteractiveDevices=$devices" dora@127.0.0.1 id </dev/null'
}

asked_at_most() {
        local count
        count=$(lab_sh 'wc -l </var/tmp/asked')
        echo "asked $count times"
        [ "$count" -ge 1 ] && [ "$count" -le "$1" ]
}

lab_begin
lab_debs
ck "the packages install" lab_install "$LAB_DEBS"/*.deb
ck "umd is up and well" eventually 5 um status
for name in alice carol; do
        um user add $name >/dev/null
        lab_exec umctl user passwd $name <<<$PW_ALICE >/dev/null
        ck "$name comes in from her own network" lab_ssh $name $PW_ALICE true
done

# ---- a lock
for i in 1 2 3 4 5; do
        ck "a stranger's wrong password, $i" says 'Permission denied' by_stranger carol wrong
done
ck "then the right one of a stranger is refused by the same words" says 'Permission denied' by_stranger carol $PW_ALICE
ck "user show says until when, how many and from where" \
        has 'locked out for other networks until 20.*: 5 failures, last from 127\.0\.0\.1 sshd' um user show carol
ck "the journal says it once" has '^1$' \
        lab_sh 'journalctl -u umd --no-pager | grep -c "carol is locked out for other networks until 20.*: 5 failures, last from 127.0.0.1 sshd"'
ck "the log has it" has 'lockout' um audit log --user carol --limit 20
ck "from the network she is known from she comes in, and is told once what failed" \
        says '6 failed logins since 20.*, last from 127\.0\.0\.1 \(sshd\)' \
        lab_talk "$(lab_ssh_line carol id)" 'assword: ' $PW_ALICE
ck "once only" lacks 'failed login' lab_talk "$(lab_ssh_line carol id)" 'assword: ' $PW_ALICE
ck "she comes in at the console" has 'uid=65537\(carol\)' console carol $PW_ALICE
ck "and by su of another user" has 'uid=65537\(carol\)' other carol $PW_ALICE
ck "a stranger's wrong password for nobody looks the same" says 'Permission denied' by_stranger nobody-here wrong
ck "a job of cron runs" lab_cron carol

# ---- root is nobody of um's: failures against him are counted by nobody, and he comes in as ever
logins() {
        um audit log --type login --limit 100000 --json=lines | wc -l
}
no_more_logins() {
        [ "$before" -gt 0 ] && [ "$before" = "$(logins)" ]
}
lab_exec chpasswd <<<'root:Root-of-all-77'
before=$(logins)
for i in $(seq 6); do lab_ssh root wrong true >/dev/null 2>&1; done
ck "38: root, after six wrong passwords by ssh: in at the console" has 'uid=0\(root\)' \
        lab_talk "$(lab_tty_line '/bin/login -p')" 'login: ' root 'assword: ' Root-of-all-77 '# ' 'id; exit'
ck "38: and by su of another" has 'uid=0\(root\)' other root Root-of-all-77
ck "38: um has no entry of it" no_more_logins

# ---- it lasts
ck "umd restarts" lab_exec systemctl restart umd
ck "umd is up again" eventually 5 um status
ck "restarted: the stranger is refused" says 'Permission denied' by_stranger carol $PW_ALICE
lab_reboot
ck "umd is up after the reboot" eventually 20 um status
ck "rebooted: the stranger is refused" says 'Permission denied' by_stranger carol $PW_ALICE
ck "rebooted: she is not" lab_ssh carol $PW_ALICE true

# ---- it ends
ck "unlock says why, and from where" \
        has 'user carol: was locked out for other networks until 20.*: 5 failures, last from 127\.0\.0\.1 sshd' um user unlock carol
ck "unlocked: the right one gets in again" has 'uid=65537\(carol\)' by_stranger carol $PW_ALICE
ck "who is not locked is said not to be" has 'user carol: is not locked' um user unlock carol

# ---- sudo is a place of its own
lab_sh 'printf "carol ALL=(ALL) ALL\n" >/etc/sudoers.d/carol; chmod 440 /etc/sudoers.d/carol'
for i in 1 2; do
        ck "wrong passwords at sudo, $i" says 'incorrect password|try again' \
                lab_talk "$(lab_ssh_line carol "sudo -k; sudo -p SUDO: id")" 'assword: ' $PW_ALICE 'SUDO:' wrong 'SUDO:' wrong 'SUDO:' wrong
done
ck "then sudo refuses the right one, too" lacks 'uid=0' \
        lab_talk "$(lab_ssh_line carol "sudo -k; sudo -p SUDO: id; true")" 'assword: ' $PW_ALICE 'SUDO:' $PW_ALICE 'SUDO:' x 'SUDO:' x
ck "user show says so" has 'locked out for his own sessions' um user show carol
ck "ssh still lets her in" lab_ssh carol $PW_ALICE true

# ---- a budget for each connection (SECURITY 42)
um user add dora >/dev/null
lab_exec umctl user passwd dora <<<$PW_ALICE >/dev/null
ck "one connection that asks for 10,000 devices is refused" refused many_devices
ck "after as many passwords as sshd permits" asked_at_most 6
ck "no more than the limit was looked at" has 'locked out for other networks until 20.*: 5 failures' um user show dora
ck "umd answers" um status

# ---- no file of the lock is the user's (SECURITY 39)
ck "nothing that holds the lock can be written or read by her" refused \
        lab_ssh carol $PW_ALICE 'cat /var/lib/um/data.mdb || : >>/var/lib/um/data.mdb'
checks_done
