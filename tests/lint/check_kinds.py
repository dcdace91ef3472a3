#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every kind of action stands wherever kinds are listed: in verify.py and the documents. Where C
code lists them, the compiler sees to it. A toy kind shows that each place would be found wanting."""
import re
import sys

from tree import ROOT, Report

sys.path.insert(0, str(ROOT / "docs"))
sys.dont_write_bytecode = True
import verify  # noqa: E402

TABLE = ROOT / "lib" / "record" / "actions.def"
ROW = re.compile(r'^X\([A-Z_]+, ([a-z_]+), "([a-z_.]+)"\)$', re.MULTILINE)


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def missing(rows):
    """(place, kind) for each kind of the list, with the name of its notice, that a place does not name."""
    records = re.sub(r"\s+", " ", text("docs/records.md"))
    api = set(re.findall(r"`([a-z_]+)`", text("docs/api.md")))
    webhooks = set(re.findall(r"`([a-z_.]+)`", text("docs/webhooks.md")))
    for number, (kind, event) in enumerate(rows):
        if kind not in verify.KINDS:
            yield "docs/verify.py", kind
        if not re.search(rf"\b{number} {kind}\b", records):
            yield "docs/records.md", kind
        if kind not in api:
            yield "docs/api.md", kind
        if event not in webhooks:
            yield "docs/webhooks.md", kind


def main():
    report = Report()
    rows = ROW.findall(text(TABLE))
    report.check(len(rows) >= 20, f"kinds found: {rows}")
    for place, kind in missing(rows):
        report.check(False, f"{place} does not name {kind}")
    for kind in verify.KINDS:
        report.check(kind in dict(rows), f"docs/verify.py names {kind}, which is no kind of action")
    wanting = {place for place, kind in missing([*rows, ("toy", "toy.played")]) if kind == "toy"}
    report.check(wanting == {"docs/verify.py", "docs/records.md", "docs/api.md", "docs/webhooks.md"},
                 f"a toy kind is found missing in {sorted(wanting)}")
    report.end()


if __name__ == "__main__":
    main()
