#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The request guard on the wire: paths, methods, queries, headers, smuggling shapes, sizes, slow
and vanished clients. Goal: each refusal has its exact code, and afterwards the server is as before."""
import socket
import threading
import time

from harness import JSON, NDJSON, Server, closed_after, read_responses, run

LATER = ["/"]
LONG_NAME = "n" * 65


def head(method, path, *lines, version="HTTP/1.1"):
    return "\r\n".join([f"{method} {path} {version}", *lines, "", ""]).encode("latin-1")


def refused_raw(t, server, what, data, status, code, naming=None, closes=True):
    """One answer, the expected one; with `closes` the connection ends after it."""
    answers = server.raw(data)
    t.equal(f"{what}: one answer", [a.status for a in answers], [status])
    if len(answers) == 1:
        t.refused(what, answers[0], status, code, naming)
        if closes:
            t.equal(f"{what}: closes", answers[0].headers.get("connection", "").lower(), "close")


def test_paths(t):
    with Server() as server:
        for path in LATER + ["/v2/pools", "/v1", "/v1/", "/v1/pools/", "/v1/pools//", "//v1/pools",
                             "/v1/pools/a/b/c/d/e/f/g", "/v1/Pools", "/v1/accounts/a/", "/v1/pools/a/settle/b"]:
            t.refused(f"GET {path}", server.get(path), 404, "not_found")
        for path in ("/v1/accounts/%", "/v1/accounts/%4", "/v1/accounts/a%zz", "/v1/accounts/%00",
                     "/v1/accounts/a%00b", "/v1/%zz"):
            t.refused(f"GET {path}", server.get(path), 400, "invalid_path")
        for name in (LONG_NAME, "%0A", "a%1Fb", "a%7f", "%ff", "%c3", "%ed%a0%80", "%c0%af",
                     "%f5%80%80%80"):
            t.refused(f"GET account {name}", server.get(f"/v1/accounts/{name}"), 422, "invalid_name")
        for name in ("n" * 64, "a%2Fb", "a%2fb", "%E2%82%BF", "a%20b", "a+b", "..", "%25", "a%3Fb"):
            t.refused(f"GET account {name}", server.get(f"/v1/accounts/{name}"), 404,
                      "unknown_account", "account")
        t.refused("settlement 0", server.get("/v1/pools/p/settlements/0"), 404, "unknown_settlement")
        t.refused("settlement x", server.get("/v1/pools/p/settlements/x"), 404, "unknown_settlement")
        t.refused("settlement 01", server.get("/v1/pools/p/settlements/01"), 404,
                  "unknown_settlement")
        t.equal("an escaped letter is that letter", server.get("/v1/%70ools").status, 200)


def test_methods(t):
    with Server() as server:
        allowed = {"/v1/pools": "GET, HEAD", "/v1/pools/p": "PUT, DELETE, GET, HEAD",
                   "/v1/accounts": "POST, GET, HEAD", "/v1/pools/p/settle": "POST",
                   "/v1/actions": "GET, HEAD", "/v1/commands": "POST", "/metrics": "GET, HEAD"}
        for path, allow in allowed.items():
            for method in ("PATCH", "TRACE", "OPTIONS", "FOO", "get"):
                answer = server.request(method, path)
                t.refused(f"{method} {path}", answer, 405, "method_not_allowed")
                t.equal(f"{method} {path}: Allow", answer.headers.get("allow"), allow)
        got = server.get("/v1/pools")
        headed = server.request("HEAD", "/v1/pools")
        t.equal("HEAD: status", headed.status, 200)
        t.equal("HEAD: no body", headed.body, b"")
        t.equal("HEAD: the length GET has", headed.headers["content-length"], str(len(got.body)))
        t.equal("HEAD of nothing", server.request("HEAD", "/nope").status, 404)
        t.equal("a read is not to be stored", got.headers["cache-control"], "no-store")


def test_queries(t):
    with Server() as server:
        bad = [("/v1/pools?x=1", "x"), ("/v1/pools?limit=0", "limit"), ("/v1/pools?limit=1001", "limit"),
               ("/v1/pools?limit=", "limit"), ("/v1/pools?limit=-1", "limit"),
               ("/v1/pools?limit=+1", "limit"), ("/v1/pools?limit=1e2", "limit"),
               ("/v1/pools?limit=010", "limit"), ("/v1/pools?limit=99999999999999999999", "limit"),
               ("/v1/pools?limit=1&limit=1", "limit"), ("/v1/pools?after=%zz", "after"),
               ("/v1/pools?after=!", "after"), ("/v1/pools?after=a", "after"),
               ("/v1/pools?after=AAAA", "after"), ("/v1/pools?after=" + "A" * 300, "after"),
               ("/v1/pools?limit", "limit"), ("/v1/pools?LIMIT=1", "LIMIT"),
               ("/v1/accounts?pool=", "pool"), (f"/v1/accounts?pool={LONG_NAME}", "pool"),
               ("/v1/accounts?pool=%00", "pool"), ("/v1/accounts?pool=a&pool=a", "pool"),
               ("/v1/accounts?market=m", "market"), ("/v1/positions?market=%0a", "market"),
               ("/v1/accounts/a?pool=p", "pool"), ("/v1/pools/p?limit=1", "limit"),
               ("/v1/markets/m/adl-queue", "side"), ("/v1/markets/m/adl-queue?side=Long", "side"),
               ("/v1/markets/m/adl-queue?side=long&after=x", "after"),
               ("/v1/actions?type=nope", "type"), ("/v1/actions?after=x", "after"),
               ("/v1/actions?after=-1", "after"), ("/v1/actions?after=01", "after"),
               ("/v1/actions?after=18446744073709551616", "after"), ("/v1/actions?after=1", "after"),
               ("/v1/actions?wait_ms=60001", "wait_ms"), ("/v1/actions?wait_ms=1.5", "wait_ms"),
               ("/v1/actions?limit=10001", "limit"),
               ("/v1/settlements?pool=p&after=x", "after"), ("/readyz?verbose=1", "verbose"),
               ("/livez?verbose", "verbose"), ("/v1/pools?%zz=1", "%zz"), ("/v1/pools?=1", "")]
        for path, naming in bad:
            t.refused(f"GET {path}", server.get(path), 400, "invalid_query", naming)
        t.refused("query on a write", server.post("/v1/accounts?x=1", [{}]), 400, "invalid_query", "x")
        for path in ("/v1/pools?", "/v1/pools?limit=1000", "/v1/actions?limit=10000&wait_ms=0&after=0",
                     "/v1/actions?type=adl&account=a", "/readyz?verbose", "/v1/pools?%6cimit=5"):
            t.equal(f"GET {path}", server.get(path).status, 200)
        for path, code in (("/v1/accounts?pool=nope", "unknown_pool"),
                           ("/v1/positions?pool=nope", "unknown_pool"),
                           ("/v1/positions?market=nope", "unknown_market"),
                           ("/v1/actions?pool=nope", "unknown_pool"),
                           ("/v1/actions?pool=nope&type=adl&account=a&wait_ms=60000", "unknown_pool"),
                           ("/v1/settlements?pool=nope", "unknown_pool"),
                           ("/v1/stream?pool=nope", "unknown_pool"),
                           ("/v1/pools/nope", "unknown_pool"), ("/v1/pools/nope/solvency", "unknown_pool"),
                           ("/v1/pools/nope/at-risk", "unknown_pool"),
                           ("/v1/pools/nope/insurance-fund", "unknown_pool"),
                           ("/v1/markets/nope", "unknown_market"),
                           ("/v1/markets/nope/adl-queue?side=long", "unknown_market"),
                           ("/v1/accounts/nope", "unknown_account"),
                           ("/v1/pools/nope/settlements/1", "unknown_settlement")):
            t.refused(f"GET {path}", server.get(path), 404, code)


def test_headers(t):
    host = "Host: x"
    json_type = f"Content-Type: {JSON}"
    body = b'{"a":1}'
    post = ("POST", "/v1/accounts")
    with Server(settings={"http_header_deadline_ms": 500}) as server:
        def refused(what, data, status, code, naming=None):
            refused_raw(t, server, what, data, status, code, naming)

        refused("no Host", head("GET", "/livez"), 400, "invalid_header", "Host")
        refused("two Hosts", head("GET", "/livez", host, host), 400, "invalid_header", "Host")
        refused("space before the colon", head("GET", "/livez", host, "Content-Length : 0"), 400,
                "invalid_header")
        refused("header name with a bracket", head("GET", "/livez", host, "X[]: 1"), 400,
                "invalid_header", "X[]")
        refused("control character in a value", head("GET", "/livez", host, "X: a\x01b"), 400,
                "invalid_header", "X")
        refused("two lengths", head(*post, host, json_type, "Content-Length: 7", "Content-Length: 7")
                + body, 400, "invalid_header", "Content-Length")
        refused("two types", head(*post, host, json_type, json_type, "Content-Length: 7") + body, 400,
                "invalid_header", "Content-Type")
        refused("chunked", head(*post, host, json_type, "Transfer-Encoding: chunked")
                + b"7\r\n" + body + b"\r\n0\r\n\r\n", 411, "length_required", "Transfer-Encoding")
        refused("chunked and a length", head(*post, host, json_type, "Content-Length: 7",
                "Transfer-Encoding: chunked") + b"0\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n", 411,
                "length_required")
        refused("chunked, written oddly", head(*post, host, json_type, "Transfer-Encoding: xchunked")
                + b"0\r\n\r\n", 411, "length_required")
        refused("chunked GET", head("GET", "/livez", host, "Transfer-Encoding: chunked")
                + b"0\r\n\r\n", 411, "length_required")
        refused("GET with a body", head("GET", "/livez", host, "Content-Length: 7") + body, 400,
                "invalid_header", "no body")
        refused("DELETE with a body", head("DELETE", "/v1/pools/p", host, json_type,
                "Content-Length: 7") + body, 400, "invalid_header", "no body")
        refused("wrong path with a body", head("POST", "/nope", host, json_type, "Content-Length: 7")
                + body, 404, "not_found")
        refused("Expect: something else", head(*post, host, json_type, "Content-Length: 7",
                "Expect: 200-ok"), 417, "expectation_failed", "Expect")
        refused("compressed", head(*post, host, json_type, "Content-Encoding: gzip",
                "Content-Length: 7") + body, 415, "unsupported_media_type", "Content-Encoding")
        for other in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", "",
                      "application/json; charset=latin-1", "application/json, text/plain"):
            refused(f"Content-Type: {other}", head(*post, host, f"Content-Type: {other}",
                    "Content-Length: 7") + body, 415, "unsupported_media_type", "Content-Type")
        refused("no Content-Type", head(*post, host, "Content-Length: 7") + body, 415,
                "unsupported_media_type", "Content-Type")
        refused("HTTP/1.2", head("GET", "/livez", host, version="HTTP/1.2"), 400, "invalid_header")
        refused("too large", head(*post, host, json_type, f"Content-Length: {17 << 20}"), 413,
                "body_too_large", str(16 << 20))
        refused("19 digits of length", head(*post, host, json_type,
                "Content-Length: 1000000000000000000"), 413, "body_too_large")
        for what, data in (
                ("folded encoding", b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
                ("folded length", b"Content-Length:\r\n 7\r\n\r\n" + body),
                ("folded with a tab", b"X: 1\r\n\t2\r\nContent-Length: 7\r\n\r\n" + body),
                ("folded at the start", b" X: 1\r\n\r\n"),
                ("bare CR hides a header", b"A\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                ("bare CR in a value", b"A: b\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                ("bare LF", b"A: b\nContent-Length: 7\r\n\r\n" + body),
                ("bare LF at the end", b"Content-Length: 7\n\r\n" + body),
                ("bare LF twice", b"Content-Length: 7\r\n\n" + body),
                ("NUL in a value", b"A: b\0\r\nContent-Length: 7\r\n\r\n" + body),
                ("NUL in the length", b"Content-Length: 7\0\r\n\r\n" + body),
                ("NUL in a name", b"A\0: b\r\n\r\n")):
            start = b"POST /v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            answers = server.raw(start + data)
            shown = [(a.status, a.body[:100]) for a in answers]
            t.true(f"{what}: one answer, 400", [a.status for a in answers] == [400], shown)
        for target in (b"/v1/accounts/a b", b"/v1/accounts/a\0b", b"/v1/pools?a=1 2", b"/v1/\x01"):
            answers = server.raw(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            t.true(f"GET {target!r}", [a.status for a in answers] == [400])
        t.equal("+ in a query is a space", server.get("/v1/actions?account=a+b").status, 200)
        for length in ("-1", "+7", "7x", "0x7", "7, 7", "99999999999999999999"):
            answers = server.raw(head(*post, host, json_type, f"Content-Length: {length}") + body)
            t.true(f"Content-Length: {length}", len(answers) == 1 and answers[0].status in (400, 413),
                   [a.status for a in answers])
        for data in (b"\0\0\0\0\r\n\r\n", b"GET\r\n\r\n", b"GET /livez\r\n\r\n", b"\r\n" * 9,
                     b"GET /livez HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
                     b"GET /v1/accounts/a\0b HTTP/1.1\r\nHost: x\r\n\r\n",
                     b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"G" * 200000,
                     b"GET /livez HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 200000 + b"\r\n\r\n",
                     b"GET /" + b"y" * 200000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"):
            answers = server.raw(data)
            t.true(f"raw {data[:40]!r} never succeeds", all(a.status >= 400 for a in answers),
                   [a.status for a in answers])
        http_1_0 = server.raw(head("GET", "/livez", version="HTTP/1.0"))
        t.equal("HTTP/1.0 without Host", [a.status for a in http_1_0], [200])
        for media in (JSON, NDJSON, "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"'):
            answer = server.post("/v1/accounts", b"{", content_type=media)
            t.refused(f"Content-Type: {media} is read", answer, 400, "invalid_json")
        t.equal("the server is well", server.get("/readyz").status, 200)


def test_empty_bodies(t):
    with Server() as server:
        for path in ("/v1/accounts", "/v1/positions", "/v1/fills", "/v1/transfers", "/v1/marks",
                     "/v1/commands", "/v1/pools/usdc/insurance-fund"):
            t.refused(f"POST {path} without a body", server.post(path), 400, "empty_body")
        t.refused("PUT without a body", server.put("/v1/pools/p"), 400, "empty_body")


def test_continue(t):
    """A client that asks first is told to go on, or refused without having sent its body."""
    with Server() as server:
        lines = ["Host: x", f"Content-Type: {JSON}", "Expect: 100-continue"]
        with server.open() as sock:
            sock.sendall(head("POST", "/v1/accounts", *lines, "Content-Length: 1"))
            t.true("told to go on", sock.recv(100).startswith(b"HTTP/1.1 100"))
            sock.sendall(b"{")
            t.true("then answered", sock.recv(100).startswith(b"HTTP/1.1 400"))
        with server.open() as sock:
            sock.sendall(head("POST", "/v1/accounts", *lines, f"Content-Length: {1 << 30}"))
            t.true("refused at once", sock.recv(100).startswith(b"HTTP/1.1 413"))


def test_refusals_are_seen(t):
    """A body that is still being sent when it is refused does not cost the client the answer."""
    with Server() as server:
        for size in (1000, 1 << 20, 10 << 20):
            answer = server.post("/v1/accounts", b" " * size, content_type="text/plain")
            t.refused(f"wrong type, {size} bytes", answer, 415, "unsupported_media_type")
        answer = server.post("/v1/accounts", b" " * (20 << 20))
        t.refused("20 MiB", answer, 413, "body_too_large")


def test_pipelining(t):
    with Server() as server:
        one = head("GET", "/livez", "Host: x")
        t.equal("100 pipelined reads", [a.status for a in server.raw(one * 100, count=100)], [200] * 100)
        bad = head("GET", "/nope", "Host: x")
        mixed = [a.status for a in server.raw((one + bad) * 20, count=40)]
        t.equal("refusals in between", mixed, [200, 404] * 20)
        body = b"{"
        write = head("POST", "/v1/marks", "Host: x", f"Content-Type: {JSON}", "Content-Length: 1") + body
        t.equal("writes in between", [a.status for a in server.raw((write + one) * 20, count=40)],
                [400, 200] * 20)
        closing = head("POST", "/v1/marks", "Host: x", "Content-Type: a/b", "Content-Length: 1") + body
        t.equal("nothing after a refused body", [a.status for a in server.raw(closing + one)], [415])


def test_slow_clients(t):
    """Heads and bodies have their time, however steadily they drip; others are served meanwhile."""
    half = head("POST", "/v1/marks", "Host: x", f"Content-Type: {JSON}", "Content-Length: 1000")
    shapes = {"head that stops": (b"GET /li", b"", 1), "head that drips": (b"G", b"x", 1),
              "headers that drip": (b"GET /livez HTTP/1.1\r\nX:", b"x", 1),
              "second head that drips": (head("GET", "/livez", "Host: x"), b"x", 1),
              "body that stops": (half, b"", 2), "body that drips": (half, b" ", 2)}
    with Server(settings={"http_header_deadline_ms": 1000, "http_body_deadline_ms": 2000}) as server:
        took = {}

        def be_slow(name, first, drip):
            with server.open() as sock:
                started = time.monotonic()
                sock.sendall(first)
                if name.startswith("second"):
                    sock.recv(4096)
                took[name] = closed_after(sock, started, drip, 20)

        threads = [threading.Thread(target=be_slow, args=(name, first, drip))
                   for name, (first, drip, _) in shapes.items()]
        quiet = server.open()  # no byte at all: an idle client is none of the sweep's business
        for thread in threads:
            thread.start()
        beside = 0  # answered while all of them were still being waited for
        while any(thread.is_alive() for thread in threads):
            t.equal("served beside slow clients", server.get("/livez").status, 200)
            beside += all(thread.is_alive() for thread in threads)
            time.sleep(0.1)
        for thread in threads:
            thread.join()
        for name, (_, _, limit) in shapes.items():
            t.true(f"{name}: cut off after {limit} s", limit - 0.1 <= took[name] <= limit + 8, took[name])
        t.true("nobody waited for them", beside > 0)
        quiet.sendall(head("GET", "/livez", "Host: x"))
        t.true("the idle client is still served", quiet.recv(100).startswith(b"HTTP/1.1 200"))
        quiet.close()


def test_slow_readers(t):
    """A client that takes an answer too slowly is cut off; one that is idle, at the idle timeout."""
    with Server(settings={"http_answer_deadline_ms": 500, "http_idle_timeout_s": 2}) as server:
        server.make_pool()
        server.post("/v1/accounts", [{"account": f"account-{i:06}", "pool": "usdc", "collateral": "1"}
                                     for i in range(20000)])
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        sock.connect(("127.0.0.1", server.port))
        sock = server.wrap(sock)
        sock.sendall(head("GET", "/v1/accounts?limit=1000", "Host: x") * 40)
        deadline = time.monotonic() + 30
        cut_off = 0
        while time.monotonic() < deadline and not cut_off:
            time.sleep(0.1)
            lines = server.get("/metrics").body.decode().splitlines()
            cut_off = int([x for x in lines if x.startswith("backstopd_http_send_timeouts_total ")][0]
                          .split()[1])
        t.equal("the slow reader is cut off", cut_off, 1)
        sock.close()
        with server.open() as idle:
            started = time.monotonic()
            took = closed_after(idle, started, b"", 20)
            t.true("the idle client is let go at its timeout", 1.9 <= took <= 12, took)


def test_vanished_clients(t):
    """Clients that leave at any point of a request leak nothing and stop nothing."""
    with Server(settings={"http_body_deadline_ms": 2000}) as server:
        write = head("POST", "/v1/marks", "Host: x", f"Content-Type: {JSON}", "Content-Length: 1") + b"{"
        whole = head("POST", "/v1/pools/p/settle", "Host: x")
        poll = head("GET", "/v1/actions?wait_ms=2000", "Host: x")
        for data in (write[:10], write[:-1], write, whole, whole * 5, poll, b""):
            for reset in (False, True):
                for _ in range(40):
                    sock = server.open()
                    sock.sendall(data)
                    if reset:  # closing sends a reset
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    sock.close()
        deadline = time.monotonic() + 30
        connections = None
        while time.monotonic() < deadline and connections != 1:
            connections = server.get("/readyz?verbose").json["checks"]["connections"]
            time.sleep(0.1)
        t.equal("all their connections are gone", connections, 1)


def test_clients_that_end_their_side(t):
    """The end of what a client says may come together with its last bytes: it is answered what it
    asked, and let go long before any deadline."""
    deadlines = {"http_header_deadline_ms": 60000, "http_body_deadline_ms": 60000}
    with Server(settings=deadlines) as server:
        one = head("GET", "/livez", "Host: x")
        write = head("POST", "/v1/marks", "Host: x", f"Content-Type: {JSON}", "Content-Length: 2") + b"{}"
        started = time.monotonic()
        socks = []
        for data in (one, one[:-3], write[:-1]) * 20:
            socks.append(server.open())
            socks[-1].sendall(data)
            socks[-1].shutdown(socket.SHUT_WR)
        took = [closed_after(sock, started, b"", 25) for sock in socks]
        t.true("all are let go", max(took) < 20, max(took))


def test_bursts(t):
    """Requests of many clients at the same moment; libmicrohttpd takes events by 128."""
    one = head("GET", "/livez", "Host: x")
    with Server() as server:
        for count in (127, 128, 129, 256, 384):
            socks = [server.open(timeout=30) for _ in range(count)]
            started = time.monotonic()
            try:
                for _ in range(20):
                    for sock in socks:
                        sock.sendall(one)
                    for sock in socks:
                        sock.recv(4096)
                took = time.monotonic() - started
            except TimeoutError:
                took = "for ever"
            t.true(f"20 bursts of {count}", took != "for ever", took)
            for sock in socks:
                sock.close()


def test_overload(t):
    """A full queue is said at once and says when to come back; what was taken is done."""
    with Server(settings={"core_queue_max": 1}) as server:
        server.make_pool()
        write = head("POST", "/v1/pools/usdc/settle", "Host: x")
        socks = [server.open() for _ in range(200)]
        for sock in socks:
            sock.sendall(write)
        answers = [read_responses(sock, 0.001)[0] for sock in socks]
        for sock in socks:
            sock.close()
        refused = [a for a in answers if a.status == 503]
        t.equal("200 or 503", {a.status for a in answers}, {200, 503})
        for answer in refused[:3]:
            t.refused("overloaded", answer, 503, "overloaded")
            t.equal("when to come back", answer.headers.get("retry-after"), "1")
        t.equal("then it goes on", server.post("/v1/pools/usdc/settle").status, 200)
        taken = server.get("/readyz?verbose").json["checks"]["applied_seq"]
        t.equal("each acknowledged one was done, no other", taken, 4 + len(answers) - len(refused))


def test_many_connections(t):
    """Past the limit the connection that is idle for the longest makes room, so that a newcomer is served."""
    with Server() as server:
        socks = []
        try:
            for _ in range(1100):
                socks.append(server.open())
        except OSError:
            pass
        t.equal("a newcomer is served", server.get("/livez").status, 200)
        for sock in socks:
            sock.close()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not server.is_ready():
            time.sleep(0.05)
        t.true("there is room again", server.is_ready())


if __name__ == "__main__":
    run(globals())
