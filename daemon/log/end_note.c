/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log/end_note.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/record/header.h"

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

static int failed(const struct end_file *file, const char *what, char *error)
{
    return log_error(error, -errno, "cannot %s %s: %s", what, file->name, strerror(errno));
}

static void put(uint8_t *at, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint64_t get(const uint8_t *at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value |= (uint64_t)at[i] << (8 * i);
    }
    return value;
}

static void encode(const struct end_note *note, uint8_t slot[SLOT_SIZE])
{
    memcpy(slot, MAGIC, MAGIC_SIZE);
    put(slot + SEQ_AT, note->seq, 8);
    put(slot + NUMBER_AT, note->number, 4);
    memcpy(slot + HASH_AT, note->hash, LOG_HASH_SIZE);
    put(slot + CRC_AT, bs_crc32c(0, slot, CRC_AT), 4);
}

static bool decode(const uint8_t slot[SLOT_SIZE], struct end_note *ret_note)
{
    ret_note->seq = get(slot + SEQ_AT, 8);
    ret_note->number = (uint32_t)get(slot + NUMBER_AT, 4);
    memcpy(ret_note->hash, slot + HASH_AT, LOG_HASH_SIZE);
    return memcmp(slot, MAGIC, MAGIC_SIZE) == 0 &&
           get(slot + CRC_AT, 4) == bs_crc32c(0, slot, CRC_AT);
}

/* A read may give less than there is. What is missing at the end stays zero. */
static int read_slot(struct end_file *file, uint32_t index, uint8_t slot[SLOT_SIZE], char *error)
{
    size_t done = 0;
    ssize_t got = 1;
    while (done < SLOT_SIZE && got > 0) {
        got = pread(file->fd, slot + done, SLOT_SIZE - done,
                    (off_t)index * SLOT_STRIDE + (off_t)done);
        done += got > 0 ? (size_t)got : 0;
    }
    return got < 0 ? failed(file, "read", error) : 0;
}

static int read_slots(struct end_file *file, char *error)
{
    bool is_whole = false;
    for (uint32_t i = 0; i < SLOTS_COUNT; i++) {
        uint8_t slot[SLOT_SIZE] = {0};
        struct end_note note;
        int result = read_slot(file, i, slot, error);
        if (result != 0) {
            return result;
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
    errno = EIO; /* of a short write */
    return pwrite(file->fd, bytes, sizeof(bytes), (off_t)slot * SLOT_STRIDE) ==
                   (ssize_t)sizeof(bytes)
               ? 0
               : failed(file, "write", error);
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
