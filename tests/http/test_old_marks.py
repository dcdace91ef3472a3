#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""After a restart nothing is decided on the marks of before: the run waits for fresh ones, also the
timer's. And a book that is insolvent half way through one request is never settled half posted."""
import time

from harness import Server, run

MAX_AGE_MS = 500
BOOK = [{"account": "alice", "pool": "usdc", "collateral": "100",
         "positions": [{"market": "BTC-PERP", "size": "10", "entry_price": "100"}]},
        {"account": "bob", "pool": "usdc", "collateral": "500",
         "positions": [{"market": "BTC-PERP", "size": "-10", "entry_price": "100"}]}]
MARK = {"market": "BTC-PERP", "price": "85"}


def settle_on_a_fresh_mark(server, count):
    """A mark is fresh for half a second: a slow machine may need more than one."""
    for _ in range(20):
        server.post("/v1/marks", MARK)
        try:
            return server.wait_for_actions(count, timeout_s=2)
        except RuntimeError:
            pass
    raise RuntimeError("no mark was fresh enough")


def test_restart_with_old_marks(t):
    with Server() as first:
        first.make_pool(mark_max_age_ms=MAX_AGE_MS)
        first.make_market()
        first.post("/v1/accounts", BOOK)
        first.post("/v1/marks", MARK)
        t.equal("stops", first.stop(), 0)
        time.sleep(2 * MAX_AGE_MS / 1000)
        with Server(data=first.data) as second:
            second.post("/v1/pools/usdc/resume")
            second.wait_for_actions(1)
            time.sleep(0.5)
            answer = second.post("/v1/pools/usdc/settle")
            t.equal("an explicit settle waits", answer.json.get("waiting"), "stale_mark")
            t.equal("the pool says so", second.get("/v1/pools/usdc").json["waiting"], "stale_mark")
            t.equal("nothing was decided", [a["type"] for a in second.actions()], ["pool_resumed"])
            settle_on_a_fresh_mark(second, 3)
            t.equal("a fresh mark is enough", [a["type"] for a in second.actions()],
                    ["pool_resumed", "liquidation_close", "adl"])


def test_half_posted_book(t):
    """The timer runs every millisecond beside bodies in which alice is insolvent until the last item."""
    with Server(arguments=["--settle-interval-ms", "1"]) as server:
        server.make_pool()
        server.make_market()
        server.post("/v1/accounts", [{"account": "alice", "pool": "usdc", "collateral": "0"}])
        server.post("/v1/marks", MARK)
        server.post("/v1/pools/usdc/resume")
        server.wait_for_actions(1)
        body = [{"type": "account", "account": "alice", "pool": "usdc", "collateral": "0",
                 "positions": BOOK[0]["positions"]},
                {"type": "mark", **MARK},
                {"type": "transfer", "account": "alice", "amount": "200"}]
        answers = [server.post("/v1/commands", body) for _ in range(200)]
        t.equal("all taken", {(a.status, a.json["accepted"]) for a in answers}, {(200, 3)})
        t.equal("solvent in the end", server.get("/v1/accounts/alice").json["equity"], "50")
        t.equal("nothing was decided", [a["type"] for a in server.actions()], ["pool_resumed"])


if __name__ == "__main__":
    run(globals())
