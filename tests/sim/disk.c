/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/disk.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/sim/disk_private.h"

#define PATH_SIZE 512

struct disk disk;

const char *disk_kind_name(enum disk_kind kind)
{
    static const char *const names[DISK_KINDS_COUNT] = {
        "create", "write", "truncate", "sync", "sync directory", "rename", "remove"};
    return names[kind];
}

const char *disk_survival_name(enum disk_survival survival)
{
    static const char *const names[DISK_SURVIVALS_COUNT] = {"kept", "lost", "torn"};
    return names[survival];
}

static void *grown(void *memory, size_t count, size_t size)
{
    void *result = realloc(memory, count * size);
    assert(result != NULL);
    return result;
}

/* ---- files ---- */

static void resize(struct content *content, size_t size)
{
    if (size > content->capacity) {
        content->capacity = size * 2;
        content->bytes = grown(content->bytes, content->capacity, 1);
    }
    if (size > content->size) {
        memset(content->bytes + content->size, 0, size - content->size);
    }
    content->size = size;
}

static void put(struct content *content, uint64_t offset, const uint8_t *bytes, size_t size)
{
    if (offset + size > content->size) {
        resize(content, offset + size);
    }
    memcpy(content->bytes + offset, bytes, size);
}

static void apply(struct content *content, const struct change *change)
{
    if (change->bytes == NULL) {
        resize(content, change->offset);
    } else {
        put(content, change->offset, change->bytes, change->size);
    }
}

void disk_change(struct file *file, uint64_t offset, const void *bytes, size_t size)
{
    if (file->changes_count == file->changes_capacity) {
        file->changes_capacity = file->changes_capacity * 2 + 16;
        file->changes = grown(file->changes, file->changes_capacity, sizeof(struct change));
    }
    struct change *change = &file->changes[file->changes_count++];
    *change = (struct change){.offset = offset, .size = size};
    if (bytes != NULL) {
        change->bytes = grown(NULL, size + 1, 1);
        memcpy(change->bytes, bytes, size);
    }
}

void disk_forget_changes(struct file *file)
{
    for (uint32_t i = 0; i < file->changes_count; i++) {
        free(file->changes[i].bytes);
    }
    file->changes_count = 0;
}

void disk_make_durable(struct file *file)
{
    for (uint32_t i = 0; i < file->changes_count; i++) {
        apply(&file->durable, &file->changes[i]);
    }
    disk_forget_changes(file);
}

struct file *disk_new_file(void)
{
    assert(disk.files_count < FILES_MAX);
    struct file *file = &disk.files[disk.files_count++];
    *file = (struct file){0};
    return file;
}

/* ---- names ---- */

struct entry *disk_entry(const char *name)
{
    for (uint32_t i = 0; i < disk.entries_count; i++) {
        if (strcmp(disk.entries[i].name, name) == 0) {
            return &disk.entries[i];
        }
    }
    assert(disk.entries_count < ENTRIES_MAX);
    assert(strlen(name) < NAME_SIZE);
    struct entry *entry = &disk.entries[disk.entries_count++];
    *entry = (struct entry){0};
    (void)snprintf(entry->name, sizeof(entry->name), "%s", name);
    return entry;
}

/* The entry names this file from now on; NULL: none. */
void disk_set_entry(struct entry *entry, struct file *file)
{
    assert(disk.moves_count < MOVES_MAX);
    entry->live = file;
    disk.moves[disk.moves_count++] = (struct move){.entry = entry, .file = file};
}

void disk_make_names_durable(void)
{
    for (uint32_t i = 0; i < disk.entries_count; i++) {
        disk.entries[i].durable = disk.entries[i].live;
    }
    disk.moves_count = 0;
}

/* ---- reading and writing past the simulator ---- */

static int open_at(const char *directory, const char *name, int flags)
{
    char path[PATH_SIZE];
    int size = snprintf(path, sizeof(path), "%s/%s", directory, name);
    assert(size < PATH_SIZE);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
    assert(fd >= 0);
    return fd;
}

static void read_file(const char *directory, const char *name, struct content *content)
{
    struct stat status;
    int fd = open_at(directory, name, O_RDONLY);
    int result = fstat(fd, &status);
    assert(result == 0);
    resize(content, (size_t)status.st_size);
    long got =
        content->size == 0 ? 0 : syscall(SYS_pread64, fd, content->bytes, content->size, (off_t)0);
    assert(got == (long)content->size);
    (void)syscall(SYS_close, fd);
}

static void write_file(const char *directory, const char *name, const struct content *content)
{
    int fd = open_at(directory, name, O_WRONLY | O_CREAT | O_TRUNC);
    size_t done = 0;
    while (done < content->size) {
        long put_size = syscall(SYS_write, fd, content->bytes + done, content->size - done);
        assert(put_size > 0);
        done += (size_t)put_size;
    }
    (void)syscall(SYS_close, fd);
}

static bool is_memory(const char *name)
{
    size_t size = strlen(name);
    return size > 4 && strcmp(name + size - 4, "-shm") == 0;
}

/* Calls fn for each file of the directory but those of memory. */
static void each_file(const char *directory, void (*fn)(const char *name, void *user), void *user)
{
    DIR *names = opendir(directory);
    assert(names != NULL);
    const struct dirent *found;
    while ((found = readdir(names)) != NULL) {
        if (found->d_name[0] != '.' && !is_memory(found->d_name)) {
            fn(found->d_name, user);
        }
    }
    (void)closedir(names);
}

struct copy {
    const char *source, *target;
};

static void copy_one(const char *name, void *user)
{
    const struct copy *copy = user;
    struct content content = {0};
    read_file(copy->source, name, &content);
    write_file(copy->target, name, &content);
    free(content.bytes);
}

void disk_copy(const char *source, const char *target)
{
    struct copy copy = {source, target};
    bool was_on = disk.is_on;
    disk.is_on = false;
    (void)mkdir(target, 0700);
    each_file(source, copy_one, &copy);
    disk.is_on = was_on;
}

void disk_remove(const char *directory)
{
    char path[PATH_SIZE];
    DIR *names = opendir(directory);
    const struct dirent *found;
    while (names != NULL && (found = readdir(names)) != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%.255s", directory, found->d_name);
        (void)syscall(SYS_unlink, path);
    }
    if (names != NULL) {
        (void)closedir(names);
    }
    (void)rmdir(directory);
}

/* ---- the life of a disk ---- */

static void load(const char *name, void *user)
{
    struct entry *entry = disk_entry(name);
    (void)user;
    entry->live = disk_new_file();
    entry->durable = entry->live;
    read_file(disk.directory, name, &entry->live->durable);
}

void disk_begin(const char *directory, disk_operation_fn fn, void *user)
{
    assert(!disk.is_on);
    disk_end();
    int size = snprintf(disk.directory, sizeof(disk.directory), "%s", directory);
    assert(size < (int)sizeof(disk.directory));
    disk.directory_size = (size_t)size;
    disk.fn = fn;
    disk.user = user;
    each_file(directory, load, NULL);
    disk.is_on = true;
}

void disk_end(void)
{
    for (uint32_t i = 0; i < disk.files_count; i++) {
        disk_forget_changes(&disk.files[i]);
        free(disk.files[i].changes);
        free(disk.files[i].durable.bytes);
    }
    disk = (struct disk){0};
}

uint64_t disk_operations(void)
{
    return disk.operations;
}

void disk_short_reads(uint32_t once_in, uint64_t seed)
{
    disk.short_once_in = once_in;
    disk.short_reads = random_stream(seed, 9);
}

/* ---- images ---- */

/* Any of the sectors that the write touches. */
static void tear(struct content *content, const struct change *change, struct random *random)
{
    uint64_t at = change->offset;
    uint64_t end = change->offset + change->size;
    while (at < end) {
        uint64_t next = (at / SECTOR_SIZE + 1) * SECTOR_SIZE;
        next = next < end ? next : end;
        if (random_below(random, 2) == 0) {
            put(content, at, change->bytes + (at - change->offset), (size_t)(next - at));
        }
        at = next;
    }
}

static void survive(struct content *content, const struct file *file, enum disk_survival survival,
                    struct random *random)
{
    resize(content, file->durable.size);
    if (file->durable.size > 0) {
        memcpy(content->bytes, file->durable.bytes, file->durable.size);
    }
    for (uint32_t i = 0; survival == DISK_TORN && i < file->changes_count; i++) {
        const struct change *change = &file->changes[i];
        uint32_t fate = random_below(random, 3);
        if (fate == 0) {
            apply(content, change);
        } else if (fate == 1 && change->bytes != NULL) {
            tear(content, change, random);
        }
    }
}

/* The names that survive: the first so many of the changes since the directory was synced. */
static void names_after(struct file *ret_files[ENTRIES_MAX], enum disk_survival survival,
                        struct random *random)
{
    uint32_t moves = survival == DISK_TORN ? random_below(random, disk.moves_count + 1) : 0;
    while (moves < disk.moves_count && disk.moves[moves].joins) {
        moves++;
    }
    for (uint32_t i = 0; i < disk.entries_count; i++) {
        ret_files[i] = disk.entries[i].durable;
    }
    for (uint32_t i = 0; i < moves; i++) {
        ret_files[disk.moves[i].entry - disk.entries] = disk.moves[i].file;
    }
}

void disk_image(const char *target, enum disk_survival survival, struct random *random)
{
    if (survival == DISK_KEPT) {
        disk_copy(disk.directory, target);
        return;
    }
    bool was_on = disk.is_on;
    struct file *files[ENTRIES_MAX];
    disk.is_on = false;
    (void)mkdir(target, 0700);
    names_after(files, survival, random);
    for (uint32_t i = 0; i < disk.entries_count; i++) {
        if (files[i] != NULL) {
            struct content content = {0};
            survive(&content, files[i], survival, random);
            write_file(target, disk.entries[i].name, &content);
            free(content.bytes);
        }
    }
    disk.is_on = was_on;
}
