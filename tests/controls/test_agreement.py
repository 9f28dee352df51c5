"""What agrees with what: sums, tolerances, what is missing, and that no order matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinledger.controls import (
    Comparison,
    LedgerTotal,
    Origin,
    SubAccountTotal,
    Terms,
    Total,
    agree,
    differences,
    manifest_document,
)

UNITS = {"manifest": 0, "invoice": 1, "invoice-detail": 100, "cost-explorer": 1}
OVER = Terms(UNITS, over=True)
RUNNING = Terms(UNITS, over=False)


def booked(
    amount: str, invoice: str = "", source: str = "aws", currency: str = "USD", account: str = "1"
) -> LedgerTotal:
    return LedgerTotal("AWS", "Amazon Web Services, Inc.", account, currency, source, invoice, Decimal(amount))


def said(
    amount: str, origin: Origin = "invoice", document: str = "inv-1", currency: str = "USD", provider: str = "AWS"
) -> Total:
    return Total(origin, provider, "1", "2026-10", currency, document, Decimal(amount))


def states(found: Sequence[Comparison]) -> dict[str, str]:
    return {" ".join(filter(None, (one.origin, one.document))): one.state for one in found}


def compared(ledger: Sequence[LedgerTotal], stated: Sequence[Total], terms: Terms = OVER) -> tuple[Comparison, ...]:
    return agree(ledger, [], stated, terms)


def test_an_account_that_several_sources_bill_is_compared_as_their_sum() -> None:
    (found,) = compared([booked("10.00"), booked("5.50", source="aws-marketplace")], [said("15.50")])
    assert (found.ledger, found.stated, found.difference, found.state) == (
        Decimal("15.50"), Decimal("15.50"), Decimal(0), "agrees",
    )  # fmt: skip


def test_a_difference_is_ledger_less_stated() -> None:
    (found,) = compared([booked("112.00")], [said("100.00")])
    assert (found.state, found.difference) == ("differs", Decimal(12))


@pytest.mark.parametrize(("amount", "state"), [("100.01", "agrees"), ("99.99", "agrees"), ("100.010000001", "differs")])
def test_a_document_is_rounded_once_and_so_may_be_off_by_one_smallest_unit(amount: str, state: str) -> None:
    (found,) = compared([booked(amount)], [said("100.00")])
    assert (found.state, found.tolerance) == (state, Decimal("0.01"))


def test_the_tolerance_is_in_the_smallest_unit_of_the_currency_and_one_for_each_document() -> None:
    (yen,) = compared([booked("1002", currency="JPY")], [
        said("500", currency="JPY"), said("500", document="inv-2", currency="JPY"),
    ])  # fmt: skip
    assert (yen.tolerance, yen.state) == (Decimal(2), "agrees")


def test_each_origin_has_a_tolerance_of_its_own() -> None:
    document = manifest_document("aws", "all")
    found = compared([booked("100.01")], [
        said("100.00"), said("100.00", "manifest", document), said("100.00", "cost-explorer", "11"),
    ])  # fmt: skip
    assert states([one for one in found if one.document == ""]) == {
        "manifest": "differs", "invoice": "agrees", "cost-explorer": "agrees",
    }  # fmt: skip


def test_what_nobody_has_stated_yet_is_pending_and_shown() -> None:
    (found,) = compared([booked("100.00")], [])
    assert (found.origin, found.state, found.note, found.stated) == ("invoice", "pending", "not stated yet", None)
    assert differences([found]) == ()


def test_an_account_that_the_ledger_has_nothing_of_is_pending() -> None:
    (found,) = compared([], [said("100.00")])
    assert (found.state, found.ledger, found.note) == ("pending", None, "the ledger has no charge of this account")


def test_the_provider_is_awaited_where_it_is_asked() -> None:
    terms = Terms(UNITS, over=True, asked=frozenset({"1"}))
    found = compared([booked("1"), booked("1", account="2")], [], terms)
    assert [(one.account, one.origin) for one in found] == [("1", "invoice"), ("1", "cost-explorer"), ("2", "invoice")]


def test_while_a_period_runs_a_difference_is_pending_but_for_a_manifest() -> None:
    totals = [said("1"), said("1", "manifest", manifest_document("aws", "all")), said("1", "cost-explorer", "11")]
    found = [one for one in compared([booked("2")], totals, RUNNING) if not one.document]
    assert states(found) == {"manifest": "differs", "invoice": "pending", "cost-explorer": "pending"}


def test_a_manifest_speaks_of_its_own_source_only() -> None:
    ledger = [booked("10"), booked("7", source="aws-other")]
    found = compared(ledger, [said("10", "manifest", manifest_document("aws", "all"))])
    assert next(one.state for one in found if one.origin == "manifest") == "agrees"


def test_amounts_of_two_currencies_are_never_in_one_sum() -> None:
    found = compared(
        [booked("10"), booked("70", currency="CNY")], [said("10"), said("70", currency="CNY", document="2")]
    )
    assert [(one.currency, one.ledger, one.stated) for one in found] == [
        ("CNY", Decimal(70), Decimal(70)), ("USD", Decimal(10), Decimal(10)),
    ]  # fmt: skip


def test_an_account_billed_in_another_currency_than_the_ledger_has_differs_in_both() -> None:
    found = compared([booked("10")], [said("70", currency="CNY")])
    assert [(one.currency, one.difference, one.state) for one in found] == [
        ("CNY", Decimal(-70), "differs"), ("USD", Decimal(10), "differs"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["AWS", "aws", "Amazon Web Services, Inc.", "AMAZON WEB SERVICES, INC."])
def test_a_document_names_the_provider_or_who_issues_the_invoice(name: str) -> None:
    (found,) = compared([booked("10")], [said("10", provider=name)])
    assert (found.provider, found.state) == ("AWS", "agrees")


# --- invoices ----------------------------------------------------------------------------------


def test_each_invoice_is_compared_where_the_ledger_has_its_number() -> None:
    ledger = [booked("10", "inv-1"), booked("5", "inv-2")]
    found = compared(ledger, [said("10"), said("5", document="inv-2")])
    assert states(found) == {"invoice": "agrees", "invoice inv-1": "agrees", "invoice inv-2": "agrees"}


def test_a_wrong_invoice_is_named_and_its_amount_counts_once() -> None:
    found = compared([booked("10", "inv-1"), booked("5", "inv-2")], [said("10"), said("9", document="inv-2")])
    assert states(found) == {"invoice": "differs", "invoice inv-1": "agrees", "invoice inv-2": "differs"}
    assert [(one.document, one.difference) for one in differences(found)] == [("", Decimal(-4))]


def test_two_wrong_invoices_that_make_up_for_each_other_are_both_found() -> None:
    found = compared([booked("10", "inv-1"), booked("5", "inv-2")], [said("12"), said("3", document="inv-2")])
    assert [(one.document, one.difference) for one in differences(found)] == [
        ("inv-1", Decimal(-2)), ("inv-2", Decimal(2)),
    ]  # fmt: skip


def test_an_invoice_that_is_not_stated_yet_leaves_the_account_pending_and_the_others_compared() -> None:
    ledger = [booked("10", "inv-1"), booked("5", "inv-2"), booked("1")]
    found = compared(ledger, [said("11")])
    assert states(found) == {"invoice": "pending", "invoice inv-1": "differs"}
    assert found[0].note == "invoice inv-2 is not stated yet, some charges are on no invoice yet"
    assert [one.document for one in differences(found)] == ["inv-1"]


def test_many_missing_invoices_are_counted() -> None:
    ledger = [booked("1", f"inv-{number}") for number in range(1, 7)]
    assert compared(ledger, [said("1")])[0].note == "invoice inv-2, inv-3, inv-4 is not stated yet, nor 2 more"


def test_an_invoice_that_the_ledger_has_nothing_of_makes_the_account_differ() -> None:
    found = compared([booked("10", "inv-1")], [said("10"), said("4", document="inv-9")])
    assert states(found) == {"invoice": "differs", "invoice inv-1": "agrees", "invoice inv-9": "pending"}


def test_invoices_numbered_otherwise_than_the_ledger_are_compared_in_all() -> None:
    (found,) = compared([booked("10", "E-100"), booked("5", "E-101")], [said("15", document="2026/4711")])
    assert found.state == "agrees"


def test_cost_explorers_sub_accounts_say_where_the_difference_lies() -> None:
    parts = [SubAccountTotal("AWS", "1", "USD", name, Decimal(amount)) for name, amount in (("11", "6"), ("12", "4"))]
    stated = [said("6", "cost-explorer", "11"), said("5", "cost-explorer", "12")]
    found = [one for one in agree([booked("10")], parts, stated, OVER) if one.origin == "cost-explorer"]
    assert states(found) == {"cost-explorer": "differs", "cost-explorer 11": "agrees", "cost-explorer 12": "differs"}
    assert [one.document for one in differences(found)] == [""]


# --- whatever comes ----------------------------------------------------------------------------

amounts = st.decimals(min_value=-1000, max_value=1000, places=2)
ledgers = st.lists(
    st.builds(
        LedgerTotal, st.sampled_from(["AWS", "Tencent"]), st.just("Issuer"), st.sampled_from(["1", "2"]),
        st.sampled_from(["USD", "CNY"]), st.sampled_from(["a", "b"]), st.sampled_from(["", "i1", "i2"]), amounts,
    ),
    max_size=8,
)  # fmt: skip
totals = st.lists(
    st.builds(
        Total, st.sampled_from(["manifest", "invoice", "invoice-detail", "cost-explorer"]),
        st.sampled_from(["AWS", "tencent"]), st.sampled_from(["1", "2", "3"]), st.just("2026-10"),
        st.sampled_from(["USD", "CNY"]), st.sampled_from(["i1", "i2", "a/all"]), amounts,
    ),
    max_size=8, unique_by=lambda one: one.key,
)  # fmt: skip


@given(ledgers, totals, st.randoms(use_true_random=False), st.booleans())
def test_the_order_that_totals_come_in_changes_nothing(
    ledger: list[LedgerTotal],
    stated: list[Total],
    chance: object,
    over: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    terms = Terms(UNITS, over=over, asked=frozenset({"1"}))
    first = agree(ledger, [], stated, terms)
    shuffled = list(ledger), list(stated)
    for listed in shuffled:
        chance.shuffle(listed)  # type: ignore[attr-defined]  # a random.Random
    assert agree(shuffled[0], [], shuffled[1], terms) == first
    assert agree(ledger, [], stated, terms) == first


@given(ledgers, totals)
def test_every_stated_amount_and_every_booked_one_is_in_exactly_one_comparison_of_its_origin(
    ledger: list[LedgerTotal], stated: list[Total]
) -> None:
    found = [one for one in agree(ledger, [], stated, OVER) if not one.document]
    for origin in {one.origin for one in stated}:
        for code in ("USD", "CNY"):
            mine = [one for one in found if (one.origin, one.currency) == (origin, code)]
            assert sum(one.stated or 0 for one in mine) == sum(
                one.amount for one in stated if (one.origin, one.currency) == (origin, code)
            )
    assert len({(one.subject) for one in found}) == len(found)


@given(ledgers)
def test_a_ledger_agrees_with_what_it_says_itself(ledger: list[LedgerTotal]) -> None:
    stated: dict[tuple[str, ...], Total] = {}
    for row in ledger:
        total = Total(
            "invoice", row.provider, row.account, "2026-10", row.currency, row.invoice or "none", row.billed_cost
        )
        known = stated.get(total.key)
        stated[total.key] = replace(total, amount=total.amount + known.amount) if known else total
    assert differences(agree(ledger, [], list(stated.values()), OVER)) == ()
