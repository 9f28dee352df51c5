"""Reminders in working hours, then more people; each once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinledger.approvals import (
    AbsenceView,
    Decision,
    Desk,
    Submission,
    be_away,
    decide,
    remind_due,
    request_view,
    submit,
)
from twinledger.approvals.remind import is_working, working_time
from twinledger.clock import FixedClock
from twinledger.outbox import entries
from twinledger.store.models import Person

MINUTES = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 20)).map(
    lambda one: one.replace(second=0, microsecond=0, tzinfo=UTC)
)


def direct(desk: Desk) -> list[str]:
    """Who was sent the card directly."""
    return sorted(
        {one.channel for one in entries(desk.store) if one.kind == "approval" and one.channel.startswith("U-")}
    )


def test_after_a_working_day_the_approver_is_sent_the_card_once(
    desk: Desk, wish: Submission, clock: FixedClock
) -> None:
    request = submit(desk, wish)  # Tuesday 20 October, 09:00 UTC: the company's time zone is UTC
    clock.advance(timedelta(hours=8))
    assert remind_due(desk).reminded == ()
    clock.advance(timedelta(hours=10))
    assert remind_due(desk).reminded == (), "nobody is reminded at night"
    clock.advance(timedelta(hours=6, minutes=1))
    assert remind_due(desk).reminded == (request,)
    assert (remind_due(desk).reminded, direct(desk)) == ((), ["U-BOB"])


def test_after_two_working_days_the_next_above_and_who_stands_in_are_asked_too(
    desk: Desk, wish: Submission, clock: FixedClock
) -> None:
    with desk.store.transaction() as session:
        session.add(Person(name="dan", title="Dan", slack_user="U-DAN", airflow_user="dan", roles=[]))
    request = submit(desk, wish)
    clock.advance(timedelta(days=1, minutes=1))
    remind_due(desk)
    now = clock.now()
    be_away(desk, AbsenceView("", "bob", "dan", now, now + timedelta(days=9), "bob"))
    clock.advance(timedelta(days=1))
    assert remind_due(desk).escalated == (request,)
    assert remind_due(desk).escalated == ()
    with desk.store.reading() as session:
        view = request_view(session, request)
    assert view.approvers == ("bob", "ada", "dan")
    assert view.facts["rule"] == "budget holder of shop; escalated to budget holder of group"
    assert direct(desk) == ["U-ADA", "U-BOB", "U-DAN"]
    assert decide(desk, Decision(request, "dan", "approve", "slack", "1")).state == "approved"


def test_weekends_are_no_working_time(desk: Desk, wish: Submission, clock: FixedClock) -> None:
    clock.advance(timedelta(days=3, hours=8))  # Friday, 17:00
    submit(desk, wish)
    clock.advance(timedelta(days=2, hours=18))  # Monday, 11:00: three hours of working time
    assert remind_due(desk).reminded == ()


def test_what_is_decided_is_not_reminded_of(desk: Desk, wish: Submission, clock: FixedClock) -> None:
    decide(desk, Decision(submit(desk, wish), "bob", "deny", "slack", "1", "no"))
    clock.advance(timedelta(days=1, minutes=1))
    assert remind_due(desk) == ((), ())


@given(MINUTES, st.integers(0, 60 * 24 * 4), st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York"]))
def test_working_time_is_every_minute_within_working_hours(start: datetime, minutes: int, name: str) -> None:
    zone = ZoneInfo(name)
    counted = sum(is_working((start + timedelta(minutes=one)).astimezone(zone)) for one in range(minutes))
    assert working_time(start, start + timedelta(minutes=minutes), zone) == timedelta(minutes=counted)


@pytest.mark.parametrize(
    ("at", "working"),
    [("2026-10-20T09:00", True), ("2026-10-20T17:59", True), ("2026-10-20T18:00", False), ("2026-10-24T12:00", False)],
)
def test_working_hours_are_nine_to_six_on_weekdays(at: str, *, working: bool) -> None:
    assert is_working(datetime.fromisoformat(at).replace(tzinfo=UTC)) is working
