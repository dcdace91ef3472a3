#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goal: a byte that rots in any file of the data directory is detected by name or is harmless; never
is the state another one, and never does the daemon die of it. Method: the data of a small daemon with
two snapshots, endpoints and a few commands after its last start, once killed and once stopped; `flip`
changes its bytes one at a time.

    BACKSTOPD=... FLIP=... tests/flip/flip.py [--some N]
"""
import glob
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "http"))

from harness import Server, ordinal, wait_until
from receiver import SETTINGS, Receiver
from test_damage import wait_for_note
from test_snapshot import ITEMS, KEY, OFTEN, make_world

SMALL = {**SETTINGS, **OFTEN, "capacity_dedupe_window": 1024, "capacity_transfer_window": 1024,
         "capacity_source_window": 16, "capacity_accounts_max": 100, "capacity_positions_max": 200,
         "capacity_markets_max": 10, "capacity_pools_max": 10, "storage_reserve_size": 0,
         "simulation_mode": "always"}


def wait_for_receivers(server):
    def are_through():
        last = ordinal(server.get("/v1/actions?limit=10000").json["next"])
        return all(ordinal(row["cursor"]) == last for row in server.pages("/v1/webhooks"))
    wait_until("all notices are delivered and saved", are_through)


def make_data(data, receiver):
    """Leaves a clean stop with snapshots. A later start makes none: it has too few commands."""
    with Server(data, settings=SMALL) as server:
        for i in range(2):
            server.post("/v1/webhooks", {"url": f"{receiver.url}/{i}"}, headers={"Idempotency-Key": f'"{i}"'})
        make_world(server)
        wait_until("two snapshots", lambda: (server.post("/v1/transfers", ITEMS[:1]), len(
            glob.glob(os.path.join(data, "snapshot-*.bss"))) >= 2)[1])
        wait_for_receivers(server)


def leave_killed(data):
    """A few commits in the -wal of each database."""
    settings = {**SMALL, "snapshot_every_commands": 0}
    with Server(data, settings=settings) as server:
        server.post("/v1/transfers", ITEMS[:1], headers={"Idempotency-Key": '"another"'})
        server.post("/v1/pools/usdc/pause", {"reason": "flip"})
        server.post("/v1/transfers", ITEMS[:1])
        wait_for_receivers(server)
        wait_for_note(server)
        server.kill9()


def main():
    flip, options = os.environ["FLIP"], sys.argv[1:]
    del sys.argv[1:]  # the harness would take them for its binary
    failed = False
    with tempfile.TemporaryDirectory() as base, Receiver() as receiver:
        stopped, killed = os.path.join(base, "stopped"), os.path.join(base, "killed")
        os.mkdir(stopped)
        make_data(stopped, receiver)
        shutil.copytree(stopped, killed)
        leave_killed(killed)
        for data in (stopped, killed):
            print(os.path.basename(data), flush=True)
            failed |= subprocess.run([flip, data, *options], check=False).returncode != 0
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
