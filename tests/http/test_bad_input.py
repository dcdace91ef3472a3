#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every kind of bad body and bad item. Goal: the exact status and code, the offending field named,
and nothing applied: the state answers are the same before and after. test_guard.py has the rest of
what can be wrong with a request: paths, queries, headers, sizes, speed."""
import json
import time

from harness import NDJSON, Server, run

ACCOUNT = {"account": "a1", "pool": "usdc", "collateral": "10"}
POSITION = {"account": "held", "market": "BTC-PERP", "size": "1", "entry_price": "60000"}
FILL = {"account": "held", "market": "BTC-PERP", "size": "1", "price": "60000"}
TRANSFER = {"account": "held", "amount": "1"}
MARK = {"market": "BTC-PERP", "price": "60000"}
PROVIDER = {"account": "held", "market": "BTC-PERP", "max_position": "1"}
POOL = {"asset": "USDC", "decimals": 6}
MARKET = {"pool": "usdc", "tick_size": "0.1", "lot_size": "0.001", "maintenance_margin_ppm": 5000}


def world(server):
    server.make_pool()
    server.make_market()
    server.make_pool("other")
    server.make_market("OTHER-PERP", "other")
    server.post("/v1/accounts", [{"account": "held", "pool": "usdc", "collateral": "100000"},
                                 {"account": "elsewhere", "pool": "other", "collateral": "5"}])
    server.post("/v1/marks", MARK)


def without(item, field):
    return {name: value for name, value in item.items() if name != field}


def test_bodies_that_are_not_read(t):
    """Refused whole, with the place; a good item before the fault is not applied either."""
    good = json.dumps(ACCOUNT).encode()
    cases = {"empty": (b"", "empty_body"), "blank": (b" \n\t ", "empty_body"), "empty list": (b"[]", "empty_body"),
             "cut": (good[:-1], "invalid_json"), "cut list": (b"[" + good + b",", "invalid_json"),
             "two values": (good + good, "invalid_json"), "trailing comma": (b"[" + good + b",]", "invalid_json"),
             "single quotes": (b"{'account':'a'}", "invalid_json"), "bare word": (b"{a:1}", "invalid_json"),
             "comment": (b"/* */" + good, "invalid_json"), "NaN": (b'{"account":NaN}', "invalid_json"),
             "byte order mark": (b"\xef\xbb\xbf" + good, "invalid_json"),
             "not UTF-8": (b'{"account":"\xff"}', "invalid_json"),
             "half a surrogate": (b'{"account":"\\ud800"}', "invalid_json"),
             "raw control character": (b'{"account":"a\nb"}', "invalid_json"),
             "NUL": (b'{"account":"a"}\0', "invalid_json"), "a binary": (bytes(range(256)), "invalid_json"),
             "very deep": (b"[" * 100000, "invalid_json"),
             "very deep object": (b'{"a":' * 100000, "invalid_json")}
    with Server() as server:
        world(server)
        before = server.state()
        for what, (body, code) in cases.items():
            t.refused(what, server.post("/v1/accounts", body), 400, code)
        answer = server.post("/v1/accounts", good[:-1])
        t.true("the place is named", "line 1 column" in answer.json["detail"], answer.json)
        lines = good + b"\n" + good[:-2] + b"\n" + good
        answer = server.post("/v1/accounts", lines, content_type=NDJSON)
        t.refused("a broken line", answer, 400, "invalid_json", "line 2")
        for body in (b"", b"\n\n", b" \r\n"):
            t.refused(f"lines {body!r}", server.post("/v1/accounts", body, content_type=NDJSON), 400,
                      "empty_body")
        big = b"[" + b",".join([good] * 50000) + b",{]"
        t.refused("a broken list of 50,000", server.post("/v1/accounts", big), 400, "invalid_json")
        t.equal("nothing was applied", server.state(), before)


def test_items_that_are_not_read(t):
    """Each faulty item is rejected on its own: one alone by its own status, in a list by name."""
    def account(**fields):
        return {**ACCOUNT, **fields}

    def fill(**fields):
        return {**FILL, **fields}

    cases = [
        ("/v1/accounts", 5, 422, "not_an_object", None),
        ("/v1/accounts", b'"text"', 422, "not_an_object", None),
        ("/v1/accounts", account(extra=1), 422, "unknown_field", "extra"),
        ("/v1/accounts", account(type=1), 422, "wrong_type", "type"),
        ("/v1/accounts", account(type="fill"), 422, "invalid_value", "type"),
        ("/v1/accounts", without(ACCOUNT, "account"), 422, "missing_field", "account"),
        ("/v1/accounts", without(ACCOUNT, "pool"), 422, "missing_field", "pool"),
        ("/v1/accounts", without(ACCOUNT, "collateral"), 422, "missing_field", "collateral"),
        ("/v1/accounts", {}, 422, "missing_field", None),
        ("/v1/accounts", account(collateral=1.5), 422, "decimal_must_be_string", "collateral"),
        ("/v1/accounts", account(collateral=1e30), 422, "decimal_must_be_string", "collateral"),
        ("/v1/accounts", account(collateral=True), 422, "wrong_type", "collateral"),
        ("/v1/accounts", account(collateral=None), 422, "wrong_type", "collateral"),
        ("/v1/accounts", account(collateral=[]), 422, "wrong_type", "collateral"),
        ("/v1/accounts", account(collateral="1e5"), 422, "invalid_decimal", "collateral"),
        ("/v1/accounts", account(collateral=""), 422, "invalid_decimal", "collateral"),
        ("/v1/accounts", account(collateral="+1"), 422, "invalid_decimal", "collateral"),
        ("/v1/accounts", account(collateral="01"), 422, "invalid_decimal", "collateral"),
        ("/v1/accounts", account(collateral="-0"), 422, "invalid_decimal", "collateral"),
        ("/v1/accounts", account(collateral="1."), 422, "invalid_decimal", "collateral"),
        ("/v1/accounts", account(collateral=".5"), 422, "invalid_decimal", "collateral"),
        ("/v1/accounts", account(collateral=" 1"), 422, "invalid_decimal", "collateral"),
        ("/v1/accounts", account(collateral="1,5"), 422, "invalid_decimal", "collateral"),
        ("/v1/accounts", account(collateral="0x10"), 422, "invalid_decimal", "collateral"),
        ("/v1/accounts", account(collateral="\u0661"), 422, "invalid_decimal", "collateral"),
        ("/v1/accounts", account(collateral="9" * 30), 422, "decimal_too_long", "collateral"),
        ("/v1/accounts", account(collateral=10 ** 30), 422, "decimal_too_long", "collateral"),
        ("/v1/accounts", account(seen_action="1"), 422, "wrong_type", "seen_action"),
        ("/v1/accounts", account(seen_action=-1), 422, "invalid_value", "seen_action"),
        ("/v1/accounts", account(positions={}), 422, "wrong_type", "positions"),
        ("/v1/accounts", account(positions=[1]), 422, "wrong_type", "positions[0]"),
        ("/v1/accounts", account(positions=[{"market": "BTC-PERP", "size": "1", "entry_price": "1"},
                                            {"market": "m", "size": 0.5}]), 422,
         "decimal_must_be_string", "positions[1].size"),
        ("/v1/accounts", account(positions=[{"size": "1"}]), 422, "missing_field", "positions[0].market"),
        ("/v1/accounts", account(haircut_cap_ppm=1000001), 422, "invalid_value", "haircut_cap_ppm"),
        ("/v1/positions", {**POSITION, "margin": "isolated"}, 422, "collateral_required", "collateral"),
        ("/v1/positions", {**POSITION, "collateral": "5"}, 422, "invalid_value", "collateral"),
        ("/v1/positions", {**POSITION, "margin": "none"}, 422, "invalid_value", "margin"),
        ("/v1/positions", {**POSITION, "adl_priority": 4294967295}, 422, "invalid_value", "adl_priority"),
        ("/v1/fills", fill(trade_id=""), 422, "invalid_name", "trade_id"),
        ("/v1/fills", fill(trade_id="x" * 65), 422, "invalid_name", "trade_id"),
        ("/v1/fills", fill(size=0.1), 422, "decimal_must_be_string", "size"),
        ("/v1/transfers", {**TRANSFER, "kind": "gift"}, 422, "invalid_value", "kind"),
        ("/v1/marks", {**MARK, "time": "yesterday"}, 422, "invalid_time", "time"),
        ("/v1/marks", {**MARK, "time": "2025-10-10T21:16:04+02:00"}, 422, "invalid_time", "time"),
        ("/v1/marks", {**MARK, "time": 1}, 422, "wrong_type", "time"),
        ("/v1/marks", {**MARK, "confirm": 1}, 422, "wrong_type", "confirm"),
        ("/v1/commands", MARK, 422, "missing_field", "type"),
        ("/v1/commands", {**MARK, "type": 1}, 422, "wrong_type", "type"),
        ("/v1/commands", {**MARK, "type": "marks"}, 422, "unknown_type", "type"),
        ("/v1/commands", {"type": "final_settlement", "market": "m"}, 422, "missing_field", "price"),
        ("/v1/providers", {**PROVIDER, "account": "nobody"}, 422, "unknown_account", "account"),
        ("/v1/providers", {**PROVIDER, "market": "nowhere"}, 422, "unknown_market", "market"),
        ("/v1/providers", {**PROVIDER, "account": "backstop:usdc"}, 422, "reserved_account", "account"),
        ("/v1/providers", {**PROVIDER, "max_position": "-1"}, 422, "invalid_value", "max_position"),
        ("/v1/providers", {**PROVIDER, "max_position": 1.5}, 422, "decimal_must_be_string", "max_position"),
        ("/v1/providers", {**PROVIDER, "max_size": "0"}, 422, "invalid_value", "max_size"),
        ("/v1/providers", {**PROVIDER, "quota_period": "1h"}, 422, "invalid_value", "quota_ppm"),
        ("/v1/providers", {**PROVIDER, "quota_ppm": 1}, 422, "invalid_value", "quota_period"),
        ("/v1/providers", {**PROVIDER, "quota_period": "soon"}, 422, "invalid_value", "quota_period"),
        ("/v1/providers", {**PROVIDER, "priority": 4294967295}, 422, "invalid_value", "priority"),
        ("/v1/providers", {"account": "a1", "market": "BTC-PERP"}, 422, "missing_field", "max_position"),
        ("/v1/markets/BTC-PERP/final-settlement", {"price": "0"}, 422, "price_not_positive", "price"),
        ("/v1/markets/BTC-PERP/final-settlement", {"price": 1.5}, 422, "decimal_must_be_string", "price"),
        ("/v1/pools/usdc/insurance-fund", {"amount": "1", "pool": "other"}, 422, "invalid_value", "pool"),
        ("/v1/pools/usdc/pause", {"reason": ""}, 422, "invalid_value", "reason"),
        ("/v1/pools/usdc/pause", {"reason": "x" * 201}, 422, "invalid_value", "reason"),
        ("/v1/pools/usdc/pause", {"why": "x"}, 422, "unknown_field", "why"),
        ("/v1/pools/usdc/settle", {"reason": "x"}, 422, "unknown_field", "reason")]
    with Server() as server:
        world(server)
        before = server.state()
        for path, item, status, code, naming in cases:
            text = item if isinstance(item, bytes) else json.dumps(item).encode()
            what = f"{path} {text[:90]}"
            t.refused(what, server.post(path, text), status, code, naming)
            if path.count("/") == 2:
                listed = server.post(path, b"[" + text + b"]")
                t.true(f"[{what}]", listed.status == 422 and [
                    r["code"] for r in listed.json["rejected"]] == [code], listed.body[:300])
        twice = b'{"account":"a1","account":"a2","pool":"usdc","collateral":"1"}'
        t.refused("a field twice", server.post("/v1/accounts", twice), 422, "duplicate_key", "account")
        deep = b'{"account":"a1","pool":"usdc","collateral":"1","positions":[{"market":"m","market":"n"}]}'
        t.refused("a field twice inside", server.post("/v1/accounts", deep), 422, "duplicate_key")
        t.refused("a list on a path of one", server.put("/v1/pools/new", [POOL]), 422, "wrong_type")
        t.refused("lines on a path of one", server.put("/v1/pools/new", json.dumps(POOL),
                                                       content_type=NDJSON), 422, "wrong_type")
        t.equal("nothing was applied", server.state(), before)


def test_hostile_names(t):
    good = ["x", "n" * 64, "\u20bf" * 21, "a b", "a/b", '"', "\\", "<script>", "%00", "..", "' OR 1=1 --"]
    bad = ["", "n" * 65, "\u20bf" * 22, "a\0b", "\n", "a\x1fb", "\x7f", "\u0085"]
    with Server() as server:
        server.make_pool()
        for name in good:
            answer = server.post("/v1/accounts", {**ACCOUNT, "account": name})
            t.equal(f"name {name!r} is taken", answer.status, 200)
        t.equal("and given back as sent", sorted(a["account"] for a in server.pages("/v1/accounts?limit=3")),
                sorted(good + ["backstop:usdc"]))
        before = server.state()
        for name in bad:
            answer = server.post("/v1/accounts", {**ACCOUNT, "account": name})
            t.refused(f"name {name!r}", answer, 422, "invalid_name", "account")
        answer = server.post("/v1/accounts", {**ACCOUNT, "account": "backstop:x"})
        t.refused("the name of another fund", answer, 422, "reserved_account", "account")
        t.equal("nothing was applied", server.state(), before)


def test_items_the_engine_refuses(t):
    top = str(2 ** 63 - 1)
    cases = [
        ("/v1/accounts", {**ACCOUNT, "pool": "nope"}, 422, "unknown_pool"),
        ("/v1/accounts", {**ACCOUNT, "account": "held", "pool": "other"}, 422, "account_in_other_pool"),
        ("/v1/accounts", {**ACCOUNT, "collateral": "0.0000001"}, 422, "too_many_decimals"),
        ("/v1/accounts", {**ACCOUNT, "collateral": top}, 422, "out_of_range"),
        ("/v1/accounts", {**ACCOUNT, "collateral": "-" + top}, 422, "out_of_range"),
        ("/v1/accounts", {**ACCOUNT, "positions": [
            {"market": "BTC-PERP", "size": "1", "entry_price": "1"},
            {"market": "BTC-PERP", "size": "1", "entry_price": "1"}]}, 422, "duplicate_market"),
        ("/v1/positions", {**POSITION, "account": "nobody"}, 422, "unknown_account"),
        ("/v1/positions", {**POSITION, "market": "nope"}, 422, "unknown_market"),
        ("/v1/positions", {**POSITION, "market": "OTHER-PERP"}, 422, "market_in_other_pool"),
        ("/v1/positions", {**POSITION, "size": "0.0001"}, 422, "size_not_on_lot"),
        ("/v1/positions", {**POSITION, "size": top}, 422, "out_of_range"),
        ("/v1/positions", {**POSITION, "entry_price": "-1"}, 422, "price_not_positive"),
        ("/v1/positions", {**POSITION, "entry_price": top}, 422, "out_of_range"),
        ("/v1/positions", without(POSITION, "entry_price"), 422, "entry_price_required"),
        ("/v1/fills", {**FILL, "account": "nobody"}, 422, "unknown_account"),
        ("/v1/fills", {**FILL, "size": "0"}, 422, "invalid_value"),
        ("/v1/fills", {**FILL, "price": "60000.05"}, 422, "price_not_on_tick"),
        ("/v1/transfers", {**TRANSFER, "amount": "-100000.000001"}, 422, "insufficient_equity"),
        ("/v1/transfers", {**TRANSFER, "amount": "-1", "kind": "deposit"}, 422, "wrong_sign"),
        ("/v1/transfers", {**TRANSFER, "amount": "1", "kind": "withdrawal"}, 422, "wrong_sign"),
        ("/v1/marks", {**MARK, "market": "nope"}, 422, "unknown_market"),
        ("/v1/marks", {**MARK, "price": "0"}, 422, "price_not_positive"),
        ("/v1/marks", {**MARK, "price": "1.05"}, 422, "price_not_on_tick"),
        ("/v1/marks", {**MARK, "time": "2020-01-01T00:00:00Z"}, 422, "stale_mark"),
        ("/v1/pools/usdc/insurance-fund", {"amount": "-1"}, 422, "insufficient_equity")]
    puts = [
        ("/v1/pools/usdc", {**POOL, "decimals": 2}, 409, "in_use"),
        ("/v1/pools/new", {**POOL, "decimals": 19}, 422, "invalid_value"),
        ("/v1/pools/new", {**POOL, "period": "1s"}, 422, "invalid_value"),
        ("/v1/pools/new", {**POOL, "waterfall": [{"layer": "hope"}]}, 422, "invalid_value"),
        ("/v1/pools/new", {**POOL, "waterfall": [{"layer": "insurance", "max_drawdown_ppm": 300000}]},
         422, "invalid_waterfall"),
        ("/v1/pools/new", {**POOL, "waterfall": [{
            "layer": "insurance", "max_drawdown_ppm": 300000, "resume_ppm": 300001,
            "drawdown_window": "8h"}]}, 422, "invalid_waterfall"),
        ("/v1/markets/m", {**MARKET, "fund_budget": "-1"}, 422, "invalid_value"),
        ("/v1/markets/m", {**MARKET, "own_fund": 1}, 422, "wrong_type"),
        ("/v1/pools/new", {**POOL, "waterfall": [{"layer": "haircut", "seniority": 0}]}, 422,
         "invalid_waterfall"),
        ("/v1/pools/new", {**POOL, "waterfall": [{"layer": "haircut", "seniority": 8}]}, 422,
         "invalid_value"),
        ("/v1/pools/new", {**POOL, "waterfall": [{"layer": "haircut", "seniority": 1,
                                                  "basis": "unrealized_profit"}]}, 422,
         "invalid_waterfall"),
        ("/v1/pools/new", {**POOL, "waterfall": [{"layer": "adl", "max_loss_ppm": 1000001}]}, 422,
         "invalid_value"),
        ("/v1/pools/new", {**POOL, "waterfall": [{"layer": "haircut", "max_loss_ppm": 1}]}, 422,
         "unknown_field"),
        ("/v1/pools/new", {**POOL, "waterfall": [{"layer": "adl", "hedged_last_ppm": -1}]}, 422,
         "invalid_value"),
        ("/v1/pools/new", {**POOL, "waterfall": [{"layer": "adl"}, {"layer": "assign"}]}, 422,
         "invalid_waterfall"),
        ("/v1/pools/new", {**POOL, "waterfall": [{"layer": "assign"}, {"layer": "assign"}]}, 422,
         "invalid_waterfall"),
        ("/v1/pools/new", {**POOL, "waterfall": [{"layer": "assign", "spread_ppm": 100001}]}, 422,
         "invalid_value"),
        ("/v1/pools/new", {**POOL, "waterfall": [{"layer": "adl", "spread_ppm": 1}]}, 422,
         "unknown_field"),
        ("/v1/pools/new", {**POOL, "waterfall": [{"layer": "haircut"}, {"layer": "adl"}]}, 422,
         "invalid_waterfall"),
        ("/v1/pools/new", {**POOL, "pool": "old"}, 422, "invalid_value"),
        ("/v1/markets/BTC-PERP", {**MARKET, "lot_size": "1"}, 409, "in_use"),
        ("/v1/markets/m", {**MARKET, "tick_size": "0"}, 422, None),
        ("/v1/markets/m", {**MARKET, "tick_size": "0.000001"}, 422, "unit_not_integer"),
        ("/v1/markets/m", {**MARKET, "contract": "inverse", "tick_size": "0.3"}, 422,
         "unit_not_integer"),
        ("/v1/markets/m", {**MARKET, "contract": "option"}, 422, "invalid_value")]
    with Server() as server:
        world(server)
        server.post("/v1/fills", {**FILL, "trade_id": "t1"})
        before = server.state()
        for path, item, status, code in cases:
            t.refused(f"{path} {json.dumps(item)[:90]}", server.post(path, item), status, code)
        for path, item, status, code in puts:
            answer = server.put(path, item)
            t.refused(f"{path} {json.dumps(item)[:90]}", answer, status, code or answer.code)
        t.equal("a trade again: no effect", server.post("/v1/fills", {**FILL, "trade_id": "t1"}).status, 200)
        t.refused("other content under its id", server.post("/v1/fills", {
            **FILL, "trade_id": "t1", "size": "2"}), 422, "id_reused")
        t.equal("nothing was applied", server.state(), before)
        t.equal("no action either", server.actions(), [])


def test_large_bodies(t):
    """10 MB of good items, one bad one among them: the others are applied, the bad one is named."""
    with Server() as server:
        server.make_pool()
        items = [{"account": f"account-{i:07}", "pool": "usdc", "collateral": str(i), "seen_action": 0}
                 for i in range(120000)]
        items[77777]["collateral"] = 1.5
        body = json.dumps(items).encode()
        t.true("over 10 MB", len(body) > 10_000_000, len(body))
        answer = server.post("/v1/accounts", body)
        t.equal("status", answer.status, 207)
        t.equal("accepted", answer.json["accepted"], 119999)
        t.equal("rejected", [(r["index"], r["code"]) for r in answer.json["rejected"]],
                [(77777, "decimal_must_be_string")])
        t.equal("accounts", server.get("/v1/pools/usdc").json["accounts"], 119999)
        padded = b" " * ((16 << 20) - 100) + json.dumps(ACCOUNT).encode()
        t.equal("16 MiB less a little", server.post("/v1/accounts", padded).status, 200)
        t.refused("one byte too much", server.post("/v1/accounts", b" " * ((16 << 20) + 1)), 413,
                  "body_too_large")


def test_stale_update(t):
    """An update that has not seen the newest action is refused with the state it should have seen."""
    with Server() as server:
        server.make_insolvency()
        server.post("/v1/pools/usdc/settle")
        last = server.get("/v1/accounts/winner").json["last_action"]
        late = {"account": "winner", "market": "BTC-PERP", "size": "-1", "entry_price": "60000"}
        answer = server.post("/v1/positions", [{**late, "seen_action": last - 1}])
        t.refused("late position", answer, 422, "stale_update")
        state = answer.json["rejected"][0]["state"]
        t.equal("with the state", (state["account"], state["positions"], state["last_action"]),
                ("winner", [], last))
        t.equal("who has seen it may", server.post("/v1/positions", {**late, "seen_action": last}).status, 200)


def test_refused_mark(t):
    """A refused mark is told what is held: its price and time, the band, and how many marks agree."""
    with Server() as server:
        server.make_insolvency()
        market = server.get("/v1/markets/BTC-PERP").json
        terms = {name: market[name] for name in ("pool", "tick_size", "lot_size", "maintenance_margin_ppm")}
        server.put("/v1/markets/BTC-PERP", terms | {"max_move_ppm": 100000, "max_move_span_ms": 0})
        held = f'"{market["mark_price"]}" of "{market["mark_time"]}", band 100000 ppm'
        far = {"market": "BTC-PERP", "price": str(2 * float(market["mark_price"]))}
        for agree in (1, 2):
            time.sleep(0.005)
            answer = server.post("/v1/marks", far)
            t.refused("far away", answer, 422, "mark_out_of_band")
            t.equal("what is held", answer.json["rejected"][0]["detail"].partition("; held is ")[2],
                    f"{held}, {agree} agree")
        answer = server.post("/v1/marks", far | {"time": "2020-01-01T00:00:00Z"})
        t.equal("of an older one", answer.json["rejected"][0]["detail"].partition("; held is ")[2], held)
        time.sleep(0.005)
        t.equal("the third is believed", server.post("/v1/marks", far).status, 200)


if __name__ == "__main__":
    run(globals())
