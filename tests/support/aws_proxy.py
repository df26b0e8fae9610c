"""A proxy before moto that adds what a failover looks like on AWS, and Lambda's front door with its lines in the log."""

import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import urllib3
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from support.aws import CLUSTER, client

NAME = "aurora-nlb-failover"
LOG_GROUP, LOG_STREAM = f"/aws/lambda/{NAME}", "one"
# Of a request, what belongs to the connection; of an answer, all but what AWS's clients read.
DROPPED = ("host", "content-length", "connection")
KEPT = ("content-type", "x-amz", "lambda-")


class Proxy:
    """Forwards to moto, except for what is said below."""

    def __init__(self, moto: str, initial: float) -> None:
        self.moto, self.initial = moto, initial
        """`initial`: for how many seconds a new target is that; then it is `unhealthy`, as its health check is blind."""
        self.server = make_server("127.0.0.1", 0, Request.application(self.answer), threaded=True)
        self.port, self.url = self.server.port, f"http://127.0.0.1:{self.server.port}"
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

    def answer(self, request: Request) -> Response:
        request.get_data()  # before the form, so that the body is kept
        action = request.form.get("Action", "")
        if request.path.endswith("/invocations"):
            return self.invoke(request)
        if action == "DescribeEvents":
            return answered(action, f"<Events>{''.join(map(as_xml, self.events))}</Events>")
        if action == "FailoverDBCluster":
            self.requested.set()
            return answered(action, f"<DBCluster><DBClusterIdentifier>{CLUSTER}</DBClusterIdentifier></DBCluster>")
        if action == "RegisterTargets":
            self.registered |= {value: time.monotonic() for key, value in request.form.items() if key.endswith(".Id")}
        answer = forward(self.moto, request)
        if action == "DescribeDBClusters":
            answer.data = answer.data.replace(b"<Status>available</Status>", f"<Status>{self.status}</Status>".encode())
        if action == "DescribeTargetHealth":
            answer.data = re.sub(rb"<Id>(.*?)</Id>.*?<State>healthy</State>", self.with_state, answer.data, flags=re.DOTALL)
        return answer

    def with_state(self, target: re.Match[bytes]) -> bytes:
        young = time.monotonic() - self.registered.get(target[1].decode(), 0) < self.initial
        return target[0].replace(b"<State>healthy", b"<State>initial" if young else b"<State>unhealthy")

    def invoke(self, request: Request) -> Response:
        """By the function, with Lambda's own lines around the function's."""
        url, log = self.watch
        seen, began = len(log.read_text()), datetime.now(UTC)
        answer, ended = forward(url, request), datetime.now(UTC)
        own = [line for line in log.read_text()[seen:].splitlines() if line.startswith("{")]
        run = next((line["requestId"] for line in map(json.loads, own) if "requestId" in line), "")
        duration = round((ended - began) / timedelta(milliseconds=1), 3)
        start = {"time": began.isoformat(), "type": "platform.start", "record": {"requestId": run}}
        report = {"requestId": run, "metrics": {"durationMs": duration}}
        lines = [json.dumps(start), *own, json.dumps({"time": ended.isoformat(), "type": "platform.report", "record": report})]
        events = [{"timestamp": stamp(line), "message": line} for line in lines]
        self.logs.put_log_events(logGroupName=LOG_GROUP, logStreamName=LOG_STREAM, logEvents=events)
        return answer


def forward(url: str, request: Request) -> Response:
    headers = {key: value for key, value in request.headers if key.lower() not in DROPPED}
    to = url + request.full_path.rstrip("?")
    answer = urllib3.request(request.method, to, body=request.get_data(), headers=headers, timeout=60, retries=False)
    kept = [(key, value) for key, value in answer.headers.items() if key.lower().startswith(KEPT)]
    return Response(answer.data, answer.status, kept)


def answered(action: str, result: str) -> Response:
    space = "http://rds.amazonaws.com/doc/2014-10-31/"
    text = f'<{action}Response xmlns="{space}"><{action}Result>{result}</{action}Result></{action}Response>'
    return Response(text, content_type="text/xml")


def as_xml(event: tuple[datetime, str]) -> str:
    date, message = event
    return (
        f"<Event><SourceIdentifier>{CLUSTER}</SourceIdentifier><SourceType>db-cluster</SourceType>"
        f"<Message>{escape(message)}</Message><Date>{date.isoformat(timespec='milliseconds')}</Date></Event>"
    )


def stamp(line: str) -> int:
    read = json.loads(line)
    return int(datetime.fromisoformat(read.get("timestamp") or read["time"]).timestamp() * 1000)


@contextmanager
def proxy(moto: str, initial: float) -> Iterator[Proxy]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # or it prints a line for each request
    made = Proxy(moto, initial)
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
