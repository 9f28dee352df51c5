"""Books whose ledgers a test writes itself, on each database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.lakes import EmptyLake
from tests.reconciliation.company import POOLS, RULES, Charge, Internal, values
from twinledger.books import Books
from twinledger.clock import FixedClock
from twinledger.engine.duck import DuckEngine
from twinledger.lake.tables import EXTERNAL_CHARGES, INTERNAL_CHARGES, USAGE, Table
from twinledger.places import NO_OPTIONS, Place
from twinledger.quality import Verdict
from twinledger.store import Store, models
from twinledger.vocabulary.identities import digest
from twinledger.vocabulary.settings import Settings


@dataclass
class FakeGate:
    """Lets everything pass but what it is told to stop or warn of, and remembers what it saw."""

    stops: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    at: str = "finance.bridge"
    """The table that it stops or warns of."""
    seen: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def warming_up(self) -> AbstractContextManager[None]:
        return nullcontext()

    def check(
        self, gate: str, table: Table, files: Sequence[str], parameters: Mapping[str, str] | None = None
    ) -> Verdict:
        assert files
        self.seen.append((gate, table.name, dict(parameters or {})))
        stops, warnings = (self.stops, self.warnings) if table.name == self.at else ((), ())
        return Verdict(gate, 1, stops, warnings, docs=f"finance/{gate}")


@dataclass
class Company:
    """One company's books, and how a test writes its ledgers."""

    books: Books
    gate: FakeGate
    clock: FixedClock

    def bill(self, charges: Iterable[Charge], period: str = "2026-10", source: str = "aws") -> None:
        self._book(charges, {"x_source": source, "x_period": period, "x_slice": "all"})

    def adjust(self, charges: Iterable[Charge], closed: str, period: str) -> None:
        """Book adjustments of a closed period in another one."""
        self._book(charges, {"x_source": "aws", "x_period": period, "x_slice": f"restates-{closed}"})

    def _book(self, charges: Iterable[Charge], partition: dict[str, str]) -> None:
        self._write(EXTERNAL_CHARGES, partition, [one.record(partition["x_period"]) | partition for one in charges])

    def rate(self, internal: Iterable[Internal], period: str = "2026-10") -> None:
        self._write(INTERNAL_CHARGES, {"period": period}, [one.record(period) for one in internal])

    def book_usage(self, day: str, records: list[dict[str, Any]]) -> None:
        """Write what the feed `cluster` metered on a day."""
        self._write(USAGE, {"feed": "cluster", "day": day}, records)

    def _write(self, table: Table, partition: dict[str, str], records: list[dict[str, Any]]) -> None:
        rows = values(table, records)
        with self.books.engine() as engine:
            engine.view_rows("written", table.columns, rows)
            files = engine.copy("written", table, self.books.lake.staging(table))
        self.books.lake.replace(table, partition, files, digest(repr(sorted(map(repr, rows)))))

    def add(self, *rows: models.Base) -> None:
        with self.books.store.transaction() as session:
            for row in rows:
                session.add(row)
                session.flush()

    def tolerate(self, pool: str, component: str, **bounds: str) -> None:
        with self.books.store.transaction() as session:
            found = session.get_one(models.Pool, pool)
            found.tolerance = {**found.tolerance, component: bounds}

    def messages(self) -> list[dict[str, Any]]:
        with self.books.store.reading() as session:
            return [item.facts for item in session.query(models.OutboxItem).order_by(models.OutboxItem.id)]

    def count(self, table: type[models.Base]) -> int:
        with self.books.store.reading() as session:
            return session.query(table).count()


def source(name: str, kind: str = "bill") -> models.Source:
    return models.Source(name=name, kind=kind, format="focus", place="x", slice="period", options={})


def rate(kind: str, day: date, amount: str) -> models.Rate:
    return models.Rate(kind=kind, day=day, currency="EUR", quote="USD", rate=Decimal(amount), origin="test")


def pools() -> list[models.Pool]:
    """The pools of `company`; the cluster's m1 is 2 core-hours."""
    capacity = {"cluster": [{"sku": "m1", "meter": "vm/core", "factor": "2"}]}
    return [
        models.Pool(
            name=name, title=name, owner=f"{name}-owner", kind=kind, position=position,
            rules=[{"column": column, "equals": [value]} for pool, _, column, value in RULES if pool == name],
            capacity=capacity.get(name, []), tolerance={},
        )
        for position, (name, kind) in enumerate(POOLS, start=1)
    ]  # fmt: skip


def catalog() -> list[models.Base]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        models.Product(name="vm", title="VM", description="", owner="o", pool="cluster", state="listed"),
        models.Meter(product="vm", name="core", title="Core hours", unit="core-hour"),
        models.Price(
            product="vm", meter="core", effective_from=start, amount=Decimal("0.5"), currency="USD", recorded_at=start
        ),
    ]


@pytest.fixture
def company(
    store: Store, settings: Settings, clock: FixedClock, tmp_path: Path, empty_lake: EmptyLake
) -> Iterator[Company]:
    """Books with a catalog, one bill source and no ledgers; the clock is past October."""
    clock.instant = datetime(2026, 11, 5, tzinfo=UTC)
    lake = empty_lake.copy_to(store, str(tmp_path / "lake"))
    gate = FakeGate()
    spill = str(tmp_path / "spill")
    books = Books(settings, store, lake, lambda: DuckEngine("512MiB", 1, spill), gate, no_place, clock)
    made = Company(books, gate, clock)
    made.add(source("aws"), *pools(), *catalog())
    yield made
    lake.close()


def no_place(address: str, options: Mapping[str, Any] = NO_OPTIONS) -> Place:
    del options
    raise AssertionError(address)
