/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Huge pages for what crypt(3) works in.
 *
 * yescrypt takes 16 MiB or more from the kernel for each hash and gives them back.  In pages of 4
 * KiB 16 MiB are four thousand page faults, up to half of the time of a hash, and a system may keep
 * huge pages for those who ask for them (Fedora's and Ubuntu's do; Debian's does not).  libxcrypt
 * does not ask, and takes no memory of its caller's for that: so mmap(2) is ours in um-vault, and
 * asks. What is smaller, or is not plain memory, is mapped as it would have been.
 *
 * Ruled out: to keep the memory for the next hash.  Faster still, but it would have to be wiped,
 * and would be held on to when nobody logs in; this way the kernel has it back with each hash, as
 * before.  It is left out of core dumps on the way. */

#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/base.h"

#define HUGE_BYTES   ((size_t)2 << 20)
#define REGION_BYTES (4 * HUGE_BYTES) /* nothing else in um-vault is as large */

void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset)
        __attribute__((visibility("default")));
void *region_mmap(void *address, size_t length, int protection, int flags, int fd,
                  off_t offset) __asm__("mmap") __attribute__((visibility("default")));

static void *kernel_map(void *address, size_t length, int protection, int flags, int fd,
                        off_t offset) {
        return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}

static void part_unmap(uintptr_t from, uintptr_t to) {
        if (from < to)
                (void)munmap((void *)from, to - from);
}

/* Before Linux 6.7 a mapping begins anywhere, and its ends would be small pages. */
static void *region_map(size_t length, int protection, int flags) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE), mapped = (length + page - 1) / page * page;
        void *whole = kernel_map(NULL, mapped + HUGE_BYTES, protection, flags, -1, 0);
        uintptr_t at = (uintptr_t)whole, begin;

        if (whole == MAP_FAILED)
                return whole;
        begin = (at + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
        part_unmap(at, begin);
        part_unmap(begin + mapped, at + mapped + HUGE_BYTES);
        (void)madvise((void *)begin, mapped, MADV_HUGEPAGE); /* a kernel without: as before */
        (void)madvise((void *)begin, mapped, MADV_DONTDUMP);
        return (void *)begin;
}

void *region_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
        const int plain = MAP_PRIVATE | MAP_ANONYMOUS;

        if (!address && length >= REGION_BYTES && length <= SIZE_MAX / 2 && fd == -1 &&
            (flags & (plain | MAP_FIXED | MAP_STACK | MAP_NORESERVE | MAP_HUGETLB)) == plain &&
            protection == (PROT_READ | PROT_WRITE))
                return region_map(length, protection, flags);
        return kernel_map(address, length, protection, flags, fd, offset);
}

void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset) {
        return region_mmap(address, length, protection, flags, fd, offset);
}
