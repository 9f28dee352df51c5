"""Deviations of every kind, planted in the sample company: each is named with its exact amount, its rows and no more.

What belongs here: rows that make one component what is wanted of it, written into both ledgers as if they had been
billed and metered. What does not: what the company has of itself, which is `test_sample_company`'s.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.reconciliation.company import END, START, ZERO, Charge, Internal, values
from tests.reconciliation.conftest import FakeGate
from twinledger import bills, catalog, metering, rating, reconciliation
from twinledger.books import Books
from twinledger.clock import FixedClock
from twinledger.deployment import open_books, prepare
from twinledger.lake.tables import EXTERNAL_CHARGES, INTERNAL_CHARGES, Table
from twinledger.pools import COMPONENTS
from twinledger.reconciliation import ComponentRow, component_rows
from twinledger.reconciliation.statement import pool_statement
from twinledger.reconciliation.tolerance import EXPECTED_COMPONENTS
from twinledger.sample import write_sample
from twinledger.vocabulary.identities import digest
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import PREFIX, Settings

OCTOBER = Period(2026, 10)
AFTER = datetime(2026, 11, 6, 9, 0, tzinfo=UTC)
POOL, SKU, METER = "gpu", "g5.12xlarge", "small-card-hours"
CARDS, PRICE = Decimal(4), Decimal("1.26")
"""Cards of one machine of the SKU, and the internal price of an hour of one, in USD: as the sample company has them."""
EUR_BOOKED = Decimal("1.10") - Decimal("1.08")
"""By how much the euro's rate of the month's second half is above the one of the month."""
HOURS = (Decimal("0.5"), Decimal(100), Decimal(1_000_000))
"""Hours of a machine that deviate: 2.52, 504.00 and 5,040,000.00 USD of capacity, whole cents all of them."""

Key = tuple[str, str]


@dataclass(frozen=True)
class Plant:
    """Rows of both ledgers, and what they make of each component."""

    charges: tuple[Charge, ...] = ()
    internal: tuple[Internal, ...] = ()
    amounts: Mapping[Key, Decimal] = ()  # type: ignore[assignment]  # always given

    def __add__(self, other: Plant) -> Plant:
        both = dict(self.amounts)
        for key, amount in other.amounts.items():
            both[key] = both.get(key, ZERO) + amount
        charges = tuple(replace(one, row=row) for row, one in enumerate((*self.charges, *other.charges), start=1))
        return Plant(charges, (*self.internal, *other.internal), both)


def worth(hours: Decimal) -> Decimal:
    """Of so many hours of a machine at the internal price, in USD."""
    return hours * CARDS * PRICE


def machine(name: str, hours: Decimal, effective: Decimal | None = None, listed: Decimal | None = None) -> Charge:
    """A charge for a machine; without discount, at the internal price, unless other costs are given."""
    listed = worth(hours) if listed is None else listed
    cost = listed if effective is None else effective
    return Charge(1, "EC2", name, SKU, consumed=hours, listed=listed, effective=cost)


def metered(name: str | None, hours: Decimal, department: str = "storefront") -> Internal:
    """What a department was charged for all of a machine's cards."""
    amount = worth(hours)
    return Internal(POOL, amount, name, "gpu", METER, department, quantity=hours * CARDS)


def other(amount: Decimal, **differs: Any) -> Charge:  # noqa: ANN401 - fields of a charge
    """A charge of an amount for no machine."""
    return replace(Charge(1, "EC2", effective=amount, listed=amount), **differs)


def discount_kept(hours: Decimal) -> Plant:
    saved = worth(hours) / 4
    charge = machine("planted-discount", hours, worth(hours) - saved)
    return Plant((charge,), (metered("planted-discount", hours),), {(POOL, "discount_kept"): saved})


def pricing(hours: Decimal) -> Plant:
    dearer = worth(hours) / 4
    charge = machine("planted-pricing", hours, listed=worth(hours) - dearer)
    return Plant((charge,), (metered("planted-pricing", hours),), {(POOL, "pricing"): dearer})


def idle(hours: Decimal) -> Plant:
    used = metered("planted-idle", hours)
    return Plant((machine("planted-idle", 3 * hours),), (used,), {(POOL, "idle"): -2 * worth(hours)})


def unmetered(hours: Decimal) -> Plant:
    return Plant((machine("planted-unmetered", hours),), (), {(POOL, "unmetered"): -worth(hours)})


def unbilled(hours: Decimal) -> Plant:
    return Plant((), (metered("planted-unbilled", hours),), {(POOL, "unbilled"): worth(hours)})


def non_usage(hours: Decimal) -> Plant:
    return Plant((other(worth(hours), category="Tax"),), (), {(POOL, "non_usage"): -worth(hours)})


def timing(hours: Decimal) -> Plant:
    late = machine("planted-late", hours)
    return Plant(
        (replace(late, started_at=datetime(2026, 9, 30, 23)),),
        (replace(metered("planted-late", 3 * hours), late=True),),
        {(POOL, "timing"): 2 * worth(hours)},
    )


def restatement(hours: Decimal) -> Plant:
    corrected = other(worth(hours), restates="2026-09/delivery#17", category="Adjustment")
    return Plant((corrected,), (), {(POOL, "restatement"): -worth(hours)})


def currency(hours: Decimal) -> Plant:
    euros = worth(hours)
    bought = other(euros, currency="EUR", category="Purchase", started_at=datetime(2026, 10, 20))
    refunded = other(-euros, currency="EUR", category="Credit", started_at=START)
    return Plant((bought, refunded), (), {(POOL, "currency"): -euros * EUR_BOOKED})


def unassigned(hours: Decimal) -> Plant:
    strange = other(worth(hours), service="Nobody's")
    return Plant((strange,), (), {("unassigned", "unassigned"): -worth(hours)})


def rounding(hours: Decimal) -> Plant:
    """On lines of their own, of departments that use no such card: half a cent at the most each."""
    used = Decimal("0.001") + hours.scaleb(-9)
    exact = worth(used)
    parts = (machine("planted-rounding", used),), (metered("planted-rounding", used, "logistics"),)
    return Plant(*parts, {(POOL, "rounding"): exact.quantize(Decimal("0.01"), ROUND_HALF_UP) - exact})


def unexplained(hours: Decimal) -> Plant:
    unknown = replace(machine("planted-unknown", hours), sku_meter="x1e.nobody")
    spent = metered(None, 3 * hours)
    return Plant((unknown,), (spent,), {(POOL, "unexplained"): 2 * worth(hours)})


KINDS: tuple[Callable[[Decimal], Plant], ...] = (
    discount_kept, pricing, idle, unmetered, unbilled, non_usage, timing, restatement, currency, unassigned, rounding,
    unexplained,
)  # fmt: skip


@dataclass
class Nimbus:
    """The sample company's books, and its ledgers as they are without anything planted."""

    books: Books
    clock: FixedClock
    internal: Sequence[str]
    amounts: Mapping[Key, Decimal]
    breaks: frozenset[Key]

    def plant(self, found: Plant) -> None:
        """Have both ledgers hold the planted rows, and none that were planted before; a minute passes."""
        self.clock.instant += timedelta(minutes=1)
        billed = [self._billed(number, one) for number, one in enumerate(found.charges, start=1)]
        self._write(EXTERNAL_CHARGES, {"x_source": "planted", "x_period": str(OCTOBER), "x_slice": "all"}, billed, ())
        charged = [one.record() for one in found.internal]
        self._write(INTERNAL_CHARGES, {"period": str(OCTOBER)}, charged, self.internal)

    def _billed(self, number: int, charge: Charge) -> dict[str, Any]:
        account = "" if charge.service == "Nobody's" else "410200300012"
        source = {"x_source": "planted", "x_slice": "all", "x_row": number}
        return {
            **charge.record(),
            **source,
            "SubAccountId": account,
            "BillingPeriodStart": START,
            "BillingPeriodEnd": END,
        }

    def _write(self, table: Table, partition: dict[str, str], rows: list[dict[str, Any]], kept: Sequence[str]) -> None:
        lake = self.books.lake
        files = [*kept]
        if rows:
            with self.books.engine() as engine:
                engine.view_rows("planted_rows", table.columns, values(table, rows))
                engine.view_files("kept_rows", table, kept)
                engine.union("all_rows", ["planted_rows", "kept_rows"] if kept else ["planted_rows"])
                files = engine.copy("all_rows", table, lake.staging(table))
        lake.replace(table, partition, files, digest(repr(rows), *kept))


def found_amounts(result: reconciliation.Reconciliation) -> dict[Key, Decimal]:
    return {(row.pool, row.component): row.amount for row in result.bridge}


@pytest.fixture(scope="module")
def nimbus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nimbus]:
    """A month of the sample company, ingested and rated; its gates are other tests'."""
    folder = tmp_path_factory.mktemp("planted")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            patch.delenv(name)
        settings = Settings(home=folder / "home")
    write_sample(folder / "company", 7, 1, 0.02, names=("aws", "azure", "stratus"))
    prepare(settings)
    clock = FixedClock(AFTER)
    with open_books(settings, clock) as opened:
        books = replace(opened, gate=FakeGate())
        keep_books(books, folder / "company" / "config")
        result = reconciliation.reconcile_period(books, OCTOBER)
        internal = books.lake.files(INTERNAL_CHARGES, {"period": str(OCTOBER)})
        breaks = frozenset((one.rule, one.pool) for one in result.breaks)
        yield Nimbus(books, clock, internal, found_amounts(result), breaks)


def keep_books(books: Books, config: Path) -> None:
    company = catalog.load_config(config)
    catalog.apply_config(books.store, company, books.clock)
    for source in company.sources:
        if source.kind == "bill":
            bills.ingest_source(books, source.name)
        else:
            metering.ingest_feed(books, source.name)
    assert rating.rate_period(books, OCTOBER).changed


def check(nimbus: Nimbus, plant: Plant) -> None:
    """The statement says what was planted, and nothing else."""
    nimbus.plant(plant)
    result = reconciliation.reconcile_period(nimbus.books, OCTOBER)
    found = found_amounts(result)
    keys = found.keys() | nimbus.amounts.keys()
    changed = {key: found.get(key, ZERO) - nimbus.amounts.get(key, ZERO) for key in keys}
    planted = {key: amount for key, amount in plant.amounts.items() if amount}
    assert {key: amount for key, amount in changed.items() if amount} == planted
    for pool in {pool for pool, _ in planted}:
        stated = {one.name: one.amount for one in pool_statement(result, pool).components}
        assert stated == {component: found.get((pool, component), ZERO) for component in COMPONENTS}
    opened = {(one.rule, one.pool) for one in result.breaks} - nimbus.breaks
    beyond = {
        (component, pool)
        for pool, component in planted
        if component not in EXPECTED_COMPONENTS and abs(found[pool, component]) > Decimal("0.01")
    }
    assert opened == beyond - nimbus.breaks


def check_rows(nimbus: Nimbus, plant: Plant) -> None:
    """The component opens down to the planted rows, which add up to what was planted."""
    for (pool, component), amount in plant.amounts.items():
        rows = component_rows(nimbus.books, OCTOBER, pool, component, limit=10_000)
        ours = [row for row in rows if is_planted(row)]
        if component == "rounding":
            ours = [row for row in rows if (row.department, row.meter) == ("logistics", METER)]
        assert sum((row.amount for row in ours), ZERO) == amount, f"{pool} {component}: {ours}"


def is_planted(row: ComponentRow) -> bool:
    return (
        row.source == "planted"
        or (row.resource or "").startswith("planted")
        or (row.side == "internal" and not row.resource)
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_planted_deviation_is_named_with_its_exact_amount_and_its_rows_and_nothing_else(
    nimbus: Nimbus, kind: Callable[[Decimal], Plant]
) -> None:
    for hours in HOURS:
        check(nimbus, kind(hours))
    check_rows(nimbus, kind(HOURS[-1]))


def test_deviations_that_are_planted_together_are_told_apart(nimbus: Nimbus) -> None:
    for sizes in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        together = sum_of(kind(HOURS[sizes[number % 3]]) for number, kind in enumerate(KINDS))
        check(nimbus, together)
        check_rows(nimbus, together)


def sum_of(plants: Iterable[Plant]) -> Plant:
    total = Plant(amounts={})
    for one in plants:
        total += one
    return total
