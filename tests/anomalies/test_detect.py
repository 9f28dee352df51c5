"""What stands out of a series is found by its own past alone, whatever comes later and beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from twinledger.anomalies.detect import Bounds, Stretch, Table, detect, expect
from twinledger.anomalies.rhythm import DAILY, HOURLY, Rhythm
from twinledger.forecast import Floats

MONDAY = datetime(2026, 2, 2, tzinfo=UTC)
SHOWN = Bounds(4.0, 0.1, 0.0)


def weeks(number: int, seed: int = 1, noise: float = 0.05, level: float = 100.0) -> Floats:
    """Working days at a level, weekends at half of it, with a little noise; from a Monday on."""
    chance = np.random.default_rng(seed)
    shape = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5] * number)
    return level * shape * np.exp(chance.normal(0, noise, 7 * number))


def found(
    amounts: Floats, bounds: Bounds = SHOWN, rhythm: Rhythm = DAILY, sensitivity: float = 1.0, first: datetime = MONDAY
) -> list[Stretch]:
    table = Table(np.atleast_2d(amounts), first, rhythm)
    return list(detect(table, expect(table, ("US",)), bounds, sensitivity))


def with_changes(amounts: Floats, changes: dict[int | range, float]) -> Floats:
    changed = amounts.copy()
    for place, factor in changes.items():
        changed[place if isinstance(place, int) else list(place)] *= factor
    return changed


def test_a_quiet_series_with_weekends_and_growth_has_no_anomaly() -> None:
    assert found(weeks(20)) == []
    assert found(weeks(20) * np.exp(np.arange(140) / 200)) == []


@pytest.mark.parametrize("factor", [1.6, 0.3])
def test_a_spike_up_or_down_is_one_stretch_of_its_days(factor: float) -> None:
    assert found(with_changes(weeks(20), {range(100, 102): factor})) == [Stretch(0, 100, 101, "spike")]


@pytest.mark.parametrize("factor", [1.6, 0.5])
def test_a_level_that_stays_is_one_stretch_that_ends_when_it_is_learnt(factor: float) -> None:
    (one,) = found(with_changes(weeks(20), {range(100, 140): factor}))
    assert (one.first, one.shape) == (100, "level shift")
    assert 102 <= one.last <= 108


def test_less_than_a_share_or_an_amount_is_no_anomaly_however_quiet_the_series_is() -> None:
    quiet = with_changes(weeks(20, noise=0.001), {100: 1.09, 110: 1.3})
    assert [one.first for one in found(quiet)] == [110]
    assert found(quiet, Bounds(4.0, 0.1, 31.0)) == []


def test_four_weeks_are_needed_before_anything_is_said() -> None:
    assert found(with_changes(weeks(4), {20: 9.0, 27: 9.0})) == []
    assert [one.first for one in found(with_changes(weeks(5), {30: 9.0}))] == [30]
    late = with_changes(weeks(20), {100: 9.0})
    late[:90] = np.nan
    assert found(late) == []


def test_a_charge_that_comes_each_month_is_an_anomaly_once() -> None:
    start = date(2026, 2, 2)
    days = [start + timedelta(days=number) for number in range(140)]
    fee = weeks(20) + np.array([400.0 if day.day == 15 and day.month > 3 else 0.0 for day in days])
    assert [days[one.first] for one in found(fee)] == [date(2026, 4, 15)]

    tripled = fee + np.array([800.0 if day == date(2026, 6, 15) else 0.0 for day in days])
    assert [days[one.first] for one in found(tripled)] == [date(2026, 4, 15), date(2026, 6, 15)]


def test_days_off_that_cost_less_are_no_anomaly_and_other_days_are() -> None:
    start = date(2026, 2, 2)
    off = (date(2026, 5, 25) - start).days  # Memorial Day
    assert found(with_changes(weeks(20), {off: 0.4})) == []
    assert [one.first for one in found(with_changes(weeks(20), {off: 2.5}))] == [off]
    assert [one.first for one in found(with_changes(weeks(20), {off + 1: 0.4}))] == [off + 1]


def test_an_hour_is_told_by_its_hours_before_it() -> None:
    hours = np.tile(100 + 40 * np.sin(np.arange(24) / 24 * 2 * np.pi), 40) * np.exp(
        np.random.default_rng(3).normal(0, 0.03, 960)
    )
    burst = with_changes(hours, {range(800, 805): 1.8})
    assert found(hours, rhythm=HOURLY) == []
    assert found(burst, rhythm=HOURLY) == [Stretch(0, 800, 804, "spike")]


@dataclass(frozen=True)
class Lived:
    """A series with changes of its own."""

    amounts: Floats


@st.composite
def lived(draw: st.DrawFn) -> Lived:
    """Sixteen weeks with a few days, or all days from one on, at other levels; rounded as money is."""
    amounts = weeks(16, draw(st.integers(0, 1000)), draw(st.sampled_from([0.0, 0.02, 0.2])))
    for place, factor in draw(st.dictionaries(st.integers(30, 111), st.floats(0, 5), max_size=4)).items():
        amounts[place : draw(st.sampled_from([place + 1, place + 3, None]))] *= factor
    if draw(st.booleans()):
        amounts[: draw(st.integers(1, 60))] = np.nan
    return Lived(np.round(amounts, 2))


@examples(15)
@given(lived(), st.integers(1, 111))
def test_what_is_said_of_a_day_needs_no_day_after_it(series: Lived, last: int) -> None:
    early = {one.first: one for one in found(series.amounts[:last])}
    whole = {one.first: one for one in found(series.amounts) if one.first < last}
    assert early.keys() == whole.keys()
    assert all(one.last == min(whole[first].last, one.last) for first, one in early.items())


@examples(10)
@given(lived(), st.sampled_from([2.0**-6, 2.0, 2.0**10]))
def test_amounts_in_another_unit_have_the_same_stretches(series: Lived, unit: float) -> None:
    scaled = Bounds(4.0, 0.1, 5.0 * unit)
    assert found(series.amounts * unit, scaled) == found(series.amounts, Bounds(4.0, 0.1, 5.0))


@examples(10)
@given(lived(), lived())
def test_a_series_is_not_told_by_those_beside_it(one: Lived, other: Lived) -> None:
    beside = [stretch for stretch in found(np.stack([other.amounts, one.amounts])) if stretch.row == 1]
    assert [(each.first, each.last) for each in beside] == [(each.first, each.last) for each in found(one.amounts)]


@examples(10)
@given(lived(), st.floats(1, 4))
def test_higher_bounds_find_nothing_that_lower_ones_do_not(series: Lived, factor: float) -> None:
    def days(stretches: list[Stretch]) -> set[Any]:
        return {day for one in stretches for day in range(one.first, one.last + 1)}

    assert days(found(series.amounts, sensitivity=factor)) <= days(found(series.amounts))
