"""Inspection: what a bill would become, without writing anything to the ledger.

What belongs here: the same steps as ingestion, on a file that nobody configured. What does not: how
the answer is shown.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from twinledger.bills.deliveries import said_in_name
from twinledger.bills.files import open_bills
from twinledger.bills.formats import detect, format_named
from twinledger.bills.staging import Lineage, RefusedRow, SliceTotal, Staged, stage
from twinledger.books import OpenEngine
from twinledger.engine import Engine
from twinledger.lake.tables import EXTERNAL_CHARGES
from twinledger.quality import Gate, Verdict
from twinledger.vocabulary.errors import EmptyFileError


@dataclass(frozen=True, slots=True)
class ServiceTotal:
    """Billed cost of one service in one period and currency."""

    period: str
    currency: str
    service: str
    billed_cost: Decimal


@dataclass(frozen=True, slots=True)
class Inspection:
    """What one bill file would become."""

    format: str
    title: str
    rows_in: int
    rows_ledger: int
    refused: tuple[RefusedRow, ...]
    aside: int
    totals: tuple[SliceTotal, ...]
    services: tuple[ServiceTotal, ...]
    verdict: Verdict


def inspect_file(
    open_engine: OpenEngine, gate: Gate, path: Path, folder: Path, format_name: str = "", parquet: Path | None = None
) -> Inspection:
    """Read one bill file, or an archive of some, as ingestion would; `folder` takes what is written on the way.

    `parquet` is where the ledger's rows are written to as one file, FOCUS columns first, when it is given.

    Raises:
        DeliveryRefusedError: the file could not become a part of any ledger; its class says why.
        UnknownNameError: there is no format of that name.
    """
    with open_engine() as engine:
        bills = open_bills(path, path.name, folder)
        if not any(bill.rows for bill in bills):
            raise EmptyFileError(path.name)
        form = format_named(format_name) if format_name else detect(bills[0].name, bills[0].header)
        account, period = said_in_name(form, path.name)
        lineage = Lineage("inspected", "inspected", account=account or None, period=period or None)
        with gate.warming_up():
            staged = stage(engine, bills, form, lineage, folder)
        engine.view_files("ledger", EXTERNAL_CHARGES, staged.all_files)
        if parquet is not None:
            _export(engine, staged, parquet)
        services = engine.query(
            'SELECT "x_period", "BillingCurrency", "ServiceName", SUM("BilledCost") FROM ledger '
            "GROUP BY ALL ORDER BY 1, 2, 4 DESC, 3"
        )
    return Inspection(
        format=staged.format.name,
        title=staged.format.title,
        rows_in=staged.rows_in,
        rows_ledger=staged.rows_ledger,
        refused=staged.refused,
        aside=staged.aside,
        totals=staged.totals,
        services=tuple(ServiceTotal(*row) for row in services),
        verdict=gate.check("delivery", EXTERNAL_CHARGES, staged.all_files),
    )


def _export(engine: Engine, staged: Staged, target: Path) -> None:
    """The ledger's rows as one file; where there is one already, it is that."""
    if len(staged.all_files) == 1:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(staged.all_files[0], target)
    else:
        engine.export("ledger", target)
