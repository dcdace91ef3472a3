/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Do simulations delay settlements? A core with its log on disk and its timer at 100 ms, a book of
 * 1,000,000 accounts with 3,000,000 positions that moves as a whole before every tick, and the time
 * from when a tick was due to when its settlement was done: first alone, then with simulations one
 * after the other. Prints; asserts nothing about time.
 *
 *     simulation_bench DIRECTORY [ACCOUNTS [SECONDS]]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/simulation/simulator.h"

#define MARKETS 3
#define BATCH_ACCOUNTS 20000
#define LAGS_MAX 10000
#define NS_PER_MS 1000000.0

struct bench {
    uv_loop_t loop;
    uv_async_t stop;
    struct command_log *log;
    struct core *core;
    struct follower *follower;
    struct simulator *simulator;
    uint32_t accounts;
    uint32_t seconds;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t changed;
    uint64_t lags[LAGS_MAX];
    uint32_t lags_count;
    bool records_lags;
    bool answered;
    bool ends;
};

static void die(const char *what)
{
    fprintf(stderr, "simulation_bench: %s\n", what);
    exit(EXIT_FAILURE);
}

static void on_settled(void *user, uint64_t lag_ns)
{
    struct bench *bench = user;
    pthread_mutex_lock(&bench->mutex);
    if (bench->records_lags && bench->lags_count < LAGS_MAX) {
        bench->lags[bench->lags_count++] = lag_ns;
    }
    pthread_mutex_unlock(&bench->mutex);
}

static void on_done(struct request *request)
{
    struct bench *bench = request->user;
    pthread_mutex_lock(&bench->mutex);
    bench->answered = true;
    pthread_cond_signal(&bench->changed);
    pthread_mutex_unlock(&bench->mutex);
}

static void wait_for_answer(struct bench *bench)
{
    pthread_mutex_lock(&bench->mutex);
    while (!bench->answered) {
        pthread_cond_wait(&bench->changed, &bench->mutex);
    }
    bench->answered = false;
    pthread_mutex_unlock(&bench->mutex);
}

/* ---- the book ---- */

static struct bs_text text(const char *string)
{
    return (struct bs_text){string, (uint32_t)strlen(string)};
}

static void add(struct api_batch *batch, const struct bs_command *command)
{
    buffer_reserve(&batch->records, 4096);
    size_t size = bs_command_encode(command, (uint8_t *)batch->records.bytes + batch->records.size,
                                    batch->records.capacity - batch->records.size);
    if (size == 0) {
        die("a record does not fit");
    }
    batch->records.size += size;
    batch->records_count++;
    batch->items_count++;
}

static void add_account(struct api_batch *batch, uint32_t number)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "a%08" PRIu32, number);
    size_t at = batch->records.size;
    struct bs_command command = {.type = BS_COMMAND_ACCOUNT};
    command.as.account = (struct bs_account_command){
        .account = text(name), .pool = text("p"), .collateral = {6200, 0}, .has_positions = true};
    add(batch, &command);
    for (int market = 0; market < MARKETS; market++) {
        char market_name[8];
        (void)snprintf(market_name, sizeof(market_name), "m%d", market);
        int64_t size = 10 * (1 + (int64_t)(number / 2) % 50);
        struct bs_position_item item = {.market = text(market_name),
                                        .size = {(number + (uint32_t)market) % 2 ? size : -size, 0},
                                        .has_entry_price = true,
                                        .entry_price = {100, 0},
                                        .adl_priority = BS_PRIORITY_NONE};
        buffer_reserve(&batch->records, 4096);
        size_t added = bs_command_append_position((uint8_t *)batch->records.bytes + at,
                                                  batch->records.capacity - at, &item);
        batch->records.size += added;
    }
}

static void send_batch(struct bench *bench, struct request *request)
{
    request->done = on_done;
    request->user = bench;
    while (!core_submit(bench->core, request)) {
        (void)usleep(1000);
    }
    wait_for_answer(bench);
    if (request->status != 200) {
        buffer_append(&request->body, "", 1);
        die(request->body.bytes);
    }
    buffer_clear(&request->body);
    api_batch_clear(&request->batch);
    request->status = 0;
}

static void add_mark(struct api_batch *batch, int market, int cents)
{
    char name[8];
    char price[16];
    struct bs_command command = {.type = BS_COMMAND_MARK};
    (void)snprintf(name, sizeof(name), "m%d", market);
    (void)snprintf(price, sizeof(price), "%d.%02d", cents / 100, cents % 100);
    command.as.mark = (struct bs_mark_command){.market = text(name), .confirm = true};
    if (bs_decimal_parse(price, strlen(price), &command.as.mark.price) != BS_OK) {
        die("a price");
    }
    add(batch, &command);
}

static void add_pool(struct api_batch *batch)
{
    struct bs_command command = {.type = BS_COMMAND_POOL};
    command.as.pool =
        (struct bs_pool_command){.pool = text("p"),
                                 .asset = text("USD"),
                                 .decimals = 2,
                                 .period_ms = UINT64_C(8) * 3600 * 1000,
                                 .layers_count = 3,
                                 .layers = {{.type = BS_LAYER_INSURANCE},
                                            {.type = BS_LAYER_ADL, .protect_principal = true},
                                            {.type = BS_LAYER_HAIRCUT}}};
    add(batch, &command);
    for (int market = 0; market < MARKETS; market++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "m%d", market);
        command = (struct bs_command){.type = BS_COMMAND_MARKET};
        command.as.market = (struct bs_market_command){.market = text(name),
                                                       .pool = text("p"),
                                                       .tick_size = {1, -2},
                                                       .lot_size = {1, 0},
                                                       .multiplier = {1, 0},
                                                       .maintenance_margin_ppm = 5000};
        add(batch, &command);
        add_mark(batch, market, 10000);
    }
}

static void load(struct bench *bench)
{
    struct request request = {0};
    add_pool(&request.batch);
    for (uint32_t i = 0; i < bench->accounts; i++) {
        add_account(&request.batch, i);
        if ((i + 1) % BATCH_ACCOUNTS == 0) {
            send_batch(bench, &request);
        }
    }
    struct bs_command resume = {.type = BS_COMMAND_RESUME, .as.name.name = text("p")};
    add(&request.batch, &resume);
    send_batch(bench, &request);
    api_batch_fini(&request.batch);
    buffer_fini(&request.body);
}

/* ---- the phases ---- */

/* New marks every 50 ms, so that each tick finds the whole book moved and nobody below 0. */
static void *feed(void *user)
{
    struct bench *bench = user;
    struct request request = {.done = NULL};
    struct bench answers = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                            .changed = PTHREAD_COND_INITIALIZER};
    answers.core = bench->core;
    for (int i = 0;; i++) {
        pthread_mutex_lock(&bench->mutex);
        bool ends = bench->ends;
        pthread_mutex_unlock(&bench->mutex);
        if (ends) {
            break;
        }
        for (int market = 0; market < MARKETS; market++) {
            add_mark(&request.batch, market, 10000 + i % 7 - 3);
        }
        send_batch(&answers, &request);
        (void)usleep(50000);
    }
    api_batch_fini(&request.batch);
    buffer_fini(&request.body);
    return NULL;
}

static int compare_lags(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void print_lags(struct bench *bench, const char *phase)
{
    pthread_mutex_lock(&bench->mutex);
    uint32_t count = bench->lags_count;
    qsort(bench->lags, count, sizeof(bench->lags[0]), compare_lags);
    if (count == 0) {
        die("nothing was settled");
    }
    printf("  %-22s %4" PRIu32 " settlements   p50 %7.2f ms   p99 %7.2f ms   max %7.2f ms\n", phase,
           count, (double)bench->lags[count / 2] / NS_PER_MS,
           (double)bench->lags[(uint64_t)count * 99 / 100] / NS_PER_MS,
           (double)bench->lags[count - 1] / NS_PER_MS);
    bench->lags_count = 0;
    pthread_mutex_unlock(&bench->mutex);
}

static void record(struct bench *bench, bool records)
{
    pthread_mutex_lock(&bench->mutex);
    bench->records_lags = records;
    pthread_mutex_unlock(&bench->mutex);
}

static const char body[] = "{\"pool\":\"p\",\"shocks\":[{\"market\":\"m0\",\"move_ppm\":-130000}],"
                           "\"waterfalls\":{\"queue\":\"classic_queue\",\"haircut\":[{\"layer\":"
                           "\"insurance\"},{\"layer\":\"haircut\"}]}}";

/* One simulation; its answer stays in request->body. Returns its seconds. */
static double simulate(struct bench *bench, struct request *request, struct simulator_job *job)
{
    struct api_error error;
    char padded[sizeof(body) + API_BODY_PADDING] = {0};
    memcpy(padded, body, sizeof(body));
    memset(job, 0, sizeof(*job));
    if (!api_simulation_parse(&job->asked, padded, sizeof(body) - 1, &error)) {
        die(error.detail);
    }
    buffer_clear(&request->body);
    *request = (struct request){.body = request->body, .done = on_done, .user = bench};
    job->request = request;
    uint64_t start_ns = uv_hrtime();
    if (!simulator_submit(bench->simulator, job)) {
        die("a simulation was not taken");
    }
    wait_for_answer(bench);
    return (double)(uv_hrtime() - start_ns) / 1e9;
}

/* A figure of the first waterfall. */
static long figure(const struct request *request, const char *member)
{
    const char *at = strstr(request->body.bytes, member);
    return at == NULL ? -1 : strtol(at + strlen(member), NULL, 10);
}

static void print_answer(struct request *request, double taken_s)
{
    if (request->status != 200) {
        die("a simulation failed");
    }
    buffer_append(&request->body, "", 1);
    printf("  a simulation of 2 waterfalls: %.0f ms; %ld insolvent accounts, %ld closes\n",
           taken_s * 1000, figure(request, "\"insolvent_accounts\":"),
           figure(request, "\"closes\":"));
}

static double resident_mb(void)
{
    unsigned long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%lu %lu", &total, &resident) != 2) {
        die("/proc/self/statm");
    }
    (void)fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static void run_phases(struct bench *bench)
{
    static struct simulator_job job;
    struct request request = {0};
    double before_mb = resident_mb();
    record(bench, true);
    (void)sleep(bench->seconds);
    record(bench, false);
    print_lags(bench, "alone");
    double first_s = simulate(bench, &request, &job);
    printf("  the second block: made and caught up with %" PRIu64 " commands in %.1f s, %.0f MB "
           "beside %.0f MB\n",
           log_last_seq(bench->log), first_s, resident_mb() - before_mb, before_mb);
    double last_s = simulate(bench, &request, &job);
    print_answer(&request, last_s);
    record(bench, true);
    uint32_t count = 0;
    for (uint64_t start_ns = uv_hrtime();
         uv_hrtime() - start_ns < (uint64_t)bench->seconds * 1000000000; count++) {
        (void)simulate(bench, &request, &job);
    }
    record(bench, false);
    char phase[32];
    (void)snprintf(phase, sizeof(phase), "beside %" PRIu32 " simulations", count);
    print_lags(bench, phase);
    buffer_fini(&request.body);
}

static void *drive(void *user)
{
    struct bench *bench = user;
    pthread_t feeder;
    load(bench);
    if (pthread_create(&feeder, NULL, feed, bench) != 0) {
        die("no thread");
    }
    (void)sleep(1);
    run_phases(bench);
    pthread_mutex_lock(&bench->mutex);
    bench->ends = true;
    pthread_mutex_unlock(&bench->mutex);
    (void)pthread_join(feeder, NULL);
    simulator_free(bench->simulator);
    (void)uv_async_send(&bench->stop);
    return NULL;
}

static void on_stop(uv_async_t *handle)
{
    struct bench *bench = handle->data;
    uv_close((uv_handle_t *)handle, NULL);
    core_stop(bench->core, NULL, NULL);
}

int main(int argc, char **argv)
{
    static struct bench bench = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                                 .changed = PTHREAD_COND_INITIALIZER};
    char error[LOG_ERROR_SIZE];
    struct core_options options;
    const struct follower_options follower = {.check_interval_s = 10};
    const struct simulator_options simulator = {.time_limit_ms = 600000, .queue_max = 1};
    if (argc < 2) {
        die("say in which directory to keep the log");
    }
    bench.accounts = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1000000;
    bench.seconds = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 20;
    core_options_defaults(&options);
    options.on_settled = on_settled;
    options.user = &bench;
    options.engine.capacity.accounts_max = bench.accounts + 1;
    struct log_options log_options = {.directory = argv[1], .create = true};
    if (uv_loop_init(&bench.loop) != 0 || log_open_sqlite(&bench.log, &log_options, error) != 0 ||
        core_new(&bench.core, &bench.loop, bench.log, &options, error) != 0 ||
        follower_new(&bench.follower, bench.core, bench.log, &follower, error) != 0 ||
        simulator_new(&bench.simulator, bench.follower, &simulator, error) != 0) {
        die(error);
    }
    bench.stop.data = &bench;
    (void)uv_async_init(&bench.loop, &bench.stop, on_stop);
    printf("settlements of %" PRIu32 " accounts with 3 positions each, all moved, every 100 ms\n",
           bench.accounts);
    pthread_t driver;
    if (pthread_create(&driver, NULL, drive, &bench) != 0) {
        die("no thread");
    }
    (void)uv_run(&bench.loop, UV_RUN_DEFAULT);
    (void)pthread_join(driver, NULL);
    follower_free(bench.follower);
    core_free(bench.core);
    log_close(bench.log);
    return EXIT_SUCCESS;
}
