#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The demo as a reader runs it: it ends well, cleans up after itself, and fails when a proof fails."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from harness import run

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "demo"))
import instant  # noqa: E402 (found by the line above)
from daemon import Daemon  # noqa: E402


class Place:
    """A directory for temporary files, in which a copy of the demo may be spoilt."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.environment = {**os.environ, "TMPDIR": directory, "PYTHONDONTWRITEBYTECODE": "1"}

    def command(self, root=ROOT, backstopd=None):
        return [sys.executable, str(root / "demo" / "demo.py"), "--backstopd", backstopd or os.environ["BACKSTOPD"],
                "--backstopctl", os.environ["BACKSTOPCTL"]]

    def run_once(self, **options):
        return subprocess.run([*self.command(**options), "--once"], env=self.environment, text=True,
                              capture_output=True, timeout=300)

    def left_behind(self):
        return [path.name for path in self.directory.iterdir() if path.name.startswith("backstop-demo-")]

    def copy(self):
        root = self.directory / "copy"
        for part in ("demo", "data"):
            shutil.copytree(ROOT / part, root / part)
        return root


@contextlib.contextmanager
def place():
    with tempfile.TemporaryDirectory(prefix="test-demo-") as directory:
        yield Place(directory)


def story(shown):
    """Port, times and what is hashed over times differ from run to run; nothing else may."""
    return re.sub(r"127\.0\.0\.1:\d+|[0-9a-f]{16}\.\.\.", "", shown)


def test_once_proves_everything_and_leaves_nothing(t):
    with place() as here:
        result = here.run_once()
        t.equal("it ends well", (result.returncode, result.stderr), (0, ""))
        t.true("all is proved", "Every line of proof holds." in result.stdout, result.stdout[-300:])
        t.true("nothing fails", "FAIL" not in result.stdout, result.stdout)
        proofs = len(re.findall(r"^  ok    ", result.stdout, re.MULTILINE))
        t.true("proofs", proofs >= 14, proofs)
        t.true("no control sequences", "\033" not in result.stdout)
        widest = max(map(len, result.stdout.splitlines()))
        t.true("it fits 100 columns", widest <= 100, widest)
        for figure in ("84,454.65", "22.075", "22.025", "4,222.7325", "1,457,606", "510.1621", "101.1661",
                       "4,834.0607", "0.00000001", "... and 38 more"):
            t.true(f"the real figure {figure}", figure in result.stdout)
        t.equal("nothing is left", here.left_behind(), [])
        t.equal("a second run tells the same story", story(here.run_once().stdout), story(result.stdout))


def test_the_split_by_size_is_the_expected_one(t):
    layers = [{"layer": "insurance"}, {"layer": "adl", "ranking": "pro_rata", "price": "bankruptcy"},
              {"layer": "haircut", "rule": "pro_rata"}]
    with Daemon(os.environ["BACKSTOPD"], os.environ["BACKSTOPCTL"]) as daemon:
        done = instant.Run(daemon, layers=layers)
    sizes = {market: {action["account"]: action["size_closed"] for action in closes}
             for market, closes in done.closed().items()}
    t.equal("sizes", sizes, instant.expected()["pro_rata_by_size"])
    t.equal("money", done.before.conserved(), done.after.conserved())


def test_a_wrong_figure_fails_the_demo(t):
    with place() as here:
        root = here.copy()
        path = root / "data" / "oct10-instant" / "expected.json"
        facts = json.loads(path.read_text())
        facts["totals"]["LTC-PERP"]["cost_to_mark"] = "101.1662"
        facts["queue_by_priority"]["LTC-PERP"]["T10073"] = "0.66"
        path.write_text(json.dumps(facts))
        result = here.run_once(root=root)
        t.equal("status", result.returncode, 1)
        t.true("it says how many", "2 lines of proof do not hold." in result.stdout, result.stdout[-300:])
        t.equal("nothing is left", here.left_behind(), [])


def test_commands_that_the_server_rejects_fail_the_demo(t):
    with place() as here:
        root = here.copy()
        path = root / "data" / "oct10-instant" / "commands.ndjson"
        path.write_text(path.read_text().replace('"entry_price":"113.19"', '"entry_price":"x"'))
        result = here.run_once(root=root)
        t.equal("status", result.returncode, 1)
        t.true("the reason", "entry_price" in result.stderr, result.stderr)
        t.equal("nothing is left", here.left_behind(), [])


def test_a_daemon_that_does_not_start(t):
    with place() as here:
        result = here.run_once(backstopd="/bin/false")
        t.equal("status", result.returncode, 1)
        t.true("the reason", "did not start" in result.stderr, result.stderr)
        t.equal("nothing is left", here.left_behind(), [])


def read_until(demo, words):
    shown = ""
    for line in demo.stdout:
        shown += line
        if words in line:
            break
    return shown


@contextlib.contextmanager
def ended(demo):
    """A demo that is still there at the end of a failed test goes, with its daemon."""
    try:
        yield
    finally:
        if demo.poll() is None:
            demo.terminate()


def test_without_once_the_daemon_stays_until_interrupted(t):
    with place() as here:
        with subprocess.Popen(here.command(), env=here.environment, stdout=subprocess.PIPE, text=True) as demo, \
                ended(demo):
            shown = read_until(demo, "Ctrl-C")
            url = re.search(r"BACKSTOP_URL=(\S+)", shown).group(1)
            with urllib.request.urlopen(f"{url}/v1/accounts/T05777", timeout=60) as answer:
                t.equal("it answers", json.load(answer)["account"], "T05777")
            paths = re.findall(r"curl -s '?(http\S+?)'?$", shown, re.MULTILINE)
            t.true("it shows requests", paths, shown)
            for path in paths:
                with urllib.request.urlopen(path, timeout=60) as answer:
                    t.equal(f"{path} is answered", answer.status, 200)
            demo.send_signal(signal.SIGINT)
            t.equal("status", demo.wait(timeout=60), 0)
        try:
            urllib.request.urlopen(f"{url}/healthz", timeout=5)
            t.true("the daemon is gone", False)
        except OSError:
            t.true("the daemon is gone", True)
        t.equal("nothing is left", here.left_behind(), [])


if __name__ == "__main__":
    run(globals())
