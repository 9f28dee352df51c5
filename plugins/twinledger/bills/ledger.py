"""Reading the external ledger: totals, export and quarantine, for finance.

What belongs here: questions that people ask of it. What does not: writing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import or_, select

from twinledger.bills.history import files_as_of
from twinledger.bills.records import bill_source
from twinledger.books import Books
from twinledger.lake.tables import EXTERNAL_CHARGES, QUARANTINE
from twinledger.store.models import Delivery
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.periods import Period


@dataclass(frozen=True, slots=True)
class ServiceCost:
    """One service of a source and period, in one currency."""

    service: str
    currency: str
    rows: int
    billed_cost: Decimal
    effective_cost: Decimal
    list_cost: Decimal


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One delivery that was refused (state quarantined), or some of whose rows were."""

    delivery: str
    source: str
    key: str
    state: str
    rows_in: int
    rows_quarantined: int
    reason_code: str
    reason: str


def ledger_totals(books: Books, source: str, period: Period, as_of: datetime | None = None) -> list[ServiceCost]:
    """The ledger's totals of one source and period by service, the most money first, now or as of an instant.

    Raises:
        UnknownNameError: there is no such bill source, or the ledger has, or had, nothing of that period.
    """
    files = _files(books, source, period, as_of)
    with books.engine() as engine:
        engine.view_files("ledger", EXTERNAL_CHARGES, files)
        rows = engine.query(
            'SELECT "ServiceName", "BillingCurrency", COUNT(*), SUM("BilledCost"), SUM("EffectiveCost"), '
            'SUM("ListCost") FROM ledger GROUP BY 1, 2 ORDER BY 4 DESC, 1, 2'
        )
    return [ServiceCost(*row) for row in rows]


def export_slice(books: Books, source: str, period: Period, target: Path, as_of: datetime | None = None) -> int:
    """Write one source and period as one Parquet file, FOCUS columns first, now or as of an instant.

    Returns the number of rows.

    Raises:
        UnknownNameError: there is no such bill source, or the ledger has, or had, nothing of that period.
    """
    files = _files(books, source, period, as_of)
    with books.engine() as engine:
        engine.view_files("ledger", EXTERNAL_CHARGES, files)
        return engine.export("ledger", target)


def _files(books: Books, source: str, period: Period, as_of: datetime | None) -> list[str]:
    bill_source(books, source)
    files = files_as_of(books, source, period, as_of)
    if not files:
        names = (name.split("/") for name in books.lake.slices(EXTERNAL_CHARGES))
        known = {parts[0].removeprefix("x_period=") for parts in names if f"x_source={source}" in parts}
        raise UnknownNameError(f"period of source {source}", str(period), known)
    return files


def quarantined(books: Books) -> list[Quarantined]:
    """Deliveries that were refused, whole or in part, the newest first."""
    with books.store.reading() as session:
        query = select(Delivery).where(or_(Delivery.state == "quarantined", Delivery.rows_quarantined > 0))
        found = session.scalars(query.order_by(Delivery.received_at.desc(), Delivery.id)).all()
    return [
        Quarantined(
            delivery=row.id,
            source=row.source,
            key=row.key,
            state=row.state,
            rows_in=row.rows_in,
            rows_quarantined=row.rows_quarantined,
            reason_code=row.reason_code or "rows",
            reason=row.reason or f"{row.rows_quarantined} of {row.rows_in} rows refused",
        )
        for row in found
    ]


def quarantined_rows(books: Books, delivery: str, limit: int) -> list[dict[str, Any]]:
    """The refused rows of a delivery in their order; none where it was refused whole.

    Raises:
        UnknownNameError: there is no such delivery.
    """
    with books.store.reading() as session:
        row = session.get(Delivery, delivery)
        if row is None:
            known = session.scalars(select(Delivery.id).where(Delivery.rows_quarantined > 0).limit(20)).all()
            raise UnknownNameError("delivery", delivery, known)
    files = books.lake.files(QUARANTINE, {"source": row.source, "slice": delivery})
    files = files or books.lake.files(QUARANTINE, {"source": row.source})
    with books.engine() as engine:
        engine.view_files("refused", QUARANTINE, files)
        sql = "SELECT row, code, reason, content FROM refused WHERE delivery = ? ORDER BY row LIMIT ?"
        rows = engine.query(sql, [delivery, limit])
    return [dict(zip(("row", "code", "reason", "content"), found, strict=True)) for found in rows]
