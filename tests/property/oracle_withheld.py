# SPDX-License-Identifier: Apache-2.0
"""What may leave a pool while somebody is under water (docs/policies.md, Withdrawals).

Readings: (1) "somebody" is any account but the backstop's, isolated margins and accounts that nobody
has handed over included, at the marks held now, stale or not. (2) A withdrawal that takes too much is
insufficient_equity before it is gain_withheld or fund_needed. (3) What is kept is min(equity, gain) as
they are before the withdrawal. With an unrealized_profit haircut the gain is the signed sum of the
account's rests, with a window in force that of the window less what it has taken, else that of the
period and of the ages the layer looks at. (4) The fund gives nothing meanwhile, whatever the kind; a
negative fee, funding or rebate of its account is a withdrawal too. A transfer of 0 takes nothing.
"""
from oracle_ledger import check
from oracle_window import in_force
from oracle_settlement import Settlement


class Withheld:
    """The part of the Oracle that keeps money in."""

    def deficits(self, pool):
        """Of all accounts, at the marks held now."""
        return sum(max(0, -pool.equity(account)) for account in pool.accounts.values()
                   if account is not pool.backstop)

    def is_open(self, pool):
        """What somebody will have to bear is not known yet."""
        return pool.period_loss > 0 or not Settlement(pool, self.now).ready()

    def fund_is_needed(self, pool):
        return (self.is_open(pool) or self.deficits(pool) > 0 or pool.unallocated > 0
                or any(account.claim for account in pool.accounts.values()))

    def gain_at_stake(self, pool, account):
        haircut = pool.layer("haircut") or {}
        if haircut.get("basis") == "unrealized_profit":
            return sum(pool.rest(account, name) for name in account.positions)
        if in_force(pool):
            return pool.equity(account) - account.window_baseline
        return pool.gain(account) + sum(account.gains[:haircut.get("seniority", 0)])

    def check_leaving(self, pool, account, amount, kind):
        if account is pool.backstop:
            if amount < 0:
                own = min(account.collateral, pool.equity(account)) - pool.kept()
                check(own + amount >= 0, "insufficient_equity")
                check(not self.fund_is_needed(pool), "fund_needed")
            return
        if kind != "withdrawal":
            return  # fees and funding of traders are the venue's word
        equity = pool.equity(account)
        check(equity + amount >= 0, "insufficient_equity")
        kept = min(equity, self.gain_at_stake(pool, account))
        if not self.is_open(pool):
            kept = min(kept, self.deficits(pool))
        check(equity + amount >= kept, "gain_withheld")
