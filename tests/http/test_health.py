#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Health when something hangs. Goal: a watcher learns of it, and of what: a core loop that does
not turn, or a log that does not take what it is given. One thread of the daemon is stopped with
ptrace, as a hanging disk or a defect would stop it; the others go on.

    BACKSTOPD=... BACKSTOPCTL=... tests/http/test_health.py
"""
import ctypes
import os
import subprocess
import sys
import threading
import time

from harness import Server, run

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000
LIMIT_MS = 1000
WATCHED = ("/livez", "/healthz", "/readyz")
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request, tid):
    if libc.ptrace(request, tid, None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")


class Stopped:
    """Within, this thread of the process stands still."""

    def __init__(self, process, name=None):
        """name: None is the first thread, the core loop."""
        self.tid = process.pid
        for tid in os.listdir(f"/proc/{process.pid}/task") if name else []:
            with open(f"/proc/{process.pid}/task/{tid}/comm", encoding="ascii") as file:
                if file.read().strip() == name:
                    self.tid = int(tid)

    def __enter__(self):
        ptrace(SEIZE, self.tid)
        ptrace(INTERRUPT, self.tid)
        os.waitpid(self.tid, WALL)
        return self

    def __exit__(self, *_):
        ptrace(DETACH, self.tid)


def may_stop_threads():
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        try:
            with Stopped(sleeper):
                return True
        except OSError:
            return False
        finally:
            sleeper.kill()


def wait_for(server, path, status, timeout_s=30):
    deadline = time.monotonic() + timeout_s
    while True:
        answer = server.get(path)
        if answer.status == status or time.monotonic() > deadline:
            return answer
        time.sleep(0.05)


def settings():
    return {"core_stall_limit_ms": LIMIT_MS}


def test_core_loop(t):
    """All three say so, container's check included; when it turns again nothing was lost."""
    with Server(settings=settings()) as server:
        server.make_insolvency()
        for path in WATCHED:
            t.equal(f"{path} at first", server.get(path).status, 200)
        with Stopped(server.process):
            time.sleep(LIMIT_MS / 1000)
            for path in WATCHED:
                answer = wait_for(server, path, 503)
                t.refused(path, answer, 503, "stalled", "the core loop has not turned for ")
                t.equal(f"{path}: again", answer.headers.get("retry-after"), "1")
            checked = subprocess.run(
                [os.environ["BACKSTOPCTL"], "--url", f"http://127.0.0.1:{server.port}", "health",
                 "--quiet"], check=False, timeout=30)
            t.equal("backstopctl health", checked.returncode, 69)
        for path in WATCHED:
            t.equal(f"{path} afterwards", wait_for(server, path, 200).status, 200)
        t.equal("it works", server.post("/v1/pools/usdc/settle").status, 200)
        server.wait_for_actions(3)


def test_log(t):
    """A write that hangs in the log: alive, but not ready; then it is answered."""
    answers = []
    with Server(settings=settings()) as server:
        writer = threading.Thread(target=lambda: answers.append(server.make_pool()))
        with Stopped(server.process, "bs-log") as stopped:
            t.true("another thread", stopped.tid != server.process.pid)
            writer.start()
            answer = wait_for(server, "/readyz", 503)
            t.refused("readyz", answer, 503, "stalled", "the log has been writing one commit for ")
            for path in ("/livez", "/healthz"):
                t.equal(path, server.get(path).status, 200)
            t.equal("the write waits", answers, [])
        writer.join(30)
        t.equal("the write is answered", [answer.status for answer in answers], [200])
        t.equal("readyz afterwards", wait_for(server, "/readyz", 200).status, 200)


def test_nothing_to_do(t):
    """A loop that is idle, or has a long interval, is not one that hangs."""
    with Server(settings={**settings(), "core_settle_interval_ms": 3000}) as server:
        deadline = time.monotonic() + 4
        seen = []
        while time.monotonic() < deadline:
            seen += [server.get(path).status for path in WATCHED]
            time.sleep(0.1)
        # Only a machine that does not run the loop for a second makes any; the interval would make two in three.
        t.true("it is well", seen.count(200) > 0.75 * len(seen), seen)


if __name__ == "__main__":
    if not may_stop_threads():
        print("skipped: ptrace is not permitted here")
        sys.exit(77)
    run(globals())
