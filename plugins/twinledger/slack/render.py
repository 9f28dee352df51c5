"""From an outbox item to its message, as things are now.

What belongs here: which card shows which kind of item, to which audience, and reading the state
that a request's card shows. What does not: what the card says (`cards`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.alerts import AlertView, alert_view
from twinledger.anomalies import answers
from twinledger.approvals import RequestView, request_view, use_of_cards, wanted_cards
from twinledger.outbox.messages import Audience
from twinledger.slack.alert_cards import alert_card, digest_card
from twinledger.slack.alert_facts import AlertFacts, DigestFacts, FinanceAlertFacts, FinanceDigestFacts
from twinledger.slack.blocks import Message
from twinledger.slack.cards import (
    approval_card,
    approver_missing_card,
    break_assigned_card,
    failure_card,
    grant_revoked_card,
    quarantine_card,
    reconciliation_card,
    reply_card,
    spoken,
    statement_card,
    when,
)
from twinledger.slack.facts import (
    ApprovalFacts,
    ApproverFacts,
    ApproverMissingFacts,
    BreakAssignedFacts,
    BreakFacts,
    DecisionFacts,
    EveryoneFacts,
    FailureFacts,
    FinanceFacts,
    GrantRevokedFacts,
    QuarantineFacts,
    ReconciliationFacts,
    StageFacts,
    StatementFacts,
    read_facts,
)
from twinledger.slack.review_cards import (
    CompanyReviewFacts,
    ReviewFacts,
    ReviewReminderFacts,
    company_review_card,
    company_review_facts,
    reminder_card,
    review_card,
    review_facts,
)
from twinledger.slack.signoff import (
    PeriodClosedFacts,
    SignoffFacts,
    SignoffReplyFacts,
    closed_card,
    signoff_card,
    signoff_facts,
    signoff_reply_card,
)
from twinledger.store.models import Break, Department, Person, Product, Request
from twinledger.vocabulary.audiences import check_everyone, check_everyone_type
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
    """How one kind of item is shown, and to whom it may go; made by `for_everyone` or `for_finance`."""

    audience: Audience
    show: Callable[[Session, Item, Links], Message]


E = TypeVar("E", bound=EveryoneFacts)
F = TypeVar("F", bound=FinanceFacts)


def for_everyone(kind: type[E], read: Callable[[Session, Item], E], show: Callable[[E, str, Links], Message]) -> Card:
    """A card that any department may see: it is shown from facts of its type and the item's subject alone.

    Raises:
        WrongAudienceError: the type of the facts has a field for finance.
    """
    check_everyone_type(kind)

    def shown(session: Session, item: Item, links: Links) -> Message:
        facts = read(session, item)
        check_everyone(f"{item.kind} {item.subject}", facts)
        return show(facts, item.subject, links)

    return Card("everyone", shown)


def for_finance(
    kind: type[F], show: Callable[[F, str, Links], Message], read: Callable[[Session, Item], F] | None = None
) -> Card:
    """A card that only finance may see: from the item's own facts, else from what `read` finds in the store."""

    def shown(session: Session, item: Item, links: Links) -> Message:
        facts = read(session, item) if read else read_facts(kind, item.facts)
        return show(facts, item.subject, links)

    return Card("finance", shown)


def _own(kind: type[E]) -> Callable[[Session, Item], E]:
    """Reads the facts that the item carries."""
    return lambda _, item: read_facts(kind, item.facts)


def _request(session: Session, item: Item) -> ApprovalFacts:
    return approval_facts(session, item.subject)


def _approval(facts: ApprovalFacts, subject: str, links: Links) -> Message:
    return approval_card(facts, links.page("requests", subject))


def _reply(facts: ApprovalFacts, subject: str, links: Links) -> Message:
    return reply_card(facts, links.page("requests", subject))


def _missing(facts: ApproverMissingFacts, subject: str, links: Links) -> Message:
    return approver_missing_card(facts, links.page("requests", subject))


def _statement(facts: StatementFacts, _subject: str, links: Links) -> Message:
    return statement_card(facts, links.page("statements", facts.department, facts.period))


def _reconciliation(facts: ReconciliationFacts, _subject: str, links: Links) -> Message:
    docs = [(f"Data Docs: {spoken(one.table)}", links.page("docs", one.docs)) for one in facts.checks if one.docs]
    if facts.docs and not docs:
        docs = [("Data Docs", links.page("docs", facts.docs))]
    return reconciliation_card(facts, links.page("reconciliation", facts.period), docs)


def _break_assigned(facts: BreakAssignedFacts, _subject: str, links: Links) -> Message:
    return break_assigned_card(facts, links.page("breaks", facts.break_id))


def _grant(session: Session, item: Item) -> GrantRevokedFacts:
    facts = read_facts(GrantRevokedFacts, item.facts)
    return replace(facts, who=person_title(session, facts.who))


def _grant_revoked(facts: GrantRevokedFacts, _subject: str, links: Links) -> Message:
    return grant_revoked_card(facts, links.page("requests", facts.request))


def _quarantine(facts: QuarantineFacts, subject: str, _links: Links) -> Message:
    return quarantine_card(facts, subject)


def _failure(facts: FailureFacts, _subject: str, links: Links) -> Message:
    return failure_card(facts, links.airflow("dags", facts.dag, "runs", facts.run))


def _signing(session: Session, item: Item) -> SignoffFacts:
    return signoff_facts(session, dict(item.facts))


def _signoff(facts: SignoffFacts, _subject: str, links: Links) -> Message:
    return signoff_card(facts, links.page("reconciliation", facts.period, facts.pool))


def _signoff_reply(facts: SignoffReplyFacts, _subject: str, links: Links) -> Message:
    return signoff_reply_card(facts, links.page("signoff", facts.period))


def _closed(facts: PeriodClosedFacts, _subject: str, links: Links) -> Message:
    return closed_card(facts, links.page("signoff", facts.period))


def _reviewing(session: Session, item: Item) -> ReviewFacts:
    return review_facts(session, item.facts)


def _company_reviewing(session: Session, item: Item) -> CompanyReviewFacts:
    return company_review_facts(session, item.facts)


def _review_page(links: Links, period: str, department: str) -> str:
    return links.page("reviews", period, *(["departments", department] if department else []))


def _review(facts: ReviewFacts, _subject: str, links: Links) -> Message:
    return review_card(facts, _review_page(links, facts.period, facts.department))


def _company_review(facts: CompanyReviewFacts, _subject: str, links: Links) -> Message:
    return company_review_card(facts, _review_page(links, facts.shared.period, ""))


def _review_reminder(facts: ReviewReminderFacts, _subject: str, links: Links) -> Message:
    return reminder_card(facts, _review_page(links, facts.period, facts.department))


def _breaks_now(session: Session, item: Item) -> ReconciliationFacts:
    """The item's own facts, with each break as people left it: its state, who has it, and who did what."""
    facts = read_facts(ReconciliationFacts, item.facts)
    ids = [one.id for one in facts.breaks if one.id]
    rows = {row.id: row for row in session.scalars(select(Break).where(Break.id.in_(ids)))} if ids else {}
    breaks = tuple(_break_now(session, one, rows[one.id]) if one.id in rows else one for one in facts.breaks)
    return replace(facts, breaks=breaks)


def _break_now(session: Session, one: BreakFacts, row: Break) -> BreakFacts:
    said = ""
    if row.acted_by and row.acted_at:
        what = row.resolution or row.state
        until = f" until {when(row.snoozed_until)}" if row.snoozed_until else ""
        said = f"{what.capitalize()}{until} by {person_title(session, row.acted_by)} at {when(row.acted_at)}"
    assignee = person_title(session, row.assignee) if row.assignee else ""
    return replace(one, state=row.state, assignee=assignee, life=said)


A = TypeVar("A", AlertFacts, FinanceAlertFacts)


def _alert_now(session: Session, facts: A) -> A:
    """The item's own figures, with the alert as people and evaluations left it."""
    department = session.get(Department, facts.department)
    titled = department.title or facts.department if department else facts.department
    facts = replace(facts, department=titled, owner=person_title(session, facts.owner))
    view = alert_view(session, facts.alert)
    if view is None:
        return facts
    assignee = person_title(session, view.assignee) if view.assignee else ""
    answer = _answer(session, view, facts.anomaly) if facts.anomaly else ""
    return replace(facts, state=view.state, assignee=assignee, life=_life(session, view), answer=answer)


def _answer(session: Session, view: AlertView, anomaly: str) -> str:
    """What somebody said of an anomaly, if anybody did."""
    said = answers(session, view.view, anomaly)
    if not said:
        return ""
    return f"Answered {said[0].verdict} by {person_title(session, said[0].who)} at {when(said[0].at)}"


_ENDS = {
    "cleared": "Gone by itself, on final data,",
    "ended": "Its period is over,",
    "dismissed": "It was said to be as it should,",
    "planned": "It was said to be planned,",
}


def _life(session: Session, view: AlertView) -> str:
    """Who brought it where it is."""
    if view.state == "resolved":
        return f"{_ENDS.get(view.resolution or '', 'Resolved')} {when(view.resolved_at)}" if view.resolved_at else ""
    if view.state == "new" or not view.acted_by or not view.acted_at:
        return ""
    until = f" until {when(view.snoozed_until)}" if view.state == "snoozed" and view.snoozed_until else ""
    return f"{view.state.capitalize()}{until} by {person_title(session, view.acted_by)} at {when(view.acted_at)}"


def _alert(facts: AlertFacts | FinanceAlertFacts, subject: str, links: Links) -> Message:
    return alert_card(facts, links.page("alerts", subject))


def _digest(facts: DigestFacts | FinanceDigestFacts, _subject: str, links: Links) -> Message:
    return digest_card(facts, lambda alert: links.page("alerts", alert), links.page("alerts"))


CARDS = {
    "approval": for_everyone(ApprovalFacts, _request, _approval),
    "approval_reply": for_everyone(ApprovalFacts, _request, _reply),
    "approver_missing": for_everyone(ApproverMissingFacts, _own(ApproverMissingFacts), _missing),
    "statement": for_everyone(StatementFacts, _own(StatementFacts), _statement),
    "reconciliation": for_finance(ReconciliationFacts, _reconciliation, _breaks_now),
    "grant_revoked": for_everyone(GrantRevokedFacts, _grant, _grant_revoked),
    "break_assigned": for_everyone(BreakAssignedFacts, _own(BreakAssignedFacts), _break_assigned),
    "quarantine": for_finance(QuarantineFacts, _quarantine),
    "signoff": for_finance(SignoffFacts, _signoff, _signing),
    "signoff_reply": for_finance(SignoffReplyFacts, _signoff_reply),
    "period_closed": for_finance(PeriodClosedFacts, _closed),
    "review": for_everyone(ReviewFacts, _reviewing, _review),
    "company_review": for_finance(CompanyReviewFacts, _company_review, _company_reviewing),
    "review_reminder": for_everyone(ReviewReminderFacts, _own(ReviewReminderFacts), _review_reminder),
    "failure": for_everyone(FailureFacts, _own(FailureFacts), _failure),
    "alert": for_everyone(AlertFacts, lambda s, item: _alert_now(s, read_facts(AlertFacts, item.facts)), _alert),
    "alert_digest": for_everyone(DigestFacts, _own(DigestFacts), _digest),
    "finance_alert": for_finance(
        FinanceAlertFacts, _alert, lambda s, item: _alert_now(s, read_facts(FinanceAlertFacts, item.facts))
    ),
    "finance_alert_digest": for_finance(FinanceDigestFacts, _digest),
}
"""Every kind of message; other kinds of items (wake-ups) are not for people."""


def card_of(item: Item) -> str:
    """The name of the card that shows an item: its kind, or where finance has a card of its own for it, that one."""
    own = f"finance_{item.kind}"
    return own if item.audience == "finance" and own in CARDS else item.kind


def render(session: Session, item: Item, links: Links) -> Message:
    """The message of an item, as things are now.

    Raises:
        UnknownNameError: no card shows this kind, or its request is gone.
        WrongAudienceError: a card for finance is addressed to everyone.
        pydantic.ValidationError: the item's facts are not those of its kind.
    """
    card = CARDS.get(card_of(item))
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
        stages=tuple(_stage(session, one) for one in request.stages),
        stage=request.stage,
        account=request.account or "",
        cards=wanted_cards(request.facts),
        cards_used=use_of_cards(request.facts),
        needed_by=date.fromisoformat(request.facts["needed_by"]) if "needed_by" in request.facts else None,
        superseded_by=session.scalar(select(Request.id).where(Request.supersedes == request.id)) or "",
    )


def _stage(session: Session, stage: Mapping[str, Any]) -> StageFacts:
    if "by" not in stage:
        return StageFacts(stage["role"])
    who = person_title(session, stage["by"])
    return StageFacts(
        stage["role"], DecisionFacts(who, datetime.fromisoformat(stage["at"]), stage["on"], stage["comment"])
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
