"""A Blob service on loopback that remembers: listings by pages, ranges, conditions, signatures, and faults."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

ACCOUNT = "fake"
KEY = base64.b64encode(b"a made-up key of the fake account").decode()
SIGNATURE = "sv=2026-02-06&sig=made-up"
PAGE = 3


@dataclass
class Blob:
    content: bytes
    version: int
    metadata: Mapping[str, str]

    @property
    def etag(self) -> str:
        return f"0x8D{self.version:08X}"


@dataclass
class FakeAzure:
    """Containers of one account; `refusals` next requests are answered 503, `cuts` next downloads break off."""

    url: str = ""
    blobs: dict[tuple[str, str], Blob] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    refusals: int = 0
    cuts: int = 0
    after_a_range: Blob | None = None
    """What the blob becomes as soon as a first range of it was handed out."""
    _versions: int = 0

    def put(self, container: str, name: str, content: bytes = b"x", **metadata: str) -> None:
        self.blobs[container, name] = self.blob(content, **metadata)

    def blob(self, content: bytes, **metadata: str) -> Blob:
        self._versions += 1
        return Blob(content, self._versions, metadata)

    def listing(self, container: str, prefix: str, marker: str) -> bytes:
        """A page of names that begin with the prefix, from the marker on."""
        names = sorted(name for owner, name in self.blobs if owner == container and name.startswith(prefix))
        left = [name for name in names if name >= marker]
        page, following = left[:PAGE], left[PAGE : PAGE + 1]
        entries = "".join(self._entry(name, self.blobs[container, name]) for name in page)
        after = escape(following[0]) if following else ""
        document = f"<EnumerationResults><Blobs>{entries}</Blobs><NextMarker>{after}</NextMarker></EnumerationResults>"
        return f'<?xml version="1.0" encoding="utf-8"?>{document}'.encode()

    def _entry(self, name: str, blob: Blob) -> str:
        metadata = "".join(f"<{key}>{value}</{key}>" for key, value in blob.metadata.items())
        return (
            f"<Blob><Name>{escape(name)}</Name><Properties><Last-Modified>{_date(blob)}</Last-Modified>"
            f"<Etag>{blob.etag}</Etag><Content-Length>{len(blob.content)}</Content-Length><BlobType>BlockBlob</BlobType>"
            f"</Properties><Metadata>{metadata}</Metadata></Blob>"
        )


def _date(blob: Blob) -> str:
    return formatdate(1_790_000_000 + blob.version, usegmt=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        azure, parts = self.server.azure, urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        azure.seen.append(self.path)
        if azure.refusals:
            azure.refusals -= 1
            return self._answer(503, _error("ServerBusy"), {"x-ms-error-code": "ServerBusy"})
        if not self._signed(parts.path, query):
            return self._answer(403, _error("AuthenticationFailed"), {"x-ms-error-code": "AuthenticationFailed"})
        container, _, name = unquote(parts.path).strip("/").partition("/")
        if query.get("comp") == "list":
            body = azure.listing(container, query.get("prefix", ""), query.get("marker", ""))
            return self._answer(200, body, {"Content-Type": "application/xml"})
        return self._download(azure, container, name)

    def _download(self, azure: FakeAzure, container: str, name: str) -> None:
        blob = azure.blobs.get((container, name))
        if blob is None:
            return self._answer(404, _error("BlobNotFound"), {"x-ms-error-code": "BlobNotFound"})
        if self.headers.get("If-Match", f'"{blob.etag}"') != f'"{blob.etag}"':
            return self._answer(412, _error("ConditionNotMet"), {"x-ms-error-code": "ConditionNotMet"})
        first, _, last = self.headers.get("x-ms-range", "bytes=0-").removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last or len(blob.content)), len(blob.content) - 1)
        headers = {
            "ETag": f'"{blob.etag}"',
            "Last-Modified": _date(blob),
            "Content-Range": f"bytes {start}-{end}/{len(blob.content)}",
            "x-ms-blob-type": "BlockBlob",
        }
        if azure.after_a_range:
            azure.blobs[container, name], azure.after_a_range = azure.after_a_range, None
        return self._answer(206, blob.content[start : end + 1], headers)

    def _signed(self, path: str, query: Mapping[str, str]) -> bool:
        """A signature as a query, or the shared key's over what Azure documents as the text to sign."""
        if "sig" in query:
            return query["sig"] == parse_qs(SIGNATURE)["sig"][0]
        ours = sorted((name.lower(), value) for name, value in self.headers.items() if name.lower().startswith("x-ms-"))
        named = [self.headers.get(name, "") for name in ("If-Match", "If-None-Match", "If-Unmodified-Since", "Range")]
        lines = ["GET", "", "", "", "", "", "", "", *named]
        lines += [f"{name}:{value}" for name, value in ours]
        resource = f"/{ACCOUNT}{path}" + "".join(f"\n{name}:{value}" for name, value in sorted(query.items()))
        text = "\n".join([*lines, resource])
        digest = hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()
        return self.headers.get("Authorization") == f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "x-ms-version": "2026-02-06"}.items():
            self.send_header(name, value)
        self.end_headers()
        if status == 206 and self.server.azure.cuts:
            self.server.azure.cuts -= 1
            body, self.close_connection = body[: len(body) // 2], True
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class' name
        del format, args


def _error(code: str) -> bytes:
    return f"<?xml version='1.0' encoding='utf-8'?><Error><Code>{code}</Code><Message>no</Message></Error>".encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    azure: FakeAzure


@contextmanager
def running_azure() -> Iterator[FakeAzure]:
    """A service on a free port, with an empty account."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.azure = FakeAzure(url=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.azure
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
