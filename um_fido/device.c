/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The security keys that are plugged in: the hidraw devices that say so in their descriptor, which
 * is read from the kernel before anything is written to them.  udev gives um-fido those and no
 * others (71-um-fido.rules); whoever runs it by hand as root could open keyboards too. */

#include <fcntl.h>
#include <linux/hidraw.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/base.h"
#include "um_fido/token.h"

#define HIDRAW_MAX 64 /* the kernel's own limit (HIDRAW_MAX_DEVICES) */

/* 1: it is one, and *ret is open. */
static int device_open(int number, TokenDevice *ret) {
        struct hidraw_report_descriptor descriptor = { 0 };
        _cleanup_close_ int fd = -1;
        struct stat st;
        char path[32];
        int size = 0;

        (void)snprintf(path, sizeof(path), "/dev/hidraw%d", number);
        fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode))
                return 0;
        if (ioctl(fd, HIDIOCGRDESCSIZE, &size) < 0 || size <= 0 || size > HID_MAX_DESCRIPTOR_SIZE)
                return 0;
        descriptor.size = (uint32_t)size;
        if (ioctl(fd, HIDIOCGRDESC, &descriptor) < 0 ||
            !token_descriptor_is_fido(descriptor.value, (size_t)size))
                return 0;
        *ret = (TokenDevice){ .id = st.st_rdev };
        ret->fd = base_take_fd(&fd);
        return 1;
}

size_t token_devices_open(TokenDevice ret[static TOKEN_DEVICES_MAX]) {
        size_t count = 0;

        for (int i = 0; i < HIDRAW_MAX && count < TOKEN_DEVICES_MAX; i++)
                if (device_open(i, &ret[count]) > 0)
                        count++;
        return count;
}
