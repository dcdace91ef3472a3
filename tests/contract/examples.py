#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every example of the contract, sent to a real daemon. Goal: the status, the media type, the code
and every value are what api/openapi.yaml says, but for what varies from run to run; and each code is
met by the request that it says provokes it. With --update the values of the examples of answers are
written again into that file: read the difference before you commit it.

    BACKSTOPD=build/gcc/daemon/backstopd /usr/bin/python3 tests/contract/examples.py [--update]
"""
import json
import os
import sys
import time

import yaml

from contract import PATH, ROOT, Contract, body_of

sys.path[:0] = [str(ROOT / "tests/http"), str(ROOT / "api")]
import harness  # noqa: E402: found by the path above
from receiver import SETTINGS, Receiver  # noqa: E402
from reference import flow  # noqa: E402

PATIENCE_S = 30
WIDTH = 130


class Worlds:
    """Daemons in the states that examples need; reads share one, writes get their own."""

    def __init__(self, contract):
        self.contract = contract
        self.shared = {}

    def make(self, name):
        world = self.contract.document["x-worlds"][name]
        server = harness.Server(settings=world.get("settings"))
        if "keys" in world:
            server.environment["BACKSTOPD_ACCESS_KEYS"] = keys_file(server.data, world["keys"])
            return server.start()
        server.start()
        for step in world.get("after", []):
            operation, _, example = step.partition("#")
            answer = send(self.contract, server, self.contract.by_id[operation], example, {})
            if not 200 <= answer.status < 300:
                server.close()
                raise RuntimeError(f"world {name}: {step} is answered {answer.body[:500]}")
            # What a step caused is durable one commit later, and the next one may depend on it.
            published = sum(pool["last_action"] for pool in server.get("/v1/pools").json["data"])
            server.wait_for_actions(published, PATIENCE_S)
        return server

    def take(self, name, reads):
        if not reads:
            return self.make(name)
        if name not in self.shared:
            self.shared[name] = self.make(name)
        return self.shared[name]

    def give(self, server):
        if server not in self.shared.values():
            server.close()

    def close(self):
        for server in self.shared.values():
            server.close()


def keys_file(folder, lines):
    path = os.path.join(folder, "keys")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return path


def patient(request):
    """Simulations may have to read the log first, and say so."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        answer = request()
        if answer.code != "simulation_catching_up" or time.monotonic() > deadline:
            return answer
        time.sleep(0.1)


def backup_of(server):
    """The id of a backup that is ready."""
    if not hasattr(server, "backup"):
        server.backup = server.post("/v1/backups").json["id"]
    while server.get(f"/v1/backups/{server.backup}").json["state"] == "preparing":
        time.sleep(0.02)
    return server.backup


def send(contract, server, operation, name, values):
    media, example = operation.request_example(name)
    body = body_of(example, media) if example is not None else None
    if "{webhook}" in operation.path:  # ids of endpoints are random: the first one is meant
        endpoints = server.get("/v1/webhooks").json["data"]
        values = {**values, **({"webhook": endpoints[0]["id"]} if endpoints else {})}
    if "{backup}" in operation.path:
        values = {**values, "backup": backup_of(server)}
    return patient(lambda: server.request(operation.method, operation.url(values), body,
                                          content_type=media))


def check_request(t, contract, operation, name):
    """A body that is an example of how to do it follows the schema."""
    media, example = operation.request_example(name)
    if example is not None and "x-raw" not in example and media.endswith("/json"):
        schema = operation.bodies[media]["schema"]
        t.equal(f"{operation.id}#{name}: the body", contract.errors(schema, example["value"]), [])
        contract.cover(schema, example["value"])


def run_example(t, contract, worlds, operation, row):
    """Returns what the daemon answered, None if that is not comparable."""
    status, media, name, example = row
    what = f"{operation.id}#{name}"
    server = worlds.take(example.get("x-world", "empty"), operation.method == "GET")
    try:
        answer = send(contract, server, operation, name, example.get("x-parameters", {}))
    finally:
        worlds.give(server)
    t.equal(f"{what}: status", str(answer.status), status)
    t.equal(f"{what}: media type", answer.headers.get("content-type"), media)
    url = operation.url(example.get("x-parameters", {}))
    t.equal(f"{what}: is in the contract", contract.check(operation.method, url, answer), [])
    if not media.endswith("json"):
        return None
    schema = operation.spec["responses"][status]["content"][media]["schema"]
    t.equal(f"{what}: the example follows its schema", contract.errors(schema, example["value"]), [])
    told, shown = (contract.comparable(schema, value) for value in (example["value"], answer.json))
    t.equal(f"{what}: the answer", shown, told)
    return None if told == shown else answer.json


def test_examples(t, contract, worlds):
    changed = {}
    for operation in contract.operations:
        named = set()
        for row in operation.response_examples():
            status, media, name, _ = row
            named.add(name)
            if status.startswith("2"):
                check_request(t, contract, operation, name)
            answer = run_example(t, contract, worlds, operation, row)
            if answer is not None:
                changed[operation.path, operation.method.lower(), status, media, name] = answer
        sent = {name for content in operation.bodies.values() for name in content.get("examples", {})}
        t.equal(f"{operation.id}: bodies without an answer", sorted(sent - named), [])
        t.true(f"{operation.id} has an example",
               named or operation.id in ("metrics", "openapi", "stream_actions", "get_pool_snapshot", "read_backup_file",
                                                "move_to_archive"))
    return changed


def codes_of(answer):
    shown = answer.json
    return {shown.get("code")} | {row["code"] for row in shown.get("rejected", [])}


def provoke(server, how):
    method, _, url = how["request"].partition(" ")
    body = how.get("body")
    if "raw" in how:
        text, times = how.get("repeat", ["", 0])
        body = how["raw"] + text * times + how.get("rest", "")
    elif body is not None:
        body = json.dumps(body)
    if "first" in how:
        server.request(method, url, json.dumps(how["first"]), headers=how.get("headers"))
    for _ in range(how.get("times", 1)):
        answer = patient(lambda: server.request(method, url, body, headers=how.get("headers")))
    return answer


def test_codes(t, contract, worlds):
    for code, row in contract.codes.items():
        how = row.get("x-provoked-by")
        t.true(f"{code}: says how it is met, or why it cannot be", how or row.get("x-unprovoked"))
        if not how:
            continue
        server = worlds.take(how.get("world", "empty"), how["request"].startswith("GET"))
        try:
            answer = provoke(server, how)
        finally:
            worlds.give(server)
        t.true(f"{code}: is met", code in codes_of(answer), answer.body[:600])
        method, _, url = how["request"].partition(" ")
        t.equal(f"{code}: is in the contract", contract.check(method, url, answer), [])


def test_other_answers(t, contract, worlds):
    """What has no example in JSON: the metrics, the contract itself and its validator."""
    server = worlds.take("empty", True)
    for path in ("/metrics", "/openapi.yaml"):
        t.equal(f"{path}: is in the contract", contract.check("GET", path, server.get(path)), [])
    served = server.get("/openapi.yaml")
    t.equal("what is served", served.body, PATH.read_bytes())
    etag = served.headers["etag"]
    for sent, status in ((etag, 304), (f'W/{etag}, "other"', 304), ('"other"', 200)):
        again = server.get("/openapi.yaml", headers={"If-None-Match": sent})
        t.equal(f"If-None-Match: {sent}", (again.status, again.headers["etag"]), (status, etag))
        t.equal(f"If-None-Match: {sent}: the body", again.body, b"" if status == 304 else served.body)
    t.equal("HEAD", server.request("HEAD", "/openapi.yaml").headers["etag"], etag)


def test_notices(t, contract, _):
    """What is sent to receivers: the notices of a settlement, alone and in a batch, and a test."""
    sent = {name: item["post"]["requestBody"]["content"]["application/json"]["schema"]
            for name, item in contract.document["webhooks"].items()}
    for name, asked in (("notice", {}), ("batch", {"batch_max": 100, "signature": "ed25519"})):
        with Receiver() as receiver, harness.Server(settings=SETTINGS) as server:
            server.make_insolvency()
            server.post("/v1/pools/usdc/settle")
            server.wait_for_actions(3)
            made = server.post("/v1/webhooks", {"url": receiver.url, "after": "0", **asked})
            t.equal(f"{name}: the endpoint", contract.check("POST", "/v1/webhooks", made), [])
            deadline = time.monotonic() + PATIENCE_S
            while time.monotonic() < deadline and len(receiver.notices) < (3 if name == "notice" else 1):
                time.sleep(0.05)
            server.post(f"/v1/webhooks/{made.json['id']}/test")
            *notices, test = [notice.json for notice in list(receiver.notices)]
            t.true(f"{name}: came", notices)
            for notice in notices:
                t.equal(f"{name} follows its schema", contract.errors(sent[name], notice), [])
            t.equal("a test follows its schema", contract.errors(sent["test"], test), [])


# ---- writing the examples ----


def node_at(node, steps):
    for step in steps:
        node = next(value for key, value in node.value if key.value == step)
    return node


def update(changed):
    text = PATH.read_text(encoding="utf-8")
    root = yaml.compose(text)
    places = []
    for (path, method, status, media, name), answer in changed.items():
        node = node_at(root, ["paths", path, method, "responses", status, "content", media,
                              "examples", name, "value"])
        places.append((node.start_mark.index, node.end_mark.index, answer))
    for start, end, answer in sorted(places, key=lambda place: -place[0]):
        line_start = text.rfind("\n", 0, start) + 1
        indent = len(text[line_start:]) - len(text[line_start:].lstrip(" ")) + 2
        shown = flow(answer, indent, WIDTH)
        if "\n" in shown or start - line_start + len(shown) > WIDTH:
            shown = "\n" + " " * indent + shown
        text = text[:start] + shown + text[end:]
    lines = (line.rstrip() for line in text.split("\n"))
    PATH.write_text("\n".join(lines), encoding="utf-8")
    print(f"{len(changed)} examples rewritten: build, then run again")


def main():
    arguments = [word for word in sys.argv[1:] if word != "--update"]
    backstopd = arguments[0] if arguments else os.environ.get("BACKSTOPD", "")
    if not os.access(backstopd, os.X_OK):
        sys.exit(f"no backstopd at {backstopd!r}: give its path as argument or in BACKSTOPD")
    harness.binary = lambda: backstopd
    contract, t = Contract(), harness.Checks()
    worlds = Worlds(contract)
    try:
        changed = test_examples(t, contract, worlds)
        if "--update" in sys.argv:
            update(changed)
            return
        test_codes(t, contract, worlds)
        test_other_answers(t, contract, worlds)
        test_notices(t, contract, worlds)
    finally:
        worlds.close()
    print(f"{t.passed} passed, {t.failed} failed")
    sys.exit(1 if t.failed or not t.passed else 0)


if __name__ == "__main__":
    main()
