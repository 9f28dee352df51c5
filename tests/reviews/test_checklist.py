"""What a review asks, by rule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.reviews.example import COMPANY, REVIEW, SECRET, SHARED
from tests.statements.example import usd
from twinledger.reviews import checklist, company_checklist
from twinledger.reviews.review import Review


def asked(review: Review) -> list[str]:
    return [one.id for one in checklist(review)]


def test_a_department_is_asked_about_all_that_stands_out_and_always_whether_the_figures_are_right() -> None:
    assert asked(REVIEW) == [
        "figures", "variance", "anomaly:an-1", "request:req-2", "request:req-4", "grant:gr-unused"
    ]  # fmt: skip
    quiet = replace(REVIEW, month=replace(REVIEW.month, plan=usd("6890.38")), anomalies=(), findings=(),
                    requests=replace(REVIEW.requests, waiting=()))  # fmt: skip
    assert asked(quiet) == ["figures"]


@pytest.mark.parametrize(
    ("plan", "items"),
    [
        pytest.param("6562.26", ["figures"], id="5.0 % above is within"),
        pytest.param("6555.00", ["figures", "variance"], id="5.1 % above is not"),
        pytest.param("7300.00", ["figures", "variance"], id="nor is as much below"),
        pytest.param("0", ["figures", "budget"], id="without a plan there is no percent"),
    ],
)
def test_a_variance_is_to_be_explained_beyond_five_percent_of_plan(plan: str, items: list[str]) -> None:
    review = replace(REVIEW, month=replace(REVIEW.month, plan=usd(plan)))
    assert asked(review)[: len(items)] == items
    assert ("variance" in asked(review)) == ("variance" in items)


def test_an_anomaly_that_was_answered_and_a_request_of_last_week_are_not_asked_about() -> None:
    answered = replace(REVIEW.anomalies[0], answer="planned")
    fresh = replace(REVIEW.requests.waiting[0], days=7)
    review = replace(REVIEW, anomalies=(answered,), requests=replace(REVIEW.requests, waiting=(fresh,)))
    assert asked(review) == ["figures", "variance", "grant:gr-unused"]


def test_the_largest_of_one_rule_are_asked_about_and_a_long_name_goes_by_its_digest() -> None:
    many = tuple(replace(REVIEW.anomalies[0], id=f"{number}" * 300) for number in range(1, 9))
    found = [one for one in asked(replace(REVIEW, anomalies=many)) if one.startswith("anomaly:")]
    assert len(set(found)) == 5
    assert max(map(len, found)) < 30


def test_a_question_is_another_one_when_its_figures_are_and_not_because_an_anomaly_goes_on() -> None:
    growing = replace(REVIEW.anomalies[0], actual=usd("5000"))
    changed = replace(REVIEW, month=replace(REVIEW.month, actual=usd("7000")), anomalies=(growing,))
    before, after = ({one.id: (one.question, one.about) for one in checklist(review)} for review in (REVIEW, changed))

    assert {name for name in before if before[name] != after[name]} == {"figures", "variance", "anomaly:an-1"}
    assert {name for name in before if before[name][1] != after[name][1]} == {"figures", "variance"}


def test_finance_is_asked_about_both_ledgers_and_everybody_else_about_none() -> None:
    found = company_checklist(COMPANY)
    assert [one.id for one in found] == [
        "figures", "variance", "reconciliation", "breaks", "claims", "commitment:sp-1", "anomaly:an-2"
    ]  # fmt: skip
    assert SECRET not in str(checklist(SHARED))


def test_finance_is_asked_why_a_month_was_never_reconciled() -> None:
    found = {one.id: one.question for one in company_checklist(replace(COMPANY, reconciled=None))}
    assert found["reconciliation"].startswith("The month was never reconciled")
