#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Second factors at the doors of a real host: password and code, key and code, recovery codes, enrolment in the login, and
# who is let alone. Codes are made by oathtool(1) of the keys that people were shown.
# shellcheck disable=SC2016  # lines of shell for others
set -uo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"

PW=Quartz-lamp-41
CODE='ne-time code'
# What talk.py makes the code of: the key as people are shown it, in groups of four.
FIND_KEY='tr -d "\r" | grep -E "^ *([A-Z2-7]{4} ){3,}[A-Z2-7]{2,4}$" | tail -n 1 | tr -d " "'
CODE_OF_SEEN="!oathtool --totp -b \"\$($FIND_KEY)\""
# The same of the QR code that is drawn for them.
CODE_OF_QR="!oathtool --totp -b \"\$(/usr/bin/python3 $LAB_DIR/qr_read.py | sed -n 's/.*[?&]secret=\([A-Z2-7]*\).*/\1/p')\""

um() {
        lab_exec umctl "$@"
}

# totp KEY [SECONDS LATER]
totp() {
        oathtool --totp -b -N "@$(($(date +%s) + ${2:-0}))" "$1"
}

hotp() {
        oathtool -b -c "$2" "$1"
}

# enrol USER METHOD: as he would by a script over ssh, with the last code and not this one; $KEY and $RECOVERY are what he
# was shown. Not within ck, which is a process of its own.
enrol() {
        local user=$1 method=$2 line pid said=
        KEY='' RECOVERY=''
        coproc ENROL { lab_ssh "$user" "$PW" umctl self 2fa enrol "$method" 2>&1; }
        pid=$ENROL_PID # bash forgets it when it ends
        exec 7<&"${ENROL[0]}" 8>&"${ENROL[1]}"
        echo "$PW" >&8
        while read -r -t 30 line <&7; do
                said+=$line$'\n'
                case $line in
                'Key: '*) KEY=${line#Key: } KEY=${KEY// /} ;;
                Scan*) if [ "$method" = totp ]; then totp "$KEY" -30; else hotp "$KEY" 0; fi >&8 ;;
                esac
        done
        exec 7<&- 8>&-
        wait "$pid"
        RECOVERY=$(grep -oE '^[0-9A-Z]{4}(-[0-9A-Z]{4})+' <<<"$said" | head -n 3)
        grep -q 'given a second factor' <<<"$said" || KEY=''
        SAID=$said
}

# of the last one
enrolled() {
        echo "$SAID"
        [ -n "$KEY" ]
}

# ssh_talk USER [PATTERN ANSWER]...: by keyboard-interactive, and tells who came in
ssh_talk() {
        local user=$1
        shift
        lab_talk "$(lab_ssh_line "$user" id)" "$@"
}

# key_line USER METHODS: ssh with his key
key_line() {
        lab_ssh_line "$1" id | sed "s/PreferredAuthentications=[^ ]*/PreferredAuthentications=$2/; s#ssh #ssh -o IdentitiesOnly=yes -i $LAB/key #"
}

# offered USER: the methods a stranger is told of
offered() {
        lab_client ssh "${LAB_SSH_OPTIONS[@]}" -o PreferredAuthentications=none "$1@$LAB_SERVER" true 2>&1 </dev/null |
                grep -oE 'Permission denied \(.*\)'
}

same_offers() {
        local first user
        first=$(offered "$1")
        [ -n "$first" ] || return
        for user in "$@"; do
                [ "$(offered "$user")" = "$first" ] || { echo "$user: $(offered "$user"), $1: $first"; return 1; }
        done
}

sshd_says() {
        lab_exec /usr/sbin/sshd -T -C "user=$1,host=h,addr=$LAB_CLIENT"
}

# denied COMMAND: it went all the way, and was told no.
denied() {
        says 'Permission denied|uthentication failure' "$@" | tee "$LAB/denied" && ! grep -q 'uid=' "$LAB/denied"
}

# without_block COMMAND: while sshd's block is for a group nobody is in
without_block() {
        local conf=/etc/ssh/sshd_config.d/10-um.conf rc
        lab_sh "sed -i 's/^Match Group um-mfa/Match Group nobody-here/' $conf; systemctl restart ssh" # a reload does not listen for a moment
        "$@"
        rc=$?
        lab_sh "sed -i 's/^Match Group nobody-here/Match Group um-mfa/' $conf; systemctl restart ssh"
        return $rc
}

# the rest of sshd's settings is the same for both
same_settings() {
        diff <(sshd_says "$1" | grep -v ^authenticationmethods) <(sshd_says "$2" | grep -v ^authenticationmethods)
}

lab_begin
lab_debs
ck "the packages install" lab_install "$LAB_DEBS"/*.deb
ck "umd is up and well" eventually 5 um status
um policy set lockout.attempts never >/dev/null # what is refused here is refused for the code
um policy set lockout.source-attempts never >/dev/null
lab_locals
for user in alice carol dave erin frank; do
        um user add "$user" >/dev/null && lab_exec umctl user passwd "$user" <<<"$PW" >/dev/null
done
install_key() {
        local home=/home/$1
        lab_ssh "$1" "$PW" true && lab_sh "install -d -m 700 -o $1 $home/.ssh" && lab_put "$LAB/key.pub" "$home/.ssh/authorized_keys"
}
ck "alice has a key" install_key alice
ck "frank has one" install_key frank

# ---- sshd, and who is in the group
ck "no group yet: sshd takes the block all the same" lab_exec /usr/sbin/sshd -t
ck "and holds it against nobody" has '^authenticationmethods any$' sshd_says alice
ck "a key alone lets her in" lab_ssh_key alice "$LAB/key" true
enrol alice totp
ck "alice enrols over ssh, from the key as text" enrolled
ck "she is in um-mfa at once" has 'um-mfa' lab_exec id alice
ck "sshd now asks her for more than a key" has \
        '^authenticationmethods publickey,keyboard-interactive keyboard-interactive password$' sshd_says alice
for user in carol bob root nobody-at-all; do
        ck "sshd asks $user as before" has '^authenticationmethods any$' sshd_says "$user"
done
ck "nothing else differs for her" same_settings alice carol
lab_sh 'printf "PrintMotd no\nBanner /etc/issue.net\n" >>/etc/ssh/sshd_config'
ck "what follows in sshd_config is for everybody" has '^banner /etc/issue.net$' sshd_says bob
ck "and for her" has '^banner /etc/issue.net$' sshd_says alice
ck "who is in it, who is not and who is nobody are offered the same methods" same_offers alice carol nobody-at-all

# ---- password and code
code=$(totp "$KEY")
ck "password and code" has 'uid=[0-9]+\(alice\)' ssh_talk alice 'assword: ' "$PW" "$CODE" "$code"
ck "the same code again is refused" denied ssh_talk alice 'assword: ' "$PW" "$CODE" "$code"
ck "a code of the next step, with a clock that is ahead" has "uid=[0-9]+\(alice\)" \
        ssh_talk alice 'assword: ' "$PW" "$CODE" "!oathtool --totp -b -N '30 seconds' $KEY"
ck "one of far ahead is refused" denied ssh_talk alice 'assword: ' "$PW" "$CODE" "$(totp "$KEY" 300)"
ck "a wrong code is refused" denied ssh_talk alice 'assword: ' "$PW" "$CODE" 000000
ck "the code is asked for after a wrong password too" says "$CODE" ssh_talk alice 'assword: ' wrong "$CODE" 000000
ck "what is typed as a code is seen" says '424242' ssh_talk alice 'assword: ' "$PW" "$CODE" 424242
read -r -d '' one two _ <<<"$RECOVERY"
ck "a recovery code stands in for one" has 'uid=[0-9]+\(alice\)' ssh_talk alice 'assword: ' "$PW" "$CODE" "$one"
ck "once" denied ssh_talk alice 'assword: ' "$PW" "$CODE" "$one"
ck "sshd's password method ends without her being let in" refused lab_ssh alice "$PW" true
ck "and takes nothing from her" has 'uid=[0-9]+\(alice\)' ssh_talk alice 'assword: ' "$PW" "$CODE" "$two"

# ---- key and code: a token, whose codes wait for nobody
ALICES=$KEY
enrol carol hotp
ck "carol enrols a token" enrolled
TOKEN=$KEY
ck "carol has a key" lab_sh 'install -d -m 700 -o carol /home/carol/.ssh'
lab_put "$LAB/key.pub" /home/carol/.ssh/authorized_keys
ck "a key alone does not let her in" refused lab_ssh_key carol "$LAB/key" true
ck "key and code do, and no password is asked" lacks 'assword' \
        lab_talk "$(key_line carol publickey,keyboard-interactive)" "$CODE" "$(hotp "$TOKEN" 1)"
ck "key and a wrong code do not" denied lab_talk "$(key_line carol publickey,keyboard-interactive)" "$CODE" 000000
ck "a factor had by choice is asked for by um itself, where sshd's block is gone" says 'second factor' \
        without_block lab_ssh_key carol "$LAB/key" true
ck "password and code do as well" has 'uid=[0-9]+\(carol\)' ssh_talk carol 'assword: ' "$PW" "$CODE" "$(hotp "$TOKEN" 2)"
ck "frank, who needs none, comes in by key alone" lab_ssh_key frank "$LAB/key" true

# ---- the other doors
ck "su asks for the code" has 'uid=[0-9]+\(carol\)' \
        lab_talk "$(lab_tty_line "--uid=nobody su - carol -c id")" 'assword: ' "$PW" "$CODE" "$(hotp "$TOKEN" 3)"
ck "login(1) too" has 'uid=[0-9]+\(carol\)' \
        lab_talk "$(lab_tty_line '/bin/login -p')" 'login: ' carol 'assword: ' "$PW" "$CODE" "$(hotp "$TOKEN" 4)" '\$ ' 'id; exit'
ck "su with a wrong one is refused" denied lab_talk "$(lab_tty_line "--uid=nobody su - carol -c id")" 'assword: ' "$PW" "$CODE" 000000
ck "su from root asks nothing" has '\(carol\)' lab_exec su - carol -c id
lab_sh 'printf "carol ALL=(ALL) ALL\n" >/etc/sudoers.d/carol; chmod 440 /etc/sudoers.d/carol'
ck "sudo in a session that was proved by a code" has 'uid=0\(root\)' \
        lab_talk "$(lab_ssh_line carol "sudo -p SUDO: id")" 'assword: ' "$PW" "$CODE" "$(hotp "$TOKEN" 5)" 'SUDO:' "$PW"
ck "cron runs her job" lab_cron carol

# ---- everybody has to have one
ck "for everybody, with time to enrol" um policy set factor.required on
ck "all of them are in um-mfa" has 'um-mfa' lab_exec id dave
ck "and are still offered what a stranger is" same_offers alice dave nobody-at-all
ck "within that time dave comes in without" has 'uid=[0-9]+\(dave\)' ssh_talk dave 'assword: ' "$PW" "$CODE" ''
ck "the report names him" has '^dave .* on .* no ' um report mfa-coverage
ck "sudo in a session that was proved by a code asks for none" has 'uid=0\(root\)' \
        lab_talk "$(lab_ssh_line carol "sudo -p SUDO: id")" 'assword: ' "$PW" "$CODE" "$(hotp "$TOKEN" 6)" 'SUDO:' "$PW"
ck "and the log says which session that was" has 'session' um audit log --user carol --type login --limit 3
ck "outside of one it asks for the code" says 'SUDO:000000' lab_talk "$(lab_tty_line "--uid=carol sudo -p SUDO: id")" \
        'SUDO:' "$PW" 'SUDO:' 000000 'again[^S]*SUDO:' '^C'
um policy set factor.enrol-within 0 >/dev/null
ck "the time is over: no way in by sshd's password method" refused lab_ssh dave "$PW" true
ck "nor by key alone" refused lab_ssh_key frank "$LAB/key" true
ck "a key alone is refused by um itself, where sshd's block is gone" says 'second factor' \
        without_block lab_ssh_key carol "$LAB/key" true
ck "breaking off in the middle of it" says 'otpauth' ssh_talk dave 'assword: ' "$PW" "$CODE" '' 'otpauth' '^C'
ck "leaves nothing half-enrolled" lacks totp um user 2fa list dave
ck "erin enrols in the login, from the QR code she is shown, and is in" has 'uid=[0-9]+\(erin\)' \
        ssh_talk erin 'assword: ' "$PW" "$CODE" '' 'Code the app shows' "$CODE_OF_QR"
ck "dave from the key as text" has 'uid=[0-9]+\(dave\)' \
        ssh_talk dave 'assword: ' "$PW" "$CODE" '' 'Code the app shows' "$CODE_OF_SEEN"
ck "the factor is his" has 'totp.*active' um user 2fa list dave
ck "local users and root are asked for nothing" lab_local_logins "factor.required on"
ck "a lost phone: an admin takes the factor away" has 'rid of all' um user 2fa reset carol --yes --reason 'lost phone'
ck "her old codes are worthless: she is led through a new enrolment" says 'otpauth' \
        ssh_talk carol 'assword: ' "$PW" "$CODE" "$(hotp "$TOKEN" 6)" 'otpauth' '^C'
ck "doctor finds sshd asking" has 'ok.*sshd.*um-mfa' um doctor
ck "and says where it does not" without_block says 'fail.*sshd.*um-mfa' um doctor

# ---- what is kept
ck "no key, code or password stands in the journal" lacks "$TOKEN|$PW|${one:-none}" lab_enter journalctl -b --no-pager
ck "nor in the audit log" lacks "$TOKEN|${one:-none}" um audit log --limit 1000
code=$(totp "$ALICES")
ck "a code is used just before the power is cut" has 'uid=[0-9]+\(alice\)' ssh_talk alice 'assword: ' "$PW" "$CODE" "$code"
lab_powercut
ck "a power cut turns no code back" denied ssh_talk alice 'assword: ' "$PW" "$CODE" "$code"
ck "and the next one is good" has 'uid=[0-9]+\(alice\)' ssh_talk alice 'assword: ' "$PW" "$CODE" \
        "!oathtool --totp -b -N '30 seconds' $ALICES"

# ---- an app, by the other doors: two steps on
used=$(($(date +%s) / 30 + 1))
while [ $(($(date +%s) / 30)) -lt $((used + 2)) ] || [ $(($(date +%s) % 30)) -gt 20 ]; do sleep 0.5; done
ck "key and a code of the step before, with a clock that is behind" lacks 'assword' \
        lab_talk "$(key_line alice publickey,keyboard-interactive)" "$CODE" "$(totp "$ALICES" -30)"
ck "login(1) with a code of an app" has 'uid=[0-9]+\(alice\)' \
        lab_talk "$(lab_tty_line '/bin/login -p')" 'login: ' alice 'assword: ' "$PW" "$CODE" "$(totp "$ALICES")" '\$ ' 'id; exit'
lab_sh 'printf "alice ALL=(ALL) ALL\n" >/etc/sudoers.d/alice; chmod 440 /etc/sudoers.d/alice'
ck "sudo outside of a session, with the code it asks for" has 'uid=0\(root\)' \
        lab_talk "$(lab_tty_line "--uid=alice sudo -p SUDO: id")" 'SUDO:' "$PW" 'SUDO:' "$(totp "$ALICES" 30)"
checks_done
