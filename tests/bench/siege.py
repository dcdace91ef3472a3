#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The siege: everything that a hostile client was seen to do, at once, on a large book. 300,000 accounts with 900,000
positions; 400 readers of rankings and of log filters that find nothing, 1,023 silent connections that come again, slow
readers of large answers, deletes in large requests, withdrawals from accounts of 2,000 positions. Meanwhile marks move,
health is asked on new connections, and settlements run. Prints their figures and compares them with generous bounds.

    BACKSTOPD=build/bench/daemon/backstopd python3 tests/bench/siege.py [SECONDS]      (or: ./dev siege [SECONDS])
"""
import json
import multiprocessing
import pathlib
import re
import selectors
import socket
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/http"))
SECONDS = int(sys.argv.pop(1)) if len(sys.argv) > 1 else 30
from harness import NDJSON, Server, wait_for  # noqa: E402: found by the path above

ACCOUNTS, MARKETS, FLAT, WIDE, LEGS = 300000, 3, 60000, 12, 2000
READERS, SILENT, SLOW = 400, 1023, 40
LAG_MAX_S, LIVEZ_MAX_S, GROWTH_MAX = 0.2, 1, 512 << 20


def post_lines(server, path, rows):
    answer = server.post(path, "\n".join(json.dumps(row) for row in rows), content_type=NDJSON)
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {answer.body[:300]}")


def make_book(server):
    server.make_pool("p")
    server.make_pool("wide")
    for market in range(MARKETS):
        server.make_market(f"m{market}", "p")
        server.post("/v1/marks", {"market": f"m{market}", "price": "100"})
    for first in range(0, ACCOUNTS, 20000):
        names = [(number, f"account-{number * 7919 % ACCOUNTS:07}") for number in range(first, first + 20000)]
        post_lines(server, "/v1/accounts", [{"account": name, "pool": "p", "collateral": "1000"} for _, name in names])
        post_lines(server, "/v1/positions", [
            {"account": name, "market": f"m{market}", "size": "1" if number % 2 else "-1",
             "entry_price": str(90 + number * 7919 % 20000 / 1000)} for number, name in names for market in range(MARKETS)])
    for first in range(0, FLAT, 20000):
        post_lines(server, "/v1/accounts", [{"account": f"flat-{number}", "pool": "p", "collateral": "0"}
                                            for number in range(first, first + 20000)])
    template = {"type": "market", "pool": "wide", "tick_size": "0.01", "lot_size": "0.001", "maintenance_margin_ppm": 5000}
    post_lines(server, "/v1/commands", [{**template, "market": f"w{leg}"} for leg in range(LEGS)])
    post_lines(server, "/v1/marks", [{"market": f"w{leg}", "price": "100"} for leg in range(LEGS)])
    for number in range(WIDE):
        post_lines(server, "/v1/accounts", [{"account": f"wide-{number}", "pool": "wide", "collateral": "1000000000"}])
        post_lines(server, "/v1/positions", [{"account": f"wide-{number}", "market": f"w{leg}",
                                              "size": "1" if number % 2 else "-1", "entry_price": "100"}
                                             for leg in range(LEGS)])
    for pool in ("p", "wide"):
        server.post(f"/v1/pools/{pool}/resume")


class Client:
    """A connection that asks again as soon as it is answered, or (no path) says nothing; it comes again when closed."""

    def __init__(self, selector, port, path):
        self.selector, self.port = selector, port
        self.request = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() if path else b""
        self.sock, self.due = None, 0

    def open(self):
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.connect_ex(("127.0.0.1", self.port))
        self.left, self.head, self.asks = 0, b"", bool(self.request)
        self.selector.register(self.sock, selectors.EVENT_WRITE if self.asks else selectors.EVENT_READ, self)

    def close(self, now):
        self.selector.unregister(self.sock)
        self.sock.close()
        self.sock, self.due = None, now + 1

    def turn(self, now):
        """One step. True: an answer is complete."""
        if self.asks:
            self.sock.send(self.request)
            self.asks = False
            self.selector.modify(self.sock, selectors.EVENT_READ, self)
            return False
        part = self.sock.recv(1 << 18)
        if not part:
            raise ConnectionResetError
        if self.left == 0:
            self.head += part
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return False
            length = int(re.search(rb"(?i)content-length: (\d+)", self.head).group(1))
            self.left, part, self.head = length, self.head[end + 4:], b""
        self.left -= len(part)
        if self.left > 0:
            return False
        self.asks = True
        self.selector.modify(self.sock, selectors.EVENT_WRITE, self)
        return True


def attack(port, paths, answers):
    """Runs until it is terminated; counts the answers."""
    selector = selectors.DefaultSelector()
    clients = [Client(selector, port, path) for path in paths]
    while True:
        now = time.monotonic()
        for client in clients:
            if client.sock is None and now >= client.due:
                client.open()
        for key, _ in selector.select(0.1):
            try:
                answers.value += key.data.turn(now)
            except (OSError, AttributeError):
                key.data.close(now)


def paths_of_readers():
    kinds = (lambda n: "/v1/markets/m0/adl-queue?side=long",
             lambda n: f"/v1/markets/m{n % MARKETS}/adl-queue?side=short&limit={n + 1}",
             lambda n: f"/v1/pools/p/at-risk?limit={n + 1}",
             lambda n: "/v1/actions?after=0&pool=p&type=reversal",
             lambda n: f"/v1/accounts/account-{n:07}/adl-rank")
    return [kinds[number % len(kinds)](number) for number in range(READERS)]


def slow_readers(port, ends):
    request = b"GET /v1/accounts?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n" * 4
    while not ends.is_set():
        held = []
        for _ in range(SLOW):
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.settimeout(5)
            try:
                sock.connect(("127.0.0.1", port))
                sock.sendall(request)
            except OSError:
                pass
            held.append(sock)
        ends.wait(10)
        for sock in held:
            sock.close()


def heavy_writes(server, ends):
    """10,000 deletes, then 5,000 withdrawals from each of the wide accounts, and again."""
    turn = 0
    while not ends.is_set():
        if turn * 10000 < FLAT:
            post_lines(server, "/v1/commands", [{"type": "delete_account", "account": f"flat-{number}"}
                                                for number in range(turn * 10000, turn * 10000 + 10000)])
        name = f"wide-{turn % WIDE}"
        post_lines(server, "/v1/transfers", [{"account": name, "amount": "-1", "kind": "withdrawal"}] * 5000)
        turn += 1
        ends.wait(1)


def rss(server):
    with open(f"/proc/{server.process.pid}/status", encoding="utf-8") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) << 10


def lags(server):
    rows = re.findall(r'settle_lag_seconds_bucket\{le="([^"]+)"\} (\d+)', server.get("/metrics").body.decode())
    return {float(bound): int(count) for bound, count in rows}


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def lag_percentile(before, after, share):
    counts = {bound: after[bound] - before[bound] for bound in after}
    return min(bound for bound, count in counts.items() if count >= share * counts[float("inf")])


def timed(call):
    began = time.monotonic()
    status = call().status
    return time.monotonic() - began, status


def measure(server):
    """Marks and health for so long; returns the figures."""
    began, before, base = time.monotonic(), lags(server), rss(server)
    writes, lives, most, failed = [], [], base, {}
    turn = 0
    while time.monotonic() - began < SECONDS:
        mark = {"market": f"m{turn % MARKETS}", "price": str(100 + turn % 3)}
        for times, call in ((writes, lambda: server.post("/v1/marks", mark)), (lives, lambda: server.get("/livez"))):
            try:
                seconds, status = timed(call)
                times.append(seconds)
                if status != 200:
                    failed[status] = failed.get(status, 0) + 1
            except OSError as error:
                failed[type(error).__name__] = failed.get(type(error).__name__, 0) + 1
        most = max(most, rss(server))
        turn += 1
        time.sleep(0.02)
    after = lags(server)
    return {"settlements": after[float("inf")] - before[float("inf")], "lag_p99_s": lag_percentile(before, after, 0.99),
            "write_p99_s": round(percentile(writes, 0.99), 3), "livez_max_s": round(max(lives), 3), "failed": failed,
            "rss_mb": most >> 20, "rss_growth_mb": (most - base) >> 20}


def besiege(server):
    answers = [multiprocessing.Value("q", 0) for _ in range(2)]
    attackers = [multiprocessing.Process(target=attack, args=(server.port, paths_of_readers(), answers[0])),
                 multiprocessing.Process(target=attack, args=(server.port, [None] * SILENT, answers[1]))]
    ends = threading.Event()
    threads = [threading.Thread(target=slow_readers, args=(server.port, ends)),
               threading.Thread(target=heavy_writes, args=(server, ends))]
    for one in (*attackers, *threads):
        one.start()
    time.sleep(2)
    figures = measure(server)
    ends.set()
    for process in attackers:
        process.terminate()
    for thread in threads:
        thread.join()
    page = server.get("/metrics").body.decode()
    evicted = int(float(re.search(r"^backstopd_http_connections_evicted_total (\S+)", page, re.MULTILINE).group(1)))
    return {**figures, "answers": answers[0].value, "evicted": evicted}


def main():
    with Server(settings={"capacity_accounts_max": 500000, "capacity_positions_max": 1500000}) as server:
        make_book(server)
        if not wait_for(lambda: server.get("/readyz").status == 200):
            raise RuntimeError("not ready")
        print("at peace:", measure(server), flush=True)
        figures = besiege(server)
        print("besieged:", figures, flush=True)
    bad = [what for what, good in (
        ("settlements go on", figures["settlements"] > 2 * SECONDS),
        (f"lag p99 <= {LAG_MAX_S} s", figures["lag_p99_s"] <= LAG_MAX_S),
        (f"livez <= {LIVEZ_MAX_S} s", figures["livez_max_s"] <= LIVEZ_MAX_S),
        ("nothing fails", not figures["failed"]),
        ("readers are answered", figures["answers"] > SECONDS),
        ("RSS", figures["rss_growth_mb"] << 20 <= GROWTH_MAX)) if not good]
    sys.exit(f"failed: {', '.join(bad)}" if bad else 0)


if __name__ == "__main__":
    main()
