"""What was provisioned past the gate is a break with an owner and money, until there is a grant for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.reconciliation.company import Charge, Internal
from tests.reconciliation.conftest import Company
from twinledger.reconciliation import DetectionFile, Ungranted, proposals, reconcile_period, ungranted_resources
from twinledger.reconciliation.inputs import gather
from twinledger.reconciliation.ungranted import ungranted_findings
from twinledger.store import models
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import DetectionSettings

OCTOBER, SEPTEMBER = Period(2026, 10), "2026-09"
MID_OCTOBER = datetime(2026, 10, 15)
OLD = Internal("cluster", Decimal(10), resource="old", started_at=MID_OCTOBER)
NEW = replace(OLD, resource="new", amount=Decimal(6), quantity=Decimal(12))
BILLED_OLD = Charge(1, resource="old", sku_meter="m1", consumed=Decimal(10), started_at=MID_OCTOBER)
BILLED_NEW = replace(BILLED_OLD, row=2, resource="i-9", consumed=Decimal(4))

pytestmark = pytest.mark.parametrize("backend", ["sqlite"])


@pytest.fixture
def company(company: Company) -> Company:
    """The product vm is under control; `old` was there in September; the shop's owner is Sue."""
    settings = company.books.settings.model_copy(update={"detection": DetectionSettings(products="vm")})
    company.books = replace(company.books, settings=settings)
    company.add(
        models.Person(name="sue", title="Sue", roles=[]),
        models.Department(
            name="shop", title="Shop", cost_centre="1", owner="sue", budget_holder="sue", channel="#shop", tenants=["t"]
        ),
    )
    company.bill([replace(BILLED_OLD, started_at=datetime(2026, 9, 15))], SEPTEMBER)
    company.rate([replace(OLD, started_at=datetime(2026, 9, 15))], SEPTEMBER)
    return company


def give(company: Company, quantity: int) -> None:
    """A grant of core-hours a day for the shop, that begins now and is said to be of all of October."""
    now = company.clock.now()
    company.add(
        models.Request(
            id="req-1", requester="sue", department="shop", product="vm", meter="core", quantity=Decimal(quantity),
            region="eu", days=31, period="2026-10", amount=Decimal(1), currency="USD", justification="x",
            state="approved", revision=2, approvers=[], created_at=now, expires_at=now, facts={},
        ),
        models.Grant(
            id="grant-1", request="req-1", department="shop", product="vm", meter="core", quantity=Decimal(quantity),
            region="eu", starts_at=datetime(2026, 10, 1, tzinfo=UTC), ends_at=datetime(2026, 10, 31, tzinfo=UTC),
        ),
    )  # fmt: skip


def breaks(company: Company) -> list[tuple[str, Decimal, str]]:
    found = reconcile_period(company.books, OCTOBER).breaks
    return [(one.subject, one.amount, one.owner) for one in found if one.rule == "ungranted"]


def reasons(company: Company) -> dict[str, str]:
    return {one.resource: one.reason for one in ungranted_resources(company.books, OCTOBER)}


def test_a_resource_that_appears_without_a_grant_is_a_break_of_its_departments_owner(company: Company) -> None:
    company.bill([BILLED_OLD])
    company.rate([OLD, NEW])
    assert breaks(company) == [("vm/core new", Decimal(6), "sue")]
    tag = DetectionFile.model_validate({"rules": [{"name": "r", "vendor": "aws", "then": "tag"}]})
    (proposed,) = proposals(company.books, OCTOBER, tag)
    assert (proposed.found.resource, proposed.state) == ("new", "not possible")
    (found,) = ungranted_resources(company.books, OCTOBER)
    assert found == Ungranted(
        product="vm", meter="core", resource="new", side="metered", pool="cluster", department="shop", provider="",
        account=None, region=None, grant_id=None, first_day=MID_OCTOBER.date(), days=1, reason="no grant",
        amount=Decimal(6),
    )  # fmt: skip


def test_a_billed_resource_that_nobody_claims_is_a_break_of_the_pools_owner_at_the_internal_price(
    company: Company,
) -> None:
    company.bill([BILLED_OLD, BILLED_NEW])
    company.rate([OLD])
    (found,) = ungranted_findings(company.books, gather(company.books, OCTOBER))
    assert (found.subject, found.amount, found.owner) == ("vm/core i-9", Decimal(4), "cluster-owner")


def test_a_grant_that_is_too_small_is_said_to_be_and_one_of_enough_is_all_that_is_needed(company: Company) -> None:
    company.rate([OLD, NEW])
    give(company, 11)
    assert reasons(company) == {"new": "larger"}
    with company.books.store.transaction() as session:
        session.get_one(models.Grant, "grant-1").quantity = Decimal(12)
    assert reasons(company) == {}


def test_a_grant_that_was_given_or_revoked_since_the_last_run_is_looked_at_with_the_same_ledgers(
    company: Company,
) -> None:
    company.bill([BILLED_OLD])
    company.rate([OLD, NEW])
    give(company, 12)
    assert breaks(company) == []
    company.clock.advance(timedelta(hours=1))
    with company.books.store.transaction() as session:
        grant = session.get_one(models.Grant, "grant-1")
        grant.starts_at, grant.ends_at = (datetime(2026, 9, day, tzinfo=UTC) for day in (1, 30))
        grant.revoked_at = company.clock.now()
    company.clock.advance(timedelta(hours=1))
    assert breaks(company) == [("vm/core new", Decimal(6), "sue")]
    assert reasons(company) == {"new": "after"}
    assert reconcile_period(company.books, OCTOBER).changed is False


def test_it_is_found_while_a_bill_is_missing(company: Company) -> None:
    company.rate([OLD, NEW])
    found = reconcile_period(company.books, OCTOBER)
    assert (found.verdict, [one.rule for one in found.breaks]) == ("incomplete", ["ungranted"])


def test_without_a_month_before_nothing_appears_for_the_first_time(company: Company) -> None:
    assert ungranted_resources(company.books, Period(2026, 9)) == ()


def test_what_is_not_under_control_is_not_looked_at(company: Company) -> None:
    company.rate([OLD, NEW])
    nothing = company.books.settings.model_copy(update={"detection": DetectionSettings()})
    company.books = replace(company.books, settings=nothing)
    assert reasons(company) == {}


def test_a_product_that_the_catalog_has_not_is_named(company: Company) -> None:
    detection = DetectionSettings(products="vm, vn")
    assert detection.names == ("vm", "vn")
    company.books = replace(company.books, settings=company.books.settings.model_copy(update={"detection": detection}))
    with pytest.raises(UnknownNameError, match="'vn': expected one of vm"):
        ungranted_resources(company.books, OCTOBER)
