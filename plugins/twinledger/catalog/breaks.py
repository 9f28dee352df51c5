"""The form of breaks.yaml: who answers for which breaks, and how much money is urgent.

What belongs here: types of its entries and what must hold between them. What does not: deciding on a break, which
reconciliation does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from twinledger.pools import COMPONENTS, UNASSIGNED
from twinledger.vocabulary.fields import Amount

RULES = (*COMPONENTS, "ambiguous_match", "control_total", "coverage", "overcharge", "restated", "ungranted")
"""What a break may be found by: the components of the bridge, and what documents, hours and prices say."""

PRIORITIES = ("critical", "high", "medium")
"""The most urgent first; what is below them all is `low`."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OwnerConfig(_Strict):
    """One rule: the first that holds for a break names its owner; what is not given is anything."""

    owner: str = Field(min_length=1)
    rules: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    at_least: Amount | None = None

    @model_validator(mode="after")
    def _known_rules(self) -> OwnerConfig:
        for name in self.rules:
            if name not in RULES:
                message = f"no rule named {name!r}: expected one of {', '.join(RULES)}"
                raise ValueError(message)
        if self.at_least is not None and self.at_least < 0:
            message = "expected at_least of 0 or more: it is compared with money whatever its sign"
            raise ValueError(message)
        return self


class PriorityConfig(_Strict):
    """From how much money on a break has a priority, in the reporting currency."""

    name: Literal["critical", "high", "medium"]
    at_least: Amount = Field(gt=Decimal(0))


class BreaksFile(_Strict):
    """breaks.yaml."""

    owners: tuple[OwnerConfig, ...] = ()
    priorities: tuple[PriorityConfig, ...] = ()

    @model_validator(mode="after")
    def _falling(self) -> BreaksFile:
        ranks = [PRIORITIES.index(one.name) for one in self.priorities]
        amounts = [one.at_least for one in self.priorities]
        if ranks != sorted(set(ranks)) or amounts != sorted(set(amounts), reverse=True):
            message = f"expected priorities in the order {', '.join(PRIORITIES)}, each from less money on"
            raise ValueError(message)
        return self


def break_problems(file: BreaksFile, people: Collection[str], pools: Collection[str]) -> Iterator[tuple[str, str]]:
    """What is wrong between files, as (place, sentence)."""
    known: Sequence[str] = sorted({*pools, UNASSIGNED, ""})
    for index, one in enumerate(file.owners):
        if one.owner not in people:
            yield f"owners[{index}].owner", f"no person named {one.owner!r} in people.yaml"
        for name in one.pools:
            if name not in known:
                yield f"owners[{index}].pools", f"no pool named {name!r} in pools.yaml"
