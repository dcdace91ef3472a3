/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log/log_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "daemon/log/log_backend.h"

#define LOCK_NAME "lock"
#define NAME_PREFIX "log-"
#define NAME_DIGITS 8
#define DIRECTORY_SIZE_MAX 470 /* SQLite takes paths of 512 bytes */

const char *log_filesystem_warning(const char *directory)
{
    struct statfs status;
    if (statfs(directory, &status) != 0) {
        return NULL;
    }
    switch (status.f_type) {
    case TMPFS_MAGIC:
    case RAMFS_MAGIC:
        return "the data directory is in memory (tmpfs): nothing survives a reboot";
    case OVERLAYFS_SUPER_MAGIC:
        return "the data directory is on overlayfs, the writable layer of a container: mount a "
               "volume there, or the data goes with the container";
    default:
        return NULL;
    }
}

/* A new directory entry is durable when the directory above it is synced. */
static int sync_above(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int above = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = above < 0 || fsync(above) != 0 ? -errno : 0;
    if (above >= 0) {
        (void)close(above);
    }
    (void)close(fd);
    return result;
}

static int make_directory(const char *directory, char *error)
{
    if (mkdir(directory, 0700) != 0) {
        return errno == EEXIST ? 0
                               : log_error(error, -errno, "cannot create the directory %s: %s",
                                           directory, strerror(errno));
    }
    int result = sync_above(directory);
    return result == 0 ? 0
                       : log_error(error, result, "cannot sync the directory above %s: %s",
                                   directory, strerror(-result));
}

/* The directory too: somebody may remove the file. Not every network filesystem takes a lock of a
 * directory. */
static bool take_lock(const struct log_place *place)
{
    return (flock(place->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) &&
           flock(place->lock_fd, LOCK_EX | LOCK_NB) == 0;
}

/* The lock file holds the owner's process id, for the message to a second process. */
static int lock(struct log_place *place, char *error)
{
    place->lock_fd = openat(place->fd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (place->lock_fd < 0) {
        return log_error(error, -errno, "cannot create %s/" LOCK_NAME ": %s", place->directory,
                         strerror(errno));
    }
    if (!take_lock(place)) {
        int code = errno;
        if (code == EWOULDBLOCK && flock(place->fd, LOCK_EX | LOCK_NB) != 0 &&
            flock(place->fd, LOCK_SH | LOCK_NB) == 0) {
            return log_error(error, -EBUSY,
                             "%s is being read by another process, a verb of backstopd log: end "
                             "it first",
                             place->directory);
        }
        char owner[16] = "";
        ssize_t size = pread(place->lock_fd, owner, sizeof(owner) - 1, 0);
        owner[size > 0 ? size : 0] = '\0';
        return code == EWOULDBLOCK
                   ? log_error(error, -EBUSY, "%s is in use by another process (process id %s)",
                               place->directory, owner[0] == '\0' ? "unknown" : owner)
                   : log_error(error, -code, "cannot lock %s/" LOCK_NAME ": %s", place->directory,
                               strerror(code));
    }
    char text[16];
    int size = snprintf(text, sizeof(text), "%d", (int)getpid());
    errno = 0;
    bool is_written =
        ftruncate(place->lock_fd, 0) == 0 && pwrite(place->lock_fd, text, (size_t)size, 0) == size;
    if (!is_written && errno != ENOSPC) { /* on a full disk the start goes on without */
        return log_error(error, -EIO, "cannot write %s/" LOCK_NAME ": %s", place->directory,
                         strerror(errno));
    }
    return 0;
}

static int open_directory(struct log_place *place, const char *directory, char *error)
{
    if (realpath(directory, place->directory) == NULL) {
        return log_error(error, -errno, "cannot open the directory %s: %s", directory,
                         strerror(errno));
    }
    if (strlen(place->directory) > DIRECTORY_SIZE_MAX) {
        return log_error(error, -ENAMETOOLONG, "the path of the data directory has over %d bytes",
                         DIRECTORY_SIZE_MAX);
    }
    place->fd = open(place->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place->fd < 0) {
        return log_error(error, -errno, "cannot open the directory %s: %s", directory,
                         strerror(errno));
    }
    return 0;
}

int log_place_open(struct log_place *place, const char *directory, bool create, char *error)
{
    place->lock_fd = -1;
    place->fd = -1;
    int result = create ? make_directory(directory, error) : 0;
    if (result == 0) {
        result = open_directory(place, directory, error);
    }
    if (result == 0) {
        result = lock(place, error);
    }
    if (result != 0) {
        log_place_close(place);
    }
    return result;
}

/* Shared, so that several can read and no daemon starts meanwhile. Where the directory takes no
 * lock, the lock file says whether there is a daemon. */
static bool take_shared_lock(struct log_place *place)
{
    if (flock(place->fd, LOCK_SH | LOCK_NB) == 0) {
        return true;
    }
    if (errno == EWOULDBLOCK) {
        return false;
    }
    place->lock_fd = openat(place->fd, LOCK_NAME, O_RDONLY | O_CLOEXEC);
    return place->lock_fd < 0 || flock(place->lock_fd, LOCK_SH | LOCK_NB) == 0;
}

int log_place_open_read_only(struct log_place *place, const char *directory, char *error)
{
    place->lock_fd = -1;
    place->fd = -1;
    place->read_only = true;
    int result = open_directory(place, directory, error);
    if (result == 0) {
        place->is_alone = take_shared_lock(place);
    }
    return result;
}

void log_place_close(struct log_place *place)
{
    if (place->lock_fd >= 0) {
        (void)close(place->lock_fd);
    }
    if (place->fd >= 0) {
        (void)close(place->fd);
    }
    place->lock_fd = -1;
    place->fd = -1;
}

void log_place_name(uint32_t number, const char *suffix, char ret_name[LOG_NAME_SIZE])
{
    assert(number <= LOG_FILES_MAX);
    int size = snprintf(ret_name, LOG_NAME_SIZE, NAME_PREFIX "%0*" PRIu32 ".db%s", NAME_DIGITS,
                        number, suffix);
    assert(size < LOG_NAME_SIZE);
}

void log_place_path(const struct log_place *place, uint32_t number, char ret_path[PATH_MAX])
{
    char name[LOG_NAME_SIZE];
    log_place_name(number, "", name);
    size_t size = strlen(place->directory);
    assert(size + 1 + sizeof(name) <= PATH_MAX);
    memcpy(ret_path, place->directory, size);
    ret_path[size] = '/';
    memcpy(ret_path + size + 1, name, sizeof(name));
}

/* The number in a name that this module gives; 0 for any other name. */
static uint32_t number_of(const char *name, const char *suffix)
{
    size_t prefix_size = sizeof(NAME_PREFIX) - 1;
    if (strncmp(name, NAME_PREFIX, prefix_size) != 0) {
        return 0;
    }
    uint32_t number = 0;
    for (size_t i = prefix_size; i < prefix_size + NAME_DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9') {
            return 0;
        }
        number = number * 10 + (uint32_t)(name[i] - '0');
    }
    char expected[LOG_NAME_SIZE];
    log_place_name(number, suffix, expected);
    return strcmp(name, expected) == 0 ? number : 0;
}

struct numbers {
    uint32_t first;     /* those before it are left from a cut */
    uint32_t databases; /* how many */
    uint32_t databases_max;
    uint32_t wals_max;
    uint32_t left_min; /* of those before `first`; 0: there is none */
};

static void count_name(struct numbers *numbers, uint32_t database, uint32_t wal)
{
    uint32_t number = database != 0 ? database : wal;
    if (number != 0 && number < numbers->first) {
        numbers->left_min =
            numbers->left_min == 0 || number < numbers->left_min ? number : numbers->left_min;
        return;
    }
    numbers->databases += database != 0;
    numbers->databases_max = database > numbers->databases_max ? database : numbers->databases_max;
    numbers->wals_max = wal > numbers->wals_max ? wal : numbers->wals_max;
}

static int read_names(DIR *names, struct numbers *numbers)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(names);
        if (entry == NULL) {
            return -errno;
        }
        count_name(numbers, number_of(entry->d_name, ""), number_of(entry->d_name, "-wal"));
    }
}

static int find_hole(const struct log_place *place, const struct numbers *numbers, char *error)
{
    uint32_t last =
        numbers->wals_max > numbers->databases_max ? numbers->wals_max : numbers->databases_max;
    uint32_t count = last >= numbers->first ? last - numbers->first + 1 : 0;
    for (uint32_t number = numbers->first; count > numbers->databases && number <= last; number++) {
        char name[LOG_NAME_SIZE];
        log_place_name(number, "", name);
        if (faccessat(place->fd, name, F_OK, 0) != 0) {
            log_place_name(last, numbers->wals_max == last ? "-wal" : "", name);
            return log_error(error, -EBADMSG,
                             "%s holds %s, but file %" PRIu32 " of the log is missing: restore it",
                             place->directory, name, number);
        }
    }
    return 0;
}

static int remove_left(const struct log_place *place, const struct numbers *numbers, char *error)
{
    int result = 0;
    uint32_t number = numbers->left_min == 0 ? numbers->first : numbers->left_min;
    for (; result == 0 && number < numbers->first; number++) {
        result = log_place_remove(place, number, error);
    }
    return result;
}

/* As many files as the highest number, of databases and of -wal files, says: then none is missing. */
int log_place_last(const struct log_place *place, uint32_t first, uint32_t *ret_last, char *error)
{
    DIR *names = opendir(place->directory);
    struct numbers numbers = {.first = first};
    int result = names == NULL ? -errno : read_names(names, &numbers);
    if (names != NULL) {
        (void)closedir(names);
    }
    if (result != 0) {
        return log_error(error, result, "cannot read the directory %s: %s", place->directory,
                         strerror(-result));
    }
    result = find_hole(place, &numbers, error);
    if (result == 0 && first > 1 && numbers.databases == 0) {
        result = log_error(error, -EBADMSG,
                           "file %" PRIu32 " of the log is missing, with which it begins since "
                           "older files were cut: restore it",
                           first);
    }
    if (result == 0 && !place->read_only) {
        result = remove_left(place, &numbers, error);
    }
    *ret_last = first + numbers.databases - 1;
    return result;
}

bool log_place_has(const struct log_place *place, uint32_t number, const char *suffix)
{
    char name[LOG_NAME_SIZE];
    log_place_name(number, suffix, name);
    return faccessat(place->fd, name, F_OK, 0) == 0;
}

uint64_t log_place_size(const struct log_place *place, uint32_t number, const char *suffix)
{
    char name[LOG_NAME_SIZE];
    struct stat status;
    log_place_name(number, suffix, name);
    return fstatat(place->fd, name, &status, 0) == 0 ? (uint64_t)status.st_size : 0;
}

int64_t log_place_written_s(const struct log_place *place, uint32_t number)
{
    char name[LOG_NAME_SIZE];
    struct stat status;
    log_place_name(number, "", name);
    return fstatat(place->fd, name, &status, 0) == 0 ? (int64_t)status.st_mtim.tv_sec : 0;
}

int log_place_create(const struct log_place *place, uint32_t number, char *error)
{
    char name[LOG_NAME_SIZE];
    log_place_name(number, "", name);
    int fd = openat(place->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return log_error(error, -errno, "cannot create %s/%s: %s", place->directory, name,
                         strerror(errno));
    }
    (void)close(fd);
    return 0;
}

int log_place_remove(const struct log_place *place, uint32_t number, char *error)
{
    static const char *const suffixes[] = {"-wal", "-shm", "-journal", ""};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        char name[LOG_NAME_SIZE];
        log_place_name(number, suffixes[i], name);
        if (unlinkat(place->fd, name, 0) != 0 && errno != ENOENT) {
            return log_error(error, -errno, "cannot remove %s/%s: %s", place->directory, name,
                             strerror(errno));
        }
    }
    return 0;
}

void log_place_remove_wal(const struct log_place *place, uint32_t number)
{
    char name[LOG_NAME_SIZE];
    assert(log_place_size(place, number, "-wal") == 0);
    log_place_name(number, "-wal", name);
    (void)unlinkat(place->fd, name, 0);
}

int log_place_sync(const struct log_place *place, char *error)
{
    return fsync(place->fd) == 0 ? 0
                                 : log_error(error, -errno, "cannot sync the directory %s: %s",
                                             place->directory, strerror(errno));
}
