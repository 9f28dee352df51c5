"""What every DAG has in common: retries, owner's arguments, and what happens when a run fails.

What belongs here: arguments of DAGs and tasks. What does not: schedules, which differ.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

log = logging.getLogger(__name__)

QUICK_RETRIES = {"retries": 3, "retry_delay": timedelta(seconds=10), "retry_exponential_backoff": 2.0}
"""For what fails by a race or a short outage and is cheap to repeat: after 10 s, 20 s and 40 s."""

RETRIES = {"retries": 2, "retry_delay": timedelta(seconds=30), "retry_exponential_backoff": 4.0}
"""For work of minutes: after half a minute and two minutes."""


def tell_operators(context: Mapping[str, Any]) -> None:
    """Queue a message to the operators that a run failed: a failed run must never read as "no breaks".

    Called by Airflow at the end of the run, wherever it processes callbacks. The message names the
    DAG, the run and the period, and carries no exception text, which may quote an amount.
    """
    from twinledger.deployment import open_books  # noqa: PLC0415 - heavy, and only a failure needs it
    from twinledger.outbox import Message, enqueue  # noqa: PLC0415 - likewise

    run = context["dag_run"]
    with open_books() as books, books.store.transaction() as session:
        message = Message(
            kind="failure",
            subject=f"{run.dag_id} {run.run_id}",
            channel=books.settings.slack.operators_channel,
            audience="everyone",
            facts={"dag": run.dag_id, "run": run.run_id, "period": getattr(run, "partition_key", None) or ""},
        )
        enqueue(session, message, books.clock)
    log.info("operators are told of %s", run.run_id)
