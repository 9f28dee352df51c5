"""What people do with breaks between runs, and the books that roll forward over all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from tests.examples import examples
from twinledger.books import Books
from twinledger.clock import FixedClock
from twinledger.deeds import Act
from twinledger.outbox import Message, enqueue
from twinledger.reconciliation import (
    Wanted,
    accept,
    acknowledge,
    assign,
    break_lines,
    break_view,
    comment,
    find_break,
    fix,
    snooze,
)
from twinledger.reconciliation.breaks import Change, Finding
from twinledger.reconciliation.updates import stirred_periods, update_breaks
from twinledger.signing import lock
from twinledger.store import Store, models
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    AmbiguousNameError,
    ConcurrentChangeError,
    InvalidActError,
    NotEntitledError,
    SignedError,
    TwinledgerError,
    UnknownNameError,
    UnknownPersonError,
)
from twinledger.vocabulary.money import exact_sum

PERIOD = "2026-10"


@dataclass
class Desk:
    """One period's breaks: runs that find what a test says, and people who work on them."""

    books: Books
    clock: FixedClock
    runs: Iterator[int] = field(default_factory=lambda: count(1))
    clicks: Iterator[int] = field(default_factory=lambda: count(1))

    def run(self, found: dict[str, str], only: tuple[str, ...] = ()) -> Change:
        """A run that finds "rule subject" -> amount, in the pool `cluster`, tolerated to 1."""
        findings = [self.finding(name, amount) for name, amount in found.items()]
        with self.books.store.transaction() as session:
            number = next(self.runs)
            return update_breaks(session, PERIOD, findings, f"run-{number}", self.clock.now(), only)

    def finding(self, name: str, amount: str) -> Finding:
        rule, _, subject = name.partition(" ")
        return Finding(rule, "cluster", PERIOD, subject or "cluster", Decimal(amount), "USD", Decimal(1), "owen")

    def act(self, break_id: str, who: str = "ada", seen: int | None = None) -> Act:
        return Act(break_id, who, "page", f"click-{next(self.clicks)}", seen)

    def row(self, break_id: str) -> models.Break:
        with self.books.store.reading() as session:
            return session.get_one(models.Break, break_id)

    def only(self) -> str:
        with self.books.store.reading() as session:
            return session.scalars(select(models.Break.id)).one()


def person(name: str, *roles: str, slack_user: str | None = None) -> models.Person:
    return models.Person(name=name, title=name.title(), slack_user=slack_user, airflow_user=None, roles=list(roles))


def people() -> list[models.Person]:
    """Ada and Fay are of finance, Owen owns the pool, Eve is anybody."""
    return [person("ada", "finance"), person("fay", "finance", slack_user="U0FAY"), person("owen"), person("eve")]


@pytest.fixture
def desk(books: Books, clock: FixedClock) -> Desk:
    with books.store.transaction() as session:
        session.add_all(people())
    return Desk(books, clock)


# --- one break -------------------------------------------------------------------------------


def test_a_break_is_acknowledged_once_and_the_second_is_told_who_was_first(desk: Desk) -> None:
    desk.run({"coverage": "-10"})
    done = acknowledge(desk.books, desk.act(desk.only()))
    assert (done.state, done.who, done.duplicate) == ("acknowledged", "ada", False)
    with pytest.raises(AlreadyDecidedError, match="already acknowledged by Ada at 2026-10-20T09:00:00"):
        acknowledge(desk.books, desk.act(desk.only(), "fay"))


def test_a_click_that_comes_again_is_a_duplicate(desk: Desk) -> None:
    desk.run({"coverage": "-10"})
    click = desk.act(desk.only())
    first, again = comment(desk.books, click, "looking"), comment(desk.books, click, "looking")
    assert (first.duplicate, again.duplicate) == (False, True)
    assert [one.text for one in break_view(desk.books, desk.only()).comments] == ["looking"]


def test_only_finance_the_owner_and_the_assignee_may_and_nobody_is_refused_by_name(desk: Desk) -> None:
    desk.run({"coverage": "-10"})
    one = desk.only()
    with pytest.raises(NotEntitledError, match=r"eve may not decide break .*owner \(owen\)"):
        acknowledge(desk.books, desk.act(one, "eve"))
    with pytest.raises(UnknownPersonError, match="zoe"):
        acknowledge(desk.books, desk.act(one, "zoe"))
    comment(desk.books, desk.act(one, "owen"), "mine")
    assign(desk.books, desk.act(one), "eve")
    acknowledge(desk.books, desk.act(one, "eve"))
    actions = [entry.action for entry in break_view(desk.books, one).history]
    assert actions == [
        "break.acknowledge.refused", "break.acknowledge.refused", "break.comment", "break.assign", "break.acknowledge",
    ]  # fmt: skip


def test_whom_a_break_is_given_to_is_told_without_a_figure(desk: Desk) -> None:
    desk.run({"coverage": "-1234.56"})
    assign(desk.books, desk.act(desk.only()), "fay")
    with desk.books.store.reading() as session:
        item = session.scalars(select(models.OutboxItem)).one()
    assert (item.kind, item.channel, item.audience) == ("break_assigned", "U0FAY", "everyone")
    assert "1234" not in repr(item.facts)
    with pytest.raises(UnknownPersonError):
        assign(desk.books, desk.act(desk.only()), "zoe")


def test_what_somebody_looked_at_must_still_be_so(desk: Desk) -> None:
    desk.run({"coverage": "-10"})
    desk.run({"coverage": "-11"})
    with pytest.raises(ConcurrentChangeError, match="at revision 2, not at revision 1"):
        accept(desk.books, desk.act(desk.only(), seen=1), "fine")
    assert desk.row(desk.only()).state == "new"


@pytest.mark.parametrize("hours", [0, -1, 24 * 366 + 1])
def test_a_snooze_ends_within_a_year_and_not_before_it_began(desk: Desk, hours: int) -> None:
    desk.run({"coverage": "-10"})
    with pytest.raises(InvalidActError, match="until is"):
        snooze(desk.books, desk.act(desk.only()), desk.clock.now() + timedelta(hours=hours))


def test_a_snoozed_break_wakes_when_its_time_is_over(desk: Desk) -> None:
    desk.run({"coverage": "-10"})
    one = desk.only()
    snooze(desk.books, desk.act(one), desk.clock.now() + timedelta(days=2))
    desk.run({"coverage": "-9"})
    assert desk.row(one).state == "snoozed"
    desk.clock.advance(timedelta(days=2))
    assert break_view(desk.books, one).line.state == "new"  # before any run has seen it
    with desk.books.store.reading() as session:
        assert stirred_periods(session, desk.clock.now()) == {PERIOD}
    (event,) = desk.run({"coverage": "-9"}).events
    assert (event.action, event.facts["reason"]) == ("break.woken", "its time is over")
    assert (desk.row(one).state, desk.row(one).snoozed_until) == ("new", None)


@pytest.mark.parametrize(("amount", "state"), [("-10", "snoozed"), ("-9", "snoozed"), ("-10.01", "new"), ("9", "new")])
def test_a_snoozed_break_wakes_when_it_grows_beyond_what_was_snoozed(desk: Desk, amount: str, state: str) -> None:
    desk.run({"coverage": "-10"})
    snooze(desk.books, desk.act(desk.only()), desk.clock.now() + timedelta(days=9))
    desk.run({"coverage": amount})
    assert desk.row(desk.only()).state == state


def test_an_accepted_break_stays_so_within_tolerance_and_is_new_again_beyond_it(desk: Desk) -> None:
    desk.run({"coverage": "-10"})
    one = desk.only()
    accept(desk.books, desk.act(one), "agreed with the vendor")
    row = desk.row(one)
    assert (row.state, row.resolution, row.note) == ("resolved", "accepted", "agreed with the vendor")
    assert row.evidence is not None
    assert (row.evidence["amount"], row.evidence["run"]) == ("-10.00", "run-1")
    assert desk.run({"coverage": "-11"}).open == ()
    (event,) = desk.run({"coverage": "-11.5"}).events
    assert event.action == "break.reopened"
    assert event.facts == {
        "reason": "another amount than the accepted one", "amount": "-11.50", "accepted": "-10.00",
        "resolution": "accepted",
    }  # fmt: skip
    assert (desk.row(one).state, desk.row(one).evidence) == ("new", None)


def test_a_break_that_was_fixed_is_new_again_when_the_next_run_still_finds_it(desk: Desk) -> None:
    desk.run({"coverage": "-10"})
    one, opened_at = desk.only(), desk.row(desk.only()).opened_at
    fix(desk.books, desk.act(one), "JE-2026-118")
    desk.clock.advance(timedelta(days=3))
    with desk.books.store.reading() as session:
        assert stirred_periods(session, desk.clock.now()) == {PERIOD}
    change = desk.run({"coverage": "-10"})
    assert [one.facts["reference"] for one in change.events] == ["JE-2026-118"]
    assert (desk.row(one).state, desk.row(one).opened_at) == ("new", opened_at)
    forward = change.roll_forward
    assert (forward.opening.count, forward.new.count, forward.fixed.count, forward.closing.count) == (1, 1, 1, 1)
    fix(desk.books, desk.act(one), "JE-2026-119")
    forward = desk.run({}).roll_forward
    assert (forward.resolved.count, forward.fixed.count, forward.cleared.count, forward.closing.count) == (1, 1, 0, 0)


def statement(state: str) -> models.Signature:
    return models.Signature(
        period=PERIOD, pool="cluster", state=state, revision=1, figures={}, ledgers="", decided_by="fay"
    )


def test_nothing_is_done_while_the_statement_is_signed(desk: Desk) -> None:
    desk.run({"coverage": "-10"})
    with desk.books.store.transaction() as session:
        session.add(statement("signed"))
    one = desk.only()
    with pytest.raises(SignedError):
        comment(desk.books, desk.act(one), "too late")
    with pytest.raises(SignedError):
        fix(desk.books, desk.act(one), "JE-1")
    view = break_view(desk.books, one)
    assert (view.line.state, view.comments, view.history) == ("new", (), ())


def test_nothing_is_done_with_a_resolved_break_but_to_comment(desk: Desk) -> None:
    desk.run({"coverage": "-10"})
    one = desk.only()
    desk.run({})
    deeds: tuple[Callable[[], object], ...] = (
        lambda: acknowledge(desk.books, desk.act(one)),
        lambda: snooze(desk.books, desk.act(one), desk.clock.now() + timedelta(days=1)),
        lambda: accept(desk.books, desk.act(one), "fine"),
        lambda: fix(desk.books, desk.act(one), "JE-1"),
        lambda: assign(desk.books, desk.act(one), "fay"),
    )
    for deed in deeds:
        with pytest.raises(AlreadyDecidedError, match="already cleared by reconciliation"):
            deed()
    assert comment(desk.books, desk.act(one), "good").state == "resolved"


def test_a_break_keeps_its_age_owner_and_comments_when_its_component_changes(desk: Desk) -> None:
    desk.run({"unmetered": "-10"})
    one = desk.only()
    comment(desk.books, desk.act(one), "the meter is coming")
    assign(desk.books, desk.act(one), "fay")
    desk.clock.advance(timedelta(days=9))
    change = desk.run({"idle": "-8"})
    assert [(event.action, event.facts) for event in change.events] == [
        ("break.reclassified", {"before": "unmetered", "after": "idle"})
    ]
    view = break_view(desk.books, one)
    assert (view.line.rule, view.line.assignee, view.line.age_days, view.line.age_class) == ("idle", "fay", 9, "8-30")
    assert [said.text for said in view.comments] == ["the meter is coming"]


def test_an_incomplete_run_counts_what_people_resolved_of_rules_that_it_did_not_look_for(desk: Desk) -> None:
    desk.run({"idle": "-10", "coverage": "-3"})
    idle = next(one.id for one in break_lines(desk.books) if one.rule == "idle")
    fix(desk.books, desk.act(idle), "JE-1")
    forward = desk.run({"coverage": "-3"}, only=("coverage",)).roll_forward
    found = [str(tally.amount.quantize(Decimal(1))) for tally in (forward.opening, forward.fixed, forward.closing)]
    assert found == ["-13", "-10", "-3"]


def test_the_list_is_filtered_and_ranked_by_money(desk: Desk) -> None:
    desk.run({"coverage a": "-10", "coverage b": "2000", "coverage c": "150"})
    lines = break_lines(desk.books)
    assert [(one.subject, one.priority) for one in lines] == [("b", "high"), ("c", "medium"), ("a", "low")]
    fix(desk.books, desk.act(lines[0].id), "JE-1")
    assert [one.subject for one in break_lines(desk.books, Wanted(state="fixed"))] == ["b"]
    assert [one.subject for one in break_lines(desk.books, Wanted(owner="owen", age_class="0-1"))] == ["c", "a"]
    assert break_lines(desk.books, Wanted(pool="network")) == ()


def test_a_break_is_found_by_the_beginning_of_its_identity(desk: Desk) -> None:
    desk.run({"coverage": "-10"})
    one = desk.only()
    assert find_break(desk.books, one[:8]) == one
    with pytest.raises(UnknownNameError):
        find_break(desk.books, one[:5])
    with desk.books.store.transaction() as session:
        row = session.get_one(models.Break, one)
        values = {name: getattr(row, name) for name in models.Break.__table__.columns.keys()}  # noqa: SIM118 - not a mapping
        session.add(models.Break(**values | {"id": one[:8] + "0"}))
    with pytest.raises(AmbiguousNameError):
        find_break(desk.books, one[:8])


def test_the_first_owner_rule_that_holds_is_named(desk: Desk) -> None:
    with desk.books.store.transaction() as session:
        nothing: dict[str, list[str]] = {"pools": [], "providers": [], "accounts": []}
        session.add(models.BreakOwner(position=1, owner="fay", rules=["restated"], at_least=None, **nothing))
        session.add(models.BreakOwner(position=2, owner="owen", rules=["coverage"], at_least=Decimal(5), **nothing))
    desk.run({"coverage": "-10"})
    assert break_lines(desk.books)[0].owner_rule == "rule 2: coverage; at least 5.00"


# --- any sequence ----------------------------------------------------------------------------

NAMES = ("idle", "unmetered", "pricing", "coverage a", "coverage b", "restated x")
amounts = st.integers(-30, 30).filter(bool).map(str)
runs = st.tuples(st.just("run"), st.dictionaries(st.sampled_from(NAMES), amounts, max_size=5))
deeds = st.tuples(
    st.sampled_from(("acknowledge", "snooze", "accept", "fix", "comment", "assign", "wait")), st.integers(0, 5)
)
steps = st.lists(runs | deeds, min_size=2, max_size=14)


def done(desk: Desk, verb: str, place: int) -> None:
    """Somebody does something with one of the breaks, where that is possible."""
    with desk.books.store.reading() as session:
        every = session.scalars(select(models.Break).order_by(models.Break.id)).all()
    if verb == "wait" or not every:
        desk.clock.advance(timedelta(days=place))
        return
    row = every[place % len(every)]
    if verb == "accept" and row.rule in NAMES[:3]:
        return  # its contributors are another test's
    deed: dict[str, Callable[[], Any]] = {
        "acknowledge": lambda: acknowledge(desk.books, desk.act(row.id)),
        "snooze": lambda: snooze(desk.books, desk.act(row.id), desk.clock.now() + timedelta(days=3)),
        "accept": lambda: accept(desk.books, desk.act(row.id), "so be it"),
        "fix": lambda: fix(desk.books, desk.act(row.id), "JE-1"),
        "comment": lambda: comment(desk.books, desk.act(row.id), "hm"),
        "assign": lambda: assign(desk.books, desk.act(row.id), "fay"),
    }
    try:
        deed[verb]()
    except AlreadyDecidedError:
        assert row.state == "resolved" or verb == "acknowledge"


@examples(40)
@given(steps=steps)
def test_the_books_roll_forward_over_any_sequence_of_runs_and_resolutions(
    books: Books, clock: FixedClock, empty: Callable[[Store], None], steps: list[tuple[str, Any]]
) -> None:
    if books.store.engine.dialect.name == "postgresql":
        steps = steps[:6]  # the same rules, in fewer statements
    empty(books.store)
    with books.store.transaction() as session:
        session.add_all(people())
    desk = Desk(books, clock)
    closing = (0, Decimal(0))
    opened: dict[str, tuple[str, str]] = {}
    for verb, what in steps:
        if verb != "run":
            done(desk, verb, what)
            continue
        change = desk.run(what)
        forward = change.roll_forward
        assert (forward.opening.count, forward.opening.amount) == closing
        for tally in ("count", "amount"):
            opening, new, resolved, after = (
                getattr(one, tally) for one in (forward.opening, forward.new, forward.resolved, forward.closing)
            )
            assert exact_sum(map(Decimal, (opening, new, -resolved))) == after
            by_kind = [getattr(one, tally) for one in (forward.cleared, forward.fixed, forward.accepted)]
            assert exact_sum(map(Decimal, by_kind)) == resolved
            by_pool = [getattr(one.roll_forward.closing, tally) for one in change.rolls]
            assert exact_sum(map(Decimal, by_pool)) == after
        assert forward.cleared.count >= 0
        closing = (forward.closing.count, forward.closing.amount)
        assert closing == (len(change.open), exact_sum(one.amount for one in change.open))
        with books.store.reading() as session:
            assert stirred_periods(session, clock.now()) == set()
        for one in change.open:
            assert opened.setdefault(one.id, (one.pool, one.subject)) == (one.pool, one.subject)
        again = desk.run(what)
        assert (again.events, again.open, again.roll_forward.closing) == ((), change.open, forward.closing)


# --- at once ---------------------------------------------------------------------------------


def test_sixteen_writers_lose_nothing_and_resolve_once(desk: Desk) -> None:
    desk.run({"coverage": "-10", "restated x": "-5"})
    one, other = (line.id for line in break_lines(desk.books))
    with desk.books.store.transaction() as session:
        enqueue(session, Message("reconciliation", PERIOD, "#finance", "finance", {"breaks": []}), desk.clock)
        session.add(statement("open"))

    def work(writer: int) -> str:
        try:
            return outcome(writer)
        except TwinledgerError as error:
            return type(error).__name__

    def outcome(writer: int) -> str:
        act = Act(one, "ada" if writer % 2 else "fay", "page", f"writer-{writer}")
        if writer % 4 == 0:
            return f"accepted {accept(desk.books, act, f'note {writer}').who}"
        if writer % 4 == 1:
            return f"fixed {fix(desk.books, act, f'JE-{writer}').who}"
        if writer % 4 == 2:
            return f"commented {comment(desk.books, act, f'comment {writer}').who}"
        acknowledge(desk.books, Act(other, "ada", "slack", f"writer-{writer}"))
        return "acknowledged"

    def rerun(number: int) -> Change:
        with desk.books.store.transaction() as session:
            lock(session, PERIOD)
            found = [desk.finding("coverage", "-10"), desk.finding("restated x", "-5")]
            return update_breaks(session, PERIOD, found, f"run-{number}", desk.clock.now())

    with ThreadPoolExecutor(16) as pool:
        reruns = [pool.submit(rerun, number) for number in (8, 9)]
        jobs = [pool.submit(work, writer) for writer in range(16)]
        results = [job.result() for job in jobs]
    events = [event for job in reruns for event in job.result().events if event.break_id == one]
    assert len([result for result in results if result == "acknowledged"]) == 1
    said = [comment.text for comment in break_view(desk.books, one).comments]
    assert sorted(said) == sorted(f"comment {writer}" for writer in range(2, 16, 4))
    resolved = [entry for entry in break_view(desk.books, one).history if entry.action in ("break.accept", "break.fix")]
    reopened = [event for event in events if event.action == "break.reopened"]
    assert len([result for result in results if result.startswith(("accepted", "fixed"))]) == len(resolved)
    assert len(reopened) <= len(resolved) <= len(reopened) + 1  # never twice without being opened in between
    closing = [job.result().roll_forward.closing.count for job in reruns]
    assert {*closing} <= {1, 2}
