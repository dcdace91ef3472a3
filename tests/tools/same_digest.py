#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every compiler and level of optimisation gives the same bytes: `same_digest.py OUT REPLAY...` runs
all scenarios and the real instant through each replay tool and compares digests and actions with those
of the first. OUT gets one line in the form of meson's testlog.json, for count.py."""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "scenario"), str(ROOT / "tests" / "http")]

from language import START, Scenario, parse_time
from run import STATE, direct_lines, replay

INSTANT = ROOT / "data" / "oct10-instant" / "commands.ndjson"


def streams():
    """(name, lines), each from an empty engine to a state."""
    for path in sorted((ROOT / "tests" / "scenario").glob("*.scn")):
        yield path.name, direct_lines(Scenario(path))[0]
    clock = json.dumps({"type": "clock", "ms": parse_time(START)})
    commands = INSTANT.read_text(encoding="utf-8").split("\n")
    yield "the instant", [clock, *filter(None, commands), STATE]


def main(out, first, *others):
    passed = failed = 0
    for name, lines in streams():
        expected = replay(first, lines)
        for other in others:
            same = replay(other, lines) == expected
            passed, failed = passed + same, failed + (not same)
            if not same:
                print(f"{name}: {other} differs from {first}")
    line = f"{passed} passed, {failed} failed"
    print(line)
    result = "OK" if passed and not failed else "FAIL"
    pathlib.Path(out).write_text(json.dumps({"name": "same digest", "result": result,
                                             "stdout": line + "\n"}) + "\n", encoding="utf-8")
    return 0 if result == "OK" else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
