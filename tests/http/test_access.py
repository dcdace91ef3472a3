#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may do what. Goal: with a keys file every route and every item asks for its role, and nothing
is applied of what is refused; a reload counts at once, a broken one not at all."""
import json
import os
import re
import subprocess
import tempfile
import time

from harness import NDJSON, Server, binary, run

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OPEN = ["/livez", "/healthz", "/readyz"]
KEYS = {"all": "feed,ops,read", "feed": "feed", "ops": "ops", "read": "read",
        "feeder": "feed,read"}
POOL = {"asset": "USDC", "decimals": 6, "mark_max_age_ms": 0}
MARKET = {"pool": "usdc", "tick_size": "0.1", "lot_size": "0.001", "maintenance_margin_ppm": 5000}
# Method, path, body, and the keys that it takes; what they get otherwise is not this test's business.
ROLES = [
    ("PUT", "/v1/pools/p", POOL, {"all", "ops"}),
    ("PUT", "/v1/markets/m", MARKET, {"all", "ops"}),
    ("POST", "/v1/accounts", [{"account": "a", "pool": "p", "collateral": "1"}],
     {"all", "feed", "feeder"}),
    ("POST", "/v1/positions", [], {"all", "feed", "feeder", "ops"}),  # no items: nothing is asked
    ("POST", "/v1/positions", [{"account": "a", "market": "m", "size": "0"}],
     {"all", "feed", "feeder"}),
    ("POST", "/v1/fills", {"account": "a", "market": "m", "size": "1", "price": "1"},
     {"all", "feed", "feeder"}),
    ("POST", "/v1/transfers", {"account": "a", "amount": "1"}, {"all", "feed", "feeder"}),
    ("POST", "/v1/marks", {"market": "m", "price": "1"}, {"all", "feed", "feeder"}),
    ("POST", "/v1/marks", {"market": "m", "price": "1", "confirm": True}, {"all", "ops"}),
    ("POST", "/v1/handovers", {"account": "a"}, {"all", "feed", "feeder"}),
    ("POST", "/v1/actions/p/1/unfilled", {"size": "1"}, {"all", "feed", "feeder"}),
    ("POST", "/v1/pools/p/insurance-fund", {"amount": "1"}, {"all", "feed", "feeder"}),
    ("POST", "/v1/pools/p/settle", None, {"all", "ops"}),
    ("POST", "/v1/pools/p/close-period", None, {"all", "ops"}),
    ("POST", "/v1/pools/p/resume", None, {"all", "ops"}),
    ("POST", "/v1/pools/p/pause", None, {"all", "ops"}),
    ("POST", "/v1/markets/m/final-settlement", {"price": "1"}, {"all", "ops"}),
    ("POST", "/v1/simulations", {"pool": "p"}, {"all", "ops"}),
    ("GET", "/v1/pools/p/settlements/1/compare", None, {"all", "ops"}),
    ("DELETE", "/v1/accounts/a", None, {"all", "ops"}),
    ("DELETE", "/v1/markets/m", None, {"all", "ops"}),
    ("DELETE", "/v1/pools/p", None, {"all", "ops"}),
    ("GET", "/v1/pools", None, {"all", "ops", "read", "feeder"}),
    ("GET", "/v1/accounts/a", None, {"all", "ops", "read", "feeder"}),
    ("GET", "/v1/actions", None, {"all", "ops", "read", "feeder"}),
    ("GET", "/metrics", None, {"all", "ops", "read", "feeder"}),
    ("GET", "/readyz?verbose", None, {"all", "ops", "read", "feeder"}),
]


def routes():
    """Method and a path that fits, of every row of the route table."""
    with open(os.path.join(ROOT, "daemon", "http", "route.c"), encoding="utf-8") as file:
        table = file.read().partition("static const struct route routes[]")[2].partition("\n};")[0]
    rows = re.findall(r'(?:"(GET|POST|PUT|DELETE)",\s*)?"(/[^"]*)"', table)
    return [(method or "GET", path.replace("{}", "x").replace("#", "1")) for method, path in rows]


def test_every_route_asks_for_a_key(t):
    with Server(keys=KEYS) as server:
        found = routes()
        t.true("the table was read", len(found) > 40, found)
        for method, path in found:
            answer = server.request(method, path, key="")
            if path in OPEN:
                t.true(f"{method} {path} is open", answer.status != 401, answer.status)
                continue
            t.refused(f"{method} {path} without a key", answer, 401, "key_required")
            t.equal(f"{method} {path}: asks for a key", answer.headers.get("www-authenticate"),
                    'Bearer realm="backstop"')
        t.refused("no such path", server.get("/nope", key=""), 401, "key_required")
        t.refused("no such path, with a key", server.get("/nope"), 404, "not_found")
        wrong_method = server.request("PATCH", "/v1/pools", key="")
        t.refused("no such method", wrong_method, 401, "key_required")
        t.equal("no such method: says nothing about others", wrong_method.headers.get("allow"), None)
        t.equal("readyz", server.get("/readyz", key="").status, 200)
        t.refused("readyz?verbose", server.get("/readyz?verbose", key=""), 401, "key_required")


def test_keys(t):
    """What is not exactly a key is none; the same whether it is near one or not."""
    with Server(keys=KEYS) as server:
        good = server.keys["read"]
        for value in ("Bearer " + good, "bearer " + good, "BEARER  " + good):
            answer = server.get("/v1/pools", key="", headers={"Authorization": value})
            t.equal(f"Authorization: {value}", answer.status, 200)
        for value in ("Bearer " + good[:-1], "Bearer " + good + "x", "Bearer x" + good, "Bearer",
                      "Bearer ", good, "Basic " + good, "Bearer " + good + " x", "Bearer " + good.upper(),
                      "Bearer " + "k" * 4000, "Bearer \xff\xfe", "", ","):
            answer = server.get("/v1/pools", key="", headers={"Authorization": value})
            t.refused(f"Authorization: {value[:60]}", answer, 401, "unknown_key")
            t.true(f"Authorization: {value[:60]}: says so",
                   "invalid_token" in answer.headers.get("www-authenticate", ""))
            t.equal("health does not mind", server.get("/healthz", key="", headers={
                "Authorization": value}).status, 200)
        twice = (f"GET /v1/pools HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {good}\r\n"
                 f"Authorization: Bearer {good}\r\n\r\n").encode()
        t.equal("two keys", [a.status for a in server.raw(twice)], [400])
        t.true("no key is in the log", not any(key.encode() in server.output()
                                               for key in server.keys.values()))


def test_roles(t):
    with Server(keys=KEYS) as server:
        for method, path, body, takers in ROLES:
            for name in KEYS:
                answer = server.request(method, path, body, key=name)
                let_in = answer.status not in (401, 403)
                t.true(f"{method} {path} {body} by {name}", let_in == (name in takers),
                       (answer.status, answer.body[:200]))
                if not let_in:
                    t.refused(f"{method} {path} by {name}", answer, 403, "forbidden", name)


def test_mixed_items(t):
    """One item that is not for the key, and nothing of the request is applied."""
    with Server(keys=KEYS) as server:
        server.make_pool()
        server.make_market()
        mark = '{"type":"mark","market":"BTC-PERP","price":"60000"}\n'
        resume = '{"type":"resume","pool":"usdc"}\n'
        post = lambda lines, key: server.post("/v1/commands", lines, content_type=NDJSON, key=key)
        t.refused("feed resumes", post(mark + resume, "feed"), 403, "forbidden", "resume")
        t.refused("ops sends a mark", post(resume + mark, "ops"), 403, "forbidden", "mark")
        t.refused("read sends anything", post(mark, "read"), 403, "forbidden")
        t.refused("also when it is refused anyway", post(mark + '{"type":"settle"}\n', "feed"), 403,
                  "forbidden", "settle")
        t.equal("nothing was applied", server.get("/v1/markets/BTC-PERP").json["mark_price"], None)
        t.equal("the pool is as it was", server.get("/v1/pools/usdc").json["state"], "paused")
        t.equal("each its own", (post(mark, "feed").status, post(resume, "ops").status), (200, 200))
        t.equal("with both roles", post(mark + resume, "all").status, 200)


def test_reload(t):
    with Server(keys=KEYS) as server:
        kept = server.connect()
        t.equal("before", server.get("/v1/pools", key="read", connection=kept).status, 200)
        server.write_keys({"all": "feed,ops,read", "new": "read", "read": "feed"})
        t.true("the new keys are read", server.reload(b"read the keys again"))
        t.refused("a role taken away counts on a connection that was open",
                  server.get("/v1/pools", key="read", connection=kept), 403, "forbidden")
        t.refused("a key taken away", server.get("/v1/pools", key="ops"), 401, "unknown_key")
        t.equal("a new key", server.get("/v1/pools", key="new").status, 200)
        kept.close()
        with open(server.keys_path, "a", encoding="utf-8") as file:
            file.write("other read sha256:12\n")
        t.true("a mistake is named", server.reload(b"keys:4: sha256: takes 64 digits"))
        t.equal("and changes nothing", server.get("/v1/pools", key="new").status, 200)
        os.unlink(server.keys_path)
        t.true("a file that is gone", server.reload(b"No such file"))
        t.equal("changes nothing", server.get("/v1/pools", key="new").status, 200)
        server.write_keys({})
        t.true("an empty file is taken", server.reload(b"every request is refused"))
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and server.get("/v1/pools", key="new").status == 200:
            time.sleep(0.02)
        t.refused("and nobody is let in", server.get("/v1/pools", key="all"), 401, "unknown_key")


def run_daemon(*arguments, environment=None):
    """A start that must fail: exit code and what it said."""
    with tempfile.TemporaryDirectory(prefix="backstopd-test-") as data:
        done = subprocess.run([binary(), "--data", data, "--listen", "127.0.0.1:0", *arguments],
                              capture_output=True, text=True, timeout=30,
                              env={**os.environ, **(environment or {})}, check=False)
    return done.returncode, done.stdout + done.stderr


def test_starts_that_are_refused(t):
    good = "sha256:" + "0" * 64
    rows = [("feed1 feed\n", 0o600, ":1: the third word"),
            (f"# a comment\n\nfeed1 feed,write {good}\n", 0o600, ":3: the second word"),
            (f"feed1 feed {good}\nfeed1 read sha256:{'1' * 64}\n", 0o600, ":2: the name is used twice"),
            (f"a feed {good}\nb read {good}\n", 0o600, ":2: the credential is used twice"),
            (f"feed/1 feed {good}\n", 0o600, ":1: a name"),
            (f"a feed {good} requests=0\n", 0o600, ":1: after the credential"),
            (f"a feed {good} rate=1\n", 0o600, ":1: after the credential"),
            (f"a feed {good}\n", 0o620, "chmod go-w"),
            (f"a feed {good}\n", 0o602, "chmod go-w")]
    with tempfile.TemporaryDirectory(prefix="backstopd-test-") as folder:
        path = os.path.join(folder, "keys")
        for text, mode, naming in rows:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(path, mode)
            for arguments in (("--keys", path), ("--keys", path, "--check-config")):
                code, said = run_daemon(*arguments)
                t.equal(f"{text!r} {mode:o}: exit code", code, 78)
                t.true(f"{text!r} {mode:o}: names it", path + naming in said or
                       (path in said and naming in said), said)
        os.unlink(path)
        code, said = run_daemon("--keys", path)
        t.true("a file that is not there", code == 78 and "No such file" in said, (code, said))
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"a feed {good}\n")
        os.chmod(path, 0o644)
        code, said = run_daemon("--keys", path, "--check-config")
        t.true("readable by all: a warning", code == 0 and "chmod o-r" in said, (code, said))


def audit_lines(server, path, count):
    """At least so many lines: the last one is written beside its answer."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with open(path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        if len(lines) >= count:
            return lines
        time.sleep(0.02)
    raise RuntimeError(f"{len(lines)} lines of the audit log, not {count}")


def test_audit(t):
    """Each administrative request is written down before it is done and when it was; no other is."""
    with tempfile.TemporaryDirectory(prefix="backstopd-test-") as folder:
        path = os.path.join(folder, "audit")
        with Server(keys=KEYS, settings={"access_audit": path}) as server:
            server.put("/v1/pools/usdc", POOL, key="ops")
            server.put("/v1/markets/m", MARKET, key="ops")
            server.post("/v1/marks", {"market": "m", "price": "1"}, key="feed")
            server.get("/v1/pools", key="ops")
            server.post("/v1/pools/nope/settle", key="ops")
            server.post("/v1/pools/usdc/resume", key="feed")
            server.post("/v1/commands", '{"type":"resume","pool":"usdc"}\n'
                        '{"type":"mark","market":"m","price":"2"}\n', content_type=NDJSON)
            server.post("/v1/simulations", {"pool": "usdc"}, key="ops")
            lines = audit_lines(server, path, 11)
            t.equal("who, what", [(x["event"], x.get("key"), x.get("route"), x.get("name"),
                                   x.get("types"), x.get("status")) for x in lines], [
                ("asked", "ops", "/v1/pools/{}", "usdc", ["pool"], None),
                ("answered", "ops", None, None, None, 200),
                ("asked", "ops", "/v1/markets/{}", "m", ["market"], None),
                ("answered", "ops", None, None, None, 200),
                ("asked", "ops", "/v1/pools/{}/settle", "nope", ["settle"], None),
                ("answered", "ops", None, None, None, 404),
                ("refused", "feed", "/v1/pools/{}/resume", "usdc", None, None),
                ("asked", "all", "/v1/commands", None, ["mark", "resume"], None),
                ("answered", "all", None, None, None, 200),
                ("asked", "ops", "/v1/simulations", None, None, None),
                ("answered", "ops", None, None, None, lines[-1]["status"])])
            t.equal("the pairs have ids", [lines[i]["id"] == lines[i + 1]["id"]
                                           for i in (0, 2, 4, 7, 9)], [True] * 5)
            t.equal("what came of it", [(x["seq"], x["accepted"], x["rejected"]) for x in lines
                                        if "seq" in x], [(3, 1, 0), (4, 1, 0), (6, 0, 1), (8, 2, 0)])
            t.true("from where", all(x["peer"].startswith("127.0.0.1:") for x in lines if "peer" in x))
            t.true("when", all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", x["time"])
                               for x in lines))
            t.equal("for its owner only", os.stat(path).st_mode & 0o777, 0o600)
            os.rename(path, path + ".1")
            t.true("a reload", server.reload(b"read the keys again"))
            deadline = time.monotonic() + 20
            while not os.path.exists(path) and time.monotonic() < deadline:
                time.sleep(0.02)
            server.post("/v1/pools/usdc/pause", key="ops")
            t.equal("goes on in a new file", len(audit_lines(server, path, 2)), 2)
            server.kill9()
            t.equal("what was answered is there after a kill",
                    audit_lines(server, path, 2)[-1]["event"], "answered")
    with Server(keys=KEYS) as server:
        server.put("/v1/pools/usdc", POOL, key="ops")
        t.true("without a file: standard error", b'"event":"asked"' in server.output())


def test_audit_fails(t):
    """What cannot be written down is not done."""
    with Server(keys=KEYS, settings={"access_audit": "/dev/full"}) as server:
        answer = server.put("/v1/pools/usdc", POOL, key="ops")
        t.refused("a pool", answer, 503, "audit_failed")
        t.refused("a simulation", server.post("/v1/simulations", {"pool": "usdc"}), 503,
                  "audit_failed")
        t.equal("was not made", server.get("/v1/pools").json["data"], [])
        t.equal("state goes in", server.post("/v1/marks", {"market": "m", "price": "1"}).status, 422)


def test_rates(t):
    """The bucket of one second's worth is emptied, the answer says so, and it fills again."""
    with Server(keys={"all": "feed,ops,read", "slow": "read requests=3",
                      "bulk": "feed,read items=100"}) as server:
        server.make_pool()
        answers = [server.get("/v1/pools", key="slow") for _ in range(20)]
        codes = [a.status for a in answers]
        t.true("some pass, then it is enough", codes[:3] == [200] * 3 and 429 in codes, codes)
        first, limited = answers[0], next(a for a in answers if a.status == 429)
        t.equal("the policy", first.headers.get("ratelimit-policy"), '"requests";q=3;w=1')
        t.equal("what is left", first.headers.get("ratelimit"), '"requests";r=2;t=1')
        t.refused("429", limited, 429, "rate_limited", "3 requests a second")
        t.equal("when to come back", limited.headers.get("retry-after"), "1")
        t.equal("health is not counted", server.get("/healthz", key="slow").status, 200)
        t.equal("others go on", server.get("/v1/pools").status, 200)
        items = [{"account": f"a{i}", "pool": "usdc", "collateral": "1"} for i in range(600)]
        t.equal("more than there is goes in once", server.post("/v1/accounts", items, key="bulk").status,
                200)
        held = server.post("/v1/accounts", items[:1], key="bulk")
        t.refused("then the debt is waited off", held, 429, "rate_limited", "100 items a second")
        t.true("which takes seconds", 2 <= int(held.headers["retry-after"]) <= 6, held.headers)
        t.equal("reads go on", server.get("/v1/pools", key="bulk").status, 200)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if server.post("/v1/accounts", items[:1], key="bulk").status == 200:
                break
            time.sleep(0.25)
        t.true("and it fills again", time.monotonic() < deadline)


if __name__ == "__main__":
    run(globals())
