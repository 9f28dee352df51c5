"""The SQL models: one folder each under sql/, found by path.

What belongs here: reading a model's files. What does not: running them, which is the engine's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from twinledger.vocabulary.errors import InvalidConfigError, UnknownNameError
from twinledger.vocabulary.settings import ROOT

FOLDER = ROOT / "sql"
_MACROS = Path(__file__).with_name("macros.sql")
_FUNCTION = re.compile(r"^CREATE OR REPLACE TEMP MACRO (\w+)\(.*?;$", re.MULTILINE | re.DOTALL)
_CALL = re.compile(r"\b(\w+)\(")
_PATH = re.compile(r"[a-z0-9_]+(/[a-z0-9_]+)+")
_REQUIRED = {"owner", "grain", "purpose", "inputs"}


@dataclass(frozen=True, slots=True)
class Model:
    """One model: its query is a pure function of its input relations."""

    name: str
    query: str
    description: dict[str, Any]

    @property
    def relation(self) -> str:
        """The name of the view that holds its result."""
        return self.name.rsplit("/", 1)[-1]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The relations that its query names."""
        return tuple(self.description["inputs"])


@cache
def load_model(name: str, folder: Path = FOLDER) -> Model:
    """Read sql/<name>/query.sql and model.yaml; a model that `extends` another one has the other's query.

    Raises:
        UnknownNameError: there is no such model.
        InvalidConfigError: model.yaml does not say what it must.
    """
    place = folder / name
    if not _PATH.fullmatch(name) or not (place / "model.yaml").is_file():
        raise UnknownNameError("model", name, list_models(folder))
    description = yaml.safe_load((place / "model.yaml").read_text())
    if missing := _REQUIRED - set(description):
        raise InvalidConfigError(f"sql/{name}/model.yaml", "top level", f"missing {', '.join(sorted(missing))}")
    base = description.get("extends")
    query = load_model(base, folder).query if base else (place / "query.sql").read_text()
    return Model(name, query, description)


@cache
def function_definitions() -> str:
    """The definitions of the functions that models call, which are part of what they say."""
    return _MACROS.read_text()


def functions_called(sql: str) -> dict[str, str]:
    """Of our functions those that SQL calls and those that they call: name -> definition, in the order to define them.

    A query calls a few of them, and defining all takes as long as answering a small one.
    """
    known = _functions()
    wanted: set[str] = set()
    found = _called(sql) & known.keys()
    while found:
        wanted |= found
        found = {name for one in found for name in _called(known[one])} & known.keys() - wanted
    return {name: text for name, text in known.items() if name in wanted}


@cache
def _functions() -> dict[str, str]:
    """Every function of ours: name -> definition, those that others call before them."""
    return {text[1]: text[0] for text in _FUNCTION.finditer(function_definitions())}


def _called(sql: str) -> set[str]:
    return set(_CALL.findall(sql.lower()))


def with_bases(name: str) -> Iterator[Model]:
    """A model and those that it extends, the nearest first; raises as `load_model` does."""
    while name:
        yield (model := load_model(name))
        name = model.description.get("extends", "")


def list_models(folder: Path = FOLDER) -> list[str]:
    """The names of all models."""
    return sorted(str(path.parent.relative_to(folder)) for path in folder.rglob("model.yaml"))
