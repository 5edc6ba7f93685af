#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A service account on a real Debian: by ssh with its key it speaks D-Bus to um and does nothing else, other services refuse it, and
# what it may is what its account may at that moment. The client is busctl, as it comes. Needs UM_BUILD.
set -uo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"

um() {
        lab_exec umctl "$@"
}

# client_make: ssh(1) as the other host calls it, in front of the PATH: busctl starts "ssh" itself.
client_make() {
        mkdir "$LAB/bin" && printf '#!/bin/sh\nexec /usr/bin/ssh %s -o BatchMode=yes -o IdentitiesOnly=yes -i %s/${KEY:-crm} "$@"\n' \
                "${LAB_SSH_OPTIONS[*]}" "$LAB" >"$LAB/bin/ssh" && chmod 755 "$LAB/bin/ssh" &&
                ssh-keygen -q -t ed25519 -N '' -C '' -f "$LAB/crm" && ssh-keygen -q -t ed25519 -N '' -C '' -f "$LAB/ro" &&
                ssh-keygen -q -t ed25519 -N '' -C '' -f "$LAB/other"
}

# from_there CMD...: on the other host
from_there() {
        lab_client env PATH="$LAB/bin:$PATH" KEY="${KEY:-crm}" "$@" </dev/null
}

# api ACCOUNT PATH INTERFACE METHOD ARGUMENTS...
api() {
        local account=$1
        shift
        from_there timeout 20 busctl --host="$account@$LAB_SERVER" call org.um1 "$@"
}

# profile ACCOUNT: it changes its own phone number
profile() {
        api "$1" "/org/um1/user/${1/-/_2d}" org.um1.User Update 'a{sv}a{sv}' 1 phone s "+49 30 $RANDOM" 0
}

# nothing_runs PATTERN CMD...: what is told matches, and nothing ran or was given away
nothing_runs() {
        local pattern=$1
        shift
        has "$pattern" refused "$@" | tee "$LAB/said" && ! grep -qE 'uid=|GIVEN-AWAY|SSH-2.0' "$LAB/said"
}

# user_bus ACCOUNT: a program of the host with the account's uid, as a unit of systemd starts it
user_bus() {
        lab_enter systemd-run --quiet --pipe --wait --collect --uid="$1" busctl --address=unix:path=/run/um/bus \
                call org.um1 /org/um1 org.um1.Manager GetUserByName s "$1"
}

# as ACCOUNT CMD...: with its uid and nothing asked
as() {
        local uid
        uid=$(lab_enter id -u "$1")
        shift
        lab_enter setpriv --reuid "$uid" --regid "$uid" --clear-groups "$@"
}

lab_begin
lab_debs
ck "the packages install" lab_install "$LAB_DEBS"/*.deb
ck "umd is up and well" eventually 5 um status
ck "keys are made" client_make
um policy set lockout.attempts never >/dev/null
um policy set lockout.source-attempts never >/dev/null
lab_sh 'echo GIVEN-AWAY >/srv/file'
um role add own-profile --permit self.profile.edit >/dev/null
ck "an account is made" um user add svc-crm --kind service --role integration --email ops@acme.example
ck "and one that only reads" um user add svc-ro --kind service --role integration --email ro@acme.example --read-only
ck "without a key it is not in" nothing_runs 'Permission denied' from_there ssh "svc-crm@$LAB_SERVER"
ck "it gets a key" has 'key SHA256:[^ ]+: added' um device add-key svc-crm --label crm <"$LAB/crm.pub"
um device add-key svc-ro <"$LAB/ro.pub" >/dev/null

for account in svc-crm svc-ro; do um role grant own-profile $account >/dev/null; done

# ---- the API, and nothing else
ck "busctl calls a method over ssh" has '"/org/um1/user/svc_2dcrm"' api svc-crm /org/um1 org.um1.Manager GetUserByName s svc-crm
ck "as that account" has 'ch-[0-9]+' profile svc-crm
ck "and no further than its roles go" has 'needs the permission user.create' refused \
        api svc-crm /org/um1 org.um1.Manager CreateUser 'sa{sv}a{sv}' eve 0 0
ck "the log has it under um-api" has 'session.open.* um-api' um audit log --type session --user svc-crm --outcome allow
ck "a command does not run" nothing_runs 'speaks D-Bus' from_there ssh "svc-crm@$LAB_SERVER" id
ck "nor a shell, and there is no terminal" nothing_runs 'PTY allocation request failed' from_there ssh -tt "svc-crm@$LAB_SERVER"
ck "nor sftp" nothing_runs 'onnection closed|subsystem|too long' from_there sftp -q "svc-crm@$LAB_SERVER:/srv/file" "$LAB/got"
ck "nor scp" nothing_runs '' from_there scp -O -q "svc-crm@$LAB_SERVER:/srv/file" "$LAB/got"
ck "nothing was got" test ! -s "$LAB/got"
ck "nothing is forwarded" nothing_runs 'prohibited' from_there ssh -W 127.0.0.1:22 "svc-crm@$LAB_SERVER"
ck "nor from there" nothing_runs 'forwarding failed' from_there ssh -o ExitOnForwardFailure=yes -R 127.0.0.1:2222:127.0.0.1:22 "svc-crm@$LAB_SERVER"
KEY=other
ck "another key is not in" nothing_runs 'Permission denied' from_there ssh "svc-crm@$LAB_SERVER"
KEY=crm
ck "nor a password" refused lab_ssh svc-crm 'Quartz-lamp-41' true
ck "a unit with its uid calls the API too" has '"/org/um1/user/svc_2dcrm"' user_bus svc-crm
ck "nothing on the host has failed by it" lacks 'failed' lab_enter systemctl --failed --no-legend --plain

# ---- other services
ck "root's su is refused" nothing_runs 'no access to this service here' lab_sh 'su -s /bin/sh svc-crm -c id'
ck "and sudo" nothing_runs '' as svc-crm sudo -n id
ck "and login" nothing_runs 'no access to this service here' lab_talk "$(lab_tty_line '/bin/login -f svc-crm')"
lab_sh "rm -f /run/crond.reboot; echo '@reboot svc-crm touch /tmp/cron-svc' >/etc/cron.d/lab-svc; systemctl restart cron"
ck "and cron" eventually 10 has 'kind.* cron' um audit log --user svc-crm --because kind
ck "whose job did not run" test ! -e "$LAB_ROOT/tmp/cron-svc"
lab_sh 'rm /etc/cron.d/lab-svc'
kinds() {
        um audit log --user svc-crm --because kind | tee "$LAB/said" && for service in su login cron; do
                grep -qw "$service" "$LAB/said" || return
        done
}
ck "each with the reason kind" kinds

# ---- without the block of sshd's settings the key itself is confined
lab_sh "sed -i 's/^Match Group um-api/Match Group nobody-here/' /etc/ssh/sshd_config.d/10-um.conf; systemctl restart ssh"
ck "doctor tells that the block is missing" says 'fail +sshd: .*um.s API' um doctor
ck "still no command runs" nothing_runs 'speaks D-Bus' from_there ssh "svc-crm@$LAB_SERVER" id
ck "and nothing is forwarded" nothing_runs 'prohibited' from_there ssh -W 127.0.0.1:22 "svc-crm@$LAB_SERVER"
lab_sh "sed -i 's/^Match Group nobody-here/Match Group um-api/' /etc/ssh/sshd_config.d/10-um.conf; systemctl restart ssh"
ck "with it doctor is content" says 'ok +sshd: .*reach its API alone' um doctor

# ---- what the account may now
KEY=ro
ck "it is told of itself" has '"/org/um1/user/svc_2dro"' api svc-ro /org/um1 org.um1.Manager GetUserByName s svc-ro
ck "and changes nothing" has 'needs the permission' refused profile svc-ro
KEY=crm
um user suspend svc-crm >/dev/null
ck "a suspended one is refused, and told why" nothing_runs 'account suspended' api svc-crm /org/um1 org.um1.Manager GetUserByName s svc-crm
ck "its unit too" refused user_bus svc-crm
um user resume svc-crm >/dev/null
ck "resumed, it is in again" has svc_2dcrm api svc-crm /org/um1 org.um1.Manager GetUserByName s svc-crm
um device remove svc-crm "$(ssh-keygen -l -f "$LAB/crm" | cut -d' ' -f2)" >/dev/null
ck "without its key it is not" nothing_runs 'Permission denied' api svc-crm /org/um1 org.um1.Manager GetUserByName s svc-crm

# ---- what sshd asks for keys
ck "a person's key is taken too" um user add alice
um device add-key alice <"$LAB/crm.pub" >/dev/null
ck "and opens a shell" has 'uid=[0-9]+\(alice\)' from_there ssh "alice@$LAB_SERVER" id
ck "of a local user nothing is told" lacks . as um-keys /usr/libexec/um/um-authorized-keys root SHA256:x ssh-ed25519
ck "nor to anybody else" refused as alice /usr/libexec/um/um-authorized-keys alice SHA256:x ssh-ed25519
lab_sh 'systemctl stop umd.socket umd.service'
ck "without umd there are no keys, at once" refused timeout 2 lab_exec setpriv --reuid um-keys --regid um-keys --clear-groups \
        /usr/libexec/um/um-authorized-keys alice SHA256:x ssh-ed25519
lab_sh 'systemctl start umd.socket umd.service'

checks_done
