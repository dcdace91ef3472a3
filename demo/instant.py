# SPDX-License-Identifier: Apache-2.0
"""The real instant of data/oct10-instant as commands, and the result of a run."""

import hashlib
import json
from collections import defaultdict
from decimal import Decimal, getcontext
from pathlib import Path

getcontext().prec = 80  # sums of exact decimals stay exact

DATA = Path(__file__).resolve().parent.parent / "data" / "oct10-instant"
POOL = "usdc"
OTHERS = "OTHERS"


def book():
    """The commands of the file without the settle at its end, as objects."""
    commands = [json.loads(line) for line in (DATA / "commands.ndjson").read_text().splitlines()]
    assert commands[-1] == {"type": "settle", "pool": POOL}
    return commands[:-1]


def settle():
    return {"type": "settle", "pool": POOL}


def expected():
    return json.loads((DATA / "expected.json").read_text())


def others(commands):
    """The file has 55 shorts and the longs that failed, not the longs opposite of what the 55 keep.
    One account takes that side, entered at the mark: no gain, no loss, and every contract has two sides."""
    open_size = defaultdict(Decimal)
    marks = {command["market"]: command["price"] for command in commands if command["type"] == "mark"}
    for command in commands:
        if command["type"] == "position":
            open_size[command["market"]] += Decimal(command["size"])
    notional = sum(abs(size) * Decimal(marks[market]) for market, size in open_size.items())
    return {"type": "account", "account": OTHERS, "pool": POOL, "collateral": f"{notional / 5:.2f}",
            "positions": [{"market": market, "size": f"{-size:f}", "entry_price": marks[market]}
                          for market, size in sorted(open_size.items()) if size != 0]}


def with_waterfall(commands, layers):
    return [{**command, "waterfall": layers} if command["type"] == "pool" else command for command in commands]


def fund(amount):
    return {"type": "insurance_fund", "pool": POOL, "amount": f"{amount:f}"}


class Books:
    """Everybody's collateral, equity and positions at one moment, read over the API."""

    def __init__(self, daemon):
        rows = daemon.rows(f"/v1/accounts?pool={POOL}")
        backstop = f"backstop:{POOL}"
        if all(row["account"] != backstop for row in rows):
            rows.append(daemon.get(f"/v1/accounts/{backstop}"))
        self.accounts = {row["account"]: row for row in rows}
        self.fund = self.accounts[backstop]
        self.pool = daemon.get(f"/v1/pools/{POOL}")
        self.markets = {row["market"]: row for row in daemon.rows("/v1/markets")}

    def equity(self, account):
        return Decimal(self.accounts[account]["equity"])

    def conserved(self):
        """The sum that no settlement may change: collateral less entry values less open losses."""
        total = -Decimal(self.pool["period_loss"]) - Decimal(self.pool["unallocated_deficit"])
        for account in self.accounts.values():
            total += Decimal(account["collateral"])
            total -= sum(Decimal(position["entry_value"]) for position in account["positions"])
        return total

    def open_interest(self):
        """Per market: contracts long and contracts short, summed over the accounts."""
        sides = {market: [Decimal(0), Decimal(0)] for market in self.markets}
        for account in self.accounts.values():
            for position in account["positions"]:
                size = Decimal(position["size"])
                sides[position["market"]][size < 0] += abs(size)
        return sides

    def insolvent(self):
        """Smallest deficit first: the order in which they are resolved."""
        found = [account for account in self.accounts.values()
                 if Decimal(account["equity"]) < 0 and account is not self.fund]
        return sorted(found, key=lambda account: (-Decimal(account["equity"]), account["account"].encode()))


class Run:
    """The instant settled once on a daemon of its own, with the books before and after."""

    def __init__(self, daemon, layers=None, money=None):
        commands = book()
        commands.append(others(commands))
        if layers is not None:
            commands = with_waterfall(commands, layers)
        if money is not None:
            commands.append(fund(money))
        self.posted = daemon.post(commands)
        self.before = Books(daemon)
        self.settle_posted = daemon.post([settle()])
        self.settlement, self.actions = daemon.settled(POOL)
        self.after = Books(daemon)

    def of_type(self, kind):
        return [action for action in self.actions if action["type"] == kind]

    def total(self, kind, member):
        return sum((Decimal(action[member]) for action in self.of_type(kind)), Decimal(0))

    def closed(self):
        """market -> the adl actions in it, in the order of closing."""
        markets = defaultdict(list)
        for action in self.of_type("adl"):
            markets[action["market"]].append(action)
        return markets

    def losses(self):
        """winner -> what this run took from it in all."""
        taken = defaultdict(Decimal)
        for action in self.of_type("adl"):
            taken[action["account"]] += Decimal(action["cost_to_mark"])
        for action in self.of_type("haircut"):
            taken[action["account"]] += Decimal(action["amount"])
        return taken

    def chain_is_whole(self):
        """docs/records.md: SHA-256 over the previous hash, a newline and the action's canonical bytes."""
        previous = "0" * 64
        for number, action in enumerate(self.actions, 1):
            previous = hashlib.sha256(f"{previous}\n{canonical(action)}".encode()).hexdigest()
            if action["id"] != number or action["hash"] != previous:
                return False
        return bool(self.actions)


def canonical(action):
    """One line name=value for each member but cursor and hash; members of members as a.b."""
    lines = []
    for name, value in action.items():
        members = value.items() if isinstance(value, dict) else [("", value)]
        if name not in ("cursor", "hash"):
            lines += [f"{name}{member and '.' + member}={'null' if inner is None else inner}\n"
                      for member, inner in members]
    return "".join(lines)
