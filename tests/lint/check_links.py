#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Headings that are linked or cited exist: the part of a link after #, and in code the words after the
name of a page and a comma. Whether the page exists is check_mentions' business."""
import re

from tree import ROOT, Report, files, name

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
CITED = re.compile(r"(docs/[a-z]+\.md), ([A-Z][^.,:;()\n]*)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CITING = (".c", ".h", ".cpp", ".def", ".py", ".yaml", ".build")


def anchor(heading):
    """As GitHub makes it: lower case, blanks to hyphens, nothing but letters, digits, hyphens, underscores."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w -]", "", text).replace(" ", "-")


def headings(path):
    return HEADING.findall(FENCE.sub("", path.read_text(encoding="utf-8")))


def anchors(path):
    """Of all headings of a page; a repeated one gets -1, -2 ..."""
    found, times = set(), {}
    for made in map(anchor, headings(path)):
        times[made] = times.get(made, -1) + 1
        found.add(made if times[made] == 0 else f"{made}-{times[made]}")
    return found


def main():
    report = Report()
    pages = {path: anchors(path) for path in files(".md")}
    for path in pages:
        for target, part in LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8"))):
            there = (path.parent / target).resolve() if target else path
            report.check(not part or there not in pages or part in pages[there],
                         f"{name(path)} links to {target}#{part}: no such heading")
    for path in files(*CITING):
        for page, cited in CITED.findall(path.read_text(encoding="utf-8")):
            report.check(ROOT / page in pages and cited.strip().startswith(tuple(headings(ROOT / page))),
                         f"{name(path)} cites {page}, {cited.strip()!r}: no such heading")
    report.end()


if __name__ == "__main__":
    main()
