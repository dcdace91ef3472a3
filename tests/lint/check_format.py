#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-format agrees with every C and C++ file, shellcheck with every shell script."""
import subprocess

from tree import ROOT, Report, files, name


def main():
    report = Report()
    paths = files(".c", ".h", ".cpp")
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *paths], capture_output=True,
                          text=True)
    wrong = {line.split(":")[0] for line in done.stderr.splitlines() if ": error:" in line}
    for path in paths:
        report.check(str(path) not in wrong, f"{name(path)}: run ./dev format")
    for path in [ROOT / "dev", ROOT / ".ci" / "run", *files(".sh")]:
        done = subprocess.run(["shellcheck", path], capture_output=True, text=True)
        report.check(done.returncode == 0, f"{name(path)}:\n{done.stdout}")
    report.end()


if __name__ == "__main__":
    main()
