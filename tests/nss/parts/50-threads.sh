# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2154,SC2034,SC2086,SC2046
# 32 threads look up, walk and fork while maps are published.

threads_sec=3
[ -n "$full" ] && threads_sec=20
rm -f /run/um/map.d/map
publish 60 shell=/bin/0
check "32 threads, forks, publications" "$build/tests/nss/nss_threads" 32 "$threads_sec"
cat $work/out
if nm "$build/tests/nss/nss_threads" 2> /dev/null | grep -q __asan_init; then
        echo "a sanitized build: no ThreadSanitizer beside it"
else
        publish 60 shell=/bin/0
        # without address randomization: its shadow would not fit where the kernel may put things
        check "the same under ThreadSanitizer" env TSAN_OPTIONS="halt_on_error=1 die_after_fork=0" \
                setarch -R "$build/tests/nss/nss_threads_tsan" 32 "$threads_sec"
        cat $work/out
fi
