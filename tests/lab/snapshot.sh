# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# lab_snapshot: everything of the guest that a package could leave behind, one line a file: type, mode, owner, path and the sum of
# what it holds. Left out: what changes by itself, and what dpkg, apt and passwd keep for themselves.
lab_snapshot() {
        # shellcheck disable=SC2016
        lab_sh '
                cd /
                ours() {
                        find bin etc home lib opt root sbin srv usr var run/um* dev/shm -xdev \
                                \( -path var/log -o -path var/cache -o -path var/lib/dpkg -o -path var/lib/apt -o -path var/tmp \
                                   -o -path var/lib/systemd -o -path var/lib/private \) -prune \
                                -o ! -name "passwd-" ! -name "group-" ! -name "shadow-" ! -name "gshadow-" ! -name .pwd.lock \
                                ! -name "subuid-" ! -name "subgid-" ! -name ld.so.cache ! -path etc/machine-id "$@" 2>/dev/null
                }
                ours -printf "%y %m %u %g %p %l\n" | sort
                cut -d: -f1,3- etc/shadow # not its salts
                ours -type f ! -path etc/shadow ! -name .bash_history -print0 | sort -z | xargs -0 sha256sum
                getent passwd; getent group
                systemctl list-unit-files --no-legend | grep -v transient | sort
                systemctl --failed --no-legend
                /usr/sbin/sshd -T
        '
}
