#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A new kind touches few files, and forgetting one is noticed: `run.py`.

Goal: docs/adding.md stays true. Method: each patch of this folder adds a toy kind to a copy of the
tree. With the whole patch the copy compiles and passes; without any one of its production files it
does not compile or a check fails. What a toy field keeps is in the digest of the state. A patch that
no longer applies is out of date: make the same change by hand and write `git diff -U2` over it."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests" / "scenario"), str(ROOT / "tests" / "http")]

from language import Scenario  # noqa: E402: found by the path above
from run import direct_lines, replay  # noqa: E402

PRODUCTION = ("lib/", "api/", "daemon/", "cli/")
FILES_MAX = 4
# Each with two texts of its scenario that must lead to different digests, if it keeps something.
KINDS = {
    "toy_action": None,
    "toy_field": ('"toy_lots":100', '"toy_lots":99'),
    "toy_account": ('"toy_grade":9', '"toy_grade":8'),
}
TARGETS = ("daemon/backstopd", "cli/backstopctl", "tests/tools/replay")
SCENARIOS = ("python3", "tests/scenario/run.py", "--bin", "build")
IGNORED = shutil.ignore_patterns(".git", "build", "__pycache__")
TOUCHED = re.compile(r"^\+\+\+ b/(\S+)$", re.MULTILINE)


class Kind:
    """A patch and what it touches. Its scenario, tests/scenario/NAME.scn, comes with it."""

    def __init__(self, name):
        self.name = name
        self.touched = TOUCHED.findall((HERE / f"{name}.patch").read_text(encoding="utf-8"))
        self.production = [path for path in self.touched if path.startswith(PRODUCTION)]
        self.scenario = f"tests/scenario/{name}.scn"


class Copy:
    """The tree in a folder of its own, with a build directory that is quick to compile."""

    def __init__(self, folder):
        self.tree = pathlib.Path(folder) / "tree"
        shutil.copytree(ROOT, self.tree, ignore=IGNORED)
        self.run(["meson", "setup", "build", "-Doptimization=0", "-Ddebug=false"])

    def run(self, command):
        """The exit code and what it printed."""
        done = subprocess.run(command, cwd=self.tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              encoding="utf-8", errors="replace", check=False)
        return done.returncode, done.stdout

    def passes(self, kind):
        """Whether the product compiles and plays the scenario, and the last output."""
        for command in [["ninja", "-C", "build", "--quiet", *TARGETS], [*SCENARIOS, kind.scenario]]:
            code, output = self.run(command)
            if code != 0:
                return False, output
        return True, output

    def digest(self, kind, *change):
        """Of the state in which the scenario ends, when one text of it is another."""
        path = self.tree / kind.scenario
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(*change), encoding="utf-8")
        lines = direct_lines(Scenario(path))[0]
        path.write_text(text, encoding="utf-8")
        return replay(str(self.tree / "build/tests/tools/replay"), lines)[-1]["digest"]

    def apply(self, kind, *options):
        return self.run(["git", "apply", *options, str(HERE / f"{kind.name}.patch")])


def judge(copy, kind, change):
    """[(what is checked, whether it holds, what to show if not)]"""
    rows = [(f"{kind.name}: at most {FILES_MAX} production files", len(kind.production) <= FILES_MAX,
             kind.production)]
    code, output = copy.apply(kind)
    rows.append((f"{kind.name}: the patch applies", code == 0, output))
    if code != 0:
        return rows
    rows.append((f"{kind.name}: compiles and passes", *copy.passes(kind)))
    if change is not None:
        digests = copy.digest(kind, "", ""), copy.digest(kind, *change)
        rows.append((f"{kind.name}: the digest covers it", digests[0] != digests[1], digests))
    for path in kind.production:
        copy.apply(kind, "--reverse", f"--include={path}")
        passed, output = copy.passes(kind)
        rows.append((f"{kind.name}: without {path} something fails", not passed, output))
        copy.apply(kind, f"--include={path}")
    copy.apply(kind, "--reverse")
    return rows


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="backstop-adding-") as folder:
        copy = Copy(folder)
        rows = [row for name, change in KINDS.items() for row in judge(copy, Kind(name), change)]
        for what, holds, shown in rows:
            passed, failed = passed + holds, failed + (not holds)
            if not holds:
                print(f"{what}: {str(shown)[-3000:]}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
