"""A server that speaks Prometheus' API for range queries over series that a test puts into it, with its faults."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

MOST_POINTS = 11_000


@dataclass
class FakePrometheus:
    """`series` is query -> labels (as a tuple of pairs) -> second -> the value's text."""

    url: str = ""
    series: dict[str, dict[tuple[tuple[str, str], ...], dict[int, str]]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    """Statuses of the next answers."""
    warnings: list[str] = field(default_factory=list)
    kind: str = "matrix"

    def put(self, query: str, values: dict[int, str], **labels: str) -> None:
        self.series.setdefault(query, {}).setdefault(tuple(sorted(labels.items())), {}).update(values)

    def answer(self, asked: dict[str, str]) -> tuple[int, dict[str, object]]:
        self.asked.append(asked)
        if self.failures:
            status = self.failures.pop(0)
            return status, {"status": "error", "errorType": "unavailable", "error": f"planted {status}"}
        if asked["query"] not in self.series:
            return 400, {"status": "error", "errorType": "bad_data", "error": "parse error: no such query"}
        start, end, step = (int(asked[name]) for name in ("start", "end", "step"))
        if (end - start) // step + 1 > MOST_POINTS:
            return 400, {"status": "error", "errorType": "bad_data", "error": "exceeded maximum resolution of 11,000"}
        result = []
        for labels, values in self.series[asked["query"]].items():
            points = [[at, values[at]] for at in range(start, end + 1, step) if at in values]
            if points:
                result.append({"metric": dict(labels), "values": points})
        answer: dict[str, object] = {"status": "success", "data": {"resultType": self.kind, "result": result}}
        return 200, {**answer, "warnings": self.warnings} if self.warnings else answer


@contextmanager
def running_prometheus() -> Iterator[FakePrometheus]:
    """A server on a free port."""
    fake = FakePrometheus()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            fake.tokens.append(self.headers.get("Authorization", ""))
            status, answer = fake.answer(dict(parse_qsl(body)))
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
