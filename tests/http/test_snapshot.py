#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Snapshots of a running daemon. Goal: a start from one gives the same answers to the byte as before the
kill: accounts, actions, settlements, repeats of a key, numbers of a source. A damaged one is passed
over loudly and the one before is used; with none the log is replayed whole; one of another log is never
used. Method: a daemon that takes one every few commands, killed with -9.

    BACKSTOPD=... tests/http/test_snapshot.py
"""
import glob
import os
import re
import shutil

from harness import Server, run, wait_until

KEPT = 2
OFTEN = {"snapshot_every_commands": 4, "core_settle_interval_ms": 50}
KEY = {"Idempotency-Key": '"a key"'}
ITEMS = [{"account": "winner", "amount": "1"}, {"account": "nobody", "amount": "1"}]
READS = ("/v1/pools/usdc", "/v1/accounts?pool=usdc", "/v1/accounts/winner",
         "/v1/markets/BTC-PERP", "/v1/actions", "/v1/settlements", "/v1/sources")


def snapshots(server):
    return sorted(glob.glob(os.path.join(server.data, "snapshot-*.bss")))


def seq_of(path):
    return int(re.search(r"snapshot-(\d{20})\.bss$", path).group(1))


def metric(server, name):
    page = server.get("/metrics").body.decode()
    return int(float(re.search(rf"^backstopd_{name} (\S+)$", page, re.M).group(1)))


def wait_for_snapshot(server, count):
    """So many snapshots on the disk, no old one beside them, and the newest with nothing due after it."""
    def is_there():
        return (count <= len(snapshots(server)) <= KEPT and
                metric(server, "applied_seq") - metric(server, "snapshot_seq") < 4)
    wait_until(f"{count} snapshots", is_there)


def make_world(server):
    server.make_insolvency()
    server.post("/v1/pools/usdc/resume")
    server.wait_for_actions(2)
    server.post("/v1/providers", {"account": "winner", "market": "BTC-PERP", "max_position": "1"})
    server.post("/v1/commands", [{"type": "transfer", "account": "winner", "amount": "1", "source": "feed",
                                  "source_seq": number} for number in (1, 2, 3)])
    wait_for_snapshot(server, 1)
    for _ in range(5):
        server.post("/v1/transfers", ITEMS[0])
    keyed = server.post("/v1/transfers", ITEMS, headers=KEY)
    server.post("/v1/pools/usdc/pause", {"reason": "read"})  # the timer moves nothing any more
    return keyed


def answers(server):
    return [(path, server.get(path).status, server.get(path).body) for path in READS]


def loaded_seq(server):
    found = re.findall(rb"loaded a snapshot seq=(\d+)", server.output())
    return int(found[-1]) if found else 0


def flip(path):
    with open(path, "r+b") as file:
        file.seek(16384 + 500)
        byte = file.read(1)[0]
        file.seek(16384 + 500)
        file.write(bytes([byte ^ 4]))


def test_starts_from_a_snapshot(t):
    with Server(settings=OFTEN) as server:
        first = make_world(server)
        wait_for_snapshot(server, 2)
        before = answers(server)
        t.true("the reads are answered", {status for _, status, _ in before} == {200},
               [(path, status) for path, status, _ in before])
        newest = snapshots(server)[-1]
        t.equal("two are kept", len(snapshots(server)), KEPT)
        t.equal("no failures", metric(server, "snapshot_failures_total"), 0)
        t.equal("no mismatches", metric(server, "shadow_mismatches_total"), 0)
        server.kill9()
        stray = os.path.join(server.data, "snapshot-00000000000000000003.bss.new")
        with open(stray, "wb") as file:
            file.write(b"half")
        server.environment["BACKSTOPD_SNAPSHOT_EVERY_COMMANDS"] = "0"

        server.start()
        t.equal("it loaded the newest", loaded_seq(server), seq_of(newest))
        t.true("the partial file is gone", not os.path.exists(stray))
        t.equal("the same answers", answers(server), before)
        again = server.post("/v1/transfers", ITEMS, headers=KEY)
        t.equal("the repeat is answered", again.headers.get("idempotency-replayed"), "true")
        t.equal("as the first was", (again.status, again.body), (first.status, first.body))
        server.kill9()

        flip(newest)
        server.start()
        t.equal("the one before is used", loaded_seq(server), seq_of(snapshots(server)[0]))
        t.true("loudly", b"a snapshot is passed over" in server.output(), server.output()[-500:])
        t.equal("it is counted", metric(server, "snapshots_passed_over_total"), 1)
        t.equal("the same answers after it", answers(server), before)
        server.kill9()

        flip(snapshots(server)[0])
        server.start()
        t.equal("none is used", loaded_seq(server), 0)
        t.equal("both are counted", metric(server, "snapshots_passed_over_total"), 2)
        t.equal("the same answers after a whole replay", answers(server), before)
        server.kill9()

        server.environment["BACKSTOPD_SNAPSHOT_EVERY_COMMANDS"] = "1"
        server.start()
        for _ in range(2):
            last = metric(server, "snapshot_seq")
            server.post("/v1/transfers", ITEMS[0])
            wait_until("a new one", lambda: metric(server, "snapshot_seq") > last)  # noqa: B023
        wait_until("two, in place of the damaged ones",
                   lambda: len(snapshots(server)) == KEPT and newest not in snapshots(server))
        t.equal("the damaged ones are no more", metric(server, "snapshots_passed_over_total"), 2)


def test_another_logs_snapshot_is_refused(t):
    with Server(settings=OFTEN) as server, Server(settings=OFTEN) as other:
        make_world(server)
        make_world(other)
        wait_for_snapshot(server, 1)
        wait_for_snapshot(other, 1)
        before = answers(server)
        server.kill9()
        other.kill9()
        for path in snapshots(server):
            os.unlink(path)
        shutil.copy(snapshots(other)[-1], server.data)
        server.environment["BACKSTOPD_SNAPSHOT_EVERY_COMMANDS"] = "0"
        server.start()
        t.equal("it is not used", loaded_seq(server), 0)
        t.true("it says why", b"is of the log" in server.output(), server.output()[-500:])
        t.equal("the same answers", answers(server), before)


if __name__ == "__main__":
    run(globals())
