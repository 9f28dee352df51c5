"""What a review asks of its owners: items by rule, each with an identity that stays from run to run.

What belongs here: the rules, as pure functions of a review. What does not: who may answer (`answer`), and keeping
items and answers (`keep`).

A question is about some figures: where these change, it is another question, and is asked again. What grows from day to
day, as an anomaly that goes on, is asked about once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from twinledger.reviews.company import CompanyReview
from twinledger.reviews.review import AnomalyLine, Finding, Review, WaitingRequest
from twinledger.statements import number_text
from twinledger.vocabulary.audiences import ForEveryone, ForFinance
from twinledger.vocabulary.identities import digest, short
from twinledger.vocabulary.money import signed

MOST_PERCENT = Decimal(5)
"""A variance above or below so much of the plan is to be explained."""

LONGEST_WAIT_DAYS = 7
"""A request that has waited for longer is asked about."""

MOST = 5
"""Items of one rule, the first ones: the rest is in the review itself."""

_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Item(ForEveryone):
    """One question on figures that everyone may read; `id` is unique within a review, `about` what makes it another."""

    id: str
    question: str
    about: str


@dataclass(frozen=True, slots=True)
class FinanceItem(ForFinance):
    """One question on what vendors charged."""

    id: str
    question: str
    about: str


def checklist(review: Review) -> tuple[Item, ...]:
    """What a department's owner is asked: whether the figures are right, and what is their own and nobody's below."""
    return (
        _figures(review),
        *_plan(review),
        *(_anomaly(one) for one in [one for one in review.anomalies if not one.answer and _own(review, one)][:MOST]),
        *_requests(review),
        *_grants(review),
    )


def company_checklist(review: CompanyReview) -> tuple[FinanceItem, ...]:
    """What finance is asked of the whole company."""
    shared = (_figures(review.shared), *_plan(review.shared))
    return (
        *(FinanceItem(one.id, one.question, one.about) for one in shared),
        *_ledgers(review),
        *_commitments(review),
        *_vendor_anomalies(review),
    )


def _named(kind: str, subject: str) -> str:
    """`request:req-1`; what has a long name goes by its digest."""
    return f"{kind}:{subject if len(subject) <= _LONGEST_NAME else short(digest(subject))}"


def _own(review: Review, one: AnomalyLine | WaitingRequest | Finding) -> bool:
    """What is of a department below is asked there."""
    return one.department == review.department


# --- a department ----------------------------------------------------------------------------


def _figures(review: Review) -> Item:
    month = review.month
    plan = f"a plan of {month.plan}" if month.plan.amount else "no plan"
    question = f"Are the figures right? {month.actual} charged, {month.committed} committed, against {plan}"
    return Item("figures", question, f"{month.actual} {month.plan}")


def _plan(review: Review) -> Iterator[Item]:
    month = review.month
    if not month.plan.amount:
        if month.actual.amount or month.committed.amount:
            yield Item("budget", f"There is no budget for {review.period}: who plans one?", "")
    elif month.percent is not None and abs(month.percent) > MOST_PERCENT:
        way = "above" if month.variance.amount > 0 else "below"
        question = f"{signed(month.variance)} is {abs(month.percent)} % {way} plan: what explains it?"
        yield Item("variance", question, str(month.variance))


def _anomaly(one: AnomalyLine) -> Item:
    since = f"{signed(one.impact)} since {one.start:%d %b}"
    return Item(_named("anomaly", one.id), f"{one.title}: {since}. Was that expected?", "")


def _requests(review: Review) -> Iterator[Item]:
    for one in [one for one in review.requests.waiting if one.days > LONGEST_WAIT_DAYS and _own(review, one)][:MOST]:
        text = f"{one.requester} waits for an answer to {one.id}: {one.product}, {one.amount}. Who decides?"
        yield Item(_named("request", one.id), text, "")


def _grants(review: Review) -> Iterator[Item]:
    for one in [one for one in review.findings if one.kind == "grant_unused" and _own(review, one)][:MOST]:
        yield Item(_named("grant", one.subject), f"{one.sentence}: is it still needed?", "")


# --- the company -----------------------------------------------------------------------------


def _ledgers(review: CompanyReview) -> Iterator[FinanceItem]:
    found = review.reconciled
    if found is None:
        yield FinanceItem("reconciliation", "The month was never reconciled: what is missing?", "")
    elif found.verdict != "reconciled":
        verdict = f"{found.verdict}, deviation {signed(found.deviation)}"
        yield FinanceItem("reconciliation", f"The verdict is {verdict}: what is left to do?", found.verdict)
    if review.breaks.count:
        breaks = f"{review.breaks.count}, of {review.breaks.amount}"
        yield FinanceItem("breaks", f"Open breaks: {breaks}. Does somebody have each?", "")
    if found and found.claims:
        claims = f"{found.claims}, worth {found.claimed}"
        yield FinanceItem("claims", f"Claims to vendors: {claims}. Were they sent?", str(found.claimed))


def _commitments(review: CompanyReview) -> Iterator[FinanceItem]:
    for one in review.unused[:MOST]:
        unused = f"{number_text(one.unused)} of {number_text(one.committed)} {one.unit}"
        question = f"{one.vendor} {one.commitment}: {unused} unused. Is it still right?"
        yield FinanceItem(_named("commitment", one.commitment), question, unused)


def _vendor_anomalies(review: CompanyReview) -> Iterator[FinanceItem]:
    for one in [one for one in review.anomalies if not one.answer][:MOST]:
        since = f"{signed(one.impact)} since {one.start:%d %b}"
        yield FinanceItem(_named("anomaly", one.id), f"{one.title}: {since}. Was that expected?", "")
