#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Adds up test results: `count.py LOG...`, meson's testlog.json files. Prints one line.

A test program that says how many checks it ran is counted by what it says; any other one counts as
one. A program that failed without naming a failure counts as one failure.
"""
import json
import pathlib
import re
import sys

OWN_LINE = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.MULTILINE)
CHECK_LINE = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)$", re.MULTILINE)
UNITTEST_RAN = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
UNITTEST_BAD = re.compile(r"(?:failures|errors)=(\d+)")
UNITTEST_SKIPPED = re.compile(r"skipped=(\d+)")


def counted(output):
    """(passed, failed, skipped) as the program itself says, or None."""
    if own := OWN_LINE.findall(output):
        return tuple(map(sum, zip(*[[int(n or 0) for n in row] for row in own])))
    if check := CHECK_LINE.findall(output):
        checks, failures, errors = (sum(map(int, column)) for column in zip(*check))
        return checks - failures - errors, failures + errors, 0
    if ran := UNITTEST_RAN.search(output):
        bad = sum(map(int, UNITTEST_BAD.findall(output[ran.end():])))
        skipped = sum(map(int, UNITTEST_SKIPPED.findall(output[ran.end():])))
        return int(ran[1]) - bad - skipped, bad, skipped
    return None


def result_of(test):
    output = test.get("stdout", "") + "\n" + test.get("stderr", "")
    passed, failed, skipped = counted(output) or (0, 0, 0)
    if test["result"] == "SKIP":
        return 0, 0, 1
    if test["result"] not in ("OK", "EXPECTEDFAIL"):
        return passed, max(1, failed), skipped
    if passed + failed + skipped == 0:
        return 1, 0, 0
    return passed, failed, skipped


def main(paths):
    rows = []
    for path in paths:
        path = pathlib.Path(path)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        rows += [result_of(json.loads(line)) for line in lines]
        if not lines:
            rows.append((0, 1, 0))
    passed, failed, skipped = map(sum, zip(*rows))
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
