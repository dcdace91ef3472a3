#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goal: reads of many accounts are never older than what was acknowledged. Method: clients that write and list at once,
under other readers; sequences that are there, will be there, and never will be."""
import concurrent.futures
import threading
import time

from harness import Server, run, wait_for


def make_book(server):
    server.make_pool("p")
    server.make_market("m", "p")
    server.post("/v1/marks", {"market": "m", "price": "100"})


def write_and_list(server, client, ends):
    """What a client's lists lacked of what it had written, or said of their sequence."""
    connection, failures, rounds = server.connect(), [], 0
    while not ends.is_set():
        name = f"c{client}-{rounds:05}"
        written = server.post("/v1/accounts", {"account": name, "pool": "p", "collateral": "1"}, connection=connection)
        listed = server.get("/v1/pools/p/solvency", connection=connection)
        rounds += 1
        if listed.status != 200 or listed.json["seq"] < written.json["seq"]:
            failures.append((name, listed.status, listed.body[:200]))
    connection.close()
    return failures, rounds


def test_a_client_reads_its_own_writes(t):
    with Server() as server:
        make_book(server)
        ends = threading.Event()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            clients = [pool.submit(write_and_list, server, number, ends) for number in range(8)]
            time.sleep(2)
            ends.set()
            results = [client.result() for client in clients]
        for failures, rounds in results:
            t.equal("no read was older", failures[:3], [])
            t.true("rounds", rounds > 3, rounds)
        cash = server.get("/v1/pools/p/solvency").json["collateral"]
        t.equal("all writes are in", int(cash), sum(rounds for _, rounds in results))


def test_min_seq(t):
    with Server() as server:
        make_book(server)
        seq = server.get("/v1/pools").json["seq"]
        t.equal("it is there", server.get(f"/v1/pools?min_seq={seq}").json["seq"], seq)
        ahead = server.get(f"/v1/pools?min_seq={seq + 1}")
        t.equal("it is not there yet", (ahead.status, ahead.code), (409, "seq_not_reached"))
        t.true("says where the log ends", f"seq {seq}" in ahead.json["detail"], ahead.json)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waits = pool.submit(server.get, f"/v1/pools?min_seq={seq + 1}&wait_ms=30000")
            time.sleep(0.2)
            t.true("it waits", not waits.done())
            server.post("/v1/marks", {"market": "m", "price": "101"})
            t.true("it is told of it", waits.result().json["seq"] > seq)
        began = time.monotonic()
        t.equal("its time is up", server.get(f"/v1/pools?min_seq={seq + 1000}&wait_ms=300").code, "seq_not_reached")
        t.true("it waited", time.monotonic() - began >= 0.29)
        t.equal("not a number", server.get("/v1/pools?min_seq=x").code, "invalid_query")
        t.equal("single rows take none", server.get("/v1/pools/p?min_seq=1").code, "invalid_query")


def test_what_will_never_come_keeps_nobody_out(t):
    """Those that wait for the future have a part of the places, not all of them."""
    with Server() as server:
        make_book(server)
        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            path = "/v1/accounts?min_seq=1000000&wait_ms=60000&limit="
            waits = [pool.submit(server.get, path + str(n + 1)) for n in range(40)]
            t.true("8 are refused", wait_for(lambda: sum(wait.done() for wait in waits) == 8))
            t.equal("others are served", server.get("/v1/accounts").status, 200)
            t.equal("nobody else is", sum(wait.done() for wait in waits), 8)
            server.stop()
        codes = [wait.result().code for wait in waits]
        t.equal("what they are told", (codes.count("overloaded"), codes.count("not_ready")), (8, 32))


def test_a_stop_answers_what_waits(t):
    with Server() as server:
        make_book(server)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waits = pool.submit(server.get, "/v1/pools?min_seq=1000000&wait_ms=60000")
            time.sleep(0.3)
            server.stop()
            t.equal("not served any more", waits.result().code, "not_ready")


def test_after_a_restart(t):
    """The second block follows the log from where the live one began."""
    with Server() as server:
        make_book(server)
        server.post("/v1/accounts", [{"account": f"a{number}", "pool": "p", "collateral": "1"} for number in range(500)])
        server.kill9()
        server.start()
        t.true("served", wait_for(lambda: server.get("/v1/accounts?limit=1000").status == 200))
        t.equal("all of them, and the fund's account", len(server.get("/v1/accounts?limit=1000").json["data"]), 501)


if __name__ == "__main__":
    run(globals())
