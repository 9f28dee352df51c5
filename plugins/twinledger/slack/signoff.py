"""Signatures in Slack: the card of a statement that waits for one, what its people are told, and a closed period.

What belongs here: their facts, and what the cards say. What does not: buttons coming back (`signoff_buttons`).
All of it is for finance only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from twinledger.signing import signature
from twinledger.slack.blocks import (
    Block,
    Message,
    actions,
    button,
    confirmation,
    context,
    escaped,
    fields,
    header,
    link,
    link_button,
    message,
    quotation,
    section,
)
from twinledger.slack.facts import FinanceFacts
from twinledger.store.models import Person
from twinledger.vocabulary.money import Money, signed

SIGN, REFUSE, STATEMENT = "signoff_sign", "signoff_refuse", "signoff_statement"
"""The action ids of the buttons; the value of each is `SignoffFacts.place` as JSON."""

_LISTED = 15
_HEADINGS = {
    "prepared": "To be signed",
    "signed": "Signed",
    "refused": "Not signed",
    "withdrawn": "Signature withdrawn",
    "gone": "Nothing to sign",
}


@dataclass(frozen=True, slots=True)
class SignoffFacts(FinanceFacts):
    """One statement as it is now; `shown` is what an answer to this card is to."""

    period: str
    pool: str
    state: str
    shown: str
    internal: Money
    external: Money
    deviation: Money
    unexplained: Money
    breaks: int
    digest: str
    prepared_by: str
    prepared_at: datetime | None
    note: str
    decided_by: str
    decided_at: datetime | None
    decided_on: str
    comment: str

    @property
    def place(self) -> dict[str, str]:
        """What a click says of itself."""
        return {"period": self.period, "pool": self.pool, "shown": self.shown}


@dataclass(frozen=True, slots=True)
class FigureFacts(FinanceFacts):
    """One figure that is not what it was; empty where it was not, or is no more."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class SignoffReplyFacts(FinanceFacts):
    """What became of a statement that somebody prepared or signed."""

    period: str
    pool: str
    state: str
    who: str
    at: str
    surface: str
    comment: str
    changes: tuple[FigureFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class SignedFacts(FinanceFacts):
    """Who prepared and signed one statement."""

    pool: str
    prepared_by: str
    signed_by: str


@dataclass(frozen=True, slots=True)
class PeriodClosedFacts(FinanceFacts):
    """A period that is closed, and the signatures that it was closed on."""

    period: str
    asked_by: str
    decided_by: str
    surface: str
    comment: str
    statements: tuple[SignedFacts, ...]
    audit_head: str


def signoff_facts(session: Session, facts: dict[str, Any]) -> SignoffFacts:
    """The facts of a statement's card, from the store; `facts` are the outbox item's."""
    seen = signature(session, str(facts["period"]), str(facts["pool"]))

    def money(name: str) -> Money:
        return Money(Decimal(seen.figures.get(name, "0")), str(facts["currency"]))

    return SignoffFacts(
        period=seen.period,
        pool=seen.pool,
        state=seen.state,
        shown=seen.shown,
        internal=money("internal"),
        external=money("external"),
        deviation=money("deviation"),
        unexplained=money("unexplained"),
        breaks=sum(name.startswith("break ") for name in seen.figures),
        digest=seen.digest or "",
        prepared_by=_title(session, seen.prepared_by),
        prepared_at=seen.prepared_at,
        note=seen.note or "",
        decided_by=_title(session, seen.decided_by),
        decided_at=seen.decided_at,
        decided_on=seen.decided_on or "",
        comment=seen.comment or "",
    )


def _title(session: Session, name: str | None) -> str:
    person = session.get(Person, name) if name else None
    return person.title if person else name or ""


# --- cards -----------------------------------------------------------------------------------


def signoff_card(facts: SignoffFacts, url: str) -> Message:
    """A statement: with buttons while it waits for its signature, without any else."""
    heading = f"{_HEADINGS.get(facts.state, facts.state.capitalize())}: {facts.pool}, {facts.period}"
    breaks = "no break" if not facts.breaks else f"{facts.breaks} break{'' if facts.breaks == 1 else 's'}"
    sentence = (
        f"{escaped(facts.prepared_by, 100)} prepared the statement of {escaped(facts.pool, 100)} for {facts.period}: "
        f"deviation {signed(facts.deviation)}, unexplained {signed(facts.unexplained)}, {breaks}"
    )
    pairs = [("Internal ledger", str(facts.internal)), ("External ledger", str(facts.external))]
    blocks = [header(heading), section(f"{sentence}."), fields(pairs), *quotation(facts.note)]
    if facts.state == "prepared":
        blocks.append(_buttons(facts, url))
        small = f"For finance, and not {escaped(facts.prepared_by, 100)}"
    else:
        blocks += [section(f"*{_ending(facts)}*"), *quotation(facts.comment)]
        small = link(url, "Statement")
    return message(f"{heading}. {sentence}", [*blocks, context(f"{small} · digest `{escaped(facts.digest, 64)}`")])


def _ending(facts: SignoffFacts) -> str:
    word = _HEADINGS.get(facts.state, facts.state.capitalize())
    at = f" at {_when(facts.decided_at)}" if facts.decided_at else ""
    by = f" by {escaped(facts.decided_by, 100)}" if facts.decided_by else ""
    return f"{word}{by}{at}" + (f" on {escaped(facts.decided_on, 40)}" if facts.decided_on else "")


def _when(instant: datetime) -> str:
    return f"{instant:%d %b %Y, %H:%M} UTC".lstrip("0")


def _buttons(facts: SignoffFacts, url: str) -> Block:
    value = json.dumps(facts.place)
    question = confirmation(
        "Sign this statement?", f"{facts.pool}, {facts.period}: deviation {signed(facts.deviation)}.", "Sign"
    )
    return actions(
        button("Sign", SIGN, value, style="primary", confirm=question),
        button("Refuse", REFUSE, value, style="danger"),
        link_button("Statement", STATEMENT, url),
    )


def signoff_reply_card(facts: SignoffReplyFacts, url: str) -> Message:
    """What who prepared or signed a statement is told of it."""
    named = f"The statement of {escaped(facts.pool, 100)} for {facts.period}"
    if facts.changes:
        sentence = f"{named} is not signed any more: its figures changed"
        lines = [f"• {escaped(one.name, 150)}: {_figure(one.before)} → {_figure(one.after)}" for one in facts.changes]
        more = len(lines) - _LISTED
        text = "\n".join([*lines[:_LISTED], *([f"and {more} more on the page"] if more > 0 else [])])
        return message(sentence, [section(f"*{sentence}.* {link(url, 'Signatures')}"), section(text)])
    sentence = f"{named} is {facts.state} by {escaped(facts.who, 100)}"
    return message(sentence, [section(f"{sentence}. {link(url, 'Signatures')}"), *quotation(facts.comment)])


def _figure(text: str) -> str:
    return escaped(text, 60) or "none"


def closed_card(facts: PeriodClosedFacts, url: str) -> Message:
    """A period that is closed: by whom, on whose signatures; with the audit trail's head to be kept."""
    sentence = (
        f"{facts.period} is closed: asked by {escaped(facts.asked_by, 100)}, "
        f"agreed by {escaped(facts.decided_by, 100)} on {escaped(facts.surface, 40)}"
    )
    lines = [
        f"• {escaped(one.pool, 100)}: prepared by {escaped(one.prepared_by, 100)}, signed by "
        f"{escaped(one.signed_by, 100)}"
        for one in facts.statements
    ]
    blocks = [
        header(f"Closed: {facts.period}"),
        section(f"{sentence}."),
        *quotation(facts.comment),
        section("*Statements*\n" + "\n".join(lines)),
        context(f"{link(url, 'Signatures')} · audit trail `{escaped(facts.audit_head, 120)}`"),
    ]
    return message(sentence, blocks)
