"""The gate on Great Expectations: what a deployment hands to its books.

What belongs here: where suites, pages and spill lie, and how a verdict is put into words. What does
not: anything that imports Great Expectations, which takes seconds and is in `checkpoint`, loaded by
the first check of a process.
"""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from twinledger.lake.tables import Table
from twinledger.quality import Verdict
from twinledger.vocabulary.errors import InvalidConfigError, UnknownNameError
from twinledger.vocabulary.settings import ROOT, Settings

if TYPE_CHECKING:
    from twinledger.quality.checkpoint import Finding


@dataclass(frozen=True, slots=True)
class GreatExpectationsGate:
    """Evaluates suites on DuckDB, over views on the given files."""

    suites: Path
    docs: Path
    spill: Path
    memory_limit: str
    threads: int

    @classmethod
    def of(cls, settings: Settings) -> GreatExpectationsGate:
        """The gate of a deployment: suites of the checkout, pages and spill in its home."""
        return cls(
            suites=ROOT / "expectations",
            docs=settings.home.resolve() / "data_docs",
            spill=Path(settings.spill),
            memory_limit=settings.lake.memory_limit,
            threads=settings.lake.threads,
        )

    @contextmanager
    def warming_up(self) -> Iterator[None]:
        """Load Great Expectations beside the block's one long query, for which Python waits without the interpreter."""
        loading = threading.Thread(target=load_checkpoint, name="gate-warm-up")
        loading.start()
        try:
            yield
        finally:
            # What warnings are ignored while importing is the process's: it is over before anything else is done.
            loading.join()

    def check(
        self, gate: str, table: Table, files: Sequence[str], parameters: Mapping[str, str] | None = None
    ) -> Verdict:
        """Evaluate the table's suite over Parquet files.

        Values of `parameters` are text: the relation `parameters` in a suite's queries, and its `$PARAMETER`s.

        Raises:
            UnknownNameError: the table has no suite, or the suite has no such parameter.
            InvalidConfigError: the suite's file is not JSON.
            GateRunError: an expectation could not be evaluated.
        """
        suite = self._suite(table)
        values = _parameters(suite, parameters or {})
        checkpoint = load_checkpoint()
        site = self.docs / table.audience / f"{gate}-{_short_name(table)}"
        with checkpoint.database(self.spill, self.memory_limit, self.threads) as database:
            database.fill(table, files, values)
            run = checkpoint.evaluate(checkpoint.Subject(gate, table, suite, values, site), database)
        return _verdict(gate, run.findings, str(run.page.relative_to(self.docs)))

    def _suite(self, table: Table) -> dict[str, Any]:
        path = self.suites / f"{_short_name(table)}.json"
        if not path.exists():
            known = (other.stem for other in self.suites.glob("*.json"))
            raise UnknownNameError(kind="suite", name=path.stem, known=known)
        try:
            suite: dict[str, Any] = json.loads(path.read_text())
        except ValueError as error:
            raise InvalidConfigError(str(path), "suite", f"is not JSON: {error}") from None
        return suite


def load_checkpoint() -> ModuleType:
    """`checkpoint`, which imports Great Expectations: seconds the first time in a process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of what Great Expectations itself imports
        from twinledger.quality import checkpoint  # noqa: PLC0415 - Great Expectations takes seconds to import
    return checkpoint


def _short_name(table: Table) -> str:
    """The table's name without its layer: what its suite and its pages are called."""
    return table.name.rpartition(".")[2]


def _parameters(suite: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """The suite's defaults under what is handed in; a name that no expectation reads is a mistake."""
    known: Mapping[str, str] = suite.get("meta", {}).get("parameters", {})
    for name in given:
        if name not in known:
            raise UnknownNameError(kind="parameter", name=name, known=known)
    return {**known, **given}


def _verdict(gate: str, findings: Sequence[Finding], page: str) -> Verdict:
    broken = [finding for finding in findings if not finding.holds]
    return Verdict(
        gate=gate,
        evaluated=len(findings),
        stops=tuple(finding.sentence for finding in broken if finding.stops),
        warnings=tuple(finding.sentence for finding in broken if not finding.stops),
        docs=page,
    )
