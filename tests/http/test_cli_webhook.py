#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""backstopctl webhook, against a real backstopd and a live receiver: each command does what it says,
what is wrong is refused with a status of its own."""
import json
import os
import subprocess
import time

from harness import Server, run
from receiver import SETTINGS, Receiver

PATIENCE_S = 30


def call(server, *arguments):
    return subprocess.run([os.environ["BACKSTOPCTL"], *arguments, "--url", f"http://127.0.0.1:{server.port}"],
                          capture_output=True, text=True, timeout=120)


def ctl(server, *arguments):
    return call(server, "webhook", *arguments)


def ctl_json(server, *arguments):
    return [json.loads(line) for line in ctl(server, *arguments, "-o", "json").stdout.splitlines()]


def test_the_life_of_an_endpoint(t):
    with Receiver() as receiver, Server(settings=SETTINGS) as server:
        server.make_insolvency()
        added = ctl(server, "add", receiver.url, "--pool", "usdc", "--type", "adl", "-o", "json")
        t.equal("added", added.returncode, 0)
        endpoint = json.loads(added.stdout)
        t.true("its secret is shown", endpoint["secret"].startswith("whsec_"), endpoint)
        name = endpoint["id"]
        server.post("/v1/pools/usdc/settle")
        notice = receiver.wait(1)[0]
        t.true("the filter holds: only the adl", notice.json["data"]["type"] == "adl", notice.json)
        t.true("signed with the secret shown", notice.is_signed_with(endpoint["secret"]))
        shown = ctl(server, "list")
        t.true("it is listed", name in shown.stdout and "enabled" in shown.stdout and receiver.url in shown.stdout, shown)
        t.true("its secret never again", endpoint["secret"] not in shown.stdout, shown.stdout)
        deadline = time.monotonic() + PATIENCE_S
        while not (attempts := ctl_json(server, "deliveries", name)) and time.monotonic() < deadline:
            time.sleep(0.05)
        t.true("its attempts", attempts[0]["delivered"] is True and attempts[0]["id"] == notice.id, attempts)
        rotated = ctl_json(server, "rotate", name)[0]
        t.true("another secret", rotated["secret"] != endpoint["secret"], rotated)
        tested = ctl(server, "test", name)
        t.true("a test arrives", tested.returncode == 0 and "delivered" in tested.stdout, tested)
        t.equal("sent again", ctl(server, "redeliver", name, "1", "3").returncode, 0)
        again = receiver.wait(3)[-1]
        t.equal("under the same id", again.id, notice.id)
        t.true("by the new secret and the one before", again.is_signed_with(rotated["secret"])
               and again.is_signed_with(endpoint["secret"]))
        t.equal("gone on", ctl(server, "enable", name).returncode, 0)
        t.equal("removed", ctl(server, "rm", name).returncode, 0)
        t.equal("no more", ctl_json(server, "list"), [])
        refused = ctl(server, "rm", name)
        t.true("twice is refused by the server", refused.returncode == 65 and "unknown" in refused.stderr, refused)


def test_filters(t):
    """Each as often as wanted; a verb that shows one thing says so instead of taking the last."""
    with Receiver() as receiver, Server(settings=SETTINGS) as server:
        server.make_insolvency()
        server.make_pool("other")
        added = ctl(server, "add", receiver.url, "--pool", "usdc", "--pool", "other", "--type", "adl", "--account",
                    "winner", "--type", "liquidation_close", "--account", "loser", "-o", "json")
        asked = json.loads(added.stdout)
        t.equal("all of them", (asked["pools"], sorted(asked["accounts"])), (["usdc", "other"], ["loser", "winner"]))
        server.post("/v1/pools/usdc/settle")
        told = [notice.json["data"] for notice in receiver.wait(2)]
        t.equal("what arrives", [(data["type"], data["account"]) for data in told],
                [("liquidation_close", "loser"), ("adl", "winner")])
        ways = json.loads(ctl(server, "add", receiver.url, "--order", "parallel", "--batch-max", "50", "-o",
                              "json").stdout)
        t.equal("how it is sent", (ways["order"], ways["batch_max"]), ("parallel", 50))
        t.equal("as the server has it by default", (asked["order"], asked["batch_max"]), ("in_order", 1))
        for value, code, naming in (("x", 64, "--batch-max takes a number"), ("1001", 65, "batch_max"),
                                    ("0", 65, "batch_max"), ("", 64, "--batch-max takes")):
            result = ctl(server, "add", receiver.url, "--batch-max", value)
            t.true(f"{value}: refused", result.returncode == code and naming in result.stderr, result)
        result = ctl(server, "add", receiver.url, "--order", "random")
        t.true("another order", result.returncode == 65 and "order" in result.stderr, result)
        many = [word for number in range(65) for word in ("--account", f"a{number}")]
        for words, naming in ((("webhook", "add", receiver.url, *many), "one too many: at most 64"),
                              (("actions", "--pool", "usdc", "--pool", "other"), "actions takes one --pool"),
                              (("webhook", "add", receiver.url, "--type", "adl", "--type", b"\xff"), "UTF-8")):
            result = call(server, *words)
            t.true(f"{naming}: refused", result.returncode == 64 and naming in result.stderr, result)


def test_a_receiver_that_is_not_there(t):
    with Receiver() as receiver, Server(settings=SETTINGS) as server:
        url = receiver.url
        name = json.loads(ctl(server, "add", url, "-o", "json").stdout)["id"]
        receiver.close()
        tested = ctl(server, "test", name)
        t.true("status 69, and why", tested.returncode == 69 and "error" in tested.stdout, tested)


def test_what_is_wrong(t):
    with Server(settings=SETTINGS) as server:
        for words, code, told in ((("add",), 64, "takes URL"), (("redeliver", "ep"), 64, "takes ID FROM TO"),
                                  (("list", "x"), 64, "takes nothing"), (("send",), 64, "no command 'send'"),
                                  (("add", "nonsense"), 65, "invalid_url"), (("test", "ep_0"), 65, "unknown")):
            result = ctl(server, *words)
            t.true(f"{words}", result.returncode == code and told in result.stderr and not result.stdout, result)


if __name__ == "__main__":
    run(globals())
