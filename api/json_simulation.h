/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a simulation: which prices, which waterfalls. No command, so no record. */
#ifndef API_JSON_SIMULATION_H
#define API_JSON_SIMULATION_H

#include "api/fields.h"
#include "api/json_command.h"
#include "lib/what_if.h"

#define API_SHOCKS_MAX 256
#define API_WATERFALLS_MAX 8
#define API_SIMULATED_ACTIONS_MAX 10000
#define API_SIMULATED_ACTIONS 1000 /* unless actions_limit says otherwise */

struct api_name {
    char bytes[BS_ID_SIZE_MAX];
    uint32_t size;
};

struct api_shock {
    struct api_name market;
    struct bs_what_if_mark mark; /* its market is set by api_shock_mark */
};

struct api_waterfall {
    struct api_name name;
    bool current; /* what the pool has now */
    uint32_t layers_count;
    struct bs_layer layers[BS_LAYERS_MAX];
};

struct api_simulation {
    struct api_name pool;
    struct api_shock shocks[API_SHOCKS_MAX];
    uint32_t shocks_count;
    struct api_waterfall waterfalls[API_WATERFALLS_MAX];
    uint32_t waterfalls_count; /* at least 1 */
    struct api_name account;   /* account whose positions are asked for; empty: none */
    bool has_fund;
    struct bs_decimal fund;
    bool close_period;
    uint32_t actions_limit; /* 0: none are listed */
};

/* The fields of what is read here: simulation, comparison, shock. */
struct api_simulation_tables {
    const struct field_table *simulation;
    const struct field_table *comparison;
    const struct field_table *shock;
};

struct api_simulation_tables api_simulation_tables(void);

struct bs_text api_name_text(const struct api_name *name);
struct bs_what_if_mark api_shock_mark(const struct api_shock *shock);

/* The body of POST /v1/simulations; false: *ret_error is set. */
BS_MUST_USE bool api_simulation_parse(struct api_simulation *simulation, const char *body,
                                      size_t size, struct api_error *ret_error);
/* The body of a comparison: its waterfalls, and whether actions are listed. */
BS_MUST_USE bool api_comparison_parse(struct api_simulation *simulation, const char *body,
                                      size_t size, struct api_error *ret_error);
/* All presets, for a comparison that names no waterfalls. */
void api_comparison_presets(struct api_simulation *simulation);

#endif
