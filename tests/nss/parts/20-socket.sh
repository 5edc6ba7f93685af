# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2154,SC2034,SC2086,SC2046
# Without a map: the socket, and whoever listens there.

server=
server_start() { # [UID]
        rm -f /run/um/bus
        /usr/bin/python3 "$here/fake_server.py" /run/um/bus $work/mode "$@" 2> $work/server.log &
        server=$!
        for _ in $(seq 200); do # it is up when it accepts; bind comes before listen
                ss -xlH src /run/um/bus 2> /dev/null | grep -q bus && return 0
                [ -S /run/um/bus ] && grep -q '00010000 0001 01 .*/run/um/bus' /proc/net/unix && return 0
                read -rt 0.02 < <(:) || true
        done
        return 1
}
server_stop() {
        [ -n "$server" ] && kill "$server" 2> /dev/null && wait "$server" 2> /dev/null
        server=
        rm -f /run/um/bus
}
trap server_stop EXIT
mode() { echo "$1" > $work/mode; }

publish 0 withdraw
same "no map, nobody listens: not known" '-1 ENOENT' "$(status user anna)"
same "no map, nobody listens: root is nobody of um's" '0 ENOENT' "$(status user root)"
same "no map: a local name is nobody of um's" '0 ENOENT' "$(status user daemon)"
same "no map: a local uid" '0 ENOENT' "$(status uid 1)"
same "no map: a local group" '0 ENOENT' "$(status group daemon)"
same "no map: groups of a local name" '0 ENOENT' "$(status groups daemon)"
same "no map: a name that cannot be" '0 ENOENT' "$(status user 'Not a name')"
same "no map: um's own service users" '0 ENOENT' "$(status user um-vault)"

mode good
server_start || fail "the fake server came up" "$(tail -1 $work/server.log)"
same "socket: user by name" '1 anna:*:70000:70000:Anna Doe,,,:/home/anna:/bin/bash' "$(status user anna)"
same "socket: user by uid" '1 anna:*:70000:70000:Anna Doe,,,:/home/anna:/bin/bash' "$(status uid 70000)"
same "socket: no such user" '0 ENOENT' "$(status user carl)"
same "socket: no such uid" '0 ENOENT' "$(status uid 70009)"
same "socket: group by name" '1 crew:*:70001:anna,bert' "$(status group crew)"
same "socket: group by gid" '1 crew:*:70001:anna,bert' "$(status gid 70001)"
same "socket: no such group" '0 ENOENT' "$(status group nogroups)"
same "socket: groups" '1 70000 70001 70002' "$(status groups anna)"
same "socket: groups of nobody" '0 ENOENT' "$(status groups carl)"
same "socket: through glibc" 'uid=70000(anna) gid=70000 groups=70000,70001(crew),70002' "$(id anna | sed 's/70000(anna) gid=70000(anna)/70000(anna) gid=70000/')"
check "socket: every buffer" "$contract" socket-buffers
mode signal-first
same "socket: a signal before the reply" '1 anna:*:70000:70000:Anna Doe,,,:/home/anna:/bin/bash' "$(status user anna)"
mode in-pieces
same "socket: a reply in pieces" '1 anna:*:70000:70000:Anna Doe,,,:/home/anna:/bin/bash' "$(status user anna)"

for wrong in $(/usr/bin/python3 "$here/fake_server.py" --modes x); do
        mode "$wrong"
        case $(status user anna) in
        '-1 '*) ok "wrong answer: $wrong" ;;
        *) fail "wrong answer: $wrong" "$(status user anna)" ;;
        esac
done
for wrong in group-member-colon group-member-empty group-array-beyond group-array-short group-root; do
        mode $wrong
        case $(status group crew) in
        '-1 '*) ok "wrong answer: $wrong" ;;
        *) fail "wrong answer: $wrong" "$(status group crew)" ;;
        esac
done
for wrong in gids-empty gids-root gids-odd gids-beyond; do
        mode $wrong
        case $(status groups anna) in
        '-1 '*) ok "wrong answer: $wrong" ;;
        *) fail "wrong answer: $wrong" "$(status groups anna)" ;;
        esac
done
mode rejected
same "rejected" '-1 EACCES' "$(status user anna)"
mode endless-line
same "a line without end" '-1 EBADMSG' "$(status user anna)"
mode dribble
same "a byte now and then is not in time" '-1 ETIMEDOUT' "$(status user anna)"

mode silent
same "a silent server" '-1 ETIMEDOUT' "$(status user anna)"
check "a silent server costs a process one wait" "$contract" pause

# umd hung, the wrong order in nsswitch.conf: root and local names do not notice.
nsswitch 'um files' 'um files'
same "um first, umd hung: root" "$(grep '^root:' /etc/passwd)" "$(getent passwd root)"
same "um first, umd hung: a local name" "$(grep '^daemon:' /etc/passwd)" "$(getent passwd daemon)"
same "um first, umd hung: a local uid" "$(grep '^daemon:' /etc/passwd)" "$(getent passwd 1)"
same "um first, umd hung: a local group" "$(grep '^daemon:' /etc/group)" "$(getent group daemon)"
same "um first, umd hung: who is nobody's is asked for" 1 "$(strace -f -e trace=connect getent passwd anna 2>&1 | grep -c /run/um/bus)"
same "um first, umd hung: root asks nobody" 0 "$(strace -f -e trace=connect getent passwd root 2>&1 | grep -c /run/um/bus)"
same "um first, umd hung: id root asks nobody" 0 "$(strace -f -e trace=connect id root 2>&1 | grep -c /run/um/bus)"
nsswitch 'files um' 'files [SUCCESS=merge] um'
server_stop

mode good
chown 65534 /run/um/map.d
server_start 65534
same "a server of the map folder's owner is believed" '0 ENOENT' "$(mode good; status user carl)"
chown 0 /run/um/map.d
same "a server of anybody else is not" '-1 EPERM' "$(status user anna)"
server_stop

# A host where um is gone: local names as if um had never been there.
mv /run/um $work/um-away
for what in 'id root' 'id daemon' 'getent passwd daemon' 'getent group daemon' 'getent passwd nobody-has-it' \
        'ls -l /etc/passwd' 'ls -ln /etc/passwd'; do
        with=$($what 2>&1; echo "$?")
        nsswitch files files
        without=$($what 2>&1; echo "$?")
        nsswitch 'files um' 'files [SUCCESS=merge] um'
        same "without /run/um: $what" "$without" "$with"
done
mv $work/um-away /run/um
