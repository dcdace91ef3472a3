# SPDX-License-Identifier: Apache-2.0
"""Who takes money out, and who leaves for good, in random worlds."""


class LeavingWorlds:
    """The part of a Grower that withdraws, empties the fund and deletes accounts."""

    def leaving(self, names, pool):
        for _ in range(self.rng.choice([1, 1, 2, 3])):
            pick = self.rng.random()
            if pick < 0.5:
                self.withdraw(names, pool)
            elif pick < 0.75:
                self.take_from_fund(pool)
            else:
                self.delete(names, pool)

    def withdraw(self, names, pool):
        """Just as much as is left of somebody's gain by the deficits of others, or one quantum more."""
        rng, held = self.rng, self.oracle.pools[pool]
        winners = [name for name in names if name in held.accounts and held.gain(held.accounts[name]) > 0]
        name = rng.choice(winners or names)
        if name not in held.accounts:
            return
        account = held.accounts[name]
        equity = held.equity(account)
        stake = min(equity, self.oracle.gain_at_stake(held, account))
        kept = rng.choice([stake, min(stake, self.oracle.deficits(held)), stake // 2, 0])
        self.add({"type": "transfer", "account": name, "kind": rng.choice(["withdrawal"] * 4 + ["fee"]),
                  "amount": self.money(-max(0, equity - kept) - rng.choice([0, 0, 1]), pool)})

    def take_from_fund(self, pool):
        """All that it has free, one quantum more, or a little."""
        rng, held = self.rng, self.oracle.pools[pool]
        fund = held.backstop
        free = max(0, min(fund.collateral, held.equity(fund)) - held.kept())
        amount = self.money(-rng.choice([free, free + 1, 1, free // 2]), pool)
        item = {"type": "insurance_fund", "pool": pool, "amount": amount}
        if self.chance(0.4):
            item = {"type": "transfer", "account": fund.id, "amount": amount,
                    "kind": rng.choice(["withdrawal", "fee", "funding", "rebate"])}
        if self.chance(0.2):
            item["transfer_id"] = self.new_id()
            self.done.append(item)
        self.add(item)

    def delete(self, names, pool):
        """Somebody is emptied, with or without a period's end, deleted, and perhaps back with old news."""
        rng, held = self.rng, self.oracle.pools[pool]
        name = rng.choice(names)
        if name not in held.accounts:
            return
        seen = {"seen_action": held.accounts[name].last_action}
        old = {"type": "account", "account": name, "pool": pool,
               "collateral": self.money(held.accounts[name].collateral, pool)}
        self.add(old | seen | {"collateral": "0", "positions": []})
        if self.chance(0.5):
            self.add({"type": "close_period", "pool": pool})
        self.add({"type": "delete_account", "account": name})
        late = {"seen_action": max(0, seen["seen_action"] - 1)}
        if self.chance(0.3):
            self.add(old | late)
        if name not in held.accounts:
            self.add(old | {"seen_action": self.oracle.deleted_last_action(held, name)})
