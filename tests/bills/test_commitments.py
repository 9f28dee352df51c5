"""What was paid for commitments, against what of it was used: read from the ledger."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.bills.bill_files import HEADER, line, write_assembly
from tests.bills.conftest import Configure
from twinledger.bills import ingest_source
from twinledger.bills.commitments import CommitmentTotal, commitment_totals
from twinledger.books import Books
from twinledger.vocabulary.errors import UnknownNameError

PLAN = "arn:aws:savingsplans::111122223333:savingsplan/0f3c"
COLUMNS = (
    "savingsPlan/SavingsPlanARN,savingsPlan/SavingsPlanEffectiveCost,savingsPlan/TotalCommitmentToDate,"
    "savingsPlan/UsedCommitment"
)


def report(*lines: tuple[str, str, str]) -> bytes:
    """Lines of a plan: (type, cost, what the plan's last three columns say)."""
    written = [f"{line(cost, type=kind)},{PLAN},{said}" for kind, cost, said in lines]
    return "\n".join([f"{HEADER},{COLUMNS}", *written, ""]).encode()


MONTH = report(
    ("SavingsPlanCoveredUsage", "10", "6.4,,"),
    ("SavingsPlanNegation", "-10", ",,"),
    ("SavingsPlanRecurringFee", "8", ",8,6.4"),
)


@pytest.fixture
def ingested(books: Books, source: Configure, bills_folder: Path) -> Books:
    """A source of a month of a plan of which four fifths are used."""
    write_assembly(bills_folder, [MONTH])
    source()
    (outcome,) = ingest_source(books, "aws")
    assert (outcome.state, outcome.rows_in, outcome.rows_ledger) == ("ingested", 3, 3)
    return books


def test_a_plan_is_used_and_unused_as_much_as_was_paid(ingested: Books) -> None:
    (total,) = commitment_totals(ingested, "aws")
    assert total == CommitmentTotal(
        provider="AWS",
        commitment=PLAN,
        type="Savings Plan",
        currency="USD",
        charged_from=datetime(2026, 10, 2, 5),
        charged_until=datetime(2026, 10, 2, 6),
        purchased=Decimal(8),
        used=Decimal("6.4"),
        unused=Decimal("1.6"),
        difference=Decimal(0),
    )


def test_without_a_source_those_of_all_sources_are_asked_for(ingested: Books, source: Configure) -> None:
    source("another", account="999988887777")
    assert [total.commitment for total in commitment_totals(ingested)] == [PLAN]
    assert commitment_totals(ingested, "another") == []


def test_a_source_that_is_not_there_is_named(ingested: Books) -> None:
    with pytest.raises(UnknownNameError, match="nowhere"):
        commitment_totals(ingested, "nowhere")
