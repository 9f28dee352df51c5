"""deliver_outbox: what is queued leaves.

Delivers every message that is due: cards and alerts to Slack, or to nowhere but the outbox itself where no
token is set, and wake-ups to Airflow's approval tasks. In order within a channel, each once.

**Runs** every minute, and at once when the asset `outbox` says that something waits.

**Who reads it**: everybody who is told anything; `twinledger outbox list` and the outbox page show the
queue, with the error of what could not be delivered.

**When it fails**, nothing is lost: an item is marked only after it was delivered. Slack or Airflow being
away is no failure; the item waits, longer each time. The log names the kind of item that surprised us.
"""

from __future__ import annotations

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from twinledger.airflow.assets import OUTBOX
from twinledger.airflow.policy import QUICK_RETRIES, tell_operators


@dag(
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("* * * * *", timezone="UTC"), assets=[OUTBOX]),
    doc_md=__doc__,
    tags=["messages"],
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "platform-finance", **QUICK_RETRIES},
    on_failure_callback=tell_operators,
)
def deliver_outbox() -> None:
    """One task."""

    @task
    def deliver() -> dict[str, int]:
        """Drain the outbox; how many items were sent, will be tried again, and were given up."""
        from twinledger.airflow.books import open_books
        from twinledger.airflow.senders import open_senders
        from twinledger.outbox import drain

        with open_books() as books, open_senders(books) as sender:
            result = drain(books.store, sender, books.clock)
        return {"sent": result.sent, "retried": result.retried, "failed": result.failed}

    deliver()


deliver_outbox()
