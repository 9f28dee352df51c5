"""The pages' routes.

What belongs here: from a request to a view and its template, thin. What does not: reading (`views`),
rules (the domain), sign-in (`context`).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from sqlalchemy import text
from starlette.responses import FileResponse, JSONResponse, Response

from twinledger.reconciliation import held_months
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.periods import Period
from twinledger.web.context import TEMPLATES, Finance, OpenBooks, SignedIn, templated
from twinledger.web.held_view import held_page
from twinledger.web.views import home_view, outbox_view, reconciliation_view

router = APIRouter()

_DOCS_HEADERS = {
    # Great Expectations writes its styles into the page; its scripts come from elsewhere and stay out.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
        "base-uri 'none'; frame-ancestors 'self'"
    )
}


@router.get("/health")
def health(books: OpenBooks) -> JSONResponse:
    """Whether the store answers; for machines, so without sign-in and without detail."""
    with books.store.reading() as session:
        session.execute(text("SELECT 1"))
    return JSONResponse({"status": "ok"})


@router.get("/style.css")
def style() -> FileResponse:
    """The one stylesheet."""
    return FileResponse(TEMPLATES / "style.css", media_type="text/css", headers={"Cache-Control": "max-age=3600"})


@router.get("/")
def home(request: Request, books: OpenBooks, reader: SignedIn) -> Response:
    """What waits for the reader, and where everything is."""
    return templated(request, "home.html", {"reader": reader, "home": home_view(books, reader)})


@router.get("/outbox")
def outbox(request: Request, books: OpenBooks, reader: SignedIn) -> Response:
    """Messages as people would see them."""
    return templated(request, "outbox.html", {"reader": reader, "messages": outbox_view(books, reader)})


@router.get("/reconciliation/{period}")
def reconciliation(request: Request, period: str, books: OpenBooks, reader: Finance) -> Response:
    """The bridge of a period, its breaks and claims."""
    view = reconciliation_view(books, Period.parse(period))
    return templated(request, "reconciliation.html", {"reader": reader, "page": view})


@router.get("/held")
@router.get("/held/{period}")
def held(request: Request, books: OpenBooks, reader: Finance, period: str = "") -> Response:
    """The held share, month by month, and why: up to a month, or to the last that was reconciled."""
    months = held_months(books, Period.parse(period) if period else None)
    return templated(request, "held.html", {"reader": reader, "page": held_page(months)})


@router.get("/docs/{path:path}")
def data_docs(path: str, books: OpenBooks, reader: Finance) -> Response:
    """Great Expectations' Data Docs; a path that climbs out of their folder is as one that is not there."""
    del reader
    root = (books.settings.home / "data_docs").resolve()
    file = (root / path).resolve() if "\x00" not in path else root
    if file.is_dir():
        file /= "index.html"
    if not file.resolve().is_relative_to(root) or not file.is_file():
        raise UnknownNameError("Data Docs page", path, [])
    return FileResponse(file, headers=_DOCS_HEADERS)


def same_site(request: Request, public_url: str) -> bool:
    """Whether a form was sent from one of our own pages, as the browser says.

    A browser always says where a form comes from; what says nothing must carry a token that no
    browser sends by itself.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc in {request.headers.get("host", ""), urlsplit(public_url).netloc}
    return "authorization" in request.headers
