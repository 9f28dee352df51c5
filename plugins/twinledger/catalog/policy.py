"""The form of policy.yaml: what becomes of a request to provision, rule by rule.

What belongs here: types of its entries, of the cases that it is tested with, and what must hold between files. What
does not: judging a request, which approvals does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, cast, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from twinledger.vocabulary.fields import Amount, Instant, Name

Role = Literal["manager", "budget holder", "finance"]
"""Who may be asked; several of them in this order."""


def roles_asked(outcome: str) -> tuple[Role, ...]:
    """Who is asked, one after another: of `ask manager then finance` the manager and finance. None where nobody is.

    Raises:
        ValueError: it is no outcome, or the roles are in another order.
    """
    if outcome in ("allow", "refuse"):
        return ()
    asked = outcome.removeprefix("ask ").split(" then ") if outcome.startswith("ask ") else []
    known = get_args(Role)
    if not asked or [role for role in known if role in asked] != asked:
        said = "allow, refuse, or ask and some of manager, budget holder, finance, in this order"
        message = f"expected {said}, as `ask manager then finance`; found {outcome!r}"
        raise ValueError(message)
    return cast("tuple[Role, ...]", tuple(asked))


def _outcome(text: str) -> str:
    roles_asked(text)
    return text


Outcome = Annotated[str, AfterValidator(_outcome)]
"""allow, refuse, or who is asked in turn: `ask manager then finance`."""
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Range(_Strict):
    """From a number, that one included, until below another."""

    at_least: Amount | None = None
    below: Amount | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> Range:
        if self.at_least is None and self.below is None:
            message = "expected at_least, below or both"
            raise ValueError(message)
        if self.at_least is not None and self.below is not None and self.at_least >= self.below:
            message = "expected at_least to be less than below: no number is in it"
            raise ValueError(message)
        return self

    def holds(self, number: Decimal) -> bool:
        """Whether a number is in the range."""
        return (self.at_least is None or number >= self.at_least) and (self.below is None or number < self.below)

    def __str__(self) -> str:
        """As people say it."""
        said = {"at least": self.at_least, "below": self.below}
        return " and ".join(f"{word} {number}" for word, number in said.items() if number is not None)


class Conditions(_Strict):
    """All that is given must hold; of a list, any."""

    departments: tuple[str, ...] = ()
    """These, and those below them."""
    products: tuple[str, ...] = ()
    meters: tuple[str, ...] = ()
    """product/meter"""
    regions: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    """The requester has one of these."""
    amount: Range | None = None
    """The estimate, in the currency of the price."""
    headroom: Range | None = None
    """What is left of the budget after the request, in that currency."""
    days: Range | None = None
    gpu_utilisation: Range | None = None
    """Of the cards of the meter that the department holds, in percent: the mean of the last seven days. It
    holds neither where nothing is measured nor for a meter that does not count cards."""
    weekdays: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ()
    hours: str = Field("", pattern=r"^(([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00))?$")
    """HH:MM-HH:MM in the company's time zone, the end excluded."""

    @model_validator(mode="after")
    def _hours_in_order(self) -> Conditions:
        start, _, end = self.hours.partition("-")
        if self.hours and start >= end:
            message = "expected hours to begin before they end; write two rules for a night"
            raise ValueError(message)
        return self


class RuleConfig(_Strict):
    """One rule: the first whose conditions hold decides."""

    name: Name
    when: Conditions = Conditions()
    then: Outcome
    reason: str = ""
    """Why: shown to who is refused or asked."""

    @model_validator(mode="after")
    def _refuses_with_a_reason(self) -> RuleConfig:
        if self.then == "refuse" and not self.reason.strip():
            message = "expected a reason: who is refused must know what to do"
            raise ValueError(message)
        return self


class PolicyFile(_Strict):
    """policy.yaml."""

    rules: tuple[RuleConfig, ...] = ()


class AskedConfig(_Strict):
    """A request that a policy is tested with."""

    department: str
    product: str
    meter: str
    region: str
    amount: Amount
    headroom: Amount = Decimal(0)
    days: int = Field(1, ge=1)
    gpu_utilisation: Amount | None = None
    roles: tuple[str, ...] = ()
    at: Instant = Field(default_factory=lambda: datetime.fromisoformat("2026-01-05T12:00:00+00:00"))


class CaseConfig(_Strict):
    """What a request must come to, and by which rule where it is said."""

    name: str
    asked: AskedConfig
    expect: Outcome
    rule: str | None = None


class CasesFile(_Strict):
    """policy_cases.yaml."""

    cases: tuple[CaseConfig, ...] = Field(min_length=1)


def policy_problems(
    file: PolicyFile, departments: Collection[str], meters: Mapping[str, Collection[str]]
) -> Iterator[tuple[str, str]]:
    """What is wrong between files, as (place, sentence); `meters` of each product."""
    names = [rule.name for rule in file.rules]
    known = {
        "departments": ("department", departments),
        "products": ("product", meters),
        "meters": ("meter", {f"{product}/{meter}" for product, found in meters.items() for meter in found}),
    }
    for index, rule in enumerate(file.rules):
        if rule.name in names[:index]:
            yield f"rules[{index}].name", f"{rule.name!r} stands there twice"
        for field, (kind, expected) in known.items():
            for name in getattr(rule.when, field):
                if name not in expected:
                    said = ", ".join(sorted(expected)) or "none"
                    yield f"rules[{index}].when.{field}", f"no {kind} named {name!r}: expected one of {said}"
        if rule.when == Conditions() and index < len(file.rules) - 1:
            yield f"rules[{index}]", "it holds for every request: the rules below it are never tried"
