"""What must hold of the external ledger whatever vendors deliver: generated bills, on both databases."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.bills.bill_files import line, report, write_assembly
from twinledger.bills import ingest_source
from twinledger.books import Books
from twinledger.lake.tables import EXTERNAL_CHARGES, QUARANTINE
from twinledger.store.models import Source
from twinledger.vocabulary.errors import InvalidAmountError
from twinledger.vocabulary.identities import new_identity
from twinledger.vocabulary.money import exact_sum, parse_amount

AMOUNTS = st.one_of(
    st.decimals(min_value=-(10**9), max_value=10**9, places=18).map(lambda amount: f"{amount:f}"),
    st.decimals(min_value=0, max_value=10, places=4).map(str),
    st.sampled_from(["NaN", "Infinity", "-Infinity", "", "1;5", "0.1234567890123456789", "1e-19", "5E-3", "-0"]),
)
EXAMPLES = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FIRST = datetime(2026, 10, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Slice:
    """The ledger's slice of a source: rows, billed cost, and what tells its content from another's."""

    rows: int
    billed: Decimal
    content: str


def new_source(books: Books, folder: Path) -> str:
    name = new_identity("aws")
    with books.store.transaction() as session:
        # Every example bills the same account: here they are not to be taken for each other's doubles.
        others = list(session.scalars(select(Source.name)))
        options = {"beside": others}
        session.add(
            Source(name=name, kind="bill", format="aws_cur_legacy", place=str(folder), slice="period", options=options)
        )
    return name


def slice_of(books: Books, source: str, period: str = "2026-10") -> Slice:
    """Read the slice; its content is a hash over all rows, whatever their order in files."""
    partition = {"x_source": source, "x_period": period}
    with books.engine() as engine:
        engine.view_files("ledger", EXTERNAL_CHARGES, books.lake.files(EXTERNAL_CHARGES, partition))
        ((rows, billed, content),) = engine.query(
            'SELECT COUNT(*), COALESCE(SUM("BilledCost"), 0), CAST(BIT_XOR(hash(ledger)) AS VARCHAR) FROM ledger'
        )
    return Slice(rows, billed, str(content))


def refused_rows(books: Books, source: str) -> int:
    with books.engine() as engine:
        engine.view_files("refused", QUARANTINE, books.lake.files(QUARANTINE, {"source": source}))
        return int(engine.query("SELECT COUNT(*) FROM refused WHERE row IS NOT NULL")[0][0])


def is_amount(text: str) -> bool:
    try:
        parse_amount(text)
    except InvalidAmountError:
        return False
    return True


@EXAMPLES
@given(costs=st.lists(AMOUNTS, min_size=1, max_size=30), parts=st.integers(1, 3))
def test_nothing_is_lost_and_nothing_added(books: Books, tmp_path: Path, costs: Sequence[str], parts: int) -> None:
    folder = tmp_path / new_identity("bills")
    write_assembly(
        folder, [report([line(cost) for cost in costs[part::parts]] or [line("0")]) for part in range(parts)]
    )
    source = new_source(books, folder)
    (outcome,) = ingest_source(books, source)
    padding = sum(not costs[part::parts] for part in range(parts))
    good = [parse_amount(cost) for cost in costs if is_amount(cost)]
    if not good and not padding:
        assert outcome.state == "quarantined"
        assert slice_of(books, source).rows == 0
        return
    found = slice_of(books, source)
    assert outcome.rows_in == len(costs) + padding == found.rows + refused_rows(books, source)
    assert found.rows == len(good) + padding
    assert found.billed == exact_sum(good)


@EXAMPLES
@given(
    versions=st.lists(st.lists(st.integers(1, 10**6), min_size=1, max_size=4), min_size=1, max_size=4),
    arrivals=st.data(),
)
def test_whatever_the_order_of_arrival_the_newest_delivery_is_the_ledger_and_again_changes_nothing(
    books: Books, tmp_path: Path, versions: list[list[int]], arrivals: st.DataObject
) -> None:
    place, shelf = tmp_path / new_identity("place"), tmp_path / new_identity("shelf")
    for number, cents in enumerate(versions):
        # The number makes contents differ: the same content again is the same delivery.
        lines = [line(f"{cent}.{number:02d}") for cent in cents]
        modified = FIRST + timedelta(days=number)
        write_assembly(shelf / str(number), [report(lines)], assembly=f"a{number}", modified=modified)
    source = new_source(books, place)
    for number in arrivals.draw(st.permutations(range(len(versions)))):
        shutil.copytree(shelf / str(number), place, dirs_exist_ok=True)
        ingest_source(books, source)
    newest = slice_of(books, source)
    assert newest.billed == exact_sum(Decimal(f"{cent}.{len(versions) - 1:02d}") for cent in versions[-1])
    assert all(outcome.state == "unchanged" for outcome in ingest_source(books, source))
    assert slice_of(books, source) == newest


YEARS = count(2101)
"""A year for each example: a closed period stays closed."""


def close(books: Books, period: str) -> None:
    expected = {name: digest for name, digest in books.lake.slices(EXTERNAL_CHARGES).items() if period in name}
    books.lake.freeze(EXTERNAL_CHARGES, "x_period", period, expected)


def october(year: int, costs: Sequence[int]) -> bytes:
    start, end, used = f"{year}-10-01T00:00:00Z", f"{year}-11-01T00:00:00Z", f"{year}-10-02T05:00:00Z"
    dates = {"period_start": start, "period_end": end, "start": used, "end": f"{year}-10-02T06:00:00Z"}
    return report([line(str(cost), **dates) for cost in costs])


@EXAMPLES
@given(
    costs=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    restated=st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=5), min_size=1, max_size=4),
    data=st.data(),
)
def test_a_closed_period_never_changes_and_its_restatements_are_posted_in_the_open_one(
    books: Books, tmp_path: Path, costs: list[int], restated: list[list[int]], data: st.DataObject
) -> None:
    folder, year = tmp_path / new_identity("bills"), next(YEARS)
    month = {"month": f"{year}10", "next_month": f"{year}11"}
    write_assembly(folder, [october(year, costs)], modified=FIRST, **month)
    source = new_source(books, folder)
    ingest_source(books, source)
    closed = slice_of(books, source, f"{year}-10")
    close(books, f"{year}-10")
    open_month = 11
    for number, lines in enumerate(restated, start=1):
        modified = FIRST + timedelta(days=number)
        write_assembly(folder, [october(year, lines)], assembly=f"b{number}", modified=modified, **month)
        outcomes = ingest_source(books, source)
        assert {outcome.state for outcome in outcomes} <= {"ingested", "superseded", "unchanged"}
        assert slice_of(books, source, f"{year}-10") == closed
        assert believed(books, source, year) == sorted(map(Decimal, lines))
        if open_month <= 12 and data.draw(st.booleans()):
            close(books, f"{year}-{open_month}")
            open_month += 1


def believed(books: Books, source: str, year: int) -> list[Decimal]:
    """What all charges of October come to, line by line: adjustments cancel what they reverse."""
    with books.engine() as engine:
        engine.view_files("ledger", EXTERNAL_CHARGES, books.lake.files(EXTERNAL_CHARGES, {"x_source": source}))
        rows = engine.query('SELECT "BilledCost" FROM ledger WHERE "BillingPeriodStart" = ?', [datetime(year, 10, 1)])
    amounts = Counter[Decimal]()
    for (amount,) in rows:
        amounts[abs(amount)] += 1 if amount > 0 else -1
    return sorted(amounts.elements())
