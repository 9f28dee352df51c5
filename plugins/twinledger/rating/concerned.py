"""Which usage a change of the catalog would rate again.

What belongs here: counting records by open period. What does not: what the change is, which is the catalog's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from twinledger.books import Books
from twinledger.catalog import Change, closed_periods
from twinledger.lake.tables import INSTANT, TEXT, USAGE, Column

_COLUMNS = (
    Column("number", "BIGINT"),
    Column("product", TEXT),
    Column("meter", TEXT),
    Column("tenant", TEXT),
    Column("starts_at", INSTANT),
    Column("ends_at", INSTANT),
)


@dataclass(frozen=True, slots=True)
class RatedAgain:
    """Usage records of one open period that a change concerns; late ones are of the period that has them."""

    period: str
    records: int


def rated_again(books: Books, changes: Sequence[Change]) -> list[tuple[RatedAgain, ...]]:
    """For each change, the open periods whose usage it concerns, earliest first. Reads usage; writes nothing."""
    asked = [
        (number, found.product, found.meter, tenant, found.starts_at, found.ends_at)
        for number, change in enumerate(changes)
        if (found := change.effect.concerned) is not None
        for tenant in ((None,) if found.tenants is None else found.tenants)
    ]
    if not asked:
        return [() for _ in changes]
    closed = closed_periods(books.store)
    with books.engine() as engine:
        engine.view_rows("asked_changes", _COLUMNS, asked)
        engine.view_files("usage", USAGE, books.lake.files(USAGE))
        engine.view_model("rating/concerned_usage")
        rows = [row for row in engine.rows("concerned_usage") if row["period"] not in closed]
    return [
        tuple(RatedAgain(row["period"], row["records"]) for row in rows if row["number"] == number)
        for number in range(len(changes))
    ]
