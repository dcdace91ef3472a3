#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""GET /v1/actions?wait_ms=: an answer as soon as there is something, else at its deadline.
Pausing and resuming a pool are actions, so they stand for any.

A request that must not wait is timed against a poll that does: it must be answered while the poll
is still waiting."""
import threading
import time

from harness import NDJSON, Server, ordinal, run

PAIR = (b'{"type":"pause","pool":"usdc","reason":"x"}\n'
        b'{"type":"resume","pool":"usdc"}\n')
POLL_S = 20  # of the polls that others are timed against


def poll(server, query, took, key):
    started = time.monotonic()
    answer = server.get("/v1/actions?" + query)
    took[key] = (time.monotonic() - started, answer)


def start_polls(server, queries):
    took = {}
    threads = [threading.Thread(target=poll, args=(server, query, took, key))
               for key, query in enumerate(queries)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 30
    while server.get("/readyz?verbose").json["checks"]["long_polls"] < len(queries):
        if time.monotonic() > deadline:
            raise RuntimeError("the polls do not wait")
        time.sleep(0.01)
    return took, threads


def join(threads):
    for thread in threads:
        thread.join(30)


def test_deadlines(t):
    with Server() as server:
        for wait_ms in (1, 50, 300, 1200):
            took = {}
            poll(server, f"wait_ms={wait_ms}", took, 0)
            elapsed, answer = took[0]
            t.true(f"{wait_ms} ms are waited", wait_ms - 2 <= elapsed * 1000 <= wait_ms + 8000, elapsed)
            t.equal(f"{wait_ms} ms: nothing, and a cursor", answer.json, {"data": [], "next": server.cursor(0)})
        took, threads = start_polls(server, [f"wait_ms={POLL_S * 1000}"])
        for _ in range(20):
            t.equal("0 does not wait", server.get("/v1/actions?wait_ms=0").json, {"data": [], "next": server.cursor(0)})
        t.equal("a poll begun before them waits on", took, {})
        server.stop()
        join(threads)


def test_news(t):
    with Server() as server:
        server.make_pool()
        server.make_pool("eur")
        took, threads = start_polls(server, [
            "wait_ms=20000", "wait_ms=20000&pool=usdc", "wait_ms=20000&type=pool_resumed&limit=1",
            "wait_ms=5000&pool=eur", "wait_ms=5000&type=adl", "wait_ms=5000&account=a"])
        server.post("/v1/pools/usdc/resume")
        t.equal("the write is answered before any poll that goes on waiting", took.keys() & {3, 4, 5}, set())
        join(threads[:3])
        t.equal("those that have news are told while the others wait", sorted(took), [0, 1, 2])
        join(threads)
        for key in (0, 1, 2):
            answer = took[key][1]
            t.equal(f"poll {key} is told what", [(a["type"], a["pool"]) for a in answer.json["data"]],
                    [("pool_resumed", "usdc")])
            t.equal(f"poll {key} goes on after it", ordinal(answer.json["next"]), 1)
        for key in (3, 4, 5):
            elapsed, answer = took[key]
            t.true(f"poll {key} waits on for its own", 4.9 <= elapsed <= 15, elapsed)
            t.equal(f"poll {key} has looked through the rest", answer.json, {"data": [], "next": server.cursor(1)})
        took, threads = start_polls(server, [f"wait_ms={POLL_S * 1000}&after=1"])
        first = server.get(f"/v1/actions?after=0&wait_ms={POLL_S * 1000}").json
        t.equal("what is there needs no wait", took, {})
        t.equal("and is there", len(first["data"]), 1)
        server.stop()
        join(threads)


def test_many_waiters(t):
    """300 waiters, a third of whom vanish; the others are all told, and writes go on meanwhile."""
    with Server() as server:
        server.make_pool()
        vanish = []
        for _ in range(100):
            sock = server.open()
            sock.sendall(b"GET /v1/actions?wait_ms=30000 HTTP/1.1\r\nHost: x\r\n\r\n")
            vanish.append(sock)
        took, threads = start_polls(server, ["wait_ms=30000"] * 200)
        for sock in vanish:
            sock.close()
        for i in range(50):
            t.equal("a write beside waiters", server.post("/v1/accounts", {
                "account": f"a{i}", "pool": "usdc", "collateral": "1"}).status, 200)
        t.equal("writes are answered while all wait", took, {})
        server.post("/v1/pools/usdc/resume")
        join(threads)
        told = [answer.json["data"][0]["type"] for _, answer in took.values()]
        t.equal("all are told", told, ["pool_resumed"] * 200)
        checks = server.get("/readyz?verbose").json["checks"]
        t.equal("no poll is left", checks["long_polls"], 0)


def test_follow(t):
    """A follower that always goes on from `next` sees each action once and in order."""
    with Server() as server:
        server.make_pool()
        seen = []

        def follow():
            after = "0"
            connection = server.connect()
            while len(seen) < 200:
                page = server.get(f"/v1/actions?after={after}&wait_ms=5000", connection=connection).json
                seen.extend(ordinal(a["cursor"]) for a in page["data"])
                after = page["next"]
            connection.close()

        thread = threading.Thread(target=follow)
        thread.start()
        for _ in range(100):
            server.post("/v1/pools/usdc/resume")
            server.post("/v1/pools/usdc/pause", {"reason": "again"})
        thread.join(30)
        t.equal("each once, in order", seen, list(range(1, 201)))


def test_news_while_reading(t):
    """News that comes while the poll's page is read is not an empty page before its time is up."""
    with Server() as server:
        server.make_pool()
        server.post("/v1/pools/usdc/resume")
        server.wait_for_actions(1)
        end = 1
        empty = 0
        for i in range(400):
            written = server.post("/v1/commands", PAIR, content_type=NDJSON)
            t.equal("a pair of actions", written.status, 200)
            while end < 2 * i + 3:
                page = server.get(f"/v1/actions?after={end}&wait_ms=5000").json
                empty += page["data"] == []
                end = ordinal(page["next"])
        t.equal("no page was empty", empty, 0)


def test_pipelined(t):
    """Requests after a waiting one are answered after it, in order."""
    with Server() as server:
        one = b"GET /v1/actions?wait_ms=%d HTTP/1.1\r\nHost: x\r\n\r\n"
        started = time.monotonic()
        answers = server.raw(one % 300 + b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" + one % 300, count=3)
        t.equal("three answers", [a.status for a in answers], [200, 200, 200])
        t.true("the waits add up", time.monotonic() - started >= 0.6)


def test_stop(t):
    """SIGTERM answers every waiter, with what there is, and ends cleanly."""
    with Server() as server:
        took, threads = start_polls(server, ["wait_ms=60000"] * 20)
        started = time.monotonic()
        end = server.cursor(0)
        code = server.stop()
        t.true("it stops long before the polls' end", time.monotonic() - started < 15)
        t.equal("exit code", code, 0)
        join(threads)
        t.equal("all were answered", [answer.json for _, answer in took.values()],
                [{"data": [], "next": end}] * 20)


if __name__ == "__main__":
    run(globals())
