"""Answers to what reviews ask, on both databases: once, by whoever may, and a reminder where nobody does."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import select

from tests.reviews.conftest import populate
from tests.reviews.example import COMPANY as COMPANY_REVIEW
from tests.reviews.example import review_as_of
from tests.statements.example import usd
from twinledger.clock import FixedClock
from twinledger.outbox import entries
from twinledger.reviews import (
    COMPANY,
    REMINDER,
    ItemView,
    Reply,
    answer,
    company_items,
    department_items,
    keep,
    remind_due,
    sending_of,
)
from twinledger.reviews.remind import working_days
from twinledger.store import Store
from twinledger.store.models import AuditEntry
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    ConcurrentChangeError,
    InvalidAnswerError,
    NotEntitledError,
    TwinledgerError,
    UnknownNameError,
    UnknownPersonError,
)
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import Settings

PERIOD = "2026-10"
SHOP = review_as_of("shop", "电商 Shop")
BY_BOB = Reply(PERIOD, "shop", "variance", "explained", "bob", "page", "the sale")


@dataclass(frozen=True)
class FakeDesk:
    """What answers need of a deployment."""

    settings: Settings
    store: Store
    clock: FixedClock


@pytest.fixture
def desk(store: Store, settings: Settings, clock: FixedClock) -> FakeDesk:
    """The shop's review and the company's were sent on Tuesday, 20 October."""
    populate(store)
    made = FakeDesk(settings, store, clock)
    for review in (SHOP, COMPANY_REVIEW):
        assert keep(made, sending_of(review), "test")
    return made


def item(desk: FakeDesk, name: str = "variance") -> ItemView:
    with desk.store.reading() as session:
        return next(one for one in department_items(session, PERIOD, "shop") if one.id == name)


def deeds(desk: FakeDesk) -> list[tuple[str, str]]:
    with desk.store.reading() as session:
        found = session.scalars(select(AuditEntry).order_by(AuditEntry.sequence))
        return [(one.who, one.action) for one in found if one.action != "review.send"]


def test_an_answer_is_kept_with_who_gave_it_and_the_message_is_brought_up_to_date(desk: FakeDesk) -> None:
    answer(desk, BY_BOB)

    found = item(desk)
    assert (found.state, found.said, found.answered_by, found.answered_on) == ("explained", "the sale", "Bob", "page")
    assert deeds(desk) == [("bob", "review.answer")]
    newest = next(one for one in entries(desk.store) if one.channel == "#shop")
    assert (newest.facts["revision"], newest.facts["quiet"]) == (2, True)


def test_of_two_answers_at_the_same_time_one_counts_and_the_other_is_told_whose(desk: FakeDesk) -> None:
    start = Barrier(2)

    def press(who: str) -> str:
        start.wait(10)
        try:
            answer(desk, replace(BY_BOB, who=who))
        except AlreadyDecidedError as error:
            return error.who
        return who

    with ThreadPoolExecutor(2) as people:
        counted = set(people.map(press, ("bob", "ada")))

    assert len(counted) == 1
    assert item(desk).answered_by.lower() in counted
    assert [action for _, action in deeds(desk)].count("review.answer") == 1


def test_owner_budget_holder_those_above_them_and_finance_answer(desk: FakeDesk) -> None:
    items = {"bob": "figures", "eve": "variance", "gus": "anomaly:an-1", "ada": "grant:gr-unused"}
    for who, name in items.items():
        answer(desk, replace(BY_BOB, item=name, who=who))
    assert [item(desk, name).answered_by for name in items.values()] == ["Bob", "Eve", "Gus", "Ada"]


REFUSED: dict[str, tuple[Callable[[Reply], Reply], type[TwinledgerError]]] = {
    "somebody of another department": (lambda reply: replace(reply, who="cy"), NotEntitledError),
    "somebody whom nobody knows": (lambda reply: replace(reply, who="nil"), UnknownPersonError),
    "an owner, for the company": (lambda reply: replace(reply, department=COMPANY), NotEntitledError),
    "no words": (lambda reply: replace(reply, text=" "), InvalidAnswerError),
    "too many words": (lambda reply: replace(reply, text="x" * 1001), InvalidAnswerError),
    "an item that there is not": (lambda reply: replace(reply, item="nothing"), UnknownNameError),
    "a review that was not sent": (lambda reply: replace(reply, period="2026-09"), UnknownNameError),
    "a question that is another one by now": (lambda reply: replace(reply, shown=7), ConcurrentChangeError),
}


def test_what_may_not_be_answered_is_refused(desk: FakeDesk) -> None:
    for case, (change, error) in REFUSED.items():
        with pytest.raises(error):
            answer(desk, change(BY_BOB))
        assert item(desk).state == "open", case
    assert {action for _, action in deeds(desk)} == {"review.answer.refused"}


def test_finance_answers_for_the_company(desk: FakeDesk) -> None:
    answer(desk, Reply(PERIOD, COMPANY, "breaks", "not applicable", "ada", "slack"))
    with desk.store.reading() as session:
        states = {one.id: one.state for one in company_items(session, PERIOD)}
    assert (states["breaks"], states["claims"]) == ("not applicable", "open")


def test_of_two_who_send_a_review_for_the_first_time_at_once_one_tells_it(desk: FakeDesk) -> None:
    start, sending = Barrier(2), sending_of(replace(SHOP, department="group"))

    def send(who: str) -> bool:
        start.wait(10)
        return keep(desk, sending, who)

    with ThreadPoolExecutor(2) as runs:
        told = list(runs.map(send, ("monthly_review", "command line")))

    assert sorted(told) == [False, True]
    assert [one.channel for one in entries(desk.store)].count("#group") == 1


def test_figures_that_changed_update_the_message_quietly_and_ask_their_questions_again(desk: FakeDesk) -> None:
    answer(desk, replace(BY_BOB, item="figures", outcome="done"))
    answer(desk, replace(BY_BOB, item="anomaly:an-1", text="new cards"))
    growing = replace(SHOP.anomalies[0], actual=usd("5000"))
    changed = replace(SHOP, month=replace(SHOP.month, actual=usd("7000.00")), anomalies=(growing,))

    assert [keep(desk, sending_of(changed), "test") for _ in range(2)] == [True, False]
    newest = next(one for one in entries(desk.store) if one.channel == "#shop")
    assert newest.facts["changes"] == ["actual: 6,640.38 USD → 7,000.00 USD"]
    assert (newest.facts["quiet"], newest.facts["revision"]) == (True, 4)
    assert [(item(desk, name).state, item(desk, name).revision) for name in ("figures", "variance")] == [
        ("open", 3), ("open", 2)
    ]  # fmt: skip
    assert (item(desk, "anomaly:an-1").state, item(desk, "grant:gr-unused").revision) == ("explained", 1)


def test_a_question_that_is_not_asked_any_more_is_gone_unless_it_was_answered(desk: FakeDesk) -> None:
    answer(desk, BY_BOB)
    on_plan = replace(SHOP, month=replace(SHOP.month, plan=usd("6890.38")), anomalies=())
    keep(desk, sending_of(on_plan), "test")

    with desk.store.reading() as session:
        names = [one.id for one in department_items(session, PERIOD, "shop")]
    assert "anomaly:an-1" not in names
    assert (item(desk).state, item(desk).said) == ("explained", "the sale")


def test_who_has_not_answered_for_five_working_days_is_reminded_once(desk: FakeDesk) -> None:
    october = Period(2026, 10)
    desk.clock.instant += timedelta(days=6)
    assert remind_due(desk, october) == ()
    desk.clock.instant += timedelta(days=1)
    assert remind_due(desk, october) == ("company", "shop")
    assert remind_due(desk, october) == ()

    reminders = {one.channel: one.facts for one in entries(desk.store) if one.kind == REMINDER}
    assert set(reminders) == {"U0BOB", "#finance"}
    assert (reminders["U0BOB"]["title"], reminders["U0BOB"]["waiting"]) == ("电商 Shop", 6)


def test_who_has_answered_everything_is_not_reminded(desk: FakeDesk) -> None:
    with desk.store.reading() as session:
        names = [one.id for one in department_items(session, PERIOD, "shop")]
    for name in names:
        answer(desk, replace(BY_BOB, item=name, outcome="done", text=""))
    desk.clock.instant += timedelta(days=30)
    assert remind_due(desk, Period(2026, 10)) == ("company",)


def test_working_days_are_those_from_monday_to_friday() -> None:
    friday = datetime(2026, 10, 16, tzinfo=UTC).date()
    assert [working_days(friday, date(2026, 10, day)) for day in (16, 18, 19, 23, 26)] == [0, 0, 1, 5, 6]
