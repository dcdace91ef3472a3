# SPDX-License-Identifier: Apache-2.0
"""Exhaustive small worlds: every book of up to 3 accounts, sizes -2..2, 3 prices, every waterfall.

`exhaustive.py --engine PATH` runs a slice of them (CI), `--all` every one (`./dev exhaust`). Each
run: the engine and the oracle publish the same actions and keep the same ledger, and the engine's
own books conserve money and sizes and take exactly what was owed.

A book: one market, accounts a, b, c, each flat or long or short 1 or 2 from one of the prices, with
one of the amounts of cash, at one of the prices as mark; or a, b and the fund as the third holder.
What is left out, and why nothing is lost by it:
  - a flat account with cash: nothing asks it for anything, as it has no gain and no position. One
    that owes is in;
  - of books in which nobody owes (and the fund is not below a floor), all waterfalls but one, by
    turns: a run detects before it looks at a layer;
  - of books whose sizes do not sum to 0 (a book half posted), waterfalls beyond the cover, and
    funds but a short one: the only one of these that is a choice and not sound by itself.
Every adl layer is combined with every haircut layer and every fund; the cover, which the slice takes
too, is every adl layer with three haircuts and every haircut with three adl layers. Accounts differ
in adl_priority and haircut_cap_ppm, so no two names can be exchanged. All of them are providers, each
within limits of its own; the waterfalls that ask them are every assign layer with three adl and two haircut layers.
"""
import argparse
import itertools
import json
import multiprocessing
import subprocess
import sys
import time

from oracle import Oracle, check_waterfall
from oracle_ledger import Pool, Position
from oracle_settlement import Settlement
from run import action_difference

NAMES = ("a", "b", "c")
FUND = "backstop:p"
SIZES, PRICES, CASH = range(-2, 3), (3, 5, 8), (-1, 2, 9)
PRIORITY, CAP = {"a": 2, "b": 1}, {"a": 500000, "c": 0}
NOW = 1760130964000
# With values of 3 to 16 a spread of a tenth is 0 or 1, and may be more than is owed.
ASSIGNS = ({"layer": "assign"}, {"layer": "assign", "spread_ppm": 100000},
           {"layer": "assign", "spread_ppm": 100000, "max_cost_ppm": 10 ** 9})
LIMITS = {"a": {"max_position": "1", "max_leverage_ppm": 3 * 10 ** 6, "priority": 7},
          "b": {"max_position": "2", "max_leverage_ppm": 10 ** 7},
          "c": {"max_position": "2", "max_size": "1", "max_leverage_ppm": 10 ** 7,
                "quota_period": "8h", "quota_ppm": 900000}}
CHUNK = 2000  # runs in one process of the engine
SLICE = {True: 331, False: 1103}  # one in so many of balanced and other books; no factors of the cover
SHOWN = 5
CAPACITY = ["--accounts", "8", "--positions", "8", "--markets", "2", "--pools", "2", "--dedupe", "16"]
ACCEPTED = b'{"outcome":"ok",'
RANKINGS = ("profit_leverage", "priority", "pro_rata", "margin_profit", "profit_equity",
            "price_leverage", "leverage_water_fill")
RULES = ("pro_rata", "capped_pro_rata", "risk_aware", "min_max")
BASES = ({}, {"divide": "period_end"}, {"basis": "unrealized_profit"},
         {"basis": "unrealized_profit", "scope": "market"},
         {"basis": "unrealized_profit", "scope": "side"}, {"basis": "window_gain"})
# (layer or None, money in the fund)
FUNDS = ((None, 0), ({"layer": "insurance"}, 2), ({"layer": "insurance", "floor": "2"}, 3))
CLASSIC = {"layer": "adl", "ranking": "profit_leverage"}
TEAR_UP = {"layer": "adl", "ranking": "pro_rata", "price": "mark"}
PRESETS = {"classic_queue": [CLASSIC],
           "margin_profit_queue": [CLASSIC | {"ranking": "margin_profit"}],
           "session_clawback": [{"layer": "haircut", "divide": "period_end"}],
           "mark_to_market_window": [{"layer": "haircut"}],
           "ccp_end_of_waterfall": [TEAR_UP, {"layer": "haircut"}],
           "leverage_water_filling": [TEAR_UP | {"ranking": "leverage_water_fill"},
                                      {"layer": "haircut"}]}


OPEN_WINDOW = json.dumps({"type": "open_window", "pool": "p", "name": "w"})


class Waterfall:
    def __init__(self, layers, money, preset=None, period="8h"):
        check_waterfall(layers)
        self.layers, self.money, self.period = layers, money, period
        self.closes = any(layer.get("divide") == "period_end" for layer in layers)
        self.window = any(layer.get("basis") == "window_gain" for layer in layers)
        self.name = preset or json.dumps(layers)
        self.lines = [json.dumps({"type": "pool", "pool": "p", "asset": "USDC", "decimals": 0,
                                  "mark_max_age_ms": 0, "waterfall": preset or layers})]
        if self.window:
            self.lines.append(OPEN_WINDOW)
        if money:
            self.fund = json.dumps({"type": "insurance_fund", "pool": "p", "amount": str(money)})


def adl_layers():
    for ranking in RANKINGS:
        layer = {"layer": "adl", "ranking": ranking}
        yield layer
        yield layer | {"protect_principal": False}
        yield layer | {"price": "mark"}
    yield CLASSIC | {"max_close_ppm": 500000}
    yield TEAR_UP | {"price": "bankruptcy", "max_loss_ppm": 500000}


def waterfalls(cover, funds=FUNDS):
    adls = [None, *adl_layers()]
    haircuts = [None] + [{"layer": "haircut", "rule": rule} | base
                         for rule in RULES for base in BASES]
    pairs = list(itertools.product(adls, haircuts))
    if cover:
        some_adl = (None, CLASSIC, TEAR_UP)
        some_haircuts = (None, haircuts[1], haircuts[-1])
        pairs = [(adl, haircut) for adl, haircut in pairs
                 if adl in some_adl or haircut in some_haircuts]
    found = [Waterfall([layer for layer in (fund, *pair) if layer], money)
             for fund, money in funds for pair in pairs]
    found += [Waterfall([layer for layer in (fund, assign, adl, haircut) if layer], money)
              for fund, money in funds for assign in ASSIGNS for adl in (None, CLASSIC, TEAR_UP)
              for haircut in (None, {"layer": "haircut"})]
    return found + [Waterfall([{"layer": "insurance"}, *layers], money, name,
                              "tick" if name == "mark_to_market_window" else "8h")
                    for name, layers in PRESETS.items() for _, money in funds if money != 3]


# Books: (rows, fund's position or None, mark); a row is (name, size, entry price or None, cash)


def rows(name, size):
    if size == 0:
        return [None, (name, 0, None, -1)]
    return [(name, size, entry, cash) for entry in PRICES for cash in CASH]


def books(balanced):
    for sizes in itertools.product(SIZES, repeat=3):
        if (sum(sizes) == 0) == balanced:
            for found in itertools.product(*map(rows, NAMES, sizes)):
                for mark in PRICES:
                    yield [row for row in found if row], None, mark
    for a, b in itertools.product(SIZES, repeat=2) if balanced else ():
        if 0 < abs(a + b) <= 2 and a:  # one trader alone is a, whatever its name
            for found in itertools.product(rows("a", a), rows("b", b), PRICES, PRICES):
                yield [row for row in found[:2] if row], (-a - b, found[2]), found[3]


class Book:
    """One book as command lines, and as the oracle's pool to be copied for each waterfall."""

    def __init__(self, rows, fund, mark):
        self.commands = [self.account(*row) for row in rows]
        if fund:
            self.commands.append({"type": "fill", "account": FUND, "market": "M",
                                  "size": str(fund[0]), "price": str(fund[1])})
        self.commands += [{"type": "provider", "account": name, "market": "M"} | LIMITS[name]
                          for name, *_ in rows]
        self.commands.append({"type": "mark", "market": "M", "price": str(mark)})
        self.lines = [json.dumps(command) for command in self.commands]
        self.oracle = Oracle()
        for command in [json.loads(PLAIN_POOL), json.loads(MARKET), *self.commands]:
            outcome, _ = self.oracle.step(command, NOW)
            assert outcome == "ok", command
        self.pool = self.oracle.pools["p"]
        self.busy = fund is not None or any(
            self.pool.equity(account) < 0 for account in self.pool.accounts.values())

    @staticmethod
    def account(name, size, entry, cash):
        legs = [{"market": "M", "size": str(size), "entry_price": str(entry)}] if size else []
        for leg in legs:
            leg |= {"adl_priority": PRIORITY[name]} if name in PRIORITY else {}
        item = {"type": "account", "account": name, "pool": "p", "collateral": str(cash),
                "positions": legs}
        return item | ({"haircut_cap_ppm": CAP[name]} if name in CAP else {})

    def copy(self, waterfall):
        pool = copied(self.pool, Pool)
        pool.period = waterfall.period
        pool.waterfall, pool.closes, pool.excluded, pool.fund_seen = waterfall.layers, {}, set(), []
        pool.accounts = {}
        for name, account in self.pool.accounts.items():
            pool.accounts[name] = other = copied(account, type(account))
            other.positions = {market: copied(position, Position)
                               for market, position in account.positions.items()}
            other.tallies, other.gains = {}, list(account.gains)
        pool.providers = {}
        for key, provider in self.pool.providers.items():
            pool.providers[key] = other = copied(provider, type(provider))
            other.account = pool.accounts[key[0]]
        pool.backstop.collateral += waterfall.money
        if waterfall.window:  # opened while there was nobody: an account begins at its first equity
            pool.window, pool.last_action = "w", 1
            for account in pool.accounts.values():
                account.window_baseline = account.baseline
        return pool


def copied(thing, kind):
    other = kind.__new__(kind)
    other.__dict__.update(thing.__dict__)
    return other


RESET = json.dumps({"type": "reset"})
STATE = json.dumps({"type": "state"})
SETTLE, CLOSE = (json.dumps({"type": kind, "pool": "p"}) for kind in ("settle", "close_period"))
CLOCK = json.dumps({"type": "clock", "ms": NOW})
PLAIN_POOL = json.dumps({"type": "pool", "pool": "p", "asset": "USDC", "decimals": 0,
                         "mark_max_age_ms": 0, "waterfall": []})
MARKET = json.dumps({"type": "market", "market": "M", "pool": "p", "contract": "linear",
                     "tick_size": "1", "lot_size": "1", "multiplier": "1",
                     "maintenance_margin_ppm": 100000})


def script(book, waterfall):
    """(lines, how many answers from the end are the runs' and the ledger)."""
    runs = [SETTLE, CLOSE] if waterfall.closes else [SETTLE]
    fund = [waterfall.fund] if waterfall.money else []
    return [RESET, CLOCK, *waterfall.lines, MARKET, *book.lines[:-1], *fund, book.lines[-1], *runs,
            STATE], len(runs) + 1


def expected(book, waterfall):
    pool = book.copy(waterfall)
    before = totals(pool)
    answers = [Settlement(pool, NOW).run(closing=False)]
    if waterfall.closes:
        answers.append(Settlement(pool, NOW).run(closing=True))
    return pool, before, answers


def totals(pool):
    """(money, lots, debts) before anything happens."""
    accounts = pool.accounts.values()
    held = [position for account in accounts for position in account.positions.values()]
    return (sum(account.collateral for account in accounts) - sum(p.entry for p in held),
            sum(p.size for p in held),
            sum(max(0, -pool.equity(account)) for account in accounts))


def ledger_difference(pool, state):
    theirs = {row["account"]: row for row in state["accounts"]}
    if theirs.keys() != pool.accounts.keys():
        return f"accounts {sorted(theirs)}"
    for name, mine in pool.accounts.items():
        row = theirs[name]
        got = [int(row["collateral"]), int(row["claim"]), int(row["baseline"]),
               [(p["market"], int(p["size"]), int(p["entry_value"])) for p in row["positions"]]]
        want = [mine.collateral, mine.claim, mine.baseline,
                [(market, p.size, p.entry) for market, p in mine.positions.items()]]
        if name == FUND:  # its baseline means nothing
            got[2] = want[2]
        if got != want:
            return f"{name}: expected {want}, got {got}"
    row = state["pools"][0]
    got = int(row["period_loss"]), int(row["unallocated_deficit"])
    want = pool.period_loss, pool.unallocated
    return None if got == want else f"loss and unallocated: expected {want}, got {got}"


def unsound(before, state, actions):
    """Of the engine's books alone: money and sizes conserved, exactly the debts taken."""
    money, lots, debts = before
    row = state["pools"][0]
    loss = int(row["period_loss"])
    held = [p for account in state["accounts"] for p in account["positions"]]
    after = (sum(int(account["collateral"]) for account in state["accounts"])
             - sum(int(p["entry_value"]) for p in held) - loss - int(row["unallocated_deficit"]))
    if after != money:
        return f"money is not conserved: {money} before, {after} after"
    if sum(int(p["size"]) for p in held) != lots:
        return "sizes are not conserved"
    taken = loss + sum(int(a["amount"]) for a in actions
                       if a["type"] in ("insurance_draw", "haircut", "unallocated_deficit"))
    taken += sum(int(a["cost_to_mark"]) for a in actions if a["type"] in ("adl", "assignment"))
    return None if taken == debts else f"not minimal: {taken} taken for debts of {debts}"


def wrong_with(book, waterfall, lines, kept):
    """What is wrong with the engine's answers to one run, or None."""
    setup, last = lines[:-kept], [json.loads(line) for line in lines[-kept:]]
    for line in setup:
        if not line.startswith(ACCEPTED):
            return f"set-up refused: {line.decode()}"
    pool, before, answers = expected(book, waterfall)
    for mine, theirs in zip(answers, last):
        if theirs["outcome"] != "ok":
            return f"outcome {theirs['outcome']}"
        found = action_difference(mine, theirs["actions"])
        if found:
            return found
    actions = [action for answer in last[:-1] for action in answer["actions"]]
    return ledger_difference(pool, last[-1]) or unsound(before, last[-1], actions)


class Runner:
    """Gathers runs, gives them to one process of the engine, judges the answers."""

    def __init__(self, engine):
        self.engine, self.waiting = engine, []
        self.failed = self.count = 0

    def add(self, book, waterfall):
        self.waiting.append((book, waterfall))
        if len(self.waiting) == CHUNK:
            self.flush()

    def flush(self):
        scripts = [script(book, waterfall) for book, waterfall in self.waiting]
        text = "\n".join(itertools.chain.from_iterable(lines for lines, _ in scripts)) + "\n"
        done = subprocess.run([self.engine, *CAPACITY], input=text.encode(), capture_output=True)
        answers = done.stdout.split(b"\n")
        if done.returncode != 0:
            print(f"the engine ended with {done.returncode}\n{done.stderr[-2000:].decode()}")
        place = 0
        for (book, waterfall), (lines, kept) in zip(self.waiting, scripts):
            mine, place = answers[place:place + len(lines)], place + len(lines)
            cut_short = len(mine) < len(lines) or not mine[-1]
            wrong = "no answer" if cut_short else wrong_with(book, waterfall, mine, kept)
            self.count += 1
            if wrong:
                self.failed += 1
                if self.failed <= SHOWN:
                    print(f"{waterfall.name}: {wrong}", *lines, sep="\n", flush=True)
            if cut_short:
                break  # an engine that died is told once
        self.waiting = []


def runs(every, part, parts):
    """(book, waterfall) of this part; a book is made when it is first needed."""
    of = {True: waterfalls(not every), False: waterfalls(True, FUNDS[1:2])}
    for balanced, many in of.items():
        for number, shape in enumerate(books(balanced)):
            if number % parts != part:
                continue
            book = None
            if every:
                book = Book(*shape)
                chosen = many if book.busy else [many[number % len(many)]]
            else:
                chosen = many[-number * len(many) % SLICE[balanced]::SLICE[balanced]]
            for waterfall in chosen:
                book = book or Book(*shape)
                yield book, waterfall


def work(job):
    engine, every, part, parts = job
    runner, seen, count, busy = Runner(engine), None, 0, 0
    for book, waterfall in runs(every, part, parts):
        runner.add(book, waterfall)
        if book is not seen:
            seen, count, busy = book, count + 1, busy + book.busy
    runner.flush()
    return count, busy, runner.count, runner.failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--engine", required=True, help="the replay tool")
    parser.add_argument("--all", action="store_true", help="everything, which takes hours")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--part", default="0/1", metavar="I/N", help="only the I-th of N parts")
    options = parser.parse_args()
    part, parts = map(int, options.part.split("/"))
    began = time.monotonic()
    jobs = [(options.engine, options.all, part * options.jobs + job, parts * options.jobs)
            for job in range(options.jobs)]
    with multiprocessing.Pool(options.jobs) as pool:
        found = pool.map(work, jobs, chunksize=1)
    count, busy, total, failed = (sum(column) for column in zip(*found))
    print(f"{count} books, somebody owes in {busy}; {len(waterfalls(False))} waterfalls, "
          f"{len(waterfalls(True))} in the cover; {total} runs, {time.monotonic() - began:.0f} s")
    print(f"{total - failed} passed, {failed} failed")
    return 1 if failed or not total else 0


if __name__ == "__main__":
    sys.exit(main())
