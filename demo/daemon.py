# SPDX-License-Identifier: Apache-2.0
"""A backstopd of the demo's own: a free loopback port, a fresh data directory, gone afterwards."""

import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

START_S = 60
SETTLE_S = 60


class Failed(Exception):
    """What went wrong, as a sentence for the reader."""


class Daemon:
    def __init__(self, backstopd, backstopctl):
        self.backstopd = backstopd
        self.backstopctl = backstopctl
        self.process = None
        self.directory = tempfile.mkdtemp(prefix="backstop-demo-")

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def start(self):
        port_file = Path(self.directory, "port")
        log_file = Path(self.directory, "backstopd.log")
        with log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [self.backstopd, "--data", Path(self.directory, "data"), "--listen", "127.0.0.1:0",
                 "--port-file", port_file], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            port = port_file.read_text().strip() if port_file.exists() else ""
            if port:
                self.url = f"http://127.0.0.1:{port}"
                return
            time.sleep(0.01)
        raise Failed(f"{self.backstopd} did not start:\n{log_file.read_text(errors='replace')}")

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return json.load(answer)

    def rows(self, path):
        """All pages of a list."""
        rows, after = [], ""
        while after is not None:
            page = self.get(f"{path}{'&' if '?' in path else '?'}limit=1000{after and '&after=' + after}")
            rows += page["data"]
            after = page["next"] if page["data"] else None
        return rows

    def post(self, commands):
        """Posts command objects or lines with backstopctl; returns its summary line."""
        lines = "".join((line if isinstance(line, str) else json.dumps(line)).strip() + "\n" for line in commands)
        result = subprocess.run([self.backstopctl, "post", "-", "--url", self.url], input=lines, text=True,
                                capture_output=True, timeout=120)
        if result.returncode != 0:
            raise Failed(f"backstopctl post ended with {result.returncode}:\n{result.stderr}{result.stdout}")
        return result.stdout.strip()

    def settled(self, pool):
        """Waits for the pool's first settlement; returns it with all actions published so far."""
        deadline = time.monotonic() + SETTLE_S
        actions, after = [], "0"
        while time.monotonic() < deadline:
            page = self.get(f"/v1/actions?pool={pool}&after={after}&limit=10000&wait_ms=1000")
            actions += page["data"]
            after = page["next"]
            done = self.rows(f"/v1/settlements?pool={pool}")
            if done and actions and actions[-1]["id"] >= done[0]["last_action"]:
                return done[0], actions
        raise Failed(f"no settlement of {pool} within {SETTLE_S} s")
