"""How the command line speaks: tables for people, JSON for scripts, one sentence for an error."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import structlog
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from twinledger.vocabulary.errors import ConfigurationError, InvalidPeriodError, TwinledgerError
from twinledger.vocabulary.money import plain
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import Settings, load_settings

if TYPE_CHECKING:
    from twinledger.books import Books

NEEDS_SOMEBODY = 1
NOT_DONE = 2

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts; amounts are decimal strings.")]
ByOption = Annotated[str, typer.Option("--by", help="Who you are, as people.yaml names you.")]


def parse_period(text: str) -> Period:
    """A period that somebody typed; a wrong one is said as typer says wrong arguments."""
    try:
        return Period.parse(text)
    except InvalidPeriodError as error:
        raise typer.BadParameter(str(error)) from None


PeriodArgument = Annotated[
    Period, typer.Argument(parser=parse_period, metavar="PERIOD", help="Accounting month, YYYY-MM.")
]


@contextmanager
def sentences() -> Iterator[None]:
    """Turns an error of ours into its sentence and exit code 2."""
    try:
        yield
    except TwinledgerError as error:
        err.print(f"[bold red]Error:[/] {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(NOT_DONE) from error


def _quiet_logs() -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        # The stream as it is when something is logged: whoever runs commands in a process may have replaced it.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def settings() -> Settings:
    """This process's settings."""
    _quiet_logs()
    return load_settings()


@contextmanager
def open_books() -> Iterator[Books]:
    """The books of this deployment; an error of ours becomes its sentence."""
    from twinledger.deployment import open_books as opened

    with sentences(), opened(settings()) as books:
        if not books.store.is_current():
            message = "the store has not the newest schema: run `twinledger store upgrade`"
            raise ConfigurationError(message)
        yield books


@contextmanager
def progress(sentence: str, *, shown: bool = True) -> Iterator[Callable[[str], None]]:
    """A line that tells how far a long piece of work is, on the terminal's error stream."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not shown) as bar:
        task = bar.add_task(escape(sentence))

        def say(text: str) -> None:
            bar.update(task, description=escape(text))

        yield say


def print_json(value: object) -> None:
    """JSON with sorted keys left as given; decimals as plain strings, instants as ISO 8601."""
    out.file.write(json.dumps(value, default=_as_json, indent=2) + "\n")


def _as_json(value: object) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value)


def money(amount: Decimal) -> str:
    """An amount for a table: thousands separated, all its digits."""
    whole, _, fraction = plain(amount).partition(".")
    return f"{int(whole):,}.{fraction}" if whole not in ("-0", "0") else f"{whole}.{fraction}"


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[str] = ()) -> None:
    """Print a table; columns named in `right` are aligned to the right. User text is never markup."""
    grid = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for column in columns:
        grid.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(escape("" if value is None else str(value)) for value in row))
    out.print(grid)
    out.print()
