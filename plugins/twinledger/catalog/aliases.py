"""Resource aliases: what a bill and a meter call the same thing by two names.

What belongs here: the form of an entry of aliases.yaml. What does not: matching by them, which is SQL under
`sql/reconciliation`, and aliases that somebody confirmed, which are in the store alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from twinledger.pools import PoolConfig
from twinledger.vocabulary.fields import Name, PeriodField

CONFIRMED = "confirmed-"
"""How the names of aliases begin that somebody confirmed from a suggestion."""

_LONGEST = 2048


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Identifiers = Annotated[tuple[str, ...], BeforeValidator(_several), Field(min_length=1)]
"""One identifier, or several of a group."""


class AliasConfig(BaseModel):
    """The billed and the metered identifiers of one resource, or of one group of resources.

    It holds for whole months, from one until before another, in one pool or in any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: Name
    pool: str | None = None
    billed: Identifiers
    metered: Identifiers
    effective_from: PeriodField = Field(alias="from")
    effective_to: PeriodField | None = Field(None, alias="to")
    note: str = ""

    @field_validator("name")
    @classmethod
    def _not_confirmed(cls, name: str) -> str:
        if name.startswith(CONFIRMED):
            message = f"{name!r}: names that begin with {CONFIRMED!r} are those of confirmed suggestions"
            raise ValueError(message)
        return name

    @field_validator("billed", "metered")
    @classmethod
    def _identifiers(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if any(not name.strip() or len(name) > _LONGEST for name in names):
            message = f"expected identifiers of 1 to {_LONGEST} letters"
            raise ValueError(message)
        if len(set(names)) < len(names):
            message = "an identifier stands there twice"
            raise ValueError(message)
        return tuple(sorted(names))

    @model_validator(mode="after")
    def _says_something(self) -> AliasConfig:
        if self.effective_to is not None and self.effective_to <= self.effective_from:
            message = "expected `to`, the first month that it no longer holds, after `from`"
            raise ValueError(message)
        if self.billed == self.metered and len(self.billed) == 1:
            message = "equal identifiers need no alias"
            raise ValueError(message)
        return self


def alias_problems(aliases: Sequence[AliasConfig], pools: Sequence[PoolConfig]) -> Iterator[tuple[str, str]]:
    """What is wrong with aliases beside the pools, as (place, sentence)."""
    kinds = {pool.name: pool.kind for pool in pools}
    for index, one in enumerate(aliases):
        if one.pool is None or kinds.get(one.pool) == "shared":
            continue
        if one.pool in kinds:
            problem = f"pool {one.pool!r} is {kinds[one.pool]}: only shared pools are matched by resource"
        else:
            problem = f"no pool named {one.pool!r}: expected one of {', '.join(sorted(kinds)) or 'none'}"
        yield f"aliases[{index}].pool", problem
