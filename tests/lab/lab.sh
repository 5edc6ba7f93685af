# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034
# A real Debian to log in to: systemd as process 1, dbus, logind, sshd, polkit, cron, booted by
# systemd-nspawn in about half a second on an overlay that is thrown away. Source it; it sources
# tests/check.sh too.
#
#   lab_begin              make the image if need be, reap what dead owners left, boot; ends with the shell
#   lab_host NAME          another host beside it ("first"), booted when first named; what follows is about that one
#   lab_reboot             orderly; what was written stays            (lab_stop, lab_start: its halves)
#   lab_powercut           every process ends at once; boot again
#   lab_keep               leave it running when this shell ends
#   lab_exec CMD...        as a unit of the guest's systemd, standard streams and exit status kept
#   lab_sh SCRIPT          the same for a line of shell
#   lab_enter CMD...       a bare process inside: quick, but no unit and no session
#   lab_client CMD...      on the other host of the lab's network, from which logins come
#   lab_ssh USER PASSWORD CMD...        ssh's password method; PASSWORD on a descriptor
#   lab_ssh_key USER KEY CMD...         ssh with a key
#   lab_talk CMD [PATTERN ANSWER]...    runs CMD (a line of shell) on a terminal, waits for each PATTERN
#                                       and sends ANSWER; prints all that was seen; exits as CMD did
#   lab_ssh_line USER [CMD]             the line of shell for lab_talk: ssh by keyboard-interactive
#   lab_tty_line CMD                    the same for a terminal of the guest itself: lab_tty_line '/bin/login -p'
#   lab_put FILE PATH [MODE]            a file of this machine into the guest
#   lab_user NAME PASSWORD [GROUPS]     a local user
#   lab_install DEB...                  apt-get install without network
#   lab_debs [SUFFIX]                   builds um's packages; $LAB_DEBS is the directory with them
#   lab_standin                         stand-ins for um's PAM and NSS modules, to test the stacks themselves
#   lab_locals, lab_local_logins WHAT   local users, and the checks that they and root get in
#   lab_cron USER                       a job of USER's runs
#   lab_no_watchdog                     a umd that is stopped by a signal stays so
#   lab_snapshot                        all that a package could leave behind in the guest, to compare
#   $LAB_ROOT                           the guest's root as seen from here
#   $LAB_SERVER, $LAB_CLIENT            the addresses of the guest and of the other host
#
# What it makes outside the guest, and removes: two network namespaces, a cgroup, one directory under
# UM_LAB_STATE, the image under UM_LAB_CACHE (that one stays). It touches nothing of this machine's /etc, its
# network or its mount table, and ends only processes of the cgroup it made. When its shell is killed,
# `tests/lab/lab reap` (and the next lab_begin) clears what is left.
#
# There is no user namespace: root in the guest is trusted code.

LAB_DIR=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
: "${UM_LAB_CACHE:=/var/tmp/um-lab}"

# Overlays on tmpfs are fast; where /dev/shm is small (a container's 64 MB) the disk has to do.
lab_state_dir() {
        local free
        free=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)
        if [ "${free:-0}" -gt 1000000 ]; then echo /dev/shm/um-lab; else echo "$UM_LAB_CACHE/state"; fi
}
: "${UM_LAB_STATE:=$(lab_state_dir)}"

declare -A LAB_HOSTS=()
LAB_HOST=first LAB_ID='' LAB='''' LAB_NSPAWN='' LAB_INIT='' LAB_ROOT='' LAB_LOWER='' LAB_DROP=''
LAB_SERVER=198.51.100.2 # TEST-NET-2, only ever inside the lab's own namespaces
LAB_CLIENT=198.51.100.1

# A fault of the lab itself ends the test: nothing after it would mean anything.
lab_fault() {
        echo "lab: $*" >&2
        echo "0 passed, 1 failed"
        exit 1
}

# shellcheck source=tests/check.sh
. "$LAB_DIR/../check.sh"
# shellcheck source=tests/lab/image.sh
. "$LAB_DIR/image.sh"
# shellcheck source=tests/lab/boot.sh
. "$LAB_DIR/boot.sh"
# shellcheck source=tests/lab/reach.sh
. "$LAB_DIR/reach.sh"
# shellcheck source=tests/lab/debs.sh
. "$LAB_DIR/debs.sh"
# shellcheck source=tests/lab/logins.sh
. "$LAB_DIR/logins.sh"
# shellcheck source=tests/lab/snapshot.sh
. "$LAB_DIR/snapshot.sh"

lab_begin() {
        [ "$(id -u)" = 0 ] || lab_fault "needs root"
        lab_image
        lab_reap
        trap 'lab_down' EXIT
        trap 'exit 130' INT
        trap 'exit 143' TERM HUP
        lab_make "$$"
        lab_start
}
