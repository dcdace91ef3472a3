#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""backstopctl and access: the keys file edited offline, keys and certificates sent to a server with
TLS. Goal: what it makes lets in, what it takes away does not, and no key goes out in the clear."""
import hashlib
import json
import os
import signal
import subprocess
import tempfile
import time

from harness import Authority, Server, run

BACKSTOPCTL = os.environ.get("BACKSTOPCTL", "")
OWN = ("BACKSTOP_URL", "BACKSTOP_KEY", "BACKSTOP_KEY_FILE", "BACKSTOP_CACERT", "BACKSTOP_CERT",
       "BACKSTOP_CERT_KEY")


def call(*arguments, environment=None):
    clean = {name: value for name, value in os.environ.items() if name not in OWN}
    done = subprocess.run([BACKSTOPCTL, *arguments], capture_output=True, text=True, timeout=60,
                          env={**clean, **(environment or {})}, stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout, done.stderr


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def test_keys_file(t):
    with tempfile.TemporaryDirectory(prefix="backstopd-test-") as folder:
        path = os.path.join(folder, "keys")
        key = lambda *arguments: call("key", *arguments, "--file", path)
        code, out, _ = key("add", "feed1", "--roles", "feed,read", "--items", "50", "--requests", "7")
        made = out.strip()
        t.true("a key is made and printed", code == 0 and made.startswith("bsk_") and len(made) == 68)
        t.equal("its hash is kept, it is not", read(path), "feed1 feed,read sha256:" +
                hashlib.sha256(made.encode()).hexdigest() + " requests=7 items=50\n")
        t.equal("for its owner only", os.stat(path).st_mode & 0o777, 0o600)
        with open(path, "a", encoding="utf-8") as file:
            file.write("# a comment")  # and no newline
        t.equal("a certificate", key("add", "desk", "--roles", "ops", "--subject", "desk.x")[:2], (0, ""))
        other = key("add", "feed2", "--roles", "feed")[1].strip()
        t.true("another key is another", other not in ("", made))
        lines = read(path).splitlines()
        t.equal("in their order", [line.split()[0] for line in lines], ["feed1", "#", "desk", "feed2"])
        rows = [json.loads(line) for line in key("list", "-o", "json")[1].splitlines()]
        t.equal("list", [(r["name"], r["roles"], r["subject"], r["requests"], r["items"]) for r in rows],
                [("feed1", "feed,read", "", 7, 50), ("desk", "ops,read", "desk.x", 0, 0),
                 ("feed2", "feed", "", 0, 0)])
        t.true("list says no hash", "sha256" not in key("list")[1] and "feed1" in key("list")[1])
        before = read(path)
        for arguments, wanted in ((("add", "feed1", "--roles", "feed"), 65), (("rm", "nobody"), 65),
                                  (("add", "x"), 64), (("add", "x", "--roles", "root"), 64),
                                  (("add", "a/b", "--roles", "feed"), 64), (("add",), 64),
                                  (("rm",), 64), (("list", "x"), 64), (("make", "x"), 64),
                                  (("add", "x", "--roles", "feed", "--items", "0"), 64),
                                  (("add", "x", "--roles", "feed", "--subject", "a b"), 64)):
            code, out, error = key(*arguments)
            t.true(f"key {arguments}", code == wanted and out == "" and error != "", (code, out, error))
        t.equal("without --file", call("key", "list")[0], 64)
        t.equal("and changed nothing", read(path), before)
        t.equal("rm", key("rm", "feed1")[0], 0)
        t.equal("the others stay", read(path), "\n".join(lines[1:]) + "\n")
        with open(path, "a", encoding="utf-8") as file:
            file.write("broken\n")
        code, _, error = key("rm", "desk")
        t.true("a broken line is named, not dropped", code == 65 and ":4:" in error, error)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write("another one at work")
        t.equal("nor are two at work", call("key", "add", "y", "--roles", "feed", "--file", path)[0], 65)


def test_against_a_server(t):
    authority = Authority()
    chain = authority.issue("desk", "/CN=desk.x", ["extendedKeyUsage=clientAuth"])
    settings = {"tls_client_ca": authority.certificate}
    with Server(authority=authority, settings=settings, keys={"all": "feed,ops,read"}) as server:
        url = f"https://127.0.0.1:{server.port}"
        file = ("--file", server.keys_path)
        reader = call("key", "add", "reader", "--roles", "read", *file)[1].strip()
        call("key", "add", "desk", "--roles", "ops", "--subject", "desk.x", *file)
        since = len(server.output())
        server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and b"read the keys again keys=3" not in server.output()[since:]:
            time.sleep(0.02)
        key_file = authority.path("reader.key.txt")
        with open(key_file, "w", encoding="utf-8") as text:
            text.write(reader + "\n")
        with_ca = {"BACKSTOP_URL": url, "BACKSTOP_CACERT": authority.certificate}
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and call("pools", "--key", reader, environment=with_ca)[0]:
            time.sleep(0.1)
        for what, arguments, environment in (
                ("--key", ("--key", reader), with_ca),
                ("--key-file", ("--key-file", key_file), with_ca),
                ("BACKSTOP_KEY", (), {**with_ca, "BACKSTOP_KEY": reader}),
                ("BACKSTOP_KEY_FILE", (), {**with_ca, "BACKSTOP_KEY_FILE": key_file}),
                ("--cacert", ("--key", reader, "--cacert", authority.certificate), {"BACKSTOP_URL": url}),
                ("--cert", ("--cert", chain[0], "--cert-key", chain[1]), with_ca)):
            code, _, error = call("pools", *arguments, environment=environment)
            t.true(f"{what} lets in", code == 0, (code, error))
        for what, arguments, environment, wanted in (
                ("no key", (), with_ca, 77), ("a wrong key", ("--key", reader + "x"), with_ca, 77),
                ("an authority it does not know", ("--key", reader), {"BACKSTOP_URL": url}, 69),
                ("a key in two lines", ("--key", "a\nX: b"), with_ca, 64),
                ("a key file that is not there", ("--key-file", "/nowhere"), with_ca, 66)):
            code, _, error = call("pools", *arguments, environment=environment)
            t.true(f"{what}: exit status {wanted}", code == wanted, (code, error))
        code, _, error = call("pools", "--url", "http://192.0.2.1:1", "--key", reader)
        t.true("no key goes out in the clear", code == 64 and "https only" in error, (code, error))
        body = authority.path("day.ndjson")
        with open(body, "w", encoding="utf-8") as text:
            text.write('{"type":"mark","market":"m","price":"1"}\n')
        code, _, error = call("post", body, "--key", reader, environment=with_ca)
        t.true("a post is for feeds", code == 77 and "forbidden" in error, (code, error))
        t.equal("health needs no key", call("health", "--quiet", environment=with_ca)[0], 0)


if __name__ == "__main__":
    run(globals())
