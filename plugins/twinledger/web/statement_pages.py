"""Statements: the page of a department's month, and its files.

What belongs here: the routes, and what the page's template is given. What does not: what a statement is and
its files (`statements`), and what anything really cost, which no statement knows.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from twinledger.statements import FORMATS, Document, document, statement_file
from twinledger.statements.words import CAUSES, KINDS, history_chart
from twinledger.vocabulary.periods import Period
from twinledger.web.context import OpenBooks, SignedIn, taken_away, templated

router = APIRouter()


@router.get("/statements/{department}/{period}.{kind}")
def department_file(department: str, period: str, kind: str, books: OpenBooks, reader: SignedIn) -> Response:
    """A department's statement as a file to take away."""
    del reader
    file = statement_file(document(books, department, Period.parse(period)), kind)
    return taken_away(file)


@router.get("/statements/{department}/{period}")
def department_statement(
    request: Request, department: str, period: str, books: OpenBooks, reader: SignedIn
) -> Response:
    """What a department pays for a period, at internal prices, and what moved since the month before."""
    found = document(books, department, Period.parse(period))
    return templated(request, "statement.html", {"reader": reader, **statement_values(found)})


def statement_values(found: Document) -> dict[str, Any]:
    """What the template shows."""
    return {"page": found, "chart": history_chart(found), "formats": FORMATS, "kinds": KINDS, "causes": CAUSES}
