/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/simulation/measure.h"

#include <stdlib.h>

#include "lib/base/limits.h"
#include "lib/money/money.h"

bool measure_ppm(bs_i128 part, bs_i128 whole, bs_i128 *ret_ppm)
{
    if (whole <= 0) {
        return false;
    }
    *ret_ppm = bs_muldiv_floor(part, BS_PPM, whole);
    return true;
}

static int compare_losses(const void *a, const void *b)
{
    const struct measure_loss *left = a, *right = b;
    if (left->loss != right->loss) {
        return left->loss < right->loss ? -1 : 1;
    }
    return (left->account > right->account) - (left->account < right->account);
}

bool measure_gini(struct measure_loss *losses, uint32_t count, bs_i128 *ret_ppm)
{
    bs_i128 total = 0, weighted = 0;
    if (count > 0) { /* no losses, no array: qsort takes no NULL */
        qsort(losses, count, sizeof(losses[0]), compare_losses);
    }
    for (uint32_t i = 0; i < count; i++) {
        bs_i128 loss = bs_max(0, losses[i].loss);
        total += loss;
        weighted += loss * (2 * ((bs_i128)i + 1) - count - 1);
    }
    return measure_ppm(weighted, total * count, ret_ppm);
}

void measure_worst(const struct measure_loss *losses, uint32_t count,
                   struct measure_worst *ret_worst)
{
    struct measure_worst worst = {0};
    for (uint32_t i = 0; i < count; i++) {
        const struct measure_loss *loss = &losses[i];
        bs_i128 ppm;
        worst.without_gain += loss->loss > 0 && loss->gain <= 0;
        if (measure_ppm(loss->loss, loss->equity, &ppm) &&
            (!worst.has_equity || ppm > worst.of_equity_ppm)) {
            worst.has_equity = true;
            worst.of_equity_ppm = ppm;
            worst.equity_account = loss->account;
        }
        if (measure_ppm(loss->loss, loss->gain, &ppm) &&
            (!worst.has_gain || ppm > worst.of_gain_ppm)) {
            worst.has_gain = true;
            worst.of_gain_ppm = ppm;
            worst.gain_account = loss->account;
        }
    }
    *ret_worst = worst;
}

bs_i128 measure_top_left(const struct bs_what_if_account *rows, uint32_t rows_count,
                         const uint32_t *places, const struct measure_loss *losses)
{
    bs_i128 top = 0;
    for (uint32_t row = 0; row < rows_count; row++) {
        bs_i128 left = rows[row].gain;
        if (rows[row].equity < 0 || left <= top) {
            continue;
        }
        left -= places[row] != 0 ? losses[places[row] - 1].loss : 0;
        top = bs_max(top, left);
    }
    return top;
}
