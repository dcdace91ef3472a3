/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/offline/restore_snapshots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/log/identity.h"
#include "daemon/offline/replay_to.h"
#include "daemon/snapshot/snapshot_reader.h"
#include "daemon/snapshot/snapshot_writer.h"

/* 1: it is one of the log now; 0: it cannot be. */
static int adopt(int directory, struct command_log *log, uint64_t seq, char *error)
{
    struct snapshot_header header;
    if (seq > log_last_seq(log)) {
        return 0;
    }
    int code = snapshot_file_check(directory, seq, &header, error);
    if (code == -EBADMSG) {
        (void)fprintf(stderr, "backstopd: not restored: %s\n", error);
        return 0;
    }
    if (code == 0) {
        code = log_link(log, seq, header.link, error);
    }
    if (code == 0) {
        memcpy(header.identity, log_identity(log), LOG_IDENTITY_DIGITS);
        code = snapshot_header_replace(directory, &header, error);
    }
    return code == 0 ? 1 : code == -ENOENT ? 0 : code;
}

static int adopt_all(int directory, struct command_log *log, uint32_t *ret_count, char *error)
{
    struct snapshot_list list;
    int code = snapshot_list_read(&list, directory, error);
    for (uint32_t i = 0; code == 0 && i < list.count; i++) {
        char name[SNAPSHOT_NAME_SIZE];
        snapshot_name(list.seqs[i], "", name);
        code = adopt(directory, log, list.seqs[i], error);
        if (code == 1) {
            *ret_count += 1;
            code = 0;
        } else if (code == 0 && unlinkat(directory, name, 0) != 0) {
            code = log_error(error, -errno, "cannot remove %s: %s", name, strerror(errno));
        }
    }
    return code;
}

int restore_snapshots(const char *directory, uint32_t *ret_count, char error[LOG_ERROR_SIZE])
{
    struct command_log *log = NULL;
    *ret_count = 0;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return log_error(error, -errno, "cannot open %s: %s", directory, strerror(errno));
    }
    int code = offline_log_open(&log, directory, NULL, error);
    if (code == 0) {
        code = adopt_all(fd, log, ret_count, error);
        log_close(log);
    }
    (void)close(fd);
    return code;
}
