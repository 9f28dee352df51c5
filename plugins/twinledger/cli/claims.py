"""The command of the contract audit: claims to vendors, and how commitments are used."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinledger.cli.output import AsJson, PeriodArgument, money, open_books, out, print_json, progress, table

if TYPE_CHECKING:
    from datetime import date

    from twinledger.reconciliation import ContractClaims

VendorOption = Annotated[str, typer.Option("--vendor", help="Of this vendor alone, as FOCUS ProviderName has it.")]
FileOption = Annotated[Path | None, typer.Option("--xlsx", help="Write the claim file to this path.", dir_okay=False)]


def claims(period: PeriodArgument, vendor: VendorOption = "", xlsx: FileOption = None, as_json: AsJson = False) -> None:
    """What vendors billed above their contracts, by clause and line; what they billed below; commitments. For finance.

    As the last reconciliation found it. Examples: [bold]twinledger claims 2026-10[/]; the file for one vendor:
    [bold]twinledger claims 2026-10 --vendor AWS --xlsx claims.xlsx[/]
    """
    from twinledger.reconciliation import claim_file, contract_claims

    with open_books() as books, progress(f"reading the contract audit of {period}", shown=not as_json):
        found = contract_claims(books, period, vendor)
        today = books.clock.now().date()
        if xlsx is not None:
            xlsx.write_bytes(claim_file(found, today).content)
    if as_json:
        uses = [
            asdict(one) | {"used": one.used, "unused": one.unused, "coverage": one.coverage,
                           "days_left": one.days_left(today)}
            for one in found.commitments
        ]  # fmt: skip
        print_json(asdict(found) | {"period": str(period), "claimed": found.claimed, "commitments": uses})
        return
    _show(found, today)
    if xlsx is not None:
        out.print(f"{len(found.lines)} lines are in {xlsx}", markup=False)


def _show(found: ContractClaims, today: date) -> None:
    columns: tuple[str, ...] = ("vendor", "card", "clause", "lines", "billed", "agreed", "claimed")
    rows = [
        (one.vendor, one.card, one.clause, one.lines, money(one.billed), money(one.agreed), money(one.claimed))
        for one in found.clauses
    ]
    title = f"{found.period}: claims worth {money(found.claimed)} {found.currency}"
    table(title, columns, rows, columns[3:])
    if found.undercharges:
        columns = ("vendor", "card", "lines", "billed", "agreed", "undercharged")
        under = [
            (
                one.vendor,
                one.card,
                one.line_count,
                money(one.billed_amount),
                money(one.agreed_amount),
                money(one.amount),
            )
            for one in found.undercharges
        ]
        table("Billed below what was agreed: shown, not claimed", columns, under, columns[2:])
    if found.commitments:
        columns = ("vendor", "commitment", "per", "unit", "committed", "used", "unused", "covers", "ends")
        uses = [
            (
                one.vendor, one.id, one.per, one.unit, money(one.committed), money(one.used), money(one.unused),
                "" if one.coverage is None else f"{one.coverage} %",
                "" if one.valid_to is None else f"{one.valid_to} ({one.days_left(today)} days)",
            )
            for one in found.commitments
        ]  # fmt: skip
        table("Commitments", columns, uses, columns[4:8])
    for one in found.commitments:
        if one.expires_soon(today):
            out.print(f"commitment {one.id} ends in {one.days_left(today)} days", markup=False)
    for sentence in found.remarks:
        out.print(sentence, markup=False)
