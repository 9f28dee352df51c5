"""tend_alerts: what time alone does to alerts.

An alert that nobody has acknowledged goes one step up the tree of departments; one whose snooze is over is new again;
one of a month that ended long ago is over. Budgets and anomalies are not looked at: that is `budget_variance` and
`find_anomalies`.

**Runs** every hour, and by hand.

**Who reads it**: owners of departments, their budget holders, those above them, and finance, in Slack;
`twinledger alerts show` says who was told when.

**When it fails**, nothing has changed: run it again, each step is taken once.
"""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, dag, task

from twinledger.airflow.assets import OUTBOX
from twinledger.airflow.policy import RETRIES, tell_operators


@dag(
    schedule=CronTriggerTimetable("30 * * * *", timezone="UTC"),
    doc_md=__doc__,
    tags=["budget"],
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "platform-finance", **RETRIES},
    on_failure_callback=tell_operators,
)
def tend_alerts() -> None:
    """One task."""

    @task(outlets=[OUTBOX])
    def tend() -> int:
        """Wake, escalate and end what is due; how many messages there are of it."""
        from twinledger.airflow.books import open_books
        from twinledger.alerts import tend

        with open_books() as books:
            return len(tend(books).messages)

    tend()


tend_alerts()
