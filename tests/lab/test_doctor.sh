#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# umctl doctor on a real host (FEATURES L6): all is well and nothing is left behind; then each part broken, found with what
# to do about it, and well again once that was done.
set -uo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"

um() {
        lab_exec umctl "$@"
}

# found RESULT PATTERN: doctor's finding, what it says or what it says to do, is there; exit 1 for a fail, else 0.
found() {
        local result=$1 pattern=$2 out rc
        out=$(um doctor)
        rc=$?
        grep -A 1 -E "^$result +" <<<"$out" | grep -E -- "$pattern" >/dev/null || { # -q would end the first one by a signal
                grep -A 1 -vE '^ok ' <<<"$out"
                echo "(exit $rc; no $result with: $pattern)"
                return 1
        }
        if [ "$result" = fail ]; then [ $rc = 1 ]; else [ $rc = 0 ]; fi || {
                echo "(exit $rc)"
                return 1
        }
}

well() {
        local out
        out=$(um doctor) && ! grep -A 1 '^fail' <<<"$out"
}

# broken WHAT BREAK PATTERN MEND [RESULT]: BREAK and MEND are lines of shell in the guest.
broken() {
        local what=$1 break=$2 pattern=$3 mend=$4
        lab_sh "$break"
        ck "$what: found, with what to do" found "${5:-fail}" "$pattern"
        lab_sh "$mend"
        ck "$what: well again after that" eventually 10 well
}

# What a person at the host could see of a run: files, but for the store, the map and logs; users; sessions; mounts.
traces() {
        # shellcheck disable=SC2016
        lab_sh 'find / /run -xdev \( -path /var/lib/um -o -path /run/um/map.d -o -path /var/log -o -path "/run/systemd/*" -o -path /run/log \) -prune \
                        -o -newer /root/before -type f -print
                ls -R /home /run/user /run/systemd/sessions; who; last; lastlog | grep -v Never || :
                umctl user list; umctl group list; getent passwd; getent group; sed "s/[^ ]* //" /proc/mounts | sort; ls -R /run/faillock 2>&1 || :'
}

lab_begin
lab_debs
lab_user local Passw0rd-1
ck "the packages install" lab_install "$LAB_DEBS"/*.deb

# ---- the recovery key: what doctor prints is typed
ck "no recovery key: warned of, with the commands" found warn '^      -> /usr/libexec/um/um-vault --new-recovery-key /etc/um/recovery.pub;.*restart um-vault.service'
ck "and status names it" has '^ *recovery key: none' um status
lab_sh '/usr/libexec/um/um-vault --new-recovery-key /etc/um/recovery.pub >/root/paper; systemctl restart um-vault.service'
ck "made: found" eventually 5 found ok 'recovery key: .*/var/lib/um-vault/key.recovery'
ck "and its file" has '^ok +/var/lib/um-vault/key.recovery: mode 0600' um doctor
ck "status: kept" has '^ *recovery key: kept$' um status

# ---- what a hash costs
ck "a fresh um-vault has chosen what a hash costs" has '^yescrypt j[9AB]T$' lab_enter cat /var/lib/um-vault/cost
ck "measured anew by hand" has 'the cost was none and is j[9AB]T' lab_sh 'rm /var/lib/um-vault/cost; /usr/libexec/um/um-vault --calibrate'
ck "what a hash costs is measured anew by root and um-vault's to read" has '^600 um-vault um-vault$' lab_enter stat -c '%a %U %G' /var/lib/um-vault/cost

# ---- a healthy host. A run tries a dozen wrong passwords: after five or so in a minute umd throttles, and doctor says that.
lab_sh 'touch /root/before'
traces >"$LAB/before"
ck "all is well, exit 0" well
ck "doctor leaves nothing behind" eval 'traces | diff "$LAB/before" -'
ck "every service was tried" has '^10$' eval 'um doctor | grep -cE "^ok +try (sshd|sudo|sudo-i|su|su-l|login|cron|systemd-user|polkit-1|other):"'
ck "root and the first local user were" has 'root and local as ever with umd away' um doctor
ck "one uid for all runs" has 'keeps uid 65536 for' eval 'um doctor; um doctor'
ck "and it is given to nobody else" has 'uid 65537' um user add alice
# um-vault forgets the wrong passwords of the runs before: this one is to find nothing at all
lab_sh 'systemctl restart um-vault'
ck "um-vault is back" eventually 5 um status
json_is_well() {
        um doctor --json | /usr/bin/python3 -c '
import json, sys
found = json.load(sys.stdin)["findings"]
bad = [f for f in found if f["result"] != "ok" and f["check"] != "clock"]
assert len(found) > 40 and not bad, bad'
}
ck "JSON is one document, all but the clock ok" json_is_well
ck "the clock is judged" says '^(ok|warn) +clock: ' um doctor
ck "the wrong passwords and the refusals are in the log" has 'doctor-probe.*deny' um audit log --user doctor-probe --limit 1000
ck "no file of a uid that um could give out" has '^ok +owners: ' um doctor --scan-owners /home /srv
lab_sh 'install -d -o 70000 -g 70000 /srv/left'
ck "one is found" has '/srv/left belongs to 70000' rc_is 1 um doctor --scan-owners /home /srv
lab_sh 'rmdir /srv/left'

# ---- PAM
update='pam-auth-update --package --force'
broken "auth without pam_um" 'sed -i "/pam_um/d" /etc/pam.d/common-auth; sed -i "s/\[success=1 default=ignore\].*pam_localuser/[default=ignore] pam_localuser/" /etc/pam.d/common-auth' \
        'asks um for the account but not for the password' "$update"
broken "account without pam_um" 'sed -i "/pam_um/d" /etc/pam.d/common-account' 'not whether the account may enter' "$update"
broken "a refusal that is ignored" 'sed -i "/pam_um/s/default=die/default=ignore/" /etc/pam.d/common-account' 'is not final' "$update"
broken "pam_um required of everybody" 'sed -i "/pam_localuser/d; /pam_um/s/\[.*\]/required/" /etc/pam.d/common-account' \
        'a local user meets pam_um' "$update"
broken "a service of its own making" 'printf "auth sufficient pam_permit.so\n@include common-auth\n@include common-account\n" >/etc/pam.d/own' \
        'try own: a wrong password gets in' 'rm /etc/pam.d/own'
broken "a module that is not there" 'sed -i "1i auth required pam_nosuch.so" /etc/pam.d/sudo' 'try sudo: the right password gets' \
        'sed -i 1d /etc/pam.d/sudo'
broken "pam_um.so missing" "mv $LAB_PAM_UM /root/" 'apt-get install --reinstall libpam-um' "mv /root/pam_um.so $LAB_PAM_UM"
broken "pam_um.so truncated" "cp -p $LAB_PAM_UM /root/; head -c 5000 /root/pam_um.so >$LAB_PAM_UM" 'pam_um.so: cannot be loaded' \
        "mv -f /root/pam_um.so $LAB_PAM_UM"
broken "no profile at all" 'pam-auth-update --package --remove um um-password' 'pam-auth-update --package --enable um um-password' \
        'pam-auth-update --package --enable um um-password'

# ---- nsswitch, sshd
broken "nsswitch without um" '/usr/libexec/um/um-nsswitch remove' '-> /usr/libexec/um/um-nsswitch add' '/usr/libexec/um/um-nsswitch add'
broken "um before the files" 'sed -i "s/^passwd:.*/passwd: um files/" /etc/nsswitch.conf' 'um must follow files' \
        'sed -i "s/^passwd:.*/passwd: files um systemd/" /etc/nsswitch.conf'
broken "UsePAM no" 'printf "UsePAM no\n" >/etc/ssh/sshd_config.d/00-no.conf' 'sshd: UsePAM is no' 'rm /etc/ssh/sshd_config.d/00-no.conf'
broken "KbdInteractiveAuthentication no" 'printf "KbdInteractiveAuthentication no\n" >/etc/ssh/sshd_config.d/00-no.conf' \
        'KbdInteractiveAuthentication is no' 'rm /etc/ssh/sshd_config.d/00-no.conf' warn
broken "a sshd_config that sshd refuses" 'printf "Nonsense\n" >/etc/ssh/sshd_config.d/00-no.conf' '-> sshd -t' \
        'rm /etc/ssh/sshd_config.d/00-no.conf'

# ---- paths, units
um_uid=$(lab_exec id -u um)
broken "/run/um closed" 'chmod 0700 /run/um' '-> chown 0 /run/um; chmod 0755 /run/um' 'chown 0 /run/um; chmod 0755 /run/um'
broken "the socket closed" 'chmod 0600 /run/um/bus' 'chmod 0666 /run/um/bus' 'chown 0 /run/um/bus; chmod 0666 /run/um/bus'
broken "map.d of somebody else" 'chown root /run/um/map.d' "chown $um_uid /run/um/map.d" "chown $um_uid /run/um/map.d; chmod 0755 /run/um/map.d"
broken "the key for everybody" 'chmod 0644 /var/lib/um-vault/key' 'chmod 0600 /var/lib/um-vault/key' 'chmod 0600 /var/lib/um-vault/key'
broken "what a hash costs is not on record" 'rm /var/lib/um-vault/cost' '/var/lib/um-vault/cost: No such file' 'systemctl restart um-vault.service' warn
broken "a recovery key that is none" 'cp /etc/um/recovery.pub /root/; echo none >/etc/um/recovery.pub; systemctl restart um-vault.service; until umctl status | grep "not kept" >/dev/null; do :; done' \
        'recovery key: .*not kept' 'cp /root/recovery.pub /etc/um/; systemctl restart um-vault.service'
broken "the key kept for it is gone" 'rm /var/lib/um-vault/key.recovery' '/var/lib/um-vault/key.recovery: No such file' 'systemctl restart um-vault.service'
broken "um-fido's socket masked" 'systemctl mask --runtime --now um-fido.socket um-fido.service; until umctl status | grep "um-fido is away" >/dev/null; do :; done' 'fido: um-fido is away' \
        'systemctl unmask --runtime um-fido.socket um-fido.service; systemctl start um-fido.socket'
broken "umd stopped" 'systemctl stop umd.socket umd.service' '-> systemctl stop umd.service; systemctl start umd.socket umd.service' \
        'systemctl stop umd.service; systemctl start umd.socket umd.service'
broken "umd.service masked" 'systemctl stop umd.service; systemctl mask --runtime umd.service' '-> systemctl unmask umd.service; systemctl start' \
        'systemctl unmask --runtime umd.service; systemctl start umd.service'
for part in um-vault um-helper; do
        broken "$part.socket masked" "systemctl stop $part.socket; systemctl mask --runtime $part.socket" \
                "-> systemctl unmask $part.socket; systemctl stop $part.service; systemctl start" \
                "systemctl unmask --runtime $part.socket; systemctl stop $part.service; systemctl start $part.socket $part.service"
done
broken "the vault masked and stopped" 'systemctl mask --runtime --now um-vault.socket um-vault.service' 'vault: is away' \
        'systemctl unmask --runtime um-vault.socket um-vault.service; systemctl start um-vault.socket um-vault.service'
lab_sh 'systemctl kill -s STOP --kill-whom=main umd.service'
ck "umd hung: said so, in time" found fail 'umd: is not reachable'
lab_sh 'systemctl kill -s CONT --kill-whom=main umd.service'
ck "umd going on: well" eventually 15 well

# ---- interrupted
lab_sh 'umctl doctor >/dev/null & sleep=$!; until umctl user show doctor-probe >/dev/null 2>&1; do :; done; kill -KILL $sleep; umctl user show doctor-probe >/dev/null'
ck "what a kill left is cleared by the next run" has 'was left by a run that was killed' um doctor
ck "and is gone" refused um user show doctor-probe
ck "not by root: it says what it cannot do" has 'run doctor as root' lab_exec setpriv --reuid 1000 --regid 1000 --clear-groups umctl doctor
checks_done
