#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Names that change their mind. Goal: a webhook goes where its name leads only while that is a
public address; when the name server then says a private one, the socket is refused, and what
listens there never hears of it. With the system's resolver, a live name server and sockets that
would be reached: in a network namespace that has a public address and that of a metadata service.

    BACKSTOPD=... tests/http/test_webhooks_dns.py
"""
import socket
import time

from contextlib import ExitStack
from harness import Server, run
from receiver import Receiver, short
from resolver import NameServer, enter

PUBLIC, OTHER_PUBLIC, METADATA, PRIVATE = ("93.184.215.14", "93.184.215.15", "169.254.169.254",
                                           "10.11.12.13")
ADDRESSES = [PUBLIC, OTHER_PUBLIC, METADATA, PRIVATE]
TRAPS = [METADATA, PRIVATE, "127.0.0.1", "::1"]
SETTINGS = {"webhooks_allow_http": "yes", "webhooks_ports": "80"}
KEPT_S = 5  # NAMES_KEPT_S of daemon/webhooks/transport.c
REFUSED = [METADATA, PRIVATE, "127.0.0.1", "0.0.0.0", "::1", "::", f"::ffff:{METADATA}",
           "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "fd00:ec2::254", "fe80::1"]


def once(_):
    """An answer after which the next request needs a connection, and so an address, again."""
    return 204, {"Connection": "close"}, 0


class World:
    """A name server, somebody public, traps where private addresses are, and a daemon."""

    def __init__(self, names):
        self.names = names
        self.stack = ExitStack()

    def __enter__(self):
        enter = self.stack.enter_context
        self.resolver = enter(NameServer(self.names))
        self.public = enter(Receiver(once, address=(PUBLIC, 80)))
        self.traps = [enter(Receiver(address=(address, 80))) for address in TRAPS]
        self.server = enter(Server(settings=SETTINGS))
        return self

    def __exit__(self, *details):
        return self.stack.__exit__(*details)

    def add(self, name):
        answer = self.server.post("/v1/webhooks", {"url": f"http://{name}/hook"})
        assert answer.status == 201, answer.body
        return f"/v1/webhooks/{answer.json['id']}"

    def test(self, path):
        return self.server.post(path + "/test").json

    def trapped(self):
        return sum(len(trap.connections) for trap in self.traps)


def test_traps_can_be_reached(t):
    """Or the other tests would say nothing."""
    with World({"trap.example": [METADATA]}) as world:
        t.equal("the resolver is ours", socket.gethostbyname("trap.example"), METADATA)
        for trap in world.traps:
            socket.create_connection(trap.address).close()
        deadline = time.monotonic() + 10
        while world.trapped() < len(TRAPS) and time.monotonic() < deadline:
            time.sleep(0.01)
        t.equal("all", world.trapped(), len(TRAPS))


def test_changes_its_mind(t):
    """Public at first, then the metadata service, then public again."""
    with World({"hook.example": [PUBLIC]}) as world:
        path = world.add("hook.example")
        t.true("public: delivered", world.test(path)["delivered"])
        world.names["hook.example"] = [METADATA]
        time.sleep(KEPT_S + 1)
        tested = world.test(path)
        t.equal("private: not delivered", (tested["delivered"], tested["status"]), (False, None))
        t.true("why", f"notices are not sent to the address {METADATA}" in tested["error"], tested)
        t.equal("the name server was asked twice, and said so", [
            found for name, found in world.resolver.asked if name == "hook.example" and found],
            [[PUBLIC], [METADATA]])
        world.server.make_insolvency()
        world.server.post("/v1/pools/usdc/settle")
        world.server.wait_for_actions(3)
        t.equal("notices wait", len(world.public.notices), 1)
        world.names["hook.example"] = [PUBLIC]
        notices = world.public.wait(4)
        t.equal("public again: nothing is lost", [short(notice.id) for notice in notices[1:]],
                ["act_1", "act_2", "act_3"])
        t.equal("what listens on private addresses heard nothing", world.trapped(), 0)


def test_private_among_public(t):
    """One answer with both: where the public one does not answer, the private one is not tried."""
    with World({"both.example": [OTHER_PUBLIC, METADATA, "::1"]}) as world:
        tested = world.test(world.add("both.example"))
        t.equal("not delivered", (tested["delivered"], tested["status"]), (False, None))
        t.equal("nobody heard of it", world.trapped(), 0)


def test_kinds(t):
    """Every kind of private address that a name can lead to."""
    names = {f"n{number}.example": [address] for number, address in enumerate(REFUSED)}
    with World(names) as world:
        for name, (address,) in names.items():
            tested = world.test(world.add(name))
            t.equal(f"{address}: not delivered", (tested["delivered"], tested["status"]),
                    (False, None))
            t.true(f"{address}: why", "notices are not sent to the address" in tested["error"], tested)
        t.equal("nobody heard of it", world.trapped(), 0)
        t.true("metric", f'attempts_total{{result="refused"}} {len(REFUSED)}'.encode() in
               world.server.get("/metrics").body)


if __name__ == "__main__":
    enter(ADDRESSES)
    run(globals())
