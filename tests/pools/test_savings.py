"""What commitment discounts save goes where policy says, and nothing of it is lost on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinledger.books import Books
from twinledger.catalog.relations import DAY, Relation, parameters, view
from twinledger.engine.duck import DuckEngine
from twinledger.lake.tables import EXTERNAL_CHARGES, MONEY, TEXT, Column
from twinledger.pools.overview import pools_overview
from twinledger.pools.savings import PoolSavings, Savings, commitment_savings, divided
from twinledger.store.models import Pool
from twinledger.vocabulary.errors import MissingRateError
from twinledger.vocabulary.money import exact_sum
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import Settings

OCTOBER = Period(2026, 10)
SPEC = [{"column": "ServiceName", "equals": ["EKS"]}]
FINANCE = [{"column": "ServiceName", "equals": ["SavingsPlans"]}]
PURCHASE: dict[str, object] = {
    "ServiceName": "SavingsPlans", "ChargeCategory": "Purchase", "CommitmentDiscountId": "sp-1",
    "BilledCost": Decimal(60),
}  # fmt: skip
COVERED: dict[str, object] = {
    "ServiceName": "EKS", "CommitmentDiscountId": "sp-1", "CommitmentDiscountStatus": "Used",
    "ListCost": Decimal(120), "ContractedCost": Decimal(100), "EffectiveCost": Decimal(60),
}  # fmt: skip


@pytest.fixture
def bought(
    books: Books, pools: Callable[..., None], bill: Callable[[Sequence[dict[str, object]]], None]
) -> Callable[[str], Savings]:
    """Finance bought a savings plan that covers usage of kube; the savings by a policy of kube."""

    def found(policy: str) -> Savings:
        pools(("kube", "shared", SPEC), ("finance", "shared", FINANCE))
        with books.store.transaction() as session:
            session.get_one(Pool, "kube").savings = policy
        bill([PURCHASE, COVERED, {"ServiceName": "EKS", "EffectiveCost": Decimal(7)}])
        return commitment_savings(books, OCTOBER)

    return found


def test_the_usage_keeps_what_a_commitment_saves_on_it_unless_a_policy_says_otherwise(
    bought: Callable[[str], Savings],
) -> None:
    found = bought("usage")
    assert found.pools == (
        PoolSavings("finance", Decimal(0), Decimal(0), Decimal(0), Decimal(0)),
        PoolSavings("kube", Decimal(67), Decimal(0), Decimal(0), Decimal(67)),
    )
    assert [(one.saving, one.purchaser, one.receiver) for one in found.commitments] == [
        (Decimal(40), "finance", "kube"),
    ]


def test_who_bought_a_commitment_is_credited_with_what_it_saves_where_policy_says_so(
    bought: Callable[[str], Savings],
) -> None:
    found = bought("purchaser")
    assert found.pools == (
        PoolSavings("finance", Decimal(0), Decimal(0), Decimal(40), Decimal(-40)),
        PoolSavings("kube", Decimal(67), Decimal(40), Decimal(0), Decimal(107)),
    )
    assert found.cost == 67


def test_pools_show_tells_the_policy_and_no_amount(books: Books, bought: Callable[[str], Savings]) -> None:
    bought("purchaser")
    shown = pools_overview(books, OCTOBER)
    assert [(one.pool, one.savings) for one in shown] == [
        ("kube", "purchaser"), ("finance", "usage"), ("unassigned", "usage"),
    ]  # fmt: skip
    assert "40" not in str(shown)


def test_a_currency_without_a_rate_is_refused_by_name(
    books: Books, pools: Callable[..., None], bill: Callable[[Sequence[dict[str, object]]], None]
) -> None:
    pools(("kube", "shared", SPEC))
    bill([COVERED | {"BillingCurrency": "EUR"}])
    with pytest.raises(MissingRateError, match="EUR"):
        commitment_savings(books, OCTOBER)


amounts = st.decimals(min_value=-(10**6), max_value=10**6, places=18)
charges = st.tuples(
    st.sampled_from(["kube", "data", "finance", None]),  # pool
    st.sampled_from(["Usage", "Purchase", "Tax"]),
    st.sampled_from(["sp-1", "ri-2", None]),
    st.sampled_from(["Used", "Unused", None]),
    st.sampled_from(["USD", "EUR"]),
    amounts,  # contracted
    amounts,  # effective
)
PARTS = ("x_pool", "ChargeCategory", "CommitmentDiscountId", "CommitmentDiscountStatus", "BillingCurrency",
         "ContractedCost", "EffectiveCost")  # fmt: skip
USED = {*PARTS, "ProviderName", "BilledCost", "x_period"}
COLUMNS = (
    *(column for column in EXTERNAL_CHARGES.columns if column.name in USED),
    Column("x_pool", TEXT),
)
RATES = (Column("kind", TEXT), Column("day", DAY), Column("currency", TEXT), Column("rate", MONEY))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckEngine]:
    """Rates of 1 and 2, so that every product is exact and can be worked out in the test."""
    first = date(2026, 10, 1)
    rates: list[tuple[object, ...]] = [("period", first, "USD", Decimal(1)), ("period", first, "EUR", Decimal(2))]
    with DuckEngine("256MiB", 1, str(tmp_path_factory.mktemp("spill"))) as opened:
        view(opened, [Relation("rates", RATES, rates), parameters(OCTOBER, Settings())])
        yield opened


@settings(deadline=None, max_examples=40)
@given(
    charged=st.lists(charges, max_size=12),
    policies=st.fixed_dictionaries({name: st.sampled_from(["usage", "purchaser"]) for name in ("kube", "data")}),
)
def test_savings_move_between_pools_and_none_is_lost(
    engine: DuckEngine, charged: list[tuple[object, ...]], policies: dict[str, str]
) -> None:
    usual = {"ProviderName": "v", "x_period": "2026-10", "BilledCost": Decimal(1)}
    rows = [usual | dict(zip(PARTS, one, strict=True)) for one in charged]
    engine.view_rows("charge_pools", COLUMNS, [[row.get(column.name) for column in COLUMNS] for row in rows])
    found = divided(engine, sorted(policies.items()), OCTOBER, "USD")
    effective = exact_sum(_times(row["EffectiveCost"], row["BillingCurrency"]) for row in rows)
    assert found.cost == effective
    assert exact_sum(one.handed_over for one in found.pools) == exact_sum(one.credited for one in found.pools)
    for one in found.commitments:
        assert one.saving == one.without_commitment - one.effective_cost
        goes = one.purchaser if policies.get(one.pool) == "purchaser" and one.purchaser else one.pool
        assert one.receiver == goes
    for pool in found.pools:
        away = exact_sum(one.saving for one in found.commitments if one.pool == pool.pool != one.receiver)
        received = exact_sum(one.saving for one in found.commitments if one.receiver == pool.pool != one.pool)
        assert (pool.handed_over, pool.credited) == (away, received)
        assert pool.cost == exact_sum((pool.effective_cost, away, -received))


def _times(amount: object, currency: object) -> Decimal:
    value = Decimal(str(amount))
    return exact_sum((value, value)) if currency == "EUR" else value
