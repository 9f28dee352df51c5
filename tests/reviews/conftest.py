"""A company with two departments below a group, and internal charges written straight to the ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest

from twinledger.books import Books
from twinledger.lake.tables import INTERNAL_CHARGES
from twinledger.store import Store, models
from twinledger.vocabulary.identities import digest

Charge = Callable[..., None]


def company() -> list[models.Base]:
    """Ada is of finance; Gus has the group, Bob its shop, Eve the shop's budget; Cy is anybody else."""
    people = [("ada", ["finance"]), ("gus", []), ("bob", []), ("eve", []), ("cy", [])]
    return [
        *(models.Person(name=name, title=name.title(), slack_user=f"U0{name.upper()}", roles=roles)
          for name, roles in people),
        models.Department(name="group", title="Group", cost_centre="CC-1", owner="gus", budget_holder="gus",
                          channel="#group", tenants=[]),
        models.Department(name="shop", title="电商 Shop", parent="group", cost_centre="CC-2", owner="bob",
                          budget_holder="eve", channel="#shop", tenants=[]),
        models.Department(name="idle", title="Idle", parent="group", cost_centre="CC-3", owner="cy",
                          budget_holder="cy", channel="#idle", tenants=[]),
    ]  # fmt: skip


def populate(store: Store) -> None:
    with store.transaction() as session:
        for row in company():
            session.add(row)
            session.flush()


@pytest.fixture
def charge(books: Books) -> Charge:
    """Writes a period's whole internal ledger: (department, product, amount) at a price of 1."""

    def write(period: str, *charged: tuple[str, str, str]) -> None:
        start = datetime.fromisoformat(f"{period}-03")
        rows = [
            (period, department, "t", "pool", product, "hours", f"r-{product}", start, Decimal(amount), "hour",
             Decimal(1), Decimal(amount), "USD", "usage", False)
            for department, product, amount in charged
        ]  # fmt: skip
        with books.engine() as engine:
            engine.view_rows("rows", INTERNAL_CHARGES.columns, rows)
            files = engine.copy("rows", INTERNAL_CHARGES, books.lake.staging(INTERNAL_CHARGES))
        books.lake.replace(INTERNAL_CHARGES, {"period": period}, files, digest(repr(charged)))

    return write
