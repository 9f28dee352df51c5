"""The life of an alert, as one table.

What belongs here: what is possible from which state. What does not: who may (`routing`), and doing it (`life` for
people, `decide` for evaluations).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from twinledger.alerts.alert import State

Event = Literal["acknowledge", "snooze", "assign", "comment", "wake", "resolve", "reopen"]
OPEN: frozenset[State] = frozenset({"new", "acknowledged", "snoozed"})


@dataclass(frozen=True, slots=True)
class Transition:
    """What an event does to an alert, and from where."""

    event: Event
    start: frozenset[State]
    end: State | None
    """None where the state stays."""
    by: Literal["people", "evaluation"]


TRANSITIONS: dict[Event, Transition] = {
    one.event: one
    for one in (
        #          event          from                           to              by
        Transition("acknowledge", OPEN - {"acknowledged"}, "acknowledged", "people"),
        Transition("snooze", OPEN, "snoozed", "people"),
        Transition("assign", OPEN, None, "people"),
        Transition("comment", OPEN | {"resolved"}, None, "people"),
        Transition("wake", frozenset({"snoozed"}), "new", "evaluation"),
        Transition("resolve", OPEN, "resolved", "evaluation"),
        Transition("reopen", frozenset({"resolved"}), "new", "evaluation"),
    )
}
"""What is not in here is not possible. An alert is opened as `new` by an evaluation."""
