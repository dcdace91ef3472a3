/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A -wal file is a header of 32 bytes and frames of 24 bytes and a page. Each frame repeats the
 * header's two salts and carries a checksum over everything before it; a frame with a database size
 * is the last one of a commit. The format: https://www.sqlite.org/fileformat2.html#walformat
 *
 * At the first frame that does not check out, this is what tells damage from a torn write:
 *   - Only one bit differs, or only the salts: a torn write leaves sectors of older content. This
 *     is damage, also in the very last commit.
 *   - Two commits or more end at or after it. Where each commit is written only after the one before
 *     it was synced, the first of them was complete on the disk: damage.
 *   - One commit ends there: the last one, whose frames may have reached the disk in any order
 *     before its sync was done. Torn, never acknowledged.
 *   - No commit ends there: torn.
 */
#include "daemon/log/wal_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log/file_bytes.h"
#include "daemon/log/log_backend.h"
#include "daemon/log/log_place.h"

#define HEADER_SIZE 32u
#define FRAME_HEADER_SIZE 24u
#define MAGIC 0x377f0682u /* its last bit says in which byte order checksums read the file */
#define VERSION 3007000u
#define PAGE_SIZE_MIN 512u
#define PAGE_SIZE_MAX 65536u

struct sum {
    uint32_t first;
    uint32_t second;
};

struct wal {
    int fd;
    const char *name;
    char *error;
    bool syncs;
    uint64_t commits;
    bool big_endian;
    uint32_t page_size;
    uint64_t frames;
    uint8_t header[HEADER_SIZE];
    uint8_t *frame; /* FRAME_HEADER_SIZE + page_size bytes */
};

struct frame_header {
    uint32_t page;
    uint32_t database_pages; /* not 0: the last frame of a commit */
    const uint8_t *salts;
    struct sum sum; /* as stored */
};

static uint32_t big_endian_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t word_at(const struct wal *wal, const uint8_t *at)
{
    uint32_t word = big_endian_u32(at);
    return wal->big_endian ? word : __builtin_bswap32(word);
}

static struct frame_header frame_header(const uint8_t *bytes)
{
    return (struct frame_header){
        .page = big_endian_u32(bytes),
        .database_pages = big_endian_u32(bytes + 4),
        .salts = bytes + 8,
        .sum = {big_endian_u32(bytes + 16), big_endian_u32(bytes + 20)},
    };
}

static struct sum sum_add(const struct wal *wal, struct sum sum, const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size; at += 8) {
        sum.first += word_at(wal, bytes + at) + sum.second;
        sum.second += word_at(wal, bytes + at + 4) + sum.first;
    }
    return sum;
}

static bool sum_equal(struct sum a, struct sum b)
{
    return a.first == b.first && a.second == b.second;
}

/* 0, 1 when the file ends before it, or a negative errno. */
static int read_at(const struct wal *wal, uint64_t offset, uint8_t *bytes, size_t size)
{
    ssize_t got = file_read_at(wal->fd, bytes, size, offset);
    if (got < 0) {
        return log_error(wal->error, (int)got, "cannot read %s: %s", wal->name,
                         strerror((int)-got));
    }
    return (size_t)got < size ? 1 : 0;
}

static uint64_t frame_offset(const struct wal *wal, uint64_t index)
{
    return HEADER_SIZE + index * ((uint64_t)FRAME_HEADER_SIZE + wal->page_size);
}

static bool same_salts(const struct wal *wal, const struct frame_header *header)
{
    return memcmp(header->salts, wal->header + 16, 8) == 0;
}

static bool ends_commit(const struct frame_header *header)
{
    return header->database_pages != 0 && header->page != 0 &&
           header->page <= header->database_pages;
}

/*
 * Whether flipping one bit of the bytes would change their checksum by `need`. The checksum is
 * linear: d added to a word adds d * (a, b) to it, where (a, b) is (1, 1) for the first word of the
 * last pair, (0, 1) for its second word, and each pair further to the front takes (a, b) to
 * (a + b, a + 2b). `factors` are those of the last pair, and in the end of the one in front.
 */
static bool one_bit_off(const struct wal *wal, const uint8_t *bytes, size_t size, struct sum need,
                        struct sum factors[2])
{
    for (size_t at = size; at >= 8; at -= 8) {
        for (size_t i = 0; i < 2; i++) {
            struct sum *factor = &factors[i];
            uint32_t word = word_at(wal, bytes + at - 8 + 4 * i);
            for (uint32_t bit = 1; bit != 0; bit <<= 1) {
                uint32_t change = (word & bit) != 0 ? 0u - bit : bit;
                if (sum_equal(need,
                              (struct sum){change * factor->first, change * factor->second})) {
                    return true;
                }
            }
            uint32_t first = factor->first + factor->second;
            *factor = (struct sum){first, first + factor->second};
        }
    }
    return false;
}

/* Whether the frame in wal->frame is one flipped bit, or its salts, away from a valid one. */
static bool slightly_damaged(const struct wal *wal, const struct frame_header *header,
                             struct sum actual)
{
    struct sum need = {header->sum.first - actual.first, header->sum.second - actual.second};
    int wrong_bits = __builtin_popcount(header->sum.first ^ actual.first) +
                     __builtin_popcount(header->sum.second ^ actual.second);
    if (wrong_bits <= 1) {
        return true;
    }
    struct sum factors[2] = {{1, 1}, {0, 1}};
    return same_salts(wal, header) &&
           (one_bit_off(wal, wal->frame + FRAME_HEADER_SIZE, wal->page_size, need, factors) ||
            one_bit_off(wal, wal->frame, 8, need, factors));
}

/* Counts the commits with the header's salts that end in frames [index, frames), and the last. */
static int later_commits(const struct wal *wal, uint64_t index, uint64_t *ret_count,
                         uint64_t *ret_last)
{
    *ret_count = 0;
    for (uint64_t i = index; i < wal->frames; i++) {
        uint8_t bytes[FRAME_HEADER_SIZE];
        int result = read_at(wal, frame_offset(wal, i), bytes, sizeof(bytes));
        if (result != 0) {
            return result < 0 ? result : 0;
        }
        struct frame_header header = frame_header(bytes);
        if (ends_commit(&header) && same_salts(wal, &header)) {
            *ret_count += 1;
            *ret_last = i;
        }
    }
    return 0;
}

/* The frame at `index`, in wal->frame, does not check out: damaged or torn? */
static int judge(const struct wal *wal, uint64_t index, struct sum actual)
{
    struct frame_header header = frame_header(wal->frame);
    if (slightly_damaged(wal, &header, actual)) {
        return log_error(wal->error, -EBADMSG,
                         "%s is damaged: a bit of frame %" PRIu64 " of %" PRIu64
                         " has changed since it was written; acknowledged commands would be lost, "
                         "restore the file from a copy",
                         wal->name, index + 1, wal->frames);
    }
    if (!wal->syncs) {
        return 0;
    }
    uint64_t count;
    uint64_t last = 0;
    int result = later_commits(wal, index, &count, &last);
    if (result != 0 || count < 2) {
        return result;
    }
    return log_error(wal->error, -EBADMSG,
                     "%s is damaged: frame %" PRIu64 " of %" PRIu64 " does not match its checksum, "
                     "but commits follow it up to frame %" PRIu64 "; acknowledged commands would "
                     "be lost, restore the file from a copy",
                     wal->name, index + 1, wal->frames, last + 1);
}

static int scan_frames(struct wal *wal)
{
    struct sum sum = {big_endian_u32(wal->header + 24), big_endian_u32(wal->header + 28)};
    for (uint64_t i = 0; i < wal->frames; i++) {
        int result = read_at(wal, frame_offset(wal, i), wal->frame,
                             FRAME_HEADER_SIZE + (size_t)wal->page_size);
        if (result != 0) {
            return result < 0 ? result : 0;
        }
        struct frame_header header = frame_header(wal->frame);
        sum = sum_add(wal, sum, wal->frame, 8);
        sum = sum_add(wal, sum, wal->frame + FRAME_HEADER_SIZE, wal->page_size);
        if (header.page == 0 || !same_salts(wal, &header) || !sum_equal(sum, header.sum)) {
            return judge(wal, i, sum);
        }
        wal->commits += ends_commit(&header);
    }
    return 0;
}

static bool header_valid(struct wal *wal)
{
    uint32_t magic = big_endian_u32(wal->header);
    wal->big_endian = (magic & 1) != 0;
    uint32_t size = big_endian_u32(wal->header + 8);
    struct sum stored = {big_endian_u32(wal->header + 24), big_endian_u32(wal->header + 28)};
    return (magic & ~1u) == MAGIC && big_endian_u32(wal->header + 4) == VERSION &&
           size >= PAGE_SIZE_MIN && size <= PAGE_SIZE_MAX && (size & (size - 1)) == 0 &&
           sum_equal(sum_add(wal, (struct sum){0, 0}, wal->header, 24), stored);
}

static int scan(struct wal *wal, uint64_t size)
{
    int result = read_at(wal, 0, wal->header, HEADER_SIZE);
    if (result != 0) {
        return result < 0 ? result : 0;
    }
    bool valid = header_valid(wal);
    wal->page_size = valid ? big_endian_u32(wal->header + 8) : LOG_PAGE_SIZE;
    wal->frames = (size - HEADER_SIZE) / (FRAME_HEADER_SIZE + (uint64_t)wal->page_size);
    if (!valid) {
        /* The header is synced before any frame is written: without it there can be none. */
        return wal->frames == 0
                   ? 0
                   : log_error(wal->error, -EBADMSG,
                               "%s is damaged: its header is not valid, but %" PRIu64
                               " frames follow it; acknowledged commands would be lost, restore "
                               "the file from a copy",
                               wal->name, wal->frames);
    }
    wal->frame = malloc(FRAME_HEADER_SIZE + (size_t)wal->page_size);
    if (wal->frame == NULL) {
        return log_error(wal->error, -ENOMEM, "out of memory reading %s", wal->name);
    }
    result = scan_frames(wal);
    free(wal->frame);
    return result;
}

int wal_scan(int directory, const char *name, bool syncs, uint64_t *ret_commits, char *error)
{
    struct wal wal = {.name = name, .error = error, .syncs = syncs};
    *ret_commits = 0;
    wal.fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    if (wal.fd < 0) {
        return errno == ENOENT
                   ? 0
                   : log_error(error, -errno, "cannot open %s: %s", name, strerror(errno));
    }
    struct stat status;
    int result = fstat(wal.fd, &status) != 0
                     ? log_error(error, -errno, "cannot read %s: %s", name, strerror(errno))
                     : scan(&wal, (uint64_t)status.st_size);
    (void)close(wal.fd);
    *ret_commits = wal.commits;
    return result;
}
