/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What umctl doctor reads of /etc/pam.d.  However the files look, it comes to an end; a fault names
 * a place; and the answer is a PAM return code, never a success where pam_um refused and nothing
 * else was asked.
 *
 * Input: the files a, b and c of a folder, each ended by a line of a single dot. */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "umctl/doctor.h"

#define INPUT_MAX 600U /* each include doubles the work: three files of it are enough */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64];

static void folder_remove(void) {
        for (char name = 'a'; name <= 'c'; name++) {
                char path[80];

                snprintf(path, sizeof(path), "%s/%c", folder, name);
                (void)unlink(path);
        }
        (void)rmdir(folder);
}

static void folder_make(void) {
        if (folder[0])
                return;
        snprintf(folder, sizeof(folder), "/dev/shm/fuzz_stack-XXXXXX");
        assert(mkdtemp(folder));
        atexit(folder_remove);
}

static void file_write(char name, const uint8_t *data, size_t size) {
        _cleanup_close_ int fd = -1;
        char path[80];

        snprintf(path, sizeof(path), "%s/%c", folder, name);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
}

static void files_write(const uint8_t *data, size_t size) {
        for (char name = 'a'; name <= 'c'; name++) {
                const uint8_t *end = memmem(data, size, "\n.\n", 3);
                size_t len = end ? (size_t)(end - data) + 1 : size, used = end ? len + 2 : size;

                file_write(name, data, len);
                data += used;
                size -= used;
        }
}

static void stack_exercise(const PamStack *stack) {
        for (int um = 0; um < 32; um++)
                for (int local = 0; local < 32; local += 8) {
                        int code = pam_stack_run(stack, um, local);

                        assert(code >= 0 && code < 32);
                }
        (void)pam_stack_has(stack, "pam_um.so");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char where[300];

        if (size > INPUT_MAX)
                return 0;
        folder_make();
        files_write(data, size);
        for (int facility = 0; facility < _PAM_FACILITY_MAX; facility++) {
                PamStack *stack = NULL;
                int r;

                r = pam_stack_read(folder, "a", (PamFacility)facility, &stack, where,
                                   sizeof(where));
                assert(r == 0 || r == -EBADMSG || r == -ELOOP || r == -ENOENT || r == -EBADFD ||
                       r == -EISDIR || r == -ENAMETOOLONG || r == -ENOTDIR);
                assert(strlen(where) < sizeof(where));
                if (r == 0)
                        stack_exercise(stack);
                else
                        assert(!stack && (where[0] || r == -ELOOP));
                pam_stack_free(stack);
        }
        return 0;
}
