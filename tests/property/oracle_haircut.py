# SPDX-License-Identifier: Apache-2.0
"""The oracle's division of a loss among those who gained (DESIGN 3.4)."""
from oracle_ledger import prefix_split


class Haircut:
    """The part of a Settlement that divides the period loss."""

    def divide_loss(self, haircut):
        pool, market_rest = self.pool, 0
        basis, loss = haircut.get("basis", "period_gain"), pool.period_loss
        if haircut.get("scope", "pool") == "market":
            for name in sorted(name for name in self.debts if name is not None):
                market_rest += self.divide(self.debts[name], basis, name)
            # what a market's payers cannot bear passes to the pool's
            loss = self.debts.get(None, 0) + market_rest
        rest = self.divide(loss, basis, None)
        pool.period_loss = 0
        self.debts = {}
        if rest:
            pool.unallocated += rest  # what payers could not bear names the backstop account
            self.publish("unallocated_deficit", pool.backstop, amount=pool.money(rest))

    def payers(self, basis, market_id):
        """Solvent, gain > 0, not the backstop account; (account, weight = gain, cap)."""
        pool, rows = self.pool, []
        for account in self.traders():
            if market_id is not None:
                gain = pool.rest(account, market_id) if market_id in account.positions else 0
            elif basis == "unrealized_profit":
                gain = sum(pool.rest(account, name) for name in account.positions)
            else:
                gain = pool.gain(account)
            equity = pool.equity(account)
            if equity >= 0 and gain > 0:
                rows.append((account, gain, min(gain, equity)))  # the cap is min(gain, equity)
        return rows

    def divide(self, loss, basis, market_id):
        """Whoever reaches the cap pays it and the rest is divided again; returns what is left."""
        payers = self.payers(basis, market_id) if loss else []
        while payers and loss:
            total = sum(gain for _, gain, _ in payers)
            full = [row for row in payers if loss * row[1] >= row[2] * total]
            if not full:
                shares = prefix_split(loss, [gain for _, gain, _ in payers])
                prefix = 0
                for (account, gain, _), share in zip(payers, shares):
                    self.haircut(account, share, basis, market_id, gain, loss, total, prefix)
                    prefix += gain
                return 0
            for account, gain, cap in full:
                self.haircut(account, cap, basis, market_id, gain, loss, total, None)
            loss -= sum(cap for _, _, cap in full)
            payers = [row for row in payers if row not in full]
        return loss

    def haircut(self, account, amount, basis, market_id, gain, loss, total, prefix):
        pool = self.pool
        if not amount:
            return
        account.collateral -= amount
        if market_id is not None:
            account.positions[market_id].taken += amount
        elif basis == "unrealized_profit":
            # booked to its positions with a positive rest by prefix differences, market-id order
            names = [name for name in sorted(account.positions) if pool.rest(account, name) > 0]
            shares = prefix_split(amount, [pool.rest(account, name) for name in names])
            for name, share in zip(names, shares):
                account.positions[name].taken += share
        fields = {"amount": pool.money(amount), "gain": pool.money(gain), "basis": basis,
                  "loss": pool.money(loss), "gains_total": pool.money(total)}
        if prefix is not None:
            fields["prefix"] = pool.money(prefix)
        if market_id is not None:
            fields["market"] = market_id
        self.publish("haircut", account, **fields)
