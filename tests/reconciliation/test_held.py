"""The held share of months: what the bridge says, beside what ownership alone would leave."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinledger.books import Books
from twinledger.reconciliation import (
    BridgeRow,
    HeldPart,
    Match,
    Ownerless,
    PoolTotal,
    Reconciliation,
    RollForward,
    Tally,
    held_month,
    held_months,
)
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.periods import Period

NONE = Tally(0, Decimal(0))


def row(pool: str, component: str, amount: str) -> BridgeRow:
    return BridgeRow(pool, component, Decimal(amount), "USD", 1)


def total(pool: str, external: str) -> PoolTotal:
    return PoolTotal(pool, Decimal(0), Decimal(external), -Decimal(external))


def match(pool: str, component: str, resource: str, amount: str) -> Match:
    return Match(pool, component, resource, "EC2", Decimal(0), Decimal(0), Decimal(amount), 1, 0)


OCTOBER = Reconciliation(
    run_id="run-1",
    period=Period(2026, 10),
    verdict="breaks",
    currency="USD",
    ran_at=datetime(2026, 11, 6, tzinfo=UTC),
    bridge=(
        row("gpu", "discount_kept", "500"),
        row("gpu", "idle", "-20"),
        row("gpu", "unmetered", "-10"),
        row("cluster", "non_usage", "-70"),
        row("cluster", "idle", "0"),
        row("unassigned", "unassigned", "-5"),
    ),
    totals=(total("cluster", "95"), total("gpu", "900"), total("unassigned", "5")),
    matches=(
        match("gpu", "idle", "i-1", "-5"),
        match("gpu", "idle", "i-2", "-15"),
        match("gpu", "unmetered", "", "-10"),
        match("cluster", "unbilled", "i-3", "40"),
    ),
    meters=(),
    claims=(),
    claim_lines=(),
    breaks=(),
    missing=(),
    warnings=(),
    tolerances=(),
    roll_forward=RollForward(NONE, NONE, NONE, NONE),
    docs="",
    changed=False,
    ownership=(
        Ownerless("cluster", "EKS", Decimal(25), 3),
        Ownerless("gpu", "EC2", Decimal(890), 9),
        Ownerless("unassigned", "S3", Decimal(5), 1),
    ),
)


def test_the_held_share_is_idle_unmetered_and_unassigned_over_all_that_vendors_charge() -> None:
    month = held_month(OCTOBER, [("gpu", "gpu/card-hours")])

    assert (month.external, month.held, month.share) == (Decimal(1000), Decimal(35), Decimal("3.50"))
    assert (month.owned, month.owned_share) == (Decimal(920), Decimal("92.00"))
    assert [(pool.pool, pool.held, pool.owned, pool.share, pool.meters) for pool in month.pools] == [
        ("cluster", Decimal(0), Decimal(25), Decimal(0), ()),
        ("gpu", Decimal(30), Decimal(890), Decimal("3.33"), ("gpu/card-hours",)),
        ("unassigned", Decimal(5), Decimal(5), Decimal(100), ()),
    ]


def test_causes_are_named_by_their_largest_resources_or_services() -> None:
    causes = [(one.pool, one.component, one.amount, one.largest) for one in held_month(OCTOBER).causes]

    assert causes == [
        ("gpu", "idle", Decimal(20), (HeldPart("i-2", "EC2", Decimal(15)), HeldPart("i-1", "EC2", Decimal(5)))),
        ("gpu", "unmetered", Decimal(10), (HeldPart("no resource", "EC2", Decimal(10)),)),
        ("unassigned", "unassigned", Decimal(5), (HeldPart("", "S3", Decimal(5)),)),
    ]


def test_where_vendors_charged_nothing_there_is_no_share() -> None:
    month = held_month(replace(OCTOBER, bridge=(), totals=(), ownership=()))

    assert (month.share, month.owned_share, month.causes) == (None, None, ())


AMOUNTS = st.decimals(min_value=-(10**12), max_value=10**12, places=9)
ROWS = st.lists(
    st.builds(
        BridgeRow,
        st.sampled_from(["gpu", "cluster"]),
        st.sampled_from(["idle", "unmetered", "unassigned", "pricing"]),
        AMOUNTS,
        st.just("USD"),
        st.just(1),
    ),
    max_size=8,
    unique_by=lambda one: (one.pool, one.component),
)


@given(ROWS)
def test_pools_and_causes_add_up_to_what_is_held(bridge: list[BridgeRow]) -> None:
    month = held_month(replace(OCTOBER, bridge=tuple(bridge), totals=(total("gpu", "3"), total("cluster", "4"))))

    assert sum(pool.held for pool in month.pools) == month.held
    assert sum(cause.amount for cause in month.causes) == month.held


def test_a_month_that_was_never_reconciled_is_refused_and_without_any_there_is_no_report(books: Books) -> None:
    assert held_months(books) == []
    with pytest.raises(UnknownNameError, match="2026-10"):
        held_months(books, Period(2026, 10))
