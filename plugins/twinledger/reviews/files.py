"""The files of a review, by format.

What belongs here: which formats there are, what a file is called, and JSON. What does not: PDF (`paper`), which is
loaded when one is asked for: it takes a second that pages need not spend.
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from twinledger.documents import File
from twinledger.reviews.checklist import checklist, company_checklist
from twinledger.reviews.company import CompanyReview
from twinledger.reviews.review import Review
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.money import Money, plain
from twinledger.vocabulary.periods import Period

FORMATS = ("pdf", "json")


def review_file(review: Review | CompanyReview, kind: str) -> File:
    """A review in one format; equal reviews give equal bytes.

    Raises:
        UnknownNameError: a format that is none of FORMATS.
    """
    if kind not in FORMATS:
        raise UnknownNameError("review format", kind, FORMATS)
    name = f"{_name(review)}.{kind}"
    if kind == "json":
        return File(name, "application/json", (json.dumps(review_json(review), indent=2, ensure_ascii=False)).encode())
    return File(name, "application/pdf", _pdf(review))


def review_json(review: Review | CompanyReview) -> dict[str, Any]:
    """A review as JSON, with what it asks: amounts and quantities as decimal strings, instants ISO 8601."""
    asked = company_checklist(review) if isinstance(review, CompanyReview) else checklist(review)
    written: dict[str, Any] = _json(review)
    return {**written, "checklist": _json(asked)}


def _name(review: Review | CompanyReview) -> str:
    if isinstance(review, CompanyReview):
        return f"company-review-finance-{review.shared.period}"
    return f"review-{review.department}-{review.period}" if review.department else f"company-review-{review.period}"


def _pdf(review: Review | CompanyReview) -> bytes:
    from twinledger.reviews.paper import company_pdf_bytes, pdf_bytes  # noqa: PLC0415 - see the module's docstring

    return company_pdf_bytes(review) if isinstance(review, CompanyReview) else pdf_bytes(review)


def _json(value: Any) -> Any:  # noqa: ANN401 - JSON is anything
    if isinstance(value, Money):
        return {"amount": plain(value.amount), "currency": value.currency}
    if isinstance(value, Period):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, list | tuple):
        return [_json(one) for one in value]
    if isinstance(value, Decimal):
        return plain(value)
    return value.isoformat() if isinstance(value, date) else value
