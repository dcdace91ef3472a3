/* SPDX-License-Identifier: Apache-2.0 */
#include "api/presets.h"

#include "api/json_state.h"
#include "api/json_writer.h"
#include "api/text.h"

#define FUND                                                                                       \
    {                                                                                              \
        .type = BS_LAYER_INSURANCE                                                                 \
    }
#define QUEUE(by, at)                                                                              \
    {                                                                                              \
        .type = BS_LAYER_ADL, .ranking = (by), .price = (at), .protect_principal = true            \
    }
#define HAIRCUT(when)                                                                              \
    {                                                                                              \
        .type = BS_LAYER_HAIRCUT, .rule = BS_RULE_PRO_RATA, .basis = BS_BASIS_PERIOD_GAIN,         \
        .divide = (when)                                                                           \
    }

static const struct api_preset presets[] = {
    {.name = "classic_queue",
     .good_for = "Touching few accounts: the most profitable and most levered are closed first.",
     .borne_by = "The fund, then the front of the queue, from its profit.",
     .layers_count = 2,
     .layers = {FUND, QUEUE(BS_RANKING_PROFIT_LEVERAGE, BS_PRICE_BANKRUPTCY)}},
    {.name = "margin_profit_queue",
     .good_for = "Removing risk: large profits on little margin near maintenance are closed first.",
     .borne_by = "The fund, then the front of the queue, from its profit.",
     .layers_count = 2,
     .layers = {FUND, QUEUE(BS_RANKING_MARGIN_PROFIT, BS_PRICE_BANKRUPTCY)}},
    {.name = "session_clawback",
     .good_for = "Keeping every position open: the session's losses are divided when it ends.",
     .borne_by = "The fund, then all winners of the session, in proportion to their gains.",
     .has_period = true,
     .period_ms = UINT64_C(8) * 3600 * 1000,
     .layers_count = 2,
     .layers = {FUND, HAIRCUT(BS_DIVIDE_PERIOD_END)}},
    {.name = "mark_to_market_window",
     .good_for =
         "Final results in every run: a loss is divided over the winners of its own period.",
     .borne_by = "The fund, then the winners since the run before, in proportion to their gains.",
     .has_period = true,
     .period_ms = 0,
     .layers_count = 2,
     .layers = {FUND, HAIRCUT(BS_DIVIDE_AT_ONCE)}},
    {.name = "ccp_end_of_waterfall",
     .good_for = "A matched book without a queue: a partial tear-up at mark, then a cut of gains.",
     .borne_by = "The fund, then all winners of the period; a torn-up account loses nothing by it.",
     .layers_count = 3,
     .layers = {FUND, QUEUE(BS_RANKING_PRO_RATA, BS_PRICE_MARK), HAIRCUT(BS_DIVIDE_AT_ONCE)}},
    {.name = "leverage_water_filling",
     .good_for = "Low leverage: minimises the highest leverage left; entry prices do not matter.",
     .borne_by = "The fund, then all winners of the period; a closed account loses nothing by it.",
     .layers_count = 3,
     .layers = {FUND, QUEUE(BS_RANKING_LEVERAGE_WATER_FILL, BS_PRICE_MARK),
                HAIRCUT(BS_DIVIDE_AT_ONCE)}},
};

#define PRESETS_COUNT (sizeof(presets) / sizeof(presets[0]))

static const struct bs_layer default_waterfall[] = {
    {.type = BS_LAYER_INSURANCE},
    {.type = BS_LAYER_ADL,
     .ranking = BS_RANKING_PROFIT_LEVERAGE,
     .price = BS_PRICE_BANKRUPTCY,
     .protect_principal = true},
    {.type = BS_LAYER_HAIRCUT,
     .rule = BS_RULE_PRO_RATA,
     .basis = BS_BASIS_PERIOD_GAIN,
     .divide = BS_DIVIDE_AT_ONCE},
};

const struct api_preset *api_preset_at(uint32_t i)
{
    return i < PRESETS_COUNT ? &presets[i] : NULL;
}

const struct api_preset *api_preset_find(const struct json_token *name)
{
    uint32_t i = 0;
    while (i < PRESETS_COUNT && !token_is(name, presets[i].name)) {
        i++;
    }
    return api_preset_at(i);
}

void api_preset(struct buffer *out, const struct api_preset *preset)
{
    buffer_append(out, "{", 1);
    member_word(out, "preset", preset->name);
    member_word(out, "good_for", preset->good_for);
    member_word(out, "borne_by", preset->borne_by);
    if (preset->has_period) {
        char period[TEXT_PERIOD_SIZE];
        text_period_print(preset->period_ms, period);
        member_word(out, "period", period);
    } else {
        member_null(out, "period");
    }
    member_name(out, "waterfall");
    api_layers(out, preset->layers, preset->layers_count);
    buffer_append(out, "}", 1);
}

uint32_t api_default_waterfall(struct bs_layer layers[BS_LAYERS_MAX])
{
    memcpy(layers, default_waterfall, sizeof(default_waterfall));
    return sizeof(default_waterfall) / sizeof(default_waterfall[0]);
}
