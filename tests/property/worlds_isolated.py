# SPDX-License-Identifier: Apache-2.0
"""Isolated margins in random worlds."""
from oracle_ledger import decimal_text, fixed_text


class IsolatedWorlds:
    """The part of a Grower that keeps some positions apart from the rest of their account."""

    def isolate(self, rows, decimals):
        """(rows that stay cross, items of those that do not), each with an equity of its own."""
        stay, apart = [], []
        for market, size, price in rows:
            if not self.isolates or self.chance(0.6):
                stay.append((market, size, price))
                continue
            collateral = self.target() - self.worth(market, size, price)
            apart.append({"market": market.id, "size": decimal_text(size * market.lot),
                          "entry_price": price, "margin": "isolated",
                          "collateral": fixed_text(collateral, decimals)})
        return stay, apart

    def isolated_news(self, names, markets, pool):
        """Money, a trade or an absolute update of an isolated margin, that may not exist."""
        rng, held = self.rng, self.oracle.pools[pool]
        name, market = rng.choice(names), rng.choice(markets)
        isolated = [key.split("\0") for key in sorted(held.accounts) if "\0" in key]
        if isolated and self.chance(0.8):
            name, market_id = rng.choice(isolated)
            market = held.markets[market_id]
        where = {"account": name, "market": market.id}
        margin = held.accounts.get(f"{name}\0{market.id}")
        pick = rng.random()
        if pick < 0.4:
            amount = rng.choice([rng.randint(1, 500) * self.scale, -rng.randint(1, 50)])
            if margin and self.chance(0.5):
                amount = self.target() - held.equity(margin)
            item = {"type": "transfer", "amount": self.money(amount, pool)}
            if self.chance(0.3):
                item["kind"] = rng.choice(["fee", "funding", "deposit"])
            if self.chance(0.3):
                item["transfer_id"] = self.new_id()
                self.done.append(item | where)
            self.add(item | where)
        elif pick < 0.7:
            lots = rng.choice([1, -1, rng.randint(-20, 20) or 1])
            price = self.price(market, max(1, round(self.plan[market.id] * rng.uniform(0.8, 1.2))))
            item = {"type": "fill", "margin": "isolated", "price": price,
                    "size": decimal_text(lots * market.lot)} | where
            self.add(item)
            if self.chance(0.8):  # the other side
                back = {"size": decimal_text(-lots * market.lot), "account": rng.choice(names)}
                self.add({key: value for key, value in (item | back).items() if key != "margin"})
        else:
            item = {"type": "position", "margin": "isolated",
                    "size": decimal_text(rng.choice([0, 0, -3, 2]) * market.lot),
                    "entry_price": self.entry_price(market, 1),
                    "seen_action": held.accounts[name].last_action} | where
            if self.chance(0.6):
                item["collateral"] = self.money(rng.choice([0, 0, self.target()]), pool)
            self.add(item)
