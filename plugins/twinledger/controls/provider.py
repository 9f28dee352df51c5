"""What a provider itself says that an account was charged, asked over its API.

What belongs here: whom to ask, of what, and recording the answer. What does not: the API, which is an
adapter's (`cloud`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.books import Books
from twinledger.controls.totals import Recorded, Total, record
from twinledger.store.models import Source
from twinledger.vocabulary.errors import InvalidConfigError, StatedTotalError, UnknownNameError
from twinledger.vocabulary.money import exact_sum, plain, smallest_unit
from twinledger.vocabulary.periods import Period

OPTION = "cost_explorer"
"""The key among a source's options: {cost_explorer: {metric: ..., profile: ...}}."""

PROVIDER = "AWS"
METRICS = ("UnblendedCost", "NetUnblendedCost")
MONTHS_BACK = 3
"""A closed month's bill may still change for some weeks; three months cover that and a late first run."""


@dataclass(frozen=True, slots=True)
class AskedSource:
    """One source whose provider is asked for the account's total."""

    name: str
    account: str
    metric: str
    profile: str


@dataclass(frozen=True, slots=True)
class StatedMonth:
    """What the provider says of one month: in all, and by linked account; in one currency.

    An amount that the provider calls estimated is no control total yet.
    """

    period: Period
    currency: str
    total: Decimal
    accounts: Mapping[str, Decimal]
    is_estimated: bool


class ProviderTotals(Protocol):
    """Asks a provider for an account's monthly totals."""

    def months(self, first: Period, last: Period) -> Sequence[StatedMonth]:
        """The totals of the months from first to last, both included.

        Raises:
            UnreachableError: the provider does not answer, or refuses.
        """
        ...


def asked_sources(session: Session) -> list[AskedSource]:
    """The bill sources whose entry asks for it, by name.

    Raises:
        InvalidConfigError: the option has not the form it must have, or the source names no account.
    """
    query = select(Source).where(Source.kind == "bill").order_by(Source.name)
    return [
        _asked(row)
        for row in session.scalars(query)
        if row.options.get(OPTION) is not None and not row.options.get("retired")
    ]


def _asked(source: Source) -> AskedSource:
    said: Any = source.options[OPTION]
    if not isinstance(said, dict) or said.keys() - {"metric", "profile"}:
        raise _wrong(source.name, "expected {metric: NetUnblendedCost, profile: NAME}, both of them optional")
    metric, profile = str(said.get("metric", METRICS[0])), str(said.get("profile", ""))
    if metric not in METRICS:
        raise _wrong(source.name, f"metric is {metric!r}, expected {' or '.join(METRICS)}")
    if not source.account:
        raise _wrong(source.name, "the source needs its `account`: the payer's, whose total is asked for")
    return AskedSource(source.name, source.account, metric, profile)


def _wrong(name: str, problem: str) -> InvalidConfigError:
    return InvalidConfigError("sources.yaml", f"{name}.options.{OPTION}", problem)


def asked_source(books: Books, name: str) -> AskedSource:
    """The source of that name; raises UnknownNameError where it does not ask its provider."""
    with books.store.reading() as session:
        found = {one.name: one for one in asked_sources(session)}
    if name not in found:
        kind = f"source with options.{OPTION}"
        raise UnknownNameError(kind, name, found)
    return found[name]


def record_provider_totals(books: Books, source: AskedSource, provider: ProviderTotals, by: str) -> Recorded:
    """Ask for the running month and those before it, and record what is final.

    Raises:
        UnreachableError: the provider does not answer, or refuses; nothing is recorded.
        StatedTotalError: its parts do not add up to its total; nothing is recorded.
    """
    last = Period.of(books.clock.now())
    months = provider.months(last.shift(-MONTHS_BACK), last)
    totals = [total for month in months if not month.is_estimated for total in _totals(source, month)]
    with books.store.transaction() as session:
        return record(session, books.clock, totals, by)


def _totals(source: AskedSource, month: StatedMonth) -> list[Total]:
    parts = exact_sum(month.accounts.values())
    # The provider rounds each amount by itself, in the last of its digits.
    if abs(exact_sum((month.total, -parts))) > smallest_unit(month.currency):
        subject = f"Cost Explorer, account {source.account}, {month.period}"
        raise StatedTotalError(subject, f"{plain(month.total)} {month.currency}", plain(parts))
    return [
        Total("cost-explorer", PROVIDER, source.account, str(month.period), month.currency, account, amount)
        for account, amount in sorted(month.accounts.items())
    ]
