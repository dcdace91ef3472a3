#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Published cases of other venues, as tables: `run.py --bin BUILD`.

dydx_v4.json and starkex.json go through the price routine and the pair check of the core (entries
at mark, so that collateral less entry value is the quote balance of the case); worlds.json through the
whole engine. not_built.csv lists the known cases that concern what is not built yet.
"""
import argparse
import csv
import json
import pathlib
import subprocess
import sys
from decimal import Context, Decimal
from fractions import Fraction

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scenario"))

from language import command_of

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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="a build directory")
    tools = Tools(parser.parse_args().bin.resolve())
    passed, failed, built = 0, 0, set()
    for name, run in (("dydx_v4.json", dydx_case), ("starkex.json", starkex_case),
                      ("worlds.json", world_case)):
        for row in table(name):
            built.add(row["id"])
            wrong = [check for check in run(row, tools) if check[1] != check[2]]
            passed, failed = passed + (not wrong), failed + bool(wrong)
            for what, expected, actual in wrong:
                print(f"{row['id']}: {what}: expected {expected}, got {actual}")
    with (HERE / "not_built.csv").open(encoding="utf-8", newline="") as file:
        waiting = {row["id"] for row in csv.DictReader(file)}
    print(f"{len(built)} published cases built, {len(waiting)} not yet built")
    if built & waiting:
        failed += 1
        print(f"both built and not: {sorted(built & waiting)}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
