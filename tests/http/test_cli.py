#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""backstopctl against a real backstopd, and against a server that misbehaves: what is shown, exit
codes, messages, batches, resumption."""
import contextlib
import functools
import json
import os
import pty
import re
import select
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from fake_server import FakeServer
from harness import Server, run

INSTANT = Path(__file__).resolve().parent.parent.parent / "data" / "oct10-instant" / "commands.ndjson"
PROBLEM = "application/problem+json"
JSON = "application/json"
PATIENCE_S = 30


def environment(**more):
    kept = {name: value for name, value in os.environ.items()
            if name not in ("BACKSTOP_URL", "NO_COLOR", "http_proxy", "HTTP_PROXY")}
    return {**kept, "TERM": "xterm", **more}


def ctl(*arguments, stdin=b"", env=None, server=None):
    """Runs backstopctl; `server`: what its --url names."""
    url = [] if server is None else ["--url", url_of(server)]
    return subprocess.run([os.environ["BACKSTOPCTL"], *arguments, *url], input=stdin, capture_output=True, timeout=60,
                          env=env or environment())


def url_of(server):
    return f"http://127.0.0.1:{server.port}"


def follow(server):
    """backstopctl actions --follow, ended with the block."""
    return ended(subprocess.Popen([os.environ["BACKSTOPCTL"], "actions", "--follow", "-o", "json", "--url", url_of(server)],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, env=environment()))


@contextlib.contextmanager
def ended(process):
    with process:
        try:
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def fake_server():
    """A box with a FakeServer, which a test may replace by one that goes on with its state."""
    box = Box(FakeServer())
    try:
        yield box
    finally:
        box.fake.stop()


class Box:
    def __init__(self, fake):
        self.fake = fake

    def restart(self, pause_s=0.0):
        self.fake.stop()
        time.sleep(pause_s)
        self.fake = FakeServer(self.fake.state, self.fake.port)


def with_fake(test):
    @functools.wraps(test)
    def wrapped(t):
        with fake_server() as box:
            test(t, box.fake)
    return wrapped


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def nobody():
    """A server that is not there."""
    return type("Nobody", (), {"port": free_port()})


# ---- the command line; no server is needed ----


def test_usage_errors(t):
    for words, message in (
            ((), "a verb is needed"),
            (("acount", "a1"), "no verb 'acount': did you mean 'account'?"),
            (("verfy",), "no verb 'verfy': did you mean 'verify'?"),
            (("a",), "no verb 'a'\n"),
            (("something-quite-different",), "no verb 'something-quite-different'\n"),
            (("fund",), "fund: POOL is missing"),
            (("account", ""), "account: ID is missing"),
            (("clock",), "clock: adopt is missing"),
            (("clock", "set"), "clock: no command 'set': the only one is adopt"),
            (("fund", "usdc", "extra"), "unexpected 'extra'"),
            (("pools", "--follow"), "pools takes no --follow"),
            (("actions", "--pool", "a", "--pool", "b"), "actions takes one --pool"),
            (("simulate", "p", *(["-w", "current"] * 9)), "--waterfall 'current' is one too many: at most 8"),
            (("pools", "--nonsense"), "--nonsense"),
            (("pools", "-o", "xml"), "table or json"),
            *((("post", "-", "--batch", batch), "--batch takes a number")
              for batch in ("0", "-5", "abc", "1000001", "99999999999999999999", "")),
            *((("pools", "--url", url), "not an http:// or https:// URL")
              for url in ("ftp://127.0.0.1", "127.0.0.1 8480", "http://a@b/", "http://h/?x=1", "http://"))):
        result = ctl(*words)
        t.equal(f"{words}: refused", (result.returncode, result.stdout), (64, b""))
        t.true(f"{words}: says {message!r}", message in result.stderr.decode(), result.stderr)


def test_help_of_every_verb_shows_an_example(t):
    overview = ctl("--help")
    t.equal("the overview ends well", overview.returncode, 0)
    verbs = ("post", "actions", "pools", "presets", "fund", "solvency", "account", "market", "queue", "rank",
             "providers", "settlements", "simulate", "clock", "health")
    for verb in verbs:
        t.true(f"the overview has {verb}", f"  {verb} " in overview.stdout.decode())
        result = ctl(verb, "--help")
        t.equal(f"help of {verb}", (result.returncode, result.stderr), (0, b""))
        t.true(f"help of {verb} has an example", f"$ backstopctl {verb}" in result.stdout.decode())
        widest = max(map(len, result.stdout.decode().splitlines()))
        t.true(f"help of {verb} fits 105 columns", widest <= 105, widest)
    t.true("the version", ctl("--version").stdout.startswith(b"backstopctl "))


def test_full_output_device_is_an_error(t):
    with open("/dev/full", "wb") as full:
        result = subprocess.run([os.environ["BACKSTOPCTL"], "--help"], stdout=full, stderr=subprocess.PIPE)
    t.equal("status", result.returncode, 74)
    t.true("message", b"standard output" in result.stderr, result.stderr)


# ---- post ----


@with_fake
def test_batches_and_blank_lines(t, fake):
    lines = b"".join(b'{"n":%d}\n%s' % (n, b"\n \t\r\n" if n % 3 == 0 else b"") for n in range(2500))
    result = ctl("post", "-", stdin=lines, server=fake)
    t.equal("status", result.returncode, 0)
    t.equal("summary", result.stdout, b"2500 lines: 2500 accepted, 0 rejected, last seq 2500\n")
    t.equal("items in order", [item["n"] for item in fake.state["items"]], list(range(2500)))
    t.equal("requests", len(fake.state["requests"]), 3)


@with_fake
def test_no_newline_at_the_end_and_carriage_returns(t, fake):
    result = ctl("post", "-", stdin=b'{"n":1}\r\n{"n":2}', server=fake)
    t.equal("both lines count", (result.returncode, len(fake.state["items"])), (0, 2))


@with_fake
def test_empty_file(t, fake):
    result = ctl("post", "-", server=fake)
    t.equal("nothing is sent", (result.returncode, fake.state["requests"]), (0, []))
    t.true("summary", b"0 lines" in result.stdout, result.stdout)


@with_fake
def test_rejected_lines_are_named_by_their_line_number(t, fake):
    lines = b'{"n":1}\n\n{"reject":"stale_mark"}\n{"n":2}\n\n{"reject":"in_use"}\n'
    for batch in ("1", "2", "3", "1000"):
        with tempfile.NamedTemporaryFile(suffix=".ndjson") as file:
            file.write(lines)
            file.flush()
            result = ctl("post", file.name, "--batch", batch, server=fake)
            t.equal(f"batch {batch}: status", result.returncode, 65)
            t.equal(f"batch {batch}: messages", result.stderr.decode(),
                    f"{file.name}:3: stale_mark: size: as asked for\n{file.name}:6: in_use: size: as asked for\n")
            t.true(f"batch {batch}: summary", b"4 lines: 2 accepted, 2 rejected" in result.stdout, result.stdout)


@with_fake
def test_post_with_json_output(t, fake):
    result = ctl("post", "-", "-o", "json", stdin=b'{"n":1}\n{"reject":"stale_mark"}\n', server=fake)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    t.equal("rows", rows, [{"code": "stale_mark", "detail": "size: as asked for", "line": 2},
                           {"lines": 2, "accepted": 1, "rejected": 1, "seq": 1}])
    t.equal("status", (result.returncode, result.stderr), (65, b""))


@with_fake
def test_one_broken_line_costs_only_itself(t, fake):
    lines = [b'{"n":%d}' % n for n in range(700)]
    lines[431] = b'{"n":'
    lines[600] = b"]"
    result = ctl("post", "-", stdin=b"\n".join(lines), server=fake)
    t.equal("status", result.returncode, 65)
    t.equal("messages", [line.split(b":")[:3] for line in result.stderr.splitlines()],
            [[b"-", b"432", b" invalid_json"], [b"-", b"601", b" invalid_json"]])
    t.equal("all others count", [item["n"] for item in fake.state["items"]],
            [n for n in range(700) if n not in (431, 600)])


@with_fake
def test_overload_is_waited_out(t, fake):
    fake.overloaded = 2
    result = ctl("post", "-", stdin=b'{"n":1}\n', server=fake)
    t.equal("it is taken once", (result.returncode, len(fake.state["items"])), (0, 1))


def drop_answers(fake, is_dropped):
    """Answers get lost for the writes that the function says, of their items."""
    apply = fake.apply
    fake.apply = lambda handler, items: (setattr(fake, "drop_answers", is_dropped(items)), apply(handler, items))


@with_fake
def test_a_lost_answer_is_asked_for_under_the_same_key(t, fake):
    # The connection is warm when it breaks: the case in which curl by itself would send twice.
    lines = b'{"n":1}\n{"n":2}\n{"n":3}\n'
    t.equal("a first post", ctl("post", "-", "--batch", "1", stdin=lines, server=fake).returncode, 0)
    fake.state["items"].clear()
    dropped = iter([0, 1, 1])
    drop_answers(fake, lambda _: next(dropped, 0))
    result = ctl("post", "-", "--batch", "1", stdin=lines, server=fake)
    t.equal("status", result.returncode, 0)
    t.equal("it says so once", result.stderr.count(b"asking again"), 1)
    t.true("summary", b"3 lines: 3 accepted" in result.stdout, result.stdout)
    t.equal("each counts once", [item["n"] for item in fake.state["items"]], [1, 2, 3])
    t.equal("keys", len(fake.state["answers"]), 6)


@with_fake
def test_an_answer_that_does_not_come_is_said(t, fake):
    drop_answers(fake, lambda items: int(items[0]["n"] == 2))
    result = ctl("post", "-", "--batch", "1", stdin=b'{"n":1}\n{"n":2}\n{"n":3}\n', server=fake)
    t.equal("status", result.returncode, 69)
    t.true("message", b"lines 2 to 2 may or may not have been applied" in result.stderr, result.stderr)
    t.true("summary", b"1 line: 1 accepted" in result.stdout, result.stdout)
    t.equal("nothing is sent after it", [item["n"] for item in fake.state["items"]], [1, 2])


def test_post_without_a_server(t):
    result = ctl("post", "-", stdin=b"{}\n", server=nobody())
    t.equal("status", result.returncode, 69)
    t.true("message", b"were not sent" in result.stderr, result.stderr)


@with_fake
def test_files_that_cannot_be_read(t, fake):
    t.equal("a file that is missing", ctl("post", "/nowhere/at/all", server=fake).returncode, 66)
    t.equal("a directory", ctl("post", "/", server=fake).returncode, 66)
    too_long = ctl("post", "-", stdin=b"x" * (9 << 20), server=fake)
    t.equal("a line too long", too_long.returncode, 65)
    t.true("message", b"is this NDJSON" in too_long.stderr, too_long.stderr)


@with_fake
def test_surprising_answers_to_a_post(t, fake):
    for status, kind, body, code in (
            *((200, JSON, body, 76) for body in (
                b"", b"hello", b"[]", b"{}", b'{"seq":1,"accepted":5,"rejected":[]}',
                b'{"seq":1,"accepted":0,"rejected":[{"index":7,"code":"x"}]}',
                b'{"seq":1,"accepted":-1,"rejected":[1,2]}', b"\xff\xfe")),
            (500, "text/html", b"<h1>proxy</h1>", 76),
            (403, PROBLEM, b'{"code":"forbidden","detail":"role"}', 77)):
        fake.answer = (status, kind, body)
        t.equal(f"{status} {body}", ctl("post", "-", stdin=b"{}\n", server=fake).returncode, code)


@with_fake
def test_large_lines_are_split_by_bytes(t, fake):
    lines = b"".join(b'{"n":%d,"pad":"%s"}\n' % (n, b"x" * 1_000_000) for n in range(20))
    t.equal("status", ctl("post", "-", stdin=lines, server=fake).returncode, 0)
    t.equal("requests", len(fake.state["requests"]), 3)


@with_fake
def test_progress_only_on_a_terminal(t, fake):
    with tempfile.NamedTemporaryFile() as file:
        file.write(b'{"n":1}\n' * 3000)
        file.flush()
        main, terminal = pty.openpty()
        delayed = fake.apply
        fake.apply = lambda handler, items: (time.sleep(0.15), delayed(handler, items))
        result = subprocess.run([os.environ["BACKSTOPCTL"], "post", file.name, "--url", fake.url], stderr=terminal,
                                stdout=subprocess.PIPE, env=environment(), timeout=60)
        os.close(terminal)
        shown = os.read(main, 65536)
        os.close(main)
        t.equal("status", result.returncode, 0)
        t.true("a bar", re.search(rb"\[#+ *\] +\d+%  1000 lines, \d+/s", shown), shown)
        t.equal("summary", result.stdout, b"3000 lines: 3000 accepted, 0 rejected, last seq 3000\n")


# ---- actions --follow ----


def next_ids(process, count):
    """The ids of the next lines; fewer when they do not come in time."""
    ids = []
    deadline = time.monotonic() + PATIENCE_S
    while len(ids) < count and select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
        ids.append(json.loads(process.stdout.readline())["id"])
    return ids


def test_follow_over_a_restart(t):
    with fake_server() as box:
        for _ in range(3):
            box.fake.add_action(type="adl", account="a1")
        with follow(box.fake) as process:
            t.equal("what there was", next_ids(process, 3), [1, 2, 3])
            box.fake.add_action(type="adl", account="a1")
            t.equal("what comes", next_ids(process, 1), [4])
            box.restart(pause_s=0.5)
            box.fake.add_action(type="adl", account="a1")
            t.equal("what comes after a restart", next_ids(process, 1), [5])
            process.kill()
            errors = process.stderr.read().decode()
        t.equal("it says once that it tries again", errors.count("trying again"), 1)
        t.true("and that the server answers", "answers again" in errors, errors)


def test_follow_over_a_restart_before_the_first_action(t):
    with fake_server() as box, follow(box.fake) as process:
        deadline = time.monotonic() + PATIENCE_S
        while len(box.fake.state["requests"]) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        box.restart()
        box.fake.add_action(type="adl", account="a1")
        t.equal("the first action", next_ids(process, 1), [1])


def test_follow_of_a_server_that_never_answered_ends(t):
    t.equal("status", ctl("actions", "--follow", server=nobody()).returncode, 69)


@with_fake
def test_follow_ends_on_a_refusal(t, fake):
    fake.answer = (400, PROBLEM, b'{"code":"invalid_query","detail":"type: no action has it"}')
    result = ctl("actions", "--follow", "--type", "nonsense", server=fake)
    t.equal("status and message", (result.returncode, result.stderr),
            (65, b"backstopctl: invalid_query: type: no action has it\n"))


@with_fake
def test_filters_and_cursor_reach_the_server(t, fake):
    ctl("actions", "--pool", "us dc", "--account", "a&b=c", "--type", "adl", "--after", "0", server=fake)
    t.equal("the request", fake.state["requests"],
            ["/v1/actions?limit=1000&after=0&pool=us%20dc&account=a%26b%3Dc&type=adl"])


@with_fake
def test_paging_without_follow_ends(t, fake):
    for _ in range(2300):
        fake.add_action(type="adl", account="a1")
    result = ctl("actions", "-o", "json", server=fake)
    t.equal("all of them", [json.loads(line)["id"] for line in result.stdout.splitlines()], list(range(1, 2301)))


# ---- what is shown ----


@with_fake
def test_hostile_account_ids_arrive_whole(t, fake):
    for account in ("a/b", "..", ".", "a?b#c", "100%", "ü €", "a b+c", "%2F", "backstop:usdc"):
        result = ctl("account", account, "-o", "json", server=fake)
        t.equal(f"{account}: status", result.returncode, 0)
        t.equal(f"{account}: arrives", json.loads(result.stdout or "{}").get("account"), account)


@with_fake
def test_terminal_controls_of_a_server_are_not_passed_on(t, fake):
    document = {"account": "a\u001b[31m\u009b\u007f\u202eb\n", "equity": "1"}
    fake.answer = (200, JSON, json.dumps(document).encode())
    shown = ctl("account", "a", server=fake).stdout.decode()
    t.true("something is shown", "equity" in shown, shown)
    t.true("only printable characters", all(c == "\n" or c.isprintable() for c in shown), shown)


@with_fake
def test_wide_characters_keep_columns_aligned(t, fake):
    for account, value in (("a", "1"), ("日本", "12345678901234567890.123456789012345678"), ("é", "-5")):
        fake.add_action(type="adl", account=account, value=value)
    lines = ctl("actions", server=fake).stdout.decode().splitlines()
    t.true("no digit is cut", "12345678901234567890.123456789012345678" in lines[2], lines)
    t.equal("one width", len({sum(2 if ord(c) > 0x2e80 else 1 for c in line) for line in lines}), 1)


@with_fake
def test_color_only_on_a_terminal_and_never_with_no_color(t, fake):
    fake.add_action(type="adl", account="a")
    t.true("no terminal", b"\033" not in ctl("actions", server=fake).stdout)
    for what, env, colored in (("a terminal", environment(), True), ("NO_COLOR", environment(NO_COLOR="1"), False),
                               ("a dumb terminal", environment(TERM="dumb"), False)):
        main, terminal = pty.openpty()
        subprocess.run([os.environ["BACKSTOPCTL"], "actions", "--url", fake.url], stdout=terminal, env=env, timeout=60)
        os.close(terminal)
        t.equal(what, b"\033" in os.read(main, 65536), colored)
        os.close(main)


@with_fake
def test_problems_are_one_line(t, fake):
    result = ctl("fund", "nope", server=fake)
    t.equal("status and message", (result.returncode, result.stderr),
            (65, b"backstopctl: not_found: there is nothing at this path\n"))


@with_fake
def test_url_from_the_environment_and_a_slash_at_its_end(t, fake):
    result = ctl("account", "a1", env=environment(BACKSTOP_URL=fake.url + "/"))
    t.equal("status", result.returncode, 0)
    t.true("the request", "/v1/accounts/a1" in fake.state["requests"], fake.state["requests"])


@with_fake
def test_documents_of_any_shape_are_shown(t, fake):
    for document, shown in ((b"{}", ""), (b'{"a":{"b":{"c":1}},"d":null}', "a.b.c  1\nd      -\n"),
                            (b'{"w":[{"layer":"adl","x":true},"y",[1]],"v":[]}', "w 1  layer adl, x yes\nw 2  y\nw 3  -\n"),
                            (b'{"a\\u0007":["\\u0007"]}', "a? 1  ?\n")):
        fake.answer = (200, JSON, document)
        result = ctl("fund", "usdc", server=fake)
        t.equal(f"{document}", (result.returncode, result.stdout.decode(), result.stderr), (0, shown, b""))
    for body in (b"", b"[1]", b'"x"', b'{"a":', b'{"data":5,"next":null}'):
        fake.answer = (200, JSON, body)
        for verb in ("pools", "actions"):
            t.equal(f"{verb}: {body}", ctl(verb, server=fake).returncode, 76)


@with_fake
def test_a_list_that_does_not_end_is_refused(t, fake):
    fake.answer = (200, JSON, b'{"data":[{"pool":"a"}],"next":"a"}')
    for verb in ("pools", "verify"):
        t.equal(verb, ctl(verb, server=fake).returncode, 76)


def test_not_http_at_all(t):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with subprocess.Popen([os.environ["BACKSTOPCTL"], "pools", "--url", url], stderr=subprocess.DEVNULL,
                              env=environment()) as process:
            connection, _ = server.accept()
            connection.recv(4096)
            connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            connection.close()
            status = process.wait(timeout=60)
    t.true("it is an error", status in (69, 76), status)


@with_fake
def test_health(t, fake):
    fake.answer = (200, JSON, b'{"status":"ok"}')
    t.equal("quiet", ctl("health", "--quiet", server=fake).stdout, b"")
    t.true("up", b"status  ok" in ctl("health", server=fake).stdout)
    fake.answer = (503, PROBLEM, b'{"code":"not_ready","detail":"starting"}')
    t.equal("not ready", ctl("health", server=fake).returncode, 69)
    down = ctl("health", "--quiet", server=nobody())
    t.equal("down", (down.returncode, down.stdout, down.stderr), (69, b"", b""))


@with_fake
def test_clock(t, fake):
    fake.answer = (200, JSON, b'{"time":"2026-11-28T03:00:00.000Z","moved_ms":3600000}')
    result = ctl("clock", "adopt", server=fake)
    t.equal("adopted", (result.returncode, result.stderr), (0, b""))
    t.true("by how much", b"3600000" in result.stdout, result.stdout)
    t.equal("asked for once", fake.state["requests"], ["/v1/clock"])
    fake.answer = (409, PROBLEM, b'{"code":"clock_behind","detail":"it is waited for"}')
    result = ctl("clock", "adopt", server=fake)
    t.equal("refused", (result.returncode, result.stdout), (65, b""))
    t.true("says why", b"clock_behind" in result.stderr, result.stderr)


# ---- a real server ----


def wait_for_money(server):
    """True when 200 more have come in time."""
    before = int(server.get("/v1/accounts/a").json["collateral"])
    deadline = time.monotonic() + PATIENCE_S
    while int(server.get("/v1/accounts/a").json["collateral"]) < before + 200:
        if time.monotonic() > deadline:
            return False
    return True


def test_every_line_counts_once(t):
    """A file is posted while the server is killed with -9, twice, and started again where it was."""
    first = Server().start()
    try:
        first.make_pool()
        first.post("/v1/accounts", {"account": "a", "pool": "usdc", "collateral": "0"})
        lines = b'{"type":"transfer","account":"a","amount":"1"}\n' * 6000
        server, results = first, []
        posting = threading.Thread(target=lambda: results.append(
            ctl("post", "-", "--batch", "5", stdin=lines, server=first)))
        posting.start()
        for _ in range(2):
            t.true("money comes", wait_for_money(server))
            server.kill9()
            server = Server(data=first.data, listen=f"127.0.0.1:{first.port}").start()
        posting.join(60)
        money = server.get("/v1/accounts/a").json["collateral"]
        server.close()
        t.equal("all of it", (results[0].returncode, money), (0, "6000"))
        t.true("summary", b"6000 lines: 6000 accepted, 0 rejected" in results[0].stdout, results[0])
        t.true("it asked again", results[0].stderr.count(b"asking again") >= 1, results[0])
    finally:
        first.close()


VERBS = (  # words, rows of JSON
    (["pools"], 1), (["fund", "usdc"], 1), (["solvency", "usdc"], 1), (["health"], 1), (["account", "T05777"], 1),
    (["account", "backstop:usdc"], 1), (["market", "AVAX-PERP"], 1), (["queue", "AVAX-PERP", "--side", "short"], 1),
    (["queue", "AVAX-PERP"], 0), (["rank", "T05777"], 1), (["presets"], 6), (["providers", "usdc"], 0),
    (["sources"], 0), (["settlements", "usdc"], 1), (["actions"], 110),
    (["actions", "--type", "adl", "--account", "T05777"], 1), (["actions", "--after", "100", "--pool", "usdc"], 10))


def check_every_verb(t, server):
    for words, rows in VERBS:
        shown = ctl(*words, server=server)
        t.equal(f"{words}: status", (shown.returncode, shown.stderr), (0, b""))
        t.true(f"{words}: shows something", len(shown.stdout.splitlines()) > 0)
        as_json = ctl(*words, "-o", "json", server=server)
        t.equal(f"{words}: status as JSON", (as_json.returncode, as_json.stderr), (0, b""))
        t.equal(f"{words}: rows", len([json.loads(line) for line in as_json.stdout.splitlines()]), rows)


def check_columns(t, server):
    """A member that the server renamed would show as '-' in every row."""
    for words, may_be_empty in ((["pools"], {"WAITING"}), (["queue", "AVAX-PERP", "--side", "short"], set()),
                                (["settlements", "usdc"], set()), (["actions", "--type", "adl"], set())):
        lines = ctl(*words, server=server).stdout.decode().splitlines()
        title = re.findall(r"\S+(?: \S+)*", lines[0])
        cells = re.findall(r"\S+", lines[1])
        t.equal(f"{words}: a cell for each column", len(title), len(cells))
        empty = {name for name, cell in zip(title, cells) if cell == "-"}
        t.true(f"{words}: no column is empty", empty <= may_be_empty, empty)


def check_alignment(t, server):
    lines = ctl("actions", "--type", "adl", server=server).stdout.decode().splitlines()
    t.equal("lines of one length", len({len(line) for line in lines}), 1)
    end = lines[0].index("SIZE") + len("SIZE")
    ragged = [line for line in lines[1:] if not line[end - 1].isdigit() or line[end] != " "]
    t.equal("numbers end in one column", ragged, [])


def check_rejections(t, server):
    lines = (b'{"type":"mark","market":"AVAX-PERP","price":22.5}\n{"type":"mark"\n\n'
             b'{"type":"mark","market":"NOPE","price":"1"}\n'
             b'{"type":"position","account":"T05777","market":"AVAX-PERP","size":"0"}\n')
    result = ctl("post", "-", stdin=lines, server=server)
    t.equal("rejections: status", result.returncode, 65)
    t.equal("rejections of every kind", [line.split(":")[1:3] for line in result.stderr.decode().splitlines()],
            [["1", " decimal_must_be_string"], ["2", " invalid_json"], ["4", " unknown_market"], ["5", " stale_update"]])


def test_every_verb_on_the_real_instant(t):
    with Server() as server:
        posted = ctl("post", str(INSTANT), server=server)
        t.equal("post", (posted.returncode, posted.stderr, posted.stdout),
                (0, b"", b"124 lines: 124 accepted, 0 rejected, last seq 127\n"))
        check_every_verb(t, server)
        check_columns(t, server)
        check_alignment(t, server)
        check_rejections(t, server)


def test_providers(t):
    """Every column of a registration with all its limits, and what is taken over in the actions."""
    book = [{"type": "pool", "pool": "p", "asset": "USD", "decimals": 2, "period": "8h", "mark_max_age_ms": 0,
             "waterfall": [{"layer": "assign"}]},
            {"type": "market", "market": "M", "pool": "p", "tick_size": "1", "lot_size": "1",
             "maintenance_margin_ppm": 5000},
            {"type": "account", "account": "lp", "pool": "p", "collateral": "1000"},
            {"type": "account", "account": "out", "pool": "p", "collateral": "-5", "positions": [
                {"market": "M", "size": "3", "entry_price": "10"}]},
            {"type": "provider", "account": "lp", "market": "M", "max_position": "50", "max_size": "2",
             "max_leverage_ppm": 2000000, "quota_period": "8h", "quota_ppm": 250000, "priority": 4},
            {"type": "mark", "market": "M", "price": "10"}]
    with Server() as server:
        lines = "".join(json.dumps(command) + "\n" for command in book).encode()
        t.equal("post", ctl("post", "-", stdin=lines, server=server).returncode, 0)
        shown = ctl("providers", "p", server=server).stdout.decode().splitlines()
        t.equal("its row", shown[1].split(), ["lp", "M", "4", "0", "2", "2", "50", "2", "2000000", "8h", "250000", "0"])
        server.post("/v1/pools/p/settle")
        server.wait_for_actions(2)
        taken = ctl("actions", "--type", "assignment", server=server).stdout.decode().splitlines()
        title = re.findall(r"\S+(?: \S+)*", taken[0])
        t.equal("its action", taken[1].split()[title.index("SIZE")], "2")


def test_a_list_of_many_pages(t):
    commands = [{"type": "pool", "pool": f"p{n:04}", "asset": "USD", "decimals": 2, "period": "8h",
                 "mark_max_age_ms": 0, "waterfall": [{"layer": "insurance"}]} for n in range(400)]
    with Server() as server:
        lines = "".join(json.dumps(command) + "\n" for command in commands).encode()
        t.equal("post", ctl("post", "-", stdin=lines, server=server).returncode, 0)
        shown = ctl("pools", "-o", "json", server=server).stdout.splitlines()
        t.equal("all pools", [json.loads(line)["pool"] for line in shown], [item["pool"] for item in commands])


def test_follow_over_kill_9(t):
    with Server() as first:
        server = first
        with follow(first) as process:
            t.equal("post", ctl("post", str(INSTANT), server=first).returncode, 0)
            ids = next_ids(process, 1)  # it is connected; the rest may come before or after the kill
            for _ in range(2):
                server.kill9()
                server = Server(data=first.data, listen=f"127.0.0.1:{first.port}").start()
            resume = b'{"type":"resume","pool":"usdc"}\n'
            t.equal("resume", ctl("post", "-", stdin=resume, server=server).returncode, 0)
            t.equal("every action once", ids + next_ids(process, 110), list(range(1, 112)))
        server.close()


if __name__ == "__main__":
    run(globals())
