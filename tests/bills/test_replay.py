"""Refused deliveries: taken again when they are asked for, and finance told once more, only then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.bills.bill_files import focus_csv, line, report, write_assembly, write_file
from tests.bills.conftest import Configure
from tests.conftest import FakeGate
from twinledger.bills import ingest_source, quarantined, replay, resolve_refused
from twinledger.books import Books
from twinledger.store.models import AuditEntry, Delivery, OutboxItem
from twinledger.vocabulary.errors import ConfigurationError, NotAllowedStateError, UnknownNameError

Totals = Callable[[], list[tuple[str, int, Decimal]]]


def focus(source: Configure) -> None:
    source("acme", "focus_1_2", account="acc", currency="EUR")


def told(books: Books) -> list[dict[str, Any]]:
    with books.store.reading() as session:
        items = session.query(OutboxItem).filter(OutboxItem.kind == "quarantine").order_by(OutboxItem.id)
        return [{"subject": item.subject, **item.facts} for item in items]


def refused(books: Books) -> list[str]:
    return [one.delivery for one in quarantined(books)]


@pytest.fixture
def stopped(books: Books, source: Configure, bills_folder: Path, gate: FakeGate) -> str:
    """A delivery that the gate stopped; the gate's suite is corrected since."""
    focus(source)
    write_file(bills_folder, "2026-10/bill.csv", focus_csv([{}]))
    gate.stops["delivery"] = ("too strict",)
    (outcome,) = ingest_source(books, "acme")
    assert (outcome.state, outcome.reason_code) == ("quarantined", "gate")
    gate.stops.clear()
    return outcome.delivery


def test_what_was_refused_stays_refused_until_it_is_asked_for(books: Books, stopped: str) -> None:
    assert [outcome.state for outcome in ingest_source(books, "acme")] == ["unchanged"]
    assert refused(books) == [stopped]
    assert len(told(books)) == 1


def test_a_replayed_delivery_is_in_the_ledger_at_once_and_finance_told_once_more(
    books: Books, stopped: str, ledger: Totals
) -> None:
    done = replay(books, delivery=stopped)
    assert ([outcome.state for outcome in done.outcomes], done.periods, done.absent) == (["ingested"], ("2026-10",), ())
    assert ledger() == [("2026-10", 1, Decimal("1.00"))]
    assert refused(books) == []
    assert [(one["subject"], one.get("resolved")) for one in told(books)] == [(stopped, None), (stopped, stopped)]
    with books.store.reading() as session:
        actions = [entry.action for entry in session.query(AuditEntry).order_by(AuditEntry.sequence)]
    assert actions == ["delivery.quarantined", "source.replay", "delivery.ingested"]


def test_a_second_replay_says_that_there_is_nothing_to_do(books: Books, stopped: str) -> None:
    replay(books, delivery=stopped)
    with pytest.raises(NotAllowedStateError, match="is ingested: a replay is not possible from there"):
        replay(books, delivery=stopped)
    assert replay(books, source="acme").deliveries == ()
    assert len(told(books)) == 2


def test_a_delivery_that_is_refused_again_stays_and_nobody_is_told_the_same_twice(
    books: Books, stopped: str, gate: FakeGate
) -> None:
    gate.stops["delivery"] = ("too strict",)
    done = replay(books, delivery=stopped)
    assert [outcome.state for outcome in done.outcomes] == ["quarantined"]
    assert refused(books) == [stopped]
    assert len(told(books)) == 1


def test_a_dry_run_names_what_is_meant_and_changes_nothing(books: Books, stopped: str) -> None:
    done = replay(books, source="acme", dry_run=True)
    assert (done.deliveries, done.outcomes) == ((stopped,), ())
    assert [outcome.state for outcome in ingest_source(books, "acme")] == ["unchanged"]


def test_what_lies_there_no_more_is_said(books: Books, stopped: str, bills_folder: Path) -> None:
    (bills_folder / "2026-10" / "bill.csv").unlink()
    assert replay(books, delivery=stopped).absent == ("2026-10",)
    assert refused(books) == [stopped]


def test_a_corrected_delivery_settles_what_was_refused_under_its_key(
    books: Books, source: Configure, bills_folder: Path, ledger: Totals
) -> None:
    source()
    month = write_assembly(bills_folder, [report([line("0.10")])], modified=datetime(2026, 10, 3, tzinfo=UTC))
    part = next(month.rglob("*.csv.gz"))
    content = part.read_bytes()
    part.unlink()
    (outcome,) = ingest_source(books, "aws")
    assert outcome.reason_code == "missing-part"
    part.write_bytes(content)
    (taken,) = replay(books, delivery=outcome.delivery).outcomes
    assert taken.delivery != outcome.delivery, "its content is known now"
    assert ledger() == [("2026-10", 1, Decimal("0.10"))]
    assert refused(books) == []
    assert told(books)[-1]["resolved"] == taken.delivery
    with books.store.reading() as session:
        assert session.get_one(Delivery, outcome.delivery).state == "superseded"


def test_settling_again_tells_nobody_again(books: Books, stopped: str) -> None:
    (taken,) = replay(books, delivery=stopped).outcomes
    with books.store.transaction() as session:
        assert resolve_refused(session, books, "acme", taken.key, taken.delivery) == ()
    assert len(told(books)) == 2


def test_an_unknown_delivery_or_source_is_named(books: Books, stopped: str) -> None:
    with pytest.raises(UnknownNameError, match=f"expected one of {stopped}"):
        replay(books, delivery="acme-0")
    with pytest.raises(UnknownNameError, match="no bill source named 'nobody'"):
        replay(books, source="nobody")
    with pytest.raises(ConfigurationError, match="name either of them"):
        replay(books)
