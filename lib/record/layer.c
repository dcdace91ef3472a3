/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/record/layer.h"

#include "lib/record/codec.h"

static void write_layer(struct bs_writer *writer, const struct bs_layer *from)
{
    uint32_t present = BS_FIELDS_PRESENT(BS_INSURANCE_FIELDS);
    bs_write_u8(writer, from->type);
    BS_ADL_FIELDS(BS_FIELD_WRITE)
    BS_HAIRCUT_FIELDS(BS_FIELD_WRITE)
    bs_write_u8(writer, (uint8_t)present);
    BS_INSURANCE_FIELDS(BS_FIELD_WRITE)
    uint32_t options = 0;
    for (uint8_t i = 0; i < BS_OPTION_COUNT; i++) {
        options |= from->has[i] ? 1u << i : 0;
    }
    bs_write_u32(writer, options);
    for (uint8_t i = 0; i < BS_OPTION_COUNT; i++) {
        if (from->has[i]) {
            bs_write_u32(writer, from->options[i]);
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

static void read_layer(struct bs_reader *reader, struct bs_layer *to)
{
    uint32_t present = 0;
    to->type = bs_read_enum(reader, BS_LAYER_COUNT);
    BS_ADL_FIELDS(BS_FIELD_READ)
    BS_HAIRCUT_FIELDS(BS_FIELD_READ)
    present = bs_read_u8(reader);
    BS_INSURANCE_FIELDS(BS_FIELD_READ)
    read_options(reader, to);
    bool insurance_unset = present == 0 && to->floor.mantissa == 0;
    bool adl_unset = to->ranking == 0 && to->price == 0 && !to->protect_principal;
    bool haircut_unset = to->rule == 0 && to->basis == 0 && to->divide == 0 && to->scope == 0;
    reader->bad = reader->bad || to->type == 0 ||
                  (present & ~BS_FIELDS_ALLOWED(BS_INSURANCE_FIELDS)) != 0 ||
                  (to->type != BS_LAYER_INSURANCE && !insurance_unset) ||
                  (to->type != BS_LAYER_ADL && !adl_unset) ||
                  (to->type != BS_LAYER_HAIRCUT && !haircut_unset);
}

void bs_layers_write(struct bs_writer *writer, const struct bs_layer *layers, uint32_t count)
{
    assert(count <= BS_LAYERS_MAX);
    bs_write_u32(writer, count);
    for (uint32_t i = 0; i < count; i++) {
        write_layer(writer, &layers[i]);
    }
}

uint32_t bs_layers_read(struct bs_reader *reader, struct bs_layer layers[BS_LAYERS_MAX])
{
    uint32_t count = bs_read_u32(reader);
    if (count > BS_LAYERS_MAX) {
        reader->bad = true;
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        read_layer(reader, &layers[i]);
    }
    return count;
}
