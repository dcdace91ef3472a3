/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/disk/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PARTIAL_NAME RESERVE_NAME ".new"

int disk_room_get(int directory, struct disk_room *ret_room)
{
    struct statvfs status;
    if (fstatvfs(directory, &status) != 0) {
        return -errno;
    }
    uint64_t used = status.f_blocks - status.f_bfree;
    ret_room->size = (used + status.f_bavail) * status.f_frsize;
    ret_room->free = status.f_bavail * status.f_frsize;
    return 0;
}

uint64_t reserve_release_below(const struct reserve_options *options)
{
    return options->free_min > options->size ? options->free_min : options->size;
}

/* A quarter more than it takes to have both, so that it does not come and go. */
uint64_t reserve_make_from(const struct reserve_options *options)
{
    uint64_t below = reserve_release_below(options);
    return options->size + below + below / 4;
}

bool reserve_exists(int directory)
{
    return faccessat(directory, RESERVE_NAME, F_OK, 0) == 0;
}

void reserve_release_if_low(int directory, const struct reserve_options *options)
{
    struct disk_room room = {0};
    if (disk_room_get(directory, &room) == 0 && room.free < reserve_release_below(options)) {
        (void)unlinkat(directory, PARTIAL_NAME, 0);
        (void)unlinkat(directory, RESERVE_NAME, 0);
    }
}

/* Under another name first: a file of the reserve's name is whole. */
int reserve_make(int directory, uint64_t size)
{
    assert(size > 0);
    int fd = openat(directory, PARTIAL_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    int result = -posix_fallocate(fd, 0, (off_t)size);
    if (result == 0 && renameat(directory, PARTIAL_NAME, directory, RESERVE_NAME) != 0) {
        result = -errno;
    }
    (void)close(fd);
    if (result != 0) {
        (void)unlinkat(directory, PARTIAL_NAME, 0);
    }
    return result;
}
