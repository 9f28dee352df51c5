"""What must hold of the external ledger whatever vendors deliver: generated bills, on both databases."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bills.bill_files import line, report, write_assembly
from twinledger.bills import ingest_source
from twinledger.books import Books
from twinledger.lake.tables import EXTERNAL_CHARGES, QUARANTINE
from twinledger.store import Store
from twinledger.store.models import PeriodState, Source
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
    row = Source(name=name, kind="bill", format="aws_cur_legacy", place=str(folder), slice="period", options={})
    with books.store.transaction() as session:
        session.add(row)
    return name


def slice_of(books: Books, source: str) -> Slice:
    """Read the slice; its content is a hash over all rows, whatever their order in files."""
    partition = {"x_source": source, "x_period": "2026-10"}
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


@EXAMPLES
@given(costs=st.lists(st.integers(1, 10**6), min_size=1, max_size=3), later=st.lists(st.integers(1, 10**6), min_size=1))
def test_a_closed_period_never_changes_whatever_is_delivered(
    books: Books, tmp_path: Path, empty: Callable[[Store], None], costs: list[int], later: list[int]
) -> None:
    empty(books.store)
    folder = tmp_path / new_identity("bills")
    write_assembly(folder, [report([line(str(cost)) for cost in costs])], modified=FIRST)
    source = new_source(books, folder)
    ingest_source(books, source)
    closed = slice_of(books, source)
    with books.store.transaction() as session:
        session.add(PeriodState(period="2026-10", state="closed"))
    lines = [line(f"{cost}.5") for cost in later]
    write_assembly(folder, [report(lines)], assembly="a2", modified=FIRST + timedelta(days=1))
    assert {outcome.state for outcome in ingest_source(books, source)} <= {"quarantined", "unchanged"}
    assert slice_of(books, source) == closed
