#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a comment or a page names exists: files of the tree, functions as `name()`, and everything that
begins with `bs_`."""
import re

from check_includes import THIRD_PARTY
from tree import ROOT, SKIPPED, Report, code, comments, files, name

C_FILES = (".c", ".h", ".cpp", ".def")
FILE = re.compile(r"(?<![\w/.<{*-])((?:[\w-]+/)*[\w-]+\.(?:c|h|cpp|def|py|scn|md|csv|ndjson))\b(?!\()")
FUNCTION = re.compile(r"(?<![\w.>])([a-z_]\w+)\(\)")
OURS = re.compile(r"(?<![\w-])(bs_\w+)(?![\w*-])")
WORD = re.compile(r"[A-Za-z_]\w*")
QUOTED = re.compile(r"```.*?```|`[^`\n]+`|\]\([^)#\s]+", re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]+)")
PROSE_EXEMPT = {"CHANGELOG.md", "LICENSE"}  # they name what was, and what others have


def identifiers():
    """Every word of C code, macro bodies included, and of Python."""
    known = set()
    for path in files(*C_FILES):
        known.update(WORD.findall(code(path.read_text(encoding="utf-8"))))
    for path in files(".py"):
        known.update(WORD.findall(path.read_text(encoding="utf-8")))
    return known


def is_file(said, path, names):
    """As written from the root, beside the page, or by its end: `plan.h`, `settlement/plan.h`."""
    return (path.parent / said).exists() or any(known == said or known.endswith("/" + said) for known in names)


def check_c(path, names, known, report):
    text = path.read_text(encoding="utf-8")
    for comment in comments(text):
        line = text.count("\n", 0, text.index(comment)) + 1
        wrong = [said for said in FILE.findall(comment) if not is_file(said, path, names)]
        wrong += [said + "()" for said in FUNCTION.findall(comment) if said not in known]
        wrong += [said for said in OURS.findall(comment) if said not in known]
        for said in sorted(set(wrong)):
            report.check(False, f"{name(path)}:{line} names {said}, which does not exist", f"{name(path)}: {said}")
    report.check(True, "")


def check_page(path, names, report):
    text = path.read_text(encoding="utf-8")
    said = {file for quoted in QUOTED.findall(text) for file in FILE.findall(quoted)} | set(LINK.findall(text))
    for file in sorted(said):
        if file.startswith(THIRD_PARTY):
            continue
        report.check(is_file(file, path, names), f"{name(path)} names {file}, which does not exist",
                     f"{name(path)}: {file}")


def main():
    report = Report()
    names = {name(path) for path in ROOT.rglob("*")
             if path.is_file() and not SKIPPED.intersection(path.relative_to(ROOT).parts)}
    known = identifiers()
    for path in files(*C_FILES):
        check_c(path, names, known, report)
    for path in files(".md"):
        if name(path) not in PROSE_EXEMPT:
            check_page(path, names, report)
    report.end()


if __name__ == "__main__":
    main()
