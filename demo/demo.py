#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One real insolvency, resolved by a real backstopd over HTTP, explained and proved.

Exit status 1 when a line of proof does not hold. Without --once the first daemon is left running.
"""

import argparse
import os
import signal
import sys
import urllib.error
from decimal import Decimal
from pathlib import Path

import instant
from daemon import Daemon, Failed
from show import Proof, heading, number, paint, table, words

ROWS_MAX = 12
QUANTUM = Decimal("0.00000001")
HAIRCUT_ONLY = [{"layer": "insurance"}, {"layer": "haircut", "rule": "pro_rata"}]


def tell_the_story(daemon, run):
    print(paint("1", "Backstop: one real insolvency, 10 October 2025, 21:16:04.831 UTC"))
    print()
    words("""In the crash of that evening a vault on the exchange Hyperliquid was long in AVAX, LTC and DOGE and had
          lost more than its collateral. Somebody has to bear what it cannot pay: the exchange closed it against 55
          traders with winning shorts, each at a price a little worse than the mark. That is auto-deleveraging (ADL).
          Here backstopd gets the same books, finds the deficit and does the same.""")
    print()
    words("""Sizes, the winners' entries and the close prices are facts of the public chain; accounts are renamed and
          collateral is made up. The vault has no collateral left, and its entry prices are those it was closed
          at. The order of closing is the exchange's own, sent with the positions: Backstop does not claim to
          know the exchange's rule. OTHERS holds the other side of the positions that the 55 keep, so that every contract has
          two sides.""")
    print(f"""
  backstopd serves {daemon.url}
  {paint("2", "$")} backstopctl post -    # data/oct10-instant/commands.ndjson, and OTHERS
  {run.posted}
  {paint("2", "$")} backstopctl post -    # the settle at the end of the file, once the books were read
  {run.settle_posted}""")


def show_insolvent(run):
    heading("1. The insolvent accounts and their deficits")
    rows = []
    for account in run.before.insolvent():
        for position in account["positions"]:
            rows.append([account["account"], position["market"], number(Decimal(position["size"])),
                         number(Decimal(position["entry_price"])), number(Decimal(position["mark_price"])),
                         number(Decimal(account["collateral"])), number(-Decimal(account["equity"]))])
    total = sum(-Decimal(account["equity"]) for account in run.before.insolvent())
    table(["ACCOUNT", "MARKET", ">SIZE", ">ENTRY", ">MARK", ">COLLATERAL", ">DEFICIT (USDC)"], rows,
          ["total", "", "", "", "", "", number(total)])


def show_fund(run):
    heading("2. What the insurance fund paid")
    held = Decimal(run.before.fund["equity"])
    paid = Decimal(run.settlement["fund_paid"])
    words(f"""The fund held {number(held)} USDC and paid {number(paid)} of {number(Decimal(run.settlement["deficit"]))}:
          the rest falls to the next layer of the waterfall, deleveraging.""")


def show_closed(run):
    heading("3. The accounts closed, at the price that leaves the vault at exactly 0")
    for market, closes in run.closed().items():
        print(f"\n  {paint('1', market)}: {closes[0]['price']} where the mark is {closes[0]['mark_price']}")
        rows = [[action["rank"], action["account"], number(Decimal(action["size_closed"])),
                 number(-abs(Decimal(action["size_after"]))), number(Decimal(action["entry_price"])),
                 number(Decimal(action["price"])), number(Decimal(action["realized_pnl"])),
                 number(Decimal(action["cost_to_mark"]))] for action in closes]
        if len(closes) > ROWS_MAX:
            rows[ROWS_MAX - 1:-1] = [[f"... and {len(closes) - ROWS_MAX} more"]]
        totals = {member: number(sum(Decimal(action[member]) for action in closes))
                  for member in ("size_closed", "realized_pnl", "cost_to_mark")}
        table([">RANK", "ACCOUNT", ">CLOSED", ">KEEPS", ">ENTRY", ">PRICE", ">PROFIT TAKEN HOME", ">COST AGAINST MARK"],
              rows, ["", f"{len(closes)} accounts", totals["size_closed"], "", "", "", totals["realized_pnl"],
                     totals["cost_to_mark"]])


def prove_totals(run, proof):
    expected = instant.expected()
    closed = run.closed()
    for market, wanted in expected["totals"].items():
        closes = closed.get(market, [])
        facts = {"closed": sum((Decimal(action["size_closed"]) for action in closes), Decimal(0)),
                 "cost_to_mark": sum((Decimal(action["cost_to_mark"]) for action in closes), Decimal(0)),
                 "accounts_touched_by_queue": len({action["account"] for action in closes})}
        same = all(Decimal(wanted[name]) == value for name, value in facts.items())
        same &= {Decimal(action["price"]) for action in closes} == {Decimal(wanted["price"])}
        same &= {Decimal(action["mark_price"]) for action in closes} == {Decimal(wanted["mark"])}
        proof.line(same, f"""{market} as it was: {number(facts["closed"])} at {wanted["price"]}, mark
                   {wanted["mark"]}, cost {number(facts["cost_to_mark"])}, {len(closes)} accounts""")
    sizes = {market: {action["account"]: Decimal(action["size_closed"]) for action in closes}
             for market, closes in closed.items()}
    wanted = {market: {account: Decimal(size) for account, size in queue.items()}
              for market, queue in expected["queue_by_priority"].items()}
    proof.line(sizes == wanted, f"""each of the {sum(map(len, wanted.values()))} closed sizes is the real one
               (data/oct10-instant/expected.json)""")


def prove_conservation(run, proof):
    before, after = run.before.conserved(), run.after.conserved()
    proof.line(before == after, f"""money is conserved to the last digit: collateral less entry values of all
               {len(run.after.accounts)} accounts is {number(before)} USDC before and {number(after)} after""")


def prove_nothing_else(run, proof, what):
    taken = run.losses()
    gone = {account["account"] for account in run.before.insolvent()}
    exact = all(run.before.equity(account) - run.after.equity(account) == taken.get(account, 0)
                for account in run.before.accounts if account not in gone)
    proof.line(exact, f"""the {len(taken)} winners lost exactly {what}, {number(sum(taken.values()))} in all;
               no other account lost or won anything""")


def prove(run):
    heading("4. Proof, recomputed here from what the API answers")
    proof = Proof()
    prove_totals(run, proof)
    prove_conservation(run, proof)
    prove_nothing_else(run, proof, "their cost against mark")
    sides = run.after.open_interest()
    proof.line(bool(sides) and all(long == short for long, short in sides.values()),
               "open interest, long = short: " +
               ", ".join(f"{market} {number(long)}" for market, (long, _) in sides.items()))
    gone = [account["account"] for account in run.before.insolvent()]
    proof.line(len(gone) == 3 and all(run.after.equity(account) == 0 and not run.after.accounts[account]["positions"]
                                      for account in gone),
               f"{', '.join(gone)} hold nothing and have an equity of exactly 0")
    proof.line(run.chain_is_whole(), f"""the hash chain over {len(run.actions)} actions is whole: the last is
               {run.actions[-1]["hash"][:16]}...""")
    return proof


def holdings(account):
    return [f"{number(Decimal(position['size']))} {position['market']}" for position in account["positions"]] or ["nothing"]


def compare(adl, haircut, proof):
    heading("5. The same instant, two waterfalls: deleveraging against socialized losses")
    words("""Instead of closing winners, an exchange may keep their positions open and take a share of this
          period's gains from each of them: a haircut. The vault's positions then go to the backstop account.""")
    print()
    rows = []
    for title, measure in (
            ("accounts touched", lambda run: len(run.losses())),
            *((f"contracts closed, {market}",
               lambda run, market=market: number(sum((Decimal(action["size_closed"])
                                                      for action in run.closed().get(market, [])), Decimal(0))))
              for market in adl.after.markets),
            ("taken from winners (USDC)", lambda run: number(sum(run.losses().values()))),
            ("worst loss of one account (USDC)", lambda run: number(max(run.losses().values()))),
            ("its account", lambda run: max(run.losses().items(), key=lambda item: (item[1], item[0]))[0]),
            ("the fund's equity afterwards (USDC)", lambda run: number(Decimal(run.after.fund["equity"])))):
        rows.append([title, measure(adl), measure(haircut)])
    held = [holdings(run.after.fund) for run in (adl, haircut)]
    for i in range(max(map(len, held))):
        rows.append(["" if i else "what the fund holds afterwards"] + [lines[i] if i < len(lines) else "" for lines in held])
    table(["", ">DELEVERAGING", ">SOCIALIZED LOSSES"], rows)
    print()
    words("""Deleveraging ends the risk and takes positions away; a haircut leaves positions alone and leaves the
          fund long a falling market. The choice is the exchange's: both are settings, and both are exact.""")
    print()
    same_debt = sum(haircut.losses().values()) == Decimal(haircut.settlement["deficit"])
    proof.line(same_debt and not haircut.of_type("adl"),
               "socialized: the haircuts add up to the deficit exactly, nobody is closed")
    prove_conservation(haircut, proof)
    prove_nothing_else(haircut, proof, "their haircut")
    proof.line(haircut.chain_is_whole(), f"the hash chain over its {len(haircut.actions)} actions is whole")


def with_a_fund(start, cost, proof):
    heading("6. With money in the fund")
    with start() as daemon:
        run = instant.Run(daemon, money=cost)
        proof.line(not run.of_type("adl") and not run.of_type("haircut") and
                   Decimal(run.settlement["fund_paid"]) == cost,
                   f"""with {number(cost)} USDC the fund pays all of it and takes the positions over: no ADL at all""")
    with start() as daemon:
        run = instant.Run(daemon, money=cost - QUANTUM)
        shared = sum(run.losses().values())
        proof.line(shared == QUANTUM and Decimal(run.settlement["fund_paid"]) == cost - QUANTUM,
                   f"""with one quantum less the fund pays {number(cost - QUANTUM)} and winners share exactly
                   {number(shared)}""")


def verdict(proof):
    print()
    if proof.failed:
        print(paint("1;31", f"  {proof.failed} lines of proof do not hold."))
    else:
        print(paint("1;32", "  Every line of proof holds."))


def leave_running(daemon, backstopctl):
    heading("The first daemon is still running. To try:")
    shown = os.path.relpath(backstopctl)
    print(f"""
  export BACKSTOP_URL={daemon.url}
  {shown} actions --type adl
  {shown} account T05777
  {shown} queue AVAX-PERP --side short
  curl -s {daemon.url}/v1/pools/usdc/solvency
  curl -s '{daemon.url}/v1/actions?account=T05777'
  curl -s {daemon.url}/v1/pools/usdc/settlements/1
  curl -s {daemon.url}/metrics

  Ctrl-C stops it and removes its data.""", flush=True)
    code = daemon.process.wait()
    raise Failed(f"backstopd ended by itself with {code}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=Path, help="build directory that has daemon/backstopd and cli/backstopctl")
    parser.add_argument("--backstopd", type=Path, help="the daemon, when there is no --bin")
    parser.add_argument("--backstopctl", type=Path, help="the command-line tool, when there is no --bin")
    parser.add_argument("--once", action="store_true", help="stop everything at the end")
    options = parser.parse_args()
    if options.bin:
        options.backstopd = options.backstopd or options.bin / "daemon" / "backstopd"
        options.backstopctl = options.backstopctl or options.bin / "cli" / "backstopctl"
    for name in ("backstopd", "backstopctl"):
        path = getattr(options, name)
        if path is None or not os.access(path, os.X_OK):
            parser.error(f"no {name} at {path}: give --bin or --{name}")
        setattr(options, name, str(path.resolve()))
    return options


def play(options):
    def start():
        return Daemon(options.backstopd, options.backstopctl)

    with start() as daemon:
        adl = instant.Run(daemon)
        tell_the_story(daemon, adl)
        show_insolvent(adl)
        show_fund(adl)
        show_closed(adl)
        proof = prove(adl)
        with start() as other:
            compare(adl, instant.Run(other, layers=HAIRCUT_ONLY), proof)
        with_a_fund(start, Decimal(adl.settlement["deficit"]), proof)
        verdict(proof)
        if not options.once and not proof.failed:
            leave_running(daemon, options.backstopctl)
    return 1 if proof.failed else 0


def stop_on_signal(*_):
    raise KeyboardInterrupt


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, stop_on_signal)
    try:
        return play(options)
    except KeyboardInterrupt:
        print()
        return 130 if options.once else 0
    except (Failed, urllib.error.URLError, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
