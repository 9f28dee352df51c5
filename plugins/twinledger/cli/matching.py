"""Commands of matching: show, suggest, confirm, withdraw, aliases."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Annotated

import typer

from twinledger.cli.output import AsJson, ByOption, PeriodArgument, money, open_books, out, print_json, progress, table
from twinledger.vocabulary.money import plain

match = typer.Typer(help="What bills and meters call the same thing.", no_args_is_help=True)

PoolArgument = Annotated[str, typer.Argument(metavar="POOL", help="The pool that both sides are of.")]
BilledArgument = Annotated[str, typer.Argument(metavar="BILLED", help="The identifier that the bill has.")]
MeteredArgument = Annotated[str, typer.Argument(metavar="METERED", help="The identifier that the meter has.")]
NoteOption = Annotated[str, typer.Option("--note", help="Kept with it.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A confirmed match, as `match aliases` names it.")]


@match.command()
def show(period: PeriodArgument, as_json: AsJson = False) -> None:
    """By resource and meter: billed and not metered, metered and not billed, quantity differs. For finance.

    As the last reconciliation found it, the most money first. Example: [bold]twinledger match show 2026-10[/]
    """
    from twinledger.reconciliation import read_reconciliation
    from twinledger.vocabulary.errors import UnknownNameError

    with open_books() as books:
        result = read_reconciliation(books, period)
        if result is None:
            raise UnknownNameError("reconciliation", str(period), ())
    found = result.matching
    if as_json:
        print_json(asdict(found))
        return
    columns: tuple[str, ...] = ("side", "pool", "resource", "meter", "billed", "metered", "difference", "amount")
    rows = [
        (
            one.side.replace("_", " "), one.pool, one.resource, f"{one.product}/{one.meter}",
            _digits(one.capacity_quantity), _digits(one.metered_quantity), _digits(one.quantity),
            money(one.amount),
        )
        for one in found.differences
    ]  # fmt: skip
    table(f"{period}: resources whose two sides differ, {result.currency}", columns, rows, columns[4:])
    if found.ambiguities:
        columns = ("pool", "resource", "fits", "amount")
        table(
            f"{len(found.ambiguities)} that fit several: declare an alias or a group in aliases.yaml",
            columns,
            [(one.pool, one.subject, one.candidates, money(one.amount)) for one in found.ambiguities],
            ("amount",),
        )
    if found.suggestions:
        out.print(f"{len(found.suggestions)} suggestions wait: twinledger match suggest {period}", markup=False)


@match.command()
def suggest(period: PeriodArgument, as_json: AsJson = False) -> None:
    """What may be one resource: by identifier, and by quantities day by day. Nothing is matched by it. For finance.

    Example: [bold]twinledger match suggest 2026-10[/]
    """
    from twinledger.reconciliation import match_suggestions

    with open_books() as books, progress(f"looking for likenesses in {period}", shown=not as_json):
        found = match_suggestions(books, period)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    columns = ("pool", "billed", "metered", "alike in", "billed amount", "metered amount", "idle then")
    rows = [
        (
            one.pool, one.billed, one.metered, one.likeness, money(one.capacity_amount), money(one.metered_amount),
            money(one.amount),
        )
        for one in found
    ]  # fmt: skip
    table(f"{period}: {len(found)} suggestions, none of them used", columns, rows, columns[4:])


@match.command()
def confirm(
    period: PeriodArgument, pool: PoolArgument, billed: BilledArgument, metered: MeteredArgument, by: ByOption,
    note: NoteOption = "",
) -> None:  # fmt: skip
    """Say that a suggestion is right: from the period on it counts as an alias of aliases.yaml does.

    Example: [bold]twinledger match confirm 2026-10 kubernetes instance/I-0ABC i-0abc --by carol[/]
    """
    from twinledger.reconciliation import confirm_match

    with open_books() as books, progress(f"looking at the suggestions of {period}"):
        row = confirm_match(books, period, (pool, billed, metered), by, note)
    out.print(f"{row.name}: {billed} is {metered} in {pool} from {period} on", markup=False, soft_wrap=True)
    out.print(f"reconcile {period} again to see what follows", markup=False)


@match.command()
def withdraw(name: NameArgument, period: PeriodArgument, by: ByOption) -> None:
    """Take a confirmed match back from a period on.

    Example: [bold]twinledger match withdraw confirmed-1f0e2d3c4b5a 2026-10 --by carol[/]
    """
    from twinledger.reconciliation import withdraw_match

    with open_books() as books:
        withdraw_match(books, name, period, by)
    out.print(f"{name} no longer holds from {period} on", markup=False)


@match.command()
def aliases(as_json: AsJson = False) -> None:
    """Every alias: those of aliases.yaml, and those that somebody confirmed. For finance.

    Example: [bold]twinledger match aliases[/]
    """
    from twinledger.reconciliation import resource_aliases

    with open_books() as books:
        found = resource_aliases(books)
    rows = [
        {
            "name": one.name, "pool": one.pool, "billed": one.billed, "metered": one.metered,
            "from": one.effective_from, "to": one.effective_to, "confirmed_by": one.confirmed_by,
            "confirmed_at": one.confirmed_at, "note": one.note,
        }
        for one in found
    ]  # fmt: skip
    if as_json:
        print_json(rows)
        return
    columns = ("name", "pool", "billed", "metered", "from", "to", "by")
    shown = [
        (
            one.name, one.pool or "any", ", ".join(one.billed), ", ".join(one.metered), one.effective_from,
            one.effective_to, one.confirmed_by or "aliases.yaml",
        )
        for one in found
    ]  # fmt: skip
    table(f"{len(found)} aliases", columns, shown)


def _digits(quantity: Decimal) -> str:
    """A quantity without zeros that say nothing."""
    return plain(quantity).rstrip("0").rstrip(".")
