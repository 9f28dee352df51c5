"""The life of a request, as one table.

What belongs here: the states, and what moves between them. What does not: doing it, and the stages that a pending
request goes through (`stages`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["pending", "approved", "denied", "withdrawn", "expired", "superseded"]
Event = Literal["approve", "deny", "withdraw", "expire", "supersede"]
Answer = Literal["approve", "deny"]
By = Literal["approver", "requester", "timer"]


@dataclass(frozen=True, slots=True)
class Transition:
    """One event on a request: what it and its commitment become, and who may cause it."""

    start: State
    event: Event
    end: State
    commitment: Literal["posted", "void", "expired"]
    granted: bool
    by: By


_TABLE = (
    #          from       event        to            commitment  grant  by
    Transition("pending", "approve", "approved", "posted", True, "approver"),
    Transition("pending", "deny", "denied", "void", False, "approver"),
    Transition("pending", "withdraw", "withdrawn", "void", False, "requester"),
    Transition("pending", "expire", "expired", "expired", False, "timer"),
    Transition("pending", "supersede", "superseded", "void", False, "requester"),
)

TRANSITIONS: dict[tuple[str, Event], Transition] = {(one.start, one.event): one for one in _TABLE}
"""What is not in here is not possible: every state but `pending` is the last. An approval of a stage that is not the
last one leaves the request pending, at its next stage."""

ENTITLED: dict[Event, By] = {one.event: one.by for one in _TABLE}
"""Who may cause an event, whatever the state."""
