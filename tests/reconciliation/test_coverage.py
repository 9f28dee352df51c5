"""What a metering feed has left out is a break with an owner, an age and an end of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.reconciliation.conftest import Company
from tests.reconciliation.test_control_totals import CHARGE, METERED
from twinledger.reconciliation import missing_coverage, periods_to_check, reconcile_period
from twinledger.store import models
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)


Metered = Callable[[range], None]


@pytest.fixture
def metered(company: Company) -> Metered:
    """A feed that is asked for coverage: a core for so many hours from the 17th on, at 0.50 USD. It is the 20th."""
    options = {"coverage": {"expected_days": 2, "delay_hours": 24}}
    company.add(models.Source(name="cluster", kind="usage", format="csv", place="x", slice="day", options=options))
    company.clock.instant = datetime(2026, 10, 20, tzinfo=UTC)

    def write(hours: range) -> None:
        by_day: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for hour in hours:
            start = datetime(2026, 10, 17) + timedelta(hours=hour)
            by_day[str(start.date())].append(
                {
                    "feed": "cluster", "day": str(start.date()), "delivery": "d", "row": hour + 1, "tenant": "t",
                    "product": "vm", "meter": "core", "resource": "r1", "started_at": start,
                    "ended_at": start + timedelta(hours=1), "quantity": Decimal(1), "period": "2026-10", "late": False,
                }
            )  # fmt: skip
        for day, records in by_day.items():
            company.book_usage(day, records)

    return write


def breaks(company: Company) -> list[tuple[str, Decimal, str, str]]:
    found = reconcile_period(company.books, OCTOBER).breaks
    return [(one.subject, one.amount, one.owner, one.state) for one in found if one.rule == "coverage"]


def test_missing_hours_are_a_break_worth_what_they_would_have_been_charged(company: Company, metered: Metered) -> None:
    company.bill([CHARGE])
    company.rate([METERED])
    metered(range(40))
    assert breaks(company) == [("cluster t vm/core", Decimal(-4), "cluster-owner", "new")]
    company.clock.advance(timedelta(days=3))
    ((_, amount, _, _),) = breaks(company)
    assert amount == -24
    (missing,) = missing_coverage(company.books, OCTOBER)
    assert missing.found is not None
    assert (missing.uncovered.hours, company.clock.now() - missing.found.opened_at) == (48, timedelta(days=3))


def test_the_break_is_resolved_by_the_delivery_that_was_missing(company: Company, metered: Metered) -> None:
    company.bill([CHARGE])
    company.rate([METERED])
    metered(range(40))
    before = reconcile_period(company.books, OCTOBER)
    metered(range(72))
    after = reconcile_period(company.books, OCTOBER)
    assert [one.rule for one in before.breaks if one.rule == "coverage"] == ["coverage"]
    assert [one.rule for one in after.breaks if one.rule == "coverage"] == []
    assert after.roll_forward.resolved.count >= 1


def test_it_is_found_while_a_bill_is_still_missing_and_named_to_be_checked(company: Company, metered: Metered) -> None:
    metered(range(40))
    assert periods_to_check(company.books) == ["2026-10"]
    found = reconcile_period(company.books, OCTOBER)
    assert (found.verdict, [one.rule for one in found.breaks]) == ("incomplete", ["coverage"])
    assert periods_to_check(company.books) == []
