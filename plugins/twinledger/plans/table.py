"""What resources count as: the company's resources.yaml over the packaged types.yaml.

What belongs here: both files as one table. What does not: the form of an entry (`forms`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.catalog import read_form
from twinledger.plans.forms import CountConfig, ProviderConfig, ResourcesFile, TypeConfig, TypesFile, matches
from twinledger.store.models import Meter
from twinledger.vocabulary.errors import InvalidConfigError

RESOURCES = "resources.yaml"

_TYPES = Path(__file__).with_name("types.yaml")


@dataclass(frozen=True, slots=True)
class Table:
    """Where attributes of types stand, and what sizes count as."""

    counts: tuple[CountConfig, ...] = ()
    own_types: Mapping[str, TypeConfig] | None = None
    own_free: tuple[str, ...] = ()

    def type_named(self, name: str) -> TypeConfig | None:
        """Where a type's attributes stand; the company says it before the package does."""
        return (self.own_types or {}).get(name) or packaged().types.get(name)

    def is_free(self, name: str) -> bool:
        """Whether a type costs nothing. Where both files differ, the company's counts."""
        if name in (self.own_types or {}):
            return False
        return matches(name, self.own_free) or (name not in packaged().types and matches(name, packaged().free))

    def provider_of(self, type_name: str) -> ProviderConfig:
        """What a type's provider says for all of its resources: the type's name begins with the provider's."""
        return packaged().providers.get(type_name.partition("_")[0], ProviderConfig())

    def rules_for(self, type_name: str) -> list[CountConfig]:
        """What counts a type, in the order of the file."""
        return [rule for rule in self.counts if rule.takes(type_name)]


def load_table(folder: Path, meters: Collection[str]) -> Table:
    """The table of a configuration folder; `meters` are the catalog's, as product/meter.

    Raises:
        InvalidConfigError: resources.yaml has not its form, or counts in a meter that the catalog has not.
    """
    path = folder / RESOURCES
    found = read_form(path, ResourcesFile)
    for index, rule in enumerate(found.counts):
        if rule.meter not in meters:
            problem = f"no meter named {rule.meter!r}: expected one of {', '.join(sorted(meters)) or 'none'}"
            raise InvalidConfigError(str(path), f"counts[{index}].meter", problem)
    return Table(found.counts, found.types, found.free)


def known_meters(session: Session) -> set[str]:
    """The catalog's meters, as product/meter."""
    return {f"{meter.product}/{meter.name}" for meter in session.scalars(select(Meter))}


@cache
def packaged() -> TypesFile:
    """types.yaml beside this file."""
    return read_form(_TYPES, TypesFile)
