/* SPDX-License-Identifier: Apache-2.0 */
/* What the disk's state and the functions that stand for the C library's share. */
#ifndef SIM_DISK_PRIVATE_H
#define SIM_DISK_PRIVATE_H

#include <stdbool.h>

#include "tests/sim/disk.h"

#define FILES_MAX 1024
#define ENTRIES_MAX 512
#define MOVES_MAX 4096
#define FDS_MAX 1024
#define NAME_SIZE 64
#define SECTOR_SIZE 512

struct content {
    uint8_t *bytes;
    size_t size, capacity;
};

struct change {
    uint64_t offset;
    uint8_t *bytes; /* NULL: the file ends at `offset` from now on */
    size_t size;
};

struct file {
    struct content durable;
    struct change *changes; /* since it was synced */
    uint32_t changes_count, changes_capacity;
};

struct entry {
    char name[NAME_SIZE];
    struct file *live, *durable; /* NULL: there is no such file */
};

struct move { /* of a name, since the directory was synced */
    struct entry *entry;
    struct file *file;
    bool joins; /* the one before it: both happen at once */
};

struct descriptor {
    struct file *file; /* NULL: not one of the disk */
    struct entry *entry;
    bool is_directory;
};

struct disk {
    bool is_on;
    char directory[256];
    size_t directory_size;
    disk_operation_fn fn;
    void *user;
    uint64_t operations;
    uint32_t short_once_in;
    struct random short_reads;
    struct file files[FILES_MAX];
    uint32_t files_count;
    struct entry entries[ENTRIES_MAX];
    uint32_t entries_count;
    struct move moves[MOVES_MAX];
    uint32_t moves_count;
    struct descriptor descriptors[FDS_MAX];
};

extern struct disk disk;

struct file *disk_new_file(void);
struct entry *disk_entry(const char *name);
void disk_set_entry(struct entry *entry, struct file *file);
void disk_make_names_durable(void);
void disk_change(struct file *file, uint64_t offset, const void *bytes, size_t size);
void disk_make_durable(struct file *file);
void disk_forget_changes(struct file *file);

#endif
