#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every route once, on the happy path. Goal: the documented status, members and figures, from an
empty server through an insolvency to its settlement and the deletion of everything."""
from harness import JSON, NDJSON, PROBLEM, Server, chain_errors, run

ACCOUNT_MEMBERS = ["account", "pool", "equity", "collateral", "gain", "baseline", "maintenance",
                   "leverage", "positions", "handed_over", "last_action", "seq"]


def accepted(t, what, answer, count=1):
    t.equal(f"{what}: status", answer.status, 200)
    t.equal(f"{what}: type", answer.headers["content-type"], JSON)
    shown = answer.json
    t.equal(f"{what}: accepted", (shown["accepted"], shown["rejected"]), (count, []))
    t.true(f"{what}: has a seq", shown["seq"] > 0)
    return shown


def test_empty(t):
    with Server() as server:
        for path in ("/v1/pools", "/v1/accounts", "/v1/positions", "/v1/markets", "/v1/settlements"):
            t.equal(f"GET {path}", {**server.get(path).json, "seq": 0}, {"data": [], "next": None, "seq": 0})
        t.equal("no actions yet", server.get("/v1/actions").json,
                {"data": [], "next": server.cursor(0)})
        for path in ("/livez", "/healthz", "/readyz"):
            answer = server.get(path)
            t.equal(f"GET {path}", (answer.status, answer.json), (200, {"status": "ok"}))
        checks = server.get("/readyz?verbose").json["checks"]
        t.equal("nothing was applied but identity and capacities", checks["applied_seq"], 2)
        metrics = server.get("/metrics")
        t.equal("metrics: status", metrics.status, 200)
        t.true("metrics: type", metrics.headers["content-type"].startswith("text/plain; version=0.0.4"))
        for name in (b"backstopd_http_connections", b"backstopd_http_requests_total"):
            t.true(f"metrics: {name}", name in metrics.body)


def test_whole_course(t):
    with Server() as server:
        accepted(t, "PUT pool", server.make_pool())
        accepted(t, "PUT market", server.make_market())
        accepted(t, "PUT pool again", server.make_pool())
        accepted(t, "POST account", server.post("/v1/accounts", {
            "account": "loser", "pool": "usdc", "collateral": "100"}))
        accepted(t, "POST accounts", server.post("/v1/accounts", [
            {"account": "winner", "pool": "usdc", "collateral": 5000, "positions": []},
            {"account": "other", "pool": "usdc", "collateral": "10"}]), 2)
        accepted(t, "POST mark", server.post("/v1/marks", {"market": "BTC-PERP", "price": "60000"}))
        accepted(t, "POST position", server.post("/v1/positions", {
            "account": "loser", "market": "BTC-PERP", "size": "1", "entry_price": "60000"}))
        accepted(t, "POST fill", server.post("/v1/fills", {
            "account": "winner", "market": "BTC-PERP", "size": "-1", "price": "60000", "fee": "0",
            "trade_id": "t1"}))
        accepted(t, "POST transfers", server.post("/v1/transfers", [
            {"account": "other", "amount": "5", "kind": "deposit", "transfer_id": "d1"},
            {"account": "other", "amount": "-5", "kind": "withdrawal"}]), 2)
        accepted(t, "POST insurance fund", server.post("/v1/pools/usdc/insurance-fund", {
            "amount": "50", "transfer_id": "f1"}))
        reads_before(t, server)
        accepted(t, "POST commands", server.post("/v1/commands", (
            '{"type":"mark","market":"BTC-PERP","price":"59000"}\n\n'
            '{"type":"transfer","account":"other","amount":"1"}\n'), content_type=NDJSON), 2)
        risk = server.get("/v1/pools/usdc/at-risk?limit=1").json
        t.equal("at risk first", [a["account"] for a in risk["data"]], ["loser"])
        t.equal("at risk: the next is there", server.get(
            f"/v1/pools/usdc/at-risk?limit=1&after={risk['next']}").json["data"][0]["account"], "winner")
        settled = accepted(t, "settle", server.post("/v1/pools/usdc/settle"))
        t.true("settle did not wait", "waiting" not in settled)
        server.wait_for_actions(3)
        reads_after(t, server)
        accepted(t, "resume", server.post("/v1/pools/usdc/resume"))
        t.equal("running", server.get("/v1/pools/usdc").json["state"], "running")
        accepted(t, "pause", server.post("/v1/pools/usdc/pause", {"reason": "for a test"}))
        pool = server.get("/v1/pools/usdc").json
        t.equal("paused", (pool["state"], pool["reason"]), ("paused", "for a test"))
        accepted(t, "close-period", server.post("/v1/pools/usdc/close-period"))
        deletes(t, server)


def reads_before(t, server):
    account = server.get("/v1/accounts/loser").json
    t.equal("account: members", list(account), ACCOUNT_MEMBERS)
    t.equal("account: equity", account["equity"], "100")
    t.equal("account: position", (account["positions"][0]["market"], account["positions"][0]["size"]),
            ("BTC-PERP", "1"))
    t.equal("accounts of the pool", [a["account"] for a in server.pages("/v1/accounts?pool=usdc")],
            ["backstop:usdc", "loser", "other", "winner"])
    for limit in (1, 2, 3):
        rows = server.pages(f"/v1/accounts?limit={limit}")
        t.equal(f"accounts, {limit} a page", [a["account"] for a in rows],
                ["backstop:usdc", "loser", "other", "winner"])
    for query in ("", "?pool=usdc", "?market=BTC-PERP", "?pool=usdc&market=BTC-PERP", "?limit=1"):
        rows = server.pages(f"/v1/positions{query}")
        t.equal(f"positions {query}", [(p["account"], p["size"]) for p in rows],
                [("loser", "1"), ("winner", "-1")])
    t.equal("pools", [p["pool"] for p in server.pages("/v1/pools?limit=1")], ["usdc"])
    t.equal("markets", [m["market"] for m in server.pages("/v1/markets?limit=1")], ["BTC-PERP"])
    market = server.get("/v1/markets/BTC-PERP").json
    t.equal("market", (market["pool"], market["mark_price"], market["open_long"], market["open_short"]),
            ("usdc", "60000", "1", "1"))
    fund = server.get("/v1/pools/usdc/insurance-fund").json
    t.equal("insurance fund", (fund["account"], fund["available"]), ("backstop:usdc", "50"))
    solvency = server.get("/v1/pools/usdc/solvency").json
    t.equal("solvency", (solvency["deficit"], solvency["insolvent_accounts"]), ("0", 0))
    queue = server.get("/v1/markets/BTC-PERP/adl-queue?side=short").json
    t.equal("queue of shorts", [(r["account"], r["rank"]) for r in queue["data"]], [("winner", 1)])
    t.equal("queue of longs", [r["account"] for r in server.get(
        "/v1/markets/BTC-PERP/adl-queue?side=long&limit=1").json["data"]], ["loser"])


def reads_after(t, server):
    actions = server.actions()
    t.equal("ids and hashes", chain_errors(actions), [])
    t.true("the loser was closed", any(
        a["type"] == "liquidation_close" and a["account"] == "loser" for a in actions),
        [a["type"] for a in actions])
    t.true("the winner was deleveraged", any(
        a["type"] == "adl" and a["account"] == "winner" for a in actions))
    t.true("the fund paid", any(a["type"] == "insurance_draw" for a in actions))
    t.equal("the loser ends at zero", server.get("/v1/accounts/loser").json["equity"], "0")
    rows = server.get("/v1/settlements?pool=usdc").json
    t.equal("one settlement", ([s["settlement"] for s in rows["data"]], rows["next"]), ([1], None))
    t.equal("settlements of all pools", server.get("/v1/settlements").json["data"], rows["data"])
    one = server.get("/v1/pools/usdc/settlements/1").json
    summary = {name: value for name, value in one.items() if name not in ("actions", "next")}
    t.equal("settlement: its summary", summary, rows["data"][0])
    t.equal("settlement: its actions", one["actions"], actions)
    paged = []
    after = "0"
    while after is not None:
        page = server.get(f"/v1/pools/usdc/settlements/1?limit=1&after={after}").json
        paged += page["actions"]
        after = page["next"]
    t.equal("settlement: its actions, page by page", paged, actions)
    for name, value in (("type", "adl"), ("account", "winner"), ("pool", "usdc")):
        t.equal(f"actions by {name}", server.actions(f"&{name}={value}"),
                [a for a in actions if a[name] == value])
    t.refused("actions of no pool", server.get("/v1/actions?pool=nope"), 404, "unknown_pool", "pool")


def deletes(t, server):
    answer = server.delete("/v1/accounts/winner")
    t.refused("DELETE of an account with money", answer, 409, "not_flat")
    t.refused("DELETE of a market that is held or a pool in use",
              server.delete("/v1/pools/usdc"), 409, "in_use")
    with Server() as fresh:
        fresh.make_pool("p")
        fresh.make_market("m", "p")
        fresh.post("/v1/accounts", {"account": "a/b c", "pool": "p", "collateral": "0"})
        t.equal("a name with a slash", fresh.get("/v1/accounts/a%2Fb%20c").json["account"], "a/b c")
        accepted(t, "DELETE account", fresh.delete("/v1/accounts/a%2Fb%20c"))
        t.refused("it is gone", fresh.get("/v1/accounts/a%2Fb%20c"), 404, "unknown_account")
        accepted(t, "DELETE market", fresh.delete("/v1/markets/m"))
        accepted(t, "DELETE pool", fresh.delete("/v1/pools/p"))
        t.equal("nothing is left", fresh.pages("/v1/pools"), [])
        for path, code in (("/v1/pools/p", "unknown_pool"), ("/v1/markets/m", "unknown_market"),
                           ("/v1/accounts/a", "unknown_account")):
            t.refused(f"DELETE {path} again", fresh.delete(path), 404, code)


def test_ndjson_everywhere(t):
    """Each state-in route takes lines, with or without the last newline and with empty lines."""
    with Server() as server:
        server.make_pool()
        server.make_market()
        lines = {"/v1/accounts": '{"account":"a","pool":"usdc","collateral":"5"}',
                 "/v1/marks": '{"market":"BTC-PERP","price":"1"}',
                 "/v1/positions": '{"account":"a","market":"BTC-PERP","size":"1","entry_price":"1"}',
                 "/v1/fills": '{"account":"a","market":"BTC-PERP","size":"1","price":"1"}',
                 "/v1/transfers": '{"account":"a","amount":"5"}',
                 "/v1/pools/usdc/insurance-fund": '{"amount":"5"}',
                 "/v1/commands": '{"type":"settle","pool":"usdc"}'}
        for path, line in lines.items():
            accepted(t, f"{path}: one line", server.post(path, line, content_type=NDJSON))
            accepted(t, f"{path}: lines", server.post(path, f"\n{line}\n\r\n{line}\n",
                                                      content_type=NDJSON), 2)
            accepted(t, f"{path}: a list", server.post(path, f"[{line},{line}]"), 2)


def test_partial_results(t):
    """200, 207 and 422 of one list, and the status of its own code for one object alone."""
    with Server() as server:
        server.make_pool()
        good = {"account": "a", "pool": "usdc", "collateral": "1"}
        bad = {"account": "b", "pool": "nope", "collateral": "1"}
        broken = {"account": "c", "pool": "usdc"}
        some = server.post("/v1/accounts", [good, bad, broken, good])
        t.equal("some: status", some.status, 207)
        t.equal("some: type", some.headers["content-type"], JSON)
        t.equal("some: accepted", some.json["accepted"], 2)
        t.equal("some: rejected in item order", [(r["index"], r["code"]) for r in some.json["rejected"]],
                [(1, "unknown_pool"), (2, "missing_field")])
        none = server.post("/v1/accounts", [bad, broken])
        t.refused("none", none, 422, "unknown_pool")
        t.equal("none: members", (none.json["accepted"], len(none.json["rejected"])), (0, 2))
        t.equal("none: type", none.headers["content-type"], PROBLEM)
        alone = server.post("/v1/accounts", bad)
        t.refused("one alone", alone, 422, "unknown_pool", "pool")
        t.refused("PUT", server.make_market("m", "nope"), 404, "unknown_pool", "pool")
        t.refused("settle", server.post("/v1/pools/nope/settle"), 404, "unknown_pool", "pool")
        t.equal("only the good one is there", [a["account"] for a in server.pages("/v1/accounts")],
                ["a", "backstop:usdc"])


def test_waiting(t):
    """A settle that has no fresh mark says that it waits."""
    with Server() as server:
        server.make_pool(mark_max_age_ms=60000)
        server.make_market()
        server.post("/v1/accounts", {"account": "a", "pool": "usdc", "collateral": "-5", "positions": [
            {"market": "BTC-PERP", "size": "1", "entry_price": "60000"}]})
        answer = server.post("/v1/pools/usdc/settle")
        t.equal("settle waits", (answer.status, answer.json.get("waiting")), (200, "stale_mark"))
        t.equal("and the pool says so", server.get("/v1/pools/usdc").json["waiting"], "stale_mark")
        server.post("/v1/marks", {"market": "BTC-PERP", "price": "60000"})
        answer = server.post("/v1/pools/usdc/settle")
        t.equal("with a mark it runs", (answer.status, answer.json.get("waiting")), (200, None))


def test_fund(t):
    """What a fund is triggered by, and the changes of its cash, page by page."""
    with Server() as server:
        server.make_insolvency()
        plain = server.get("/v1/pools/usdc/insurance-fund").json
        t.equal("no drawdown limit", [plain[name] for name in ("peak", "threshold", "state")],
                [None, None, "normal"])
        server.post("/v1/pools/usdc/settle")
        server.post("/v1/pools/usdc/insurance-fund", {"amount": "100"})
        rows = server.get("/v1/pools/usdc/insurance-fund/history").json["data"]
        t.equal("the history", [(row["id"], row["cause"], row["amount"], row["balance"]) for row in rows],
                [(1, "top_up", "50", "50"), (2, "draw", "-50", "0"), (3, "top_up", "100", "100")])
        t.equal("settlements", [row["settlement"] for row in rows], [None, 1, None])
        t.equal("page by page", list(server.pages("/v1/pools/usdc/insurance-fund/history?limit=2")), rows)
        server.put("/v1/pools/two", {
            "asset": "USDC", "decimals": 6, "mark_max_age_ms": 0, "waterfall": [
                {"layer": "insurance", "max_drawdown_ppm": 300000, "drawdown_window": "8h",
                 "resume_ppm": 250000}]})
        server.post("/v1/pools/two/insurance-fund", {"amount": "1000"})
        server.post("/v1/pools/two/insurance-fund", {"amount": "-310"})
        fund = server.get("/v1/pools/two/insurance-fund").json
        names = ("balance", "peak", "drawdown_ppm", "threshold", "distance", "resume_at", "available", "state")
        t.equal("restricted", [fund[name] for name in names],
                ["690", "1000", 310000, "700", "-10", "750.000001", "0", "restricted"])
        t.refused("no such pool", server.get("/v1/pools/no/insurance-fund/history"), 404, "unknown_pool")


def test_providers(t):
    """Registered, listed page by page, asked before anybody is deleveraged, removed."""
    with Server() as server:
        server.make_insolvency()
        server.make_pool(waterfall=[{"layer": "insurance"}, {"layer": "assign", "spread_ppm": 1000},
                                    {"layer": "adl"}])
        shown = server.get("/v1/pools/usdc").json["next_period"]["waterfall"][1]
        t.equal("the layer", shown, {"layer": "assign", "spread_ppm": 1000})
        server.post("/v1/pools/usdc/close-period")
        server.wait_for_actions(3)  # of the run that still went by the old waterfall
        server.post("/v1/accounts", [
            {"account": "late", "pool": "usdc", "collateral": "900", "positions": [
                {"market": "BTC-PERP", "size": "1", "entry_price": "60000"}]},
            *({"account": name, "pool": "usdc", "collateral": "100000"} for name in ("lp1", "lp2"))])
        limits = {"market": "BTC-PERP", "max_position": "0.4"}
        accepted(t, "two", server.post("/v1/providers", [
            {"account": "lp2", **limits, "priority": 1, "quota_period": "8h", "quota_ppm": 500000},
            {"account": "lp1", **limits, "max_size": "0.25", "max_leverage_ppm": 3000000}]), 2)
        rows = server.get("/v1/providers").json["data"]
        t.equal("as registered", rows, [
            {"account": "lp1", "market": "BTC-PERP", "max_position": "0.4", "max_size": "0.25",
             "max_leverage_ppm": 3000000, "quota_period": None, "quota_ppm": None, "quota_used": None,
             "priority": None, "position": "0", "room_long": "0.25", "room_short": "0.25"},
            {"account": "lp2", "market": "BTC-PERP", "max_position": "0.4", "max_size": None,
             "max_leverage_ppm": 1000000, "quota_period": "8h", "quota_ppm": 500000, "quota_used": "0",
             "priority": 1, "position": "0", "room_long": "0.4", "room_short": "0.4"}])
        for query in ("", "pool=usdc&", "market=BTC-PERP&", "pool=usdc&market=BTC-PERP&"):
            t.equal("page by page", list(server.pages(f"/v1/providers?{query}limit=1")), rows)
        server.make_pool("other")
        t.equal("of another pool", server.get("/v1/providers?pool=other").json["data"], [])
        t.refused("of no pool", server.get("/v1/providers?pool=none"), 404, "unknown_pool")
        server.post("/v1/pools/usdc/settle")
        server.wait_for_actions(9)
        taken = [(a["account"], a["size_taken"], a["rank"], a["cost_to_mark"])
                 for a in server.actions() if a["type"] == "assignment"]
        t.equal("assigned", taken, [("lp2", "0.4", 1, "-23.6"), ("lp1", "0.25", 2, "-14.75")])
        t.equal("the chain", chain_errors(server.actions()), [])
        t.equal("the settlement", [
            (s["assignments"], s["spreads"], s["counterparties"])
            for s in server.get("/v1/settlements").json["data"]][-1], (2, "38.35", 0))
        # Half of 100023.6, less the 23600 used, is 447 lots of 59.
        row = server.get("/v1/providers").json["data"][1]
        t.equal("what is left", (row["position"], row["room_long"], row["room_short"]), ("0.4", "0", "0.447"))
        accepted(t, "removed", server.post("/v1/providers", {**limits, "account": "lp1", "max_position": "0"}))
        t.equal("one is left", [r["account"] for r in server.get("/v1/providers").json["data"]], ["lp2"])


def test_end_of_a_market(t):
    """A final settlement closes, resolves and is over; the market can be read and deleted."""
    with Server() as server:
        server.make_insolvency()
        server.post("/v1/pools/usdc/pause")
        accepted(t, "final settlement", server.post("/v1/markets/BTC-PERP/final-settlement", {"price": "59000"}))
        server.wait_for_actions(4)
        kinds = [action["type"] for action in server.actions()]
        t.equal("first the market, then the waterfall", kinds[:4],
                ["final_settlement", "final_settlement", "insurance_draw", "write_off"])
        market = server.get("/v1/markets/BTC-PERP").json
        t.equal("settled", (market["settled"], market["mark_price"], market["longs"]), (True, "59000", 0))
        again = server.post("/v1/markets/BTC-PERP/final-settlement", {"price": "59000"})
        t.refused("twice", again, 409, "market_settled", "market")
        t.refused("another definition", server.make_market(), 409, "market_settled")
        t.equal("deleted", server.delete("/v1/markets/BTC-PERP").status, 200)


def test_window(t):
    """A window since a default: opened by name, readable, closed; what it took is in the account."""
    with Server() as server:
        layers = [{"layer": "haircut", "basis": "window_gain"}]
        server.put("/v1/pools/usdc", {"asset": "USDC", "decimals": 6, "mark_max_age_ms": 0, "waterfall": layers})
        t.equal("none", server.get("/v1/pools/usdc").json["window"], None)
        t.refused("no name", server.post("/v1/pools/usdc/open-window", {}), 422, "missing_field", "name")
        server.make_market()
        server.post("/v1/accounts", [
            {"account": "loser", "pool": "usdc", "collateral": "100",
             "positions": [{"market": "BTC-PERP", "size": "1", "entry_price": "60000"}]},
            {"account": "winner", "pool": "usdc", "collateral": "5000",
             "positions": [{"market": "BTC-PERP", "size": "-1", "entry_price": "60000"}]}])
        server.post("/v1/marks", {"market": "BTC-PERP", "price": "60000"})
        accepted(t, "opened", server.post("/v1/pools/usdc/open-window", {"name": "default-1"}))
        t.refused("another", server.post("/v1/pools/usdc/open-window", {"name": "x"}), 409, "window_open", "name")
        server.post("/v1/marks", {"market": "BTC-PERP", "price": "59000"})
        server.post("/v1/pools/usdc/settle")
        server.wait_for_actions(4)
        window = server.get("/v1/pools/usdc").json["window"]
        t.equal("its loss", (window["name"], window["loss"]), ("default-1", "900"))
        winner = server.get("/v1/accounts/winner").json
        t.equal("the winner in it", (winner["window_gain"], winner["window_taken"]), ("1000", "900"))
        t.equal("told", [(a["type"], a.get("window"), a.get("taken")) for a in server.actions()][::3],
                [("window_opened", "default-1", None), ("haircut", None, "0")])
        accepted(t, "closed", server.post("/v1/pools/usdc/close-window", {"name": "default-1"}))
        t.equal("gone", ("window_gain" in server.get("/v1/accounts/winner").json,
                         server.get("/v1/pools/usdc").json["window"]), (False, None))


def test_own_fund(t):
    """A part of the fund is kept for one market: it pays for that alone, and is readable everywhere."""
    with Server() as server:
        server.make_insolvency()
        path = "/v1/markets/BTC-PERP/insurance-fund"
        server.post("/v1/marks", {"market": "BTC-PERP", "price": "60000"})
        t.refused("none", server.post(path, {"amount": "1"}), 409, "no_own_fund", "market")
        server.put("/v1/markets/BTC-PERP", {
            "pool": "usdc", "contract": "linear", "tick_size": "0.1", "lot_size": "0.001", "multiplier": "1",
            "maintenance_margin_ppm": 5000, "own_fund": True})
        accepted(t, "kept", server.post(path, {"amount": "20", "transfer_id": "m1"}))
        accepted(t, "once", server.post(path, {"amount": "20", "transfer_id": "m1"}))
        t.refused("no more", server.post(path, {"amount": "31"}), 422, "insufficient_equity", "amount")
        server.post("/v1/marks", {"market": "BTC-PERP", "price": "59000"})
        t.refused("needed", server.post(path, {"amount": "-1"}), 409, "fund_needed", "amount")
        market = server.get("/v1/markets/BTC-PERP").json
        t.equal("the market's", (market["own_fund"], market["own_fund_balance"]), (True, "20"))
        fund = server.get("/v1/pools/usdc/insurance-fund").json
        t.equal("the fund", [fund[name] for name in ("balance", "own_funds", "available")], ["50", "20", "30"])
        server.post("/v1/pools/usdc/settle")
        server.wait_for_actions(1)
        draw = server.actions()[0]
        t.equal("the draw", [draw.get(name) for name in ("type", "account", "market", "amount")],
                ["own_fund_draw", "loser", "BTC-PERP", "20"])
        rows = server.get("/v1/pools/usdc/insurance-fund/history").json["data"]
        t.equal("the history", [(row["cause"], row["amount"], row["balance"], row["own_funds"]) for row in rows],
                [("top_up", "50", "50", "0"), ("own_fund", "-20", "50", "20"), ("own_fund_draw", "-20", "30", "0")])


def test_adl_rank(t):
    """Where a position stands, also as ccxt's unified structure."""
    with Server() as server:
        server.make_insolvency()
        rows = server.get("/v1/accounts/winner/adl-rank").json["data"]
        t.equal("one row", [(row["market"], row["side"], row["margin"], row["rank"], row["of"], row["lights"])
                            for row in rows], [("BTC-PERP", "short", "cross", 1, 1, 1)])
        t.equal("the worst close", rows[0]["if_chosen_now"]["worst"],
                {"price": "60000", "cost_to_mark": "1000", "bound": "entry"})
        unified = server.get("/v1/accounts/winner/adl-rank?format=ccxt").json
        t.equal("ccxt", [(row["symbol"], row["rank"], row["percentage"], row["info"]) for row in unified],
                [("BTC-PERP", 1, 100, rows[0])])
        t.refused("nobody", server.get("/v1/accounts/nobody/adl-rank"), 404, "unknown_account", "account")
        t.refused("format", server.get("/v1/accounts/winner/adl-rank?format=xml"), 400, "invalid_query")


if __name__ == "__main__":
    run(globals())
