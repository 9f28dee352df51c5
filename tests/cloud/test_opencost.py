"""OpenCost as a place: what it is asked, and what its answers become."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from twinledger.catalog import AllocationMeters
from twinledger.clock import FixedClock
from twinledger.cloud import answers
from twinledger.cloud.opencost import open_opencost
from twinledger.metering.opencost import allocation_lines
from twinledger.places import Place
from twinledger.vocabulary.errors import NoSamplesError, PlaceUnreachableError

BODY = (
    '{"code": 200, "data": [{"shop/n1": {"properties": {"namespace": "shop"}, "start": "2026-10-17T00:00:00Z", '
    '"end": "2026-10-17T01:00:00Z", "cpuCoreHours": 0.12345}}]}'
)


@dataclass
class FakeOpenCost:
    """Answers with what a test puts into it; remembers what it was asked."""

    url: str = ""
    answers: list[tuple[int, str]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOpenCost]:
    monkeypatch.setattr(answers, "LONGEST_WAIT_S", 0.01)
    state = FakeOpenCost()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            state.asked.append((parts.path, dict(parse_qsl(parts.query))))
            status, body = state.answers.pop(0)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


def place(url: str) -> Place:
    return open_opencost(f"opencost+{url}", {"window_days": 1}, FixedClock(datetime(2026, 10, 18, 3, tzinfo=UTC)))


def test_a_finished_day_is_asked_for_by_hour_namespace_and_node(fake: FakeOpenCost, tmp_path: Path) -> None:
    fake.answers = [(503, "busy"), (200, BODY)]
    found = place(fake.url)
    (file,) = found.list()
    text = found.fetch(file.key, tmp_path).read_text()
    assert file.key == "2026-10-17.json"
    path, asked = fake.asked[-1]
    assert (path, asked["window"]) == ("/allocation/compute", "2026-10-17T00:00:00Z,2026-10-18T00:00:00Z")
    assert (asked["aggregate"], asked["step"], asked["accumulate"]) == ("namespace,node", "1h", "false")
    (record,) = allocation_lines(text, file.key, AllocationMeters(cpu="kube/hours"))
    assert (record["tenant"], record["quantity"]) == ("shop", "0.123450000")


def test_a_path_in_the_address_is_where_it_is_asked(fake: FakeOpenCost, tmp_path: Path) -> None:
    fake.answers = [(200, BODY)]
    place(f"{fake.url}/model/allocation/").fetch("2026-10-17.json", tmp_path)
    assert fake.asked[0][0] == "/model/allocation"


@pytest.mark.parametrize(
    ("answer", "error", "sentence"),
    [
        ((400, json.dumps({"message": "bad window"})), PlaceUnreachableError, "answers 400: bad window"),
        ((200, json.dumps({"code": 500, "message": "no data yet"})), PlaceUnreachableError, "code 500: no data yet"),
        ((200, "<html>"), PlaceUnreachableError, "else than a JSON object"),
        ((200, json.dumps({"code": 200, "data": [None, {}]})), NoSamplesError, "on 2026-10-17"),
    ],
)
def test_an_answer_that_is_no_day_is_none(
    fake: FakeOpenCost, tmp_path: Path, answer: tuple[int, str], error: type[Exception], sentence: str
) -> None:
    fake.answers = [answer]
    with pytest.raises(error, match=sentence):
        place(fake.url).fetch("2026-10-17.json", tmp_path)
    assert list(tmp_path.iterdir()) == []
