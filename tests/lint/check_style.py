#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lengths, licence lines and words: files at most 500 lines, functions at most 60 and half of them at
most 12, an SPDX line first, no banned call, nothing that says the work is unfinished, problem documents
named once. clang-format judges the columns."""
import re
import statistics

from tree import ROOT, Report, code, files, name

FILE_LINES_MAX, FUNCTION_LINES_MAX, FUNCTION_LINES_MEDIAN = 500, 60, 12
C_FILES = (".c", ".h", ".cpp")
SPDX = "SPDX-License-Identifier: Apache-2.0"
# Each banned call with its reason.
BANNED_CALLS = {
    "strcpy": "unbounded", "strcat": "unbounded", "sprintf": "unbounded", "vsprintf": "unbounded",
    "gets": "unbounded", "strtok": "hidden state", "atoi": "no errors", "atol": "no errors",
    "atof": "no errors, and floating point", "alloca": "unbounded stack",
    "rand": "hidden state", "system": "a shell", "gmtime": "shared buffer",
    "localtime": "shared buffer, time zone", "asctime": "shared buffer",
}
UNFINISHED = re.compile(r"\b(to" r"do|fix" r"me|x" r"xx|ha" r"ck|st" r"ub(bed)?|place" r"holder|not imple"
                        r"mented|for n" r"ow|simpli" r"fied)\b", re.IGNORECASE)
STRAY_PATH = re.compile(r"/wo" r"rk/|\.\./sha" r"red")
CALL = re.compile(r"\b([a-z_]\w*)\s*\(")


def function_lengths(lines):
    """(first line, length) of every function: a brace in the first column to its partner."""
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            yield start, number - start + 1
            start = None


def check_c(path, text, lines, report):
    """Tests may be long files and call what they like; functions are short everywhere. Returns the
    lengths of the product's functions."""
    functions = list(function_lengths(lines))
    long_functions = [f"{name(path)}:{start} is {length} lines long"
                      for start, length in functions if length > FUNCTION_LINES_MAX]
    report.check(not long_functions, "\n".join(long_functions), f"{name(path)} has a long function")
    if name(path).startswith("tests/"):
        return []
    report.check(len(lines) <= FILE_LINES_MAX, f"{name(path)} has {len(lines)} lines", f"{name(path)} is long")
    banned = set(CALL.findall(code(text))) & BANNED_CALLS.keys()
    report.check(not banned, "\n".join(f"{name(path)} calls {call}: {BANNED_CALLS[call]}"
                                       for call in sorted(banned)))
    return [length for _, length in functions]


def check_once(report):
    """What a client recognises a problem document by is written in one place."""
    found = [name(path) for folder in ("lib", "api", "daemon") for path in files(*C_FILES, under=folder)
             for _ in re.findall(r'"application/problem\+json"', path.read_text(encoding="utf-8"))]
    report.check(len(found) == 1, f"application/problem+json is in {found}", "problem+json more than once")


def main():
    report = Report()
    lengths = []
    paths = files(*C_FILES, ".py", ".sh", ".build", ".txt", ".yaml", ".js", ".html")
    paths += [ROOT / "dev", ROOT / ".ci" / "run", ROOT / "Dockerfile"]
    for path in paths:
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        if path.suffix in C_FILES:
            lengths += check_c(path, text, lines, report)
        if path.suffix != ".txt":
            report.check(SPDX in "".join(lines[:3]), f"{name(path)} has no SPDX line")
        found = UNFINISHED.search(text)
        report.check(found is None, f"{name(path)} says {found and found[0]!r}")
    for path in paths + files(".md", ".scn", ".json", ".csv", ".in", ".example"):
        found = STRAY_PATH.search(path.read_text(encoding="utf-8"))
        report.check(found is None, f"{name(path)} names {found and found[0]!r}")
    check_once(report)
    median = statistics.median(lengths)
    print(f"{len(lengths)} functions, median {median:g} lines, longest {max(lengths)}")
    report.check(median <= FUNCTION_LINES_MEDIAN, f"the median function has {median} lines")
    report.end()


if __name__ == "__main__":
    main()
