"""A review from what was read: whose figures it has, and that they add up."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reviews.example import (
    ANOMALIES,
    COMPANY,
    DATA,
    GROUP,
    INPUTS,
    REVIEW,
    SHARED,
    SHOP,
    UNITS,
    effects,
    position,
)
from tests.statements.example import DOCUMENT, OCTOBER, usd
from twinledger.reviews.build import department_review, everyones_review
from twinledger.reviews.checklist import checklist
from twinledger.reviews.company import CompanyReview
from twinledger.reviews.company_read import vendor_effects
from twinledger.reviews.review import Review
from twinledger.vocabulary.audiences import check_everyone, check_everyone_type
from twinledger.vocabulary.errors import UnknownNameError, WrongAudienceError
from twinledger.vocabulary.money import Money


def test_a_department_has_its_own_month_and_year_against_plan() -> None:
    assert (REVIEW.month.plan, REVIEW.month.actual, REVIEW.month.committed) == (usd("6000"), usd("6640.38"), usd("250"))
    assert (REVIEW.month.variance, REVIEW.month.percent) == (usd("890.38"), Decimal("14.8"))
    assert (REVIEW.year.plan, REVIEW.year.actual) == (usd("12500"), usd("12750.73"))
    assert (REVIEW.before, REVIEW.change) == (usd("6110.35"), usd("530.03"))


def test_the_effects_of_all_products_are_the_change_of_the_month() -> None:
    assert sum((amount for _, amount in REVIEW.explained), usd("0")) == REVIEW.change
    assert [one.product for one in REVIEW.effects] == ["GPU cards", "other", "容器平台"]


@given(st.tuples(*[st.integers(-60, 60)] * 2))
def test_the_effects_add_up_to_the_change_whatever_rounding_has_left(cents: tuple[int, int]) -> None:
    before, after = (Money(Decimal(one).scaleb(-2), "USD") for one in cents)
    first = INPUTS.effects[0]
    off = replace(first, before=first.before + before, after=first.after + after, mix=first.mix + after - before)
    review = department_review(replace(INPUTS, effects=(off, *INPUTS.effects[1:])), DATA)
    assert sum((amount for _, amount in review.explained), usd("0")) == review.change
    assert [one.product for one in review.effects].count("Rounding") == any(cents)


def test_what_rounding_cannot_have_left_is_not_called_so() -> None:
    review = department_review(replace(INPUTS, effects=INPUTS.effects[1:]), DATA)
    assert "Rounding" not in [one.product for one in review.effects]


def test_a_department_sees_its_anomalies_of_the_month_at_internal_prices_alone() -> None:
    assert [one.id for one in REVIEW.anomalies] == ["an-1"]
    assert [one.id for one in SHARED.anomalies] == ["an-1", "an-3"]
    assert [one.id for one in COMPANY.anomalies] == ["an-2"]


def test_requests_are_those_of_the_month_and_those_of_before_that_wait() -> None:
    found = REVIEW.requests
    assert (found.asked, found.amount) == (2, usd("330"))
    assert [(one.state, one.count) for one in found.states] == [("approved", 1), ("waiting", 1)]
    assert [(one.id, one.days) for one in found.waiting] == [("req-2", 15), ("req-4", 37)]


def test_findings_are_unused_grants_grants_about_to_end_and_breaks_of_its_people_without_a_figure() -> None:
    assert [(one.kind, one.subject[:9]) for one in REVIEW.findings] == [
        ("grant_unused", "gr-unused"), ("grant_ends", "gr-ends"), ("break", "b" * 9)
    ]  # fmt: skip
    assert "310" not in str(REVIEW.findings)


def test_a_break_of_somebody_who_has_two_departments_is_one_finding_of_the_company() -> None:
    both = replace(INPUTS, units={name: replace(one, people=("bob",)) for name, one in INPUTS.units.items()})
    assert [one.kind for one in everyones_review(both).findings].count("break") == 1


def test_a_metric_stands_in_the_review_of_its_department_and_of_the_company() -> None:
    shop = department_review(INPUTS, SHOP)
    assert [(one.title, one.percent) for one in shop.unit_costs] == [("Orders", Decimal("-15.9"))]
    assert (REVIEW.unit_costs, len(SHARED.unit_costs)) == ((), 1)


def test_the_tree_of_the_company_has_every_department_and_a_leaf_has_none() -> None:
    assert [(one.depth, one.name) for one in SHARED.tree] == [(0, GROUP), (1, DATA), (1, SHOP), (0, "unassigned")]
    assert [(one.depth, one.name) for one in department_review(INPUTS, GROUP).tree] == [
        (0, GROUP),
        (1, DATA),
        (1, SHOP),
    ]
    assert REVIEW.tree == ()


def test_a_department_is_reviewed_with_all_below_it() -> None:
    group = department_review(INPUTS, GROUP, ANOMALIES)
    below = [department_review(INPUTS, name, ANOMALIES) for name in (DATA, SHOP)]
    for figures in ("month", "year"):
        for name in ("plan", "actual", "committed"):
            of_each = [getattr(getattr(one, figures), name) for one in below]
            assert getattr(getattr(group, figures), name) == sum(of_each, usd("0"))
    assert group.tree[0].actual == group.month.actual
    assert group.before == usd("6500.45")
    assert sum((one.change for one in group.effects), usd("0")) == sum(
        (one.change for each in below for one in each.effects), usd("0")
    )
    assert [name for name, _ in group.trend[-1].parts] == sorted(UNITS[name].title for name in (DATA, SHOP))
    assert {one.product_title.split(": ")[0] for one in group.movers} == {DOCUMENT.title}
    assert [one.id for one in group.anomalies] == ["an-1", "an-3"]
    assert (group.requests.asked, len(group.unit_costs), group.empty) == (3, 1, False)
    assert group.findings == below[0].findings


def test_what_is_of_a_department_below_is_asked_there_alone() -> None:
    group = checklist(department_review(INPUTS, GROUP, ANOMALIES))
    assert [one.id for one in group] == ["figures", "variance"]
    assert {"anomaly:an-1", "request:req-4", "grant:gr-unused"} <= {one.id for one in checklist(REVIEW)}


def test_a_department_that_there_is_not_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="nowhere"):
        department_review(INPUTS, "nowhere")


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(*[st.decimals(-(10**6), 10**6, places=2)] * 3), min_size=4, max_size=4))
def test_what_is_at_the_top_of_the_tree_adds_up_to_the_companys_total(amounts: list[tuple[Decimal, ...]]) -> None:
    names = (GROUP, DATA, SHOP, "unassigned")
    found = tuple(position(name, *map(str, row)) for name, row in zip(names, amounts, strict=True))
    review = everyones_review(replace(INPUTS, positions={OCTOBER: found}))

    top = [one for one in review.tree if one.depth == 0]
    for name in ("plan", "actual", "committed", "variance"):
        assert sum((getattr(one, name) for one in top), usd("0")) == getattr(review.month, name)
    assert [review.month.actual, *(one.actual for one in review.tree[1:3])] == [
        usd(sum(row[1] for row in amounts)), usd(amounts[1][1]), usd(amounts[2][1])
    ]  # fmt: skip


def test_a_company_without_budget_charges_or_history_has_an_empty_review() -> None:
    nothing = replace(
        INPUTS, positions={OCTOBER: ()}, documents={}, statements=(), effects=(), requests=(), permits=(), breaks=(),
        metrics=(),
    )  # fmt: skip
    review = department_review(nothing, DATA)
    company = everyones_review(nothing)

    assert (review.empty, review.trend, review.before, review.month.percent) == (True, (), None, None)
    assert (company.empty, company.tree) == (True, ())
    assert not REVIEW.empty


def test_a_service_with_several_units_is_one_line_in_each_currency_of_the_bills() -> None:
    found = [
        effects("AWS", "EC2", "100", "150", "10", "40"), effects("AWS", "EC2", "0", "7", "0", "0"),
        effects("AWS", "S3", "9", "9", "0", "0"), effects("AWS", "RDS", "50", "20", "0", "-30"),
    ]  # fmt: skip
    assert [(one.service, one.change, one.price, one.new) for one in vendor_effects(found)] == [
        ("EC2", usd("57"), usd("10"), usd("7")), ("RDS", usd("-30"), usd("0"), usd("0"))
    ]  # fmt: skip


def test_a_review_for_everyone_can_hold_nothing_for_finance_and_the_companys_for_finance_is_refused() -> None:
    check_everyone_type(Review)
    check_everyone("review", department_review(INPUTS, DATA, ANOMALIES))
    with pytest.raises(WrongAudienceError, match="CompanyReview"):
        check_everyone("review", COMPANY)
    with pytest.raises(WrongAudienceError):
        check_everyone_type(CompanyReview)  # type: ignore[arg-type]  # what the type forbids
