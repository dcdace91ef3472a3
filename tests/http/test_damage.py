#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Data that was emptied, cut, deleted or mixed up after a kill. Goal: a start refuses it with exit
status 65 and names the file, the numbers and the remedy; it touches nothing, and once the file is
put back everything acknowledged is there.

    BACKSTOPD=... tests/http/test_damage.py
"""
import glob
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
import time

from harness import Server, binary, ordinal, run, wait_until
from receiver import SETTINGS, Receiver

SMALL_FILES = {"storage_file_size_max": 1 << 20}
DATA_ERROR = 65


class Damaged:
    """A copy of a server's data as a kill leaves it; every case begins with a fresh one."""

    def __init__(self, server):
        self.settings = dict(server.environment)
        self.source = tempfile.mkdtemp(prefix="backstopd-test-")
        self.data = os.path.join(self.source, "copy")
        self.original = os.path.join(self.source, "original")
        shutil.copytree(server.data, self.original)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.source)

    def path(self, name):
        return os.path.join(self.data, name)

    def fresh(self):
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.copytree(self.original, self.data)

    def put_back(self, name):
        shutil.copy(os.path.join(self.original, name), self.path(name))

    def newest(self, suffix=""):
        return sorted(os.path.basename(path)
                      for path in glob.glob(self.path("log-[0-9]*.db")))[-1] + suffix

    def truncate(self, name, size=0):
        os.truncate(self.path(name), size)

    def flip(self, name, at, bit=0):
        with open(self.path(name), "r+b") as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 1 << bit]))

    def size(self, name):
        return os.path.getsize(self.path(name))

    def refused(self, t, what, *said):
        """Twice: a refusal changes nothing."""
        for again in ("", ", again"):
            ended = subprocess.run(
                [binary(), "--data", self.data, "--listen", "127.0.0.1:0"],
                env={**os.environ, **self.settings}, capture_output=True, timeout=60, check=False)
            output = (ended.stdout + ended.stderr).decode(errors="replace")
            t.equal(f"{what}{again}: exit status", ended.returncode, DATA_ERROR)
            for words in said:
                t.true(f"{what}{again}: says {words!r}", words in output, output[-600:])

    def server(self):
        server = Server(data=self.data)
        server.environment = self.settings
        return server


def fill(server):
    """Accounts until the log has two files; then some more. The count of accounts."""
    server.make_pool()
    count = 0
    while not os.path.exists(os.path.join(server.data, "log-00000002.db")) or count % 7000 != 0:
        server.post("/v1/accounts", [{"account": f"a{count + i}", "pool": "usdc", "collateral": "1"}
                                     for i in range(500)])
        count += 500
    return count


def noted(server, name):
    """Where the data ends by this file: a sequence of the log, or a save of webhooks.db."""
    with open(os.path.join(server.data, name), "rb") as file:
        slots = file.read()
    return max(int.from_bytes(slots[at + 8:at + 16], "little") for at in (0, 4096))


def wait_for_note(server):
    """Until log-end notes the last command."""
    def is_noted():
        last = re.search(rb"applied_seq (\d+)", server.get("/metrics").body)
        return noted(server, "log-end") == int(last[1])
    wait_until("the end is noted", is_noted)


def test_log(t):
    with Server(settings=SMALL_FILES) as server:
        count = fill(server)
        wait_for_note(server)
        server.kill9()
        with Damaged(server) as damaged:
            damaged.fresh()
            wal = damaged.newest("-wal")
            size = damaged.size(wal)
            t.true("commits to lose", size > 100000, size)

            damaged.truncate(damaged.newest())
            damaged.refused(t, "newest database emptied", damaged.newest() + " is empty, but " + wal,
                            "restore both from one copy")
            t.equal("its -wal is kept", damaged.size(wal), size)
            damaged.put_back(damaged.newest())

            for part, left in (("emptied", 0), ("cut to the half", size // 2)):
                damaged.truncate(wal, left)
                damaged.refused(t, f"-wal {part}", "the log ends at sequence ",
                                "but log-end notes sequence ", "commands are missing",
                                "Restore all log-* files from one copy", "remove log-end")
                t.equal(f"-wal {part}: as it was", damaged.size(wal), left)
                damaged.put_back(wal)

            with damaged.server() as again:
                t.equal("put back: the last account", again.get("/v1/accounts/a%d" % (count - 1)).status, 200)
                t.equal("a clean stop", again.stop(), 0)
            left = [name for name in os.listdir(damaged.data) if name.endswith(("-wal", "-shm"))]
            t.equal("a clean stop leaves databases only", left, [])

            damaged.truncate(damaged.newest())
            os.unlink(damaged.path("log-end"))
            damaged.refused(t, "emptied after a clean stop", "is missing or empty, although file ",
                            "says that it is followed", "restore " + damaged.newest())


def add_endpoints(server, receiver, count=3):
    for i in range(count):
        server.post("/v1/webhooks", {"url": f"{receiver.url}/{i}"})
    return sorted(row["id"] for row in server.pages("/v1/webhooks"))


def deliver(server, receiver):
    """Some notices, saved and noted: the -wal of webhooks.db then holds more than its beginning."""
    for _ in range(3):  # a new pool is paused
        server.post("/v1/pools/usdc/resume")
        server.post("/v1/pools/usdc/pause")
    receiver.wait(18)
    wait_until("all are delivered", lambda: all(
        ordinal(row["cursor"]) == 6 for row in server.pages("/v1/webhooks")))
    before = noted(server, "webhooks-end")
    time.sleep(1.5)  # a save is noted when the note before it is a second old
    server.post("/v1/pools/usdc/resume")
    wait_until("and one more", lambda: all(
        ordinal(row["cursor"]) == 7 for row in server.pages("/v1/webhooks")))
    wait_until("it is noted", lambda: noted(server, "webhooks-end") > before)


def test_webhooks_database(t):
    with Receiver() as receiver, Server(settings=SETTINGS) as server:
        server.make_pool()
        ids = add_endpoints(server, receiver)
        deliver(server, receiver)
        server.kill9()
        with Damaged(server) as damaged:
            check_webhooks_killed(t, damaged)
            damaged.fresh()
            with damaged.server() as again:
                t.equal("whole: the endpoints", sorted(r["id"] for r in again.pages("/v1/webhooks")), ids)
                t.true("their number is logged", b"endpoints restored endpoints=3" in again.output(),
                       again.output()[-500:])
                t.true("and counted", b'webhook_endpoints{state="enabled"} 3' in again.get("/metrics").body)
                again.stop()
            check_webhooks_closed(t, damaged)


def check_webhooks_killed(t, damaged):
    db, wal = "webhooks.db", "webhooks.db-wal"
    damaged.fresh()
    size = damaged.size(wal)
    t.true("a -wal to lose", size > 4096, size)
    damaged.truncate(wal)
    damaged.refused(t, "-wal emptied", "webhooks.db ends at save ", "but webhooks-end notes save ",
                    " with 3: restore both, with webhooks.db-wal, from one copy", "remove webhooks-end")
    damaged.truncate(wal, 32)
    damaged.refused(t, "-wal cut", "but webhooks-end notes save ")
    os.unlink(damaged.path(wal))
    damaged.refused(t, "-wal deleted", "webhooks.db is damaged: its -wal is missing")
    for at in (17, 40, size - 1000):
        damaged.put_back(wal)
        damaged.flip(wal, at)
        damaged.refused(t, f"bit flipped at {at} of the -wal", "webhooks.db-wal is damaged")
    damaged.put_back(wal)
    damaged.truncate(db)
    damaged.refused(t, "database emptied", "webhooks.db is missing or empty, but webhooks.db-wal holds ")
    t.equal("the -wal is kept", damaged.size(wal), size)
    os.unlink(damaged.path(db))
    damaged.refused(t, "database deleted", "webhooks.db is missing or empty, but webhooks.db-wal holds ")
    t.true("nothing is made", not os.path.exists(damaged.path(db)))


def edit(path, sql):
    db = sqlite3.connect(path)
    db.executescript(sql)
    db.close()


def check_webhooks_closed(t, damaged):
    """After a clean stop everything is in the database."""
    db = damaged.path("webhooks.db")
    shutil.copy(db, db + ".whole")

    def put_back():
        shutil.copy(db + ".whole", db)

    for what, change in (("emptied", lambda: os.truncate(db, 0)), ("deleted", lambda: os.unlink(db))):
        change()
        damaged.refused(t, f"closed database {what}",
                        "webhooks.db is missing or empty, but webhooks-end notes 3 endpoints in it",
                        "To begin without endpoints, remove webhooks-end")
        put_back()
    os.truncate(db, 8192)
    damaged.refused(t, "closed database cut", "webhooks.db")
    put_back()
    with open(db, "rb") as file:
        content = file.read()
    for text in (b"http://127.0.0.1", b"127.0.0.1"):
        at = content.index(text)
        damaged.flip("webhooks.db", at + len(text) - 1, 1)
        damaged.refused(t, f"a bit of {text.decode()} flipped", "webhooks.db is damaged: the endpoint ",
                        " is not as it was saved")
        put_back()
    for what, sql, said in (
            ("endpoint removed", "DELETE FROM endpoint WHERE id = (SELECT min(id) FROM endpoint)",
             "it holds 2 endpoints instead of 3"),
            ("cursor moved", "UPDATE lane SET position = 1", "is not as it was saved"),
            ("of another log", "UPDATE log SET identity = '0123456789abcdef0123456789abcdef'",
             "webhooks.db is of the log 0123456789abcdef0123456789abcdef, this is the log ")):
        edit(db, sql)
        damaged.refused(t, what, said)
        put_back()
    os.unlink(db)
    os.unlink(damaged.path("webhooks-end"))
    with damaged.server() as again:
        t.equal("the remedy: begun without endpoints", again.pages("/v1/webhooks"), [])
        t.true("and said", b"endpoints restored endpoints=0" in again.output())


def test_log_older_than_webhooks(t):
    """The log is restored from a copy, webhooks.db is not: ids would come twice."""
    with Receiver() as receiver, Server(settings=SETTINGS) as server:
        server.make_pool()
        server.stop()
        with Damaged(server) as damaged:
            damaged.fresh()
            with damaged.server() as later:
                add_endpoints(later, receiver)
                deliver(later, receiver)
                t.equal("stopped", later.stop(), 0)
            for path in glob.glob(os.path.join(damaged.original, "log-*")):
                shutil.copy(path, damaged.data)
            damaged.refused(t, "cursors beyond the log", "the endpoint ", " in webhooks.db is at action 7, "
                            "but the log ends at action 0", "restore the log and webhooks.db from one copy")


if __name__ == "__main__":
    run(globals())
