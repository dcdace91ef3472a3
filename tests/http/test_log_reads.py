#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads that look through a large log and find nothing. Goal: health, writes and other reads do not wait for them, and
a page that ends early says so and leads on."""
import os
import re
import statistics
import threading
import time

from harness import Server, run, wait_for

WINNERS = 20000
HAIRCUTS = 12  # of all of them
NOTHING = "/v1/actions?after=0&pool=p&type=reversal&limit=1"


def make_large_log(server):
    """240,000 haircuts of one pool."""
    server.make_pool("p", [{"layer": "insurance", "floor": "0"},
                           {"layer": "haircut", "rule": "pro_rata", "basis": "period_gain", "divide": "at_once"}])
    server.make_market("m", "p")
    server.post("/v1/marks", {"market": "m", "price": "100"})
    names = [f"winner-{number:06}" for number in range(WINNERS)]
    server.post("/v1/accounts", [{"account": name, "pool": "p", "collateral": "1000"} for name in [*names, "debtor"]])
    server.post("/v1/transfers", [{"account": name, "amount": "500", "kind": "funding"} for name in names])
    server.post("/v1/pools/p/resume")
    for turn in range(HAIRCUTS):
        owed = 1000 if turn == 0 else 0
        server.post("/v1/transfers", {"account": "debtor", "amount": str(-WINNERS - owed), "kind": "funding"})
        server.post("/v1/pools/p/settle")
        wanted = server.cursor((turn + 1) * WINNERS - 1)
        if not wait_for(lambda: server.get(f"/v1/actions?after={wanted}&limit=1").status == 200):
            raise RuntimeError("no actions")


class Searchers:
    """Clients that ask for what is not there, again and again."""

    def __init__(self, server, count):
        self.ends = False
        self.answers = []
        self.threads = [threading.Thread(target=self.search, args=(server,)) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def search(self, server):
        connection = server.connect()
        while not self.ends:
            self.answers.append(server.get(NOTHING, connection=connection))
        connection.close()

    def end(self):
        self.ends = True
        for thread in self.threads:
            thread.join()


def timed(call):
    started = time.monotonic()
    status = call().status
    return time.monotonic() - started, status


def test_a_filter_that_finds_nothing(t):
    with Server() as server:
        make_large_log(server)
        searchers = Searchers(server, 32)
        time.sleep(0.5)
        calls = {"livez": lambda: server.get("/livez"),
                 "a write": lambda: server.post("/v1/marks", {"market": "m", "price": "100"}),
                 "the newest action": lambda: server.get("/v1/actions?limit=1&after=" + server.cursor(WINNERS))}
        for what, call in calls.items():
            times = [timed(call) for _ in range(15)]
            if os.environ.get("BACKSTOP_TEST_FIGURES"):
                print(what, sorted(seconds for seconds, _ in times), flush=True)
            t.equal(f"{what}: is answered", {status for _, status in times}, {200})
            t.true(f"{what}: does not wait", statistics.median(seconds for seconds, _ in times) < 0.3, times)
        searchers.end()
        t.true("they are answered, too", len(searchers.answers) >= 32, len(searchers.answers))
        t.equal("with a page, or refused", {answer.status for answer in searchers.answers} - {200, 503}, set())
        nothing_is_passed_over(t, server)
        a_stream_that_finds_nothing(t, server)


def nothing_is_passed_over(t, server):
    """Page by page to the end; a page that is empty before it says so."""
    end = server.get("/v1/actions?after=0&limit=1&type=reversal").json["next"]
    for query, count in (("pool=p&type=reversal", 0), ("account=winner-000007&type=haircut", HAIRCUTS),
                         ("pool=p&account=winner-019999&type=haircut", HAIRCUTS)):
        after, found, more = "0", [], True
        while more:
            page = server.get(f"/v1/actions?after={after}&limit=5&{query}").json
            found += page["data"]
            more, after = page.get("more", False) or len(page["data"]) > 0, page["next"]
        t.equal(f"{query}: found", len(found), count)
        t.equal(f"{query}: the end", after, end)


def a_stream_that_finds_nothing(t, server):
    """It searches beside the others, and what comes then is sent."""
    key = f"GET /v1/stream?after=0&pool=p&type=insurance_draw HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    streams = [server.open() for _ in range(20)]
    for stream in streams:
        stream.sendall(key)
    times = [timed(lambda: server.get("/livez"))[0] for _ in range(10)]
    t.true("a stream that searches: livez does not wait", statistics.median(times) < 0.3, times)
    server.post("/v1/pools/p/insurance-fund", {"amount": "7"})
    server.post("/v1/transfers", {"account": "debtor", "amount": "-7", "kind": "funding"})
    server.post("/v1/pools/p/settle")
    for stream in streams[:3]:
        stream.settimeout(20)
        text = b""
        while not re.search(rb"event: insurance_draw", text):
            part = stream.recv(4096)
            if not part:
                break
            text += part
        t.true("what came then is sent", b"insurance_draw" in text, text[-300:])
    for stream in streams:
        stream.close()


def begins(server, path):
    """The status of an answer that may not end."""
    with server.open() as stream:
        stream.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return int(stream.recv(12)[9:12])


def test_a_pool_that_is_gone(t):
    """It is read for as long as the log has something of it, also after a restart; without that it is unknown."""
    with Server() as server:
        for pool in ("quiet", "told"):
            server.make_pool(pool)
        paths = [f"/v1/{what}?pool=%s" for what in ("actions", "settlements", "stream")]
        for path in paths:
            t.equal(f"{path}: nothing yet", begins(server, path % "quiet"), 200)
        server.post("/v1/pools/told/resume")
        server.wait_for_actions(1)
        for pool in ("quiet", "told"):
            t.equal(f"{pool}: deleted", server.delete(f"/v1/pools/{pool}").status, 200)
        for _ in range(2):
            for path in paths:
                t.equal(f"{path}: nothing ever", begins(server, path % "quiet"), 404)
                t.equal(f"{path}: it has a history", begins(server, path % "told"), 200)
            t.equal("the history", [row["type"] for row in server.actions("&pool=told")], ["pool_resumed"])
            t.equal("after it", server.get(f"/v1/actions?pool=told&after={server.cursor(1)}").json["data"], [])
            server.stop()
            server.start()


if __name__ == "__main__":
    run(globals())
