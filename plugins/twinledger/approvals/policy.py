"""What becomes of a request: the first rule of the policy whose conditions hold.

What belongs here: judging what is asked for, and reading the policy from the store. What does not: the form of
policy.yaml (`catalog`), and what follows from the judgement (`submit`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.catalog import WEEKDAYS, Conditions, Outcome, RuleConfig
from twinledger.store.models import PolicyRule
from twinledger.vocabulary.identities import digest, short

DEFAULT: Outcome = "ask budget holder"
"""What is done where no rule holds."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a policy looks at; amounts are in the currency of the price."""

    departments: tuple[str, ...]
    """The one that pays, then those above it."""
    product: str
    meter: str
    region: str
    roles: tuple[str, ...]
    """The requester's."""
    amount: Decimal
    headroom: Decimal
    """What is left of the budget after it."""
    days: int
    at: datetime
    """In the company's time zone."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the policy says: by which rule, and why not by those above it. Without a rule it is the default."""

    rule: str
    outcome: Outcome
    reason: str
    tried: tuple[tuple[str, str], ...]
    """(rule, what did not hold) of every rule above."""
    revision: str


def judge(rules: Sequence[RuleConfig], asked: Asked) -> Ruling:
    """The first rule that holds; where none does, the budget holder is asked."""
    tried: list[tuple[str, str]] = []
    revision = revision_of(rules)
    for rule in rules:
        problem = next(_unmet(rule.when, asked), "")
        if not problem:
            return Ruling(rule.name, rule.then, rule.reason, tuple(tried), revision)
        tried.append((rule.name, problem))
    return Ruling("", DEFAULT, "no rule of policy.yaml holds", tuple(tried), revision)


def revision_of(rules: Sequence[RuleConfig]) -> str:
    """Tells one policy from another."""
    return short(digest(*(rule.model_dump_json() for rule in rules)))


def policy(session: Session) -> tuple[RuleConfig, ...]:
    """The policy in force, in the order in which rules are tried."""
    rows = session.scalars(select(PolicyRule).order_by(PolicyRule.position))
    return tuple(
        RuleConfig.model_validate({"name": row.name, "when": row.conditions, "then": row.outcome, "reason": row.reason})
        for row in rows
    )


def _unmet(when: Conditions, asked: Asked) -> Iterator[str]:
    """What does not hold, as sentences that name what was expected and found."""
    any_of = (
        ("department", when.departments, asked.departments),
        ("product", when.products, (asked.product,)),
        ("meter", when.meters, (f"{asked.product}/{asked.meter}",)),
        ("region", when.regions, (asked.region,)),
        ("role", when.roles, asked.roles),
        ("weekday", when.weekdays, (WEEKDAYS[asked.at.weekday()],)),
    )
    for name, expected, found in any_of:
        if expected and not set(expected) & set(found):
            yield f"{name} is {', '.join(found) or 'none'}, expected {' or '.join(expected)}"
    ranges = (
        ("amount", when.amount, asked.amount),
        ("headroom", when.headroom, asked.headroom),
        ("days", when.days, Decimal(asked.days)),
    )
    for name, expected_range, number in ranges:
        if expected_range is not None and not expected_range.holds(number):
            yield f"{name} is {number:,f}, expected {expected_range}"
    start, _, end = when.hours.partition("-")
    if when.hours and not start <= f"{asked.at:%H:%M}" < end:
        yield f"it is {asked.at:%H:%M}, expected {when.hours}"
