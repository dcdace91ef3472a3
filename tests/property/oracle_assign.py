# SPDX-License-Identifier: Apache-2.0
"""The oracle's providers: accounts that take over positions before anybody is deleveraged.

Readings: (1) lots move at what the insolvent account's position loses of its value at mark, less
cost = floor(|that value| * spread_ppm / 10^6); all costs of one account are at most floor(debt *
max_cost_ppm / 10^6), the debt as it is when the layer's turn comes. (2) Legs go in closing order;
providers by priority (absent = last), then account id; each is asked once for each leg and takes
the most lots that keep every limit afterwards. (3) Limits are of the cross account. Lots that only
make an opposite position smaller do not count against max_position and leverage. Leverage and the
quota go by the equity before the take-over, which must be above 0 (with inverse markets above 1, for
the roundings). (4) Quota periods are fixed, counted from the epoch; one counts the value at mark of
what was taken under that registration. max_size is per settlement. (5) No
account is asked for its own isolated margin, nor an account whose last close with it was taken back.
(6) The spread moves both baselines: it is nobody's gain or loss of the period. (7) The fund's own
inventory is offered too; as long as it owes nothing, at no cost. (8) The
provider gives back what could not be applied of an assignment, by a trade at the same value, and its
baseline moves back with it.
"""
import copy
from dataclasses import dataclass
from fractions import Fraction

from oracle_fund import milliseconds
from oracle_ledger import Account, check, decimal_text, reduce, trade, visible
from oracle_limits import gross
from oracle_venue import Close


@dataclass
class Provider:
    account: Account
    market: str
    max_position: int
    max_size: int | None
    max_leverage_ppm: int
    window: str | None
    quota_ppm: int | None
    priority: int | None
    settlement: int = 0  # the settlement that `lots` counts for
    lots: int = 0
    opened: int = -1     # the quota period that `value` counts for
    value: int = 0

    def order(self):
        return (self.priority is None, self.priority or 0, self.account.id)

    def used(self, now):
        return self.value if self.window and now // milliseconds(self.window) == self.opened else 0


class Providers:
    """The part of the Oracle that takes registrations."""

    def on_provider(self, command, now):
        pool, account = self.account_of(command)
        check(command["market"] in self.markets, "unknown_market")
        market = self.markets[command["market"]]
        check(market.pool == pool.id, "other_pool")
        check(account is not pool.backstop, "reserved_id")
        check(not market.settled, "market_settled")
        sizes = [Fraction(command[name]) / market.lot if name in command else None
                 for name in ("max_position", "max_size")]
        check(all(size is None or size.denominator == 1 for size in sizes), "not_in_lots")
        check(sizes[0] >= 0 and (sizes[1] is None or sizes[1] > 0), "invalid_value")
        check(("quota_period" in command) == ("quota_ppm" in command), "invalid_value")
        check(command.get("quota_period") != "tick", "invalid_value")
        key = account.id, market.id
        if sizes[0] == 0:
            pool.providers.pop(key, None)
            return
        provider = Provider(
            account, market.id, int(sizes[0]), None if sizes[1] is None else int(sizes[1]),
            command.get("max_leverage_ppm", 10 ** 6), command.get("quota_period"),
            command.get("quota_ppm"), command.get("priority"))
        old = pool.providers.get(key)
        if old:
            provider.settlement, provider.lots = old.settlement, old.lots
            same = old.window and provider.window and (
                milliseconds(old.window) == milliseconds(provider.window))
            if same:
                provider.opened, provider.value = old.opened, old.value
        pool.providers[key] = provider

    def provider_states(self, now):
        rows = []
        for pool in self.pools.values():
            for (account, market), provider in pool.providers.items():
                taking = Taking(pool, now, 0, 0)
                lot = self.markets[market].lot
                rows.append({"account": account, "market": market,
                             "quota_used": pool.money(provider.used(now)) if provider.window
                             else None} | {
                    name: decimal_text(taking.shown(provider, sign) * lot)
                    for name, sign in (("room_long", 1), ("room_short", -1))})
        return sorted(rows, key=lambda row: (row["account"], row["market"]))


class Taking:
    """What providers of a pool can take in one settlement, as the books stand."""

    def __init__(self, pool, now, spread_ppm, budget):
        self.pool, self.now = pool, now
        self.spread_ppm, self.budget = spread_ppm, budget
        self.number = pool.settlements + 1

    def cost(self, value):
        return abs(value) * self.spread_ppm // 10 ** 6

    def keeps_limits(self, provider, size, lots):
        """After taking `lots` of a position of `size`."""
        pool, account, market = self.pool, provider.account, self.pool.markets[provider.market]
        value, equity = market.released(size, lots), self.pool.equity(account)
        taken = provider.lots if provider.settlement == self.number else 0
        if provider.max_size is not None and taken + lots > provider.max_size:
            return False
        if self.cost(value) > self.budget:
            return False
        if provider.window and (provider.used(self.now) + abs(value)
                                > equity * provider.quota_ppm // 10 ** 6):
            return False
        trial = copy.deepcopy(account)
        before = trial.positions[market.id].size if market.id in trial.positions else 0
        trade(trial, market, lots if size > 0 else -lots, value - self.cost(value))
        after = trial.positions[market.id].size if market.id in trial.positions else 0
        if before * size < 0 and before * after >= 0:
            return True  # its own opposite position, made smaller
        return (abs(after) <= provider.max_position
                and gross(pool, trial) <= equity * provider.max_leverage_ppm // 10 ** 6)

    def lots(self, provider, size):
        """The most of a position of `size` that it takes."""
        inverse = any(market.inverse for market in self.pool.markets.values())
        if self.pool.equity(provider.account) <= (1 if inverse else 0):
            return 0
        low, high = 0, abs(size) + 1
        while high - low > 1:
            middle = (low + high) // 2
            fine = self.keeps_limits(provider, size, middle)
            low, high = (middle, high) if fine else (low, middle)
        return low

    def shown(self, provider, sign):
        """Of an endless position."""
        names = set(provider.account.positions) | {provider.market}
        if any(self.pool.markets[name].mark is None for name in names):
            return 0
        held = provider.account.positions.get(provider.market)
        most = min(provider.max_position + (abs(held.size) if held else 0), 2 ** 62)
        return self.lots(provider, sign * most)


class Takers:
    """The part of a Settlement that asks them."""

    def assign(self, account):
        pool, layer = self.pool, self.pool.layer("assign")
        if not layer or not pool.providers:
            return
        debt = max(0, -pool.equity(account))
        taking = Taking(pool, self.now, layer.get("spread_ppm", 0),
                        debt * layer.get("max_cost_ppm", 10 ** 6) // 10 ** 6)
        for name in self.closing_order(account):
            asked = sorted((provider for provider in pool.providers.values()
                            if provider.market == name), key=Provider.order)
            for rank, provider in enumerate(asked, 1):
                if name in account.positions and self.may_be_asked(provider, account):
                    size = account.positions[name].size
                    lots = taking.lots(provider, size)
                    if lots:
                        self.hand_to(provider, account, lots, taking, rank)

    def may_be_asked(self, provider, account):
        excluded = self.are_excluded(account, provider.account, provider.market)
        return visible(account) != provider.account.id and not excluded

    def hand_to(self, provider, account, lots, taking, rank):
        pool, market, taker = self.pool, self.pool.markets[provider.market], provider.account
        size = account.positions[market.id].size
        sign = 1 if size > 0 else -1
        value = market.released(size, lots)
        cost = taking.cost(value)
        taking.budget -= cost
        amount, equities = value - cost, (pool.equity(account), pool.equity(taker))
        held = account.positions[market.id]
        memory = Close((account, taker), market, lots, sign, amount, value,
                       (held.taken * lots // abs(held.size), 0), (held.priority, None), assigned=True)
        gone = self.close("liquidation_close", account, market, lots, amount, taker)
        before = sign * taker.positions[market.id].size if market.id in taker.positions else 0
        cash = taker.collateral
        trade(taker, market, sign * lots, amount)
        account.baseline += pool.equity(account) - equities[0]
        taker.baseline += pool.equity(taker) - equities[1]
        shown = market.shown(sign, amount)
        self.publish(
            "assignment", taker, market=market.id, counterparty=visible(account),
            side="long" if sign > 0 else "short", rank=rank,
            size_taken=decimal_text(lots * market.lot),
            size_before=decimal_text(before * market.lot),
            size_after=decimal_text((before + lots) * market.lot),
            price=market.price(shown, lots), value=pool.money(shown),
            mark_price=decimal_text(market.mark * market.tick),
            realized_pnl=pool.money(taker.collateral - cash),
            cost_to_mark=pool.money(amount - market.value(sign * lots)))
        self.after_close(memory, (gone, 0))
        if provider.settlement != taking.number:
            provider.settlement, provider.lots = taking.number, 0
        provider.lots += lots
        if provider.window:
            provider.value = provider.used(self.now) + abs(value)
            provider.opened = self.now // milliseconds(provider.window)

