# SPDX-License-Identifier: Apache-2.0
"""Ids that may have been forgotten.

Goal: with any window, an id that is known counts once, one that says how old it is never counts
twice, and all others count. Method: random worlds whose fills, transfers and fund payments get few
different ids and random times, some of them sent again later, as they were or changed; the engine
remembers 1 to 16 of each sort. The oracle keeps all that were ever sent.

`python3 ids.py --engine PATH --worlds 100 --seed 1`
"""
import argparse
import random
import sys
from collections import Counter
from datetime import timedelta

from oracle import EPOCH, Oracle
from run import Engine, EngineDied, difference_in
from worlds import replay, world

WINDOWS = (1, 2, 4, 16)
NAMES = {"fill": "trade_id", "transfer": "transfer_id", "insurance_fund": "transfer_id", "own_fund": "transfer_id"}
AWAY_MS = (-3600000, -10001, -5000, -1000, -1, 0, 1, 4999, 5000, 5001, 60000)


def without_number(command):
    return {name: value for name, value in command.items() if name not in ("source", "source_seq")}


class Sender:
    """Gives commands ids and times, and sends some again."""

    def __init__(self, seed):
        self.dice, self.now, self.sent = random.Random(seed), 0, []

    def time(self):
        moment = EPOCH + timedelta(milliseconds=self.now + self.dice.choice(AWAY_MS))
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def named(self, command):
        dice, command = self.dice, without_number(command)
        if dice.random() < 0.8:
            command[NAMES[command["type"]]] = f"i{dice.randrange(12)}"
        if dice.random() < 0.6:
            command["time"] = self.time()
        return command

    def again(self):
        dice, command = self.dice, dict(self.dice.choice(self.sent[-30:]))
        kind = dice.randrange(6)
        if kind == 0:
            command["time"] = self.time()
        elif kind == 1:
            command.pop("time", None)
        elif kind == 2:
            command[NAMES[command["type"]]] = f"i{dice.randrange(12)}"
        return command

    def commands(self, command):
        if command["type"] == "clock":
            self.now = command["ms"]
        if command["type"] not in NAMES:
            return [command]
        self.sent.append(self.named(command))
        return [self.sent[-1]] + [self.again() for _ in range(self.dice.randrange(8))]


def wrong_with(commands, answers, oracle, met):
    results = replay(commands, oracle)[0]
    met.update(outcome for command, (outcome, *_) in zip(commands, results) if command["type"] in NAMES)
    return difference_in(commands, answers, results)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", required=True)
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    pairs = [(trades, transfers) for trades in WINDOWS for transfers in WINDOWS]
    engines, failed, met = {}, 0, Counter()
    for seed in range(arguments.seed, arguments.seed + arguments.worlds):
        trades, transfers = pairs[seed % len(pairs)]
        if (trades, transfers) not in engines:
            engines[trades, transfers] = Engine(f"{arguments.engine} --dedupe {trades} --transfers {transfers}")
        sender = Sender(seed)
        commands = [sent for command in world(seed) for sent in sender.commands(command)]
        try:
            answers = engines[trades, transfers].ask([{"type": "reset"}] + commands)[1:]
            wrong = wrong_with(commands, answers, Oracle(trades, transfers), met)
        except EngineDied as died:
            wrong = str(died)
        if wrong:
            failed += 1
            print(f"FAILED world {seed}: {wrong}")
    for engine in engines.values():
        engine.stop()
    reached = {code: met[code] for code in ("ok", "id_reused", "id_too_old", "time_in_future")}
    print(f"ids: {arguments.worlds} worlds, {reached}; {failed} failed")
    return failed > 0 or not all(reached.values())


if __name__ == "__main__":
    sys.exit(main())
