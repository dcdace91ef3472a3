/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup: fetches the files of a backup into a directory. A file is first NAME.HASH.part; when all
 * are there and have their hashes, each takes its name, and manifest.json is written last. So an
 * interrupted run leaves what it fetched, the next one goes on with it, and finished log files, which
 * never change, are fetched once.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/progress.h"
#include "cli/verbs.h"
#include "daemon/backup/file_hash.h"

#define MANIFEST "manifest.json"
#define PARTIAL ".part"
#define PATH_SIZE 160
#define PIECE_SIZE 4194304
#define TIMEOUT_MS 60000L
#define POLL_MS 200
#define ATTEMPTS_MAX 3
#define HASH_SHOWN 16 /* digits in the name of a part */
#define EX_AGAIN (-1) /* the server no longer has the backup */

struct fetch {
    struct cli *cli;
    const char *directory;
    int fd;
    json_t *backup;
    json_int_t id;
    json_int_t bytes_total, bytes_done, bytes_fetched;
    struct progress progress;
};

static int failed(const struct fetch *fetch, const char *what, const char *name)
{
    cli_error("cannot %s %s/%s: %s", what, fetch->directory, name, strerror(errno));
    return errno == ENOSPC ? EX_CANTCREAT : EX_IOERR;
}

static void show_bar(const struct fetch *fetch, const char *what)
{
    progress_show(&fetch->progress, what, fetch->bytes_done, fetch->bytes_total);
}

/* ---- the server's side ---- */

static int ask(struct fetch *fetch, bool begins, json_t **ret_backup)
{
    struct http_answer answer;
    struct buffer path = {0};
    const struct buffer nothing = {0};
    buffer_text(&path, "/v1/backups");
    if (!begins) {
        buffer_printf(&path, "/%" JSON_INTEGER_FORMAT, fetch->id);
    }
    int code = begins ? http_post_json(fetch->cli->http, path.bytes, &nothing, TIMEOUT_MS, &answer)
                      : http_get(fetch->cli->http, path.bytes, TIMEOUT_MS, &answer);
    buffer_fini(&path);
    if (code != EX_OK) {
        cli_error("%s: %s", http_url(fetch->cli->http), http_error(fetch->cli->http));
        return code;
    }
    if (!begins && answer.status == 404) {
        return EX_AGAIN;
    }
    if (answer.status >= 300) {
        return cli_refused(fetch->cli, &answer);
    }
    *ret_backup = json_loads(answer.body, 0, NULL);
    if (!json_is_object(*ret_backup)) {
        cli_error("%s: the answer is not JSON", http_url(fetch->cli->http));
        json_decref(*ret_backup);
        return EX_PROTOCOL;
    }
    return EX_OK;
}

static void drop(struct fetch *fetch)
{
    struct http_answer answer;
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof(path), "/v1/backups/%" JSON_INTEGER_FORMAT, fetch->id);
    if (fetch->id != 0) {
        (void)!http_delete(fetch->cli->http, path, TIMEOUT_MS, &answer);
    }
    fetch->id = 0;
}

/* The state of the backup: 1 ready, 0 not yet, or an exit code as a negative number. */
static bool is_ready(struct fetch *fetch, int *ret_code)
{
    const char *state = json_string_value(json_object_get(fetch->backup, "state"));
    const char *error = json_string_value(json_object_get(fetch->backup, "error"));
    fetch->bytes_done = json_integer_value(json_object_get(fetch->backup, "bytes_done"));
    fetch->bytes_total = json_integer_value(json_object_get(fetch->backup, "bytes_total"));
    show_bar(fetch, "preparing");
    *ret_code = EX_OK;
    if (state == NULL || strcmp(state, "failed") == 0) {
        progress_end(&fetch->progress);
        cli_error("the server cannot make the backup: %s", error != NULL ? error : "no state");
        *ret_code = EX_UNAVAILABLE;
    }
    return state != NULL && strcmp(state, "ready") == 0;
}

static int begin(struct fetch *fetch)
{
    int code = ask(fetch, fetch->id == 0, &fetch->backup);
    if (code == EX_AGAIN) { /* of an interrupted run */
        fetch->id = 0;
        code = ask(fetch, true, &fetch->backup);
    }
    while (code == EX_OK) {
        fetch->id = json_integer_value(json_object_get(fetch->backup, "id"));
        if (is_ready(fetch, &code) || code != EX_OK) {
            break;
        }
        const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
        (void)nanosleep(&pause, NULL);
        json_decref(fetch->backup);
        fetch->backup = NULL;
        code = ask(fetch, false, &fetch->backup);
    }
    return code;
}

/* ---- files ---- */

static int sync_directory(const struct fetch *fetch)
{
    return fsync(fetch->fd) == 0 ? EX_OK : failed(fetch, "sync", ".");
}

/* Whether the file is there, with this size and hash. */
static bool is_whole(const struct fetch *fetch, const char *name, const json_t *file)
{
    char hash[FILE_HASH_TEXT_SIZE];
    uint64_t size = 0;
    struct stat status;
    int fd = openat(fetch->fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    bool is_same = fstat(fd, &status) == 0 &&
                   status.st_size == (off_t)json_integer_value(json_object_get(file, "size")) &&
                   file_hash_read(fd, hash, &size) == 0 &&
                   strcmp(hash, json_string_value(json_object_get(file, "sha256"))) == 0;
    (void)close(fd);
    return is_same;
}

static void part_name(const json_t *file, char ret_name[PATH_SIZE])
{
    (void)snprintf(ret_name, PATH_SIZE, "%s.%.*s" PARTIAL,
                   json_string_value(json_object_get(file, "name")), HASH_SHOWN,
                   json_string_value(json_object_get(file, "sha256")));
}

/* A server is trusted with the data, not with names of other files. */
static bool is_sound(const json_t *file)
{
    const char *name = json_string_value(json_object_get(file, "name"));
    const char *hash = json_string_value(json_object_get(file, "sha256"));
    return name != NULL && hash != NULL && strlen(hash) == FILE_HASH_TEXT_SIZE - 1 &&
           strlen(name) < PATH_SIZE / 2 && name[0] != '.' && strchr(name, '/') == NULL &&
           json_is_integer(json_object_get(file, "size"));
}

static int fetch_piece(struct fetch *fetch, const char *name, int fd, off_t offset,
                       size_t *ret_size)
{
    struct http_answer answer;
    struct buffer path = {0};
    buffer_printf(&path, "/v1/backups/%" JSON_INTEGER_FORMAT "/files/", fetch->id);
    http_path_segment(&path, name);
    buffer_printf(&path, "?offset=%lld&limit=%d", (long long)offset, PIECE_SIZE);
    int code = http_get(fetch->cli->http, path.bytes, TIMEOUT_MS, &answer);
    buffer_fini(&path);
    if (code != EX_OK) {
        cli_error("%s: %s", http_url(fetch->cli->http), http_error(fetch->cli->http));
        return code;
    }
    if (answer.status == 404 || answer.status == 410) {
        return EX_AGAIN;
    }
    if (answer.status != 200) {
        return cli_refused(fetch->cli, &answer);
    }
    for (size_t at = 0; at < answer.size;) {
        ssize_t written = pwrite(fd, answer.body + at, answer.size - at, offset + (off_t)at);
        if (written <= 0) {
            return failed(fetch, "write", name);
        }
        at += (size_t)written;
    }
    *ret_size = answer.size;
    return EX_OK;
}

static int fetch_pieces(struct fetch *fetch, const json_t *file, int fd)
{
    const char *name = json_string_value(json_object_get(file, "name"));
    off_t size = (off_t)json_integer_value(json_object_get(file, "size"));
    off_t offset = lseek(fd, 0, SEEK_END);
    int code = EX_OK;
    if (offset > size) {
        offset = 0;
    }
    fetch->bytes_done += offset;
    while (code == EX_OK && offset < size) {
        size_t piece = 0;
        code = fetch_piece(fetch, name, fd, offset, &piece);
        if (code == EX_OK && piece == 0) {
            cli_error("%s: the server's copy ends early", name);
            code = EX_PROTOCOL;
        }
        offset += (off_t)piece;
        fetch->bytes_done += (json_int_t)piece;
        fetch->bytes_fetched += (json_int_t)piece;
        show_bar(fetch, "fetching");
    }
    if (code == EX_OK && fsync(fd) != 0) {
        code = failed(fetch, "sync", name);
    }
    return code;
}

static int fetch_file(struct fetch *fetch, const json_t *file)
{
    const char *name = json_string_value(json_object_get(file, "name"));
    char part[PATH_SIZE];
    part_name(file, part);
    if (is_whole(fetch, name, file)) {
        fetch->bytes_done += json_integer_value(json_object_get(file, "size"));
        show_bar(fetch, "fetching");
        return EX_OK;
    }
    int fd = openat(fetch->fd, part, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return failed(fetch, "create", part);
    }
    int code = fetch_pieces(fetch, file, fd);
    (void)close(fd);
    if (code == EX_OK && !is_whole(fetch, part, file)) {
        (void)unlinkat(fetch->fd, part, 0);
        cli_error("%s/%s does not have the SHA-256 that the server says: it was removed; run this "
                  "again",
                  fetch->directory, part);
        code = EX_DATAERR;
    }
    return code;
}

static int fetch_files(struct fetch *fetch)
{
    json_t *files = json_object_get(fetch->backup, "files");
    size_t i;
    const json_t *file;
    int code = EX_OK;
    fetch->bytes_done = 0;
    json_array_foreach(files, i, file)
    {
        if (!is_sound(file)) {
            cli_error("%s: the list of files is not one this version can read",
                      http_url(fetch->cli->http));
            return EX_PROTOCOL;
        }
        /* A sign of life: what is there already may take long to read. */
        json_t *state = NULL;
        code = ask(fetch, false, &state);
        json_decref(state);
        code = code == EX_OK ? fetch_file(fetch, file) : code;
        if (code != EX_OK) {
            return code;
        }
    }
    return code;
}

static int write_manifest(const struct fetch *fetch, const char *name)
{
    char *text = json_dumps(fetch->backup, JSON_INDENT(1));
    int fd = openat(fetch->fd, MANIFEST PARTIAL, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int code = EX_OK;
    if (text == NULL || fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
        fsync(fd) != 0) {
        code = failed(fetch, "write", MANIFEST PARTIAL);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    free(text);
    if (code == EX_OK && strcmp(name, MANIFEST PARTIAL) != 0 &&
        renameat(fetch->fd, MANIFEST PARTIAL, fetch->fd, name) != 0) {
        code = failed(fetch, "rename", MANIFEST PARTIAL);
    }
    return code == EX_OK ? sync_directory(fetch) : code;
}

/* All files are there: each takes its name, the manifest is the last. */
static int finish(const struct fetch *fetch)
{
    size_t i;
    const json_t *file;
    json_array_foreach(json_object_get(fetch->backup, "files"), i, file)
    {
        char part[PATH_SIZE];
        const char *name = json_string_value(json_object_get(file, "name"));
        part_name(file, part);
        if (renameat(fetch->fd, part, fetch->fd, name) != 0 && errno != ENOENT) {
            return failed(fetch, "rename", part);
        }
    }
    int code = sync_directory(fetch);
    return code == EX_OK ? write_manifest(fetch, MANIFEST) : code;
}

/* ---- the directory ---- */

static int open_directory(struct fetch *fetch)
{
    if (mkdir(fetch->directory, 0700) != 0 && errno != EEXIST) {
        cli_error("cannot create %s: %s", fetch->directory, strerror(errno));
        return EX_CANTCREAT;
    }
    fetch->fd = open(fetch->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fetch->fd < 0) {
        cli_error("cannot open %s: %s", fetch->directory, strerror(errno));
        return EX_CANTCREAT;
    }
    if (faccessat(fetch->fd, "lock", F_OK, 0) == 0) {
        cli_error("%s is the data directory of a daemon: take another one", fetch->directory);
        return EX_USAGE;
    }
    return EX_OK;
}

static json_t *read_manifest(const struct fetch *fetch, const char *name)
{
    int fd = openat(fetch->fd, name, O_RDONLY | O_CLOEXEC);
    json_t *manifest = fd < 0 ? NULL : json_loadfd(fd, 0, NULL);
    if (fd >= 0) {
        (void)close(fd);
    }
    return manifest;
}

/* One directory holds backups of one log. */
static int check_identity(const struct fetch *fetch)
{
    json_t *before = read_manifest(fetch, MANIFEST);
    const char *ours = json_string_value(json_object_get(fetch->backup, "identity"));
    const char *theirs = json_string_value(json_object_get(before, "identity"));
    int code = EX_OK;
    if (ours != NULL && theirs != NULL && strcmp(ours, theirs) != 0) {
        cli_error(
            "%s holds a backup of the log %s, this server's log is %s: take another directory",
            fetch->directory, theirs, ours);
        code = EX_DATAERR;
    }
    json_decref(before);
    return code;
}

static int run_once(struct fetch *fetch)
{
    int code = begin(fetch);
    if (code == EX_OK) {
        code = check_identity(fetch);
    }
    if (code == EX_OK) {
        code = write_manifest(fetch, MANIFEST PARTIAL); /* with it another run finds this backup */
    }
    if (code == EX_OK) {
        code = fetch_files(fetch);
    }
    return code == EX_OK ? finish(fetch) : code;
}

static void print_result(const struct fetch *fetch)
{
    if (fetch->cli->json) {
        cli_print_json(fetch->backup);
        return;
    }
    (void)printf("%s: the log %s up to seq %" JSON_INTEGER_FORMAT ", %zu files, %.1f MB, of which "
                 "%.1f MB were fetched now\n",
                 fetch->directory, json_string_value(json_object_get(fetch->backup, "identity")),
                 json_integer_value(json_object_get(fetch->backup, "seq")),
                 json_array_size(json_object_get(fetch->backup, "files")),
                 (double)fetch->bytes_total / 1e6, (double)fetch->bytes_fetched / 1e6);
    (void)printf("It holds the secrets of webhooks, not the keys file, certificates or settings.\n"
                 "Rehearse it: backstopd restore %s --data NEW_DIR --no-webhooks\n",
                 fetch->directory);
}

int verb_backup(struct cli *cli)
{
    struct fetch fetch = {.cli = cli, .directory = cli->operands[0], .fd = -1};
    fetch.progress.is_shown = isatty(STDERR_FILENO) == 1;
    int code = open_directory(&fetch);
    if (code == EX_OK) {
        json_t *partial = read_manifest(&fetch, MANIFEST PARTIAL);
        fetch.id = json_integer_value(json_object_get(partial, "id"));
        json_decref(partial);
        code = EX_AGAIN;
    }
    for (int attempt = 0; code == EX_AGAIN && attempt < ATTEMPTS_MAX; attempt++) {
        json_decref(fetch.backup);
        fetch.backup = NULL;
        code = run_once(&fetch);
        if (code == EX_AGAIN) {
            drop(&fetch);
        }
    }
    progress_end(&fetch.progress);
    if (code == EX_AGAIN) {
        cli_error("the server dropped files during the backup %d times: keep them for longer "
                  "([log] keep_days) or run this again: it goes on with what is in %s",
                  ATTEMPTS_MAX, fetch.directory);
        code = EX_TEMPFAIL;
    }
    if (code == EX_OK) {
        print_result(&fetch);
    }
    if (code != EX_UNAVAILABLE || fetch.backup != NULL) {
        drop(&fetch);
    }
    json_decref(fetch.backup);
    if (fetch.fd >= 0) {
        (void)close(fetch.fd);
    }
    return code == EX_OK ? cli_flush() : code;
}
