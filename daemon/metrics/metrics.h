/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metrics page: Prometheus text format 0.0.4, every name prefixed backstopd_. metrics.def has a
 * row for each metric; a room counts for itself and gives its figures in one struct.
 */
#ifndef METRICS_H
#define METRICS_H

#include "daemon/core/core.h"
#include "daemon/metrics/metrics_http.h"
#include "daemon/retention/retention.h"
#include "daemon/simulation/simulator.h"
#include "daemon/snapshot/snapshot_keeper.h"
#include "daemon/webhooks/webhooks.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* The figures of one page. */
struct metrics {
    /* the caller's */
    struct metrics_http http;
    struct follower_stats follower;
    struct snapshot_stats snapshots;
    struct simulator_stats simulator;
    struct webhooks_stats webhooks;
    struct retention_archive archive; /* zeroed without one */
    uint64_t started_s;               /* process_start_s */
    /* metrics_render's */
    struct core_stats core;
    struct log_stats log;
    struct disk_state disk;
    struct bs_capacity_command capacity;
    struct bs_usage usage;
    const struct bs_engine *engine;
};

/* Appends the page. On the core loop, because it reads the engine. */
void metrics_render(struct buffer *out, struct metrics *metrics, const struct core *core,
                    const struct bs_engine *engine);

#endif
