# SPDX-License-Identifier: Apache-2.0
"""The property test: random worlds, the C engine against the naive oracle.

`python3 run.py --engine PATH --worlds 10000 --seed 1`; PATH reads NDJSON on stdin ("reset",
"clock" and "state" lines beside the commands of POST /v1/commands) and prints one JSON line for
each. `--one SEED` prints everything about one world.
"""
import argparse
import json
import queue
import random
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from decimal import Context, Decimal, setcontext
from fractions import Fraction

import indicators
from worlds import SETTLES, expected_world, replay

setcontext(Context(prec=100))
NAMED = {"stale_update", "insufficient_equity", "gain_withheld", "id_reused", "stale_mark", "in_use",
         "mark_in_future", "mark_out_of_band", "no_handovers", "unknown_action", "not_a_close",
         "set_anew", "more_than_closed", "isolated_left", "unknown_isolated", "market_settled",
         "marks_not_ready", "window_open", "unknown_window", "no_window_basis", "loss_open",
         "no_own_fund", "sequence_gap", "sequence_regression", "fund_needed", "not_flat", "open_claim",
         "in_window", "out_of_range", "id_too_old", "time_in_future"}
PATIENCE_S = 10
SHRINK_TRIES = 600
HANGS = 3  # as many silences of the engine end the run


class EngineDied(Exception):
    pass


class Engine:
    """One subprocess; whole worlds are written by a thread while the answers are read."""

    def __init__(self, command):
        self.command, self.hangs = shlex.split(command), 0
        self.start()

    def start(self):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.errors)
        self.requests, self.answers = queue.SimpleQueue(), queue.SimpleQueue()
        for work in (self.write, self.read):
            threading.Thread(target=work, args=(self.process, self.requests, self.answers),
                             daemon=True).start()

    @staticmethod
    def write(process, requests, answers):
        while (text := requests.get()) is not None:
            try:
                process.stdin.write(text)
                process.stdin.flush()
            except OSError:
                return

    @staticmethod
    def read(process, requests, answers):
        for line in process.stdout:
            answers.put(line)
        answers.put(None)

    def ask(self, items):
        self.requests.put("".join(json.dumps(item) + "\n" for item in items).encode())
        answers = []
        for item in items:
            try:
                line = self.answers.get(timeout=PATIENCE_S)
            except queue.Empty:
                line, self.hangs = None, self.hangs + 1
                if self.hangs == HANGS:
                    self.process.kill()
                    raise SystemExit(f"the engine hangs: {HANGS} times silent for {PATIENCE_S} s")
            if line is None:
                self.restart_after(item)
            answers.append(json.loads(line))
        return answers

    def restart_after(self, item):
        self.process.kill()
        status = self.process.wait()
        self.errors.seek(0)
        said = self.errors.read()[-2000:].decode(errors="replace").strip()
        self.start()
        raise EngineDied(f"the engine gave no answer (exit {status}) to {json.dumps(item)}\n{said}")

    def stop(self):
        self.requests.put(None)
        self.process.stdin.close()
        self.process.wait(timeout=PATIENCE_S)


def script(commands):
    """The lines for one world: the ledger is asked for around every settlement and at the end."""
    items, places = [{"type": "reset"}], []
    for command in commands:
        settles = command["type"] in SETTLES
        if settles:
            items.append({"type": "state"})
        places.append(len(items))
        items.append(command)
        if settles:
            items.append({"type": "state"})
    return items + [{"type": "state"}], places


def same_outcome(expected, got):
    if expected == got:
        return True
    return "ok" not in (expected, got) and not {expected, got} & NAMED


def action_difference(expected, got):
    for number, (mine, theirs) in enumerate(zip(expected, got)):
        for key, value in mine.items():
            if theirs.get(key) != value:
                return (f"action {number + 1}, field {key}: expected {value!r}, got "
                        f"{theirs.get(key)!r}\n  expected {json.dumps(mine)}\n"
                        f"  got      {json.dumps(theirs)}")
    if len(expected) != len(got):
        longer = expected if len(expected) > len(got) else got
        whose = "expected" if longer is expected else "got"
        return (f"{len(expected)} actions expected, {len(got)} got; the first one more ({whose}):"
                f"\n  {json.dumps(longer[min(len(expected), len(got))])}")
    return None


def answer_difference(outcome, actions, answer):
    if not same_outcome(outcome, answer["outcome"]):
        return f"outcome: expected {outcome}, got {answer['outcome']}"
    return action_difference(actions, answer["actions"])


def difference_in(commands, answers, results):
    """Where the engine answers otherwise than the oracle; a result begins with its outcome and actions."""
    for command, answer, (outcome, actions, *_) in zip(commands, answers, results):
        difference = answer_difference(outcome, actions, answer)
        if difference:
            return f"{command}: {difference}"
    return None


def who(row, market):
    """An isolated margin is somebody of its own."""
    return row["account"] + (" in " + market if market else "")


def acting(action):
    return who(action, action["market"] if action.get("margin") == "isolated" else "")


def ledger(state):
    """The comparable part of a state: numbers as numbers, an empty backstop account left out."""
    table = {}
    for row in state["pools"]:
        table["pool", row["pool"]] = (Decimal(row["period_loss"]),
                                      Decimal(row["unallocated_deficit"]), row.get("window"),
                                      Decimal(row.get("window_loss", "0")),
                                      Decimal(row.get("own_funds", "0")))
    for row in state["accounts"]:
        backstop = row["account"].startswith("backstop:")
        positions = [(p["market"], Decimal(p["size"]), Decimal(p["entry_value"]))
                     for p in row["positions"]]
        if backstop and not positions and Decimal(row["collateral"]) == 0:
            continue
        claim = Decimal(row.get("claim", "0"))
        older = [Decimal(gain) for gain in row.get("older_gains", [])]
        while older and older[-1] == 0:
            older.pop()
        older = [] if backstop else older
        baseline = None if backstop else Decimal(row["baseline"])
        window = [Decimal(row.get(name) or "0") for name in ("window_gain", "window_taken")]
        window = [] if backstop else window
        table["account", who(row, row.get("isolated"))] = (
            row["pool"], Decimal(row["collateral"]), baseline, row.get("handed_over", False), claim, older,
            window, positions)
    for row in state["providers"]:
        table["provider", row["account"], row["market"]] = tuple(
            row[key] for key in ("quota_used", "room_long", "room_short"))
    return table


def state_difference(expected, got):
    mine, theirs = ledger(expected), ledger(got)
    for key in sorted(mine.keys() | theirs.keys()):
        if mine.get(key) != theirs.get(key):
            return f"state of {' '.join(key)}: expected {mine.get(key)}, got {theirs.get(key)}"
    return None


def value_at_mark(size, decimals, lot, mark, unit, inverse):
    lots = int(Fraction(size) / lot)
    quanta = lots * mark * unit
    if inverse:
        quanta = 0 if mark == 0 else (1 if lots < 0 else -1) * (abs(lots) * unit // mark)
    return Decimal(quanta).scaleb(-decimals)


def dust_of(books, marks, actions):
    """Inverse values are rounded: a quantum for each action that a plan may move one by."""
    mine = [marks[name] for name in books.open_interest if name in marks]
    if not any(inverse for *_, inverse in mine):
        return Decimal(0)
    return Decimal(len(actions)).scaleb(-mine[0][0])


class Books:
    """One pool of a state that the engine printed, valued at the marks of the moment."""

    def __init__(self, state, pool, marks):
        row = next(row for row in state["pools"] if row["pool"] == pool)
        self.loss, self.unallocated = (Decimal(row["period_loss"]),
                                       Decimal(row["unallocated_deficit"]))
        self.equity, self.sizes, self.open_interest = {}, {}, {}
        self.waits = row.get("trigger") == "handover"  # for accounts to be handed over
        self.left_alone = set()
        self.cash = -self.loss - self.unallocated
        self.in_window = -Decimal(row.get("window_loss", "0"))
        for account in state["accounts"]:
            if account["pool"] == pool:
                self.count(account, marks)

    def count(self, account, marks):
        name, collateral = who(account, account.get("isolated")), Decimal(account["collateral"])
        equity, sizes = collateral, {}
        self.cash += collateral
        self.in_window += Decimal(account.get("window_taken", "0"))
        for position in account["positions"]:
            market, size = position["market"], Decimal(position["size"])
            entry = Decimal(position["entry_value"])
            sizes[market] = size
            self.cash -= entry
            self.open_interest[market] = self.open_interest.get(market, 0) + size
            equity += value_at_mark(size, *marks[market]) - entry
        self.equity[name], self.sizes[name] = equity, sizes
        if self.waits and equity < 0 and not account.get("handed_over"):
            self.left_alone.add(name)


    def end_market(self, name, marks):
        """At its final price a market is worth what its longs and shorts differ by."""
        lots = self.open_interest.pop(name, 0)
        self.cash += value_at_mark(lots, *marks[name])
        for sizes in self.sizes.values():
            sizes.pop(name, None)


def total(actions, kind, field, account=None):
    return sum((Decimal(action[field]) for action in actions
                if action["type"] == kind and account in (None, acting(action))), Decimal(0))


def audit(pool, states, actions, marks, ended):
    """Conservation, minimality and limits of one settlement, on the engine's own books."""
    before, after = (Books(state, pool, marks) for state in states)
    dust = dust_of(before, marks, actions)
    if ended:
        before.end_market(ended, marks)
    fund, wrong = "backstop:" + pool, []
    if before.cash != after.cash:
        wrong.append(f"money is not conserved: {before.cash} before, {after.cash} after")
    markets = before.open_interest.keys() | after.open_interest.keys()
    if any(before.open_interest.get(m, 0) != after.open_interest.get(m, 0) for m in markets):
        wrong.append("open interest is not conserved")
    if after.in_window:
        wrong.append(f"the window has taken {after.in_window} more than the loss its payers bear")
    if not actions:
        return wrong if before.sizes == after.sizes else wrong + ["positions moved unpublished"]
    deficits = sum(-equity for name, equity in before.equity.items()
                   if equity < 0 and (name == fund or name not in before.left_alone))
    deficits -= total(actions, "assignment", "cost_to_mark")  # spreads are owed on top of them
    unborne = total(actions, "unallocated_deficit", "amount")
    taken = (total(actions, "adl", "cost_to_mark") + total(actions, "insurance_draw", "amount")
             + total(actions, "own_fund_draw", "amount")
             + total(actions, "haircut", "amount") + unborne + after.loss - before.loss
             # refunds are paid by others' haircuts, but for what the fund pays back of them
             - total(actions, "refund", "amount") + total(actions, "restitution", "amount", fund))
    if abs(taken - deficits) > dust:
        wrong.append(f"not minimal: {taken} taken for deficits of {deficits}")
    if after.unallocated - before.unallocated != unborne:
        wrong.append("unallocated deficit moved by another amount than published")
    for name, equity in before.equity.items():
        wrong += [f"{name}: {text}" for text in
                  audit_account(name, before, after, actions, dust)]
    return wrong


def audit_account(name, before, after, actions, dust):
    was, now = before.equity[name], after.equity.get(name, Decimal(0))
    old, new = before.sizes[name], after.sizes.get(name, {})
    if name.startswith("backstop:"):
        return []
    if name in before.left_alone:
        return [] if (was, old) == (now, new) else ["touched, though not handed over"]
    paid_back = (total(actions, "restitution", "amount", name)
                 + total(actions, "refund", "amount", name))
    if was < 0 and paid_back:  # of a claim, once its debt was resolved
        now -= paid_back
    if was < 0 and not (dust and 0 <= now <= dust):  # netting may lift one above 0 by a rounding
        return [] if now == 0 and not new else [f"insolvent, left with equity {now} and {new}"]
    wrong = []
    if now < 0:
        wrong.append(f"solvent with {was}, left with {now}")
    cost = (total(actions, "adl", "cost_to_mark", name) + total(actions, "haircut", "amount", name)
            + total(actions, "assignment", "cost_to_mark", name)
            - paid_back)
    if was >= 0 and abs(was - now - cost) > dust:
        wrong.append(f"lost {was - now}, published {cost}")
    taken = {action["market"] for action in actions
             if action["type"] == "assignment" and acting(action) == name}
    for market, size in new.items():
        if market not in taken and (old.get(market, 0) * size <= 0
                                    or abs(size) > abs(old[market])):
            wrong.append(f"over-closed in {market}: {old.get(market, 0)} to {size}")
    return wrong


def problems(commands, results, final, answers, places):
    """The first thing that is wrong with the engine's answers, or None."""
    homes = {item["market"]: item["pool"] for item in commands if item["type"] == "market"}
    for command, (outcome, actions, marks), place in zip(commands, results, places):
        answer, where = answers[place], f"at {json.dumps(command)}\n"
        wrong = answer_difference(outcome, actions, answer)
        if wrong:
            return where + wrong
        if marks is not None and outcome == "ok":
            states = (answers[place - 1], answers[place + 1])
            ended = command.get("market")
            pool = homes[ended] if ended else command["pool"]
            found = audit(pool, states, answer["actions"], marks, ended)
            if found:
                return where + "; ".join(found)
    return state_difference(final, answers[-1])


def check_stream(engine, commands, results=None, final=None):
    """Runs one stream through the engine; returns (problem or None, answers)."""
    if results is None:
        results, final = replay(commands)
    items, places = script(commands)
    try:
        answers = engine.ask(items)
    except EngineDied as died:
        return str(died), []
    return problems(commands, results, final, answers, places), answers


def permuted(commands, seed):
    """The account and position items of the set-up block in another order; None without one."""
    # An item for the backstop account is refused wherever it stands, one with a number has its place: both
    # end the block.
    kinds = [command["type"] in ("account", "position") and "source" not in command
             and not command["account"].startswith("backstop:") for command in commands]
    if True not in kinds:
        return None
    first = kinds.index(True)
    last = first
    while last < len(kinds) and kinds[last]:
        last += 1
    block = commands[first:last]
    random.Random(seed).shuffle(block)
    block.sort(key=lambda command: command["type"])  # stable: an account before its positions
    return commands[:first] + block + commands[last:]


def without_digest(answer):
    return {key: value for key, value in answer.items() if key != "digest"}


def check_order(engine, commands, seed, answers):
    """Once more in the same order: the same bytes; in another order: the same decisions."""
    try:
        again = engine.ask(script(commands)[0])
        if again != answers:
            return "the same commands gave other answers the second time"
        other = permuted(commands, seed)
        if other is None:
            return None
        moved = engine.ask(script(other)[0])
    except EngineDied as died:
        return str(died)
    for mine, theirs in zip(answers, moved):
        if without_digest(mine) != without_digest(theirs):
            return (f"posting order matters:\n  {json.dumps(mine)}\n  {json.dumps(theirs)}\n"
                    "  in the order\n" + "\n".join(map(json.dumps, other)))
    return None


def check_indicators(engine, commands):
    try:
        return indicators.difference(engine, commands)
    except EngineDied as died:
        return str(died)


def check_world(engine, seed, sampled):
    commands, results, final = expected_world(seed)
    wrong, answers = check_stream(engine, commands, results, final)
    if wrong is None and sampled:
        wrong = check_order(engine, commands, seed, answers)
        return commands, wrong or check_indicators(engine, commands), False
    return commands, wrong, True


def shrink(engine, commands):
    """Drops commands greedily, big pieces first, while the stream still fails."""
    tries, piece = 0, max(1, len(commands) // 2)
    while piece >= 1:
        place, dropped = 1, False  # the first clock stays
        while place < len(commands) and tries < SHRINK_TRIES:
            shorter = commands[:place] + commands[place + piece:]
            tries += 1
            if fails(engine, shorter):
                commands, dropped = shorter, True
            else:
                place += piece
        if piece > 1 or not dropped or tries >= SHRINK_TRIES:
            piece //= 2
    return commands


def fails(engine, commands):
    try:
        return check_stream(engine, commands)[0] is not None
    except KeyError:  # a command that cannot stand without one that was dropped
        return False


def report(engine, seed, commands, wrong, shrinks):
    print(f"world {seed}: {wrong}")
    if shrinks:
        small = shrink(engine, commands)
        print(f"shrunk from {len(commands)} commands to {len(small)}: "
              f"{check_stream(engine, small)[0]}")
        for command in small:
            print(json.dumps(command))
    print(flush=True)


def show(engine, seed):
    commands, results, final = expected_world(seed)
    wrong, answers = check_stream(engine, commands, results, final)
    places = script(commands)[1]
    for command, (outcome, actions, _), place in zip(commands, results, places):
        answer = answers[place] if answers else {"outcome": "(none)", "actions": []}
        print(json.dumps(command))
        print(f"  expected {outcome}, got {answer['outcome']}")
        for name, rows in (("expected", actions), ("got     ", answer["actions"])):
            for action in rows:
                print(f"  {name} {json.dumps(action)}")
    print("expected state", json.dumps(final))
    print("got state     ", json.dumps(answers[-1] if answers else None))
    if wrong is None:
        wrong = check_order(engine, commands, seed, answers)
    print("problem:", wrong)
    return wrong is None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", required=True, help="the C tool (a command line)")
    parser.add_argument("--worlds", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--one", type=int, metavar="SEED")
    parser.add_argument("--sample", type=int, default=10, help="order checks in one of N worlds")
    parser.add_argument("--show", type=int, default=5, help="failing worlds to shrink and print")
    options = parser.parse_args()
    engine, failed, began = Engine(options.engine), 0, time.monotonic()
    if options.one is not None:
        failed = 0 if show(engine, options.one) else 1
        options.worlds = 1
    else:
        for seed in range(options.seed, options.seed + options.worlds):
            commands, wrong, shrinks = check_world(engine, seed, seed % options.sample == 0)
            if wrong:
                failed += 1
                if failed <= options.show:
                    report(engine, seed, commands, wrong, shrinks)
    engine.stop()
    print(f"{time.monotonic() - began:.1f} s")
    print(f"{options.worlds - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
