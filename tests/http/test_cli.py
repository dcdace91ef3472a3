#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""backstopctl against a real backstopd, and against a server that misbehaves: what is shown, exit
codes, messages, batches, resumption."""

import argparse
import json
import os
import pty
import re
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

import harness
from fake_server import FakeServer

BACKSTOPCTL = None
INSTANT = Path(__file__).resolve().parent.parent.parent / "data" / "oct10-instant" / "commands.ndjson"


def environment(**more):
    kept = {name: value for name, value in os.environ.items()
            if name not in ("BACKSTOP_URL", "NO_COLOR", "http_proxy", "HTTP_PROXY")}
    return {**kept, "TERM": "xterm", **more}


def run(*arguments, stdin=b"", env=None, timeout=60):
    return subprocess.run([BACKSTOPCTL, *arguments], input=stdin, capture_output=True, timeout=timeout,
                          env=env or environment())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Usage(unittest.TestCase):
    """What the command line may look like; no server is needed."""

    def refused(self, *arguments, message):
        result = run(*arguments)
        self.assertEqual(result.returncode, 64, result)
        self.assertEqual(result.stdout, b"")
        self.assertIn(message, result.stderr.decode())

    def test_usage_errors(self):
        self.refused(message="a verb is needed")
        self.refused("acount", "a1", message="no verb 'acount'")
        self.refused("fund", message="fund: POOL is missing")
        self.refused("account", "", message="account: ID is missing")
        self.refused("fund", "usdc", "extra", message="unexpected 'extra'")
        self.refused("pools", "--follow", message="pools takes no --follow")
        self.refused("pools", "--nonsense", message="--nonsense")
        self.refused("pools", "-o", "xml", message="table or json")
        for batch in ("0", "-5", "abc", "1000001", "99999999999999999999", ""):
            self.refused("post", "-", "--batch", batch, message="--batch takes a number")
        for url in ("ftp://127.0.0.1", "127.0.0.1 8480", "http://a@b/", "http://h/?x=1", "http://"):
            self.refused("pools", "--url", url, message="not an http:// or https:// URL")

    def test_help_of_every_verb_shows_an_example(self):
        overview = run("--help")
        self.assertEqual(overview.returncode, 0)
        verbs = ("post", "actions", "pools", "presets", "fund", "solvency", "account", "market", "queue", "rank",
                 "providers", "settlements", "simulate", "health")
        for verb in verbs:
            self.assertIn(f"  {verb} ", overview.stdout.decode())
            result = run(verb, "--help")
            self.assertEqual((result.returncode, result.stderr), (0, b""))
            self.assertIn(f"$ backstopctl {verb}", result.stdout.decode())
            self.assertLessEqual(max(map(len, result.stdout.decode().splitlines())), 105)
        self.assertTrue(run("--version").stdout.startswith(b"backstopctl "))

    def test_full_output_device_is_an_error(self):
        with open("/dev/full", "wb") as full:
            result = subprocess.run([BACKSTOPCTL, "--help"], stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(result.returncode, 74)
        self.assertIn(b"standard output", result.stderr)


class WithFake(unittest.TestCase):
    def setUp(self):
        self.fake = FakeServer()
        self.addCleanup(lambda: self.fake.stop())

    def ctl(self, *arguments, **options):
        return run(*arguments, "--url", self.fake.url, **options)


class Post(WithFake):
    def test_batches_and_blank_lines(self):
        lines = b"".join(b'{"n":%d}\n%s' % (n, b"\n \t\r\n" if n % 3 == 0 else b"") for n in range(2500))
        result = self.ctl("post", "-", stdin=lines)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout, b"2500 lines: 2500 accepted, 0 rejected, last seq 2500\n")
        self.assertEqual([item["n"] for item in self.fake.state["items"]], list(range(2500)))
        self.assertEqual(len(self.fake.state["requests"]), 3)

    def test_no_newline_at_the_end_and_carriage_returns(self):
        result = self.ctl("post", "-", stdin=b'{"n":1}\r\n{"n":2}')
        self.assertEqual((result.returncode, len(self.fake.state["items"])), (0, 2), result.stderr)

    def test_empty_file(self):
        result = self.ctl("post", "-")
        self.assertEqual((result.returncode, self.fake.state["requests"]), (0, []))
        self.assertIn(b"0 lines", result.stdout)

    def test_rejected_lines_are_named_by_their_line_number(self):
        lines = b'{"n":1}\n\n{"reject":"stale_mark"}\n{"n":2}\n\n{"reject":"in_use"}\n'
        for batch in ("1", "2", "3", "1000"):
            with self.subTest(batch=batch), tempfile.NamedTemporaryFile(suffix=".ndjson") as file:
                file.write(lines)
                file.flush()
                result = self.ctl("post", file.name, "--batch", batch)
                self.assertEqual(result.returncode, 65)
                self.assertEqual(result.stderr.decode(), f"{file.name}:3: stale_mark: size: as asked for\n"
                                                         f"{file.name}:6: in_use: size: as asked for\n")
                self.assertIn(b"4 lines: 2 accepted, 2 rejected", result.stdout)

    def test_json_output(self):
        result = self.ctl("post", "-", "-o", "json", stdin=b'{"n":1}\n{"reject":"stale_mark"}\n')
        rows = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual(rows, [{"code": "stale_mark", "detail": "size: as asked for", "line": 2},
                                {"lines": 2, "accepted": 1, "rejected": 1, "seq": 1}])
        self.assertEqual((result.returncode, result.stderr), (65, b""))

    def test_one_broken_line_costs_only_itself(self):
        lines = [b'{"n":%d}' % n for n in range(700)]
        lines[431] = b'{"n":'
        lines[600] = b"]"
        result = self.ctl("post", "-", stdin=b"\n".join(lines))
        self.assertEqual(result.returncode, 65)
        self.assertEqual([line.split(b":")[:3] for line in result.stderr.splitlines()],
                         [[b"-", b"432", b" invalid_json"], [b"-", b"601", b" invalid_json"]])
        self.assertEqual([item["n"] for item in self.fake.state["items"]],
                         [n for n in range(700) if n not in (431, 600)])

    def test_overload_is_waited_out(self):
        self.fake.overloaded = 2
        result = self.ctl("post", "-", stdin=b'{"n":1}\n')
        self.assertEqual((result.returncode, len(self.fake.state["items"])), (0, 1), result.stderr)

    def test_a_lost_answer_is_asked_for_under_the_same_key(self):
        # The connection is warm when it breaks: the case in which curl by itself would send twice.
        lines = b'{"n":1}\n{"n":2}\n{"n":3}\n'
        first = self.ctl("post", "-", "--batch", "1", stdin=lines)
        self.assertEqual(first.returncode, 0)
        self.fake.state["items"].clear()
        dropped = iter([0, 1, 1])
        apply = self.fake.apply
        self.fake.apply = lambda handler, items: (setattr(self.fake, "drop_answers", next(dropped, 0)),
                                                  apply(handler, items))
        result = self.ctl("post", "-", "--batch", "1", stdin=lines)
        self.assertEqual(result.returncode, 0, result)
        self.assertEqual(result.stderr.count(b"asking again"), 1)
        self.assertIn(b"3 lines: 3 accepted", result.stdout)
        self.assertEqual([item["n"] for item in self.fake.state["items"]], [1, 2, 3])
        self.assertEqual(len(self.fake.state["answers"]), 6)

    def test_an_answer_that_does_not_come_is_said(self):
        apply = self.fake.apply
        self.fake.apply = lambda handler, items: (setattr(self.fake, "drop_answers", int(items[0]["n"] == 2)),
                                                  apply(handler, items))
        result = self.ctl("post", "-", "--batch", "1", stdin=b'{"n":1}\n{"n":2}\n{"n":3}\n')
        self.assertEqual(result.returncode, 69, result)
        self.assertIn(b"lines 2 to 2 may or may not have been applied", result.stderr)
        self.assertIn(b"1 line: 1 accepted", result.stdout)
        self.assertEqual([item["n"] for item in self.fake.state["items"]], [1, 2])

    def test_no_server(self):
        result = run("post", "-", "--url", f"http://127.0.0.1:{free_port()}", stdin=b"{}\n")
        self.assertEqual(result.returncode, 69)
        self.assertIn(b"were not sent", result.stderr)

    def test_files_that_cannot_be_read(self):
        self.assertEqual(self.ctl("post", "/nowhere/at/all").returncode, 66)
        self.assertEqual(self.ctl("post", "/").returncode, 66)
        too_long = self.ctl("post", "-", stdin=b"x" * (9 << 20))
        self.assertEqual(too_long.returncode, 65)
        self.assertIn(b"is this NDJSON", too_long.stderr)

    def test_surprises(self):
        for body in (b"", b"hello", b"[]", b"{}", b'{"seq":1,"accepted":5,"rejected":[]}',
                     b'{"seq":1,"accepted":0,"rejected":[{"index":7,"code":"x"}]}',
                     b'{"seq":1,"accepted":-1,"rejected":[1,2]}', b"\xff\xfe"):
            with self.subTest(body=body):
                self.fake.answer = (200, "application/json", body)
                self.assertEqual(self.ctl("post", "-", stdin=b"{}\n").returncode, 76)
        self.fake.answer = (500, "text/html", b"<h1>proxy</h1>")
        self.assertEqual(self.ctl("post", "-", stdin=b"{}\n").returncode, 76)
        self.fake.answer = (403, "application/problem+json", b'{"code":"forbidden","detail":"role"}')
        self.assertEqual(self.ctl("post", "-", stdin=b"{}\n").returncode, 77)

    def test_large_lines_are_split_by_bytes(self):
        lines = b"".join(b'{"n":%d,"pad":"%s"}\n' % (n, b"x" * 1_000_000) for n in range(20))
        result = self.ctl("post", "-", stdin=lines)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(self.fake.state["requests"]), 3)

    def test_progress_only_on_a_terminal(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b'{"n":1}\n' * 3000)
            file.flush()
            main, terminal = pty.openpty()
            delayed = self.fake.apply
            self.fake.apply = lambda handler, items: (time.sleep(0.15), delayed(handler, items))
            result = subprocess.run([BACKSTOPCTL, "post", file.name, "--url", self.fake.url], stderr=terminal,
                                    stdout=subprocess.PIPE, env=environment(), timeout=60)
            os.close(terminal)
            shown = os.read(main, 65536)
            os.close(main)
            self.assertEqual(result.returncode, 0)
            self.assertRegex(shown, rb"\[#+ *\] +\d+%  1000 lines, \d+/s")
            self.assertEqual(result.stdout, b"3000 lines: 3000 accepted, 0 rejected, last seq 3000\n")


class Follow(WithFake):
    def follow(self, *arguments):
        process = subprocess.Popen([BACKSTOPCTL, "actions", "--follow", "-o", "json", "--url", self.fake.url,
                                    *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
                                   env=environment())
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def next_ids(self, process, count, timeout=30):
        ids = []
        deadline = time.monotonic() + timeout
        while len(ids) < count:
            ready, _, _ = select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                self.fail(f"only {ids} came")
            ids.append(json.loads(process.stdout.readline())["id"])
        return ids

    def test_follow_over_a_restart(self):
        for _ in range(3):
            self.fake.add_action(type="adl", account="a1")
        process = self.follow()
        self.assertEqual(self.next_ids(process, 3), [1, 2, 3])
        self.fake.add_action(type="adl", account="a1")
        self.assertEqual(self.next_ids(process, 1), [4])
        self.fake.stop()
        time.sleep(0.5)
        self.fake = FakeServer(self.fake.state, self.fake.port)
        self.fake.add_action(type="adl", account="a1")
        self.assertEqual(self.next_ids(process, 1), [5])
        process.kill()
        errors = process.stderr.read().decode()
        self.assertEqual(errors.count("trying again"), 1, errors)
        self.assertIn("answers again", errors)

    def test_follow_over_a_restart_before_the_first_action(self):
        process = self.follow()
        deadline = time.monotonic() + 30
        while len(self.fake.state["requests"]) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        self.fake.stop()
        self.fake = FakeServer(self.fake.state, self.fake.port)
        self.fake.add_action(type="adl", account="a1")
        self.assertEqual(self.next_ids(process, 1), [1])

    def test_follow_of_a_server_that_never_answered_ends(self):
        result = run("actions", "--follow", "--url", f"http://127.0.0.1:{free_port()}")
        self.assertEqual(result.returncode, 69)

    def test_follow_ends_on_a_refusal(self):
        result = self.fake.answer = (400, "application/problem+json",
                                     b'{"code":"invalid_query","detail":"type: no action has it"}')
        result = self.ctl("actions", "--follow", "--type", "nonsense")
        self.assertEqual(result.returncode, 65)
        self.assertEqual(result.stderr, b"backstopctl: invalid_query: type: no action has it\n")

    def test_filters_and_cursor_reach_the_server(self):
        self.ctl("actions", "--pool", "us dc", "--account", "a&b=c", "--type", "adl", "--after", "0")
        self.assertIn("/v1/actions?limit=1000&after=0&pool=us%20dc&account=a%26b%3Dc&type=adl",
                      self.fake.state["requests"])

    def test_paging_without_follow_ends(self):
        for _ in range(2300):
            self.fake.add_action(type="adl", account="a1")
        result = self.ctl("actions", "-o", "json")
        self.assertEqual([json.loads(line)["id"] for line in result.stdout.splitlines()], list(range(1, 2301)))


class Show(WithFake):
    def test_hostile_account_ids_arrive_whole(self):
        for account in ("a/b", "..", ".", "a?b#c", "100%", "ü €", "a b+c", "%2F", "backstop:usdc"):
            with self.subTest(account=account):
                result = self.ctl("account", account, "-o", "json")
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual(json.loads(result.stdout)["account"], account)

    def test_terminal_controls_of_a_server_are_not_passed_on(self):
        document = {"account": "a\u001b[31m\u009b\u007f\u202eb\n", "equity": "1"}
        self.fake.answer = (200, "application/json", json.dumps(document).encode())
        shown = self.ctl("account", "a").stdout.decode()
        self.assertTrue(shown.isprintable() or all(c == "\n" or c.isprintable() for c in shown), shown)

    def test_wide_characters_keep_columns_aligned(self):
        for account, value in (("a", "1"), ("日本", "12345678901234567890.123456789012345678"), ("é", "-5")):
            self.fake.add_action(type="adl", account=account, value=value)
        lines = self.ctl("actions").stdout.decode().splitlines()
        self.assertIn("12345678901234567890.123456789012345678", lines[2])
        self.assertEqual(len({sum(2 if ord(c) > 0x2e80 else 1 for c in line) for line in lines}), 1, lines)

    def test_color_only_on_a_terminal_and_never_with_no_color(self):
        self.fake.add_action(type="adl", account="a")
        self.assertNotIn(b"\033", self.ctl("actions").stdout)
        for env, colored in ((environment(), True), (environment(NO_COLOR="1"), False),
                             (environment(TERM="dumb"), False)):
            main, terminal = pty.openpty()
            subprocess.run([BACKSTOPCTL, "actions", "--url", self.fake.url], stdout=terminal, env=env, timeout=60)
            os.close(terminal)
            self.assertEqual(b"\033" in os.read(main, 65536), colored, env)
            os.close(main)

    def test_problems_are_one_line(self):
        result = self.ctl("fund", "nope")
        self.assertEqual((result.returncode, result.stderr),
                         (65, b"backstopctl: not_found: there is nothing at this path\n"))

    def test_url_from_the_environment_and_a_slash_at_its_end(self):
        result = run("account", "a1", env=environment(BACKSTOP_URL=self.fake.url + "/"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("/v1/accounts/a1", self.fake.state["requests"])

    def test_documents_of_any_shape_are_shown(self):
        for document, shown in ((b"{}", ""), (b'{"a":{"b":{"c":1}},"d":null}', "a.b.c  1\nd      -\n"),
                                (b'{"w":[{"layer":"adl","x":true},"y",[1]],"v":[]}', "w 1  layer adl, x yes\nw 2  y\nw 3  -\n"),
                                (b'{"a\\u0007":["\\u0007"]}', "a? 1  ?\n")):
            with self.subTest(document=document):
                self.fake.answer = (200, "application/json", document)
                result = self.ctl("fund", "usdc")
                self.assertEqual((result.returncode, result.stdout.decode(), result.stderr), (0, shown, b""))
        for body in (b"", b"[1]", b'"x"', b'{"a":', b'{"data":5,"next":null}'):
            with self.subTest(body=body):
                self.fake.answer = (200, "application/json", body)
                self.assertEqual(self.ctl("pools").returncode, 76)
                self.assertEqual(self.ctl("actions").returncode, 76)

    def test_a_list_that_does_not_end_is_refused(self):
        self.fake.answer = (200, "application/json", b'{"data":[{"pool":"a"}],"next":"a"}')
        self.assertEqual(self.ctl("pools").returncode, 76)

    def test_not_http_at_all(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            process = subprocess.Popen([BACKSTOPCTL, "pools", "--url", f"http://127.0.0.1:{port}"],
                                       stderr=subprocess.PIPE, env=environment())
            connection, _ = server.accept()
            connection.recv(4096)
            connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            connection.close()
            self.assertIn(process.wait(timeout=60), (69, 76))
            process.stderr.close()

    def test_health(self):
        self.fake.answer = (200, "application/json", b'{"status":"ok"}')
        self.assertEqual(self.ctl("health", "--quiet").stdout, b"")
        self.assertIn(b"status  ok", self.ctl("health").stdout)
        self.fake.answer = (503, "application/problem+json", b'{"code":"not_ready","detail":"starting"}')
        self.assertEqual(self.ctl("health").returncode, 69)
        down = run("health", "--quiet", "--url", f"http://127.0.0.1:{free_port()}")
        self.assertEqual((down.returncode, down.stdout, down.stderr), (69, b"", b""))


class Killed(unittest.TestCase):
    """A file that is posted while the server is killed with -9, twice, and started again where it was."""

    def test_every_line_counts_once(self):
        first = harness.Server().start()
        self.addCleanup(first.close)
        first.make_pool()
        first.post("/v1/accounts", {"account": "a", "pool": "usdc", "collateral": "0"})
        lines = b'{"type":"transfer","account":"a","amount":"1"}\n' * 6000
        server, results = first, []
        posting = threading.Thread(target=lambda: results.append(
            run("post", "-", "--batch", "5", "--url", f"http://127.0.0.1:{first.port}", stdin=lines)))
        posting.start()
        for _ in range(2):
            self.wait_for_money(server)
            server.kill9()
            server = harness.Server(data=first.data, listen=f"127.0.0.1:{first.port}").start()
        posting.join(60)
        money = server.get("/v1/accounts/a").json["collateral"]
        server.close()
        self.assertEqual((results[0].returncode, money), (0, "6000"), results[0])
        self.assertIn(b"6000 lines: 6000 accepted, 0 rejected", results[0].stdout)
        self.assertGreaterEqual(results[0].stderr.count(b"asking again"), 1)

    def wait_for_money(self, server):
        before = int(server.get("/v1/accounts/a").json["collateral"])
        deadline = time.monotonic() + 30
        while int(server.get("/v1/accounts/a").json["collateral"]) < before + 200:
            self.assertLess(time.monotonic(), deadline)


class Real(unittest.TestCase):
    """Every verb against a backstopd that has settled the real instant."""

    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server().start()
        cls.posted = run("post", str(INSTANT), "--url", f"http://127.0.0.1:{cls.server.port}")

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def ctl(self, *arguments, **options):
        return run(*arguments, "--url", f"http://127.0.0.1:{self.server.port}", **options)

    def test_post(self):
        self.assertEqual((self.posted.returncode, self.posted.stderr), (0, b""))
        self.assertEqual(self.posted.stdout, b"124 lines: 124 accepted, 0 rejected, last seq 125\n")

    def test_every_verb_in_both_formats(self):
        for verb, rows in ((["pools"], 1), (["fund", "usdc"], 1), (["solvency", "usdc"], 1), (["health"], 1),
                           (["account", "T05777"], 1), (["account", "backstop:usdc"], 1),
                           (["market", "AVAX-PERP"], 1), (["queue", "AVAX-PERP", "--side", "short"], 1),
                           (["queue", "AVAX-PERP"], 0), (["rank", "T05777"], 1), (["presets"], 6), (["providers", "usdc"], 0),
                           (["sources"], 0), (["settlements", "usdc"], 1), (["actions"], 110),
                           (["actions", "--type", "adl", "--account", "T05777"], 1),
                           (["actions", "--after", "100", "--pool", "usdc"], 10)):
            with self.subTest(verb=verb):
                shown = self.ctl(*verb)
                self.assertEqual((shown.returncode, shown.stderr), (0, b""))
                self.assertGreater(len(shown.stdout.splitlines()), 0)
                as_json = self.ctl(*verb, "-o", "json")
                self.assertEqual((as_json.returncode, as_json.stderr), (0, b""))
                self.assertEqual(len([json.loads(line) for line in as_json.stdout.splitlines()]), rows)

    def test_no_column_is_empty_by_mistake(self):
        """A member that the server renamed would show as '-' in every row."""
        for verb, may_be_empty in ((["pools"], {"WAITING"}), (["queue", "AVAX-PERP", "--side", "short"], set()),
                                   (["settlements", "usdc"], set()),
                                   (["actions", "--type", "adl"], set())):
            lines = self.ctl(*verb).stdout.decode().splitlines()
            title = re.findall(r"\S+(?: \S+)*", lines[0])
            cells = re.findall(r"\S+", lines[1])
            self.assertEqual(len(title), len(cells), lines[:2])
            self.assertLessEqual({name for name, cell in zip(title, cells) if cell == "-"}, may_be_empty)

    def test_numbers_end_in_one_column(self):
        lines = self.ctl("actions", "--type", "adl").stdout.decode().splitlines()
        self.assertEqual(len({len(line) for line in lines}), 1)
        end = lines[0].index("SIZE") + len("SIZE")
        for line in lines[1:]:
            self.assertTrue(line[end - 1].isdigit() and line[end] == " ", line)

    def test_providers(self):
        """Every column of a registration with all its limits, and what is taken over in the actions."""
        book = [{"type": "pool", "pool": "p", "asset": "USD", "decimals": 2, "period": "8h", "mark_max_age_ms": 0,
                 "waterfall": [{"layer": "assign"}]},
                {"type": "market", "market": "M", "pool": "p", "tick_size": "1", "lot_size": "1",
                 "maintenance_margin_ppm": 5000},
                {"type": "account", "account": "lp", "pool": "p", "collateral": "1000"},
                {"type": "account", "account": "out", "pool": "p", "collateral": "-5", "positions": [
                    {"market": "M", "size": "3", "entry_price": "10"}]},
                {"type": "provider", "account": "lp", "market": "M", "max_position": "50", "max_size": "2",
                 "max_leverage_ppm": 2000000, "window": "8h", "window_ppm": 250000, "priority": 4},
                {"type": "mark", "market": "M", "price": "10"}]
        with harness.Server() as server:
            url = f"http://127.0.0.1:{server.port}"
            lines = "".join(json.dumps(command) + "\n" for command in book).encode()
            self.assertEqual(run("post", "-", "--url", url, stdin=lines).returncode, 0)
            shown = run("providers", "p", "--url", url).stdout.decode().splitlines()
            self.assertEqual(shown[1].split(), ["lp", "M", "4", "0", "2", "2", "50", "2", "2000000", "8h", "250000", "0"])
            server.post("/v1/pools/p/settle")
            server.wait_for_actions(2)
            taken = run("actions", "--type", "assignment", "--url", url).stdout.decode().splitlines()
            title = re.findall(r"\S+(?: \S+)*", taken[0])
            self.assertEqual(taken[1].split()[title.index("SIZE")], "2")

    def test_a_list_of_many_pages(self):
        commands = [{"type": "pool", "pool": f"p{n:04}", "asset": "USD", "decimals": 2, "period": "8h",
                     "mark_max_age_ms": 0, "waterfall": [{"layer": "insurance"}]} for n in range(400)]
        with harness.Server() as server:
            url = f"http://127.0.0.1:{server.port}"
            lines = "".join(json.dumps(command) + "\n" for command in commands).encode()
            self.assertEqual(run("post", "-", "--url", url, stdin=lines).returncode, 0)
            shown = run("pools", "--url", url, "-o", "json").stdout.splitlines()
            self.assertEqual([json.loads(line)["pool"] for line in shown], [item["pool"] for item in commands])

    def test_rejections_of_every_kind(self):
        lines = (b'{"type":"mark","market":"AVAX-PERP","price":22.5}\n{"type":"mark"\n\n'
                 b'{"type":"mark","market":"NOPE","price":"1"}\n'
                 b'{"type":"position","account":"T05777","market":"AVAX-PERP","size":"0"}\n')
        result = self.ctl("post", "-", stdin=lines)
        self.assertEqual(result.returncode, 65)
        self.assertEqual([line.split(":")[1:3] for line in result.stderr.decode().splitlines()],
                         [["1", " decimal_must_be_string"], ["2", " invalid_json"], ["4", " unknown_market"],
                          ["5", " stale_update"]])

    def test_follow_over_kill_9(self):
        port = free_port()
        data = tempfile.TemporaryDirectory(prefix="backstopctl-test-")
        self.addCleanup(data.cleanup)

        def start():
            process = subprocess.Popen([os.environ["BACKSTOPD"], "--data", data.name, "--listen",
                                        f"127.0.0.1:{port}"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            deadline = time.monotonic() + 30
            while run("health", "--quiet", "--url", url).returncode != 0 and time.monotonic() < deadline:
                time.sleep(0.05)
            return process

        url = f"http://127.0.0.1:{port}"
        server = start()
        follow = subprocess.Popen([BACKSTOPCTL, "actions", "--follow", "-o", "json", "--url", url],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        self.assertEqual(run("post", str(INSTANT), "--url", url).returncode, 0)
        lines = [follow.stdout.readline()]  # it is connected; the rest may come before or after the kill
        for _ in range(2):
            server.kill()
            server.wait()
            server = start()
        self.assertEqual(run("post", "-", "--url", url, stdin=b'{"type":"resume","pool":"usdc"}\n').returncode, 0)
        lines += [follow.stdout.readline() for _ in range(110)]
        follow.kill()
        errors = follow.communicate()[1]
        self.assertNotIn(b"", lines, errors)
        self.assertEqual([json.loads(line)["id"] for line in lines], list(range(1, 112)))


def main():
    global BACKSTOPCTL
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("backstopd", "backstopctl"):
        parser.add_argument(f"--{name}", default=os.environ.get(name.upper()))
    options, rest = parser.parse_known_args()
    for name, path in vars(options).items():
        if not path or not os.access(path, os.X_OK):
            parser.error(f"no {name} at {path!r}: give --{name} or {name.upper()}")
    BACKSTOPCTL = os.path.abspath(options.backstopctl)
    os.environ["BACKSTOPD"] = os.path.abspath(options.backstopd)
    sys.argv = sys.argv[:1]  # the harness reads it too
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
