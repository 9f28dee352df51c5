"""Commands of control totals: show, import, fetch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinledger.cli.output import NEEDS_SOMEBODY, AsJson, money, open_books, out, print_json, progress, table
from twinledger.vocabulary.periods import Period

if TYPE_CHECKING:
    from twinledger.books import Books
    from twinledger.controls import Comparison, Recorded

controls = typer.Typer(help="What others say an account was charged, beside the ledger.", no_args_is_help=True)

PeriodText = Annotated[str, typer.Argument(metavar="[PERIOD]", help="YYYY-MM; the newest one when not given.")]
AllOption = Annotated[bool, typer.Option("--all", help="Also every invoice and sub account that agrees.")]


@controls.command("show")
def show(period: PeriodText = "", everything: AllOption = False, as_json: AsJson = False) -> None:
    """The ledger's total of each account beside those of manifests, invoices and the provider. For finance.

    What is missing is pending, and no break. Exit code 1 when totals differ by more than is tolerated.

    Example: [bold]twinledger controls show 2026-10[/]
    """
    from twinledger.controls import agreement

    with open_books() as books:
        chosen = _chosen(books, period)
        found = agreement(books, chosen) if chosen else ()
    if as_json:
        rows = [asdict(one) | {"difference": one.difference} for one in found]
        print_json({"period": str(chosen or ""), "comparisons": rows})
    else:
        _show(str(chosen or "no period"), found, everything=everything)
    if any(one.state == "differs" for one in found):
        raise typer.Exit(NEEDS_SOMEBODY)


def _chosen(books: Books, text: str) -> Period | None:
    from twinledger.controls import newest_period

    name = text or newest_period(books)
    return Period.parse(name) if name else None


def _show(period: str, found: Sequence[Comparison], *, everything: bool) -> None:
    columns = ("provider", "account", "currency", "origin", "ledger", "stated", "ledger less stated", "state")
    whole = [one for one in found if not one.document]
    table(f"{period}: control totals", columns, [_row(one) for one in whole], columns[4:7])
    parts = [one for one in found if one.document and (everything or one.state != "agrees")]
    if parts:
        named = ("document", *columns)
        rows = [(one.document, *_row(one)) for one in parts]
        table("Invoices and sub accounts", named, rows, columns[4:7])


def _row(one: Comparison) -> tuple[object, ...]:
    amounts = (_money(one.ledger), _money(one.stated), _money(one.difference))
    state = f"{one.state}: {one.note}" if one.note else one.state
    return (one.provider, one.account, one.currency, one.origin, *amounts, state)


def _money(amount: Decimal | None) -> str:
    return "" if amount is None else money(amount)


InvoicesFile = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="Finance's CSV, or FOCUS Invoice Detail (CSV, Parquet).")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be recorded, and record nothing.")]
WithoutTax = Annotated[
    bool, typer.Option("--without-tax", help="Leave tax out: for vendors whose bill detail has no lines of tax.")
]


@controls.command("import")
def import_invoices(
    file: InvoicesFile, dry_run: DryRun = False, without_tax: WithoutTax = False, as_json: AsJson = False
) -> None:
    """Record what invoices say. Repeating it changes nothing; an amount that has changed is said and audited.

    The CSV's columns are provider,account,period,currency,invoice,amount and, where there is any, tax.

    Example: [bold]twinledger controls import october.csv --dry-run[/]
    """
    from twinledger.controls import compare, read_invoices, record

    with open_books() as books:
        read = read_invoices(file, with_tax=not without_tax)
        if dry_run:
            with books.store.reading() as session:
                done = compare(session, read.totals)
        else:
            with books.store.transaction() as session:
                done = record(session, books.clock, read.totals, file.name)
    if as_json:
        print_json(_recorded_json(done) | {"open": read.open_invoices, "dry_run": dry_run})
        return
    _say(done, f"{len(read.totals)} invoices read", dry_run=dry_run)
    for name in read.open_invoices:
        out.print(f"invoice {name} is still open and states nothing yet", markup=False)


def _recorded_json(done: Recorded) -> dict[str, Any]:
    return {
        "new": [asdict(one) for one in done.new],
        "changed": [asdict(one.total) | {"before": one.before} for one in done.changed],
        "gone": [asdict(one) for one in done.gone],
        "unchanged": done.unchanged,
        "periods": done.periods,
    }


def _say(done: Recorded, read: str, *, dry_run: bool) -> None:
    rows = [("new", *_named(one), "", money(one.amount)) for one in done.new]
    rows += [("changed", *_named(one.total), money(one.before), money(one.total.amount)) for one in done.changed]
    rows += [("gone", *_named(one), money(one.amount), "") for one in done.gone]
    verb = "would be recorded" if dry_run else "recorded"
    columns = ("", "document", "provider", "account", "period", "currency", "before", "amount")
    table(f"{read}: {len(rows)} {verb}, {done.unchanged} known already", columns, rows, columns[6:])
    if done.periods and not dry_run:
        out.print(f"reconcile {', '.join(done.periods)} to compare them, or leave it to the daily run", markup=False)


def _named(one: Any) -> tuple[str, ...]:  # noqa: ANN401 - a total, of a module that is imported when a command runs
    return (one.document, one.provider, one.account, one.period, one.currency)


SourceArgument = Annotated[str, typer.Argument(help="A source with options.cost_explorer; all when not given.")]


@controls.command("fetch")
def fetch(source: SourceArgument = "", as_json: AsJson = False) -> None:
    """Ask AWS Cost Explorer for the totals of this month and the three before it, and record what is final.

    Example: [bold]twinledger controls fetch aws[/]
    """
    from twinledger.cloud.cost_explorer import open_cost_explorer
    from twinledger.controls import asked_source, asked_sources, record_provider_totals

    with open_books() as books, progress("asking Cost Explorer", shown=not as_json):
        with books.store.reading() as session:
            asked = asked_sources(session)
        chosen = [asked_source(books, source)] if source else asked
        by_source = {
            one.name: record_provider_totals(books, one, open_cost_explorer(one.metric, one.profile), "command line")
            for one in chosen
        }
    if as_json:
        print_json({name: _recorded_json(done) for name, done in by_source.items()})
        return
    for name, done in by_source.items():
        _say(done, f"{name}: Cost Explorer", dry_run=False)
    if not by_source:
        out.print("no source has options.cost_explorer: there is nobody to ask", markup=False)
