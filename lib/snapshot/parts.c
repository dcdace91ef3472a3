/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of rows, written and read. */
#include "lib/command/apply.h"
#include "lib/record/codec.h"
#include "lib/record/layer.h"
#include "lib/snapshot/fields.h"

#define LAYERS_SIZE_MAX 1024u

uint32_t bs_load_name(struct bs_engine *engine, struct bs_row_reader *row)
{
    struct bs_text name = bs_row_get_text(row, BS_ID_SIZE_MAX);
    uint32_t offset = name.size == 0 ? 0 : bs_names_add(&engine->names, name);
    if (name.size != 0 && offset == 0) {
        (void)bs_row_fail(row);
    }
    return offset;
}

uint32_t bs_load_account(const struct bs_engine *engine, struct bs_row_reader *row)
{
    struct bs_text name = bs_row_get_text(row, BS_KEY_SIZE_MAX);
    uint32_t account = name.size == 0 ? 0 : bs_index_find(&engine->account_index, name);
    return account == 0 ? (uint32_t)bs_row_fail(row) : account;
}

uint32_t bs_load_market(const struct bs_engine *engine, struct bs_row_reader *row)
{
    uint32_t market = (uint32_t)bs_row_get_most(row, engine->markets_used);
    return market == 0 || engine->market_name[market] == 0 ? (uint32_t)bs_row_fail(row) : market;
}

uint32_t bs_load_pool(const struct bs_engine *engine, struct bs_row_reader *row)
{
    uint32_t pool = (uint32_t)bs_row_get_most(row, engine->pools_used);
    bool is_there = pool != 0 && engine->pool_name[pool] != 0 && !engine->pools[pool].retired;
    return is_there ? pool : (uint32_t)bs_row_fail(row);
}

void bs_save_bs_policy(struct bs_row_writer *outer, const struct bs_policy *from)
{
    uint8_t layers[LAYERS_SIZE_MAX];
    struct bs_writer writer = {.at = layers, .end = layers + sizeof layers};
    struct bs_row_writer part = bs_row_part_begin(outer), *row = &part;
    bs_layers_write(&writer, from->layers, from->layers_count);
    assert(!writer.bad);
    size_t size = (size_t)(writer.at - layers);
    bs_row_put(row, size);
    bs_row_put_bytes(row, layers, size);
    BS_POLICY_SAVED(BS_SAVE)
    bs_row_part_end(outer, row);
}

/* The layers can run in this order. */
static bool waterfall_is_good(const struct bs_policy *policy)
{
    struct bs_pool_command command = {.layers_count = policy->layers_count};
    struct bs_policy read;
    memcpy(command.layers, policy->layers, sizeof command.layers);
    for (uint32_t i = 0; i < command.layers_count;
         i++) { /* in quanta they are members of their own */
        command.layers[i].floor = (struct bs_decimal){0};
        command.layers[i].max_per_settlement = (struct bs_decimal){0};
    }
    return bs_policy_read(&(struct bs_pool){0}, &command, &read).status == BS_OK;
}

void bs_load_bs_policy(struct bs_row_reader *outer, struct bs_policy *to)
{
    struct bs_row_reader part = bs_row_part(outer), *row = &part;
    uint32_t size = (uint32_t)bs_row_get_most(row, (uint64_t)(part.end - part.at));
    if (size > 0) {
        size_t left = (size_t)(row->end - row->at);
        struct bs_reader reader = {.at = row->at, .end = row->at + (size < left ? size : left)};
        to->layers_count = bs_layers_read(&reader, to->layers);
        if (reader.bad || reader.at != reader.end || size > left) {
            (void)bs_row_fail(row);
            to->layers_count = 0;
        } else {
            row->at += size;
        }
    }
    BS_POLICY_SAVED(BS_LOAD)
    bool is_good = to->floor >= 0 && to->max_per_settlement >= 0 &&
                   to->period_ms <= BS_PERIOD_MAX_MS && waterfall_is_good(to);
    row->bad = row->bad || !is_good;
    bs_row_part_read(outer, row);
}

void bs_save_bs_window(struct bs_row_writer *outer, const struct bs_window *from)
{
    struct bs_row_writer part = bs_row_part_begin(outer), *row = &part;
    bs_row_put_text(row, (struct bs_text){from->name, from->open ? from->name_size : 0});
    if (from->open) {
        BS_WINDOW_SAVED(BS_SAVE)
    }
    bs_row_part_end(outer, row);
}

void bs_load_bs_window(struct bs_row_reader *outer, struct bs_window *to)
{
    struct bs_row_reader part = bs_row_part(outer), *row = &part;
    struct bs_text name = bs_row_get_text(row, BS_ID_SIZE_MAX);
    to->name_size = (uint8_t)name.size;
    memcpy(to->name, name.bytes, name.size);
    BS_WINDOW_SAVED(BS_LOAD)
    row->bad = row->bad || to->loss < 0 || to->open != (name.size > 0);
    bs_row_part_read(outer, row);
}

void bs_save_bs_limit_use(struct bs_row_writer *outer, const struct bs_limit_use *from)
{
    struct bs_row_writer part = bs_row_part_begin(outer), *row = &part;
    BS_LIMIT_USE_SAVED(BS_SAVE)
    bs_row_part_end(outer, row);
}

void bs_load_bs_limit_use(struct bs_row_reader *outer, struct bs_limit_use *to)
{
    struct bs_row_reader part = bs_row_part(outer), *row = &part;
    BS_LIMIT_USE_SAVED(BS_LOAD)
    bs_row_part_read(outer, row);
}

void bs_save_bs_provider_use(struct bs_row_writer *outer, const struct bs_provider_use *from)
{
    struct bs_row_writer part = bs_row_part_begin(outer), *row = &part;
    BS_PROVIDER_USE_SAVED(BS_SAVE)
    bs_row_part_end(outer, row);
}

void bs_load_bs_provider_use(struct bs_row_reader *outer, struct bs_provider_use *to)
{
    struct bs_row_reader part = bs_row_part(outer), *row = &part;
    BS_PROVIDER_USE_SAVED(BS_LOAD)
    row->bad = row->bad || to->lots < 0 || to->value < 0;
    bs_row_part_read(outer, row);
}
