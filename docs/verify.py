#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what a backstopd published, from a dump of its answers and nothing else:
    for what in pools markets settlements actions; do curl -s "$url/v1/$what?limit=10000"; echo; done > dump.json
    python3 verify.py dump.json
(and on with after= while there is more; pages one a line, in any files). Exit status 1 names the first action that does
not fit. The chain is described in docs/records.md, the formulas in docs/policies.md; money is whole quanta here.
"""
import hashlib
import json
import sys
from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction


def rows(paths):
    for document in (json.loads(line) for path in paths for line in open(path, encoding="utf-8") if line.strip()):
        yield from document if isinstance(document, list) else document.get("data", [document])


def canonical(members, inside=""):
    return "".join(canonical(value, name + ".") if isinstance(value, dict) else
                   f"{inside}{name}={'null' if value is None else value}\n"
                   for name, value in members.items() if name not in ("cursor", "hash"))


def twelve_digits(exact):  # significant ones, half away from zero, at most 36 of them behind the point
    context = Context(prec=12, rounding=ROUND_HALF_UP, Emin=-25)
    return Fraction(context.divide(Decimal(exact.numerator), Decimal(exact.denominator)))


class Pool:
    def __init__(self, row, markets):
        self.row, self.markets, self.counts, self.undone, self.cases = row, markets, Counter(), Counter(), {}
        self.first = self.last = self.closed = self.round = self.partial = None
        self.legs, self.marks, self.closes, self.ledger = {}, {}, {}, Counter()
        self.queues, self.sums = defaultdict(dict), defaultdict(Counter)

    def check(self, what, holds, of=""):
        self.counts[what] += 1
        if not holds:
            sys.exit(f"{self.row['pool']}: {of or 'action {id} ({type})'.format(**self.last)}: {what} does not fit")

    def quanta(self, text):
        amount = Fraction(text) * 10 ** self.row["decimals"]
        self.check("whole quanta", amount.denominator == 1)
        return int(amount)

    def sign(self, action):  # 1 when the close brings its account the value that is shown, -1 when it pays it
        return 1 if (action["side"] == "long") == (self.markets[action["market"]]["contract"] == "linear") else -1

    def take(self, action):
        before, self.last = self.last, action
        self.first, self.partial = self.first or action["id"], self.partial if before or action["id"] == 1 else action["settlement"]
        if before or action["id"] == 1:
            self.check("id without a gap", action["id"] == (before["id"] if before else 0) + 1)
            link = (before["hash"] if before else "0" * 64) + "\n" + canonical(action)
            self.check("hash", action["hash"] == hashlib.sha256(link.encode()).hexdigest())
        if action["settlement"] is not None and action["settlement"] == self.partial:
            return  # a dump that begins in it: only the chain can be followed
        self.end_round() if action["type"] not in ("haircut", "refund") else None
        self.close(action, self.markets[action["market"]]) if "entry_price" in action else None
        getattr(self, {"refund": "haircut", "assignment": "adl"}.get(action["type"], action["type"]), lambda _: None)(action)
        self.book(action, action["type"], self.quanta(action.get("amount", "0")))

    def close(self, action, market):
        linear, sign = market["contract"] == "linear", self.sign(action)
        size, mark, entry_price, before, after = (Fraction(action[name]) for name in (
            "size_closed", "mark_price", "entry_price", "size_before", "size_after"))
        self.check("size", size > 0 and after >= 0 and before - size == after)
        value, quanta = self.quanta(action["value"]), size * Fraction(market["multiplier"]) * 10 ** self.row["decimals"]
        price = value / quanta if linear else quanta / value if value else 0
        self.check("price", Fraction(action["price"]) == twelve_digits(Fraction(price)))
        at_mark = quanta * mark if linear else quanta / mark // 1
        self.sums[action["settlement"]]["dust"] += not linear  # rounded at each close
        self.check("cost to mark", self.quanta(action["cost_to_mark"]) == sign * (at_mark - value))
        self.check("one mark", self.marks.setdefault((action["settlement"], action["market"]), mark) == mark)
        entry = quanta * entry_price if linear else quanta / entry_price if entry_price else 0
        told = value - sign * self.quanta(action["realized_pnl"])  # of which the entry price has 12 digits
        self.check("profit", abs(told - entry) <= abs(entry) / 10 ** 11 + 2)

    def liquidation_close(self, action):  # after P of Q lots it has received ceil(V P / Q), less if principal is protected
        who = *map(action.get, ("settlement", "account", "margin", "market")), action["id"] * ("leg_value" not in action)
        sign, total, size = self.sign(action), self.quanta(action.get("leg_value", action["value"])), Fraction(action["size_closed"])
        lots, done, whole = self.legs.setdefault(who, (size if who[-1] else Fraction(action["size_before"]), 0, total))
        piece = -(-sign * total * (done + size) / lots // 1) + -sign * total * done / lots // 1
        self.closed = action, piece - sign * self.quanta(action["value"])
        self.closes[action["id"]] = self.closes[action["id"] + 1] = action
        self.check("piece of a close", total == whole and done + size <= lots and self.closed[1] >= 0)
        self.legs[who] = lots, done + size, whole

    def adl(self, action):  # or the assignment of a volunteer, which is paid for it
        (other, short), queue = self.closed or (action, 0), action.get("queue")
        self.check("other side of a close", all(action[name] == other[name] for name in (
            "market", "value", "price", "settlement", "reason")) and (action["account"], action["counterparty"], action["id"] - 1) == (
            other["counterparty"], other["account"], other["id"]) and (action["side"] == other["side"]) == (not queue) and
            action["size_closed" if queue else "size_taken"] == other["size_closed"] and
            self.quanta(action["cost_to_mark"]) + self.quanta(other["cost_to_mark"]) == 0)
        if queue:
            self.check("protected principal", short == 0 or self.quanta(action["realized_pnl"]) == 0)
            self.check("tier", queue["tier"] % 2 == (self.quanta(queue["profit"]) <= 0))
            self.place(action, action["rank"], queue) if "rank" in action else None

    def place(self, action, rank, queue):
        turn = -1 if action["ranking"] == "priority" else 1  # low ones first; without one, last
        shown = turn * Fraction(action.get("score", 2 ** 32 - 1))
        p, e, n, q, w, m = (self.quanta(queue.get(name, "0")) for name in (
            "profit", "entry_value", "notional", "equity", "wallet", "maintenance"))
        e, solvent, q, w, m = max(1, abs(e)), q > 0, max(1, min(q, 2 ** 63)), max(1, w), min(m, 2 ** 63)
        exact = Fraction({"profit_leverage": Fraction(p * n, e * q) if p > 0 else Fraction(p * q, e * max(1, n)),
                          "margin_profit": Fraction(p * m, w * q) * (p > 0 and solvent), "profit_equity": Fraction(p, q),
                          "price_leverage": Fraction(*(n, e) if self.sign(action) > 0 else (e, max(1, n))) * Fraction(n, q) * (p > 0)
                          }.get(action["ranking"], shown))
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

    def reversal(self, action):  # of what the closing account had received, x: x(R+r)/Q - x R/Q, both rounded down
        close = self.closes.get(action["reverses"])
        if close:  # else it was before this dump
            lots, size, sign = Fraction(close["size_closed"]), -Fraction(action.get("size_closed", action.get("size_taken"))), self.sign(close)
            x, back = sign * self.quanta(close["value"]), self.undone[action["reverses"]]
            part = x * (back + size) / lots // 1 - x * back / lots // 1
            self.check("what is taken back", self.quanta(action["value"]) == -sign * part and back + size <= lots)
            self.undone[action["reverses"]] += size

    def book(self, action, kind, money):  # who owed what, who bore it, and what is still open
        is_fund, drawn = action.get("account") == "backstop:" + self.row["pool"], money * (kind in ("insurance_draw", "reserve_draw"))
        cut, left, gone, credit, back, given = (money * (kind == name) for name in (
            "haircut", "unallocated_deficit", "write_off", "insurance_credit", "refund", "restitution"))
        self.ledger.update(loss=gone + back - cut - left - (drawn + given) * is_fund, unallocated=left - credit)
        self.check("open losses", self.first > 1 or min(self.ledger.values()) >= 0)
        cost, sums = self.quanta(action.get("cost_to_mark", "0")), self.sums[action["settlement"]]
        sums.update(counterparties=kind == "adl", payers=kind == "haircut", fund_paid=drawn, haircuts=cut, unallocated=left,
                    deleveraged=cost * (kind == "adl"), assignments=kind == "assignment", spreads=-cost * (kind == "assignment"),
                    deficit=0, insolvent_accounts=0, last_action=action["id"] - sums["last_action"],
                    first_action=0 if sums["first_action"] else action["id"])
        if isinstance(action.get("reason"), dict) and kind not in ("adl", "assignment"):  # whose debt it is not
            owed, paid, rest = (self.quanta(action["reason"][name]) for name in ("deficit", "fund_paid", "residual"))
            who = action["settlement"], is_fund, action["account"], action["market"] if "margin" in action else ""
            case = self.cases.setdefault(who, Counter({"owed": owed, "paid": paid}))
            self.check("reason", (owed, paid, rest) == (case["owed"], case["paid"], owed - paid))
            case.update(drawn=drawn, borne=drawn + gone - cost * (kind == "liquidation_close"))

    def finish(self, settlements):
        self.end_round()
        for (number, is_fund, *who), case in self.cases.items():
            self.sums[number].update(insolvent_accounts=not is_fund, deficit=0 if is_fund else case["owed"])
            self.check("deficit and who bore it", case["drawn"] == case["paid"] and abs(
                case["borne"] - case["owed"]) <= self.sums[number]["dust"], f"settlement {number}, {' '.join(who)}")
        for place, (number, row) in enumerate((row["settlement"], row) for row in settlements):
            sums = self.sums[number]
            self.check("settlement without a gap", number == settlements[0]["settlement"] + place, f"settlement {number}")
            for name in sums.keys() & row.keys() if row["first_action"] >= (self.first or 1) else ():
                fits = (self.quanta(row[name]) if isinstance(row[name], str) else row[name]) == sums[name] or (
                    sums["dust"] and name in ("deficit", "insolvent_accounts"))
                self.check("settlement " + name, fits, f"settlement {number}")


found = defaultdict(list)
for row in rows(sys.argv[1:]):
    kinds = {"cursor": "action", "first_action": "settlement", "contract": "market", "decimals": "pool"}
    found[next(kind for member, kind in kinds.items() if member in row)].append(row)
pools = {row["pool"]: Pool(row, {row["market"]: row for row in found["market"]}) for row in found["pool"]}
for action in found["action"]:
    pools[action["pool"]].take(action)
for name, pool in pools.items():
    pool.finish([row for row in found["settlement"] if row["pool"] == name])
print(*(f"{count:10}  {what}" for what, count in sum((pool.counts for pool in pools.values()), Counter()).items()),
      f"{len(found['action'])} actions, {len(found['settlement'])} settlements of {len(pools)} pools: everything fits", sep="\n")
