"""Breaks over whole runs: what they are made of, what people said of them, how old they are, and whose they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.reconciliation.company import Charge
from tests.reconciliation.conftest import Company
from tests.reconciliation.test_run import MATCHED, METERED, OCTOBER, UNMETERED
from twinledger.deeds import Act
from twinledger.reconciliation import (
    ReasonCode,
    accept,
    break_view,
    certification,
    fix,
    periods_to_check,
    read_cause,
    read_reconciliation,
    reconcile_period,
    root_cause,
    snooze,
)
from twinledger.reconciliation.breaks import kind_of
from twinledger.store import models


@pytest.fixture(params=["sqlite"])
def backend(request: pytest.FixtureRequest) -> str:
    """The life of breaks is tested on both databases elsewhere."""
    return str(request.param)


def bought(amount: int, row: int = 2, resource: str = "r2") -> Charge:
    """A resource that nobody metered, at so many USD whatever it is measured by."""
    money = Decimal(amount)
    return replace(UNMETERED, row=row, resource=resource, consumed=money, listed=money, effective=money)


@pytest.fixture
def broken(company: Company) -> Company:
    """A resource that nobody metered: 10 USD; Ada is of finance."""
    company.add(models.Person(name="ada", title="Ada", slack_user=None, airflow_user=None, roles=["finance"]))
    company.bill([MATCHED, UNMETERED])
    company.rate([METERED])
    return company


def test_the_largest_contributors_are_found_by_what_the_rows_say(broken: Company) -> None:
    other = replace(bought(30, 3, "r3"), started_at=datetime(2026, 10, 9))
    broken.bill([MATCHED, UNMETERED, other])
    (found,) = reconcile_period(broken.books, OCTOBER).breaks
    cause = root_cause(broken.books, found.id)
    assert [(one.name, one.amount, one.share) for one in cause.of("day")] == [
        ("2026-10-09", Decimal(-30), Decimal("75.0")),
        ("2026-10-01", Decimal(-10), Decimal("25.0")),
    ]
    assert [(one.name, one.rows) for one in cause.of("service")] == [("Compute", 2)]
    assert [one.name for dimension in ("account", "product") for one in cause.of(dimension)] == ["1", "vm/core"]


def test_the_message_names_the_three_largest_causes(broken: Company) -> None:
    more = [bought(n * 10, n, f"r{n}") for n in range(3, 6)]
    broken.bill([MATCHED, UNMETERED, *more])
    reconcile_period(broken.books, OCTOBER)
    (told,) = broken.messages()[-1]["breaks"]
    assert [(one["name"], one["amount"]["amount"]) for one in told["causes"]] == [
        ("r5, Compute", "-50.00"), ("r4, Compute", "-40.00"), ("r3, Compute", "-30.00"),
    ]  # fmt: skip
    assert told["priority"] == "medium"


def test_components_of_charges_alone_name_their_services(broken: Company) -> None:
    broken.bill(
        [MATCHED, Charge(8, service="Unknown", effective=Decimal(3)), Charge(9, service="Odd", effective=Decimal(4))]
    )
    reconcile_period(broken.books, OCTOBER)
    (told,) = broken.messages()[-1]["breaks"]
    assert told["rule"] == "unassigned"
    assert [(one["name"], one["amount"]["amount"]) for one in told["causes"]] == [
        ("Odd", "-4.00"),
        ("Unknown", "-3.00"),
    ]


def test_what_people_accepted_is_counted_by_the_next_run_and_holds_until_the_amount_changes(broken: Company) -> None:
    (found,) = reconcile_period(broken.books, OCTOBER).breaks
    accept(broken.books, Act(found.id, "ada", "page", "1"), "a test machine")
    frozen = break_view(broken.books, found.id).evidence
    assert frozen is not None
    assert [one.name for one in read_cause(frozen["cause"]).of("service")] == ["Compute"]
    read = read_reconciliation(broken.books, OCTOBER)
    assert read is not None
    assert (read.verdict, read.roll_forward.closing.count, read.roll_forward.accepted.count) == ("reconciled", 0, 1)
    assert periods_to_check(broken.books) == ["2026-10"]
    run = reconcile_period(broken.books, OCTOBER)
    assert (run.verdict, run.changed, run.roll_forward.accepted.count, len(run.settled)) == ("reconciled", True, 1, 1)
    assert certification(run, "cluster").code == ReasonCode.BREAKS_ACCEPTED
    assert periods_to_check(broken.books) == []
    assert not reconcile_period(broken.books, OCTOBER).changed
    broken.bill([MATCHED, bought(20)])
    (again,) = reconcile_period(broken.books, OCTOBER).breaks
    assert (again.id, again.state, again.opened_at) == (found.id, "new", found.opened_at)


def test_a_fix_is_looked_at_by_a_run_although_no_ledger_changed(broken: Company) -> None:
    (found,) = reconcile_period(broken.books, OCTOBER).breaks
    fix(broken.books, Act(found.id, "ada", "page", "1"), "JE-1")
    between = read_reconciliation(broken.books, OCTOBER)
    assert certification(between, "cluster").code == ReasonCode.FIX_NOT_CONFIRMED
    (again,) = reconcile_period(broken.books, OCTOBER).breaks
    assert (again.id, again.state) == (found.id, "new")


def test_a_snooze_that_is_over_makes_the_next_run_say_so(broken: Company) -> None:
    (found,) = reconcile_period(broken.books, OCTOBER).breaks
    snooze(broken.books, Act(found.id, "ada", "page", "1"), broken.clock.now() + timedelta(days=1))
    assert not reconcile_period(broken.books, OCTOBER).changed
    broken.clock.advance(timedelta(days=1))
    (awake,) = reconcile_period(broken.books, OCTOBER).breaks
    assert (awake.state, awake.opened_at) == ("new", found.opened_at)


def test_what_moves_from_one_component_to_another_stays_the_same_break(broken: Company) -> None:
    (unmetered,) = reconcile_period(broken.books, OCTOBER).breaks
    broken.clock.advance(timedelta(days=4))
    broken.rate([METERED, replace(METERED, resource="r2", amount=Decimal(4))])
    (idle,) = reconcile_period(broken.books, OCTOBER).breaks
    assert (unmetered.rule, idle.rule, idle.amount) == ("unmetered", "idle", Decimal(-6))
    assert (idle.id, idle.opened_at) == (unmetered.id, unmetered.opened_at)
    assert kind_of(unmetered.rule) == kind_of(idle.rule)


def tolerate(company: Company, **bounds: object) -> None:
    with company.books.store.transaction() as session:
        found = session.get_one(models.Pool, "cluster")
        found.tolerance = {**found.tolerance, "unmetered": bounds}


def test_a_tolerance_that_widens_with_age_lets_a_break_go_for_good(broken: Company) -> None:
    tolerate(broken, below="5", by_age=[{"from_days": 8, "below": "20"}])
    assert len(reconcile_period(broken.books, OCTOBER).breaks) == 1
    broken.clock.advance(timedelta(days=8))
    old = reconcile_period(broken.books, OCTOBER)
    assert (old.breaks, "cluster unmetered: +0.01/-20.00 from day 8 on" in old.tolerances) == ((), True)
    broken.clock.advance(timedelta(days=1))
    assert not reconcile_period(broken.books, OCTOBER).changed
    broken.bill([MATCHED, bought(21)])
    (again,) = reconcile_period(broken.books, OCTOBER).breaks
    assert (broken.clock.now() - again.opened_at).days == 9


def test_a_tolerance_that_narrows_with_age_holds_a_break_open(broken: Company) -> None:
    tolerate(broken, below="9", by_age=[{"from_days": 2, "below": "1"}])
    reconcile_period(broken.books, OCTOBER)
    broken.clock.advance(timedelta(days=2))
    broken.bill([MATCHED, bought(5)])
    (still,) = reconcile_period(broken.books, OCTOBER).breaks
    assert (still.amount, still.tolerance) == (Decimal(-5), Decimal(1))


def test_the_owner_is_whom_the_first_rule_names(broken: Company) -> None:
    anything: dict[str, list[str]] = {"pools": [], "providers": [], "accounts": []}
    broken.add(
        models.BreakOwner(position=1, owner="zoe", rules=["unmetered"], at_least=Decimal(11), **anything),
        models.BreakOwner(position=2, owner="ada", rules=["unmetered"], at_least=None, **anything),
    )
    (found,) = reconcile_period(broken.books, OCTOBER).breaks
    assert found.owner == "ada"


def test_a_period_certifies_by_itself_or_says_why_not(broken: Company) -> None:
    assert certification(None, "cluster", period="2026-10").code == ReasonCode.NOT_RECONCILED
    broken.rate([METERED, replace(METERED, resource=None)])
    found = certification(reconcile_period(broken.books, OCTOBER), "cluster")
    assert [one.code for one in found.reasons] == [ReasonCode.UNEXPLAINED_BEYOND_TOLERANCE, ReasonCode.BREAKS_OPEN]
    assert found.sentence == "unexplained is +10.00 USD, tolerated is +0.01/-0.01"
    broken.rate([METERED, replace(METERED, resource="r2")])
    whole = reconcile_period(broken.books, OCTOBER)
    assert certification(whole, "cluster").certified
    assert certification(whole, "cluster", current=False).code == ReasonCode.NOT_CURRENT
    assert certification(whole, "cluster", gate_stops=["amount is given"]).code == ReasonCode.GATE_FAILED
    broken.clock.instant = datetime(2026, 10, 20, tzinfo=UTC)
    assert certification(reconcile_period(broken.books, OCTOBER), "cluster").code == ReasonCode.PERIOD_NOT_OVER
    broken.add(models.Source(name="azure", kind="bill", format="focus", place="x", slice="period", options={}))
    missing = certification(reconcile_period(broken.books, OCTOBER), "cluster")
    assert (missing.code, missing.sentence) == (
        ReasonCode.DATA_MISSING, "source azure has delivered no bill of 2026-10",
    )  # fmt: skip
