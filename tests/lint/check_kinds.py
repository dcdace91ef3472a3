#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every kind of action and command, and every value that a field chooses from, stands wherever kinds
are listed: in verify.py and the documents. Where C code lists them, the compiler sees to it. A toy
kind shows that each place would be found wanting."""
import re
import sys

from tree import ROOT, Report

sys.path.insert(0, str(ROOT / "docs"))
sys.dont_write_bytecode = True
import verify  # noqa: E402

RECORD = ROOT / "lib" / "record"
ACTION = re.compile(r'^X\([A-Z_]+, (\d+), ([a-z_]+), "([a-z_.]+)", ([01]), [A-Z]+\)$', re.MULTILINE)
COMMAND = re.compile(r"^X\([A-Z_]+, (\d+), ([a-z_]+), (?!INTERNAL)[A-Z]+, .*\)$", re.MULTILINE)
CHOICE = re.compile(r"X\(BS_([A-Z]+)_[A-Z_]+, (\d+), ([a-z_]+)(?:, .*)?\)")


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def rows_of(name, pattern):
    return pattern.findall((RECORD / name).read_text(encoding="utf-8"))


class Documents:
    def __init__(self):
        self.records = re.sub(r"\s+", " ", text("docs/records.md"))
        self.api = set(re.findall(r"`([a-z_]+)`", text("docs/api.md")))
        self.webhooks = set(re.findall(r"`([a-z_.]+)`", text("docs/webhooks.md")))

    def numbers(self, number, name):
        return re.search(rf"\b{number} {name}\b", self.records) is not None

    def missing_actions(self, rows):
        """(place, kind) for each action that a place does not name."""
        for number, kind, event, _ in rows:
            if kind not in verify.KINDS:
                yield "docs/verify.py", kind
            if not self.numbers(number, kind):
                yield "docs/records.md", kind
            if kind not in self.api:
                yield "docs/api.md", kind
            if event not in self.webhooks:
                yield "docs/webhooks.md", kind

    def missing_commands(self, rows):
        for number, kind in rows:
            if f"| {number} | {kind} |" not in self.records:
                yield "docs/records.md", kind
            if kind not in self.api:
                yield "docs/api.md", kind

    def missing_choices(self, rows):
        for _, number, word in rows:
            if not self.numbers(number, word):
                yield "docs/records.md", word
            if word not in self.api:
                yield "docs/api.md", word


def main():
    report = Report()
    documents = Documents()
    everywhere = {"docs/records.md", "docs/api.md"}
    lists = (
        (documents.missing_actions, rows_of("actions.def", ACTION), 20, ("99", "toy", "toy.played", "0"),
         everywhere | {"docs/verify.py", "docs/webhooks.md"}),
        (documents.missing_commands, rows_of("commands.def", COMMAND), 23, ("99", "toy"), everywhere),
        (documents.missing_choices, rows_of("choices.h", CHOICE), 40, ("TOY", "99", "toy"), everywhere),
    )
    for missing, rows, least, toy, places in lists:
        report.check(len(rows) >= least, f"kinds found: {rows}")
        for place, kind in missing(rows):
            report.check(False, f"{place} does not name {kind}")
        wanting = {place for place, _ in missing([toy])}
        report.check(wanting == places, f"a toy kind is found missing in {sorted(wanting)}")
    actions = {kind for _, kind, _, _ in lists[0][1]}
    for kind in verify.KINDS:
        report.check(kind in actions, f"docs/verify.py names {kind}, which is no kind of action")
    report.end()


if __name__ == "__main__":
    main()
