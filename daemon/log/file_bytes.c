/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log/file_bytes.h"

#include <errno.h>
#include <unistd.h>

ssize_t file_read_at(int fd, void *bytes, size_t size, uint64_t at)
{
    size_t done = 0;
    assert(size <= SSIZE_MAX);
    while (done < size) {
        ssize_t got = pread(fd, (uint8_t *)bytes + done, size - done, (off_t)(at + done));
        if (got == 0) {
            break;
        }
        if (got < 0 && errno != EINTR) {
            return -errno;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)done;
}

int file_write_at(int fd, const void *bytes, size_t size, uint64_t at)
{
    size_t done = 0;
    while (done < size) {
        ssize_t written =
            pwrite(fd, (const uint8_t *)bytes + done, size - done, (off_t)(at + done));
        if (written == 0) {
            return -EIO;
        }
        if (written < 0 && errno != EINTR) {
            return -errno;
        }
        done += written > 0 ? (size_t)written : 0;
    }
    return 0;
}
