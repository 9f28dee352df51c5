"""Monthly reviews in Slack: the card of a department's review, the company's for finance, and the reminder.

What belongs here: their facts, and what the cards say. What does not: buttons coming back (`review_buttons`), and what
is asked (`reviews`).

The figures are the item's own; questions and answers are read from the store whenever a card is shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from twinledger.reviews import FinanceItemView, ItemView, company_items, department_items
from twinledger.slack.blocks import (
    Block,
    Message,
    actions,
    button,
    context,
    escaped,
    fields,
    header,
    link,
    message,
    quotation,
    section,
)
from twinledger.slack.facts import EveryoneFacts, FinanceFacts, MoverFacts, read_facts
from twinledger.vocabulary.money import Money, round_to, signed

DONE, EXPLAIN, NOT_APPLICABLE = "review_done", "review_explain", "review_not_applicable"
"""The action ids of the buttons; the value of each is where its item is, as JSON."""

_MOST_ITEMS = 16
"""Items on a card: each takes two of the fifty blocks that Slack allows, three where it was explained."""

_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class ReviewFacts(EveryoneFacts):
    """A department's month, in internal charges; `before` is None where there was nothing to compare with."""

    period: str
    department: str
    title: str
    plan: Money
    actual: Money
    committed: Money
    before: Money | None
    movers: tuple[MoverFacts, ...]
    anomalies: int
    requests: int
    waiting: int
    findings: int
    changes: tuple[str, ...] = ()
    """What is not what it was when the review was sent."""
    revision: int = 1
    quiet: bool = False
    items: tuple[ItemView, ...] = ()

    @property
    def variance(self) -> Money:
        """Actual and commitments less plan."""
        return self.actual + self.committed - self.plan


@dataclass(frozen=True, slots=True)
class SavedFacts(FinanceFacts):
    """What the commitments of one provider saved."""

    provider: str
    amount: Money


@dataclass(frozen=True, slots=True)
class CompanyReviewFacts(FinanceFacts):
    """The company's month in both ledgers; None where it was never reconciled."""

    shared: ReviewFacts
    verdict: str
    external: Money | None
    deviation: Money | None
    held: Money | None
    held_percent: Decimal | None
    breaks: int
    broken: Money
    claims: int
    claimed: Money | None
    saved: tuple[SavedFacts, ...]
    anomalies: int
    changes: tuple[str, ...] = ()
    revision: int = 1
    quiet: bool = False
    items: tuple[FinanceItemView, ...] = ()


@dataclass(frozen=True, slots=True)
class ReviewReminderFacts(EveryoneFacts):
    """A review with questions that nobody has answered: how many, and no figure."""

    period: str
    department: str
    title: str
    waiting: int


def review_facts(session: Session, facts: Mapping[str, Any]) -> ReviewFacts:
    """An item's own figures, with questions and answers as they are now."""
    read = read_facts(ReviewFacts, facts)
    return replace(read, items=department_items(session, read.period, read.department))


def company_review_facts(session: Session, facts: Mapping[str, Any]) -> CompanyReviewFacts:
    """Likewise of the company's review."""
    read = read_facts(CompanyReviewFacts, facts)
    return replace(read, items=company_items(session, read.shared.period))


# --- cards -----------------------------------------------------------------------------------


def review_card(facts: ReviewFacts, url: str) -> Message:
    """A department's month, and the questions to its owner with their buttons."""
    title = escaped(facts.title or facts.department, 100)
    sentence = f"{title} in {facts.period}: {_against_plan(facts)}"
    place = {"period": facts.period, "department": facts.department}
    blocks = [
        header(f"Review of {facts.title or facts.department}, {facts.period}"),
        section(f"{sentence}. {_since(facts)}"),
        *_changes(facts.changes),
        *_movers(facts.movers),
        *_questions(facts.items, place),
        context(f"{link(url, 'Review')} · as PDF and JSON there · {_counts(facts)}"),
    ]
    return message(sentence, blocks)


def company_review_card(facts: CompanyReviewFacts, url: str) -> Message:
    """The company's month in both ledgers, and the questions to finance."""
    shared = facts.shared
    sentence = f"The company in {shared.period}: {_against_plan(shared)}"
    blocks = [
        header(f"Review of the company, {shared.period}"),
        section(f"{sentence}. {_since(shared)}"),
        fields(list(_ledgers(facts))),
        *_changes(facts.changes),
        *_movers(shared.movers),
        *_questions(facts.items, {"period": shared.period, "department": ""}),
        context(f"{link(url, 'Review')} · as PDF and JSON there · {_counts(shared)}"),
    ]
    return message(sentence, blocks)


def reminder_card(facts: ReviewReminderFacts, url: str) -> Message:
    """To whoever owns a review: so many questions wait."""
    count = f"{facts.waiting} question{'' if facts.waiting == 1 else 's'}"
    sentence = f"The review of {escaped(facts.title, 100)} for {facts.period} still has {count} without an answer"
    return message(sentence, [section(f"{sentence}. {link(url, 'Answer there')}, or on the review's message.")])


# --- parts -----------------------------------------------------------------------------------


def _against_plan(facts: ReviewFacts) -> str:
    if not facts.plan.amount:
        return f"{facts.actual} charged, and there is no plan"
    percent = round_to(facts.variance.amount * 100 / abs(facts.plan.amount), _TENTH)
    return f"{facts.actual} charged, {signed(facts.variance)} ({percent:+,f} %) against a plan of {facts.plan}"


def _since(facts: ReviewFacts) -> str:
    if facts.before is None:
        return "There is no month before to compare with."
    return f"{signed(facts.actual - facts.before)} since the month before."


def _ledgers(facts: CompanyReviewFacts) -> Iterator[tuple[str, str]]:
    if facts.external is None or facts.deviation is None or facts.held is None:
        yield "Both ledgers", "never reconciled"
    else:
        share = "" if facts.held_percent is None else f" ({facts.held_percent} % of external)"
        yield "External ledger", str(facts.external)
        yield "Deviation", f"{signed(facts.deviation)}, {facts.verdict}"
        yield "Held cost", f"{facts.held}{share}"
        yield "Claims", f"{facts.claims}, worth {facts.claimed}"
    yield "Open breaks", f"{facts.breaks}, of {facts.broken}"
    for one in facts.saved[:3]:
        yield f"Saved at {escaped(one.provider, 60)}", str(one.amount)
    if facts.anomalies:
        yield "Anomalies at vendors", str(facts.anomalies)


def _changes(changes: Sequence[str]) -> list[Block]:
    if not changes:
        return []
    return [section("*The figures changed*\n" + "\n".join(f"• {escaped(one, 200)}" for one in changes))]


def _movers(movers: Sequence[MoverFacts]) -> list[Block]:
    if not movers:
        return []
    lines = [f"• {escaped(one.product, 100)}, {escaped(one.meter, 100)}: *{signed(one.change)}*" for one in movers]
    return [section("*What moved most*\n" + "\n".join(lines))]


def _counts(facts: ReviewFacts) -> str:
    waiting = f", {facts.waiting} waiting" if facts.waiting else ""
    return f"{facts.anomalies} anomalies · {facts.requests} requests{waiting} · {facts.findings} findings"


def _questions(items: Sequence[ItemView | FinanceItemView], place: Mapping[str, str]) -> list[Block]:
    """Open questions first, as the review asks them; then what was answered, without buttons."""
    waiting = [one for one in items if one.state == "open"][:_MOST_ITEMS]
    answered = [one for one in items if one.state != "open"]
    blocks = [block for one in waiting for block in _question(one, place)]
    if answered:
        blocks.append(section("*Answered*"))
    blocks += [block for one in answered[: _MOST_ITEMS - len(waiting)] for block in _answered(one)]
    more = len(items) - _MOST_ITEMS
    return [*blocks, context(f"{more} more questions are on the page.")] if more > 0 else blocks


def _question(one: ItemView | FinanceItemView, place: Mapping[str, str]) -> list[Block]:
    value = json.dumps({**place, "item": one.id, "shown": str(one.revision)})
    buttons = actions(
        button("Done", DONE, value, style="primary"),
        button("Explain", EXPLAIN, value),
        button("Not applicable", NOT_APPLICABLE, value),
    )
    return [section(escaped(one.question, 500)), buttons]


def _answered(one: ItemView | FinanceItemView) -> list[Block]:
    at = f", {one.answered_at:%d %b %Y}" if one.answered_at else ""
    by = f"*{one.state.capitalize()}* by {escaped(one.answered_by, 100)}{at} on {escaped(one.answered_on, 40)}"
    return [section(f"{escaped(one.question, 500)}\n{by}"), *quotation(one.said, 700)]
