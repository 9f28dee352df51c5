"""The engine: runs the models of `sql/` over files, bounded in memory.

What belongs here: the engine's port, its adapters and the loading of models. What does not: SQL with
a meaning, which is under `sql/`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from twinledger.lake.tables import Column, Table

Binding = Mapping[str, "str | Mapping[str, str] | None"]
"""Column of a relation -> the header's name of it, or {key: header name} for columns gathered as JSON, or None."""


class Engine(Protocol):
    """Relations by name; each piece of work opens one of its own and closes it."""

    def view_files(self, name: str, table: Table, files: Sequence[str], where: str = "TRUE") -> None:
        """A relation over Parquet files of a table; empty, with the table's columns, where there are none.

        `where` is SQL of ours, never text from outside.
        """
        ...

    def view_rows(self, name: str, columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> None:
        """A small relation of rows that are handed in, as from the store."""
        ...

    def view_model(self, model: str, name: str = "") -> None:
        """The result of sql/<model>, under the last part of its path or another name."""
        ...

    def view_csv(self, name: str, files: Sequence[str], columns: Binding, header: Sequence[str]) -> None:
        """A relation over CSV files that share a header, all text, numbered by `row_number` from 1."""
        ...

    def view_parquet(self, name: str, files: Sequence[str], columns: Binding) -> None:
        """A relation over Parquet files of anybody's, all text, with no digit of a number changed."""
        ...

    def view_lines(self, name: str, files: Sequence[str]) -> None:
        """A relation over the lines of text files: `line`, null where blank, and `row_number` from 1."""
        ...

    def union(self, name: str, relations: Sequence[str], *, renumber: bool = False) -> None:
        """One relation of several with the same columns, in their order; `row_number` counts on where asked."""
        ...

    def label(self, name: str, relations: Mapping[str, str], *, column: str = "label", renumber: bool = False) -> None:
        """One relation of several with the same columns (relation -> label): each row has its label in `column`.

        `row_number` counts on where asked.
        """
        ...

    def materialise(self, relation: str) -> None:
        """Compute a relation once, for work that reads it several times."""
        ...

    def rows(self, relation: str) -> list[dict[str, Any]]:
        """All rows of a small relation; decimals are Decimal."""
        ...

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """A small question in SQL; values go in as parameters."""
        ...

    def select(self, relation: str, key: str, values: Sequence[object]) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The rows of a relation whose key is one of a few values: (column names, rows)."""
        ...

    def copy_unsplit(self, relation: str, table: Table, folder: Path) -> list[str]:
        """Write a relation as Parquet files of a table in its order, whatever its partition values."""
        ...

    def copy_model(self, model: str, table: Table, folder: Path, where: str = "TRUE") -> list[str]:
        """As `copy_unsplit` of those rows of a model's result, without a relation of it."""
        ...

    def copy(self, relation: str, table: Table, folder: Path) -> list[str]:
        """Write a relation as Parquet files of a table, one value of each partition column a file."""
        ...

    def copy_slices(self, relation: str, table: Table, folder: Path) -> dict[str, list[str]]:
        """As `copy`, by slice: slice name -> files."""
        ...

    def export(self, relation: str, target: Path) -> int:
        """Write a relation as one Parquet file for others; returns the number of rows."""
        ...

    def close(self) -> None:
        """Give memory and spill back."""
        ...
