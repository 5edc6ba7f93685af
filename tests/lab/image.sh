# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# The root file system every lab boots: a minimal Debian of this machine's own package sources, with
# what um's packages depend on, because a lab has no way out. Made once (about 40 s), kept in
# UM_LAB_CACHE under a name that changes with this file, and never written to: a lab is an overlay on it.

LAB_SUITE=bookworm
LAB_PACKAGES=(systemd systemd-sysv dbus libpam-systemd libnss-systemd openssh-server openssh-client
        sudo login passwd polkitd cron iproute2 procps ca-certificates
        libpam-runtime libpam-modules libpam0g libsystemd0 libcrypt1 liblmdb0 libsodium23 liboath0 libjansson4
        libpwquality1 cracklib-runtime libnettle8 libqrencode4)

# The file that names Debian's own archive here; others (vendors') have no business in a lab.
lab_sources() {
        local file
        for file in ${UM_LAB_SOURCES:-} /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list \
                /etc/apt/sources.list.d/*debian*; do
                [ -s "$file" ] && grep -qE '^(deb|URIs:)' "$file" && echo "$file" && return
        done
        lab_fault "no package sources: set UM_LAB_SOURCES to a sources.list of $LAB_SUITE"
}

# lab_image: sets LAB_LOWER to the unpacked root file system, made first where it is missing. Two at once: one
# makes it, the other waits.
lab_image() {
        local key
        key=$({ cat "$LAB_DIR/image.sh" && dpkg --print-architecture; } | sha256sum | cut -c1-12)
        LAB_LOWER=$UM_LAB_CACHE/root-$key
        [ ! -e "$LAB_LOWER.complete" ] || return 0
        mkdir -p "$UM_LAB_CACHE"
        (
                flock 9
                [ -e "$LAB_LOWER.complete" ] || image_make "$LAB_LOWER" 2>"$LAB_LOWER.log" || {
                        tail -n 20 "$LAB_LOWER.log" >&2
                        exit 1
                }
        ) 9>"$UM_LAB_CACHE/lock" || lab_fault "the image was not made (log: $LAB_LOWER.log)"
}

image_make() {
        local root=$1 sources packages
        sources=$(lab_sources) || return
        packages=$(IFS=,; echo "${LAB_PACKAGES[*]}")
        echo "lab: making $root" >&2
        rm -rf "$root"
        # shellcheck disable=SC2016  # $1 is the hook's
        mmdebstrap --quiet --variant=minbase --include="$packages" \
                --dpkgopt=force-unsafe-io \
                --dpkgopt='path-exclude=/usr/share/locale/*' \
                --dpkgopt='path-exclude=/usr/share/man/*' \
                --dpkgopt='path-exclude=/usr/share/doc/*' \
                --customize-hook='echo umlab >"$1/etc/hostname"' \
                --customize-hook='printf "127.0.0.1 localhost umlab\n::1 localhost\n" >"$1/etc/hosts"' \
                --customize-hook=': >"$1/etc/machine-id"; : >"$1/etc/resolv.conf"' \
                --customize-hook='mkdir -p "$1/etc/default"; touch "$1/etc/default/locale"' \
                "$LAB_SUITE" "$root" "$sources" || return
        touch "$root.complete"
}
