#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Published cases of other venues, as tables: `run.py --bin BUILD`.

all_cases.csv names every case that was collected. Each stands in exactly one place:
- dydx_v4.json, dydx_v4_rounding.json, dydx_v1.json and starkex.json go through the price routine and
  the pair check of the core (entries at mark, so that collateral less entry value is the quote balance
  of the case); worlds.json (figures) and played.scn (stories) through the whole engine;
- not_applicable.csv says why a case cannot apply: a rule of that venue's own, or a defect, and then
  the right figure and the file that shows it.
"""
import argparse
import collections
import csv
import json
import pathlib
import subprocess
import sys
from decimal import Context, Decimal
from fractions import Fraction

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scenario"))

from language import Scenario, command_of
from run import run_direct

PPM = 1000000


def ask(tool, lines):
    done = subprocess.run([tool], input="\n".join(lines) + "\n", encoding="utf-8",
                          capture_output=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"{tool} ended with {done.returncode}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def table(name):
    return json.loads((HERE / name).read_text(encoding="utf-8"))["cases"]


# The markets of the dYdX cases: quanta of one atom, and the definition that gives them.
ATOM = {"BTC": 500, "ETH": 3}
DYDX_WORLD = ["pool p USDC 6 | adl profit_leverage bankruptcy protect_principal=off",
              "market BTC p tick=100 lot=0.00000001 maintenance=100000",
              "market ETH p tick=1000 lot=0.000000001 maintenance=100000",
              "mark BTC 50000", "mark ETH 3000"]
DECIMALS = {"BTC": 8, "ETH": 9}
PRICE = {"BTC": "50000", "ETH": "3000"}


def fixed(number, decimals):
    return format(Decimal(number).scaleb(-decimals, Context(prec=40)), "f")


def dydx_account(name, quote, holds):
    """Bought at mark, the position's entry value goes into the collateral: equity is unchanged."""
    collateral = quote + sum(ATOM[market] * atoms for market, atoms in holds.items())
    legs = ", ".join(f"{market} {fixed(atoms, DECIMALS[market])} @{PRICE[market]}"
                     for market, atoms in holds.items())
    return f"account {name} p {fixed(collateral, 6)}" + (f" holds {legs}" if legs else "")


def dydx_offset(row):
    """The counterparty of the case, or one that could take the trade as it is asked for."""
    if "offset" in row:
        return row["offset"]
    market, lots = row["close"]
    return {"quote": 10 ** 15, "holds": {market: lots or -row["holds"].get(market, 1)}}


def dydx_case(row, tools):
    market, lots = row["close"]
    offset = dydx_offset(row)
    world = DYDX_WORLD + [dydx_account("L", row["quote"], row["holds"]),
                          dydx_account("O", offset["quote"], offset["holds"])]
    lines = [command_of(line, 0) for line in world]
    lines.append(json.dumps({"type": "close", "account": "L", "against": "O", "market": market,
                             "lots": lots}))
    got = ask(tools.close, lines)[-1]
    accepted = got["possible"] and got["left"] >= 0
    if "refused" in row:
        return [("accepted", False, accepted)]
    after = row["quote"] + got["received"]
    checks = [("accepted", True, accepted), ("received", row["received"], got["received"])]
    checks += [(name, row[name], got[name]) for name in ("equity", "maintenance") if name in row]
    if "quote_after" in row:
        checks += [("quote after", row["quote_after"], after),
                   ("offset quote after", row["offset_quote_after"],
                    offset["quote"] - got["received"])]
    if "quote_after" in row and got["equity"] < 0:
        checks += dydx_settled(row, lines[:-1], tools)
    return checks


def dydx_settled(row, lines, tools):
    """An insolvent account is also closed by the whole engine: the books must end as in the case."""
    state = ask(tools.replay, lines + ['{"type":"settle","pool":"p"}', '{"type":"state"}'])[-1]
    books = {account["account"]: account for account in state["accounts"]}
    return [(f"{name} settled", fixed(quote, 6),
             fixed(int(Decimal(books[name]["collateral"]) * PPM), 6))
            for name, quote in (("L", row["quote_after"]), ("O", row["offset_quote_after"]))]


def dydx_rounding_case(row, tools):
    """A price finer than a quantum of theirs: exact in 1e-13 here, then rounded up to their 1e-6."""
    fine = 10 ** 7
    lines = ["pool p USDC 13 | adl profit_leverage bankruptcy",
             "market BTC p tick=0.00001 lot=0.00000001 maintenance=100000",
             f"mark BTC {row['price']}"]
    for name, quote, lots in (("L", row["quote"], row["held"]),
                              ("O", row["offset_quote"], -row["held"])):
        value = int(Decimal(row["price"]).scaleb(5)) * lots
        lines.append(f"account {name} p {fixed(quote * fine + value, 13)} holds BTC "
                     f"{fixed(lots, 8)} @{row['price']}")
    close = {"type": "close", "account": "L", "against": "O", "market": "BTC", "lots": row["lots"]}
    got = ask(tools.close, [command_of(line, 0) for line in lines] + [json.dumps(close)])[-1]
    received = -(-got["received"] // fine)
    return [("accepted", True, got["possible"] and got["left"] >= 0),
            ("received", row["received"], received),
            ("one unit of the source's N away at most", True,
             abs(row.get("source_received", received) - received) <= 2)]


def dydx1_case(row, tools):
    (margin, size), (other, opposite) = row["underwater"], row["counterparty"]
    price = Decimal(row["price"])
    lines = ["pool p USD 6 | adl profit_leverage bankruptcy",
             "market M p tick=0.000001 maintenance=75000", f"mark M {price}",
             f"account L p {margin + size * price} holds M {size} @{price}",
             f"account O p {other + opposite * price} holds M {opposite} @{price}"]
    lots = min(row["asked"], abs(size), abs(opposite))
    trades = [json.dumps({"type": "close", "account": "L", "against": "O", "market": "M",
                          "lots": -lots * size // abs(size)}) for lots in (row["asked"], lots)]
    asked, got = ask(tools.close, [command_of(line, 0) for line in lines] + trades)[-2:]
    received, sign = Fraction(got["received"], PPM), size // abs(size)
    return [("as asked", row["asked"] == lots, asked["possible"]),
            ("possible", True, got["possible"] and got["left"] >= 0),
            ("underwater", row["underwater_after"], [margin + received, size - sign * lots]),
            ("counterparty", row["counterparty_after"],
             [other - received, opposite + sign * lots])]


class Story(Scenario):
    def __init__(self, name, lines):
        self.load(HERE / name, lines)


def stories(name):
    """[(id, lines)] of a file of stories; each begins with "case ID"."""
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    starts = [at for at, line in enumerate(lines) if line.startswith("case ")]
    return [{"id": lines[at].split()[1], "lines": lines[at + 1:end]}
            for at, end in zip(starts, starts[1:] + [len(lines)])]


def story_case(row, tools):
    wrong = run_direct(Story("played.scn", row["lines"]), tools.replay).differences
    return [("story", [], wrong)]


def starkex_case(row, tools):
    sign = 1 if row["size"] > 0 else -1
    collateral = row["collateral"] + row["size"] * row["price"]
    world = ["pool p USD 0 | adl profit_leverage bankruptcy",
             f"market M p tick=1 maintenance={row['risk_ppm']}", f"mark M {row['price']}",
             f"account L p {collateral} holds M {row['size']} @{row['price']}",
             f"account O p 1000000 holds M {-row['size']} @{row['price']}"]
    close = {"type": "close", "account": "L", "against": "O", "market": "M",
             "lots": -sign * row["closed"]}
    got = ask(tools.close, [command_of(line, 0) for line in world] + [json.dumps(close)])[-1]
    value = row["collateral"] + row["size"] * row["price"]
    after = value - sign * row["closed"] * row["price"] + got["received"]
    risk = abs(row["size"]) * row["price"] * row["risk_ppm"]
    risk_after = (abs(row["size"]) - row["closed"]) * row["price"] * row["risk_ppm"]
    return [("received", row["received"], got["received"]), ("possible", True, got["possible"]),
            ("ratio does not fall", True, after * risk >= value * risk_after),
            ("ratio falls with one less", True, (after - 1) * risk < value * risk_after)]


def twelve_digits(fraction):
    number = Fraction(fraction)
    return Context(prec=12).divide(Decimal(number.numerator), Decimal(number.denominator))


def close_to(row, expected, actual):
    return abs(int(Decimal(actual)) - expected) <= row.get("within", 0)


def world_case(row, tools):
    lines = [command_of(line, 0) for line in row["lines"]]
    market, side = row.get("queue", ["", "long"])
    lines += [json.dumps({"type": "queue", "market": market, "side": side}), '{"type":"state"}']
    *answers, queue, state = ask(tools.replay, lines)
    checks = [("outcome of " + line, "ok", answer["outcome"])
              for line, answer in zip(row["lines"], answers)]
    actions = answers[-1]["actions"]
    books = {account["account"]: account for account in state["accounts"]}
    taken = {action["account"]: int(action["amount"]) for action in actions
             if action["type"] == "haircut"}
    rows = {place["account"]: place for place in queue["rows"]}
    if "order" in row:
        checks.append(("order", row["order"], [place["account"] for place in queue["rows"]]))
    for account, amount in row.get("near", {}).items():
        checks.append((f"haircut of {account} is near {amount}", True,
                       close_to(row, amount, taken[account])))
    if "actions" in row:
        checks.append(("actions", row["actions"], len(actions)))
    if "haircuts" in row:
        checks.append(("haircuts", row["haircuts"], taken))
    if "total" in row:
        checks.append(("total of haircuts", row["total"], sum(taken.values())))
    if "unallocated" in row:
        checks.append(("unallocated", str(row["unallocated"]),
                       state["pools"][0]["unallocated_deficit"]))
    for account, gain in row.get("gains", {}).items():
        checks.append((f"gain of {account} is near {gain}", True,
                       close_to(row, gain, books[account]["gain"])))
    for account, equity in row.get("equities", {}).items():
        checks.append((f"equity of {account}", Decimal(equity), Decimal(books[account]["equity"])))
    for account, lights in row.get("lights", {}).items():
        checks.append((f"lights of {account}", lights, rows[account]["lights"]))
    for account, score in row.get("scores", {}).items():
        checks.append((f"score of {account}", twelve_digits(score), Decimal(rows[account]["score"])))
    return checks


class Tools:
    def __init__(self, folder):
        self.replay = str(folder / "tests" / "tools" / "replay")
        self.close = str(folder / "tests" / "tools" / "close_tool")


def read_csv(name):
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def misplaced(places):
    """What is wrong with the lists of cases: each case must stand in exactly one of them."""
    wrong = []
    for row in read_csv("not_applicable.csv"):
        shown = row["shown_by"]
        if not row["reason"] or (shown and not (HERE / shown).exists()):
            wrong.append(f"not_applicable.csv: {row['id']} has no reason, or nothing shows it")
    known = [row["id"] for row in read_csv("all_cases.csv")]
    found = collections.Counter(case for place in places.values() for case in place)
    wrong += [f"{case} is in {found[case]} places of {', '.join(places)}"
              for case in known if found[case] != 1]
    return wrong + [f"{case} is not in all_cases.csv, or twice"
                    for case in sorted(set(found)) if known.count(case) != 1]


def run_all(tools):
    """The ids of the cases that passed, and what is wrong with the others."""
    tables = [("dydx_v4.json", dydx_case), ("dydx_v4_rounding.json", dydx_rounding_case),
              ("dydx_v1.json", dydx1_case), ("starkex.json", starkex_case),
              ("worlds.json", world_case)]
    cases = [(run, row) for name, run in tables for row in table(name)]
    cases += [(story_case, row) for row in stories("played.scn")]
    ran, wrong = set(), []
    for run, row in cases:
        lines = [f"{row['id']}: {what}: expected {expected}, got {actual}"
                 for what, expected, actual in run(row, tools) if expected != actual]
        wrong += lines
        if not row.get("corrected"):  # those show the right figure of a row of not_applicable.csv
            ran.add(row["id"])
    return ran, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="a build directory")
    ran, wrong = run_all(Tools(parser.parse_args().bin.resolve()))
    not_applicable = {row["id"] for row in read_csv("not_applicable.csv")}
    places = {"the cases that are run": ran, "not_applicable.csv": not_applicable}
    wrong += misplaced(places)
    for line in wrong:
        print(line)
    failed = {line.split(":")[0] for line in wrong} & ran
    print(f"cases: {len(ran - failed)} passed; {len(not_applicable)} cannot apply "
          "(tests/cases/not_applicable.csv)" + (f"; {len(wrong)} FAILED" if wrong else ""))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
