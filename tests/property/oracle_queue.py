# SPDX-License-Identifier: Apache-2.0
"""The oracle's account of a place in a queue: what it follows from, and the digest of the list
(docs/records.md)."""
from dataclasses import dataclass

from oracle_ledger import ceil_div, visible

MASK = 2 ** 64 - 1
NO_PRIORITY = 2 ** 32 - 1
SCORED = {"profit_leverage": ("profit", "entry_value", "notional", "equity"),
          "price_leverage": ("profit", "entry_value", "notional", "equity"),
          "margin_profit": ("profit", "equity", "wallet", "maintenance"),
          "profit_equity": ("profit", "equity")}


def mix(a, b):
    product = a * b
    return (product & MASK) ^ (product >> 64)


def digest64(data):
    """docs/records.md, 64-bit digest: words of 8 bytes, little-endian, the last one padded."""
    state = len(data) * 0x9e3779b97f4a7c15 & MASK
    whole = len(data) // 8 * 8
    for at in range(0, whole, 8):
        state = mix(state ^ int.from_bytes(data[at:at + 8], "little"), 0xe7037ed1a0b428db)
    if whole < len(data):
        state = mix(state ^ int.from_bytes(data[whole:], "little"), 0x8ebc6af09c88c6e3)
    return mix(state, 0x589965cc75374cc3)


@dataclass
class Ranked:
    """A candidate as it was when its list was made."""
    account: str
    isolated: bool
    tier: int
    lots: int
    value: int
    entry: int
    wallet: int
    equity: int
    priority: int
    maintenance: int
    score: str | None = None

    @property
    def inputs(self):
        return {"profit": self.value - self.entry, "entry_value": self.entry,
                "notional": abs(self.value), "equity": self.equity, "wallet": self.wallet,
                "maintenance": self.maintenance}

    def digest(self):
        words = (digest64(self.account.encode()), self.tier + 256 * self.isolated, self.lots, self.value,
                 self.entry, self.wallet, self.equity, self.equity >> 64, self.priority)
        return digest64(b"".join((word & MASK).to_bytes(8, "little") for word in words))


class Queue:
    """The part of a Settlement that says why somebody's turn came."""

    def ranked(self, account, name, equity, key, score):
        position, market = account.positions[name], self.pool.markets[name]
        value = market.value(position.size)
        return Ranked(visible(account), "\0" in account.id, key[0], position.size, value, position.entry,
                      account.collateral, equity, NO_PRIORITY if position.priority is None else position.priority,
                      ceil_div(abs(value) * market.maintenance_ppm, 10 ** 6), score)

    def queue_shown(self, ranking, rows, place, ordered):
        """rows: what self.rankings has of the side; place from 0."""
        own = rows[place][2]
        if id(rows) not in self.list_digests:  # a list is ranked once and then stays as it is
            self.list_digests[id(rows)] = sum(row[2].digest() for row in rows) & MASK
        shown = {"of": len(rows), "digest": f"{self.list_digests[id(rows)]:016x}", "tier": own.tier}
        shown |= {name: self.pool.money(own.inputs[name]) for name in SCORED.get(ranking, ("profit",))}
        if not ordered:
            return shown
        for side, beside in (("ahead", place - 1), ("behind", place + 1)):
            if 0 <= beside < len(rows):
                shown[side] = rows[beside][2].account
                shown[side + "_tier"] = rows[beside][2].tier
                if rows[beside][2].score is not None:
                    shown[side + "_score"] = rows[beside][2].score
        return shown
