#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goal: GET /v1/pools/{pool}/snapshot is the whole pool at one sequence, whatever is written meanwhile. Method: against
the lists when nothing moves; under transfers that leave the sum of cash as it is; followed by the actions after its
cursor; and clients that take it slowly, twice at once, or not to the end."""
import json
import socket
import threading
import time

from harness import NDJSON, Server, ordinal, run, wait_until

PATH = "/v1/pools/usdc/snapshot"


def lines_of(answer):
    """Kind and content of each line."""
    return [next(iter(json.loads(line).items())) for line in answer.body.splitlines()]


def of_kind(lines, kind):
    return [row for name, row in lines if name == kind]


def make_book(server, accounts=50):
    server.make_pool()
    server.make_pool("eur")
    server.make_market()
    server.make_market("ETH-PERP")
    server.make_market("OTHER", "eur")
    items = [{"type": "mark", "market": name, "price": "100"} for name in ("BTC-PERP", "ETH-PERP", "OTHER")]
    for i in range(accounts):
        items.append({"type": "account", "account": f"a{i:04}", "pool": "usdc", "collateral": "1000"})
        items.append({"type": "account", "account": f"e{i:04}", "pool": "eur", "collateral": "1"})
    for i in range(0, accounts, 2):
        for market in ("BTC-PERP", "ETH-PERP"):
            items += [{"type": "fill", "account": f"a{i + side:04}", "market": market, "price": "100",
                       "size": ("1", "-1")[side], "trade_id": f"{market}-{i}-{side}"} for side in (0, 1)]
    answer = server.post("/v1/commands", "\n".join(map(json.dumps, items)) + "\n", content_type=NDJSON)
    if answer.status != 200 or answer.json["rejected"]:
        raise RuntimeError(answer.body[:500])


def test_the_pool_and_nothing_else(t):
    with Server() as server:
        make_book(server)
        answer = server.get(PATH)
        lines = lines_of(answer)
        head, end = lines[0], lines[-1]
        t.equal("type", answer.headers["content-type"], NDJSON)
        t.equal("begins with", head[0], "snapshot")
        t.equal("of the last sequence", head[1]["seq"], server.get("/v1/pools").json["seq"])
        t.equal("of this log", head[1]["log"], server.identity)
        t.equal("cursor", head[1]["cursor"], server.cursor(len(server.actions())))
        t.equal("ends with its count", end, ("end", {"rows": len(lines) - 2}))
        t.equal("pool", of_kind(lines, "pool"), [server.get("/v1/pools/usdc").json])
        t.equal("fund", of_kind(lines, "insurance_fund"), [server.get("/v1/pools/usdc/insurance-fund").json])
        t.equal("changes of the fund", of_kind(lines, "fund_change"),
                server.pages("/v1/pools/usdc/insurance-fund/history"))
        t.equal("markets", of_kind(lines, "market"),
                [m for m in server.pages("/v1/markets") if m["pool"] == "usdc"])
        t.equal("accounts", of_kind(lines, "account"),
                server.pages("/v1/accounts?pool=usdc&limit=1000"))
        t.equal("50 accounts and the fund's", len(of_kind(lines, "account")), 51)


def test_refusals(t):
    with Server() as server:
        server.make_pool()
        t.refused("no such pool", server.get("/v1/pools/nope/snapshot"), 404, "unknown_pool", "pool")
        t.refused("a parameter", server.get(PATH + "?limit=1"), 400, "invalid_query", "limit")
        t.refused("ahead", server.get(PATH + "?min_seq=999"), 409, "seq_not_reached")
        t.refused("POST", server.post(PATH, {}), 405, "method_not_allowed")
        t.equal("HEAD", (server.request("HEAD", PATH).status, server.request("HEAD", PATH).body), (200, b""))
        t.equal("and then it is there", lines_of(server.get(PATH))[-1][0], "end")


def transfer(server, ends):
    """Cash goes from one account to the next; both halves are in one request, so in one commit."""
    connection, number = server.connect(), 0
    while not ends.is_set():
        number += 1
        source, target = f"a{number % 50:04}", f"a{(number + 7) % 50:04}"
        pair = [{"type": "transfer", "account": source, "amount": "-1", "transfer_id": f"x{number}"},
                {"type": "transfer", "account": target, "amount": "1", "transfer_id": f"y{number}"}]
        server.post("/v1/commands", "".join(json.dumps(item) + "\n" for item in pair), content_type=NDJSON,
                    connection=connection)
    connection.close()


def test_one_sequence_under_writes(t):
    with Server() as server:
        make_book(server)
        ends = threading.Event()
        writer = threading.Thread(target=transfer, args=(server, ends))
        writer.start()
        last = 0
        for i in range(20):
            lines = lines_of(server.get(PATH))
            cash = sum(int(row["collateral"]) for row in of_kind(lines, "account"))
            t.equal(f"{i}: no cash is lost or made", cash, 50 * 1000)
            t.equal(f"{i}: all of it", lines[-1], ("end", {"rows": len(lines) - 2}))
            t.true(f"{i}: it goes on", lines[0][1]["seq"] >= last, lines[0])
            last = lines[0][1]["seq"]
        wait_until("a later sequence", lambda: lines_of(server.get(PATH))[0][1]["seq"] > last)
        ends.set()
        writer.join(30)


def ask(server):
    sock = server.open()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
    sock.sendall(f"GET {PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    text = b""
    while b'"cursor"' not in text and (piece := sock.recv(1000)):
        text += piece
    return sock, text


def test_slow_clients(t):
    """The copy belongs to one client at a time, and goes with it."""
    with Server() as server:
        make_book(server, accounts=20000)
        seq = server.get("/v1/pools").json["seq"]
        sock, text = ask(server)
        t.true("its answer begins", text.startswith(b"HTTP/1.1 200"), text[:50])
        second = server.get(PATH)
        t.refused("a second one", second, 503, "overloaded")
        t.equal("may come again", second.headers["retry-after"], "1")
        server.post("/v1/accounts", {"account": "late", "pool": "usdc", "collateral": "1"})
        t.true("of its sequence", b'"seq":%d,' % seq in text, text[-200:])
        while piece := sock.recv(1 << 16):
            text = text[-100:] + piece
        t.true("to its end", b'{"end":{"rows":20005}}' in text, text[-100:])
        sock.close()
        for what in ("gone in the middle", "gone again"):
            sock, text = ask(server)
            t.true(what, text.startswith(b"HTTP/1.1 200"), text[:50])
            sock.close()
            wait_until("the place is free again", lambda: server.get(PATH).status == 200)
        sock, text = ask(server)
        started = time.monotonic()
        t.equal("a stop does not wait for it", server.stop(), 0)
        t.true("not at all", time.monotonic() - started < 20)
        sock.close()


def test_followed_by_actions(t):
    """State at the cursor and the actions after it: what an exchange mirrors from."""
    with Server() as server:
        server.make_insolvency()
        before = lines_of(server.get(PATH))
        server.post("/v1/pools/usdc/settle")
        settled = server.get(f"/v1/actions?after={before[0][1]['cursor']}&wait_ms=5000").json["data"]
        after = lines_of(server.get(PATH))
        t.true("actions follow", len(settled) > 0)
        t.equal("up to the next cursor", ordinal(after[0][1]["cursor"]) - ordinal(before[0][1]["cursor"]),
                len(server.get(f"/v1/actions?after={before[0][1]['cursor']}&limit=1000").json["data"]))
        t.equal("all of them after its sequence", [a["seq"] > before[0][1]["seq"] for a in settled],
                [True] * len(settled))


if __name__ == "__main__":
    run(globals())
