/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/life.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/log/identity.h"
#include "daemon/logger/logger.h"
#include "daemon/webhooks/webhooks.h"
#include "tests/sim/clients.h"
#include "tests/sim/judge.h"
#include "tests/sim/parts.h"
#include "tests/sim/receiver.h"
#include "tests/sim/scheduler.h"

#define WALL_MS INT64_C(1764300000000)
#define LIFE_WALL_MS 5000 /* between two lives */
#define NS_PER_MS ((uint64_t)1000000)
#define PAUSE_MAX_US 3000
#define TURNS_MAX 20000
#define RETRY_MS 1000
#define ENDPOINT_SIZE 64
#define SAMPLE_ONCE_IN 8
#define JUMP_ONCE_IN 400
#define SLOW_ONCE_IN 300
#define SLOW_MS 2500
#define SHORT_ONCE_IN 50

struct life {
    const struct life_plan *plan;
    struct ledger *ledger;
    struct random random; /* of the world: pauses, jumps, slow operations */
    uv_loop_t loop;
    struct command_log *log;
    struct core *core;
    struct core_options options;
    struct clients *clients;
    struct webhooks *webhooks;
    struct parts parts;
    struct judge_case judged;
    struct request look; /* reads the digest */
    bool is_looking;
    uint64_t looked_seq;
    struct bs_digest looked;
    uint64_t stepped_actions; /* ordinal of the last action, durable or not, when it looked */
    struct webhooks_job job;
    struct request job_request;
    char *job_text;
    _Atomic bool is_asking;
    bool is_failed, is_stopped;
};

/* ---- the end ---- */

static _Noreturn void end_at_once(struct life *life, enum life_end end)
{
    struct random random = random_stream(life->plan->seed, 50 + life->plan->number);
    life->ledger->operations = disk_operations();
    if (sched_is_on()) {
        disk_image(life->plan->image, end == LIFE_KILLED ? life->plan->survival : DISK_KEPT,
                   &random);
    }
    _exit((int)end);
}

/* As the daemon does. */
static void on_failure(void *user, const char *message)
{
    struct life *life = user;
    (void)snprintf(life->ledger->error, sizeof(life->ledger->error), "%s", message);
    end_at_once(life, LIFE_FAILED);
}

/* ---- the disk ---- */

static bool fails(const struct life_plan *plan, const struct disk_operation *operation)
{
    return plan->fail_at != 0 && (operation->number == plan->fail_at ||
                                  (plan->fails_again && operation->number > plan->fail_at));
}

static int on_operation(void *user, const struct disk_operation *operation)
{
    struct life *life = user;
    const struct life_plan *plan = life->plan;
    const uint64_t words[] = {
        sched_thread(), operation->kind, operation->offset,
        bs_crc32c(0, operation->bytes == NULL ? "" : operation->bytes, operation->size)};
    ledger_trace(life->ledger, words, sizeof(words));
    ledger_trace(life->ledger, operation->name, strlen(operation->name));
    life->ledger->snapshots +=
        operation->kind == DISK_RENAME && strncmp(operation->name, "snapshot-", 9) == 0;
    life->ledger->cuts +=
        operation->kind == DISK_RENAME && strncmp(operation->name, "log-begin", 9) == 0;
    if (plan->on_operation != NULL) {
        plan->on_operation(plan->user, operation);
    }
    if (operation->number == plan->kill_at) {
        end_at_once(life, LIFE_KILLED);
    }
    if (!plan->is_calm && random_once_in(&life->random, SLOW_ONCE_IN)) {
        sched_sleep(random_below(&life->random, SLOW_MS) * NS_PER_MS);
    }
    if (!fails(plan, operation)) {
        return 0;
    }
    life->ledger->disk_failed = true;
    return plan->fail_error;
}

static int random_bytes(sqlite3_vfs *vfs, int size, char *bytes)
{
    static struct random random = {99};
    (void)vfs;
    for (int i = 0; i < size; i++) {
        bytes[i] = (char)random_next(&random);
    }
    return size;
}

/* ---- start ---- */

/* What the last life did not publish before it died is public from the start. */
static void note_published(struct life *life)
{
    uint64_t durable = core_durable_ordinal(life->core);
    LEDGER_EXPECT(life->ledger, durable >= life->ledger->published,
                  "action %lu was published, the recovered log ends at %lu",
                  (unsigned long)life->ledger->published, (unsigned long)durable);
    life->ledger->published = durable;
    (void)snprintf(life->ledger->identity, sizeof(life->ledger->identity), "%s",
                   log_identity(life->log));
}

static void on_actions(void *user, uint64_t last_ordinal)
{
    struct life *life = user;
    life->ledger->published = last_ordinal;
    ledger_trace(life->ledger, &last_ordinal, sizeof(last_ordinal));
    webhooks_wake(life->webhooks);
}

static void set_options(struct life *life)
{
    core_options_defaults(&life->options);
    struct core_options *options = &life->options;
    options->settle_interval_ms = 10;
    options->answers_max = LEDGER_REQUESTS_MAX;
    options->engine.capacity = (struct bs_capacity_command){.accounts_max = 64,
                                                            .positions_max = 256,
                                                            .markets_max = 4,
                                                            .pools_max = 4,
                                                            .dedupe_window = 64,
                                                            .transfer_window = 64,
                                                            .source_window = 16};
    options->engine.hash_seed = life->plan->seed + life->plan->number;
    options->on_failure = on_failure;
    options->user = life;
    options->snapshots = life->plan->directory;
}

static enum life_end refuse(struct life *life, const char *error)
{
    (void)snprintf(life->ledger->error, sizeof(life->ledger->error), "%s", error);
    LEDGER_EXPECT(life->ledger, error[0] != '\0', "it does not start and does not say why");
    return LIFE_REFUSED;
}

static int open_log(struct life *life, char *error)
{
    const struct log_options options = {.directory = life->plan->directory,
                                        .file_size_max = life->plan->file_size_max,
                                        .checkpoint_size = life->plan->checkpoint_size,
                                        .create = true};
    int code = log_open_sqlite(&life->log, &options, error);
    if (code == 0) {
        code = log_identify(life->log, error);
    }
    if (code == 0 && log_begin(life->log).seq > 0) {
        life->judged.begin.seq = log_begin(life->log).seq;
        code = log_link(life->log, life->judged.begin.seq, life->judged.begin.link, error);
    }
    if (code == 0) {
        struct ledger *ledger = life->ledger;
        LEDGER_EXPECT(ledger,
                      ledger->identity[0] == '\0' ||
                          strcmp(ledger->identity, log_identity(life->log)) == 0,
                      "it is another log");
        life->judged.log = life->log;
    }
    return code;
}

static int start_parts(struct life *life, char *error)
{
    const struct webhooks_options options = {.directory = life->plan->directory,
                                             .timeout_ms = 1000,
                                             .connect_timeout_ms = 1000,
                                             .endpoints_max = 8,
                                             .parallel_max = 4,
                                             .history_max = 16,
                                             .disable_after_s = 1000000000,
                                             .queue_max = 8};
    int code = open_log(life, error);
    if (code == 0) {
        code = core_new(&life->core, &life->loop, life->log, &life->options, error);
    }
    if (code == 0) {
        note_published(life);
        code = webhooks_new(&life->webhooks, life->core, life->log, &options, error);
    }
    if (code == 0) {
        core_on_actions(life->core, on_actions, life);
    }
    return code;
}

/* ---- looking at the state ---- */

static void look(struct request *request, struct core *core, struct bs_engine *engine)
{
    struct life *life = request->user;
    (void)core;
    life->looked_seq = bs_engine_seq(engine);
    life->looked = bs_engine_digest(engine);
    life->stepped_actions = bs_engine_actions(engine);
}

static void on_looked(struct request *request)
{
    struct life *life = request->user;
    struct ledger *ledger = life->ledger;
    life->is_looking = false;
    const struct ledger_sample sample = {life->looked_seq, life->looked};
    uint32_t count = ledger->samples_count;
    if (count == 0 || memcmp(&ledger->samples[count - 1], &sample, sizeof(sample)) != 0) {
        LEDGER_EXPECT(ledger, count < LEDGER_SAMPLES_MAX, "too many samples");
        ledger->samples[count] = sample;
        ledger->samples_count++;
    }
    ledger_trace(ledger, &life->looked, sizeof(life->looked));
}

static void begin_look(struct life *life)
{
    if (!life->is_looking) {
        life->look = (struct request){.query = look, .done = on_looked, .user = life};
        life->is_looking = core_submit(life->core, &life->look);
    }
}

static void turn(struct life *life)
{
    (void)uv_run(&life->loop, UV_RUN_NOWAIT);
    sched_sleep(1 + (uint64_t)random_below(&life->random, PAUSE_MAX_US) * 1000);
}

/* False: it cannot be judged. */
static bool judge(struct life *life, char *error)
{
    struct ledger *ledger = life->ledger;
    ledger->snapshot_starts += core_snapshot_seq(life->core) > 0;
    ledger->passed_over += core_snapshots_passed_over(life->core);
    ledger->cut_starts += life->judged.begin.seq > 0;
    begin_look(life);
    while (life->is_looking) {
        turn(life);
    }
    life->judged.config = core_engine_config(life->core);
    return judge_recovered(&life->judged, error);
}

/* As the judge has read the log, before anything of it is cut. */
static int start_parts_beside(struct life *life, char *error)
{
    life->parts.core = life->core;
    life->parts.log = life->log;
    life->parts.webhooks = life->webhooks;
    return parts_start(&life->parts, error);
}

/* ---- the endpoint ---- */

static void on_endpoint(struct request *request)
{
    struct life *life = request->user;
    if (request->status == 201) {
        life->ledger->has_endpoint = true;
        life->ledger->notices_after = core_durable_ordinal(life->core);
    }
    atomic_store(&life->is_asking, false);
}

static void ask_for_notices(struct life *life)
{
    struct api_error error;
    if (life->ledger->has_endpoint || atomic_load(&life->is_asking)) {
        return;
    }
    buffer_fini(&life->job_request.body);
    life->job_request = (struct request){.done = on_endpoint, .user = life};
    life->job = (struct webhooks_job){.request = &life->job_request, .verb = WEBHOOKS_CREATE};
    char body[ENDPOINT_SIZE + API_BODY_PADDING] = "";
    memset(life->ledger->notices, 0, sizeof(life->ledger->notices));
    life->ledger->last_notice = 0;
    int size = snprintf(body, ENDPOINT_SIZE, "{\"url\":\"https://receiver.example/%u\"}",
                        ++life->ledger->endpoint);
    bool is_parsed = api_webhook_parse(&life->job.asked.webhook, body, (size_t)size, &error);
    assert(is_parsed);
    atomic_store(&life->is_asking, true);
    if (!webhooks_submit(life->webhooks, &life->job)) {
        atomic_store(&life->is_asking, false);
    }
}

/* ---- the middle ---- */

static bool all_delivered(const struct life *life)
{
    const struct ledger *ledger = life->ledger;
    if (!ledger->has_endpoint || life->stepped_actions != ledger->published) {
        return false;
    }
    for (uint64_t i = ledger->notices_after + 1; i <= ledger->published; i++) {
        if (ledger->notices[i].deliveries == 0) {
            return false;
        }
    }
    return true;
}

static bool is_done(const struct life *life)
{
    const struct life_plan *plan = life->plan;
    return life->ledger->answered_count >= plan->requests_wanted &&
           (!plan->is_last ||
            (clients_done(life->clients, plan->requests_count) && all_delivered(life)));
}

static void serve(struct life *life)
{
    uint32_t turns = 0;
    while (!is_done(life)) {
        life->ledger->awaited = life->ledger->published;
        ask_for_notices(life);
        clients_act(life->clients, life->core);
        if (random_once_in(&life->random, SAMPLE_ONCE_IN)) {
            begin_look(life);
        }
        if (!life->plan->is_calm && random_once_in(&life->random, JUMP_ONCE_IN)) {
            sched_jump((int64_t)random_below(&life->random, 7200000) - 3600000);
        }
        turn(life);
        if (clients_done(life->clients, life->plan->requests_count)) {
            sched_sleep(RETRY_MS *
                        NS_PER_MS); /* only notices that wait to be sent again are left */
        }
        LEDGER_EXPECT(
            life->ledger, ++turns < TURNS_MAX,
            "it hangs: %u of %u requests are answered, %" PRIu64 " of %" PRIu64
            " actions published, %s endpoint after %" PRIu64 ", the last notice is %" PRIu64,
            life->ledger->answered_count, life->plan->requests_count, life->ledger->published,
            life->stepped_actions, life->ledger->has_endpoint ? "an" : "no",
            life->ledger->notices_after, life->ledger->last_notice);
    }
}

static void on_stopped(void *user)
{
    struct life *life = user;
    life->is_stopped = true;
}

static void stop(struct life *life)
{
    if (life->core != NULL) {
        core_stop(life->core, on_stopped, life);
        while (!life->is_stopped) {
            turn(life);
        }
        (void)uv_run(&life->loop, UV_RUN_NOWAIT);
    }
    parts_stop(&life->parts);
    webhooks_stop(life->webhooks);
    webhooks_free(life->webhooks);
    if (life->plan->is_last && life->parts.follower != NULL) {
        judge_end(&life->judged, life->plan->requests_count);
    }
    parts_free(&life->parts);
    core_free(life->core);
    log_close(life->log);
    (void)uv_loop_close(&life->loop);
    clients_free(life->clients);
    buffer_fini(&life->job_request.body);
}

static void begin_world(struct life *life, bool is_plain)
{
    const struct life_plan *plan = life->plan;
    uint64_t seed = plan->seed * 1000 + plan->number;
    life->random = random_stream(seed, 2);
    json_object_seed(1);
    logger_set_level(LOGGER_ERROR);
    sqlite3_vfs_find(NULL)->xRandomness = random_bytes;
    receiver_begin(life->ledger, random_stream(seed, 3), plan->is_last);
    if (!is_plain) {
        disk_begin(plan->directory, on_operation, life);
        disk_short_reads(plan->is_calm ? 0 : SHORT_ONCE_IN, seed);
        sched_begin(seed, WALL_MS + (int64_t)plan->number * LIFE_WALL_MS);
    }
}

enum life_end life_live(const struct life_plan *plan, struct ledger *ledger, bool is_plain)
{
    char error[LOG_ERROR_SIZE] = "";
    enum life_end end = LIFE_DONE;
    struct life life = {.plan = plan,
                        .ledger = ledger,
                        .parts = {.plan = plan, .ledger = ledger},
                        .judged = {.ledger = ledger}};
    ledger->error[0] = '\0';
    ledger->disk_failed = plan->is_damaged;
    begin_world(&life, is_plain);
    set_options(&life);
    int code = uv_loop_init(&life.loop);
    assert(code == 0);
    if (start_parts(&life, error) != 0 || !judge(&life, error) ||
        start_parts_beside(&life, error) != 0) {
        end = refuse(&life, error);
    } else {
        life.clients = clients_new(ledger, plan->seed, plan->requests_count);
        serve(&life);
    }
    stop(&life);
    ledger->operations = disk_operations();
    return end;
}

pid_t life_start(const struct life_plan *plan, struct ledger *ledger, const char *errors)
{
    pid_t child = fork();
    assert(child >= 0);
    if (child == 0) {
        int fd = open(errors, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        (void)dup2(fd, STDERR_FILENO);
        (void)close(fd);
        _exit((int)life_live(plan, ledger, false));
    }
    return child;
}

enum life_end life_wait(pid_t child, struct ledger *ledger)
{
    int status;
    pid_t ended = waitpid(child, &status, 0);
    assert(ended == child);
    if (WIFEXITED(status)) {
        return (enum life_end)WEXITSTATUS(status);
    }
    (void)snprintf(ledger->problem, sizeof(ledger->problem), "it crashed: %s",
                   strsignal(WTERMSIG(status)));
    return LIFE_WRONG;
}

enum life_end life_run(const struct life_plan *plan, struct ledger *ledger, const char *errors)
{
    return life_wait(life_start(plan, ledger, errors), ledger);
}
