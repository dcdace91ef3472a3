#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every source file is listed in the meson.build of its part, and every listed file exists. Tests
too: a test that nobody runs proves nothing."""
import re

from tree import ROOT, Report, files, name

QUOTED = re.compile(r"'([^']+)'")


def listed_in(folder):
    """Names of files that a meson.build mentions, relative to its folder."""
    text = (ROOT / folder / "meson.build").read_text(encoding="utf-8")
    text = re.sub(r"#.*", "", text)
    return {word for word in QUOTED.findall(text)}


def main():
    report = Report()
    for folder in ("lib", "api", "daemon", "cli"):
        listed = {word for word in listed_in(folder) if word.endswith((".c", ".cpp"))}
        on_disk = {str(path.relative_to(ROOT / folder))
                   for path in files(".c", ".cpp", under=folder)}
        for word in sorted(on_disk ^ {word for word in listed if not word.startswith("..")}):
            report.check(False, f"{folder}/{word}: on disk and in meson.build differ")
        report.check(True, folder)
    words = set().union(*(listed_in(f"tests/{part}") for part in ("unit", "tools", "bench", "fuzz", "sim", "flip", "alloc",
                                                         "lint")),
                        listed_in("tests"))
    for path in files(".c", under="tests") + files(".py", under="tests/http") + files(
            ".py", under="tests/lint"):
        stem = path.stem.removeprefix("test_").removeprefix("fuzz_")
        is_test = path.suffix == ".c" or path.stem.startswith(("test_", "check_"))
        known = words & {path.name, stem, f"../{path.parent.name}/{path.name}"}
        report.check(not is_test or known, f"{name(path)} is in no meson.build")
    report.end()


if __name__ == "__main__":
    main()
