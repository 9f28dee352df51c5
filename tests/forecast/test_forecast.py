from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.forecast.made import LAST, daily, history, last_of_month, living
from twinledger.forecast import Forecast, Monthly, Planned, forecast, forecast_many
from twinledger.forecast.model import Table, predict
from twinledger.forecast.run import row_of
from twinledger.vocabulary.errors import NoHistoryError, UnknownNameError
from twinledger.vocabulary.periods import Period

SEPTEMBER, OCTOBER = Period(2026, 9), Period(2026, 10)

AMOUNTS = st.lists(st.integers(0, 500_000), min_size=1, max_size=60)


def means(found: Forecast) -> dict[date, Decimal]:
    return {day.day: day.mean for day in found.days}


def of_cents(cents: list[int], factor: int = 1) -> dict[date, Decimal]:
    first = LAST - timedelta(days=len(cents) - 1)
    return {first + timedelta(days=place): Decimal(cent * factor) / 100 for place, cent in enumerate(cents)}


def test_a_constant_series_forecasts_itself() -> None:
    found = forecast(history(lambda _: "12.34"), OCTOBER)
    assert {(day.mean, day.lower, day.upper) for day in found.days} == {(Decimal("12.34"),) * 3}
    assert [total.mean for total in found.totals] == [Decimal("12.34") * 30, Decimal("12.34") * 31]
    assert found.totals[0].actual == Decimal("12.34") * 10


def test_days_are_those_after_the_last_final_one_up_to_the_period_s_end() -> None:
    found = forecast(history(lambda _: 5), OCTOBER)
    assert (found.days[0].day, found.days[-1].day) == (date(2026, 9, 11), date(2026, 10, 31))
    assert [total.period for total in found.totals] == [SEPTEMBER, OCTOBER]
    assert (found.method, found.history_days) == ("level and weekdays", 200)


def test_weekends_are_forecast_as_weekends() -> None:
    found = means(forecast(history(lambda day: 40 if day.weekday() > 4 else 100), SEPTEMBER))
    assert all(abs(amount - (40 if day.weekday() > 4 else 100)) < Decimal("0.2") for day, amount in found.items())


@pytest.mark.parametrize(
    ("place", "due", "day"),
    [
        (1, lambda day: day.day == 1, date(2026, 10, 1)),
        (12, lambda day: day.day == 12, date(2026, 9, 12)),
        (-1, last_of_month, date(2026, 9, 30)),
    ],
)
def test_a_once_a_month_charge_is_forecast_on_its_day_and_not_smeared(
    place: int, due: Callable[[date], bool], day: date
) -> None:
    found = forecast(history(lambda each: 10 + each.weekday() + (500 if due(each) else 0)), OCTOBER)
    (charge,) = found.monthly
    assert (charge.day, abs(charge.amount - 500) < 2) == (place, True)
    amounts = means(found)
    assert abs(amounts[day] - (510 + day.weekday())) < 2
    assert max(amount for each, amount in amounts.items() if not due(each)) < 20


def test_a_series_that_is_a_fee_and_nothing_else_is_that_fee() -> None:
    found = forecast(history(lambda day: 300 if day.day == 1 else 0, days=100), OCTOBER)
    assert {day: amount for day, amount in means(found).items() if amount} == {date(2026, 10, 1): Decimal("300.00")}


def test_one_spike_is_no_monthly_charge_and_does_not_become_the_level() -> None:
    spiky = living(1)
    spiky = replace(spiky, amounts={**spiky.amounts, date(2026, 9, 3): Decimal(5000)})
    found, calm = forecast(spiky, SEPTEMBER), forecast(living(1), SEPTEMBER)
    assert found.monthly == ()
    assert all(
        abs(one.mean / other.mean - 1) < Decimal("0.25") for one, other in zip(found.days, calm.days, strict=True)
    )


def test_a_known_charge_needs_no_history() -> None:
    known = replace(history(lambda _: 10, days=9), monthly=(Monthly(-1, Decimal(90)),))
    amounts = means(forecast(known, SEPTEMBER))
    assert (amounts[date(2026, 9, 29)], amounts[date(2026, 9, 30)]) == (Decimal("10.00"), Decimal("100.00"))


def test_a_commitment_comes_on_top_of_its_day_and_of_its_month() -> None:
    planned = replace(history(lambda _: 10), planned=(Planned(date(2026, 10, 5), Decimal("99.99")),))
    found = forecast(planned, OCTOBER)
    assert means(found)[date(2026, 10, 5)] == Decimal("109.99")
    assert [total.mean for total in found.totals] == [Decimal("300.00"), Decimal("409.99")]


def test_days_that_are_not_final_are_not_learnt_from() -> None:
    known = history(lambda _: 10)
    late = replace(known, amounts={**known.amounts, LAST + timedelta(days=1): Decimal("0.01")})
    assert forecast(late, OCTOBER) == forecast(known, OCTOBER)


def test_holidays_are_forecast_as_holidays_were() -> None:
    off = {date(2025, 9, 1), date(2025, 10, 13), date(2025, 11, 11), date(2025, 11, 27), date(2025, 12, 25)}
    off |= {date(2026, 1, 1), date(2026, 1, 19), date(2026, 2, 16), date(2026, 5, 25), date(2026, 6, 19)}
    off |= {date(2026, 7, 3), date(2026, 9, 7)}
    known = history(lambda day: (50 if day in off else 100) + day.day % 3, days=400)
    with_holidays, without = (means(forecast(known, OCTOBER, countries)) for countries in (("US",), ()))
    assert with_holidays[date(2026, 10, 12)] < 60
    assert without[date(2026, 10, 12)] > 90


def test_growth_is_followed() -> None:
    grown = forecast(history(lambda day: f"{100 * 1.004 ** (day - date(2026, 1, 1)).days:.2f}", days=250), SEPTEMBER)
    assert grown.days[-1].mean > Decimal("1.02") * grown.days[0].mean


def test_a_day_of_history_is_enough_and_says_how_little_it_knows() -> None:
    found = forecast(history(lambda _: 100, days=1), SEPTEMBER)
    assert (found.method, found.history_days) == ("level", 1)
    assert {(day.mean, day.lower <= 60, day.upper >= 140) for day in found.days} == {(Decimal("100.00"), True, True)}


def test_a_history_without_a_final_day_is_refused_without_an_amount() -> None:
    nothing = replace(history(lambda _: 123456), final_through=date(2025, 1, 1))
    with pytest.raises(NoHistoryError, match=r"series shop / vm: a forecast needs a final day.*found none") as refused:
        forecast(nothing, OCTOBER)
    assert "123456" not in str(refused.value)
    with pytest.raises(NoHistoryError, match="at most 400 days ahead"):
        forecast(history(lambda _: 1), Period(2028, 1))


def test_a_country_without_a_calendar_is_refused_by_name() -> None:
    with pytest.raises(UnknownNameError, match="no holiday calendar named 'XX'"):
        forecast(history(lambda _: 1), OCTOBER, ("US", "XX"))


def test_a_yen_has_no_decimals() -> None:
    found = forecast(history(lambda day: 1000 + day.day, currency="JPY"), SEPTEMBER)
    assert all(day.mean == day.mean.to_integral_value() and "." not in str(day.upper) for day in found.days)


def test_equal_input_gives_equal_output_whatever_is_forecast_beside_it() -> None:
    several = [living(number, days) for number, days in ((0, 190), (1, 30), (2, 100))]
    together = forecast_many(several, OCTOBER)
    assert together == [forecast(one, OCTOBER) for one in several]
    assert together == list(reversed(forecast_many(list(reversed(several)), OCTOBER)))
    shuffled = replace(several[0], amounts=dict(sorted(several[0].amounts.items(), reverse=True)))
    assert forecast(shuffled, OCTOBER) == together[0]


def test_a_period_that_is_final_already_has_no_days_to_come() -> None:
    found = forecast(history(lambda _: 10), Period(2026, 8))
    assert (found.days, found.totals) == ((), ())


def test_credits_may_be_forecast_where_history_had_them() -> None:
    found = forecast(history(lambda day: -5 if day.weekday() == 6 else 5), SEPTEMBER)
    assert all(abs(day.mean + 5) < Decimal("0.1") for day in found.days if day.day.weekday() == 6)


@examples(25)
@given(AMOUNTS)
def test_intervals_hold_the_mean_and_are_never_negative_where_history_never_was(cents: list[int]) -> None:
    found = forecast(replace(history(lambda _: 0), amounts=of_cents(cents)), OCTOBER)
    assert all(0 <= day.lower <= day.mean <= day.upper for day in found.days)
    assert all(total.actual <= total.lower <= total.mean <= total.upper for total in found.totals)
    for total in found.totals:
        of_month = [day.mean for day in found.days if Period(day.day.year, day.day.month) == total.period]
        assert total.mean == total.actual + sum(of_month)


@examples(15)
@given(AMOUNTS, st.sampled_from([2, 64, 1000]))
def test_amounts_that_are_so_many_times_as_large_are_forecast_so_many_times_as_large(
    cents: list[int], factor: int
) -> None:
    once, more = (
        forecast(replace(history(lambda _: 0), amounts=of_cents(cents, times)), SEPTEMBER) for times in (1, factor)
    )
    for one, other in zip(once.days, more.days, strict=True):
        for small, large in zip((one.mean, one.lower, one.upper), (other.mean, other.lower, other.upper), strict=True):
            assert abs(small * factor - large) <= Decimal("0.01") * factor


def test_what_is_said_has_nothing_in_it_but_what_the_caller_gave() -> None:
    found = forecast(replace(history(lambda _: 10), name="a name"), SEPTEMBER)
    assert (found.name, found.currency, found.monthly) == ("a name", "USD", ())
    assert {amount for day in found.days for amount in (day.mean, day.lower, day.upper)} == {Decimal("10.00")}
    assert daily(lambda _: 10, 3) == {LAST - timedelta(days=back): Decimal(10) for back in range(3)}


def test_a_series_is_forecast_to_the_last_bit_as_it_would_be_alone() -> None:
    rows = np.stack([row_of(living(number), 190) for number in range(5)])
    ahead = [LAST + timedelta(days=number) for number in range(1, 40)]
    together = predict(Table(rows, LAST), ahead)
    for number, row in enumerate(rows):
        alone = predict(Table(row[None], LAST), ahead)
        assert np.array_equal(together.mean[number], alone.mean[0])
        assert np.array_equal(together.upper[number], alone.upper[0])
