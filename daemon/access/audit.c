/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/access/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "api/json_writer.h"
#include "api/text.h"
#include "daemon/logger/logger.h"

#define IDS_PER_MS 1000 /* a start in the next millisecond begins above all of this one's */

struct audit {
    char *path; /* "" = standard error */
    int fd;
    uint64_t last_id;
};

static int64_t wall_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int open_file(const char *path)
{
    if (path[0] == '\0') {
        return STDERR_FILENO;
    }
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

struct audit *audit_open(const char *path, struct buffer *problems)
{
    struct audit *audit = calloc(1, sizeof(*audit));
    char *copy = strdup(path);
    if (audit == NULL || copy == NULL) {
        buffer_text(problems, "out of memory for the audit log\n");
        free(copy);
        free(audit);
        return NULL;
    }
    audit->path = copy;
    audit->last_id = (uint64_t)wall_ms() * IDS_PER_MS;
    audit->fd = open_file(path);
    if (audit->fd < 0) {
        buffer_printf(problems, "%s: the audit log cannot be opened: %s\n", path, strerror(errno));
        audit_close(audit);
        return NULL;
    }
    return audit;
}

static void close_file(int fd)
{
    if (fd >= 0 && fd != STDERR_FILENO) {
        (void)close(fd);
    }
}

void audit_close(struct audit *audit)
{
    if (audit != NULL) {
        close_file(audit->fd);
        free(audit->path);
        free(audit);
    }
}

void audit_reopen(struct audit *audit)
{
    int fd = open_file(audit->path);
    if (fd < 0) {
        logger_write(LOGGER_ERROR, "access", "the audit log cannot be opened again",
                     LOGGER_FIELDS(logger_string("path", audit->path),
                                   logger_string("error", strerror(errno))));
        return;
    }
    close_file(audit->fd);
    audit->fd = fd;
}

uint64_t audit_next_id(struct audit *audit)
{
    return ++audit->last_id;
}

void audit_begin(struct audit *audit, struct buffer *line)
{
    (void)audit;
    buffer_clear(line);
    buffer_text(line, "{");
    member_time(line, "time", wall_ms());
}

/* Outside of strings a line has ASCII only. */
static void escape_line(struct buffer *line)
{
    struct buffer escaped = {0};
    uint32_t size;
    for (size_t i = 0; i < line->size; i += size) {
        char escape[TEXT_ESCAPE_SIZE];
        struct bs_text rest = {line->bytes + i, (uint32_t)(line->size - i)};
        uint32_t character = text_character(rest, &size);
        if (text_is_shown(character)) {
            buffer_append(&escaped, rest.bytes, size);
        } else {
            buffer_append(&escaped, escape, text_escape(character, escape));
        }
    }
    escaped.failed = escaped.failed || line->failed;
    buffer_fini(line);
    *line = escaped;
}

bool audit_end(struct audit *audit, struct buffer *line)
{
    escape_line(line);
    buffer_text(line, "}\n");
    if (line->failed) {
        logger_write(LOGGER_ERROR, "access", "out of memory for a line of the audit log", NULL);
        return false;
    }
    ssize_t written = write(audit->fd, line->bytes, line->size);
    if (written == (ssize_t)line->size) {
        (void)sync_file_range(audit->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
        return true;
    }
    logger_write(
        LOGGER_ERROR, "access", "the audit log cannot be written",
        LOGGER_FIELDS(logger_string("path", audit->path),
                      logger_string("error", written < 0 ? strerror(errno) : "too short")));
    if (written > 0) { /* what follows must not be part of the broken line */
        ssize_t ended = write(audit->fd, "\n", 1);
        (void)ended;
    }
    return false;
}
