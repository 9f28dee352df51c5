"""One stage of one bill format in a process of its own, so that its time and memory are its own.

    python -m tests.bench.one_format write FOLDER FORMAT ROWS
    python -m tests.bench.one_format floor|ingest|cur FOLDER

What belongs here: the files of a format, their ingestion, and its floor: the same reader and the same
model's SQL over the same files, written as Parquet, with nothing of ours around it: no digests, no checks,
no gate, no commit, no records. What does not: running and comparing the stages (`__main__`).
"""

from __future__ import annotations

import json
import logging
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import duckdb
import structlog

from tests.bench.stages import MEMORY_LIMIT, settings_of
from twinledger.bills.files import BillFile, open_bills
from twinledger.bills.formats import Format, format_named, header_currency
from twinledger.engine.duck import DuckEngine
from twinledger.lake.tables import EXTERNAL_CHARGES, Column

_PARAMETERS = tuple(
    Column(name, "VARCHAR") for name in ("source", "delivery", "slice", "account", "currency", "period")
)
CONVERTED = "converted.csv"
"""The Cost and Usage Report that FOCUS converters are measured with: one plain CSV file."""
_THEIRS = '*, CAST(NULL AS VARCHAR) AS "reservation/TotalReservedUnits"'
"""focus_converters reads nothing without this column, which a report has where there is a reservation."""


def write(folder: Path, format_name: str, rows: int) -> None:
    """The files of a format and an empty deployment with its source."""
    from tests.bench.bills import write_format
    from twinledger.catalog import apply_config, load_config
    from twinledger.clock import SystemClock
    from twinledger.deployment import prepare
    from twinledger.store import Store

    bill, files = write_format(folder, format_name, rows)
    settings = settings_of(folder)
    prepare(settings)
    store = Store(settings.database_url)
    apply_config(store, load_config(folder / "config"), SystemClock())
    store.close()
    size = sum(path.stat().st_size for path in {Path(path) for path, _ in files})
    known = {"format": bill.format, "source": bill.name, "account": bill.account, "currency": bill.currency}
    (folder / "format.json").write_text(json.dumps({**known, "files": files, "bytes": size}))


def _known(folder: Path) -> dict[str, Any]:
    known: dict[str, Any] = json.loads((folder / "format.json").read_text())
    return known


def _done(folder: Path, rows: int) -> None:
    (folder / "rows.txt").write_text(str(rows))


def floor(folder: Path) -> None:
    """Bare DuckDB: read, transform, write."""
    known = _known(folder)
    form = format_named(known["format"])
    opened = [
        bill
        for path, dataset in known["files"]
        for bill in open_bills(Path(path), Path(path).name, folder / "floor-spool" / Path(path).stem, dataset)
    ]
    with DuckEngine(MEMORY_LIMIT, 0, str(folder / "floor-spill")) as engine:
        currency = known["currency"] or header_currency(opened[0].header)
        parameters = (known["source"], "floor", "all", known["account"], currency, "2026-10")
        engine.view_rows("parameters", _PARAMETERS, [parameters])
        _view(engine, opened, form)
        engine.view_model(form.model)
        engine.union("bill_charges", [form.model.rpartition("/")[2]])
        engine.view_model("focus/charges")
        written = engine.copy_unsplit("charges", EXTERNAL_CHARGES, folder / "floor")
        engine.view_files("written", EXTERNAL_CHARGES, written)
        _done(folder, engine.query("SELECT COUNT(*) FROM written")[0][0])


def _view(engine: DuckEngine, files: list[BillFile], form: Format) -> None:
    groups: dict[tuple[tuple[str, ...], str], list[BillFile]] = defaultdict(list)
    for file in files:
        groups[file.header, file.dataset].append(file)
    names = {f"bill_{number}": dataset for number, (_, dataset) in enumerate(groups)}
    for name, ((header, _), members) in zip(names, groups.items(), strict=True):
        paths = [str(member.path) for member in members]
        if members[0].kind == "parquet":
            engine.view_parquet(name, paths, form.bind(header))
        else:
            engine.view_csv(name, paths, form.bind(header), header)
    if form.datasets:
        engine.label("bill", names, column="dataset", renumber=True)
    elif len(names) > 1:
        engine.union("bill", list(names), renumber=True)
    else:
        engine.union("bill", list(names))


def ingest(folder: Path) -> None:
    """The source's deliveries into the external ledger: digests, checks, gate, commit and records included."""
    from twinledger.bills import ingest_source
    from twinledger.deployment import open_books

    with open_books(settings_of(folder)) as books:
        outcomes = ingest_source(books, _known(folder)["source"])
    wrong = [outcome for outcome in outcomes if outcome.state != "ingested"]
    if wrong or not outcomes:
        sys.exit(f"not ingested: {wrong[:2]}")
    _done(folder, sum(outcome.rows_in for outcome in outcomes))


def cur(folder: Path) -> None:
    """The report's files as one plain CSV, for our ingestion and for another converter."""
    known = _known(folder)
    paths = [path for path, _ in known["files"]]
    target = folder / CONVERTED
    rows = duckdb.execute(
        f"COPY (SELECT {_THEIRS} FROM read_csv({paths}, all_varchar=true, header=true)) TO '{target}' (HEADER)"
    ).fetchall()
    (folder / "format.json").write_text(json.dumps({**known, "files": [(str(target), "")]}))
    _done(folder, rows[0][0])


def main(stage: str, folder: Path, *rest: str) -> None:
    """Run one stage."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    if stage == "write":
        write(folder, rest[0], int(rest[1]))
    else:
        {"floor": floor, "ingest": ingest, "cur": cur}[stage](folder)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
