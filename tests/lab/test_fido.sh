#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A security key at a real host's console and for sudo there: enrolled, touched, with a PIN, pulled out, not touched, taken away;
# and ssh, which never asks for it. um-fido is the packages' but for what it takes for devices: sockets, behind which
# tests/fido/softkey.py is the key. Needs UM_BUILD.
set -uo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"

PW=Quartz-lamp-41
TOUCH='Touch the security key now'
CODE='ne-time code'
TOKENS=/var/lib/um-test-tokens
AS_USUAL='{}'
KEY_PID=''

um() {
        lab_exec umctl "$@"
}

# behave JSON: how the key behaves from now on
behave() {
        echo "$1" >"$LAB_ROOT$TOKENS/key0.new" && mv "$LAB_ROOT$TOKENS/key0.new" "$LAB_ROOT$TOKENS/key0.how"
}

plug() {
        behave "${1:-$AS_USUAL}"
        /usr/bin/python3 -B "$LAB_DIR/../fido/softkey.py" "$LAB_ROOT$TOKENS" >"$LAB/softkey" 2>&1 &
        KEY_PID=$!
        eventually 10 grep -q ready "$LAB/softkey"
}

pull() {
        kill "$KEY_PID"
        wait "$KEY_PID" 2>/dev/null
        rm -f "$LAB_ROOT$TOKENS/key0"
}

key_log() {
        cat "$LAB_ROOT$TOKENS/key0.log"
}

# console [PATTERN ANSWER]...: alice's password at login(1), then those
console() {
        lab_talk "$(lab_tty_line '/bin/login -p')" 'login: ' alice 'assword: ' "$PW" "$@" | tee "$LAB/said"
}

# ssh_talk [PATTERN ANSWER]...
ssh_talk() {
        lab_talk "$(lab_ssh_line alice "${COMMAND:-id}")" 'assword: ' "$PW" "$@"
}

# The next of the recovery codes that she was shown.
next_code() {
        local code
        code=$(head -n 1 "$LAB/codes")
        sed -i 1d "$LAB/codes"
        echo "$code"
}

# asks_no_key CMD...: and it works
asks_no_key() {
        local before
        before=$(key_log)
        says 'uid=' "$@" && diff <(echo "$before") <(key_log)
}

# one touch for the login, none for sudo
sudo_once() {
        console "$TOUCH" - '\$ ' 'sudo -k id' 'password for alice: ' "$PW" 'uid=0' - '\$ ' exit | tr '\n' ' '
}

[ -x "${UM_BUILD:-}/tests/fido/um-fido-soft" ] || lab_fault "needs UM_BUILD"
lab_begin
lab_debs
ck "the packages install" lab_install "$LAB_DEBS"/*.deb
ck "umd is up and well" eventually 5 um status
um user add alice >/dev/null
lab_exec umctl user passwd alice <<<$PW >/dev/null
lab_sh 'echo "alice ALL=(ALL) ALL" >/etc/sudoers.d/alice'

# ---- enrolment
ck "the packages' own um-fido finds no key here" has 'no security key is plugged in' console '\$ ' 'umctl self 2fa enrol fido2' \
        'assword: ' "$PW" 'press Enter' '' '\$ ' 'exit 0'
ck "and has said so under systemd, shut in" has '^active$' lab_enter systemctl is-active um-fido.service
lab_put "$UM_BUILD/tests/fido/um-fido-soft" /usr/libexec/um/um-fido 0755
lab_enter mkdir -m 0755 "$TOKENS"
lab_exec systemctl restart um-fido.service
plug
ck "from elsewhere none is enrolled" has 'PolicyRefused' refused lab_ssh alice "$PW" umctl self 2fa enrol fido2 <<<"$PW"
ck "she enrols hers at the console" has 'given a second factor' console '\$ ' 'umctl self 2fa enrol fido2 --label yubi1' \
        'assword: ' "$PW" 'press Enter' '' "$TOUCH" - '\$ ' exit
tr -d '\r' <"$LAB/said" | sed -n 's/^  \([0-9A-Z]\{4\}\(-[0-9A-Z]\{4\}\)*\)$/\1/p' >"$LAB/codes"
ck "and is shown ten recovery codes" has '^10$' wc -l <"$LAB/codes"
ck "the log has it" has 'user.factor-confirm' um audit log --user alice --limit 20
ck "user show has it" has 'fido2 .*yubi1' um user show alice

# ---- the console and sudo
ck "password and touch let her in at the console" has 'uid=65536\(alice\)' console "$TOUCH" - '\$ ' 'id; exit'
ck "a wrong password and a touch do not" lacks 'uid=65536' lab_talk "$(lab_tty_line '/bin/login -p')" 'login: ' alice \
        'assword: ' wrong "$TOUCH" - 'ncorrect' ^C
# more than the session proved: so sudo asks, and takes what there is while there is time to enrol more
um policy set factor.required hardware >/dev/null 2>&1
ck "sudo at the console asks for a touch" has 'uid=0\(root\)' console "$TOUCH" - '\$ ' 'sudo -k id' 'password for alice: ' "$PW" \
        "$TOUCH" - 'uid=0' - '\$ ' exit

# ---- elsewhere
ck "ssh asks for a code, and never for the key" asks_no_key ssh_talk "$CODE" "$(next_code)"
sudo_by_ssh() {
        COMMAND='sudo -k id' ssh_talk "$CODE" "$(next_code)" 'password for alice: ' "$PW" "$CODE" "$(next_code)"
}
ck "nor does sudo in a session of ssh" asks_no_key sudo_by_ssh
claims_the_console() {
        COMMAND='env XDG_SEAT=seat0 XDG_VTNR=1 XDG_SESSION_TYPE=tty DISPLAY=:0 sudo -k id' \
                ssh_talk "$CODE" "$(next_code)" 'password for alice: ' "$PW" "$CODE" "$(next_code)"
}
ck "85: nor where it claims the console's seat and terminal" asks_no_key claims_the_console

um policy set factor.required on >/dev/null
ck "what the session proved counts for sudo in it" lacks 'Touch.*Touch' sudo_once

# ---- without it
pull
ck "not plugged in: the next method" has 'uid=65536' console 'no security key of yours is plugged in' - "$CODE" "$(next_code)" '\$ ' 'id; exit'
plug '{"touch": -1}'
not_touched() {
        UM_LAB_TALK_LIMIT=50 console "$TOUCH" - 'was not touched' - "$CODE" "$(next_code)" '\$ ' 'id; exit'
}
ck "not touched within 30 s: the next method, and login(1) has waited for it" has 'uid=65536' not_touched
ck "the key has stopped to blink" eventually 5 has '^cancelled$' tail -n 1 "$LAB_ROOT$TOKENS/key0.log"
behave '{}'
ck "um-fido killed: she gets in all the same" lab_sh 'systemctl kill -s KILL um-fido.service'
ck "by a touch" has 'uid=65536' console "$TOUCH" - '\$ ' 'id; exit'
lab_sh 'systemctl stop um-fido.socket um-fido.service'
ck "um-fido stopped: by a code" has 'uid=65536' console "$CODE" "$(next_code)" '\$ ' 'id; exit'
lab_sh 'systemctl start um-fido.socket'

# ---- what is not right
behave '{"answer": "challenge"}'
ck "a signature over something else is none" has 'uid=65536' console 'did not work' - "$CODE" "$(next_code)" '\$ ' 'id; exit'
behave '{"counter": 1}'
ck "a counter that goes back" lacks 'uid=65536' lab_talk "$(lab_tty_line '/bin/login -p')" 'login: ' alice 'assword: ' "$PW" \
        "$TOUCH" - 'ncorrect' ^C
ck "is in the log as what it is" has 'key-counter' um audit log --user alice --limit 20
behave '{"counter": 100}'
ck "and one that goes on lets her in" has 'uid=65536' console "$TOUCH" - '\$ ' 'id; exit'
behave '{}'

# ---- with a PIN; the key is another one then
um user 2fa reset alice --yes >/dev/null
um policy set factor.required off >/dev/null
pull
rm -f "$LAB_ROOT$TOKENS/key0.state"
plug '{"pin": "2468"}'
ck "a key with a PIN is enrolled" has 'given a second factor' console '\$ ' 'umctl self 2fa enrol fido2 --label pin' \
        'assword: ' "$PW" 'press Enter' '' 'PIN of the security key' 2468 "$TOUCH" - '\$ ' exit
ck "the PIN is not shown" lacks 2468 cat "$LAB/said"
tr -d '\r' <"$LAB/said" | sed -n 's/^  \([0-9A-Z]\{4\}\(-[0-9A-Z]\{4\}\)*\)$/\1/p' >"$LAB/codes"
ck "nobody is warned of hardware now" lacks warning um policy set factor.required hardware
um policy set factor.enrol-within 0 >/dev/null
ck "PIN and touch are hardware" has 'uid=65536' console 'PIN of the security key' 2468 "$TOUCH" - '\$ ' 'id; exit'
ck "a wrong PIN may be typed again" has 'uid=65536' console 'PIN of the security key' 1111 'not its PIN' - 'PIN of the security key' 2468 \
        "$TOUCH" - '\$ ' 'id; exit'
ck "a code is not" says 'a security key that verifies you is needed' ssh_talk "$CODE" "$(next_code)"
um policy set factor.required off >/dev/null
number=$(um user 2fa list alice --json | grep -oE '"number": *[0-9]+' | head -n 1 | grep -oE '[0-9]+')
ck "she takes it away" has 'rid of a second factor' console 'PIN of the security key' 2468 "$TOUCH" - '\$ ' \
        "umctl self 2fa remove $number" 'assword: ' "$PW" 'PIN of the security key' 2468 "$TOUCH" - '\$ ' exit
ck "and comes in without it" asks_no_key console '\$ ' 'id; exit'
ck "no PIN is in the journal" lacks 2468 lab_exec journalctl -b --no-pager
pull
checks_done
