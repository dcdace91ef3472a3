#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Webhooks against live receivers. Goal: what is asked for arrives, signed, in order, with one id
for each notice, whatever the receiver or the daemon does; and nothing is sent where it must not go.

    BACKSTOPD=... tests/http/test_webhooks.py
"""
import datetime
import hashlib
import os
import sqlite3
import ssl
import stat
import struct
import threading
import time

from burst import make_book
from harness import Authority, Server, ordinal, run, wait_until
from receiver import SETTINGS, Receiver, short

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY_PAIR = ("whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9w"
            "dRGg==")


def settle(server, actions):
    server.post("/v1/pools/usdc/settle")
    server.wait_for_actions(actions)


def add(server, receiver, **members):
    answer = server.post("/v1/webhooks", {"url": receiver.url, **members})
    assert answer.status == 201, answer.body
    return answer.json


def show(server, endpoint):
    return server.get(f"/v1/webhooks/{endpoint['id']}").json


def check_sequence(t, what, notices, first=0):
    """In order, without a gap, each id once."""
    previous = first
    wrong = []
    for notice in notices:
        data = notice.json["data"]
        if data["previous_sequence"] != previous or notice.id != f"act_{data['cursor']}":
            wrong.append((notice.id, data["previous_sequence"], previous))
        previous = data["sequence"]
    t.equal(f"{what}: sequence", wrong[:3], [])
    ids = [notice.id for notice in notices]
    t.equal(f"{what}: each id once", len(set(ids)), len(ids))


def test_notices(t):
    """What is sent is what GET /v1/actions says, signed, with its place in the endpoint's sequence."""
    with Receiver() as receiver, Server(settings=SETTINGS) as server:
        endpoint = add(server, receiver, secret=SECRET)
        server.make_insolvency()
        settle(server, 3)
        notices = receiver.wait(3)
        actions = server.actions()
        t.equal("secret as given", endpoint["secret"], SECRET)
        for notice, action in zip(notices, actions):
            body = notice.json
            t.equal("members", list(body), ["type", "timestamp", "data"])
            t.equal("timestamp", body["timestamp"], action["time"])
            sequence = body["data"].pop("sequence")
            body["data"].pop("previous_sequence")
            t.equal("the action", body["data"], action)
            t.equal("sequence", sequence, ordinal(action["cursor"]))
            t.true("signature", notice.is_signed_with(SECRET))
            t.true("no other secret", not notice.is_signed_with("whsec_" + "A" * 32))
            t.true("timestamp of the attempt",
                   abs(int(notice.headers["webhook-timestamp"]) - time.time()) < 60)
            t.equal("media type", notice.headers["content-type"], "application/json")
            t.true("small", len(notice.body) < 20000)
            t.true("no point in the id", "." not in notice.id)
        t.equal("types", [notice.json["type"] for notice in notices],
                ["insurance_fund.drawn", "liquidation.closed", "adl.executed"])
        check_sequence(t, "all", notices)
        shown = wait_until("cursor", lambda: (s := show(server, endpoint))["behind"] == 0 and s)
        t.equal("cursor", ordinal(shown["cursor"]), 3)


def test_filters(t):
    """By pool, account and type; previous_sequence is the last notice that the filter let through."""
    with Receiver() as all_of, Receiver() as mine, Receiver() as typed, Receiver() as other, \
            Receiver() as late, Server(settings=SETTINGS) as server:
        add(server, all_of)
        add(server, mine, accounts=["winner", "somebody"])
        add(server, typed, types=["adl.executed", "liquidation_close"], pools=["usdc"])
        add(server, other, pools=["elsewhere"])
        server.make_insolvency()
        settle(server, 3)
        past = add(server, late, types=["adl"], after="1")
        all_of.wait(3)
        t.equal("account", [short(notice.id) for notice in mine.wait(1)], ["act_3"])
        check_sequence(t, "account", mine.notices)
        t.equal("type", [short(notice.id) for notice in typed.wait(2)], ["act_2", "act_3"])
        check_sequence(t, "type", typed.notices)
        t.equal("from the past", [short(notice.id) for notice in late.wait(1)], ["act_3"])
        check_sequence(t, "from the past", late.notices)
        t.equal("its filter", past["types"], ["adl.executed"])
        t.equal("other pool", other.notices, [])


def test_contract(t):
    """Routes, answers, and what is refused, by name."""
    with Receiver() as receiver, Server(settings=SETTINGS) as server:
        made = add(server, receiver, accounts=["a"], order="parallel")
        path = f"/v1/webhooks/{made['id']}"
        t.true("a secret is made", made["secret"].startswith("whsec_") and len(made["secret"]) == 50)
        shown = server.get(path).json
        t.true("and shown once", "secret" not in shown and "whsec" not in str(shown))
        t.equal("all else is shown", {**shown, "secret": made["secret"]}, made)
        second = add(server, receiver)
        ids = sorted([made["id"], second["id"]])
        t.equal("list", [row["id"] for row in server.pages("/v1/webhooks?limit=1")], ids)
        pages = server.get("/v1/webhooks?limit=2").json
        t.equal("last page", pages["next"], None)
        t.equal("deleted", server.delete(f"/v1/webhooks/{second['id']}").json,
                {"id": second["id"], "deleted": True})
        t.equal("gone", [row["id"] for row in server.pages("/v1/webhooks")], [made["id"]])
        for method, tail in (("GET", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/rotate"),
                             ("POST", "/enable"), ("GET", "/deliveries")):
            answer = server.request(method, f"/v1/webhooks/{second['id']}{tail}")
            t.refused(f"{method} {tail}", answer, 404, "unknown_webhook")
        url = receiver.url
        for body, status, code, naming in (
                ({}, 422, "missing_field", "url"),
                ({"url": url, "filter": 1}, 422, "unknown_field", "filter"),
                ({"url": "not a url"}, 422, "invalid_url", "url"),
                ({"url": "ftp://127.0.0.1/x"}, 422, "invalid_url", "https"),
                ({"url": "file:///etc/passwd"}, 422, "invalid_url", "https"),
                ({"url": "http://user:pass@127.0.0.1:1/"}, 422, "invalid_url", "password"),
                ({"url": "http://10.0.0.1/"}, 422, "address_refused", "range"),
                ({"url": "http://[::1]/"}, 422, "address_refused", "range"),
                ({"url": "http://[::ffff:169.254.169.254]/"}, 422, "address_refused", "range"),
                ({"url": "http://2852039166/latest/meta-data"}, 422, "address_refused", "range"),
                ({"url": "http://0xa9.0xfe.0xa9.0xfe/"}, 422, "address_refused", "range"),
                ({"url": url, "types": ["adl.executed", "nothing"]}, 422, "invalid_value", "types[1]"),
                ({"url": url, "types": ["webhook.test"]}, 422, "invalid_value", "types[0]"),
                ({"url": url, "types": "adl"}, 422, "wrong_type", "types"),
                ({"url": url, "pools": [1]}, 422, "wrong_type", "pools"),
                ({"url": url, "accounts": [""]}, 422, "invalid_name", "accounts"),
                ({"url": url, "order": "any"}, 422, "invalid_value", "order"),
                ({"url": url, "batch_max": 0}, 422, "invalid_value", "batch_max"),
                ({"url": url, "signature": "rsa"}, 422, "invalid_value", "signature"),
                ({"url": url, "secret": "whsec_c2hvcnQ="}, 422, "invalid_secret", "secret"),
                ({"url": url, "secret": SECRET, "signature": "ed25519"}, 422, "invalid_secret",
                 "secret"),
                ({"url": url, "after": "1"}, 422, "invalid_value", "after"),
                ({"url": url, "after": "x"}, 422, "invalid_value", "after")):
            t.refused(str(body), server.post("/v1/webhooks", body), status, code, naming)
        for body, naming in (({"from": "0", "to": "1"}, "from"), ({"from": "2", "to": "1"}, "to"),
                             ({"from": "1", "to": "1"}, "to")):
            t.refused(str(body), server.post(path + "/redeliver", body), 422, "invalid_value", naming)
        t.refused("no body", server.post(path + "/redeliver"), 400, "empty_body")
        mode = stat.S_IMODE(os.stat(os.path.join(server.data, "webhooks.db")).st_mode)
        t.equal("nobody else reads the secrets", mode, 0o600)


def test_defaults_are_strict(t):
    """Without settings: https, two ports, no private address."""
    with Server() as server:
        for url, code, naming in (
                ("http://example.org/", "invalid_url", "http is not allowed"),
                ("https://example.org:22/", "invalid_url", "port"),
                ("https://127.0.0.1/", "address_refused", "range"),
                ("https://192.168.0.1:8443/", "address_refused", "range"),
                ("https://[::ffff:0:127.0.0.1]/", "address_refused", "range"),
                ("https://[5f00::1]/", "address_refused", "range"),
                ("https://192.31.196.1/", "address_refused", "range"),
                ("https:///x", "invalid_url", "does not begin with https:// and a host"),
                ("https:/x", "invalid_url", "does not begin with https:// and a host"),
                ("https://b\u00fccher.example/", "invalid_url", "punycode"),
                ("https://" + "a" * 64 + ".example/", "invalid_url", "a label of its host"),
                ("https://" + "a." * 126 + "aa/", "invalid_url", "over 253 bytes")):
            t.refused(url, server.post("/v1/webhooks", {"url": url}), 422, code, naming)
        t.equal("a name is taken", server.post("/v1/webhooks", {"url": "https://localhost/"}).status, 201)


def test_names_are_checked_when_connecting(t):
    """A name that leads to an address that is not allowed: nothing reaches what listens there."""
    settings = {**SETTINGS, "webhooks_allow_cidrs": "127.0.0.2/32"}
    with Receiver() as receiver, Server(settings=settings) as server:
        answer = server.post("/v1/webhooks", {"url": f"http://localhost:{receiver.port}/"})
        path = f"/v1/webhooks/{answer.json['id']}"
        tested = server.post(path + "/test").json
        t.equal("not delivered", (tested["delivered"], tested["status"]), (False, None))
        t.true("why", "notices are not sent to the address" in tested["error"], tested)
        t.equal("nobody connected", receiver.connections, [])
        t.true("metric", b'attempts_total{result="refused"} 1' in server.get("/metrics").body)


def test_tls(t):
    """A receiver is believed when an authority that the settings name has signed its certificate."""
    authority = Authority()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.issue_server())
    settings = {**SETTINGS, "webhooks_allow_http": "no"}
    with Receiver(context=context) as receiver:
        with Server(settings=settings) as server:
            endpoint = add(server, receiver)
            tested = server.post(f"/v1/webhooks/{endpoint['id']}/test").json
            t.equal("a stranger", (tested["delivered"], tested["status"]), (False, None))
            t.true("why", "certificate" in tested["error"], tested)
            t.equal("nothing was said to it", receiver.notices, [])
        settings["webhooks_ca_file"] = authority.certificate
        with Server(settings=settings) as server:
            endpoint = add(server, receiver)
            server.make_insolvency()
            settle(server, 3)
            check_sequence(t, "known", receiver.wait(3))
            t.equal("one connection", len(receiver.connections), 2)
            named = server.post("/v1/webhooks", {"url": receiver.url.replace("127.0.0.1", "[::1]")})
            t.refused("another address", named, 422, "address_refused")


def test_no_redirects(t):
    """3xx is a failure, and its Location is not visited."""
    with Receiver() as trap, \
            Receiver(lambda notice: (302, {"Location": trap.url}, 0)) as receiver, \
            Server(settings=SETTINGS) as server:
        endpoint = add(server, receiver)
        tested = server.post(f"/v1/webhooks/{endpoint['id']}/test").json
        t.equal("failed", (tested["delivered"], tested["status"]), (False, 302))
        t.equal("not followed", trap.notices, [])


def test_retries_in_order(t):
    """A receiver that fails every other request: order kept, nothing skipped, the same id again."""
    calls = []

    def answer(_):
        calls.append(0)
        return (500 if len(calls) % 2 else 204, {}, 0)

    with Receiver(answer) as receiver, Server(settings=SETTINGS) as server:
        endpoint = add(server, receiver)
        server.make_insolvency()
        settle(server, 3)
        notices = receiver.wait(3)
        t.equal("each twice", [short(notice.id) for notice in notices],
                ["act_1", "act_1", "act_2", "act_2", "act_3", "act_3"])
        check_sequence(t, "accepted", receiver.accepted())
        gaps = [b.time_s - a.time_s for a, b in zip(notices[::2], notices[1::2])]
        t.true("not before the ladder says", all(gap > 0.85 for gap in gaps), gaps)
        history = server.pages(f"/v1/webhooks/{endpoint['id']}/deliveries?limit=2")
        wait_until("history", lambda: len(server.pages(
            f"/v1/webhooks/{endpoint['id']}/deliveries")) == 6)
        history = server.pages(f"/v1/webhooks/{endpoint['id']}/deliveries?limit=4")
        t.equal("history", [(short(row["id"]), row["attempt"], row["delivered"], row["status"])
                            for row in history],
                [(f"act_{n}", a, a == 2, 204 if a == 2 else 500) for n in (1, 2, 3) for a in (1, 2)])
        t.true("next attempt", all((row["next_attempt"] is None) == row["delivered"]
                                   for row in history), history)
        t.true("latency", history[1]["latency_ms"] >= 850 and history[0]["latency_ms"] is None,
               history[:2])


def test_a_flaky_receiver_is_not_taken_for_dead(t):
    """One that takes most and fails a notice several times: that one does not wait for minutes."""
    failed = []

    def answer(notice):
        fails = short(notice.id) == "act_6" and len(failed) < 5
        if fails:
            failed.append(notice.id)
        return (500 if fails else 204, {}, 0)

    with Receiver(answer) as receiver, Server(settings=SETTINGS) as server:
        make_book(server, 20)
        endpoint = add(server, receiver, types=["adl"])
        settle(server, 40)
        receiver.wait(20, timeout_s=60)  # by the steps alone it would be 2.5 minutes
        check_sequence(t, "accepted", receiver.accepted())
        t.equal("tried again and again", len(receiver.notices), 25)
        t.equal("enabled", show(server, endpoint)["state"], "enabled")


def test_one_bad_notice_climbs_all_the_same(t):
    """A notice that always fails while others are taken is not tried every second for ever."""
    def answer(notice):
        return (500 if notice.json["data"].get("sequence") == 2 else 204, {}, 0)

    def waits(row):
        clock = datetime.datetime.fromisoformat
        return short(row["id"]) == "act_2" and (
            clock(row["next_attempt"][:-1]) - clock(row["time"][:-1])).total_seconds() > 20

    with Receiver(answer) as receiver, Server(settings=SETTINGS) as server:
        make_book(server, 10)
        endpoint = add(server, receiver, types=["adl"], order="parallel")
        settle(server, 20)
        receiver.wait(9)
        path = f"/v1/webhooks/{endpoint['id']}/deliveries"
        wait_until("a step of 30 s", lambda: any(waits(row) for row in server.pages(path)), 60)
        t.equal("the cursor waits", ordinal(show(server, endpoint)["cursor"]), 0)


def test_retry_after(t):
    """Retry-After makes the wait longer."""
    calls = []

    def answer(_):
        calls.append(0)
        return (503, {"Retry-After": "3"}, 0) if len(calls) == 1 else (204, {}, 0)

    with Receiver(answer) as receiver, Server(settings=SETTINGS) as server:
        add(server, receiver)
        server.make_insolvency()
        settle(server, 3)
        first, second = receiver.wait(3)[:2]
        t.equal("the same", first.id, second.id)
        t.true("3 s", second.time_s - first.time_s > 2.9, second.time_s - first.time_s)


def test_gone(t):
    """410 disables; who asked for it hears of it; enabled again it goes on where it was."""
    gone = [True]
    with Receiver(lambda notice: (410 if gone[0] else 204, {}, 0)) as receiver, Receiver() as ops, \
            Server(settings=SETTINGS) as server:
        endpoint = add(server, receiver)
        watcher = add(server, ops, types=["webhook.endpoint_disabled"])
        path = f"/v1/webhooks/{endpoint['id']}"
        server.make_insolvency()
        settle(server, 3)
        notice = ops.wait(1)[0]
        t.equal("event", notice.json["type"], "webhook.endpoint_disabled")
        t.equal("about", (notice.json["data"]["webhook"], notice.json["data"]["reason"]),
                (endpoint["id"], "gone"))
        t.true("signed", notice.is_signed_with(watcher["secret"]))
        shown = show(server, endpoint)
        t.equal("state", (shown["state"], shown["disabled_reason"]), ("disabled", "gone"))
        t.true("since", shown["disabled_at"] is not None)
        t.equal("one attempt", len(receiver.notices), 1)
        t.refused("redeliver", server.post(path + "/redeliver", {"from": "1", "to": "2"}), 409,
                  "webhook_disabled")
        t.true("metric", b'webhook_endpoints{state="disabled"} 1' in server.get("/metrics").body)
        server.kill9()
        with Server(data=server.data, settings=SETTINGS) as again:
            t.equal("still", show(again, endpoint)["state"], "disabled")
            t.equal("tested all the same", again.post(path + "/test").json["status"], 410)
            gone[0] = False
            t.equal("enabled", again.post(path + "/enable").json["state"], "enabled")
            receiver.wait(3)
            check_sequence(t, "nothing was lost", receiver.accepted())


def test_failing_for_long(t):
    """An endpoint that only fails is disabled after the time in the settings."""
    settings = {**SETTINGS, "webhooks_disable_after_s": "3"}
    with Receiver(lambda notice: (500, {}, 0)) as receiver, Server(settings=settings) as server:
        endpoint = add(server, receiver)
        server.make_insolvency()
        settle(server, 3)
        wait_until("disabled", lambda: show(server, endpoint)["state"] == "disabled")
        shown = show(server, endpoint)
        t.equal("reason", (shown["disabled_reason"], shown["last_error"]), ("failing", "answered 500"))
        t.equal("only the first was tried", {short(notice.id) for notice in receiver.notices}, {"act_1"})
        t.equal("nothing else was passed over", ordinal(shown["cursor"]), 0)


def test_rotation(t):
    """Two signatures while the old secret is valid; one afterwards; at most four at a time."""
    with Receiver() as receiver, Server(settings=SETTINGS) as server:
        endpoint = add(server, receiver)
        path = f"/v1/webhooks/{endpoint['id']}"
        rotated = server.post(path + "/rotate", {"overlap_s": 3600}).json
        t.true("a new one", rotated["secret"] != endpoint["secret"])
        t.equal("one before it", len(rotated["earlier_keys"]), 1)
        server.post(path + "/test")
        notice = receiver.notices[-1]
        t.equal("two signatures", len(notice.headers["webhook-signature"].split()), 2)
        t.true("both", notice.is_signed_with(endpoint["secret"]) and
               notice.is_signed_with(rotated["secret"]))
        server.kill9()
        with Server(data=server.data, settings=SETTINGS) as again:
            again.post(path + "/test")
            t.true("both after a restart", receiver.notices[-1].is_signed_with(endpoint["secret"]))
            chosen = again.post(path + "/rotate", {"secret": SECRET, "overlap_s": 0}).json
            t.equal("at once", (chosen["secret"], chosen["earlier_keys"]), (SECRET, []))
            again.post(path + "/test")
            notice = receiver.notices[-1]
            t.equal("one signature", len(notice.headers["webhook-signature"].split()), 1)
            t.true("the new one", notice.is_signed_with(SECRET))
            for _ in range(3):
                t.equal("rotate without a body", again.post(path + "/rotate").status, 200)
            t.refused("a fifth", again.post(path + "/rotate"), 409, "too_many_secrets")
            t.refused("too long", again.post(path + "/rotate", {"overlap_s": 2592001}), 422,
                      "invalid_value", "overlap_s")


def test_ed25519(t):
    """The public key is always shown, the private one never."""
    with Receiver() as receiver, Server(settings=SETTINGS) as server:
        endpoint = add(server, receiver, signature="ed25519", secret=KEY_PAIR)
        t.equal("public", endpoint["public_key"], "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
        t.true("private", "whsk" not in str(endpoint) and "secret" not in endpoint)
        t.equal("later", show(server, endpoint)["public_key"], endpoint["public_key"])
        server.post(f"/v1/webhooks/{endpoint['id']}/test")
        signature = receiver.notices[-1].headers["webhook-signature"]
        t.true("v1a", signature.startswith("v1a,") and len(signature) == 4 + 88, signature)


def test_redeliver(t):
    """A part of the log once more, under the same ids, with the same place in the sequence."""
    with Receiver() as receiver, Server(settings=SETTINGS) as server:
        make_book(server, 600)
        endpoint = add(server, receiver, types=["adl"])
        path = f"/v1/webhooks/{endpoint['id']}"
        settle(server, 1200)
        first = list(receiver.wait(600))
        answer = server.post(path + "/redeliver", {"from": "501", "to": "1100"})
        t.equal("accepted", answer.status, 202)
        t.equal("range", (answer.json["redelivery"]["from"], answer.json["redelivery"]["to"]),
                (server.cursor(501), server.cursor(1100)))
        again = receiver.wait(900)[600:]
        t.equal("the same notices", [notice.body for notice in again],
                [notice.body for notice in first[250:550]])
        wait_until("the end", lambda: show(server, endpoint)["redelivery"] is None)
        t.equal("once each", len(receiver.notices), 900)
        late = add(server, receiver, types=["adl"])
        server.post(f"/v1/webhooks/{late['id']}/redeliver", {"from": "800", "to": "803"})
        older = receiver.wait(902)[900:]
        t.equal("from before the endpoint was made", [notice.body for notice in older],
                [first[399].body, first[400].body])


def test_batches(t):
    """Asked for, several notices come in one request; each has its own id and place."""
    with Receiver(lambda notice: (204, {}, 0.2)) as receiver, Server(settings=SETTINGS) as server:
        make_book(server, 500)
        endpoint = add(server, receiver, types=["adl"], batch_max=100)
        settle(server, 1000)
        wait_until("all", lambda: ordinal(show(server, endpoint)["cursor"]) == 1000)
        sizes = [len(notice.json["data"]["notices"]) for notice in receiver.notices]
        t.true("few requests", len(sizes) < 20 and max(sizes) == 100 and sum(sizes) == 500, sizes)
        rows = [row for notice in receiver.notices for row in notice.json["data"]["notices"]]
        t.equal("ids", [short(row["id"]) for row in rows], [f"act_{2 * n}" for n in range(1, 501)])
        t.equal("sequence", [row["data"]["previous_sequence"] for row in rows],
                [2 * n for n in range(0, 500)])
        t.true("ids of the requests differ", len({n.id for n in receiver.notices}) == len(sizes))
        t.true("signed", all(n.is_signed_with(endpoint["secret"]) for n in receiver.notices))


def test_parallel(t):
    """Several at a time; one that fails until all others were taken holds up none of them."""
    def answer(notice):
        fails = notice.json["data"].get("sequence") == 2 and len(receiver.accepted()) < 199
        return (503 if fails else 204, {}, 0.05)

    with Receiver(answer) as receiver, Server(settings=SETTINGS) as server:
        make_book(server, 200)
        endpoint = add(server, receiver, order="parallel", types=["adl"])
        settle(server, 400)
        receiver.wait(200)
        accepted = [notice.id for notice in receiver.accepted()]
        t.equal("all, once", (len(accepted), len(set(accepted))), (200, 200))
        t.equal("the failed one last", short(accepted[-1]), "act_2")
        t.true("several connections", len(receiver.connections) > 4, len(receiver.connections))
        wait_until("the end", lambda: ordinal(show(server, endpoint)["cursor"]) == 400)


def test_one_does_not_delay_another(t):
    """A slow, a dead and a failing receiver beside a fast one; the core answers all the while."""
    with Receiver() as fast, Receiver(lambda notice: (204, {}, 2)) as slow, \
            Receiver(lambda notice: (500, {}, 0)) as failing, Receiver() as dead, \
            Server(settings=SETTINGS) as server:
        dead.close()
        add(server, slow)
        add(server, failing)
        add(server, dead)
        add(server, fast)
        make_book(server, 500)
        settle(server, 1000)
        fast.wait(1000)
        check_sequence(t, "fast", fast.notices)
        t.true("the slow one is not through", len(slow.notices) < 100, len(slow.notices))
        t.equal("the core answers", server.get("/v1/pools/usdc").status, 200)


def test_large_and_endless_answers(t):
    """An answer is read up to 4 KiB: what counts is its status."""
    with Receiver(lambda notice: (200, {"X": "y" * 2000}, 0)) as receiver, \
            Server(settings=SETTINGS) as server:
        endpoint = add(server, receiver)
        original = receiver.take

        def take(connection, notice):
            with receiver.changed:
                notice.status = 200
                receiver.notices.append(notice)
                receiver.changed.notify_all()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 100000)

        receiver.take = take
        tested = server.post(f"/v1/webhooks/{endpoint['id']}/test").json
        t.equal("delivered", (tested["delivered"], tested["status"]), (True, 200))
        receiver.take = original


def test_silent_receiver(t):
    """A receiver that never answers is given up at the timeout; a test says so."""
    settings = {**SETTINGS, "webhooks_timeout_ms": "500"}
    with Receiver(lambda notice: (204, {}, 30)) as receiver, Server(settings=settings) as server:
        endpoint = add(server, receiver)
        tested = server.post(f"/v1/webhooks/{endpoint['id']}/test").json
        t.equal("not delivered", (tested["delivered"], tested["status"]), (False, None))
        t.true("why", "timed out" in tested["error"].lower(), tested)


def burst_over_crashes(members, expected, parts=(300, 700, 1100)):
    """kill -9 in the middle of a burst, several times; what was accepted before may come again."""
    with Receiver(lambda notice: (204, {}, 0.001)) as receiver, Server(settings=SETTINGS) as first:
        make_book(first, 1500)
        add(first, receiver, types=["adl"], **members)
        settle(first, 3000)
        data, server = first.data, first
        for part in parts:
            receiver.wait(part)
            server.kill9()
            server = Server(data=data, settings=SETTINGS)
            server.start()
        try:
            receiver.wait(0, condition=lambda notices: len(expected(notices)) == 1500)
        finally:
            server.close()
        return receiver.accepted(), expected(receiver.accepted())


def first_of_each(notices):
    return list({notice.id: notice for notice in notices}.values())


def test_kill9_in_order(t):
    """Nothing missing, no second id, order kept: repeated notices are the same bytes."""
    accepted, found = burst_over_crashes({}, first_of_each)
    check_sequence(t, "first of each", found)
    by_id = {notice.id: notice.body for notice in found}
    t.true("repeats are the same", all(notice.body == by_id[notice.id] for notice in accepted))
    t.true("few repeats", len(accepted) < 1500 + 3 * 600, len(accepted))


def test_kill9_parallel(t):
    accepted, found = burst_over_crashes({"order": "parallel"}, first_of_each)
    by_id = {notice.id: notice.body for notice in found}
    t.equal("all", sorted(map(short, by_id), key=lambda i: int(i[4:])), [f"act_{2 * n}" for n in range(1, 1501)])
    t.true("repeats are the same", all(notice.body == by_id[notice.id] for notice in accepted))


def rows_of(notices):
    return list({row["id"]: row for notice in notices for row in notice.json["data"]["notices"]}
                .values())


def test_kill9_batches(t):
    """A batch that comes again holds the same notices under the same id."""
    accepted, rows = burst_over_crashes({"batch_max": 40}, rows_of, (5, 15, 25))
    t.equal("all in order", [short(row["id"]) for row in rows], [f"act_{2 * n}" for n in range(1, 1501)])
    first = {}
    wrong = [notice.id for notice in accepted if first.setdefault(notice.id, notice.body) != notice.body]
    t.equal("the same under the same id", wrong, [])
    ids = [row["id"] for notice in first_of_each(accepted) for row in notice.json["data"]["notices"]]
    t.equal("no notice under two ids", len(ids), len(set(ids)))


def test_failed_notice_survives(t):
    """The failures of a notice, and when it is due, are remembered over a crash."""
    state = {"status": 500}
    with Receiver(lambda notice: (state["status"], {"Retry-After": "4"}, 0)) as receiver, \
            Server(settings=SETTINGS) as server:
        endpoint = add(server, receiver)
        server.make_insolvency()
        settle(server, 3)
        receiver.wait(1, condition=lambda notices: len(notices) >= 1)
        wait_until("saved", lambda: len(server.pages(
            f"/v1/webhooks/{endpoint['id']}/deliveries")) == 1)
        failed = receiver.notices[0]
        server.kill9()
        state["status"] = 204
        with Server(data=server.data, settings=SETTINGS) as again:
            t.equal("failures", show(again, endpoint)["failed_attempts"], 1)
            receiver.wait(3)
            check_sequence(t, "accepted", receiver.accepted())
            t.true("not before it was due", receiver.notices[1].time_s - failed.time_s > 3.8,
                   receiver.notices[1].time_s - failed.time_s)


def test_a_database_that_cannot_be_written(t):
    """What a client asks for is then refused and undone; notices still arrive, and none is lost."""
    with Receiver() as receiver, Server(settings=SETTINGS) as server:
        endpoint = add(server, receiver)
        path = f"/v1/webhooks/{endpoint['id']}"
        holder = sqlite3.connect(os.path.join(server.data, "webhooks.db"), isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        t.refused("create", server.post("/v1/webhooks", {"url": receiver.url}), 500, "internal")
        t.refused("rotate", server.post(path + "/rotate"), 500, "internal")
        t.refused("delete", server.delete(path), 500, "internal")
        server.make_insolvency()
        settle(server, 3)
        check_sequence(t, "all the same", receiver.wait(3))
        wait_until("metric", lambda: b"webhook_save_failures_total 0" not in server.get("/metrics").body)
        holder.execute("ROLLBACK")
        holder.close()
        t.equal("as before", [row["id"] for row in server.pages("/v1/webhooks")], [endpoint["id"]])
        wait_until("saved", lambda: len(server.pages(path + "/deliveries")) == 3)
        server.post(path + "/test")
        t.true("the old secret", receiver.notices[-1].is_signed_with(endpoint["secret"]))
        server.kill9()
        with Server(data=server.data, settings=SETTINGS) as again:
            t.equal("not sent again", ordinal(show(again, endpoint)["cursor"]), 3)


def test_damaged_database(t):
    """A database that is not one stops the start, with its name."""
    with Server(settings=SETTINGS) as server:
        server.stop()
        for name in ("webhooks.db-wal", "webhooks.db-shm"):
            path = os.path.join(server.data, name)
            if os.path.exists(path):
                os.unlink(path)
        with open(os.path.join(server.data, "webhooks.db"), "wb") as file:
            file.write(b"no database at all" * 500)
        again = Server(data=server.data, settings=SETTINGS)
        try:
            again.start()
            t.true("refused", False)
        except RuntimeError as error:
            t.true("refused", "webhooks.db" in str(error), str(error))


def test_a_version_of_the_future(t):
    with Server(settings=SETTINGS) as server:
        server.stop()
        db = sqlite3.connect(os.path.join(server.data, "webhooks.db"))
        db.execute("PRAGMA user_version=99")
        db.commit()
        db.close()
        again = Server(data=server.data, settings=SETTINGS)
        try:
            again.start()
            t.true("refused", False)
        except RuntimeError as error:
            t.true("refused", "another version" in str(error), str(error))


SUMMED = {"endpoint": "id = ? ORDER BY id", "secret": "endpoint = ? ORDER BY place",
          "lane": "endpoint = ? ORDER BY kind", "message": "endpoint = ? ORDER BY kind, place"}
TYPES = {int: 1, str: 3, bytes: 4, type(None): 5}


def sum_of(db, endpoint):
    """docs/log.md: over all values of the endpoint's rows, with their types and sizes."""
    rows = bytes(32)
    for place, (table, which) in enumerate(SUMMED.items()):
        rows += struct.pack("<I", place)
        for row in db.execute(f"SELECT * FROM {table} WHERE {which}", (endpoint,)):
            for value in row:
                data = value.encode() if isinstance(value, str) else value or b""
                is_number = isinstance(value, int)
                rows += struct.pack("<iq", TYPES[type(value)], value if is_number else len(data))
                rows += b"" if is_number else data
    return hashlib.sha256(rows).digest()


def make_version_3(data):
    """webhooks.db as the builds before wrote it: two columns fewer, which the sums covered."""
    db = sqlite3.connect(os.path.join(data, "webhooks.db"), isolation_level=None)
    ids = [row[0] for row in db.execute("SELECT id FROM endpoint")]
    stored = [db.execute("SELECT bytes FROM sum WHERE endpoint = ?", (name,)).fetchone()[0] for name in ids]
    same = stored == [sum_of(db, name) for name in ids]
    db.execute("ALTER TABLE endpoint DROP COLUMN failed_ms")
    db.execute("ALTER TABLE message DROP COLUMN wait_ms")
    for name in ids:
        db.execute("UPDATE sum SET bytes = ? WHERE endpoint = ?", (sum_of(db, name), name))
    db.execute("PRAGMA user_version=3")
    db.close()
    return same


def test_a_database_of_version_3(t):
    """It is checked as it was saved and then upgraded, with its endpoints, their secrets and failed notices."""
    state = {"status": 500}
    with Receiver(lambda notice: (state["status"], {"Retry-After": "1"}, 0)) as receiver, \
            Server(settings=SETTINGS) as server:
        endpoints = [add(server, receiver) for _ in range(2)]
        server.make_insolvency()
        settle(server, 1)
        wait_until("failed", lambda: all(show(server, row)["failed_attempts"] > 0 for row in endpoints))
        server.stop()
        t.true("the sums are those of docs/log.md", make_version_3(server.data))
        with sqlite3.connect(os.path.join(server.data, "webhooks.db")) as db:
            db.execute("UPDATE endpoint SET attempts = attempts + 1 WHERE id = ?", (endpoints[0]["id"],))
        db.close()
        refused = Server(data=server.data, settings=SETTINGS)
        try:
            refused.start()
            t.true("refused", False)
        except RuntimeError as error:
            t.true("one that was changed is refused", "is not as it was saved" in str(error), str(error))
        with sqlite3.connect(os.path.join(server.data, "webhooks.db")) as db:
            t.equal("and left as it is", db.execute("PRAGMA user_version").fetchone()[0], 3)
            db.execute("UPDATE endpoint SET attempts = attempts - 1 WHERE id = ?", (endpoints[0]["id"],))
        db.close()
        state["status"] = 204
        for turn in ("upgraded", "started again"):
            with Server(data=server.data, settings=SETTINGS) as again:
                t.equal(turn, [row["id"] for row in again.pages("/v1/webhooks")],
                        sorted(row["id"] for row in endpoints))
                wait_until("delivered", lambda: all(show(again, row)["failed_attempts"] == 0 for row in endpoints))
                tested = again.post(f"/v1/webhooks/{endpoints[0]['id']}/test").json
                notice = next(row for row in receiver.notices if row.id == tested["id"])
                t.true("the secret", notice.is_signed_with(endpoints[0]["secret"]))
                again.stop()


def test_stop_while_sending(t):
    """A clean stop ends in time; who waits for a test is told; nothing is lost."""
    with Receiver(lambda notice: (204, {}, 5)) as receiver, Server(settings=SETTINGS) as server:
        endpoint = add(server, receiver)
        answers = []
        waiter = threading.Thread(target=lambda: answers.append(
            server.post(f"/v1/webhooks/{endpoint['id']}/test")))
        waiter.start()
        receiver.wait(1, condition=lambda notices: len(notices) >= 1)
        t.equal("stopped", server.stop(), 0)
        waiter.join()
        t.refused("the test", answers[0], 503, "not_ready")


if __name__ == "__main__":
    run(globals())
