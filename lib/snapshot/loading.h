/* SPDX-License-Identifier: Apache-2.0 */
/* How each kind of row is loaded. False: it cannot be so; the reader says whether it is newer. */
#ifndef BS_SNAPSHOT_LOADING_H
#define BS_SNAPSHOT_LOADING_H

#include "lib/snapshot/row.h"

/* Times, and sums of money, stay far from where adding them would overflow. */
#define BS_LOAD_TIME_MAX ((int64_t)1 << 60)

static inline bool bs_load_is_time(int64_t time_ms)
{
    return time_ms >= -BS_LOAD_TIME_MAX && time_ms <= BS_LOAD_TIME_MAX;
}

bool bs_load_engine(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_capacity(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_largest(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_pool_row(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_pool_numbers(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_pool_pause(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_fund(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_fund_part(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_fund_change(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_market_row(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_market_loss(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_account_row(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_positions(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_past(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_window(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_provider(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_outcome(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_source(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_source_items(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_trades(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_trade_id(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_transfers(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_transfer_id(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_close(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
bool bs_load_room(struct bs_snapshot_loader *loader, struct bs_row_reader *row);
/* What follows from all rows together, and whether they agree. */
bool bs_load_end(struct bs_snapshot_loader *loader, struct bs_row_reader *row);

/* All accounts have come: whatever is looked for by name is found. */
void bs_load_finish_index(struct bs_snapshot_loader *loader);
/* Whether all items of the last source, and all ids of the last ring, have come. */
bool bs_load_source_is_whole(const struct bs_snapshot_loader *loader);

#endif
