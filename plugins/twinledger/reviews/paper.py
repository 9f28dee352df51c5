"""A review on paper: PDF by reportlab.

What belongs here: what stands on the page, in which order. What does not: what it says (`words`), the chart's geometry
(`statements`), and fonts, tables and pages (`documents.paper`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reportlab.platypus import Flowable, KeepTogether, Spacer

from twinledger.documents.paper import HEAD, SECTION, TITLE, paper_bytes, set_bold, set_table, set_text
from twinledger.reviews.company import CompanyReview
from twinledger.reviews.company_words import FinanceSection, finance_questions, finance_sections
from twinledger.reviews.review import Review
from twinledger.reviews.words import Head, Section, questions, sections, small_print, summary, trend_chart

# Not at the door of statements, where nothing loads reportlab.
from twinledger.statements.pdf import chart_drawing

_WIDTH = 268.0
"""Millimetres between the margins."""

_NUMBER, _NARROWEST_TEXT, _WIDEST_TEXT = 29.0, 26.0, 90.0
_SHORT_TABLE = 12
"""Rows of a table that is kept on one page with its title."""


def pdf_bytes(review: Review) -> bytes:
    """A review on landscape A4; equal reviews give equal bytes."""
    title = f"Review of {review.title}, {review.period}"
    story = [*_top(review, title, ""), *_parts(sections(review)), *_months(review), *_parts([questions(review)])]
    return paper_bytes(title, title, story)


def company_pdf_bytes(review: CompanyReview) -> bytes:
    """The company's review for finance; equal reviews give equal bytes."""
    shared = review.shared
    title = f"Review of the company, {shared.period}"
    story = [
        *_top(shared, title, "Finance only · "),
        *_parts(finance_sections(review)),
        *_parts(sections(shared)),
        *_months(shared),
        *_parts([finance_questions(review)]),
    ]
    return paper_bytes(title, f"{title} · finance only", story)


def _top(review: Review, title: str, audience: str) -> list[Flowable]:
    small = set_text(audience + small_print(review), HEAD)
    return [set_bold(title, TITLE), small, Spacer(1, 5), set_text(summary(review)), Spacer(1, 3)]


def _parts(found: Iterable[Section | FinanceSection]) -> list[Flowable]:
    return [flowable for one in found for flowable in _part(one)]


def _part(one: Section | FinanceSection) -> list[Flowable]:
    story: list[Flowable] = [set_bold(one.title, SECTION)]
    if one.note:
        story += [set_text(one.note, HEAD)]
    if one.rows:
        story.append(set_table(one.heads, one.rows, _widths(one.heads), "Total" if one.total else ""))
    return [KeepTogether(story)] if len(one.rows) <= _SHORT_TABLE else story


def _widths(heads: Sequence[Head]) -> list[float]:
    """Numbers have what they need, texts share the rest."""
    texts = sum(not number for _, number in heads)
    numbers = len(heads) - texts
    number = min(_NUMBER, (_WIDTH - _NARROWEST_TEXT * texts) / max(numbers, 1))
    rest = (_WIDTH - number * numbers) / max(texts, 1)
    text = min(rest, _WIDEST_TEXT) if numbers else rest
    return [number if is_number else text for _, is_number in heads]


def _months(review: Review) -> list[Flowable]:
    if not review.trend:
        return []
    heading = set_bold(f"Months, {review.month.actual.currency}", SECTION)
    return [KeepTogether([heading, chart_drawing(trend_chart(review))])]
