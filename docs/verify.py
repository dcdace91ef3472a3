#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what a backstopd published, from a dump of its answers and nothing else:
    for what in pools markets settlements actions; do curl -s "$url/v1/$what?limit=10000"; echo; done > dump.json
    python3 verify.py dump.json
(and on with after= while there is more; pages one a line, in any files). Exit status 1 names the first action that does
not fit. The chain is described in docs/records.md, the formulas in docs/policies.md; money is whole quanta here. Here is
what was owed and who bore it; what each one's part of it was is in verify_shares.py beside this file, which is run too.
"""
import hashlib
import json
import runpy
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
        self.row, self.markets, self.counts, self.cases = row, markets, Counter(), {}
        self.first = self.last = self.closed = self.partial = self.netted = None
        self.legs, self.marks, self.times, self.ledger, self.sums = {}, {}, {}, Counter(), defaultdict(Counter)

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
        self.check("margin and time", action.get("margin", "isolated") == "isolated" and (before or action)["time"] <= action["time"] ==
                   self.times.setdefault(action["settlement"] or -action["id"], action["time"]))
        if action["settlement"] is not None and action["settlement"] == self.partial:
            return  # a dump that begins in it: only the chain can be followed
        if "value" in action and action["market"] not in self.markets:
            self.counts["(not recomputed: closes in markets that are gone)"] += 1
            self.sums[action["settlement"]]["dust"] += 1  # for it may have been inverse
        else:
            self.close(action, self.markets[action["market"]]) if "entry_price" in action else None
            getattr(self, action["type"], lambda _: None)(action)
        self.book(action, action["type"], self.quanta(action.get("amount", "0")))

    def at_mark(self, action, size):  # so many contracts, in quanta, as shown: not below 0
        market, mark = self.markets[action["market"]], Fraction(action["mark_price"])
        quanta = Fraction(size) * Fraction(market["multiplier"]) * 10 ** self.row["decimals"]
        return quanta * mark if market["contract"] == "linear" else quanta / mark // 1

    def close(self, action, market):
        linear, sign = market["contract"] == "linear", self.sign(action)
        size, mark, entry_price, before, after = (Fraction(action[name]) for name in "size_closed mark_price entry_price size_before size_after".split())
        self.check("size", size > 0 and after >= 0 and before - size == after)
        value, quanta = self.quanta(action["value"]), size * Fraction(market["multiplier"]) * 10 ** self.row["decimals"]
        price = value / quanta if linear else quanta / value if value else 0
        self.check("price", Fraction(action["price"]) == twelve_digits(Fraction(price)))
        self.sums[action["settlement"]]["dust"] += not linear  # rounded at each close
        self.check("cost to mark", self.quanta(action["cost_to_mark"]) == sign * (self.at_mark(action, size) - value))
        self.check("one mark", self.marks.setdefault((action["settlement"], action["market"]), mark) == mark)
        entry = quanta * entry_price if linear else quanta / entry_price if entry_price else 0
        told = value - sign * self.quanta(action["realized_pnl"])  # of which the entry price has 12 digits
        self.check("profit", abs(told - entry) <= abs(entry) / 10 ** 11 + 2)

    def liquidation_close(self, action):  # after P of Q lots it has received ceil(V P / Q), less if principal is protected
        who = *map(action.get, ("settlement", "account", "margin", "market")), action["id"] * ("leg_value" not in action)
        sign, total, size = self.sign(action), self.quanta(action.get("leg_value", action["value"])), Fraction(action["size_closed"])
        self.leg(action, who not in self.legs, sign * total) if "share" in action else self.takeover(action)
        lots, done, whole = self.legs.setdefault(who, (size if who[-1] else Fraction(action["size_before"]), 0, total))
        piece = -(-sign * total * (done + size) / lots // 1) + -sign * total * done / lots // 1
        self.closed = action, piece - sign * self.quanta(action["value"])
        self.check("piece of a close", total == whole and done + size <= lots and self.closed[1] >= 0)
        self.legs[who] = lots, done + size, whole

    def leg(self, action, begins, value):  # D is owed: value at mark + ceil(D (P+w) / W) - what the legs before could place
        debt, total, before, weight = (self.quanta(action["share"][name]) for name in ("amount", "total", "prefix", "weight"))
        case, slack = self.case(action), self.sums[action["settlement"]]["dust"]
        if "total" not in case:
            case.update(total=total, debt=debt, begun=case["borne"])
            self.check("debt of the legs", debt == 0 or abs(case["owed"] - case["borne"] - debt) <= slack)
        due = self.sign(action) * self.at_mark(action, action["size_before"]) - -debt * (before + weight) // total
        due -= (case["borne"] - case["begun"]) * (debt > 0)
        self.check("leg", (debt, total) == (case["debt"], case["total"]) and 0 <= weight <= total - before and (
            before >= case["end"] and abs(value - due) <= slack if begins else (before + weight, weight) == (case["end"], case["last"])))
        case["end"], case["last"] = before + weight, weight
        self.takeover(action, weight)

    def takeover(self, action, weight=None):  # by the fund; weights of legs: maintenance; if none has any, value at mark; if all are worth 0, lots
        case, at_mark, market = self.case(action), self.at_mark(action, action["size_before"]), self.markets[action["market"]]
        self.check("by the fund", action["type"] != "takeover" or action["counterparty"] == "backstop:" + self.row["pool"])
        if "total" in case and action["market"] not in case["legs"]:
            ways = [-(-at_mark * market["maintenance_margin_ppm"] // 10 ** 6), at_mark, Fraction(action["size_before"]) / Fraction(market["lot_size"])]
            if weight not in (None, ways[0]):
                case["way"] = ways.index(weight) if ways[0] == 0 and weight in ways else 3
                self.counts["(not recomputed: weights that are not by today's maintenance margin)"] += case["way"] == 3
            case["legs"], case["weights"] = case["legs"] + [action["market"]], case["weights"] + (ways + [0])[case["way"]]

    def pair(self, action, other, taken=False):  # both sides are closed; or a provider takes the position over
        self.check("other side of a close", all(action.get(name) == other.get(name) for name in (
            "market", "value", "price", "mark_price", "settlement", "reason")) and (action["account"], action["counterparty"]) == (
            other["counterparty"], other["account"]) and action["id"] - 1 == other["id"] and (action["side"] == other["side"]) == taken and
            action["size_taken" if taken else "size_closed"] == other["size_closed"] and
            self.quanta(action["cost_to_mark"]) + self.quanta(other["cost_to_mark"]) == 0)

    def netting(self, action):  # the long, then the short
        self.netted = self.pair(action, self.netted) if self.netted else action

    def adl(self, action):
        self.pair(action, self.closed[0])
        self.check("protected principal", self.closed[1] == 0 or self.quanta(action["realized_pnl"]) == 0)

    def assignment(self, action):  # sizes count along the side
        self.pair(action, self.closed[0], True)
        self.check("size", sum(Fraction(action[name]) for name in ("size_before", "size_taken")) == Fraction(action["size_after"]))

    def case(self, action):  # the debt that an action is about
        owed, paid = (self.quanta(action["reason"][name]) for name in ("deficit", "fund_paid"))
        who = (action["settlement"], action["account"] == "backstop:" + self.row["pool"], action["account"],
               action["market"] if "margin" in action else "")
        return self.cases.setdefault(who, Counter({"owed": owed, "paid": paid, "legs": []}))

    def book(self, action, kind, money):  # who owed what, who bore it, and what is still open
        is_fund, drawn = action.get("account") == "backstop:" + self.row["pool"], money * (kind in ("insurance_draw", "own_fund_draw"))
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
            case = self.case(action)
            self.check("reason", (owed, paid, rest) == (case["owed"], case["paid"], owed - paid))
            case["drawn"], case["borne"] = case["drawn"] + drawn, case["borne"] + drawn + gone - cost * (kind == "liquidation_close")
            case["way"] = 3 if "value" in action and action["market"] not in self.markets else case["way"]

    def finish(self, settlements):
        self.check("last action", not self.last or self.last["id"] >= self.row["last_action"], "the end")
        self.counts["(not recomputed: pools whose first actions are missing)"] += (self.first or 2) > 1 and self.row["last_action"] > 0
        for (number, is_fund, *who), case in self.cases.items():
            self.sums[number].update(insolvent_accounts=not is_fund, deficit=0 if is_fund else case["owed"])
            self.check("deficit and who bore it", case["drawn"] == case["paid"] and abs(
                case["borne"] - case["owed"]) <= self.sums[number]["dust"], f"settlement {number}, {' '.join(who)}")
            self.check("weights of all legs", is_fund or case["way"] == 3 or case["weights"] == case["total"], f"settlement {number}")
        for place, (number, row) in enumerate((row["settlement"], row) for row in settlements):
            sums = self.sums[number]
            fits = number == settlements[0]["settlement"] + place and row["time"] == self.times.get(number, row["time"])
            self.check("settlement without a gap", fits, f"settlement {number}")
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
    try:
        pools[action["pool"]].take(action)
    except (KeyError, TypeError, ValueError) as error:
        sys.exit(f"{action['pool']}: action {action['id']} ({action['type']}): {error!r} does not fit")
for name, pool in pools.items():
    pool.finish([row for row in found["settlement"] if row["pool"] == name])
print(*(f"{count:10}  {what}" for what, count in sum((pool.counts for pool in pools.values()), Counter()).items()),
      f"{len(found['action'])} actions, {len(found['settlement'])} settlements of {len(pools)} pools: everything fits", sep="\n")
runpy.run_path(__file__.replace("verify.py", "verify_shares.py"), run_name="__main__")
