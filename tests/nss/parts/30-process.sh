# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2154,SC2034,SC2086,SC2046
# The module inside programs of all kinds.

process=$build/tests/nss/nss_process
publish 100
for case in descriptors stdio-closed daemon little-room alarms masked small-stack; do
        check "process: $case" "$process" $case
done
check "process: ${full:+10000 times }loaded and unloaded" "$process" unload ${full:+10000}

# With them closed, what is opened gets their numbers: it is moved before anything else is done with it.
strace -o $work/trace "$process" stdio-closed
awk '/^getppid/ { seen = 1 } seen' $work/trace > $work/calls
low=$(grep -c '^fcntl([0-2], F_DUPFD_CLOEXEC, 3)' $work/calls)
if [ "$low" -gt 0 ]; then ok "stdio closed: descriptors 0 to 2 were there to be had"; else fail "stdio closed: descriptors 0 to 2 were there to be had"; fi
same "stdio closed: nothing is read, mapped or sent through descriptors 0 to 2" '' \
        "$(grep -E '^(read|pread64|fstat|newfstatat|connect|send|recv|sendto|recvfrom|sendmsg|recvmsg|ppoll)\([0-2],|^mmap\(.*, [0-2], ' $work/calls)"

# A privileged program's environment changes nothing; the module could not even read it.
cp "$process" $work/say && chmod 4755 $work/say && chmod 755 $work
hostile=(LD_PRELOAD=/nonexistent.so LD_LIBRARY_PATH="$work" LD_BIND_NOW=1 DBUS_SYSTEM_BUS_ADDRESS=unix:path=/tmp/evil
        DBUS_SESSION_BUS_ADDRESS=unix:path=/tmp/evil UM_MAP=/tmp/evil UM_SOCKET=/tmp/evil TZ=:/etc/shadow TMPDIR=/tmp/evil
        LOCPATH=/tmp/evil NLSPATH=/tmp/evil)
cp /bin/true $work/libnss_um.so.2
same "setuid program, hostile environment" '0 u1 /home/u1' \
        "$(setpriv --reuid 65534 --clear-groups env "${hostile[@]}" $work/say say 2>&1)"
rm $work/libnss_um.so.2
same "the module reads no environment, no locale, no time zone, and does no stdio" '' \
        "$(nm -D --undefined-only "$libdir/libnss_um.so.2" | sed 's/@.*//' | awk '{ print $NF }' |
                grep -E 'getenv|environ|setlocale|localtime|gmtime|tz|fopen|printf|syslog|pthread|signal|sigaction|atexit|fork|exec|dlopen|getpw|getgr')"
same "the module links libc" 1 "$(readelf -d "$libdir/libnss_um.so.2" | grep -c 'NEEDED.*libc\.so\.6')"
same "the module links libc alone" '' \
        "$(readelf -d "$libdir/libnss_um.so.2" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -vE '^(libc\.so\.6|ld-linux.*)$')"
exports=$(nm -D --defined-only "$libdir/libnss_um.so.2" | awk '{ print $NF }')
same "the module exports glibc's entry points" 11 "$(grep -c '^_nss_um_' <<< "$exports")"
same "the module exports nothing else" '' "$(grep -v '^_nss_um_' <<< "$exports")"

# What the lookups themselves cost, between two getppid() that mark the places.
strace -o $work/trace "$contract" marks || fail "marks"
between() { awk -v n="$1" '/^getppid/ { at++; next } at == n' $work/trace | grep -v '^---' > $work/calls; wc -l < $work/calls; }
first=$(between 1)
if [ "$first" -le 6 ]; then ok "the first lookup makes $first system calls (at most 6)"; else fail "the first lookup makes $first system calls" "$(tr '\n' ' ' < $work/calls)"; fi
same "4000 lookups after it make no system call" 0 "$(between 2)"
same "a lookup loads no library but libnss_um" 'libnss_um.so.2' \
        "$(strace -f -e trace=openat getent passwd u1 2>&1 | sed -n 's/.*openat(.*"\(.*\)".*) = [0-9].*/\1/p' | grep '\.so' | xargs -n1 basename | grep -v '^libc\.so\|^ld\.so' | sort -u | tr '\n' ' ' | sed 's/ $//')"
