# SPDX-License-Identifier: Apache-2.0
"""The files of the project, their comments, and a report that ends the way the test runner counts."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = {".git", "build", "__pycache__"}
ALLOWED = pathlib.Path(__file__).with_name("allowed.txt")
# A comment or a string or a character of C, whichever begins first.
TOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'", re.DOTALL)


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


def comments(text):
    """The comments of a C file."""
    return [token for token in TOKEN.findall(text) if token[0] == "/"]


def code(text):
    """A C file without its comments and with empty strings; every line keeps its number."""
    return TOKEN.sub(lambda found: "\n" * found[0].count("\n") if found[0][0] == "/"
                     else found[0][0] * 2, text)


class Report:
    """allowed.txt lists what a check finds and lets pass: `check: key`. An entry that is no longer
    needed is an error, so that the list only shrinks; --prune deletes those of the check."""

    def __init__(self):
        self.checked = 0
        self.wrong = []
        self.prefix = pathlib.Path(sys.argv[0]).stem + ": "
        self.lines = ALLOWED.read_text(encoding="utf-8").splitlines() if ALLOWED.exists() else []
        self.allowed = {line.removeprefix(self.prefix) for line in self.lines if line.startswith(self.prefix)}
        self.used = set()

    def check(self, ok, text, key=None):
        """key: what allowed.txt may name, if anything."""
        self.checked += 1
        if not ok and key in self.allowed:
            self.used.add(key)
        elif not ok:
            self.wrong.append(text)

    def end(self):
        stale = self.allowed - self.used
        if stale and "--prune" in sys.argv:
            kept = [line for line in self.lines if line.removeprefix(self.prefix) not in stale]
            ALLOWED.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
        elif stale:
            self.check(False, f"{name(ALLOWED)} has entries that are no longer needed; {sys.argv[0]} --prune "
                              f"deletes them: {', '.join(sorted(stale))}")
        for text in self.wrong:
            print(text)
        print(f"{self.checked - len(self.wrong)} passed, {len(self.wrong)} failed")
        sys.exit(1 if self.wrong or not self.checked else 0)
