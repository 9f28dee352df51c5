"""Commands that close a period: show, close, approve, refuse."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from twinledger.cli.output import AsJson, ByOption, PeriodArgument, open_books, out, print_json

if TYPE_CHECKING:
    from twinledger.closing import Closing

period = typer.Typer(help="Close an accounting period: open, closing, closed.", no_args_is_help=True)

CommentOption = Annotated[str, typer.Option("--comment", help="Kept with the decision.")]


@period.command()
def show(period: PeriodArgument, as_json: AsJson = False) -> None:
    """Say whether a period is open, and what still stands against closing it.

    Example: [bold]twinledger period show 2026-10[/]
    """
    from twinledger.closing import look

    with open_books() as books:
        _print(look(books, period), as_json=as_json)


@period.command()
def close(period: PeriodArgument, by: ByOption, as_json: AsJson = False) -> None:
    """Ask finance to close a period on its present figures; nothing is closed before somebody else agrees.

    Example: [bold]twinledger period close 2026-10 --by carol[/]
    """
    from twinledger.closing import ask

    with open_books() as books:
        _print(ask(books, period, by), as_json=as_json)


@period.command()
def approve(period: PeriodArgument, by: ByOption, comment: CommentOption = "", as_json: AsJson = False) -> None:
    """Agree: the period's charges never change again, and there is no way back.

    What vendors change in it later is posted in the open period. Example:
    [bold]twinledger period approve 2026-10 --by dave[/]
    """
    from twinledger.closing import decide

    with open_books() as books:
        _print(decide(books, period, by, "approve", "command line", comment), as_json=as_json)


@period.command()
def refuse(period: PeriodArgument, by: ByOption, comment: CommentOption = "", as_json: AsJson = False) -> None:
    """Refuse: the period stays open.

    Example: [bold]twinledger period refuse 2026-10 --by dave --comment "the Azure bill is missing"[/]
    """
    from twinledger.closing import decide

    with open_books() as books:
        _print(decide(books, period, by, "refuse", "command line", comment), as_json=as_json)


def _print(found: Closing, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(found))
        return
    out.print(f"period {found.period} is {found.state}", markup=False)
    if found.asked_by:
        out.print(f"  asked by {found.asked_by} at {found.asked_at:%Y-%m-%d %H:%M} UTC", markup=False)
    if found.decided_by:
        said = f": {found.comment}" if found.comment else ""
        out.print(f"  decided by {found.decided_by} at {found.decided_at:%Y-%m-%d %H:%M} UTC{said}", markup=False)
    for point in found.open_points:
        out.print(f"  still open: {point}", markup=False)
