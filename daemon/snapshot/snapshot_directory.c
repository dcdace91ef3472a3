/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/snapshot/snapshot_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "daemon/snapshot/snapshot_reader.h"

#define PREFIX "snapshot-"
#define DIGITS 20

/* Whether it is a name that snapshot_name gives with this suffix. */
static bool parse(const char *name, const char *suffix, uint64_t *ret_seq)
{
    char expected[SNAPSHOT_NAME_SIZE];
    uint64_t seq = 0;
    size_t prefix_size = sizeof(PREFIX) - 1;
    if (strncmp(name, PREFIX, prefix_size) != 0) {
        return false;
    }
    for (size_t i = prefix_size; i < prefix_size + DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9') {
            return false;
        }
        seq = seq * 10 + (uint64_t)(name[i] - '0'); /* too large a number has another name */
    }
    snapshot_name(seq, suffix, expected);
    *ret_seq = seq;
    return strcmp(name, expected) == 0;
}

/* The newest stay when there are too many. */
static void insert(struct snapshot_list *list, uint64_t seq)
{
    uint32_t at = list->count < SNAPSHOTS_MAX ? list->count++ : SNAPSHOTS_MAX;
    for (; at > 0 && list->seqs[at - 1] < seq; at--) {
        if (at < SNAPSHOTS_MAX) {
            list->seqs[at] = list->seqs[at - 1];
        }
    }
    if (at < SNAPSHOTS_MAX) {
        list->seqs[at] = seq;
    }
}

static int read_names(struct snapshot_list *list, int directory, const char *suffix, char *error)
{
    *list = (struct snapshot_list){0};
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = fd < 0 ? NULL : fdopendir(fd);
    int code = names == NULL ? -errno : 0;
    if (names == NULL && fd >= 0) {
        (void)close(fd);
    }
    while (code == 0) {
        errno = 0;
        const struct dirent *entry = readdir(names);
        uint64_t seq;
        if (entry == NULL) {
            code = -errno;
            break;
        }
        if (parse(entry->d_name, suffix, &seq)) {
            insert(list, seq);
        }
    }
    if (names != NULL) {
        (void)closedir(names);
    }
    return code == 0 ? 0 : log_error(error, code, "cannot list the snapshots: %s", strerror(-code));
}

static int remove_file(int directory, uint64_t seq, const char *suffix, char *error)
{
    char name[SNAPSHOT_NAME_SIZE];
    snapshot_name(seq, suffix, name);
    if (unlinkat(directory, name, 0) != 0 && errno != ENOENT) {
        return log_error(error, -errno, "cannot remove %s: %s", name, strerror(errno));
    }
    return 0;
}

int snapshot_list_read(struct snapshot_list *list, int directory, char error[LOG_ERROR_SIZE])
{
    return read_names(list, directory, "", error);
}

int snapshot_remove_partial(int directory, char error[LOG_ERROR_SIZE])
{
    struct snapshot_list list;
    int code = read_names(&list, directory, SNAPSHOT_PARTIAL, error);
    for (uint32_t i = 0; code == 0 && i < list.count; i++) {
        code = remove_file(directory, list.seqs[i], SNAPSHOT_PARTIAL, error);
    }
    return code;
}

/* Whether it may be what a start falls back to. */
static bool is_usable(int directory, uint64_t seq, const struct snapshot_header *newest)
{
    char error[LOG_ERROR_SIZE];
    struct snapshot_header header;
    return seq < newest->seq && snapshot_file_check(directory, seq, &header, error) == 0 &&
           strcmp(header.identity, newest->identity) == 0;
}

int snapshot_keep_newest(int directory, const struct snapshot_header *newest, uint64_t *ret_oldest,
                         char error[LOG_ERROR_SIZE])
{
    struct snapshot_list list;
    uint32_t kept_count = 1;
    int code = snapshot_list_read(&list, directory, error);
    *ret_oldest = 0;
    for (uint32_t i = 0; code == 0 && i < list.count; i++) {
        uint64_t seq = list.seqs[i];
        if (seq == newest->seq) {
            continue;
        }
        if (kept_count < SNAPSHOTS_KEPT && is_usable(directory, seq, newest)) {
            kept_count++;
            *ret_oldest = seq;
        } else {
            code = remove_file(directory, seq, "", error);
        }
    }
    return code;
}
