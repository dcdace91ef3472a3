#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Five waves of 10 October 2025: every rule takes what the wave needed, to the quantum, no more.

Each row of data/oct10-closeouts.csv becomes a market and one bankrupt account, long the quantity
that was closed and owing exactly the row's gap; its counterparties are made up from a seed. A row
whose gap is 0 must not cause anything. `waves.py --bin BUILD` checks this and that docs/waves.md is
what it would write; `--report` writes the page.
"""
import argparse
import collections
import csv
import json
import pathlib
import random
import sys
from decimal import Decimal
from fractions import Fraction

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "scenario"))
sys.path.append(str(HERE.parent / "property"))

from oracle_ledger import decimal_text, fixed_text
from run import STATE, replay
from waves_page import page

DATA = ROOT / "data"
PAGE = ROOT / "docs" / "waves.md"
DECIMALS = 6  # a quantum is a millionth of a dollar
POOL = "w"
NOW = 1760130964831
ADL = {"layer": "adl"}
RULES = {
    **{f"adl {ranking}": [ADL | {"ranking": ranking}] for ranking in (
        "profit_leverage", "margin_profit", "profit_equity", "price_leverage", "priority",
        "pro_rata", "leverage_water_fill")},
    **{f"haircut {rule}": [{"layer": "haircut", "rule": rule}] for rule in (
        "pro_rata", "capped_pro_rata", "risk_aware", "min_max")},
    "tear-up at mark, haircut pro_rata": [ADL | {"ranking": "pro_rata", "price": "mark"},
                                          {"layer": "haircut"}]}
LEVERAGES = (1, 2, 2, 2, 5, 10, 20, 30, 50, 100, 200)  # in tenths
CAPS = (None, 5000, 12000)  # ppm of gain, below what most waves take


class Row:
    """One contract of one wave: what was closed, in lots, ticks and quanta."""

    def __init__(self, row):
        self.coin = row["coin"]
        quantity = round(Fraction(row["adl_qty"]), 5)
        self.places = next(k for k in range(6) if (quantity * 10 ** k).denominator == 1)
        self.lots = int(quantity * 10 ** self.places)
        self.tick = Fraction(1, 10 ** (DECIMALS - self.places))  # so that lot * tick is a quantum
        self.gap = round(Fraction(row["gap_usd"]) * 10 ** DECIMALS)
        self.mark = round((Fraction(row["adl_vwap_px"]) - Fraction(row["abs_gap_per_contract_usd"]))
                          / self.tick)

    def market(self):
        return {"type": "market", "market": self.coin, "pool": POOL, "contract": "linear",
                "tick_size": decimal_text(self.tick),
                "lot_size": decimal_text(Fraction(1, 10 ** self.places)), "multiplier": "1",
                "maintenance_margin_ppm": 20000}

    def leg(self, lots, ticks, **more):
        return {"market": self.coin, "size": decimal_text(Fraction(lots, 10 ** self.places)),
                "entry_price": decimal_text(ticks * self.tick)} | more


def account(name, cash, legs, **more):
    return {"type": "account", "account": name, "pool": POOL,
            "collateral": fixed_text(cash, DECIMALS), "positions": legs} | more


def bankrupt(row):
    """Long at a tenth above mark, and so poor that it owes the gap at mark."""
    entry = row.mark * 11 // 10
    cash = (entry - row.mark) * row.lots - row.gap
    return account(f"bankrupt {row.coin}", cash, [row.leg(row.lots, entry)])


class Winner:
    """A made-up counterparty: short in some of the contracts, mostly in profit by more than the gap."""

    def __init__(self, name):
        self.name, self.legs, self.notional, self.loss = name, [], 0, 0

    def sell(self, row, lots, dice):
        if dice.randrange(6) == 0:
            ticks = max(1, row.mark - row.mark * dice.randint(0, 80000) // 10 ** 6)
            self.loss += (row.mark - ticks) * lots
        else:
            least = -(-row.gap * 105 // (100 * row.lots)) + 2
            ticks = row.mark + max(least, row.mark * dice.randint(20000, 600000) // 10 ** 6)
        self.notional += ticks * lots
        self.legs.append(row.leg(-lots, ticks, adl_priority=dice.randint(0, 1000)))

    def item(self, dice):
        cash = self.notional * 10 // dice.choice(LEVERAGES) + self.loss
        cap = dice.choice(CAPS)
        return account(self.name, cash, self.legs, **({"haircut_cap_ppm": cap} if cap else {}))


def book(wave, rows):
    """The accounts of a wave: the bankrupt, their counterparties, and one that holds the rest."""
    dice = random.Random(f"wave {wave}")
    winners = [Winner(f"w{number:03}") for number in range(min(300, 40 * len(rows)))]
    rest = []
    for row in rows:
        sellers = dice.sample(winners, dice.randint(12, 40))
        weights = [dice.randint(1, 100) ** 3 for _ in sellers]
        wanted = row.lots * dice.randint(200, 500) // 100
        sizes = [wanted * weight // sum(weights) + 1 for weight in weights]
        for seller, lots in zip(sellers, sizes):
            seller.sell(row, lots, dice)
        rest.append(row.leg(sum(sizes) - row.lots, row.mark))
    items = [bankrupt(row) for row in rows] + [w.item(dice) for w in winners if w.legs]
    return items + [account("rest", 10 ** 15, rest)]


def commands(rows, items, layers):
    pool = {"type": "pool", "pool": POOL, "asset": "USDC", "decimals": DECIMALS,
            "mark_max_age_ms": 0, "waterfall": layers}
    marks = [{"type": "mark", "market": row.coin, "price": decimal_text(row.mark * row.tick)}
             for row in rows]
    return [{"type": "clock", "ms": NOW}, pool, *[row.market() for row in rows], *items, *marks]


def quanta(text):
    return int(Decimal(text).scaleb(DECIMALS))


class Outcome:
    """What one rule did in one wave: x[account] is what it lost, e[account] its equity before."""

    def __init__(self, binary, rows, items, layers):
        lines = [json.dumps(item) for item in commands(rows, items, layers)]
        settle = json.dumps({"type": "settle", "pool": POOL})
        answers = replay(binary, [*lines, STATE, settle, STATE])
        refused = [answer for answer in answers if answer.get("outcome", "ok") != "ok"]
        assert not refused, refused
        self.actions = answers[-2]["actions"]
        self.equity = self.equities(answers[-3])
        self.after = self.equities(answers[-1])
        self.lost = {name: before - self.after[name] for name, before in self.equity.items()
                     if before >= 0 and before != self.after[name]}
        self.closed = {action["account"] for action in self.actions if action["type"] == "adl"}
        self.unallocated = quanta(answers[-1]["pools"][0]["unallocated_deficit"])

    @staticmethod
    def equities(state):
        return {row["account"]: quanta(row["equity"]) for row in state["accounts"]}

    def taken(self):
        return sum(self.lost.values())

    def published(self):
        return sum(quanta(action["cost_to_mark" if action["type"] == "adl" else "amount"])
                   for action in self.actions if action["type"] in ("adl", "haircut"))

    def worst_ppm(self):
        return max(x * 10 ** 6 // self.equity[name] for name, x in self.lost.items())

    def touched(self):
        return len(self.lost.keys() | self.closed)

    def gini_ppm(self):
        """docs/policies.md: 0 when all who lost lose the same."""
        x = sorted(self.lost.values())
        ranked = sum((2 * i - len(x) - 1) * amount for i, amount in enumerate(x, 1))
        return 10 ** 6 * ranked // (len(x) * sum(x))


def mistakes(rows, outcome):
    """What a wave must not do; [] when all is well."""
    needed = sum(row.gap for row in rows)
    wrong = []
    if outcome.taken() != needed:
        wrong.append(f"took {outcome.taken()} quanta where {needed} were needed")
    if outcome.published() != needed:
        wrong.append(f"published {outcome.published()} quanta taken, not {needed}")
    if outcome.unallocated:
        wrong.append(f"{outcome.unallocated} quanta are unallocated")
    for row in rows:
        name = f"bankrupt {row.coin}"
        if outcome.equity[name] != -row.gap or outcome.after[name] != 0:
            wrong.append(f"{name}: {outcome.equity[name]} became {outcome.after[name]}")
        told = [a for a in outcome.actions if name in (a.get("account"), a.get("counterparty"))]
        if bool(told) != (row.gap > 0):
            wrong.append(f"{name}: {len(told)} actions for a gap of {row.gap}")
        lots = sum(Decimal(a["size_closed"]) for a in told if a["type"] == "liquidation_close")
        if any(a["type"] == "adl" for a in told) and int(lots.scaleb(row.places)) != row.lots:
            wrong.append(f"{name}: {lots} closed")
    return wrong


def read(name):
    with open(DATA / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def waves():
    found = collections.defaultdict(list)
    for row in read("oct10-closeouts.csv"):
        found[row["wave"]].append(Row(row))
    return found


def run_all(binary):
    """({wave: {rule: Outcome}}, mistakes)."""
    outcomes, wrong = {}, []
    stated = {row["wave"]: Fraction(row["budget_needed"]) for row in read("oct10-waves.csv")}
    for wave, rows in waves().items():
        items = book(wave, rows)
        outcomes[wave] = {}
        needed = Fraction(sum(row.gap for row in rows), 10 ** DECIMALS)
        if abs(needed - stated[wave]) * 10 ** DECIMALS > len(rows):
            wrong.append(f"wave {wave}: rows need {needed}, the wave {stated[wave]}")
        for rule, layers in RULES.items():
            outcomes[wave][rule] = outcome = Outcome(binary, rows, items, layers)
            wrong += [f"wave {wave}, {rule}: {text}" for text in mistakes(rows, outcome)]
    return outcomes, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="a build directory")
    parser.add_argument("--report", action="store_true", help="writes docs/waves.md")
    options = parser.parse_args()
    found, wrong = run_all(str(options.bin.resolve() / "tests" / "tools" / "replay"))
    print(*wrong, sep="\n", end="\n" if wrong else "")
    text = page(waves(), found, read("oct10-waves.csv"))
    if options.report and not wrong:
        PAGE.write_text(text, encoding="utf-8")
    stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text
    if stale:
        print("docs/waves.md is not what these figures say: tests/cases/waves.py --report writes it")
    rows = sum(map(len, waves().values()))
    print(f"waves: {len(found)} waves, {rows} rows, {len(RULES)} rules; {len(wrong)} mistakes")
    return 1 if wrong or stale else 0


if __name__ == "__main__":
    sys.exit(main())
