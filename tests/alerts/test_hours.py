"""Quiet hours, also where clocks are set."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinledger.alerts.hours import Hours

NIGHTS = Hours("Europe/Berlin", time(20), time(8), weekends=True, digest_at=time(9))
SIESTA = Hours("Europe/Madrid", time(13), time(15), weekends=False, digest_at=time(16))
NEVER = Hours("UTC", time(0), time(0), weekends=False, digest_at=time(9))


@pytest.mark.parametrize(
    ("hours", "now", "speaks"),
    [
        (NIGHTS, "2026-10-20T09:00+02:00", "2026-10-20T09:00+02:00"),
        (NIGHTS, "2026-10-20T20:00+02:00", "2026-10-21T08:00+02:00"),
        (NIGHTS, "2026-10-24T12:00+02:00", "2026-10-26T08:00+01:00"),
        (SIESTA, "2026-10-24T13:00+02:00", "2026-10-24T15:00+02:00"),
        (NEVER, "2026-10-24T03:00+00:00", "2026-10-24T03:00+00:00"),
    ],
)
def test_what_is_quiet_waits_for_the_end_of_it(hours: Hours, now: str, speaks: str) -> None:
    assert hours.speak_at(datetime.fromisoformat(now)) == datetime.fromisoformat(speaks)


def test_a_digest_is_read_at_its_hour_or_later_that_day() -> None:
    asked = ("2026-10-20T06:00+02:00", "2026-10-20T10:30+02:00", "2026-10-20T21:00+02:00")
    read = [NIGHTS.digest_from(datetime.fromisoformat(now)).isoformat() for now in asked]
    assert read == ["2026-10-20T07:00:00+00:00", "2026-10-20T08:30:00+00:00", "2026-10-21T07:00:00+00:00"]


def test_hours_awake_leave_out_nights_weekends_and_the_hour_that_is_not_there() -> None:
    friday, monday = (
        datetime.fromisoformat(f"2026-10-{day}T12:00{zone}") for day, zone in ((23, "+02:00"), (26, "+01:00"))
    )
    assert NIGHTS.awake(friday, monday) == timedelta(hours=8 + 4)
    spring = datetime.fromisoformat("2026-03-29T00:00+01:00")
    assert SIESTA.awake(spring, spring + timedelta(hours=23)) == timedelta(hours=21)


INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))


@settings(max_examples=40, deadline=None)
@given(
    hours=st.sampled_from([NIGHTS, SIESTA, NEVER]), now=INSTANTS, later=st.timedeltas(timedelta(0), timedelta(days=9))
)
def test_nothing_is_told_when_it_is_quiet_and_order_stays(hours: Hours, now: datetime, later: timedelta) -> None:
    spoken, digest = hours.speak_at(now), hours.digest_from(now)
    assert now <= spoken <= digest
    assert hours.day(spoken) == hours.day(digest)
    assert hours.speak_at(spoken) == spoken
    assert hours.digest_from(digest) == digest
    assert spoken <= hours.speak_at(now + later)
    assert timedelta(0) <= hours.awake(now, now + later) <= later
