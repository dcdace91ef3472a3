# SPDX-License-Identifier: Apache-2.0
"""The oracle's settlement: one run over one pool (docs/policies.md, The run)."""
import copy

from oracle_adl import Adl
from oracle_assign import Takers
from oracle_haircut import Haircut
from oracle_claims import Claims
from oracle_fund import Fund, observe
from oracle_limits import Limits
from oracle_ledger import ceil_div, decimal_text, reduce, trade, visible
from oracle_pooled import Pooled
from oracle_venue import Memory
from oracle_window import Window, close_window, in_force


class Settlement(Adl, Pooled, Haircut, Memory, Limits, Claims, Fund, Window, Takers):
    """One run over one pool (docs/policies.md, The run)."""

    def __init__(self, pool, now):
        self.pool, self.now = pool, now
        self.actions, self.drawn = [], 0
        self.debts = {}  # scope market: market id (or None for the pool's) -> owed
        self.rankings, self.list_digests = {}, {}

    def run(self, closing):
        if not self.ready():
            return []
        pool = self.pool
        self.closes = closing or pool.period == "tick" or self.now >= pool.period_end
        self.look_at_fund()
        self.before_detection()
        self.excluded, pool.excluded = pool.excluded, set()
        insolvent = self.detect()
        held = {account.id: self.legs_of(account) for account in insolvent}
        haircut = pool.layer("haircut")
        if haircut:
            self.net(insolvent)
        self.rank_all()
        # netting may round an inverse position's value away
        cases = [account for account in insolvent if pool.equity(account) < 0]
        if self.is_pooled():
            self.waterfall_pooled(cases, held)
        else:
            for account in cases:
                self.waterfall(account, held[account.id])
        self.fund_inventory()
        # docs/policies.md, Haircut options: `at_once` divides at the end of this settlement
        if haircut and haircut.get("divide", "at_once") == "at_once":
            self.divide_loss(haircut)
        if self.closes:
            self.divide_period(haircut)
        self.restitute()
        observe(pool, self.now, self.cut)
        pool.over_budget = min(pool.over_budget, pool.period_loss)
        if self.closes:
            for market in pool.markets.values():
                market.budget_used = 0
            self.grow_older()
            pool.open_period(self.now)
        number = pool.settlements + 1 if self.actions else None
        pool.settlements += 1 if self.actions else 0  # one run that did something; numbered
        if pool.window is not None and not in_force(pool):
            self.actions.append(pool.publish("window_closed", settlement=number,
                                             window=close_window(pool)))
        return self.actions

    def publish(self, kind, account, **fields):
        self.actions.append(
            self.pool.publish(kind, account, settlement=self.pool.settlements + 1, **fields))

    def before_detection(self):
        """Nothing, but for a final settlement."""

    # 1. Ready?
    def ready(self):
        """A held market with no mark, or one older than mark_max_age_ms: the run waits."""
        for account in self.pool.accounts.values():
            for name in account.positions:
                if not self.is_fresh(self.pool.markets[name]):
                    return False
        return True

    def is_fresh(self, market):
        if market.mark is None:
            return False
        return self.pool.mark_max_age == 0 or self.now - market.mark_time <= self.pool.mark_max_age

    # 2. Detect
    def detect(self):
        """Every account with equity < 0, smallest deficit first, then account id."""
        pool = self.pool
        found = [account for account in self.traders() if pool.equity(account) < 0
                 and (pool.trigger == "equity" or account.handed_over)]
        for account in self.traders():
            account.handed_over = False
        return sorted(found, key=lambda account: (-self.pool.equity(account), account.id))

    def traders(self):
        return [account for name, account in sorted(self.pool.accounts.items())
                if account is not self.pool.backstop]

    def legs_of(self, account):
        return {name: account.positions[name].size for name in sorted(account.positions)}

    # 3. Net, then rank each market side once
    def net(self, insolvent):
        """Markets by id, both sides in the order of detection, at mark; long first, then short."""
        for name in sorted(self.pool.markets):
            market = self.pool.markets[name]
            longs = [a for a in insolvent if name in a.positions and a.positions[name].size > 0]
            shorts = [a for a in insolvent if name in a.positions and a.positions[name].size < 0]
            for long in longs:
                for short in shorts:
                    if name not in long.positions or name not in short.positions:
                        continue
                    if self.are_excluded(long, short, name) or any(
                            self.is_left_out(account, name) for account in (long, short)):
                        continue
                    lots = min(long.positions[name].size, -short.positions[name].size)
                    self.close("netting", long, market, lots, market.value(lots), short)
                    self.close("netting", short, market, lots, market.value(-lots), long)

    def are_excluded(self, account, other, market_id):
        """The venue could not apply their last close in this market."""
        return ((account.id, other.id, market_id) in self.excluded
                or (other.id, account.id, market_id) in self.excluded)

    def is_left_out(self, account, market_id):
        """The venue could not apply its last pooled close on this side."""
        sign = 1 if account.positions[market_id].size > 0 else -1
        return ("side", account.id, market_id, sign) in self.excluded

    # 4. Waterfall
    def waterfall(self, account, held):
        for layer in self.pool.waterfall:
            if layer["layer"] == "insurance":
                if self.fund_covers(account, held):  # F covers all: the positions move at mark
                    break
            elif layer["layer"] == "assign":
                self.assign(account)
            elif layer["layer"] == "adl":
                self.deleverage(account, layer, layer.get("price", "bankruptcy"))
        self.finish(account, held)

    def fund_covers(self, account, held):
        """The fund pays what it may; whether nothing is owed then."""
        paid = self.draw_within_budgets(account, -self.pool.equity(account), held)
        account.collateral += paid
        self.set_off(account, paid)
        account.baseline += paid  # what brings it back to 0 shifts the baseline
        return self.pool.equity(account) >= 0

    def finish(self, account, held):
        self.write_off(account, held)
        self.take_over_all(account)

    def take_over_all(self, account):
        for name in sorted(account.positions):
            self.take_over(account, self.pool.markets[name])

    def fund_can_hold(self, market, lots, value):
        """Nothing of the position that the fund would have is beyond 2^62."""
        fund = copy.deepcopy(self.pool.backstop)
        trade(fund, market, lots, value)
        held = fund.positions.get(market.id)
        amounts = [held.size, held.entry, market.value(held.size)] if held else []
        return all(abs(amount) <= 2 ** 62 for amount in amounts)

    def take_over(self, account, market):
        """The position moves to the backstop account at mark, or stays if the fund cannot hold it."""
        lots, backstop = account.positions[market.id].size, self.pool.backstop
        value = market.value(lots)
        if len(account.positions) == 1:  # dust of inverse values that were closed in part
            value -= max(0, self.pool.equity(account))
        if not self.fund_can_hold(market, lots, value):
            return
        self.close("takeover", account, market, abs(lots), value, backstop)
        trade(backstop, market, lots, value)

    def write_off(self, account, held):
        """The debt leaves the account for the haircut layer, or for the unallocated deficit."""
        owed, pool = -self.pool.equity(account), self.pool
        if owed <= 0:
            return
        account.collateral += owed
        account.baseline += owed
        self.set_off(account, owed)
        self.publish("write_off", account, amount=pool.money(owed))
        haircut = pool.layer("haircut")
        if not haircut:
            pool.unallocated += owed
            self.publish("unallocated_deficit", account, amount=pool.money(owed))
            return
        pool.period_loss += owed
        pool.over_budget += min(owed, self.over_budget.get(account.id, 0))
        for place, share in self.debt_places(haircut, owed, held):
            self.debts[place] = self.debts.get(place, 0) + share

    def weights(self, legs):
        """Maintenance; all-zero weights fall back to value at mark, then lots."""
        values = [abs(self.pool.markets[name].value(lots)) for name, lots in legs.items()]
        ppm = [self.pool.markets[name].maintenance_ppm for name in legs]
        weights = [ceil_div(value * rate, 10 ** 6) for value, rate in zip(values, ppm)]
        if any(weights):
            return weights
        return values if any(values) else [abs(lots) for lots in legs.values()]

    def close(self, kind, account, market, lots, received, counterparty, **extra):
        """Books one close and publishes it."""
        pool, position = self.pool, account.positions[market.id]
        sign, before = (1 if position.size > 0 else -1), abs(position.size)
        entry_price = market.price(market.shown(sign, position.entry), before)
        shown = market.shown(sign, received)
        who = visible(counterparty) if counterparty else None
        cost = market.value(sign * lots) - received
        released = reduce(account, market, lots, received)
        self.publish(
            kind, account, market=market.id, counterparty=who,
            side="long" if sign > 0 else "short",
            size_closed=decimal_text(lots * market.lot),
            size_before=decimal_text(before * market.lot),
            size_after=decimal_text((before - lots) * market.lot),
            price=market.price(shown, lots), value=pool.money(shown),
            mark_price=decimal_text(market.mark * market.tick), entry_price=entry_price,
            realized_pnl=pool.money(received - released), cost_to_mark=pool.money(cost), **extra)
        return released

    # 5. The fund's own inventory
    def fund_inventory(self):
        """Fund equity < floor: deleveraged at mark while equity >= 0, else at bankruptcy."""
        pool, backstop = self.pool, self.pool.backstop
        insurance, adl = pool.layer("insurance") or {}, pool.layer("adl")
        equity = pool.equity(backstop)
        if pool.common() >= pool.quanta(insurance.get("floor", "0")):
            return
        held = self.legs_of(backstop)
        self.assign(backstop)
        equity = pool.equity(backstop)
        price = "mark" if equity >= 0 else "bankruptcy"
        if self.is_pooled():
            self.deleverage_pooled([backstop], adl, price)
        elif adl:
            self.deleverage(backstop, adl, price)
        self.write_off(backstop, held)  # still below 0: set to 0, to the layers after adl

    def divide_period(self, haircut):
        """With period_end the fund is asked again first; then the loss is divided."""
        pool = self.pool
        if not pool.period_loss and in_force(pool) and haircut.get("divide") == "period_end":
            self.divide_loss(haircut)
        if pool.period_loss > 0:
            if pool.layer("insurance"):
                pool.period_loss -= self.draw(pool.backstop, pool.period_loss - pool.over_budget)
            self.divide_loss(haircut)
