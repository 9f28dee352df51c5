"""Commands of the external ledger and of metering: inspect, ingest, ledger, quarantine."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
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
from twinledger.vocabulary.money import Money, exact_sum, plain

if TYPE_CHECKING:
    from twinledger.bills import Inspection, ServiceCost
    from twinledger.quality import Verdict

ledger = typer.Typer(help="Look at the external ledger, or take it elsewhere.", no_args_is_help=True)
quarantine = typer.Typer(help="See what was refused, and why.", no_args_is_help=True)

FileArgument = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A bill: CSV, CSV.GZ, ZIP or Parquet.")]
ParquetOption = Annotated[Path | None, typer.Option("--parquet", help="Also write the FOCUS rows to this file.")]
FormatOption = Annotated[str, typer.Option("--format", help="Its format; recognised by its columns when not given.")]


def inspect(
    file: FileArgument, format_name: FormatOption = "", parquet: ParquetOption = None, as_json: AsJson = False
) -> None:
    """Say what a bill would become, and write nothing to the ledger.

    Examples: [bold]twinledger inspect october.csv.gz[/]; for scripts:
    [bold]twinledger inspect october.parquet --json[/]; to look at the FOCUS rows:
    [bold]twinledger inspect october.zip --parquet october-focus.parquet[/]

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
                parquet,
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
        "rows_aside": found.aside,
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
    aside = f" + {found.aside} set aside" if found.aside else ""
    out.print(f"{found.rows_in} rows in = {found.rows_ledger} ledger rows + {len(found.refused)} quarantined{aside}\n")
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


AsOfOption = Annotated[
    str,
    typer.Option("--as-of", help="The ledger as it was known at this instant: ISO 8601, UTC where it names no zone."),
]


def instant(text: str) -> datetime | None:
    """An instant that was given on the command line; None where none was."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is no instant: expected one like 2026-11-05T09:00:00"
        raise typer.BadParameter(message, param_hint="--as-of") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@ledger.command("show")
def show(source: BillSource, period: PeriodArgument, as_of: AsOfOption = "", as_json: AsJson = False) -> None:
    """Totals of one source and period by service, and in all, with the rate where it is converted. For finance.

    Examples: [bold]twinledger ledger show aws 2026-10[/]; as it was known when the month was reported:
    [bold]twinledger ledger show aws 2026-10 --as-of 2026-11-05T09:00:00[/]
    """
    from twinledger.bills import ledger_totals
    from twinledger.catalog import convert_totals

    with open_books() as books, books.store.reading() as session:
        rows = ledger_totals(books, source, period, instant(as_of))
        total = convert_totals(session, period, _by_currency(rows), books.settings.reporting_currency)
    if as_json:
        parts = [asdict(part) for part in total.parts]
        in_all = {"currency": total.currency, "amount": total.total and total.total.amount}
        print_json({"services": [asdict(row) for row in rows], "billed": parts, "total": in_all})
        return
    columns = ("service", "currency", "rows", "billed cost", "effective cost", "list cost")
    shown = [
        (r.service, r.currency, r.rows, money(r.billed_cost), money(r.effective_cost), money(r.list_cost)) for r in rows
    ]
    table(f"{source} {period}: external ledger", columns, shown, columns[2:])
    for part in total.parts:
        out.print(f"billed: {part}", markup=False)
    for sentence in total.missing:
        out.print(sentence, markup=False)
    if total.total and len(total.parts) > 1:
        out.print(f"billed in all: {total.total}", markup=False)


def _by_currency(rows: Sequence[ServiceCost]) -> list[Money]:
    """One amount a currency: two are never in one sum."""
    codes = sorted({row.currency for row in rows})
    return [Money(exact_sum(row.billed_cost for row in rows if row.currency == code), code) for code in codes]


OutOption = Annotated[Path, typer.Option("--out", help="Parquet file to write; SOURCE-PERIOD.parquet when not given.")]


@ledger.command("export")
def export(
    source: BillSource,
    period: PeriodArgument,
    file: OutOption = Path(),
    as_of: AsOfOption = "",
    as_json: AsJson = False,
) -> None:
    """Write one source and period as one FOCUS 1.2 Parquet file. For finance.

    Example: [bold]twinledger ledger export aws 2026-10 --out aws.parquet[/]
    """
    from twinledger.bills import export_slice

    target = file if file.name else Path(f"{source}-{period}.parquet")
    with open_books() as books:
        rows = export_slice(books, source, period, target, instant(as_of))
    if as_json:
        print_json({"source": source, "period": str(period), "rows": rows, "file": str(target)})
    else:
        out.print(f"{rows} rows written to {target}", markup=False)


@ledger.command("history")
def show_history(source: BillSource, period: PeriodArgument, as_json: AsJson = False) -> None:
    """Every delivery that was booked in a source's period, the oldest first. For finance.

    Example: [bold]twinledger ledger history aws 2026-10[/]
    """
    from twinledger.bills import history

    with open_books() as books:
        found = history(books, source, period)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    rows = [
        (
            one.delivery,
            one.slice,
            f"{one.delivered_at:%Y-%m-%d %H:%M}",
            one.rows,
            ", ".join(f"{money(Decimal(amount))} {currency}" for currency, amount in one.billed),
            "yes" if one.is_current else "",
        )
        for one in found
    ]
    columns = ("delivery", "slice", "delivered (UTC)", "rows", "billed cost", "in the ledger")
    table(f"{source} {period}: {len(found)} deliveries", columns, rows, ("rows", "billed cost"))


FromOption = Annotated[
    str, typer.Option("--from", help="A delivery or an instant; before the last change when not given.")
]
ToOption = Annotated[str, typer.Option("--to", help="A delivery or an instant; now when not given.")]


@ledger.command("diff")
def diff(
    source: BillSource, period: PeriodArgument, before: FromOption = "", after: ToOption = "", as_json: AsJson = False
) -> None:
    """What changed in a source's period, by service and amount. For finance.

    Examples: the last change: [bold]twinledger ledger diff aws 2026-10[/]; between two deliveries that
    [bold]twinledger ledger history aws 2026-10[/] names, or two instants:
    [bold]twinledger ledger diff aws 2026-10 --from 2026-11-03 --to 2026-11-16T12:00:00[/]
    """
    from twinledger.bills import difference

    with open_books() as books:
        found = difference(books, source, period, before, after)
    if as_json:
        print_json(asdict(found))
        return
    changed = [one for one in found.changes if one.billed_change or one.effective_change]
    amounts = ("before", "after", "change", "effective change")
    rows = [
        (
            one.service, one.currency, f"{one.rows_after - one.rows_before:+,}", money(one.billed_before),
            money(one.billed_after), money(one.billed_change), money(one.effective_change),
        )
        for one in changed
    ]  # fmt: skip
    columns = ("service", "currency", "rows", *amounts)
    table(f"{source} {period}: from {found.before} to {found.after}", columns, rows, ("rows", *amounts))
    out.print(f"{len(found.changes) - len(changed)} services without a change of cost", markup=False)


QuarantineSource = Annotated[str, typer.Option("--source", help="Of this source only.")]


@quarantine.command("list")
def list_quarantine(source: QuarantineSource = "", as_json: AsJson = False) -> None:
    """Deliveries that were refused, and deliveries with refused rows, newest first."""
    from twinledger.bills import quarantined

    with open_books() as books:
        found = [item for item in quarantined(books) if source in ("", item.source)]
    if as_json:
        print_json([asdict(item) for item in found])
        return
    columns = ("delivery", "source", "state", "rows refused", "code", "reason")
    rows = [(q.delivery, q.source, q.state, q.rows_quarantined, q.reason_code, q.reason) for q in found]
    table(f"{len(found)} deliveries", columns, rows, ("rows refused",))


DeliveryArgument = Annotated[str, typer.Argument(help="A delivery, as `quarantine list` names it.")]
RowsOption = Annotated[int, typer.Option("--rows", "--limit", min=1, help="At most so many rows.")]


@quarantine.command("show")
def show_quarantine(delivery: DeliveryArgument, limit: RowsOption = 50, as_json: AsJson = False) -> None:
    """Why a delivery was refused, and its refused rows with their number, reason and content. For finance.

    Example: [bold]twinledger quarantine show aws-1f0e2d3c4b5a6978[/]
    """
    from twinledger.bills import quarantined, quarantined_rows

    with open_books() as books:
        rows = quarantined_rows(books, delivery, limit)
        found = next((item for item in quarantined(books) if item.delivery == delivery), None)
    if as_json:
        print_json({"delivery": delivery} | (asdict(found) if found else {}) | {"rows": rows})
        return
    if found is None:
        out.print(f"{delivery} is not in quarantine", markup=False)
        return
    out.print(f"{delivery} of {found.source} ({found.key}): {found.state}", markup=False)
    out.print(f"{found.reason_code}: {found.reason}\n", markup=False)
    shown = [(row["row"], row["code"], row["reason"], row["content"]) for row in rows]
    table(f"{len(rows)} refused rows", ("row", "code", "reason", "content"), shown, ("row",))


SomeDelivery = Annotated[str, typer.Argument(help="A refused delivery; or name a source with --source.")]
ReplaySource = Annotated[str, typer.Option("--source", help="All refused deliveries of this source.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say which deliveries are meant, and do nothing.")]


@quarantine.command("replay")
def replay_quarantine(
    delivery: SomeDelivery = "", source: ReplaySource = "", dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Take refused deliveries again, once what they were refused for is corrected, and say what became of them.

    Example: [bold]twinledger quarantine replay --source aws --dry-run[/]

    Exit code 1 when a delivery was refused again, or lies no more where it lay.
    """
    from twinledger.bills import replay

    if bool(delivery) == bool(source):
        message = "expected a delivery, or --source"
        raise typer.BadParameter(message)
    with open_books() as books, progress("looking at refused deliveries", shown=not as_json) as say:
        done = replay(books, delivery, source, dry_run=dry_run, report=say)
    if as_json:
        print_json(asdict(done) | {"dry_run": dry_run})
    else:
        columns = ("delivery", "state", "periods", "ledger", "reason")
        rows = [(one.delivery, one.state, " ".join(one.periods), one.rows_ledger, one.reason) for one in done.outcomes]
        verb = "would be tried again" if dry_run else "tried again"
        table(f"{len(done.deliveries)} refused deliveries {verb}", columns, rows, ("ledger",))
        for name in done.deliveries if dry_run else ():
            out.print(name, markup=False)
        for key in done.absent:
            out.print(f"{key} lies there no more: have it delivered again", markup=False)
    if done.absent or any(one.state == "quarantined" for one in done.outcomes):
        raise typer.Exit(NEEDS_SOMEBODY)


SomeSource = Annotated[str, typer.Argument(help="A bill source of sources.yaml; all of them when not given.")]


@ledger.command("commitments")
def commitments(source: SomeSource = "", as_json: AsJson = False) -> None:
    """What each commitment cost, what of it was used and what was not, as far as the ledger holds its term.

    The difference is 0 to the cent over a whole term. Above 0 it is paid for time to come; below 0, something was
    paid before the ledger begins. For finance. People see the last part of an identity, --json has all of it.

    Example: [bold]twinledger ledger commitments aws[/]
    """
    from twinledger.bills.commitments import commitment_totals

    with open_books() as books:
        found = commitment_totals(books, source)
    if as_json:
        print_json([asdict(total) for total in found])
        return
    amounts = ("purchased", "used", "unused", "difference")
    rows = [
        (
            t.commitment.rpartition("/")[2], t.type, f"{t.charged_from:%Y-%m-%d}", f"{t.charged_until:%Y-%m-%d}",
            t.currency, *(money(amount) for amount in (t.purchased, t.used, t.unused, t.difference)),
        )
        for t in found
    ]  # fmt: skip
    columns = ("commitment", "type", "charged from", "until", "currency", *amounts)
    table(f"{len(found)} commitments, as far as the ledger holds their terms", columns, rows, amounts)
