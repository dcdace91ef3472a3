#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a new set of golden logs: BACKSTOPD=build/gcc/daemon/backstopd tests/golden/make.py [NAME..]

Goal: what this build writes can be replayed by every later one. Method: scenarios posted to a
daemon of its own, one log each, and one log with a crash, two starts, changed capacities, sources,
providers and remembered answers, whose -wal is kept; one with two snapshots. With names only these
are made, where a set needs more and no format has changed. Sets that are there are never changed. Look
through the new set, then commit it with the change of the format."""
import io
import json
import os
import pathlib
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "http"), str(HERE.parent / "scenario")]

import golden
import harness
from language import Scenario
from test_offline import make_world
from test_snapshot import seq_of, snapshots, wait_for_snapshot

SCENARIOS = """adl_caps_per_account deleting_launders_no_gain divided_at_period_end
    final_settlement_inverse_dust fund_budget_of_a_market fund_drawdown_trips_and_resumes
    handed_over_by_the_venue haircut_takes_young_gains_first inverse_contract isolated_handover_and_unfilled
    isolated_in_account_items leverage_water_fill market_with_its_own_fund netting_spares_the_innocent
    nobody_can_pay numbered_by_their_source paused_pool pooled_close_that_could_not_be_applied
    pooled_layers_run_over_all providers_by_priority providers_inverse quanto_by_multiplier
    restitution_when_the_fund_recovers unfilled_pair_is_excluded_both_ways
    waterfall_from_next_period window_of_gains_since_a_default""".split()
SMALL = {"capacity_dedupe_window": 4096, "capacity_transfer_window": 4096}
REPEATED = [{"account": "apart", "amount": "5"}, {"account": "nobody", "amount": "5"}]
KEY = {"Idempotency-Key": '"golden"'}


def play(data, name):
    scenario = Scenario((HERE.parent / "scenario" / f"{name}.scn"))
    commands = [command for step in scenario.steps for command in step.commands]
    with harness.Server(data, settings=SMALL) as server:
        for command in commands:
            server.post("/v1/commands", command)
    return {}


def play_everything(data, _):
    """Leaves the log of a daemon that was killed. Returns what a repeat must be answered."""
    with harness.Server(data, settings=SMALL) as server:
        make_world(server)
        server.post("/v1/transfers", REPEATED, headers=KEY)
        server.kill9()
    with harness.Server(data, settings={**SMALL, "capacity_accounts_max": 2000}) as server:
        server.put("/v1/pools/other", {"asset": "USDC", "decimals": 6, "waterfall": []})
        server.post("/v1/pools/usdc/resume")
        server.post("/v1/pools/usdc/pause", {"reason": "a reason"})
        answer = server.post("/v1/transfers", REPEATED, headers=KEY)
        server.kill9()
    return {"repeat": {"body": REPEATED, "status": answer.status, "answer": answer.json}}


def play_snapshots(data, _):
    """Leaves two snapshots, and commands after them. Returns which one a start must begin with."""
    settings = {**SMALL, "snapshot_every_commands": 4, "simulation_mode": "always",
                "core_settle_interval_ms": 50}
    with harness.Server(data, settings=settings) as server:
        make_world(server)
        server.post("/v1/transfers", REPEATED, headers=KEY)
        server.post("/v1/pools/usdc/resume")

        def are_there():
            server.post("/v1/transfers", REPEATED[:1])
            return len(snapshots(server)) == 2
        harness.wait_until("two snapshots", are_there)
        wait_for_snapshot(server, 2)
        for _ in range(3):
            server.post("/v1/transfers", REPEATED[:1])
        answer = server.post("/v1/transfers", REPEATED, headers=KEY)
        newest = seq_of(snapshots(server)[-1])
        server.kill9()
    return {"repeat": {"body": REPEATED, "status": answer.status, "answer": answer.json}, "loads": newest}


def pack(data, path):
    """Its files of logs and snapshots, without times and owners."""
    with tarfile.open(path, "w:xz", preset=9) as packed:
        for name in sorted(os.listdir(data)):
            if name.startswith(("log-", "snapshot-")) and not name.endswith("-shm"):
                with open(os.path.join(data, name), "rb") as file:
                    held = file.read()
                member = tarfile.TarInfo(name)
                member.size = len(held)
                packed.addfile(member, io.BytesIO(held))


def make(folder, name, function):
    with tempfile.TemporaryDirectory() as data:
        known = function(data, name)
        pack(data, folder / f"{name}.tar.xz")
        expected = {**golden.given(harness.binary(), data), **known}
    text = json.dumps(expected, indent=1, ensure_ascii=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def main():
    names = sys.argv[1:]
    del sys.argv[1:]  # the harness would take them for its binary
    players = {**{name: play for name in SCENARIOS}, "everything": play_everything, "snapshots": play_snapshots}
    folder = HERE / f"{len(golden.sets()) + 1:04}"
    folder.mkdir()
    for name in names or players:
        make(folder, name, players[name])
    (folder / "formats.json").write_text(json.dumps(golden.formats(), indent=1) + "\n",
                                         encoding="utf-8")
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{folder}: {len(names or players)} logs, {size} bytes")


if __name__ == "__main__":
    main()
