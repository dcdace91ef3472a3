/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of rows, as code that writes and reads them. LIST(BS_SAVE) uses `engine`, `row` and `from`;
 * LIST(BS_LOAD) uses `engine`, `row` and `to`. The lists are those of lib/book/kept.h, and those
 * below for what the digest adds by hand or leaves out.
 */
#ifndef BS_SNAPSHOT_FIELDS_H
#define BS_SNAPSHOT_FIELDS_H

#include "lib/book/book.h"
#include "lib/book/closes.h"
#include "lib/book/fund.h"
#include "lib/book/names.h"
#include "lib/book/providers.h"
#include "lib/snapshot/row.h"

/* Of an engine. Of the rest of it each table has its own rows, and what counts or finds rows of a
 * table follows from them. */
#define BS_ENGINE_SAVED(X)                                                                         \
    X(U64, seq, ALWAYS)                                                                            \
    X(I64, time_ms, ALWAYS)                                                                        \
    X(U64, ordinal, ALWAYS)                                                                        \
    X(U64, uids, ALWAYS)                                                                           \
    X(BOOL, has_capacity, ALWAYS)                                                                  \
    X(U64, closes.added, ALWAYS)                                                                   \
    X(U32, accounts_count, ALWAYS)                                                                 \
    X(U32, positions_count, ALWAYS)                                                                \
    X(U32, feature_level, ALWAYS) /* 0: the first */

#define BS_CAPACITY_SAVED(X)                                                                       \
    X(U32, accounts_max, ALWAYS)                                                                   \
    X(U32, positions_max, ALWAYS)                                                                  \
    X(U32, markets_max, ALWAYS)                                                                    \
    X(U32, pools_max, ALWAYS)                                                                      \
    X(U32, dedupe_window, ALWAYS)                                                                  \
    X(U32, transfer_window, ALWAYS)                                                                \
    X(U32, source_window, ALWAYS)

#define BS_FUND_SAVED(X)                                                                           \
    X(I64, drawdown.part_ms, ALWAYS)                                                               \
    X(BOOL, drawdown.restricted, ALWAYS)                                                           \
    X(U64, changes, ALWAYS)                                                                        \
    X(U64, digest[0], ALWAYS)                                                                      \
    X(U64, digest[1], ALWAYS)

#define BS_DRAWDOWN_PART_SAVED(X)                                                                  \
    X(I64, number, ALWAYS)                                                                         \
    X(WIDE, equity, ALWAYS)

#define BS_FUND_CHANGE_SAVED(X)                                                                    \
    X(I64, time_ms, ALWAYS)                                                                        \
    X(U64, settlement, ALWAYS)                                                                     \
    X(WIDE, amount, ALWAYS)                                                                        \
    X(WIDE, balance, ALWAYS)                                                                       \
    X(WIDE, equity, ALWAYS)                                                                        \
    X(WIDE, own_funds, ALWAYS)                                                                     \
    X(U8, cause, ALWAYS)

#define BS_PAST_SAVED(X)                                                                           \
    X(WIDE, claim, ALWAYS)                                                                         \
    X(WIDE, gains[0], ALWAYS)                                                                      \
    X(WIDE, gains[1], ALWAYS)                                                                      \
    X(WIDE, gains[2], ALWAYS)                                                                      \
    X(WIDE, gains[3], ALWAYS)                                                                      \
    X(WIDE, gains[4], ALWAYS)                                                                      \
    X(WIDE, gains[5], ALWAYS)                                                                      \
    X(WIDE, gains[6], ALWAYS)                                                                      \
    X(PART(bs_limit_use), limits[BS_LIMIT_SETTLEMENT], ALWAYS)                                     \
    X(PART(bs_limit_use), limits[BS_LIMIT_DAY], ALWAYS)                                            \
    X(U32, hits, ALWAYS)

#define BS_LIMIT_USE_SAVED(X)                                                                      \
    X(U64, number, ALWAYS)                                                                         \
    X(WIDE, base.equity, ALWAYS)                                                                   \
    X(WIDE, base.gross, ALWAYS)                                                                    \
    X(WIDE, lost, ALWAYS)                                                                          \
    X(WIDE, closed, ALWAYS)

#define BS_WINDOW_SAVED(X)                                                                         \
    X(BOOL, open, ALWAYS)                                                                          \
    X(I64, opened_ms, ALWAYS)                                                                      \
    X(WIDE, loss, ALWAYS)

#define BS_ACCOUNT_WINDOW_SAVED(X)                                                                 \
    X(WIDE, carried, ALWAYS)                                                                       \
    X(WIDE, taken, ALWAYS)

#define BS_PROVIDER_USE_SAVED(X)                                                                   \
    X(U64, settlement, ALWAYS)                                                                     \
    X(I64, lots, ALWAYS)                                                                           \
    X(I64, period, ALWAYS)                                                                         \
    X(WIDE, value, ALWAYS)

#define BS_POLICY_SAVED(X)                                                                         \
    X(U64, period_ms, ALWAYS)                                                                      \
    X(I64, floor, ALWAYS)                                                                          \
    X(I64, max_per_settlement, ALWAYS)

/* Beside its pool, its market and its two accounts, which may be gone. */
#define BS_CLOSE_SAVED(X)                                                                          \
    X(U64, action, ALWAYS)                                                                         \
    X(I64, lots, ALWAYS)                                                                           \
    X(I64, reversed, ALWAYS)                                                                       \
    X(WIDE, value, ALWAYS)                                                                         \
    X(WIDE, mark_value, ALWAYS)                                                                    \
    X(I64, entry[0], ALWAYS)                                                                       \
    X(I64, entry[1], ALWAYS)                                                                       \
    X(I64, taken[0], ALWAYS)                                                                       \
    X(I64, taken[1], ALWAYS)                                                                       \
    X(U32, priority[0], ALWAYS)                                                                    \
    X(U32, priority[1], ALWAYS)                                                                    \
    X(BOOL, is_long, ALWAYS)                                                                       \
    X(BOOL, assigned, ALWAYS)                                                                      \
    X(BOOL, excludes, ALWAYS)                                                                      \
    X(BOOL, superseded[0], ALWAYS)                                                                 \
    X(BOOL, superseded[1], ALWAYS)                                                                 \
    X(U64, group, ALWAYS)                                                                          \
    X(U32, debtors, ALWAYS)

/* A struct that has got another member does not compile here: it is a field of a list above, or it
 * follows from others; then its size is put right. */
#define FIELD(kind, member, when) 1 +
#define CAPACITY(kind, member, json, when, detail) 1 +
_Static_assert((BS_CAPACITY_FIELDS(CAPACITY) 0) == (BS_CAPACITY_SAVED(FIELD) 0), "the capacities");
#undef CAPACITY
#undef FIELD

#define BS_SAVE(kind, member, when)                                                                \
    BS_SAVE_WHEN_##when(member)                                                                    \
    {                                                                                              \
        const BS_KEPT_##kind *value = &from->member;                                               \
        BS_SAVE_##kind;                                                                            \
    }
#define BS_SAVE_WHEN_ALWAYS(member)
#define BS_SAVE_WHEN_NEW(member)
#define BS_SAVE_WHEN_IF(flag)                                                                      \
    if (from->flag != 0)                                                                           \
    BS_SAVE_WHEN_ALWAYS
#define BS_SAVE_U8 bs_row_put(row, *value)
#define BS_SAVE_U32 bs_row_put(row, *value)
#define BS_SAVE_U64 bs_row_put(row, *value)
#define BS_SAVE_I64 bs_row_put_signed(row, *value)
#define BS_SAVE_BOOL bs_row_put(row, *value)
#define BS_SAVE_WIDE bs_row_put_wide(row, *value)
#define BS_SAVE_DECIMAL bs_row_put_decimal(row, *value)
#define BS_SAVE_NAME bs_row_put_text(row, bs_names_get(&engine->names, *value))
#define BS_SAVE_ACCOUNT bs_row_put_text(row, bs_account_key(engine, *value))
#define BS_SAVE_MARKET bs_row_put(row, *value)
#define BS_SAVE_POOL bs_row_put(row, *value)
#define BS_SAVE_PART(type) bs_save_##type(row, value)

#define BS_LOAD(kind, member, when)                                                                \
    BS_LOAD_WHEN_##when(member)                                                                    \
    {                                                                                              \
        BS_KEPT_##kind *value = &to->member;                                                       \
        BS_LOAD_##kind;                                                                            \
    }
#define BS_LOAD_WHEN_ALWAYS(member)
#define BS_LOAD_WHEN_NEW(member)
#define BS_LOAD_WHEN_IF(flag)                                                                      \
    if (to->flag != 0)                                                                             \
    BS_LOAD_WHEN_ALWAYS
#define BS_LOAD_U8 *value = (uint8_t)bs_row_get_most(row, UINT8_MAX)
#define BS_LOAD_U32 *value = (uint32_t)bs_row_get_most(row, UINT32_MAX)
#define BS_LOAD_U64 *value = bs_row_get(row)
#define BS_LOAD_I64 *value = bs_row_get_signed(row)
#define BS_LOAD_BOOL *value = bs_row_get_most(row, 1) != 0
#define BS_LOAD_WIDE *value = bs_row_get_wide(row)
#define BS_LOAD_DECIMAL *value = bs_row_get_decimal(row)
#define BS_LOAD_NAME *value = bs_load_name(engine, row)
#define BS_LOAD_ACCOUNT *value = bs_load_account(engine, row)
#define BS_LOAD_MARKET *value = bs_load_market(engine, row)
#define BS_LOAD_POOL *value = bs_load_pool(engine, row)
#define BS_LOAD_PART(type) bs_load_##type(row, value)

/* An empty name is 0, and so is one that finds no room, which is bad. */
uint32_t bs_load_name(struct bs_engine *engine, struct bs_row_reader *row);
/* Rows that there are: else the reader is bad. */
uint32_t bs_load_account(const struct bs_engine *engine, struct bs_row_reader *row);
uint32_t bs_load_market(const struct bs_engine *engine, struct bs_row_reader *row);
uint32_t bs_load_pool(const struct bs_engine *engine, struct bs_row_reader *row);

void bs_save_bs_policy(struct bs_row_writer *row, const struct bs_policy *from);
void bs_load_bs_policy(struct bs_row_reader *row, struct bs_policy *to);
void bs_save_bs_window(struct bs_row_writer *row, const struct bs_window *from);
void bs_load_bs_window(struct bs_row_reader *row, struct bs_window *to);
void bs_save_bs_limit_use(struct bs_row_writer *row, const struct bs_limit_use *from);
void bs_load_bs_limit_use(struct bs_row_reader *row, struct bs_limit_use *to);
void bs_save_bs_provider_use(struct bs_row_writer *row, const struct bs_provider_use *from);
void bs_load_bs_provider_use(struct bs_row_reader *row, struct bs_provider_use *to);

#endif
