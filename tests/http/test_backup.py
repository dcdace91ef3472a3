#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goal: a backup of a running daemon restores to exactly the state at its end, or at any moment
before it, under an identity of its own. Method: a drill, with small log files and writes that go on
meanwhile; both ends killed; what somebody may do wrong, each refused with what would be right."""
import contextlib
import json
import os
import random
import shutil
import subprocess
import tempfile
import threading

from harness import Server, run, wait_until
from test_offline import make_world

CTL = os.environ["BACKSTOPCTL"]
DAEMON = os.environ["BACKSTOPD"]
SETTINGS = {"storage_file_size_max": 1048576, "storage_reserve_size": 0}


@contextlib.contextmanager
def folder():
    path = tempfile.mkdtemp(prefix="backstopd-test-")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def call(*words, **options):
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, **options)


def backup(server, directory):
    return call(CTL, "backup", directory, "--url", f"http://127.0.0.1:{server.port}")


def restore(directory, data, *options):
    return call(DAEMON, "restore", directory, "--data", data, *options)


def rows(done):
    return dict(line.split(maxsplit=1) for line in done.stdout.splitlines())


def replayed(data, *options):
    return rows(call(DAEMON, "log", "replay", "--data", data, *options))


def state(data, *options):
    """All that the state holds, without the line that says where it is."""
    lines = call(DAEMON, "log", "replay", "--data", data, "--state", *options).stdout.splitlines()
    return [json.loads(line) for line in lines[1:]]


class Writer:
    """Moves the mark and the book until it is stopped, and repeats one request under a key."""

    def __init__(self, server, seed):
        self.server, self.random, self.stops = server, random.Random(seed), threading.Event()
        self.thread = threading.Thread(target=self.write)
        self.count = 0

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stops.set()
        self.thread.join()

    def write(self):
        while not self.stops.is_set():
            price = self.random.randrange(57000, 59000)
            self.server.post("/v1/marks", [{"market": "BTC-PERP", "price": str(price)}] * 2000)
            self.server.post("/v1/accounts", {"account": f"new{self.count % 50}", "pool": "usdc",
                                              "collateral": str(self.random.randrange(1, 10**6))})
            self.count += 1


def files_of_log(data):
    return [name for name in os.listdir(data) if name.startswith("log-0") and name.endswith(".db")]


def test_drill(t):
    keyed = {"account": "once", "pool": "usdc", "collateral": "77"}
    with folder() as place, Server(settings=SETTINGS) as server:
        make_world(server)
        first = server.post("/v1/accounts", keyed, headers={"Idempotency-Key": "k1"})
        saved, new = place + "/backup", place + "/new"
        with Writer(server, 1) as writer:
            wait_until("several files", lambda: len(files_of_log(server.data)) > 3)
            done = backup(server, saved)
            t.equal("the backup", (done.returncode, done.stderr), (0, ""))
            t.true("secrets are named", "secrets" in done.stdout)
            before = writer.count
            wait_until("writes go on", lambda: writer.count > before + 3)
        manifest = json.load(open(saved + "/manifest.json", encoding="utf-8"))
        seq = manifest["seq"]
        t.equal("copies on the server are gone",
                [name for name in os.listdir(server.data) if name.startswith("backup-")], [])
        t.true("several files", len(files_of_log(saved)) > 2)
        checked = rows(call(DAEMON, "log", "verify", "--data", saved))
        t.equal("the backup verifies as it is", checked["seq"], str(seq))
        again = backup(server, saved)
        t.equal("a second backup", again.returncode, 0)
        fetched = float(again.stdout.split(" MB were fetched")[0].split()[-1])
        whole = float(again.stdout.split(" MB, of which")[0].split()[-1])
        t.true("fetches only what is new", fetched < whole, again.stdout)
        manifest = json.load(open(saved + "/manifest.json", encoding="utf-8"))
        seq = manifest["seq"]
        made = restore(saved, new)
        t.equal("the restore", (made.returncode, made.stderr), (0, ""))
        told, was = rows(made), replayed(server.data, "--until", str(seq))
        for name in ("seq", "digest", "time"):
            t.equal(f"{name} is the original's", told[name], was[name])
        t.true("another identity", told["identity"] != told["identity_before"])
        t.equal("before", told["identity_before"], server.get("/v1/identity").json["identity"])
        t.equal("things are the original's", state(new), state(server.data, "--until", str(seq)))
        with Server(data=new, settings=SETTINGS) as restored:
            t.equal("it serves", restored.get("/v1/identity").json["identity"], told["identity"])
            repeat = restored.post("/v1/accounts", keyed, headers={"Idempotency-Key": "k1"})
            t.equal("a repeat gets the first answer", (repeat.status, repeat.body), (first.status, first.body))
            old = restored.get(f"/v1/actions?after={server.cursor(1)}")
            t.equal("a cursor of before is refused", old.code, "cursor_of_another_log")
            answer = restored.post("/v1/marks", {"market": "BTC-PERP", "price": "58000"})
            t.equal("it goes on", answer.status, 200)
            hashes = [action["hash"] for action in restored.actions()]
            known = [action["hash"] for action in server.actions()]
            shared = min(len(hashes), len(known), manifest["actions"])
            t.equal("actions have their hashes", hashes[:shared], known[:shared])


def test_until(t):
    with folder() as place, Server(settings=SETTINGS) as server:
        make_world(server)
        for price in range(58000, 58040):
            server.post("/v1/marks", [{"market": "BTC-PERP", "price": str(price)}] * 500)
        saved = place + "/backup"
        t.equal("the backup", backup(server, saved).returncode, 0)
        end = json.load(open(saved + "/manifest.json", encoding="utf-8"))["seq"]
        lines = call(DAEMON, "log", "dump", "--data", server.data).stdout.splitlines()
        times = {int(line.split()[0]): line.split()[1] for line in lines if line[0].isdigit()}
        middle = end // 2
        for number, wanted in enumerate(["1", "2", str(middle), str(end), times[middle]]):
            new = f"{place}/new{number}"
            made = restore(saved, new, "--until", wanted)
            t.equal(f"{wanted}: restored", (made.returncode, made.stderr), (0, ""))
            told, was = rows(made), replayed(server.data, "--until", wanted)
            t.equal(f"{wanted}: seq, digest", (told["seq"], told["digest"]), (was["seq"], was["digest"]))
            t.equal(f"{wanted}: dropped", int(told["dropped_commands"]), end - int(told["seq"]))
            t.equal(f"{wanted}: webhooks", told["webhooks"], "none")
            t.equal(f"{wanted}: verifies", call(DAEMON, "log", "verify", "--data", new).returncode, 0)
        for wanted, why in (("0", "holds the commands up to"), (str(end + 1), "holds the commands up to"),
                            ("2000-01-01T00:00:00Z", "begins at"), ("2999-01-01T00:00:00Z", "was made at")):
            refused = restore(saved, place + "/not", "--until", wanted)
            t.true(f"{wanted}: is refused", refused.returncode != 0 and why in refused.stderr, refused.stderr)


def test_mistakes(t):
    with folder() as place, Server(settings=SETTINGS) as server, Server(settings=SETTINGS) as other:
        make_world(server)
        saved = place + "/backup"
        t.equal("the backup", backup(server, saved).returncode, 0)

        def refused(what, done, why):
            t.true(what, done.returncode not in (0, -6, -11) and why in done.stderr, done.stderr)

        refused("another log's directory", backup(other, saved), "holds a backup of the log")
        refused("the data directory", backup(server, server.data), "data directory of a daemon")
        refused("a directory in use", restore(saved, server.data), "is not empty")
        refused("no backup", restore(place + "/nowhere", place + "/a"), "not a backup")
        refused("no directory", call(DAEMON, "restore", "--data", place), "restore takes one word")
        refused("--no-webhooks without restore", call(DAEMON, "--data", place, "--no-webhooks"), "only restore")
        log = saved + "/log-00000001.db"
        with open(log, "r+b") as file:
            file.seek(5000)
            byte = file.read(1)
            file.seek(5000)
            file.write(bytes([byte[0] ^ 1]))
        refused("a changed file", restore(saved, place + "/a"), "is not the file that was backed up")
        t.equal("nothing is left", os.listdir(place + "/a"), [])
        mended = backup(server, saved)
        t.equal("a backup mends it", (mended.returncode, mended.stderr), (0, ""))
        t.equal("then it restores", restore(saved, place + "/a", "--no-webhooks").returncode, 0)
        os.remove(log)
        refused("a missing file", restore(saved, place + "/b"), "run backstopctl backup")
        os.remove(saved + "/manifest.json")
        refused("no manifest", restore(saved, place + "/b"), "run backstopctl backup")


def test_killed(t):
    with folder() as place, Server(settings=SETTINGS) as server:
        make_world(server)
        with Writer(server, 2):
            wait_until("several files", lambda: len(files_of_log(server.data)) > 2)
        saved = place + "/backup"
        client = subprocess.Popen([CTL, "backup", saved, "--url", f"http://127.0.0.1:{server.port}"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until("it fetches", lambda: os.path.exists(saved + "/manifest.json.part") or client.poll() is not None)
        client.kill()
        client.wait()
        done = backup(server, saved)
        t.equal("it goes on after the client was killed", (done.returncode, done.stderr), (0, ""))
        server.post("/v1/backups")
        server.kill9()
        server.start()
        t.equal("copies of a killed daemon are gone",
                [name for name in os.listdir(server.data) if name.startswith("backup-")], [])
        done = backup(server, saved)
        t.equal("it goes on after the daemon was killed", (done.returncode, done.stderr), (0, ""))
        t.equal("it restores", restore(saved, place + "/new").returncode, 0)


def test_access(t):
    with folder() as place, Server(settings=SETTINGS, keys={"all": "feed,ops,read", "reader": "read"}) as server:
        url = f"http://127.0.0.1:{server.port}"
        wrong = call(CTL, "backup", place + "/b", "--url", url, "--key", "secret-of-reader")
        t.true("a key without ops", wrong.returncode != 0 and "forbidden" in wrong.stderr, wrong.stderr)
        right = call(CTL, "backup", place + "/b", "--url", url, "--key", "secret-of-all")
        t.equal("a key with ops", (right.returncode, right.stderr), (0, ""))


if __name__ == "__main__":
    run(globals())
