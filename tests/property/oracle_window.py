# SPDX-License-Identifier: Apache-2.0
"""The oracle's window since a default (docs/policies.md, Window).

Readings: (1) Each account has a second baseline, set to its equity when the window opens and moved
by all that moves the period's, but not by a period's end. Its gain is equity - that baseline + what
the window has taken. (2) The loss is what has been taken from the accounts so far and what is to be
divided, less what the fund pays back. It is divided by the rule of the layer over gains and equities
before anything was taken; differences to what was taken are settled: refunds first, then haircuts,
in the order of ids. (3) What nobody else can bear stays with those it was taken from: what is due to
them is refunded only in part. What is more than that is unallocated. (4) An insolvent account is
left out. What the fund or others pay for it is set off against what was taken from it. (5) It
happens when there is a loss to be divided, at a period's end, and before claims are paid: what the
fund could pay for claims goes to the window's loss first, named with the backstop account; claims
are what is beyond. A refund lowers the claim. (6) Without an open window the gain of the period
stands for its, and nothing is recomputed. (7) A window closes with the waterfall it was opened for.
"""
from oracle_ledger import prefix_split


def in_force(pool):
    return pool.window is not None and (pool.layer("haircut") or {}).get("basis") == "window_gain"


def window_gain(pool, account):
    return pool.equity(account) - account.window_baseline + account.window_taken


def open_window(pool, name):
    pool.window = name
    for account in pool.accounts.values():
        account.window_baseline, account.window_taken = pool.equity(account), 0


def close_window(pool):
    name, pool.window = pool.window, None
    for account in pool.accounts.values():
        account.window_taken = 0
    return name


class Window:
    """The part of a Settlement that divides what a window's payers bear."""

    def window_cycle(self):
        """Whether the period's end recomputes."""
        return self.closes and any(a.window_taken for a in self.pool.accounts.values())

    def can_be_asked(self):
        return [account for account in self.traders() if self.pool.equity(account) >= 0]

    def window_shares(self, payers, loss):
        """({account id: (share, payer, numbers)}, what they cannot bear)."""
        shares = {}
        first = [p for p in payers if p.weight > 0]
        last = [p for p in payers if p.weight == 0 and p.cap > 0]
        for payer in last:
            payer.weight = payer.cap
        for group in (first, last):
            while group and loss:
                total, prefix = sum(p.weight for p in group), 0
                numbers = {"loss": loss, "gains_total": total}
                full = [p for p in group if loss * p.weight >= p.cap * total]
                for payer in full:
                    shares[payer.account.id] = (payer.cap, payer, numbers)
                if not full:
                    for payer, share in zip(group, prefix_split(loss, [p.weight for p in group])):
                        shares[payer.account.id] = (share, payer, numbers | {"prefix": prefix})
                        prefix += payer.weight
                    loss = 0
                    break
                loss -= sum(p.cap for p in full)
                group = [p for p in group if p not in full]
        return shares, loss

    def divide_window(self, haircut, paid_back):
        pool, asked = self.pool, self.can_be_asked()
        loss = sum(account.window_taken for account in asked) + pool.period_loss - paid_back
        shares, rest = self.window_shares(self.window_payers(haircut), loss)
        due = {}
        for account in asked:
            share = shares.get(account.id, (0,))[0]
            due[account.id] = max(0, account.window_taken - share)
        kept = min(rest, sum(due.values()))
        self.refunds(asked, due, sum(due.values()) - kept)
        for account in asked:
            if account.id in shares:
                share, payer, numbers = shares[account.id]
                self.window_haircut(account, share - account.window_taken, payer, numbers)
        if paid_back:
            pool.backstop.collateral -= paid_back
            self.publish("restitution", pool.backstop, amount=pool.money(paid_back))
        if rest > kept:
            pool.unallocated += rest - kept
            self.publish("unallocated_deficit", pool.backstop, amount=pool.money(rest - kept))
        pool.period_loss = 0

    def refunds(self, asked, due, amount):
        pool, prefix = self.pool, 0
        for account, back in zip(asked, prefix_split(amount, [due[a.id] for a in asked])
                                 if amount else []):
            if back:
                numbers = {"amount": back, "gain": window_gain(pool, account), "loss": amount,
                           "gains_total": sum(due.values()), "prefix": prefix,
                           "weight": due[account.id], "taken": account.window_taken}
                account.collateral += back
                account.window_taken -= back
                account.claim -= min(account.claim, back)
                self.publish("refund", account, basis="window_gain",
                             **{name: pool.money(number) for name, number in numbers.items()})
            prefix += due[account.id]

    def window_payers(self, haircut):
        """As they were before the window took anything."""
        given = {}
        for account in self.can_be_asked():
            given[account.id] = account.window_taken
            account.collateral += account.window_taken
        payers = self.payers_of(haircut, self.can_be_asked(), lambda account: (
            self.pool.equity(account) - account.window_baseline))
        for account in self.traders():
            account.collateral -= given.get(account.id, 0)
        return payers

    def window_haircut(self, account, amount, payer, numbers):
        if amount <= 0:
            return
        numbers = numbers | {"amount": amount, "gain": payer.gain, "taken": account.window_taken}
        if payer.weight != payer.gain:
            numbers["weight"] = payer.weight
        self.pay(account, amount, 0)
        account.window_taken += amount
        self.publish("haircut", account, basis="window_gain",
                     **{name: self.pool.money(number) for name, number in numbers.items()})

    def pay_window_back(self, has):
        """Of what the fund could pay for claims, what goes to the window; what is left."""
        taken = sum(account.window_taken for account in self.can_be_asked())
        paid = min(has, taken, sum(account.claim for account in self.pool.accounts.values()))
        if paid > 0:
            self.divide_window(self.pool.layer("haircut"), paid)
