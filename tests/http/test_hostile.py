#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that mean harm, with and without TLS and keys. Goal: each is refused, somebody who was let
in before is served all the while, and none of it costs a core. Method: processor time of the daemon
from /proc beside the wall clock; it can only be less on a busy machine. With BACKSTOP_TEST_FIGURES
each attack prints what it cost: the table of SECURITY.md."""
import contextlib
import os
import resource
import socket
import ssl
import time

from harness import JSON, Authority, Server, run

TICKS = os.sysconf("SC_CLK_TCK")
KEYS = {"all": "feed,ops,read"}
WAITING_SHARE = 0.25  # of a core, at most, for clients that make the server wait
SETTINGS = {"http_header_deadline_ms": 2000, "http_body_deadline_ms": 2000}


def head(method, path, *lines):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode("latin-1")


BODY = b'{"account":"a","pool":"p","collateral":"1"}'
SMUGGLED = b"DELETE /v1/pools/p HTTP/1.1\r\nHost: x\r\n\r\n"
POST = ("POST", "/v1/accounts", f"Content-Type: {JSON}")
SHAPES = {
    "CL.TE": head(*POST, "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n" + SMUGGLED,
    "TE.CL": head(*POST, "Transfer-Encoding: chunked", "Content-Length: 3") + b"8\r\n" + SMUGGLED,
    "two lengths": head(*POST, "Content-Length: 0", "Content-Length: 43") + BODY + SMUGGLED,
    "lengths in a list": head(*POST, "Content-Length: 43, 0") + BODY + SMUGGLED,
    "length with a sign": head(*POST, "Content-Length: +43") + BODY + SMUGGLED,
    "space before the colon": head(*POST, "Content-Length : 43") + BODY + SMUGGLED,
    "odd encoding": head(*POST, "Transfer-Encoding: xchunked") + b"0\r\n\r\n" + SMUGGLED,
    "folded encoding": head(*POST, "Transfer-Encoding:\r\n chunked") + b"0\r\n\r\n" + SMUGGLED,
    "tab before the encoding": head(*POST, "Transfer-Encoding:\tchunked") + b"0\r\n\r\n" + SMUGGLED,
    "bare CR": head(*POST, "X: y\rTransfer-Encoding: chunked") + b"0\r\n\r\n" + SMUGGLED,
    "bare LF": head(*POST, "X: y\nContent-Length: 43") + BODY + SMUGGLED,
    "NUL in a name": head(*POST, "Content-Length\0: 43") + BODY + SMUGGLED,
    "body on a read": head("GET", "/v1/pools", "Content-Length: 42") + SMUGGLED,
    "two hosts": head("GET", "/v1/pools", "Host: y"),
    "two keys": head("GET", "/v1/pools", "Authorization: Bearer a", "Authorization: Bearer b"),
    "huge chunk extension": head(*POST, "Transfer-Encoding: chunked") + b"5;" + b"x" * 100000,
    "chunk extension without end": head(*POST, "Transfer-Encoding: chunked") + b"1;a=\"" + b"\\" * 5000,
    "huge header": head("GET", "/v1/pools", "X: " + "y" * 200000),
    "10,000 headers": head("GET", "/v1/pools", *["X: y"] * 10000),
    "huge path": head("GET", "/" + "y" * 200000),
    "huge key": head("GET", "/v1/pools", "Authorization: Bearer " + "k" * 30000),
}

OF_KEYS = ("huge key",)
# A handshake that has begun: a record of 512 bytes, of which this is the first.
HELLO = b"\x16\x03\x01\x02\x00\x01"


class Siege:
    """A server under attack: what it has cost so far, and a client that was there before."""

    def __init__(self, server):
        self.server = server
        self.friend = server.connect()
        self.friend_waited = 0
        self.ask()
        self.started = time.monotonic()
        self.processor = self.processor_s()

    def processor_s(self):
        with open(f"/proc/{self.server.process.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def ask(self):
        started = time.monotonic()
        status = self.server.get("/v1/pools", connection=self.friend).status
        self.friend_waited = max(self.friend_waited, time.monotonic() - started)
        return status

    def end(self, t, what, attempts=0, each_ms=None):
        """each_ms: the processor time one attempt may cost; without it the share of a core."""
        wall, used = time.monotonic() - self.started, self.processor_s() - self.processor
        t.equal(f"{what}: who was let in is served", self.ask(), 200)
        t.true(f"{what}: without waiting long", self.friend_waited < 10, self.friend_waited)
        if each_ms is None:
            t.true(f"{what}: costs no core", used <= WAITING_SHARE * wall + 0.2, (used, wall))
        else:
            t.true(f"{what}: one costs at most {each_ms} ms", used * 1000 <= each_ms * attempts + 200,
                   (used, attempts))
        if os.environ.get("BACKSTOP_TEST_FIGURES"):
            shown = f", {used / attempts * 1e6:.0f} us each of {attempts}" if attempts else ""
            print(f"{what}: {used:.2f} s of processor in {wall:.1f} s{shown}, the other client waited "
                  f"{self.friend_waited * 1000:.0f} ms at most", flush=True)
        self.friend.close()


def both(attack):
    """Runs an attack on a plain server and on one with keys and TLS."""
    def test(t):
        with Server(settings=SETTINGS) as server:
            attack(t, server, "plain")
        with Server(settings=SETTINGS, keys=KEYS, authority=Authority()) as server:
            attack(t, server, "TLS and keys")
    return test


def with_key(server, data):
    """Smuggling is tried by somebody who has a key, or a proxy before them does."""
    if not server.keys or b"\r\nAuthorization" in data:
        return data
    line, _, rest = data.partition(b"\r\n")
    return line + f"\r\nAuthorization: Bearer {server.keys['all']}\r\n".encode() + rest


def smuggle(t, server, how):
    server.make_pool("p")
    siege = Siege(server)
    for what, data in SHAPES.items():
        if what in OF_KEYS and not server.keys:
            continue
        answers = server.raw(with_key(server, data))
        t.true(f"{what}, {how}: at most one answer, a refusal",
               len(answers) <= 1 and all(a.status >= 400 for a in answers), [a.status for a in answers])
    t.equal(f"{how}: nothing got through", server.get("/v1/pools/p").status, 200)
    t.equal(f"{how}: no account either", server.get("/v1/accounts/a").status, 404)
    siege.end(t, f"smuggling and oversize, {how}", len(SHAPES), 50)


def be_slow(t, server, how):
    """400 clients that send a byte every half a second, in the handshake, the head or the body."""
    siege = Siege(server)
    body = head(*POST, "Content-Length: 100000")
    socks = []
    for number in range(400):
        sock = (server.open() if number % 2 else
                socket.create_connection(("127.0.0.1", server.port), timeout=10))
        sock.setblocking(False)
        with contextlib.suppress(OSError):
            first = HELLO if server.tls is not None else b"G"
            sock.send(with_key(server, body) if number % 4 == 1 else first if number % 4 == 0 else b"G")
        socks.append(sock)
    began, left = time.monotonic(), len(socks)
    while left and time.monotonic() - began < 40:
        left = 0
        for sock in socks:
            try:
                sock.send(b"x")
                left += 1
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                left += 1
            except OSError:
                pass
        siege.ask()
        time.sleep(0.5)
    for sock in socks:
        sock.close()
    t.equal(f"{how}: all were cut off", left, 0)
    siege.end(t, f"slow clients, {how}")


def crowd(t, server, how):
    """10,000 connections that want nothing, as many at a time as this process may have open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    at_once = max(100, min(10000, hard - 200))
    siege = Siege(server)
    opened, socks = 0, []
    while opened < 10000:
        sock = socket.socket()
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            sock.connect(("127.0.0.1", server.port))
        socks.append(sock)
        opened += 1
        if opened % 1000 == 0:
            siege.ask()
        if len(socks) >= at_once:
            socks.pop(0).close()
    time.sleep(1)
    inside = server.get("/readyz?verbose", connection=siege.friend).json["checks"]["connections"]
    t.true(f"{how}: no more than the limit are let in", inside <= 1024, inside)
    for sock in socks:
        sock.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not server.is_ready():
        time.sleep(0.1)
    t.true(f"{how}: there is room again", server.is_ready())
    siege.end(t, f"10,000 connections, {how}", 10000, 0.5)


def guess(t, server, how):
    """2,000 wrong keys on open connections; the first letters of a right one are in each."""
    siege = Siege(server)
    connection = server.connect()
    codes = set()
    for number in range(2000):
        near = "secret-of-all"[:number % 13] + str(number)
        answer = server.get("/v1/pools", connection=connection, key="",
                            headers={"Authorization": f"Bearer {near}"})
        codes.add((answer.status, answer.code))
        if number % 100 == 0:
            siege.ask()
    connection.close()
    expected = {(401, "unknown_key")} if server.keys else {(200, None)}
    t.equal(f"{how}: all are refused", codes, expected)
    if server.keys:
        siege.end(t, f"wrong keys, {how}", 2000, 1)


def test_downgrades(t):
    """Old versions, ciphers nobody should use, bytes that are no handshake, and many good ones."""
    with Server(settings=SETTINGS, keys=KEYS, authority=Authority()) as server:
        siege = Siege(server)
        old = ssl.create_default_context(cafile=server.authority.certificate)
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_2
        old.set_ciphers("AES128-SHA:@SECLEVEL=0")
        agreed = 0
        for number in range(300):
            if number % 50 == 0:
                siege.ask()
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
                try:
                    if number % 3 == 0:
                        sock.sendall(b"\xff" * 300)
                    elif number % 3 == 1:
                        sock.sendall(b"\x16\x03\x00\x00\x2d\x01\x00\x00\x29\x03\x00" + bytes(38) + b"\x01\x00")
                    else:
                        old.wrap_socket(sock, server_hostname="127.0.0.1").close()
                        agreed += 1
                    sock.recv(100)
                except OSError:
                    pass
        t.equal("none is agreed on", agreed, 0)
        siege.end(t, "downgrades", 300, 5)
        siege = Siege(server)
        socks = [server.open() if number % 2 else socket.create_connection(("127.0.0.1", server.port))
                 for number in range(100)]
        for number, sock in enumerate(socks):  # half a hello; half a record after the handshake
            if number % 2:
                sock = socket.socket(fileno=os.dup(sock.fileno()))
                sock.sendall(b"\x17\x03\x03\x02\x00")
                sock.close()
            else:
                sock.sendall(HELLO)
        time.sleep(4)
        for sock in socks:
            sock.close()
        siege.end(t, "half a record and silence")
        siege = Siege(server)
        for _ in range(300):
            server.open().close()
        siege.end(t, "handshakes for nothing", 300, 10)


test_smuggling = both(smuggle)
test_slow_clients = both(be_slow)
test_crowd = both(crowd)
test_wrong_keys = both(guess)

if __name__ == "__main__":
    run(globals())
