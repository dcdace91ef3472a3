#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""1,000 clients follow GET /v1/stream while 10,000 actions are published: every one receives all
of them, in order; each action is encoded once; the daemon's memory is bounded, and with nothing to
say it hardly runs. The reader is tests/bench/stream_clients.c, its path the second argument or
STREAM_CLIENTS. Prints what it measured."""
import os
import subprocess
import sys
import time

from harness import NDJSON, Server, run
from test_stream import metric

CLIENTS = 1000
ACTIONS = 10000
IDLE_S = 5
SECONDS_MAX = 300
MEMORY_MB_MAX = 160  # libmicrohttpd's 32 KiB for each client, the blocks, and as much again


def reader(*arguments):
    path = sys.argv[2] if len(sys.argv) > 2 else os.environ["STREAM_CLIENTS"]
    return subprocess.Popen([path, *map(str, arguments), str(SECONDS_MAX)], text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def cpu_s(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mb(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def test_crowd(t):
    settings = {"http_connections_max": CLIENTS + 100, "stream_clients_max": CLIENTS}
    with Server(settings=settings) as server:
        server.make_pool()
        before_mb = peak_mb(server.process)
        clients = reader(server.port, CLIENTS, 0, ACTIONS)
        t.equal("all streams are open", clients.stdout.readline(), "open\n")
        t.refused("no more are taken", server.get("/v1/stream"), 503, "too_many_streams")
        idle_s = cpu_s(server.process)
        time.sleep(IDLE_S)
        idle_s = cpu_s(server.process) - idle_s
        t.true("idle streams cost next to nothing", idle_s < IDLE_S * 0.1, idle_s)
        busy_s = cpu_s(server.process)
        pair = '{"type":"resume","pool":"usdc"}\n{"type":"pause","pool":"usdc","reason":"x"}\n'
        t.equal("the actions are caused",
                server.post("/v1/commands", pair * (ACTIONS // 2), content_type=NDJSON).status, 200)
        figures = clients.communicate()[0].strip()
        busy_s = cpu_s(server.process) - busy_s
        t.equal("every client has every action, once and in order", clients.returncode, 0)
        t.equal("each was encoded once", metric(server, "stream_encoded_total"), ACTIONS)
        t.equal("and sent to all", metric(server, "stream_events_total"), ACTIONS * CLIENTS)
        grown_mb = peak_mb(server.process) - before_mb
        t.true("memory is bounded", grown_mb < MEMORY_MB_MAX, grown_mb)
        print(f"{figures}; daemon: {busy_s:.2f} s of CPU, {grown_mb:.0f} MB more at its peak, "
              f"{idle_s:.2f} s of CPU in {IDLE_S} s with {CLIENTS} idle streams")


if __name__ == "__main__":
    run(globals())
