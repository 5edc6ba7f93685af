# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2154,SC2034,SC2086,SC2046
# The module's functions as glibc calls them, and what programs see of them.

publish 100 || exit 2
for case in odd-arguments impossible-names hostile-names buffers initgroups limit walk walk-moment republish; do
        check "contract: $case" "$contract" "$case"
done
publish 100 big && check "contract: big" "$contract" big
publish 100

same "getent passwd by name" 'u1:*:1879048193:1879048193:Jürgen 1,Room 1,,x:/home/u1:/bin/bash' "$(getent passwd u1)"
same "getent passwd by uid" 'u1:*:1879048193:1879048193:Jürgen 1,Room 1,,x:/home/u1:/bin/bash' "$(getent passwd 1879048193)"
same "getent group by name" 'u2:*:1879048194:u1' "$(getent group u2)"
same "id" 'uid=1879048195(u3) gid=1879048195(u3) groups=1879048195(u3),1879048196(u4),1879048197(u5),1879048198(u6)' "$(id u3)"
same "getent initgroups" 'u3 1879048195 1879048196 1879048197 1879048198' "$(getent initgroups u3 | tr -s ' ')"
same "getent lists files, then um" "$(($(grep -c . /etc/passwd) + 100))" "$(getent passwd | wc -l)"
same "a name that nobody has" 2 "$(getent passwd nobody-has-it > /dev/null; echo $?)"

# The members of a group of /etc/group that a role adds: glibc merges both sources' lists.
same "root's groups are the files' own" "$(id -G root)" "$(nsswitch files files; id -G root; nsswitch 'files um' 'files [SUCCESS=merge] um')"
