from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError, StatementError

from twinledger.store import Store
from twinledger.store.models import PeriodState, Price, Rate
from twinledger.vocabulary.errors import InvalidAmountError


def _rate(amount: str) -> Rate:
    return Rate(kind="day", day=date(2026, 10, 1), currency="EUR", quote="USD", rate=Decimal(amount), origin="ECB")


def test_a_block_that_raises_changes_nothing(store: Store) -> None:
    def open_a_period_and_fail() -> None:
        with store.transaction() as session:
            session.add(PeriodState(period="2026-10", state="open"))
            session.flush()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_a_period_and_fail()
    with store.reading() as session:
        assert session.get(PeriodState, "2026-10") is None


def test_amounts_come_back_to_the_last_decimal(store: Store) -> None:
    with store.transaction() as session:
        session.add(_rate("12345678901234567890.123456789012345678"))
    with store.reading() as session:
        assert session.scalars(select(Rate.rate)).one() == Decimal("12345678901234567890.123456789012345678")


def test_an_amount_that_cannot_be_held_exactly_is_refused(store: Store) -> None:
    with pytest.raises(StatementError) as refusal, store.transaction() as session:
        session.add(_rate("0.1234567890123456789"))
    assert isinstance(refusal.value.orig, InvalidAmountError)


def test_instants_come_back_aware_and_naive_ones_are_refused(store: Store) -> None:
    def price(at: datetime) -> Price:
        return Price(product="vm", meter="core", effective_from=at, amount=Decimal(1), currency="USD", recorded_at=at)

    noon = datetime(2026, 10, 1, 12, tzinfo=UTC)
    with store.transaction() as session:
        session.add(price(noon))
    with store.reading() as session:
        assert session.scalars(select(Price.effective_from)).one() == noon
    with pytest.raises(StatementError), store.transaction() as session:
        session.add(price(noon.replace(tzinfo=None)))


def test_a_reading_session_cannot_write(store: Store) -> None:
    with pytest.raises(SQLAlchemyError), store.reading() as session:
        session.execute(update(PeriodState).values(state="closed"))
    with store.transaction() as session:
        session.add(PeriodState(period="2026-10", state="open"))


def test_a_reading_session_sees_one_instant_while_others_write(store: Store) -> None:
    with store.reading() as session:
        assert session.scalars(select(PeriodState)).all() == []
        with store.transaction() as writing:
            writing.add(PeriodState(period="2026-10", state="open"))
        assert session.scalars(select(PeriodState)).all() == []


def test_a_read_that_becomes_a_write_waits_for_its_turn(store: Store) -> None:
    """On SQLite a transaction that begins by reading would fail at once with `database is locked`."""

    def count_up(_: int) -> bool:
        with store.transaction() as session:
            row = session.scalars(select(Rate)).one()
            seen = row.rate
            session.expunge(row)
            claimed = session.execute(update(Rate).where(Rate.rate == seen).values(rate=seen + 1))
            return bool(claimed.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result has it

    with store.transaction() as session:
        session.add(_rate("0"))
    with ThreadPoolExecutor(16) as workers:
        claims = sum(workers.map(count_up, range(64)))
    with store.reading() as session:
        assert session.scalars(select(Rate.rate)).one() == claims
    assert claims
