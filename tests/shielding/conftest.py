"""The books of a company with a discount to hide, written once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.reconciliation.company import Charge, Internal, values
from tests.reconciliation.conftest import FakeGate, catalog, no_place, pools, source
from twinledger.books import Books
from twinledger.clock import FixedClock
from twinledger.engine.duck import DuckEngine
from twinledger.lake import Lake
from twinledger.lake.tables import EXTERNAL_CHARGES, INTERNAL_CHARGES
from twinledger.shielding import Record, ScanResult, read_place, scan
from twinledger.store import Store, models
from twinledger.vocabulary.settings import Settings

DISCOUNT = Decimal("0.6931")
LISTED = {"i-1": Decimal("18321.4471"), "i-2": Decimal("4107.9938"), "i-3": Decimal("912.663")}
EFFECTIVE = {resource: listed * DISCOUNT for resource, listed in LISTED.items()}
SECRET = sum(EFFECTIVE.values(), Decimal(0))
"""What all of October cost: 16178.44156429."""
CHARGED = {"2026-09": Decimal("7091.46"), "2026-10": Decimal("4915.09")}
"""What a department was charged in two months: by chance the second is 69.31 % of the first."""
LIST_TOTAL = sum(LISTED.values(), Decimal(0))

Scan = Callable[[Path | str], ScanResult]


def _book(lake: Lake, engine: DuckEngine) -> None:
    slot = {"x_source": "aws", "x_period": "2026-10", "x_slice": "all"}
    prices = {"ListUnitPrice": Decimal("0.194417"), "ContractedUnitPrice": Decimal("0.194417") * DISCOUNT}
    records = [
        Charge(number, resource=resource, sku_meter="m1", effective=EFFECTIVE[resource], listed=listed).record()
        | slot | prices
        for number, (resource, listed) in enumerate(LISTED.items(), start=1)
    ]  # fmt: skip
    engine.view_rows("written", EXTERNAL_CHARGES.columns, values(EXTERNAL_CHARGES, records))
    lake.replace(EXTERNAL_CHARGES, slot, engine.copy("written", EXTERNAL_CHARGES, lake.staging(EXTERNAL_CHARGES)), "d")


def _charge_departments(lake: Lake, engine: DuckEngine) -> None:
    for period, amount in CHARGED.items():
        record = Internal("compute", amount).record(period)
        engine.view_rows("written", INTERNAL_CHARGES.columns, values(INTERNAL_CHARGES, [record]))
        files = engine.copy("written", INTERNAL_CHARGES, lake.staging(INTERNAL_CHARGES))
        lake.replace(INTERNAL_CHARGES, {"period": period}, files, "r")


@pytest.fixture(scope="session")
def shielded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Three machines in October, each at 69.31 % of its list price."""
    home = tmp_path_factory.mktemp("shielded")
    store, lake = Store(f"sqlite:///{home / 'store.db'}"), Lake(f"sqlite:///{home / 'store.db'}", str(home / "lake"))
    store.upgrade()
    lake.ensure()
    with store.transaction() as session:
        for row in (source("aws"), *pools(), *catalog()):
            session.add(row)
            session.flush()
        session.add(
            models.ContractCard(
                id="card-1", vendor="Vendor", sku="m1", effective_from=date(2026, 1, 1),
                unit_price=Decimal("0.13475042"), currency="USD", clause="Price list, item 1",
            )
        )  # fmt: skip
    spill = str(home / "spill")
    with DuckEngine("512MiB", 1, spill) as engine:
        _book(lake, engine)
        _charge_departments(lake, engine)
    clock = FixedClock(datetime(2026, 11, 5, tzinfo=UTC))
    yield Books(Settings(home=home), store, lake, lambda: DuckEngine("512MiB", 1, spill), FakeGate(), no_place, clock)
    lake.close()
    store.close()


@pytest.fixture
def scanned(shielded: Books) -> Scan:
    """Scans a path or the URL of a database for the secrets of `shielded`."""
    return lambda place: scan(shielded, read_place(str(place)))


@pytest.fixture
def looked_at(shielded: Books) -> Callable[..., ScanResult]:
    """Scans one record of given cells."""
    return lambda *cells: scan(shielded, [("here", Record("row 1", [("", cell) for cell in cells]))])
