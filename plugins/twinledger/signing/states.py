"""The life of a signature, as one table.

What belongs here: the states, and what people move between them. What does not: doing it, and what a run
changes (`change`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["open", "prepared", "signed", "refused", "withdrawn", "gone"]
Event = Literal["prepare", "sign", "refuse", "withdraw"]
By = Literal["finance", "reviewer", "signer"]
"""Anybody of finance; of them not who prepared it; who prepared or signed it."""

HELD: frozenset[str] = frozenset({"prepared", "signed"})
"""States in which a statement, and what belongs to it, is fixed."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One event on a statement: what its signature becomes, and who may cause it."""

    start: State
    event: Event
    end: State
    by: By


_TABLE = (
    #          from         event       to           by
    Transition("open", "prepare", "prepared", "finance"),
    Transition("refused", "prepare", "prepared", "finance"),
    Transition("withdrawn", "prepare", "prepared", "finance"),
    Transition("prepared", "sign", "signed", "reviewer"),
    Transition("prepared", "refuse", "refused", "reviewer"),
    Transition("prepared", "withdraw", "withdrawn", "signer"),
    Transition("signed", "withdraw", "withdrawn", "signer"),
)

TRANSITIONS: dict[tuple[str, Event], Transition] = {(one.start, one.event): one for one in _TABLE}
"""What is not in here is not possible; `gone` is a pool that neither ledger has anything of any more."""

ENTITLED: dict[Event, By] = {one.event: one.by for one in _TABLE}
"""Who may cause an event, whatever the state."""
