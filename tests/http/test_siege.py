#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that ask for more than their share. Goal: what one of them costs is bounded, and the others,
settlements and health are served meanwhile."""
import concurrent.futures
import os
import re
import socket
import threading
import time

from harness import NDJSON, Server, run, wait_for


def metric(server, name):
    found = re.search(rf"^backstopd_{name} (\S+)$", server.get("/metrics").body.decode(), re.MULTILINE)
    return float(found.group(1))


def unread(server, request):
    """A client with a small window that asks and does not read."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(10)
    sock.connect(("127.0.0.1", server.port))
    sock.sendall(request)
    return sock


def test_a_write_lists_1000_rejections(t):
    """300,000 refused items: the answer is some 100 kB, not 9 MB, and says how many there were."""
    with Server() as server:
        for what, count in (("1,000", 1000), ("1,001", 1001), ("300,000", 300000)):
            answer = server.post("/v1/transfers", "{}\n" * count, content_type=NDJSON)
            t.equal(f"{what}: status", answer.status, 422)
            t.equal(f"{what}: listed", [row["index"] for row in answer.json["rejected"]], list(range(1000)))
            t.equal(f"{what}: counted", answer.json.get("rejected_count"), count if count > 1000 else None)
            t.true(f"{what}: size", len(answer.body) < 200000, len(answer.body))


def test_a_repeat_lists_them_too(t):
    with Server() as server:
        body = "{}\n" * 5000 + '{"account":"a","amount":"1"}\n' * 5000
        first = server.post("/v1/transfers", body, content_type=NDJSON, headers={"Idempotency-Key": '"k"'})
        t.equal("counted", first.json.get("rejected_count"), 10000)
        server.kill9()
        server.start()
        again = server.post("/v1/transfers", body, content_type=NDJSON, headers={"Idempotency-Key": '"k"'})
        t.equal("the same after a crash", again.body, first.body)


def make_many_actions(server, accounts):
    """One insolvency that a haircut divides over so many winners."""
    server.make_pool("p", [{"layer": "insurance", "floor": "0"},
                           {"layer": "haircut", "rule": "pro_rata", "basis": "period_gain", "divide": "at_once"}])
    server.make_market("m", "p")
    server.post("/v1/marks", {"market": "m", "price": "100"})
    names = [f"winner-{number:06}" for number in range(accounts)]
    server.post("/v1/accounts", [{"account": name, "pool": "p", "collateral": "1000"} for name in names])
    server.post("/v1/accounts", {"account": "debtor", "pool": "p", "collateral": "1"})
    sizes = [*((name, "1") for name in names), ("debtor", str(-accounts))]
    server.post("/v1/positions", [{"account": name, "market": "m", "size": size, "entry_price": "100"}
                                  for name, size in sizes])
    server.post("/v1/marks", {"market": "m", "price": "101"})
    server.post("/v1/pools/p/resume")
    last = f"/v1/actions?limit=1&after={server.cursor(accounts - 1)}"
    return wait_for(lambda: server.get(last).status == 200, 60)


def test_slow_readers_are_dropped(t):
    """Answers of some 5 MB that nobody reads: at most 16 MiB of them are kept, the oldest go."""
    with Server(settings={"http_unread_size_max": 16 << 20}) as server:
        t.true("actions", make_many_actions(server, 10000))
        request = b"GET /v1/actions?limit=10000 HTTP/1.1\r\nHost: x\r\n\r\n"
        clients = [unread(server, request) for _ in range(20)]
        t.true("some are dropped", wait_for(lambda: metric(server, "http_unread_dropped_total") > 0))
        kept = metric(server, "http_unread_bytes")
        t.true("the others fit", 0 < kept <= 16 << 20, kept)
        t.equal("who reads is served", len(server.get("/v1/actions?limit=10000").json["data"]), 10000)
        for client in clients:
            client.close()
        t.true("nothing is left", wait_for(lambda: metric(server, "http_unread_bytes") < 1 << 20))


def make_book(server, accounts):
    """So many accounts with a position each, half of them long."""
    server.make_pool("p")
    server.make_market("m", "p")
    server.post("/v1/marks", {"market": "m", "price": "100"})
    for first in range(0, accounts, 20000):
        names = [f"account-{number:07}" for number in range(first, min(first + 20000, accounts))]
        server.post("/v1/accounts", [{"account": name, "pool": "p", "collateral": "1000"} for name in names])
        server.post("/v1/positions", [
            {"account": name, "market": "m", "size": "1" if number % 2 else "-1",
             "entry_price": str(90 + number * 7919 % 20000 / 1000)} for number, name in enumerate(names)])
    server.post("/v1/pools/p/resume")


def lags(server):
    """How many settlements there were by their lag in seconds."""
    rows = re.findall(r'settle_lag_seconds_bucket\{le="([^"]+)"\} (\d+)', server.get("/metrics").body.decode())
    return {float(bound): int(count) for bound, count in rows}


def percentile(before, after, share):
    """The bound that this share of the settlements in between kept to."""
    counts = {bound: after[bound] - before[bound] for bound in after}
    wanted = share * counts[float("inf")]
    return min(bound for bound, count in counts.items() if count >= wanted)


class Hostile:
    """Readers that ask again as soon as they are answered."""

    def __init__(self, server, paths, clients):
        self.statuses = {}
        self.ends = False
        self.pool = concurrent.futures.ThreadPoolExecutor(clients)
        self.lock = threading.Lock()
        for number in range(clients):
            self.pool.submit(self.read, server, paths[number % len(paths)])

    def read(self, server, path):
        connection = server.connect()
        while not self.ends:
            status = server.get(path, connection=connection).status
            with self.lock:
                self.statuses[status] = self.statuses.get(status, 0) + 1
            if status == 503:
                time.sleep(0.05)
        connection.close()

    def end(self):
        self.ends = True
        self.pool.shutdown()
        return self.statuses


def under_reads(server, paths, clients, seconds):
    """Moves the mark while they read: the settlements and their lag, the writes, the slowest write and livez."""
    hostile = Hostile(server, paths, clients)
    began, before, writes, lives = time.monotonic(), lags(server), [], []
    while time.monotonic() - began < seconds:
        for times, call in ((writes, lambda: server.post("/v1/marks", {"market": "m", "price": "100"})),
                            (lives, lambda: server.get("/livez"))):
            started = time.monotonic()
            call()
            times.append(time.monotonic() - started)
        time.sleep(0.03)
    after = lags(server)
    statuses = hostile.end()
    figures = {"settlements": after[float("inf")] - before[float("inf")], "writes": len(writes),
               "lag_p50": percentile(before, after, 0.5), "lag_p90": percentile(before, after, 0.9),
               "lag_p99": percentile(before, after, 0.99), "write_max": max(writes), "livez_max": max(lives),
               "answers": statuses}
    if os.environ.get("BACKSTOP_TEST_FIGURES"):
        print(paths[0], figures, flush=True)
    return figures


def too_many_reads_are_refused(t, server):
    """64 different ones may wait; a repeat of one of them may, too."""
    paths = [f"/v1/markets/m/adl-queue?side=long&limit={n + 1}" for n in range(200)]
    before = metric(server, "reads_refused_total")
    figures = under_reads(server, paths, 200, 2)
    t.equal("answers", set(figures["answers"]), {200, 503})
    t.equal("counted", metric(server, "reads_refused_total") - before, figures["answers"][503])
    t.true("afterwards they are served", wait_for(lambda: server.get(paths[0]).status == 200))


def test_the_same_read_is_made_once(t):
    """Without a command in between, of the timer too, the state is the same, and so is the answer."""
    with Server(settings={"core_settle_interval_ms": 10000}) as server:
        make_book(server, 1000)
        path = "/v1/markets/m/adl-queue?side=long&limit=10"
        first = server.get(path).body
        shared = metric(server, "reads_shared_total")
        t.equal("the same bytes", server.get(path).body, first)
        t.equal("from what was kept", metric(server, "reads_shared_total"), shared + 1)
        other = server.get(path.replace("10", "11")).json["data"]
        t.equal("another question is another answer", len(other), 11)
        server.post("/v1/marks", {"market": "m", "price": "101"})
        t.true("another state, too", server.get(path).body != first)


def test_reads_of_a_large_book(t):
    """Rankings asked for by many clients at once delay no settlement for long, and too many are refused."""
    large = bool(os.environ.get("BACKSTOP_SIEGE"))
    accounts, clients, seconds = (300000, 400, 20) if large else (20000, 64, 4)
    with Server(settings={"capacity_accounts_max": 400000}) as server:
        make_book(server, accounts)
        for what, paths in (
                ("one queue", ["/v1/markets/m/adl-queue?side=long"]),
                ("many pages", [f"/v1/markets/m/adl-queue?side=long&limit={n + 100}" for n in range(clients)]),
                ("at-risk", [f"/v1/pools/p/at-risk?limit={n + 1}" for n in range(clients)])):
            figures = under_reads(server, paths, clients, seconds)
            # A machine that is busy otherwise makes fewer writes; several may be settled together.
            t.true(f"{what}: settlements go on", figures["settlements"] >= min(figures["writes"], 6 * seconds) / 2,
                   figures)
            t.true(f"{what}: without delay", figures["lag_p90"] <= 0.2 if large else figures["lag_p50"] <= 1, figures)
            t.true(f"{what}: health is served", figures["livez_max"] <= 2, figures)
            t.true(f"{what}: reads are answered", figures["answers"].get(200, 0) > seconds, figures)
        too_many_reads_are_refused(t, server)


if __name__ == "__main__":
    run(globals())
