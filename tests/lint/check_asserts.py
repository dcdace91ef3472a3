#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Assertions: in lib as a whole, in each of its folders and in the webhooks, the C files have at least
two for each hundred lines that are not blank."""
import re

from tree import ROOT, Report, code, files

LEAST = 2  # per hundred lines
ROOMS = ["lib", *sorted(f"lib/{path.name}" for path in (ROOT / "lib").iterdir() if path.is_dir()),
         "daemon/webhooks"]
ASSERT = re.compile(r"\b(?:assert|static_assert|_Static_assert)\s*\(")


def figures(room):
    """(asserts, lines that are not blank) of a folder and those below it."""
    asserts = lines = 0
    for path in files(".c", under=room):
        text = path.read_text(encoding="utf-8")
        asserts += len(ASSERT.findall(code(text)))
        lines += sum(1 for line in text.splitlines() if line.strip())
    return asserts, lines


def main():
    report = Report()
    for room in ROOMS:
        asserts, lines = figures(room)
        print(f"{room}: {asserts} asserts in {lines} lines")
        report.check(asserts * 100 >= LEAST * lines,
                     f"{room} has {asserts} asserts in {lines} lines: {LEAST} per hundred are needed")
    report.end()


if __name__ == "__main__":
    main()
