"""What becomes of a request: the first rule of the policy whose conditions hold.

What belongs here: judging what is asked for, and reading the policy from the store. What does not: the form of
policy.yaml (`catalog`), and what follows from the judgement (`submit`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.catalog import WEEKDAYS, CaseConfig, CompanyConfig, Conditions, Outcome, RuleConfig
from twinledger.store.models import PolicyRule
from twinledger.vocabulary.errors import UnknownNameError
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
    gpu_utilisation: Decimal | None = None
    """How well the department's cards of the meter are used, in percent; None where that is not measured."""


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


@dataclass(frozen=True, slots=True)
class TriedCase:
    """A case, what the policy makes of it, and whether that is what was expected."""

    case: CaseConfig
    ruling: Ruling
    passed: bool


def try_cases(company: CompanyConfig, cases: Iterable[CaseConfig], zone: ZoneInfo) -> list[TriedCase]:
    """What a company's policy, applied or not, makes of cases; instants are looked at in the company's time zone.

    Raises:
        UnknownNameError: a case is of a department that the company has not.
    """
    parents = {department.name: department.parent for department in company.departments}
    found = []
    for case in cases:
        ruling = judge(company.policy.rules, _asked(case, parents, zone))
        found.append(TriedCase(case, ruling, ruling.outcome == case.expect and case.rule in (None, ruling.rule)))
    return found


def _asked(case: CaseConfig, parents: Mapping[str, str | None], zone: ZoneInfo) -> Asked:
    one = case.asked
    if one.department not in parents:
        raise UnknownNameError("department", one.department, parents)
    above: list[str] = []
    name: str | None = one.department
    while name:
        above.append(name)
        name = parents[name]
    return Asked(
        departments=tuple(above),
        product=one.product,
        meter=one.meter,
        region=one.region,
        roles=one.roles,
        amount=one.amount,
        headroom=one.headroom,
        days=one.days,
        at=one.at.astimezone(zone),
        gpu_utilisation=one.gpu_utilisation,
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
        ("gpu_utilisation", when.gpu_utilisation, asked.gpu_utilisation),
    )
    for name, expected_range, number in ranges:
        if expected_range is not None and (number is None or not expected_range.holds(number)):
            yield f"{name} is {'not measured' if number is None else f'{number:,f}'}, expected {expected_range}"
    start, _, end = when.hours.partition("-")
    if when.hours and not start <= f"{asked.at:%H:%M}" < end:
        yield f"it is {asked.at:%H:%M}, expected {when.hours}"
