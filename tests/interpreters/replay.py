"""The services that the state machine calls: Lambda, EventBridge and SNS, which give the answers of the scenarios."""

import json
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from scenarios import SCENARIOS, USUAL, Failure, Refusal

BY_EXECUTION = {one.execution(): one for one in SCENARIOS}
PUBLISHED = "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"


class Replay(ThreadingHTTPServer):
    """Listens on loopback, and keeps what was called."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.lock = threading.Lock()
        self.begin()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def begin(self):
        """Forgets the calls: an interpreter begins."""
        self.counts, self.calls, self.tokens = Counter(), {}, {}

    def answer(self, function, payload):
        execution = payload["execution"].rsplit(":", 1)[1]
        answers = BY_EXECUTION[execution].answers.get(function) or USUAL[function]
        with self.lock:
            count = self.counts[execution, function]
            self.counts[execution, function] += 1
            self.calls.setdefault(execution, []).append((function, comparable(payload)))
            if "token" in payload:
                self.tokens[execution] = payload["token"]
        return answers[min(count, len(answers) - 1)]

    def told(self, event):
        execution = event["Entries"][0]["Resources"][0].rsplit(":", 1)[1]
        with self.lock:
            self.calls.setdefault(execution, []).append(("PutEvents", comparable(event)))


def comparable(value):
    """Returns a value without times and tokens, which differ in every run."""
    if isinstance(value, dict):
        return {name: comparable(one) for name, one in value.items() if name != "token" and not name.endswith("AtMs")}
    return [comparable(one) for one in value] if isinstance(value, list) else value


class Handler(BaseHTTPRequestHandler):
    """Answers one call."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if found := re.match(r"/2015-03-31/functions/[^/]*function(?::|%3A)(\w+)/invocations", self.path):
            self.invoke(found[1], json.loads(body))
        elif "X-Amz-Target" in self.headers:
            self.server.told(json.loads(body))
            self.reply(200, json.dumps({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}), "application/x-amz-json-1.1")
        else:
            self.reply(200, PUBLISHED, "text/xml")

    def invoke(self, function, payload):
        answer = self.server.answer(function, payload)
        if isinstance(answer, Refusal):
            self.reply(answer.status, json.dumps({"Type": "User", "message": "Rate exceeded"}), headers={"x-amzn-ErrorType": answer.code})
        elif isinstance(answer, Failure):
            text = json.dumps({"errorType": answer.name, "errorMessage": answer.message})
            self.reply(200, text, headers={"X-Amz-Function-Error": "Unhandled"})
        else:
            self.reply(200, json.dumps(answer))

    def reply(self, status, text, kind="application/json", headers=()):
        self.send_response(status)
        sent = {"Content-Type": kind, "Content-Length": str(len(text.encode())), "x-amzn-RequestId": "1"} | dict(headers)
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        """Keeps the output clean."""
