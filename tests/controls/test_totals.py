"""Recording what others say: once, whole, audited, and the newest manifest in place of the one before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twinledger.clock import FixedClock
from twinledger.controls import Origin, Recorded, Total, compare, manifest_document, record, recorded
from twinledger.store import Store
from twinledger.store.models import AuditEntry, ControlTotal


def total(amount: str, origin: Origin = "invoice", document: str = "inv-1", account: str = "1") -> Total:
    return Total(origin, "AWS", account, "2026-10", "USD", document, Decimal(amount))


def write(store: Store, clock: FixedClock, *totals: Total, by: str = "october.csv") -> Recorded:
    with store.transaction() as session:
        return record(session, clock, totals, by)


def kept(store: Store) -> dict[tuple[str, str], Decimal]:
    with store.reading() as session:
        return {(one.account, one.document): one.amount for one in recorded(session, "2026-10")}


def audited(store: Store) -> list[AuditEntry]:
    with store.reading() as session:
        return list(session.query(AuditEntry).order_by(AuditEntry.sequence))


def test_the_same_again_changes_nothing(store: Store, clock: FixedClock) -> None:
    first = write(store, clock, total("10.000000000000000001"))
    clock.advance(timedelta(days=1))
    again = write(store, clock, total("10.000000000000000001"))
    assert (first.periods, first.new) == (("2026-10",), (total("10.000000000000000001"),))
    assert (again.periods, again.unchanged) == ((), 1)
    assert len(audited(store)) == 1
    with store.reading() as session:
        (row,) = session.query(ControlTotal)
    assert row.recorded_at == clock.now() - timedelta(days=1)


def test_a_changed_amount_is_said_and_audited_with_both_amounts(store: Store, clock: FixedClock) -> None:
    write(store, clock, total("10"))
    changed = write(store, clock, total("12"), by="corrected.csv")
    assert [(one.total.amount, one.before) for one in changed.changed] == [(Decimal(12), Decimal(10))]
    entry = audited(store)[-1]
    assert (entry.who, entry.action) == ("corrected.csv", "control_totals.record")
    assert entry.facts["changed"] == ["invoice inv-1: AWS 1 2026-10 USD: 10.00 -> 12.00"]


def test_comparing_writes_nothing(store: Store, clock: FixedClock) -> None:
    with store.reading() as session:
        assert compare(session, [total("1")]).new == (total("1"),)
        assert compare(session, []) == Recorded()
    assert kept(store) == {}
    assert write(store, clock) == Recorded()


def test_an_invoice_that_a_later_file_does_not_name_stays(store: Store, clock: FixedClock) -> None:
    write(store, clock, total("1"))
    write(store, clock, total("2", document="inv-2"))
    assert kept(store) == {("1", "inv-1"): Decimal(1), ("1", "inv-2"): Decimal(2)}


def test_a_manifest_takes_the_place_of_what_the_one_before_it_said_of_its_slice(
    store: Store, clock: FixedClock
) -> None:
    october, other = manifest_document("aws", "all"), manifest_document("aws-2", "all")
    write(
        store,
        clock,
        total("1", "manifest", october),
        total("2", "manifest", october, "2"),
        total("9", "manifest", other),
    )
    done = write(store, clock, total("4", "manifest", october, "2"))
    assert (len(done.changed), len(done.gone)) == (1, 1)
    assert kept(store) == {("2", october): Decimal(4), ("1", other): Decimal(9)}


def test_cost_explorer_takes_the_place_of_what_it_said_of_the_account(store: Store, clock: FixedClock) -> None:
    write(store, clock, total("1", "cost-explorer", "11"), total("2", "cost-explorer", "12"), total("5"))
    done = write(store, clock, total("3", "cost-explorer", "12"))
    assert [one.document for one in done.gone] == ["11"]
    assert kept(store) == {("1", "12"): Decimal(3), ("1", "inv-1"): Decimal(5)}


batches = st.lists(
    st.lists(
        st.tuples(st.sampled_from(["i1", "i2", "i3"]), st.integers(0, 3)), max_size=3, unique_by=lambda one: one[0]
    ),
    max_size=4,
)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(batches=batches)
def test_invoices_that_do_not_contradict_each_other_may_come_in_any_order_and_again(
    store: Store, clock: FixedClock, batches: list[list[tuple[str, int]]], empty: object
) -> None:
    # One invoice says one amount: what is recorded last is what any order leads to.
    final = dict(pair for batch in batches for pair in batch)
    told = [[replace(total("0", document=name), amount=Decimal(final[name])) for name, _ in batch] for batch in batches]
    for order in (told, list(reversed(told)), told):
        empty(store)  # type: ignore[operator]  # a fixture of ours
        for batch in (*order, *order):
            write(store, clock, *batch)
        assert kept(store) == {("1", name): Decimal(amount) for name, amount in final.items()}
