#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Capacities and windows decide what is accepted, so they are in the log. Goal: whatever the settings
are at a later start, a replay refuses what was refused and accepts what was accepted; room that is
added can be used, room that is held cannot be taken away. Method: a log that was full, started again
after a crash and after a clean stop with other settings."""
import subprocess
import tempfile

from harness import Server, binary, run

SMALL = {"capacity_accounts_max": 2, "capacity_pools_max": 1}
LARGE = {"capacity_accounts_max": 10, "capacity_pools_max": 1}
WINDOW = 1024  # the smallest


def account(name):
    return {"account": name, "pool": "usdc", "collateral": "5"}


def names(server):
    rows = server.get("/v1/accounts").json["data"]
    return [row["account"] for row in rows if ":" not in row["account"]]


def fill_up(t, server):
    server.make_pool()
    for name, status in (("a", 200), ("b", 200), ("c", 422)):
        t.equal(f"{name} is answered", server.post("/v1/accounts", account(name)).status, status)
    return names(server)


def verify(data):
    return subprocess.run([binary(), "log", "verify", "--data", data], check=False,
                          capture_output=True, text=True)


def simulated(server):
    return server.post("/v1/simulations", {"pool": "usdc", "shocks": []}).status


def raised(t, what, end):
    with tempfile.TemporaryDirectory() as data:
        with Server(data, settings=SMALL) as server:
            before = fill_up(t, server)
            end(server)
        with Server(data, settings=LARGE) as server:
            t.equal(f"{what}: what was refused stays refused", names(server), before)
            t.equal(f"{what}: now it fits", server.post("/v1/accounts", account("c")).status, 200)
            t.equal(f"{what}: the second engine follows", simulated(server), 200)
            end(server)
        t.equal(f"{what}: replays with any settings", verify(data).returncode, 0)
        with Server(data, settings=LARGE) as server:
            t.equal(f"{what}: and again", names(server), [*before, "c"])


def test_more_room_after_a_crash(t):
    raised(t, "crash", Server.kill9)


def test_more_room_after_a_clean_stop(t):
    raised(t, "stop", Server.stop)


def test_less_room_than_is_held(t):
    """A start is refused by name and changes nothing; what fits is taken."""
    with tempfile.TemporaryDirectory() as data:
        with Server(data, settings=LARGE) as server:
            server.make_pool()
            server.post("/v1/accounts", [account(name) for name in "abcde"])
        before = verify(data).stdout
        refused = Server(data, settings=SMALL)
        try:
            refused.start()
            t.equal("it started", True, False)
        except RuntimeError as error:
            t.true("names the setting and what is held", "capacity.accounts_max is too small" in str(error)
                   and "holds 5" in str(error), str(error))
        t.equal("a configuration error", refused.process.returncode, 78)
        t.equal("nothing changed", verify(data).stdout, before)
        with Server(data, settings={**LARGE, "capacity_accounts_max": 5}) as server:
            t.equal("what is held fits", names(server), list("abcde"))
            t.equal("no other fits", server.post("/v1/accounts", account("f")).status, 422)
            t.equal("the second engine follows", simulated(server), 200)
            server.kill9()
        with Server(data, settings=LARGE) as server:
            t.equal("refused stays refused", names(server), list("abcde"))


def test_windows(t):
    """An id that was forgotten stays forgotten, one that was remembered stays remembered."""
    transfer = {"account": "a", "amount": "1"}

    def send(server, first, count):
        return server.post("/v1/transfers", [{**transfer, "transfer_id": f"t{i}"}
                                             for i in range(first, first + count)]).json["accepted"]

    def cash(server):
        return server.get("/v1/accounts/a").json["collateral"]

    small, large = ({"capacity_transfer_window": size} for size in (WINDOW, 4 * WINDOW))
    with tempfile.TemporaryDirectory() as data:
        with Server(data, settings=small) as server:
            server.make_pool()
            server.post("/v1/accounts", account("a"))
            send(server, 0, WINDOW + 1)
            send(server, 0, 1)  # forgotten, so it counts again
            t.equal("forgotten", cash(server), str(5 + WINDOW + 2))
            server.kill9()
        with Server(data, settings=large) as server:
            t.equal("as it was", cash(server), str(5 + WINDOW + 2))
            send(server, 2, WINDOW - 1)
            t.equal("remembered", cash(server), str(5 + WINDOW + 2))
            send(server, 1, 1)
            t.equal("forgotten stays forgotten", cash(server), str(5 + WINDOW + 3))
            send(server, WINDOW + 1, 2 * WINDOW)
            send(server, 2, 1)
            t.equal("more is remembered now", cash(server), str(5 + 3 * WINDOW + 3))
        with Server(data, settings=small) as server:
            t.equal("a smaller one again", cash(server), str(5 + 3 * WINDOW + 3))
            send(server, 2, 1)
            t.equal("forgets", cash(server), str(5 + 3 * WINDOW + 4))
            server.kill9()
        with Server(data, settings=large) as server:
            t.equal("all is as it was", cash(server), str(5 + 3 * WINDOW + 4))


if __name__ == "__main__":
    run(globals())
