"""The pages of alerts: a list, and one with its chart and what may be done with it.

What belongs here: from a request to the domain and a template, thin. What does not: who may do what (`alerts`), and
what is shown to whom (`alert_view`).
"""

from __future__ import annotations

import secrets
from datetime import date, datetime, time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Request
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse, Response

from twinledger.alerts import WantedAlerts, acknowledge, alert_history, alert_list, comment, snooze
from twinledger.anomalies import answer
from twinledger.books import Books
from twinledger.deeds import LONGEST_TEXT, Act
from twinledger.slack.alert_buttons import show_again
from twinledger.slack.alert_pictures import BooksCurves
from twinledger.vocabulary.audiences import sentence_for_everyone
from twinledger.vocabulary.errors import InvalidActError, NotEntitledError, TwinledgerError, UnknownNameError
from twinledger.web.alert_view import as_address, check_reader, drawn, facts_of, listed, said_of, verbs_of
from twinledger.web.context import AppContext, OpenBooks, SignedIn, app_context, templated
from twinledger.web.pages import same_site
from twinledger.web.readers import Reader

router = APIRouter()

STATES = ("open", "new", "acknowledged", "snoozed", "resolved", "all")
_CONFLICT = 409
Verb = Literal["acknowledge", "snooze", "comment", "yes", "no", "planned"]


@router.get("/alerts")
def list_alerts(
    request: Request, books: OpenBooks, reader: SignedIn, state: str = "open", department: str = ""
) -> Response:
    """Alerts that the reader may see, the most money first."""
    found = alert_list(books, WantedAlerts("" if state == "all" else state, department))
    values = {"lines": listed(found, reader), "states": STATES, "state": state, "department": department}
    return templated(request, "alerts.html", {"reader": reader, **values})


@router.get("/alerts/{alert_id}")
def show_alert(request: Request, alert_id: str, books: OpenBooks, reader: SignedIn) -> Response:
    """One alert, as Slack's messages link to it."""
    return _alert_page(request, books, reader, alert_id)


@router.post("/alerts/{alert_id}")
def act_on_alert(
    request: Request,
    alert_id: str,
    books: OpenBooks,
    reader: SignedIn,
    context: Annotated[AppContext, Depends(app_context)],
    verb: Annotated[Verb, Form()],
    nonce: Annotated[str, Form(max_length=64)],
    revision: Annotated[int, Form()],
    text: Annotated[str, Form(max_length=LONGEST_TEXT)] = "",
    until: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Do what the form says; the same claim as by Slack and by command."""
    if not same_site(request, books.settings.public_url):
        raise NotEntitledError(reader.title, alert_id, "the form was sent from another site")
    seen = None if verb == "comment" else revision
    act = Act(alert_id, reader.name, "page", f"page:{reader.name}:{nonce}", seen)
    try:
        _do(books, verb, act, text, until)
    except UnknownNameError:
        raise
    except TwinledgerError as error:
        return _alert_page(request, books, reader, alert_id, notice=sentence_for_everyone(error), status=_CONFLICT)
    address = f"{request.scope.get('root_path', '')}/alerts/{alert_id}"
    return RedirectResponse(address, 303, background=BackgroundTask(context.decided))


def _do(books: Books, verb: Verb, act: Act, text: str, until: str) -> None:
    if verb == "acknowledge":
        acknowledge(books, act)
    elif verb == "snooze":
        snooze(books, act, _instant(books, until))
    elif verb == "comment":
        comment(books, act, text)
    else:
        answer(books, alert_history(books, act.subject).alert.anomaly, act.who, verb, act.surface, act.key)
        show_again(books, act.subject, f"answered {verb}")


def _instant(books: Books, day: str) -> datetime:
    """The first instant of a day in the company's accounting time zone."""
    try:
        return datetime.combine(date.fromisoformat(day), time(), ZoneInfo(books.settings.timezone))
    except ValueError:
        raise InvalidActError("until", day, "a day, as 2026-11-05") from None


def _alert_page(
    request: Request, books: Books, reader: Reader, alert_id: str, *, notice: str = "", status: int = 200
) -> Response:
    history = alert_history(books, alert_id)
    check_reader(history.alert, reader)
    facts = facts_of(history.alert)
    picture = drawn(facts, BooksCurves(books))
    values = {
        "one": facts,
        "life": history.alert.acted_by and f"{history.alert.state} by {history.alert.acted_by}",
        "revision": history.alert.revision,
        "verbs": verbs_of(history.alert),
        "said": said_of(history),
        "chart": as_address(picture) if picture else "",
        "alt": picture.alt if picture else "",
    }
    return templated(
        request, "alert.html", {"reader": reader, "nonce": secrets.token_hex(16), "notice": notice, **values}, status
    )
