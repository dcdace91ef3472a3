/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/record/layer.h"

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
    bs_write_u8(writer, layer->has_max_per_settlement);
    bs_write_decimal(writer, layer->floor);
    if (layer->has_max_per_settlement) {
        bs_write_decimal(writer, layer->max_per_settlement);
    }
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
    layer->has_max_per_settlement = bs_read_enum(reader, 2) != 0;
    layer->floor = bs_read_decimal(reader);
    layer->max_per_settlement =
        layer->has_max_per_settlement ? bs_read_decimal(reader) : (struct bs_decimal){0};
    read_options(reader, layer);
    bool adl_unset = layer->ranking == 0 && layer->price == 0 && !layer->protect_principal;
    bool haircut_unset =
        layer->rule == 0 && layer->basis == 0 && layer->divide == 0 && layer->scope == 0;
    bool insurance_unset = !layer->has_max_per_settlement && layer->floor.mantissa == 0;
    reader->bad = reader->bad || layer->type == 0 ||
                  (layer->type != BS_LAYER_INSURANCE && !insurance_unset) ||
                  (layer->type != BS_LAYER_ADL && !adl_unset) ||
                  (layer->type != BS_LAYER_HAIRCUT && !haircut_unset);
}
