"""Who answers for a break, and how urgent it is: by rules that are configuration (breaks.yaml).

What belongs here: the first rule that holds, and priority by money. What does not: who works on a break, which people
say (`life`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.reconciliation.breaks import Finding
from twinledger.store import models
from twinledger.vocabulary.money import plain

DEFAULT_PRIORITIES = (("critical", Decimal(10_000)), ("high", Decimal(1_000)), ("medium", Decimal(100)))
"""From so much money on, in the reporting currency, where breaks.yaml says nothing."""

LOWEST = "low"


@dataclass(frozen=True, slots=True)
class OwnerRule:
    """One rule: all that it names must hold; an empty list is anything."""

    position: int
    owner: str
    rules: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    at_least: Decimal | None = None
    """Of money, whatever the sign, in the reporting currency."""

    def holds(self, one: Finding) -> bool:
        """Whether it decides on this finding."""
        lists = ((self.rules, one.rule), (self.pools, one.pool), (self.providers, one.provider))
        named = all(not wanted or found in wanted for wanted, found in (*lists, (self.accounts, one.account)))
        return named and (self.at_least is None or abs(one.amount) >= self.at_least)

    def __str__(self) -> str:
        """As breaks.yaml says it: `rule 2: overcharge, AWS, at least 100.00`."""
        parts = [", ".join(names) for names in (self.rules, self.pools, self.providers, self.accounts) if names]
        money = [] if self.at_least is None else [f"at least {plain(self.at_least)}"]
        return f"rule {self.position}: {'; '.join([*parts, *money]) or 'any'}"


def deciding(rules: Iterable[OwnerRule], one: Finding) -> OwnerRule | None:
    """The first rule that holds, None where the pool's owner answers."""
    return next((rule for rule in rules if rule.holds(one)), None)


def owned(findings: Iterable[Finding], rules: Sequence[OwnerRule]) -> list[Finding]:
    """Findings with the owner that the rules say; the pool's owner, or finance, where none holds."""
    decided = ((one, deciding(rules, one)) for one in findings)
    return [replace(one, owner=rule.owner) if rule else one for one, rule in decided]


def owner_rules(session: Session) -> tuple[OwnerRule, ...]:
    """The rules of the configuration, in their order."""
    return tuple(
        OwnerRule(
            position=one.position,
            owner=one.owner,
            rules=tuple(one.rules),
            pools=tuple(one.pools),
            providers=tuple(one.providers),
            accounts=tuple(one.accounts),
            at_least=one.at_least,
        )
        for one in session.scalars(select(models.BreakOwner).order_by(models.BreakOwner.position))
    )


def priorities(session: Session) -> tuple[tuple[str, Decimal], ...]:
    """Each priority with the money that it begins at, the most first."""
    found = [(one.name, one.at_least) for one in session.scalars(select(models.BreakPriority))]
    return tuple(sorted(found, key=lambda one: -one[1])) or DEFAULT_PRIORITIES


def priority(amount: Decimal, classes: Iterable[tuple[str, Decimal]]) -> str:
    """The priority of so much money, whatever its sign; `classes` as `priorities` gives them."""
    return next((name for name, least in classes if abs(amount) >= least), LOWEST)
