/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: the metrics page says what is so, in the form Prometheus reads. Method: a small core, its
 * page searched for whole lines. */
#include <stdlib.h>

#include "daemon/metrics/metrics.h"
#include "tests/unit/core_support.h"
#include "tests/unit/unit_main.h"

static struct metrics figures;

static void render(struct request *request, struct core *core, struct bs_engine *engine)
{
    metrics_render(&request->body, &figures, core, engine);
    request->status = 200;
}

START_TEST(metrics_are_rendered)
{
    static const char *const lines[] = {
        "\n# TYPE backstopd_commands_total counter\n",
        "\nbackstopd_commands_total{result=\"accepted\"} 8\n",
        "\nbackstopd_applied_seq 9\n",
        "\nbackstopd_log_records_total 9\n",
        "\nbackstopd_accounts 2\n",
        "\nbackstopd_positions_capacity 4000\n",
        "\nbackstopd_http_requests_total{code=\"503\"} 1\n",
        "\nbackstopd_unallocated_deficit{pool=\"p\",asset=\"USDC\"} 0\n",
        "\nbackstopd_fund_collateral{pool=\"\\\"\\\\\",asset=\"USDC\"} 0\n",
    };
    struct world world;
    struct request query;
    struct request pool;
    char error[LOG_ERROR_SIZE] = "";
    world_init(&world);
    ck_assert_int_eq(world_start(&world, error), 0);
    world_set_up(&world);
    figures.http.requests[503 - METRICS_STATUS_MIN] = 1;
    request_init(&query, "");
    query.query = render;
    request_run(&world, &query);
    for (size_t i = 0; i + 1 < sizeof(lines) / sizeof(lines[0]); i++) {
        ck_assert_msg(strstr(query.body.bytes, lines[i]) != NULL, "no %s", lines[i]);
    }
    request_init(&pool,
                 "{\"type\":\"pool\",\"pool\":\"\\\"\\\\\",\"asset\":\"USDC\",\"decimals\":2,"
                 "\"waterfall\":[]}\n");
    request_run(&world, &pool);
    ck_assert_msg(pool.status == 200, "%s", pool.body.bytes);
    buffer_clear(&query.body);
    *(bool *)query.user = false;
    request_run(&world, &query);
    const char *last = lines[sizeof(lines) / sizeof(lines[0]) - 1];
    ck_assert_msg(strstr(query.body.bytes, last) != NULL, "no %s", last);
    request_fini(&pool);
    request_fini(&query);
    world_stop(&world);
    world_fini(&world);
}

END_TEST

/* A sample's name is its family's; those of a histogram have an ending. */
static bool is_of_family(const char *name, size_t size, const char *family)
{
    static const char *const endings[] = {"", "_bucket", "_sum", "_count"};
    size_t family_size = strlen(family);
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        if (size == family_size + strlen(endings[i]) && strncmp(name, family, family_size) == 0 &&
            strncmp(name + family_size, endings[i], strlen(endings[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* Every sample line belongs to the family announced before it, and no family comes twice. */
START_TEST(families_stand_together)
{
    struct world world;
    struct request query;
    char error[LOG_ERROR_SIZE] = "";
    char family[128] = "";
    char seen[16384] = "";
    world_init(&world);
    ck_assert_int_eq(world_start(&world, error), 0);
    world_set_up(&world);
    request_init(&query, "");
    query.query = render;
    request_run(&world, &query);
    for (char *line = strtok(query.body.bytes, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strncmp(line, "# TYPE ", 7) == 0) {
            size_t size = strcspn(line + 7, " ");
            ck_assert_uint_lt(size, sizeof(family));
            line[7 + size] = '\n';
            line[8 + size] = '\0';
            ck_assert_msg(strstr(seen, line) == NULL, "twice: %s", line + 7);
            ck_assert_uint_lt(strlen(seen) + strlen(line) + 1, sizeof(seen));
            strcat(seen, line);
            memcpy(family, line + 7, size);
            family[size] = '\0';
            ck_assert_int_eq(strncmp(family, "backstopd_", 10), 0);
        } else if (line[0] != '#') {
            size_t size = strcspn(line, "{ ");
            ck_assert_msg(is_of_family(line, size, family), "\"%s\" stands under %s", line, family);
        }
    }
    request_fini(&query);
    world_stop(&world);
    world_fini(&world);
}

END_TEST

int main(void)
{
    TCase *tests = unit_tests("metrics");
    UNIT_ADD(tests, metrics_are_rendered, families_stand_together);
    return unit_run(tests);
}
