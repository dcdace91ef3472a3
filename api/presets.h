/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documented waterfalls by name: what families of venues do, as layers. A preset stands for its
 * layers when an item is read; the record holds the layers, never the name, so that a later version
 * of this table changes nothing that was stored. docs/policies.md has a section on each.
 */
#ifndef API_PRESETS_H
#define API_PRESETS_H

#include "api/buffer.h"
#include "api/fields.h"
#include "lib/record/command.h"

#define API_PRESET_LAYERS_MAX 4

struct api_preset {
    const char *name;
    const char *good_for; /* both are one sentence */
    const char *borne_by;
    bool has_period; /* the rule is tied to a settlement period */
    uint64_t period_ms;
    uint32_t layers_count;
    struct bs_layer layers[API_PRESET_LAYERS_MAX];
};

/* The i-th preset, NULL past the last. */
const struct api_preset *api_preset_at(uint32_t i);
/* The preset that a string token names, or NULL. */
const struct api_preset *api_preset_find(const struct json_token *name);

/* The layers of a pool that names none; returns their number. */
uint32_t api_default_waterfall(struct bs_layer layers[BS_LAYERS_MAX]);

/* One preset as an object: name, what for, period (null: any) and its layers spelled out. */
void api_preset(struct buffer *out, const struct api_preset *preset);

#endif
