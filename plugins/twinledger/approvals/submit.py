"""From a wish to a pending request, with its commitment, its card and its audit entry.

What belongs here: checking and estimating a submission. What does not: deciding it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Context, Decimal, localcontext
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.approvals.decide import allow
from twinledger.approvals.desk import Desk
from twinledger.approvals.headroom import Headroom, headroom
from twinledger.approvals.people import Role, Stage, stage_for
from twinledger.approvals.policy import Asked, Ruling, judge, policy
from twinledger.approvals.view import queue_card, queue_wake
from twinledger.catalog import PriceInForce, price_for, with_those_above
from twinledger.store import audit
from twinledger.store.models import Base, Commitment, Department, Person, Product, Request
from twinledger.vocabulary.errors import InvalidSubmissionError, PolicyRefusedError, UnknownNameError
from twinledger.vocabulary.identities import new_identity
from twinledger.vocabulary.money import QUANTITY_SCALE, exact_sum, parse_amount, plain
from twinledger.vocabulary.periods import Period

LONGEST_DAYS = 366
LONGEST_NAME = 255
RESPONSE_TIME = timedelta(days=3)
_QUANTITY_LIMIT = Decimal(10) ** 10
_ASKED: Mapping[str, Role] = {"ask manager": "manager", "ask budget holder": "budget holder", "ask finance": "finance"}
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


def submit(desk: Desk, submission: Submission, identify: Callable[[str], str] = new_identity) -> str:
    """Make a request of it and ask its approver; returns the request's id.

    The estimate is the price that the department pays now x quantity x days, and is committed in the
    present period at once; of tiers, the price is the first one that costs something. The policy says
    whether it is granted at once, refused, or who is asked; who is asked sees what is available before
    and after.

    Raises:
        InvalidSubmissionError: a quantity, a duration or a justification that cannot be.
        UnknownNameError: no such requester, department, product or meter.
        MissingPriceError: the meter has no price yet.
        CurrencyMismatchError: the budget is in another currency than the price.
        NoApproverError: nobody but the requester could decide.
        PolicyRefusedError: a rule of the policy refuses it; that is recorded.
    """
    _check(submission)
    with desk.store.transaction() as session:
        made = _submitted(session, desk, submission, identify)
    if isinstance(made, PolicyRefusedError):
        raise made
    return made


def _submitted(
    session: Session, desk: Desk, submission: Submission, identify: Callable[[str], str]
) -> str | PolicyRefusedError:
    """The request's id, or why there is none: a refusal is recorded in the same transaction."""
    now = desk.clock.now()
    department = _known(session, Department, "department", submission.department)
    requester = _known(session, Person, "person", submission.requester)
    if _known(session, Product, "product", submission.product).state != "listed":
        raise InvalidSubmissionError(field="product", found=submission.product, expected="a listed product")
    price = price_for(session, department.name, submission.product, submission.meter, now)
    period = str(Period.of(now, desk.settings.timezone))
    room = headroom(session, department.name, period, submission.actual, price.price.currency)
    amount = _estimate(price.price.amount, submission.quantity, submission.days)
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
    )
    ruling = judge(policy(session), asked)
    if ruling.outcome == "refuse":
        return _refused(session, desk, submission, ruling)
    if role := _ASKED.get(ruling.outcome):
        stage = stage_for(session, desk, submission.requester, department, role)
    else:
        stage = Stage("policy", (), department.channel)
    request = _request(submission, stage, room, amount)
    request.facts = _facts(stage, price, room, asked, ruling)
    request.id, request.created_at, request.expires_at = identify("req"), now, now + submission.expires_in
    session.add(request)
    session.flush()
    session.add(_commitment(request))
    queue_card(session, request, stage.channel, desk.clock)
    queue_wake(session, request, desk.clock)
    facts = {**request.facts, "approvers": request.approvers, "justification": request.justification}
    audit.append(session, desk.clock, who=request.requester, action="request.submit", subject=request.id, facts=facts)
    if ruling.outcome == "allow":
        session.flush()
        allow(session, desk.clock, request, ruling.rule)
    return request.id


def _refused(session: Session, desk: Desk, submission: Submission, ruling: Ruling) -> PolicyRefusedError:
    facts = {
        "department": submission.department, "meter": f"{submission.product}/{submission.meter}",
        "quantity": plain(submission.quantity), "days": submission.days, "region": submission.region,
        "policy": _said(ruling),
    }  # fmt: skip
    audit.append(
        session,
        desk.clock,
        who=submission.requester,
        action="request.refused",
        subject=submission.department,
        facts=facts,
    )
    return PolicyRefusedError(ruling.rule, ruling.reason)


def _check(submission: Submission) -> None:
    """Refuse the first thing that cannot be."""
    quantity, region = submission.quantity, submission.region
    whole = quantity.is_finite() and 0 < quantity < _QUANTITY_LIMIT and quantity == round(quantity, QUANTITY_SCALE)
    rules = (
        ("quantity", str(quantity), whole, f"a number above zero with at most {QUANTITY_SCALE} decimals"),
        ("days", str(submission.days), 1 <= submission.days <= LONGEST_DAYS, f"1 to {LONGEST_DAYS}"),
        ("region", region, 0 < len(region) <= LONGEST_NAME, f"a name of up to {LONGEST_NAME} characters"),
        ("justification", submission.justification, bool(submission.justification.strip()), "a reason"),
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


def _request(submission: Submission, stage: Stage, room: Headroom, amount: Decimal) -> Request:
    """The request, but for its id, its times and its facts."""
    return Request(
        requester=submission.requester,
        department=submission.department,
        product=submission.product,
        meter=submission.meter,
        quantity=submission.quantity,
        region=submission.region,
        days=submission.days,
        period=room.period,
        amount=amount,
        currency=room.currency,
        justification=submission.justification,
        state="pending",
        revision=1,
        approvers=list(stage.approvers),
    )


def _facts(stage: Stage, price: PriceInForce, room: Headroom, asked: Asked, ruling: Ruling) -> dict[str, Any]:
    """What the decision is made on; decimal strings, all in the one currency."""
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
