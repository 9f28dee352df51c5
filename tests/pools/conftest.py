from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from twinledger.books import Books
from twinledger.lake import SliceWrite
from twinledger.lake.tables import EXTERNAL_CHARGES
from twinledger.store import models
from twinledger.vocabulary.identities import digest

USUAL: dict[str, Any] = {
    "BillingAccountId": "1", "BillingCurrency": "USD", "ChargeCategory": "Usage", "InvoiceIssuerName": "v",
    "ProviderName": "v", "PublisherName": "v", "ServiceCategory": "c", "ServiceProviderName": "v", "ServiceName": "RDS",
    "BillingPeriodStart": datetime(2026, 10, 1), "BillingPeriodEnd": datetime(2026, 11, 1),
    "ChargePeriodStart": datetime(2026, 10, 3), "ChargePeriodEnd": datetime(2026, 10, 4),
    "BilledCost": Decimal(0), "EffectiveCost": Decimal(0), "ContractedCost": Decimal(0), "ListCost": Decimal(0),
}  # fmt: skip


@pytest.fixture
def pools(books: Books) -> Callable[..., None]:
    """Makes pools of (name, kind, rules), in this order."""

    def write(*configured: tuple[str, str, Sequence[dict[str, object]]]) -> None:
        with books.store.transaction() as session:
            session.add_all(
                models.Pool(name=name, title=name, owner="ada", kind=kind, position=position, rules=list(rules),
                            capacity=[], tolerance={})
                for position, (name, kind, rules) in enumerate(configured, start=1)
            )  # fmt: skip

    return write


@pytest.fixture
def bill(books: Books) -> Callable[[Sequence[dict[str, object]]], None]:
    """Makes charges the bill of source `bill` for 2026-10, rows from 1, all of one delivery."""

    def write(charges: Sequence[dict[str, object]], slices: int = 1) -> None:
        with books.store.transaction() as session:
            if session.get(models.Source, "bill") is None:
                session.add(
                    models.Source(name="bill", kind="bill", format="focus_1_2", place="x", slice="", options={})
                )
                session.flush()
                at = datetime(2026, 11, 1, tzinfo=UTC)
                session.add_all(
                    models.Delivery(id=f"d{number}", source="bill", digest=str(number), key="k", delivered_at=at,
                                    received_at=at, state="ingested", files=[])
                    for number in range(1, slices + 1)
                )  # fmt: skip
        for number in range(1, slices + 1):
            _write(books, charges, f"day-{number}", f"d{number}")

    return write


def _write(books: Books, charges: Sequence[dict[str, object]], part: str, delivery: str) -> None:
    partition = {"x_source": "bill", "x_period": "2026-10", "x_slice": part}
    rows = [
        [({**USUAL, **partition, "x_delivery": delivery, "x_row": row} | charge).get(name)
         for name in EXTERNAL_CHARGES.names]
        for row, charge in enumerate(charges, start=1)
    ]  # fmt: skip
    with books.engine() as engine:
        engine.view_rows("charges", EXTERNAL_CHARGES.columns, rows)
        files = engine.copy("charges", EXTERNAL_CHARGES, books.lake.staging(EXTERNAL_CHARGES))
    books.lake.replace_all(EXTERNAL_CHARGES, [SliceWrite(partition, files, digest(repr(charges), part))])
