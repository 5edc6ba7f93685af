# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034
# Making, booting, stopping and clearing away one lab. See lab.sh for what callers use.

# ---- this machine's cgroups -----------------------------------------------------------------------

# Every hierarchy that systemd in the guest cares for: v2, and v1's name=systemd where there is one. Without
# a cgroup of its own in each, two labs meet in nspawn's /payload and /supervisor.
lab_cgroups() {
        awk -v id="$1" '{
                for (i = 7; i <= NF; i++) if ($i == "-") break
                if ($(i + 1) == "cgroup2" || $(i + 1) == "cgroup" && $0 ~ /name=systemd/)
                        print $5 "/um-lab-" id
        }' /proc/self/mountinfo
}

lab_cgroup_kill() {
        local dir
        for dir in $(lab_cgroups "$1"); do
                [ ! -e "$dir/cgroup.kill" ] || echo 1 >"$dir/cgroup.kill"
        done 2>/dev/null
}

# Directories of a cgroup go when its last process is reaped, a moment after it was killed.
lab_cgroup_remove() {
        local dir i left
        for ((i = 0; i < 100; i++)); do
                left=''
                for dir in $(lab_cgroups "$1"); do
                        find "$dir" -depth -type d -exec rmdir {} \; 2>/dev/null
                        [ ! -e "$dir" ] || left=1
                done
                [ -n "$left" ] || return 0
                sleep 0.05
        done
        echo "lab: cgroup of $1 will not go" >&2
}

# Gone, or a zombie: process 1 of some machines reaps only every second or two, so kill -0 lies.
lab_gone() {
        local state
        state=$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null)
        [ -z "$state" ] || [ "$state" = Z ]
}

# A process by number and start time, so that a reused number is not taken for it.
lab_process() {
        local stat
        stat=$(cat "/proc/$1/stat" 2>/dev/null) || return
        stat=${stat##*) }
        echo "$1 $(cut -d' ' -f20 <<<"$stat")"
}

# ---- one lab --------------------------------------------------------------------------------------

# lab_make ID: directory and network; nothing runs yet.
lab_make() {
        local device
        LAB_ID=$1 LAB=$UM_LAB_STATE/$1
        mkdir -p "$LAB"/{upper,work,root}
        lab_process "$$" >"$LAB/owner"
        ip netns add "um-server-$LAB_ID" && ip netns add "um-client-$LAB_ID" || lab_fault "no network namespace"
        ip -n "um-server-$LAB_ID" link add host0 type veth peer name lab0 netns "um-client-$LAB_ID"
        ip -n "um-server-$LAB_ID" addr add "$LAB_SERVER/24" dev host0
        ip -n "um-client-$LAB_ID" addr add "$LAB_CLIENT/24" dev lab0
        for device in lo host0; do ip -n "um-server-$LAB_ID" link set "$device" up; done
        for device in lo lab0; do ip -n "um-client-$LAB_ID" link set "$device" up; done
}

# lab_start: boots on what the overlay holds, and waits until systemd says that it is done.
lab_start() {
        local dir end=$((SECONDS + ${UM_LAB_BOOT_LIMIT:-60})) running
        for dir in $(lab_cgroups "$LAB_ID"); do mkdir -p "$dir"; done
        (
                for dir in $(lab_cgroups "$LAB_ID"); do echo "$BASHPID" >"$dir/cgroup.procs" || exit 1; done
                exec setsid unshare -m --propagation slave "$LAB_DIR/nspawn" "$LAB_ID" "$LAB" "$LAB_LOWER" \
                        >"$LAB/nspawn.log" 2>&1 </dev/null
        ) &
        LAB_NSPAWN=$!
        while [ $SECONDS -lt $end ]; do
                if lab_gone "$LAB_NSPAWN"; then
                        cat "$LAB/nspawn.log" >&2
                        lab_fault "nspawn ended"
                fi
                if lab_find_init; then
                        running=$(lab_enter systemctl is-system-running 2>/dev/null)
                        case $running in
                        running | degraded)
                                LAB_DROP=$(lab_dropped "$LAB_INIT") # it has dropped all it will
                                [ "$running" = running ] || lab_enter systemctl --failed --no-legend >&2
                                return 0
                                ;;
                        esac
                fi
                sleep 0.02
        done
        tail -n 20 "$LAB/nspawn.log" >&2
        lab_enter journalctl -b -n 50 >&2
        lab_fault "not booted in time: ${running:-no process 1}"
}

# The guest's process 1: nspawn's child that is number 1 in a namespace of its own.
lab_find_init() {
        local pid
        [ -z "$LAB_INIT" ] || return 0
        for pid in $(cat "/proc/$LAB_NSPAWN/task/$LAB_NSPAWN/children" 2>/dev/null); do
                if grep -qE '^NSpid:.*[[:space:]]1$' "/proc/$pid/status" 2>/dev/null; then
                        LAB_INIT=$pid LAB_ROOT=/proc/$pid/root LAB_DROP=$(lab_dropped "$pid")
                        return 0
                fi
        done
        return 1
}

# Capabilities the guest's process 1 lacks, for setpriv: nsenter would keep ours, and a "date -s" typed inside
# would set this machine's clock.
lab_dropped() {
        local bounding last list='' i
        bounding=$((0x$(sed -n 's/^CapBnd:\t//p' "/proc/$1/status")))
        last=$(cat /proc/sys/kernel/cap_last_cap)
        for ((i = 0; i <= last; i++)); do
                (((bounding >> i) & 1)) || list+=,-cap_$i
        done
        echo "${list#,}"
}

# lab_stop: orderly shutdown; the power cut when told "now", or after 30 s.
lab_stop() {
        local end=$((SECONDS + 30))
        [ -n "$LAB_NSPAWN" ] || return 0
        if [ "${1:-}" != now ]; then
                kill -TERM "$LAB_NSPAWN" 2>/dev/null
                while [ $SECONDS -lt $end ] && ! lab_gone "$LAB_NSPAWN"; do sleep 0.02; done
        fi
        lab_cgroup_kill "$LAB_ID"
        wait "$LAB_NSPAWN" 2>/dev/null
        lab_cgroup_remove "$LAB_ID"
        LAB_NSPAWN='' LAB_INIT='' LAB_ROOT=''
}

lab_reboot() {
        lab_stop && lab_start
}

lab_powercut() {
        lab_stop now && lab_start
}

# lab_down: at once and without a trace; the trap of lab_begin. Keeps the exit status it was called with.
lab_down() {
        local rc=$?
        trap '' INT TERM HUP
        [ -n "$LAB_ID" ] || return $rc
        lab_stop now
        lab_clear "$LAB_ID"
        LAB_ID=''
        unset "LAB_HOSTS[$LAB_HOST]"
        for LAB_HOST in "${!LAB_HOSTS[@]}"; do
                lab_host_load
                lab_stop now
                lab_clear "$LAB_ID"
                LAB_ID=''
        done
        return $rc
}

lab_host_load() {
        IFS='|' read -r LAB_ID LAB LAB_NSPAWN LAB_INIT LAB_ROOT LAB_DROP <<<"${LAB_HOSTS[$LAB_HOST]}"
}

# lab_host NAME: what all other functions speak of from now on; booted when it is first named. Each has a
# network of its own, with the same addresses.
lab_host() {
        LAB_HOSTS[$LAB_HOST]="$LAB_ID|$LAB|$LAB_NSPAWN|$LAB_INIT|$LAB_ROOT|$LAB_DROP"
        LAB_HOST=$1
        if [ -n "${LAB_HOSTS[$1]:-}" ]; then
                lab_host_load
                return
        fi
        LAB_NSPAWN='' LAB_INIT='' LAB_ROOT='' LAB_DROP=''
        lab_make "$$-$1"
        lab_start
}

lab_clear() {
        ip netns del "um-server-$1" 2>/dev/null
        ip netns del "um-client-$1" 2>/dev/null
        rm -rf "${UM_LAB_STATE:?}/${1:?}"
        rmdir "$UM_LAB_STATE" 2>/dev/null
        return 0
}

# lab_keep: the lab outlives its shell; `tests/lab/lab down ID` ends it.
lab_keep() {
        lab_process 1 >"$LAB/owner" # reaped when nobody of this boot is left
        disown "$LAB_NSPAWN"
        LAB_ID=''
}

# lab_end ID: takes a lab down that is not this shell's.
lab_end() {
        lab_cgroup_kill "$1"
        lab_cgroup_remove "$1"
        lab_clear "$1"
}

# lab_reap: clears away labs whose owner is gone, killed before its trap could run. One reaper at a time.
lab_reap() {
        local dir id owner
        [ -d "$UM_LAB_STATE" ] || return 0
        (
                flock 9
                for dir in "$UM_LAB_STATE"/*/; do
                        owner=$(cat "$dir/owner" 2>/dev/null)
                        [ -n "$owner" ] && [ "$(lab_process "${owner% *}")" != "$owner" ] || continue
                        id=$(basename "$dir")
                        echo "lab: reaping $id" >&2
                        lab_end "$id"
                done
        ) 9>"$UM_LAB_CACHE/reap.lock"
}
