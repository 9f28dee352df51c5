"""The command of statements: look at one, or write its files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinledger.cli.output import AsJson, open_books, out, parse_period, print_json, progress, table

if TYPE_CHECKING:
    from twinledger.statements import Document


class Format(StrEnum):
    """What a statement can be written as."""

    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"
    JSON = "json"


DepartmentArgument = Annotated[str, typer.Argument(help="A department of departments.yaml; leave it out with --all.")]
LastArgument = Annotated[str, typer.Argument(metavar="PERIOD", help="Accounting month, YYYY-MM.")]
FormatOption = Annotated[Format | None, typer.Option("--format", help="Write a file of this kind.")]
OutOption = Annotated[Path, typer.Option("--out", help="The folder that files are written to; made if need be.")]
AllOption = Annotated[bool, typer.Option("--all", help="Every department that has charges in the period.")]


def statement(
    department: DepartmentArgument, period: LastArgument = "", kind: FormatOption = None, folder: OutOption = Path(),
    everybody: AllOption = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """What a department is charged for a period, line by line, at internal prices, beside the month before.

    Examples: [bold]twinledger statement shop 2026-10[/]; files of all departments:
    [bold]twinledger statement --all 2026-10 --format pdf --out statements[/]
    """
    month = parse_period(department if everybody and not period else period)
    from twinledger.statements import document, documents

    with open_books() as books, progress(f"statements of {month}", shown=not as_json and kind is not None):
        found = documents(books, month) if everybody else [document(books, department, month)]
    if kind is not None:
        _write(found, kind, folder)
    elif as_json:
        from twinledger.statements import document_json

        said = [document_json(one) for one in found]
        print_json(said if everybody else said[0])
    else:
        for one in found:
            _show(one)


def _write(found: list[Document], kind: Format, folder: Path) -> None:
    from twinledger.statements import statement_file

    folder.mkdir(parents=True, exist_ok=True)
    for one in found:
        file = statement_file(one, kind)
        (folder / file.name).write_bytes(file.content)
        out.print(str(folder / file.name), markup=False)


def _show(found: Document) -> None:
    from twinledger.statements.words import CAUSES, KINDS, number_text, percent_text, price_text
    from twinledger.vocabulary.money import signed

    columns = ("product", "meter", "kind", "quantity", "unit", "price", "amount", "change", "moved")
    rows = [
        (line.product, line.meter, KINDS.get(line.kind, line.kind), number_text(line.quantity), line.unit,
         price_text(line), line.amount,
         signed(line.change) + percent_text(line.percent), CAUSES[line.cause] if line.cause else "")
        for line in found.lines
    ]  # fmt: skip
    total = f"{found.total}, {signed(found.change)}{percent_text(found.percent)} since last month"
    title = f"{found.department} {found.period}: {total if found.comparable else found.total}"
    table(title, columns, rows, ("quantity", "price", "amount", "change"))
