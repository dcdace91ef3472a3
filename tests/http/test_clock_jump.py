#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A wall clock that jumps. Goal: one wrong moment decides nothing for long, in the books or in the
webhooks, over a restart too, and a key for ops can say that the new time is right. Method: a daemon
under libfaketime, whose wall clock is what a file says; elapsed time stays real."""
import contextlib
import datetime
import json
import os
import subprocess
import tempfile
import time

from harness import Server, run, wait_until
from receiver import SETTINGS, Receiver

LIBRARIES = ["/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
             "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1"]
HOUR_S = 3600
MARKET = "BTC-PERP"


class Fake:
    """The wall clock of the servers it starts."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "faketime")
        self.set(0)

    def set(self, ahead_s):
        self.ahead_s = ahead_s
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write(f"{ahead_s:+d}\n")
        os.rename(self.path + ".new", self.path)

    def server(self, data, **members):
        server = Server(data, **members)
        sanitizer = os.environ.get("ASAN_OPTIONS", "")
        server.environment |= {
            "LD_PRELOAD": next(path for path in LIBRARIES if os.path.exists(path)),
            "FAKETIME_TIMESTAMP_FILE": self.path, "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "ASAN_OPTIONS": f"{sanitizer}:verify_asan_link_order=0"}
        return server

    def time(self):
        """What a feed with a right clock writes, when this one is right."""
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.ahead_s)
        return now.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@contextlib.contextmanager
def faked():
    with tempfile.TemporaryDirectory() as data:
        yield Fake(data), data


def mark(server, price, at):
    return server.post("/v1/marks", {"market": MARKET, "price": price, "time": at})


def adopt(server, key):
    """By backstopctl."""
    words = [os.environ["BACKSTOPCTL"], "clock", "adopt", "-o", "json", "--key", key]
    return subprocess.run([*words, "--url", f"http://127.0.0.1:{server.port}"], capture_output=True, text=True,
                          timeout=120, check=False)


def jump_s(server):
    return server.get("/readyz?verbose").json["checks"]["clock_jump_seconds"]


def test_books(t):
    """+6 h for one write, then back: marks with a time settle at once, before and after a restart."""
    with faked() as (fake, data):
        with fake.server(data) as server:
            server.make_pool(mark_max_age_ms=10000)
            server.make_market()
            mark(server, "60000", fake.time())
            server.post("/v1/accounts", [
                {"account": "long", "pool": "usdc", "collateral": "100", "positions": [
                    {"market": MARKET, "size": "1", "entry_price": "60000"}]}])
            fake.set(6 * HOUR_S)
            server.post("/v1/transfers", {"account": "long", "amount": "1"})
            t.true("the jump shows", 6 * HOUR_S - 60 < jump_s(server) <= 6 * HOUR_S, jump_s(server))
            t.true("and is logged", b"the wall clock jumped" in server.output())
            fake.set(0)
            t.equal("a mark of the right time", mark(server, "60001", fake.time()).status, 200)
            settled = server.post("/v1/pools/usdc/settle")
            t.equal("settles", settled.json.get("waiting"), None)
            t.equal("and the clocks go together", jump_s(server), 0)
            server.kill9()
        with fake.server(data) as server:
            t.equal("after a restart too", mark(server, "60002", fake.time()).status, 200)
            t.equal("settles", server.post("/v1/pools/usdc/settle").json.get("waiting"), None)


def test_adopt(t):
    """POST /v1/clock takes over a jump forwards at once, and refuses one back."""
    keys = {"all": "feed,ops,read", "desk": "ops", "feed1": "feed"}
    with faked() as (fake, data):
        with fake.server(data, keys=keys) as server:
            server.make_pool()
            fake.set(6 * HOUR_S)
            server.make_market()
            t.equal("not for feeds", server.post("/v1/clock", key="feed1").status, 403)
            answer = adopt(server, server.keys["desk"])
            t.equal("taken over", answer.returncode, 0)
            t.true("by six hours", 6 * HOUR_S - 60 < json.loads(answer.stdout)["moved_ms"] / 1000 < 6 * HOUR_S + 60,
                   answer.stdout)
            t.equal("the clocks go together", jump_s(server), 0)
            t.equal("a mark of that time", mark(server, "60000", fake.time()).status, 200)
            t.true("it is in the audit log", b"/v1/clock" in server.output())
            fake.set(1 * HOUR_S)
            server.post("/v1/transfers", {"account": "nobody", "amount": "1"})
            t.refused("back is refused", server.post("/v1/clock", key="desk"), 409, "clock_behind")
            t.true("the jump shows", 5 * HOUR_S - 60 < jump_s(server) <= 5 * HOUR_S, jump_s(server))


def tried(receiver, count):
    """Waits for so many attempts; returns how long that took."""
    began = time.monotonic()
    receiver.wait(0, condition=lambda notices: len(notices) >= count)
    return time.monotonic() - began


def test_webhooks(t):
    """A retry is due by elapsed time, over a restart too, and a jump of six days disables nobody."""
    settings = {**SETTINGS, "webhooks_disable_after_s": HOUR_S}
    with faked() as (fake, data), Receiver(lambda notice: (500, {}, 0)) as receiver:
        with fake.server(data, settings=settings) as server:
            path = f"/v1/webhooks/{server.post('/v1/webhooks', {'url': receiver.url}).json['id']}"
            server.make_insolvency()
            server.post("/v1/pools/usdc/settle")
            tried(receiver, 1)
            fake.set(6 * 24 * HOUR_S)
            t.true("again after 1 s", tried(receiver, 2) < 20)
            # What is in the history is saved, here with the wrong clock.
            wait_until("it is in the history", lambda: len(server.get(path + "/deliveries").json["data"]) == 2)
            t.equal("still enabled", server.get(path).json["state"], "enabled")
            server.kill9()
        fake.set(0)
        with fake.server(data, settings=settings) as server:
            t.true("again after 5 s", tried(receiver, 3) < 30)
            wait_until("it is in the history", lambda: len(server.get(path + "/deliveries").json["data"]) == 3)
            t.equal("still enabled", server.get(path).json["state"], "enabled")


if __name__ == "__main__":
    run(globals())
