"""The statement of a period: twelve components that add up, departments that add up to pools, one spelling."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reconciliation.company import Charge, Internal
from tests.reconciliation.conftest import Company
from tests.reconciliation.test_held import OCTOBER as HELD
from twinledger.pools import COMPONENTS, UNASSIGNED
from twinledger.reconciliation import Reconciliation, Tally, read_reconciliation, reconcile_period
from twinledger.reconciliation.result import BreakState, Charged
from twinledger.reconciliation.statement import (
    PROVENANCE,
    department_statement,
    figures_digest,
    pool_statement,
    shares_of,
    statement_digest,
    statement_figures,
    statement_json,
)
from twinledger.reconciliation.statement_shares import NOBODYS, PLATFORM, divide
from twinledger.store import models
from twinledger.vocabulary.audiences import ForFinance
from twinledger.vocabulary.money import exact_sum
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)
IDLE = BreakState(
    "b1", "idle", "gpu", "gpu", Decimal(-20), "USD", Decimal(1), "ada", "new", datetime(2026, 11, 6, tzinfo=UTC)
)

MATCHED = Charge(1, resource="r1", sku_meter="m1", consumed=Decimal(10), listed=Decimal(10), effective=Decimal(8))
UNMETERED = replace(MATCHED, row=2, resource="r2")
UNKNOWN = Charge(3, service="Unknown", effective=Decimal(3), listed=Decimal(4))
METERED = Internal("cluster", Decimal("7.004"), resource="r1")


@pytest.fixture(params=["sqlite"])
def backend(request: pytest.FixtureRequest) -> str:
    """A statement is made of what a run says; runs are tested on both databases."""
    return str(request.param)


def reconciled(company: Company) -> Reconciliation:
    """Pool cluster: r1 is metered by shop (7.004) and data (3.003), r2 by nobody; 3.00 are in no pool."""
    company.bill([MATCHED, UNMETERED, UNKNOWN])
    company.rate([METERED, replace(METERED, amount=Decimal("3.003"), department="data")])
    return reconcile_period(company.books, OCTOBER)


def test_a_statement_lists_all_twelve_components_and_they_add_up_to_the_deviation(company: Company) -> None:
    found = pool_statement(reconciled(company), "cluster")

    assert [one.name for one in found.components] == list(COMPONENTS)
    assert (found.internal, found.external, found.deviation) == (Decimal("10.00"), Decimal(16), Decimal("-6.00"))
    assert exact_sum(one.amount for one in found.components) == found.deviation
    unmetered = found.component("unmetered")
    assert (unmetered.amount, unmetered.rows, unmetered.above, unmetered.within) == (
        Decimal(-10), 1, Decimal("0.01"), False,
    )  # fmt: skip
    timing = found.component("timing")
    assert (timing.amount, timing.rows, timing.above, timing.within) == (Decimal(0), 0, Decimal("0.01"), True)


def test_a_statement_says_the_cuts_it_was_made_from_and_its_own_breaks(company: Company) -> None:
    result = reconciled(company)
    with company.books.store.reading() as session:
        run = session.query(models.ReconciliationRun).one()

    cluster, nobody = pool_statement(result, "cluster"), pool_statement(result, UNASSIGNED)

    assert (cluster.external_cut, cluster.internal_cut) == (run.external_cut, run.internal_cut)
    assert [one.rule for one in cluster.breaks] == ["unmetered"]
    assert [one.rule for one in nobody.breaks] == ["unassigned"]
    assert (cluster.verdict, cluster.reason_code) == ("breaks", "BREAKS_OPEN")
    assert cluster.reasons[0].startswith("1 break open")


def test_what_is_missing_makes_every_statement_incomplete(company: Company) -> None:
    company.rate([METERED])
    found = pool_statement(reconcile_period(company.books, OCTOBER), "cluster")
    assert (found.verdict, found.deviation) == ("incomplete", Decimal(0))
    assert "no bill of 2026-10 is in the external ledger" in found.missing


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        ("reconciled", {}),
        ("pending", {"pending": True}),
        ("warnings", {"pending": True, "warnings": ("odd",)}),
        ("breaks", {"pending": True, "warnings": ("odd",), "breaks": (IDLE,)}),
        ("incomplete", {"pending": True, "warnings": ("odd",), "breaks": (IDLE,), "missing": ("a bill",)}),
    ],
)
def test_the_worst_verdict_wins(verdict: str, state: dict[str, Any]) -> None:
    found = pool_statement(replace(HELD, **state), "gpu")
    assert (found.verdict, found.reason_code == "") == (verdict, verdict == "reconciled")
    assert pool_statement(replace(HELD, breaks=(IDLE,)), "cluster").verdict == "reconciled"


def test_departments_add_up_to_their_pools_on_both_sides_and_in_every_component(company: Company) -> None:
    result = reconciled(company)
    pools = [pool_statement(result, one.pool) for one in result.totals]
    departments = [department_statement(result, name) for name in ("data", "shop", PLATFORM)]

    for side in ("internal", "external", "deviation"):
        assert exact_sum(getattr(one, side) for one in departments) == exact_sum(getattr(one, side) for one in pools)
    for name in COMPONENTS:
        of_pools = exact_sum(one.component(name).amount for one in pools)
        assert exact_sum(one.component(name).amount for one in departments) == of_pools
    for one in departments:
        assert exact_sum(component.amount for component in one.components) == one.deviation


def test_a_department_bears_its_share_of_what_was_charged_on_and_the_platform_what_nobody_was(company: Company) -> None:
    result = reconciled(company)
    shop, platform = department_statement(result, "shop"), department_statement(result, PLATFORM)

    # Vendors charged 16; what was not held of it is charged on, and shop is charged 7.004 of 10.007.
    held = -exact_sum(pool_statement(result, "cluster").component(name).amount for name in NOBODYS)
    share = (Decimal(16) - held) * Decimal("7.004") / Decimal("10.007")
    assert abs(shop.external - share) < Decimal("1e-17")
    assert (shop.component("unmetered").amount, shop.component("rounding").amount) == (Decimal(0), Decimal("-0.004"))
    assert (held, platform.component("unmetered").amount) == (Decimal("9.993"), Decimal(-10))
    assert platform.component("unassigned").amount == Decimal(-3)
    assert platform.external == held + Decimal(3)


def test_a_departments_components_open_to_the_pools_that_they_come_from(company: Company) -> None:
    shop = department_statement(reconciled(company), "shop")
    discount = [one for one in shop.parts if one.component == "discount_kept"]
    assert [(one.pool, one.amount == shop.component("discount_kept").amount, one.of) for one in discount] == [
        ("cluster", True, Decimal(4))
    ]


def test_the_verdict_of_a_department_waits_for_the_breaks_of_its_pools_and_owns_none(company: Company) -> None:
    shop = department_statement(reconciled(company), "shop")
    assert (shop.verdict, shop.breaks, shop.roll_forward.closing.count) == ("breaks", (), 0)


@given(
    charged=st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", "d", PLATFORM]),
            st.decimals(-1000, 100_000, places=15, allow_nan=False, allow_infinity=False),
            st.decimals(-1, 1, places=2, allow_nan=False, allow_infinity=False),
        ),
        max_size=5,
        unique_by=lambda one: one[0],
    ),
    bridge=st.dictionaries(
        st.sampled_from(COMPONENTS),
        st.decimals(-1_000_000, 1_000_000, places=18, allow_nan=False, allow_infinity=False),
    ),
)
@settings(max_examples=200)
def test_nothing_of_a_pool_is_lost_or_added_when_it_is_divided(
    charged: list[tuple[str, Decimal, Decimal]], bridge: dict[str, Decimal]
) -> None:
    sums = [Charged("p", name, exact, exact_sum((exact, rounding)), 1) for name, exact, rounding in charged]
    shares = divide("p", bridge, sums)

    for name in COMPONENTS:
        assert exact_sum(one.components[name] for one in shares) == bridge.get(name, Decimal(0))
    internal, deviation = exact_sum(one.amount for one in sums), exact_sum(bridge.values())
    assert exact_sum(one.internal for one in shares) == internal
    assert exact_sum(one.external for one in shares) == exact_sum((internal, -deviation))
    for one in shares:
        assert exact_sum(one.components.values()) == exact_sum((one.internal, -one.external))
        if one.department != PLATFORM:
            assert not any(one.components[name] for name in NOBODYS)
    assert shares == divide("p", dict(reversed(bridge.items())), list(reversed(sums)))


# --- roll-forward ------------------------------------------------------------------------------


def test_the_roll_forwards_of_pools_add_up_to_the_runs(company: Company) -> None:
    result = reconciled(company)
    company.rate([METERED, replace(METERED, resource="r2", amount=Decimal(10))])
    company.clock.advance(timedelta(days=1))
    again = reconcile_period(company.books, OCTOBER)

    rolls = [one.roll_forward for one in again.rolls]
    for side in ("opening", "new", "resolved", "closing"):
        tallies = [getattr(one, side) for one in rolls]
        whole = getattr(again.roll_forward, side)
        assert Tally(sum(one.count for one in tallies), exact_sum(one.amount for one in tallies)) == whole
    cluster = pool_statement(again, "cluster").roll_forward
    assert cluster.opening == pool_statement(result, "cluster").roll_forward.closing


# --- one spelling ------------------------------------------------------------------------------


def test_the_digest_is_of_the_figures_and_not_of_what_people_do_about_a_break(company: Company) -> None:
    before = reconciled(company)
    with company.books.store.transaction() as session:
        for one in session.query(models.Break):
            one.state = "acknowledged"
    after = read_reconciliation(company.books, OCTOBER)
    assert after is not None
    assert [one.state for one in after.breaks] == ["acknowledged", "acknowledged"]
    for pool in ("cluster", UNASSIGNED):
        assert statement_digest(pool_statement(after, pool)) == statement_digest(pool_statement(before, pool))


def test_another_run_that_finds_the_same_changes_provenance_and_no_figure(company: Company) -> None:
    before = reconciled(company)
    company.tolerate("network", "timing", above="5")
    company.clock.advance(timedelta(days=1))
    after = reconcile_period(company.books, OCTOBER)
    first, second = pool_statement(before, "cluster"), pool_statement(after, "cluster")

    assert after.run_id != before.run_id
    assert statement_digest(first) != statement_digest(second)
    assert figures_digest(first) == figures_digest(second)
    said, again = statement_json(first), statement_json(second)
    assert {key for key in said if said[key] != again[key]} <= PROVENANCE


def test_a_figure_that_changes_is_named(company: Company) -> None:
    first = pool_statement(reconciled(company), "cluster")
    company.rate([METERED])
    company.clock.advance(timedelta(days=1))
    second = pool_statement(reconcile_period(company.books, OCTOBER), "cluster")
    before, after = statement_figures(first), statement_figures(second)
    assert {name for name in before if before[name] != after.get(name)} >= {"internal", "deviation", "idle"}
    assert before["external"] == after["external"] == "16.00"
    assert figures_digest(first) != figures_digest(second)


def test_the_json_has_plain_decimals_and_utc_instants_and_adds_up(company: Company) -> None:
    said = json.loads(json.dumps(statement_json(pool_statement(reconciled(company), "cluster"))))
    assert said["deviation"] == "-6.00"
    assert sum(Decimal(one["amount"]) for one in said["components"]) == Decimal(said["deviation"])
    assert said["breaks"][0]["opened_at"] == "2026-11-05T00:00:00+00:00"
    assert said["period"] == "2026-10"


def test_statements_are_for_finance_by_type(company: Company) -> None:
    result = reconciled(company)
    values = (pool_statement(result, "cluster"), department_statement(result, "shop"), *shares_of(result))
    assert all(isinstance(one, ForFinance) for one in values)
