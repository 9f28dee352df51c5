"""The contract audit: unit prices, discounts, tiers, commitments, and the file that goes to a vendor."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import load_workbook

from tests.reconciliation.company import START, Charge, Internal
from tests.reconciliation.conftest import Company, source
from twinledger.lake.tables import AUDITED_CHARGES
from twinledger.reconciliation import claim_file, contract_claims, reconcile_period
from twinledger.store import models
from twinledger.vocabulary.errors import StaleRunError, UnknownNameError
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)
TODAY = date(2026, 11, 5)
LINE = Charge(
    1, resource="r1", sku_meter="m1", consumed=Decimal(10), listed=Decimal(10), effective=Decimal(8), priced=Decimal(10)
)
METERED = Internal("cluster", Decimal(10), resource="r1")


@pytest.fixture(params=["sqlite"])
def backend(request: pytest.FixtureRequest) -> str:
    """What is audited is in the lake; cards are read as the catalog's tests read them, on both databases."""
    return str(request.param)


def card(identity: str, **terms: Any) -> models.ContractCard:  # noqa: ANN401 - columns of several types
    about: dict[str, Any] = {"sku": "m1"} if "rules" not in terms else {}
    values = {"vendor": "Vendor", "effective_from": date(2026, 1, 1), "clause": f"clause of {identity}", **about}
    return models.ContractCard(id=identity, **{**values, **terms})


def commitment(identity: str, **terms: Any) -> models.CommitmentCard:  # noqa: ANN401 - likewise
    values = {
        "vendor": "Vendor", "kind": "spend", "amount": Decimal(20), "per": "month", "currency": "USD", "clause": "9",
        "effective_from": date(2026, 9, 1), "effective_to": date(2026, 12, 1),
    }  # fmt: skip
    return models.CommitmentCard(id=identity, **{**values, **terms})


def bill(company: Company, *charges: Charge) -> None:
    company.bill(charges)
    company.rate([METERED])


def test_a_discount_off_list_by_rule_is_held_against_the_list_cost_of_each_line(company: Company) -> None:
    rules = [{"column": "ServiceName", "equals": ["Compute"]}]
    company.add(card("edp", rules=rules, discount=Decimal("0.25")))
    bill(
        company,
        LINE,  # 8 for 7.50
        replace(LINE, row=2, effective=Decimal("7.5")),
        replace(LINE, row=3, effective=Decimal(7), sku_meter="m2"),
        replace(LINE, row=4, service="Network", effective=Decimal(9)),
    )
    result = reconcile_period(company.books, OCTOBER)
    assert [(one.line, one.card, one.amount) for one in result.claim_lines] == [(1, "edp", Decimal("-0.5"))]
    assert [(one.card, one.amount, one.line_count) for one in result.undercharges] == [("edp", Decimal("0.5"), 1)]
    assert [one.subject for one in result.breaks if one.rule == "overcharge"] == ["edp"]


def test_undercharges_are_shown_and_are_neither_claims_nor_breaks(company: Company) -> None:
    company.add(card("list", unit_price=Decimal("0.9"), currency="USD"))
    bill(company, LINE)
    result = reconcile_period(company.books, OCTOBER)
    assert (result.claims, result.breaks, result.verdict) == ((), (), "reconciled")
    (under,) = result.undercharges
    assert (under.card, under.billed_amount, under.amount) == ("list", Decimal(8), Decimal(1))


def test_tiers_are_of_the_months_quantity_over_all_sources(company: Company) -> None:
    tiers = [{"up_to": "15", "unit_price": "0.8"}, {"up_to": None, "unit_price": "0.5"}]
    company.add(card("volume", tiers=tiers, currency="USD"), source("azure"))
    bill(company, LINE)
    company.bill([replace(LINE, started_at=START.replace(day=2))], source="azure")
    result = reconcile_period(company.books, OCTOBER)
    # 15 x 0.8 + 5 x 0.5 = 14.50 for 20 units that were billed 16: the first 10 are as agreed.
    assert [(one.source, one.agreed_amount, one.amount) for one in result.claim_lines] == [
        ("azure", Decimal("6.5"), Decimal("-1.5"))
    ]
    (found,) = [one for one in result.breaks if one.rule == "overcharge"]
    assert (found.subject, found.pool, found.amount) == ("volume", "", Decimal("-1.5"))


def test_a_card_of_a_sku_goes_before_one_by_rule_and_both_claim_their_own_lines(company: Company) -> None:
    rules = [{"column": "ServiceName", "prefix": "Comp"}]
    company.add(
        card("sku", unit_price=Decimal("0.7"), currency="USD"), card("all", rules=rules, discount=Decimal("0.5"))
    )
    bill(company, LINE, replace(LINE, row=2, sku_meter="m2"))
    found = contract_claims_after_run(company)
    assert [(one.card, one.line, one.amount) for one in found.lines] == [("all", 2, -3), ("sku", 1, -1)]
    assert [(one.card, one.claimed) for one in found.clauses] == [("all", 3), ("sku", 1)]
    assert found.claimed == Decimal(4)


def contract_claims_after_run(company: Company, vendor: str = "") -> Any:  # noqa: ANN401 - read field by field
    reconcile_period(company.books, OCTOBER)
    return contract_claims(company.books, OCTOBER, vendor)


def test_commitments_say_what_was_used_what_was_not_what_they_cover_and_when_they_end(company: Company) -> None:
    company.add(
        commitment("spend", sku="m1"),
        commitment("hours", sku="m2", kind="quantity", amount=Decimal(8), unit="hour", currency=None),
        commitment("over", sku="m1", effective_from=date(2026, 1, 1), effective_to=date(2026, 10, 1)),
    )
    bill(company, LINE, replace(LINE, row=2, sku_meter="m2"))
    found = {one.id: one for one in contract_claims_after_run(company).commitments}
    spend, hours = found["spend"], found["hours"]
    assert (spend.committed, spend.used, spend.unused, spend.coverage) == (20, 8, 12, Decimal(100))
    assert (hours.committed, hours.used, hours.unused, hours.coverage) == (8, 8, 0, Decimal(80))
    assert (spend.days_left(TODAY), spend.expires_soon(TODAY)) == (26, True)
    assert sorted(found) == ["hours", "spend"]


def test_a_commitment_of_a_term_counts_the_months_since_it_began_and_names_those_that_nobody_reconciled(
    company: Company,
) -> None:
    company.add(commitment("term", sku="m1", per="term", effective_from=date(2026, 8, 1)))
    company.bill([LINE], period="2026-09")
    company.rate([METERED], period="2026-09")
    reconcile_period(company.books, OCTOBER.shift(-1))
    bill(company, LINE)
    found = contract_claims_after_run(company)
    assert [(one.id, one.used, one.unused) for one in found.commitments] == [("term", 16, 4)]
    assert found.remarks == ("commitment term: 2026-08 was never reconciled and is not counted",)


def test_commitments_that_bills_tell_of_stand_in_the_same_table_with_what_a_card_knows_of_them(
    company: Company,
) -> None:
    company.add(
        commitment("plan", commitment="arn/plan"),
        commitment("forgotten", commitment="arn/forgotten"),
        commitment("over", commitment="arn/over", effective_to=date(2026, 10, 1)),
    )
    covered = replace(LINE, commitment="arn/plan", effective=Decimal(6))
    bill(
        company,
        LINE,
        replace(covered, row=2),
        replace(covered, row=3, used=False, effective=Decimal(2), listed=Decimal(0)),
        replace(covered, row=4, commitment="arn/reservation"),
    )
    found = contract_claims_after_run(company)
    plan, reservation = found.commitments
    assert (plan.id, plan.per, plan.used, plan.unused, plan.coverage) == ("plan", "bill", 6, 2, Decimal("33.33"))
    assert (plan.days_left(TODAY), reservation.days_left(TODAY)) == (26, None)
    assert (reservation.id, reservation.vendor, reservation.unused) == ("arn/reservation", "Vendor", 0)
    assert found.remarks == ("commitment forgotten: no bill of 2026-10 names arn/forgotten",)


def test_claims_of_other_bills_or_cards_than_the_run_saw_are_refused(company: Company) -> None:
    company.add(card("price", unit_price=Decimal("0.5"), currency="USD"))
    bill(company, LINE)
    with pytest.raises(UnknownNameError, match="no reconciliation named '2026-10'"):
        contract_claims(company.books, OCTOBER)
    assert contract_claims_after_run(company).claimed == Decimal(3)
    with pytest.raises(UnknownNameError, match="no vendor with a contract named 'Nobody'"):
        contract_claims(company.books, OCTOBER, "Nobody")
    with company.books.store.transaction() as session:
        tiers = [{"up_to": "5", "unit_price": "0.5"}, {"up_to": None, "unit_price": "0.4"}]
        found = session.get_one(models.ContractCard, "price")
        found.unit_price, found.tiers = None, tiers
    assert contract_claims_after_run(company).claimed == Decimal("3.5")
    with company.books.store.transaction() as session:
        changed = [{"up_to": "5", "unit_price": "0.1"}, {"up_to": None, "unit_price": "0.1"}]
        session.get_one(models.ContractCard, "price").tiers = changed
    with pytest.raises(StaleRunError):
        contract_claims(company.books, OCTOBER)


def test_a_new_delivery_is_audited_alone_and_the_month_adds_up_all(company: Company) -> None:
    company.add(card("price", unit_price=Decimal("0.5"), currency="USD"), source("azure"))
    bill(company, LINE)
    company.bill([LINE], source="azure")
    assert contract_claims_after_run(company).claimed == Decimal(6)
    kept = company.books.lake.files(AUDITED_CHARGES, {"x_source": "aws"})
    company.bill([replace(LINE, effective=Decimal(6))], source="azure")
    assert contract_claims_after_run(company).claimed == Decimal(4)
    assert company.books.lake.files(AUDITED_CHARGES, {"x_source": "aws"}) == kept


def test_the_claim_file_has_lines_clauses_and_their_totals_and_runs_nothing(company: Company) -> None:
    company.add(card("=1+1", unit_price=Decimal("0.5"), currency="USD"), commitment("spend", sku="m1"))
    bill(company, replace(LINE, resource="=cmd|' /C calc'!A0"), replace(LINE, row=2, effective=Decimal("5.5")))
    found = contract_claims_after_run(company, "Vendor")
    file = claim_file(found, TODAY)
    assert file.name == "claims-vendor-2026-10.xlsx"
    assert claim_file(found, TODAY).content == file.content
    book = load_workbook(io.BytesIO(file.content))
    assert book.sheetnames == ["Clauses", "Lines", "Undercharges", "Commitments"]
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert "f" not in {cell.data_type for cell in cells}
    clauses = [[cell.value for cell in row] for row in book["Clauses"].iter_rows(min_row=4)]
    assert clauses == [
        ["Vendor", "'=1+1", "clause of =1+1", 2, 20, 13.5, 10, 3.5],
        ["total", None, None, 2, None, None, None, 3.5],
    ]
    lines = [(row[0].value, row[8].value, row[13].value) for row in book["Lines"].iter_rows(min_row=4)]
    assert lines == [
        ("clause of =1+1", "'=cmd|' /C calc'!A0", 3),
        ("clause of =1+1", "r1", 0.5),
    ]
