# SPDX-License-Identifier: Apache-2.0
"""The oracle's memory beyond a period: gains by age, and claims on the fund.

Readings: (1) age 0 is the current period, age k the k-th before it; a period's loss eats the
youngest gain first. The loss is divided over the gains of age 0, what they cannot bear over those
of age 1, and so on to age `seniority`. A haircut of an older gain leaves the gain of the period as
it is. (2) The backstop account's ages do not matter. (3) With `restitution` every haircut of the
layer is a claim. At the end of a run that does not wait, if no loss is open and no deficit
unallocated, the fund (not a restricted one) pays min(cash, equity) - floor (or the drawdown's threshold), at most the claims, to solvent claimants in
proportion to their claims; it is no gain of the period. (4) Claims stay when the option goes; they
are paid while the layer in force has it. An account with a claim cannot be deleted. (5) What the
fund or others pay for an insolvent claimant is set off against its claim first.
"""
from oracle_ledger import prefix_split
from oracle_window import in_force

AGES = 7


def gain_of_age(pool, account, age):
    """What is left of it after the losses of younger periods; of age 0 signed."""
    gain = pool.gain(account)
    if age == 0:
        return gain
    lost = max(0, -gain)
    for older in account.gains[:age]:
        left = older - min(older, lost)
        lost -= min(older, lost)
    return left


class Claims:
    """The part of a Settlement that looks beyond its period."""

    def grow_older(self):
        pool, haircut = self.pool, self.pool.layer("haircut") or {}
        ages = haircut.get("seniority", 0)
        for account in pool.accounts.values():
            grown = [max(0, gain_of_age(pool, account, age)) for age in range(ages)]
            account.gains = grown + [0] * (AGES - ages)

    def pay(self, account, amount, age):
        """A haircut of a gain of this age."""
        account.collateral -= amount
        if age:
            account.baseline -= amount
            account.gains[age - 1] -= amount
        if (self.pool.layer("haircut") or {}).get("restitution"):
            account.claim += amount

    def set_off(self, account, debt):
        account.claim -= min(account.claim, debt)
        account.window_taken -= min(account.window_taken, debt)

    def payable(self):
        pool = self.pool
        return min(pool.backstop.collateral - pool.kept(), pool.common()) - self.least

    def restitute(self):
        pool, backstop = self.pool, self.pool.backstop
        if not (pool.layer("haircut") or {}).get("restitution"):
            return
        if pool.period_loss or pool.unallocated or self.restricted:
            return
        if in_force(pool):
            self.pay_window_back(self.payable())
        claims = {a.id: a.claim - a.window_taken for a in pool.accounts.values()}
        claimants = [a for _, a in sorted(pool.accounts.items())
                     if claims[a.id] > 0 and pool.equity(a) >= 0]
        has = self.payable()
        paid = min(has, sum(claims[account.id] for account in claimants))
        if paid <= 0:
            return
        for account, amount in zip(claimants, prefix_split(paid, [claims[a.id] for a in claimants])):
            if amount:
                backstop.collateral -= amount
                account.collateral += amount
                account.baseline += amount
                account.claim -= amount
                self.publish("restitution", account, amount=pool.money(amount))
