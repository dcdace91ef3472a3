#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The core is pure: `check_purity.py ARCHIVE`. Its archive needs nothing from outside but a handful of
symbols that compilers themselves emit, and its files include nothing but the C headers named here."""
import re
import subprocess
import sys

from tree import Report, files, name

ALLOWED_SYMBOL = re.compile(
    r"memcpy|memset|memmove|memcmp|strlen|__assert_fail|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_"
    r"|__(u)?(div|mod|divmod)ti[34]|__(asan|ubsan|tsan|sanitizer|gcov|llvm)_.*|__start_.*|__stop_.*")
ALLOWED_HEADERS = {"assert.h", "limits.h", "stdbool.h", "stddef.h", "stdint.h", "string.h"}
ALLOWED_STRING_CALLS = {"memcpy", "memset", "memmove", "memcmp", "strlen"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
FLOATING = re.compile(r"\b(float|double|_Complex)\b")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
STRING_CALL = re.compile(r"\b((?:str|mem)\w+)\s*\(")


def undefined_symbols(archive):
    """What the archive needs and does not define itself."""
    output = subprocess.run(["nm", "-A", archive], capture_output=True, text=True, check=True).stdout
    needed, defined = set(), set()
    for line in output.splitlines():
        fields = line.split()
        (needed if fields[-2] in ("U", "w") else defined).add(fields[-1])
    return needed - defined


def main(archive):
    report = Report()
    for symbol in sorted(undefined_symbols(archive)):
        report.check(ALLOWED_SYMBOL.fullmatch(symbol), f"{archive} needs {symbol}")
    for path in files(".c", ".h", under="lib"):
        text = COMMENT.sub("", path.read_text(encoding="utf-8"))
        wrong = [f"{name(path)} includes {header}" for kind, header in INCLUDE.findall(text)
                 if not (header in ALLOWED_HEADERS if kind == "<" else header.startswith("lib/"))]
        code = re.sub(r'"(?:\\.|[^"\\])*"', '""', text)
        if FLOATING.search(code):
            wrong.append(f"{name(path)} uses floating point")
        wrong += [f"{name(path)} calls {call}"
                  for call in sorted(set(STRING_CALL.findall(code)) - ALLOWED_STRING_CALLS)]
        report.check(not wrong, "\n".join(wrong))
    report.end()


if __name__ == "__main__":
    main(sys.argv[1])
