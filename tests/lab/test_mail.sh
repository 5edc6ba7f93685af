#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Codes by e-mail, notices and forgotten passwords, at the doors of a real host, with a sendmail program that puts each mail into a folder only its setgid helper
# may write to, as postfix's does.
# shellcheck disable=SC2016  # lines of shell for others
set -uo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"

PW=Quartz-lamp-41
CODE='ne-time code'
ADDRESS=alice@acme.example

um() {
        lab_exec umctl "$@"
}

# How many there are; new ones are given the time they take.
mails() {
        "$LAB/code-of" "$LAB_ROOT/var/spool/trap" settle
        find "$LAB_ROOT/var/spool/trap" -name 'mail.*' | wc -l
}

# An answer for lab_talk: the code of the mail that comes after those that are there.
new_code() {
        echo "!$LAB/code-of $LAB_ROOT/var/spool/trap $(mails)"
}

ssh_talk() {
        local user=$1
        shift
        lab_talk "$(lab_ssh_line "$user" id)" "$@"
}

# ask_only USER: as far as a mail, and breaks off
ask_only() {
        ssh_talk "$1" 'assword: ' "$PW" "$CODE" mail 'minutes' '^C'
        return 0
}

# not_offered USER: asked for a code, and not told of mail
not_offered() {
        local seen
        seen=$(ssh_talk "$1" 'assword: ' "$PW" "$CODE" '^C')
        echo "$seen"
        grep -q "$CODE" <<<"$seen" && ! grep -q '"mail"' <<<"$seen"
}

denied() {
        says 'Permission denied|uthentication failure|ogin incorrect' "$@" | tee "$LAB/denied" && ! grep -q 'uid=' "$LAB/denied"
}

mail_count_is() {
        echo "$(mails) mails, not $1"
        [ "$(mails)" = "$1" ]
}

lab_begin
lab_debs
ck "the packages install" lab_install "$LAB_DEBS"/*.deb
ck "umd is up and well" eventually 5 um status
um policy set lockout.attempts never >/dev/null
um policy set lockout.source-attempts never >/dev/null
um policy set password.history 0 >/dev/null # a reset gives the same one again
lab_locals || lab_fault "no local users"
ck "alice" um user add alice --full-name 'Älice <x> Liddell' --email $ADDRESS
lab_exec umctl user passwd alice <<<"$PW" >/dev/null
ck "a line's end in a name is refused" rc_is 2 um user add eve --full-name $'Eve\nBcc: x@evil.example'
ck "in an address too" rc_is 2 um user add eve --email $'eve@acme.example\nBcc: x@evil.example'
ck "and a second address" rc_is 2 um user add eve --email 'eve@acme.example,x@evil.example'

# ---- no mail system yet
ck "without codes by e-mail nobody misses one" lacks 'sendmail' um doctor
um policy set factor.methods +email-code >/dev/null
um policy set factor.required on >/dev/null
um policy set factor.enrol-within 0 >/dev/null
ck "with them doctor says that there is none" eventually 10 says 'fail.*mail.*no sendmail program' um doctor
ck "and status" rc_is 1 um status
ck "none is offered" not_offered alice
ck "and a password is not enough" denied ssh_talk alice 'assword: ' "$PW" "$CODE" ''

# ---- there is one
cat >"$LAB/sendmail" <<'SENDMAIL'
#!/bin/sh
[ "$*" = "-t -oi" ] || exit 64
exec /usr/local/lib/trap/tee "/var/spool/trap/new.$$" >/dev/null
SENDMAIL
# What a real one does when its queue is full.
printf '#!/bin/sh\nexit 75\n' >"$LAB/full"
cat >"$LAB/code-of" <<'CODE_OF'
#!/bin/bash
# code-of FOLDER COUNT: waits for one more mail; its code.  FOLDER settle: only gives those under way some time.
for try in $(seq 200); do
        for file in "$1"/new.*; do
                ! grep -qs 'administrator' "$file" || mv "$file" "$1/mail.$(date +%s%N)"
        done
        files=("$1"/mail.*)
        if [ "$2" = settle ]; then
                [ "$try" -lt 15 ] || exit 0
        elif [ -e "${files[0]}" ] && [ ${#files[@]} -gt "$2" ]; then
                break
        fi
        sleep 0.1
done
sed -n 's/^    \([0-9]*\)$/\1/p' "${files[-1]}"
CODE_OF
chmod 755 "$LAB/code-of"
lab_sh 'groupadd --system trap && install -d -g trap -m 0770 /var/spool/trap && install -d /usr/local/lib/trap &&
        install -g trap -m 2755 /usr/bin/tee /usr/local/lib/trap/tee'
lab_put "$LAB/sendmail" /usr/sbin/sendmail 0755
ck "a sendmail program that comes later is found" eventually 40 um status
ck "doctor is content" lacks 'fail.*mail' um doctor

# ---- in by ssh and login(1)
ck "password, the word, and the code of the mail" has 'uid=[0-9]+\(alice\)' \
        ssh_talk alice 'assword: ' "$PW" "$CODE.*mail" mail "$CODE" "$(new_code)"
mail=$(cat "$LAB_ROOT"/var/spool/trap/mail.*)
ck "it is one mail" mail_count_is 1
ck "to her alone, her name encoded" has '^ <alice@acme\.example>$' echo "$mail"
ck "with no header but ours" lacks '^(Bcc|Cc|From|X-)' echo "$mail"
ck "it says from where" has "from $LAB_CLIENT" echo "$mail"
code=$(sed -n 's/^    \([0-9]*\)$/\1/p' <<<"$mail")
ck "the same code again is refused" denied ssh_talk alice 'assword: ' "$PW" "$CODE" "$code"
ck "login(1) too" has 'uid=[0-9]+\(alice\)' \
        lab_talk "$(lab_tty_line '/bin/login -p')" 'login: ' alice 'assword: ' "$PW" "$CODE" mail "$CODE" "$(new_code)" '\$ ' 'id; exit'
ck "a wrong code is refused" denied ssh_talk alice 'assword: ' "$PW" "$CODE" mail "$CODE" 000000
ck "a wrong password gets no mail, and the same prompts" denied ssh_talk alice 'assword: ' wrong "$CODE" mail "$CODE.*" 000000
ck "nor does a name nobody has" denied ssh_talk nosuch-person 'assword: ' wrong "$CODE.*mail" mail 'for 10 minutes' - "$CODE" 000000
ck "no mail came of that" mail_count_is 3
right=$("$LAB/code-of" "$LAB_ROOT/var/spool/trap" 2)
ck "a code of another login, from there, is good still" has 'uid=[0-9]+\(alice\)' ssh_talk alice 'assword: ' "$PW" "$CODE" "$right"

# ---- bounds: three tries, five an hour
ask_only alice >/dev/null
right=$("$LAB/code-of" "$LAB_ROOT/var/spool/trap" 3)
for try in 1 2 3; do
        ck "wrong try $try" denied ssh_talk alice 'assword: ' "$PW" "$CODE" "$(printf %06d $((10#$right ^ 1)))"
done
ck "then the right one does not count any more" denied ssh_talk alice 'assword: ' "$PW" "$CODE" "$right"
ask_only alice >/dev/null
right=$("$LAB/code-of" "$LAB_ROOT/var/spool/trap" 4)
ck "that was the fifth mail" mail_count_is 5
lab_sh 'systemctl kill -s KILL umd.service'
ck "umd is back" eventually 10 um status
ask_only alice >/dev/null
ck "a sixth is not sent, also by a umd that was killed" mail_count_is 5
ck "the log says why" has 'mail-code.*deny.*too-many' um audit log --limit 20
ck "the fifth code is good over that" has 'uid=[0-9]+\(alice\)' ssh_talk alice 'assword: ' "$PW" "$CODE" "$right"

# ---- a mail system that does not work
ck "bob" um user add bob2 --email bob@acme.example
lab_exec umctl user passwd bob2 <<<"$PW" >/dev/null
lab_put "$LAB/full" /usr/local/sbin/sendmail 0755
lab_sh 'printf "sendmail = /usr/local/sbin/sendmail\n" >/etc/um/um.conf.d/mail.conf; systemctl reload umd'
ask_only bob2 >/dev/null
ck "one that refuses is told" eventually 10 has 'could not be sent to bob2 by e-mail: the sendmail program ended with status 75' \
        lab_sh 'journalctl MESSAGE_ID=4c85e1b20f9d47a3b6d17c3ea042f966'
gcc -Wall -Wextra -Werror -O1 -D_GNU_SOURCE -o "$LAB/setuid_mta" "$LAB_DIR/standin/setuid_mta.c" &&
        lab_put "$LAB/setuid_mta" /usr/local/sbin/sendmail 4755 && lab_sh 'install -d -m 0700 /var/spool/trap-root'
ask_only bob2 >/dev/null
ck "one that is setuid root, as exim, has the rights it needs" eventually 10 has '65534 65534 .*' \
        lab_sh 'grep -q "To: <bob@acme.example>" /var/spool/trap-root/mail && stat -c "%u %g %s" /var/spool/trap-root/mail'
lab_sh 'rm /etc/um/um.conf.d/mail.conf; systemctl reload umd'
ck "the word gets one again" has 'uid=[0-9]+\(bob2\)' ssh_talk bob2 'assword: ' "$PW" "$CODE" mail "$CODE" "$(new_code)"

# ---- what is kept, and what um-notify may
ck "no code stands in the journal" lacks "$right|$code" lab_enter journalctl -b --no-pager
ck "nor in the audit log" lacks "$right|$code" um audit log --limit 1000
ck "um-notify can read neither store nor key" refused lab_sh \
        'nsenter -t $(pgrep -x um-notify) -m setpriv --reuid=um-notify --clear-groups ls /var/lib/um /var/lib/um-vault/key'
ck "it has no capability" has '^CapEff:.0000000000000000$' lab_sh 'cat /proc/$(pgrep -x um-notify)/status'
ck "nor may write to /usr or /etc" refused lab_sh \
        'nsenter -t $(pgrep -x um-notify) -m sh -c "touch /usr/x || touch /etc/x"'
lab_sh 'systemctl mask --now --runtime um-notify.socket um-notify.service'
ck "without um-notify no code is offered" eventually 20 not_offered bob2
um policy set factor.required off >/dev/null
ck "and other logins go on" lab_ssh alice "$PW" true
lab_sh 'systemctl unmask --runtime um-notify.socket um-notify.service; systemctl start um-notify.socket'
ck "it is back" eventually 10 um status

# ---- notices
NEWS='your password was changed by root'
reset() {
        lab_exec umctl user passwd "$1" <<<"$PW" >/dev/null
}
# by_key USER: a shell by key, on a terminal
by_key() {
        lab_talk "$(lab_ssh_line "$1" | sed "s/PreferredAuthentications=[^ ]*/PreferredAuthentications=publickey/; s#ssh #ssh -o IdentitiesOnly=yes -i $LAB/key #")" \
                '\$ ' exit
}
reset bob2
ck "the journal has it at once" has "bob2 is told at the next login: $NEWS" lab_sh 'journalctl MESSAGE_ID=a17d6e40c3b84f219e5cd02b7f83a967'
ck "a refused login shows nothing" lacks "$NEWS" denied ssh_talk bob2 'assword: ' wrong
ck "nor does su from root" lacks "$NEWS" lab_exec su - bob2 -c id
ck "ssh shows it" has "$NEWS" ssh_talk bob2 'assword: ' "$PW"
ck "once" lacks "$NEWS" ssh_talk bob2 'assword: ' "$PW"
reset bob2
ck "login(1) shows it" has "$NEWS" lab_talk "$(lab_tty_line '/bin/login -p')" 'login: ' bob2 'assword: ' "$PW" '\$ ' exit
ck "once as well" lacks "$NEWS" lab_talk "$(lab_tty_line '/bin/login -p')" 'login: ' bob2 'assword: ' "$PW" '\$ ' exit
lab_sh 'install -d -m 700 -o bob2 /home/bob2/.ssh' && lab_put "$LAB/key.pub" /home/bob2/.ssh/authorized_keys
reset bob2
ck "a command by key takes nothing along" lab_ssh_key bob2 "$LAB/key" true
ck "a shell by key shows it" has "$NEWS" by_key bob2
ck "and leaves it for whoever logs in by password" has "$NEWS" ssh_talk bob2 'assword: ' "$PW"
ck "then it is gone for both" lacks "$NEWS" by_key bob2

# ---- a forgotten password
NEW=Pebble-marsh-58
WAY='to go back: '
SENT='Code from the mail: '
# forget USER ANSWER [PATTERN ANSWER]...: as far as the way out, and on
forget() {
        local user=$1
        shift
        ssh_talk "$user" 'Forgotten.*assword: ' '' "$WAY" "$@"
}
# wrong_as USER: a wrong code, all that was seen with the name taken out
wrong_as() {
        forget "$1" reset "$SENT" 00000000 | sed "s/$1/NAME/g"
}
same_prompts() {
        diff <(wrong_as dora) <(wrong_as nosuch-person)
}
um user add dora --email dora@acme.example >/dev/null
lab_exec umctl user passwd dora <<<"$PW" >/dev/null
ck "as shipped nobody may have forgotten it" lacks 'orgotten' ssh_talk dora 'assword: ' "$PW"
um policy set password.reset-by-email on >/dev/null
ck "a code by e-mail, a new password, and in" has 'uid=[0-9]+\(dora\)' \
        forget dora reset "$SENT" "$(new_code)" 'ew password: ' "$NEW" 'gain' "$NEW"
count=$(mails)
right=$("$LAB/code-of" "$LAB_ROOT/var/spool/trap" $((count - 1)))
ck "the mail says what for" has 'Subject: Code to set a new password on' cat "$LAB_ROOT"/var/spool/trap/mail.*
ck "the new password counts, and she is told" has 'a code by e-mail was used to set a new password, from' ssh_talk dora 'assword: ' "$NEW"
ck "the old one does not" refused lab_ssh dora "$PW" true
ck "nor the code again" denied forget dora "$right"
ck "without a new one no way in" denied forget dora reset "$SENT" "$(new_code)" 'ew password: ' '' 'was given' - 'ew password: ' '' \
        'was given' - 'ew password: ' ''
ck "and the password is as it was" lab_ssh dora "$NEW" true
ck "a name nobody has meets the same" same_prompts
ck "nothing leads back to the password" has 'uid=[0-9]+\(dora\)' forget dora '' 'assword: ' "$NEW"
ck "at the console too" has 'uid=[0-9]+\(dora\)' lab_talk "$(lab_tty_line '/bin/login -p')" 'login: ' dora \
        'Forgotten.*assword: ' '' "$WAY" reset "$SENT" "$(new_code)" 'ew password: ' "$PW" 'gain' "$PW" '\$ ' 'id; exit'
ck "su offers nothing" lacks 'orgotten' lab_talk "$(lab_tty_line "su -s /bin/sh nobody -c 'su dora -c id'")" 'assword: ' "$PW"
ck "the log has how it was changed" has 'forgotten, by a code by e-mail' um audit log --user dora
ck "no such code stands in the journal" lacks "$right" lab_enter journalctl -b --no-pager
checks_done
