"""One run of a suite by Great Expectations on DuckDB.

What belongs here: everything that knows Great Expectations. What does not: which suite, which files
and what becomes of the findings (`gx`). Import this module late: it takes seconds.

Values never leave through here: sentences carry counts, Data Docs of tables that everyone may read
carry no example rows, and an engine's error is masked before it becomes a sentence.
"""

from __future__ import annotations

import logging

logging.getLogger("great_expectations").setLevel(logging.WARNING)  # before its import: it logs hundreds of lines

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import great_expectations
from great_expectations.core import ExpectationSuite, ExpectationValidationResult
from great_expectations.core.batch_definition import BatchDefinition
from great_expectations.data_context.data_context.abstract_data_context import AbstractDataContext
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.execution_engine import sqlalchemy_execution_engine
from great_expectations.execution_engine.execution_engine import ExecutionEngine
from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation

from twinledger.lake.tables import Table
from twinledger.quality import pages
from twinledger.vocabulary.errors import GateRunError

EXAMPLES = 20
"""Example values of a broken expectation in finance's Data Docs; everyone's have none."""

_FILES_APART = 256
"""Up to so many files are named one by one in the table's view; more would make a query too deep to plan."""


class ExpectNoRows(UnexpectedRowsExpectation):
    """`expect_no_rows` of the suites: a query over the batch has no row. Its `unexpected_rows_query` runs once.

    Great Expectations' own `unexpected_rows_expectation` runs it twice, to count the rows and to fetch some that
    its results then leave out.
    """

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: ExecutionEngine[Any] | None = None,
    ) -> ExpectationValidationResult | dict[str, Any]:
        del runtime_configuration, execution_engine
        rows = metrics["unexpected_rows_query.row_count"]
        return {"success": rows == 0, "result": {"observed_value": rows}}


class _Dialect(str):
    """A dialect's name as Great Expectations lists it: a text with a `value`."""

    __slots__ = ()

    @property
    def value(self) -> str:
        """The text itself."""
        return str(self)


def keep_connection() -> None:
    """Have Great Expectations keep its DuckDB connection open between query and fetch.

    It gives the connection back before it fetches, except for the dialects in this list; DuckDB drops
    the result with the connection, and every expectation then reports an exception. A test holds that
    a true expectation is true and a false one false, so that an upgrade that changes this is noticed.
    """
    listed = sqlalchemy_execution_engine._PERSISTED_CONNECTION_DIALECTS  # noqa: SLF001 - it has no setting for it
    if "duckdb" not in listed:
        kept = (*listed, _Dialect("duckdb"))
        setattr(sqlalchemy_execution_engine, "_PERSISTED_CONNECTION_DIALECTS", kept)  # noqa: B010 - typed as a closed tuple


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether one expectation holds, in words for people."""

    sentence: str
    holds: bool
    stops: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """What a checkpoint is run on: its name, the table, its suite with parameters, and where its pages go."""

    gate: str
    table: Table
    suite: Mapping[str, Any]
    parameters: Mapping[str, str]
    site: Path

    @property
    def view(self) -> str:
        """The name of the table's view: its own, without the layer."""
        return self.table.name.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Run:
    """What one checkpoint found, and the page that shows it."""

    findings: tuple[Finding, ...]
    page: Path


@dataclass(frozen=True, slots=True)
class Database:
    """A DuckDB file of views, bounded in memory; it holds no facts."""

    file: Path
    config: Mapping[str, str]

    def fill(self, table: Table, files: Sequence[str], parameters: Mapping[str, str]) -> None:
        """Define the table's view over its files, and the one-row relation `parameters`."""
        values = ", ".join(f"{_text(value)} AS {_name(key)}" for key, value in parameters.items())
        with duckdb.connect(str(self.file), config=dict(self.config)) as connection:
            connection.execute(
                f"CREATE VIEW {_name(table.name.rpartition('.')[2])} AS {_selection(table, files)}"
            )  # quoted, from tables.py
            connection.execute(f"CREATE VIEW parameters AS SELECT {values or 'NULL AS none'}")  # quoted likewise


@contextmanager
def database(spill: Path, memory_limit: str, threads: int) -> Iterator[Database]:
    """A database of its own for one run, removed at the end."""
    spill.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gate-", dir=spill) as folder:
        config = {"memory_limit": memory_limit, "temp_directory": folder, "autoinstall_known_extensions": "false"}
        if threads:
            config["threads"] = str(threads)
        yield Database(Path(folder) / "views.duckdb", config)


def evaluate(subject: Subject, database: Database) -> Run:
    """Run the suite as the checkpoint of its gate and build its Data Docs.

    Raises:
        GateRunError: an expectation raised instead of answering.
    """
    keep_connection()
    context = _context(subject.site)
    datasource = context.data_sources.add_sql(
        "lake",
        connection_string=f"duckdb:///{database.file}",
        kwargs={"connect_args": {"config": dict(database.config)}},  # type: ignore[call-arg]  # missing in its stub
    )
    try:
        with datasource.get_execution_engine().get_connection() as connection:
            # Where DuckDB takes the process for an interactive one, it draws into what a command prints.
            connection.exec_driver_sql("SET enable_progress_bar = false")
        batch = datasource.add_table_asset(subject.view, table_name=subject.view)
        return _run(context, batch.add_batch_definition_whole_table("files"), subject)
    finally:
        engine = datasource.get_execution_engine()
        with engine.get_connection() as connection:
            connection.close()
        engine.close()


def _run(context: AbstractDataContext, batch: BatchDefinition[Any], subject: Subject) -> Run:
    suite = context.suites.add(ExpectationSuite(**subject.suite))
    validation = great_expectations.ValidationDefinition(name=subject.table.name, data=batch, suite=suite)
    examples = EXAMPLES if subject.table.audience == "finance" else 0
    checkpoint = great_expectations.Checkpoint(
        name=subject.gate,
        validation_definitions=[context.validation_definitions.add(validation)],
        result_format={"result_format": "BASIC", "partial_unexpected_count": examples},
    )
    ran = context.checkpoints.add(checkpoint).run(expectation_parameters=dict(subject.parameters))
    context.build_data_docs()
    (results,) = ran.run_results.values()
    findings = tuple(_finding(subject, result.to_json_dict()) for result in results.results)
    return Run(findings, _page(subject.site, ran.run_id.run_time.strftime("%Y%m%dT%H%M%S.%fZ")))


def _context(site: Path) -> AbstractDataContext:
    gate = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(site)},
        "site_section_builders": {"expectations": pages.section(), "validations": pages.section()},
        "site_index_builder": pages.index(),
    }
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        data_docs_sites={"gate": gate},
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
        analytics_enabled=False,
    )
    return great_expectations.get_context(mode="ephemeral", project_config=config)


def _page(site: Path, run_time: str) -> Path:
    """The page of this run; other runs of the gate have theirs beside it."""
    found = sorted(site.glob(f"validations/*/*/{run_time}/*.html"))
    return found[0] if found else site / "index.html"


def _finding(subject: Subject, result: Mapping[str, Any]) -> Finding:
    expectation = result["expectation_config"]
    said = expectation.get("description") or expectation["type"]
    if problem := _exception(result.get("exception_info") or {}):
        raise GateRunError(subject.gate, subject.table.name, repr(said), _masked(problem))
    return Finding(
        sentence=f"{said}{_count(expectation['type'], result.get('result', {}))}",
        holds=result["success"],
        stops=expectation.get("severity", "critical") == "critical",
    )


def _exception(info: Mapping[str, Any]) -> str:
    """The message of the first exception, one for the expectation or one for each of its metrics; else ''."""
    told = [info] if "raised_exception" in info else [one for one in info.values() if isinstance(one, Mapping)]
    return next((str(one.get("exception_message")) for one in told if one.get("raised_exception")), "")


def _masked(problem: str) -> str:
    """The first line, without literals and figures: an engine quotes the value that it stumbled on."""
    first = problem.strip().splitlines()[0] if problem.strip() else "no message"
    return re.sub(r"'[^']*'|\d[\d.,]*", "...", first)


def _count(kind: str, result: Mapping[str, Any]) -> str:
    """How many rows break it; never another observed value, which may be an amount."""
    if "unexpected_count" in result:
        return f" (broken by {result['unexpected_count']} of {result.get('element_count', '?')} rows)"
    asked_by_query = kind in (ExpectNoRows.expectation_type, UnexpectedRowsExpectation.expectation_type)
    return f" (broken by {result['observed_value']} rows)" if asked_by_query else ""


def _selection(table: Table, files: Sequence[str]) -> str:
    if len(files) > _FILES_APART:
        return f"SELECT * FROM read_parquet([{', '.join(map(_text, files))}])"  # noqa: S608 - quoted
    if files:
        # Of a single file DuckDB knows from its footer where nothing is null or out of bounds, of a list it does not.
        return " UNION ALL ".join(f"SELECT * FROM read_parquet({_text(file)})" for file in files)  # noqa: S608 - quoted
    nothing = ", ".join(f"CAST(NULL AS {column.type}) AS {_name(column.name)}" for column in table.columns)
    return f"SELECT {nothing} WHERE FALSE"


def _text(value: str) -> str:
    quoted = value.replace("'", "''")
    return f"'{quoted}'"


def _name(name: str) -> str:
    quoted = name.replace('"', '""')
    return f'"{quoted}"'
