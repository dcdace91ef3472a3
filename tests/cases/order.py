#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Neither the order of arrival nor the name of an account may decide what is taken.

`order.py --bin BUILD` tells every story of played.scn and every scenario of a defect again with the
accounts of each block posted in other orders: the same actions. Then under other names, which sort
otherwise: shares may move by a quantum and ties end with somebody else, but the totals are the same.
"""
import argparse
import collections
import json
import pathlib
import random
import sys
from decimal import Decimal

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scenario"))

from language import Ledger, Scenario
from run import STATE, direct_lines, replay

SEEDS = range(4)


class Story(Scenario):
    def __init__(self, path, lines):
        self.load(path, lines)


def stories():
    """[(name, commands)]: commands are JSON objects in the order of the story."""
    text = (HERE / "played.scn").read_text(encoding="utf-8")
    told = [(part.split("\n")[0], Story(HERE / "played.scn", part.split("\n")[1:]))
            for part in text.split("\ncase ")[1:]]
    told += [(path.stem, Scenario(path))
             for path in sorted(HERE.parent.glob("scenario/defect_*.scn"))]
    return [(name, [json.loads(line) for line in direct_lines(story)[0] if line != STATE])
            for name, story in told]


def shuffled(commands, seed):
    """The accounts of each block (item after item) in another order."""
    out, block = [], []
    for command in commands + [{"type": "end"}]:
        if command["type"] == "account" and "seen_action" not in command:
            block.append(command)
            continue
        random.Random(seed).shuffle(block)
        out += block + [command]
        block = []
    return out[:-1]


def renamed(commands, seed):
    """The same accounts under names whose order is another one."""
    names = sorted({command["account"] for command in commands
                    if "account" in command and not command["account"].startswith("backstop:")})
    places = list(range(len(names)))
    random.Random(seed).shuffle(places)
    to = {name: f"n{place:04}" for name, place in zip(names, places[::-1])}
    return [command | {"account": to[command["account"]]}
            if command.get("account") in to else command for command in commands]


def told(binary, commands):
    answers = replay(binary, [json.dumps(command) for command in commands] + [STATE])
    return [action for answer in answers[:-1] for action in answer.get("actions", [])], answers[-1]


def totals(actions, state):
    """What was taken and closed in all, by type and market, and where the pools stand."""
    sums = collections.Counter()
    for action in actions:
        for field in ("amount", "size_closed", "value", "cost_to_mark"):
            if field in action:
                sums[action["type"], action.get("market"), field] += Decimal(action[field])
    ledger = Ledger(state)
    pools = {(pool, key): Decimal(ledger.of_pool(pool, key)) for pool in ledger.pools
             for key in ("fund", "loss", "unallocated")}
    return {key: value for key, value in sums.items() if value} | pools


def without_places(actions):
    return [{key: value for key, value in action.items() if key != "cursor"} for action in actions]


def differences(binary, name, commands):
    actions, state = told(binary, commands)
    expected = totals(actions, state)
    wrong = []
    for seed in SEEDS:
        if without_places(told(binary, shuffled(commands, seed))[0]) != without_places(actions):
            wrong.append(f"{name}: posted in another order ({seed}), the actions are others")
        got = totals(*told(binary, renamed(commands, seed)))
        wrong += [f"{name}: under other names ({seed}) {key} is {got.get(key)}, "
                  f"not {expected.get(key)}"
                  for key in expected.keys() | got.keys() if expected.get(key) != got.get(key)]
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="a build directory")
    binary = str(parser.parse_args().bin.resolve() / "tests" / "tools" / "replay")
    told_again = stories()
    wrong = [line for name, commands in told_again
             for line in differences(binary, name, commands)]
    for line in wrong:
        print(line)
    print(f"order: {len(told_again)} stories, each in {len(SEEDS)} orders and under {len(SEEDS)} "
          f"sets of names; {len(wrong)} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
