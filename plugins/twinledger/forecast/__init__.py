"""Forecast: what each day to come will cost, and what a month will end at, with intervals.

What belongs here: the model of daily amounts, its calendars, once-a-month charges, intervals, and the backtest that
measures all of it. What does not: where amounts come from, budgets (`budgets`), and what is shown to whom. A forecast
has the audience of the history that it was made from, and nothing else in it but what the caller gave.

Amounts come in and leave as Decimal; inside, statistics are floats. Equal input gives equal output.
"""

from twinledger.forecast.backtest import Backtest, SeriesError, backtest
from twinledger.forecast.calendars import PLACES, at_place, check_countries, days_off
from twinledger.forecast.medians import Flags, Floats, Numbers, median, sorted_quantile
from twinledger.forecast.model import COUNTRIES
from twinledger.forecast.run import forecast, forecast_many
from twinledger.forecast.series import DayForecast, Forecast, History, Monthly, MonthTotal, Planned
from twinledger.forecast.sources import csv_histories, ledger_histories

__all__ = [
    "COUNTRIES",
    "PLACES",
    "Backtest",
    "DayForecast",
    "Flags",
    "Floats",
    "Forecast",
    "History",
    "MonthTotal",
    "Monthly",
    "Numbers",
    "Planned",
    "SeriesError",
    "at_place",
    "backtest",
    "check_countries",
    "csv_histories",
    "days_off",
    "forecast",
    "forecast_many",
    "ledger_histories",
    "median",
    "sorted_quantile",
]
