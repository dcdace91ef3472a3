/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edits the keys file without a server. The new text is written beside the old file, synced and
 * renamed over it, so that a server that reads it at any moment sees one of the two.
 */
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/verbs.h"
#include "daemon/access/key_line.h"

#define FILE_SIZE_MAX ((size_t)1 << 20)
#define KEY_BYTES 32
#define KEY_PREFIX "bsk_" /* marks a key for people and for scanners of leaked secrets */
#define KEY_TEXT_SIZE (sizeof(KEY_PREFIX) + 2 * (size_t)KEY_BYTES)

struct keys_file {
    const char *path;
    struct buffer text;
    mode_t mode; /* of the new file */
};

/* A missing file counts as an empty one when it may be missing. */
static int read_file(struct keys_file *keys, bool may_be_missing)
{
    struct stat status;
    FILE *file = fopen(keys->path, "re");
    keys->mode = 0600;
    if (file == NULL) {
        if (errno == ENOENT && may_be_missing) {
            return EX_OK;
        }
        cli_error("%s: %s", keys->path, strerror(errno));
        return EX_NOINPUT;
    }
    if (fstat(fileno(file), &status) == 0) {
        keys->mode = status.st_mode & 0644;
    }
    buffer_reserve(&keys->text, FILE_SIZE_MAX + 1);
    keys->text.size = fread(keys->text.bytes, 1, FILE_SIZE_MAX + 1, file);
    bool good = ferror(file) == 0 && keys->text.size <= FILE_SIZE_MAX;
    (void)fclose(file);
    if (!good) {
        cli_error("%s: cannot be read, or is larger than 1 MiB", keys->path);
        return EX_IOERR;
    }
    if (keys->text.size > 0 && keys->text.bytes[keys->text.size - 1] != '\n') {
        buffer_text(&keys->text, "\n");
    }
    return EX_OK;
}

/* Called with each line, its newline included; `line` has no name where the line is a comment. */
typedef void (*line_fn)(void *user, const struct key_line *line, struct bs_text text);

/* False: a line is malformed, and the message names it. */
static bool each_line(const struct keys_file *keys, line_fn fn, void *user)
{
    unsigned number = 0;
    for (size_t at = 0; at < keys->text.size;) {
        const char *start = keys->text.bytes + at;
        const char *end = memchr(start, '\n', keys->text.size - at);
        struct bs_text text = {start, (uint32_t)(end - start)};
        struct key_line line;
        const char *problem = key_line_parse(&line, text);
        number++;
        if (problem != NULL) {
            cli_error("%s:%u: %s", keys->path, number, problem);
            return false;
        }
        text.size++;
        fn(user, &line, text);
        at += text.size;
    }
    return true;
}

static bool write_all(int fd, const struct buffer *text)
{
    size_t written = 0;
    while (written < text->size) {
        ssize_t size = write(fd, text->bytes + written, text->size - written);
        if (size < 0 && errno != EINTR) {
            return false;
        }
        written += size > 0 ? (size_t)size : 0;
    }
    return fsync(fd) == 0;
}

/* The rename is durable once its directory is. */
static bool sync_directory(const char *path)
{
    char *copy = strdup(path);
    int fd = copy == NULL ? -1 : open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    free(copy);
    if (fd >= 0) {
        (void)close(fd);
    }
    return good;
}

static int replace_file(const struct keys_file *keys, const struct buffer *text)
{
    struct buffer path = {0};
    buffer_printf(&path, "%s.new", keys->path);
    int fd = open(path.bytes, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        cli_error("%s: %s", path.bytes,
                  errno == EEXIST
                      ? "exists: another change of the keys is running, or did not finish"
                      : strerror(errno));
        buffer_fini(&path);
        return EX_CANTCREAT;
    }
    bool good = fchmod(fd, keys->mode) == 0 && write_all(fd, text);
    good = close(fd) == 0 && good;
    if (!good || rename(path.bytes, keys->path) != 0 || !sync_directory(keys->path)) {
        cli_error("%s: %s", keys->path, strerror(errno));
        (void)unlink(path.bytes);
        good = false;
    }
    buffer_fini(&path);
    return good ? EX_OK : EX_IOERR;
}

struct name_search {
    const char *name;
    struct buffer others; /* the lines of all others */
    bool is_found;
};

static void on_search(void *user, const struct key_line *line, struct bs_text text)
{
    struct name_search *search = user;
    if (strcmp(line->name, search->name) == 0) {
        search->is_found = true;
    } else {
        buffer_append(&search->others, text.bytes, text.size);
    }
}

static bool make_key(char text[KEY_TEXT_SIZE], uint8_t hash[KEY_HASH_SIZE])
{
    uint8_t bytes[KEY_BYTES];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
        return false;
    }
    size_t used = sizeof(KEY_PREFIX) - 1;
    memcpy(text, KEY_PREFIX, used);
    for (size_t i = 0; i < sizeof(bytes); i++, used += 2) {
        (void)snprintf(text + used, KEY_TEXT_SIZE - used, "%02x", bytes[i]);
    }
    return gnutls_hash_fast(GNUTLS_DIG_SHA256, text, used, hash) == 0;
}

static bool read_rate(const char *option, const char *text, uint32_t *ret_rate)
{
    char *end = NULL;
    if (text == NULL) {
        return true;
    }
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || number < 1 ||
        number > KEY_RATE_MAX) {
        cli_error("--%s takes a number from 1 to %u, not '%s'", option, KEY_RATE_MAX, text);
        return false;
    }
    *ret_rate = (uint32_t)number;
    return true;
}

static struct bs_text text_of(const char *text)
{
    return (struct bs_text){text, (uint32_t)strlen(text)};
}

/* Reads all of the line except a key's hash. */
static bool read_options(const struct options *options, const char *name, struct key_line *line)
{
    if (!key_name_valid(text_of(name))) {
        cli_error("'%s': a name has 1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-'", name);
        return false;
    }
    if (options->roles == NULL || !key_roles_parse(text_of(options->roles), &line->roles)) {
        cli_error("--roles is needed, a list of feed, ops and read such as feed,read");
        return false;
    }
    memcpy(line->name, name, strlen(name));
    if (options->subject != NULL) {
        line->is_certificate = true;
        if (strlen(options->subject) > KEY_SUBJECT_SIZE_MAX ||
            strpbrk(options->subject, " \t\r\n") != NULL || *options->subject == '\0') {
            cli_error("--subject takes a name of 1 to %d bytes without blanks",
                      KEY_SUBJECT_SIZE_MAX);
            return false;
        }
        (void)snprintf(line->subject, sizeof(line->subject), "%s", options->subject);
    }
    return read_rate("requests", options->requests, &line->requests_per_s) &&
           read_rate("items", options->items, &line->items_per_s);
}

static int add(struct cli *cli, struct keys_file *keys, const char *name)
{
    struct key_line line = {0};
    char key[KEY_TEXT_SIZE] = "";
    if (!read_options(&cli->options, name, &line)) {
        return EX_USAGE;
    }
    struct name_search search = {.name = name};
    int code = each_line(keys, on_search, &search) ? EX_OK : EX_DATAERR;
    if (code == EX_OK && search.is_found) {
        cli_error("%s: there is a '%s' already", keys->path, name);
        code = EX_DATAERR;
    }
    if (code == EX_OK && !line.is_certificate && !make_key(key, line.hash)) {
        cli_error("cannot make a key: no random bytes, or no SHA-256");
        code = EX_OSERR;
    }
    if (code == EX_OK) {
        key_line_print(&keys->text, &line);
        code = replace_file(keys, &keys->text);
    }
    if (code == EX_OK && !line.is_certificate) {
        puts(key); /* after it is saved */
    }
    buffer_fini(&search.others);
    return code;
}

static int take_away(struct keys_file *keys, const char *name)
{
    struct name_search search = {.name = name};
    int code = each_line(keys, on_search, &search) ? EX_OK : EX_DATAERR;
    if (code == EX_OK && !search.is_found) {
        cli_error("%s: there is no '%s'", keys->path, name);
        code = EX_DATAERR;
    }
    if (code == EX_OK) {
        code = replace_file(keys, &search.others);
    }
    buffer_fini(&search.others);
    return code;
}

static void print_rate(uint32_t rate)
{
    if (rate > 0) {
        printf(" %10u", rate);
    } else {
        printf(" %10s", "-");
    }
}

static void print_row(const struct key_line *line, const char *roles)
{
    printf("%-24s %-14s", line->name, roles);
    print_rate(line->requests_per_s);
    print_rate(line->items_per_s);
    printf("  %s%s\n", line->is_certificate ? "certificate " : "key", line->subject);
}

static void print_row_json(const struct key_line *line, const char *roles)
{
    json_t *row = json_pack("{s:s,s:s,s:s,s:I,s:I}", "name", line->name, "roles", roles, "subject",
                            line->subject, "requests", (json_int_t)line->requests_per_s, "items",
                            (json_int_t)line->items_per_s);
    cli_print_json(row);
    json_decref(row);
}

static void on_list(void *user, const struct key_line *line, struct bs_text text)
{
    const struct cli *cli = user;
    struct buffer roles = {0};
    (void)text;
    if (line->name[0] == '\0') {
        return;
    }
    key_roles_print(&roles, line->roles);
    if (cli->json) {
        print_row_json(line, roles.bytes);
    } else {
        print_row(line, roles.bytes);
    }
    buffer_fini(&roles);
}

static int list(struct cli *cli, const struct keys_file *keys)
{
    if (!cli->json) {
        printf("%-24s %-14s %10s %10s  %s\n", "NAME", "ROLES", "REQUESTS/S", "ITEMS/S", "KIND");
    }
    return each_line(keys, on_list, cli) ? EX_OK : EX_DATAERR;
}

int verb_key(struct cli *cli)
{
    const char *what = cli->operands[0];
    const char *name = cli->operands_count > 1 ? cli->operands[1] : NULL;
    bool adds = strcmp(what, "add") == 0;
    bool lists = strcmp(what, "list") == 0;
    struct keys_file keys = {.path = cli->options.file};
    if (!adds && !lists && strcmp(what, "rm") != 0) {
        cli_error("key takes add, rm or list, not '%s'", what);
        return EX_USAGE;
    }
    if (lists != (name == NULL)) {
        cli_error("key %s: %s", what, lists ? "takes no name" : "a name is needed");
        return EX_USAGE;
    }
    if (keys.path == NULL) {
        cli_error("key: --file is needed, the keys file of the server");
        return EX_USAGE;
    }
    int code = read_file(&keys, adds);
    if (code == EX_OK && lists) {
        code = list(cli, &keys);
    } else if (code == EX_OK) {
        code = adds ? add(cli, &keys, name) : take_away(&keys, name);
    }
    buffer_fini(&keys.text);
    return code;
}
