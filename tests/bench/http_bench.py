#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Durable position updates over HTTP: starts a backstopd, makes a world, runs http_bench on it and
prints its figures. Reading /livez is the same way through both threads without a commit: what the
writes are measured against.

    tests/bench/http_bench.py BACKSTOPD HTTP_BENCH [SECONDS]
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "http"))
from harness import Server  # noqa: E402: found by the line above

RUNS = [("get", "/livez", 64), ("positions", "1", 64), ("positions", "1", 256),
        ("positions", "100", 16), ("positions", "1000", 4), ("positions", "1000", 16)]
ACCOUNTS = 16 * 1000


def main():
    bench = sys.argv[2]
    seconds = sys.argv[3] if len(sys.argv) > 3 else "5"
    for kind, what, connections in RUNS:
        with Server() as server:
            server.make_pool()
            server.make_market()
            server.post("/v1/marks", {"market": "BTC-PERP", "price": "64012.5"})
            answer = server.post("/v1/accounts", [
                {"account": f"a{i:05}", "pool": "usdc", "collateral": "1000000"}
                for i in range(ACCOUNTS)])
            if answer.status != 200:
                sys.exit(f"the accounts are refused: {answer.body[:300]}")
            subprocess.run([bench, str(server.port), kind, what, str(connections), seconds],
                           check=True, timeout=int(seconds) + 60)


if __name__ == "__main__":
    main()
