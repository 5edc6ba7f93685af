#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Delegated root work through the real sudo (FEATURES D15): exactly the commands of a role, as long as it is held, in a session that
# was open before too; what um-helper installs, and what it leaves as it was.
set -uo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"

PW=Quartz-lamp-41
SUDOERS=/etc/sudoers.d/50-um

um() {
        lab_exec umctl --yes "$@"
}

# A session of alice's that stays open: sudo's arguments go in by a line, what it said comes out.
session_open() {
        # shellcheck disable=SC2016
        lab_ssh alice $PW 'set -f; echo ready; while read -r line; do echo '"$PW"' | sudo -k -S -p "" $line 2>&1; echo "rc=$?"; done' \
                <"$dir/in" >"$dir/out" 2>/dev/null &
        eventually 20 grep -q ready "$dir/out"
}

# Runs sudo with these arguments in it.
session() {
        local count=$(($(grep -c '^rc=' "$dir/out") + 1)) out
        echo "$*" >&8
        eventually 10 count_is "$count" || return
        out=$(awk -v n=$((count - 1)) '/^rc=/ { seen++; next } seen == n && $0 != "ready"' "$dir/out")
        echo "$out"
        [ "$(grep '^rc=' "$dir/out" | tail -n 1)" = rc=0 ]
}

count_is() {
        [ "$(grep -c '^rc=' "$dir/out")" -ge "$1" ]
}

# May alice, by the file alone? root asks, so no PAM is in it.
permits() {
        lab_exec sudo -l -U alice "$@" >/dev/null 2>&1
}

refuses() {
        ! permits "$@"
}

file_has() {
        lab_exec grep -q "$@" $SUDOERS
}

file_lacks() {
        ! lab_exec grep -q "$@" $SUDOERS 2>/dev/null
}

no_file() {
        ! lab_exec test -e $SUDOERS
}

one_line() {
        local pattern=$1
        shift
        [ "$("$@" | grep -cE "$pattern")" = 1 ]
}

all_is_sudoers() {
        lab_exec visudo -c >/dev/null 2>&1
}

dir=$(mktemp -d)
mkfifo "$dir/in"
exec 8<>"$dir/in"
lab_begin
lab_debs
lab_locals
ck "the packages install" lab_install "$LAB_DEBS"/*.deb
ck "umd is up and well" eventually 5 um status
um user add alice --email alice@example.org >/dev/null
um user passwd alice <<<"$PW"
lab_sh 'echo "bob ALL=(root) NOPASSWD: /usr/bin/id" >/etc/sudoers.d/20-mine; chmod 440 /etc/sudoers.d/20-mine
        cp -a /etc/sudoers.d/20-mine /etc/sudoers /root/'
ck "there is no file before anybody has a command" no_file

ck "a command group" um sudo add backup --command '/usr/bin/id -u' --command '/usr/bin/touch /root/a,b:c=d#e\f?'
ck "a role that permits it" um role add ops --permit sudo.backup
ck "nobody holds it: no file" no_file
ck "alice has a session" session_open
ck "in it sudo refuses" has 'is not in the sudoers file' refused session id -u

ck "she is granted the role" um role grant ops alice
ck "the file has her within a second" eventually 1 file_has '^alice ALL=(root) PASSWD: /usr/bin/id -u, '
ck "it is root's, and 0440" has '^440 0 0$' lab_exec stat -c '%a %u %g' $SUDOERS
ck "all of sudoers is well" all_is_sudoers
ck "in her session sudo runs the command, with her password" has '^0$' session id -u
ck "not with other arguments" has 'not allowed' refused session id -g
ck "nor with more" has 'not allowed' refused session id -u root
ck "nor without" has 'not allowed' refused session id
ck "nor another" has 'not allowed' refused session cat /etc/shadow
ck "nor as another" has 'not allowed' refused session -u bob id -u
ck "special characters are themselves" session touch '/root/a,b:c=d#e\f?'
ck "and nothing else" refused session touch '/root/a,b:c=d#e\fx'
ck "sudo -l shows exactly that" has '^    \(root\) PASSWD: /usr/bin/id -u, /usr/bin/touch ' session -l
ck "and nothing else" one_line '^    \(' session -l
ck "without a password where the group says so" um sudo set backup --no-password
ck "then" eventually 1 file_has NOPASSWD
ck "it asks for none" has '^0$' session -n id -u
ck "asks again" um sudo set backup --password

ck "suspended she has no line" um user suspend alice
ck "within a second" eventually 1 no_file
ck "resumed" um user resume alice
ck "she has it again" eventually 1 file_has '^alice '
ck "locked" um user lock alice
ck "she has none" eventually 1 no_file
ck "unlocked" um user unlock alice
ck "she has it again, unlocked" eventually 1 file_has '^alice '
ck "renamed" um user set alice --name alicia
ck "the line has the new name" eventually 1 file_has '^alicia '
ck "and not the old one" file_lacks '^alice '
um user set alicia --name alice >/dev/null
ck "revoked" um role revoke ops alice
ck "the file is gone" eventually 1 no_file
ck "in the session sudo refuses, revoked" has 'is not in the sudoers file' refused session id -u

ck "for three seconds" um role grant ops alice --for 3s
ck "there is a line with its end" eventually 1 file_has 'alice ALL=(root) NOTAFTER=[0-9]\{14\}Z PASSWD'
ck "by it she may" permits /usr/bin/id -u
ck "until it is over" eventually 5 no_file
ck "then she may not" refuses /usr/bin/id -u

ck "again, and umd is stopped" um role grant ops alice --for 3s
ck "its line is there" eventually 1 file_has '^alice '
lab_exec systemctl stop umd.socket umd.service
ck "with umd away she may until then" permits /usr/bin/id -u
ck "and not after it, to sudo itself" eventually 5 refuses /usr/bin/id -u
ck "although the line stands there" file_has '^alice '
ck "nor where her TZ says it is yesterday" refused lab_exec env TZ=UTC+12 sudo -l -U alice /usr/bin/id -u
lab_exec systemctl start umd.socket umd.service
ck "umd is back, and the line gone" eventually 5 no_file

um role grant ops alice >/dev/null
ck "visudo refuses" lab_sh 'mv /usr/sbin/visudo /usr/sbin/visudo.real; ln -s /bin/false /usr/sbin/visudo'
ck "a change is made all the same" um sudo set backup --command '+/usr/bin/uptime'
ck "status says so" eventually 2 says 'refuses the lines of sudoers' um status
ck "so does the journal" has 'refuses the lines of sudoers' lab_exec journalctl -o cat -u umd
ck "the file stays" file_has 'PASSWD: /usr/bin/id -u, '
ck "as it was" file_lacks uptime
lab_sh 'mv /usr/sbin/visudo.real /usr/sbin/visudo'
ck "visudo is well, and another change" um sudo set backup --command '+/usr/bin/whoami'
ck "brings all of it" eventually 1 file_has 'uptime "", .*whoami ""'
ck "and status is well" eventually 2 um status

ck "edited by hand it is mended when umd starts" lab_sh "echo 'alice ALL=(ALL) NOPASSWD: ALL' >>$SUDOERS; systemctl restart umd"
ck "within its start" eventually 3 file_lacks 'NOPASSWD: ALL'
ck "a role deleted takes its line along" um role delete ops --force
ck "within a second, deleted" eventually 1 no_file
ck "a file of that name that um did not write" lab_sh "echo 'bob ALL=(root) NOPASSWD: /usr/bin/id' >$SUDOERS; chmod 440 $SUDOERS"
um role add ops --permit sudo.backup >/dev/null
ck "a grant" um role grant ops alice
ck "it is left alone, and status says so" eventually 2 says 'not um.s' um status
ck "with all that is in it" has '^bob ALL=.root. NOPASSWD: /usr/bin/id$' lab_exec cat $SUDOERS
lab_exec rm $SUDOERS
um role add everything --permit sudo.all >/dev/null
ck "she may everything" um role grant everything alice
ck "in one line" eventually 1 file_has '^alice ALL=(ALL:ALL) PASSWD: ALL$'
ck "so she does" has '^bob ALL' session cat /root/20-mine
ck "others' files are what they were" lab_sh 'cmp /root/20-mine /etc/sudoers.d/20-mine && cmp /root/sudoers /etc/sudoers'
ck "a local user's sudo goes on" has 'uid=0' lab_exec setpriv --reuid=bob --regid=bob --init-groups sudo -n id
exec 8>&-
ck "um is removed" lab_exec apt-get -qq remove -y um
ck "with its file" no_file
ck "and sudoers is well" all_is_sudoers
rm -rf "$dir"
checks_done
