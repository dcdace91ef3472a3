# SPDX-License-Identifier: Apache-2.0
"""At the end of the range.

Goal: amounts near 2^62 quanta are refused by name or exact, and never halt a pool. Method: a random
world gets as many more decimals as its pools can have before the engine refuses a quarter of it as
out_of_range. What is refused is left out; the oracle, whose numbers have no end, must agree on the
rest.

`python3 ranges.py --engine PATH --worlds 100 --seed 1`
"""
import argparse
import copy
import sys

from run import Engine, EngineDied, difference_in
from worlds import replay, world

DECIMALS_MAX = 18


def with_more_decimals(commands, more):
    commands = copy.deepcopy(commands)
    for command in commands:
        if command["type"] == "pool" and "decimals" in command:
            command["decimals"] = min(DECIMALS_MAX, command["decimals"] + more)
    return commands


def answers_to(engine, commands):
    return engine.ask([{"type": "reset"}] + commands)[1:]


def at_the_end(engine, seed):
    """(commands, answers) of the world near the end of the range, nothing in it refused for that; None
    where no number of decimals brings it there."""
    commands = world(seed)
    for more in range(DECIMALS_MAX, 0, -1):
        near = with_more_decimals(commands, more)
        answers = answers_to(engine, near)
        refused = sum(answer["outcome"] == "out_of_range" for answer in answers)
        if refused == 0:
            return None
        if refused * 4 <= len(near):
            break
    while any(answer["outcome"] == "out_of_range" for answer in answers):
        near = [command for command, answer in zip(near, answers) if answer["outcome"] != "out_of_range"]
        answers = answers_to(engine, near)
    return near, answers


def wrong_with(commands, answers):
    return difference_in(commands, answers, replay(commands)[0])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", required=True)
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    engine, compared, failed = Engine(arguments.engine), 0, 0
    for seed in range(arguments.seed, arguments.seed + arguments.worlds):
        try:
            near = at_the_end(engine, seed)
            wrong = near and wrong_with(*near)
        except EngineDied as died:
            near, wrong = True, str(died)
        compared += near is not None
        if wrong:
            failed += 1
            print(f"FAILED world {seed}: {wrong}")
    engine.stop()
    print(f"ranges: {compared} of {arguments.worlds} worlds at the end of the range; {failed} failed")
    return failed > 0 or compared * 2 < arguments.worlds


if __name__ == "__main__":
    sys.exit(main())
