#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manual pages pass a linter, and every verb and option of backstopctl is in its
page. `check_man.py BACKSTOPCTL`"""
import re
import subprocess
import sys

from tree import ROOT, Report, name

PAGES = sorted(path for path in (ROOT / "docs").iterdir() if re.fullmatch(r".*\.[1-9]", path.name))


def main():
    report = Report()
    report.check(len(PAGES) >= 3, f"pages found: {PAGES}")
    for page in PAGES:
        done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], capture_output=True, text=True)
        report.check(done.returncode == 0 and not done.stdout, f"{name(page)}:\n{done.stdout}{done.stderr}")
    shown = subprocess.run([sys.argv[1], "--help"], capture_output=True, text=True, check=True).stdout
    page = (ROOT / "docs" / "backstopctl.1").read_text(encoding="utf-8")
    verbs = re.findall(r"^  ([a-z-]+) ", shown[:shown.index("Options")], re.MULTILINE)
    report.check(len(verbs) > 10, f"verbs found: {verbs}")
    for verb in verbs:
        report.check(f".It Cm {verb}" in page, f"docs/backstopctl.1 has no {verb}")
        helped = subprocess.run([sys.argv[1], verb, "--help"], capture_output=True, text=True, check=True).stdout
        for option in re.findall(r"^  (?:-., |    )--([a-z-]+)", helped, re.MULTILINE):
            report.check(f"Fl -{option}" in page, f"docs/backstopctl.1 has no --{option}")
    report.end()


if __name__ == "__main__":
    main()
