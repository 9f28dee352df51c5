"""Commands of exchange rates: show, import."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinledger.cli.output import AsJson, open_books, print_json, sentences, table
from twinledger.vocabulary.money import plain

if TYPE_CHECKING:
    from twinledger.catalog import RateUsed
    from twinledger.catalog.forms import RateConfig

rates = typer.Typer(help="Exchange rates: of which day, and who says so.", no_args_is_help=True)

CurrencyArgument = Annotated[str, typer.Argument(help="ISO 4217 code, as EUR.")]
OnOption = Annotated[str, typer.Option("--on", help="The rate in force on this day, YYYY-MM-DD.")]
ToOption = Annotated[str, typer.Option("--to", help="The other currency; the reporting currency when not given.")]


@rates.command("show")
def show(currency: CurrencyArgument, on: OnOption = "", to: ToOption = "", as_json: AsJson = False) -> None:
    """The rates of a currency that are known, or the one that is used on a day. Exit code 2 where there is none.

    Example: [bold]twinledger rates show EUR --on 2026-10-17[/]
    """
    from twinledger.catalog import known_rates, rate_of_day

    with open_books() as books, books.store.reading() as session:
        quote = to or books.settings.reporting_currency
        found = [rate_of_day(session, _day(on), currency, quote)] if on else known_rates(session, currency, quote)
    if as_json:
        print_json([asdict(rate) for rate in found])
        return
    title = f"{currency} in {quote}" + (f" on {on}" if on else f": {len(found)} rates")
    columns = ("of day", "rate", "origin")
    table(title, columns, [_row(rate) for rate in found], ("rate",))


def _row(rate: RateUsed) -> tuple[object, ...]:
    return (rate.day, plain(rate.rate), rate.origin)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"--on is {text[:20]!r}, expected a day as 2026-10-17"
        raise typer.BadParameter(message) from None


RatesFile = Annotated[Path, typer.Argument(help="A CSV: kind,day,currency,quote,rate,origin.")]
TableOption = Annotated[str, typer.Option("--table", help="Instead of a file: a table or view, as treasury.fx.")]
UrlOption = Annotated[str, typer.Option("--url-env", help="The environment variable with its SQLAlchemy URL.")]
ColumnOption = Annotated[
    list[str] | None, typer.Option("--column", help="field=column, where the table calls one otherwise; repeat it.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="field=text, for a field that the table has no column of; repeat it.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")]


@rates.command("import")
def import_rates(
    file: RatesFile = Path(), table_name: TableOption = "", url_env: UrlOption = "",
    column: ColumnOption = None, given: SetOption = None, dry_run: DryRun = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Take rates from a file, or from a table of another database. Rates that are not in it stay.

    Examples: [bold]twinledger rates import october.csv[/];
    [bold]twinledger rates import --table treasury.fx --url-env TREASURY_URL --set kind=day --set quote=USD[/]
    """
    from twinledger.catalog import record_rates

    with open_books() as books:
        found = _read(file, table_name, url_env, _pairs(column), _pairs(given))
        by = table_name or file.name
        with books.store.transaction() as session:
            changes = record_rates(session, books.clock, found, by, dry_run=dry_run)
    if as_json:
        print_json({"read": len(found), "changes": [asdict(change) for change in changes], "dry_run": dry_run})
        return
    rows = [(change.action, change.name, ", ".join(change.fields)) for change in changes]
    verb = "would change" if dry_run else "changed"
    table(f"{len(found)} rates read, {len(rows)} {verb}", ("action", "rate", "fields"), rows)


def _read(
    file: Path, table_name: str, url_env: str, columns: dict[str, str], constants: dict[str, str]
) -> tuple[RateConfig, ...]:
    from twinledger.catalog import read_rate_file, read_rate_table

    if bool(table_name) == bool(file.name):
        message = "expected a file, or --table with --url-env"
        raise typer.BadParameter(message)
    if file.name:
        if not file.is_file():
            message = f"there is no file {file}"
            raise typer.BadParameter(message)
        return read_rate_file(file)
    url = os.environ.get(url_env, "") if url_env else ""
    if not url:
        message = f"--url-env: the environment variable {url_env or '(none named)'} holds no URL"
        raise typer.BadParameter(message)
    with sentences():
        return read_rate_table(url, table_name, columns, constants)


def _pairs(given: list[str] | None) -> dict[str, str]:
    from twinledger.catalog.config import RATES_HEADER

    pairs = [text.partition("=") for text in given or ()]
    for field, separator, value in pairs:
        if field not in RATES_HEADER or not separator or not value:
            message = f"{field!r}: expected field=name, with a field of {', '.join(RATES_HEADER)}"
            raise typer.BadParameter(message)
    return {field: value for field, _, value in pairs}
