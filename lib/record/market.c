/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/record/market.h"

/* Bits of the header's `present`. */
#define MARKET_HAS_FUND_BUDGET 1u
#define MARKET_OWN_FUND 2u
#define MARKET_HAS_MOVE_SPAN 4u
#define OWN_FUND_HAS_TRANSFER_ID 1u

uint32_t bs_market_write(struct bs_writer *writer, const struct bs_market_command *market)
{
    bs_write_text(writer, market->market);
    bs_write_text(writer, market->pool);
    bs_write_u8(writer, market->contract);
    bs_write_decimal(writer, market->tick_size);
    bs_write_decimal(writer, market->lot_size);
    bs_write_decimal(writer, market->multiplier);
    bs_write_u32(writer, market->maintenance_margin_ppm);
    bs_write_u32(writer, market->max_move_ppm);
    uint32_t present = market->own_fund ? MARKET_OWN_FUND : 0;
    if (market->has_fund_budget) {
        bs_write_decimal(writer, market->fund_budget);
        present |= MARKET_HAS_FUND_BUDGET;
    }
    if (market->max_move_span_ms != BS_MOVE_SPAN_MS_DEFAULT) {
        bs_write_u32(writer, market->max_move_span_ms);
        present |= MARKET_HAS_MOVE_SPAN;
    }
    return present;
}

uint32_t bs_market_read(struct bs_reader *reader, uint32_t present,
                        struct bs_market_command *market)
{
    market->market = bs_read_name(reader);
    market->pool = bs_read_name(reader);
    market->contract = bs_read_enum(reader, BS_CONTRACT_COUNT);
    market->tick_size = bs_read_decimal(reader);
    market->lot_size = bs_read_decimal(reader);
    market->multiplier = bs_read_decimal(reader);
    market->maintenance_margin_ppm = bs_read_u32(reader);
    market->max_move_ppm = bs_read_u32(reader);
    market->own_fund = (present & MARKET_OWN_FUND) != 0;
    market->has_fund_budget = (present & MARKET_HAS_FUND_BUDGET) != 0;
    market->fund_budget =
        market->has_fund_budget ? bs_read_decimal(reader) : (struct bs_decimal){0};
    bool has_move_span = (present & MARKET_HAS_MOVE_SPAN) != 0;
    market->max_move_span_ms = has_move_span ? bs_read_u32(reader) : BS_MOVE_SPAN_MS_DEFAULT;
    return MARKET_HAS_FUND_BUDGET | MARKET_OWN_FUND | MARKET_HAS_MOVE_SPAN;
}

uint32_t bs_own_fund_write(struct bs_writer *writer, const struct bs_own_fund_command *fund)
{
    bs_write_text(writer, fund->market);
    bs_write_decimal(writer, fund->amount);
    if (fund->transfer_id.size == 0) {
        return 0;
    }
    bs_write_text(writer, fund->transfer_id);
    return OWN_FUND_HAS_TRANSFER_ID;
}

uint32_t bs_own_fund_read(struct bs_reader *reader, uint32_t present,
                          struct bs_own_fund_command *fund)
{
    fund->market = bs_read_name(reader);
    fund->amount = bs_read_decimal(reader);
    fund->transfer_id =
        (present & OWN_FUND_HAS_TRANSFER_ID) != 0 ? bs_read_name(reader) : (struct bs_text){0};
    return OWN_FUND_HAS_TRANSFER_ID;
}
