# SPDX-License-Identifier: Apache-2.0
"""The oracle's rankings and its adl layer (docs/policies.md, Layer `adl`)."""
from dataclasses import dataclass
from fractions import Fraction

from oracle_ledger import Account, Market, ceil_div, decimal_text, prefix_split, price_text
from oracle_queue import Queue


SPLITS = ("pro_rata", "leverage_water_fill")
RATIOS = ("margin_profit", "profit_equity", "price_leverage")


def water_fill(lots, sizes, equities):
    """Sizes go down to min(size, level * equity), from the most levered; `lots` go in all. The shares; and, of
    those above the level, what stays of their lots, their equity in all and, by place, what comes before each."""
    order = sorted(range(len(sizes)), key=lambda i: -Fraction(sizes[i], equities[i]))
    level = Fraction(0)
    for k in range(1, len(order) + 1):
        size, equity = sum(sizes[i] for i in order[:k]), sum(equities[i] for i in order[:k])
        level = Fraction(size - lots, equity)
        if k == len(order) or level >= Fraction(sizes[order[k]], equities[order[k]]):
            break
    gone, shares = Fraction(0), []
    above, prefixes = 0, []
    for size, equity in zip(sizes, equities):
        before, gone = gone, gone + max(0, size - level * equity)
        shares.append(gone // 1 - before // 1)
        prefixes.append(above)
        above += equity if size > level * equity else 0
    return shares, level * above, above, prefixes


@dataclass
class Leg:
    """One position being closed piece by piece: lots, exact value V, and how far it got."""
    account: Account
    market: Market
    lots: int
    value: int
    protect: bool
    counter_long: bool
    at_mark: bool
    share: dict  # of the debt, as published
    placed: int = 0

    def least(self, counterparty, lots):
        """A bound that never falls with the lots: they cost the counterparty at least so much."""
        position, market = counterparty.positions[self.market.id], self.market
        done = Fraction(self.value * self.placed, self.lots)
        cost = Fraction(self.value * lots, self.lots) - (ceil_div(done.numerator, done.denominator) - done)
        if self.protect:
            cost = min(cost, -Fraction(position.entry * lots, abs(position.size)))
        if not market.inverse:
            return cost + market.value(lots if position.size > 0 else -lots)
        of_lot = Fraction(market.unit, market.mark)
        part = abs(position.size) * of_lot % 1  # of its value, that is rounded away
        if position.size > 0:
            return cost - lots * of_lot + part - (1 - Fraction(1, of_lot.denominator))
        return cost + lots * of_lot - part

    def piece(self, counterparty, lots):
        """What the closing account receives for its next lots, against this counterparty."""
        # docs/policies.md, Price `bankruptcy`: after P of Q lots the closing account has received ceil(V*P/Q)
        amount = (ceil_div(self.value * (self.placed + lots), self.lots)
                  - ceil_div(self.value * self.placed, self.lots))
        if self.protect:
            # Protected principal: what would close worse than its entry closes at its entry, with a profit of 0
            position = counterparty.positions[self.market.id]
            amount = min(amount, -(position.entry * lots // abs(position.size)))
        return amount


class Adl(Queue):
    """The part of a Settlement that ranks and deleverages."""

    def rank_all(self):
        """Each market side is ranked once in a settlement, after netting."""
        adl = self.pool.layer("adl")
        if not adl:
            return
        for account in self.traders():
            equity = self.pool.equity(account)
            if equity < 0:  # candidates are solvent and not the backstop account
                continue
            for name, position in account.positions.items():
                ranking = adl.get("ranking", "profit_leverage")
                key = self.rank_key(ranking, account, name, equity)
                score = None if ranking in SPLITS else self.score_shown(ranking, key).get("score")
                side = self.rankings.setdefault((name, position.size > 0), [])
                side.append((key, account, self.ranked(account, name, equity, key, score)))
        for side in self.rankings.values():
            side.sort(key=lambda row: row[0])

    def rank_key(self, ranking, account, name, equity):
        """Positions with profit > 0 strictly first; then score desc; then account id."""
        position, market = account.positions[name], self.pool.markets[name]
        profit = self.pool.profit(account, name)
        group = (0 if profit > 0 else 1) + (2 if self.is_hedged(account) else 0)
        if ranking in SPLITS:  # no order
            return (group, 0, account.id)
        if ranking == "priority":  # low first; absent adl_priority comes last
            absent = position.priority is None
            return (group, (absent, 0 if absent else position.priority), account.id)
        if ranking in RATIOS:
            return (group, -self.ratio(ranking, account, name, equity), account.id)
        # profit_leverage: profit (p/|e|)*(n/q), loss (p/|e|)/(n/q); denominators at least one
        entry, equity = max(1, abs(position.entry)), max(1, equity)
        notional = abs(market.value(position.size))
        if profit > 0:
            score = Fraction(profit * notional, entry * equity)
        else:
            score = Fraction(profit * equity, entry * max(1, notional))
        return (group, -score, account.id)

    def closing_order(self, account):
        """Legs close in order of their own profit, highest first, then market id; pooled by market id."""
        if self.is_pooled():
            return sorted(account.positions)
        return sorted(account.positions, key=lambda name: (-self.pool.profit(account, name), name))

    def deleverage(self, account, layer, price):
        """Closes every leg; each carries its share of the deficit by maintenance requirement."""
        pool = self.pool
        legs = {name: account.positions[name].size for name in self.closing_order(account)}
        if not legs:
            return
        owed = -pool.equity(account) if price == "bankruptcy" else 0
        # shares are prefix differences of the deficit, rounded up, in closing order
        weights = self.weights(legs)
        shares = prefix_split(owed, weights, round_up=True)
        protect = layer.get("protect_principal", True) and price == "bankruptcy"
        carried = before = 0
        for (name, size), share, weight in zip(legs.items(), shares, weights):
            told = self.share_shown(pool.money, owed, (sum(weights), before, weight))
            before += weight
            market = pool.markets[name]
            share += carried  # a share that could not be placed is added to the next leg
            value = market.value(size) + share
            if (size < 0) != market.inverse:  # it pays to close: at a price of 0 nothing, what is owed moves on
                value = min(0, value)
            leg = Leg(account, market, abs(size), value, protect, size < 0,
                      price == "mark", told)
            equity = pool.equity(account)
            self.place_leg(leg, layer.get("ranking", "profit_leverage"), size < 0)
            if price == "bankruptcy":
                carried = share - (pool.equity(account) - equity)

    def place_leg(self, leg, ranking, side):
        rows = self.rankings.get((leg.market.id, side), [])
        for rank, (key, account, _) in enumerate(rows, 1):
            if leg.placed < leg.lots and self.is_candidate(leg, account):
                want = min(leg.lots - leg.placed, abs(account.positions[leg.market.id].size))
                self.place(leg, account, self.clamp(leg, account, want),
                           ranking=ranking, rank=rank, **self.score_shown(ranking, key))

    def score_shown(self, ranking, key):
        if ranking != "priority":
            return {"score": price_text(-key[1])}
        absent, priority = key[1]
        return {} if absent else {"score": str(priority)}

    def ratio(self, ranking, account, name, equity):
        """The scores without a loss side, and p/q, as the table under Rankings has them."""
        position, market = account.positions[name], self.pool.markets[name]
        profit = self.pool.profit(account, name)
        notional, entry = abs(market.value(position.size)), abs(position.entry)
        if ranking == "profit_equity":
            return Fraction(profit, max(1, equity))
        if profit <= 0 or (ranking == "margin_profit" and equity <= 0):
            return Fraction(0)
        if ranking == "margin_profit":
            maintenance = ceil_div(notional * market.maintenance_ppm, 10 ** 6)
            return Fraction(profit, max(1, account.collateral)) * Fraction(maintenance, equity)
        # price_leverage: side-aware mark/entry is the ratio of the values, the better one above
        grows = (position.size > 0) != market.inverse
        price = (Fraction(notional, max(1, entry)) if grows
                 else Fraction(entry, max(1, notional)))
        return price * Fraction(notional, max(1, equity))

    @staticmethod
    def share_shown(money, amount, weights):
        """A prefix difference of `amount` by its numbers."""
        return {"amount": money(amount)} | dict(zip(("total", "prefix", "weight"), map(money, weights)))

    def shares_of(self, ranking, lots, accounts, sizes, market):
        """The lots each of them is to close, `lots` in all or everything; and why. sizes: what is left of theirs."""
        def in_lots(number):
            return decimal_text(number * market.lot)

        lots = min(lots, sum(sizes))
        if ranking == "pro_rata":
            before = [sum(sizes[:place]) for place in range(len(sizes))]
            return zip(accounts, prefix_split(lots, sizes), [
                self.share_shown(in_lots, lots, (sum(sizes), *own)) for own in zip(before, sizes)])
        equities = [max(1, self.pool.equity(a)) for a in accounts]
        wants, stay, total, before = water_fill(lots, sizes, equities)
        told = [self.share_shown(self.pool.money, 0, (total, *own)) | {"amount": in_lots(stay)}
                for own in zip(before, equities)]
        return zip(accounts, wants, told)

    def is_candidate(self, leg, account):
        """Solvent, still on the side, checked again at the moment of closing."""
        if leg.market.id not in account.positions or self.pool.equity(account) < 0:
            return False
        if (account.positions[leg.market.id].size > 0) != leg.counter_long:
            return False  # it has taken over more than it held
        if self.are_excluded(leg.account, account, leg.market.id) or self.is_left_out(account, leg.market.id):
            return False  # the venue could not apply their last close
        # with protect_principal one already at a loss at mark is not touched
        return not leg.protect or self.pool.profit(account, leg.market.id) >= 0

    def clamp(self, leg, account, want):
        """The most lots that leave the counterparty's equity >= 0 at the value it really gets."""
        size = account.positions[leg.market.id].size

        def bears(lots):
            released = leg.market.released(size, lots)
            return self.may_lose(account, released + leg.piece(account, lots), abs(released))

        if bears(want):
            return want
        low, high = 0, want
        while high - low > 1:
            middle = (low + high) // 2
            closed = abs(leg.market.released(size, middle))
            might = self.may_lose(account, leg.least(account, middle), closed)
            low, high = (middle, high) if might else (low, middle)
        return next((lots for lots in range(low, 0, -1) if bears(lots)), 0)

    def may_lose(self, account, lost, closed):
        return lost <= self.pool.equity(account) and (
            not self.limits() or self.within_caps(account, lost, closed))

    def place(self, leg, account, lots, **extra):
        """Each piece of a close is one liquidation_close, then one adl."""
        if not lots:
            return
        amount = leg.piece(account, lots)
        equity = self.pool.equity(leg.account)
        memory = self.before_close(leg, account, lots, amount)
        side = leg.account.positions[leg.market.id].size < 0
        rows = self.rankings[leg.market.id, side]
        place = next(i for i, row in enumerate(rows) if row[1] is account)
        extra["queue"] = self.queue_shown(extra["ranking"], rows, place, "rank" in extra)
        shown = self.pool.money(leg.market.shown(-1 if side else 1, leg.value))
        gone = self.close("liquidation_close", leg.account, leg.market, lots, amount, account, leg_value=shown,
                          share=leg.share)
        leg.account.baseline += self.pool.equity(leg.account) - equity
        before = self.before_adl(account)
        if self.limits():
            extra["hits"] = self.hits(account)
        gone = gone, self.close("adl", account, leg.market, lots, -amount, leg.account, **extra)
        if self.limits():
            self.count_adl(account, before)
        self.after_close(memory, gone)
        leg.placed += lots
