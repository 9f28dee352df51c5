"""A company with two departments, and internal charges written straight to the ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from twinledger.books import Books
from twinledger.lake.tables import INTERNAL_CHARGES
from twinledger.store import models
from twinledger.vocabulary.identities import digest

Charged = tuple[str, str, str, str, str, str]
"""department, product/meter, kind, quantity, price, amount"""

Charge = Callable[[str, list[Charged]], None]


@pytest.fixture
def company(books: Books) -> None:
    """Departments shop and data, whose channels bear their names; product vm of pool compute with a meter."""
    with books.store.transaction() as session:
        for name, roles in (("ada", ["finance"]), ("bob", ["finance"])):
            session.add(models.Person(name=name, title=name.title(), roles=roles))
        for name, title in (("shop", "电商 Shop"), ("data", "Data")):
            session.add(models.Department(name=name, title=title, cost_centre=f"CC-{name}", owner="ada",
                                          budget_holder="ada", channel=f"#{name}", tenants=[]))  # fmt: skip
        for position, (name, kind) in enumerate((("direct", "direct"), ("compute", "shared")), start=1):
            session.add(models.Pool(name=name, title=f"Pool {name}", owner="ada", kind=kind, position=position,
                                    rules=[], capacity=[], tolerance={}))  # fmt: skip
        session.flush()
        session.add(models.Product(name="vm", title="Virtual machines", description="", owner="ada", pool="compute",
                                   state="listed"))  # fmt: skip
        session.flush()
        session.add(models.Meter(product="vm", name="hours", title="Hours", unit="hour"))


@pytest.fixture
def charge(books: Books) -> Charge:
    """Writes a period's whole internal ledger."""

    def write(period: str, charged: list[Charged]) -> None:
        start = datetime.fromisoformat(f"{period}-03").replace(tzinfo=UTC).replace(tzinfo=None)
        rows = []
        for department, name, kind, quantity, price, amount in charged:
            product, meter = name.split("/")
            pool = "direct" if kind == "direct" else "compute"
            numbers = [Decimal(quantity), meter.rstrip("s"), Decimal(price), Decimal(amount)]
            rows.append((period, department, "t", pool, product, meter, "r", start, *numbers, "USD", kind, False))
        with books.engine() as engine:
            engine.view_rows("rows", INTERNAL_CHARGES.columns, rows)
            files = engine.copy("rows", INTERNAL_CHARGES, books.lake.staging(INTERNAL_CHARGES))
        books.lake.replace(INTERNAL_CHARGES, {"period": period}, files, digest(repr(charged)))

    return write
