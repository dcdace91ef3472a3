#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The real instant of data/oct10-instant on the engine: `instant.py --bin BUILD`. Every total, every
closed size under two rankings, the edge of an exactly sufficient fund, and the same through the log."""
import argparse
import json
import pathlib
import sys
import tempfile
from collections import defaultdict
from decimal import Decimal

from run import STATE, Differs, replay

DATA = pathlib.Path(__file__).resolve().parents[2] / "data" / "oct10-instant"
QUANTUM = Decimal("0.00000001")
CLOCK = '{"type":"clock","ms":1760130964831}'


class Instant:
    def __init__(self, ranking, fund=None):
        commands = [json.loads(line) for line in (DATA / "commands.ndjson").open(encoding="utf-8")]
        commands[0]["waterfall"][1]["ranking"] = ranking
        if fund:
            commands.insert(-1, {"type": "insurance_fund", "pool": "usdc", "amount": str(fund)})
        self.lines = [CLOCK, *map(json.dumps, commands), STATE]

    def run(self, tool, *options):
        *answers, self.state = replay(tool, self.lines, *options)
        self.outcomes = {answer["outcome"] for answer in answers}
        self.actions = answers[-1]["actions"]
        self.closed = defaultdict(dict)
        self.cost = Decimal(0)
        for action in self.of("adl"):
            self.closed[action["market"]][action["account"]] = action["size_closed"]
            self.cost += Decimal(action["cost_to_mark"])
        return self

    def of(self, kind):
        return [action for action in self.actions if action["type"] == kind]

    def vaults(self):
        return [row for row in self.state["accounts"] if row["account"].startswith("VAULT")]

    def open(self):
        total = defaultdict(Decimal)
        for row in self.state["accounts"]:
            for held in row["positions"]:
                total[held["market"]] += Decimal(held["size"])
        return total


class Checks:
    passed = failed = 0

    def equal(self, what, expected, actual):
        if expected == actual:
            self.passed += 1
        else:
            self.failed += 1
            print(f"{what}: expected {expected}, got {actual}")


def check_totals(t, instant, totals):
    for market, row in totals.items():
        rows = [action for action in instant.of("adl") if action["market"] == market]
        t.equal(f"closed in {market}", Decimal(row["closed"]),
                sum(Decimal(action["size_closed"]) for action in rows))
        t.equal(f"price in {market}", {row["price"]}, {action["price"] for action in rows})
        t.equal(f"cost in {market}", Decimal(row["cost_to_mark"]),
                sum(Decimal(action["cost_to_mark"]) for action in rows))
    t.equal("vaults end at 0 and flat", [("0", [])] * 3,
            [(row["equity"], row["positions"]) for row in instant.vaults()])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="a build directory")
    tool = str(parser.parse_args().bin.resolve() / "tests" / "tools" / "replay")
    expected = json.loads((DATA / "expected.json").read_text(encoding="utf-8"))
    whole = sum(Decimal(row["cost_to_mark"]) for row in expected["totals"].values())
    t = Checks()

    queue = Instant("priority").run(tool)
    t.equal("outcomes", {"ok"}, queue.outcomes)
    check_totals(t, queue, expected["totals"])
    for market, row in expected["totals"].items():
        t.equal(f"queue in {market}", expected["queue_by_priority"][market], queue.closed[market])
        t.equal(f"accounts touched in {market}", row["accounts_touched_by_queue"],
                len(queue.closed[market]))
    split = Instant("pro_rata").run(tool)
    check_totals(t, split, expected["totals"])
    t.equal("split", expected["pro_rata_by_size"], split.closed)

    before = Instant("priority")
    before.lines.pop(-2)
    t.equal("long less short is unchanged", before.run(tool).open(), queue.open())

    covered = Instant("priority", whole).run(tool)
    t.equal("a sufficient fund: no deleveraging", (0, 3), (len(covered.of("adl")),
                                                            len(covered.of("takeover"))))
    short = Instant("priority", whole - QUANTUM).run(tool)
    t.equal("one quantum less: one quantum is shared", QUANTUM, short.cost)

    with tempfile.TemporaryDirectory() as folder:
        logged = Instant("priority").run(tool, "--log", folder)
    t.equal("digest through the log", queue.state["digest"], logged.state["log_digest"])
    print(f"{t.passed} passed, {t.failed} failed")
    return 1 if t.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Differs as error:
        sys.exit(str(error))
