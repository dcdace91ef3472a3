#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Old files of the log go once two snapshots make them unnecessary. Goal: what is left starts and answers as
before, what needs the files that are gone is refused by name, and without snapshots the daemon refuses
to start rather than to begin with nothing. Method: small files, many snapshots, kill -9.

    BACKSTOPD=... tests/http/test_retention.py
"""
import glob
import os
import re
import subprocess

from harness import Server, binary, run, wait_until

SMALL = {"storage_file_size_max": 1 << 20, "snapshot_every_commands": 4000, "log_keep_days": 0,
         "core_settle_interval_ms": 50}
READS = ("/v1/pools/usdc", "/v1/accounts?pool=usdc", "/v1/accounts/winner", "/v1/markets/BTC-PERP", "/v1/sources")
ITEMS = [{"account": "winner", "amount": "1"}] * 1000


def files(server):
    return [int(re.search(r"log-(\d+)\.db$", path).group(1))
            for path in sorted(glob.glob(os.path.join(server.data, "log-*.db")))]


def answers(server):
    return [(path, server.get(path).status, server.get(path).body) for path in READS]


def fill(server, rounds):
    for _ in range(rounds):
        server.post("/v1/transfers", ITEMS)


def fill_until_cut(server, first):
    """Files before `first` are gone."""
    def is_cut():
        fill(server, 2)
        return files(server)[0] >= first
    wait_until(f"files before {first} are cut", is_cut, 60)


def start_refused(server):
    """What the daemon says when it does not start."""
    ended = subprocess.run([binary(), "--data", server.data, "--listen", "127.0.0.1:0"], timeout=30, check=False,
                           capture_output=True, text=True, env={**os.environ, **server.environment})
    return ended.stdout + ended.stderr if ended.returncode else ""


def test_old_files_go(t):
    with Server(settings=SMALL) as server:
        server.make_insolvency()
        server.post("/v1/pools/usdc/resume")
        server.wait_for_actions(2)
        first = server.actions()[0]["cursor"]
        t.equal("an action can be read", server.get(f"/v1/actions?after={first}").status, 200)
        fill_until_cut(server, 3)
        gone = server.get(f"/v1/actions?after={first}")
        t.equal("its cursor has expired", (gone.status, gone.json["code"]), (410, "cursor_expired"))
        t.true("it says where the log begins", "up to" in gone.json["detail"], gone.json)
        wait_until("the log says what went", lambda: b"old files of the log were removed" in server.output())
        past = server.get("/v1/pools/usdc/settlements/1/compare")
        t.true("what was is refused by name", past.status in (404, 410, 422) and "code" in past.json,
               (past.status, past.body))
        server.post("/v1/pools/usdc/pause", {"reason": "read"})  # the timer moves nothing any more
        before = answers(server)
        server.kill9()

        server.start()
        t.true("it begins with a snapshot", b"loaded a snapshot" in server.output())
        t.equal("the same answers", answers(server), before)
        t.equal("the cursor is still expired", server.get(f"/v1/actions?after={first}").status, 410)
        kept = files(server)[0]
        fill_until_cut(server, kept + 2)
        server.stop()

        server.start()
        t.equal("it goes on after a clean stop, too", server.get("/v1/pools/usdc").status, 200)
        server.kill9()

        for path in glob.glob(os.path.join(server.data, "snapshot-*")):
            os.rename(path, path + ".aside")
        refusal = start_refused(server)
        t.true("without a snapshot it does not start, and says why", "snapshot" in refusal, refusal[-600:])
        for path in glob.glob(os.path.join(server.data, "*.aside")):
            os.rename(path, path.removesuffix(".aside"))
        server.start()
        t.equal("with them again it does", server.get("/v1/pools/usdc").status, 200)


if __name__ == "__main__":
    run(globals())
