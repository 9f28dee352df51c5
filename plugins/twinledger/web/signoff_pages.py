"""Signing on the page: the statements of a period, each with the form that its state allows.

What belongs here: the routes, and what the page's template is given. What does not: who may sign and what forbids
it (`signing`, `reconciliation`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse, Response

from twinledger.books import Books
from twinledger.reconciliation import sign_off
from twinledger.signing import ENTITLED, TRANSITIONS, Event, SignatureView, Step, signatures
from twinledger.vocabulary.errors import NotEntitledError, TwinledgerError
from twinledger.vocabulary.money import Money
from twinledger.vocabulary.periods import Period
from twinledger.web.context import AppContext, Finance, OpenBooks, app_context, templated
from twinledger.web.pages import same_site
from twinledger.web.readers import Reader

router = APIRouter()

_CONFLICT = 409
_NEEDS_REASON = ("refuse", "withdraw")
_SHOWN = {
    "internal": "Internal ledger",
    "external": "External ledger",
    "deviation": "Deviation",
    "unexplained": "Unexplained",
}
"""Figure of a statement -> its title."""


@router.get("/signoff/{period}")
def statements_to_sign(request: Request, period: str, books: OpenBooks, reader: Finance) -> Response:
    """How each statement of a period stands, with what the reader may do."""
    return _page(request, books, reader, str(Period.parse(period)))


@router.post("/signoff/{period}")
def move_statement(
    request: Request,
    period: str,
    books: OpenBooks,
    reader: Finance,
    context: Annotated[AppContext, Depends(app_context)],
    pool: Annotated[str, Form(max_length=255)],
    event: Annotated[Event, Form()],
    shown: Annotated[str, Form(max_length=64)],
    comment: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Prepare, sign, refuse or withdraw; the same claim as by Slack. `shown` makes an old form a refused one."""
    period, comment = str(Period.parse(period)), comment.strip()
    if not same_site(request, books.settings.public_url):
        raise NotEntitledError(reader.title, f"{period} {pool}", "the form was sent from another site")
    if event in _NEEDS_REASON and not comment:
        return _page(request, books, reader, period, notice=f"A reason is required to {event}.", status=400)
    try:
        sign_off(books, Step(period, pool, event, reader.name, "page", comment, shown))
    except TwinledgerError as error:
        return _page(request, books, reader, period, notice=str(error), status=_CONFLICT)
    address = f"{request.scope.get('root_path', '')}/signoff/{period}"
    return RedirectResponse(address, 303, background=BackgroundTask(context.decided))


def _page(
    request: Request, books: Books, reader: Reader, period: str, *, notice: str = "", status: int = 200
) -> Response:
    with books.store.reading() as session:
        found = signatures(session, period)
    lines = [(one, _figures(one, books.settings.reporting_currency), _allowed(one, reader.name)) for one in found]
    values = {"period": period, "lines": lines, "notice": notice}
    return templated(request, "signoff.html", {"reader": reader, **values}, status)


def _figures(one: SignatureView, currency: str) -> list[tuple[str, Money]]:
    return [(title, Money(Decimal(one.figures.get(name, "0")), currency)) for name, title in _SHOWN.items()]


def _allowed(one: SignatureView, who: str) -> list[Event]:
    """What the buttons offer; whether it is allowed is decided when one is pressed."""
    signers = {one.prepared_by, one.decided_by if one.state == "signed" else None}
    mine = {"finance": True, "reviewer": who != one.prepared_by, "signer": who in signers}
    return [event for state, event in TRANSITIONS if state == one.state and mine[ENTITLED[event]]]
