"""Matching by resource and meter: aliases, groups, ambiguity, suggestions and who confirms them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from tests.examples import examples
from tests.reconciliation.company import END, Charge, Internal
from tests.reconciliation.conftest import Company
from tests.reconciliation.reference_matching import Alias, ambiguous, subjects
from twinledger.engine.duck import DuckEngine
from twinledger.lake.tables import TEXT, Column
from twinledger.reconciliation import (
    Reconciliation,
    confirm_match,
    match_suggestions,
    reconcile_period,
    resource_aliases,
    withdraw_match,
)
from twinledger.store import models
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    NotAllowedStateError,
    NotEntitledError,
    UnknownNameError,
    UnknownPersonError,
)
from twinledger.vocabulary.money import exact_sum
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)
ARN = "arn:aws:ec2:eu-west-1:1:instance/i-0abc"
BILLED = Charge(1, resource=ARN, sku_meter="m1", consumed=Decimal(10), listed=Decimal(10), effective=Decimal(8))
METERED = Internal("cluster", Decimal(7), resource="i-0abc")
PAIR = ("cluster", ARN, "i-0abc")

Side = dict[tuple[str, str], Decimal]
"""(pool, identifier) -> amount at the internal price."""

MODELS = ("alias_claims", "resource_groups", "resource_matches", "identifier_pairs", "ambiguous_matches")

names = st.sampled_from(("r1", "r2", "r3", "r4"))
sides = st.dictionaries(st.tuples(st.sampled_from(("a", "b")), names), st.integers(1, 99).map(Decimal), max_size=6)
identifiers = st.lists(names, min_size=1, max_size=2, unique=True).map(tuple)
declared = st.lists(
    st.builds(
        Alias,
        name=st.sampled_from(("one", "two", "three")),
        billed=identifiers,
        metered=identifiers,
        pool=st.sampled_from((None, "a")),
    ),
    max_size=3,
    unique_by=lambda one: one.name,
).map(tuple)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckEngine]:
    spill: Path = tmp_path_factory.mktemp("spill")
    with DuckEngine("512MiB", 1, str(spill)) as opened:
        yield opened


def columns(text: str) -> tuple[Column, ...]:
    parts = (part.partition(":") for part in text.split())
    return tuple(Column(name, kind or TEXT) for name, _, kind in parts)  # type: ignore[arg-type]  # types as text


def match(engine: DuckEngine, billed: Side, metered: Side, aliases: tuple[Alias, ...]) -> None:
    """Each resource has one meter, whose quantity is its amount."""
    money = "DECIMAL(38,18)"
    engine.view_rows(
        "part_sums",
        columns(
            f"pool class resource product meter service charges:BIGINT list_cost:{money} effective_cost:{money} "
            f"capacity_quantity:{money} capacity_amount:{money}"
        ),
        [(pool, "capacity", name, "vm", "core", "S", 1, amount, amount, amount, amount)
         for (pool, name), amount in billed.items()],
    )  # fmt: skip
    engine.view_rows(
        "internal_parts",
        columns(f"pool class resource product meter records:BIGINT quantity:{money} list_amount:{money}"),
        [(pool, "metered", name, "vm", "core", 1, amount, amount) for (pool, name), amount in metered.items()],
    )
    engine.view_rows(
        "resource_aliases",
        columns("alias pool kind side resource"),
        [(one.name, one.pool, "alias" if len(one.billed) == len(one.metered) == 1 else "group", side, name)
         for one in aliases for side, of in (("billed", one.billed), ("metered", one.metered)) for name in of],
    )  # fmt: skip
    engine.view_rows("parameters", columns("period reporting_currency"), [("2026-10", "USD")])
    for model in MODELS:
        engine.view_model(f"reconciliation/{model}")


def matches(engine: DuckEngine) -> dict[tuple[str, str], tuple[str, Decimal]]:
    return {
        (row["pool"], row["resource"]): (row["component"], row["amount"]) for row in engine.rows("resource_matches")
    }


def expected(billed: Side, metered: Side, aliases: tuple[Alias, ...]) -> dict[tuple[str, str], tuple[str, Decimal]]:
    """One resource after the other, as matching is defined."""
    under = subjects(aliases, billed, metered)
    bought = {(pool, under.get((pool, name), name)) for pool, name in billed}
    used = {(pool, under.get((pool, name), name)) for pool, name in metered}
    found: dict[tuple[str, str], tuple[str, Decimal]] = {}
    for key in bought | used:
        component = "idle" if key in bought and key in used else "unmetered" if key in bought else "unbilled"
        spent = [-amount for (pool, name), amount in billed.items() if (pool, under.get((pool, name), name)) == key]
        seen = [amount for (pool, name), amount in metered.items() if (pool, under.get((pool, name), name)) == key]
        found[key] = (component, exact_sum([*spent, *seen]))
    return found


@examples(40)
@given(billed=sides, metered=sides, aliases=declared, order=st.randoms(use_true_random=False))
def test_matches_are_those_of_a_slow_reference_in_any_order_of_aliases_and_lose_nothing(
    engine: DuckEngine, billed: Side, metered: Side, aliases: tuple[Alias, ...], order: Random
) -> None:
    shuffled = list(aliases)
    order.shuffle(shuffled)
    match(engine, billed, metered, tuple(shuffled))
    assert matches(engine) == expected(billed, metered, aliases)
    total = exact_sum([*metered.values(), *(-amount for amount in billed.values())])
    assert exact_sum(amount for _, amount in matches(engine).values()) == total
    found = engine.rows("ambiguous_matches")
    assert {(row["pool"], row["side"], row["resource"]) for row in found} == ambiguous(aliases, billed, metered)
    assert all(row["amount"] == (metered if row["side"] == "metered" else {k: -v for k, v in billed.items()})
               [row["pool"], row["resource"]] for row in found)  # fmt: skip


# --- in the books --------------------------------------------------------------------------------


def people(company: Company) -> None:
    company.add(
        models.Person(name="carol", title="C", roles=["finance"]), models.Person(name="judy", title="J", roles=[])
    )


def amounts(result: Reconciliation) -> dict[str, Decimal]:
    return {row.component: row.amount for row in result.bridge if row.amount and row.pool == "cluster"}


def alias(name: str, billed: list[str], metered: list[str], **more: str) -> models.ResourceAlias:
    values = {"pool": "cluster", "effective_from": "2026-10", "note": "", **more}
    return models.ResourceAlias(name=name, billed=billed, metered=metered, **values)


def test_a_suggestion_is_used_for_nothing_until_somebody_confirms_it_and_is_then_an_alias(company: Company) -> None:
    people(company)
    company.bill([BILLED])
    company.rate([METERED])
    before = reconcile_period(company.books, OCTOBER)
    assert amounts(before) == {"discount_kept": 2, "unmetered": -10, "unbilled": 7}
    (suggestion,) = before.matching.suggestions
    assert (suggestion.billed, suggestion.metered, suggestion.likeness, suggestion.amount) == (
        ARN, "i-0abc", "tail", Decimal(-3),
    )  # fmt: skip
    row = confirm_match(company.books, OCTOBER, PAIR, "carol", "asked the cluster's owner")
    after = reconcile_period(company.books, OCTOBER)
    assert amounts(after) == {"discount_kept": 2, "idle": -3}
    assert after.matching.suggestions == ()
    assert [(one.confirmed_by, one.billed) for one in resource_aliases(company.books)] == [("carol", [ARN])]
    with company.books.store.reading() as session:
        entries = session.scalars(select(models.AuditEntry).where(models.AuditEntry.action == "match.confirm")).all()
    assert [(one.who, one.subject, one.facts["metered"]) for one in entries] == [("carol", row.name, ["i-0abc"])]
    withdraw_match(company.books, row.name, OCTOBER, "carol")
    assert amounts(reconcile_period(company.books, OCTOBER)) == amounts(before)
    company.add(alias("declared", [ARN], ["i-0abc"]))
    declared_one = reconcile_period(company.books, OCTOBER)
    assert (declared_one.bridge, declared_one.matches) == (after.bridge, after.matches)


def test_only_finance_and_the_pools_owner_confirm_what_is_suggested_once_and_in_an_open_period(
    company: Company,
) -> None:
    people(company)
    company.add(models.Person(name="cluster-owner", title="O", roles=[]))
    company.bill([BILLED])
    company.rate([METERED])
    with pytest.raises(UnknownPersonError):
        confirm_match(company.books, OCTOBER, PAIR, "mallory")
    with pytest.raises(NotEntitledError, match="finance's to confirm, or the pool's owner's"):
        confirm_match(company.books, OCTOBER, PAIR, "judy")
    with pytest.raises(UnknownNameError, match="no suggestion named 'cluster = x = y'"):
        confirm_match(company.books, OCTOBER, ("cluster", "x", "y"), "carol")
    confirmed = confirm_match(company.books, OCTOBER, PAIR, "cluster-owner")
    with pytest.raises(AlreadyDecidedError, match="confirmed by cluster-owner"):
        confirm_match(company.books, OCTOBER, PAIR, "carol")
    company.add(models.PeriodState(period="2026-10", state="closed"))
    with pytest.raises(NotAllowedStateError):
        withdraw_match(company.books, confirmed.name, OCTOBER, "carol")
    withdraw_match(company.books, confirmed.name, OCTOBER.shift(1), "carol")
    assert [one.effective_to for one in resource_aliases(company.books)] == ["2026-11"]


def test_what_fits_several_is_a_break_with_its_money_and_candidates_and_is_matched_with_none(
    company: Company,
) -> None:
    company.bill([BILLED, replace(BILLED, row=2, resource="arn:aws:ec2:eu-west-1:2:instance/i-0abc")])
    company.rate([METERED])
    result = reconcile_period(company.books, OCTOBER)
    assert amounts(result) == {"discount_kept": 4, "unmetered": -20, "unbilled": 7}
    (found,) = result.matching.ambiguities
    assert found.candidates == " | ".join(sorted([ARN, "arn:aws:ec2:eu-west-1:2:instance/i-0abc"]))
    (one,) = [one for one in result.breaks if one.rule == "ambiguous_match"]
    assert (one.subject, one.amount, one.pool, one.owner) == (
        "metered i-0abc", Decimal(7), "cluster", "cluster-owner",
    )  # fmt: skip
    company.add(alias("both", sorted(found.candidates.split(" | ")), ["i-0abc"]))
    grouped = reconcile_period(company.books, OCTOBER)
    assert amounts(grouped) == {"discount_kept": 4, "idle": -13}
    assert [(one.resource, one.amount) for one in grouped.matches] == [("group both", Decimal(-13))]
    assert not [one for one in grouped.breaks if one.rule == "ambiguous_match"]


def test_one_billed_cluster_against_its_nodes_is_a_group_that_ends_with_its_month(company: Company) -> None:
    company.bill([replace(BILLED, resource="cluster/prod")])
    company.rate([replace(METERED, resource=node, amount=Decimal(4)) for node in ("node-1", "node-2")])
    company.add(alias("prod", ["cluster/prod"], ["node-1", "node-2"], effective_to="2026-11"))
    result = reconcile_period(company.books, OCTOBER)
    assert amounts(result) == {"discount_kept": 2, "idle": -2}
    (difference,) = result.matching.differences
    assert (difference.resource, difference.side, difference.quantity, difference.amount) == (
        "group prod", "quantity_differs", Decimal(-18), Decimal(-2),
    )  # fmt: skip
    company.bill([replace(BILLED, resource="cluster/prod", started_at=END)], period="2026-11")
    company.rate([replace(METERED, resource="node-1")], period="2026-11")
    november = reconcile_period(company.books, OCTOBER.shift(1))
    assert {one.component for one in november.matches} == {"unmetered", "unbilled"}


def test_resources_whose_quantities_agree_day_by_day_are_suggested_when_somebody_asks(company: Company) -> None:
    first = replace(BILLED, resource="disk-7", consumed=Decimal(3))
    later = replace(first, row=2, consumed=Decimal(4), started_at=first.started_at.replace(day=2))
    company.bill([first, later])
    used = Internal("cluster", Decimal(3), resource="vol-x", quantity=Decimal(6))
    company.rate([used, replace(used, amount=Decimal(4), quantity=Decimal(8), started_at=later.started_at)])
    assert reconcile_period(company.books, OCTOBER).matching.suggestions == ()
    (found,) = match_suggestions(company.books, OCTOBER)
    assert (found.billed, found.metered, found.likeness, found.amount) == ("disk-7", "vol-x", "days", Decimal(0))
