"""Commands of breaks, for finance: list, show, owners, and what people do with one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC
from typing import TYPE_CHECKING, Annotated

import typer

from twinledger.cli.deeds import (
    SeenOption,
    TextOption,
    ToOption,
    UntilOption,
    act_of,
    print_done,
    say,
    show_history,
    show_said,
)
from twinledger.cli.output import AsJson, ByOption, money, open_books, print_json, progress, table

if TYPE_CHECKING:
    from twinledger.books import Books
    from twinledger.deeds import Act
    from twinledger.reconciliation import BreakLine, BreakView, RootCause

breaks = typer.Typer(
    help="Breaks: what is beyond tolerance, whose it is, and what became of it. For finance.", no_args_is_help=True
)

BreakArgument = Annotated[
    str, typer.Argument(metavar="BREAK", help="A break's identity, or six characters or more of it.")
]
PeriodOption = Annotated[str, typer.Option("--period", help="Only of this accounting month, YYYY-MM.")]
PoolOption = Annotated[str, typer.Option("--pool", help="Only of this pool.")]
OwnerOption = Annotated[str, typer.Option("--owner", help="Only those that this person owns or was given.")]
AgeOption = Annotated[str, typer.Option("--age", help="Only of this age in days: 0-1, 2-7, 8-30 or >30.")]
StateOption = Annotated[
    str,
    typer.Option(
        "--state", help="open (the default), new, acknowledged, snoozed, resolved, cleared, fixed, accepted or all."
    ),
]


@breaks.command("list")
def list_breaks(
    state: StateOption = "open",
    period: PeriodOption = "",
    pool: PoolOption = "",
    owner: OwnerOption = "",
    age: AgeOption = "",
    as_json: AsJson = False,
) -> None:
    """List breaks, the most money first, with age, priority and owner.

    Example: [bold]twinledger breaks list --period 2026-10 --age ">30"[/]
    """
    from twinledger.reconciliation import Wanted, break_lines

    with open_books() as books:
        found = break_lines(books, Wanted("" if state == "all" else state, period, pool, owner, age))
    if as_json:
        print_json([asdict(one) for one in found])
        return
    rows = [(one.id[:8], _what(one), f"{money(one.money.amount)} {one.money.currency}", one.priority,
             f"{one.age_days} d", one.resolution or one.state, one.assignee or one.owner) for one in found]  # fmt: skip
    columns = ("break", "what", "amount", "priority", "age", "state", "whose")
    table(f"{len(found)} breaks", columns, rows, ("amount", "age"))


@breaks.command()
def show(
    break_id: BreakArgument,
    cause: Annotated[bool, typer.Option("--cause", help="Rank what it is made of; reads both ledgers.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one break: whose it is, what was said and done, and with --cause its largest contributors.

    Example: [bold]twinledger breaks show 3f2a9c --cause[/]
    """
    from twinledger.reconciliation import break_view, find_break, root_cause

    with open_books() as books, progress("reading", shown=not as_json):
        view = break_view(books, find_break(books, break_id))
        found = root_cause(books, view.line.id) if cause else None
    if as_json:
        print_json(asdict(view) | ({"cause": asdict(found)} if found else {}))
        return
    _show(view)
    if found:
        _show_cause(found)


@breaks.command()
def owners(period: PeriodOption = "", as_json: AsJson = False) -> None:
    """Show who owns each open break, and which rule of breaks.yaml decided on it.

    Example: [bold]twinledger breaks owners --period 2026-10[/]
    """
    from twinledger.reconciliation import Wanted, break_lines, owner_rules

    with open_books() as books:
        found = break_lines(books, Wanted(period=period))
        with books.store.reading() as session:
            rules = owner_rules(session)
    decided = [
        (one.id[:12], one.rule, one.pool, one.subject, one.owner, one.owner_rule or _default(one)) for one in found
    ]
    if as_json:
        lines = [
            dict(zip(("break", "rule", "pool", "subject", "owner", "decided_by"), row, strict=True)) for row in decided
        ]
        print_json({"rules": [str(rule) for rule in rules], "breaks": lines})
        return
    table("Rules, the first that holds decides", ("rule", "owner"), [(str(rule), rule.owner) for rule in rules])
    table("Open breaks", ("break", "rule", "pool", "subject", "owner", "decided by"), decided)


@breaks.command()
def acknowledge(break_id: BreakArgument, by: ByOption, revision: SeenOption = None, as_json: AsJson = False) -> None:
    """Say that you look into it.

    Example: [bold]twinledger breaks acknowledge 3f2a9c --by carol[/]
    """
    from twinledger.reconciliation import acknowledge as do

    with _acting(break_id, by, revision) as (books, act):
        print_done("break", do(books, act), as_json=as_json)


@breaks.command()
def snooze(
    break_id: BreakArgument,
    by: ByOption,
    until: UntilOption,
    revision: SeenOption = None,
    as_json: AsJson = False,
) -> None:
    """Leave it until an instant; it wakes by itself then, or as soon as it grows.

    Example: [bold]twinledger breaks snooze 3f2a9c --by carol --until 2026-11-05[/]
    """
    from twinledger.reconciliation import snooze as do

    with _acting(break_id, by, revision) as (books, act):
        print_done("break", do(books, act, until.replace(tzinfo=UTC)), as_json=as_json)


@breaks.command()
def assign(
    break_id: BreakArgument,
    by: ByOption,
    to: ToOption,
    revision: SeenOption = None,
    as_json: AsJson = False,
) -> None:
    """Give it to somebody, who is told in Slack.

    Example: [bold]twinledger breaks assign 3f2a9c --by carol --to dave[/]
    """
    from twinledger.reconciliation import assign as do

    with _acting(break_id, by, revision) as (books, act):
        print_done("break", do(books, act, to), as_json=as_json)


@breaks.command()
def comment(
    break_id: BreakArgument,
    by: ByOption,
    text: TextOption,
    as_json: AsJson = False,
) -> None:
    """Say something of it, also when it is resolved.

    Example: [bold]twinledger breaks comment 3f2a9c --by carol --text "asked the vendor"[/]
    """
    from twinledger.reconciliation import comment as do

    with _acting(break_id, by, None) as (books, act):
        print_done("break", do(books, act, text), as_json=as_json)


@breaks.command()
def accept(
    break_id: BreakArgument,
    by: ByOption,
    note: Annotated[str, typer.Option("--note", help="Why it stays as it is.")],
    revision: SeenOption = None,
    as_json: AsJson = False,
) -> None:
    """Resolve it as it is; its evidence is frozen, and another amount opens it again.

    Example: [bold]twinledger breaks accept 3f2a9c --by carol --note "agreed with the vendor, mail of 3 November"[/]
    """
    from twinledger.reconciliation import accept as do

    with _acting(break_id, by, revision) as (books, act), progress("freezing the evidence", shown=not as_json):
        done = do(books, act, note)
    print_done("break", done, as_json=as_json)


@breaks.command()
def fix(
    break_id: BreakArgument,
    by: ByOption,
    booking: Annotated[str, typer.Option("--booking", help="The reference of the booking that fixes it.")],
    revision: SeenOption = None,
    as_json: AsJson = False,
) -> None:
    """Resolve it by a booking; the next run that still finds it opens it again.

    Example: [bold]twinledger breaks fix 3f2a9c --by carol --booking JE-2026-118[/]
    """
    from twinledger.reconciliation import fix as do

    with _acting(break_id, by, revision) as (books, act):
        print_done("break", do(books, act, booking), as_json=as_json)


# --- inside ----------------------------------------------------------------------------------


@contextmanager
def _acting(break_id: str, by: str, revision: int | None) -> Iterator[tuple[Books, Act]]:
    from twinledger.reconciliation import find_break

    with open_books() as books:
        yield books, act_of(find_break(books, break_id), by, revision)


def _what(one: BreakLine) -> str:
    return f"{one.period} {one.rule}{f', {one.pool}' if one.pool else ''}: {one.subject}"


def _default(one: BreakLine) -> str:
    return "owner of the pool" if one.pool else "finance, for it is of no pool"


def _show(view: BreakView) -> None:
    one = view.line
    say(f"break {one.id}")
    say(f"  {one.rule} of {one.subject} in {one.period}: {one.money}, tolerated {one.tolerance}")
    say(f"  {one.state}{f' ({one.resolution})' if one.resolution else ''}, {one.priority}, {one.age_days} days old")
    say(f"  owner {one.owner} ({one.owner_rule or _default(one)}), assignee {one.assignee or 'nobody'}")
    if one.acted_by and one.acted_at:
        say(f"  {one.resolution or one.state} by {one.acted_by} at {one.acted_at:%Y-%m-%d %H:%M} UTC on {one.acted_on}")
    for name, said in (("note", one.note), ("booking", one.reference)):
        if said:
            say(f"  {name}: {said}")
    say(f"  revision {one.revision}, last changed by {one.run}")
    show_said(view.comments)
    show_history("break", view.history)


def _show_cause(cause: RootCause) -> None:
    rows = [
        (
            one.dimension,
            one.name or "(none)",
            money(one.amount),
            "" if one.share is None else f"{one.share:f} %",
            one.rows,
        )
        for one in cause.contributors
    ]
    table(
        "Largest contributors", ("by", "", "amount", "of the break", "rows"), rows, ("amount", "of the break", "rows")
    )
