# SPDX-License-Identifier: Apache-2.0
"""Liquidity providers in random worlds."""
from oracle_ledger import decimal_text

STANDING = ["lp", "L2", "a1-lp"]


class AssignWorlds:
    """The part of a Grower that registers accounts to take over positions."""

    def assign_layer(self):
        rng, layer = self.rng, {"layer": "assign"}
        if self.chance(0.7):
            layer["spread_ppm"] = rng.choice([0, 1, 100, 2000, 10000, 100000])
        if self.chance(0.3):
            layer["max_cost_ppm"] = rng.choice([0, 1, 500000, 10 ** 6, 10 ** 7, 10 ** 9])
        return layer

    def standing_providers(self, pool):
        """Accounts that hold nothing and are there to take over, with a little or a lot."""
        rng = self.rng
        if not self.oracle.pools[pool].layer("assign"):
            return
        names = rng.sample(STANDING, rng.choice([0, 1, 1, 2, 3]))
        for name in names:
            cash = rng.choice([1, 50, rng.randint(1, 10 ** 5), 10 ** 7, 10 ** 9]) * self.scale
            self.add({"type": "account", "account": name + pool, "pool": pool,
                      "collateral": self.money(cash, pool)})

    def providers(self, names, markets, pool):
        """Some registrations: new, repeated, smaller, removed, and now and then refused."""
        if not self.oracle.pools[pool].layer("assign") and not self.chance(0.05):
            return
        standing = [name + pool for name in STANDING
                    if name + pool in self.oracle.pools[pool].accounts]
        for _ in range(self.rng.choice([1, 2, 3, 5])):
            some = standing if standing and self.chance(0.7) else names
            self.provider(self.rng.choice(some), self.rng.choice(markets), pool)

    def provider(self, name, market, pool):
        rng = self.rng
        held = self.oracle.pools[pool].accounts[name].positions.get(market.id)
        own = abs(held.size) if held else 0
        lots = rng.choice([0, 1, rng.randint(1, 10), own, own + rng.randint(1, 30), 10 ** 6,
                           10 ** 9, 10 ** 9])
        item = {"type": "provider", "account": name, "market": market.id,
                "max_position": decimal_text(lots * market.lot)}
        if self.chance(0.25):
            item["max_size"] = decimal_text(rng.choice([1, 2, rng.randint(1, 50)]) * market.lot)
        if self.chance(0.7):
            item["max_leverage_ppm"] = rng.choice([0, 500000, 3 * 10 ** 6, 10 ** 7, 10 ** 8,
                                                   4 * 10 ** 9])
        if self.chance(0.3):
            item |= {"quota_period": rng.choice(["1m", "2m", "8h"]),
                     "quota_ppm": rng.choice([0, 1000, 100000, 10 ** 6, 10 ** 7])}
        if self.chance(0.4):
            item["priority"] = rng.randint(0, 2)
        if self.chance(0.05):
            item |= rng.choice([{"account": "nobody"}, {"account": "backstop:" + pool},
                                {"market": "nowhere"}, {"max_position": "-1"},
                                {"max_size": "0"}, {"quota_period": "5m"}, {"quota_ppm": 7}])
        self.add(item)
