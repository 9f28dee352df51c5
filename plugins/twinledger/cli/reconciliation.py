"""Commands of the statements that finance signs: show, export, verify. For finance.

What a department is charged at published prices is `twinledger statement`, which everybody may read.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinledger.cli.output import NEEDS_SOMEBODY, AsJson, PeriodArgument, money, open_books, out, print_json, progress
from twinledger.cli.output import table as print_table

if TYPE_CHECKING:
    from twinledger.reconciliation import PeriodStatement, Reconciliation

reconciliation = typer.Typer(help="Statements of reconciled periods, for finance to sign.", no_args_is_help=True)

PoolOption = Annotated[str, typer.Option("--pool", help="The statement of this pool alone.")]
DepartmentOption = Annotated[
    str, typer.Option("--department", help="The statement of this department; `unassigned` is the platform's own line.")
]
OutOption = Annotated[Path, typer.Option("--out", help="Files go to OUT/PERIOD/pool-NAME; made if need be.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")]
FolderArgument = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A folder that export wrote.")]


@reconciliation.command("show")
def show(
    period: PeriodArgument, pool: PoolOption = "", department: DepartmentOption = "", as_json: AsJson = False
) -> None:
    """All twelve components of each pool with their tolerance, breaks from opening to closing, and the verdict.

    Example: [bold]twinledger reconciliation show 2026-10 --pool kubernetes[/]
    """
    from twinledger.reconciliation import newest_run, statement_digest, statement_json

    with open_books() as books:
        found = _chosen(newest_run(books, period), pool, department)
    if as_json:
        print_json([statement_json(one) | {"digest": statement_digest(one)} for one in found])
        return
    for one in found:
        _show(one)


@reconciliation.command("export")
def export(
    period: PeriodArgument, pool: PoolOption = "", department: DepartmentOption = "", folder: OutOption = Path(),
    dry_run: DryRun = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Write statements as JSON, CSV, XLSX and PDF with all rows, and a manifest with the SHA-256 of each.

    The same cuts give the same bytes. Without a pool or department, of all of both. Example:
    [bold]twinledger reconciliation export 2026-10 --pool kubernetes --out statements[/]
    """
    from twinledger.reconciliation import folder_name, newest_run, render_statement, write_files

    with open_books() as books, progress(f"statements of {period}", shown=not as_json) as say:
        result = newest_run(books, period)
        chosen = _chosen(result, pool, department, departments=True)
        written = []
        for one in chosen:
            say(f"{one.kind} {one.subject}")
            target = folder / folder_name(one)
            files = render_statement(books, one)
            if not dry_run:
                write_files(files, target)
            written += [{"file": str(target / file.name), "bytes": len(file.content), "sha256": file.sha256}
                        for file in files]  # fmt: skip
    if as_json:
        print_json({"dry_run": dry_run, "files": written})
        return
    verb = "would be written" if dry_run else "written"
    rows = [(one["file"], one["bytes"], str(one["sha256"])[:12]) for one in written]
    print_table(f"{len(rows)} files of {len(chosen)} statements {verb}", ("file", "bytes", "SHA-256"), rows, ("bytes",))


@reconciliation.command("verify")
def verify(folder: FolderArgument, as_json: AsJson = False) -> None:
    """Check a folder's files against its manifest, and against a fresh rendering where the cuts are the same.

    Exit code 1 when anything differs. Example:
    [bold]twinledger reconciliation verify statements/2026-10/pool-kubernetes[/]
    """
    from twinledger.reconciliation import verify_folder

    with open_books() as books, progress(f"verifying {folder}", shown=not as_json) as say:
        checked = verify_folder(books, folder, say)
    if as_json:
        print_json([{"name": one.name, "state": one.state, "sentence": one.sentence} for one in checked])
    else:
        print_table(str(folder), ("file", "state", ""), [(one.name, one.state, one.sentence) for one in checked])
    if any(one.state not in {"same", "not compared"} for one in checked):
        raise typer.Exit(NEEDS_SOMEBODY)


def _chosen(result: Reconciliation, pool: str, department: str, *, departments: bool = False) -> list[PeriodStatement]:
    from twinledger.reconciliation import department_statements, period_statement, pool_statements

    if pool and department:
        message = "--pool and --department exclude each other"
        raise typer.BadParameter(message)
    if pool or department:
        return [period_statement(result, "pool" if pool else "department", pool or department)]
    return [*pool_statements(result), *(department_statements(result) if departments else [])]


def _show(found: PeriodStatement) -> None:
    from twinledger.reconciliation import Limits

    sides = f"internal {money(found.internal)} - external {money(found.external)} = {money(found.deviation)}"
    certified = found.reason_code or "certified"
    title = f"{found.kind} {found.subject} {found.period}: {found.verdict}, {certified}; {sides} {found.currency}"
    rows = [
        (one.name, money(one.amount), one.rows, Limits(one.above, one.below), "" if one.within else "beyond")
        for one in found.components
    ]
    print_table(title, ("component", "amount", "rows", "tolerance", ""), rows, ("amount", "rows"))
    for reason in found.reasons:
        out.print(f"  {reason}", markup=False)
    roll = found.roll_forward
    tallies = (("opening", roll.opening), ("new", roll.new), ("resolved", roll.resolved), ("closing", roll.closing))
    said = ", ".join(f"{name} {tally.count} ({money(tally.amount)})" for name, tally in tallies)
    out.print(f"  breaks: {said}", markup=False)
