#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The packages' life: what packaging/install announces, installing, upgrading, removing, installing again, purging; and that the last leaves
# the machine as it was.
set -uo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"

lab_debs +upgrade
newer=$LAB_DEBS
lab_debs
lab_begin
lab_locals || lab_fault "no local users"
packages='um libpam-um libnss-um'

# What the services need: modes, owners, users.
layout() {
        diff <(lab_sh 'stat -c "%A %U:%G %n" /run/um /run/um/map.d /run/um/bus /run/um-vault /run/um-vault/socket \
                        /run/um-quality /run/um-quality/socket /run/um-notify /run/um-notify/socket /run/um-fido /run/um-fido/socket \
                        /run/um-helper/socket /var/lib/um /var/lib/um-vault /etc/um
                getent passwd um um-vault um-quality um-notify um-keys um-fido | cut -d: -f1,2,5-') - <<'WANTED'
drwxr-xr-x root:root /run/um
drwxr-xr-x um:um /run/um/map.d
srw-rw-rw- root:root /run/um/bus
drwxr-xr-x root:root /run/um-vault
srw------- um:root /run/um-vault/socket
drwxr-xr-x root:root /run/um-quality
srw------- um:root /run/um-quality/socket
drwxr-xr-x root:root /run/um-notify
srw------- um:root /run/um-notify/socket
drwxr-xr-x root:root /run/um-fido
srw------- um:root /run/um-fido/socket
srw------- um:root /run/um-helper/socket
drwx------ um:um /var/lib/um
drwx------ um-vault:um-vault /var/lib/um-vault
drwxr-xr-x root:root /etc/um
um:x:User Management:/nonexistent:/usr/sbin/nologin
um-vault:x:User Management Vault:/nonexistent:/usr/sbin/nologin
um-quality:x:User Management Password Quality:/nonexistent:/usr/sbin/nologin
um-notify:x:User Management Mail:/nonexistent:/usr/sbin/nologin
um-keys:x:User Management ssh Keys:/nonexistent:/usr/sbin/nologin
um-fido:x:User Management Security Keys:/nonexistent:/usr/sbin/nologin
WANTED
}

stacks_have_um() {
        local file
        for file in auth account password session session-noninteractive; do
                lab_enter grep -q 'pam_um\.so' "/etc/pam.d/common-$file" || {
                        echo "no pam_um.so in common-$file"
                        return 1
                }
        done
        lab_enter /usr/libexec/um/um-nsswitch check && has '^kbdinteractiveauthentication yes$' lab_exec sshd -T
}

stacks_have_no_um() {
        ! lab_enter grep -rn 'pam_um' /etc/pam.d && ! lab_enter grep -nw um /etc/nsswitch.conf
}

# Within the figures, on the machine as it runs.
live_exposure() {
        lab_exec systemd-analyze security --no-pager --threshold=10 umd.service >/dev/null &&
                lab_exec systemd-analyze security --no-pager --threshold=5 um-vault.service >/dev/null &&
                lab_exec systemd-analyze security --no-pager --threshold=10 um-quality.service >/dev/null &&
                lab_exec systemd-analyze security --no-pager --threshold=10 um-fido.service >/dev/null &&
                lab_exec systemd-analyze security --no-pager --threshold=65 um-notify.service >/dev/null &&
                lab_exec systemd-analyze security --no-pager --threshold=20 um-helper.service >/dev/null
}

# umd and um-vault at least; one whose file was replaced under it is "(deleted)".
programs_are_there() {
        local programs
        # shellcheck disable=SC2016
        programs=$(lab_enter sh -c 'for pid in $(pgrep -f "^/usr/libexec/um/"); do readlink "/proc/$pid/exe"; done' | sort -u)
        echo "$programs"
        grep -qx /usr/libexec/um/umd <<<"$programs" && grep -qx /usr/libexec/um/um-vault <<<"$programs" &&
                ! grep -qF '(deleted)' <<<"$programs"
}

# A bob that logs in all the while: as many tries as fit, none may fail.
bobs_during() {
        local tries=0 bad=0 pid
        "$@" >"$LAB/during.log" 2>&1 &
        pid=$!
        while ! lab_gone $pid; do
                tries=$((tries + 1))
                lab_exec su bob -c true || bad=$((bad + 1))
        done
        wait $pid || {
                cat "$LAB/during.log"
                return 1
        }
        echo "$tries logins, $bad failed"
        [ $bad = 0 ] && [ $tries -gt 3 ]
}

sums() {
        lab_sh 'cd /; find etc/pam.d etc/nsswitch.conf etc/ssh etc/passwd etc/group usr/share/pam-configs var/lib/pam -type f | sort |
                xargs sha256sum'
}

# Every file of the guest and what it holds, without what the system writes by itself; names behind two spaces.
files() {
        # shellcheck disable=SC2016
        lab_sh 'cd /; find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./run -o -path ./tmp -o -path ./var/tmp -o -path ./root \
                        -o -path ./var/log -o -path ./var/cache -o -path ./var/lib/dpkg -o -path ./var/lib/apt -o -path ./var/lib/private \
                        -o -path ./var/lib/systemd/timers -o -path ./var/lib/systemd/random-seed \) -prune \
                -o ! -name "*-" ! -name .pwd.lock ! -name ld.so.cache ! -path ./etc/machine-id \( -type f -exec md5sum {} + -o -type l -printf "%l  %p\n" \) | sort'
}

# changed BEFORE AFTER: the names of files that differ between two of those.
changed() {
        comm -3 "$1" "$2" | sed 's/^.*  \.//' | sort -u
}

# What --dry-run announced in $LAB/dry, against what changed from $LAB/files0 to $LAB/files1; ends by a colon what it names whole.
# (A lab has no manuals and no documentation.)
as_announced() {
        local whole
        whole=$(sed -n 's#^  \(/.*\):.*#\1#p' "$LAB/dry" | sed 's/, /\n/g' | sed 's#$#/#' | paste -sd'|')
        diff <(sed -n '/^== Files/,/^== The lines/s#^  \(/[^:]*\)$#\1#p' "$LAB/dry" | grep -vE '^/usr/share/(man|doc)/' | sort -u) \
                <(changed "$LAB/files0" "$LAB/files1" | grep -vE "^($whole)")
}

# Removed, not purged: what is still there or different, and why.
left_by_removal() {
        diff <(changed "$LAB/files0" "$LAB/files2" | grep -v '^/home/') - <<'LEFT'
/etc/group
/etc/gshadow
/etc/nsswitch.conf
/etc/passwd
/etc/shadow
/etc/ssh/sshd_config.d/10-um.conf.removed
/etc/systemd/system/multi-user.target.wants/umd.service
/etc/systemd/system/sockets.target.wants/um-fido.socket
/etc/systemd/system/sockets.target.wants/um-helper.socket
/etc/systemd/system/sockets.target.wants/um-notify.socket
/etc/systemd/system/sockets.target.wants/um-quality.socket
/etc/systemd/system/sockets.target.wants/um-vault.socket
/etc/systemd/system/sockets.target.wants/umd.socket
/var/lib/systemd/deb-systemd-helper-enabled/multi-user.target.wants/umd.service
/var/lib/systemd/deb-systemd-helper-enabled/sockets.target.wants/um-fido.socket
/var/lib/systemd/deb-systemd-helper-enabled/sockets.target.wants/um-helper.socket
/var/lib/systemd/deb-systemd-helper-enabled/sockets.target.wants/um-notify.socket
/var/lib/systemd/deb-systemd-helper-enabled/sockets.target.wants/um-quality.socket
/var/lib/systemd/deb-systemd-helper-enabled/sockets.target.wants/um-vault.socket
/var/lib/systemd/deb-systemd-helper-enabled/sockets.target.wants/umd.socket
/var/lib/systemd/deb-systemd-helper-enabled/um-fido.socket.dsh-also
/var/lib/systemd/deb-systemd-helper-enabled/um-helper.socket.dsh-also
/var/lib/systemd/deb-systemd-helper-enabled/um-notify.socket.dsh-also
/var/lib/systemd/deb-systemd-helper-enabled/um-quality.socket.dsh-also
/var/lib/systemd/deb-systemd-helper-enabled/um-vault.socket.dsh-also
/var/lib/systemd/deb-systemd-helper-enabled/umd.service.dsh-also
/var/lib/systemd/deb-systemd-helper-enabled/umd.socket.dsh-also
/var/lib/um-vault/cost
/var/lib/um-vault/key
/var/lib/um/data.mdb
/var/lib/um/lock
/var/lib/um/lock.mdb
/var/lib/um/store-was-made
LEFT
}

# The administrator's own line of nsswitch.conf, without um.
his_line_stays() {
        diff <(lab_enter cat /etc/nsswitch.conf) <(sed 's/^passwd:.*/passwd: files systemd # by hand/' "$LAB_LOWER/etc/nsswitch.conf")
}

lab_local_logins "before um" # leaves what logins leave: histories, sudo's lectures
lab_snapshot >"$LAB/before"

# ---- the packages themselves
ck "lintian finds nothing that has no reason" lacks '^[EWIPX]:|unused-override' \
        lintian --fail-on none --allow-root --pedantic --display-info --display-experimental --show-overrides "$LAB_DEBS"/*.deb

# ---- packaging/install
tar -C "$LAB_DIR/../.." -cf - packaging | lab_exec tar -C /root -xf -
lab_sh 'mkdir -p /root/debs'
for deb in "$LAB_DEBS"/*.deb; do lab_put "$deb" "/root/debs/$(basename "$deb")"; done
before=$(sums)
ck "packaging/install --dry-run shows the changes" has '\+passwd: +files um systemd' \
        lab_exec /root/packaging/install --dry-run --debs /root/debs
ck "it shows the PAM lines too" has '^ +\+auth.*pam_um\.so' lab_exec /root/packaging/install --dry-run --debs /root/debs
lab_exec /root/packaging/install --dry-run --debs /root/debs >"$LAB/dry" 2>&1
ck "and no hash of a password" lacks '[$]y[$]|[0-9]:[0-9]*:99999:' cat "$LAB/dry"
ck "and changes nothing" diff <(echo "$before") <(sums)
ck "without an answer it installs nothing" refused lab_exec /root/packaging/install --debs /root/debs
files >"$LAB/files0"
ck "packaging/install --yes" lab_exec /root/packaging/install --yes --debs /root/debs
files | grep -vE '  \./var/lib/um/' >"$LAB/files1"
ck "what changed is what was announced" as_announced
ck "packaging/install --yes again" lab_exec /root/packaging/install --yes --debs /root/debs
ck "changes nothing" diff "$LAB/files1" <(files | grep -vE '  \./var/lib/um/')

# ---- installed
ck "nothing failed" has '^running$' lab_enter systemctl is-system-running
ck "um runs" has '^active$' lab_enter systemctl is-active umd.service umd.socket um-vault.socket um-quality.socket um-notify.socket um-fido.socket um-helper.socket
ck "it has its name on the bus" has 'org.um1' lab_enter busctl --no-pager list --acquired
ck "modes, owners, users" layout
ck "PAM, NSS and sshd have um" stacks_have_um
ck "the units are shut in as they shall be" live_exposure
ck "a user" lab_exec umctl user add alice --full-name 'Alice Doe' --password <<<Wonder-land-9
ck "she logs in" has '\(alice\)' lab_ssh alice Wonder-land-9 id
ck "its processes are found" programs_are_there
lab_local_logins "installed"

# ---- upgrade, with an administrator's own settings
lab_sh 'echo "# mine" >/etc/um/um.conf.d/mine.conf; echo "# mine too" >>/etc/ssh/sshd_config.d/10-um.conf
        sed -i "s/^passwd:.*/passwd: files um systemd # by hand/" /etc/nsswitch.conf'
key=$(lab_sh 'sha256sum /var/lib/um-vault/*')
pid=$(lab_enter systemctl show -P MainPID umd.service)
ck "upgrade, and no local login fails meanwhile" bobs_during lab_install "$newer"/*.deb
ck "the new version runs" test "$(lab_enter systemctl show -P MainPID umd.service)" != "$pid"
ck "all of it" has '\+upgrade' lab_enter dpkg-query -W um libpam-um libnss-um
ck "each of its processes runs the program that is there" programs_are_there
ck "the key stays" test "$key" = "$(lab_sh 'sha256sum /var/lib/um-vault/*')"
ck "settings by hand stay" lab_sh 'grep -q mine /etc/um/um.conf.d/mine.conf; grep -q "mine too" /etc/ssh/sshd_config.d/10-um.conf
        grep -q "by hand" /etc/nsswitch.conf'
ck "PAM, NSS and sshd still have um" stacks_have_um
ck "she still logs in" lab_ssh alice Wonder-land-9 true
lab_reboot
ck "after a reboot too" lab_ssh alice Wonder-land-9 true
lab_sh '/usr/libexec/um/um-nsswitch remove; pam-auth-update --package --remove um-password'
ck "reinstalling puts back nothing the administrator took out of nsswitch" refused \
        lab_sh "apt-get -q install -y --reinstall /var/tmp/debs/libnss-um_*upgrade*.deb >/dev/null 2>&1; /usr/libexec/um/um-nsswitch check"
lab_sh '/usr/libexec/um/um-nsswitch add; pam-auth-update --package; echo "a: b" >/etc/um/um.conf.d/mine.conf; rm /etc/um/um.conf.d/mine.conf'

# ---- the daemon's package removed, its modules left in the stacks
ck "um alone is removed" lab_exec dpkg --remove um
ck "she is refused" refused lab_ssh alice Wonder-land-9 true
lab_local_logins "um removed, modules left"

# ---- remove, install again
# shellcheck disable=SC2086  # a list of words
ck "all is removed" lab_exec dpkg --remove $packages
ck "no stack names um" stacks_have_no_um
ck "the PAM stacks are what they were, byte for byte" diff -r "$LAB_LOWER/etc/pam.d" "$LAB_ROOT/etc/pam.d"
ck "sshd asks no more than before" has '^kbdinteractiveauthentication no$' lab_exec sshd -T
files >"$LAB/files2"
ck "nothing is left but the store, its owners and how things were set" left_by_removal
ck "the administrator's nsswitch line stays, without um" his_line_stays
ck "/run has nothing of um" refused lab_sh 'ls -d /run/um*'
ck "nothing failed by it" has '^running$' lab_enter systemctl is-system-running
ck "no process of um is left" rc_is 1 lab_enter pgrep -af '^/usr/libexec/um/'
ck "the store stays" lab_enter test -s /var/lib/um-vault/key
ck "she is nobody" refused lab_enter getent passwd alice
lab_local_logins "removed"
ck "installed again" lab_install "$newer"/*.deb
ck "she is back" lab_ssh alice Wonder-land-9 true
ck "and sshd's file, as he had edited it" lab_enter grep -q 'mine too' /etc/ssh/sshd_config.d/10-um.conf
ck "PAM, NSS and sshd have um again" stacks_have_um

# ---- purge
ck "a home is her own" lab_ssh alice Wonder-land-9 'echo letters >letters'
home=$(lab_sh 'ls -lnR /home/alice; cat /home/alice/letters')
lab_sh 'sed -i "s/^passwd:.*/passwd:         files um systemd/" /etc/nsswitch.conf'
purge() {
        # shellcheck disable=SC2086
        bobs_during lab_exec dpkg --purge $packages && cat "$LAB/during.log"
}
ck "purge says what becomes of homes, and no local login fails meanwhile" has 'homes stay' purge
ck "homes stay" test "$home" = "$(lab_sh 'ls -lnR /home/alice; cat /home/alice/letters')"
lab_sh 'rm -rf /home/alice'
lab_sh 'rm -rf /root/packaging /root/debs'
lab_snapshot >"$LAB/after"
ck "the machine is as it was" diff "$LAB/before" "$LAB/after"
lab_local_logins "purged"
checks_done
