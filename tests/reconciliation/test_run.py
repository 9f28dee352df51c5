"""One reconciliation after another: what is written, what breaks, what finance is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.reconciliation.company import START, Charge, Internal
from tests.reconciliation.conftest import Company, rate, source
from twinledger.lake.tables import BRIDGE, MATCHES
from twinledger.reconciliation import Reconciliation, Tally, component_rows, read_reconciliation, reconcile_period
from twinledger.store import models
from twinledger.vocabulary.errors import GateFailedError, MissingRateError, UnknownNameError
from twinledger.vocabulary.money import exact_sum
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)

MATCHED = Charge(1, resource="r1", sku_meter="m1", consumed=Decimal(10), listed=Decimal(10), effective=Decimal(8))
UNMETERED = replace(MATCHED, row=2, resource="r2")
METERED = Internal("cluster", Decimal(10), resource="r1")


def balanced(company: Company) -> None:
    company.bill([MATCHED])
    company.rate([METERED])


def rules(result: Reconciliation) -> dict[str, Decimal]:
    return {one.rule: one.amount for one in result.breaks}


def test_ledgers_that_agree_are_reconciled(company: Company) -> None:
    balanced(company)
    result = reconcile_period(company.books, OCTOBER)
    assert (result.verdict, result.changed, result.breaks) == ("reconciled", True, ())
    assert {row.component: row.amount for row in result.bridge if row.amount} == {"discount_kept": Decimal(2)}
    assert (result.internal_amount, result.external_amount, result.deviation) == (Decimal(10), Decimal(8), Decimal(2))


def test_the_same_inputs_change_nothing_and_tell_nobody(company: Company) -> None:
    company.bill([MATCHED, UNMETERED])
    company.rate([METERED])
    first = reconcile_period(company.books, OCTOBER)
    cuts = [company.books.lake.cut(table) for table in (MATCHES, BRIDGE)]
    company.clock.advance(timedelta(days=1))
    again = reconcile_period(company.books, OCTOBER)
    assert again == replace(first, changed=False)
    assert [company.books.lake.cut(table) for table in (MATCHES, BRIDGE)] == cuts
    written = (company.count(models.ReconciliationRun), len(company.messages()), company.count(models.AuditEntry))
    assert written == (1, 1, 2)  # the run, and the break that it opened
    assert read_reconciliation(company.books, OCTOBER) == again


def test_a_run_that_died_before_the_store_is_completed_by_the_next(company: Company) -> None:
    balanced(company)
    first = reconcile_period(company.books, OCTOBER)
    with company.books.store.transaction() as session:
        for table in (models.ReconciliationRun, models.OutboxItem):
            session.query(table).delete()
    again = reconcile_period(company.books, OCTOBER)
    assert again == first
    assert len(company.messages()) == 1


def test_bills_that_arrive_in_another_order_give_the_same_books(company: Company) -> None:
    company.bill([MATCHED, UNMETERED])
    company.rate([METERED])
    first = reconcile_period(company.books, OCTOBER)
    company.bill([UNMETERED, MATCHED])
    assert reconcile_period(company.books, OCTOBER) == replace(first, changed=False)


def test_a_component_beyond_tolerance_is_a_break_of_the_pools_owner(company: Company) -> None:
    company.bill([MATCHED, UNMETERED])
    company.rate([METERED])
    result = reconcile_period(company.books, OCTOBER)
    (found,) = result.breaks
    assert result.verdict == "breaks"
    assert (found.rule, found.pool, found.amount, found.owner, found.state) == (
        "unmetered", "cluster", Decimal(-10), "cluster-owner", "new",
    )  # fmt: skip
    assert found.tolerance == Decimal("0.01")


@pytest.mark.parametrize(
    ("bounds", "broken"),
    [
        ({"below": "9.99"}, True),
        ({"below": "10"}, False),
        ({"above": "100"}, True),
        ({"below": "1", "relative": "0.5"}, True),
        ({"below": "1", "relative": "0.625"}, False),
    ],
)
def test_tolerance_is_absolute_and_relative_and_each_side_has_its_own(
    company: Company, bounds: dict[str, str], *, broken: bool
) -> None:
    company.bill([MATCHED, UNMETERED])  # external 16, unmetered -10
    company.rate([METERED])
    company.tolerate("cluster", "unmetered", **bounds)
    assert bool(reconcile_period(company.books, OCTOBER).breaks) is broken


def test_a_discount_is_a_break_only_where_a_pool_says_so(company: Company) -> None:
    balanced(company)
    company.tolerate("cluster", "discount_kept", above="1")
    assert rules(reconcile_period(company.books, OCTOBER)) == {"discount_kept": Decimal(2)}


def test_a_break_is_resolved_when_it_is_gone_and_keeps_its_identity_when_it_comes_back(company: Company) -> None:
    company.bill([MATCHED, UNMETERED])
    company.rate([METERED])
    (first,) = reconcile_period(company.books, OCTOBER).breaks
    company.clock.advance(timedelta(days=1))
    company.rate([METERED, replace(METERED, resource="r2")])
    fixed = reconcile_period(company.books, OCTOBER)
    assert (fixed.verdict, fixed.breaks, fixed.roll_forward.resolved.count) == ("reconciled", (), 1)
    company.clock.advance(timedelta(days=1))
    company.rate([METERED])
    (again,) = reconcile_period(company.books, OCTOBER).breaks
    assert (again.id, again.state) == (first.id, "new")
    assert company.count(models.Break) == 1
    assert len(company.messages()) == 3


def test_a_break_that_somebody_acknowledged_stays_acknowledged(company: Company) -> None:
    company.bill([MATCHED, UNMETERED])
    company.rate([METERED])
    (first,) = reconcile_period(company.books, OCTOBER).breaks
    with company.books.store.transaction() as session:
        session.get_one(models.Break, first.id).state = "acknowledged"
    company.bill([MATCHED, replace(UNMETERED, consumed=Decimal(20), listed=Decimal(20))])
    (again,) = reconcile_period(company.books, OCTOBER).breaks
    assert (again.id, again.state, again.amount, again.opened_at) == (
        first.id, "acknowledged", Decimal(-20), first.opened_at,
    )  # fmt: skip


steps = st.lists(
    st.lists(st.sampled_from(("r1", "r2", "r3", "r4")), unique=True, max_size=4).map(sorted), min_size=1, max_size=5
)
periods = iter(range(10_000))


@examples(6)
@given(billed=steps, metered=steps, taxes=st.lists(st.integers(0, 3), min_size=5, max_size=5))
def test_the_books_roll_forward_over_any_sequence_of_runs(
    company: Company, billed: list[list[str]], metered: list[list[str]], taxes: list[int]
) -> None:
    number = next(periods)
    period = Period(2000 + number // 12, number % 12 + 1)
    closing: Tally | None = None
    before: dict[tuple[str, str, str], str] = {}
    for on_bill, on_meter, tax in zip(billed, metered, taxes, strict=False):
        start = datetime(period.year, period.month, 1)
        company.bill(
            [
                *(replace(MATCHED, row=n, resource=one, started_at=start) for n, one in enumerate(on_bill, start=1)),
                Charge(99, service="Unknown", effective=Decimal(tax), started_at=start),
            ],
            str(period),
        )
        company.rate([replace(METERED, resource=one) for one in on_meter], str(period))
        result = reconcile_period(company.books, period)
        forward = result.roll_forward
        assert forward.opening.count + forward.new.count - forward.resolved.count == forward.closing.count
        moved = exact_sum((forward.opening.amount, forward.new.amount, -forward.resolved.amount))
        assert moved == forward.closing.amount == exact_sum(one.amount for one in result.breaks)
        assert forward.closing.count == len(result.breaks)
        if result.changed:
            assert closing is None or forward.opening == closing
        closing = forward.closing
        found = {(one.rule, one.pool, one.subject): one.id for one in result.breaks}
        assert len(set(found.values())) == len(result.breaks)
        # A break that was re-classified in between has taken its identity along: see decision 0024.
        assert {key: before[key] for key in before.keys() & found} == {key: found[key] for key in before.keys() & found}
        before = found


def test_a_period_without_a_bill_is_incomplete_and_says_what_is_missing(company: Company) -> None:
    company.rate([METERED])
    result = reconcile_period(company.books, OCTOBER)
    assert result.verdict == "incomplete"
    assert result.missing == (
        "no bill of 2026-10 is in the external ledger",
        "source aws has delivered no bill of 2026-10",
    )
    assert company.books.lake.cut(BRIDGE) == ""
    assert reconcile_period(company.books, OCTOBER) == replace(result, changed=False)


def test_a_period_that_was_not_rated_is_incomplete(company: Company) -> None:
    company.bill([MATCHED])
    assert reconcile_period(company.books, OCTOBER).missing == ("no internal charges of 2026-10: rate it first",)


def test_a_source_is_missed_from_its_first_bill_on(company: Company) -> None:
    balanced(company)
    company.add(source("azure"))
    company.bill([], "2026-11", "azure")
    assert reconcile_period(company.books, OCTOBER).missing == ()
    company.bill([], "2026-09", "azure")
    assert reconcile_period(company.books, OCTOBER).missing == ("source azure has delivered no bill of 2026-10",)


def test_an_incomplete_run_leaves_the_breaks_as_they_are(company: Company) -> None:
    company.bill([MATCHED, UNMETERED])
    company.rate([METERED])
    before = reconcile_period(company.books, OCTOBER)
    company.add(source("azure"))
    after = reconcile_period(company.books, OCTOBER)
    assert (after.verdict, after.breaks) == ("incomplete", before.breaks)
    assert after.roll_forward.opening == after.roll_forward.closing == before.roll_forward.closing


def test_before_its_end_a_period_is_pending(company: Company) -> None:
    company.clock.instant = datetime(2026, 10, 20, tzinfo=UTC)
    balanced(company)
    assert reconcile_period(company.books, OCTOBER).verdict == "pending"
    company.clock.instant = datetime(2026, 11, 1, tzinfo=UTC)
    assert reconcile_period(company.books, OCTOBER).verdict == "reconciled"


def test_a_missing_rate_is_refused_before_anything_is_written(company: Company) -> None:
    company.bill([replace(MATCHED, currency="EUR")])
    company.rate([METERED])
    with pytest.raises(MissingRateError, match="no rate from EUR to USD for 2026-10"):
        reconcile_period(company.books, OCTOBER)
    assert (company.books.lake.cut(BRIDGE), company.count(models.ReconciliationRun)) == ("", 0)


def test_two_currencies_are_converted_at_the_periods_rate_and_the_booked_one(company: Company) -> None:
    company.add(rate("period", date(2026, 10, 1), "1.25"), rate("day", date(2026, 10, 1), "1.5"))
    company.bill([replace(MATCHED, currency="EUR")])
    company.rate([METERED])
    result = reconcile_period(company.books, OCTOBER)
    assert {row.component: row.amount for row in result.bridge if row.amount} == {
        "discount_kept": Decimal("2.5"),  # (10 - 8) x 1.25
        "pricing": Decimal("-2.5"),  # 10 - 10 x 1.25
        "currency": Decimal(-2),  # -8 x (1.5 - 1.25)
    }
    assert result.external_amount == Decimal(12)


def test_a_gate_that_stops_keeps_the_last_bridge(company: Company) -> None:
    balanced(company)
    reconcile_period(company.books, OCTOBER)
    cut = company.books.lake.cut(BRIDGE)
    company.gate.stops = ("amount is given (broken by 1 of 2 rows)",)
    company.bill([MATCHED, UNMETERED])
    with pytest.raises(GateFailedError):
        reconcile_period(company.books, OCTOBER)
    assert (company.books.lake.cut(BRIDGE), company.count(models.ReconciliationRun)) == (cut, 1)


def test_what_the_gate_warns_of_is_a_warning(company: Company) -> None:
    balanced(company)
    company.gate.warnings = ("something is odd",)
    result = reconcile_period(company.books, OCTOBER)
    assert (result.verdict, result.warnings, result.docs) == (
        "warnings",
        ("something is odd",),
        "finance/reconciliation",
    )
    assert company.gate.seen == [
        ("reconciliation", "finance.bridge", {"unexplained_tolerance": "0.01"}),
        ("reconciliation", "finance.ledger_slices", {}),
        ("reconciliation", "finance.period_statements", {}),
    ]
    assert [check.table for check in result.checks] == ["bridge", "ledger_slices", "period_statements"]
    (facts,) = company.messages()
    assert [one["table"] for one in facts["checks"]] == ["bridge", "ledger_slices", "period_statements"]


def test_the_message_is_for_finance_and_holds_the_bridge(company: Company) -> None:
    company.bill([MATCHED, UNMETERED])
    company.rate([METERED])
    result = reconcile_period(company.books, OCTOBER)
    (facts,) = company.messages()
    assert facts["deviation"] == {"amount": "-6.00", "currency": "USD"}
    assert {one["name"]: one["amount"]["amount"] for one in facts["components"]}["unmetered"] == "-10.00"
    assert (facts["run"], facts["verdict"], len(facts["breaks"])) == (result.run_id, "breaks", 1)


def test_an_overcharge_is_claimed_by_line_and_one_break_by_contract_card(company: Company) -> None:
    company.add(
        models.ContractCard(
            id="card-1", vendor="Vendor", sku="m1", region=None, effective_from=date(2026, 1, 1), effective_to=None,
            unit_price=Decimal("0.5"), currency="USD", clause="4.2",
        )
    )  # fmt: skip
    company.bill([replace(MATCHED, priced=Decimal(10)), replace(MATCHED, row=2, priced=Decimal(16))])
    company.rate([replace(METERED, amount=Decimal(20))])
    result = reconcile_period(company.books, OCTOBER)
    assert rules(result) == {"overcharge": Decimal(-3)}  # 8 - 0.5 x 10; the second is 8 for 16
    assert [(line.line, line.amount) for line in result.claim_lines] == [(1, Decimal(-3))]
    (claim,) = result.claims
    assert (claim.card, claim.billed_amount, claim.agreed_amount) == ("card-1", Decimal(8), Decimal(5))


def delivery(number: int, delivered_at: datetime, billed: str) -> list[models.Base]:
    identity = f"d{number}"
    return [
        models.Delivery(
            id=identity, source="aws", digest=identity, key=identity, delivered_at=delivered_at,
            received_at=delivered_at, state="ingested", files=[],
        ),
        models.DeliverySlice(
            delivery=identity, period="2026-10", slice="all", source="aws", current=False, rows=1,
            totals=[{"currency": "USD", "billed_cost": billed}], committed_at=delivered_at,
        ),
    ]  # fmt: skip


def test_a_month_that_was_delivered_again_with_another_total_is_restated(company: Company) -> None:
    balanced(company)
    company.add(*delivery(1, datetime(2026, 11, 3, tzinfo=UTC), "100.00"))
    assert reconcile_period(company.books, OCTOBER).breaks == ()
    company.add(*delivery(2, datetime(2026, 11, 9, tzinfo=UTC), "100.25"))
    (found,) = reconcile_period(company.books, OCTOBER).breaks
    assert (found.rule, found.subject, found.amount) == ("restated", "aws 2026-10", Decimal("0.25"))


def test_a_bill_that_grows_while_its_month_runs_is_not_restated(company: Company) -> None:
    balanced(company)
    company.add(
        *delivery(1, datetime(2026, 10, 9, tzinfo=UTC), "40"), *delivery(2, datetime(2026, 11, 2, tzinfo=UTC), "100")
    )
    assert reconcile_period(company.books, OCTOBER).breaks == ()


def test_a_component_opens_down_to_its_rows(company: Company) -> None:
    company.bill([replace(MATCHED, consumed=Decimal(30)), UNMETERED])
    company.rate([METERED])
    rows = component_rows(company.books, OCTOBER, "cluster", "idle")
    assert [(row.side, row.line, row.resource, row.amount) for row in rows] == [
        ("external", 1, "r1", Decimal(-30)),
        ("internal", None, "r1", Decimal(10)),
    ]
    assert rows[0].started_at == START.replace(tzinfo=UTC)
    assert len(component_rows(company.books, OCTOBER, "cluster", "idle", limit=1)) == 1
    with pytest.raises(UnknownNameError):
        component_rows(company.books, OCTOBER, "cluster", "luck")
