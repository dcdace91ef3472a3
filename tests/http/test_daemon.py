#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goal: backstopd keeps what its manual says about options, settings, signals, exit statuses and its
log verbs. Method: processes of our own, and a socket in the place of the service manager's."""
import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

from harness import Server, binary, run


def call(*arguments, environment=None, timeout=30):
    return subprocess.run([binary(), *arguments], env={**os.environ, **(environment or {})},
                          capture_output=True, text=True, timeout=timeout, check=False)


def row(text, name):
    """The value of a line "name   value"."""
    return next(line.split()[1] for line in text.splitlines() if line.split()[0] == name)


def test_help_teaches_and_usage_errors_are_told_apart(t):
    done = call("--help")
    t.equal("help", done.returncode, 0)
    t.equal("on standard output", "Usage:" in done.stdout and done.stderr == "", True)
    t.equal("version", call("--version").stdout.split()[0], "backstopd")
    for arguments in ([], ["--dat", "x", "--what"], ["start"], ["--data"], ["log", "prune"],
                      ["--data", "x", "--pools-max", "0"]):
        done = call(*arguments)
        t.equal(f"usage {arguments}", done.returncode, 64)
        t.equal("said on standard error", done.stdout == "" and done.stderr != "", True)
    t.equal("suggestion", "did you mean '--listen'?" in call("--lisen", "x").stderr, True)
    everywhere = call("--data", "x", "--listen", "0.0.0.0:1")
    t.equal("not everywhere", everywhere.returncode, 78)
    t.equal("and why", "served only with access.keys (not set)" in everywhere.stderr, True)


def test_settings_are_checked_and_shown(t):
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write("[storage]\ndata = x\n[core]\nqueue_maxx = 1\nqueue_max = 0\n")
        file.flush()
        done = call("--config", file.name, "--check-config")
        t.equal("wrong settings", done.returncode, 78)
        t.equal("all named, with their lines", [f"{file.name}:{n}:" in done.stderr for n in (4, 5)],
                [True, True])
        file.seek(0)
        file.truncate()
        file.write("[storage]\ndata = x\n[core]\nqueue_max = 7\n")
        file.flush()
        t.equal("right settings", call("--config", file.name, "--check-config").returncode, 0)
        shown = call("--config", file.name, "--dump-config", "--log-level", "warn",
                     environment={"BACKSTOPD_CORE_SETTLE_INTERVAL_MS": "9"}).stdout
        for line in (f"queue_max = 7 ; {file.name}:4: core.queue_max", "level = warn ; --log-level",
                     "settle_interval_ms = 9 ; BACKSTOPD_CORE_SETTLE_INTERVAL_MS",
                     "format = text ; default"):
            t.equal(line, line in shown.splitlines(), True)


def test_identity(t):
    """A log keeps its identity over restarts, another log has another one, and refuses its cursors."""
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryDirectory() as other_data:
        with Server(data) as server:
            first = server.identity
            t.equal("32 hexadecimal digits", len(bytes.fromhex(first)), 16)
            server.make_pool()
            server.post("/v1/pools/usdc/resume")
            server.wait_for_actions(1)
            cursor = server.get("/v1/actions").json["next"]
            t.equal("a cursor names it", cursor, f"{first[:8]}_1")
            t.equal("nobody sends one", server.post("/v1/commands", {"type": "identity"}).code, "unknown_type")
        with Server(data) as server:
            t.equal("the same after a restart", server.identity, first)
            t.equal("its cursor goes on", server.get(f"/v1/actions?after={cursor}").status, 200)
        with Server(other_data) as server:
            t.true("another log, another identity", server.identity != first)
            for answer in (server.get(f"/v1/actions?after={cursor}"),
                           server.get(f"/v1/stream?after={cursor}"),
                           server.get("/v1/stream", headers={"Last-Event-ID": cursor})):
                t.refused("a cursor of the first", answer, 410, "cursor_of_another_log", first[:8])


def test_stop_drains_and_the_log_verifies(t):
    with tempfile.TemporaryDirectory() as data:
        with Server(data) as server:
            server.make_insolvency()
            server.post("/v1/pools/usdc/settle")
            server.wait_for_actions(3)
            actions = server.actions()
            identity = server.identity
            second = call("--data", data, "--listen", "127.0.0.1:0")
            t.equal("a running daemon's log is locked", second.returncode, 74)
            t.equal("and that is said", "in use" in second.stderr, True)
            t.equal("stopped as asked", server.stop(), 0)
        done = call("log", "verify", "--data", data)
        t.equal("verified", done.returncode, 0)
        t.equal("the digest was stored and is equal", row(done.stdout, "digest_stored"), "equal")
        t.equal("every action", int(row(done.stdout, "ordinal")), len(actions))
        t.equal("nothing is missing", row(done.stdout, "actions_missing"), "0")
        t.equal("its settlement was compared", row(done.stdout, "settlements"), "1")
        t.equal("the last hash", row(done.stdout, "action_hash"), actions[-1]["hash"])
        seq = int(row(done.stdout, "seq"))
        lines = call("log", "dump", "--data", data).stdout.splitlines()
        listed = [line for line in lines if not line.startswith(" ")]
        t.equal("one line a command", len(listed), seq)
        t.equal("and one for what it caused", [line.split()[0] for line in lines[seq:]],
                3 * ["action"] + ["settlement"])
        t.equal("its sequence, type and name", listed[0].split()[0::2] + listed[0].split()[3:],
                ["1", "identity", identity])
        t.equal("from a sequence on", call("log", "dump", "--data", data, "--from", str(seq))
                .stdout.splitlines(), lines[seq - 1:])
    t.equal("no log there", call("log", "verify", "--data", data).returncode, 74)


def test_a_killed_daemon_replays_to_the_same_state(t):
    with tempfile.TemporaryDirectory() as data:
        server = Server(data).start()
        server.make_insolvency()
        server.post("/v1/pools/usdc/settle")
        server.wait_for_actions(3)
        state, actions = server.state(), server.actions()
        server.kill9()
        server.start()
        t.equal("state", server.state(), state)
        t.equal("actions and hashes", server.actions(), actions)
        server.close()


def test_capacities_that_are_too_small_refuse_the_log(t):
    with tempfile.TemporaryDirectory() as data:
        with Server(data) as server:
            server.make_insolvency()
            server.post("/v1/pools/usdc/settle")
            server.wait_for_actions(3)
        done = call("--data", data, "--listen", "127.0.0.1:0", "--accounts-max", "1",
                    "--pools-max", "1")
        t.equal("a configuration error", done.returncode, 78)
        t.equal("named", "capacity.accounts_max is too small" in done.stderr, True)


def edit_log(data, statement):
    """Changes the log of a daemon that stopped, as `sqlite3` would."""
    with contextlib.closing(sqlite3.connect(os.path.join(data, "log-00000001.db"))) as log, log:
        log.execute(statement)


def test_a_damaged_settlement_and_another_format_are_refused_by_name(t):
    refusals = (
        ("UPDATE settlement SET record = substr(record, 1, 40) || x'ff' || substr(record, 42)",
         "the record of settlement 1 of pool usdc is damaged"),
        ("UPDATE settlement SET record = x''", "is damaged: settlement 1 is not readable"),
        ("PRAGMA user_version = 1", "has format version 1; this backstopd reads version 2. Read it with"))
    for statement, sentence in refusals:
        with tempfile.TemporaryDirectory() as data:
            with Server(data) as server:
                server.make_insolvency()
                server.post("/v1/pools/usdc/settle")
                server.wait_for_actions(3)
            edit_log(data, statement)
            for what in (["log", "verify", "--data", data], ["--data", data, "--listen", "127.0.0.1:0"]):
                done = call(*what)
                t.equal(f"{statement}: {what[0]}", done.returncode, 65)
                t.true(f"{done.stderr} names it", sentence in done.stderr)


def test_port_file_and_taken_address(t):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "port")
        with open(path, "w", encoding="ascii") as file:
            file.write("1\n")
        with Server(arguments=["--port-file", path]) as server:
            with open(path, encoding="ascii") as file:
                t.equal("port file", file.read(), f"{server.port}\n")
            done = call("--data", os.path.join(directory, "d"), "--listen",
                        f"127.0.0.1:{server.port}")
            t.equal("taken", done.returncode, 69)
        done = call("--data", os.path.join(directory, "d"), "--listen", "127.0.0.1:0",
                    "--port-file", os.path.join(directory, "no", "port"))
        t.equal("port file that cannot be written", done.returncode, 73)


def test_reload_and_report(t):
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write("[core]\nqueue_max = 7\n")
        file.flush()
        with Server(arguments=["--config", file.name]) as server:
            def wait_for(words):
                deadline = time.monotonic() + 30
                while words not in server.output().decode() and time.monotonic() < deadline:
                    time.sleep(0.01)
                t.equal(words, words in server.output().decode(), True)

            file.write("queue_bytes_max = 1\n")
            file.flush()
            server.process.send_signal(signal.SIGHUP)
            wait_for("the new settings are refused")
            file.seek(0)
            file.truncate()
            file.write("[core]\nqueue_max = 8\n[logging]\nformat = json\n")
            file.flush()
            server.process.send_signal(signal.SIGHUP)
            wait_for("a setting changed and needs a restart section=core key=queue_max value=8")
            wait_for('"message":"read the settings again"')
            server.process.send_signal(signal.SIGUSR1)
            wait_for('"message":"report","seq":2,"digest":"')
            t.equal("still serving", server.get("/healthz").status, 200)


def test_service_manager_is_told(t):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "notify")
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        manager.bind(path)
        manager.settimeout(30)
        process = subprocess.Popen(
            [binary(), "--data", os.path.join(directory, "d"), "--listen", "127.0.0.1:0"],
            env={**os.environ, "NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            t.equal("ready", manager.recv(1000).startswith(b"READY=1\n"), True)
            t.equal("watchdog", [manager.recv(1000) for _ in range(2)], [b"WATCHDOG=1"] * 2)
            process.terminate()
            told = manager.recv(1000)
            while told == b"WATCHDOG=1":
                told = manager.recv(1000)
            t.equal("stopping", told.startswith(b"STOPPING=1\n"), True)
            t.equal("stopped", process.wait(20), 0)
        finally:
            process.kill()
            process.wait()
            manager.close()


if __name__ == "__main__":
    run(globals())
