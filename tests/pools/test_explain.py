"""Why a charge is in its pool: what the explanation says is what the model does."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twinledger.books import Books
from twinledger.pools.explain import ChargeName, explain_charge, parse_charge
from twinledger.pools.overview import driver_text, pools_overview
from twinledger.store import Store
from twinledger.vocabulary.errors import InvalidPeriodError, UnknownNameError
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)
Do = Callable[..., Any]

KUBERNETES = ("kubernetes", "shared", [
    {"column": "ServiceName", "equals": ["EC2", "EKS"]}, {"column": "Tags.cluster", "prefix": "k8s-"},
])  # fmt: skip
MACHINES = ("machines", "direct", [{"column": "ServiceName", "prefix": "EC"}])
REST = ("rest", "direct", [{"column": "ProviderName", "equals": ["v"]}])


def test_an_explanation_says_what_each_tried_rule_found_and_who_was_not_asked(
    books: Books, pools: Do, bill: Do
) -> None:
    pools(KUBERNETES, MACHINES, REST)
    bill([{"ServiceName": "EC2", "Tags": '{"cluster": "vm"}', "ResourceId": "i-1"}])
    (found,) = explain_charge(books, ChargeName(1, source="bill", period="2026-10"))
    assert (found.pool, found.untried, found.resource) == ("machines", ("rest",), "i-1")
    tried = [(one.pool, [(r.column, r.operator, r.values, r.found, r.holds) for r in one.rules]) for one in found.tried]
    assert tried == [
        ("kubernetes", [("ServiceName", "equals", ("EC2", "EKS"), "EC2", True),
                        ("Tags.cluster", "prefix", ("k8s-",), "vm", False)]),
        ("machines", [("ServiceName", "prefix", ("EC",), "EC2", True)]),
    ]  # fmt: skip
    assert found.sentence == (
        "machines, and no other: all its rules hold, and the first such pool has the charge; each of the 1 tried "
        "before it has a rule that does not hold; the 1 after it are not tried: rest"
    )


def test_a_charge_in_no_pool_says_so(books: Books, pools: Do, bill: Do) -> None:
    pools(KUBERNETES, MACHINES)
    bill([{"ServiceName": "RDS"}])
    (found,) = explain_charge(books, ChargeName(1, source="bill", period="2026-10"))
    assert (found.pool, [one.holds for one in found.tried]) == ("", [False, False])
    assert found.sentence == "unassigned: each of the 2 pools has a rule that does not hold"


def test_a_row_of_several_deliveries_is_explained_for_each_and_one_delivery_alone(
    books: Books, pools: Do, bill: Do
) -> None:
    pools(REST)
    bill([{}], slices=2)
    assert [one.delivery for one in explain_charge(books, ChargeName(1, source="bill", period="2026-10"))] == [
        "d1",
        "d2",
    ]
    assert [one.delivery for one in explain_charge(books, parse_charge(["2026-10/d2#1"]))] == ["d2"]


def test_what_is_not_there_is_refused_by_name(books: Books, pools: Do, bill: Do) -> None:
    pools(REST)
    bill([{}])
    with pytest.raises(UnknownNameError, match=r"bill source named 'x': expected one of bill"):
        explain_charge(books, ChargeName(1, source="x", period="2026-10"))
    with pytest.raises(UnknownNameError, match="delivery named 'x'"):
        explain_charge(books, ChargeName(1, delivery="x"))
    with pytest.raises(
        UnknownNameError, match="charge of source bill named '2026-10#9': expected one of a row of 2026-10"
    ):
        explain_charge(books, ChargeName(9, source="bill", period="2026-10"))


def test_a_charge_is_named_in_the_ways_that_people_write_it() -> None:
    assert parse_charge(["aws", "2026-10", "17"]) == ChargeName(17, source="aws", period="2026-10")
    assert parse_charge(["2026-09/aws-1f#17"]) == ChargeName(17, delivery="aws-1f", period="2026-09")
    assert parse_charge(["aws-1f#17"]) == ChargeName(17, delivery="aws-1f")
    for words in (["17"], ["aws", "2026-10"], ["aws", "2026-10", "x"], ["#17"], ["aws-1f#"]):
        with pytest.raises(UnknownNameError, match="expected one of DELIVERY#ROW, PERIOD/DELIVERY#ROW, SOURCE PERIOD"):
            parse_charge(words)
    with pytest.raises(InvalidPeriodError, match="2026-13"):
        parse_charge(["aws", "2026-13", "1"])


@pytest.mark.parametrize(
    ("driver", "said"),
    [
        (None, ""),
        ({"kind": "even"}, "even shares"),
        (
            {"kind": "fixed", "shares": {"shop": "0.4"}, "pools": {"kube": "0.6"}},
            "fixed shares: shop 0.40, pool kube 0.60",
        ),
        ({"kind": "usage", "meter": "m/x", "pools": {"kube": ["a", "b"]}}, "usage of m/x: a, b for pool kube"),
    ],
)
def test_a_driver_is_told_in_words(driver: dict[str, object] | None, said: str) -> None:
    assert driver_text(driver) == said


def test_the_overview_counts_every_charge_once(books: Books, pools: Do, bill: Do) -> None:
    pools(KUBERNETES, MACHINES)
    bill([{"ServiceName": "EC2"}, {"ServiceName": "ECR"}, {}])
    assert [(one.pool, one.kind, one.rules, one.charges) for one in pools_overview(books, OCTOBER)] == [
        ("kubernetes", "shared", ("ServiceName is EC2 or EKS", "Tags.cluster starts with k8s-"), 0),
        ("machines", "direct", ("ServiceName starts with EC",), 2),
        ("unassigned", "", (), 1),
    ]
    assert [one.charges for one in pools_overview(books, None)] == [None, None, None]


texts = st.sampled_from(("a", "ab", "b", "abc"))
rules = st.builds(
    lambda column, values, prefix: {"column": column} | ({"prefix": values[0]} if prefix else {"equals": values}),
    st.sampled_from(("ServiceName", "ResourceId", "SubAccountId", "Tags.team", "Tags.a b")),
    st.lists(texts, min_size=1, max_size=2, unique=True),
    st.booleans(),
)
configured = st.lists(st.tuples(st.sampled_from(("shared", "direct")), st.lists(rules, max_size=2)), max_size=4)
charges = st.fixed_dictionaries({
    "ServiceName": texts, "ResourceId": st.none() | texts, "SubAccountId": st.none() | texts,
    "Tags": st.none() | st.just("no json") | st.dictionaries(st.sampled_from(("team", "a b")), texts).map(json.dumps),
})  # fmt: skip


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(configured, st.lists(charges, min_size=1, max_size=4))
def test_exactly_one_pool_or_none_has_each_charge_and_the_explanation_names_it(
    books: Books,
    pools: Do,
    bill: Do,
    empty: Callable[[Store], None],
    configured: list[tuple[str, list[dict[str, object]]]],
    charges: list[dict[str, object]],
) -> None:
    empty(books.store)
    pools(*((f"p{number}", kind, rules) for number, (kind, rules) in enumerate(configured)))
    bill(charges)
    named = Counter[str]()
    for row in range(1, len(charges) + 1):
        (found,) = explain_charge(books, ChargeName(row, source="bill", period="2026-10"))
        holding = [one.pool for one in found.tried if one.holds]
        assert holding == ([found.pool] if found.pool else [])
        assert [one.pool for one in found.tried][-1:] == holding or not found.pool
        named[found.pool or "unassigned"] += 1
    counted = {one.pool: one.charges for one in pools_overview(books, OCTOBER) if one.charges}
    assert counted == dict(named)
