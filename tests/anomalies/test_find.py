"""Anomalies of both ledgers are found with their money and causes, kept once, and follow what is restated."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from tests.anomalies.made import FIRST, LAST, Use, bill, charge, steady
from twinledger.anomalies import Anomaly, AnomalyCause, find_anomalies, open_anomalies
from twinledger.books import Books
from twinledger.store.models import AnomalyRow, AuditEntry, OutboxItem
from twinledger.vocabulary.money import Money

SPIKE = date(2026, 10, 14)


@pytest.fixture
def backend() -> str:
    """What is written and locked is asked of both databases in `test_answers`."""
    return "sqlite"


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def extra(day: date, amount: str, resource: str, *, late: bool = False) -> Use:
    return Use(at(day), Decimal(amount), resource, quantity=Decimal(amount) / 10, late=late)


def kept(books: Books) -> list[Anomaly]:
    with books.store.reading() as session:
        return open_anomalies(session)


def test_a_spike_has_its_money_its_cause_and_its_reason_and_nobody_is_told(books: Books) -> None:
    charge(books, [*steady(), extra(SPIKE, "250.50", "i-9")])
    (found,) = find_anomalies(books)

    assert (found.series, found.view, found.department, found.shape) == ("shop / vm", "internal", "shop", "spike")
    assert (found.start, found.end) == (at(SPIKE), at(SPIKE + timedelta(days=1)))
    assert (str(found.actual), str(found.expected), str(found.impact)) == ("350.50 USD", "100.00 USD", "250.50 USD")
    assert found.causes == (AnomalyCause("resource", "i-9", Money(Decimal("250.50"), "USD")),)
    assert (found.reason, found.state, found.known_through) == ("new resource", "open", at(LAST + timedelta(days=1)))
    assert kept(books) == [found]
    with books.store.reading() as session:
        assert session.query(AuditEntry).count() == session.query(OutboxItem).count() == 0


def test_a_run_that_is_repeated_changes_nothing(books: Books) -> None:
    charge(books, [*steady(), extra(SPIKE, "250.50", "i-9")])
    first = find_anomalies(books)
    books.clock.sleep(timedelta(hours=1))
    assert find_anomalies(books) == first == kept(books)
    with books.store.reading() as session:
        assert [row.found_at for row in session.query(AnomalyRow)] == [datetime(2026, 10, 20, 9, tzinfo=UTC)]


def test_days_that_are_not_final_are_not_looked_at(books: Books) -> None:
    charge(books, [*steady(), extra(SPIKE, "250.50", "i-9")])
    assert find_anomalies(books, SPIKE - timedelta(days=1)) == []
    assert [one.start for one in find_anomalies(books, SPIKE)] == [at(SPIKE)]


def test_a_product_whose_feed_is_late_has_no_drop(books: Books) -> None:
    charge(books, [use for use in steady() if use.at < at(LAST - timedelta(days=2))])
    assert find_anomalies(books) == []


def test_a_day_whose_last_hours_have_not_come_is_waited_for(books: Books) -> None:
    half = [use for use in steady() if use.at != at(LAST)]
    charge(books, [*half, Use(at(LAST) + timedelta(hours=11), Decimal(30))])
    assert find_anomalies(books) == []
    charge(books, [*half, Use(at(LAST) + timedelta(hours=23), Decimal(30))])
    assert [str(one.impact) for one in find_anomalies(books)] == ["-70.00 USD"]


def test_a_level_shift_is_one_anomaly_that_grows_and_ends_when_the_level_is_learnt(books: Books) -> None:
    days = [LAST - timedelta(days=back) for back in range(13, -1, -1)]
    charge(books, steady({day: "200" if day.weekday() < 5 else "120" for day in days}))
    early = find_anomalies(books, days[0])
    later = find_anomalies(books, days[2])
    (found,) = find_anomalies(books)

    assert [len(early), len(later)] == [1, 1]
    assert {early[0].id, later[0].id} == {found.id}
    assert (early[0].shape, later[0].shape, found.shape) == ("spike", "level shift", "level shift")
    assert early[0].impact < later[0].impact < found.impact
    assert found.reason == "more usage"
    assert timedelta(days=4) <= found.end - found.start <= timedelta(days=9)


def test_a_restated_day_changes_the_amounts_of_its_anomaly_or_takes_it_away(books: Books) -> None:
    charge(books, [*steady(), extra(SPIKE, "250.50", "i-9")])
    (before,) = find_anomalies(books)
    charge(books, [*steady(), extra(SPIKE, "150.00", "i-9")])
    (after,) = find_anomalies(books)
    assert (after.id, str(after.impact)) == (before.id, "150.00 USD")

    charge(books, steady())
    assert find_anomalies(books) == kept(books) == []
    with books.store.reading() as session:
        (row,) = session.query(AnomalyRow)
        assert (row.id, row.state, row.reason, row.actual) == (before.id, "over", "restatement", Decimal(100))

    charge(books, [*steady(), extra(SPIKE, "250.50", "i-9")])
    assert find_anomalies(books) == [before]


def test_a_run_on_less_than_was_known_changes_nothing(books: Books) -> None:
    charge(books, [*steady(), extra(SPIKE, "250.50", "i-9"), extra(SPIKE + timedelta(days=1), "200", "i-9")])
    (found,) = find_anomalies(books)
    find_anomalies(books, SPIKE)
    assert kept(books) == [found]


def test_late_usage_is_a_restatement_and_a_higher_price_a_price_change(books: Books) -> None:
    late = extra(SPIKE, "250", "i-1", late=True)
    charge(books, [*steady(), late, *steady(department="data")])
    assert [one.reason for one in find_anomalies(books)] == ["restatement"]
    dearer = [replace(use, amount=use.amount * 3) if use.at == at(SPIKE) else use for use in steady()]
    charge(books, dearer)
    assert [(one.reason, str(one.impact)) for one in find_anomalies(books)] == [("price change", "200.00 USD")]


def test_what_vendors_charged_is_of_finance_s_view_with_its_own_causes(books: Books) -> None:
    days = {FIRST + timedelta(days=number): "50" for number in range((LAST - FIRST).days + 1)}
    bill(books, "aws", days)
    bill(books, "second", {SPIKE: "400"}, ResourceId="i-7", SkuId="p5", RegionId="us-east-1", SubAccountId="22")
    (found,) = find_anomalies(books, LAST)

    assert (found.series, found.view, found.department) == ("AWS / EC2", "effective", "")
    assert str(found.impact) == "400.00 USD"
    assert [(one.dimension, one.name, str(one.change)) for one in found.causes] == [
        ("resource", "i-7", "400.00 USD"),
        ("sku", "p5", "400.00 USD"),
        ("region", "us-east-1", "400.00 USD"),
    ]
    assert found.reason == "new resource"


def test_an_hour_is_an_anomaly_of_its_own_and_its_day_is_not_told_again(books: Books) -> None:
    first = at(LAST - timedelta(days=60))
    hours = [first + timedelta(hours=number) for number in range(61 * 24)]
    burst = at(SPIKE) + timedelta(hours=15)
    charge(books, [Use(hour, Decimal(90 if hour == burst else 4), quantity=Decimal(1)) for hour in hours])
    (found,) = find_anomalies(books)
    assert (found.start, found.end, str(found.impact)) == (burst, burst + timedelta(hours=1), "86.00 USD")


def test_a_dry_run_says_the_same_and_keeps_nothing(books: Books) -> None:
    charge(books, [*steady(), extra(SPIKE, "250.50", "i-9")])
    said = find_anomalies(books, dry_run=True)
    assert kept(books) == []
    assert find_anomalies(books) == said
