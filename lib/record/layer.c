/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/record/layer.h"

/* Bits of a layer's byte 8: the optional fields of an insurance layer. */
#define LAYER_HAS_MAX_PER_SETTLEMENT 1u
#define LAYER_HAS_MAX_DRAWDOWN 2u
#define LAYER_HAS_DRAWDOWN_WINDOW 4u
#define LAYER_HAS_RESUME 8u

/* The fields of an insurance layer; what a layer of another type has of them is nothing. */
static void write_insurance(struct bs_writer *writer, const struct bs_layer *layer)
{
    bs_write_u8(writer,
                (uint8_t)((layer->has_max_per_settlement ? LAYER_HAS_MAX_PER_SETTLEMENT : 0) |
                          (layer->has_max_drawdown ? LAYER_HAS_MAX_DRAWDOWN : 0) |
                          (layer->has_drawdown_window ? LAYER_HAS_DRAWDOWN_WINDOW : 0) |
                          (layer->has_resume ? LAYER_HAS_RESUME : 0)));
    bs_write_decimal(writer, layer->floor);
    if (layer->has_max_per_settlement) {
        bs_write_decimal(writer, layer->max_per_settlement);
    }
    if (layer->has_max_drawdown) {
        bs_write_u32(writer, layer->max_drawdown_ppm);
    }
    if (layer->has_drawdown_window) {
        bs_write_u64(writer, layer->drawdown_window_ms);
    }
    if (layer->has_resume) {
        bs_write_u32(writer, layer->resume_ppm);
    }
}

void bs_layer_write(struct bs_writer *writer, const struct bs_layer *layer)
{
    bs_write_u8(writer, layer->type);
    bs_write_u8(writer, layer->ranking);
    bs_write_u8(writer, layer->price);
    bs_write_u8(writer, layer->protect_principal);
    bs_write_u8(writer, layer->rule);
    bs_write_u8(writer, layer->basis);
    bs_write_u8(writer, layer->divide);
    bs_write_u8(writer, layer->scope);
    write_insurance(writer, layer);
    uint32_t present = 0;
    for (uint8_t i = 0; i < BS_OPTION_COUNT; i++) {
        present |= layer->has[i] ? 1u << i : 0;
    }
    bs_write_u32(writer, present);
    for (uint8_t i = 0; i < BS_OPTION_COUNT; i++) {
        if (layer->has[i]) {
            bs_write_u32(writer, layer->options[i]);
        }
    }
}

/* Returns whether the layer has a field of an insurance layer. */
static bool read_insurance(struct bs_reader *reader, struct bs_layer *layer)
{
    uint8_t flags = bs_read_enum(reader, 2 * LAYER_HAS_RESUME);
    layer->has_max_per_settlement = (flags & LAYER_HAS_MAX_PER_SETTLEMENT) != 0;
    layer->has_max_drawdown = (flags & LAYER_HAS_MAX_DRAWDOWN) != 0;
    layer->has_drawdown_window = (flags & LAYER_HAS_DRAWDOWN_WINDOW) != 0;
    layer->has_resume = (flags & LAYER_HAS_RESUME) != 0;
    layer->floor = bs_read_decimal(reader);
    layer->max_per_settlement =
        layer->has_max_per_settlement ? bs_read_decimal(reader) : (struct bs_decimal){0};
    layer->max_drawdown_ppm = layer->has_max_drawdown ? bs_read_u32(reader) : 0;
    layer->drawdown_window_ms = layer->has_drawdown_window ? bs_read_u64(reader) : 0;
    layer->resume_ppm = layer->has_resume ? bs_read_u32(reader) : 0;
    reader->bad = reader->bad || layer->drawdown_window_ms > PERIOD_MAX_MS ||
                  layer->drawdown_window_ms % PERIOD_UNIT_MS != 0;
    return flags != 0 || layer->floor.mantissa != 0;
}

static void read_options(struct bs_reader *reader, struct bs_layer *layer)
{
    uint32_t present = bs_read_u32(reader);
    reader->bad = reader->bad || present >> BS_OPTION_COUNT != 0;
    for (uint8_t i = 0; i < BS_OPTION_COUNT; i++) {
        layer->has[i] = (present & 1u << i) != 0;
        layer->options[i] = layer->has[i] ? bs_read_u32(reader) : 0;
        bool fits =
            layer->type == bs_layer_option_layer(i) && layer->options[i] <= bs_layer_option_max(i);
        reader->bad = reader->bad || (layer->has[i] && !fits);
    }
}

void bs_layer_read(struct bs_reader *reader, struct bs_layer *layer)
{
    layer->type = bs_read_enum(reader, BS_LAYER_COUNT);
    layer->ranking = bs_read_enum(reader, BS_RANKING_COUNT);
    layer->price = bs_read_enum(reader, BS_PRICE_COUNT);
    layer->protect_principal = bs_read_enum(reader, 2) != 0;
    layer->rule = bs_read_enum(reader, BS_RULE_COUNT);
    layer->basis = bs_read_enum(reader, BS_BASIS_COUNT);
    layer->divide = bs_read_enum(reader, BS_DIVIDE_COUNT);
    layer->scope = bs_read_enum(reader, BS_SCOPE_COUNT);
    bool insurance_unset = !read_insurance(reader, layer);
    read_options(reader, layer);
    bool adl_unset = layer->ranking == 0 && layer->price == 0 && !layer->protect_principal;
    bool haircut_unset =
        layer->rule == 0 && layer->basis == 0 && layer->divide == 0 && layer->scope == 0;
    reader->bad = reader->bad || layer->type == 0 ||
                  (layer->type != BS_LAYER_INSURANCE && !insurance_unset) ||
                  (layer->type != BS_LAYER_ADL && !adl_unset) ||
                  (layer->type != BS_LAYER_HAIRCUT && !haircut_unset);
}
