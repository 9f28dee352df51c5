"""AWS on loopback: moto's server, with faults that a test plants before it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from mypy_boto3_s3 import S3Client
from mypy_boto3_sqs import SQSClient
from werkzeug.serving import make_server

SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce your request rate</Message></Error>"


def use_made_up_credentials(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """boto3 finds these credentials in the environment, and nothing of this machine's."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(folder / "aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "aws-credentials"),
    }.items():
        monkeypatch.setenv(name, value)


@dataclass
class Aws:
    """A server of AWS' protocols; `seen` are its requests, as "GET /bucket/key?query"."""

    url: str = ""
    seen: list[str] = field(default_factory=list)
    refusals: int = 0
    """So many of the next requests are answered 503 SlowDown."""
    cuts: int = 0
    """So many of the next answers to GET of an object end in their middle."""
    knows_if_match: bool = True
    _moto: Any = field(default_factory=lambda: DomainDispatcherApplication(create_backend_app))

    def s3(self) -> S3Client:
        return boto3.client("s3", endpoint_url=self.url)

    def sqs(self) -> SQSClient:
        return boto3.client("sqs", endpoint_url=self.url)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        wanted = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{environ['QUERY_STRING']}"
        self.seen.append(wanted)
        if self.refusals:
            self.refusals -= 1
            start_response("503 Slow Down", [("Content-Type", "application/xml")])
            return [SLOW_DOWN]
        if not self.knows_if_match:
            environ.pop("HTTP_IF_MATCH", None)
        body = b"".join(self._moto(environ, start_response))
        if self.cuts and wanted.startswith("GET /") and wanted.count("/") > 1:
            self.cuts -= 1
            return [body[: len(body) // 2]]
        return [body]


@contextmanager
def running_aws() -> Iterator[Aws]:
    """A server on a free port, without buckets and queues."""
    aws = Aws()
    server = make_server("127.0.0.1", 0, aws, threaded=True)
    aws.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield aws
    finally:
        aws.refusals = aws.cuts = 0
        httpx.post(f"{aws.url}/moto-api/reset")  # moto keeps what it was told in this process
        server.shutdown()
        server.server_close()
        thread.join()
