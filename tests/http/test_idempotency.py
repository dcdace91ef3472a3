#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is sent twice, over HTTP. Goal: every write sent again under its Idempotency-Key has one effect
and the same answer, also when the daemon was killed with -9 before it could answer; nothing else is
repeated, and a bad header applies nothing. Items with numbers of their source count once, in their
order, however they are cut into requests.

    BACKSTOPD=... tests/http/test_idempotency.py        SEED=7 for the same moments of the kills
"""
import http.client
import os
import random
import threading
import time

from harness import NDJSON, Server, run
from receiver import SETTINGS

SEED = int(os.environ.get("SEED", str(time.time_ns() % 1000000)))
ROUNDS = 6
THREADS = 4
ITEM = {"account": "alice", "amount": "1"}

# One request for each route that writes, in an order in which each takes effect.
POOL = {"asset": "USDC", "decimals": 6, "mark_max_age_ms": 0,
        "waterfall": [{"layer": "insurance"}, {"layer": "haircut", "basis": "window_gain"}]}
MARKET = {"pool": "usdc", "tick_size": "0.1", "lot_size": "0.001", "maintenance_margin_ppm": 5000,
          "own_fund": True}
WRITES = (
    ("PUT", "/v1/pools/usdc", POOL),
    ("PUT", "/v1/markets/BTC-PERP", MARKET),
    ("POST", "/v1/pools/usdc/insurance-fund", {"amount": "50"}),
    ("POST", "/v1/markets/BTC-PERP/insurance-fund", {"amount": "5"}),
    ("POST", "/v1/accounts", [{"account": "alice", "pool": "usdc", "collateral": "9000"},
                              {"account": "bob", "pool": "usdc", "collateral": "x"}]),
    ("POST", "/v1/positions", {"account": "alice", "market": "BTC-PERP", "size": "1", "entry_price": "60000"}),
    ("POST", "/v1/fills", {"account": "alice", "market": "BTC-PERP", "size": "-1", "price": "60000"}),
    ("POST", "/v1/transfers", ITEM),
    ("POST", "/v1/marks", {"market": "BTC-PERP", "price": "60000"}),
    ("POST", "/v1/providers", {"account": "alice", "market": "BTC-PERP", "max_position": "1"}),
    ("POST", "/v1/handovers", {"account": "alice"}),
    ("POST", "/v1/actions/usdc/1/unfilled", {"size": "1"}),
    ("POST", "/v1/pools/usdc/resume", None),
    ("POST", "/v1/pools/usdc/pause", {"reason": "a test"}),
    ("POST", "/v1/pools/usdc/open-window", {"window": "w"}),
    ("POST", "/v1/pools/usdc/close-window", {"window": "w"}),
    ("POST", "/v1/pools/usdc/settle", None),
    ("POST", "/v1/pools/usdc/close-period", None),
    ("POST", "/v1/commands", [{"type": "transfer", **ITEM}, {"type": "settle", "pool": "usdc"}]),
    ("POST", "/v1/markets/BTC-PERP/final-settlement", {"price": "60000"}),
    ("DELETE", "/v1/accounts/alice", None),
    ("DELETE", "/v1/sources/nobody", None),
    ("DELETE", "/v1/markets/BTC-PERP", None),
    ("DELETE", "/v1/pools/usdc", None),
)


def key(value):
    return {"Idempotency-Key": value}


def is_replay(answer):
    return answer.headers.get("idempotency-replayed") == "true"


def test_every_write_is_repeated(t):
    with Server(settings={"core_settle_interval_ms": 10000}) as server:
        answers = []
        for number, (method, path, body) in enumerate(WRITES):
            what = f"{method} {path}"
            first = server.request(method, path, body, headers=key(f'"k {number}"'))
            again = server.request(method, path, body, headers=key(f'"k {number}"'))
            t.true(f"{what}: the first is no repeat", not is_replay(first))
            t.true(f"{what}: the second is", is_replay(again), again.headers)
            t.equal(f"{what}: the answer", (again.status, again.body, again.headers["content-type"]),
                    (first.status, first.body, first.headers["content-type"]))
            answers.append(first)
        taken = {answer.status for answer in answers}
        t.equal("some of every kind", taken >= {200, 207, 422, 404}, True)
        server.kill9()
        again = Server(data=server.data).start()
        try:
            for number, (method, path, body) in enumerate(WRITES):
                answer = again.request(method, path, body, headers=key(f'"k {number}"'))
                t.equal(f"{method} {path}: after a restart", (answer.status, answer.body, is_replay(answer)),
                        (answers[number].status, answers[number].body, True))
        finally:
            again.close()


def balance(server, account="alice"):
    return server.get(f"/v1/accounts/{account}").json["collateral"]


def prepare(server):
    server.make_pool()
    server.post("/v1/accounts", {"account": "alice", "pool": "usdc", "collateral": "0"})


def test_what_else_is_refused(t):
    with Server() as server:
        prepare(server)
        server.post("/v1/transfers", ITEM, headers=key("k"))
        for what, method, path, body, media in (
                ("another body", "POST", "/v1/transfers", {**ITEM, "amount": "2"}, None),
                ("another path", "POST", "/v1/marks", ITEM, None),
                ("other white space", "POST", "/v1/transfers", '{"account":"alice", "amount": "1"}  ', None),
                ("NDJSON", "POST", "/v1/transfers", '{"account": "alice", "amount": "1"}', NDJSON)):
            answer = server.request(method, path, body, headers=key("k"), **({"content_type": media} if media else {}))
            t.refused(what, answer, 422, "idempotency_key_reused")
        for what, value in (("empty quotes", '""'), ("two words", "two words"), ("no end", '"k'),
                            ("129 characters", "k" * 129), ("not ASCII", "k\xe9"), ("a list", '"a", "b"')):
            answer = server.post("/v1/transfers", ITEM, headers=key(value))
            t.refused(what, answer, 400, "invalid_idempotency_key")
        twice = server.raw(b"POST /v1/transfers HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                           b"Idempotency-Key: a\r\nidempotency-key: a\r\nContent-Length: 32\r\n\r\n"
                           b'{"account":"alice","amount":"1"}')
        t.refused("twice", twice[0], 400, "invalid_idempotency_key")
        many = server.post("/v1/transfers", "{}\n" * 60000, content_type=NDJSON, headers=key("many"))
        t.refused("more rejections than a record holds", many, 422, "too_many_rejections")
        broken = server.post("/v1/transfers", "{", headers=key("broken"))
        t.refused("not JSON", broken, 400, "invalid_json")
        mended = server.post("/v1/transfers", ITEM, headers=key("broken"))
        t.equal("what was not executed may be mended", (mended.status, is_replay(mended)), (200, False))
        t.equal("money of two requests", balance(server), "2")
        t.equal("a read does not care", server.get("/v1/pools", headers=key('""')).status, 200)


def test_the_window_is_a_number_of_answers(t):
    with Server(settings={"core_answers_max": 3}) as server:
        prepare(server)
        for name in ("a", "b", "c", "d"):
            server.post("/v1/transfers", ITEM, headers=key(name))
        seen = [is_replay(server.post("/v1/transfers", ITEM, headers=key(name))) for name in ("b", "c", "d", "a")]
        t.equal("the last three are remembered", seen, [True, True, True, False])
        t.equal("five transfers", balance(server), "5")


def test_keys_are_each_callers_own(t):
    with Server(keys={"one": "feed,ops,read", "two": "feed"}) as server:
        prepare(server)
        for name in ("one", "two", "one", "two"):
            server.post("/v1/transfers", ITEM, headers=key("k"), key=name)
        t.equal("one for each caller", balance(server), "2")
        refused = server.post("/v1/pools/usdc/settle", headers=key("s"), key="two")
        t.refused("what the role lacks is not remembered", refused, 403, "forbidden")


def test_writes_about_webhooks(t):
    hook = {"url": "http://127.0.0.1:9/hook"}
    with Server(settings=SETTINGS) as server:
        server.make_pool()
        server.post("/v1/pools/usdc/resume")
        server.wait_for_actions(1)
        made = server.post("/v1/webhooks", hook, headers=key("c"))
        t.equal("made", made.status, 201)
        path = f"/v1/webhooks/{made.json['id']}"
        writes = [("c", "POST", "/v1/webhooks", hook, made)]
        for name, method, below, body, status in (
                ("r", "POST", "/rotate", None, 200), ("d", "POST", "/redeliver", {"from": "1", "to": "1"}, 202),
                ("e", "POST", "/enable", None, 200), ("g", "DELETE", "", None, 200)):
            answer = server.request(method, path + below, body, headers=key(name))
            t.equal(f"{method} {below}", answer.status, status)
            writes.append((name, method, path + below, body, answer))
        for round_number in range(2):
            for name, method, where, body, first in writes:
                again = server.request(method, where, body, headers=key(name))
                t.equal(f"{round_number}: {method} {where}", (again.status, again.body, is_replay(again)),
                        (first.status, first.body, True))
            t.equal("nothing was made again", server.get("/v1/webhooks").json["data"], [])
            server.kill9()
            server = Server(data=server.data, settings=SETTINGS).start()
        other = server.post("/v1/webhooks", {"url": "http://127.0.0.1:9/other"}, headers=key("c"))
        t.refused("another body", other, 422, "idempotency_key_reused")
        t.refused("no key", server.post("/v1/webhooks", hook, headers=key('""')), 400, "invalid_idempotency_key")
        t.refused("a write that failed is not remembered", server.post(f"{path}/rotate", headers=key("x")), 404,
                  "unknown_webhook")
        made = server.post("/v1/webhooks", hook, headers=key("x"))
        t.equal("so its key may be used", made.status, 201)
        tests = [server.post(f"/v1/webhooks/{made.json['id']}/test", headers=key("t")).json["id"] for _ in range(2)]
        t.true("a test is sent each time", tests[0] != tests[1], tests)
        server.close()


class Sender(threading.Thread):
    """Sends transfers, each with a key of its own, until the server is gone; the one that got no
    answer is sent again first by the next of its name."""

    def __init__(self, server, name, next_number):
        super().__init__()
        self.server, self.name_, self.number = server, name, next_number
        self.faults = []

    def run(self):
        connection = self.server.connect(timeout=10)
        try:
            while True:
                answer = self.server.post("/v1/transfers", {"account": "alice", "amount": "1"}, connection=connection,
                                          headers=key(f"{self.name_}-{self.number}"))
                if answer.status == 200:
                    self.number += 1
                elif answer.code != "request_in_progress":
                    self.faults.append((answer.status, answer.body[:200]))
                    return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()


def test_kill9_before_the_answer(t):
    print(f"SEED={SEED}")
    dice = random.Random(SEED)
    numbers = [0] * THREADS
    with Server() as first:
        prepare(first)
        server = first
        for _ in range(ROUNDS):
            senders = [Sender(server, f"t{i}", numbers[i]) for i in range(THREADS)]
            for sender in senders:
                sender.start()
            time.sleep(dice.uniform(0.01, 0.4))
            server.kill9()
            for sender in senders:
                sender.join(30)
                t.equal("no faults", sender.faults, [])
            numbers = [sender.number for sender in senders]
            server = Server(data=first.data).start()
        replayed = 0
        for i in range(THREADS):  # the last one of each: was it taken or not? Either way it is now.
            answer = server.post("/v1/transfers", {"account": "alice", "amount": "1"}, headers=key(f"t{i}-{numbers[i]}"))
            t.equal("the last one", answer.status, 200)
            replayed += is_replay(answer)
        t.equal("each transfer counted once", balance(server), str(sum(numbers) + THREADS))
        print(f"{sum(numbers)} transfers, {replayed} of {THREADS} last ones had been taken")
        server.close()


class Feed:
    """A producer with a queue of transfers, item n worth n % 5 + 1, and a place in it that it forgets."""

    def __init__(self, dice):
        self.dice = dice

    def items(self, first):
        count = self.dice.randint(1, 40)
        return [{"account": "alice", "amount": str(n % 5 + 1), "source": "ledger", "source_seq": n}
                for n in range(first, first + count)]

    def send_until_gone(self, server, stop):
        """Where the server says it goes on, or some items before that."""
        faults = []
        connection = server.connect(timeout=10)
        try:
            while not stop.is_set():
                known = server.get("/v1/sources/ledger", connection=connection)
                first = known.json["next_seq"] if known.status == 200 else 7
                first = max(7, first - self.dice.choice((0, 0, 3, 50)))
                answer = server.post("/v1/transfers", self.items(first), connection=connection)
                if answer.status != 200:
                    faults.append((first, answer.status, answer.body[:300]))
                    break
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        return faults


def test_a_numbered_feed_survives_kills(t):
    dice = random.Random(SEED)
    with Server() as first:
        prepare(first)
        server, feed = first, Feed(dice)
        for _ in range(ROUNDS):
            stop, faults = threading.Event(), []
            sender = threading.Thread(target=lambda: faults.extend(feed.send_until_gone(server, stop)))
            sender.start()
            time.sleep(dice.uniform(0.01, 0.3))
            server.kill9()
            stop.set()
            sender.join(30)
            t.equal("no faults", faults, [])
            server = Server(data=first.data).start()
        known = server.get("/v1/sources/ledger").json
        total = sum(n % 5 + 1 for n in range(7, known["next_seq"]))
        t.equal("each item counted once", balance(server), str(total))
        gap = server.post("/v1/transfers", {"account": "alice", "amount": "1", "source": "ledger",
                                            "source_seq": known["next_seq"] + 1})
        t.equal("the gap names the number", gap.json["rejected"][0]["detail"].rpartition("; ")[2],
                f"the next is {known['next_seq']}")
        print(f"{known['next_seq'] - 7} items")
        server.close()


def test_who_may_see_and_forget_sources(t):
    with Server(keys={"all": "feed,ops,read", "feed": "feed"}) as server:
        prepare(server)
        sent = [{"account": "alice", "amount": "1", "source": name, "source_seq": 5} for name in ("b", "a/c", "a")]
        t.equal("taken", server.post("/v1/transfers", sent, key="feed").json["accepted"], 3)
        t.equal("by name, in pages", [row["source"] for row in server.pages("/v1/sources?limit=2")], ["a", "a/c", "b"])
        t.equal("a feed sees its own", server.get("/v1/sources/a%2Fc", key="feed").json["next_seq"], 6)
        t.refused("but forgets none", server.delete("/v1/sources/a", key="feed"), 403, "forbidden")
        t.equal("ops does", server.delete("/v1/sources/a").status, 200)
        t.refused("and it is gone", server.get("/v1/sources/a", key="feed"), 404, "unknown_source")
        t.refused("it was none", server.delete("/v1/sources/a"), 404, "unknown_source")


if __name__ == "__main__":
    run(globals())
