/* SPDX-License-Identifier: Apache-2.0 */
/* What draws may take of the fund: its equity as planned, and the limits that the check asks. */
#ifndef BS_DRAWS_H
#define BS_DRAWS_H

#include "lib/settlement/plan.h"

bs_i128 bs_plan_fund_equity(const struct bs_plan *plan);    /* without the own funds of markets */
bs_i128 bs_plan_fund_available(const struct bs_plan *plan); /* >= 0, without them */
/* Whether a draw is within every limit of the fund: asked by the check after it carried the draw out.
 * `owed` is what was owed before it. */
BS_MUST_USE bool bs_draw_is_allowed(struct bs_plan *plan, const struct bs_step *step, bs_i128 owed);
BS_MUST_USE bool bs_own_draw_is_allowed(struct bs_plan *plan, const struct bs_step *step,
                                        bs_i128 owed);

#endif
