"""What a card is made from: one frozen type for each kind of message.

What belongs here: the facts of each message and how they are read from JSON. What does not: words
and layout, which are the cards'.

Shielding: the types that derive from `EveryoneFacts` are all that a card for everybody can be
handed. They hold internal prices, plans and actual internal charges; nothing that a vendor billed.
Facts of another shape, or with one key more than the type has, are refused when they are read.

In JSON an amount is {"amount": "12.34", "currency": "USD"}, an instant ISO 8601 with its offset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from pydantic import ConfigDict, TypeAdapter

from twinledger.vocabulary.audiences import ForEveryone, ForFinance
from twinledger.vocabulary.money import Money

STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class EveryoneFacts(ForEveryone):
    """Facts that any department may read."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class FinanceFacts(ForFinance):
    """Facts that only finance may read."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class DecisionFacts(EveryoneFacts):
    """How a request ended: by whom, when, where and why."""

    who: str
    at: datetime
    surface: str
    comment: str = ""
    grant: str = ""


@dataclass(frozen=True, slots=True)
class ApproverFacts(EveryoneFacts):
    """Somebody who is asked to decide."""

    title: str
    slack_user: str = ""


@dataclass(frozen=True, slots=True)
class StageFacts(EveryoneFacts):
    """One stage of a request: whose it is, and how it was answered where it was."""

    role: str
    answer: DecisionFacts | None = None


@dataclass(frozen=True, slots=True)
class ApprovalFacts(EveryoneFacts):
    """One request as it is now."""

    request: str
    revision: int
    state: str
    requester: str
    department: str
    cost_centre: str
    product: str
    quantity: Decimal
    unit: str
    region: str
    days: int
    period: str
    amount: Money
    justification: str
    approvers: tuple[ApproverFacts, ...]
    expires_at: datetime
    available_before: Money | None = None
    available_after: Money | None = None
    budget: Money | None = None
    rule: str = ""
    decision: DecisionFacts | None = None
    stages: tuple[StageFacts, ...] = ()
    stage: int = 0
    account: str = ""
    cards: str = ""
    """GPU cards x hours that it comes to; empty where it is for anything else."""
    cards_used: str = ""
    """How well those are used that the department holds."""
    needed_by: date | None = None
    superseded_by: str = ""


@dataclass(frozen=True, slots=True)
class GrantRevokedFacts(EveryoneFacts):
    """A grant that permits nothing any more; `redeemed`: credentials were given for it before."""

    grant: str
    request: str
    department: str
    product: str
    meter: str
    quantity: Decimal
    region: str
    ends_at: datetime
    who: str
    at: datetime
    why: str
    redeemed: bool = False


@dataclass(frozen=True, slots=True)
class MoverFacts(EveryoneFacts):
    """One line of a statement that changed, and how much of that came from its price and its quantity."""

    product: str
    meter: str
    change: Money
    by_price: Money
    by_quantity: Money
    cause: str


@dataclass(frozen=True, slots=True)
class StatementFacts(EveryoneFacts):
    """A department's month that is closed; `before` is None where there was nothing to compare with."""

    department: str
    title: str
    period: str
    total: Money
    before: Money | None = None
    movers: tuple[MoverFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class ComponentFacts(FinanceFacts):
    """One component of a bridge; `pool` is empty where pools are summed."""

    name: str
    amount: Money
    pool: str = ""


@dataclass(frozen=True, slots=True)
class BreakCauseFacts(FinanceFacts):
    """What one resource, service or contract line has to do with a break."""

    name: str
    amount: Money


@dataclass(frozen=True, slots=True)
class BreakFacts(FinanceFacts):
    """One deviation beyond tolerance; without an id in messages of before breaks could be worked on."""

    rule: str
    pool: str
    subject: str
    amount: Money
    tolerance: Money
    owner: str
    opened_at: datetime | None = None
    state: str = "new"
    id: str = ""
    priority: str = ""
    causes: tuple[BreakCauseFacts, ...] = ()
    assignee: str = ""
    life: str = ""
    """Who brought it to its state and when, as a sentence; empty while nobody did."""


@dataclass(frozen=True, slots=True)
class BreakAssignedFacts(EveryoneFacts):
    """A break that was given to somebody: where it is, and no figure of it."""

    break_id: str
    period: str
    pool: str
    rule: str
    who: str


@dataclass(frozen=True, slots=True)
class CheckFacts(FinanceFacts):
    """One suite of the gate, and its page in Data Docs."""

    table: str
    docs: str


@dataclass(frozen=True, slots=True)
class ReconciliationFacts(FinanceFacts):
    """Both ledgers of a period beside each other."""

    run: str
    period: str
    verdict: str
    internal: Money
    external: Money
    deviation: Money
    components: tuple[ComponentFacts, ...]
    breaks: tuple[BreakFacts, ...]
    claims: int
    claimed: Money
    data_as_of: datetime
    docs: str = ""
    checks: tuple[CheckFacts, ...] = ()
    quiet: bool = False
    """Whether nothing new was found: the message is brought up to what people did, and nobody is called."""


@dataclass(frozen=True, slots=True)
class QuarantineFacts(FinanceFacts):
    """A delivery that was refused whole; `resolved` is the one that is in the ledger now, in its place or itself."""

    source: str
    key: str
    code: str
    reason: str
    delivered_at: datetime | None = None
    resolved: str = ""


@dataclass(frozen=True, slots=True)
class FailureFacts(EveryoneFacts):
    """A run that failed: its own message, so that it never reads as "no breaks"."""

    dag: str
    run: str
    period: str = ""


@dataclass(frozen=True, slots=True)
class ApproverMissingFacts(EveryoneFacts):
    """Somebody was to be asked whom people.yaml does not know, and who was asked in their place."""

    request: str
    department: str
    role: str
    person: str
    asked: tuple[str, ...] = ()


F = TypeVar("F", bound=EveryoneFacts | FinanceFacts)


_adapters: dict[type, TypeAdapter[Any]] = {}


def _adapter(kind: type) -> TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def read_facts(kind: type[F], facts: Mapping[str, Any]) -> F:
    """Facts from their JSON.

    Raises:
        pydantic.ValidationError: a key is missing, unknown, or of another type.
    """
    read: F = _adapter(kind).validate_python(facts)
    return read


def facts_json(facts: EveryoneFacts | FinanceFacts) -> dict[str, Any]:
    """The JSON that `read_facts` reads: decimals as text, instants as ISO 8601."""
    dumped: dict[str, Any] = _adapter(type(facts)).dump_python(facts, mode="json")
    return dumped
