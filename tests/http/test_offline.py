#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goal: the log verbs give the state at any moment and what differs between two, and change nothing.
Method: a book with every kind of thing in it, read while its daemon runs, after it was killed and
after it stopped; two logs that differ in one mark; moments and directories that are not there."""
import contextlib
import hashlib
import json
import os
import shutil
import stat
import tempfile

from harness import Server, run
from test_daemon import call, row

ROW_OF = {"pool": "/v1/pools", "market": "/v1/markets", "account": "/v1/accounts",
          "provider": "/v1/providers", "source": "/v1/sources"}


def make_world(server, last_mark="58000"):
    """A pool with debtors, providers, isolated margin and sources, settled once; then a mark."""
    layers = [{"layer": "insurance", "floor": "0"},
              {"layer": "assign", "spread_ppm": 1000},
              {"layer": "adl", "ranking": "profit_leverage", "price": "bankruptcy"},
              {"layer": "haircut", "rule": "pro_rata", "basis": "period_gain", "divide": "at_once"}]
    server.make_pool("other")
    server.make_pool(waterfall=layers)
    server.make_market()
    server.make_market("ETH-PERP")
    server.post("/v1/marks", [{"market": "BTC-PERP", "price": "60000", "source": "md", "source_seq": 7},
                              {"market": "ETH-PERP", "price": "3000", "source": "md", "source_seq": 8}])
    server.post("/v1/pools/usdc/insurance-fund", {"amount": "50"})
    btc = {"market": "BTC-PERP", "entry_price": "60000"}
    server.post("/v1/accounts", [
        {"account": "loser", "pool": "usdc", "collateral": "100", "positions": [{**btc, "size": "1"}]},
        {"account": "winner", "pool": "usdc", "collateral": "5000", "positions": [{**btc, "size": "-1"}]},
        {"account": "apart", "pool": "usdc", "collateral": "9000", "positions": [
            {**btc, "size": "0.2", "margin": "isolated", "collateral": "4000"},
            {"market": "ETH-PERP", "size": "1", "entry_price": "3000"}]},
        {"account": "helper", "pool": "usdc", "collateral": "1000"}])
    server.post("/v1/providers", {"account": "helper", "market": "ETH-PERP", "max_position": "5",
                                  "max_leverage_ppm": 20000000})
    server.post("/v1/marks", {"market": "BTC-PERP", "price": "59000"})
    server.post("/v1/pools/usdc/settle")
    server.wait_for_actions(3)
    server.post("/v1/marks", {"market": "BTC-PERP", "price": last_mark})


def files(data):
    """Every file of a log with what it holds, but for what SQLite shares between processes."""
    found = {}
    for name in sorted(os.listdir(data)):
        if not name.endswith("-shm"):
            with open(os.path.join(data, name), "rb") as file:
                found[name] = hashlib.sha256(file.read()).hexdigest()
    return found


@contextlib.contextmanager
def unwritable(data):
    """Nobody may write there; root may all the same."""
    modes = {path: os.stat(path).st_mode for path in
             [data, *(os.path.join(data, name) for name in os.listdir(data))]}
    for path, mode in modes.items():
        os.chmod(path, stat.S_IMODE(mode) & ~0o222)
    try:
        yield
    finally:
        for path, mode in modes.items():
            os.chmod(path, stat.S_IMODE(mode))


def state(data, *until):
    done = call("log", "replay", "--data", data, "--state", *until)
    return [json.loads(line) for line in done.stdout.splitlines()]


def shown_by_api(server):
    """The same things as the API lists them."""
    return {kind: [{"type": kind, **item} for item in server.pages(path)]
            for kind, path in ROW_OF.items()}


def test_the_state_is_that_of_the_api(t):
    with tempfile.TemporaryDirectory() as data:
        with Server(data) as server:
            make_world(server)
            expected = shown_by_api(server)
            begin, *beside = state(data)
            t.equal("the first line says where it is", [begin["type"], begin["log"]],
                    ["state", server.identity])
            for kind, rows in expected.items():
                t.equal(f"each {kind}", [item for item in beside if item["type"] == kind], rows)
                t.true(f"there is a {kind}", len(rows) > 0)
            funds = [item for item in beside if item["type"] == "insurance_fund"]
            t.equal("each fund", funds, [
                {"type": "insurance_fund",
                 **server.get(f"/v1/pools/{pool}/insurance-fund").json} for pool in ("other", "usdc")])
            t.equal("verified beside the daemon",
                    call("log", "verify", "--data", data).returncode, 0)
            t.equal("nothing differs", call("log", "diff", data, data).returncode, 0)
            server.kill9()
            left = files(data)
            t.equal("the same after a crash", state(data), [begin, *beside])
            t.equal("which is left as it is", files(data), left)
        with Server(data):
            pass
        left = files(data)
        t.equal("the same after a stop", state(data), [begin, *beside])
        with unwritable(data):
            t.equal("and where nobody may write", state(data), [begin, *beside])
        t.equal("no file is changed, made or removed", files(data), left)
        t.equal("the digest that was stored",
                row(call("log", "verify", "--data", data).stdout, "digest_stored"), "equal")


def test_the_state_of_each_moment(t):
    """Each sequence, and each time, gives the digest that a daemon of that moment had."""
    with tempfile.TemporaryDirectory() as data:
        with Server(data) as server:
            make_world(server)
        lines = call("log", "dump", "--data", data).stdout.splitlines()
        commands = [line.split() for line in lines if not line.startswith(" ")]
        digests = {}
        for seq, time, *_ in commands:
            done = call("log", "replay", "--data", data, "--until", seq)
            t.equal(f"seq {seq}", [row(done.stdout, "seq"), row(done.stdout, "time")], [seq, time])
            digests[seq] = row(done.stdout, "digest")
        seq, time, *_ = commands[-1]
        same_time = call("log", "replay", "--data", data, "--until", time).stdout
        t.equal("by time", [row(same_time, "seq"), row(same_time, "digest")], [seq, digests[seq]])
        t.true("the digest moves", len(set(digests.values())) > 10, digests)
        settle = next(index for index, line in enumerate(lines) if " settle usdc" in line)
        caused = [line.split(" ", 4) for line in lines[settle + 1:] if line.startswith(" ")]
        t.equal("what the settlement caused", [words[2] for words in caused],
                ["action"] * (len(caused) - 1) + ["settlement"])
        t.true("as JSON", all(json.loads(words[4]) for words in caused))
        some = call("log", "dump", "--data", data, "--from", "3", "--until", "5").stdout
        t.equal("a part", [line.split()[0] for line in some.splitlines()], ["3", "4", "5"])


def test_one_mark_differs(t):
    """Two logs are the same but for their last mark."""
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        with Server(first) as server:
            make_world(server)
        shutil.copytree(first, second, dirs_exist_ok=True)
        for data, price in ((first, "57000"), (second, "57001")):
            with Server(data) as server:
                server.post("/v1/marks", {"market": "BTC-PERP", "price": price})
        done = call("log", "diff", first, second)
        lines = done.stdout.splitlines()
        t.equal("different", done.returncode, 1)
        t.true("the mark", "market BTC-PERP: mark_price 57000 | 57001" in lines, done.stdout)
        t.true("who holds some", "account apart: isolated BTC-PERP equity 3400 | 3400.2" in lines,
               done.stdout)
        t.equal("nobody else", {line.split()[1] for line in lines if line.startswith("account")},
                {"apart:"})
        t.true("the digests", lines[-1].startswith("digest: "))
        before = int(row(call("log", "verify", "--data", first).stdout, "seq")) - 1
        same = call("log", "diff", f"{first}@{before}", f"{second}@{before}")
        t.equal("nothing before that mark", [same.returncode, same.stdout], [0, ""])
        done = call("log", "diff", f"{first}@8", first)
        t.true("what is new", "account helper: only in B" in done.stdout.splitlines(), done.stdout)


def test_what_is_not_there(t):
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryDirectory() as empty:
        with Server(data) as server:
            server.make_insolvency()
            in_use = call("--data", data, "--listen", "127.0.0.1:0")
            t.true("a daemon is named", "in use by another process (process id" in in_use.stderr)
        for what, arguments, status, words in (
                ("no such sequence", ["replay", "--data", data, "--until", "999"], 65,
                 "the log ends at seq"),
                ("none to begin with", ["dump", "--data", data, "--from", "999"], 65,
                 "the log ends at seq"),
                ("before the log", ["replay", "--data", data, "--until", "2001-01-01T00:00:00Z"], 65,
                 "the log begins at"),
                ("no log", ["replay", "--data", empty], 74, "there is no log in"),
                ("no directory", ["replay", "--data", data + "/nope"], 74, "No such file"),
                ("no log to compare", ["diff", data, empty], 2, "there is no log in"),
                ("no such moment", ["diff", data, data + "@999"], 2, "the log ends at seq")):
            done = call("log", *arguments)
            t.equal(what, [done.returncode, words in done.stderr], [status, True])
        t.equal("an empty directory stays empty", os.listdir(empty), [])
        with open(os.path.join(data, "log-00000001.db"), "r+b") as file:
            held = file.read()
            file.seek(0)
            file.write(held.replace(b"winner", b"Winner"))
        t.equal("a damaged log has no state", [call("log", *arguments).returncode for arguments in (
            ["verify", "--data", data], ["dump", "--data", data], ["diff", data, data])], [65, 65, 2])


if __name__ == "__main__":
    run(globals())
