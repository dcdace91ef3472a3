# SPDX-License-Identifier: Apache-2.0
"""What a venue tells about its own liquidations, in random worlds."""
from oracle_ledger import decimal_text


class VenueWorlds:
    """The part of a Grower that hands accounts over and reports closes unfilled."""

    def hand_over(self, pool):
        """The insolvent, mostly, and now and then somebody else."""
        held, rng = self.oracle.pools[pool], self.rng
        if held.trigger == "equity" and not self.chance(0.02):
            return
        for name in sorted(held.accounts):
            if self.chance(0.7 if held.equity(held.accounts[name]) < 0 else 0.05):
                owner, _, market = name.partition("\0")
                self.add({"type": "handover", "account": owner}
                         | ({"market": market} if market else {}))

    def unfilled(self, pool, kind):
        """Some closes of late could not be applied, in parts; then the next run."""
        held, rng = self.oracle.pools[pool], self.rng
        if not held.closes or not self.chance(0.4):
            return
        if self.chance(0.4):  # what was traded since stands in the way, or not
            self.trade_after(pool)
        for _ in range(rng.choice([1, 1, 2, 4])):
            action = rng.choice([rng.choice(sorted(held.closes)), held.last_action,
                                 rng.choice(sorted(held.closes)), rng.randint(0, held.last_action + 1)])
            close = held.closes.get(action)
            left = close.lots - close.reversed if close else 1
            lots = rng.choice([left, max(1, left // 2), rng.randint(1, max(1, left)), left + 1, 0])
            lot = close.market.lot if close else 1
            self.add({"type": "unfilled", "pool": pool, "action": action,
                      "size": decimal_text(lots * lot)})
        if self.chance(0.4):
            self.other_news(pool)
        self.hand_over(pool)
        self.add({"type": kind, "pool": pool})

    def other_news(self, pool):
        """After a report: the counterparty owes too, or the market turns, and the pair stands the other way round."""
        held, rng = self.oracle.pools[pool], self.rng
        close = held.closes[rng.choice(sorted(held.closes)[-4:])]
        account = close.accounts[1]
        if self.chance(0.5) and "\0" not in account.id and account.id in held.accounts:
            amount = -max(0, held.equity(account)) - rng.randint(1, 50)
            self.add({"type": "transfer", "account": account.id, "kind": "fee", "amount": self.money(amount, pool)})
        else:
            market = held.markets[close.market.id]
            self.plan[market.id] = max(1, round((market.mark or 1) * rng.choice([0.3, 0.7, 1.5, 3])))
            self.mark_all([market])

    def final_settlement(self, names, markets, pool):
        """A market ends, perhaps far from its mark; then somebody still trades in it."""
        rng, market = self.rng, self.rng.choice(markets)
        ticks = max(1, round(self.plan[market.id] * rng.choice([1, rng.uniform(0.5, 1.8)])))
        self.hand_over(pool)
        self.add({"type": "final_settlement", "market": market.id,
                  "price": self.price(market, ticks)})
        if self.chance(0.3):
            self.fills(names, [market], pool)
        if self.chance(0.2):
            self.add({"type": "final_settlement", "market": market.id,
                      "price": self.price(market, ticks)})
        if self.chance(0.2):
            self.unfilled(pool, "settle")

    def trade_after(self, pool):
        """A side of a close trades in that market again, or is set again."""
        held, rng = self.oracle.pools[pool], self.rng
        close = held.closes[rng.choice(sorted(held.closes))]
        account, market = rng.choice(close.accounts), close.market
        lots = rng.randint(1, 2 * close.lots) * rng.choice([-1, 1])
        owner, _, isolated = account.id.partition("\0")
        margin = {"margin": "isolated"} if isolated else {}
        if self.chance(0.3) and not owner.startswith("backstop:"):
            self.add({"type": "position", "account": owner, "market": market.id, "size": "0",
                      "seen_action": held.accounts[owner].last_action} | margin)
            return
        self.add({"type": "fill", "account": owner, "market": market.id} | margin | {
                  "size": decimal_text(lots * market.lot), "price": self.price(
                      market, max(1, round(self.plan[market.id] * rng.uniform(0.9, 1.1))))})
