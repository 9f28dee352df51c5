"""Answers of HTTP APIs that are places: asked again while a server is busy, refused in words.

What belongs here: one request and its retries. What does not: what is asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from twinledger.vocabulary.errors import InvalidConfigError, PlaceUnreachableError

ATTEMPTS = 6
LONGEST_WAIT_S = 30.0
_TIMEOUT_S = 120.0
_BUSY = {408, 429, 500, 502, 503, 504}


class _BusyError(Exception):
    """The server may answer later."""


class Api:
    """A server that answers JSON, with the digits of its numbers kept."""

    _client: httpx.Client

    def __init__(self, address: str, bearer_file: str = "") -> None:
        """Open; nothing is asked yet. The file has a bearer token and is read at each request: tokens are rotated."""
        self.address = address.rstrip("/")
        self._bearer_file = bearer_file

    @contextmanager
    def connected(self) -> Iterator[None]:
        """One connection for all that is asked in the block."""
        with httpx.Client(timeout=_TIMEOUT_S) as self._client:
            yield

    def ask(self, method: str, path: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        """The object that is answered, within `connected`; parameters of a POST go into its body.

        Raises:
            PlaceUnreachableError: no answer after several attempts, or a refusal.
            InvalidConfigError: the file of the token cannot be read.
        """
        retries = Retrying(
            retry=retry_if_exception_type((_BusyError, httpx.TransportError)),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(max=LONGEST_WAIT_S),
            reraise=True,
        )
        try:
            return retries(self._ask_once, method, path, parameters)
        except (_BusyError, httpx.HTTPError) as error:
            raise PlaceUnreachableError(self.address, str(error) or type(error).__name__) from error

    def _ask_once(self, method: str, path: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        sent = {"data": dict(parameters)} if method == "POST" else {"params": dict(parameters)}
        headers = self._headers()
        answer = self._client.request(method, self.address + path, headers=headers, **sent)  # type: ignore[arg-type]  # one of the two keywords
        if answer.status_code in _BUSY:
            raise _BusyError(f"it answers {answer.status_code}: {_problem(answer)}")
        if not answer.is_success:
            raise PlaceUnreachableError(self.address, f"it answers {answer.status_code}: {_problem(answer)}")
        content = _content(answer)
        if content is None:
            raise PlaceUnreachableError(self.address, "it answers something else than a JSON object")
        return content

    def _headers(self) -> dict[str, str]:
        if not self._bearer_file:
            return {}
        try:
            return {"Authorization": f"Bearer {Path(self._bearer_file).read_text(encoding='ascii').strip()}"}
        except (OSError, UnicodeDecodeError) as error:
            problem = f"cannot be read: {type(error).__name__}"
            raise InvalidConfigError("sources.yaml", "options.bearer_file", problem) from None


def _content(answer: httpx.Response) -> dict[str, Any] | None:
    try:
        content = json.loads(answer.content, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _problem(answer: httpx.Response) -> str:
    """What the server says is wrong; of an HTML page from something before it, nothing."""
    content = _content(answer) or {}
    said = content.get("error") or content.get("message") or answer.reason_phrase
    return str(said)[:300]
