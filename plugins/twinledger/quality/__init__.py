"""The gate: what must be true of a table before anybody relies on it.

What belongs here: the gate's port and its adapter to Great Expectations. What does not: the
expectations themselves, which are the suites under `expectations/`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from twinledger.lake.tables import Table


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate found: sentences for what must stop, and for what people should know."""

    gate: str
    evaluated: int
    stops: tuple[str, ...] = field(default=())
    warnings: tuple[str, ...] = field(default=())
    docs: str = ""
    """Path of the Data Docs page of this run, below the deployment's data_docs folder."""

    @property
    def passed(self) -> bool:
        """Whether nothing stops."""
        return not self.stops


class Gate(Protocol):
    """Runs the suite of a table over Parquet files, on the engine, never on a copy in memory."""

    def warming_up(self) -> AbstractContextManager[None]:
        """Load what a check needs in a thread of its own while the block runs; it is loaded when the block is over.

        For a block that is one long query of the engine: nothing else of the process should load modules meanwhile.
        """
        ...

    def check(
        self, gate: str, table: Table, files: Sequence[str], parameters: Mapping[str, str] | None = None
    ) -> Verdict:
        """Evaluate the suite `expectations/<table>.json` over the files.

        `gate` names the checkpoint (delivery, ledger, reconciliation); `parameters` fill the suite's
        `$PARAMETER` values. A raised exception inside an expectation is a failed run, not bad data.
        """
        ...
