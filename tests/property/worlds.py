# SPDX-License-Identifier: Apache-2.0
"""Random small worlds for the property test: deterministic command streams by seed.

A world is grown with the oracle at its side, so that a fund can be made exactly as large as a
deficit, an account left one quantum short, and a seen_action be right or wrong on purpose.
`python3 worlds.py SEED` prints a world; `python3 world_stats.py N` what N worlds reach.
"""
import copy
import json
import random
import sys
from datetime import timedelta

from fractions import Fraction
from oracle import EPOCH, Oracle
from oracle_ledger import decimal_text, fixed_text
from oracle_sources import SourceWorlds
from worlds_assign import AssignWorlds
from worlds_debtors import SPLITS, DebtorWorlds
from worlds_isolated import IsolatedWorlds
from worlds_leaving import LeavingWorlds
from worlds_venue import VenueWorlds

START = 1760130964000
NAMES = ["a", "a1", "a10", "a2", "B", "b", "c-3", "Z", "d_4", "e", "zz", "K9"]
RANKINGS = ["profit_leverage", "priority", "pro_rata", "margin_profit", "profit_equity",
            "price_leverage", "leverage_water_fill"]
RULES = ["pro_rata", "pro_rata", "capped_pro_rata", "risk_aware", "min_max"]
SETTLES = ("settle", "close_period", "final_settlement")


class Grower(VenueWorlds, IsolatedWorlds, AssignWorlds, SourceWorlds, LeavingWorlds, DebtorWorlds):
    """Appends commands to a stream and keeps what the oracle answered to each."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.oracle, self.now = Oracle(), START
        self.commands, self.results = [], []
        self.trades = 0
        self.done = []  # fills and transfers that carried an id
        self.init_sources(seed)
        self.clock(0)

    def add(self, command):
        for item in self.number(command):
            result = self.add_one(item)
        return result

    def add_one(self, command):
        self.commands.append(command)
        marks = None
        if command["type"] == "clock":
            result = ("ok", [])
        else:
            if command["type"] in SETTLES:
                marks = copy_marks(self.oracle, command)
            result = self.oracle.step(copy.deepcopy(command), self.now)
        self.results.append(result + (marks,))
        return result

    def clock(self, milliseconds):
        self.now += milliseconds
        self.add({"type": "clock", "ms": self.now})

    def chance(self, share):
        return self.rng.random() < share

    # Set-up
    def waterfall(self, pool):
        rng, layers = self.rng, []
        if self.chance(0.7):
            layer = {"layer": "insurance"}
            if self.chance(0.6):
                layer["floor"] = self.money(
                    rng.choice([0, 0, 1, 50, 1000, 100000]) * self.scale, pool)
            if self.chance(0.25):
                layer["max_per_settlement"] = self.money(
                    rng.choice([0, 1, 7, 100, 3000]) * self.scale, pool)
            if self.chance(0.25):
                most = rng.choice([1, 100000, 300000, 1000000])
                layer |= {"max_drawdown_ppm": most, "resume_ppm": rng.choice([1, most // 2 or 1, most]),
                          "drawdown_window": rng.choice(["1m", "1m", "2m", "8h"])}
            layers.append(layer)
        if self.chance(0.35):
            layers.insert(rng.choice([0, len(layers), len(layers)]), self.assign_layer())
        if self.mood == "debtors" or self.chance(0.7):
            layer = {"layer": "adl",
                     "ranking": rng.choice(SPLITS if self.mood == "debtors" else RANKINGS),
                     "price": rng.choice(["bankruptcy", "bankruptcy", "bankruptcy", "mark"])}
            if self.chance(0.4):
                layer["protect_principal"] = self.chance(0.3)
            if self.chance(0.25):
                layer |= self.limits()
            layers.append(layer)
        if self.chance(0.7):
            layers.append({"layer": "haircut", "rule": rng.choice(RULES)} | self.memory() | rng.choice([
                {}, {"basis": "period_gain"}, {"divide": "at_once"}, {"divide": "period_end"},
                {"basis": "period_gain", "divide": "period_end"},
                {"basis": "unrealized_profit"}, {"basis": "unrealized_profit", "scope": "market"},
                {"basis": "unrealized_profit", "divide": "at_once", "scope": "market"},
                {"basis": "unrealized_profit", "scope": "side"},
                {"basis": "window_gain"}, {"basis": "window_gain", "divide": "period_end"}]))
            if layers[-1].get("basis", "period_gain") != "period_gain":
                layers[-1].pop("seniority", None)
            if layers[-1].get("basis") == "window_gain" and self.chance(0.4):
                layers[-1]["restitution"] = True
        return layers

    def memory(self):
        """What a haircut layer knows beyond the period; not every basis has ages."""
        rng, options = self.rng, {}
        if self.chance(0.15):
            options["seniority"] = rng.choice([1, 1, 2, 3, 7])
        if self.chance(0.2):
            options["restitution"] = True
        return options

    def limits(self):
        """Some of the options that spare counterparties of the adl layer."""
        rng, names = self.rng, ["hedged_last_ppm", "max_close_ppm", "max_close_ppm_per_day",
                                "max_loss_ppm", "max_loss_ppm_per_day"]
        return {name: rng.choice([0, 1, 100000, 333333, 500000, 900000, 1000000])
                for name in rng.sample(names, rng.choice([1, 1, 2, 5]))}

    def pool_item(self, name):
        rng = self.rng
        return {"type": "pool", "pool": name, "asset": "USDC", "decimals": self.decimals[name],
                "mark_max_age_ms": rng.choice([0, 0, 10000, 90000]),
                "period": rng.choice(["tick", "8h", "1m", "1d", "2h"]),
                "waterfall": self.waterfall(name)} | ({"trigger": rng.choice(
                    ["handover", "handover", "equity"])} if self.chance(0.25) else {})

    def set_up(self, pool):
        rng = self.rng
        self.scale = rng.choice([1, 1, 1, 10, 1000, 10 ** 6])
        self.decimals[pool] = rng.choice([0, 2, 2, 6, 8])
        self.add(self.pool_item(pool))
        markets = []
        for number in range(rng.choice([1, 1, 2, 2, 3, 4])):
            markets.append(self.add_market(pool, f"{rng.choice('MQX')}{number}-{pool}"))
        if self.chance(0.5):
            self.add({"type": rng.choice(["resume", "resume", "pause"]), "pool": pool})
        return markets

    def add_market(self, pool, name):
        rng, decimals = self.rng, self.decimals[pool]
        multiplier = rng.choice(["1", "1", "1", "10", "0.1"])
        unit = rng.choice([1, 1, 2, 7, 10, 100]) if self.scale < 10 ** 6 else rng.choice([1, 1000])
        lot_places = rng.choice([0, 0, 1, 3])
        lot = Fraction(1, 10 ** lot_places)
        tick = Fraction(unit, 10 ** decimals) / lot / Fraction(multiplier)
        contract = "linear"
        base = rng.choice([rng.randint(1, 20), rng.randint(50, 200), rng.randint(1000, 100000)])
        if self.chance(0.2):  # face = lot * multiplier / (tick * quantum)
            contract, face = "inverse", base * rng.choice([1, 7, 100, 12345]) + rng.randint(0, 3)
            tick = Fraction(1, 10 ** lot_places)
            multiplier = decimal_text(Fraction(face, 10 ** decimals) * tick / lot)
        self.add({"type": "market", "market": name, "pool": pool, "contract": contract,
                  "tick_size": decimal_text(tick), "lot_size": decimal_text(lot),
                  "multiplier": multiplier,
                  "maintenance_margin_ppm": rng.choice([0, 5000, 10000, 33333, 100000, 250000]),
                  "max_move_ppm": rng.choice([0, 0, 0, 0, 100000])} | ({"max_move_span_ms": rng.choice(
                      [0, 1, 250, 1000])} if self.chance(0.2) else {}) | ({"fund_budget": self.money(
                      rng.choice([0, 1, 50, 1000, 3000]) * self.scale, pool)}
                      if self.chance(0.15) else {})
                 | ({"own_fund": True} if self.chance(0.2) else {}))
        market = self.oracle.markets[name]
        self.base[name] = base
        self.plan[name] = max(1, round(self.base[name] * rng.uniform(0.5, 1.6)))
        return market

    def money(self, quanta, pool):
        return fixed_text(quanta, self.decimals[pool])

    def price(self, market, ticks):
        return decimal_text(ticks * market.tick)

    def rows(self, accounts, markets):
        """Balanced positions: per market some accounts whose sizes sum to 0."""
        rng, rows = self.rng, {name: [] for name in accounts}
        if self.mood == "debtors":
            return self.rows_of_debtors(accounts, markets)
        for market in markets:
            chosen = rng.sample(accounts, rng.randint(2, max(2, min(7, len(accounts)))))
            big = rng.choice([3, 12, 60, 1000])
            if self.chance(0.3):  # large, with every sum of values well inside int64
                big = min(big * self.scale, 6 * 10 ** 7)
            side = rng.choice([-1, 1, None, None])  # one against all the others, or mixed
            if self.mood == "crowd":
                chosen, side = accounts, rng.choice([-1, 1])
            sizes = [(side or rng.choice([-1, 1])) * rng.randint(1, big) for _ in chosen[1:]]
            if self.mood == "crowd" and len(chosen) > 3:  # a solvent one on the insolvent side
                sizes[0] = -sum(sizes[1:]) * rng.randint(30, 90) // 100
            sizes.insert(0, -sum(sizes))
            for name, size in zip(chosen, sizes):
                if size:
                    rows[name].append((market, size, self.entry_price(market, size)))
        return rows

    def entry_price(self, market, size):
        ticks = self.base[market.id] * self.rng.uniform(0.6, 1.5)
        if self.mood == "crowd":  # nearly all in profit at the planned mark
            side = 1 if size > 0 else -1
            ticks = self.plan[market.id] * (1 - side * self.rng.uniform(-0.05, 0.5))
        ticks = Fraction(max(1, round(ticks)))
        if self.chance(0.35):  # finer than a tick
            ticks += Fraction(self.rng.randint(1, 999999), 10 ** self.rng.choice([1, 3, 6]))
        return decimal_text(ticks * market.tick)

    def target(self, first=None):
        """The equity an account should have at the planned marks: often near or below 0."""
        rng, scale = self.rng, self.scale
        if self.mood == "crowd" and first is not None:  # one insolvent, the others just about
            self.hole = rng.randint(1, 3000) * scale if first else self.hole
            return -self.hole if first else rng.choice([
                self.hole * 1000,
                0, 1, rng.randint(0, self.hole), rng.randint(0, self.hole), self.hole * 2,
                rng.randint(0, self.hole // 4)])
        if self.mood == "mild" and self.chance(0.75):
            return rng.choice([0, rng.randint(0, 30), rng.randint(0, 3000) * scale,
                               rng.randint(3000, 100000) * scale])
        if self.mood == "mild":
            return -rng.choice([1, rng.randint(1, 30), rng.randint(1, 300) * scale])
        return rng.choice([0, -1, 1, -rng.randint(1, 30), rng.randint(0, 30),
                           -rng.randint(1, 300) * scale, -rng.randint(1, 3000) * scale,
                           rng.randint(0, 300) * scale, rng.randint(0, 3000) * scale,
                           rng.randint(0, 100000) * scale, rng.randint(0, 100000) * scale])

    def accounts(self, pool, names, markets):
        rng = self.rng
        rows, holders, decimals = self.rows(names, markets), [], self.decimals[pool]
        ranked = self.ranking(pool) == "priority"
        for name in names:
            cross, apart = self.isolate(rows[name], decimals)
            profit = sum(self.worth(market, size, price) for market, size, price in cross)
            target = (self.target_of_debtors(self.owes(name, names)) if self.mood == "debtors"
                      else self.target(name == names[0]))
            item = {"type": "account", "account": name, "pool": pool,
                    "collateral": fixed_text(target - profit, decimals)}
            legs = [{"market": market.id, "size": decimal_text(size * market.lot),
                     "entry_price": price} for market, size, price in cross] + apart
            if ranked or (len(legs) == 1 and self.chance(0.3)):
                holders += [(name, leg) for leg in legs]
            elif legs or self.chance(0.5):
                item["positions"] = legs
            if self.chance(0.25):
                item["haircut_cap_ppm"] = rng.choice([0, 1, 100000, 500000, 1000000])
            self.add(item)
        for name, leg in holders:
            item = {"type": "position", "account": name} | leg
            if ranked and self.chance(0.8):
                item["adl_priority"] = self.rng.randint(0, 5)
            self.add(item)

    def ranking(self, pool):
        layer = self.oracle.pools[pool].layer("adl") or {}
        return layer.get("ranking")

    def worth(self, market, size, price):
        entry = market.entry_value(size, Fraction(price) / market.tick)
        return market.value(size, self.plan[market.id]) - entry

    # What happens after
    def mark_all(self, markets):
        for market in markets:
            item = {"type": "mark", "market": market.id,
                    "price": self.price(market, self.plan[market.id])}
            if self.chance(0.15):
                item |= self.time_of_mark([-20000, -1000, 0, 0, 1000, 5000, 5001])
                if self.chance(0.2):
                    item["confirm"] = True
            elif self.oracle.markets[market.id].max_move_ppm and self.chance(0.6):
                item["confirm"] = True
            if self.chance(0.94):  # else it keeps the mark it had, or none
                self.add(item)

    def time_of_mark(self, distances):
        moment = EPOCH + timedelta(milliseconds=self.now + self.rng.choice(distances))
        return {"time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")}

    def mark_row(self, market):
        """Some marks about as far off as each other, times sometimes equal."""
        far = max(1, round(self.plan[market.id] * self.rng.choice([0.4, 0.8, 1.3, 2])))
        step = self.rng.choice([1, 100, 250, 499, 500])
        for _ in range(self.rng.randint(2, 6)):
            self.clock(self.rng.choice([0, 1, step, step, step]))
            near = max(1, round(far * self.rng.uniform(0.95, 1.05)))
            item = {"type": "mark", "market": market.id, "price": self.price(market, near)}
            if self.chance(0.2):
                item |= self.time_of_mark([-1000, -500, -1, 5000, 5001])
            if self.chance(0.1):
                item["confirm"] = True
            self.add(item)

    def fund(self, pool):
        """Nothing, little, exactly the deficits (all, or the smallest few), or plenty."""
        held, rng = self.oracle.pools[pool], self.rng
        layer = held.layer("insurance") or {}
        deficits = sorted(-held.equity(account) for account in held.accounts.values()
                          if held.equity(account) < 0)
        some = sum(deficits[:rng.randint(0, len(deficits))])
        amount = rng.choice([0, rng.randint(1, 50), some, some + 1, some - 1, sum(deficits),
                             sum(deficits) * 2 + rng.randint(0, 1000), some // 2])
        if held.layer("haircut") and self.chance(0.2):  # what is left is all that winners won
            amount = sum(deficits) - sum(max(0, held.gain(account))
                                         for account in held.accounts.values())
        if amount > 0 and self.chance(0.5):
            amount += held.quanta(layer.get("floor", "0"))
        if amount > 0:
            item = {"type": "insurance_fund", "pool": pool, "amount": self.money(amount, pool)}
            if self.chance(0.3):
                item["transfer_id"] = self.new_id()
                self.done.append(item)
            self.add(item)
        self.ring_fence(pool)

    def ring_fence(self, pool):
        """All that the fund has free, a part of it or too much for a market's own; or some back."""
        held, rng = self.oracle.pools[pool], self.rng
        own = [name for name, market in sorted(held.markets.items()) if market.own_fund]
        if not (own and self.chance(0.8)) and not self.chance(0.02):
            return
        market = held.markets[rng.choice(own or sorted(held.markets))]
        floor = held.quanta((held.layer("insurance") or {}).get("floor", "0"))
        free = min(held.backstop.collateral - held.kept(), held.common()) - floor
        amount = rng.choice([free, free // 2, free // 3, free + 1, 0, 1, rng.randint(1, 100),
                             -market.own_fund_balance, -(market.own_fund_balance // 2), -market.own_fund_balance - 1])
        item = {"type": "own_fund", "market": market.id, "amount": self.money(amount, pool)}
        if self.chance(0.3):
            item["transfer_id"] = self.new_id()
            self.done.append(item)
        self.add(item)

    def new_id(self):
        self.trades += 1
        return f"t{self.trades}"

    def move(self, markets):
        for market in markets:
            swing = self.rng.choice([0.02, 0.2, 0.2, 0.6])
            self.plan[market.id] = max(1, round(
                self.plan[market.id] * self.rng.uniform(1 - swing, 1 + swing)))

    def fills(self, names, markets, pool):
        """A trade between two accounts, sometimes with the backstop account on one side."""
        rng, market = self.rng, self.rng.choice(markets)
        pair = rng.sample(names, 2) if len(names) > 1 else names * 2
        if self.chance(0.35):
            pair[0] = "backstop:" + pool
            if self.chance(0.2):  # refused: the fund's cash is never set from outside
                self.add({"type": "account", "account": pair[0], "pool": pool, "collateral": "7"})
        lots = rng.choice([1, rng.randint(1, 10), rng.randint(1, 100)])
        price = self.price(market, max(1, round(self.plan[market.id] * rng.uniform(0.7, 1.3))))
        trade_id = self.new_id() if self.chance(0.5) else None
        for name, sign in zip(pair, (1, -1)):
            item = {"type": "fill", "account": name, "market": market.id,
                    "size": decimal_text(sign * lots * market.lot), "price": price}
            if self.chance(0.2):
                item["fee"] = self.money(rng.randint(-3, 9), pool)
            if trade_id:
                item["trade_id"] = trade_id
                self.done.append(item)
            self.add(item)

    def transfer(self, names, pool):
        """Mostly one that leaves the account near 0 once the planned marks are in."""
        rng, held = self.rng, self.oracle.pools[pool]
        name = rng.choice(names)
        account = held.accounts[name]
        equity = held.equity(account)
        if self.chance(0.5):
            planned = account.collateral + sum(
                self.oracle.markets[market].value(position.size, self.plan[market])
                - position.entry for market, position in account.positions.items())
            amount, kind = self.target() - planned, rng.choice(["funding", "fee", "rebate"])
        else:
            gain = min(equity, held.gain(account))
            amount = rng.choice([rng.randint(1, 500) * self.scale, -equity, -equity - 1,
                                 -(equity - gain), -(equity - gain) - 1, -rng.randint(1, 20)])
            kind = "deposit" if amount > 0 else "withdrawal"
        if amount == 0:
            return
        item = {"type": "transfer", "account": name, "amount": self.money(amount, pool)}
        if kind in ("funding", "fee", "rebate") or self.chance(0.5):
            item["kind"] = kind
        if self.chance(0.4):
            item["transfer_id"] = self.new_id()
            self.done.append(item)
        self.add(item)

    def repeat(self):
        if self.done:
            item = dict(self.rng.choice(self.done))
            if self.chance(0.4):
                field = "price" if item["type"] == "fill" else "amount"
                item[field] = decimal_text(Fraction(item[field]) * 2)
            self.add(item)

    def update(self, names, markets, pool):
        """An absolute update that has, or has not, seen the account's last action."""
        rng, accounts = self.rng, self.oracle.pools[pool].accounts
        booked = [name for name in names
                  if any(position.taken for position in accounts[name].positions.values())]
        name = rng.choice(booked or names)
        account = accounts[name]
        seen = account.last_action if self.chance(0.75) else rng.randint(0, account.last_action)
        if self.chance(0.05):
            seen = self.oracle.pools[pool].last_action + rng.choice([0, 1, 1, 1000])
        if self.chance(0.4):
            item = {"type": "account", "account": name, "pool": pool,
                    "collateral": self.money(account.collateral + self.target(), pool)}
            if self.chance(0.3):
                market = rng.choice(markets)
                size = rng.choice([-2, 1, 5])
                item["positions"] = [{"market": market.id, "size": decimal_text(size * market.lot),
                                      "entry_price": self.entry_price(market, size)}]
        else:
            taken = [market for market in markets if market.id in account.positions
                     and account.positions[market.id].taken]
            market = rng.choice(taken or markets)
            held = account.positions.get(market.id)
            size = held.size if held else rng.randint(-9, 9)
            size = rng.choice([size, size * 2, size // 2, -size, 0])
            item = {"type": "position", "account": name, "market": market.id,
                    "size": decimal_text(size * market.lot),
                    "entry_price": self.entry_price(market, size)}
            if self.ranking(pool) == "priority" and self.chance(0.7):
                item["adl_priority"] = rng.randint(0, 5)
        if seen or self.chance(0.2):
            item["seen_action"] = seen
        self.add(item)

    def oddity(self, names, markets, pool):
        """What must be refused, or changes the set-up."""
        rng, market = self.rng, self.rng.choice(markets)
        kind = rng.randrange(5)
        if kind == 0:
            self.add(self.pool_item(pool))
        elif kind == 1:
            self.add({"type": rng.choice(["pause", "resume"]), "pool": pool})
        elif kind == 2 and any(market.id in account.positions for account in
                               self.oracle.pools[pool].accounts.values()):
            self.add({"type": "market", "market": market.id, "pool": pool, "contract": "linear",
                      "tick_size": decimal_text(market.tick),
                      "lot_size": decimal_text(market.lot * rng.choice([1, 10])),
                      "multiplier": decimal_text(market.multiplier),
                      "maintenance_margin_ppm": rng.choice([0, 20000]),
                      "max_move_ppm": market.max_move_ppm, "max_move_span_ms": market.max_move_span_ms})
        elif kind == 3:
            item = self.pool_item(pool)
            self.add(item | {"decimals": item["decimals"] + 1})
        else:
            self.add({"type": "transfer", "account": "nobody", "amount": "1"})

    def window(self, pool):
        """Opened before a default, closed some time after it; now and then by another name."""
        held, rng = self.oracle.pools[pool], self.rng
        basis = (held.layer("haircut") or {}).get("basis")
        if self.chance(0.02 if basis != "window_gain" else 0.15 if held.window else 0.75):
            kind = rng.choice(["close_window", "close_window", "open_window"]
                              if held.window else ["open_window"] * 9 + ["close_window"])
            name = held.window if held.window and self.chance(0.8) else rng.choice(["w1", "w2"])
            self.add({"type": kind, "pool": pool, "name": name})

    def window_cycles(self, names, markets, pool):
        """Periods of an open window: gains move, somebody fails, the fund is topped up."""
        held, rng = self.oracle.pools[pool], self.rng
        for _ in range(rng.randint(1, 4) if held.window else 0):
            self.clock(100)
            self.move(markets)
            if self.chance(0.3):
                self.transfer(names, pool)
            if self.chance(0.3):
                debtor = rng.choice(names)
                left = max(0, held.equity(held.accounts[debtor])) + rng.randint(1, 300) * self.scale
                self.add({"type": "transfer", "account": debtor, "kind": "fee",
                          "amount": self.money(-left, pool)})
            self.mark_all(markets)
            if self.chance(0.4):
                floor = held.quanta((held.layer("insurance") or {}).get("floor", "0"))
                taken = sum(account.window_taken for account in held.accounts.values())
                amount = max(0, floor - held.common()) + held.unallocated + rng.randint(0, 2 * taken + 5)
                self.add({"type": "insurance_fund", "pool": pool, "amount": self.money(amount + 1, pool)})
            self.hand_over(pool)
            self.add({"type": rng.choice(["settle", "close_period", "close_period"]), "pool": pool})
        self.window(pool)

    def settle(self, pool):
        self.hand_over(pool)
        kind = "close_period" if self.chance(0.2) else "settle"
        self.add({"type": kind, "pool": pool})
        self.unfilled(pool, kind)

    def second_loss(self, names, pool):
        """A position that paid a haircut shrinks; then somebody else's loss asks it again."""
        rng, held = self.rng, self.oracle.pools[pool]
        booked = [(name, market) for name in names
                  for market, position in sorted(held.accounts[name].positions.items())
                  if position.taken and abs(position.size) > 1]
        if not booked:
            return
        name, market_id = rng.choice(booked)
        account, market = held.accounts[name], held.markets[market_id]
        position = account.positions[market_id]
        side, kept = (1 if position.size > 0 else -1), rng.randint(1, abs(position.size) - 1)
        if self.chance(0.5):
            entry = max(1, position.entry // position.size // market.unit)
            self.add({"type": "position", "account": name, "market": market_id,
                      "size": decimal_text(side * kept * market.lot),
                      "entry_price": self.price(market, entry),
                      "seen_action": account.last_action})
        else:
            self.add({"type": "fill", "account": name, "market": market_id,
                      "size": decimal_text((kept * side - position.size) * market.lot),
                      "price": self.price(market, market.mark)})
        self.add({"type": "transfer", "account": name, "kind": "deposit",
                  "amount": self.money(rng.randint(1, 10 ** 5) * self.scale, pool)})
        debtor = rng.choice([other for other in names if other != name])
        left = held.equity(held.accounts[debtor])
        owed = max(1, held.rest(account, market_id)) * rng.randint(1, 150) // 100 + 1
        self.add({"type": "transfer", "account": debtor, "kind": "fee",
                  "amount": self.money(-left - owed, pool)})
        self.settle(pool)

    def end_period(self, names, pool):
        """With a loss still open: withdrawals at their limit, the fund topped up, the end."""
        held = self.oracle.pools[pool]
        for _ in range(self.rng.randint(0, 2)):
            self.transfer(names, pool)
        if self.chance(0.6):
            share = self.rng.choice([held.period_loss, held.period_loss // 2, 1])
            floor = held.quanta((held.layer("insurance") or {}).get("floor", "0"))
            amount = share + max(0, floor - held.equity(held.backstop)) + held.unallocated
            if amount > 0:
                self.add({"type": "insurance_fund", "pool": pool,
                          "amount": self.money(amount, pool)})
        if held.period_end and self.chance(0.5):
            # engine time never goes back, also when the period is already over
            ahead = held.period_end - self.now + self.rng.choice([-1, 0, 0, 5000])
            self.clock(max(0, ahead))
            self.mark_all([held.markets[name] for name in sorted(held.markets)])
            self.add({"type": "settle", "pool": pool})
        else:
            self.add({"type": "close_period", "pool": pool})

    def later_round(self, names, markets, pool):
        rng = self.rng
        self.clock(rng.choice([0, 100, 3000, 10000, 10001, 50000, 60000]))
        self.move(markets)
        for market in markets:
            if self.oracle.markets[market.id].max_move_ppm and self.chance(0.3):
                self.mark_row(market)
        for _ in range(rng.randint(0, 4)):
            pick = rng.random()
            if self.isolates and self.chance(0.4):
                self.isolated_news(names, markets, pool)
            elif pick < 0.25:
                self.fills(names, markets, pool)
            elif pick < 0.55:
                self.transfer(names, pool)
            elif pick < 0.8:
                self.update(names, markets, pool)
            elif pick < 0.9:
                self.repeat()
            else:
                self.oddity(names, markets, pool)
            if self.chance(0.15):
                self.leaving(names, pool)
        if self.chance(0.3):
            self.providers(names, markets, pool)
        self.mark_all(markets)
        if self.chance(0.1):
            self.clock(rng.choice([1, 9999, 10000, 10001]))
        if self.chance(0.3):
            self.fund(pool)
        self.settle(pool)
        self.window(pool)

    def grow(self):
        rng = self.rng
        self.decimals, self.base, self.plan = {}, {}, {}
        self.isolates = self.chance(0.25)
        self.mood = rng.choice(["any", "any", "mild", "mild", "crowd", "debtors"])
        self.owing = rng.choice([3, 5, 7])  # of ten
        pools = ["p", "q"] if self.chance(0.08) else ["p"]
        markets = {pool: self.set_up(pool) for pool in pools}
        sizes = [6, 8, 10, 12] if self.mood == "debtors" else [2, 3, 4, 5, 6, 8, 10, 12]
        names = rng.sample(NAMES, rng.choice(sizes))
        half = len(names) // 2
        parts = dict(zip(pools, [names] if len(pools) == 1 else [names[:half], names[half:]]))
        for pool in pools:
            parts[pool] = parts[pool] if len(parts[pool]) > 1 else parts[pool] + [f"x{pool}"]
            self.accounts(pool, parts[pool], markets[pool])
        for pool in pools:
            self.window(pool)
            self.standing_providers(pool)
            self.providers(parts[pool], markets[pool], pool)
            self.mark_all(markets[pool])
            if self.chance(0.6):
                self.fund(pool)
            if self.chance(0.2):
                self.fills(parts[pool], markets[pool], pool)
            if self.chance(0.25):
                self.leaving(parts[pool], pool)
            self.settle(pool)
        for _ in range(rng.choice([0, 1, 1, 2, 3])):
            if len(self.commands) < 45:
                pool = rng.choice(pools)
                self.later_round(parts[pool], markets[pool], pool)
            for pool in pools:
                self.window_cycles(parts[pool], markets[pool], pool)
            pool = rng.choice(pools)
            if self.chance(0.1):
                self.final_settlement(parts[pool], markets[pool], pool)
            if self.chance(0.5):
                self.second_loss(parts[pool], pool)
            self.end_periods(pools, parts)
        self.end_periods(pools, parts)

    def end_periods(self, pools, parts):
        for pool in pools:
            if self.oracle.pools[pool].period_loss and self.chance(0.6):
                self.end_period(parts[pool], pool)


def copy_marks(oracle, command):
    """(pool's decimals, lot, mark in ticks, unit, inverse): what a ledger is valued with."""
    marks = {name: (oracle.pools[market.pool].decimals, market.lot, market.mark or 0, market.unit,
                    market.inverse) for name, market in oracle.markets.items()}
    if command["type"] == "final_settlement" and command["market"] in marks:
        decimals, lot, _, *rest = marks[command["market"]]
        ticks = Fraction(command["price"]) / oracle.markets[command["market"]].tick
        marks[command["market"]] = (decimals, lot, int(ticks), *rest)
    return marks


def expected_world(seed):
    """(commands, results): results are (outcome, actions, marks before a settlement or None)."""
    grower = Grower(seed)
    grower.grow()
    return grower.commands, grower.results, grower.oracle.state()


def world(seed):
    return expected_world(seed)[0]


def replay(commands, oracle=None):
    """What the oracle says to a stream that was not grown here (a shrunk one)."""
    oracle, now, results = oracle or Oracle(), 0, []
    for command in commands:
        marks = copy_marks(oracle, command) if command["type"] in SETTLES else None
        if command["type"] == "clock":
            now = command["ms"]
            results.append(("ok", [], None))
        else:
            results.append(oracle.step(copy.deepcopy(command), now) + (marks,))
    return results, oracle.state()


if __name__ == "__main__":
    for line in world(int(sys.argv[1])):
        print(json.dumps(line))
