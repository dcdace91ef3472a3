#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every test that docs/guarantees.md names exists, and every row of its table names one."""
import re

from tree import ROOT, Report

PAGE = "docs/guarantees.md"
ROW = re.compile(r"^\| (?!Fault |-)(.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[^`:]+): (\w+)`")
SIMULATED = re.compile(r"`(sim|crash_points_[123])`")


def exists(path, test):
    """A test of Check, or a function of a test over HTTP."""
    file = ROOT / path
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return re.search(rf"^(START_TEST\({test}\)|def {test}\()", text, re.MULTILINE) is not None


def main():
    report = Report()
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    rows = ROW.findall(text)
    report.check(len(rows) > 0, f"{PAGE}: no table")
    for row in rows:
        fault, tests = row.split(" | ")[0], row.split(" | ")[-1]
        named = NAMED.findall(tests)
        report.check(named or SIMULATED.search(tests), f"{PAGE}: no test for: {fault}")
        for path, test in named:
            report.check(exists(path, test), f"{PAGE}: there is no {path}: {test}")
    listed = (ROOT / "tests/sim/meson.build").read_text(encoding="utf-8")
    report.check("'sim'" in listed and "'crash_points_' + scenario" in listed, f"{PAGE}: the simulator's tests")
    report.end()


if __name__ == "__main__":
    main()
