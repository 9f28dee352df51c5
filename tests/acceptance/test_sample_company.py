"""The sample company through the whole pipeline: what is found is what was planted, to the last decimal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from tests.acceptance.published import published
from twinledger import alerts, anomalies, bills, budgets, catalog, metering, rating, reconciliation, reviews, shielding
from twinledger.books import Books
from twinledger.clock import FixedClock
from twinledger.deployment import open_books, prepare
from twinledger.lake.tables import EXTERNAL_CHARGES
from twinledger.reconciliation import Reconciliation
from twinledger.sample import Planted, vendors, write_sample
from twinledger.vocabulary.money import exact_sum
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import PREFIX, Settings

PERIODS = (Period(2026, 8), Period(2026, 9), Period(2026, 10))
BILLS = tuple(bill.name for bill in vendors.BILLS)
AFTER_THE_LAST_MONTH = datetime(2026, 11, 6, 9, 0, tzinfo=UTC)

Key = tuple[str, ...]


@dataclass
class Ran:
    """A sample company whose books have been kept once."""

    planted: Planted
    books: Books
    bills: list[bills.Outcome] = field(default_factory=list)
    usage: list[metering.Outcome] = field(default_factory=list)
    found: dict[str, Reconciliation] = field(default_factory=dict)

    def facts(self, name: str) -> list[dict[str, Any]]:
        """The planted facts of that name."""
        return [fact for fact in self.planted.facts if fact["fact"] == name]


def _keep_the_books(ran: Ran, folder: Path) -> None:
    books = ran.books
    config = catalog.load_config(folder / "config")
    catalog.apply_config(books.store, config, books.clock)
    for source in config.sources:
        if source.kind == "bill":
            ran.bills += bills.ingest_source(books, source.name)
        else:
            ran.usage += metering.ingest_feed(books, source.name)
    for period in PERIODS:
        rating.rate_period(books, period)
        ran.found[str(period)] = reconciliation.reconcile_period(books, period)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """Nimbus Retail over three months on SQLite, with the real gate."""
    folder = tmp_path_factory.mktemp("nimbus")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            patch.delenv(name)
        settings = Settings(home=folder / "home")
    planted = write_sample(folder / "company", seed=42, months=3, scale=0.1)
    prepare(settings)
    with open_books(settings, FixedClock(AFTER_THE_LAST_MONTH)) as books:
        ran = Ran(planted, books)
        _keep_the_books(ran, folder / "company")
        yield ran


def _bridge(ran: Ran) -> dict[Key, Decimal]:
    return {
        (period, row.pool, row.component): row.amount
        for period, one in ran.found.items()
        for row in one.bridge
        if row.amount
    }


def test_every_delivery_is_in_the_ledger_and_no_row_is_refused(ran: Ran) -> None:
    outcomes: list[bills.Outcome | metering.Outcome] = [*ran.bills, *ran.usage]

    assert {one.state for one in outcomes} == {"ingested"}
    assert sum(one.rows_quarantined for one in outcomes) == 0
    assert all(one.rows_in >= one.rows_ledger > 0 for one in outcomes)


def test_the_external_ledger_holds_the_vendors_totals_to_the_last_decimal(ran: Ran) -> None:
    held = {}
    for source in BILLS:
        for period in map(str, PERIODS):
            files = ran.books.lake.files(EXTERNAL_CHARGES, {"x_source": source, "x_period": period})
            costs = [cost for file in files for cost in parquet.read_table(file)["BilledCost"].to_pylist()]
            if costs:  # some vendors bill since the last months only
                held[source, period] = (len(costs), exact_sum(costs))

    assert held == {
        (one["source"], one["period"]): (one["rows"], Decimal(one["billed_cost"]))
        for one in ran.planted.ledger
        if not one["superseded"]
    }


def test_the_bridge_names_the_planted_deviations_with_their_amounts_and_nothing_else(ran: Ran) -> None:
    named = {key: amount for key, amount in _bridge(ran).items() if key[2] not in {"discount_kept", "rounding"}}

    assert named == {
        (one["period"], one["pool"], one["component"]): Decimal(one["amount"])
        for one in ran.planted.facts
        if "component" in one
    }
    assert {component for _, _, component in named} == {"unmetered", "non_usage", "pricing", "currency"}


def test_discounts_and_rounding_are_as_worked_out_from_the_fleet(ran: Ran) -> None:
    assert _bridge(ran) == {
        (one["period"], one["pool"], one["component"]): Decimal(one["amount"]) for one in ran.planted.pools
    }


def test_the_bridge_of_every_pool_adds_up_to_its_deviation(ran: Ran) -> None:
    for one in ran.found.values():
        for total in one.totals:
            components = exact_sum(row.amount for row in one.bridge if row.pool == total.pool)
            assert components == total.deviation == total.internal_amount - total.external_amount


def test_breaks_are_the_planted_facts_beyond_tolerance(ran: Ran) -> None:
    breaks = [(period, one.rule, one.pool, one.amount) for period, found in ran.found.items() for one in found.breaks]

    # What is not usage is a component of its own, never a break unless a pool says so; a budget is its department's.
    expected = [one for one in ran.planted.facts if one["fact"] not in {"tax", "other_charges", "over_budget"}]
    assert sorted(breaks) == sorted(
        (one["period"], one.get("component") or one["rule"], one.get("pool", ""), Decimal(one["amount"]))
        for one in expected
    )


def test_a_month_without_planted_facts_is_reconciled(ran: Ran) -> None:
    assert {period: found.verdict for period, found in ran.found.items()} == {
        "2026-08": "reconciled",
        "2026-09": "breaks",
        "2026-10": "breaks",
    }


def test_the_unmetered_cluster_is_named_by_its_resources(ran: Ran) -> None:
    (fact,) = ran.facts("unmetered_cluster")
    matches = [one for one in ran.found["2026-10"].matches if one.amount]

    assert {one.resource for one in matches} == set(fact["resources"])
    assert {one.component for one in matches} == {"unmetered"}
    assert exact_sum(one.amount for one in matches) == Decimal(fact["amount"])


def test_the_overcharge_is_claimed_line_by_line(ran: Ran) -> None:
    (fact,) = ran.facts("overcharged_rate")
    claimed = [
        (one.resource, one.started_at.date().isoformat(), one.quantity, one.amount)
        for one in ran.found["2026-10"].claim_lines
    ]

    assert sorted(claimed) == [
        (one["resource"], one["day"], Decimal(one["quantity"]), Decimal(one["amount"])) for one in fact["lines"]
    ]
    assert [one.card for found in ran.found.values() for one in found.claims] == [fact["subject"]]


def test_statements_are_what_each_department_used_at_the_price_in_force(ran: Ran) -> None:
    lines = {
        (str(period), department, line.product, line.meter): line.amount.amount
        for period in PERIODS
        for department in {one["department"] for one in ran.planted.departments}
        for line in rating.statement(ran.books, department, period).lines
    }

    assert lines == {
        (one["period"], one["department"], one["product"], one["meter"]): Decimal(one["amount"])
        for one in ran.planted.statements
    }


def test_only_the_planted_department_is_over_its_budget(ran: Ran) -> None:
    over = {
        (one.department, str(period)): (one.plan.amount, one.actual.amount, one.variance.amount)
        for period in PERIODS
        for one in budgets.check_period(ran.books, period)
        if one.over
    }

    (fact,) = ran.facts("over_budget")
    assert over == {
        (fact["department"], fact["period"]): tuple(Decimal(fact[name]) for name in ("plan", "actual", "amount"))
    }


def test_the_held_share_falls_from_above_15_to_below_5_percent_because_of_meters(ran: Ran) -> None:
    months = reconciliation.held_months(ran.books)
    bridge = _bridge(ran)
    (cluster,) = ran.facts("unmetered_cluster")

    assert [str(month.period) for month in months] == [str(period) for period in PERIODS]
    assert all((month.owned_share or 0) > 15 and (month.share or 0) < 5 for month in months)
    assert [month.held for month in months] == [Decimal(0), Decimal(0), -Decimal(cluster["amount"])]
    assert {part.name for cause in months[-1].causes for part in cause.largest} <= set(cluster["resources"])
    # Nothing of the platforms bears a department's tag: without meters all their usage stays with them.
    for month in months:
        for pool in month.pools:
            sides = [bridge.get((str(month.period), pool.pool, name), Decimal(0)) for name in ("currency", "non_usage")]
            assert pool.owned == (0 if pool.pool == "direct" else exact_sum([pool.external, *sides]))
            assert bool(pool.meters) == (pool.pool != "direct")


def test_keeping_the_books_again_changes_nothing(ran: Ran) -> None:
    assert {one.state for source in BILLS for one in bills.ingest_source(ran.books, source)} <= {"unchanged"}
    assert {one.state for one in metering.ingest_feed(ran.books, "storage")} <= {"unchanged"}
    for period in PERIODS:
        assert not rating.rate_period(ran.books, period).changed
        assert not reconciliation.reconcile_period(ran.books, period).changed


def test_no_figure_that_only_finance_may_know_can_be_read_by_anybody_else(ran: Ran) -> None:
    anomalies.find_anomalies(ran.books)
    for period in PERIODS:
        alerts.evaluate(ran.books, period)
        reviews.send_reviews(ran.books, reviews.month_reviews(ran.books, period), "test")
    result = shielding.scan(ran.books, published(ran.books, PERIODS))

    assert result.secrets > 10_000
    assert result.figures > 10_000
    assert result.places > 100
    assert {one.reason for one in result.unread} <= {"binary, of no form that is known"}
    assert result.leaks == ()


def test_the_same_scan_of_what_finance_reads_finds_its_figures(ran: Ran) -> None:
    leaks = shielding.scan(ran.books, shielding.read_place(str(ran.books.lake.root("finance")))).leaks

    assert {"charge", "bridge", "match"} <= {leak.kind for leak in leaks}
