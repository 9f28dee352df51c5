"""Finding anomalies in both ledgers and keeping them; nobody is told.

What belongs here: one run, from ledgers to the store. What does not: its parts, and telling (`alerts`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import get_args

from twinledger.anomalies.anomaly import Anomaly
from twinledger.anomalies.answers import factors
from twinledger.anomalies.causes import why
from twinledger.anomalies.detect import Bounds
from twinledger.anomalies.found import look
from twinledger.anomalies.record import Run, anomaly_of, by_impact, identity, values_of, write
from twinledger.anomalies.sources import read_series, titles
from twinledger.books import Books
from twinledger.forecast import check_countries
from twinledger.store.models import AnomalyRow
from twinledger.vocabulary.audiences import View


def find_anomalies(
    books: Books,
    final_through: date | None = None,
    *,
    dry_run: bool = False,
    report: Callable[[str], None] | None = None,
) -> list[Anomaly]:
    """Look for anomalies in the last weeks of both ledgers, and keep them. Safe to repeat.

    Args:
        books: the deployment.
        final_through: the last day that is final, UTC, of both; without it, as the settings say.
        dry_run: only say what would be found; nothing is kept.
        report: is told in a sentence how far it is.

    Returns:
        What was found, of both views, the largest impact first. What is `effective` is for finance alone.

    Raises:
        MissingRateError: an amount is in a currency that its month has no rate for.
        UnknownNameError: no holidays are known of a country of the settings.
    """
    check_countries(books.settings.anomalies.calendars)
    runs = [_run(books, view, final_through, report) for view in get_args(View)]
    if dry_run:
        now = books.clock.now()
        return by_impact(anomaly_of(AnomalyRow(**values_of(one, run, now))) for run in runs for one in run.looked.found)
    with books.store.transaction() as session:
        ids = [name for run in runs for name in write(session, run, books.clock.now())]
        return by_impact(anomaly_of(session.get_one(AnomalyRow, name)) for name in ids)


def bounds_of(books: Books) -> Bounds:
    """The bounds of every series, as the settings have them."""
    chosen = books.settings.anomalies
    return Bounds(chosen.deviations, chosen.least_share, float(chosen.least_amount))


def _run(books: Books, view: View, final_through: date | None, report: Callable[[str], None] | None) -> Run:
    series = read_series(books, view, final_through)
    if report:
        report(f"{view}: looking at {len(series):,} series")
    with books.store.reading() as session:
        said = factors(session, view)
        by_key = {one.key: said[one.key.name] for one in series if one.key.name in said}
        named = titles(session, {one.key for one in series})
    looked = look(series, bounds_of(books), by_key, books.settings.anomalies.calendars)
    if report and looked.found:
        report(f"{view}: asking why of {len(looked.found):,}")
    causes = why(books, view, {identity(one): one for one in looked.found})
    return Run(view, tuple(series), looked, named, causes)
