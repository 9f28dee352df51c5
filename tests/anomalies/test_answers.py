"""What people say of anomalies counts once, by who is entitled to it, and tunes the series from then on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from tests.examples import examples
from twinledger.anomalies import Anomaly, anomalies, answer, answers, open_anomalies
from twinledger.anomalies.answers import MOST, factors, tuned
from twinledger.anomalies.causes import Why
from twinledger.anomalies.detect import Bounds
from twinledger.anomalies.found import look
from twinledger.anomalies.record import Run, identity, write
from twinledger.anomalies.rhythm import DAILY
from twinledger.anomalies.sources import Key, Series
from twinledger.clock import FixedClock
from twinledger.store import Store
from twinledger.store.models import AnomalyRow, AuditEntry, Department, Person
from twinledger.vocabulary.audiences import View
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    InvalidActError,
    NotEntitledError,
    UnknownNameError,
    UnknownPersonError,
)
from twinledger.vocabulary.settings import Settings

TODAY = datetime.fromisoformat("2026-10-20T00:00:00+00:00")
DAYS = 70


@dataclass(frozen=True)
class Desk:
    """What answering needs of a deployment."""

    store: Store
    clock: FixedClock
    settings: Settings


BOTH = pytest.mark.parametrize("backend", ["sqlite", "postgresql"])


@pytest.fixture
def backend() -> str:
    """What is written and locked is asked of both databases, the rest of one."""
    return "sqlite"


@pytest.fixture
def desk(store: Store, clock: FixedClock) -> Desk:
    """Bob owns the shop, Ada holds the group's budget above it, Mary is finance, Cy nobody."""
    with store.transaction() as session:
        for name, roles in (("ada", []), ("bob", []), ("cy", []), ("mary", ["finance"])):
            session.add(Person(name=name, title=name.title(), roles=list(roles)))
        for name, owner, holder, parent in (("group", "cy2", "ada", None), ("shop", "bob", "cy3", "group")):
            session.add(Department(name=name, title=name, parent=parent, cost_centre="1", owner=owner,
                                   budget_holder=holder, channel="#c", tenants=[]))  # fmt: skip
            session.flush()
    return Desk(store, clock, Settings())


def series(changes: dict[int, int], final: int = DAYS, view: View = "internal") -> Series:
    """A hundred a day up to a day ten weeks and a bit ago, but for what is said of days by their number."""
    end = TODAY - timedelta(days=DAYS - final)
    days = {TODAY - timedelta(days=DAYS - number): Decimal(changes.get(number, 100)) for number in range(final)}
    return Series(Key(view, "shop", "vm"), DAILY, end, "USD", days)


def run(store: Store, one: Series) -> None:
    """What a run does with a series, without its causes."""
    with store.transaction() as session:
        said = {one.key: factors(session, one.key.view).get(one.key.name, [])}
        looked = look([one], Bounds(4.0, 0.1, 10.0), said)
        why = {identity(found): Why() for found in looked.found}
        write(session, Run(one.key.view, (one,), looked, {one.key: "Shop"}, why), TODAY)


def kept(store: Store, view: View = "internal") -> list[Anomaly]:
    with store.reading() as session:
        return open_anomalies(session, view)


def one_spike(store: Store, view: View = "internal") -> str:
    run(store, series({DAYS - 3: 300}, view=view))
    (found,) = kept(store, view)
    return found.id


@BOTH
def test_planned_and_no_dismiss_and_yes_does_not_each_with_its_audit_entry(desk: Desk) -> None:
    for number, verdict in enumerate(("yes", "no", "planned")):
        run(desk.store, series({DAYS - 4 + number: 300}))
        (found,) = kept(desk.store)
        said = answer(desk, found.id, "bob", verdict, "slack", f"click-{number}")
        assert (said.answer, said.state) == (verdict, "open" if verdict == "yes" else "dismissed")
    with desk.store.reading() as session:
        entries = session.scalars(select(AuditEntry)).all()
        assert [(one.who, one.action, one.facts["verdict"]) for one in entries] == [
            ("bob", "anomaly.answer", "yes"), ("bob", "anomaly.answer", "no"), ("bob", "anomaly.answer", "planned"),
        ]  # fmt: skip
        assert {one.verdict for one in answers(session, "internal")} == {"yes", "no", "planned"}


def test_a_dismissed_anomaly_stays_so_while_it_goes_on_and_takes_the_amounts_of_now(desk: Desk) -> None:
    answer(desk, one_spike(desk.store), "bob", "planned", "slack", "k")
    run(desk.store, series({DAYS - 3: 350}))
    with desk.store.reading() as session:
        (found,) = anomalies(session)
    assert (found.state, found.answer, str(found.impact)) == ("dismissed", "planned", "250.00 USD")


@BOTH
def test_an_answer_counts_once(desk: Desk) -> None:
    anomaly = one_spike(desk.store)
    assert answer(desk, anomaly, "bob", "no", "slack", "k") == answer(desk, anomaly, "bob", "no", "slack", "k")
    with pytest.raises(AlreadyDecidedError, match="already answered no by bob"):
        answer(desk, anomaly, "mary", "yes", "page", "other")
    with desk.store.reading() as session:
        assert len(session.scalars(select(AuditEntry)).all()) == 1


@pytest.mark.parametrize("who", ["bob", "ada", "mary"])
def test_the_department_those_above_it_and_finance_may_answer(desk: Desk, who: str) -> None:
    assert answer(desk, one_spike(desk.store), who, "yes", "slack", "k").answer == "yes"


def test_others_may_not(desk: Desk) -> None:
    anomaly = one_spike(desk.store)
    with pytest.raises(NotEntitledError, match="it is for finance, ada, bob, cy2, cy3"):
        answer(desk, anomaly, "cy", "yes", "slack", "k")


def test_what_vendors_really_charged_is_answered_by_finance_alone(desk: Desk) -> None:
    anomaly = one_spike(desk.store, "effective")
    with pytest.raises(NotEntitledError, match=r"it is for finance$"):
        answer(desk, anomaly, "bob", "yes", "slack", "k")
    assert answer(desk, anomaly, "mary", "yes", "slack", "k").answer == "yes"
    assert kept(desk.store, "internal") == []


def test_what_cannot_be_said_is_refused(desk: Desk) -> None:
    anomaly = one_spike(desk.store)
    with pytest.raises(InvalidActError, match="expected yes, no or planned"):
        answer(desk, anomaly, "bob", "maybe", "slack", "k")
    with pytest.raises(UnknownPersonError):
        answer(desk, anomaly, "nobody", "no", "slack", "k")
    with pytest.raises(UnknownNameError):
        answer(desk, "none", "bob", "no", "slack", "k")


def test_no_raises_the_bounds_of_days_to_come_and_leaves_what_was_found(desk: Desk) -> None:
    first = one_spike(desk.store)
    changes = {DAYS - 3: 300, DAYS - 2: 100, DAYS - 1: 100}
    answer(desk, first, "bob", "no", "slack", "k")
    with desk.store.reading() as session:
        assert factors(session, "internal") == {"shop / vm": [(TODAY, 1.25)]}
    later = series(changes)
    later.final += timedelta(days=2)
    later.amounts |= {TODAY: Decimal(112), TODAY + timedelta(days=1): Decimal(113)}
    run(desk.store, later)
    with desk.store.reading() as session:
        by_start = {one.start: one.state for one in anomalies(session)}
    assert by_start == {TODAY - timedelta(days=3): "dismissed", TODAY + timedelta(days=1): "open"}


@given(st.lists(st.sampled_from(["yes", "no", "planned"]), max_size=30))
def test_bounds_are_never_below_the_settings_nor_above_fourfold(said: list[str]) -> None:
    found = [factor for _, factor in tuned((TODAY, verdict) for verdict in said)]
    assert all(1.0 <= factor <= MOST for factor in found)
    undone = [*said, *(["yes"] * 10)]
    assert [factor for _, factor in tuned((TODAY, verdict) for verdict in undone)][-1:] in ([1.0], [])


changed = st.dictionaries(st.integers(40, DAYS - 1), st.sampled_from([0, 100, 300, 500]), max_size=4)


@examples(4)
@given(changed, changed, st.permutations([58, 64, DAYS]))
def test_the_order_of_runs_and_restatements_does_not_matter(
    desk: Desk, empty: Callable[[Store], None], before: dict[int, int], now: dict[int, int], finals: list[int]
) -> None:
    def shown() -> list[AnomalyRow]:
        with desk.store.reading() as session:
            rows = session.scalars(select(AnomalyRow).order_by(AnomalyRow.id)).all()
            session.expunge_all()
        return [row for row in rows if row.reason != "restatement" and row.known_through == TODAY]

    def facts(rows: list[AnomalyRow]) -> list[tuple[object, ...]]:
        return [(row.id, row.ended_at, row.actual, row.expected, row.shape, row.state) for row in rows]

    empty(desk.store)
    run(desk.store, series(now))
    at_once = facts(shown())
    empty(desk.store)
    for final in finals:
        run(desk.store, series(before, final))
    for final in [*finals, DAYS]:
        run(desk.store, series(now, final))
    assert facts(shown()) == at_once
