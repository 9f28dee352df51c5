"""Bill formats: which columns a vendor's file has, and which model turns them into FOCUS.

What belongs here: recognising a format by its header and binding a header to a model's columns. What
does not: the rules of a vendor, which are SQL under sql/focus/<format>/.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from twinledger.engine import Binding
from twinledger.engine.models import list_models, load_model
from twinledger.vocabulary.errors import UnknownColumnsError, UnknownNameError

_SHARED = "charges"
_NOT_ALNUM = re.compile(r"[^a-z0-9]")


@dataclass(frozen=True, slots=True)
class FormatColumn:
    """One column that a model reads: its names in headers, or the prefix of a family of columns."""

    names: tuple[str, ...]
    required: bool = False
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Format:
    """One vendor's bill format."""

    name: str
    title: str
    model: str
    layout: str
    cost_column: str
    columns: Mapping[str, FormatColumn]
    any_of: tuple[str, ...]

    def missing(self, header: Sequence[str]) -> list[str]:
        """The required columns that a header lacks, and one of `any_of` when it has none of them."""
        present = {_folded(name) for name in header}
        lacking = [
            column.names[0]
            for column in self.columns.values()
            if column.required and not any(_folded(name) in present for name in column.names)
        ]
        if self.any_of and not any(_folded(name) in present for name in self.any_of):
            lacking.append(" or ".join(self.any_of))
        return lacking

    def bind(self, header: Sequence[str]) -> Binding:
        """Where each column of the model stands in a header; names are compared without case and signs."""
        by_name = {_folded(name): name for name in reversed(header)}
        return {target: _bound(column, header, by_name) for target, column in self.columns.items()}


def _folded(name: str) -> str:
    return _NOT_ALNUM.sub("", name.lower())


def _bound(column: FormatColumn, header: Sequence[str], by_name: Mapping[str, str]) -> str | Mapping[str, str] | None:
    if column.prefix:
        return {name.removeprefix(column.prefix): name for name in header if name.startswith(column.prefix)}
    return next((by_name[_folded(name)] for name in column.names if _folded(name) in by_name), None)


@cache
def format_named(name: str) -> Format:
    """The format of that name; raises UnknownNameError."""
    if name not in format_names():
        raise UnknownNameError("bill format", name, format_names())
    model = load_model(f"focus/{name}")
    described: dict[str, Any] = model.description["format"]
    if base := model.description.get("extends"):
        described = load_model(base).description["format"] | described
    columns = {target: _column(entry) for target, entry in described["columns"].items()}
    return Format(
        name=name,
        title=described["title"],
        model=base or f"focus/{name}",
        layout=described["layout"],
        cost_column=described["cost_column"],
        columns=columns,
        any_of=tuple(described.get("any_of", ())),
    )


def _column(entry: Mapping[str, Any]) -> FormatColumn:
    return FormatColumn(tuple(entry.get("names", ())), bool(entry.get("required", False)), entry.get("prefix", ""))


def format_names() -> list[str]:
    """The names of all formats, one for each folder under sql/focus."""
    names = [model.removeprefix("focus/") for model in list_models() if model.startswith("focus/")]
    return [name for name in names if name != _SHARED]


def detect(file: str, header: Sequence[str], among: Iterable[str] = ()) -> Format:
    """The format whose required columns a header has; the one that asks for most wins.

    Raises:
        UnknownColumnsError: no format fits; names what the closest one lacks.
    """
    formats = [format_named(name) for name in (among or format_names())]
    fitting = [candidate for candidate in formats if not candidate.missing(header)]
    if fitting:
        return max(fitting, key=lambda found: (_demands(found), found.name))
    closest = min(formats, key=lambda candidate: len(candidate.missing(header)) / (_demands(candidate) + 1))
    raise UnknownColumnsError(file, closest.missing(header), closest.name)


def _demands(candidate: Format) -> int:
    return sum(column.required for column in candidate.columns.values())
