"""What the messages of alerts are made from.

What belongs here: the facts of an alert, of a digest and of a storm, for both audiences. What does not: words and
layout (`alert_cards`), and when something is told (`alerts`).

Kinds of outbox items: `alert` with one alert, whose identity is the item's subject, and `alert_digest`. The item's
audience chooses its facts and its card: `AlertFacts` and `DigestFacts` for everyone, `FinanceAlertFacts` and
`FinanceDigestFacts`, by the cards `finance_alert` and `finance_alert_digest`, for finance. State, assignee and deeds
are read from the store when a message is shown; the rest is what its facts say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from twinledger.slack.facts import EveryoneFacts, FinanceFacts
from twinledger.vocabulary.money import Money


@dataclass(frozen=True, slots=True)
class AlertCauseFacts(EveryoneFacts):
    """What an impact comes from, in internal charges."""

    name: str
    amount: Money


@dataclass(frozen=True, slots=True)
class FinanceAlertCauseFacts(FinanceFacts):
    """What an impact comes from, in what vendors charged."""

    name: str
    amount: Money


@dataclass(frozen=True, slots=True)
class AlertFacts(EveryoneFacts):
    """One alert, in internal charges; its state, owner and deeds are read from the store when it is shown.

    `kind` is used | forecast | pace | anomaly; `subject` the name of the budget or series; `expected` is the plan, or
    what a series should have been; `impact` = actual - expected; `evidence` a short sentence of what changed since the
    last message, empty at first; `start` where a chart begins and `through` where it ends, days.
    """

    alert: str
    kind: Literal["used", "forecast", "pace", "anomaly"]
    rule: str
    subject: str
    title: str
    department: str
    period: str
    actual: Money
    expected: Money
    impact: Money
    since: date | None
    causes: tuple[AlertCauseFacts, ...]
    reason: str
    data_as_of: datetime
    state: str = "new"
    owner: str = ""
    assignee: str = ""
    life: str = ""
    evidence: str = ""
    anomaly: str = ""
    """The anomaly's id, where it is one: its card asks for an answer (yes, no, planned)."""
    answer: str = ""
    """Who answered what, read from the store when it is shown; then nobody is asked any more."""
    escalated: bool = False
    quiet: bool = False
    """Whether nothing new was found: the message shows what people did, and nobody is called."""


@dataclass(frozen=True, slots=True)
class FinanceAlertFacts(FinanceFacts):
    """As `AlertFacts`, in what vendors charged."""

    alert: str
    kind: Literal["used", "forecast", "pace", "anomaly"]
    rule: str
    subject: str
    title: str
    department: str
    period: str
    actual: Money
    expected: Money
    impact: Money
    since: date | None
    causes: tuple[FinanceAlertCauseFacts, ...]
    reason: str
    data_as_of: datetime
    state: str = "new"
    owner: str = ""
    assignee: str = ""
    life: str = ""
    evidence: str = ""
    anomaly: str = ""
    answer: str = ""
    escalated: bool = False
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class DigestLineFacts(EveryoneFacts):
    """One alert in a digest, in internal charges."""

    alert: str
    rule: str
    title: str
    period: str
    impact: Money
    state: str


@dataclass(frozen=True, slots=True)
class FinanceDigestLineFacts(FinanceFacts):
    """One alert in a digest, in what vendors charged."""

    alert: str
    rule: str
    title: str
    period: str
    impact: Money
    state: str


@dataclass(frozen=True, slots=True)
class DigestFacts(EveryoneFacts):
    """A channel's day: what is worth knowing and was not worth a message of its own; the largest money first.

    `count` is how many there are in all; `lines` holds the first of them. `storm` says that they are new alerts of one
    run that were too many to tell one by one.
    """

    channel: str
    day: date
    count: int
    lines: tuple[DigestLineFacts, ...]
    storm: bool = False


@dataclass(frozen=True, slots=True)
class FinanceDigestFacts(FinanceFacts):
    """As `DigestFacts`, in what vendors charged."""

    channel: str
    day: date
    count: int
    lines: tuple[FinanceDigestLineFacts, ...]
    storm: bool = False
