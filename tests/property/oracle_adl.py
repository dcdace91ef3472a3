# SPDX-License-Identifier: Apache-2.0
"""The oracle's rankings and its adl layer (DESIGN 3.3, 3.4)."""
from dataclasses import dataclass
from fractions import Fraction

from oracle_ledger import Account, Market, ceil_div, prefix_split


@dataclass
class Leg:
    """One position being closed piece by piece: lots, exact value V, and how far it got."""
    account: Account
    market: Market
    lots: int
    value: int
    protect: bool
    placed: int = 0

    def piece(self, counterparty, lots):
        """What the closing account receives for its next lots, against this counterparty."""
        # DESIGN 2: after P of Q lots the closing account has received ceil(V*P/Q)
        amount = (ceil_div(self.value * (self.placed + lots), self.lots)
                  - ceil_div(self.value * self.placed, self.lots))
        if self.protect:
            # DESIGN 3.4: worse than its entry is closed at its entry, its realised profit is 0
            position = counterparty.positions[self.market.id]
            amount = min(amount, -(position.entry * lots // abs(position.size)))
        return amount


class Adl:
    """The part of a Settlement that ranks and deleverages."""

    def rank_all(self):
        """DESIGN 3.3: each market side is ranked once for this settlement, after netting."""
        adl = self.pool.layer("adl")
        if not adl:
            return
        for account in self.traders():
            equity = self.pool.equity(account)
            if equity < 0:  # candidates are solvent and not the backstop account
                continue
            for name, position in account.positions.items():
                key = self.rank_key(adl.get("ranking", "profit_leverage"), account, name, equity)
                side = self.rankings.setdefault((name, position.size > 0), [])
                side.append((key, account))
        for side in self.rankings.values():
            side.sort(key=lambda row: row[0])

    def rank_key(self, ranking, account, name, equity):
        """Positions with profit > 0 strictly first; then score desc; then account id."""
        position, market = account.positions[name], self.pool.markets[name]
        profit = self.pool.profit(account, name)
        group = 0 if profit > 0 else 1
        if ranking == "pro_rata":  # no order
            return (group, 0, account.id)
        if ranking == "priority":  # low first; absent adl_priority comes last
            absent = position.priority is None
            return (group, (absent, 0 if absent else position.priority), account.id)
        # profit_leverage: profit (p/|e|)*(n/q), loss (p/|e|)/(n/q); denominators at least one
        entry, equity = max(1, abs(position.entry)), max(1, equity)
        notional = abs(market.value(position.size))
        if profit > 0:
            score = Fraction(profit * notional, entry * equity)
        else:
            score = Fraction(profit * equity, entry * max(1, notional))
        return (group, -score, account.id)

    def deleverage(self, account, layer, price):
        """Closes every leg; each carries its share of the deficit by maintenance requirement."""
        pool = self.pool
        # legs close in order of their own profit, highest first, then market id
        order = sorted(account.positions, key=lambda name: (-pool.profit(account, name), name))
        legs = {name: account.positions[name].size for name in order}
        if not legs:
            return
        owed = -pool.equity(account) if price == "bankruptcy" else 0
        # shares are prefix differences of the deficit, rounded up, in closing order
        shares = prefix_split(owed, self.weights(legs), round_up=True)
        protect = layer.get("protect_principal", True) and price == "bankruptcy"
        carried = 0
        for (name, size), share in zip(legs.items(), shares):
            market = pool.markets[name]
            share += carried  # a share that could not be placed is added to the next leg
            leg = Leg(account, market, abs(size), market.value(size) + share, protect)
            equity = pool.equity(account)
            self.place_leg(leg, layer.get("ranking", "profit_leverage"), size < 0)
            carried = share - (pool.equity(account) - equity)

    def place_leg(self, leg, ranking, side):
        rows = self.rankings.get((leg.market.id, side), [])
        if ranking == "pro_rata":
            # lots split by size over positions in profit, then over the rest
            for group in (0, 1):
                self.split_lots(leg, [account for key, account in rows if key[0] == group])
            return
        for rank, (_, account) in enumerate(rows, 1):
            if leg.placed < leg.lots and self.is_candidate(leg, account):
                want = min(leg.lots - leg.placed, abs(account.positions[leg.market.id].size))
                self.place(leg, account, self.clamp(leg, account, want),
                           ranking=ranking, rank=rank)

    def split_lots(self, leg, accounts):
        """Prefix differences by size; what a clamp refuses is split again by remaining size."""
        accounts = [account for account in accounts if self.is_candidate(leg, account)]
        while accounts and leg.placed < leg.lots:
            sizes = [abs(account.positions[leg.market.id].size) for account in accounts]
            wants = prefix_split(min(leg.lots - leg.placed, sum(sizes)), sizes)
            staying = []
            for account, want in zip(accounts, wants):
                lots = self.clamp(leg, account, want)
                self.place(leg, account, lots, ranking="pro_rata")
                if lots == want and leg.market.id in account.positions:
                    staying.append(account)  # the clamped drop out of the following rounds
            accounts = staying

    def is_candidate(self, leg, account):
        """Solvent, still on the side, checked again at the moment of closing."""
        if leg.market.id not in account.positions or self.pool.equity(account) < 0:
            return False
        # with protect_principal one already at a loss at mark is not touched
        return not leg.protect or self.pool.profit(account, leg.market.id) >= 0

    def clamp(self, leg, account, want):
        """The most lots that leave the counterparty's equity >= 0 at the value it really gets."""
        equity = self.pool.equity(account)
        sign = 1 if account.positions[leg.market.id].size > 0 else -1

        def bears(lots):
            return equity - leg.market.value(sign * lots) - leg.piece(account, lots) >= 0

        low, high = 0, want  # the cost never falls with more lots, so the middle can be tried
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if bears(middle) else (low, middle - 1)
        return low

    def place(self, leg, account, lots, **extra):
        """Each piece of a close is one liquidation_close, then one adl."""
        if not lots:
            return
        amount = leg.piece(account, lots)
        equity = self.pool.equity(leg.account)
        self.close("liquidation_close", leg.account, leg.market, lots, amount, account)
        leg.account.baseline += self.pool.equity(leg.account) - equity
        self.close("adl", account, leg.market, lots, -amount, leg.account, **extra)
        leg.placed += lots
