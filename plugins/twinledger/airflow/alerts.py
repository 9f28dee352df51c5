"""What the DAGs that evaluate the rules of alerts have in common.

What belongs here: what a task says of an evaluation. What does not: evaluating (`alerts`).
"""

from __future__ import annotations

import structlog

from twinledger.alerts import evaluate
from twinledger.books import Books
from twinledger.vocabulary.periods import Period

log = structlog.get_logger(__name__)


def evaluated(books: Books, period: Period) -> dict[str, int]:
    """Evaluate the rules; how many of them hold, and messages. Rules that never can are in the task's log."""
    found = evaluate(books, period)
    for rule, department in found.unknown:
        log.warning("alerts.unknown_department", rule=rule, department=department)
    return {"signals": len(found.signals), "messages": len(found.messages)}
