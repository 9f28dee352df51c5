from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.bills.bill_files import line, report, write_assembly
from twinledger.bills import ingest_source
from twinledger.books import Books
from twinledger.clock import FixedClock
from twinledger.closing import ask, decide, lapse, look
from twinledger.lake.tables import EXTERNAL_CHARGES
from twinledger.store.models import AuditEntry, Person, Source
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    FrozenSliceError,
    NotAllowedStateError,
    NotEntitledError,
    UnknownPersonError,
)
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)


@pytest.fixture
def bills(books: Books, clock: FixedClock, tmp_path: Path) -> Path:
    """Three people, one source, and its bill of October, in the middle of November."""
    folder = tmp_path / "bills"
    clock.instant = datetime(2026, 11, 20, tzinfo=UTC)
    with books.store.transaction() as session:
        for name, roles in (("carol", ["finance"]), ("dave", ["finance"]), ("erin", ["operator"])):
            session.add(Person(name=name, title=name, roles=roles))
        session.add(Source(name="aws", kind="bill", format="aws_cur_legacy", place=str(folder), slice="", options={}))
    deliver(books, folder, "a1", 3, "0.10")
    return folder


def deliver(books: Books, folder: Path, assembly: str, day: int, cost: str) -> None:
    modified = datetime(2026, 11, day, tzinfo=UTC)
    write_assembly(folder, [report([line(cost)])], assembly=assembly, modified=modified)
    ingest_source(books, "aws")


def actions(books: Books) -> list[str]:
    with books.store.reading() as session:
        entries = session.query(AuditEntry).filter(AuditEntry.action.startswith("period.")).order_by(AuditEntry.id)
        return [entry.action for entry in entries]


@pytest.mark.usefixtures("bills")
def test_a_period_is_closed_when_somebody_else_of_finance_agrees(books: Books) -> None:
    assert look(books, OCTOBER).state == "open"
    assert ask(books, OCTOBER, "carol").state == "closing"
    closed = decide(books, OCTOBER, "dave", "approve", "command line", "fine")
    assert (closed.state, closed.asked_by, closed.decided_by, closed.comment) == ("closed", "carol", "dave", "fine")
    assert "x_period=2026-10" in books.lake.frozen(EXTERNAL_CHARGES)
    assert actions(books) == ["period.asked", "period.closed"]
    with pytest.raises(FrozenSliceError):
        books.lake.replace(
            EXTERNAL_CHARGES, {"x_source": "aws", "x_period": "2026-10", "x_slice": "all"}, [], "x", version="9"
        )


@pytest.mark.parametrize(
    ("who", "error"), [("carol", NotEntitledError), ("erin", NotEntitledError), ("nobody", UnknownPersonError)]
)
@pytest.mark.usefixtures("bills")
def test_who_asked_who_is_not_of_finance_and_who_is_unknown_cannot_agree(
    books: Books, who: str, error: type[Exception]
) -> None:
    ask(books, OCTOBER, "carol")
    with pytest.raises(error):
        decide(books, OCTOBER, who, "approve", "command line")
    assert look(books, OCTOBER).state == "closing"
    assert books.lake.frozen(EXTERNAL_CHARGES) == {}


def test_figures_that_change_after_the_question_open_the_period_again(books: Books, bills: Path) -> None:
    ask(books, OCTOBER, "carol")
    deliver(books, bills, "a2", 18, "0.90")
    with pytest.raises(NotAllowedStateError, match="figures changed"):
        decide(books, OCTOBER, "dave", "approve", "command line")
    assert look(books, OCTOBER).state == "open"
    ask(books, OCTOBER, "carol")
    assert decide(books, OCTOBER, "dave", "approve", "command line").state == "closed"


@pytest.mark.usefixtures("bills")
def test_a_refusal_and_silence_leave_the_period_open(books: Books) -> None:
    ask(books, OCTOBER, "carol")
    assert decide(books, OCTOBER, "dave", "refuse", "command line", "Azure is missing").state == "open"
    ask(books, OCTOBER, "carol")
    assert lapse(books, OCTOBER).state == "open"
    with pytest.raises(NotAllowedStateError):
        decide(books, OCTOBER, "dave", "approve", "command line")


@pytest.mark.usefixtures("bills")
def test_a_period_that_is_not_over_or_comes_after_an_open_one_cannot_be_closed(books: Books, clock: FixedClock) -> None:
    with pytest.raises(NotAllowedStateError, match="not over"):
        ask(books, Period(2026, 11), "carol")
    clock.instant = datetime(2026, 12, 20, tzinfo=UTC)
    with pytest.raises(NotAllowedStateError, match="2026-10 is open"):
        ask(books, Period(2026, 11), "carol")


@pytest.mark.usefixtures("bills")
def test_what_still_stands_against_closing_is_said(books: Books, clock: FixedClock) -> None:
    clock.instant = datetime(2026, 11, 4, tzinfo=UTC)
    with books.store.transaction() as session:
        late = {"final_day": 16}
        session.add(Source(name="azure", kind="bill", format="azure_ea", place="/none", slice="", options=late))
    points = look(books, OCTOBER).open_points
    assert "source azure has delivered nothing of 2026-10" in points
    assert "source azure is final on 2026-11-16" in points


@pytest.mark.usefixtures("bills")
def test_a_closed_period_is_closed_once_however_many_agree_at_the_same_time(books: Books) -> None:
    with books.store.transaction() as session:
        session.add_all(Person(name=f"f{number}", title="f", roles=["finance"]) for number in range(4))
    ask(books, OCTOBER, "carol")

    def agree(number: int) -> str:
        try:
            return decide(books, OCTOBER, f"f{number}", "approve", "command line").state
        except AlreadyDecidedError as decided:
            return decided.outcome

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(agree, range(4))) == {"closed"}
    assert actions(books) == ["period.asked", "period.closed"]


def test_what_a_vendor_changes_after_the_close_is_posted_in_the_open_period(books: Books, bills: Path) -> None:
    ask(books, OCTOBER, "carol")
    decide(books, OCTOBER, "dave", "approve", "command line")
    deliver(books, bills, "a2", 18, "0.90")
    with books.engine() as engine:
        engine.view_files("ledger", EXTERNAL_CHARGES, books.lake.files(EXTERNAL_CHARGES))
        rows = engine.query('SELECT x_period, SUM("BilledCost") FROM ledger GROUP BY 1 ORDER BY 1')
    assert rows == [("2026-10", Decimal("0.10")), ("2026-11", Decimal("0.80"))]
