# SPDX-License-Identifier: Apache-2.0
"""Hand-computed cases for the oracle. `python3 test_oracle.py [--data FOLDER]`: FOLDER holds the
real instant (oct10-instant); without it the project's own data folder is used."""
import json
import pathlib
import sys
import unittest

from fractions import Fraction
from oracle import Oracle
from oracle_ledger import prefix_split, price_text

NOW = 1760130964000
DATA = pathlib.Path(__file__).resolve().parents[2] / "data" / "oct10-instant"
INSURANCE = {"layer": "insurance", "floor": "0"}
ADL = {"layer": "adl", "ranking": "profit_leverage", "price": "bankruptcy"}
HAIRCUT = {"layer": "haircut", "rule": "pro_rata"}


class World:
    """A pool "p" with 2 decimals, markets of unit 100 quanta, and short ways to say things."""

    def __init__(self, *layers, **pool):
        self.oracle, self.now = Oracle(), NOW
        self.send(type="pool", pool="p", asset="USDC", decimals=2, waterfall=list(layers),
                  **({"mark_max_age_ms": 0, "period": "8h"} | pool))

    def send(self, expect="ok", **command):
        outcome, actions = self.oracle.step(command, self.now)
        assert outcome == expect, (command, outcome)
        return actions

    def market(self, name, ppm=100000, **more):
        self.send(type="market", market=name, pool="p", contract="linear", tick_size="1",
                  lot_size="1", multiplier="1", maintenance_margin_ppm=ppm, **more)

    def account(self, name, collateral, *positions):
        rows = [{"market": m, "size": str(s), "entry_price": str(p)} for m, s, p in positions]
        self.send(type="account", account=name, pool="p", collateral=str(collateral),
                  positions=rows)

    def mark(self, name, price, **more):
        return self.send(type="mark", market=name, price=str(price), **more)

    def fund(self, amount):
        return self.send(type="insurance_fund", pool="p", amount=str(amount))

    def settle(self):
        return self.send(type="settle", pool="p")

    def collateral(self, name):
        row = next(r for r in self.oracle.state()["accounts"] if r["account"] == name)
        return row["collateral"]

    def pool(self):
        return self.oracle.state()["pools"][0]


def brief(actions, *fields):
    return [tuple(action.get(field) for field in ("type", "account") + fields)
            for action in actions]


class Arithmetic(unittest.TestCase):
    def test_prefix_split(self):
        self.assertEqual(prefix_split(10, [1, 1, 1]), [3, 3, 4])
        self.assertEqual(prefix_split(10, [1, 1, 1], round_up=True), [4, 3, 3])

    def test_price_text(self):
        self.assertEqual(price_text(Fraction(1, 3)), "0.333333333333")
        self.assertEqual(price_text(Fraction(-2, 3)), "-0.666666666667")
        self.assertEqual(price_text(Fraction(1234567890125, 10)), "123456789013")
        self.assertEqual(price_text(Fraction(9999999999999)), "10000000000000")


class RealInstant(unittest.TestCase):
    def run_instant(self, ranking):
        oracle, actions = Oracle(), []
        for line in (DATA / "commands.ndjson").read_text().splitlines():
            command = json.loads(line)
            if command["type"] == "pool":
                command["waterfall"][1]["ranking"] = ranking
            outcome, published = oracle.step(command, 1760130964831)
            self.assertEqual(outcome, "ok")
            actions += published
        closed, cost, prices = {}, {}, {}
        for action in actions:
            if action["type"] == "adl":
                market = action["market"]
                closed.setdefault(market, {})[action["account"]] = action["size_closed"]
                cost[market] = cost.get(market, 0) + Fraction(action["cost_to_mark"])
                prices.setdefault(market, set()).add(action["price"])
        return actions, closed, cost, prices

    def check_instant(self, ranking, key):
        expected = json.loads((DATA / "expected.json").read_text())
        actions, closed, cost, prices = self.run_instant(ranking)
        self.assertEqual(closed, expected[key])
        for market, total in expected["totals"].items():
            self.assertEqual(cost[market], Fraction(total["cost_to_mark"]))
            self.assertEqual(sum(map(Fraction, closed[market].values())),
                             Fraction(total["closed"]))
            self.assertEqual(prices[market], {total["price"]})
        self.assertEqual({a["type"] for a in actions}, {"adl", "liquidation_close"})

    def test_priority(self):
        self.check_instant("priority", "queue_by_priority")

    def test_pro_rata(self):
        self.check_instant("pro_rata", "pro_rata_by_size")


class Waterfall(unittest.TestCase):
    def test_fund_pays_part_and_passes_the_rest_on(self):
        world = World(INSURANCE, HAIRCUT)
        world.market("M")
        world.account("a", "0", ("M", -1, 10))
        world.account("w", "5", ("M", 1, 10))
        world.fund("0.74")
        world.mark("M", 11)
        world.send(type="transfer", account="a", amount="0.25", kind="rebate")
        actions = world.settle()
        self.assertEqual(brief(actions, "amount"), [
            ("insurance_draw", "a", "0.74"), ("write_off", "a", "0.01"),
            ("takeover", "a", None), ("haircut", "w", "0.01")])
        self.assertEqual([a["id"] for a in actions], [1, 2, 3, 4])
        self.assertEqual(world.collateral("w"), "4.99")
        self.assertEqual(world.collateral("backstop:p"), "0")

    def test_exact_cover_is_a_takeover(self):
        world = World(INSURANCE, ADL, HAIRCUT)
        world.market("M")
        world.account("a", "1", ("M", -1, 10))
        world.fund("1")
        world.mark("M", 12)
        draw, takeover = world.settle()
        self.assertEqual((draw["type"], draw["amount"]), ("insurance_draw", "1"))
        expected = {"type": "takeover", "counterparty": "backstop:p", "side": "short",
                    "size_closed": "1", "size_before": "1", "size_after": "0", "price": "12",
                    "value": "12", "mark_price": "12", "entry_price": "10",
                    "realized_pnl": "-2", "cost_to_mark": "0", "settlement": 1}
        self.assertEqual(takeover, takeover | expected)
        # the fund has nothing left and its short loses: 1 below zero, set to 0, loss 1, no payer
        world.mark("M", 13)
        self.assertEqual(brief(world.settle(), "amount"), [
            ("write_off", "backstop:p", "1"), ("unallocated_deficit", "backstop:p", "1")])

    def test_smallest_deficit_first(self):
        world = World(INSURANCE)
        for name, cash in (("a", "-3"), ("b", "-1"), ("c", "-1"), ("d", "0")):
            world.account(name, cash)
        world.fund("2.50")
        self.assertEqual(brief(world.settle(), "amount"), [
            ("insurance_draw", "b", "1"), ("insurance_draw", "c", "1"),
            ("insurance_draw", "a", "0.5"), ("write_off", "a", "2.5"),
            ("unallocated_deficit", "a", "2.5")])
        self.assertEqual(brief(world.fund("1"), "amount"), [
            ("insurance_credit", "backstop:p", "1")])
        self.assertEqual(world.pool()["unallocated_deficit"], "1.5")
        world.fund("2")
        self.assertEqual(world.collateral("backstop:p"), "0.5")

    def test_floor_and_max_per_settlement(self):
        world = World({"layer": "insurance", "floor": "4", "max_per_settlement": "3"})
        world.account("a", "-2")
        world.account("b", "-5")
        world.fund("10")
        draws = [a for a in world.settle() if a["type"] == "insurance_draw"]
        self.assertEqual(brief(draws, "amount"), [
            ("insurance_draw", "a", "2"), ("insurance_draw", "b", "1")])
        world.account("c", "-5")
        draws = [a for a in world.settle() if a["type"] == "insurance_draw"]
        self.assertEqual(brief(draws, "amount"), [("insurance_draw", "c", "3")])

    def test_netting_at_mark(self):
        world = World(ADL, HAIRCUT)
        world.market("M")
        world.account("l", "0", ("M", 5, 12))     # -10 at 10
        world.account("s", "-15", ("M", -3, 10))  # -15
        world.account("w", "50", ("M", -2, 20))   # +20
        world.mark("M", 10)
        actions = world.settle()
        self.assertEqual(brief(actions[:2], "counterparty", "size_closed", "price"), [
            ("netting", "l", "s", "3", "10"), ("netting", "s", "l", "3", "10")])
        # l first (deficit 10): 2 lots left, leg value 20 + 10, price 15, w's entry is 20
        self.assertEqual(brief(actions[2:5], "price", "amount"), [
            ("liquidation_close", "l", "15", None), ("adl", "w", "15", None),
            ("write_off", "s", None, "15")])
        # s owes 15; w's gain was 20, less the 10 the close cost it
        self.assertEqual(brief(actions[5:], "amount", "gain"), [
            ("haircut", "w", "10", "10"), ("unallocated_deficit", "backstop:p", "5", None)])


class Deleveraging(unittest.TestCase):
    def two_legs(self, btc_entry=40000, **options):
        """Maintenance 5000 and 3000 as in dydx4-adl-15, with -800 in place of +800."""
        world = World(ADL | options)
        world.market("BTC")
        world.market("ETH")
        world.account("L", "-800", ("BTC", -1, 50000), ("ETH", -10, 3000))
        world.account("O", "50000", ("BTC", 1, btc_entry))
        world.account("P", "50000", ("ETH", 10, 2000))
        world.mark("BTC", 50000)
        world.mark("ETH", 3000)
        return world, world.settle()

    def test_share_by_maintenance(self):
        world, actions = self.two_legs()
        self.assertEqual(brief(actions, "price", "cost_to_mark", "realized_pnl"), [
            ("liquidation_close", "L", "49500", "-500", "500"),
            ("adl", "O", "49500", "500", "9500"),
            ("liquidation_close", "L", "2970", "-300", "300"),
            ("adl", "P", "2970", "300", "9700")])
        self.assertEqual(world.collateral("L"), "0")

    def test_protected_at_entry_passes_the_difference_on(self):
        _, actions = self.two_legs(btc_entry=49900)
        self.assertEqual(brief(actions, "price", "realized_pnl"), [
            ("liquidation_close", "L", "49900", "100"), ("adl", "O", "49900", "0"),
            ("liquidation_close", "L", "2930", "700"), ("adl", "P", "2930", "9300")])

    def test_unprotected(self):
        _, actions = self.two_legs(btc_entry=49900, protect_principal=False)
        self.assertEqual(brief(actions, "price", "realized_pnl")[1], ("adl", "O", "49500", "-400"))

    def test_loser_is_not_touched(self):
        _, actions = self.two_legs(btc_entry=50001)
        self.assertEqual(brief(actions, "price", "amount", "market"), [
            ("liquidation_close", "L", "2920", None, "ETH"), ("adl", "P", "2920", None, "ETH"),
            ("takeover", "L", "50000", None, "BTC")])

    def test_tear_up_at_mark(self):
        _, actions = self.two_legs(btc_entry=50001, price="mark")
        self.assertEqual(brief(actions, "price", "amount"), [
            ("liquidation_close", "L", "50000", None), ("adl", "O", "50000", None),
            ("liquidation_close", "L", "3000", None), ("adl", "P", "3000", None),
            ("write_off", "L", None, "800"), ("unallocated_deficit", "L", None, "800")])

    def test_pieces_round_up_once(self):
        world = World(ADL | {"ranking": "pro_rata"})
        world.market("M")
        world.account("z", "-0.10", ("M", 3, 10))
        for name in "abc":
            world.account(name, "1", ("M", -1, 20))
        world.mark("M", 10)
        costs = [a["cost_to_mark"] for a in world.settle() if a["type"] == "adl"]
        self.assertEqual(costs, ["0.04", "0.03", "0.03"])

    def test_clamp_and_split_again(self):
        world = World(ADL | {"ranking": "pro_rata"})
        world.market("M")
        world.account("z", "-30", ("M", 6, 10))     # price 15
        world.account("a", "-92", ("M", -10, 20))   # equity 8: one lot of 5
        world.account("b", "100", ("M", -5, 20))
        world.account("c", "100", ("M", -5, 20))
        world.mark("M", 10)
        closes = [a for a in world.settle() if a["type"] == "adl"]
        # 6 over 10,5,5: 3,1,2; a takes 1; the 2 refused over 4,3: 1,1
        self.assertEqual(brief(closes, "size_closed", "cost_to_mark"), [
            ("adl", "a", "1", "5"), ("adl", "b", "2", "10"), ("adl", "c", "3", "15")])

    def test_profit_leverage_order(self):
        world = World(ADL)
        world.market("M")
        world.account("z", "-8", ("M", 8, 10))
        world.account("a", "10", ("M", -2, 20))   # (20/40)*(20/30) = 1/3
        world.account("b", "0", ("M", -2, 15))    # (10/30)*(20/10) = 2/3
        world.account("c", "90", ("M", -2, 10))   # profit 0: last
        world.mark("M", 10)
        closes = [a for a in world.settle() if a["type"] == "adl"]
        self.assertEqual(brief(closes, "rank", "price"), [
            ("adl", "b", 1, "11"), ("adl", "a", 2, "11"), ("adl", "c", 3, "10")])

    def test_fund_inventory_at_mark_then_at_bankruptcy(self):
        for mark, price, kinds in ((8, "8", 2), (4, "5", 2)):
            world = World({"layer": "insurance", "floor": "40"}, ADL)
            world.market("M")
            world.account("w", "100", ("M", -10, 10))
            world.fund("50")
            world.send(type="fill", account="backstop:p", market="M", size="10", price="10")
            world.mark("M", mark)
            actions = world.settle()
            self.assertEqual(brief(actions, "price"), [
                ("liquidation_close", "backstop:p", price), ("adl", "w", price)])
            self.assertEqual(len(actions), kinds)
            self.assertEqual(world.collateral("backstop:p"), "30" if mark == 8 else "0")


class Haircuts(unittest.TestCase):
    def test_capped_payers(self):
        world = World(HAIRCUT | {"basis": "unrealized_profit"})
        world.market("M")
        world.account("U", "-90", ("M", 10, 10))
        world.account("V", "0", ("M", 10, 10))
        world.account("S", "0", ("M", -10, 10))
        world.mark("M", 20)
        haircuts = [a for a in world.settle() if a["type"] == "haircut"]
        self.assertEqual(brief(haircuts, "amount", "gain", "loss", "gains_total", "prefix"), [
            ("haircut", "U", "10", "100", "100", "200", None),
            ("haircut", "V", "90", "100", "90", "100", "0")])
        # U has a rest of 90 but no equity: capped at 0 in the first round; V has 10 left to take
        world.account("T", "-50")
        actions = world.settle()
        self.assertEqual(brief(actions[1:], "amount", "gain", "gains_total"), [
            ("haircut", "V", "10", "10", "10"), ("unallocated_deficit", "backstop:p", "40",
                                                  None, None)])

    def test_prefix_differences(self):
        world = World(HAIRCUT)
        for name in "abc":
            world.account(name, "0")
            world.send(type="transfer", account=name, amount="0.10", kind="rebate")
        world.account("z", "-0.10")
        haircuts = world.settle()[1:]
        self.assertEqual(brief(haircuts, "amount", "prefix", "basis"), [
            ("haircut", "a", "0.03", "0", "period_gain"),
            ("haircut", "b", "0.03", "0.1", "period_gain"),
            ("haircut", "c", "0.04", "0.2", "period_gain")])

    def test_period_end_asks_the_fund_again(self):
        world = World(INSURANCE, HAIRCUT | {"divide": "period_end"}, period="1m")
        world.account("w", "10")
        world.send(type="transfer", account="w", amount="4", kind="funding")
        world.account("z", "-5")
        self.assertEqual(brief(world.settle(), "amount"), [("write_off", "z", "5")])
        self.assertEqual(world.pool()["period_loss"], "5")
        world.send("gain_withheld", type="transfer", account="w", amount="-10.01")
        world.send(type="transfer", account="w", amount="-10")
        world.fund("2")
        world.now += 60000
        self.assertEqual(brief(world.settle(), "amount", "gain"), [
            ("insurance_draw", "backstop:p", "2", None), ("haircut", "w", "3", "4")])
        self.assertEqual(world.pool()["period_loss"], "0")
        world.account("y", "-1")  # a new period: w has no gain any more
        world.settle()
        self.assertEqual(brief(world.send(type="close_period", pool="p"), "amount"), [
            ("unallocated_deficit", "backstop:p", "1")])

    def test_scope_market(self):
        world = World(HAIRCUT | {"basis": "unrealized_profit", "scope": "market"})
        world.market("A", 100000)
        world.market("B", 300000)
        world.account("z", "-80", ("A", 1, 100), ("B", 1, 100))  # 80: 20 to A, 60 to B
        world.account("a", "0", ("A", -1, 200))                  # 100 of profit in A
        world.account("b", "0", ("B", -1, 140))                  # 40 in B
        world.mark("A", 100)
        world.mark("B", 100)
        haircuts = [a for a in world.settle() if a["type"] == "haircut"]
        self.assertEqual(brief(haircuts, "amount", "market", "loss"), [
            ("haircut", "a", "20", "A", "20"), ("haircut", "b", "40", "B", "60"),
            ("haircut", "a", "20", None, "20")])


class Feeds(unittest.TestCase):
    def test_stale_update(self):
        world = World()
        world.account("a", "-1")
        self.assertEqual([a["id"] for a in world.settle()], [1, 2])
        row = {"type": "account", "account": "a", "pool": "p", "collateral": "5"}
        world.send("stale_update", **row)
        world.send("stale_update", **row, seen_action=1)
        world.send(**row, seen_action=2)

    def test_repeats(self):
        world = World()
        world.market("M")
        world.account("a", "10")
        fill = {"type": "fill", "account": "a", "market": "M", "price": "10", "trade_id": "t"}
        world.send(**fill, size="1", fee="0.50")
        world.send(**fill, size="1", fee="0.50")
        world.send("id_reused", **fill, size="2", fee="0.50")
        world.send(**fill, size="-1")  # the other side
        self.assertEqual(world.collateral("a"), "9.5")
        world.send("insufficient_equity", type="transfer", account="a", amount="-10",
                   transfer_id="x")
        world.send(type="transfer", account="a", amount="-9.5", transfer_id="x")
        world.send(type="transfer", account="a", amount="-9.5", transfer_id="x")
        world.send("id_reused", type="transfer", account="a", amount="-9", transfer_id="x")
        self.assertEqual(world.collateral("a"), "0")

    def test_waits_on_a_stale_mark(self):
        world = World(mark_max_age_ms=10000)
        world.market("M")
        world.account("a", "0", ("M", 1, 10))
        self.assertEqual(world.settle(), [])
        world.mark("M", 9)
        world.now += 10001
        self.assertEqual(world.settle(), [])
        world.now -= 1
        self.assertEqual(len(world.settle()), 3)

    def test_band(self):
        world = World(mark_max_age_ms=10000)
        world.market("M", max_move_ppm=100000)
        world.mark("M", 100)
        world.send("mark_in_future", type="mark", market="M", price="100",
                   time="2025-10-10T21:16:09.001Z")
        for second, price in ((1, 150), (1, 150), (2, 160)):
            world.send("mark_out_of_band", type="mark", market="M", price=str(price),
                       time=f"2025-10-10T21:16:0{4 + second}.000Z")
        world.mark("M", 170, time="2025-10-10T21:16:07.000Z")
        world.send("stale_mark", type="mark", market="M", price="170",
                   time="2025-10-10T21:16:06.999Z")
        world.now += 60000
        world.send("mark_out_of_band", type="mark", market="M", price="300")
        world.mark("M", 300, confirm=True)

    def test_entry_value(self):
        world = World()
        world.market("M")
        world.account("a", "0", ("M", 3, "10.3334"))
        rows = world.oracle.state()["accounts"]
        self.assertEqual(rows[0]["positions"][0]["entry_value"], "31.01")
        world.send(type="fill", account="a", market="M", size="-1", price="11")
        self.assertEqual(world.collateral("a"), "0.67")  # 11 - floor(31.01/3)
        world.send(type="fill", account="a", market="M", size="-3", price="11")
        rows = world.oracle.state()["accounts"]
        self.assertEqual(rows[0]["collateral"], "1.99")
        self.assertEqual(rows[0]["positions"], [
            {"market": "M", "size": "-1", "entry_value": "-11"}])

    def test_in_use(self):
        world = World()
        market = {"type": "market", "market": "M", "pool": "p", "contract": "linear",
                  "tick_size": "1", "multiplier": "1", "maintenance_margin_ppm": 1}
        world.market("M")
        world.account("a", "0", ("M", 1, 10))
        world.send("in_use", **market, lot_size="0.1")
        world.send(**market, lot_size="1")
        world.send("in_use", type="pool", pool="p", asset="USDC", decimals=3, waterfall=[])


if __name__ == "__main__":
    if "--data" in sys.argv:
        place = sys.argv.index("--data")
        DATA = pathlib.Path(sys.argv[place + 1])
        del sys.argv[place:place + 2]
    unittest.main()
