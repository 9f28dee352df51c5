from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinledger.vocabulary.errors import InvalidPeriodError
from twinledger.vocabulary.periods import Period

periods = st.builds(Period, st.integers(1990, 2090), st.integers(1, 12))
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"])


@given(periods)
def test_a_period_survives_being_written_and_read(period: Period) -> None:
    assert Period.parse(str(period)) == period


@given(periods, st.integers(-600, 600))
def test_shifting_there_and_back_is_no_shift(period: Period, months: int) -> None:
    assert period.shift(months).shift(-months) == period


@given(periods, zones)
def test_periods_follow_each_other_without_gap_or_overlap(period: Period, zone: str) -> None:
    assert period.end(zone) == period.shift(1).start(zone)
    assert Period.of(period.start(zone), zone) == period
    assert Period.of(period.end(zone) - timedelta(microseconds=1), zone) == period


def test_an_instant_belongs_to_the_month_on_the_company_s_wall() -> None:
    instant = datetime(2026, 9, 30, 22, 30, tzinfo=UTC)
    assert (str(Period.of(instant)), str(Period.of(instant, "Europe/Berlin"))) == ("2026-09", "2026-10")


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "26-01", "2026-10-01", "0000-01", "", "2026-10\n"])
def test_what_names_no_month_is_refused(text: str) -> None:
    with pytest.raises(InvalidPeriodError, match="expected YYYY-MM"):
        Period.parse(text)


def test_a_february_has_the_days_of_its_year() -> None:
    assert [Period(year, 2).days for year in (2026, 2028)] == [28, 29]
