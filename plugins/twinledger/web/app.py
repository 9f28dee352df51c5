"""The app: who may call what, and how errors and headers look.

What belongs here: putting routes, sign-in and headers together. What does not: the routes (`pages`,
`slack_route`, `metering_route`) and what they show (`views`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager

from fastapi import FastAPI, Request
from starlette.responses import Response

from twinledger.books import Books
from twinledger.vocabulary.audiences import sentence_for_everyone
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    ConcurrentChangeError,
    InvalidPeriodError,
    NotAllowedStateError,
    NotEntitledError,
    PersonError,
    SigningError,
    StaleRunError,
    TwinledgerError,
    UnknownNameError,
    UnknownRequestError,
)
from twinledger.web import (
    alert_pages,
    break_pages,
    claim_pages,
    metering_route,
    pages,
    period_pages,
    request_pages,
    review_pages,
    signoff_pages,
    slack_route,
    statement_pages,
)
from twinledger.web.context import AppContext, airflow_user, templated

CurrentUser = Callable[..., str | Awaitable[str]]
"""A FastAPI dependency that returns the name of the Airflow user, or answers 401."""

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: browsers would then send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_STATUS: dict[type[TwinledgerError], int] = {
    NotEntitledError: 403,
    PersonError: 403,
    UnknownRequestError: 404,
    UnknownNameError: 404,
    InvalidPeriodError: 404,
    AlreadyDecidedError: 409,
    NotAllowedStateError: 409,
    ConcurrentChangeError: 409,
    StaleRunError: 409,
    SigningError: 409,
}


def _nothing() -> None:
    """Leave sending to the next run of the outbox."""


def create_app(
    open_books: Callable[[], AbstractContextManager[Books]],
    current_user: CurrentUser,
    after_decision: Callable[[], object] = _nothing,
) -> FastAPI:
    """The app that Airflow mounts at /twinledger.

    Args:
        open_books: entered once, at the first request that needs the books; left when the app ends.
        current_user: a FastAPI dependency that returns the Airflow user's name, or answers 401.
        after_decision: called after each decision, when its answer is on its way; drains the outbox.
    """
    context = AppContext(open_books, after_decision)
    app = FastAPI(title="Twinledger", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_closing(context))
    app.state.context = context
    app.dependency_overrides[airflow_user] = current_user
    app.include_router(pages.router)
    app.include_router(request_pages.router)
    app.include_router(statement_pages.router)
    app.include_router(review_pages.router)
    app.include_router(period_pages.router)
    app.include_router(break_pages.router)
    app.include_router(alert_pages.router)
    app.include_router(signoff_pages.router)
    app.include_router(claim_pages.router)
    app.include_router(slack_route.router)
    app.include_router(metering_route.router)
    app.add_exception_handler(TwinledgerError, _refused)
    app.middleware("http")(_with_headers)
    return app


def _closing(context: AppContext) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            context.close()

    return lifespan


async def _with_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _refused(request: Request, error: Exception) -> Response:
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 400)
    return templated(
        request, "error.html", {"status": status, "sentence": sentence_for_everyone(error), "reader": None}, status
    )
