#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that ask for more than their share. Goal: what one of them costs is bounded, and the others,
settlements and health are served meanwhile."""
import re
import socket
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
    return wait_for(lambda: len(server.get("/v1/actions?limit=10000").json["data"]) >= accounts)


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


if __name__ == "__main__":
    run(globals())
