"""The form of tags.yaml: which tags say the same, and what says it where a charge has no tag.

What belongs here: the forms, what makes them valid, and the one order in which places are tried. What does
not: looking at charges, which `sql/pools/charge_tags` does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

DEPARTMENT = "department"
"""The tag that says who pays for a direct charge; its values are names of departments."""

TAG_KEY = r"[^\"\\\x00-\x1f]+"
"""A tag's key that may stand in a JSON path."""

Key = Annotated[str, Field(pattern=f"^{TAG_KEY}$")]
How = Literal["own", "alias", "inherited"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InheritConfig(_Strict):
    """A place that says the value where no tag does: another tag, or an account. Exactly one of the two.

    `values` gives the value of what is written there. What is not in it says nothing, but for another tag,
    which means what it says.
    """

    tag: Key | None = None
    column: Literal["SubAccountId", "BillingAccountId"] | None = None
    values: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_place(self) -> InheritConfig:
        if (self.tag is None) == (self.column is None):
            message = "expected either tag or column"
            raise ValueError(message)
        return self


class LastResortConfig(_Strict):
    """Who owns what nobody claims, of a pool or of a provider."""

    pool: str | None = None
    provider: str | None = None
    department: str

    @model_validator(mode="after")
    def _one_scope(self) -> LastResortConfig:
        if (self.pool is None) == (self.provider is None):
            message = "expected either pool or provider"
            raise ValueError(message)
        return self


class TagConfig(_Strict):
    """One tag: its other names, other spellings of its values, and where else its value may stand."""

    key: Key
    aliases: tuple[Key, ...] = ()
    values: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    inherit: tuple[InheritConfig, ...] = ()
    last_resort: tuple[LastResortConfig, ...] = ()

    @model_validator(mode="after")
    def _says_one_thing(self) -> TagConfig:
        written = [spelling for spellings in self.values.values() for spelling in spellings]
        for name in sorted({one for one in written if written.count(one) > 1}):
            message = f"tag {self.key}: {name!r} stands for two values"
            raise ValueError(message)
        if len({self.key, *self.aliases}) < 1 + len(self.aliases):
            message = f"tag {self.key}: a key stands there twice"
            raise ValueError(message)
        if self.last_resort and self.key != DEPARTMENT:
            message = f"tag {self.key}: only {DEPARTMENT} has an owner of last resort"
            raise ValueError(message)
        return self


DEFAULT = TagConfig(key=DEPARTMENT, aliases=("user:department",), inherit=(InheritConfig(column="SubAccountId"),))
"""What is so where tags.yaml does not speak of departments: a sub account that is a tenant is its department's."""


class Step(NamedTuple):
    """One place that is tried for a key: `place` is Tags or a FOCUS column, `name` the tag's key.

    `values` says what is meant by what is written there; `as_written` is whether anything else means itself.
    """

    number: int
    how: How
    place: str
    name: str
    values: Mapping[str, str]
    as_written: bool


def steps(tag: TagConfig, tenants: Mapping[str, str]) -> Iterator[Step]:
    """The order in which places are tried for a tag, from 1; the one place that says so.

    `tenants` (tenant -> department) are meant by sub accounts of their name, where the tag is the department's.
    """
    spellings = {written: value for value, others in tag.values.items() for written in others}
    tried: list[tuple[How, str, str, Mapping[str, str], bool]] = [("own", "Tags", tag.key, spellings, True)]
    tried += [("alias", "Tags", alias, spellings, True) for alias in tag.aliases]
    for place in tag.inherit:
        known = tenants if tag.key == DEPARTMENT and place.column == "SubAccountId" else {}
        values = {**spellings, **known, **place.values}
        tried.append(("inherited", place.column or "Tags", place.tag or "", values, place.column is None))
    for number, step in enumerate(tried, start=1):
        yield Step(number, *step)


def tag_problems(
    tags: Sequence[TagConfig], departments: Collection[str], pools: Collection[str]
) -> Iterator[tuple[str, str]]:
    """What is wrong over all tags, as (place, sentence)."""
    for index, tag in enumerate(tags):
        place = f"tags[{index}] ({tag.key})"
        if tag.key in {other.key for other in tags[:index]}:
            yield place, "another entry has the same key"
        for number, last in enumerate(tag.last_resort):
            if last.pool is not None and last.pool not in pools:
                yield f"{place}.last_resort[{number}].pool", f"no pool named {last.pool!r} in pools.yaml"
        if tag.key == DEPARTMENT:
            for name in sorted(_named(tag) - set(departments)):
                yield place, f"no department named {name!r} in departments.yaml"


def _named(tag: TagConfig) -> set[str]:
    """The departments that an entry speaks of."""
    inherited = {value for place in tag.inherit for value in place.values.values()}
    return {*tag.values, *inherited, *(last.department for last in tag.last_resort)}
