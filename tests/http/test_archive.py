#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Old files of the log go to the archive before they are cut. Goal: nothing is cut that the archive does not
have, also when it fails or the daemon is killed; with the archive the whole log verifies from its first
command across the cut; a damaged byte of an archived file is found, and the file is named. Method: small
files, many snapshots, kill -9, a directory that cannot be written.

    BACKSTOPD=... BACKSTOPCTL=... tests/http/test_archive.py
"""
import glob
import os
import re
import shutil
import subprocess
import tempfile

from harness import Server, binary, run, wait_until
from test_retention import SMALL, files, fill, fill_until_cut

CTL = os.environ.get("BACKSTOPCTL") or os.path.join(os.path.dirname(binary()), "..", "cli", "backstopctl")
WEEK = {**SMALL, "log_keep_days": 7}


def call(*command):
    return subprocess.run(command, timeout=60, check=False, capture_output=True, text=True)


def log(verb, *arguments):
    return call(binary(), "log", verb, *arguments)


def fields(done):
    return dict(line.split(None, 1) for line in done.stdout.splitlines())


def archived(directory):
    return sorted(os.path.basename(path) for path in glob.glob(os.path.join(directory, "log-*")))


def metric(server, name):
    found = re.search(rf"^backstopd_{name} (\S+)$", server.get("/metrics").body.decode(), re.MULTILINE)
    return float(found.group(1))


def with_archive(directory, settings=None):
    return Server(settings={**(settings or SMALL), "log_archive_dir": directory})


def check_whole(t, server, directory):
    """The log from its first command on, across the cut, beside the daemon."""
    t.true("the log was cut", files(server)[0] > 1, files(server))
    done = log("verify", "--data", server.data, "--archive", directory)
    t.equal("it verifies with the archive", (done.returncode, done.stderr), (0, ""))
    last = int(fields(done)["seq"])
    dump = log("dump", "--data", server.data, "--archive", directory)
    seqs = [int(line.split()[0]) for line in dump.stdout.splitlines() if line[0] != " "]
    t.equal("the dump has every command", (seqs[0], seqs[-1] >= last, len(seqs)), (1, True, seqs[-1]))
    state = log("replay", "--data", server.data, "--archive", directory, "--until", "3")
    t.equal("a moment before the cut", (state.returncode, fields(state).get("seq")), (0, "3"))
    same = log("diff", "--archive", directory, f"{server.data}@5", f"{server.data}@5")
    t.equal("and two of them compared", (same.returncode, same.stderr), (0, ""))


def test_cut_with_an_archive(t):
    directory = tempfile.mkdtemp(prefix="backstopd-test-")
    with with_archive(directory) as server:
        server.make_insolvency()
        server.post("/v1/pools/usdc/resume")
        server.wait_for_actions(2)
        first = server.actions()[0]["cursor"]
        fill_until_cut(server, 4)
        kept = files(server)[0]
        names = archived(directory)
        t.true("every file that was cut is in it",
               set(names) >= {f"log-{number:08}.db.zst" for number in range(1, kept)}, names)
        gone = server.get(f"/v1/actions?after={first}")
        t.true("410 says where", directory in gone.json["detail"], gone.json)
        check_whole(t, server, directory)
        server.kill9()

        server.start()
        fill_until_cut(server, kept + 2)
        check_whole(t, server, directory)
        status = server.get("/v1/archive").json
        t.equal("it is well", (status["directory"], status["state"], status["error"]), (directory, "idle", ""))
        t.equal("the metric is, too", metric(server, "archive_failing"), 0)
        t.equal("and the checks", server.get("/readyz?verbose").json["checks"]["archive"], "ok")
        server.stop()
        check_whole(t, server, directory)

        path = os.path.join(directory, "log-00000002.db.zst")
        whole = open(path, "rb").read()
        for at in (9, 100, 260, len(whole) // 2, len(whole) - 1):
            with open(path, "wb") as file:
                file.write(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
            done = log("verify", "--data", server.data, "--archive", directory)
            t.equal(f"byte {at} changed", done.returncode, 65)
            t.true("the file is named", "log-00000002.db.zst" in done.stderr, done.stderr)
        os.remove(path)
        done = log("verify", "--data", server.data, "--archive", directory)
        t.true("a missing one is named", done.returncode == 65 and "log-00000002.db.zst" in done.stderr, done.stderr)
    shutil.rmtree(directory)


def test_an_archive_that_fails(t):
    directory = tempfile.mkdtemp(prefix="backstopd-test-")
    elsewhere = directory + "-away"
    with with_archive(directory) as server:
        server.make_insolvency()
        server.post("/v1/pools/usdc/resume")
        fill_until_cut(server, 2)
        os.rename(directory, elsewhere)
        fill(server, 2)
        begins = files(server)[0]

        def is_failing():
            fill(server, 4)
            return metric(server, "archive_failing") == 1
        wait_until("the archive fails", is_failing, 60)
        t.equal("nothing was cut since", files(server)[0], begins)
        t.true("it is said loudly", b"the archive takes no files" in server.output())
        checks = server.get("/readyz?verbose").json["checks"]
        t.true("the checks say why", "No such file" in checks["archive"], checks)
        done = call(CTL, "archive", "--url", f"http://127.0.0.1:{server.port}")
        t.true("backstopctl says so", done.returncode == 69 and directory in done.stderr, done)
        t.equal("still nothing was cut", files(server)[0], begins)

        os.rename(elsewhere, directory)
        done = call(CTL, "archive", "--url", f"http://127.0.0.1:{server.port}")
        t.equal("it goes on when it is back", (done.returncode, done.stderr), (0, ""))
        t.equal("the metric says so", metric(server, "archive_failing"), 0)
        fill_until_cut(server, begins + 1)
        check_whole(t, server, directory)
    shutil.rmtree(directory)


def test_moving_by_hand(t):
    directory = tempfile.mkdtemp(prefix="backstopd-test-")
    with with_archive(directory, WEEK) as server:
        server.make_insolvency()
        server.post("/v1/pools/usdc/resume")

        def is_stored():
            fill(server, 4)
            return len(archived(directory)) >= 3
        wait_until("files are stored long before they are cut", is_stored, 60)
        t.equal("but nothing is cut", files(server)[0], 1)
        os.truncate(os.path.join(directory, "log-00000001.db.zst"), 1000)
        done = call(CTL, "archive", "--url", f"http://127.0.0.1:{server.port}")
        t.equal("backstopctl moves them", (done.returncode, done.stderr), (0, ""))
        t.true("a damaged one was written again", b"is damaged and is written again" in server.output())
        check_whole(t, server, directory)
        server.stop()

        shutil.copytree(directory, directory + "-other")
    with with_archive(directory + "-other", WEEK) as other:
        other.make_insolvency()
        other.post("/v1/pools/usdc/resume")

        def is_refused():
            fill(other, 4)
            return metric(other, "archive_failing") == 1
        wait_until("the archive of another log is refused", is_refused, 60)
        t.true("by name", b"of its own" in other.output())
        t.equal("nothing of it changed", archived(directory + "-other"), archived(directory))
    with Server() as server:
        t.equal("without an archive", server.get("/v1/archive").code, "archive_off")
    shutil.rmtree(directory)
    shutil.rmtree(directory + "-other")


if __name__ == "__main__":
    run(globals())
