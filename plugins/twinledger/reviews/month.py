"""The reviews of a month: making them all, and sending them.

What belongs here: putting reading, building and keeping together. What does not: each of these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twinledger.anomalies import Anomaly, anomalies
from twinledger.books import Books
from twinledger.reviews.build import department_review, everyones_review
from twinledger.reviews.company import CompanyReview
from twinledger.reviews.company_read import company_review
from twinledger.reviews.keep import keep, sending_of
from twinledger.reviews.read import read_inputs
from twinledger.reviews.review import Review
from twinledger.vocabulary.audiences import ForFinance
from twinledger.vocabulary.periods import Period

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class MonthReviews(ForFinance):
    """All reviews of a month: one of each department in order of name, and the company's."""

    departments: tuple[Review, ...]
    company: CompanyReview


@dataclass(frozen=True, slots=True)
class SentReviews:
    """What was done with the reviews of a month, by department; the company's goes by `company`."""

    told: tuple[str, ...]
    """Those that say something new."""
    unchanged: tuple[str, ...]
    empty: tuple[str, ...]
    """Departments without anything to review: nobody is told."""


def _unsaid(_text: str) -> None:
    """Tell nobody how far it is."""


def review_of(books: Books, department: str, period: Period) -> Review:
    """One department's month.

    Raises:
        UnknownNameError: there is no such department.
        MissingRateError: an amount is in a currency that its month has no rate for.
    """
    return department_review(read_inputs(books, period), department, _anomalies(books))


def review_for_everyone(books: Books, period: Period) -> Review:
    """The whole company's month at internal prices; raises MissingRateError."""
    return everyones_review(read_inputs(books, period), _anomalies(books))


def review_for_finance(books: Books, period: Period) -> CompanyReview:
    """The whole company's month in both ledgers; raises MissingRateError."""
    found = _anomalies(books)
    return company_review(books, everyones_review(read_inputs(books, period), found), found)


def month_reviews(books: Books, period: Period, say: Say = _unsaid) -> MonthReviews:
    """Every review of a month, read once; raises MissingRateError."""
    say(f"reading {period}")
    inputs, odd = read_inputs(books, period), _anomalies(books)
    departments = tuple(department_review(inputs, name, odd) for name in sorted(inputs.units))
    say("what vendors charged")
    return MonthReviews(departments, company_review(books, everyones_review(inputs, odd), odd))


def send_reviews(books: Books, found: MonthReviews, who: str) -> SentReviews:
    """Keep reviews and queue their messages, to each department's channel and to finance's.

    Safe to repeat: what says nothing new is not told again.

    Args:
        books: the deployment.
        found: what `month_reviews` made.
        who: a person or a DAG, for the audit trail.
    """
    empty = tuple(one.department for one in found.departments if one.empty)
    sendings = [sending_of(found.company), *(sending_of(one) for one in found.departments if not one.empty)]
    told = {one.department: keep(books, one, who) for one in sendings}
    return SentReviews(
        told=tuple(name or "company" for name, new in told.items() if new),
        unchanged=tuple(name or "company" for name, new in told.items() if not new),
        empty=empty,
    )


def _anomalies(books: Books) -> list[Anomaly]:
    """All that are known: each review chooses those of its month."""
    with books.store.reading() as session:
        return anomalies(session)
