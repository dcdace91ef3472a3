#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Memory that runs out. Goal: whichever allocation fails, the daemon answers 503 by name or does without,
a start refuses by name, nothing is half done, and the same thing works once there is memory again.
Method: the nth allocation of a scenario fails (fail_alloc.c), n = 1, 2, .. until none does.

    BACKSTOPD=... FAIL_ALLOC=.../libfail_alloc.so tests/alloc/alloc.py [--runs N] [SCENARIO..]
"""
import argparse
import glob
import http.client
import json
import mmap
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "http"))
sys.argv, ARGUMENTS = sys.argv[:1], sys.argv[1:]  # the harness takes a path there

from harness import Server, wait_for, wait_until  # noqa: E402
from receiver import SETTINGS as WEBHOOK_SETTINGS, Receiver  # noqa: E402

QUIET = {"core_settle_interval_ms": 10000, "snapshot_every_commands": 0, "stream_ping_interval_s": 3600,
         "simulation_check_interval_s": 0, "storage_free_min": 0, **WEBHOOK_SETTINGS}
KEPT_BLOCKS = 4  # a first answer, buffers of the log
NEVER = 1 << 60
DONE_AFTER = 3  # so many runs in a row without a failure end a scenario: other threads allocate, too


class Control:
    """The block that fail_alloc.c shares."""
    SIZE = 40 + 4096
    ARMED, FAIL_AT, COUNT, FIRED, LIVE, STACK = 0, 8, 16, 24, 32, 40

    def __init__(self):
        descriptor, self.path = tempfile.mkstemp(prefix="backstopd-test-")
        os.ftruncate(descriptor, self.SIZE)
        self.map = mmap.mmap(descriptor, self.SIZE)
        os.close(descriptor)

    def get(self, at):
        return struct.unpack_from("<q", self.map, at)[0]

    def put(self, at, value):
        struct.pack_into("<q", self.map, at, value)

    def arm(self, n):
        self.map[self.STACK:] = bytes(self.SIZE - self.STACK)
        self.put(self.COUNT, 0)
        self.put(self.FIRED, 0)
        self.put(self.FAIL_AT, n)
        self.put(self.ARMED, 1)

    def disarm(self):
        """Whether an allocation failed."""
        self.put(self.ARMED, 0)
        return self.get(self.FIRED) == 1

    def stack(self):
        return self.map[self.STACK:].split(b"\0")[0].decode().splitlines()

    def site(self):
        """The functions that asked for the memory, innermost first."""
        names = []
        for line in self.stack()[:14]:
            path, offset = line.rsplit(" ", 1)
            found = subprocess.run(["addr2line", "-sfpe", path, offset], capture_output=True, text=True,
                                   check=False).stdout.strip()
            name = found.split(" at ")[0] if found else "??"
            names.append(os.path.basename(path) if name.startswith("??") else
                         f"{name} ({found.split(' at ')[-1]})" if "backstopd" in path else name)
        return " < ".join(names)


class Findings:
    def __init__(self):
        self.bad = {}

    def add(self, scenario, n, what, control):
        text = f"{what}: {control.site()}"
        if text not in self.bad:
            self.bad[text] = (scenario, n)
            print(f"not ok {scenario} n={n} {text}", flush=True)


def start(control, **options):
    server = Server(settings={**QUIET, **(options.pop("settings", None) or {})}, **options)
    server.environment["LD_PRELOAD"] = os.environ["FAIL_ALLOC"]
    server.environment["FAIL_ALLOC_CONTROL"] = control.path
    return server


def state_of(server):
    """Lists come from the second block, which may have to be made again."""
    found = []

    def is_read():
        try:
            found.append(server.state())
        except KeyError:  # a problem document
            return False
        return True

    wait_until("the lists", is_read, 90)
    return found[-1]


class World:
    """A daemon with a book, which is started again when it ends."""

    def __init__(self, control, findings, settings=None):
        self.control = control
        self.findings = findings
        self.server = start(control, settings=settings).start()
        self.server.make_insolvency()
        self.server.post("/v1/pools/usdc/resume")
        self.number = 0
        for _ in range(3):  # the fund is used up then: each settlement gives as many actions
            self.server.post("/v1/pools/usdc/settle")
            self.server.post("/v1/commands", insolvency(self))
        self.server.post("/v1/pools/usdc/settle")

    def next(self):
        self.number += 1
        return self.number

    def is_alive(self):
        return self.server.process.poll() is None

    def revive(self, scenario, n):
        """It has ended. It may when a commit has no memory: nothing of it was answered."""
        code = self.server.process.wait()
        tail = self.server.output()[-600:].decode(errors="replace").strip().splitlines()
        last = tail[-1] if tail else ""
        if code != 74 or not re.search("the log failed: nothing more is acknowledged.*memory", last):
            self.findings.add(scenario, n, f"ended with {code}, {last!r}", self.control)
        os.unlink(self.server.output_path)
        self.server.start()

    def sure(self, scenario, n, ask):
        """What it gives, also when the daemon ends only now because of the last failure."""
        while True:
            try:
                return ask()
            except (OSError, http.client.HTTPException):
                if wait_for(lambda: not self.is_alive(), 5):
                    self.revive(scenario, n)

    def state(self, scenario, n):
        return self.sure(scenario, n, lambda: state_of(self.server))

    def quiet_live(self):
        """Blocks that are allocated while nothing is asked."""
        seen = []

        def is_quiet():
            seen.append(self.control.get(Control.LIVE))
            return len(seen) > 1 and seen[-1] == seen[-2]

        wait_for(is_quiet, 1)
        return seen[-1]

    def check_leak(self, scenario, n, live):
        """Once all connections are closed, nothing is left of the request but what the next one would reuse."""
        if not wait_for(lambda: self.control.get(Control.LIVE) <= live + KEPT_BLOCKS, 2):
            self.findings.add(scenario, n, f"{self.control.get(Control.LIVE) - live} blocks more", self.control)

    def restart(self):
        self.server.stop()
        os.unlink(self.server.output_path)
        self.server.start()

    def close(self):
        self.server.close()


def exchange(world, method, path, body=None, headers=None, content_type="application/json"):
    """A request, which is closed without an answer when it is None."""
    try:
        return world.server.request(method, path, body, content_type=content_type, headers=headers)
    except (OSError, http.client.HTTPException):
        return None


def more_of(request):
    """Headers and content type, which few requests have."""
    return {"headers": request[3] if len(request) > 3 else None,
            "content_type": request[4] if len(request) > 4 else "application/json"}


def insolvency(world):
    """Commands that make an account insolvent against another one."""
    n = world.next()
    return [{"type": "mark", "market": "BTC-PERP", "price": "60000"},
            {"type": "account", "account": f"loser{n}", "pool": "usdc", "collateral": "100", "positions": [
                {"market": "BTC-PERP", "size": "1", "entry_price": "60000"}]},
            {"type": "account", "account": f"winner{n}", "pool": "usdc", "collateral": "5000", "positions": [
                {"market": "BTC-PERP", "size": "-1", "entry_price": "60000"}]},
            {"type": "mark", "market": "BTC-PERP", "price": "59000"}]


def accounts(world, count):
    return [{"account": f"a{world.next()}", "pool": "usdc", "collateral": "1"} for _ in range(count)]


def lines(items):
    return "\n".join(json.dumps(item) for item in items)


WATERFALL = [{"layer": "insurance", "floor": "0"},
             {"layer": "adl", "ranking": "profit_leverage", "price": "bankruptcy"}]
POOL = {"asset": "USDC", "decimals": 6, "period": "8h", "waterfall": WATERFALL}
SIMULATION = {"pool": "usdc", "shocks": [{"market": "BTC-PERP", "move_ppm": -50000}]}
NDJSON = "application/x-ndjson"

# name: what is sent, made again each time: method, path, body, headers, content type.
REQUESTS = {
    "pool": lambda w: ("PUT", "/v1/pools/other", POOL),
    "market": lambda w: ("PUT", "/v1/markets/ETH-PERP", {
        "pool": "usdc", "contract": "linear", "tick_size": "0.1", "lot_size": "0.001", "multiplier": "1",
        "maintenance_margin_ppm": 5000, "max_move_ppm": 0}),
    "accounts": lambda w: ("POST", "/v1/accounts", accounts(w, 3)),
    "rejected": lambda w: ("POST", "/v1/accounts", [{"account": "x"}, *accounts(w, 1), 7, {
        "account": "winner", "pool": "usdc", "collateral": "1", "applied_through": "0"}]),
    "key": lambda w: ("POST", "/v1/accounts", [*accounts(w, 2), {"account": "x"}], {
        "Idempotency-Key": f'"key{w.number}"'}),
    "repeat": lambda w: ("POST", "/v1/transfers", [{"account": "winner", "amount": "1"}], {
        "Idempotency-Key": '"the same"'}),
    "many": lambda w: ("POST", "/v1/accounts", lines(accounts(w, 2000)), None, NDJSON),
    "clamped": lambda w: ("POST", "/v1/accounts", '[{"account":"x","pool":"usdc","collateral":-0}, 1e999]'),
    "mark": lambda w: ("POST", "/v1/marks", {"market": "BTC-PERP", "price": "59000"}),
    "not json": lambda w: ("POST", "/v1/marks", '{"market":'),
    "pools": lambda w: ("GET", "/v1/pools"),
    "markets": lambda w: ("GET", "/v1/markets"),
    "list": lambda w: ("GET", "/v1/accounts?limit=1000"),
    "account": lambda w: ("GET", "/v1/accounts/winner"),
    "positions": lambda w: ("GET", "/v1/positions?pool=usdc"),
    "actions": lambda w: ("GET", "/v1/actions"),
    "filtered": lambda w: ("GET", "/v1/actions?pool=usdc"),
    "settlements": lambda w: ("GET", "/v1/settlements?pool=usdc"),
    "queue": lambda w: ("GET", "/v1/markets/BTC-PERP/queue?side=short"),
    "sources": lambda w: ("GET", "/v1/sources"),
    "presets": lambda w: ("GET", "/v1/presets"),
    "health": lambda w: ("GET", "/healthz"),
    "metrics": lambda w: ("GET", "/metrics"),
    "contract": lambda w: ("GET", "/openapi.yaml"),
    "simulation": lambda w: ("POST", "/v1/simulations", SIMULATION),
    "webhooks": lambda w: ("GET", "/v1/webhooks"),
    "not found": lambda w: ("GET", "/v1/accounts/nobody"),
}


def check_answer(world, name, n, answer, before):
    """True when it is to be tried again."""
    if answer is None:
        return True
    if answer.status in (500, 503, 507):
        if answer.code != "out_of_memory":
            world.findings.add(name, n, f"answered {answer.status} {answer.body[:200]}", world.control)
        if world.state(name, n) != before:
            world.findings.add(name, n, "refused, but something changed", world.control)
        return True
    return False


class Sweep:
    """Counts the runs of one scenario and what became of them. The first run only counts allocations."""

    def __init__(self, name, runs):
        self.name, self.runs, self.every = name, runs, 1
        self.n, self.fired, self.silent = NEVER, 0, 0
        self.outcomes = {}
        self.count = 0

    def goes_on(self):
        return self.silent < DONE_AFTER and not (self.runs and self.fired >= 2 * self.runs)

    def end_run(self, control, has_fired, outcome):
        if self.n == NEVER:
            self.count, self.n = control.get(Control.COUNT), 1
            self.every = max(1, self.count // self.runs) if self.runs else 1
            return
        self.silent = 0 if has_fired else self.silent + 1
        if has_fired:
            self.fired += 1
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
            self.n += self.every

    def print(self):
        print(f"# {self.name}: {self.count} allocations, {self.fired} failed: "
              + ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items())), flush=True)


def has_ended(world, answer):
    return not world.is_alive() or (answer is None and wait_for(lambda: not world.is_alive(), 0.3))


def sweep_request(world, name, runs):
    make = REQUESTS[name]
    wanted = exchange(world, *make(world)).status
    sweep = Sweep(name, runs)
    while sweep.goes_on():
        request = make(world)
        before = world.state(name, sweep.n)
        live = world.quiet_live()
        world.control.arm(sweep.n)
        answer = exchange(world, *request)
        has_fired = world.control.disarm()
        outcome = "closed" if answer is None else "answered" if answer.status == wanted else "refused"
        if has_ended(world, answer):
            outcome = "ended"
            world.revive(name, sweep.n)
            answer = None
        if answer is None or (has_fired and check_answer(world, name, sweep.n, answer, before)):
            answer = world.sure(name, sweep.n, lambda: world.server.request(*request[:3], **more_of(request)))  # noqa: B023
        if answer is None or answer.status != wanted:
            world.findings.add(name, sweep.n, f"answered {answer and answer.body[:200]}, not {wanted}, with memory",
                               world.control)
        elif has_fired and outcome != "ended":
            world.check_leak(name, sweep.n, live)
        sweep.end_run(world.control, has_fired, outcome)
    sweep.print()


def settle(world):
    return exchange(world, "POST", "/v1/pools/usdc/settle")


def ordinals(actions):
    return [int(action["cursor"].rsplit("_", 1)[-1]) for action in actions]


def sweep_settlement(world, name, runs):
    """Each settlement gives as many actions, without a gap, whatever fails."""
    sweep = Sweep(name, runs)
    count, each = wait_until("quiet", lambda: is_quiet(world) and count_actions(world)), 0

    def settle_all():
        if settle(world) is None:
            raise OSError
        world.server.wait_for_actions(count)
        return ordinals(world.server.actions())

    while sweep.goes_on():
        commands = insolvency(world)
        world.sure(name, sweep.n, lambda: world.server.post("/v1/commands", commands))  # noqa: B023
        world.control.arm(sweep.n)
        answer = settle(world)
        wait_for(lambda: world.control.get(Control.FIRED), 0.2)  # its actions become durable; asking would allocate
        has_fired = world.control.disarm()
        each = each or wait_until("the actions", lambda: is_quiet(world) and count_actions(world) - count)
        outcome = "closed" if answer is None else "answered" if answer.status == 200 else "refused"
        if has_ended(world, answer):
            outcome = "ended"
        count += each
        found = world.sure(name, sweep.n, settle_all)
        if found != list(range(1, count + 1)):
            world.findings.add(name, sweep.n, f"the actions are {found[-8:]}, {count} are due", world.control)
        sweep.end_run(world.control, has_fired, outcome)
    sweep.print()


def is_quiet(world):
    """No settlement is on its way."""
    before = count_actions(world)
    time.sleep(0.1)
    return count_actions(world) == before


def count_actions(world):
    try:
        return len(world.server.actions())
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return 0


def sweep_delivery(world, name, runs):
    """Each notice comes, under one id with one body."""
    with Receiver() as receiver:
        world.server.post("/v1/webhooks", {"url": receiver.url, "order": "parallel"})
        sweep = Sweep(name, runs)
        while sweep.goes_on():
            if not world.is_alive():
                world.revive(name, sweep.n)
            count = len(receiver.accepted())
            commands = insolvency(world)
            world.sure(name, sweep.n, lambda: world.server.post("/v1/commands", commands))  # noqa: B023
            world.control.arm(sweep.n)
            settle(world)
            wait_for(lambda: world.control.get(Control.FIRED) or len(receiver.accepted()) > count, 2)
            has_fired = world.control.disarm()
            ended = has_ended(world, None) if has_fired else False
            if ended:
                world.revive(name, sweep.n)
            world.sure(name, sweep.n, lambda: world.server.post("/v1/pools/usdc/settle"))
            sweep.end_run(world.control, has_fired, "ended" if ended else "went on")
        total = count_actions(world)
        wanted = set(range(first_of(receiver), total + 1))
        wait_for(lambda: wanted <= {notice_number(notice) for notice in receiver.accepted()}, 60)
        missing = wanted - {notice_number(notice) for notice in receiver.accepted()}
        if missing:
            world.findings.add(name, sweep.n, f"notices that never came: {sorted(missing)[:8]}", world.control)
        bodies = {}
        for notice in receiver.notices:
            if bodies.setdefault(notice.id, notice.body) != notice.body:
                world.findings.add(name, sweep.n, f"{notice.id} has two bodies", world.control)
        for endpoint in world.server.get("/v1/webhooks").json["data"]:
            world.server.delete(f"/v1/webhooks/{endpoint['id']}")
        sweep.print()


def notice_number(notice):
    return int(notice.id.rsplit("_", 1)[-1])


def first_of(receiver):
    return min(notice_number(notice) for notice in receiver.notices)


def metric(world, name):
    page = world.server.get("/metrics").body.decode()
    return int(float(re.search(rf"^backstopd_{name} (\S+)$", page, re.M).group(1)))


def newest_snapshot(world):
    """Its sequence number: of the file, because asking would allocate."""
    return max((int(path[-24:-4]) for path in glob.glob(os.path.join(world.server.data, "snapshot-*.bss"))), default=0)


def sweep_snapshot(world, name, runs):
    """A snapshot fails with a line and a count, and the next one is taken. The daemon waits a minute for that, so
    it is started again."""
    sweep = Sweep(name, runs)
    world.server.environment["BACKSTOPD_SNAPSHOT_EVERY_COMMANDS"] = "1"
    world.restart()
    while sweep.goes_on():
        before = newest_snapshot(world)
        world.control.arm(sweep.n)
        exchange(world, "POST", "/v1/transfers", {"account": "winner", "amount": "1"})
        wait_for(lambda: world.control.get(Control.FIRED) or newest_snapshot(world) > before, 10)  # noqa: B023
        has_fired = world.control.disarm()
        outcome = "taken"
        if has_fired and not wait_for(lambda: not world.is_alive() or newest_snapshot(world) > before or  # noqa: B023
                                      b"no snapshot could be taken" in world.server.output(), 3):
            outcome = "put off"
        if not world.is_alive():
            outcome = "ended"
            world.revive(name, sweep.n)
        elif b"no snapshot could be taken" in world.server.output():
            outcome = "skipped"
            if metric(world, "snapshot_failures_total") == 0:
                world.findings.add(name, sweep.n, "a failed snapshot is not counted", world.control)
        if outcome in ("put off", "skipped"):
            world.restart()
        if outcome != "taken":
            exchange(world, "POST", "/v1/transfers", {"account": "winner", "amount": "1"})
            if not wait_for(lambda: newest_snapshot(world) > before, 20):  # noqa: B023
                world.findings.add(name, sweep.n, "no snapshot with memory", world.control)
        sweep.end_run(world.control, has_fired, outcome)
    world.server.environment["BACKSTOPD_SNAPSHOT_EVERY_COMMANDS"] = "0"
    world.restart()
    sweep.print()


class Start:
    """Starts that may be refused: exit status and what was said, or a daemon that is ready."""

    def __init__(self, control, source=None):
        self.control, self.source = control, source

    def run(self, n):
        """Whether an allocation failed, the exit code (None: it was ready), the output, the state."""
        server = start(self.control, keys={"all": "feed,ops,read"} if self.source is None else None)
        if self.source is not None:
            shutil.rmtree(server.data)
            shutil.copytree(self.source, server.data)
        self.control.arm(n)
        try:
            server.start()
        except RuntimeError as error:
            has_fired = self.control.disarm()
            return has_fired, server.process.returncode, str(error), None
        has_fired = self.control.disarm()
        state = state_of(server)
        code = server.stop()
        output = server.output().decode(errors="replace")
        server.close()
        return has_fired, None if code == 0 else code, output, state


def sweep_start(control, findings, name, runs, source=None):
    starts = Start(control, source)
    wanted = starts.run(0)[3]
    sweep = Sweep(name, runs)
    while sweep.goes_on():
        has_fired, code, output, state = starts.run(sweep.n)
        if code is None:
            outcome = "started"
            if state != wanted:
                findings.add(name, sweep.n, "it started with another state", control)
        else:
            outcome = f"refused with {code}"
            last = output.strip().splitlines()[-1]
            if code < 0 or not has_fired:
                findings.add(name, sweep.n, f"ended with {code}, {last!r}", control)
            elif not re.search("memory", output.split("become ready:")[-1], re.I):
                findings.add(name, sweep.n, f"refused with {code}, which does not say why: {last!r}", control)
        sweep.end_run(control, has_fired, outcome)
    sweep.print()


def check_log(world, scenario):
    """The log gives the state: replayed, it has the digest of the running daemon."""
    world.server.process.send_signal(signal.SIGUSR1)
    reported = wait_until("the report", lambda: re.findall(rb" report .*digest=([0-9a-f]{32})", world.server.output()))
    done = subprocess.run([os.environ["BACKSTOPD"], "log", "replay", "--data", world.server.data], check=False,
                          capture_output=True, text=True)
    if done.returncode != 0 or reported[-1].decode() not in done.stdout:
        world.findings.add(scenario, 0, f"the log gives {done.stdout}{done.stderr}, not {reported[-1]}", world.control)


WHOLE = {"settlement": sweep_settlement, "delivery": sweep_delivery, "snapshot": sweep_snapshot}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=0, help="fail about so many of each scenario, not all")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO",
                        help="start, restart, settlement, delivery, snapshot, or a request")
    options = parser.parse_args(ARGUMENTS)
    names = options.scenarios or ["start", "restart", *WHOLE, *REQUESTS]
    control = Control()
    findings = Findings()
    world = World(control, findings)
    for name in names:
        if name == "start":
            sweep_start(control, findings, name, options.runs)
        elif name == "restart":
            world.server.kill9()
            sweep_start(control, findings, name, options.runs, world.server.data)
            world.server.start()
        elif name in WHOLE:
            WHOLE[name](world, name, options.runs)
        else:
            sweep_request(world, name, options.runs)
    check_log(world, "in the end")
    world.close()
    print(f"{len(names)} scenarios, {len(findings.bad)} findings")
    sys.exit(1 if findings.bad else 0)


main()
