# SPDX-License-Identifier: Apache-2.0
"""The oracle's final settlement of a market.

Readings where docs/policies.md, The end of a market, is silent: (1) it is refused while another
held market of the pool has no fresh mark; (2) the fund's own position is closed like any other; (3) a market ended has no mark, no
fill, no position and no new definition any more; a close in it cannot be reported unfilled; (4) where
longs and shorts differ the venue is the other side, at the same price: the dust is what the book
gains beyond the value of the difference. (5) The price is the market's mark, whatever its band and
time; the pool may be paused.
"""
from fractions import Fraction

from oracle_ledger import check, decimal_text
from oracle_settlement import Settlement, reduce


class FinalSettlement(Settlement):
    """Every position of one market at value, by account id; then the waterfall, in one number."""

    def __init__(self, pool, now, market):
        super().__init__(pool, now)
        self.market = market

    def before_detection(self):
        pool, market, lots, gained = self.pool, self.market, 0, 0
        for name in sorted(pool.accounts):
            account = pool.accounts[name]
            if market.id not in account.positions:
                continue
            position = account.positions[market.id]
            size, entry = position.size, position.entry
            sign, value = (1 if size > 0 else -1), market.value(size)
            lots, gained = lots + size, gained + value
            released = reduce(account, market, abs(size), value)
            contracts = decimal_text(abs(size) * market.lot)
            self.publish(
                "final_settlement", account, market=market.id,
                side="long" if sign > 0 else "short", size_closed=contracts, size_before=contracts,
                size_after="0", price=market.price(market.shown(sign, value), abs(size)),
                value=pool.money(market.shown(sign, value)),
                mark_price=decimal_text(market.mark * market.tick),
                entry_price=market.price(market.shown(sign, entry), abs(size)),
                realized_pnl=pool.money(value - released), cost_to_mark="0")
        dust = market.value(lots) - gained
        if dust:
            pool.backstop.collateral += dust
            self.publish("final_settlement", pool.backstop, market=market.id,
                         amount=pool.money(dust))


class Final:
    """The part of the Oracle that ends markets."""

    def check_open(self, pool, item):
        """A position may be closed in a market that has ended, not opened."""
        settled = self.market_of(item, pool).settled
        check(not settled or Fraction(item["size"]) == 0, "market_settled")

    def on_final_settlement(self, command, now):
        market = self.market_of(command)
        pool = self.pools[market.pool]
        check(not market.settled, "market_settled")
        others = [name for account in pool.accounts.values() for name in account.positions
                  if name != market.id]
        fresh = all(Settlement(pool, now).is_fresh(pool.markets[name]) for name in others)
        check(fresh, "marks_not_ready")
        market.mark = self.ticks(market, command["price"])
        market.mark_time = max(now, market.mark_time or 0)
        actions = FinalSettlement(pool, now, market).run(closing=False)
        market.settled = True
        return actions
