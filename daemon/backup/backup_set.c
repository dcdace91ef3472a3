/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/backup/backup_set.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log/begin_note.h"
#include "daemon/log/file_bytes.h"
#include "daemon/log/file_index.h"
#include "daemon/log/log_sqlite.h"
#include "daemon/snapshot/snapshot_directory.h"
#include "daemon/snapshot/snapshot_reader.h"

#define FILES_FIRST 64
#define PIECE_SIZE ((size_t)4 << 20)
#define SPARE_SIZE ((uint64_t)64 << 20) /* of the disk, that the copies must leave */

/* ---- the list ---- */

static struct backup_file *add(struct backup_file **files, uint32_t *count, uint32_t *capacity)
{
    if (*count == *capacity) {
        uint32_t more = *capacity == 0 ? FILES_FIRST : *capacity * 2;
        struct backup_file *grown = realloc(*files, more * sizeof(*grown));
        if (grown == NULL) {
            abort(); /* as the buffers do */
        }
        *files = grown;
        *capacity = more;
    }
    struct backup_file *file = &(*files)[(*count)++];
    *file = (struct backup_file){0};
    return file;
}

static struct backup_file *add_file(struct backup_set *set, enum backup_kind kind, const char *name)
{
    struct backup_file *file = add(&set->files, &set->count, &set->capacity);
    file->kind = kind;
    (void)snprintf(file->name, sizeof(file->name), "%s", name);
    return file;
}

void backup_hashes_fini(struct backup_hashes *hashes)
{
    free(hashes->files);
    *hashes = (struct backup_hashes){0};
}

const struct backup_file *backup_set_find(const struct backup_set *set, struct bs_text name)
{
    for (uint32_t i = 0; i < set->count; i++) {
        const struct backup_file *file = &set->files[i];
        if (bs_text_equal(name, (struct bs_text){file->name, (uint32_t)strlen(file->name)})) {
            return file;
        }
    }
    return NULL;
}

/* ---- making it ---- */

static bool goes_on(void *user)
{
    const struct backup_set *set = user;
    return set->source->goes_on(set->source->user);
}

static uint64_t size_of(int directory, const char *name)
{
    struct stat status;
    return fstatat(directory, name, &status, 0) == 0 ? (uint64_t)status.st_size : 0;
}

/* Whether the disk has room for the copies. */
static int check_room(const struct backup_set *set, char *error)
{
    static const char *const suffixes[] = {"", "-wal"};
    const struct log_sqlite *sqlite = (const struct log_sqlite *)set->source->log;
    uint64_t needed = SPARE_SIZE;
    struct statvfs disk;
    uint32_t newest = file_index_last(&((struct log_sqlite *)set->source->log)->index);
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        char name[BACKUP_NAME_SIZE];
        (void)snprintf(name, sizeof(name), BACKUP_WEBHOOKS "%s", suffixes[i]);
        needed += log_place_size(&sqlite->place, newest, suffixes[i]);
        needed += size_of(set->source->fd, name);
    }
    if (fstatvfs(set->source->fd, &disk) != 0) {
        return log_error(error, -errno, "cannot ask for the free space of the disk: %s",
                         strerror(errno));
    }
    uint64_t free_size = (uint64_t)disk.f_bavail * disk.f_frsize;
    return free_size >= needed ? 0
                               : log_error(error, -ENOSPC,
                                           "the copies need %" PRIu64
                                           " bytes of free disk beside the data, there are %" PRIu64
                                           ": free some, and begin again",
                                           needed, free_size);
}

static int copy_database(struct backup_set *set, sqlite3 *db, char *error)
{
    char target[PATH_MAX];
    const struct db_copy_options options = {
        .goes_on = goes_on, .user = set, .last = "UPDATE guard SET is_open = 0"};
    int size = snprintf(target, sizeof(target), "%s/" LOG_COPY_PREFIX BACKUP_WEBHOOKS,
                        set->source->directory);
    if (size >= (int)sizeof(target)) {
        return log_error(error, -ENAMETOOLONG, "the path of the data directory is too long");
    }
    int result = db_exec(db, "BEGIN; SELECT count(*) FROM guard", error);
    return result == 0 ? db_copy(db, target, &options, error) : result;
}

static int copy_webhooks(struct backup_set *set, char *error)
{
    char path[PATH_MAX];
    sqlite3 *db = NULL;
    (void)snprintf(path, sizeof(path), "%s/" BACKUP_WEBHOOKS, set->source->directory);
    if (size_of(set->source->fd, BACKUP_WEBHOOKS) == 0) {
        return 0;
    }
    int result = db_open(&db, path, SQLITE_OPEN_READWRITE, error);
    if (result != 0) {
        return result;
    }
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    result = copy_database(set, db, error);
    (void)sqlite3_close(db);
    if (result == 0) {
        (void)add_file(set, BACKUP_COPY, BACKUP_WEBHOOKS);
    }
    return result;
}

static void on_log_file(void *user, const struct log_copy_file *copied)
{
    struct backup_set *set = user;
    char name[LOG_NAME_SIZE];
    log_place_name(copied->number, "", name);
    struct backup_file *file = add_file(set, copied->is_copy ? BACKUP_COPY : BACKUP_LOG, name);
    file->number = copied->number;
    file->size = copied->size;
}

static int copy_log(struct backup_set *set, char *error)
{
    struct timespec now;
    const struct db_copy_options options = {
        .goes_on = goes_on, .user = set, .last = "DELETE FROM edge WHERE name = 'open'"};
    int result = log_copy_make(set->source->log, &options, on_log_file, &set->end, error);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    set->time_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    return result;
}

/* A snapshot past the copied log's end was written since. */
static int add_snapshots(struct backup_set *set, char *error)
{
    struct snapshot_list list;
    int result = snapshot_list_read(&list, set->source->fd, error);
    for (uint32_t i = 0; result == 0 && i < list.count; i++) {
        char name[SNAPSHOT_NAME_SIZE];
        struct snapshot_reader reader = {0};
        if (list.seqs[i] > set->end.seq) {
            continue;
        }
        snapshot_name(list.seqs[i], "", name);
        if (snapshot_reader_open(&reader, set->source->fd, list.seqs[i], error) == 0) {
            (void)add_file(set, BACKUP_PLAIN, name);
        }
        snapshot_reader_close(&reader);
    }
    return result;
}

/* ---- reading ---- */

/* A file of the directory that no SQLite has open. */
static int read_plain(const struct backup_set *set, const struct backup_file *file, uint64_t offset,
                      size_t size, struct buffer *out, char *error)
{
    char name[BACKUP_NAME_SIZE + sizeof(LOG_COPY_PREFIX)];
    (void)snprintf(name, sizeof(name), "%s%s", file->kind == BACKUP_COPY ? LOG_COPY_PREFIX : "",
                   file->name);
    int fd = openat(set->source->fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return log_error(error, -errno, "cannot open %s: %s", name, strerror(errno));
    }
    if (!buffer_reserve(out, size)) {
        (void)close(fd);
        return log_error(error, -ENOMEM, "out of memory for %s", name);
    }
    ssize_t got = file_read_at(fd, out->bytes + out->size, size, offset);
    int code = got == (ssize_t)size
                   ? 0
                   : log_error(error, got < 0 ? (int)got : -EIO, "cannot read %s: %s", name,
                               got < 0 ? strerror((int)-got) : "it ends early");
    (void)close(fd);
    out->size += code == 0 ? size : 0;
    return code;
}

int backup_set_read(const struct backup_set *set, const struct backup_file *file, uint64_t offset,
                    size_t size, struct buffer *out, char *error)
{
    assert(offset <= file->size);
    assert(size <= file->size - offset);
    if (size == 0) {
        return 0;
    }
    return file->kind == BACKUP_LOG
               ? log_copy_read(set->source->log, file->number, offset, out, size, error)
               : read_plain(set, file, offset, size, out, error);
}

static int hash_file(struct backup_set *set, struct backup_file *file, char *error)
{
    struct file_hash hash;
    struct buffer piece = {0};
    int code = 0;
    if (!file_hash_begin(&hash)) {
        return log_error(error, -EIO, "SHA-256 is not available");
    }
    for (uint64_t offset = 0; code == 0 && offset < file->size; offset += piece.size) {
        uint64_t left = file->size - offset;
        buffer_clear(&piece);
        code = goes_on(set)
                   ? backup_set_read(set, file, offset,
                                     left < PIECE_SIZE ? (size_t)left : PIECE_SIZE, &piece, error)
                   : log_error(error, -ECANCELED, "the backup is no longer wanted");
        file_hash_add(&hash, piece.bytes, piece.size);
        atomic_fetch_add(&set->bytes_done, piece.size);
    }
    file_hash_end(&hash, file->sha256);
    buffer_fini(&piece);
    return code;
}

static const struct backup_file *known(const struct backup_hashes *hashes,
                                       const struct backup_file *file)
{
    for (uint32_t i = 0; i < hashes->count; i++) {
        const struct backup_file *one = &hashes->files[i];
        if (one->size == file->size && strcmp(one->name, file->name) == 0) {
            return one;
        }
    }
    return NULL;
}

static int hash_files(struct backup_set *set, struct backup_hashes *hashes, char *error)
{
    int code = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        struct backup_file *file = &set->files[i];
        if (file->kind != BACKUP_LOG) {
            char name[BACKUP_NAME_SIZE + sizeof(LOG_COPY_PREFIX)];
            (void)snprintf(name, sizeof(name), "%s%s",
                           file->kind == BACKUP_COPY ? LOG_COPY_PREFIX : "", file->name);
            file->size = size_of(set->source->fd, name);
        }
        atomic_fetch_add(&set->bytes_total, file->size);
    }
    for (uint32_t i = 0; code == 0 && i < set->count; i++) {
        struct backup_file *file = &set->files[i];
        const struct backup_file *before = file->kind == BACKUP_LOG ? known(hashes, file) : NULL;
        if (before != NULL) {
            memcpy(file->sha256, before->sha256, sizeof(file->sha256));
            atomic_fetch_add(&set->bytes_done, file->size);
            continue;
        }
        code = hash_file(set, file, error);
        if (code == 0 && file->kind == BACKUP_LOG) {
            *add(&hashes->files, &hashes->count, &hashes->capacity) = *file;
        }
    }
    return code;
}

/* The oldest first: should the log drop its oldest files, they are there already. */
static void reverse(struct backup_set *set)
{
    for (uint32_t i = 0; i < set->count / 2; i++) {
        struct backup_file kept = set->files[i];
        set->files[i] = set->files[set->count - 1 - i];
        set->files[set->count - 1 - i] = kept;
    }
}

int backup_set_make(struct backup_set *set, const struct backup_source *source,
                    struct backup_hashes *hashes, char *error)
{
    set->source = source;
    int code = check_room(set, error);
    code = code == 0 ? copy_webhooks(set, error) : code;
    code = code == 0 ? copy_log(set, error) : code;
    code = code == 0 ? add_snapshots(set, error) : code;
    if (code == 0 && size_of(set->source->fd, BEGIN_NAME) > 0) {
        (void)add_file(set, BACKUP_PLAIN, BEGIN_NAME);
    }
    reverse(set);
    return code == 0 ? hash_files(set, hashes, error) : code;
}

/* ---- removing ---- */

int backup_set_remove_left(int directory, char *error)
{
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = fd < 0 ? NULL : fdopendir(fd);
    if (names == NULL) {
        return log_error(error, -errno, "cannot read the data directory: %s", strerror(errno));
    }
    const struct dirent *entry;
    while ((entry = readdir(names)) != NULL) {
        bool is_copy = strncmp(entry->d_name, LOG_COPY_PREFIX, sizeof(LOG_COPY_PREFIX) - 1) == 0;
        if (is_copy) {
            (void)unlinkat(directory, entry->d_name, 0);
        }
    }
    (void)closedir(names);
    return 0;
}

void backup_set_clear(struct backup_set *set)
{
    char ignored[LOG_ERROR_SIZE];
    if (set->source != NULL) {
        (void)!backup_set_remove_left(set->source->fd, ignored);
    }
    free(set->files);
    set->source = NULL;
    set->files = NULL;
    set->count = 0;
    set->capacity = 0;
    atomic_store(&set->bytes_done, 0);
    atomic_store(&set->bytes_total, 0);
}
