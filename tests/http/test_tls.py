#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TLS: which versions and ciphers, certificates that are replaced under open connections, client
certificates as keys, and the starts that are refused. Certificates are made by openssl."""
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import warnings

from harness import Authority, Server, binary, closed_after, run, wait_for

warnings.simplefilter("ignore", DeprecationWarning)  # old versions are asked for on purpose
OLD = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
GOOD = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def context_of(server, version=None, ciphers=None, chain=None):
    context = ssl.create_default_context(cafile=server.authority.certificate)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if ciphers is not None:
        context.set_ciphers(ciphers)
    if chain is not None:
        context.load_cert_chain(*chain)
    return context


def handshake(server, context):
    """Version and cipher agreed on, or why not."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
        try:
            with context.wrap_socket(sock, server_hostname="127.0.0.1") as wrapped:
                return wrapped.version(), wrapped.cipher()[0]
        except (ssl.SSLError, ConnectionError, TimeoutError) as error:
            return None, str(error)


def test_versions(t):
    with Server(authority=Authority()) as server:
        for version in OLD:
            agreed = handshake(server, context_of(server, version, "ALL:@SECLEVEL=0"))
            t.equal(f"{version.name} is refused", agreed[0], None)
        for version in GOOD:
            agreed = handshake(server, context_of(server, version))
            t.equal(f"{version.name} is taken", agreed[0], version.name.replace("_", "."))
        for ciphers in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384",
                        "DHE-RSA-AES256-GCM-SHA384", "aNULL:eNULL:@SECLEVEL=0"):
            agreed = handshake(server, context_of(server, GOOD[0], ciphers))
            t.equal(f"{ciphers} is refused", agreed[0], None)
        for ciphers in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"):
            agreed = handshake(server, context_of(server, GOOD[0], ciphers))
            t.equal(f"{ciphers} is taken", agreed[1], ciphers)
        fallback = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-tls1_2",
             "-fallback_scsv"], input=b"", capture_output=True, timeout=30, check=False)
        t.true("a fallback that should not be is noticed", fallback.returncode != 0 and
               b"Cipher is (NONE)" in fallback.stdout, fallback.stderr[-300:])
        plain = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            answer = plain.recv(100)
        except ConnectionError:
            answer = b""
        t.true("plain HTTP gets no answer", not answer.startswith(b"HTTP"), answer)
        plain.close()
        t.equal("the server is well", server.get("/healthz").status, 200)


def test_renegotiation(t):
    """A client of TLS 1.2 that wants the handshake again and again gets nothing for it."""
    with Server(authority=Authority()) as server:
        asked = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-tls1_2"],
            input=b"R\n" * 20, capture_output=True, timeout=30, check=False)
        t.true("no second handshake", asked.stdout.count(b"Server certificate") <= 1 and
               b"RENEGOTIATING" in asked.stdout + asked.stderr, asked.stderr[-300:])
        t.equal("the server is well", server.get("/healthz").status, 200)


def serial(server):
    """Of the certificate that a new connection sees."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
        with server.tls.wrap_socket(sock, server_hostname="127.0.0.1") as wrapped:
            return wrapped.getpeercert()["serialNumber"]


def test_reload(t):
    authority = Authority()
    with Server(authority=authority) as server:
        first = serial(server)
        kept = [server.connect() for _ in range(10)]
        for connection in kept:
            t.equal("before", server.get("/v1/pools", connection=connection).status, 200)
        waiting = server.connect()
        waiting.request("GET", "/v1/actions?wait_ms=3000")
        for _ in range(6):  # several times: what was replaced and is still used must stay
            authority.issue_server()
            t.true("read again", server.reload(b"read the certificate again"))
            server.get("/v1/pools", connection=kept[0])
        t.true("a new connection sees the new one", wait_for(lambda: serial(server) != first))
        for connection in kept:
            t.equal("an open one goes on", server.get("/v1/pools", connection=connection).status, 200)
            connection.close()
        t.equal("so does a long poll", waiting.getresponse().status, 200)
        waiting.close()
        now = serial(server)
        other = Authority()
        shutil.copy(other.path("ca.key"), authority.path("server.key"))
        t.true("a key that does not fit is refused", server.reload(b"the new keys are refused"))
        t.equal("and changes nothing", serial(server), now)
        os.unlink(authority.path("server.pem"))
        t.true("a file that is gone is named", server.reload(b"No such file"))
        t.equal("and changes nothing either", serial(server), now)


def as_client(server, chain, path="/v1/pools", headers=None):
    """One request of a client with this certificate."""
    import http.client
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=30,
                                             context=context_of(server, chain=chain))
    try:
        return server.request("GET", path, connection=connection, key="", headers=headers)
    finally:
        connection.close()


def test_client_certificates(t):
    authority, stranger = Authority(), Authority()
    client = ["extendedKeyUsage=clientAuth"]
    chains = {
        "dns": authority.issue("dns", "/CN=ignored", client + ["subjectAltName=DNS:feed.venue.example"]),
        "second": authority.issue("second", "/CN=x", client + [
            "subjectAltName=DNS:unknown.example,URI:spiffe://venue/desk"]),
        "cn": authority.issue("cn", "/CN=robot", client),
        "cn_but_san": authority.issue("cn_but_san", "/CN=robot", client + ["subjectAltName=DNS:y"]),
        "unknown": authority.issue("unknown", "/CN=nobody", client),
        "wild": authority.issue("wild", "/CN=x", client + ["subjectAltName=DNS:*.venue.example"]),
        "expired": authority.issue("expired", "/CN=robot", client, days=-1),
        "server": authority.issue("srv", "/CN=robot", ["extendedKeyUsage=serverAuth"]),
        "strange": stranger.issue("strange", "/CN=robot", client),
    }
    settings = {"tls_client_ca": authority.certificate}
    with Server(authority=authority, settings=settings, keys={"all": "feed,ops,read"}) as server:
        with open(server.keys_path, "a", encoding="utf-8") as file:
            file.write("feed1 feed cert:feed.venue.example\ndesk ops cert:spiffe://venue/desk\n"
                       "robot read cert:robot\n")
        t.true("the lines are read", server.reload(b"read the certificate again"))
        t.true("and count", wait_for(lambda: as_client(server, chains["cn"]).status == 200))
        t.refused("its role counts", as_client(server, chains["dns"]), 403, "forbidden", "feed1")
        t.equal("any alternative name will do", as_client(server, chains["second"]).status, 200)
        for name in ("cn_but_san", "unknown", "wild", "expired", "server", "strange"):
            t.refused(f"{name}: refused", as_client(server, chains[name]), 401, "certificate_refused")
            t.equal(f"{name}: health", as_client(server, chains[name], "/healthz").status, 200)
        t.refused("no certificate", server.get("/v1/pools", key=""), 401, "key_required")
        t.equal("no certificate, but a key", server.get("/v1/pools").status, 200)
        bearer = {"Authorization": f"Bearer {server.keys['all']}"}
        t.equal("a key beside a certificate decides",
                as_client(server, chains["unknown"], headers=bearer).status, 200)
        t.refused("also a wrong one", as_client(server, chains["cn"], headers={
            "Authorization": "Bearer wrong"}), 401, "unknown_key")
        open_connections(t, server, chains["cn"], authority, stranger)


def open_connections(t, server, chain, authority, stranger):
    """What was taken away is gone for connections that are open, too."""
    import http.client
    kept = [http.client.HTTPSConnection("127.0.0.1", server.port, timeout=30,
                                        context=context_of(server, chain=chain)) for _ in range(2)]
    get = lambda connection: server.get("/v1/pools", key="", connection=connection)
    t.equal("let in", [get(connection).status for connection in kept], [200, 200])
    authorities = authority.path("clients.pem")
    shutil.copy(stranger.certificate, authorities)
    os.rename(authorities, authority.certificate)  # the file that tls.client_ca names
    t.true("another authority of clients", server.reload(b"read the certificate again"))
    t.true("the old one counts no more", wait_for(lambda: get(kept[0]).status == 401))
    t.refused("on any connection", get(kept[1]), 401, "certificate_refused")
    t.equal("keys go on", server.get("/v1/pools").status, 200)
    for connection in kept:
        connection.close()


def test_slow_handshakes(t):
    """A handshake has the time of a head; after it an idle connection is idle."""
    settings = {"http_header_deadline_ms": 1000, "http_idle_timeout_s": 60}
    with Server(authority=Authority(), settings=settings) as server:
        plain = lambda: socket.create_connection(("127.0.0.1", server.port), timeout=10)
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
        for what, first, drip in (("silence", b"", b""), ("half a hello", hello, b""),
                                  ("a hello that drips", hello, b"\0")):
            with plain() as sock:
                sock.sendall(first)
                took = closed_after(sock, time.monotonic(), drip, 15)
                t.true(f"{what}: cut off", took < 12, took)
        with server.open() as idle:
            time.sleep(2.5)
            idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            t.true("idle after the handshake", idle.recv(100).startswith(b"HTTP/1.1 200"))
        with server.open() as slow:
            slow.sendall(b"GET /heal")
            took = closed_after(slow, time.monotonic(), b"", 15)
            t.true("a head that stops", took < 12, took)


def check(*arguments, environment):
    """--check-config: exit code and what it said."""
    with tempfile.TemporaryDirectory(prefix="backstopd-test-") as data:
        done = subprocess.run([binary(), "--data", data, "--check-config", *arguments],
                              capture_output=True, text=True, timeout=30,
                              env={**os.environ, **environment}, check=False)
    return done.returncode, done.stdout + done.stderr


def test_starts_that_are_refused(t):
    authority = Authority()
    certificate, key = authority.issue_server()
    keys = authority.path("keys")
    with open(keys, "w", encoding="utf-8") as file:
        file.write(f"a feed sha256:{'0' * 64}\n")
    os.chmod(keys, 0o600)
    with_keys = {"BACKSTOPD_ACCESS_KEYS": keys}
    with_tls = {"BACKSTOPD_TLS_CERTIFICATE": certificate, "BACKSTOPD_TLS_KEY": key}
    for host in ("0.0.0.0", "10.1.2.3", "126.255.255.255", "128.0.0.1", "[::]", "[2001:db8::1]",
                 "[::2]"):
        for what, environment in (("neither", {}), ("keys", with_keys), ("TLS", with_tls)):
            code, said = check("--listen", f"{host}:0", environment=environment)
            t.true(f"{host} with {what} alone is refused",
                   code == 78 and "other machines are served only with access.keys" in said, said)
        code, said = check("--listen", f"{host}:0", environment={**with_keys, **with_tls})
        t.equal(f"{host} with both", code, 0)
    for host in ("127.0.0.1", "localhost", "[::1]"):
        t.equal(f"{host} with neither", check("--listen", f"{host}:0", environment={})[0], 0)
    for host in ("", "*", "::", "::1", "[::1", "[::ffff:127.0.0.1]", "[fe80::1%lo]", "venue.example", "1.2.3", "1.2.3.4.5", "0x7f000001"):
        t.true(f"'{host}' is no address", check("--listen", f"{host}:0", environment={**with_keys,
               **with_tls})[0] == 78)
    with_ca = {"BACKSTOPD_TLS_CLIENT_CA": authority.certificate}
    empty = authority.path("empty")
    with open(empty, "w", encoding="utf-8"):
        pass
    for environment, naming in (
            ({"BACKSTOPD_TLS_CERTIFICATE": certificate}, "needed together"),
            ({"BACKSTOPD_TLS_KEY": key}, "needed together"),
            ({**with_tls, **with_ca}, "tls.client_ca needs"),
            ({**with_keys, **with_ca}, "tls.client_ca needs"),
            ({**with_tls, "BACKSTOPD_TLS_KEY": authority.path("ca.key")}, "ca.key: "),
            ({**with_tls, "BACKSTOPD_TLS_KEY": certificate}, certificate),
            ({**with_tls, "BACKSTOPD_TLS_CERTIFICATE": empty}, empty),
            ({**with_tls, "BACKSTOPD_TLS_CERTIFICATE": "/nowhere"}, "/nowhere: No such file"),
            ({**with_tls, **with_keys, "BACKSTOPD_TLS_CLIENT_CA": empty}, empty)):
        code, said = check(environment=environment)
        t.true(f"{naming}: refused", code == 78 and naming in said, (code, said))
    os.chmod(key, 0o644)
    code, said = check(environment=with_tls)
    t.true("a key that all can read is warned of", code == 0 and "chmod o-r" in said, (code, said))
    os.chmod(key, 0o606)
    code, said = check(environment=with_tls)
    t.true("one that all can write is refused", code == 78 and "may write" in said, (code, said))
    certificate, key = authority.issue_server("old", days=-1)
    code, said = check(environment={"BACKSTOPD_TLS_CERTIFICATE": certificate, "BACKSTOPD_TLS_KEY": key})
    t.true("an expired certificate is warned of", code == 0 and "has expired" in said, (code, said))


if __name__ == "__main__":
    run(globals())
