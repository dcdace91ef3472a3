#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the daemon answers in every scenario, held against the contract. Goal: no answer has a
member, value, status or code that api/openapi.yaml does not know, and no member that it knows is
never seen. Method: each tests/scenario/*.scn is posted to a daemon of its own, then every read is
made of everything there is. The examples of answers, which examples.py proves, count as seen.

    BACKSTOPD=build/gcc/daemon/backstopd /usr/bin/python3 tests/contract/scenarios.py
"""
import os
import pathlib
import sys
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

from contract import ROOT, Contract

sys.path[:0] = [str(ROOT / "tests/http"), str(ROOT / "tests/scenario")]
import harness  # noqa: E402: found by the path above
from language import Scenario  # noqa: E402

def quoted(name):
    return urllib.parse.quote(name, safe="")


class Reader:
    """Requests whose answers are all held against the contract."""

    def __init__(self, contract, server, wrong):
        self.contract, self.server, self.wrong = contract, server, wrong

    def checked(self, method, url, answer):
        for error in self.contract.check(method, url, answer):
            self.wrong.append(f"{method} {url}: {error}")
        return answer

    def get(self, url):
        return self.checked("GET", url, self.server.get(url)).json

    def post_lines(self, lines):
        body = "\n".join(lines) + "\n"
        url = "/v1/commands"
        answer = self.server.post(url, body, content_type=harness.NDJSON)
        self.checked("POST", url, answer)
        return answer

    def rows(self, url):
        return self.get(url)["data"]


def post(reader, commands):
    """A body that is not read as a whole is sent again line by line, as a client would."""
    if reader.post_lines(commands).status == 400 and len(commands) > 1:
        for command in commands:
            reader.post_lines([command])


def read_pool(reader, pool):
    path = f"/v1/pools/{quoted(pool['pool'])}"
    for rest in ("", "/insurance-fund", "/insurance-fund/history", "/solvency", "/at-risk"):
        reader.get(path + rest)
    reader.rows(f"/v1/settlements?pool={quoted(pool['pool'])}")
    if pool["last_settlement"] > 0:
        reader.get(f"{path}/settlements/{pool['last_settlement']}")


def read_all(reader):
    for pool in reader.rows("/v1/pools"):
        read_pool(reader, pool)
    for market in reader.rows("/v1/markets"):
        path = f"/v1/markets/{quoted(market['market'])}"
        reader.get(path)
        for side in ("long", "short"):
            reader.rows(f"{path}/adl-queue?side={side}")
    for account in reader.rows("/v1/accounts")[:12]:
        path = f"/v1/accounts/{quoted(account['account'])}"
        for rest in ("", "/adl-rank", "/adl-rank?format=ccxt"):
            reader.get(path + rest)
    for url in ("/v1/positions", "/v1/actions?limit=10000", "/v1/settlements", "/livez", "/nope"):
        reader.get(url)


def run_scenario(contract, path):
    wrong = []
    with harness.Server() as server:
        reader = Reader(contract, server, wrong)
        for step in Scenario(path).steps:
            if step.commands:
                post(reader, step.commands)
        published = sum(pool["last_action"] for pool in reader.rows("/v1/pools"))
        server.wait_for_actions(published, 30)
        read_all(reader)
    return wrong


def long_lists(contract):
    """Lists of more refused items than an answer lists: alone, and beside one that is accepted."""
    wrong = []
    with harness.Server() as server:
        reader = Reader(contract, server, wrong)
        server.make_pool()
        refused = ['{"type":"pool"}'] * 1001
        reader.post_lines(refused)
        reader.post_lines([*refused, '{"type":"settle","pool":"usdc"}'])
    return wrong


def answered_properties(contract):
    """(schema, property) of everything that answers may have."""
    found, done = set(), set()

    def take(schema, name):
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name not in done:
                done.add(name)
                take(contract.resolve(schema), name)
        for key, inner in schema.get("properties", {}).items():
            if "x-elsewhere" not in inner:
                found.add((name, key))
                take(inner, f"{name}.{key}")
        for word in ("oneOf", "allOf"):
            for inner in schema.get(word, []):
                take(inner, name)
        for word in ("items", "additionalProperties"):
            if isinstance(schema.get(word), dict):
                take(schema[word], name)

    for operation in contract.operations:
        for response in operation.spec["responses"].values():
            for content in contract.resolve(response).get("content", {}).values():
                take(content["schema"], operation.id)
    return found


def cover_examples(contract):
    for operation in contract.operations:
        for status, media, _, example in operation.response_examples():
            content = operation.spec["responses"][status]["content"][media]
            contract.cover(content["schema"], example["value"])


def main():
    backstopd = os.environ.get("BACKSTOPD", "")
    if not os.access(backstopd, os.X_OK):
        sys.exit(f"no backstopd at {backstopd!r}: give its path in BACKSTOPD")
    harness.binary = lambda: backstopd
    contract, t = Contract(), harness.Checks()
    paths = [pathlib.Path(word) for word in sys.argv[1:]]
    paths = paths or sorted((ROOT / "tests/scenario").glob("*.scn"))
    with ThreadPoolExecutor(2) as pool:
        for path, wrong in zip(paths, pool.map(lambda path: run_scenario(contract, path), paths)):
            t.equal(path.name, wrong[:5], [])
    t.equal("long lists", long_lists(contract)[:5], [])
    cover_examples(contract)
    never = answered_properties(contract) - contract.seen.keys()
    t.equal("members of answers that were never seen: add an example that shows them", sorted(never), [])
    print(f"{t.passed} passed, {t.failed} failed")
    sys.exit(1 if t.failed or not t.passed else 0)


if __name__ == "__main__":
    main()
