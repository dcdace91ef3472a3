#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Live deliveries verified by code that is not ours: the npm package standardwebhooks, and Node's own
ed25519, in the receiver of docs/examples. The package is installed below build/, never kept.

    BACKSTOPD=... tests/http/test_webhooks_npm.py
"""
import json
import pathlib
import queue
import shutil
import subprocess
import threading

from harness import Server, run
from receiver import SETTINGS, short

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULES = ROOT / "build" / "npm"
PACKAGE = "standardwebhooks@1.1.1"


def install():
    """Once; what another run is about to finish is taken over as it is."""
    if (MODULES / "installed").exists():
        return
    MODULES.mkdir(parents=True, exist_ok=True)
    (MODULES / "package.json").write_text('{"private":true}')
    done = subprocess.run(
        ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", PACKAGE],
        cwd=MODULES, capture_output=True, text=True, timeout=240)
    if done.returncode != 0:
        raise RuntimeError(f"npm install {PACKAGE}: {done.stdout[-500:]}{done.stderr[-1500:]}")
    (MODULES / "installed").touch()


class Node:
    """The example, as a process; where it is run decides which packages it finds."""

    def __init__(self, secret):
        self.secret = secret

    def __enter__(self):
        script = MODULES / "receiver.mjs"
        shutil.copyfile(ROOT / "docs" / "examples" / "receiver.mjs", script)
        self.process = subprocess.Popen(["node", str(script), "0", self.secret], stdout=subprocess.PIPE,
                                        text=True)
        self.lines = queue.Queue()
        threading.Thread(target=lambda: [self.lines.put(line) for line in self.process.stdout],
                         daemon=True).start()
        self.port = int(self.lines.get(timeout=60))
        self.url = f"http://127.0.0.1:{self.port}/"
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def take(self, count):
        return [json.loads(self.lines.get(timeout=60)) for _ in range(count)]


SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PAIR = ("whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg==")
PUBLIC = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
OTHER = "whsec_" + "A" * 32


def deliver(t, what, shown_secret, **members):
    """An insolvency's three notices, then two of them again."""
    with Node(shown_secret) as node, Server(settings=SETTINGS) as server:
        answer = server.post("/v1/webhooks", {"url": node.url, **members})
        t.equal(f"{what}: made", answer.status, 201)
        path = f"/v1/webhooks/{answer.json['id']}"
        server.make_insolvency()
        server.post("/v1/pools/usdc/settle")
        lines = node.take(3)
        t.equal(f"{what}: verified", [short(line["id"]) for line in lines], ["act_1", "act_2", "act_3"])
        t.true(f"{what}: nothing refused", all("refused" not in line for line in lines), lines)
        t.true(f"{what}: no gap, no repeat",
               not any(line.get("gap") or line.get("repeated") for line in lines), lines)
        rotated = server.post(path + "/rotate").json
        t.true(f"{what}: rotated", len(rotated["earlier_keys"]) == 1)
        server.post(path + "/redeliver", {"from": "2", "to": "3"})
        again = node.take(2)
        t.equal(f"{what}: with the old key, as repeats",
                [(short(line["id"]), line.get("repeated")) for line in again],
                [("act_2", True), ("act_3", True)])


def test_hmac(t):
    install()
    deliver(t, "hmac", SECRET, secret=SECRET)


def test_ed25519(t):
    install()
    deliver(t, "ed25519", PUBLIC, secret=PAIR, signature="ed25519")


def test_a_wrong_secret_is_refused(t):
    """The verification can fail: with another secret nothing is taken."""
    install()
    with Node(OTHER) as node, Server(settings=SETTINGS) as server:
        answer = server.post("/v1/webhooks", {"url": node.url, "secret": SECRET})
        tested = server.post(f"/v1/webhooks/{answer.json['id']}/test").json
        t.equal("refused", (tested["delivered"], tested["status"]), (False, 400))
        t.true("by the package", "refused" in node.take(1)[0])


if __name__ == "__main__":
    run(globals())
