# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Reaching into a lab: commands, logins, dialogs, files. See lab.sh for what callers use.

LAB_ENV=(PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LC_ALL=C.UTF-8 SYSTEMD_PAGER= SYSTEMD_COLORS=0
        DEBIAN_FRONTEND=noninteractive)
LAB_SSH_OPTIONS=(-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null
        -o LogLevel=INFO -o ConnectTimeout=5 -o NumberOfPasswordPrompts=1) # INFO: PAM's texts are shown at no less

lab_enter() {
        setpriv --bounding-set "$LAB_DROP" nsenter -t "$LAB_INIT" -a -- /usr/bin/env -i "${LAB_ENV[@]}" "$@"
}

# systemd would put variables of its own in place of ${...}: $$ is its word for $.
lab_exec() {
        lab_enter systemd-run --quiet --pipe --wait --collect --service-type=exec \
                -E PATH -E LC_ALL -E TERM -E DEBIAN_FRONTEND -E SYSTEMD_PAGER "${@//\$/\$\$}"
}

lab_sh() {
        lab_exec /bin/sh -ec "$1"
}

lab_client() {
        ip netns exec "um-client-$LAB_ID" "$@"
}

lab_ssh() {
        local user=$1 password=$2
        shift 2
        lab_client sshpass -d 3 ssh "${LAB_SSH_OPTIONS[@]}" -o PreferredAuthentications=password \
                "$user@$LAB_SERVER" "$@" 3<<<"$password"
}

lab_ssh_key() {
        local user=$1 key=$2
        shift 2
        lab_client ssh "${LAB_SSH_OPTIONS[@]}" -o PreferredAuthentications=publickey -o IdentitiesOnly=yes -i "$key" \
                "$user@$LAB_SERVER" "$@" </dev/null
}

# Lines of shell for lab_talk, quoted so that they come out as they went in.
lab_ssh_line() {
        local user=$1
        shift
        printf '%q ' ip netns exec "um-client-$LAB_ID" ssh "${LAB_SSH_OPTIONS[@]}" -tt \
                -o PreferredAuthentications=keyboard-interactive "$user@$LAB_SERVER" "$@"
}

# The unit lingers for a moment: what its process wrote last is lost where terminal and unit go at once.
lab_tty_line() {
        printf '%q ' setpriv --bounding-set "$LAB_DROP" nsenter -t "$LAB_INIT" -a -- /usr/bin/env -i "${LAB_ENV[@]}" \
                systemd-run --pty --quiet --collect --wait --property='ExecStopPost=/bin/sleep 0.1'
        echo "${*//\$/\$\$}"
}

lab_talk() {
        printf '%s\0' "$@" | /usr/bin/python3 "$LAB_DIR/talk.py"
}

lab_put() {
        install -D -m "${3:-0644}" "$1" "$LAB_ROOT/$2"
}

lab_user() {
        lab_exec useradd -m -s /bin/bash ${3:+-G "$3"} "$1" && lab_exec chpasswd <<<"$1:$2"
}

lab_install() {
        local deb names=()
        for deb in "$@"; do
                lab_put "$deb" "/var/tmp/debs/$(basename "$deb")" || return
                names+=("/var/tmp/debs/$(basename "$deb")")
        done
        lab_exec apt-get -q install -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io "${names[@]}"
}
