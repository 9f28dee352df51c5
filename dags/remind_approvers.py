"""remind_approvers: requests that wait are put to their approvers once more.

A request that has waited for a working day is sent to its approvers directly; one that has waited for two is put to
more people: who stands in for them, and whoever is next above them. One whose time has run out is ended, should
Airflow's own timer not have done so.

**Runs** every hour, and by hand. Outside of working hours (Monday to Friday, 9 to 18 in the company's time zone)
nobody is reminded.

**Who reads it**: approvers, in Slack; `twinledger request show` says who was asked when.

**When it fails**, nobody was reminded, or some were: run it again, each reminder is sent once.
"""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, dag, task

from twinledger.airflow.assets import OUTBOX
from twinledger.airflow.policy import RETRIES, tell_operators


@dag(
    schedule=CronTriggerTimetable("0 * * * *", timezone="UTC"),
    doc_md=__doc__,
    tags=["approval"],
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "platform-finance", **RETRIES},
    on_failure_callback=tell_operators,
)
def remind_approvers() -> None:
    """One task."""

    @task(outlets=[OUTBOX])
    def remind() -> dict[str, int]:
        """Remind, escalate and expire what is due; how many of each."""
        from twinledger.airflow.books import open_books
        from twinledger.approvals import expire_due, remind_due

        with open_books() as books:
            expired = expire_due(books)
            due = remind_due(books)
        return {"reminded": len(due.reminded), "escalated": len(due.escalated), "expired": len(expired)}

    remind()


remind_approvers()
