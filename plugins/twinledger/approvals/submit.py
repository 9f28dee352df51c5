"""From a wish to a pending request, with its commitment, its card and its audit entry.

What belongs here: checking and estimating a submission, and putting another one in its place. What does not:
deciding it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Context, Decimal, localcontext
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.approvals.cards import card_facts, counts_cards, use_of
from twinledger.approvals.decide import POLICY, allow, supersede
from twinledger.approvals.desk import Desk
from twinledger.approvals.headroom import Headroom, headroom
from twinledger.approvals.people import Stage
from twinledger.approvals.policy import Asked, Ruling, judge, policy
from twinledger.approvals.stages import entries, first_stage
from twinledger.approvals.view import found_request, queue_stage
from twinledger.catalog import PriceInForce, Role, price_for, roles_asked, with_those_above
from twinledger.store import audit
from twinledger.store.models import Base, Commitment, Department, Person, Product, Request
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    InvalidSubmissionError,
    NotEntitledError,
    PolicyRefusedError,
    TwinledgerError,
    UnknownNameError,
)
from twinledger.vocabulary.identities import new_identity
from twinledger.vocabulary.money import QUANTITY_SCALE, exact_sum, parse_amount, plain
from twinledger.vocabulary.periods import Period

if TYPE_CHECKING:
    from twinledger.metering import CardUse

LONGEST_DAYS = 366
LONGEST_NAME = 255
RESPONSE_TIME = timedelta(days=3)
_QUANTITY_LIMIT = Decimal(10) ** 10
MOST_RESOURCES = 1000
_Row = TypeVar("_Row", bound=Base)


@dataclass(frozen=True, slots=True)
class Submission:
    """A wish to provision so much of a product's meter, a day, for so many days."""

    requester: str
    """A person's name."""
    department: str
    product: str
    meter: str
    quantity: Decimal
    """Units of the meter for each day, at most 9 decimals."""
    days: int
    region: str
    justification: str
    actual: Decimal
    """What the department has spent in the present period, in the price's currency; see `budgets`."""
    expires_in: timedelta = RESPONSE_TIME
    account: str | None = None
    """The sub account that it is for; None for any."""
    resources: Sequence[Mapping[str, Any]] = ()
    """What it is for: type, size, count, and quantity of the meter a day; empty: whatever the meter counts."""
    card_uses: Sequence[CardUse] = ()
    """How well the department's GPU cards are used, by meter; see `metering`."""
    needed_by: date | None = None
    """The day by which it is needed, in the accounting time zone; nothing is decided by it."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a submission would come to now; amounts in `currency`."""

    price: Decimal
    unit: str
    currency: str
    amount: Decimal
    available_before: Decimal
    available_after: Decimal
    outcome: str
    """allow, refuse, or who would be asked in turn."""
    reason: str
    asked: tuple[str, ...]
    """The titles of who would be asked first."""


class _Judged(NamedTuple):
    """A submission with all that is decided on."""

    submission: Submission
    department: Department
    price: PriceInForce
    room: Headroom
    asked: Asked
    ruling: Ruling
    cards: dict[str, Any] | None
    """Of a meter of GPU cards: see `cards`."""

    @property
    def roles(self) -> tuple[Role, ...]:
        return roles_asked(self.ruling.outcome)


def submit(desk: Desk, submission: Submission, identify: Callable[[str], str] = new_identity) -> str:
    """Make a request of it and ask its first approver; returns the request's id.

    The estimate is the price that the department pays now x quantity x days, and is committed in the
    present period at once; of tiers, the price is the first one that costs something. The policy says
    whether it is granted at once, refused, or who is asked in turn; who is asked sees what is available
    before and after.

    Raises:
        InvalidSubmissionError: a quantity, a duration or a justification that cannot be.
        UnknownNameError: no such requester, department, product or meter.
        MissingPriceError: the meter has no price yet.
        CurrencyMismatchError: the budget is in another currency than the price.
        NoApproverError: nobody but the requester could decide.
        PolicyRefusedError: a rule of the policy refuses it; that is recorded.
    """
    _check(submission, _today(desk))
    with desk.store.transaction() as session:
        judged = _judged(session, desk, submission)
        if judged.ruling.outcome != "refuse":
            return _made(session, desk, judged, identify)
        refusal = _refused(session, desk, judged)
    raise refusal


def amend(
    desk: Desk, request: str, submission: Submission, *, surface: str, identify: Callable[[str], str] = new_identity
) -> str:
    """Put another submission in a pending request's place; returns the new request's id.

    The old one is superseded and its commitment void, the new one is judged and asked for from the start, at its own
    price and headroom: both or neither. Where the policy refuses the new one, the old one stays. A refusal, also one
    because of who asks or when, is recorded with the old one.

    Raises:
        UnknownRequestError: no such request.
        NotEntitledError: the submission's requester is not the one of the request.
        AlreadyDecidedError: it has ended.
        and as `submit`.
    """
    _check(submission, _today(desk))
    with desk.store.transaction() as session:
        old = found_request(session, request)
        judged = _judged(session, desk, submission, without=request)
        refusal = _superseded(session, desk, judged, old, surface)
        if refusal is None:
            return _made(session, desk, judged, identify, supersedes=request)
    raise refusal


def preview(desk: Desk, submission: Submission) -> Preview:
    """What a submission would come to: nothing is written and nobody is asked.

    Raises as `submit`, but for a refusal of the policy, which is an outcome here.
    """
    _check(submission, _today(desk))
    with desk.store.reading() as session:
        judged = _judged(session, desk, submission, to_commit=False)
        first = _first_stage(session, desk, judged)
        titles = [session.get_one(Person, name).title for name in first.approvers]
    price, room, ruling = judged.price, judged.room, judged.ruling
    return Preview(
        price=price.price.amount,
        unit=price.unit,
        currency=room.currency,
        amount=judged.asked.amount,
        available_before=room.available,
        available_after=judged.asked.headroom,
        outcome=ruling.outcome,
        reason=ruling.reason,
        asked=tuple(titles),
    )


def _judged(
    session: Session, desk: Desk, submission: Submission, *, without: str = "", to_commit: bool = True
) -> _Judged:
    """What the policy says of it, at today's price and headroom: see `headroom`."""
    now = desk.clock.now()
    department = _known(session, Department, "department", submission.department)
    requester = _known(session, Person, "person", submission.requester)
    if _known(session, Product, "product", submission.product).state != "listed":
        raise InvalidSubmissionError(field="product", found=submission.product, expected="a listed product")
    price = price_for(session, department.name, submission.product, submission.meter, now)
    period = str(Period.of(now, desk.settings.timezone))
    currency = price.price.currency
    room = headroom(
        session, department.name, period, submission.actual, currency, now, without=without, to_commit=to_commit
    )
    amount = _estimate(price.price.amount, submission.quantity, submission.days)
    use = use_of(submission.card_uses, submission.product, submission.meter)
    cards = card_facts(submission.quantity, submission.days, use) if counts_cards(price.unit) else None
    asked = Asked(
        departments=tuple(one.name for one in with_those_above(session, department)),
        product=submission.product,
        meter=submission.meter,
        region=submission.region,
        roles=tuple(requester.roles),
        amount=amount,
        headroom=exact_sum((room.available, -amount)),
        days=submission.days,
        at=now.astimezone(ZoneInfo(desk.settings.timezone)),
        gpu_utilisation=use.used_percent if use and cards else None,
    )
    return _Judged(submission, department, price, room, asked, judge(policy(session), asked), cards)


def _first_stage(session: Session, desk: Desk, judged: _Judged) -> Stage:
    if not judged.roles:
        return Stage("", POLICY, (), judged.department.channel)
    return first_stage(session, desk, judged.submission.requester, judged.department, judged.roles)


def _made(
    session: Session, desk: Desk, judged: _Judged, identify: Callable[[str], str], *, supersedes: str | None = None
) -> str:
    """The request's id, with all that follows from it."""
    now = desk.clock.now()
    stage = _first_stage(session, desk, judged)
    request = _request(judged, stage)
    request.stages = entries(judged.roles, stage, now)
    request.facts = _facts(stage, judged)
    request.supersedes = supersedes
    request.id, request.created_at, request.asked_at = identify("req"), now, now
    request.expires_at = now + judged.submission.expires_in
    session.add(request)
    session.flush()
    session.add(_commitment(request))
    queue_stage(session, desk, request, stage)
    facts = {**request.facts, "approvers": request.approvers, "justification": request.justification}
    if supersedes:
        facts["supersedes"] = supersedes
    audit.append(session, desk.clock, who=request.requester, action="request.submit", subject=request.id, facts=facts)
    if judged.ruling.outcome == "allow":
        session.flush()
        allow(session, desk, request, judged.ruling.rule)
    return request.id


def _superseded(session: Session, desk: Desk, judged: _Judged, old: Request, surface: str) -> TwinledgerError | None:
    """End the old request for the new one, or record why not."""
    who, ruling = judged.submission.requester, judged.ruling
    refusal: TwinledgerError = PolicyRefusedError(ruling.rule, ruling.reason)
    if ruling.outcome != "refuse" or old.requester != who or old.state != "pending":
        try:
            supersede(session, desk, old, who, surface)
        except (NotEntitledError, AlreadyDecidedError) as error:
            refusal = error
        else:
            return None
    facts = {**_asked_for(judged), "surface": surface, "reason": str(refusal)}
    audit.append(session, desk.clock, who=who, action="request.amend.refused", subject=old.id, facts=facts)
    return refusal


def _refused(session: Session, desk: Desk, judged: _Judged) -> PolicyRefusedError:
    """Record that the policy refused it."""
    submission, ruling = judged.submission, judged.ruling
    audit.append(
        session,
        desk.clock,
        who=submission.requester,
        action="request.refused",
        subject=submission.department,
        facts=_asked_for(judged),
    )
    return PolicyRefusedError(ruling.rule, ruling.reason)


def _asked_for(judged: _Judged) -> dict[str, Any]:
    """What a refusal is recorded with."""
    submission, ruling = judged.submission, judged.ruling
    return {
        "department": submission.department, "meter": f"{submission.product}/{submission.meter}",
        "quantity": plain(submission.quantity), "days": submission.days, "region": submission.region,
        "policy": _said(ruling),
    }  # fmt: skip


def _today(desk: Desk) -> date:
    return desk.clock.now().astimezone(ZoneInfo(desk.settings.timezone)).date()


def _check(submission: Submission, today: date) -> None:
    """Refuse the first thing that cannot be."""
    quantity, region = submission.quantity, submission.region
    whole = quantity.is_finite() and 0 < quantity < _QUANTITY_LIMIT and quantity == round(quantity, QUANTITY_SCALE)
    rules = (
        ("quantity", str(quantity), whole, f"a number above zero with at most {QUANTITY_SCALE} decimals"),
        ("days", str(submission.days), 1 <= submission.days <= LONGEST_DAYS, f"1 to {LONGEST_DAYS}"),
        ("region", region, 0 < len(region) <= LONGEST_NAME, f"a name of up to {LONGEST_NAME} characters"),
        ("justification", submission.justification, bool(submission.justification.strip()), "a reason"),
        (
            "account",
            str(submission.account),
            submission.account is None or 0 < len(submission.account) <= LONGEST_NAME,
            f"a name of up to {LONGEST_NAME} characters, or none",
        ),
        (
            "resources",
            f"{len(submission.resources)}",
            len(submission.resources) <= MOST_RESOURCES,
            f"at most {MOST_RESOURCES} types and sizes",
        ),
        (
            "needed_by",
            str(submission.needed_by),
            submission.needed_by is None or submission.needed_by >= today,
            f"{today} or later, or none",
        ),
        ("expires_in", str(submission.expires_in), submission.expires_in > timedelta(0), "some time to answer"),
    )
    for field, found, holds, expected in rules:
        if not holds:
            raise InvalidSubmissionError(field, found, expected)


def _known(session: Session, model: type[_Row], kind: str, name: str) -> _Row:
    row = session.get(model, name)
    if row is None:
        raise UnknownNameError(kind, name, session.scalars(select(model.__table__.c.name)))
    return row


def _estimate(price: Decimal, quantity: Decimal, days: int) -> Decimal:
    with localcontext(Context(prec=120)):
        return parse_amount(f"{price * quantity * days:f}")


def _request(judged: _Judged, stage: Stage) -> Request:
    """The request, but for its id, its times, its stages and its facts."""
    submission, room = judged.submission, judged.room
    return Request(
        requester=submission.requester,
        department=submission.department,
        product=submission.product,
        meter=submission.meter,
        quantity=submission.quantity,
        region=submission.region,
        days=submission.days,
        period=room.period,
        amount=judged.asked.amount,
        currency=room.currency,
        account=submission.account,
        resources=[dict(one) for one in submission.resources],
        justification=submission.justification,
        state="pending",
        revision=1,
        approvers=list(stage.approvers),
    )


def _facts(stage: Stage, judged: _Judged) -> dict[str, Any]:
    """What the decision is made on; decimal strings, all in the one currency."""
    price, room, asked, ruling = judged.price, judged.room, judged.asked, judged.ruling
    return {
        "rule": f"{stage.rule}, by rule {ruling.rule}" if ruling.rule else stage.rule,
        "channel": stage.channel,
        "price": plain(price.price.amount),
        "price_from": price.effective_from.isoformat(),
        "agreed_with": price.agreed_with,
        "unit": price.unit,
        "amount": plain(asked.amount),
        "currency": room.currency,
        "plan": plain(room.plan),
        "actual": plain(room.actual),
        "committed": plain(room.committed),
        "available_before": plain(room.available),
        "available_after": plain(asked.headroom),
        "policy": _said(ruling),
        **({"cards": judged.cards} if judged.cards else {}),
        **({"needed_by": judged.submission.needed_by.isoformat()} if judged.submission.needed_by else {}),
    }


def _said(ruling: Ruling) -> dict[str, Any]:
    """What the policy decided, for the record."""
    return {
        "rule": ruling.rule,
        "outcome": ruling.outcome,
        "reason": ruling.reason,
        "tried": [list(one) for one in ruling.tried],
        "revision": ruling.revision,
    }


def _commitment(request: Request) -> Commitment:
    return Commitment(
        request=request.id,
        department=request.department,
        period=request.period,
        amount=request.amount,
        currency=request.currency,
        state="pending",
    )
