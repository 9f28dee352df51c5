"""The route that reporters send usage events to; a token is their sign-in.

What belongs here: HTTP: reading a bounded body, statuses, the answer. What does not: which events are taken, and
keeping them (`metering`).
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from twinledger.metering import LARGEST_BODY, authenticated, read_events
from twinledger.vocabulary.errors import (
    ConfigurationError,
    EventsNotKeptError,
    EventsTooLargeError,
    TwinledgerError,
    UnknownMediaTypeError,
    UnknownReporterError,
    UnreadableEventsError,
)
from twinledger.web.context import AppContext, app_context

_STATUS: dict[type[TwinledgerError], int] = {
    UnreadableEventsError: 400,
    UnknownReporterError: 401,
    EventsTooLargeError: 413,
    UnknownMediaTypeError: 415,
    EventsNotKeptError: 503,
    ConfigurationError: 503,
}
_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}

router = APIRouter()


@router.post("/metering/events")
async def events(request: Request, context: Annotated[AppContext, Depends(app_context)]) -> JSONResponse:
    """CloudEvents, single or many: 202 when those that were accepted are on disk."""
    try:
        return JSONResponse(await _taken(request, context), 202)
    except TwinledgerError as error:
        status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
        return JSONResponse({"error": str(error)}, status, _HEADERS.get(status))


async def _taken(request: Request, context: AppContext) -> dict[str, object]:
    gateway = await run_in_threadpool(context.gateway)
    sender = await run_in_threadpool(authenticated, context.books(), request.headers.get("authorization", ""))
    body = await _bounded(request)
    sent = await run_in_threadpool(read_events, dict(request.headers), body, sender.name)
    if sent.alone and sent.refused:
        raise UnreadableEventsError(sent.refused[0].reason)
    accepted = await asyncio.wrap_future(gateway.submit(sender, sent.events)) if sent.events else 0
    return {
        "accepted": accepted,
        "duplicate": len(sent.events) - accepted,
        "refused": [asdict(one) for one in sent.refused],
    }


async def _bounded(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            raise EventsTooLargeError("body", f"{LARGEST_BODY} bytes")
    return bytes(body)
