"""Months as columns: whatever the figures, the picture holds them in proportion."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from twinledger.statements import Box, columns
from twinledger.statements.chart import HEIGHT, OTHERS, SERIES, WIDTH
from twinledger.vocabulary.money import short_number

FIGURES = st.decimals(min_value=-(10**12), max_value=10**12, places=2)
MONTHS = st.lists(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), FIGURES), max_size=8, unique_by=lambda one: one[0]),
    min_size=1,
    max_size=12,
)


def _months(figures: list[list[tuple[str, Decimal]]]) -> list[tuple[str, list[tuple[str, Decimal]]]]:
    return [(f"2026-{number:02d}", pairs) for number, pairs in enumerate(figures, start=1)]


def _plotted(boxes: tuple[Box, ...]) -> list[Box]:
    """Without the legend's."""
    return [box for box in boxes if box.y >= 50]


@settings(deadline=None)
@given(MONTHS)
def test_everything_that_is_drawn_is_within_the_picture(figures: list[list[tuple[str, Decimal]]]) -> None:
    chart = columns(_months(figures), short_number)

    assert all(box.x >= 0 and box.x + box.width <= WIDTH for box in _plotted(chart.boxes))
    assert all(box.y >= 0 and box.y + box.height <= HEIGHT and box.height >= 0 for box in chart.boxes)
    assert all(0 <= rule.y <= HEIGHT for rule in chart.rules)
    assert sum(rule.zero for rule in chart.rules) == 1
    assert {box.series for box in chart.boxes} <= set(range(SERIES))


@settings(deadline=None)
@given(st.decimals(min_value=1, max_value=10**12, places=2))
def test_a_column_is_as_high_as_its_figure(figure: Decimal) -> None:
    chart = columns([("2026-09", [("a", figure)]), ("2026-10", [("a", figure * 2)])], short_number)
    one, twice = _plotted(chart.boxes)

    assert abs(one.height * 2 - twice.height) <= Decimal("0.3")


def test_series_beyond_the_colours_are_drawn_as_one() -> None:
    pairs = [(name, Decimal(10 - place)) for place, name in enumerate("abcdefg")]
    chart = columns([("2026-10", pairs)], str)

    assert [box.title for box in _plotted(chart.boxes)][-1] == f"2026-10 {OTHERS}: 15"
    assert [label.text for label in chart.labels if label.kind == "legend"] == ["a", "b", "c", "d", OTHERS]
