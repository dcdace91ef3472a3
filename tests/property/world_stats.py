# SPDX-License-Identifier: Apache-2.0
"""`python3 world_stats.py N [SEED]` prints what N random worlds reach."""
import sys
from collections import Counter

from worlds import expected_world


def kind_of(command):
    """The waterfall in one word."""
    words = []
    for layer in command["waterfall"]:
        words.append("+".join([layer["layer"]] + [str(layer[key]) for key in (
            "ranking", "price", "basis", "divide", "scope") if key in layer]))
    return " > ".join(words) or "(none)"


def details(results):
    """Finer things a world reached, read off its actions."""
    found = set()
    for _, published, _ in results:
        pieces = Counter()
        for action in published:
            kind = action["type"]
            if kind == "haircut":
                found.add("(haircut: capped)" if "prefix" not in action else "(haircut: divided)")
                if "market" in action:
                    found.add("(haircut: of a market)")
            elif kind == "adl":
                pieces[action["account"], action["counterparty"], action["market"]] += 1
                if action["realized_pnl"] == "0" and action["cost_to_mark"] != "0":
                    found.add("(adl: protected at entry)")
                if action["size_after"] != "0":
                    found.add("(adl: partial)")
                if action["price"].startswith("-"):
                    found.add("(adl: price below 0)")
            elif kind == "insurance_draw" and action["account"].startswith("backstop:"):
                found.add("(period-end draw)")
        if any(number > 1 for number in pieces.values()):
            found.add("(adl: refused lots split again)")
        legs = {(a["account"], a["market"]) for a in published if a["type"] == "liquidation_close"}
        if len(legs) > len({account for account, _ in legs}):
            found.add("(adl: two legs or more)")
        taken = {(a["account"], a["market"]) for a in published if a["type"] == "takeover"}
        if legs & taken:
            found.add("(adl: part of a leg, the rest taken over)")
    return found


def stats(count, first):
    actions, reached, outcomes, kinds, layers = (Counter() for _ in range(5))
    length = 0
    for seed in range(first, first + count):
        commands, results, _ = expected_world(seed)
        length += len(commands)
        types = Counter(a["type"] for _, published, _ in results for a in published)
        actions.update(types)
        reached.update(types.keys())
        outcomes.update((c["type"], r[0]) for c, r in zip(commands, results))
        reached["(fund inventory closed)"] += any(
            a["type"] == "liquidation_close" and a["account"].startswith("backstop:")
            for _, published, _ in results for a in published)
        reached["(two settlements or more)"] += sum(
            1 for _, published, _ in results if any(a["settlement"] for a in published)) > 1
        reached.update(details(results))
        for command in commands:
            if command["type"] == "pool":
                words = kind_of(command)
                kinds[" > ".join(w.split("+")[0] for w in words.split(" > "))] += 1
                layers.update(words.split(" > "))
    print(f"{count} worlds, {length / count:.1f} commands each")
    for title, table in (("action: published", actions), ("worlds that reach it", reached),
                         ("waterfall", kinds), ("layer", layers), ("outcome", outcomes)):
        print(f"\n{title}")
        for name, number in sorted(table.items(), key=lambda row: (-row[1], str(row[0]))):
            print(f"  {number:8d}  {name if isinstance(name, str) else ' '.join(name)}")


if __name__ == "__main__":
    stats(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
