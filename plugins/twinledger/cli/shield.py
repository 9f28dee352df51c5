"""Commands of shielding: scan for leaks, print the store's grants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from twinledger.cli.output import NEEDS_SOMEBODY, AsJson, PeriodArgument, open_books, out, print_json, progress, table
from twinledger.vocabulary.money import plain

if TYPE_CHECKING:
    from twinledger.books import Books
    from twinledger.shielding import Record, ScanResult, Unread

shield = typer.Typer(help="What only finance may know stays with finance.", no_args_is_help=True)

PlacesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PATH|URL]...",
        help="Folders, files, SQLite databases, SQLAlchemy URLs; what this deployment has for everyone when none.",
    ),
]


@shield.command("scan")
def scan_places(places: PlacesArgument = None, as_json: AsJson = False) -> None:
    """Look for figures that only finance may know, and for pairs of figures whose quotient is a discount.

    Needs the books of finance; what it prints names the secrets. Exit code 1 where something was found.

    Examples: [bold]twinledger shield scan[/]; [bold]twinledger shield scan logs/ report.xlsx
    postgresql+psycopg://reader@db/airflow[/]
    """
    from twinledger.shielding import scan

    with open_books() as books, progress("scanning", shown=not as_json) as say:
        result = scan(books, _read(books, places or _own(books)), say)
    if as_json:
        print_json(asdict(result))
    else:
        _show(result)
    if result.leaks:
        raise typer.Exit(NEEDS_SOMEBODY)


def _read(books: Books, places: list[str]) -> Iterator[tuple[str, Record] | Unread]:
    from twinledger.shielding import read_database, read_place

    for place in places:
        yield from read_database(books.settings.database_url) if place == "store" else read_place(place)


def _own(books: Books) -> list[str]:
    """What a deployment has for everyone: the shared lake, Data Docs, and what of the store everybody may read."""
    home = books.settings.home
    candidates = (home / "data_docs" / "everyone", home / "logs")
    return [str(books.lake.root("shared")), *(str(path) for path in candidates if path.exists()), "store"]


def _show(result: ScanResult) -> None:
    rows = [
        (one.place, one.spot, one.text, one.times, f"{one.kind} {one.subject}", one.measure, f"{one.chance:.0e}")
        for one in result.leaks
    ]
    looked = f"{result.figures:,} figures in {result.places:,} places, {result.secrets:,} secrets"
    columns = ("place", "spot", "figure", "times", "secret of", "measure", "chance")
    table(f"{len(rows)} leaks: {looked}", columns, rows, ("times", "chance"))
    if result.unread:
        table(f"{len(result.unread)} not read", ("place", "why"), result.unread)


PoolArgument = Annotated[str, typer.Argument(metavar="POOL", help="The pool whose bills are blended.")]
MeterArgument = Annotated[str, typer.Argument(metavar="METER", help="product/meter, as vm/core-hours.")]


@shield.command("blend")
def blend(pool: PoolArgument, period: PeriodArgument, meter: MeterArgument, as_json: AsJson = False) -> None:
    """Propose a cost-recovery price: what a meter's usage cost, over what was metered.

    Refused, with the reason and exit code 2, where it would give away what one vendor charges. Nothing is
    published: put the price into catalog.yaml.

    Example: [bold]twinledger shield blend kubernetes 2026-10 kubernetes/core-hours[/]
    """
    from twinledger.shielding import propose

    with open_books() as books:
        proposed = propose(books, pool, period, meter)
    amount = plain(proposed.price.amount)
    if as_json:
        print_json({"meter": meter, "price": amount, "currency": proposed.price.currency})
    else:
        out.print(f"{meter}: {amount} {proposed.price.currency}, over {proposed.contracts} contracts", markup=False)


@shield.command("grants")
def grants(as_json: AsJson = False) -> None:
    """Print the SQL that makes the store's roles, for an administrator. Exit code 0 on SQLite too, which has none.

    Example: [bold]twinledger shield grants | psql "$ADMIN_URL"[/]
    """
    from twinledger.store.roles import statements

    with open_books() as books, books.store.engine.connect() as connection:
        found = list(statements(connection)) if connection.dialect.name == "postgresql" else []
    if as_json:
        print_json(found)
    else:
        out.file.write("".join(f"{statement};\n" for statement in found))
