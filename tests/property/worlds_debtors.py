# SPDX-License-Identifier: Apache-2.0
"""Random worlds with several debtors on a market side, under a split."""

SPLITS = ("pro_rata", "leverage_water_fill")


class DebtorWorlds:
    """The part of a Grower that puts about half of the accounts under water, mostly on one side."""

    def owes(self, name, names):
        return self.mood == "debtors" and name in names[:max(2, len(names) * self.owing // 10)]

    def rows_of_debtors(self, accounts, markets):
        """In each market some debtors stand against some others; now and then one stands with the others."""
        rng, rows = self.rng, {name: [] for name in accounts}
        for market in markets:
            side, big = rng.choice([-1, 1]), rng.choice([2, 5, 12, 60, 1000])
            chosen = rng.sample(accounts, rng.randint(min(4, len(accounts)), len(accounts)))
            sizes = []
            for name in chosen[1:]:
                own = side if self.owes(name, accounts) != self.chance(0.08) else -side
                sizes.append(own * rng.randint(1, big))
            for name, size in zip(chosen, [-sum(sizes)] + sizes):
                if size:
                    rows[name].append((market, size, self.entry_price(market, size)))
        return rows

    def target_of_debtors(self, owes):
        """Debts of all sizes; others who bear a lot, a little or nothing."""
        rng, scale = self.rng, self.scale
        if owes:
            return -rng.choice([1, rng.randint(1, 30), rng.randint(1, 300) * scale, rng.randint(1, 3000) * scale])
        return rng.choice([0, 1, rng.randint(0, 30), rng.randint(0, 300) * scale, rng.randint(0, 3000) * scale,
                           rng.randint(3000, 100000) * scale, rng.randint(3000, 100000) * scale])
