"""Alerts: what of budgets and anomalies is told, to whom, when, and what became of it.

What belongs here: rules, an alert's identity and life, routing by the tree of departments, digests, storms and quiet
hours. What does not: where a budget stands (`budgets`), finding anomalies (`anomalies`), and what a message looks like
(`slack`).

    (a rule fires) ──► new ── acknowledge ──► acknowledged
                        │ ▲ ◄── its time is over, or it has grown ── snoozed ◄── snooze
                        │ └── fires again ──────────┐
                        └── gone, ended, or answered ──► resolved
"""

from twinledger.alerts.alert import Alert, Cause, Place, Signal
from twinledger.alerts.decide import Looked, Turn, World
from twinledger.alerts.evaluate import Evaluated, evaluate, evaluate_on, period_of_yesterday, tend, unknown_departments
from twinledger.alerts.kept import AlertView, alert_view
from twinledger.alerts.life import acknowledge, assign, comment, snooze
from twinledger.alerts.messages import CARD, DIGEST
from twinledger.alerts.replay import Rehearsal, Replayed, Sent, replay, replayed, summed
from twinledger.alerts.rules import AlertsFile, load_rules
from twinledger.alerts.states import TRANSITIONS, Event, Transition
from twinledger.alerts.telling import Decided
from twinledger.alerts.words import in_words
from twinledger.alerts.worklist import AlertHistory, WantedAlerts, alert_history, alert_list, find_alert

__all__ = [
    "CARD",
    "DIGEST",
    "TRANSITIONS",
    "Alert",
    "AlertHistory",
    "AlertView",
    "AlertsFile",
    "Cause",
    "Decided",
    "Evaluated",
    "Event",
    "Looked",
    "Place",
    "Rehearsal",
    "Replayed",
    "Sent",
    "Signal",
    "Transition",
    "Turn",
    "WantedAlerts",
    "World",
    "acknowledge",
    "alert_history",
    "alert_list",
    "alert_view",
    "assign",
    "comment",
    "evaluate",
    "evaluate_on",
    "find_alert",
    "in_words",
    "load_rules",
    "period_of_yesterday",
    "replay",
    "replayed",
    "snooze",
    "summed",
    "tend",
    "unknown_departments",
]
