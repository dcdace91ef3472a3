#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The largest burst on record, 11,279 closes in one settlement, to four receivers at once: fast, slow
(2 s), failing every other time, dead. Goal: everything arrives at the first three, in order, one id
each, also over a kill -9 in the middle; and settlements go on as if nobody were told.

    BACKSTOPD=... WEBHOOK_SINK=... tests/http/test_webhooks_burst.py     prints what it saw
    COUNT=2000 for fewer

It also prints what one round trip costs on this machine, for that bounds a notice in order.
"""
import datetime
import os
import re
import socket
import threading
import time

from burst import make_book
from harness import Server, run, wait_until
from receiver import SETTINGS, Receiver, Sink, short

PATIENCE_S = 200
COUNT = int(os.environ.get("COUNT", "11279"))
EVENTS = [f"act_{2 * number}" for number in range(1, COUNT + 1)]  # every second action is an adl
TYPES = {"types": ["adl"]}
BATCHES = {**TYPES, "batch_max": 1000}


def notices_of(receiver):
    """(id, data, when it came) of every notice that was accepted, repeats left out."""
    rows = {}
    for request in receiver.accepted():
        body = request.json
        notices = body["data"]["notices"] if body["type"] == "actions.batch" else [
            {"id": request.id, **body}]
        for notice in notices:
            rows.setdefault(notice["id"], (notice["id"], notice, request.time_s))
    return list(rows.values())


def check(t, what, rows):
    t.equal(f"{what}: all, in order, once", [short(row[0]) for row in rows] == EVENTS, True)
    sequence = [row[1]["data"]["previous_sequence"] for row in rows]
    t.true(f"{what}: no gap", sequence == [2 * number for number in range(COUNT)])


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def latencies(rows):
    def seconds(text):
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()

    return [came - seconds(notice["timestamp"]) for _, notice, came in rows]


def round_trip_us():
    """What is left when nothing is done but sending 1 KB, waiting for the answer, and again."""
    with Sink() as sink, socket.create_connection(("127.0.0.1", sink.port)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request = b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n" + bytes(1000)
        start = time.monotonic()
        for _ in range(COUNT):
            client.sendall(request)
            client.recv(1000)
        return (time.monotonic() - start) / COUNT * 1e6


def lag(server):
    """Mean of the settlements so far in ms, how many they were, and the bounds of their buckets."""
    text = server.get("/metrics").body.decode()
    total = float(re.search(r"^backstopd_settle_lag_seconds_sum (.*)$", text, re.M)[1])
    count = int(re.search(r"^backstopd_settle_lag_seconds_count (.*)$", text, re.M)[1])
    buckets = [(bound, int(n)) for bound, n in
               re.findall(r'settle_lag_seconds_bucket{le="(.*?)"} (\d+)', text)]
    p99 = next(bound for bound, n in buckets if n >= 0.99 * count)
    return f"mean {1000 * total / max(count, 1):.2f} ms, p99 <= {p99} s, {count} settlements"


class Beside(threading.Thread):
    """A second pool in which somebody is insolvent ten times a second; the timer settles it."""

    def __init__(self, server, seconds):
        super().__init__()
        self.server, self.seconds = server, seconds

    def run(self):
        end = time.monotonic() + self.seconds
        connection = self.server.connect()
        for number in range(100000):
            if time.monotonic() > end:
                return
            seen = self.server.get("/v1/pools/other", connection=connection).json["last_action"]
            self.server.post("/v1/accounts", [
                {"account": name, "pool": "other", "collateral": "30", "positions": [
                    {"market": "ETH-PERP", "size": size, "entry_price": "100"}], "seen_action": seen}
                for name, size in (("l", "10"), ("w", "-10"))], connection=connection)
            price = "95" if number % 2 else "96"
            self.server.post("/v1/marks", {"market": "ETH-PERP", "price": price}, connection=connection)
            time.sleep(0.1)


def set_up(server):
    make_book(server, COUNT)
    make_book(server, 1, pool="other", market="ETH-PERP")
    server.post("/v1/pools/other/resume")


def measure(server, seconds=8):
    """The burst of the large pool while the other one settles all the time."""
    beside = Beside(server, seconds)
    beside.start()
    time.sleep(1)
    server.post("/v1/pools/usdc/settle")
    beside.join()
    return lag(server)


def pool_only(members):
    return {**members, "pools": ["usdc"]}


def report(what, rows, requests):
    found = latencies(rows)
    print(f"{what}: {requests} requests, p50 {percentile(found, .5):.3f} s, "
          f"p99 {percentile(found, .99):.3f} s, max {max(found):.3f} s")


def test_one_receiver(t):
    """A fast one alone, each way of sending."""
    print(f"a bare round trip: {round_trip_us():.0f} us")
    for what, members in (("alone, in order", TYPES), ("alone, in batches", BATCHES),
                          ("alone, in parallel", {**TYPES, "order": "parallel"})):
        with Sink() as sink, Server(settings=SETTINGS) as server:
            make_book(server, COUNT)
            server.post("/v1/webhooks", {"url": sink.url, **members})
            server.post("/v1/pools/usdc/settle")
            wait_until(what, lambda s=sink: len(notices_of(s)) >= COUNT, PATIENCE_S)
            rows = notices_of(sink)
            report(what, rows, len(sink.notices))
            check(t, what, sorted(rows, key=lambda row: row[1]["data"]["sequence"])
                  if "order" in members else rows)


def test_four_receivers(t):
    """Also prints what it costs the settlements of another pool, with and without receivers."""
    with Server(settings=SETTINGS) as server:
        set_up(server)
        without = measure(server)
    calls = []

    def every_other(_):
        calls.append(0)
        return (500 if len(calls) % 2 else 204, {}, 0)

    with Sink() as fast, Sink() as batched, Receiver(lambda notice: (204, {}, 2)) as slow, \
            Receiver(every_other) as failing, Receiver() as dead, Server(settings=SETTINGS) as server:
        set_up(server)
        dead.close()
        for receiver, members in ((dead, TYPES), (slow, BATCHES), (failing, BATCHES), (fast, TYPES),
                                  (batched, BATCHES)):
            answer = server.post("/v1/webhooks", {"url": receiver.url, **pool_only(members)})
            t.equal("made", answer.status, 201)
        with_them = measure(server)
        for name, receiver in (("fast", fast), ("fast, in batches", batched), ("slow", slow),
                               ("failing", failing)):
            wait_until(name, lambda r=receiver: len(notices_of(r)) >= COUNT, PATIENCE_S)
            ids = [request.id for request in receiver.accepted()]
            t.equal(f"{name}: no request twice", len(ids), len(set(ids)))
            rows = notices_of(receiver)
            offset = int(rows[0][1]["data"]["sequence"])
            ordinals = [row[1]["data"]["sequence"] for row in rows]
            previous = [0] + ordinals[:-1]
            t.equal(f"{name}: count", len(rows), COUNT)
            t.true(f"{name}: in order, no gap",
                   [row[1]["data"]["previous_sequence"] for row in rows] == previous, offset)
            report(name, rows, len(ids))
        t.equal("dead", dead.notices, [])
    print(f"settle lag without receivers: {without}")
    print(f"settle lag with receivers:    {with_them}")


def test_kill9_in_the_middle(t):
    """The same burst over two crashes, one id each, nothing missing."""
    with Sink() as fast, Receiver(lambda notice: (204, {}, 0.3)) as slow, \
            Server(settings=SETTINGS) as first:
        make_book(first, COUNT)
        for receiver, members in ((fast, TYPES), (slow, BATCHES)):
            first.post("/v1/webhooks", {"url": receiver.url, **members})
        first.post("/v1/pools/usdc/settle")
        first.wait_for_actions(2 * COUNT)
        server = first
        for part in (COUNT // 4, COUNT // 2):
            fast.wait(part)
            server.kill9()
            server = Server(data=first.data, settings=SETTINGS)
            server.start()
        try:
            for name, receiver in (("fast", fast), ("slow", slow)):
                wait_until(name, lambda r=receiver: len(notices_of(r)) >= COUNT, PATIENCE_S)
                check(t, name, notices_of(receiver))
        finally:
            server.close()
        bodies = {}
        t.true("repeats are the same bytes",
               all(bodies.setdefault(request.id, request.body) == request.body
                   for receiver in (fast, slow) for request in receiver.accepted()))


if __name__ == "__main__":
    run(globals())
