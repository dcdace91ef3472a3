/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log/begin_note.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/log/file_bytes.h"
#include "lib/record/header.h"
#include "lib/record/wire.h"

#define PARTIAL_NAME BEGIN_NAME ".new"
#define MAGIC "BSTOPCUT"
#define MAGIC_SIZE 8
#define NUMBER_AT 8
#define SEQ_AT 12
#define ORDINAL_AT 20
#define SETTLEMENT_AT 28
#define LINK_AT 36
#define IDENTITY_AT (LINK_AT + LOG_HASH_SIZE)
#define CRC_AT (IDENTITY_AT + LOG_IDENTITY_DIGITS)
#define NOTE_SIZE (CRC_AT + 4)

static void encode(const struct begin_note *note, uint8_t bytes[NOTE_SIZE])
{
    memcpy(bytes, MAGIC, MAGIC_SIZE);
    bs_wire_put_u32(bytes + NUMBER_AT, note->number);
    bs_wire_put_u64(bytes + SEQ_AT, note->position.seq);
    bs_wire_put_u64(bytes + ORDINAL_AT, note->position.ordinal);
    bs_wire_put_u64(bytes + SETTLEMENT_AT, note->position.settlement);
    memcpy(bytes + LINK_AT, note->position.link, LOG_HASH_SIZE);
    memcpy(bytes + IDENTITY_AT, note->identity, LOG_IDENTITY_DIGITS);
    bs_wire_put_u32(bytes + CRC_AT, bs_crc32c(0, bytes, CRC_AT));
}

static bool decode(const uint8_t bytes[NOTE_SIZE], struct begin_note *ret_note)
{
    memset(ret_note, 0, sizeof(*ret_note));
    ret_note->number = bs_wire_u32(bytes + NUMBER_AT);
    ret_note->position.seq = bs_wire_u64(bytes + SEQ_AT);
    ret_note->position.ordinal = bs_wire_u64(bytes + ORDINAL_AT);
    ret_note->position.settlement = bs_wire_u64(bytes + SETTLEMENT_AT);
    memcpy(ret_note->position.link, bytes + LINK_AT, LOG_HASH_SIZE);
    memcpy(ret_note->identity, bytes + IDENTITY_AT, LOG_IDENTITY_DIGITS);
    return memcmp(bytes, MAGIC, MAGIC_SIZE) == 0 &&
           bs_wire_u32(bytes + CRC_AT) == bs_crc32c(0, bytes, CRC_AT) && ret_note->number > 1 &&
           ret_note->number <= LOG_FILES_MAX &&
           strspn(ret_note->identity, "0123456789abcdef") == LOG_IDENTITY_DIGITS;
}

int begin_note_read(struct begin_note *ret_note, int directory, char *error)
{
    uint8_t bytes[NOTE_SIZE + 1];
    *ret_note = (struct begin_note){.number = 1};
    int fd = openat(directory, BEGIN_NAME, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT
                   ? 0
                   : log_error(error, -errno, "cannot open " BEGIN_NAME ": %s", strerror(errno));
    }
    ssize_t size = file_read_at(fd, bytes, sizeof(bytes), 0);
    (void)close(fd);
    if (size < 0) {
        return log_error(error, (int)size, "cannot read " BEGIN_NAME ": %s", strerror((int)-size));
    }
    return size == NOTE_SIZE && decode(bytes, ret_note)
               ? 0
               : log_error(error, -EBADMSG,
                           BEGIN_NAME " is damaged: it notes where the log begins since its older "
                                      "files were cut. Restore it");
}

int begin_note_write(const struct begin_note *note, int directory, char *error)
{
    uint8_t bytes[NOTE_SIZE];
    assert(note->number > 1);
    encode(note, bytes);
    int fd = openat(directory, PARTIAL_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int code = fd < 0 ? -errno : file_write_at(fd, bytes, sizeof(bytes), 0);
    if (code == 0 && fsync(fd) != 0) {
        code = -errno;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (code == 0 &&
        (renameat(directory, PARTIAL_NAME, directory, BEGIN_NAME) != 0 || fsync(directory) != 0)) {
        code = -errno;
    }
    return code == 0 ? 0
                     : log_error(error, code, "cannot write " BEGIN_NAME ": %s", strerror(-code));
}
