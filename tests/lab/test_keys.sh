#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ssh keys at a real sshd: which kinds let in (key.types), certificates, and security keys, which are hardware only where sshd verifies
# their users. The security keys are tests/ssh_sk's, of software; ssh itself speaks to them. Needs UM_BUILD.
set -uo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"

PW=Quartz-lamp-41
CODE='ne-time code'
CONF=/etc/ssh/sshd_config.d/10-um.conf
export SSH_SK_PROVIDER=${UM_BUILD:-}/tests/ssh_sk/sk_soft.so

um() {
        lab_exec umctl "$@"
}

# by KEY [COMMAND...]: alice, by that key alone
by() {
        local key=$1
        shift
        lab_ssh_key alice "$LAB/$key" "${@:-id}"
}

# not_by PATTERN KEY [COMMAND...]: what is told matches, and nothing ran
not_by() {
        local pattern=$1
        shift
        has "$pattern" refused by "$@" | tee "$LAB/said" && ! grep -qE 'uid=|GIVEN-AWAY' "$LAB/said"
}

# key_line KEY: the line for lab_talk: the key, then what sshd asks
key_line() {
        lab_ssh_line alice "${COMMAND:-id}" |
                sed "s/PreferredAuthentications=[^ ]*/PreferredAuthentications=publickey,keyboard-interactive/; s#ssh #ssh -o IdentitiesOnly=yes -i $LAB/$1 #"
}

# asked KEY: she is asked for a code after it; gives none, and is not let in
asked() {
        says 'One-time code' lab_talk "$(key_line "$1")" "$CODE" '^C' | tee "$LAB/said" && ! grep -q 'uid=' "$LAB/said"
}

# A session of sshd's without a command of its own: what it forwards.
forwards() {
        lab_client ssh "${LAB_SSH_OPTIONS[@]}" -o PreferredAuthentications=publickey -o IdentitiesOnly=yes -i "$LAB/$1" \
                -W 127.0.0.1:22 "alice@$LAB_SERVER" </dev/null
}

# found RESULT PATTERN: of doctor
found() {
        um doctor | grep -E "^$1 +security keys in sshd: " | tee "$LAB/said" && grep -qE -- "$2" "$LAB/said"
}

[ -e "$SSH_SK_PROVIDER" ] || lab_fault "needs UM_BUILD"
LAB_SSH_OPTIONS+=(-o SecurityKeyProvider="$SSH_SK_PROVIDER") # ssh-keygen takes it from the environment
lab_begin
lab_debs
ck "the packages install" lab_install "$LAB_DEBS"/*.deb
ck "umd is up and well" eventually 5 um status
um policy set lockout.attempts never >/dev/null
um policy set lockout.source-attempts never >/dev/null
um user add alice >/dev/null
lab_exec umctl user passwd alice <<<$PW >/dev/null
ck "alice is in, and has a home" lab_ssh alice "$PW" true

make_key() { # NAME ARGUMENTS OF ssh-keygen
        local name=$1
        shift
        ssh-keygen -q -N '' -C '' -f "$LAB/$name" "$@"
}
make_keys() {
        make_key ed25519 -t ed25519 && make_key ecdsa -t ecdsa -b 384 && make_key rsa2048 -t rsa -b 2048 && make_key rsa3072 -t rsa -b 3072 &&
                make_key ca -t ed25519 && make_key certified -t ed25519 &&
                make_key touched -t ed25519-sk && make_key verified -t ed25519-sk -O application=ssh:verifies &&
                ssh-keygen -q -s "$LAB/ca" -I alice -n alice "$LAB/certified.pub"
}
ck "keys of all kinds are made" make_keys
lab_sh 'install -d -m 700 -o alice /home/alice/.ssh'
cat "$LAB"/{ed25519,ecdsa,rsa2048,rsa3072,touched,verified}.pub >"$LAB/authorized_keys"
lab_put "$LAB/authorized_keys" /home/alice/.ssh/authorized_keys
lab_put "$LAB/ca.pub" /etc/ssh/ca.pub
lab_sh 'echo "TrustedUserCAKeys /etc/ssh/ca.pub" >/etc/ssh/sshd_config.d/20-ca.conf; systemctl restart ssh'

# ---- which kinds let in
for key in ed25519 ecdsa rsa3072 touched certified; do
        ck "as shipped, $key is in" has 'uid=[0-9]+\(alice\)' by $key
done
ck "rsa of 2048 bits is not, and she is told why" not_by 'this ssh key \(rsa of 2048 to 3071 bits\) is of a kind that is not permitted' rsa2048
ck "the log says so" has 'deny.*key-type' um audit log --type session --user alice --outcome deny
um policy set key.types sk-ssh-ed25519@openssh.com >/dev/null
lab_sh 'echo GIVEN-AWAY >/srv/file'
ck "security keys alone: ed25519 is not" not_by 'permitted: sk-ssh-ed25519@openssh.com' ed25519
ck "nor a certificate of one" not_by 'permitted: sk-ssh' certified
ck "nor rsa" not_by 'permitted: sk-ssh' rsa3072
ck "a security key is" has 'uid=[0-9]+\(alice\)' by touched
ck "and forwards" says 'SSH-2.0' forwards touched
ck "what is refused forwards nothing" has 'prohibited|refused' lacks 'SSH-2.0' refused forwards ed25519
ck "nor does it give files away" not_by 'permitted: sk-ssh' ed25519 cat /srv/file
ck "which the other key does" has GIVEN-AWAY by touched cat /srv/file
ck "the password is another way" lab_ssh alice "$PW" true
um policy set key.types ed25519 --user alice >/dev/null
ck "her own value is nearer than the company's" has 'uid=[0-9]+\(alice\)' by ed25519
um policy unset key.types --user alice >/dev/null
um policy unset key.types >/dev/null
ck "unset, all is as shipped" has 'uid=[0-9]+\(alice\)' by certified

# ---- what a security key counts as
ck "nobody demands hardware: doctor says what they count as, and why" found ok 'count as single.*sets no PubkeyAuthOptions verify-required'
um policy set factor.required hardware >/dev/null 2>&1
um policy set factor.enrol-within 0 >/dev/null
ck "somebody does: it warns" found warn 'count as single.*sets no PubkeyAuthOptions verify-required'
ck "a security key that sshd does not verify is followed by the question for a code" asked verified
lab_sh "sed -i '1i PubkeyAuthOptions verify-required' $CONF"
ck "what sshd has not read does not count" found warn 'has not read its settings since they were changed'
ck "neither for her" asked verified
lab_sh 'systemctl restart ssh'
ck "restarted, they are hardware" found ok 'count as hardware: sshd lets none in that has not verified its user'
ck "a key that verified her lets her in, and nothing is asked" has 'uid=[0-9]+\(alice\)' lacks "$CODE|assword" lab_talk "$(key_line verified)"
ck "one that was touched alone is refused by sshd" not_by 'Permission denied \(publickey' touched
ck "a key of software is followed by the question for a code" asked ed25519
lab_sh 'printf "alice ALL=(ALL) ALL\n" >/etc/sudoers.d/alice; chmod 440 /etc/sudoers.d/alice'
COMMAND='sudo -p SUDO: id'
ck "sudo in that session takes what the key proved" has 'uid=0\(root\)' lab_talk "$(key_line verified)" 'SUDO:' "$PW"
COMMAND=id
ck "by the key alone she is not in: sshd asks um behind it" not_by 'Permission denied \(password,keyboard-interactive\)' verified
um policy set key.types 'sk-*' >/dev/null
ck "a kind that is not permitted is told so at once, and no code is asked" has 'permitted: sk-\*' lacks "$CODE|uid=" \
        refused lab_talk "$(key_line ed25519)"
um policy unset key.types >/dev/null
lab_sh "printf 'Match User bob\n\tPubkeyAuthOptions none\n' >/etc/ssh/sshd_config.d/30-bob.conf; systemctl restart ssh"
ck "one line that says otherwise, for anybody, and they are single" found warn '30-bob.conf:2: PubkeyAuthOptions has a word other'
ck "for her too" asked verified
lab_sh 'rm /etc/ssh/sshd_config.d/30-bob.conf; systemctl restart ssh'
ck "without it, hardware again" has 'uid=[0-9]+\(alice\)' lab_talk "$(key_line verified)"
lab_sh 'chmod 0600 /etc/ssh/sshd_config'
ck "a file that umd may not read" found warn '/etc/ssh/sshd_config: Permission denied'
lab_sh 'chmod 0644 /etc/ssh/sshd_config; systemctl restart ssh; systemctl stop ssh; systemctl reset-failed ssh || :; systemctl start ssh'
ck "sshd stopped and started: hardware" eventually 10 found ok 'count as hardware'
checks_done
