# SPDX-License-Identifier: Apache-2.0
"""The oracle's insurance fund: its limits beyond the floor.

Readings: (1) the peak is the highest equity observed in the window, and now. The fund is observed
when a run that does not wait begins and ends, and at every insurance_fund item. Observations are
kept by 64ths of the window (rounded up to whole ms): one counts until 64 of these have passed. (2)
With peak > 0 and lost = peak - equity the fund is restricted from lost * 10^6 >= max_drawdown_ppm *
peak on, until lost * 10^6 < resume_ppm * peak; it begins to be so also when a draw was cut short by
the threshold peak - floor(peak * max_drawdown_ppm / 10^6). A restricted fund pays nothing, nor does
one whose draw was cut short in this run. (3) Another window forgets the observations and the state.
(4) A market's budget bounds what the fund pays for its part of debts in one period: a debt goes to
markets by the legs held at detection, floors of prefix differences, and a payment goes to the
parts within budget likewise. A debt without legs has no market. What the budgets kept the fund from
paying it does not pay at the period's end either. The fund's own debts know no budget. (5) With
`own_fund` a market's part of a debt is paid by what is kept for it (within its budget, and as far as the fund has
equity at all), in market order, before the rest asks the rest of the fund; floor, limit per
settlement, drawdown, claims and the fund's inventory look at that rest only. Money moves between the
two by own_fund: in at most what the rest has in cash and equity above the floor.
"""
from fractions import Fraction

from oracle_ledger import prefix_split

PARTS = 64


def drawdown_of(pool):
    layer = pool.layer("insurance") or {}
    return layer if "max_drawdown_ppm" in layer else None


def milliseconds(period):
    return int(period[:-1]) * {"m": 60, "h": 3600, "d": 86400}[period[-1]] * 1000


class FundLook:
    """What an observation would find."""

    def __init__(self, pool, now):
        layer, equity = drawdown_of(pool), pool.common()
        length = -(-milliseconds(layer["drawdown_window"]) // PARTS)
        self.part, self.window = now // length, length
        seen = pool.fund_seen if pool.fund_window == length else []
        recent = [value for part, value in seen if part > self.part - PARTS - 1]
        self.peak = max(recent + [equity])
        lost = self.peak - equity
        self.restricted = pool.fund_restricted and pool.fund_window == length
        self.threshold = self.peak
        if self.peak <= 0:
            self.restricted = False
            return
        self.threshold = self.peak - self.peak * layer["max_drawdown_ppm"] // 10 ** 6
        limit = layer["resume_ppm" if self.restricted else "max_drawdown_ppm"]
        self.restricted = Fraction(lost, self.peak) >= Fraction(limit, 10 ** 6)


def observe(pool, now, cut=False):
    if not drawdown_of(pool):
        return
    look = FundLook(pool, now)
    if pool.fund_window != look.window:
        pool.fund_window, pool.fund_seen = look.window, []
    pool.fund_seen.append((look.part, pool.common()))
    pool.fund_restricted = look.restricted or cut


class Fund:
    """The part of a Settlement that knows what the fund may pay."""

    def look_at_fund(self):
        observe(self.pool, self.now)
        self.cut, self.over_budget = False, {}
        self.restricted, self.least = False, self.floor()
        if drawdown_of(self.pool):
            look = FundLook(self.pool, self.now)
            self.restricted, self.least = look.restricted, max(self.floor(), look.threshold)

    def floor(self):
        return self.pool.quanta((self.pool.layer("insurance") or {}).get("floor", "0"))

    def available(self, least):
        layer = self.pool.layer("insurance")
        available = self.pool.common() - least
        if "max_per_settlement" in layer:
            limit = self.pool.quanta(layer["max_per_settlement"])
            available = min(available, limit - self.drawn)
        return max(0, available)

    def draw(self, account, owed):
        """F = min(deficit, available); available = fund equity - floor, and the limits."""
        paid = 0 if self.restricted or self.cut else min(owed, self.available(self.least))
        if self.least > self.floor() and not self.restricted:
            self.cut = self.cut or paid < min(owed, self.available(self.floor()))
        paid = max(0, paid)
        if paid:
            self.pool.backstop.collateral -= paid
            self.drawn += paid
            self.publish("insurance_draw", account, amount=self.pool.money(paid))
        return paid

    def budgeted(self, owed, held):
        """[(market or None, what the fund may pay of its part)]."""
        markets = self.pool.markets
        if not held or not any(market.own_fund or market.fund_budget is not None
                               for market in markets.values()):
            return [(None, owed)]
        parts = []
        for name, share in zip(held, prefix_split(owed, self.weights(held))):
            market = markets[name]
            if market.fund_budget is not None:
                share = max(0, min(share, market.fund_budget - market.budget_used))
            parts.append((market, share))
        return parts

    def draw_within_budgets(self, account, owed, held):
        parts = self.budgeted(owed, held)
        kept = sum(self.draw_own(account, market, part) for market, part in parts
                   if market is not None and market.own_fund)
        parts = [(market, part) for market, part in parts if market is None or not market.own_fund]
        wanted = sum(part for _, part in parts)
        paid = self.draw(account, wanted)
        self.over_budget[account.id] = owed - kept - wanted
        if paid:
            for (market, _), share in zip(parts, prefix_split(paid, [part for _, part in parts])):
                if market is not None and market.fund_budget is not None:
                    market.budget_used += share
        return kept + paid

    def draw_own(self, account, market, part):
        backstop = self.pool.backstop
        paid = max(0, min(part, market.own_fund_balance, self.pool.equity(backstop)))
        if paid:
            backstop.collateral -= paid
            market.own_fund_balance -= paid
            market.budget_used += paid if market.fund_budget is not None else 0
            self.publish("own_fund_draw", account, amount=self.pool.money(paid), market=market.id)
        return paid
