/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/archive/archive_db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/archive/archive_read.h"
#include "daemon/log/db.h"

#define IMAGES_MAX 8 /* of readers side by side, each with a file of its own */

/* Of the file header of SQLite: how it is written and read. 2 is the WAL mode, which memory has not. */
#define WRITE_MODE_AT 18
#define READ_MODE_AT 19
#define MODE_PLAIN 1
#define HEADER_SIZE 100

struct image {
    struct archive *archive;
    uint32_t number; /* 0: none */
    uint32_t users;
    uint64_t used; /* when it was opened last, counted */
    uint8_t *bytes;
    size_t size;
};

struct archive {
    int fd;
    uint64_t opened;
    struct image images[IMAGES_MAX];
};

int archive_open(struct archive **ret_archive, const char *directory, char *error)
{
    struct archive *archive = calloc(1, sizeof(*archive));
    if (archive == NULL) {
        return log_error(error, -ENOMEM, "out of memory for the archive");
    }
    archive->fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (archive->fd < 0) {
        int code =
            log_error(error, -errno, "cannot open the archive %s: %s", directory, strerror(errno));
        free(archive);
        return code;
    }
    for (uint32_t i = 0; i < IMAGES_MAX; i++) {
        archive->images[i].archive = archive;
    }
    *ret_archive = archive;
    return 0;
}

static void drop(struct image *image)
{
    assert(image->users == 0);
    free(image->bytes);
    *image = (struct image){.archive = image->archive};
}

void archive_close(struct archive *archive)
{
    if (archive == NULL) {
        return;
    }
    for (uint32_t i = 0; i < IMAGES_MAX; i++) {
        drop(&archive->images[i]);
    }
    (void)close(archive->fd);
    free(archive);
}

bool archive_has(const struct archive *archive, uint32_t number)
{
    char name[ARCHIVE_NAME_SIZE];
    archive_name(number, "", name);
    return faccessat(archive->fd, name, F_OK, 0) == 0;
}

int archive_head(const struct archive *archive, uint32_t number, struct archive_head *ret_head,
                 char *error)
{
    return archive_read_head(archive->fd, number, ret_head, error);
}

/* ---- images ---- */

static int put(void *user, const void *bytes, size_t size, char *error)
{
    struct image *image = user;
    (void)error; /* archive_read lets no more come than its head says */
    memcpy(image->bytes + image->size, bytes, size);
    image->size += size;
    return 0;
}

static int fill(struct image *image, uint32_t number, char *error)
{
    const struct archive_sink sink = {.put = put, .user = image};
    struct archive_head head;
    int code = archive_read_head(image->archive->fd, number, &head, error);
    if (code != 0) {
        return code;
    }
    image->bytes = malloc((size_t)head.size);
    if (image->bytes == NULL) {
        return log_error(error, -ENOMEM, "out of memory for file %u of the archive", number);
    }
    code = archive_read(image->archive->fd, number, &sink, &head, error);
    if (code == 0 && image->size < HEADER_SIZE) {
        code = log_error(error, -EBADMSG, "file %u of the archive holds no database", number);
    }
    if (code != 0) {
        drop(image);
        return code;
    }
    image->bytes[WRITE_MODE_AT] = MODE_PLAIN;
    image->bytes[READ_MODE_AT] = MODE_PLAIN;
    image->number = number;
    return 0;
}

/* An image of the file, or else the one that can be replaced: an empty one, or the one that was not
 * used for the longest time. NULL: all are in use. */
static struct image *find(struct archive *archive, uint32_t number)
{
    struct image *found = NULL;
    for (uint32_t i = 0; i < IMAGES_MAX; i++) {
        struct image *image = &archive->images[i];
        if (image->number == number) {
            return image;
        }
        if (image->users == 0 && (found == NULL || image->used < found->used)) {
            found = image;
        }
    }
    return found;
}

/* Of those that nobody uses the last one stays: it may be opened again at once. */
static void drop_unused(struct archive *archive)
{
    for (uint32_t i = 0; i < IMAGES_MAX; i++) {
        struct image *image = &archive->images[i];
        if (image->users == 0 && image->used + 1 < archive->opened) {
            drop(image);
        }
    }
}

/* Called when a database is closed. */
static void on_closed(void *user)
{
    struct image *image = user;
    assert(image->users > 0);
    image->users--;
}

static void no_function(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    (void)values;
    sqlite3_result_null(context);
}

/* SQLite has no call for "this was closed", but it lets go of a function's owner then. */
static int attach(struct image *image, sqlite3 *db, char *error)
{
    int code = sqlite3_deserialize(db, "main", image->bytes, (sqlite3_int64)image->size,
                                   (sqlite3_int64)image->size, SQLITE_DESERIALIZE_READONLY);
    if (code == SQLITE_OK) {
        image->users++; /* a failure of the next call, too, calls on_closed */
        code = sqlite3_create_function_v2(db, "archive_image", 0, SQLITE_UTF8, image, no_function,
                                          NULL, NULL, on_closed);
    }
    return code == SQLITE_OK ? 0 : db_error(db, error);
}

int archive_open_db(struct archive *archive, uint32_t number, sqlite3 **ret_db, char *error)
{
    struct image *image = find(archive, number);
    sqlite3 *db = NULL;
    if (image == NULL) {
        return log_error(error, -EMFILE, "too many files of the archive are read at a time");
    }
    image->used = ++archive->opened;
    drop_unused(archive);
    if (image->number != number) {
        drop(image);
        image->used = archive->opened;
        int code = fill(image, number, error);
        if (code != 0) {
            return code;
        }
    }
    int code = db_open(&db, ":memory:", SQLITE_OPEN_READWRITE, error);
    code = code == 0 ? attach(image, db, error) : code;
    if (code != 0) {
        (void)sqlite3_close(db);
        return code;
    }
    *ret_db = db;
    return 0;
}
