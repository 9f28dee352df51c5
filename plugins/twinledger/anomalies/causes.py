"""Why: what a stretch's charges are, beside those of the same weekdays before it.

What belongs here: which spans are compared, and from rows of both to the largest causes and the usual reason. What
does not: the rules of reasons (`reasons`), and how stretches are found.

A stretch is compared with the mean of up to four spans of its own length, whole weeks before it. The causes add up to
that difference, which is about the impact: what was expected is told by the series' model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from functools import cache
from typing import Any

from sqlalchemy.orm import Session

from twinledger.anomalies.anomaly import AnomalyCause
from twinledger.anomalies.found import Found
from twinledger.anomalies.reasons import UNKNOWN, Part, reason_of
from twinledger.anomalies.sources import Key, view_charges
from twinledger.books import Books
from twinledger.catalog import convert, rate_of_period
from twinledger.lake.tables import EXTERNAL_CHARGES, INSTANT, INTERNAL_CHARGES, TEXT, Column, as_timestamp
from twinledger.vocabulary.audiences import View
from twinledger.vocabulary.money import Money, round_to, smallest_unit
from twinledger.vocabulary.periods import Period

SPANS = (
    Column("anomaly", TEXT, required=True), Column("scope", TEXT, required=True),
    Column("product", TEXT, required=True), Column("starts_at", INSTANT, required=True),
    Column("ends_at", INSTANT, required=True), Column("is_after", "BOOLEAN", required=True),
    Column("rising", "BOOLEAN", required=True),
)  # fmt: skip
"""What the models compare: a stretch as many times as there are spans before it, and each of those once."""

MOST_CAUSES = 3
_WEEK = timedelta(days=7)
_SPANS = 4
_MODELS: Mapping[View, tuple[str, str]] = {
    "internal": ("anomalies/largest_changes", "anomalies/changed_meters"),
    "effective": ("ledger/largest_cost_changes", "ledger/changed_skus"),
}
_EXACTLY = ("resource", "sku", "meter", "region", "account")
"""What says more of two causes of the same money."""


@dataclass(frozen=True, slots=True)
class Why:
    """The largest causes, by money, and what usually explains them."""

    causes: tuple[AnomalyCause, ...] = ()
    reason: str = UNKNOWN


def spans_before(start: datetime, end: datetime, begun: datetime) -> list[tuple[datetime, datetime]]:
    """Up to four spans as long as this one, whole weeks before it, that begin after the series did."""
    apart = _WEEK * -((start - end) // _WEEK)
    spans = [(start - number * apart, end - number * apart) for number in range(1, _SPANS + 1)]
    return [span for span in spans if span[0] >= begun]


def why(books: Books, view: View, found: Mapping[str, Found]) -> dict[str, Why]:
    """The causes and reason of each stretch of a ledger, by the anomaly's id; those without anything before have none.

    Raises:
        MissingRateError: an amount is in a currency that its month has no rate for.
    """
    compared = {name: spans_before(one.start, one.end, min(one.series.amounts)) for name, one in found.items()}
    compared = {name: spans for name, spans in compared.items() if spans}
    if not compared:
        return {name: Why() for name in found}
    table = INTERNAL_CHARGES if view == "internal" else EXTERNAL_CHARGES
    first = min(start for spans in compared.values() for start, _ in spans)
    last = max(found[name].end for name in compared)
    largest, parts = _MODELS[view]
    with books.engine() as engine, books.store.reading() as session:
        view_charges(engine, books, table, first, last)
        engine.view_rows("anomaly_spans", SPANS, _rows(found, compared))
        engine.view_model(largest)
        engine.view_model(parts)
        money = _Converted(session, found, {name: len(spans) for name, spans in compared.items()})
        causes = _causes(engine.rows(largest.rpartition("/")[2]), found, money)
        reasons = _reasons(engine.rows(parts.rpartition("/")[2]), money)
    return {name: Why(causes.get(name, ()), reasons.get(name, UNKNOWN)) for name in found}


class _Converted:
    """Amounts of a model in the reporting currency, at the rate of the stretch's month, for one span of several."""

    def __init__(self, session: Session, found: Mapping[str, Found], spans: Mapping[str, int]) -> None:
        self._found, self._spans = found, spans
        self._rate = cache(lambda month, currency, quote: rate_of_period(session, month, currency, quote))

    def __call__(self, row: Mapping[str, Any], name: str) -> Decimal:
        one = self._found[row["anomaly"]]
        rate = self._rate(Period.of(one.start), row["currency"], one.series.currency)
        with localcontext(prec=60):
            return convert(Money(row[name], row["currency"]), rate).amount / self._spans[row["anomaly"]]


def _rows(
    found: Mapping[str, Found], compared: Mapping[str, Sequence[tuple[datetime, datetime]]]
) -> Iterator[tuple[object, ...]]:
    for name, spans in sorted(compared.items()):
        one = found[name]
        key: Key = one.series.key
        for span in spans:
            for (start, end), is_after in (((one.start, one.end), True), (span, False)):
                yield (name, key.scope, key.product, as_timestamp(start), as_timestamp(end), is_after, one.impact > 0)


def _causes(
    rows: Iterable[Mapping[str, Any]], found: Mapping[str, Found], money: _Converted
) -> dict[str, tuple[AnomalyCause, ...]]:
    """The largest of all dimensions that tell something: one with a single name says what the whole does."""
    of_anomaly: dict[str, list[tuple[Decimal, int, str, AnomalyCause]]] = defaultdict(list)
    for row in rows:
        one = found[row["anomaly"]]
        currency = one.series.currency
        change = Money(round_to(money(row, "change"), smallest_unit(currency)), currency)
        tells = row["names"] > 1 or row["dimension"] == "resource"
        if row["name"] and tells and change.amount * one.impact > 0:
            cause = AnomalyCause(row["dimension"], row["name"], change)
            of_anomaly[row["anomaly"]].append(
                (-abs(change.amount), _EXACTLY.index(row["dimension"]), row["name"], cause)
            )
    return {name: tuple(one[-1] for one in sorted(several)[:MOST_CAUSES]) for name, several in of_anomaly.items()}


def _reasons(rows: Iterable[Mapping[str, Any]], money: _Converted) -> dict[str, str]:
    of_anomaly: dict[str, list[Part]] = defaultdict(list)
    for row in rows:
        quantities = row["before_quantity"], row["after_quantity"]
        amounts = money(row, "before_amount"), money(row, "after_amount")
        of_anomaly[row["anomaly"]].append(Part(row["mark"], row["seen"], *quantities, *amounts))
    return {name: reason_of(parts) for name, parts in of_anomaly.items()}
