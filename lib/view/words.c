/* SPDX-License-Identifier: Apache-2.0 */
/* The words that views use, as in JSON. */
#include "lib/view/views.h"

/* NULL past the end. */
static const char *name_at(const char *const *names, size_t count, uint8_t value)
{
    return value < count ? names[value] : NULL;
}

const char *bs_pool_state_name(uint8_t state)
{
    static const char *const names[] = {
        [BS_STATE_PAUSED] = "paused", [BS_STATE_RUNNING] = "running", [BS_STATE_HALTED] = "halted"};
    return name_at(names, sizeof names / sizeof names[0], state);
}

const char *bs_waiting_name(uint8_t waiting)
{
    static const char *const names[] = {
        [BS_WAITING_NO] = NULL, [BS_WAITING_STALE_MARK] = "stale_mark"};
    return name_at(names, sizeof names / sizeof names[0], waiting);
}

const char *bs_fund_state_name(uint8_t state)
{
    static const char *const names[] = {[BS_FUND_NORMAL] = "normal",
                                        [BS_FUND_RESTRICTED] = "restricted",
                                        [BS_FUND_EXHAUSTED] = "exhausted"};
    return name_at(names, sizeof names / sizeof names[0], state);
}

const char *bs_fund_cause_name(uint8_t cause)
{
    static const char *const names[] = {
        [BS_FUND_TOP_UP] = "top_up",
        [BS_FUND_WITHDRAWAL] = "withdrawal",
        [BS_FUND_CREDIT] = "credit",
        [BS_FUND_FILL] = "fill",
        [BS_FUND_TRANSFER] = "transfer",
        [BS_FUND_DRAW] = "draw",
        [BS_FUND_TAKEOVER] = "takeover",
        [BS_FUND_CLOSE] = "close",
        [BS_FUND_WRITE_OFF] = "write_off",
        [BS_FUND_REVERSAL] = "reversal",
        [BS_FUND_RESTITUTION] = "restitution",
        [BS_FUND_OWN_FUND] = "own_fund",
        [BS_FUND_OWN_FUND_DRAW] = "own_fund_draw",
        [BS_FUND_SETTLEMENT] = "settlement",
    };
    return name_at(names, sizeof names / sizeof names[0], cause);
}

const char *bs_bound_name(uint8_t bound)
{
    static const char *const names[] = {
        [BS_BOUND_MARK] = "mark", [BS_BOUND_ENTRY] = "entry", [BS_BOUND_EQUITY] = "equity"};
    return name_at(names, sizeof names / sizeof names[0], bound);
}
