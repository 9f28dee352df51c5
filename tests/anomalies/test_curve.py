"""The days around an anomaly: as they are known now, beside what was expected of them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from tests.anomalies.made import LAST, charge, steady
from tests.anomalies.test_find import SPIKE, extra
from twinledger.anomalies import AnomalyCurves, find_anomalies
from twinledger.books import Books


@pytest.fixture
def backend() -> str:
    """What the store does with anomalies is asked of both databases in `test_answers`."""
    return "sqlite"


def test_a_curve_has_the_days_before_and_after_and_marks_those_that_are_not_as_expected(books: Books) -> None:
    charge(books, [*steady(), extra(SPIKE, "250.50", "i-9")])
    (found,) = find_anomalies(books)
    curves = AnomalyCurves(books)
    curve = curves.of(found.id)
    assert curve is not None
    assert (curve.title, curve.currency, curve.view, curve.plan) == (found.title, "USD", "internal", None)
    assert (curve.days[0], curve.days[-1], curve.marked) == (SPIKE - timedelta(days=28), LAST, (SPIKE, SPIKE))
    spike = curve.days.index(SPIKE)
    assert (curve.actual[spike], curve.expected[spike]) == (Decimal("350.50"), Decimal(100))
    assert None not in curve.actual
    bounds = zip(curve.lower, curve.expected, curve.upper, strict=True)
    assert all(one <= other for three in bounds for one, other in pairwise(x for x in three if x is not None))
    assert curves.of("nothing") is None
