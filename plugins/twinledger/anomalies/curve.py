"""The days around an anomaly, as a chart is drawn from them.

What belongs here: one series' daily amounts and what they were expected to be, as a curve. What does not: drawing
(`charts`), and who may see it: the curve of what is `effective` is for finance alone.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import numpy as np

from twinledger.anomalies.detect import expect
from twinledger.anomalies.found import table_of
from twinledger.anomalies.record import anomaly_of
from twinledger.anomalies.sources import Series, read_series
from twinledger.books import Books
from twinledger.charts import Curve
from twinledger.forecast import Floats
from twinledger.store.models import AnomalyRow
from twinledger.vocabulary.audiences import View
from twinledger.vocabulary.money import round_to, smallest_unit

BEFORE, MOST = timedelta(days=28), timedelta(days=120)
"""How many days before an anomaly a curve begins, and how long it is at most."""

_EIGHTY_PERCENT = 1.2816
"""Standard deviations to each side that hold 80 % of a normal distribution."""

_DAY = timedelta(days=1)


class AnomalyCurves:
    """Curves of anomalies; each ledger is read once, when it is first asked for."""

    def __init__(self, books: Books) -> None:
        """Take the books; nothing is read yet."""
        self._books = books
        self._read: dict[View, dict[str, Series]] = {}

    def of(self, identity: str) -> Curve | None:
        """The days from four weeks before an anomaly to the last final one, UTC; None where it or its series is gone.

        Amounts are as they are known now, in the reporting currency. An anomaly of hours is shown by its days.

        Raises:
            MissingRateError: an amount is in a currency that its month has no rate for.
        """
        with self._books.store.reading() as session:
            row = session.get(AnomalyRow, identity)
            found = anomaly_of(row) if row else None
        series = self._daily(found.view).get(found.series) if found else None
        if found is None or series is None:
            return None
        marked = found.start.date(), (found.end - timedelta(microseconds=1)).date()
        return _curve(series, found.title, marked, self._books.settings.anomalies.calendars)

    def _daily(self, view: View) -> dict[str, Series]:
        if view not in self._read:
            every = read_series(self._books, view)
            self._read[view] = {one.key.name: one for one in every if one.rhythm.width == "day"}
        return self._read[view]


def _curve(series: Series, title: str, marked: tuple[date, date], countries: tuple[str, ...]) -> Curve | None:
    table = table_of([series])
    first = max(datetime.combine(marked[0] - BEFORE, time(), UTC), table.first)
    days = [first + number * _DAY for number in range((min(series.final, first + MOST) - first) // _DAY)]
    if not days:
        return None
    said, columns = expect(table, countries), [(day - table.first) // _DAY for day in days]
    amounts, spread = said.amounts[0, columns], _EIGHTY_PERCENT * said.spread[0, columns]
    known = table.amounts[0, columns]
    return Curve(
        title=title,
        currency=series.currency,
        view=series.key.view,
        days=tuple(day.date() for day in days),
        actual=tuple(
            None if np.isnan(there) else series.amounts.get(day, Decimal(0))
            for day, there in zip(days, known, strict=True)
        ),
        expected=tuple(_rounded(amount, series.currency) for amount in amounts),
        lower=tuple(_rounded(low, series.currency) for low in _not_below(amounts - spread, amounts)),
        upper=tuple(_rounded(high, series.currency) for high in amounts + spread),
        marked=marked,
    )


def _not_below(low: Floats, amounts: Floats) -> Floats:
    """What is expected to cost something is not expected to be credited."""
    return np.where(amounts >= 0, np.maximum(low, 0.0), low)


def _rounded(amount: float, currency: str) -> Decimal | None:
    return None if np.isnan(amount) else round_to(Decimal(float(amount)), smallest_unit(currency))
