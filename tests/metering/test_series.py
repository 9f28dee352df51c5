from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from twinledger.catalog import MeterQuery
from twinledger.metering import HOUR, SeriesUsage, parsed_value

START = 1_792_195_200
"""2026-10-17T00:00:00Z."""
DAY = 24 * HOUR


def query(**changed: Any) -> MeterQuery:  # noqa: ANN401 - any option
    given = {"meter": "kube/hours", "query": "q", "kind": "gauge", "tenant": "namespace", "resource": "node"}
    return MeterQuery.model_validate({**given, **changed})


def usage(points: dict[int, str], **options: Any) -> list[tuple[str, str | None]]:  # noqa: ANN401 - any option
    """(from-to, quantity) of one series; points are minutes since the day's start."""
    day = SeriesUsage(query(**options), START, START + DAY)
    for minute, value in sorted(points.items()):
        day.observe({"namespace": "shop", "node": "n1"}, START + minute * 60, parsed_value(value))
    return [
        (f"{line['started_at']}"[11:16] + "-" + f"{line['ended_at']}"[11:16], line["quantity"]) for line in day.lines()
    ]


def every_minute(first: int, last: int, value: str = "2") -> dict[int, str]:
    return dict.fromkeys(range(first, last), value)


def test_a_gauge_is_its_value_times_the_time_it_holds() -> None:
    assert usage(every_minute(0, 90)) == [("00:00-01:00", "2.000000000"), ("01:00-02:00", "1.000000000")]


def test_a_unit_is_divided_exactly_and_rounded_once() -> None:
    gib = usage(every_minute(0, 60, "3221225472"), per_unit="1073741824")
    third = usage(every_minute(0, 60, "1"), per_unit="3")
    assert (gib, third) == ([("00:00-01:00", "3.000000000")], [("00:00-01:00", "0.333333333")])


def test_a_short_gap_is_bridged_and_a_long_one_is_reported_and_not_charged() -> None:
    short = {**every_minute(0, 20), **every_minute(25, 60)}
    long = {**every_minute(0, 20), **every_minute(26, 60)}
    assert usage(short) == [("00:00-01:00", "2.000000000")]
    assert usage(long) == [("00:00-01:00", "1.800000000"), ("00:20-00:26", None)]


def test_not_a_number_and_infinities_are_no_samples() -> None:
    points = {**every_minute(0, 60), 10: "NaN", 11: "+Inf", 12: "-Inf"}
    assert usage(points) == [("00:00-01:00", "2.000000000")]
    assert usage(points, bridge_steps=2)[1] == ("00:10-00:13", None)


def test_a_series_that_comes_and_goes_is_charged_while_it_is_there() -> None:
    assert usage(every_minute(30, 40)) == [("00:00-01:00", f"{Decimal(2) / 6:.9f}")]


def test_what_is_bridged_over_midnight_is_split_there() -> None:
    around = {**every_minute(-6, -2), **every_minute(3, 60), **every_minute(60, 24 * 60 - 2), 24 * 60 + 3: "2"}
    assert sum(Decimal(str(quantity)) for _, quantity in usage(around)) == 48
    assert usage({-1: "2", **every_minute(30, 60)}) == [("00:00-01:00", "1.000000000"), ("00:00-00:30", None)]


def test_a_counter_is_what_it_has_grown_by_also_over_a_reset() -> None:
    points = {0: "100", 1: "160", 2: "30", 3: "90", 59: "90", 60: "150", 61: "210"}
    found = usage(points, kind="counter", bridge_steps=60)
    assert found == [("00:00-01:00", "210.000000000"), ("01:00-02:00", "60.000000000")]
    gap = usage({0: "0", 1: "60", 30: "600", 31: "660"}, kind="counter")
    assert gap == [("00:00-01:00", "120.000000000"), ("00:01-00:30", None)]


def test_two_days_of_a_counter_add_up_to_what_it_has_grown_by() -> None:
    values = {minute: str(7 * minute) for minute in range(-10, 2 * 24 * 60 + 10)}
    first = usage({m: v for m, v in values.items() if m <= 24 * 60 + 5}, kind="counter")
    second = usage({m - 24 * 60: v for m, v in values.items() if m >= 24 * 60 - 5}, kind="counter")
    assert sum(Decimal(str(q)) for _, q in [*first, *second]) == 7 * 2 * 24 * 60


def test_series_of_one_owner_are_added_up_and_of_others_are_not() -> None:
    day = SeriesUsage(query(), START, START + DAY)
    for at in range(START, START + HOUR, 60):
        for pod, namespace in (("a", "shop"), ("b", "shop"), ("c", "desk"), ("d", "")):
            labels = {"pod": pod, "node": "n1"} | ({"namespace": namespace} if namespace else {})
            day.observe(labels, at, Fraction(1))
    assert [(line["tenant"], line["quantity"]) for line in day.lines()] == [
        (None, "1.000000000"), ("desk", "1.000000000"), ("shop", "2.000000000"),
    ]  # fmt: skip


@given(
    st.lists(st.none() | st.decimals(0, 10**6, places=6), min_size=48, max_size=48),
    st.integers(0, 6), st.integers(1, 47),
)  # fmt: skip
def test_days_add_up_wherever_midnight_is(values: list[Decimal | None], bridge: int, cut: int) -> None:
    """Half hours of two days that are cut somewhere are the same usage as one long time, for what is bridged."""
    points = {START + 1800 * n: value for n, value in enumerate(values) if value is not None}
    step = {"step_seconds": 1800, "bridge_steps": min(bridge, 2)}
    edges = (START - DAY, START + 1800 * cut, START + 3 * DAY)

    def total(start: int, end: int) -> Fraction:
        part = SeriesUsage(query(per_unit="0.5", **step), start, end)
        around = 1800 * (min(bridge, 2) + 1)
        for at, value in points.items():
            if start - around <= at <= end + around - 1800:
                part.observe({"namespace": "shop"}, at, Fraction(value))
        return sum((Fraction(str(line["quantity"])) for line in part.lines() if line["quantity"]), Fraction(0))

    whole = total(edges[0], edges[2])
    assert abs(total(edges[0], edges[1]) + total(edges[1], edges[2]) - whole) <= Fraction(1, 10**8)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"step_seconds": 7}, "must divide an hour"),
        ({"step_seconds": 600, "bridge_steps": 7}, "no more than an hour is bridged"),
        ({"kind": "histogram"}, "gauge"),
        ({"meter": "hours"}, "pattern"),
        ({"per_unit": "0"}, "not above zero"),
        ({"per_unit": 0.5}, "decimal in quotes"),
    ],
)
def test_a_query_that_cannot_be_used_is_refused(changed: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        query(**changed)
