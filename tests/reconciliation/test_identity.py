"""Which break a finding is of: over runs in any order, and when its component changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from twinledger.reconciliation.breaks import Finding
from twinledger.reconciliation.updates import identified


@dataclass
class Row:
    """A break as the store has it."""

    id: str
    rule: str
    pool: str
    subject: str
    amount: Decimal
    found: bool = True


def finding(rule: str, amount: str, pool: str = "cluster", subject: str = "") -> Finding:
    return Finding(rule, pool, "2026-10", subject or pool, Decimal(amount), "USD", Decimal(0), "owner")


def row(identity: str, rule: str, amount: str, *, found: bool = True, pool: str = "cluster", subject: str = "") -> Row:
    return Row(identity, rule, pool, subject or pool, Decimal(amount), found)


def rules(of: dict[str, Finding]) -> dict[str, str]:
    return {identity: one.rule for identity, one in of.items()}


def test_a_break_whose_component_changes_is_the_same_break() -> None:
    assert rules(identified([finding("idle", "-9")], [row("a", "unmetered", "-10")])) == {"a": "idle"}


def test_what_is_much_more_or_much_less_or_of_the_other_sign_is_another_break() -> None:
    for amount in ("-21", "-4.99", "10"):
        found = identified([finding("idle", amount)], [row("a", "unmetered", "-10")])
        assert "a" not in found, amount


def test_a_component_that_is_still_found_is_not_taken_for_another() -> None:
    findings = [finding("unmetered", "-8"), finding("idle", "-10")]
    found = identified(findings, [row("a", "unmetered", "-10")])
    assert (found["a"].rule, len(found)) == ("unmetered", 2)


def test_of_several_the_nearest_in_money_are_paired() -> None:
    breaks = [row("a", "unmetered", "-10"), row("b", "unexplained", "-12")]
    findings = [finding("idle", "-11.9"), finding("non_usage", "-10.1")]
    assert rules(identified(findings, breaks)) == {"a": "non_usage", "b": "idle"}


def test_another_pool_or_subject_or_kind_is_another_break() -> None:
    known = [row("a", "unmetered", "-10"), row("b", "overcharge", "-10", subject="card-1")]
    findings = [
        finding("idle", "-10", pool="network"),
        finding("overcharge", "-10", subject="card-2"),
        finding("coverage", "-10"),
    ]
    assert identified(findings, known).keys().isdisjoint({"a", "b"})


def test_what_was_gone_comes_back_as_itself_unless_something_took_its_name() -> None:
    gone = finding("unmetered", "-3")
    assert rules(identified([gone], [row("a", "unmetered", "-10", found=False)])) == {"a": "unmetered"}
    # The break that was first called unmetered is an idle one now: a new unmetered one has an identity of its own.
    moved = row(gone.identity, "idle", "-10")
    found = identified([gone, finding("idle", "-10")], [moved])
    assert found[moved.id].rule == "idle"
    assert len(found) == 2


amounts = st.integers(-40, 40).filter(bool).map(Decimal)
components = st.sampled_from(("idle", "unmetered", "unbilled", "pricing", "unexplained", "overcharge"))
subjects = st.sampled_from(("cluster", "network"))
found_once = st.dictionaries(st.tuples(subjects, components), amounts, max_size=8)


def as_findings(found: dict[tuple[str, str], Decimal]) -> list[Finding]:
    return [finding(rule, str(amount), pool=pool) for (pool, rule), amount in found.items()]


def after(of: dict[str, Finding], before: Iterable[Row]) -> list[Row]:
    kept = {one.id: Row(one.id, one.rule, one.pool, one.subject, one.amount, found=False) for one in before}
    now = {key: Row(key, one.rule, one.pool, one.subject, one.amount) for key, one in of.items()}
    return list((kept | now).values())


@examples(100)
@given(st.lists(found_once, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_identity_is_the_same_whatever_order_findings_and_breaks_come_in(
    runs: list[dict[tuple[str, str], Decimal]], shuffle: Random
) -> None:
    breaks: list[Row] = []
    for found in runs:
        findings = as_findings(found)
        of = identified(findings, breaks, [one.id for one in breaks])
        mixed, others = findings[:], breaks[:]
        shuffle.shuffle(mixed)
        shuffle.shuffle(others)
        assert identified(mixed, others, [one.id for one in others]) == of
        assert sorted(map(repr, of.values())) == sorted(map(repr, findings))  # each is of one break
        breaks = after(of, breaks)
        assert identified(findings, breaks, [one.id for one in breaks]) == of  # the same run again
        still = [(one.pool, one.rule) for one in breaks if one.found]
        assert len(still) == len(set(still))


@examples(100)
@given(found_once, st.permutations(("idle", "unmetered", "unbilled", "pricing", "unexplained")))
def test_components_that_all_change_their_names_stay_the_same_breaks(
    found: dict[tuple[str, str], Decimal], names: list[str]
) -> None:
    """One component of each pool moves to another one, at the same money: no identity is lost, none is new."""
    one_each = {pool: (rule, amount) for (pool, rule), amount in found.items() if rule != "overcharge"}
    first = identified(as_findings({(pool, rule): amount for pool, (rule, amount) in one_each.items()}), [])
    renamed = {(pool, names[0]): amount for pool, (_, amount) in one_each.items()}
    assert identified(as_findings(renamed), after(first, [])).keys() == first.keys()
