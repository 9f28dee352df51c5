"""What vendors restated: deliveries of one slice that say different totals.

What belongs here: finding them in the history of deliveries. What does not: adjustment charges of a
closed period, which are rows of the external ledger and a component of the bridge.

While a month runs, a cumulative feed grows with every delivery and nothing is restated by that: what
is compared is what was delivered once the month was over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.reconciliation.breaks import NOBODY, Finding
from twinledger.store import models
from twinledger.vocabulary.errors import MissingRateError
from twinledger.vocabulary.money import SCALE, exact_sum
from twinledger.vocabulary.periods import Period

_UNIT = Decimal(1).scaleb(-SCALE)


@dataclass(frozen=True, slots=True)
class SliceTotal:
    """What one delivery said of one slice: BilledCost by currency."""

    source: str
    slice: str
    delivery: str
    totals: tuple[tuple[str, Decimal], ...]


def slice_history(session: Session, period: Period, over_at: datetime) -> list[SliceTotal]:
    """Deliveries of the period's slices that were made since `over_at`, the oldest first."""
    query = (
        select(models.DeliverySlice)
        .join(models.Delivery, models.Delivery.id == models.DeliverySlice.delivery)
        .join(models.Source, models.Source.name == models.DeliverySlice.source)
        .where(
            models.Source.kind == "bill",
            models.DeliverySlice.period == str(period),
            # Adjustments of a closed period are a component of their own.
            models.DeliverySlice.slice.not_like("restates-%"),
            models.Delivery.state.in_(("ingested", "superseded")),
            models.Delivery.delivered_at >= over_at,
        )
        .order_by(models.DeliverySlice.source, models.DeliverySlice.slice, models.Delivery.delivered_at)
    )
    return [SliceTotal(one.source, one.slice, one.delivery, _totals(one.totals)) for one in session.scalars(query)]


def _subject(source: str, period: str, name: str) -> str:
    return f"{source} {period}" if name == "all" else f"{source} {period} {name}"


def restated_findings(
    period: str, history: Sequence[SliceTotal], rates: Mapping[str, Decimal], currency: str
) -> list[Finding]:
    """One break for each slice whose last delivery says another total than its first: new less old.

    Args:
        period: the period of the breaks.
        history: deliveries in order of time.
        rates: reporting units for one unit of each currency, for the period.
        currency: the reporting currency.

    Raises:
        MissingRateError: a currency without a rate for the period.
    """
    by_slice: dict[tuple[str, str], list[SliceTotal]] = {}
    for one in history:
        by_slice.setdefault((one.source, one.slice), []).append(one)
    found = []
    for (source, name), said in sorted(by_slice.items()):
        amount = _difference(said[0], said[-1], rates, currency, period)
        if amount:
            found.append(
                Finding("restated", "", period, _subject(source, period, name), amount, currency, Decimal(0), NOBODY)
            )
    return found


def _totals(totals: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, Decimal], ...]:
    by_currency: dict[str, list[Decimal]] = {}
    for one in totals:
        by_currency.setdefault(str(one["currency"]), []).append(Decimal(str(one["billed_cost"])))
    return tuple(sorted((code, exact_sum(amounts)) for code, amounts in by_currency.items()))


def _difference(
    first: SliceTotal, last: SliceTotal, rates: Mapping[str, Decimal], currency: str, period: str
) -> Decimal:
    old, new = dict(first.totals), dict(last.totals)
    parts = []
    for billed in old.keys() | new.keys():
        change = exact_sum((new.get(billed, Decimal(0)), -old.get(billed, Decimal(0))))
        if change and billed not in rates:
            raise MissingRateError(billed, currency, period)
        with localcontext(prec=120):
            parts.append((change * rates.get(billed, Decimal(1))).quantize(_UNIT) if change else change)
    return exact_sum(parts)
