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

TABLE = ROOT / "lib" / "record" / "action.h"
ROW = re.compile(r"^\s*X\(([A-Z_]+),\s*([a-z_]+)", re.MULTILINE)


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def kinds():
    table = TABLE.read_text(encoding="utf-8").split("enum bs_action_type")[0]
    return [name for _, name in ROW.findall(table)]


def missing(found):
    """(place, kind) for each kind of the list that a place does not name."""
    records = re.sub(r"\s+", " ", text("docs/records.md"))
    api = set(re.findall(r"`([a-z_]+)`", text("docs/api.md")))
    for number, kind in enumerate(found):
        if kind not in verify.KINDS:
            yield "docs/verify.py", kind
        if not re.search(rf"\b{number} {kind}\b", records):
            yield "docs/records.md", kind
        if kind not in api:
            yield "docs/api.md", kind


def main():
    report = Report()
    found = kinds()
    report.check(len(found) >= 20, f"kinds found: {found}")
    for place, kind in missing(found):
        report.check(False, f"{place} does not name {kind}")
    for kind in verify.KINDS:
        report.check(kind in found, f"docs/verify.py names {kind}, which is no kind of action")
    wanting = {place for place, kind in missing([*found, "toy"]) if kind == "toy"}
    report.check(wanting == {"docs/verify.py", "docs/records.md", "docs/api.md"},
                 f"a toy kind is found missing in {sorted(wanting)}")
    report.end()


if __name__ == "__main__":
    main()
