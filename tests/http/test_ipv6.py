#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Serving over IPv6. Goal: [::1] and [::] serve what 127.0.0.1 serves, and nobody more than the
settings say. Skipped on a machine whose loopback has no IPv6.

    BACKSTOPD=... BACKSTOPCTL=... tests/http/test_ipv6.py
"""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

from harness import Authority, Server, binary, run

KEYS = {"all": "feed,ops,read"}


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        return True
    except OSError:
        return False


def settle_something(t, server):
    server.make_insolvency()
    settled = server.post("/v1/pools/usdc/settle")
    t.equal("settled", settled.status, 200)
    server.wait_for_actions(3)
    with server.open() as stream:
        stream.sendall(b"GET /v1/stream?after=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                       b"secret-of-all\r\n\r\n")
        data = b""
        while b"_3\nevent: " not in data:
            data += stream.recv(65536)
    t.true("a stream", b"text/event-stream" in data)


def test_loopback(t):
    """[::1] needs no keys; another family does not reach it."""
    with Server(listen="[::1]:0") as server:
        t.true("says where", f"listening on http://[::1]:{server.port}\n".encode() in server.output())
        settle_something(t, server)
        answer = subprocess.run(
            [os.environ["BACKSTOPCTL"], "--url", f"http://[::1]:{server.port}", "pools"],
            capture_output=True, text=True, check=False, timeout=30)
        t.true("backstopctl", answer.returncode == 0 and "usdc" in answer.stdout, answer)
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
            t.true("nobody at 127.0.0.1", False)
        except ConnectionRefusedError:
            t.true("nobody at 127.0.0.1", True)
        taken = subprocess.run(
            [binary(), "--data", os.path.join(server.data, "other"), "--listen",
             f"[::1]:{server.port}"], capture_output=True, text=True, check=False, timeout=30)
        t.equal("taken", taken.returncode, 69)
        t.true("by its name", f"[::1]:{server.port}: Address already in use" in taken.stderr,
               taken.stderr)


def test_every_address(t):
    """[::] serves IPv4, too; the audit log names each client by its own family's address."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "audit")
        with Server(listen="[::]:0", keys=KEYS, authority=Authority(),
                    settings={"access_audit": path}) as server:
            settle_something(t, server)
            t.equal("without a key", server.get("/v1/pools", key="").status, 401)
            server.host = "127.0.0.1"
            t.equal("over IPv4", server.post("/v1/pools/usdc/pause", {"reason": "x"}).status, 200)
        with open(path, encoding="utf-8") as file:
            peers = [json.loads(line)["peer"].rpartition(":")[0] for line in file if "peer" in line]
        t.equal("clients", sorted(set(peers)), ["127.0.0.1", "[::1]"])
        t.equal("the last one", peers[-1], "127.0.0.1")


def asked(sock):
    """The answer to a small request; nothing where the server closes at once."""
    try:
        sock.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        return sock.recv(4096)
    except (ConnectionResetError, BrokenPipeError):
        return b""


def test_connections_of_one_address(t):
    """The limit counts addresses of IPv6 as it does those of IPv4."""
    with Server(listen="[::1]:0", settings={"http_per_ip_connections_max": 3}) as server:
        kept = []
        deadline = time.monotonic() + 20
        while len(kept) < 3 and time.monotonic() < deadline:
            sock = server.open()
            if asked(sock).startswith(b"HTTP/1.1 200"):
                kept.append(sock)
            else:
                sock.close()  # the one that asked whether it is ready may still count
        t.equal("three", len(kept), 3)
        with server.open() as one_more:
            t.equal("the fourth is closed", asked(one_more), b"")
        for sock in kept:
            sock.close()


if __name__ == "__main__":
    if not has_ipv6():
        print("skipped: there is no ::1 on this machine")
        sys.exit(77)
    run(globals())
