"""Finance's lines: what vendors really charge, by account, region, service and tag."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tests.budgets.test_evaluate import actuals, backend, line  # noqa: F401 - the fixture is used by name
from tests.budgets.test_variance import departments  # noqa: F401 - likewise
from twinledger.books import Books
from twinledger.budgets import budget_curve, line_positions
from twinledger.clock import FixedClock
from twinledger.lake.tables import EXTERNAL_CHARGES
from twinledger.store import models
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)
CHARGES: tuple[dict[str, str | None], ...] = (
    {"SubAccountId": "11", "RegionId": "eu", "ServiceName": "EC2", "Tags": '{"env": "prod"}', "EffectiveCost": "1.10"},
    {"SubAccountId": "11", "RegionId": "us", "ServiceName": "EC2", "Tags": '{"env": "test"}', "EffectiveCost": "2.20"},
    {"SubAccountId": "22", "RegionId": "eu", "ServiceName": "S3", "Tags": '{"Env": "prod"}', "EffectiveCost": "4.40"},
    {"SubAccountId": None, "RegionId": None, "ServiceName": "Support", "Tags": None, "EffectiveCost": "8.80"},
    {"SubAccountId": "33", "RegionId": "eu", "ServiceName": "EC2", "Tags": '{"team": "a"}', "EffectiveCost": "-0.30"},
)


@pytest.fixture
def books(books: Books) -> Books:
    """On the morning of 21 October, with five charges of the second, for which the payer is account 99."""
    books = replace(books, clock=FixedClock(datetime(2026, 10, 21, 6, tzinfo=UTC)))
    bill(books, *CHARGES)
    return books


def bill(books: Books, *charges: dict[str, str | None], month: str = "2026-10", currency: str = "USD") -> None:
    """The external ledger of a month: what is not said of a charge is empty."""
    day = datetime.fromisoformat(f"{month}-02T00:00:00+00:00")
    empty = {"VARCHAR": "", "TIMESTAMP": day, "BIGINT": 0}
    same = {
        "BillingAccountId": "99",
        "BillingCurrency": currency,
        "x_source": "aws",
        "x_period": month,
        "x_slice": "all",
    }
    rows = []
    for charge in charges:
        started = datetime.fromisoformat(charge.get("ChargePeriodStart") or str(day))
        exact = {"EffectiveCost": Decimal(str(charge["EffectiveCost"])), "ChargePeriodStart": started}
        said = same | charge | exact
        rows.append([
            said.get(one.name, empty.get(one.type, Decimal(0)) if one.required else None)
            for one in EXTERNAL_CHARGES.columns
        ])  # fmt: skip
    with books.engine() as engine:
        engine.view_rows("charges", EXTERNAL_CHARGES.columns, rows)
        files = engine.copy("charges", EXTERNAL_CHARGES, books.lake.staging(EXTERNAL_CHARGES))
    partition = {"x_source": "aws", "x_period": month, "x_slice": "all"}
    books.lake.replace(EXTERNAL_CHARGES, partition, files, repr(charges))


def effective(books: Books, name: str, period: str = "2026-10", **said: object) -> None:
    line(books, name, period, **{"view": "effective", **said})  # type: ignore[arg-type]  # what it is of


def test_all_that_a_line_names_must_hold_and_any_of_a_list_does(books: Books) -> None:
    effective(books, "account", account=["11"])
    effective(books, "both", account=["11", "22"])
    effective(books, "other", account=["22"])
    effective(books, "europe", account=["11"], region=["eu"])
    effective(books, "machines", service=["EC2"])
    effective(books, "payer", account=["99"])
    effective(books, "both-names", account=["11", "99"])
    effective(books, "nothing", account=["404"], region=["eu"])
    effective(books, "all")
    assert actuals(line_positions(books, OCTOBER)) == {
        "account": Decimal("3.30"), "both": Decimal("7.70"), "other": Decimal("4.40"), "europe": Decimal("1.10"),
        "machines": Decimal(3), "payer": Decimal("16.20"), "both-names": Decimal("16.20"), "nothing": Decimal(0),
        "all": Decimal("16.20"),
    }  # fmt: skip


def test_a_tag_is_what_tags_yaml_says_of_it_and_a_department_what_its_tag_says(books: Books) -> None:
    with books.store.transaction() as session:
        session.get_one(models.Department, "data").parent = "shop"
        session.add(models.TagKey(key="env", aliases=["Env"], spellings={"prod": ["production"]}, inherit=[],
                                  last_resort=[]))  # fmt: skip
        session.add(
            models.TagKey(
                key="department", aliases=[], spellings={}, last_resort=[],
                inherit=[{"column": "SubAccountId", "values": {"33": "data", "22": "nobody"}}],
            )
        )  # fmt: skip
    effective(books, "prod", tag={"env": ["prod"]})
    effective(books, "any-env", tag={"env": ["prod", "test"]})
    effective(books, "prod-abroad", tag={"env": ["prod"]}, region=["us"])
    effective(books, "two-tags", tag={"env": ["prod"], "team": ["a"]})
    effective(books, "shop", department="shop")
    assert actuals(line_positions(books, OCTOBER)) == {
        "prod": Decimal("5.50"), "any-env": Decimal("7.70"), "prod-abroad": Decimal(0), "two-tags": Decimal(0),
        "shop": Decimal("-0.30"),
    }  # fmt: skip


def test_each_month_is_at_its_own_rate_and_a_restatement_is_in_the_month_that_it_is_booked_in(books: Books) -> None:
    for day, rate in ((date(2026, 10, 1), "1.1"), (date(2026, 11, 1), "1.2")):
        with books.store.transaction() as session:
            session.add(
                models.Rate(kind="period", day=day, currency="EUR", quote="USD", rate=Decimal(rate), origin="x")
            )
    bill(books, {"EffectiveCost": "100", "ChargePeriodStart": "2026-09-15T00:00:00+00:00"}, currency="EUR")
    bill(books, {"EffectiveCost": "10"}, month="2026-11", currency="EUR")
    effective(books, "quarter", "2026-Q4")
    effective(books, "october")
    assert actuals(line_positions(books, OCTOBER)) == {"october": Decimal(110), "quarter": Decimal(122)}


def test_the_largest_parts_are_told_by_service_or_of_one_service_by_account(books: Books) -> None:
    effective(books, "all")
    effective(books, "machines", service=["EC2"])
    everything, machines = line_positions(books, OCTOBER)
    assert [one.name for one in everything.causes] == ["Support", "S3", "EC2"]
    assert [(one.name, one.amount.amount) for one in machines.causes] == [("11", Decimal("3.30"))]


def test_a_curve_of_what_vendors_charge_says_that_it_is(books: Books) -> None:
    effective(books, "all")
    curve = budget_curve(books, "all", OCTOBER)
    assert curve is not None
    assert (curve.view, curve.actual[1], curve.actual[2]) == ("effective", Decimal("16.20"), None)
