#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A disk that fills up. Goal: writes are refused in time and everything else goes on; writes go on by
themselves when there is room again; a daemon that a full disk stopped starts again. The disk is a
small tmpfs in a mount namespace of the test's own; where the system allows none, nothing is tested.

    BACKSTOPD=... tests/http/test_disk_full.py
"""
import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import threading

from harness import Server, ordinal, run, wait_until
from receiver import SETTINGS, Receiver

MIB = 1 << 20
INSIDE = "BACKSTOP_TEST_NAMESPACE"
SKIPPED = 77


def enter_namespace():
    """Runs this test again where it may mount, as its child."""
    for options in (["--mount"], ["--user", "--map-root-user", "--mount"]):
        command = ["unshare", *options, "--propagation", "private"]
        if shutil.which("unshare") and subprocess.run([*command, "true"], check=False,
                                                      capture_output=True).returncode == 0:
            done = subprocess.run([*command, sys.executable, *sys.argv], check=False,
                                  env={**os.environ, INSIDE: "1"})
            sys.exit(done.returncode)
    print("skipped: no mount namespace can be made here")
    sys.exit(SKIPPED)


class Disk:
    """A disk of a few MiB and what fills it beside the daemon."""

    def __init__(self, size_mib):
        self.path = tempfile.mkdtemp(prefix="backstopd-test-")
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "none", self.path],
                       check=True)
        self.data = os.path.join(self.path, "data")
        self.ballast = os.path.join(self.path, "ballast")

    def free(self):
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize

    def fill(self, left):
        """Takes all but so many bytes."""
        with open(self.ballast, "ab") as file:
            os.posix_fallocate(file.fileno(), file.tell(), max(self.free() - left, 4096))

    def fill_whole(self):
        with open(self.ballast, "ab", buffering=0) as file:
            try:
                while file.write(bytes(65536)):
                    pass
            except OSError:
                pass

    def empty(self):
        os.unlink(self.ballast)

    def has_reserve(self):
        return os.path.exists(os.path.join(self.data, "reserve"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "--lazy", self.path], check=True)
        os.rmdir(self.path)


def settings(**more):
    return {"storage_file_size_max": MIB, "storage_reserve_size": 8 * MIB,
            "storage_free_min": 16 * MIB, **more}


def metric(server, name):
    found = [line.split()[1] for line in server.get("/metrics").body.decode().splitlines()
             if line.startswith(f"backstopd_{name} ")]
    return float(found[0]) if found else None


def status(server):
    return server.get("/readyz").json["status"]


def applied(server):
    return server.get("/readyz?verbose").json["checks"]["applied_seq"]


def test_writes_wait_for_room(t):
    """Refused with 507 below the threshold, reads and a stream go on, settlements wait; then writes
    go on without a restart, and a retry under its key is taken."""
    with Disk(100) as disk, Receiver() as ops, \
            Server(data=disk.data, settings=settings(**SETTINGS)) as server:
        server.post("/v1/webhooks", {"url": ops.url, "types": ["disk.room_changed"]})
        server.make_insolvency()
        settle(server)
        wait_until("a reserve", disk.has_reserve)
        first = server.put("/v1/pools/usdc", pool(), headers={"Idempotency-Key": "first"})
        t.equal("taken", first.status, 200)
        disk.fill(12 * MIB)
        wait_until("low", lambda: status(server) == "disk_low")
        seq = applied(server)
        refused = server.post("/v1/marks", {"market": "BTC-PERP", "price": "59000"},
                              headers={"Idempotency-Key": "second"})
        t.refused("write", refused, 507, "disk_low", "bytes")
        t.equal("when again", refused.headers.get("retry-after"), "5")
        again = server.put("/v1/pools/usdc", pool(), headers={"Idempotency-Key": "first"})
        t.equal("a repeat gets the first answer", (again.status, again.body),
                (first.status, first.body))
        check_reads(t, server)
        t.equal("nothing was written", applied(server), seq)
        t.equal("metric", metric(server, "disk_low"), 1)
        t.true("free", 0 < metric(server, "disk_free_bytes") < 16 * MIB)
        t.true("used", 0.8 < metric(server, "disk_used_ratio") < 1)
        told = ops.wait(1)[0].json
        t.equal("told", (told["type"], told["data"]["writes"]), ("disk.room_changed", "refused"))
        t.true("logged", b"the disk is low: writes are refused" in server.output())
        disk.empty()
        wait_until("room", lambda: status(server) == "ok")
        taken = server.post("/v1/marks", {"market": "BTC-PERP", "price": "58000"},
                            headers={"Idempotency-Key": "second"})
        t.equal("the retry is taken", taken.status, 200)
        t.equal("told", ops.wait(2)[1].json["data"]["writes"], "taken")
        t.equal("level", ops.wait(2)[1].json["data"]["level"], "roomy")
        t.equal("metric", metric(server, "disk_low"), 0)


def settle(server):
    server.post("/v1/pools/usdc/settle")
    server.wait_for_actions(3)


def pool():
    return {"asset": "USDC", "decimals": 6, "mark_max_age_ms": 0, "period": "8h", "waterfall": [
        {"layer": "insurance", "floor": "0"},
        {"layer": "adl", "ranking": "profit_leverage", "price": "bankruptcy"},
        {"layer": "haircut", "rule": "pro_rata", "basis": "period_gain", "divide": "at_once"}]}


def check_reads(t, server):
    for path in ("/v1/accounts/winner", "/v1/pools", "/v1/actions?after=0", "/livez", "/healthz"):
        t.equal(path, server.get(path).status, 200)
    verbose = server.get("/readyz?verbose").json
    t.true("verbose", 0 < verbose["checks"]["disk_free_bytes"] < 16 * MIB, verbose)


def test_a_full_disk_and_a_restart(t):
    """ENOSPC in a commit ends the daemon. It starts again without more room, because it gives up the
    reserve; everything acknowledged is there; with room it writes, and makes the reserve again."""
    with Disk(64) as disk, Receiver() as receiver:
        server = Server(data=disk.data, settings=settings(storage_free_min=0, **SETTINGS)).start()
        server.post("/v1/webhooks", {"url": receiver.url})
        server.make_insolvency()
        settle(server)
        wait_until("a reserve", disk.has_reserve)
        acknowledged = write_until_it_ends(server, disk)
        t.equal("ended by the full disk", server.process.wait(60), 74)
        t.true("says so", b"the log failed" in server.output())
        server.close()
        with Server(data=disk.data, settings=settings(**SETTINGS)) as again:
            t.equal("the reserve is given up", disk.has_reserve(), False)
            t.equal("low", status(again), "disk_low")
            t.true("nothing acknowledged is lost",
                   applied(again) >= acknowledged)
            t.equal("actions", again.get("/v1/actions?after=0").status, 200)
            t.refused("write", again.post("/v1/marks", {"market": "BTC-PERP", "price": "59500"}), 507,
                      "disk_low")
            disk.empty()
            wait_until("room", lambda: status(again) == "ok")
            wait_until("a reserve", disk.has_reserve)
            t.equal("write", again.post("/v1/marks", {"market": "BTC-PERP", "price": "59500"}).status,
                    200)


def write_until_it_ends(server, disk):
    """Fills the disk while somebody writes. Returns the last sequence that was acknowledged."""
    last = 0
    threading.Timer(0.3, disk.fill_whole).start()
    while True:
        try:
            answer = server.post("/v1/accounts", [
                {"account": f"a{i}", "pool": "usdc", "collateral": str(1 + last + i)}
                for i in range(200)])
        except (OSError, http.client.HTTPException):
            return last
        last = answer.json["seq"] if answer.status == 200 else last


def test_webhooks_on_a_full_disk(t):
    """Their database cannot be saved. Notices are sent all the same and none is lost; when there is
    room it is saved; after a restart nobody is told twice of what was saved."""
    with Disk(64) as disk, Receiver() as receiver, \
            Server(data=disk.data,
                   settings=settings(storage_free_min=0, storage_reserve_size=0,
                                     **SETTINGS)) as server:
        endpoint = server.post("/v1/webhooks", {"url": receiver.url, "after": "0"}).json["id"]
        server.make_insolvency()
        settle(server)
        wait_until("delivered", lambda: len(receiver.notices) >= 3)
        disk.fill_whole()
        tested = server.post(f"/v1/webhooks/{endpoint}/test")
        t.equal("a test is delivered", (tested.status, tested.json["delivered"]), (200, True))
        wait_until("not saved", lambda: metric(server, "webhook_save_failures_total") > 0)
        t.equal("shown", server.get(f"/v1/webhooks/{endpoint}").status, 200)
        t.refused("a change is not answered", server.delete(f"/v1/webhooks/{endpoint}"), 500,
                  "internal")
        disk.empty()
        failures = metric(server, "webhook_save_failures_total")
        tested = server.post(f"/v1/webhooks/{endpoint}/test")
        t.equal("a test is delivered", tested.json["delivered"], True)
        wait_until("saved", lambda: len(server.get(f"/v1/webhooks/{endpoint}/deliveries?limit=100")
                                        .json["data"]) >= 5)
        t.equal("no more failures", metric(server, "webhook_save_failures_total"), failures)
        sent = len(receiver.notices)
        server.stop()
        with Server(data=disk.data, settings=settings(**SETTINGS)) as again:
            server.port = again.port
            again.post("/v1/marks", {"market": "BTC-PERP", "price": "59000"})
            shown = again.get(f"/v1/webhooks/{endpoint}").json
            t.true("its place was kept", ordinal(shown["cursor"]) >= 3, shown)
            t.equal("nobody is told twice", len(receiver.notices), sent)


if __name__ == "__main__":
    if INSIDE not in os.environ:
        enter_namespace()
    run(globals())
