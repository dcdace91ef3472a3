#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may include whom: lib <- api <- daemon, cli apart; third-party headers only where
ARCHITECTURE.md says so; and every header compiles alone."""
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tree import ROOT, Report, files, name

MAY_INCLUDE = {  # folder: what its quoted includes may begin with
    "lib": ("lib/",),
    "api": ("lib/", "api/"),
    "daemon": ("lib/", "api/", "daemon/"),
    "cli": ("cli/", "api/action_cursor.h", "api/buffer.h", "daemon/access/key_line.h", "daemon/backup/file_hash.h",
            "lib/base/base.h", "lib/money/", "lib/record/actions.def", "lib/record/choices.h"),
}
THIRD_PARTY = ("curl/", "gnutls/", "ini.h", "jansson.h", "microhttpd.h", "simdjson.h", "sqlite3.h",
               "uv.h")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def check_directions(report):
    foreign = {}
    for folder, allowed in MAY_INCLUDE.items():
        for path in files(".c", ".h", ".cpp", under=folder):
            included = INCLUDE.findall(path.read_text(encoding="utf-8"))
            wrong = [header for kind, header in included
                     if kind == '"' and not header.startswith(allowed)]
            report.check(not wrong, f"{name(path)} includes {', '.join(wrong)}")
            for kind, header in included:
                if header.startswith(THIRD_PARTY):
                    foreign.setdefault(header, set()).add(name(path))
    return foreign


def documented():
    """Header -> files, from the table of ARCHITECTURE.md: | `header` | `file`, `file` |"""
    rows = {}
    for line in (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        words = re.findall(r"`([^`]+)`", line)
        if len(cells) == 2 and words and words[0].startswith(THIRD_PARTY):
            rows[words[0]] = set(words[1:])
    return rows


def compiles_alone(path):
    pure = path.is_relative_to(ROOT / "lib")
    mode = ["-std=c11"] if pure else ["-std=gnu11", "-D_GNU_SOURCE"]
    done = subprocess.run(["gcc", *mode, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", ROOT,
                           "-x", "c", "-"], input=f'#include "{name(path)}"\n',
                          capture_output=True, text=True)
    return done.returncode == 0, done.stderr


def main():
    report = Report()
    actual, said = check_directions(report), documented()
    for header in sorted(actual.keys() | said.keys()):
        used, told = actual.get(header, set()), said.get(header, set())
        report.check(used == told, f"{header}: ARCHITECTURE.md names {sorted(told)}, included by "
                                   f"{sorted(used)}")
    headers = [path for folder in MAY_INCLUDE for path in files(".h", under=folder)]
    with ThreadPoolExecutor(2) as pool:
        for path, (ok, errors) in zip(headers, pool.map(compiles_alone, headers)):
            report.check(ok, f"{name(path)} does not compile alone:\n{errors}")
    report.end()


if __name__ == "__main__":
    sys.exit(main())
