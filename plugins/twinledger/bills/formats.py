"""Bill formats: which columns a vendor's file has, and which model turns them into FOCUS.

What belongs here: recognising a format by its header and binding a header to a model's columns. What
does not: the rules of a vendor, which are SQL under sql/focus/<format>/.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from twinledger.engine import Binding
from twinledger.engine.models import list_models, load_model, with_bases
from twinledger.vocabulary.errors import InvalidConfigError, UnknownColumnsError, UnknownNameError

Covers = Literal["month_to_date", "month", "day", "file"]
"""What a file of a name says: the month so far, the whole month at last, one day, or rows to add."""

SliceKind = Literal["period", "day", "file"]

_SHARED = "charges"
_COVERS: Mapping[str, Covers] = {
    "month_to_date": "month_to_date", "month": "month", "day": "day", "file": "file",
}  # fmt: skip
_IN_BRACKETS = re.compile(r"[(（]\s*([^()（）]{1,4})\s*[)）]\s*$")
_SIGNS = {
    "¥": "CNY",
    "￥": "CNY",
    "元": "CNY",
    "人民币": "CNY",
    "RMB": "CNY",
    "$": "USD",
    "美元": "USD",
    "€": "EUR",
    "欧元": "EUR",
}


@dataclass(frozen=True, slots=True)
class FormatColumn:
    """One column that a model reads: its names in headers, or the prefix of a family of columns."""

    names: tuple[str, ...]
    required: bool = False
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class FilePattern:
    """What files of a name are: what they cover, or why they are a sibling that is not to be taken."""

    pattern: re.Pattern[str]
    covers: Covers = "month_to_date"
    sibling: str = ""


@dataclass(frozen=True, slots=True)
class Format:
    """One vendor's bill format and how it is delivered.

    `slice` is what a delivery replaces unless the source's entry says otherwise; `final_day` the day of
    the following month from which on the vendor says a month is final (0: it never says).
    """

    name: str
    title: str
    provider: str
    model: str
    layout: str
    slice: SliceKind
    final_day: int
    files: tuple[FilePattern, ...]
    datasets: tuple[str, ...]
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
    """A name without case, width and signs: `应付金额(¥)` is `应付金额`, `bill/InvoiceId` is `billinvoiceid`."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", name).casefold() if sign.isalnum())


def header_currency(header: Sequence[str]) -> str | None:
    """The ISO 4217 code that a header writes behind its amounts, as `应付金额(¥)` does.

    None where it says none, or more than one.
    """
    found = {_SIGNS[match[1]] for name in header if (match := _IN_BRACKETS.search(name)) and match[1] in _SIGNS}
    return found.pop() if len(found) == 1 else None


def _bound(column: FormatColumn, header: Sequence[str], by_name: Mapping[str, str]) -> str | Mapping[str, str] | None:
    if column.prefix:
        return {name.removeprefix(column.prefix): name for name in header if name.startswith(column.prefix)}
    return next((by_name[_folded(name)] for name in column.names if _folded(name) in by_name), None)


@cache
def format_named(name: str) -> Format:
    """The format of that name; raises UnknownNameError."""
    if name not in format_names():
        raise UnknownNameError("bill format", name, format_names())
    base = load_model(f"focus/{name}").description.get("extends")
    described = _described(f"focus/{name}")
    columns = {target: _column(entry) for target, entry in described["columns"].items()}
    return Format(
        name=name,
        title=described["title"],
        provider=described.get("provider", ""),
        model=base or f"focus/{name}",
        layout=described["layout"],
        slice=described["slice"],
        final_day=int(described.get("final_day", 0)),
        files=tuple(_pattern(name, entry) for entry in described.get("files", ())),
        datasets=tuple(described.get("datasets", ())),
        columns=columns,
        any_of=tuple(described.get("any_of", ())),
    )


def _described(model_name: str) -> dict[str, Any]:
    """What a model says of its format; one that extends another names only the columns that it asks for differently."""
    described: dict[str, Any] = {}
    for model in with_bases(model_name):
        inherited = model.description["format"]
        described = inherited | described | {"columns": inherited.get("columns", {}) | described.get("columns", {})}
    return described


def _pattern(format_name: str, entry: Mapping[str, str]) -> FilePattern:
    covers = entry.get("covers", "month_to_date")
    if covers not in _COVERS:
        problem = f"covers {covers!r}: expected one of {', '.join(_COVERS)}"
        raise InvalidConfigError(f"sql/focus/{format_name}/model.yaml", "files", problem)
    return FilePattern(re.compile(entry["pattern"], re.IGNORECASE), _COVERS[covers], entry.get("sibling", ""))


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
    named = [format_named(name) for name in (among or format_names())]
    # A format made of two exports has the header of one of them: it is taken where a source names it only.
    formats = [candidate for candidate in named if among or not candidate.datasets]
    fitting = [candidate for candidate in formats if not candidate.missing(header)]
    if fitting:
        return max(fitting, key=lambda found: (_demands(found), found.name))
    closest = min(formats, key=lambda candidate: len(candidate.missing(header)) / (_demands(candidate) + 1))
    raise UnknownColumnsError(file, closest.missing(header), closest.name)


def _demands(candidate: Format) -> int:
    return sum(column.required for column in candidate.columns.values())
