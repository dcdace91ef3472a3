#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A venue's side of the conversation, with the standard library only: it posts its book, follows the
actions, applies each to its own positions, and checks the hash chain on the way, so it notices if
anything is left out or changed.

    mirror.py http://127.0.0.1:8480 BOOK.json [SECONDS]

BOOK.json is a list of accounts as POST /v1/accounts takes them. It follows until
nothing new came for SECONDS (default: for ever) and then prints what it holds as JSON. BACKSTOP_KEY is
an access key.
"""
import hashlib
import json
import os
import sys
import time
import urllib.error
import urllib.request
from decimal import Decimal

WAIT_MS = 1000


class Refused(Exception):
    pass


class Client:
    """JSON over HTTP. A 503 or a broken connection is retried. That is safe, because updates say how
    things are, not what changes."""

    def __init__(self, url, key=None, attempts=10):
        self.url = url
        self.attempts = attempts
        self.headers = {"Content-Type": "application/json"}
        if key:
            self.headers["Authorization"] = f"Bearer {key}"

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        for attempt in range(self.attempts):
            request = urllib.request.Request(self.url + path, data, self.headers, method=method)
            try:
                with urllib.request.urlopen(request, timeout=90) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                problem = json.load(error)
                if error.code not in (429, 503) or attempt + 1 == self.attempts:
                    raise Refused(f"{problem['code']}: {problem['detail']}") from None
                time.sleep(float(error.headers.get("Retry-After", 1)))
            except (urllib.error.URLError, ConnectionError):
                if attempt + 1 == self.attempts:
                    raise
                time.sleep(0.2 * (attempt + 1))
        raise AssertionError("the last attempt returns or raises")

    def post(self, path, items):
        """All items or an exception that names the first one refused: a list is answered 207, which
        is easily taken for a success."""
        result = self.call("POST", path, items)
        if result["rejected"]:
            first = result["rejected"][0]
            raise Refused(f"item {first['index']}: {first['code']}: {first['detail']}")
        return result


def canonical(action):
    """docs/records.md: one line name=value for each member but cursor and hash, in the order sent."""
    lines = []
    for name, value in action.items():
        if name in ("cursor", "hash"):
            continue
        members = value.items() if isinstance(value, dict) else [("", value)]
        for inner, shown in members:
            full = f"{name}.{inner}" if inner else name
            lines.append(f"{full}={'null' if shown is None else shown}\n")
    return "".join(lines).encode()


class Chains:
    """The link that each pool's next action must continue."""

    def __init__(self):
        self.last = {}  # pool -> (id, hash)

    def check(self, action):
        number, link = self.last.get(action["pool"], (0, "0" * 64))
        wanted = hashlib.sha256(link.encode() + b"\n" + canonical(action)).hexdigest()
        if (action["id"], action["hash"]) != (number + 1, wanted):
            raise Refused(f"the chain of {action['pool']} is broken at action {action['id']}")
        self.last[action["pool"]] = (action["id"], action["hash"])


class Book:
    """Sizes by (account, market), of cross margin, and the last action applied to each account."""

    def __init__(self, accounts):
        self.sizes = {}
        self.seen = {}
        for account in accounts:
            for position in account.get("positions", []):
                key = account["account"], position["market"]
                self.sizes[key] = Decimal(str(position["size"]))

    def add(self, account, action, size):
        """`size` along the side of the action."""
        key = account, action["market"]
        sign = 1 if action["side"] == "long" else -1
        self.sizes[key] = self.sizes.get(key, Decimal(0)) + sign * size

    def apply(self, action):
        account = action.get("account")
        if account is None:
            return
        self.seen[account] = action["id"]
        if action.get("margin") == "isolated":
            return
        if "size_closed" in action:  # below 0 in a reversal: it comes back
            self.add(account, action, -Decimal(action["size_closed"]))
        if "size_taken" in action:  # a provider took it over
            self.add(account, action, Decimal(action["size_taken"]))
        if action["type"] == "takeover":  # what left the account is the fund's
            self.add(action["counterparty"], action, Decimal(action["size_closed"]))

    def shown(self):
        held = sorted((key, size) for key, size in self.sizes.items() if size != 0)
        return {"positions": [{"account": key[0], "market": key[1], "size": f"{size.normalize():f}"}
                              for key, size in held],
                "seen_action": dict(sorted(self.seen.items()))}


def follow(client, seconds):
    """Every action from the first one on, until none came for so long."""
    after, quiet_since = "0", time.monotonic()
    while seconds is None or time.monotonic() - quiet_since < seconds:
        page = client.call("GET", f"/v1/actions?after={after}&limit=1000&wait_ms={WAIT_MS}")
        if page["data"]:
            quiet_since = time.monotonic()
        yield from page["data"]
        after = page["next"]  # only now: all of the page has been dealt with


def main(url, path, seconds=None):
    with open(path, encoding="utf-8") as file:
        accounts = json.load(file)
    client = Client(url, os.environ.get("BACKSTOP_KEY"))
    client.post("/v1/accounts", accounts)
    book, chains = Book(accounts), Chains()
    for action in follow(client, None if seconds is None else float(seconds)):
        chains.check(action)
        book.apply(action)
    print(json.dumps(book.shown()))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Refused as refusal:
        sys.exit(f"mirror.py: {refusal}")
