from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.forecast.made import LAST, history, living
from twinledger.books import Books
from twinledger.cli import app
from twinledger.forecast import backtest, csv_histories, ledger_histories
from twinledger.lake.tables import INTERNAL_CHARGES
from twinledger.vocabulary.errors import InvalidTableError, NoHistoryError


def test_forecasts_beat_seasonal_naive_and_run_rate_and_their_intervals_hold_four_of_five() -> None:
    found = backtest([living(number) for number in range(24)], origins=10)
    assert found.better_share is not None
    assert found.total_ratio is not None
    assert found.coverage is not None
    assert found.better_share >= 0.8
    assert found.total_ratio < 1
    assert found.scaled_total_ratio is not None
    assert found.scaled_total_ratio < 1
    assert 0.75 <= found.coverage <= 0.85


def test_errors_of_a_series_are_worked_out_as_they_are_defined() -> None:
    """Seven apart, days differ by 10 at every step: naive errs by 10 to 40 in four weeks, in units of 10."""
    steps = history(lambda day: 10 * ((day - date(2026, 1, 5)).days // 7), days=84)
    (found,) = backtest([steps], origins=1).series
    assert found.origins == 1
    assert found.naive_mase == pytest.approx((1 + 2 + 3 + 4) / 4)


def test_over_several_series_every_month_end_and_every_day_counts_once() -> None:
    """One with many origins and one with few: the mean is over what was measured, in units of each one's own scale."""
    long, short = living(1), living(2, 60)
    found = backtest([long, short], origins=8)
    assert len({one.ends for one in found.series}) == 2
    error = sum((one.total_error or 0) / one.scale * one.ends for one in found.series)
    rate = sum((one.run_rate_error or 0) / one.scale * one.ends for one in found.series)
    assert found.scaled_total_ratio == pytest.approx(error / rate)
    held = sum(round((one.coverage or 0) * one.days) for one in found.series)
    assert found.coverage == pytest.approx(held / sum(one.days for one in found.series))


def test_a_constant_series_has_no_error_and_is_not_counted_as_better() -> None:
    found = backtest([history(lambda _: 10)])
    (only,) = found.series
    assert (only.mase, only.beats_naive, only.coverage) == (None, None, 1.0)
    assert only.total_error == pytest.approx(0, abs=1e-9)
    assert (found.better_share, found.coverage) == (None, None)


def test_a_series_too_short_for_any_origin_has_no_figure() -> None:
    (only,) = backtest([history(lambda day: day.day, days=5)]).series
    assert (only.origins, only.mase, only.total_error) == (0, None, None)


def test_what_came_after_an_origin_is_not_known_there() -> None:
    known = living(1)
    ahead = {LAST - timedelta(days=back): Decimal(10**6) for back in range(28)}
    changed = type(known)(known.name, "USD", {**known.amounts, **ahead}, LAST)
    (before,), (after,) = (backtest([one], origins=1).series for one in (known, changed))
    assert after.mase is not None
    assert before.mase is not None
    assert after.mase > 1000 * before.mase, "the last four weeks are no part of what it is forecast from"


def write(folder: Path, *lines: str) -> Path:
    path = folder / "spend.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_command_prints_every_series_of_a_file(tmp_path: Path) -> None:
    rows = [
        f"{name},{day},{amount}"
        for name, number in (("web", 1), ("data", 2))
        for day, amount in living(number, 120).amounts.items()
    ]
    path = write(tmp_path, "series,date,amount", *rows)
    found = CliRunner().invoke(app, ["forecast", "backtest", "--file", str(path), "--origins", "3", "--json"])
    assert found.exit_code == 0, found.output
    said = json.loads(found.stdout)
    assert [one["name"] for one in said["series"]] == ["data", "web"]
    assert [one["origins"] for one in said["series"]] == [3, 3]
    table = CliRunner().invoke(app, ["forecast", "backtest", "--file", str(path), "--origins", "1"])
    assert "seasonal naive" in table.stdout
    assert "days within their 80 % interval" in table.stdout


def test_a_file_with_wrong_cells_is_refused_with_each_of_them(tmp_path: Path) -> None:
    path = write(tmp_path, "date,amount", "2026-09-01,1", "soon,2", "2026-09-03,three")
    with pytest.raises(InvalidTableError, match=r"line 3, date: is no day.*; line 4, amount: is no finite"):
        csv_histories(path, "USD")
    with pytest.raises(InvalidTableError, match="has no column date"):
        csv_histories(write(tmp_path, "day,amount", "2026-09-01,1"), "USD")
    with pytest.raises(NoHistoryError):
        csv_histories(write(tmp_path, "date,amount"), "USD")


def test_amounts_of_one_day_of_a_file_add_up(tmp_path: Path) -> None:
    (only,) = csv_histories(write(tmp_path, "date,amount", "2026-09-01,0.1", "2026-09-01,0.2"), "EUR")
    assert (only.name, only.currency, dict(only.amounts)) == ("spend", "EUR", {date(2026, 9, 1): Decimal("0.3")})


@pytest.mark.parametrize("backend", ["sqlite"])  # the store is not asked
def test_the_ledger_s_series_are_departments_and_products_up_to_the_last_final_day(books: Books) -> None:
    charges = [(3, "shop", "vm", "1.5"), (3, "shop", "vm", "2"), (5, "shop", "vm", "4"), (6, "shop", "vm", "9")]
    with books.engine() as engine:
        rows = [internal_charge(*charge) for charge in [*charges, (3, "data", "gpu", "7")]]
        engine.view_rows("charges", INTERNAL_CHARGES.columns, rows)
        files = engine.copy("charges", INTERNAL_CHARGES, books.lake.staging(INTERNAL_CHARGES))
    books.lake.replace(INTERNAL_CHARGES, {"period": "2026-10"}, files, "charges")
    found = {one.name: dict(one.amounts) for one in ledger_histories(books, date(2026, 10, 5))}
    assert found == {
        "data / gpu": {date(2026, 10, 3): Decimal(7)},
        "shop / vm": {date(2026, 10, 3): Decimal("3.5"), date(2026, 10, 5): Decimal(4)},
    }


def internal_charge(day: int, department: str, product: str, amount: str) -> tuple[object, ...]:
    """One row of the internal ledger, of October."""
    start = datetime(2026, 10, day, tzinfo=UTC)
    names = ("2026-10", department, "tenant", "pool", product, "meter", None)
    return (*names, start, Decimal(1), "h", Decimal(amount), Decimal(amount), "USD", "usage", False)
