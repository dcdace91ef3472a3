#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cursors: every page size and every filter gives the same rows in the same order, each once, also
after a restart. Goal for the actions themselves: gapless ids and an unbroken chain of hashes,
recomputed here from the JSON alone."""
import json

from harness import Server, chain_errors, run

POOLS = ["p1", "p2", "\u20bf/3"]


def pages(server, query, limit):
    rows = []
    after = "0"
    while True:
        page = server.get(f"/v1/actions?after={after}&limit={limit}{query}").json
        if not page["data"]:
            return rows, page["next"]
        if len(page["data"]) > limit:
            raise RuntimeError("a page is larger than its limit")
        rows += page["data"]
        after = page["next"]


def make_actions(server):
    """Pauses and resumes of three pools, and a settlement between them; returns how many."""
    for pool in POOLS:
        server.request("PUT", "/v1/pools/" + pool.replace("\u20bf/", "%E2%82%BF%2F"),
                       {"asset": "A", "decimals": 2})
    lines = []
    for i in range(400):
        kind = "resume" if i // 3 % 2 == 0 else "pause"
        item = {"type": kind, "pool": POOLS[i % 3]}
        if kind == "pause":
            item["reason"] = 'say "why", \\ and \u20bf'
        lines.append(json.dumps(item))
    server.post("/v1/commands", "\n".join(lines), content_type="application/x-ndjson")
    server.make_insolvency()
    server.post("/v1/pools/usdc/settle")
    server.wait_for_actions(403)
    return 403


def test_pages(t):
    with Server() as server:
        count = make_actions(server)
        every, end = pages(server, "", 10000)
        t.equal("all of them", len(every), count)
        t.equal("the end is the last cursor", end, every[-1]["cursor"])
        t.equal("ids and hashes", chain_errors(every), [])
        for limit in (1, 7, 100, 402, 403, 404):
            t.equal(f"{limit} a page", pages(server, "", limit)[0], every)
        filters = [(f"&pool={p.replace('/', '%2F')}", lambda a, p=p: a["pool"] == p) for p in ("p1", "usdc")]
        filters += [("&pool=%E2%82%BF%2F3", lambda a: a["pool"] == "\u20bf/3"),
                    ("&type=pool_paused", lambda a: a["type"] == "pool_paused"),
                    ("&account=winner", lambda a: a.get("account") == "winner"),
                    ("&pool=p1&type=pool_resumed",
                     lambda a: a["pool"] == "p1" and a["type"] == "pool_resumed"),
                    ("&pool=p1&type=adl", lambda a: False)]
        for query, matches in filters:
            expected = [a for a in every if matches(a)]
            for limit in (1, 50, 1000):
                rows, end = pages(server, query, limit)
                t.equal(f"{query}, {limit} a page", rows, expected)
                t.equal(f"{query}: nothing is left behind the end", end, every[-1]["cursor"])
        one = server.get("/v1/actions?after=402").json["data"]
        t.equal("any cursor can be gone on from", one, every[402:])
        t.refused("a cursor past the end", server.get("/v1/actions?after=404"), 400, "invalid_query",
                  "the last action is 403")


def test_restart(t):
    """The same rows, the same hashes; new actions go on where the old ones ended."""
    with Server() as first:
        make_actions(first)
        before = first.actions()
        state = first.state()
        t.equal("a clean stop", first.stop(), 0)
        with Server(data=first.data) as second:
            t.equal("the same actions", second.actions(), before)
            t.equal("the same state", second.state(), state)
            second.post("/v1/pools/usdc/resume")
            second.wait_for_actions(len(before) + 1)
            t.equal("ids and hashes go on", chain_errors(second.actions()), [])


def test_lists_by_name(t):
    """Cursors by name with awkward names, rows that vanish between pages, and filters."""
    names = sorted(["a", "a b", "a/b", "%2F", "&x=1", "?", "\u20bf", "z" * 64, "=", "+", "..", "~"] +
                   [f"n{i:03}" for i in range(50)], key=lambda name: name.encode())
    with Server() as server:
        server.make_pool("p")
        server.make_market("m1", "p")
        server.make_market("m2", "p")
        server.post("/v1/accounts", [{"account": name, "pool": "p", "collateral": "1", "positions": [
            {"market": "m1", "size": "1", "entry_price": "1"},
            {"market": "m2", "size": "-1", "entry_price": "1"}]} for name in names])
        names_there = sorted(names + ["backstop:p"], key=lambda name: name.encode())
        for limit in (1, 2, 3, 5, 7, 63, 64, 1000):
            rows = server.pages(f"/v1/accounts?limit={limit}")
            t.equal(f"accounts, {limit} a page", [a["account"] for a in rows], names_there)
            rows = server.pages(f"/v1/positions?limit={limit}")
            t.equal(f"positions, {limit} a page", [(p["account"], p["market"]) for p in rows],
                    [(name, market) for name in names for market in ("m1", "m2")])
            rows = server.pages(f"/v1/positions?market=m2&limit={limit}")
            t.equal(f"positions of a market, {limit} a page", [p["account"] for p in rows], names)
            for path in ("/v1/markets/m1/adl-queue?side=long", "/v1/pools/p/at-risk"):
                rows = server.pages(f"{path}{'&' if '?' in path else '?'}limit={limit}")
                t.equal(f"{path}, {limit} a page: all once", sorted(r["account"] for r in rows),
                        sorted(set(r["account"] for r in rows)))
        page = server.get("/v1/accounts?limit=20").json
        server.post("/v1/positions", [{"account": page["data"][-1]["account"], "market": market,
                                       "size": "0"} for market in ("m1", "m2")])
        server.post("/v1/transfers", {"account": page["data"][-1]["account"], "amount": "-1"})
        server.delete("/v1/accounts/" + page["data"][-1]["account"].replace("/", "%2F"))
        rest = server.get(f"/v1/accounts?limit=1000&after={page['next']}").json["data"]
        t.equal("a page goes on behind a deleted account", [a["account"] for a in rest], names_there[20:])


if __name__ == "__main__":
    run(globals())
