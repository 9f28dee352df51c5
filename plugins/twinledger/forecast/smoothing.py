"""Exponential smoothing of many series at once, in several speeds, mixed by how well each has forecast the series.

What belongs here: the recursion, the mixture and its past errors. What does not: what was taken out of the history
before, and how errors become intervals (`intervals`).

The model is additive Holt-Winters in its error-correction form (Hyndman et al., "Forecasting with Exponential
Smoothing", 2008) with a season of seven days. Candidates differ in how fast level, growth and weekdays follow.
A series' forecast is the mean of all of them, weighted by their mean absolute error at earlier origins of the same
series: of days, and of sums of days, which months are made of. A day counts at most four times the usual error, so
that a spike does not become the level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twinledger.forecast.medians import Floats, Numbers

WEEK = 7
ORIGINS = 112
"""How many earlier days are looked back on, forecasting from each what came after it."""

LONGEST = 31
"""Days ahead up to which errors are measured."""

_LEVELS, _WEEKDAYS = (0.01, 0.05, 0.2, 0.6), (0.0, 0.05, 0.2)
_GROWING = ((0.1, 0.02, 0.05), (0.3, 0.02, 0.05), (0.1, 0.1, 0.05))
_CANDIDATES = np.array([*((level, 0.0, week) for level in _LEVELS for week in _WEEKDAYS), *_GROWING])
"""Each one's speed of level, of growth and of weekdays."""

_DAMPING = 0.98
_CLIP = 4.0
_SETTLED = 14
"""Days of a series before errors are clipped and growth is followed."""

_USUAL_ERROR_SPEED = 0.06
_SHARPNESS = 8.0
"""How much the better candidate counts: weights are errors to the power of minus this, of days and of sums."""


@dataclass(slots=True, eq=False)
class _State:
    """Every candidate's state of every series, at one day or, with one axis more, at each origin."""

    level: Floats
    growth: Floats
    week: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """The mixture's forecast from the last day, and what it erred by at earlier origins, NaN where nothing is known.

    `ahead` is series by day ahead, `errors` series by day ahead by origin: actual less forecast.
    """

    ahead: Floats
    errors: Floats


def smooth(amounts: Floats, ahead: int) -> Outlook:
    """Forecast so many days ahead.

    Args:
        amounts: series by day, NaN before a series begins; the last day is every series'.
        ahead: how many days.
    """
    origins = min(ORIGINS, amounts.shape[1] - 1)
    states = _states(amounts, origins)
    weights = _weights(amounts, states, origins, min(ahead, LONGEST))
    mixed = _State(*(_mix(weights, part) for part in (states.level, states.growth, states.week)))
    paths = _paths(mixed, amounts.shape[1] - 1 - origins, ahead)
    known = min(ahead, LONGEST)
    actual = _actual(amounts, origins, known)
    return Outlook(paths[:, :, -1], actual - paths[:, :known, :-1])


def _begins(amounts: Floats) -> Numbers:
    begins: Numbers = np.argmax(~np.isnan(amounts), axis=1)
    return begins


def _states(amounts: Floats, origins: int) -> _State:
    """Run the recursion, and keep the state after each of the last days."""
    number, days = amounts.shape
    shape = (len(_CANDIDATES), number)
    begins = _begins(amounts)
    now = _State(np.zeros(shape), np.zeros(shape), np.zeros((*shape, WEEK)))
    kept = _State(*(np.empty((*part.shape, origins + 1)) for part in (now.level, now.growth, now.week)))
    usual_error = np.zeros(shape)
    for day in range(days):
        usual_error = _step(now, usual_error, amounts[:, day], day % WEEK, day - begins)
        if (place := day - (days - 1 - origins)) >= 0:
            kept.level[..., place], kept.growth[..., place], kept.week[..., place] = now.level, now.growth, now.week
    return kept


def _step(now: _State, usual_error: Floats, amount: Floats, weekday: int, age: Numbers) -> Floats:
    """Take one day in; a series that has not begun stays at zero. Returns the usual error as it is now."""
    speed, growing, weekly = (_CANDIDATES[:, number, None] for number in range(3))
    count = np.maximum(age, 0) + 1.0
    settled = age >= _SETTLED
    level = now.level + _DAMPING * now.growth
    error = np.where(age >= 0, np.nan_to_num(amount) - level - now.week[..., weekday], 0.0)
    most = np.where(settled, _CLIP * usual_error, np.inf)
    taken = np.clip(error, -most, most)
    now.level = level + np.maximum(speed, 1 / count) * taken
    now.growth = _DAMPING * now.growth + np.where(settled, speed * growing, 0.0) * taken
    follow = np.where(age >= WEEK, np.maximum(weekly, 1 / (count // WEEK + 1)), 0.0) * (weekly > 0) * (1 - speed / 2)
    now.week[..., weekday] += follow * taken
    heard = np.where(settled, _USUAL_ERROR_SPEED, 1 / count)
    return np.where(age > 0, usual_error + heard * (np.minimum(np.abs(error), 2 * most) - usual_error), usual_error)


def _paths(state: _State, first_origin: int, ahead: int) -> Floats:
    """Forecasts from every origin: the state's leading axes, by day ahead, by origin."""
    origins = state.level.shape[-1]
    places = np.arange(origins)
    paths = np.empty((*state.level.shape[:-1], ahead, origins))
    grown = 0.0
    for step in range(1, ahead + 1):
        grown += _DAMPING**step
        weekday = (first_origin + places + step) % WEEK
        paths[..., step - 1, :] = state.level + grown * state.growth + state.week[..., weekday, places]
    return paths


def _actual(amounts: Floats, origins: int, ahead: int) -> Floats:
    """What came after each origin, series by day ahead by origin; NaN beyond the last day and before the second."""
    number, days = amounts.shape
    first = days - 1 - origins
    found = np.full((number, ahead, origins), np.nan)
    for step in range(1, ahead + 1):
        known = max(0, min(origins, days - first - step))
        found[:, step - 1, :known] = amounts[:, first + step : first + step + known]
    began = (first + np.arange(origins))[None] >= _begins(amounts)[:, None]
    return np.where(began[:, None], found, np.nan)


def _weights(amounts: Floats, states: _State, origins: int, ahead: int) -> Floats:
    """How much each candidate counts for each series, by its days and by its sums alike; they add up to 1."""
    actual = _actual(amounts, origins, ahead)
    known = ~np.isnan(actual)
    actual = np.nan_to_num(actual)
    first = amounts.shape[1] - 1 - origins
    lengths = np.sqrt(np.arange(1, ahead + 1))[:, None]
    days, sums = np.zeros(states.level.shape[:2]), np.zeros(states.level.shape[:2])
    for number in range(len(_CANDIDATES)):
        one = _State(states.level[number, :, :-1], states.growth[number, :, :-1], states.week[number, :, :, :-1])
        errors = (_paths(one, first, ahead) - actual) * known
        days[number] = np.abs(errors).reshape(len(errors), -1).sum(axis=1)
        summed = np.abs(np.cumsum(errors, axis=1)) / lengths * known
        sums[number] = summed.reshape(len(errors), -1).sum(axis=1)
    weights = _relative(days) * _relative(sums)
    return weights / _added(list(weights))


def _relative(errors: Floats) -> Floats:
    best = errors.min(axis=0)
    relative = errors / np.where(best > 0, best, 1.0)
    weights: Floats = np.where(best > 0, np.maximum(relative, 1.0) ** -_SHARPNESS, errors <= 0)
    return weights


def _mix(weights: Floats, part: Floats) -> Floats:
    shape = (len(weights), -1, *(1 for _ in part.shape[2:]))
    return _added([weight * one for weight, one in zip(weights.reshape(shape), part, strict=True)])


def _added(parts: Sequence[Floats]) -> Floats:
    """The sum, in one order however many series there are: numpy's own order depends on that."""
    added = parts[0]
    for part in parts[1:]:
        added = added + part
    return added
