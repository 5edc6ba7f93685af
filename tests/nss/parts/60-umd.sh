# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2154,SC2034,SC2086,SC2046
# The real umd: what umctl creates is found when it returns, by the map, and without it by the socket.

rm -rf /run/um/map.d/* /run/um/bus
mkdir -m 0700 $work/state $work/state/vault
echo 'yescrypt j9T' > $work/state/vault/cost # else um-vault would measure
"$build/umd/umd" --state-dir $work/state --runtime-dir /run/um --no-helper --system-bus none \
        --vault "$build/um_vault/um-vault" --quality "$build/um_quality/um-quality" --notify "$build/um_notify/um-notify" > $work/umd.log 2>&1 &
umd=$!
for _ in $(seq 500); do
        [ -e /run/um/map.d/map ] && [ -S /run/um/bus ] && break
        kill -0 $umd 2> /dev/null || break
        read -rt 0.02 < <(:) || true
done
check "umd: a user is created" "$build/umctl/umctl" user add alice --full-name 'Alice Doe' --email alice@acme.example
uid=$(id -u alice 2> $work/out) || fail "umd: and found at once" "$(cat $work/out)"
same "umd: by name" "alice:*:$uid:$uid:Alice Doe:/home/alice:/bin/bash" "$(getent passwd alice)"
same "umd: by uid" "$(getent passwd alice)" "$(getent passwd "$uid")"
same "umd: his group" "alice:*:$uid:" "$(getent group alice)"

by_map=$(for query in 'user alice' "uid $uid" 'group alice' "gid $uid" 'groups alice' 'user bob' 'uid 65599' 'group bob' 'groups bob'; do
        status $query
done)
mv /run/um/map.d/map $work/away
by_socket=$(for query in 'user alice' "uid $uid" 'group alice' "gid $uid" 'groups alice' 'user bob' 'uid 65599' 'group bob' 'groups bob'; do
        status $query
done)
same "umd: the socket says what the map says" "$by_map" "$by_socket"
mv $work/away /run/um/map.d/map
kill $umd && wait $umd
same "umd: stopped, the map still answers" "$uid" "$(id -u alice)"
rm -rf /run/um/map.d/* /run/um/bus
