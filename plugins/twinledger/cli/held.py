"""The command of the held share, for finance."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinledger.cli.output import AsJson, money, open_books, parse_period, print_json, table

if TYPE_CHECKING:
    from twinledger.reconciliation import HeldMonth

PeriodOption = Annotated[str, typer.Option("--period", help="The last month of the report, YYYY-MM; opened by cause.")]


def held(period: PeriodOption = "", as_json: AsJson = False) -> None:
    """What the platform could not charge on, of all that vendors charge: by month, pool and cause. For finance.

    Beside it stands what ownership alone (tags and accounts) would leave. Reads what was reconciled.

    Example: [bold]twinledger held --period 2026-10[/]
    """
    from twinledger.reconciliation import held_months

    with open_books() as books:
        months = held_months(books, parse_period(period) if period else None)
    if as_json:
        print_json([_json(month) for month in months])
        return
    rows = [(month.period, *_figures(month), month.verdict) for month in months]
    columns = ("period", "external", "by ownership alone", "share", "held", "share", "verdict")
    table("Held share: cost that could not be charged on, of all that vendors charge", columns, rows, columns[1:-1])
    if months:
        _open(months[-1])


def _open(month: HeldMonth) -> None:
    columns = ("pool", "external", "by ownership alone", "share", "held", "share", "meters")
    rows = [(pool.pool, *_figures(pool), ", ".join(pool.meters)) for pool in month.pools]
    table(f"{month.period}: by pool, {month.currency}", columns, rows, columns[1:-1])
    causes = [
        (one.pool, one.component, money(one.amount), part.name, part.service, money(part.amount))
        for one in month.causes
        for part in one.largest
    ]
    heads = ("pool", "cause", "held", "resource", "service", "of that")
    table(f"{month.period}: why, the largest of each cause", heads, causes, ("held", "of that"))


def _figures(one: Any) -> tuple[str, ...]:  # noqa: ANN401 - a month and a pool have the same figures
    return (_cents(one.external), _cents(one.owned), _percent(one.owned_share), _cents(one.held), _percent(one.share))


def _cents(amount: Decimal) -> str:
    return money(amount.quantize(Decimal("0.01")))


def _percent(share: Decimal | None) -> str:
    return "" if share is None else f"{share:f} %"


def _json(month: HeldMonth) -> dict[str, Any]:
    shares = {"share": month.share, "owned_share": month.owned_share}
    pools = [asdict(pool) | {"share": pool.share, "owned_share": pool.owned_share} for pool in month.pools]
    return asdict(month) | shares | {"period": str(month.period), "pools": pools}
