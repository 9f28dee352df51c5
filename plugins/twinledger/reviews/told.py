"""What the message of a review says, as facts: JSON of names, amounts and counts.

What belongs here: the facts of both messages, and the figures whose change is told. What does not: words and layout,
which are the card's (`slack`), and when it is said (`keep`).
"""

from __future__ import annotations

from typing import Any

from twinledger.reviews.company import CompanyReview, Reconciled
from twinledger.reviews.review import Review
from twinledger.statements import DocumentLine
from twinledger.vocabulary.money import Money, plain

CARD, COMPANY_CARD, REMINDER = "review", "company_review", "review_reminder"
"""The kinds of their outbox items."""

_TOLD_MOVERS = 3


def facts_of(review: Review) -> dict[str, Any]:
    """What a department's owner reads; `before` is null where there was nothing to compare with."""
    month = review.month
    return {
        "period": str(review.period),
        "department": review.department,
        "title": review.title,
        "plan": _money(month.plan),
        "actual": _money(month.actual),
        "committed": _money(month.committed),
        "before": _money(review.before) if review.before else None,
        "movers": [_mover(line) for line in review.movers[:_TOLD_MOVERS]],
        "anomalies": len(review.anomalies),
        "requests": review.requests.asked,
        "waiting": len(review.requests.waiting),
        "findings": len(review.findings),
    }


def company_facts_of(review: CompanyReview) -> dict[str, Any]:
    """What finance reads: what everyone may, and the figures of both ledgers."""
    found = review.reconciled
    return {
        "shared": facts_of(review.shared),
        "verdict": found.verdict if found else "",
        "external": _money(found.external) if found else None,
        "deviation": _money(found.deviation) if found else None,
        "held": _money(found.held.held) if found else None,
        "held_percent": str(found.held.share) if found and found.held.share is not None else None,
        "breaks": review.breaks.count,
        "broken": _money(review.breaks.amount),
        "claims": found.claims if found else 0,
        "claimed": _money(found.claimed) if found else None,
        "saved": [{"provider": one.provider, "amount": _money(one.saving)} for one in review.savings],
        "anomalies": len(review.anomalies),
    }


def figures_of(review: Review) -> dict[str, str]:
    """The figures of a department's review whose change is told, as people read them."""
    month = review.month
    named = {"plan": month.plan, "actual": month.actual, "committed": month.committed}
    return {**{name: str(amount) for name, amount in named.items()}, "anomalies": str(len(review.anomalies))}


def company_figures_of(review: CompanyReview) -> dict[str, str]:
    """Likewise of the company's review."""
    told = figures_of(review.shared) | {"breaks": f"{review.breaks.count}, {review.breaks.amount}"}
    return told | (_reconciled(review.reconciled) if review.reconciled else {})


def _reconciled(found: Reconciled) -> dict[str, str]:
    return {"external": str(found.external), "verdict": found.verdict, "held": str(found.held.held)}


def _mover(line: DocumentLine) -> dict[str, Any]:
    return {
        "product": line.product_title,
        "meter": line.meter_title,
        "change": _money(line.change),
        "by_price": _money(line.price_effect),
        "by_quantity": _money(line.quantity_effect),
        "cause": line.cause,
    }


def _money(money: Money) -> dict[str, str]:
    return {"amount": plain(money.amount), "currency": money.currency}
