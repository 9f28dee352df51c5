"""Requests to provision: asking by HTTP, the page of one, and its decision.

What belongs here: from a request to a view and its template, thin. What does not: rules (`approvals`), sign-in
(`context`).
"""

from __future__ import annotations

import secrets
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Header, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import IntegrityError
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, RedirectResponse, Response

from twinledger.approvals import Decision, RequestView, Submission, decide, request_view, submit, waiting_for, withdraw
from twinledger.books import Books
from twinledger.budgets import spent_so_far
from twinledger.metering import card_use
from twinledger.slack.render import approval_facts
from twinledger.vocabulary.errors import (
    ConfigurationError,
    NotEntitledError,
    TwinledgerError,
    UnknownNameError,
    UnknownRequestError,
)
from twinledger.vocabulary.identities import digest, new_identity, short
from twinledger.web.context import AppContext, OpenBooks, SignedIn, app_context, templated
from twinledger.web.pages import same_site
from twinledger.web.readers import Reader

router = APIRouter()

_CONFLICT = 409
SURFACE = "page"


class Asked(BaseModel):
    """What is asked for, as JSON; `quantity` is units of the meter a day, a decimal string."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    department: str = Field(max_length=255)
    product: str = Field(max_length=255)
    meter: str = Field(max_length=255)
    quantity: Decimal
    days: int
    region: str = Field(max_length=255)
    justification: str = Field(max_length=4000)
    account: str | None = Field(None, max_length=255)
    needed_by: date | None = None


@router.post("/requests")
def ask(
    asked: Asked,
    request: Request,
    books: OpenBooks,
    reader: SignedIn,
    context: Annotated[AppContext, Depends(app_context)],
    idempotency_key: Annotated[str, Header(max_length=255)] = "",
) -> Response:
    """Ask, as the person who is signed in: 201 with the request; 200 with the same one where its key comes again.

    422 with the reason where it cannot be or the policy refuses it.
    """
    if not same_site(request, books.settings.public_url):
        raise NotEntitledError(reader.title, "a request", "it was sent from another site")
    known = f"req-{short(digest('http', reader.name, idempotency_key))}" if idempotency_key else ""
    if known and (found := _known(books, known)):
        return JSONResponse(_told(found), 200)
    try:
        wish = Submission(
            requester=reader.name,
            actual=spent_so_far(books, asked.department),
            card_uses=card_use(books, asked.department, asked.product),
            **asked.model_dump(),
        )
        made = submit(books, wish, lambda prefix: known or new_identity(prefix))
    except IntegrityError:
        made = known  # the same key came twice at once
    except ConfigurationError:
        raise
    except TwinledgerError as error:
        return JSONResponse({"error": str(error)}, 404 if isinstance(error, UnknownNameError) else 422)
    view = _known(books, made)
    return JSONResponse(_told(view) if view else {}, 201, background=BackgroundTask(context.decided))


def _known(books: Books, request_id: str) -> RequestView | None:
    with books.store.reading() as session:
        try:
            return request_view(session, request_id)
        except UnknownRequestError:
            return None


def _told(view: RequestView) -> dict[str, object]:
    """A request for a program; amounts are decimal strings."""
    return {
        "request": view.id,
        "state": view.state,
        "amount": str(view.facts["amount"]),
        "currency": view.currency,
        "asked": list(view.approvers),
        "rule": view.facts["rule"],
        "expires_at": view.expires_at.isoformat(),
        "grant": view.grant,
    }


@router.get("/requests/{request_id}")
def show_request(request: Request, request_id: str, books: OpenBooks, reader: SignedIn) -> Response:
    """One request, with a form for those who are asked to decide, and for who asked."""
    return _request_page(request, books, reader, request_id)


@router.post("/requests/{request_id}")
def decide_request(
    request: Request,
    request_id: str,
    books: OpenBooks,
    reader: SignedIn,
    context: Annotated[AppContext, Depends(app_context)],
    answer: Annotated[Literal["approve", "deny", "withdraw"], Form()],
    nonce: Annotated[str, Form(max_length=64)],
    comment: Annotated[str, Form(max_length=1000)] = "",
    stage: Annotated[int | None, Form(ge=0, le=9)] = None,
) -> Response:
    """Approve, deny or withdraw; the same claim as by Slack."""
    if not same_site(request, books.settings.public_url):
        raise NotEntitledError(reader.title, request_id, "the form was sent from another site")
    comment = comment.strip()
    if answer == "deny" and not comment:
        return _request_page(request, books, reader, request_id, notice="A reason is required to deny.", status=400)
    key = f"page:{reader.name}:{nonce}"
    try:
        if answer == "withdraw":
            withdraw(books, request_id, reader.name, surface=SURFACE, interaction_key=key)
        else:
            decide(books, Decision(request_id, reader.name, answer, SURFACE, key, comment, stage))
    except UnknownRequestError:
        raise
    except TwinledgerError as error:
        return _request_page(request, books, reader, request_id, notice=str(error), status=_CONFLICT)
    address = f"{request.scope.get('root_path', '')}/requests/{request_id}"
    return RedirectResponse(address, 303, background=BackgroundTask(context.decided))


def _request_page(
    request: Request, books: Books, reader: Reader, request_id: str, *, notice: str = "", status: int = 200
) -> Response:
    with books.store.reading() as session:
        facts = approval_facts(session, request_id)
        view = request_view(session, request_id)
        may_decide = any(one.id == request_id for one in waiting_for(session, reader.name))
    may_withdraw = view.state == "pending" and view.requester == reader.name
    values = {"facts": facts, "may_decide": may_decide, "may_withdraw": may_withdraw, "nonce": secrets.token_hex(16)}
    return templated(request, "request.html", {"reader": reader, "notice": notice, **values}, status)
