"""Pictures of budgets and series: what they show, whoever looks at them, and whatever people call things."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from twinledger import charts
from twinledger.charts import Curve, Picture, picture
from twinledger.charts.fonts import drawable

DAYS = tuple(date(2026, 10, 1) + timedelta(days=place) for place in range(31))
BUDGET = Curve(
    title="电商 Shop, October 2026",
    currency="USD",
    view="internal",
    days=DAYS,
    actual=(Decimal(350),) * 20 + (None,) * 11,
    expected=(Decimal(360),) * 31,
    lower=(Decimal(300),) * 31,
    upper=(Decimal(440),) * 31,
    plan=Decimal(10000),
    committed=Decimal("700.50"),
)
SERIES = Curve(
    title="storefront / kubernetes",
    currency="USD",
    view="internal",
    days=DAYS,
    actual=(Decimal(1000),) * 24 + (Decimal("2100.25"),) * 3 + (None,) * 4,
    expected=(Decimal(1010),) * 31,
    lower=(Decimal(860),) * 31,
    upper=(Decimal(1140),) * 31,
    marked=(DAYS[24], DAYS[26]),
)
Colour = tuple[int, int, int]
budget_chart, series_chart = cache(charts.budget_chart), cache(charts.series_chart)
"""Drawn once for all tests that look at the same one."""


def rgb(colour: str) -> Colour:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def image(made: Picture) -> Image.Image:
    return Image.open(io.BytesIO(made.png)).convert("RGB")


def count(made: Picture, colour: str, box: tuple[int, int, int, int] = (150, 230, 1158, 612)) -> int:
    """Pixels of a colour, between the axes unless told otherwise."""
    found = image(made).crop(box).getcolors(WIDE) or []
    return next((number for number, one in found if one == rgb(colour)), 0)


WIDE = 1200 * 675


# --- what is drawn ---------------------------------------------------------------------------


def test_a_budgets_picture_has_what_is_spent_the_forecast_its_band_and_the_plan() -> None:
    made = budget_chart(BUDGET)
    assert image(made).size == (made.width, made.height) == (1200, 675)
    without = budget_chart(replace(BUDGET, plan=None, lower=(None,) * 31))
    assert (count(without, picture.PLAN), count(without, picture.BAND)) == (0, 0)
    assert count(made, picture.PLAN) > 4000
    assert count(made, picture.BAND) > 2000
    assert count(made, picture.ACTUAL) > count(budget_chart(replace(BUDGET, expected=(None,) * 31)), picture.ACTUAL)


def test_a_series_picture_marks_the_days_that_are_not_as_expected() -> None:
    made, calm = series_chart(SERIES), series_chart(replace(SERIES, marked=None))
    assert count(made, picture.MARKED) > 10000
    assert count(made, picture.PLAN) > 1000
    assert (count(calm, picture.MARKED), count(calm, picture.PLAN)) == (0, 0)
    assert min(count(one, picture.BAND) for one in (made, calm)) > 10000


def test_equal_values_give_equal_bytes_and_others_others() -> None:
    assert charts.budget_chart(BUDGET) == budget_chart(BUDGET)
    assert charts.series_chart(SERIES) == series_chart(SERIES)
    assert budget_chart(BUDGET).png != budget_chart(replace(BUDGET, plan=Decimal(9000))).png


def test_the_axis_of_money_begins_at_nothing() -> None:
    """What is spent is half of the budget, so its end is half as high."""
    half = replace(BUDGET, actual=(Decimal(21_000),) * 31, plan=Decimal(42_000 * 31), committed=Decimal(0))
    ends = image(budget_chart(half)).crop((1150, 0, 1151, 612))
    column = [ends.getpixel((0, row)) for row in range(612)]

    def height(colour: str) -> float:
        rows = [row for row, one in enumerate(column) if one == rgb(colour)]
        return 611 - sum(rows) / len(rows)

    assert height(picture.PLAN) / height(picture.ACTUAL) == pytest.approx(2, rel=0.03)


# --- who sees it -----------------------------------------------------------------------------


def luminance(colour: Colour) -> float:
    """WCAG 2.2, relative luminance."""
    linear = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(rgb(one)), luminance(rgb(other))))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("words", [picture.INK, picture.SOFT])
def test_words_can_be_read(words: str) -> None:
    assert contrast(words, picture.GROUND) >= 4.5


@pytest.mark.parametrize("line", [picture.ACTUAL, picture.EXPECTED, picture.PLAN, picture.BAND_EDGE])
def test_lines_stand_out_from_the_ground(line: str) -> None:
    assert contrast(line, picture.GROUND) >= 3
    assert line == picture.BAND_EDGE or contrast(line, picture.BAND) >= 3
    assert line != picture.PLAN or contrast(line, picture.MARKED) >= 3


@pytest.mark.parametrize("theme", ["#ffffff", "#1a1d21"])
def test_the_card_ends_somewhere_in_a_light_and_in_a_dark_theme(theme: str) -> None:
    assert max(contrast(picture.EDGE, theme), contrast(picture.GROUND, theme)) >= 3


# Brettel, Viénot and Mollon's dichromats as Viénot, Brettel and Mollon (1999) reduce them, on linear RGB.
SEEN = {
    "deuteranope": ((0.29275, 0.70725, -0.02234), (0.29275, 0.70725, -0.02234), (0.0, 0.0, 1.0)),
    "protanope": ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0)),
}


@pytest.mark.parametrize("eye", sorted(SEEN))
def test_what_is_spent_and_the_budget_differ_for_who_sees_fewer_colours(eye: str) -> None:
    def seen(colour: str) -> list[float]:
        linear = [(part / 255) ** 2.2 for part in rgb(colour)]
        mixed = (sum(map(lambda a, b: a * b, row, linear)) for row in SEEN[eye])
        return [255 * max(part, 0.0) ** (1 / 2.2) for part in mixed]

    apart = sum((a - b) ** 2 for a, b in zip(seen(picture.ACTUAL), seen(picture.PLAN), strict=True)) ** 0.5
    assert apart > 100


def test_every_colour_of_a_picture_is_one_of_ours_or_between_two() -> None:
    found = image(budget_chart(BUDGET)).getcolors(WIDE) or []
    most = {one for number, one in found if number > 3000}
    assert most <= {rgb(value) for name, value in vars(picture).items() if name.isupper() and isinstance(value, str)}


# --- what people call things -----------------------------------------------------------------

TITLE = (30, 25, 1190, 82)


def ink(title: str) -> list[tuple[int, int]]:
    """The columns of the title that are drawn in, as stretches."""
    line = image(budget_chart(replace(BUDGET, title=title))).crop(TITLE).convert("L")
    dark = [min(line.crop((x, 0, x + 1, line.height)).tobytes()) < 128 for x in range(line.width)]
    runs = itertools.groupby(range(len(dark)), key=lambda x: dark[x])
    found = [list(run) for is_dark, run in runs if is_dark]
    return [(run[0], run[-1] + 1) for run in found]


def test_chinese_letters_are_drawn_each_as_itself() -> None:
    def drawn(title: str) -> bytes:
        return image(budget_chart(replace(BUDGET, title=title))).crop(TITLE).tobytes()

    assert drawn("数据") != drawn("科学")  # boxes would be one and the same
    assert drawn("数据\U0010fffd") == drawn("数据")  # what no font has is left out, not drawn as a box


def test_a_title_is_cut_within_the_card() -> None:
    assert 1000 < ink("W数" * 500)[-1][1] <= 1140


HOSTILE = [
    "$x_1$ and $\\frac{1}{2} \\n {} %s %(a)s <!channel> & <b>",
    "\x00\x1b[31m\r\n\t\u202eevil\u202c",
    "👩‍💻🎉\uffff",
    "العربية שלום e" + "\u0301" * 300,
]


@settings(deadline=None, max_examples=3)
@given(st.text(max_size=400))
def test_whatever_a_thing_is_called_a_picture_is_drawn(title: str) -> None:
    made = series_chart(replace(SERIES, title=title))
    assert image(made).size == (1200, 675)
    assert len(made.alt) < 1000


@pytest.mark.parametrize("title", HOSTILE)
def test_whatever_mischief_is_in_a_name_a_picture_is_drawn(title: str) -> None:
    made = budget_chart(replace(BUDGET, title=title))
    assert made.alt.isprintable()
    assert len(made.alt) < 1000


def test_only_letters_that_a_font_has_are_drawn() -> None:
    assert drawable("Shop 🎉 数据 العربية") == "Shop 数据 العربية"


# --- in words --------------------------------------------------------------------------------


def test_the_words_of_a_budget_say_every_figure() -> None:
    assert budget_chart(BUDGET).alt == (
        "Chart of 电商 Shop, October 2026, 1 Oct to 31 Oct 2026: 7,000.00 USD spent by 20 Oct 2026; "
        "700.50 USD committed; 11,660.50 USD forecast for the end; 80 % interval 11,000.50 USD to 12,540.50 USD; "
        "budget 10,000.00 USD, 1,660.50 USD over it."
    )


def test_the_words_of_a_budget_say_no_figure_that_is_not_known() -> None:
    unknown = replace(BUDGET, expected=(Decimal(1),) * 30 + (None,), plan=None, committed=Decimal(0))
    assert budget_chart(unknown).alt == (
        "Chart of 电商 Shop, October 2026, 1 Oct to 31 Oct 2026: 7,000.00 USD spent by 20 Oct 2026; "
        "80 % interval 10,300.00 USD to 11,840.00 USD."
    )


def test_the_words_of_a_series_say_what_was_expected_of_the_marked_days() -> None:
    assert series_chart(SERIES).alt == (
        "Chart of storefront / kubernetes, each day of 1 Oct to 31 Oct 2026; not as expected 25 Oct to 27 Oct 2026: "
        "actual 6,300.75 USD, expected 3,030.00 USD."
    )


A_DAY = Curve("a day", "JPY", "internal", DAYS[:1], (Decimal(5),), (None,), (None,), (None,))


@pytest.mark.parametrize(
    ("chart", "odd"),
    [
        (budget_chart, replace(BUDGET, actual=(None,) * 31, plan=Decimal(0))),
        (budget_chart, replace(BUDGET, actual=(Decimal(-5),) * 31)),
        (budget_chart, replace(BUDGET, actual=(Decimal(10) ** 25,) * 31, plan=Decimal("1e-9"))),
        (series_chart, A_DAY),
        (series_chart, replace(SERIES, actual=(None,) * 31, expected=(None,) * 31, lower=(None,) * 31)),
        (series_chart, replace(SERIES, marked=(date(2020, 1, 1), date(2030, 1, 1)))),
    ],
)
def test_whatever_the_figures_are_a_picture_is_drawn(chart: Callable[[Curve], Picture], odd: Curve) -> None:
    made = chart(odd)
    assert len(image(made).getcolors(WIDE) or []) > 10
    assert "nan" not in made.alt.lower()


def test_a_curve_has_one_amount_a_day_and_no_day_missing() -> None:
    with pytest.raises(ValueError, match="expected 31 amounts"):
        replace(BUDGET, actual=(Decimal(1),))
    with pytest.raises(ValueError, match="one after the other"):
        replace(BUDGET, days=(DAYS[0], *DAYS[:30]))
