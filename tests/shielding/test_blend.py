"""Prices that are blended over contracts: proposed where they hide each of them, refused elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reconciliation.company import Charge, Internal
from tests.reconciliation.conftest import Company
from tests.reconciliation.conftest import company as company  # noqa: PLC0414 - a fixture of another folder
from twinledger.lake.tables import EXTERNAL_CHARGES, INTERNAL_CHARGES
from twinledger.shielding import BlendedPrice, ContractCost, blend, propose
from twinledger.shielding.figures import figures_in
from twinledger.vocabulary.errors import BlendRefusedError, UnknownNameError
from twinledger.vocabulary.money import exact_sum, round_to
from twinledger.vocabulary.periods import Period

CENT = Decimal("0.01")
AMOUNTS = st.decimals("0", "100000", places=6)
COSTS = st.lists(
    st.tuples(AMOUNTS, st.sampled_from([Decimal(1), Decimal("0.7"), Decimal("0.55"), Decimal("0.9")])), max_size=7
)
QUANTITIES = st.dictionaries(
    st.sampled_from(["shop", "pay", "data"]), st.decimals("0", "9999", places=3), min_size=1, max_size=3
)


def contracts(pairs: Iterable[tuple[Decimal, Decimal]]) -> list[ContractCost]:
    return [ContractCost(f"vendor {n}", listed, listed * part) for n, (listed, part) in enumerate(pairs)]


def three(*effective: str) -> list[ContractCost]:
    return [
        ContractCost(name, Decimal(cost) * 2, Decimal(cost)) for name, cost in zip("abcdef", effective, strict=False)
    ]


def tried(costs: list[ContractCost], quantities: dict[str, Decimal]) -> tuple[Decimal | None, str]:
    """The price, or what its refusal says."""
    try:
        return blend("vm/core", costs, quantities, "USD"), ""
    except BlendRefusedError as refused:
        return None, str(refused)


@given(COSTS, QUANTITIES)
def test_a_price_hides_each_contract_or_is_refused_without_a_figure(
    pairs: list[tuple[Decimal, Decimal]], quantities: dict[str, Decimal]
) -> None:
    costs = contracts(pairs)
    hidden = [one.effective_cost for one in costs if one.effective_cost not in (0, one.list_cost)]
    price, refused = tried(costs, quantities)
    if price is None:
        assert list(figures_in(refused)) == []
        return
    assert len(hidden) >= 3
    assert max(hidden) * 2 <= exact_sum(hidden)
    assert len(price.normalize().as_tuple().digits) <= 4
    totals = {round_to(price * quantity, CENT) for quantity in quantities.values()}
    assert totals.isdisjoint({round_to(cost, CENT) for cost in hidden})


@given(st.integers(1, 10**6))
def test_the_price_recovers_the_cost_to_four_digits(quantity: int) -> None:
    costs = three("3000.5", "2999.25", "2500.125", "10")
    price = blend("vm/core", costs, {"shop": Decimal(quantity)}, "USD")

    recovered = price * quantity
    assert abs(recovered - Decimal("8509.875")) <= Decimal("8509.875") * Decimal("0.0005")


@pytest.mark.parametrize(
    ("costs", "quantities", "reason"),
    [
        (three("10", "10"), {"shop": Decimal(7)}, "over 2 contracts with a discount, expected at least 3"),
        ([], {"shop": Decimal(7)}, "over 0 contracts"),
        (three("100", "50", "49"), {"shop": Decimal(7)}, "more than half"),
        (three("10", "10", "10"), {}, "nothing of it was metered"),
        (three("10", "10", "10"), {"shop": Decimal(0)}, "nothing of it was metered"),
        # 30 for 3 units is 10 a unit: the department that used one pays what each contract costs.
        (three("10", "10", "10"), {"shop": Decimal(1), "pay": Decimal(2)}, "the total of shop"),
    ],
)
def test_a_price_that_gives_a_contract_away_is_refused_with_the_reason(
    costs: list[ContractCost], quantities: dict[str, Decimal], reason: str
) -> None:
    with pytest.raises(BlendRefusedError, match=reason):
        blend("vm/core", costs, quantities, "USD")


def test_half_of_the_amount_is_not_more_than_half() -> None:
    assert blend("vm/core", three("100", "50", "50"), {"shop": Decimal(7)}, "USD") == Decimal("28.57")


def test_contracts_without_a_discount_hide_nobody() -> None:
    known = [ContractCost(name, Decimal(10), Decimal(10)) for name in "xyz"]

    with pytest.raises(BlendRefusedError, match="over 2 contracts"):
        blend("vm/core", [*three("10", "10"), *known], {"shop": Decimal(7)}, "USD")


def test_a_proposal_holds_no_cost() -> None:
    assert {field.name for field in fields(BlendedPrice)} == {"product", "meter", "price", "contracts"}


# --- from the books -----------------------------------------------------------------------------


def _charge(row: int, effective: str) -> Charge:
    cost = Decimal(effective)
    return Charge(row, resource=f"i-{row}", sku_meter="m1", effective=cost, listed=cost * 2, consumed=Decimal(10))


def _write(company: Company, issuers: dict[str, str]) -> None:
    records = [
        _charge(row, cost).record() | {"InvoiceIssuerName": issuer, "x_source": "aws", "x_slice": "all"}
        for row, (issuer, cost) in enumerate(issuers.items(), start=1)
    ]
    slot = {"x_source": "aws", "x_period": "2026-10", "x_slice": "all"}
    company._write(EXTERNAL_CHARGES, slot, records)  # noqa: SLF001 - as its `bill`, with the issuers of this test
    used = Internal("cluster", Decimal(3), quantity=Decimal(7)).record()
    company._write(INTERNAL_CHARGES, {"period": "2026-10"}, [used])  # noqa: SLF001


def test_a_price_is_proposed_from_a_pools_bills_and_its_usage(company: Company) -> None:
    _write(company, {"One": "30", "Two": "20", "Three": "25"})

    proposed = propose(company.books, "cluster", Period(2026, 10), "vm/core")

    assert (proposed.price.amount, proposed.price.currency) == (Decimal("10.71"), "USD")
    assert proposed.contracts == 3


def test_accounts_of_one_vendor_are_one_contract(company: Company) -> None:
    _write(company, {"One": "30", "Two": "20"})

    with pytest.raises(BlendRefusedError, match="over 2 contracts"):
        propose(company.books, "cluster", Period(2026, 10), "vm/core")


def test_a_meter_that_the_pool_has_no_capacity_of_is_named_with_those_it_has(company: Company) -> None:
    _write(company, {"One": "30", "Two": "20", "Three": "25"})

    with pytest.raises(UnknownNameError, match="vm/core"):
        propose(company.books, "cluster", Period(2026, 10), "gpu/cards")
