/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of the C library that touch files, as the simulated machine has them. */
#undef _FILE_OFFSET_BITS /* so that open and open64 are two names */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/sim/disk_private.h"
#include "tests/sim/scheduler.h"

static struct descriptor *descriptor_of(int fd)
{
    return disk.is_on && fd >= 0 && fd < FDS_MAX ? &disk.descriptors[fd] : NULL;
}

static struct file *file_of(int fd)
{
    const struct descriptor *descriptor = descriptor_of(fd);
    return descriptor == NULL ? NULL : descriptor->file;
}

static bool is_of_memory(const char *name)
{
    size_t size = strlen(name);
    return size > 4 && strcmp(name + size - 4, "-shm") == 0;
}

/* The name in the directory of the disk, "" for that itself, or NULL for any other path. */
static const char *name_of(int directory, const char *path)
{
    if (!disk.is_on) {
        return NULL;
    }
    const char *name = NULL;
    if (path[0] != '/') {
        const struct descriptor *descriptor = descriptor_of(directory);
        name = descriptor != NULL && descriptor->is_directory ? path : NULL;
    } else if (strncmp(path, disk.directory, disk.directory_size) == 0) {
        name = path + disk.directory_size;
        name = name[0] == '/' ? name + 1 : name[0] == '\0' ? name : NULL;
    }
    bool is_one =
        name != NULL && strchr(name, '/') == NULL && name[0] != '.' && !is_of_memory(name);
    return is_one ? name : NULL;
}

/* Counts the operation and asks what becomes of it; sets errno where it fails. */
static int begin(struct disk_operation operation)
{
    sched_pause();
    operation.number = ++disk.operations;
    int fate = disk.fn == NULL ? 0 : disk.fn(disk.user, &operation);
    if (fate > 0) {
        errno = fate;
    }
    return fate;
}

/* ---- opening ---- */

static bool exists(int directory, const char *path, int64_t *ret_size)
{
    struct stat status;
    bool is_there = fstatat(directory, path, &status, 0) == 0;
    *ret_size = is_there ? (int64_t)status.st_size : 0;
    return is_there;
}

static int open_name(int directory, const char *path, int flags, mode_t mode, const char *name)
{
    int64_t size;
    bool is_there = exists(directory, path, &size);
    struct entry *entry = disk_entry(name);
    bool truncates = is_there && (flags & O_TRUNC) != 0 && size > 0;
    if (!is_there && (flags & O_CREAT) != 0 &&
        begin((struct disk_operation){.kind = DISK_CREATE, .name = name}) > 0) {
        return -1;
    }
    if (truncates && begin((struct disk_operation){.kind = DISK_TRUNCATE, .name = name}) > 0) {
        return -1;
    }
    int fd = (int)syscall(SYS_openat, directory, path, flags, mode);
    if (fd < 0) {
        return fd;
    }
    assert(fd < FDS_MAX);
    if (!is_there) {
        disk_set_entry(entry, disk_new_file());
    } else if (truncates) {
        disk_change(entry->live, 0, NULL, 0);
    }
    disk.descriptors[fd] = (struct descriptor){.file = entry->live, .entry = entry};
    return fd;
}

static int open_any(int directory, const char *path, int flags, mode_t mode)
{
    const char *name = name_of(directory, path);
    if (name != NULL && name[0] != '\0') {
        return open_name(directory, path, flags, mode, name);
    }
    int fd = (int)syscall(SYS_openat, directory, path, flags, mode);
    if (disk.is_on && fd >= 0) {
        assert(fd < FDS_MAX);
        disk.descriptors[fd] = (struct descriptor){.is_directory = name != NULL};
    }
    return fd;
}

#define OPEN(directory)                                                                            \
    va_list arguments;                                                                             \
    va_start(arguments, flags);                                                                    \
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;                          \
    va_end(arguments);                                                                             \
    return open_any(directory, path, flags, mode)

int open(const char *path, int flags, ...)
{
    OPEN(AT_FDCWD);
}

int open64(const char *path, int flags, ...)
{
    OPEN(AT_FDCWD);
}

int openat(int directory, const char *path, int flags, ...)
{
    OPEN(directory);
}

int openat64(int directory, const char *path, int flags, ...)
{
    OPEN(directory);
}

int close(int fd)
{
    if (descriptor_of(fd) != NULL) {
        disk.descriptors[fd] = (struct descriptor){0};
    }
    return (int)syscall(SYS_close, fd);
}

/* ---- reading and writing ---- */

static ssize_t write_at(int fd, const void *bytes, size_t size, off_t offset)
{
    struct file *file = file_of(fd);
    if (file == NULL) {
        return syscall(SYS_pwrite64, fd, bytes, size, offset);
    }
    int fate = begin((struct disk_operation){.kind = DISK_WRITE,
                                             .name = disk.descriptors[fd].entry->name,
                                             .offset = (uint64_t)offset,
                                             .bytes = bytes,
                                             .size = size});
    if (fate > 0) {
        return -1;
    }
    size = fate < 0 ? (size + 1) / 2 : size;
    disk_change(file, (uint64_t)offset, bytes, size);
    ssize_t put = syscall(SYS_pwrite64, fd, bytes, size, offset);
    assert(put == (ssize_t)size);
    return put;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    return write_at(fd, bytes, size, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
    return write_at(fd, bytes, size, offset);
}

static ssize_t read_at(int fd, void *bytes, size_t size, off_t offset)
{
    if (file_of(fd) != NULL && size > 1 && random_once_in(&disk.short_reads, disk.short_once_in)) {
        size /= 2;
    }
    return syscall(SYS_pread64, fd, bytes, size, offset);
}

ssize_t pread(int fd, void *bytes, size_t size, off_t offset)
{
    return read_at(fd, bytes, size, offset);
}

ssize_t pread64(int fd, void *bytes, size_t size, off64_t offset)
{
    return read_at(fd, bytes, size, offset);
}

static int truncate_to(int fd, off_t size)
{
    struct file *file = file_of(fd);
    if (file != NULL) {
        if (begin((struct disk_operation){.kind = DISK_TRUNCATE,
                                          .name = disk.descriptors[fd].entry->name,
                                          .offset = (uint64_t)size}) > 0) {
            return -1;
        }
        disk_change(file, (uint64_t)size, NULL, 0);
    }
    return (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate(int fd, off_t size)
{
    return truncate_to(fd, size);
}

int ftruncate64(int fd, off64_t size)
{
    return truncate_to(fd, size);
}

/* Once the kernel has said that a sync failed, it does not try these pages again. */
static int sync_fd(int fd)
{
    const struct descriptor *descriptor = descriptor_of(fd);
    if (descriptor != NULL && descriptor->is_directory) {
        if (begin((struct disk_operation){.kind = DISK_SYNC_DIRECTORY, .name = "."}) > 0) {
            return -1;
        }
        disk_make_names_durable();
    } else if (descriptor != NULL && descriptor->file != NULL) {
        struct file *file = descriptor->file;
        if (begin((struct disk_operation){.kind = DISK_SYNC, .name = descriptor->entry->name}) >
            0) {
            disk_forget_changes(file);
            return -1;
        }
        disk_make_durable(file);
    }
    return 0;
}

int fsync(int fd)
{
    return sync_fd(fd);
}

int fdatasync(int fd)
{
    return sync_fd(fd);
}

/* ---- names ---- */

static int remove_name(int directory, const char *path)
{
    const char *name = name_of(directory, path);
    int64_t size;
    if (name != NULL && exists(directory, path, &size)) {
        if (begin((struct disk_operation){.kind = DISK_REMOVE, .name = name}) > 0) {
            return -1;
        }
        disk_set_entry(disk_entry(name), NULL);
    }
    return (int)syscall(SYS_unlinkat, directory, path, 0);
}

int unlink(const char *path)
{
    return remove_name(AT_FDCWD, path);
}

int unlinkat(int directory, const char *path, int flags)
{
    return flags == 0 ? remove_name(directory, path)
                      : (int)syscall(SYS_unlinkat, directory, path, flags);
}

static int rename_name(int from, const char *path, int to, const char *target)
{
    const char *name = name_of(from, path);
    const char *new_name = name_of(to, target);
    if (name != NULL && new_name != NULL) {
        if (begin((struct disk_operation){.kind = DISK_RENAME, .name = name}) > 0) {
            return -1;
        }
        struct entry *entry = disk_entry(name);
        disk_set_entry(disk_entry(new_name), entry->live);
        disk_set_entry(entry, NULL);
        disk.moves[disk.moves_count - 1].joins = true;
    }
    return (int)syscall(SYS_renameat2, from, path, to, target, 0);
}

int renameat(int from, const char *path, int to, const char *target)
{
    return rename_name(from, path, to, target);
}

int rename(const char *path, const char *target)
{
    return rename_name(AT_FDCWD, path, AT_FDCWD, target);
}
