"""Reviews: the page of a month of a department or of the company, its files, and the form that answers it.

What belongs here: the routes, and what the page's template is given. What does not: what a review is and its files
(`reviews`), and who may answer what, which `reviews` decides.

Of the company, finance sees both ledgers; everybody else what is at internal prices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from sqlalchemy import select
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse, Response

from twinledger.books import Books
from twinledger.reviews import (
    COMPANY,
    FORMATS,
    LONGEST_TEXT,
    CompanyReview,
    FinanceItemView,
    ItemView,
    Outcome,
    Reply,
    Review,
    answer,
    company_items,
    department_items,
    may_answer,
    review_file,
    review_for_everyone,
    review_for_finance,
    review_of,
)
from twinledger.reviews.company_words import finance_sections
from twinledger.reviews.words import sections, small_print, summary, trend_chart
from twinledger.store.models import Department, Person
from twinledger.vocabulary.errors import NotEntitledError, TwinledgerError
from twinledger.vocabulary.periods import Period
from twinledger.web.context import AppContext, OpenBooks, SignedIn, app_context, taken_away, templated
from twinledger.web.pages import same_site
from twinledger.web.readers import Reader

router = APIRouter()

_CONFLICT = 409


@router.get("/reviews/{period}.{kind}")
def company_file(period: str, kind: str, books: OpenBooks, reader: SignedIn) -> Response:
    """The company's review as a file to take away."""
    return taken_away(review_file(_review(books, reader, COMPANY, period), kind))


@router.get("/reviews/{period}/departments/{department}.{kind}")
def department_file(period: str, department: str, kind: str, books: OpenBooks, reader: SignedIn) -> Response:
    """A department's review as a file to take away."""
    return taken_away(review_file(_review(books, reader, department, period), kind))


@router.get("/reviews/{period}")
def company_page(request: Request, period: str, books: OpenBooks, reader: SignedIn) -> Response:
    """What the company spent in a month, why, and what is asked of finance."""
    return _page(request, books, reader, COMPANY, period)


@router.get("/reviews/{period}/departments/{department}")
def department_page(request: Request, period: str, department: str, books: OpenBooks, reader: SignedIn) -> Response:
    """What a department spent in a month, why, and what is asked of its owner."""
    return _page(request, books, reader, department, period)


@router.post("/reviews/{period}/answers")
def answer_item(
    request: Request,
    period: str,
    books: OpenBooks,
    reader: SignedIn,
    context: Annotated[AppContext, Depends(app_context)],
    item: Annotated[str, Form(max_length=255)],
    outcome: Annotated[Outcome, Form()],
    shown: Annotated[int, Form()],
    department: Annotated[str, Form(max_length=255)] = COMPANY,
    text: Annotated[str, Form(max_length=LONGEST_TEXT)] = "",
) -> Response:
    """Answer an item; the same claim as by Slack. `shown` makes an old form a refused one."""
    period, text = str(Period.parse(period)), text.strip()
    if not same_site(request, books.settings.public_url):
        raise NotEntitledError(reader.title, f"{period} {item}", "the form was sent from another site")
    try:
        answer(books, Reply(period, department, item, outcome, reader.name, "page", text, shown))
    except TwinledgerError as error:
        return _page(request, books, reader, department, period, notice=str(error), status=_CONFLICT)
    path = f"/departments/{department}" if department else ""
    address = f"{request.scope.get('root_path', '')}/reviews/{period}{path}"
    return RedirectResponse(address, 303, background=BackgroundTask(context.decided))


# --- what is shown ---------------------------------------------------------------------------


def _review(books: Books, reader: Reader, department: str, period: str) -> Review | CompanyReview:
    """The review that a reader may see."""
    month = Period.parse(period)
    if department != COMPANY:
        return review_of(books, department, month)
    return review_for_finance(books, month) if reader.finance else review_for_everyone(books, month)


def _page(
    request: Request, books: Books, reader: Reader, department: str, period: str, *, notice: str = "", status: int = 200
) -> Response:
    found = _review(books, reader, department, period)
    values = {"reader": reader, "notice": notice, **review_values(found), **_checklist(books, reader, found)}
    return templated(request, "review.html", values, status)


def review_values(found: Review | CompanyReview) -> dict[str, Any]:
    """What the template shows of the review itself."""
    shared = found.shared if isinstance(found, CompanyReview) else found
    return {
        "page": shared,
        "small": small_print(shared),
        "summary": summary(shared),
        "sections": sections(shared),
        "finance_sections": finance_sections(found) if isinstance(found, CompanyReview) else (),
        "chart": trend_chart(shared),
        "formats": FORMATS,
        "path": f"{shared.period}/departments/{shared.department}" if shared.department else str(shared.period),
    }


def _checklist(books: Books, reader: Reader, found: Review | CompanyReview) -> Mapping[str, Any]:
    """The items that were sent; those of the company are for finance."""
    shared = found.shared if isinstance(found, CompanyReview) else found
    with books.store.reading() as session:
        items: Sequence[ItemView | FinanceItemView] = ()
        if isinstance(found, CompanyReview):
            items = company_items(session, str(shared.period))
        elif shared.department != COMPANY:
            items = department_items(session, str(shared.period), shared.department)
        person = session.get(Person, reader.name)
        answers = person is not None and may_answer(session, person, shared.department)
        departments = session.execute(select(Department.name, Department.title).order_by(Department.name)).all()
    return {"items": items, "answers": answers, "departments": [(name, title or name) for name, title in departments]}
