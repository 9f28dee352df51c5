"""Files that go with a message: a department's statement or a review on paper, an alert's chart.

What belongs here: which messages have a file, and what is in it. What does not: uploading it (`sender`, `pictures`),
and which picture an alert has (`alert_pictures`).
"""

from __future__ import annotations

from collections.abc import Callable

from twinledger.books import Books
from twinledger.charts import Picture
from twinledger.documents import File
from twinledger.outbox import Outgoing
from twinledger.reviews import CARD, COMPANY_CARD, review_file, review_for_finance, review_of
from twinledger.slack.facts import StatementFacts, read_facts
from twinledger.slack.review_cards import CompanyReviewFacts, ReviewFacts
from twinledger.statements import document, statement_file
from twinledger.vocabulary.periods import Period

Attach = Callable[[Outgoing], File | None]
"""The file that goes with an outbox item, if any."""

Draw = Callable[[Outgoing], Picture | None]
"""The picture that an outbox item's message shows, if any."""


def no_picture(item: Outgoing) -> None:
    """Messages without pictures."""
    del item


def no_file(item: Outgoing) -> None:
    """Messages without files."""
    del item


def statement_pdf(books: Books) -> Attach:
    """The PDF of a statement with the message that it is there; other messages have no file."""

    def attach(item: Outgoing) -> File | None:
        if item.kind != "statement" or item.audience != "everyone":
            return None
        facts = read_facts(StatementFacts, item.facts)
        return statement_file(document(books, facts.department, Period.parse(facts.period)), "pdf")

    return attach


def review_pdf(books: Books) -> Attach:
    """The PDF of a review with its first message; an update brings none, for each answer makes one."""

    def attach(item: Outgoing) -> File | None:
        if item.facts.get("quiet"):
            return None
        if item.kind == CARD:
            facts = read_facts(ReviewFacts, item.facts)
            return review_file(review_of(books, facts.department, Period.parse(facts.period)), "pdf")
        if item.kind == COMPANY_CARD and item.audience == "finance":
            period = read_facts(CompanyReviewFacts, item.facts).shared.period
            return review_file(review_for_finance(books, Period.parse(period)), "pdf")
        return None

    return attach


def every_file(books: Books) -> Attach:
    """Whatever file a message has."""
    statement, review = statement_pdf(books), review_pdf(books)
    return lambda item: statement(item) or review(item)
