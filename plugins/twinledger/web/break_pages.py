"""The pages of breaks: a list with filters, and one break with what may be done with it. For finance.

What belongs here: from a request to the domain and a template, thin. What does not: who may do what (`reconciliation`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Request
from sqlalchemy import select
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse, Response

from twinledger.books import Books
from twinledger.deeds import LONGEST_TEXT, Act
from twinledger.reconciliation import (
    AGE_CLASSES,
    DIMENSIONS,
    OLDEST,
    TRANSITIONS,
    BreakLine,
    BreakView,
    RootCause,
    Verb,
    Wanted,
    accept,
    acknowledge,
    assign,
    break_lines,
    break_view,
    comment,
    fix,
    read_cause,
    root_cause,
    snooze,
)
from twinledger.store.models import Person
from twinledger.vocabulary.audiences import ForFinance
from twinledger.vocabulary.errors import InvalidActError, NotEntitledError, TwinledgerError, UnknownNameError
from twinledger.web.context import AppContext, Finance, OpenBooks, app_context, templated
from twinledger.web.pages import same_site
from twinledger.web.readers import Reader

router = APIRouter()

STATES = ("open", "new", "acknowledged", "snoozed", "cleared", "fixed", "accepted", "all")
_CONFLICT = 409


@dataclass(frozen=True, slots=True)
class ListPage(ForFinance):
    """The breaks that are asked for, and what may be asked for."""

    wanted: Wanted
    lines: tuple[BreakLine, ...]
    states: tuple[str, ...]
    ages: tuple[str, ...]
    choices: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class BreakPage(ForFinance):
    """One break, its contributors once they are known, and what may be done with it now."""

    view: BreakView
    cause: RootCause | None
    dimensions: tuple[str, ...]
    verbs: tuple[Verb, ...]
    people: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Sent:
    """What a form says; each verb reads what it needs."""

    text: str
    until: str
    assignee: str


@router.get("/breaks")
def list_breaks(
    request: Request,
    books: OpenBooks,
    reader: Finance,
    state: str = "open",
    period: str = "",
    pool: str = "",
    owner: str = "",
    age: str = "",
) -> Response:
    """Breaks, the most money first."""
    every = break_lines(books, Wanted(state=""))
    wanted = Wanted(state, period, pool, owner, age)
    asked = Wanted("" if state == "all" else state, period, pool, owner, age)
    choices = {
        "period": sorted({one.period for one in every}, reverse=True),
        "pool": sorted({one.pool for one in every if one.pool}),
        "owner": sorted({name for one in every for name in (one.owner, one.assignee) if name}),
    }
    ages = (*(name for name, _ in AGE_CLASSES), OLDEST)
    page = ListPage(wanted, tuple(one for one in every if asked.has(one)), STATES, ages, choices)
    return templated(request, "breaks.html", {"reader": reader, "page": page})


@router.get("/breaks/{break_id}")
def show_break(request: Request, break_id: str, books: OpenBooks, reader: Finance, cause: bool = False) -> Response:  # noqa: FBT001, FBT002 - a query parameter
    """One break; with `cause`, what it is made of is read from both ledgers."""
    found = root_cause(books, break_id) if cause else None
    return _break_page(request, books, reader, break_id, found)


@router.post("/breaks/{break_id}")
def act_on_break(
    request: Request,
    break_id: str,
    books: OpenBooks,
    reader: Finance,
    context: Annotated[AppContext, Depends(app_context)],
    verb: Annotated[Verb, Form()],
    nonce: Annotated[str, Form(max_length=64)],
    revision: Annotated[int, Form()],
    text: Annotated[str, Form(max_length=LONGEST_TEXT)] = "",
    until: Annotated[str, Form(max_length=40)] = "",
    assignee: Annotated[str, Form(max_length=255)] = "",
) -> Response:
    """Do what the form says; the same claim as by Slack and by command."""
    if not same_site(request, books.settings.public_url):
        raise NotEntitledError(reader.title, break_id, "the form was sent from another site")
    # What is said holds whatever else happened; a deed is on what was looked at.
    act = Act(break_id, reader.name, "page", f"page:{reader.name}:{nonce}", None if verb == "comment" else revision)
    try:
        _done(books, verb, act, _Sent(text, until, assignee))
    except UnknownNameError:
        raise
    except TwinledgerError as error:
        return _break_page(request, books, reader, break_id, None, notice=str(error), status=_CONFLICT)
    address = f"{request.scope.get('root_path', '')}/breaks/{break_id}"
    return RedirectResponse(address, 303, background=BackgroundTask(context.decided))


def _done(books: Books, verb: Verb, act: Act, sent: _Sent) -> None:
    deeds: dict[Verb, Callable[[], object]] = {
        "acknowledge": lambda: acknowledge(books, act),
        "snooze": lambda: snooze(books, act, _instant(books, sent.until)),
        "assign": lambda: assign(books, act, sent.assignee),
        "comment": lambda: comment(books, act, sent.text),
        "accept": lambda: accept(books, act, sent.text),
        "fix": lambda: fix(books, act, sent.text),
    }
    deeds[verb]()


def _instant(books: Books, day: str) -> datetime:
    """The first instant of a day in the company's accounting time zone."""
    try:
        return datetime.combine(date.fromisoformat(day), time(), ZoneInfo(books.settings.timezone))
    except ValueError:
        raise InvalidActError("until", day, "a day, as 2026-11-05") from None


def _break_page(
    request: Request,
    books: Books,
    reader: Reader,
    break_id: str,
    cause: RootCause | None,
    *,
    notice: str = "",
    status: int = 200,
) -> Response:
    view = break_view(books, break_id)
    frozen = read_cause(view.evidence["cause"]) if view.evidence else None
    with books.store.reading() as session:
        people = [(one.name, one.title) for one in session.scalars(select(Person).order_by(Person.title))]
    verbs = tuple(verb for verb, step in TRANSITIONS.items() if view.line.state in step.start)
    page = BreakPage(view, frozen or cause, DIMENSIONS, verbs, people)
    values = {"reader": reader, "page": page, "nonce": secrets.token_hex(16), "notice": notice}
    return templated(request, "break.html", values, status)
