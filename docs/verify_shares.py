#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The second half of verify.py, which runs it, of the same dump: how much each one had to bear, and why it was its turn.
Haircuts, lots that were split, places in a queue.
"""
import json
import sys
from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

INPUTS = "profit", "entry_value", "notional", "equity", "wallet", "maintenance"


def rows(paths):
    for document in (json.loads(line) for path in paths for line in open(path, encoding="utf-8") if line.strip()):
        yield from document if isinstance(document, list) else document.get("data", [document])


def twelve_digits(exact):  # significant ones, half away from zero, at most 36 of them behind the point
    context = Context(prec=12, rounding=ROUND_HALF_UP, Emin=-25)
    return Fraction(context.divide(Decimal(exact.numerator), Decimal(exact.denominator)))


class Pool:
    def __init__(self, row, markets):
        self.row, self.markets, self.counts = row, markets, Counter()
        self.first = self.last = self.round = self.partial = self.closed = self.split = None
        self.queues, self.closes, self.undone = defaultdict(dict), {}, Counter()

    def check(self, what, holds, of=""):
        self.counts[what] += 1
        if not holds:
            sys.exit(f"{self.row['pool']}: {of or 'action {id} ({type})'.format(**self.last)}: {what} does not fit")

    def quanta(self, text):
        return int(Fraction(text) * 10 ** self.row["decimals"])

    def take(self, action):
        self.first, self.last = self.first or action["id"], action
        self.partial = self.partial if self.first < action["id"] or action["id"] == 1 else action["settlement"]
        if action["settlement"] is not None and action["settlement"] == self.partial:
            return  # a dump that begins in it
        self.end_round() if action["type"] not in ("haircut", "refund") else None
        getattr(self, {"refund": "haircut"}.get(action["type"], action["type"]), lambda _: None)(action)

    def liquidation_close(self, action):
        same = self.closed and all(self.closed.get(name) == action.get(name) for name in ("settlement", "account", "margin", "market"))
        self.split, self.closed = self.split if same else None, action
        self.closes[action["id"]] = self.closes[action["id"] + 1] = action, None

    def assignment(self, action):
        self.closes[action["id"]] = self.closed, action

    def adl(self, action):
        self.closes[action["id"]], queue = (self.closed, action), action["queue"]
        self.check("tier", queue["tier"] % 2 == (self.quanta(queue["profit"]) <= 0))
        self.check("order or share", ("rank" in action) != ("share" in action))
        if action["market"] in self.markets:
            self.place(action, action["rank"], queue) if "rank" in action else self.lots(action, action["share"])

    def lots(self, action, share):  # X (P+q)/T - X P/T rounded down; by leverage what stays of q: S (P+e)/E - S P/E rounded up
        by_size, lot = action["ranking"] == "pro_rata", Fraction(self.markets[action["market"]]["lot_size"])
        amount, total, before, weight = (Fraction(share[name]) for name in ("amount", "total", "prefix", "weight"))
        closed, held, amount = Fraction(action["size_closed"]) / lot, Fraction(action["size_before"]) / lot, amount / lot
        parts = amount * (before + weight) / total, amount * before / total
        due = parts[0] // 1 - parts[1] // 1 if by_size else held - (-(-parts[0] // 1) + -parts[1] // 1)
        fits = closed <= due and 0 < weight <= total - before and (weight == held * lot or not by_size)
        if not self.split or self.split[:2] != (share["amount"], share["total"]) or before < self.split[2]:
            fits = fits and (not by_size or amount == min(Fraction(self.closed["size_before"]), total) / lot)  # a round begins
        self.split = share["amount"], share["total"], before + weight
        self.check("lots split", fits)
        self.counts["(not recomputed: what bounded closes of a split below their share)"] += closed < due

    def exact(self, ranking, shown, grows, terms):  # the score from profit, entry, notional, equity, wallet, maintenance
        p, e, n, q, w, m = terms
        e, solvent, q, w, m = max(1, abs(e)), q > 0, max(1, min(q, 2 ** 63)), max(1, w), min(m, 2 ** 63)
        return Fraction({"profit_leverage": Fraction(p * n, e * q) if p > 0 else Fraction(p * q, e * max(1, n)),
                         "margin_profit": Fraction(p * m, w * q) * (p > 0 and solvent), "profit_equity": Fraction(p, q),
                         "price_leverage": Fraction(*(n, e) if grows else (e, max(1, n))) * Fraction(n, q) * (p > 0)
                         }.get(ranking, shown))

    def place(self, action, rank, queue):
        turn = -1 if action["ranking"] == "priority" else 1  # low ones first; without one, last
        shown = turn * Fraction(action.get("score", 2 ** 32 - 1))
        terms = [self.quanta(queue.get(name, "0")) for name in INPUTS]
        grows = (action["side"] == "long") == (self.markets[action["market"]]["contract"] == "linear")
        exact = self.exact(action["ranking"], shown, grows, terms)
        self.check("score", shown == exact if turn < 0 else shown == twelve_digits(exact))
        own = queue["tier"], -exact, action["account"].encode(), action.get("margin", "")
        listed = self.queues[action["settlement"], action["market"], action["side"]]
        self.check("rank", listed.setdefault(rank, (own, queue)) == (own, queue) and 1 <= rank <= queue["of"])
        for beside, mine, theirs, is_ahead in (rank - 1, "ahead", "behind", True), (rank + 1, "behind", "ahead", False):
            self.check("neighbour", (mine in queue) == (1 <= beside <= queue["of"]))
            if mine in queue:
                score = queue[mine + "_tier"], -turn * Fraction(queue.get(mine + "_score", 2 ** 32 - 1))
                self.check("order by score", score == (queue["tier"], -shown) or (score < (queue["tier"], -shown)) == is_ahead)
            for mate, his in [listed[beside]] if beside in listed else ():
                self.check("order of ranks", (mate < own) == is_ahead and his[theirs].encode() == own[2] and (
                    his["digest"], his["of"], queue[mine].encode()) == (queue["digest"], queue["of"], mate[2]))

    def haircut(self, action):  # L(P+g)/G - L P/G, both rounded down; who reaches the cap pays it, the others share the rest
        loss, total, gain, amount, weight, before, taken = (self.quanta(action.get(name, other)) for name, other in (
            ("loss", 0), ("gains_total", 0), ("gain", 0), ("amount", 0), ("weight", action["gain"]), ("prefix", 0), ("taken", 0)))
        key, is_refund = [action.get(n) for n in ("settlement", "type", "side", "age", "loss", "gains_total")], action["type"] == "refund"
        if not self.round or self.round["key"] != key or self.round["left"] == 0 or action["account"].encode() < self.round["who"]:
            self.end_round()
            self.round = {"key": key, "left": loss, "prefix": 0, "shared": False}
        now, share = self.round, loss * (before + weight) // total - loss * before // total
        borne = amount if is_refund else amount + taken  # by a window: only the difference is settled, or given back
        fits = borne == share and now["prefix"] <= before and before + weight <= total if "prefix" in action else (
            loss * weight >= borne * total and not now["shared"])
        self.check("haircut", fits and 0 < amount and borne <= min(taken if is_refund else gain, loss) and 0 < weight <= total)
        now.update(prefix=before + weight, left=now["left"] - amount, who=action["account"].encode(),
                   shared="prefix" in action and (is_refund or "taken" not in action))  # everybody's share is an action

    def end_round(self):
        self.check("sum of a round", not self.round or not self.round["shared"] or self.round["left"] == 0)
        self.round = None

    def reversal(self, action):  # of each number x of the close: x(R+r)/Q - x R/Q, both rounded down
        (close, other), market = self.closes.get(action["reverses"], (None, None)), self.markets.get(action["market"])
        if not close or not market:
            return  # it was before this dump, or can not be recomputed
        own, given, linear = other or close, "size_taken" in action, market["contract"] == "linear"
        lots, size, back = Fraction(close["size_closed"]), -Fraction(action["size_taken" if given else "size_closed"]), self.undone[action["reverses"]]
        sign, turn = 1 if (close["side"] == "long") == linear else -1, 1 if own is close or given else -1
        unit, mark = Fraction(market["multiplier"]) * 10 ** self.row["decimals"], Fraction(close["mark_price"])
        received, at_mark = sign * self.quanta(close["value"]), sign * (lots * unit * mark if linear else lots * unit / mark // 1)
        entry = turn * received - self.quanta(own["realized_pnl"])
        received, at_mark, entry = (x * (back + size) / lots // 1 - x * back / lots // 1 for x in (received, at_mark, entry))
        value, after = -self.quanta(action["value"]), Fraction(action["size_before"]) + (-size if given else size)
        price = value / (size * unit) if linear else size * unit / value if value else 0
        self.check("what is taken back", turn * sign * value == turn * received and 0 < size <= lots - back and all(
            action.get(name) == own.get(name) for name in ("account", "market", "margin", "counterparty", "side")))
        self.check("price and size taken back", Fraction(action["price"]) == twelve_digits(Fraction(price)) and after == Fraction(action["size_after"]))
        self.check("profit taken back", given or (self.quanta(action["realized_pnl"]) == entry - turn * received and abs(
            turn * (received - at_mark) - self.quanta(action["cost_to_mark"])) <= (not linear)))
        self.undone[action["reverses"]] += size


found = defaultdict(list)
for row in rows(sys.argv[1:]):
    kinds = {"cursor": "action", "contract": "market", "decimals": "pool"}
    found[next((kind for member, kind in kinds.items() if member in row), "other")].append(row)
pools = {row["pool"]: Pool(row, {row["market"]: row for row in found["market"]}) for row in found["pool"]}
for action in found["action"]:
    try:
        pools[action["pool"]].take(action)
    except (KeyError, TypeError, ValueError) as error:
        sys.exit(f"{action['pool']}: action {action['id']} ({action['type']}) does not fit: {error!r} is missing or malformed")
for pool in pools.values():
    pool.end_round()
print(*(f"{count:10}  {what}" for what, count in sum((pool.counts for pool in pools.values()), Counter()).items()), sep="\n")
