/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/offline/kept_snapshots.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "daemon/logger/logger.h"

static int list(struct snapshot_list *list, const char *directory, char *error)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return log_error(error, -errno, "cannot open %s for its snapshots: %s", directory,
                         strerror(errno));
    }
    int code = snapshot_list_read(list, fd, error);
    (void)close(fd);
    return code;
}

/* Beside a daemon a snapshot may come and go. */
static bool is_elsewhere(int code)
{
    return code == -ENOENT || code == -ERANGE;
}

static int begin_again(struct snapshot_start *start, struct executor *executor,
                       const struct bs_config *config, char *error)
{
    snapshot_start_fini(start);
    return executor_begin_again(executor, config, error);
}

int kept_snapshots_begin(struct snapshot_start *start, const char *directory,
                         struct executor *executor, struct command_log *log,
                         char error[LOG_ERROR_SIZE])
{
    const struct bs_config config = executor->config;
    struct snapshot_list snapshots;
    int code = list(&snapshots, directory, error);
    for (uint32_t i = snapshots.count; code == 0 && i > 0; i--) {
        char reason[LOG_ERROR_SIZE];
        int tried =
            snapshot_start_at(start, directory, snapshots.seqs[i - 1], executor, log, reason);
        if (tried == 0) {
            return 0;
        }
        if (!is_elsewhere(tried)) {
            logger_write(LOGGER_ERROR, "snapshot", "a snapshot is passed over",
                         LOGGER_FIELDS(logger_string("reason", reason)));
        }
        code = begin_again(start, executor, &config, error);
    }
    return code != 0 ? code
                     : log_error(error, -EBADMSG,
                                 "the log begins after seq %" PRIu64
                                 ", because its older files were cut, and there is no whole "
                                 "snapshot to begin with: put one back, or the older files",
                                 log_begin(log).seq);
}

static int load_one(struct kept_snapshots *kept, const char *directory, uint64_t seq,
                    struct executor *executor, struct command_log *log, char *error)
{
    const struct bs_config config = executor->config;
    struct snapshot_start start;
    int code = snapshot_start_at(&start, directory, seq, executor, log, error);
    if (code == 0) {
        struct kept_snapshot *snapshot = &kept->items[kept->count++];
        snapshot->header = start.header;
        snapshot->chains = start.chains;
        start.chains = (struct pool_chains){0};
    }
    code = is_elsewhere(code) ? 0 : code;
    int begun = begin_again(&start, executor, &config, error);
    return code == 0 ? begun : code;
}

int kept_snapshots_load(struct kept_snapshots *kept, const char *directory,
                        struct executor *executor, struct command_log *log,
                        char error[LOG_ERROR_SIZE])
{
    struct snapshot_list snapshots;
    *kept = (struct kept_snapshots){0};
    int code = list(&snapshots, directory, error);
    for (uint32_t i = snapshots.count; code == 0 && i > 0; i--) {
        code = load_one(kept, directory, snapshots.seqs[i - 1], executor, log, error);
    }
    return code;
}

void kept_snapshots_fini(struct kept_snapshots *kept)
{
    for (uint32_t i = 0; i < kept->count; i++) {
        pool_chains_fini(&kept->items[i].chains);
    }
    *kept = (struct kept_snapshots){0};
}

static int refuse(const struct snapshot_header *header, const char *what, char *error)
{
    char name[SNAPSHOT_NAME_SIZE];
    snapshot_name(header->seq, "", name);
    return log_error(error, -EBADMSG, "%s has another %s than the replay gives at its sequence",
                     name, what);
}

static int check(const struct snapshot_header *header, struct bs_engine *engine,
                 uint64_t settlements_count, char *error)
{
    struct bs_digest digest = bs_engine_digest(engine);
    if (memcmp(digest.words, header->digest.words, sizeof(digest.words)) != 0) {
        return refuse(header, "digest", error);
    }
    if (bs_engine_time_ms(engine) != header->time_ms) {
        return refuse(header, "time", error);
    }
    if (bs_engine_actions(engine) != header->ordinal) {
        return refuse(header, "last action", error);
    }
    return settlements_count == header->settlement ? 0 : refuse(header, "last settlement", error);
}

int kept_snapshots_check(struct kept_snapshots *kept, struct bs_engine *engine,
                         uint64_t settlements_count, char error[LOG_ERROR_SIZE])
{
    uint64_t seq = bs_engine_seq(engine);
    int code = 0;
    for (; code == 0 && kept->next < kept->count; kept->next++) {
        const struct snapshot_header *header = &kept->items[kept->next].header;
        if (header->seq > seq) {
            break;
        }
        if (header->seq == seq) { /* else a daemon removed it before the replay began */
            code = check(header, engine, settlements_count, error);
            kept->checked_count += code == 0;
        }
    }
    return code;
}

static uint32_t count_chains(const struct pool_chains *chains)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < chains->count; i++) {
        count += pool_chain_has_actions(&chains->items[i]);
    }
    return count;
}

static bool chains_equal(struct pool_chains *a, const struct pool_chains *b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        const struct pool_chain *chain = &b->items[i];
        const struct pool_chain *other =
            pool_chains_find(a, (struct bs_text){chain->name, chain->name_size});
        if (pool_chain_has_actions(chain) &&
            (other == NULL || memcmp(other->hash, chain->hash, LOG_HASH_SIZE) != 0)) {
            return false;
        }
    }
    return count_chains(a) == count_chains(b);
}

int kept_snapshots_check_chains(struct kept_snapshots *kept, struct command_log *log,
                                char error[LOG_ERROR_SIZE])
{
    int code = 0;
    for (uint32_t i = 0; i < kept->count && code == 0; i++) {
        struct kept_snapshot *snapshot = &kept->items[i];
        struct pool_chains chains = {0};
        code = log_chains(log, snapshot->header.ordinal, &chains, error);
        if (code == 0 && !chains_equal(&snapshot->chains, &chains)) {
            code = refuse(&snapshot->header, "hash of a pool's last action", error);
        }
        pool_chains_fini(&chains);
    }
    return code;
}
