# SPDX-License-Identifier: Apache-2.0
"""What each rule can promise: the table in docs/policies.md, cell by cell, against the engine.

`properties.py --engine PATH`: a cell that says `holds` must hold in every one of some random worlds;
one that says `not` needs a world that breaks it, which is printed. `--show RULE PROPERTY` prints the
world and what became of it. Columns and rows are those of the table; none may be missing.

A world: one market, mark 1000, five winners w1..w5 short at different entries with different cash,
one or more bankrupt longs, and the rest of the market in one hand. Amounts are large against a
quantum, so that a difference beyond the tolerance is one of the rule, not of rounding.
"""
import argparse
import copy
import pathlib
import random
import sys
import time
from dataclasses import dataclass, field, replace

from run import Engine

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "policies.md"
CAPACITY = " --accounts 64 --positions 64 --markets 2 --pools 2 --dedupe 64"
MARK, LOSER_ENTRY = 1000, 1300
WORLDS, SEARCH = 100, 1000  # for a cell that holds; to look for a world that breaks one that does not
QUEUES = ("profit_leverage", "margin_profit", "profit_equity", "price_leverage", "priority")


@dataclass
class Rule:
    layer: dict
    lots: int = 0  # by how many lots a share may be rounded
    takes: int = 25  # at most so much a lot is owed: less than anybody's profit a lot
    cap: int | None = None  # the haircut_cap_ppm of everybody


def rules():
    found = {f"adl `{name}`": Rule({"layer": "adl", "ranking": name}) for name in QUEUES}
    for name in ("pro_rata", "leverage_water_fill"):
        found[f"adl `{name}`"] = Rule({"layer": "adl", "ranking": name}, lots=1)
        found[f"adl `{name}` at mark"] = Rule(
            {"layer": "adl", "ranking": name, "price": "mark"}, lots=1)
    for name in ("pro_rata", "capped_pro_rata", "risk_aware", "min_max"):
        found[f"haircut `{name}`"] = Rule({"layer": "haircut", "rule": name}, takes=150)
    found["haircut `capped_pro_rata`, one cap for all"] = Rule(
        {"layer": "haircut", "rule": "capped_pro_rata"}, takes=150, cap=400000)
    found["adl `profit_leverage`, `protect_principal` off"] = Rule(
        {"layer": "adl", "ranking": "profit_leverage", "protect_principal": False})
    found["haircut `pro_rata` of `unrealized_profit`"] = Rule(
        {"layer": "haircut", "rule": "pro_rata", "basis": "unrealized_profit"}, takes=150)
    return found


@dataclass
class Account:
    name: str
    cash: int
    lots: int  # signed
    entry: int
    priority: int | None = None
    cap: int | None = None

    def gain(self):
        return self.lots * (MARK - self.entry)

    def item(self):
        leg = {"market": "M", "size": str(self.lots), "entry_price": str(self.entry)}
        if self.priority is not None:
            leg["adl_priority"] = self.priority
        item = {"type": "account", "account": self.name, "pool": "p", "collateral": str(self.cash),
                "positions": [leg] if self.lots else []}
        return item | ({"haircut_cap_ppm": self.cap} if self.cap is not None else {})


@dataclass
class World:
    winners: list
    losers: list
    owed: int  # a lot
    before: list = field(default_factory=list)  # commands between the marks and the settlement
    later: list = field(default_factory=list)  # and before a second one
    backwards: bool = False  # posted in the opposite order

    def commands(self, layer):
        held = sum(account.lots for account in self.winners + self.losers)
        accounts = self.winners + self.losers + [Account("rest", 10 ** 12, -held, MARK)]
        items = [account.item() for account in accounts]
        return [{"type": "reset"},
                {"type": "pool", "pool": "p", "asset": "USDC", "decimals": 0, "mark_max_age_ms": 0,
                 "waterfall": [layer]},
                {"type": "market", "market": "M", "pool": "p", "contract": "linear",
                 "tick_size": "1", "lot_size": "1", "multiplier": "1",
                 "maintenance_margin_ppm": 20000},
                *(items[::-1] if self.backwards else items),
                {"type": "mark", "market": "M", "price": str(MARK)}, *self.before]


def loser(name, lots, owed):
    return Account(name, lots * (LOSER_ENTRY - MARK) - owed, lots, LOSER_ENTRY)


def random_world(seed, rule, poor=False):
    dice = random.Random(seed)
    owed = dice.randint(1, rule.takes)
    priorities = dice.sample(range(100), 5)
    winners = []
    for number, priority in enumerate(priorities, 1):
        lots, profit = 6 * dice.randint(1, 30), dice.randint(30, 400)
        cash = 6 * dice.choice([dice.randint(10, 300), dice.randint(10, 20000)])
        if poor:  # in debt but for its profit, or with hardly a quantum of cash
            cash = dice.choice([cash, dice.randint(1, 9), -6 * dice.randint(0, lots * profit // 12)])
        winners.append(Account(f"w{number}", cash, -lots, MARK + profit, priority,
                               rule.cap or dice.choice([None, 200000, 600000])))
    lots = -sum(account.lots for account in winners) * dice.randint(15, 70) // 600 * 6
    lots = max(6, lots)
    return World(winners, [loser("bankrupt", lots, lots * owed)], owed)


class Result:
    """By account: what it lost, how many lots were closed; and the pool's books."""

    def __init__(self, engine, world, rule):
        asked = world.commands(rule.layer) + [{"type": "state"}, {"type": "settle", "pool": "p"}]
        if world.later:
            asked += world.later + [{"type": "settle", "pool": "p"}]
        answers = engine.ask(asked + [{"type": "state"}])
        refused = [answer for answer in answers if answer.get("outcome", "ok") != "ok"]
        assert not refused, refused
        first = len(world.commands(rule.layer))
        self.before, self.after = answers[first], answers[-1]
        self.actions = [action for answer in answers[first + 1:-1] for action in answer["actions"]]
        old, new = self.rows(self.before), self.rows(self.after)
        self.lost = {name: old[name][0] - new[name][0] for name in old}
        self.closed = {name: abs(old[name][1]) - abs(new[name][1]) for name in old}

    @staticmethod
    def rows(state):
        return {row["account"]: (int(row["equity"]), sum(int(p["size"]) for p in row["positions"]))
                for row in state["accounts"]}

    def money(self, state):
        pool = state["pools"][0]
        return (sum(int(row["collateral"]) - sum(int(p["entry_value"]) for p in row["positions"])
                    for row in state["accounts"])
                - int(pool["period_loss"]) - int(pool["unallocated_deficit"]))

    def of(self, names):
        return (sum(self.lost[name] for name in names), sum(self.closed[name] for name in names))


def differ(world, rule, pairs, parts=1):
    """The first of [(what, (money, lots) expected, got)] that differs by more than rounding."""
    lots = rule.lots * parts
    money = parts + lots * (world.owed + 1)
    for what, (lost, closed), (other_lost, other_closed) in pairs:
        if abs(closed - other_closed) > lots or abs(lost - other_lost) > money:
            return (f"{what}: loses {lost} and {closed} lots in one case, {other_lost} and "
                    f"{other_closed} lots in the other")
    return None


def each(world, one, other, names=lambda name: [name]):
    return [(account.name, one.of([account.name]), other.of(names(account.name)))
            for account in world.winners]


# Properties: (engine, rule, seed) -> what is wrong, or None


def conserves(engine, rule, seed):
    wild = replace(rule, takes=rule.takes * 20)
    world = random_world(seed, wild, poor=True)
    found = Result(engine, world, rule)
    if found.money(found.before) != found.money(found.after):
        return "money is not conserved"
    rows = Result.rows(found.before), Result.rows(found.after)
    if sum(lots for _, lots in rows[0].values()) != sum(lots for _, lots in rows[1].values()):
        return "lots are not conserved"
    unborne = int(found.after["pools"][0]["unallocated_deficit"])
    taken = sum(found.lost[account.name] for account in world.winners) + unborne
    needed = -rows[0]["bankrupt"][0]
    return None if taken == needed else f"{taken} taken and unallocated for {needed}"


def spares_principal(engine, rule, seed):
    world = random_world(seed, replace(rule, takes=rule.takes * 20))
    found = Result(engine, world, rule)
    for account in world.winners:
        if found.lost[account.name] > max(0, account.gain()):
            return f"{account.name} gained {account.gain()} and loses {found.lost[account.name]}"
    return None


def ignores_order(engine, rule, seed):
    world = random_world(seed, rule)
    one = Result(engine, world, rule)
    if Result(engine, replace(world, backwards=True), rule).actions != one.actions:
        return "posted in another order, the actions are others"
    other = copy.deepcopy(world)
    for account in other.winners:
        account.name = renamed(account.name)
    return differ(world, rule, each(world, one, Result(engine, other, rule),
                                    lambda name: [renamed(name)]))


def renamed(name):
    return "w" + str(6 - int(name[1:]))


def divided(account, shares, cash):
    """Its parts: so many sixths of its lots, and these amounts of its cash."""
    return [replace(account, name=f"{account.name}.{number}", lots=account.lots * share // 6,
                    cash=amount) for number, (share, amount) in enumerate(zip(shares, cash))]


def split_case(engine, rule, seed, divide):
    world = random_world(seed, rule)
    number = random.Random(seed).randrange(5)
    account = world.winners[number]
    parts = divide(account, random.Random(~seed))
    other = replace(world, winners=world.winners[:number] + parts + world.winners[number + 1:])
    one, two = Result(engine, world, rule), Result(engine, other, rule)
    names = {account.name: [part.name for part in parts]}
    return differ(world, rule, each(world, one, two, lambda name: names.get(name, [name])), len(parts))


def survives_even_split(engine, rule, seed):
    return split_case(engine, rule, seed, lambda account, dice: divided(
        account, (1, 2, 3), [account.cash * share // 6 for share in (1, 2, 3)]))


def survives_any_split(engine, rule, seed):
    def divide(account, dice):
        first = dice.choice([0, account.cash, account.cash * dice.randint(0, 100) // 100])
        return divided(account, dice.choice([(1, 5), (5, 1), (3, 3)]), [first, account.cash - first])
    return split_case(engine, rule, seed, divide)


def keeps_order(engine, rule, seed):
    world = random_world(seed, rule)
    found = Result(engine, world, rule)
    kept = sorted((account.gain(), account.gain() - found.lost[account.name], account.name)
                  for account in world.winners)
    for (less, rest, name), (more, left, other) in zip(kept, kept[1:]):
        if left < rest - 1 - rule.lots * (world.owed + 1):
            return (f"{other} gained {more} and keeps {left}, {name} gained {less} and keeps {rest}")
    return None


def scales(engine, rule, seed, by=7):
    world = random_world(seed, rule, poor=True)
    large = replace(world, **{side: [replace(account, cash=account.cash * by, lots=account.lots * by)
                                     for account in getattr(world, side)]
                              for side in ("winners", "losers")})
    one, other = Result(engine, world, rule), Result(engine, large, rule)
    return differ(world, rule, [(name, (lost * by, closed * by), got)
                                for name, (lost, closed), got in each(world, one, other)],
                  by * len(world.winners))


def ignores_path(engine, rule, seed):
    """The same lots and debt in one settlement, or a third of them in one and the rest in a next."""
    world = random_world(seed, rule)
    lots = world.losers[0].lots
    parts = [loser("bankrupt", lots // 3, lots // 3 * world.owed), loser("second", lots // 3 * 2, -7)]
    fee = {"type": "transfer", "account": "second", "kind": "fee",
           "amount": str(-7 - lots // 3 * 2 * world.owed)}
    one = Result(engine, world, rule)
    two = Result(engine, replace(world, losers=parts, later=[fee]), rule)
    return differ(world, rule, each(world, one, two), 3)


def washed(engine, rule, seed, in_profit):
    world = random_world(seed, rule)
    if not in_profit:  # nobody's position is in profit, all lost the same; cash makes up for it
        for account in world.winners:
            account.cash += 2 * account.gain()
            account.entry = 2 * MARK - account.entry
    account = random.Random(seed).choice(world.winners)
    fills = [{"type": "fill", "account": account.name, "market": "M", "size": str(lots),
              "price": str(MARK)} for lots in (-account.lots, account.lots)]
    one = Result(engine, world, rule)
    return differ(world, rule, each(world, one, Result(engine, replace(world, before=fills), rule)))


def ignores_wash(engine, rule, seed):
    return washed(engine, rule, seed, in_profit=True)


def ignores_losers_wash(engine, rule, seed):
    return washed(engine, rule, seed, in_profit=False)


PROPERTIES = {"conserving, minimal": conserves, "no principal": spares_principal,
              "permutation": ignores_order, "Sybil, even split": survives_even_split,
              "Sybil, any split": survives_any_split, "monotone": keeps_order, "scale": scales,
              "path": ignores_path, "wash trade": ignores_wash,
              "wash trade at a loss": ignores_losers_wash}


def table():
    """{(rule, property): whether the page says that it holds}."""
    lines = PAGE.read_text(encoding="utf-8").split("<!-- properties -->\n")[1].split("\n\n")[0]
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")]
                      for line in lines.split("\n")]
    words = {"holds": True, "not": False}
    return {(row[0], name): words[cell] for row in rows for name, cell in zip(head[1:], row[1:])}


def check_cell(engine, rule, holds, prove):
    """(what is wrong or None, the counterexample or None)."""
    for seed in range(WORLDS if holds else SEARCH):
        found = prove(engine, rule, seed)
        if found and holds:
            return f"world {seed}: {found}", None
        if found:
            return None, f"world {seed}: {found}"
    return (None, None) if holds else (f"no counterexample in {SEARCH} worlds", None)


def show(engine, name, of):
    rule, prove = rules()[name], PROPERTIES[of]
    for seed in range(SEARCH):
        found = prove(engine, rule, seed)
        if found:
            for account in random_world(seed, rule, poor=prove is scales).winners:
                print(account, "gain", account.gain())
            print(random_world(seed, rule, poor=prove is scales).losers, found)
            return
    print("no counterexample")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--engine", required=True, help="the replay tool")
    parser.add_argument("--show", nargs=2, metavar=("RULE", "PROPERTY"))
    options = parser.parse_args()
    engine, began = Engine(options.engine + CAPACITY), time.monotonic()
    if options.show:
        return show(engine, *options.show)
    stated, known = table(), rules()
    failed = sorted({f"{rule}, {name}" for rule in known for name in PROPERTIES}
                    ^ {f"{rule}, {name}" for rule, name in stated})
    print(*(f"in the table or here, not in both: {cell}" for cell in failed), sep="\n")
    counts = {True: 0, False: 0}
    for (rule, name), holds in stated.items():
        if rule not in known or name not in PROPERTIES:
            continue
        wrong, example = check_cell(engine, known[rule], holds, PROPERTIES[name])
        if wrong:
            failed.append(wrong)
            print(f"FAILED {rule}, {name} ({'holds' if holds else 'not'}): {wrong}", flush=True)
        else:
            counts[holds] += 1
        if example:
            print(f"{rule}, not {name}: {example}")
    engine.stop()
    print(f"{counts[True]} cells hold in {WORLDS} worlds each, {counts[False]} have a counterexample; "
          f"{time.monotonic() - began:.0f} s")
    print(f"{sum(counts.values())} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
