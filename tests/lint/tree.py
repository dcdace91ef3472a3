# SPDX-License-Identifier: Apache-2.0
"""The files of the project, and a report that ends the way the test runner counts."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = {".git", "build", "__pycache__"}


def files(*suffixes, under=""):
    """Paths below ROOT with one of the suffixes, sorted; generated and foreign folders left out."""
    found = []
    for path in (ROOT / under).rglob("*"):
        parts = path.relative_to(ROOT).parts
        if path.is_file() and path.suffix in suffixes and not SKIPPED.intersection(parts):
            found.append(path)
    return sorted(found)


def name(path):
    return str(path.relative_to(ROOT))


class Report:
    def __init__(self):
        self.checked = 0
        self.wrong = []

    def check(self, ok, text):
        self.checked += 1
        if not ok:
            self.wrong.append(text)

    def end(self):
        for text in self.wrong:
            print(text)
        print(f"{self.checked - len(self.wrong)} passed, {len(self.wrong)} failed")
        sys.exit(1 if self.wrong or not self.checked else 0)
