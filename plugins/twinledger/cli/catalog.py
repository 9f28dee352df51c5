"""Commands of the catalog: plan, apply, show."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinledger.cli.output import AsJson, open_books, out, print_json, progress, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twinledger.books import Books
    from twinledger.catalog import Change
    from twinledger.rating import RatedAgain

catalog = typer.Typer(
    help="What the company publishes and decides, as YAML: what would change, changing it, and how it reads.",
    no_args_is_help=True,
)

ConfigFolder = Annotated[Path, typer.Argument(help="Folder of the YAML files; the setting `config` when not given.")]


@catalog.command("plan")
def plan(folder: ConfigFolder = Path(), as_json: AsJson = False) -> None:
    """Say what applying the YAML would change, with its effect on those who are charged, and change nothing.

    For prices, agreements and products: from when, the old and the new price, and how many usage records of
    which open periods would be rated again.

    Example: [bold]twinledger catalog plan config/[/]
    """
    from twinledger.catalog import plan_config

    with open_books() as books, progress("comparing", shown=not as_json):
        changes = plan_config(books.store, _loaded(books, folder))
        _say(books, changes, "would change", as_json=as_json)


@catalog.command("apply")
def apply(folder: ConfigFolder = Path(), as_json: AsJson = False) -> None:
    """Bring the company's YAML into the store. Prices are never edited, only superseded.

    What it rates again is rated by the next run, or by `twinledger rate`.

    Example: [bold]twinledger catalog plan config/ && twinledger catalog apply config/[/]
    """
    from twinledger.catalog import apply_config

    with open_books() as books, progress("applying", shown=not as_json):
        changes = apply_config(books.store, _loaded(books, folder), books.clock)
        _say(books, changes, "changed", as_json=as_json)


def _loaded(books: Books, folder: Path) -> Any:  # noqa: ANN401 - a CompanyConfig, imported where it is needed
    from twinledger.catalog import load_config

    return load_config(folder if folder != Path() else books.settings.config)


def _say(books: Books, changes: Sequence[Change], verb: str, *, as_json: bool) -> None:
    from twinledger.rating import rated_again

    again = rated_again(books, changes)
    if as_json:
        print_json([_as_json(change, periods) for change, periods in zip(changes, again, strict=True)])
        return
    columns = ("action", "kind", "name", "fields", "effect", "rated again")
    rows = [
        (change.action, change.kind, change.name, ", ".join(change.fields), change.effect.words, _counts(periods))
        for change, periods in zip(changes, again, strict=True)
    ]
    table(f"{len(rows)} entries {verb}", columns, rows)


def _as_json(change: Change, periods: Sequence[RatedAgain]) -> dict[str, object]:
    said = {"action": change.action, "kind": change.kind, "name": change.name, "fields": change.fields}
    return said | {"effect": change.effect.words, "rated_again": [asdict(one) for one in periods]}


def _counts(periods: Sequence[RatedAgain]) -> str:
    return ", ".join(f"{one.period}: {one.records:,} records" for one in periods)


MeterArgument = Annotated[str, typer.Argument(metavar="[METER]", help="PRODUCT/METER: its price history instead.")]
DepartmentOption = Annotated[str, typer.Option("--department", help="With what this department agreed on.")]


@catalog.command("show")
def show(meter: MeterArgument = "", department: DepartmentOption = "", as_json: AsJson = False) -> None:
    """The catalog as those who are charged see it, or one meter's price history. Drafts are not in it.

    Examples: [bold]twinledger catalog show --department shop[/]; [bold]twinledger catalog show kubernetes/core-hours[/]
    """
    if meter:
        _history(meter, as_json=as_json)
        return
    from twinledger.catalog import shown_catalog

    with open_books() as books, books.store.reading() as session:
        found = shown_catalog(session, books.clock.now(), department)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    products = {one.product: one for one in found}
    for name, product in products.items():
        retired = f", no usage from {product.retired_at:%Y-%m-%d %H:%M} UTC" if product.retired_at else ""
        words = f"{product.title} ({name}, {product.state}{retired}), by {product.owner}: {product.description}"
        rows = [
            (one.meter, one.meter_title, one.unit, one.price + (" (agreed)" * one.agreed), one.next_price)
            for one in found
            if one.product == name
        ]
        table(words, ("meter", "", "unit", "price of a unit", "next"), rows)
    if not found:
        out.print("nothing is published", markup=False)


def _history(meter: str, *, as_json: bool) -> None:
    from twinledger.catalog import price_history

    product, _, name = meter.partition("/")
    with open_books() as books, books.store.reading() as session:
        versions = price_history(session, product, name)
    if as_json:
        print_json([asdict(one) for one in versions])
        return
    rows = [(one.effective_from, one.effective_to, one.price, one.recorded_at) for one in versions]
    table(f"{meter}: {len(rows)} prices", ("from", "until", "price of a unit", "recorded"), rows)
