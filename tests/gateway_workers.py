"""The gateway as it is deployed: several processes behind one address, and reporters that send until they are answered.

What belongs here: starting and killing workers, and a reporter's side of the protocol. What does not: what is sent.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from twinledger.vocabulary.settings import PREFIX, ROOT

SCRIPT = Path(__file__).with_name("gateway_worker.py")
BATCH = {"content-type": "application/cloudevents-batch+json"}
_LONGEST_WAIT = 60.0


class Workers:
    """Processes that accept from one listening socket, so that a killed one is missed by nobody for long."""

    def __init__(self, settings: Mapping[str, str], count: int) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        self._environment = {**kept, **settings}
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}/twinledger/metering/events"
        self._processes = [self._start() for _ in range(count)]

    def _start(self) -> subprocess.Popen[bytes]:
        handle = self._socket.fileno()
        command = [sys.executable, str(SCRIPT), str(handle)]
        return subprocess.Popen(command, pass_fds=(handle,), env=self._environment, cwd=ROOT)

    def kill_one(self) -> None:
        """SIGKILL the oldest worker and start another one."""
        oldest = self._processes.pop(0)
        oldest.kill()
        assert oldest.wait(_LONGEST_WAIT) == -signal.SIGKILL
        self._processes.append(self._start())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the workers as a deployment does: they close their files."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(_LONGEST_WAIT)
        self._socket.close()


@dataclass(slots=True)
class Answered:
    """What a reporter was told, added up."""

    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    retries: int = 0


class Reporting:
    """A reporter: sends batches one after another, each until it is answered."""

    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self._headers = {**BATCH, "authorization": f"Bearer {token}"}
        self._client = httpx.Client(timeout=30)
        self.told = Answered()

    def send(self, batch: Sequence[Mapping[str, Any]]) -> None:
        body = json.dumps(batch).encode()
        deadline = time.monotonic() + _LONGEST_WAIT
        while True:
            try:
                answer = self._client.post(self._address, content=body, headers=self._headers)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            assert time.monotonic() < deadline, "no worker answers"
            self.told.retries += 1
            time.sleep(0.05)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        said = answer.json()
        self.told.accepted += said["accepted"]
        self.told.duplicate += said["duplicate"]
        self.told.refused += len(said["refused"])

    def send_all(self, batches: Iterable[Sequence[Mapping[str, Any]]]) -> Answered:
        for batch in batches:
            self.send(batch)
        self.close()
        return self.told

    def close(self) -> None:
        self._client.close()


def usage_event(source: str, number: int, quantity: str = "1", day: str = "2026-10-17") -> dict[str, Any]:
    """One core hour or so of tenant `shop`, known by (source, number)."""
    hour = number % 24
    return {
        "specversion": "1.0", "id": str(number), "source": source, "type": "kube/hours", "subject": "shop",
        "time": f"{day}T{hour:02d}:00:00Z", "data": {"quantity": quantity, "resource": f"node-{number % 7}"},
    }  # fmt: skip
