from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.bills.bill_files import line, report, write_assembly
from tests.bills.conftest import Configure
from twinledger.bills import difference, history, ingest_source, ledger_totals
from twinledger.books import Books
from twinledger.lake.tables import EXTERNAL_CHARGES
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)


def deliver(books: Books, folder: Path, day: int, costs: dict[str, str]) -> datetime:
    """Leave one assembly and ingest it; an instant right after."""
    lines = [line(cost, product=product) for product, cost in costs.items()]
    write_assembly(folder, [report(lines)], assembly=f"a{day}", modified=datetime(2026, 11, day, tzinfo=UTC))
    ingest_source(books, "aws")
    time.sleep(0.01)  # Iceberg's instants are milliseconds
    return datetime.now(UTC)


def test_the_ledger_can_be_read_as_it_was_known_at_any_instant(
    books: Books, source: Configure, bills_folder: Path
) -> None:
    source()
    before = datetime.now(UTC)
    time.sleep(0.01)
    first = deliver(books, bills_folder, 3, {"AmazonEC2": "1.10"})
    second = deliver(books, bills_folder, 5, {"AmazonEC2": "1.25", "AmazonS3": "0.5"})
    billed = {
        at: [(one.service, one.billed_cost) for one in ledger_totals(books, "aws", OCTOBER, at)]
        for at in (first, second, None)
    }
    now = [("AmazonEC2", Decimal("1.25")), ("AmazonS3", Decimal("0.5"))]
    assert billed == {first: [("AmazonEC2", Decimal("1.10"))], second: now, None: now}
    with pytest.raises(UnknownNameError):
        ledger_totals(books, "aws", OCTOBER, before)


def test_every_delivery_of_a_slice_stays_in_its_history(books: Books, source: Configure, bills_folder: Path) -> None:
    source()
    deliver(books, bills_folder, 3, {"AmazonEC2": "1.10"})
    deliver(books, bills_folder, 5, {"AmazonEC2": "1.25"})
    assert [(one.billed, one.is_current) for one in history(books, "aws", OCTOBER)] == [
        ((("USD", "1.10"),), False),
        ((("USD", "1.25"),), True),
    ]


def test_a_difference_says_what_changed_by_service_and_amount(
    books: Books, source: Configure, bills_folder: Path
) -> None:
    source()
    deliver(books, bills_folder, 3, {"AmazonEC2": "1.10", "AmazonRDS": "9"})
    deliver(books, bills_folder, 5, {"AmazonEC2": "1.25", "AmazonS3": "0.5", "AmazonRDS": "9"})
    first, second = (one.delivery for one in history(books, "aws", OCTOBER))
    expected = [("AmazonS3", Decimal("0.5")), ("AmazonEC2", Decimal("0.15")), ("AmazonRDS", Decimal(0))]
    for states in ((first, second), ("", ""), (first, "")):
        found = difference(books, "aws", OCTOBER, *states)
        assert [(one.service, one.billed_change) for one in found.changes] == expected
    back = difference(books, "aws", OCTOBER, second, first)
    assert {one.service: one.billed_change for one in back.changes}["AmazonS3"] == Decimal("-0.5")


def test_a_state_that_never_was_is_named_with_those_that_were(
    books: Books, source: Configure, bills_folder: Path
) -> None:
    source()
    deliver(books, bills_folder, 3, {"AmazonEC2": "1.10"})
    (said,) = history(books, "aws", OCTOBER)
    with pytest.raises(UnknownNameError, match=said.delivery):
        difference(books, "aws", OCTOBER, "aws-0000000000000000")
    with pytest.raises(UnknownNameError, match="earlier state"):
        difference(books, "aws", OCTOBER)


def test_content_that_a_vendor_goes_back_to_is_what_the_ledger_has(
    books: Books, source: Configure, bills_folder: Path
) -> None:
    source()
    deliver(books, bills_folder, 3, {"AmazonEC2": "1.10"})
    deliver(books, bills_folder, 5, {"AmazonEC2": "1.25"})
    deliver(books, bills_folder, 7, {"AmazonEC2": "1.10"})
    (found,) = ledger_totals(books, "aws", OCTOBER)
    assert found.billed_cost == Decimal("1.10")
    cut = books.lake.cut(EXTERNAL_CHARGES)
    assert {outcome.state for outcome in ingest_source(books, "aws")} == {"unchanged"}
    assert books.lake.cut(EXTERNAL_CHARGES) == cut
