/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define REQUESTS_MIN 12
#define REQUESTS_MORE 40
#define LIVES_MORE 4
#define FLIP_ONCE_IN 4

static char root[RUN_PATH_SIZE / 2];

const char *run_root(void)
{
    if (root[0] == '\0') {
        struct stat status;
        const char *parent = stat("/dev/shm", &status) == 0 ? "/dev/shm" : "/tmp";
        (void)snprintf(root, sizeof(root), "%s/backstop-sim-XXXXXX", parent);
        const char *made = mkdtemp(root);
        assert(made != NULL);
    }
    return root;
}

void run_root_remove(void)
{
    if (root[0] != '\0') {
        disk_remove(root);
    }
}

void run_path(char ret_path[RUN_PATH_SIZE], const char *name)
{
    int size = snprintf(ret_path, RUN_PATH_SIZE, "%s/%s", run_root(), name);
    assert(size < RUN_PATH_SIZE);
}

static struct ledger *shared(struct ledger **kept)
{
    if (*kept == NULL) {
        *kept =
            mmap(NULL, sizeof(**kept), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert(*kept != MAP_FAILED);
    }
    memset(*kept, 0, sizeof(**kept));
    return *kept;
}

struct ledger *run_ledger(void)
{
    static struct ledger *ledger;
    return shared(&ledger);
}

struct ledger *run_scratch(void)
{
    static struct ledger *scratch;
    return shared(&scratch);
}

void run_report(const char *what, const struct ledger *ledger)
{
    char path[RUN_PATH_SIZE];
    char bytes[4096];
    run_path(path, "stderr");
    (void)printf("%s: %s\n", what, ledger->problem[0] != '\0' ? ledger->problem : ledger->error);
    FILE *file = fopen(path, "re");
    size_t size = file == NULL ? 0 : fread(bytes, 1, sizeof(bytes), file);
    (void)fwrite(bytes, 1, size, stdout);
    if (file != NULL) {
        (void)fclose(file);
    }
    (void)fflush(stdout);
}

/* ---- one bit is not what was written ---- */

struct flip {
    const char *directory;
    char name[64];
    uint64_t offset;
    uint8_t mask;
};

static const char *const flip_names[] = {
    "log-00000001.db", "log-00000001.db-wal", "log-00000002.db", "log-00000002.db-wal", "log-end",
    "log-begin",       "webhooks.db",         "webhooks.db-wal", "webhooks-end"};

static bool flip_bit(const char *directory, struct random *random)
{
    char path[RUN_PATH_SIZE + 32];
    struct stat status;
    uint32_t count = sizeof(flip_names) / sizeof(flip_names[0]);
    (void)snprintf(path, sizeof(path), "%s/%s", directory, flip_names[random_below(random, count)]);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    bool is_flipped = fstat(fd, &status) == 0 && status.st_size > 0;
    if (is_flipped) {
        uint8_t byte;
        off_t at = random_below(random, (uint32_t)status.st_size);
        is_flipped = pread(fd, &byte, 1, at) == 1;
        byte ^= (uint8_t)(1u << random_below(random, 8));
        is_flipped = is_flipped && pwrite(fd, &byte, 1, at) == 1;
    }
    (void)close(fd);
    return is_flipped;
}

/* Starts a copy of the data with a flipped bit: it refuses, or nothing is different. */
static bool try_flip(const struct life_plan *after, struct ledger *ledger, struct random *random,
                     struct run_counts *counts)
{
    static struct ledger kept;
    char copy[RUN_PATH_SIZE];
    char image[RUN_PATH_SIZE];
    char errors[RUN_PATH_SIZE];
    run_path(copy, "flipped");
    run_path(image, "flipped-image");
    run_path(errors, "stderr");
    disk_copy(after->directory, copy);
    enum life_end end = LIFE_DONE;
    kept = *ledger;
    if (flip_bit(copy, random)) {
        struct life_plan plan = *after;
        plan.directory = copy;
        plan.image = image;
        plan.number = after->number + 100;
        plan.requests_wanted = 0;
        plan.kill_at = 0;
        plan.fail_at = 0;
        plan.is_calm = true;
        plan.is_damaged = true;
        plan.is_last = false;
        end = life_run(&plan, ledger, errors);
        counts->flips++;
        counts->flips_found += end == LIFE_REFUSED || end == LIFE_FAILED;
    }
    disk_remove(copy);
    disk_remove(image);
    if (end == LIFE_WRONG) {
        run_report("after a flipped bit", ledger);
        return false;
    }
    kept.trace = ledger->trace;
    *ledger = kept;
    return true;
}

/* ---- the lives ---- */

static void plan_end(struct life_plan *plan, struct random *random, uint32_t answered)
{
    static const int errors[] = {EIO, ENOSPC, -1};
    uint64_t at = 1 + random_below(random, 1u << (4 + random_below(random, 7)));
    plan->survival = (enum disk_survival)random_below(random, DISK_SURVIVALS_COUNT);
    plan->requests_wanted = answered + 1 + random_below(random, plan->requests_count - answered);
    switch (random_below(random, 6)) {
    case 0:
        break;
    case 1:
        plan->fail_at = at;
        plan->fail_error = errors[random_below(random, 3)];
        plan->fails_again = plan->fail_error == ENOSPC;
        break;
    default:
        plan->kill_at = at;
    }
}

static void count(struct run_counts *counts, const struct ledger *ledger, enum life_end end)
{
    counts->lives++;
    counts->kills += end == LIFE_KILLED;
    counts->failures += end == LIFE_FAILED;
    counts->refusals += end == LIFE_REFUSED;
    counts->operations += ledger->operations;
}

/* What the next life finds. False: the life ended as it must not. */
static bool take_over(const struct life_plan *plan, const struct ledger *ledger, enum life_end end)
{
    char what[96];
    bool failed_for_a_reason = plan->fail_at != 0 && ledger->operations >= plan->fail_at;
    if (end == LIFE_KILLED || (end == LIFE_FAILED && failed_for_a_reason)) {
        disk_remove(plan->directory);
        int result = rename(plan->image, plan->directory);
        assert(result == 0);
        return true;
    }
    if (end == LIFE_DONE || (end == LIFE_REFUSED && failed_for_a_reason)) {
        return true;
    }
    (void)snprintf(what, sizeof(what), "seed %" PRIu64 ", life %u, end %d", plan->seed,
                   plan->number, (int)end);
    run_report(what, ledger);
    return false;
}

static bool live_all(struct life_plan *plan, struct ledger *ledger, struct random *random,
                     struct run_counts *counts)
{
    char errors[RUN_PATH_SIZE];
    uint32_t lives = 2 + random_below(random, LIVES_MORE);
    run_path(errors, "stderr");
    for (plan->number = 0; plan->number < lives; plan->number++) {
        plan->is_last = plan->number + 1 == lives;
        plan->kill_at = 0;
        plan->fail_at = 0;
        plan->fails_again = false;
        plan->requests_wanted = plan->requests_count;
        if (!plan->is_last) {
            plan_end(plan, random,
                     ledger->answered_count < plan->requests_count ? ledger->answered_count
                                                                   : plan->requests_count - 1);
        }
        enum life_end end = life_run(plan, ledger, errors);
        count(counts, ledger, end);
        if (!take_over(plan, ledger, end)) {
            return false;
        }
        if (random_once_in(random, FLIP_ONCE_IN) && !try_flip(plan, ledger, random, counts)) {
            return false;
        }
    }
    return true;
}

bool run_seed(uint64_t seed, struct run_counts *counts, uint64_t *ret_trace)
{
    char directory[RUN_PATH_SIZE];
    char image[RUN_PATH_SIZE];
    struct ledger *ledger = run_ledger();
    struct random random = random_stream(seed, 4);
    run_path(directory, "data");
    run_path(image, "image");
    disk_remove(directory);
    disk_remove(image);
    int result = mkdir(directory, 0700);
    assert(result == 0);
    struct life_plan plan = {.seed = seed,
                             .directory = directory,
                             .image = image,
                             .requests_count = REQUESTS_MIN + random_below(&random, REQUESTS_MORE),
                             .file_size_max = 60000 + random_below(&random, 200000),
                             .checkpoint_size = 20000 + random_below(&random, 100000)};
    plan.snapshot_every = random_once_in(&random, 4) ? 0 : 3 + random_below(&random, 40);
    plan.keep_bytes = random_once_in(&random, 3) ? 0 : 1;
    bool is_kept = live_all(&plan, ledger, &random, counts);
    counts->runs++;
    counts->judged += ledger->judged_times;
    counts->requests += ledger->answered_count;
    counts->records += ledger->records;
    counts->actions += ledger->actions;
    counts->settlements += ledger->settlements;
    counts->notices += ledger->deliveries;
    counts->snapshots += ledger->snapshots;
    counts->snapshot_starts += ledger->snapshot_starts;
    counts->passed_over += ledger->passed_over;
    counts->cut_starts += ledger->cut_starts;
    *ret_trace = ledger->trace;
    disk_remove(directory);
    disk_remove(image);
    return is_kept;
}
