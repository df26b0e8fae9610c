"""A proxy before moto that adds what a failover looks like on AWS, and Lambda's front door with its lines in the log."""

import http.client
import json
import re
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from support.aws import CLUSTER, client

NAME = "aurora-nlb-failover"
LOG_GROUP, LOG_STREAM = f"/aws/lambda/{NAME}", "one"
XML = {"Content-Type": "text/xml"}
Answer = tuple[int, dict[str, str], bytes]
KEPT = ("content-type", "x-amz", "lambda-")
DROPPED = ("host", "content-length", "connection")


class Proxy(ThreadingHTTPServer):
    """Forwards to moto, but for what is said below."""

    daemon_threads = True

    def __init__(self, moto: str, initial: float) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.moto, self.url = moto, f"http://127.0.0.1:{self.server_port}"
        self.initial = initial
        """For how many seconds a new target is `initial`; after that it is `unhealthy`, as its health check is blind."""
        self.registered: dict[str, float] = {}
        self.status = "available"
        self.events: list[tuple[datetime, str]] = []
        self.requested = threading.Event()
        """A failover was requested. It is for the scenario to carry it out."""
        self.watch = ("", Path())
        """Where the function answers, and its log."""
        self.logs = client("logs", moto)

    def tell(self, message: str) -> None:
        """An event of the cluster."""
        self.events.append((datetime.now(UTC), message))

    def lambda_is(self, port: int, log: Path) -> None:
        self.watch = (f"http://127.0.0.1:{port}", log)
        self.logs.create_log_group(logGroupName=LOG_GROUP)
        self.logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=LOG_STREAM)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if path.endswith("/invocations"):
            return self.invoke(method, path, headers, body)
        words = parse_qs(body.decode(errors="replace"))
        action = words.get("Action", [""])[0]
        if action == "DescribeEvents":
            return 200, XML, answered(action, "<Events>" + "".join(map(as_xml, self.events)) + "</Events>")
        if action == "FailoverDBCluster":
            self.requested.set()
            return 200, XML, answered(action, f"<DBCluster><DBClusterIdentifier>{CLUSTER}</DBClusterIdentifier></DBCluster>")
        if action == "RegisterTargets":
            self.registered |= {word[0]: time.monotonic() for key, word in words.items() if key.endswith(".Id")}
        status, kind, text = forward(self.moto, method, path, headers, body)
        if action == "DescribeDBClusters":
            text = text.replace(b"<Status>available</Status>", f"<Status>{self.status}</Status>".encode())
        if action == "DescribeTargetHealth":
            text = re.sub(rb"<Id>(.*?)</Id>.*?<State>healthy</State>", self.with_state, text, flags=re.DOTALL)
        return status, kind, text

    def with_state(self, target: re.Match[bytes]) -> bytes:
        young = time.monotonic() - self.registered.get(target[1].decode(), 0) < self.initial
        return target[0].replace(b"<State>healthy", b"<State>initial" if young else b"<State>unhealthy")

    def invoke(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """By the function, with Lambda's own lines around the function's."""
        url, log = self.watch
        seen, began, started = len(log.read_text()), time.monotonic(), now()
        answer = forward(url, method, path, headers, body)
        duration = (time.monotonic() - began) * 1000
        own = [line for line in log.read_text()[seen:].splitlines() if line.startswith("{")]
        ids = [line["requestId"] for line in map(json.loads, own) if "requestId" in line]
        request = ids[0] if ids else str(uuid.uuid4())
        start = json.dumps({"time": started, "type": "platform.start", "record": {"requestId": request}})
        metrics = {"durationMs": round(duration, 3)}
        end = json.dumps({"time": now(), "type": "platform.report", "record": {"requestId": request, "metrics": metrics}})
        events = [{"timestamp": stamp(line), "message": line} for line in (start, *own, end)]
        self.logs.put_log_events(logGroupName=LOG_GROUP, logStreamName=LOG_STREAM, logEvents=events)
        return answer


class Handler(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {key: value for key, value in self.headers.items() if key.lower() not in DROPPED}
        status, kind, text = self.server.answer(self.command, self.path, headers, body)
        self.send_response(status)
        for key, value in kind.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


def forward(url: str, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        kept = {key: value for key, value in answer.getheaders() if key.lower().startswith(KEPT)}
        return answer.status, kept, answer.read()
    finally:
        connection.close()


def answered(action: str, result: str) -> bytes:
    space = "http://rds.amazonaws.com/doc/2014-10-31/"
    return f'<{action}Response xmlns="{space}"><{action}Result>{result}</{action}Result></{action}Response>'.encode()


def as_xml(event: tuple[datetime, str]) -> str:
    date, message = event
    fields = {
        "SourceIdentifier": CLUSTER, "SourceType": "db-cluster", "Message": escape(message),
        "Date": date.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }  # fmt: skip
    return "<Event>" + "".join(f"<{key}>{value}</{key}>" for key, value in fields.items()) + "</Event>"


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def stamp(line: str) -> int:
    read = json.loads(line)
    return int(datetime.fromisoformat(read.get("timestamp") or read["time"]).timestamp() * 1000)


@contextmanager
def proxy(moto: str, initial: float) -> Iterator[Proxy]:
    with Proxy(moto, initial) as made:
        thread = threading.Thread(target=made.serve_forever, daemon=True)
        thread.start()
        yield made
        made.shutdown()
