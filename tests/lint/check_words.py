#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Words that are not plain English: none of them in a comment, a text, a page or a test."""
import re

from tree import ROOT, Report, files, name

# Each with what to write.
BANNED = {
    "anew": "again", "whoever": "the account that", "in hand": "held, or at work",
    "who is thin": "near insolvency", "the one whom": "the account that", "this is unwise": "insecure",
}
# A line break, a star of a comment or a quote may stand between two words.
GAP = r"(?:\s|\*|#|\"|//)+"
WORDS = re.compile(r"\b(?:" + "|".join(word.replace(" ", GAP) for word in BANNED) + r")\b", re.IGNORECASE)
SUFFIXES = (".c", ".h", ".cpp", ".def", ".py", ".md", ".yaml", ".scn", ".build", ".txt", ".example", ".in", ".js",
            ".html", ".sh", ".bash", ".1", ".5", ".8")
# The change log quotes what was renamed.
EXEMPT = {"LICENSE", "CHANGELOG.md", "tests/lint/allowed.txt", "tests/lint/check_words.py"}


def plain(found):
    return re.sub(GAP, " ", found).lower()


def main():
    report = Report()
    for path in files(*SUFFIXES) + [ROOT / "dev", ROOT / ".ci" / "run"]:
        if name(path) in EXEMPT:
            continue
        text = path.read_text(encoding="utf-8")
        wrong = [f"{name(path)}:{text.count(chr(10), 0, found.start()) + 1} says {plain(found[0])!r}; "
                 f"write {BANNED[plain(found[0])]!r}" for found in WORDS.finditer(text)]
        report.check(not wrong, "\n".join(wrong), name(path))
    report.end()


if __name__ == "__main__":
    main()
