#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The demo as a reader runs it: it ends well, cleans up after itself, and fails when a proof fails."""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "demo"))

import instant  # noqa: E402 (found by the line above)
from daemon import Daemon  # noqa: E402

BINARIES = {}


class Demo(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="test-demo-")
        self.addCleanup(self.directory.cleanup)

    def command(self, root=ROOT, **binaries):
        found = {**BINARIES, **binaries}
        return [sys.executable, str(root / "demo" / "demo.py"), "--backstopd", found["backstopd"],
                "--backstopctl", found["backstopctl"]]

    def environment(self, **more):
        return {**os.environ, "TMPDIR": self.directory.name, "PYTHONDONTWRITEBYTECODE": "1", **more}

    def run_once(self, root=ROOT, **binaries):
        return subprocess.run([*self.command(root, **binaries), "--once"], env=self.environment(), text=True,
                              capture_output=True, timeout=300)

    def left_behind(self):
        return [path.name for path in Path(self.directory.name).iterdir() if path.name.startswith("backstop-demo-")]

    def copy(self):
        root = Path(self.directory.name) / "copy"
        for part in ("demo", "data"):
            shutil.copytree(ROOT / part, root / part)
        return root

    def test_once_proves_everything_and_leaves_nothing(self):
        result = self.run_once()
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(result.stderr, "")
        self.assertIn("Every line of proof holds.", result.stdout)
        self.assertNotIn("FAIL", result.stdout)
        self.assertGreaterEqual(len(re.findall(r"^  ok    ", result.stdout, re.MULTILINE)), 14)
        self.assertNotIn("\033", result.stdout)
        self.assertLessEqual(max(map(len, result.stdout.splitlines())), 100)
        self.assertEqual(self.left_behind(), [])

    def test_the_real_figures_are_shown(self):
        shown = self.run_once().stdout
        for figure in ("84,454.65", "22.075", "22.025", "4,222.7325", "1,457,606", "510.1621", "101.1661",
                       "4,834.0607", "0.00000001", "... and 38 more"):
            self.assertIn(figure, shown)

    def test_the_split_by_size_is_the_expected_one(self):
        layers = [{"layer": "insurance"}, {"layer": "adl", "ranking": "pro_rata", "price": "bankruptcy"},
                  {"layer": "haircut", "rule": "pro_rata"}]
        with Daemon(BINARIES["backstopd"], BINARIES["backstopctl"]) as daemon:
            run = instant.Run(daemon, layers=layers)
        sizes = {market: {action["account"]: action["size_closed"] for action in closes}
                 for market, closes in run.closed().items()}
        self.assertEqual(sizes, instant.expected()["pro_rata_by_size"])
        self.assertEqual(run.before.conserved(), run.after.conserved())

    def test_two_runs_tell_the_same_story(self):
        def story():
            shown = self.run_once().stdout
            # Port, times and what is hashed over times differ from run to run; nothing else may.
            return re.sub(r"127\.0\.0\.1:\d+|[0-9a-f]{16}\.\.\.", "", shown)
        self.assertEqual(story(), story())

    def test_a_wrong_figure_fails_the_demo(self):
        root = self.copy()
        path = root / "data" / "oct10-instant" / "expected.json"
        facts = json.loads(path.read_text())
        facts["totals"]["LTC-PERP"]["cost_to_mark"] = "101.1662"
        facts["queue_by_priority"]["LTC-PERP"]["T10073"] = "0.66"
        path.write_text(json.dumps(facts))
        result = self.run_once(root)
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn("2 lines of proof do not hold.", result.stdout)
        self.assertEqual(self.left_behind(), [])

    def test_commands_that_the_server_rejects_fail_the_demo(self):
        root = self.copy()
        path = root / "data" / "oct10-instant" / "commands.ndjson"
        path.write_text(path.read_text().replace('"entry_price":"113.19"', '"entry_price":"x"'))
        result = self.run_once(root)
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn("entry_price", result.stderr)
        self.assertEqual(self.left_behind(), [])

    def test_a_daemon_that_does_not_start(self):
        result = self.run_once(backstopd="/bin/false")
        self.assertEqual(result.returncode, 1)
        self.assertIn("did not start", result.stderr)
        self.assertEqual(self.left_behind(), [])

    def test_without_once_the_daemon_stays_until_interrupted(self):
        with subprocess.Popen(self.command(), env=self.environment(), stdout=subprocess.PIPE, text=True) as demo:
            shown = ""
            for line in demo.stdout:
                shown += line
                if "Ctrl-C" in line:
                    break
            url = re.search(r"BACKSTOP_URL=(\S+)", shown).group(1)
            with urllib.request.urlopen(f"{url}/v1/accounts/T05777") as answer:
                self.assertEqual(json.load(answer)["account"], "T05777")
            for path in re.findall(r"curl -s '?(http\S+?)'?$", shown, re.MULTILINE):
                with urllib.request.urlopen(path) as answer:
                    self.assertEqual(answer.status, 200)
            demo.send_signal(signal.SIGINT)
            self.assertEqual(demo.wait(timeout=60), 0)
        time.sleep(0.1)
        with self.assertRaises(OSError):
            urllib.request.urlopen(f"{url}/healthz", timeout=5)
        self.assertEqual(self.left_behind(), [])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("backstopd", "backstopctl"):
        parser.add_argument(f"--{name}", default=os.environ.get(name.upper()))
    options, rest = parser.parse_known_args()
    for name, path in vars(options).items():
        if not path or not os.access(path, os.X_OK):
            parser.error(f"no {name} at {path!r}: give --{name} or {name.upper()}")
        BINARIES[name] = os.path.abspath(path)
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
