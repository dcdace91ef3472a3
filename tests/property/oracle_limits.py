# SPDX-License-Identifier: Apache-2.0
"""What the oracle's adl layer spares a counterparty: hedged ones come last, and caps on what one
account may lose or have closed in a settlement and in a day (UTC).

Readings: (1) a share is of the account's equity (loss) and of its positions' value at mark (close)
before its first close in the settlement, or in the day, rounded down; a cap may be 0, then it is
not touched. (2) What was closed is what the value at mark of all its positions fell by, what was
lost what its equity fell by. (3) An isolated margin has caps of its own. (4) A reversal gives
nothing back of a cap, and a close under a layer without any cap does not count against a later one.
(5) Hedged is who has |net| * 10^6 <= x * gross, in values at mark; the four tiers are: in profit,
not in profit, hedged in profit, hedged not in profit.
"""
from dataclasses import dataclass

CAPS = {"settlement": ("max_loss_ppm", "max_close_ppm"),
        "day": ("max_loss_ppm_per_day", "max_close_ppm_per_day")}
DAY = 86400000


@dataclass
class Tally:
    window: int
    equity: int
    gross: int
    lost: int = 0
    closed: int = 0


def worth(pool, name, position):
    """At mark; where an indicator is asked for without one, at entry."""
    market = pool.markets[name]
    return abs(position.entry if market.mark is None else market.value(position.size))


def gross(pool, account):
    return sum(worth(pool, name, position) for name, position in account.positions.items())


class Limits:
    """The part of a Settlement that spares counterparties."""

    def is_hedged(self, account):
        share = (self.pool.layer("adl") or {}).get("hedged_last_ppm")
        if share is None:
            return False
        net = sum(worth(self.pool, name, position) * (1 if position.size > 0 else -1)
                  for name, position in account.positions.items())
        return abs(net) * 10 ** 6 <= share * gross(self.pool, account)

    def limits(self):
        layer = self.pool.layer("adl") or {}
        return any(cap in layer for caps in CAPS.values() for cap in caps)

    def tallies(self, account):
        windows = {"settlement": self.pool.settlements + 1, "day": self.now // DAY}
        for name, window in windows.items():
            held = account.tallies.get(name)
            if held is None or held.window != window:
                yield name, Tally(window, self.pool.equity(account), gross(self.pool, account))
            else:
                yield name, held

    def within_caps(self, account, lost, closed):
        layer = self.pool.layer("adl")
        for name, tally in self.tallies(account):
            loss, close = (layer.get(cap) for cap in CAPS[name])
            if loss is not None and tally.lost + lost > tally.equity * loss // 10 ** 6:
                return False
            if close is not None and tally.closed + closed > tally.gross * close // 10 ** 6:
                return False
        return True

    def before_adl(self, account):
        return dict(self.tallies(account)), self.pool.equity(account), gross(self.pool, account)

    def count_adl(self, account, before):
        tallies, equity, value = before
        for tally in tallies.values():
            tally.lost += equity - self.pool.equity(account)
            tally.closed += value - gross(self.pool, account)
        account.tallies = tallies

    def hits(self, account):
        """Its closes of the day, this one included."""
        held = account.tallies.get("day")
        same = held is not None and held.window == self.now // DAY
        account.hits = account.hits + 1 if same else 1
        return account.hits
