from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

import pytest

from twinledger.books import Books
from twinledger.lake import SliceWrite
from twinledger.lake.tables import EXTERNAL_CHARGES, INTERNAL_CHARGES, USAGE
from twinledger.store import models
from twinledger.vocabulary.identities import digest

Record = tuple[str, str, str, datetime, Decimal]
"""tenant, product, meter, start, quantity"""


@pytest.fixture
def company(books: Books) -> Callable[..., None]:
    """Departments shop (tenant s) and data (tenant d); product vm in pool shared; meters vm/hours and vm/gib."""

    def create(prices: Sequence[tuple[str, datetime, str]], *, pool_rules: Sequence[dict[str, object]] = ()) -> None:
        now = books.clock.now()
        with books.store.transaction() as session:
            session.add(models.Person(name="ada", title="Ada", roles=[]))
            for name, tenant in (("shop", "s"), ("data", "d")):
                session.add(models.Department(name=name, title=name, cost_centre="1", owner="ada", budget_holder="ada",
                                              channel=f"#{name}", tenants=[tenant]))  # fmt: skip
            for position, (name, kind) in enumerate((("own", "direct"), ("shared", "shared")), start=1):
                rules = list(pool_rules) if name == "own" else []
                session.add(models.Pool(name=name, title=name, owner="ada", kind=kind, position=position, rules=rules,
                                        capacity=[], tolerance={}))  # fmt: skip
            session.flush()
            session.add(
                models.Product(name="vm", title="VM", description="", owner="ada", pool="shared", state="listed")
            )
            session.flush()
            session.add_all([models.Meter(product="vm", name=name, title=name, unit=name) for name in ("hours", "gib")])
            session.add_all(
                models.Price(
                    product="vm",
                    meter=meter,
                    effective_from=start,
                    amount=Decimal(amount),
                    currency="USD",
                    recorded_at=now,
                )
                for meter, start, amount in prices
            )

    return create


@pytest.fixture
def meter(books: Books) -> Callable[[Sequence[Record]], None]:
    """Makes records the usage of 2026-10: one slice, whatever their day."""

    def write(records: Sequence[Record]) -> None:
        rows = [
            (
                "feed",
                "2026-10-01",
                "delivery",
                number,
                tenant,
                product,
                meter,
                "r",
                start,
                start,
                quantity,
                "2026-10",
                False,
                None,
            )
            for number, (tenant, product, meter, start, quantity) in enumerate(records, start=1)
        ]
        with books.engine() as engine:
            engine.view_rows("records", USAGE.columns, rows)
            files = engine.copy("records", USAGE, books.lake.staging(USAGE))
        partition = {"feed": "feed", "day": "2026-10-01"}
        books.lake.replace_all(USAGE, [SliceWrite(partition, files, digest(repr(sorted(map(str, records)))))])

    return write


@pytest.fixture
def bill(books: Books) -> Callable[[Sequence[dict[str, object]]], None]:
    """Makes charges the bill of 2026-10; what a charge does not say is filled in."""

    def write(charges: Sequence[dict[str, object]]) -> None:
        start = datetime(2026, 10, 3)
        usual: dict[str, object] = {
            "BillingAccountId": "1", "BillingCurrency": "USD", "ChargeCategory": "Usage", "InvoiceIssuerName": "v",
            "ProviderName": "v", "PublisherName": "v", "ServiceCategory": "c", "ServiceProviderName": "v",
            "BillingPeriodStart": start, "BillingPeriodEnd": start,
            "ChargePeriodStart": start, "ChargePeriodEnd": start,
            "BilledCost": Decimal(0), "EffectiveCost": Decimal(0), "ContractedCost": Decimal(0), "ListCost": Decimal(0),
            "x_source": "bill", "x_period": "2026-10", "x_delivery": "d", "ServiceName": "RDS",
        }  # fmt: skip
        rows = [
            [({**usual, "x_row": number} | charge).get(name) for name in EXTERNAL_CHARGES.names]
            for number, charge in enumerate(charges, start=1)
        ]
        with books.engine() as engine:
            engine.view_rows("charges", EXTERNAL_CHARGES.columns, rows)
            files = engine.copy("charges", EXTERNAL_CHARGES, books.lake.staging(EXTERNAL_CHARGES))
        books.lake.replace(EXTERNAL_CHARGES, {"x_source": "bill", "x_period": "2026-10"}, files, digest(repr(charges)))

    return write


@pytest.fixture
def charges(books: Books) -> Callable[[], list[dict[str, object]]]:
    """The internal ledger of 2026-10."""

    def rows() -> list[dict[str, object]]:
        with books.engine() as engine:
            engine.view_files("found", INTERNAL_CHARGES, books.lake.files(INTERNAL_CHARGES, {"period": "2026-10"}))
            return engine.rows("found")

    return rows
