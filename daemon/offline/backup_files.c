/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/offline/backup_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/text.h"
#include "daemon/log/file_bytes.h"

#define MANIFEST "manifest.json"
#define PIECE_SIZE ((size_t)1 << 20)

static const char *word(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value != NULL ? value : "";
}

static uint64_t number(const json_t *object, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(object, name));
    return value > 0 ? (uint64_t)value : 0;
}

/* A manifest names files of its own directory only. */
static bool take_file(const json_t *row, struct backup_file *file)
{
    const char *name = word(row, "name");
    const char *hash = word(row, "sha256");
    if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL ||
        strlen(name) >= sizeof(file->name) || strlen(hash) != FILE_HASH_TEXT_SIZE - 1) {
        return false;
    }
    *file = (struct backup_file){.size = number(row, "size")};
    (void)snprintf(file->name, sizeof(file->name), "%s", name);
    (void)snprintf(file->sha256, sizeof(file->sha256), "%s", hash);
    return true;
}

static bool take(const json_t *json, struct backup_manifest *manifest)
{
    const json_t *files = json_object_get(json, "files");
    const char *identity = word(json, "identity");
    const char *time = word(json, "time");
    size_t count = json_array_size(files);
    manifest->seq = number(json, "seq");
    if (manifest->seq == 0 || count == 0 || strlen(identity) != LOG_IDENTITY_DIGITS ||
        !text_time_parse((struct bs_text){time, (uint32_t)strlen(time)}, &manifest->time_ms)) {
        return false;
    }
    (void)snprintf(manifest->identity, sizeof(manifest->identity), "%s", identity);
    manifest->files = calloc(count, sizeof(*manifest->files));
    for (size_t i = 0; manifest->files != NULL && i < count; i++) {
        if (!take_file(json_array_get(files, i), &manifest->files[i])) {
            return false;
        }
        manifest->count++;
    }
    return manifest->count == count;
}

int backup_manifest_read(struct backup_manifest *manifest, const char *directory, char *error)
{
    char path[PATH_MAX];
    json_error_t why;
    *manifest = (struct backup_manifest){0};
    (void)snprintf(path, sizeof(path), "%s/" MANIFEST, directory);
    if (access(path, R_OK) != 0) {
        return log_error(
            error, -ENOENT,
            "cannot read %s: %s; it is written last, so %s is not a backup, or one that "
            "was not finished: run backstopctl backup %s again",
            path, strerror(errno), directory, directory);
    }
    json_t *json = json_load_file(path, 0, &why);
    uint64_t format = number(json, "format");
    int code = 0;
    if (json == NULL) {
        code = log_error(error, -EBADMSG, "%s is damaged: %s", path, why.text);
    } else if (format != BACKUP_FORMAT) {
        code =
            log_error(error, -EBADMSG,
                      "%s has format %" PRIu64 ", this backstopd reads format %d: restore it with "
                      "the backstopd of version %s or later",
                      path, format, BACKUP_FORMAT, word(json, "server"));
    } else if (!take(json, manifest)) {
        code = log_error(error, -EBADMSG,
                         "%s is damaged: a member is missing or is not what it must be", path);
    }
    json_decref(json);
    return code;
}

void backup_manifest_fini(struct backup_manifest *manifest)
{
    free(manifest->files);
    *manifest = (struct backup_manifest){0};
}

/* Copies and hashes. */
static int copy_bytes(int from, int to, char ret_hash[FILE_HASH_TEXT_SIZE])
{
    struct file_hash hash;
    uint8_t *piece = malloc(PIECE_SIZE);
    if (piece == NULL || !file_hash_begin(&hash)) {
        free(piece);
        return -ENOMEM;
    }
    ssize_t size = 0;
    uint64_t at = 0;
    int code = 0;
    while (code == 0 && (size = file_read_at(from, piece, PIECE_SIZE, at)) > 0) {
        file_hash_add(&hash, piece, (size_t)size);
        code = file_write_at(to, piece, (size_t)size, at);
        at += (uint64_t)size;
    }
    code = code == 0 && size < 0 ? (int)size : code;
    code = code == 0 && fsync(to) != 0 ? -errno : code;
    file_hash_end(&hash, ret_hash);
    free(piece);
    return code;
}

int backup_file_copy(const char *directory, const struct backup_file *file, int target, char *error)
{
    char path[PATH_MAX];
    char hash[FILE_HASH_TEXT_SIZE];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, file->name);
    int from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0) {
        return log_error(error, -errno, "cannot open %s: %s; run backstopctl backup %s again", path,
                         strerror(errno), directory);
    }
    int to = openat(target, file->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int code = to < 0 ? -errno : copy_bytes(from, to, hash);
    if (code != 0) {
        code = log_error(error, code, "cannot copy %s: %s", path, strerror(-code));
    } else if (strcmp(hash, file->sha256) != 0) {
        code = log_error(error, -EBADMSG,
                         "%s is not the file that was backed up: its SHA-256 is %s, " MANIFEST
                         " says %s. Run backstopctl backup %s again, or take another backup",
                         path, hash, file->sha256, directory);
    }
    (void)close(from);
    if (to >= 0) {
        (void)close(to);
    }
    return code;
}
