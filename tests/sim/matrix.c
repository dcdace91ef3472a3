/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/matrix.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/sim/run.h"

#define REQUESTS_COUNT 3
#define SEED 7
#define CRASH_AT 200
#define CUT_REQUESTS_COUNT 28 /* of the scenario with snapshots and cuts */
#define AFTER 500             /* the number of the life after a crash */

struct point {
    uint64_t number;
    enum disk_kind kind;
    char name[64];
};

struct matrix {
    struct ledger *ledger;  /* of the recorded run */
    struct ledger *scratch; /* of a life after a crash */
    struct life_plan plan;
    const char *scenario;
    uint64_t operations;
    uint64_t kinds[DISK_KINDS_COUNT];
    uint64_t lives, refusals;
    bool is_kept, is_quick;
    char data[RUN_PATH_SIZE], image[RUN_PATH_SIZE], errors[RUN_PATH_SIZE];
    char images[DISK_SURVIVALS_COUNT][RUN_PATH_SIZE];
    int points[2], answers[2]; /* pipes: from the recorded run, and to it */
};

static void report(struct matrix *matrix, const struct point *point, const char *what)
{
    char text[160];
    (void)snprintf(text, sizeof(text), "%s, operation %" PRIu64 " (%s %s), %s", matrix->scenario,
                   point->number, disk_kind_name(point->kind), point->name, what);
    run_report(text, matrix->scratch);
    matrix->is_kept = false;
}

/* Starts on what a crash left, and runs to the end of all requests and notices. */
static void recover(struct matrix *matrix, const struct point *point, const char *directory,
                    const char *what)
{
    struct life_plan plan = matrix->plan;
    plan.directory = directory;
    plan.number = AFTER;
    plan.is_last = !matrix->is_quick;
    plan.requests_wanted = matrix->is_quick ? 0 : plan.requests_count;
    enum life_end end = life_run(&plan, matrix->scratch, matrix->errors);
    matrix->lives++;
    if (end != LIFE_DONE) {
        report(matrix, point, what);
    }
}

/* ---- killed ---- */

/* In the recorded run: leaves the images of a crash here and waits until they are judged. */
static void take_images(void *user, const struct disk_operation *operation)
{
    struct matrix *matrix = user;
    struct point point = {.number = operation->number, .kind = operation->kind};
    struct random random = random_stream(SEED, operation->number);
    char answer;
    (void)snprintf(point.name, sizeof(point.name), "%s", operation->name);
    for (int i = 0; i < DISK_SURVIVALS_COUNT; i++) {
        disk_image(matrix->images[i], (enum disk_survival)i, &random);
    }
    ssize_t put = write(matrix->points[1], &point, sizeof(point));
    ssize_t got = read(matrix->answers[0], &answer, 1);
    if (put != (ssize_t)sizeof(point) || got != 1) {
        _exit(LIFE_WRONG);
    }
}

static void judge_images(struct matrix *matrix, const struct point *point)
{
    for (int i = 0; i < DISK_SURVIVALS_COUNT; i++) {
        char what[64];
        *matrix->scratch = *matrix->ledger;
        (void)snprintf(what, sizeof(what), "killed, unsynced writes %s",
                       disk_survival_name((enum disk_survival)i));
        recover(matrix, point, matrix->images[i], what);
        disk_remove(matrix->images[i]);
    }
    matrix->operations++;
    matrix->kinds[point->kind]++;
}

static void kill_everywhere(struct matrix *matrix)
{
    struct point point;
    struct life_plan plan = matrix->plan;
    plan.on_operation = take_images;
    plan.user = matrix;
    int result = pipe(matrix->points) | pipe(matrix->answers);
    assert(result == 0);
    pid_t child = life_start(&plan, matrix->ledger, matrix->errors);
    (void)close(matrix->points[1]);
    (void)close(matrix->answers[0]);
    while (read(matrix->points[0], &point, sizeof(point)) == (ssize_t)sizeof(point)) {
        judge_images(matrix, &point);
        ssize_t put = write(matrix->answers[1], "", 1);
        assert(put == 1);
    }
    enum life_end end = life_wait(child, matrix->ledger);
    (void)close(matrix->points[0]);
    (void)close(matrix->answers[1]);
    if (end != LIFE_DONE) {
        *matrix->scratch = *matrix->ledger;
        report(matrix, &point, "the recorded run");
    }
}

/* ---- failed ---- */

struct fault {
    const char *what;
    int error;
    bool fails_again;
};

static const struct fault faults[] = {{"fails once", EIO, false},
                                      {"the disk is full from there on", ENOSPC, true}};

static void fail_at(struct matrix *matrix, const struct ledger *before, const char *start,
                    uint64_t number, const struct fault *fault)
{
    struct point point = {.number = number};
    struct life_plan plan = matrix->plan;
    (void)snprintf(point.name, sizeof(point.name), "of the recorded run");
    plan.fail_at = number;
    plan.fail_error = fault->error;
    plan.fails_again = fault->fails_again;
    disk_remove(matrix->data);
    disk_remove(matrix->image);
    disk_copy(start, matrix->data);
    *matrix->scratch = *before;
    enum life_end end = life_run(&plan, matrix->scratch, matrix->errors);
    matrix->lives++;
    matrix->refusals += end == LIFE_REFUSED;
    if (end == LIFE_WRONG || end == LIFE_KILLED) {
        report(matrix, &point, fault->what);
        return;
    }
    recover(matrix, &point, end == LIFE_FAILED ? matrix->image : matrix->data, fault->what);
}

/* ---- scenarios ---- */

static void run_scenario(struct matrix *matrix, const char *scenario, const char *start)
{
    static struct ledger before;
    size_t faults_count = matrix->is_quick ? 1 : sizeof(faults) / sizeof(faults[0]);
    before = *matrix->ledger;
    matrix->scenario = scenario;
    matrix->operations = 0;
    matrix->lives = 0;
    matrix->refusals = 0;
    memset(matrix->kinds, 0, sizeof(matrix->kinds));
    disk_remove(matrix->data);
    disk_copy(start, matrix->data);
    kill_everywhere(matrix);
    for (size_t i = 0; i < faults_count; i++) {
        for (uint64_t number = 1; number <= matrix->operations; number++) {
            fail_at(matrix, &before, start, number, &faults[i]);
        }
    }
    (void)printf("%s: %" PRIu64 " operations (", scenario, matrix->operations);
    for (int kind = 0; kind < DISK_KINDS_COUNT; kind++) {
        (void)printf("%s%" PRIu64 " %s", kind == 0 ? "" : ", ", matrix->kinds[kind],
                     disk_kind_name((enum disk_kind)kind));
    }
    (void)printf("; %" PRIu64 " snapshots, %" PRIu64 " cuts",
                 matrix->ledger->snapshots - before.snapshots, matrix->ledger->cuts - before.cuts);
    (void)printf("), each killed in %d ways and failed in %zu: %" PRIu64 " lives, %" PRIu64
                 " refused to start while the disk failed\n",
                 DISK_SURVIVALS_COUNT, faults_count, matrix->lives, matrix->refusals);
    (void)fflush(stdout);
}

/* A run that is killed in its middle; what it leaves is in `target`. */
static void leave_crashed(struct matrix *matrix, const char *start, const char *target)
{
    struct life_plan plan = matrix->plan;
    memset(matrix->ledger, 0, sizeof(*matrix->ledger));
    disk_remove(matrix->data);
    disk_copy(start, matrix->data);
    plan.requests_wanted = REQUESTS_COUNT / 2;
    plan.image = target;
    plan.kill_at = CRASH_AT;
    plan.survival = DISK_KEPT;
    enum life_end end = life_run(&plan, matrix->ledger, matrix->errors);
    assert(end == LIFE_KILLED);
}

/* A run that stops cleanly in its middle, when it has a snapshot; what it leaves is in `target`. */
static void leave_stopped(struct matrix *matrix, const char *start, const char *target)
{
    struct life_plan plan = matrix->plan;
    memset(matrix->ledger, 0, sizeof(*matrix->ledger));
    disk_remove(matrix->data);
    disk_copy(start, matrix->data);
    plan.requests_wanted = plan.requests_count - REQUESTS_COUNT;
    enum life_end end = life_run(&plan, matrix->ledger, matrix->errors);
    assert(end == LIFE_DONE);
    assert(matrix->ledger->snapshots > 0);
    disk_copy(matrix->data, target);
    matrix->plan.number = 1;
}

bool matrix_run(bool is_quick, unsigned scenario)
{
    static struct matrix matrix = {.is_kept = true};
    char empty[RUN_PATH_SIZE];
    char crashed[RUN_PATH_SIZE];
    run_path(matrix.data, "data");
    run_path(matrix.image, "image");
    run_path(matrix.errors, "stderr");
    run_path(empty, "empty");
    run_path(crashed, "crashed");
    for (int i = 0; i < DISK_SURVIVALS_COUNT; i++) {
        run_path(matrix.images[i], disk_survival_name((enum disk_survival)i));
    }
    matrix.is_quick = is_quick;
    matrix.ledger = run_ledger();
    matrix.scratch = run_scratch();
    matrix.plan = (struct life_plan){.seed = SEED,
                                     .directory = matrix.data,
                                     .image = matrix.image,
                                     .requests_count = REQUESTS_COUNT,
                                     .requests_wanted = REQUESTS_COUNT,
                                     .is_calm = true,
                                     .file_size_max = 56000,
                                     .checkpoint_size = 20000};
    (void)mkdir(empty, 0700);
    if (scenario == 0 || scenario == 3) {
        struct life_plan plan = matrix.plan;
        matrix.plan.requests_count = CUT_REQUESTS_COUNT;
        matrix.plan.requests_wanted = CUT_REQUESTS_COUNT;
        matrix.plan.snapshot_every = 4;
        matrix.plan.keep_bytes = 1;
        leave_stopped(&matrix, empty, crashed);
        run_scenario(&matrix, "from a snapshot, with another one and a cut", crashed);
        matrix.plan = plan;
        memset(matrix.ledger, 0, sizeof(*matrix.ledger));
        disk_remove(crashed);
    }
    if (scenario == 0 || scenario == 1) {
        run_scenario(&matrix, "from nothing to a clean stop", empty);
    }
    if (scenario == 0 || scenario == 2) {
        leave_crashed(&matrix, empty, crashed);
        run_scenario(&matrix, "from a crash to a clean stop", crashed);
    }
    disk_remove(empty);
    disk_remove(crashed);
    disk_remove(matrix.data);
    disk_remove(matrix.image);
    return matrix.is_kept;
}
