"""Commands of one accounting period: rate, reconcile."""

from __future__ import annotations

from dataclasses import asdict
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
    table,
)

if TYPE_CHECKING:
    from twinledger.reconciliation import Reconciliation


def rate(period: PeriodArgument, as_json: AsJson = False) -> None:
    """Rate a period's usage with the prices in force, and pass direct resources through.

    Repeating it changes nothing. Exit code 1 when usage has no price or the ledger gate stops.
    """
    from twinledger.rating import rate_period

    with open_books() as books, progress(f"rating {period}", shown=not as_json):
        result = rate_period(books, period)
    if as_json:
        print_json(asdict(result) | {"period": str(period)})
    else:
        word = "written" if result.changed else "unchanged"
        out.print(f"{period}: internal ledger {word}, {result.rows} charges", markup=False)
        for usage in result.unpriced:
            out.print(f"  no price in force: {usage.product}/{usage.meter}, {usage.records} records", markup=False)
        for sentence in (*result.stops, *result.warnings):
            out.print(f"  {sentence}", markup=False)
    if result.stops or result.unpriced:
        raise typer.Exit(NEEDS_SOMEBODY)


PoolOption = Annotated[str, typer.Option("--pool", help="Open a component of this pool down to its rows.")]
ComponentOption = Annotated[str, typer.Option("--component", help="The component to open, as the bridge names it.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, help="At most so many rows of a component.")]


def reconcile(
    period: PeriodArgument, pool: PoolOption = "", component: ComponentOption = "", limit: LimitOption = 50,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Compare both ledgers of a period: the bridge, the breaks, the claims. For finance.

    Examples: [bold]twinledger reconcile 2026-10[/]; one component down to its rows:
    [bold]twinledger reconcile 2026-10 --pool kubernetes --component unmetered[/]

    Exit code 1 when a ledger lacks the period.
    """
    from twinledger.reconciliation import component_rows, reconcile_period

    if bool(pool) != bool(component):
        message = "--pool and --component go together"
        raise typer.BadParameter(message)
    with open_books() as books, progress(f"reconciling {period}", shown=not as_json):
        if pool:
            rows = component_rows(books, period, pool, component, limit)
        else:
            found = reconcile_period(books, period)
    if pool and as_json:
        print_json([asdict(row) for row in rows])
    elif pool:
        columns = ("side", "source", "line", "resource", "service", "department", "product", "meter", "amount")
        shown = [(*(getattr(row, name) for name in columns[:-1]), money(row.amount)) for row in rows]
        table(f"{period} {pool}: rows of {component}", columns, shown, ("line", "amount"))
    elif as_json:
        print_json(_reconciliation_json(found))
    else:
        show_reconciliation(found)
    if not pool and found.verdict == "incomplete":
        raise typer.Exit(NEEDS_SOMEBODY)


def _reconciliation_json(found: Reconciliation) -> dict[str, Any]:
    # The lines of claims are many: `reconcile --json` gives claims, the page and the claim file their lines.
    said = asdict(found) | {"period": str(found.period)}
    del said["claim_lines"]
    return said


def show_reconciliation(found: Reconciliation) -> None:
    """The bridge, breaks and claims as tables."""
    totals = [(t.pool, money(t.external_amount), money(t.internal_amount), money(t.deviation)) for t in found.totals]
    columns: tuple[str, ...] = ("pool", "external", "internal", "deviation")
    table(f"{found.period}: both ledgers, {found.currency} (verdict: {found.verdict})", columns, totals, columns[1:])
    bridge = [(row.pool, row.component, money(row.amount), row.rows) for row in found.bridge if row.amount]
    table("Bridge: what the deviation is made of", ("pool", "component", "amount", "rows"), bridge, ("amount", "rows"))
    columns = ("rule", "pool", "subject", "amount", "state", "owner", "id")
    rows = [(b.rule, b.pool, b.subject, money(b.amount), b.state, b.owner, b.id[:12]) for b in found.breaks]
    table(f"{len(found.breaks)} breaks beyond tolerance", columns, rows, ("amount",))
    if found.claims:
        columns = ("vendor", "sku", "card", "lines", "billed", "agreed", "overcharge")
        claims = [
            (c.vendor, c.sku, c.card, c.line_count, money(c.billed_amount), money(c.agreed_amount), money(c.amount))
            for c in found.claims
        ]
        table("Claims to vendors", columns, claims, columns[3:])
    if found.matching.suggestions:
        waiting = len(found.matching.suggestions)
        out.print(f"{waiting} suggested matches wait: twinledger match suggest {found.period}", markup=False)
    for sentence in (*found.missing, *found.warnings):
        out.print(sentence, markup=False)
