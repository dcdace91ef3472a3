#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at a random moment under load, 20 times over one data directory. Goal: after each restart
every acknowledged command is there (accounts, money moved once, pauses counted by their actions),
what was not acknowledged is there whole or not at all, and ids and hashes go on unbroken.

    BACKSTOPD=... tests/http/test_kill9.py        ROUNDS=3 for fewer, SEED=7 for the same moments
"""
import http.client
import os
import random
import threading
import time

from harness import Server, chain_errors, run

ROUNDS = int(os.environ.get("ROUNDS", "20"))
SEED = int(os.environ.get("SEED", str(time.time_ns() % 1000000)))
THREADS = 6
BATCH = 50


class Poster(threading.Thread):
    """Posts until the server is gone and remembers what was acknowledged and what was only sent."""

    def __init__(self, server, round_number, number):
        super().__init__()
        self.server = server
        self.prefix = f"r{round_number}-t{number}"
        self.acknowledged = []  # batches of accounts whose answer was seen
        self.pending = None     # the batch whose answer was not
        self.deposits = 0       # acknowledged, 1 each, on the account of this thread
        self.deposit_pending = False
        self.faults = []

    def post(self, connection, path, body):
        answer = self.server.post(path, body, connection=connection)
        if answer.status != 200:
            self.faults.append((path, answer.status, answer.body[:200]))

    def run(self):
        connection = self.server.connect(timeout=10)
        try:
            self.post(connection, "/v1/accounts",
                      {"account": self.prefix, "pool": "usdc", "collateral": "0"})
            self.acknowledged.append([self.prefix])
            for i in range(10 ** 9):
                names = [f"{self.prefix}-{i}-{j}" for j in range(BATCH)]
                self.pending = names
                self.post(connection, "/v1/accounts", [
                    {"account": name, "pool": "usdc", "collateral": "7"} for name in names])
                self.acknowledged.append(names)
                self.pending = None
                self.deposit_pending = True
                self.post(connection, "/v1/transfers", {
                    "account": self.prefix, "amount": "1", "transfer_id": f"{self.prefix}-{i}"})
                self.deposits += 1
                self.deposit_pending = False
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()


class Pauser(threading.Thread):
    """Resumes and pauses the pool of its own: each acknowledged call is one action."""

    def __init__(self, server):
        super().__init__()
        self.server = server
        self.acknowledged = 0

    def run(self):
        connection = self.server.connect(timeout=10)
        try:
            running = self.server.get("/v1/pools/flip", connection=connection).json["state"] == "running"
            while True:
                verb = "pause" if running else "resume"
                running = not running
                if self.server.post(f"/v1/pools/flip/{verb}", connection=connection).status == 200:
                    self.acknowledged += 1
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()


def check_accounts(t, there, poster, what):
    missing = [name for names in poster.acknowledged for name in names if name not in there]
    t.equal(f"{what}: acknowledged accounts that are missing", missing[:5], [])
    if poster.pending is not None:
        count = sum(name in there for name in poster.pending)
        t.true(f"{what}: the last batch is whole or absent", count in (0, BATCH), count)
    money = int(there.get(poster.prefix, "0"))
    t.true(f"{what}: money moved once", poster.deposits <= money <=
           poster.deposits + poster.deposit_pending, (poster.deposits, money))


def all_actions(server):
    """Those of the last batch before the kill are rebuilt by the replay and readable one commit
    later; the pools know how many there must be."""
    server.wait_for_actions(sum(pool["last_action"] for pool in server.pages("/v1/pools")))
    return server.actions()


def one_round(t, server, round_number, dice):
    posters = [Poster(server, round_number, number) for number in range(THREADS)]
    pauser = Pauser(server)
    for thread in posters + [pauser]:
        thread.start()
    time.sleep(dice.uniform(0.01, 0.8))
    server.kill9()
    for thread in posters + [pauser]:
        thread.join(30)
    return posters, pauser


def test_kill9(t):
    print(f"SEED={SEED} ROUNDS={ROUNDS}")
    dice = random.Random(SEED)
    with Server() as first:
        first.make_pool()
        first.make_pool("flip")
        first.make_insolvency()
        first.post("/v1/pools/usdc/settle")
        first.wait_for_actions(3)
        acknowledged = []
        flips_least = 0
        actions = first.actions()
        server = first
        for number in range(ROUNDS):
            posters, pauser = one_round(t, server, number, dice)
            acknowledged += posters
            flips_least += pauser.acknowledged
            server = Server(data=first.data).start()
            there = {a["account"]: a["collateral"] for a in server.pages("/v1/accounts?limit=1000")}
            for poster in posters:
                t.equal(f"round {number}: no faults", poster.faults, [])
                check_accounts(t, there, poster, f"round {number}")
            before, actions = actions, all_actions(server)
            t.equal(f"round {number}: ids and hashes", chain_errors(actions), [])
            t.equal(f"round {number}: old actions as they were", actions[:len(before)], before)
            flips = sum(a["pool"] == "flip" for a in actions)
            t.true(f"round {number}: acknowledged pauses are there", flips >= flips_least,
                   (flips, flips_least))
            flips_least = flips
        for poster in acknowledged:
            check_accounts(t, there, poster, "at the end")
        t.true("there was something to lose", len(there) > ROUNDS * BATCH, len(there))
        state = server.state()
        t.equal("a clean stop", server.stop(), 0)
        with Server(data=first.data) as last:
            t.equal("the same state after it", last.state(), state)


if __name__ == "__main__":
    run(globals())
