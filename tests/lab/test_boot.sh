#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The bus before umd (docs/TESTS.md, item 9): dbus-daemon starts first and resolves the users of its policy through libnss_um, when
# umd is not there, and when umd hangs. It must come up all the same, and umd after it.
set -uo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"

# bus_took: sets `took` to the time from dbus.service's start to its being ready, in ms; the shortest of three boots counts.
bus_took() {
        local i at
        took=''
        for i in 1 2 3; do
                lab_reboot
                at=$(lab_enter systemctl show dbus.service -P InactiveExitTimestampMonotonic -P ActiveEnterTimestampMonotonic | xargs)
                [ "${at#* }" -gt "${at% *}" ] || continue
                at=$(((${at#* } - ${at% *}) / 1000))
                [ -n "$took" ] && [ "$took" -le $at ] || took=$at
        done
}

at_most() { # at_most MSEC MORE-THAN
        echo "$1 ms, without um $2 ms"
        [ -n "$1" ] && [ "$1" -le $(($2 + 300)) ]
}

# Both "became active" times, in this order.
bus_was_first() {
        local bus umd
        bus=$(lab_enter systemctl show dbus.service -P ActiveEnterTimestampMonotonic)
        umd=$(lab_enter systemctl show umd.service -P ActiveEnterTimestampMonotonic)
        echo "bus $bus, umd $umd"
        [ "$bus" -gt 0 ] && [ "$umd" -gt "$bus" ]
}

# dbus-daemon names each user of its policy that it could not resolve.
unknown_to_the_bus() { lab_enter journalctl -b --no-pager -u dbus.service | grep -c "Unknown username \"$1\""; }

# Whether the policy of the only-um user holds: she may own the name that nobody else may.
may_own() { lab_exec setpriv --reuid="$1" --clear-groups busctl --no-pager call org.freedesktop.DBus /org/freedesktop/DBus \
        org.freedesktop.DBus RequestName su org.example.Alice 4; }

may_own_now() { reload && may_own "$alice"; }
reload() { lab_enter busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus ReloadConfig; }

lab_debs
lab_begin
bus_took
plain=$took
ck "without um the bus is up in ${plain:-no} ms" test -n "$plain"

lab_install "$LAB_DEBS"/*.deb >"$LAB/install.log" 2>&1 || {
        cat "$LAB/install.log"
        lab_fault "the packages do not install"
}
ck "two users of um" eventually 10 lab_sh 'umctl user add alice && umctl user add bert'
lab_sh 'cat >/etc/dbus-1/system.d/only-um.conf <<END
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <policy user="alice"><allow own="org.example.Alice"/></policy>
  <policy user="bert"><allow own="org.example.Bert"/></policy>
</busconfig>
END
uid=$(id -u alice); busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus ReloadConfig; echo $uid' >"$LAB/uid"
alice=$(tail -n 1 "$LAB/uid")
ck "with um up, the policy of a user of um alone holds" may_own "$alice"
ck "for her alone" refused may_own 65534

bus_took
ck "with um, its policy naming users of um alone, at most 300 ms later" at_most "$took" "$plain"
ck "as it is shipped, her policy holds at once or when asked again" eventually 5 may_own_now
lab_sh 'mkdir -p /etc/systemd/system/umd.service.d; printf "[Unit]\nAfter=dbus.service\n" >/etc/systemd/system/umd.service.d/order.conf; sync'
bus_took
ck "umd after the bus: at most 300 ms later" at_most "$took" "$plain"
ck "the bus was there before umd" bus_was_first
ck "and could not know her then" has '^[1-9]' unknown_to_the_bus alice
ck "umd started after it, and is on it" eventually 10 has org.um1 lab_enter busctl --no-pager list --acquired
ck "and the bus, asked to look again, knows her" reload
ck "so her policy holds" may_own "$alice"

# umd's socket accepts and nobody answers: what the bus's lookups wait is bounded, once for all names.
lab_sh 'mkdir -p /etc/systemd/system/umd.service.d
        rm /etc/systemd/system/umd.service.d/order.conf; printf "[Service]\nType=exec\nExecStart=\nExecStart=/bin/sleep infinity\n" >/etc/systemd/system/umd.service.d/hang.conf; sync'
bus_took
ck "a umd that hangs: at most 300 ms later" at_most "$took" "$plain"
ck "its socket was there for the bus to ask" lab_sh 'systemctl is-active umd.socket; test -S /run/um/bus; test ! -e /run/um/map.d/map'
ck "logind is up" lab_enter loginctl --no-pager list-sessions
lab_sh 'rm -r /etc/systemd/system/umd.service.d; systemctl daemon-reload; systemctl restart umd.service'
ck "umd itself again: on the bus" eventually 10 has org.um1 lab_enter busctl --no-pager list --acquired
checks_done
