#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs scenarios three ways: `run.py --bin BUILD [--update] [FILE.scn ...]`. See README.md."""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "http"))

from language import (START, Ledger, Scenario, ScenarioError, action_matches, action_text,
                      parse_time, same)
import over_http

STATE = '{"type":"state"}'


class Differs(Exception):
    pass


def replay(binary, lines, *options):
    """The answers of the replay tool to these lines."""
    done = subprocess.run([binary, *options], input="\n".join(lines) + "\n", encoding="utf-8",
                          capture_output=True, timeout=120)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0 or len(answers) != len(lines):
        raise Differs(f"the replay tool ended with {done.returncode} after {len(answers)} of "
                      f"{len(lines)} lines\n{done.stderr[-2000:]}")
    return answers


def settles(command):
    return '"settle"' in command or '"close_period"' in command


def direct_lines(scenario):
    """All lines for the tool, and for each step the places of its answers; states go between."""
    lines = ['{"type":"reset"}', json.dumps({"type": "clock", "ms": parse_time(START)})]
    places = []
    for step in scenario.steps:
        first = len(lines)
        if step.kind == "clock":
            lines.append(json.dumps({"type": "clock", "ms": step.ms}))
        elif step.kind == "check":
            lines.append(STATE)
        else:
            guarded = settles(step.commands[0])
            lines += [STATE] * guarded + step.commands + [STATE] * guarded
        places.append(range(first, len(lines)))
    return lines + [STATE], places


def outcome_of(answer):
    return answer["outcome"] + (" waiting" if "waiting" in answer else "")


def conserved(before, after):
    old, new = Ledger(before), Ledger(after)
    wrong = [f"the sum of pool {pool} went from {old.total(pool)} to {new.total(pool)}"
             for pool in old.pools if old.total(pool) != new.total(pool)]
    markets = {held["market"] for account in before["accounts"] for held in account["positions"]}
    wrong += [f"open interest of {market} changed" for market in sorted(markets)
              if old.open(market) != new.open(market)]
    return wrong


class Result:
    """What happened in the direct run: differences from the file, and the file as it should be."""

    def __init__(self, scenario, lines, answers, places):
        self.outcomes, self.actions = [], []
        self.differences = []
        self.rewritten = list(scenario.lines)
        self.inserted = {}
        self.state = answers[-1]
        for step, place in zip(scenario.steps, places):
            if step.kind == "check":
                self.check(step, Ledger(answers[place[0]]))
            elif step.kind == "command":
                self.command(step, [(lines[at], answers[at]) for at in place])

    def differ(self, line, text):
        self.differences.append(f"line {line}: {text}")

    def check(self, step, ledger):
        if not all(same(expected, actual) for _, expected, actual in ledger.fields(step.text)):
            self.differ(step.line, f"expected {step.text}\n      books say {ledger.text(step.text)}")
            self.rewritten[step.line - 1] = ledger.text(step.text)

    def command(self, step, exchanges):
        states = [answer for line, answer in exchanges if line == STATE]
        answers = [answer for line, answer in exchanges if line != STATE]
        if states:
            for text in conserved(*states):
                self.differ(step.line, text)
        outcomes = [outcome_of(answer) for answer in answers]
        self.outcomes += [answer["outcome"] for answer in answers]
        got = [action for answer in answers for action in answer["actions"]]
        self.actions += got
        wrong = [outcome for outcome in outcomes if outcome != step.expected]
        if wrong:
            self.differ(step.line, f"{step.text} -> {wrong[0]}, expected {step.expected}")
            self.rewritten[step.line - 1] = f"{step.text} -> {wrong[0]}"
        self.compare_actions(step, got)

    def compare_actions(self, step, got):
        wanted = [text for _, text in step.actions]
        if len(wanted) == len(got) and all(map(action_matches, wanted, got)):
            return
        likes = wanted + [None] * len(got)
        actual = [action_text(action, like) for action, like in zip(got, likes)]
        self.differ(step.line, "actions of " + step.text + "\n      expected\n        "
                    + "\n        ".join(wanted or ["none"]) + "\n      got\n        "
                    + "\n        ".join(actual or ["none"]))
        for number, _ in step.actions:
            self.rewritten[number - 1] = None
        self.inserted[step.line] = ["  " + text for text in actual]

    def updated(self):
        out = []
        for number, line in enumerate(self.rewritten, 1):
            out += ([] if line is None else [line]) + self.inserted.get(number, [])
        return "\n".join(out) + "\n"


def run_direct(scenario, binary):
    lines, places = direct_lines(scenario)
    return Result(scenario, lines, replay(binary, lines), places)


def run_log(scenario, binary, result):
    """The same commands through the log; the digests before and after must be equal."""
    lines = [line for line in direct_lines(scenario)[0] if line != STATE] + [STATE]
    with tempfile.TemporaryDirectory() as folder:
        state = replay(binary, lines, "--log", folder)[-1]
    for name in ("digest", "digest_actions"):
        if not result.state[name] == state[name] == state[name.replace("digest", "log_digest")]:
            raise Differs(f"{name}: {result.state[name]} directly, {state[name]} while logging, "
                          f"{state[name.replace('digest', 'log_digest')]} replayed")


def run_one(path, tools, update):
    """Returns [(way, what is wrong or None)]."""
    scenario = Scenario(path)
    result = run_direct(scenario, tools.replay)
    if update and result.differences:
        path.write_text(result.updated(), encoding="utf-8")
    rows = [("directly", "\n    ".join(result.differences) or None)]
    ways = [("through the log", lambda: run_log(scenario, tools.replay, result))]
    if not scenario.has_clock:
        ways.append(("over HTTP", lambda: over_http.run(scenario, tools, result)))
    for way, run in ways:
        try:
            run()
            rows.append((way, None))
        except (Differs, over_http.Differs) as error:
            rows.append((way, str(error)))
    return rows


class Tools:
    def __init__(self, folder):
        self.replay = str(folder / "tests" / "tools" / "replay")
        over_http.use(str(folder / "daemon" / "backstopd"))

    def read_log(self, folder):
        """The state that the log of a stopped daemon replays to."""
        return replay(self.replay, [STATE], "--read", folder)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="a build directory")
    parser.add_argument("--update", action="store_true", help="rewrite the files that differ")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    passed = failed = 0
    for path in arguments.files or sorted(HERE.glob("*.scn")):
        try:
            rows = run_one(path, Tools(arguments.bin.resolve()), arguments.update)
        except (Differs, ScenarioError) as error:
            rows = [("directly", str(error))]
        for way, wrong in rows:
            passed, failed = passed + (wrong is None), failed + (wrong is not None)
            if wrong is not None:
                print(f"{path.name} {way}:\n    {wrong}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
