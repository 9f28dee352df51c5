"""What every route is handed: the books, the reader, the templates.

What belongs here: dependencies of FastAPI and the rendering of a template. What does not: routes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from twinledger.books import Books
from twinledger.documents import File
from twinledger.metering import Gateway
from twinledger.reconciliation import sign_off
from twinledger.slack.cards import quantity_text, spoken, when
from twinledger.slack.handler import SlackHandler
from twinledger.slack.sender import slack_client
from twinledger.statements.words import number_text, percent_text, price_text
from twinledger.vocabulary.audiences import check_everyone
from twinledger.vocabulary.errors import NotEntitledError
from twinledger.vocabulary.money import signed
from twinledger.web.readers import Reader, reader_of

log = logging.getLogger(__name__)

TEMPLATES = Path(__file__).parent / "templates"

_templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
_templates.filters.update(when=when, signed=signed, spoken=spoken, quantity=quantity_text)
_templates.filters.update(number=number_text, percent=percent_text, price=price_text)


class AppContext:
    """What the app was made with, and what it has open: books, Slack's handler and the gateway of events, one each."""

    def __init__(
        self, open_books: Callable[[], AbstractContextManager[Books]], after_decision: Callable[[], object]
    ) -> None:
        """Open nothing yet: Airflow makes the app in processes that never serve a page."""
        self._after_decision = after_decision
        self._open_books = open_books
        self._lock = RLock()
        self._opened = ExitStack()
        self._books: Books | None = None
        self._slack: SlackHandler | None = None
        self._gateway: Gateway | None = None

    def books(self) -> Books:
        """The books, opened at the first call."""
        with self._lock:
            if self._books is None:
                self._books = self._opened.enter_context(self._open_books())
            return self._books

    def slack(self) -> SlackHandler:
        """Slack's handler, made at the first call."""
        with self._lock:
            if self._slack is None:
                books = self.books()
                client = slack_client(books.settings.slack)
                self._slack = SlackHandler(books, client, self.decided, partial(sign_off, books))
                self._opened.callback(self._slack.close)
            return self._slack

    def gateway(self) -> Gateway:
        """The gateway of usage events, made at the first call."""
        with self._lock:
            if self._gateway is None:
                self._gateway = Gateway(self.books())
                self._opened.callback(self._gateway.close)
            return self._gateway

    def decided(self) -> None:
        """Have the outbox drained; when that fails, its next run does it, for the decision stands."""
        try:
            self._after_decision()
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer is on its way already
            log.warning("the outbox was not drained at once: %s", type(error).__name__)

    def close(self) -> None:
        """Wait for what is under way and give the books back; a mounted app's owner calls it."""
        with self._lock:
            self._opened.close()
            self._books = self._slack = self._gateway = None


def app_context(request: Request) -> AppContext:
    """What the app was made with."""
    context: AppContext = request.app.state.context
    return context


def open_books(context: Annotated[AppContext, Depends(app_context)]) -> Books:
    """The books of this deployment."""
    return context.books()


OpenBooks = Annotated[Books, Depends(open_books)]


def airflow_user() -> str:
    """The Airflow user's name; `create_app` puts the owner's dependency in this one's place."""
    raise NotImplementedError


def signed_in(user: Annotated[str, Depends(airflow_user)], books: OpenBooks) -> Reader:
    """The person who is signed in; raises NotEntitledError when it is none of the company's."""
    return reader_of(books.store, user)


SignedIn = Annotated[Reader, Depends(signed_in)]


def for_finance(reader: SignedIn) -> Reader:
    """A reader with the finance role; raises NotEntitledError otherwise."""
    if not reader.finance:
        raise NotEntitledError(reader.title, "what finance sees", "the page needs the finance role")
    return reader


Finance = Annotated[Reader, Depends(for_finance)]


def templated(request: Request, template: str, values: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """A page; `base` is where the app is mounted.

    Raises:
        WrongAudienceError: it shows what is for finance, and the reader is not.
    """
    reader = values.get("reader")
    if not (isinstance(reader, Reader) and reader.finance):
        check_everyone(template, values)
    base = request.scope.get("root_path", "")
    return HTMLResponse(_templates.get_template(template).render(base=base, **values), status_code=status)


def taken_away(file: File, name: str = "") -> Response:
    """A file as a download, under a name of its own where its own says too little."""
    disposition = f"attachment; filename*=UTF-8''{quote(name or file.name, safe='')}"
    return Response(file.content, media_type=file.media_type, headers={"Content-Disposition": disposition})
