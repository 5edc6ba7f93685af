#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A user's life with nothing but busctl: on the system bus, and on um's private socket.
#
#   users-with-busctl.sh [NAME]     as root, on a host with um
#
# The private socket has the same objects; there is no broker in between, so it needs no destination on the bus.
# Methods that carry a secret (SetPassword) work there only.
set -euo pipefail

name=${1:-carol}
root=/org/um1
user=$root/user/$name
system=(busctl --system)
private=(busctl --address=unix:path=/run/um/bus)

echo "== on the system bus: create, look, change, lock"
"${system[@]}" call org.um1 $root org.um1.Manager CreateUser 'sa{sv}a{sv}' "$name" \
        2 full_name s 'Carol Busby' department s Sales \
        1 reason s 'busctl example'
"${system[@]}" call org.um1 $root org.um1.Manager GetUserByName s "$name"
"${system[@]}" get-property org.um1 "$user" org.um1.User UID Status FullName
"${system[@]}" call org.um1 "$user" org.um1.User Update 'a{sv}a{sv}' 1 title s Manager 0
"${system[@]}" call org.um1 "$user" org.um1.User Lock 'a{sv}' 1 reason s 'busctl example'
"${system[@]}" get-property org.um1 "$user" org.um1.User Locked LockedReason
id "$name"

echo "== on the private socket: the same objects, and what carries a secret"
"${private[@]}" get-property org.um1 "$user" org.um1.User Title
"${private[@]}" call org.um1 "$user" org.um1.User Unlock 'a{sv}' 0
# a password for the example, made here: busctl takes arguments only, which everybody can see in ps.
# For a real password use umctl, which reads it from a prompt or standard input.
secret=$(head -c 12 /dev/urandom | base64)
bytes=$(printf %s "$secret" | od -An -tu1 | tr '\n' ' ')
# shellcheck disable=SC2086  # each byte is a word
"${private[@]}" call org.um1 "$user" org.um1.User SetPassword 'aya{sv}a{sv}' ${#secret} $bytes \
        1 must-change b true 0
"${private[@]}" call org.um1 $root org.um1.Manager ListUsers ssu "name=$name" '' 10 | cut -c1-100

echo "== refused where it does not belong"
! "${system[@]}" call org.um1 "$user" org.um1.User SetPassword 'aya{sv}a{sv}' 1 0 0 0

echo "== and the end: a tombstone keeps name and uid"
"${private[@]}" call org.um1 "$user" org.um1.User Delete 'a{sv}' 0
! id "$name" 2>/dev/null
