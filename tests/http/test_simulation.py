#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Simulations and comparisons over HTTP. Goal: the figures worked out by hand, nothing left behind,
every refusal by its name, and a settlement of the past run again as it was. Method: one small book
with two winners."""
import json
import os
import subprocess
import tempfile
import threading

from harness import NDJSON, Server, run

PATIENT = {"simulation_time_limit_ms": 25000}  # simulations have idle priority

BARE_HAIRCUT = [{"layer": "insurance"}, {"layer": "haircut"}]
FALL = [{"market": "BTC-PERP", "price": "59000"}]


def book(server, resume=True):
    """A long of 3 BTC from 60000 on 300, its two short counterparties, a fund of 100, mark 60000. At
    59000 the long is 2700 below 0; the winners have gained 2000 and 1000."""
    server.make_pool()
    server.make_market()
    server.post("/v1/marks", {"market": "BTC-PERP", "price": "60000"})
    server.post("/v1/pools/usdc/insurance-fund", {"amount": "100"})
    for account, collateral, size in (("loser", 300, "3"), ("w1", 5000, "-2"), ("w2", 10000, "-1")):
        server.post("/v1/accounts", {"account": account, "pool": "usdc", "collateral": collateral,
                                     "positions": [{"market": "BTC-PERP", "size": size,
                                                    "entry_price": "60000"}]})
    if resume:
        server.post("/v1/pools/usdc/resume")
        server.wait_for_actions(1)


def simulate(server, **body):
    return server.post("/v1/simulations", {"pool": "usdc", **body})


def expect(t, what, found, wanted):
    for name, value in wanted.items():
        t.equal(f"{what}: {name}", found[name], value)


def test_account(t):
    """At this price, how much of my position is gone and what does it cost me?"""
    with Server(settings=PATIENT) as server:
        book(server)
        server.make_pool("other")
        server.post("/v1/accounts", {"account": "elsewhere", "pool": "other", "collateral": "1"})
        shown = simulate(server, shocks=FALL, account="w1", waterfalls={
            "haircut": BARE_HAIRCUT, "queue": "classic_queue"}).json["waterfalls"]
        both = {"account": "w1", "equity_before": "7000", "equity_after": "5266.666667", "taken": "1733.333333"}
        short = {"market": "BTC-PERP", "margin": "cross", "size_before": "-2"}
        t.equal("haircut", shown["haircut"]["account"], {**both, "positions": [{**short, "size_after": "-2"}]})
        queue = shown["queue"]["account"]
        t.equal("queue: the position is gone", queue["positions"], [{**short, "size_after": "0"}])
        t.equal("queue: what it keeps", float(queue["equity_after"]), 7000 - float(queue["taken"]))
        calm = simulate(server, account="w1").json["waterfalls"]["current"]["account"]
        t.equal("nothing happens at these marks", (calm["taken"], calm["equity_after"]), ("0", "5000"))
        t.refused("nobody", simulate(server, account="nobody"), 404, "unknown_account", "account")
        t.refused("elsewhere", simulate(server, account="elsewhere"), 409, "account_in_other_pool", "account")


def test_providers(t):
    """3 BTC are worth 177000 at 59000, a spread of 0.1 % is 177: needed is 2600 and the spread, and what
    winners pay is that and no more."""
    with Server() as server:
        book(server)
        server.post("/v1/accounts", {"account": "lp", "pool": "usdc", "collateral": "1000000"})
        server.post("/v1/providers", {"account": "lp", "market": "BTC-PERP", "max_position": "5"})
        answer = simulate(server, shocks=FALL, waterfalls={
            "queue": [{"layer": "insurance"}, {"layer": "adl", "price": "mark"}, {"layer": "haircut"}],
            "providers": [{"layer": "insurance"}, {"layer": "assign", "spread_ppm": 1000},
                           {"layer": "adl", "price": "mark"}, {"layer": "haircut"}]}).json
        expect(t, "providers", answer["waterfalls"]["providers"], {
            "assignments": 1, "spreads": "177", "closes": 0, "closed_notional": "0", "haircuts": "2777",
            "needed_from_winners": "2777", "overshoot": "0", "accounts_touched": 2})
        expect(t, "queue", answer["waterfalls"]["queue"], {
            "assignments": 0, "spreads": "0", "closes": 2, "haircuts": "2600", "overshoot": "0"})
        t.equal("nothing is left behind", server.get("/v1/providers").json["data"][0]["position"], "0")


def test_figures(t):
    """2700 missing, 100 from the fund: 2600 from two winners. Haircut by gain: 2600 * 2/3 rounded
    down and the rest. Queue: ceil(179600 * 2/3) for the first two lots."""
    with Server(settings=PATIENT) as server:
        book(server)
        before = server.state()
        seen = server.get("/v1/actions").json["next"]
        answer = simulate(server, shocks=FALL, actions=True, waterfalls={
            "haircut": BARE_HAIRCUT, "queue": "classic_queue", "now": "current",
            "none": [{"layer": "insurance"}]})
        t.equal("status", answer.status, 200)
        shown = answer.json
        t.equal("shocks", shown["shocks"],
                [{"market": "BTC-PERP", "mark_before": "60000", "mark": "59000"}])
        expect(t, "head", shown, {"pool": "usdc", "asset": "USDC", "fund_equity": "100"})
        common = {"outcome": "settled", "insolvent_accounts": 1, "deficit": "2700",
                  "fund_used": "100", "fund_equity_after": "0", "overshoot": "0",
                  "period_loss_open": "0"}
        figures = shown["waterfalls"]
        t.equal("in the order asked", list(figures), ["haircut", "queue", "now", "none"])
        shares = {"taken_from_winners": "2600", "needed_from_winners": "2600", "unallocated": "0",
                  "accounts_touched": 2, "gini_ppm": 166666,
                  "worst_loss_of_equity_ppm": 247619, "worst_loss_of_equity_account": "w1",
                  "worst_loss_of_gain_ppm": 866666, "lost_without_gain": 0,
                  "ptsr_ppm": 102564, "pmr_ppm": 98765}
        expect(t, "haircut", figures["haircut"], {
            **common, **shares, "closes": 0, "haircut_payers": 2, "closed_notional": "0",
            "haircuts": "2600", "deleveraged": "0"})
        expect(t, "queue", figures["queue"], {
            **common, **shares, "closes": 2, "haircut_payers": 0, "closed_notional": "177000",
            "haircuts": "0", "deleveraged": "2600"})
        t.equal("the pool's own is that queue", {**figures["now"], "actions": 0},
                {**figures["queue"], "actions": 0})
        expect(t, "none", figures["none"], {
            **common, "taken_from_winners": "0", "needed_from_winners": "0", "unallocated": "2600",
            "accounts_touched": 0, "gini_ppm": None, "ptsr_ppm": None, "pmr_ppm": 740740,
            "worst_loss_of_equity_ppm": None, "worst_loss_of_gain_account": None})
        by_type = [a["type"] for a in figures["haircut"]["actions"]]
        t.equal("actions", by_type,
                ["insurance_draw", "write_off", "takeover", "haircut", "haircut"])
        t.equal("actions counted", figures["haircut"]["actions_count"], len(by_type))
        t.equal("nothing has changed", server.state(), before)
        t.equal("no action was published", server.get("/v1/actions").json["next"], seen)
        differences(t, shown["difference"])


def differences(t, pairs):
    t.equal("any two", [(p["from"], p["to"]) for p in pairs],
            [("haircut", "queue"), ("haircut", "now"), ("haircut", "none"), ("queue", "now"),
             ("queue", "none"), ("now", "none")])
    expect(t, "haircut to queue", pairs[0], {
        "fund_used": "0", "closed_notional": "177000", "deleveraged": "2600", "haircuts": "-2600",
        "taken_from_winners": "0", "unallocated": "0", "accounts_touched": 0, "gini_ppm": 0,
        "accounts_losing_more": 1, "accounts_losing_less": 1})
    t.equal("who loses more", pairs[0]["lose_more"],
            [{"account": "w1", "from": "1733.333333", "to": "1733.333334", "difference": "0.000001"}])
    t.equal("who loses less", pairs[0]["lose_less"],
            [{"account": "w2", "from": "866.666667", "to": "866.666666", "difference": "-0.000001"}])
    expect(t, "the same", pairs[3], {"accounts_losing_more": 0, "accounts_losing_less": 0,
                                     "lose_more": [], "lose_less": []})
    expect(t, "to nobody pays", pairs[4], {
        "taken_from_winners": "-2600", "unallocated": "2600", "accounts_touched": -2,
        "gini_ppm": None, "accounts_losing_more": 0, "accounts_losing_less": 2})
    t.equal("least first", [row["account"] for row in pairs[4]["lose_less"]], ["w1", "w2"])


def test_options(t):
    with Server(settings=PATIENT) as server:
        book(server)
        t.equal("default: the pool's own, nothing to do", {
            name: figures["outcome"] for name, figures in simulate(server).json["waterfalls"].items()},
            {"current": "nothing_to_do"})
        moved = simulate(server, shocks=[{"market": "BTC-PERP", "move_ppm": -16667}]).json
        t.equal("to the nearest tick", moved["shocks"][0]["mark"], "59000")
        rich = simulate(server, shocks=FALL, fund="3000").json["waterfalls"]["current"]
        expect(t, "a larger fund", rich, {"fund_used": "2700", "fund_equity_after": "300",
                                          "taken_from_winners": "0", "accounts_touched": 0})
        poor = simulate(server, shocks=FALL, fund="0").json["waterfalls"]["current"]
        expect(t, "no fund", poor, {"fund_used": "0", "taken_from_winners": "2700"})
        late = [{"layer": "insurance"}, {"layer": "haircut", "divide": "period_end"}]
        for close, left in ((False, "2600"), (True, "0")):
            found = simulate(server, shocks=FALL, waterfalls={"late": late}, close_period=close)
            expect(t, f"close_period {close}", found.json["waterfalls"]["late"], {
                "period_loss_open": left, "overshoot": "0",
                "taken_from_winners": "0" if left == "2600" else "2600"})
        two = simulate(server, shocks=FALL, actions=True, actions_limit=2).json
        t.equal("so many actions", len(two["waterfalls"]["current"]["actions"]), 2)
        t.equal("counted all", two["waterfalls"]["current"]["actions_count"], 5)
        none = simulate(server, shocks=FALL).json["waterfalls"]["current"]
        t.true("no actions unless asked", "actions" not in none)
        # The age of marks does not matter, a missing one does; a paused pool is simulated.
        server.make_pool(mark_max_age_ms=1)
        t.equal("old marks", simulate(server, shocks=FALL).json["waterfalls"]["current"]["outcome"],
                "settled")
        server.post("/v1/pools/usdc/pause")
        t.equal("paused", simulate(server, shocks=FALL).status, 200)


def test_refusals(t):
    with Server(settings=PATIENT) as server:
        book(server)
        server.make_pool("eurc")
        server.make_market("X", "eurc")
        server.make_market("ETH-PERP")
        before = server.state()
        many = [{"market": f"m{i}", "price": "1"} for i in range(257)]
        nine = {f"w{i}": "current" for i in range(9)}
        rows = [
            ({"pool": "nowhere"}, 404, "unknown_pool", "pool"),
            ({}, 422, "missing_field", "pool"),
            ({"pool": 7}, 422, "wrong_type", "pool"),
            ({"pool": "usdc", "shock": []}, 422, "unknown_field", "shock"),
            ({"pool": "usdc", "shocks": {}}, 422, "wrong_type", "shocks"),
            ({"pool": "usdc", "shocks": [3]}, 422, "wrong_type", "shocks[0]"),
            ({"pool": "usdc", "shocks": many}, 422, "too_many_shocks", "shocks"),
            ({"pool": "usdc", "shocks": FALL * 2}, 422, "duplicate_market", "shocks[1].market"),
            ({"pool": "usdc", "shocks": [{"market": "BTC-PERP"}]}, 422, "missing_field",
             "shocks[0].price"),
            ({"pool": "usdc", "shocks": [{"market": "BTC-PERP", "price": "1", "move_ppm": 1}]}, 422,
             "invalid_value", "shocks[0].move_ppm"),
            ({"pool": "usdc", "shocks": [{"market": "BTC-PERP", "move_ppm": -1000001}]}, 422,
             "invalid_value", "shocks[0].move_ppm"),
            ({"pool": "usdc", "shocks": [{"market": "BTC-PERP", "move_ppm": "-1"}]}, 422, "wrong_type",
             "shocks[0].move_ppm"),
            ({"pool": "usdc", "shocks": [{"market": "BTC-PERP", "move_ppm": -1000000}]}, 422,
             "price_not_positive", "shocks[0].move_ppm"),
            ({"pool": "usdc", "shocks": [{"market": "BTC-PERP", "price": 1.5}]}, 422,
             "decimal_must_be_string", "shocks[0].price"),
            ({"pool": "usdc", "shocks": [{"market": "BTC-PERP", "price": "1.05"}]}, 422,
             "price_not_on_tick", "shocks[0].price"),
            ({"pool": "usdc", "shocks": [{"market": "BTC-PERP", "price": "100000000000000"}]}, 422,
             "out_of_range", "shocks[0].price"),
            ({"pool": "usdc", "shocks": [{"market": "nowhere", "price": "1"}]}, 404, "unknown_market",
             "shocks[0].market"),
            ({"pool": "usdc", "shocks": [{"market": "X", "price": "1"}]}, 422,
             "market_in_other_pool", "shocks[0].market"),
            ({"pool": "usdc", "shocks": [{"market": "ETH-PERP", "move_ppm": 5}]}, 409, "no_mark",
             "shocks[0].market"),
            ({"pool": "usdc", "waterfalls": []}, 422, "wrong_type", "waterfalls"),
            ({"pool": "usdc", "waterfalls": {}}, 422, "too_many_waterfalls", "waterfalls"),
            ({"pool": "usdc", "waterfalls": nine}, 422, "too_many_waterfalls", "waterfalls"),
            ({"pool": "usdc", "waterfalls": {"a": 1}}, 422, "wrong_type", "waterfalls.a"),
            ({"pool": "usdc", "waterfalls": {"": "current"}}, 422, "invalid_name", "waterfalls"),
            ({"pool": "usdc", "waterfalls": {"a": "no_such"}}, 422, "unknown_preset", "waterfalls.a"),
            ({"pool": "usdc", "waterfalls": {"a": [{"layer": "hope"}]}}, 422, "invalid_value",
             "waterfalls.a[0].layer"),
            ({"pool": "usdc", "waterfalls": {"a": [{"layer": "adl"}, {"layer": "adl"}]}}, 422,
             "invalid_waterfall", "waterfalls.a"),
            ({"pool": "usdc", "waterfalls": {"a": [{"layer": "insurance", "floor": "-1"}]}}, 422,
             "invalid_value", "waterfalls.a.floor"),
            ({"pool": "usdc", "fund": "-1"}, 422, "invalid_value", "fund"),
            ({"pool": "usdc", "fund": "0.0000001"}, 422, "too_many_decimals", "fund"),
            ({"pool": "usdc", "actions": 1}, 422, "wrong_type", "actions"),
            ({"pool": "usdc", "actions_limit": 10001}, 422, "invalid_value", "actions_limit"),
            ([{"pool": "usdc"}], 422, "wrong_type", "the body"),
            ([], 422, "wrong_type", "the body"),
            ("7", 400, "not_an_object", ""),
            ("{", 400, "invalid_json", "line 1"),
            ("", 400, "empty_body", ""),
            ('{"pool":"usdc","waterfalls":{"a":"current","a":"current"}}', 400, "duplicate_key",
             "waterfalls"),
        ]
        for body, status, code, detail in rows:
            answer = server.post("/v1/simulations", body)
            t.equal(f"{body!r:.90}", (answer.status, answer.code), (status, code))
            found = answer.json["detail"] if status >= 400 else ""
            t.true(f"{body!r:.90}: detail", found.startswith(detail), found)
        answer = server.post("/v1/simulations", '{"pool":"usdc"}', content_type=NDJSON)
        t.equal("lines", (answer.status, answer.code), (415, "unsupported_media_type"))
        t.equal("nothing has changed", server.state(), before)
        server.post("/v1/positions", {"account": "w2", "market": "ETH-PERP", "size": "1",
                                      "entry_price": "10"})
        t.equal("a market without a mark", simulate(server).code, "no_mark")
        given = simulate(server, shocks=[{"market": "ETH-PERP", "price": "10"}]).json
        t.equal("unless it is given", given["shocks"][0]["mark_before"], None)


def test_off(t):
    with Server(settings={"simulation_mode": "off"}) as server:
        book(server)
        t.equal("off", (simulate(server).status, simulate(server).code), (409, "simulation_off"))


def test_overloaded(t):
    """Eight at once where none may wait: each is answered, and the 503 says when to come again."""
    with Server(settings=PATIENT | {"simulation_queue_max": 0}) as server:
        book(server)
        server.post("/v1/accounts", [
            {"account": f"a{i}", "pool": "usdc", "collateral": "1000", "positions": [
                {"market": "BTC-PERP", "size": "-1" if i % 2 else "1", "entry_price": "60000"}]}
            for i in range(20000)])
        answers = []

        def ask():
            for _ in range(4):
                answers.append(simulate(server, shocks=FALL, waterfalls={
                    "a": "classic_queue", "b": BARE_HAIRCUT}))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        refused = [a for a in answers if a.status == 503]
        t.equal("all were answered", {a.status for a in answers} - {503}, {200})
        t.equal("the others: overloaded", {a.code for a in refused}, {"overloaded"})
        t.equal("with Retry-After", {a.headers["retry-after"] for a in refused}, {"1"})
        bodies = {a.json["waterfalls"]["a"]["taken_from_winners"] for a in answers if a.status == 200}
        t.equal("the same answer each time", len(bodies), 1)


def test_compare(t):
    with Server(settings=PATIENT | {"core_settle_interval_ms": 10}) as server:
        book(server)
        server.post("/v1/marks", {"market": "BTC-PERP", "price": "59900"})
        server.post("/v1/marks", {"market": "BTC-PERP", "price": "59000"})
        server.wait_for_actions(6)
        rows = server.pages("/v1/settlements?pool=usdc")
        t.equal("one settlement", len(rows), 1)
        path = "/v1/pools/usdc/settlements/1/compare"
        shown = server.get(path).json
        expect(t, "head", shown, {"settlement": 1, "time": rows[0]["time"], "fund_equity": "100"})
        t.equal("what was done, then the presets", list(shown["waterfalls"])[:2],
                ["actual", "classic_queue"])
        expect(t, "actual", shown["waterfalls"]["actual"], {
            "deficit": rows[0]["deficit"], "fund_used": rows[0]["fund_paid"],
            "deleveraged": rows[0]["deleveraged"], "taken_from_winners": "2600", "overshoot": "0"})
        expect(t, "mark to market", shown["waterfalls"]["mark_to_market_window"], {
            "haircuts": "2600", "overshoot": "0"})
        t.equal("the other path", server.get("/v1/settlements/1/compare?pool=usdc").json, shown)
        own = server.post(path, {"waterfalls": {"mine": BARE_HAIRCUT}, "actions": True}).json
        t.equal("mine", list(own["waterfalls"]), ["actual", "mine"])
        published = server.actions("&pool=usdc")
        wanted = [{**a, "hash": None} for a in published if a["settlement"] == 1]
        t.equal("the actions as they were published",
                [{**a, "hash": None} for a in own["waterfalls"]["actual"]["actions"]], wanted)
        t.equal("from haircut", own["difference"][0]["haircuts"], "2600")
        server.post("/v1/pools/usdc/close-period")
        for path, status, code in (
                ("/v1/pools/usdc/settlements/2/compare", 404, "unknown_settlement"),
                ("/v1/pools/usdc/settlements/0/compare", 404, "unknown_settlement"),
                ("/v1/pools/nowhere/settlements/1/compare", 404, "unknown_settlement"),
                ("/v1/pools/usdc/settlements/x/compare", 404, "unknown_settlement"),
                ("/v1/settlements/1/compare", 400, "invalid_query")):
            answer = server.get(path)
            t.equal(path, (answer.status, answer.code), (status, code))
        taken = server.post("/v1/pools/usdc/settlements/1/compare",
                            {"waterfalls": {"actual": "current"}})
        t.equal("a name that is taken", (taken.status, taken.code), (400, "duplicate_key"))


def test_backstopctl(t):
    """The table and its bars; what the options cannot mean is said before anything is sent."""
    with Server(settings=PATIENT) as server, tempfile.NamedTemporaryFile("w", suffix=".json") as layers:
        book(server)
        json.dump(BARE_HAIRCUT, layers)
        layers.flush()

        def ctl(*arguments):
            done = subprocess.run([os.environ["BACKSTOPCTL"], "simulate", "usdc", *arguments, "--url",
                                   f"http://127.0.0.1:{server.port}"], capture_output=True)
            return done.returncode, done.stdout.decode(), done.stderr.decode()

        code, out, _ = ctl("--shock", "BTC-PERP=-1.6667%", "-w", f"mine={layers.name}", "-w",
                           "classic_queue", "-w", "now=current")
        t.equal("exit status", code, 0)
        rows = [line.split() for line in out.splitlines()]
        t.true("mine", ["mine", "settled", "1", "2700", "100", "0", "0", "2600", "0", "0", "0", "2"]
               in rows, out)
        t.true("a bar", ["mine", "[######", "]", "16.66", "%"] in rows, out)
        t.true("a difference", ["mine", "classic_queue", "0", "0", "0", "0", "1", "1"] in rows, out)
        code, out, _ = ctl("--shock", "BTC-PERP=59000", "-o", "json")
        t.equal("json", json.loads(out)["waterfalls"]["current"]["deficit"], "2700")
        rich = json.loads(ctl("--shock", "BTC-PERP=59000", "--fund", "9000", "-o", "json")[1])
        t.equal("fund", rich["waterfalls"]["current"]["fund_used"], "2700")
        for arguments, status, word in (
                (["--shock", "BTC-PERP"], 64, "MARKET=PRICE"),
                (["--shock", "=5"], 64, "MARKET=PRICE"),
                (["--shock", "BTC-PERP=x%"], 64, "not a move"),
                (["--shock", "BTC-PERP=1.00001%"], 64, "not a move"),
                (["--shock", "BTC-PERP=-101%"], 65, "invalid_value"),
                (["-w", "a=nothing.json"], 64, "nothing.json"),
                (["-w", "nope"], 65, "unknown_preset"),
                (["--settlement", "1", "--fund", "5"], 64, "no --fund"),
                (["--settlement", "1"], 65, "unknown_settlement")):
            code, out, error = ctl(*arguments)
            t.equal(f"{arguments}: exit status", code, status)
            t.true(f"{arguments}: {word}", word in error and out == "", error)
        server.post("/v1/marks", {"market": "BTC-PERP", "price": "59000"})
        server.wait_for_actions(6)
        code, out, _ = ctl("--settlement", "1", "-w", "session_clawback")
        t.equal("the past", [line.split()[0] for line in out.splitlines()[1:3]],
                ["actual", "session_clawback"])


def test_follows(t):
    """The second block follows the log from one simulation to the next, also after a restart."""
    with Server(settings=PATIENT) as server:
        book(server)
        for deficit, collateral in (("2700", 300), ("2600", 400)):
            server.post("/v1/accounts", {"account": "loser", "pool": "usdc", "collateral": collateral})
            found = simulate(server, shocks=FALL).json["waterfalls"]["current"]
            t.equal(f"with {collateral}", found["deficit"], deficit)
        server.kill9()
        again = Server(data=server.data, settings=PATIENT)
        with again:
            found = simulate(again, shocks=FALL).json["waterfalls"]["current"]
            t.equal("after a restart", found["deficit"], "2600")


if __name__ == "__main__":
    run(globals())
