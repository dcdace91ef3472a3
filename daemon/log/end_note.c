/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log/end_note.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/log/file_bytes.h"
#include "lib/record/header.h"
#include "lib/record/wire.h"

#define MAGIC "BSTOPEND"
#define MAGIC_SIZE 8
#define SLOTS_COUNT 2
#define SLOT_STRIDE 4096 /* so that no sector holds both */
#define SEQ_AT 8
#define NUMBER_AT 16
#define HASH_AT 20
#define CRC_AT (HASH_AT + LOG_HASH_SIZE)
#define SLOT_SIZE (CRC_AT + 4)
#define NAME_SIZE 64

/* `code` is a negative errno. */
static int failed_with(const struct end_file *file, const char *what, int code, char *error)
{
    return log_error(error, code, "cannot %s %s: %s", what, file->name, strerror(-code));
}

static int failed(const struct end_file *file, const char *what, char *error)
{
    return failed_with(file, what, -errno, error);
}

static void encode(const struct end_note *note, uint8_t slot[SLOT_SIZE])
{
    memcpy(slot, MAGIC, MAGIC_SIZE);
    bs_wire_put_u64(slot + SEQ_AT, note->seq);
    bs_wire_put_u32(slot + NUMBER_AT, note->number);
    memcpy(slot + HASH_AT, note->hash, LOG_HASH_SIZE);
    bs_wire_put_u32(slot + CRC_AT, bs_crc32c(0, slot, CRC_AT));
}

static bool decode(const uint8_t slot[SLOT_SIZE], struct end_note *ret_note)
{
    ret_note->seq = bs_wire_u64(slot + SEQ_AT);
    ret_note->number = bs_wire_u32(slot + NUMBER_AT);
    memcpy(ret_note->hash, slot + HASH_AT, LOG_HASH_SIZE);
    return memcmp(slot, MAGIC, MAGIC_SIZE) == 0 &&
           bs_wire_u32(slot + CRC_AT) == bs_crc32c(0, slot, CRC_AT);
}

static int read_slots(struct end_file *file, char *error)
{
    bool is_whole = false;
    for (uint32_t i = 0; i < SLOTS_COUNT; i++) {
        uint8_t slot[SLOT_SIZE] = {0};
        struct end_note note;
        ssize_t got = file_read_at(file->fd, slot, SLOT_SIZE, (uint64_t)i * SLOT_STRIDE);
        if (got < 0) {
            return failed_with(file, "read", (int)got, error);
        }
        if (decode(slot, &note) && (!is_whole || note.seq > file->last.seq)) {
            file->last = note;
            file->next_slot = (i + 1) % SLOTS_COUNT;
            is_whole = true;
        }
    }
    return is_whole ? 0
                    : log_error(error, -EBADMSG,
                                "%s is damaged: it notes how far the data was written, so that "
                                "nobody can tell now. Restore it, or remove it if the data is "
                                "known to be whole",
                                file->name);
}

int end_file_open(struct end_file *file, int directory, const char *name, char *error)
{
    *file = (struct end_file){.directory = directory, .name = name};
    file->fd = openat(directory, name, O_RDWR | O_CLOEXEC);
    if (file->fd < 0 && (errno == EACCES || errno == EROFS)) {
        file->fd = openat(directory, name, O_RDONLY | O_CLOEXEC); /* as good, until it is written */
    }
    if (file->fd < 0) {
        return errno == ENOENT ? 0 : failed(file, "open", error);
    }
    return read_slots(file, error);
}

static int write_slot(struct end_file *file, uint32_t slot, const struct end_note *note,
                      char *error)
{
    uint8_t bytes[SLOT_SIZE];
    encode(note, bytes);
    int code = file_write_at(file->fd, bytes, sizeof(bytes), (uint64_t)slot * SLOT_STRIDE);
    return code == 0 ? 0 : failed_with(file, "write", code, error);
}

/* Under another name first: a file with this name always has a whole slot. */
static int create(struct end_file *file, const struct end_note *note, char *error)
{
    char partial[NAME_SIZE];
    int size = snprintf(partial, sizeof(partial), "%s.new", file->name);
    assert(size < NAME_SIZE);
    file->fd = openat(file->directory, partial, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file->fd < 0) {
        return failed(file, "create", error);
    }
    for (uint32_t slot = 0; slot < SLOTS_COUNT; slot++) {
        int result = write_slot(file, slot, note, error);
        if (result != 0) {
            return result;
        }
    }
    return fsync(file->fd) == 0 &&
                   renameat(file->directory, partial, file->directory, file->name) == 0 &&
                   fsync(file->directory) == 0
               ? 0
               : failed(file, "create", error);
}

/* In place: the size stays the same, so the filesystem has nothing else to sync. */
static int write_in_place(struct end_file *file, const struct end_note *note, char *error)
{
    int result = write_slot(file, file->next_slot, note, error);
    if (result == 0 && fdatasync(file->fd) != 0) {
        result = failed(file, "sync", error);
    }
    file->next_slot = (file->next_slot + 1) % SLOTS_COUNT;
    return result;
}

int end_file_write(struct end_file *file, const struct end_note *note, char *error)
{
    assert(note->seq >= file->last.seq);
    if (note->seq == file->last.seq && note->number == file->last.number) {
        return 0;
    }
    int result = file->fd < 0 ? create(file, note, error) : write_in_place(file, note, error);
    if (result == 0) {
        file->last = *note;
    }
    return result;
}

void end_file_close(struct end_file *file)
{
    if (file->fd >= 0) {
        (void)close(file->fd);
    }
    file->fd = -1;
}
