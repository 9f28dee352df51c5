"""The files of a review: as agreed, repeatable, and each for its audience."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from decimal import Decimal

import pytest
from pypdf import PdfReader

from tests.golden import Golden
from tests.reviews.example import COMPANY, DATA, INPUTS, REVIEW, SECRET, SHARED
from twinledger.reviews import FORMATS, CompanyReview, Review, review_file, review_json
from twinledger.reviews.build import department_review
from twinledger.reviews.company_words import finance_sections
from twinledger.reviews.words import sections
from twinledger.vocabulary.errors import UnknownNameError

EMPTY = department_review(
    replace(INPUTS, positions={INPUTS.period: ()}, documents={}, statements=(), effects=(), requests=(), permits=(),
            breaks=(), metrics=()),
    DATA,
)  # fmt: skip


def printed(review: Review | CompanyReview) -> str:
    """The PDF's words, a cell a line."""
    pages = PdfReader(io.BytesIO(review_file(review, "pdf").content)).pages
    lines = (line.strip() for page in pages for line in page.extract_text().splitlines())
    return "\n".join(line for line in lines if line) + "\n"


@pytest.mark.parametrize(
    ("review", "name"),
    [(REVIEW, "department"), (COMPANY, "company-finance"), (EMPTY, "empty")],
    ids=["of a department", "of the company for finance", "of a department without anything"],
)
def test_a_review_on_paper_says_what_was_agreed(review: Review | CompanyReview, name: str, golden: Golden) -> None:
    golden.check(f"{name}.txt", printed(review))


def test_a_review_as_json_is_as_agreed(golden: Golden) -> None:
    golden.check("department.json", review_file(REVIEW, "json").content.decode() + "\n")


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("review", [REVIEW, COMPANY])
def test_the_same_review_is_the_same_bytes(review: Review | CompanyReview, kind: str) -> None:
    assert review_file(review, kind) == review_file(replace(review), kind)


def test_a_format_that_there_is_not_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="docx"):
        review_file(REVIEW, "docx")


def test_files_for_finance_say_so_in_their_name_and_the_others_hold_no_vendors_figure() -> None:
    secret = f"{Decimal(SECRET):,}"
    assert review_file(COMPANY, "pdf").name == "company-review-finance-2026-10.pdf"
    assert (review_file(SHARED, "pdf").name, review_file(REVIEW, "json").name) == (
        "company-review-2026-10.pdf", "review-data-science-2026-10.json"
    )  # fmt: skip
    assert SECRET in json.dumps(review_json(COMPANY))
    assert secret not in printed(SHARED)
    assert SECRET not in json.dumps([review_json(REVIEW), review_json(SHARED)])


def test_titles_in_chinese_and_with_markup_are_printed_as_they_are() -> None:
    text = printed(REVIEW)
    assert "数据科学 <Data Science>" in text
    assert "容器平台" in text


@pytest.mark.parametrize("found", [sections(SHARED), finance_sections(COMPANY)], ids=["everyone", "finance"])
def test_every_row_has_a_cell_for_each_column(found: tuple[object, ...]) -> None:
    assert len(found) > 5
    for one in found:
        heads, rows = getattr(one, "heads"), getattr(one, "rows")  # noqa: B009 - both kinds of parts
        assert {len(row) for row in rows} <= {len(heads)}
