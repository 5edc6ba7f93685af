# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034
# um's packages for a lab, and what stands in for parts of it. See lab.sh for what callers use.

# lab_debs [SUFFIX]: sets LAB_DEBS to the directory with this tree's packages, built where they are not yet. A SUFFIX is added to
# their version. Kept in UM_LAB_CACHE by what the tree holds, so that the tests of one run build once.
lab_debs() {
        local suffix=${1:-} root key
        root=$(readlink -f "$LAB_DIR/../..")
        key=$(cd "$root" && tar --sort=name --mtime=@0 --exclude-vcs --exclude='./build*' --exclude='./tests' --exclude='*.deb' \
                --exclude='./docs' -cf - . | sha256sum | cut -c1-12)
        LAB_DEBS=$UM_LAB_CACHE/debs-$key$suffix
        mkdir -p "$UM_LAB_CACHE"
        (
                flock 9
                [ ! -e "$LAB_DEBS/complete" ] || exit 0
                # only this machine's last few trees are worth keeping
                find "$UM_LAB_CACHE" -maxdepth 1 -name 'debs-*' -mmin +1440 -exec rm -rf {} +
                rm -rf "$LAB_DEBS"
                UM_DEB_SUFFIX=$suffix "$root/packaging/build-deb" "$LAB_DEBS" >"$UM_LAB_CACHE/debs.log" 2>&1 || {
                        tail -n 40 "$UM_LAB_CACHE/debs.log" >&2
                        exit 1
                }
                touch "$LAB_DEBS/complete"
        ) 9>"$UM_LAB_CACHE/debs.lock" || lab_fault "the packages were not built"
}

# lab_standin: puts stand-ins for pam_um.so and libnss_um.so.2 into the guest, and pam_matrix (standin/).
lab_standin() {
        local dir cc=(gcc -D_GNU_SOURCE -Wall -Wextra -Werror -O1)
        dir=$(mktemp -d)
        "${cc[@]}" -shared -fPIC -o "$dir/pam_um.so" "$LAB_DIR/standin/pam_um.c" -lpam &&
                "${cc[@]}" -shared -fPIC -o "$dir/libnss_um.so.2" "$LAB_DIR/standin/nss_um.c" &&
                "${cc[@]}" -o "$dir/pam_matrix" "$LAB_DIR/standin/pam_matrix.c" -lpam &&
                "$LAB_DIR/../../packaging/guard-elf" "$dir/pam_um.so" "$dir/libnss_um.so.2" &&
                lab_put "$dir/pam_um.so" "$LAB_PAM_UM" &&
                lab_put "$dir/libnss_um.so.2" "$LAB_LIBDIR/libnss_um.so.2" &&
                lab_put "$dir/pam_matrix" /usr/bin/pam_matrix 0755 &&
                lab_sh 'mkdir -p /run/um-standin; cd /run/um-standin; echo 0 >code; : >called; chmod 666 *'
        local rc=$?
        rm -rf "$dir"
        return $rc
}

LAB_LIBDIR=/usr/lib/$(gcc -print-multiarch 2>/dev/null || echo x86_64-linux-gnu)
LAB_PAM_UM=$LAB_LIBDIR/security/pam_um.so
