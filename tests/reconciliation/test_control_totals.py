"""What others say an account was charged, in a reconciliation: breaks that open and resolve by themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from tests.reconciliation.company import Charge, Internal
from tests.reconciliation.conftest import Company, rate
from twinledger.controls import Origin, Total, agreement, manifest_document, newest_period, record
from twinledger.reconciliation import Reconciliation, periods_to_check, reconcile_period
from twinledger.store import models
from twinledger.vocabulary.errors import MissingRateError
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)
CHARGE = Charge(1, resource="r1", sku_meter="m1", consumed=Decimal(10), listed=Decimal(10), effective=Decimal(8))
METERED = Internal("cluster", Decimal(10), resource="r1")


@pytest.fixture
def balanced(company: Company) -> Company:
    """Both ledgers of October agree; account 1 of Vendor was billed 8.00 USD."""
    company.bill([CHARGE])
    company.rate([METERED])
    return company


def state(
    company: Company, amount: str, origin: Origin = "invoice", document: str = "inv-1", currency: str = "USD"
) -> None:
    total = Total(origin, "Vendor", "1", "2026-10", currency, document, Decimal(amount))
    with company.books.store.transaction() as session:
        record(session, company.clock, [total], "test")


def breaks(found: Reconciliation) -> list[tuple[str, str, Decimal, str]]:
    return [(one.rule, one.subject, one.amount, one.owner) for one in found.breaks]


def test_an_invoice_that_says_another_amount_is_a_break_of_finance(balanced: Company) -> None:
    state(balanced, "7.50")
    found = reconcile_period(balanced.books, OCTOBER)
    assert found.verdict == "breaks"
    assert breaks(found) == [("control_total", "Vendor 1 USD invoice", Decimal("0.50"), "finance")]
    assert found.breaks[0].tolerance == Decimal("0.01")


def test_an_invoice_that_agrees_is_none(balanced: Company) -> None:
    state(balanced, "8.01")
    assert reconcile_period(balanced.books, OCTOBER).verdict == "reconciled"


def test_a_break_is_resolved_when_the_totals_agree_again_and_keeps_its_identity(balanced: Company) -> None:
    state(balanced, "7.50")
    (first,) = reconcile_period(balanced.books, OCTOBER).breaks
    state(balanced, "7.00")
    (grown,) = reconcile_period(balanced.books, OCTOBER).breaks
    assert (grown.id, grown.amount, grown.opened_at) == (first.id, Decimal(1), first.opened_at)
    state(balanced, "8.00")
    fixed = reconcile_period(balanced.books, OCTOBER)
    assert (fixed.breaks, fixed.roll_forward.resolved.count, fixed.verdict) == ((), 1, "reconciled")
    state(balanced, "7.50")
    assert reconcile_period(balanced.books, OCTOBER).breaks[0].id == first.id


def test_a_corrected_bill_resolves_it_as_well(balanced: Company) -> None:
    state(balanced, "9.00")
    assert reconcile_period(balanced.books, OCTOBER).breaks
    balanced.bill([CHARGE, Charge(2, service="Network", category="Tax", effective=Decimal(1))])
    assert breaks(reconcile_period(balanced.books, OCTOBER)) == []


def test_the_same_totals_again_change_nothing_and_tell_nobody(balanced: Company) -> None:
    state(balanced, "7.50")
    reconcile_period(balanced.books, OCTOBER)
    told = len(balanced.messages())
    balanced.clock.advance(timedelta(days=1))
    state(balanced, "7.50")
    assert reconcile_period(balanced.books, OCTOBER).changed is False
    assert len(balanced.messages()) == told == 1


def test_all_three_are_held_against_the_ledger_each_with_a_break_of_its_own(balanced: Company) -> None:
    state(balanced, "8.02")
    state(balanced, "7.00", "cost-explorer", "11")
    state(balanced, "8.00", "manifest", manifest_document("aws", "all"))
    found = reconcile_period(balanced.books, OCTOBER)
    assert sorted(breaks(found)) == [
        ("control_total", "Vendor 1 USD cost-explorer", Decimal(1), "finance"),
        ("control_total", "Vendor 1 USD invoice", Decimal("-0.02"), "finance"),
    ]
    states = [(one.origin, one.document, one.state) for one in agreement(balanced.books, OCTOBER)]
    assert states == [
        ("manifest", "", "agrees"), ("invoice", "", "differs"), ("cost-explorer", "", "differs"),
        ("cost-explorer", "11", "pending"),
    ]  # fmt: skip


def test_a_total_that_is_missing_is_pending_and_no_break(balanced: Company) -> None:
    assert reconcile_period(balanced.books, OCTOBER).verdict == "reconciled"
    (found,) = agreement(balanced.books, OCTOBER)
    assert (found.origin, found.state, found.note) == ("invoice", "pending", "not stated yet")


def test_before_the_periods_end_an_invoice_that_differs_is_no_break(balanced: Company) -> None:
    state(balanced, "7.50")
    balanced.clock.instant = datetime(2026, 10, 20, tzinfo=UTC)
    assert reconcile_period(balanced.books, OCTOBER).verdict == "pending"
    balanced.clock.instant = datetime(2026, 11, 1, tzinfo=UTC)
    assert reconcile_period(balanced.books, OCTOBER).verdict == "breaks"


def test_a_break_is_in_the_reporting_currency_at_the_periods_rate(company: Company) -> None:
    company.add(rate("period", date(2026, 10, 1), "1.25"))
    company.bill([replace(CHARGE, currency="EUR")])
    company.rate([METERED])
    state(company, "6.00", currency="EUR")
    (found,) = [one for one in reconcile_period(company.books, OCTOBER).breaks if one.rule == "control_total"]
    assert (found.amount, found.currency, found.tolerance) == (Decimal("2.50"), "USD", Decimal("0.0125"))
    assert found.subject == "Vendor 1 EUR invoice"


def test_a_disagreement_in_a_currency_without_a_rate_is_refused_by_name(balanced: Company) -> None:
    state(balanced, "7.00", currency="CHF")
    with pytest.raises(MissingRateError, match="no rate from CHF to USD for 2026-10"):
        reconcile_period(balanced.books, OCTOBER)


def test_invoices_are_compared_though_nothing_is_rated_yet_and_other_breaks_stay(company: Company) -> None:
    company.bill([CHARGE])
    company.rate([METERED, replace(METERED, resource="r9")])
    before = reconcile_period(company.books, OCTOBER)
    assert [one.rule for one in before.breaks] == ["unbilled"]
    company.add(models.Source(name="late", kind="bill", format="f", place="x", slice="period", options={}))
    state(company, "7.50")
    found = reconcile_period(company.books, OCTOBER)
    assert (found.verdict, sorted(one.rule for one in found.breaks)) == ("incomplete", ["control_total", "unbilled"])
    assert (found.roll_forward.opening.count, found.roll_forward.closing.count) == (1, 2)
    state(company, "8.00")
    assert [one.rule for one in reconcile_period(company.books, OCTOBER).breaks] == ["unbilled"]


def test_an_adjustment_of_a_closed_period_counts_where_the_vendor_bills_it(balanced: Company) -> None:
    adjustment = Charge(
        1, service="Network", effective=Decimal(-1), restates="2026-10/d1#1", started_at=datetime(2026, 11, 1)
    )
    balanced.adjust([adjustment], closed="2026-10", period="2026-11")
    state(balanced, "7.00")
    assert breaks(reconcile_period(balanced.books, OCTOBER)) == []
    assert [one.ledger for one in agreement(balanced.books, OCTOBER)] == [Decimal(7)]
    assert agreement(balanced.books, Period(2026, 11)) == ()


def test_what_was_stated_since_the_last_run_is_to_be_checked(balanced: Company) -> None:
    assert (periods_to_check(balanced.books), newest_period(balanced.books)) == ([], "2026-10")
    state(balanced, "8.00")
    assert periods_to_check(balanced.books) == ["2026-10"]
    balanced.clock.advance(timedelta(minutes=1))
    reconcile_period(balanced.books, OCTOBER)
    assert periods_to_check(balanced.books) == []
    balanced.clock.advance(timedelta(minutes=1))
    state(balanced, "7.00")
    assert periods_to_check(balanced.books) == ["2026-10"]
