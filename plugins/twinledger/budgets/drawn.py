"""Drawing commitments down: what was spent on a grant is actual, and no longer committed.

What belongs here: which charges are on which grant, and writing it to the commitments. What does not: what a commitment
holds, which `approvals` knows.

A charge is on a grant where it is of the grant's department and meter, on a day before it is over. Where several
are, the one that began first is used up first; what is beyond all of them is on none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update

from twinledger.books import Books
from twinledger.lake.tables import INTERNAL_CHARGES
from twinledger.rating import statement
from twinledger.store import Store
from twinledger.store.models import Commitment, Grant
from twinledger.vocabulary.money import exact_sum
from twinledger.vocabulary.periods import Period

Key = tuple[str, str, str, str]
"""Department, product, meter and currency."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A commitment and the days on which its grant lives; the last one is included."""

    request: str
    key: Key
    amount: Decimal
    first: date
    last: date


def spent_so_far(books: Books, department: str, period: Period | None = None) -> Decimal:
    """What a department has spent in a period, without one in the present one, in the reporting currency.

    Raises:
        UnknownNameError: no such department.
    """
    month = period or Period.of(books.clock.now(), books.settings.timezone)
    return statement(books, department, month).total.amount


def draw_down(books: Books, period: Period) -> dict[str, Decimal]:
    """Count what was spent on each grant whose commitment is of a period; request -> spent, in its currency.

    Safe to repeat: it is counted from the ledger anew. A commitment in another currency than the internal ledger's is
    left as it is.
    """
    return count_spent(books.store, period, _charges(books, period))


def count_spent(store: Store, period: Period, charges: Sequence[Mapping[str, Any]]) -> dict[str, Decimal]:
    """As `draw_down`, of a period's charges by day: see `attribute`."""
    actual = _by_department(charges)
    with store.transaction() as session:
        query = (
            select(Commitment, Grant)
            .join(Grant, Grant.request == Commitment.request)
            .where(Commitment.period == str(period), Commitment.state == "posted")
            .order_by(Grant.starts_at, Grant.id)
        )
        granted = [_granted(commitment, grant) for commitment, grant in session.execute(query)]
        spent = attribute(charges, granted)
        for one in granted:
            values = {"spent": spent[one.request], "actual": actual.get((one.key[0], one.key[3]), Decimal(0))}
            posted = (Commitment.request == one.request, Commitment.state == "posted")
            session.execute(update(Commitment).where(*posted).values(**values))
    return spent


def attribute(charges: Iterable[Mapping[str, Any]], granted: Sequence[Granted]) -> dict[str, Decimal]:
    """How much of each grant was used: never more than it holds, and of a charge never more than it is.

    Args:
        charges: department, product, meter, currency, day and amount; the days of a meter in order.
        granted: those that began first come first.
    """
    used = {one.request: Decimal(0) for one in granted}
    of_key: dict[Key, list[Granted]] = defaultdict(list)
    for one in granted:
        of_key[one.key].append(one)
    for charge in charges:
        rest = charge["amount"]
        for one in of_key[charge["department"], charge["product"], charge["meter"], charge["currency"]]:
            if rest > 0 and one.first <= charge["day"] <= one.last:
                part = min(rest, exact_sum((one.amount, -used[one.request])))
                used[one.request] = exact_sum((used[one.request], part))
                rest = exact_sum((rest, -part))
    return used


def _charges(books: Books, period: Period) -> list[dict[str, Any]]:
    with books.engine() as engine:
        files = books.lake.files(INTERNAL_CHARGES, {"period": str(period)})
        engine.view_files("internal_charges", INTERNAL_CHARGES, files)
        engine.view_model("budgets/metered_days")
        return engine.rows("metered_days")


def _by_department(charges: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Decimal]:
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for one in charges:
        key = (one["department"], one["currency"])
        sums[key] = exact_sum((sums[key], one["amount"]))
    return sums


def _granted(commitment: Commitment, grant: Grant) -> Granted:
    key = (commitment.department, grant.product, grant.meter, commitment.currency)
    last = _day(grant.ends_at - timedelta(microseconds=1))
    return Granted(commitment.request, key, commitment.amount, _day(grant.starts_at), last)


def _day(instant: datetime) -> date:
    """The day in UTC, as usage is metered."""
    return instant.astimezone(UTC).date()
