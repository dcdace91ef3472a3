# SPDX-License-Identifier: Apache-2.0
"""The oracle's division of a loss among those who gained (docs/policies.md, Layer `haircut`)."""
from dataclasses import dataclass, replace

from oracle_claims import gain_of_age
from oracle_ledger import Account, prefix_split
from oracle_window import in_force


def basis_of(haircut):
    """Of a division that no window is open for."""
    basis = haircut.get("basis", "period_gain")
    return "period_gain" if basis == "window_gain" else basis


@dataclass
class Payer:
    account: Account
    gain: int
    weight: int
    cap: int


@dataclass
class Place:
    """Where a division looks for gains: the pool, a market, or one side of it."""
    market: str | None = None
    long: bool | None = None
    age: int = 0  # of the gains of a period

    def has(self, name, position):
        return (self.market in (None, name)
                and self.long in (None, position.size > 0))


class Haircut:
    """The part of a Settlement that divides the period loss."""

    def debt_places(self, haircut, owed, held):
        """[(place, part)]: by maintenance of the legs held at detection, or the pool's."""
        scope = haircut.get("scope", "pool")
        if scope == "pool" or not held:
            return [((None, None), owed)]
        shares = prefix_split(owed, self.weights(held))
        # the payers of a side are those opposite to the debtor's leg
        return [((name, lots < 0 if scope == "side" else None), share)
                for (name, lots), share in zip(held.items(), shares)]

    def divide_loss(self, haircut):
        pool, left = self.pool, 0
        if in_force(pool):
            if pool.period_loss or self.window_cycle():
                self.divide_window(haircut, 0)
            return
        loss = pool.period_loss
        if haircut.get("scope", "pool") != "pool":
            places = [place for place in self.debts if place[0] is not None]
            for name, long in sorted(places, key=lambda place: (place[0], place[1] is False)):
                left += self.divide(self.debts[name, long], haircut, Place(name, long))
            # what a market's payers cannot bear passes to the pool's
            loss = self.debts.get((None, None), 0) + left
        rest = self.divide(loss, haircut, Place())
        pool.period_loss = 0
        self.debts = {}
        if rest:
            pool.unallocated += rest  # what payers could not bear names the backstop account
            self.publish("unallocated_deficit", pool.backstop, amount=pool.money(rest))

    def payers(self, haircut, place):
        """Solvent, gain > 0, not the backstop account; weight and cap by the rule."""
        pool = self.pool

        def gain_in(account):
            if basis_of(haircut) == "period_gain":
                return gain_of_age(pool, account, place.age)
            return sum(pool.rest(account, name) for name, position
                       in account.positions.items() if place.has(name, position))

        return self.payers_of(haircut, self.traders(), gain_in)

    def payers_of(self, haircut, accounts, gain_in):
        pool, rows = self.pool, []
        rule = haircut.get("rule", "pro_rata")
        for account in accounts:
            gain = gain_in(account)
            equity = pool.equity(account)
            if equity < 0 or gain <= 0:
                continue
            weight, cap = gain, min(gain, equity)  # the cap is min(gain, equity)
            if rule == "capped_pro_rata" and account.haircut_cap_ppm is not None:
                cap = min(cap, gain * account.haircut_cap_ppm // 10 ** 6)
            elif rule == "risk_aware":  # gain x leverage
                notional = sum(abs(pool.markets[name].value(position.size))
                               for name, position in account.positions.items())
                weight = min(2 ** 94, gain * notional // max(1, equity))
            elif rule == "min_max":  # the same haircut/equity for all below their caps
                weight = equity
            rows.append(Payer(account, gain, weight, cap))
        return rows

    def divide(self, loss, haircut, place):
        for age in range(haircut.get("seniority", 0) + 1):
            loss = self.divide_age(loss, haircut, replace(place, age=age))
        return loss

    def divide_age(self, loss, haircut, place):
        payers = self.payers(haircut, place) if loss else []
        loss = self.divide_among([p for p in payers if p.weight > 0], loss, haircut, place)
        # zero-weight payers last, by their caps
        last = [Payer(p.account, p.gain, p.cap, p.cap) for p in payers if p.weight == 0]
        return self.divide_among([p for p in last if p.cap > 0], loss, haircut, place)

    def divide_among(self, payers, loss, haircut, place):
        """A payer that reaches its cap pays it, and the rest is divided again; returns what is left."""
        while payers and loss:
            total = sum(p.weight for p in payers)
            full = [p for p in payers if loss * p.weight >= p.cap * total]
            if not full:
                shares = prefix_split(loss, [p.weight for p in payers])
                prefix = 0
                for payer, share in zip(payers, shares):
                    self.haircut(payer, share, haircut, place,
                                 loss=loss, gains_total=total, prefix=prefix)
                    prefix += payer.weight
                return 0
            for payer in full:
                self.haircut(payer, payer.cap, haircut, place, loss=loss, gains_total=total)
            loss -= sum(p.cap for p in full)
            payers = [p for p in payers if p not in full]
        return loss

    def haircut(self, payer, amount, haircut, place, **numbers):
        pool, account = self.pool, payer.account
        basis = basis_of(haircut)
        if not amount:
            return
        self.pay(account, amount, place.age)
        if basis == "unrealized_profit":
            # booked to its positions with a positive rest by prefix differences, market-id order
            names = [name for name in sorted(account.positions) if pool.rest(account, name) > 0
                     and place.has(name, account.positions[name])]
            shares = prefix_split(amount, [pool.rest(account, name) for name in names])
            for name, share in zip(names, shares):
                account.positions[name].taken += share
        numbers |= {"amount": amount, "gain": payer.gain}
        aged = {"age": str(place.age)} if haircut.get("seniority") else {}
        if payer.weight != payer.gain:
            numbers["weight"] = payer.weight
        fields = {name: pool.money(number) for name, number in numbers.items()}
        if place.market is not None:
            fields["market"] = place.market
        if place.long is not None:
            fields["side"] = "long" if place.long else "short"
        self.publish("haircut", account, basis=basis, **fields, **aged)
