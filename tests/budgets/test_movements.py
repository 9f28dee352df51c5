"""Budget that moves: what one plan gives another one gets, nobody gives what is not left, and the tree adds up."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from tests.examples import examples
from twinledger.approvals import headroom
from twinledger.budgets import Variance, movements, roll_over, roll_up, transfer
from twinledger.clock import FixedClock
from twinledger.store import Store
from twinledger.store.models import AuditEntry, Budget, BudgetMovement, Department, PeriodState, Person
from twinledger.vocabulary.errors import InvalidMovementError, NotEntitledError, TwinledgerError, UnknownPersonError
from twinledger.vocabulary.money import Money, exact_sum
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import Settings

OCTOBER = Period(2026, 10)
NAMES = ("data", "shop", "web")


@dataclass(frozen=True)
class Desk:
    """What moving budget needs of a deployment."""

    settings: Settings
    store: Store
    clock: FixedClock


@pytest.fixture
def desk(store: Store, clock: FixedClock, tmp_path: Path) -> Desk:
    """Bob holds the shop's budget, Ada the group's above it, Mary is finance, Cy nobody; each plan is 1,000 USD."""
    with store.transaction() as session:
        for name, roles in (("ada", []), ("bob", []), ("cy", []), ("mary", ["finance"])):
            session.add(Person(name=name, title=name.title(), roles=list(roles)))
        for name, holder, parent in (("group", "ada", None), ("shop", "bob", "group"), ("data", "cy", "group"),
                                     ("web", "cy", None)):  # fmt: skip
            session.add(Department(name=name, title=name, parent=parent, cost_centre="1", owner=holder,
                                   budget_holder=holder, channel=f"#{name}", tenants=[]))  # fmt: skip
            session.flush()
        for name in NAMES:
            for period in (OCTOBER, OCTOBER.shift(1)):
                session.add(Budget(department=name, period=str(period), amount=Decimal(1000), currency="USD"))
    return Desk(Settings.model_validate({"home": tmp_path}), store, clock)


def left(desk: Desk, department: str, period: Period = OCTOBER, actual: str = "0") -> Decimal:
    with desk.store.transaction() as session:
        return headroom(session, department, str(period), Decimal(actual), "USD", desk.clock.now()).available


def give(
    desk: Desk, amount: str, *, who: str = "bob", actual: str = "0", giver: str = "shop", to: str = "data"
) -> None:
    transfer(
        desk, giver=giver, receiver=to, period=OCTOBER, amount=Decimal(amount), actual=Decimal(actual), who=who,
        reason="load test",
    )  # fmt: skip


def close(desk: Desk, period: Period) -> None:
    with desk.store.transaction() as session:
        session.add(PeriodState(period=str(period), state="closed"))


def test_what_one_department_gives_the_other_gets_and_it_is_on_record(desk: Desk) -> None:
    give(desk, "250.50")
    assert (left(desk, "shop"), left(desk, "data")) == (Decimal("749.50"), Decimal("1250.50"))
    with desk.store.reading() as session:
        (one,) = movements(session, OCTOBER, "data")
        entry = session.scalars(select(AuditEntry)).one()
    assert (one.kind, one.from_department, one.to_department, one.amount) == (
        "transfer", "shop", "data", Money(Decimal("250.50"), "USD"),
    )  # fmt: skip
    assert (entry.who, entry.action, entry.facts["amount"]) == ("bob", "budget.transfer", "250.50")


@pytest.mark.parametrize("who", ["ada", "mary"])
def test_who_is_above_or_of_finance_may_give_too(who: str, desk: Desk) -> None:
    give(desk, "1", who=who)
    assert left(desk, "data") == Decimal(1001)


REFUSED: dict[str, tuple[Callable[[Desk], None], type[TwinledgerError], str]] = {
    "more than is left": (lambda desk: give(desk, "700.01", actual="300"), InvalidMovementError, "at most the 700.00"),
    "nothing": (lambda desk: give(desk, "0"), InvalidMovementError, "above 0"),
    "less than nothing": (lambda desk: give(desk, "-1"), InvalidMovementError, "above 0"),
    "part of a cent": (lambda desk: give(desk, "0.001"), InvalidMovementError, "whole 0.01 USD"),
    "to itself": (lambda desk: give(desk, "1", to="shop"), InvalidMovementError, "another department"),
    "somebody else's": (lambda desk: give(desk, "1", who="cy"), NotEntitledError, "finance, or ada, bob"),
    "of nobody": (lambda desk: give(desk, "1", who="eve"), UnknownPersonError, "eve"),
    "without a plan": (lambda desk: give(desk, "1", to="group"), InvalidMovementError, "none of group for 2026-10"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_move_stays(name: str, desk: Desk) -> None:
    act, error, sentence = REFUSED[name]
    with pytest.raises(error, match=sentence):
        act(desk)
    assert [left(desk, one) for one in NAMES] == [Decimal(1000)] * 3


def test_nothing_moves_in_a_closed_period_but_what_is_left_to_the_next_once(desk: Desk) -> None:
    said = {"department": "shop", "period": OCTOBER, "actual": Decimal("912.345"), "who": "mary", "reason": "agreed"}
    with pytest.raises(InvalidMovementError, match="2026-10, open"):
        roll_over(desk, **said)  # type: ignore[arg-type]
    close(desk, OCTOBER)
    with pytest.raises(InvalidMovementError, match="2026-10, closed"):
        give(desk, "1")
    assert roll_over(desk, **said).amount == Money(Decimal("87.65"), "USD")  # type: ignore[arg-type]
    with pytest.raises(InvalidMovementError, match="something to leave"):
        roll_over(desk, **said)  # type: ignore[arg-type]
    assert left(desk, "shop", OCTOBER.shift(1)) == Decimal("1087.65")


def test_those_who_give_at_once_give_no_more_than_there_is(desk: Desk) -> None:
    def attempt(number: int) -> bool:
        try:
            give(desk, "300", to=("data", "web")[number % 2])
        except InvalidMovementError:
            return False
        return True

    with ThreadPoolExecutor(8) as people:
        done = list(people.map(attempt, range(8)))
    assert (sum(done), left(desk, "shop")) == (3, Decimal(100))


@examples(15)
@given(
    moves=st.lists(
        st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(1, 80_000), st.booleans()), max_size=8
    )
)
def test_whatever_moves_the_plans_of_all_add_up_to_what_they_were(
    desk: Desk, moves: list[tuple[str, str, int, bool]]
) -> None:
    with desk.store.transaction() as session:
        for row in session.scalars(select(BudgetMovement)):
            session.delete(row)
    for giver, to, cents, back in moves:
        for one, other in ((giver, to), (to, giver)) if back else ((giver, to),):
            try:
                give(desk, str(Decimal(cents).scaleb(-2)), who="mary", giver=one, to=other)
            except InvalidMovementError as error:
                assert error.field in ("amount", "receiver")  # noqa: PT017 - others would be a mistake of ours
        rest = [left(desk, name) for name in NAMES]
        assert (sum(rest), min(rest) >= 0) == (Decimal(3000), True)


# --- the tree ----------------------------------------------------------------------------------

cents = st.integers(0, 10**9).map(lambda one: Decimal(one).scaleb(-2))


def variance(name: str, plan: Decimal, actual: Decimal, committed: Decimal) -> Variance:
    planned, spent, held = (Money(one, "USD") for one in (plan, actual, committed))
    return Variance(name, planned, spent, held, spent + held - planned, over=False)


@given(st.data(), st.lists(st.tuples(cents, cents, cents), min_size=1, max_size=12))
def test_the_top_of_the_tree_adds_up_to_all_that_there_is(
    data: st.DataObject, amounts: list[tuple[Decimal, Decimal, Decimal]]
) -> None:
    names = [f"d{number:02}" for number in range(len(amounts))]
    parents = {name: data.draw(st.sampled_from([None, *names[:number]])) for number, name in enumerate(names)}
    found = [variance(name, *one) for name, one in zip(names, amounts, strict=True)]
    tree = roll_up(found, parents)
    assert sorted(one.department for _, one in tree) == names
    for field in ("plan", "actual", "committed", "variance"):
        top = exact_sum(getattr(one, field).amount for depth, one in tree if depth == 0)
        assert top == exact_sum(getattr(one, field).amount for one in found)
    by_name = {one.department: one for _, one in tree}
    for own in found:
        below = [by_name[name] for name, above in parents.items() if above == own.department]
        assert by_name[own.department].plan.amount == exact_sum([own.plan.amount, *(one.plan.amount for one in below)])


def test_a_department_stands_below_the_one_above_it_and_one_that_nobody_knows_at_the_top() -> None:
    one, nothing = Decimal(1), Decimal(0)
    found = [variance("web", one, nothing, nothing), variance("gone", one, Decimal(2), nothing)]
    tree = roll_up(found, {"shop": None, "web": "shop", "data": "shop"})
    assert [(depth, row.department, str(row.plan.amount)) for depth, row in tree] == [
        (0, "gone", "1"), (0, "shop", "1"), (1, "data", "0"), (1, "web", "1"),
    ]  # fmt: skip
