#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""backstopctl explain, watch and the completion of bash against a real backstopd: watch on a terminal
of its own (a pty), where it draws in place, and without one, where each line is news."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

from harness import Server, run

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 60


def environment(**more):
    return {**{name: value for name, value in os.environ.items() if name not in ("BACKSTOP_URL", "NO_COLOR")},
            "TERM": "xterm", **more}


def ctl(server, *arguments):
    return subprocess.run([os.environ["BACKSTOPCTL"], *arguments, "--url", f"http://127.0.0.1:{server.port}"],
                          capture_output=True, text=True, timeout=120, env=environment())


def settled(server):
    server.make_insolvency()
    server.post("/v1/pools/usdc/settle")
    server.wait_for_actions(3)


class Terminal:
    """A program on a terminal of 24 lines; what it wrote so far."""

    def __init__(self, server, *arguments, **more):
        self.written = ""
        self.process, self.master = None, None
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.process = subprocess.Popen(
            [os.environ["BACKSTOPCTL"], *arguments, "--url", f"http://127.0.0.1:{server.port}"],
            stdin=slave, stdout=slave, stderr=slave, env=environment(**more), start_new_session=True)
        os.close(slave)

    def read_until(self, holds):
        deadline = time.monotonic() + PATIENCE_S
        while not holds(self.written) and time.monotonic() < deadline:
            if not select.select([self.master], [], [], 1)[0]:
                continue
            try:
                self.written += os.read(self.master, 65536).decode()
            except OSError:
                break
        return holds(self.written)

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.read_until(lambda written: "\033[?1049l" in written)
        code = self.process.wait(PATIENCE_S)
        os.close(self.master)
        return code


def last_screen(written):
    return re.sub(r"\033\[[?0-9;]*[a-zA-Z]", "", written.rpartition("\033[H\033[2J")[2])


def test_watch_on_a_terminal(t):
    with Server() as server:
        server.make_insolvency()
        terminal = Terminal(server, "watch", "usdc")
        t.true("a screen of its own, the cursor hidden",
               terminal.read_until(lambda written: "\033[?1049h\033[?25l" in written), terminal.written)
        t.true("the loser is at risk, nothing was decided",
               terminal.read_until(lambda written: "loser" in last_screen(written)), terminal.written)
        t.true("what it owes", "insolvent 1 owing 900" in last_screen(terminal.written), last_screen(terminal.written))
        server.post("/v1/pools/usdc/settle")
        t.true("the decision appears by itself",
               terminal.read_until(lambda written: "liquidation_close" in last_screen(written)
                                   and "insolvent 0" in last_screen(written)), last_screen(terminal.written))
        t.true("drawn in place", terminal.written.count("\033[H\033[2J") >= 2, terminal.written[-500:])
        t.true("it fits the terminal", last_screen(terminal.written).count("\n") < 24, last_screen(terminal.written))
        t.equal("Ctrl-C ends it well", terminal.end(), 0)
        t.true("the screen is given back", terminal.written.rstrip().endswith("\033[?25h\033[?1049l"),
               terminal.written[-60:])


def test_watch_without_color(t):
    with Server() as server:
        settled(server)
        terminal = Terminal(server, "watch", "usdc", NO_COLOR="1")
        terminal.read_until(lambda written: "liquidation_close" in written)
        t.equal("ends", terminal.end(), 0)
        t.true("NO_COLOR: no colours", not re.search(r"\033\[[0-9;]*m", terminal.written), terminal.written[:300])


def test_watch_without_a_terminal(t):
    with Server() as server:
        server.make_insolvency()
        process = subprocess.Popen([os.environ["BACKSTOPCTL"], "watch", "usdc", "--url",
                                    f"http://127.0.0.1:{server.port}"],
                                   stdout=subprocess.PIPE, text=True, env=environment())
        first = process.stdout.readline()
        t.true("the totals first", first.startswith("usdc paused  fund 50") and "owing 900" in first, first)
        server.post("/v1/pools/usdc/settle")
        lines = []
        while not any("insolvent 0" in line for line in lines):
            lines.append(process.stdout.readline())
            if not lines[-1]:
                break
        process.send_signal(signal.SIGTERM)
        t.equal("ends well", process.wait(PATIENCE_S), 0)
        process.stdout.close()
        text = "".join(lines)
        t.true("each action is a line", text.count("insurance_draw") == 1 and text.count(" adl ") == 1, text)
        t.true("no control sequences", "\033" not in first + text, text)
        result = ctl(server, "watch", "nowhere")
        t.true("an unknown pool", result.returncode == 65 and "unknown_pool" in result.stderr, result)


def test_explain(t):
    with Server() as server:
        settled(server)
        result = ctl(server, "explain", "usdc/3")
        for words in ("winner's short in BTC-PERP was closed to resolve loser's debt",
                      "1 of 1 contracts at 59850, leaving 0. The mark was 59000, the entry price 60000",
                      " USDC, given up against the mark 850 USDC.",
                      "Queue: number 1 of 1 by profit_leverage, with a score of 0.163888888889",
                      "= profit 1000 USDC / entry value 60000 USDC * notional 59000 USDC / equity 6000 USDC; nobody is ahead, nobody is behind.",
                      "loser's losses exceeded collateral by 900 USDC. The fund paid 50 USDC of that; 850 USDC was left",
                      "Recomputed: this action and the 2 before it in its settlement fit."):
            t.true(f"says: {words}", words in result.stdout, result.stdout)
        t.equal("status", result.returncode, 0)
        yours = ctl(server, "explain", "usdc/3", "--account", "winner").stdout
        t.true("speaks to the account", "Your short in BTC-PERP was closed" in yours, yours)
        t.true("and of the others", "Why: loser's losses" in yours, yours)
        theirs = ctl(server, "explain", "usdc/3", "--account", "loser").stdout
        t.true("likewise as the debtor", "resolve your debt: 1 of 1 contracts" in theirs and "Why: your losses" in theirs, theirs)
        t.true("a draw", "The insurance fund paid 50 USDC for loser" in ctl(server, "explain", "usdc/1").stdout)
        t.true("a close", "* P / Q, rounded up" in ctl(server, "explain", "2").stdout)
        for name, code, words in (("usdc/99", 65, "the last action is 3"), ("99", 65, "after"), ("usdc/", 64, "neither"),
                                  ("usdc/x", 64, "neither"), ("nowhere/1", 65, "unknown_pool")):
            result = ctl(server, "explain", name)
            t.true(f"{name} is refused", result.returncode == code and words in result.stderr, result)


def test_explain_finds_actions_among_those_of_other_pools(t):
    with Server() as server:
        for pool in ("one", "two", "three"):
            server.make_pool(pool)
        for _ in range(40):
            for pool in ("one", "two", "two", "three"):
                server.post(f"/v1/pools/{pool}/resume")
                server.post(f"/v1/pools/{pool}/pause", {"reason": "to have actions"})
        server.wait_for_actions(320)
        for action in server.actions()[::17]:
            result = ctl(server, "explain", f"{action['pool']}/{action['id']}", "-o", "json")
            t.true(f"{action['pool']}/{action['id']}", f"\"cursor\":\"{action['cursor']}\"" in result.stdout, result)


def complete(*words):
    script = (f"source '{ROOT / 'cli' / 'completion.bash'}'; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); "
              "_backstopctl; printf '%s\\n' \"${COMPREPLY[@]}\"")
    result = subprocess.run(["bash", "-c", script, "bash", os.environ["BACKSTOPCTL"], *words],
                            capture_output=True, text=True, timeout=60)
    return sorted(result.stdout.split())


def test_completion(t):
    t.equal("verbs by their beginning", complete("so"), ["solvency", "sources"])
    t.true("all verbs", {"post", "watch", "verify", "explain"} <= set(complete("")), complete(""))
    t.equal("options of the verb", [word for word in complete("queue", "--s")], ["--side"])
    t.true("not those of others", "--batch" not in complete("queue", "--"), complete("queue", "--"))
    t.equal("commands", complete("clock", ""), ["adopt"])
    t.equal("values", complete("queue", "M", "--side", ""), ["long", "short"])
    t.equal("files", complete("post", str(ROOT / "READ")), [str(ROOT / "README.md")])


if __name__ == "__main__":
    run(globals())
