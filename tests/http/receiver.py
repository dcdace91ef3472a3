# SPDX-License-Identifier: Apache-2.0
"""Receivers of webhooks for the tests: small HTTP servers on loopback that remember what came.

    with Receiver() as receiver:                       answers 204 at once
    with Receiver(lambda notice: (500, {}, 2)) as receiver:   status, headers, seconds to wait first
    with Sink() as receiver:                           answers 204 at once, a process in C
"""
import base64
import hashlib
import hmac
import json
import os
import re
import socket
import struct
import subprocess
import tempfile
import threading
import time

SETTINGS = {"webhooks_allow_http": "yes", "webhooks_allow_cidrs": "127.0.0.0/8",
            "webhooks_ports": "1-65535"}


def short(webhook_id):
    """The id of a notice without the digits that name the log: act_7d1ab6e0_3 is act_3."""
    return re.sub(r"^act_[0-9a-f]{8}_", "act_", webhook_id)


class Notice:
    def __init__(self, headers, body, time_s):
        self.headers = headers
        self.body = body
        self.time_s = time_s  # when it had come
        self.status = None    # what it was answered

    @property
    def id(self):
        return self.headers["webhook-id"]

    @property
    def json(self):
        return json.loads(self.body)

    def is_signed_with(self, secret):
        content = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        key = base64.b64decode(secret.removeprefix("whsec_"))
        wanted = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        return wanted in self.headers["webhook-signature"].split(" ")


def parse_head(head):
    """Of a request; names in lower case."""
    headers = {}
    for line in head.decode("latin-1").split("\r\n")[1:]:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return headers


class Receiver:
    def __init__(self, answer=None, context=None, address=("127.0.0.1", 0)):
        """context: of ssl, for a receiver that speaks TLS."""
        self.address = address
        self.answer = answer or (lambda notice: (204, {}, 0))
        self.context = context
        self.notices = []  # in the order in which they had come
        self.connections = []
        self.changed = threading.Condition()
        self.listener = None

    def __enter__(self):
        family = socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET
        self.listener = socket.create_server(self.address, family=family, backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """From here on connecting is refused."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        except OSError:
            pass
        self.listener.close()
        with self.changed:
            for connection in self.connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    @property
    def url(self):
        return f"http{'s' if self.context else ''}://127.0.0.1:{self.port}/hook"

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.changed:
                self.connections.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        data = b""
        try:
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            while True:
                head, found, rest = data.partition(b"\r\n\r\n")
                if found:
                    headers = parse_head(head)
                    size = int(headers.get("content-length", "0"))
                    if len(rest) >= size:
                        data = rest[size:]
                        self.take(connection, Notice(headers, rest[:size], time.time()))
                        continue
                piece = connection.recv(65536)
                if not piece:
                    return
                data += piece
        except OSError:
            return

    def take(self, connection, notice):
        status, headers, delay_s = self.answer(notice)
        notice.status = status
        with self.changed:
            self.notices.append(notice)
            self.changed.notify_all()
        if delay_s:
            time.sleep(delay_s)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection.sendall(f"HTTP/1.1 {status} X\r\n{lines}Content-Length: 0\r\n\r\n".encode())

    def accepted(self):
        with self.changed:
            return [notice for notice in self.notices if 200 <= notice.status < 300]

    def wait(self, count, timeout_s=60, condition=None):
        """Until so many were accepted (or the condition over all of them holds); returns all."""
        deadline = time.monotonic() + timeout_s

        def is_there():
            if condition is not None:
                return condition(self.notices)
            return sum(200 <= notice.status < 300 for notice in self.notices) >= count

        with self.changed:
            while not is_there():
                left = deadline - time.monotonic()
                if left <= 0 or not self.changed.wait(left):
                    if time.monotonic() >= deadline:
                        raise RuntimeError(f"{len(self.notices)} notices after {timeout_s} s, "
                                           f"not {count}")
            return list(self.notices)


class Sink:
    """tests/bench/webhook_sink.c, where what the receiver itself costs would be measured, too."""
    HEAD = struct.Struct("<QQ")

    def __enter__(self):
        descriptor, self.path = tempfile.mkstemp(prefix="backstop-test-")
        os.close(descriptor)
        self.process = subprocess.Popen([os.environ["WEBHOOK_SINK"], self.path], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self.notices = []
        self.read = 0  # bytes of the file
        return self

    def __exit__(self, *_):
        self.process.communicate()
        os.unlink(self.path)

    def accepted(self):
        """All of them were."""
        with open(self.path, "rb") as file:
            file.seek(self.read)
            data = file.read()
        at = 0
        while at + self.HEAD.size <= len(data):
            time_ns, size = self.HEAD.unpack_from(data, at)
            request = data[at + self.HEAD.size:at + self.HEAD.size + size]
            if len(request) < size:
                break
            head, _, body = request.partition(b"\r\n\r\n")
            notice = Notice(parse_head(head), body, time_ns / 1e9)
            notice.status = 204
            self.notices.append(notice)
            at += self.HEAD.size + size
        self.read += at
        return list(self.notices)

    def wait(self, count, timeout_s=60):
        deadline = time.monotonic() + timeout_s
        while len(self.accepted()) < count:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{len(self.notices)} notices after {timeout_s} s, not {count}")
            time.sleep(0.05)
        return list(self.notices)
