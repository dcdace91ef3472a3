#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The walk-through of README.md works as pasted: its shell block is run, on a free port, and the last
answers are what the text below it says."""
import json
import os
import pathlib
import re
import socket
import subprocess
import sys

from harness import Checks, binary

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"<!-- walk-through.*?-->\n```sh\n(.*?)```", re.DOTALL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def walk():
    """The block as it was run, and every JSON document that it printed."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    script = BLOCK.search(text)[1]
    script, port = script.replace("build/gcc/daemon/backstopd", binary()), free_port()
    patient = script.replace("8480", port).replace("wait_ms=1000", "wait_ms=20000").replace(
        "& sleep 1\n", f"& until (: </dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.05; done\n")
    done = subprocess.run(["bash", "-c", patient], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          encoding="utf-8", timeout=50, cwd=ROOT, stdin=subprocess.DEVNULL,
                          env=os.environ | {"no_proxy": "127.0.0.1"})
    return script, [json.loads(line) for line in done.stdout.splitlines() if line[:1] == "{"]


def main():
    t = Checks()
    script, documents = walk()
    t.true("ten lines", len(script.splitlines()) <= 10, script)
    t.equal("as many answers as calls", len(documents), script.count("\napi "))
    writes, actions, alice = documents[:-2], documents[-2]["data"], documents[-1]
    t.equal("all accepted", [answer.get("rejected") for answer in writes], [[]] * len(writes))
    t.equal("what was decided", [(a["type"], a["account"]) for a in actions],
            [("insurance_draw", "alice"), ("liquidation_close", "alice"), ("adl", "bob")])
    t.equal("the fund drew 30", actions[0]["amount"], "30")
    t.equal("closed at 87", [a["price"] for a in actions[1:]], ["87", "87"])
    t.equal("rank and cost", (actions[2]["rank"], actions[2]["cost_to_mark"]), (1, "20"))
    t.equal("alice ends at 0", (alice["equity"], alice["positions"]), ("0", []))
    print(f"{t.passed} passed, {t.failed} failed")
    sys.exit(1 if t.failed else 0)


if __name__ == "__main__":
    main()
