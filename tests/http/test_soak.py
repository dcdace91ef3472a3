#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goal: a daemon under everything at once stays as it is: memory, descriptors and the directory do not grow,
the log has no error line, every notice comes once under one id. Method: writers, streams, long polls, lists,
webhooks, backups and clients that come and go, with small files, many snapshots and files that are
cut; memory and descriptors of the middle of the run against those of its end.

    BACKSTOPD=... BACKSTOPCTL=... SOAK_SECONDS=20 tests/http/test_soak.py
"""
import contextlib
import os
import re
import statistics
import tempfile
import threading
import time

from harness import Server, ordinal, run, wait_until
from receiver import SETTINGS, Receiver
from test_backup import backup

SECONDS = float(os.environ.get("SOAK_SECONDS", "20"))
SMALL = {**SETTINGS, "storage_file_size_max": 1 << 20, "storage_reserve_size": 0, "log_keep_days": 1,
         "log_keep_bytes": 3 << 20, "snapshot_every_commands": 4000, "simulation_mode": "always", "simulation_check_interval_s": 1,
         "capacity_dedupe_window": 4096, "capacity_transfer_window": 4096, "capacity_accounts_max": 2000,
         "capacity_positions_max": 4000, "core_answers_max": 500, "webhooks_history_max": 200,
         "core_settle_interval_ms": 50}
ITEMS = [{"account": "winner", "amount": "1"}] * 500
MEMORY_SPARE_KB = 8192       # of what an allocator may keep
FILES_SPARE = 8              # connections under way when it is looked
DIRECTORY_MAX = 64 << 20     # a few files of 1 MiB, their -wal, snapshots, and copies for a backup
PAUSE_S = 0.02


class Work:
    """Threads that do one thing again and again until the time is over."""

    def __init__(self, seconds):
        self.end = time.monotonic() + seconds
        self.threads = []
        self.counts = {}
        self.errors = []

    def add(self, name, do, pause_s=PAUSE_S):
        def repeat():
            while time.monotonic() < self.end and not self.errors:
                try:
                    do(self.counts[name])
                except Exception as error:  # noqa: BLE001: reported by the test
                    self.errors.append(f"{name}: {type(error).__name__}: {error}")
                    return
                self.counts[name] += 1
                time.sleep(pause_s)
        self.counts[name] = 0
        self.threads.append(threading.Thread(target=repeat))
        self.threads[-1].start()

    def wait(self):
        for thread in self.threads:
            thread.join()


def directory_size(path):
    size = 0
    for name in os.listdir(path):
        with contextlib.suppress(FileNotFoundError):
            size += os.stat(os.path.join(path, name)).st_blocks * 512
    return size


def measure(server):
    process = f"/proc/{server.process.pid}"
    with open(f"{process}/status", encoding="utf-8") as file:
        memory = int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1])
    return {"memory_kb": memory, "descriptors": len(os.listdir(f"{process}/fd")),
            "directory": directory_size(server.data)}


def expect(answer, *statuses):
    if answer.status not in statuses:
        raise RuntimeError(f"{answer.status}: {answer.body[:300]}")
    return answer


def cursor(server):
    """Of the endpoint: what is after it is never cut."""
    return server.get("/v1/webhooks").json["data"][0]["cursor"]


def settle_one(server, number):
    """Two accounts, an insolvency of the one, and both are gone."""
    pair = [f"loser{number}", f"gainer{number}"]
    btc = {"market": "BTC-PERP", "entry_price": "60000"}
    server.post("/v1/marks", {"market": "BTC-PERP", "price": "60000"})
    expect(server.post("/v1/accounts", [
        {"account": pair[0], "pool": "usdc", "collateral": "100", "positions": [{**btc, "size": "1"}]},
        {"account": pair[1], "pool": "usdc", "collateral": "5000", "positions": [{**btc, "size": "-1"}]}]), 200)
    server.post("/v1/marks", {"market": "BTC-PERP", "price": "59000"})
    server.post("/v1/pools/usdc/settle")
    for name in pair:
        server.delete(f"/v1/accounts/{name}")


def read_stream(server, _):
    """A client that leaves after the first bytes."""
    with server.open(10) as sock:
        sock.sendall(b"GET /v1/stream HTTP/1.1\r\nHost: soak\r\n\r\n")
        if not sock.recv(4096).startswith(b"HTTP/1.1 200"):
            raise RuntimeError("no stream")
        time.sleep(0.2)


def back_up(server, _):
    with tempfile.TemporaryDirectory(prefix="backstopd-test-") as base:
        for _ in range(5):  # a file may be cut under it: it says so
            done = backup(server, os.path.join(base, "copy"))
            if done.returncode == 0:
                return
            if "run this again" not in done.stderr:
                break
        raise RuntimeError(done.stderr[-500:])


def begin(work, server):
    work.add("writes", lambda n: expect(server.post("/v1/transfers", ITEMS, headers={
        "Idempotency-Key": f'"{n}"'}), 200), 0.1)  # slow enough for a backup between two cuts
    work.add("settlements", lambda n: settle_one(server, n), 0.1)
    work.add("pauses", lambda n: (server.post("/v1/pools/other/pause", {"reason": "soak"}),
                                  server.post("/v1/pools/other/resume")), 0.1)
    work.add("streams", lambda n: read_stream(server, n))
    work.add("polls", lambda n: expect(server.get(f"/v1/actions?after={cursor(server)}&wait_ms=200"), 200))
    work.add("lists", lambda n: [expect(server.get(path), 200) for path in (
        "/v1/accounts?pool=usdc", "/v1/pools/usdc", "/v1/settlements", "/metrics")])
    work.add("backups", lambda n: back_up(server, n), 2)


def middle(samples, name, begin_at, end_at):
    rows = [sample[name] for sample in samples]
    return statistics.median(rows[int(len(rows) * begin_at):int(len(rows) * end_at)])


def check_flat(t, samples):
    """The middle is warm; the last fifth is the end."""
    for name, spare in (("memory_kb", MEMORY_SPARE_KB), ("descriptors", FILES_SPARE)):
        warm, last = middle(samples, name, 0.4, 0.6), middle(samples, name, 0.8, 1)
        print(f"{name}: {warm:.0f} in the middle, {last:.0f} at the end")
        t.true(f"{name} is flat", last <= warm + max(spare, warm / 20), [s[name] for s in samples])
    largest = max(sample["directory"] for sample in samples)
    print(f"the directory: at most {largest} bytes")
    t.true("the directory is bounded", largest <= DIRECTORY_MAX, largest)


def check_notices(t, server, receiver):
    """All of the log, also of what was cut since."""
    end = int(float(re.search(rb"\nbackstopd_actions_total (\S+)", server.get("/metrics").body)[1]))
    wait_until("all notices are delivered", lambda: ordinal(cursor(server)) == end and len(receiver.accepted()) >= end, 60)
    ids = [notice.id for notice in receiver.accepted()]
    t.equal("notices and ids", len(ids), len(set(ids)))
    t.equal("one for each action", sorted(ordinal(name) for name in set(ids)), list(range(1, end + 1)))


def test_everything_at_once(t):
    samples = []
    with Receiver() as receiver, Server(settings=SMALL) as server:
        server.post("/v1/webhooks", {"url": receiver.url})
        server.make_pool("other")
        server.make_insolvency()
        server.post("/v1/pools/usdc/resume")
        work = Work(SECONDS)
        begin(work, server)
        while time.monotonic() < work.end and not work.errors:
            samples.append(measure(server))
            time.sleep(max(0.2, SECONDS / 600))
        work.wait()
        print(" ".join(f"{name}={count}" for name, count in work.counts.items()))
        t.equal("nothing failed", work.errors, [])
        t.true("everything was done", all(work.counts.values()), work.counts)
        wait_until("files are cut", lambda: (server.post("/v1/transfers", ITEMS), not os.path.exists(
            os.path.join(server.data, "log-00000001.db")))[1], 60)
        check_flat(t, samples)
        check_notices(t, server, receiver)
        t.equal("a clean stop", server.stop(), 0)
        wrong = [line for line in server.output().split(b"\n") if b" error " in line]
        t.equal("no error line", wrong, [])


if __name__ == "__main__":
    run(globals())
