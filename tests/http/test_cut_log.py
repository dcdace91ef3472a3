#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A log whose older files were cut, read without its daemon. Goal: from its oldest snapshot on, the log
verbs give what they gave for the whole log; what is before is refused, and the refusal names the first
moment there is. Method: the same log as a copy from before the cut and after it; damage; a backup.

    BACKSTOPD=... tests/http/test_cut_log.py
"""
import glob
import os
import re
import shutil
import tempfile

from harness import Server, run, wait_until
from test_backup import backup, restore
from test_daemon import call
from test_retention import ITEMS, SMALL, fill, fill_until_cut
from test_snapshot import OFTEN, flip, loaded_seq, make_world, seq_of, snapshots, wait_for_snapshot


def rows(done):
    return {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()}


def copy_of(server, place, name):
    path = os.path.join(place, name)
    shutil.copytree(server.data, path)
    return path


def start_log(server):
    """A settlement at the beginning."""
    server.make_insolvency()
    server.post("/v1/pools/usdc/resume")
    server.wait_for_actions(2)


def make_log(server):
    """Some files, and settles in each."""
    start_log(server)
    for _ in range(40):
        server.post("/v1/transfers", ITEMS)
        server.post("/v1/pools/usdc/settle")


def test_the_verbs(t):
    with tempfile.TemporaryDirectory() as place, Server(settings=SMALL) as server:
        make_log(server)
        fill_until_cut(server, 3)
        beside = call("log", "verify", "--data", server.data)
        t.equal("verified beside the daemon", (beside.returncode, beside.stderr), (0, ""))
        server.stop()
        data = server.data
        kept = [seq_of(path) for path in snapshots(server)]
        done = call("log", "verify", "--data", data)
        t.equal("verified", (done.returncode, done.stderr), (0, ""))
        told = rows(done)
        t.equal("both snapshots are checked", told["snapshots"], "2")
        t.equal("from the oldest", told["replayed_from_seq"], str(kept[0]))
        t.equal("the digest is the daemon's", told["digest_stored"], "equal")
        begin = int(told["begins_after_seq"])
        t.true("the log begins before it", 0 < begin <= kept[0], told)

        end = rows(call("log", "replay", "--data", data))
        t.equal("the state at the end", (end["seq"], end["digest"]), (told["seq"], told["digest"]))
        first = call("log", "replay", "--data", data, "--until", str(kept[0]))
        t.equal("the first moment", (first.returncode, rows(first)["seq"]), (0, str(kept[0])))
        later = call("log", "replay", "--data", data, "--until", str(kept[0] + 1))
        t.equal("and the next", rows(later)["seq"], str(kept[0] + 1))
        states = call("log", "replay", "--data", data, "--until", rows(first)["time"], "--state")
        t.equal("by time", states.returncode, 0)
        for before in (str(kept[0] - 1), "1", "2001-01-01T00:00:00Z"):
            refused = call("log", "replay", "--data", data, "--until", before)
            t.equal(f"{before}: refused", refused.returncode, 65)
            t.true(f"{before}: the first moment is named",
                   f"the first moment of the log is seq {kept[0]}, at {rows(first)['time']}" in refused.stderr,
                   refused.stderr)

        lines = call("log", "dump", "--data", data, "--until", str(begin + 2)).stdout.splitlines()
        t.equal("listed from its beginning", [line.split()[0] for line in lines if line[0] != " "],
                [str(begin + 1), str(begin + 2)])
        for words in (["--from", str(begin)], ["--until", str(begin)], ["--until", "2001-01-01T00:00:00Z"]):
            refused = call("log", "dump", "--data", data, *words)
            t.equal(f"{words}: refused", (refused.returncode, refused.stdout), (65, ""))
            t.true(f"{words}: the first is named", f"the log begins with seq {begin + 1}," in refused.stderr,
                   refused.stderr)

        same = call("log", "diff", data, data)
        t.equal("nothing differs", (same.returncode, same.stdout), (0, ""))
        moved = call("log", "diff", f"{data}@{kept[0]}", data)
        t.true("what the log did since is named", moved.returncode == 1 and
               re.search(r"^account winner: collateral \d+ \| \d+$", moved.stdout, re.M), moved.stdout)
        t.equal("no such moment to compare", call("log", "diff", f"{data}@1", data).returncode, 2)

        damaged = copy_of(server, place, "damaged")
        oldest, newest = sorted(glob.glob(os.path.join(damaged, "snapshot-*.bss")))
        flip(newest)
        done = call("log", "verify", "--data", damaged)
        t.true("a damaged snapshot is named", done.returncode == 65 and os.path.basename(newest) in done.stderr,
               done.stderr)
        t.equal("the state does not need it", rows(call("log", "replay", "--data", damaged)), end)
        os.remove(newest)
        flip(oldest)
        done = call("log", "replay", "--data", damaged)
        t.true("without one there is no state", done.returncode == 65 and "no whole snapshot" in done.stderr,
               done.stderr)

        rotten = copy_of(server, place, "rotten")
        with open(sorted(glob.glob(os.path.join(rotten, "log-*.db")))[0], "r+b") as file:
            held = file.read()
            file.seek(0)
            file.write(held.replace(b"winner", b"Winner", 1))
        t.equal("damage before the oldest snapshot is found, too",
                call("log", "verify", "--data", rotten).returncode, 65)


def settle_another(server):
    """One more insolvency; the number of its settlement."""
    server.post("/v1/marks", {"market": "BTC-PERP", "price": "60000"})
    btc = {"market": "BTC-PERP", "entry_price": "60000"}
    server.post("/v1/accounts", [
        {"account": "second", "pool": "usdc", "collateral": "100", "positions": [{**btc, "size": "1"}]},
        {"account": "other", "pool": "usdc", "collateral": "5000", "positions": [{**btc, "size": "-1"}]}])
    server.post("/v1/marks", {"market": "BTC-PERP", "price": "59000"})
    before = server.get("/v1/pools/usdc").json["last_settlement"]
    server.post("/v1/pools/usdc/settle")
    wait_until("a settlement", lambda: server.get(f"/v1/pools/usdc/settlements/{before + 1}").status == 200)
    return before + 1


def test_a_settlement_of_the_past(t):
    with Server(settings=SMALL) as server:
        start_log(server)
        first = "/v1/pools/usdc/settlements/1/compare"
        expected = server.get(first)
        t.equal("the first is compared", expected.status, 200)
        fill_until_cut(server, 3)
        gone = server.get(first)
        t.refused("once it is cut", gone, 410, "settlement_expired")
        t.true("it says where the log begins", "settlement 1 was cut" in gone.json["detail"], gone.json)
        t.refused("one that never was", server.get("/v1/pools/usdc/settlements/99/compare"), 404, "unknown_settlement")
        number = settle_another(server)
        again = server.get(f"/v1/pools/usdc/settlements/{number}/compare")
        t.equal("one that is kept is compared", (again.status, again.json.get("settlement")), (200, number))
        server.post("/v1/accounts", [{"account": name, "pool": "usdc", "collateral": "0", "positions": []}
                                     for name in ("second", "other")])
        server.kill9()
        for path in snapshots(server)[:-1]:
            os.remove(path)
        server.start()
        os.rename(snapshots(server)[0], os.path.join(server.data, "aside"))
        early = server.get(f"/v1/pools/usdc/settlements/{number}/compare")
        t.refused("kept, but without a snapshot before it", early, 410, "settlement_expired")
        t.true("and says so", "is kept, but no snapshot" in early.json["detail"], early.json)


def test_a_backup(t):
    with tempfile.TemporaryDirectory() as place, Server(settings=SMALL) as server:
        make_log(server)
        fill_until_cut(server, 3)
        saved = os.path.join(place, "backup")
        done = backup(server, saved)
        t.equal("the backup", (done.returncode, done.stderr), (0, ""))
        t.equal("it verifies as it is", call("log", "verify", "--data", saved).returncode, 0)
        kept = sorted(seq_of(path) for path in glob.glob(os.path.join(saved, "snapshot-*.bss")))
        refused = restore(saved, os.path.join(place, "not"), "--until", str(kept[0] - 1))
        t.true("a moment before is refused", refused.returncode == 65 and
               f"the first moment of the log is seq {kept[0]}," in refused.stderr, refused.stderr)
        for number, options in enumerate(([], ["--until", str(kept[0] + 7)])):
            new = os.path.join(place, f"new{number}")
            made = restore(saved, new, *options)
            t.equal(f"{options}: the restore", (made.returncode, made.stderr), (0, ""))
            told, was = rows(made), rows(call("log", "replay", "--data", saved, *options))
            for name in ("seq", "digest", "settlements"):
                t.equal(f"{options}: {name} is the original's", told[name], was[name])
            t.true(f"{options}: another identity", told["identity"] != told["identity_before"], told)
            checked = call("log", "verify", "--data", new)
            t.equal(f"{options}: it verifies", (checked.returncode, rows(checked)["digest"]), (0, was["digest"]))
            with Server(data=new, settings=SMALL) as restored:
                t.true(f"{options}: it starts from a snapshot", loaded_seq(restored) in kept, restored.output())
                t.equal(f"{options}: under its identity", restored.get("/v1/identity").json["identity"],
                        told["identity"])
                fill(restored, 1)
                t.equal(f"{options}: it goes on", restored.get("/v1/accounts/winner").status, 200)


def test_a_backup_of_a_whole_log(t):
    with tempfile.TemporaryDirectory() as place, Server(settings=OFTEN) as server:
        make_world(server)
        wait_for_snapshot(server, 2)
        saved, new = os.path.join(place, "backup"), os.path.join(place, "new")
        t.equal("the backup", backup(server, saved).returncode, 0)
        made = restore(saved, new)
        t.equal("the restore", (made.returncode, made.stderr, rows(made)["snapshots"]), (0, "", "2"))
        checked = call("log", "verify", "--data", new)
        t.equal("its snapshots fit", (checked.returncode, rows(checked)["snapshots"]), (0, "2"))
        with Server(data=new, settings=OFTEN) as restored:
            t.true("it starts from one", loaded_seq(restored) > 0, restored.output())
            t.true("none is passed over", b"passed over" not in restored.output())


if __name__ == "__main__":
    run(globals())
