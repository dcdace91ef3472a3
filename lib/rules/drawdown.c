/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rules/drawdown.h"

#include "lib/money/money.h"

#define PARTS_OF_WINDOW (BS_DRAWDOWN_PARTS - 1)

static int64_t part_length(const struct bs_layer *layer)
{
    assert(layer->drawdown_window_ms > 0);
    return (int64_t)((layer->drawdown_window_ms + PARTS_OF_WINDOW - 1) / PARTS_OF_WINDOW);
}

/* The highest equity observed within the window, the one of now included. */
static bs_i128 peak_of(const struct bs_drawdown_history *history, int64_t number, bs_i128 equity)
{
    bs_i128 peak = equity;
    for (uint32_t i = 0; i < BS_DRAWDOWN_PARTS; i++) {
        const struct bs_drawdown_part *part = &history->parts[i];
        if (part->known && part->number > number - (int64_t)BS_DRAWDOWN_PARTS) {
            peak = bs_max(peak, part->equity);
        }
    }
    return peak;
}

struct bs_drawdown bs_drawdown_of(const struct bs_drawdown_history *history,
                                  const struct bs_layer *layer, bs_i128 equity, int64_t now_ms)
{
    struct bs_drawdown found = {.equity = equity, .peak = equity};
    int64_t length = part_length(layer);
    if (history->part_ms == length) { /* else observed for another window: nothing is known */
        found.peak = peak_of(history, (int64_t)bs_div_floor(now_ms, length), equity);
        found.restricted = history->restricted;
    }
    bs_i128 lost = found.peak - equity;
    found.threshold = found.resume_at = found.peak;
    if (found.peak <= 0) {
        found.restricted = false;
        return found;
    }
    found.drawdown_ppm =
        lost >= found.peak ? BS_PPM : (uint32_t)bs_muldiv_floor(lost, BS_PPM, found.peak);
    found.threshold -= bs_muldiv_floor(found.peak, layer->max_drawdown_ppm, BS_PPM);
    found.resume_at -= bs_muldiv_ceil(found.peak, layer->resume_ppm, BS_PPM) - 1;
    uint32_t limit = found.restricted ? layer->resume_ppm : layer->max_drawdown_ppm;
    found.restricted = bs_compare_products(lost, BS_PPM, found.peak, limit) >= 0;
    assert(found.threshold <= found.peak);
    return found;
}

void bs_drawdown_observe(struct bs_drawdown_history *history, const struct bs_layer *layer,
                         bs_i128 equity, int64_t now_ms, bool cut)
{
    struct bs_drawdown found = bs_drawdown_of(history, layer, equity, now_ms);
    int64_t length = part_length(layer);
    if (history->part_ms != length) {
        history->part_ms = length;
        memset(history->parts, 0, sizeof history->parts);
    }
    int64_t number = (int64_t)bs_div_floor(now_ms, length);
    struct bs_drawdown_part *part = &history->parts[(uint64_t)number % BS_DRAWDOWN_PARTS];
    if (!part->known || part->number != number || part->equity < equity) {
        *part = (struct bs_drawdown_part){true, number, equity};
    }
    history->restricted = found.restricted || cut;
    assert(part->equity >= equity);
}
