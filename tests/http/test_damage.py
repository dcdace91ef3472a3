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
import subprocess
import tempfile

from harness import Server, binary, run, wait_until

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


def wait_for_note(server):
    """Until log-end notes the last command."""
    def is_noted():
        with open(os.path.join(server.data, "log-end"), "rb") as file:
            slots = file.read()
        noted = max(int.from_bytes(slots[at + 8:at + 16], "little") for at in (0, 4096))
        last = re.search(rb"applied_seq (\d+)", server.get("/metrics").body)
        return noted == int(last[1])
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


if __name__ == "__main__":
    run(globals())
