#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""GET /v1/stream: server-sent events as the WHATWG describes them, resumed exactly, ended with a
reason. Pausing and resuming a pool are actions, so they stand for any."""
import collections
import json
import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from harness import NDJSON, Authority, Server, ordinal, run

# A test reads its streams one after another, so the last ones take nothing for long.
PATIENT = {"stream_stall_timeout_s": 600}
PAIR = '{"type":"pause","pool":"%s","reason":"x"}\n{"type":"resume","pool":"%s"}\n'


def act(server, count, pool="usdc"):
    """So many actions of a pool that is resumed, in one request."""
    answer = server.post("/v1/commands", PAIR % (pool, pool) * (count // 2), content_type=NDJSON)
    if answer.status != 200:
        raise RuntimeError(f"{answer.status}: {answer.body[:200]}")


class Stream:
    """A client: blocks of lines as a parser of the standard would see them."""

    def __init__(self, server, query="", last=None, timeout=20, key=None):
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        self.connection = server.connect(timeout)
        self.connection.request("GET", "/v1/stream" + query, headers=headers)
        self.answer = self.connection.getresponse()
        self.last = last
        self.lines, self.rest = collections.deque(), b""

    def line(self):
        """The next one with its end; "" at the end of the stream. Some hundred thousand are read in a test."""
        while not self.lines:
            piece = self.answer.read1(65536)
            if not piece:
                return ""
            *whole, self.rest = (self.rest + piece).split(b"\n")
            self.lines.extend(whole)
        return self.lines.popleft().decode() + "\n"

    def block(self):
        """The next block as {"field": value}, comments under ""; None at the end."""
        found = {}
        while True:
            line = self.line()
            if line == "":
                return None
            if line == "\n":
                self.last = found.get("id", self.last)
                return found
            name, _, value = line[:-1].partition(":")
            found[name] = value.removeprefix(" ")

    def event(self):
        """The next event, passing over what a browser does not dispatch."""
        while True:
            block = self.block()
            if block is None or "data" in block:
                return block

    def ids(self, last):
        """Ids of all events up to one."""
        found = []
        while not found or found[-1] < last:
            event = self.event()
            if event is None or "id" not in event:
                raise RuntimeError(f"ended after {found[-1:]}: {event}")
            found.append(ordinal(event["id"]))
        return found

    def close(self):
        self.answer.close()
        self.connection.close()


class Writers:
    """Threads that act; whatever goes wrong in one is raised where they are waited for."""

    def __init__(self, server, count, times, actions):
        self.failures = []
        self.threads = [threading.Thread(target=self.work, args=(server, times, actions)) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def work(self, server, times, actions):
        try:
            for _ in range(times):
                act(server, actions)
        except Exception as error:  # pylint: disable=broad-exception-caught
            self.failures.append(error)

    def check(self):
        if self.failures:
            raise self.failures[0]

    def join(self):
        for thread in self.threads:
            thread.join()
        self.check()


def metric(server, name):
    page = server.get("/metrics").body.decode()
    return next(int(line.split()[-1]) for line in page.splitlines()
                if line.startswith(f"backstopd_{name} "))


def wait_for(server, name, value, timeout_s=20):
    deadline = time.monotonic() + timeout_s
    while metric(server, name) != value:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_format(t):
    """Bytes: each event carries the action as GET /v1/actions prints it."""
    with Server() as server:
        server.make_pool()
        server.post("/v1/pools/usdc/resume")
        server.wait_for_actions(1)
        stream = Stream(server)
        headers = {name.lower(): value for name, value in stream.answer.getheaders()}
        t.equal("status", stream.answer.status, 200)
        t.equal("type", headers["content-type"], "text/event-stream")
        t.equal("not cached", headers["cache-control"], "no-store")
        t.equal("not buffered by nginx", headers["x-accel-buffering"], "no")
        t.equal("the greeting says where it begins", stream.block(),
                {"retry": "2000", "id": server.cursor(1)})
        server.post("/v1/pools/usdc/pause", {"reason": "\\ \"quoted\" ümlaut"})
        event = stream.block()
        t.equal("fields", list(event), ["id", "event", "data"])
        t.equal("id and event", (ordinal(event["id"]), event["event"]), (2, "pool_paused"))
        page = server.get("/v1/actions?after=1").body.decode()
        t.equal("data", event["data"], page.removeprefix('{"data":[').removesuffix(f'],"next":"{event["id"]}"}}'))
        stream.close()


def test_head(t):
    with Server() as server:
        raw = server.raw(b"HEAD /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
        t.equal("one answer, nothing behind it", [a.status for a in raw], [200])
        t.equal("its type", raw[0].headers["content-type"], "text/event-stream")
        t.equal("no stream is open", metric(server, "streams"), 0)
        t.equal("HEAD checks, too", server.request("HEAD", "/v1/stream?after=9").status, 400)


def test_refusals(t):
    with Server() as server:
        server.make_pool()
        server.post("/v1/pools/usdc/resume")
        server.wait_for_actions(1)
        for query, naming in (("?wait_ms=1", "wait_ms"), ("?limit=1", "limit"), ("?x=1", "x"),
                              ("?after=x", "after"), ("?after=-1", "after"), ("?after=2", "after"),
                              ("?after=1&after=1", "after"), ("?type=nothing", "type"),
                              ("?pool=", "pool"), ("?pool=a&pool=b", "pool")):
            t.refused(query, server.get("/v1/stream" + query), 400, "invalid_query", naming)
        for value in ("", "x", "-1", "1.5", "01", " 1 2", "18446744073709551616"):
            t.refused(f"Last-Event-ID {value!r}",
                      server.get("/v1/stream", headers={"Last-Event-ID": value}),
                      400, "invalid_header", "Last-Event-ID")
        t.refused("past the end", server.get("/v1/stream", headers={"Last-Event-ID": "2"}),
                  400, "invalid_query", "Last-Event-ID: the last action is 1")
        twice = server.raw(b"GET /v1/stream HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 1\r\n"
                           b"last-event-id: 1\r\n\r\n")
        t.refused("twice", twice[0], 400, "invalid_header", "Last-Event-ID")
        t.refused("POST", server.post("/v1/stream", {}), 405, "method_not_allowed")
        t.equal("no stream is open", metric(server, "streams"), 0)


def test_start(t):
    """Without a cursor from now on; with both, the header wins: it is newer."""
    with Server() as server:
        server.make_pool()
        server.post("/v1/pools/usdc/resume")
        act(server, 4)
        server.wait_for_actions(5)
        for query, last, first in (("", None, 6), ("?after=0", None, 1), ("?after=3", None, 4),
                                   ("", 4, 5), ("?after=0", 4, 5)):
            stream = Stream(server, query, last)
            t.equal(f"{query} {last} begins", ordinal(stream.block()["id"]), first - 1)
            act(server, 2)
            end = ordinal(server.get("/v1/actions?after=5&wait_ms=5000").json["next"])
            while end % 2 == 0:
                end = ordinal(server.get(f"/v1/actions?after={end}&wait_ms=5000").json["next"])
            begin = first if first < 6 else end - 1
            t.equal(f"{query} {last} goes on", stream.ids(end), list(range(begin, end + 1)))
            stream.close()


def test_resume(t):
    """A follower over kill -9 and restarts: each action once, in order, none left out."""
    server = Server(settings=PATIENT)
    try:
        server.start()
        server.make_pool()
        server.post("/v1/pools/usdc/resume")
        seen = []
        last = 0
        for round_ in range(4):
            stream = Stream(server, last=last)
            writer = Writers(server, 1, 5, 200)
            wanted = len(seen) + 301
            while len(seen) < wanted:
                event = stream.event()
                seen.append(ordinal(event["id"]))
            last = stream.last
            writer.join()
            stream.close()
            if round_ % 2 == 0:
                server.kill9()
            else:
                server.stop()
            server.start()
        total = len(server.actions())
        stream = Stream(server, last=last)
        seen += stream.ids(total)
        stream.close()
        t.equal("all of them", total, 4001)
        t.equal("each once, in order", seen, list(range(1, total + 1)))
    finally:
        server.close()


def test_filters(t):
    """Live and from far behind, a stream has what GET /v1/actions has under the same filter."""
    with Server() as server:
        server.make_insolvency()
        server.make_pool("eur")
        server.post("/v1/pools/eur/resume")
        act(server, 1500, "eur")
        server.post("/v1/pools/usdc/settle")
        act(server, 1500, "eur")
        total = 3001 + len(server.get("/v1/actions?pool=usdc&wait_ms=5000").json["data"])
        server.wait_for_actions(total)
        for query in ("pool=usdc", "account=winner", "type=adl", "pool=eur&type=pool_paused",
                      "account=winner&type=insurance_draw", "pool=usdc&account=loser"):
            wanted = [a["cursor"] for a in server.actions("&" + query)]
            for after in (0, total - 1000):
                rest = [c for c in wanted if ordinal(c) > after]
                stream = Stream(server, f"?{query}&after={after}")
                t.equal(f"{query} after {after}", [stream.event()["id"] for _ in rest], rest)
                stream.close()
        live = Stream(server, "?pool=usdc")
        live.block()
        act(server, 100, "eur")
        server.post("/v1/pools/usdc/resume")
        event = live.block()
        t.equal("live, only its own", (event["event"], event["id"]), ("pool_resumed", server.cursor(total + 101)))
        live.close()


def test_ping(t):
    """With a filter it says how far was looked, so that a reconnect need not look there again."""
    with Server(settings={"stream_ping_interval_s": 1}) as server:
        server.make_pool()
        plain = Stream(server)
        filtered = Stream(server, "?type=adl")
        plain.block()
        filtered.block()
        started = time.monotonic()
        t.equal("a comment", plain.block(), {"": "ping"})
        t.true("not before its time", time.monotonic() - started > 0.5)
        t.equal("a comment", filtered.block(), {"": "ping"})
        server.post("/v1/pools/usdc/resume")
        t.equal("the event", plain.event()["event"], "pool_resumed")
        block = filtered.block()
        while block == {"": "ping"}:  # of before
            block = filtered.block()
        t.equal("looked through", block, {"": "ping", "id": server.cursor(1)})
        t.equal("said once", filtered.block(), {"": "ping"})
        plain.close()
        filtered.close()
        t.true("who has gone is noticed", wait_for(server, "streams", 0))
        t.equal("and counted", metric(server, 'streams_ended_total{reason="gone"}'), 2)


def test_too_many(t):
    with Server(settings={"stream_clients_max": 2, "stream_ping_interval_s": 1}) as server:
        streams = [Stream(server), Stream(server)]
        refused = server.get("/v1/stream")
        t.refused("the third", refused, 503, "too_many_streams")
        t.equal("later", refused.headers.get("retry-after"), "1")
        streams.pop().close()
        t.true("one has gone", wait_for(server, "streams", 1))
        streams.append(Stream(server))
        t.equal("then there is room", streams[-1].answer.status, 200)
        for stream in streams:
            stream.close()


def slow_client(server, last):
    """Small windows: what is on its way is little."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(20)
    sock.connect(("127.0.0.1", server.port))
    sock.sendall(b"GET /v1/stream HTTP/1.0\r\nLast-Event-ID: %d\r\n\r\n" % last)
    return sock


def some(sock, size):
    """Bytes; an end is an error, and not a reason to ask for ever."""
    data = sock.recv(size)
    if not data:
        raise RuntimeError("the stream ended without a last event")
    return data


def read_ids(data):
    return [ordinal(block.split(b"\n")[0][4:].decode()) for block in data.split(b"\n\n")
            if block.startswith(b"id: ") and b"\ndata: " in block]


def test_stalled(t):
    """A client that takes nothing is cut off; others do not notice, and it may come back."""
    with Server(settings={"stream_stall_timeout_s": 1}) as server:
        server.make_pool()
        server.post("/v1/pools/usdc/resume")
        server.wait_for_actions(1)
        slow = slow_client(server, 1)
        good = Stream(server, last=1)
        act(server, 10000)
        t.equal("the other one has all", good.ids(10001), list(range(2, 10002)))
        good.close()
        t.true("it is dropped", wait_for(server, 'streams_ended_total{reason="stalled"}', 1))
        t.true("the log says so", b"a slow reader of the stream is dropped" in server.output())
        data = b""
        try:
            while piece := slow.recv(65536):
                data += piece
        except ConnectionResetError:
            pass
        slow.close()
        seen = read_ids(data[:data.rfind(b"\n\n") + 2])
        back = Stream(server, last=seen[-1])
        t.equal("with the rest it has all", seen + back.ids(10001), list(range(2, 10002)))
        back.close()


def test_behind(t):
    """A client that takes some, but too little, is told so in a last event."""
    settings = {"stream_stall_timeout_s": 2, "stream_behind_max": 100, "stream_ping_interval_s": 1}
    with Server(settings=settings) as server:
        server.make_pool()
        server.post("/v1/pools/usdc/resume")
        server.wait_for_actions(1)
        slow = slow_client(server, 1)
        data = b""
        while b": ping\n\n" not in data:  # it has had everything
            data += some(slow, 65536)
        data = b""
        act(server, 20000)
        deadline = time.monotonic() + 60
        while b"event: closing" not in data[-200:] and time.monotonic() < deadline:
            data += some(slow, 16384)
            time.sleep(0.02)
        while b"event: closing" in data[-200:] and (piece := slow.recv(65536)):
            data += piece
        slow.close()
        t.true("the last event", data.endswith(b'\n\nevent: closing\ndata: {"reason":"behind"}\n\n'),
               data[-200:])
        seen = read_ids(data)
        t.true("before the end", len(seen) < 20000, len(seen))
        back = Stream(server, last=seen[-1])
        t.equal("with the rest it has all", seen + back.ids(20001), list(range(2, 20002)))
        back.close()


def test_stop(t):
    """SIGTERM: a last event, a whole answer, and a clean end."""
    with Server() as server:
        streams = [Stream(server) for _ in range(20)]
        started = time.monotonic()
        code = server.stop()
        t.true("it stops at once", time.monotonic() - started < 15)
        t.equal("exit code", code, 0)
        for stream in streams:
            t.equal("the last event", stream.event(),
                    {"event": "closing", "data": json.dumps({"reason": "stopping"},
                                                            separators=(",", ":"))})
            t.equal("then the end", stream.block(), None)
            stream.close()


def test_reload(t):
    """A key that is taken away: what happens afterwards does not go out on its open stream."""
    with Server(keys={"all": "feed,ops,read", "reader": "read"}) as server:
        server.make_pool()
        stream = Stream(server, key=server.keys["reader"])
        t.equal("status", stream.answer.status, 200)
        stream.block()
        server.write_keys({"all": "feed,ops,read"})
        server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 20
        while server.get("/v1/pools", key="reader").status != 401 and time.monotonic() < deadline:
            time.sleep(0.02)
        server.post("/v1/pools/usdc/resume")
        t.equal("no action, the last event", stream.block(),
                {"event": "closing", "data": '{"reason":"reloaded"}'})
        t.equal("then the end", stream.block(), None)
        stream.close()
        back = Stream(server, last=0, key=server.keys["reader"])
        t.equal("and it does not come back", back.answer.status, 401)
        back.close()


def test_tls(t):
    """The same over TLS: several clients, a large burst, and clients that go."""
    with Server(authority=Authority(), settings={**PATIENT, "stream_ping_interval_s": 1}) as server:
        server.make_pool()
        server.post("/v1/pools/usdc/resume")
        server.wait_for_actions(1)
        streams = [Stream(server, last=1) for _ in range(20)]
        act(server, 4000)
        for stream in streams:
            t.equal("all of it over TLS", stream.ids(4001), list(range(2, 4002)))
        for stream in streams:  # after that, as each waits a second for it
            t.equal("then a ping", stream.block(), {"": "ping"})
            stream.close()
        t.true("who has gone is noticed", wait_for(server, "streams", 0))


def test_beside_others(t):
    """Streams, long polls and writes at once; all see the same."""
    with Server(settings=PATIENT) as server:
        server.make_pool()
        server.post("/v1/pools/usdc/resume")
        server.wait_for_actions(1)
        streams = [Stream(server, last=0) for _ in range(30)]
        writers = Writers(server, 4, 50, 2)
        polled = []
        after = "0"
        while len(polled) < 401:
            writers.check()
            page = server.get(f"/v1/actions?after={after}&wait_ms=5000").json
            polled += [ordinal(a["cursor"]) for a in page["data"]]
            after = page["next"]
        writers.join()
        t.equal("the long poll", polled, list(range(1, 402)))
        for stream in streams:
            t.equal("a stream", stream.ids(401), polled)
            stream.close()


def cpu_ms(server, name):
    """Of a thread of the daemon."""
    tasks = f"/proc/{server.process.pid}/task"
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/comm", encoding="ascii") as comm:
            if comm.read().strip() != name:
                continue
        with open(f"{tasks}/{task}/schedstat", encoding="ascii") as file:
            return int(file.read().split()[0]) / 1e6
    raise RuntimeError(f"no thread {name}")


def test_far_behind(t):
    """Streams far behind, each at its own place and some at the same: another thread than that of health checks
    reads what they need, each has all, and pages with filters are read in between."""
    with Server(settings=PATIENT) as server:
        server.make_pool()
        server.post("/v1/pools/usdc/resume")
        for _ in range(4):
            act(server, 10000)
        server.wait_for_actions(40001)
        before = cpu_ms(server, "bs-log-reads")
        streams = [Stream(server, last=1 + 1777 * place) for place in (*range(15), 0, 7, 7)]
        page = server.get("/v1/actions?after=0&type=adl")
        t.equal("a page beside them", (page.status, page.json["data"]), (200, []))
        t.equal("health beside them", server.get("/livez").status, 200)
        for stream in streams:
            first = ordinal(stream.last) if "_" in str(stream.last) else stream.last
            t.true("all of it, in order", stream.ids(40001) == list(range(first + 1, 40002)))
            stream.close()
        t.true("that thread reads", cpu_ms(server, "bs-log-reads") - before > 10, before)
        t.equal("nobody was ended", metric(server, 'streams_ended_total{reason="internal"}'), 0)


def test_stop_far_behind(t):
    """A stop in the middle: to those that read, a last event, and a clean end."""
    with Server(settings=PATIENT) as server:
        server.make_pool()
        server.post("/v1/pools/usdc/resume")
        for _ in range(4):
            act(server, 10000)
        streams = [Stream(server, last=1 + 500 * place) for place in range(20)]

        def last_event(stream):
            while (event := stream.event()) is not None and event.get("event") != "closing":
                pass
            return event

        with ThreadPoolExecutor(len(streams)) as pool:
            last_events = [pool.submit(last_event, stream) for stream in streams]
            t.equal("exit code", server.stop(), 0)
            for stream, event in zip(streams, last_events):
                t.equal("the last event", event.result(), {"event": "closing", "data": '{"reason":"stopping"}'})
                stream.close()


if __name__ == "__main__":
    run(globals())
