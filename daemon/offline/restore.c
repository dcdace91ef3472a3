/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/offline/restore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "api/text.h"
#include "daemon/app.h"
#include "daemon/log/identity.h"
#include "daemon/log/log_branch.h"
#include "daemon/offline/backup_files.h"
#include "daemon/offline/print.h"
#include "daemon/offline/replay_to.h"
#include "daemon/offline/restore_snapshots.h"

#define STAGE "restoring" /* the directory below the new one */
#define LOG_END "log-end"

struct restored {
    uint64_t seq;
    uint64_t ordinal;
    uint64_t settlements;
    int64_t time_ms;
    struct bs_digest digest;
    struct bs_usage usage;
    uint64_t last_ordinal; /* of the backup */
};

struct restore {
    const struct settings *settings;
    const struct restore_options *options;
    const char *directory;
    char stage[PATH_MAX];
    int fd;       /* of the directory */
    int stage_fd; /* of the one below it */
    struct backup_manifest manifest;
    struct restored restored;
    char identity[LOG_IDENTITY_DIGITS + 1];
    bool has_webhooks;
    uint32_t snapshots_count;
};

/* ---- the directory ---- */

static int remove_stage(const struct restore *restore)
{
    int fd = openat(restore->fd, STAGE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    while (names != NULL && (entry = readdir(names)) != NULL) {
        (void)unlinkat(fd, entry->d_name, 0);
    }
    if (names != NULL) {
        (void)closedir(names);
    }
    return unlinkat(restore->fd, STAGE, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

/* What an earlier restore has left may go. */
static int check_empty(const struct restore *restore, char *error)
{
    static const char *const allowed[] = {".", "..", "lost+found", STAGE};
    DIR *names = opendir(restore->directory);
    const struct dirent *entry;
    int code = names == NULL ? log_error(error, -errno, "cannot read %s: %s", restore->directory,
                                         strerror(errno))
                             : 0;
    while (code == 0 && (entry = readdir(names)) != NULL) {
        bool is_allowed = false;
        for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
            is_allowed = is_allowed || strcmp(entry->d_name, allowed[i]) == 0;
        }
        if (!is_allowed) {
            code = log_error(error, -EEXIST,
                             "%s is not empty: it holds %s. A backup is restored into a new "
                             "directory: name one with --data, or move this one away",
                             restore->directory, entry->d_name);
        }
    }
    if (names != NULL) {
        (void)closedir(names);
    }
    return code;
}

static int open_directory(struct restore *restore, char *error)
{
    if (mkdir(restore->directory, 0700) != 0 && errno != EEXIST) {
        return log_error(error, -errno, "cannot create %s: %s", restore->directory,
                         strerror(errno));
    }
    int code = check_empty(restore, error);
    if (code != 0) {
        return code;
    }
    restore->fd = open(restore->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (restore->fd < 0 || remove_stage(restore) != 0 || mkdirat(restore->fd, STAGE, 0700) != 0) {
        return log_error(error, -errno, "cannot create %s: %s", restore->stage, strerror(errno));
    }
    restore->stage_fd = openat(restore->fd, STAGE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return restore->stage_fd >= 0
               ? 0
               : log_error(error, -errno, "cannot open %s: %s", restore->stage, strerror(errno));
}

/* ---- copying and checking ---- */

/* Webhooks belong to the end of the backup. */
static int copy_files(struct restore *restore, char *error)
{
    bool wants_webhooks =
        !restore->options->without_webhooks && restore->options->until.kind == UNTIL_END;
    int code = 0;
    for (uint32_t i = 0; code == 0 && i < restore->manifest.count; i++) {
        const struct backup_file *file = &restore->manifest.files[i];
        bool is_webhooks = strcmp(file->name, BACKUP_WEBHOOKS) == 0;
        if (!is_webhooks || wants_webhooks) {
            code = backup_file_copy(restore->options->backup, file, restore->stage_fd, error);
            restore->has_webhooks = restore->has_webhooks || is_webhooks;
        }
    }
    return code;
}

/* Replays the staged log; a log that does not replay to what it holds is refused here. */
static int replay(const struct restore *restore, const struct until *until,
                  struct restored *ret_restored, char *error)
{
    struct replay_to replayed;
    struct log_moment moment = {.until = *until, .is_without_archive = true};
    (void)snprintf(moment.directory, sizeof(moment.directory), "%s", restore->stage);
    int code = replay_to_run(&replayed, restore->settings, &moment, NULL, error);
    if (code == 0) {
        struct bs_engine *engine = replayed.executor.engine;
        *ret_restored = (struct restored){.seq = replayed.executor.seq,
                                          .ordinal = bs_engine_actions(engine),
                                          .settlements = replayed.settlements_count,
                                          .time_ms = bs_engine_time_ms(engine),
                                          .digest = bs_engine_digest(engine),
                                          .usage = bs_engine_usage(engine),
                                          .last_ordinal = log_last_ordinal(replayed.log)};
        if (log_last_seq(replayed.log) != restore->manifest.seq &&
            strcmp(log_identity(replayed.log), restore->manifest.identity) == 0) {
            code = log_error(error, -EBADMSG,
                             "the log of the backup ends at seq %" PRIu64
                             ", its manifest says %" PRIu64,
                             log_last_seq(replayed.log), restore->manifest.seq);
        }
    }
    replay_to_fini(&replayed);
    return code;
}

static int check_until(const struct restore *restore, char *error)
{
    const struct until *until = &restore->options->until;
    char wanted[TEXT_TIME_SIZE];
    char copied[TEXT_TIME_SIZE];
    if (until->kind == UNTIL_SEQ && (until->seq == 0 || until->seq > restore->manifest.seq)) {
        return log_error(error, -ERANGE,
                         "the backup holds the commands up to %" PRIu64 ", not %" PRIu64
                         ": take one of them, or a later backup",
                         restore->manifest.seq, until->seq);
    }
    if (until->kind == UNTIL_TIME && until->time_ms > restore->manifest.time_ms) {
        text_time_print(until->time_ms, wanted);
        text_time_print(restore->manifest.time_ms, copied);
        return log_error(error, -ERANGE,
                         "the backup was made at %s, before %s: leave --until away for all of it, "
                         "or take a later backup",
                         copied, wanted);
    }
    return 0;
}

/* ---- the new log ---- */

static int branch_log(struct restore *restore, char *error)
{
    struct restored after;
    const struct log_branch branch = {.seq = restore->restored.seq,
                                      .ordinal = restore->restored.ordinal,
                                      .settlement = restore->restored.settlements,
                                      .identity = restore->identity};
    int code = log_identity_make(restore->identity, error);
    code = code == 0 ? log_branch(restore->stage, &branch, error) : code;
    code = code == 0 ? restore_snapshots(restore->stage, &restore->snapshots_count, error) : code;
    code = code == 0 ? replay(restore, &(struct until){.kind = UNTIL_END}, &after, error) : code;
    if (code == 0 &&
        (after.seq != restore->restored.seq ||
         memcmp(&after.digest, &restore->restored.digest, sizeof(after.digest)) != 0)) {
        code = log_error(error, -EBADMSG, "the restored log replays to another state");
    }
    return code;
}

/* A clean stop of the log notes its end. */
static int note_end(const struct restore *restore, char *error)
{
    struct command_log *log = NULL;
    const struct log_options options = {.directory = restore->stage};
    int code = log_open_sqlite(&log, &options, error);
    if (code == 0) {
        log_close(log);
        code = faccessat(restore->stage_fd, LOG_END, F_OK, 0) == 0
                   ? 0
                   : log_error(error, -EIO, "cannot write %s/" LOG_END, restore->stage);
    }
    return code;
}

static int identify_webhooks(const struct restore *restore, char *error)
{
    char path[PATH_MAX + sizeof(BACKUP_WEBHOOKS) + 1];
    char sql[64 + LOG_IDENTITY_DIGITS];
    sqlite3 *db = NULL;
    if (!restore->has_webhooks) {
        return 0;
    }
    (void)snprintf(path, sizeof(path), "%s/" BACKUP_WEBHOOKS, restore->stage);
    (void)snprintf(sql, sizeof(sql), "UPDATE log SET identity = '%s'", restore->identity);
    int code = db_open(&db, path, SQLITE_OPEN_READWRITE, error);
    code = code == 0 ? db_exec(db, sql, error) : code;
    (void)sqlite3_close(db);
    return code;
}

static int move_up(const struct restore *restore, const char *name, char *error)
{
    return renameat(restore->stage_fd, name, restore->fd, name) == 0 || errno == ENOENT
               ? 0
               : log_error(error, -errno, "cannot move %s/%s: %s", restore->stage, name,
                           strerror(errno));
}

/* Until the oldest file of the log is there, the end that is noted is missing or a file is. */
static int move_files(const struct restore *restore, char *error)
{
    int code = move_up(restore, LOG_END, error);
    for (uint32_t i = restore->manifest.count; code == 0 && i > 0; i--) {
        code = move_up(restore, restore->manifest.files[i - 1].name, error);
        if (code == 0 && fsync(restore->fd) != 0) {
            code =
                log_error(error, -errno, "cannot sync %s: %s", restore->directory, strerror(errno));
        }
    }
    return code;
}

/* ---- what it says ---- */

static void print_result(const struct restore *restore)
{
    const struct restored *restored = &restore->restored;
    char time[TEXT_TIME_SIZE];
    char digest[DIGEST_TEXT_SIZE];
    text_time_print(restored->time_ms, time);
    digest_print(restored->digest, digest);
    print_word("restored", restore->directory);
    print_word("identity", restore->identity);
    print_word("identity_before", restore->manifest.identity);
    print_number("seq", restored->seq);
    print_word("time", time);
    print_word("digest", digest);
    print_number("actions", restored->ordinal);
    print_number("settlements", restored->settlements);
    print_number("pools", restored->usage.pools);
    print_number("accounts", restored->usage.accounts);
    print_number("positions", restored->usage.positions);
    print_number("dropped_commands", restore->manifest.seq - restored->seq);
    print_number("dropped_actions", restored->last_ordinal > restored->ordinal
                                        ? restored->last_ordinal - restored->ordinal
                                        : 0);
    print_number("snapshots", restore->snapshots_count);
    print_word("webhooks", restore->has_webhooks ? "restored" : "none");
}

/* ---- all of it ---- */

static int run(struct restore *restore, char *error)
{
    int code = backup_manifest_read(&restore->manifest, restore->options->backup, error);
    code = code == 0 ? check_until(restore, error) : code;
    code = code == 0 ? open_directory(restore, error) : code;
    code = code == 0 ? copy_files(restore, error) : code;
    code = code == 0 ? replay(restore, &restore->options->until, &restore->restored, error) : code;
    code = code == 0 ? branch_log(restore, error) : code;
    code = code == 0 ? note_end(restore, error) : code;
    code = code == 0 ? identify_webhooks(restore, error) : code;
    return code == 0 ? move_files(restore, error) : code;
}

int offline_restore(const struct settings *settings, const struct restore_options *options)
{
    char error[LOG_ERROR_SIZE];
    struct restore restore = {.settings = settings, .options = options, .fd = -1, .stage_fd = -1};
    restore.directory = settings_text(settings, SETTING_STORAGE_DATA);
    (void)snprintf(restore.stage, sizeof(restore.stage), "%s/" STAGE, restore.directory);
    int code = run(&restore, error);
    if (restore.stage_fd >= 0) {
        (void)close(restore.stage_fd);
        (void)remove_stage(&restore);
    }
    if (code < 0) {
        (void)fprintf(stderr, "backstopd: %s\n", error);
    } else {
        print_result(&restore);
    }
    if (restore.fd >= 0) {
        (void)close(restore.fd);
    }
    backup_manifest_fini(&restore.manifest);
    if (code < 0) {
        return app_exit_status(code);
    }
    return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}
