"""The commands of forecasts: how good they would have been."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinledger.cli.output import AsJson, open_books, print_json, progress, sentences, table

if TYPE_CHECKING:
    from twinledger.forecast import Backtest, History, SeriesError

forecast = typer.Typer(help="Forecasts of daily cost: how good they would have been.", no_args_is_help=True)

_SHARES = (
    "better_share",
    "mase_ratio",
    "totals_better_share",
    "total_ratio",
    "scaled_total_ratio",
    "coverage",
    "total_coverage",
)
_WORDS = {
    "better_share": "series with days better than seasonal naive",
    "mase_ratio": "median error of days, in that of seasonal naive",
    "totals_better_share": "series with month ends better than the run rate",
    "total_ratio": "median error of month ends, in that of the run rate",
    "scaled_total_ratio": "mean scaled error of month ends, in that of the run rate",
    "coverage": "days within their 80 % interval",
    "total_coverage": "month ends within their 80 % interval",
}


@forecast.callback()
def _group() -> None:
    """Keep `backtest` a command of its own name while it is the only one."""


@forecast.command("backtest")
def backtest(
    file: Annotated[
        Path | None, typer.Option("--file", exists=True, dir_okay=False, help="CSV: date, amount and perhaps series.")
    ] = None,
    final_through: Annotated[
        datetime | None,
        typer.Option("--final-through", formats=["%Y-%m-%d"], help="The ledger's last final day; yesterday in UTC."),
    ] = None,
    origins: Annotated[int, typer.Option(min=1, max=60, help="From how many earlier days it is forecast.")] = 12,
    every: Annotated[int, typer.Option(min=1, max=31, help="Days between those.")] = 7,
    countries: Annotated[str, typer.Option(help="Whose holidays count: ISO 3166 codes, by comma.")] = "US,CN",
    currency: Annotated[str, typer.Option(help="Of the file's amounts.")] = "USD",
    as_json: AsJson = False,
) -> None:
    """Forecast each series from earlier days, and print its error beside what people use without a model.

    Series are departments and products of the internal ledger, or those of a CSV file. Errors of days are scaled
    (MASE): seasonal naive says the same weekday of last week again. Errors of month ends stand beside the
    month-to-date run rate's.

    Example: [bold]twinledger forecast backtest --final-through 2026-10-31[/]
    """
    from twinledger.forecast import backtest as measure

    chosen = tuple(code.strip().upper() for code in countries.split(",") if code.strip())
    with sentences(), progress("reading", shown=not as_json) as say:
        histories = _read(file, currency) if file else _ledger(final_through)
        say(f"measuring {len(histories):,} series")
        found = measure(histories, origins, every, chosen, say)
    if as_json:
        print_json({name: getattr(found, name) for name in _SHARES} | {"series": [asdict(one) for one in found.series]})
        return
    _show(found)


def _read(file: Path, currency: str) -> list[History]:
    from twinledger.forecast import csv_histories

    return csv_histories(file, currency)


def _ledger(final_through: datetime | None) -> list[History]:
    from twinledger.forecast import ledger_histories

    with open_books() as books:
        return ledger_histories(books, final_through.date() if final_through else _yesterday(books.clock.now()))


def _yesterday(now: datetime) -> date:
    return now.astimezone(UTC).date() - timedelta(days=1)


def _show(found: Backtest) -> None:
    heads = ("series", "origins", "MASE", "seasonal naive", "month end", "run rate", "covered", "month ends covered")
    table("Error of forecasts, by series", heads, [_row(one) for one in found.series], heads[1:])
    rows = [(_WORDS[name], _figure(getattr(found, name))) for name in _SHARES]
    table(f"All {len(found.series):,} series", ("", "figure"), rows, ("figure",))


def _row(one: SeriesError) -> tuple[str, ...]:
    figures = (one.mase, one.naive_mase, one.total_error, one.run_rate_error, one.coverage, one.total_coverage)
    return (one.name, str(one.origins), *(_figure(figure) for figure in figures))


def _figure(figure: float | None) -> str:
    return "" if figure is None else f"{figure:,.2f}"
