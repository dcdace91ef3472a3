#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what a backstopd published, from a dump of its answers and nothing else:

    url=http://127.0.0.1:8480
    get() { curl -fsS "$url/v1/$1?limit=1000${2:+&after=$2}"; }
    for what in pools markets settlements actions; do
        page=$(get $what)
        while jq -ce 'select(.data != [])' <<<"$page"; do
            next=$(jq -r '.next // empty | @uri' <<<"$page")
            [ -n "$next" ] || break
            page=$(get $what "$next")
        done
    done > dump.json
    python3 verify.py dump.json

A dump is any number of files, with a page, a list of rows or a row on each line. It may begin with
a later action; then only the chain is followed through the settlement that it begins in. The exit
status is 1 when something does not fit, and the message names the first action that does not; it
is 2 when there is nothing that can be checked.

docs/records.md describes the hash chain, docs/policies.md the formulas. Money is in whole quanta
here. Three files must lie beside this one: verify_closes.py has the closes and who bore each debt,
verify_sides.py the debtors who are closed together, verify_shares.py the part of each account.
"""
import hashlib
import json
import sys
from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import verify_closes as closes  # noqa: E402
import verify_shares as shares  # noqa: E402
import verify_sides as sides  # noqa: E402

FIRST_LINK = "0" * 64
SIGNIFICANT = Context(prec=12, rounding=ROUND_HALF_UP, Emin=-25)  # at most 36 decimal places


class Misfit(Exception):
    """Something published that does not follow from the rest."""


class Pool:
    """The actions of one pool, taken in order."""

    def __init__(self, row, markets):
        self.name, self.row, self.markets = row["pool"], row, markets
        self.fund = "backstop:" + row["pool"]
        self.counts = Counter()
        self.first = self.last = self.partial = None
        self.whens, self.marks = {}, {}
        self.debts = {}
        self.sums = defaultdict(Counter)  # by settlement
        self.ledger = Counter()  # open loss and unallocated deficit
        self.legs = {}
        self.closed, self.shortfall = None, 0  # the last close of a debtor
        self.side = None  # whose debtors are being closed together
        self.reached = {}  # settlement and side -> the turn of the debtor reached last
        self.asked = set()  # settlements in which some reason names what the fund paid
        self.netted = None
        self.shares = shares.State()

    def check(self, what, holds, of=None):
        self.counts[what] += 1
        if not holds:
            of = of or "action {id} ({type})".format(**self.last)
            raise Misfit(f"{self.name}: {of}: {what} does not fit")

    def skip(self, what, count=1):
        if count:
            self.counts[f"(not recomputed: {what})"] += count

    def quanta(self, text):
        amount = Fraction(text) * 10 ** self.row["decimals"]
        self.check("whole quanta", amount.denominator == 1)
        return int(amount)

    @staticmethod
    def shown(exact):
        """A number as the server prints it: 12 significant digits, half away from zero."""
        exact = Fraction(exact)
        return Fraction(SIGNIFICANT.divide(Decimal(exact.numerator), Decimal(exact.denominator)))

    def is_linear(self, action):
        return self.markets[action["market"]]["contract"] == "linear"

    def sign(self, action):
        """1 when the close brings its account the value shown, -1 when the account pays it."""
        return 1 if (action["side"] == "long") == self.is_linear(action) else -1

    def notional(self, action, size):
        """What so many contracts are worth at a price of 1, in quanta."""
        return Fraction(size) * Fraction(self.markets[action["market"]]["multiplier"]) * (
            10 ** self.row["decimals"])

    def at_mark(self, action, size):
        """What so many contracts are worth at the mark of the action, in quanta; not negative."""
        notional, mark = self.notional(action, size), Fraction(action["mark_price"])
        return notional * mark if self.is_linear(action) else notional / mark // 1

    def price(self, action, size, value):
        notional = self.notional(action, size)
        if self.is_linear(action):
            return self.shown(value / notional)
        return self.shown(notional / value if value else 0)

    def take(self, action):
        follow_chain(self, action)
        if action["settlement"] is not None and action["settlement"] == self.partial:
            return
        self.amount = self.quanta(action.get("amount", "0"))
        if "value" in action and action["market"] not in self.markets:
            self.skip("closes in markets that are gone")
            self.sums[action["settlement"]]["dust"] += 1  # it may have been inverse
        shares.follow_round(self, action)
        if action["type"] not in KINDS:
            self.skip("actions of a type that this program does not know")
        for check in KINDS.get(action["type"], ()):
            check(self, action)
        add_sums(self, action)


# ---- the chain ----


def canonical(members, inside=""):
    """The bytes that are hashed: a line for each member, in order."""
    lines = ""
    for name, value in members.items():
        if isinstance(value, dict):
            lines += canonical(value, name + ".")
        elif name not in ("cursor", "hash"):
            lines += f"{inside}{name}={'null' if value is None else value}\n"
    return lines


def follow_chain(pool, action):
    before, pool.last = pool.last, action
    if before or action["id"] == 1:
        pool.check("id without a gap", action["id"] == (before["id"] if before else 0) + 1)
        link = (before["hash"] if before else FIRST_LINK) + "\n" + canonical(action)
        pool.check("hash", action["hash"] == hashlib.sha256(link.encode()).hexdigest())
    else:
        pool.partial = action["settlement"]
    pool.first = pool.first or action["id"]
    pool.check("margin", action.get("margin", "isolated") == "isolated")
    when, previous = ((row["time"], row["seq"]) for row in (action, before or action))
    pool.check("time and seq", previous[0] <= when[0] and 0 < previous[1] <= when[1] and
               when == pool.whens.setdefault(action["settlement"] or -action["id"], when))


# ---- the kinds ----


def event(pool, action):
    """In a settlement that there is, or between two."""
    is_known = (action["settlement"] or 0) <= pool.row["last_settlement"]
    is_new = action["id"] > pool.row["last_action"]  # since the pool was asked for
    pool.check("settlement of an event", is_known or is_new)


def command(pool, action):
    """Made by a command of its own, outside of settlements."""
    pool.check("settlement of a command", action["settlement"] is None)


# What is checked of each kind of action, in this order.
KINDS = {
    "adl": (closes.close, closes.counterparty, shares.queue),
    "liquidation_close": (closes.close, closes.liquidation, closes.bear_cost, shares.liquidation),
    "netting": (closes.close, closes.netting),
    "takeover": (closes.close, closes.takeover, closes.bear),
    "insurance_draw": (closes.draw,),
    "insurance_credit": (closes.credit,),
    "write_off": (closes.write_off,),
    "haircut": (shares.haircut, closes.cut),
    "unallocated_deficit": (closes.unallocated,),
    "pool_paused": (command,),
    "pool_resumed": (command,),
    "pool_halted": (event,),
    "reversal": (shares.reversal,),
    "final_settlement": (closes.final_close,),
    "restitution": (closes.restitution,),
    "refund": (shares.haircut, closes.give_back),
    "window_opened": (command,),
    "window_closed": (event,),
    "assignment": (closes.provider, shares.assignment),
    "own_fund_draw": (closes.draw,),
}


# ---- settlements ----

# What an action adds to the row of its settlement: member -> amount or cost to mark, and its sign.
SUMS = {
    "adl": (("counterparties", "one", 1), ("deleveraged", "cost", 1)),
    "assignment": (("assignments", "one", 1), ("spreads", "cost", -1)),
    "haircut": (("payers", "one", 1), ("haircuts", "amount", 1)),
    "insurance_draw": (("fund_paid", "amount", 1),),
    "own_fund_draw": (("fund_paid", "amount", 1),),
    "unallocated_deficit": (("unallocated", "amount", 1),),
}
ROW = ("counterparties", "payers", "fund_paid", "haircuts", "unallocated", "deleveraged",
       "assignments", "spreads", "deficit", "insolvent_accounts", "first_action", "last_action")


def add_sums(pool, action):
    sums = pool.sums[action["settlement"]]
    sums["first_action"] = sums["first_action"] or action["id"]
    sums["last_action"] = action["id"]
    told = {"one": 1, "amount": pool.amount,
            "cost": pool.quanta(action.get("cost_to_mark", "0"))}
    for member, what, sign in SUMS.get(action["type"], ()):
        sums[member] += sign * told[what]


def end_debts(pool):
    for (number, account, market), debt in pool.debts.items():
        sums, of = pool.sums[number], f"settlement {number}, {account} {market}".rstrip()
        if account != pool.fund:
            sums["insolvent_accounts"] += 1
            sums["deficit"] += debt.owed
            pool.check("weights of all legs",
                       debt.basis is None or debt.weights == debt.total, of)
        fits = debt.drawn == (debt.paid or 0) and abs(debt.borne - debt.owed) <= sums["dust"]
        pool.check("deficit and who bore it", fits, of)


def compare(pool, row):
    """A row against the sums of its actions. Where inverse values are rounded, a debt may be a
    quantum more or less."""
    sums, of = pool.sums[row["settlement"]], f"settlement {row['settlement']}"
    when = row["time"], row["seq"]
    pool.check("time and seq of a settlement", when == pool.whens.get(row["settlement"], when), of)
    for name in ROW if row["first_action"] >= (pool.first or 1) else ():
        shown = pool.quanta(row[name]) if isinstance(row[name], str) else row[name]
        is_rounded = sums["dust"] and name in ("deficit", "insolvent_accounts")
        pool.check("settlement " + name, shown == sums[name] or is_rounded, of)


def finish(pool, settlements):
    shares.end_round(pool)
    sides.end(pool)
    has_all = not pool.last or pool.last["id"] >= pool.row["last_action"]
    pool.check("last action", has_all, "the end")
    pool.skip("pools whose first actions are missing",
              pool.first != 1 and pool.row["last_action"] > 0)
    end_debts(pool)
    for place, row in enumerate(settlements):
        is_next = row["settlement"] == settlements[0]["settlement"] + place
        pool.check("settlement without a gap", is_next, f"settlement {row['settlement']}")
        compare(pool, row)


# ---- the dump ----

# A member that only rows of one kind have.
ROWS = {"cursor": "action", "first_action": "settlement", "contract": "market", "decimals": "pool"}


def cannot(message):
    print(f"verify.py: {message}", file=sys.stderr)
    sys.exit(2)


def read_lines(path):
    try:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield f"{path}:{number}", json.loads(line)
    except OSError as error:
        cannot(f"{path}: {error.strerror}")
    except ValueError as error:
        cannot(f"{path} is not a dump: {error}")


def kind_of(row, place):
    for member, kind in ROWS.items():
        if isinstance(row, dict) and member in row:
            return kind
    return cannot(f"{place}: neither a pool, a market, a settlement nor an action")


def read_rows(paths):
    """Kind of row -> the rows of all files."""
    found = defaultdict(list)
    for place, document in (line for path in paths for line in read_lines(path)):
        page = document.get("data", [document]) if isinstance(document, dict) else document
        for row in page if isinstance(page, list) else [page]:
            found[kind_of(row, place)].append(row)
    if not found["pool"]:
        cannot("the dump has no pools: make it as the head of this file shows")
    return found


MALFORMED = (ArithmeticError, AttributeError, KeyError, TypeError, ValueError)


def verify(found):
    """The counts of all checks; raises Misfit."""
    markets = {row["market"]: row for row in found["market"]}
    pools = {row["pool"]: Pool(row, markets) for row in found["pool"]}
    of = "the dump"
    try:
        for action in found["action"]:
            of = "{pool}: action {id} ({type})".format_map(defaultdict(str, action))
            pools[action["pool"]].take(action)
        for name, pool in pools.items():
            of = f"{name}: the settlements"
            finish(pool, [row for row in found["settlement"] if row["pool"] == name])
    except MALFORMED as error:
        raise Misfit(f"{of} does not fit: {error!r} is missing or malformed") from error
    return sum((pool.counts for pool in pools.values()), Counter())


def main(paths):
    if not paths:
        cannot("no dump is named; the head of this file shows how to make one")
    found = read_rows(paths)
    try:
        counts = verify(found)
    except Misfit as misfit:
        sys.exit(str(misfit))
    for what, count in counts.items():
        print(f"{count:10}  {what}")
    print(f"{len(found['action'])} actions, {len(found['settlement'])} settlements of "
          f"{len(found['pool'])} pools: everything fits")


if __name__ == "__main__":
    main(sys.argv[1:])
