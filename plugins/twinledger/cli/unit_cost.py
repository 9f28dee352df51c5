"""Commands of unit cost: take values of business metrics, and say what one unit costs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinledger.cli.output import AsJson, PeriodArgument, open_books, out, print_json, progress, table

if TYPE_CHECKING:
    from twinledger.books import Books
    from twinledger.budgets import MetricConfig

unit_cost = typer.Typer(
    help="Unit cost: what one order, user, token or training hour costs, and why it changes.", no_args_is_help=True
)


@unit_cost.command("import")
def take(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV: metric,day,quantity.")],
    by: Annotated[str, typer.Option("--by", help="Who you are; the audit trail keeps it.")],
    as_json: AsJson = False,
) -> None:
    """Take a file of values of metrics; a day that is known gets the new value.

    Example: [bold]twinledger unit-cost import orders.csv --by mary[/]
    """
    from twinledger.budgets import record_metrics

    with open_books() as books:
        found = record_metrics(books, file, by)
    if as_json:
        print_json(asdict(found))
    else:
        out.print(f"{file.name}: {found.new} new, {found.changed} changed, {found.unchanged} unchanged", markup=False)


@unit_cost.command()
def show(
    metric: Annotated[str, typer.Argument(help="A metric of metrics.yaml.")],
    period: PeriodArgument,
    months: Annotated[int, typer.Option("--months", min=1, max=36, help="How many months, up to this one.")] = 6,
    as_json: AsJson = False,
) -> None:
    """What one unit of a metric costs month by month at internal prices, and why: price, efficiency, volume.

    Example: [bold]twinledger unit-cost show orders 2026-10 --months 12[/]
    """
    from twinledger.budgets import unit_costs

    with open_books() as books, progress(f"dividing cost by {metric}", shown=not as_json):
        chosen = _metric(books, metric)
        found = unit_costs(books, chosen, period, months)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    columns = ("month", chosen.unit, "days", "cost", f"a {chosen.unit}", "change", "price", "efficiency", "volume")
    rows = [
        (one.period, f"{one.quantity.normalize():f}", one.days, one.cost,
         "no value" if one.a_unit is None else f"{one.a_unit:f} {one.cost.currency}",
         one.change, one.price, one.efficiency, one.volume)
        for one in found
    ]  # fmt: skip
    table(f"{chosen.title}: cost of one", columns, rows, columns[1:])


def _metric(books: Books, name: str) -> MetricConfig:
    from twinledger.budgets import metrics
    from twinledger.vocabulary.errors import UnknownNameError

    known = {one.name: one for one in metrics(books.settings.config)}
    if name not in known:
        raise UnknownNameError("metric", name, known)
    return known[name]
