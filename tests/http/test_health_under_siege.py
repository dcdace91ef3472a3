#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that hold every connection there is. Goal: a newcomer that asks for health is served at once, whatever
they hold their connections with. 64 connections fit, so four times as many are tried in no time."""
import contextlib
import re
import socket
import threading
import time

from harness import Authority, Server, run, wait_for

SETTINGS = {"http_connections_max": 64}
KEYS = {"all": "feed,ops,read", "reader": "read"}
ATTACKERS = 256


def head(path, *lines):
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode()


def metric(server, name):
    found = re.search(rf"^backstopd_{name} (\S+)$", server.get("/metrics").body.decode(), re.MULTILINE)
    return float(found.group(1))


def hold(server, data=b"", count=ATTACKERS, small=False):
    """So many connections, each of which sends this and reads nothing."""
    held = []
    for _ in range(count):
        sock = socket.socket()
        if small:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        sock.settimeout(10)
        with contextlib.suppress(OSError):
            sock.connect((server.host, server.port))
            sock.sendall(data)
        held.append(sock)
    return held


def release(held):
    for sock in held:
        sock.close()


def livez_is_served(t, server, what):
    for _ in range(5):
        began = time.monotonic()
        status = None
        with contextlib.suppress(OSError):
            status = server.get("/livez", key="", connection=server.connect(10)).status
        t.equal(f"{what}: a newcomer is served", status, 200)
        t.true(f"{what}: at once", time.monotonic() - began < 5, time.monotonic() - began)


def test_silent_connections(t):
    for what, data in (("silent", b""), ("half a head", b"GET /livez HTT"), ("asked once", head("/livez"))):
        with Server(settings=SETTINGS) as server:
            held = hold(server, data)
            livez_is_served(t, server, what)
            t.true(f"{what}: counted", metric(server, "http_connections_evicted_total") >= ATTACKERS - 64)
            t.true(f"{what}: logged", b"connections are at their limit" in server.output())
            release(held)


def test_silent_connections_with_tls(t):
    """A newcomer's handshake takes a while; it is not the one that goes."""
    with Server(settings=SETTINGS, keys=KEYS, authority=Authority()) as server:
        friend = server.connect()
        t.equal("somebody with a key", server.get("/v1/pools", connection=friend).status, 200)
        for what, data in (("silent", b""), ("half a hello", b"\x16\x03\x01\x02\x00\x01")):
            held = hold(server, data)
            livez_is_served(t, server, what)
            t.equal(f"{what}: who has a key is not closed",
                    server.get("/v1/pools", connection=friend).status, 200)
            release(held)
        friend.close()


def test_connections_kept_alive(t):
    """64 clients that ask again and again and so are never idle for long."""
    with Server(settings=SETTINGS, keys=KEYS) as server:
        ends = threading.Event()

        def ask(turn):
            while not ends.is_set():
                sock = socket.create_connection((server.host, server.port), timeout=10)
                with contextlib.suppress(OSError):
                    while not ends.is_set():
                        sock.sendall(head("/livez"))
                        if not sock.recv(1000):
                            break
                        ends.wait(0.2 + turn / 1000)
                sock.close()

        threads = [threading.Thread(target=ask, args=(turn,)) for turn in range(80)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        livez_is_served(t, server, "keep-alive")
        ends.set()
        for thread in threads:
            thread.join()


def test_unread_answers(t):
    with Server(settings=SETTINGS, keys=KEYS) as server:
        held = hold(server, head("/openapi.yaml") * 20, small=True)
        livez_is_served(t, server, "unread answers")
        release(held)


def test_long_polls(t):
    """Everybody who waits has a key: the reserve is left, where nobody waits."""
    with Server(settings=SETTINGS, keys=KEYS) as server:
        key = f"Authorization: Bearer {server.keys['reader']}"
        held = hold(server, head("/v1/actions?wait_ms=60000", key), 64)
        livez_is_served(t, server, "long polls")
        # 48 places; each of the five newcomers may have taken that of one whose request was not read yet
        waiting = metric(server, "http_long_polls")
        t.true("most of them wait", waiting >= 48 - 5, waiting)
        release(held)
        t.true("they are gone soon", wait_for(lambda: metric(server, "http_long_polls") == 0))


def test_clients_that_left(t):
    """A long poll or a stream whose client has left or vanished ends soon, not after a minute."""
    for what, path in (("a long poll", "/v1/actions?wait_ms=60000"), ("a stream", "/v1/stream")):
        with Server() as server:
            name = "http_long_polls" if "wait" in path else "streams"
            held = hold(server, head(path), 20)
            t.true(f"{what}: they wait", wait_for(lambda: metric(server, name) == 20))
            for number, sock in enumerate(held):
                if number % 2:  # an RST, not a FIN
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                sock.close()
            t.true(f"{what}: they are gone", wait_for(lambda: metric(server, name) == 0))


def test_a_client_that_is_done_sending(t):
    """It has closed its side only: it gets its answer, without the wait."""
    with Server() as server:
        with server.open(5) as sock:
            sock.sendall(head("/v1/actions?wait_ms=60000", "Connection: close"))
            sock.shutdown(socket.SHUT_WR)
            t.true("answered", sock.recv(1000).startswith(b"HTTP/1.1 200"))


if __name__ == "__main__":
    run(globals())
