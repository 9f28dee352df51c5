"""Commands of the external ledger and of metering: inspect, ingest, ledger, quarantine."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinledger.cli.output import (
    NEEDS_SOMEBODY,
    AsJson,
    PeriodArgument,
    money,
    open_books,
    out,
    print_json,
    progress,
    sentences,
    settings,
    table,
)
from twinledger.vocabulary.money import exact_sum, plain

if TYPE_CHECKING:
    from twinledger.bills import Inspection
    from twinledger.quality import Verdict

ledger = typer.Typer(help="Look at the external ledger, or take it elsewhere.", no_args_is_help=True)
quarantine = typer.Typer(help="See what was refused, and why.", no_args_is_help=True)

FileArgument = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A bill: CSV, CSV.GZ or Parquet.")]
FormatOption = Annotated[str, typer.Option("--format", help="Its format; recognised by its columns when not given.")]


def inspect(file: FileArgument, format_name: FormatOption = "", as_json: AsJson = False) -> None:
    """Say what a bill would become, and write nothing.

    Examples: [bold]twinledger inspect october.csv.gz[/]; for scripts:
    [bold]twinledger inspect october.parquet --json[/]

    Exit code 1 when the gate would stop it, 2 when it cannot be read.
    """
    from twinledger.bills import inspect_file
    from twinledger.engine.duck import DuckEngine
    from twinledger.quality.gx import GreatExpectationsGate

    with sentences(), tempfile.TemporaryDirectory(prefix="twinledger-inspect-") as folder:
        chosen = settings().model_copy(update={"home": Path(folder)})
        with progress(f"reading {file.name}", shown=not as_json):
            found = inspect_file(
                lambda: DuckEngine(chosen.lake.memory_limit, chosen.lake.threads, chosen.spill),
                GreatExpectationsGate.of(chosen),
                file,
                Path(folder) / "staged",
                format_name,
            )
    if as_json:
        print_json(_inspection_json(found))
    else:
        _show_inspection(file, found)
    if not found.verdict.passed:
        raise typer.Exit(NEEDS_SOMEBODY)


def _inspection_json(found: Inspection) -> dict[str, Any]:
    return {
        "format": found.format,
        "rows_in": found.rows_in,
        "rows_ledger": found.rows_ledger,
        "rows_quarantined": len(found.refused),
        "totals": [
            {"period": period, "currency": currency, "billed_cost": plain(amount)}
            for period, currency, amount in _by_period(found)
        ],
        "services": [asdict(row) | {"billed_cost": plain(row.billed_cost)} for row in found.services],
        "quarantined": [{"row": row.row, "code": row.code, "reason": row.reason} for row in found.refused],
        "gate": {
            "passed": found.verdict.passed,
            "evaluated": found.verdict.evaluated,
            "stops": list(found.verdict.stops),
            "warnings": list(found.verdict.warnings),
        },
    }


def _by_period(found: Inspection) -> list[tuple[str, str, Decimal]]:
    keys = sorted({(total.period, total.currency) for total in found.totals})
    return [
        (*key, exact_sum(total.billed_cost for total in found.totals if (total.period, total.currency) == key))
        for key in keys
    ]


def _show_inspection(file: Path, found: Inspection) -> None:
    out.print(f"[bold]{file.name}[/] is [bold]{found.title}[/] ({found.format})\n")
    out.print(f"{found.rows_in} rows in = {found.rows_ledger} ledger rows + {len(found.refused)} quarantined\n")
    table(
        "Billed cost by month", ("period", "currency", "billed cost"), _money_rows(_by_period(found)), ("billed cost",)
    )
    services = [(row.period, row.currency, row.service, money(row.billed_cost)) for row in found.services[:20]]
    table("Largest services", ("period", "currency", "service", "billed cost"), services, ("billed cost",))
    if found.refused:
        rows = [(row.row, row.code, row.reason) for row in found.refused[:20]]
        table("Quarantined rows", ("row", "code", "reason"), rows)
    _show_gate(found.verdict)


def _money_rows(rows: Sequence[tuple[str, str, Decimal]]) -> list[tuple[str, str, str]]:
    return [(period, currency, money(amount)) for period, currency, amount in rows]


def _show_gate(verdict: Verdict) -> None:
    word = "[green]passes[/]" if verdict.passed else "[red]stops[/]"
    out.print(f"Delivery gate: {word} ({verdict.evaluated} expectations)")
    for sentence in verdict.stops:
        out.print(f"  stop: {sentence}", markup=False)
    for sentence in verdict.warnings:
        out.print(f"  warning: {sentence}", markup=False)


SourceArgument = Annotated[str, typer.Argument(help="A source of sources.yaml; all of them when not given.")]


def ingest(source: SourceArgument = "", as_json: AsJson = False) -> None:
    """Bring what is new at a source into its ledger: bills into the external one, metering into usage.

    Repeating it changes nothing. Exit code 1 when a delivery was refused; see `twinledger quarantine list`.
    """
    from twinledger import bills, metering
    from twinledger.catalog import sources

    with open_books() as books, progress("looking for deliveries", shown=not as_json) as say:
        outcomes: list[bills.Outcome | metering.Outcome] = []
        for name, kind in sources(books.store, source):
            ingest_one = bills.ingest_source if kind == "bill" else metering.ingest_feed
            outcomes += ingest_one(books, name, say)
    if as_json:
        print_json([asdict(outcome) for outcome in outcomes])
    else:
        new = [outcome for outcome in outcomes if outcome.state != "unchanged"]
        table(
            f"{len(new)} deliveries handled, {len(outcomes) - len(new)} unchanged",
            ("delivery", "state", "periods", "rows in", "ledger", "quarantined", "reason"),
            [
                (o.delivery, o.state, " ".join(o.periods), o.rows_in, o.rows_ledger, o.rows_quarantined, o.reason)
                for o in new
            ],
            ("rows in", "ledger", "quarantined"),
        )
    if any(outcome.state == "quarantined" for outcome in outcomes):
        raise typer.Exit(NEEDS_SOMEBODY)


BillSource = Annotated[str, typer.Argument(help="A bill source of sources.yaml.")]


@ledger.command("show")
def show(source: BillSource, period: PeriodArgument, as_json: AsJson = False) -> None:
    """Totals of one source and period by service. For finance.

    Example: [bold]twinledger ledger show aws 2026-10[/]
    """
    from twinledger.bills import ledger_totals

    with open_books() as books:
        rows = ledger_totals(books, source, period)
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    columns = ("service", "currency", "rows", "billed cost", "effective cost", "list cost")
    shown = [
        (r.service, r.currency, r.rows, money(r.billed_cost), money(r.effective_cost), money(r.list_cost)) for r in rows
    ]
    table(f"{source} {period}: external ledger", columns, shown, columns[2:])


OutOption = Annotated[Path, typer.Option("--out", help="Parquet file to write; SOURCE-PERIOD.parquet when not given.")]


@ledger.command("export")
def export(source: BillSource, period: PeriodArgument, file: OutOption = Path(), as_json: AsJson = False) -> None:
    """Write one source and period as one FOCUS 1.2 Parquet file. For finance.

    Example: [bold]twinledger ledger export aws 2026-10 --out aws.parquet[/]
    """
    from twinledger.bills import export_slice

    target = file if file.name else Path(f"{source}-{period}.parquet")
    with open_books() as books:
        rows = export_slice(books, source, period, target)
    if as_json:
        print_json({"source": source, "period": str(period), "rows": rows, "file": str(target)})
    else:
        out.print(f"{rows} rows written to {target}", markup=False)


@quarantine.command("list")
def list_quarantine(as_json: AsJson = False) -> None:
    """Deliveries that were refused, and deliveries with refused rows, newest first."""
    from twinledger.bills import quarantined

    with open_books() as books:
        found = quarantined(books)
    if as_json:
        print_json([asdict(item) for item in found])
        return
    columns = ("delivery", "source", "state", "rows refused", "code", "reason")
    rows = [(q.delivery, q.source, q.state, q.rows_quarantined, q.reason_code, q.reason) for q in found]
    table(f"{len(found)} deliveries", columns, rows, ("rows refused",))


DeliveryArgument = Annotated[str, typer.Argument(help="A delivery, as `quarantine list` names it.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, help="At most so many rows.")]


@quarantine.command("show")
def show_quarantine(delivery: DeliveryArgument, limit: LimitOption = 50, as_json: AsJson = False) -> None:
    """The refused rows of one delivery, with their number, reason and content. For finance.

    Example: [bold]twinledger quarantine show aws-1f0e2d3c4b5a6978[/]
    """
    from twinledger.bills import quarantined_rows

    with open_books() as books:
        rows = quarantined_rows(books, delivery, limit)
    if as_json:
        print_json(rows)
    else:
        shown = [(row["row"], row["code"], row["reason"], row["content"]) for row in rows]
        table(f"{delivery}: refused rows", ("row", "code", "reason", "content"), shown, ("row",))
