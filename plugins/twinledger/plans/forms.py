"""The form of resources.yaml, and of types.yaml beside this file, which is packaged.

What belongs here: types of their entries. What does not: what they come to for a planned resource (`measure`).

A path names an attribute of a planned resource: `scaling_config.0.desired_size`; `*` stands for every entry of a list.
Of several paths the first that is set counts.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from twinledger.vocabulary.fields import Amount, Factor

NUMBER = "{n}"
"""Stands in a size for a whole number, which the units are multiplied by."""

_MOST_WILDCARDS = 3


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _size(value: str) -> str:
    if value.count(NUMBER) > 1 or value.count("*") > _MOST_WILDCARDS or not value.isprintable():
        message = (
            f"size {value[:60]!r}: expected at most one {NUMBER} and {_MOST_WILDCARDS} of *, and no control character"
        )
        raise ValueError(message)
    return value


def _expression(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        message = f"{value[:60]!r} is no regular expression: {error}"
        raise ValueError(message) from None
    return value


AttributePath = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(\.([A-Za-z0-9_-]+|\*))*$", max_length=200)]
Paths = Annotated[tuple[AttributePath, ...], BeforeValidator(_several)]
TypeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=255)]
TypePattern = Annotated[str, Field(pattern=r"^[a-z*][a-z0-9_*-]*$", max_length=255)]
"""A type, or several: `aws_iam_*`."""
SizePattern = Annotated[str, Field(max_length=255), AfterValidator(_size)]
"""A size, or several: `m5.{n}xlarge`, `gp*`."""


class TypeConfig(_Strict):
    """Where a type's attributes stand. Without a zone or region, the provider's; without a count, 1."""

    size: Paths = ()
    region: Paths = ()
    zone: Paths = ()
    account: Paths = ()
    count: Paths = ()


class Matched(NamedTuple):
    """What a size comes to a day: so many units, for each of a number that stands in the size."""

    units: Decimal
    number: int | None


class CountConfig(_Strict):
    """How many units of a meter one resource counts as, each day, by its size.

    `times` is an attribute that the units are multiplied by, as a disk's size in GB; where it is not set, `otherwise`
    is taken for it, and a resource that comes to 0 that way does not count.
    """

    meter: str = Field(pattern=r"^[^/\s]+/[^/\s]+$", max_length=255)
    types: tuple[TypePattern, ...] = Field(min_length=1)
    sizes: dict[SizePattern, Factor] = Field(min_length=1)
    times: AttributePath | None = None
    otherwise: Annotated[Amount, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _otherwise_of_something(self) -> CountConfig:
        if self.otherwise is not None and self.times is None:
            message = "expected `times` beside `otherwise`, which stands in for it"
            raise ValueError(message)
        return self

    def takes(self, type_name: str) -> bool:
        """Whether it is about a type."""
        return matches(type_name, self.types)

    def units(self, size: str) -> Matched | None:
        """What a size comes to: it as it is written first, then the patterns in their order."""
        if NUMBER not in size and "*" not in size and (exact := self.sizes.get(size)) is not None:
            return Matched(exact, None)
        for pattern, units in self.sizes.items():
            if found := re.fullmatch(_translated(pattern), size):
                return Matched(units, int(found[1]) if NUMBER in pattern else None)
        return None


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a name is one of these, in which `*` stands for any characters."""
    return any(name == pattern or ("*" in pattern and re.fullmatch(_translated(pattern), name)) for pattern in patterns)


def _translated(pattern: str) -> str:
    return re.escape(pattern).replace(re.escape(NUMBER), "([0-9]{1,6})").replace(r"\*", ".*")


class ResourcesFile(_Strict):
    """resources.yaml: what resources of the company's plans count as."""

    counts: tuple[CountConfig, ...] = ()
    types: dict[TypeName, TypeConfig] = {}
    """Beside those of types.yaml, or in their place."""
    free: tuple[TypePattern, ...] = ()
    """Types that cost nothing, or that nobody need ask for."""


class ProviderConfig(_Strict):
    """Where a provider's own configuration says what its resources do not, and what the values look like."""

    region: Paths = ()
    zone: Paths = ()
    account: Paths = ()
    region_form: Annotated[str, AfterValidator(_expression)] = ""
    """A region as a zone begins with it; a value read from a reference counts only where it has the form."""
    account_form: Annotated[str, AfterValidator(_expression)] = ""
    """Its first group is the account."""

    def region_of(self, text: str) -> str:
        """The region of a region or zone; text that does not look like one stays as it is."""
        found = re.match(self.region_form, text) if self.region_form else None
        return found[0] if found else text


class TypesFile(_Strict):
    """types.yaml: where attributes stand in the resources of Terraform's providers."""

    providers: dict[TypeName, ProviderConfig] = {}
    types: dict[TypeName, TypeConfig] = {}
    free: tuple[TypePattern, ...] = ()
