"""The route that Slack calls; its signature is its sign-in.

What belongs here: reading the raw body and handing it on. What does not: everything else (`slack.handler`).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from twinledger.web.context import AppContext, app_context

LARGEST_BODY = 1 << 20
"""Bytes; Slack's own are below 200 kB."""

router = APIRouter()


@router.post("/slack/events")
@router.post("/slack/interactions")
async def slack(request: Request, context: Annotated[AppContext, Depends(app_context)]) -> Response:
    """Events, interactions and commands of Slack, verified over the raw body."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            return Response(status_code=413)
    handler = await run_in_threadpool(context.slack)
    reply = await run_in_threadpool(handler.handle, bytes(body), dict(request.headers))
    headers = {name: value for name, value in reply.headers.items() if name.lower() != "content-length"}
    return Response(reply.body, reply.status, headers)
