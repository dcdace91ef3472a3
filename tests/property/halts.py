# SPDX-License-Identifier: Apache-2.0
"""A plan that is refused leaves no trace.

Goal: a world in which the check of some plan fails, and whose pool is resumed, ends as the same world
without the failure, but for the actions that say so. Method: every check of every random world fails
once (the engine counts them: "reset" with "refuse"); the pool is resumed, which runs its settlement
again; the actions and books that follow are compared with those of the world as it was. Where a part
of the settlement was applied before, the rest is another settlement: then nobody may be left insolvent,
money is conserved, and the world goes on without a crash.

`python3 halts.py --engine PATH --worlds 100 --seed 1`
"""
import argparse
import copy
import json
import sys
import time
from dataclasses import dataclass

from run import Books, Engine, EngineDied, state_difference
from worlds import SETTLES, copy_marks, expected_world
from oracle import Oracle

STATE = {"type": "state"}
NOT_COMPARED = {"id", "cursor", "hash", "reverses", "seq", "time"}


def plain(action):
    """An action without what follows from its place in the log."""
    return {name: value for name, value in action.items() if name not in NOT_COMPARED}


def pool_of(command, homes):
    return command["pool"] if "pool" in command else homes.get(command.get("market"))


@dataclass
class Moved:
    """Numbers of a pool's actions, where it was halted, resumed and perhaps paused again."""
    pool: str | None
    halted: int  # what the settlement would have begun with
    after: int   # and the first one after it
    paused: bool

    def of(self, number):
        if number < self.halted:
            return number
        return number + 2 + (self.paused and number >= self.after)


class World:
    """One world, its answers without a failure, and the books after each settlement."""

    def __init__(self, engine, seed):
        self.commands = expected_world(seed)[0]
        self.homes = {item["market"]: item["pool"] for item in self.commands if item["type"] == "market"}
        items = [{"type": "reset"}]
        for command in self.commands:
            items += [command, STATE]
        answers = engine.ask(items)[1:]
        self.answers, self.states = answers[::2], answers[1::2]

    def wrong_with(self, engine, number):
        """(what is wrong when the check of that number fails or None, whether one failed)."""
        engine.ask([{"type": "reset", "refuse": number}])
        for place, command in enumerate(self.commands):
            answer = engine.ask([command])[0]
            if command["type"] == "unfilled" and answer["outcome"] == "out_of_range":
                if self.answers[place]["outcome"] != "out_of_range":  # a numbered item stays refused
                    wrong = None if "source" in command else self.rest(
                        engine, place, command, Moved(None, 0, 0, False))
                    return wrong, True
            if answer["actions"] and answer["actions"][-1]["type"] == "pool_halted":
                return self.resume(engine, place, command, answer["actions"]), True
            if answer != self.answers[place]:
                return f"{json.dumps(command)}\n  {json.dumps(answer)}\n  {json.dumps(self.answers[place])}", True
        return None, False

    def resume(self, engine, place, command, actions):
        """The pool is resumed, and paused again if it was; then the rest of the world."""
        pool = pool_of(command, self.homes)
        answer, state = engine.ask([{"type": "resume", "pool": pool, "reason": "checked"}, STATE])
        more = answer["actions"]
        if answer["outcome"] != "ok" or not more or more[0]["type"] != "pool_resumed":
            return f"resume: {json.dumps(answer)}"
        wanted = next(row for row in self.states[place]["pools"] if row["pool"] == pool)["state"]
        if wanted == "paused":
            engine.ask([{"type": "pause", "pool": pool}])
        if len(actions) > 1:
            return self.mixed(engine, place, pool, state)
        expected = [plain(action) for action in self.answers[place]["actions"]]
        if [plain(action) for action in more[1:]] != expected:
            return f"{json.dumps(command)}\n  after resume {json.dumps(more[1:])}\n  expected {json.dumps(expected)}"
        halted = actions[0]["id"]
        return self.rest(engine, place + 1, None, Moved(pool, halted, halted + len(expected), wanted == "paused"))

    def mixed(self, engine, place, pool, state):
        """A part was applied before: the rest is another settlement."""
        oracle, now = Oracle(), 0
        for command in self.commands[:place + 1]:
            if command["type"] == "clock":
                now = command["ms"]
            else:
                oracle.step(copy.deepcopy(command), now)
        books = Books(state, pool, copy_marks(oracle, self.commands[place]))
        before = Books(self.states[place], pool, copy_marks(oracle, self.commands[place]))
        lots = books.open_interest.keys() | before.open_interest.keys()
        if books.cash != before.cash or any(
                books.open_interest.get(name, 0) != before.open_interest.get(name, 0) for name in lots):
            return f"after a part: {books.cash} {books.open_interest}, {before.cash} {before.open_interest}"
        insolvent = [name for name, equity in books.equity.items()
                     if equity < 0 and name not in books.left_alone and not name.startswith("backstop:")]
        if insolvent:
            return f"after a part: {insolvent} left insolvent"
        for command in self.commands[place + 1:]:
            engine.ask([command])
        return None

    def rest(self, engine, place, command, numbers):
        """The commands from there on, with the numbers that their actions have here."""
        items = [] if command is None else [command]
        place += len(items)
        for command in self.commands[place:]:
            items.append(self.moved(command, numbers))
        answers = engine.ask(items + [STATE])
        wanted = self.answers[len(self.commands) - len(items):]
        for item, answer, expected in zip(items, answers, wanted):
            if answer["outcome"] != expected["outcome"] or (
                    [plain(action) for action in answer["actions"]]
                    != [plain(action) for action in expected["actions"]]):
                return f"later {json.dumps(item)}\n  {json.dumps(answer)}\n  {json.dumps(expected)}"
        return state_difference(self.states[-1], answers[-1])

    def moved(self, command, numbers):
        place = pool_of(command, self.homes) or self.home(command.get("account"))
        if place != numbers.pool:
            return command
        return command | {field: numbers.of(command[field]) for field in ("seen_action", "action")
                          if field in command}

    def home(self, account):
        return next((row["pool"] for row in self.states[-1]["accounts"] if row["account"] == account), None)


def check_world(engine, seed):
    """(what is wrong, how many plans were refused)."""
    world = World(engine, seed)
    number = 1
    while True:
        try:
            wrong, refused = world.wrong_with(engine, number)
        except EngineDied as died:
            wrong, refused = str(died), True
        if wrong or not refused:
            return wrong and f"check {number} refused: {wrong}", number - 1
        number += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    engine, failed, refused, began = Engine(options.engine), 0, 0, time.monotonic()
    for seed in range(options.seed, options.seed + options.worlds):
        wrong, count = check_world(engine, seed)
        refused += count
        if wrong:
            failed += 1
            if failed <= 5:
                print(f"world {seed}: {wrong}", flush=True)
    engine.stop()
    print(f"{options.worlds - failed} passed, {failed} failed; {refused} plans refused; "
          f"{time.monotonic() - began:.1f} s")
    return 1 if failed or not refused else 0


if __name__ == "__main__":
    sys.exit(main())
