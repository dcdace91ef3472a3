# SPDX-License-Identifier: Apache-2.0
"""A server that misbehaves on request, for what a real backstopd cannot be made to do at will:
lost answers, overload, restarts at a chosen moment, answers that are not those of a backstopd."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit


class FakeServer:
    """`state` outlives a restart, as a log on disk does."""

    def __init__(self, state=None, port=0):
        self.state = state or {"actions": [], "items": [], "requests": [], "answers": {}}
        self.overloaded = 0      # so many writes are answered 503 with nothing taken
        self.drop_answers = 0    # so many writes are applied and never answered
        self.answer = None       # (status, content type, bytes) for every request, when set
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                fake.on_get(self)

            def do_POST(self):
                fake.on_post(self)

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request, client_address):
                pass  # clients that leave are part of the tests

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.stopping = False
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self):
        self.stopping = True
        self.server.shutdown()
        self.server.server_close()

    def add_action(self, **members):
        actions = self.state["actions"]
        number = len(actions) + 1
        actions.append({"id": number, "cursor": str(number), "pool": "usdc", **members})

    @staticmethod
    def reply(handler, status, document, content_type="application/json", headers=()):
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    def problem(self, handler, status, code, detail, headers=()):
        self.reply(handler, status, {"type": "about:blank", "title": code, "status": status, "code": code,
                                     "detail": detail}, "application/problem+json", headers)

    def on_get(self, handler):
        self.state["requests"].append(handler.path)
        if self.answer is not None:
            return self.reply(handler, self.answer[0], self.answer[2], self.answer[1])
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/v1/actions":
            return self.get_actions(handler, query)
        if parts.path.startswith("/v1/accounts/"):
            account = unquote(parts.path.split("/")[3])
            return self.reply(handler, 200, {"account": account, "equity": "1.00", "positions": []})
        return self.problem(handler, 404, "not_found", "there is nothing at this path")

    def get_actions(self, handler, query):
        after = int(query.get("after", "0"))
        limit = int(query.get("limit", "100"))
        deadline = time.monotonic() + int(query.get("wait_ms", "0")) / 1000
        while len(self.state["actions"]) <= after and time.monotonic() < deadline and not self.stopping:
            time.sleep(0.02)
        if self.stopping:
            handler.close_connection = True
            return None
        page = self.state["actions"][after:after + limit]
        return self.reply(handler, 200, {"data": page, "next": str(after + len(page))})

    def on_post(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.state["requests"].append(handler.path)
        if self.answer is not None:
            return self.reply(handler, self.answer[0], self.answer[2], self.answer[1])
        if self.overloaded > 0:
            self.overloaded -= 1
            return self.problem(handler, 503, "overloaded", "the command queue is full: try again shortly",
                                [("Retry-After", "1")])
        try:
            items = [json.loads(line) for line in body.splitlines() if line.strip()]
        except ValueError as error:
            return self.problem(handler, 400, "invalid_json", str(error))
        return self.apply(handler, items)

    def apply(self, handler, items):
        """An item {"reject": CODE} is rejected with that code; all others are kept."""
        rejected = [{"index": index, "code": item["reject"], "detail": "size: as asked for"}
                    for index, item in enumerate(items) if "reject" in item]
        key = handler.headers["Idempotency-Key"]
        if key not in self.state["answers"]:
            self.state["items"] += [item for item in items if "reject" not in item]
            status = 200 if not rejected else 207 if len(rejected) < len(items) else 422
            self.state["answers"][key] = status, {"seq": len(self.state["items"]), "rejected": rejected,
                                                  "accepted": len(items) - len(rejected)}
        if self.drop_answers > 0:
            self.drop_answers -= 1
            handler.close_connection = True
            return None
        return self.reply(handler, *self.state["answers"][key])
