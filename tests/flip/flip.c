/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flips the bytes of a data directory one at a time, verifies and starts a copy after each, and says
 * what came of it:
 *
 *     flip DIR [--some N] [--jobs N] [--file TEXT]
 *
 * Each byte is tried twice: all its bits inverted, and one of them. With --some N only about N bytes
 * are: the first ones of every page, and of the rest every k-th. A flip must be refused by name,
 * passed over (a snapshot), found by `log verify`, or change nothing that anybody sees. The work is
 * done by child processes: one that dies or hangs is a failure too, and the next takes over.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/flip/recovery.h"

#define FILES_MAX 16
#define PATH_SIZE 512
#define PAGE_SIZE 4096u /* divides those of all files */
#define PAGE_HEAD 48u
#define JOBS_MAX 64
#define HANG_S 60
#define SHOWN_MAX 20u /* failures printed by each job */

enum outcome {
    REFUSED,     /* the start says why */
    PASSED_OVER, /* a snapshot, with a line in the log */
    VERIFIED,    /* the start is right, and `log verify` finds it */
    SENT_AGAIN,  /* the places of webhooks are earlier ones that were saved */
    HISTORY,     /* attempts, or answers kept for repeats of changes to webhooks */
    HARMLESS,
    /* Failures: */
    UNNAMED, /* refused, without a place */
    OTHER_STATE,
    OTHER_ROWS, /* readers get something else, and nothing tells */
    OTHER_ENDPOINTS,
    DIED,
    OUTCOMES_COUNT
};

#define FIRST_FAILURE UNNAMED

static const char *const names[OUTCOMES_COUNT] = {
    [REFUSED] = "refused",
    [PASSED_OVER] = "passed over",
    [VERIFIED] = "log verify",
    [SENT_AGAIN] = "sent again",
    [HISTORY] = "history",
    [HARMLESS] = "harmless",
    [UNNAMED] = "UNNAMED",
    [OTHER_STATE] = "OTHER STATE",
    [OTHER_ROWS] = "OTHER ROWS",
    [OTHER_ENDPOINTS] = "OTHER ENDPOINTS",
    [DIED] = "DIED",
};

enum kind { LOG, SNAPSHOT, WEBHOOKS };

struct file {
    char name[NAME_MAX + 1];
    uint8_t *bytes;
    size_t size;
    enum kind kind;
};

static struct file files[FILES_MAX];
static uint32_t files_count;
/* What comes of the directory as it is. */
static struct recovery whole;
static struct recovery whole_webhooks;

/* A job's progress; the parent reads it when the job has died. */
struct job {
    pid_t pid;
    uint64_t next; /* the flip that is tried */
    uint64_t shown;
    uint64_t counts[FILES_MAX][OUTCOMES_COUNT];
    char directory[64]; /* with the file that is flipped */
    char aside[64];     /* with the log as it is */
};

/* ---- files ---- */

static void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void read_file(const char *directory, const char *name)
{
    struct file *file = &files[files_count++];
    char path[PATH_SIZE];
    struct stat status;
    assert(files_count <= FILES_MAX);
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    (void)snprintf(file->name, sizeof(file->name), "%s", name);
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &status) != 0) {
        fail(path);
    }
    file->size = (size_t)status.st_size;
    file->bytes = malloc(file->size + 1);
    if (file->bytes == NULL || read(fd, file->bytes, file->size) != (ssize_t)file->size) {
        fail(path);
    }
    (void)close(fd);
    file->kind = strncmp(name, "webhooks", 8) == 0    ? WEBHOOKS
                 : strncmp(name, "snapshot-", 9) == 0 ? SNAPSHOT
                                                      : LOG;
}

static int is_kept(const struct dirent *entry)
{
    const char *name = entry->d_name;
    return (strncmp(name, "log-", 4) == 0 || strncmp(name, "snapshot-", 9) == 0 ||
            strncmp(name, "webhooks", 8) == 0) &&
           strstr(name, "-shm") == NULL;
}

static void read_files(const char *directory)
{
    struct dirent **entries;
    int count = scandir(directory, &entries, is_kept, alphasort);
    for (int i = 0; i < count; i++) {
        read_file(directory, entries[i]->d_name);
        free(entries[i]);
    }
    if (files_count == 0) {
        fail(directory);
    }
    free(entries);
}

static void remove_files(const char *directory)
{
    char path[PATH_SIZE];
    DIR *opened = opendir(directory);
    const struct dirent *entry;
    while (opened != NULL && (entry = readdir(opened)) != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        (void)unlink(path);
    }
    (void)closedir(opened);
}

/* Those that a file of this kind is read with. */
static void write_files(const char *directory, enum kind kind)
{
    char path[PATH_SIZE];
    remove_files(directory);
    for (uint32_t i = 0; i < files_count; i++) {
        if (files[i].kind != kind && (kind != LOG || files[i].kind != SNAPSHOT)) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s/%.255s", directory, files[i].name);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (fd < 0 || write(fd, files[i].bytes, files[i].size) != (ssize_t)files[i].size) {
            fail(path);
        }
        (void)close(fd);
    }
}

/* ---- one flip ---- */

/* A file, or a record, an action or a settlement by its number. */
static bool names_a_place(const char *error)
{
    static const char *const places[] = {"log-",    "webhooks",    "file ",    "snapshot-",
                                         "action ", "settlement ", "ordinal ", "seq "};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (strstr(error, places[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static enum outcome refused(const char *error)
{
    return names_a_place(error) ? REFUSED : UNNAMED;
}

/* What clients said must be as it was; places may be those of an earlier save. */
static enum outcome judge_webhooks(const struct file *file, const struct recovery *found)
{
    bool is_wal = strstr(file->name, "-wal") != NULL;
    if (found->code != 0) {
        return refused(found->error);
    }
    if (found->endpoints != whole_webhooks.endpoints ||
        (found->places != whole_webhooks.places && !is_wal)) {
        return OTHER_ENDPOINTS;
    }
    return found->places != whole_webhooks.places     ? SENT_AGAIN
           : found->history != whole_webhooks.history ? HISTORY
                                                      : HARMLESS;
}

static enum outcome judge_snapshot(const struct recovery *found)
{
    return found->code != 0              ? refused(found->error)
           : found->state != whole.state ? OTHER_STATE
           : found->passed_over > 0      ? PASSED_OVER
                                         : HARMLESS;
}

static enum outcome judge_log(const char *directory, struct recovery *found)
{
    struct recovery verified;
    recovery_verify(directory, &verified);
    recovery_start(directory, found);
    if (found->code != 0) {
        return refused(found->error);
    }
    if (found->state != whole.state) {
        return OTHER_STATE;
    }
    if (verified.code != 0) {
        *found = verified;
        return names_a_place(verified.error) ? VERIFIED : UNNAMED;
    }
    return found->published_code != 0 || found->published != whole.published ? OTHER_ROWS
                                                                             : HARMLESS;
}

static enum outcome judge(const struct file *file, struct command_log *log, const char *directory,
                          char *error)
{
    struct recovery found;
    enum outcome outcome = HARMLESS;
    write_files(directory, file->kind);
    switch (file->kind) {
    case LOG:
        outcome = judge_log(directory, &found);
        break;
    case SNAPSHOT:
        recovery_state(log, directory, &found);
        outcome = judge_snapshot(&found);
        break;
    case WEBHOOKS:
        recovery_webhooks(log, directory, &found);
        outcome = judge_webhooks(file, &found);
        break;
    }
    memcpy(error, found.error, LOG_ERROR_SIZE);
    return outcome;
}

/* ---- all of them ---- */

struct place {
    uint32_t file;
    size_t at;
    uint8_t mask;
};

static uint32_t random_of(uint64_t number)
{
    number = (number ^ number >> 31) * 0x7fb5d329728ea185u;
    number = (number ^ number >> 27) * 0x81dadef4bc2dd44du;
    return (uint32_t)(number >> 33);
}

static uint64_t flips_count(void)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < files_count; i++) {
        count += 2 * (uint64_t)files[i].size;
    }
    return count;
}

static struct place place_of(uint64_t flip)
{
    struct place place = {0};
    uint64_t byte = flip / 2;
    while (byte >= files[place.file].size) {
        byte -= files[place.file].size;
        place.file++;
    }
    place.at = (size_t)byte;
    place.mask = flip % 2 == 0 ? 0xff : (uint8_t)(1u << random_of(flip) % 8);
    return place;
}

/* Which flips are tried. */
struct choice {
    uint64_t some;    /* about so many bytes, half of them at heads of pages; 0: all */
    const char *file; /* of files whose names have this in them */
};

static bool is_chosen(uint64_t flip, const struct choice *choice)
{
    uint64_t some = choice->some;
    if (strstr(files[place_of(flip).file].name, choice->file) == NULL) {
        return false;
    }
    if (some == 0) {
        return true;
    }
    uint64_t bytes = flips_count() / 2;
    uint64_t heads = bytes / PAGE_SIZE * PAGE_HEAD;
    bool is_head = place_of(flip).at % PAGE_SIZE < PAGE_HEAD;
    uint64_t one_in = (is_head ? heads : bytes) / (some / 2 + 1) + 1;
    return random_of(flip / 2 + 77) % one_in == 0 && random_of(flip / 2) % 2 == flip % 2;
}

static void try_flip(struct job *job, struct command_log *log, uint64_t flip)
{
    struct place place = place_of(flip);
    struct file *file = &files[place.file];
    char error[LOG_ERROR_SIZE];
    (void)alarm(HANG_S);
    file->bytes[place.at] ^= place.mask;
    enum outcome outcome = judge(file, log, job->directory, error);
    file->bytes[place.at] ^= place.mask;
    job->counts[place.file][outcome]++;
    if (outcome >= FIRST_FAILURE && job->shown++ < SHOWN_MAX) {
        (void)printf("FAILED %s byte %zu ^ %02x: %s %s\n", file->name, place.at, place.mask,
                     names[outcome], error);
        (void)fflush(stdout);
    }
}

/* In a child, from the job's next flip on. */
static void work(struct job *job, const struct choice *choice, uint32_t jobs_count)
{
    uint64_t count = flips_count();
    write_files(job->aside, LOG);
    struct command_log *log = recovery_log_open(job->aside);
    assert(log != NULL);
    FILE *nowhere = freopen("/dev/null", "w", stderr); /* the lines of the log */
    assert(nowhere != NULL);
    for (; job->next < count; job->next += jobs_count) {
        if (is_chosen(job->next, choice)) {
            try_flip(job, log, job->next);
        }
    }
}

static pid_t start_work(struct job *job, const struct choice *choice, uint32_t jobs_count)
{
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid < 0) {
        fail("fork");
    }
    if (pid == 0) {
        work(job, choice, jobs_count);
        _exit(EXIT_SUCCESS);
    }
    return pid;
}

/* Starts the job again, after the flip that ended it. */
static void note_death(struct job *job, int status, const struct choice *choice,
                       uint32_t jobs_count)
{
    struct place place = place_of(job->next);
    (void)printf("FAILED %s byte %zu ^ %02x: the process ended with status %x\n",
                 files[place.file].name, place.at, place.mask, (unsigned)status);
    job->counts[place.file][DIED]++;
    job->next += jobs_count;
    job->pid = start_work(job, choice, jobs_count);
}

static void run_jobs(struct job *jobs, uint32_t jobs_count, const struct choice *choice)
{
    uint32_t running = jobs_count;
    for (uint32_t i = 0; i < jobs_count; i++) {
        jobs[i].next = i;
        jobs[i].pid = start_work(&jobs[i], choice, jobs_count);
    }
    while (running > 0) {
        int status;
        pid_t pid = wait(&status);
        for (uint32_t i = 0; i < jobs_count; i++) {
            if (jobs[i].pid == pid && status == 0) {
                running--;
            } else if (jobs[i].pid == pid) {
                note_death(&jobs[i], status, choice, jobs_count);
            }
        }
    }
}

static uint64_t report(const struct job *jobs, uint32_t jobs_count)
{
    uint64_t failed = 0;
    uint64_t all = 0;
    for (uint32_t f = 0; f < files_count; f++) {
        (void)printf("%-34s %8zu bytes:", files[f].name, files[f].size);
        for (uint32_t outcome = 0; outcome < OUTCOMES_COUNT; outcome++) {
            uint64_t count = 0;
            for (uint32_t i = 0; i < jobs_count; i++) {
                count += jobs[i].counts[f][outcome];
            }
            if (count > 0) {
                (void)printf(" %" PRIu64 " %s,", count, names[outcome]);
            }
            all += count;
            failed += outcome >= FIRST_FAILURE ? count : 0;
        }
        (void)printf("\n");
    }
    (void)printf("%" PRIu64 " passed, %" PRIu64 " failed\n", all - failed, failed);
    return all > 0 ? failed : 1;
}

/* The directory as it is: it must be whole. */
static void learn(const struct job *job)
{
    struct recovery verified;
    struct recovery from_log;
    write_files(job->directory, LOG);
    recovery_verify(job->directory, &verified);
    recovery_start(job->directory, &whole);
    write_files(job->aside, LOG);
    write_files(job->directory, WEBHOOKS);
    struct command_log *log = recovery_log_open(job->aside);
    if (log == NULL) {
        exit(EXIT_FAILURE);
    }
    recovery_webhooks(log, job->directory, &whole_webhooks);
    recovery_state(log, NULL, &from_log);
    log_close(log);
    if (verified.code != 0 || whole.code != 0 || whole.published_code != 0 ||
        whole_webhooks.code != 0 || whole.passed_over != 0 || from_log.state != whole.state) {
        (void)fprintf(stderr, "as it is: verify %s, start %s, webhooks %s\n", verified.error,
                      whole.error, whole_webhooks.error);
        exit(EXIT_FAILURE);
    }
}

static void make_directory(char path[64])
{
    struct stat status;
    (void)snprintf(path, 64, "%s/backstop-flip-XXXXXX",
                   stat("/dev/shm", &status) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(path) == NULL) {
        fail(path);
    }
}

static void remove_directory(const char *path)
{
    remove_files(path);
    (void)rmdir(path);
}

int main(int count, char **words)
{
    struct choice choice = {.file = ""};
    uint32_t jobs_count = 2;
    for (int i = 2; i + 1 < count; i += 2) {
        uint64_t number = strtoull(words[i + 1], NULL, 10);
        choice.some = strcmp(words[i], "--some") == 0 ? number : choice.some;
        choice.file = strcmp(words[i], "--file") == 0 ? words[i + 1] : choice.file;
        jobs_count = strcmp(words[i], "--jobs") == 0 ? (uint32_t)number : jobs_count;
    }
    if (count < 2 || count % 2 != 0 || jobs_count == 0 || jobs_count > JOBS_MAX) {
        (void)fputs("usage: flip DIR [--some N] [--jobs N] [--file TEXT]\n", stderr);
        return 64;
    }
    (void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); /* small engines: see the simulator */
    read_files(words[1]);
    struct job *jobs = mmap(NULL, jobs_count * sizeof(*jobs), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (jobs == MAP_FAILED) {
        fail("mmap");
    }
    for (uint32_t i = 0; i < jobs_count; i++) {
        make_directory(jobs[i].directory);
        make_directory(jobs[i].aside);
    }
    learn(&jobs[0]);
    run_jobs(jobs, jobs_count, &choice);
    uint64_t failed = report(jobs, jobs_count);
    for (uint32_t i = 0; i < jobs_count; i++) {
        remove_directory(jobs[i].directory);
        remove_directory(jobs[i].aside);
    }
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
