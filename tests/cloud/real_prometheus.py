"""The real Prometheus on loopback, with series of a test in its database."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

_LONGEST_START = 60.0


def _binaries() -> tuple[str, str]:
    """Prometheus and its tool; the test is skipped without them, and fails where everything is required."""
    prometheus, tool = shutil.which("prometheus"), shutil.which("promtool")
    if prometheus and tool:
        return prometheus, tool
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail("REQUIRE_ALL=1, but no prometheus and promtool: install the package prometheus")
    pytest.skip("no prometheus and promtool: install the package prometheus")


def _free_port() -> int:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def running_real_prometheus(openmetrics: str) -> Iterator[str]:
    """A server that scrapes nothing and has these series; its address."""
    prometheus, tool = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="twinledger-prometheus-"))
    (folder / "series.txt").write_text(openmetrics)
    (folder / "prometheus.yml").write_text("global: {scrape_interval: 1m}\n")
    data = folder / "data"
    make: list[str | Path] = [tool, "tsdb", "create-blocks-from", "openmetrics", folder / "series.txt", data]
    try:
        subprocess.run(make, check=True, capture_output=True, timeout=120)
        with _started(prometheus, folder, data) as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _started(prometheus: str, folder: Path, data: Path) -> Iterator[str]:
    for _ in range(5):  # somebody else may take the port between looking and listening
        port = _free_port()
        command = [
            prometheus, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={data}",
            "--storage.tsdb.retention.time=100y", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
        ]  # fmt: skip
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            if _ready(process, f"http://127.0.0.1:{port}"):
                yield f"http://127.0.0.1:{port}"
                return
        finally:
            process.terminate()
            process.wait(_LONGEST_START)
    pytest.fail(f"prometheus does not start: {(folder / 'log').read_text()}")


def _ready(process: subprocess.Popen[bytes], url: str) -> bool:
    deadline = time.monotonic() + _LONGEST_START
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/-/ready").is_success:
                return True
        time.sleep(0.05)
    return False
