# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2154,SC2034,SC2086,SC2046
# Wrong files under the map's name, and the same answers as glibc's own source.

# Nobody listens here: what is no valid map is "not known", never "nobody has it", and never a crash.
publish 20
cp /run/um/map.d/map $work/good
size=$(od -An -tu8 -j256 -N8 $work/good | tr -d ' ') # what is committed; behind it is room
wrong_map() { # NAME: the file stands ready as $work/wrong
        chmod "${2:-0444}" $work/wrong
        mv -f $work/wrong /run/um/map.d/map
        same "wrong map: $1" '-1 EBADMSG' "$(status user u1)"
        same "wrong map: $1: root" "$(grep '^root:' /etc/passwd)" "$(getent passwd root)"
}
for cut in 0 1 100 4095 4096 4097 $((size / 2)) $((size - 1)); do
        head -c "$cut" $work/good > $work/wrong
        wrong_map "cut to $cut bytes"
done
head -c "$size" $work/good > $work/wrong
chmod 0444 $work/wrong
mv -f $work/wrong /run/um/map.d/map
same "a map without its room is a map" 1 "$(status user u1 | grep -c '^1 u1:')"
head -c "$size" /dev/zero > $work/wrong
wrong_map "zeros"
head -c "$size" /dev/urandom > $work/wrong
wrong_map "noise"
cp $work/good $work/wrong
printf X | dd of=$work/wrong bs=1 seek=16 conv=notrunc status=none
wrong_map "a byte of the header"
cp $work/good $work/wrong
wrong_map "others may write it" 0464
rm -f /run/um/map.d/map
ln -s $work/good /run/um/map.d/map
same "wrong map: a symlink" '-1 ELOOP' "$(status user u1)"
rm /run/um/map.d/map
mkfifo /run/um/map.d/map
same "wrong map: a fifo (no waiting)" '-1 EBADMSG' "$(timeout 5 "$contract" status user u1)"
rm /run/um/map.d/map
crashes=0
rounds=40
[ -z "$full" ] || rounds=2040
for ((i = 0; i < rounds; i++)); do # noise over the body: an answer or none, no crash
        cp $work/good $work/wrong
        dd if=/dev/urandom of=$work/wrong bs=1 count=$((RANDOM % 64 + 1)) seek=$((4096 + RANDOM % (size - 4200))) conv=notrunc status=none
        mv -f $work/wrong /run/um/map.d/map
        getent passwd > /dev/null
        [ $? -lt 126 ] || crashes=$((crashes + 1))
        getent group > /dev/null
        [ $? -lt 126 ] || crashes=$((crashes + 1))
done
same "noise in the map's body" '0 crashes' "$crashes crashes"

users=200 queries=${full:+1000000}
rm -f /run/um/map.d/map
publish $users
publish $users passwd=$work/passwd group=$work/group
mount --bind $work/passwd /etc/passwd && mount --bind $work/group /etc/group
check "${queries:-20000} queries: the same as nss_files" "$build/tests/nss/nss_differential" $users "${queries:-20000}" $RANDOM
umount /etc/passwd /etc/group
