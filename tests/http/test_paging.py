#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lists read page by page while what they are ordered by changes, and cursors where they do not belong."""
from harness import Server, run

ACCOUNTS = 30


def make_book(server):
    """Longs l-00 to l-29 with ever more profit, and as little margin as that order asks for; one short."""
    server.make_pool("p")
    server.make_market("m", "p")
    server.post("/v1/marks", {"market": "m", "price": "100"})
    names = [f"l-{number:02}" for number in range(ACCOUNTS)]
    server.post("/v1/accounts", [{"account": name, "pool": "p", "collateral": "100"} for name in names])
    server.post("/v1/accounts", {"account": "short", "pool": "p", "collateral": "100000"})
    server.post("/v1/positions", [{"account": name, "market": "m", "size": "1", "entry_price": str(99 - number)}
                                  for number, name in enumerate(names)])
    server.post("/v1/positions", {"account": "short", "market": "m", "size": str(-ACCOUNTS), "entry_price": "100"})
    return names


def names_of(page):
    return [row["account"] for row in page["data"]]


PATHS = ("/v1/markets/m/adl-queue?side=long&limit=10", "/v1/pools/p/at-risk?limit=10")


def test_pages_are_one_list(t):
    with Server() as server:
        make_book(server)
        for path in PATHS:
            first = server.get(path).json
            second = server.get(f"{path}&after={first['next']}").json
            third = server.get(f"{path}&after={second['next']}").json
            whole = server.get(path.replace("limit=10", "limit=1000")).json
            found = names_of(first) + names_of(second) + names_of(third)
            t.equal(f"{path}: the same rows", found, names_of(whole)[:30])
            t.equal(f"{path}: at one seq", {page["seq"] for page in (first, second, third, whole)}, {whole["seq"]})
            t.equal(f"{path}: nothing moved", [page.get("moved") for page in (first, second, third)], [None] * 3)
        ranks = [row["rank"] for row in server.get(f"{PATHS[0]}&after={server.get(PATHS[0]).json['next']}").json["data"]]
        t.equal("ranks go on", ranks, list(range(11, 21)))


def test_no_row_is_skipped(t):
    """The first ten leave, and five newcomers come before the place: the next page begins where it would have."""
    for path in PATHS:
        with Server() as server:
            make_book(server)
            first = server.get(path).json
            expected = names_of(server.get(f"{path}&after={first['next']}").json)
            gone = [name for name in names_of(first) if name != "short"]
            server.post("/v1/positions", [{"account": name, "market": "m", "size": "0"} for name in gone])
            page = server.get(f"{path}&after={first['next']}").json
            t.equal(f"{path}: after the first left", names_of(page), expected)
            t.equal(f"{path}: it says that the list moved", page["moved"], True)
            t.true(f"{path}: at another seq", page["seq"] > first["seq"])
            last = f"l-{ACCOUNTS - 1}" if "queue" in path else "l-00"
            new = [f"n-{number}" for number in range(5)]
            price = "50" if "queue" in path else "100"
            server.post("/v1/accounts", [{"account": name, "pool": "p", "collateral": "1"} for name in new])
            server.post("/v1/positions", [{"account": name, "market": "m", "size": "1", "entry_price": price}
                                          for name in new])
            t.equal(f"{path}: after others came before it",
                    names_of(server.get(f"{path}&after={first['next']}").json), expected)
            t.true(f"{path}: they are in front", names_of(server.get(path).json)[0].startswith("n-"), last)


def test_a_cursor_of_another_list(t):
    with Server() as server:
        make_book(server)
        server.make_pool("q")
        nexts = {path.split("?")[0].rsplit("/", 1)[1]: (path, server.get(path).json["next"]) for path in (
            "/v1/pools?limit=1", "/v1/accounts?limit=1", "/v1/positions?limit=1", "/v1/presets?limit=1",
            "/v1/markets/m/adl-queue?side=long&limit=1", "/v1/pools/p/at-risk?limit=1")}
        for name, (path, _) in nexts.items():
            for other, (_, cursor) in nexts.items():
                answer = server.get(f"{path}&after={cursor}")
                if name == other:
                    t.equal(f"{name}: its own", answer.status, 200)
                else:
                    t.refused(f"{name}: one of {other}", answer, 400, "invalid_query", None)
                    t.true(f"{name}: names {other}", f"the list {other}, this is {name}" in answer.json["detail"],
                           answer.json["detail"])
            t.refused(f"{name}: a number", server.get(f"{path}&after=5"), 400, "invalid_query", None)


def test_a_cursor_of_other_parameters(t):
    """One of a list under another path, filter or side is refused; `limit` may change."""
    with Server() as server:
        make_book(server)
        server.make_pool("q")
        lists = ("/v1/markets/m/adl-queue?side=long&limit=1", "/v1/pools/p/at-risk?limit=1", "/v1/accounts?pool=p&limit=1", "/v1/accounts?limit=1",
                 "/v1/positions?pool=p&limit=1", "/v1/positions?market=m&limit=1", "/v1/positions?limit=1")
        nexts = {path: server.get(path).json["next"] for path in lists}
        for path, other in ((lists[0], "/v1/markets/m/adl-queue?side=short&limit=1"), (lists[1], "/v1/pools/q/at-risk?limit=1"),
                            (lists[2], lists[3]), (lists[3], lists[2]), (lists[2], "/v1/accounts?pool=q&limit=1"),
                            (lists[4], lists[5]), (lists[5], lists[6]), (lists[6], lists[4])):
            t.equal(f"{path}: its own", server.get(f"{path}&after={nexts[path]}".replace("limit=1", "limit=2")).status, 200)
            answer = server.get(f"{other}&after={nexts[path]}")
            t.refused(f"{other}: one of {path}", answer, 400, "invalid_query", "after")
            t.true("it says why", "under another path or other parameters" in answer.json["detail"], answer.json)


def test_a_market_stays_in_its_pool(t):
    with Server() as server:
        server.make_pool("p")
        server.make_pool("q")
        server.make_market("m", "p")
        t.refused("unused", server.make_market("m", "q"), 422, "market_in_other_pool", "pool")
        t.equal("it is where it was", server.get("/v1/markets/m").json["pool"], "p")
        t.equal("the same again", server.make_market("m", "p").status, 200)


if __name__ == "__main__":
    run(globals())
