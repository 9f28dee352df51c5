"""Slack's end of Socket Mode on loopback: hands envelopes over a real websocket and waits for their acknowledgement."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from tests.slack.fake_slack import Reply

LONGEST_S = 20.0
PING_S = 0.1  # slack_sdk closes a connection once it has read from it: that is not waited for here

Json = dict[str, Any]


@dataclass
class FakeSocket:
    """One app's connections; the newest is the one that envelopes go over."""

    url: str = ""
    connections: list[ServerConnection] = field(default_factory=list)
    acknowledged: dict[str, Json] = field(default_factory=dict)
    heard: threading.Condition = field(default_factory=threading.Condition)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def connected(self, connection: ServerConnection) -> None:
        """Greet, then keep what is acknowledged until the other side leaves."""
        connection.send(json.dumps({"type": "hello", "num_connections": 1}))
        with self.heard:
            self.connections.append(connection)
            self.heard.notify_all()
        try:
            for message in connection:
                said = json.loads(message)
                with self.heard:
                    self.acknowledged[said["envelope_id"]] = said.get("payload", {})
                    self.heard.notify_all()
        except ConnectionClosed:
            return

    def wait_for_connections(self, number: int) -> None:
        with self.heard:
            assert self.heard.wait_for(lambda: len(self.connections) >= number, LONGEST_S), "nobody connects"

    def deliver(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """What would be posted by HTTP, as an envelope; 504 where nobody acknowledges it."""
        envelope = {**_envelope(body, headers), "envelope_id": f"envelope-{next(self._numbers)}"}
        self.connections[-1].send(json.dumps(envelope))
        with self.heard:
            if not self.heard.wait_for(lambda: envelope["envelope_id"] in self.acknowledged, LONGEST_S):
                return Reply(504, "")
        answered = self.acknowledged[envelope["envelope_id"]]
        return Reply(200, json.dumps(answered) if answered else "")

    def refresh(self) -> None:
        """Announce the connection's end, as Slack does every few hours."""
        self.connections[-1].send(json.dumps({"type": "disconnect", "reason": "refresh_requested"}))


def _envelope(body: bytes, headers: Mapping[str, str]) -> Json:
    if "json" in headers["content-type"]:
        return {"type": "events_api", "payload": json.loads(body)}
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    if "payload" in form:
        return {"type": "interactive", "payload": json.loads(form["payload"]), "accepts_response_payload": True}
    return {"type": "slash_commands", "payload": form, "accepts_response_payload": True}


@contextmanager
def running_socket() -> Iterator[FakeSocket]:
    """A websocket server on a free port of loopback."""
    socket = FakeSocket()
    with serve(socket.connected, "127.0.0.1", 0, ping_interval=PING_S) as server:
        socket.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/link?ticket=made-up"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield socket
        finally:
            server.shutdown()
            thread.join()
