# SPDX-License-Identifier: Apache-2.0
"""Starts a backstopd for a test, on a free loopback port with a fresh data directory; stops it and
deletes the directory in any case. Standard library only.

    BACKSTOPD=build/daemon/backstopd tests/http/test_routes.py      (or the path as first argument)

    def test_something(t):
        with Server() as server:
            t.equal("what is checked", server.get("/v1/pools").json["data"], [])

    if __name__ == "__main__":
        run(globals())
"""
import atexit
import functools
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 20
LISTENING = re.compile(rb"listening on https?://\S+:([1-9][0-9]*)")
JSON = "application/json"
NDJSON = "application/x-ndjson"
PROBLEM = "application/problem+json"


def binary():
    path = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BACKSTOPD", "")
    if not os.access(path, os.X_OK):
        sys.exit(f"no backstopd at {path!r}: give its path as argument or in BACKSTOPD")
    return path


class Authority:
    """Makes certificates for a test, in a folder of its own."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="backstopd-test-")
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.certificate = self.path("ca.pem")
        self.openssl("req", "-x509", *self.new_key("ca"), "-out", self.certificate, "-days", "30",
                     "-subj", "/CN=test authority")

    def path(self, name):
        return os.path.join(self.folder, name)

    def new_key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                self.path(name + ".key")]

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)

    def issue(self, name, subject, extensions, days=30):
        """Issues a certificate and a key under that name. extensions: lines of an openssl file."""
        self.openssl("req", *self.new_key(name), "-out", self.path(name + ".csr"), "-subj", subject)
        with open(self.path(name + ".ext"), "w", encoding="utf-8") as file:
            file.write("\n".join(extensions))
        self.openssl("x509", "-req", "-in", self.path(name + ".csr"), "-CA", self.certificate,
                     "-CAkey", self.path("ca.key"), "-set_serial", str(time.time_ns()), "-days",
                     str(days), "-out", self.path(name + ".pem"), "-extfile",
                     self.path(name + ".ext"))
        os.chmod(self.path(name + ".key"), 0o600)
        return self.path(name + ".pem"), self.path(name + ".key")

    def issue_server(self, name="server", days=30):
        return self.issue(name, f"/CN={name}", ["subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1",
                                                "extendedKeyUsage=serverAuth"], days)


class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # names in lower case
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The stable code of a problem document; None for any other answer."""
        if self.headers.get("content-type") != PROBLEM:
            return None
        return self.json["code"]


class Server:
    def __init__(self, data=None, arguments=(), settings=None, keys=None,
                 authority=None, listen="127.0.0.1:0"):
        """settings: {"http_idle_timeout_s": 1}, passed as BACKSTOPD_HTTP_IDLE_TIMEOUT_S.
        keys: {"feed1": "feed,read requests=5"}, written to a keys file; requests then take
        key="feed1", and without one they are those of `key`, the first that may do everything.
        authority: an Authority whose certificate it has; with BACKSTOP_TEST_TLS=1 every server has
        one. Requests go to `host`, where it listens."""
        self.listen = listen
        self.host = "::1" if listen.startswith("[") else "127.0.0.1"
        # The tests share one disk: their reserves are small.
        given = {"storage_reserve_size": 1 << 20, **(settings or {})}
        self.environment = {f"BACKSTOPD_{name.upper()}": str(value)
                            for name, value in given.items()}
        self.owns_data = data is None
        self.data = data or tempfile.mkdtemp(prefix="backstopd-test-")
        self.arguments = list(arguments)
        self.keys = {name: f"secret-of-{name}" for name in keys or {}}
        self.keys_path = os.path.join(self.data, "keys")
        self.key = next((name for name, said in (keys or {}).items()
                         if said.split()[0] == "feed,ops,read"), None)
        if keys is not None:
            self.write_keys(keys)
            self.environment["BACKSTOPD_ACCESS_KEYS"] = self.keys_path
        if authority is None and os.environ.get("BACKSTOP_TEST_TLS"):
            authority = common_authority()
        self.authority = authority
        self.tls = None
        if authority is not None:
            certificate, key = authority.issue_server()
            self.environment["BACKSTOPD_TLS_CERTIFICATE"] = certificate
            self.environment["BACKSTOPD_TLS_KEY"] = key
            self.tls = ssl.create_default_context(cafile=authority.certificate)
        self.process = None
        self.output_path = None
        self.port = None
        atexit.register(self.close)

    def write_keys(self, keys):
        """Replaces the keys file. The daemon reads it at SIGHUP."""
        with open(self.keys_path + ".new", "w", encoding="utf-8") as file:
            os.chmod(file.name, 0o600)
            for name, said in keys.items():
                roles, _, limits = said.partition(" ")
                digest = hashlib.sha256(f"secret-of-{name}".encode()).hexdigest()
                file.write(f"{name} {roles} sha256:{digest} {limits}\n")
                self.keys[name] = f"secret-of-{name}"
        os.rename(self.keys_path + ".new", self.keys_path)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        """A server that was not killed must exit with 0: sanitizers report through the exit code."""
        code = self.stop()
        output = self.output().decode(errors="replace")
        self.close()
        if kind is None and code not in (0, -signal.SIGKILL):
            raise RuntimeError(f"backstopd ended with {code}:\n{output[-3000:]}")

    def start(self):
        descriptor, self.output_path = tempfile.mkstemp(prefix="backstopd-test-", suffix=".out")
        with open(descriptor, "wb") as output:
            self.process = subprocess.Popen(
                [binary(), "--data", self.data, "--listen", self.listen, *self.arguments],
                stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                env={**os.environ, **self.environment})
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self.process.poll() is None:
            found = LISTENING.findall(self.output())
            if found:
                self.port = int(found[-1])
                if self.is_ready():
                    return self
            time.sleep(0.01)
        output = self.output().decode(errors="replace")
        self.close()
        raise RuntimeError(f"backstopd did not become ready:\n{output}")

    def output(self):
        """Nothing after close()."""
        if self.output_path is None:
            return b""
        with open(self.output_path, "rb") as file:
            return file.read()

    def is_ready(self):
        try:
            return self.get("/readyz").status == 200
        except OSError:
            return False

    def kill9(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Sends SIGTERM. Returns the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise

    def close(self):
        """Safe at any time and more than once."""
        try:
            if self.process is not None:
                self.stop()
        finally:
            if self.output_path is not None:
                os.unlink(self.output_path)
                self.output_path = None
            if self.owns_data:
                shutil.rmtree(self.data, ignore_errors=True)

    # ---- requests ----

    def reload(self, wanted):
        """Sends SIGHUP. True once the log says what is wanted after it."""
        since = len(self.output())
        self.process.send_signal(signal.SIGHUP)
        return wait_for(lambda: wanted in self.output()[since:])

    def connect(self, timeout=30):
        if self.tls is not None:
            return http.client.HTTPSConnection(self.host, self.port, timeout=timeout,
                                               context=self.tls)
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def request(self, method, path, body=None, content_type=JSON, headers=None, connection=None,
                key=None):
        """One request; a body that is not bytes or text is sent as JSON. key: a name, or "" for
        none."""
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        sent = dict(headers or {})
        name = self.key if key is None else key
        if name:
            sent.setdefault("Authorization", f"Bearer {self.keys[name]}")
        if body is not None and content_type is not None:
            sent.setdefault("Content-Type", content_type)
        used = connection or self.connect()
        try:
            used.request(method, path, body.encode() if isinstance(body, str) else body, sent)
            answer = used.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Response(answer.status, found, answer.read())
        finally:
            if connection is None:
                used.close()

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.request("POST", path, body, **options)

    def put(self, path, body=None, **options):
        return self.request("PUT", path, body, **options)

    def delete(self, path, **options):
        return self.request("DELETE", path, **options)

    def open(self, timeout=10):
        return self.wrap(socket.create_connection((self.host, self.port), timeout=timeout))

    def wrap(self, sock):
        """Puts TLS around a connected socket if the server has it."""
        return sock if self.tls is None else self.tls.wrap_socket(sock, server_hostname=self.host)

    def raw(self, data, timeout=10, count=1):
        """Sends bytes unchanged. Returns all answers until the server closes or, after `count` of
        them, is silent."""
        with self.open(timeout) as sock:
            try:
                sock.sendall(data)
            except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                pass  # refused early: the answer is still there to be read
            return read_responses(sock, 0.5, count)

    def pages(self, path):
        """All rows of a list, page by page."""
        rows = []
        after = ""
        while True:
            page = self.get(path + after).json
            rows += page["data"]
            if page["next"] is None:
                return rows
            after = ("&" if "?" in path else "?") + "after=" + page["next"]

    def actions(self, query=""):
        """All actions published so far."""
        rows = []
        after = "0"
        while True:
            page = self.get(f"/v1/actions?limit=10000&after={after}{query}").json
            rows += page["data"]
            after = page["next"]
            if not page["data"]:
                return rows

    @functools.cached_property
    def identity(self):
        """Of its log."""
        return self.get("/v1/identity").json["identity"]

    def cursor(self, number):
        """Of the action with this number."""
        return f"{self.identity[:8]}_{number}"

    def wait_for_actions(self, count, timeout_s=30):
        """Waits until that many can be read: one commit after the write that caused them."""
        after = "0"
        deadline = time.monotonic() + timeout_s
        while ordinal(after) < count:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{after} actions after {timeout_s} s, not {count}")
            after = self.get(f"/v1/actions?after={after}&limit=10000&wait_ms=1000").json["next"]

    def state(self):
        """A digest of all pools, markets, accounts and positions as the API shows them."""
        shown = [self.pages(path) for path in
                 ("/v1/pools", "/v1/markets", "/v1/accounts", "/v1/positions")]
        return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()

    # ---- a world to act on ----

    def make_pool(self, pool="usdc", waterfall=None, period="8h", mark_max_age_ms=0):
        layers = waterfall or [
            {"layer": "insurance", "floor": "0"},
            {"layer": "adl", "ranking": "profit_leverage", "price": "bankruptcy"},
            {"layer": "haircut", "rule": "pro_rata", "basis": "period_gain", "divide": "at_once"}]
        return self.put(f"/v1/pools/{pool}", {
            "asset": "USDC", "decimals": 6, "mark_max_age_ms": mark_max_age_ms, "period": period,
            "waterfall": layers})

    def make_market(self, market="BTC-PERP", pool="usdc"):
        return self.put(f"/v1/markets/{market}", {
            "pool": pool, "contract": "linear", "tick_size": "0.1", "lot_size": "0.001",
            "multiplier": "1", "maintenance_margin_ppm": 5000, "max_move_ppm": 0})

    def make_insolvency(self):
        """A long of 1 BTC from 60000 on 100 of collateral, its short counterparty, a fund of 50
        and a mark of 59000: 900 are missing. Nothing is settled yet."""
        self.make_pool()
        self.make_market()
        self.post("/v1/marks", {"market": "BTC-PERP", "price": "60000"})
        self.post("/v1/pools/usdc/insurance-fund", {"amount": "50"})
        self.post("/v1/accounts", [
            {"account": "loser", "pool": "usdc", "collateral": "100", "positions": [
                {"market": "BTC-PERP", "size": "1", "entry_price": "60000"}]},
            {"account": "winner", "pool": "usdc", "collateral": "5000", "positions": [
                {"market": "BTC-PERP", "size": "-1", "entry_price": "60000"}]}])
        self.post("/v1/marks", {"market": "BTC-PERP", "price": "59000"})


def wait_for(condition, timeout_s=20):
    """Waits until the condition holds. Returns what it gave last."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def wait_until(what, condition, timeout_s=30):
    """The same; a condition that does not hold in time is an error."""
    found = wait_for(condition, timeout_s)
    if not found:
        raise RuntimeError(f"{what}: not after {timeout_s} s")
    return found


def closed_after(sock, started, drip, timeout_s):
    """Seconds until the server closes; one byte is sent every 0.2 s when `drip` is given."""
    sock.settimeout(0.2)
    while time.monotonic() - started < timeout_s:
        try:
            if drip:
                sock.sendall(drip)
            if sock.recv(100) == b"":
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - started


def common_authority(made=[]):  # noqa: B006: made once, for all servers of a test
    if not made:
        made.append(Authority())
    return made[0]


def read_responses(sock, silence_s, count=1):
    """Reads answers until the peer closes or, after `count` of them, is silent for silence_s."""
    data = b""
    responses = []
    while True:
        response, data = take_response(data)
        if response is not None:
            responses.append(response)
            if len(responses) >= count:
                sock.settimeout(silence_s)
            continue
        try:
            piece = sock.recv(65536)
        except (TimeoutError, ConnectionResetError, ssl.SSLError):
            return responses
        if not piece:
            return responses
        data += piece


def take_response(data):
    head, separator, rest = data.partition(b"\r\n\r\n")
    if not separator:
        return None, data
    lines = head.split(b"\r\n")
    status = int(lines[0].split()[1])
    if status == 100:
        return Response(100, {}, b""), rest
    pairs = (line.decode("latin-1").split(":", 1) for line in lines[1:])
    headers = {name.lower(): value.strip() for name, value in pairs}
    size = int(headers.get("content-length", "0"))
    if len(rest) < size:
        return None, data
    return Response(status, headers, rest[:size]), rest[size:]


def chain_errors(actions):
    """What is wrong with the ids and hashes of the actions, pool by pool."""
    errors = []
    last = {}
    log = actions[0]["cursor"].partition("_")[0] if actions else ""
    for number, action in enumerate(actions, 1):
        if action["cursor"] != f"{log}_{number}":
            errors.append(f"cursor {action['cursor']} where {log}_{number} was due")
        ids, link = last.get(action["pool"], (0, "0" * 64))
        if action["id"] != ids + 1:
            errors.append(f"{action['pool']}: id {action['id']} after {ids}")
        expected = hashlib.sha256(link.encode() + b"\n" + canonical(action)).hexdigest()
        if action["hash"] != expected:
            errors.append(f"{action['pool']}: hash of action {action['id']} is broken")
        last[action["pool"]] = (action["id"], action["hash"])
    return errors


def ordinal(cursor):
    """The number of an action in its log; the digits before it name the log."""
    return int(cursor.rpartition("_")[2])


def canonical(action):
    """docs/records.md: one line name=value for each member except cursor and hash."""
    lines = []
    for name, value in action.items():
        if name in ("cursor", "hash"):
            continue
        members = value.items() if isinstance(value, dict) else [(None, value)]
        for member, inner in members:
            inner = "null" if inner is None else inner
            lines.append(f"{name}.{member}={inner}\n" if member else f"{name}={inner}\n")
    return "".join(lines).encode()


# ---- checks ----


class Checks:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def true(self, what, condition, shown=None):
        if condition:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED {what}" + (f": {shown!r}"[:1000] if shown is not None else ""), flush=True)

    def equal(self, what, actual, expected):
        self.true(what, actual == expected, {"actual": actual, "expected": expected})

    def refused(self, what, response, status, code, naming=None):
        """A problem document with exactly this status and code, its detail naming something."""
        shown = (response.status, response.body[:300])
        self.true(what, response.status == status and response.code == code, shown)
        if naming is not None and response.code is not None:
            detail = response.json["detail"]
            self.true(f"{what}: names {naming!r}", naming in detail, detail)


def run(names):
    """Runs every test_* of a module. An exception is a failure; the other tests still run."""
    binary()
    # What a shell runs in the background ignores SIGINT, and so would the programs started here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    checks = Checks()
    for name, test in list(names.items()):
        if name.startswith("test_") and callable(test):
            try:
                test(checks)
            except Exception as error:  # noqa: BLE001: reported and counted
                checks.true(f"{name}: {type(error).__name__}: {error}", False)
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed or not checks.passed else 0)
