#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Users who are locked, suspended, inactive, expired, pending, deleted or unknown: the same prompts, the same texts
# before they have proved themselves, refused by every door (catalogue 28), and told why once they have.
set -uo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"

PW=Quartz-lamp-41
STATES=(locked suspended inactive expired early deleted)

um() {
        lab_exec umctl "$@"
}

# What a person sees of a keyboard-interactive login with this answer, without what names himself.
seen() {
        lab_talk "$(lab_ssh_line "$1" id)" 'assword: ' "$2" 2>&1 | tr -d '\r' | sed "s/$1@/NAME@/g"
}

same_as_unknown() {
        has 'assword: ' cat "$LAB/seen.nobody-of-that-name" && diff "$LAB/seen.nobody-of-that-name" "$LAB/seen.$1"
}

refused_by_all_doors() {
        local name=$1 bad=0
        lab_ssh "$name" $PW true && { echo "ssh by password"; bad=1; }
        lab_ssh_key "$name" "$LAB/key" true && { echo "ssh by key"; bad=1; }
        lab_exec su - "$name" -c true && { echo "su from root"; bad=1; }
        lab_sh "systemctl start user@\$(id -u $name).service" && { echo "systemd-user"; bad=1; }
        lab_sh "echo '@reboot $name touch /var/tmp/cron-$name' >/etc/cron.d/$name"
        return $bad
}

# The same doors for somebody they are open to, or the refusals say nothing.
in_by_all_doors() {
        lab_ssh "$1" $PW true && lab_ssh_key "$1" "$LAB/key" true && lab_exec su - "$1" -c true &&
                lab_sh "systemctl start user@\$(id -u $1).service" &&
                lab_sh "echo '@reboot $1 touch /var/tmp/cron-$1' >/etc/cron.d/$1"
}

# Each was asked about, and each answer was no.
cron_asked_about_all() {
        local name
        for name in locked suspended inactive expired early; do
                has 'authorize .* deny .*, cron' um audit log --type login --user "$name" --outcome deny || return
        done
}

lab_begin
lab_debs
ck "the packages install" lab_install "$LAB_DEBS"/*.deb
ssh-keygen -q -t ed25519 -N '' -f "$LAB/key"
for s in "${STATES[@]}" active; do
        um user add "$s" >/dev/null
        lab_exec umctl user passwd "$s" <<<$PW >/dev/null
        lab_ssh "$s" $PW true
        lab_sh "install -d -o $s -g $s -m 700 /home/$s/.ssh; cat >/home/$s/.ssh/authorized_keys; chown $s: /home/$s/.ssh/authorized_keys" \
                <"$LAB/key.pub"
done
ck "before: each of them gets in by key" lab_ssh_key suspended "$LAB/key" true
um user lock locked --reason lost >/dev/null
um user suspend suspended --until 2099-01-01 --reason leave >/dev/null
um user disable inactive >/dev/null
um user set expired --valid-until 2020-01-01 >/dev/null
um user set early --valid-from 2099-01-01 >/dev/null
lab_sh 'systemd-run --quiet --unit=hold --uid=deleted -p PAMName=login sleep 300'
ck "a user with an open session is not deleted" has 'open session' rc_is 3 um user delete deleted --yes
ck "but with --end-sessions" um user delete deleted --yes --end-sessions
ck "which end" eventually 5 refused lab_enter pgrep -U 65541
um user add waiting --pending >/dev/null

# at the same time: each waits for PAM's delay after a failure
for s in nobody-of-that-name "${STATES[@]}" waiting; do seen "$s" wrong >"$LAB/seen.$s" & done
seen locked $PW >"$LAB/seen.locked-right" &
# shellcheck disable=SC2046  # a list of words
wait $(jobs -p | grep -vx "$LAB_NSPAWN")
for s in "${STATES[@]}" waiting; do
        ck "$s: a wrong password looks as for a name nobody has" same_as_unknown "$s"
done
ck "locked: the right password looks so too" same_as_unknown locked-right
ck "suspended: told why, with a reference, after the right password" says 'suspended.*um-[0-9A-Z]{4}' seen suspended $PW
ck "inactive: told so" says 'closed.*um-[0-9A-Z]{4}' seen inactive $PW
ck "expired: told so" says 'ended.*um-[0-9A-Z]{4}' seen expired $PW
ck "not yet valid: told so" says 'valid from.*um-[0-9A-Z]{4}' seen early $PW
for s in locked suspended inactive expired early; do
        ck "$s: refused by ssh, key, su from root, systemd-user" refused_by_all_doors "$s"
done
ck "active: in by each of them" in_by_all_doors active
ck "deleted: not in NSS" refused lab_exec getent passwd deleted
ck "deleted: the name is taken, with a hint" says 'restore' um user add deleted
ck "an unknown name is not in the log in clear" lacks nobody-of-that-name um audit log --type login --limit 1000
lab_sh 'rm -f /run/crond.reboot; systemctl restart cron' # runs the @reboot jobs now
ck "cron runs the active user's job" eventually 30 test -e "$LAB_ROOT/var/tmp/cron-active"
ck "and has asked about the others'" eventually 30 cron_asked_about_all
ck "cron ran none of the others'" lacks 'cron-(locked|suspended|inactive|expired|early)' ls "$LAB_ROOT/var/tmp"

# ---- and back
um user unlock locked >/dev/null
um user resume suspended >/dev/null
um user enable inactive >/dev/null
um user set expired --valid-until never >/dev/null
um user restore deleted >/dev/null
um user enable deleted >/dev/null
for s in locked suspended inactive expired deleted; do
        ck "$s: back in by the same password" lab_ssh "$s" $PW true
done
ck "a step the state does not allow names the right verb" says 'enable' \
        eval 'um user disable inactive >/dev/null; um user resume inactive'
ck "and exits 3" rc_is 3 um user resume inactive
checks_done
