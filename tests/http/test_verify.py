#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/verify.py, the auditor's program, and backstopctl verify, which shares nothing with it: both accept
what a real backstopd published of random worlds, of every scenario and of the demo's instant, and find every kind of
tampering in a dump that is right but for it, also when the forger has computed the hash chain again."""
import ast
import copy
import functools
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from fake_server import FakeServer
from harness import NDJSON, Server, canonical, ordinal, run

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[1:1] = [str(ROOT / "tests" / "property"), str(ROOT / "tests" / "scenario")]
from language import Scenario  # noqa: E402
from worlds import world  # noqa: E402

INSTANT = ROOT / "data" / "oct10-instant" / "commands.ndjson"
WORLDS = range(1, 31)
PATIENCE_S = 60
REACHED = {"adl": 40, "haircut": 30, "insurance_draw": 10, "takeover": 20, "write_off": 20, "netting": 5,
           "reversal": 5, "final_settlement": 3, "restitution": 1, "refund": 1, "unallocated_deficit": 5,
           "insurance_credit": 1, "assignment": 5}


def dump_of(server):
    """All that verify.py reads, once nothing is under way any more."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        dump = {what: server.pages("/v1/" + what) for what in ("pools", "markets", "settlements")}
        dump["actions"] = server.actions()
        last = {action["pool"]: action["id"] for action in dump["actions"]}
        ended = {row["pool"]: row["settlement"] for row in dump["settlements"]}
        if dump["pools"] == server.pages("/v1/pools") and all(
                (row["last_action"], row["last_settlement"]) == (last.get(row["pool"], 0), ended.get(row["pool"], 0))
                for row in dump["pools"]):
            return dump
        time.sleep(0.02)
    raise RuntimeError("the server does not come to rest")


def play(commands):
    with Server() as server:
        body = "\n".join(json.dumps(command) for command in commands if command["type"] != "clock")
        server.post("/v1/commands", body, content_type=NDJSON)
        return dump_of(server)


def scenario(path):
    """What a story of tests/scenario publishes; lines that are there to be refused whole are left out."""
    commands = []
    for line in (line for step in Scenario(path).steps for line in step.commands):
        try:
            commands.append(json.loads(line))
        except ValueError:
            continue
    return play([command for command in commands if isinstance(command, dict) and "type" in command])


def instant(**changes):
    commands = [json.loads(line) for line in INSTANT.read_text().splitlines()]
    commands[0].update(changes)
    return play(commands)


def pooled(shorts, waterfall):
    """Two long debtors of a side, who owe 1 and 5; against them so many lots."""
    return play([
        {"type": "pool", "pool": "usd", "asset": "USD", "decimals": 2, "mark_max_age_ms": 0,
         "waterfall": [*waterfall, {"layer": "haircut"}]},
        {"type": "market", "market": "M", "pool": "usd", "contract": "linear", "tick_size": "1", "lot_size": "1",
         "maintenance_margin_ppm": 5000},
        {"type": "mark", "market": "M", "price": "100"},
        *({"type": "account", "account": account, "pool": "usd", "collateral": cash,
           "positions": [{"market": "M", "size": size, "entry_price": "100"}]}
          for account, cash, size in (("a", "9", "1"), ("b", "5", "1"), ("c", "500", f"-{shorts}"))),
        {"type": "mark", "market": "M", "price": "90"}, {"type": "resume", "pool": "usd"},
        {"type": "settle", "pool": "usd"}])


def audit(dump):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.writelines(json.dumps({"data": rows}) + "\n" for rows in dump.values())
        file.flush()
        return subprocess.run([sys.executable, "-I", ROOT / "docs" / "verify.py", file.name],
                              capture_output=True, text=True, timeout=300)


class DumpServer(FakeServer):
    """Answers as a backstopd that has published a dump would."""

    def __init__(self, dump):
        self.dump = dump
        super().__init__()

    def on_get(self, handler):
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        what, after, limit = parts.path.split("/")[2], query.get("after", "0"), int(query.get("limit", "100"))
        rows = [row for row in self.dump[what] if query.get("pool") in (None, row["pool"])]
        if what == "actions":
            rows = [row for row in rows if ordinal(row["cursor"]) > ordinal(after)][:limit]
            after = rows[-1]["cursor"] if rows else after
            return self.reply(handler, 200, {"data": rows, "next": after})
        if what == "settlements":
            rows = [row for row in rows if row["settlement"] > int(after)]
        return self.reply(handler, 200, {"data": rows, "next": None})


def ctl(dump, *options):
    server = DumpServer(dump)
    try:
        return subprocess.run([os.environ["BACKSTOPCTL"], "verify", "--url", server.url, *options],
                              capture_output=True, text=True, timeout=300)
    finally:
        server.stop()


PROGRAMS = {"verify.py": audit, "backstopctl verify": ctl}


def chain_again(dump):
    links = {}
    for action in dump["actions"]:
        link = links.get(action["pool"], "0" * 64).encode() + b"\n" + canonical(action)
        action["hash"] = links[action["pool"]] = hashlib.sha256(link).hexdigest()


# ---- tampering: each finds its place in the dump and changes it, or says that there is none ----


def of(dump, kind, holds=lambda action: True):
    return [action for action in dump["actions"] if action["type"] == kind and holds(action)]


def more(text):
    """The smallest change: the last digit."""
    value = Decimal(text)
    return str(value + Decimal((0, (1,), value.as_tuple().exponent)))


def raised(kind, *path, holds=lambda action: True):
    def tamper(dump):
        found = of(dump, kind, holds)
        if not found:
            return False
        place = found[len(found) // 2]
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = more(place[path[-1]])
        return True
    return tamper


def in_settlement(name):
    def tamper(dump):
        for row in dump["settlements"]:
            row[name] = more(row[name]) if isinstance(row[name], str) else row[name] + 1
            return True
        return False
    return tamper


def close_value(dump):
    """Both sides of a close, as a forger would."""
    for close in of(dump, "liquidation_close"):
        other = next(action for action in dump["actions"]
                     if action["pool"] == close["pool"] and action["id"] == close["id"] + 1)
        close["value"] = other["value"] = more(close["value"])
        return True
    return False


def ranked_pair(dump):
    """Two adl actions that are neighbours in a queue."""
    first = {}
    for action in of(dump, "adl", lambda action: "rank" in action):
        key = action["pool"], action["settlement"], action["market"], action["side"]
        mate = first.get((key, action["rank"] - 1))
        if mate and mate["account"] != action["account"]:
            return mate, action
        first[key, action["rank"]] = action
    return None


def swapped_rank(dump):
    pair = ranked_pair(dump)
    if pair:
        pair[0]["rank"], pair[1]["rank"] = pair[1]["rank"], pair[0]["rank"]
    return pair is not None


def swapped_accounts(dump):
    pair = ranked_pair(dump)
    if pair:
        pair[0]["account"], pair[1]["account"] = pair[1]["account"], pair[0]["account"]
    return pair is not None


def renamed_neighbour(dump):
    pair = ranked_pair(dump)
    if pair:
        pair[1]["queue"]["ahead"] += "x"
    return pair is not None


def changed_digest(dump):
    pair = ranked_pair(dump)
    if pair:
        pair[0]["queue"]["digest"] = "0" * 16
    return pair is not None


def changed_hash(dump):
    action = dump["actions"][len(dump["actions"]) // 2]
    action["hash"] = ("1" if action["hash"][0] == "0" else "0") + action["hash"][1:]
    return True


def missing_id(dump):
    del dump["actions"][len(dump["actions"]) // 2]
    return len(dump["actions"]) > 2


def missing_end(dump):
    """The last action of its pool: no gap shows it, but the settlement's row does."""
    dump["actions"].remove(of(dump, "adl")[-1]) if of(dump, "adl") else None
    return bool(of(dump, "adl")) and dump["actions"][-1]["type"] == "liquidation_close"


def taken_out(dump):
    """One close with both its sides, and all others renumbered."""
    for close in of(dump, "liquidation_close"):
        dump["actions"] = [action for action in dump["actions"]
                           if (action["pool"], action["id"]) not in
                           {(close["pool"], close["id"]), (close["pool"], close["id"] + 1)}]
        for action in dump["actions"]:
            action["id"] -= 2 if action["pool"] == close["pool"] and action["id"] > close["id"] else 0
        return True
    return False


def is_early(action):
    """Before the fund was asked."""
    return "fund_paid" not in action["reason"]


def paid_too_early(dump):
    """As if the fund had paid nothing of a debt of which it pays a part later."""
    drawn = {(draw["pool"], draw["settlement"], draw["account"]) for draw in of(dump, "insurance_draw")}
    for close in of(dump, "liquidation_close", is_early):
        if close["counterparty"] is None and (close["pool"], close["settlement"], close["account"]) in drawn:
            close["reason"] |= {"fund_paid": "0", "residual": close["reason"]["deficit"]}
            return True
    return False


def paid_left_out(dump):
    """Of both sides of a close between two accounts: their fund was asked before."""
    for close in of(dump, "liquidation_close", lambda action: action["counterparty"] and "leg_value" in action):
        other = next(action for action in dump["actions"]
                     if action["pool"] == close["pool"] and action["id"] == close["id"] + 1)
        close["reason"] = other["reason"] = {"deficit": close["reason"]["deficit"]}
        return True
    return False


def named_pooled(dump):
    """Closes of debtors, together, that name what the fund paid."""
    return of(dump, "liquidation_close", lambda action: action["counterparty"] is None and not is_early(action))


def strip_paid(close):
    close["reason"] = {"deficit": close["reason"]["deficit"]}


def paid_left_out_of_a_side(dump):
    """Of the second debtor of a side; the fund had nothing for either."""
    closes = [close for close in named_pooled(dump) if close["reason"]["fund_paid"] == "0"]
    if len(closes) > 1 and closes[0]["settlement"] == closes[1]["settlement"]:
        strip_paid(closes[1])
        return True
    return False


def passed_over(dump):
    """A debtor is left to the fund, and the next one is closed in its place, for the same value."""
    for close in of(dump, "liquidation_close", lambda action: action["counterparty"] is None):
        for left in of(dump, "takeover"):
            same = ("pool", "settlement", "market", "side", "size_before", "entry_price")
            if all(close[name] == left[name] for name in same) and close["value"] == left["value"]:
                for name in ("account", "reason"):
                    close[name], left[name] = left[name], close[name]
                return True
    return False


def window_elsewhere(dump):
    for action in of(dump, "window_closed"):
        action["settlement"] = 99
        return True
    return False


def shared(action):
    return "prefix" in action and Decimal(action["gains_total"]) > Decimal(action["gain"])


KINDS = {
    "an amount of a haircut": raised("haircut", "amount"),
    "a prefix": raised("haircut", "prefix", holds=shared),
    "a gain": raised("haircut", "gain", holds=shared),
    "the loss of a haircut": raised("haircut", "loss"),
    "a draw": raised("insurance_draw", "amount"),
    "a write-off": raised("write_off", "amount"),
    "an unallocated deficit": raised("unallocated_deficit", "amount"),
    "the value of a close": close_value,
    "the value of one side": raised("adl", "value"),
    "the value of a leg": raised("liquidation_close", "leg_value"),
    "a price": raised("adl", "price"),
    "a mark": raised("takeover", "mark_price"),
    "a cost to mark": raised("adl", "cost_to_mark"),
    "a size": raised("adl", "size_closed"),
    "a size left": raised("liquidation_close", "size_after"),
    "a deficit": raised("liquidation_close", "reason", "deficit"),
    "what the fund paid": raised("write_off", "reason", "fund_paid"),
    "what the fund paid, too early": paid_too_early,
    "what the fund paid, left out": paid_left_out,
    "what the fund paid, left out of a side": paid_left_out_of_a_side,
    "a debtor passed over": passed_over,
    "the settlement of a window's end": window_elsewhere,
    "a score": raised("adl", "score", holds=lambda action: action["ranking"] == "profit_leverage"),
    "a score's equity": raised("adl", "queue", "equity", holds=lambda action: action["ranking"] == "profit_leverage"),
    "what was taken back": raised("reversal", "value"),
    "a swapped rank": swapped_rank,
    "two accounts exchanged": swapped_accounts,
    "a neighbour's name": renamed_neighbour,
    "a list's digest": changed_digest,
    "a missing id": missing_id,
    "a missing end": missing_end,
    "a close taken out": taken_out,
    "the sum of haircuts": in_settlement("haircuts"),
    "the sum of draws": in_settlement("fund_paid"),
    "the count of payers": in_settlement("payers"),
}


def check_tampering(t, dumps):
    for name, tamper in KINDS.items():
        for dump in dumps:
            forged = copy.deepcopy(dump)
            if tamper(forged):
                break
        else:
            t.true(f"{name}: some dump has a place for it", False)
            continue
        remade = copy.deepcopy(forged)
        chain_again(remade)
        for program, check in PROGRAMS.items():
            for what, result in (("", check(forged)), (" after a new chain", check(remade))):
                t.true(f"{program}: {name} is found{what}", result.returncode == 1 and "fit" in result.stderr,
                       (result.returncode, result.stderr, result.stdout[-100:]))


@functools.cache
def all_dumps():
    dumps = [instant(), instant(waterfall=[{"layer": "insurance"}, {"layer": "haircut", "rule": "pro_rata"}])]
    dumps += [instant(waterfall=[{"layer": "insurance"}, {"layer": "adl", "ranking": ranking}])
              for ranking in ("pro_rata", "leverage_water_fill")]
    dumps += [pooled(1, [{"layer": "adl", "ranking": "pro_rata", "price": "mark"}]),
              pooled(2, [{"layer": "insurance"}, {"layer": "adl", "ranking": "pro_rata"}])]
    dumps += [play(world(seed)) for seed in WORLDS]
    return dumps + [scenario(path) for path in sorted((ROOT / "tests" / "scenario").glob("*.scn"))]


# ---- every member of every type of action, forged after a new chain ----


def members(place, above=()):
    for name, value in place.items():
        if isinstance(value, dict):
            yield from members(value, (*above, name))
        elif name not in ("cursor", "hash"):
            yield (*above, name)


def forged_member(value, name):
    """A little more of it, another word; more than rounding may hide of what has 12 digits."""
    if name == "seq":
        return 0  # like a time: outside of a settlement only the order is known
    if value is None or isinstance(value, int):
        return (value or 0) + 1
    if name == "side":
        return {"long": "short", "short": "long"}[value]
    if name == "time":
        return "1" + value[1:]  # a thousand years ago: outside of a settlement only the order is known
    if name == "type":
        return "refund" if value == "haircut" else "haircut"
    if name in ("entry_price", "realized_pnl"):
        return str(2 * Decimal(value) + 1)
    return more(value) if value.lstrip("-").replace(".", "", 1).isdigit() else value + "x"


TRIES = 60  # dumps in which what the table says is tried


def forged_places(dumps, known):
    """(type, member) -> a place in a small dump; of why a turn came one for each ranking. What is `known` to go
    unnoticed does so in some dumps only, so it has several places."""
    places, taken = {}, Counter()
    for dump in sorted(dumps, key=lambda dump: len(dump["actions"])):
        seen = set()
        for at, action in enumerate(dump["actions"]):
            for path in members(action):
                way = action.get("ranking") if path[0] in ("queue", "share", "score", "rank", "ranking") else ""
                key = action["type"], ".".join(path), way
                if key not in seen and taken[key] < (TRIES if key[:2] in known else 1):
                    seen.add(key)
                    taken[key] += 1
                    places.setdefault(key[:2], []).append((dump, at, path))
    return places


def is_noticed(dump, at, path):
    """By both programs: it does not fit, or they say that they could not recompute it."""
    forged = copy.deepcopy(dump)
    place = forged["actions"][at]
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = forged_member(place[path[-1]], path[-1])
    chain_again(forged)
    results = [check(forged) for check in PROGRAMS.values()]
    return all((result.returncode == 1 and "fit" in result.stderr) or "not recomputed" in result.stdout
               for result in results), results


def unchecked():
    """The table of docs/records.md: (type, member) that nobody can check from a dump."""
    text = (ROOT / "docs" / "records.md").read_text().split("<!-- unchecked -->")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| `")]
    return {(kind.strip(" `"), member.strip(" `")) for kinds, names, _ in rows
            for kind in kinds.split(",") for member in names.split(",")}


def first_unnoticed(places):
    """What both programs say of the first place where forging goes unnoticed; None where there is none."""
    for dump, at, path in places:
        noticed, results = is_noticed(dump, at, path)
        if not noticed:
            return [(result.returncode, result.stderr) for result in results]
    return None


def test_every_member(t):
    known, found = unchecked(), set()
    places = forged_places(all_dumps(), known)
    t.true("every type is there", {kind for kind, _ in places} >= set(REACHED), places.keys())
    with ThreadPoolExecutor(2) as pool:
        for (kind, member), unnoticed in zip(places, pool.map(first_unnoticed, places.values())):
            if unnoticed:
                found.add((kind, member))
            t.true(f"{kind}: a forged {member} is noticed, or in the table of docs/records.md",
                   not unnoticed or (kind, member) in known, unnoticed)
    t.equal("what the table says is not checked is not", sorted(known - found), [])


def test_published_and_forged(t):
    dumps = all_dumps()
    t.true("the instant has both ways", of(dumps[0], "adl") and of(dumps[1], "haircut"))
    reached = Counter(action["type"] for dump in dumps for action in dump["actions"])
    for kind, least in REACHED.items():
        t.true(f"enough of {kind}", reached[kind] >= least, reached)
    for number, dump in enumerate(dumps):
        for program, check in PROGRAMS.items():
            result = check(dump)
            t.equal(f"{program}: dump {number} fits: {result.stderr}", result.returncode, 0)
            t.true(f"{program}: dump {number} is counted", f"{len(dump['actions'])} actions" in result.stdout,
                   result.stdout)
    forged = copy.deepcopy(dumps[0])
    changed_hash(forged)
    t.true("a hash is found", "hash does not fit" in audit(forged).stderr)
    t.true("a hash is found by name", "hash chain" in ctl(forged).stderr, ctl(forged).stderr)
    check_tampering(t, dumps)


def test_a_dump_that_begins_later(t):
    whole = instant()
    for first in (1, 2, 3, 10, 25, len(whole["actions"]) - 1):
        result = audit({**whole, "actions": whole["actions"][first:]})
        t.true(f"from {first}: of the settlement it begins in only the chain is known", result.returncode == 0, result)
        result = ctl(whole, "--after", str(first))
        t.true(f"from {first}: likewise backstopctl", result.returncode == 0, result)
    forged = {**whole, "actions": copy.deepcopy(whole["actions"][3:])}
    raised("adl", "value")(forged)
    t.true("and is followed", "hash does not fit" in audit(forged).stderr)


def test_what_cannot_be_recomputed_is_counted(t):
    """Of a market whose margin was changed since the weights; of one that is gone the closes."""
    with Server() as server:
        server.make_insolvency()
        server.post("/v1/pools/usdc/settle")
        server.wait_for_actions(3)
        market = server.get("/v1/markets/BTC-PERP").json
        changed = {name: market[name] for name in ("pool", "contract", "tick_size", "lot_size", "multiplier")}
        changed["maintenance_margin_ppm"] = 2 * market["maintenance_margin_ppm"]
        for what, request, words in (
                ("as it was", lambda: server.get("/v1/pools"), None),
                ("another margin", lambda: server.put("/v1/markets/BTC-PERP", changed), "today's maintenance margin"),
                ("a market that is gone", lambda: server.delete("/v1/markets/BTC-PERP"), "closes in markets that are gone")):
            t.equal(what, request().status, 200)
            dump = dump_of(server)
            for program, check in PROGRAMS.items():
                result = check(dump)
                t.equal(f"{program}: {what}: {result.stderr}", result.returncode, 0)
                t.equal(f"{program}: {what} is counted", "not recomputed" in result.stdout, words is not None)
                t.true(f"{program}: {what} is said", (words or "") in result.stdout, result.stdout)


PARTS = [ROOT / "docs" / name for name in ("verify.py", "verify_closes.py", "verify_sides.py", "verify_shares.py")]
LINES_MAX, COLUMNS_MAX, FUNCTION_LINES_MAX = 350, 100, 30


def test_the_program(t):
    """An auditor can read it: short files, lines and functions, and only the standard library."""
    own = {path.stem for path in PARTS}
    for path in PARTS:
        lines = path.read_text().splitlines()
        t.true(f"{path.name}: {LINES_MAX} lines at most", len(lines) <= LINES_MAX, len(lines))
        t.equal(f"{path.name}: {COLUMNS_MAX} columns", [line for line in lines if len(line) > COLUMNS_MAX], [])
        imported = {line.split()[1] for line in lines if line.startswith(("import ", "from "))}
        t.true(f"{path.name}: only the standard library", imported <= set(sys.stdlib_module_names) | own, imported)
        functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
        long = [node.name for node in functions if node.end_lineno - node.lineno >= FUNCTION_LINES_MAX]
        t.equal(f"{path.name}: functions of {FUNCTION_LINES_MAX} lines at most", long, [])


def verify_files(*names, folder=None):
    return subprocess.run([sys.executable, "-I", PARTS[0], *names], capture_output=True, text=True, cwd=folder)


def test_input_that_is_none(t):
    """Exit status 2 and a sentence, when there is nothing to check."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("empty", ""), ("text", "no JSON"), ("other", '{"data":[{"webhook":"w1"}]}'),
                              ("words", '["a"]'), ("number", "1"), ("binary", "\udcff")):
            Path(folder, name).write_bytes(content.encode("utf-8", "surrogateescape"))
            result = verify_files(name, folder=folder)
            t.true(f"{name}: a sentence", result.stderr.startswith("verify.py: ") and
                   result.stderr.count("\n") == 1, result)
            t.equal(f"{name}: the status", result.returncode, 2)
        for what, names in (("no input", ()), ("a file that is missing", ("nothing.json",))):
            result = verify_files(*names, folder=folder)
            t.true(f"{what}: a sentence", result.stderr.startswith("verify.py: ") and
                   result.stderr.count("\n") == 1, result)
            t.equal(f"{what}: the status", result.returncode, 2)


def test_an_unknown_type_is_counted(t):
    dump = instant()
    last = dump["actions"][-1]
    log, _, number = last["cursor"].rpartition("_")
    dump["actions"].append({"cursor": f"{log}_{int(number) + 1}", "id": last["id"] + 1, "type": "toy",
                            "pool": last["pool"], "settlement": None, "seq": last["seq"], "time": last["time"], "hash": ""})
    chain_again(dump)
    for program, check in PROGRAMS.items():
        result = check(dump)
        t.equal(f"{program}: it fits: {result.stderr}", result.returncode, 0)
        said = [line for line in result.stdout.splitlines() if "not recomputed" in line]
        t.true(f"{program}: it says so", len(said) == 1 and "actions of a type" in said[0], result.stdout)


def test_the_recipe(t):
    """The commands at the head of verify.py, pasted into a shell."""
    head = ast.get_docstring(ast.parse(PARTS[0].read_text()))
    recipe = "\n".join(line[4:] for line in head.splitlines() if line.startswith("    "))
    t.true("the head has a recipe", "curl" in recipe and "python3 verify.py" in recipe, recipe)
    with Server() as server, tempfile.TemporaryDirectory() as folder:
        server.make_insolvency()
        server.post("/v1/pools/usdc/settle")
        server.wait_for_actions(3)
        for path in PARTS:
            os.symlink(path, Path(folder, path.name))
        recipe = recipe.replace("http://127.0.0.1:8480", f"http://127.0.0.1:{server.port}")
        for limit in ("1000", "1"):
            pasted = recipe.replace("limit=1000", f"limit={limit}")
            result = subprocess.run(["bash", "-c", pasted], cwd=folder, capture_output=True, text=True, timeout=60)
            t.equal(f"pages of {limit}: it ends well: {result.stderr}", (result.returncode, result.stderr), (0, ""))
            t.true(f"pages of {limit}: it counts", result.stdout.endswith(
                "3 actions, 1 settlements of 1 pools: everything fits\n"), result.stdout)


if __name__ == "__main__":
    run(globals())
