"""From an outbox item to its message, as things are now.

What belongs here: which card shows which kind of item, to which audience, and reading the state
that a request's card shows. What does not: what the card says (`cards`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Protocol
from urllib.parse import quote

from sqlalchemy.orm import Session

from twinledger.approvals import RequestView, request_view
from twinledger.slack.blocks import Message
from twinledger.slack.cards import (
    approval_card,
    budget_card,
    failure_card,
    quarantine_card,
    reconciliation_card,
    reply_card,
)
from twinledger.slack.facts import (
    ApprovalFacts,
    ApproverFacts,
    BudgetFacts,
    DecisionFacts,
    FailureFacts,
    QuarantineFacts,
    ReconciliationFacts,
    read_facts,
)
from twinledger.store.models import Department, Person, Product
from twinledger.vocabulary.errors import UnknownNameError, WrongAudienceError
from twinledger.vocabulary.money import Money


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses of our pages, from where people reach Airflow."""

    public_url: str

    def page(self, *parts: str) -> str:
        """The address of a page, as in `page("requests", "req-1")`."""
        return self.airflow("twinledger", *parts)

    def airflow(self, *parts: str) -> str:
        """The address of a page of Airflow itself."""
        return "/".join((self.public_url.rstrip("/"), *(quote(part) for part in parts)))


class Item(Protocol):
    """What a card needs of an outbox item, claimed or looked at."""

    @property
    def kind(self) -> str:
        """Which card shows it."""
        ...

    @property
    def audience(self) -> str:
        """Who may read it: finance or everyone."""
        ...

    @property
    def subject(self) -> str:
        """What it is of."""
        ...

    @property
    def facts(self) -> Mapping[str, Any]:
        """What it says, as JSON."""
        ...


@dataclass(frozen=True, slots=True)
class Card:
    """How one kind of item is shown, and to whom it may go."""

    audience: Literal["finance", "everyone"]
    show: Callable[[Session, Item, Links], Message]


def _approval(session: Session, item: Item, links: Links) -> Message:
    return approval_card(approval_facts(session, item.subject), links.page("requests", item.subject))


def _reply(session: Session, item: Item, links: Links) -> Message:
    return reply_card(approval_facts(session, item.subject), links.page("requests", item.subject))


def _budget(_session: Session, item: Item, links: Links) -> Message:
    facts = read_facts(BudgetFacts, item.facts)
    return budget_card(facts, links.page("statements", facts.department, facts.period))


def _reconciliation(_session: Session, item: Item, links: Links) -> Message:
    facts = read_facts(ReconciliationFacts, item.facts)
    docs = links.page("docs", facts.docs) if facts.docs else ""
    return reconciliation_card(facts, links.page("reconciliation", facts.period), docs)


def _quarantine(_session: Session, item: Item, _links: Links) -> Message:
    return quarantine_card(read_facts(QuarantineFacts, item.facts), item.subject)


def _failure(_session: Session, item: Item, links: Links) -> Message:
    facts = read_facts(FailureFacts, item.facts)
    return failure_card(facts, links.airflow("dags", facts.dag, "runs", facts.run))


CARDS = {
    "approval": Card("everyone", _approval),
    "approval_reply": Card("everyone", _reply),
    "budget": Card("everyone", _budget),
    "reconciliation": Card("finance", _reconciliation),
    "quarantine": Card("finance", _quarantine),
    "failure": Card("everyone", _failure),
}
"""Every kind of message; other kinds of items (wake-ups) are not for people."""


def render(session: Session, item: Item, links: Links) -> Message:
    """The message of an item, as things are now.

    Raises:
        UnknownNameError: no card shows this kind, or its request is gone.
        WrongAudienceError: a card for finance is addressed to everyone.
        pydantic.ValidationError: the item's facts are not those of its kind.
    """
    card = CARDS.get(item.kind)
    if card is None:
        raise UnknownNameError("card", item.kind, CARDS)
    if card.audience == "finance" and item.audience != "finance":
        raise WrongAudienceError(f"{item.kind} {item.subject}", card.audience, item.audience)
    return card.show(session, item, links)


# --- a request as it is now ------------------------------------------------------------------


def approval_facts(session: Session, request_id: str) -> ApprovalFacts:
    """The facts of a request's card, from the store.

    Raises:
        UnknownRequestError: there is no such request.
    """
    request = request_view(session, request_id)
    department = session.get(Department, request.department)
    product = session.get(Product, request.product)
    return ApprovalFacts(
        request=request.id,
        revision=request.revision,
        state=request.state,
        requester=person_title(session, request.requester),
        department=department.title if department else request.department,
        cost_centre=department.cost_centre if department else "",
        product=product.title if product else request.product,
        quantity=request.quantity,
        unit=str(request.facts.get("unit", request.meter)),
        region=request.region,
        days=request.days,
        period=request.period,
        amount=Money(request.amount, request.currency),
        justification=request.justification,
        approvers=tuple(_approver(session, name) for name in request.approvers),
        expires_at=request.expires_at,
        available_before=_money(request, "available_before"),
        available_after=_money(request, "available_after"),
        budget=_money(request, "plan"),
        rule=str(request.facts.get("rule", "")),
        decision=_decision(session, request),
    )


def person_title(session: Session, name: str) -> str:
    """How a person is called, or the name of one who is not known any more."""
    person = session.get(Person, name)
    return person.title if person else name


def _money(request: RequestView, name: str) -> Money | None:
    value = request.facts.get(name)
    return None if value is None else Money(Decimal(value), request.currency)


def _approver(session: Session, name: str) -> ApproverFacts:
    person = session.get(Person, name)
    return ApproverFacts(person.title, person.slack_user or "") if person else ApproverFacts(name)


def _decision(session: Session, request: RequestView) -> DecisionFacts | None:
    if request.decided_at is None:
        return None
    return DecisionFacts(
        who=person_title(session, request.decided_by) if request.decided_by else "nobody",
        at=request.decided_at,
        surface=request.decided_on or "",
        comment=request.comment or "",
        grant=request.grant or "",
    )
