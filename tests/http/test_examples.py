#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The programs and configurations of docs/examples, against a real daemon. Goal: what is copied from
there works: a mirror that holds what the daemon holds and notices a broken chain, a follower that
goes on where it was, and nginx in front with TLS, long polls, streams and bulk bodies."""
import copy
import http.client
import importlib.util
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

from harness import NDJSON, Server, run, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs/examples"
BOOK = [{"account": "alice", "pool": "usdc", "collateral": "100",
         "positions": [{"market": "BTC-PERP", "size": "1", "entry_price": "60000"}]},
        {"account": "bob", "pool": "usdc", "collateral": "5000",
         "positions": [{"market": "BTC-PERP", "size": "-0.4", "entry_price": "60000"}]},
        {"account": "carol", "pool": "usdc", "collateral": "5000",
         "positions": [{"market": "BTC-PERP", "size": "-0.7", "entry_price": "61000"}]}]
PATIENCE_S = 60


def make_market(server, waterfall=None):
    server.make_pool(waterfall=waterfall)
    server.make_market()
    server.post("/v1/marks", {"market": "BTC-PERP", "price": "60000"})


def fall(server):
    server.post("/v1/marks", {"market": "BTC-PERP", "price": "59000"})
    server.post("/v1/pools/usdc/settle")


def held(server):
    """As mirror.py prints it."""
    positions = [{name: row[name] for name in ("account", "market", "size")}
                 for row in server.pages("/v1/positions")]
    seen = {row["account"]: row["last_action"] for row in server.pages("/v1/accounts")
            if row["last_action"] > 0}
    return {"positions": positions, "seen_action": seen}


def mirrored(server, book, then):
    """Runs mirror.py and what happens once its book is there; what it printed."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(book, file)
        file.flush()
        url = f"http://127.0.0.1:{server.port}"
        with subprocess.Popen([sys.executable, EXAMPLES / "mirror.py", url, file.name, "4"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as mirror:
            wait_until("the book", lambda: mirror.poll() is not None or
                       server.get(f"/v1/accounts/{book[-1]['account']}").status == 200, PATIENCE_S)
            then()
            out, errors = mirror.communicate(timeout=PATIENCE_S)
    return mirror.returncode, out, errors.decode()


def test_mirror(t):
    """Closed against two counterparties; taken over by the fund; given back in part."""
    layers = {"adl": None, "takeover": [{"layer": "insurance"}, {"layer": "haircut"}]}
    for name, waterfall in layers.items():
        with Server() as server:
            make_market(server, waterfall)

            def then(server=server, name=name):
                fall(server)
                server.wait_for_actions(3, PATIENCE_S)
                if name == "adl":
                    closes = [a["id"] for a in server.actions("&type=adl")]
                    server.post(f"/v1/actions/usdc/{closes[0]}/unfilled", {"size": "0.1"})

            code, out, errors = mirrored(server, BOOK, then)
            t.equal(f"{name}: it ended well", (code, errors), (0, ""))
            t.equal(f"{name}: it holds what the daemon holds", json.loads(out or "{}"), held(server))


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def refusal(mirror, actions):
    chains = mirror.Chains()
    try:
        for action in actions:
            chains.check(action)
    except mirror.Refused as refused:
        return str(refused)
    return None


def test_mirror_checks(t):
    """A changed, a missing and a moved action are noticed; a refused item is not overlooked."""
    mirror = load("mirror")
    with Server() as server:
        make_market(server)
        client = mirror.Client(f"http://127.0.0.1:{server.port}")
        client.post("/v1/accounts", BOOK)
        fall(server)
        server.wait_for_actions(4, PATIENCE_S)
        actions = server.actions()
        t.equal("as published", refusal(mirror, actions), None)
        changed = copy.deepcopy(actions)
        changed[1]["price"] = "59999"
        t.equal("changed", refusal(mirror, changed), "the chain of usdc is broken at action 2")
        t.equal("missing", refusal(mirror, actions[:1] + actions[2:]),
                "the chain of usdc is broken at action 3")
        t.true("moved", refusal(mirror, [actions[1], actions[0], *actions[2:]]))
        for items in (BOOK[0], [BOOK[0], {"account": "x", "pool": "nope", "collateral": "1"}]):
            try:
                client.post("/v1/accounts", items)
                t.true("refused items raise", False)
            except mirror.Refused as refused:
                t.true("and are named", "stale_update" in str(refused), str(refused))


def follow(server, cursor):
    done = subprocess.run(["sh", EXAMPLES / "follow.sh", f"http://127.0.0.1:{server.port}", cursor, "300"],
                          capture_output=True, timeout=PATIENCE_S, text=True, check=False)
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_follow(t):
    with Server() as server, tempfile.TemporaryDirectory() as folder:
        cursor = os.path.join(folder, "cursor")
        make_market(server)
        server.post("/v1/accounts", BOOK)
        fall(server)
        server.wait_for_actions(4, PATIENCE_S)
        count = len(server.actions())
        code, lines, errors = follow(server, cursor)
        t.equal("ends well", (code, errors), (0, ""))
        t.equal("a line for each action", [(line.split()[0], line.split()[1]) for line in lines],
                [(a["cursor"], a["type"]) for a in server.actions()])
        t.equal("nothing twice", follow(server, cursor), (0, [], ""))
        server.post("/v1/pools/usdc/pause", {"reason": "for a test"})
        server.post("/v1/pools/usdc/resume")
        server.wait_for_actions(count + 1, PATIENCE_S)
        code, lines, _ = follow(server, cursor)
        t.equal("it goes on where it was", (code, lines[:1] and lines[0].split()[0]),
                (0, server.actions()[count]["cursor"]))


# ---- nginx ----


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    """The sample configuration with ports of its own, as an ordinary process in the foreground."""

    def __init__(self, backend):
        self.port = free_port()
        self.backend = backend
        self.folder = tempfile.mkdtemp(prefix="backstop-nginx-")
        os.chmod(self.folder, 0o755)
        self.process = None

    def configuration(self):
        text = (EXAMPLES / "nginx.conf").read_text(encoding="utf-8")
        for old, new in (("listen 443 ssl;", f"listen 127.0.0.1:{self.port} ssl;"),
                         ("server 127.0.0.1:8480;", f"server 127.0.0.1:{self.backend};")):
            if text.count(old) != 1:
                raise RuntimeError(f"nginx.conf has no line {old}")
            text = text.replace(old, new)
        # Paths of the sample are relative to the prefix, but for certificates, to the configuration.
        return re.sub(r"(ssl_certificate\w*) ", rf"\1 {self.folder}/", text)

    def __enter__(self):
        for name in ("logs", "tmp", "certs"):
            os.mkdir(os.path.join(self.folder, name), 0o777)
            os.chmod(os.path.join(self.folder, name), 0o777)
        certs = os.path.join(self.folder, "certs")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{certs}/server.key",
                        "-out", f"{certs}/server.pem"], check=True, capture_output=True)
        path = os.path.join(self.folder, "nginx.conf")
        pathlib.Path(path).write_text(self.configuration(), encoding="utf-8")
        self.process = subprocess.Popen(
            [binary_of_nginx(), "-p", self.folder, "-c", path, "-e", f"{self.folder}/logs/error.log",
             "-g", "daemon off;"], stdin=subprocess.DEVNULL)
        wait_until("nginx", self.is_up, PATIENCE_S)
        self.tls = ssl.create_default_context(cafile=f"{certs}/server.pem")
        return self

    def is_up(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"nginx ended: {self.errors()}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def errors(self):
        path = pathlib.Path(self.folder, "logs/error.log")
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self):
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=90, context=self.tls)


def binary_of_nginx():
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


def through(nginx, method, path, body=None, headers=None, connection=None, **options):
    used = connection or nginx.connect()
    used.request(method, path, body, headers or {}, **options)
    answer = used.getresponse()
    return answer.status, answer.headers, answer.read()


def check_requests(t, nginx, server):
    status, headers, body = through(nginx, "GET", "/v1/pools/usdc")
    t.equal("GET", (status, json.loads(body)), (200, server.get("/v1/pools/usdc").json))
    server.put("/v1/markets/BTC%2FUSDT", {"pool": "usdc", "tick_size": "0.1", "lot_size": "0.001",
                                          "maintenance_margin_ppm": 5000})
    status, _, body = through(nginx, "GET", "/v1/markets/BTC%2FUSDT")
    t.equal("an encoded slash stays one", (status, json.loads(body)["market"]), (200, "BTC/USDT"))
    status, headers, body = through(nginx, "GET", "/v1/pools/nope")
    t.equal("a problem comes as it is", (status, headers["content-type"], json.loads(body)["code"]),
            (404, "application/problem+json", "unknown_pool"))
    status, headers, body = through(nginx, "GET", "/openapi.yaml")
    again, _, _ = through(nginx, "GET", "/openapi.yaml", headers={"If-None-Match": headers["etag"]})
    t.equal("validators get through", (status, again), (200, 304))


def check_bodies(t, nginx):
    lines = "".join(json.dumps({"account": f"n{i}", "pool": "usdc", "collateral": "1"}) + "\n"
                    for i in range(20000)).encode()
    status, _, body = through(nginx, "POST", "/v1/accounts", lines, {"Content-Type": NDJSON})
    t.equal("NDJSON in bulk", (status, json.loads(body)["accepted"]), (200, 20000))
    pieces = (lines[at:at + 50000] for at in range(0, len(lines), 50000))
    status, _, body = through(nginx, "POST", "/v1/accounts", pieces, {"Content-Type": NDJSON},
                              encode_chunked=True)
    t.equal("in chunks, which backstopd alone refuses", (status, json.loads(body)["accepted"]), (200, 20000))
    status, _, _ = through(nginx, "POST", "/v1/accounts", b" " * (17 << 20), {"Content-Type": NDJSON})
    t.equal("too large", status, 413)


def check_keep_alive(t, nginx, server):
    """Many requests of a client need few connections to backstopd."""
    def opened():
        return int(re.search(rb"backstopd_http_connections (\d+)", server.get("/metrics").body)[1])
    connection = nginx.connect()
    codes = {through(nginx, "GET", "/livez", connection=connection)[0] for _ in range(200)}
    t.equal("200 requests over one connection", codes, {200})
    t.true("few connections behind it", opened() < 20, opened())


def check_long_poll(t, nginx, server):
    after = json.loads(through(nginx, "GET", "/v1/actions?limit=10000")[2])["next"]
    found = {}
    poll = threading.Thread(target=lambda: found.update(json.loads(
        through(nginx, "GET", f"/v1/actions?after={after}&wait_ms=60000")[2])))
    poll.start()
    wait_until("the long poll", lambda: server.get("/readyz?verbose").json["checks"]["long_polls"] == 1, PATIENCE_S)
    server.post("/v1/pools/usdc/resume")
    poll.join(PATIENCE_S)
    t.equal("a long poll is answered when there is news", [a["type"] for a in found.get("data", [])],
            ["pool_resumed"])


def check_stream(t, nginx, server):
    """The first event comes while the stream goes on: nothing on the way waits for its end."""
    connection = nginx.connect()
    connection.request("GET", "/v1/stream?after=0")
    answer = connection.getresponse()
    t.equal("the stream", (answer.status, answer.headers["content-type"].partition(";")[0]),
            (200, "text/event-stream"))

    def next_event():
        lines = []
        while True:
            line = answer.readline().decode().rstrip("\n")
            if line.startswith("data:"):
                lines.append(json.loads(line[5:]))
            elif line == "" and lines:
                return lines[0]

    first = server.actions()[0]
    t.equal("an event of the past", next_event()["cursor"], first["cursor"])
    server.post("/v1/pools/usdc/pause", {"reason": "seen through the proxy"})
    event = next_event()
    while event["type"] != "pool_paused":
        event = next_event()
    t.equal("an event as it happens", event["reason"], "seen through the proxy")
    connection.close()


def test_nginx(t):
    if binary_of_nginx() is None:
        raise RuntimeError("nginx is missing: packages/test.txt")
    with Server() as server, Nginx(server.port) as nginx:
        make_market(server)
        check_requests(t, nginx, server)
        check_bodies(t, nginx)
        check_keep_alive(t, nginx, server)
        check_long_poll(t, nginx, server)
        if server.get("/v1/stream?after=0&limit=0").status != 404:
            check_stream(t, nginx, server)
        expected = ("too large body", "buffered to a temporary file")
        t.equal("nginx has nothing else to complain about",
                [line for line in nginx.errors().splitlines()
                 if not any(words in line for words in expected)], [])


if __name__ == "__main__":
    run(globals())
