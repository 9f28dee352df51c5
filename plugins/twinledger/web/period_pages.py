"""Statements of periods: their pages, the rows of each component, and the files. For finance.

What belongs here: the routes. What does not: what a statement says and its files (`reconciliation`), and what
departments are charged, which everybody may read (`statement_pages`).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from twinledger.books import Books
from twinledger.reconciliation import (
    PeriodStatement,
    newest_run,
    open_components,
    period_statement,
    render_statement,
)
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.periods import Period
from twinledger.web.context import Finance, OpenBooks, taken_away, templated
from twinledger.web.period_view import period_page, rows_page
from twinledger.web.readers import Reader

router = APIRouter()

PageNumber = Annotated[int, Query(ge=1, le=1_000_000)]


@router.get("/reconciliation/{period}/department/{department}")
def department_page(request: Request, period: str, department: str, books: OpenBooks, reader: Finance) -> Response:
    """A department's share of both ledgers."""
    return _page(request, _found(books, period, "department", department), reader)


@router.get("/reconciliation/{period}/department/{department}/rows/{component}")
def department_rows(
    request: Request, period: str, department: str, component: str, books: OpenBooks, reader: Finance,
    page: PageNumber = 1,
) -> Response:  # fmt: skip
    """The pools that one component of a department comes from."""
    return _rows(request, books, _found(books, period, "department", department), component, page, reader)


@router.get("/reconciliation/{period}/department/{department}/files/{name}")
def department_file(period: str, department: str, name: str, books: OpenBooks, reader: Finance) -> Response:
    """A file of a department's statement."""
    del reader
    return _file(books, _found(books, period, "department", department), name)


@router.get("/reconciliation/{period}/{pool}")
def pool_page(request: Request, period: str, pool: str, books: OpenBooks, reader: Finance) -> Response:
    """The statement of a pool."""
    return _page(request, _found(books, period, "pool", pool), reader)


@router.get("/reconciliation/{period}/{pool}/rows/{component}")
def pool_rows(
    request: Request, period: str, pool: str, component: str, books: OpenBooks, reader: Finance, page: PageNumber = 1
) -> Response:
    """One component of a pool, down to the rows of both ledgers."""
    return _rows(request, books, _found(books, period, "pool", pool), component, page, reader)


@router.get("/reconciliation/{period}/{pool}/files/{name}")
def pool_file(period: str, pool: str, name: str, books: OpenBooks, reader: Finance) -> Response:
    """A file of a pool's statement."""
    del reader
    return _file(books, _found(books, period, "pool", pool), name)


def _found(books: Books, period: str, kind: str, subject: str) -> PeriodStatement:
    return period_statement(newest_run(books, Period.parse(period)), kind, subject)


def _page(request: Request, found: PeriodStatement, reader: Reader) -> Response:
    return templated(request, "period.html", {"reader": reader, "page": period_page(found)})


def _rows(
    request: Request, books: Books, found: PeriodStatement, component: str, page: int, reader: Reader
) -> Response:
    opened = open_components(books, found, (component,))[component]
    return templated(request, "period_rows.html", {"reader": reader, "page": rows_page(found, opened, page)})


def _file(books: Books, found: PeriodStatement, name: str) -> Response:
    files = {one.name: one for one in render_statement(books, found)}
    if name not in files:
        raise UnknownNameError("file of the statement", name, files)
    return taken_away(files[name], f"{found.kind}-{found.subject}-{found.period}-{name}")
